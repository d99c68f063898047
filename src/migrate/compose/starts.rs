//! What the command of a service starts: the image's own server, a client of it, or a script.

use super::stack::Service;
use super::yaml::Node;
use super::{process, words};
use crate::knowledge::containers;
use crate::lang::shell;

/// Programs in server images that only connect to a server.
const CLIENTS: &[&str] = &[
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
const SERVERS: &[&str] = &[
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

/// Programs that keep a container running, or let it end. Such a service only holds volumes or waits for `docker exec`.
const IDLE: &[&str] = &["true", ":", "sleep", "tail", "echo", "exit", "cat", "ls"];

/// Whether a service with a server image only runs a client, like a service that creates a topic or a database.
pub fn is_client(service: &Service<'_>) -> bool {
    let words = words(service);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.rsplit('/').next().unwrap_or(word)));
    (has(CLIENTS) && !has(SERVERS)) || words.windows(2).any(|pair| pair[0].ends_with("ollama") && pair[1] == "pull")
}

/// Whether a word starts the server of an image.
pub fn starts_server(word: &str, service: &Service<'_>, option: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let image = service.text("image").map(containers::repository).and_then(|image| image.rsplit('/').next());
    SERVERS.contains(&name) || name == option || image == Some(name)
}

/// Whether a service with a server image runs a script that does not start the server.
pub fn is_other_than_server(service: &Service<'_>, option: &str) -> bool {
    is_other_program(service, option) && !words(service).iter().any(|word| starts_server(word, service, option))
}

/// The command of a service, if it only waits, prints or exits: `sleep infinity`.
pub fn idle(service: &Service<'_>) -> Option<String> {
    let own = service.get("entrypoint").filter(|node| node.text().is_some() || !node.items().is_empty());
    let node = own.or_else(|| service.get("command"))?;
    let words = match node.items() {
        [] => words::split(node.text()?).ok()?,
        items => items.iter().filter_map(Node::text).map(str::to_owned).collect(),
    };
    let words = without_shell(words);
    let is_idle = |line: &str| {
        let commands = shell::commands(line);
        !commands.is_empty() && commands.iter().all(|command| IDLE.contains(&command.program()))
    };
    is_idle(&words.join(" ")).then(|| words.join(" "))
}

/// The script of `sh -c`, or the words themselves.
fn without_shell(words: Vec<String>) -> Vec<String> {
    match process::shell_script(&words) {
        Some(script) => vec![script.to_owned()],
        None => words,
    }
}

/// Whether a service runs a shell script.
pub fn is_script(service: &Service<'_>) -> bool {
    let words = words(service);
    let shell = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    matches!(shell, "sh" | "bash" | "ash")
        && words.get(1).is_some_and(|flag| flag.starts_with('-') && flag.ends_with('c'))
}

/// Whether a service with the image of a program starts a script instead of the program: a shell, or a file in the
/// repository or the image that is not the image's own entrypoint.
pub fn is_other_program(service: &Service<'_>, program: &str) -> bool {
    let Some(node) = service.get("entrypoint").or_else(|| service.get("command")) else { return false };
    let split = node.text().and_then(|text| words::split(text).ok()).unwrap_or_default();
    let listed = node.items().first().and_then(Node::text);
    let Some(first) = listed.or(split.first().map(String::as_str)) else { return false };
    let name = first.rsplit('/').next().unwrap_or(first);
    let is_script = [".sh", ".bash", ".py"].iter().any(|end| name.ends_with(end)) && name != program;
    let is_mounted = || service.binds().iter().any(|bind| bind.target == first);
    matches!(name, "sh" | "bash" | "ash") || (is_script && (!name.contains("entrypoint") || is_mounted()))
}

/// The words of entrypoint and command, including the words of scripts in them.
fn words(service: &Service<'_>) -> Vec<String> {
    let nodes = ["entrypoint", "command"].iter().filter_map(|key| service.get(key));
    let words = nodes.flat_map(|node| match node.items() {
        [] => words::split(node.text().unwrap_or_default()).unwrap_or_default(),
        items => items.iter().filter_map(Node::text).map(str::to_owned).collect(),
    });
    let is_gap = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'' | '`' | '$');
    words
        .flat_map(|word| word.split(is_gap).filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
