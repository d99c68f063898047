//! Plans entries for ports that are in no registry: their names, and the edits that add them to the registry.
//!
//! There is one plan for the whole repository, so every finding's fix contains the same edits to the registry, which
//! are applied once. Names are chosen for all ports at once, so that they do not depend on which entries are requested.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use super::layout::{Layout, NewEntry};
use super::naming::{self, Context, Missing, Proposal, Style};
use super::{Shape, import::attribute, shape};
use crate::facts::port_registry::{Registry, dotted};
use crate::finding::{Edit, RelPath, Span};
use crate::lang::Tree;
use crate::source::Source;

/// The entries to add to the registry, and the entry of each use.
#[derive(Debug)]
pub struct Plan {
    /// The registry's path.
    pub registry: RelPath,
    /// The shape of the registry, for the import.
    pub shape: Shape,
    /// The edits to the registry, which the fixes of all its uses share.
    pub edits: Arc<[Edit]>,
    /// The new entries.
    pub entries: Vec<NewEntry>,
    /// The entry of each use, by the file of the use and the offset of its number. A use that may belong to several
    /// services is left out.
    by_use: BTreeMap<(String, u32), usize>,
}

impl Plan {
    /// The planned entry for a use, if there is one.
    pub fn entry_of(&self, path: &str, span: Span) -> Option<&NewEntry> {
        self.by_use.get(&(path.to_owned(), span.start)).and_then(|&at| self.entries.get(at))
    }
}

/// The first line of a new registry.
const HEAD: &str = "# Every port of this repository, by name. Import this file instead of writing numbers.\n";

/// Whether a port should get an entry.
type IsWanted<'w> = &'w dyn Fn(&Missing<'_>) -> bool;

/// The ports that get entries.
pub struct Wanted<'w> {
    /// Whether a port should get an entry.
    pub is_wanted: IsWanted<'w>,
    /// The path of a port's entry, if it has been chosen already.
    pub chosen: &'w dyn Fn(&Missing<'_>) -> Option<Vec<String>>,
    /// Paths that are reserved for these numbers and for the ports for which they were chosen.
    pub reserved: &'w HashMap<Vec<String>, BTreeSet<u32>>,
}

impl<'w> Wanted<'w> {
    /// Wants the ports that satisfy `is_wanted`, none of which has a chosen path.
    pub fn new(is_wanted: IsWanted<'w>) -> Self {
        static NONE: LazyLock<HashMap<Vec<String>, BTreeSet<u32>>> = LazyLock::new(HashMap::new);
        Self { is_wanted, chosen: &|_| None, reserved: &NONE }
    }

    /// Whether a port with this number may get a path that has not been chosen for it.
    fn may_take(&self, path: &[String], number: u32) -> bool {
        self.reserved.get(path).is_none_or(|numbers| numbers.contains(&number))
    }
}

/// Plans a registry that does not exist yet.
pub fn create(path: &RelPath, missing: &[Missing<'_>], context: &Context<'_>, wanted: &Wanted<'_>) -> Plan {
    let ports = Ports { missing, wanted };
    let proposals = naming::propose(missing, context);
    let (entries, by_use) =
        placed(proposals, &ports, &BTreeSet::new(), Style::Camel, |group, name| vec![group.to_owned(), name]);
    let mut groups: BTreeMap<&str, BTreeMap<&str, &NewEntry>> = BTreeMap::new();
    for entry in &entries {
        if let [group, name] = entry.path.as_slice() {
            groups.entry(group).or_default().insert(name, entry);
        }
    }
    let mut text = format!("{HEAD}{{\n");
    for (at, (group, entries)) in groups.into_iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "\n" });
        text.push_str(&format!("  {} = {{\n", attribute(group)));
        for (name, entry) in entries {
            if let Some(comment) = &entry.comment {
                text.push_str(&format!("    # {comment}\n"));
            }
            text.push_str(&format!("    {} = {};\n", attribute(name), entry.number));
        }
        text.push_str("  };\n");
    }
    text.push_str("}\n");
    let edit = Edit { path: path.clone(), span: Span::default(), text };
    Plan { registry: path.clone(), shape: Shape::Set, edits: Arc::from([edit]), entries, by_use }
}

/// Plans additions to a registry. `None` if nothing can be added because of how the registry is written.
pub fn extend(
    source: &Source,
    tree: &Tree<'_>,
    registry: &Registry,
    missing: &[Missing<'_>],
    context: &Context<'_>,
    wanted: &Wanted<'_>,
) -> Option<Plan> {
    let ports = Ports { missing, wanted };
    let (shape, layout) = extensible(tree, registry)?;
    let taken = layout.paths();
    let style = Style::of(taken.iter().flatten().map(String::as_str));
    let proposals = naming::propose(missing, context);
    let (entries, by_use) = placed(proposals, &ports, &taken, style, |group, name| layout.place(group, &name));
    let edits = layout.additions(&entries);
    let edits = edits.into_iter().map(|(span, text)| Edit { path: source.path.clone(), span, text });
    Some(Plan { registry: source.path.clone(), shape, edits: edits.collect(), entries, by_use })
}

/// The shape and the layout of a registry, if entries can be added to it.
pub fn extensible<'t, 'a>(tree: &'t Tree<'a>, registry: &Registry) -> Option<(Shape, Layout<'t, 'a>)> {
    let shape = shape(registry, tree);
    if tree.broken() || matches!(shape, Shape::Closed(_)) {
        return None;
    }
    Some((shape, Layout::read(tree, &registry.shape.prefix)?))
}

/// The ports without an entry, and which of them should get one.
struct Ports<'p> {
    missing: &'p [Missing<'p>],
    wanted: &'p Wanted<'p>,
}

/// Assigns a free path to each proposal, and an entry to each use of a wanted proposal.
fn placed(
    proposals: Vec<Proposal>,
    Ports { missing, wanted }: &Ports<'_>,
    taken: &BTreeSet<Vec<String>>,
    style: Style,
    place: impl Fn(&str, String) -> Vec<String>,
) -> (Vec<NewEntry>, BTreeMap<(String, u32), usize>) {
    const OTHERS: [&str; 4] = ["alternate", "service", "other", "extra"];
    let mut taken = Taken::of(taken);
    let mut entries = Vec::new();
    let mut by_use = BTreeMap::new();
    let chosen = |proposal: &Proposal| proposal.uses.iter().find_map(|&index| (wanted.chosen)(missing.get(index)?));
    let mut proposals: Vec<_> = proposals.into_iter().map(|proposal| (chosen(&proposal), proposal)).collect();
    // Chosen names come first, so that no proposal takes them.
    proposals.sort_by_key(|(chosen, _)| chosen.is_none());
    for (chosen, proposal) in proposals {
        let is_chosen = chosen.is_some();
        let name = style.join(&proposal.name);
        let others = OTHERS.iter().map(|word| style.join(&[&*proposal.name, &[(*word).to_owned()]].concat()));
        let further = proposal.further.iter().map(|name| style.join(name)).chain(others);
        let proposed = std::iter::once(name).chain(further).map(|name| place(proposal.group, name));
        let proposed = proposed.filter(|path| wanted.may_take(path, proposal.number));
        let Some(path) = chosen.into_iter().chain(proposed).find(|path| taken.leaves(path)) else { continue };
        taken.add(&path);
        if !proposal.uses.iter().any(|&index| (wanted.is_wanted)(&missing[index])) {
            continue;
        }
        for &index in &proposal.uses {
            by_use.insert((missing[index].path.to_owned(), missing[index].span.start), entries.len());
        }
        let comment = (proposal.unnamed && !is_chosen).then(|| match proposal.uses.first() {
            Some(&index) => {
                // The words before `port8000` are the name of the service or of the file.
                let owner = proposal.name.iter().take_while(|word| **word != format!("port{}", proposal.number));
                let owner: Vec<&str> = owner.map(String::as_str).collect();
                let is_of_file = owner.iter().all(|word| missing[index].path.to_ascii_lowercase().contains(word));
                let of = if is_of_file { String::new() } else { format!(" of {}", owner.join(" ")) };
                format!("No name found: nothing in {} shows what this port{of} is for.", missing[index].path)
            }
            None => "No name found.".to_owned(),
        });
        entries.push(NewEntry { path, number: proposal.number, comment });
    }
    explain(&mut entries);
    (entries, by_use)
}

/// Adds a comment to each entry that has the same number as an earlier entry. The comment states that this is intended.
/// [`super::layout`] and [`create`] write the entries in the order of their paths, and `port-conflict` reports all but
/// the first. The names may belong to one service or to two, so the reason only states that the number is the same.
fn explain(entries: &mut [NewEntry]) {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[a].path.cmp(&entries[b].path));
    let mut first: BTreeMap<u32, String> = BTreeMap::new();
    for at in order {
        let entry = &mut entries[at];
        match first.get(&entry.number) {
            Some(other) => {
                let reason = format!("also the number of {other}");
                entry.comment = Some(format!("flakeward: allow(port-conflict) {reason}"));
            }
            None => {
                first.insert(entry.number, dotted(&entry.path));
            }
        }
    }
}

/// The paths that are not free for new entries.
struct Taken {
    entries: HashSet<Vec<String>>,
    /// All prefixes of the paths of entries.
    groups: HashSet<Vec<String>>,
}

impl Taken {
    fn of(paths: &BTreeSet<Vec<String>>) -> Self {
        let mut taken = Self { entries: HashSet::new(), groups: HashSet::new() };
        paths.iter().for_each(|path| taken.add(path));
        taken
    }

    fn add(&mut self, path: &[String]) {
        self.groups.extend((0..path.len()).map(|end| path[..end].to_vec()));
        self.entries.insert(path.to_vec());
    }

    /// Whether a path is free: it is not an entry or a group, and not below an entry.
    fn leaves(&self, path: &[String]) -> bool {
        !self.groups.contains(path) && !(0..=path.len()).any(|end| self.entries.contains(&path[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortSettings;
    use crate::facts::port_registry::evaluate;
    use crate::lang::Language;
    use crate::source::FileKind;

    const USES: [(u32, &str, &str); 9] = [
        (6379, "services.redis.servers.main.port", "modules/cache.nix"),
        (6379, "networking.firewall.allowedTCPPorts", "hosts/a/default.nix"),
        (3000, "services.grafana.settings.server.http_port", "modules/grafana.nix"),
        (9101, "services.grafana.metricsPort", "modules/grafana.nix"),
        (443, "networking.firewall.allowedTCPPorts", "hosts/a/default.nix"),
        (8123, "ports", "modules/home-assistant.nix"),
        (7000, "ports", "docker-compose.yml"),
        (8096, "services.jellyfin.port", "x.nix"),
        (8097, "services.jellyfin.port", "y.nix"),
    ];

    fn missing() -> Vec<Missing<'static>> {
        let uses = USES.iter().enumerate();
        uses.map(|(at, &(number, name, path))| Missing { number, name, path, text: "", span: Span::new(at, at) })
            .collect()
    }

    #[test]
    fn a_new_registry_has_groups_and_names_from_the_uses() {
        let plan = create(&"lib/ports.nix".into(), &missing(), &Context::of(&missing()), &Wanted::new(&|_| true));
        assert_eq!(
            plan.edits[0].text.strip_prefix(HEAD).unwrap(),
            "{\n  databases = {\n    redis = 6379;\n  };\n\n  home = {\n    homeAssistant = 8123;\n  };\n\n  infrastructure = {\n    \
             https = 443;\n  };\n\n  media = {\n    jellyfin = 8096;\n    jellyfinAlternate = 8097;\n  };\n\n  monitoring = {\n    grafana = \
             3000;\n    grafanaMetrics = 9101;\n  };\n\n  unnamed = {\n    # No name found: nothing in docker-compose.yml shows what \
             this port is for.\n    port7000Tcp = 7000;\n  };\n}\n"
        );
        assert_eq!(plan.entry_of("modules/cache.nix", Span::new(0, 0)).unwrap().path, ["databases", "redis"]);
    }

    fn extended(text: &str, uses: &[(u32, &str)]) -> String {
        let source = Source::new("lib/ports.nix", FileKind::Nix, text);
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let missing: Vec<Missing<'_>> = uses
            .iter()
            .map(|&(number, name)| Missing { number, name, path: "flake.nix", text: "", span: Span::default() })
            .collect();
        let registry = evaluate(&source.path, &tree, &PortSettings::default()).unwrap();
        let plan =
            extend(&source, &tree, &registry, &missing, &Context::of(&missing), &Wanted::new(&|_| true)).unwrap();
        let mut out = text.to_owned();
        for edit in plan.edits.iter().rev() {
            out.replace_range(edit.span.range(), &edit.text);
        }
        assert!(!Tree::parse(Language::Nix, &out).unwrap().broken(), "{out}");
        out
    }

    #[test]
    fn additions_match_the_style_of_the_registry() {
        let redis = (6379, "services.redis.port");
        let (mysql, app) = ((3306, "services.mysql.port"), (8000, "services.app.port"));
        type Case<'a> = (&'a str, &'a str, &'a [(u32, &'a str)], &'a str);
        let cases: &[Case<'_>] = &[
            ("flat", "{\n  nginx = 80;\n}\n", &[redis], "{\n  nginx = 80;\n  redis = 6379;\n}\n"),
            (
                "sorted by name",
                "{\n  db = {\n    # first\n    a = 9;\n    # last\n    z = 1;\n  };\n}\n",
                &[redis, mysql],
                "{\n  db = {\n    # first\n    a = 9;\n    mysql = 3306;\n    redis = 6379;\n    # last\n    z = 1;\n  };\n}\n",
            ),
            (
                "sorted by number",
                "{\n  db = {\n    z = 1; # one\n    a = 5000;\n    b = 9000;\n  };\n}\n",
                &[redis, mysql],
                "{\n  db = {\n    z = 1; # one\n    mysql = 3306;\n    a = 5000;\n    redis = 6379;\n    b = 9000;\n  };\n}\n",
            ),
            (
                "not sorted",
                "rec {\n\tdatabases = {\n\t\tz = 9;\n\t\ta = 7;\n\t\tb = 8; # x\n\t};\n}\n",
                &[redis],
                "rec {\n\tdatabases = {\n\t\tz = 9;\n\t\ta = 7;\n\t\tb = 8; # x\n\t\tredis = 6379;\n\t};\n}\n",
            ),
            (
                "a new group",
                "{ lib }:\nlet\n  x = 1;\nin\n{\n  apps = {\n    a = x;\n    b = 2;\n  };\n}\n",
                &[redis, app],
                "{ lib }:\nlet\n  x = 1;\nin\n{\n  apps = {\n    a = x;\n    app = 8000;\n    b = 2;\n  };\n\n  databases = {\n    redis = 6379;\n  };\n}\n",
            ),
            (
                "one line",
                "{ web = { a = 1; }; }",
                &[redis, app],
                "{ databases = { redis = 6379; }; services = { app = 8000; }; web = { a = 1; }; }",
            ),
            (
                "dotted",
                "{\n  databases.postgres = 5432;\n  web.nginx = 80;\n}\n",
                &[redis],
                "{\n  databases.postgres = 5432;\n  databases.redis = 6379;\n  web.nginx = 80;\n}\n",
            ),
            ("empty", "{ }\n", &[redis], "{\n  databases = {\n    redis = 6379;\n  };\n}\n"),
            (
                "below ports",
                "{\n  ports = {\n    web = 80;\n  };\n}\n",
                &[redis],
                "{\n  ports = {\n    redis = 6379;\n    web = 80;\n  };\n}\n",
            ),
        ];
        for (name, before, uses, after) in cases {
            assert_eq!(extended(before, uses), *after, "{name}");
        }
    }
}
