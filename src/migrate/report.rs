//! What a migration carried, what it left, and why it could not be done.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::finding::RelPath;

/// Something that the written files do as the old file did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Carried {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// Its line, from 1.
    pub line: usize,
    /// What it is: `services.db.image`.
    pub what: String,
    /// What it became: `services.postgres.db`.
    pub into: String,
}

/// Something that the written files do not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Left {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// Its line, from 1.
    pub line: usize,
    /// What was left: `services.db.deploy.resources`.
    pub what: String,
    /// Why it cannot be carried.
    pub why: String,
    /// What to do about it.
    pub todo: String,
}

fn as_text<S: Serializer>(path: &RelPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path)
}

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was carried.
    pub carried: Vec<Carried>,
    /// What was not.
    pub left: Vec<Left>,
    /// The old files that can be deleted once what replaces them works.
    pub replaced: Vec<Replaced>,
}

/// An old file that the written files replace. It is never deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Replaced {
    /// The old file.
    #[serde(serialize_with = "as_text")]
    pub path: RelPath,
    /// The command that uses what replaces it: `nix run .#dev`.
    pub by: String,
}

impl Report {
    /// Adds a file that can be deleted once a command works.
    pub fn replace(&mut self, path: &RelPath, by: impl Into<String>) {
        self.replaced.push(Replaced { path: path.clone(), by: by.into() });
    }

    /// Adds something that was carried.
    pub fn carry(&mut self, path: &RelPath, line: usize, what: impl Into<String>, into: impl Into<String>) {
        self.carried.push(Carried { path: path.clone(), line, what: what.into(), into: into.into() });
    }

    /// Adds something that was left.
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

    /// Sorts by file and line, and removes repetitions.
    pub fn sort(&mut self) {
        self.carried.sort();
        self.carried.dedup();
        self.left.sort();
        self.left.dedup();
        self.replaced.sort();
        self.replaced.dedup();
    }
}

/// Why a file cannot be migrated. Nothing is written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file.
    pub path: RelPath,
    /// Line and column, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Error {
    /// An error about a whole file.
    pub fn new(path: &RelPath, message: impl Into<String>) -> Self {
        Self { path: path.clone(), place: None, message: message.into(), help: None }
    }

    /// Adds the position.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    /// Adds what to do next.
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
