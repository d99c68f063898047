//! The checks of CI files, and the facts that they leave.

pub mod builders;
pub mod docker_build;
pub mod flake_check;
pub mod nix;
pub mod nix_cache;

use crate::finding::Span;

/// What a file says about CI.
#[derive(Debug, Default)]
pub struct CiFacts {
    /// Images that its steps build with Docker tooling.
    pub builds: Vec<Build>,
    /// Packages of the flake that are container images, by name.
    pub containers: Vec<String>,
    /// Its jobs, where it is a workflow or composite action.
    pub jobs: Vec<nix::NixJob>,
    /// Whether it is a flake whose `nixConfig` names substituters.
    pub flake_substituters: bool,
    /// What it says about running the flake's checks.
    pub checks: flake_check::CheckFacts,
}

impl CiFacts {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.builds.is_empty()
            && self.containers.is_empty()
            && self.jobs.is_empty()
            && !self.flake_substituters
            && self.checks.is_empty()
    }
}

/// An image built with Docker tooling.
#[derive(Debug)]
pub struct Build {
    /// Where.
    pub span: Span,
    /// With what: a command or the name of an action.
    pub tool: String,
    /// The words around it, in which the image's name may stand.
    pub words: String,
}
