//! The evidence that one use gives for the name of its port's service, with weights.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::Missing;
use super::candidate::{Candidate, weight};
use super::line::{self, Side, is_range_end, range_protocol};
use super::reader::Reader;
use super::scaffolding::Scaffolding;
use super::words::{all_generic, comment, is_front, is_generic, is_local, is_variable, share, split, with};
use crate::knowledge::name_words::{
    CLIENTS, COMMON_PURPOSES, CONTAINER_FOLDERS, EMPTY_REMARKS, FORGES, PURPOSES, SIDES,
};
use crate::knowledge::service_ports::Service;

/// The minimum length of a keyword that identifies a service in a line above the number.
const SHORTEST_KEY: usize = 4;

/// The evidence of one use.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The best name.
    pub best: Candidate,
    /// The words of the comment next to the number.
    pub comment: Vec<String>,
    /// Whether the use connects to the port, or opens it in a firewall, so that nothing listens here.
    pub is_remote: bool,
    is_firewall: bool,
    /// Whether a network policy names the app, which may be a proxy.
    pub is_policed: bool,
    /// Whether the port belongs to a different container than the one that publishes it.
    is_behind: bool,
    port: Missing<'a>,
    reader: Reader<'a>,
    path_words: OnceCell<BTreeSet<String>>,
    words: OnceCell<BTreeSet<String>>,
}

impl<'a> Evidence<'a> {
    /// Generic words in the last name that distinguish ports of one service.
    pub fn sides(&self) -> Vec<String> {
        // `backendAddress` means that something is behind a proxy.
        let is_side = |word: &String| SIDES.contains(&word.as_str()) && !(word == "backend" && self.is_client());
        let last = split(self.reader.last()).into_iter().filter(is_side);
        self.reader.line.flag().into_iter().chain(last).chain(range_protocol(self.port.name)).collect()
    }

    /// See [`Reader::middle`].
    pub fn middle(&self) -> Vec<String> {
        self.reader.middle()
    }

    /// See [`Reader::contained`].
    pub fn contained(&self) -> Option<Vec<String>> {
        self.reader.contained()
    }

    /// See [`Reader::section`].
    pub fn section(&self) -> Option<Vec<String>> {
        self.reader.section()
    }

    /// Whether the number is in a list of ports, so that the comment next to it is about that port.
    pub fn is_in_list(&self) -> bool {
        self.reader.last() == "ports"
    }

    /// See [`Reader::middles`].
    pub fn middles(&self) -> Vec<String> {
        if self.best.weight < weight::BOUND { Vec::new() } else { self.reader.middles() }
    }

    /// The subject of the file.
    pub fn subject(&self) -> &[String] {
        &self.reader.subject
    }

    /// Words that distinguish the port from the service's other ports with the same name, such as the name of the
    /// port, the side of a mapping, and the protocol.
    pub fn further(&self) -> Vec<Vec<String>> {
        let side = self.reader.side().map(|side| match side {
            Side::Host => vec!["host".to_owned()],
            Side::Container => vec!["container".to_owned()],
        });
        let inside = self.reader.is_balanced_label().then(|| vec!["container".to_owned()]);
        let side = side.or(inside);
        let published = self.reader.contained().zip(side.clone()).map(|(contained, side)| [contained, side].concat());
        let protocol = line::is_udp(&self.port).then(|| vec!["udp".to_owned()]);
        let (own, general) = match self.reader.own_name() {
            own if own.is_empty() => (None, None),
            own if own.iter().any(|word| word == "https") => (Some(own), None),
            own if own.len() == 1 && own[0] == "healthcheck" => (Some(own), None),
            own if all_generic(&own) && !own.iter().any(|word| PURPOSES.contains(&word.as_str())) => (None, Some(own)),
            own => (Some(own), None),
        };
        let numbered = self.reader.numbered_name(self.port.number);
        let probe = self.reader.probe();
        let is_telling =
            |words: &[String]| !all_generic(words) && !words.iter().any(|word| CLIENTS.contains(&word.as_str()));
        let rest = Some(self.reader.general())
            .filter(|words| !words.is_empty() && (!self.is_remote || self.is_client() && is_telling(words)));
        let inside = self.reader.variable_inside(&self.best.service);
        own.into_iter()
            .chain(self.reader.ssh_block())
            .chain(numbered)
            .chain(self.reader.fallback(&self.best.service))
            .chain(self.reader.contained())
            .chain(inside)
            .chain(probe)
            .chain(published)
            .chain(side)
            .chain(protocol)
            .chain(general)
            .chain(rest)
            .chain(self.reader.section().filter(|_| !self.is_remote))
            .collect()
    }

    /// The network interface that has the port.
    pub fn interface(&self) -> Option<Vec<String>> {
        self.reader.interface()
    }

    /// Whether a load balancer passes connections on to the port.
    pub fn is_balanced(&self) -> bool {
        self.reader.is_balanced()
    }

    /// The other bound of the range that a firewall opens, if it is a different number. A range of several numbers is
    /// not the port of one service.
    pub fn other_end(&self) -> Option<u32> {
        if !is_range_end(self.port.name) {
            return None;
        }
        let other = if self.reader.last() == "from" { "to" } else { "from" };
        self.reader.beside?.number(other).filter(|other| *other != self.port.number)
    }

    /// Like [`Self::other_end`], for a range in a firewall rule.
    pub fn other_end_in_rule(&self) -> Option<u32> {
        self.reader.end_in_rule().map(|(_, other)| other).filter(|other| *other != self.port.number)
    }

    /// The words for the bound of a service's port range that the number is, such as `first`. Empty if it is not a
    /// bound.
    pub fn end(&self) -> Vec<String> {
        self.reader.end()
    }

    /// The words of the comment next to the number, however general. Empty if the comment only says that the port is
    /// open, or does not have two or three words.
    pub fn remark(&self) -> Vec<String> {
        const MOST: usize = 3;
        let words = split(self.reader.line.comment);
        let is_empty = words.iter().all(|word| EMPTY_REMARKS.contains(&word.as_str()));
        if is_empty || words.len() < 2 || words.len() > MOST { Vec::new() } else { words }
    }

    /// The name of the part of the service that has this port: `satellite` in `services.wyoming.satellite.port`.
    pub fn part(&self) -> Option<Vec<String>> {
        if self.is_remote || self.best.weight != weight::LISTENER { None } else { self.reader.part() }
    }

    /// The whole name of the service; see [`Reader::whole_name`].
    pub fn whole_name(&self) -> Option<Vec<String>> {
        if self.best.weight < weight::LISTENER { None } else { self.reader.whole_name() }
    }

    /// The whole name of the container that a client connects to, with the common final word that its shortened name
    /// lacks: `wiki server` in `http://wiki-server:8080`.
    pub fn whole_host(&self) -> Option<Vec<String>> {
        let host = if self.best.weight == weight::TARGET { self.reader.line.whole_url_host()? } else { return None };
        (host.len() == self.best.service.len() + 1 && host.starts_with(&self.best.service)).then_some(host)
    }

    /// Whether the file name may be used as a last resort.
    pub fn is_named_by_file(&self) -> bool {
        !self.reader.is_one_of_many && !self.reader.is_forwarded()
    }

    /// The attribute path of the number.
    pub fn option(&self) -> &'a str {
        self.port.name
    }

    /// Whether the number is an entry in a set of ports; see [`Reader::is_key`].
    pub fn is_key(&self) -> bool {
        self.best.weight >= weight::BOUND && self.reader.is_key()
    }

    /// Whether the number is only the default value of an option.
    pub fn is_default(&self) -> bool {
        self.reader.is_default
    }

    /// Whether this is the service's own port. False for an option with another name, or of a part of the service.
    pub fn is_main(&self) -> bool {
        self.reader.is_plain_port() && self.best.qualifier.is_empty() && self.middle().is_empty()
    }

    /// Whether the number is an entry in a set of routes to services; see [`Reader::is_of_route`].
    pub fn is_of_route(&self) -> bool {
        self.reader.is_of_route()
    }

    /// Whether the port is the one that a virtual host listens on.
    pub fn is_of_site(&self) -> bool {
        self.reader.is_of_site()
    }

    /// Whether the use is an option of a service that does not run in a container, rather than a number in text.
    pub fn is_option_of_service(&self) -> bool {
        self.best.weight == weight::LISTENER && self.program().is_none() && !self.port.name.contains(' ')
    }

    /// Whether the service listens only during boot, before the system starts.
    pub fn is_initrd(&self) -> bool {
        self.best.qualifier.iter().any(|word| word == "initrd")
    }

    /// Whether the service is named only by an entry in a set of several services, such as a list of endpoints, and the
    /// entry is about this machine.
    pub fn is_catalogued(&self) -> bool {
        let is_here = || self.reader.beside.and_then(|beside| beside.full_host()).is_none_or(is_local);
        !self.is_remote && self.reader.is_held() && self.is_own_option() && is_here()
    }

    /// Whether the use is simply the option for the port that the service listens on.
    pub fn is_own_option(&self) -> bool {
        (self.reader.is_plain_port() || self.reader.last() == "listen") && self.reader.container().is_none()
    }

    /// Whether the use is the option for the server's own port, as opposed to the ports of its parts.
    pub fn is_server_port(&self) -> bool {
        !self.is_remote && matches!(self.reader.last(), "server-port" | "serverPort" | "server_port")
    }

    /// The instance of the service, if a module runs several: `creative` in `servers.creative.port`.
    pub fn instance(&self) -> Option<&'a str> {
        self.reader.instance()
    }

    /// Whether the use connects to a host that has the name of the service: `Wiki` at `wiki.example.org:8080`.
    pub fn is_named_by_host(&self) -> bool {
        self.best.weight == weight::RECORD
            && self.is_client()
            && !self.is_loopback()
            && share(&self.best.service, &self.reader.line.host_name())
    }

    /// Whether the address is in a variable whose name begins with the subject of the file: `PBGOPY_SERVER` in
    /// `pbgopy.nix`.
    pub fn is_own_variable(&self) -> bool {
        let last = self.reader.last();
        self.best.weight == weight::TARGET && self.best.qualifier.is_empty() && is_variable(last) && {
            let first = split(last).into_iter().next();
            self.best.service.first() == first.as_ref() && self.best.service == self.subject()
        }
    }

    /// Whether the comment next to the number names a service.
    pub fn is_named_by_comment(&self) -> bool {
        let is_comment = matches!(self.best.weight, weight::COMMENT..=weight::COMMENT_OF_SUBJECT);
        let says = |word: &String| !is_generic(word) && !PURPOSES.contains(&word.as_str());
        is_comment && self.best.service.iter().chain(&self.comment).any(says)
    }

    /// Whether the best name or the comment contains a word of a row's service.
    pub fn shares(&self, row: &Service) -> bool {
        let words = [self.best.service.as_slice(), &self.comment].concat();
        share(&split(row.name), &words) || share(&row.keywords().map(str::to_owned).collect::<Vec<_>>(), &words)
    }

    /// Whether the number is in text that configures a program.
    pub fn is_in_text(&self) -> bool {
        self.reader.is_in_text()
    }

    /// Whether one of the lines above the number, in text that configures a program, consists of the name of
    /// a service, perhaps after one other word: `type: homeassistant`.
    pub fn is_near(&self, row: &Service) -> bool {
        let is_name = |word: &str| {
            row.name.eq_ignore_ascii_case(word)
                || row.keywords().any(|key| key.len() >= SHORTEST_KEY && key.eq_ignore_ascii_case(word))
        };
        self.reader.is_in_text() && self.reader.line.titles().any(is_name)
    }

    /// Whether a firewall opens the port in a file that configures the service of a row, and only the file's name shows
    /// what the port is for.
    pub fn is_opened_for_configured(&self, row: &Service) -> bool {
        let is_only_opened = self.is_opened() && self.best.weight <= weight::FILE && !self.best.service.is_empty();
        is_only_opened
            && std::iter::once(row.name).chain(row.keywords()).any(|name| self.reader.configures(&[name.to_owned()]))
    }

    /// The name of the proxy's entry point that has the port: `web` in `entryPoints.web.address`.
    pub fn entry_point(&self) -> Option<Vec<String>> {
        self.reader.entry_point().map(split)
    }

    /// Whether the names outweigh the usual meaning of the number. The service behind a virtual host or in a URL is not
    /// an exporter and speaks HTTP, and a firewall rule in a service's file does not open an exporter's port.
    pub fn contradicts(&self, row: &Service) -> bool {
        let is_named = matches!(self.best.weight, weight::HOST | weight::TARGET | weight::RECORD)
            && (self.names_service() || self.is_configured_here());
        let is_behind_host = || (row.is_protocol || row.is_exporter()) && self.reader.host_label().is_some();
        is_named
            || is_behind_host()
            || self.is_opened() && self.is_in_file_of_service() && (row.is_exporter() || !self.mentions(row))
            || self.reader.protocol().is_some_and(|names| !names.contains(&row.name))
    }

    /// Whether a virtual host passes HTTP requests to the port, although the number is that of another protocol and no
    /// name mentions the protocol.
    pub fn is_web_of_another(&self, row: &Service) -> bool {
        row.is_protocol && self.is_client() && self.reader.is_web_of_host() && !self.shares(row)
    }

    /// Whether the best name is that of a service that a client connects to, and the file configures this service.
    pub fn is_configured_here(&self) -> bool {
        self.best.weight == weight::TARGET && self.reader.configures(&self.best.service)
    }

    /// Whether the file contains a name of the service. Also true for protocols, and for a number in a list of several.
    fn mentions(&self, row: &Service) -> bool {
        let words = std::iter::once(row.name).chain(row.keywords());
        row.is_protocol || self.reader.is_one_of_many || words.into_iter().any(|word| self.port.text.contains(word))
    }

    /// Whether only the file name identifies the service, and the file configures a service with that name.
    fn is_in_file_of_service(&self) -> bool {
        let subject = self.subject().first().filter(|_| self.best.weight == weight::FILE);
        // `services.nzbget` in `nzb.nix` is another service.
        let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        subject.is_some_and(|word| {
            let option = format!("services.{word}");
            self.port.text.match_indices(&option).any(|(at, _)| is_whole(&self.port.text[at + option.len()..]))
        })
    }

    /// The addresses that the service listens on, according to the use.
    pub fn listening(&self) -> impl Iterator<Item = &'a str> {
        let beside = self.reader.beside.iter().flat_map(|beside| beside.addresses());
        self.address().into_iter().chain(beside)
    }

    /// Whether the use connects to this machine.
    pub fn is_loopback(&self) -> bool {
        let beside = || self.reader.beside.filter(|_| self.reader.last() == "port")?.full_host();
        self.reader.line.is_at_loopback()
            || self.reader.line.is_at_bound_loopback(self.port.text)
            || self.reader.jail().is_some()
            || self.is_client() && self.reader.line.called_host().is_some()
            || self.is_client() && self.address().is_none() && beside().is_some_and(is_local)
    }

    /// Whether a name is that of a machine in the repository.
    pub fn is_machine(&self, name: &str) -> bool {
        self.reader.context.is_machine(name)
    }

    /// Whether the best name belongs to a known service.
    pub fn names_service(&self) -> bool {
        self.reader.is_service(&self.best.service)
    }

    /// Whether the file is about a known service.
    pub fn is_of_service(&self) -> bool {
        let subject = self.subject();
        !subject.is_empty()
            && !is_front(subject)
            && (self.reader.is_service(subject) || self.reader.configures(subject))
    }

    /// Whether the file configures the service that it is named after.
    pub fn configures_subject(&self) -> bool {
        let subject = self.subject();
        !subject.is_empty() && !is_front(subject) && self.reader.configures(subject)
    }

    /// Whether a call with the port is bound to the name of a virtual host, and that name is the best name of the
    /// service behind it.
    pub fn is_called_for_host(&self) -> bool {
        self.best.weight == weight::TARGET
            && self.reader.line.called_host().is_some_and(|host| host == self.best.service)
    }

    /// Whether a sidecar listens on the port for connections to another service.
    pub fn is_upstream(&self) -> bool {
        self.reader.beside.is_some_and(|beside| beside.is_element() && beside.destination().is_some())
    }

    /// Whether the use is in the configuration of an SSH client.
    pub fn is_of_ssh_client(&self) -> bool {
        self.reader.ssh_host().is_some() && self.best.weight == weight::HOST
    }

    /// Whether a proxy passes connections on to the port, in a file that is about the service behind it.
    pub fn is_passed_on_in_own_file(&self) -> bool {
        self.is_client()
            && self.best.weight == weight::FILE
            && matches!(self.reader.last(), "proxyPass" | "proxy_pass" | "reverse_proxy")
            && (self.names_service() || self.reader.is_in_folder_of_service())
    }

    /// Whether the use connects to a service.
    pub fn is_client(&self) -> bool {
        self.is_remote && !self.is_firewall
    }

    /// Whether a firewall opens the port.
    pub fn is_opened(&self) -> bool {
        self.is_firewall
    }

    /// The container that listens on the port, or whose health check connects to it. `None` for a number that only
    /// occurs inside the container.
    pub fn container(&self) -> Option<&'a str> {
        let is_other = self.is_behind || self.is_isolated() || self.is_client() && !self.reader.is_health_check();
        if is_other { None } else { self.reader.container() }
    }

    /// The container that listens on the number, on either side of its mapping. Two containers are two programs.
    pub fn program(&self) -> Option<&'a str> {
        let is_other = self.is_behind || self.is_client() && !self.reader.is_health_check();
        // In Kubernetes, the only container of a pod is often called `main`.
        let container = || self.reader.container().filter(|name| !is_generic(name));
        if is_other { None } else { container().or_else(|| self.reader.compose_service()) }
    }

    /// Whether the use connects to the address of a container, which is not that of the machine:
    /// `http://${containers.wiki.address}:8080`.
    pub fn is_at_own_address(&self) -> bool {
        let host = self.reader.line.before.rsplit_once("://").map_or("", |(_, host)| host);
        host.starts_with("${") && host.ends_with("}:") && host.contains("containers.")
    }

    /// Whether the use connects to a host whose name is one label and the name of a service: `wiki:8000`. Other single
    /// labels are often the names of machines.
    pub fn is_to_container(&self) -> bool {
        let is_label = |host: &str| !host.contains('.') && host.contains(|c: char| c.is_ascii_alphabetic());
        let is_service = |host: &str| self.reader.is_service(&split(host));
        self.is_client()
            && self.address().is_some_and(|host| is_label(host) && !is_local(host) && is_service(host))
            && !self.reader.is_at_machine()
    }

    /// Whether the number is inside a container that publishes it under another number. A client in the same file
    /// does not connect to it.
    pub fn is_isolated(&self) -> bool {
        self.reader.side() == Some(Side::Container) && self.reader.line.side() == Some(Side::Container)
    }

    /// The literal host of the address that contains the number.
    pub fn address(&self) -> Option<&'a str> {
        self.reader.line.address()
    }

    /// Whether the port belongs to a part of the service that a variable of its container names.
    pub fn is_of_part(&self) -> bool {
        self.reader.variable_inside(&self.best.service).is_some()
    }

    /// The number inside the container that publishes this one.
    pub fn published(&self) -> Option<u32> {
        self.reader.line.inner().filter(|_| self.is_published())
    }

    /// Whether the number is outside a container that has another number inside.
    pub fn is_published(&self) -> bool {
        self.reader.side() == Some(Side::Host)
    }

    /// The words of the path and of the text around the number.
    pub fn path_words(&self) -> &BTreeSet<String> {
        self.path_words.get_or_init(|| word_set(self.reader.texts().into_iter()))
    }

    /// All words of the use. They include the words of the file's path, unless the file is about a reverse proxy
    /// or a dashboard, whose ports belong to other services.
    pub fn words(&self) -> &BTreeSet<String> {
        let path = || if is_front(self.subject()) { "" } else { self.port.path };
        // `docker/wiki/default.nix` is not about Docker, but `k3s/default.nix` is about k3s.
        let own = path().strip_suffix("/default.nix").unwrap_or_else(path);
        let own = own.rsplit('/').next().unwrap_or(own);
        let folders = || path().split('/').filter(|name| !CONTAINER_FOLDERS.contains(name) || *name == own);
        let words = || self.path_words().iter().cloned().chain(word_set(folders())).collect();
        self.words.get_or_init(words)
    }
}

/// Reads the evidence of a use.
pub fn read<'a>(port: &Missing<'a>, context: &'a Scaffolding<'a>) -> Evidence<'a> {
    let mut reader = Reader::of(port, context);
    let comment = comment(reader.line.comment);
    let is_firewall = reader.is_firewall();
    let is_client = !is_firewall && reader.is_client();
    if is_client {
        reader.look_behind_front();
    }
    let mut candidates = match (is_firewall, is_client) {
        (true, _) => vec![reader.file(weight::FILE)],
        (_, true) => reader.client(port),
        _ => vec![reader.listener()],
    };
    let is_remote = is_firewall || is_client;
    candidates.extend(if is_firewall { reader.rule() } else { None });
    let policed = if is_firewall { reader.policed(port) } else { None };
    let is_policed = policed.is_some();
    candidates.extend(policed);
    candidates.extend(reader.element().map(|found| match reader.is_local_end() {
        // `localPort` of a proxy is the port of a service that may have another name.
        true => Candidate { weight: weight::OBJECT, ..found },
        false => found,
    }));
    candidates.extend(if is_firewall { None } else { reader.argument(is_client) });
    candidates.extend(reader.bound(is_firewall || is_client));
    candidates.extend(reader.script(is_firewall || is_client));
    candidates.extend(reader.graphics());
    candidates.extend(reader.forwarded());
    candidates.extend(if is_remote { None } else { reader.run(port) });
    candidates.extend(reader.virtual_machine(port.path));
    candidates.extend(reader.resolved());
    let behind = if is_remote { None } else { reader.behind(&comment).or_else(|| reader.behind_network(port)) };
    let is_behind = behind.is_some();
    candidates.extend(behind);
    candidates.extend(reader.conditional(is_firewall));
    candidates.extend(reader.commented(&comment, is_firewall));
    let partner = reader.partner().unwrap_or_default();
    let mut best = Candidate::default();
    for candidate in candidates.into_iter().filter(|candidate| !candidate.service.is_empty()) {
        if candidate.weight > best.weight {
            best = Candidate { qualifier: with(&candidate.qualifier, &partner), ..candidate };
        }
    }
    add_purpose(port.number, &mut best);
    Evidence {
        best,
        comment,
        is_remote: is_firewall || is_client,
        is_firewall,
        is_policed,
        is_behind,
        port: *port,
        reader,
        path_words: OnceCell::new(),
        words: OnceCell::new(),
    }
}

/// Adds the common purpose of a number as the qualifier of its service: `ssh` in `forgejoSSH`, for 2222 in any Git
/// forge.
fn add_purpose(number: u32, best: &mut Candidate) {
    let Some((_, purpose)) = COMMON_PURPOSES.iter().find(|(known, _)| *known == number) else { return };
    let is_said = best.service.len() > 1 && best.service.last().is_some_and(|word| word == purpose);
    if is_said {
        best.service.pop();
    }
    let is_forge = *purpose == "ssh" && best.service.iter().any(|word| FORGES.contains(&word.as_str()));
    if is_said || is_forge {
        best.qualifier = with(&best.qualifier, &[(*purpose).to_owned()]);
    }
}

/// The words of several strings, and for each string, all its words joined into one.
fn word_set<'x>(texts: impl Iterator<Item = &'x str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for piece in texts.flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))) {
        let split = split(piece);
        if split.len() != 1 {
            words.insert(split.concat());
        }
        words.extend(split);
    }
    words
}
