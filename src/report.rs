//! What a run reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::finding::{Finding, Level, Note, NoteKind, RelPath, RuleId};
use jiff::civil::Date;

use crate::rule::Catalog;
use crate::source::Source;
use crate::suppress::accepted::Accepted;

/// What a report is about, and by which settings it came to be.
#[derive(Debug, Default, Clone)]
pub struct About {
    /// The repository's name.
    pub repository: String,
    /// The date of the run.
    pub date: Date,
    /// The policy that the repository extends.
    pub policy: Option<Policy>,
    /// Rules whose level the repository's own settings lower: the level there, and the one that it would have.
    pub lowered: Vec<(RuleId, Level, Level)>,
}

/// A policy and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the repository calls it.
    pub name: String,
    /// The beginning of the hash of its flakeward.toml.
    pub version: String,
}

/// What a run has to say.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, sorted by path, place, rule.
    pub findings: Vec<Finding>,
    /// Notes about the run, sorted.
    pub notes: Vec<Note>,
    /// How many files were looked at (of those asked for).
    pub files: usize,
    /// The rules that were on.
    pub rules: Vec<RuleId>,
    /// How many findings were silenced by a suppression.
    pub suppressed: usize,
    /// The suppressions and baseline rows, sorted by the path that they are for.
    pub accepted: Vec<Accepted>,
    /// The files that findings and labels point into.
    pub sources: BTreeMap<RelPath, Arc<Source>>,
    /// What the report is about.
    pub about: About,
    /// The root that paths are relative to.
    pub root: PathBuf,
    /// The rules that there are, on or off.
    pub catalog: Catalog,
}

impl Report {
    /// How many findings have a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether any finding is at or above a level.
    pub fn reaches(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.level >= level)
    }

    /// Whether a check failed inside.
    pub fn internal_error(&self) -> bool {
        self.notes.iter().any(|note| note.kind == NoteKind::InternalError)
    }
}
