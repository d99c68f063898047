//! Where a grammar could not read a text: errors, and tokens that it made up to go on.

use super::{Node, NodeKind, Tree};

/// The innermost faults of a tree, in order: an error can span a whole file, and what is inside says more exactly where
/// the reading failed.
pub fn faults<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = Node> + use<'t, 'a> {
    tree.nodes().filter(move |&node| is_fault(tree, node) && !holds_another(tree, node))
}

fn is_fault(tree: &Tree<'_>, node: Node) -> bool {
    tree.made_up(node).is_some() || tree.kind(node) == NodeKind::Error
}

/// What is read until the first fault inside is read for no other fault, so this stays linear.
fn holds_another(tree: &Tree<'_>, node: Node) -> bool {
    tree.subtree(node).skip(1).any(|inner| is_fault(tree, inner))
}
