//! Port literals in Nix: integers and strings that flow into a port, names bound to them, and attribute names.

use std::collections::{BTreeSet, HashMap};

use super::flow::{self, Sink};
use super::text::{self, Context, Flavour, Form, TextPort};
use super::{PortFacts, PortUse, UseKind, hosts, words};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Kind, Node, Tree};

/// Collects what a Nix file says about ports.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let mut collector = Collector { tree, facts, bound: BTreeSet::new(), hosts: HashMap::new() };
    for node in tree.nodes() {
        match tree.kind(node) {
            Kind::Integer => collector.integer(node),
            Kind::String | Kind::IndentedString => match tree.parent(node).map(|parent| tree.kind(parent)) {
                Some(Kind::Attrpath) => collector.attribute_name(node),
                Some(Kind::InheritedAttrs) => {}
                _ => collector.string(node),
            },
            Kind::Variable => collector.variable(node),
            Kind::Binding => collector.host_names(node),
            _ => {}
        }
    }
}

struct Collector<'t, 'a> {
    tree: &'t Tree<'a>,
    facts: &'t mut PortFacts,
    /// Literals bound to names, that were reported already because a port uses the name.
    bound: BTreeSet<Node>,
    /// The names of hosts in each set that was asked about.
    hosts: HashMap<Node, HostNames>,
}

/// The host names of a set, in its order, by the names before the last and the words before the host's: the member
/// and, where it is an `inherit`, the name.
type HostNames = HashMap<(Vec<Option<String>>, Vec<String>), Vec<(Node, Option<String>)>>;

/// Attributes whose values are read by people.
const PROSE: [&str; 18] = [
    "description",
    "longDescription",
    "example",
    "exampleText",
    "defaultText",
    "meta",
    "homepage",
    "changelog",
    "documentation",
    "message",
    "warnings",
    "title",
    "summary",
    "doc",
    "docs",
    "relatedPackages",
    "exampleConfig",
    "assertions",
];

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
            _ => return,
        };
        let Some(path) = self.path(binding) else { return };
        let flag = flow::flag_before(tree, node);
        if is_prose(&path) || flag.is_none() && !self.is_port(binding, &path, true) {
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
        if self.is_let(binding) || is_prose(&path) || !self.is_port(binding, &path, true) {
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
            Origin::Argument(formal) if tree.kind(formal) == Kind::Formal => tree.child(formal, Field::Default)?,
            _ => return None,
        };
        let value = nix::unwrap_parens(tree, value);
        let literal = flow::integer(tree, value).or_else(|| (tree.kind(value) == Kind::String).then_some(value))?;
        let number = tree.slice(literal).trim_matches('"').parse().ok()?;
        (1..=65535).contains(&number).then_some((literal, number))
    }

    fn add_bound(&mut self, literal: Node, number: u32, name: String) {
        let mut span = self.tree.span(literal);
        if self.tree.kind(literal) == Kind::String {
            span = Span { start: span.start + 1, end: span.end - 1 };
        }
        self.facts.uses.push(PortUse { span, number, kind: UseKind::Bound, host: None, name });
    }

    fn add(&mut self, node: Node, number: u32, kind: UseKind, host: Option<String>, name: String) {
        self.facts.uses.push(PortUse { span: self.tree.span(node), number, kind, host, name });
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
        if is_prose(&path) || self.is_prose_argument(node) {
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
            _ if !direct => names.push("?"),
            Sink::Binding(binding) if self.is_port(binding, &path, false) => names.push("port"),
            _ => {}
        }
        let flavour = self.flavour(node, &path, &masked.text);
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
                _ => None,
            };
            self.text_port(&masked, port, beside, let_bound && port.form == Form::Whole, &own_name);
        }
    }

    /// A number, or an address with one, as an attribute's name: `ExposedPorts."8080/tcp"`.
    fn attribute_name(&mut self, node: Node) {
        let tree = self.tree;
        let Some(binding) = tree.ancestors(node).find(|&node| tree.kind(node) == Kind::Binding) else { return };
        let Some(path) = self.path(binding) else { return };
        if is_prose(&path) {
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
            // `ports = { http = 80; }`: the names in a set of ports.
            _ => {
                integer && outer.last().is_some_and(|name| name.ends_with("ports") || name.ends_with("Ports")) && {
                    !matches!(last.as_str(), "count" | "max" | "min" | "timeout" | "priority" | "weight" | "enable")
                        && outer.last().is_some_and(|name| text::is_port_word(name))
                }
            }
        }
    }

    /// Whether `default` is that of an option that is a port, by its type or else by its name.
    fn is_port_option(&self, binding: Node, path: &[String]) -> bool {
        let tree = self.tree;
        let named = path.len() >= 2 && text::is_port_word(&path[path.len() - 2]);
        let Some(set) = tree.parent(binding) else { return false };
        let typed = tree.children(set).find(|&member| {
            tree.kind(member) == Kind::Binding
                && nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "type")
        });
        let Some(expression) = typed.and_then(|member| nix::value(tree, member)) else { return named };
        let is_port_type = tree.subtree(expression).any(|node| {
            tree.kind(node) == Kind::Identifier && matches!(tree.slice(node), "port" | "portType" | "portNumber")
        });
        is_port_type || named
    }

    /// Whether a binding is a name of a `let`, not an attribute.
    fn is_let(&self, binding: Node) -> bool {
        let set = self.tree.parent(binding);
        let scope = set.and_then(|set| self.tree.parent(set)).map(|scope| self.tree.kind(scope));
        matches!(scope, Some(Kind::Let | Kind::LetAttrset))
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

    /// The literal host that a value is. Of a choice between hosts the first stands for all.
    fn known_host(&self, value: Node) -> Option<String> {
        let tree = self.tree;
        let host = |value: Node| hosts::literal_host(&self.known_string(value)?);
        let mut value = nix::unwrap_parens(tree, value);
        let mut first = None;
        while tree.kind(value) == Kind::If {
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

    /// Whether a string is an argument of a function that shows it to people.
    fn is_prose_argument(&self, node: Node) -> bool {
        let tree = self.tree;
        tree.ancestors(node)
            .take_while(|&node| !matches!(tree.kind(node), Kind::Binding | Kind::Function | Kind::Interpolation))
            .filter(|&node| tree.kind(node) == Kind::Apply)
            .filter_map(|apply| flow::function(tree, apply))
            .any(|(name, _)| PROSE_FUNCTIONS.contains(&nix::last_name(name)))
    }

    /// What kind of text a string holds, by its name, the function that takes it, or its first line.
    fn flavour(&self, node: Node, path: &[String], text: &str) -> Flavour {
        let tree = self.tree;
        let function = tree
            .ancestors(node)
            .take_while(|&node| tree.kind(node) != Kind::Binding)
            .filter(|&node| tree.kind(node) == Kind::Apply)
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

    /// Names that the repository gives its own hosts.
    fn host_names(&mut self, binding: Node) {
        let tree = self.tree;
        let Some(attrpath) = nix::attrpath_node(tree, binding) else { return };
        let Some(last) = tree.children(attrpath).last() else { return };
        let last = nix::name_text(tree, last);
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        let is_string = value.is_some_and(|value| tree.kind(value) == Kind::String);
        let may_name = is_string && last.as_deref().is_some_and(hosts::may_name_host);
        let in_set = tree.slice(attrpath).contains("virtualHosts")
            || tree.slice(attrpath).contains("nixosConfigurations")
            || tree.slice(attrpath).contains("certs")
            || matches!(
                tree.kind(tree.children(attrpath).next().unwrap_or(attrpath)),
                Kind::String | Kind::Interpolation
            );
        if !may_name && !in_set {
            return;
        }
        let Some(path) = self.path(binding) else { return };
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        if may_name
            && hosts::value_names_host(&names)
            && let Some(text) = value.and_then(|value| nix::literal_string(tree, value))
        {
            self.facts.own_hosts.extend(hosts::literal_host(&text));
        }
        if let Some(name) = hosts::name_in_path(&names) {
            self.facts.own_hosts.extend(hosts::literal_host(name));
        }
        // `virtualHosts.${domain}`
        let site = in_set && hosts::name_in_path(&names) == Some("?");
        for name in tree.children(attrpath).filter(|&name| site && tree.kind(name) == Kind::Interpolation) {
            let known = tree.child(name, Field::Expression).and_then(|name| self.known_string(name));
            self.facts.own_hosts.extend(known.and_then(|name| hosts::literal_host(&name)));
        }
    }
}

/// The names of hosts in a set.
fn host_names(tree: &Tree<'_>, set: Node) -> HostNames {
    let mut found = HostNames::new();
    for member in tree.children(set) {
        match tree.kind(member) {
            Kind::Binding => {
                let Some(attrpath) = nix::attrpath_node(tree, member) else { continue };
                let names: Vec<_> = nix::names(tree, attrpath).collect();
                let Some((name, before)) = names.split_last() else { continue };
                if let Some(words) = name.text.as_deref().and_then(words::host_prefix) {
                    found.entry((before.iter().map(known_text).collect(), words)).or_default().push((member, None));
                }
            }
            Kind::Inherit => {
                let Some(attrs) = tree.child_of_kind(member, Kind::InheritedAttrs) else { continue };
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

fn known_text(name: &nix::AttrName<'_>) -> Option<String> {
    name.text.as_deref().map(str::to_owned)
}

fn is_range(name: &str) -> bool {
    let words = words::split(name);
    let ends = words.last().is_some_and(|word| matches!(word.as_str(), "range" | "ranges"));
    (ends && words.iter().any(|word| matches!(word.as_str(), "port" | "ports"))) || text::is_port_word(name)
}

fn is_prose(path: &[String]) -> bool {
    path.iter().any(|name| PROSE.contains(&name.as_str()))
}

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
    /// Ranges of the text that were written in: the range, its literal, and how much longer the source was.
    written: Vec<(std::ops::Range<usize>, Node, usize)>,
}

impl Masked {
    fn new(collector: &Collector<'_, '_>, string: Node) -> Option<Self> {
        let tree = collector.tree;
        let (text, start) = nix::masked(tree, string)?;
        let mut masked = Self { text, start, written: Vec::new() };
        let mut shift = 0;
        for part in tree.children(string).filter(|&part| tree.kind(part) == Kind::Interpolation) {
            let Some(expression) = tree.child(part, Field::Expression) else { continue };
            let known = flow::integer(tree, expression)
                .and_then(|node| Some((node, tree.slice(node).parse().ok()?)))
                .or_else(|| collector.bound_literal(flow::variable(tree, expression)?));
            let Some((literal, number)) = known else { continue };
            let number: u32 = number;
            let span = tree.span(part);
            let at = (span.start - start) as usize - shift;
            let length = (span.end - span.start) as usize;
            let digits = number.to_string();
            if digits.len() > length || masked.text.get(at..at + length).is_none() {
                continue;
            }
            masked.text.replace_range(at..at + length, &digits);
            shift += length - digits.len();
            masked.written.push((at..at + digits.len(), literal, length - digits.len()));
        }
        Some(masked)
    }

    fn place(&self, range: &std::ops::Range<usize>) -> Place {
        let mut shift = 0;
        for (written, literal, longer) in &self.written {
            if written.start <= range.start && range.end <= written.end {
                return Place::Literal(*literal);
            }
            if written.end <= range.start {
                shift += longer;
            }
        }
        let start = self.start as usize + shift;
        Place::Text(Span::new(start + range.start, start + range.end))
    }
}
