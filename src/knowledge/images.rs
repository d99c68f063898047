//! The services-flake services for common images.

pub mod base;
pub mod commands;
pub mod packages;
pub mod paths;

/// The owners of images of Nix itself, on Docker Hub and GitHub: `nixos/nix`, `nixpkgs/nix-flakes`, `lnl7/nix`.
pub const OWNERS_OF_NIX: [&str; 4] = ["nixos", "nixpkgs", "lnl7", "determinatesystems"];

/// Images by the last component of their name, and the services-flake service that replaces them, as named in its
/// `nix/services`.
const IMAGES: &[(&str, &str)] = &[
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("postgis", "postgres"),
    ("pgvector", "postgres"),
    ("timescaledb", "postgres"),
    ("mysql", "mysql"),
    ("mysql-server", "mysql"),
    ("mariadb", "mysql"),
    ("percona-server", "mysql"),
    ("mongo", "mongodb"),
    ("mongodb", "mongodb"),
    ("redis", "redis"),
    ("redis-stack", "redis"),
    ("redis-stack-server", "redis"),
    ("redis-cluster", "redis-cluster"),
    ("memcached", "memcached"),
    ("elasticsearch", "elasticsearch"),
    ("clickhouse", "clickhouse"),
    ("clickhouse-server", "clickhouse"),
    ("cassandra", "cassandra"),
    ("neo4j", "neo4j"),
    ("qdrant", "qdrant"),
    ("weaviate", "weaviate"),
    ("chroma", "chromadb"),
    ("kafka", "apache-kafka"),
    ("cp-kafka", "apache-kafka"),
    ("zookeeper", "zookeeper"),
    ("cp-zookeeper", "zookeeper"),
    ("nats", "nats-server"),
    ("elasticmq", "elasticmq"),
    ("elasticmq-native", "elasticmq"),
    ("azurite", "azurite"),
    ("minio", "minio"),
    ("seaweedfs", "seaweedfs"),
    ("dynamodb-local", "dynamodb-local"),
    ("prometheus", "prometheus"),
    ("grafana", "grafana"),
    ("grafana-oss", "grafana"),
    ("grafana-enterprise", "grafana"),
    ("loki", "loki"),
    ("tempo", "tempo"),
    ("pyroscope", "pyroscope"),
    ("alloy", "alloy"),
    ("nginx", "nginx"),
    ("nginx-unprivileged", "nginx"),
    ("mailhog", "mailhog"),
    ("pgadmin4", "pgadmin"),
    ("ollama", "ollama"),
    ("open-webui", "open-webui"),
    ("searxng", "searxng"),
    ("tika", "tika"),
    ("plantuml-server", "plantuml"),
];

/// The services-flake service for an image such as `docker.io/library/postgres:16-alpine`.
pub fn service(image: &str) -> Option<&'static str> {
    let name = image.split('@').next()?.rsplit('/').next()?.split(':').next()?;
    let name = name.to_ascii_lowercase();
    IMAGES.iter().find(|(known, _)| *known == name).map(|(_, service)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_replaced_with_services() {
        for (image, expected) in [
            ("postgres", Some("postgres")),
            ("docker.io/library/postgres:16-alpine", Some("postgres")),
            ("localhost:5000/mirror/redis@sha256:0123", Some("redis")),
            ("docker.elastic.co/elasticsearch/elasticsearch:7.16.1", Some("elasticsearch")),
            ("mailhog/MailHog", Some("mailhog")),
            ("traefik:2.6", None),
            ("postgres-exporter", None),
            ("", None),
        ] {
            assert_eq!(service(image), expected, "{image}");
        }
    }
}
