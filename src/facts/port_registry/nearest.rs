//! The entry that a mistyped name was probably meant as.

use std::cell::Cell;
use std::collections::HashMap;

use super::{Entry, Registry};
use crate::suggest;

/// The names of a registry's ports.
#[derive(Debug)]
pub struct Names<'r> {
    all: Vec<(String, &'r Entry)>,
    /// By their last words in lower case; nothing where several end in the same.
    by_last: HashMap<String, Option<&'r Entry>>,
    /// How many bytes the names are together.
    bytes: u64,
    /// How many pairs of bytes may still be compared.
    left: Cell<u64>,
}

/// How many pairs of bytes are compared at most for the suggestions of a run; then there are no more of them.
const PAIRS: u64 = 20_000_000;

impl<'r> Names<'r> {
    /// Those of a registry.
    pub fn of(registry: &'r Registry) -> Self {
        let all: Vec<_> = registry.ports().map(|(entry, _)| (entry.name(), entry)).collect();
        let mut by_last = HashMap::new();
        for (name, entry) in &all {
            by_last.entry(last_word(name)).and_modify(|known| *known = None).or_insert(Some(*entry));
        }
        let bytes = all.iter().map(|(name, _)| name.len() as u64).sum();
        Self { all, by_last, bytes, left: Cell::new(PAIRS) }
    }

    /// The entry nearest to a name. The same last word in another group is nearer than a similar name in the same one.
    pub fn nearest(&self, name: &str) -> Option<&'r Entry> {
        let sibling = self.by_last.get(&last_word(name)).copied().flatten();
        sibling.or_else(|| {
            self.left.set(self.left.get().checked_sub(self.bytes.saturating_mul(name.len() as u64))?);
            let near = suggest::nearest(name, self.all.iter().map(|(known, _)| known.as_str()))?;
            self.all.iter().find(|(known, _)| known == near).map(|(_, entry)| *entry)
        })
    }
}

fn last_word(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase()
}
