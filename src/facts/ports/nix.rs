//! Port literals in Nix: integers and strings that are used as ports, names bound to them, and attribute names.

mod bound;
mod host_names;
mod integer;
mod masked;
mod prose;
mod string;

use std::collections::{BTreeSet, HashMap};

use self::host_names::HostNames;
use self::masked::{ANY_PORT, Masked, Place};
use super::flow;
use super::text;
use super::{PortFacts, PortUse, UseKind, hosts, words};
use crate::knowledge::port_words;
use crate::lang::nix;
use crate::lang::{Field, Node, NodeKind, Tree};

/// Collects the ports of a Nix file.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let mut collector = Collector {
        tree,
        facts,
        bound: BTreeSet::new(),
        selected_sets: BTreeSet::new(),
        hosts: HashMap::new(),
        blocks: HashMap::new(),
        parameters: HashMap::new(),
        depth: 0,
        has_hosts: hosts::may_name_set_of_hosts(tree.text()),
        has_zones: memchr::memmem::find(tree.text().as_bytes(), hosts::ZONE.as_bytes()).is_some(),
    };
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::Integer => collector.integer(node),
            NodeKind::String | NodeKind::IndentedString => match tree.parent(node).map(|parent| tree.kind(parent)) {
                Some(NodeKind::Attrpath) => collector.attribute_name(node),
                Some(NodeKind::InheritedAttrs) => {}
                _ => {
                    if tree.kind(node) == NodeKind::IndentedString {
                        collector.assigned(node);
                    }
                    collector.string(node);
                }
            },
            NodeKind::Uri => collector.uri(node),
            NodeKind::Variable => collector.variable(node),
            NodeKind::Binding => collector.host_names(node),
            NodeKind::Apply => collector.zone(node),
            NodeKind::Select => {
                collector.selection(node);
                collector.member(node);
            }
            _ => {}
        }
    }
}

/// The maximum depth to which an argument is followed from function to function.
const DEPTH: usize = 8;

struct Collector<'t, 'a> {
    tree: &'t Tree<'a>,
    facts: &'t mut PortFacts,
    /// Whether the file mentions a set of sites or machines.
    has_hosts: bool,
    /// Whether the file mentions the function that writes DNS zones.
    has_zones: bool,
    /// For each function: whether its argument is used as a port.
    parameters: HashMap<Node, bool>,
    /// The nesting depth of the current function: how many functions pass their argument on to the next.
    depth: usize,
    /// Literals that were already reported because a port uses the name that they are bound to.
    bound: BTreeSet<Node>,
    /// The bindings of sets from which a computed name selects.
    selected_sets: BTreeSet<Node>,
    /// The host names in each set that was queried.
    hosts: HashMap<Node, HostNames>,
    /// For each rule of a NetworkPolicy that was queried: the address to which it allows connections.
    blocks: HashMap<Node, Option<String>>,
}

impl<'a> Collector<'_, 'a> {
    fn add(&mut self, node: Node, number: u32, kind: UseKind, host: Option<String>, name: String) {
        self.facts.uses.push(PortUse { span: self.tree.span(node), number, kind, host, name });
    }

    /// Whether a binding's value is a port, judging by its name and the attribute path around it.
    fn is_port(&self, binding: Node, path: &[String], integer: bool) -> bool {
        let Some(last) = path.last() else { return false };
        let outer = &path[..path.len() - 1];
        if text::is_port_word(last) {
            return true;
        }
        match last.as_str() {
            "from" | "start" | "end" | "begin" => {
                without_default(outer).last().is_some_and(|name| is_range(name)) || self.is_default_range(binding)
            }
            // Nomad's `reservedPorts.http = { static = 80; to = 8080; }`.
            "static" | "to" => {
                let named = outer.len().checked_sub(2).and_then(|at| outer.get(at));
                named.is_some_and(|name| name == "port" || is_set_of_ports(name))
                    || last == "to"
                        && (without_default(outer).last().is_some_and(|name| is_range(name))
                            || self.is_default_range(binding))
            }
            "default" if self.is_port_option(binding, path) => true,
            // `listeners.ssl.default = "5671"`: the names of RabbitMQ's listeners do not contain "port".
            // Options under them also have defaults: `listeners.mqtt.maxConnections = mkOption { default = 2048; }`.
            _ if last.starts_with("listeners.") || outer.iter().any(|name| name == "listeners") => {
                let end = last.rsplit('.').next().unwrap_or(last);
                let is_own = outer.iter().rev().take(2).any(|name| name == "listeners");
                end == "default" && (is_own || last != "default")
                    || (!integer && end.bytes().all(|byte| byte.is_ascii_digit()))
            }
            // Options of peertube, clamd and systemd.
            "listenHttp" | "listenWeb" | "TCPSocket" | "ListenStream" | "ListenDatagram" if integer => true,
            // `ports = { http = 80; }`: any name in a set of ports.
            _ => {
                integer
                    && !is_port_count(last)
                    && (matches!(last.as_str(), "expose" | "SocketBindAllow" | "SocketBindDeny")
                        || outer.last().is_some_and(|name| name == "port" || is_set_of_ports(name))
                        || outer.iter().any(|name| name == "ports"))
            }
        }
    }

    /// Whether a binding is a connector on a virtual machine's bus: libvirt's `master.startport = 2` and `{ type =
    /// "usb"; bus = 0; port = 1; }`.
    fn is_on_bus(&self, binding: Node, path: &[String], number: u32) -> bool {
        let tree = self.tree;
        let Some((last, outer)) = path.split_last() else { return false };
        let is_master = || outer.last().is_some_and(|name| name == "master");
        let is_bus = |member: Node| {
            let is_named = nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "bus");
            is_named && nix::value(tree, member).is_some_and(|bus| tree.kind(bus) == NodeKind::Integer)
        };
        number <= port_words::BUS_CONNECTORS
            && match last.as_str() {
                "startport" => is_master(),
                "port" => tree.parent(binding).is_some_and(|set| tree.children(set).take(16).any(is_bus)),
                _ => false,
            }
    }

    /// Whether a binding is in the default of an argument that is a range of ports: `{ portRange ? { from = 3000; to =
    /// 3010; } }:`.
    fn is_default_range(&self, binding: Node) -> bool {
        let tree = self.tree;
        let set = tree.parent(binding).and_then(|bindings| tree.parent(bindings));
        let formal = set.and_then(|set| tree.parent(set)).filter(|&node| tree.kind(node) == NodeKind::Formal);
        let name = formal.and_then(|formal| tree.child(formal, Field::Name));
        name.is_some_and(|name| is_range(tree.slice(name)))
    }

    /// Whether a number under a plural name is a count or a boolean rather than a port: `ports = 15;` is the number of
    /// ports of a controller, because a service's `ports` would be a list.
    fn counts_ports(&self, binding: Node, literal: Node, number: u32) -> bool {
        let tree = self.tree;
        let path = nix::attrpath_node(tree, binding).map_or("", |path| tree.slice(path));
        // A computed number under a plural name is a quantity: `recommendedPorts = clients * 5`.
        let is_computed = || {
            let value = nix::value(tree, binding).and_then(|value| flow::computed(tree, value));
            value.is_some_and(|(sum, _)| tree.span(sum).contains(tree.span(literal)))
        };
        if text::is_plural(nix::last_name(path)) && is_computed() {
            return true;
        }
        let is_whole = nix::value(tree, binding).is_some_and(|value| nix::unwrap_parens(tree, value) == literal);
        // `fixed_ports = 1` is a boolean.
        if is_whole && number == 1 && text::is_plural(nix::last_name(path)) {
            return true;
        }
        is_whole && number < 64 && !matches!(number, 22 | 25 | 53) && nix::last_name(path) == "ports"
    }

    /// Whether a `default` belongs to an option for a port, judging by its type, or else by its name.
    fn is_port_option(&self, binding: Node, path: &[String]) -> bool {
        let tree = self.tree;
        let named = path.len() >= 2 && text::is_port_word(&path[path.len() - 2]);
        let Some(set) = tree.parent(binding) else { return false };
        let typed = tree.children(set).find(|&member| {
            tree.kind(member) == NodeKind::Binding
                && nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "type")
        });
        let Some(expression) = typed.and_then(|member| nix::value(tree, member)) else { return named };
        let is_port_type = tree.subtree(expression).any(|node| {
            tree.kind(node) == NodeKind::Identifier && matches!(tree.slice(node), "port" | "portType" | "portNumber")
        });
        is_port_type || named
    }

    /// Whether a binding belongs to a `let`, not to an attribute set.
    fn is_let(&self, binding: Node) -> bool {
        let set = self.tree.parent(binding);
        let scope = set.and_then(|set| self.tree.parent(set)).map(|scope| self.tree.kind(scope));
        matches!(scope, Some(NodeKind::Let | NodeKind::LetAttrset))
    }

    /// Whether a binding belongs to a `let`, or to a set that a `let` binds.
    fn is_in_let(&self, binding: Node) -> bool {
        let set_around = |binding: Node| self.tree.parent(self.tree.parent(binding)?);
        let mut binding = Some(binding);
        while let Some(inner) = binding {
            if self.is_let(inner) {
                return true;
            }
            binding = set_around(inner).and_then(|set| nix::binding_around(self.tree, set));
        }
        false
    }

    /// The attribute path of a binding, with `?` for computed names that depend on more than this file. In `{ name =
    /// "PORT"; value = "8080"; }`, `value` becomes `PORT`.
    fn path(&self, binding: Node) -> Option<Vec<String>> {
        let names = nix::attr_path(self.tree, binding)?;
        let name = |name: nix::AttrName<'_>| match name.text.as_deref() {
            Some(text) => super::start(text).to_owned(),
            None => match self.bound_name(name.node) {
                Some(text) => super::start(&text).to_owned(),
                None => self.port_word_after_hole(name.node).unwrap_or_else(|| "?".to_owned()),
            },
        };
        let mut path: Vec<String> = names.into_iter().map(name).collect();
        if let Some(last) = path.last_mut().filter(|last| *last == "value")
            && let Some(variable) = self.name_beside(binding)
        {
            *last = variable;
        }
        Some(path)
    }

    /// The name of an attribute, if it ends in the word port after an interpolation. The interpolation becomes `?`:
    /// `?.server.port` for `"${name}.server.port"`.
    fn port_word_after_hole(&self, name: Node) -> Option<String> {
        let tree = self.tree;
        if tree.kind(name) != NodeKind::String {
            return None;
        }
        let tail = tree.slice(name).strip_suffix('"')?.rsplit_once('}')?.1;
        // `"${word}port"` may be another word.
        let is_port = !tail.starts_with(|c: char| c.is_ascii_lowercase()) && text::is_port_word(tail);
        is_port.then(|| format!("?{}", super::start(tail)))
    }

    /// The name next to the value of a variable, if it is the name of a port: `{ name = "PORT"; value = "8080"; }`.
    fn name_beside(&self, value: Node) -> Option<String> {
        let tree = self.tree;
        let members = tree.children(tree.parent(value)?).filter(|&node| tree.kind(node) == NodeKind::Binding).take(8);
        let mut named =
            members.filter(|&node| nix::attrpath_node(tree, node).is_some_and(|path| tree.slice(path) == "name"));
        let name = nix::literal_string(tree, nix::value(tree, named.next()?)?)?;
        text::is_port_word(&name).then(|| name.into_owned())
    }
}

fn known_text(name: &nix::AttrName<'_>) -> Option<String> {
    name.text.as_deref().map(str::to_owned)
}

/// Whether the value of this name is not a port even in a set of ports: `count`, `timeout`.
pub(super) fn is_port_count(name: &str) -> bool {
    port_words::NOT_PORTS.contains(&name)
}

/// Whether an interpolation follows a character that precedes ports, and is not inside a number or an address.
fn is_after_sign(tree: &Tree<'_>, interpolation: Node) -> bool {
    let span = tree.span(interpolation);
    let before = flow::text_before(tree.text(), span.start);
    let after = tree.text().as_bytes().get(span.end as usize).copied().unwrap_or(0);
    before.ends_with([':', '=', ' ', '"', '\'']) && !before.ends_with("::") && !matches!(after, b'.' | b':')
}

/// Whether a set with this name contains ports. Source ports are lists, so a set called `sports` is about sports:
/// `categories.sports = { sort = 5; }`.
fn is_set_of_ports(name: &str) -> bool {
    (name.ends_with("ports") || name.ends_with("Ports")) && text::is_port_word(name) && name != "sports"
}

/// The path of an option without a final `default`: `allowedPortRanges = mkOption { default = [ { from = .. } ]; }`.
fn without_default(path: &[String]) -> &[String] {
    match path.split_last() {
        Some((last, before)) if last == "default" => before,
        _ => path,
    }
}

/// Whether `from` and `to` in a set with this name are ports: the bounds of a range, or the two ports of a mapping.
fn is_range(name: &str) -> bool {
    let words = words::split(name);
    let ends = words.last().is_some_and(|word| matches!(word.as_str(), "range" | "ranges" | "mapping" | "mappings"));
    (ends && words.iter().any(|word| matches!(word.as_str(), "port" | "ports"))) || text::is_port_word(name)
}

/// Substrings of selections from a registry in a function argument: each selection contains at least one.
pub const SELECTIONS: [&str; 4] = [".port.", "ports.", "portRegistry.", ".registry."];
