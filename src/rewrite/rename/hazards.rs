//! Reasons why renaming an entry is uncertain: code that may use the name without a reference to the entry, and names
//! whose meaning would change.

use super::Trees;
use crate::facts::ProjectFile;
use crate::facts::port_registry::passing::ARGUMENTS;
use crate::facts::port_registry::references::Resolved;
use crate::facts::port_registry::{Lookup, Registry, Use};
use crate::finding::Span;
use crate::lang::nix;
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::source::FileKind;

/// A position that prevents a rename.
pub struct Hazard<'p> {
    /// The file.
    pub file: &'p ProjectFile,
    /// The position.
    pub span: Span,
    /// The reason.
    pub reason: &'static str,
}

/// The first use of a whole group that prevents the rename: its code may select the entry by name, or would find the
/// new name where it now finds something else.
pub fn of_groups<'p>(all: &[Resolved<'p>], registry: &Registry, old: &[String], new: &[String]) -> Option<Hazard<'p>> {
    let mut trees = Trees::default();
    let ours = all.iter().filter(|resolved| resolved.registry.path == registry.path);
    ours.filter(|resolved| resolved.found.argument.is_none()).find_map(|&Resolved { file, found, .. }| {
        let is_around = |path: &[String]| found.path.len() < path.len() && path.starts_with(&found.path);
        let hazard = |reason| Some(Hazard { file, span: found.span, reason });
        let by_name = "code that reads the whole group here may use the name of the entry: rename it by hand";
        if file.source.kind != FileKind::Nix {
            let is_read = found.reads && is_around(old) && selects(file.source.slice(found.span), old);
            return if is_read { hazard(by_name) } else { None };
        }
        let tree = trees.of(file)?;
        let node = outermost(tree, found.span);
        if found.reads && is_around(old) && !is_harmless(tree, node) {
            return hazard(by_name);
        }
        if captures_in_body(tree, registry, found, old, new) {
            return hazard("the new name would refer to this entry instead of something else here: rename it by hand");
        }
        None
    })
}

/// Whether a command contains the last name of an entry after the registry's file name.
fn selects(command: &str, entry: &[String]) -> bool {
    let behind = command.split_once(".nix").map_or(command, |(_, behind)| behind);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
    behind.split(|c| !is_part(c)).any(|word| entry.last().is_some_and(|last| last == word))
}

/// The outermost node with a span, or the outermost parentheses around it.
fn outermost(tree: &Tree<'_>, span: Span) -> Node {
    let mut node = tree.covering(span);
    while let Some(parent) = tree.parent(node)
        && (tree.span(parent) == span || tree.kind(parent) == NodeKind::Parenthesized)
    {
        node = parent;
    }
    node
}

/// Whether a whole group is used in a way that does not depend on the names of entries, or that the rename also
/// updates: with `with`, with `?`, for its values, or bound to a common name of a registry, such as `ports`.
fn is_harmless(tree: &Tree<'_>, node: Node) -> bool {
    if tree.kind(node) == NodeKind::HasAttr {
        return true;
    }
    let Some(parent) = tree.parent(node) else { return false };
    let is_followed = |name: &str| ARGUMENTS.contains(&name);
    match (tree.kind(parent), tree.field(node)) {
        (NodeKind::With, Field::Environment) => true,
        (NodeKind::Apply, Field::Argument) => {
            let function = tree.child(parent, Field::Function).map(|function| tree.slice(function));
            function.is_some_and(|function| function.rsplit('.').next() == Some("attrValues"))
        }
        (NodeKind::Binding, _) => {
            let path = nix::attr_path(tree, parent);
            let name = path.and_then(|path| path.last()?.text.as_ref().map(ToString::to_string));
            name.is_some_and(|name| is_followed(&name))
        }
        (NodeKind::InheritedAttrs | NodeKind::Inherit | NodeKind::InheritFrom, _) => is_followed(tree.slice(node)),
        _ => false,
    }
}

/// Whether a use refers to a name from a `with` of the entry's new group, and the new name has another meaning in the
/// body of that `with`: it comes from an outer `with`, or is a built-in function.
fn captures_in_body(tree: &Tree<'_>, registry: &Registry, found: &Use, old: &[String], new: &[String]) -> bool {
    let Some((last, group)) = new.split_last() else { return false };
    let is_new = !old.starts_with(group) || old.get(group.len()) != Some(last);
    let is_inside = found.path.len() > group.len() && found.path.starts_with(group);
    if !is_inside || !is_new || !matches!(registry.lookup(new), Lookup::Missing(_)) {
        return false;
    }
    let Some(node) = found.names.get(group.len()).and_then(|name| variable(tree, *name)) else { return false };
    let withs = tree.ancestors(node).filter(|&with| tree.kind(with) == NodeKind::With);
    withs
        .filter_map(|with| tree.child(with, Field::Body))
        .any(|body| uses_name(tree, tree.subtree(body), last, |node| nix::resolve(tree, node, last).is_none()))
}

/// The variable with this span, if there is one.
fn variable(tree: &Tree<'_>, span: Span) -> Option<Node> {
    let inner = tree.covering(span);
    let mut nodes = std::iter::once(inner).chain(tree.ancestors(inner)).take_while(|&node| tree.span(node) == span);
    nodes.find(|&node| tree.kind(node) == NodeKind::Variable)
}

/// Whether a variable or an inherited name among some nodes has this name and satisfies `counts`.
fn uses_name(
    tree: &Tree<'_>,
    mut nodes: impl Iterator<Item = Node>,
    name: &str,
    counts: impl Fn(Node) -> bool,
) -> bool {
    nodes.any(|node| {
        let is_inherited = || {
            let list = tree.parent(node).filter(|&list| tree.kind(list) == NodeKind::InheritedAttrs);
            let inherit = list.and_then(|list| tree.parent(list));
            inherit.is_some_and(|inherit| tree.kind(inherit) == NodeKind::Inherit)
        };
        tree.slice(node) == name && (tree.kind(node) == NodeKind::Variable || is_inherited()) && counts(node)
    })
}

/// Whether a name that a `with` provides would have another meaning at this position if it were `new`. Every other
/// binding takes precedence over a `with`, and an inner `with` over an outer one.
pub fn is_captured(tree: &Tree<'_>, name: Span, new: &str) -> bool {
    let Some(node) = variable(tree, name) else { return false };
    let around = tree.ancestors(node).filter(|&around| tree.kind(around) == NodeKind::With).count();
    around > 1 || nix::resolve(tree, node, new).is_some()
}

/// Whether a definition that is renamed to `new` may shadow another definition of `new` that the surrounding values
/// use.
pub fn captures(tree: &Tree<'_>, definition: Span, new: &str) -> bool {
    let is_around = |&node: &Node| tree.span(node).contains(definition);
    let is_scope =
        |&node: &Node| matches!(tree.kind(node), NodeKind::RecAttrset | NodeKind::LetAttrset | NodeKind::Let);
    tree.nodes().filter(is_scope).any(|node| is_around(&node)) && uses_name(tree, tree.nodes(), new, |_| true)
}
