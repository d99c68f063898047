//! Images of self-hosted applications. Sources: the NixOS modules (`nixos/modules/services`) for programs, flags and
//! variables, the images' own documentation for ports.

use super::{PackageImage, package};

/// Arguments of the Servarr programs, which read their port from a variable.
const SERVARR: &[&str] = &["-nobrowser", "-data={data}"];

/// Applications.
pub(super) static APPLICATIONS: &[PackageImage] = &[
    PackageImage {
        ready: Some((5230, "/healthz")),
        ..package(
            &["neosmemo/memos", "usememos/memos"],
            "memos",
            "memos",
            &[(5230, "")],
            &["--mode", "prod", "--addr", "127.0.0.1", "--port", "{5230}", "--data", "{data}"],
        )
    },
    PackageImage {
        variables: &[("SONARR__SERVER__PORT", "{8989}")],
        ready: Some((8989, "/ping")),
        ..package(&["sonarr"], "sonarr", "Sonarr", &[(8989, "")], SERVARR)
    },
    PackageImage {
        variables: &[("RADARR__SERVER__PORT", "{7878}")],
        ready: Some((7878, "/ping")),
        ..package(&["radarr"], "radarr", "Radarr", &[(7878, "")], SERVARR)
    },
    PackageImage {
        variables: &[("LIDARR__SERVER__PORT", "{8686}")],
        ready: Some((8686, "/ping")),
        ..package(&["lidarr"], "lidarr", "Lidarr", &[(8686, "")], SERVARR)
    },
    PackageImage {
        variables: &[("PROWLARR__SERVER__PORT", "{9696}")],
        ready: Some((9696, "/ping")),
        ..package(&["prowlarr"], "prowlarr", "Prowlarr", &[(9696, "")], SERVARR)
    },
    package(
        &["bazarr"],
        "bazarr",
        "bazarr",
        &[(6767, "")],
        &["--config", "{data}", "--port", "{6767}", "--no-update", "True"],
    ),
    package(
        &["jackett"],
        "jackett",
        "Jackett",
        &[(9117, "")],
        &["--NoUpdates", "--Port", "{9117}", "--DataFolder", "{data}"],
    ),
    package(
        &["qbittorrent"],
        "qbittorrent-nox",
        "qbittorrent-nox",
        &[(8080, "")],
        &["--profile={data}", "--webui-port={8080}"],
    ),
    package(
        &["transmission"],
        "transmission_4",
        "transmission-daemon",
        &[(9091, "")],
        &["--foreground", "--config-dir", "{data}", "--port", "{9091}"],
    ),
    PackageImage {
        variables: &[("HOST", "127.0.0.1"), ("PORT", "{8191}")],
        ready: Some((8191, "/health")),
        ..package(&["flaresolverr/flaresolverr"], "flaresolverr", "flaresolverr", &[(8191, "")], &[])
    },
    PackageImage {
        variables: &[("PORT", "{5055}"), ("CONFIG_DIRECTORY", "{data}")],
        ready: Some((5055, "/api/v1/status")),
        ..package(&["fallenbagel/jellyseerr"], "jellyseerr", "jellyseerr", &[(5055, "")], &[])
    },
    package(
        &["tautulli"],
        "tautulli",
        "tautulli",
        &[(8181, "")],
        &["--datadir", "{data}", "--config", "{data}/config.ini", "--port", "{8181}", "--nolaunch"],
    ),
    package(&["ombi"], "ombi", "Ombi", &[(3579, "")], &["--storage", "{data}", "--host", "http://127.0.0.1:{3579}"]),
    package(
        &["codercom/code-server"],
        "code-server",
        "code-server",
        &[(8080, "")],
        &["--bind-addr", "127.0.0.1:{8080}", "--user-data-dir", "{data}"],
    ),
    package(
        &["linuxserver/code-server"],
        "code-server",
        "code-server",
        &[(8443, "")],
        &["--bind-addr", "127.0.0.1:{8443}", "--user-data-dir", "{data}"],
    ),
    PackageImage {
        variables: &[("CMD_HOST", "127.0.0.1"), ("CMD_PORT", "{3000}")],
        ready: Some((3000, "/_health")),
        ..package(&["hedgedoc/hedgedoc"], "hedgedoc", "hedgedoc", &[(3000, "")], &[])
    },
    PackageImage {
        variables: &[("HOSTNAME", "127.0.0.1"), ("PORT", "{3000}"), ("HOMEPAGE_CONFIG_DIR", "{/app/config}")],
        ..package(&["gethomepage/homepage"], "homepage-dashboard", "homepage", &[(3000, "")], &[])
    },
    PackageImage {
        variables: &[("IMMICH_HOST", "127.0.0.1"), ("IMMICH_PORT", "{2283}"), ("IMMICH_MEDIA_LOCATION", "{data}")],
        ready: Some((2283, "/api/server/ping")),
        takes_command: false,
        ..package(&["immich-app/immich-server"], "immich", "server", &[(2283, "")], &[])
    },
    PackageImage {
        variables: &[
            ("IMMICH_HOST", "127.0.0.1"),
            ("IMMICH_PORT", "{3003}"),
            ("MACHINE_LEARNING_CACHE_FOLDER", "{data}"),
        ],
        ready: Some((3003, "/ping")),
        takes_command: false,
        ..package(
            &["immich-app/immich-machine-learning"],
            "immich-machine-learning",
            "machine-learning",
            &[(3003, "")],
            &[],
        )
    },
    PackageImage {
        variables: &[("OG_HTTP_HOST", "127.0.0.1"), ("OG_HTTP_PORT", "{6157}"), ("OG_OPENGIST_HOME", "{data}")],
        ready: Some((6157, "/healthcheck")),
        ..package(&["thomiceli/opengist"], "opengist", "opengist", &[(6157, "")], &[])
    },
    PackageImage {
        variables: &[
            ("PHOTOPRISM_HTTP_HOST", "127.0.0.1"),
            ("PHOTOPRISM_HTTP_PORT", "{2342}"),
            ("PHOTOPRISM_STORAGE_PATH", "{data}"),
            ("PHOTOPRISM_ORIGINALS_PATH", "{data}/originals"),
        ],
        ready: Some((2342, "/api/v1/status")),
        takes_command: false,
        ..package(&["photoprism/photoprism"], "photoprism", "photoprism", &[(2342, "")], &["start"])
    },
    PackageImage {
        variables: &[
            ("READECK_SERVER_HOST", "127.0.0.1"),
            ("READECK_SERVER_PORT", "{8000}"),
            ("READECK_DATA_DIRECTORY", "{data}"),
        ],
        ..package(&["readeck/readeck"], "readeck", "readeck", &[(8000, "")], &["serve"])
    },
    PackageImage {
        variables: &[
            ("SFTPGO_HTTPD__BINDINGS__0__ADDRESS", "127.0.0.1"),
            ("SFTPGO_HTTPD__BINDINGS__0__PORT", "{8080}"),
            ("SFTPGO_SFTPD__BINDINGS__0__PORT", "{2022}"),
        ],
        ready: Some((8080, "/healthz")),
        ..package(
            &["drakkan/sftpgo"],
            "sftpgo",
            "sftpgo",
            &[(8080, ""), (2022, "sftp")],
            &["serve", "--config-dir", "{data}"],
        )
    },
    PackageImage {
        variables: &[("SHIORI_DIR", "{data}")],
        ..package(
            &["go-shiori/shiori", "nicholaswilde/shiori"],
            "shiori",
            "shiori",
            &[(8080, "")],
            &["server", "--address", "127.0.0.1", "--port", "{8080}"],
        )
    },
    PackageImage {
        variables: &[("STASH_CONFIG_FILE", "{data}/config.yml")],
        ..package(
            &["stashapp/stash"],
            "stash",
            "stash",
            &[(9999, "")],
            &["--host", "127.0.0.1", "--port", "{9999}", "--nobrowser"],
        )
    },
    package(
        &["dutchcoders/transfer.sh"],
        "transfer-sh",
        "transfer.sh",
        &[(8080, "")],
        &["--listener", "127.0.0.1:{8080}", "--provider", "local", "--basedir", "{data}"],
    ),
    PackageImage {
        variables: &[
            ("GOKAPI_PORT", "{53842}"),
            ("GOKAPI_CONFIG_DIR", "{data}/config"),
            ("GOKAPI_DATA_DIR", "{data}/data"),
        ],
        ..package(&["f0rc3/gokapi"], "gokapi", "gokapi", &[(53842, "")], &[])
    },
    PackageImage {
        variables: &[
            ("GOTIFY_SERVER_LISTENADDR", "127.0.0.1"),
            ("GOTIFY_SERVER_PORT", "{80}"),
            ("GOTIFY_DATABASE_CONNECTION", "{data}/gotify.db"),
        ],
        ready: Some((80, "/health")),
        takes_command: false,
        ..package(&["gotify/server"], "gotify-server", "server", &[(80, "")], &[])
    },
    PackageImage {
        ready: Some((80, "/v1/health")),
        ..package(
            &["binwiederhier/ntfy"],
            "ntfy-sh",
            "ntfy",
            &[(80, "")],
            &["serve", "--listen-http", "127.0.0.1:{80}"],
        )
    },
    PackageImage {
        ready: Some((8090, "/api/health")),
        ..package(
            &["henrygd/beszel"],
            "beszel",
            "beszel-hub",
            &[(8090, "")],
            &["serve", "--http=127.0.0.1:{8090}", "--dir={data}"],
        )
    },
    PackageImage {
        variables: &[("ACTUAL_HOSTNAME", "127.0.0.1"), ("ACTUAL_PORT", "{5006}"), ("ACTUAL_DATA_DIR", "{data}")],
        takes_command: false,
        ..package(&["actualbudget/actual-server"], "actual-server", "actual-server", &[(5006, "")], &[])
    },
    PackageImage {
        variables: &[("SERVER_ADDRESS", "127.0.0.1"), ("SERVER_PORT", "{8080}")],
        ready: Some((8080, "/api/v1/info/status")),
        ..package(
            &["frooodle/s-pdf", "stirlingtools/stirling-pdf", "stirling-tools/s-pdf"],
            "stirling-pdf",
            "Stirling-PDF",
            &[(8080, "")],
            &[],
        )
    },
    PackageImage {
        variables: &[("ZIGBEE2MQTT_DATA", "{data}")],
        ..package(&["koenkk/zigbee2mqtt", "koenkk/zigbee2mqtt-edge"], "zigbee2mqtt", "zigbee2mqtt", &[], &[])
    },
    package(
        &["esphome/esphome"],
        "esphome",
        "esphome",
        &[(6052, "")],
        &["dashboard", "--address", "127.0.0.1", "--port", "{6052}", "{data}"],
    ),
    package(
        &["linuxserver/nzbget", "nzbgetcom/nzbget"],
        "nzbget",
        "nzbget",
        &[(6789, "")],
        &[
            "--server",
            "--configfile",
            "{nzbget}/share/nzbget/nzbget.conf",
            "-o",
            "OutputMode=log",
            "-o",
            "MainDir={data}",
            "-o",
            "ConfigTemplate={nzbget}/share/nzbget/nzbget.conf",
            "-o",
            "WebDir={nzbget}/share/nzbget/webui",
            "-o",
            "ControlIP=127.0.0.1",
            "-o",
            "ControlPort={6789}",
        ],
    ),
    package(
        &["alerta/alerta-api"],
        "alerta-server",
        "alertad",
        &[(8080, "")],
        &["run", "--host", "127.0.0.1", "--port", "{8080}"],
    ),
    PackageImage {
        note: "nixpkgs has Alerta's API but not its web console, whose nginx serves the API under /api",
        todo: "remove /api from the URLs that its clients use",
        ..package(
            &["alerta/alerta-web", "alerta/alerta-beta"],
            "alerta-server",
            "alertad",
            &[(8080, "")],
            &["run", "--host", "127.0.0.1", "--port", "{8080}"],
        )
    },
    package(
        &["linuxserver/ddclient"],
        "ddclient",
        "ddclient",
        &[],
        &["-foreground", "-file", "{/config}/ddclient.conf", "-cache", "{data}/ddclient.cache"],
    ),
    package(
        &["guacamole/guacd"],
        "guacamole-server",
        "guacd",
        &[(4822, "")],
        &["-f", "-b", "127.0.0.1", "-l", "{4822}"],
    ),
    PackageImage {
        variables: &[("AUTHENTIK_LISTEN__HTTP", "127.0.0.1:{9000}"), ("AUTHENTIK_LISTEN__HTTPS", "127.0.0.1:{9443}")],
        ..package(&["goauthentik/server", "beryju/authentik"], "authentik", "ak", &[(9000, ""), (9443, "https")], &[])
    },
    package(
        &["adguard/adguardhome"],
        "adguardhome",
        "AdGuardHome",
        &[(3000, "")],
        &[
            "--no-check-update",
            "--work-dir",
            "{data}",
            "--config",
            "{data}/AdGuardHome.yaml",
            "--web-addr",
            "127.0.0.1:{3000}",
        ],
    ),
    package(
        &["duplicati/duplicati", "linuxserver/duplicati"],
        "duplicati",
        "duplicati-server",
        &[(8200, "")],
        &["--webservice-interface=loopback", "--webservice-port={8200}", "--server-datafolder={data}"],
    ),
    PackageImage {
        variables: &[("WOODPECKER_SERVER_ADDR", "127.0.0.1:{8000}"), ("WOODPECKER_GRPC_ADDR", "127.0.0.1:{9000}")],
        ready: Some((8000, "/healthz")),
        ..package(
            &["woodpeckerci/woodpecker-server"],
            "woodpecker-server",
            "woodpecker-server",
            &[(8000, ""), (9000, "grpc")],
            &[],
        )
    },
    PackageImage {
        variables: &[("LISTMONK_app__address", "127.0.0.1:{9000}")],
        ready: Some((9000, "/health")),
        ..package(&["listmonk/listmonk", "knadh/listmonk"], "listmonk", "listmonk", &[(9000, "")], &[])
    },
    // Port: `PORT` in nixpkgs' `nixos/modules/services/monitoring/beszel-agent.nix`.
    PackageImage {
        variables: &[("PORT", "{45876}"), ("DATA_DIR", "{data}")],
        ..package(&["henrygd/beszel-agent"], "beszel", "beszel-agent", &[(45876, "")], &[])
    },
    // The port is in the configuration file: `nixos/modules/services/monitoring/gatus.nix`.
    PackageImage {
        variables: &[("GATUS_CONFIG_PATH", "{/config/config.yaml}")],
        ..package(&["twinproduction/gatus", "twin/gatus"], "gatus", "gatus", &[(8080, "")], &[])
    },
    // `nixos/modules/services/web-apps/gotosocial.nix` for the folders of the web pages.
    PackageImage {
        variables: &[
            ("GTS_BIND_ADDRESS", "127.0.0.1"),
            ("GTS_PORT", "{8080}"),
            ("GTS_STORAGE_LOCAL_BASE_PATH", "{data}/storage"),
            ("GTS_WEB_ASSET_BASE_DIR", "{gotosocial}/share/gotosocial/web/assets/"),
            ("GTS_WEB_TEMPLATE_BASE_DIR", "{gotosocial}/share/gotosocial/web/template/"),
        ],
        ..package(&["superseriousbusiness/gotosocial"], "gotosocial", "gotosocial", &[(8080, "")], &["server", "start"])
    },
    // The flags of the entrypoint in grpcui's Dockerfile.
    package(&["fullstorydev/grpcui"], "grpcui", "grpcui", &[(8080, "")], &["-bind=127.0.0.1", "-port={8080}"]),
    // Keys of the configuration are flags: karma's docs/CONFIGURATION.md.
    package(
        &["lmierzwa/karma", "prymitive/karma"],
        "karma",
        "karma",
        &[(8080, "")],
        &["--listen.address", "127.0.0.1", "--listen.port", "{8080}"],
    ),
    // `nixos/modules/services/networking/llama-swap.nix`.
    package(
        &["mostlygeek/llama-swap"],
        "llama-swap",
        "llama-swap",
        &[(8080, "")],
        &["--listen", "127.0.0.1:{8080}", "--config", "{/app/config.yaml}"],
    ),
    // The flags of the NixOS module for Owncast.
    package(
        &["owncast/owncast", "gabekangas/owncast"],
        "owncast",
        "owncast",
        &[(8080, ""), (1935, "rtmp")],
        &["-webserverip", "127.0.0.1", "-webserverport", "{8080}", "-rtmpport", "{1935}"],
    ),
    // The variables in libSQL's docs/DOCKER.md.
    PackageImage {
        variables: &[("SQLD_HTTP_LISTEN_ADDR", "127.0.0.1:{8080}"), ("SQLD_DB_PATH", "{data}/iku.db")],
        ..package(&["tursodatabase/libsql-server"], "sqld", "sqld", &[(8080, "")], &[])
    },
];
