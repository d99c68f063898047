//! Images of development servers, exporters, network nodes, and tools that run once. Sources: the nixpkgs package set
//! and the NixOS modules for programs and flags, the images' own documentation for ports and paths.

use super::{PackageImage, package};

/// Development servers, exporters and tools.
pub(super) static TOOLS: &[PackageImage] = &[
    PackageImage {
        usual: &["/etc/alloy/config.alloy"],
        ready: Some((12345, "/-/ready")),
        ..package(
            &["alloy"],
            "grafana-alloy",
            "alloy",
            &[(12345, "")],
            &["run", "--server.http.listen-addr=127.0.0.1:{12345}", "--storage.path={data}"],
        )
    },
    package(&["mimir"], "mimir", "mimir", &[], &[]),
    PackageImage {
        usual: &["-c", "/usr/share/filebeat/filebeat.yml"],
        ..package(&["filebeat"], "filebeat8", "filebeat", &[], &["-e", "--path.data", "{data}"])
    },
    PackageImage {
        usual: &["-c", "/usr/share/metricbeat/metricbeat.yml"],
        ..package(&["metricbeat"], "metricbeat8", "metricbeat", &[], &["-e", "--path.data", "{data}"])
    },
    PackageImage {
        ready: Some((9428, "/health")),
        ..package(
            &["victoria-logs"],
            "victorialogs",
            "victoria-logs",
            &[(9428, "")],
            &["-httpListenAddr=127.0.0.1:{9428}", "-storageDataPath={data}"],
        )
    },
    PackageImage {
        ready: Some((8429, "/health")),
        ..package(
            &["vmagent"],
            "vmagent",
            "vmagent",
            &[(8429, "")],
            &["-httpListenAddr=127.0.0.1:{8429}", "-remoteWrite.tmpDataPath={data}"],
        )
    },
    PackageImage {
        ready: Some((8880, "/health")),
        ..package(&["vmalert"], "victoriametrics", "vmalert", &[(8880, "")], &["-httpListenAddr=127.0.0.1:{8880}"])
    },
    PackageImage {
        variables: &[("ZO_HTTP_ADDR", "127.0.0.1"), ("ZO_HTTP_PORT", "{5080}"), ("ZO_DATA_DIR", "{data}")],
        ready: Some((5080, "/healthz")),
        ..package(&["openobserve"], "openobserve", "openobserve", &[(5080, "")], &[])
    },
    package(
        &["ncabatoff/process-exporter"],
        "prometheus-process-exporter",
        "process-exporter",
        &[(9256, "")],
        &["--web.listen-address=127.0.0.1:{9256}"],
    ),
    package(&["traefik/whoami", "containous/whoami"], "whoami", "whoami", &[(80, "")], &["--port", "{80}"]),
    package(
        &["snmp-exporter"],
        "prometheus-snmp-exporter",
        "snmp_exporter",
        &[(9116, "")],
        &["--web.listen-address=127.0.0.1:{9116}"],
    ),
    package(
        &["graphite-exporter"],
        "prometheus-graphite-exporter",
        "graphite_exporter",
        &[(9108, "")],
        &["--web.listen-address=127.0.0.1:{9108}"],
    ),
    PackageImage {
        note: "Caddy's file server replaces Apache",
        takes_command: false,
        ..package(
            &["httpd"],
            "caddy",
            "caddy",
            &[(80, "")],
            &["file-server", "--listen", "127.0.0.1:{80}", "--root", "{/usr/local/apache2/htdocs}"],
        )
    },
    package(
        &["dragonflydb/dragonfly"],
        "dragonflydb",
        "dragonfly",
        &[(6379, "")],
        &["--logtostderr", "--bind=127.0.0.1", "--port={6379}", "--dir={data}"],
    ),
    PackageImage {
        variables: &[("FERRETDB_LISTEN_ADDR", "127.0.0.1:{27017}"), ("FERRETDB_STATE_DIR", "{data}")],
        ..package(&["ferretdb/ferretdb"], "ferretdb", "ferretdb", &[(27017, "")], &[])
    },
    PackageImage {
        variables: &[
            ("OPENFGA_HTTP_ADDR", "127.0.0.1:{8080}"),
            ("OPENFGA_GRPC_ADDR", "127.0.0.1:{8081}"),
            ("OPENFGA_PLAYGROUND_PORT", "{3000}"),
        ],
        ..package(&["openfga/openfga"], "openfga", "openfga", &[(8080, ""), (8081, "grpc"), (3000, "playground")], &[])
    },
    PackageImage {
        variables: &[("SPICEDB_GRPC_ADDR", "127.0.0.1:{50051}"), ("SPICEDB_HTTP_ADDR", "127.0.0.1:{8443}")],
        ..package(&["authzed/spicedb"], "spicedb", "spicedb", &[(50051, ""), (8443, "http")], &[])
    },
    PackageImage {
        variables: &[
            ("SERVE_PUBLIC_HOST", "127.0.0.1"),
            ("SERVE_PUBLIC_PORT", "{4433}"),
            ("SERVE_ADMIN_HOST", "127.0.0.1"),
            ("SERVE_ADMIN_PORT", "{4434}"),
        ],
        ..package(&["oryd/kratos"], "kratos", "kratos", &[(4433, ""), (4434, "admin")], &[])
    },
    PackageImage {
        variables: &[("ZITADEL_PORT", "{8080}")],
        ready: Some((8080, "/debug/ready")),
        ..package(&["zitadel/zitadel"], "zitadel", "zitadel", &[(8080, "")], &[])
    },
    PackageImage {
        ready: Some((8090, "/api/health")),
        ..package(
            &["muchobien/pocketbase", "pocketbase/pocketbase"],
            "pocketbase",
            "pocketbase",
            &[(8090, "")],
            &["serve", "--http=127.0.0.1:{8090}", "--dir={data}"],
        )
    },
    PackageImage {
        ready: Some((4873, "/-/ping")),
        ..package(&["verdaccio"], "verdaccio", "verdaccio", &[(4873, "")], &["--listen", "127.0.0.1:{4873}"])
    },
    PackageImage {
        ready: Some((8080, "/status/200")),
        ..package(
            &["go-httpbin"],
            "go-httpbin",
            "go-httpbin",
            &[(8080, "")],
            &["-host", "127.0.0.1", "-port", "{8080}"],
        )
    },
    PackageImage {
        ready: Some((4000, "/health/liveliness")),
        ..package(&["litellm"], "litellm", "litellm", &[(4000, "")], &["--host", "127.0.0.1", "--port", "{4000}"])
    },
    PackageImage {
        variables: &[("LOCALAI_ADDRESS", "127.0.0.1:{8080}")],
        ready: Some((8080, "/readyz")),
        ..package(&["localai/localai"], "local-ai", "local-ai", &[(8080, "")], &[])
    },
    package(
        &["boltz/bitcoin-core", "ruimarinho/bitcoin-core", "bitcoin/bitcoin", "lncm/bitcoind"],
        "bitcoind",
        "bitcoind",
        &[],
        &["-datadir={data}"],
    ),
    package(&["boltz/lnd", "lightninglabs/lnd"], "lnd", "lnd", &[], &["--lnddir={data}"]),
    package(
        &["boltz/c-lightning", "elementsproject/lightningd"],
        "clightning",
        "lightningd",
        &[],
        &["--lightning-dir={data}"],
    ),
    package(&["boltz/eclair", "acinq/eclair"], "eclair", "eclair-node", &[], &["-Declair.datadir={data}"]),
    package(&["boltz/electrs", "getumbrel/electrs"], "electrs", "electrs", &[], &["--db-dir={data}"]),
    package(&["boltz/elements", "blockstream/elementsd"], "elements", "elementsd", &[], &["-datadir={data}"]),
    package(
        &["flyway/flyway", "redgate/flyway", "boxfuse/flyway"],
        "flyway",
        "flyway",
        &[],
        &["-locations=filesystem:{/flyway/sql}"],
    ),
    package(&["liquibase"], "liquibase", "liquibase", &[], &[]),
    package(&["amacneil/dbmate"], "dbmate", "dbmate", &[], &[]),
    package(&["amazon/aws-cli", "aws-cli/aws-cli"], "awscli2", "aws", &[], &[]),
    package(&["edenhill/kcat", "edenhill/kafkacat", "cp-kafkacat", "cp-kcat"], "kcat", "kcat", &[], &[]),
    package(&["alpine/git"], "git", "git", &[], &[]),
    package(&["alpine/socat"], "socat", "socat", &[], &[]),
    package(&["composer"], "phpPackages.composer", "composer", &[], &[]),
    package(&["stripe/stripe-cli"], "stripe-cli", "stripe", &[], &[]),
];
