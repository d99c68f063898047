//! Docker images and their replacements: services-flake services, nixpkgs packages, and the programs in images.
//!
//! Sources: services-flake's option declarations (`nix/services/*.nix`), the images' own pages on Docker Hub for
//! ports and variables, and the programs' own documentation for their flags.

mod launchers;
pub mod mosquitto;
mod packages;
pub mod pm2;
mod programs;
mod publishers;
pub mod server_ports;
pub mod sources;
pub mod starts;
mod unavailable;

use crate::paths;
pub use launchers::{LAUNCHERS, STARTED_BY_APPLICATIONS, UNFREE, USER_SWITCHES};
pub use packages::{ARGUMENT_VARIABLES, FileForm, PackageImage, is_path_of_rabbitmq, packages};
pub use programs::{
    APACHE_ROOT, COMMON_PROGRAMS, CONNECTING, DOCKER_FLAGS, FILE_DIRECTIVES, FILE_ENDS, FILE_WORDS, HAPROXY_OF_IMAGE,
    HAPROXY_OF_ROOT, HAPROXY_SECTIONS, HOST_CLIENTS, IMAGE_HOSTS, INSTALLED, INSTALLED_SERVERS, LISTENS, NOT_CLIENTS,
    ON_EVERY_MACHINE, PHP_FPM, PORT_VARIABLES, PRINTING, PROGRAMS, RUNTIMES, SETTINGS, SHELLS, TOOLS, USUAL, WORKERS,
    WRAPPERS, ZOOKEEPER_USUAL, base_server, in_system, is_of_entrypoint, without_version, zookeeper_servers,
    zookeeper_setting,
};
use publishers::PUBLISHERS;
pub use unavailable::unavailable;

/// A services-flake service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceImage {
    /// Repositories of the image: the last component of the name, or several if the last one is ambiguous.
    pub images: &'static [&'static str],
    /// The service: `services.<option>.<instance>`.
    pub option: &'static str,
    /// Its ports.
    pub ports: &'static [PortOption],
    /// Environment variables with a corresponding option.
    pub variables: &'static [VariableOption],
    /// Whether the databases and users that other services need exist only after the process `<instance>-configure` has
    /// completed.
    pub configures: bool,
    /// For images with a version in their tag: the start of the package attribute (`postgresql_`), and the versions
    /// that nixpkgs has.
    pub versions: Option<(&'static str, &'static [&'static str])>,
}

impl ServiceImage {
    /// The attribute for the version of an image. `None` if nixpkgs does not have it, or has only one version.
    pub fn attribute(&self, image: &str) -> Option<String> {
        let (start, versions) = self.versions?;
        let number = version(image);
        let version = versions.iter().find(|version| {
            number == **version || number.strip_prefix(**version).is_some_and(|rest| rest.starts_with('.'))
        })?;
        let joint = if start == "postgresql_" { "_" } else { "" };
        Some(format!("{start}{}", version.replace('.', joint)))
    }
}

/// The version in the tag of an image: `16` in `postgres:16-alpine`.
pub fn version(image: &str) -> &str {
    let tag = tag(image).unwrap_or("latest").trim_start_matches("pg");
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// An option for a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortOption {
    /// The port inside a container.
    pub container: u16,
    /// The option's path.
    pub option: &'static str,
    /// The label of the port; empty for the main one.
    pub label: &'static str,
    /// The prefix of the number if the option is a string: `127.0.0.1:`.
    pub prefix: Option<&'static str>,
}

/// An environment variable with a corresponding option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariableOption {
    /// The variable.
    pub name: &'static str,
    /// The option's path.
    pub option: &'static str,
    /// The type of the option.
    pub kind: OptionKind,
}

/// The type of an option that replaces a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// A string.
    Text,
    /// A boolean.
    Bool,
    /// A list of words.
    Words,
    /// A secret: the value of the option would be in the world-readable store.
    Secret,
    /// A secret that the program or its start script can read from a variable: the text before and after the name.
    RunTime(&'static str, &'static str),
    /// Not needed, with the reason.
    Unneeded(&'static str),
}

const fn port(container: u16, option: &'static str) -> PortOption {
    PortOption { container, option, label: "", prefix: None }
}

const fn further(container: u16, option: &'static str, label: &'static str) -> PortOption {
    PortOption { container, option, label, prefix: None }
}

const fn text(name: &'static str, option: &'static str) -> VariableOption {
    VariableOption { name, option, kind: OptionKind::Text }
}

const fn secret(name: &'static str, option: &'static str) -> VariableOption {
    VariableOption { name, option, kind: OptionKind::Secret }
}

/// A secret in an option that services-flake's start script expands in the shell.
const fn expanded(name: &'static str, option: &'static str) -> VariableOption {
    VariableOption { name, option, kind: OptionKind::RunTime("${", ":-}") }
}

const fn unneeded(name: &'static str, why: &'static str) -> VariableOption {
    VariableOption { name, option: "", kind: OptionKind::Unneeded(why) }
}

const fn service(
    images: &'static [&'static str],
    option: &'static str,
    ports: &'static [PortOption],
    variables: &'static [VariableOption],
) -> ServiceImage {
    ServiceImage { images, option, ports, variables, configures: false, versions: None }
}

/// Why a password is not needed: any is accepted on the loopback address.
const TRUST: &str = "connections from this machine are trusted";

/// The services-flake services that have an image.
pub static SERVICES: &[ServiceImage] = &[
    ServiceImage {
        versions: Some(("postgresql_", &["13", "14", "15", "16", "17", "18"])),
        ..service(
            &[
                "postgres",
                "postgresql",
                "postgis",
                "pgvector",
                "timescaledb",
                "timescaledb-ha",
                "pgautoupgrade/pgautoupgrade",
                "immich-app/postgres",
            ],
            "postgres",
            &[port(5432, "port")],
            &[
                text("POSTGRES_USER", "superuser"),
                text("POSTGRESQL_USERNAME", "superuser"),
                VariableOption { name: "POSTGRES_INITDB_ARGS", option: "initdbArgs", kind: OptionKind::Words },
                unneeded("POSTGRES_PASSWORD", TRUST),
                unneeded("POSTGRES_PASSWORD_FILE", TRUST),
                unneeded("POSTGRESQL_PASSWORD", TRUST),
                unneeded("POSTGRESQL_POSTGRES_PASSWORD", TRUST),
                unneeded("ALLOW_EMPTY_PASSWORD", TRUST),
                unneeded("PGPASSWORD", TRUST),
                unneeded("PGUSER", "clients on this machine specify the user"),
                unneeded("PGDATA", "the data is in `dataDir`"),
            ],
        )
    },
    ServiceImage {
        configures: true,
        versions: Some(("mariadb_", &["10.11", "11.4", "11.8"])),
        ..service(&["mariadb"], "mysql", &[port(3306, "settings.mysqld.port")], MYSQL)
    },
    ServiceImage {
        configures: true,
        versions: Some(("mysql", &["8.0", "8.4"])),
        ..service(
            &["mysql", "mysql-server", "percona", "percona-server"],
            "mysql",
            &[port(3306, "settings.mysqld.port")],
            MYSQL,
        )
    },
    ServiceImage {
        configures: true,
        ..service(
            &["mongo", "mongodb", "mongodb-community-server"],
            "mongodb",
            &[port(27017, "port")],
            &[
                text("MONGO_INITDB_ROOT_USERNAME", "user"),
                text("MONGODB_ROOT_USER", "user"),
                expanded("MONGO_INITDB_ROOT_PASSWORD", "password"),
                expanded("MONGODB_ROOT_PASSWORD", "password"),
            ],
        )
    },
    service(
        &["redis", "redis-stack", "redis-stack-server", "redismod", "valkey", "keydb"],
        "redis",
        &[port(6379, "port")],
        &[
            secret("REDIS_PASSWORD", "extraConfig"),
            secret("VALKEY_PASSWORD", "extraConfig"),
            unneeded("ALLOW_EMPTY_PASSWORD", "no password is set"),
        ],
    ),
    service(&["memcached"], "memcached", &[port(11211, "port")], &[]),
    service(
        &["minio"],
        "minio",
        &[
            port(9000, "port"),
            PortOption { container: 9001, option: "consoleAddress", label: "console", prefix: Some("127.0.0.1:") },
        ],
        &[
            text("MINIO_ROOT_USER", "accessKey"),
            expanded("MINIO_ROOT_PASSWORD", "secretKey"),
            text("MINIO_ACCESS_KEY", "accessKey"),
            expanded("MINIO_SECRET_KEY", "secretKey"),
            text("MINIO_REGION", "region"),
            text("MINIO_REGION_NAME", "region"),
            text("MINIO_SITE_REGION", "region"),
            VariableOption { name: "MINIO_BROWSER", option: "browser", kind: OptionKind::Bool },
        ],
    ),
    service(
        &["elasticsearch"],
        "elasticsearch",
        &[port(9200, "port"), further(9300, "tcp_port", "transport")],
        &[
            text("cluster.name", "cluster_name"),
            VariableOption { name: "ES_JAVA_OPTS", option: "extraJavaOptions", kind: OptionKind::Words },
            unneeded("discovery.type", "the service runs as a single node"),
            unneeded("bootstrap.memory_lock", "memory is not limited outside a container"),
            unneeded("xpack.security.enabled", "security is off by default in Elasticsearch 7"),
        ],
    ),
    service(
        &["clickhouse-server", "clickhouse"],
        "clickhouse",
        &[port(9000, "port"), further(8123, "extraConfig.http_port", "http")],
        &[
            unneeded("CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT", "the default user manages access"),
            secret("CLICKHOUSE_PASSWORD", "extraConfig"),
        ],
    ),
    service(
        &["cassandra"],
        "cassandra",
        &[port(9042, "nativeTransportPort"), further(7000, "storagePort", "storage")],
        &[text("CASSANDRA_CLUSTER_NAME", "clusterName")],
    ),
    service(
        &["neo4j"],
        "neo4j",
        &[port(7687, "boltPort"), further(7474, "httpPort", "http")],
        &[secret("NEO4J_AUTH", "initialPassword")],
    ),
    service(&["qdrant"], "qdrant", &[port(6333, "httpPort"), further(6334, "grpcPort", "grpc")], &[]),
    service(&["weaviate"], "weaviate", &[port(8080, "port")], &[]),
    service(&["chroma", "chromadb"], "chromadb", &[port(8000, "port")], &[]),
    service(
        &["kafka", "cp-kafka", "cp-server", "kafka-native", "redpanda"],
        "apache-kafka",
        &[port(9092, "port")],
        &[text("CLUSTER_ID", "clusterId"), text("KAFKA_KRAFT_CLUSTER_ID", "clusterId")],
    ),
    service(
        &["zookeeper", "cp-zookeeper"],
        "zookeeper",
        &[port(2181, "port")],
        &[
            unneeded("ZOOKEEPER_CLIENT_PORT", "the port is an option"),
            unneeded("ALLOW_ANONYMOUS_LOGIN", "there is no login"),
        ],
    ),
    service(
        &["nats", "nats-streaming"],
        "nats-server",
        &[port(4222, "settings.port"), further(8222, "settings.monitor_port", "monitor")],
        &[],
    ),
    service(
        &["elasticmq", "elasticmq-native"],
        "elasticmq",
        &[port(9324, "restSqs.bindPort"), further(9325, "restStats.bindPort", "stats")],
        &[],
    ),
    service(
        &["azurite", "azure-storage/azurite"],
        "azurite",
        &[port(10000, "blobPort"), further(10001, "queuePort", "queue"), further(10002, "tablePort", "table")],
        &[],
    ),
    service(
        &["seaweedfs"],
        "seaweedfs",
        &[
            port(9333, "master.port"),
            further(8080, "volume.port", "volume"),
            further(8888, "filer.port", "filer"),
            further(8333, "s3.port", "s3"),
        ],
        &[],
    ),
    service(&["dynamodb-local"], "dynamodb-local", &[port(8000, "port")], &[]),
    service(&["prometheus"], "prometheus", &[port(9090, "port")], &[]),
    service(
        &["grafana", "grafana-oss", "grafana-enterprise"],
        "grafana",
        &[port(3000, "http_port")],
        &[VariableOption {
            name: "GF_SECURITY_ADMIN_PASSWORD",
            option: "extraConf.security.admin_password",
            kind: OptionKind::RunTime("$__env{", "}"),
        }],
    ),
    service(&["loki"], "loki", &[port(3100, "httpPort"), further(9096, "grpcPort", "grpc")], &[]),
    service(&["tempo"], "tempo", &[port(3200, "httpPort")], &[]),
    service(&["pyroscope"], "pyroscope", &[port(4040, "httpPort")], &[]),
    service(&["mailhog"], "mailhog", &[further(1025, "smtp.port", "smtp"), port(8025, "ui.port")], &[]),
    service(
        &["pgadmin4", "pgadmin"],
        "pgadmin",
        &[port(80, "port")],
        &[
            text("PGADMIN_DEFAULT_EMAIL", "initialEmail"),
            secret("PGADMIN_DEFAULT_PASSWORD", "initialPassword"),
            unneeded("PGADMIN_LISTEN_PORT", "the port is an option"),
        ],
    ),
    service(
        &["ollama"],
        "ollama",
        &[port(11434, "port")],
        &[text("OLLAMA_KEEP_ALIVE", "keepAlive"), unneeded("OLLAMA_HOST", "host and port are options")],
    ),
    service(&["open-webui"], "open-webui", &[port(8080, "port")], &[]),
    service(&["searxng"], "searxng", &[port(8080, "port")], &[secret("SEARXNG_SECRET", "secret_key")]),
    service(&["tika"], "tika", &[port(9998, "port")], &[]),
    service(&["plantuml-server"], "plantuml", &[port(8080, "port")], &[]),
    service(&["nginx", "nginx-unprivileged", "openresty"], "nginx", &[port(80, "port")], &[]),
];

const MYSQL: &[VariableOption] = &[
    unneeded("MYSQL_ROOT_PASSWORD", "the root user has no password on this machine"),
    unneeded("MYSQL_ROOT_PASSWORD_FILE", "the root user has no password on this machine"),
    unneeded("MARIADB_ROOT_PASSWORD", "the root user has no password on this machine"),
    unneeded("MARIADB_ROOT_PASSWORD_FILE", "the root user has no password on this machine"),
    unneeded("MYSQL_ALLOW_EMPTY_PASSWORD", "the root user has no password on this machine"),
    unneeded("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "the root user has no password on this machine"),
    unneeded("MYSQL_RANDOM_ROOT_PASSWORD", "the root user has no password on this machine"),
    unneeded("MARIADB_RANDOM_ROOT_PASSWORD", "the root user has no password on this machine"),
    unneeded("MARIADB_AUTO_UPGRADE", "nixpkgs determines the version"),
];

/// The repository of an image reference, without the registry, tag or digest: `bitnami/redis`.
pub fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let image = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    };
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) || registry == "localhost" => rest,
        _ => image,
    }
}

/// The tag of an image reference.
pub fn tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
}

/// Whether an image has any of the given names.
pub fn is_one_of(image: &str, names: &[&str]) -> bool {
    let repository = repository(image);
    let last = paths::name(repository);
    names.iter().any(|name| match name.contains('/') {
        true => repository == *name || repository.ends_with(&format!("/{name}")),
        false => {
            let publisher = repository.rsplit_once('/').map(|(before, _)| paths::name(before));
            last == *name && publisher.is_none_or(|publisher| publisher == *name || PUBLISHERS.contains(&publisher))
        }
    })
}

/// The services-flake service for an image.
pub fn service_of(image: &str) -> Option<&'static ServiceImage> {
    SERVICES.iter().find(|service| is_one_of(image, service.images))
}

/// The nixpkgs package for an image.
pub fn package_of(image: &str) -> Option<&'static PackageImage> {
    let tag = tag(image).unwrap_or_default();
    packages().find(|package| is_one_of(image, package.images) && tag.contains(package.tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_repository() {
        for (image, expected) in [
            ("postgres", Some("postgres")),
            ("docker.io/library/postgres:16-alpine", Some("postgres")),
            ("registry.example:5000/bitnami/redis:7@sha256:ab", Some("redis")),
            ("redis/redis-stack:latest", Some("redis")),
            ("mcr.microsoft.com/azure-storage/azurite", Some("azurite")),
            ("docker.elastic.co/elasticsearch/elasticsearch:7.17.0", Some("elasticsearch")),
            ("acme/postgres", None),
            ("acme/web", None),
        ] {
            assert_eq!(service_of(image).map(|service| service.option), expected, "{image}");
        }
        for (image, expected) in [
            ("quay.io/prometheus/node-exporter:v1.9.1", Some("prometheus-node-exporter")),
            ("quay.io/prometheuscommunity/postgres-exporter", Some("prometheus-postgres-exporter")),
            ("gcr.io/cadvisor/cadvisor:v0.52.1", Some("cadvisor")),
            ("docker.n8n.io/n8nio/n8n", Some("n8n")),
            ("ghcr.io/umami-software/umami:latest", Some("umami")),
            ("acme/node-exporter", None),
        ] {
            assert_eq!(package_of(image).map(|package| package.package), expected, "{image}");
        }
        for (image, ports) in [("rabbitmq:3-management", 2), ("rabbitmq:4-alpine", 1)] {
            assert_eq!(package_of(image).map(|package| package.ports.len()), Some(ports), "{image}");
        }
        assert_eq!(package_of("wordpress:cli-php8.3").map(|package| package.package), Some("wp-cli"));
        assert_eq!(tag("a/b:1@sha256:c"), Some("1"));
        assert_eq!(tag("host:80/b"), None);
    }

    #[test]
    fn each_image_is_listed_once() {
        let services = SERVICES.iter().flat_map(|service| service.images).map(|image| (*image, ""));
        let packages = packages().flat_map(|package| package.images.iter().map(|image| (*image, package.tag)));
        let mut all: Vec<(&str, &str)> = services.chain(packages).collect();
        all.sort_unstable();
        let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        assert_eq!(twice, Vec::<(&str, &str)>::new());
        for (image, _) in all {
            assert_eq!(unavailable(image), None, "{image}");
        }
    }

    #[test]
    fn placeholders_are_ports_packages_or_paths() {
        for package in packages() {
            for text in package.arguments.iter().chain(package.variables.iter().map(|(_, value)| value)) {
                for part in text.replace("{{", "").split('{').skip(1) {
                    let name = part.split('}').next().unwrap_or_default();
                    let port = name
                        .parse()
                        .ok()
                        .is_some_and(|number: u16| package.ports.iter().any(|(container, _)| *container == number));
                    let is_package = name.starts_with(|c: char| c.is_ascii_lowercase());
                    let is_path = name.starts_with('/');
                    assert!(port || is_package || is_path, "{}: {text}", package.package);
                }
            }
        }
    }
}
