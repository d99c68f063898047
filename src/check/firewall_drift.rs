//! `firewall-drift`: open ports without a service that listens there.

use std::collections::{BTreeSet, HashSet};

use super::port_literals::machine_of;
use super::{Check, ProjectView, Verdict};
use crate::facts::ProjectFile;
use crate::facts::firewall::{self, FirewallFacts, OpenPorts};
use crate::facts::port_registry::{self, Endpoint, Entry, Lookup, Registry, references};
use crate::facts::ports::{self, PortFacts, UseKind};
use crate::finding::{Finding, Span};

const RULE: &str = "firewall-drift";

/// See `rules/firewall-drift.md`.
pub static CHECK: Check =
    Check::of_project(RULE, &[&firewall::READER, &port_registry::READER, &ports::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if view.project.all::<FirewallFacts>().next().is_none() {
        return verdict;
    }
    let registries = view.registries();
    let machines = machines(view);
    for (file, FirewallFacts { lists }) in view.project.each() {
        let mut report = |span: Span, number: u32| {
            let Some(list) = lists.iter().find(|list| list.span.contains(span)) else { return };
            let entries = registries.serving(&file.source.path, number);
            verdict.extend(drift(file, span, number, list, entries, &machines));
        };
        for (found, registry) in references::uses_in(file, registries).filter(|(found, _)| found.certain) {
            if let Some(Lookup::Entry(entry)) = references::lookup(registry, found)
                && let Some(number) = entry.port()
            {
                report(found.span, u32::from(number));
            }
        }
        let literals = file.fact::<PortFacts>().into_iter().flat_map(|facts| &facts.uses);
        literals.filter(|port| port.kind == UseKind::Literal).for_each(|port| report(port.span, port.number));
    }
    verdict
}

/// The names of the repository's machines, from its configurations and its folders.
fn machines<'p>(view: &ProjectView<'p>) -> HashSet<&'p str> {
    let configured = view.project.all::<PortFacts>().flat_map(|facts| &facts.machines).map(String::as_str);
    let folders = view.project.files.iter().filter_map(|file| machine_of(&file.source.path));
    configured.chain(folders).collect()
}

/// The finding for a port that is open where none of its services listen.
fn drift(
    file: &ProjectFile,
    span: Span,
    number: u32,
    list: &OpenPorts,
    entries: &[(&Registry, &Entry)],
    machines: &HashSet<&str>,
) -> Option<Finding> {
    // An entry without an endpoint may belong to any machine and protocol.
    let endpoints: Vec<&Endpoint> =
        entries.iter().map(|(_, entry)| entry.endpoint.as_deref()).collect::<Option<_>>()?;
    let (registry, entry) = entries.first()?;
    let speaks = |endpoint: &&&Endpoint| {
        endpoint.protocols.is_empty() || endpoint.protocols.iter().any(|protocol| protocol == list.protocol)
    };
    let speaking: Vec<&&Endpoint> = endpoints.iter().filter(speaks).collect();
    let protocol = list.protocol.to_uppercase();
    let finding = |message: String| {
        Finding::new(RULE, &file.source.path, span, message)
            .label("nothing listens here")
            .help(format!("close it, or specify in {} where the service listens", registry.path))
            .also(&registry.path, entry.name_span, format!("{} is registered here", entry.name()))
    };
    if speaking.is_empty() {
        let protocols: BTreeSet<String> =
            endpoints.iter().flat_map(|it| &it.protocols).map(|it| it.to_uppercase()).collect();
        let spoken = Vec::from_iter(protocols).join(" and ");
        return Some(finding(format!("{protocol} port {number} is open, but its service uses {spoken} only")));
    }
    let machine = machine_of(&file.source.path).filter(|machine| machines.contains(machine))?;
    let hosts: BTreeSet<&str> = speaking.iter().flat_map(|it| &it.hosts).map(String::as_str).collect();
    let is_known = speaking.iter().all(|it| !it.hosts.is_empty()) && hosts.iter().all(|host| machines.contains(host));
    (is_known && !hosts.contains(&machine)).then(|| {
        let hosts = hosts.iter().copied().collect::<Vec<_>>().join(" and ");
        finding(format!("{protocol} port {number} is open on {machine}, but its service runs on {hosts}"))
    })
}
