//! Determines which parts are loaded together, and merges them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ProcessFacts;
use super::model::{Family, Part, Process};
use crate::facts::Project;
use crate::finding::{RelPath, Span};
use crate::paths::{self, folder};

/// The file names that process-compose finds without `-f`, the override files last.
const FOUND: [&str; 4] = ["compose.yml", "compose.yaml", "process-compose.yml", "process-compose.yaml"];
const FOUND_OVER: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "process-compose.override.yml", "process-compose.override.yaml"];

/// The maximum length of a chain of `extends`.
const CHAIN: usize = 16;

/// All parts in a repository, indexed by how they are loaded.
#[derive(Default)]
pub struct Groups<'a> {
    by_path: BTreeMap<&'a str, &'a Part>,
    /// By folder: the files found without `-f`, override files last.
    found: HashMap<&'a str, Vec<(usize, RelPath)>>,
    /// Folders of devbox projects, whose packages add processes.
    devbox: HashSet<&'a str>,
    /// By folder: the names of all processes in its YAML files.
    beside: HashMap<&'a str, HashSet<&'a str>>,
    /// By folder: processes that are changed, but not defined, in files that process-compose loads only with `-f`.
    changed: HashMap<&'a str, HashSet<&'a str>>,
    /// By folder: the number of files that define each process.
    repeated: HashMap<&'a str, HashMap<&'a str, usize>>,
    /// The parts of each configuration, by flake and name.
    flakes: HashMap<(&'a str, &'a str), Vec<(&'a RelPath, &'a Part)>>,
    flake_folders: HashSet<&'a str>,
}

/// A process after merging all parts of a configuration.
#[derive(Debug)]
pub struct Merged {
    /// Its settings.
    pub process: Process,
    /// The file that defines it.
    pub path: RelPath,
    /// Its span in that file.
    pub span: Span,
}

/// A configuration that results from merging parts as process-compose does.
#[derive(Debug)]
pub struct View<'a> {
    /// Its processes, by name.
    pub processes: BTreeMap<String, Merged>,
    /// Why there may be more; `None` if these are all.
    pub open: Option<&'static str>,
    /// Whether something that cannot be read may add settings to each process.
    half: bool,
    /// Processes in other files that may be loaded together with this one.
    beside: Vec<&'a HashSet<&'a str>>,
}

impl View<'_> {
    /// The process that a dependency names.
    pub fn get(&self, name: &str) -> Option<&Merged> {
        self.processes.get(name)
    }

    /// Whether a name belongs to a replica: `worker-2`.
    pub fn is_replica(&self, name: &str) -> bool {
        name.rsplit_once('-').is_some_and(|(base, number)| {
            !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && self.get(base).is_some_and(|merged| {
                    let count = merged.process.count;
                    merged.process.replicas && count.is_none_or(|count| number.parse().is_ok_and(|at: u32| at < count))
                })
        })
    }

    /// Why a process with this name may exist even though it is not in the view.
    pub fn may_exist(&self, name: &str) -> Option<&'static str> {
        self.open.or_else(|| {
            self.beside
                .iter()
                .any(|names| names.contains(name))
                .then_some("a file that may be loaded together with this one defines it")
        })
    }
}

/// The folders that contain a file, from its own to the repository's root.
fn around(path: &str) -> impl Iterator<Item = &str> {
    paths::folders(path).chain([""])
}

/// The index of a file name among those that process-compose finds without `-f`.
fn found_by_itself(path: &str) -> Option<usize> {
    FOUND.iter().chain(&FOUND_OVER).position(|name| paths::is_named(path, name))
}

impl<'a> Groups<'a> {
    /// Indexes the parts in a repository.
    pub fn new(project: &'a Project) -> Self {
        let mut groups = Self::default();
        if project.all::<ProcessFacts>().next().is_none() {
            return groups;
        }
        groups.devbox = project.folders_with("devbox.json").collect();
        groups.flake_folders = project.folders_with("flake.nix").collect();
        for (file, processes) in project.each::<ProcessFacts>() {
            for part in &processes.parts {
                groups.add(&file.source.path, part);
            }
        }
        for files in groups.found.values_mut() {
            files.sort();
        }
        groups
    }

    fn add(&mut self, path: &'a RelPath, part: &'a Part) {
        match &part.family {
            Family::Yaml => {
                let folder = folder(path);
                self.by_path.insert(path, part);
                let counts = self.repeated.entry(folder).or_default();
                part.processes.iter().for_each(|process| *counts.entry(&*process.name).or_default() += 1);
                self.beside.entry(folder).or_default().extend(part.processes.iter().map(|process| &*process.name));
                if let Some(order) = found_by_itself(path) {
                    self.found.entry(folder).or_default().push((order, path.clone()));
                } else {
                    let changed = part.processes.iter().filter(|process| !process.runs && process.extends.is_none());
                    self.changed.entry(folder).or_default().extend(changed.map(|process| &*process.name));
                }
            }
            Family::Flake(name) => {
                let key = (self.flake_of(path), name.as_str());
                self.flakes.entry(key).or_default().push((path, part));
            }
            Family::Module => {}
        }
    }

    /// The folder of the flake that a file belongs to.
    fn flake_of(&self, path: &'a str) -> &'a str {
        around(path).find(|folder| self.flake_folders.contains(folder)).unwrap_or("")
    }

    /// The processes in files that may be loaded together with a file: the files in its folder and, unless
    /// process-compose finds the file without `-f`, those in the parent folders.
    fn beside(&self, path: &'a str) -> Vec<&HashSet<&'a str>> {
        let folders = if found_by_itself(path).is_some() { 1 } else { usize::MAX };
        around(path).take(folders).filter_map(|folder| self.beside.get(folder)).collect()
    }

    /// The result of merging a part with everything that is loaded with it.
    pub fn view(&'a self, path: &'a RelPath, part: &'a Part) -> View<'a> {
        let mut view = View { processes: BTreeMap::new(), open: None, half: false, beside: Vec::new() };
        match &part.family {
            Family::Yaml => {
                view.beside = self.beside(path);
                if around(path).any(|folder| self.devbox.contains(folder)) {
                    view.open = Some("devbox adds the processes of its packages");
                }
                let mut seen = HashSet::new();
                for (path, part) in self.files_with(path, part) {
                    self.add_file(&mut view, &path, part, &mut seen);
                }
            }
            Family::Flake(name) => {
                for (path, part) in self.flakes.get(&(self.flake_of(path), name.as_str())).into_iter().flatten() {
                    add_part(&mut view, path, part);
                }
            }
            Family::Module => {
                add_part(&mut view, path, part);
                view.open = view.open.or(Some("it is a module, and other modules may add processes"));
            }
        }
        if let (Family::Yaml, Some(changed)) = (&part.family, self.changed.get(folder(path))) {
            for name in changed {
                if let Some(merged) = view.processes.get_mut(*name) {
                    merged.process.opaque = true;
                }
            }
        }
        if part.family == Family::Yaml && found_by_itself(path).is_none() {
            self.may_overlay(&mut view, path);
        }
        inherit(&mut view);
        if view.half {
            view.processes.values_mut().for_each(|merged| merged.process.opaque = true);
        }
        view
    }

    /// Marks the processes that several files in the folder define as opaque: the files may be loaded together with
    /// `-f`, so each of them may also set settings of the processes in the others.
    fn may_overlay(&self, view: &mut View<'a>, path: &'a str) {
        let Some(counts) = self.repeated.get(folder(path)) else { return };
        for (name, merged) in &mut view.processes {
            merged.process.opaque |= counts.get(name.as_str()).is_some_and(|&count| count > 1);
        }
    }

    /// A YAML file, and the files that process-compose finds together with it.
    fn files_with(&self, path: &RelPath, part: &'a Part) -> Vec<(RelPath, &'a Part)> {
        let found = self.found.get(folder(path)).filter(|found| found.iter().any(|(_, other)| other == path));
        match found {
            Some(found) => {
                found.iter().filter_map(|(_, path)| Some((path.clone(), *self.by_path.get(&**path)?))).collect()
            }
            None => vec![(path.clone(), part)],
        }
    }

    /// Merges a file over the current view, after the files that it extends.
    fn add_file(&self, view: &mut View<'a>, path: &RelPath, part: &'a Part, seen: &mut HashSet<RelPath>) {
        let mut chain = vec![(path.clone(), part)];
        while let Some((path, part)) = chain.last().cloned()
            && let Some(extends) = &part.extends
        {
            let base: Option<RelPath> = paths::join(folder(&path), extends).map(Into::into);
            match base.and_then(|base| Some((base.clone(), *self.by_path.get(&*base)?))) {
                Some((base, part)) if chain.len() < CHAIN && !chain.iter().any(|(known, _)| *known == base) => {
                    chain.push((base, part));
                }
                _ => {
                    view.open = Some("it extends a file that cannot be read");
                    view.half = true;
                    break;
                }
            }
        }
        for (path, part) in chain.into_iter().rev() {
            if seen.insert(path.clone()) {
                add_part(view, &path, part);
            }
        }
    }
}

fn add_part(view: &mut View<'_>, path: &RelPath, part: &Part) {
    view.open = view.open.or(part.open);
    view.half |= part.half;
    for process in &part.processes {
        match view.processes.get_mut(&process.name) {
            Some(known) => {
                if process.runs && !known.process.runs {
                    (known.path, known.span) = (path.clone(), process.span);
                }
                known.process.merge(process);
            }
            None => {
                let merged = Merged { process: process.clone(), path: path.clone(), span: process.span };
                view.processes.insert(process.name.clone(), merged);
            }
        }
    }
}

/// Adds inherited settings to processes that extend others. If an ancestor does not exist, the process becomes opaque.
fn inherit(view: &mut View<'_>) {
    let names: Vec<String> =
        view.processes.values().filter(|it| it.process.extends.is_some()).map(|it| it.process.name.clone()).collect();
    for name in names {
        let mut chain = Vec::new();
        let mut at = Some(name.as_str());
        while let Some(name) = at
            && chain.len() < CHAIN
            && !chain.contains(&name)
        {
            chain.push(name);
            at = view.get(name).and_then(|it| it.process.extends.as_ref()).map(|(parent, _)| parent.as_str());
        }
        let whole = at.is_none() && chain.iter().all(|name| view.get(name).is_some());
        let mut made = Process::default();
        for ancestor in chain.iter().rev().filter_map(|name| view.get(name)) {
            made.merge(&ancestor.process);
        }
        made.opaque |= !whole;
        made.extends = None;
        if let Some(merged) = view.processes.get_mut(&name) {
            made.name.clone_from(&merged.process.name);
            made.span = merged.process.span;
            merged.process = made;
        }
    }
}
