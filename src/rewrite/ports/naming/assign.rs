//! Assigns uses of a number to existing entries, by the names that their services would get.

use super::cluster::{Cluster, clusters};
use super::{Context, Missing, choose, scaffolding, words};

/// The entry of each use of one number: the entry with a name of the use's service.
pub fn assign(uses: &[Missing<'_>], context: &Context<'_>, entries: &[&[String]]) -> Vec<Option<usize>> {
    let mut assigned = vec![None; uses.len()];
    let mut left: Vec<usize> = (0..uses.len()).collect();
    // As in a second run, uses without their own evidence may get a name once the uses of other services are removed.
    while let Some(&first) = left.first() {
        let read = left.iter().map(|&index| context.read(index, &uses[index]));
        let clusters = clusters(uses[first].number, read.collect());
        for (cluster, entry) in pairs(&clusters, uses, entries) {
            clusters[cluster].certain.iter().for_each(|&index| assigned[index] = Some(entry));
        }
        let before = left.len();
        left.retain(|&index| assigned[index].is_none());
        if left.len() == before {
            break;
        }
    }
    assigned
}

/// Pairs of a cluster and its entry. Pairs with better names come first, and each entry belongs to one cluster.
fn pairs(clusters: &[Cluster<'_>], uses: &[Missing<'_>], entries: &[&[String]]) -> Vec<(usize, usize)> {
    let entries: Vec<Vec<String>> = entries.iter().map(|entry| spellings(entry)).collect();
    let mut fits = Vec::new();
    // The usual number of a program is not sufficient to choose between several entries.
    let is_named = |cluster: &Cluster<'_>| entries.len() == 1 || cluster.is_named();
    let machines = scaffolding::machines(uses);
    for (at, cluster) in clusters.iter().enumerate().filter(|(_, cluster)| is_named(cluster)) {
        let names = choose::all_names(cluster, uses, &machines);
        for (entry, spellings) in entries.iter().enumerate() {
            let rank = names.iter().position(|name| spellings.contains(&name.concat()));
            fits.extend(rank.map(|rank| (rank, at, entry)));
        }
    }
    fits.sort_unstable();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, cluster, entry) in fits {
        if !pairs.iter().any(|(known, other)| *known == cluster || *other == entry) {
            pairs.push((cluster, entry));
        }
    }
    pairs
}

/// The name of an entry joined into one word, with and without its groups.
fn spellings(entry: &[String]) -> Vec<String> {
    (0..entry.len()).map(|from| entry[from..].iter().flat_map(|name| words::split(name)).collect::<String>()).collect()
}
