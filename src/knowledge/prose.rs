//! Attributes, keys and functions whose values are prose or scripts.
//!
//! Sources: the option declarations in nixpkgs, the keys of Compose, GitHub Actions, GitLab, Ansible and Kubernetes,
//! and text with port-like numbers in public repositories.

/// Attributes whose values are prose.
pub const ATTRIBUTES: [&str; 17] = [
    "assertion",
    "description",
    // In a systemd unit, as home-manager writes it.
    "Description",
    "longDescription",
    "exampleText",
    "exampleConfig",
    "defaultText",
    "message",
    "warnings",
    "title",
    "changelog",
    "relatedPackages",
    "motd",
    "banner",
    "helpLine",
    "greetingLine",
    "instruction",
];

/// Attributes whose values are prose unless the value is an address: service instances may also have such names.
pub const NOUNS: [&str; 7] = ["example", "meta", "homepage", "documentation", "summary", "doc", "docs"];

/// Functions whose first argument is text to search for.
pub const REPLACERS: [&str; 2] = ["replaceString", "replaceStrings"];

/// Usual names for a system's configuration and its parts.
pub const CONFIGURATIONS: [&str; 5] = ["cfg", "config", "options", "osConfig", "ports"];

/// Functions whose arguments are treated as prose.
pub const FUNCTIONS: [&str; 15] = [
    "literalExpression",
    "literalExample",
    "literalMD",
    "literalDocBook",
    "mdDoc",
    "throw",
    "abort",
    "warn",
    "trace",
    "warnIf",
    "throwIf",
    "throwIfNot",
    "assertMsg",
    "mkRenamedOptionModule",
    "mkEnableOption",
];

/// Attributes whose values are shell scripts or command lines, and functions whose arguments are.
pub const SCRIPT_WORDS: [&str; 30] = [
    "script",
    "command",
    "cmd",
    "entrypoint",
    "exec",
    "hook",
    "start",
    "stop",
    "pre",
    "post",
    "phase",
    "aliases",
    "run",
    "reload",
    "prehook",
    "posthook",
    "prestart",
    "poststart",
    "execstart",
    "commands",
    "args",
    "flags",
    "arguments",
    "options",
    "opts",
    "snippet",
    "initial",
    "init",
    "shell",
    "check",
];

/// Keys whose values are prose, or names and versions of other things. Only the key of the value itself
/// counts: a service may be called `summary`.
pub const KEYS: [&str; 20] = [
    "placeholder",
    "description",
    "desc",
    "msg",
    "fail_msg",
    "success_msg",
    "example",
    "examples",
    "image",
    "version",
    "uses",
    "title",
    "summary",
    "comment",
    "message",
    "tags",
    "lastmodified",
    "mac",
    "cron",
    "schedule",
];

/// Keys whose values are scripts.
pub const SCRIPT_KEYS: [&str; 15] = [
    "run",
    "script",
    "before_script",
    "after_script",
    "command",
    "commands",
    "entrypoint",
    "args",
    "cmd",
    "cmds",
    "shell",
    "exec",
    "bash",
    "pwsh",
    "test",
];
