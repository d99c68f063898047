//! Words of attribute paths, file names and comments: generic words, words that precede the name of a service, and the
//! group that a service belongs to.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A set of words, written as one string.
pub type Words = LazyLock<HashSet<&'static str>>;

macro_rules! words {
    ($text:literal) => {
        LazyLock::new(|| $text.split_ascii_whitespace().collect())
    };
}

/// Generic words that do not identify the service of a port.
pub static GENERIC: Words = words!(
    " addr address addresses allowed any app apps application applications arg args arguments attrs base \
    bind binding bindings body builder cfg checks cmd command commands common conf config configs configuration \
    container containers content contents custom data default defaults definition definitions deployment deployments \
    dev development docker dport enable enabled endpoint endpoints entrypoint entrypoints env environment etc exec \
    expose exposed exposedports extra file files firewall flags flake for foo forward forwarded forwardports forwards from \
    has have head healthcheck home host hosts image images in input inputs instance instances int interface \
    interfaces interfaces inventory job jobs json let lib libexec listen listener listeners listening listens literal \
    loadbalancer local localhost location locations main map mapping mappings match mk module modules my \
    name names network networking networks nix nixos node nodes nodeport number oci of on open option options opts \
    output outputs overlay overlays own package packages param params pass path peer peers perinstance persystem \
    pkgs port portmapping portmappings ports post pre private probe process processes prod production profile \
    profiles program programs project projects protocol proxy public range ranges rec readiness readyness \
    remote replacement replacements resource resources reverse rocket role roles rule rules run runtime sample \
    scrape script scripts section server servers service services session set setting settings shared shell shells \
    site sites socket sockets specialisation spec stage staging start static stop string sub system systemd systems \
    target targets task tasks tcp tcpport tcpports template templates test tests text the this to toml type \
    types udp udpport udpports unit units upstream upstreams uri uris url urls use used user users value values \
    variables virtual virtualhost virtualhosts virtualisation vm vms volume wide with wrapper xml yaml yml \
    domain domains conn connection connections dest destination source src dst num no per all new old tmp temp liveness startup \
    sops age agenix secret secrets fail2ban variant netdev machine machines hosts guest lan wan internal external http https accept interface backend backends client clients \
    receiver receivers substituter substituters passthru wait ruleset elements nft nftables iptables inet netdevs xdg rendezvous \
    spider global globals boot uci build builders allocate until darwin linux macos \
    flag list lists nat publish published paths protocols get helm release releases stateful daemon prepend sets objects ingresses workload properties steps vhost vhosts route routes ingress egress proxies serve funnel dports sports \
    table tables chain chains firewalled misc sport bootstrap chart charts cluster clusters "
);

/// First words of a location that leads to a part of a virtual host's service, not to another service.
pub const LOCATION_PARTS: &[&str] = &[
    "assets",
    "auth",
    "callback",
    "dav",
    "download",
    "downloads",
    "events",
    "graphql",
    "hub",
    "identity",
    "live",
    "login",
    "logout",
    "notifications",
    "oauth",
    "oauth2",
    "outpost",
    "ping",
    "push",
    "socket",
    "status",
    "stream",
    "upload",
    "uploads",
    "ws",
];

/// Conditions on requests in Caddy that do not select a site or a part of one.
pub const MATCHER_CONDITIONS: &[&str] =
    &["client_ip", "header", "method", "not", "protocol", "query", "remote_ip", "vars"];

/// Names of Caddy's matchers that are conditions, wherever they are defined.
pub const MATCHERS: &[&str] = &["allowed", "blocked", "cors", "denied", "options", "static", "websockets"];

/// Commands that run a container.
pub const CONTAINER_COMMANDS: &[&str] = &["docker run ", "podman run "];

/// Flags of [`CONTAINER_COMMANDS`] that take no value.
pub const CONTAINER_SWITCHES: &[&str] = &[
    "--detach",
    "--init",
    "--interactive",
    "--privileged",
    "--read-only",
    "--replace",
    "--rm",
    "--tty",
    "-P",
    "-d",
    "-di",
    "-dit",
    "-dt",
    "-i",
    "-it",
    "-t",
    "-ti",
];

/// The last words of the names of variables whose value is the address of a host.
pub const HOST_ADDRESSES: &[&str] = &["addr", "address", "fqdn", "host", "hostname", "ip", "ipv4"];

/// Words in the names of options for addresses that do not distinguish the ports of one service.
pub const EMPTY_OPTIONS: &[&str] = &["addr", "address", "bind", "default", "listen", "port", "ports", "text", "value"];

/// Words in the names of variables for container ports that do not say what a port is for.
pub const EMPTY_VARIABLES: &[&str] =
    &["addr", "bind", "container", "ext", "external", "host", "listen", "port", "public", "service"];

/// Beginnings of comments that state why a firewall opens a port.
pub const REASONS: &[&str] = &["for ", "needed by ", "needed for ", "required by ", "required for ", "used by "];

/// Sets of command abbreviations in a shell configuration. Their attributes are named after the abbreviations.
pub const ABBREVIATIONS: &[&str] = &["shellAbbrs", "shellAliases", "shellGlobalAliases"];

/// Programs that imitate a server for attackers. They listen on the server's port, but do not provide its service.
pub const HONEYPOTS: &[&str] = &["cowrie", "endlessh", "honeypot", "sshesame", "tarpit"];

/// Widget types of the dashboard Homepage that can show any service, from its documentation.
pub const GENERIC_WIDGETS: [&str; 4] = ["calendar", "customapi", "iframe", "mjpeg"];

/// Words that distinguish the ports of one service if nothing else does.
pub const SIDES: &[&str] =
    &["external", "http", "https", "internal", "local", "private", "public", "remote", "client", "backend"];

/// Words that identify one of a service's ports, but not the service.
pub const PURPOSES: &[&str] = &[
    "admin",
    "api",
    "dashboard",
    "gossip",
    "grpc",
    "health",
    "metrics",
    "p2p",
    "query",
    "rest",
    "rpc",
    "stats",
    "ui",
    "voice",
    "web",
    "webhook",
    "websocket",
    "webui",
];

/// Words for one of the programs that a service consists of. A file with such a name, in the folder of a service, is
/// about a part of that service.
pub const ROLES: &[&str] = &["agent", "controller", "frontend", "gateway", "gui", "hub", "relay", "worker"];

/// Names of option sets for the port on which a service reports its own state.
pub const DIAGNOSTICS: &[&str] = &["metrics", "pprof", "prometheus"];

/// Numbers that are common for a purpose, whatever program listens on them, with the word for the purpose. The words
/// name ports of a service that have no other names. 2022 is the default of SFTP servers that do not run as root; 2222
/// and 2525 are the usual unprivileged alternatives for 22 and 25; IANA registers 8443 as `pcsync-https`; 8448 is the
/// federation port of the Matrix specification.
pub const COMMON_PURPOSES: &[(u32, &str)] =
    &[(2022, "sftp"), (2222, "ssh"), (2525, "smtp"), (8443, "https"), (8448, "federation"), (9443, "https")];

/// Like [`COMMON_PURPOSES`], for numbers that are also the only port of some programs. They are used only to name
/// additional ports of a service, not to recognise a purpose.
pub const FURTHER_PURPOSES: &[(u32, &str)] = &[(6881, "torrent"), (8554, "rtsp")];

/// Words in firewall comments that do not say what a port is for.
pub const EMPTY_REMARKS: &[&str] =
    &["allow", "firewall", "for", "needed", "open", "opened", "port", "ports", "tcp", "the", "this", "udp"];

/// Git forges, which have SSH in addition to their web interface.
pub const FORGES: &[&str] = &["forgejo", "gitea", "gitlab", "gogs", "gerrit", "onedev"];

/// Names of sets that group services or settings, and of build phases and hooks. They never name a service.
pub const STRUCTURE: &[&str] = &[
    "HealthCheck",
    "Healthcheck",
    "ansible",
    "append",
    "binds",
    "configMaps",
    "connect",
    "constants",
    "controllers",
    "destination",
    "entryPoints",
    "group",
    "groups",
    "healthcheck",
    "homelab",
    "homeserver",
    "inbounds",
    "jails",
    "links",
    "loadBalancer",
    "matcher",
    "matchBlocks",
    "matchers",
    "nixarr",
    "outbounds",
    "postPatch",
    "power",
    "serviceSpecs",
    "configObj",
    "platforms",
    "requests",
    "streams",
    "presets",
    "probes",
    "raw",
    "shellHook",
    "sidecarService",
    "ups",
    "vars",
    "vpnNamespaces",
    "write_files",
];

/// The attributes of systemd and of containers whose value is a command. Their names do not say what a port in the
/// command is for.
pub const COMMAND_OPTIONS: &[&str] = &[
    "ExecReload",
    "ExecStart",
    "ExecStartPost",
    "ExecStartPre",
    "ExecStop",
    "args",
    "cmd",
    "command",
    "entrypoint",
    "postStart",
    "preStart",
    "script",
];

/// Options for the text that a shell runs when it starts. It defines functions and variables, but starts no servers.
pub const SHELL_TEXTS: &[&str] = &[
    "bashrcExtra",
    "envExtra",
    "initContent",
    "initExtra",
    "interactiveShellInit",
    "loginShellInit",
    "profileExtra",
    "shellInit",
];

/// Words that precede, on the same line, the address to which a proxy or a firewall forwards connections.
pub const PASSES_ON: &[&str] = &[
    "--to-destination ",
    "dnat to",
    "fastcgi_pass",
    "forward .",
    "forward_auth",
    "grpc_pass",
    "newServer(",
    "proxy ",
    "proxy_pass",
    "redirect to",
    "reverse_proxy",
    "uwsgi_pass",
];

/// Alternative names of services, each with the name that replaces it.
pub const ALIASES: &[(&str, &str)] = &[
    ("dovecot2", "dovecot"),
    ("openssh", "ssh"),
    ("qbit", "qbittorrent"),
    ("sshd", "ssh"),
    ("upsd", "nut"),
    ("z2m", "zigbee2mqtt"),
];

/// Forks of well-known services that kept the original's port number, each with the original.
pub const FORKS: &[(&str, &str)] = &[("keydb", "redis"), ("mariadb", "mysql"), ("valkey", "redis")];

/// Pairs of words that belong together in a name, although a word of the pair is generic by itself: `sleep-on-lan`.
pub const COMPOUNDS: &[(&str, &str)] = &[("machine", "learning"), ("on", "lan"), ("remote", "write")];

/// Names of services whose first or last word is otherwise generic.
pub const WHOLE_NAMES: &[&str] = &["code-server", "nix-on-droid", "nix-serve", "soft-serve"];

/// Frameworks and servers that programs are built on. Their names in environment variables do not say what a port is
/// for: `QUARKUS_HTTP_PORT`.
pub const FRAMEWORKS: &[&str] = &[
    "aspnetcore",
    "catalina",
    "django",
    "express",
    "flask",
    "gunicorn",
    "jetty",
    "kestrel",
    "micronaut",
    "nitro",
    "nuxt",
    "phoenix",
    "quarkus",
    "rails",
    "spring",
    "tomcat",
    "uvicorn",
];

/// Prefixes of environment variables that only name the framework; the rest of the name describes the purpose.
pub const PUBLIC_VARIABLES: &[&str] = &["NEXT_PUBLIC_"];

/// Names of sets of parts that a repository adds to a service. Each part has its own name.
pub const ADDITIONS: &[&str] = &["addons", "extensions", "integrations", "modules", "plugins"];

/// The beginning of OpenTelemetry's environment variables for the exporter that Prometheus scrapes:
/// `OTEL_EXPORTER_PROMETHEUS_PORT`.
pub const METRICS_VARIABLES: &str = "OTEL_EXPORTER_PROMETHEUS_";

/// Names of option sets that do not distinguish the ports of a service.
pub const EMPTY_SECTIONS: &[&str] =
    &["config", "extraConfig", "extraSettings", "environment", "server", "serviceConfig", "settings"];

/// Names of option sets that are parts of a service with a port of its own, although the words are generic.
pub const SECTIONS: &[&str] = &["cluster", "node", "peer", "volume", "worker"];

/// Tags of Xray and sing-box inbounds that do not say what the inbound is for.
pub const EMPTY_TAGS: &[&str] = &["default", "in", "inbound"];

/// Words before `address` in names whose value is the address of another host: `upstreamAddress`.
pub const OTHERS: &[&str] = &["backend", "origin", "peer", "target", "upstream"];

/// Words before `_PROXY` in variables that set the proxy for a program's connections: `HTTP_PROXY`. `NO_PROXY` lists
/// exceptions.
pub const PROXY_VARIABLES: &[&str] = &["all", "ftp", "http", "https", "socks"];

/// Names in an attribute path that precede the name of a service.
pub const HOLDERS: &[&str] = &[
    "applications",
    "apps",
    "aspects",
    "containers",
    "exporters",
    "features",
    "instances",
    "jobs",
    "processes",
    "programs",
    "providers",
    "provides",
    "roles",
    "services",
];

/// Names in an attribute path that precede the name of a machine, a user or an interface, never a service.
pub const PLACES: &[&str] = &[
    "hosts",
    "interfaces",
    "machines",
    "matchBlocks",
    "netdevs",
    "nodes",
    "users",
    "guests",
    "nixosConfigurations",
    "vpnNamespaces",
];

/// Names for parts of an application. They are often the only names in a Compose file or a process manager's
/// configuration.
pub const PARTS: &[&str] = &[
    "app",
    "backend",
    "client",
    "database",
    "frontend",
    "node",
    "proxy",
    "server",
    "service",
    "test",
    "webserver",
    "worker",
];

/// The first names in NixOS, nix-darwin, home-manager, devenv and arion option paths.
pub const TOP_LEVEL: &[&str] = &[
    "boot",
    "config",
    "docker-compose",
    "environment",
    "fileSystems",
    "flake",
    "hardware",
    "home",
    "home-manager",
    "homebrew",
    "launchd",
    "networking",
    "nix",
    "options",
    "perSystem",
    "project",
    "security",
    "settings",
    "systemd",
    "users",
    "virtualisation",
    "wayland",
    "xdg",
];

/// Categories between `services` and the name of a service in NixOS.
pub const CATEGORIES: &[&str] = &[
    "databases",
    "desktop",
    "displaymanager",
    "games",
    "hardware",
    "media",
    "monitoring",
    "networking",
    "observability",
    "web-apps",
    "x11",
    "xserver",
];

/// Last words of names whose value is the address of another host.
pub const CLIENTS: &[&str] = &[
    "auth",
    "backend",
    "baseurl",
    "endpoint",
    "endpoints",
    "forward",
    "pass",
    "peer",
    "peers",
    "proxy",
    "replacement",
    "target",
    "targets",
    "upstream",
    "upstreams",
    "uri",
    "uris",
    "url",
    "urls",
    "homeserver",
    "href",
    "monitor",
    "origin",
    "origins",
    "link",
    "links",
    "remote",
];

/// Words in names that refer to the other end of a connection if a word for an address follows: `sourceHost`.
pub const ENDS: &[&str] = &["dest", "destination", "remote", "source", "src"];

/// First words of names whose value is the address of another server: `upstream_dns`, `stub-addr`.
pub const PEERS: &[&str] = &["bootstrap", "fallback", "forward", "stub", "upstream", "upstreams"];

/// Names of sets whose attributes are named after the services that another service connects to.
pub const TARGETS: &[&str] = &["backends", "provider", "providers", "upstreams"];

/// Names of sets that contain the addresses of services behind a proxy or a tunnel, keyed by service name.
pub const ROUTES: &[&str] = &["backends", "forwards", "proxied", "proxies", "routes", "serve", "upstreams"];

/// Names of sets whose values are addresses of other hosts.
pub const CLIENT_SETS: &[&str] = &[
    "alertmanagers",
    "datasources",
    "egress",
    "forwardAuth",
    "homeserver",
    "jails",
    "locations",
    "matcher",
    "proxyHosts",
    "receivers",
    "remote_write",
    "remoteWrite",
    "scrapeConfigs",
    "scrape_configs",
    "static_configs",
    "targets",
    "upstreams",
    "virtualHosts",
    "virtualhosts",
];

/// Reverse proxies and similar programs: a file about one of them does not identify the services behind it.
pub const FRONTS: &[&str] =
    &["caddy", "haproxy", "nginx", "proxy", "reverse-proxy", "traefik", "cloudflared", "homepage", "vmagent", "gatus"];

/// Generic names of files and folders, in addition to [`GENERIC`].
pub static VAGUE: Words = words!(
    " arion-compose caddyfile compose docker-compose dockerfile containerfile hardware index integration process-compose \
    ports firewall vars variables constants globals makefile values kustomization deploy devenv devshell shell \
    manifest manifests devices networkpolicies networkpolicy network-policies network-policy helmrelease ingressroute ingressroutes httproute \
    workflow workflows stack stacks primary secondary ci optional global core base microvm microvms server servers desktop laptop workstation personal private "
);

/// File names that, without other evidence, are not used to name a port.
pub static EMPTY_STEMS: Words = words!(
    " base common config configuration container containers default docker flake home \
    hosts main inet-rules module modules networking nixos options programs services system hardware-configuration test \
    tests "
);

/// Folders with services that run in containers.
pub const CONTAINER_FOLDERS: &[&str] = &[".k8s", "docker", "k3s", "k8s", "kubernetes", "podman"];

/// Folders with one subfolder per machine.
pub const MACHINE_FOLDERS: &[&str] =
    &["computers", "hosts", "machines", "systems", "nodes", "machine", "host", "nixosConfigurations"];

/// Words of comments that do not name a service.
pub static COMMENT_WORDS: Words = words!(
    " a accept an and allow also any are as at be by can clients connections connect default ditto do enable etc \
    expose external facilitate for from if in incoming internal is it its listen listens local me my needed needs no not of on \
    only open opens or our outgoing port ports protocol required requires see server service should so some tcp that the them these this \
    to todo traffic udp use used uses using via we web when where which will with you your fixme note xxx access main http(s) both punching \
    same must addr address addresses exposed lan "
);

/// Folders with tests, and with checks of a configuration.
pub const TEST_FOLDERS: &[&str] = &[
    "__tests__",
    "checks",
    "e2e",
    "integration-tests",
    "integrationTests",
    "nixos-tests",
    "test",
    "testing",
    "tests",
    "vm-tests",
];

/// Last words of the names of files with tests.
pub const TEST_ENDS: &[&str] = &["test", "tests"];

/// Groups of a registry, each with the words of the names that belong to it. The first match wins.
pub const GROUPS: &[(&str, &[&str])] = &[
    (
        "monitoring",
        &[
            "exporter",
            "grafana",
            "loki",
            "alertmanager",
            "tempo",
            "mimir",
            "promtail",
            "uptime",
            "jaeger",
            "pushgateway",
            "netdata",
            "zabbix",
            "telegraf",
            "victoria",
            "blackbox",
            "prometheus",
            "vector",
            "metrics",
            "gatus",
            "graylog",
            "zipkin",
            "monit",
            "smokeping",
            "parca",
            "pyroscope",
            "thanos",
            "healthchecks",
            "kuma",
        ],
    ),
    ("otel", &["otel", "otlp", "opentelemetry"]),
    (
        "databases",
        &[
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "redis",
            "valkey",
            "mongo",
            "mongodb",
            "memcached",
            "clickhouse",
            "elastic",
            "elasticsearch",
            "opensearch",
            "cassandra",
            "influx",
            "influxdb",
            "couchdb",
            "neo4j",
            "etcd",
            "meilisearch",
            "typesense",
            "qdrant",
            "minio",
            "garage",
            "cockroachdb",
            "temporal",
            "pgbouncer",
            "pgadmin",
            "chromadb",
            "weaviate",
            "milvus",
            "dragonfly",
            "sql",
            "db",
        ],
    ),
    (
        "mail",
        &[
            "smtp",
            "imap",
            "pop3",
            "submission",
            "dovecot",
            "postfix",
            "rspamd",
            "mail",
            "sieve",
            "stalwart",
            "roundcube",
            "maddy",
        ],
    ),
    (
        "messaging",
        &[
            "rabbitmq",
            "kafka",
            "nats",
            "mqtt",
            "mosquitto",
            "zookeeper",
            "xmpp",
            "matrix",
            "synapse",
            "pulsar",
            "irc",
            "thelounge",
            "ntfy",
            "gotify",
            "jitsi",
            "mumble",
            "teamspeak",
            "ts3",
            "element",
            "mattermost",
            "conduit",
            "mautrix",
            "soju",
            "livekit",
            "prosody",
            "amqp",
            "redpanda",
        ],
    ),
    (
        "media",
        &[
            "jellyfin",
            "plex",
            "sonarr",
            "radarr",
            "lidarr",
            "readarr",
            "prowlarr",
            "bazarr",
            "jackett",
            "emby",
            "navidrome",
            "deluge",
            "transmission",
            "qbittorrent",
            "sabnzbd",
            "nzbget",
            "jellyseerr",
            "overseerr",
            "immich",
            "photoprism",
            "audiobookshelf",
            "calibre",
            "kavita",
            "komga",
            "owncast",
            "icecast",
            "mpd",
            "snapcast",
            "flaresolverr",
            "jellysearch",
            "torrent",
            "tautulli",
            "rtmp",
            "rtsp",
            "slskd",
            "radio",
            "invidious",
            "tdarr",
        ],
    ),
    (
        "games",
        &[
            "minecraft",
            "satisfactory",
            "factorio",
            "terraria",
            "valheim",
            "steam",
            "sunshine",
            "palworld",
            "rust",
            "dynmap",
            "luanti",
            "minetest",
            "game",
        ],
    ),
    (
        "home",
        &[
            "assistant",
            "homeassistant",
            "homekit",
            "hass",
            "zigbee2mqtt",
            "zwave",
            "esphome",
            "frigate",
            "wyoming",
            "octoprint",
            "homebridge",
            "coap",
            "matter",
            "scrypted",
            "nodered",
        ],
    ),
    (
        "infrastructure",
        &[
            "ssh",
            "dns",
            "wireguard",
            "wg",
            "openvpn",
            "tailscale",
            "headscale",
            "ldap",
            "lldap",
            "nfs",
            "samba",
            "stun",
            "turn",
            "coturn",
            "bind",
            "unbound",
            "adguard",
            "adguardhome",
            "pihole",
            "mdns",
            "blocky",
            "knot",
            "nginx",
            "caddy",
            "traefik",
            "haproxy",
            "apache",
            "httpd",
            "envoy",
            "varnish",
            "http",
            "https",
            "authelia",
            "authentik",
            "keycloak",
            "kanidm",
            "zitadel",
            "oauth2",
            "dex",
            "vault",
            "consul",
            "nomad",
            "kubernetes",
            "k3s",
            "docker",
            "tor",
            "n2n",
            "nebula",
            "zerotier",
            "incus",
            "lxd",
            "proxmox",
            "unifi",
            "mikrotik",
            "ssl",
            "squid",
            "socks",
            "vpn",
            "ntp",
            "dhcp",
            "coredns",
            "powerdns",
            "attic",
            "harmonia",
            "ncps",
            "registry",
            "portainer",
            "cockpit",
            "kresd",
            "dnsmasq",
            "mosh",
        ],
    ),
    (
        "development",
        &[
            "api",
            "frontend",
            "backend",
            "vite",
            "storybook",
            "gitea",
            "forgejo",
            "gitlab",
            "git",
            "hydra",
            "jenkins",
            "buildbot",
            "debug",
            "debugger",
            "inspector",
            "devserver",
            "jupyter",
            "mailhog",
            "mailpit",
            "adminer",
            "hoogle",
            "woodpecker",
            "drone",
            "webpack",
            "next",
            "django",
            "rails",
            "flask",
        ],
    ),
];
