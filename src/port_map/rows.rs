//! The port map as rows: each port with the hosts that listen on it and those that connect to it.

use std::collections::HashMap;

use super::{How, PortMap, Spot};
use crate::facts::Project;
use crate::facts::ports::PortFacts;
use crate::paths;
use crate::source::{LineIndex, Source};

/// A port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRow {
    /// Its number.
    pub number: u32,
    /// Its name in a registry.
    pub name: Option<String>,
    /// Whether the number is in a conflict between entries.
    pub conflict: bool,
    /// Its uses.
    pub uses: Vec<Use>,
}

/// A use of a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The machine that the file configures, or the folder of the file.
    pub host: String,
    /// What the use does with the port.
    pub role: Role,
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// Whether the number is a literal there.
    pub hardcoded: bool,
}

/// What a use does with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Something listens on it.
    Listens,
    /// Something connects to it.
    Connects,
    /// The line does not show what is done with it.
    Uses,
}

impl PortRow {
    /// The states of the port, as shown in the map.
    pub fn states(&self) -> Vec<&'static str> {
        let states = [
            (self.conflict, "conflict"),
            (self.name.is_none(), "not registered"),
            (self.name.is_some() && self.uses.iter().any(|used| used.hardcoded), "hardcoded"),
            (self.uses.is_empty(), "unused"),
        ];
        states.iter().filter(|(holds, _)| *holds).map(|(_, state)| *state).collect()
    }
}

/// The rows of a map, by number.
pub fn rows(map: &PortMap<'_>, project: &Project) -> Vec<PortRow> {
    let files = Files::new(project);
    let mut rows = Vec::new();
    for registry in &map.registries {
        for (entry, spots) in &registry.entries {
            let Some(number) = entry.port() else { continue };
            let number = u32::from(number);
            let conflict = map.conflicts.iter().any(|(other, _)| *other == number);
            rows.push(PortRow { number, name: Some(entry.name()), conflict, uses: files.uses(spots) });
        }
    }
    for shared in &map.shared {
        let conflict = map.conflicts.iter().any(|(other, _)| *other == shared.number);
        rows.push(PortRow {
            number: shared.number,
            name: Some(shared.names()),
            conflict,
            uses: files.uses(&shared.spots),
        });
    }
    for (number, spots) in &map.missing {
        rows.push(PortRow { number: *number, name: None, conflict: false, uses: files.uses(spots) });
    }
    rows.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    rows
}

/// The files of a project, each with its lines and the machine that it configures.
struct Files<'p>(HashMap<&'p str, (&'p Source, LineIndex, Option<&'p str>)>);

impl<'p> Files<'p> {
    fn new(project: &'p Project) -> Self {
        let file = |file: &'p crate::facts::ProjectFile| {
            let machine = match file.fact::<PortFacts>().map(|facts| facts.machines.as_slice()) {
                Some([one]) => Some(one.as_str()),
                _ => None,
            };
            (&*file.source.path, (&*file.source, LineIndex::new(&file.source.text), machine))
        };
        Self(project.files.iter().map(file).collect())
    }

    fn uses(&self, spots: &[Spot<'_>]) -> Vec<Use> {
        let used = spots.iter().filter_map(|spot| {
            let (source, index, machine) = self.0.get(&**spot.path)?;
            let line = index.line(spot.span.start);
            let text = source.slice(index.span(&source.text, line));
            Some(Use {
                host: machine.map_or_else(|| host(spot.path), str::to_owned),
                role: role(&format!("{} {text}", spot.name)),
                path: spot.path.to_string(),
                line: line + 1,
                hardcoded: spot.how == How::Literal,
            })
        });
        let mut uses: Vec<Use> = used.collect();
        uses.sort();
        uses.dedup();
        uses
    }
}

/// Folders that contain one folder per machine.
const OF_MACHINES: [&str; 5] = ["hosts", "machines", "nodes", "systems", "nixos"];

/// The machine that a path names, or else its folder. For a file in the root, the path itself.
fn host(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let named = parts.windows(2).find(|pair| OF_MACHINES.contains(&pair[0]));
    match named {
        Some(pair) => pair[1].trim_end_matches(".nix").to_owned(),
        None if parts.len() > 1 => paths::folder(path).to_owned(),
        None => path.to_owned(),
    }
}

/// Whether something listens on a port or connects to it, judging by its line and the names around it. Words such as
/// `listen` outweigh those such as `url`. Without either, `port` means that something listens.
fn role(text: &str) -> Role {
    const LISTENS: [&str; 5] = ["listen", "bind", "expose", "allowedtcpports", "allowedudpports"];
    const CONNECTS: [&str; 13] = [
        "://",
        "proxypass",
        "proxy_pass",
        "upstream",
        "url",
        "uri",
        "dsn",
        "endpoint",
        "connect",
        "target",
        "remote",
        "curl",
        "client",
    ];
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&LISTENS) {
        Role::Listens
    } else if says(&CONNECTS) {
        Role::Connects
    } else if text.contains("port") {
        Role::Listens
    } else {
        Role::Uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_how_a_port_is_used() {
        for (text, expected) in [
            ("services.redis.port = 6379;", Role::Listens),
            ("listenAddress = \"127.0.0.1:9000\";", Role::Listens),
            ("networking.firewall.allowedTCPPorts = [ ports.web ];", Role::Listens),
            ("proxyPass = \"http://127.0.0.1:${toString ports.web}\";", Role::Connects),
            ("DATABASE_URL: postgres://db:5432/x", Role::Connects),
            ("  web = x.web;", Role::Uses),
        ] {
            assert_eq!(role(text), expected, "{text}");
        }
    }

    #[test]
    fn a_path_names_a_machine_or_its_folder() {
        for (path, expected) in [
            ("hosts/web/default.nix", "web"),
            ("a/machines/db.nix", "db"),
            ("modules/x.nix", "modules"),
            ("flake.nix", "flake.nix"),
        ] {
            assert_eq!(host(path), expected);
        }
    }
}
