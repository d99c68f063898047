//! The entries of a registry by path, so that references to a large registry are resolved quickly.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::{Entry, Lookup, Value};

/// Indices of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// Sorted by path; entries with the same path in file order.
    sorted: Vec<u32>,
    /// The first entry of each path with a known value, by the hash of the path. If paths have the same hash, only one
    /// of them is included.
    known: HashMap<u64, u32>,
}

impl Index {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut sorted: Vec<u32> = (0..entries.len() as u32).collect();
        sorted.sort_by(|&a, &b| entries[a as usize].path.cmp(&entries[b as usize].path));
        let mut known = HashMap::with_capacity(entries.len());
        for (entry, place) in entries.iter().zip(0..).filter(|(entry, _)| !is_undecidable(entry)) {
            known.entry(hash(&entry.path)).or_insert(place);
        }
        Self { sorted, known }
    }

    /// The entry or group at a path.
    pub(super) fn lookup<'r>(&'r self, entries: &'r [Entry], path: &[impl AsRef<str>]) -> Lookup<'r> {
        let known = self.known.get(&hash(path)).map(|&place| &entries[place as usize]);
        let is_at_path = |entry: &&Entry| entry.path.iter().map(String::as_str).eq(path.iter().map(AsRef::as_ref));
        if let Some(entry) = known.filter(is_at_path) {
            return Lookup::Entry(entry);
        }
        // The entry of an undecidable group represents everything in it.
        for entry in self.from(entries, path) {
            match entry.path.len() == path.len() {
                true if is_undecidable(entry) => {}
                true => return Lookup::Entry(entry),
                false => return Lookup::Group,
            }
        }
        let mut known = 0;
        for length in 0..=path.len() {
            let mut found = self.from(entries, &path[..length]).peekable();
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

    /// The same entries as [`Self::below`], for searches that rarely need more than the first one.
    fn from<'r, 'p, S: AsRef<str>>(
        &'r self,
        entries: &'r [Entry],
        path: &'p [S],
    ) -> impl Iterator<Item = &'r Entry> + use<'r, 'p, S> {
        let order = move |place: &u32| order(&entries[*place as usize].path, path);
        // Every path starts with the empty path.
        let first = if path.is_empty() { 0 } else { self.sorted.partition_point(|place| order(place).is_lt()) };
        let below = self.sorted[first..].iter().take_while(move |place| order(place).is_eq());
        below.map(|&place| &entries[place as usize])
    }

    /// The entries whose paths start with a path, sorted by path.
    pub(super) fn below<'r, S: AsRef<str>>(
        &'r self,
        entries: &'r [Entry],
        path: &[S],
    ) -> impl Iterator<Item = &'r Entry> + use<'r, S> {
        let head = |place: &u32| order(&entries[*place as usize].path, path);
        let from = self.sorted.partition_point(|place| head(place).is_lt());
        // Usually there is only one entry, so its successors are compared first, at growing distances.
        let rest = &self.sorted[from..];
        let mut most = 1;
        while rest.get(most - 1).is_some_and(|place| head(place).is_eq()) {
            most *= 2;
        }
        let count = rest[..most.min(rest.len())].partition_point(|place| head(place).is_eq());
        rest[..count].iter().map(|&place| &entries[place as usize])
    }
}

/// Compares the beginning of an entry's path with a path.
fn order(names: &[String], path: &[impl AsRef<str>]) -> Ordering {
    let mut pairs = names.iter().zip(path).map(|(name, wanted)| name.as_str().cmp(wanted.as_ref()));
    let shorter = if names.len() < path.len() { Ordering::Less } else { Ordering::Equal };
    pairs.find(|order| order.is_ne()).unwrap_or(shorter)
}

fn is_undecidable(entry: &Entry) -> bool {
    matches!(entry.value, Value::NotDecidable(_))
}

fn hash(path: &[impl AsRef<str>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in path {
        hasher.write(name.as_ref().as_bytes());
        // No name contains this byte.
        hasher.write_u8(0xff);
    }
    hasher.finish()
}
