//! The lists of ports that a firewall opens.

use super::needles::Words;
use super::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::lang::NodeKind;
use crate::lang::nix;
use crate::source::FileKind;

/// Reads `networking.firewall.allowedTCPPorts` and the like.
pub static READER: Reader = Reader { name: "firewall", needles: &[&LISTS], may_hold, read };

static LISTS: Words = Words::any_of(&["allowedTCPPorts", "allowedUDPPorts"]);

/// The open ports in a file.
#[derive(Debug, Default)]
pub struct FirewallFacts {
    /// The lists of open ports.
    pub lists: Vec<OpenPorts>,
}

/// A list of open ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPorts {
    /// The span of the option's value.
    pub span: Span,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
}

impl Fact for FirewallFacts {}

fn may_hold(source: &Glance<'_>) -> bool {
    source.kind == FileKind::Nix && source.has(&LISTS)
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree.filter(|_| file.source.kind == FileKind::Nix)?;
    let mut lists = Vec::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let last = nix::attrpath_node(tree, binding).and_then(|path| nix::names(tree, path).last());
        let protocol = match last.and_then(|name| name.text).as_deref() {
            Some("allowedTCPPorts") => "tcp",
            Some("allowedUDPPorts") => "udp",
            _ => continue,
        };
        let names = nix::attr_path(tree, binding).unwrap_or_default();
        let is_firewall = names.iter().any(|name| name.text.as_deref() == Some("firewall"));
        // Under `options`, the name declares an option and opens no ports.
        let is_option = names.iter().any(|name| name.text.as_deref() == Some("options"));
        if let Some(value) = nix::value(tree, binding).filter(|_| is_firewall && !is_option) {
            lists.push(OpenPorts { span: tree.span(value), protocol });
        }
    }
    let is_empty = lists.is_empty();
    fact(FirewallFacts { lists }, is_empty)
}
