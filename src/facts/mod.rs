//! Facts: what the files in a repository contain. No rules, no messages, no findings.
//!
//! A [`Reader`] extracts one kind of [`Fact`] from a file. The facts of a file depend only on the file and the settings
//! of the run, so they can be kept as long as the file does not change. [`Project`] has the facts of all files.

pub mod ci;
pub mod colmena;
pub mod compose;
pub mod dockerfile;
pub mod firewall;
pub mod flake;
pub mod local_ports;
pub mod needles;
pub mod port_registry;
pub mod ports;
pub mod processes;
mod view;

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use crate::finding::RelPath;
use crate::paths;
use crate::source::{FileKind, Source};
use needles::Words;
pub use view::{Condition, FileView, Glance};

/// What a file contains about one domain.
pub trait Fact: Any + Debug + Send + Sync {
    /// Human-readable descriptions of what cannot be decided without running Nix.
    fn undecided(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The maximum number of files in one task of the thread pool. The work per file varies widely, so larger tasks would
/// leave threads idle while one thread finishes the last task; without a maximum, a task may have hundreds of files.
pub const FILES_AT_ONCE: usize = 16;

/// Reads one kind of fact.
pub struct Reader {
    /// Its name, for messages about readers that fail.
    pub name: &'static str,
    /// The words that `may_hold` searches for.
    pub needles: &'static [&'static Words],
    /// A necessary condition, cheap to decide: if it is false, `read` would return `None`.
    pub may_hold: Condition,
    /// Reads the fact; `None` if the file has no such fact.
    pub read: fn(&FileView<'_>) -> Option<Box<dyn Fact>>,
}

/// Boxes a fact, unless it is empty.
pub fn fact<T: Fact>(fact: T, is_empty: bool) -> Option<Box<dyn Fact>> {
    (!is_empty).then(|| Box::new(fact) as Box<dyn Fact>)
}

/// The facts about one file, by type.
#[derive(Debug, Default)]
pub struct Facts {
    all: Vec<(TypeId, Box<dyn Fact>)>,
    kept: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

impl Facts {
    /// Adds a fact.
    pub fn push(&mut self, fact: Box<dyn Fact>) {
        self.all.push(((&*fact as &dyn Any).type_id(), fact));
    }

    /// The fact of type `T`, if the file has one.
    pub fn get<T: Fact>(&self) -> Option<&T> {
        let (_, fact) = self.all.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        (&**fact as &dyn Any).downcast_ref()
    }

    /// All facts, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Fact> {
        self.all.iter().map(|(_, fact)| &**fact)
    }

    /// Whether the file has no facts.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The value of type `T` that a check caches with these facts; initially the default. Facts are kept until the file
    /// changes, so a value that depends on anything else must be validated before it is reused.
    pub fn kept<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().find_map(|value| Arc::clone(value).downcast().ok());
        known.unwrap_or_else(|| {
            let new = Arc::<T>::default();
            kept.push(new.clone());
            new
        })
    }
}

/// A file and its facts.
#[derive(Debug)]
pub struct ProjectFile {
    /// The file, with its text: labels and fixes point into it.
    pub source: Arc<Source>,
    /// Its facts.
    pub facts: Arc<Facts>,
}

impl ProjectFile {
    /// The fact of type `T`, if the file has one.
    pub fn fact<T: Fact>(&self) -> Option<&T> {
        self.facts.get()
    }
}

/// The facts of the whole repository.
#[derive(Debug, Default)]
pub struct Project {
    /// The files that have facts, sorted by path.
    pub files: Vec<ProjectFile>,
    /// The paths and kinds of all files in the repository that have a kind, with or without facts.
    pub paths: BTreeMap<RelPath, FileKind>,
    /// For each type of fact, the indices of the files that have such a fact.
    by_type: HashMap<TypeId, Vec<usize>>,
}

impl Project {
    /// Creates a project with these paths and without facts.
    pub fn new(paths: BTreeMap<RelPath, FileKind>) -> Self {
        Self { paths, ..Self::default() }
    }

    /// Adds a file. Files must be added in the order of their paths.
    pub fn push(&mut self, file: ProjectFile) {
        for (id, _) in &file.facts.all {
            self.by_type.entry(*id).or_default().push(self.files.len());
        }
        self.files.push(file);
    }

    /// The file at a path, if it has facts.
    pub fn file(&self, path: &str) -> Option<&ProjectFile> {
        self.files.binary_search_by(|file| (*file.source.path).cmp(path)).ok().map(|index| &self.files[index])
    }

    /// The folders that contain a file with the given name.
    pub fn folders_with(&self, name: &str) -> impl Iterator<Item = &str> {
        self.paths.keys().filter(move |path| paths::is_named(path, name)).map(|path| paths::folder(path))
    }

    /// The files that have a fact of type `T`, each with that fact.
    pub fn each<T: Fact>(&self) -> impl Iterator<Item = (&ProjectFile, &T)> {
        let files = self.by_type.get(&TypeId::of::<T>()).map_or(&[][..], Vec::as_slice);
        files.iter().map(|&index| &self.files[index]).filter_map(|file| Some((file, file.fact()?)))
    }

    /// The facts of type `T`.
    pub fn all<T: Fact>(&self) -> impl Iterator<Item = &T> {
        self.each().map(|(_, fact)| fact)
    }
}
