//! Strings, URIs and attribute names that contain ports.

use super::{Collector, Masked, Place};
use crate::facts::ports::flow::{self, Sink};
use crate::facts::ports::text::{self, Context, Flavour, Form, TextPort};
use crate::facts::ports::{PortUse, UseKind, hosts, name, start, words};
use crate::finding::Span;
use crate::knowledge::prose;
use crate::lang::nix::{self};
use crate::lang::{Field, Node, NodeKind};

impl<'a> Collector<'_, 'a> {
    /// Collects the ports in a string, depending on where the string is used.
    pub(super) fn string(&mut self, node: Node) {
        let tree = self.tree;
        let raw = tree.slice(node);
        // Almost no string contains a number, or an expression that evaluates to one.
        let mut masked = None;
        if !text::may_hold_port(raw.as_bytes()) {
            masked = raw.as_bytes().contains(&b'$').then(|| Masked::new(self, node)).flatten();
            if masked.as_ref().is_none_or(|masked| masked.written.is_empty()) {
                return;
            }
        }
        let flow = flow::flow(tree, node);
        if let (Sink::Interpolation(interpolation), Some(number)) = (flow.sink, self.number(node)) {
            return self.chosen(node, number, interpolation);
        }
        let around = match flow.sink {
            Sink::Binding(binding) => Some(binding),
            _ => nix::binding_around(tree, node),
        };
        let path = around.and_then(|binding| self.path(binding)).unwrap_or_default();
        if self.is_prose(node, Some(raw)) || self.is_prose_argument(node) {
            return;
        }
        let direct = matches!(flow.sink, Sink::Binding(_)) && flow.arithmetic.is_none();
        let Some(masked) = masked.or_else(|| Masked::new(self, node)) else { return };
        let mut names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let flag = flow::flag_before(tree, node);
        let mut own_name = PortUse::name(&name(&path), flag.as_deref());
        match flow.sink {
            Sink::Default(formal) => {
                let name = tree.child(formal, Field::Name).map_or("", |name| tree.slice(name));
                (names, own_name) = (vec![name], start(name).to_owned());
            }
            _ if flag.is_some() => names.push("port"),
            _ if self.number(node).is_some() && flow::follows_address(tree, node) => names.push("port"),
            _ if !direct && self.is_port_argument(node, &masked.text) => names.push("port"),
            _ if !direct => names.push("?"),
            Sink::Binding(binding) if self.is_port(binding, &path, false) => names.push("port"),
            _ => {}
        }
        let flavour = self.flavour(node, &path, &masked.text);
        self.slashed(node, &masked, &own_name);
        let mut found = Vec::new();
        text::scan_with_machines(&masked.text, &Context { path: &names, flavour }, &mut found);
        if !found.is_empty() && self.is_searched_for(node) {
            return;
        }
        let let_bound = match flow.sink {
            Sink::Binding(binding) => flag.is_none() && self.is_let(binding),
            Sink::Default(_) => true,
            _ => false,
        };
        for port in &found {
            let beside = match (direct && flag.is_none(), around) {
                (true, Some(binding)) if port.form == Form::Whole => self.host_beside(binding, &path, port.number),
                // Each search visits all parts of the string, so the number of searches is limited.
                _ if port.host == text::Host::Interpolated && found.len() <= 256 => match masked.place(&port.range) {
                    Place::Text(span) => self.interpolated_host(node, span.start),
                    Place::Literal(_) => None,
                },
                (_, Some(binding)) if path.last().is_some_and(|name| name == "BORG_RSH") => self.borg_host(binding),
                (false, _) if flag.is_some() => {
                    let named = flag.as_deref().and_then(|flag| self.host_in_list(node, flag));
                    named.or_else(|| {
                        flow::argument_port(tree, node).flatten().and_then(|host| hosts::literal_host(&host))
                    })
                }
                _ => port.name.filter(|_| port.host == text::Host::None).and_then(|name| self.host_in_list(node, name)),
            };
            self.text_port(&masked, port, beside, let_bound && port.form == Form::Whole, &own_name);
        }
    }

    /// Collects the port in an unquoted URI: `proxyPass = http://127.0.0.1:8080/;`.
    pub(super) fn uri(&mut self, node: Node) {
        let tree = self.tree;
        let text = tree.slice(node);
        if !text::may_hold_port(text.as_bytes()) || self.is_prose(node, Some(text)) || self.is_prose_argument(node) {
            return;
        }
        let around = nix::binding_around(tree, node);
        let path = around.and_then(|binding| self.path(binding)).unwrap_or_default();
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let own_name = name(&path);
        let start = tree.span(node).start as usize;
        let mut found = Vec::new();
        text::scan(text, &Context { path: &names, flavour: Flavour::Value }, &mut found);
        for port in &found {
            let span = Span::new(start + port.range.start, start + port.range.end);
            self.facts.add(port, PortUse::in_text(port, span, None, &own_name));
        }
    }

    /// Collects ZeroTier's `"${ip}/9993"`: a number that is too large for a prefix length, after an interpolated
    /// address.
    fn slashed(&mut self, string: Node, masked: &Masked, name: &str) {
        let tree = self.tree;
        let Some((address, digits)) = masked.text.rsplit_once('/') else { return };
        let is_whole = !address.is_empty() && address.bytes().all(|byte| byte == nix::HOLE);
        let Some(number) = digits.parse::<u32>().ok().filter(|number| is_whole && (129..=65535).contains(number))
        else {
            return;
        };
        let mut holes = tree.children(string).filter(|&part| tree.kind(part) == NodeKind::Interpolation);
        let is_address = |hole: Node| {
            let last = nix::last_name(tree.slice(hole));
            let is_word = |word: &String| matches!(word.as_str(), "ip" | "ips" | "addr" | "address" | "endpoint");
            last.to_ascii_lowercase().contains("ipv") || words::split(last).iter().any(is_word)
        };
        if let (Some(hole), None) = (holes.next(), holes.next())
            && is_address(hole)
        {
            let start = masked.start as usize + masked.text.len() - digits.len();
            let span = Span::new(start, start + digits.len());
            let kind = UseKind::Literal;
            self.facts.uses.push(PortUse { span, number, kind, host: None, name: name.to_owned() });
        }
    }

    /// Collects a number, or an address with one, in an attribute name: `ExposedPorts."8080/tcp"`.
    pub(super) fn attribute_name(&mut self, node: Node) {
        let tree = self.tree;
        if !text::may_hold_port(tree.slice(node).as_bytes()) {
            return;
        }
        let Some(binding) = tree.ancestors(node).find(|&node| tree.kind(node) == NodeKind::Binding) else { return };
        let Some(path) = self.path(binding) else { return };
        if self.is_prose(binding, None) {
            return;
        }
        let Some(masked) = Masked::new(self, node) else { return };
        let own = nix::names(tree, nix::attrpath_node(tree, binding).unwrap_or(binding)).collect::<Vec<_>>();
        let Some(index) = own.iter().position(|name| name.node == node) else { return };
        let before = path.len() - own.len() + index;
        let mut names: Vec<&str> = path[..before].iter().map(AsRef::as_ref).collect();
        let own_name = name(&names);
        let whole = masked.text.bytes().all(|byte| byte.is_ascii_digit());
        if whole {
            // postfix names the services of its master.cf by their ports.
            let postfix = names.contains(&"postfix") && matches!(names.last(), Some(&("master" | "masterConfig")));
            if !postfix && !names.last().is_some_and(|name| text::is_port_word(name)) {
                return;
            }
            names.push("port");
        }
        let mut found = Vec::new();
        text::scan(&masked.text, &Context { path: &names, flavour: Flavour::Value }, &mut found);
        for port in &found {
            self.text_port(&masked, port, None, false, &own_name);
        }
    }

    /// Whether a string is the search text of a replacement in a program: the first argument of `replaceStrings`. It
    /// must not change. A replacement in the value of an option does not count, because that value may contain one of
    /// the repository's own ports.
    fn is_searched_for(&self, node: Node) -> bool {
        let tree = self.tree;
        let around = tree.ancestors(node).take_while(|&node| {
            !matches!(tree.kind(node), NodeKind::Binding | NodeKind::Function | NodeKind::Interpolation)
        });
        let mut calls = around.filter(|&node| tree.kind(node) == NodeKind::Apply);
        let is_first = |&call: &Node| {
            let found = flow::function(tree, call);
            found.is_some_and(|(name, index)| index == 0 && prose::REPLACERS.contains(&nix::last_name(name)))
        };
        if !calls.next().as_ref().is_some_and(is_first) {
            return false;
        }
        let arguments = calls.filter_map(|call| nix::call(tree, call)).map(|(_, arguments)| arguments);
        let text = arguments.filter_map(|arguments| arguments.get(2).copied()).next();
        text.is_some_and(|text| {
            let mut words = tree.slice(text).split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            !words.any(|word| prose::CONFIGURATIONS.contains(&word))
        })
    }

    fn text_port(&mut self, masked: &Masked, port: &TextPort<'_>, beside: Option<String>, bound: bool, name: &str) {
        match masked.place(&port.range) {
            Place::Text(span) => {
                let mut found = PortUse::in_text(port, span, beside, name);
                if bound && found.kind == UseKind::Literal {
                    found.kind = UseKind::Bound;
                }
                self.facts.add(port, found);
            }
            // A number that comes from an interpolation is reported where it is written.
            Place::Literal(_) if matches!(port.host, text::Host::Machine(_)) => {}
            Place::Literal(sum) if self.tree.kind(sum) == NodeKind::Binary => {
                let name = PortUse::name(name, port.name);
                self.facts.uses.push(PortUse {
                    span: self.tree.span(sum),
                    number: 0,
                    kind: UseKind::Computed,
                    host: None,
                    name,
                });
            }
            Place::Literal(literal) => {
                if self.bound.insert(literal) {
                    let bound = nix::binding_around(self.tree, literal).is_some_and(|binding| self.is_in_let(binding));
                    self.add_bound(literal, port.number, PortUse::name(name, port.name));
                    if let Some(last) = self.facts.uses.last_mut()
                        && !bound
                        && flow::flow(self.tree, literal).sink != Sink::Elsewhere
                    {
                        last.kind = UseKind::Literal;
                    }
                }
            }
        }
    }
}
