//! A free port number for a new entry: near its group, and not used by anything else.

use std::collections::BTreeSet;

use crate::facts::Project;
use crate::facts::port_registry::{Registries, Registry, RegistryFacts, dotted, split};
use crate::facts::ports::PortFacts;
use crate::knowledge::well_known_ports::EPHEMERAL;
use crate::knowledge::well_known_ports::FAMOUS;
use crate::suggest::nearest;

/// The first port that users other than root may listen on.
const FIRST: u16 = 1024;

/// The start of the search if there are no other entries.
const START: u16 = 20000;

/// Why no number can be proposed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No registry has this group. Contains the most similar name, if there is one.
    NoGroup(Option<String>),
    /// The name is that of an entry, not of a group. Contains the group of the entry, if it has one.
    Entry(Option<String>),
    /// Every number is taken.
    Full,
}

/// A free number near the other numbers of a group, or near all entries if no group is given.
pub fn free(project: &Project, registries: &Registries<'_>, group: Option<&str>) -> Result<u16, Refusal> {
    let numbers = several(project, registries, group, 1)?;
    numbers.first().copied().ok_or(Refusal::Full)
}

/// The free numbers that are nearest to those of a group, or to all entries if no group is given. At most `count` of
/// them.
pub fn several(
    project: &Project,
    registries: &Registries<'_>,
    group: Option<&str>,
    count: usize,
) -> Result<Vec<u16>, Refusal> {
    let near = match group {
        Some(group) => members(registries, group)?,
        None => all_ports(registries).collect(),
    };
    let numbers = near_to(&near, &taken(project, registries), count);
    if numbers.is_empty() { Err(Refusal::Full) } else { Ok(numbers) }
}

/// The free numbers that are nearest to the given ones, at most `count` of them.
pub fn near_to(numbers: &[u16], taken: &BTreeSet<u32>, count: usize) -> Vec<u16> {
    let is_free = |number: u16| {
        number >= FIRST
            && !EPHEMERAL.contains(&number)
            && FAMOUS.binary_search(&number).is_err()
            && !taken.contains(&u32::from(number))
    };
    let anchors: Vec<u16> = match numbers.iter().copied().filter(|number| *number >= FIRST).collect::<Vec<_>>() {
        anchors if anchors.is_empty() => vec![START],
        anchors => anchors,
    };
    let distance = |number: u16| anchors.iter().map(|anchor| (number.abs_diff(*anchor), *anchor > number)).min();
    // Of numbers at the same distance, those above an existing number come before those below one, and among these,
    // higher numbers come first.
    let mut free: Vec<u16> = (FIRST..=u16::MAX).filter(|number| is_free(*number)).collect();
    free.sort_by_cached_key(|number| (distance(*number), std::cmp::Reverse(*number)));
    free.truncate(count);
    free
}

fn all_ports(registries: &Registries<'_>) -> impl Iterator<Item = u16> {
    registries.all().iter().flat_map(|registry| registry.ports()).map(|(_, port)| port)
}

/// All port numbers in the repository: those in registries, those of literals, and those in comments.
pub fn taken(project: &Project, registries: &Registries<'_>) -> BTreeSet<u32> {
    let written = project
        .all::<PortFacts>()
        .flat_map(|facts| facts.uses.iter().map(|port| port.number))
        .chain(project.all::<RegistryFacts>().flat_map(|facts| &facts.comments).filter_map(|comment| comment.number));
    written.chain(all_ports(registries).map(u32::from)).collect()
}

/// The numbers of a group, in all registries that have the group.
fn members(registries: &Registries<'_>, group: &str) -> Result<Vec<u16>, Refusal> {
    let path = split(group);
    let inside = |entry: &[String]| entry.len() > path.len() && entry.starts_with(&path);
    let mut found = Vec::new();
    let mut known = false;
    for registry in registries.all() {
        for entry in &registry.entries {
            if inside(&entry.path) || inside(registry.bare(entry)) {
                known = true;
                found.extend(entry.port());
            }
        }
    }
    if known {
        return Ok(found);
    }
    if let Some((registry, entry)) = registries.entry(group) {
        let around = registry.bare(entry).split_last().map(|(_, around)| dotted(around));
        return Err(Refusal::Entry(around.filter(|around| !around.is_empty())));
    }
    let groups: BTreeSet<String> = registries.all().iter().flat_map(|registry| groups(registry)).collect();
    Err(Refusal::NoGroup(nearest(group, groups.iter().map(String::as_str)).map(str::to_owned)))
}

/// The dotted names of a registry's groups, possibly with duplicates.
pub fn groups(registry: &Registry) -> impl Iterator<Item = String> {
    registry.entries.iter().flat_map(|entry| {
        let path = registry.bare(entry);
        (1..path.len()).map(|length| dotted(&path[..length]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::repo::Repo;
    use crate::run;
    use crate::settings::Settings;

    fn next(files: &[(&str, &str)], group: Option<&str>) -> Result<u16, Refusal> {
        let settings = Settings::new(Config::none());
        let facts = run::port_facts(&Repo::from_texts(files.iter().copied()), &settings);
        free(&facts.project, &Registries::of(&facts.project), group)
    }

    const REGISTRY: (&str, &str) = (
        "lib/ports.nix",
        "{ infra = { ssh = 22; wg = 51820; }; otel = { grpc = 4317; http = 4318; }; dev = { api = 13000; web = 13001; }; }",
    );

    #[test]
    fn well_known_ports_are_sorted() {
        assert!(FAMOUS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_free_number_is_near_its_group() {
        assert_eq!(next(&[REGISTRY], Some("dev")), Ok(13002));
        assert_eq!(next(&[REGISTRY], Some("otel")), Ok(4319));
        let facts = run::port_facts(&Repo::from_texts([REGISTRY]), &Settings::new(Config::none()));
        let several = several(&facts.project, &Registries::of(&facts.project), Some("dev"), 3);
        assert_eq!(several, Ok(vec![13002, 12999, 13003]));
        assert_eq!(next(&[REGISTRY], None), Ok(13002));
        // A number that is used anywhere is not free.
        let used = ("modules/web.nix", "{ services.web.port = 13002; x.url = \"http://localhost:13003\"; }");
        assert_eq!(next(&[REGISTRY, used], Some("dev")), Ok(12999));
        // Well-known and ephemeral numbers are not free either.
        assert_eq!(next(&[("lib/ports.nix", "{ a.b = 8079; }")], Some("a")), Ok(8078));
        assert_eq!(next(&[("lib/ports.nix", "{ a.b = 32767; }")], Some("a")), Ok(32766));
        assert_eq!(next(&[("lib/ports.nix", "{ a.b = 40000; }")], Some("a")), Ok(32767));
        assert_eq!(next(&[REGISTRY], Some("infra")), Ok(61000));
        assert_eq!(next(&[("lib/ports.nix", "{ }")], None), Ok(20000));
        assert_eq!(next(&[("lib/ports.nix", "{ lib }: { ports = { dev.api = 13000; }; }")], Some("dev")), Ok(13001));
    }

    #[test]
    fn an_unknown_group_is_refused_with_the_most_similar_name() {
        assert_eq!(next(&[REGISTRY], Some("otle")), Err(Refusal::NoGroup(Some("otel".to_owned()))));
        assert_eq!(next(&[REGISTRY], Some("zzz")), Err(Refusal::NoGroup(None)));
        assert_eq!(next(&[REGISTRY], Some("dev.api")), Err(Refusal::Entry(Some("dev".to_owned()))));
    }
}
