//! Port literals in Nix: integers and strings that flow into a port, names bound to them, and attribute names.

use std::collections::{BTreeSet, HashMap};

use super::flow::{self, Sink};
use super::text::{self, Context, Flavour, Form, TextPort};
use super::{PortFacts, PortUse, UseKind, hosts, words};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// Collects what a Nix file says about ports.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let mut collector = Collector {
        tree,
        facts,
        bound: BTreeSet::new(),
        hosts: HashMap::new(),
        parameters: HashMap::new(),
        has_hosts: hosts::may_name_set_of_hosts(tree.text()),
    };
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::Integer => collector.integer(node),
            NodeKind::String | NodeKind::IndentedString => match tree.parent(node).map(|parent| tree.kind(parent)) {
                Some(NodeKind::Attrpath) => collector.attribute_name(node),
                Some(NodeKind::InheritedAttrs) => {}
                _ => collector.string(node),
            },
            NodeKind::Variable => collector.variable(node),
            NodeKind::Binding => collector.host_names(node),
            NodeKind::Select => collector.selection(node),
            _ => {}
        }
    }
}

struct Collector<'t, 'a> {
    tree: &'t Tree<'a>,
    facts: &'t mut PortFacts,
    /// Whether the file speaks of a set of sites or machines.
    has_hosts: bool,
    /// Whether the argument of a function becomes a port, by the function that has it.
    parameters: HashMap<Node, bool>,
    /// Literals bound to names, that were reported already because a port uses the name.
    bound: BTreeSet<Node>,
    /// The names of hosts in each set that was asked about.
    hosts: HashMap<Node, HostNames>,
}

/// The host names of a set, in its order, by the names before the last and the words before the host's: the member
/// and, where it is an `inherit`, the name.
type HostNames = HashMap<(Vec<Option<String>>, Vec<String>), Vec<(Node, Option<String>)>>;

/// Attributes whose values are read by people.
const PROSE: [&str; 11] = [
    "assertion",
    "description",
    "longDescription",
    "exampleText",
    "exampleConfig",
    "defaultText",
    "message",
    "warnings",
    "title",
    "changelog",
    "relatedPackages",
];

/// Attributes whose values are read by people unless they are an address: instances of services have such names too.
const NOUNS: [&str; 7] = ["example", "meta", "homepage", "documentation", "summary", "doc", "docs"];

/// Functions whose arguments are read by people.
const PROSE_FUNCTIONS: [&str; 14] = [
    "literalExpression",
    "literalExample",
    "literalMD",
    "literalDocBook",
    "mdDoc",
    "throw",
    "abort",
    "warn",
    "trace",
    "warnIf",
    "throwIf",
    "throwIfNot",
    "assertMsg",
    "mkRenamedOptionModule",
];

/// Attributes whose values are shell scripts or command lines, and functions whose arguments are.
const SCRIPT_WORDS: [&str; 30] = [
    "script",
    "command",
    "cmd",
    "entrypoint",
    "exec",
    "hook",
    "start",
    "stop",
    "pre",
    "post",
    "phase",
    "aliases",
    "run",
    "reload",
    "prehook",
    "posthook",
    "prestart",
    "poststart",
    "execstart",
    "commands",
    "args",
    "flags",
    "arguments",
    "options",
    "opts",
    "snippet",
    "initial",
    "init",
    "shell",
    "check",
];

impl<'a> Collector<'_, 'a> {
    /// An integer that flows into a port.
    fn integer(&mut self, node: Node) {
        let tree = self.tree;
        let Ok(number) = tree.slice(node).parse::<u32>() else { return };
        let flow = flow::flow(tree, node);
        let (binding, bound) = match flow.sink {
            Sink::Binding(binding) => (binding, self.is_let(binding)),
            Sink::Default(formal) => return self.default_argument(node, formal, number),
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

    /// A number that a function of this file gets as an argument that it makes a port of: `serve 8080 "web"`.
    fn argument(&mut self, node: Node, number: u32) {
        if number == 0 || number > 65535 {
            return;
        }
        let Some((function, index)) = flow::receiver(self.tree, node) else { return };
        let Some(name) = self.port_parameter(function, index) else { return };
        if !self.is_prose(node, None) && !self.is_prose_argument(node) {
            self.add(node, number, UseKind::Literal, None, name);
        }
    }

    /// The name of an argument that becomes a port, of a function that is written in this file.
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
            _ => return None,
        };
        let (lambda, name) = flow::parameter(tree, function, index)?;
        let is_port = match self.parameters.get(&lambda) {
            Some(known) => *known,
            None => {
                let is_port = self.becomes_port(lambda, name);
                self.parameters.insert(lambda, is_port);
                is_port
            }
        };
        is_port.then(|| super::start(tree.slice(name)).to_owned())
    }

    /// Whether the argument of a function becomes a port in its body, or is called one.
    fn becomes_port(&self, lambda: Node, name: Node) -> bool {
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
        let uses = tree.subtree(body).filter(is_argument).map(|node| flow::flow(tree, node));
        uses.filter(|flow| flow.arithmetic.is_none()).any(|flow| match flow.sink {
            Sink::Binding(binding) => self.path(binding).is_some_and(|path| self.is_port(binding, &path, true)),
            Sink::Interpolation(interpolation) => self.is_port_in_text(interpolation),
            _ => false,
        })
    }

    /// Whether a number in place of an interpolation would be a port of its string.
    fn is_port_in_text(&self, interpolation: Node) -> bool {
        let tree = self.tree;
        let Some(string) = tree.parent(interpolation) else { return false };
        let Some((mut text, start)) = nix::masked(tree, string) else { return false };
        let span = tree.span(interpolation);
        let at = (span.start - start) as usize;
        let end = (span.end - start) as usize;
        if text.get(at..end).is_none() {
            return false;
        }
        text.replace_range(at..end, ANY_PORT);
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

    /// A name that flows into a port: where it is bound to a literal, that literal is a manual allocation.
    fn variable(&mut self, node: Node) {
        let tree = self.tree;
        let flow = flow::flow(tree, node);
        let Sink::Binding(binding) = flow.sink else { return };
        let Some(path) = self.path(binding) else { return };
        if self.is_let(binding) || !self.is_port(binding, &path, true) || self.is_prose(node, None) {
            return;
        }
        if let Some((literal, number)) = self.bound_literal(node)
            && flow.arithmetic.is_none()
            && self.bound.insert(literal)
        {
            self.add_bound(literal, number, super::name(&path));
        }
    }

    /// The literal number that a name is bound to, in this file.
    fn bound_literal(&self, variable: Node) -> Option<(Node, u32)> {
        let tree = self.tree;
        let value = match nix::resolve(tree, variable, tree.slice(variable))? {
            Origin::Binding(binding) => {
                let single = tree.children(nix::attrpath_node(tree, binding)?).count() == 1;
                nix::value(tree, binding).filter(|_| single)?
            }
            Origin::Argument(formal) if tree.kind(formal) == NodeKind::Formal => tree.child(formal, Field::Default)?,
            _ => return None,
        };
        let value = nix::unwrap_parens(tree, value);
        let literal = flow::integer(tree, value).or_else(|| (tree.kind(value) == NodeKind::String).then_some(value))?;
        let number = tree.slice(literal).trim_matches('"').parse().ok()?;
        (1..=65535).contains(&number).then_some((literal, number))
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
        if root != "config" && matches!(nix::resolve(tree, node, root), Some(Origin::Argument(_))) {
            let path = names[at + 1..].iter().map(|name| (*name).to_owned()).collect();
            self.facts.selected.push(super::Selected { alias: names[..=at].join("."), path });
        }
    }

    /// A string, in the light of where it goes.
    fn string(&mut self, node: Node) {
        let tree = self.tree;
        let raw = tree.slice(node);
        // Nearly no string holds a number, or something that could stand for one.
        if !raw.as_bytes().contains(&b'$') && !text::may_hold_port(raw.as_bytes()) {
            return;
        }
        let flow = flow::flow(tree, node);
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
            _ if !direct && self.is_port_argument(node, &masked.text) => names.push("port"),
            _ if !direct => names.push("?"),
            Sink::Binding(binding) if self.is_port(binding, &path, false) => names.push("port"),
            _ => {}
        }
        let flavour = self.flavour(node, &path, &masked.text);
        self.slashed(node, &masked, &own_name);
        let mut found = Vec::new();
        text::scan(&masked.text, &Context { path: &names, flavour }, &mut found);
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

    /// ZeroTier's `"${ip}/9993"`: a number that is too large for the length of a prefix, behind an interpolated address.
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

    /// A number, or an address with one, as an attribute's name: `ExposedPorts."8080/tcp"`.
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
            // postfix calls the services of its master.cf by their ports.
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
                self.facts.uses.push(found);
            }
            // A number that only stands here through an interpolation is reported where it is written.
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
                    let bound = nix::binding_around(self.tree, literal).is_some_and(|binding| self.is_let(binding));
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

    /// Whether a binding's value is a port, by its name and what is around it.
    fn is_port(&self, binding: Node, path: &[String], integer: bool) -> bool {
        let Some(last) = path.last() else { return false };
        if text::is_port_word(last) {
            return true;
        }
        let outer = &path[..path.len() - 1];
        match last.as_str() {
            "from" | "to" | "start" | "end" | "begin" => outer.last().is_some_and(|name| is_range(name)),
            "default" if self.is_port_option(binding, path) => true,
            // `listeners.ssl.default = "5671"`: RabbitMQ's listeners have no name with port in it.
            _ if last.starts_with("listeners.") || outer.iter().any(|name| name == "listeners") => {
                let end = last.rsplit('.').next().unwrap_or(last);
                end == "default" || (!integer && end.bytes().all(|byte| byte.is_ascii_digit()))
            }
            // peertube's, which are named like nothing else.
            "listenHttp" | "listenWeb" if integer => true,
            // `ports = { http = 80; }`: the names in a set of ports.
            _ => {
                const COUNTS: [&str; 10] =
                    ["count", "max", "min", "timeout", "priority", "weight", "enable", "mode", "uid", "gid"];
                integer
                    && !COUNTS.contains(&last.as_str())
                    && (outer.last().is_some_and(|name| is_set_of_ports(name))
                        || outer.iter().any(|name| name == "ports"))
            }
        }
    }

    /// `ports = 15;`: how many ports a controller or a switch has. Those of a service are a list.
    fn counts_ports(&self, binding: Node, literal: Node, number: u32) -> bool {
        let tree = self.tree;
        let path = nix::attrpath_node(tree, binding).map_or("", |path| tree.slice(path));
        let is_whole = nix::value(tree, binding).is_some_and(|value| nix::unwrap_parens(tree, value) == literal);
        is_whole && number < 64 && !matches!(number, 22 | 25 | 53) && nix::last_name(path) == "ports"
    }

    /// Whether `default` is that of an option that is a port, by its type or else by its name.
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

    /// Whether a binding is a name of a `let`, not an attribute.
    fn is_let(&self, binding: Node) -> bool {
        let set = self.tree.parent(binding);
        let scope = set.and_then(|set| self.tree.parent(set)).map(|scope| self.tree.kind(scope));
        matches!(scope, Some(NodeKind::Let | NodeKind::LetAttrset))
    }

    /// The attribute path of a binding; names that are computed are `?`.
    fn path(&self, binding: Node) -> Option<Vec<String>> {
        let names = nix::attr_path(self.tree, binding)?;
        Some(names.into_iter().map(|name| super::start(name.text.as_deref().unwrap_or("?")).to_owned()).collect())
    }

    /// The literal host that stands beside a port in the same set: `host = "smtp.gmail.com"; port = 587;`, or as the
    /// name of an ssh block.
    fn host_beside(&mut self, binding: Node, path: &[String]) -> Option<String> {
        let tree = self.tree;
        let own: Vec<_> = nix::names(tree, nix::attrpath_node(tree, binding)?).collect();
        let (last, prefix) = own.split_last()?;
        let last = last.text.as_deref()?;
        let set = tree.parent(binding)?;
        let hosts = self.hosts.entry(set).or_insert_with(|| host_names(tree, set));
        let place: Vec<Option<String>> = prefix.iter().map(known_text).collect();
        // What is bound or listened on is of this machine, whatever the public name beside it.
        let listens = |word: &str| hosts.contains_key(&(place.clone(), vec![word.to_owned()]));
        let is_plain = words::port_prefix(last).is_empty();
        if is_plain && (listens("bind") || listens("listen") || path.iter().any(|name| name == "listen")) {
            return None;
        }
        let candidates = words::hosts_of(last).into_iter().filter_map(|words| {
            let names = hosts.get(&(place.clone(), words))?;
            names.iter().find(|(member, _)| *member != binding)
        });
        if let Some((member, inherited)) = candidates.min_by_key(|(member, _)| *member).cloned() {
            let host = match inherited {
                None => member,
                Some(name) => match nix::resolve(tree, member, &name)? {
                    Origin::Binding(binding) => binding,
                    _ => return None,
                },
            };
            return self.known_host(nix::value(tree, host)?);
        }
        let ssh = path.iter().any(|name| matches!(name.as_str(), "matchBlocks" | "ssh"));
        let block = path.len().checked_sub(2).map(|at| path[at].as_str())?;
        (ssh && block.contains('.') && !block.contains(['*', '?', ' '])).then(|| block.to_owned())
    }

    /// The literal host that another element of the same list names for a port: `[ "x_host=a.example" "x_port=23" ]`.
    fn host_in_list(&self, element: Node, port: &str) -> Option<String> {
        let tree = self.tree;
        let list = tree.parent(element).filter(|&node| tree.kind(node) == NodeKind::List)?;
        let wanted = words::hosts_of(port);
        let strings = tree.children(list).filter(|&node| tree.kind(node) == NodeKind::String);
        let texts: Vec<_> = strings.filter_map(|node| nix::literal_string(tree, node)).collect();
        texts.iter().enumerate().find_map(|(index, text)| {
            let (name, value) = match text.split_once('=') {
                Some(pair) => pair,
                // `[ "--smtp-host" "mail.example.org" ]`
                None if text.starts_with("--") => (text.as_ref(), texts.get(index + 1)?.as_ref()),
                None => return None,
            };
            words::host_prefix(name).filter(|words| wanted.contains(words))?;
            hosts::literal_host(value)
        })
    }

    /// Whether a string is a number that a function of this file gets as an argument that it makes a port of.
    fn is_port_argument(&mut self, node: Node, text: &str) -> bool {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let receiver = flow::receiver(self.tree, node);
        receiver.is_some_and(|(function, index)| self.port_parameter(function, index).is_some())
    }

    /// The literal host that a value is. Of a choice between hosts the first stands for all.
    fn known_host(&self, value: Node) -> Option<String> {
        let tree = self.tree;
        let host = |value: Node| hosts::literal_host(&self.known_string(value)?);
        let mut value = nix::unwrap_parens(tree, value);
        let mut first = None;
        while tree.kind(value) == NodeKind::If {
            let consequence = host(tree.child(value, Field::Consequence)?)?;
            first.get_or_insert(consequence);
            value = nix::unwrap_parens(tree, tree.child(value, Field::Alternative)?);
        }
        let last = host(value)?;
        Some(first.unwrap_or(last))
    }

    /// The string that a value is: written there, or bound to the name that stands there.
    fn known_string(&self, value: Node) -> Option<std::borrow::Cow<'a, str>> {
        let tree = self.tree;
        let mut value = nix::unwrap_parens(tree, value);
        if let Some(name) = flow::variable(tree, value) {
            let Origin::Binding(binding) = nix::resolve(tree, name, tree.slice(name))? else { return None };
            value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        }
        let value = flow::string(tree, value)?;
        // Of `"${user}.example.org"` at least the domain is known.
        nix::literal_string(tree, value).or_else(|| {
            let (masked, _) = nix::masked(tree, value)?;
            let tail = masked.rsplit(char::from(nix::HOLE)).next()?.strip_prefix('.')?;
            tail.contains('.').then(|| tail.to_owned().into())
        })
    }

    /// Whether a value, with its text if it is a string, is read by people: by the name of the attribute that it is the
    /// value of, or as (a part of) the example of an option. The names of instances on the way say nothing.
    fn is_prose(&self, value: Node, text: Option<&str>) -> bool {
        let tree = self.tree;
        let bindings = tree.ancestors(value).filter(|&node| tree.kind(node) == NodeKind::Binding);
        for (depth, binding) in bindings.enumerate() {
            let last = nix::attrpath_node(tree, binding).and_then(|path| tree.children(path).last());
            let Some(name) = last.and_then(|name| nix::name_text(tree, name)) else { continue };
            let is_noun = NOUNS.contains(&name.as_ref());
            if !is_noun && !PROSE.contains(&name.as_ref()) {
                continue;
            }
            let is_text = depth == 0 && text.is_some_and(|text| !is_noun || !is_address(text));
            if is_text || self.is_of_option(binding) {
                return true;
            }
        }
        false
    }

    /// Whether a binding describes an option: it stands beside a `type`, or in the argument of `mkOption` or its like.
    fn is_of_option(&self, binding: Node) -> bool {
        let tree = self.tree;
        let is_maker = |(name, _): (&str, usize)| {
            let name = nix::last_name(name);
            name.starts_with("mk") && name.contains("Opt")
        };
        let mut calls = tree.ancestors(binding).take_while(|&node| tree.kind(node) != NodeKind::Binding);
        if calls.any(|node| tree.kind(node) == NodeKind::Apply && flow::function(tree, node).is_some_and(is_maker)) {
            return true;
        }
        tree.parent(binding).is_some_and(|set| {
            tree.children(set).any(|member| {
                tree.kind(member) == NodeKind::Binding
                    && nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "type")
            })
        })
    }

    /// Whether a string is an argument of a function that shows it to people.
    fn is_prose_argument(&self, node: Node) -> bool {
        let tree = self.tree;
        tree.ancestors(node)
            .take_while(|&node| {
                !matches!(tree.kind(node), NodeKind::Binding | NodeKind::Function | NodeKind::Interpolation)
            })
            .filter(|&node| tree.kind(node) == NodeKind::Apply)
            .filter_map(|apply| flow::function(tree, apply))
            .any(|(name, _)| PROSE_FUNCTIONS.contains(&nix::last_name(name)))
    }

    /// What kind of text a string holds, by its name, the function that takes it, or its first line.
    fn flavour(&self, node: Node, path: &[String], text: &str) -> Flavour {
        let tree = self.tree;
        let function = tree
            .ancestors(node)
            .take_while(|&node| tree.kind(node) != NodeKind::Binding)
            .filter(|&node| tree.kind(node) == NodeKind::Apply)
            .find_map(|apply| flow::function(tree, apply))
            .map_or("", |(name, _)| nix::last_name(name));
        let by_function = function.contains("Shell") || function.contains("runCommand") || function.contains("Script");
        let by_name =
            path.last().is_some_and(|last| words::split(last).iter().any(|word| SCRIPT_WORDS.contains(&word.as_str())));
        if by_function || by_name || text.trim_start().starts_with("#!") {
            Flavour::Script
        } else if text.trim().contains('\n') {
            Flavour::Config
        } else {
            Flavour::Value
        }
    }

    /// Names and addresses that the repository gives its own hosts.
    fn host_names(&mut self, binding: Node) {
        let tree = self.tree;
        let Some(attrpath) = nix::attrpath_node(tree, binding) else { return };
        let Some(last) = tree.children(attrpath).last() else { return };
        let last = nix::name_text(tree, last);
        let last = last.as_deref().unwrap_or_default();
        if hosts::may_hold_address(last) {
            self.own_addresses(binding);
        }
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        let is_string = value.is_some_and(|value| tree.kind(value) == NodeKind::String);
        let may_name = is_string && hosts::may_name_host(last);
        let mut names = tree.children(attrpath).map(|name| tree.slice(name).trim_matches('"'));
        let in_set = self.has_hosts && names.any(hosts::may_hold_hosts)
            || matches!(
                tree.kind(tree.children(attrpath).next().unwrap_or(attrpath)),
                NodeKind::String | NodeKind::Interpolation
            )
            || self.has_hosts && self.is_in_hosts(binding);
        if !may_name && !in_set {
            return;
        }
        let Some(path) = self.path(binding) else { return };
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        if may_name
            && hosts::value_names_host(&names)
            && let Some(text) = value.and_then(|value| self.known_string(value))
        {
            let host = hosts::literal_host(&text);
            if names.ends_with(&["networking", "hostName"]) {
                self.facts.machines.extend(host.clone());
            }
            self.facts.own_hosts.extend(host);
        }
        if let Some(name) = hosts::name_in_path(&names) {
            self.facts.own_hosts.extend(hosts::literal_host(name));
        }
        self.facts.machines.extend(hosts::machine_in_path(&names).map(str::to_owned));
        // `virtualHosts.${domain}`
        let site = in_set && hosts::name_in_path(&names) == Some("?");
        for name in tree.children(attrpath).filter(|&name| site && tree.kind(name) == NodeKind::Interpolation) {
            let known = tree.child(name, Field::Expression).and_then(|name| self.known_string(name));
            self.facts.own_hosts.extend(known.and_then(|name| hosts::literal_host(&name)));
        }
    }

    /// Whether a binding is a member of a set of sites or machines: `colmena = { atlas = ..; }`.
    fn is_in_hosts(&self, binding: Node) -> bool {
        let tree = self.tree;
        let mut around = tree.ancestors(binding).skip(1);
        let Some(outer) = around.find(|&node| tree.kind(node) == NodeKind::Binding) else { return false };
        let last = nix::attrpath_node(tree, outer).and_then(|path| tree.children(path).last());
        last.and_then(|last| nix::name_text(tree, last)).is_some_and(|name| hosts::may_hold_hosts(&name))
    }

    /// The literal addresses that a binding assigns.
    fn own_addresses(&mut self, binding: Node) {
        let tree = self.tree;
        let Some(value) = nix::value(tree, binding) else { return };
        let addresses: Vec<String> = tree
            .subtree(value)
            .filter(|&node| tree.kind(node) == NodeKind::String)
            .filter(|&node| tree.ancestors(node).find(|&node| tree.kind(node) == NodeKind::Binding) == Some(binding))
            .filter_map(|node| nix::literal_string(tree, node))
            .filter_map(|text| address(&text))
            .map(|address| address.to_string())
            .collect();
        if addresses.is_empty() {
            return;
        }
        let Some(path) = self.path(binding) else { return };
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        // A lone `A` is a DNS record where others stand beside it.
        let text = tree.text().as_bytes();
        let is_zone =
            || ["AAAA", "subdomains"].iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some());
        if names.last() == Some(&"A") && !is_zone() {
            return;
        }
        if hosts::value_is_own_address(&names) {
            self.facts.own_hosts.extend(addresses);
        }
    }
}

/// The names of hosts in a set.
fn host_names(tree: &Tree<'_>, set: Node) -> HostNames {
    let mut found = HostNames::new();
    for member in tree.children(set) {
        match tree.kind(member) {
            NodeKind::Binding => {
                let Some(attrpath) = nix::attrpath_node(tree, member) else { continue };
                let names: Vec<_> = nix::names(tree, attrpath).collect();
                let Some((name, before)) = names.split_last() else { continue };
                if let Some(words) = name.text.as_deref().and_then(words::host_prefix) {
                    found.entry((before.iter().map(known_text).collect(), words)).or_default().push((member, None));
                }
            }
            NodeKind::Inherit => {
                let Some(attrs) = tree.child_of_kind(member, NodeKind::InheritedAttrs) else { continue };
                for name in nix::names(tree, attrs).filter_map(|name| known_text(&name)) {
                    if let Some(words) = words::host_prefix(&name) {
                        found.entry((Vec::new(), words)).or_default().push((member, Some(name)));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a string is one word with a colon and digits: `"127.0.0.1:3000"`, `"http://localhost:3000"`.
fn is_address(text: &str) -> bool {
    let word = text.trim_matches(['"', '\'']);
    !word.is_empty()
        && !word.contains(char::is_whitespace)
        && word.contains(':')
        && (!word.contains("://") || word.contains("localhost") || word.contains("127.0.0.1"))
}

fn known_text(name: &nix::AttrName<'_>) -> Option<String> {
    name.text.as_deref().map(str::to_owned)
}

/// Whether an interpolation stands behind what a port stands behind, and not in the middle of a number or an address.
fn is_after_sign(tree: &Tree<'_>, interpolation: Node) -> bool {
    let span = tree.span(interpolation);
    let before = flow::text_before(tree.text(), span.start);
    let after = tree.text().as_bytes().get(span.end as usize).copied().unwrap_or(0);
    before.ends_with([':', '=', ' ', '"', '\'']) && !before.ends_with("::") && !matches!(after, b'.' | b':')
}

fn is_set_of_ports(name: &str) -> bool {
    (name.ends_with("ports") || name.ends_with("Ports")) && text::is_port_word(name)
}

fn is_range(name: &str) -> bool {
    let words = words::split(name);
    let ends = words.last().is_some_and(|word| matches!(word.as_str(), "range" | "ranges"));
    (ends && words.iter().any(|word| matches!(word.as_str(), "port" | "ports"))) || text::is_port_word(name)
}

/// What a selection from a registry holds that a function argument has.
pub const SELECTIONS: [&str; 4] = [".port.", "ports.", "portRegistry.", ".registry."];

/// The address that a value is, with the length of a prefix or with a port.
fn address(value: &str) -> Option<std::net::IpAddr> {
    let address = value.split('/').next().unwrap_or(value);
    let with_port = || address.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    address.parse().ok().or_else(with_port)
}

/// A number that stands for one that is not known, where it decides whether it would be a port.
const ANY_PORT: &str = "65535";

/// Where something in a masked string stands in the file.
enum Place {
    /// In the string's own text.
    Text(Span),
    /// It is the value of an interpolation: the literal that it comes from.
    Literal(Node),
}

/// A string's text for the scanner: escapes blank, interpolations as holes, except those whose number is known, which
/// are written in.
struct Masked {
    text: String,
    start: u32,
    /// Ranges of the text that were written in, in order: the range, its literal, and how much longer the source was up
    /// to its end.
    written: Vec<(std::ops::Range<usize>, Node, usize)>,
}

impl Masked {
    fn new(collector: &Collector<'_, '_>, string: Node) -> Option<Self> {
        let tree = collector.tree;
        let (text, start) = nix::masked(tree, string)?;
        let mut masked = Self { text: String::with_capacity(text.len()), start, written: Vec::new() };
        // How far the original text is taken over.
        let mut taken = 0;
        for part in tree.children(string).filter(|&part| tree.kind(part) == NodeKind::Interpolation) {
            let Some(expression) = tree.child(part, Field::Expression) else { continue };
            let known = flow::integer(tree, expression)
                .and_then(|node| Some((node, tree.slice(node).parse().ok()?)))
                .or_else(|| collector.bound_literal(flow::variable(tree, expression)?))
                .or_else(|| flow::computed(tree, expression).filter(|_| is_after_sign(tree, part)));
            let Some((literal, number)) = known else { continue };
            let number: u32 = number;
            let span = tree.span(part);
            let (from, to) = ((span.start - start) as usize, (span.end - start) as usize);
            let digits = number.to_string();
            let Some(before) = text.get(taken..from).filter(|_| digits.len() <= to - from && text.is_char_boundary(to))
            else {
                continue;
            };
            masked.text.push_str(before);
            let at = masked.text.len();
            masked.text.push_str(&digits);
            taken = to;
            masked.written.push((at..at + digits.len(), literal, to - masked.text.len()));
        }
        masked.text.push_str(text.get(taken..)?);
        Some(masked)
    }

    fn place(&self, range: &std::ops::Range<usize>) -> Place {
        let before = self.written.partition_point(|(written, ..)| written.end <= range.start);
        if let Some((written, literal, _)) = self.written.get(before)
            && written.start <= range.start
            && range.end <= written.end
        {
            return Place::Literal(*literal);
        }
        let shift = before.checked_sub(1).and_then(|last| self.written.get(last)).map_or(0, |(.., longer)| *longer);
        let start = self.start as usize + shift;
        Place::Text(Span::new(start + range.start, start + range.end))
    }
}
