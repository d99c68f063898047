//! `missing-readiness-probe`: what others wait for, and what goes to the background, must say when it is ready.

use std::collections::HashMap;

use super::group::View;
use super::model::{Condition, Known, Part, Process};
use crate::finding::{Finding, RelPath};

const RULE: &str = "missing-readiness-probe";

/// Who waits for a process, and what for.
#[derive(Default)]
struct Waiters<'v> {
    /// The first that needs it up and running.
    running: Option<(&'v str, Condition)>,
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
        if waiters.is_some_and(|waiters| waiters.ends) || !lacks_a_probe(&merged.process) {
            continue;
        }
        let running = waiters.and_then(|waiters| waiters.running);
        if let Some(message) = message(&merged.process, running) {
            let finding = Finding::new(RULE, path, process.span, message).label("add `readiness_probe` here");
            out.push(finding.help(help(&process.name, running)));
        }
    }
}

fn waiters<'v>(view: &'v View<'_>) -> HashMap<&'v str, Waiters<'v>> {
    let mut waiters: HashMap<&str, Waiters<'_>> = HashMap::new();
    for (name, merged) in view.processes.iter().filter(|(_, merged)| !merged.process.disabled.yes()) {
        for dependency in &merged.process.depends_on {
            let entry = waiters.entry(&dependency.target).or_default();
            match dependency.condition() {
                Some(condition) if condition.waits_for_the_end() => entry.ends = true,
                Some(condition) => {
                    entry.running.get_or_insert((name, condition));
                }
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

fn message(process: &Process, running: Option<(&str, Condition)>) -> Option<String> {
    let name = &process.name;
    let lacks = match process.liveness {
        Known::Absent => "no readiness_probe",
        _ => "a liveness_probe but no readiness_probe",
    };
    match running {
        Some((other, Condition::Started)) => {
            Some(format!("`{name}` has {lacks}: `{other}` waits for it, and is started before `{name}` can answer"))
        }
        Some((other, _)) => Some(format!("`{name}` has {lacks}: `{other}` waits for it to be ready")),
        None if process.daemon.yes() => {
            Some(format!("`{name}` is a daemon and has {lacks}: nobody can tell when it is up"))
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
    let one = !command.contains(['\n', ';', '|', '&']);
    task || (one && command.split_whitespace().next().is_some_and(|word| ENDING.contains(&word)))
}

fn help(name: &str, running: Option<(&str, Condition)>) -> String {
    let add = "add `readiness_probe` with `exec.command` or `http_get`, or a `ready_log_line`";
    match running {
        Some((other, Condition::Started)) => {
            format!("{add}, and let `{other}` wait for `{name}` with `process_healthy`")
        }
        _ => add.to_owned(),
    }
}
