//! The report of a migration: what was migrated, what is left to do by hand, and errors.

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::finding::RelPath;

/// Behaviour of the old file that the written files reproduce.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Carried {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// Its line, from 1.
    pub line: usize,
    /// The key or instruction: `services.db.image`.
    pub what: String,
    /// The result: `services.postgres.db`.
    pub into: String,
}

/// Behaviour of the old file that the written files do not reproduce.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Left {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// Its line, from 1.
    pub line: usize,
    /// The key or instruction: `services.db.deploy.resources`.
    pub what: String,
    /// The reason why it is not migrated.
    pub why: String,
    /// The work to do by hand.
    pub todo: String,
}

fn as_text<S: Serializer>(path: &RelPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path)
}

/// The report of a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was migrated.
    pub carried: Vec<Carried>,
    /// What is left to do by hand.
    pub left: Vec<Left>,
    /// The findings that `flakeward check` still reports after the migration and `flakeward fix`.
    pub findings: Vec<Left>,
    /// The old files that can be deleted once their replacements work.
    pub replaced: Vec<Replaced>,
    /// The old files that were migrated before, and why nothing is done about them.
    pub migrated: Vec<(RelPath, String)>,
    /// The index of the first entry in [`Report::carried`] for each file and line.
    first: HashMap<(RelPath, usize), usize>,
}

/// The reason why a package does not have the version of an image. `package` is an attribute path, or empty if only an
/// option of a service determines the package.
pub fn other_version(image: &str, package: &str) -> String {
    match package {
        "" => format!("the version is the one in the locked nixpkgs, not that of `{image}`"),
        package => format!("the version is that of `pkgs.{package}` in the locked nixpkgs, not that of `{image}`"),
    }
}

/// A list in a sentence: `a, b and c`.
pub fn and<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The work to do by hand if a program has another version.
pub const CHECK_VERSION: &str = "check that the program and its clients work with that version";

/// An old file that the written files replace. The migration never deletes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Replaced {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// The command that uses the replacement: `nix run .#dev`.
    pub by: String,
}

impl Report {
    /// The numbers of entries so far, for [`Report::undo`].
    pub fn mark(&self) -> [usize; 3] {
        [self.carried.len(), self.left.len(), self.replaced.len()]
    }

    /// Removes all entries since a [`Report::mark`].
    pub fn undo(&mut self, [carried, left, replaced]: [usize; 3]) {
        for item in self.carried.drain(carried..) {
            let key = (item.path, item.line);
            if self.first.get(&key).is_some_and(|&first| first >= carried) {
                self.first.remove(&key);
            }
        }
        self.left.truncate(left);
        self.replaced.truncate(replaced);
    }

    /// Adds a file that can be deleted once a command works.
    pub fn replace(&mut self, path: &RelPath, by: impl Into<String>) {
        self.replaced.push(Replaced { path: path.clone(), by: by.into() });
    }

    /// Adds a file that was migrated to a module before.
    pub fn already_migrated(&mut self, path: &RelPath, module: &str) {
        let why = format!("already migrated to {module}; delete {module} to migrate again");
        self.carry(path, 1, "this file", format!("nothing to do: {why}"));
        self.migrated.push((path.clone(), why));
    }

    /// Adds something that was migrated.
    pub fn carry(&mut self, path: &RelPath, line: usize, what: impl Into<String>, into: impl Into<String>) {
        self.add(Carried { path: path.clone(), line, what: what.into(), into: into.into() });
    }

    fn add(&mut self, carried: Carried) {
        self.first.entry((carried.path.clone(), carried.line)).or_insert(self.carried.len());
        self.carried.push(carried);
    }

    /// Adds the entries of another report for what was migrated and for what is left to do by hand.
    pub fn append(&mut self, other: &Report) {
        other.carried.iter().cloned().for_each(|carried| self.add(carried));
        self.left.extend(other.left.iter().cloned());
    }

    /// The first entry for a line of a file that was migrated.
    pub fn carried_at(&self, path: &RelPath, line: usize) -> Option<&Carried> {
        self.first.get(&(path.clone(), line)).and_then(|&at| self.carried.get(at))
    }

    /// Adds something that is left to do by hand.
    pub fn leave(
        &mut self,
        path: &RelPath,
        line: usize,
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let left = Left { path: path.clone(), line, what: what.into(), why: why.into(), todo: todo.into() };
        self.left.push(left);
    }

    /// Sorts by file and line, and removes duplicates.
    pub fn sort(&mut self) {
        self.first.clear();
        self.carried.sort();
        self.carried.dedup();
        self.left.sort();
        self.left.dedup();
        self.findings.sort();
        self.findings.dedup();
        self.replaced.sort();
        self.replaced.dedup();
    }
}

/// The reason why a file cannot be migrated. Nothing is written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file.
    pub path: RelPath,
    /// The line and column, from 1, if they are known.
    pub place: Option<(usize, usize)>,
    /// The description of the error.
    pub message: String,
    /// The next step.
    pub help: Option<String>,
}

impl Error {
    /// Creates an error about a whole file.
    pub fn new(path: &RelPath, message: impl Into<String>) -> Self {
        Self { path: path.clone(), place: None, message: message.into(), help: None }
    }

    /// Adds the position.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    /// Adds the next step.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl std::error::Error for Error {}
