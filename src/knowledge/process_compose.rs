//! The settings that process-compose and process-compose-flake support.
//!
//! YAML: process-compose's `schemas/process-compose-schema.json`. Nix: the options of process-compose-flake's
//! `nix/process-compose`. There are fewer of these, and any other option is an evaluation error.

/// The settings of one mapping or submodule.
#[derive(Debug)]
pub struct Table {
    /// The name of the mapping, for messages.
    pub of: &'static str,
    /// The settings' names.
    pub keys: &'static [&'static str],
    /// The settings that contain other settings, with their tables.
    pub inner: &'static [(&'static str, &'static Table)],
}

impl Table {
    /// The table of a nested setting.
    pub fn inside(&self, key: &str) -> Option<&'static Table> {
        self.inner.iter().find(|(name, _)| *name == key).map(|(_, table)| *table)
    }

    /// Whether a setting is known.
    pub fn knows(&self, key: &str) -> bool {
        self.keys.contains(&key)
    }
}

static EXEC: Table = Table { of: "an exec probe", keys: &["command", "working_dir"], inner: &[] };

static HTTP: Table = Table {
    of: "an http_get probe",
    keys: &["host", "path", "scheme", "port", "num_port", "headers", "status_code"],
    inner: &[],
};

static HTTP_FLAKE: Table =
    Table { of: "an http_get probe", keys: &["host", "path", "scheme", "port", "headers", "status_code"], inner: &[] };

const PROBE_KEYS: &[&str] = &[
    "exec",
    "http_get",
    "initial_delay_seconds",
    "period_seconds",
    "timeout_seconds",
    "success_threshold",
    "failure_threshold",
];

static PROBE: Table = Table { of: "a probe", keys: PROBE_KEYS, inner: &[("exec", &EXEC), ("http_get", &HTTP)] };

static PROBE_FLAKE: Table =
    Table { of: "a probe", keys: PROBE_KEYS, inner: &[("exec", &EXEC), ("http_get", &HTTP_FLAKE)] };

static AVAILABILITY: Table = Table {
    of: "`availability`",
    keys: &["restart", "backoff_seconds", "max_restarts", "exit_on_end", "exit_on_skipped"],
    inner: &[],
};

static SHUTDOWN: Table =
    Table { of: "`shutdown`", keys: &["command", "timeout_seconds", "signal", "parent_only", "send_keys"], inner: &[] };

static SHUTDOWN_FLAKE: Table =
    Table { of: "`shutdown`", keys: &["command", "timeout_seconds", "signal", "parent_only"], inner: &[] };

/// One entry of `depends_on`.
pub static DEPENDENCY: Table = Table { of: "a dependency", keys: &["condition"], inner: &[] };

/// A process in YAML.
pub static PROCESS: Table = Table {
    of: "a process",
    keys: &[
        "name",
        "extends",
        "disabled",
        "is_daemon",
        "command",
        "entrypoint",
        "log_location",
        "log_configuration",
        "environment",
        "env_file",
        "availability",
        "depends_on",
        "liveness_probe",
        "readiness_probe",
        "ready_log_line",
        "shutdown",
        "disable_ansi_colors",
        "working_dir",
        "namespace",
        "replicas",
        "description",
        "vars",
        "is_foreground",
        "is_tty",
        "is_elevated",
        "is_interactive",
        "launch_timeout_seconds",
        "is_disabled",
        "is_dotenv_disabled",
        "original_config",
        "replica_num",
        "replica_name",
        "executable",
        "args",
        "schedule",
        "watch",
        "mcp",
        "truncate_log",
        "is_template_disabled",
        "monitor_for",
        "monitor_silence_threshold",
        "success_exit_codes",
    ],
    inner: &[
        ("availability", &AVAILABILITY),
        ("shutdown", &SHUTDOWN),
        ("readiness_probe", &PROBE),
        ("liveness_probe", &PROBE),
    ],
};

/// A whole YAML file.
pub static PROJECT: Table = Table {
    of: "a process-compose file",
    keys: &[
        "version",
        "name",
        "log_location",
        "log_level",
        "log_length",
        "log_configuration",
        "log_format",
        "processes",
        "environment",
        "shell",
        "is_strict",
        "vars",
        "disable_env_expansion",
        "is_tui_disabled",
        "extends",
        "env_cmds",
        "ordered_shutdown",
        "file_names",
        "env_file_names",
        "dot_env_vars",
        "mcp_server",
    ],
    inner: &[],
};

/// A process in process-compose-flake.
pub static PROCESS_FLAKE: Table = Table {
    of: "a process",
    keys: &[
        "command",
        "depends_on",
        "availability",
        "shutdown",
        "working_dir",
        "readiness_probe",
        "liveness_probe",
        "ready_log_line",
        "namespace",
        "environment",
        "log_location",
        "log_configuration",
        "disable_ansi_colors",
        "is_daemon",
        "is_foreground",
        "is_tty",
        "disabled",
        "vars",
        "replicas",
        "description",
        "entrypoint",
        "is_elevated",
        "is_disabled",
        "is_dotenv_disabled",
        "launch_timeout_seconds",
        // Valid in every submodule.
        "imports",
        "config",
        "options",
        "_module",
    ],
    inner: &[
        ("availability", &AVAILABILITY),
        ("shutdown", &SHUTDOWN_FLAKE),
        ("readiness_probe", &PROBE_FLAKE),
        ("liveness_probe", &PROBE_FLAKE),
    ],
};

/// `settings` in process-compose-flake.
pub static SETTINGS_FLAKE: Table = Table {
    of: "`settings`",
    keys: &[
        "processes",
        "environment",
        "log_length",
        "log_level",
        "log_location",
        "log_configuration",
        "shell",
        "version",
        "vars",
        "disable_env_expansion",
        "ordered_shutdown",
        "env_cmds",
        "is_strict",
        "extends",
        "imports",
        "config",
        "options",
        "_module",
    ],
    inner: &[],
};

/// Options that process-compose-flake has removed, and their replacements.
pub const GONE: [(&str, &str); 6] = [
    ("httpServer", "write `cli.options.no-server`, `cli.options.port` or `cli.options.unix-socket`"),
    ("apiServer", "write `cli.options.no-server` or `cli.options.port`"),
    ("tui", "write `cli.environment.PC_DISABLE_TUI`"),
    ("testScript", "define a process named `test`"),
    ("preHook", "write `cli.preHook`"),
    ("postHook", "write `cli.postHook`"),
];

/// Whether process-compose supports a setting of a process that process-compose-flake does not have.
pub fn only_upstream(key: &str) -> bool {
    PROCESS.knows(key) && !PROCESS_FLAKE.knows(key)
}
