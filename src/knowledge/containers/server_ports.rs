//! Where servers get their port numbers from: arguments, environment variables, and keys of configuration files.
//!
//! Sources: the programs' own documentation, and for variables that end in `_PORT_NUMBER` the start scripts of
//! Bitnami's images. The arguments and variables of nixpkgs packages are those that their entries in
//! [`mod@super::packages`] set.

use super::PackageImage;

/// The settings for one of a server's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortSetting {
    /// The services-flake service, or the nixpkgs package.
    pub server: &'static str,
    /// The port that the server listens on by default.
    pub usual: u16,
    /// Arguments. With a space, the second word is a key in the value: `-c port` for `-c port=5433`.
    pub flags: &'static [&'static str],
    /// Environment variables.
    pub variables: &'static [&'static str],
    /// Keys in a configuration file, with the sections or keys around them: `mysqld.port`.
    pub keys: &'static [&'static str],
}

const fn setting(
    server: &'static str,
    usual: u16,
    flags: &'static [&'static str],
    variables: &'static [&'static str],
    keys: &'static [&'static str],
) -> PortSetting {
    PortSetting { server, usual, flags, variables, keys }
}

/// The settings of services-flake services, and those settings of packages that the packages' own entries lack.
const SETTINGS: &[PortSetting] = &[
    setting("postgres", 5432, &["-p", "--port", "-c port"], &["PGPORT", "POSTGRESQL_PORT_NUMBER"], &["port"]),
    setting(
        "mysql",
        3306,
        &["-P", "--port"],
        &["MYSQL_TCP_PORT", "MYSQL_PORT_NUMBER", "MARIADB_PORT_NUMBER"],
        &["mysqld.port", "mariadb.port", "mariadbd.port", "server.port"],
    ),
    setting("mongodb", 27017, &["--port"], &["MONGODB_PORT_NUMBER"], &["net.port", "port"]),
    setting("redis", 6379, &["--port"], &["REDIS_PORT_NUMBER", "VALKEY_PORT_NUMBER"], &["port"]),
    setting("memcached", 11211, &["-p", "--port"], &["MEMCACHED_PORT_NUMBER"], &[]),
    setting("minio", 9000, &["--address", "-address"], &["MINIO_ADDRESS", "MINIO_API_PORT_NUMBER"], &[]),
    setting(
        "minio",
        9001,
        &["--console-address", "-console-address"],
        &["MINIO_CONSOLE_ADDRESS", "MINIO_CONSOLE_PORT_NUMBER"],
        &[],
    ),
    setting("elasticsearch", 9200, &["-Ehttp.port"], &["http.port", "ELASTICSEARCH_HTTP_PORT_NUMBER"], &["http.port"]),
    setting("elasticsearch", 9300, &["-Etransport.port"], &["transport.port"], &["transport.port"]),
    setting("clickhouse", 9000, &["--tcp_port"], &["CLICKHOUSE_TCP_PORT"], &["tcp_port"]),
    setting("clickhouse", 8123, &["--http_port"], &["CLICKHOUSE_HTTP_PORT"], &["http_port"]),
    setting("cassandra", 9042, &[], &["CASSANDRA_CQL_PORT_NUMBER"], &["native_transport_port"]),
    setting(
        "neo4j",
        7687,
        &[],
        &["NEO4J_server_bolt_listen__address", "NEO4J_dbms_connector_bolt_listen__address"],
        &["server.bolt.listen_address", "dbms.connector.bolt.listen_address"],
    ),
    setting(
        "neo4j",
        7474,
        &[],
        &["NEO4J_server_http_listen__address", "NEO4J_dbms_connector_http_listen__address"],
        &["server.http.listen_address", "dbms.connector.http.listen_address"],
    ),
    setting("qdrant", 6333, &[], &["QDRANT__SERVICE__HTTP_PORT"], &["service.http_port"]),
    setting("qdrant", 6334, &[], &["QDRANT__SERVICE__GRPC_PORT"], &["service.grpc_port"]),
    setting("weaviate", 8080, &["--port"], &[], &[]),
    setting("chromadb", 8000, &["--port"], &["CHROMA_SERVER_HTTP_PORT", "CHROMA_PORT"], &["port"]),
    setting("zookeeper", 2181, &[], &["ZOOKEEPER_CLIENT_PORT", "ZOO_PORT_NUMBER", "ZOO_CLIENT_PORT"], &["clientPort"]),
    setting("nats-server", 4222, &["-p", "--port", "-port"], &[], &["port", "listen"]),
    setting("nats-server", 8222, &["-m", "--http_port", "-http_port"], &[], &["http_port", "monitor_port", "http"]),
    setting("azurite", 10000, &["--blobPort"], &[], &[]),
    setting("azurite", 10001, &["--queuePort"], &[], &[]),
    setting("azurite", 10002, &["--tablePort"], &[], &[]),
    setting("seaweedfs", 9333, &["-master.port"], &[], &[]),
    setting("seaweedfs", 8080, &["-volume.port"], &[], &[]),
    setting("seaweedfs", 8888, &["-filer.port"], &[], &[]),
    setting("seaweedfs", 8333, &["-s3.port"], &[], &[]),
    setting("dynamodb-local", 8000, &["-port"], &[], &[]),
    setting("prometheus", 9090, &["--web.listen-address"], &[], &[]),
    setting("grafana", 3000, &[], &["GF_SERVER_HTTP_PORT"], &["server.http_port"]),
    setting(
        "loki",
        3100,
        &["-server.http-listen-port", "--server.http-listen-port"],
        &[],
        &["server.http_listen_port"],
    ),
    setting(
        "loki",
        9096,
        &["-server.grpc-listen-port", "--server.grpc-listen-port"],
        &[],
        &["server.grpc_listen_port"],
    ),
    setting(
        "tempo",
        3200,
        &["-server.http-listen-port", "--server.http-listen-port"],
        &[],
        &["server.http_listen_port"],
    ),
    setting(
        "pyroscope",
        4040,
        &["-server.http-listen-port", "--server.http-listen-port"],
        &[],
        &["server.http_listen_port"],
    ),
    setting("mailhog", 1025, &["-smtp-bind-addr", "--smtp-bind-addr"], &["MH_SMTP_BIND_ADDR"], &[]),
    setting("mailhog", 8025, &["-ui-bind-addr", "--ui-bind-addr"], &["MH_UI_BIND_ADDR"], &[]),
    setting("pgadmin", 80, &[], &["PGADMIN_LISTEN_PORT"], &[]),
    setting("ollama", 11434, &[], &["OLLAMA_HOST"], &[]),
    setting("open-webui", 8080, &["--port"], &["PORT"], &[]),
    setting("searxng", 8080, &[], &["SEARXNG_PORT", "GRANIAN_PORT"], &["server.port"]),
    setting("tika", 9998, &["--port", "-p"], &[], &[]),
    setting("rabbitmq-server", 5672, &[], &[], &["listeners.tcp.default", "listeners.tcp.1"]),
    setting("rabbitmq-server", 15672, &[], &[], &["management.tcp.port", "management.listener.port"]),
    setting("mailpit", 1025, &[], &["MP_SMTP_BIND_ADDR"], &[]),
    setting("mailpit", 8025, &[], &["MP_UI_BIND_ADDR"], &[]),
    setting("meilisearch", 7700, &[], &["MEILI_HTTP_ADDR"], &["http_addr"]),
    setting("keycloak", 8080, &[], &["KC_HTTP_PORT"], &["http-port"]),
    setting("vault", 8200, &[], &["VAULT_DEV_LISTEN_ADDRESS"], &[]),
    setting("influxdb2", 8086, &[], &["INFLUXD_HTTP_BIND_ADDRESS"], &[]),
    setting("typesense", 8108, &[], &["TYPESENSE_API_PORT"], &[]),
    setting("etcd", 2379, &["-listen-client-urls"], &["ETCD_LISTEN_CLIENT_URLS"], &[]),
    setting("etcd", 2380, &["-listen-peer-urls"], &["ETCD_LISTEN_PEER_URLS"], &[]),
    setting("gitea", 3000, &["-p"], &["GITEA__server__HTTP_PORT"], &["server.HTTP_PORT"]),
    setting("forgejo", 3000, &["-p"], &["FORGEJO__server__HTTP_PORT"], &["server.HTTP_PORT"]),
    setting("rustfs", 9000, &[], &["RUSTFS_ADDRESS"], &[]),
    setting("surrealdb", 8000, &["-b"], &["SURREAL_BIND"], &[]),
    setting("oauth2-proxy", 4180, &[], &["OAUTH2_PROXY_HTTP_ADDRESS"], &["http_address"]),
    setting("node-red", 1880, &["-p"], &[], &[]),
];

/// Variables that only the start scripts of Bitnami's images read, in addition to those that end in `_PORT_NUMBER`.
const BITNAMI: [&str; 2] = ["CLICKHOUSE_HTTP_PORT", "CLICKHOUSE_TCP_PORT"];

/// The configuration files that servers read by default: the server, and the path in the image. A folder ends in `/`.
const USUAL_FILES: &[(&str, &str)] = &[
    ("mysql", "/etc/mysql/"),
    ("mysql", "/etc/my.cnf"),
    ("mysql", "/etc/my.cnf.d/"),
    ("mysql", "/opt/bitnami/mysql/conf/"),
    ("mysql", "/opt/bitnami/mariadb/conf/"),
    ("postgres", "/var/lib/postgresql/data/postgresql.conf"),
    ("postgres", "/bitnami/postgresql/conf/"),
    ("postgres", "/opt/bitnami/postgresql/conf/"),
    ("redis", "/opt/bitnami/redis/"),
    ("redis", "/opt/bitnami/valkey/"),
    ("elasticsearch", "/usr/share/elasticsearch/config/elasticsearch.yml"),
    ("clickhouse", "/etc/clickhouse-server/config.xml"),
    ("clickhouse", "/etc/clickhouse-server/config.d/"),
    ("cassandra", "/etc/cassandra/cassandra.yaml"),
    ("neo4j", "/conf/neo4j.conf"),
    ("neo4j", "/var/lib/neo4j/conf/neo4j.conf"),
    ("qdrant", "/qdrant/config/"),
    ("zookeeper", "/conf/zoo.cfg"),
    ("nats-server", "/nats-server.conf"),
    ("nats-server", "/etc/nats/nats-server.conf"),
    ("grafana", "/etc/grafana/grafana.ini"),
    ("loki", "/etc/loki/local-config.yaml"),
    ("pyroscope", "/etc/pyroscope/"),
    ("searxng", "/etc/searxng/settings.yml"),
    ("rabbitmq-server", "/etc/rabbitmq/rabbitmq.conf"),
    ("rabbitmq-server", "/etc/rabbitmq/conf.d/"),
    ("keycloak", "/opt/keycloak/conf/keycloak.conf"),
    ("gitea", "/data/gitea/conf/app.ini"),
    ("gitea", "/etc/gitea/app.ini"),
    ("forgejo", "/data/gitea/conf/app.ini"),
];

/// Whether a server reads a configuration file at this path in its image by default.
pub fn reads(server: &str, path: &str) -> bool {
    let is_below = |usual: &str| path == usual || (usual.ends_with('/') && path.starts_with(usual));
    USUAL_FILES.iter().any(|(own, usual)| *own == server && is_below(usual))
}

/// The settings for a port of a service or a package, by its default number.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PortSettings {
    flags: Vec<String>,
    variables: Vec<&'static str>,
    keys: Vec<&'static str>,
}

impl PortSettings {
    /// The settings for a port of a services-flake service.
    pub fn of_service(option: &str, usual: u16) -> Self {
        let mut found = Self::default();
        for setting in SETTINGS.iter().filter(|setting| setting.server == option && setting.usual == usual) {
            found.flags.extend(setting.flags.iter().map(|flag| (*flag).to_owned()));
            found.variables.extend(setting.variables);
            found.keys.extend(setting.keys);
        }
        found
    }

    /// The settings for a port of a package: the arguments and variables that it is started with, and those in the
    /// table.
    pub fn of_package(package: &PackageImage, usual: u16) -> Self {
        let mut found = Self::of_service(package.package, usual);
        let placeholder = format!("{{{usual}}}");
        let mut before = "";
        for argument in package.arguments {
            if let Some(start) = argument.strip_suffix(placeholder.as_str()) {
                let start = start.trim_end_matches("127.0.0.1:").trim_end_matches("http://");
                match start.strip_suffix('=') {
                    Some(flag) if flag.starts_with('-') => found.flags.push(flag.to_owned()),
                    Some(key) if before.starts_with('-') => found.flags.push(format!("{before} {key}")),
                    None if start.is_empty() && before.starts_with('-') => found.flags.push(before.to_owned()),
                    _ => {}
                }
            }
            before = argument;
        }
        let is_address =
            |value: &str| value.strip_suffix(placeholder.as_str()).is_some_and(|start| !start.contains('{'));
        let variables = package.variables.iter().filter(|(_, value)| is_address(value));
        found.variables.extend(variables.map(|(name, _)| *name));
        found
    }

    /// Whether a variable sets the port in an image.
    pub fn has_variable(&self, name: &str, image: &str) -> bool {
        let is_of_bitnami = || name.ends_with("_PORT_NUMBER") || BITNAMI.contains(&name);
        self.variables.contains(&name) && (image.contains("bitnami") || !is_of_bitnami())
    }

    /// Whether a configuration file may set the port.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The port that the first of some arguments sets, and the number of arguments read: `--port 6380`, `--port=6380`,
    /// `-p6380`, `-c port=6380`. `None` if the first argument does not set the port.
    pub fn argument(&self, words: &[String]) -> Option<(u16, usize)> {
        let (first, rest) = words.split_first()?;
        let next = rest.first().map(String::as_str);
        self.flags.iter().find_map(|flag| {
            if let Some((flag, key)) = flag.split_once(' ') {
                let value = next.filter(|_| first == flag)?.strip_prefix(key)?.trim_start().strip_prefix('=')?;
                return Some((number(value)?, 2));
            }
            let after = first.strip_prefix(flag.as_str())?;
            let is_short = flag.len() == 2;
            match after.strip_prefix('=') {
                Some(value) => Some((number(value)?, 1)),
                None if after.is_empty() => Some((number(next?)?, 2)),
                None if is_short => Some((after.parse().ok()?, 1)),
                None => None,
            }
        })
    }

    /// The port that the arguments of the server set. The last one counts.
    pub fn in_arguments(&self, words: &[String]) -> Option<u16> {
        let found = (0..words.len()).filter_map(|at| self.argument(&words[at..]));
        found.map(|(number, _)| number).next_back()
    }

    /// The port that the text of a configuration file sets. Earlier keys in the table take precedence over later ones;
    /// if a key appears several times, the last value counts. Of a list of listeners, the first one counts.
    pub fn in_file(&self, text: &str) -> Option<u16> {
        let mut found: Option<(usize, u16)> = None;
        each_setting(text, &mut |path, value| {
            let Some(at) = self.keys.iter().position(|key| path.eq_ignore_ascii_case(key)) else { return };
            if let Some(number) = number(value)
                && found.is_none_or(|(known, _)| at <= known)
            {
                found = Some((at, number));
            }
        });
        found.map(|(_, number)| number)
    }
}

/// The port in a number or an address: `6380`, `:9001`, `0.0.0.0:9200`, `http://0.0.0.0:2379`.
pub fn number(value: &str) -> Option<u16> {
    let value = value.trim().trim_matches(['"', '\'']);
    let first = value.split(',').next().unwrap_or(value).trim_end_matches('/');
    let number = first.rsplit(':').next().unwrap_or(first);
    number.parse().ok().filter(|number| *number > 0)
}

/// Passes each key of a configuration file with its value to a function. The key contains the sections, keys or blocks
/// around it: `[server]`, `net:` with an indented `port:`, `cluster {`. Keys and values are separated by `=`, `:` or
/// spaces, or are in XML elements.
fn each_setting(text: &str, each: &mut dyn FnMut(&str, &str)) {
    let mut section = String::new();
    let mut outer: Vec<Outer<'_>> = Vec::new();
    // The number of open blocks below the deepest level that is tracked. Ports are not set there.
    let mut deeper = 0;
    for line in text.lines() {
        let plain = line.trim();
        if plain.is_empty() || plain.starts_with(['#', ';']) || plain.starts_with("//") {
            continue;
        }
        if let Some(name) = plain.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = format!("{}.", name.trim());
            outer.clear();
            continue;
        }
        if let Some((name, rest)) = plain.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            if let Some((value, _)) = rest.split_once("</") {
                each(name, value);
            }
            continue;
        }
        if let Some(rest) = plain.strip_prefix('}') {
            let ends = 1 + rest.chars().take_while(|c| *c == '}').count();
            for _ in 0..ends {
                if deeper > 0 {
                    deeper -= 1;
                } else if let Some(at) = outer.iter().rposition(|block| block.indent.is_none()) {
                    outer.truncate(at);
                }
            }
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        while outer.last().is_some_and(|block| block.indent.is_some_and(|other| other >= indent)) {
            outer.pop();
        }
        let code = plain.split(" #").next().unwrap_or(plain).trim_end();
        if let Some(name) = code.strip_suffix('{') {
            match outer.len() < MOST_LEVELS && deeper == 0 {
                true => {
                    let name = name.trim_end().trim_end_matches([':', '=']).trim_end().trim_matches('"');
                    outer.push(Outer { indent: None, name });
                }
                false => deeper += 1,
            }
            continue;
        }
        let Some((key, value)) = key_and_value(code) else { continue };
        if value.is_empty() {
            if outer.len() < MOST_LEVELS {
                outer.push(Outer { indent: Some(indent), name: key });
            }
            continue;
        }
        if deeper > 0 {
            continue;
        }
        // The brackets around a whole file, as in JSON, have no name.
        let names = outer.iter().map(|block| block.name).filter(|name| !name.is_empty());
        let around: String = names.map(|name| format!("{name}.")).collect();
        each(&format!("{section}{around}{key}"), value);
    }
}

/// A key or block around others.
struct Outer<'t> {
    /// The indentation of a key, whose block ends with the next line that is not indented more. `None` for a block that
    /// ends with a brace.
    indent: Option<usize>,
    name: &'t str,
}

/// The maximum number of keys around a key.
const MOST_LEVELS: usize = 8;

/// The key and the value in a line.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, '=' | ':'))?;
    let key = line[..end].trim_matches('"');
    let value = line[end..].trim_start().trim_start_matches(['=', ':']).trim();
    (!key.is_empty()).then_some((key, value.trim_end_matches([',', ';'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::containers::{SERVICES, package_of, packages};

    #[test]
    fn arguments_set_ports() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (server, usual, text, expected) in [
            ("redis", 6379, "--appendonly yes --port 6380", Some(6380)),
            ("postgres", 5432, "-c max_connections=9 -p 5433", Some(5433)),
            ("postgres", 5432, "-c port=5434", Some(5434)),
            ("postgres", 5432, "-c ssl=on", None),
            ("mysql", 3306, "--port=3307", Some(3307)),
            ("memcached", 11211, "-m 64 -p11212", Some(11212)),
            ("memcached", 11211, "-m 64 -prefix", None),
            ("minio", 9001, "server /data --console-address :9090", Some(9090)),
            ("minio", 9000, "server /data --console-address :9090", None),
            ("prometheus", 9090, "--web.listen-address=0.0.0.0:9091", Some(9091)),
        ] {
            assert_eq!(PortSettings::of_service(server, usual).in_arguments(&words(text)), expected, "{text}");
        }
        let package = |image: &str| package_of(image).unwrap();
        let settings = PortSettings::of_package(package("etcd"), 2379);
        assert_eq!(settings.in_arguments(&words("--listen-client-urls=http://0.0.0.0:2389")), Some(2389));
        assert_eq!(
            PortSettings::of_package(package("keycloak"), 8080).in_arguments(&words("--http-port=8081")),
            Some(8081)
        );
        assert_eq!(
            PortSettings::of_package(package("jevolk/tuwunel"), 8008).in_arguments(&words("-O port=6167")),
            Some(6167)
        );
        assert!(PortSettings::of_package(package("rabbitmq"), 5672).has_variable("RABBITMQ_NODE_PORT", ""));
        assert!(
            !PortSettings::of_package(package("rabbitmq:3-management"), 15672)
                .has_variable("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "")
        );
    }

    #[test]
    fn only_bitnami_images_read_bitnami_variables() {
        for (server, usual, name) in [
            ("clickhouse", 9000, "CLICKHOUSE_TCP_PORT"),
            ("mysql", 3306, "MYSQL_PORT_NUMBER"),
            ("postgres", 5432, "POSTGRESQL_PORT_NUMBER"),
        ] {
            let settings = PortSettings::of_service(server, usual);
            assert!(settings.has_variable(name, "docker.io/bitnami/x:1"), "{name}");
            assert!(!settings.has_variable(name, "x/x-server:1"), "{name}");
        }
        assert!(PortSettings::of_service("mysql", 3306).has_variable("MYSQL_TCP_PORT", "mysql:8.4"));
    }

    #[test]
    fn configuration_files_set_ports() {
        for (server, usual, text, expected) in [
            ("redis", 6379, "# port 1\nport 6380\n", Some(6380)),
            ("mysql", 3306, "[client]\nport=1\n[mysqld]\nport = 3307 # x\n", Some(3307)),
            ("mysql", 3306, "[client]\nport=1\n", None),
            ("mongodb", 27017, "storage:\n  dbPath: /data\nnet:\n  bindIp: 0.0.0.0\n  port: 27018\n", Some(27018)),
            ("loki", 3100, "server:\n  http_listen_port: 3101\n  grpc_listen_port: 9097\n", Some(3101)),
            ("nats-server", 4222, "listen: \"0.0.0.0:4223\"\ncluster {\n  port: 6222\n}\nhttp: 8223\n", Some(4223)),
            ("nats-server", 4222, "port: 4222\ncluster {\nport: 6222\n}\n", Some(4222)),
            ("nats-server", 4222, "cluster {\nport: 6222\n}\nport: 4223\n", Some(4223)),
            ("nats-server", 4222, "leafnodes: { # x\n  tls {\n  a: b\n  }\nport: 7422\n}\n", None),
            ("nats-server", 4222, "cluster{\n  listen: 0.0.0.0:6222\n}\n}\nlisten: 4224\n", Some(4224)),
            ("nats-server", 8222, "port: 4223\nhttp_port = 8223\n", Some(8223)),
            ("clickhouse", 9000, "<clickhouse>\n  <tcp_port>9009</tcp_port>\n</clickhouse>\n", Some(9009)),
            ("rabbitmq-server", 5672, "listeners.tcp.default = 5673\n", Some(5673)),
            ("elasticsearch", 9200, "http.port: 9201\n", Some(9201)),
            ("postgres", 5432, "port = 5433\t\n", Some(5433)),
        ] {
            assert_eq!(PortSettings::of_service(server, usual).in_file(text), expected, "{text}");
        }
    }

    #[test]
    fn each_setting_belongs_to_a_port_of_a_service_or_package() {
        for setting in SETTINGS {
            let is_service = |known: &super::super::ServiceImage| {
                known.option == setting.server && known.ports.iter().any(|port| port.container == setting.usual)
            };
            let is_package = |package: &PackageImage| {
                package.package == setting.server && package.ports.iter().any(|(number, _)| *number == setting.usual)
            };
            assert!(SERVICES.iter().any(is_service) || packages().any(is_package), "{setting:?}");
        }
    }
}
