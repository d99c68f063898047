//! The entries of a registry sorted by path, so that references to a large registry are resolved quickly.

use std::cmp::Ordering;

use super::{Entry, Lookup, Value};

/// Indices of entries, sorted by path; entries with the same path in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index(Vec<u32>);

impl Index {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut order: Vec<u32> = (0..entries.len() as u32).collect();
        order.sort_by(|&a, &b| entries[a as usize].path.cmp(&entries[b as usize].path));
        Self(order)
    }

    /// The entry or group at a path.
    pub(super) fn lookup<'r>(&'r self, entries: &'r [Entry], path: &[impl AsRef<str>]) -> Lookup<'r> {
        // The entry of an undecidable group represents everything in it.
        let is_undecidable = |entry: &Entry| matches!(entry.value, Value::NotDecidable(_));
        for entry in self.below(entries, path) {
            match entry.path.len() == path.len() {
                true if is_undecidable(entry) => {}
                true => return Lookup::Entry(entry),
                false => return Lookup::Group,
            }
        }
        let mut known = 0;
        for length in 0..=path.len() {
            let mut found = self.below(entries, &path[..length]).peekable();
            if found.peek().is_none() {
                break;
            }
            known = length;
            if found.take_while(|entry| entry.path.len() == length).any(is_undecidable) {
                return Lookup::NotDecidable;
            }
        }
        Lookup::Missing(known)
    }

    /// The entries whose paths start with a path, sorted by path.
    pub(super) fn below<'r, S: AsRef<str>>(
        &'r self,
        entries: &'r [Entry],
        path: &[S],
    ) -> impl Iterator<Item = &'r Entry> + use<'r, S> {
        let head = |place: &u32| {
            let names = &entries[*place as usize].path;
            let mut pairs = names.iter().zip(path).map(|(name, wanted)| name.as_str().cmp(wanted.as_ref()));
            let shorter = if names.len() < path.len() { Ordering::Less } else { Ordering::Equal };
            pairs.find(|order| order.is_ne()).unwrap_or(shorter)
        };
        let from = self.0.partition_point(|place| head(place).is_lt());
        let count = self.0[from..].partition_point(|place| head(place).is_eq());
        self.0[from..from + count].iter().map(|&place| &entries[place as usize])
    }
}
