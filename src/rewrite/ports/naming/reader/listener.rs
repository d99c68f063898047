//! The names that a listener gives to its own service.

use super::super::candidate::{Candidate, weight};
use super::super::words::{
    all_generic, is_generic, is_holder, is_set_of_endpoints, is_set_of_routes, is_variable, service, share, split,
    telling, with,
};
use super::{Reader, is_front};
use crate::knowledge::name_words::{
    ABBREVIATIONS, CATEGORIES, COMMAND_OPTIONS, DIAGNOSTICS, HOLDERS, PARTS, PURPOSES, ROLES, STRUCTURE,
};
use crate::knowledge::service_ports::{self, Certainty};

/// Words in the names of options that set the first port of a range.
const RANGE_STARTS: [&str; 3] = ["min", "minimum", "start"];

/// Words in the names of options that set the last port of a range.
const RANGE_ENDS: [&str; 3] = ["end", "max", "maximum"];

impl Reader<'_> {
    pub fn listener(&self) -> Candidate {
        let candidate = self.owner();
        // `bazarr` in `arr-exporter.nix`
        let is_exporter =
            self.subject.last().is_some_and(|word| word == "exporter") && self.named_by_option().is_none();
        match is_exporter && !candidate.service.iter().any(|word| word == "exporter") {
            true => Candidate { qualifier: with(&["exporter".to_owned()], &candidate.qualifier), ..candidate },
            false => candidate,
        }
    }

    fn owner(&self) -> Candidate {
        if self.is_manifest() {
            return self.in_manifest();
        }
        if let Some(candidate) = self.by_default() {
            return candidate;
        }
        if let Some(forward) = self.ssh_forward() {
            let (service, qualifier) = (vec!["ssh".to_owned()], vec![forward.to_owned()]);
            return Candidate { service, qualifier, weight: weight::FILE_LISTENER };
        }
        if let Some(candidate) = self.abbreviation().or_else(|| self.written_for_caddy()) {
            return candidate;
        }
        // A port that an SSH client forwards.
        if self.parts.contains(&"matchBlocks") {
            return Candidate { service: vec!["ssh".to_owned()], qualifier: Vec::new(), weight: weight::FILE_LISTENER };
        }
        if let Some(candidate) = self.site() {
            return candidate;
        }
        if self.is_site_address() {
            return Candidate { service: self.subject.clone(), qualifier: Vec::new(), weight: weight::FILE_LISTENER };
        }
        if let Some((_, candidate)) = self.named() {
            return self.inside(candidate.clone());
        }
        if let Some(candidate) = self.in_ports().or_else(|| self.in_routes()) {
            return candidate;
        }
        let is_option = self.parts.first().is_some_and(|part| *part == "options") || self.parts.contains(&"options");
        let inner: Vec<usize> = (0..self.parts.len().saturating_sub(1)).filter(|&at| self.says_whose(at)).collect();
        // A repository's own modules begin with a common name: `options.acme.wiki.port`. The purpose of a part's port
        // does not name the part: `options.acme.wiki.webUI.port`.
        let is_purpose = |at: &&usize| {
            split(self.parts[**at]).iter().all(|word| PURPOSES.contains(&word.as_str()) || is_generic(word))
        };
        // `Frontend.bind_port` in `wiki/config/server.nix`
        let is_part = |at: usize| {
            let part = self.parts[at].to_ascii_lowercase();
            at == 0 && (PARTS.contains(&part.as_str()) || ROLES.contains(&part.as_str()))
        };
        let found = match is_option {
            true => inner.iter().rev().find(|at| !is_purpose(at)).or(inner.last()),
            // The file name shows which part is the service: `acme.deployed.wiki.port` in `wiki.nix`.
            false => {
                // A part with the name of a group or of a purpose is less specific than the part after it.
                let is_group =
                    |part: &str| is_holder(&split(part)) || CATEGORIES.contains(&part) || PURPOSES.contains(&part);
                let is_subject = |at: &&usize| {
                    let part = self.parts[**at];
                    inner.len() > 1 && split(part) == self.subject && !is_group(part)
                };
                let is_folder = |at: &&usize| {
                    let part = self.parts[**at];
                    inner.last() == Some(*at) && !is_group(part) && self.path.split('/').any(|folder| folder == part)
                };
                let in_folder = || if inner.len() > 1 { inner.iter().rev().find(is_folder) } else { None };
                inner.iter().find(is_subject).or_else(in_folder).or(inner.first())
            }
        };
        if let Some(candidate) = found.and_then(|&at| self.in_namespace(at, &inner)) {
            return candidate;
        }
        match found {
            Some(&at) if is_option && !self.subject.is_empty() => {
                let service = with(&self.subject, &service(self.parts[at]));
                let service = if share(&self.subject, &split(self.parts[at])) { self.subject.clone() } else { service };
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER }
            }
            Some(at) if !self.subject.is_empty() && (is_purpose(&at) || is_part(*at)) => {
                let (service, words) = (self.subject.clone(), telling(self.parts[*at]));
                Candidate { qualifier: with(&words, &self.qualifier(&service)), service, weight: weight::BOUND + 5 }
            }
            Some(&at) if !self.subject.is_empty() && is_holder(&service(self.parts[at])) => self.leaf(self.last()),
            Some(&at) => {
                let words = service(file_owner(self.parts[at]));
                if let Some(candidate) =
                    self.in_settings(at, &words, &inner).or_else(|| self.inside_settings(at, &words))
                {
                    return candidate;
                }
                let is_short = matches!(words.as_slice(), [word] if is_abbreviation(word, &self.subject));
                let is_same = is_short || share(&self.subject, &words);
                // The part is `ldaps` for `authentik-ldaps` in `authentik.nix`.
                let starts = !self.subject.is_empty() && words.starts_with(&self.subject);
                let part = if starts { words[self.subject.len()..].to_vec() } else { Vec::new() };
                let service = if is_same { self.subject.clone() } else { words };
                let qualifier = with(&part, &self.qualifier(&service));
                Candidate { qualifier, service, weight: weight::BOUND + 5 }
            }
            None => self.leaf(self.last()),
        }
    }

    /// The service whose option has the number as its default: `wireguard` in `hub.wireguard.listenPort or 51820`, if
    /// the name that is bound to the value says nothing.
    fn by_default(&self) -> Option<Candidate> {
        let mut parts = self.line.path_with_default()?.rsplit('.').filter(|_| self.parts.len() == 1);
        let option = parts.next().filter(|option| split(option).last().is_some_and(|word| word == "port"))?;
        let words = service(parts.next()?);
        let is_name = words.iter().any(|word| !PURPOSES.contains(&word.as_str()) && !is_generic(word));
        let is_bound = self.parts.iter().any(|part| !telling(part).is_empty());
        (is_name && !is_bound && !self.is_machine(&words)).then(|| Candidate {
            qualifier: telling(option),
            service: words,
            weight: weight::BOUND + 5,
        })
    }

    /// The repository's own program, if only a purpose follows the namespace of the repository's modules: `acme
    /// dashboard` for `options.acme.dashboard.port`.
    fn in_namespace(&self, at: usize, inner: &[usize]) -> Option<Candidate> {
        if !self.subject.is_empty() || !self.context.is_namespace(self.parts[at]) || inner.first() != Some(&at) {
            return None;
        }
        let [purpose] = &inner[1..] else { return None };
        let purpose = Some(self.parts[*purpose]).filter(|part| PURPOSES.contains(part))?;
        let service = with(&service(self.parts[at]), &[purpose.to_owned()]);
        Some(Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER })
    }

    /// The kind of the port that SSH forwards: `socks` in `dynamicForwards.port`. `None` for the SSH port itself.
    pub(super) fn ssh_forward(&self) -> Option<&'static str> {
        let has = |name: &str| self.parts.contains(&name);
        match () {
            () if !has("matchBlocks") => None,
            () if has("dynamicForwards") => Some("socks"),
            () if has("localForwards") || has("remoteForwards") => Some("forward"),
            () => None,
        }
    }

    /// The host in the SSH configuration that has the port, or whose connections forward it: `eva` in
    /// `matchBlocks.eva.port`.
    pub fn ssh_block(&self) -> Option<Vec<String>> {
        let at = self.parts.iter().position(|part| *part == "matchBlocks")?;
        let host = self.parts.get(at + 1).filter(|_| at + 2 < self.parts.len())?;
        let is_name = host.len() > 1 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let words = split(host);
        (is_name && !all_generic(&words)).then_some(words)
    }

    /// The name of a shell abbreviation, with the kind of the port in its `ssh` command: `share` for
    /// `programs.fish.shellAbbrs.share`.
    pub(super) fn abbreviation(&self) -> Option<Candidate> {
        let at = self.parts.iter().position(|part| ABBREVIATIONS.contains(part))?;
        let words = split(self.parts.get(at + 1)?);
        let is_name = words.iter().any(|word| word.len() > 1 && !is_generic(word));
        // Only `-p` sets the port of an SSH server.
        let flags = || self.line.before.rsplit_once("ssh ").map_or("", |(_, flags)| flags).split_whitespace();
        let kind = flags().rev().find_map(|flag| match flag {
            "-p" => Some("ssh"),
            "-L" | "-R" => Some("forward"),
            "-D" => Some("socks"),
            _ => None,
        });
        let words = kind.map_or_else(|| words.clone(), |kind| with(&words, &[kind.to_owned()]));
        is_name.then_some(Candidate { service: words, qualifier: Vec::new(), weight: weight::LISTENER })
    }

    /// An address in a Caddy configuration that another unit's script writes: `admin localhost:2019` or the site `:8080
    /// {`.
    fn written_for_caddy(&self) -> Option<Candidate> {
        let before = self.line.before.trim();
        let is_site = before == ":" && self.line.after.trim() == "{";
        let is_admin = before.strip_prefix("admin ").is_some_and(|host| host.ends_with(':'));
        if !is_site && !is_admin || !self.parts.iter().any(|part| COMMAND_OPTIONS.contains(part)) {
            return None;
        }
        let qualifier = if is_admin { vec!["admin".to_owned()] } else { Vec::new() };
        let service = with(&self.subject, &["caddy".to_owned()]);
        Some(Candidate { service, qualifier, weight: weight::LISTENER + 2 })
    }

    /// Adds the name of the container to a server that does not have the default number of its protocol: `forge` to
    /// `ssh` in `containers.forge.config.services.openssh.ports`.
    fn inside(&self, candidate: Candidate) -> Candidate {
        let row = if let [word] = candidate.service.as_slice() { service_ports::named(word) } else { None };
        let is_other = row.is_some_and(|row| row.certainty == Certainty::Always && row.number != self.line.number);
        let container = self.container().filter(|_| is_other).map(service).unwrap_or_default();
        if container.is_empty() || all_generic(&container) {
            return candidate;
        }
        Candidate { service: with(&container, &candidate.service), ..candidate }
    }

    /// The service of the file, with the part of it that a set of settings is for: `agentSettings.http.port` in
    /// `hermes.nix`.
    fn in_settings(&self, at: usize, words: &[String], inner: &[usize]) -> Option<Candidate> {
        let is_settings = at == 0
            && self.parts.len() > 2
            && ["Settings", "Config", "Options"].iter().any(|end| self.parts[0].ends_with(end));
        let is_known = || self.is_service(words) || inner.iter().any(|&at| self.is_service(&service(self.parts[at])));
        if !is_settings || self.subject.is_empty() || share(&self.subject, words) || is_known() {
            return None;
        }
        let service = with(&self.subject, words);
        let purpose = inner.iter().map(|&at| self.parts[at]).find(|part| PURPOSES.contains(part));
        let purpose: Vec<String> = purpose.map(str::to_owned).into_iter().collect();
        Some(Candidate { qualifier: with(&purpose, &self.qualifier(&service)), service, weight: weight::BOUND + 5 })
    }

    /// The service of the file, with the part of it that its own settings are for: `wiki.settings.telemetry.metrics.port`
    /// in `wiki.nix`.
    fn inside_settings(&self, at: usize, words: &[String]) -> Option<Candidate> {
        let is_inside = self.parts[..at].contains(&"settings");
        if !is_inside || self.subject.is_empty() || share(&self.subject, words) || self.is_service(words) {
            return None;
        }
        let service = with(&self.subject, words);
        Some(Candidate { qualifier: self.qualifier(&service), service, weight: weight::BOUND + 5 })
    }

    /// Whether the number is in the address of a virtual host: `virtualHosts.wiki-lan.listen.port`.
    pub fn is_of_site(&self) -> bool {
        matches!(self.parts.as_slice(), [.., "virtualHosts" | "virtualhosts", _, "listen", _])
    }

    /// The candidate for a virtual host with its own address: `wiki-lan` in `virtualHosts.wiki-lan.listen.port`. If its
    /// name is computed, the service that the file configures. `None` if several virtual hosts share the number.
    fn site(&self) -> Option<Candidate> {
        let [.., name, "listen", _] = self.parts.as_slice() else { return None };
        let words = match *name {
            "?" if !is_front(&self.subject) && self.configures_part(&self.subject) => self.subject.clone(),
            "?" => return None,
            name => split(name),
        };
        let is_name = self.is_of_site() && !all_generic(&words);
        let is_own = is_name && !self.context.is_socket_of_several(self.path, self.line.number);
        is_own.then_some(Candidate { service: words, qualifier: Vec::new(), weight: weight::LISTENER + 1 })
    }

    /// The name in a manifest: the container's, or else the object's.
    pub(super) fn in_manifest(&self) -> Candidate {
        let named = |name: &str| {
            // `web-web`
            let mut words = service(name);
            words.dedup();
            words
        };
        let object = named(self.names.object);
        let names = self.names.outer.iter().copied().map(named).chain([object.clone()]);
        // All operators generated with kubebuilder call their container `manager`.
        let says = |words: &Vec<String>| !words.is_empty() && !all_generic(words) && *words != ["manager"];
        let names = names.filter(says);
        let mut names = names.into_iter();
        let is_part = |words: &Vec<String>| {
            PARTS.contains(&words.join("-").as_str()) || words.iter().all(|word| PURPOSES.contains(&word.as_str()))
        };
        let part = names.clone().next().filter(is_part).unwrap_or_default();
        let service = names.find(|words| !is_part(words)).unwrap_or_default();
        // The object's name is more specific: `traefik-canary` instead of `traefik`.
        let service = if object.len() > service.len() && object.starts_with(&service) { object } else { service };
        if let Some(name) = self.numbered_name(self.line.number) {
            let qualifier = name.into_iter().filter(|word| !service.contains(word)).collect();
            return Candidate { service, qualifier, weight: weight::LISTENER };
        }
        let own = telling(self.names.own);
        let is_variable = self.last() == "value";
        let is_purpose = is_variable || own.iter().any(|word| PURPOSES.contains(&word.as_str()));
        let own = if is_purpose && !share(&service, &own) { own } else { Vec::new() };
        let qualifier = if share(&service, &part) { own } else { with(&part, &own) };
        Candidate { service, qualifier, weight: weight::LISTENER }
    }

    /// The candidate for an entry in a set of ports: `ports.wiki`.
    fn in_ports(&self) -> Option<Candidate> {
        // `defaultPorts.wiki`
        let is_set = |part: &str| part.ends_with("Ports") && all_generic(&split(part)) && self.parts.len() == 2;
        let at = self.parts.iter().position(|part| matches!(*part, "port" | "ports") || is_set(part))? + 1;
        // The default of an option for a set of ports
        let is_default = self.parts.get(at) == Some(&"default") && self.parts.len() > at + 1;
        let at = at + usize::from(is_default);
        let (first, rest) = self.parts.get(at..)?.split_first()?;
        let mut words = service(first);
        if self.is_key() && rest.is_empty() {
            // `wikiProxy` is a different service from `wiki`.
            words = split(first);
            words.pop_if(|word| matches!(word.as_str(), "port" | "ports"));
        }
        // `ports.monitoring.node_exporter`
        if let [name] = rest
            && is_holder(&words)
        {
            let words = split(name);
            let is_name = words.iter().any(|word| !is_generic(word) && !PURPOSES.contains(&word.as_str()));
            if is_name {
                return Some(Candidate { service: words, qualifier: Vec::new(), weight: weight::BOUND + 5 });
            }
        }
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()) || is_generic(word));
        let inner: Vec<String> = rest.iter().flat_map(|part| telling(part)).collect();
        let candidate = Candidate { service: words, qualifier: inner, weight: weight::BOUND + 5 };
        (!is_purpose).then_some(candidate)
    }

    /// Whether the number is in a set of routes or endpoints, whose names may be those that users see: `photos`.
    pub fn is_of_route(&self) -> bool {
        self.is_plain_port() && matches!(self.parts.as_slice(), [.., set, _, _] if is_set_of_endpoints(set))
    }

    /// The candidate for an entry in a set of routes to services: `lanRoutes.wiki.port`.
    fn in_routes(&self) -> Option<Candidate> {
        let [.., set, name, _] = self.parts.as_slice() else { return None };
        // `endpoints.films.port` in `radarr.nix`, with the default number of Radarr.
        let is_usual = |row: &service_ports::Service| share(&self.subject, &split(row.name));
        if self.is_of_route() && service_ports::services(self.line.number).iter().any(is_usual) {
            return Some(Candidate { service: self.subject.clone(), qualifier: Vec::new(), weight: weight::BOUND + 5 });
        }
        let words = service(name);
        let is_route = is_set_of_routes(set) && self.is_plain_port() && !words.is_empty() && !all_generic(&words);
        is_route.then(|| Candidate { service: words, qualifier: Vec::new(), weight: weight::BOUND + 5 })
    }

    /// The candidate for a name without context. The name qualifies the subject of the file, or is a service by itself.
    pub(super) fn leaf(&self, name: &str) -> Candidate {
        let words = if STRUCTURE.contains(&name) { Vec::new() } else { telling(name) };
        let mut words = self.without_prefix(words, name, &self.subject);
        // `haPort` in `home-assistant.nix`
        let initials: String = self.subject.iter().filter_map(|word| word.chars().next()).collect();
        if initials.len() > 1 && matches!(words.as_slice(), [word] if *word == initials) {
            words.clear();
        }
        // `initialPorts.query`
        let before = self.parts.len().checked_sub(2).map(|at| split(self.parts[at]));
        let is_set_of_ports =
            |words: Vec<String>| words.last().is_some_and(|word| word == "ports") && !all_generic(&words);
        let in_ports = before.is_some_and(is_set_of_ports);
        // `openVPNPorts.port`
        let is_port = || matches!(name, "port" | "ports");
        let words = if in_ports && words.is_empty() && !is_port() { split(name) } else { words };
        // A well-known service needs no additional name. A protocol does.
        let row = if let [word] = words.as_slice() { service_ports::named(word) } else { None };
        let is_service = row.is_some_and(|row| row.certainty != Certainty::Always)
            && (!is_front(&words) || self.subject.is_empty())
            && !self.is_diagnostic(&words)
            && !words.iter().any(|word| PURPOSES.contains(&word.as_str()));
        if is_service && !share(&self.subject, &words) {
            return Candidate { service: words, qualifier: Vec::new(), weight: weight::BOUND };
        }
        let is_purpose = !words.is_empty() && words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        if let Some(folder) = self.folder().filter(|_| is_purpose && self.subject.is_empty()) {
            return Candidate { service: folder, qualifier: words, weight: weight::BOUND };
        }
        match (self.subject.is_empty(), words.is_empty()) {
            (_, true) => {
                Candidate { service: self.subject.clone(), qualifier: self.end(), weight: weight::FILE_LISTENER }
            }
            (true, false) => Candidate { service: words, qualifier: Vec::new(), weight: weight::BOUND },
            (false, false) => {
                let qualifier = if share(&self.subject, &words) {
                    words.into_iter().filter(|word| !share(&self.subject, std::slice::from_ref(word))).collect()
                } else {
                    words
                };
                Candidate { service: self.subject.clone(), qualifier, weight: weight::BOUND }
            }
        }
    }

    /// The words of the folder's name, if the file is its `default.nix` and it is not the folder of a machine.
    fn folder(&self) -> Option<Vec<String>> {
        let folder = self.path.strip_suffix("/default.nix")?.rsplit('/').next()?;
        let words = service(folder);
        (!all_generic(&words) && !is_holder(&words) && !self.context.is_machine(folder)).then_some(words)
    }

    /// Whether some words refer to the port on which the file's service reports its own state: `prometheusPort`.
    fn is_diagnostic(&self, words: &[String]) -> bool {
        let has_row = |word: &str| service_ports::services(self.line.number).iter().any(|row| row.name == word);
        let is_one = matches!(words, [word] if DIAGNOSTICS.contains(&word.as_str()) && !has_row(word));
        is_one && !self.subject.is_empty() && self.is_service(&self.subject)
    }

    /// The words of the last name that distinguish this port from the service's other ports.
    pub(super) fn qualifier(&self, service: &[String]) -> Vec<String> {
        let words = without_name(telling(self.last()), self.last(), service).into_iter();
        // `torrent` is distinct from `qbittorrent`, but `db` is part of `influxdb`.
        let is_part = |known: &String, word: &str| known.starts_with(word) || word.len() < 5 && known.contains(word);
        let words = words.filter(|word| !service.iter().any(|known| is_part(known, word)));
        let mut words = self.without_prefix(words.collect(), self.last(), service);
        if let [.., receiver, "protocols", protocol, _] = self.parts.as_slice()
            && self.is_collector()
        {
            words.extend([receiver, protocol].map(|word| (*word).to_owned()));
        }
        if let Some(set) = self.diagnostics(service) {
            words.insert(0, set);
        }
        if words.is_empty() {
            words.extend(self.purpose_before(service));
        }
        if words.is_empty()
            && (self.last().starts_with("endpoint") || self.last().starts_with("peer"))
            && let [kind] = self.general().as_slice()
        {
            words.extend(self.part_before(service));
            words.push(kind.clone());
        }
        words.extend(self.parts.contains(&"initrd").then(|| "initrd".to_owned()));
        let end = self.end();
        if !end.is_empty() {
            words.retain(|word| ![RANGE_STARTS, RANGE_ENDS].concat().contains(&word.as_str()));
            words.extend(end);
        }
        words
    }

    /// The purpose of the part of a service whose options contain the number: `web` in `s3_web.bind_addr`.
    fn purpose_before(&self, service: &[String]) -> Option<String> {
        let before = self.parts.len().checked_sub(2).map(|at| self.parts[at])?;
        let purpose = before.rsplit_once(['_', '-']).map(|(_, purpose)| purpose)?;
        let is_purpose = PURPOSES.contains(&purpose) && !super::super::words::service(before).starts_with(service);
        is_purpose.then(|| purpose.to_owned())
    }

    /// The part of a service whose options contain the number: `tunnel` in `services.box.tunnel.endpointPort`.
    fn part_before(&self, service: &[String]) -> Vec<String> {
        let Some(before) = self.parts.len().checked_sub(2).filter(|&at| self.says_whose(at)) else { return Vec::new() };
        let is_holder = before.checked_sub(1).is_none_or(|outer| HOLDERS.contains(&self.parts[outer]));
        let words = super::super::words::service(self.parts[before]);
        if is_holder || share(service, &words) { Vec::new() } else { words }
    }

    /// The set of diagnostic options around the port: `pprof` in `services.wiki.settings.pprof.port`.
    fn diagnostics(&self, service: &[String]) -> Option<String> {
        let [.., outer, inner, _] = self.parts.as_slice() else { return None };
        let is_inside = !HOLDERS.contains(outer) && DIAGNOSTICS.contains(inner);
        let is_telling = is_inside && !share(service, [&(*inner).to_owned()]);
        is_telling.then(|| (*inner).to_owned())
    }

    /// Removes the common prefix of a program's environment variables: `OG` in `OG_SSH_PORT`, for opengist.
    pub(super) fn without_prefix(&self, words: Vec<String>, name: &str, service: &[String]) -> Vec<String> {
        let is_variable = name.contains('_') && !name.contains(|c: char| c.is_ascii_lowercase());
        let words = without_name(words, name, service);
        match words.split_first() {
            Some((first, rest)) if is_variable && is_abbreviation(first, service) => rest.to_vec(),
            _ => words,
        }
    }

    /// Which bound of the peer port range the number is, in the configuration of a BitTorrent client:
    /// `listen_ports = [ 6881 6889 ]`.
    fn torrent_end(&self) -> Option<&'static str> {
        if self.last() == "listen_ports" { self.beside?.end_of_pair() } else { None }
    }

    /// The words that identify the port as a bound of a range, such as `first`. Empty if it is not a bound.
    pub fn end(&self) -> Vec<String> {
        let words: Vec<String> = split(self.last());
        let is_mapping = words.last().is_some_and(|word| word == "ports") || self.is_in_compose();
        let in_mapping = self.line.range_end().filter(|_| is_mapping);
        if let Some(end) = in_mapping.or_else(|| self.end_in_rule().map(|(end, _)| end)) {
            return vec![end.to_owned()];
        }
        if let Some(end) = self.torrent_end() {
            return vec!["torrent".to_owned(), end.to_owned()];
        }
        let names = |word: &str| words.iter().any(|known| known == word);
        let before = self.parts.len().checked_sub(2).map(|at| split(self.parts[at])).unwrap_or_default();
        let is_range_of =
            |words: &[String]| words.iter().any(|word| matches!(word.as_str(), "range" | "port" | "ports"));
        // `portRange.start`
        let is_set_of_ports =
            || words.len() == 1 && before.iter().any(|word| matches!(word.as_str(), "port" | "ports"));
        let is_range = is_range_of(&words) || is_set_of_ports();
        let end = match words.as_slice() {
            // `to` in `{ from = 8000; to = 8010; }`, but not in `proxyTo`.
            [only] if only == "from" => "first",
            [only] if only == "to" => "last",
            _ if is_range && RANGE_STARTS.iter().any(|word| names(word)) => "first",
            _ if is_range && RANGE_ENDS.iter().any(|word| names(word)) => "last",
            _ => return Vec::new(),
        };
        vec![end.to_owned()]
    }
}

/// Removes the name of the service in another spelling from the words of an environment variable: `HOME_BOX` in
/// `HOME_BOX_API_PORT`, for homebox.
fn without_name(words: Vec<String>, name: &str, service: &[String]) -> Vec<String> {
    const MOST: usize = 3;
    if words.len() < 2 || !is_variable(name) {
        return words;
    }
    let whole = service.concat();
    let end = (2..=words.len().min(MOST)).find(|&end| words[..end].concat() == whole);
    words[end.unwrap_or(0)..].to_vec()
}

/// The name in an attribute that is the path of a file: the first folder, `wiki` for `wiki/server.conf`.
fn file_owner(name: &str) -> &str {
    let mut folders = name.split('/').filter(|folder| !all_generic(&split(folder)));
    if name.contains('/') { folders.next().unwrap_or(name) } else { name }
}

/// Whether a short word abbreviates a service's name: it has the first letter of one of the name's words, and its
/// letters occur in the name in order, as in `qbt` for qbittorrent. A word of four letters must also end like one of
/// the name's words.
fn is_abbreviation(word: &str, service: &[String]) -> bool {
    const LONGEST: usize = 3;
    let mut letters = service.iter().flat_map(|word| word.chars());
    // `hbox` in `HBOX_PORT`, for homebox
    let is_whole = |known: &String| word.len() == LONGEST + 1 && word.chars().last() == known.chars().last();
    (word.len() <= LONGEST || service.iter().any(is_whole))
        && service.iter().any(|known| known.chars().next() == word.chars().next())
        && word.chars().all(|c| letters.any(|letter| letter == c))
}
