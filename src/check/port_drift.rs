//! `port-drift`: a comment or a number that contradicts the port registry.

use std::collections::HashMap;

use super::{Check, ProjectView, Verdict};
use crate::facts::ProjectFile;
use crate::facts::port_registry::{
    self, Entry, Lookup, Registries, Registry, RegistryComment, RegistryFacts, references,
};
use crate::facts::ports::{self, PortFacts, PortUse, UseKind};
use crate::finding::{Edit, Finding, Fix, Safety, Span};
use crate::knowledge::schemes::SCHEMES;
use crate::spans::Spans;
use crate::wording::tail;

const RULE: &str = "port-drift";

/// See `rules/port-drift.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&ports::READER, &port_registry::READER], project);

/// Reports comments whose number differs from the registry, numbers that differ from their comment, and addresses of a
/// service whose number differs from the registry.
fn project(view: &ProjectView<'_>) -> Verdict {
    let registries = view.registries();
    let mut verdict = Verdict::default();
    let mut literals = HashMap::new();
    for (file, comment, registry) in references::comments(view.project, registries) {
        let Some(registry) = registry else { continue };
        let Lookup::Entry(entry) = registry.named(&comment.entry) else { continue };
        let Some(port) = entry.port().map(u32::from) else { continue };
        let literals = literals.entry(&file.source.path).or_insert_with(|| Literals::of(file));
        verdict.extend(match comment.number {
            Some(number) if number != port => Some(stale(file, comment, registry, entry, port, literals)),
            _ => beside(file, comment, registry, entry, port, literals),
        });
    }
    let mut services = HashMap::new();
    for (file, ports) in view.project.each::<PortFacts>() {
        let literals = ports.uses.iter().filter(|port| port.kind == UseKind::Literal);
        verdict.extend(literals.filter_map(|literal| address(file, literal, registries, &mut services)));
    }
    verdict
}

/// The literal ports in a file.
struct Literals<'p> {
    /// The positions of each number.
    places: HashMap<u32, Vec<Span>>,
    /// The ports without a comment that states the number, in the order of their positions.
    unsaid: Vec<&'p PortUse>,
    /// For each port in `unsaid`, the index of the next one with a different number.
    next_other: Vec<usize>,
}

impl<'p> Literals<'p> {
    fn of(file: &'p ProjectFile) -> Self {
        let mut said: HashMap<u32, Vec<Span>> = HashMap::new();
        for comment in file.fact::<RegistryFacts>().iter().flat_map(|facts| &facts.comments) {
            if let Some(number) = comment.number {
                said.entry(number).or_default().push(comment.covers);
            }
        }
        let said: HashMap<u32, Spans> =
            said.into_iter().map(|(number, spans)| (number, Spans::from_iter(spans))).collect();
        let uses = file.fact::<PortFacts>().into_iter().flat_map(|ports| &ports.uses);
        let mut all: Vec<_> = uses.filter(|port| port.kind == UseKind::Literal).collect();
        all.sort_by_key(|literal| literal.span);
        let mut places: HashMap<u32, Vec<Span>> = HashMap::new();
        for literal in &all {
            places.entry(literal.number).or_default().push(literal.span);
        }
        let is_said = |port: &PortUse| said.get(&port.number).is_some_and(|spans| spans.any_around(port.span));
        let unsaid: Vec<_> = all.into_iter().filter(|literal| !is_said(literal)).collect();
        let mut next_other = vec![unsaid.len(); unsaid.len()];
        for at in (1..unsaid.len()).rev() {
            let same = unsaid[at - 1].number == unsaid[at].number;
            next_other[at - 1] = if same { next_other[at] } else { at };
        }
        Self { places, unsaid, next_other }
    }

    /// Whether a number occurs in a span.
    fn has(&self, number: u32, inside: Span) -> bool {
        let places = self.places.get(&number).map_or(&[][..], Vec::as_slice);
        let first = places.get(places.partition_point(|place| place.start < inside.start));
        first.is_some_and(|place| inside.contains(*place))
    }

    /// The only port in a span without a comment that states its number. `None` if there is none, or if there are
    /// several with different numbers.
    fn only_unsaid(&self, inside: Span) -> Option<&'p PortUse> {
        let at = self.unsaid.partition_point(|literal| literal.span.start < inside.start);
        let is_inside = |literal: &&&PortUse| inside.contains(literal.span);
        let first = self.unsaid.get(at).filter(is_inside)?;
        self.unsaid.get(self.next_other[at]).filter(is_inside).is_none().then_some(*first)
    }
}

/// The finding for a comment whose number differs from the registry.
fn stale(
    file: &ProjectFile,
    comment: &RegistryComment,
    registry: &Registry,
    entry: &Entry,
    port: u32,
    literals: &Literals<'_>,
) -> Finding {
    let (name, written) = (&comment.entry, comment.number.unwrap_or_default());
    let message = format!("{name} is {port} in {}, but this comment says {written}", registry.path);
    let finding = Finding::new(RULE, &file.source.path, comment.number_span, message)
        .label(format!("the registry defines {port}"))
        .help(format!("write {port} here and in the code that the comment describes, or correct the registry"))
        .also(&registry.path, entry.value_span, format!("{name} is registered here"));
    // If the block already contains the registry's number, only the comment is outdated.
    let uses = |number: u32| literals.has(number, comment.covers);
    if uses(port) && !uses(written) {
        let edit = Edit { path: file.source.path.clone(), span: comment.number_span, text: port.to_string() };
        let title = format!("write {port} in the comment");
        return finding.fix(Fix::new(title, Safety::Safe, vec![edit]));
    }
    finding
}

/// The finding for the only number next to a comment, if it differs from the comment.
fn beside(
    file: &ProjectFile,
    comment: &RegistryComment,
    registry: &Registry,
    entry: &Entry,
    port: u32,
    literals: &Literals<'_>,
) -> Option<Finding> {
    if literals.has(port, comment.covers) {
        return None;
    }
    // If there are several numbers, it is not clear which one the comment refers to.
    let literal = literals.only_unsaid(comment.covers)?;
    let (name, number) = (&comment.entry, literal.number);
    let message = format!("port {number} contradicts its comment, which says {name} = {port}");
    Some(
        Finding::new(RULE, &file.source.path, literal.span, message)
            .label(format!("{name} is {port}"))
            .help(format!("write {port}, or name the entry for {number} in the comment"))
            .also(&file.source.path, comment.entry_span, format!("the comment names {name}"))
            .also(&registry.path, entry.value_span, format!("{name} is registered here")),
    )
}

/// The finding for a number in the address of a service that has a single registry entry with a different number.
fn address<'p>(
    file: &ProjectFile,
    literal: &PortUse,
    registries: &Registries<'p>,
    services: &mut HashMap<&'static str, Option<(&'p Registry, &'p Entry)>>,
) -> Option<Finding> {
    if literal.host.is_some() || !registries.by_number(literal.number).is_empty() {
        return None;
    }
    let (scheme, names) = service(file.source.text.get(..literal.span.start as usize)?)?;
    let (registry, entry) = (*services.entry(scheme).or_insert_with(|| only(registries, names)))?;
    let port = entry.port()?;
    let (name, number) = (entry.name(), literal.number);
    let message = format!("this address uses port {number}, but {name} is {port} in {}", registry.path);
    Some(
        Finding::new(RULE, &file.source.path, literal.span, message)
            .label(format!("{name} is {port}"))
            .help(format!("write {port}, or register the second service under its own name"))
            .also(&registry.path, entry.value_span, format!("{name} is registered here")),
    )
}

/// The only entry with any of the given names.
fn only<'p>(registries: &Registries<'p>, names: &[&str]) -> Option<(&'p Registry, &'p Entry)> {
    let mut entries = registries.all().iter().flat_map(|registry| {
        let ports = registry.ports().filter(|(entry, _)| is_named(entry, names));
        ports.map(move |(entry, _)| (*registry, entry))
    });
    let (registry, entry) = entries.next()?;
    entries.all(|(_, other)| other.origin == entry.origin).then_some((registry, entry))
}

fn is_named(entry: &Entry, names: &[&str]) -> bool {
    entry.path.last().is_some_and(|last| names.iter().any(|name| last.eq_ignore_ascii_case(name)))
}

/// The URI scheme of the address at the end of the text (`redis` for `redis://localhost:`), and the names of its
/// service. `None` if there is no address or its scheme is unknown.
fn service(before: &str) -> Option<(&'static str, &'static [&'static str])> {
    /// The maximum number of bytes that are read before the port. User names and host names are shorter.
    const LONGEST: usize = 1_000;
    let authority = before.strip_suffix(':')?;
    let authority = tail(authority, LONGEST);
    let start = authority.rfind("://")?;
    let host = authority.get(start + 3..)?;
    if host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ',')) {
        return None;
    }
    let scheme = authority.get(..start)?;
    let before = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    let scheme = scheme.get(before.len()..)?;
    SCHEMES.iter().find(|(known, _)| *known == scheme).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_recognised_by_their_url_scheme() {
        for (before, known) in [
            ("REDIS_URL=redis://localhost:", true),
            ("\"postgresql://me:secret@127.0.0.1:", true),
            ("jdbc:mysql://localhost:", true),
            ("http://localhost:", false),
            ("redis://localhost/0 http://localhost:", false),
            ("redis://localhost and then x:", false),
            ("localhost:", false),
        ] {
            assert_eq!(service(before).is_some(), known, "{before}");
        }
    }
}
