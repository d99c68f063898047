//! The processes that services-flake generates for `services.<service>.<instance>.enable = true`. According to its
//! `nix/lib.nix` and `nix/services`, the process has the name of the instance and a readiness probe; some services have
//! a second process that terminates.

use super::model::{Known, Listen, Part, Process};

use super::nix_values;
use crate::finding::Span;
use crate::knowledge::services_flake::{SERVICES, Service};
use crate::lang::Tree;
use crate::lang::nix::attrs::{Attrs, Piece};

/// Settings that may make an instance listen on a port other than the one in its port option.
const ELSEWHERE: [&str; 9] =
    ["imports", "bind", "host", "listen_addresses", "extraConfig", "settings", "environment", "config", "unixSocket"];

/// Adds the processes of enabled services.
pub fn add(tree: &Tree<'_>, services: &Attrs, part: &mut Part) {
    if services.open {
        part.open = Some("its services are computed");
    }
    for attr in services.all.iter().filter(|attr| attr.name != "outputs") {
        let Some(service) = SERVICES.iter().find(|service| service.name == attr.name) else {
            part.open = Some("it uses a service that services-flake does not provide");
            continue;
        };
        let instances = Attrs::read(tree, &attr.pieces);
        if instances.open {
            part.open = Some("the instances of a service are computed");
        }
        for instance in instances.all {
            add_instance(tree, service, &instance.name, tree.span(instance.node), &instance.pieces, part);
        }
    }
}

fn add_instance(tree: &Tree<'_>, service: &Service, name: &str, span: Span, pieces: &[Piece], part: &mut Part) {
    let settings = Attrs::read(tree, pieces);
    let enabled = settings.get("enable").map_or(Known::Absent, |attr| nix_values::truth(tree, attr));
    if enabled == Known::Is(false) {
        return;
    }
    let made = |suffix: &str, readiness: Known<bool>| Process {
        name: format!("{name}{suffix}"),
        span,
        runs: true,
        readiness,
        service: Some(service.name.to_owned()),
        ..Process::default()
    };
    let mut main = made("", Known::Is(true));
    if enabled.yes() && !settings.open && !ELSEWHERE.iter().any(|key| settings.get(key).is_some()) {
        main.listens = listens(tree, service, &settings, span);
    }
    if settings.get("namespace").is_some() {
        main.namespace = Some(format!("{name} of {}", service.name));
    }
    part.add(main);
    if !service.once.is_empty() {
        part.add(made(service.once, Known::Absent));
    }
    if service.name == "redis-cluster" {
        // One process per node; `nodes` may rename them.
        part.open = Some("a cluster creates a process for each node");
    }
}

fn listens(tree: &Tree<'_>, service: &Service, settings: &Attrs, span: Span) -> Vec<Listen> {
    let ports = service.ports.iter().filter_map(|(option, default)| match settings.get(option) {
        Some(attr) => nix_values::port(tree, attr),
        None => Some(Listen { port: default.to_string(), span }),
    });
    ports.collect()
}
