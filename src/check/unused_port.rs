//! `unused-port`: entries that nothing in the repository refers to.

use std::collections::HashSet;

use super::{Check, ProjectView, Verdict};
use crate::facts::Project;
use crate::facts::port_registry::references::{self, Resolved};
use crate::facts::port_registry::{self, Entry, Lookup, Registry, RegistryFacts, Value};
use crate::finding::{Finding, RelPath};

/// The rule.
pub const RULE: &str = "unused-port";

/// See `rules/unused-port.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&port_registry::READER], project);

/// Reports entries without a use. If a registry is passed on as a whole, all of its entries may be used.
fn project(view: &ProjectView<'_>) -> Verdict {
    let registries = view.registries();
    let used = Used::gather(view);
    let mut verdict = Verdict::default();
    for registry in registries.all().iter().filter(|registry| registry.shape.importable) {
        match used.referred.contains(&registry.path) {
            true => registry
                .ports()
                .filter_map(|(entry, port)| used.unused(registry, entry, port))
                .for_each(|it| verdict.report(it)),
            false => verdict.extend(nobody(registry)),
        }
    }
    verdict
}

#[derive(Default)]
struct Used {
    /// Registries that something refers to.
    referred: HashSet<RelPath>,
    /// Registries whose entries may all be used.
    whole: HashSet<RelPath>,
    /// Entries in use, by registry and definition.
    entries: HashSet<(RelPath, u32)>,
    /// Groups whose entries may all be used.
    groups: HashSet<(RelPath, Vec<String>)>,
    /// Registries that modules get as arguments, by argument name.
    arguments: HashSet<(RelPath, String)>,
}

impl Used {
    fn gather(view: &ProjectView<'_>) -> Self {
        let (project, registries) = (view.project, view.registries());
        let mut used = Self::default();
        for &Resolved { found, registry, target, .. } in view.references() {
            used.referred.insert(registry.path.clone());
            if let Some(argument) = &found.argument {
                used.mark_arguments(project, registry, argument);
            }
            if found.reads {
                used.mark(registry, &found.path, target.unwrap_or(Lookup::NotDecidable));
            }
        }
        for (_, _, registry) in references::loads(project, registries) {
            used.referred.insert(registry.path.clone());
            used.whole.insert(registry.path.clone());
        }
        for (_, comment, registry) in references::comments(project, registries) {
            let Some(registry) = registry else { continue };
            used.referred.insert(registry.path.clone());
            match registry.named(&comment.entry) {
                Lookup::Entry(entry) => used.mark_entry(registry, entry),
                found => used.mark(registry, &port_registry::split(&comment.entry), found),
            }
        }
        used
    }

    /// Marks the entries that modules select from a registry argument. If no module has such an argument, the registry
    /// is passed in an unknown way.
    fn mark_arguments(&mut self, project: &Project, registry: &Registry, argument: &str) {
        if !self.arguments.insert((registry.path.clone(), argument.to_owned())) {
            return;
        }
        let uses = project.all::<RegistryFacts>().flat_map(|facts| &facts.arguments);
        let mut uses = uses.filter(|found| &*found.registry == argument).peekable();
        if uses.peek().is_none() {
            self.whole.insert(registry.path.clone());
        }
        for found in uses.filter(|found| found.reads) {
            self.mark(registry, &found.path, registry.lookup(&found.path));
        }
    }

    fn mark(&mut self, registry: &Registry, path: &[String], found: Lookup<'_>) {
        match found {
            Lookup::Entry(entry) => self.mark_entry(registry, entry),
            Lookup::Group => {
                if self.groups.insert((registry.path.clone(), path.to_vec())) {
                    registry.below(path).for_each(|entry| self.mark_entry(registry, entry));
                }
            }
            Lookup::NotDecidable => {
                self.whole.insert(registry.path.clone());
            }
            Lookup::Missing(_) => {}
        }
    }

    fn mark_entry(&mut self, registry: &Registry, entry: &Entry) {
        if entry.value == Value::Helper {
            // A helper may read any entry.
            self.whole.insert(registry.path.clone());
        }
        self.entries.insert((registry.path.clone(), entry.origin));
    }

    fn unused(&self, registry: &Registry, entry: &Entry, port: u16) -> Option<Finding> {
        if entry.read_here
            || self.whole.contains(&registry.path)
            || self.entries.contains(&(registry.path.clone(), entry.origin))
        {
            return None;
        }
        let message = format!("nothing in this repository refers to {} ({port})", entry.name());
        let finding = Finding::new(RULE, &registry.path, entry.name_span, message);
        Some(finding.label("not used").help("use it where the number is needed, or remove it and free the number"))
    }
}

/// A registry that nothing refers to: reported once.
fn nobody(registry: &Registry) -> Option<Finding> {
    let (first, _) = registry.ports().next()?;
    let others = registry.ports().count() - 1;
    let rest = match others {
        0 => String::new(),
        1 => ", nor to its other entry".to_owned(),
        others => format!(", nor to its {others} other entries"),
    };
    let message = format!("nothing in this repository refers to {} of {}{rest}", first.name(), registry.path);
    let finding = Finding::new(RULE, &registry.path, first.name_span, message);
    Some(finding.label("not used").help(
        "import the registry where ports are needed (`ports = import <path>;`) and write `ports.<name>` instead of the number",
    ))
}
