//! `ephemeral-port`: registered numbers that the kernel may use for an outgoing connection.

use std::ops::RangeInclusive;

use super::{Check, ProjectView, Verdict};
use crate::facts::ProjectFile;
use crate::facts::local_ports::{self, LocalPorts};
use crate::facts::port_registry::{self, Entry, Lookup, Registry, references};
use crate::finding::{Finding, RelPath, Span};
use crate::knowledge::service_ports::{Certainty, services};
use crate::knowledge::well_known_ports::EPHEMERAL;
use crate::rewrite::ports::reference;

const RULE: &str = "ephemeral-port";

/// See `rules/ephemeral-port.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&port_registry::READER, &local_ports::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(taken) = Taken::of(view) else { return verdict };
    let mut found = Vec::new();
    for (number, entries) in view.registries().numbers() {
        let Some(number) = u16::try_from(number).ok().filter(|number| taken.holds(*number)) else { continue };
        if let [(registry, entry), ..] = entries {
            found.push((number, *registry, *entry));
        }
    }
    let setting = reservation(&found, !taken.reserved.is_empty());
    for (number, registry, entry) in found {
        verdict.report(finding(number, registry, entry, &taken, &setting));
    }
    verdict
}

/// The name of the setting with the numbers that the kernel does not use.
const RESERVED: &str = "boot.kernel.sysctl.\"net.ipv4.ip_local_reserved_ports\"";

/// The maximum number of entries that a proposed setting names.
const NAMED: usize = 6;

/// Advice on how to reserve the numbers: all in one setting, because it has a single value on each machine.
fn reservation(found: &[(u16, &Registry, &Entry)], is_set: bool) -> String {
    let names: Vec<String> = found.iter().take(NAMED).map(|(.., entry)| reference(&entry.path)).collect();
    match names.as_slice() {
        _ if is_set => format!("add it to `{RESERVED}`"),
        [only] => format!("`{RESERVED} = toString {only};`"),
        names => {
            let more = if found.len() > names.len() { " .." } else { "" };
            let list = names.join(" ");
            format!("`{RESERVED} = lib.concatMapStringsSep \",\" toString [ {list}{more} ];` reserves all of them")
        }
    }
}

/// The ports that kernels may use for outgoing connections.
struct Taken<'p> {
    /// The ranges that apply to all machines, with the position where each is set, or else the kernel's default.
    ranges: Vec<(RangeInclusive<u16>, Option<Place<'p>>)>,
    /// The ranges of some machines. It is not known which of them run a service.
    of_some: Vec<RangeInclusive<u16>>,
    reserved: Vec<RangeInclusive<u16>>,
}

/// The file and the span that set a range.
type Place<'p> = (&'p RelPath, Span);

impl<'p> Taken<'p> {
    /// The port ranges that the repository's machines set. `None` if they cannot be read from the text.
    fn of(view: &ProjectView<'p>) -> Option<Self> {
        let mut taken = Self { ranges: Vec::new(), of_some: Vec::new(), reserved: Vec::new() };
        for (file, facts) in view.project.each::<LocalPorts>() {
            let computed = facts.computed.iter().map(|list| referred(view, file, *list));
            if facts.is_unknown || computed.clone().any(|ports| ports.is_empty()) {
                return None;
            }
            taken.reserved.extend(computed.flatten().map(|port| port..=port));
            for range in &facts.ranges {
                match range.is_conditional {
                    true => taken.of_some.push(range.ports.clone()),
                    false => taken.ranges.push((range.ports.clone(), Some((&file.source.path, range.span)))),
                }
            }
            taken.reserved.extend(facts.reserved.iter().cloned());
        }
        if taken.ranges.is_empty() {
            taken.ranges.push((EPHEMERAL, None));
        }
        Some(taken)
    }

    fn range(&self, number: u16) -> Option<&(RangeInclusive<u16>, Option<Place<'p>>)> {
        self.ranges.iter().find(|(range, _)| range.contains(&number))
    }

    /// Whether every machine's kernel may use a number for an outgoing connection.
    fn holds(&self, number: u16) -> bool {
        self.range(number).is_some()
            && self.of_some.iter().all(|range| range.contains(&number))
            && !self.reserved.iter().any(|range| range.contains(&number))
    }
}

/// The ports of the entries that a computed list refers to. If there are none, the list may contain any port.
fn referred(view: &ProjectView<'_>, file: &ProjectFile, list: Span) -> Vec<u16> {
    let uses = references::uses_in(file, view.registries());
    let inside = uses.filter(|(found, _)| list.contains(found.span));
    let entries = inside.filter_map(|(found, registry)| match references::lookup(registry, found) {
        Some(Lookup::Entry(entry)) => entry.port(),
        _ => None,
    });
    entries.collect()
}

fn finding(number: u16, registry: &Registry, entry: &Entry, taken: &Taken<'_>, setting: &str) -> Finding {
    let name = entry.name();
    let message = format!("{name} has port {number}, which the kernel may use for an outgoing connection");
    let (range, place) = taken.range(number).cloned().unwrap_or((EPHEMERAL, None));
    let label = format!("in the range {}-{}", range.start(), range.end());
    let help = match services(number.into()).iter().any(|service| service.certainty != Certainty::Named) {
        true => format!("other machines expect this well-known number, so reserve it: {setting}"),
        false => format!(
            "choose a number outside that range (`flakeward ports next` finds one), or reserve this one: {setting}"
        ),
    };
    let finding = Finding::new(RULE, &registry.path, entry.value_span, message).label(label).help(help);
    match place {
        Some((path, span)) => finding.also(path, span, "the range is set here"),
        None => finding,
    }
}
