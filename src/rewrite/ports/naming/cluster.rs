//! The uses of one number, grouped by service.

mod aside;
mod find;
mod names;
mod reach;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};

use super::Used;
use super::candidate::{Candidate, weight};
use super::scaffolding;
use super::words::{self, alike, is_local, share, with};
use crate::knowledge::name_words::{COMMON_PURPOSES, HONEYPOTS, PURPOSES};
use crate::knowledge::service_ports::{self, Service};
pub use aside::clusters;
use find::{
    at_same_address, beside, bound, catalogued, in_own_folder, is_elsewhere, listener_here, names_another,
    of_known_row, of_same_row, on_machine, only, only_local, own_first, remote_addresses, ssh_server,
};

/// The uses of one service.
#[derive(Debug)]
pub struct Cluster<'a> {
    pub number: u32,
    pub uses: Vec<Used<'a>>,
    /// The row of the service in the table of well-known ports.
    pub row: Option<&'static Service>,
    /// The words that identify the service.
    pub service: Vec<String>,
    /// Indices of the uses that certainly belong to this service.
    pub certain: Vec<usize>,
    places: Places<'a>,
}

/// The locations of the uses of a service.
#[derive(Debug, Default)]
struct Places<'a> {
    /// Whether something certainly listens on the port.
    listens: bool,
    /// The files with a listener that clients in the same file can reach.
    files: HashSet<&'a str>,
    /// The folders of these files.
    folders: HashSet<&'a str>,
    /// The machines with a listener.
    machines: HashSet<&'a str>,
    /// The names of the service's parts that have this port: `s3` in `garageS3`.
    parts: HashSet<Vec<String>>,
    /// The containers with a listener.
    containers: HashSet<&'a str>,
    /// The containers with the number, on either side of a mapping.
    programs: HashSet<&'a str>,
    /// Whether something listens for SSH.
    ssh: bool,
    /// Whether something listens in a file that may belong to any machine.
    anywhere: bool,
    /// The addresses at which something listens.
    listening: HashSet<&'a str>,
    /// The addresses in the uses, each with the file of its use.
    addresses: HashSet<(&'a str, &'a str)>,
    /// The instances or parts of the service that listen.
    middles: HashSet<Vec<String>>,
    /// The rows of the table of well-known ports that match the uses: numbers and names.
    rows: HashSet<(u32, &'static str)>,
    /// The other bounds of the ranges that the number is a bound of. `None` for a range whose other bound is not known.
    ranges: HashSet<Option<u32>>,
}

impl<'a> Places<'a> {
    fn add(&mut self, used: &Used<'a>) {
        self.addresses.extend(used.evidence.address().map(|address| (used.path, address)));
        self.containers.extend(used.evidence.container());
        self.programs.extend(used.evidence.program());
        self.rows.extend(used.known.map(|(row, _)| (row.number, row.name)));
        if !used.evidence.end().is_empty() {
            self.ranges.insert(used.evidence.other_end().or_else(|| used.evidence.other_end_in_rule()));
        }
        if used.is_listener() {
            let best = &used.evidence.best;
            self.ssh |= best.service.iter().chain(&best.qualifier).any(|word| word == "ssh");
            self.listens |= used.evidence.best.weight >= weight::BOUND;
            self.listening.extend(used.evidence.listening());
            let machine = scaffolding::machine(used.path);
            self.anywhere |= machine.is_none();
            self.machines.extend(machine);
            let middle = used.evidence.middle();
            if !self.middles.contains(&middle) {
                self.middles.insert(middle);
            }
            let part = &used.evidence.best.qualifier;
            let is_purpose = part.iter().all(|word| PURPOSES.contains(&word.as_str()));
            if !is_purpose && !self.parts.contains(part) {
                self.parts.insert(part.clone());
            }
            if !used.evidence.is_isolated() {
                self.files.insert(used.path);
                self.folders.extend(used.path.rsplit_once('/').map(|(folder, _)| folder));
            }
        }
    }
}

/// Groups the uses of one number by service.
fn of_any(number: u32, uses: Vec<Used<'_>>) -> Vec<Cluster<'_>> {
    // A listener that gets its name only from its file takes precedence over clients with other names for it.
    let names_itself = uses.iter().any(|used| used.is_strong() && used.is_listener());
    let is_strong = |used: &Used<'_>| used.is_strong() || !names_itself && used.is_listener();
    let has_strong = uses.iter().any(Used::is_strong);
    // A firewall rule may open the same range as an option.
    let ranges: HashSet<u32> = uses.iter().filter_map(|used| used.evidence.other_end()).collect();
    let is_range_end = |used: &Used<'_>| {
        used.is_range_end()
            || !ranges.is_empty() && used.evidence.other_end_in_rule().is_some_and(|end| ranges.contains(&end))
    };
    let (strong, weak): (Vec<Used<'_>>, Vec<Used<'_>>) =
        uses.into_iter().partition(|used| has_strong && is_strong(used));
    let (listeners, clients): (Vec<Used<'_>>, Vec<Used<'_>>) = strong.into_iter().partition(Used::is_listener);
    // An entry of a catalogue repeats the number of a service that the same file may configure under another name.
    let (entries, listeners): (Vec<Used<'_>>, Vec<Used<'_>>) =
        listeners.into_iter().partition(|used| used.evidence.is_catalogued());
    let entries = own_first(entries, &listeners);
    let (by_file, mut listeners): (Vec<Used<'_>>, Vec<Used<'_>>) =
        listeners.into_iter().partition(Used::is_only_of_file);
    // The option of a service is better evidence than a route to the service.
    listeners.sort_by_key(|used| used.evidence.is_of_route());
    let mut found: Vec<Cluster<'_>> = Vec::new();
    for used in listeners.into_iter().chain(by_file).chain(entries).chain(clients) {
        let names = used.names();
        let same =
            found.iter().position(|cluster| !cluster.is_another_container(&used) && cluster.is_of(&used, &names));
        let near = || beside(&found, &used).or_else(|| on_machine(&found, &used));
        let near =
            || near().filter(|&at| !found[at].is_of_another_row(&used) && !found[at].is_another_container(&used));
        let same = same.or_else(|| of_known_row(&found, &used)).or_else(near).or_else(|| only_local(&found, &used));
        let same = same.or_else(|| listener_here(&found, &used));
        let same = same.or_else(|| catalogued(&found, &used)).or_else(|| in_own_folder(&found, &used));
        let same = same.or_else(|| ssh_server(&found, &used));
        match same.filter(|&at| found[at].may_have(&used)) {
            Some(at) => found[at].add(used),
            None => found.push(Cluster::of(number, used)),
        }
    }
    let mut undecided = Vec::new();
    let mut ends = Vec::new();
    let addresses = if found.is_empty() { HashMap::default() } else { remote_addresses(&weak) };
    let openers = reach::openers(&weak);
    // A connection from outside does not reach a number inside a container.
    let outside = only((0..found.len()).filter(|&at| !found[at].is_inside()));
    let outside = outside.filter(|&at| found.len() > 1 && found[at].listens());
    for used in weak {
        if let Some(at) = reach::container(&found, &used) {
            found[at].add(used);
            continue;
        }
        if let Some(container) = used.evidence.container().filter(|_| used.evidence.is_client()) {
            // A container's health check connects to the container itself.
            let own = found.iter().position(|cluster| cluster.places.containers.contains(container));
            let is_beside = |cluster: &Cluster<'_>| {
                cluster.is_another_container(&used) && cluster.uses.iter().any(|known| known.path == used.path)
            };
            if let Some(at) = own {
                found[at].add(used);
                continue;
            }
            if found.iter().any(is_beside) {
                found.push(Cluster::of(number, used));
                continue;
            }
        }
        let named = found.iter().position(|cluster| cluster.is_named_by(&used));
        let is_elsewhere = is_elsewhere(&addresses, &used) || used.evidence.is_named_by_host();
        let here = || if is_elsewhere { None } else { beside(&found, &used) };
        let here = || here().or_else(|| listener_here(&found, &used));
        let near = || here().or_else(|| bound(&found, &used)).or_else(|| on_machine(&found, &used));
        let usual = || of_same_row(&found, &used);
        let same = named.or_else(near).or_else(|| at_same_address(&found, &used)).or_else(usual);
        let same = same.or_else(|| outside.filter(|&at| found[at].is_reached_by(&used)));
        if same.is_some_and(|at| found[at].is_denied_by(&used)) {
            found.push(Cluster::of(number, used));
            continue;
        }
        match same.filter(|&at| found[at].may_have(&used)) {
            Some(at) => found[at].add(used),
            None if is_range_end(&used) => ends.push(used),
            None if names_another(&found, &used, is_elsewhere) || reach::is_of_another(&found, &openers, &used) => {
                found.push(Cluster::of(number, used))
            }
            None => undecided.push(used),
        }
    }
    // The range in a firewall rule may belong to a service.
    let mut others = Vec::new();
    for used in ends {
        let end = used.evidence.other_end_in_rule();
        match found.iter().position(|cluster| end.is_some() && cluster.places.ranges.contains(&end)) {
            Some(at) => found[at].add(used),
            None => others.push(used),
        }
    }
    let (same, undecided): (Vec<Used<'_>>, Vec<Used<'_>>) =
        undecided.into_iter().partition(|used| at_same_address(&found, used).is_some());
    for used in same {
        if let Some(at) = at_same_address(&found, &used) {
            found[at].add(used);
        }
    }
    let (mut found, undecided) = reach::join(found, undecided);
    match found.as_mut_slice() {
        [] => found = of_weak(number, undecided),
        [only] => undecided.into_iter().for_each(|used| only.add(used)),
        // Nothing shows which of the services the remaining uses belong to.
        _ => {}
    }
    found.extend(of_ranges(number, others));
    found
}

/// A cluster for each range that a number is a bound of. The last port of one range may be the first of another.
fn of_ranges(number: u32, ends: Vec<Used<'_>>) -> impl Iterator<Item = Cluster<'_>> {
    let mut ranges: BTreeMap<(Option<u32>, Vec<String>), Vec<Used<'_>>> = BTreeMap::new();
    for used in ends {
        let other = used.evidence.other_end().or_else(|| used.evidence.other_end_in_rule());
        ranges.entry((other, used.evidence.end())).or_default().push(used);
    }
    ranges.into_values().filter_map(move |uses| Cluster::of_weak(number, uses))
}

/// The clusters for a number if no use names its service for certain: a cluster for each service that a file is named
/// after, or else a single cluster for all uses.
fn of_weak(number: u32, uses: Vec<Used<'_>>) -> Vec<Cluster<'_>> {
    let is_own = |used: &Used<'_>| used.is_of_own_file() || used.evidence.is_passed_on_in_own_file();
    let (own, others): (Vec<Used<'_>>, Vec<Used<'_>>) = uses.into_iter().partition(is_own);
    let mut found: Vec<Cluster<'_>> = Vec::new();
    for used in own {
        let names = used.names();
        match found.iter().position(|cluster| cluster.is_of(&used, &names)) {
            Some(at) => found[at].add(used),
            None => found.push(Cluster::of(number, used)),
        }
    }
    // A connection within another machine reaches another service.
    let (elsewhere, others): (Vec<Used<'_>>, Vec<Used<'_>>) = others.into_iter().partition(|used| {
        let is_elsewhere = matches!(found.as_slice(), [only] if only.is_on_another_machine(used));
        is_elsewhere && used.evidence.is_client() && used.evidence.is_loopback() && !used.is_of_front()
    });
    for used in elsewhere {
        match (1..found.len()).find(|&at| found[at].is_named_by(&used)) {
            Some(at) => found[at].add(used),
            None => found.push(Cluster::of(number, used)),
        }
    }
    if found.len() < 2 {
        let own = found.into_iter().flat_map(|cluster| cluster.uses);
        return Cluster::of_weak(number, own.chain(others).collect()).into_iter().collect();
    }
    for used in others {
        let named = found.iter().position(|cluster| cluster.is_named_by(&used));
        if let Some(at) = named.or_else(|| beside(&found, &used)).or_else(|| on_machine(&found, &used)) {
            found[at].add(used);
        }
    }
    found
}

impl<'a> Cluster<'a> {
    fn of(number: u32, used: Used<'a>) -> Self {
        let (row, service) = (used.row(), used.names());
        let mut places = Places::default();
        places.add(&used);
        Self { number, row, service, certain: vec![used.index], uses: vec![used], places }
    }

    /// A single cluster for all uses of a number, if no use names its service for certain. `None` if there are no uses.
    fn of_weak(number: u32, mut uses: Vec<Used<'a>>) -> Option<Self> {
        uses.sort_by_key(|used| used.index);
        let best = (0..uses.len()).max_by_key(|&at| (uses[at].weight(), std::cmp::Reverse(at)))?;
        let mut cluster = Self::of(number, uses.remove(best));
        uses.into_iter().for_each(|used| cluster.add(used));
        Some(cluster)
    }

    fn add(&mut self, used: Used<'a>) {
        self.certain.push(used.index);
        self.places.add(&used);
        let is_purpose = |row: &Service| {
            let is_common = COMMON_PURPOSES.iter().any(|(number, _)| *number == row.number);
            let own = self.uses.first().map(|known| &known.evidence.best);
            let own = own.map(|best| with(&best.service, &best.qualifier)).unwrap_or_default();
            is_common && share(&own, &words::split(row.name))
        };
        let is_honeypot = || self.service.iter().any(|word| HONEYPOTS.contains(&word.as_str()));
        let may_name = used.row().is_some_and(|row| !(is_purpose(row) && self.listens() || is_honeypot()));
        if may_name && self.row.is_none() && self.uses.iter().all(|known| known.weight() < used.weight()) {
            self.row = used.row();
        }
        self.uses.push(used);
    }

    /// Whether a use that names a service belongs to this cluster.
    fn is_of(&self, used: &Used<'_>, names: &[String]) -> bool {
        match (self.row, used.row()) {
            (Some(row), Some(other)) => row == other,
            (None, Some(row)) if words::differ(&self.service, &words::split(row.name)) => false,
            _ if self.is_another_instance(used) || self.is_of_another_machine(used) => false,
            _ if self.service == names => true,
            _ if alike(&self.service, names) || words::are_synonyms(&self.service, names) => true,
            // The name in one use may be a word in the path of another.
            _ => {
                let in_path = |words: &BTreeSet<String>, name: &[String]| {
                    let is_telling = |word: &&String| !words::is_generic(word) && !PURPOSES.contains(&word.as_str());
                    let mut telling = name.iter().filter(is_telling).peekable();
                    telling.peek().is_some() && telling.all(|word| share(std::slice::from_ref(word), words))
                };
                let near =
                    |known: &Used<'_>| known.path == used.path && known.weight().min(used.weight()) < weight::LISTENER;
                in_path(used.evidence.path_words(), &self.service)
                    || self.uses.iter().any(|known| in_path(known.evidence.path_words(), names) || near(known))
            }
        }
    }

    /// Whether a use may refer to this service's port. A bound of a port range is not the port of one service, unless
    /// the use names that service, or the service has the same range.
    fn may_have(&self, used: &Used<'_>) -> bool {
        !used.is_range_end()
            || self.places.ranges.contains(&None)
            || self.places.ranges.contains(&used.evidence.other_end())
            || share(&self.service, &used.evidence.best.service)
            || share(&self.service, &used.evidence.comment)
    }

    /// Whether this service and the one that a use names are different rows of the table of well-known ports.
    fn is_of_another_row(&self, used: &Used<'_>) -> bool {
        matches!((self.row, used.row()), (Some(row), Some(other)) if row != other)
    }

    /// Whether a use opens the port for another service: in the file of that service, and with a comment that does not
    /// mention this one.
    fn is_denied_by(&self, used: &Used<'_>) -> bool {
        let evidence = &used.evidence;
        let is_other = |words: &[String]| {
            !share(&self.service, words) && self.row.is_none_or(|row| !share(&words::split(row.name), words))
        };
        evidence.is_opened()
            && evidence.is_named_by_comment()
            && evidence.is_of_service()
            && is_other(&evidence.comment)
            && is_other(evidence.subject())
    }

    /// Whether the evidence of a use names this service.
    fn is_named_by(&self, used: &Used<'_>) -> bool {
        // The words of the evidence include those of the best name, but the best name is cheaper to compare.
        share(&self.service, &used.evidence.best.service)
            || self.places.parts.contains(&used.evidence.best.service)
            || share(&self.service, used.evidence.words())
    }

    /// Whether a use belongs to a container that does not belong to this service. A word in common does not make two
    /// containers the same service: `shop-web` and `shop-admin`.
    fn is_another_container(&self, used: &Used<'_>) -> bool {
        let is_other = |container| !self.places.programs.contains(container);
        self.listens()
            && !self.places.programs.is_empty()
            && self.row.is_none()
            && used.evidence.program().is_some_and(is_other)
    }

    /// Whether a use belongs to one instance of a service, and this cluster's uses in the same file belong to other
    /// instances.
    fn is_another_instance(&self, used: &Used<'_>) -> bool {
        let Some(instance) = used.evidence.instance().filter(|_| used.is_listener()) else { return false };
        let mut own = self.uses.iter().filter(|known| known.path == used.path).peekable();
        own.peek().is_some() && own.all(|known| known.evidence.instance().is_some_and(|other| other != instance))
    }

    /// Whether a use is a listener on another machine, for a part of the service that none of this cluster's listeners
    /// belong to.
    fn is_of_another_machine(&self, used: &Used<'_>) -> bool {
        let is_listener = used.is_listener() && self.has_listener();
        let is_here = || used.evidence.address().is_none_or(is_local);
        is_listener
            && is_here()
            && self.is_on_another_machine(used)
            && !self.places.middles.contains(&used.evidence.middle())
    }

    /// Whether another use of this service, in the same file, has a different address.
    fn is_at_another_address(&self, used: &Used<'_>) -> bool {
        let Some(own) = used.evidence.address() else { return false };
        let is_other = |address: &str| address != own && !(is_local(address) && is_local(own));
        self.places.addresses.iter().any(|(path, address)| *path == used.path && is_other(address))
    }

    /// Whether a local client may connect to this service: the client does not name the service that it connects to,
    /// and this service may listen on the same machine.
    fn is_reached_by(&self, used: &Used<'_>) -> bool {
        used.evidence.is_client()
            && used.evidence.is_loopback()
            && used.known.is_none()
            && !used.names_target()
            && !self.is_on_another_machine(used)
    }

    /// Whether all listeners on the port are on machines other than that of a use.
    fn is_on_another_machine(&self, used: &Used<'_>) -> bool {
        let machine = scaffolding::machine(used.path);
        !self.places.machines.is_empty()
            && !self.places.anywhere
            && machine.is_some_and(|machine| !self.places.machines.contains(machine))
    }

    /// The use with the strongest evidence.
    pub fn best(&self) -> Option<&Used<'a>> {
        self.uses.iter().max_by_key(|used| used.rank())
    }

    /// Whether a use shows what the port is for.
    pub fn is_named(&self) -> bool {
        let is_known = |used: &Used<'_>| used.known.is_some_and(|(_, weight)| weight >= weight::KNOWN);
        self.uses.iter().any(|used| used.evidence.best.weight > weight::CLIENT || is_known(used))
    }

    /// Whether the best evidence for its name is a comment next to the number.
    pub fn is_named_by_comment(&self) -> bool {
        self.row.is_none() && self.best().is_some_and(|used| used.evidence.best.weight == weight::COMMENT)
    }

    /// Whether something certainly listens on the port.
    pub fn listens(&self) -> bool {
        self.places.listens
    }

    /// Whether something listens on the port, even if only its file names it.
    fn has_listener(&self) -> bool {
        self.listens() || !self.places.files.is_empty()
    }

    /// Whether all uses open the port in firewalls, in files about different subjects. Then the file names are not
    /// evidence.
    pub fn is_opened_everywhere(&self) -> bool {
        let subjects = || self.uses.iter().map(|used| used.evidence.subject());
        let is_by_file = |used: &Used<'_>| used.evidence.is_opened() && used.evidence.best.weight == weight::FILE;
        let Some(first) = subjects().next() else { return false };
        self.row.is_none()
            && self.uses.iter().all(is_by_file)
            && subjects().any(|subject| !share(first, subject))
            && self.uses.iter().all(|used| !used.evidence.names_service())
    }

    /// Whether containers have the number.
    pub fn is_in_container(&self) -> bool {
        !self.places.programs.is_empty()
    }

    /// Whether the number only occurs inside containers: their mappings have another number outside, and a variable
    /// or a label of the container sets the number that its program listens on.
    pub fn is_inside(&self) -> bool {
        let isolated = || self.uses.iter().filter(|used| used.evidence.is_isolated());
        let is_of_such = |used: &Used<'_>| {
            let program = used.evidence.program();
            !used.evidence.is_published()
                && program.is_some()
                && isolated().any(|known| known.evidence.program() == program)
        };
        self.uses.iter().all(|used| used.evidence.is_isolated() || is_of_such(used))
    }

    /// Whether a listener has the number only as the default value of an option.
    pub fn is_default(&self) -> bool {
        self.uses.iter().any(|used| used.is_listener() && used.evidence.is_default())
    }

    /// The uses in which the service listens on its own port, not on the port of one of its parts.
    fn main_uses(&self) -> impl Iterator<Item = &Used<'a>> {
        let service = self.best().map(|used| &used.evidence.best.service);
        let is_own = move |used: &&Used<'a>| Some(&used.evidence.best.service) == service && used.is_listener();
        self.uses.iter().filter(is_own).filter(|used| used.evidence.is_main())
    }

    /// Whether this is the service's own port, not the port of one of its parts.
    pub fn is_main(&self) -> bool {
        self.main_uses().next().is_some()
    }

    /// Whether the number is the service's own port only by default: no configuration sets it.
    pub fn is_main_default(&self) -> bool {
        let mut own = self.main_uses().peekable();
        own.peek().is_some() && own.all(|used| used.evidence.is_default())
    }

    /// Whether all listeners have the number only as the default value of an option.
    pub fn is_only_default(&self) -> bool {
        let mut listeners = self.uses.iter().filter(|used| used.is_listener()).peekable();
        listeners.peek().is_some() && listeners.all(|used| used.evidence.is_default())
    }

    /// Whether the name leaves out words of the service's whole name that distinguish it from other services.
    pub fn is_shortened(&self) -> bool {
        self.best().is_some_and(|used| used.evidence.whole_name().is_some() || used.evidence.whole_host().is_some())
    }

    /// Whether an option, and not only a default, sets the port of a part of a well-known service to a number other
    /// than its default.
    pub fn is_configured(&self) -> bool {
        let is_known = |used: &Used<'_>| {
            let Candidate { service, qualifier, .. } = &used.evidence.best;
            let part = if qualifier.is_empty() { &used.evidence.middle() } else { qualifier };
            let row = service_ports::named(&with(service, part).concat());
            !part.is_empty() && row.is_some_and(|row| row.number != self.number)
        };
        let sets = |used: &Used<'_>| used.is_listener() && used.evidence.is_option_of_service() && is_known(used);
        self.listens() && !self.is_default() && self.uses.iter().any(sets)
    }

    /// Whether several options have the number.
    pub fn is_repeated(&self) -> bool {
        let place = |used: &Used<'a>| (used.path, used.evidence.option());
        self.uses.windows(2).any(|pair| place(&pair[0]) != place(&pair[1]))
    }

    /// Whether a use has a longer name: `wikiSocket` instead of `wiki`.
    pub fn is_partly_qualified(&self) -> bool {
        let Some(best) = self.best().map(|used| &used.evidence.best) else { return false };
        let is_longer = |name: &[String]| name.len() > best.service.len() && name.starts_with(&best.service);
        let mut listeners = self.uses.iter().filter(|used| used.is_listener());
        let is_qualified = |used: &Used<'_>| {
            used.evidence.best.service == best.service && !used.evidence.best.qualifier.is_empty()
                || used.evidence.is_of_part()
        };
        best.qualifier.is_empty() && listeners.any(|used| is_longer(&used.evidence.best.service) || is_qualified(used))
    }
}
