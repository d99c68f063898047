//! Reads the names of a use: the listener, or the service that a client connects to.

mod client;
mod listener;

use std::cell::OnceCell;

use super::Missing;
use super::beside::Beside;
use super::choose::is_holder;
use super::evidence::{Candidate, weight};
use super::line::{Line, Side};
use super::manifest::{Names, policed};
use super::scaffolding::Scaffolding;
use super::words::{all_generic, is_generic, prose, service, share, split, subject, telling, with};
use crate::knowledge::name_words::{
    CATEGORIES, CLIENT_SETS, CLIENTS, DIAGNOSTICS, ENDS, FRONTS, GENERIC_WIDGETS, HOLDERS, PARTS, PASSES_ON, PEERS,
    PLACES, PURPOSES, STRUCTURE, TOP_LEVEL,
};
use crate::knowledge::schemes::SCHEMES;
use crate::knowledge::service_ports::{self, Certainty};

/// A use of a port, with everything around it that may name the port.
#[derive(Debug)]
pub struct Reader<'a> {
    pub line: Line<'a>,
    /// The subject of the file. Empty if it does not describe the ports of the file.
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
    context: &'a Scaffolding<'a>,
    /// The index in [`Reader::parts`] of a name, besides the usual ones, that contains services in this file.
    holder: Option<usize>,
    /// See [`Reader::named`].
    named: OnceCell<Option<(usize, Candidate)>>,
}

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
        let outer = outside_of_object(&parts);
        parts.drain(..outer);
        if outer > 0 && matches!(parts[0], "configMaps" | "secrets") {
            // A file in a config map is not named after what its ports are for.
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
        let is_one_of_many = context.is_list(port);
        let subject = subject(port.path).filter(|words| !context.is_machine(&words.join("-"))).unwrap_or_default();
        let holder = context.collection(port).and_then(|at| at.checked_sub(outer)).filter(|at| at + 2 < parts.len());
        let is_default =
            [".default", "defaultPort"].iter().any(|end| port.name.ends_with(end)) || port.name.contains(".default.");
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

    /// Whether the use is in a Kubernetes manifest.
    fn is_manifest(&self) -> bool {
        !self.names.object.is_empty()
    }

    /// Whether the use is in a Compose file.
    fn is_in_compose(&self) -> bool {
        !self.names.service.is_empty()
    }

    /// Which side of a mapping the number is.
    pub fn side(&self) -> Option<Side> {
        match self.last() {
            "hostPort" | "host" => Some(Side::Host),
            "containerPort" | "guest" => Some(Side::Container),
            last if split(last).last().is_some_and(|word| word == "ports") => self.line.side(),
            _ if self.is_in_compose() => self.line.side(),
            _ => None,
        }
    }

    /// The well-known service at the other side of a mapping: `https` in `{ host = 8443; guest = 443; }`.
    pub fn partner(&self) -> Option<Vec<String>> {
        let always = |number| service_ports::services(number).iter().find(|row| row.certainty == Certainty::Always);
        if let Some(number) = self.line.relayed() {
            return always(number).map(|row| split(row.name));
        }
        // `{ host = 8443; guest = 443; }` and `{ host.port = 8443; guest.port = 443; }`
        let other = match self.parts.as_slice() {
            [.., "host"] => "guest",
            [.., "guest"] => "host",
            [.., "host", "port"] => "guest.port",
            [.., "guest", "port"] => "host.port",
            _ => return None,
        };
        always(self.beside?.number(other)?).map(|row| split(row.name))
    }

    /// The kind of the probe that connects to the port.
    pub fn probe(&self) -> Option<Vec<String>> {
        self.parts.iter().find_map(|part| part.strip_suffix("Probe")).map(split)
    }

    /// The words of the last name that have a meaning, however general.
    pub fn general(&self) -> Vec<String> {
        const EMPTY: [&str; 8] = ["addr", "address", "bind", "default", "listen", "port", "ports", "value"];
        split(self.last()).into_iter().filter(|word| !EMPTY.contains(&word.as_str())).collect()
    }

    /// The purpose that a variable of the container gives for the inner number of a mapping: `webdav` in
    /// `STORE_WEBDAV_PORT = "8181"` for `20015:8181`.
    pub fn variable_inside(&self, text: &'a str, service: &[String]) -> Option<Vec<String>> {
        let number = match self.side()? {
            Side::Host => self.line.inner()?,
            Side::Container => return None,
        };
        let variable = self.context.variable(text, number)?;
        let mut words = telling(variable);
        words.retain(|word| !service.iter().any(|known| known.starts_with(word.as_str()) || is_generic(word)));
        (!words.is_empty()).then_some(words)
    }

    /// The well-known service inside of a container, whatever the name of the container.
    pub fn contained(&self) -> Option<Vec<String>> {
        let number = self.line.inner()?;
        let row = service_ports::services(number).iter().find(|row| row.certainty == Certainty::Always)?;
        Some(split(row.name))
    }

    /// The names of the service that the scheme of a URL implies: `ldap` in `ldap://127.0.0.1:3890`.
    pub fn protocol(&self) -> Option<&'static [&'static str]> {
        // Most URLs have one of these schemes, which do not identify a service.
        let scheme = self.line.scheme().filter(|scheme| !matches!(*scheme, "http" | "https"))?;
        SCHEMES.iter().find(|(known, _)| *known == scheme).map(|(_, names)| *names)
    }

    /// Whether some words are the name of a service, either a well-known one or one of the repository.
    pub fn is_service(&self, words: &[String]) -> bool {
        self.context.is_service(words) || service_ports::is_service(&words.concat())
    }

    /// The strings whose words may be the name of a service.
    pub fn texts(&self) -> Vec<&'a str> {
        let names = self.names.outer.iter().copied().chain([self.names.own, self.names.object, self.names.service]);
        // A Traefik label contains the name of Traefik, whichever service it is for.
        let is_of_label = |at: usize| {
            self.parts[at] == "traefik"
                && self.parts.get(at + 1).is_some_and(|kind| matches!(*kind, "http" | "tcp" | "udp"))
        };
        let parts = (0..self.parts.len()).filter(|at| !is_of_label(*at)).map(|at| self.parts[at]);
        let before = match self.line.before.contains("traefik.") {
            true => self.line.before.rsplit_once("traefik.").map_or(self.line.before, |(_, label)| label),
            false => self.line.before,
        };
        // `# wiki (the same port as the forge)`
        let comment = self.line.comment.split('(').next().unwrap_or_default();
        parts.chain([before, comment]).chain(names).collect()
    }

    /// The name of the number's own mapping in YAML.
    pub fn own_name(&self) -> Vec<String> {
        if self.is_manifest() { service(self.names.own) } else { Vec::new() }
    }

    /// The same with the number at its end: `ftp-passive-50001` of several ports.
    pub fn numbered_name(&self, number: u32) -> Option<Vec<String>> {
        let own = Some(self.names.own).filter(|name| self.is_manifest() && name.ends_with(is_digit))?;
        let words = split(own);
        (words.len() > 1 && words.last()?.parse() == Ok(number)).then_some(words)
    }

    /// The general words for the part of a service whose options contain the port: `cluster` of
    /// `services.nats.settings.cluster.listen`.
    pub fn section(&self) -> Option<Vec<String>> {
        const EMPTY: [&str; 6] = ["config", "extraConfig", "extraSettings", "environment", "server", "settings"];
        let [.., outer, section, _] = self.parts.as_slice() else { return None };
        let is_service = self.is_manifest() || HOLDERS.contains(outer) || HOLDERS.contains(section);
        let words = split(section);
        let is_ports = words.last().is_some_and(|word| matches!(word.as_str(), "port" | "ports"));
        let is_part = !is_service && !is_ports && self.named().is_some() && !words.is_empty() && all_generic(&words);
        (is_part && *section != "?" && !EMPTY.contains(section)).then_some(words)
    }

    pub fn last(&self) -> &str {
        self.parts.last().copied().unwrap_or("")
    }

    pub fn is_firewall(&self) -> bool {
        self.is_one_of_many
            || self
                .parts
                .iter()
                .any(|part| matches!(*part, "firewall" | "firewalld" | "nftables" | "ufw") || begins_with_allow(part))
            || self.parts.iter().any(|part| part.trim_start_matches('-').starts_with("dport"))
            || self.is_manifest() && self.parts.iter().any(|part| matches!(*part, "egress" | "ingress"))
    }

    pub fn is_client(&self) -> bool {
        if self.is_manifest() {
            return self.is_client_in_manifest();
        }
        if self.line.is_any_host() {
            return false;
        }
        let mut last = split(self.last());
        // `originList`
        last.pop_if(|word| word == "list");
        if let [.., before, address] = last.as_slice()
            && matches!(address.as_str(), "addr" | "address")
            && matches!(before.as_str(), "backend" | "origin" | "peer" | "target" | "upstream")
        {
            last.pop();
        }
        if self.is_collector() || self.is_key() {
            return false;
        }
        let listens = last.iter().any(|word| matches!(word.as_str(), "listen" | "bind" | "port"));
        // `upstream_dns`, `stub-addr`
        let is_of_other = last.first().is_some_and(|word| PEERS.contains(&word.as_str()))
            || self.line.address().is_some() && last.iter().any(|word| ENDS.contains(&word.as_str()));
        let names_another = last.last().is_some_and(|word| CLIENTS.contains(&word.as_str()))
            || is_of_other
            || self.is_of_database()
            || self.is_of_peer()
            || passes_to(&last);
        let in_set = self.parts.iter().any(|part| CLIENT_SETS.contains(part));
        let in_text = self.line.scheme().is_some_and(|scheme| {
            let script = last
                .iter()
                .any(|word| matches!(word.as_str(), "script" | "start" | "cmd" | "command" | "text" | "test"));
            script || !matches!(scheme, "http" | "https" | "tcp" | "udp" | "ws" | "unix")
        });
        // `href = url 8000;`: the bound name describes the purpose of the call.
        let bound = self.line.binding().or_else(|| self.line.call().map(|(bound, _)| bound));
        let names_client = self.parts.len() == 1
            && bound.is_some_and(|bound| split(bound).last().is_some_and(|word| CLIENTS.contains(&word.as_str())));
        // The text of a proxy's configuration, except what the proxy itself listens on.
        let is_text_of_front = self.named().is_some_and(|(at, candidate)| {
            is_front(&candidate.service) && at + 1 < self.parts.len() && self.is_text(at + 1)
        });
        // `example.org:8443 {` is an address that Caddy listens on.
        let is_site = self.line.after.trim_start().starts_with('{');
        // `proxy = {` is a set.
        let passes = |rest: &str| !rest.trim_start().starts_with('=');
        // Searching for a position is slower than testing whether there is one.
        let follows = |words: &&str| {
            self.line.before.contains(*words) && {
                self.line.before.split_once(*words).is_some_and(|(_, rest)| passes(rest))
            }
        };
        let passes_on = PASSES_ON.iter().any(follows);
        // A URL of another host, and an expectation about the configuration of another host.
        let is_other = self.line.address().is_some_and(|host| !is_local(host)) && self.line.scheme().is_some();
        let is_check = self.parts.contains(&"checks");
        let is_url_of_host =
            self.line.scheme().is_some() && last.last().is_some_and(|word| matches!(word.as_str(), "host" | "server"));
        names_another && (!listens || self.is_of_database() || self.is_of_peer())
            || in_set && !last.iter().any(|word| word == "listen")
            || in_text
            || passes_on
            || is_url_of_host
            || names_client
            || self.is_forwarded()
            || self.is_local_end()
            || self.is_health_check()
            || self.is_label()
            || self.is_proxied()
            || self.line.proxy_variable().is_some()
            || self.line.scheme().is_some() && self.line.title().is_some()
            || (is_other || is_check) && !listens
            || is_text_of_front && !listens && !is_site
            || self.line.key_host().is_some() && !listens
    }

    /// Whether it is the port of a service's database: `services.wiki.database.port`.
    fn is_of_database(&self) -> bool {
        let [.., outer, "database" | "db", "port"] = self.parts.as_slice() else { return false };
        !service(outer).iter().any(|word| service_ports::named(word).is_some_and(|row| row.group == "databases"))
    }

    /// Whether a collector of telemetry listens: `receivers.otlp.protocols.grpc.endpoint`.
    fn is_collector(&self) -> bool {
        matches!(self.parts.as_slice(), [.., "protocols", _, "endpoint"]) && self.parts.contains(&"receivers")
    }

    /// Whether it is an entry of a set of ports, whose name a person chose: `ports.wikiProxy`.
    pub fn is_key(&self) -> bool {
        // `network.ports.wiki`, but not an option of a service that happens to have this name.
        let is_entry = match self.parts.as_slice() {
            ["ports", _] => true,
            [outer, "ports", _] => !TOP_LEVEL.contains(outer) && !HOLDERS.contains(outer),
            _ => false,
        };
        is_entry && self.last().bytes().any(|byte| byte.is_ascii_lowercase()) && self.line.binding().is_some()
    }

    /// Whether it is a port that NAT forwards to another machine, or the port on that machine: `{ destination =
    /// "10.0.0.4:8000"; sourcePort = 8000; }`.
    fn is_forwarded(&self) -> bool {
        matches!(self.last(), "destination" | "sourcePort") && self.parts.contains(&"forwardPorts")
    }

    /// Whether it is the port of this machine that a tunnel exposes elsewhere: `{ localPort = 80; remotePort = 8000;
    /// }`.
    pub fn is_local_end(&self) -> bool {
        self.last() == "localPort" && self.beside.is_some_and(|beside| beside.has("remotePort"))
    }

    /// Whether it is a label of a time series, or a query, that mentions the address of a service.
    fn is_label(&self) -> bool {
        let is_instance = || self.line.before.contains("instance=") && self.line.before.contains('{');
        self.parts.iter().any(|part| matches!(*part, "matcher" | "matchers")) || is_instance()
    }

    /// Whether it is an argument of a function that configures a reverse proxy: `mkProxy { domain = domains.wiki; port =
    /// 8000; }`.
    fn is_proxied(&self) -> bool {
        let function = self.beside.map_or("", |beside| beside.function());
        function.contains("Proxy") && self.last() == "port"
    }

    /// Whether the health check of a container connects to the port.
    pub fn is_health_check(&self) -> bool {
        self.parts.iter().any(|part| part.eq_ignore_ascii_case("healthcheck"))
            || self.container().is_some() && self.line.before.contains("--health-")
    }

    /// The name in a set of servers or instances that contains the number.
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

    /// The service of a Compose file that contains the number.
    pub fn compose_service(&self) -> Option<&'a str> {
        Some(self.names.service).filter(|service| !service.is_empty())
    }

    /// Whether the name ends in nothing more specific than the port of its service: `services.wiki.port`, and
    /// `listenPort` in `wiki.nix`.
    pub fn is_plain_port(&self) -> bool {
        matches!(self.last(), "port" | "listenPort" | "httpPort" | "http_port" | "listen_port" | "PORT")
    }

    /// Whether a part is an option with text as its value: `appendHttpConfig`.
    fn is_text(&self, at: usize) -> bool {
        self.parts[at].ends_with("Config") || self.parts[at] == "config" || self.parts[at] == "text"
    }

    /// Whether it is a client in a manifest: the value of a variable, a probe or a route, which connects to another
    /// port.
    fn is_client_in_manifest(&self) -> bool {
        const LISTENING: [&str; 5] = ["addr", "address", "bind", "listen", "port"];
        const LISTENED: [&str; 5] = ["ports", "containerPort", "hostPort", "nodePort", "listen"];
        let is_variable_of_listener =
            split(self.names.own).last().is_some_and(|word| LISTENING.contains(&word.as_str()));
        !is_variable_of_listener && !self.parts.iter().any(|part| LISTENED.contains(part))
    }

    /// The service named after a holder such as `services`, with the index of the name.
    fn named(&self) -> Option<&(usize, Candidate)> {
        self.named.get_or_init(|| self.named_by_option().or_else(|| self.held(self.holder?))).as_ref()
    }

    fn named_by_option(&self) -> Option<(usize, Candidate)> {
        let is_holder = |at: &usize| self.is_holder(*at) && !self.is_ci_job(*at);
        (0..self.parts.len()).rev().filter(is_holder).find_map(|at| self.held(at))
    }

    /// Whether a name holds services: `services`, `systemd.sockets`, `deployedApps`.
    fn is_holder(&self, at: usize) -> bool {
        let part = self.parts[at];
        let is_unit = || part == "sockets" && at > 0 && matches!(self.parts[at - 1], "systemd" | "user");
        let is_own = || at == 1 && !TOP_LEVEL.contains(&self.parts[0]) && !HOLDERS.contains(&self.parts[0]);
        HOLDERS.contains(&part)
            || is_unit()
            || part.len() > 4 && part.ends_with("Apps")
            || matches!(part, "docker" | "podman") && is_own()
    }

    /// Whether the name of the service is only in a set of this file with several services.
    fn is_held(&self) -> bool {
        self.holder.is_some() && self.named_by_option().is_none()
    }

    /// Whether a holder contains the jobs of a CI system, which are not services.
    fn is_ci_job(&self, at: usize) -> bool {
        self.parts[at] == "jobs" && self.parts.get(at + 2).is_some_and(|part| *part == "steps")
    }

    fn held(&self, holder: usize) -> Option<(usize, Candidate)> {
        let is_category = |part: &str| CATEGORIES.contains(&part.to_ascii_lowercase().as_str());
        let is_last = |at: usize| at + 2 >= self.parts.len();
        let is_category = |part: &str| is_category(part) || self.context.is_category(part);
        let at = (holder + 1..self.parts.len()).find(|&at| is_last(at) || !is_category(self.parts[at]))?;
        // The last name is the name of the option.
        if at + 1 >= self.parts.len() && !matches!(self.parts[holder], "processes" | "containers") {
            return None;
        }
        let is_twin = self.parts[holder] == "containers" && self.context.is_twin(self.parts[at]);
        let words = if is_twin { split(self.parts[at]) } else { service(self.parts[at]) };
        if self.parts[at] == "?" && !self.subject.is_empty() {
            let candidate = Candidate {
                service: self.subject.clone(),
                qualifier: self.inner(at),
                weight: weight::FILE_LISTENER + 3,
            };
            return Some((at, candidate));
        }
        if at == holder + 1 && PARTS.contains(&self.parts[at]) && !matches!(self.parts[holder], "roles" | "exporters") {
            let service = with(&self.subject, &words);
            return Some((
                at,
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::FILE_LISTENER + 3 },
            ));
        }
        if words.is_empty() || all_generic(&words) && self.parts[holder] != "exporters" {
            return None;
        }
        let words = if self.context.is_subject(&words, &self.subject) { self.subject.clone() } else { words };
        let outer = holder.checked_sub(1).filter(|&outer| self.says_whose(outer));
        let service = match self.parts[holder] {
            "roles" if self.subject.is_empty() && outer.is_some() => {
                outer.map(|at| service(self.parts[at])).unwrap_or_default()
            }
            "exporters" => with(&words, &["exporter".to_owned()]),
            // `services.model.instances.chat.port`
            "instances" if outer.is_some_and(|outer| self.is_held_at(outer)) => {
                outer.map_or(Vec::new(), |at| with(&service(self.parts[at]), &words))
            }
            "roles" if !self.subject.is_empty() && !share(&self.subject, &words) => with(&self.subject, &words),
            _ => words,
        };
        Some((at, Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER }))
    }

    /// Whether a name is directly in a holder of services.
    fn is_held_at(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| matches!(self.parts[before], "services" | "programs"))
    }

    /// The last name between a computed name and the option.
    fn inner(&self, at: usize) -> Vec<String> {
        let inner = self.parts.get(at + 1..).unwrap_or_default().iter().rev();
        inner.map(|part| telling(part)).find(|words| !words.is_empty()).unwrap_or_default()
    }

    /// The name that the port gets from the attributes next to the number, or from a list element in YAML.
    pub fn element(&self) -> Option<Candidate> {
        if self.is_in_compose() && self.named_by_option().is_none() && self.line.url_host().is_none() {
            let service = service(self.names.service);
            return Some(Candidate { service, qualifier: self.end(), weight: weight::LISTENER + 1 });
        }
        let plain = |service: Vec<String>, weight: u32| {
            (!service.is_empty() && !all_generic(&service)).then(|| Candidate {
                service,
                qualifier: Vec::new(),
                weight,
            })
        };
        let name = match self.beside {
            Some(beside) if beside.is_element() => {
                if let Some(job) = beside.job() {
                    let (service, qualifier) = (service(job), vec!["metrics".to_owned()]);
                    return Some(Candidate { service, qualifier, weight: weight::JOB });
                }
                if let Some(found) = self.inbound(beside) {
                    return Some(found);
                }
                if let Some(domain) = beside.domain_variable().filter(|_| self.is_proxied()) {
                    return plain(service(domain), weight::RECORD);
                }
                let name = beside.name().filter(|name| !beside.names_host(name) && !self.context.is_machine(name));
                // A text for people is the name of what a link leads to.
                let name = name.filter(|name| !name.contains(' ') || self.line.scheme().is_some());
                // The address of a service in a cluster says more than the title of what connects to it.
                let in_cluster = self.line.before.ends_with(".cluster.local:");
                let name = name.filter(|_| !in_cluster || self.line.url_host().is_none());
                // The name of a script is not that of what it connects to.
                let name =
                    name.filter(|name| self.line.proxy_variable().is_none() || self.line.script() != Some(*name));
                if let (None, Some(label)) = (name, self.host_beside(beside)) {
                    return plain(service(label), weight::RECORD);
                }
                name.or_else(|| self.kind_beside(beside))?
            }
            // `widget = { type = "wiki"; url = "http://10.0.0.4:8080"; }` on a dashboard.
            Some(beside) if beside.key() == "widget" => {
                let kind = beside.kind().filter(|kind| !GENERIC_WIDGETS.contains(kind))?;
                return plain(service(kind), weight::RECORD);
            }
            // `proxy = { port = 3000; subdomains = [ "grafana" ]; }`
            Some(beside) => beside.subdomain().filter(|_| all_generic(&service(beside.key())))?,
            None if self.is_manifest() || self.parts.contains(&"steps") => return None,
            None => Some(self.names.own).filter(|name| !name.is_empty() && name.chars().any(char::is_lowercase))?,
        };
        let words = prose(name);
        if words.is_empty() || all_generic(&words) {
            return None;
        }
        let weight = weight::LISTENER + 1;
        match self.named() {
            Some((_, owner)) if is_front(&owner.service) => plain(words, weight),
            Some(_) if words.iter().any(|word| service_ports::is_service(word)) => plain(words, weight),
            Some((_, owner)) => Some(Candidate { qualifier: words, weight, ..owner.clone() }),
            None if words.iter().all(|word| PURPOSES.contains(&word.as_str())) => None,
            // The port of a container in Kubernetes has a name of its own.
            None if !self.subject.is_empty() && matches!(self.last(), "containerPort" | "targetPort" | "nodePort") => {
                Some(Candidate { service: self.subject.clone(), qualifier: words, weight })
            }
            None => plain(words, weight),
        }
    }

    /// The service and the name of an inbound of Xray or sing-box.
    fn inbound(&self, beside: Beside<'a>) -> Option<Candidate> {
        const PLAIN: [&str; 3] = ["default", "in", "inbound"];
        if !self.parts.contains(&"inbounds") {
            return None;
        }
        let (tag, protocol) = beside.inbound()?;
        let name = if PLAIN.contains(&tag) { protocol } else { tag };
        let service = self.named().map_or(&self.subject, |(_, owner)| &owner.service);
        let found = Candidate { service: service.clone(), qualifier: split(name), weight: weight::LISTENER + 1 };
        (!found.service.is_empty()).then_some(found)
    }

    /// The first label of the host next to the number, if it names a service, or if a proxy receives requests for the
    /// port at that host: `{ host = "wiki.example.org"; upstream = "10.0.0.4:8080"; }`.
    fn host_beside(&self, beside: Beside<'a>) -> Option<&'a str> {
        let label = beside.host().filter(|label| !self.context.is_machine(label))?;
        let is_proxied = matches!(self.last(), "backend" | "proxyPass" | "target" | "to" | "upstream" | "url");
        (is_proxied || self.is_service(&service(label))).then_some(label)
    }

    /// The purpose of a service's port, from the `type` next to it: `{ port = 9000; type = "metrics"; }`.
    fn kind_beside(&self, beside: Beside<'a>) -> Option<&'a str> {
        self.named()?;
        beside.kind().filter(|kind| DIAGNOSTICS.contains(kind))
    }

    /// Whether it is the port of a peer, which has its own host: `{ host = "10.0.0.4"; port = 9092; }`.
    fn is_of_peer(&self) -> bool {
        let beside = self.beside.filter(|beside| self.last() == "port" && beside.is_element());
        beside.and_then(|beside| beside.full_host()).is_some_and(|host| !is_local(host) && !host.contains(['$', ':']))
    }

    /// Whether a name may identify a service: it is not generic, not computed, and not a location.
    fn says_whose(&self, at: usize) -> bool {
        let part = self.parts[at];
        let before = at.checked_sub(1).map(|before| self.parts[before]);
        let after_place = before.is_some_and(|before| PLACES.contains(&before)) || part == "nixosConfigurations";
        let after_user = at.checked_sub(2).is_some_and(|before| self.parts[before] == "users");
        // `packages.x86_64-linux`
        let is_system = part.ends_with("-linux") || part.ends_with("-darwin");
        let is_job = before == Some("jobs") && self.is_ci_job(at - 1);
        let is_function =
            part.strip_prefix("mk").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        // `initialPorts` is a set of ports.
        let is_ports = split(part).last().is_some_and(|word| word == "ports");
        part != "?"
            && part != "initrd"
            && !STRUCTURE.contains(&part)
            && !is_function
            && !is_ports
            && !is_job
            && !self.context.is_machine(part)
            && !is_system
            && !after_place
            && !after_user
            && !all_generic(&split(part))
            && !split(part).is_empty()
    }

    /// The app whose port a Kubernetes network policy opens.
    pub fn policed(&self, port: &Missing<'a>) -> Option<Candidate> {
        let has = |rule: &str| self.parts.contains(&rule);
        if !self.is_manifest() || !(has("ingress") || has("egress")) {
            return None;
        }
        let (app, listens) = policed(port.text, port.span.start as usize, has("egress"))?;
        let words = service(app);
        let is_name = !words.is_empty() && !all_generic(&words);
        let weight = if listens { weight::RECORD } else { weight::FILE + 1 };
        is_name.then(|| Candidate { service: words, qualifier: self.end(), weight })
    }

    pub fn file(&self, weight: u32) -> Candidate {
        let is_unnamed = is_front(&self.subject) || self.is_one_of_many || is_holder(&self.subject);
        let service = if is_unnamed { Vec::new() } else { self.subject.clone() };
        Candidate { service, qualifier: self.end(), weight }
    }

    /// The virtual machine whose ports a machine forwards: `test` in `nixosConfigurations.test.virtualisation..`.
    pub fn virtual_machine(&self, path: &str) -> Option<Candidate> {
        if self.last() != "port" || !self.parts.contains(&"forwardPorts") || !self.parts.contains(&"virtualisation") {
            return None;
        }
        let at = self.parts.iter().position(|part| *part == "nixosConfigurations");
        let literal = |name: &&&str| !matches!(**name, "?" | "virtualisation");
        let machine = at.and_then(|at| self.parts.get(at + 1)).filter(literal).copied();
        let stem =
            || path.rsplit('/').next()?.strip_suffix(".nix").filter(|stem| !matches!(*stem, "default" | "flake"));
        let name = machine.or_else(stem).map(split).unwrap_or_default();
        let service = with(&name, &["vm".to_owned()]);
        Some(Candidate { service, qualifier: Vec::new(), weight: weight::LISTENER })
    }

    /// The host that `curl --resolve wiki.example.org:8444:10.0.0.4` connects to.
    pub fn resolved(&self) -> Option<Candidate> {
        let is_flag = matches!(self.last(), "--resolve" | "--connect-to");
        let service = if is_flag { self.line.host_name() } else { Vec::new() };
        (!service.is_empty()).then_some(Candidate { service, qualifier: Vec::new(), weight: weight::BOUND + 7 })
    }

    /// The kind of the remote display that has the port.
    pub fn graphics(&self) -> Option<Candidate> {
        let service = vec![self.line.graphics()?.to_owned()];
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

    /// The service that a comment names for a port that one container publishes for another, as a VPN container does:
    /// `"8080:8080" # qBittorrent`.
    pub fn behind(&self, comment: &[String]) -> Option<Candidate> {
        let container = self.container()?;
        let (first, rest) = comment.split_first()?;
        let is_other =
            !container.to_ascii_lowercase().contains(first.as_str()) && self.is_service(std::slice::from_ref(first));
        let is_plain = matches!(self.last(), "ports")
            && rest.iter().all(|word| is_generic(word) || PURPOSES.contains(&word.as_str()));
        let weight = weight::LISTENER + 1;
        (is_other && is_plain).then(|| Candidate { service: vec![first.clone()], qualifier: rest.to_vec(), weight })
    }

    /// The name in a comment.
    pub fn commented(&self, comment: &[String], is_firewall: bool) -> Option<Candidate> {
        let most = if is_firewall { 4 } else { 2 };
        if comment.is_empty() || all_generic(comment) {
            return None;
        }
        if share(&self.subject, comment) {
            let rest = comment.iter().filter(|word| !share(&self.subject, [*word])).cloned();
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: rest.collect(),
                weight: weight::COMMENT_OF_SUBJECT,
            });
        }
        // `# RPC` identifies the port, not the service.
        let is_purpose = comment.iter().all(|word| PURPOSES.contains(&word.as_str()) || is_generic(word));
        if is_purpose && !self.subject.is_empty() {
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: comment.iter().filter(|word| !is_generic(word)).cloned().collect(),
                weight: weight::PURPOSE,
            });
        }
        // A single word in a list of a service's ports: `# video`.
        if let [word] = comment
            && !self.subject.is_empty()
            && !is_front(&self.subject)
            && !service_ports::is_service(word)
        {
            let (service, qualifier) = (self.subject.clone(), comment.to_vec());
            return Some(Candidate { service, qualifier, weight: weight::COMMENT });
        }
        (comment.len() <= most).then(|| Candidate {
            service: comment.to_vec(),
            qualifier: self.end(),
            weight: weight::COMMENT,
        })
    }

    /// The name of an instance, or of a part of the service, between the service and the option.
    pub fn middle(&self) -> Vec<String> {
        let first = || (0..self.parts.len()).find(|&at| self.says_whose(at));
        let after = self.named().map(|(at, _)| *at).or_else(first).map_or(self.parts.len(), |at| at + 1);
        // The domain of a virtual host does not distinguish its ports.
        let host = self.parts.iter().position(|part| matches!(*part, "virtualHosts" | "virtualhosts" | "proxyHosts"));
        let after = host.map_or(after, |_| self.parts.len());
        let inner = after..self.parts.len().saturating_sub(1).max(after);
        let is_numbered =
            |part: &str| part.starts_with(is_digit) || part.trim_end_matches(is_digit).ends_with(['-', '_']);
        let words_of = |part: &str| if is_numbered(part) { split(part) } else { service(part) };
        let mut words =
            inner.rev().find(|&at| self.says_whose(at)).map(|at| words_of(self.parts[at])).unwrap_or_default();
        words.retain(|word| !matches!(word.as_str(), "and" | "from" | "of" | "on" | "to"));
        let owner = self.listener().service;
        if share(&owner, &words) && words.iter().all(|word| owner.contains(word)) {
            words.clear();
        }
        words
    }
}

/// The number of names before that of an object of Kubernetes in Nix: of `kubernetes.resources.deployments`.
fn outside_of_object(parts: &[&str]) -> usize {
    match parts {
        ["kubernetes", "helm", "releases", _, _, ..] => 3,
        ["kubernetes", "resources" | "objects" | "api", _, _, ..] => 2,
        _ => 0,
    }
}

/// Whether the words of a name mean that connections are passed on: `proxyTo`, `forward_to`.
fn passes_to(words: &[String]) -> bool {
    matches!(words, [.., before, last] if last == "to" && !matches!(before.as_str(), "bind" | "listen" | "port"))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Whether a host is this machine.
pub fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0") || host.starts_with("127.")
}

/// Whether some words name a reverse proxy or a dashboard, whose ports belong to other services.
pub fn is_front(words: &[String]) -> bool {
    FRONTS.contains(&words.join("-").as_str()) || words.iter().any(|word| FRONTS.contains(&word.as_str()))
}
