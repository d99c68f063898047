//! Errors that make Nix reject a file before evaluating anything. If there is such an error, nothing in the file has a
//! known value.

use std::collections::HashMap;

use super::builtins;
use super::layout::Layout;
use crate::facts::port_registry::eval::formal_names;
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// A description of the first error in a file.
pub fn find(tree: &Tree<'_>) -> Option<String> {
    if tree.broken() {
        return Some("the file has syntax errors".to_owned());
    }
    let mut scopes = Scopes::default();
    for node in tree.nodes() {
        scopes.leave(tree.span(node).start);
        match tree.kind(node) {
            NodeKind::Integer if tree.slice(node).parse::<i64>().is_err() => {
                return Some(format!("the integer {} is too large", tree.slice(node)));
            }
            NodeKind::Attrset | NodeKind::RecAttrset | NodeKind::LetAttrset | NodeKind::Let => {
                let layout = Layout::read(tree, node);
                if let Some(name) = layout.unreadable() {
                    return Some(format!("`{name}` is defined twice"));
                }
                if layout.recursive {
                    scopes.enter(tree.span(node).end, layout.members.iter().map(|member| member.name.to_string()));
                }
            }
            NodeKind::Function => scopes.enter(tree.span(node).end, arguments(tree, node)),
            NodeKind::With => scopes.enter_with(tree, node),
            NodeKind::Variable | NodeKind::Identifier if scopes.lacks(tree, node) => {
                return Some(format!("`{}` is not defined in this file", tree.slice(node)));
            }
            _ => {}
        }
    }
    None
}

fn arguments<'t>(tree: &'t Tree<'_>, function: Node) -> impl Iterator<Item = String> + 't {
    let whole = tree.child(function, Field::Universal).map(|name| tree.slice(name));
    let formals = tree.child_of_kind(function, NodeKind::Formals).into_iter();
    let named = formals.flat_map(|formals| formal_names(tree, formals)).map(|(name, _)| name);
    whole.into_iter().chain(named).map(str::to_owned)
}

/// The names in scope during a walk through the file.
#[derive(Default)]
struct Scopes {
    /// The end of each scope, and its names.
    open: Vec<(u32, Vec<String>)>,
    /// The number of open scopes that bind a name.
    bound: HashMap<String, usize>,
    /// The end of the outermost `with` body: inside it, any name may be bound.
    with: u32,
}

impl Scopes {
    fn enter(&mut self, end: u32, names: impl Iterator<Item = String>) {
        let names: Vec<String> = names.collect();
        for name in &names {
            *self.bound.entry(name.clone()).or_default() += 1;
        }
        self.open.push((end, names));
    }

    fn enter_with(&mut self, tree: &Tree<'_>, with: Node) {
        // The `with` does not apply to its own set. The span includes it all the same, which can only hide an error.
        self.with = self.with.max(tree.span(with).end);
    }

    fn leave(&mut self, at: u32) {
        while let Some((_, names)) = self.open.pop_if(|(end, _)| *end <= at) {
            for name in names {
                if let Some(count) = self.bound.get_mut(&name) {
                    *count -= 1;
                }
            }
        }
    }

    /// Whether a node refers to an unbound name.
    fn lacks(&self, tree: &Tree<'_>, node: Node) -> bool {
        let Some(from) = nix::read_from(tree, node) else { return false };
        let name = tree.slice(node);
        // In a `rec` set or a `let`, `inherit x;` binds `x`, but does not refer to that binding.
        let own = tree.kind(node) == NodeKind::Identifier && tree.kind(from) != NodeKind::Attrset;
        let bound = self.bound.get(name).copied().unwrap_or(0);
        bound <= usize::from(own)
            && tree.span(node).start >= self.with
            && builtins::global(name).is_none()
            && !name.starts_with("__")
    }
}
