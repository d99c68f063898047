//! The services that services-flake provides, from its `nix/services`.

/// A service.
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// The suffix of its one-shot process, or empty.
    pub once: &'static str,
    /// Its port options with their defaults.
    pub ports: &'static [(&'static str, u16)],
}

const fn service(name: &'static str, once: &'static str, ports: &'static [(&'static str, u16)]) -> Service {
    Service { name, once, ports }
}

/// Keys of Prometheus's configuration file whose values are paths in URLs, from
/// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>.
pub const PROMETHEUS_URL_PATHS: [&str; 2] = ["metrics_path", "path_prefix"];

/// The services that services-flake provides.
pub const SERVICES: [Service; 37] = [
    service("alloy", "", &[("port", 12345)]),
    service("apache-kafka", "", &[]),
    service("azurite", "", &[("blobPort", 10000), ("queuePort", 10001), ("tablePort", 10002)]),
    service("cassandra", "", &[("nativeTransportPort", 9042), ("storagePort", 7000)]),
    service("chromadb", "", &[("port", 8000)]),
    service("clickhouse", "-init", &[("port", 9000)]),
    service("dynamodb-local", "", &[("port", 8000)]),
    service("elasticmq", "", &[]),
    service("elasticsearch", "", &[("port", 9200), ("tcp_port", 9300)]),
    service("grafana", "", &[("http_port", 3000)]),
    service("loki", "", &[("httpPort", 3100), ("grpcPort", 9096)]),
    service("mailhog", "", &[]),
    service("memcached", "", &[("port", 11211)]),
    service("minio", "-init", &[("port", 9000)]),
    service("mongodb", "-configure", &[("port", 27017)]),
    service("mysql", "-configure", &[]),
    service("nats-server", "", &[]),
    service("neo4j", "", &[("httpPort", 7474), ("boltPort", 7687)]),
    service("nginx", "", &[("port", 8080)]),
    service("ollama", "-models", &[("port", 11434)]),
    service("open-webui", "", &[("port", 1111)]),
    service("pgadmin", "-init", &[("port", 5050)]),
    service("phpfpm", "", &[]),
    service("plantuml", "", &[("port", 8080)]),
    service("postgres", "-init", &[("port", 5432)]),
    service("prometheus", "", &[("port", 9090)]),
    service("pubsub-emulator", "", &[("port", 8085)]),
    service("pyroscope", "", &[("httpPort", 4040)]),
    service("qdrant", "", &[("httpPort", 6333), ("grpcPort", 6334)]),
    service("redis", "", &[("port", 6379)]),
    service("redis-cluster", "-cluster-create", &[]),
    service("searxng", "", &[("port", 8080)]),
    service("seaweedfs", "", &[]),
    service("tempo", "", &[("httpPort", 3200)]),
    service("tika", "", &[("port", 9998)]),
    service("weaviate", "", &[("port", 8080)]),
    service("zookeeper", "", &[("port", 2181)]),
];
