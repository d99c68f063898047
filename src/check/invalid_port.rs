//! `invalid-port`: numbers that are not valid ports, in the registry or in other files.

use std::collections::HashSet;

use super::{Check, ProjectView, Verdict, port_literals};
use crate::facts::port_registry::{self, Entry, Registry, Value};
use crate::facts::ports::{self, PortUse};
use crate::finding::Finding;
use crate::source::Source;

const RULE: &str = "invalid-port";

/// See `rules/invalid-port.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&ports::READER, &port_registry::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for registry in view.registries().all() {
        let mut origins = HashSet::new();
        let findings = registry.entries.iter().filter_map(|entry| Some((entry.origin, entry_fault(registry, entry)?)));
        verdict.extend(findings.filter(|(origin, _)| origins.insert(*origin)).map(|(_, finding)| finding));
    }
    let literals = port_literals::unanswered(view, |number| number > 65535);
    verdict.extend(literals.map(|(file, port)| too_large(&file.source, port)));
    verdict
}

fn too_large(source: &Source, port: &PortUse) -> Finding {
    let message = format!("{} is not a valid port number: ports range from 1 to 65535", port.number);
    Finding::new(RULE, &source.path, port.span, message).label("too large")
}

fn entry_fault(registry: &Registry, entry: &Entry) -> Option<Finding> {
    let Value::NotPort(what) = &entry.value else { return None };
    let message = format!("{} is {what}, which is not a valid port number", entry.name());
    let finding = Finding::new(RULE, &registry.path, entry.value_span, message);
    Some(finding.label("write an integer from 1 to 65535"))
}
