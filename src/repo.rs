//! A repository on disk, in memory, or partly in each.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::finding::RelPath;
use crate::globs::Globs;
use crate::knowledge::third_party::{self, Origin};
use crate::paths;
use crate::settings::Settings;
use crate::source::{FileKind, Source};
use crate::walk::{self, Entry, Unreadable, Walk};

/// A repository: on disk, or in memory for tests and examples.
#[derive(Debug, Clone)]
pub struct Repo {
    /// The root.
    pub root: PathBuf,
    /// Its files, sorted by path.
    pub(crate) files: Vec<RepoFile>,
    /// Files that could not be read.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Paths that `exclude` left out.
    pub(crate) excluded: Vec<RelPath>,
    /// Nested repositories.
    pub(crate) nested: Vec<RelPath>,
    /// flakeward configuration files, whether they are used or not.
    pub(crate) settings: Vec<RelPath>,
    /// Files that are not checked because a tool wrote them.
    pub(crate) third_party: BTreeMap<RelPath, Origin>,
}

/// A file in a repository.
#[derive(Debug, Clone)]
pub(crate) enum RepoFile {
    /// A file that has not been read yet.
    Disk(Entry),
    /// A file with its text.
    Memory(Arc<Source>),
}

impl RepoFile {
    /// Its path.
    pub(crate) fn path(&self) -> &RelPath {
        match self {
            RepoFile::Disk(entry) => &entry.path,
            RepoFile::Memory(source) => &source.path,
        }
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> FileKind {
        match self {
            RepoFile::Disk(entry) => entry.kind,
            RepoFile::Memory(source) => source.kind,
        }
    }
}

impl Repo {
    /// A repository on disk.
    pub fn from_walk(root: &Path, walk: Walk) -> Self {
        Self {
            root: root.to_owned(),
            files: walk.entries.into_iter().map(RepoFile::Disk).collect(),
            unreadable: walk.unreadable,
            excluded: walk.excluded,
            nested: walk.nested,
            settings: walk.settings,
            third_party: BTreeMap::new(),
        }
    }

    /// A repository in memory: paths and contents. Files without a kind are left out.
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_bytes(files.into_iter().map(|(path, text)| (path, text.as_bytes().to_vec())))
    }

    /// A repository in memory: paths and contents. Files without a kind are left out.
    pub fn from_bytes<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let mut repo = Self {
            root: PathBuf::new(),
            files: Vec::new(),
            unreadable: Vec::new(),
            excluded: Vec::new(),
            nested: Vec::new(),
            settings: Vec::new(),
            third_party: BTreeMap::new(),
        };
        for (path, bytes) in files {
            repo.put(path, bytes);
        }
        repo
    }

    /// The paths of all files of known kinds, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.files.iter().map(RepoFile::path)
    }

    /// Whether there is a file of a known kind at a path.
    pub fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| (**file.path()).cmp(path)).is_ok()
    }

    /// Replaces or adds a file, such as an editor's unsaved buffer or standard input. If its kind cannot be determined,
    /// it is removed instead.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        match read(path, bytes) {
            None => {
                self.remove(path);
            }
            Some(Ok(source)) => {
                self.unreadable.retain(|file| &*file.path != path);
                self.overlay(source);
            }
            Some(Err(unreadable)) => {
                self.remove(path);
                self.unreadable.push(unreadable);
            }
        }
    }

    /// Removes files, and then replaces or adds others, as [`Self::put`] does.
    pub(crate) fn update(&mut self, removed: &HashSet<&str>, files: Vec<(&str, Vec<u8>)>) {
        // All at once, because each separate insertion would move the files after it.
        let changed: HashSet<&str> = files.iter().map(|(path, _)| *path).collect();
        let is_kept = |path: &str| !removed.contains(path) && !changed.contains(path);
        self.files.retain(|file| is_kept(file.path()));
        self.unreadable.retain(|file| is_kept(&file.path));
        let files: Vec<_> = files.into_par_iter().filter_map(|(path, bytes)| read(path, bytes)).collect();
        for file in files {
            match file {
                Ok(source) => self.files.push(RepoFile::Memory(Arc::new(source))),
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        self.files.sort_by(|a, b| a.path().cmp(b.path()));
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&RepoFile> {
        self.files.binary_search_by(|file| (**file.path()).cmp(path)).ok().map(|index| &self.files[index])
    }

    /// Adds a file in memory, or replaces the file at its path.
    pub fn overlay(&mut self, source: Source) {
        self.insert(RepoFile::Memory(Arc::new(source)));
    }

    /// Replaces or adds a file.
    pub(crate) fn insert(&mut self, file: RepoFile) {
        match self.files.binary_search_by(|known| known.path().cmp(file.path())) {
            Ok(index) => self.files[index] = file,
            Err(index) => self.files.insert(index, file),
        }
    }

    /// Removes a file. Returns whether it existed.
    pub fn remove(&mut self, path: &str) -> bool {
        let before = self.files.len() + self.unreadable.len();
        self.files.retain(|file| &**file.path() != path);
        self.unreadable.retain(|file| &*file.path != path);
        self.files.len() + self.unreadable.len() < before
    }

    /// The repository without vendored files and lock files, unless the settings include them.
    pub(crate) fn own(&self, settings: &Settings) -> Cow<'_, Self> {
        let third_party = if settings.config.check_third_party { BTreeMap::new() } else { self.third_party_files() };
        if third_party.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        own.files.retain(|file| !third_party.contains_key(file.path()));
        own.third_party.extend(third_party);
        Cow::Owned(own)
    }

    /// The vendored files and the lock files, according to their paths.
    fn third_party_files(&self) -> BTreeMap<RelPath, Origin> {
        let paths = || self.files.iter().map(RepoFile::path);
        let folders: HashSet<&str> = paths().filter_map(|path| third_party::vendored_folder(path)).collect();
        let is_vendored = |path: &str| {
            let inside = || paths::folders(path).any(|folder| folders.contains(folder));
            third_party::in_installed_folder(path) || (!folders.is_empty() && inside())
        };
        let origin = |path: &str| match is_vendored(path) {
            true => Some(Origin::Vendored),
            false => third_party::is_lock_file(path).then_some(Origin::LockFile),
        };
        paths().filter_map(|path| Some((path.clone(), origin(path)?))).collect()
    }

    /// Removes excluded paths that the walk did not already leave out.
    pub fn exclude(&mut self, globs: &Globs) {
        let excluded = |path: &str| Path::new(path).ancestors().any(|folder| globs.is_match(folder));
        let out = self.files.iter().map(RepoFile::path).filter(|path| excluded(path)).cloned();
        self.excluded.extend(out);
        self.files.retain(|file| !excluded(file.path()));
        self.unreadable.retain(|file| !excluded(&file.path));
    }
}

/// A file with the given content. `None` if it has no kind.
fn read(path: &str, bytes: Vec<u8>) -> Option<Result<Source, Unreadable>> {
    let is_script = || walk::may_be_script(path) && walk::is_shell_script(&bytes);
    let kind = walk::by_name(path).or_else(|| is_script().then_some(FileKind::Shell))?;
    let read = walk::decode(bytes).map(|text| Source::new(path, walk::by_content(path, kind, &text), text));
    Some(read.map_err(|reason| Unreadable { path: path.into(), reason }))
}
