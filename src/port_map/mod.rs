//! The port map of a repository: every registry entry with its uses, and every port without an entry.

pub mod next;
pub mod rows;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::check::{port_conflict, port_literals};
use crate::config::PortSettings;
use crate::facts::Project;
use crate::facts::port_registry::references::Resolved;
use crate::facts::port_registry::{Answers, Entry, Lookup, Registries, Registry, RegistryFacts, references};
use crate::facts::ports;
use crate::facts::ports::UseKind;
use crate::finding::{RelPath, Span};
use crate::lang::{Language, Tree};
use crate::rule::Catalog;
use crate::source::LineIndex;
use crate::suppress;
use crate::wording::listed;

/// The map.
#[derive(Debug)]
pub struct PortMap<'p> {
    /// The registries, by path.
    pub registries: Vec<RegistryMap<'p>>,
    /// Numbers with conflicting entries.
    pub conflicts: Vec<(u32, Vec<(&'p Registry, &'p Entry)>)>,
    /// Port literals without an entry, by number.
    pub missing: Vec<(u32, Vec<Spot<'p>>)>,
    /// Port literals that may refer to several entries, by number.
    pub shared: Vec<Shared<'p>>,
}

/// The literals of a number that may refer to several entries.
#[derive(Debug)]
pub struct Shared<'p> {
    /// The number.
    pub number: u32,
    /// The entries.
    pub entries: Vec<(&'p Registry, &'p Entry)>,
    /// The literals.
    pub spots: Vec<Spot<'p>>,
}

/// A registry and its uses.
#[derive(Debug)]
pub struct RegistryMap<'p> {
    /// The registry.
    pub registry: &'p Registry,
    /// The positions at which the whole registry is passed on, so that any entry may be used.
    pub whole: Vec<Spot<'p>>,
    /// Its entries and their uses, by number.
    pub entries: Vec<(&'p Entry, Vec<Spot<'p>>)>,
    /// For each definition, the indices of its entries in `entries`, before these are sorted.
    by_origin: HashMap<u32, Vec<usize>>,
}

/// A use of a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot<'p> {
    /// The file.
    pub path: &'p RelPath,
    /// The position.
    pub span: Span,
    /// How the use refers to the port.
    pub how: How,
    /// The name of the use, which is usually an attribute path. Empty if it is not known.
    pub name: &'p str,
}

/// How a use refers to its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// By the entry's name.
    Reference,
    /// By the name of a group or of the whole registry.
    Group,
    /// By a number with a comment that names the entry.
    Comment,
    /// By a number without such a comment.
    Literal,
}

impl Shared<'_> {
    /// The maximum number of entries whose names are listed.
    const NAMED: usize = 4;

    /// The names of the entries, with `or` before the last.
    pub fn names(&self) -> String {
        let named = self.entries.iter().take(Self::NAMED).map(|(_, entry)| entry.name());
        let rest = self.entries.len().checked_sub(Self::NAMED).filter(|rest| *rest > 0);
        listed(&named.chain(rest.map(|rest| format!("{rest} more"))).collect::<Vec<_>>(), "or")
    }
}

impl<'p> PortMap<'p> {
    /// Creates the map.
    pub fn of(project: &'p Project, registries: &'p Registries<'p>, settings: &PortSettings) -> Self {
        let mut maps = Maps::new(registries);
        let resolved = references::resolve(project, registries);
        for &Resolved { file, found, registry, target, .. } in resolved.iter().filter(|resolved| resolved.found.reads) {
            let Some(map) = maps.of(registry) else { continue };
            let spot = Spot { path: &file.source.path, span: found.span, how: How::Reference, name: "" };
            match target {
                Some(Lookup::Entry(entry)) => map.add(entry, &spot),
                Some(Lookup::Group) if !registry.shape.prefix.starts_with(&found.path) => {
                    map.add_to_group(&found.path, &Spot { how: How::Group, ..spot });
                }
                Some(Lookup::Missing(_)) => {}
                _ => map.whole.push(Spot { how: How::Group, ..spot }),
            }
        }
        for (file, span, registry) in references::loads(project, registries) {
            let spot = Spot { path: &file.source.path, span, how: How::Group, name: "" };
            maps.of(registry).into_iter().for_each(|map| map.whole.push(spot.clone()));
        }
        for (file, comment, registry) in references::comments(project, registries) {
            let Some(registry) = registry else { continue };
            let Lookup::Entry(entry) = registry.named(&comment.entry) else { continue };
            let spot = Spot { path: &file.source.path, span: comment.span, how: How::Comment, name: "" };
            maps.of(registry).into_iter().for_each(|map| map.add(entry, &spot));
        }
        let (missing, shared) = literals(project, registries, settings, &mut maps);
        let mut maps = maps.all;
        maps.iter_mut().for_each(RegistryMap::sort);
        let conflicts = registries.numbers().map(|(number, entries)| (number, meeting(entries)));
        let conflicts = conflicts.filter(|(_, entries)| !entries.is_empty());
        Self { registries: maps, conflicts: conflicts.collect(), missing: missing.into_iter().collect(), shared }
    }

    /// Removes the conflicts that comments in the registry allow, as `flakeward check` does.
    pub fn without_allowed(mut self, project: &Project, catalog: &Catalog, today: Date) -> Self {
        let mut allowed: HashMap<&RelPath, Vec<RangeInclusive<usize>>> = HashMap::new();
        let mut is_allowed = |registry: &'p Registry, entry: &Entry| {
            let Some(file) = project.file(&registry.path) else { return false };
            let lines = allowed.entry(&registry.path).or_insert_with(|| {
                let tree = Tree::parse(Language::Nix, &file.source.text);
                let suppressions = suppress::read(&file.source, tree.as_ref(), catalog, &mut Vec::new());
                let ours =
                    suppressions.into_iter().filter(|it| it.rule == port_conflict::RULE && !it.is_expired(today));
                ours.map(|suppression| suppression.lines).collect()
            });
            let line = LineIndex::new(&file.source.text).line(entry.value_span.start);
            lines.iter().any(|lines| lines.contains(&line))
        };
        self.conflicts.retain(|(_, entries)| {
            port_conflict::clashes(entries).any(|(_, (registry, entry))| !is_allowed(registry, entry))
        });
        self
    }
}

/// The entries for one number that may listen on the same machine, protocol and address as another entry in the list.
fn meeting<'p>(entries: &[(&'p Registry, &'p Entry)]) -> Vec<(&'p Registry, &'p Entry)> {
    const COMPARED: usize = 1_000;
    let meets = |at: usize, entry: &Entry| {
        let mut others = entries.iter().take(COMPARED).enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, (_, other))| entry.may_meet(other))
    };
    entries.iter().enumerate().filter(|(at, (_, entry))| meets(*at, entry)).map(|(_, known)| *known).collect()
}

/// Assigns port literals to the entries that they refer to. Returns those without an entry, and those that may refer to
/// several entries.
fn literals<'p>(
    project: &'p Project,
    registries: &Registries<'p>,
    settings: &PortSettings,
    maps: &mut Maps<'p>,
) -> (BTreeMap<u32, Vec<Spot<'p>>>, Vec<Shared<'p>>) {
    let mut shared: BTreeMap<(u32, Vec<&RelPath>), Shared<'p>> = BTreeMap::new();
    let mut missing: BTreeMap<u32, Vec<Spot<'p>>> = BTreeMap::new();
    let mut answers: HashMap<&RelPath, Answers> = HashMap::new();
    for (file, port) in ports::own(project, settings) {
        let known = !matches!(port.kind, UseKind::Computed | UseKind::Random) && (1..=65535).contains(&port.number);
        let answers = answers.entry(&file.source.path).or_insert_with(|| {
            registries.answers(file.fact::<RegistryFacts>().map_or(&[][..], |facts| &facts.comments))
        });
        let answered = answers.cover(port.number, port.span);
        if !known || answered || registries.is_registry(&file.source.path) {
            continue;
        }
        let spot = Spot { path: &file.source.path, span: port.span, how: How::Literal, name: &port.name };
        let entries = registries.serving(&file.source.path, port.number);
        if entries.is_empty() {
            missing.entry(port.number).or_default().push(spot);
            continue;
        }
        let owner = match entries {
            [only] => Some(only),
            several => port_literals::owner(&file.source, port, several).and_then(|at| several.get(at)),
        };
        if let Some((registry, entry)) = owner {
            maps.of(registry).into_iter().for_each(|map| map.add(entry, &spot));
            continue;
        }
        // Which registries serve a file depends on its folder.
        let mut served: Vec<&RelPath> = entries.iter().take(COMPARED).map(|(registry, _)| &registry.path).collect();
        served.dedup();
        let new = || Shared { number: port.number, entries: entries.to_vec(), spots: Vec::new() };
        shared.entry((port.number, served)).or_insert_with(new).spots.push(spot);
    }
    let mut shared: Vec<Shared<'p>> = shared.into_values().collect();
    for shared in &mut shared {
        shared.spots.sort();
        shared.spots.dedup();
    }
    (missing, shared)
}

/// The maximum number of entries whose registries are compared.
const COMPARED: usize = 64;

/// The maps of all registries.
struct Maps<'p> {
    all: Vec<RegistryMap<'p>>,
    by_path: HashMap<&'p RelPath, usize>,
}

impl<'p> Maps<'p> {
    fn new(registries: &Registries<'p>) -> Self {
        let all: Vec<_> = registries.all().iter().map(|registry| RegistryMap::new(registry)).collect();
        let by_path = all.iter().enumerate().map(|(index, map)| (&map.registry.path, index)).collect();
        Self { all, by_path }
    }

    fn of(&mut self, registry: &Registry) -> Option<&mut RegistryMap<'p>> {
        self.all.get_mut(*self.by_path.get(&registry.path)?)
    }
}

impl<'p> RegistryMap<'p> {
    fn new(registry: &'p Registry) -> Self {
        let entries = registry.entries.iter().filter(|entry| entry.value != crate::facts::port_registry::Value::Helper);
        let entries: Vec<_> = entries.map(|entry| (entry, Vec::new())).collect();
        let mut by_origin: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, (entry, _)) in entries.iter().enumerate() {
            by_origin.entry(entry.origin).or_default().push(index);
        }
        Self { registry, whole: Vec::new(), entries, by_origin }
    }

    /// Adds a use to an entry, and to all other entries of its definition.
    fn add(&mut self, entry: &Entry, spot: &Spot<'p>) {
        for &index in self.by_origin.get(&entry.origin).into_iter().flatten() {
            self.entries[index].1.push(spot.clone());
        }
    }

    fn add_to_group(&mut self, group: &[String], spot: &Spot<'p>) {
        for (_, spots) in self.entries.iter_mut().filter(|(entry, _)| entry.path.starts_with(group)) {
            spots.push(spot.clone());
        }
    }

    /// Sorts entries by number, with entries without a number last, and uses by file.
    fn sort(&mut self) {
        self.entries.sort_by_key(|(entry, _)| (entry.port().is_none(), entry.port(), entry.name_span));
        for spots in self.entries.iter_mut().map(|(_, spots)| spots).chain([&mut self.whole]) {
            spots.sort();
            spots.dedup();
        }
    }
}
