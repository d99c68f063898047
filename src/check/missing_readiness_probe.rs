//! `missing-readiness-probe`: daemons, and processes that others wait for, need a readiness probe.

use std::collections::HashMap;

use super::{Check, ProjectView, Verdict};
use crate::facts::processes::group::View;
use crate::facts::processes::model::{Condition, Known, Part, Process};
use crate::facts::processes::{self, ProcessFacts};
use crate::finding::{Finding, RelPath};

const RULE: &str = "missing-readiness-probe";

/// See `rules/missing-readiness-probe.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&processes::READER], project);

/// Which processes wait for a process, and for which condition.
#[derive(Default)]
struct Waiters<'v> {
    /// The first process that waits only for the start, and so may run too early.
    started: Option<&'v str>,
    /// Whether a process waits for readiness. Without a probe, it waits forever; `process-dependency` reports this.
    ready: bool,
    /// Whether a process waits for the end of this process, which is therefore not a daemon.
    ends: bool,
}

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for (file, processes) in view.project.each::<ProcessFacts>() {
        for part in &processes.parts {
            check(&file.source.path, part, &view.groups().view(&file.source.path, part), &mut verdict);
        }
    }
    verdict
}

/// Checks the processes that a part defines.
fn check(path: &RelPath, part: &Part, view: &View<'_>, out: &mut Verdict) {
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
            out.report(finding.help(help(&process.name, waiter)));
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

fn help(name: &str, waiter: Option<&str>) -> String {
    let add = "add `readiness_probe` with `exec.command` or `http_get`, or a `ready_log_line`";
    match waiter {
        Some(other) => format!("{add}, and make `{other}` wait for `{name}` with `process_healthy`"),
        None => add.to_owned(),
    }
}
