//! Sets of port numbers in a repository without a configured registry, and configured files that are not
//! registries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::unanswered;
use crate::check::ProjectView;
use crate::config::PortSettings;
use crate::facts::port_registry::{Call, Registry, RegistryFacts, dotted, evaluate};
use crate::finding::{RelPath, Span};
use crate::knowledge::name_words::{HOLDERS, TOP_LEVEL};
use crate::lang::{Language, Tree};
use crate::source::FileKind;

/// The minimum number of ports in a set that resembles a registry.
const FEWEST: usize = 5;

/// A set of port numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The file.
    pub path: RelPath,
    /// The line of the set's name, counted from 1.
    pub line: usize,
    /// The number of its ports.
    pub count: usize,
}

impl Definition {
    /// The configuration line that makes the file the registry.
    pub fn setting(&self) -> String {
        format!("registry = {}", toml::Value::String(self.path.to_string()))
    }

    /// What to do instead of creating a registry.
    pub fn advice(&self) -> String {
        let Self { path, line, count } = self;
        let setting = self.setting();
        format!(
            "{path}:{line} already defines `ports`, a set of {count} port numbers: \
             write `{setting}` under `[ports]` in flakeward.toml"
        )
    }
}

/// The largest set called `ports` that other files can import: `{ network.ports = { wiki = 8000; .. }; }`. `None` if
/// there is a registry, or if the configuration specifies its path.
pub fn defined_elsewhere(view: &ProjectView<'_>) -> Option<Definition> {
    if !view.registries().is_empty() || !view.ports.registries.is_empty() {
        return None;
    }
    let mut sets: BTreeMap<(&RelPath, &str), Numbers<'_>> = BTreeMap::new();
    let mut texts: BTreeMap<&RelPath, &str> = BTreeMap::new();
    let in_nix = unanswered(view, |_| true).filter(|(file, _)| file.source.kind == FileKind::Nix);
    for (file, port) in in_nix.filter(|(_, port)| port.name.contains("ports.")) {
        let Some((set, _)) = set_around(&port.name) else { continue };
        texts.insert(&file.source.path, &file.source.text);
        sets.entry((&file.source.path, set)).or_default().insert(port.span, &port.name);
    }
    // If several files assign to the same nested name, it is an option: `custom.ports.wiki = 8000;`
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    sets.keys().for_each(|(_, set)| *files.entry(set).or_default() += 1);
    sets.retain(|(_, set), numbers| {
        let is_option = set.contains('.') && files.get(set).is_some_and(|&files| files > 1);
        !is_option && count(numbers) >= FEWEST
    });
    let mut sets: Vec<_> = sets.into_iter().collect();
    sets.sort_by_key(|(_, numbers)| count(numbers));
    // Each file is evaluated once, regardless of the number of such sets.
    let mut exported: BTreeMap<&RelPath, Exported> = BTreeMap::new();
    let ((path, _), numbers) = sets.into_iter().rev().find(|((path, set), numbers)| {
        let read = || Exported::read(path, texts.get(path).unwrap_or(&""));
        exported.entry(path).or_insert_with(read).has(set, numbers)
    })?;
    let (first, _) = numbers.first_key_value()?;
    let before = texts.get(path)?.get(..first.start as usize)?;
    let line = before.rfind("ports").map_or(before, |at| &before[..at]).matches('\n').count() + 1;
    Some(Definition { path: path.clone(), line, count: count(&numbers) })
}

/// The numbers of a set by their spans, with the full name of each.
type Numbers<'p> = BTreeMap<Span, &'p str>;

/// The number of different names.
fn count(numbers: &Numbers<'_>) -> usize {
    numbers.values().collect::<BTreeSet<_>>().len()
}

/// The numbers that other files receive when they import a file.
#[derive(Default)]
struct Exported {
    /// The path to each number by the span where it is written.
    paths: HashMap<Span, Vec<String>>,
    /// Whether the file accepts arguments that it does not name, as modules do.
    is_open: bool,
}

impl Exported {
    /// Evaluates a file. Nothing can be imported if its value is the configuration of a module, or not a set of ports.
    fn read(path: &RelPath, text: &str) -> Self {
        let Some(tree) = Tree::parse(Language::Nix, text) else { return Self::default() };
        let settings = PortSettings { registries: vec![path.to_string()], ..PortSettings::default() };
        let registry = evaluate(path, &tree, &settings);
        let registry = registry.filter(|it| it.shape.importable && it.is_convincing() && !is_module(it));
        let Some(registry) = registry else { return Self::default() };
        // A number that several names refer to has several paths.
        let mut paths: HashMap<Span, Vec<String>> = HashMap::new();
        for (entry, _) in registry.ports() {
            paths.entry(entry.value_span).or_default().push(dotted(&entry.path));
        }
        let is_open = registry.shape.calls.iter().any(|call| matches!(call, Call::Set { open: true, .. }));
        Self { paths, is_open }
    }

    /// Whether a set is part of the file's value under its own name, possibly through `inherit`. The names of a `let`
    /// are not visible outside.
    fn has(&self, set: &str, numbers: &Numbers<'_>) -> bool {
        let is_named = |path: &String, name: &str| {
            path.strip_suffix(name).is_some_and(|around| around.is_empty() || around.ends_with('.'))
        };
        let is_seen = |(span, name): &(&Span, &&str)| {
            self.paths.get(span).is_some_and(|paths| paths.iter().any(|path| is_named(path, name)))
        };
        // A file that accepts any arguments may be a module, and this name an option that it sets.
        let may_be_option = self.is_open && set.contains('.');
        !may_be_option && numbers.iter().filter(is_seen).count() >= FEWEST
    }
}

/// Whether a file takes the arguments that only modules receive.
fn is_module(registry: &Registry) -> bool {
    const ARGUMENTS: [&str; 3] = ["config", "options", "modulesPath"];
    let mut calls = registry.shape.calls.iter();
    calls.any(|call| match call {
        Call::Any { .. } => false,
        Call::Set { required, optional, .. } => {
            required.iter().chain(optional).any(|name| ARGUMENTS.contains(&name.as_str()))
        }
    })
}

/// A file that is configured as the registry even though no entries can be added to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsuitable {
    /// The file.
    pub path: RelPath,
    /// What is wrong with it, phrased to follow its name.
    pub why: &'static str,
}

/// The first file that is configured as a registry but cannot serve as one. `None` if no port needs an entry.
pub fn unsuitable_registry(view: &ProjectView<'_>) -> Option<Unsuitable> {
    if view.ports.registries.is_empty() {
        return None;
    }
    let found = view.project.all::<RegistryFacts>().filter_map(|facts| facts.defined.as_ref());
    let unsuitable = found.filter(|registry| !registry.entries.is_empty()).find_map(|registry| {
        let why = match (registry.shape.importable, registry.is_convincing()) {
            (true, true) => return None,
            (false, _) => "does not export its ports",
            (true, false) => "is not a set of ports",
        };
        Some(Unsuitable { path: registry.path.clone(), why })
    })?;
    unanswered(view, |_| true).next().is_some().then_some(unsuitable)
}

/// The path of the set called `ports` that contains a port, and the port's path in it.
fn set_around(name: &str) -> Option<(&str, &str)> {
    let first = name.split('.').next()?;
    let mut end = 0;
    for part in name.split('.') {
        if HOLDERS.contains(&part) || TOP_LEVEL.contains(&first) {
            return None;
        }
        end += part.len();
        if part == "ports" {
            return Some((&name[..end], name.get(end + 1..)?));
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_ports_are_not_options() {
        for (name, expected) in [
            ("ports.wiki", Some(("ports", "wiki"))),
            ("network.ports.chat.http", Some(("network.ports", "chat.http"))),
            ("ports", None),
            ("services.blocky.ports.dns", None),
            ("config.ports.dns", None),
        ] {
            assert_eq!(set_around(name), expected, "{name}");
        }
    }
}
