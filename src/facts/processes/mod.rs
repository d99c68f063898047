//! process-compose configurations, in YAML and in Nix.
//!
//! Every file has its [`Part`]s; which of them are loaded together (override files, `extends`, the modules of one
//! flake) is known only for the whole repository ([`group`]).

pub mod ending;
pub mod group;
pub mod listens;
pub mod model;
mod nix_read;
mod nix_values;
mod services;
mod yaml;

use memchr::memmem;

use super::needles::Words;
use super::{Fact, FileView, Glance, Reader, fact};
use crate::source::FileKind;
use model::Part;

/// Reads process-compose configurations.
pub static READER: Reader = Reader { name: "processes", needles: &[&FLAKES, &PROCESSES, &SETTINGS], may_hold, read };

static FLAKES: Words = Words::any_of(&["process-compose", "services-flake"]);
static PROCESSES: Words = Words::any_of(&["processes"]);
static SETTINGS: Words = Words::any_of(&["settings"]);

/// The process-compose configuration in a file.
#[derive(Debug, Default)]
pub struct ProcessFacts {
    /// The configurations, or parts of configurations, in it.
    pub parts: Vec<Part>,
    /// Whether it mentions process-compose-flake or services-flake.
    pub uses_flake: bool,
}

impl Fact for ProcessFacts {}

fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Yaml => source.has(&PROCESSES),
        FileKind::Nix => source.has(&FLAKES) || (source.has(&PROCESSES) && source.has(&SETTINGS)),
        _ => false,
    }
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree?;
    let parts = match file.source.kind {
        FileKind::Yaml => yaml::read(file.source, tree).into_iter().collect(),
        FileKind::Nix => nix_read::read(tree),
        _ => return None,
    };
    let uses = |word: &str| memmem::find(file.source.text.as_bytes(), word.as_bytes()).is_some();
    let facts = ProcessFacts { parts, uses_flake: uses("process-compose-flake") || uses("services-flake") };
    let is_empty = facts.parts.is_empty() && !facts.uses_flake;
    fact(facts, is_empty)
}
