//! The symbol at the cursor: a port registry entry, a group of entries, or a port number.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use super::groups::{GroupName, group_names};
use super::side::{Occurrence, Position, Positions, Role, Side};
use crate::config::PortSettings;
use crate::facts::port_registry::references::{self, Arguments, Resolved};
use crate::facts::port_registry::usage::Used;
use crate::facts::port_registry::{Access, Entry, Lookup, Registries, Registry, RegistryComment, RegistryFacts, Use};
use crate::facts::ports::{self, PortFacts};
use crate::facts::{Project, ProjectFile};
use crate::finding::{RelPath, Span};

/// A symbol in a file.
#[derive(Debug, Clone)]
pub struct Symbol<'p> {
    /// Its span.
    pub span: Span,
    /// What it is.
    pub meaning: Meaning<'p>,
}

/// The kinds of symbols.
#[derive(Debug, Clone)]
pub enum Meaning<'p> {
    /// An entry, by its name.
    Entry(&'p Registry, &'p Entry),
    /// A group of entries, by its name.
    Group(&'p Registry, Vec<String>),
    /// A literal port number, with the entries that have that number.
    Number(u32, Vec<(&'p Registry, &'p Entry)>),
}

/// The registries of a repository with everything that refers to them.
pub struct Symbols<'p> {
    project: &'p Project,
    /// The registries.
    pub registries: &'p Registries<'p>,
    settings: &'p PortSettings,
    /// Created on demand, because looking up one position does not need it.
    index: OnceCell<Index<'p>>,
    arguments: OnceCell<Arguments<'p>>,
    resolved: OnceCell<Vec<Resolved<'p>>>,
    used: OnceCell<Used>,
    /// The files whose positions have been read.
    positions: RefCell<HashMap<String, Option<Positions<'p>>>>,
}

/// All occurrences, sorted by file and position.
#[derive(Default)]
struct Index<'p> {
    /// By registry and path of the entry. One definition may create several entries, as in a function or a list.
    by_entry: HashMap<(&'p str, &'p [String]), Vec<Occurrence<'p>>>,
    by_number: HashMap<u32, Vec<Occurrence<'p>>>,
}

impl<'p> Index<'p> {
    fn of(symbols: &Symbols<'p>) -> Self {
        let mut index = Self::default();
        for &registry in symbols.registries.all() {
            for entry in &registry.entries {
                index.add(registry, entry, &registry.path, entry.name_span, Role::Definition);
            }
        }
        for &Resolved { file, found, registry, target, .. } in symbols.resolved() {
            if let Some(Lookup::Entry(entry)) = target {
                let span = found.names.last().copied().unwrap_or(found.span);
                index.add(registry, entry, &file.source.path, span, Role::Reference);
            }
        }
        for (file, comment, registry, entry) in symbols.comments() {
            index.add(registry, entry, &file.source.path, comment.entry_span, Role::Comment);
        }
        index.add_literals(symbols);
        for occurrences in index.by_entry.values_mut().chain(index.by_number.values_mut()) {
            occurrences.sort();
            occurrences.dedup();
        }
        index
    }

    fn add(&mut self, registry: &'p Registry, entry: &'p Entry, path: &'p RelPath, span: Span, role: Role) {
        let occurrences = self.by_entry.entry((&registry.path, &entry.path)).or_default();
        occurrences.push(Occurrence { path, span, role });
    }

    /// Adds the literal numbers. A number with a single entry refers to that entry.
    fn add_literals(&mut self, symbols: &Symbols<'p>) {
        let mut answers = HashMap::new();
        for (file, port) in ports::own(symbols.project, symbols.settings) {
            let path = &file.source.path;
            let comments = file.fact::<RegistryFacts>().map_or(&[][..], |facts| &facts.comments);
            let answers = answers.entry(path).or_insert_with(|| symbols.registries.answers(comments));
            if symbols.registries.is_registry(path) || answers.cover(port.number, port.span) {
                continue;
            }
            let literal = Occurrence { path, span: port.span, role: Role::Literal };
            self.by_number.entry(port.number).or_default().push(literal);
            if let [(registry, entry)] = symbols.registries.by_number(port.number) {
                self.add(registry, entry, path, port.span, Role::Literal);
            }
        }
    }
}

impl<'p> Symbols<'p> {
    /// Prepares the symbols of a project and its registries.
    pub fn new(project: &'p Project, registries: &'p Registries<'p>, settings: &'p PortSettings) -> Self {
        Self {
            project,
            registries,
            settings,
            index: OnceCell::new(),
            arguments: OnceCell::new(),
            resolved: OnceCell::new(),
            used: OnceCell::new(),
            positions: RefCell::default(),
        }
    }

    fn resolved(&self) -> &[Resolved<'p>] {
        self.resolved.get_or_init(|| references::resolve(self.project, self.registries))
    }

    /// Whether something may use an entry by its name.
    pub fn is_used(&self, registry: &Registry, entry: &Entry) -> bool {
        let used = self.used.get_or_init(|| Used::gather(self.project, self.registries, self.resolved()));
        used.has(registry, entry)
    }

    /// The names of the groups in a registry's file.
    pub fn group_names(&self, registry: &Registry) -> Vec<GroupName> {
        let file = self.project.file(&registry.path);
        file.map(|file| group_names(&file.source.text, registry)).unwrap_or_default()
    }

    /// The symbol at an offset in a file, if there is one. A position directly after a name counts as part of it,
    /// because the cursor is there after the name is typed.
    pub fn at(&self, path: &str, offset: u32) -> Option<Symbol<'p>> {
        let file = self.project.file(path)?;
        self.definition_at(path, offset)
            .or_else(|| self.reference_at(file, offset))
            .or_else(|| self.comment_at(file, offset))
            .or_else(|| self.number_at(file, offset))
    }

    fn definition_at(&self, path: &str, offset: u32) -> Option<Symbol<'p>> {
        let registry = self.registries.at(path)?;
        let is_here = |entry: &&Entry| touches(entry.name_span, offset) || touches(entry.value_span, offset);
        if let Some(entry) = registry.entries.iter().filter(is_here).min_by_key(|entry| entry.value_span.end) {
            return Some(Symbol { span: entry.name_span, meaning: Meaning::Entry(registry, entry) });
        }
        let group = self.group_names(registry).into_iter().find(|group| touches(group.span, offset))?;
        Some(Symbol { span: group.span, meaning: Meaning::Group(registry, group.path) })
    }

    fn reference_at(&self, file: &'p ProjectFile, offset: u32) -> Option<Symbol<'p>> {
        let facts = file.fact::<RegistryFacts>()?;
        let uses = facts.uses.iter().chain(&facts.arguments);
        let named = uses.flat_map(|found| found.names.iter().enumerate().map(move |(at, span)| (found, at, *span)));
        let (found, at, span) = named
            .filter(|(_, _, span)| touches(*span, offset))
            // Several uses may share a name. The one with the fewest names after it is chosen.
            .min_by_key(|(found, at, _)| found.names.len() - at)?;
        let registry = self.registry_of(&file.source.path, found)?;
        let meaning = match registry.lookup(&found.path[..=at]) {
            Lookup::Entry(entry) => Meaning::Entry(registry, entry),
            Lookup::Group => Meaning::Group(registry, found.path[..=at].to_vec()),
            _ => return None,
        };
        Some(Symbol { span, meaning })
    }

    /// The registry that a use in a file refers to, if it is in another file and the use imports it correctly.
    pub fn registry_of(&self, file: &str, found: &Use) -> Option<&'p Registry> {
        if found.access != Access::Import {
            let arguments = self.arguments.get_or_init(|| Arguments::of(self.project, self.registries));
            return arguments.registry(file, found).map(|(registry, _)| registry);
        }
        let registry = self.registries.at(&found.registry).filter(|registry| *registry.path != *file)?;
        references::lookup(registry, found).map(|_| registry)
    }

    fn comment_at(&self, file: &'p ProjectFile, offset: u32) -> Option<Symbol<'p>> {
        self.comments()
            .filter(|(at, ..)| std::ptr::eq(*at, file))
            .find(|(_, comment, ..)| {
                [comment.entry_span, comment.number_span].iter().any(|span| touches(*span, offset))
            })
            .map(|(_, comment, registry, entry)| Symbol {
                span: comment.entry_span,
                meaning: Meaning::Entry(registry, entry),
            })
    }

    /// The comments that name an existing entry.
    fn comments(&self) -> impl Iterator<Item = (&'p ProjectFile, &'p RegistryComment, &'p Registry, &'p Entry)> {
        references::comments(self.project, self.registries).filter_map(|(file, comment, registry)| {
            let registry = registry?;
            match registry.named(&comment.entry) {
                Lookup::Entry(entry) => Some((file, comment, registry, entry)),
                _ => None,
            }
        })
    }

    fn number_at(&self, file: &'p ProjectFile, offset: u32) -> Option<Symbol<'p>> {
        let port = file.fact::<PortFacts>()?.uses.iter().find(|port| touches(port.span, offset))?;
        let entries = self.registries.by_number(port.number).to_vec();
        (1..=65535).contains(&port.number).then_some(())?;
        Some(Symbol { span: port.span, meaning: Meaning::Number(port.number, entries) })
    }

    /// All positions that refer to an entry, sorted by file and position.
    pub fn occurrences(&self, registry: &'p Registry, entry: &'p Entry) -> &[Occurrence<'p>] {
        let index = self.index.get_or_init(|| Index::of(self));
        index.by_entry.get(&(registry.path.as_ref(), entry.path.as_slice())).map_or(&[], Vec::as_slice)
    }

    /// The positions of a number as a literal port in this repository, except those that a registry comment covers.
    pub fn literals(&self, number: u32) -> &[Occurrence<'p>] {
        let index = self.index.get_or_init(|| Index::of(self));
        index.by_number.get(&number).map_or(&[], Vec::as_slice)
    }

    /// The references in one file to entries with a number. Each consists of the span of the last name, the entry and
    /// the number.
    pub fn numbered_references(&self, path: &str) -> Vec<(Span, &'p Entry, u16)> {
        let Some(file) = self.project.file(path) else { return Vec::new() };
        let facts = file.fact::<RegistryFacts>();
        let uses = facts.into_iter().flat_map(|facts| facts.uses.iter().chain(&facts.arguments));
        let uses = uses.filter_map(|found| {
            let registry = self.registry_of(path, found)?;
            match registry.lookup(&found.path) {
                Lookup::Entry(entry) => Some((*found.names.last()?, entry, entry.port()?)),
                _ => None,
            }
        });
        let mut all: Vec<_> = uses.collect();
        all.sort_by_key(|(span, ..)| *span);
        all.dedup_by_key(|(span, ..)| *span);
        all
    }

    /// The context of an occurrence: the side of the connection, and the attribute.
    pub fn position(&self, found: &Occurrence<'_>) -> Position {
        let mut positions = self.positions.borrow_mut();
        let read = positions.entry(found.path.to_string()).or_insert_with(|| {
            let file = self.project.file(found.path);
            file.map(Positions::new)
        });
        let unknown = || Position { side: Side::Unknown, name: String::new() };
        read.as_ref().map_or_else(unknown, |read| read.at(found))
    }
}

/// Whether an offset is in a span or directly after it.
fn touches(span: Span, offset: u32) -> bool {
    (span.start..=span.end).contains(&offset)
}
