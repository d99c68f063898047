//! Port literals: a number, its location, and the host next to it.
//!
//! Whether a named host is the repository's own ([`hosts`]) depends on the whole repository.

mod dockerfile;
mod flow;
pub mod hosts;
mod nix;
#[cfg(test)]
mod tests;
pub mod text;
mod trigger;
pub mod words;
mod yaml;

use std::net::IpAddr;

use self::hosts::Hosts;
use crate::config::PortSettings;
use crate::facts::needles::Finder;
use crate::facts::{Fact, FileView, Glance, Project, ProjectFile, Reader, fact};
use crate::finding::Span;
use crate::lang::{KeptTree, Tree};
use crate::source::FileKind;
use crate::wording::head;
use text::{Form, Host, TextPort};

/// Reads port literals and the names of the repository's own hosts.
pub static READER: Reader = Reader { name: "ports", needles: &trigger::WORDS, may_hold, read };

/// The ports and hosts in one file.
#[derive(Debug, Default)]
pub struct PortFacts {
    /// The port literals.
    pub uses: Vec<PortUse>,
    /// Numbers that are ports only if their host is one of the repository's machines.
    pub of_machines: Vec<PortUse>,
    /// Names that this repository gives to its own machines and sites, and addresses that it assigns.
    pub own_hosts: Vec<String>,
    /// Domains of machines. Other names under their parent domains may be someone else's.
    pub domains: Vec<String>,
    /// Public addresses that hosts files assign to names.
    pub named_addresses: Vec<(IpAddr, String)>,
    /// Selections from function arguments through a name that may refer to a registry.
    pub selected: Vec<Selected>,
    /// Selections of the same kind from `config`.
    pub selected_from_config: Vec<Selected>,
    /// Machines that the file configures, by their names without a domain.
    pub machines: Vec<String>,
    /// The host names of the services in a Compose file or a Kubernetes manifest.
    pub services: Vec<String>,
    /// The file's tree, if it has port literals: fixes need it.
    pub tree: Option<KeptTree>,
}

impl Fact for PortFacts {}

impl PortFacts {
    /// Whether the file contributes nothing.
    pub fn is_empty(&self) -> bool {
        self.has_no_uses()
            && self.own_hosts.is_empty()
            && self.domains.is_empty()
            && self.named_addresses.is_empty()
            && self.machines.is_empty()
            && self.services.is_empty()
            && self.selected.is_empty()
            && self.selected_from_config.is_empty()
    }

    /// Whether the file has no port literals, not even for hosts that may be machines.
    pub fn has_no_uses(&self) -> bool {
        self.uses.is_empty() && self.of_machines.is_empty()
    }

    /// The port literals of the repository's own hosts.
    pub fn own<'f>(&'f self, hosts: &Hosts) -> impl Iterator<Item = &'f PortUse> {
        let uses = self.uses.iter().filter(|port| port.host.as_deref().is_none_or(|host| hosts.is_own(host)));
        let is_machine = |port: &&PortUse| port.host.as_deref().is_some_and(|host| hosts.is_named_machine(host));
        uses.chain(self.of_machines.iter().filter(is_machine))
    }

    /// Whether any port literal, regardless of its host, has a number for which `is_asked` returns true.
    pub fn has_number(&self, is_asked: impl Fn(u32) -> bool) -> bool {
        self.uses.iter().chain(&self.of_machines).any(|port| is_asked(port.number))
    }

    /// Adds the use of a port in a string.
    fn add(&mut self, port: &TextPort<'_>, found: PortUse) {
        match port.host {
            Host::Machine(_) => self.of_machines.push(found),
            _ => self.uses.push(found),
        }
    }
}

/// A selection from a function argument: `LT.port.web.api`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selected {
    /// The names up to the one that may be a registry: `LT.port`.
    pub alias: String,
    /// The names after it.
    pub path: Vec<String>,
    /// The span of the whole selection.
    pub span: Span,
}

/// A port written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortUse {
    /// The span of the digits, or of the whole expression for a computed port.
    pub span: Span,
    /// The number. Above 65535 only where nothing but a port is valid; 0 for a port without a literal number.
    pub number: u32,
    /// The origin of the number.
    pub kind: UseKind,
    /// The literal host next to it, by name or address, unless that is this machine.
    pub host: Option<String>,
    /// What uses the port: a dotted attribute path or key, and the flag or variable in its text. Empty if unknown.
    pub name: String,
}

/// The origin of a port's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseKind {
    /// Written where it is used.
    Literal,
    /// Bound to a local name (`let`, `rec`, a default argument) and used as a port.
    Bound,
    /// Computed by arithmetic.
    Computed,
    /// Drawn at random or found by probing.
    Random,
    /// The fallback of an environment variable.
    Fallback,
}

/// The name of a port's use, as a path. Many ports may share a long path, so only the part that is needed to name a
/// registry entry is kept.
fn name(path: &[impl AsRef<str>]) -> String {
    const DEEPEST: usize = 16;
    let parts = path.iter().take(DEEPEST).chain(path.iter().skip(DEEPEST.max(path.len().saturating_sub(DEEPEST))));
    parts.map(|part| start(part.as_ref())).collect::<Vec<_>>().join(".")
}

/// The beginning of a name; this is the whole name except in hostile files.
fn start(name: &str) -> &str {
    const LONGEST: usize = 200;
    head(name, LONGEST)
}

impl PortUse {
    /// Creates the use for a port in a string. `beside` is the host next to the whole string; `name` is the path of the
    /// string.
    fn in_text(port: &TextPort<'_>, span: Span, beside: Option<String>, name: &str) -> Self {
        let kind = match port.form {
            Form::Random => UseKind::Random,
            Form::EnvFallback => UseKind::Fallback,
            _ => UseKind::Literal,
        };
        let host = match port.host {
            Host::Named(host) => hosts::literal_host(host),
            Host::Machine(host) => Some(host.to_ascii_lowercase()),
            _ => beside,
        };
        Self { span, number: port.number, kind, host, name: Self::name(name, port.name) }
    }

    /// The path of a string, extended by the name of a port in the string: `services.web.command --port`.
    fn name(around: &str, inside: Option<&str>) -> String {
        match (around, inside) {
            (around, None) => around.to_owned(),
            ("", Some(inside)) => start(inside).to_owned(),
            (around, Some(inside)) => format!("{around} {}", start(inside)),
        }
    }
}

/// The port literals that are the repository's own, each with its file; ports of external hosts are left out.
pub fn own<'p>(project: &'p Project, settings: &PortSettings) -> impl Iterator<Item = (&'p ProjectFile, &'p PortUse)> {
    let hosts = Hosts::gather(project, settings);
    let files = project.each::<PortFacts>();
    files.flat_map(move |(file, ports)| ports.own(&hosts).map(move |port| (file, port)).collect::<Vec<_>>())
}

fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Nix => trigger::may_hold(&source.text, source.words),
        FileKind::Lock => false,
        FileKind::Yaml => trigger::may_hold_digits(&source.text, source.words) || trigger::may_name_hosts(&source.text),
        _ => trigger::may_hold_digits(&source.text, source.words),
    }
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree?;
    let mut facts = collect(file.source.kind, tree);
    facts.tree = (!facts.has_no_uses()).then(|| tree.keep());
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

/// Collects the ports and hosts in a file.
fn collect(kind: FileKind, tree: &Tree<'_>) -> PortFacts {
    let mut facts = PortFacts::default();
    match kind {
        FileKind::Nix => nix::collect(tree, &mut facts),
        FileKind::Yaml => yaml::collect(tree, &mut facts),
        FileKind::Dockerfile => dockerfile::collect(tree, &mut facts),
        _ => {}
    }
    // A number may be found twice: under its own name, and under a name to which it is passed on.
    facts.selected.sort();
    facts.selected.dedup();
    facts.selected_from_config.sort();
    facts.selected_from_config.dedup();
    facts.uses.sort_by_key(|found| (found.span, found.kind));
    facts.uses.dedup_by_key(|found| found.span);
    facts.of_machines.sort_by_key(|found| (found.span, found.kind));
    facts.of_machines.dedup_by_key(|found| found.span);
    debug_assert!(
        facts.is_empty()
            || kind != FileKind::Nix
            || trigger::may_hold(tree.text(), Finder::new(trigger::WORDS).look(tree.text())),
        "the trigger rejected a file with ports: {:?}",
        facts.uses
    );
    facts
}
