//! Which entries of registries the repository refers to.

use std::collections::HashSet;

use super::references::{self, Resolved};
use super::{Access, Entry, Lookup, Registries, Registry, RegistryFacts, Value, split};
use crate::facts::Project;
use crate::finding::RelPath;

/// The registries, groups and entries that are in use.
#[derive(Debug, Default)]
pub struct Used {
    /// Registries that something refers to.
    referred: HashSet<RelPath>,
    /// Registries whose entries may all be used.
    whole: HashSet<RelPath>,
    /// Entries in use, by registry and definition.
    entries: HashSet<(RelPath, u32)>,
    /// Groups whose entries may all be used.
    groups: HashSet<(RelPath, Vec<String>)>,
    /// Registries that modules receive as arguments, by argument name.
    arguments: HashSet<(RelPath, String)>,
}

impl Used {
    /// Collects what is in use by following all references. If a registry is passed on as a whole, all of its entries
    /// may be used.
    pub fn gather(project: &Project, registries: &Registries<'_>, references: &[Resolved<'_>]) -> Self {
        let mut used = Self::default();
        let imports = references.iter().filter(|resolved| resolved.found.access == Access::Import);
        for &Resolved { found, registry, target, .. } in imports {
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
                found => used.mark(registry, &split(&comment.entry), found),
            }
        }
        used
    }

    /// Marks the entries that modules select from a registry argument. If no module has such an argument, all entries
    /// may be used, because the registry is passed in an unknown way.
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

    /// Whether anything refers to a registry.
    pub fn refers_to(&self, registry: &Registry) -> bool {
        self.referred.contains(&registry.path)
    }

    /// Whether something may use an entry by its name.
    pub fn has(&self, registry: &Registry, entry: &Entry) -> bool {
        entry.read_here
            || self.whole.contains(&registry.path)
            || self.entries.contains(&(registry.path.clone(), entry.origin))
    }
}
