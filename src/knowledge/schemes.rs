//! URI schemes (IANA's registry, and those of database drivers), and the usual names of their services in registries.

/// URI schemes that identify a service, with its names in registries.
pub const SCHEMES: [(&str, &[&str]); 14] = [
    ("amqp", &["amqp", "rabbitmq"]),
    ("amqps", &["amqps"]),
    ("bolt", &["bolt"]),
    ("clickhouse", &["clickhouse"]),
    ("ldap", &["ldap"]),
    ("memcached", &["memcached"]),
    ("mongodb", &["mongodb", "mongo"]),
    ("mqtt", &["mqtt", "mosquitto"]),
    ("mysql", &["mysql", "mariadb"]),
    ("nats", &["nats"]),
    ("postgres", &["postgres", "postgresql"]),
    ("postgresql", &["postgres", "postgresql"]),
    ("redis", &["redis"]),
    ("rediss", &["rediss"]),
];
