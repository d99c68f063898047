//! `process-dependency`: the processes that a process waits for must exist, and the conditions must be satisfiable.

use std::collections::{BTreeMap, HashMap};

use super::{Check, ProjectView, Verdict};
use crate::facts::processes::group::{Merged, View};
use crate::facts::processes::model::{Condition, Dependency, Known, Part, Process};
use crate::facts::processes::{self, ProcessFacts};
use crate::finding::{Finding, RelPath};
use crate::suggest::nearest;

const RULE: &str = "process-dependency";

/// See `rules/process-dependency.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&processes::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for (file, processes) in view.project.each::<ProcessFacts>() {
        for part in &processes.parts {
            check(&file.source.path, part, &view.groups().view(&file.source.path, part), &mut verdict);
        }
    }
    verdict
}

/// Checks the dependencies that a part declares.
fn check(path: &RelPath, part: &Part, view: &View<'_>, out: &mut Verdict) {
    let cycles = Cycles::new(view);
    for process in &part.processes {
        if let Some(span) = process.depends_on_list {
            let message =
                format!("`depends_on` of `{}` is a list, which process-compose does not support", process.name);
            let help = "write a mapping: `depends_on: { other: { condition: process_healthy } }`";
            out.report(Finding::new(RULE, path, span, message).label("must be a mapping").help(help));
        }
        if let Some((parent, span)) = &process.extends
            && view.get(parent).is_none()
            && view.may_exist(parent).is_none()
        {
            let message = format!("`{}` extends `{parent}`, but there is no such process", process.name);
            out.report(with_nearest(Finding::new(RULE, path, *span, message), parent, view));
        }
        for dependency in &process.depends_on {
            match judge(path, process, dependency, view, &cycles) {
                Judgement::Fine => {}
                Judgement::Wrong(finding) => out.report(*finding),
                Judgement::Undecided(why) => out.not_decidable(path, why),
            }
        }
    }
}

enum Judgement {
    Fine,
    Wrong(Box<Finding>),
    Undecided(String),
}

fn wrong(finding: Finding) -> Judgement {
    Judgement::Wrong(Box::new(finding))
}

fn judge(
    path: &RelPath,
    process: &Process,
    dependency: &Dependency,
    view: &View<'_>,
    cycles: &Cycles<'_>,
) -> Judgement {
    let (name, target) = (&process.name, &dependency.target);
    if let Some(text) = &dependency.no_condition {
        return wrong(no_condition(path, dependency, text));
    }
    let Some(merged) = view.get(target) else {
        if view.is_replica(target) {
            return Judgement::Fine;
        }
        if let Some(why) = view.may_exist(target) {
            return Judgement::Undecided(format!(
                "`{name}` waits for `{target}`, which is not defined here, but {why}"
            ));
        }
        let message = format!("`{name}` waits for `{target}`, but there is no such process");
        let finding = Finding::new(RULE, path, dependency.target_span, message).label("is not defined");
        return wrong(with_nearest(finding, target, view));
    };
    if let Some(count) = merged.process.count.filter(|_| !merged.process.opaque) {
        let message = format!("`{name}` waits for `{target}`, but there is no such process: it has {count} replicas");
        let finding = Finding::new(RULE, path, dependency.target_span, message).label("is not defined");
        let help =
            format!("process-compose numbers replicas: wait for each of `{target}-0` to `{target}-{}`", count - 1);
        return wrong(finding.help(help).also(&merged.path, merged.span, "its replicas are numbered"));
    }
    if let Some(chain) = cycles.through(name, target) {
        let message = format!("`{name}` waits for itself: {chain}");
        let finding = Finding::new(RULE, path, dependency.span(), message).label("closes the cycle");
        return wrong(finding.help("remove one of these dependencies: otherwise none of these processes ever starts"));
    }
    if cycles.holds(target) {
        let message = format!("`{name}` waits for `{target}`, which is part of a dependency cycle and never starts");
        let finding = Finding::new(RULE, path, dependency.span(), message).label("never satisfied");
        return wrong(finding.also(&merged.path, merged.span, format!("`{target}` is part of a cycle")));
    }
    never_happens(path, process, dependency, merged)
}

/// Decides whether the condition of a dependency can never be satisfied.
fn never_happens(path: &RelPath, process: &Process, dependency: &Dependency, merged: &Merged) -> Judgement {
    let (name, target, it) = (&process.name, &dependency.target, &merged.process);
    let report = |message: String, label: &str, help: String| {
        let finding = Finding::new(RULE, path, dependency.span(), message).label("never satisfied").help(help);
        wrong(finding.also(&merged.path, merged.span, label))
    };
    if it.disabled.yes() && !it.opaque && process.disabled.no() {
        return report(
            format!("`{name}` waits for `{target}`, which is disabled"),
            "disabled, so it is not started",
            format!("enable `{target}`, or disable `{name}` as well"),
        );
    }
    if !it.complete() {
        return match dependency.condition() {
            Some(Condition::Started) => Judgement::Fine,
            _ => Judgement::Undecided(format!(
                "cannot check how `{name}` waits for `{target}`: part of `{target}` is defined elsewhere"
            )),
        };
    }
    match dependency.condition() {
        Some(Condition::Healthy) if it.readiness.no() => {
            let only = match it.liveness {
                Known::Absent => "has no readiness_probe",
                _ => "has only a liveness_probe, which never makes it healthy",
            };
            report(
                format!("`{name}` waits until `{target}` is healthy, but `{target}` {only}"),
                only,
                match it.log_line.no() {
                    true => format!("add a `readiness_probe` to `{target}`"),
                    false => format!("use `process_log_ready` instead: `{target}` has a `ready_log_line`"),
                },
            )
        }
        Some(Condition::LogReady) if it.log_line.no() => report(
            format!("`{name}` waits for the log line of `{target}`, but `{target}` has no ready_log_line"),
            "has no ready_log_line",
            match it.readiness.no() {
                true => format!(
                    "add a `ready_log_line` to `{target}`, or add a `readiness_probe` and use `process_healthy`"
                ),
                false => format!("use `process_healthy` instead: `{target}` has a `readiness_probe`"),
            },
        ),
        Some(condition) if condition.waits_for_the_end() && starts_again(it) => {
            let written = match dependency.condition {
                Known::Absent => " (no condition means `process_completed`)",
                _ => "",
            };
            report(
                format!("`{name}` waits for `{target}` to exit, but `{target}` is always restarted{written}"),
                "has `restart: always` and no `max_restarts`",
                format!("set `availability.restart` of `{target}` to `on_failure`, or use `process_healthy`"),
            )
        }
        _ => Judgement::Fine,
    }
}

fn starts_again(process: &Process) -> bool {
    process.restart == Known::Is("always".to_owned()) && process.restarts_end.no()
}

/// The maximum number of names that a name is compared with to find a similar one.
const LIKELY: usize = 200;

fn with_nearest(finding: Finding, name: &str, view: &View<'_>) -> Finding {
    let names = view.processes.keys().map(String::as_str).take(LIKELY);
    match nearest(name, names) {
        Some(near) => {
            let merged = view.get(near).map(|merged| (merged.path.clone(), merged.span));
            let finding = finding.help(format!("did you mean `{near}`?"));
            match merged {
                Some((path, span)) => finding.also(&path, span, format!("`{near}` is defined here")),
                None => finding,
            }
        }
        None => finding.help("define it, or remove the dependency"),
    }
}

/// The finding for a Docker Compose condition, or for a misspelled one.
fn no_condition(path: &RelPath, dependency: &Dependency, text: &str) -> Finding {
    let meant = match text {
        "service_started" => Some("process_started"),
        "service_healthy" => Some("process_healthy"),
        "service_completed_successfully" => Some("process_completed_successfully"),
        _ => nearest(text, Condition::ALL.iter().map(|condition| condition.name())),
    };
    let message = format!("`{text}` is not a valid condition, so process-compose does not load this file");
    let finding = Finding::new(RULE, path, dependency.span(), message);
    match meant {
        Some(meant) => finding.label(format!("write `{meant}`")).help(format!("did you mean `{meant}`?")),
        None => {
            let all: Vec<&str> = Condition::ALL.iter().map(|condition| condition.name()).collect();
            finding.label("invalid condition").help(format!("the conditions are: {}", all.join(", ")))
        }
    }
}

/// The cycles of a configuration.
struct Cycles<'v> {
    /// The index of the cycle that a process is part of.
    cycle_of: HashMap<&'v str, usize>,
    edges: BTreeMap<&'v str, Vec<&'v str>>,
    sizes: Vec<usize>,
}

/// The maximum number of processes that a message about a cycle lists; longer cycles are abbreviated.
const SPELT: usize = 8;

impl<'v> Cycles<'v> {
    fn new(view: &'v View<'_>) -> Self {
        let edges: BTreeMap<&str, Vec<&str>> = view
            .processes
            .iter()
            .map(|(name, merged)| {
                let targets = merged.process.depends_on.iter().map(|dependency| &*dependency.target);
                (name.as_str(), targets.filter(|target| view.get(target).is_some()).collect())
            })
            .collect();
        let mut cycles = Self { cycle_of: HashMap::new(), edges, sizes: Vec::new() };
        for component in components(&cycles.edges) {
            let alone = component.len() == 1
                && !cycles.edges.get(component[0]).is_some_and(|targets| targets.contains(&component[0]));
            if alone {
                continue;
            }
            let id = cycles.sizes.len();
            cycles.sizes.push(component.len());
            cycles.cycle_of.extend(component.into_iter().map(|name| (name, id)));
        }
        cycles
    }

    fn holds(&self, name: &str) -> bool {
        self.cycle_of.contains_key(name)
    }

    /// The cycle that a dependency closes, for a message; `None` if it closes none.
    fn through(&self, from: &str, to: &str) -> Option<String> {
        let cycle = *self.cycle_of.get(from)?;
        if self.cycle_of.get(to) != Some(&cycle) {
            return None;
        }
        if self.sizes[cycle] > SPELT {
            return Some(format!("through `{to}` and others, {} processes in all", self.sizes[cycle]));
        }
        let mut way: Vec<&str> = self.way(to, from, cycle)?;
        way.insert(0, from);
        Some(way.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> "))
    }

    /// The shortest path from one process in a cycle to another, including both.
    fn way(&self, from: &str, to: &str, cycle: usize) -> Option<Vec<&'v str>> {
        let (&from, _) = self.edges.get_key_value(from)?;
        let mut came: HashMap<&str, &str> = HashMap::new();
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(name) = queue.pop_front() {
            if name == to {
                let mut way = vec![name];
                let mut at = name;
                while at != from {
                    at = came.get(at)?;
                    way.push(at);
                }
                way.reverse();
                return Some(way);
            }
            for &next in self.edges.get(name)? {
                if self.cycle_of.get(next) == Some(&cycle) && next != from && !came.contains_key(next) {
                    came.insert(next, name);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// The strongly connected components of a graph (Tarjan's algorithm, with an explicit stack instead of recursion).
fn components<'v>(edges: &BTreeMap<&'v str, Vec<&'v str>>) -> Vec<Vec<&'v str>> {
    let names: Vec<&str> = edges.keys().copied().collect();
    let index: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let targets: Vec<Vec<usize>> =
        edges.values().map(|targets| targets.iter().filter_map(|name| index.get(name).copied()).collect()).collect();
    let mut order = vec![usize::MAX; names.len()];
    let mut low = vec![0; names.len()];
    let mut on_stack = vec![false; names.len()];
    let (mut stack, mut found, mut count) = (Vec::new(), Vec::new(), 0);
    for start in 0..names.len() {
        let mut work = vec![(start, 0)];
        while let Some((node, next)) = work.pop() {
            if next == 0 {
                if order[node] != usize::MAX {
                    continue;
                }
                (order[node], low[node]) = (count, count);
                count += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&target) = targets[node].get(next) {
                work.push((node, next + 1));
                if order[target] == usize::MAX {
                    work.push((target, 0));
                } else if on_stack[target] {
                    low[node] = low[node].min(order[target]);
                }
                continue;
            }
            for &target in &targets[node] {
                if on_stack[target] {
                    low[node] = low[node].min(low[target]);
                }
            }
            if low[node] == order[node] {
                let at = stack.iter().rposition(|&other| other == node).unwrap_or(0);
                let component = stack.split_off(at);
                component.iter().for_each(|&member| on_stack[member] = false);
                found.push(component.into_iter().map(|member| names[member]).collect());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_found_without_the_paths_that_lead_into_them() {
        let edges: BTreeMap<&str, Vec<&str>> = [
            ("a", vec!["b"]),
            ("b", vec!["c", "e"]),
            ("c", vec!["a"]),
            ("d", vec!["a"]),
            ("e", vec![]),
            ("f", vec!["f"]),
        ]
        .into();
        let mut found: Vec<Vec<&str>> = components(&edges)
            .into_iter()
            .map(|mut component| {
                component.sort_unstable();
                component
            })
            .collect();
        found.sort();
        assert_eq!(found, [vec!["a", "b", "c"], vec!["d"], vec!["e"], vec!["f"]]);
    }

    #[test]
    fn a_long_chain_of_dependencies_does_not_overflow_the_stack() {
        let names: Vec<String> = (0..20_000).map(|number| format!("p{number:05}")).collect();
        let edges: BTreeMap<&str, Vec<&str>> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), vec![names[(at + 1) % names.len()].as_str()]))
            .collect();
        assert_eq!(components(&edges).len(), 1);
    }
}
