//! Cycles of services that depend on each other. Neither Compose nor process-compose starts them.

use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use crate::migrate::Error;
use crate::migrate::compose::yaml::{self, Key, Node};

/// The maximum number of dependencies that are searched for one service.
const MOST_DEPENDENCIES: usize = 100;

impl Stack<'_> {
    /// Whether a service is another one or depends on it, directly or not. A service with very many dependencies may
    /// depend on every other one.
    pub fn depends(&self, service: &str, on: &str) -> bool {
        let mut names = vec![service];
        let mut known: BTreeSet<&str> = BTreeSet::new();
        while let Some(name) = names.pop() {
            if known.len() >= MOST_DEPENDENCIES {
                return true;
            }
            if known.insert(name) {
                let depends = self.by_name(name).and_then(|service| service.get("depends_on"));
                names.extend(depends.map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.as_str()));
            }
        }
        known.contains(on)
    }

    /// Rejects a project whose `depends_on` has a cycle.
    pub(super) fn refuse_cycles(&self) -> Result<(), Error> {
        let mut depends: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
        for service in &self.services {
            let names = service.get("depends_on").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key);
            depends.insert(service.name, names.collect());
        }
        // Searches depth-first, without recursion. A service is done once everything that it depends on is done.
        // Services on the current path are known, but not done.
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
