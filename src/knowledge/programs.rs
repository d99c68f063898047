//! Programs and processes: which of them end, and which connect instead of listening.
//!
//! Sources: the manual page of each program, and names of processes in public configurations.

/// Words in the names of one-shot processes.
pub const TASKS: [&str; 14] = [
    "init",
    "setup",
    "migrate",
    "migration",
    "migrations",
    "seed",
    "build",
    "install",
    "prepare",
    "bootstrap",
    "codegen",
    "generate",
    "create",
    "configure",
];

/// Commands that terminate, immediately or after a while.
pub const ENDING: [&str; 12] =
    ["echo", "printf", "true", "false", "ls", "mkdir", "cp", "mv", "rm", "touch", "sleep", "date"];

/// Programs that take the port of a server to connect to.
pub const CLIENTS: [&str; 24] = [
    "psql",
    "pg_isready",
    "pg_dump",
    "pg_restore",
    "createdb",
    "createuser",
    "dropdb",
    "redis-cli",
    "mysql",
    "mysqladmin",
    "mysqldump",
    "mongosh",
    "mongo",
    "curl",
    "wget",
    "nc",
    "ncat",
    "telnet",
    "wait-for-it",
    "wait4x",
    "ssh",
    "grpcurl",
    "cqlsh",
    "clickhouse-client",
];
