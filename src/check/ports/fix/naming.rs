//! What a port that no registry has yet would be called, from the place where it is used.

use super::missing::Missing;

/// Words of attribute paths that say nothing about whose port it is.
const GENERIC: [&str; 58] = [
    "addr",
    "address",
    "allowed",
    "args",
    "bind",
    "cmd",
    "command",
    "config",
    "configuration",
    "container",
    "containers",
    "default",
    "definition",
    "definitions",
    "enable",
    "endpoint",
    "entrypoint",
    "env",
    "environment",
    "expose",
    "exposed",
    "exposedports",
    "extra",
    "firewall",
    "forward",
    "forwardports",
    "from",
    "healthcheck",
    "host",
    "http",
    "interfaces",
    "listen",
    "local",
    "locations",
    "main",
    "networking",
    "oci",
    "open",
    "options",
    "pkgs",
    "port",
    "ports",
    "process",
    "processes",
    "programs",
    "server",
    "servers",
    "service",
    "services",
    "settings",
    "systemd",
    "target",
    "tcp",
    "to",
    "udp",
    "url",
    "virtual",
    "virtualisation",
];

/// Numbers that have had their name for decades: what a firewall's bare list means by them.
const WELL_KNOWN: [(u32, &str); 30] = [
    (22, "ssh"),
    (25, "smtp"),
    (53, "dns"),
    (80, "http"),
    (110, "pop3"),
    (143, "imap"),
    (389, "ldap"),
    (443, "https"),
    (465, "smtps"),
    (587, "submission"),
    (636, "ldaps"),
    (853, "dns-over-tls"),
    (993, "imaps"),
    (995, "pop3s"),
    (1883, "mqtt"),
    (2049, "nfs"),
    (3306, "mysql"),
    (3478, "stun"),
    (5222, "xmpp"),
    (5353, "mdns"),
    (5432, "postgresql"),
    (5672, "rabbitmq"),
    (6379, "redis"),
    (8883, "mqtts"),
    (9090, "prometheus"),
    (9092, "kafka"),
    (9100, "node-exporter"),
    (11211, "memcached"),
    (27017, "mongodb"),
    (51820, "wireguard"),
];

/// Groups, and the beginnings of the names that belong there.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "databases",
        &[
            "postgres",
            "mysql",
            "mariadb",
            "redis",
            "valkey",
            "mongo",
            "memcached",
            "clickhouse",
            "elastic",
            "opensearch",
            "cassandra",
            "influx",
            "couchdb",
            "neo4j",
            "etcd",
            "meilisearch",
            "typesense",
            "qdrant",
            "minio",
        ],
    ),
    (
        "monitoring",
        &[
            "prometheus",
            "grafana",
            "loki",
            "alertmanager",
            "tempo",
            "mimir",
            "promtail",
            "node-exporter",
            "exporter",
            "uptime",
            "jaeger",
            "otel",
            "opentelemetry",
            "pushgateway",
            "netdata",
            "zabbix",
            "telegraf",
            "victoria",
            "blackbox",
        ],
    ),
    ("mail", &["smtp", "imap", "pop3", "submission", "dovecot", "postfix", "rspamd", "mail", "sieve", "stalwart"]),
    (
        "messaging",
        &["rabbitmq", "kafka", "nats", "mqtt", "mosquitto", "zookeeper", "xmpp", "matrix", "synapse", "pulsar"],
    ),
    ("web", &["http", "nginx", "caddy", "traefik", "haproxy", "apache", "httpd", "envoy", "varnish"]),
    (
        "network",
        &[
            "ssh",
            "dns",
            "wireguard",
            "openvpn",
            "tailscale",
            "ldap",
            "nfs",
            "samba",
            "stun",
            "turn",
            "coturn",
            "bind",
            "unbound",
            "adguard",
            "pihole",
            "mdns",
            "syncthing",
        ],
    ),
];

/// The group of whatever fits into none.
const OTHER: &str = "services";

/// How much a name says, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// The place of use names it.
    Named,
    /// Everybody calls the number so.
    WellKnown,
    /// The file is about it.
    File,
    /// Only the number is left.
    Number,
}

/// The name for a missing port, and how much it says.
pub fn name(missing: &Missing<'_>) -> (Worth, String) {
    let well_known = WELL_KNOWN.iter().find(|(number, _)| *number == missing.number);
    let parts: Vec<String> = missing.name.split('.').map(plain).filter(|part| !part.is_empty()).collect();
    if let Some(name) = named(&parts) {
        return (Worth::Named, name);
    }
    if let Some((_, name)) = well_known {
        return (Worth::WellKnown, (*name).to_owned());
    }
    match subject(missing.path) {
        Some(name) => (Worth::File, name),
        None => (Worth::Number, format!("port-{}", missing.number)),
    }
}

/// The group of a name.
pub fn group(name: &str) -> &'static str {
    let is_in = |starts: &[&str]| {
        starts.iter().any(|start| name.starts_with(start)) || starts.contains(&"exporter") && name.ends_with("exporter")
    };
    GROUPS.iter().find(|(_, starts)| is_in(starts)).map_or(OTHER, |(group, _)| group)
}

/// Other names that people give to a group.
pub fn synonyms(group: &str) -> &'static [&'static str] {
    match group {
        "databases" => &["databases", "database", "db", "dbs", "storage", "data", "datastores"],
        "monitoring" => &["monitoring", "observability", "metrics", "monitor", "telemetry"],
        "mail" => &["mail", "email"],
        "messaging" => &["messaging", "queues", "brokers", "chat"],
        "web" => &["web", "http", "proxy", "ingress", "frontend"],
        "network" => &["network", "networking", "net", "infra", "infrastructure", "system"],
        _ => &["services", "apps", "applications", "misc", "other"],
    }
}

/// A part of a path as a name: small letters, digits and hyphens.
fn plain(part: &str) -> String {
    let mut name = String::with_capacity(part.len() + 4);
    let mut before = ' ';
    for c in part.chars().take(60) {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() || !c.is_ascii_alphanumeric() && !name.ends_with('-') {
            name.push('-');
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    name.trim_matches('-').trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned()
}

/// The first part that says whose port it is, with what the last one says which of its ports it is.
fn named(parts: &[String]) -> Option<String> {
    let generic = |part: &&String| {
        part.split('-').all(|word| GENERIC.contains(&word) || word.bytes().all(|b| b.is_ascii_digit()))
    };
    let (at, owner) = parts.iter().enumerate().find(|(_, part)| !generic(part))?;
    let last = parts.last().filter(|_| at + 1 < parts.len())?;
    let which: Vec<&str> = last.split('-').filter(|word| !GENERIC.contains(word) && !owner.contains(word)).collect();
    Some(if which.is_empty() { owner.clone() } else { format!("{owner}-{}", which.join("-")) })
}

/// What a file is about, by its name or its folder's.
fn subject(path: &str) -> Option<String> {
    let mut parts = path.rsplit('/');
    let stem = parts.next().map(|name| name.split('.').next().unwrap_or(name));
    let candidates = stem.into_iter().chain(parts).map(plain);
    let vague = [
        "default",
        "configuration",
        "flake",
        "module",
        "modules",
        "hosts",
        "nixos",
        "docker",
        "compose",
        "docker-compose",
        "process-compose",
        "dockerfile",
        "common",
        "base",
        "src",
        "home",
    ];
    candidates.take(2).find(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !vague.contains(&name.as_str())
            && !GENERIC.contains(&name.as_str())
    })
}
