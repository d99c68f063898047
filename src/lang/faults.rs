//! Syntax errors of a tree: ERROR nodes, and MISSING tokens that the grammar inserted.

use super::{Node, NodeKind, Tree};

/// The innermost errors of a tree, in order: an ERROR node can span a whole file, and the errors inside it are more
/// precise.
pub fn faults<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = Node> + use<'t, 'a> {
    tree.nodes().filter(move |&node| is_fault(tree, node) && !holds_another(tree, node))
}

fn is_fault(tree: &Tree<'_>, node: Node) -> bool {
    tree.made_up(node).is_some() || tree.kind(node) == NodeKind::Error
}

/// Whether an error contains another one. The search stops at the first nested error, so the searches for all errors
/// together take linear time.
fn holds_another(tree: &Tree<'_>, node: Node) -> bool {
    tree.subtree(node).skip(1).any(|inner| is_fault(tree, inner))
}
