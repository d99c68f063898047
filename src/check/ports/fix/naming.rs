//! What a port that no registry has yet would be called, from the place where it is used.

use super::missing::Missing;

/// Words of attribute paths that say nothing about whose port it is.
const GENERIC: [&str; 113] = [
    "addr",
    "address",
    "allowed",
    "args",
    "base",
    "bind",
    "binding",
    "cmd",
    "command",
    "config",
    "configs",
    "configuration",
    "container",
    "containers",
    "data",
    "default",
    "defaults",
    "definition",
    "definitions",
    "enable",
    "endpoint",
    "entrypoint",
    "env",
    "environment",
    "exec",
    "expose",
    "exposed",
    "exposedports",
    "external",
    "extra",
    "file",
    "files",
    "firewall",
    "forward",
    "forwardports",
    "from",
    "healthcheck",
    "host",
    "hosts",
    "http",
    "https",
    "input",
    "int",
    "interface",
    "interfaces",
    "internal",
    "job",
    "jobs",
    "json",
    "listen",
    "local",
    "locations",
    "main",
    "networking",
    "number",
    "oci",
    "open",
    "options",
    "param",
    "params",
    "pass",
    "path",
    "pkgs",
    "port",
    "ports",
    "post",
    "pre",
    "private",
    "process",
    "processes",
    "programs",
    "proxy",
    "public",
    "range",
    "ranges",
    "remote",
    "replacement",
    "replacements",
    "rules",
    "scrape",
    "script",
    "server",
    "servers",
    "service",
    "services",
    "settings",
    "start",
    "static",
    "string",
    "systemd",
    "target",
    "targets",
    "tcp",
    "tcpport",
    "tcpports",
    "text",
    "to",
    "toml",
    "udp",
    "udpport",
    "udpports",
    "upstreams",
    "uri",
    "uris",
    "url",
    "urls",
    "value",
    "values",
    "virtual",
    "virtualhosts",
    "virtualisation",
    "webhook",
    "yaml",
];

/// Numbers that have had their name for decades, wherever they stand.
const WELL_KNOWN: [(u32, &str); 28] = [
    (22, "ssh"),
    (25, "smtp"),
    (53, "dns"),
    (80, "http"),
    (110, "pop3"),
    (123, "ntp"),
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
    (11211, "memcached"),
    (27017, "mongodb"),
    (51820, "wireguard"),
];

/// Programs that speak for others: a port in their settings is most often somebody else's, and the file says whose.
const SPEAKERS: [&str; 9] =
    ["caddy", "grafana", "haproxy", "homepage", "nginx", "oauth2", "prometheus", "traefik", "vmagent"];

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

/// Names of files and folders that are about nothing in particular.
const VAGUE: [&str; 27] = [
    "base",
    "common",
    "compose",
    "configuration",
    "container",
    "containers",
    "default",
    "docker",
    "docker-compose",
    "dockerfile",
    "flake",
    "hardware",
    "home",
    "hosts",
    "index",
    "main",
    "module",
    "modules",
    "network",
    "networking",
    "nixos",
    "options",
    "process-compose",
    "programs",
    "services",
    "src",
    "system",
];

/// The group of whatever fits into none.
const OTHER: &str = "services";

/// How much a name says, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Everybody calls the number so.
    WellKnown,
    /// The place of use names it.
    Named,
    /// The file is about it.
    File,
    /// It stands among the settings of a program that speaks for others.
    Spoken,
    /// Only the number is left.
    Number,
}

/// The name for a missing port, and how much it says.
pub fn name(missing: &Missing<'_>) -> (Worth, String) {
    if let Some((_, name)) = WELL_KNOWN.iter().find(|(number, _)| *number == missing.number) {
        return (Worth::WellKnown, (*name).to_owned());
    }
    let parts: Vec<String> = missing.name.split('.').map(plain).filter(|part| !part.is_empty()).collect();
    // Below a firewall stand interfaces and hosts, not services.
    let named = named(&parts).filter(|_| !parts.iter().any(|part| part == "firewall"));
    let spoken = |name: &str| SPEAKERS.iter().any(|speaker| name.starts_with(speaker)) && names_another(&parts);
    let (named, spoken) = match named {
        Some(name) if spoken(&name) => (None, Some(name)),
        other => (other, None),
    };
    let named = named.map(|name| (Worth::Named, name));
    let file = || subject(missing.path).map(|name| (Worth::File, name));
    let spoken = || spoken.map(|name| (Worth::Spoken, name));
    named.or_else(file).or_else(spoken).unwrap_or_else(|| (Worth::Number, format!("port-{}", missing.number)))
}

/// Whether the last name of a path is that of an address of somebody else.
fn names_another(parts: &[String]) -> bool {
    const OTHERS: [&str; 9] =
        ["targets", "target", "replacement", "pass", "url", "urls", "upstream", "upstreams", "servers"];
    parts.iter().skip(2).any(|part| part.split('-').any(|word| OTHERS.contains(&word)))
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

/// A part of a path as a name: small letters, digits and hyphens (`allowedTCPPorts`: `allowed-tcp-ports`).
fn plain(part: &str) -> String {
    let chars: Vec<char> = part.chars().take(60).collect();
    let mut name = String::with_capacity(part.len() + 4);
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before)).copied().unwrap_or(' ');
        let next_is_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let hump =
            c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && next_is_lower);
        if (hump || !c.is_ascii_alphanumeric()) && !name.ends_with('-') {
            name.push('-');
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        }
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
    candidates.take(2).find(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !VAGUE.contains(&name.as_str())
            && !GENERIC.contains(&name.as_str())
    })
}
