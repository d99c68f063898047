//! Ports that no registry has yet: what they would be called, and the edits that write them into the registry.
//!
//! The plan is one for the whole repository, so that every finding's fix holds the same edits of the registry and they
//! are made once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::layout::Layout;
use super::naming::{self, Missing};
use super::{Shape, import::attribute, shape};
use crate::facts::port_registry::Registry;
use crate::finding::{Edit, RelPath, Span};
use crate::lang::Tree;
use crate::source::Source;

/// What to add to the registry, and where the missing ports are then found.
#[derive(Debug)]
pub struct Plan {
    /// The registry's path.
    pub registry: RelPath,
    /// How it is imported.
    pub shape: Shape,
    /// The edits of the registry.
    pub edits: Vec<Edit>,
    /// The new entries by number.
    pub entries: BTreeMap<u32, Vec<String>>,
}

/// The first lines of a new registry.
const HEAD: &str =
    "# The port registry: every port of this repository, defined once. Other files import their ports from here.\n";

/// Plans a registry that does not exist yet.
pub fn create(path: &RelPath, missing: &[Missing<'_>]) -> Plan {
    let named = names(missing, &BTreeSet::new(), |group, name| vec![group.to_owned(), name]);
    let mut groups: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for (number, entry) in &named {
        if let [group, name] = entry.as_slice() {
            groups.entry(group).or_default().insert(name, *number);
        }
    }
    let mut text = format!("{HEAD}{{\n");
    for (group, entries) in groups {
        text.push_str(&format!("  {group} = {{\n"));
        for (name, number) in entries {
            text.push_str(&format!("    {} = {number};\n", attribute(name)));
        }
        text.push_str("  };\n");
    }
    text.push_str("}\n");
    let edit = Edit { path: path.clone(), span: Span::default(), text };
    Plan { registry: path.clone(), shape: Shape::Set, edits: vec![edit], entries: named }
}

/// Plans additions to a registry. `None` where it is written in a way that nothing can be added to.
pub fn extend(source: &Source, tree: &Tree<'_>, registry: &Registry, missing: &[Missing<'_>]) -> Option<Plan> {
    let shape = shape(registry, tree);
    if tree.broken() || matches!(shape, Shape::Closed(_)) {
        return None;
    }
    let layout = Layout::read(tree, &registry.shape.prefix)?;
    let taken = layout.paths();
    let entries = names(missing, &taken, |group, name| layout.place(group, &name));
    let edits = layout.additions(&entries);
    let edits = edits.into_iter().map(|(span, text)| Edit { path: source.path.clone(), span, text });
    Some(Plan { registry: source.path.clone(), shape, edits: edits.collect(), entries })
}

/// One name for each number, from the place that says most about it, in a place that is still free.
fn names(
    missing: &[Missing<'_>],
    taken: &BTreeSet<Vec<String>>,
    place: impl Fn(&str, String) -> Vec<String>,
) -> BTreeMap<u32, Vec<String>> {
    let mut best: BTreeMap<u32, (naming::Worth, Vec<String>)> = BTreeMap::new();
    for port in missing {
        let found = naming::names(port);
        match best.get(&port.number) {
            Some(known) if known.0 <= found.0 => {}
            _ => {
                best.insert(port.number, found);
            }
        }
    }
    let mut taken = taken.clone();
    let mut named = BTreeMap::new();
    for (number, name) in apart(best.into_iter().map(|(number, (_, names))| (number, names)).collect()) {
        let group = naming::group(&name);
        let numbered = std::iter::once(name.clone()).chain((2..).map(|count| format!("{name}-{count}")));
        let free = numbered.map(|name| place(group, name)).find(|entry| is_free(entry, &taken));
        if let Some(entry) = free {
            taken.insert(entry.clone());
            named.insert(number, entry);
        }
    }
    named
}

/// Gives each number one of its names: the first, unless others want it too and a further one is the number's alone.
fn apart(names: BTreeMap<u32, Vec<String>>) -> BTreeMap<u32, String> {
    let mut chosen: BTreeMap<u32, usize> = names.keys().map(|number| (*number, 0)).collect();
    let count = |chosen: &BTreeMap<u32, usize>| {
        let mut wanted: HashMap<&str, usize> = HashMap::new();
        chosen.iter().for_each(|(number, &at)| *wanted.entry(&names[number][at]).or_default() += 1);
        wanted
    };
    for _ in 1..names.values().map(Vec::len).max().unwrap_or(0) {
        let wanted = count(&chosen);
        for (number, at) in &mut chosen {
            let names = &names[number];
            let contested = wanted.get(&*names[*at]).is_some_and(|count| *count > 1);
            *at += usize::from(contested && *at + 1 < names.len());
        }
    }
    let wanted = count(&chosen);
    let name = |(number, at): (&u32, &usize)| {
        let names = &names[number];
        let alone = wanted.get(&*names[*at]) == Some(&1);
        (*number, names[if alone { *at } else { 0 }].clone())
    };
    chosen.iter().map(name).collect()
}

/// Whether an entry is neither there, nor a group, nor below another entry.
fn is_free(entry: &[String], taken: &BTreeSet<Vec<String>>) -> bool {
    !taken.iter().any(|known| known.starts_with(entry) || entry.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortSettings;
    use crate::facts::port_registry::evaluate;
    use crate::lang::Language;
    use crate::source::Kind;

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
        USES.iter().map(|&(number, name, path)| Missing { number, name, path }).collect()
    }

    #[test]
    fn a_new_registry_has_groups_and_names_from_the_places_of_use() {
        let plan = create(&"lib/ports.nix".into(), &missing());
        assert_eq!(
            plan.edits[0].text.strip_prefix(HEAD).unwrap(),
            "{\n  databases = {\n    redis = 6379;\n  };\n  monitoring = {\n    grafana = 3000;\n    grafana-metrics = 9101;\n  \
             };\n  services = {\n    home-assistant = 8123;\n    jellyfin = 8096;\n    jellyfin-2 = 8097;\n    port-7000 = \
             7000;\n  };\n  web = {\n    https = 443;\n  };\n}\n"
        );
        assert_eq!(plan.entries[&6379], ["databases", "redis"]);
    }

    fn extended(text: &str, uses: &[(u32, &str)]) -> String {
        let source = Source::new("lib/ports.nix", Kind::Nix, text);
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let missing: Vec<Missing<'_>> =
            uses.iter().map(|&(number, name)| Missing { number, name, path: "flake.nix" }).collect();
        let registry = evaluate(&source.path, &tree, &PortSettings::default()).unwrap();
        let plan = extend(&source, &tree, &registry, &missing).unwrap();
        let mut out = text.to_owned();
        for edit in plan.edits.iter().rev() {
            out.replace_range(edit.span.range(), &edit.text);
        }
        assert!(!Tree::parse(Language::Nix, &out).unwrap().broken(), "{out}");
        out
    }

    #[test]
    fn additions_follow_the_registry_as_it_is_written() {
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
                "{ lib }:\nlet\n  x = 1;\nin\n{\n  apps = {\n    a = x;\n    app = 8000;\n    b = 2;\n  };\n  databases = {\n    redis = 6379;\n  };\n}\n",
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
