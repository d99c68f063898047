//! Images of programs that are in nixpkgs and have no service in services-flake. Sources: the packages' definitions in
//! nixpkgs for attributes and programs, the programs' own documentation for flags, variables and health endpoints.

mod applications;
mod tools;
mod wordpress;

use wordpress::{WORDPRESS, WORDPRESS_FPM};

/// The form of the configuration files of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileForm {
    /// Lines of the form `key = value`. Only the values of some keys are paths: [`is_path_of_rabbitmq`].
    RabbitMq,
    /// Any other text.
    Other,
}

/// Variables with arguments of a program. The arguments in a Compose file follow those of the package.
pub const ARGUMENT_VARIABLES: [&str; 1] = ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"];

/// A nixpkgs package that runs as a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageImage {
    /// Repositories of the image, as for [`super::ServiceImage`].
    pub images: &'static [&'static str],
    /// What the tag of the image contains; empty if the tag does not matter.
    pub tag: &'static str,
    /// The attribute in nixpkgs.
    pub package: &'static str,
    /// The program in its `bin`.
    pub program: &'static str,
    /// Its ports: the number in the container, and the label.
    pub ports: &'static [(u16, &'static str)],
    /// Its arguments. `{5672}` is the number of a port, `{data}` its data folder, `{/etc/x}` the file or folder in the
    /// repository that is mounted at this path in the image, `{name}` the name of its process, anything else a nixpkgs
    /// expression. `{{` and `}}` are braces.
    pub arguments: &'static [&'static str],
    /// Environment variables, with the same placeholders. Those with `{name}` are only set if several services run the
    /// package.
    pub variables: &'static [(&'static str, &'static str)],
    /// The port and HTTP path of its readiness probe.
    pub ready: Option<(u16, &'static str)>,
    /// The arguments with which the image runs the program by default, with paths inside the image.
    pub usual: &'static [&'static str],
    /// Whether the image's command consists of arguments of the program. Arguments for settings that are already set
    /// above are left out.
    pub takes_command: bool,
    /// Subcommands that the image's command may have instead of the one in `arguments`.
    pub subcommands: &'static [&'static str],
    /// Files and folders that the program reads at these paths in the image by default, and the variables that name
    /// them.
    pub reads: &'static [(&'static str, &'static str)],
    /// The form of its configuration files.
    pub form: FileForm,
    /// The part of a script that fills its data folder at the first start, with the same placeholders.
    pub first_start: &'static str,
    /// How it differs from the program in the image; empty if it is the same program.
    pub note: &'static str,
    /// What to do about the difference.
    pub todo: &'static str,
}

impl PackageImage {
    /// Whether its arguments, variables or first-start script set the number of the port `container`.
    pub fn sets(&self, container: u16) -> bool {
        self.contains(&format!("{{{container}}}"))
    }

    /// Whether its arguments, variables or first-start script contain its data folder.
    pub fn keeps_data(&self) -> bool {
        self.contains("{data}")
    }

    /// Whether its arguments, variables or first-start script contain the file or folder at a path in the image.
    pub fn is_told(&self, target: &str) -> bool {
        self.contains(&format!("{{{}}}", target.trim_end_matches('/')))
    }

    /// The paths in the image of the files and folders in its arguments and variables.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        let variables = self.variables.iter().map(|(_, value)| value);
        let parts = self.arguments.iter().chain(variables).flat_map(|text| text.split('{').skip(1));
        parts.filter_map(|part| part.split('}').next().filter(|path| path.starts_with('/')))
    }

    /// The attribute of the package whose files the first start copies into its data folder, or else its own attribute.
    pub fn files_of(&self) -> &'static str {
        let parts = self.first_start.split('{').skip(1).filter_map(|rest| rest.split(['}', '/']).next());
        let is_attribute = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
                && !matches!(*part, "data" | "name")
        };
        parts.into_iter().find(is_attribute).unwrap_or(self.package)
    }

    fn contains(&self, placeholder: &str) -> bool {
        let variables = self.variables.iter().map(|(_, value)| value);
        let texts = self.arguments.iter().chain(variables).chain([&self.first_start]);
        texts.into_iter().any(|text| text.contains(placeholder))
    }
}

const fn package(
    images: &'static [&'static str],
    package: &'static str,
    program: &'static str,
    ports: &'static [(u16, &'static str)],
    arguments: &'static [&'static str],
) -> PackageImage {
    PackageImage {
        images,
        tag: "",
        package,
        program,
        ports,
        arguments,
        variables: &[],
        ready: None,
        usual: &[],
        takes_command: true,
        subcommands: &[],
        reads: &[],
        form: FileForm::Other,
        first_start: "",
        note: "",
        todo: "check that only features supported by both programs are used",
    }
}

/// Images of programs without a service in services-flake.
pub fn packages() -> impl Iterator<Item = &'static PackageImage> {
    SERVERS.iter().chain(applications::APPLICATIONS).chain(tools::TOOLS)
}

/// Databases, brokers, proxies and other servers that programs use.
static SERVERS: &[PackageImage] = &[
    PackageImage {
        tag: "management",
        variables: RABBITMQ_MANAGEMENT,
        reads: RABBITMQ_FILES,
        form: FileForm::RabbitMq,
        ready: Some((15672, "/")),
        ..package(&["rabbitmq"], "rabbitmq-server", "rabbitmq-server", &[(5672, ""), (15672, "management")], &[])
    },
    PackageImage {
        variables: &[
            ("RABBITMQ_NODENAME", "{name}@localhost"),
            ("RABBITMQ_NODE_PORT", "{5672}"),
            ("RABBITMQ_MNESIA_BASE", "{data}/mnesia"),
            ("RABBITMQ_LOG_BASE", "{data}/log"),
        ],
        reads: RABBITMQ_FILES,
        form: FileForm::RabbitMq,
        ..package(&["rabbitmq"], "rabbitmq-server", "rabbitmq-server", &[(5672, "")], &[])
    },
    PackageImage {
        ready: Some((8233, "/")),
        ..package(
            &["temporalio/auto-setup", "temporalio/server", "temporalio/temporal", "temporalio/admin-tools"],
            "temporal-cli",
            "temporal",
            &[(7233, ""), (8233, "ui")],
            &["server", "start-dev", "--port", "{7233}", "--ui-port", "{8233}", "--db-filename", "{data}/temporal.db"],
        )
    },
    PackageImage {
        ready: Some((8080, "/realms/master")),
        subcommands: &["start"],
        ..package(&["keycloak"], "keycloak", "kc.sh", &[(8080, "")], &["start-dev", "--http-port", "{8080}"])
    },
    PackageImage {
        subcommands: &["agent"],
        ..package(
            &["vault"],
            "vault",
            "vault",
            &[(8200, "")],
            &["server", "-dev", "-dev-listen-address=127.0.0.1:{8200}"],
        )
    },
    PackageImage {
        ready: Some((8025, "/readyz")),
        ..package(
            &["mailpit"],
            "mailpit",
            "mailpit",
            &[(1025, "smtp"), (8025, "")],
            &["--listen", "127.0.0.1:{8025}", "--smtp", "127.0.0.1:{1025}", "--database", "{data}/mailpit.db"],
        )
    },
    PackageImage {
        note: "Mailpit replaces it",
        ..package(
            &["mailcatcher", "maildev", "sj26/mailcatcher", "dockage/mailcatcher", "reachfive/fake-smtp-server"],
            "mailpit",
            "mailpit",
            &[(1025, "smtp"), (1080, "")],
            &["--listen", "127.0.0.1:{1080}", "--smtp", "127.0.0.1:{1025}"],
        )
    },
    PackageImage {
        note: "Mailpit replaces it",
        ..package(
            &["smtp4dev"],
            "mailpit",
            "mailpit",
            &[(25, "smtp"), (80, "")],
            &["--listen", "127.0.0.1:{80}", "--smtp", "127.0.0.1:{25}"],
        )
    },
    PackageImage {
        ready: Some((7700, "/health")),
        ..package(
            &["meilisearch"],
            "meilisearch",
            "meilisearch",
            &[(7700, "")],
            &["--http-addr", "127.0.0.1:{7700}", "--db-path", "{data}"],
        )
    },
    PackageImage {
        ready: Some((8080, "/health?ready=1")),
        ..package(
            &["cockroach"],
            "cockroachdb",
            "cockroach",
            &[(26257, ""), (8080, "http")],
            &[
                "start-single-node",
                "--insecure",
                "--listen-addr=127.0.0.1:{26257}",
                "--http-addr=127.0.0.1:{8080}",
                "--store={data}",
            ],
        )
    },
    PackageImage {
        ready: Some((8086, "/health")),
        ..package(
            &["influxdb"],
            "influxdb2",
            "influxd",
            &[(8086, "")],
            &["--http-bind-address=127.0.0.1:{8086}", "--bolt-path={data}/influxd.bolt", "--engine-path={data}/engine"],
        )
    },
    PackageImage {
        note: "CouchDB requires an administrator, which the image creates from COUCHDB_USER and COUCHDB_PASSWORD",
        todo: "write an administrator under `[admins]` in a local.ini, and pass it with `-couch_ini`",
        ..package(&["couchdb"], "couchdb3", "couchdb", &[(5984, "")], &[])
    },
    package(&["eclipse-mosquitto", "mosquitto"], "mosquitto", "mosquitto", &[(1883, "")], &["-p", "{1883}"]),
    PackageImage {
        ready: Some((8108, "/health")),
        ..package(
            &["typesense"],
            "typesense",
            "typesense-server",
            &[(8108, "")],
            &["--data-dir", "{data}", "--api-port", "{8108}"],
        )
    },
    package(&["wiremock"], "wiremock", "wiremock", &[(8080, "")], &["--port", "{8080}", "--root-dir", "{data}"]),
    package(&["etcd"], "etcd", "etcd", &[(2379, ""), (2380, "peer")], ETCD),
    PackageImage {
        ready: Some((8500, "/v1/status/leader")),
        ..package(
            &["consul"],
            "consul",
            "consul",
            &[(8500, "")],
            &["agent", "-dev", "-http-port={8500}", "-data-dir={data}"],
        )
    },
    package(&["gitea"], "gitea", "gitea", &[(3000, "")], &["web", "--port", "{3000}", "--work-path", "{data}"]),
    package(&["cloudflared"], "cloudflared", "cloudflared", &[], &[]),
    PackageImage {
        usual: &["--config=/etc/otelcol/config.yaml"],
        ..package(
            &["otel/opentelemetry-collector", "opentelemetry-collector-releases/opentelemetry-collector"],
            "opentelemetry-collector",
            "otelcorecol",
            &[(4317, ""), (4318, "http")],
            &[],
        )
    },
    PackageImage {
        usual: &["--config=/etc/otelcol-contrib/config.yaml"],
        ..package(
            &[
                "otel/opentelemetry-collector-contrib",
                "opentelemetry-collector-releases/opentelemetry-collector-contrib",
            ],
            "opentelemetry-collector-contrib",
            "otelcol-contrib",
            &[(4317, ""), (4318, "http")],
            &[],
        )
    },
    package(&["jaegertracing/all-in-one", "jaegertracing/jaeger"], "jaeger", "jaeger", &[], &[]),
    package(&["garage"], "garage", "garage", &[], &["server"]),
    package(&["rustfs"], "rustfs", "rustfs", &[(9000, "")], &["--address", "127.0.0.1:{9000}", "{data}"]),
    package(&["surrealdb"], "surrealdb", "surreal", &[(8000, "")], &["start", "--bind", "127.0.0.1:{8000}"]),
    package(&["node-exporter"], "prometheus-node-exporter", "node_exporter", &[(9100, "")], NODE_EXPORTER),
    PackageImage {
        usual: &["--config.file=/etc/alertmanager/alertmanager.yml"],
        ready: Some((9093, "/-/ready")),
        ..package(&["alertmanager"], "prometheus-alertmanager", "alertmanager", &[(9093, "")], ALERTMANAGER)
    },
    PackageImage {
        usual: &["--config.file=/etc/blackbox_exporter/config.yml"],
        ..package(&["blackbox-exporter"], "prometheus-blackbox-exporter", "blackbox_exporter", &[(9115, "")], BLACKBOX)
    },
    package(&["postgres-exporter"], "prometheus-postgres-exporter", "postgres_exporter", &[(9187, "")], POSTGRES),
    package(&["redis_exporter"], "prometheus-redis-exporter", "redis_exporter", &[(9121, "")], REDIS),
    package(&["mysqld-exporter"], "prometheus-mysqld-exporter", "mysqld_exporter", &[(9104, "")], MYSQLD),
    package(
        &["mongodb_exporter", "mongodb-exporter"],
        "prometheus-mongodb-exporter",
        "mongodb_exporter",
        &[(9216, "")],
        MONGODB,
    ),
    package(
        &["nginx-prometheus-exporter", "nginx-exporter"],
        "prometheus-nginx-exporter",
        "nginx-prometheus-exporter",
        &[(9113, "")],
        NGINX,
    ),
    package(&["statsd-exporter"], "prometheus-statsd-exporter", "statsd_exporter", &[(9102, "")], STATSD),
    package(
        &["elasticsearch-exporter", "elasticsearch_exporter"],
        "prometheus-elasticsearch-exporter",
        "elasticsearch_exporter",
        &[(9114, "")],
        ELASTICSEARCH,
    ),
    package(&["memcached-exporter"], "prometheus-memcached-exporter", "memcached_exporter", &[(9150, "")], MEMCACHED),
    PackageImage {
        ready: Some((8080, "/healthz")),
        ..package(&["cadvisor"], "cadvisor", "cadvisor", &[(8080, "")], &["--listen_ip=127.0.0.1", "--port={8080}"])
    },
    PackageImage {
        usual: &["-config.file=/etc/promtail/config.yml"],
        ..package(&["promtail"], "promtail", "promtail", &[], &[])
    },
    PackageImage {
        usual: &["--config", "/etc/vector/vector.yaml"],
        ..package(&["timberio/vector", "vector"], "vector", "vector", &[], &[])
    },
    PackageImage {
        usual: &["-c", "/fluent-bit/etc/fluent-bit.conf"],
        ..package(&["fluent-bit"], "fluent-bit", "fluent-bit", &[], &[])
    },
    PackageImage {
        usual: &["-c", "/fluentd/etc/fluent.conf"],
        ..package(&["fluentd"], "fluentd", "fluentd", &[], &[])
    },
    PackageImage {
        usual: &["--config", "/etc/telegraf/telegraf.conf"],
        ..package(&["telegraf"], "telegraf", "telegraf", &[], &[])
    },
    package(&["k6"], "k6", "k6", &[], &[]),
    package(&["dex"], "dex-oidc", "dex", &[], &[]),
    package(&["oauth2-proxy"], "oauth2-proxy", "oauth2-proxy", &[(4180, "")], &["--http-address=127.0.0.1:{4180}"]),
    PackageImage {
        variables: &[("QUERY_PORT", "{9411}")],
        ready: Some((9411, "/health")),
        takes_command: false,
        ..package(&["zipkin", "zipkin-slim"], "zipkin", "zipkin-server", &[(9411, "")], &[])
    },
    PackageImage {
        variables: &[("N8N_PORT", "{5678}"), ("N8N_USER_FOLDER", "{data}")],
        ready: Some((5678, "/healthz")),
        ..package(&["n8n"], "n8n", "n8n", &[(5678, "")], &[])
    },
    PackageImage {
        variables: &[("PORT", "{3000}"), ("HOSTNAME", "127.0.0.1")],
        ready: Some((3000, "/api/heartbeat")),
        takes_command: false,
        ..package(&["umami"], "umami", "umami-server", &[(3000, "")], &[])
    },
    PackageImage {
        variables: &[("MB_JETTY_HOST", "127.0.0.1"), ("MB_JETTY_PORT", "{3000}"), ("MB_DB_FILE", "{data}/metabase.db")],
        ready: Some((3000, "/api/health")),
        takes_command: false,
        ..package(&["metabase"], "metabase", "metabase", &[(3000, "")], &[])
    },
    PackageImage {
        ready: Some((3000, "/health")),
        ..package(
            &["gotenberg"],
            "gotenberg",
            "gotenberg",
            &[(3000, "")],
            &["--api-bind-ip=127.0.0.1", "--api-port={3000}"],
        )
    },
    PackageImage {
        variables: &[("GOTRUE_API_HOST", "127.0.0.1"), ("PORT", "{9999}")],
        ready: Some((9999, "/health")),
        ..package(&["gotrue"], "gotrue-supabase", "auth", &[(9999, "")], &[])
    },
    PackageImage {
        variables: &[("PGRST_SERVER_HOST", "127.0.0.1"), ("PGRST_SERVER_PORT", "{3000}")],
        ..package(&["postgrest"], "haskellPackages.postgrest", "postgrest", &[(3000, "")], &[])
    },
    PackageImage {
        variables: &[("HTTP_PORT", "{8000}"), ("LISTEN_IP", "127.0.0.1")],
        ready: Some((8000, "/api/health")),
        takes_command: false,
        ..package(
            &["plausible/analytics", "plausible/community-edition"],
            "plausible",
            "plausible",
            &[(8000, "")],
            &["start"],
        )
    },
    PackageImage {
        variables: &[("JENKINS_HOME", "{data}")],
        ready: Some((8080, "/login")),
        takes_command: false,
        ..package(
            &["jenkins"],
            "jenkins",
            "jenkins",
            &[(8080, "")],
            &["--httpListenAddress=127.0.0.1", "--httpPort={8080}"],
        )
    },
    PackageImage {
        variables: &[("ROCKET_ADDRESS", "127.0.0.1"), ("ROCKET_PORT", "{80}"), ("DATA_FOLDER", "{data}")],
        ready: Some((80, "/alive")),
        takes_command: false,
        ..package(&["vaultwarden/server"], "vaultwarden", "vaultwarden", &[(80, "")], &[])
    },
    PackageImage {
        variables: &[("HOST", "127.0.0.1"), ("PORT", "{3001}"), ("DATA_DIR", "{data}/")],
        takes_command: false,
        ..package(&["uptime-kuma"], "uptime-kuma", "uptime-kuma-server", &[(3001, "")], &[])
    },
    package(&["node-red"], "node-red", "node-red", &[(1880, "")], &["--port", "{1880}", "--userDir", "{data}"]),
    PackageImage {
        variables: &[("LISTEN_ADDR", "127.0.0.1:{8080}")],
        ready: Some((8080, "/healthcheck")),
        ..package(&["miniflux"], "miniflux", "miniflux", &[(8080, "")], &[])
    },
    PackageImage {
        variables: &[("ND_ADDRESS", "127.0.0.1"), ("ND_PORT", "{4533}"), ("ND_DATAFOLDER", "{data}")],
        ready: Some((4533, "/ping")),
        ..package(&["navidrome"], "navidrome", "navidrome", &[(4533, "")], &[])
    },
    package(&["jellyfin"], "jellyfin", "jellyfin", &[], &["--datadir", "{data}"]),
    package(&["home-assistant", "linuxserver/homeassistant"], "home-assistant", "hass", &[], &["--config", "{data}"]),
    PackageImage {
        variables: &[("IMGPROXY_BIND", "127.0.0.1:{8080}")],
        ready: Some((8080, "/health")),
        ..package(&["imgproxy"], "imgproxy", "imgproxy", &[(8080, "")], &[])
    },
    PackageImage {
        usual: &["/etc/pgbouncer/pgbouncer.ini"],
        ..package(&["pgbouncer"], "pgbouncer", "pgbouncer", &[], &[])
    },
    PackageImage {
        usual: &["-conf", "/etc/coredns/Corefile"],
        ..package(&["coredns"], "coredns", "coredns", &[], &[])
    },
    package(&["lldap"], "lldap", "lldap", &[], &["run"]),
    PackageImage {
        usual: &["--config", "/config/configuration.yml"],
        ..package(&["authelia"], "authelia", "authelia", &[], &[])
    },
    package(&["opensearchproject/opensearch"], "opensearch", "opensearch", &[], &[]),
    package(&["forgejo"], "forgejo", "forgejo", &[(3000, "")], &["web", "--port", "{3000}", "--work-path", "{data}"]),
    package(&["nsqlookupd"], "nsq", "nsqlookupd", &[(4160, ""), (4161, "http")], NSQLOOKUPD),
    package(&["nsqadmin"], "nsq", "nsqadmin", &[(4171, "")], &["-http-address=127.0.0.1:{4171}"]),
    package(&["beanstalkd"], "beanstalkd", "beanstalkd", &[(11300, "")], &["-l", "127.0.0.1", "-p", "{11300}"]),
    package(
        &["horrendo/pg_prove", "supabase/pg_prove"],
        "perlPackages.TAPParserSourceHandlerpgTAP",
        "pg_prove",
        &[],
        &[],
    ),
    package(&["alpine/openssl"], "openssl", "openssl", &[], &[]),
    package(&["thanos"], "thanos", "thanos", &[], &[]),
    package(&["pushgateway"], "prometheus-pushgateway", "pushgateway", &[(9091, "")], BLACKBOX_PUSH),
    package(&["registry"], "docker-distribution", "registry", &[(5000, "")], &["serve"]),
    PackageImage {
        takes_command: false,
        ..package(&["adminer"], "php", "php", &[(8080, "")], &["-S", "127.0.0.1:{8080}", "{adminer}/adminer.php"])
    },
    package(
        &["matrixdotorg/synapse", "element-hq/synapse"],
        "matrix-synapse",
        "synapse_homeserver",
        &[(8008, "")],
        &["--config-path", "{data}/homeserver.yaml"],
    ),
    package(&["jevolk/tuwunel", "matrix-construct/tuwunel"], "matrix-tuwunel", "tuwunel", &[(8008, "")], TUWUNEL),
    PackageImage {
        takes_command: false,
        ..package(&["minecraft-server"], "minecraft-server", "minecraft-server", &[(25565, "")], &["nogui"])
    },
    PackageImage {
        takes_command: false,
        ..package(&["plex", "pms-docker"], "plex", "plexmediaserver", &[(32400, "")], &[])
    },
    PackageImage {
        takes_command: false,
        ..package(&["pihole"], "pihole-ftl", "pihole-FTL", &[(80, ""), (53, "dns")], &["no-daemon"])
    },
    package(&["logstash"], "logstash", "logstash", &[(5044, "beats"), (9600, "")], &["--http.port", "{9600}"]),
    PackageImage {
        usual: &["--entryPoints.web.address=:80"],
        ..package(&["traefik"], "traefik", "traefik", &[(80, "")], &[])
    },
    PackageImage {
        takes_command: false,
        first_start: WORDPRESS,
        note: "unlike the image, it does not create the site from WORDPRESS_USERNAME and others at its first start",
        todo: "open the site, and complete its installation",
        ..package(
            &["bitnami/wordpress", "bitnamilegacy/wordpress", "bitnamisecure/wordpress"],
            "php",
            "php",
            &[(8080, "")],
            &["-S", "127.0.0.1:{8080}", "-t", "{data}"],
        )
    },
    PackageImage { tag: "cli", ..package(&["wordpress"], "wp-cli", "wp", &[], &[]) },
    PackageImage {
        tag: "fpm",
        takes_command: false,
        first_start: WORDPRESS_FPM,
        ..package(
            &["wordpress"],
            "php",
            "php-fpm",
            &[(9000, "")],
            &["--nodaemonize", "--fpm-config", "{data}/php-fpm.conf"],
        )
    },
    PackageImage {
        takes_command: false,
        first_start: WORDPRESS,
        ..package(&["wordpress"], "php", "php", &[(80, "")], &["-S", "127.0.0.1:{80}", "-t", "{data}"])
    },
    PackageImage {
        takes_command: false,
        note: "its configuration, apps and data would be in the read-only store",
        todo: "serve a writable copy of `pkgs.nextcloud31`, or set NEXTCLOUD_CONFIG_DIR",
        ..package(&["nextcloud"], "php", "php", &[(80, "")], &["-S", "127.0.0.1:{80}", "-t", "{nextcloud31}"])
    },
    package(&["varnish"], "varnish", "varnishd", &[(80, "")], &["-F", "-a", "127.0.0.1:{80}", "-n", "{data}"]),
    package(
        &["victoria-metrics"],
        "victoriametrics",
        "victoria-metrics",
        &[(8428, "")],
        &["-httpListenAddr=127.0.0.1:{8428}", "-storageDataPath={data}"],
    ),
    package(&["nsqd"], "nsq", "nsqd", &[(4150, "")], &["-tcp-address=127.0.0.1:{4150}", "-data-path={data}"]),
    package(
        &["syncthing"],
        "syncthing",
        "syncthing",
        &[(8384, "")],
        &["serve", "--no-browser", "--home={data}", "--gui-address=127.0.0.1:{8384}"],
    ),
];

/// The management plugin has no variable for its port, which is a setting of the `rabbitmq_management` application.
const RABBITMQ_MANAGEMENT: &[(&str, &str)] = &[
    ("RABBITMQ_NODE_PORT", "{5672}"),
    ("RABBITMQ_NODENAME", "{name}@localhost"),
    ("RABBITMQ_MNESIA_BASE", "{data}/mnesia"),
    ("RABBITMQ_LOG_BASE", "{data}/log"),
    ("RABBITMQ_ENABLED_PLUGINS_FILE", "{writeText \"enabled_plugins\" \"[rabbitmq_management].\"}"),
    ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-rabbitmq_management tcp_config [{{port,{15672}}}]"),
];
/// Whether the value of a key in `rabbitmq.conf` is a file or a folder, according to RabbitMQ's configuration guide.
/// Values of other keys, such as the names of virtual hosts and the prefix of the management UI, may also begin with
/// `/`.
pub fn is_path_of_rabbitmq(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    ["file", "definitions", "dir"].iter().any(|end| last.ends_with(end)) || key == "definitions.local.path"
}

const RABBITMQ_FILES: &[(&str, &str)] = &[
    ("/etc/rabbitmq/rabbitmq.conf", "RABBITMQ_CONFIG_FILE"),
    ("/etc/rabbitmq/conf.d", "RABBITMQ_CONFIG_FILES"),
    ("/etc/rabbitmq/advanced.config", "RABBITMQ_ADVANCED_CONFIG_FILE"),
    ("/etc/rabbitmq/enabled_plugins", "RABBITMQ_ENABLED_PLUGINS_FILE"),
    ("/etc/rabbitmq/rabbitmq-env.conf", "RABBITMQ_CONF_ENV_FILE"),
];
const ETCD: &[&str] = &[
    "--data-dir={data}",
    "--listen-client-urls=http://127.0.0.1:{2379}",
    "--advertise-client-urls=http://127.0.0.1:{2379}",
    "--listen-peer-urls=http://127.0.0.1:{2380}",
];
const TUWUNEL: &[&str] = &["-O", "port={8008}", "-O", "database_path=\"{data}\""];
const NODE_EXPORTER: &[&str] = &["--web.listen-address=127.0.0.1:{9100}"];
const ALERTMANAGER: &[&str] = &["--web.listen-address=127.0.0.1:{9093}", "--storage.path={data}"];
const BLACKBOX: &[&str] = &["--web.listen-address=127.0.0.1:{9115}"];
const BLACKBOX_PUSH: &[&str] = &["--web.listen-address=127.0.0.1:{9091}"];
const NSQLOOKUPD: &[&str] = &["-tcp-address=127.0.0.1:{4160}", "-http-address=127.0.0.1:{4161}"];
const POSTGRES: &[&str] = &["--web.listen-address=127.0.0.1:{9187}"];
const REDIS: &[&str] = &["--web.listen-address=127.0.0.1:{9121}"];
const MYSQLD: &[&str] = &["--web.listen-address=127.0.0.1:{9104}"];
const MONGODB: &[&str] = &["--web.listen-address=127.0.0.1:{9216}"];
const NGINX: &[&str] = &["--web.listen-address=127.0.0.1:{9113}"];
const STATSD: &[&str] = &["--web.listen-address=127.0.0.1:{9102}"];
const ELASTICSEARCH: &[&str] = &["--web.listen-address=127.0.0.1:{9114}"];
const MEMCACHED: &[&str] = &["--web.listen-address=127.0.0.1:{9150}"];
