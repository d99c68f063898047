//! The ports that the kernels of the repository's machines use for outgoing connections.

use std::ops::RangeInclusive;

use super::needles::Words;
use super::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::lang::nix;
use crate::lang::{Node, NodeKind, Tree};
use crate::source::FileKind;

/// Reads `boot.kernel.sysctl."net.ipv4.ip_local_port_range"` and `ip_local_reserved_ports`.
pub static READER: Reader = Reader { name: "local ports", needles: &[&SETTINGS], may_hold, read };

static SETTINGS: Words = Words::any_of(&["ip_local_"]);

/// The settings in a file for the ports of outgoing connections.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LocalPorts {
    /// The ranges that ports are taken from.
    pub ranges: Vec<LocalRange>,
    /// The ports that are excluded.
    pub reserved: Vec<RangeInclusive<u16>>,
    /// The spans of computed lists of reserved ports, which may refer to a registry.
    pub computed: Vec<Span>,
    /// Whether a range cannot be read from the text.
    pub is_unknown: bool,
}

/// A range that ports are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRange {
    /// Its ports.
    pub ports: RangeInclusive<u16>,
    /// The span of the value that sets it.
    pub span: Span,
    /// Whether it is set under a condition, so that only some machines may have it.
    pub is_conditional: bool,
}

impl Fact for LocalPorts {}

fn may_hold(source: &Glance<'_>) -> bool {
    source.kind == FileKind::Nix && source.has(&SETTINGS)
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree.filter(|_| file.source.kind == FileKind::Nix)?;
    let mut found = LocalPorts::default();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let last = nix::attrpath_node(tree, binding).and_then(|path| nix::names(tree, path).last());
        let Some(name) = last.and_then(|name| name.text) else { continue };
        let is_range = name.ends_with("ip_local_port_range");
        if !is_range && !name.ends_with("ip_local_reserved_ports") {
            continue;
        }
        let Some(value) = nix::value(tree, binding) else { continue };
        let text = nix::attrs::text(tree, value);
        match text.as_deref().and_then(if is_range { range } else { list }) {
            Some(read) if is_range => {
                let (span, is_conditional) = (tree.span(value), is_conditional(tree, binding));
                found.ranges.extend(read.into_iter().map(|ports| LocalRange { ports, span, is_conditional }));
            }
            Some(read) => found.reserved.extend(read),
            None if is_range => found.is_unknown = true,
            None => found.computed.push(tree.span(value)),
        }
    }
    let is_empty = found == LocalPorts::default();
    fact(found, is_empty)
}

/// Whether a binding only applies under a condition: `mkIf`, `optionalAttrs`, or an `if`.
fn is_conditional(tree: &Tree<'_>, binding: Node) -> bool {
    tree.ancestors(binding).any(|node| match tree.kind(node) {
        NodeKind::If => true,
        NodeKind::Apply => nix::call(tree, node)
            .is_some_and(|(function, _)| matches!(nix::last_name(&function), "mkIf" | "optionalAttrs")),
        _ => false,
    })
}

/// Parses a range of ports: `32768 60999`.
fn range(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(first), Ok(last), None) => Some(vec![first..=last]),
        _ => None,
    }
}

/// Parses a list of ports and ranges: `8080,9000-9010`.
fn list(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = parts.map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists_are_read_as_the_kernel_reads_them() {
        assert_eq!(range("32768\t60999"), Some(vec![32768..=60999]));
        assert_eq!(range("32768"), None);
        assert_eq!(list("8080, 9000-9010"), Some(vec![8080..=8080, 9000..=9010]));
        assert_eq!(list(""), Some(Vec::new()));
        assert_eq!(list("http"), None);
    }
}
