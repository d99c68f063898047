//! Fetchers in Nix code: `fetchTarball`, `fetchGit`, `fetchFromGitHub`, `getFlake`.

use std::collections::{BTreeMap, BTreeSet};

use super::Use;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::{Text, text};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The functions that fetch code, by a URL or its parts.
pub const FETCHERS: [&str; 6] = ["fetchTarball", "fetchGit", "fetchTree", "fetchFromGitHub", "getFlake", "fetchurl"];

/// The attributes that pin the content that a fetcher returns.
pub const HASHES: [&str; 4] = ["sha256", "hash", "narHash", "outputHash"];

/// A call to a fetcher.
pub struct Fetch<'a> {
    /// The name of the function.
    pub function: &'a str,
    /// The whole call.
    pub node: Node,
    /// The argument, if it is a single string.
    pub address: Option<Text>,
    /// The literal attributes.
    pub attrs: BTreeMap<String, Text>,
    /// The names of all attributes.
    pub names: BTreeSet<String>,
    /// Whether the argument could be read: a literal string, or a set.
    pub readable: bool,
}

impl<'a> Fetch<'a> {
    /// Reads a call to a fetcher.
    fn read(tree: &Tree<'a>, apply: Node) -> Option<Self> {
        let (function, name) = fetcher(tree, apply)?;
        let argument = nix::unwrap_parens(tree, tree.child(apply, Field::Argument)?);
        let mut fetch = Fetch {
            function: name,
            node: function,
            address: text(tree, argument),
            attrs: BTreeMap::new(),
            names: BTreeSet::new(),
            readable: false,
        };
        fetch.readable = fetch.address.is_some();
        if matches!(tree.kind(argument), NodeKind::Attrset | NodeKind::RecAttrset) {
            fetch.readable = true;
            fetch.read_set(tree, argument);
        }
        Some(fetch)
    }

    fn read_set(&mut self, tree: &Tree<'_>, set: Node) {
        let Some(bindings) = tree.child_of_kind(set, NodeKind::BindingSet) else { return };
        for member in tree.children(bindings) {
            if let Some(attrs) = tree.child_of_kind(member, NodeKind::InheritedAttrs) {
                let names = tree.children(attrs).filter_map(|name| nix::name_text(tree, name));
                self.names.extend(names.map(|name| name.into_owned()));
                continue;
            }
            let Some(path) = nix::attrpath_node(tree, member) else { continue };
            let Some(name) = nix::names(tree, path).next().and_then(|name| name.text) else { continue };
            let value = nix::value(tree, member).map(|value| nix::unwrap_parens(tree, value));
            if let Some(text) = value.and_then(|value| text(tree, value)) {
                self.attrs.insert(name.to_string(), text);
            }
            self.names.insert(name.into_owned());
        }
    }

    /// Whether it is `builtins.fetchurl` of a branch on a forge or of a channel. nixpkgs' `fetchurl` always has a hash.
    pub fn is_impure_url(&self, tree: &Tree<'_>) -> bool {
        let address = self.address.as_ref().or_else(|| self.attrs.get("url")).map_or("", |text| text.value.as_str());
        let is_moving =
            ["/archive/", "/raw/", "raw.githubusercontent.com/", "/tarball/", "/channels/", "channels.nixos.org"]
                .iter()
                .any(|part| address.contains(part));
        self.function == "fetchurl" && tree.slice(self.node).starts_with("builtins.") && is_moving
    }

    /// The reference that is fetched; `None` if it is not literal.
    pub fn reference(&self) -> Option<FlakeRef> {
        let get = |key: &str| self.attrs.get(key).map(|text| text.value.clone());
        if let Some(address) = &self.address {
            return Some(self.by_address(&address.value));
        }
        if let Some(url) = get("url") {
            let mut reference = self.by_address(&url);
            // If the branch or commit is computed, the reference is unknown.
            for name in ["ref", "rev"] {
                if self.names.contains(name) && !self.attrs.contains_key(name) {
                    return None;
                }
            }
            reference.branch = get("ref").or(reference.branch);
            reference.rev = get("rev").or(reference.rev);
            return Some(reference);
        }
        let mut attrs: BTreeMap<String, String> =
            self.attrs.iter().map(|(key, text)| (key.clone(), text.value.clone())).collect();
        if self.function == "fetchFromGitHub" {
            // The `rev` and `tag` of this function may also be branches.
            let branch = attrs.remove("rev").or_else(|| attrs.remove("tag")).or_else(|| attrs.remove("ref"))?;
            attrs.insert("type".to_owned(), "github".to_owned());
            attrs.insert("ref".to_owned(), branch);
        }
        FlakeRef::from_attrs(&attrs)
    }

    fn by_address(&self, address: &str) -> FlakeRef {
        match self.function {
            "fetchGit" if !address.starts_with("git") => FlakeRef::parse(&format!("git+{address}")),
            _ => FlakeRef::parse(address),
        }
    }

    /// The string that contains the branch.
    fn branch_text(&self) -> Option<&Text> {
        let branch = ["ref", "rev", "url"].iter().find_map(|name| self.attrs.get(*name));
        self.address.as_ref().or(branch)
    }
}

/// The fetcher that an application calls; `None` for other functions, including a local function with the same name.
fn fetcher<'a>(tree: &Tree<'a>, apply: Node) -> Option<(Node, &'a str)> {
    let function = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
    let name = match tree.kind(function) {
        NodeKind::Variable => tree.slice(function),
        NodeKind::Select => tree.slice(tree.children(tree.child(function, Field::Attrpath)?).last()?),
        _ => return None,
    };
    let known = FETCHERS.contains(&name);
    let own = || {
        tree.kind(function) == NodeKind::Variable
            && matches!(nix::resolve(tree, function, name), Some(Origin::Binding(_)))
    };
    (known && !own()).then_some((function, name))
}

/// The calls to fetchers in a file.
pub fn calls<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = Fetch<'a>> + use<'t, 'a> {
    tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Apply).filter_map(|apply| Fetch::read(tree, apply))
}

/// The uses of nixpkgs in fetchers.
pub fn uses(tree: &Tree<'_>) -> Vec<Use> {
    calls(tree)
        .filter(|fetch| fetch.function != "fetchurl" || fetch.is_impure_url(tree))
        .filter_map(|fetch| {
            let text = fetch.branch_text();
            let place = text.map_or(tree.span(fetch.node), |text| text.span);
            // With a hash, fetching another branch would fail.
            let text = text.filter(|_| !HASHES.iter().any(|name| fetch.names.contains(*name)));
            Use::of(&fetch.reference()?, place, text.map(|text| text.span), format!("this `{}`", fetch.function))
        })
        .collect()
}
