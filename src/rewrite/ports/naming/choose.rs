//! Chooses a name for each service: the best one that no other service has.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::line;
use super::words::{is_front, is_holder, with};
use super::{Cluster, Missing, OTHER, Proposal, UNNAMED, USER_PORTS, Used, group, group_by_path, scaffolding};
use crate::knowledge::name_words::COMMON_PURPOSES;
use crate::knowledge::service_ports::{Certainty, Service};

/// Gives each cluster a distinct name.
pub fn distinct(clusters: Vec<Cluster<'_>>, missing: &[Missing<'_>]) -> Vec<Proposal> {
    let machines = scaffolding::machines(missing);
    let names: Vec<Vec<Vec<String>>> =
        clusters.iter().map(|cluster| machines_last(cluster.names(), &machines)).collect();
    let names = parts_first(&clusters, names);
    let mut groups: Vec<&'static str> =
        clusters.iter().zip(&names).map(|(one, names)| group_of(one, names, missing)).collect();
    unite(&clusters, &mut groups);
    let chosen = apart(&clusters, &names, &groups);
    let all = clusters.into_iter().zip(&names).zip(chosen).zip(groups);
    all.map(|(((cluster, names), name), group)| Proposal {
        number: cluster.number,
        group: if name.is_some() { group } else { UNNAMED },
        unnamed: name.is_none(),
        further: name.as_ref().map_or(Vec::new(), |name| further(names, name)),
        name: name.unwrap_or_else(|| unnamed(&cluster, missing)),
        uses: cluster.certain,
    })
    .collect()
}

/// Puts the names from [`part_names`] first if a service has several ports. In a cluster without a listener, moves the
/// name of a listening service to the end.
fn parts_first(clusters: &[Cluster<'_>], mut names: Vec<Vec<Vec<String>>>) -> Vec<Vec<Vec<String>>> {
    let mut counts: HashMap<&[String], usize> = HashMap::default();
    for cluster in clusters.iter().filter(|cluster| cluster.listens()) {
        *counts.entry(&cluster.service).or_default() += 1;
    }
    for (cluster, names) in clusters.iter().zip(&mut names) {
        // What a service connects to does not get the name of the service.
        let is_of_listener = |name: &Vec<String>| counts.contains_key(name.as_slice());
        if !cluster.listens() && cluster.row.is_none() && names.len() > 1 && names.first().is_some_and(is_of_listener) {
            names.rotate_left(1);
        }
        let has_several = cluster.listens() && counts.get(cluster.service.as_slice()).is_some_and(|count| *count > 1);
        if has_several && cluster.row.is_none() {
            let own = part_names(cluster);
            names.retain(|name| !own.contains(name));
            names.splice(..0, own);
        }
    }
    names
}

/// The names for the part of a service that has the port.
fn part_names(cluster: &Cluster<'_>) -> Vec<Vec<String>> {
    let Some(part) = cluster.part_name() else { return Vec::new() };
    let default = cluster.is_only_default().then(|| with(&part, &["default".to_owned()]));
    std::iter::once(part).chain(default).collect()
}

/// The names that are longer forms of the chosen one.
fn further(names: &[Vec<String>], chosen: &[String]) -> Vec<Vec<String>> {
    let is_longer = |name: &&Vec<String>| name.len() > chosen.len() && name.starts_with(chosen);
    names.iter().filter(is_longer).cloned().collect()
}

/// All names that a cluster may get, the best first.
pub fn all_names(cluster: &Cluster<'_>, missing: &[Missing<'_>], machines: &HashSet<String>) -> Vec<Vec<String>> {
    let mut names = machines_last(cluster.names(), machines);
    names.extend(part_names(cluster));
    names.extend(alternates(cluster, &names));
    names.extend(cluster.names_by_file());
    names.push(unnamed(cluster, missing));
    names
}

/// Moves names that contain the name of a machine to the end. Names that only give a category are dropped.
fn machines_last(mut names: Vec<Vec<String>>, machines: &HashSet<String>) -> Vec<Vec<String>> {
    names.retain(|name| !is_holder(name));
    names.sort_by_key(|name| name.len() > 1 && name.iter().any(|word| machines.contains(word)));
    names
}

/// Puts all ports of a service into one group.
fn unite(clusters: &[Cluster<'_>], groups: &mut [&'static str]) {
    let mut by_service: HashMap<&[String], &'static str> = HashMap::default();
    // A port without a name has no group to share.
    let is_named =
        |cluster: &Cluster<'_>, group: &str| cluster.row.is_none() && !cluster.service.is_empty() && group != UNNAMED;
    for (cluster, group) in clusters.iter().zip(&*groups).filter(|(cluster, group)| is_named(cluster, group)) {
        let known = by_service.entry(&cluster.service).or_insert(group);
        *known = if *known == OTHER { group } else { known };
    }
    for (cluster, group) in clusters.iter().zip(groups).filter(|(cluster, group)| is_named(cluster, group)) {
        *group = by_service[cluster.service.as_slice()];
    }
}

fn group_of(cluster: &Cluster<'_>, names: &[Vec<String>], missing: &[Missing<'_>]) -> &'static str {
    match (cluster.row, names.first()) {
        (Some(row), _) => row.group,
        (None, None) => UNNAMED,
        (None, Some(name)) => {
            // All ports of a service are in one group.
            let best = cluster.best().filter(|used| used.is_listener());
            let service = best.map_or(cluster.service.as_slice(), |used| &used.evidence.best.service);
            let by_service = group(service);
            let by_name = if by_service == OTHER && cluster.service.is_empty() { group(name) } else { by_service };
            // The folder of a proxy's file does not determine the group of the services behind the proxy.
            let is_of_front =
                |used: &&Used<'_>| is_front(used.evidence.subject()) || used.evidence.is_called_for_host();
            let used = cluster.uses.iter().filter(|used| !is_of_front(used));
            let by_path = used.map(|used| group_by_path(&missing[used.index]));
            let by_path = by_path.into_iter().find(|group| *group != OTHER).unwrap_or(OTHER);
            if by_name == OTHER { by_path } else { by_name }
        }
    }
}

/// The name of a port whose uses do not suggest one, derived from the service or the file that it belongs to.
fn unnamed(cluster: &Cluster<'_>, missing: &[Missing<'_>]) -> Vec<String> {
    let is_udp = |&index: &usize| line::is_udp(&missing[index]);
    let protocol = match cluster.certain.iter().any(is_udp) {
        false => Some("tcp"),
        true => cluster.certain.iter().all(is_udp).then_some("udp"),
    };
    let service = cluster.best().map(|used| used.evidence.best.service.clone()).unwrap_or_default();
    let subjects = cluster.uses.iter().map(|used| used.evidence.subject());
    let subject = subjects.filter(|_| !cluster.is_opened_everywhere()).find(|subject| !subject.is_empty());
    // The names of both bounds of a range contain its first port.
    let range = cluster.uses.iter().find_map(|used| Some((used.evidence.other_end()?, used.evidence.end())));
    if let Some((other, end)) = range.filter(|_| cluster.uses.iter().all(Used::is_range_end)) {
        let name = std::iter::once(format!("range{}", cluster.number.min(other)));
        return name.chain(protocol.map(str::to_owned)).chain(end).collect();
    }
    let is_empty = service.is_empty() || cluster.is_opened_everywhere();
    let mut name = if is_empty { subject.map(<[String]>::to_vec).unwrap_or_default() } else { service };
    if is_front(&name) || is_holder(&name) {
        name.clear();
    }
    name.push(format!("port{}", cluster.number));
    name.extend(protocol.map(str::to_owned));
    // `startPort` and `endPort`
    let ends = cluster.uses.first().map(|used| used.evidence.end()).unwrap_or_default();
    name.extend(ends.into_iter().filter(|_| cluster.uses.iter().all(|used| !used.evidence.end().is_empty())));
    name
}

/// For each cluster, the first of its names that no other cluster has. `None` for a cluster without names.
fn apart(clusters: &[Cluster<'_>], names: &[Vec<Vec<String>>], groups: &[&'static str]) -> Vec<Option<Vec<String>>> {
    let mut chosen = vec![0; names.len()];
    let claims: Vec<Claim> = clusters.iter().map(claim).collect();
    // In each round, every name goes to the best claim so far, and the others try their next name. Only those are
    // compared again: there may be as many rounds as clusters.
    let mut owners: HashMap<(&str, &[String]), usize> = HashMap::default();
    let mut asking: Vec<usize> = (0..names.len()).filter(|&at| !names[at].is_empty()).collect();
    for _ in 1..names.iter().map(Vec::len).max().unwrap_or(0) {
        let mut others = Vec::new();
        for at in asking {
            let owner = owners.entry((groups[at], &names[at][chosen[at]])).or_insert(at);
            if *owner != at {
                let other = if (claims[at], at) < (claims[*owner], *owner) { std::mem::replace(owner, at) } else { at };
                others.push(other);
            }
        }
        others.retain(|&at| chosen[at] + 1 < names[at].len());
        others.iter().for_each(|&at| chosen[at] += 1);
        asking = others;
    }
    let mut first_names: HashMap<(&str, &Vec<String>), usize> = HashMap::default();
    for (group, first) in groups.iter().zip(names).filter_map(|(group, names)| Some((group, names.first()?))) {
        *first_names.entry((group, first)).or_default() += 1;
    }
    let mut taken: HashSet<(&str, Vec<String>)> = HashSet::default();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&at| claims[at]);
    let mut result: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for at in order {
        let Some(name) = names[at].get(chosen[at]) else { continue };
        let free = std::iter::once(name.clone()).chain(names[at].iter().cloned());
        // If two numbers have the same comment, the second may replace the first. With more numbers, that is not
        // certain.
        let is_second = || {
            let namesakes = (groups[at], &names[at][0]);
            clusters[at].is_named_by_comment() && first_names.get(&namesakes).is_some_and(|count| *count == 2)
        };
        let is_additional = clusters[at].listens() || clusters[at].is_main() || is_second();
        let alternates = if is_additional { alternates(&clusters[at], &names[at]) } else { Vec::new() };
        let free = free.chain(alternates);
        let free = free.chain(clusters[at].names_by_file());
        if let Some(name) = free.into_iter().find(|name| taken.insert((groups[at], name.clone()))) {
            result.insert(at, name);
        }
    }
    (0..names.len()).map(|at| result.remove(&at)).collect()
}

/// Names for a port that a service uses instead of its default port: with the comment next to the number, and without
/// it. Names that already contain `alternate` are left out.
fn alternates(cluster: &Cluster<'_>, names: &[Vec<String>]) -> Vec<Vec<String>> {
    const ALTERNATE: &str = "alternate";
    let Some(first) = names.first() else { return Vec::new() };
    let comment = cluster.best().map(|used| used.evidence.comment.as_slice()).unwrap_or_default();
    let commented = with(first, comment);
    let bases = std::iter::once(first.clone()).chain(names.iter().find(|name| **name == commented).cloned());
    let bases: Vec<Vec<String>> = bases.filter(|name| !name.iter().any(|word| word == ALTERNATE)).collect();
    bases.into_iter().rev().map(|name| with(&name, &[ALTERNATE.to_owned()])).collect()
}

/// The claim of a cluster to a name. The lowest value is the best claim.
pub type Claim = ([bool; 11], u32);

/// The claim of a cluster. Precedence, from the best claim: reserved numbers, such as that of SSH; well-known numbers
/// and listening services' own ports, both outside containers; other numbers
/// outside containers; a service's own port rather than those of its parts; a service with this name rather than one
/// with a longer whole name; a value rather than a default; listeners; names without qualifiers and numbers without a
/// common purpose; names that no use extends; numbers that several options have; numbers without a use inside a
/// container; and the lower number.
pub fn claim(cluster: &Cluster<'_>) -> Claim {
    let is_qualified = |used: &Used<'_>| !used.evidence.sides().is_empty() || !used.evidence.middle().is_empty();
    let is_usual = cluster.listens() && COMMON_PURPOSES.iter().any(|(number, _)| *number == cluster.number);
    let qualified = is_usual || cluster.best().is_none_or(is_qualified);
    let inside = cluster.is_inside();
    let is_main = cluster.is_main();
    // An application's own database may have the usual number of its kind, but the machine has one SSH server.
    let is_infrastructure = |row: &Service| row.number < USER_PORTS || row.group == "infrastructure";
    let is_reserved = cluster.row.is_some_and(|row| row.certainty == Certainty::Always && is_infrastructure(row));
    let criteria = [
        !is_reserved,
        inside || cluster.row.is_none() && !(is_main && cluster.listens() || cluster.is_configured()),
        inside,
        !is_main,
        cluster.is_shortened(),
        cluster.is_main_default() || cluster.is_only_default(),
        !cluster.listens(),
        qualified,
        cluster.is_partly_qualified(),
        !cluster.is_repeated(),
        cluster.uses.iter().any(|used| used.evidence.is_isolated()),
    ];
    (criteria, cluster.number)
}
