//! How modules receive values as arguments: through `specialArgs` and the like, or by a call to their file.

use std::sync::Arc;

use crate::finding::{RelPath, Span};
use crate::lang::nix;
use crate::lang::nix::path::path_of;
use crate::lang::{Field, Node, NodeKind, Tree};

/// Names of arguments through which modules receive a registry.
pub const ARGUMENTS: [&str; 3] = ["ports", "portRegistry", "registry"];

/// Sets whose members become arguments of all modules.
const MODULE_ARGUMENTS: [&str; 3] = ["specialArgs", "extraSpecialArgs", "_module.args"];

/// The values that become arguments of all modules under a name in [`ARGUMENTS`], registries or not: the name, and the
/// span of the value.
pub fn passed(tree: &Tree<'_>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::Binding => {
                let names = nix::attrpath_node(tree, node).and_then(|path| nix::names(tree, path).last());
                let name = names.and_then(|name| name.text).filter(|name| is_module_argument(tree, node, name));
                let value = nix::value(tree, node);
                found.extend(name.zip(value).map(|(name, value)| (name.into_owned(), tree.span(value))));
            }
            NodeKind::Inherit | NodeKind::InheritFrom => {
                let attrs = tree.child_of_kind(node, NodeKind::InheritedAttrs);
                let names = attrs.into_iter().flat_map(|attrs| tree.children(attrs));
                let names = names.filter(|&name| ARGUMENTS.contains(&tree.slice(name)));
                let passed = names.filter(|&name| is_inherited_argument(tree, name, tree.slice(name)));
                found.extend(passed.map(|name| (tree.slice(name).to_owned(), tree.span(name))));
            }
            _ => {}
        }
    }
    found
}

/// The files that a file calls with an argument that may be a registry: `import ./web.nix { ports = ..; }`. An argument
/// that is not written as a set may contain a registry.
pub fn called(file: &str, tree: &Tree<'_>) -> Vec<RelPath> {
    let target = |apply: Node| {
        let function = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
        let path = tree.child(function, Field::Argument).filter(|_| tree.kind(function) == NodeKind::Apply)?;
        let path = path_of(file, tree, nix::unwrap_parens(tree, path))?;
        let argument = nix::unwrap_parens(tree, tree.child(apply, Field::Argument)?);
        let is_set = matches!(tree.kind(argument), NodeKind::Attrset | NodeKind::RecAttrset);
        let mut words = tree.slice(argument).split(|c: char| !(c.is_ascii_alphanumeric() || "_-'".contains(c)));
        let is_passed = !is_set || words.any(|word| ARGUMENTS.contains(&word));
        let path = if path.ends_with(".nix") { path } else { format!("{path}/default.nix") };
        is_passed.then(|| Arc::from(path))
    };
    tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Apply).filter_map(target).collect()
}

/// Whether a member of a set becomes an argument of all modules: `specialArgs = { ports = ..; }`.
pub(super) fn is_module_argument(tree: &Tree<'_>, binding: Node, name: &str) -> bool {
    if !ARGUMENTS.contains(&name) {
        return false;
    }
    let path = nix::attr_path(tree, binding).unwrap_or_default();
    let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("?")).collect();
    let around = names.split_last().map(|(_, before)| before.join("."));
    around.is_some_and(|around| ends_in_arguments(&around))
}

/// Whether an inherited member of a set becomes an argument of all modules: `specialArgs = { inherit ports; }`.
pub(super) fn is_inherited_argument(tree: &Tree<'_>, name_node: Node, name: &str) -> bool {
    let is_inherit = |node: &Node| matches!(tree.kind(*node), NodeKind::Inherit | NodeKind::InheritFrom);
    let inherit = tree.ancestors(name_node).find(is_inherit);
    let set = inherit.and_then(|inherit| tree.parent(tree.parent(inherit)?));
    let binding = set.and_then(|set| nix::binding_around(tree, set));
    let path = binding.and_then(|binding| nix::attr_path(tree, binding)).unwrap_or_default();
    let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("?")).collect();
    ARGUMENTS.contains(&name) && ends_in_arguments(&names.join("."))
}

/// Whether a function is the whole of a file, possibly inside other functions, and accepts further arguments as a
/// module must.
pub(super) fn is_module_function(tree: &Tree<'_>, function: Node) -> bool {
    let is_open = tree.child(function, Field::Formals).is_some_and(|formals| {
        let members = tree.slice(formals).trim_end_matches('}').trim_end();
        members.trim_end_matches(',').trim_end().ends_with("...")
    });
    let mut next = tree.child(tree.root(), Field::Expression);
    while let Some(node) = next.map(|node| nix::unwrap_parens(tree, node)) {
        if tree.kind(node) != NodeKind::Function {
            return false;
        }
        if node == function {
            return is_open;
        }
        next = tree.child(node, Field::Body);
    }
    false
}

fn ends_in_arguments(path: &str) -> bool {
    MODULE_ARGUMENTS.iter().any(|set| path.strip_suffix(set).is_some_and(|head| head.is_empty() || head.ends_with('.')))
}
