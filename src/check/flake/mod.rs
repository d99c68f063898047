//! Flakes: their inputs, flake.nix and flake.lock together, and the other places that say where nixpkgs comes from.
//!
//! What a finding says depends on the date of the run and often on two files, so single files only leave facts.

#[cfg(test)]
mod tests;

use super::{Check, FileContext, Glance, ProjectContext};
use crate::facts::flake::{commands, fetch};
use crate::facts::needles::Words;
use crate::facts::{Project, ProjectFile};
use crate::lang::flake::Flake;
use crate::lang::flake::lock::Lock;
use crate::lang::{Tree, ci};
use crate::source::{Kind, Source};

use super::{lookup_path as lookup, missing_follows as follows, unlocked_input as locked, unstable_nixpkgs as sources};
use lookup::Lookup;
use sources::Use;

/// See `rules/unstable-nixpkgs.md`, `end-of-life-nixpkgs.md`, `missing-follows.md`,
/// `unlocked-input.md` and `lookup-path.md`.
pub static CHECK: Check = Check { name: "flake", words: &[&FETCHERS, &NIX], trigger, file, project };

static FETCHERS: Words = Words::any_of(&fetch::FETCHERS);
static NIX: Words = Words::any_of(&["nix"]);

/// What a file says about flakes.
#[derive(Debug, Default)]
pub struct FlakeFacts {
    /// The inputs of a flake.nix.
    pub flake: Option<Box<Flake>>,
    /// A flake.lock.
    pub lock: Option<Box<Lock>>,
    /// Places outside a flake's inputs that take nixpkgs from somewhere.
    pub uses: Vec<Use>,
    /// Lookups in NIX_PATH.
    pub lookups: Vec<Lookup>,
}

impl FlakeFacts {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.flake.is_none() && self.lock.is_none() && self.uses.is_empty() && self.lookups.is_empty()
    }
}

fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Lock => true,
        Kind::Nix => source.file_name() == "flake.nix" || lookup::may_look_up(&source.text) || source.has(&FETCHERS),
        Kind::Yaml => ci::system(&source.path).is_some() && source.has(&NIX),
        _ => false,
    }
}

fn file(context: &mut FileContext<'_>) {
    let Some(tree) = context.tree else { return };
    match context.source.kind {
        Kind::Lock => read_lock(context, tree),
        Kind::Nix => {
            let is_flake = context.source.file_name() == "flake.nix";
            if is_flake {
                context.facts.flake.flake = Flake::read(tree).map(Box::new);
            }
            context.facts.flake.uses = fetch::uses(tree);
            context.facts.flake.lookups = lookup::lookups(tree, is_flake);
            locked::fetches(context, tree);
        }
        Kind::Yaml => {
            if let Some(system) = ci::system(&context.source.path) {
                context.facts.flake.uses = commands::uses(tree, system);
            }
        }
        _ => {}
    }
}

fn read_lock(context: &mut FileContext<'_>, tree: &Tree<'_>) {
    match Lock::read(tree) {
        Some(lock) if lock.is_known_version() => context.facts.flake.lock = Some(Box::new(lock)),
        Some(lock) => {
            let version = lock.version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
            context.not_decidable(format!("flake.lock has {version}; Nix supports versions 5 to 7"));
        }
        None => context.not_decidable("this is not a valid flake.lock"),
    }
}

/// A flake.nix and the flake.lock beside it.
pub struct FlakeFile<'a> {
    /// The flake.nix.
    pub source: &'a Source,
    /// What it says.
    pub flake: &'a Flake,
    /// The lock, where there is one that could be read.
    pub lock: Option<(&'a Source, &'a Lock)>,
    /// Whether there is a lock at all.
    pub has_lock: bool,
}

impl<'a> FlakeFile<'a> {
    fn of(project: &'a Project, file: &'a ProjectFile) -> Option<Self> {
        let flake = file.facts.flake.flake.as_deref()?;
        let path = format!("{}flake.lock", file.source.path.strip_suffix("flake.nix")?);
        let lock = project.file(&path).and_then(|file| Some((&*file.source, file.facts.flake.lock.as_deref()?)));
        Some(Self { source: &file.source, flake, lock, has_lock: project.paths.contains_key(&*path) })
    }
}

fn project(context: &mut ProjectContext<'_>) {
    sources::report(context);
    lookup::report(context);
    let project = context.project;
    for file in project.files.iter().filter_map(|file| FlakeFile::of(project, file)) {
        let findings = follows::findings(&file).into_iter().chain(locked::findings(&file));
        findings.for_each(|finding| context.report(finding));
    }
}
