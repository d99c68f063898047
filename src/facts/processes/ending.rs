//! Processes that terminate on their own.

use crate::knowledge::programs;
use crate::lang::shell;

/// Whether the name or command of a process shows that it terminates on its own, so that it needs no readiness probe.
pub fn ends_by_itself(name: &str, command: &str) -> bool {
    let task = name.split(['-', '_', '.', ':']).any(|word| programs::TASKS.contains(&&*word.to_ascii_lowercase()));
    task || every_command_ends(command)
}

/// Whether a command, or every command of a script, terminates. A loop or a background job might not.
fn every_command_ends(script: &str) -> bool {
    let commands = shell::commands(script);
    let goes_on = script.split_whitespace().any(|word| matches!(word, "while" | "until" | "&"));
    let ends = |command: &shell::Command<'_>| programs::ENDING.contains(&command.program()) && !command.has("infinity");
    !goes_on && !commands.is_empty() && commands.iter().all(ends)
}

#[cfg(test)]
mod tests {
    use super::ends_by_itself;

    #[test]
    fn commands_that_terminate_are_recognised() {
        for (command, expected) in [
            ("mkdir -p data", true),
            ("echo \"A: starting\"\nsleep 30\n", true),
            ("mkdir -p data && touch data/ready", true),
            ("sleep infinity", false),
            ("while true; do date; sleep 1; done", false),
            ("echo up; ./serve", false),
            ("sleep 5 & ./serve", false),
            ("./serve & echo started", false),
            ("", false),
        ] {
            assert_eq!(ends_by_itself("api", command), expected, "{command}");
        }
        assert!(ends_by_itself("db-migrate", "./run"));
        assert!(!ends_by_itself("database", "./run"));
    }
}
