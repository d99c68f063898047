//! Reads the names in a use: those of a listener, or those of the service that a client connects to.

mod client;
mod comment;
mod condition;
mod element;
mod firewall;
mod listener;
mod mapping;
mod network;
mod role;
mod subject;

use std::cell::OnceCell;

use super::Missing;
use super::beside::Beside;
use super::candidate::{Candidate, weight};
use super::line::Line;
use super::manifest::Names;
use super::scaffolding::Scaffolding;
use super::words::{
    all_generic, comment, is_front, is_generic, is_holder, is_local, service, share, split, telling, with,
};
use crate::knowledge::name_words::{
    ADDITIONS, CATEGORIES, CLIENTS, COMMAND_OPTIONS, EMPTY_OPTIONS, EMPTY_SECTIONS, FRONTS, HOLDERS, MACHINE_FOLDERS,
    PARTS, PURPOSES, STRUCTURE, TOP_LEVEL, WHOLE_NAMES,
};
use crate::knowledge::schemes::SCHEMES;
use crate::knowledge::service_ports;
use subject::{folder, outside_of_machine, outside_of_object, own_subject, service_of_folder};

/// A use of a port, with everything around it that may name the port.
#[derive(Debug)]
pub struct Reader<'a> {
    pub line: Line<'a>,
    /// The subject of the file. Empty if the file's name does not describe its ports.
    pub subject: Vec<String>,
    /// Whether it is one of several numbers in a list. The file name cannot name all of them.
    pub is_one_of_many: bool,
    /// Whether the number is only the default of an option, which a configuration may override.
    pub is_default: bool,
    parts: Vec<&'a str>,
    path: &'a str,
    /// The set around the number, in Nix.
    pub beside: Option<Beside<'a>>,
    /// The names around the number, in YAML.
    names: Names<'a>,
    pub context: &'a Scaffolding<'a>,
    /// The index in [`Reader::parts`] of a set of several services in this file, if the number is in one.
    holder: Option<usize>,
    /// See [`Reader::named`].
    named: OnceCell<Option<(usize, Candidate)>>,
}

/// The SSH port. A container may have it in addition to its service's own port.
const SSH: u32 = 22;

/// Whether the first word of a name is `allow` or `allowed`. Most names are ruled out before they are split.
fn begins_with_allow(name: &str) -> bool {
    let begins = name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("allow"));
    begins && split(name).first().is_some_and(|word| matches!(word.as_str(), "allow" | "allowed"))
}

impl<'a> Reader<'a> {
    pub fn of(port: &Missing<'a>, context: &'a Scaffolding<'a>) -> Self {
        let line = Line::of(port);
        // The value of a flag may contain a domain: `--route=wiki.example.org`.
        let name = port.name.split('=').next().unwrap_or(port.name);
        let raw: Vec<&str> = name.trim_end_matches(".default").split(['.', ' ']).collect();
        // Single-letter flags have no inherent meaning.
        let mut parts: Vec<&str> = raw.into_iter().filter(|part| !(part.len() == 2 && part.starts_with('-'))).collect();
        let object = outside_of_object(&parts);
        let outer = if object > 0 { object } else { outside_of_machine(&parts, context) };
        parts.drain(..outer);
        if object > 0 && matches!(parts[0], "configMaps" | "secrets") {
            // The name of a file in a config map does not describe the ports in it.
            parts = vec!["data"];
        }
        let (start, end) = (port.span.start as usize, port.span.end as usize);
        let is_yaml = port.path.ends_with(".yaml") || port.path.ends_with(".yml");
        let names = match is_yaml {
            true => Names::in_yaml(port.text, start, end),
            // Only a string of unknown meaning may be a Compose file.
            false if !port.name.contains('.') => Names::in_string(port.text, start, end),
            false => None,
        };
        let names = names.unwrap_or_default();
        let beside = if port.path.ends_with(".nix") { Beside::of(port.text, start, end) } else { None };
        // One subject cannot name all the numbers of a list.
        let is_named = || line.named_call().is_some_and(|(_, name)| !all_generic(&split(name)));
        let is_one_of_many =
            context.is_list(port) && line.called_host().is_none() && names.service.is_empty() && !is_named();
        let subject = own_subject(port.path, context).filter(|words| !context.is_machine(&words.join("-")));
        let subject = subject.unwrap_or_default();
        let holder = context.collection(port).and_then(|at| at.checked_sub(outer)).filter(|at| at + 2 < parts.len());
        let is_default = line.before.trim_end().ends_with("mkDefault")
            || [".default", "defaultPort"].iter().any(|end| port.name.ends_with(end))
            || port.name.contains(".default.");
        Self {
            line,
            subject,
            is_one_of_many,
            is_default,
            parts,
            path: port.path,
            beside,
            names,
            context,
            holder,
            named: OnceCell::new(),
        }
    }

    /// For a connection in the configuration of a proxy, in the folder of a service: makes that service the subject,
    /// because the proxy passes the connection on to it. The ports that the proxy listens on keep the proxy as subject.
    pub fn look_behind_front(&mut self) {
        if !is_front(&self.subject) {
            return;
        }
        let in_layout = || folder(self.path).filter(|_| self.context.is_folder_of_service(self.path));
        let service = service_of_folder(self.path, self.context).or_else(in_layout);
        if let Some(service) = service.filter(|words| !self.context.is_machine(&words.join("-"))) {
            self.subject = service;
            self.named = OnceCell::new();
        }
    }

    /// Whether the use is in a Kubernetes manifest.
    fn is_manifest(&self) -> bool {
        !self.names.object.is_empty()
    }

    /// Whether the use is in a Compose file that is written as a string in Nix.
    fn is_in_compose(&self) -> bool {
        !self.names.service.is_empty()
    }

    /// The kind of the probe that connects to the port.
    pub fn probe(&self) -> Option<Vec<String>> {
        self.parts.iter().find_map(|part| part.strip_suffix("Probe")).map(split)
    }

    /// The words of the last name that have a meaning, however general.
    pub fn general(&self) -> Vec<String> {
        if COMMAND_OPTIONS.contains(&self.last()) || EMPTY_SECTIONS.contains(&self.last()) || self.is_in_compose() {
            return Vec::new();
        }
        // The `expose` of a service in a Compose file, but not a variable.
        if self.last() == "expose" && self.parts.len() > 1 {
            return Vec::new();
        }
        split(self.last()).into_iter().filter(|word| !EMPTY_OPTIONS.contains(&word.as_str())).collect()
    }

    /// The names of the service that the scheme of a URL implies: `ldap` in `ldap://127.0.0.1:3890`.
    pub fn protocol(&self) -> Option<&'static [&'static str]> {
        // Most URLs have one of these schemes, which do not identify a service.
        let scheme = self.line.scheme().filter(|scheme| !matches!(*scheme, "http" | "https"))?;
        SCHEMES.iter().find(|(known, _)| *known == scheme).map(|(_, names)| *names)
    }

    /// Whether the words are the name of a service, either a well-known one or one in the repository.
    pub fn is_service(&self, words: &[String]) -> bool {
        self.context.is_service(words) || service_ports::is_service(&words.concat())
    }

    /// Whether the file configures the service with these words as its name.
    pub fn configures(&self, words: &[String]) -> bool {
        self.context.texts.configures(self.path, &words.join("-"))
    }

    /// Whether the file configures a service whose name begins with these words. A systemd unit counts only if the file
    /// does not configure nginx.
    fn configures_part(&self, words: &[String]) -> bool {
        !words.is_empty() && self.context.texts.configures_part(self.path, &words.join("-"), "nginx")
    }

    /// The strings whose words may be the name of a service.
    pub fn texts(&self) -> Vec<&'a str> {
        let names = self.names.outer.iter().copied().chain([self.names.own, self.names.object, self.names.service]);
        // A Traefik label contains Traefik's name, whichever service it is for.
        let is_of_label = |at: usize| {
            self.parts[at] == "traefik"
                && self.parts.get(at + 1).is_some_and(|kind| matches!(*kind, "http" | "tcp" | "udp"))
        };
        // `apps.wiki.traefik.port` is a port of the wiki.
        let owner = self.named().map(|(at, _)| *at);
        let is_behind = |at: usize| owner.is_some_and(|owner| at > owner && FRONTS.contains(&self.parts[at]));
        let parts = (0..self.parts.len()).filter(|at| !is_of_label(*at) && !is_behind(*at)).map(|at| self.parts[at]);
        let before = match self.line.before.contains("traefik.") {
            true => self.line.before.rsplit_once("traefik.").map_or(self.line.before, |(_, label)| label),
            false => self.line.before,
        };
        // `# wiki (the same port as the forge)`
        let comment = self.line.comment.split('(').next().unwrap_or_default();
        parts.chain([before, comment]).chain(names).collect()
    }

    /// The name in the number's mapping in a Kubernetes manifest.
    pub fn own_name(&self) -> Vec<String> {
        if self.is_manifest() { service(self.names.own) } else { Vec::new() }
    }

    /// Like [`Self::own_name`], if the name ends in the number: `ftp-passive-50001` for one of several ports.
    pub fn numbered_name(&self, number: u32) -> Option<Vec<String>> {
        let own = Some(self.names.own).filter(|name| self.is_manifest() && name.ends_with(is_digit))?;
        let words = split(own);
        (words.len() > 1 && words.last()?.parse() == Ok(number)).then_some(words)
    }

    /// The words for the part of a service whose options contain the port, if all words are generic: `cluster` in
    /// `services.nats.settings.cluster.listen`.
    pub fn section(&self) -> Option<Vec<String>> {
        let [.., outer, section, _] = self.parts.as_slice() else { return None };
        let is_service = self.is_manifest() || HOLDERS.contains(outer) || HOLDERS.contains(section);
        let words = split(section);
        let is_ports = words.last().is_some_and(|word| matches!(word.as_str(), "port" | "ports"));
        let is_part = !is_service && !is_ports && self.named().is_some() && !words.is_empty() && all_generic(&words);
        let is_empty = EMPTY_SECTIONS.contains(section) || COMMAND_OPTIONS.contains(section);
        (is_part && *section != "?" && !is_empty).then_some(words)
    }

    pub fn last(&self) -> &str {
        self.parts.last().copied().unwrap_or("")
    }

    /// The network interface that has the port: `wg1` in `networking.wireguard.interfaces.wg1.listenPort`.
    pub fn interface(&self) -> Option<Vec<String>> {
        let at = self.parts.iter().position(|part| *part == "interfaces").filter(|at| at + 3 == self.parts.len())?;
        Some(split(self.parts[at + 1])).filter(|words| self.is_plain_port() && !words.is_empty())
    }

    /// The part of a service that directly contains the port's option, if the part has a name of its own.
    pub fn part(&self) -> Option<Vec<String>> {
        if let Some(name) = self.entry_point() {
            return Some(split(name)).filter(|words| !words.is_empty());
        }
        let (at, _) = self.named()?;
        let inner = self.parts.get(at + 2..).unwrap_or_default();
        let is_empty = |word: &String| is_generic(word) || PURPOSES.contains(&word.as_str());
        let is_direct = *at > 0
            && self.parts[at - 1] == "services"
            && inner
                .split_last()
                .is_some_and(|(_, between)| between.iter().all(|part| split(part).iter().all(is_empty)));
        let words = split(self.parts.get(at + 1)?);
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        let is_proxy = is_front(&words);
        let says = is_direct && !is_purpose && !is_proxy && telling(self.last()).is_empty() && self.says_whose(at + 1);
        says.then(|| self.middle()).filter(|words| !words.is_empty())
    }

    /// The name of the proxy's entry point whose options contain the number.
    pub fn entry_point(&self) -> Option<&'a str> {
        let at = self.parts.iter().position(|part| *part == "entryPoints")?;
        self.parts.get(at + 1).filter(|_| at + 3 == self.parts.len()).copied()
    }

    /// The name of the server or instance whose options contain the number.
    pub fn instance(&self) -> Option<&'a str> {
        let at = self.parts.iter().position(|part| matches!(*part, "servers" | "instances"))?;
        let name = self.parts.get(at + 1..).filter(|rest| at > 0 && rest.len() > 1)?.first()?;
        (*name != "?").then_some(*name)
    }

    /// The container whose options contain the number.
    pub fn container(&self) -> Option<&'a str> {
        if self.is_manifest() {
            return Some(self.names.object).filter(|_| self.parts.contains(&"containers"));
        }
        let at = self.parts.iter().position(|part| *part == "containers")?;
        let name = self.parts.get(at + 1..).filter(|rest| rest.len() > 1)?.first()?;
        (*name != "?").then_some(*name)
    }

    /// The service that contains the number in a Compose file that is written as a string in Nix.
    pub fn compose_service(&self) -> Option<&'a str> {
        Some(self.names.service).filter(|service| !service.is_empty())
    }

    /// Whether the last name only says that this is the port of the service: `services.wiki.port`, and `listenPort` in
    /// `wiki.nix`.
    pub fn is_plain_port(&self) -> bool {
        matches!(self.last(), "port" | "listenPort" | "httpPort" | "http_port" | "listen_port" | "PORT")
    }

    /// Whether a part is an option with text as its value: `appendHttpConfig`.
    fn is_text(&self, at: usize) -> bool {
        self.parts[at].ends_with("Config") || self.parts[at] == "config" || self.parts[at] == "text"
    }

    /// Whether the file is about a proxy, in the folder of the service behind it.
    pub fn is_in_folder_of_service(&self) -> bool {
        self.context.is_folder_of_service(self.path)
    }

    /// Whether a virtual host passes requests to the port over HTTP.
    pub fn is_web_of_host(&self) -> bool {
        let is_web = || matches!(self.line.scheme(), Some("http" | "https")) || self.line.called_host().is_some();
        is_web() && (self.host_label().is_some() || self.line.called_host().is_some())
    }

    /// Which bound of a range in a firewall rule the number is, and the other bound.
    pub fn end_in_rule(&self) -> Option<(&'static str, u32)> {
        super::line::end_in_rule(self.last(), self.line.before, self.line.after)
    }

    /// Whether the host of the address that ends in the number is a machine.
    pub fn is_at_machine(&self) -> bool {
        self.line.address().is_some_and(|host| self.context.is_machine(host))
    }

    /// Whether an option with text as its value contains the number.
    pub fn is_in_text(&self) -> bool {
        self.parts.iter().any(|part| matches!(*part, "content" | "text") || part.starts_with("append"))
    }

    /// The service whose name follows a holder such as `services`, with the index of that name.
    fn named(&self) -> Option<&(usize, Candidate)> {
        // The default of an option may be a set of services: `options.services.apps.default.wiki.port`.
        let of_default = || self.holder.filter(|&at| self.parts[at] == "default").and_then(|at| self.held(at));
        let find = || of_default().or_else(|| self.named_by_option()).or_else(|| self.held(self.holder?));
        self.named.get_or_init(find).as_ref()
    }

    fn named_by_option(&self) -> Option<(usize, Candidate)> {
        let is_holder = |at: &usize| self.is_holder(*at) && !self.is_ci_job(*at);
        (0..self.parts.len()).rev().filter(is_holder).find_map(|at| self.held(at))
    }

    /// The whole name of the service, with the common final words that its shortened name lacks, if another name
    /// differs only in those words: `wiki proxy` for `services.wiki-proxy.port` if there is also `services.wiki.port`.
    pub fn whole_name(&self) -> Option<Vec<String>> {
        let (at, Candidate { service, .. }) = self.named()?;
        let name = self.parts[*at];
        let mut words = split(if self.context.has_sibling(name) { name } else { return None });
        // `broker-2`
        if let [.., before, number] = words.as_mut_slice()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            before.push_str(number);
            words.pop();
        }
        (words != *service && words.first()?.starts_with(service.first()?.as_str())).then_some(words)
    }

    /// Whether a name contains services: `services`, `systemd.sockets`, `deployedApps`.
    fn is_holder(&self, at: usize) -> bool {
        let part = self.parts[at];
        let is_unit = || part == "sockets" && at > 0 && matches!(self.parts[at - 1], "systemd" | "user");
        let is_own = || at == 1 && !TOP_LEVEL.contains(&self.parts[0]) && !HOLDERS.contains(&self.parts[0]);
        HOLDERS.contains(&part)
            || holds_exporters(part)
            || is_unit()
            || part.len() > 4 && part.ends_with("Apps")
            || matches!(part, "docker" | "podman") && is_own()
    }

    /// Whether the service is named only by a set with several services in this file, not by an option path.
    pub fn is_held(&self) -> bool {
        self.holder.is_some() && self.named_by_option().is_none()
    }

    /// Whether a load balancer of a proxy passes connections on to the port.
    pub fn is_balanced(&self) -> bool {
        self.parts.contains(&"loadBalancer")
    }

    /// Whether a container label gives the port to a proxy: `traefik.http.services.wiki.loadbalancer.server.port`.
    pub fn is_balanced_label(&self) -> bool {
        matches!(self.parts.as_slice(), [.., "loadbalancer", "server", "port"])
    }

    /// The fail2ban jail that guards the port. A jail guards a port of its own machine.
    pub fn jail(&self) -> Option<&'a str> {
        let at = self.parts.iter().position(|part| *part == "jails")?;
        self.parts.get(at + 1).filter(|_| at + 2 < self.parts.len()).copied()
    }

    /// Whether a holder contains the jobs of a CI system, which are not services.
    fn is_ci_job(&self, at: usize) -> bool {
        self.parts[at] == "jobs" && self.parts.get(at + 2).is_some_and(|part| *part == "steps")
    }

    fn held(&self, holder: usize) -> Option<(usize, Candidate)> {
        let is_category = |part: &str| CATEGORIES.contains(&part.to_ascii_lowercase().as_str());
        let is_last = |at: usize| at + 2 >= self.parts.len();
        // A single letter is not a name: `services.c.wiki.ports`.
        let is_category =
            |part: &str| is_category(part) || part.len() == 1 && part != "?" || self.context.is_category(part);
        let at = (holder + 1..self.parts.len()).find(|&at| is_last(at) || !is_category(self.parts[at]))?;
        // `services.backup.settings.jobs.connect.address`
        if STRUCTURE.contains(&self.parts[at]) && self.parts[holder] == "jobs" {
            return None;
        }
        // The last name is the name of the option.
        if at + 1 >= self.parts.len() && !matches!(self.parts[holder], "processes" | "containers") {
            return None;
        }
        let is_twin = self.parts[holder] == "containers" && self.context.is_twin(self.parts[at]);
        let is_unit = holder > 0 && self.parts[holder - 1] == "systemd";
        // `step-ca-init` prepares `step-ca`.
        let unit = if is_unit { without_phase(self.parts[at]) } else { self.parts[at] };
        let mut words = if is_twin { split(unit) } else { service(unit) };
        // `wiki-wiki`
        let (first, second) = words.split_at(words.len() / 2);
        if self.parts[holder] == "containers" && first == second {
            words.truncate(words.len() / 2);
        }
        if let Some(own) = self.context.without_ending(&words) {
            words = own;
        }
        if self.parts[at] == "?" && !self.subject.is_empty() {
            let candidate = Candidate {
                service: self.subject.clone(),
                qualifier: self.inner(at),
                weight: weight::FILE_LISTENER + 3,
            };
            return Some((at, candidate));
        }
        let holds_parts = self.parts[holder] != "roles" && !holds_exporters(self.parts[holder]);
        if at == holder + 1 && PARTS.contains(&self.parts[at]) && holds_parts {
            let service = with(&self.subject, &words);
            return Some((
                at,
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::FILE_LISTENER + 3 },
            ));
        }
        let is_whole = WHOLE_NAMES.contains(&self.parts[at]);
        if words.is_empty() || all_generic(&words) && !holds_exporters(self.parts[holder]) && !is_whole {
            return None;
        }
        let words = if self.context.is_subject(&words, &self.subject) { self.subject.clone() } else { words };
        let outer = holder.checked_sub(1).filter(|&outer| self.says_whose(outer));
        let service = match self.parts[holder] {
            part if holds_exporters(part) => with(&words, &["exporter".to_owned()]),
            "roles" if self.subject.is_empty() && outer.is_some() => {
                outer.map(|at| service(self.parts[at])).unwrap_or_default()
            }
            // `services.model.instances.chat.port`
            "instances" if outer.is_some_and(|outer| self.is_held_at(outer)) => {
                outer.map_or(Vec::new(), |at| with(&service(self.parts[at]), &words))
            }
            "roles" if !self.subject.is_empty() && !share(&self.subject, &words) => with(&self.subject, &words),
            _ => words,
        };
        Some((at, Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER }))
    }

    /// Whether a name directly follows `services` or `programs`, or begins the path of an option.
    fn is_held_at(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| matches!(self.parts[before], "services" | "programs"))
    }

    /// The last name between a computed name and the option.
    fn inner(&self, at: usize) -> Vec<String> {
        let inner = self.parts.get(at + 1..).unwrap_or_default().iter().rev();
        let is_empty =
            |part: &str| STRUCTURE.contains(&part) || COMMAND_OPTIONS.contains(&part) || FRONTS.contains(&part);
        let inner = inner.filter(|part| !is_empty(part));
        let words_of = |part: &&str| self.without_prefix(telling(part), part, &self.subject);
        inner.map(words_of).find(|words| !words.is_empty()).unwrap_or_default()
    }

    pub fn file(&self, weight: u32) -> Candidate {
        let is_unnamed = is_front(&self.subject) || self.is_one_of_many || is_holder(&self.subject) || self.is_routed();
        let service = if is_unnamed { Vec::new() } else { self.subject.clone() };
        Candidate { service, qualifier: self.end(), weight }
    }

    /// The virtual machine whose port is forwarded: `test` in `nixosConfigurations.test.virtualisation..`.
    pub fn virtual_machine(&self, path: &str) -> Option<Candidate> {
        if self.last() != "port"
            || !self.parts.contains(&"forwardPorts")
            || !self.parts.iter().any(|part| matches!(*part, "microvm" | "virtualisation"))
        {
            return None;
        }
        // `# wiki`
        let service = comment(self.line.comment);
        if self.is_service(&service) {
            return Some(Candidate { service, qualifier: Vec::new(), weight: weight::LISTENER });
        }
        let at = self.parts.iter().position(|part| *part == "nixosConfigurations");
        let literal = |name: &&&str| !matches!(**name, "?" | "virtualisation");
        let machine = at.and_then(|at| self.parts.get(at + 1)).filter(literal).copied();
        let name = match machine {
            Some(machine) => split(machine),
            None => self.file_of_machine(path),
        };
        let is_said = name.last().is_some_and(|word| word.ends_with("vm"));
        let service = if is_said { name } else { with(&name, &["vm".to_owned()]) };
        Some(Candidate { service, qualifier: Vec::new(), weight: weight::LISTENER })
    }

    /// The name of the machine that a file is about: that of the file, or else that of its folder.
    fn file_of_machine(&self, path: &str) -> Vec<String> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = folder.rsplit('/').next().unwrap_or_default();
        let stem = file.strip_suffix(".nix").filter(|stem| !matches!(*stem, "default" | "flake")).unwrap_or_default();
        let (words, folder_words) = (split(stem), split(folder));
        match () {
            () if !all_generic(&words) || MACHINE_FOLDERS.contains(&folder) => words,
            () if !all_generic(&folder_words) => folder_words,
            () => Vec::new(),
        }
    }

    /// The host that `curl --resolve wiki.example.org:8444:10.0.0.4` connects to.
    pub fn resolved(&self) -> Option<Candidate> {
        let is_flag = matches!(self.last(), "--resolve" | "--connect-to");
        let service = if is_flag { self.line.host_name() } else { Vec::new() };
        (!service.is_empty()).then_some(Candidate { service, qualifier: Vec::new(), weight: weight::BOUND + 7 })
    }

    /// The kind of the remote display that has the port.
    pub fn graphics(&self) -> Option<Candidate> {
        // `graphics = { type = "spice"; port = 5910; }`
        let beside = || self.beside.filter(|beside| beside.key() == "graphics" && self.last() == "port")?.kind();
        let service = vec![self.line.graphics().or_else(beside)?.to_owned()];
        Some(Candidate { service, qualifier: Vec::new(), weight: weight::LISTENER + 3 })
    }

    /// The name of the package whose script contains the number.
    pub fn script(&self, is_remote: bool) -> Option<Candidate> {
        let words = service(self.line.script()?);
        let weight = if is_remote { weight::CLIENT } else { weight::BOUND + 6 };
        (!words.is_empty() && !all_generic(&words)).then(|| Candidate { service: words, qualifier: Vec::new(), weight })
    }

    /// The name that the line binds, if it is not the name of the option.
    pub fn bound(&self, is_remote: bool) -> Option<Candidate> {
        let name = self.line.binding().filter(|_| !self.is_manifest())?;
        let is_option = split(self.last()) == split(name) || self.parts.contains(&name);
        if is_option || telling(name).is_empty() || CLIENTS.contains(&split(name).last()?.as_str()) {
            return None;
        }
        let candidate = self.leaf(name);
        Some(Candidate { weight: if is_remote { weight::BOUND } else { weight::FILE_LISTENER + 1 }, ..candidate })
    }

    /// The names of all parts between the service and the option: `feed tailscale` in
    /// `services.wiki.feed.expose.tailscale.port`. Empty unless there are two.
    pub fn middles(&self) -> Vec<String> {
        let Some(owner) =
            self.named().map(|(at, _)| *at).or_else(|| (0..self.parts.len()).find(|&at| self.says_whose(at)))
        else {
            return Vec::new();
        };
        // The domain of a virtual host does not distinguish its ports.
        if self.parts.iter().any(|part| matches!(*part, "virtualHosts" | "virtualhosts" | "proxyHosts")) {
            return Vec::new();
        }
        let inner = (owner + 1..self.parts.len().saturating_sub(1)).filter(|&at| self.says_whose(at));
        let inner: Vec<Vec<String>> = inner.map(|at| service(self.parts[at])).collect();
        if inner.len() == 2 { inner.concat() } else { Vec::new() }
    }

    /// The name of an instance, or of a part of the service, between the service and the option.
    pub fn middle(&self) -> Vec<String> {
        let first = || (0..self.parts.len()).find(|&at| self.says_whose(at));
        let after = self.named().map(|(at, _)| *at).or_else(first).map_or(self.parts.len(), |at| at + 1);
        // The domain of a virtual host does not distinguish its ports.
        let host = self.parts.iter().position(|part| matches!(*part, "virtualHosts" | "virtualhosts" | "proxyHosts"));
        let after = host.or_else(|| self.ingress()).map_or(after, |_| self.parts.len());
        let inner = after..self.parts.len().saturating_sub(1).max(after);
        let is_numbered =
            |part: &str| part.starts_with(is_digit) || part.trim_end_matches(is_digit).ends_with(['-', '_']);
        let words_of = |part: &str| if is_numbered(part) { split(part) } else { service(part) };
        // `services.wiki.nginx` is the virtual host of the wiki.
        let mut inner = inner.rev().filter(|&at| self.says_whose(at) && !is_front(&split(self.parts[at])));
        let mut words = inner.next().map(|at| words_of(self.parts[at])).unwrap_or_default();
        // `services.matrix.mas.web.port`: the purpose is that of the part before it.
        if words.iter().all(|word| PURPOSES.contains(&word.as_str()))
            && let Some(part) = inner.next().filter(|&part| !words.is_empty() && !ADDITIONS.contains(&self.parts[part]))
        {
            words.splice(..0, words_of(self.parts[part]));
        }
        words.retain(|word| !matches!(word.as_str(), "and" | "from" | "of" | "on" | "to"));
        let owner = self.listener().service;
        if share(&owner, &words) && words.iter().all(|word| owner.contains(word)) {
            words.clear();
        }
        words
    }
}

/// Whether a name is that of a set of exporters: `exporters`, `prometheusExporters`.
fn holds_exporters(name: &str) -> bool {
    name == "exporters" || name.ends_with("Exporters")
}

/// The name of a unit without the phase of its service: `wiki` for `wiki-init`.
fn without_phase(unit: &str) -> &str {
    unit.strip_suffix("-init").or_else(|| unit.strip_suffix("-setup")).unwrap_or(unit)
}

/// Whether the words of a name mean that connections are passed on: `proxyTo`, `forward_to`.
fn passes_to(words: &[String]) -> bool {
    matches!(words, [.., before, last] if last == "to" && !matches!(before.as_str(), "bind" | "listen" | "port"))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
