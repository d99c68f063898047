//! Colmena: the hives in a file and the options of their nodes.

use std::net::IpAddr;

use super::needles::Words;
use super::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::lang::nix::attrs;
use crate::lang::nix::{self, AttrName};
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::source::FileKind;

/// Reads hives.
pub static READER: Reader = Reader { name: "colmena", needles: &[&HIVE], may_hold, read };

static HIVE: Words = Words::any_of(&["olmena", "deployment"]);

/// Reserved names in a hive; they are not nodes.
const RESERVED: [&str; 3] = ["meta", "network", "defaults"];

/// The Colmena hives and node options in a file.
#[derive(Debug, Default)]
pub struct ColmenaFacts {
    /// The hives that the file defines.
    pub hives: Vec<Hive>,
    /// Options that Colmena shares with NixOps: they are Colmena's only if the repository has a hive.
    pub options: Vec<NodeOption>,
}

/// A hive.
#[derive(Debug)]
pub struct Hive {
    /// The span of its `meta`, or else of its name, or else of its first character.
    pub place: Span,
    /// Whether it sets `meta.nixpkgs`.
    pub nixpkgs: Meta,
    /// Whether it is not identified by the file name, so that another file may combine it with the rest of a hive.
    pub may_be_part: bool,
}

/// An option of a node, or of all nodes.
#[derive(Debug)]
pub struct NodeOption {
    /// The span of its value.
    pub span: Span,
    /// What the option sets.
    pub kind: OptionKind,
}

/// What an option sets.
#[derive(Debug)]
pub enum OptionKind {
    /// `deployment.targetHost` is an address.
    Address(IpAddr),
    /// `deployment.buildOnTarget` is on in `defaults`.
    BuildOnTarget,
    /// The value of the key with this name is in plain text.
    Secret(String),
}

impl Fact for ColmenaFacts {}

impl ColmenaFacts {
    /// Whether the file has neither hives nor node options.
    pub fn is_empty(&self) -> bool {
        self.hives.is_empty() && self.options.is_empty()
    }
}

fn may_hold(source: &Glance<'_>) -> bool {
    let is_named = || is_hive_file(source.file_name()) || is_hive_folder(&source.path);
    source.kind == FileKind::Nix && (source.has(&HIVE) || is_named())
}

/// Whether a file has the default name `hive.nix` or a common variant of it.
fn is_hive_file(name: &str) -> bool {
    matches!(name, "hive.nix" | "colmena.nix")
}

/// Whether a path is the file that Nix imports for a folder `hive`.
fn is_hive_folder(path: &str) -> bool {
    path.strip_suffix("hive/default.nix").is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree.filter(|_| file.source.kind == FileKind::Nix)?;
    let mut facts = ColmenaFacts::default();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let last = nix::attrpath_node(tree, binding).and_then(|path| nix::names(tree, path).last());
        let Some(name) = last.and_then(|name| name.text) else { continue };
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        match (&*name, value) {
            ("targetHost" | "buildOnTarget" | "text", Some(value)) => {
                facts.options.extend(option(tree, binding, value))
            }
            ("colmena" | "colmenaHive", Some(value)) if !is_program(tree, binding) => {
                let place = nix::attrpath_node(tree, binding).map_or(tree.span(binding), |path| tree.span(path));
                facts.hives.extend(hive(tree, value, place));
            }
            _ => {}
        }
    }
    if let Some(root) = tree.children(tree.root()).find(|&node| tree.kind(node) != NodeKind::Comment) {
        let root = result(tree, root);
        let start = tree.span(root).start as usize;
        let parts = Parts::of(tree, root);
        let is_hive = match file.source.file_name() {
            "hive.nix" => true,
            name if is_hive_file(name) => parts.has_nodes(tree),
            // A NixOps network looks similar, but has no `meta`.
            _ => parts.names_any(tree, &["meta"]) && parts.deploys(tree),
        };
        // A hive that is a folder often has its nodes in separate files.
        let may_be_hive = || is_hive_folder(&file.source.path) && parts.names_any(tree, &["meta"]);
        if (is_hive || may_be_hive()) && !parts.is_module(tree) {
            let may_be_part = !is_hive_file(file.source.file_name());
            let found = hive(tree, root, Span::new(start, start + 1));
            let found = found.filter(|hive| is_hive || hive.nixpkgs == Meta::Pinned);
            facts.hives.extend(found.map(|hive| Hive { may_be_part, ..hive }));
        }
    }
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

/// Whether a binding is a program called colmena, not a hive: `apps.colmena`, `packages.x86_64-linux.colmena`.
fn is_program(tree: &Tree<'_>, binding: Node) -> bool {
    const PROGRAMS: [&str; 4] = ["apps", "packages", "legacyPackages", "devShells"];
    let path = nix::attr_path(tree, binding).unwrap_or_default();
    path.iter().any(|name| name.text.as_deref().is_some_and(|name| PROGRAMS.contains(&name)))
}

/// The result of a file that is a function: the body of `inputs: { .. }`.
fn result(tree: &Tree<'_>, root: Node) -> Node {
    let mut node = nix::unwrap_parens(tree, root);
    for _ in 0..PARTS {
        let inner = match tree.kind(node) {
            NodeKind::Function | NodeKind::Let | NodeKind::With | NodeKind::Assert => tree.child(node, Field::Body),
            _ => None,
        };
        let Some(inner) = inner else { break };
        node = nix::unwrap_parens(tree, inner);
    }
    node
}

/// The node option that a binding sets, if a check needs it.
fn option(tree: &Tree<'_>, binding: Node, value: Node) -> Option<NodeOption> {
    let path = nix::attr_path(tree, binding)?;
    let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("")).collect();
    let kind = match names.as_slice() {
        [.., "deployment", "targetHost"] => OptionKind::Address(address(tree, value)?),
        [.., "defaults", "deployment", "buildOnTarget"] if is_true(tree, value) => OptionKind::BuildOnTarget,
        [.., "deployment", "keys", key, "text"] if attrs::text(tree, value).is_some_and(|text| is_secret(&text)) => {
            OptionKind::Secret((*key).to_owned())
        }
        _ => return None,
    };
    Some(NodeOption { span: tree.span(value), kind })
}

/// Whether a string can be a secret: not empty and not a placeholder for later substitution (`@token@`).
fn is_secret(text: &str) -> bool {
    let text = text.trim();
    let placeholder = text.starts_with('@') && text.ends_with('@');
    !placeholder && !text.is_empty()
}

/// The IP address in a value, if there is one in place of a host name. `None` for loopback addresses, which never refer
/// to another machine.
fn address(tree: &Tree<'_>, value: Node) -> Option<IpAddr> {
    let text = attrs::text(tree, value)?;
    let address: IpAddr = text.trim().trim_matches(['[', ']']).parse().ok()?;
    (!address.is_loopback()).then_some(address)
}

/// Whether a value is `true`, possibly as a default that nodes can override.
fn is_true(tree: &Tree<'_>, value: Node) -> bool {
    tree.slice(attrs::plain(tree, value)) == "true"
}

/// The attribute sets that make up a hive, and whether the list is complete.
struct Parts {
    sets: Vec<Node>,
    complete: bool,
}

/// The maximum number of sets joined by `//` that are followed.
const PARTS: usize = 64;

impl Parts {
    fn of(tree: &Tree<'_>, value: Node) -> Self {
        let mut hive = Self { sets: Vec::new(), complete: true };
        let mut waiting = vec![value];
        for _ in 0..PARTS {
            let Some(node) = waiting.pop() else { return hive };
            let node = nix::unwrap_parens(tree, node);
            match tree.kind(node) {
                NodeKind::Attrset | NodeKind::RecAttrset => hive.sets.push(node),
                NodeKind::Let | NodeKind::With => waiting.extend(tree.child(node, Field::Body)),
                NodeKind::Binary => {
                    waiting.extend(tree.child(node, Field::Left));
                    waiting.extend(tree.child(node, Field::Right));
                }
                NodeKind::Apply => match nix::call(tree, node) {
                    Some((function, arguments)) if nix::last_name(&function) == "makeHive" => {
                        waiting.extend(arguments.first().copied());
                    }
                    _ => hive.complete = false,
                },
                _ => hive.complete = false,
            }
        }
        hive.complete = false;
        hive
    }

    /// Whether it has nodes, or defaults for all nodes.
    fn has_nodes(&self, tree: &Tree<'_>) -> bool {
        self.names_any(tree, &["defaults"]) || self.deploys(tree)
    }

    /// Whether one of its members specifies how a node is deployed.
    fn deploys(&self, tree: &Tree<'_>) -> bool {
        self.members(tree).iter().any(|(_, value)| value.is_some_and(|value| has_deployment(tree, value)))
    }

    /// Whether it is a NixOS or flake-parts module, which may also have a `meta`.
    fn is_module(&self, tree: &Tree<'_>) -> bool {
        self.names_any(tree, &["options", "config", "imports", "flake", "perSystem"])
    }

    fn names_any(&self, tree: &Tree<'_>, wanted: &[&str]) -> bool {
        let members = self.members(tree);
        let mut names = members.iter().filter_map(|(names, _)| names.first()?.text.as_deref());
        names.any(|name| wanted.contains(&name))
    }

    /// The members of all sets: the path of each and its value, if it has one.
    fn members<'a>(&self, tree: &Tree<'a>) -> Vec<(Vec<AttrName<'a>>, Option<Node>)> {
        let bindings = self.sets.iter().filter_map(|&set| tree.child_of_kind(set, NodeKind::BindingSet));
        bindings.flat_map(|bindings| members(tree, bindings)).collect()
    }
}

/// The members of a set; an inherited name has no value.
fn members<'a>(tree: &Tree<'a>, bindings: Node) -> Vec<(Vec<AttrName<'a>>, Option<Node>)> {
    let mut members = Vec::new();
    for member in tree.children(bindings) {
        if let Some(path) = nix::attrpath_node(tree, member) {
            members.push((nix::names(tree, path).collect(), nix::value(tree, member)));
        } else if let Some(attrs) = tree.child_of_kind(member, NodeKind::InheritedAttrs) {
            let names = tree.children(attrs).map(|node| vec![AttrName { text: nix::name_text(tree, node), node }]);
            members.extend(names.map(|name| (name, None)));
        }
    }
    members
}

/// Whether a hive's `meta` sets `nixpkgs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    /// It sets `nixpkgs`.
    Pinned,
    /// It does not set `nixpkgs`.
    Missing,
    /// Part of it is computed.
    Unknown,
}

fn hive(tree: &Tree<'_>, value: Node, place: Span) -> Option<Hive> {
    let hive = Parts::of(tree, value);
    let members = hive.members(tree);
    let named = |names: &[AttrName<'_>], index: usize| {
        names.get(index).and_then(|name| name.text.as_deref().map(str::to_owned))
    };
    let is_reserved = |names: &[AttrName<'_>]| named(names, 0).is_some_and(|name| RESERVED.contains(&name.as_str()));
    let reserved = members.iter().any(|(names, _)| is_reserved(names));
    let nodes = members.iter().any(|(_, value)| value.is_some_and(|value| has_deployment(tree, value)));
    if !reserved && !nodes {
        return None;
    }
    let mut meta = Meta::Missing;
    let mut place = place;
    for (names, value) in &members {
        if !named(names, 0).is_some_and(|name| name == "meta" || name == "network") {
            continue;
        }
        if let Some(first) = names.first() {
            place = tree.span(first.node);
        }
        match (named(names, 1).as_deref(), value) {
            (Some("nixpkgs"), _) => meta = Meta::Pinned,
            (Some(_), _) => {}
            (None, Some(value)) => {
                let inner = in_meta(tree, *value);
                if meta != Meta::Pinned && inner != Meta::Missing {
                    meta = inner;
                }
            }
            (None, None) => meta = Meta::Unknown,
        }
    }
    if meta == Meta::Missing && !hive.complete {
        meta = Meta::Unknown;
    }
    Some(Hive { place, nixpkgs: meta, may_be_part: false })
}

fn has_deployment(tree: &Tree<'_>, value: Node) -> bool {
    tree.subtree(value).any(|node| {
        tree.kind(node) == NodeKind::Identifier
            && tree.slice(node) == "deployment"
            && tree.parent(node).is_some_and(|parent| tree.kind(parent) == NodeKind::Attrpath)
    })
}

fn in_meta(tree: &Tree<'_>, value: Node) -> Meta {
    let part = Parts::of(tree, value);
    let names = part.members(tree);
    let pinned = names.iter().any(|(path, _)| path.first().and_then(|name| name.text.as_deref()) == Some("nixpkgs"));
    match (pinned, part.complete) {
        (true, _) => Meta::Pinned,
        (false, true) => Meta::Missing,
        (false, false) => Meta::Unknown,
    }
}
