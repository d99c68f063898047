//! Suggestions for an argument that is neither a command nor a path.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::suggest::nearest;

/// The commands that a mistyped first word is compared with.
const COMMANDS: [&str; 13] = [
    "check",
    "fix",
    "init",
    "explain",
    "rules",
    "ports",
    "migrate",
    "baseline",
    "accepted",
    "config",
    "lsp",
    "completions",
    "help",
];

/// Commands and options of other tools, and the equivalent here.
const SYNONYMS: [(&str, &str); 21] = [
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
    ("next", "ports next"),
    ("convert", "migrate"),
    ("settings", "config show"),
    ("schema", "config schema"),
    ("server", "lsp"),
    ("version", "--version"),
];

/// The command that a mistyped word probably means.
pub fn command(word: &str) -> Option<&'static str> {
    let synonym = SYNONYMS.iter().find(|(name, _)| *name == word).map(|(_, command)| *command);
    synonym.or_else(|| COMMANDS.into_iter().find(|command| Some(*command) == nearest(word, COMMANDS.into_iter())))
}

/// What to write instead of arguments that do not exist.
pub fn of_arguments(error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::InvalidArg)? {
            "--fix" => Some("`flakeward fix` applies fixes".to_owned()),
            "--unsafe" => Some("`flakeward fix --unsafe` applies all fixes".to_owned()),
            "--list-rules" | "--list" => Some("`flakeward rules` lists all rules".to_owned()),
            "--init" => Some("`flakeward init` writes a flakeward.toml".to_owned()),
            "--baseline" => Some("`flakeward baseline` writes a baseline".to_owned()),
            _ => None,
        },
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
    fn words_of_other_tools_lead_to_commands() {
        for (word, expected) in
            [("lint", Some("check")), ("chekc", Some("check")), ("list", Some("rules")), ("modules", None), ("x", None)]
        {
            assert_eq!(command(word), expected, "{word}");
        }
    }
}
