//! The names that a client gives to the service that it connects to.

use super::super::Missing;
use super::super::candidate::{Candidate, weight};
use super::super::line::{EMPTY_LABELS, Side, is_proxy_variable};
use super::super::words::{all_generic, is_generic, prose, service, share, site_labels, split, telling, with};
use super::{Reader, is_front};
use crate::knowledge::name_words::{CLIENTS, LOCATION_PARTS, PEERS, PURPOSES, TARGETS, TOP_LEVEL};
use crate::knowledge::service_ports::{self, Certainty};
use crate::wording;

impl Reader<'_> {
    /// The names that a client gives to the service that it connects to.
    pub fn client(&self, port: &Missing<'_>) -> Vec<Candidate> {
        let plain = |service: Vec<String>, weight| Candidate { service, qualifier: Vec::new(), weight };
        if self.is_manifest() {
            return self.client_in_manifest();
        }
        if self.is_label() || self.is_routed() {
            return Vec::new();
        }
        if self.is_health_check() && self.container().is_some() {
            return vec![Candidate { weight: weight::TARGET, ..self.listener() }];
        }
        if let Some(candidate) = self.abbreviation() {
            return vec![Candidate { weight: weight::HOST, ..candidate }];
        }
        if let Some(host) = self.ssh_host() {
            return vec![self.ssh(host)];
        }
        // The host in the reference of an image is that of a registry.
        if self.last() == "image" && self.line.address().is_some() {
            return vec![plain(vec!["registry".to_owned()], weight::TARGET)];
        }
        if let Some(name) = self.route() {
            let words = service(name);
            let words = if all_generic(&words) { Vec::new() } else { words };
            return vec![plain(words, weight::TARGET)];
        }
        let label = self.host_label();
        let server = if label.is_none() { self.line.server_name(port.text, port.span.start) } else { None };
        let server = server.or_else(|| if label.is_none() { self.line.site() } else { None });
        // A string with an entire proxy configuration usually contains several servers.
        let is_server = server.is_some();
        let label = label.or(server);
        let mut found = Vec::new();
        found.extend(self.line.proxy_variable().map(|words| plain(words, weight::VARIABLE)));
        let labelled = self.line.target_label().map(|(key, name)| match key {
            "exporter" => with(&service(name), &[key.to_owned()]),
            _ => service(name),
        });
        let labelled = labelled.filter(|words| !all_generic(words) && !self.is_machine(words));
        found.extend(labelled.map(|words| plain(words, weight::JOB)));
        let component = self.line.scrape_component().filter(|label| !PURPOSES.contains(label)).map(service);
        let component = component.filter(|words| !all_generic(words) && !self.is_machine(words));
        found.extend(component.map(|words| plain(words, weight::JOB)));
        // The options of a service are more specific than the text of its links.
        let title = self.line.title().filter(|_| self.named().is_none());
        found.extend(title.map(|words| plain(words, weight::RECORD)));
        found.extend(self.located().map(|words| plain(words, weight::TARGET)));
        let is_of_front = self.line.before.contains("forward .") || self.is_cache();
        if !is_of_front && !is_server && !label.as_ref().is_some_and(|label| self.is_host_of_another(label, port)) {
            found.push(self.file(weight::FILE));
        }
        found.extend(
            self.line
                .key_host()
                .filter(|words| !self.is_machine(words) && words[0].starts_with(|c: char| c.is_ascii_alphabetic()))
                .map(|words| plain(words, weight::TARGET)),
        );
        found.extend(self.tunneled().filter(|candidate| !self.is_machine(&candidate.service)));
        found.extend(
            self.line.called_host().filter(|words| !self.is_machine(words)).map(|words| plain(words, weight::TARGET)),
        );
        let is_argument = self.parts.len() == 1 && self.line.call().is_some();
        let key = self.beside.map(|beside| service(beside.key())).filter(|_| is_argument);
        let key = key.filter(|words| !words.is_empty() && !all_generic(words) && !share(&self.subject, words));
        found.extend(key.map(|words| plain(words, weight::HOST)));
        let server = self.line.server().filter(|_| matches!(self.last(), "server" | "servers")).map(service);
        // `certbot.servers = [ "certbot 127.0.0.1:8403" ]`
        let is_backend = |words: &[String]| self.parts.iter().any(|part| split(part) == words);
        let server = server.filter(|words| {
            !all_generic(words) && !self.is_machine(words) && (self.is_service(words) || is_backend(words))
        });
        let has_server = server.is_some();
        found.extend(server.map(|words| plain(words, weight::TARGET)));
        if let Some(at) = self.parts.iter().position(|part| TARGETS.contains(part)).filter(|_| !has_server) {
            let name = self.parts.get(at + 1).filter(|_| at + 2 < self.parts.len()).map(|name| split(name));
            found.extend(name.filter(|words| !all_generic(words)).map(|words| plain(words, weight::TARGET)));
        }
        // Most jails have the name of a service, but some have that of a filter: `nginx-http-auth`.
        let jail = self.jail().map(service).filter(|words| self.is_service(words));
        found.extend(jail.map(|words| plain(words, weight::TARGET)));
        // `extraScrapeConfigs`
        let is_scrape = |part: &&str| {
            part.starts_with("scrape") || ["scrape_configs", "ScrapeConfigs"].iter().any(|end| part.ends_with(end))
        };
        if self.parts.iter().any(is_scrape) || self.line.is_target() {
            let job = job(port).filter(|words| !self.is_machine(words));
            // The target may be the only port of a container that has the name of the job.
            let is_container = |words: &[String]| self.line.address().is_some_and(|host| split(host) == words);
            let says = |words: &[String]| words.iter().any(|word| word == "exporter" || word == "metrics");
            let metrics = |words: &[String]| match says(words) || is_container(words) {
                true => Vec::new(),
                false => vec!["metrics".to_owned()],
            };
            found.extend(job.map(|words| Candidate {
                qualifier: metrics(&words),
                service: words,
                weight: weight::JOB,
            }));
        }
        let labelled = self.line.label_of_url().map(service).filter(|words| !words.is_empty() && !all_generic(words));
        found.extend(labelled.map(|words| plain(words, weight::TARGET)));
        let balanced = self.line.balanced().map(service).filter(|words| !words.is_empty() && !all_generic(words));
        found.extend(balanced.map(|words| plain(words, weight::TARGET)));
        found.extend(self.served().map(|word| plain(vec![word], weight::TARGET)));
        found.extend(self.handled(label.as_deref()));
        if self.line.before.contains("forward_auth") {
            // The directive says what the service does, not which one it is.
            found.push(plain(vec!["forward".to_owned(), "auth".to_owned()], weight::FILE + 1));
        }
        // A cache's address is usually that of a machine.
        if self.is_cache() {
            found.push(plain(vec!["nix".to_owned(), "cache".to_owned()], weight::CLIENT + 1));
            return found;
        }
        // `wiki.example.org` for `http://wiki.lan:8000`
        let upstream = self.line.host_name();
        let is_upstream = |label: &Vec<String>| share(&upstream, label) && !self.is_machine(&upstream);
        found.extend(label.map(|label| match is_upstream(&label) {
            true => plain(upstream.clone(), weight::TARGET),
            false => plain(label, weight::HOST),
        }));
        let host = self.line.url_host().filter(|words| !self.is_machine(words));
        found.extend(host.map(|words| plain(words, weight::TARGET)));
        match self.named() {
            Some((_, candidate)) if is_front(&candidate.service) || self.line.key_host().is_some() => {}
            // `arr.sabnzbd.url`, in a set with several services
            Some((_, candidate)) if self.is_held() => {
                found.push(Candidate { weight: weight::OBJECT, ..candidate.clone() });
            }
            Some((at, candidate)) if self.is_own_set_of_urls(*at) => {
                found.push(Candidate { weight: weight::FILE + 1, ..candidate.clone() });
            }
            Some((at, candidate)) => {
                found.push(Candidate { weight: weight::CLIENT, ..candidate.clone() });
                // A name server's configuration has no name for the upstream server.
                let qualifier = vec!["upstream".to_owned()];
                let upstream = Candidate { qualifier, weight: weight::FILE + 1, ..candidate.clone() };
                found.extend(self.line.is_of_name_server().then_some(upstream));
                found.extend(self.reached_by(*at));
            }
            None if self.line.key_host().is_some() => {}
            // `vllmProvider.baseUrl` names the service.
            None => {
                let names = (0..self.parts.len().saturating_sub(1)).filter(|&at| self.says_whose(at));
                let mut names = names.map(|at| service(self.parts[at])).peekable();
                let first = names.peek().cloned().unwrap_or_default();
                // `arrConfig.sabnzbd.url` in `arr.nix`
                let words = names.find(|words| !share(&self.subject, words)).unwrap_or(first);
                let words: Vec<String> = words.into_iter().filter(|word| word != "provider").collect();
                // `mirrors.nas.url = "http://nas.lan:5000"` names the machine.
                let is_scrape = self.parts.iter().any(|part| part.starts_with("scrape"));
                // The default of a client's option, and a check, do not name the service.
                let is_own = self.parts.contains(&"options")
                    || self.parts.contains(&"checks")
                    || is_front(&words)
                    || self.is_of_upstream();
                if self.line.host_name() != words && !is_scrape {
                    found.push(plain(words, if is_own { weight::CLIENT } else { weight::OBJECT }));
                }
            }
        }
        found.extend(self.variable());
        found.extend(self.exported());
        found.extend(self.reached_by_protocol());
        if self.is_forwarded() {
            // The other end is on another machine, so the names around the rule do not refer to it.
            found.retain(|Candidate { service, .. }| {
                let name = service.concat();
                let row = service_ports::named(&name);
                self.context.is_service(service) || row.is_some_and(|row| row.name.eq_ignore_ascii_case(&name))
            });
        }
        found
    }

    /// Whether a name is that of a set that contains only the address of a service, in an option of the
    /// repository's own modules: `wiki` in `edge.services.wiki.url`.
    fn is_own_set_of_urls(&self, at: usize) -> bool {
        let is_url = matches!(self.last(), "url" | "upstream" | "backend" | "target");
        let is_own = |outer: &&str| !TOP_LEVEL.contains(outer) && !["systemd", "user"].contains(outer);
        is_url && at + 2 == self.parts.len() && at.checked_sub(2).map(|at| self.parts[at]).as_ref().is_some_and(is_own)
    }

    /// The service that a service or a program connects to, if the path names it. `owner` is the index of the
    /// service's or program's own name in the path.
    fn reached_by(&self, owner: usize) -> Option<Candidate> {
        let holder = owner.checked_sub(1).map(|at| self.parts[at])?;
        let plain = |service, weight| Some(Candidate { service, qualifier: Vec::new(), weight });
        match holder {
            // Traefik's `http.services.wiki.loadBalancer.servers`
            _ if self.is_balanced() && !self.line.is_at_loopback() => plain(service(self.parts[owner]), weight::TARGET),
            // A user's program names the services that it connects to: `programs.browser.bookmarks.Wiki.url`.
            "programs" => {
                let inner = owner + 1..self.parts.len().saturating_sub(1).max(owner + 1);
                let Some(name) = inner.rev().find(|&at| self.says_whose(at)).map(|at| self.parts[at]) else {
                    // `programs.wiki.settings.sync_address`: a program connects to its own server.
                    let is_own = matches!(split(self.last()).last()?.as_str(), "address" | "server");
                    let is_other = is_own && !self.line.is_at_loopback();
                    return is_other.then(|| plain(service(self.parts[owner]), weight::TARGET)).flatten();
                };
                // A name with spaces is split into several parts.
                let whole = self.beside.map(|beside| beside.key()).filter(|key| key.ends_with(name));
                plain(prose(whole.unwrap_or(name)), weight::OBJECT)
            }
            _ => None,
        }
    }

    /// The service that a Prometheus exporter reads, with `status` as the qualifier if it reads a status page.
    fn exported(&self) -> Option<Candidate> {
        let at = self.parts.iter().position(|part| *part == "exporters")?;
        let name = self.parts.get(at + 1).filter(|_| at + 2 < self.parts.len())?;
        let words = service(name);
        let is_status = self.line.after.split_whitespace().next().is_some_and(|url| url.contains("status"))
            || split(self.last()).contains(&"scrape".to_owned());
        let qualifier = if is_status { vec!["status".to_owned()] } else { Vec::new() };
        self.is_service(&words).then_some(Candidate { service: words, qualifier, weight: weight::VARIABLE })
    }

    /// The name from the block around an address that a proxy passes requests to. `/metrics/api` in a virtual host is a
    /// part of that host's service.
    fn handled(&self, label: Option<&[String]>) -> Option<Candidate> {
        let words = self.line.handled()?;
        let weight = weight::TARGET;
        let is_purpose = PURPOSES.contains(&words[0].as_str());
        let service = label.unwrap_or(&self.subject);
        match is_purpose && !service.is_empty() && !is_front(service) {
            true => {
                let (purpose, part) = words.split_at(1);
                Some(Candidate { service: service.to_vec(), qualifier: [part, purpose].concat(), weight })
            }
            false => Some(Candidate { service: words[..1].to_vec(), qualifier: words[1..].to_vec(), weight }),
        }
    }

    /// The SSH server that a client connects to, with the name that the client's configuration gives to it.
    fn ssh(&self, host: &str) -> Candidate {
        let words = service(host.split('.').next().unwrap_or(host));
        let is_name = !words.is_empty() && !all_generic(&words) && !self.context.is_machine(host);
        let name = if is_name { words } else { Vec::new() };
        Candidate { service: with(&name, &["ssh".to_owned()]), qualifier: Vec::new(), weight: weight::HOST }
    }

    /// The service that the location of a virtual host leads to: `/wiki` if that is a service, if requests for it are
    /// redirected to another port, or if neither the virtual host nor the file has a name for what is behind it.
    fn located(&self) -> Option<Vec<String>> {
        let at = self.parts.iter().position(|part| *part == "locations")?;
        let location = self.parts.get(at + 1..)?.iter().find_map(|part| part.split_once('/'))?.1;
        let name = location.trim_start_matches('_');
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(name.len());
        let words = service(&name[..end]);
        let is_redirect = || self.last() == "return" && self.line.before.contains("host:");
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        // `/notifications/hub` is a part of the virtual host's service.
        let is_only_name = || {
            let is_part = words.iter().any(|word| LOCATION_PARTS.contains(&word.as_str()));
            !is_part && self.file(weight::FILE).service.is_empty() && self.host_label().is_none()
        };
        let is_name = || is_redirect() || self.is_service(&words) || is_only_name();
        (!is_purpose && !all_generic(&words) && is_name()).then_some(words)
    }

    /// Whether the number is in the address of a binary cache that Nix uses as a substituter.
    fn is_cache(&self) -> bool {
        self.parts.iter().any(|part| part.ends_with("ubstituters"))
    }

    /// The service behind a tunnel, by the host that leads to it. A bare domain is weaker evidence than the file name.
    fn tunneled(&self) -> Option<Candidate> {
        let (own, weight) = match self.tunnel()? {
            // `"wiki.${domain}"`
            [own @ .., "?"] => (own, weight::TARGET),
            [domain, _] => (std::slice::from_ref(domain), weight::HOST),
            [own @ .., _, _] => (own, weight::TARGET),
            _ => return None,
        };
        let says = |label: &&&str| **label != "?" && !EMPTY_LABELS.contains(*label);
        let service = service(own.iter().find(says)?);
        (!service.is_empty() && !all_generic(&service)).then(|| Candidate { service, qualifier: Vec::new(), weight })
    }

    /// The well-known service in the path of a URL: `loki` in `http://10.0.0.4:3030/loki/api/v1/push`.
    fn served(&self) -> Option<String> {
        let path = self.line.after.strip_prefix('/').filter(|_| self.line.scheme().is_some())?;
        let end = path.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(path.len());
        let row =
            service_ports::named(&path[..end]).filter(|row| row.certainty != Certainty::Always && !row.is_protocol)?;
        let is_purpose = PURPOSES.contains(&&path[..end]);
        (!is_purpose && row.name == &path[..end]).then(|| path[..end].to_owned())
    }

    /// The container whose port a command publishes.
    pub fn run(&self, port: &Missing<'_>) -> Option<Candidate> {
        const AROUND: usize = 600;
        let after = wording::head(port.text.get(port.span.end as usize..)?, AROUND);
        let words = split(self.line.run(after).filter(|_| self.line.is_published())?);
        let is_name = !all_generic(&words);
        is_name.then_some(Candidate { service: words, qualifier: self.end(), weight: weight::LISTENER + 1 })
    }

    /// The service that `kubectl port-forward` makes available on a local port.
    pub fn forwarded(&self) -> Option<Candidate> {
        let service = service(self.line.forwarded()?);
        let is_local = self.line.side() != Some(Side::Container);
        let qualifier = if is_local { vec!["port".to_owned(), "forward".to_owned()] } else { Vec::new() };
        Some(Candidate { service, qualifier, weight: weight::LISTENER + 2 })
    }

    /// The service whose settings contain a URL with the scheme of a protocol: `directory.authentik.url = "ldap://.."`.
    fn reached_by_protocol(&self) -> Option<Candidate> {
        let protocol = self.protocol()?.first()?;
        let at = self.parts.len().checked_sub(2)?;
        let words = service(self.parts[at]);
        let is_other = self.is_service(&words) && self.named().is_none_or(|(owner, _)| *owner != at);
        let qualifier =
            if share(&words, [&(*protocol).to_owned()]) { Vec::new() } else { vec![(*protocol).to_owned()] };
        is_other.then_some(Candidate { service: words, qualifier, weight: weight::TARGET })
    }

    /// The names that a client in a manifest gives to the service that it connects to.
    fn client_in_manifest(&self) -> Vec<Candidate> {
        let plain = |service: Vec<String>, weight| Candidate { service, qualifier: Vec::new(), weight };
        let is_probe = self.parts.iter().any(|part| part.ends_with("Probe"));
        // `values.service.port` in a Helm release is the port of the release itself.
        let is_value = self.parts.contains(&"values");
        let is_reference = self.parts.iter().any(|part| matches!(*part, "services" | "backendRefs"));
        let is_route = !is_value && self.parts.iter().any(|part| matches!(*part, "service" | "backend"));
        let own = self.in_manifest();
        let mut found = vec![match (is_probe, is_route) {
            (true, _) => Candidate { weight: weight::TARGET, qualifier: Vec::new(), ..own },
            // An item of a route: `services: [ { name: wiki, port: 4000 } ]`
            _ if is_reference && !is_value && !self.names.own.is_empty() => {
                plain(service(self.names.own), weight::RECORD)
            }
            (_, true) => plain(service(self.names.outer.first().unwrap_or(&"")), weight::TARGET),
            _ => Candidate { weight: weight::CLIENT, qualifier: Vec::new(), ..own },
        }];
        found.extend(self.line.url_host().map(|words| plain(words, weight::TARGET)));
        found.extend(self.line.key_host().map(|words| plain(words, weight::TARGET)));
        found.extend(self.variable());
        found
    }

    /// Whether some words are the name of a machine in the repository.
    pub(super) fn is_machine(&self, words: &[String]) -> bool {
        self.context.is_machine(&words.join("-"))
    }

    /// Whether the last name says that the value is the address of the server that the service itself connects to:
    /// `upstreamDns`.
    fn is_of_upstream(&self) -> bool {
        split(self.last()).first().is_some_and(|word| PEERS.contains(&word.as_str()))
    }

    /// The name of the variable that contains the address: `OLLAMA_BASE_URL`.
    fn variable(&self) -> Option<Candidate> {
        let plain = |service: Vec<String>, weight| Candidate { service, qualifier: Vec::new(), weight };
        let last = if self.is_manifest() && self.last() == "value" { self.names.own } else { self.last() };
        let leaf = telling(last).into_iter().filter(|word| !CLIENTS.contains(&word.as_str()));
        let leaf: Vec<String> = leaf.filter(|word| !matches!(word.as_str(), "exposed" | "reverse")).collect();
        let is_variable = last.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        // `HTTP_PROXY` contains the address of a proxy for all programs.
        if is_variable && last.ends_with("_PROXY") && is_proxy_variable(&split(last)) {
            return Some(plain(split(last), weight::VARIABLE));
        }
        // The name server behind `upstreamDns` in `dns.nix` is another one.
        if !leaf.is_empty() && !self.subject.is_empty() && share(&self.subject, &leaf) && !self.is_of_upstream() {
            // `WIKI_STORAGE_ENDPOINT` of the wiki is the address of its storage.
            let part: Vec<String> = leaf.iter().filter(|word| !share(&self.subject, [*word])).cloned().collect();
            let is_part = is_variable && leaf.starts_with(&self.subject) && !all_generic(&part);
            let qualifier = if is_part { part } else { Vec::new() };
            return Some(Candidate { service: self.subject.clone(), qualifier, weight: weight::TARGET });
        }
        let is_protocol =
            |word: &String| service_ports::named(word).is_some_and(|row| row.certainty == Certainty::Always);
        let names_purpose = leaf.iter().any(|word| PURPOSES.contains(&word.as_str())) || leaf.iter().all(is_protocol);
        // `karakeepUrl`, if there is a service with this name.
        let is_service = last != "value" && self.context.is_service(&leaf);
        ((is_variable || is_service) && !leaf.is_empty() && !names_purpose).then(|| plain(leaf, weight::VARIABLE))
    }

    /// Whether the service behind a virtual host is not the one that the file is named after: the file has virtual
    /// hosts for several ports, the file name is a purpose, or the label is the name of a service.
    fn is_host_of_another(&self, label: &[String], port: &Missing<'_>) -> bool {
        let is_purpose = self.subject.iter().all(|word| PURPOSES.contains(&word.as_str()));
        // `dns.example.org` leads to the web interface of a server whose protocol uses another port.
        let is_protocol = || {
            let row = if let [word] = label { service_ports::named(word) } else { None };
            row.is_some_and(|row| (row.is_protocol || row.certainty == Certainty::Always) && row.number != port.number)
        };
        let texts = &self.context.texts;
        let is_configured =
            || label.len() > 1 && texts.configures_part(self.path, &label.join("-"), &self.subject.join("-"));
        let is_other =
            || self.context.has_several_hosts(port.path) || self.is_service(label) && !is_protocol() || is_configured();
        !share(&self.subject, label) && (is_purpose || is_other())
    }

    /// The words of a virtual host's name before a domain that many virtual hosts share: `wiki` for `wiki.example.org`.
    /// Empty if they are generic. `None` for other domains.
    fn subdomain(&self, labels: &[&str]) -> Option<Vec<String>> {
        let labels = site_labels(labels);
        let [own @ .., _, _] = labels else { return None };
        let domain = &labels[own.len()..];
        if own.is_empty() || !self.context.is_domain_of_many(domain) {
            return None;
        }
        let says = |label: &&str| !EMPTY_LABELS.contains(label) && !all_generic(&service(label));
        let Some(at) = own.iter().position(says) else { return Some(Vec::new()) };
        let words = service(own[at]);
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        Some(match own.get(at + 1) {
            // `docker.ui.example.org`
            None if at > 0 && is_purpose => with(&split(own[at - 1]), &words),
            // `wiki.lab.example.org` as well as `wiki.example.org`, unless several virtual hosts are in
            // `lab.example.org`
            Some(zone) if at == 0 && own.len() == 2 && self.distinguishes(zone, labels) => with(&words, &split(zone)),
            _ => words,
        })
    }

    /// Whether the second label of a virtual host's name distinguishes it from another virtual host.
    fn distinguishes(&self, zone: &str, labels: &[&str]) -> bool {
        let is_name = !all_generic(&split(zone)) && !self.context.is_machine(zone);
        is_name && !self.context.is_domain_of_several(&labels[1..]) && self.context.has_namesake(labels)
    }

    /// The first label of the virtual host around a client.
    pub fn host_label(&self) -> Option<Vec<String>> {
        const SETS: [&str; 2] = ["virtualhosts", "proxyhosts"];
        let is_set = |at: &usize| SETS.iter().any(|set| self.parts[*at].eq_ignore_ascii_case(set));
        // `services.caddy-proxy.hosts.wiki`
        let is_of_front = |at: &usize| *at > 0 && self.parts[*at] == "hosts" && is_front(&split(self.parts[*at - 1]));
        // `hosts = { "wiki.${domain}" = { locations."/".proxyPass = ..; }; };`
        let is_computed = |at: &usize| self.parts[*at] == "?" && self.parts.get(at + 1) == Some(&"locations");
        let set = (0..self.parts.len()).find(|at| is_set(at) || is_of_front(at)).map(|at| at + 1);
        let first = set.or_else(|| (0..self.parts.len()).find(is_computed))?;
        let labels = self.parts.get(first..)?;
        // A name in a tailnet belongs to a machine.
        if labels.windows(2).any(|end| end == ["ts", "net"]) {
            return None;
        }
        if let Some(words) = self.subdomain(labels) {
            return Some(words).filter(|words| !words.is_empty());
        }
        let known = labels.iter().take_while(|label| **label != "extraConfig" && **label != "locations");
        let label = known.copied().find(|label| *label != "?" && !EMPTY_LABELS.contains(label));
        let label = label.or_else(|| self.line.computed_label()).or_else(|| self.line.variable_label());
        // `"http://wiki.example.org"` is the address of a site in Caddy's configuration.
        let label = label?;
        let words = service(label.split_once("://").map_or(label, |(_, host)| host));
        (!words.is_empty() && !all_generic(&words)).then_some(words)
    }
}

/// The name of the scrape job around a target.
fn job(port: &Missing<'_>) -> Option<Vec<String>> {
    const AROUND: usize = 900;
    let start = port.span.start as usize;
    let head = port.text.get(..start)?;
    let near = wording::tail(head, AROUND);
    let at = near.rfind("job_name").or_else(|| near.rfind("jobName"))?;
    let value = near[at..].split(['=', ':']).nth(1)?.trim_start();
    let name = value.trim_start_matches('"').split(['"', ';', '\n']).next()?;
    // `"${config.host}-hass"`
    let pieces = name.split("${").enumerate();
    let literal =
        pieces.map(|(at, piece)| if at == 0 { piece } else { piece.split_once('}').map_or("", |(_, rest)| rest) });
    let words: Vec<String> = literal.flat_map(split).filter(|word| !is_generic(word)).collect();
    (!words.is_empty()).then_some(words)
}
