//! Migrations convert whole files to use Nix. They read through [`Files`] and write nothing: a [`Draft`] collects
//! new texts and a [`Report`], and the command decides what to do with them.

mod builds;
pub mod ci;
pub mod compose;
pub mod dockerfile;
mod existing;
pub mod flake;
pub mod flake_file;
pub mod nix;
mod php_extensions;
pub mod ports;
pub mod report;
mod shell_build;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use crate::finding::RelPath;
use crate::fix::Change;
use crate::source::with_line_ends_of;
pub use flake_file::Wiring;
pub use ports::Ports;
pub use report::{Carried, Error, Left, Report};

/// The files of the repository, as migrations read them.
pub trait Files: Sync {
    /// The text of a file. `Ok(None)` if there is no such file. `Err` is the reason why it cannot be read.
    fn text(&self, path: &str) -> Result<Option<String>, String>;
    /// Whether there is a folder at a path.
    fn is_folder(&self, path: &str) -> bool;
    /// The names of the files and folders in a folder, sorted. Empty if there is no such folder.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// Files in memory, for tests.
impl Files for BTreeMap<String, String> {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.get(path).cloned())
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let below = |path: &String| {
            let rest = if folder.is_empty() { path } else { path.strip_prefix(folder)?.strip_prefix('/')? };
            Some(rest.split('/').next().unwrap_or(rest).to_owned())
        };
        let mut names: Vec<String> = self.keys().filter_map(below).collect();
        names.dedup();
        names
    }
}

/// The changes that a migration would make, and its report.
pub struct Draft<'f> {
    files: &'f dyn Files,
    /// The port registry.
    pub ports: Ports,
    /// The inputs and modules that the flake must contain.
    pub flake: Wiring,
    /// Whether everything in the repository is migrated, and not only some files.
    pub is_whole: bool,
    /// What was migrated, and what is left to do by hand.
    pub report: Report,
    /// For each package that was looked up so far: whether the flake has it.
    packages: Mutex<HashMap<String, bool>>,
    changes: BTreeMap<RelPath, Change>,
    /// The files that the current attempt wrote, with what each of them replaced in this draft.
    attempted: Option<Vec<(RelPath, Option<Change>)>>,
    /// The build contexts that each Compose file on disk sets, by the path of the Dockerfile.
    contexts: HashMap<String, HashMap<String, String>>,
    /// The build contexts that CI sets, by the path of the Dockerfile, once they are needed.
    ci_contexts: Option<HashMap<String, String>>,
}

impl<'f> Draft<'f> {
    /// Creates an empty draft for a repository.
    pub fn new(files: &'f dyn Files, ports: Ports) -> Self {
        let (flake, report, packages, changes, contexts, ci_contexts) = Default::default();
        Self { files, ports, flake, is_whole: false, report, packages, changes, attempted: None, contexts, ci_contexts }
    }

    /// The repository's files as they are on disk.
    pub fn files(&self) -> &'f dyn Files {
        self.files
    }

    /// The text of a file after the changes of this draft. `Ok(None)` if there is no such file.
    pub fn text(&self, path: &str) -> Result<Option<String>, Error> {
        match self.changes.get(path) {
            Some(change) => Ok(Some(change.after.clone())),
            None => {
                self.files.text(path).map_err(|reason| Error::new(&path.into(), format!("cannot be read: {reason}")))
            }
        }
    }

    /// Whether a file exists, on disk or in this draft.
    pub fn exists(&self, path: &str) -> bool {
        self.changes.contains_key(path) || !matches!(self.files.text(path), Ok(None))
    }

    /// Writes a whole file. Its text may contain placeholders from [`Ports`].
    pub fn write(&mut self, path: &str, after: String) -> Result<(), Error> {
        let path: RelPath = path.into();
        let before = match self.changes.get(&path) {
            Some(change) => change.before.clone(),
            None => self.text(&path)?,
        };
        let change = Change { path: path.clone(), before, after, needed_elsewhere: false };
        let replaced = self.changes.insert(path.clone(), change);
        if let Some(attempted) = &mut self.attempted {
            attempted.push((path, replaced));
        }
        Ok(())
    }

    /// The first of `name.nix`, `name-2.nix`, .. that does not exist in a folder.
    pub fn free_name(&self, folder: &str, name: &str) -> String {
        let numbered = std::iter::once(name.to_owned()).chain((2..100).map(|count| format!("{name}-{count}")));
        let mut paths = numbered.map(|name| format!("{folder}/{name}.nix"));
        paths.find(|path| !self.exists(path)).unwrap_or_else(|| format!("{folder}/{name}.nix"))
    }

    /// Runs a migration. If it fails, undoes its changes to this draft. Only the changes are recorded, because copying
    /// the draft for each of many files would take quadratic time.
    pub fn attempt(&mut self, migrate: impl Fn(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let (claims, wiring, report) = (self.ports.count(), self.flake.mark(), self.report.mark());
        let around = self.attempted.replace(Vec::new());
        let result = migrate(self);
        let attempted = std::mem::replace(&mut self.attempted, around).unwrap_or_default();
        if result.is_ok() {
            if let Some(around) = &mut self.attempted {
                around.extend(attempted);
            }
            return result;
        }
        for (path, replaced) in attempted.into_iter().rev() {
            match replaced {
                Some(change) => self.changes.insert(path, change),
                None => self.changes.remove(&path),
            };
        }
        self.ports.undo(claims);
        self.flake.undo(wiring);
        self.report.undo(report);
        result
    }

    /// Returns all changes, including those of the registry and the flake, sorted by path, and the report.
    pub fn finish(mut self) -> Result<(Vec<Change>, Report), Error> {
        let wiring = std::mem::take(&mut self.flake);
        wiring.apply(&mut self)?;
        let mut texts: Vec<&mut String> = self.changes.values_mut().map(|change| &mut change.after).collect();
        let registry = self.ports.settle(&mut texts).map_err(|message| {
            Error::new(self.ports.path(), message).help("write the registry as one plain set of groups, then run again")
        })?;
        if let Some(change) = registry {
            self.changes.insert(change.path.clone(), change);
        }
        self.report.sort();
        let changed = |change: &Change| change.before.as_ref() != Some(&change.after);
        let alike = |mut change: Change| {
            if let Some(before) = &change.before {
                change.after = with_line_ends_of(before, change.after);
            }
            change
        };
        Ok((self.changes.into_values().map(alike).filter(changed).collect(), self.report))
    }
}
