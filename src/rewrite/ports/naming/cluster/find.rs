//! Finds the service, among those found so far, that a use belongs to by its location.

use foldhash::{HashMap, HashSet};

use super::super::candidate::weight;
use super::super::words::{is_local, share};
use super::super::{Used, scaffolding};
use super::Cluster;
use crate::knowledge::service_ports::{self, Certainty};

/// The addresses that clients connect to, by file.
pub fn remote_addresses<'a>(uses: &[Used<'a>]) -> HashMap<&'a str, HashSet<&'a str>> {
    let mut addresses: HashMap<&str, HashSet<&str>> = HashMap::default();
    for used in uses.iter().filter(|used| used.evidence.is_client()) {
        if let Some(address) = used.evidence.address() {
            addresses.entry(used.path).or_default().insert(address);
        }
    }
    addresses
}

/// Whether a client connects to a different machine than another client in the same file, so that it may not be
/// connecting to the listener in that file.
pub fn is_elsewhere(addresses: &HashMap<&str, HashSet<&str>>, used: &Used<'_>) -> bool {
    let Some(own) = used.evidence.address().filter(|_| used.evidence.is_client() && !addresses.is_empty()) else {
        return false;
    };
    let here = addresses.get(used.path);
    !is_local(own) && here.is_some_and(|here| here.len() > usize::from(here.contains(own)))
}

/// The service that listens at the address that a client connects to.
pub fn bound(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let address = used.evidence.address().filter(|address| used.evidence.is_client() && !is_local(address))?;
    found.iter().position(|cluster| cluster.places.listening.contains(address))
}

/// The only service that listens on the port in the same file as the client.
pub fn beside(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let listens_here = |at: &usize| found[*at].places.files.contains(used.path);
    only((0..found.len()).filter(|at| !used.is_listener() && listens_here(at)))
}

/// For a number in a text that only the file name identifies: the only service that listens on the port in the same
/// file. The number is then the port of that service.
pub fn listener_here(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let listens_here = |at: &usize| found[*at].places.files.contains(used.path);
    let is_in_text = used.is_only_of_file() && used.evidence.is_in_text();
    let here = if is_in_text { only((0..found.len()).filter(listens_here)) } else { None };
    here.filter(|&at| !found[at].is_of_another_row(used) && found[at].places.parts.is_empty())
}

/// The only service that listens on the machine of a use: the machine that a client connects to, or else the one that
/// the file configures.
pub fn on_machine(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let address = used.evidence.address().filter(|address| !matches!(*address, "localhost" | "127.0.0.1" | "0.0.0.0"));
    let here = || scaffolding::machine(used.path).filter(|_| !used.names_target());
    let machine = address.or_else(here)?;
    let listens_there = |at: &usize| found[*at].places.machines.contains(machine);
    only((0..found.len()).filter(|at| !used.is_listener() && listens_there(at)))
}

/// The item, if there is exactly one.
pub fn only(mut items: impl Iterator<Item = usize>) -> Option<usize> {
    items.next().filter(|_| items.next().is_none())
}

/// The service that usually has this number. Used for a listener that only its file name identifies, and for a use
/// without a better name if no other service has the number.
pub fn of_same_row(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let usual = || used.row().filter(|_| found.len() == 1);
    let row = used.known.filter(|_| used.is_listener()).map(|(row, _)| row).or_else(usual)?;
    found.iter().position(|cluster| cluster.row == Some(row))
}

/// The service that usually has this number, if a client names that service. Its listener may have another name.
pub fn of_known_row(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let row = used.row().filter(|_| used.evidence.is_client())?;
    // A listener with the name of another well-known service is not the one that the client refers to.
    let is_other = |cluster: &Cluster<'_>| {
        let own = service_ports::named(&cluster.service.concat()).filter(|_| cluster.row.is_none());
        own.is_some_and(|own| own.name != row.name)
    };
    let has_row = |cluster: &Cluster<'_>| cluster.places.rows.contains(&(row.number, row.name));
    found.iter().position(|cluster| has_row(cluster) && !is_other(cluster))
}

/// The only listener that a client can reach on its own machine, whatever name the client uses. `None` if the client
/// names a service that usually has the number, or that its file configures: that service may listen as well.
pub fn only_local(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let is_local = used.evidence.is_client() && used.evidence.is_loopback() && used.known.is_none();
    let [only] = found else { return None };
    (is_local && only.has_listener() && !only.is_on_another_machine(used) && !used.evidence.is_configured_here())
        .then_some(0)
}

/// The only service that an SSH client can connect to at the port: an SSH server, or a service that has SSH there.
pub fn ssh_server(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    if used.evidence.is_of_ssh_client() { only((0..found.len()).filter(|&at| found[at].places.ssh)) } else { None }
}

/// Sorts the entries of catalogues: those with the name of a listener come first.
pub fn own_first<'a>(mut entries: Vec<Used<'a>>, listeners: &[Used<'_>]) -> Vec<Used<'a>> {
    if entries.len() > 1 {
        let words: HashSet<String> = listeners.iter().flat_map(Used::names).collect();
        entries.sort_by_key(|used| !used.names().iter().any(|word| words.contains(word)));
    }
    entries
}

/// For an entry of a catalogue: the only service with this number that the same file configures, if another entry of
/// the catalogue has the name of that service. Otherwise, two services may have the number.
pub fn catalogued(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    if !used.evidence.is_catalogued() {
        return None;
    }
    let is_here = |known: &Used<'_>| known.path == used.path && known.is_listener() && !known.evidence.is_catalogued();
    let set = |option: &str| option.rsplitn(3, '.').nth(2).map(str::to_owned);
    let own = set(used.evidence.option());
    let is_sibling = |known: &Used<'_>| {
        known.path == used.path && known.evidence.is_catalogued() && set(known.evidence.option()) == own
    };
    let here = only((0..found.len()).filter(|at| found[*at].uses.iter().any(is_here)));
    here.filter(|&at| found[at].uses.iter().any(is_sibling))
}

/// The service that another client in the same file reaches at the same address.
pub fn at_same_address(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let place = (used.path, used.evidence.address()?);
    found.iter().position(|cluster| !cluster.listens() && cluster.places.addresses.contains(&place))
}

/// The only service that listens in the folder of a use whose file, or folder, is about that service:
/// `services/wiki/routes.nix` next to `services/wiki/server.nix`.
pub fn in_own_folder(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let is_weak = used.is_listener() && used.evidence.best.weight < weight::LISTENER;
    let (folder, _) = used.path.rsplit_once('/').filter(|_| is_weak)?;
    let subject = used.evidence.subject();
    let is_own = |cluster: &Cluster<'_>| {
        cluster.listens() && cluster.places.folders.contains(folder) && share(&cluster.service, subject)
    };
    only((0..found.len()).filter(|&at| is_own(&found[at])))
}

/// Whether a use with weak evidence names a service that cannot be any of those found so far.
pub fn names_another(found: &[Cluster<'_>], used: &Used<'_>, is_elsewhere: bool) -> bool {
    let names_host = used.evidence.best.weight == weight::HOST && used.known.is_none();
    let is_proxied = used.evidence.is_client() && used.evidence.best.weight == weight::FILE;
    match found {
        [] => {
            // The host of a proxy may be an abbreviation: `ha` on the default port of Home Assistant.
            let is_usual = || {
                let row = service_ports::services(used.number).first();
                row.is_some_and(|row| row.certainty == Certainty::Usual && !row.is_protocol && !row.is_exporter())
            };
            let is_named = || used.evidence.names_service() || used.evidence.is_configured_here();
            let is_other = || !used.evidence.is_loopback() || is_named() || !is_usual();
            let is_record = used.evidence.best.weight == weight::RECORD;
            let names_one = names_host || used.names_target();
            let has_address = || used.evidence.address().is_some() || used.evidence.is_called_for_host();
            names_one && (is_record || has_address()) && used.known.is_none() && is_other()
        }
        // The host of a proxy is another name of the service behind it.
        // So is the name of a variable, unless a service has that name.
        [only] if only.has_listener() => {
            // A local connection reaches the only listener, whatever name the client uses, unless the listener is on
            // another machine.
            let is_loopback = used.evidence.is_loopback();
            if is_loopback && only.is_on_another_machine(used) {
                let names = matches!(used.evidence.best.weight, weight::HOST | weight::FILE) && !used.is_of_front();
                return used.names_target() || names;
            }
            let is_other = || is_elsewhere || only.is_at_another_address(used);
            // The name in a load balancer is another name of the service, like that of a host.
            let is_target = match used.evidence.is_balanced() {
                true => is_other() || used.evidence.is_at_own_address() && !only.is_in_container(),
                false => {
                    !is_loopback && matches!(used.evidence.best.weight, weight::JOB | weight::RECORD | weight::TARGET)
                        || used.evidence.names_service()
                }
            };
            used.names_target() && is_target || used.is_listener() || names_host && is_other()
        }
        _ => used.names_target() || used.is_listener() || names_host || is_proxied,
    }
}
