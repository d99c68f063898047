//! The view of one file for readers and checks: read-only, and without any configuration except the port settings.

use std::cell::OnceCell;

use super::needles::{Found, Words};
use super::port_registry::Mentions;
use crate::config::PortSettings;
use crate::lang::Tree;
use crate::lang::nix::recognize::{self, Valid};
use crate::source::Source;

/// A necessary condition for a reader or check to find anything in a file, cheap to evaluate.
pub type Condition = fn(&Glance<'_>) -> bool;

/// The parts of a file that a trigger can read before the file is parsed: its name, its text and the words in it.
pub struct Glance<'a> {
    /// The file.
    pub source: &'a Source,
    /// The port settings.
    pub ports: &'a PortSettings,
    /// The names of the repository's port registries.
    pub registries: &'a Mentions,
    /// The words of the run's readers and checks that occur in the text.
    pub words: Found<'a>,
    /// The result of [`Glance::valid_nix`], computed on first use.
    pub valid_nix: OnceCell<Option<Valid>>,
}

impl Glance<'_> {
    /// Describes the text if it is guaranteed to be valid Nix.
    pub fn valid_nix(&self) -> Option<Valid> {
        *self.valid_nix.get_or_init(|| recognize::valid(&self.source.text))
    }

    /// Whether the text contains any of the words.
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

/// A file that is being checked.
pub struct FileView<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its tree; `None` for kinds without a grammar and for files that the parser refused.
    pub tree: Option<&'a Tree<'a>>,
    /// The port settings.
    pub ports: &'a PortSettings,
}
