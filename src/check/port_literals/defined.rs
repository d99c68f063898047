//! Sets of port numbers in a repository without a configured registry, and configured files that are not
//! registries.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::unanswered;
use crate::check::ProjectView;
use crate::config::PortSettings;
use crate::facts::port_registry::{RegistryFacts, dotted, evaluate};
use crate::finding::{RelPath, Span};
use crate::knowledge::name_words::{HOLDERS, TOP_LEVEL};
use crate::lang::{Language, Tree};
use crate::rewrite::ports::layout::Layout;
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
    let mut sets: BTreeMap<(&RelPath, &str), (Span, BTreeSet<&str>)> = BTreeMap::new();
    let mut texts: BTreeMap<&RelPath, &str> = BTreeMap::new();
    let in_nix = unanswered(view, |_| true).filter(|(file, _)| file.source.kind == FileKind::Nix);
    for (file, port) in in_nix.filter(|(_, port)| port.name.contains("ports.")) {
        let Some((set, _)) = set_around(&port.name) else { continue };
        texts.insert(&file.source.path, &file.source.text);
        let (first, names) = sets.entry((&file.source.path, set)).or_insert((port.span, BTreeSet::new()));
        *first = (*first).min(port.span);
        names.insert(&port.name);
    }
    sets.retain(|_, (_, names)| names.len() >= FEWEST);
    let mut by_file: BTreeMap<&RelPath, BTreeSet<&str>> = BTreeMap::new();
    for (path, set) in sets.keys() {
        by_file.entry(path).or_default().insert(set);
    }
    let mut exported: BTreeMap<&RelPath, BTreeSet<&str>> = BTreeMap::new();
    let mut sets: Vec<_> = sets.into_iter().collect();
    sets.sort_by_key(|(_, (_, names))| names.len());
    // Each file is evaluated once, regardless of the number of such sets.
    let ((path, _), (first, names)) = sets.into_iter().rev().find(|((path, set), _)| {
        let read = || exports(path, texts.get(path).unwrap_or(&""), by_file.get(path).into_iter().flatten().copied());
        exported.entry(path).or_insert_with(read).contains(set)
    })?;
    let before = texts.get(path)?.get(..first.start as usize)?;
    let line = before.rfind("ports").map_or(before, |at| &before[..at]).matches('\n').count() + 1;
    Some(Definition { path: path.clone(), line, count: names.len() })
}

/// The sets that are part of a file's value, if its numbers can be read without running Nix. The names of a `let`
/// inside a function are not visible outside.
fn exports<'s>(path: &RelPath, text: &str, sets: impl Iterator<Item = &'s str>) -> BTreeSet<&'s str> {
    let read = || {
        let tree = Tree::parse(Language::Nix, text)?;
        let settings = PortSettings { registries: vec![path.to_string()], ..PortSettings::default() };
        evaluate(path, &tree, &settings).filter(|registry| registry.ports().count() >= FEWEST)?;
        Some(Layout::read(&tree, &[])?.paths())
    };
    let Some(paths) = read() else { return BTreeSet::new() };
    let paths: Vec<String> = paths.iter().map(|path| dotted(path)).collect();
    let mut within: HashSet<&str> = HashSet::new();
    for path in &paths {
        within.insert(path);
        // `inherit ports;`, also in a set: `{ network = { inherit ports; }; }`
        within.extend(path.match_indices('.').flat_map(|(at, _)| [&path[..at], &path[at + 1..]]));
    }
    sets.filter(|set| within.contains(set)).collect()
}

/// A file that is configured as the registry even though no entries can be added to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsuitable {
    /// The file.
    pub path: RelPath,
    /// What is wrong with it, phrased to follow its name.
    pub why: &'static str,
}

/// The first file that is configured as a registry and is not one. `None` if no port needs an entry.
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
