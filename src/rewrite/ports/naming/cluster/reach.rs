//! Joins clients with the only listener that they can reach.
//!
//! A URL, the target of a proxy, the tile of a dashboard or a health check does not show what listens on its port. If
//! exactly one service listens on the number on the host that a client connects to, it is the port of that service,
//! whatever the client calls it. If the host is not known, it must be the only service in the whole repository that
//! listens on the number.
//!
//! If nothing listens on the number, the only well-known service that a client names takes the place of the listener.
//!
//! Only a contradiction keeps them apart:
//! - The address has the name of something else: another container, another site, or a machine on which the service
//!   does not listen. Or it is an IP address, and the client names the service that it connects to.
//! - The client gives the name of another service that is well-known or that the repository configures, such as the
//!   service that its file is about.
//!
//! Contradictions matter only if several services have the number. If there is one service, it also gets the remaining
//! clients, because they rarely have a better name for what they connect to.
//!
//! A number that a firewall opens does not follow this rule: the file that opens it is often about the service with
//! the port.

use foldhash::HashSet;

use super::super::candidate::weight;
use super::super::evidence::Evidence;
use super::super::words::{is_local, share, split};
use super::super::{Used, row_words, scaffolding};
use super::Cluster;
use super::find::only;
use crate::knowledge::name_words::PURPOSES;
use crate::knowledge::service_ports::{self, Certainty};

/// The host that a client connects to.
enum Host<'a> {
    /// A machine of the repository.
    Machine(&'a str),
    /// A container or another machine, by the first label of its name.
    Named(&'a str),
    /// This machine, which may be any machine of the repository.
    Local,
    /// A machine that may be in the repository.
    Unknown,
}

impl<'a> Host<'a> {
    fn of(used: &Used<'a>) -> Self {
        let here = || scaffolding::machine(used.path).map_or(Host::Local, Host::Machine);
        let Some(address) = used.evidence.address().filter(|host| !is_local(host)) else {
            return if used.evidence.is_loopback() { here() } else { Host::Unknown };
        };
        let label = address.split('.').next().unwrap_or(address);
        let is_number = !address.contains(|c: char| c.is_ascii_alphabetic());
        match () {
            () if used.evidence.is_machine(label) => Host::Machine(label),
            () if is_number => Host::Unknown,
            () => Host::Named(label),
        }
    }
}

/// Adds the clients of services without a listener, and the undecided clients, to the only listener that they can
/// reach. Returns the services and the remaining undecided uses.
pub fn join<'a>(found: Vec<Cluster<'a>>, undecided: Vec<Used<'a>>) -> (Vec<Cluster<'a>>, Vec<Used<'a>>) {
    let is_client = |cluster: &Cluster<'_>| cluster.uses.iter().all(|used| used.evidence.is_client());
    let listens = |cluster: &Cluster<'_>| cluster.has_listener() || !is_client(cluster) && cluster.is_identified();
    let listens = found.iter().any(listens);
    let is_other = |cluster: &Cluster<'_>| is_client(cluster) && (listens || !cluster.is_identified());
    let (clients, mut found): (Vec<Cluster<'a>>, Vec<Cluster<'a>>) = found.into_iter().partition(is_other);
    // Computed once: a number may have thousands of uses.
    let reach: Vec<Reach> = found.iter().map(Reach::of).collect();
    let mut others = Vec::new();
    for cluster in clients {
        let mut reached = cluster.uses.iter().map(|used| reached(&found, &reach, used));
        let first = reached.next().flatten();
        match first.filter(|_| reached.all(|other| other == first)) {
            Some(at) => cluster.uses.into_iter().for_each(|used| found[at].add(used)),
            None => others.push(cluster),
        }
    }
    let mut rest = Vec::new();
    for used in undecided {
        match reached(&found, &reach, &used) {
            Some(at) => found[at].add(used),
            None => rest.push(used),
        }
    }
    found.extend(others);
    (found, rest)
}

/// The service of the container that a client connects to by name.
pub fn container(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let name = used.evidence.address().filter(|_| used.evidence.is_client())?;
    only((0..found.len()).filter(|&at| found[at].places.programs.contains(name)))
}

/// Whether a use with weak evidence cannot be about any of the services found so far: a firewall opens the port in the
/// file of another service, or a client connects to a container that its file is named after, or a virtual host passes
/// requests to the service of its file.
pub fn is_of_another(found: &[Cluster<'_>], openers: &HashSet<&str>, used: &Used<'_>) -> bool {
    let Evidence { best, .. } = &used.evidence;
    let evidence = &used.evidence;
    let is_known = |cluster: &Cluster<'_>| {
        // `wiki/default.nix` and `wiki/config/server.nix`
        let outer = used.path.strip_suffix("default.nix").filter(|outer| !outer.is_empty());
        let is_near = |path: &&str| outer.is_some_and(|outer| path.starts_with(outer));
        cluster.is_named_by(used)
            || cluster.places.files.iter().any(|path| *path == used.path || is_near(path))
            || cluster.row.is_some_and(|row| evidence.shares(row))
    };
    let is_of_file = best.weight == weight::FILE && !best.service.is_empty();
    let is_opened = || {
        let is_only = openers.iter().all(|path| *path == used.path || is_listening(found, path));
        evidence.is_opened() && is_only && evidence.configures_subject()
    };
    let is_of_own = || match Host::of(used) {
        Host::Named(name) => evidence.is_client() && split(name).concat() == best.service.concat(),
        // The virtual host of the service that the file configures
        _ => evidence.is_loopback() && evidence.is_passed_on_in_own_file() && evidence.configures_subject(),
    };
    is_of_file && (is_opened() || is_of_own()) && found.iter().any(Cluster::has_listener) && !found.iter().any(is_known)
}

/// The files in which nothing but a firewall's option mentions the number.
pub fn openers<'a>(uses: &[Used<'a>]) -> HashSet<&'a str> {
    let is_opener = |used: &&Used<'_>| used.evidence.is_opened() && used.evidence.best.weight <= weight::FILE;
    uses.iter().filter(is_opener).map(|used| used.path).collect()
}

/// Whether a service listens in a file.
fn is_listening(found: &[Cluster<'_>], path: &str) -> bool {
    found.iter().any(|cluster| cluster.places.files.contains(path))
}

/// The only service with a listener that a client can reach, unless the client contradicts that.
fn reached(found: &[Cluster<'_>], reach: &[Reach], used: &Used<'_>) -> Option<usize> {
    let evidence = &used.evidence;
    // An SSH client connects to another machine, and the sidecar of a job to another service.
    let is_other = evidence.is_of_ssh_client() || evidence.is_upstream();
    if !evidence.is_client() || is_other || used.is_range_end() {
        return None;
    }
    let host = Host::of(used);
    let at = only((0..found.len()).filter(|&at| reach[at].is_reachable && found[at].is_at(&host)))?;
    let is_other = reach[at].is_only_opened && !found[at].has_name(used) || found[at].is_contradicted(&host, used);
    (!is_other).then_some(at)
}

/// What the uses of a service show, taken together.
struct Reach {
    /// Whether clients may reach the service, on whichever host.
    is_reachable: bool,
    /// Whether only a firewall shows that it listens. The firewall opens the port for one service, and a client may
    /// connect to another one behind a proxy.
    is_only_opened: bool,
}

impl Reach {
    fn of(cluster: &Cluster<'_>) -> Self {
        let has_client = || cluster.uses.iter().any(|used| used.evidence.is_client());
        Self { is_reachable: cluster.is_reachable(), is_only_opened: !cluster.has_listener() && !has_client() }
    }
}

impl Cluster<'_> {
    /// Whether the service may listen on a host.
    fn is_at(&self, host: &Host<'_>) -> bool {
        let is_there = || match host {
            Host::Machine(name) => {
                self.places.anywhere || self.places.machines.iter().any(|machine| machine.eq_ignore_ascii_case(name))
            }
            Host::Named(name) => self.places.programs.contains(name) || share(&self.service, &split(name)),
            Host::Local | Host::Unknown => true,
        };
        match self.has_listener() {
            true => is_there(),
            false => matches!(host, Host::Local | Host::Machine(_)),
        }
    }

    /// Whether clients may reach the service, on whichever host.
    fn is_reachable(&self) -> bool {
        // The settings of a user's program mention the ports of servers.
        let is_program = |used: &Used<'_>| used.evidence.option().contains("programs.");
        match self.has_listener() {
            true => !self.is_inside() && !self.uses.iter().all(is_program),
            false => self.is_identified(),
        }
    }

    /// Whether a client or the firewall names the well-known service that usually has the number.
    fn is_identified(&self) -> bool {
        let is_named =
            |used: &Used<'_>| used.known.is_some_and(|(row, weight)| weight >= weight::KNOWN && self.row == Some(row));
        let is_service = self.row.is_some_and(|row| !row.is_protocol && !row.is_exporter());
        let is_reached = |used: &Used<'_>| used.evidence.is_client() || used.evidence.is_opened();
        is_service && self.uses.iter().any(|used| is_reached(used) && is_named(used))
    }

    /// Whether a use has exactly the service's name.
    fn has_name(&self, used: &Used<'_>) -> bool {
        let name = used.evidence.best.service.concat();
        name == self.service.concat() || self.row.is_some_and(|row| row.name.eq_ignore_ascii_case(&name))
    }

    /// Whether a client gives the name of another service.
    fn is_contradicted(&self, host: &Host<'_>, used: &Used<'_>) -> bool {
        let evidence = &used.evidence;
        let row = used.known.filter(|(_, weight)| *weight >= weight::KNOWN).map(|(row, _)| row);
        let is_of_row = row.is_some_and(|row| self.row != Some(row) && !share(&self.service, &row_words(row)));
        // `git` may refer to any forge, and two spellings of a name refer to one service.
        let best = &evidence.best.service;
        let is_purpose = best.iter().all(|word| PURPOSES.contains(&word.as_str()) || is_protocol(word));
        let names_service = evidence.names_service() && !is_purpose && !self.has_name(used);
        let is_own_file = || evidence.is_of_service() && share(evidence.subject(), &evidence.best.service);
        let is_elsewhere = matches!(host, Host::Unknown) && evidence.address().is_some();
        self.is_another_container(used)
            || evidence.is_at_own_address() && !self.is_in_container()
            || is_of_row
            || names_service
            || evidence.is_configured_here()
            || is_own_file()
            || self.is_at_another_address(used)
            || is_elsewhere && used.names_target()
    }
}

/// Whether a word is the name of a protocol in the table of well-known ports.
fn is_protocol(word: &str) -> bool {
    service_ports::named(word).is_some_and(|row| row.is_protocol || row.certainty == Certainty::Always)
}
