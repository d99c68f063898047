//! Names for ports that are in no registry, derived from the weighted evidence of all uses of a number.
//!
//! The listener on a port takes precedence over clients, firewalls and proxies; a table of well-known ports names ports
//! without other evidence. Services that share a number are kept apart.

mod assign;
mod beside;
mod candidate;
mod choose;
mod cluster;
mod evidence;
mod line;
mod manifest;
mod reader;
mod scaffolding;
mod texts;
pub mod words;

use std::collections::BTreeMap;

use foldhash::HashSet;

use rayon::prelude::*;

use crate::finding::Span;
use crate::knowledge::name_words::{COMMON_PURPOSES, GROUPS, HONEYPOTS, MACHINE_FOLDERS, PURPOSES};
use crate::knowledge::service_ports::{self, Certainty, Service, services};
pub use assign::assign;
use candidate::{Candidate, weight};
use cluster::{Cluster, clusters};
use evidence::Evidence;
use scaffolding::Scaffolding;
use words::is_front;
use words::share;

/// A port that is used but is not in a registry.
#[derive(Debug, Clone, Copy)]
pub struct Missing<'a> {
    /// The number.
    pub number: u32,
    /// The name of the use; see [`crate::facts::ports::PortUse::name`].
    pub name: &'a str,
    /// The file where it is used.
    pub path: &'a str,
    /// The text of that file.
    pub text: &'a str,
    /// The span of the number in it.
    pub span: Span,
}

/// An entry to add: the port of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The number.
    pub number: u32,
    /// The group that it belongs to.
    pub group: &'static str,
    /// The words of its name.
    pub name: Vec<String>,
    /// Further names, in case the registry already uses the name for another number.
    pub further: Vec<Vec<String>>,
    /// The uses that certainly belong to this service, as indices into the input.
    pub uses: Vec<usize>,
    /// Whether there is no evidence for the port's purpose.
    pub unnamed: bool,
}

/// The group for services that fit no other group.
const OTHER: &str = "services";

/// The group for ports without a name.
pub const UNNAMED: &str = "unnamed";

/// Evidence that depends on all ports of a repository.
#[derive(Debug)]
pub struct Context<'a> {
    /// Attribute names under which the repository has its own modules.
    namespaces: HashSet<&'a str>,
    scaffolding: Scaffolding<'a>,
    /// The uses that can refer to an entry, by file and position. `None` if all of them can.
    usable: Option<HashSet<(&'a str, u32)>>,
}

impl<'a> Context<'a> {
    /// Builds the context from all ports that are in no registry.
    pub fn of(missing: &[Missing<'a>]) -> Self {
        let namespaces = scaffolding::namespaces(missing);
        let without: Vec<Missing<'a>> = missing.iter().map(|port| scaffolding::without(port, &namespaces)).collect();
        let scaffolding = Scaffolding::of(&without).with_namespaces(namespaces.clone());
        Self { scaffolding, namespaces, usable: None }
    }

    /// Restricts the context to the uses that can refer to an entry. A service without such a use needs no entry.
    pub fn with_usable(self, usable: HashSet<(&'a str, u32)>) -> Self {
        Self { usable: Some(usable), ..self }
    }

    fn is_usable(&self, port: &Missing<'_>) -> bool {
        self.usable.as_ref().is_none_or(|usable| usable.contains(&(port.path, port.span.start)))
    }

    fn read<'r>(&'r self, index: usize, port: &Missing<'r>) -> Used<'r> {
        Used::read(index, &scaffolding::without(port, &self.namespaces), &self.scaffolding)
    }
}

/// Proposes an entry for each service of each number.
pub fn propose(missing: &[Missing<'_>], context: &Context<'_>) -> Vec<Proposal> {
    let numbers: Vec<(u32, Vec<usize>)> = by_number(missing).into_iter().collect();
    let named = numbers.into_par_iter().flat_map_iter(|(number, uses)| {
        clusters(number, uses.into_iter().map(|index| context.read(index, &missing[index])).collect())
    });
    let mut proposals = choose::distinct(named.collect(), missing);
    proposals.retain(|proposal| proposal.uses.iter().any(|&index| context.is_usable(&missing[index])));
    proposals
}

/// Whether each port would get an entry because its service is certain. Cheaper than [`propose`], because no names are
/// chosen.
pub fn are_certain(missing: &[Missing<'_>], context: &Context<'_>) -> Vec<bool> {
    let numbers: Vec<(u32, Vec<usize>)> = by_number(missing).into_iter().collect();
    let certain = numbers.into_par_iter().flat_map_iter(|(number, uses)| match uses.as_slice() {
        // Ambiguity requires uses of two services, and a third use that may belong to either of them.
        [_] | [_, _] => uses,
        _ if number < USER_PORTS && always(services(number)).is_some() => uses,
        _ => {
            let read: Vec<Used<'_>> = uses.iter().map(|&index| context.read(index, &missing[index])).collect();
            match read.iter().all(|used| used.is_strong() && !used.is_of_test) {
                true => uses,
                false => clusters(number, read).into_iter().flat_map(|cluster| cluster.certain).collect(),
            }
        }
    });
    let certain: HashSet<usize> = certain.collect();
    (0..missing.len()).map(|index| certain.contains(&index)).collect()
}

fn by_number(missing: &[Missing<'_>]) -> BTreeMap<u32, Vec<usize>> {
    let mut by_number: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, port) in missing.iter().enumerate() {
        by_number.entry(port.number).or_default().push(index);
    }
    by_number
}

/// The index of the entry that a use belongs to, among those for its number: the entry whose name fits the use's path,
/// file and comment best. `None` if no name fits, or if several fit equally well.
pub fn belongs(port: &Missing<'_>, entries: &[&[String]]) -> Option<usize> {
    let scaffolding = Scaffolding::default();
    let read = Used::read(0, port, &scaffolding);
    let score = |entry: &&[String]| {
        let name = entry.last().map(|name| words::split(name)).unwrap_or_default();
        let service = usize::from(share(&name, &read.named()));
        let by_words =
            name.iter().filter(|word| !words::is_generic(word) && read.evidence.words().contains(*word)).count();
        // A name of the use's service outweighs other words that match.
        service * 10 + by_words
    };
    let scores: Vec<usize> = entries.iter().map(score).collect();
    let best = scores.iter().copied().max().filter(|best| *best > 0)?;
    let mut winners = scores.iter().enumerate().filter(|(_, score)| **score == best);
    let (winner, _) = winners.next()?;
    winners.next().is_none().then_some(winner)
}

/// The style of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// `nodeExporter`
    #[default]
    Camel,
    /// `node-exporter`
    Kebab,
    /// `node_exporter`
    Snake,
}

impl Style {
    /// Detects the style of some names; camelCase if they do not determine one.
    pub fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let (mut kebab, mut snake, mut camel) = (0, 0, 0);
        for name in names {
            kebab += usize::from(name.contains('-'));
            snake += usize::from(name.contains('_'));
            camel += usize::from(name.chars().any(|c| c.is_ascii_uppercase()));
        }
        match () {
            () if kebab > camel.max(snake) => Style::Kebab,
            () if snake > camel.max(kebab) => Style::Snake,
            () => Style::Camel,
        }
    }

    /// Joins words into a name.
    pub fn join(self, words: &[String]) -> String {
        match self {
            Style::Kebab => words.join("-"),
            Style::Snake => words.join("_"),
            Style::Camel => {
                let capital = |word: &String| match word.as_str() {
                    "ui" => "UI".to_owned(),
                    word => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
                };
                words.iter().take(1).cloned().chain(words.iter().skip(1).map(capital)).collect()
            }
        }
    }
}

/// A use with its evidence.
#[derive(Debug)]
struct Used<'a> {
    index: usize,
    number: u32,
    path: &'a str,
    evidence: Evidence<'a>,
    /// The matching row of the table of well-known ports, with its weight.
    known: Option<(&'static Service, u32)>,
    /// Whether it is in a test, or in a check of a configuration.
    is_of_test: bool,
}

impl<'a> Used<'a> {
    fn read(index: usize, port: &Missing<'a>, scaffolding: &'a Scaffolding<'a>) -> Self {
        let evidence = evidence::read(port, scaffolding);
        let known = known(port.number, &evidence);
        let is_of_test = scaffolding::is_of_test(port.path, port.name);
        Self { index, number: port.number, path: port.path, evidence, known, is_of_test }
    }

    fn weight(&self) -> u32 {
        self.known.map_or(0, |(_, weight)| weight).max(self.evidence.best.weight)
    }

    /// The rank of a use as the source of a name: by weight, then uses that are not entries of a catalogue, then the
    /// service's own option, and then the first use.
    fn rank(&self) -> (u32, bool, bool, std::cmp::Reverse<usize>) {
        let Evidence { best, .. } = &self.evidence;
        let is_own = self.evidence.is_main() && !self.evidence.is_of_site() && self.is_listener();
        (best.weight, !self.evidence.is_catalogued(), is_own, std::cmp::Reverse(self.index))
    }

    /// Whether the service is certain from this use alone.
    fn is_strong(&self) -> bool {
        self.weight() >= weight::BOUND
    }

    /// The row, if it outweighs the use's own evidence.
    fn row(&self) -> Option<&'static Service> {
        self.known.filter(|(_, weight)| *weight >= self.evidence.best.weight).map(|(row, _)| row)
    }

    /// The words of the service that the evidence names. A program's default port is not sufficient.
    fn named(&self) -> Vec<String> {
        match self.known {
            Some((row, weight)) if weight >= weight::KNOWN => row_words(row),
            _ => self.evidence.best.service.clone(),
        }
    }

    /// Whether the evidence names nothing, or only something that passes connections on.
    fn is_of_front(&self) -> bool {
        let Candidate { service, weight, .. } = &self.evidence.best;
        // A scrape job, a host, a comment and a variable such as `HTTP_PROXY` are about the proxy itself.
        let is_about_front = matches!(*weight, weight::JOB | weight::VARIABLE | weight::HOST | weight::COMMENT);
        let is_front = || is_front(service) && self.evidence.is_remote && !self.evidence.is_policed;
        service.is_empty() || !is_about_front && is_front()
    }

    /// Whether a firewall opens a range of ports that the number is a bound of.
    fn is_range_end(&self) -> bool {
        self.evidence.other_end().is_some()
    }

    /// Whether something listens on the port here.
    fn is_listener(&self) -> bool {
        let Candidate { service, weight, .. } = &self.evidence.best;
        !self.evidence.is_remote && *weight >= weight::FILE_LISTENER && !service.is_empty()
    }

    /// Whether the use is a listener whose only name is that of its file.
    fn is_only_of_file(&self) -> bool {
        let Candidate { qualifier, weight, .. } = &self.evidence.best;
        *weight == weight::FILE_LISTENER
            && qualifier.is_empty()
            && self.is_listener()
            && self.evidence.program().is_none()
            && self.row().is_none()
    }

    /// Whether the file is about the service with the port: something in the file listens on the port, or opens it for
    /// the service that the file is named after.
    fn is_of_own_file(&self) -> bool {
        let is_opened = self.evidence.is_opened() && self.evidence.best.weight == weight::FILE;
        self.is_listener() || is_opened && self.evidence.names_service()
    }

    /// Whether a client names the service that it connects to. The name of a scrape job may be that of a machine or of
    /// an exporter, unless the job connects to a container by name.
    fn names_target(&self) -> bool {
        match self.evidence.best.weight {
            weight::RECORD | weight::TARGET | weight::VARIABLE | weight::OBJECT => true,
            weight::JOB => self.evidence.is_to_container(),
            _ => false,
        }
    }

    /// The words of the service that the use belongs to.
    fn names(&self) -> Vec<String> {
        match self.row() {
            Some(row) => row_words(row),
            None => self.evidence.best.service.clone(),
        }
    }
}

/// The words that identify the service of a row. The first word of its name may be general: `docker` in
/// `dockerRegistry`.
fn row_words(row: &Service) -> Vec<String> {
    let first = words::split(row.name).into_iter().take(1);
    let first = first.filter(|word| !words::is_generic(word) || row.keywords().next().is_none());
    first.chain(row.keywords().map(str::to_owned)).collect()
}

/// The row of the table for a use, with its weight: the row that always applies to the number, the row that the use
/// names, or else the program that usually has the number.
fn known(number: u32, evidence: &Evidence<'_>) -> Option<(&'static Service, u32)> {
    if let Some(other) = evidence.other_end() {
        return known_range(number, other, evidence);
    }
    // A bound of a range is not the port of a service.
    let is_bound = |row: &Service| {
        row.certainty == Certainty::Named && ["First", "Last"].iter().any(|end| row.name.ends_with(end))
    };
    let rows = services(number).split(is_bound).next().unwrap_or_default();
    if rows.is_empty() {
        return None;
    }
    // A name that a person chose is better evidence than the number.
    let says_more = |row: &Service| {
        let words = row_words(row);
        let service = &evidence.best.service;
        service.iter().any(|word| {
            !words::is_generic(word) && !words.contains(word) && !row.name.eq_ignore_ascii_case(&service.concat())
        })
    };
    if evidence.is_key() && rows.iter().all(says_more) {
        return None;
    }
    if let Some(row) = always(rows) {
        if evidence.best.service.iter().any(|word| HONEYPOTS.contains(&word.as_str())) {
            return None;
        }
        let is_other = row.number == MDNS && (evidence.address().is_some() || evidence.is_client())
            || is_published_for_another(row, evidence)
            || is_of_another_service(row, evidence)
            || row.number >= USER_PORTS && evidence.is_web_of_another(row);
        return (!is_other).then_some((row, weight::ALWAYS));
    }
    // The name of a proxy occurs next to everything behind it.
    let is_of_front =
        |row: &Service| evidence.is_client() && row_words(row).iter().all(|word| is_front(std::slice::from_ref(word)));
    let is_behind_front = |row: &Service| is_of_front(row) && !evidence.shares(row);
    // A listener identifies itself, so the file name does not count.
    let is_listener = evidence.best.weight >= weight::BOUND && !evidence.is_remote;
    let is_job = evidence.best.weight == weight::JOB;
    let is_element = evidence.is_client() && evidence.best.weight == weight::LISTENER + 1;
    let words = if is_listener { evidence.path_words() } else { evidence.words() };
    let names = |row: &&Service| {
        if is_listener && words::differ(&words::split(row.name), &evidence.best.service) {
            return false;
        }
        row_words(row)
            .iter()
            .any(|key| words.contains(key) || key.len() >= 5 && words.iter().any(|word| word.starts_with(key.as_str())))
            || words::has_key(&evidence.best.service, &row_words(row)) && (is_listener || is_job || is_element)
            || words.contains(&row.name.to_ascii_lowercase())
    };
    let is_best = |row: &&Service| {
        let best = &evidence.best;
        best.weight > weight::HOST && words::has_key(&best.service, &row_words(row)) && names(row)
    };
    let named = if rows.len() > 1 { rows.iter().find(is_best) } else { None };
    // `server-port` is the main port of its service, even on the default number of one of the service's parts.
    let is_of_part = |row: &Service| {
        let own = words::split(row.name);
        let whole = own.first().filter(|_| own.len() > 1).and_then(|first| service_ports::named(first));
        whole.is_some_and(|whole| whole.number != row.number) && evidence.is_server_port()
    };
    let rows = if rows.iter().any(is_of_part) { &[] } else { rows };
    // `sshInitrd` is not an alternative to the SSH port.
    if evidence.is_initrd() {
        return None;
    }
    // An entry point of a proxy has a name that a person chose.
    let is_of_row =
        |words: &[String], row: &Service| share(&words::split(row.name), words) || share(&row_words(row), words);
    // `ingress.films.port` in `radarr.nix`, with the default number of Radarr
    let is_of_file = |row: &&Service| {
        let best = &evidence.best;
        let is_route = evidence.is_own_option() && best.weight == weight::BOUND + 5 && !evidence.names_service();
        is_listener && is_route && is_of_row(evidence.subject(), row) && !share(&best.service, evidence.subject())
    };
    let named = named.or_else(|| rows.iter().find(is_of_file));
    if evidence.entry_point().is_some_and(|words| !rows.iter().any(|row| is_of_row(&words, row))) {
        return None;
    }
    if let Some(row) = named.or_else(|| rows.iter().find(|row| names(row) && !is_behind_front(row))) {
        // `forgejoSSH` is not the SSH of the machine.
        return (!is_purpose_of_another(row, evidence)).then_some((row, weight::KNOWN));
    }
    // The configuration of a client or a proxy may name the service that usually has the number.
    let is_of_front = is_front(&evidence.best.service);
    let may_be_another = is_of_front || evidence.best.weight < weight::LISTENER && !evidence.names_service();
    let is_beside = |row: &Service| (is_of_front || !row.is_protocol) && evidence.is_near(row);
    let is_near = |row: &&Service| may_be_another && (is_beside(row) || evidence.is_opened_for_configured(row));
    let mut near = rows.iter().filter(is_near);
    if let (Some(row), None) = (near.next(), near.next()) {
        return Some((row, weight::KNOWN));
    }
    // A variable or a comment with the name of a service is better evidence than the number.
    let is_variable = evidence.best.weight == weight::VARIABLE || evidence.is_own_variable();
    let is_other = |row: &Service| {
        is_variable || (evidence.is_named_by_comment() || evidence.contradicts(row)) && !evidence.shares(row)
    };
    rows.first().filter(|row| row.certainty == Certainty::Usual && !is_other(row)).map(|row| (row, weight::USUAL))
}

/// The row of the table for a bound of a range: a row whose name ends in `First` or `Last`, a row that the use names,
/// or, for a short range, the game server that usually has its first number. Other programs do not have several
/// consecutive numbers.
fn known_range(number: u32, other: u32, evidence: &Evidence<'_>) -> Option<(&'static Service, u32)> {
    const FEW: u32 = 3;
    let (first, last) = (services(number.min(other)), services(number.max(other)));
    let range = |row: &Service| row.name.strip_suffix("First").or_else(|| row.name.strip_suffix("Last"));
    let is_of_range = |rows: &[Service], name: &str| rows.iter().any(|row| range(row) == Some(name));
    let is_end = |row: &&Service| range(row).is_some_and(|name| is_of_range(first, name) && is_of_range(last, name));
    if let Some(row) = services(number).iter().find(is_end) {
        return Some((row, if evidence.shares(row) { weight::KNOWN } else { weight::USUAL }));
    }
    // Both bounds get the same row, unless the row is for only one of the service's ports: `omadaManager`.
    let is_whole = |row: &Service| {
        let words = words::split(row.name);
        words.len() == 1
            || row.keywords().any(|key| key.eq_ignore_ascii_case(row.name))
            || words.iter().all(|word| row.keywords().any(|key| key == word))
    };
    let names = |row: &&Service| range(row).is_none() && is_whole(row) && evidence.shares(row);
    if let Some(row) = first.iter().chain(last).find(names) {
        return Some((row, weight::KNOWN));
    }
    let row = first.first().filter(|row| row.group == "games" && number.abs_diff(other) < FEW)?;
    (row.certainty == Certainty::Usual && !row.is_protocol).then_some((row, weight::USUAL))
}

/// The number of multicast DNS, which nothing reaches at the address of a host. A DNS server may have it, too.
const MDNS: u32 = 5353;

/// Numbers below this one keep their meaning, whatever program listens: only an administrator may use them.
const USER_PORTS: u32 = 1024;

/// Whether a container has the number only outside, and the number of another protocol inside: `445:443` is not SMB.
fn is_published_for_another(row: &Service, evidence: &Evidence<'_>) -> bool {
    let inner = evidence.published().filter(|inner| *inner < USER_PORTS);
    inner.and_then(|inner| always(services(inner))).is_some_and(|inner| inner.number != row.number)
}

/// Whether the listener is a well-known service that does not usually have this number: `services.knot` on 5353.
fn is_of_another_service(row: &Service, evidence: &Evidence<'_>) -> bool {
    row.number >= USER_PORTS
        && !evidence.is_remote
        && evidence.best.weight == weight::LISTENER
        && evidence.is_own_option()
        && evidence.names_service()
        && !row_words(row).iter().any(|word| evidence.path_words().contains(word))
}

/// Whether a row only describes the purpose of another service's port: 2222 is often SSH.
fn is_purpose_of_another(row: &Service, evidence: &Evidence<'_>) -> bool {
    let words = row_words(row);
    let is_purpose = |(number, word): &(u32, &str)| *number == row.number && words.iter().any(|known| known == word);
    let is_other = |word: &String| !words::is_generic(word) && !words.contains(word);
    let Candidate { service, qualifier, weight } = &evidence.best;
    COMMON_PURPOSES.iter().any(is_purpose) && *weight >= weight::BOUND && service.iter().chain(qualifier).any(is_other)
}

/// The row for a number, if it identifies a service independently of the program that serves it.
fn always(rows: &'static [Service]) -> Option<&'static Service> {
    rows.iter().find(|row| row.certainty == Certainty::Always)
}

/// The group of a name.
pub fn group(name: &[String]) -> &'static str {
    // `api` in a name with other words does not identify the service.
    let is_purpose = |word: &str| name.len() > 1 && PURPOSES.contains(&word);
    let is_in = |words: &[&str]| name.iter().any(|word| words.contains(&word.as_str()) && !is_purpose(word));
    let by_word = GROUPS.iter().find(|(_, words)| is_in(words)).map(|(group, _)| *group);
    by_word.or_else(|| known_group(&name.concat())).unwrap_or(OTHER)
}

/// The group of a well-known service. The port for its metrics belongs to another group.
fn known_group(name: &str) -> Option<&'static str> {
    let row = service_ports::named(name)?;
    let is_metrics = ["Exporter", "Metrics", "Stats"].iter().any(|end| row.name.ends_with(end));
    (!is_metrics || row.name.eq_ignore_ascii_case(name)).then_some(row.group)
}

/// The group of a service whose name does not determine a group: the group that a folder is named after, or
/// `development` for a development process. `services` if there is neither.
fn group_by_path(port: &Missing<'_>) -> &'static str {
    let folders: Vec<&str> = port.path.split('/').collect();
    for at in (0..folders.len().saturating_sub(1)).rev() {
        let folder = &folders[at];
        // In a folder of machines, `web` is the name of a machine.
        if at.checked_sub(1).is_some_and(|outer| MACHINE_FOLDERS.contains(&folders[outer])) {
            continue;
        }
        let known = GROUPS.iter().map(|(group, _)| *group).find(|group| synonyms(group).contains(folder));
        if let Some(group) = known.filter(|group| *group != "home") {
            return group;
        }
    }
    let is_development = port.name.split('.').any(|part| part == "processes" || part == "process-compose")
        || ["compose.y", "compose-dev.y", "devenv.nix", "devshell", "shell.nix"]
            .iter()
            .any(|name| port.path.contains(name));
    if is_development { "development" } else { OTHER }
}

/// Alternative names of a group.
pub fn synonyms(group: &str) -> &'static [&'static str] {
    match group {
        "databases" => &["databases", "database", "db", "dbs", "storage", "data", "datastores"],
        "monitoring" => &["monitoring", "observability", "metrics", "monitor", "telemetry", "exporters"],
        "otel" => &["otel", "opentelemetry", "telemetry", "monitoring", "observability"],
        "mail" => &["mail", "email"],
        "messaging" => &["messaging", "queues", "brokers", "chat"],
        "media" => &["media", "arr", "multimedia"],
        "games" => &["games", "gaming", "game"],
        "home" => &["home", "iot", "smarthome", "automation", "homeAutomation"],
        "development" => &["development", "dev", "develop"],
        "infrastructure" => &["infrastructure", "infra", "network", "networking", "net", "system", "web", "core"],
        _ => &["services", "apps", "applications", "misc", "other"],
    }
}

#[cfg(test)]
mod tests;
