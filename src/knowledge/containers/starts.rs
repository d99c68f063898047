//! Words in the commands of server images: programs that start the server, connect to it, or only keep the container
//! running. From the images' start scripts and the programs' documentation.

/// Programs in server images that only connect to a server.
pub const CLIENTS: &[&str] = &[
    "psql",
    "pg_isready",
    "pg_dump",
    "pg_restore",
    "createdb",
    "dropdb",
    "redis-cli",
    "valkey-cli",
    "mysql",
    "mysqladmin",
    "mysqldump",
    "mariadb",
    "mariadb-admin",
    "mongosh",
    "mongo",
    "mongodump",
    "mongorestore",
    "kafka-topics",
    "kafka-topics.sh",
    "kafka-configs",
    "kafka-broker-api-versions",
    "kafka-broker-api-versions.sh",
    "kafka-console-consumer",
    "kafka-console-producer",
    "clickhouse-client",
    "cypher-shell",
    "nats",
    "mc",
    "curl",
    "nc",
];

/// Words that start the server of an image.
pub const SERVER_WORDS: &[&str] = &[
    "postgres",
    "docker-entrypoint.sh",
    "redis-server",
    "valkey-server",
    "mysqld",
    "mariadbd",
    "mongod",
    "mongos",
    "server",
    "run",
    "run.sh",
    "kafka-server-start",
    "kafka-server-start.sh",
    "clickhouse-server",
    "nats-server",
    "neo4j",
    "nginx",
    "entrypoint.sh",
    "docker_entrypoint.sh",
    "start.sh",
    "start-kafka.sh",
    "zkServer.sh",
    "serve",
    "weed",
    "minio",
    "grafana-server",
    "mysqld_safe",
];

/// Words in [`SERVER_WORDS`] that are also common names of other programs. They start the server of an image unless the
/// repository contains a program with that name.
pub const COMMON_SERVER_WORDS: &[&str] =
    &["server", "run", "run.sh", "entrypoint.sh", "docker_entrypoint.sh", "start.sh", "start-kafka.sh", "serve"];

/// The ports of Redpanda's schema registry, HTTP proxy, admin API and internal protocol, which Kafka does not have. Source:
/// <https://docs.redpanda.com/current/reference/properties/broker-properties/>.
pub const OF_REDPANDA: [u16; 4] = [8081, 8082, 9644, 33145];

/// Programs that keep a container running, or let it end. Such a service only holds volumes or waits for `docker exec`.
pub const IDLE: &[&str] = &["true", ":", "sleep", "tail", "echo", "exit", "cat", "ls"];

/// The flags with which `dockerize` only waits, and whether they take a value. Source:
/// <https://github.com/jwilder/dockerize#command-line-options>.
pub const WAIT_FLAGS: [(&str, bool); 5] = [
    ("skip-tls-verify", false),
    ("timeout", true),
    ("wait", true),
    ("wait-http-header", true),
    ("wait-retry-interval", true),
];

/// The variable with the addresses for which docker-compose-wait waits. Source:
/// <https://github.com/ufoscout/docker-compose-wait#additional-configuration-options>.
pub const WAIT_VARIABLE: &str = "WAIT_HOSTS";

/// A variable with which docker-compose-wait does more than wait for addresses.
#[derive(Debug, PartialEq, Eq)]
pub struct WaitVariable {
    /// Its name.
    pub name: &'static str,
    /// What the image does, before and after the value.
    pub does: (&'static str, &'static str),
    /// What to do instead.
    pub todo: &'static str,
}

/// The variables with which docker-compose-wait does more than wait for addresses. Source: as for [`WAIT_VARIABLE`]; the
/// names that end in `_HOSTS` are those of versions before 2.8.
pub const WAIT_VARIABLES: [WaitVariable; 6] = [
    WaitVariable {
        name: "WAIT_PATHS",
        does: ("waits until ", " exists"),
        todo: "make sure that it exists before the process starts",
    },
    WaitVariable {
        name: "WAIT_COMMAND",
        does: ("runs `", "`"),
        todo: "run the command in a process on which this one depends",
    },
    WaitVariable { name: "WAIT_BEFORE", does: ("waits ", " seconds"), todo: NEEDS_TIME },
    WaitVariable { name: "WAIT_BEFORE_HOSTS", does: ("waits ", " seconds"), todo: NEEDS_TIME },
    WaitVariable { name: "WAIT_AFTER", does: ("waits ", " seconds"), todo: NEEDS_TIME },
    WaitVariable { name: "WAIT_AFTER_HOSTS", does: ("waits ", " seconds"), todo: NEEDS_TIME },
];

/// What to do for a program that sleeps before it starts.
const NEEDS_TIME: &str = "nothing, unless another program needs that time: then give it a `readiness_probe`";

/// Scripts that wait for `HOST:PORT` and then run the command after `--`. Sources:
/// <https://github.com/vishnubob/wait-for-it>, <https://github.com/eficode/wait-for>.
pub const WAIT_SCRIPTS: [&str; 4] = ["wait-for", "wait-for-it", "wait-for-it.sh", "wait-for.sh"];

/// The addresses from which images download programs that only wait. Process-compose waits itself.
pub const WAIT_SOURCES: [&str; 4] = [
    "github.com/jwilder/dockerize/releases",
    "github.com/powerman/dockerize/releases",
    "github.com/ufoscout/docker-compose-wait/releases",
    "githubusercontent.com/vishnubob/wait-for-it",
];
