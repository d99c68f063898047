//! The pins of niv (`nix/sources.json`), npins (`npins/sources.json`) and lon (`lon.lock`): the nixpkgs branch that
//! each one follows.
//!
//! niv has a flat object of pins with `branch`, `owner` and `repo`. npins has `pins`, each with a `repository` and a
//! `branch`, or with the `name` of a channel. lon has `sources`, each like a niv pin.

use std::collections::BTreeMap;

use super::Use;
use crate::finding::Span;
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::{Text, nixpkgs};
use crate::lang::{Field, Language, Node, NodeKind, Tree};
use crate::source::{FileKind, Source};

/// Whether a file contains pins. Other files with these names do not have the kind `Settings`.
pub fn holds_pins(source: &Source) -> bool {
    source.kind == FileKind::Settings && matches!(source.file_name(), "sources.json" | "lon.lock")
}

/// The pins that follow nixpkgs.
pub fn uses(source: &Source) -> Vec<Use> {
    let Some(tree) = Tree::parse(Language::Json, &source.text) else { return Vec::new() };
    let root = tree.children(tree.root()).find(|&node| tree.kind(node) == NodeKind::JsonObject);
    let Some(root) = root else { return Vec::new() };
    let member =
        |name: &str| pairs(&tree, root).into_iter().find(|(key, _, _)| *key == name).map(|(_, _, value)| value);
    let (tool, pins) = match (source.file_name(), member("pins")) {
        ("lon.lock", _) => ("lon", member("sources").unwrap_or(root)),
        (_, Some(pins)) => ("npins", pins),
        (_, None) => ("niv", root),
    };
    pairs(&tree, pins)
        .into_iter()
        .filter_map(|(name, _, pin)| {
            let (reference, span) = reference(&tree, pin)?;
            let mut used = Use::of(&reference, span, None, format!("the {tool} pin `{name}`"))?;
            used.named_for_branch = nixpkgs::names_branch(name);
            used.names.push(name.to_owned());
            Some(used)
        })
        .collect()
}

/// The reference that a pin follows, and its span.
fn reference(tree: &Tree<'_>, pin: Node) -> Option<(FlakeRef, Span)> {
    let mut texts: BTreeMap<&str, Text> = BTreeMap::new();
    let inner = pairs(tree, pin).into_iter().filter(|(key, _, _)| *key == "repository");
    let inner = inner.flat_map(|(_, _, repository)| pairs(tree, repository));
    for (key, _, value) in inner.chain(pairs(tree, pin)) {
        if tree.kind(value) == NodeKind::JsonText {
            let text = tree.slice(value).trim_matches('"').to_owned();
            texts.insert(key, Text { value: text, span: tree.span(value) });
        }
    }
    let get = |key: &str| texts.get(key).map(|text| text.value.clone());
    if get("type").as_deref() == Some("Channel") {
        let name = texts.get("name")?;
        return Some((FlakeRef::parse(&format!("channel:{}", name.value)), name.span));
    }
    let branch = texts.get("branch")?;
    let reference = FlakeRef {
        scheme: Scheme::GitHub,
        owner: get("owner")?,
        repo: get("repo")?,
        branch: Some(branch.value.clone()),
        ..FlakeRef::default()
    };
    Some((reference, branch.span))
}

/// The members of an object: key, the key's node, value.
fn pairs<'a>(tree: &Tree<'a>, object: Node) -> Vec<(&'a str, Node, Node)> {
    let pairs = tree.children(object).filter(|&pair| tree.kind(pair) == NodeKind::JsonPair);
    pairs
        .filter_map(|pair| {
            let key = tree.child(pair, Field::Key)?;
            Some((tree.slice(key).trim_matches('"'), key, tree.child(pair, Field::Value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::flake::nixpkgs::Channel;

    #[test]
    fn pins_of_niv_npins_and_lon_are_read() {
        for (path, text, expected) in [
            (
                "nix/sources.json",
                r#"{"nixpkgs": {"branch": "nixos-unstable", "owner": "NixOS", "repo": "nixpkgs", "rev": "x"}, "niv": {"branch": "master", "owner": "nmattia", "repo": "niv"}}"#,
                vec![Channel::Rolling("nixos-unstable".into())],
            ),
            (
                "npins/sources.json",
                r#"{"pins": {"nixpkgs": {"type": "Channel", "name": "nixos-unstable", "url": "x"}}, "version": 5}"#,
                vec![Channel::Rolling("nixos-unstable".into())],
            ),
            (
                "ci/npins/sources.json",
                r#"{"pins": {"p": {"type": "Git", "repository": {"type": "GitHub", "owner": "nixos", "repo": "nixpkgs"}, "branch": "master"}}}"#,
                vec![Channel::Rolling("master".into())],
            ),
            (
                "lon.lock",
                r#"{"version": "1", "sources": {"nixpkgs": {"type": "GitHub", "fetchType": "tarball", "owner": "NixOS", "repo": "nixpkgs", "branch": "nixos-unstable", "revision": "x"}}}"#,
                vec![Channel::Rolling("nixos-unstable".into())],
            ),
            ("nix/sources.json", "[]", vec![]),
            ("nix/sources.json", "{\"a\": {\"type\": 1}}", vec![]),
        ] {
            let source = Source::new(path, FileKind::Settings, text);
            assert!(holds_pins(&source));
            let found: Vec<Channel> = uses(&source).into_iter().map(|used| used.channel).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
