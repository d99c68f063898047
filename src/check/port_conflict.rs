//! `port-conflict` and `invalid-port`: what a registry says by itself.

use std::collections::HashSet;

use crate::check::ProjectContext;
use crate::facts::port_registry::{Entry, Registries, Registry, Value};
use crate::finding::Finding;

/// Reports two names for one number, and entries that are no port numbers.
pub fn report(context: &mut ProjectContext<'_>, registries: &Registries<'_>) {
    for (number, entries) in registries.numbers() {
        if let [first, others @ ..] = entries {
            others.iter().for_each(|other| context.report(conflict(number, *first, *other)));
        }
    }
    for registry in registries.all() {
        let mut origins = HashSet::new();
        let findings = registry.entries.iter().filter_map(|entry| Some((entry.origin, invalid(registry, entry)?)));
        let once = findings.filter(|(origin, _)| origins.insert(*origin));
        once.for_each(|(_, finding)| context.report(finding));
    }
}

fn conflict(number: u32, first: (&Registry, &Entry), other: (&Registry, &Entry)) -> Finding {
    let ((home, first), (registry, entry)) = (first, other);
    let (name, taken) = (entry.name(), first.name());
    Finding::new(
        "port-conflict",
        &registry.path,
        entry.value_span,
        format!("{name} has port {number}, which {taken} already uses"),
    )
    .label(format!("{taken} already has {number}"))
    .help(format!(
        "give {name} its own number (`flakeward ports next` finds one), or allow it if they share it on purpose: \
             `# flakeward: allow(port-conflict) reason`"
    ))
    .also(&home.path, first.value_span, format!("{taken} is registered here"))
}

fn invalid(registry: &Registry, entry: &Entry) -> Option<Finding> {
    let Value::NotPort(what) = &entry.value else { return None };
    let message = format!("{} is {what}, which is not a valid port number", entry.name());
    let finding = Finding::new("invalid-port", &registry.path, entry.value_span, message);
    Some(finding.label("write an integer from 1 to 65535"))
}
