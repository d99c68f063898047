//! The wording of findings about port literals.

use super::{ALLOCATED, HARDCODED};
use crate::facts::port_registry::Entry;
use crate::facts::ports::{PortUse, UseKind};
use crate::finding::RuleId;
use crate::rewrite::ports as port_fix;
use crate::source::{FileKind, Source};

/// Advice on how a use should refer to its entry: by name in Nix, by a comment in files that cannot import the
/// registry.
pub fn naming(source: &Source, registry: &str, number: impl std::fmt::Display) -> String {
    match source.kind {
        _ if !source.has_comments() => {
            "generate this file from Nix, since JSON has no comments that could name the entry".to_owned()
        }
        FileKind::Nix => "refer to that entry here".to_owned(),
        _ => format!("name the entry in a comment above: `# Port from {registry}: NAME = {number}`"),
    }
}

/// The rule that reports a literal.
pub fn rule(port: &PortUse) -> RuleId {
    match port.kind {
        UseKind::Literal => HARDCODED,
        _ => ALLOCATED,
    }
}

/// The message, depending on how the port is determined.
pub fn what(port: &PortUse) -> String {
    let number = port.number;
    match port.kind {
        UseKind::Literal => format!("port {number} is hardcoded"),
        UseKind::Bound => format!("port {number} is bound to a local variable"),
        UseKind::Computed => "this port is computed".to_owned(),
        UseKind::Random => "this port is chosen at random".to_owned(),
        UseKind::Fallback => format!("port {number} is the default of an environment variable"),
    }
}

/// What to write in place of a literal.
pub fn instead(source: &Source, registry: &str, entry: &Entry, number: u32) -> String {
    match source.kind {
        _ if !source.has_comments() => format!("this is {} in {registry}", entry.name()),
        FileKind::Nix => format!("write {}", port_fix::reference(&entry.path)),
        _ => format!("name the entry in a comment above: # Port from {registry}: {} = {number}", entry.name()),
    }
}
