//! Outputs in a `rec` set. References to each other can be replaced with the same value in `self`.

use super::layout::Edits;
use super::read::{Outputs, What, is_recursive};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Node, NodeKind};

/// Returns the text of a flake whose outputs are no longer `rec`, but refer to each other through `self`. Line numbers
/// do not change. `None` if no set of the outputs is recursive, or if one cannot be written this way.
pub fn through_self(outputs: &Outputs<'_, '_>) -> Option<String> {
    let tree = outputs.tree;
    let own = own_name(outputs)?;
    let mut edits = Edits::default();
    let mut any = false;
    for operand in outputs.operands() {
        let What::Set(set) = operand.what else { continue };
        if !is_recursive(tree, set) {
            continue;
        }
        any = true;
        let start = tree.span(set).start;
        let brace = start + tree.slice(set).find('{')? as u32;
        edits.replace(Span { start, end: brace }, "");
        for node in tree.subtree(set) {
            let Some(from) = nix::read_from(tree, node) else { continue };
            if !is_member_of(outputs, from, tree.slice(node), set) {
                continue;
            }
            // `inherit packages;` cannot contain a selection, and `self` may have another meaning here.
            let is_plain = tree.kind(node) == NodeKind::Variable;
            let means_outputs = nix::resolve(tree, node, own.base) == Some(own.origin);
            if !is_plain || !means_outputs {
                return None;
            }
            edits.replace(tree.span(node), format!("{}.{}", own.path, tree.slice(node)));
        }
    }
    any.then(|| edits.render(tree.text(), Span::new(0, tree.text().len())))
}

/// The name by which the outputs refer to themselves.
struct Own<'a> {
    /// The variable: `self`, or the name for all inputs.
    base: &'a str,
    origin: Origin,
    path: String,
}

fn own_name<'a>(outputs: &Outputs<'_, 'a>) -> Option<Own<'a>> {
    let tree = outputs.tree;
    let body = outputs.body;
    if let Some(origin @ Origin::Argument(binder)) = nix::resolve(tree, body, "self")
        && outputs.is_outer(binder)
    {
        return Some(Own { base: "self", origin, path: "self".to_owned() });
    }
    let base = outputs.whole?;
    let origin = nix::resolve(tree, body, base)?;
    Some(Own { base, origin, path: format!("{base}.self") })
}

/// Whether a name refers to an attribute of a `rec` set.
fn is_member_of(outputs: &Outputs<'_, '_>, from: Node, name: &str, set: Node) -> bool {
    let tree = outputs.tree;
    let owner = match nix::resolve(tree, from, name) {
        Some(Origin::Binding(binding)) => tree.parent(binding).and_then(|bindings| tree.parent(bindings)),
        Some(Origin::Inherited(attr)) => tree.ancestors(attr).nth(3),
        _ => None,
    };
    owner == Some(set)
}
