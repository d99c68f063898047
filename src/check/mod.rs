//! The checks: what a rule's page cannot say in data. One file (or folder) each; this table gives them their names.
//!
//! A check reads one file at a time ([`Check::file`]), leaving findings and facts; once the facts of the whole
//! repository are there, [`Check::project`] says what only the whole can show. Checks do no I/O and print nothing.

pub mod colmena_target;
pub mod dev_command;
pub mod docker_build_in_ci;
pub mod docker_compose;
pub mod dockerfile;
pub mod flake;
pub mod for_all_systems;
pub mod hardcoded_port;
pub mod install_in_app_derivation;
pub mod lookup_path;
pub mod missing_flake_check;
pub mod missing_follows;
pub mod missing_readiness_probe;
pub mod nix_cache;
pub mod port_conflict;
pub mod port_drift;
pub mod ports;
pub mod process_dependency;
pub mod processes;
pub mod registry;
pub mod syntax_error;
#[cfg(test)]
pub mod testing;
pub mod unknown_port;
pub mod unlayered_image;
pub mod unlocked_input;
pub mod unstable_nixpkgs;
pub mod unused_port;

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::config::{Params, PortSettings};
use crate::facts::needles::{Found, Words};
use crate::facts::port_registry::Mentions;
use crate::facts::{Facts, Project};
use crate::finding::{Finding, Note, NoteKind, RuleId, Safety, Span};
use crate::lang::Tree;
use crate::rule::RuleSet;
use crate::source::Source;

/// A check: a name that pages refer to, and what it does.
pub struct Check {
    /// The name in a page's `check`.
    pub name: &'static str,
    /// The words that its trigger asks for.
    pub words: &'static [&'static Words],
    /// A necessary condition, cheap to decide: where it is false the check would find nothing and leave no facts.
    pub trigger: fn(&Glance<'_>) -> bool,
    /// Reads one file.
    pub file: fn(&mut FileContext<'_>),
    /// Says what the facts of all files show together.
    pub project: fn(&mut ProjectContext<'_>),
}

/// All checks.
pub static CHECKS: &[&Check] = &[
    &docker_build_in_ci::CHECK,
    &missing_flake_check::CHECK,
    &nix_cache::CHECK,
    &colmena_target::CHECK,
    &docker_compose::CHECK,
    &unlayered_image::CHECK,
    &dev_command::CHECK,
    &dockerfile::CHECK,
    &flake::CHECK,
    &for_all_systems::CHECK,
    &install_in_app_derivation::CHECK,
    &ports::CHECK,
    &processes::CHECK,
    &registry::CHECK,
    // One a line, so that two new checks rarely meet. The last one asks what costs most.
    &syntax_error::CHECK,
];

/// Checks that read the facts of another, which then runs even where its own rules are off.
pub const READS: &[(&str, &str)] = &[("flake-check", "nix-cache"), ("ports", "registry")];

/// What a trigger sees of one file: its name, its text and the words in it, before anything is parsed.
pub struct Glance<'a> {
    /// The file.
    pub source: &'a Source,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
    /// The names of the repository's registries.
    pub registries: &'a Mentions,
    /// Which words of [`Check::words`] the text holds.
    pub words: Found,
    /// Whether a check before this one in the table wants the file, so that it is parsed anyway.
    pub wanted: Cell<bool>,
}

impl Glance<'_> {
    /// Whether the text holds any of the words.
    pub fn has(&self, words: &Words) -> bool {
        self.words.has(words)
    }
}

impl std::ops::Deref for Glance<'_> {
    type Target = Source;

    fn deref(&self) -> &Source {
        self.source
    }
}

/// What a check sees of one file.
pub struct FileContext<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its tree; `None` for kinds without a grammar and for files that were refused (too deep).
    pub tree: Option<&'a Tree<'a>>,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
    /// The rules' parameters.
    pub params: &'a Params,
    /// The rules of this run.
    pub rules: &'a RuleSet,
    /// The facts of this file.
    pub facts: &'a mut Facts,
    /// The findings of this file.
    pub findings: &'a mut Vec<Finding>,
    /// Notes about this file.
    pub notes: &'a mut Vec<Note>,
}

impl FileContext<'_> {
    /// A finding in this file, not yet reported: pass it to [`Self::report`].
    pub fn finding(&self, rule: RuleId, span: Span, message: impl Into<String>) -> Finding {
        Finding::new(rule, &self.source.path, span, message)
    }

    /// Reports a finding.
    pub fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Notes that a value in this file cannot be known from the text.
    pub fn not_decidable(&mut self, message: impl Into<String>) {
        self.notes.push(Note {
            kind: NoteKind::NotDecidable,
            path: Some(self.source.path.clone()),
            message: message.into(),
        });
    }
}

/// What a check sees of the whole repository.
pub struct ProjectContext<'a> {
    /// The facts of all files, sorted by path.
    pub project: &'a Project,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
    /// The rules' parameters.
    pub params: &'a Params,
    /// The rules of this run.
    pub rules: &'a RuleSet,
    /// The date of the run.
    pub now: jiff::civil::Date,
    /// The widest kind of fix that is wanted.
    pub fixes: Safety,
    /// Entries of `own-hosts` and `external-hosts` that decided something, as they are written. The check that asks
    /// makes it a set.
    pub used_hosts: &'a mut Option<BTreeSet<String>>,
    /// The findings.
    pub findings: &'a mut Vec<Finding>,
    /// Notes.
    pub notes: &'a mut Vec<Note>,
}

impl ProjectContext<'_> {
    /// Reports a finding.
    pub fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// A check that does nothing for single files.
pub fn no_file(_: &mut FileContext<'_>) {}

/// A check that does nothing for the whole repository.
pub fn no_project(_: &mut ProjectContext<'_>) {}

/// The check of a name.
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.name == name)
}
