//! The port map as a JSON document.

use serde::Serialize;

use super::Shown;
use crate::facts::port_registry::{Entry, Registry, Value};
use crate::port_map::{How, RegistryMap, Shared, Spot};
use crate::source::Place;

impl Shown<'_> {
    /// The map as JSON for programs.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let document = Document {
            version: 1,
            registries: self.map.registries.iter().map(|map| self.registry_row(map)).collect(),
            conflicts: self.map.conflicts.iter().map(|(number, entries)| self.conflict_row(*number, entries)).collect(),
            unregistered: self
                .map
                .missing
                .iter()
                .map(|(number, spots)| Unregistered { number: *number, uses: self.use_rows(spots) })
                .collect(),
            shared: self.map.shared.iter().map(|shared| self.shared_row(shared)).collect(),
        };
        serde_json::to_string_pretty(&document).map(|text| text + "\n")
    }

    fn conflict_row(&self, number: u32, entries: &[(&Registry, &Entry)]) -> Conflict {
        let named = |(registry, entry): &(&Registry, &Entry)| Named {
            registry: self.view.path(&registry.path),
            name: entry.name(),
        };
        Conflict { number, entries: entries.iter().map(named).collect() }
    }

    fn shared_row(&self, shared: &Shared<'_>) -> SharedRow {
        let Conflict { number, entries } = self.conflict_row(shared.number, &shared.entries);
        SharedRow { number, entries, uses: self.use_rows(&shared.spots) }
    }

    fn registry_row(&self, map: &RegistryMap<'_>) -> RegistryRow {
        let entries = map.entries.iter().map(|(entry, spots)| EntryRow {
            name: entry.name(),
            number: entry.port(),
            protocols: entry.endpoint.as_ref().map(|it| it.protocols.clone()).unwrap_or_default(),
            hosts: entry.endpoint.as_ref().map(|it| it.hosts.clone()).unwrap_or_default(),
            address: entry.endpoint.as_ref().and_then(|it| it.address.clone()),
            problem: match &entry.value {
                Value::NotPort(what) => Some(format!("{what} is not a valid port number")),
                Value::NotDecidable(why) => Some(format!("cannot be evaluated without running Nix: {why}")),
                Value::Port(_) | Value::Helper => None,
            },
            start: self.start(&map.registry.path, entry.name_span),
            uses: self.use_rows(spots),
        });
        RegistryRow {
            path: self.view.path(&map.registry.path),
            entries: entries.collect(),
            whole_uses: self.use_rows(&map.whole),
        }
    }

    fn use_rows(&self, spots: &[Spot<'_>]) -> Vec<UseRow> {
        let row = |spot: &Spot<'_>| UseRow {
            how: spot.how,
            path: self.view.path(spot.path),
            start: self.start(spot.path, spot.span),
            name: (!spot.name.is_empty()).then(|| spot.name.to_owned()),
        };
        spots.iter().map(row).collect()
    }
}

#[derive(Serialize)]
struct Document {
    version: u32,
    registries: Vec<RegistryRow>,
    conflicts: Vec<Conflict>,
    unregistered: Vec<Unregistered>,
    /// Numbers that several entries have, with the positions that may refer to any of them.
    shared: Vec<SharedRow>,
}

#[derive(Serialize)]
struct SharedRow {
    number: u32,
    entries: Vec<Named>,
    uses: Vec<UseRow>,
}

#[derive(Serialize)]
struct RegistryRow {
    path: String,
    entries: Vec<EntryRow>,
    whole_uses: Vec<UseRow>,
}

#[derive(Serialize)]
struct EntryRow {
    name: String,
    number: Option<u16>,
    protocols: Vec<String>,
    hosts: Vec<String>,
    address: Option<String>,
    problem: Option<String>,
    start: Option<Place>,
    uses: Vec<UseRow>,
}

#[derive(Serialize)]
struct UseRow {
    how: How,
    path: String,
    start: Option<Place>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Conflict {
    number: u32,
    entries: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    registry: String,
    name: String,
}

#[derive(Serialize)]
struct Unregistered {
    number: u32,
    uses: Vec<UseRow>,
}
