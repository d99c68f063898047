//! Port literals in Dockerfiles: `EXPOSE`, ports in `ENV` and `ARG`, and the commands of containers.

use super::text::{self, Context, Flavour};
use super::{PortFacts, PortUse};
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree};

/// Collects the ports of a Dockerfile.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::ExposePort => scan(tree, node, &["EXPOSE", "port"], Flavour::Value, facts),
            NodeKind::EnvPair | NodeKind::ArgPair => pair(tree, node, facts),
            NodeKind::ShellCommand if runs(tree, node) => scan(tree, node, &["command"], Flavour::Script, facts),
            NodeKind::JsonStringArray if runs(tree, node) => scan(tree, node, &["command"], Flavour::Script, facts),
            _ => {}
        }
    }
}

/// Whether a command runs in the container, not during the build.
fn runs(tree: &Tree<'_>, node: Node) -> bool {
    tree.parent(node).is_some_and(|parent| {
        matches!(
            tree.kind(parent),
            NodeKind::CmdInstruction | NodeKind::EntrypointInstruction | NodeKind::HealthcheckInstruction
        )
    })
}

fn pair(tree: &Tree<'_>, pair: Node, facts: &mut PortFacts) {
    let name = tree.child(pair, Field::Name).map_or("", |name| tree.slice(name));
    let value = tree.child(pair, Field::Value).or_else(|| tree.child(pair, Field::Default));
    if let Some(value) = value {
        scan(tree, value, &[name], Flavour::Value, facts);
    }
}

fn scan(tree: &Tree<'_>, node: Node, path: &[&str], flavour: Flavour, facts: &mut PortFacts) {
    let slice = tree.slice(node);
    let masked = mask(tree, node, slice);
    let mut found = Vec::new();
    text::scan_with_machines(&masked, &Context { path, flavour }, &mut found);
    let start = tree.span(node).start as usize;
    for port in found {
        let span = Span::new(start + port.range.start, start + port.range.end);
        facts.add(&port, PortUse::in_text(&port, span, None, &super::name(path)));
    }
}

/// Masks line continuations and the punctuation of the exec form with spaces: `["redis-server", "--port", "6379"]`
/// becomes the command line `redis-server --port 6379`.
fn mask(tree: &Tree<'_>, node: Node, slice: &str) -> String {
    let start = tree.span(node).start;
    let mut bytes = slice.as_bytes().to_vec();
    for part in tree.subtree(node) {
        let span = tree.span(part);
        let range = (span.start - start) as usize..(span.end - start) as usize;
        match tree.kind(part) {
            NodeKind::LineContinuation | NodeKind::Escape => {
                if let Some(bytes) = bytes.get_mut(range) {
                    bytes.fill(b' ');
                }
            }
            NodeKind::JsonString => {
                for at in [range.start, range.end.saturating_sub(1)] {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = b' ';
                    }
                }
            }
            _ => {}
        }
    }
    let wraps = matches!(tree.kind(node), NodeKind::JsonStringArray);
    let quoted = matches!(tree.kind(node), NodeKind::DoubleQuotedString | NodeKind::SingleQuotedString);
    if let (true, Some(last)) = (wraps || quoted, bytes.len().checked_sub(1)) {
        bytes[0] = b' ';
        bytes[last] = b' ';
    }
    if wraps {
        bytes.iter_mut().filter(|byte| **byte == b',').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(bytes).unwrap_or_else(|_| slice.to_owned())
}
