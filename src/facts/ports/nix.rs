//! Port literals in Nix: integers and strings that are used as ports, names bound to them, and attribute names.

mod bound;
mod host_names;
mod masked;
mod prose;

use std::collections::{BTreeSet, HashMap};

use self::host_names::HostNames;
use self::masked::{ANY_PORT, Masked, Place};
use super::flow::{self, Sink};
use super::text::{self, Context, Flavour, Form, TextPort};
use super::{PortFacts, PortUse, UseKind, hosts, words};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// Collects the ports of a Nix file.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let mut collector = Collector {
        tree,
        facts,
        bound: BTreeSet::new(),
        hosts: HashMap::new(),
        parameters: HashMap::new(),
        depth: 0,
        has_hosts: hosts::may_name_set_of_hosts(tree.text()),
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
            NodeKind::Select => {
                collector.selection(node);
                collector.member(node);
            }
            _ => {}
        }
    }
}

/// Functions that pass their argument to another function are followed to this depth.
const DEPTH: usize = 8;

struct Collector<'t, 'a> {
    tree: &'t Tree<'a>,
    facts: &'t mut PortFacts,
    /// Whether the file mentions a set of sites or machines.
    has_hosts: bool,
    /// For each function: whether its argument is used as a port.
    parameters: HashMap<Node, bool>,
    /// The nesting depth of the current function: how many functions pass their argument on to the next.
    depth: usize,
    /// Literals bound to names that were already reported, because a port uses the name.
    bound: BTreeSet<Node>,
    /// The host names in each set that was queried.
    hosts: HashMap<Node, HostNames>,
}

impl<'a> Collector<'_, 'a> {
    /// An integer that is used as a port.
    fn integer(&mut self, node: Node) {
        let tree = self.tree;
        let Ok(number) = tree.slice(node).parse::<u32>() else { return };
        let flow = flow::flow(tree, node);
        let (binding, bound) = match flow.sink {
            Sink::Binding(binding) => (binding, self.is_let(binding)),
            Sink::Default(formal) => return self.default_argument(node, formal, number),
            Sink::Interpolation(interpolation) => return self.chosen(node, number, interpolation),
            _ => return self.argument(node, number),
        };
        let Some(path) = self.path(binding) else { return };
        let flag = flow::flag_before(tree, node);
        if flag.is_none() && (!self.is_port(binding, &path, true) || self.counts_ports(binding, node, number)) {
            return self.argument(node, number);
        }
        if self.is_prose(node, None) {
            return;
        }
        let name = PortUse::name(&super::name(&path), flag.as_deref());
        match flow.arithmetic {
            Some(arithmetic) => self.add(arithmetic, 0, UseKind::Computed, None, name),
            None if number == 0 => {}
            None if flag.is_some() => self.add(node, number, UseKind::Literal, None, name),
            None => {
                let kind = if bound { UseKind::Bound } else { UseKind::Literal };
                let host = self.host_beside(binding, &path);
                self.add(node, number, kind, host, name);
            }
        }
    }

    /// A number that a condition in a string selects: `":${if tls then "8443" else "8080"}"`. Other numbers in strings
    /// are read with the string.
    fn chosen(&mut self, node: Node, number: u32, interpolation: Node) {
        let tree = self.tree;
        let Some(expression) = tree.child(interpolation, Field::Expression) else { return };
        let mut chosen = nix::unwrap_parens(tree, expression);
        while let Some(inner) = flow::handed_on(tree, chosen) {
            chosen = inner;
        }
        let sound = tree.kind(chosen) == NodeKind::If
            // A choice of 1 and 0 is a switch: `use_ports = ${if cfg.fixed then "1" else "0"}`.
            && (2..=65535).contains(&number)
            && self.is_port_in_text(interpolation, &number.to_string())
            && !tree.parent(interpolation).is_some_and(|string| self.is_prose(string, Some(tree.slice(string))));
        if sound && self.bound.insert(node) {
            let path = nix::binding_around(tree, interpolation).and_then(|binding| self.path(binding));
            self.add_bound(node, number, super::name(&path.unwrap_or_default()));
            if let Some(last) = self.facts.uses.last_mut() {
                last.kind = UseKind::Literal;
            }
        }
    }

    /// A number passed to a function of this file that uses the argument as a port: `serve 8080 "web"`.
    fn argument(&mut self, node: Node, number: u32) {
        if number == 0 || number > 65535 {
            return;
        }
        if (self.ends_address(node) || self.follows_field(node)) && !self.is_prose(node, None) {
            let path = nix::binding_around(self.tree, node).and_then(|binding| self.path(binding));
            return self.add(node, number, UseKind::Literal, None, super::name(&path.unwrap_or_default()));
        }
        let Some((function, index)) = flow::receiver(self.tree, node) else { return };
        let Some(name) = self.port_parameter(function, index) else { return };
        if !self.is_prose(node, None) && !self.is_prose_argument(node) {
            self.add(node, number, UseKind::Literal, None, name);
        }
    }

    /// Whether a number is compared with the field of a packet, in rules written in Nix: `is.eq tcp.dport 25`.
    fn follows_field(&self, node: Node) -> bool {
        let tree = self.tree;
        let apply = tree.parent(node).filter(|&node| tree.kind(node) == NodeKind::Apply);
        let function = apply.and_then(|apply| tree.child(apply, Field::Function));
        let before = function.filter(|&node| tree.kind(node) == NodeKind::Apply);
        let field = before.and_then(|before| tree.child(before, Field::Argument));
        tree.field(node) == Field::Argument
            && field.is_some_and(|field| matches!(nix::last_name(tree.slice(field)), "dport" | "sport"))
    }

    /// Whether a number is appended to a string that ends where a port is expected: `"http://localhost:" + toString
    /// 8080`.
    fn ends_address(&self, node: Node) -> bool {
        let tree = self.tree;
        let Some((sum, text)) = flow::joined(tree, node) else { return false };
        let Some((text, _)) = nix::masked(tree, text) else { return false };
        let path = nix::binding_around(tree, sum).and_then(|binding| self.path(binding)).unwrap_or_default();
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let flavour = self.flavour(sum, &path, &text);
        let whole = format!("{text}{ANY_PORT}");
        let mut found = Vec::new();
        text::scan(&whole, &Context { path: &names, flavour }, &mut found);
        found.iter().any(|port| port.range.start == text.len())
    }

    /// The name of the argument of a function, if it is used as a port and the function is defined in this file.
    fn port_parameter(&mut self, function: Node, index: usize) -> Option<String> {
        let tree = self.tree;
        let function = match tree.kind(function) {
            NodeKind::Variable => match nix::resolve(tree, function, tree.slice(function))? {
                Origin::Binding(binding) if nix::names(tree, nix::attrpath_node(tree, binding)?).count() == 1 => {
                    nix::value(tree, binding)?
                }
                _ => return None,
            },
            NodeKind::Function => function,
            NodeKind::Select => nix::member(tree, function)?,
            _ => return None,
        };
        let (lambda, name) = flow::parameter(tree, function, index)?;
        let is_port = match self.parameters.get(&lambda) {
            Some(known) => *known,
            None => {
                // Recursive calls add nothing.
                self.parameters.insert(lambda, false);
                self.depth += 1;
                let is_port = self.depth <= DEPTH && self.becomes_port(lambda, name);
                self.depth -= 1;
                self.parameters.insert(lambda, is_port);
                is_port
            }
        };
        is_port.then(|| super::start(tree.slice(name)).to_owned())
    }

    /// Whether the argument of a function is used as a port in its body, or has the name of a port.
    fn becomes_port(&mut self, lambda: Node, name: Node) -> bool {
        let tree = self.tree;
        let word = tree.slice(name);
        if text::is_port_word(word) {
            return true;
        }
        let Some(body) = tree.child(lambda, Field::Body) else { return false };
        let is_argument = |node: &Node| {
            tree.kind(*node) == NodeKind::Variable
                && tree.slice(*node) == word
                && matches!(nix::resolve(tree, *node, word), Some(Origin::Argument(formal)) if formal == name)
        };
        let uses: Vec<Node> = tree.subtree(body).filter(is_argument).collect();
        let uses = uses.into_iter().map(|node| (node, flow::flow(tree, node)));
        uses.filter(|(_, flow)| flow.arithmetic.is_none()).any(|(node, flow)| match flow.sink {
            Sink::Binding(binding) => {
                self.path(binding).is_some_and(|path| self.is_port(binding, &path, true) || self.is_port_by_path(&path))
            }
            Sink::Interpolation(interpolation) => self.is_port_in_text(interpolation, ANY_PORT),
            // It is passed to another function: `map (n: listen n)`.
            Sink::Elsewhere => flow::receiver(tree, node)
                .is_some_and(|(function, index)| self.port_parameter(function, index).is_some()),
            Sink::Default(_) => false,
        })
    }

    /// Whether a string of digits is a port at a path: `listenStreams`.
    fn is_port_by_path(&self, path: &[String]) -> bool {
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let mut found = Vec::new();
        text::scan(ANY_PORT, &Context { path: &names, flavour: Flavour::Value }, &mut found);
        !found.is_empty()
    }

    /// Whether a number in place of an interpolation is a port of its string.
    fn is_port_in_text(&self, interpolation: Node, number: &str) -> bool {
        let tree = self.tree;
        let Some(string) = tree.parent(interpolation) else { return false };
        let Some((mut text, start)) = nix::masked(tree, string) else { return false };
        let span = tree.span(interpolation);
        let at = (span.start - start) as usize;
        let end = (span.end - start) as usize;
        if text.get(at..end).is_none() {
            return false;
        }
        text.replace_range(at..end, number);
        let path = nix::binding_around(tree, string).and_then(|binding| self.path(binding)).unwrap_or_default();
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let flavour = self.flavour(string, &path, &text);
        let mut found = Vec::new();
        text::scan(&text, &Context { path: &names, flavour }, &mut found);
        found.iter().any(|port| port.range.start == at)
    }

    /// `{ port ? 8080 }:`
    fn default_argument(&mut self, node: Node, formal: Node, number: u32) {
        let name = self.tree.child(formal, Field::Name).map_or("", |name| self.tree.slice(name));
        if number > 0 && text::is_port_word(name) {
            self.add(node, number, UseKind::Bound, None, super::start(name).to_owned());
        }
    }

    /// A name that is used as a port: if it is bound to a literal, that literal is a manual allocation.
    fn variable(&mut self, node: Node) {
        let tree = self.tree;
        let flow = flow::flow(tree, node);
        self.list(node);
        let Sink::Binding(binding) = flow.sink else { return };
        let Some(path) = self.path(binding) else { return };
        let is_port = self.is_port(binding, &path, true);
        let is_range = !is_port && path.last().is_some_and(|last| is_range(last));
        if self.is_let(binding) || !(is_port || is_range) || self.is_prose(node, None) {
            return;
        }
        if flow.arithmetic.is_some() {
            return;
        }
        let literals = match self.bound_literal(node) {
            _ if is_range => self.bound_ends(node),
            Some(literal) => vec![literal],
            None => self.bound_elements(node),
        };
        for (literal, number) in literals {
            if self.bound.insert(literal) {
                self.add_bound(literal, number, super::name(&path));
            }
        }
    }

    /// A member of a set of this file that is used as a port: `let ids = { web = 8080; }; in { port = ids.web; }`.
    fn member(&mut self, select: Node) {
        let tree = self.tree;
        let flow = flow::flow(tree, select);
        let Sink::Binding(binding) = flow.sink else { return };
        let may_be_port = |path: Node| tree.slice(path).to_ascii_lowercase().contains("port");
        if flow.arithmetic.is_some() || !nix::attrpath_node(tree, binding).is_some_and(may_be_port) {
            return;
        }
        let Some((literal, number)) = self.member_literal(select) else { return };
        let Some(path) = self.path(binding) else { return };
        if self.is_let(binding) || !self.is_port(binding, &path, true) || self.is_prose(select, None) {
            return;
        }
        if self.bound.insert(literal) {
            self.add_bound(literal, number, super::name(&path));
        }
    }

    /// The name of a list whose elements a function uses as ports: `map (port: ..) open`.
    fn list(&mut self, variable: Node) {
        let tree = self.tree;
        let is_argument = tree.field(variable) == Field::Argument || tree.field(variable) == Field::Left;
        let Some((function, index)) = is_argument.then(|| flow::receiver_of_elements(tree, variable)).flatten() else {
            return;
        };
        // A list that begins to count is one of workspaces, disks or the like.
        const FEW: usize = 3;
        let elements = self.bound_elements(variable);
        if elements.is_empty() || elements.iter().all(|(_, number)| *number < 10) && elements.len() > FEW {
            return;
        }
        let Some(name) = self.port_parameter(function, index) else { return };
        if self.is_prose(variable, None) || self.is_prose_argument(variable) {
            return;
        }
        for (element, number) in elements {
            if self.bound.insert(element) {
                self.add_bound(element, number, name.clone());
            }
        }
    }

    fn add_bound(&mut self, literal: Node, number: u32, name: String) {
        let mut span = self.tree.span(literal);
        if self.tree.kind(literal) == NodeKind::String {
            span = Span { start: span.start + 1, end: span.end - 1 };
        }
        self.facts.uses.push(PortUse { span, number, kind: UseKind::Bound, host: None, name });
    }

    fn add(&mut self, node: Node, number: u32, kind: UseKind, host: Option<String>, name: String) {
        self.facts.uses.push(PortUse { span: self.tree.span(node), number, kind, host, name });
    }

    /// `LT.port.web.api`, where `LT` is a function argument.
    fn selection(&mut self, node: Node) {
        const ALIASES: [&str; 4] = ["port", "ports", "portRegistry", "registry"];
        let tree = self.tree;
        let written = tree.slice(node);
        if !SELECTIONS.iter().any(|selection| written.contains(selection)) {
            return;
        }
        let Some(names) = nix::dotted(tree, node) else { return };
        let names: Vec<&str> = names.split('.').collect();
        let Some(at) = names.iter().position(|name| ALIASES.contains(name)) else { return };
        let root = names.first().copied().unwrap_or_default();
        if matches!(nix::resolve(tree, node, root), Some(Origin::Argument(_))) {
            let path: Vec<String> = names[at + 1..].iter().map(|name| (*name).to_owned()).collect();
            let selected = super::Selected { alias: names[..=at].join("."), path, span: tree.span(node) };
            match root {
                // `config.services.web.port` is an option.
                "config" if selected.path.is_empty() => {}
                "config" => self.facts.selected_from_config.push(selected),
                _ => self.facts.selected.push(selected),
            }
        }
    }

    /// A string, interpreted by where it is used.
    fn string(&mut self, node: Node) {
        let tree = self.tree;
        let raw = tree.slice(node);
        // Nearly no string contains a number, or an expression that may evaluate to one.
        if !raw.as_bytes().contains(&b'$') && !text::may_hold_port(raw.as_bytes()) {
            return;
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
        let Some(masked) = Masked::new(self, node) else { return };
        let mut names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let flag = flow::flag_before(tree, node);
        let mut own_name = PortUse::name(&super::name(&path), flag.as_deref());
        match flow.sink {
            Sink::Default(formal) => {
                let name = tree.child(formal, Field::Name).map_or("", |name| tree.slice(name));
                (names, own_name) = (vec![name], super::start(name).to_owned());
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
        let let_bound = match flow.sink {
            Sink::Binding(binding) => flag.is_none() && self.is_let(binding),
            Sink::Default(_) => true,
            _ => false,
        };
        for port in &found {
            let beside = match (direct && flag.is_none(), around) {
                (true, Some(binding)) if port.form == Form::Whole => self.host_beside(binding, &path),
                (false, _) if flag.is_some() => flag.as_deref().and_then(|flag| self.host_in_list(node, flag)),
                _ => port.name.filter(|_| port.host == text::Host::None).and_then(|name| self.host_in_list(node, name)),
            };
            self.text_port(&masked, port, beside, let_bound && port.form == Form::Whole, &own_name);
        }
    }

    /// An unquoted URI: `proxyPass = http://127.0.0.1:8080/;`.
    fn uri(&mut self, node: Node) {
        let tree = self.tree;
        let text = tree.slice(node);
        if !text::may_hold_port(text.as_bytes()) || self.is_prose(node, Some(text)) || self.is_prose_argument(node) {
            return;
        }
        let around = nix::binding_around(tree, node);
        let path = around.and_then(|binding| self.path(binding)).unwrap_or_default();
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let own_name = super::name(&path);
        let start = tree.span(node).start as usize;
        let mut found = Vec::new();
        text::scan(text, &Context { path: &names, flavour: Flavour::Value }, &mut found);
        for port in &found {
            let span = Span::new(start + port.range.start, start + port.range.end);
            self.facts.add(port, PortUse::in_text(port, span, None, &own_name));
        }
    }

    /// ZeroTier's `"${ip}/9993"`: a number that is too large for a prefix length, after an interpolated address.
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

    /// A number, or an address with one, as an attribute name: `ExposedPorts."8080/tcp"`.
    fn attribute_name(&mut self, node: Node) {
        let tree = self.tree;
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
        let own_name = super::name(&names);
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

    /// Whether a binding's value is a port, by its name and the attribute path around it.
    fn is_port(&self, binding: Node, path: &[String], integer: bool) -> bool {
        let Some(last) = path.last() else { return false };
        if text::is_port_word(last) {
            return true;
        }
        let outer = &path[..path.len() - 1];
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
            // Options below them have defaults too: `listeners.mqtt.maxConnections = mkOption { default = 2048; }`.
            _ if last.starts_with("listeners.") || outer.iter().any(|name| name == "listeners") => {
                let end = last.rsplit('.').next().unwrap_or(last);
                let is_own = outer.iter().rev().take(2).any(|name| name == "listeners");
                end == "default" && (is_own || last != "default")
                    || (!integer && end.bytes().all(|byte| byte.is_ascii_digit()))
            }
            // Options of peertube and clamd.
            "listenHttp" | "listenWeb" | "TCPSocket" if integer => true,
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

    /// Whether a binding is in the default of an argument that is a range of ports: `{ portRange ? { from = 3000; to =
    /// 3010; } }:`.
    fn is_default_range(&self, binding: Node) -> bool {
        let tree = self.tree;
        let set = tree.parent(binding).and_then(|bindings| tree.parent(bindings));
        let formal = set.and_then(|set| tree.parent(set)).filter(|&node| tree.kind(node) == NodeKind::Formal);
        let name = formal.and_then(|formal| tree.child(formal, Field::Name));
        name.is_some_and(|name| is_range(tree.slice(name)))
    }

    /// `ports = 15;`: the number of ports of a controller or switch. The ports of a service are a list.
    fn counts_ports(&self, binding: Node, literal: Node, number: u32) -> bool {
        let tree = self.tree;
        let path = nix::attrpath_node(tree, binding).map_or("", |path| tree.slice(path));
        let is_whole = nix::value(tree, binding).is_some_and(|value| nix::unwrap_parens(tree, value) == literal);
        is_whole && number < 64 && !matches!(number, 22 | 25 | 53) && nix::last_name(path) == "ports"
    }

    /// Whether a `default` belongs to an option for a port, by its type or else by its name.
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

    /// The attribute path of a binding; computed names are `?`.
    fn path(&self, binding: Node) -> Option<Vec<String>> {
        let names = nix::attr_path(self.tree, binding)?;
        Some(names.into_iter().map(|name| super::start(name.text.as_deref().unwrap_or("?")).to_owned()).collect())
    }

    /// Whether a string is a number passed to a function of this file that uses the argument as a port.
    fn is_port_argument(&mut self, node: Node, text: &str) -> bool {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let receiver = flow::receiver(self.tree, node);
        receiver.is_some_and(|(function, index)| self.port_parameter(function, index).is_some())
    }
}

fn known_text(name: &nix::AttrName<'_>) -> Option<String> {
    name.text.as_deref().map(str::to_owned)
}

/// Names in a set of ports whose values are not ports, among them those of a switch's ports: `ports.sfp1.vlan = 200`.
#[rustfmt::skip]
const NO_PORTS: [&str; 34] = [
    "count", "max", "min", "timeout", "priority", "weight", "enable", "mode", "uid", "gid", "vlan", "vlans", "pvid", "vid",
    "trunk", "trunks", "tagged", "untagged", "native", "mtu", "speed", "index", "id", "bridge", "lanes", "poe", "channel",
    "retries", "interval", "delay", "ttl", "limit", "replicas", "workers",
];

/// Whether a name in a set of ports is not that of a port.
pub(super) fn is_port_count(name: &str) -> bool {
    NO_PORTS.contains(&name)
}

/// Whether an interpolation follows a character that precedes ports, and is not inside a number or an address.
fn is_after_sign(tree: &Tree<'_>, interpolation: Node) -> bool {
    let span = tree.span(interpolation);
    let before = flow::text_before(tree.text(), span.start);
    let after = tree.text().as_bytes().get(span.end as usize).copied().unwrap_or(0);
    before.ends_with([':', '=', ' ', '"', '\'']) && !before.ends_with("::") && !matches!(after, b'.' | b':')
}

fn is_set_of_ports(name: &str) -> bool {
    (name.ends_with("ports") || name.ends_with("Ports")) && text::is_port_word(name)
}

/// The path of an option without a final `default`: `allowedPortRanges = mkOption { default = [ { from = .. } ]; }`.
fn without_default(path: &[String]) -> &[String] {
    match path.split_last() {
        Some((last, before)) if last == "default" => before,
        _ => path,
    }
}

fn is_range(name: &str) -> bool {
    let words = words::split(name);
    let ends = words.last().is_some_and(|word| matches!(word.as_str(), "range" | "ranges"));
    (ends && words.iter().any(|word| matches!(word.as_str(), "port" | "ports"))) || text::is_port_word(name)
}

/// Substrings of selections from a registry in a function argument: each selection contains at least one.
pub const SELECTIONS: [&str; 4] = [".port.", "ports.", "portRegistry.", ".registry."];
