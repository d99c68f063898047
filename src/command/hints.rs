//! Suggestions for unknown commands and options.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::suggest::nearest;

/// The commands that a mistyped first word is compared to.
const COMMANDS: [&str; 14] = [
    "check",
    "fix",
    "init",
    "explain",
    "rules",
    "ports",
    "migrate",
    "baseline",
    "accepted",
    "report",
    "config",
    "lsp",
    "completions",
    "help",
];

/// Commands of other tools and other words for a command, with the equivalent of each.
const SYNONYMS: [(&str, &str); 22] = [
    ("lint", "check"),
    ("run", "check"),
    ("scan", "check"),
    ("verify", "check"),
    ("fmt", "fix"),
    ("format", "fix"),
    ("autofix", "fix"),
    ("new", "init"),
    ("setup", "init"),
    ("accept", "baseline"),
    ("ignore", "baseline"),
    ("doc", "explain"),
    ("docs", "explain"),
    ("rule", "explain"),
    ("list", "rules"),
    ("list-rules", "rules"),
    ("next", "ports next"),
    ("convert", "migrate"),
    ("settings", "config show"),
    ("schema", "config schema"),
    ("server", "lsp"),
    ("version", "--version"),
];

/// Options of other tools, with the replacement for each.
const OPTIONS: [(&str, &str); 17] = [
    ("--fix", "`flakeward fix` applies fixes"),
    ("--unsafe", "`flakeward fix --unsafe` applies all fixes"),
    ("--check", "`flakeward check` reports findings, and `flakeward fix --diff` shows what fixes would change"),
    ("--dry-run", "`flakeward fix --diff` shows what fixes would change"),
    ("--list-rules", "`flakeward rules` lists all rules"),
    ("--list", "`flakeward rules` lists all rules"),
    ("--init", "`flakeward init` writes a flakeward.toml"),
    ("--baseline", "`flakeward baseline` writes a baseline"),
    ("--exclude", "`exclude = [\"PATTERN\"]` in flakeward.toml leaves out files"),
    ("--rule", "`--select RULE` runs only this rule"),
    ("--rules", "`--select RULE` runs only this rule; `flakeward rules` lists all rules"),
    (
        "--severity",
        "`--fail-on LEVEL` sets the level at which a run fails, and `--level RULE=LEVEL` the level of a rule",
    ),
    ("--json", "`--format json` prints the findings as JSON"),
    ("--sarif", "`--format sarif` prints the findings as SARIF"),
    ("--no-color", "`--color never` turns colours off"),
    ("-c", "`--config FILE` names the configuration file"),
    ("-s", "`--select RULE` runs only this rule"),
];

/// The command that a mistyped word probably refers to, if there is one.
pub fn command(word: &str) -> Option<&'static str> {
    let synonym = SYNONYMS.iter().find(|(name, _)| *name == word).map(|(_, command)| *command);
    synonym.or_else(|| COMMANDS.into_iter().find(|command| Some(*command) == nearest(word, COMMANDS.into_iter())))
}

/// The suggestion for an unknown option or subcommand, if there is one.
pub fn of_arguments(error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let argument = context(ContextKind::InvalidArg)?;
            OPTIONS.iter().find(|(name, _)| *name == argument).map(|(_, hint)| (*hint).to_owned())
        }
        ErrorKind::InvalidSubcommand if context(ContextKind::InvalidSubcommand)? == "init" => {
            Some("`flakeward init` writes a flakeward.toml".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_other_tools_suggest_ours() {
        use clap::Parser;
        for (line, expected) in [
            ("flakeward check -c x.toml", Some("`--config FILE` names the configuration file")),
            ("flakeward check --json", Some("`--format json` prints the findings as JSON")),
            ("flakeward fix --dry-run", Some("`flakeward fix --diff` shows what fixes would change")),
            ("flakeward check --nothing-like-it", None),
        ] {
            let error = crate::cli::Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(of_arguments(&error).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn commands_of_other_tools_suggest_ours() {
        for (word, expected) in
            [("lint", Some("check")), ("chekc", Some("check")), ("list", Some("rules")), ("modules", None), ("x", None)]
        {
            assert_eq!(command(word), expected, "{word}");
        }
    }
}
