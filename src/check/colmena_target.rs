//! `colmena-target`: hives that depend on the day, on an address, or hold a secret.

use std::net::IpAddr;

use super::{Check, FileContext, Glance, ProjectContext};
use crate::facts::needles::Words;
use crate::finding::{Finding, Span};
use crate::lang::nix::attrs;
use crate::lang::nix::{self, AttrName};
use crate::lang::{Field, Kind as NodeKind, Node, Tree};
use crate::source::Kind;

/// See `rules/colmena-target.md`.
pub static CHECK: Check = Check { name: "colmena", words: &[&HIVE], trigger, file, project };

static HIVE: Words = Words::any_of(&["olmena", "deployment"]);

const RULE: &str = "colmena-target";

/// Names in a hive that are no nodes.
const RESERVED: [&str; 3] = ["meta", "network", "defaults"];

/// What a file says about Colmena.
#[derive(Debug, Default)]
pub struct ColmenaFacts {
    /// Whether it defines a hive.
    hive: bool,
    /// What is wrong with options that Colmena shares with NixOps: findings only where there is a hive.
    findings: Vec<Finding>,
}

impl ColmenaFacts {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        !self.hive && self.findings.is_empty()
    }
}

fn trigger(source: &Glance<'_>) -> bool {
    source.kind == Kind::Nix && (is_hive_file(source.file_name()) || source.has(&HIVE))
}

/// `hive.nix`, which Colmena looks for, and what people call it besides.
fn is_hive_file(name: &str) -> bool {
    matches!(name, "hive.nix" | "colmena.nix")
}

fn file(context: &mut FileContext<'_>) {
    let Some(tree) = context.tree.filter(|_| context.source.kind == Kind::Nix) else { return };
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let last = nix::attrpath_node(tree, binding).and_then(|path| nix::names(tree, path).last());
        let Some(name) = last.and_then(|name| name.text) else { continue };
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        match (&*name, value) {
            ("targetHost" | "buildOnTarget" | "text", Some(value)) => option(context, tree, binding, value),
            ("colmena" | "colmenaHive", Some(value)) => {
                let place = nix::attrpath_node(tree, binding).map_or(tree.span(binding), |path| tree.span(path));
                hive(context, tree, value, place);
            }
            _ => {}
        }
    }
    if is_hive_file(context.source.file_name())
        && let Some(root) = tree.children(tree.root()).find(|&node| tree.kind(node) != NodeKind::Comment)
    {
        let root = result(tree, root);
        let start = tree.span(root).start as usize;
        let hive_file = context.source.file_name() == "hive.nix";
        if hive_file || Hive::of(tree, root).has_nodes(tree) {
            hive(context, tree, root, Span::new(start, start + 1));
        }
    }
}

/// What a file gives when it is called with its arguments: `inputs: { .. }`.
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

/// An option of a node: `deployment.targetHost`, `deployment.buildOnTarget`, `deployment.keys.<name>.text`.
fn option(context: &mut FileContext<'_>, tree: &Tree<'_>, binding: Node, value: Node) {
    let Some(path) = nix::attr_path(tree, binding) else { return };
    let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("")).collect();
    let span = tree.span(value);
    let finding = match names.as_slice() {
        [.., "deployment", "targetHost"] => address(tree, value).map(|address| {
            let message = format!("the target is the address {address}, which may be reassigned to another machine");
            context
                .finding(RULE, span, message)
                .label("use a host name")
                .help("a name in your own DNS or in Tailscale's MagicDNS (`web.tail12345.ts.net`) survives a change of address")
        }),
        [.., "defaults", "deployment", "buildOnTarget"] if is_true(tree, value) => Some(
            context
                .finding(RULE, span, "every node builds its own system: `buildOnTarget` is set in `defaults`")
                .label("set it only on the nodes that need it")
                .help("build on the deploying machine or on a remote builder, so that nodes share results and small ones are not overloaded"),
        ),
        [.., "deployment", "keys", key, "text"] => attrs::text(tree, value).filter(|text| is_secret(text)).map(|_| {
            context
                .finding(RULE, span, format!("the secret `{key}` is in plain text, readable by everyone with access to the repository"))
                .label("plain-text secret")
                .help("rotate the secret, then provide it with `keyCommand` or `keyFile`, such as `keyCommand = [ \"pass\" \"show\" .. ]`")
        }),
        _ => None,
    };
    context.facts.colmena.findings.extend(finding);
}

/// Whether a text can be a secret: not empty, and no placeholder that something fills in (`@token@`).
fn is_secret(text: &str) -> bool {
    let text = text.trim();
    let placeholder = text.starts_with('@') && text.ends_with('@');
    !placeholder && !text.is_empty()
}

/// An address that stands where a name should; this machine's own is no other machine's tomorrow.
fn address(tree: &Tree<'_>, value: Node) -> Option<IpAddr> {
    let text = attrs::text(tree, value)?;
    let address: IpAddr = text.trim().trim_matches(['[', ']']).parse().ok()?;
    (!address.is_loopback()).then_some(address)
}

/// `true`, also as a default that nodes can override.
fn is_true(tree: &Tree<'_>, value: Node) -> bool {
    tree.slice(attrs::plain(tree, value)) == "true"
}

/// The sets that a hive is written as, and whether they are all of it.
struct Hive {
    sets: Vec<Node>,
    complete: bool,
}

/// Sets joined by `//` are followed this far.
const PARTS: usize = 64;

impl Hive {
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

    /// Whether it has nodes, or what holds for all of them, and is no module, which may have a `meta` too.
    fn has_nodes(&self, tree: &Tree<'_>) -> bool {
        let members = self.members(tree);
        let named = |wanted: &[&str]| {
            let mut names = members.iter().filter_map(|(names, _)| names.first()?.text.as_deref());
            names.any(|name| wanted.contains(&name))
        };
        let deployed = || members.iter().any(|(_, value)| value.is_some_and(|value| has_deployment(tree, value)));
        !named(&["options", "config", "imports", "flake", "perSystem"]) && (named(&["defaults"]) || deployed())
    }

    /// The members of all sets: their paths, and their values where they have some.
    fn members<'a>(&self, tree: &Tree<'a>) -> Vec<(Vec<AttrName<'a>>, Option<Node>)> {
        let bindings = self.sets.iter().filter_map(|&set| tree.child_of_kind(set, NodeKind::BindingSet));
        bindings.flat_map(|bindings| members(tree, bindings)).collect()
    }
}

/// The members of a set; an inherited name has no value here.
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

/// What a hive's `meta` says of nixpkgs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meta {
    Pinned,
    Missing,
    Unknown,
}

fn hive(context: &mut FileContext<'_>, tree: &Tree<'_>, value: Node, place: Span) {
    let hive = Hive::of(tree, value);
    let members = hive.members(tree);
    let named = |names: &[AttrName<'_>], index: usize| {
        names.get(index).and_then(|name| name.text.as_deref().map(str::to_owned))
    };
    let is_reserved = |names: &[AttrName<'_>]| named(names, 0).is_some_and(|name| RESERVED.contains(&name.as_str()));
    let reserved = members.iter().any(|(names, _)| is_reserved(names));
    let nodes = members.iter().any(|(_, value)| value.is_some_and(|value| has_deployment(tree, value)));
    if !reserved && !nodes {
        return;
    }
    context.facts.colmena.hive = true;
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
    match meta {
        Meta::Pinned => {}
        Meta::Missing if hive.complete => {
            let finding = context
                .finding(
                    RULE,
                    place,
                    "this hive does not set `meta.nixpkgs`, so no input pins the nixpkgs of its nodes",
                )
                .label("add `nixpkgs` to `meta`")
                .help("in a flake: `meta.nixpkgs = import inputs.nixpkgs { system = \"x86_64-linux\"; };`");
            context.report(finding);
        }
        _ => context.not_decidable("cannot tell whether this hive sets `meta.nixpkgs`: part of it is computed"),
    }
}

fn has_deployment(tree: &Tree<'_>, value: Node) -> bool {
    tree.subtree(value).any(|node| {
        tree.kind(node) == NodeKind::Identifier
            && tree.slice(node) == "deployment"
            && tree.parent(node).is_some_and(|parent| tree.kind(parent) == NodeKind::Attrpath)
    })
}

fn in_meta(tree: &Tree<'_>, value: Node) -> Meta {
    let part = Hive::of(tree, value);
    let names = part.members(tree);
    let pinned = names.iter().any(|(path, _)| path.first().and_then(|name| name.text.as_deref()) == Some("nixpkgs"));
    match (pinned, part.complete) {
        (true, _) => Meta::Pinned,
        (false, true) => Meta::Missing,
        (false, false) => Meta::Unknown,
    }
}

fn project(context: &mut ProjectContext<'_>) {
    let files = &context.project.files;
    let input = |file: &crate::facts::ProjectFile| {
        file.facts.flake.flake.as_ref().is_some_and(|flake| flake.input("colmena").is_some())
    };
    if files.iter().any(|file| file.facts.colmena.hive || input(file)) {
        let findings: Vec<Finding> = files.iter().flat_map(|file| file.facts.colmena.findings.clone()).collect();
        findings.into_iter().for_each(|finding| context.report(finding));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::found;

    fn in_hive(members: &str) -> Vec<String> {
        found("colmena-target", &[("flake.nix", &format!("{{ outputs = inputs: {{ colmena = {{ {members} }}; }}; }}"))])
    }

    #[test]
    fn options_are_found_however_they_are_nested() {
        let nixpkgs = "meta.nixpkgs = import inputs.nixpkgs { };";
        for (member, place) in [
            ("web.deployment.targetHost = \"10.0.0.1\";", "\"10.0.0.1\""),
            ("web = { lib, ... }: { deployment = { targetHost = \"[fd00::1]\"; }; };", "\"[fd00::1]\""),
            ("defaults = { deployment.buildOnTarget = lib.mkDefault true; };", "lib.mkDefault true"),
            ("web.deployment.targetHost = lib.mkForce \"10.0.0.1\";", "lib.mkForce \"10.0.0.1\""),
            ("web = let ip = \"10.0.0.1\"; in { deployment.targetHost = ip; };", "ip"),
            ("web = { deployment.keys = { db = { text = ''x''; }; }; };", "''x''"),
        ] {
            assert_eq!(in_hive(&format!("{nixpkgs} {member}")), [place], "{member}");
        }
        for member in [
            "web.deployment.targetHost = \"web.example.org\";",
            "web.deployment.targetHost = \"127.0.0.1\";",
            "web.deployment.targetHost = host.address;",
            "web.deployment.targetHost = null;",
            "web.deployment.buildOnTarget = true;",
            "defaults.deployment.buildOnTarget = false;",
            "web.deployment.keys.db.keyFile = ./db;",
            "web.deployment.keys.db.text = \"@db@\";",
            "web.deployment.keys.db.text = builtins.getEnv \"DB\";",
            "web.services.x.targetHost = \"10.0.0.1\";",
        ] {
            assert_eq!(in_hive(&format!("{nixpkgs} {member}")), [""; 0], "{member}");
        }
    }

    #[test]
    fn a_hive_needs_a_nixpkgs_unless_part_of_it_is_computed() {
        let missing = |text: &str| found("colmena-target", &[("hive.nix", text)]);
        assert_eq!(missing("{ defaults = { }; web = { }; }"), ["{"]);
        assert_eq!(missing("{ meta = { description = \"x\"; }; }"), ["meta"]);
        for fine in [
            "{ meta.nixpkgs = <nixpkgs>; }",
            "{ network = { inherit nixpkgs; }; }",
            "{ meta = common // { nixpkgs = x; }; }",
            "{ meta = common; }",
            "{ inherit meta; web.deployment = { }; }",
            "let x = 1; in { defaults = { }; } // { meta.nixpkgs = x; }",
            "{ defaults = { }; } // builtins.mapAttrs f hosts",
            "import ./hive { }",
            "{ nixpkgs, ... }: { meta = { inherit nixpkgs; }; web.deployment = { }; }",
        ] {
            assert_eq!(missing(fine), [""; 0], "{fine}");
        }
        assert_eq!(missing("inputs: let x = 1; in { meta.name = x; web.deployment = { }; }"), ["meta"]);
    }

    #[test]
    fn a_hive_may_be_called_otherwise() {
        let found = |text: &str| found("colmena-target", &[("colmena.nix", text)]);
        assert_eq!(found("{ meta.nixpkgs = x; defaults.deployment.buildOnTarget = true; }"), ["true"]);
        assert_eq!(found("{ inputs, ... }: { defaults = { }; web.deployment = { }; }"), ["{"]);
        for module in [
            "{ config, ... }: { meta.maintainers = [ ]; options.x = { }; config = { }; }",
            "{ inputs, ... }: { flake.colmena = import ./hive inputs; }",
            "{ programs.colmena.enable = true; }",
            "{ lib, ... }: { options.nodes = lib.mkOption { }; config.flake.colmena.web.deployment = { }; }",
        ] {
            assert_eq!(found(module), [""; 0], "{module}");
        }
    }
}
