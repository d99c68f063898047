//! What readers and checks see of one file: read-only, and of the configuration only what it says about
//! ports.

use super::needles::{Found, Words};
use super::port_registry::Mentions;
use crate::config::PortSettings;
use crate::lang::Tree;
use crate::source::Source;

/// A necessary condition for a check or a reader to say anything about a file, cheap to decide.
pub type Condition = fn(&Glance<'_>) -> bool;

/// What a trigger sees of a file: its name, its text and the words in it, before anything is parsed.
pub struct Glance<'a> {
    /// The file.
    pub source: &'a Source,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
    /// The names of the repository's port registries.
    pub registries: &'a Mentions,
    /// Which words of the run's readers and checks the text holds.
    pub words: Found<'a>,
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

/// A file that is being checked.
pub struct FileView<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its tree; `None` for kinds without a grammar and for files that were refused (too deep).
    pub tree: Option<&'a Tree<'a>>,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
}
