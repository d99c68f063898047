//! All registries in a repository, indexed for fast lookups.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::endpoint::PORT;
use super::{Entry, Lookup, Registry, RegistryComment, RegistryFacts, split};
use crate::facts::Project;
use crate::finding::{RelPath, Span};
use crate::paths;
use crate::spans::Spans;

/// An entry with its registry.
pub type Known<'p> = (&'p Registry, &'p Entry);

/// All registries in a repository.
#[derive(Debug)]
pub struct Registries<'p> {
    all: Vec<&'p Registry>,
    by_path: HashMap<&'p str, &'p Registry>,
    /// The registries by path suffixes that start at a slash; `None` if several paths have the same suffix.
    by_end: HashMap<&'p str, Option<&'p Registry>>,
    /// The entries by name; the first registry that defines a name takes precedence.
    entries: HashMap<&'p [String], Known<'p>>,
    numbers: BTreeMap<u32, Vec<Known<'p>>>,
    /// Entries by the folder that their registries serve, and by number. If there is only one folder, its map is
    /// empty.
    by_folder: BTreeMap<&'p str, BTreeMap<u32, Vec<Known<'p>>>>,
}

impl<'p> Registries<'p> {
    /// The registries of a project, sorted by path.
    pub fn of(project: &'p Project) -> Self {
        let all: Vec<_> = project.all::<RegistryFacts>().filter_map(|facts| facts.defined.as_ref()).collect();
        let mut by_end = HashMap::new();
        for &registry in &all {
            for (slash, _) in registry.path.match_indices('/') {
                by_end.entry(&registry.path[slash..]).and_modify(|known| *known = None).or_insert(Some(registry));
            }
        }
        let by_path = all.iter().map(|&registry| (&*registry.path, registry)).collect();
        let entries = entries(&all);
        let mut folders: BTreeMap<&str, Vec<&Registry>> = BTreeMap::new();
        for &registry in &all {
            folders.entry(served(&registry.path)).or_default().push(registry);
        }
        // If all registries serve the same folder, there is nothing to choose from.
        let is_single = folders.len() < 2;
        let own = |registries: Vec<&'p Registry>| if is_single { BTreeMap::new() } else { numbers(&registries) };
        let by_folder = folders.into_iter().map(|(folder, registries)| (folder, own(registries))).collect();
        let numbers = numbers(&all);
        Self { all, by_path, by_end, entries, numbers, by_folder }
    }

    /// Every registry.
    pub fn all(&self) -> &[&'p Registry] {
        &self.all
    }

    /// Whether there are no registries.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there is a registry at a path.
    pub fn is_registry(&self, path: &str) -> bool {
        self.at(path).is_some()
    }

    /// The registry at a path.
    pub fn at(&self, path: &str) -> Option<&'p Registry> {
        self.by_path.get(path).copied()
    }

    /// The only registry whose path ends in `path`.
    pub fn ending(&self, path: &str) -> Option<&'p Registry> {
        self.by_end.get(format!("/{path}").as_str()).copied().flatten()
    }

    /// The entries with a number. A definition with several names counts once, and so does an entry that several
    /// registries have under the same name.
    pub fn by_number(&self, number: u32) -> &[Known<'p>] {
        self.numbers.get(&number).map_or(&[], Vec::as_slice)
    }

    /// The entries with a number that a file can use: those of the nearest registry that has the number, in the file's
    /// folder or one above it. Only if no registry serves these folders can the file use the registries of other
    /// folders, unless they all belong to sibling projects.
    pub fn serving(&self, file: &str, number: u32) -> &[Known<'p>] {
        if self.by_folder.keys().all(|folder| is_sibling(folder, file)) {
            return &[];
        }
        if self.by_folder.len() < 2 {
            return self.by_number(number);
        }
        let mut is_served = false;
        for folder in crate::paths::folders(file).chain([""]) {
            let Some(numbers) = self.by_folder.get(folder) else { continue };
            is_served = true;
            if let Some(entries) = numbers.get(&number) {
                return entries;
            }
        }
        if is_served { &[] } else { self.by_number(number) }
    }

    /// Every registered number with its entries.
    pub fn numbers(&self) -> impl Iterator<Item = (u32, &[Known<'p>])> {
        self.numbers.iter().map(|(&number, entries)| (number, entries.as_slice()))
    }

    /// The numbers that the comments in a file cover, each with the ranges in which it is covered. A comment states the
    /// number, or names an entry that has it.
    pub fn answers(&self, comments: &[RegistryComment]) -> Answers {
        let mut answers: HashMap<u32, Vec<Span>> = HashMap::new();
        for comment in comments {
            let entry = || self.entry(&comment.entry)?.1.port().map(u32::from);
            if let Some(number) = comment.number.or_else(entry) {
                answers.entry(number).or_default().push(comment.covers);
            }
        }
        Answers(answers.into_iter().map(|(number, spans)| (number, spans.into_iter().collect())).collect())
    }

    /// The entry with a dotted name in any registry.
    pub fn entry(&self, name: &str) -> Option<Known<'p>> {
        let path = split(name);
        let described = || {
            let whole = [path.as_slice(), &[PORT.to_owned()]].concat();
            self.entries.get(whole.as_slice()).filter(|(_, entry)| entry.endpoint.is_some())
        };
        self.entries.get(path.as_slice()).or_else(described).copied()
    }
}

/// The numbers and ranges that the registry comments in a file cover.
#[derive(Debug)]
pub struct Answers(HashMap<u32, Spans>);

impl Answers {
    /// Whether a comment covers a number at a location. Whether the comment is correct is checked by `port-drift`.
    pub fn cover(&self, number: u32, span: Span) -> bool {
        self.0.get(&number).is_some_and(|spans| spans.any_around(span))
    }
}

/// The folder that a registry serves: its parent folder, without library folders.
pub fn served(registry: &str) -> &str {
    const LIBRARIES: [&str; 12] =
        ["lib", "libs", "nix", "helpers", "constants", "config", "common", "shared", "utils", "data", "vars", "parts"];
    let mut folder = registry.rsplit_once('/').map_or("", |(folder, _)| folder);
    loop {
        let (outer, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        if !LIBRARIES.contains(&name) {
            return folder;
        }
        folder = outer;
    }
}

/// Whether a folder and a file belong to different projects in one folder of projects: `apps/a` and `apps/b/x.nix`.
fn is_sibling(folder: &str, file: &str) -> bool {
    const PROJECTS: [&str; 10] = [
        "apps",
        "applications",
        "services",
        "packages",
        "projects",
        "products",
        "teams",
        "examples",
        "templates",
        "crates",
    ];
    let Some((projects, own)) = folder.rsplit_once('/') else { return false };
    if !PROJECTS.contains(&paths::name(projects)) {
        return false;
    }
    let inside = file.strip_prefix(projects).and_then(|rest| rest.strip_prefix('/'));
    inside.and_then(|rest| rest.split_once('/')).is_some_and(|(project, _)| project != own)
}

/// The entries by the names under which [`Registry::named`] finds them.
fn entries<'p>(all: &[&'p Registry]) -> HashMap<&'p [String], Known<'p>> {
    let mut entries = HashMap::new();
    for &registry in all {
        for path in registry.entries.iter().map(|entry| entry.path.as_slice()) {
            let Lookup::Entry(entry) = registry.lookup(path) else { continue };
            entries.entry(path).or_insert((registry, entry));
            let bare = registry.bare(entry);
            if bare.len() < path.len() && matches!(registry.lookup(bare), Lookup::Missing(_)) {
                entries.entry(bare).or_insert((registry, entry));
            }
        }
    }
    entries
}

/// The entries by number. Of equal entries, the one in the registry that is easiest to import is kept.
fn numbers<'p>(all: &[&'p Registry]) -> BTreeMap<u32, Vec<Known<'p>>> {
    let mut by_ease = all.to_vec();
    by_ease.sort_by_key(|registry| (!registry.shape.importable, registry.shape.calls.len(), registry.path.clone()));
    let mut numbers: BTreeMap<u32, Vec<Known<'p>>> = BTreeMap::new();
    let mut homes: HashMap<(u16, &[String]), &RelPath> = HashMap::new();
    for registry in by_ease {
        let mut origins = HashSet::new();
        for (entry, port) in registry.ports().filter(|(entry, _)| origins.insert(entry.origin)) {
            let home = *homes.entry((port, registry.bare(entry))).or_insert(&registry.path);
            if *home == registry.path {
                numbers.entry(u32::from(port)).or_default().push((registry, entry));
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::{is_sibling, served};

    #[test]
    fn projects_in_one_folder_are_siblings() {
        for (folder, file, expected) in [
            ("apps/a", "apps/b/x.nix", true),
            ("apps/a", "apps/a/x.nix", false),
            ("apps/a", "apps/x.nix", false),
            ("apps/a", "hosts/x.nix", false),
            ("nixos", "k8s/x.yaml", false),
            ("nixos/modules", "nixos/hosts/x.nix", false),
            ("", "a/x.nix", false),
        ] {
            assert_eq!(is_sibling(folder, file), expected, "{folder} {file}");
        }
    }

    #[test]
    fn a_registry_serves_the_folder_that_contains_its_library() {
        for (registry, folder) in [
            ("lib/ports.nix", ""),
            ("ports.nix", ""),
            ("apps/x/lib/ports.nix", "apps/x"),
            ("helpers/constants/ports.nix", ""),
            ("apps/x/ports.nix", "apps/x"),
        ] {
            assert_eq!(served(registry), folder, "{registry}");
        }
    }
}
