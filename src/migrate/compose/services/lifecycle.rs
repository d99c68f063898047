//! Starting, stopping and restarting processes.

use std::collections::BTreeSet;

use crate::knowledge::containers;
use crate::migrate::compose::builder::{Builder, Done, Waits};
use crate::migrate::compose::known::passwords;
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::yaml::Node;
use crate::migrate::compose::{health, process, settings, waits, words};
use crate::migrate::nix::{Attr, Expr};
use crate::paths;

impl<'a, 'm> Builder<'a, 'm> {
    /// Converts `depends_on` with its conditions, `links`, and `network_mode: service:NAME`.
    pub fn depends_on(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["depends_on", "links"]);
        let mut attrs: Vec<Attr> = Vec::new();
        for (key, node) in service.get("depends_on").map_or(&[][..], Node::pairs) {
            let what = format!("depends_on.{}", key.name);
            let Some(other) = self.stack.by_name(&key.name) else {
                let why = format!("there is no service `{}`", key.name);
                self.leave(service, &key.place, &what, why, "remove the dependency, or define that service");
                continue;
            };
            if !other.is_carried() {
                let why = format!("`{}` is not carried over, so nothing waits for it", key.name);
                self.leave(service, &key.place, &what, why, "start it some other way");
                continue;
            }
            let condition = node.get("condition").and_then(Node::text).unwrap_or("service_started");
            let (process, condition) = self.condition(other, condition);
            if condition == "process_healthy" && !health::has_probe(other) {
                let why = format!("`{}` has no health check, so others can only wait until it has started", key.name);
                self.leave(service, &key.place, &what, why, "give it a `readiness_probe`");
                attrs.push(Attr::new([process.as_str(), "condition"], Expr::text("process_started")));
                continue;
            }
            self.carry(service, &key.place, &what, format!("depends_on.{process}.condition = {condition}"));
            attrs.push(Attr::new([process.as_str(), "condition"], Expr::text(condition)));
        }
        for item in service.get("links").map_or(&[][..], Node::items) {
            let name = item.text().unwrap_or_default().split(':').next().unwrap_or_default();
            let other = self.stack.by_name(name).filter(|other| other.is_carried());
            match other {
                Some(other) => {
                    if !attrs.iter().any(|attr| attr.path.first() == Some(&other.process)) {
                        attrs.push(Attr::new([other.process.as_str(), "condition"], Expr::text("process_started")));
                    }
                    self.carry(service, &item.place, "links", format!("depends_on.{}", other.process));
                }
                None => self.leave(
                    service,
                    &item.place,
                    "links",
                    format!("`{name}` is not carried over"),
                    "start it some other way",
                ),
            }
        }
        let shared = service.network_of().and_then(|name| self.stack.by_name(name));
        if let Some(other) = shared.filter(|other| other.is_carried())
            && !attrs.iter().any(|attr| attr.path.first() == Some(&other.process))
        {
            attrs.push(Attr::new([other.process.as_str(), "condition"], Expr::text("process_started")));
        }
        for (address, other) in self.waits_of(service) {
            self.wait(service, address, other, &mut attrs);
        }
        for (variable, value) in process::waits_for(self, service).others {
            let own = service.get("environment").map_or(&[][..], Node::pairs);
            let place = own.iter().find(|(key, _)| key.name == variable.name).map_or(service.key, |(key, _)| key);
            let (before, after) = variable.does;
            let why = format!("its image {before}{value}{after} before it starts, but the process does not");
            self.leave(service, &place.place, variable.name, why, variable.todo);
        }
        (!attrs.is_empty()).then(|| Attr::new(["depends_on"], Expr::Set(attrs)))
    }

    /// Adds a dependency on the service at an address that a program in the image waits for. It replaces the one from
    /// `depends_on`, which may only require that the service has started.
    fn wait(&self, service: &Service<'_>, address: &str, other: Option<&Service<'_>>, attrs: &mut Vec<Attr>) {
        let place = &service.key.place;
        let Some(other) = other else {
            let why = format!("its image waits for {address} before it starts, but the process does not");
            self.leave(service, place, "depends_on", why, "make sure that it is available before the process starts");
            return;
        };
        let (process, mut condition) = self.condition(other, "service_healthy");
        let known = attrs.iter().position(|attr| attr.path.first() == Some(&process));
        let started = Expr::text("process_started");
        // Another condition in `depends_on` is at least as strict.
        if known.and_then(|at| attrs.get(at)).is_some_and(|attr| attr.value != started) {
            self.carry(service, place, "depends_on", format!("depends_on.{process}"));
            return;
        }
        let is_ready = condition != "process_healthy" || health::has_probe(other);
        if !is_ready {
            condition = "process_started";
        }
        attrs.retain(|attr| attr.path.first() != Some(&process));
        attrs.push(Attr::new([process.as_str(), "condition"], Expr::text(condition)));
        if is_ready {
            self.carry(service, place, "depends_on", format!("depends_on.{process}.condition = {condition}"));
            return;
        }
        let why = format!(
            "its image waits for {address}, but `{}` has no health check, so the process only waits for it to start",
            other.name
        );
        self.leave(
            service,
            place,
            "depends_on",
            why,
            format!("give `{process}` a `readiness_probe`, and wait until it is healthy"),
        );
    }

    /// The addresses for which programs in a service's image wait, and their services. `None` for an address for which
    /// its process cannot wait.
    fn waits_of(&self, service: &Service<'_>) -> impl Iterator<Item = (&str, Option<&Service<'m>>)> {
        let index = self.stack.services.iter().position(|other| other.name == service.name);
        let waits = index.and_then(|index| self.all_waits().get(index)).into_iter().flatten();
        waits.map(|(address, other)| (address.as_str(), other.and_then(|other| self.stack.services.get(other))))
    }

    /// The addresses for which programs in images wait, and the indices of their services, by the index of the service
    /// that waits.
    fn all_waits(&self) -> &[Waits] {
        self.waits.get_or_init(|| {
            let services = &self.stack.services;
            let index_of = |address: &str| {
                let host = waits::host(address)?;
                services.iter().position(|service| service.names.iter().any(|name| name == host))
            };
            let is_carried = |index: &usize| services.get(*index).is_some_and(Service::is_carried);
            let found: Vec<Waits> = services
                .iter()
                .map(|service| {
                    let all =
                        if service.is_carried() { process::waits_for(self, service).addresses } else { Vec::new() };
                    let found = |address: String| {
                        let index = index_of(&address).filter(is_carried);
                        (address, index)
                    };
                    all.into_iter().map(found).collect()
                })
                .collect();
            let wanted: Vec<BTreeSet<usize>> =
                found.iter().map(|waits| waits.iter().filter_map(|(_, index)| *index).collect()).collect();
            let accepted = self.stack.without_cycles(&wanted);
            let kept = found.into_iter().zip(accepted).map(|(waits, accepted)| {
                let keep = |(address, index): (String, Option<usize>)| {
                    (address, index.filter(|index| accepted.contains(index)))
                };
                waits.into_iter().map(keep).collect()
            });
            kept.collect()
        })
    }

    /// The process to wait for, and the condition.
    pub(in crate::migrate::compose) fn condition(
        &self,
        other: &Service<'_>,
        condition: &str,
    ) -> (String, &'static str) {
        match (condition, &other.role) {
            // The server itself is ready before its databases, users and passwords exist.
            ("service_healthy" | "service_started", Role::Known(known))
                if known.configures && !passwords::passwords(other).is_empty() =>
            {
                (passwords::process_name(other), "process_completed_successfully")
            }
            ("service_healthy" | "service_started", Role::Known(known)) if known.configures => {
                (format!("{}-configure", other.process), "process_completed_successfully")
            }
            ("service_healthy", _) => (other.process.clone(), "process_healthy"),
            ("service_completed_successfully", _) => (other.process.clone(), "process_completed_successfully"),
            // As in Compose, a database that has started may not accept connections yet.
            _ => (other.process.clone(), "process_started"),
        }
    }

    pub(in crate::migrate::compose) fn availability(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["restart", "deploy"]);
        let mut attrs = Vec::new();
        if let Some(node) = service.get("restart") {
            let (restart, most) = match node.text().unwrap_or_default().split_once(':') {
                Some((name, most)) => (name, most.parse::<i64>().ok()),
                None => (node.text().unwrap_or_default(), None),
            };
            if let Some(restart) = restart_of(restart) {
                attrs.push(Attr::new(["restart"], Expr::text(restart)));
                attrs.extend(most.map(|most| Attr::new(["max_restarts"], Expr::int(most))));
                self.carry(service, &node.place, "restart", format!("availability.restart = {restart}"));
            } else {
                self.leave(
                    service,
                    &node.place,
                    "restart",
                    "it is not a restart policy",
                    "choose one for `availability.restart`",
                );
            }
        }
        self.deploy(service, &mut attrs);
        (!attrs.is_empty()).then(|| Attr::new(["availability"], Expr::Set(attrs)))
    }

    /// Migrates the restart policy in `deploy`. The other keys only apply to clusters, and are reported.
    pub fn deploy(&self, service: &Service<'_>, attrs: &mut Vec<Attr>) {
        for (key, node) in service.get("deploy").map_or(&[][..], Node::pairs) {
            let what = format!("deploy.{}", key.name);
            if key.name == "replicas" && node.text() == Some("0") {
                self.carry(service, &key.place, &what, "disabled: start it by hand");
                continue;
            }
            if key.name == "replicas" && self.replicas(service).is_some() {
                self.carry(service, &key.place, &what, format!("settings.processes.{}.replicas", service.process));
                continue;
            }
            if key.name != "restart_policy" || !attrs.is_empty() && service.get("restart").is_none() {
                let (why, todo) = match key.name.as_str() {
                    "replicas" if node.text() != Some("1") => self.instances_left(service),
                    _ => (
                        "process-compose runs each process once on this machine, without limits",
                        "nothing, unless the program depends on this setting",
                    ),
                };
                self.leave(service, &key.place, &what, why, todo);
                continue;
            }
            if service.get("restart").is_none() {
                let condition = node.get("condition").and_then(Node::text).unwrap_or("any");
                attrs.extend(restart_of(condition).map(|restart| Attr::new(["restart"], Expr::text(restart))));
                let most = node.get("max_attempts").and_then(Node::text).and_then(|text| text.parse().ok());
                attrs.extend(most.map(|most| Attr::new(["max_restarts"], Expr::int(most))));
                let delay = node.get("delay").and_then(Node::text).and_then(words::seconds);
                attrs.extend(
                    delay
                        .filter(|delay| *delay > 0)
                        .map(|delay| Attr::new(["backoff_seconds"], Expr::int(delay as i64))),
                );
            }
            self.carry(service, &key.place, &what, "availability");
        }
    }

    pub(in crate::migrate::compose) fn shutdown(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["stop_signal", "stop_grace_period"]);
        let mut attrs = Vec::new();
        if let Some(node) = service.get("stop_signal") {
            match node.text().and_then(signal) {
                Some(number) => {
                    attrs.push(Attr::new(["signal"], Expr::int(number)));
                    self.carry(service, &node.place, "stop_signal", "shutdown.signal");
                }
                None => self.leave(
                    service,
                    &node.place,
                    "stop_signal",
                    "it is not a signal",
                    "set `shutdown.signal` to a number",
                ),
            }
        }
        if let Some(node) = service.get("stop_grace_period") {
            match node.text().and_then(words::seconds) {
                Some(seconds) => {
                    attrs.push(Attr::new(["timeout_seconds"], Expr::int(seconds as i64)));
                    self.carry(service, &node.place, "stop_grace_period", "shutdown.timeout_seconds");
                }
                None => self.leave(
                    service,
                    &node.place,
                    "stop_grace_period",
                    "it is not a duration",
                    "set `shutdown.timeout_seconds`",
                ),
            }
        }
        (!attrs.is_empty()).then(|| Attr::new(["shutdown"], Expr::Set(attrs)))
    }

    pub(in crate::migrate::compose) fn small(&self, done: &mut Done<'_, 'm>) -> Vec<Attr> {
        let service = done.service;
        done.take(&["tty", "stdin_open", "profiles", "ports", "expose", "logging"]);
        let mut attrs = Vec::new();
        if let Some(node) = service.get("tty") {
            if node.bool() == Some(true) {
                attrs.push(Attr::new(["is_tty"], Expr::bool(true)));
            }
            self.carry(service, &node.place, "tty", "is_tty");
        }
        if let Some(node) = service.get("stdin_open") {
            // `is_foreground` is not set, because a process with this option has to be started by hand.
            self.carry(service, &node.place, "stdin_open", "nothing: processes have no input");
        }
        attrs.extend(self.disabled(service));
        attrs.extend(self.replicas(service).map(|count| Attr::new(["replicas"], Expr::int(count))));
        self.ports_report(service);
        if let Some(node) = service.get("logging") {
            let why = "process-compose stores the output of its processes itself";
            self.leave(service, &node.place, "logging", why, "set `log_location` if the output should be in a file");
        }
        attrs
    }

    /// The number of instances of a worker, which listens on no port, if there are several. process-compose adds a
    /// number to the name of each, and fails if other processes wait for the name without a number.
    pub(in crate::migrate::compose) fn replicas(&self, service: &Service<'_>) -> Option<i64> {
        let replicas = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
        let count = service.get("scale").or(replicas).and_then(Node::text)?.parse().ok();
        let count = count.filter(|count| (2..=MOST_INSTANCES).contains(count))?;
        (self.can_have_instances(service) && !self.is_awaited(service)).then_some(count)
    }

    /// Why a service does not have several instances, and the work to do by hand.
    pub(in crate::migrate::compose) fn instances_left(&self, service: &Service<'_>) -> (&'static str, &'static str) {
        match (self.can_have_instances(service), self.is_awaited(service)) {
            (true, true) => settings::AWAITED_INSTANCES,
            (true, false) => settings::UNKNOWN_INSTANCES,
            (false, _) => settings::INSTANCES,
        }
    }

    fn can_have_instances(&self, service: &Service<'_>) -> bool {
        service.role == Role::Program && service.ports.is_empty() && self.is_worker(service)
    }

    /// Whether other processes wait for the process of this service.
    fn is_awaited(&self, service: &Service<'_>) -> bool {
        let is_named = |other: &Service<'_>| other.awaited().any(|name| name == service.name);
        let index = self.stack.services.iter().position(|other| other.name == service.name);
        let waits = || self.all_waits().iter().flatten().any(|(_, other)| other.is_some() && *other == index);
        self.stack.services.iter().any(is_named) || waits()
    }

    /// Whether a program without ports in the Compose file or its image is a worker according to its command, and
    /// neither starts a server nor has labels for a proxy. Programs with other names may listen on a port that appears
    /// only in their source.
    fn is_worker(&self, service: &Service<'_>) -> bool {
        let words = process::words_or_usual(self, service).unwrap_or_default();
        let words = || words.iter().flat_map(|word| word.split_whitespace());
        let is_worker = |word: &str| {
            let name = paths::name(word).to_ascii_lowercase();
            let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
            parts.any(|part| containers::WORKERS.contains(&part))
        };
        let is_server = |word: &str| containers::PORT_VARIABLES.iter().any(|(name, _)| *name == paths::name(word));
        let starts_server = |word: &str| {
            process::own_file(self, service, word).is_some_and(|(_, _, text)| {
                containers::LISTENS.iter().any(|part| text.contains(part))
                    || text.starts_with("#!") && text.split_whitespace().any(is_server)
            })
        };
        let labels = service.get("labels").map_or(&[][..], Node::pairs);
        let is_for_proxy = |label: &str| label.contains(".port") || label.starts_with("traefik.");
        words().any(is_worker)
            && !words().any(is_server)
            && !labels.iter().any(|(key, _)| is_for_proxy(&key.name))
            && !words().take(MOST_WORDS).any(starts_server)
    }

    /// The attribute that disables a service with profiles or without instances. It is then started by hand.
    pub fn disabled(&self, service: &Service<'_>) -> Option<Attr> {
        let replicas = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
        let instances = service.get("scale").or(replicas).and_then(Node::text);
        if instances == Some("0") {
            if let Some(node) = service.get("profiles") {
                self.carry(service, &node.place, "profiles", "disabled: start it by hand");
            }
            return Some(Attr::new(["disabled"], Expr::bool(true)).comment("It has no instances in Compose."));
        }
        let node = service.get("profiles").filter(|node| !node.items().is_empty())?;
        let names: Vec<&str> = node.items().iter().filter_map(Node::text).collect();
        let chosen = self.variables.get("COMPOSE_PROFILES").map_or("", String::as_str);
        if chosen.split(',').map(str::trim).any(|profile| profile == "*" || names.contains(&profile)) {
            self.carry(service, &node.place, "profiles", "nothing: COMPOSE_PROFILES in `.env` includes it");
            return None;
        }
        self.carry(service, &node.place, "profiles", "disabled: start it by hand");
        Some(Attr::new(["disabled"], Expr::bool(true)).comment(format!("Profiles in Compose: {}.", names.join(", "))))
    }
}

/// The maximum number of instances of a process.
const MOST_INSTANCES: i64 = 1_000;
/// The maximum number of words of a command that are checked for scripts that start a server.
const MOST_WORDS: usize = 50;

pub(in crate::migrate::compose) fn restart_of(policy: &str) -> Option<&'static str> {
    Some(match policy {
        "no" | "none" | "false" => "no",
        "always" | "unless-stopped" | "any" => "always",
        "on-failure" => "on_failure",
        _ => return None,
    })
}

pub(in crate::migrate::compose) fn signal(name: &str) -> Option<i64> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    Some(match name.trim_start_matches("SIG") {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "KILL" => 9,
        "USR1" => 10,
        "USR2" => 12,
        "TERM" => 15,
        "WINCH" => 28,
        _ => return None,
    })
}
