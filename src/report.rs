//! The result of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::check::port_literals::Definition;
use crate::finding::{Finding, Fix, Level, Note, NoteKind, RelPath, RuleId, Safety};
use jiff::civil::Date;
use serde::Serialize;

use crate::knowledge::third_party::Origin;
use crate::rule::Catalog;
use crate::source::Source;
use crate::suppress::accepted::Accepted;

/// The subject of a report, and the settings with which it was created.
#[derive(Debug, Default, Clone)]
pub struct About {
    /// The repository's name.
    pub repository: String,
    /// The date of the run.
    pub date: Date,
    /// The policy that the repository extends.
    pub policy: Option<Policy>,
    /// Rules whose level the repository's own settings lower: the lowered level, and the level without these settings.
    pub lowered: Vec<(RuleId, Level, Level)>,
}

/// A policy and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The name by which the repository extends it.
    pub name: String,
    /// The beginning of the hash of its flakeward.toml.
    pub version: String,
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, sorted by path, position and rule.
    pub findings: Vec<Finding>,
    /// Notes about the run, sorted.
    pub notes: Vec<Note>,
    /// The number of requested files that were checked.
    pub files: usize,
    /// The number of requested files that were not checked, or only partly.
    pub not_checked: NotChecked,
    /// The number of settings files with findings, which are not included in `files`.
    pub settings: usize,
    /// The files that prevented some rules from running.
    pub blocked: BTreeSet<RelPath>,
    /// The enabled rules.
    pub rules: Vec<RuleId>,
    /// The number of suppressed findings.
    pub suppressed: usize,
    /// The suppressions and baseline rows, sorted by the path that they apply to.
    pub accepted: Vec<Accepted>,
    /// The files that findings and labels refer to.
    pub sources: BTreeMap<RelPath, Arc<Source>>,
    /// The subject of the report.
    pub about: About,
    /// The root to which paths are relative.
    pub root: PathBuf,
    /// The files with syntax errors. No fix changes them.
    pub broken: BTreeSet<RelPath>,
    /// What the repository contains.
    pub overview: Overview,
    /// All rules, enabled or not.
    pub catalog: Catalog,
}

/// An overview of the contents of a repository, for suggestions about the next steps.
#[derive(Debug, Default, Clone)]
pub struct Overview {
    /// Whether the report is about the whole repository.
    pub is_whole: bool,
    /// Whether there is a Nix file.
    pub has_nix: bool,
    /// Whether there is a port registry. Determined only if a rule about ports ran.
    pub has_registry: bool,
    /// The port registries. Like `has_registry`, known only if a rule about ports ran.
    pub registries: Vec<RelPath>,
    /// The definition of the repository's set of ports, if it has one instead of a registry.
    pub defined_ports: Option<Definition>,
    /// Whether there is a configuration file.
    pub has_settings: bool,
    /// Whether there is a baseline.
    pub has_baseline: bool,
    /// The path at which a port registry would be created.
    pub new_registry: String,
}

/// The number of files that are not checked, or only partly, by reason.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// Files with a header that marks them as generated.
    pub generated: usize,
    /// Files that package managers copied into the repository.
    pub vendored: usize,
    /// Lock files of package managers.
    pub lock_files: usize,
    /// Templates, which are checked only in part.
    pub templates: usize,
}

impl NotChecked {
    /// Counts a file that is not checked because of its origin.
    pub fn add(&mut self, origin: Origin) {
        match origin {
            Origin::Generated => self.generated += 1,
            Origin::Vendored => self.vendored += 1,
            Origin::LockFile => self.lock_files += 1,
        }
    }
}

/// The number of findings that can be fixed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Fixable {
    /// With `flakeward fix`.
    pub safe: usize,
    /// Only with `flakeward fix --unsafe`.
    pub only_unsafe: usize,
}

impl Fixable {
    /// The number of all findings that can be fixed.
    pub fn all(self) -> usize {
        self.safe + self.only_unsafe
    }

    fn add(&mut self, safety: Option<Safety>) {
        match safety {
            Some(Safety::Safe) => self.safe += 1,
            Some(Safety::Unsafe) => self.only_unsafe += 1,
            None => {}
        }
    }
}

/// The counts of one rule's findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule.
    pub rule: RuleId,
    /// The highest level of its findings.
    pub level: Level,
    /// The number of findings.
    pub findings: usize,
    /// The number of findings that can be fixed.
    pub fixable: Fixable,
    /// The number of files with findings.
    pub files: usize,
}

impl Report {
    /// The safety of a finding's fix. `None` if it has no fix, or if `flakeward fix` would refuse it because of a
    /// syntax error.
    pub fn fixability(&self, finding: &Finding) -> Option<Safety> {
        let edited = finding.fix.iter().flat_map(Fix::files);
        let is_broken = edited.chain([&finding.path]).any(|path| self.broken.contains(path));
        finding.fixability().filter(|_| !is_broken)
    }

    /// Counts the findings that can be fixed.
    pub fn fixable(&self) -> Fixable {
        let mut fixable = Fixable::default();
        self.findings.iter().for_each(|finding| fixable.add(self.fixability(finding)));
        fixable
    }

    /// The findings by rule, the most frequent rule first.
    pub fn by_rule(&self) -> Vec<RuleCount> {
        let mut rules: BTreeMap<RuleId, (RuleCount, BTreeSet<&RelPath>)> = BTreeMap::new();
        for finding in &self.findings {
            let rule = finding.rule;
            let new = || RuleCount { rule, level: Level::Off, findings: 0, fixable: Fixable::default(), files: 0 };
            let (count, files) = rules.entry(rule).or_insert_with(|| (new(), BTreeSet::new()));
            count.level = count.level.max(finding.level);
            count.findings += 1;
            count.fixable.add(self.fixability(finding));
            files.insert(&finding.path);
        }
        let mut counts: Vec<RuleCount> =
            rules.into_values().map(|(count, files)| RuleCount { files: files.len(), ..count }).collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.findings));
        counts
    }

    /// The number of findings at a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether any finding has at least this level.
    pub fn reaches(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.level >= level)
    }

    /// Whether a check failed with an internal error.
    pub fn internal_error(&self) -> bool {
        self.notes.iter().any(|note| note.kind == NoteKind::InternalError)
    }
}
