//! Suggests the entry that a mistyped name probably means.

use std::cell::Cell;
use std::collections::HashMap;

use super::{Entry, Registry};
use crate::knowledge::service_ports::is_service;
use crate::suggest;

/// The names of a registry's ports.
#[derive(Debug)]
pub struct Names<'r> {
    all: Vec<(String, &'r Entry)>,
    /// The entries by the last component of their name, in lower case; `None` if several names end in it.
    by_last: HashMap<String, Option<&'r Entry>>,
    /// The total size of the names in bytes.
    bytes: u64,
    /// The number of byte pairs that may still be compared.
    left: Cell<u64>,
}

/// The maximum number of byte pairs compared for the suggestions from a registry. After that, nothing is suggested.
const PAIRS: u64 = 20_000_000;

impl<'r> Names<'r> {
    /// The names of a registry.
    pub fn of(registry: &'r Registry) -> Self {
        let all: Vec<_> = registry.ports().map(|(entry, _)| (entry.name(), entry)).collect();
        let mut by_last = HashMap::new();
        for (name, entry) in &all {
            by_last.entry(last_word(name)).and_modify(|known| *known = None).or_insert(Some(*entry));
        }
        let bytes = all.iter().map(|(name, _)| name.len() as u64).sum();
        Self { all, by_last, bytes, left: Cell::new(PAIRS) }
    }

    /// The entry nearest to a name. The same last component in another group is nearer than a similar name in the same
    /// group.
    pub fn nearest(&self, name: &str) -> Option<&'r Entry> {
        let sibling = self.by_last.get(&last_word(name)).copied().flatten();
        sibling.or_else(|| {
            self.left.set(self.left.get().checked_sub(self.bytes.saturating_mul(name.len() as u64))?);
            let near = suggest::nearest(name, self.all.iter().map(|(known, _)| known.as_str()))?;
            self.all.iter().find(|(known, _)| known == near).map(|(_, entry)| *entry)
        })
    }
}

/// Whether a name is almost certainly a typo of another one: one letter is missing, added, changed or swapped in a name
/// that is long enough, or only case, `-` and `_` differ.
pub fn is_slip(name: &str, meant: &str) -> bool {
    const SHORTEST: usize = 4;
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
    let last = |name: &str| plain(name.rsplit('.').next().unwrap_or(name));
    if plain(name) == plain(meant) {
        return true;
    }
    // `mysql` is not a typo of `mssql`.
    if is_service(&last(name)) && last(name) != last(meant) {
        return false;
    }
    let long = last(name).len().min(last(meant).len()) >= SHORTEST;
    // `web1` is not a typo of `web2`, and `api` is not a typo of `apis`.
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_plural = || name.strip_suffix('s') == Some(meant) || meant.strip_suffix('s') == Some(name);
    long && digits(name) == digits(meant) && !is_plural() && strsim::damerau_levenshtein(name, meant) == 1
}

fn last_word(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_distinguished_from_other_names() {
        for (name, meant, expected) in [
            ("databases.redsi", "databases.redis", true),
            ("databases.node-exporter", "databases.nodeExporter", true),
            ("database.redis", "databases.redis", true),
            ("services.web1", "services.web2", false),
            ("services.app", "services.api", false),
            ("services.hooks", "services.hook", false),
            ("databases.mysql", "databases.mssql", false),
            ("cache.redis", "databases.redis", false),
        ] {
            assert_eq!(is_slip(name, meant), expected, "{name}");
        }
    }
}
