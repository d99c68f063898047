//! The names that a service's port may get, the best first.

use foldhash::HashSet;

use super::super::candidate::{Candidate, weight};
use super::super::evidence::Evidence;
use super::super::words::{self, is_front, is_holder, share, with};
use super::super::{Used, scaffolding};
use super::Cluster;
use crate::knowledge::name_words::{COMMON_PURPOSES, FORKS, FURTHER_PURPOSES, SECTIONS};
use crate::knowledge::service_ports::{self, Certainty};

impl Cluster<'_> {
    /// The machine that the port belongs to, if all its listeners are options of services in the files of one machine.
    fn only_machine(&self) -> Option<Vec<String>> {
        let mut listeners = self.uses.iter().filter(|used| used.is_listener());
        if !listeners.clone().all(|used| used.evidence.is_option_of_service()) {
            return None;
        }
        let first = scaffolding::machine(listeners.next()?.path)?;
        let is_same = |used: &Used<'_>| scaffolding::machine(used.path) == Some(first);
        listeners.all(is_same).then(|| words::split(first))
    }

    /// Words for the usual purpose of the number, whatever program listens on it.
    fn purposes(&self) -> Vec<Vec<String>> {
        const SYSTEM_PORTS: u32 = 1024;
        let mut common = COMMON_PURPOSES.iter().chain(FURTHER_PURPOSES);
        let common = common.find(|(number, _)| *number == self.number);
        let row = service_ports::services(self.number).first().filter(|_| self.number < SYSTEM_PORTS);
        common
            .map(|(_, word)| vec![(*word).to_owned()])
            .into_iter()
            .chain(row.map(|row| words::split(row.name)))
            .collect()
    }

    /// Names that begin with the subject of a file, as a last resort.
    pub fn names_by_file(&self) -> impl Iterator<Item = Vec<String>> {
        self.uses.iter().filter(|used| used.evidence.is_named_by_file() && !used.is_of_front()).filter_map(|used| {
            let Candidate { service, qualifier, .. } = &used.evidence.best;
            let (base, subject) = (with(service, qualifier), used.evidence.subject());
            let is_other = !subject.is_empty() && !is_front(subject) && !share(subject, &base);
            is_other.then(|| with(subject, &base))
        })
    }

    /// The name of the part of the service that has the port. For a number in a list of ports, the service's name with
    /// the comment next to the number.
    pub fn part_name(&self) -> Option<Vec<String>> {
        let name = self.name_of_part()?;
        let mut name = if self.is_inside() { with(&name, &["container".to_owned()]) } else { name };
        name.truncate(LONGEST);
        spell(&mut name);
        Some(name)
    }

    fn name_of_part(&self) -> Option<Vec<String>> {
        const MOST: usize = 2;
        let best = self.uses.iter().filter(|used| used.is_listener()).max_by_key(|used| used.rank())?;
        let evidence = &best.evidence;
        let Candidate { service, qualifier, weight } = &evidence.best;
        if *weight < weight::LISTENER {
            return None;
        }
        let (base, comment) = (with(service, qualifier), &evidence.comment);
        if evidence.is_in_list() && !words::all_generic(comment) && comment.len() <= MOST && !share(&base, comment) {
            return Some(join_instance(&base, comment));
        }
        // `3390:3389`
        let contained = if evidence.is_published() { evidence.contained() } else { None };
        if let Some(protocol) = contained.filter(|words| *words != ["http"] && !share(&base, words)) {
            return Some(with(&base, &protocol));
        }
        let middle = evidence.middle();
        // `bittorrent` is a part of `qbittorrent`.
        let is_said = |word: &String| service.iter().any(|known| known.contains(word.as_str()));
        let is_part = !middle.is_empty() && qualifier.is_empty() && !middle.iter().all(is_said);
        if is_part {
            return Some(join_instance(service, &middle));
        }
        let section = evidence.section().filter(|words| words.iter().any(|word| SECTIONS.contains(&word.as_str())));
        section.map(|words| with(&with(service, &words), qualifier))
    }

    /// The program that listens, if it is a fork of the well-known service whose number it has, and all listeners have
    /// its name.
    fn fork(&self) -> Option<Vec<String>> {
        let row = self.row?;
        let name = |used: &Used<'_>| used.evidence.best.service.concat();
        let mut listeners = self.uses.iter().filter(|used| used.is_listener());
        let first = name(listeners.next()?);
        let is_fork = FORKS.contains(&(first.as_str(), row.name)) && listeners.all(|used| name(used) == first);
        is_fork.then(|| vec![first])
    }

    /// The network interface that has the port, if it is the same for all listeners.
    fn interface(&self) -> Option<Vec<String>> {
        let mut interfaces = self.uses.iter().filter(|used| used.is_listener()).map(|used| used.evidence.interface());
        let first = interfaces.next()??;
        interfaces.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    /// Names for the service's port, the best first.
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut names = Vec::new();
        let end = self.uses.iter().all(Used::is_range_end).then(|| self.uses.first().map(|used| used.evidence.end()));
        let end = end.flatten().unwrap_or_default();
        names.extend(self.fork().map(|fork| with(&fork, &end)));
        names.extend(self.row.map(|row| with(&words::split(row.name), &end)));
        let is_named = |used: &Used<'_>| used.is_listener() && !used.evidence.best.qualifier.is_empty();
        let default = self.row.filter(|_| self.is_only_default() && !self.uses.iter().any(is_named));
        names.extend(default.map(|row| with(&words::split(row.name), &["default".to_owned()])));
        // A firewall may open the default port of a service that another option configures.
        let is_opened = end.is_empty() && self.uses.iter().all(|used| used.evidence.is_opened());
        let usual = self.row.filter(|_| is_opened);
        names.extend(usual.map(|row| with(&words::split(row.name), &["default".to_owned()])));
        if self.is_opened_everywhere() {
            let remark = self.uses.first().map(|used| used.evidence.remark()).unwrap_or_default();
            let is_same = self.uses.iter().all(|used| used.evidence.remark() == remark);
            names.extend((is_same && !remark.is_empty()).then(|| with(&remark, &end)));
            return names;
        }
        // If something listens, the names that clients use do not count.
        let (listens, is_inside) = (self.has_listener(), self.is_inside());
        let is_scraped =
            self.uses.iter().any(|used| used.evidence.is_client() && used.evidence.best.weight == weight::JOB);
        // During boot, another SSH server may listen on the port of the system's own server. The system's server names
        // the port.
        let is_here = |path: &str, known: &Used<'_>| {
            let machine = scaffolding::machine(path);
            known.path == path || machine.is_some() && machine == scaffolding::machine(known.path)
        };
        let is_running =
            |path: &str, known: &Used<'_>| known.is_listener() && !known.evidence.is_initrd() && is_here(path, known);
        let is_boot =
            |used: &Used<'_>| used.evidence.is_initrd() && self.uses.iter().any(|known| is_running(used.path, known));
        // In the file of a proxy, only its list of servers names what listens.
        let is_front_of_file = |used: &Used<'_>| {
            used.is_only_of_file() && used.evidence.best.service.len() == 1 && is_front(&used.evidence.best.service)
        };
        let is_target = |used: &Used<'_>| {
            matches!(used.evidence.best.weight, weight::TARGET | weight::RECORD) && !used.is_of_front()
        };
        let is_behind = listens
            && self.uses.iter().filter(|used| used.is_listener()).all(is_front_of_file)
            && self.uses.iter().any(is_target);
        let is_main = |used: &Used<'_>| if is_behind { is_target(used) } else { !listens || used.is_listener() };
        let is_name = |used: &&Used<'_>| !used.is_of_front() && is_main(used) && !is_boot(used);
        let named = self.uses.iter().filter(is_name);
        let best = named.max_by_key(|used| used.rank());
        let by_weight = || best.into_iter().chain(&self.uses).filter(is_name);
        let is_default = self.is_default();
        for (at, used) in by_weight().enumerate() {
            let Evidence { best: Candidate { service, qualifier, .. }, comment, .. } = &used.evidence;
            let base = with(service, qualifier);
            // The names of the other uses are those of its clients and of its parts.
            if at == 1 && is_default {
                names.extend(default_name(best, false));
            }
            names.extend(used.evidence.part().map(|part| with(&join_instance(service, &part), qualifier)));
            // The file's name only says which of the service's ports it is.
            let own = best.filter(|best| at > 0 && used.is_only_of_file() && best.is_strong() && best.is_listener());
            let own = own.map(|best| &best.evidence.best.service).filter(|own| !share(own, &base));
            names.extend(own.map(|own| with(own, &base)));
            names.push(base.clone());
            if is_inside {
                names.push(with(&base, &["container".to_owned()]));
            }
            names.extend(used.evidence.whole_name().map(|whole| with(&whole, qualifier)));
            names.push(with(&base, &used.evidence.sides()));
            if at == 0 && self.is_only_default() && !used.evidence.sides().is_empty() {
                names.extend(default_name(best, true));
            }
            names.push(with(&join_instance(service, &used.evidence.middle()), qualifier));
            names.extend(used.evidence.whole_host());
            let section = used.evidence.section().filter(|_| used.is_listener());
            names.extend(section.map(|words| with(&with(service, &words), qualifier)));
            let middles = used.evidence.middles();
            if !middles.is_empty() {
                names.push(with(&with(service, &middles), qualifier));
            }
            if !comment.is_empty() {
                names.push(join_instance(&base, comment));
            }
            let is_exporter = || base.iter().any(|word| word == "exporter") || is_holder(&base);
            if is_scraped && !is_exporter() {
                names.push(with(&base, &["metrics".to_owned()]));
            }
        }
        let base = best.map(|best| with(&best.evidence.best.service, &best.evidence.best.qualifier));
        // SSH client configurations have names that tell the servers apart.
        let clients = self.uses.iter().filter(|used| used.evidence.is_of_ssh_client());
        names.extend(clients.map(|used| used.evidence.best.service.clone()));
        names.extend(base.iter().filter(|_| self.is_default()).map(|base| with(base, &["default".to_owned()])));
        let interface = self.interface();
        names.extend(base.iter().zip(interface).map(|(base, interface)| with(base, &interface)));
        for used in by_weight() {
            let Candidate { service, qualifier, .. } = &used.evidence.best;
            let base = with(&join_instance(service, &used.evidence.middle()), qualifier);
            names.extend(used.evidence.further().iter().map(|words| with(&base, words)));
        }
        let is_of_host = |evidence: &Evidence<'_>| evidence.best.weight == weight::HOST && !evidence.is_of_ssh_client();
        let is_host = best.is_some_and(|best| is_of_host(&best.evidence));
        // `dns.example.org` leads to the web interface of a server.
        let is_protocol = |base: &[String]| {
            let row = if let [word] = base { service_ports::named(word) } else { None };
            row.is_some_and(|row| row.certainty == Certainty::Always)
        };
        let suffix = |base: &[String]| if is_protocol(base) { "web" } else { "proxy" };
        names.extend(base.iter().filter(|_| is_host).map(|base| with(base, &[suffix(base).to_owned()])));
        // A network policy refers to the ports inside containers.
        let is_policed = best.is_some_and(|best| best.evidence.is_policed);
        names.extend(base.iter().filter(|_| is_policed).map(|base| with(base, &["container".to_owned()])));
        // `sftp` is added to `sftpgo`, although `sftpgo` begins with it.
        let is_new = |base: &[String], words: &[String]| !words.iter().all(|word| base.contains(word));
        let purposes = self.purposes();
        let purposes = base.iter().flat_map(|base| purposes.iter().map(move |words| (base, words)));
        names.extend(
            purposes.filter(|(base, words)| is_new(base, words)).map(|(base, words)| [base.as_slice(), words].concat()),
        );
        // A Prometheus job scrapes the metrics of a service.
        let is_scraped = best.is_some_and(|best| best.evidence.best.weight == weight::JOB);
        names.extend(base.iter().filter(|_| is_scraped).map(|base| with(base, &["metrics".to_owned()])));
        let is_target = best.is_some_and(|best| matches!(best.evidence.best.weight, weight::TARGET | weight::RECORD));
        let is_service = |base: &[String]| !words::all_generic(base) && !is_holder(base);
        names.extend(
            base.iter().filter(|base| is_target && is_service(base)).map(|base| with(base, &["upstream".to_owned()])),
        );
        // As a last resort, the machine on which the service has this number.
        let machine = if self.listens() && self.uses.len() < MANY { self.only_machine() } else { None };
        names.extend(
            base.iter().zip(machine).filter(|(base, _)| is_service(base)).map(|(base, name)| with(base, &name)),
        );
        let boot = self.uses.iter().filter(|used| is_boot(used)).map(|used| &used.evidence.best);
        names.extend(boot.map(|best| with(&best.service, &best.qualifier)));
        // A range is not the port of one service.
        // The service behind a proxy does not have the proxy's name.
        let is_behind = |used: &Used<'_>| used.evidence.is_client() && is_front(used.evidence.subject());
        let is_by_file = |used: &Used<'_>| used.evidence.is_named_by_file() && !used.is_range_end() && !is_behind(used);
        if names.is_empty() && self.uses.iter().all(is_by_file) {
            names.extend(self.uses.iter().find_map(|used| words::file_stem(used.path)));
        }
        names.iter_mut().for_each(|name| name.truncate(LONGEST));
        names.iter_mut().for_each(spell);
        names.retain(|name| !name.is_empty());
        let mut seen = HashSet::default();
        names.retain(|name| seen.insert(name.clone()));
        names
    }
}

/// The name of a port that is only the default value of an option. If `with_side`, it contains the words from
/// `Evidence::sides`.
fn default_name(used: Option<&Used<'_>>, with_side: bool) -> Option<Vec<String>> {
    let evidence = &used?.evidence;
    let base = with(&evidence.best.service, &evidence.best.qualifier);
    let base = if with_side { with(&base, &evidence.sides()) } else { base };
    Some(with(&base, &["default".to_owned()]))
}

/// Joins the name of a service and the name of an instance. For an instance `clickhouse2` of `clickhouse`, the result
/// is `clickhouse2`, not `clickhouseClickhouse2`.
fn join_instance(service: &[String], instance: &[String]) -> Vec<String> {
    let starts = |word: &String| service.first().is_some_and(|first| word.starts_with(first.as_str()));
    if instance.first().is_some_and(starts) { instance.to_vec() } else { with(service, instance) }
}

/// Spells the name of a well-known service as the table does: `uptimeKuma` for `uptimekuma`.
fn spell(name: &mut Vec<String>) {
    let Some(first) = name.first() else { return };
    let row = service_ports::named(first).filter(|row| row.name.len() == first.len() && *row.name != *first);
    if let Some(row) = row.filter(|row| row.name.eq_ignore_ascii_case(first)) {
        name.splice(..1, words::split(row.name));
    }
}

/// A port with at least this many uses does not belong to a single machine.
const MANY: usize = 20;

/// The maximum number of words in a name.
const LONGEST: usize = 5;
