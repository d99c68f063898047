//! What a port that no registry has yet would be called, from the place where it is used.

/// A port that is used and that no registry has.
#[derive(Debug, Clone, Copy)]
pub struct Missing<'a> {
    /// The number.
    pub number: u32,
    /// What it is the port of, as [`crate::facts::ports::PortUse::name`] says.
    pub name: &'a str,
    /// The file where it is used.
    pub path: &'a str,
}

/// Words of attribute paths that say nothing about whose port it is.
const GENERIC: [&str; 128] = [
    "addr",
    "address",
    "allowed",
    "apps",
    "args",
    "base",
    "bind",
    "binding",
    "checks",
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
    "dev-shells",
    "enable",
    "endpoint",
    "entrypoint",
    "env",
    "environment",
    "etc",
    "exec",
    "expose",
    "exposed",
    "exposedports",
    "external",
    "extra",
    "file",
    "files",
    "firewall",
    "flake",
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
    "module",
    "modules",
    "networking",
    "number",
    "oci",
    "open",
    "options",
    "outputs",
    "packages",
    "param",
    "params",
    "pass",
    "path",
    "per-system",
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
    "shell",
    "shells",
    "start",
    "static",
    "string",
    "systemd",
    "target",
    "targets",
    "tcp",
    "tcpport",
    "tcpports",
    "test",
    "tests",
    "text",
    "to",
    "toml",
    "type",
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

/// What the modules of NixOS and process managers begin with: what follows is a service.
const STANDARD: [&str; 8] =
    ["services", "programs", "virtualisation", "networking", "processes", "systemd", "containers", "settings"];

/// Generic words that tell ports of one service apart.
const SIDES: [&str; 12] =
    ["external", "from", "http", "https", "internal", "local", "private", "public", "remote", "tcp", "to", "udp"];

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
const VAGUE: [&str; 28] = [
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
    "integration",
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

/// Names for a missing port, the best first, and how much they say. The others are for where the first is taken.
pub fn names(missing: &Missing<'_>) -> (Worth, Vec<String>) {
    if let Some((_, name)) = WELL_KNOWN.iter().find(|(number, _)| *number == missing.number) {
        return (Worth::WellKnown, vec![(*name).to_owned()]);
    }
    // Flags of one letter say nothing.
    let is_short_flag = |part: &&str| part.len() == 2 && part.starts_with('-');
    let parts =
        missing.name.trim_end_matches(".default").split(['.', ' ']).filter(|part| !is_short_flag(part)).map(plain);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    let subject = subject(missing.path);
    // Below a firewall stand interfaces and hosts, not services.
    let at_firewall = parts.iter().any(|part| part == "firewall");
    let named = if at_firewall { Vec::new() } else { named(&parts, subject.as_deref()) };
    let speaks = |name: &String| SPEAKERS.iter().any(|speaker| name.starts_with(speaker)) && names_another(&parts);
    let spoken = named.first().is_some_and(speaks);
    match (named, subject) {
        (named, _) if !named.is_empty() && !spoken => (Worth::Named, named),
        (_, Some(subject)) => {
            let further = last_words(&parts, &subject, |word| SIDES.contains(&word));
            let names = std::iter::once(subject.clone()).chain(further.map(|words| format!("{subject}-{words}")));
            (Worth::File, names.collect())
        }
        (spoken, None) if !spoken.is_empty() => (Worth::Spoken, spoken),
        _ => (Worth::Number, vec![format!("port-{}", missing.number)]),
    }
}

/// Whether the last name of a path is that of an address of somebody else.
fn names_another(parts: &[String]) -> bool {
    const OTHERS: [&str; 9] =
        ["targets", "target", "replacement", "pass", "url", "urls", "upstream", "upstreams", "servers"];
    parts.iter().skip(2).any(|part| part.split('-').any(|word| OTHERS.contains(&word)))
}

/// The group of a name.
pub fn group(name: &str) -> &'static str {
    let name = name.strip_prefix("apache-").unwrap_or(name);
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

/// Whether nothing in a part says whose port it is.
fn is_generic(part: &str) -> bool {
    GENERIC.contains(&part)
        || part.split('-').all(|word| GENERIC.contains(&word) || word.bytes().all(|b| b.is_ascii_digit()))
}

/// Names from the first part that says whose port it is, with what the last one says which of its ports it is.
fn named(parts: &[String], subject: Option<&str>) -> Vec<String> {
    let Some(first) = parts.iter().position(|part| !is_generic(part)) else { return Vec::new() };
    // `options.acme.wiki.port`: a repository gives its own modules a name of their own first.
    let is_standard = parts[..first].iter().any(|part| STANDARD.contains(&part.as_str()));
    let inner = (first + 1..parts.len().saturating_sub(1)).find(|&at| !is_standard && !is_generic(&parts[at]));
    let at = inner.unwrap_or(first);
    let first = parts[at].trim_end_matches("-port").trim_end_matches("-ports");
    // The options that a module declares, and a port by itself, are of what the file is about.
    let of_file = parts.first().is_some_and(|part| part == "options")
        && parts.get(1).is_none_or(|part| part != "services")
        || parts[at..].len() == 1;
    let owner = match subject.filter(|subject| of_file && !subject.contains(first)) {
        Some(subject) if !first.contains(subject) => format!("{subject}-{first}"),
        _ => first.to_owned(),
    };
    let after = &parts[at + 1..];
    let with = |name: &str, words: &Option<String>| match words {
        Some(words) => format!("{name}-{words}"),
        None => name.to_owned(),
    };
    let which = last_words(after, &owner, |word| !is_generic(word));
    let which_side = last_words(after, &owner, |word| !is_generic(word) || SIDES.contains(&word));
    let mut names = vec![with(&owner, &which), with(&owner, &which_side)];
    if let Some(middle) = after.iter().rev().skip(1).find(|part| !is_generic(part)) {
        let middle = if middle.starts_with(&owner) { middle.clone() } else { format!("{owner}-{middle}") };
        names.extend([with(&middle, &which), with(&middle, &which_side)]);
    }
    names.extend(subject.filter(|subject| !owner.contains(subject)).map(|subject| format!("{subject}-{}", names[0])));
    names.dedup();
    names
}

/// The words of the last part that are wanted and not in a name already.
fn last_words(parts: &[String], name: &str, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let words = parts.last()?.split('-').filter(|word| is_wanted(word) && !name.contains(word));
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| words.join("-"))
}

/// What a file is about, by its name or its folder's.
fn subject(path: &str) -> Option<String> {
    let mut parts = path.rsplit('/');
    let stem = parts.next().map(|name| name.split('.').next().unwrap_or(name));
    let candidates = stem.into_iter().chain(parts).map(plain).map(|name| {
        let stem = name.strip_suffix("-tests").or_else(|| name.strip_suffix("-test"));
        stem.unwrap_or(&name).to_owned()
    });
    candidates.take(2).find(|name| {
        name.len() > 2
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !VAGUE.contains(&name.as_str())
            && !GENERIC.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_place_of_use() {
        for (name, path, expected) in [
            ("services.redis.servers.main.port", "modules/cache.nix", &["redis", "cache-redis"][..]),
            ("processes.web.command --metrics-port", "process-compose.yaml", &["web-metrics"]),
            (
                "services.clickhouse.clickhouse1.extraConfig.http_port",
                "x.nix",
                &["clickhouse", "clickhouse-http", "clickhouse1", "clickhouse1-http"],
            ),
            (
                "services.nats-server.nats-2.settings.monitor_port",
                "t.nix",
                &["nats-server-monitor", "nats-server-nats-2-monitor"],
            ),
            ("options.blobPort.default", "nix/services/azurite.nix", &["azurite-blob"]),
            ("options.api.port.default", "nix/services/mailhog.nix", &["mailhog-api"]),
            ("options.acme.wiki.adminPort.default", "shared/wiki/options.nix", &["wiki-admin"]),
            ("options.services.backup.port.default", "modules/backup.nix", &["backup"]),
            ("options.settings.type.options.port.default", "nix/nats.nix", &["nats"]),
            ("settings.processes.test.command.text", "nix/mailhog_test.nix", &["mailhog"]),
            ("listen", "nix/nginx/default.nix", &["nginx"]),
            ("networking.firewall.interfaces.lan.allowedTCPPorts", "hosts/nas/default.nix", &["nas", "nas-tcp"]),
            ("-p", "flake.nix", &["port-4321"]),
        ] {
            assert_eq!(names(&Missing { number: 4321, name, path }).1, expected, "{name} in {path}");
        }
    }

    #[test]
    fn groups_know_what_belongs_there() {
        for (name, expected) in [
            ("redis-cluster", "databases"),
            ("apache-kafka", "messaging"),
            ("apache", "web"),
            ("zfs-exporter", "monitoring"),
        ] {
            assert_eq!(group(name), expected, "{name}");
        }
    }
}
