//! PM2's command line.

/// The commands that stay in the foreground until the started program ends.
pub const RUNTIMES: [&str; 2] = ["pm2-runtime", "pm2-docker"];

/// Flags whose value is the next word. From PM2's command-line reference.
pub const VALUED: [&str; 18] = [
    "-n",
    "--name",
    "-i",
    "--instances",
    "-e",
    "--error",
    "-o",
    "--output",
    "-l",
    "--log",
    "--env",
    "--max-memory-restart",
    "--max-restarts",
    "--restart-delay",
    "--log-date-format",
    "--exp-backoff-restart-delay",
    "--kill-timeout",
    "--listen-timeout",
];
