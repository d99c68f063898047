//! `missing-readiness-probe`: what others wait for, and what goes to the background, must say when it is ready.

use std::collections::HashMap;

use crate::facts::processes::group::View;
use crate::facts::processes::model::{Condition, Known, Part, Process};
use crate::finding::{Finding, RelPath};
use crate::lang::shell;

const RULE: &str = "missing-readiness-probe";

/// Who waits for a process, and what for.
#[derive(Default)]
struct Waiters<'v> {
    /// The first that waits only for its start, and so runs before it answers.
    started: Option<&'v str>,
    /// Whether anybody waits for it to be ready: without a probe that never happens, which `process-dependency` reports.
    ready: bool,
    /// Whether anybody waits for its end: it is no daemon then.
    ends: bool,
}

/// Checks the processes that a part defines.
pub fn check(path: &RelPath, part: &Part, view: &View<'_>, out: &mut Vec<Finding>) {
    let waiters = waiters(view);
    for process in &part.processes {
        if process.service.is_some() || !process.runs {
            continue;
        }
        let Some(merged) = view.get(&process.name) else { continue };
        let waiters = waiters.get(&*process.name);
        if waiters.is_some_and(|waiters| waiters.ends || waiters.ready) || !lacks_a_probe(&merged.process) {
            continue;
        }
        let waiter = waiters.and_then(|waiters| waiters.started);
        if let Some(message) = message(&merged.process, waiter) {
            let finding = Finding::new(RULE, path, process.span, message).label("add `readiness_probe` here");
            out.push(finding.help(help(&process.name, waiter)));
        }
    }
}

fn waiters<'v>(view: &'v View<'_>) -> HashMap<&'v str, Waiters<'v>> {
    let mut waiters: HashMap<&str, Waiters<'_>> = HashMap::new();
    for (name, merged) in view.processes.iter().filter(|(_, merged)| !merged.process.disabled.yes()) {
        for dependency in &merged.process.depends_on {
            let entry = waiters.entry(&dependency.target).or_default();
            match dependency.condition() {
                Some(Condition::Started) => {
                    entry.started.get_or_insert(name);
                }
                Some(condition) if condition.waits_for_the_end() => entry.ends = true,
                Some(_) => entry.ready = true,
                None => {}
            }
        }
    }
    waiters
}

fn lacks_a_probe(process: &Process) -> bool {
    process.complete()
        && process.readiness.no()
        && process.log_line.no()
        && !process.disabled.yes()
        && !process.scheduled
        && (!process.once || process.daemon.yes())
}

fn message(process: &Process, waiter: Option<&str>) -> Option<String> {
    let name = &process.name;
    let lacks = match process.liveness {
        Known::Absent => "no readiness_probe",
        _ => "a liveness_probe but no readiness_probe",
    };
    match waiter {
        Some(other) => {
            Some(format!("`{name}` has {lacks}, so `{other}`, which waits for it, starts before `{name}` is ready"))
        }
        None if process.daemon.yes() => {
            Some(format!("`{name}` is a daemon with {lacks}: nothing can tell when it is ready"))
        }
        None => None,
    }
}

/// Words in the names of processes that do one thing and end.
const TASKS: [&str; 14] = [
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

/// Commands that end at once, or after a while.
const ENDING: [&str; 12] =
    ["echo", "printf", "true", "false", "ls", "mkdir", "cp", "mv", "rm", "touch", "sleep", "date"];

/// Whether a process plainly ends by itself, so that nobody waits for it to be ready.
pub fn ends_by_itself(name: &str, command: &str) -> bool {
    let task = name.split(['-', '_', '.', ':']).any(|word| TASKS.contains(&&*word.to_ascii_lowercase()));
    task || every_command_ends(command)
}

/// Whether a command, or all of a script, is made of commands that end. A loop may not, and neither may what goes on
/// in the background.
fn every_command_ends(script: &str) -> bool {
    let commands = shell::commands(script);
    let goes_on = script.split_whitespace().any(|word| matches!(word, "while" | "until" | "&"));
    let ends = |command: &shell::Command<'_>| ENDING.contains(&command.program()) && !command.has("infinity");
    !goes_on && !commands.is_empty() && commands.iter().all(ends)
}

fn help(name: &str, waiter: Option<&str>) -> String {
    let add = "add `readiness_probe` with `exec.command` or `http_get`, or a `ready_log_line`";
    match waiter {
        Some(other) => format!("{add}, and make `{other}` wait for `{name}` with `process_healthy`"),
        None => add.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::ends_by_itself;

    #[test]
    fn what_ends_by_itself() {
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
