//! Flakes: their inputs, flake.nix with flake.lock, and other references to nixpkgs.

pub mod commands;
pub mod fetch;
pub mod lookups;
pub mod modules;
pub mod pins;

use super::needles::Words;
use super::{Fact, FileView, Glance, Project, ProjectFile, Reader, fact};
use crate::finding::Span;
use crate::knowledge::third_party;
use crate::lang::flake::Flake;
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::lock::Lock;
use crate::lang::flake::nixpkgs::{self, Channel};
use crate::lang::nix::recognize;
use crate::lang::{Tree, ci};
use crate::source::{FileKind, Source};
use lookups::{Lookup, lookups};

/// Reads flakes, locks, and other references to nixpkgs.
pub static READER: Reader = Reader { name: "flake", needles: &[&FETCHERS, &NIX, &MODULES], may_hold, read };

/// The functions that fetch code.
pub static FETCHERS: Words = Words::any_of(&fetch::FETCHERS);
static NIX: Words = Words::any_of(&["nix"]);
static MODULES: Words = Words::any_of(&[modules::OPTIONS]);

/// The flake-related content of a file.
#[derive(Debug, Default)]
pub struct FlakeFacts {
    /// The inputs of a flake.nix.
    pub flake: Option<Box<Flake>>,
    /// The inputs that a module declares or refines for a flake.nix that flake-file generates.
    pub declared: Option<Box<Flake>>,
    /// A flake.lock.
    pub lock: Option<Box<Lock>>,
    /// Why a flake.lock cannot be read.
    pub no_lock: Option<String>,
    /// References to nixpkgs outside a flake's inputs.
    pub uses: Vec<Use>,
    /// Lookups in NIX_PATH.
    pub lookups: Vec<Lookup>,
}

impl FlakeFacts {
    /// Whether the file contributes nothing.
    pub fn is_empty(&self) -> bool {
        self.flake.is_none()
            && self.declared.is_none()
            && self.lock.is_none()
            && self.no_lock.is_none()
            && self.uses.is_empty()
            && self.lookups.is_empty()
    }
}

impl Fact for FlakeFacts {
    fn undecided(&self) -> Vec<String> {
        self.no_lock.iter().cloned().collect()
    }
}

fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Lock => true,
        FileKind::Nix => {
            source.file_name() == "flake.nix"
                || source.has(&FETCHERS)
                || source.has(&MODULES)
                || recognize::may_have_search_path(&source.text)
                    && source.valid_nix().is_none_or(|valid| valid.has_search_path)
        }
        FileKind::Yaml => ci::system(&source.path).is_some() && source.has(&NIX),
        _ => pins::holds_pins(source),
    }
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    if pins::holds_pins(file.source) {
        let facts = FlakeFacts { uses: pins::uses(file.source), ..FlakeFacts::default() };
        let is_empty = facts.is_empty();
        return fact(facts, is_empty);
    }
    let tree = file.tree?;
    let facts = match file.source.kind {
        FileKind::Lock => lock(tree),
        FileKind::Nix => {
            let is_flake = file.source.file_name() == "flake.nix";
            let flake = if is_flake { Flake::read(tree).map(Box::new) } else { None };
            let mut uses = fetch::uses(tree);
            // Few repositories use flake-file, so the search through all bindings is skipped for other files.
            let has_modules = file.source.text.contains(modules::OPTIONS);
            let declared = has_modules.then(|| Flake::read_option(tree, modules::OPTIONS));
            let declared = declared.filter(|declared| !declared.inputs.is_empty());
            uses.extend(declared.iter().flat_map(|declared| modules::uses(tree, declared)));
            let lookups = lookups(tree, is_flake);
            FlakeFacts { flake, declared: declared.map(Box::new), uses, lookups, ..FlakeFacts::default() }
        }
        FileKind::Yaml => {
            FlakeFacts { uses: commands::uses(tree, ci::system(&file.source.path)?), ..FlakeFacts::default() }
        }
        _ => return None,
    };
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

fn lock(tree: &Tree<'_>) -> FlakeFacts {
    match Lock::read(tree) {
        Some(lock) if lock.is_known_version() => FlakeFacts { lock: Some(Box::new(lock)), ..FlakeFacts::default() },
        Some(lock) => {
            let version = lock.version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
            let why = format!("flake.lock has {version}; Nix supports versions 5 to 7");
            FlakeFacts { no_lock: Some(why), ..FlakeFacts::default() }
        }
        None => {
            let why = "flake.lock is not a Nix lock file".to_owned();
            FlakeFacts { no_lock: Some(why), ..FlakeFacts::default() }
        }
    }
}

/// A reference to nixpkgs.
#[derive(Debug, Clone)]
pub struct Use {
    /// The span for findings.
    pub place: Span,
    /// The span of the reference, if it is a single string.
    pub text: Option<Span>,
    /// What uses nixpkgs, as the subject of a sentence: "the input `nixpkgs`".
    pub subject: String,
    /// The channel that it follows.
    pub channel: Channel,
    /// How the reference is fetched.
    pub scheme: Scheme,
    /// Whether its name contains its branch (`nixpkgs-unstable`, `nixpkgs-2411`) and would be wrong for another branch.
    pub named_for_branch: bool,
    /// The names by which a configuration can allow it: the branch, the input.
    pub names: Vec<String>,
}

impl Use {
    /// A use of a reference; `None` if it does not refer to nixpkgs.
    pub fn of(reference: &FlakeRef, place: Span, text: Option<Span>, subject: String) -> Option<Self> {
        let channel = nixpkgs::channel(reference)?;
        let names = reference.branch.iter().cloned().collect();
        Some(Self { place, text, subject, channel, scheme: reference.scheme, named_for_branch: false, names })
    }
}

/// A flake.nix, or a module that declares inputs of a generated one, and the flake.lock next to the flake.nix.
#[derive(Clone, Copy)]
pub struct FlakeFile<'a> {
    /// The flake.nix or the module.
    pub source: &'a Source,
    /// Its inputs.
    pub flake: &'a Flake,
    /// The lock, if there is one and it could be read.
    pub lock: Option<(&'a Source, &'a Lock)>,
    /// Whether there is a lock, readable or not.
    pub has_lock: bool,
    /// Why the lock could not be read.
    pub no_lock: Option<&'a str>,
    /// The generated flake.nix with all inputs, if the file is a module.
    pub generated: Option<&'a Flake>,
}

impl<'a> FlakeFile<'a> {
    /// The flake in a file; `None` if it is not a flake.nix.
    pub fn of(project: &'a Project, file: &'a ProjectFile) -> Option<Self> {
        let flake = file.fact::<FlakeFacts>()?.flake.as_deref()?;
        let folder = file.source.path.strip_suffix("flake.nix")?;
        Some(Self::in_folder(project, file, flake, folder))
    }

    /// The inputs that a module declares for the flake that contains it; `None` if it declares none, or if the
    /// flake.nix is not generated.
    pub fn of_module(project: &'a Project, file: &'a ProjectFile) -> Option<Self> {
        let declared = file.fact::<FlakeFacts>()?.declared.as_deref()?;
        let mut folder = &*file.source.path;
        let path = loop {
            folder = folder.trim_end_matches('/');
            folder = &folder[..folder.rfind('/').map_or(0, |at| at + 1)];
            let path = format!("{folder}flake.nix");
            if path != *file.source.path && project.paths.contains_key(&*path) {
                break path;
            }
            if folder.is_empty() {
                return None;
            }
        };
        let written = project.file(&path)?;
        let generated = written.fact::<FlakeFacts>()?.flake.as_deref()?;
        let is_generated = third_party::is_generated(&path, &written.source.text);
        is_generated.then(|| Self { generated: Some(generated), ..Self::in_folder(project, file, declared, folder) })
    }

    fn in_folder(project: &'a Project, file: &'a ProjectFile, flake: &'a Flake, folder: &str) -> Self {
        let path = format!("{folder}flake.lock");
        let locked = project.file(&path).and_then(|file| Some((&*file.source, file.fact::<FlakeFacts>()?)));
        Self {
            source: &file.source,
            flake,
            lock: locked.and_then(|(source, facts)| Some((source, facts.lock.as_deref()?))),
            has_lock: project.paths.contains_key(&*path),
            no_lock: locked.and_then(|(_, facts)| facts.no_lock.as_deref()),
            generated: None,
        }
    }

    /// All inputs of the flake.
    pub fn all(&self) -> &'a Flake {
        self.generated.unwrap_or(self.flake)
    }
}

/// The flakes in a repository.
pub fn flakes(project: &Project) -> impl Iterator<Item = FlakeFile<'_>> {
    project.files.iter().filter_map(|file| FlakeFile::of(project, file))
}

/// The modules that declare inputs of flakes that flake-file generates.
pub fn modules(project: &Project) -> impl Iterator<Item = FlakeFile<'_>> {
    project.files.iter().filter_map(|file| FlakeFile::of_module(project, file))
}
