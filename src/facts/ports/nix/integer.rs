//! Integers and names that are used as ports: arguments, parameters, variables, members and lists.

use super::{ANY_PORT, Collector, DEPTH, SELECTIONS, is_range};
use crate::facts::ports::flow::{self, Sink};
use crate::facts::ports::text::{self, Context, Flavour};
use crate::facts::ports::{PortUse, Selected, UseKind, hosts, name, start};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

impl<'a> Collector<'_, 'a> {
    /// Collects an integer that is used as a port.
    pub(super) fn integer(&mut self, node: Node) {
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
        let is_port = self.is_port(binding, &path, true) && !self.is_on_bus(binding, &path, number);
        if flag.is_none() && (!is_port || self.counts_ports(binding, node, number)) {
            return self.argument(node, number);
        }
        if self.is_prose(node, None) {
            return;
        }
        let name = PortUse::name(&name(&path), flag.as_deref());
        match flow.arithmetic {
            Some(arithmetic) => self.add(arithmetic, 0, UseKind::Computed, None, name),
            None if number == 0 => {}
            None if flag.is_some() => {
                let host = flow::argument_port(tree, node).flatten().and_then(|host| hosts::literal_host(&host));
                self.add(node, number, UseKind::Literal, host, name);
            }
            None => {
                let kind = if bound { UseKind::Bound } else { UseKind::Literal };
                let host = self.host_beside(binding, &path, number);
                self.add(node, number, kind, host, name);
            }
        }
    }

    /// Collects a number in a branch of an interpolated `if`: `":${if tls then "8443" else "8080"}"`. Other numbers in
    /// strings are read with the string.
    pub(super) fn chosen(&mut self, node: Node, number: u32, interpolation: Node) {
        let tree = self.tree;
        let Some(expression) = tree.child(interpolation, Field::Expression) else { return };
        let mut chosen = nix::unwrap_parens(tree, expression);
        while let Some(inner) = flow::handed_on(tree, chosen) {
            chosen = inner;
        }
        let sound = tree.kind(chosen) == NodeKind::If
            // A choice between 1 and 0 is a boolean: `use_ports = ${if cfg.fixed then "1" else "0"}`.
            && (2..=65535).contains(&number)
            && self.is_port_in_text(interpolation, &number.to_string())
            && !tree.parent(interpolation).is_some_and(|string| self.is_prose(string, Some(tree.slice(string))));
        if sound && self.bound.insert(node) {
            let path = nix::binding_around(tree, interpolation).and_then(|binding| self.path(binding));
            self.add_bound(node, number, name(&path.unwrap_or_default()));
            if let Some(last) = self.facts.uses.last_mut() {
                last.kind = UseKind::Literal;
            }
        }
    }

    /// Collects a number passed to a function in this file that uses the argument as a port: `serve 8080 "web"`. Also a
    /// number that is appended to an address, compared with a packet's port, the default of an option for a port, or
    /// passed to a function that makes the value or an element of a port option.
    fn argument(&mut self, node: Node, number: u32) {
        if number == 0 || number > 65535 {
            return;
        }
        let is_port = self.ends_address(node)
            || self.follows_field(node)
            || self.follows_port_type(node)
            || self.is_argument_in_ports(node);
        if is_port && !self.is_prose(node, None) {
            let path = nix::binding_around(self.tree, node).and_then(|binding| self.path(binding));
            return self.add(node, number, UseKind::Literal, None, name(&path.unwrap_or_default()));
        }
        let Some((function, index)) = flow::receiver(self.tree, node) else { return };
        let Some(name) = self.port_parameter(function, index) else { return };
        if !self.is_prose(node, None) && !self.is_prose_argument(node) {
            self.add(node, number, UseKind::Literal, None, name);
        }
    }

    /// Whether a number is compared with a port field of a packet, in rules written in Nix: `is.eq tcp.dport 25`.
    fn follows_field(&self, node: Node) -> bool {
        let tree = self.tree;
        let apply = tree.parent(node).filter(|&node| tree.kind(node) == NodeKind::Apply);
        let function = apply.and_then(|apply| tree.child(apply, Field::Function));
        let before = function.filter(|&node| tree.kind(node) == NodeKind::Apply);
        let field = before.and_then(|before| tree.child(before, Field::Argument));
        tree.field(node) == Field::Argument
            && field.is_some_and(|field| matches!(nix::last_name(tree.slice(field)), "dport" | "sport"))
    }

    /// Whether a number is passed to a function that makes the value or an element of a port option, if the function's
    /// name shows that it is for ports: `ports = [ (mkPort 8080 internal) ]`.
    fn is_argument_in_ports(&self, node: Node) -> bool {
        let tree = self.tree;
        let call = tree
            .ancestors(node)
            .take_while(|&node| matches!(tree.kind(node), NodeKind::Apply | NodeKind::Parenthesized));
        let Some(call) = call.filter(|&node| tree.kind(node) == NodeKind::Apply).last() else { return false };
        let is_for_ports = |(name, _): (&str, usize)| text::is_port_word(nix::last_name(name));
        if !flow::function(tree, call).is_some_and(is_for_ports) {
            return false;
        }
        let outside = |&node: &Node| !matches!(tree.kind(node), NodeKind::Parenthesized | NodeKind::List);
        let binding = tree.ancestors(call).find(outside).filter(|&node| tree.kind(node) == NodeKind::Binding);
        binding
            .and_then(|binding| self.path(binding))
            .is_some_and(|path| path.last().is_some_and(|last| text::is_port_word(last)))
    }

    /// Whether a number is the default of an option for a port, declared with a configuration's own shorthand for
    /// `mkOption`: `mkOpt types.port 5055 "The port of the web interface"`, `port = mkOpt int 5055 ".."`.
    fn follows_port_type(&self, node: Node) -> bool {
        let tree = self.tree;
        // The numbers in a list form the default together: `mkOpt (listOf port) [ 80 443 ]`.
        let list = tree.parent(node).filter(|&parent| tree.kind(parent) == NodeKind::List);
        let node = list.unwrap_or(node);
        let Some(apply) = tree.parent(node).filter(|&parent| tree.kind(parent) == NodeKind::Apply) else {
            return false;
        };
        if tree.field(node) != Field::Argument {
            return false;
        }
        let function = tree.child(apply, Field::Function).filter(|&node| tree.kind(node) == NodeKind::Apply);
        let Some(r#type) = function.and_then(|function| tree.child(function, Field::Argument)) else { return false };
        let is_short_form = || {
            let name = flow::function(tree, apply).map_or("", |(name, _)| nix::last_name(name));
            name.strip_prefix("mk").is_some_and(|rest| rest.contains("Opt"))
        };
        let is_type = |node: Node| {
            let name = tree.slice(node);
            name == "types.port" || name.ends_with(".types.port") || name == "port" && is_short_form()
        };
        let is_option = || {
            let path = nix::binding_around(tree, apply).and_then(|binding| self.path(binding));
            path.and_then(|path| path.last().map(|last| text::is_port_word(last))).unwrap_or(false)
        };
        is_type(r#type)
            || is_short_form() && (tree.subtree(r#type).any(is_type) || is_option() && is_integer_type(tree, r#type))
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

    /// The name of a function's argument, if the function is defined in this file and uses the argument as a port.
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
                // A recursive call does not show that the argument is a port.
                self.parameters.insert(lambda, false);
                self.depth += 1;
                let is_port = self.depth <= DEPTH && self.becomes_port(lambda, name);
                self.depth -= 1;
                self.parameters.insert(lambda, is_port);
                is_port
            }
        };
        is_port.then(|| start(tree.slice(name)).to_owned())
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

    /// Whether a string of digits at a path is a port: `listenStreams`.
    fn is_port_by_path(&self, path: &[String]) -> bool {
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let mut found = Vec::new();
        text::scan(ANY_PORT, &Context { path: &names, flavour: Flavour::Value }, &mut found);
        !found.is_empty()
    }

    /// Whether a number would be a port if it were in the string in place of an interpolation.
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

    /// Collects the default of an argument: `{ port ? 8080 }:`.
    fn default_argument(&mut self, node: Node, formal: Node, number: u32) {
        let name = self.tree.child(formal, Field::Name).map_or("", |name| self.tree.slice(name));
        if number > 0 && text::is_port_word(name) {
            self.add(node, number, UseKind::Bound, None, start(name).to_owned());
        }
    }

    /// Collects the literals that a name is bound to, if the name is used as a port: they are manual allocations.
    pub(super) fn variable(&mut self, node: Node) {
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
            if !self.is_on_bus(binding, &path, number) && self.bound.insert(literal) {
                self.add_bound(literal, number, name(&path));
            }
        }
    }

    /// Collects a member of a set in this file that is used as a port: `let ids = { web = 8080; }; in { port = ids.web;
    /// }`.
    pub(super) fn member(&mut self, select: Node) {
        let tree = self.tree;
        let flow = flow::flow(tree, select);
        let Sink::Binding(binding) = flow.sink else { return };
        let may_be_port =
            |path: Node| tree.slice(path).as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"port"));
        if flow.arithmetic.is_some() || !nix::attrpath_node(tree, binding).is_some_and(may_be_port) {
            return;
        }
        let literals = match self.member_literal(select) {
            Some(literal) => vec![literal],
            None => self.computed_member(select),
        };
        if literals.is_empty() {
            return;
        }
        let Some(path) = self.path(binding) else { return };
        if self.is_let(binding) || !self.is_port(binding, &path, true) || self.is_prose(select, None) {
            return;
        }
        for (literal, number) in literals {
            if !self.is_on_bus(binding, &path, number) && self.bound.insert(literal) {
                self.add_bound(literal, number, name(&path));
            }
        }
    }

    /// Collects the elements of a named list that a function uses as ports: `map (port: ..) open`.
    fn list(&mut self, variable: Node) {
        let tree = self.tree;
        let is_argument = tree.field(variable) == Field::Argument || tree.field(variable) == Field::Left;
        let Some((function, index)) = is_argument.then(|| flow::receiver_of_elements(tree, variable)).flatten() else {
            return;
        };
        // A longer list of single digits enumerates workspaces, disks or the like.
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

    pub(super) fn add_bound(&mut self, literal: Node, number: u32, name: String) {
        let mut span = self.tree.span(literal);
        if self.tree.kind(literal) == NodeKind::String {
            span = Span { start: span.start + 1, end: span.end - 1 };
        }
        self.facts.uses.push(PortUse { span, number, kind: UseKind::Bound, host: None, name });
    }

    /// Collects a selection such as `LT.port.web.api`, where `LT` is a function argument.
    pub(super) fn selection(&mut self, node: Node) {
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
            let selected = Selected { alias: names[..=at].join("."), path, span: tree.span(node) };
            match root {
                // `config.services.web.port` is an option.
                "config" if selected.path.is_empty() => {}
                "config" => self.facts.selected_from_config.push(selected),
                _ => self.facts.selected.push(selected),
            }
        }
    }

    /// Whether a string is a number passed to a function in this file that uses the argument as a port.
    pub(super) fn is_port_argument(&mut self, node: Node, text: &str) -> bool {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let receiver = flow::receiver(self.tree, node);
        receiver.is_some_and(|(function, index)| self.port_parameter(function, index).is_some())
    }
}

/// Whether an expression is an integer type: `int`, `types.ints.u16`, `nullOr int`.
fn is_integer_type(tree: &Tree<'_>, r#type: Node) -> bool {
    let last = |node: Node| nix::last_name(tree.slice(node)).to_owned();
    let is_name = |node: &Node| matches!(tree.kind(*node), NodeKind::Variable | NodeKind::Select);
    tree.subtree(r#type)
        .filter(is_name)
        .any(|node| matches!(last(node).as_str(), "int" | "u16" | "positive" | "unsigned"))
}
