//! The checks: one file (or folder) for each rule that needs code, named after the rule.
//!
//! A [`Check`] belongs to one rule and lists the facts that it reads, so what a rule reports does not depend on other
//! rules. It reads individual files or the facts about the repository, and returns findings. Checks do no I/O and print
//! nothing.

pub mod colmena_target;
pub mod dev_command;
pub mod docker_build_in_ci;
pub mod docker_compose;
pub mod dockerfile;
pub mod end_of_life_nixpkgs;
pub mod ephemeral_port;
pub mod firewall_drift;
pub mod for_all_systems;
pub mod hardcoded_port;
pub mod install_in_app_derivation;
pub mod invalid_port;
pub mod lookup_path;
pub mod manual_port_allocation;
pub mod missing_flake_check;
pub mod missing_follows;
pub mod missing_readiness_probe;
pub mod nix_cache;
mod nixpkgs_sources;
pub mod port_conflict;
pub mod port_drift;
pub mod port_literals;
pub mod process_dependency;
pub mod syntax_error;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod unknown_port;
pub mod unknown_process_option;
pub mod unlayered_image;
pub mod unlocked_input;
pub mod unreadable_file;
pub mod unstable_nixpkgs;
pub mod unused_port;

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use crate::config::{Params, PortSettings};
use crate::facts::needles::Words;
use crate::facts::port_registry::references::{self, Resolved};
use crate::facts::port_registry::{self, Registries};
use crate::facts::ports::hosts::Hosts;
use crate::facts::ports::{self, PortFacts};
use crate::facts::processes::{self, group::Groups};
use crate::facts::{Condition, FileView, Project, Reader};
pub use crate::finding::Verdict;
use crate::finding::{Finding, RuleId, Safety, Span};
use crate::paths;

/// The checks of all rules that have a file of the same name in this folder.
pub static CHECKS: &[&Check] = &include!(concat!(env!("OUT_DIR"), "/checks.rs"));

/// The check of one rule.
pub struct Check {
    /// The rule to which all findings of the check belong.
    pub rule: RuleId,
    /// The readers of the facts that it needs, from one file or the whole repository.
    pub reads: &'static [&'static Reader],
    /// The check of individual files, which does not depend on other files.
    pub file: Option<FileCheck>,
    /// The check that runs on the facts of the whole repository.
    pub project: Option<fn(&ProjectView<'_>) -> Verdict>,
}

impl Check {
    /// Creates a check of individual files.
    pub const fn of_files(rule: RuleId, file: FileCheck) -> Self {
        Self { rule, reads: &[], file: Some(file), project: None }
    }

    /// Creates a check that runs on the facts of the whole repository.
    pub const fn of_project(
        rule: RuleId,
        reads: &'static [&'static Reader],
        project: fn(&ProjectView<'_>) -> Verdict,
    ) -> Self {
        Self { rule, reads, file: None, project: Some(project) }
    }
}

/// The part of a check that reads one file.
pub struct FileCheck {
    /// The words that the trigger searches for.
    pub needles: &'static [&'static Words],
    /// Which files it checks.
    pub trigger: Trigger,
    /// Returns the findings in a file. Also called for other files if the prefilter is off.
    pub check: fn(&FileView<'_>) -> Verdict,
}

/// A necessary condition, cheap to decide, for a check to find anything in a file.
#[derive(Clone, Copy)]
pub enum Trigger {
    /// The condition is true.
    Holds(Condition),
    /// The file is parsed for another check or reader anyway, or the condition is true. Such a condition is expensive,
    /// so it is evaluated only if nothing else requires parsing the file.
    ParsedOr(Condition),
}

/// The words that the given checks and readers search for.
pub fn words<'c>(
    checks: &'c [&'static Check],
    readers: &'c [&'static Reader],
) -> impl Iterator<Item = &'static Words> + 'c {
    let own = checks.iter().filter_map(|check| check.file.as_ref()).flat_map(|file| file.needles);
    own.chain(readers.iter().flat_map(|reader| reader.needles)).copied()
}

/// The readers of the facts that the given checks need, without duplicates.
pub fn readers(checks: &[&'static Check]) -> Vec<&'static Reader> {
    let mut readers: Vec<&'static Reader> = Vec::new();
    for &reader in checks.iter().flat_map(|check| check.reads) {
        if !readers.iter().any(|known| std::ptr::eq(*known, reader)) {
            readers.push(reader);
        }
    }
    readers
}

/// Whether any of the given checks needs the facts of a reader.
pub fn read(checks: &[&'static Check], reader: &'static Reader) -> bool {
    checks.iter().flat_map(|check| check.reads).any(|known| std::ptr::eq(*known, reader))
}

impl FileView<'_> {
    /// Creates a finding in this file.
    pub fn finding(&self, rule: RuleId, span: Span, message: impl Into<String>) -> Finding {
        Finding::new(rule, &self.source.path, span, message)
    }
}

/// The view of the whole repository for checks.
pub struct ProjectView<'p> {
    /// The facts of all files, sorted by path.
    pub project: &'p Project,
    /// The port settings in the configuration.
    pub ports: &'p PortSettings,
    /// The rules' parameters.
    pub params: &'p Params,
    /// The date of the run.
    pub now: jiff::civil::Date,
    /// The least safe level of fixes to create.
    pub fixes: Safety,
    /// Whether findings mention an unsafe fix even if it is not created.
    pub counts_fixes: bool,
    /// Only ports in these files and folders get new registry entries; empty means all.
    pub asked: HashSet<&'p str>,
    /// Only the port at this position in a file gets a new registry entry.
    pub new_entry: Option<(&'p str, u32)>,
    /// Whether the repository is checked repeatedly, so that caching results with the facts of files saves time.
    pub repeats: bool,
    flakes: OnceLock<HashSet<&'p str>>,
    registries: OnceLock<Registries<'p>>,
    references: OnceLock<Vec<Resolved<'p>>>,
    hosts: OnceLock<Hosts>,
    groups: OnceLock<Groups<'p>>,
    port_literals: OnceLock<port_literals::Shared<'p>>,
}

impl<'p> ProjectView<'p> {
    /// Creates a view of a repository.
    pub fn new(
        project: &'p Project,
        ports: &'p PortSettings,
        params: &'p Params,
        now: jiff::civil::Date,
        fixes: Safety,
    ) -> Self {
        Self {
            project,
            ports,
            params,
            now,
            fixes,
            counts_fixes: false,
            asked: HashSet::new(),
            new_entry: None,
            repeats: false,
            flakes: OnceLock::new(),
            registries: OnceLock::new(),
            references: OnceLock::new(),
            hosts: OnceLock::new(),
            groups: OnceLock::new(),
            port_literals: OnceLock::new(),
        }
    }

    /// Whether the port at a position in a file should get a new registry entry if it has none.
    pub fn wants_entry(&self, path: &str, start: u32) -> bool {
        match self.new_entry {
            Some(only) => only == (path, start),
            None if self.asked.is_empty() => true,
            None => std::iter::once(path).chain(paths::folders(path)).chain([""]).any(|path| self.asked.contains(path)),
        }
    }

    /// The folders with a flake.nix.
    pub fn flakes(&self) -> &HashSet<&'p str> {
        self.flakes.get_or_init(|| self.project.folders_with("flake.nix").collect())
    }

    /// Derives everything that the given checks share, so that they can run in parallel.
    pub fn prepare(&self, checks: &[&'static Check]) {
        if read(checks, &port_registry::READER) {
            self.references();
        }
        if read(checks, &ports::READER) {
            self.hosts();
        }
        if read(checks, &processes::READER) {
            self.groups();
        }
        if checks.iter().any(|check| [port_literals::HARDCODED, port_literals::ALLOCATED].contains(&check.rule)) {
            port_literals::prepare(self);
        }
    }

    /// The port registries.
    pub fn registries(&self) -> &Registries<'p> {
        self.registries.get_or_init(|| Registries::of(self.project))
    }

    /// The uses of the port registries in Nix.
    pub fn references(&self) -> &[Resolved<'p>] {
        self.references.get_or_init(|| references::resolve(self.project, self.registries()))
    }

    /// Which hosts belong to the repository.
    pub fn hosts(&self) -> &Hosts {
        self.hosts.get_or_init(|| Hosts::gather(self.project, self.ports))
    }

    /// The process-compose configurations.
    pub fn groups(&self) -> &Groups<'p> {
        self.groups.get_or_init(|| Groups::new(self.project))
    }
}

/// The entries of `own-hosts` and `external-hosts` that match the host of any address with a port. They are returned as
/// written in the configuration.
pub fn decided_hosts(view: &ProjectView<'_>) -> BTreeSet<String> {
    let files = view.project.each::<PortFacts>().filter(|(file, _)| !view.registries().is_registry(&file.source.path));
    let hosts = files.flat_map(|(_, ports)| &ports.uses).filter_map(|port| port.host.as_deref());
    hosts.filter_map(|host| view.hosts().deciding(host)).map(str::to_owned).collect()
}

/// The check of a rule; `None` if the rule has no code.
pub fn find(rule: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.rule == rule)
}
