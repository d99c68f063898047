//! Names in the set around a number: an element of a list, or the argument of a function.

use super::super::beside::Beside;
use super::super::candidate::{Candidate, weight};
use super::super::words::{all_generic, prose, service, split};
use super::{Reader, is_front};
use crate::knowledge::name_words::{CLIENTS, DIAGNOSTICS, EMPTY_TAGS, GENERIC_WIDGETS, PLACES, PURPOSES, STRUCTURE};
use crate::knowledge::service_ports;

impl<'a> Reader<'a> {
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
                if let Some(job) = beside.job().filter(|job| !self.context.is_machine(job)) {
                    let (service, qualifier) = (service(job), vec!["metrics".to_owned()]);
                    return Some(Candidate { service, qualifier, weight: weight::JOB });
                }
                if self.parts.iter().any(|part| split(part).iter().any(|word| word == "forwards"))
                    && let Some(name) = beside.forwarded_to().filter(|name| !self.context.is_machine(name))
                {
                    return plain(service(name), weight::OBJECT);
                }
                if let Some(found) = self.inbound(beside) {
                    return Some(found);
                }
                // The sidecar of a Nomad job listens for the job's connections to another service.
                if let Some(other) = beside.destination().map(service).filter(|words| !all_generic(words)) {
                    let qualifier = vec!["upstream".to_owned()];
                    return Some(Candidate { service: other, qualifier, weight: weight::LISTENER + 1 });
                }
                if let Some(domain) = beside.domain_variable().filter(|_| self.is_proxied()) {
                    return plain(service(domain), weight::RECORD);
                }
                let name = beside.name().filter(|name| !beside.names_host(name) && !self.context.is_machine(name));
                let host = self.line.variable_host().map(service).unwrap_or_default();
                let name = name.filter(|name| host.is_empty() || service(name) != host && prose(name) != host);
                // A name with blanks counts only as the title of a link.
                let name = name.filter(|name| !name.contains(' ') || self.line.scheme().is_some());
                // The address of a service in a cluster is more specific than the title of its client.
                let in_cluster = self.line.before.ends_with(".cluster.local:");
                let name = name.filter(|_| !in_cluster || self.line.url_host().is_none());
                // A script's name does not identify what the script connects to.
                let name =
                    name.filter(|name| self.line.proxy_variable().is_none() || self.line.script() != Some(*name));
                if let (None, Some(label)) = (name, self.host_beside(beside)) {
                    return plain(service(label), weight::RECORD);
                }
                let argument = || beside.named_argument().filter(|name| !self.context.is_machine(name));
                name.or_else(argument).or_else(|| self.kind_beside(beside))?
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
        // The file's subject is the owner only if the attribute path names no service.
        match self.named().filter(|(_, owner)| owner.weight >= weight::LISTENER) {
            Some((_, owner)) if is_front(&owner.service) => plain(words, weight),
            Some(_) if words.iter().any(|word| service_ports::is_service(word)) => plain(words, weight),
            // The title of a link on a dashboard is not about the dashboard.
            Some(_) if self.is_link() && self.beside.is_some_and(|beside| beside.has("title")) => {
                plain(words, weight::RECORD)
            }
            Some((_, owner)) => Some(Candidate { qualifier: words, weight, ..owner.clone() }),
            None if words.iter().all(|word| PURPOSES.contains(&word.as_str())) => None,
            // The name of a Kubernetes container port qualifies the service of the file.
            None if !self.subject.is_empty() && matches!(self.last(), "containerPort" | "targetPort" | "nodePort") => {
                Some(Candidate { service: self.subject.clone(), qualifier: words, weight })
            }
            // A data source has the title that users see.
            None if self.parts.first() == Some(&"datasources") => plain(words, weight::OBJECT),
            None => plain(words, weight),
        }
    }

    /// The service whose name is the argument before the number: `wiki` in `mkRoute "wiki" 8123`. A word for a protocol
    /// or a direction does not name a service.
    pub fn argument(&self, is_client: bool) -> Option<Candidate> {
        const OTHERS: [&str; 4] = ["any", "both", "quic", "sctp"];
        let (_, name) = self.line.named_call()?;
        let words = service(name);
        let is_name = !words.is_empty() && !all_generic(&words) && !self.is_machine(&words);
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()) || OTHERS.contains(&word.as_str()));
        (is_name && !is_purpose).then_some(Candidate {
            service: words,
            qualifier: Vec::new(),
            weight: if is_client { weight::TARGET } else { weight::LISTENER + 1 },
        })
    }

    /// The service and the name of an Xray or sing-box inbound.
    pub(super) fn inbound(&self, beside: Beside<'a>) -> Option<Candidate> {
        if !self.parts.contains(&"inbounds") {
            return None;
        }
        let (tag, protocol) = beside.inbound()?;
        let name = if EMPTY_TAGS.contains(&tag) { protocol } else { tag };
        let service = self.named().map_or(&self.subject, |(_, owner)| &owner.service);
        let found = Candidate { service: service.clone(), qualifier: split(name), weight: weight::LISTENER + 1 };
        (!found.service.is_empty()).then_some(found)
    }

    /// The first label of the host next to the number, if it names a service, or if a proxy receives requests for the
    /// port at that host: `{ host = "wiki.example.org"; upstream = "10.0.0.4:8080"; }`.
    pub(super) fn host_beside(&self, beside: Beside<'a>) -> Option<&'a str> {
        let label = beside.host().filter(|label| !self.context.is_machine(label))?;
        let is_proxied = matches!(self.last(), "backend" | "proxyPass" | "target" | "to" | "upstream" | "url");
        (is_proxied || self.is_service(&service(label))).then_some(label)
    }

    /// The purpose of a service's port, from the `type` next to it: `{ port = 9000; type = "metrics"; }`.
    pub(super) fn kind_beside(&self, beside: Beside<'a>) -> Option<&'a str> {
        self.named()?;
        beside.kind().filter(|kind| DIAGNOSTICS.contains(kind))
    }

    /// Whether the value is a link to a service: `check-url`, `href`.
    fn is_link(&self) -> bool {
        split(self.last()).last().is_some_and(|word| CLIENTS.contains(&word.as_str()))
    }

    /// Whether a name may identify a service: it is not generic, not computed, and not a location.
    pub(super) fn says_whose(&self, at: usize) -> bool {
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
        // `default_portal` holds the defaults of a portal.
        let is_default = at == 0 && self.parts.len() == 2 && split(part).first().is_some_and(|word| word == "default");
        part != "?"
            && !matches!(part, "home-manager" | "initrd")
            && !STRUCTURE.contains(&part)
            && !is_default
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
}
