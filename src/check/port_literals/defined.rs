//! Sets of port numbers that a repository has although no registry is configured.

use std::collections::{BTreeMap, BTreeSet};

use super::unanswered;
use crate::check::ProjectView;
use crate::finding::{RelPath, Span};
use crate::knowledge::name_words::{HOLDERS, TOP_LEVEL};
use crate::source::FileKind;

/// The fewest numbers of a set that is like a registry.
const FEWEST: usize = 5;

/// A set of port numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// The file.
    pub path: RelPath,
    /// The line of the set's name, counted from 1.
    pub line: usize,
    /// The number of its ports.
    pub count: usize,
}

/// The largest set called `ports` outside of the options of a module: `{ network.ports = { wiki = 8000; .. }; }`. `None`
/// if there is a registry.
pub fn defined_elsewhere(view: &ProjectView<'_>) -> Option<Definition> {
    if !view.registries().is_empty() {
        return None;
    }
    let mut sets: BTreeMap<(&RelPath, &str), (Span, BTreeSet<&str>)> = BTreeMap::new();
    let mut texts: BTreeMap<&RelPath, &str> = BTreeMap::new();
    for (file, port) in unanswered(view, |_| true).filter(|(file, _)| file.source.kind == FileKind::Nix) {
        let Some((set, _)) = set_around(&port.name) else { continue };
        texts.insert(&file.source.path, &file.source.text);
        let (first, names) = sets.entry((&file.source.path, set)).or_insert((port.span, BTreeSet::new()));
        *first = (*first).min(port.span);
        names.insert(&port.name);
    }
    let ((path, _), (first, names)) = sets.into_iter().max_by_key(|(_, (_, names))| names.len())?;
    let before = texts.get(path)?.get(..first.start as usize)?;
    let line = before.rfind("ports").map_or(before, |at| &before[..at]).matches('\n').count() + 1;
    (names.len() >= FEWEST).then(|| Definition { path: path.clone(), line, count: names.len() })
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
