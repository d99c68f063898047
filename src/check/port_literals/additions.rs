//! The registry entries for ports that are not in a registry yet.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use super::kept::Basis;
use super::{OpenFile, Reporter, as_missing, registry_tree};
use crate::check::ProjectView;
use crate::facts::port_registry::{Registry, served};
use crate::facts::ports::{PortUse, UseKind};
use crate::facts::{FILES_AT_ONCE, ProjectFile};
use crate::finding::RelPath;
use crate::knowledge::third_party;
use crate::lang::limits::bounded;
use crate::rewrite::ports as port_fix;
use crate::rewrite::ports::Target;
use crate::rewrite::ports::naming::{self, Context, Missing};
use crate::rewrite::ports::plan::{self, Plan, Wanted};
use crate::source::FileKind;

/// Entries for ports that are not in a registry yet, as far as they are needed.
#[derive(Default)]
pub enum Additions<'p> {
    /// No entries are needed, or none can be added.
    #[default]
    None,
    /// The ports that would get an entry, to count the fixes that write entries.
    Possible(Possible<'p>),
    /// The entries, to write them.
    Planned(Plan),
}

/// The ports that could get an entry, and the registry for the entries.
pub struct Possible<'p> {
    pub registry: RelPath,
    pub shape: port_fix::Shape,
    /// The file and the position of each.
    pub ports: HashSet<(&'p str, u32)>,
}

/// The ports that are not in a registry.
pub struct Unnamed<'p> {
    uses: Vec<(&'p ProjectFile, &'p PortUse)>,
    missing: Vec<Missing<'p>>,
    context: Context<'p>,
}

impl<'p> Unnamed<'p> {
    pub fn of(uses: Vec<(&'p ProjectFile, &'p PortUse)>) -> Self {
        let missing: Vec<Missing<'p>> = uses.iter().map(|(file, port)| as_missing(&file.source, port)).collect();
        let context = Context::of(&missing);
        Self { uses, missing, context }
    }

    /// The ports that would get an entry, in the registry that is easiest to import or in a new one.
    pub fn possible(&self, view: &ProjectView<'p>) -> Option<Possible<'p>> {
        if self.uses.is_empty() {
            return None;
        }
        let (registry, shape) = match view.registries().is_empty() {
            true => (RelPath::from(view.ports.new_registry()), port_fix::Shape::Set),
            false => extensible(view)?,
        };
        let certain = naming::are_certain(&self.missing, &self.context);
        let ports = self.missing.iter().zip(certain).filter(|(_, certain)| *certain);
        Some(Possible { registry, shape, ports: ports.map(|(port, _)| (port.path, port.span.start)).collect() })
    }
}

/// The registry to which entries can be added that is easiest to import, and its shape.
pub fn extensible(view: &ProjectView<'_>) -> Option<(RelPath, port_fix::Shape)> {
    easiest(view).find_map(|registry| {
        let tree = registry_tree(view, registry)?;
        let shape = bounded(|| Some(plan::extensible(&tree, registry)?.0))?;
        Some((registry.path.clone(), shape))
    })
}

/// The registries, starting with the one that is easiest to import.
pub fn easiest<'p>(view: &ProjectView<'p>) -> impl Iterator<Item = &'p Registry> + use<'p> {
    let mut registries = view.registries().all().to_vec();
    registries.sort_by_key(|registry| (registry.shape.calls.len(), served(&registry.path).len()));
    registries.into_iter()
}

impl<'p> Reporter<'_, 'p> {
    /// The ports that are not in a registry and that can have an entry.
    pub fn unnamed(&self) -> Unnamed<'p> {
        let registries = self.view.registries();
        let is_missing = |(file, port): &(&ProjectFile, &PortUse)| {
            !matches!(port.kind, UseKind::Computed | UseKind::Random)
                && (1..=65535).contains(&port.number)
                && registries.serving(&file.source.path, port.number).is_empty()
        };
        let mut uses = Vec::new();
        for file in &self.view.project.files {
            let before = uses.len();
            uses.extend(self.uses(file).map(|port| (file, port)).filter(&is_missing));
            // No fix changes a generated file, so its ports need no entries and do not influence the names of others.
            if uses.len() > before && third_party::is_generated(&file.source.path, &file.source.text) {
                uses.truncate(before);
            }
        }
        Unnamed::of(uses)
    }

    /// Plans an entry for each port without one, in an existing or a new registry. Only entries that a fix will use are
    /// planned.
    pub fn plan(&self) -> Option<Plan> {
        let unnamed = self.unnamed();
        let possible = unnamed.possible(self.view)?;
        let mut files: Vec<(&ProjectFile, Vec<&PortUse>)> = Vec::new();
        for &(file, port) in &unnamed.uses {
            match files.last_mut() {
                Some((last, ports)) if std::ptr::eq(*last, file) => ports.push(port),
                _ => files.push((file, vec![port])),
            }
        }
        let used = files.par_iter().with_max_len(FILES_AT_ONCE).flat_map_iter(|(file, ports)| {
            let open = OpenFile::new(file);
            let used = ports.iter().copied().filter(|port| self.could_be_named(&open, port, &possible));
            used.map(|port| (port.number, &*file.source.path, port.span.start)).collect::<Vec<_>>()
        });
        let used: Vec<(u32, &str, u32)> = used.collect();
        let numbers: HashSet<u32> = used.iter().map(|(number, ..)| *number).collect();
        let usable = used.into_iter().map(|(_, path, start)| (path, start)).collect();
        // No entry is named after a service in another flake, because that flake cannot import the registry.
        let flakes = self.view.flakes();
        let is_outside: HashMap<&str, bool> = files
            .iter()
            .map(|(file, _)| &*file.source.path)
            .map(|path| (path, port_fix::import_obstacle(flakes, path, &possible.registry).is_some()))
            .collect();
        let is_named = |port: &Missing<'_>| {
            numbers.contains(&port.number) && !is_outside.get(port.path).copied().unwrap_or_default()
        };
        let missing: Vec<_> = unnamed.missing.into_iter().filter(is_named).collect();
        let context = unnamed.context.with_usable(usable);
        if missing.is_empty() {
            return None;
        }
        let is_wanted = |port: &Missing<'_>| self.view.wants_entry(port.path, port.span.start);
        if self.view.registries().is_empty() {
            return Some(plan::create(&possible.registry, &missing, &context, &Wanted::new(&is_wanted)));
        }
        let registry = easiest(self.view).find(|registry| registry.path == possible.registry)?;
        let source = &self.view.project.file(&registry.path)?.source;
        let tree = registry_tree(self.view, registry)?;
        bounded(|| plan::extend(source, &tree, registry, &missing, &context, &Wanted::new(&is_wanted)))
    }

    /// The registry that gets no entries even though ports could use them, and the reason: nothing can be added to it,
    /// or no file can import it. The reason is phrased to follow the registry's path.
    pub fn unextended(&self) -> Option<(RelPath, String)> {
        let unnamed = self.unnamed();
        let first = easiest(self.view).next().filter(|_| !unnamed.uses.is_empty())?;
        let Some(possible) = unnamed.possible(self.view) else {
            let certain = naming::are_certain(&unnamed.missing, &unnamed.context);
            let mut uses = unnamed.uses.iter().zip(certain).filter(|(_, certain)| *certain);
            // If no file could refer to the registry, an entry added by hand would be of no use either.
            if !uses.any(|((file, _), _)| self.could_refer(file, &first.path)) {
                return None;
            }
            let shape = registry_tree(self.view, first).map(|tree| port_fix::shape(first, &tree));
            let why = match shape {
                Some(port_fix::Shape::Closed(why)) => why,
                _ => "is not written as a single set, so no entry can be added to it",
            };
            return Some((first.path.clone(), why.to_owned()));
        };
        let Possible { registry, shape, ports } = &possible;
        let entry = ["name".to_owned()];
        let mut open = OpenFile::new(unnamed.uses.first()?.0);
        let why = unnamed.uses.iter().find_map(|&(file, port)| {
            // If the file cannot refer to the registry for another reason, the port needs no entry.
            if !ports.contains(&(&*file.source.path, port.span.start)) || !self.could_refer(file, registry) {
                return None;
            }
            // The uses are grouped by file, so each is parsed once.
            if !std::ptr::eq(open.file, file) {
                open = OpenFile::new(file);
            }
            let target = Target { registry, shape, entry: &entry, number: port.number, settled: true };
            let name = bounded(|| open.opened()?.missing_argument(port.span, &target))?;
            Some(format!("requires the argument `{name}`, which is not available in {}", file.source.path))
        })?;
        Some((possible.registry, why))
    }

    /// Whether a port without an entry is in a file that could refer to a registry.
    pub fn has_unnamed(&self) -> bool {
        let Some(first) = easiest(self.view).next() else { return false };
        self.unnamed().uses.iter().any(|(file, _)| self.could_refer(file, &first.path))
    }

    /// Whether a file could refer to a registry, judging only by the file's location and kind.
    fn could_refer(&self, file: &'p ProjectFile, registry: &str) -> bool {
        let is_nix = file.source.kind == FileKind::Nix;
        file.source.has_comments() && !(is_nix && OpenFile::new(file).obstacle(self.view, registry).is_some())
    }

    /// Whether a port would get an entry and a fix could use it, regardless of the entry's name.
    pub fn could_be_named(&self, open: &OpenFile<'p>, port: &PortUse, possible: &Possible<'_>) -> bool {
        let Possible { registry, shape, ports } = possible;
        let entry = ["name".to_owned()];
        let target = Target { registry, shape, entry: &entry, number: port.number, settled: true };
        let is_possible = || self.replacement(open, port, &target).is_ok();
        ports.contains(&(&*open.file.source.path, port.span.start))
            && match open.kept(self.view) {
                Some(kept) => {
                    let basis = Basis {
                        registry: registry.clone(),
                        shape: Some(shape.clone()),
                        entry: entry.to_vec(),
                        settled: true,
                        has_subject: false,
                        aliases: Vec::new(),
                        obstacle: open.obstacle(self.view, registry),
                    };
                    kept.could_be_named.get_or(port, basis, is_possible)
                }
                None => is_possible(),
            }
    }
}
