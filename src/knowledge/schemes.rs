//! Schemes of addresses (IANA's registry of URI schemes, and the drivers of databases), and what registries call the
//! services behind them.

/// Schemes of addresses that name the service itself, with the names that registries give it.
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
