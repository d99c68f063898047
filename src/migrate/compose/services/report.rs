//! Report entries for keys that are not migrated.

use std::collections::BTreeSet;

use super::environment::in_folder;
use crate::knowledge::containers::sources::{CACHES, DEPENDENCIES};
use crate::knowledge::containers::{self, PackageImage};
use crate::migrate::compose::builder::{Builder, Done, Served};
use crate::migrate::compose::configurations::caddy;
use crate::migrate::compose::settings::Outcome;
use crate::migrate::compose::stack::{self, Role, Service};
use crate::migrate::compose::yaml::{Node, Value};
use crate::migrate::compose::{folders, hosts, interpolate, names, nginx, process, settings, starts, volumes_from};
use crate::migrate::nix::{self, Attr};
use crate::paths;

impl<'a, 'm> Builder<'a, 'm> {
    /// Reports the ports, which are now in the registry.
    pub fn ports_report(&self, service: &Service<'_>) {
        for key in ["ports", "expose"] {
            let Some(node) = service.get(key) else { continue };
            self.registered(service, key, node);
            self.variables_note(service, key, node);
            for item in node.items() {
                if item.get("protocol").and_then(Node::text) == Some("udp") {
                    self.leave(
                        service,
                        &item.place,
                        "ports",
                        "the registry has only numbers, no protocols",
                        "open the port for UDP if there is a firewall",
                    );
                }
                let ip = item.get("host_ip").and_then(Node::text).unwrap_or(hosts::LOCAL);
                if !matches!(ip, hosts::LOCAL | "0.0.0.0" | "::1" | "::" | "localhost") {
                    self.leave(
                        service,
                        &item.place,
                        "ports",
                        format!("it was published on {ip}"),
                        "bind the program to that address if clients connect to it there",
                    );
                }
            }
        }
    }

    /// Reports which of the ports have an entry: with a single report item if all have one, or else one by one.
    fn registered(&self, service: &Service<'_>, key: &str, node: &Node) {
        let number = |item: &Node| {
            let text = item.get("target").and_then(Node::text).or(item.text()).unwrap_or_default();
            text.split('/').next().unwrap_or_default().to_owned()
        };
        let has_entry: BTreeSet<u16> =
            service.ports.iter().filter(|port| port.is_registered).map(|port| port.container).collect();
        let is_registered = |item: &Node| {
            let container = number(item).parse().unwrap_or_default();
            // All of Kafka's listeners count as one.
            has_entry.contains(&container)
                || (service.is_kafka() && service.port(container).is_some_and(|port| port.is_registered))
        };
        if node.items().iter().all(is_registered) {
            return self.carry(service, &node.place, key, "entries in the port registry");
        }
        // The reason is in the report already.
        let is_reported = |item: &Node| {
            number(item).parse().ok().and_then(|number| service.port(number)).is_some_and(|port| port.is_reported)
        };
        for item in node.items().iter().filter(|item| is_registered(item) || !is_reported(item)) {
            let what = format!("{key}.{}", number(item));
            let without_tls = caddy::port(service)
                .filter(|port| number(item) == "443" && caddy::serves(service, self.files(), port.container));
            if is_registered(item) {
                self.carry(service, &item.place, &what, "an entry in the port registry");
            } else if let Some(port) = without_tls {
                let into = format!("nothing: Caddy serves its sites without TLS on {}", port.number);
                self.carry(service, &item.place, &what, into);
            } else {
                let why = "the process does not use the port registry for it";
                self.leave(
                    service,
                    &item.place,
                    &what,
                    why,
                    "configure the program to listen on the port of an entry in the registry",
                );
            }
        }
    }

    /// Reports the keys that were not handled.
    pub(in crate::migrate::compose) fn remaining(&self, done: &Done<'_, 'm>) {
        let service = done.service;
        for (key, node) in service.node.pairs() {
            let name = key.name.as_str();
            if done.keys.contains(name) {
                continue;
            }
            match name {
                _ if node.is_null() => self.carry(service, &key.place, name, "nothing: it is empty"),
                "volumes" => self.volumes(service, node),
                "secrets" | "configs" => self.mounted(service, name, node),
                "volumes_from" if self.has_services(node) => {
                    self.carry(service, &node.place, name, "the volumes of those services");
                }
                "scale" if node.text() == Some("0") => {
                    self.carry(service, &key.place, name, "disabled: start it by hand");
                }
                "scale" if self.replicas(service).is_some() => {
                    self.carry(service, &key.place, name, format!("settings.processes.{}.replicas", service.process));
                }
                "scale" if node.text() != Some("1") => {
                    let (why, todo) = self.instances_left(service);
                    self.leave(service, &key.place, name, why, todo);
                }
                "scale" => {
                    self.carry(service, &key.place, name, "nothing: each process runs once");
                }
                _ => match settings::outcome(name) {
                    Outcome::Holds(why) => self.carry(service, &key.place, name, why),
                    Outcome::Lost(why, todo) => self.leave(service, &key.place, name, why, todo),
                },
            }
        }
    }

    /// Whether all items of `volumes_from` are services of the project that have volumes in the Compose file, but none
    /// in their Dockerfile. The volumes of an image contain files that exist only in the image.
    fn has_services(&self, node: &Node) -> bool {
        let mut names = node.items().iter().map(|item| volumes_from::name_of(item).unwrap_or_default());
        let is_it =
            |name: &str, service: &Service<'_>| service.name == name || service.text("container_name") == Some(name);
        let has_volumes = |service: &Service<'_>| {
            let path = service.image_file.as_ref().map(|file| file.path.as_str());
            let text = path.and_then(|path| self.files().text(path).ok().flatten()).unwrap_or_default();
            let is_of_image = text.lines().any(|line| line.trim_start().starts_with("VOLUME"));
            !is_of_image && service.get("volumes").is_some_and(|volumes| !volumes.items().is_empty())
        };
        names.all(|name| self.stack.services.iter().any(|service| is_it(name, service) && has_volumes(service)))
    }

    pub(in crate::migrate::compose) fn volumes(&self, service: &Service<'_>, node: &Node) {
        let words = process::command_words(self, service).unwrap_or_default();
        let usual = stack::usual_words(service);
        let package = match &service.role {
            Role::Package(package) => Some(*package),
            _ => None,
        };
        let broker = process::mosquitto::Configuration::of(service, self.files());
        let is_in_configuration = |target: &str| broker.as_ref().is_some_and(|file| file.uses(target));
        let named: Vec<String> = {
            let configurations = self.configurations.borrow();
            let own = configurations.values().filter(|file| file.process == service.process);
            own.flat_map(|file| file.paths.iter().cloned()).collect()
        };
        let is_below = |path: &String, target: &str| {
            path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_in_command = |target: &str| {
            words.iter().chain(&usual).any(|word| word.contains(target))
                || named.iter().any(|path| is_below(path, target.trim_end_matches('/')))
                || package.is_some_and(|package| process::receives(self, service, package, target))
        };
        // The data of a program with several volumes may be in any of them.
        let is_named = |item: &&Node| item.get("type").and_then(Node::text) == Some("volume");
        let keeps_data =
            package.is_some_and(PackageImage::keeps_data) && node.items().iter().filter(is_named).count() == 1;
        for item in node.items() {
            let source = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or_default();
            if let Some(inside) = source.strip_prefix("./") {
                self.missing_mounted(service, inside, target, item);
            }
            let (why, todo) = match source.strip_prefix("./") {
                _ if source.ends_with("docker.sock") => (
                    "there is no Docker to talk to".to_owned(),
                    "remove the part of the program that starts or watches containers".to_owned(),
                ),
                _ if is_in_command(target) && (source.starts_with("./") || source.starts_with('/')) => {
                    self.carry(service, &item.place, "volumes", "the path in its command");
                    continue;
                }
                Some(_) if is_in_configuration(target) => {
                    self.carry(service, &item.place, "volumes", "its configuration");
                    continue;
                }
                None if is_in_configuration(target) && is_named(&item) => {
                    let into = format!("./data/{}, without the volume's current content", service.process);
                    self.carry(service, &item.place, "volumes", into);
                    continue;
                }
                Some(_) if process::php::is_site(target) && process::php::replaces_apache(self, service) => {
                    self.carry(service, &item.place, "volumes", "the folder in its command");
                    continue;
                }
                Some(inside) if nginx::is_served(self, service, target) => {
                    self.served.borrow_mut().push(Served {
                        service: service.name.to_owned(),
                        place: item.place.clone(),
                        source: inside.to_owned(),
                        target: target.to_owned(),
                    });
                    continue;
                }
                // A nixpkgs package looks for its files at other paths.
                Some(inside) if package.is_some() => (
                    format!("{target} does not exist outside a container; the files are in ./{inside}"),
                    match package.filter(|package| !package.reads.is_empty()) {
                        Some(_) => format!("name ./{inside} in the program's own configuration file"),
                        None => format!("pass ./{inside} to the program in `command`"),
                    },
                ),
                Some(inside) if folders::is_beside_program(service, inside, target) => {
                    self.carry(service, &item.place, "volumes", "the process runs in the checkout");
                    continue;
                }
                Some(_) if is_in_environment(service, target) => {
                    self.carry(service, &item.place, "volumes", "the path in its environment");
                    continue;
                }
                Some(inside) => (
                    format!("{target} does not exist outside a container; the files are in ./{inside}"),
                    process::php::settings_step(self, service, inside, target)
                        .unwrap_or_else(|| format!("configure the program to read ./{inside} instead of {target}")),
                ),
                None if source.starts_with('/') && source.trim_end_matches('/') == target.trim_end_matches('/') => {
                    self.carry(service, &item.place, "volumes", "the path itself, on this machine");
                    continue;
                }
                None if source.starts_with(['/', '~']) => (
                    format!("{target} does not exist outside a container; on this machine it is {source}"),
                    format!("configure the program to read {source} instead of {target}"),
                ),
                None if !source.starts_with(['/', '~']) && is_of_dependencies(target) && package.is_none() => {
                    self.carry(service, &item.place, "volumes", "nothing: the checkout has its own");
                    continue;
                }
                None if keeps_data && is_named(&item) => {
                    let into = format!("./data/{}, without the volume's current content", service.process);
                    self.carry(service, &item.place, "volumes", into);
                    continue;
                }
                None => (
                    format!("{target} does not exist outside a container"),
                    format!(
                        "configure the program to keep its files in ./{} instead of {target}",
                        self.data_folder(service, source, target)
                    ),
                ),
            };
            self.leave(service, &item.place, "volumes", why, todo);
        }
    }

    /// The folder for the files of a volume: the one in the checkout that relative paths lead to, or one in `./data`,
    /// which is the same for all services with the volume.
    fn data_folder(&self, service: &Service<'_>, volume: &str, target: &str) -> String {
        let here = folders::host_path(service, target);
        let full =
            paths::join(&folders::working_folder(service), &here).filter(|full| here != target && !full.is_empty());
        let mounts = |other: &&Service<'_>| {
            let mut items = other.get("volumes").map_or(&[][..], Node::items).iter();
            items.any(|item| item.get("source").and_then(Node::text) == Some(volume))
        };
        let is_shared = !volume.is_empty() && self.stack.services.iter().filter(mounts).count() > 1;
        full.unwrap_or_else(|| format!("data/{}", if is_shared { volume } else { service.process.as_str() }))
    }

    /// Reports the folders of PHP-FPM that nginx serves, after nginx's configuration in `services` has been written.
    pub(super) fn served_report(&self, services: &[Attr]) {
        let served = self.served.take();
        if served.is_empty() {
            return;
        }
        let text = nix::bindings(services, 0);
        let words =
            text.split(|c: char| c.is_whitespace() || ";'\"".contains(c)).filter(|word| word.starts_with(['/', '.']));
        let words: BTreeSet<String> = words.map(str::to_owned).collect();
        for Served { service, place, source, target } in served {
            let Some(service) = self.stack.by_name(&service) else { continue };
            let target = target.trim_end_matches('/');
            // If only some lines keep the path, they are reported with nginx.
            let is_left = nginx::names_folder(&words, target) && !nginx::names_folder(&words, &format!("./{source}"));
            if is_left {
                let why = format!(
                    "{target} does not exist outside a container, and the configuration of nginx still names it; the \
                     files are in ./{source}"
                );
                self.leave(service, &place, "volumes", why, format!("write ./{source} into `configFile` of nginx"));
            } else {
                self.carry(service, &place, "volumes", "the path in the configuration of nginx");
            }
        }
    }

    /// Reports variables in a setting that is a plain value in the module.
    pub(in crate::migrate::compose) fn variables_note(&self, service: &Service<'_>, key: &str, node: &Node) {
        let mut names = Vec::new();
        variables_in(node, &mut names);
        // Variables without a value have entries of their own.
        names.retain(|name| self.stack.model.unset.iter().all(|unset| unset.name != *name));
        names.dedup();
        if !names.is_empty() {
            let why = format!("it depends on {}, and the module contains its current value", names.join(" and "));
            self.leave(service, &node.place, key, why, "change the value in the module or in the port registry");
        }
    }

    /// Reports secrets and configs. They are files in the checkout, and the module uses their paths there.
    pub fn mounted(&self, service: &Service<'_>, key: &str, node: &Node) {
        for item in node.items() {
            let name = item.get("source").and_then(Node::text).unwrap_or_default();
            match self.file_of(key, name) {
                Some(path) if self.is_missing(path.trim_start_matches("./")) => {
                    let todo = self.missing_file(path.trim_start_matches("./"));
                    self.leave(service, &item.place, key, format!("{} does not exist", &path[2..]), todo);
                }
                Some(path) => self.carry(service, &item.place, key, format!("the file {path}")),
                None => {
                    let why = format!("`{name}` is not a file in this repository");
                    self.leave(service, &item.place, key, why, "pass the value to the program through the environment");
                }
            }
        }
    }

    /// Reports a service that is not migrated, all its keys, and the services that refer to it.
    pub(in crate::migrate::compose) fn left_out(&self, service: &Service<'_>, why: &str) {
        let idle = service.text("image").and_then(containers::service_of).and_then(|_| starts::idle(service));
        let idle = idle.map(|_| ("", "nothing, if it only provides volumes: processes keep their data in folders"));
        let unavailable = idle.or_else(|| service.text("image").and_then(containers::unavailable));
        let is_unknown = service.text("image").is_some() && service.get("build").is_none();
        let own = self.own_build(service).filter(|_| is_unknown);
        let own = own
            .map(|folder| format!("if ./{folder}/Dockerfile builds it, write `build: ./{folder}` instead of `image`"));
        let todo = match (unavailable, &own, is_unknown) {
            (Some((_, todo)), ..) => todo,
            (None, Some(todo), _) => todo,
            (None, None, true) => {
                "if this repository builds the image, give the service a `build`; otherwise run the service some other \
                 way"
            }
            (None, None, false) => "run the service some other way, or write a process for it",
        };
        self.leave(service, &service.key.place, "", format!("it is left out: {why}"), todo);
        for (key, _) in service.node.pairs() {
            self.leave(service, &key.place, &key.name, "its service is left out", todo);
        }
        for other in self.stack.services.iter().filter(|other| other.is_carried()) {
            let names = service.names.iter();
            let mentions = names.clone().any(|name| other.get("environment").is_some_and(|node| mentions(node, name)));
            let todo = "replace the address with that of whatever replaces the service";
            if mentions {
                let why = format!("its environment refers to `{}`, which is left out", service.name);
                self.leave(other, &other.key.place, "environment", why, todo);
            }
            // nginx reports each of its upstreams separately.
            let is_nginx = matches!(&other.role, Role::Known(known) if known.option == "nginx");
            for bind in other.binds().into_iter().filter(|_| !is_nginx) {
                for path in stack::configurations(&bind, self.files()) {
                    let text = self.files().text(&path).ok().flatten().unwrap_or_default();
                    if service.names.iter().any(|name| !names::ports_of(&text, name).is_empty()) {
                        let why = format!("./{path} refers to `{}`, which is left out", service.name);
                        self.leave(other, &bind.place, "volumes", why, todo);
                    }
                }
            }
        }
    }
}

/// Whether a folder contains only what package managers and compilers put there. A volume at this path only separates
/// the image's folder from the one in the checkout.
fn is_of_dependencies(target: &str) -> bool {
    let target = target.trim_end_matches('/');
    DEPENDENCIES.contains(&paths::name(target)) || CACHES.iter().any(|folder| target.ends_with(folder))
}

/// Whether a variable in the Compose file contains a path in the folder `target`, which is replaced with the path in
/// the checkout.
fn is_in_environment(service: &Service<'_>, target: &str) -> bool {
    let target = target.trim_end_matches('/');
    let values = service.get("environment").map_or(&[][..], Node::pairs).iter().filter_map(|(_, value)| value.text());
    values.into_iter().any(|value| in_folder(value.trim_end_matches('/'), target))
}

impl Builder<'_, '_> {
    /// The folder next to the Compose file whose Dockerfile may build an image, according to its name: `vote` for
    /// `acme/shop_vote`.
    fn own_build(&self, service: &Service<'_>) -> Option<String> {
        let image = service.text("image")?;
        let last = containers::repository(image).rsplit('/').next().unwrap_or(image);
        let end = last.rsplit(['_', '-']).next().unwrap_or(last);
        let beside = paths::folder(&service.key.place.path);
        let folders = [last, end, service.name].map(|name| paths::join(beside, name));
        let has_file = |folder: &String| matches!(self.files().text(&format!("{folder}/Dockerfile")), Ok(Some(_)));
        folders.into_iter().flatten().find(has_file)
    }
}

/// Whether a variable refers to a name as a host: in an address, or as the whole value of a host variable.
fn mentions(node: &Node, name: &str) -> bool {
    let in_address = |text: &str| {
        names::occurrences(text, name).any(|at| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            before.ends_with("://")
                || before.ends_with('@')
                || names::is_device(before)
                || after.strip_prefix(':').is_some_and(|rest| names::leading_number(rest).is_some())
        })
    };
    node.pairs().iter().any(|(key, value)| {
        value.text().is_some_and(|text| in_address(text) || (text == name && hosts::is_host_word(&key.name)))
    })
}

/// Collects the variables that a setting refers to, in the order in which they appear.
fn variables_in(node: &Node, names: &mut Vec<String>) {
    match &node.value {
        Value::Scalar(scalar) => names.extend(interpolate::names(scalar.raw.as_deref().unwrap_or_default())),
        Value::List(items) => items.iter().for_each(|item| variables_in(item, names)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| variables_in(value, names)),
    }
}
