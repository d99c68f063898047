//! References to registries in a Nix file: follows each `import` of a registry through names, `inherit`, `with` and
//! selections to the expressions that read an entry.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::passing::{ARGUMENTS, is_inherited_argument, is_module_argument, is_module_function};
use crate::config::PortSettings;
use crate::finding::{RelPath, Span};
use crate::lang::nix::path::path_of;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::paths;
use crate::source::Source;

/// A reference to a registry, or to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The file it refers to, which may turn out not to be a registry.
    pub registry: RelPath,
    /// The number of arguments applied to the import.
    pub calls: usize,
    /// The names selected: empty for the registry as a whole.
    pub path: Vec<String>,
    /// The span of each name.
    pub names: Vec<Span>,
    /// The span of the whole expression.
    pub span: Span,
    /// Whether the value is used, rather than only bound to a name. If so, everything under the path may be read.
    pub reads: bool,
    /// Whether exactly this path is looked up: no `or`, no `?`, no `with`, no overridable default.
    pub certain: bool,
    /// The name of the argument through which all modules receive the registry, if they do: `specialArgs.ports`.
    pub argument: Option<String>,
    /// How the file gets the registry.
    pub access: Access,
}

/// How a file gets a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By its path.
    Import,
    /// As an argument of the file's module function, which, as far as the file shows, only the module system calls.
    Module,
    /// As an argument of another function.
    Function,
    /// As a member of an argument: `inputs.ports`.
    Member,
}

/// The maximum number of steps per file, or its number of nodes if that is larger. Beyond it, the whole registry counts
/// as used.
const STEPS: usize = 50_000;

/// Parts of commands that evaluate a Nix file.
const COMMANDS: [&str; 4] = ["nix eval", "nix-instantiate", "nix repl", "import "];

/// The uses of registries in scripts and CI files: commands that evaluate one, for any purpose.
pub fn in_commands(source: &Source, settings: &PortSettings) -> Vec<Use> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let here = !line.trim_start().starts_with('#') && COMMANDS.iter().any(|command| line.contains(command));
        let paths = line.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c)));
        for path in paths.filter(|path| here && path.ends_with(".nix")) {
            let Some(registry) = paths::join("", path).and_then(|path| candidate(&path, settings)) else { continue };
            found.push(Use {
                registry,
                calls: 0,
                path: Vec::new(),
                names: Vec::new(),
                span: Span::new(start, start + line.len()),
                reads: true,
                certain: false,
                argument: None,
                access: Access::Import,
            });
        }
        start += line.len();
    }
    found
}

/// The uses of registries in a Nix file.
pub fn in_nix(path: &str, tree: &Tree<'_>, settings: &PortSettings) -> Vec<Use> {
    let mut search = Search { tree, names: None, todo: Vec::new(), seen: HashSet::new(), found: Vec::new() };
    for node in tree.nodes() {
        if let Some(target) = path_of(path, tree, node).and_then(|target| candidate(&target, settings)) {
            search.start(node, &target);
        }
    }
    search.run();
    search.found
}

/// The uses of arguments that may be registries. In each use, `registry` is the name of the argument.
pub fn of_arguments(tree: &Tree<'_>) -> Vec<Use> {
    let mut search = Search { tree, names: None, todo: Vec::new(), seen: HashSet::new(), found: Vec::new() };
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::Formal => search.argument(node),
            NodeKind::Select => search.member_of_arguments(node),
            _ => {}
        }
    }
    search.run();
    search.found
}

/// Libraries and functions that read all files in a folder.
const LOADERS: [&str; 6] =
    ["readDir", "listFilesRecursive", "haumea", "import-tree", "rakeLeaves", "packagesFromDirectoryRecursive"];

/// Functions that take a folder without loading the Nix files in it.
const SOURCES: [&str; 9] = [
    "import",
    "toString",
    "path",
    "cleanSource",
    "cleanSourceWith",
    "cleanCargoSource",
    "filterSource",
    "gitignoreSource",
    "gitTracked",
];

/// The folders in which a file may read every Nix file: those that it passes to a function, or, if it mentions a
/// function that loads folders, all folders that it names. Each has the span of its first mention.
pub fn folders(file: &str, tree: &Tree<'_>) -> Vec<(RelPath, Span)> {
    let loads = LOADERS.iter().any(|word| memchr::memmem::find(tree.text().as_bytes(), word.as_bytes()).is_some());
    let mut found: Vec<(RelPath, Span)> = Vec::new();
    for node in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Path) {
        let Some(path) = path_of(file, tree, node).filter(|path| !path.ends_with(".nix")) else { continue };
        if loads || is_given_to_a_function(tree, node) {
            found.push((Arc::from(path), tree.span(node)));
        }
    }
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    found
}

fn is_given_to_a_function(tree: &Tree<'_>, path: Node) -> bool {
    let Some(apply) = tree.parent(path).filter(|&node| tree.kind(node) == NodeKind::Apply) else { return false };
    let function = || nix::dotted(tree, nix::unwrap_parens(tree, tree.child(apply, Field::Function)?));
    tree.field(path) == Field::Argument && !function().is_some_and(|name| SOURCES.contains(&nix::last_name(&name)))
}

/// The file at a path, or the `default.nix` of a folder, if it may be a registry.
fn candidate(target: &str, settings: &PortSettings) -> Option<RelPath> {
    let whole = if target.ends_with(".nix") { target.to_owned() } else { format!("{target}/default.nix") };
    super::is_candidate(&whole, settings).then(|| Arc::from(whole))
}

/// A value that is followed through the file.
#[derive(Debug, Clone)]
struct Flow {
    node: Node,
    registry: RelPath,
    calls: usize,
    path: Vec<String>,
    names: Vec<Span>,
    certain: bool,
    access: Access,
}

impl Flow {
    fn at(&self, node: Node) -> Self {
        Self { node, ..self.clone() }
    }

    fn select(&self, node: Node, name: &str, span: Span) -> Self {
        let mut next = self.at(node);
        next.path.push(name.to_owned());
        next.names.push(span);
        next
    }

    fn uncertain(mut self) -> Self {
        self.certain = false;
        self
    }
}

struct Search<'t, 'a> {
    tree: &'t Tree<'a>,
    /// For each name, all nodes that read it; computed on first use.
    names: Option<HashMap<&'a str, Vec<Node>>>,
    todo: Vec<Flow>,
    seen: HashSet<(Node, Vec<String>)>,
    found: Vec<Use>,
}

impl<'a> Search<'_, 'a> {
    /// Starts at a path: follows the value of its import. A path that is not imported counts as used, because it may be
    /// read in any way.
    fn start(&mut self, node: Node, target: &RelPath) {
        let flow = Flow {
            node,
            registry: target.clone(),
            calls: 0,
            path: Vec::new(),
            names: Vec::new(),
            certain: true,
            access: Access::Import,
        };
        let mut whole = node;
        while let Some(parent) = self.tree.parent(whole).filter(|&at| self.tree.kind(at) == NodeKind::Parenthesized) {
            whole = parent;
        }
        match self.tree.parent(whole) {
            Some(apply) if self.imports(apply, whole) => self.push(flow.at(apply)),
            _ => self.read(&flow),
        }
    }

    fn imports(&self, apply: Node, argument: Node) -> bool {
        let tree = self.tree;
        let function = || nix::dotted(tree, nix::unwrap_parens(tree, tree.child(apply, Field::Function)?));
        tree.kind(apply) == NodeKind::Apply
            && tree.field(argument) == Field::Argument
            && function().is_some_and(|name| matches!(&*name, "import" | "builtins.import"))
    }

    fn push(&mut self, flow: Flow) {
        if self.seen.insert((flow.node, flow.path.clone())) {
            self.todo.push(flow);
        }
    }

    fn run(&mut self) {
        let mut steps = 0;
        while let Some(flow) = self.todo.pop() {
            steps += 1;
            if steps > STEPS.max(self.tree.size(self.tree.root())) {
                let whole = Flow { path: Vec::new(), names: Vec::new(), ..flow };
                return self.read(&whole);
            }
            self.step(flow);
        }
    }

    /// Records that the value is used here.
    fn read(&mut self, flow: &Flow) {
        self.record(flow, true);
    }

    /// Records that the value is bound to a name here, and might not be used any further.
    fn mention(&mut self, flow: &Flow) {
        self.record(flow, false);
    }

    /// Records that all modules receive the value as an argument.
    fn hand_on(&mut self, flow: &Flow, name: &str) {
        self.mention(flow);
        if let Some(found) = self.found.last_mut() {
            found.argument = Some(name.to_owned());
        }
    }

    /// Follows an argument such as `{ ports, ... }:`.
    fn argument(&mut self, formal: Node) {
        let tree = self.tree;
        let Some(name) = tree.child(formal, Field::Name).map(|name| tree.slice(name)) else { return };
        if ARGUMENTS.contains(&name) {
            let is_required = tree.child(formal, Field::Default).is_none();
            let function = tree.parent(formal).and_then(|formals| tree.parent(formals));
            let is_module = is_required && function.is_some_and(|function| is_module_function(tree, function));
            let access = if is_module { Access::Module } else { Access::Function };
            let flow = self.of_argument(formal, name, access);
            self.references(&flow, name, Origin::Argument(formal));
        }
    }

    /// Follows a member of the arguments: `args: args.ports.web`.
    fn member_of_arguments(&mut self, select: Node) {
        let tree = self.tree;
        let Some(path) = tree.child(select, Field::Attrpath) else { return };
        let Some(name) = nix::names(tree, path).next().and_then(|name| name.text) else { return };
        let root = tree.child(select, Field::Expression).map(|root| nix::unwrap_parens(tree, root));
        let Some(root) = root.filter(|&root| tree.kind(root) == NodeKind::Variable) else { return };
        if !ARGUMENTS.contains(&&*name) {
            return;
        }
        let Some(Origin::Argument(origin)) = nix::resolve(tree, root, tree.slice(root)) else { return };
        // `{ .. }@args: args.ports`
        let is_whole = tree.kind(origin) != NodeKind::Formal;
        let is_module = is_whole && tree.parent(origin).is_some_and(|function| is_module_function(tree, function));
        let access = if is_module { Access::Module } else { Access::Member };
        let mut flow = self.of_argument(select, &name, access);
        flow.certain &= tree.child(select, Field::Default).is_none();
        for name in nix::names(tree, path).skip(1) {
            match name.text {
                Some(text) => flow = flow.select(select, &text, tree.span(name.node)),
                None => {
                    flow.certain = false;
                    break;
                }
            }
        }
        self.read(&flow);
    }

    fn of_argument(&self, node: Node, name: &str, access: Access) -> Flow {
        Flow {
            node,
            registry: Arc::from(name),
            calls: 0,
            path: Vec::new(),
            names: Vec::new(),
            certain: access == Access::Module,
            access,
        }
    }

    fn record(&mut self, flow: &Flow, reads: bool) {
        self.found.push(Use {
            registry: flow.registry.clone(),
            calls: flow.calls,
            path: flow.path.clone(),
            names: flow.names.clone(),
            span: self.tree.span(flow.node),
            reads,
            certain: flow.certain,
            argument: None,
            access: flow.access,
        });
    }

    fn step(&mut self, flow: Flow) {
        let tree = self.tree;
        let Some(parent) = tree.parent(flow.node) else { return self.read(&flow) };
        match (tree.kind(parent), tree.field(flow.node)) {
            (NodeKind::Parenthesized, _) => self.push(flow.at(parent)),
            (NodeKind::Let | NodeKind::With | NodeKind::Assert, Field::Body) => self.push(flow.at(parent)),
            (NodeKind::Select, Field::Expression) => self.selection(&flow, parent),
            (NodeKind::HasAttr, Field::Expression) => self.test(&flow, parent),
            (NodeKind::Apply, Field::Function) if flow.path.is_empty() => {
                let calls = flow.calls + 1;
                self.push(Flow { calls, ..flow.at(parent) });
            }
            (NodeKind::With, Field::Environment) => self.with(&flow, parent),
            (NodeKind::Binding, Field::Expression) => self.binding(&flow, parent),
            (NodeKind::InheritFrom, Field::Expression) => self.inherit(&flow, parent),
            (NodeKind::Formal, Field::Default) => {
                let name = tree.child(parent, Field::Name).map(|name| tree.slice(name));
                self.mention(&flow);
                let flow = flow.uncertain();
                if let Some(name) = name {
                    self.references(&flow, name, Origin::Argument(parent));
                }
            }
            _ => self.read(&flow),
        }
    }

    fn selection(&mut self, flow: &Flow, select: Node) {
        let tree = self.tree;
        let Some(path) = tree.child(select, Field::Attrpath) else { return self.read(flow) };
        let mut next = flow.at(select);
        for name in nix::names(tree, path) {
            match name.text {
                Some(text) => next = next.select(select, &text, tree.span(name.node)),
                // A computed name may refer to anything under the path.
                None => return self.read(&next.uncertain()),
            }
        }
        next.certain &= tree.child(select, Field::Default).is_none();
        self.push(next);
    }

    fn test(&mut self, flow: &Flow, has_attr: Node) {
        let tree = self.tree;
        let mut next = flow.at(has_attr).uncertain();
        for name in tree.child(has_attr, Field::Attrpath).into_iter().flat_map(|path| nix::names(tree, path)) {
            match name.text {
                Some(text) => next = next.select(has_attr, &text, tree.span(name.node)),
                None => break,
            }
        }
        self.read(&next);
    }

    /// Follows `with ports;`: every name that is not otherwise bound may come from it.
    fn with(&mut self, flow: &Flow, with: Node) {
        let tree = self.tree;
        let Some(body) = tree.child(with, Field::Body) else { return };
        for node in tree.subtree(body) {
            let Some(from) = nix::read_from(tree, node) else { continue };
            let name = tree.slice(node);
            if nix::resolve(tree, from, name).is_none() {
                self.push(flow.select(node, name, tree.span(node)).uncertain());
            }
        }
    }

    fn binding(&mut self, flow: &Flow, binding: Node) {
        let tree = self.tree;
        let names: Vec<_> =
            nix::attrpath_node(tree, binding).map(|path| nix::names(tree, path).collect()).unwrap_or_default();
        let [name] = names.as_slice() else {
            // `specialArgs.ports = ..`
            let argument = names.last().and_then(|name| name.text.as_deref());
            return match argument.filter(|name| flow.path.is_empty() && is_module_argument(tree, binding, name)) {
                Some(name) => self.hand_on(flow, name),
                None => self.read(flow),
            };
        };
        let Some(name) = &name.text else { return self.read(flow) };
        match set_around(tree, binding) {
            Some(NodeKind::Let) => self.mention(flow),
            _ if flow.path.is_empty() && is_module_argument(tree, binding, name) => self.hand_on(flow, name),
            // An attribute is also visible outside the file.
            _ => self.read(flow),
        }
        self.references(flow, name, Origin::Binding(binding));
    }

    fn inherit(&mut self, flow: &Flow, inherit: Node) {
        let tree = self.tree;
        let Some(attrs) = tree.child_of_kind(inherit, NodeKind::InheritedAttrs) else { return };
        for attr in tree.children(attrs) {
            let Some(name) = nix::name_text(tree, attr) else {
                self.read(&flow.clone().uncertain());
                continue;
            };
            let next = flow.select(attr, &name, tree.span(attr));
            match set_around(tree, inherit) {
                Some(NodeKind::Let) => self.mention(&next),
                _ => self.read(&next),
            }
            self.references(&next, &name, Origin::Inherited(attr));
        }
    }

    /// Follows the value to every node that reads a name bound at `origin`.
    fn references(&mut self, flow: &Flow, name: &str, origin: Origin) {
        let tree = self.tree;
        let names = self.names.get_or_insert_with(|| read_names(tree));
        for node in names.get(name).cloned().unwrap_or_default() {
            let from = nix::read_from(tree, node);
            if from.and_then(|from| nix::resolve(tree, from, name)) != Some(origin) {
                continue;
            }
            match tree.kind(node) {
                NodeKind::Variable => self.push(flow.at(node)),
                _ if flow.path.is_empty() && is_inherited_argument(tree, node, name) => {
                    self.hand_on(&flow.at(node), name);
                }
                // `inherit x;` passes it on.
                _ => self.read(&flow.at(node)),
            }
        }
    }
}

/// The nodes that read names, by name.
fn read_names<'a>(tree: &Tree<'a>) -> HashMap<&'a str, Vec<Node>> {
    let mut names: HashMap<&str, Vec<Node>> = HashMap::new();
    for node in tree.nodes().filter(|&node| nix::read_from(tree, node).is_some()) {
        names.entry(tree.slice(node)).or_default().push(node);
    }
    names
}

/// The kind of the expression that contains a binding or an `inherit`.
fn set_around(tree: &Tree<'_>, member: Node) -> Option<NodeKind> {
    Some(tree.kind(tree.parent(tree.parent(member)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    /// The uses in the text, each as its path, with `!` if it is used and `?` if it is not certain.
    fn uses(text: &str) -> Vec<String> {
        let tree = Tree::parse(Language::Nix, text).unwrap();
        assert!(!tree.broken(), "{text}");
        let settings = PortSettings::default();
        let mut found: Vec<_> = in_nix("hosts/web/default.nix", &tree, &settings)
            .into_iter()
            .map(|found| {
                assert_eq!(&*found.registry, "lib/ports.nix");
                let path = found.path.join(".");
                format!("{path}{}{}", if found.reads { "!" } else { "" }, if found.certain { "" } else { "?" })
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn registries_are_passed_to_all_modules_as_arguments() {
        let settings = PortSettings::default();
        for (text, argument) in [
            ("f { specialArgs = { ports = import ./lib/ports.nix; }; }", Some("ports")),
            ("let ports = import ./lib/ports.nix; in f { specialArgs = { inherit ports; }; }", Some("ports")),
            ("{ _module.args.ports = import ./lib/ports.nix; }", Some("ports")),
            ("f { specialArgs = { x.ports = import ./lib/ports.nix; }; }", None),
            ("f { args = { ports = import ./lib/ports.nix; }; }", None),
        ] {
            let tree = Tree::parse(Language::Nix, text).unwrap();
            let found = in_nix("flake.nix", &tree, &settings);
            let handed = found.iter().find_map(|found| found.argument.as_deref());
            assert_eq!(handed, argument, "{text}");
            let read = found.iter().any(|found| found.reads);
            assert_eq!(read, argument.is_none(), "{text}");
        }
        for (text, expected) in [
            ("{ ports, ... }: { a = ports.web.api; b = ports.db; }", vec!["db", "web.api"]),
            ("{ ports, ... }: with ports; web.api", vec!["web.api"]),
            ("{ ports, ... }: f ports", vec![""]),
            ("args: args.ports.web.api", vec!["web.api"]),
            ("{ ... }: let ports = x; in ports.web", vec![]),
        ] {
            let tree = Tree::parse(Language::Nix, text).unwrap();
            let mut read: Vec<String> =
                of_arguments(&tree).iter().filter(|it| it.reads).map(|it| it.path.join(".")).collect();
            read.sort();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn uses_are_followed_lexically() {
        let cases: &[(&str, &[&str])] = &[
            ("let ports = import ../../lib/ports.nix; in { a = ports.db.redis; }", &["", "db.redis!"]),
            ("(import ../../lib/ports.nix).db.redis", &["db.redis!"]),
            ("(import (../../lib/ports.nix) { }).db.redis", &["db.redis!"]),
            ("let p = import ../../lib/ports.nix; inherit (p) db; in [ db.redis ]", &["", "db", "db.redis!"]),
            ("let p = import ../../lib/ports.nix; db = p.db; in \"${toString db.redis}\"", &["", "db", "db.redis!"]),
            ("with import ../../lib/ports.nix; [ db.redis ]", &["db.redis!?"]),
            ("let ports = import ../../lib/ports.nix; in { a = ports.${x}; b = ports.db.${x}; }", &["", "!?", "db!?"]),
            ("let ports = import ../../lib/ports.nix; in f ports", &["", "!"]),
            ("let ports = import ../../lib/ports.nix; in { inherit ports; }", &["", "!"]),
            ("let ports = import ../../lib/ports.nix; in rec { inherit (ports) db; x = db.a; }", &["", "db!", "db.a!"]),
            ("let ports = import ../../lib/ports.nix; in ports.db.redis or 1", &["", "db.redis!?"]),
            ("let ports = import ../../lib/ports.nix; in ports ? db.redis", &["", "db.redis!?"]),
            ("{ ports ? import ../../lib/ports.nix }: ports.db.redis", &["", "db.redis!?"]),
            ("let ports = import ../../lib/ports.nix; in ports: ports.db.redis", &[""]),
            ("let ports = import ../../lib/ports.nix; in rec { ports = q; a = ports.db; }", &[""]),
            ("callPackage ../../lib/ports.nix { }", &["!"]),
            ("{ self, ... }: (import \"${self}/lib/ports.nix\").db.redis", &["db.redis!"]),
            ("{ self, ... }: (import (self + \"/lib/ports.nix\")).db.redis", &["db.redis!"]),
            ("(import (../../. + \"/lib/ports.nix\")).db.redis", &["db.redis!"]),
            ("import ../ports.txt", &[]),
            ("# import ../../lib/ports.nix\n1", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(&uses(text), expected, "{text}");
        }
    }
}
