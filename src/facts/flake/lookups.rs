//! `<nixpkgs>` and other lookups in NIX_PATH.

use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Node, NodeKind, Tree};

/// A lookup in NIX_PATH.
#[derive(Debug)]
pub struct Lookup {
    /// The span of the lookup.
    pub span: Span,
    /// The name that is looked up.
    pub name: String,
    /// The path after the name, with its leading slash.
    pub below: String,
    /// The prefix with which the inputs of the flake are accessed here: `inputs.`, or empty if each input is an
    /// argument. `None` if the inputs are not accessible.
    pub scope: Option<&'static str>,
}

/// The function that Nix calls for a lookup. The built-in one searches NIX_PATH.
const FUNCTION: &str = "__findFile";

/// The lookups in a file. `<nix/..>` is not included: those files come with Nix.
pub fn lookups(tree: &Tree<'_>, is_flake: bool) -> Vec<Lookup> {
    let nodes = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::SearchPath);
    // `<x>` calls the `__findFile` in scope, which frameworks such as den pass to modules as an argument.
    let is_bound = tree.text().contains(FUNCTION);
    let lookups = nodes.filter(|&node| !is_bound || nix::resolve(tree, node, FUNCTION).is_none()).filter_map(|node| {
        let text = tree.slice(node).strip_prefix('<')?.strip_suffix('>')?;
        let (name, below) = text.split_at(text.find('/').unwrap_or(text.len()));
        let scope = scope(tree, node, name, is_flake);
        Some(Lookup { span: tree.span(node), name: name.to_owned(), below: below.to_owned(), scope })
    });
    lookups.filter(|lookup| lookup.name != "nix").collect()
}

/// The prefix with which an input can be accessed at a node: `inputs.`, or empty if the input is an argument. `None` if
/// it cannot be accessed.
fn scope(tree: &Tree<'_>, node: Node, name: &str, is_flake: bool) -> Option<&'static str> {
    let argument = |name: &str| matches!(nix::resolve(tree, node, name), Some(Origin::Argument(_)));
    if is_flake && argument(name) {
        return Some("");
    }
    argument("inputs").then_some("inputs.")
}
