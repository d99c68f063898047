//! Assigns registry entries to uses by the names that `ports init` would propose, so that `fix` chooses the
//! same entries.

use std::collections::{BTreeMap, HashMap};

use super::{COMPARED, as_missing, uses};
use crate::check::ProjectView;
use crate::facts::ProjectFile;
use crate::facts::port_registry::Entry;
use crate::facts::ports::{PortFacts, PortUse, UseKind};
use crate::finding::{RelPath, Span};
use crate::rewrite::ports::naming::{self, Context, Missing};

/// The entries of uses, by file and position.
#[derive(Debug, Default)]
pub struct Assigned<'p>(HashMap<(&'p str, u32), (&'p RelPath, &'p [String])>);

impl<'p> Assigned<'p> {
    /// Assigns entries by comparing the evidence for the name of each use with the names of the entries for its number.
    pub fn of(view: &ProjectView<'p>) -> Self {
        let registries = view.registries();
        let files = view.project.each::<PortFacts>().filter(|(file, _)| !registries.is_registry(&file.source.path));
        let all = files.flat_map(|(file, ports)| uses(view, file, ports).map(move |port| (file, port)));
        let is_number = |port: &PortUse| {
            !matches!(port.kind, UseKind::Computed | UseKind::Random) && (1..=65535).contains(&port.number)
        };
        let uses: Vec<(&'p ProjectFile, &'p PortUse)> = all.filter(|(_, port)| is_number(port)).collect();
        let missing: Vec<Missing<'_>> = uses.iter().map(|(file, port)| as_missing(&file.source, port)).collect();
        let context = Context::of(&missing);
        // Which registries serve a file depends on its folder.
        let mut groups: BTreeMap<(u32, Vec<*const Entry>), Vec<usize>> = BTreeMap::new();
        for (index, (file, port)) in uses.iter().enumerate() {
            let entries = registries.serving(&file.source.path, port.number);
            if entries.is_empty() || entries.len() > COMPARED {
                continue;
            }
            let key = entries.iter().map(|(_, entry)| std::ptr::from_ref::<Entry>(entry)).collect();
            groups.entry((port.number, key)).or_default().push(index);
        }
        let mut assigned = HashMap::new();
        for group in groups.into_values() {
            let Some(&first) = group.first() else { continue };
            let entries = registries.serving(&uses[first].0.source.path, uses[first].1.number);
            let names: Vec<&[String]> = entries.iter().map(|(_, entry)| entry.service()).collect();
            let ports: Vec<Missing<'_>> = group.iter().map(|&index| missing[index]).collect();
            for (index, entry) in group.into_iter().zip(naming::assign(&ports, &context, &names)) {
                let (file, port) = uses[index];
                let Some((registry, entry)) = entry.map(|at| entries[at]) else { continue };
                assigned.insert((&*file.source.path, port.span.start), (&registry.path, entry.path.as_slice()));
            }
        }
        Self(assigned)
    }

    /// The registry and the entry that a use is assigned to, if any.
    pub fn entry_of(&self, path: &str, span: Span) -> Option<(&'p RelPath, &'p [String])> {
        self.0.get(&(path, span.start)).copied()
    }
}
