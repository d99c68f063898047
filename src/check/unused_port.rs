//! `unused-port`: entries that nothing in the repository refers to.

use super::{Check, ProjectView, Verdict};
use crate::facts::port_registry::usage::Used;
use crate::facts::port_registry::{self, Entry, Registry};
use crate::finding::Finding;

/// The rule.
pub const RULE: &str = "unused-port";

/// See `rules/unused-port.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&port_registry::READER], project);

/// Reports entries without a use. If a registry is passed on as a whole, all of its entries may be used.
fn project(view: &ProjectView<'_>) -> Verdict {
    let registries = view.registries();
    let used = Used::gather(view.project, registries, view.references());
    let mut verdict = Verdict::default();
    for registry in registries.all().iter().filter(|registry| registry.shape.importable) {
        match used.refers_to(registry) {
            true => registry
                .ports()
                .filter_map(|(entry, port)| unused(&used, registry, entry, port))
                .for_each(|it| verdict.report(it)),
            false => verdict.extend(nobody(registry)),
        }
    }
    verdict
}

fn unused(used: &Used, registry: &Registry, entry: &Entry, port: u16) -> Option<Finding> {
    if used.has(registry, entry) {
        return None;
    }
    let message = format!("nothing in this repository refers to {} ({port})", entry.name());
    let finding = Finding::new(RULE, &registry.path, entry.name_span, message);
    Some(finding.label("not used").help("use it where the number is needed, or remove it and free the number"))
}

/// The single finding for a registry that nothing refers to. `None` if it has no ports.
fn nobody(registry: &Registry) -> Option<Finding> {
    let (first, _) = registry.ports().next()?;
    let others = registry.ports().count() - 1;
    let rest = match others {
        0 => String::new(),
        1 => ", nor to its other entry".to_owned(),
        others => format!(", nor to its {others} other entries"),
    };
    let message = format!("nothing in this repository refers to {} in {}{rest}", first.name(), registry.path);
    let finding = Finding::new(RULE, &registry.path, first.name_span, message);
    Some(finding.label("not used").help(
        "import the registry where ports are needed (`ports = import <path>;`) and write `ports.<name>` instead of the number",
    ))
}
