//! `port-drift`: a comment, the registry and the number beside it do not say the same.

use crate::check::ProjectContext;
use crate::check::ports::{PortUse, UseKind};
use crate::finding::{Edit, Finding, Fix, Safety, Span};
use crate::project::ProjectFile;
use crate::registry::{Entry, Lookup, Registries, Registry, RegistryComment, references};

const RULE: &str = "port-drift";

/// Schemes of addresses that name the service itself, with the names that registries give it.
const SERVICES: [(&str, &[&str]); 14] = [
    ("amqp", &["amqp", "rabbitmq"]),
    ("amqps", &["amqps"]),
    ("bolt", &["bolt"]),
    ("clickhouse", &["clickhouse"]),
    ("ldap", &["ldap"]),
    ("memcached", &["memcached"]),
    ("mongodb", &["mongodb", "mongo"]),
    ("mqtt", &["mqtt", "mosquitto"]),
    ("mysql", &["mysql", "mariadb"]),
    ("nats", &["nats"]),
    ("postgres", &["postgres", "postgresql"]),
    ("postgresql", &["postgres", "postgresql"]),
    ("redis", &["redis"]),
    ("rediss", &["rediss"]),
];

/// Reports comments whose number is not the registry's, numbers that are not their comment's, and addresses of a
/// service with another number than the registry's.
pub fn report(context: &mut ProjectContext<'_>, registries: &Registries<'_>) {
    let mut findings = Vec::new();
    for (file, comment, registry) in references::comments(context.project, registries) {
        let Some(registry) = registry else { continue };
        let Lookup::Entry(entry) = registry.named(&comment.entry) else { continue };
        let Some(port) = entry.port().map(u32::from) else { continue };
        findings.extend(match comment.number {
            Some(number) if number != port => Some(stale(file, comment, registry, entry, port)),
            _ => beside(file, comment, registry, entry, port),
        });
    }
    for file in &context.project.files {
        let literals = file.facts.ports.uses.iter().filter(|port| port.kind == UseKind::Literal);
        findings.extend(literals.filter_map(|literal| address(file, literal, registries)));
    }
    findings.into_iter().for_each(|finding| context.report(finding));
}

/// A comment that says another number than the registry.
fn stale(file: &ProjectFile, comment: &RegistryComment, registry: &Registry, entry: &Entry, port: u32) -> Finding {
    let (name, written) = (&comment.entry, comment.number.unwrap_or_default());
    let message = format!("{name} is {port} in {}, this comment says {written}", registry.path);
    let finding = Finding::new(RULE, &file.source.path, comment.number_span, message)
        .label(format!("the registry says {port}"))
        .help(format!("write {port} here and wherever the comment's number stands, or correct the registry"))
        .also(&registry.path, entry.value_span, format!("{name} is registered here"));
    // Where the block uses the registry's number already, only the comment is old.
    let uses = |number: u32| covered(file, comment.covers).any(|literal| literal.number == number);
    if uses(port) && !uses(written) {
        let edit = Edit { path: file.source.path.clone(), span: comment.number_span, text: port.to_string() };
        let title = format!("write {port} in the comment");
        return finding.fix(Fix { title, safety: Safety::Safe, edits: vec![edit] });
    }
    finding
}

/// The one number beside a comment, where it is another than the comment's.
fn beside(
    file: &ProjectFile,
    comment: &RegistryComment,
    registry: &Registry,
    entry: &Entry,
    port: u32,
) -> Option<Finding> {
    if covered(file, comment.covers).any(|literal| literal.number == port) {
        return None;
    }
    let accounted = |literal: &&PortUse| {
        let comments = file.facts.registry.comments.iter();
        comments.into_iter().any(|other| other.number == Some(literal.number) && other.covers.contains(literal.span))
    };
    let mut others = covered(file, comment.covers).filter(|literal| !accounted(literal));
    let literal = others.next()?;
    if others.any(|other| other.number != literal.number) {
        // Which of them the comment means is not certain.
        return None;
    }
    let (name, number) = (&comment.entry, literal.number);
    let message = format!("port {number} stands beside a comment that says {name} = {port}");
    Some(
        Finding::new(RULE, &file.source.path, literal.span, message)
            .label(format!("{name} is {port}"))
            .help(format!("write {port}, or name the entry that has {number}"))
            .also(&file.source.path, comment.entry_span, format!("the comment names {name}"))
            .also(&registry.path, entry.value_span, format!("{name} is registered here")),
    )
}

/// The literals of a file in a span.
fn covered(file: &ProjectFile, span: Span) -> impl Iterator<Item = &PortUse> {
    let literals = file.facts.ports.uses.iter();
    literals.filter(move |literal| literal.kind == UseKind::Literal && span.contains(literal.span))
}

/// A number in the address of a service that the registry has once, with another number.
fn address(file: &ProjectFile, literal: &PortUse, registries: &Registries<'_>) -> Option<Finding> {
    if literal.host.is_some() || !registries.by_number(literal.number).is_empty() {
        return None;
    }
    let names = service(file.source.text.get(..literal.span.start as usize)?)?;
    let mut entries = registries.all().iter().flat_map(|registry| {
        let ports = registry.ports().filter(|(entry, _)| is_named(entry, names));
        ports.map(move |(entry, port)| (*registry, entry, port))
    });
    let (registry, entry, port) = entries.next()?;
    if entries.any(|(_, other, _)| other.origin != entry.origin) {
        return None;
    }
    let (name, number) = (entry.name(), literal.number);
    let message = format!("this address has port {number}, but {name} is {port} in {}", registry.path);
    Some(
        Finding::new(RULE, &file.source.path, literal.span, message)
            .label(format!("{name} is {port}"))
            .help(format!("write {port}, or register the second service under a name of its own"))
            .also(&registry.path, entry.value_span, format!("{name} is registered here")),
    )
}

fn is_named(entry: &Entry, names: &[&str]) -> bool {
    entry.path.last().is_some_and(|last| names.iter().any(|name| last.eq_ignore_ascii_case(name)))
}

/// The service whose address ends in a text: `redis://localhost:`.
fn service(before: &str) -> Option<&'static [&'static str]> {
    let authority = before.strip_suffix(':')?;
    let start = authority.rfind("://")?;
    let host = authority.get(start + 3..)?;
    if host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ',')) {
        return None;
    }
    let scheme = authority.get(..start)?;
    let from = scheme.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let scheme = scheme.get(from..)?;
    SERVICES.iter().find(|(known, _)| *known == scheme).map(|(_, names)| *names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_the_scheme_of_their_address() {
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
