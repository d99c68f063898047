//! Function applications. Nested applications, which pass several arguments, are treated as one call.

use crate::finding::Span;
use crate::lang::nix;
use crate::lang::{Field, Node, NodeKind, Tree};

/// The function of an application, without its arguments.
pub fn function(tree: &Tree<'_>, apply: Node) -> Option<Node> {
    let mut node = apply;
    while tree.kind(node) == NodeKind::Apply {
        node = nix::unwrap_parens(tree, tree.child(node, Field::Function)?);
    }
    Some(node)
}

/// The span of the applied function, for messages.
pub fn function_span(tree: &Tree<'_>, apply: Node) -> Span {
    tree.span(function(tree, apply).unwrap_or(apply))
}

/// The function name and the arguments of an application that is not the function of another application.
pub fn whole_call<'a>(tree: &Tree<'a>, apply: Node) -> Option<(&'a str, Vec<Node>)> {
    if tree.field(apply) == Field::Function {
        return None;
    }
    let name = last_name(tree, function(tree, apply)?)?;
    let mut arguments = Vec::new();
    let mut node = apply;
    while tree.kind(node) == NodeKind::Apply {
        arguments.push(nix::unwrap_parens(tree, tree.child(node, Field::Argument)?));
        node = nix::unwrap_parens(tree, tree.child(node, Field::Function)?);
    }
    arguments.reverse();
    Some((name, arguments))
}

/// The last name of a variable or selection.
pub fn last_name<'a>(tree: &Tree<'a>, node: Node) -> Option<&'a str> {
    match tree.kind(node) {
        NodeKind::Variable => Some(tree.slice(node)),
        NodeKind::Select => {
            let name = tree.children(tree.child(node, Field::Attrpath)?).last()?;
            (tree.kind(name) == NodeKind::Identifier).then(|| tree.slice(name))
        }
        _ => None,
    }
}

/// The function that `map` calls for each element: `map outputs systems`, `map (system: outputs system) systems`.
pub fn mapped_function(tree: &Tree<'_>, list: Node) -> Option<Node> {
    let (name, arguments) = whole_call(tree, list)?;
    let function = match (name, arguments.as_slice()) {
        ("map" | "concatMap", [function, _]) | ("forEach", [_, function]) => *function,
        _ => return None,
    };
    if tree.kind(function) != NodeKind::Function {
        return Some(function);
    }
    let body = nix::unwrap_parens(tree, tree.child(function, Field::Body)?);
    let called = (tree.kind(body) == NodeKind::Apply).then(|| self::function(tree, body)).flatten();
    Some(called.unwrap_or(function))
}
