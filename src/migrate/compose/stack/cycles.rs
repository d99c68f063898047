//! Cycles of services that depend on each other. Neither Compose nor process-compose starts them.

use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use crate::migrate::Error;
use crate::migrate::compose::yaml::{self, Key, Node};

impl Stack<'_> {
    /// For each service, by index, the services in `wanted` that its process can wait for without a cycle, in addition
    /// to those that its settings name. Of services that would wait for each other, only the first one waits.
    pub fn without_cycles(&self, wanted: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
        let mut dependents = self.dependents();
        let mut accepted = Vec::new();
        for (index, wanted) in wanted.iter().enumerate() {
            let before = if wanted.is_empty() { BTreeSet::new() } else { reachable(&dependents, index) };
            let new: BTreeSet<usize> = wanted.difference(&before).copied().collect();
            for other in &new {
                if let Some(dependents) = dependents.get_mut(*other) {
                    dependents.insert(index);
                }
            }
            accepted.push(new);
        }
        accepted
    }

    /// The indices of the services whose processes wait for each service because of its settings.
    fn dependents(&self) -> Vec<BTreeSet<usize>> {
        let carried = self.services.iter().enumerate().filter(|(_, service)| service.is_carried());
        let indices: BTreeMap<&str, usize> = carried.clone().map(|(index, service)| (service.name, index)).collect();
        let mut dependents = vec![BTreeSet::new(); self.services.len()];
        for (index, service) in carried {
            for other in service.awaited().filter_map(|name| indices.get(name)) {
                if let Some(dependents) = dependents.get_mut(*other) {
                    dependents.insert(index);
                }
            }
        }
        dependents
    }

    /// Rejects a project whose `depends_on` has a cycle.
    pub(super) fn refuse_cycles(&self) -> Result<(), Error> {
        let mut depends: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
        for service in &self.services {
            let names = service.get("depends_on").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key);
            depends.insert(service.name, names.collect());
        }
        // Searches depth-first, without recursion. A service is done once everything that it depends on is done.
        // Services on the current path have the value `false`.
        let mut done: BTreeMap<&str, bool> = BTreeMap::new();
        for service in &self.services {
            let mut path: Vec<(&str, usize)> = vec![(service.name, 0)];
            while let Some((name, next)) = path.last().copied() {
                if done.get(name) == Some(&true) {
                    path.pop();
                    continue;
                }
                done.insert(name, false);
                let Some(key) = depends.get(name).and_then(|keys| keys.get(next)) else {
                    done.insert(name, true);
                    path.pop();
                    continue;
                };
                if done.get(key.name.as_str()) == Some(&false) {
                    let start = path.iter().position(|(known, _)| *known == key.name).unwrap_or_default();
                    let mut names: Vec<&str> = path[start..].iter().map(|(name, _)| *name).collect();
                    names.push(&key.name);
                    let message = format!("the services depend on each other in a cycle: {}", names.join(" -> "));
                    return Err(yaml::error_at(&key.place, message).help("remove one of these dependencies"));
                }
                if let Some(last) = path.last_mut() {
                    last.1 += 1;
                }
                path.push((&key.name, 0));
            }
        }
        Ok(())
    }
}

/// The indices that can be reached from `from`, including `from` itself.
fn reachable(edges: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut known = BTreeSet::new();
    let mut rest = vec![from];
    while let Some(index) = rest.pop() {
        if known.insert(index) {
            rest.extend(edges.get(index).into_iter().flatten());
        }
    }
    known
}
