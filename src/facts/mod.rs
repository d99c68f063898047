//! Facts: what the files of a repository say, gathered file by file and read together once all are there.

pub mod ci;
pub mod compose;
pub mod flake;
pub mod needles;
pub mod port_registry;
pub mod ports;
pub mod processes;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::processes::ProcessFacts;
use crate::facts::port_registry::RegistryFacts;
use crate::facts::ports::PortFacts;
use crate::finding::RelPath;
use crate::source::{Kind, Source};

/// What one file says that checks of the whole repository need. Each domain keeps its own part.
#[derive(Debug, Default)]
pub struct Facts {
    /// What it says about CI.
    pub ci: crate::facts::ci::CiFacts,
    /// Port literals and own hosts.
    pub ports: PortFacts,
    /// process-compose configurations.
    pub processes: ProcessFacts,
    /// What it says about Colmena.
    pub colmena: crate::check::colmena_target::ColmenaFacts,
    /// What it says about flakes and where code comes from.
    pub flake: crate::check::flake::FlakeFacts,
    /// The registry that the file is, and where it refers to one.
    pub registry: RegistryFacts,
}

impl Facts {
    /// Whether there is nothing in it, so that the file need not be remembered.
    pub fn is_empty(&self) -> bool {
        let Self { ci, ports, processes, colmena, flake, registry } = self;
        ci.is_empty()
            && ports.is_empty()
            && processes.is_empty()
            && colmena.is_empty()
            && flake.is_empty()
            && registry.is_empty()
    }
}

/// A file and its facts.
#[derive(Debug)]
pub struct ProjectFile {
    /// The file, with its text: labels and fixes point into it.
    pub source: Arc<Source>,
    /// What it says.
    pub facts: Facts,
}

/// The facts of the whole repository.
#[derive(Debug, Default)]
pub struct Project {
    /// The files that have facts, sorted by path.
    pub files: Vec<ProjectFile>,
    /// Every file of the repository that has a kind, facts or not.
    pub paths: BTreeMap<RelPath, Kind>,
}

impl Project {
    /// The file of a path, if it has facts.
    pub fn file(&self, path: &str) -> Option<&ProjectFile> {
        self.files.binary_search_by(|file| (*file.source.path).cmp(path)).ok().map(|index| &self.files[index])
    }
}
