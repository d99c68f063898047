//! `port-conflict`: two registry entries, or two processes, with the same port.

use std::collections::{HashMap, HashSet};

use super::{Check, ProjectView, Verdict};
use crate::facts::port_registry::{self, Entry, Registry};
use crate::facts::processes::model::{Condition, Listen, Part, Process};
use crate::facts::processes::{self, ProcessFacts};
use crate::finding::{Finding, RelPath};

/// The rule.
pub const RULE: &str = "port-conflict";

/// See `rules/port-conflict.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&port_registry::READER, &processes::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for (number, entries) in view.registries().numbers() {
        verdict.extend(clashes(entries).map(|(first, other)| between_entries(number, first, other)));
    }
    for (file, processes) in view.project.each::<ProcessFacts>() {
        processes.parts.iter().for_each(|part| between_processes(&file.source.path, part, &mut verdict));
    }
    verdict
}

/// An entry with its registry.
pub type Known<'p> = (&'p Registry, &'p Entry);

/// The clashes between entries with the same number. For each entry that may listen where an earlier one does, returns
/// the first such earlier entry and the entry itself.
pub fn clashes<'p>(entries: &[Known<'p>]) -> impl Iterator<Item = (Known<'p>, Known<'p>)> {
    entries.iter().enumerate().filter_map(|(at, other)| {
        let mut earlier = entries[..at].iter().take(COMPARED);
        earlier.find(|(_, first)| first.may_meet(other.1)).map(|first| (*first, *other))
    })
}

/// The maximum number of earlier entries with which an entry is compared.
const COMPARED: usize = 1_000;

fn between_entries(number: u32, first: Known<'_>, other: Known<'_>) -> Finding {
    let ((home, first), (registry, entry)) = (first, other);
    let (name, taken) = (entry.name(), first.name());
    Finding::new(
        RULE,
        &registry.path,
        entry.value_span,
        format!("{name} has port {number}, which {taken} already uses"),
    )
    .label(format!("{taken} already has {number}"))
    .help(format!(
        "give {name} its own number (`flakeward ports next` finds one), specify where each of them listens: \
         `{{ port = {number}; protocol = \"udp\"; host = \"NAME\"; }}`, or allow it if they share it on purpose: \
         `# flakeward: allow(port-conflict) reason`"
    ))
    .also(&home.path, first.value_span, format!("{taken} is registered here"))
    .cause(taken)
}

/// Reports two processes of one configuration with the same port.
fn between_processes(path: &RelPath, part: &Part, out: &mut Verdict) {
    let ended = ended(part);
    let mut seen: HashMap<&str, Vec<(&Process, &Listen)>> = HashMap::new();
    let beside = part.processes.iter().filter(|process| process.disabled.no() && !ended.contains(&*process.name));
    for process in beside {
        let clash = process.listens.iter().find_map(|listen| {
            let others = seen.get(&*listen.port)?;
            let (other, known) = others.iter().find(|(other, _)| together(other, process))?;
            Some(same_port(path, process, listen, other, known))
        });
        out.extend(clash);
        for listen in &process.listens {
            let users = seen.entry(&listen.port).or_default();
            if users.len() < MANY {
                users.push((process, listen));
            }
        }
    }
}

/// The maximum number of processes remembered for each port, which bounds the comparisons.
const MANY: usize = 16;

/// The processes whose exit other processes wait for. They do not use a port at the same time as the waiting processes.
fn ended(part: &Part) -> HashSet<&str> {
    let dependencies = part.processes.iter().flat_map(|process| &process.depends_on);
    let ended = dependencies.filter(|it| it.condition().is_none_or(Condition::waits_for_the_end));
    ended.map(|dependency| &*dependency.target).collect()
}

/// Whether two processes may run at the same time. Namespaces usually separate alternatives that are never started
/// together.
fn together(one: &Process, other: &Process) -> bool {
    match (&one.namespace, &other.namespace) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn same_port(path: &RelPath, process: &Process, listen: &Listen, other: &Process, known: &Listen) -> Finding {
    let (name, first, port) = (&process.name, &other.name, &listen.port);
    let message = format!("`{name}` listens on port {port}, which `{first}` already uses");
    Finding::new(RULE, path, listen.span, message)
        .label(format!("already used by `{first}`"))
        .help(format!("give `{name}` its own port, with its own entry in the registry"))
        .also(path, known.span, format!("`{first}` listens on {port} here"))
        .cause(&**first)
}
