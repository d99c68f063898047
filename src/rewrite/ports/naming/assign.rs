//! Assigns uses of a number to existing entries, by the names that their services would get.

use super::cluster::{Cluster, clusters};
use super::{Context, Missing, Used, choose, words};

/// The index of the entry for each use of one number: an entry with a name that the use's service may get. `None` if
/// there is none.
pub fn assign(uses: &[Missing<'_>], context: &Context<'_>, entries: &[&[String]]) -> Vec<Option<usize>> {
    let entries: Vec<Vec<String>> = entries.iter().map(|entry| spellings(entry)).collect();
    let mut assigned = vec![None; uses.len()];
    // Whether each use belongs to a service whose possible entries were all assigned to other services.
    let mut lost = vec![false; uses.len()];
    let mut left: Vec<usize> = (0..uses.len()).collect();
    // Repeated, because uses without their own evidence may get a name once the uses of other services are removed.
    while let Some(&first) = left.first() {
        let read = left.iter().map(|&index| context.read(index, &uses[index]));
        let clusters = clusters(uses[first].number, read.collect());
        let is_free = |entry: &usize| !assigned.contains(&Some(*entry));
        let fits: Vec<Vec<(usize, usize)>> = clusters
            .iter()
            .map(|cluster| {
                let has_lost = cluster.certain.iter().any(|&index| lost[index]);
                let fitting = fitting(cluster, uses, context, &entries).into_iter();
                fitting.filter(|(_, entry)| !has_lost || is_free(entry)).collect()
            })
            .collect();
        let pairs = pairs(&clusters, &fits, entries.len());
        for (at, cluster) in clusters.iter().enumerate() {
            let entry = pairs.iter().find(|(known, _)| *known == at).map(|(_, entry)| *entry);
            for &index in &cluster.certain {
                assigned[index] = entry;
                // The only entry of a number may be for several services.
                lost[index] |= entry.is_none() && !fits[at].is_empty() && entries.len() > 1 && may_choose(cluster);
            }
        }
        let before = left.len();
        left.retain(|&index| assigned[index].is_none());
        if left.len() == before {
            break;
        }
    }
    assigned
}

/// The entries that have a name of a cluster, with the ranks of these names, the best first.
fn fitting(
    cluster: &Cluster<'_>,
    uses: &[Missing<'_>],
    context: &Context<'_>,
    entries: &[Vec<String>],
) -> Vec<(usize, usize)> {
    let names = choose::all_names(cluster, uses, context.scaffolding.machines());
    let names: Vec<String> = names.iter().map(|name| name.concat()).collect();
    let rank = |spellings: &Vec<String>| names.iter().position(|name| spellings.contains(name));
    let mut ranked: Vec<(usize, usize)> =
        entries.iter().enumerate().filter_map(|(entry, spellings)| Some((rank(spellings)?, entry))).collect();
    ranked.sort_unstable();
    ranked
}

/// Whether a cluster may choose between several entries: a use shows what the port is for, or all uses are bounds of a
/// range, which is not the port of one service. A number that is merely the default port of a program is not
/// sufficient.
fn may_choose(cluster: &Cluster<'_>) -> bool {
    cluster.is_named() || cluster.uses.iter().all(Used::is_range_end)
}

/// Pairs of clusters and entries, as indices. Each entry belongs to at most one cluster.
fn pairs(clusters: &[Cluster<'_>], fits: &[Vec<(usize, usize)>], entries: usize) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..clusters.len()).filter(|&at| !fits[at].is_empty()).collect();
    // As for the names of new entries, the best claim chooses first.
    order.sort_by_cached_key(|&at| choose::claim(&clusters[at]));
    let in_turn = |order: &[usize]| {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for &at in order {
            let is_free = |entry: &&usize| !pairs.iter().any(|(_, other)| other == *entry);
            let free = fits[at].iter().map(|(_, entry)| entry).find(is_free).copied();
            pairs.extend(free.map(|entry| (at, entry)));
        }
        pairs
    };
    let all = in_turn(&order);
    if all.len() == order.len() && all.len() == entries {
        return all;
    }
    order.retain(|&at| entries == 1 || may_choose(&clusters[at]));
    let named = in_turn(&order);
    if named.len() == order.len() {
        return named;
    }
    // In a registry that was edited by hand, an entry belongs to the service that its name fits best.
    let ranked = order
        .iter()
        .enumerate()
        .flat_map(|(place, &at)| fits[at].iter().map(move |&(rank, entry)| (rank, place, at, entry)));
    let mut ranked: Vec<(usize, usize, usize, usize)> = ranked.collect();
    ranked.sort_unstable();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (.., at, entry) in ranked {
        if !pairs.iter().any(|(known, other)| *known == at || *other == entry) {
            pairs.push((at, entry));
        }
    }
    pairs
}

/// The name of an entry joined into one word, with and without its groups.
fn spellings(entry: &[String]) -> Vec<String> {
    (0..entry.len()).map(|from| entry[from..].iter().flat_map(|name| words::split(name)).collect::<String>()).collect()
}
