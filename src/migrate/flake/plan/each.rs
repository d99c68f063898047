//! Outputs that a single call creates for each system, such as `eachDefaultSystem (system: { .. })`.

use super::segment::remove_member;
use super::{Body, Plan, Planner, TRANSPOSED, binding_named};
use crate::finding::Span;
use crate::lang::nix::Origin;
use crate::lang::{Field, Node, NodeKind, nix};
use crate::migrate::flake::helper::Systems;
use crate::migrate::flake::layout::Edits;
use crate::migrate::flake::read::{Operand, Outputs, What, single_name};
use crate::migrate::flake::{helper, read};

/// A call to a flake-utils function whose argument is a function of the system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) systems: Systems,
    pub(super) function: Node,
}

/// The call to `eachSystem` or `eachDefaultSystem` in an operand.
pub(super) fn each_call(outputs: &Outputs<'_, '_>, operand: &Operand) -> Option<Call> {
    let What::Other(node) = operand.what else { return None };
    let tree = outputs.tree;
    let (mut head, mut arguments) = (bound(outputs, node), Vec::new());
    while tree.kind(head) == NodeKind::Apply {
        arguments.insert(0, nix::unwrap_parens(tree, tree.child(head, Field::Argument)?));
        head = nix::unwrap_parens(tree, tree.child(head, Field::Function)?);
        // `eachSystem = flake-utils.lib.eachSystem systems;`
        if tree.kind(head) == NodeKind::Variable
            && outputs.flake_utils(head).is_none()
            && let Some(Origin::Binding(binding)) = nix::resolve(tree, head, tree.slice(head))
            && single_name(tree, binding).is_some()
        {
            head = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        }
    }
    match (outputs.flake_utils(head)?.as_str(), arguments.as_slice()) {
        ("eachDefaultSystem", [function]) => Some(Call { systems: Systems::Default, function: *function }),
        ("eachSystem", [systems, function]) => Some(Call { systems: Systems::Written(*systems), function: *function }),
        _ => None,
    }
}

/// The value of a name in the outer `let`: `perSystem = eachDefaultSystem (..);`. Other nodes are returned unchanged.
fn bound(outputs: &Outputs<'_, '_>, node: Node) -> Node {
    let tree = outputs.tree;
    let value = || {
        let Origin::Binding(binding) = nix::resolve(tree, node, tree.slice(node))? else { return None };
        single_name(tree, binding).filter(|_| outputs.is_outer(binding))?;
        nix::value(tree, binding)
    };
    let named = (tree.kind(node) == NodeKind::Variable).then(value).flatten();
    named.map_or(node, |value| nix::unwrap_parens(tree, value))
}

impl Planner<'_, '_, '_> {
    /// Removes `pkgs = ..` from the body's own `let`, because it becomes the `pkgs` argument of flake-parts. Returns
    /// `None` if `pkgs` stays in the `let`, `Some(None)` if it is flake-parts' default, and the expression otherwise.
    pub(super) fn own_packages(
        &self,
        body: &Body,
        is_system: &dyn Fn(Node) -> bool,
        edits: &mut Edits,
        plan: &mut Plan,
    ) -> Option<Option<(String, u32)>> {
        let tree = self.outputs.tree;
        let set = *body.sets.first().filter(|_| body.plain)?;
        let (found, binding) = binding_named(tree, &body.lets, "pkgs")?;
        let value = nix::value(tree, binding)?;
        let element = helper::element(self.outputs, value, is_system);
        if let Some((_, map)) = &element {
            plan.candidates.extend(single_name(tree, *map));
        }
        let (text, start) = match &element {
            Some((text, map)) => (text.clone(), self.element_start(*map)),
            None => (edits.render(self.text(), tree.span(value)), tree.span(value).start),
        };
        // Inside a `rec` set, the names would refer to its members.
        let names = read::defined_by(tree, set)?;
        let captured = tree
            .subtree(value)
            .any(|node| nix::read_from(tree, node).is_some() && names.iter().any(|name| name == tree.slice(node)));
        if tree.kind(set) == NodeKind::RecAttrset && captured {
            return None;
        }
        // As `_module.args.pkgs`, the value would refer to itself.
        let own = tree.subtree(value).any(|node| nix::read_from(tree, node).is_some() && tree.slice(node) == "pkgs");
        let depends = body.lets.iter().any(|&other| other != found && tree.span(found).contains(tree.span(other)))
            && tree.subtree(value).any(|node| {
                matches!(
                    nix::read_from(tree, node).and_then(|from| nix::resolve(tree, from, tree.slice(node))),
                    Some(Origin::Binding(_))
                )
            });
        // Whether any `pkgs` in the body refers to something outside the body.
        let other = tree.subtree(body.node).any(|node| {
            nix::read_from(tree, node).is_some_and(|from| {
                tree.slice(node) == "pkgs"
                    && match nix::resolve(tree, from, "pkgs") {
                        Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                            !tree.span(body.node).contains(tree.span(binder))
                        }
                        None => true,
                    }
            })
        });
        if own || depends || other {
            return None;
        }
        remove_member(tree, found, binding, edits);
        let is_default = self.is_default(value, is_system, &text);
        Some((!is_default).then_some((text, start)))
    }

    /// The offset of the value in a set that is created for each system.
    pub(super) fn element_start(&self, map: Node) -> u32 {
        let tree = self.outputs.tree;
        let made = nix::value(tree, map).and_then(|value| helper::per_system(self.outputs, value));
        let body = made.and_then(|made| tree.child(made.callback, Field::Body));
        tree.span(body.map_or(map, |body| nix::unwrap_parens(tree, body))).start
    }

    /// Whether an expression is flake-parts' default for `pkgs`.
    pub(super) fn is_default(&self, node: Node, is_system: &dyn Fn(Node) -> bool, text: &str) -> bool {
        let tree = self.outputs.tree;
        let node = nix::unwrap_parens(tree, node);
        if tree.kind(node) != NodeKind::Select || tree.child(node, Field::Default).is_some() {
            let plain: String = text.split_whitespace().collect();
            return plain == "nixpkgs.legacyPackages.${system}" && self.is_nixpkgs_input();
        }
        let Some(path) = tree.child(node, Field::Attrpath) else { return false };
        let names: Vec<Node> = tree.children(path).collect();
        let Some((last, rest)) = names.split_last() else { return false };
        if !helper::interpolates(self.outputs, *last, is_system) {
            return false;
        }
        self.path_to(node, rest).is_some_and(|path| path == ["nixpkgs", "legacyPackages"])
    }

    pub(super) fn is_nixpkgs_input(&self) -> bool {
        let tree = self.outputs.tree;
        self.outputs.formals.is_some_and(|formals| {
            tree.children(formals)
                .any(|formal| tree.child(formal, Field::Name).is_some_and(|name| tree.slice(name) == "nixpkgs"))
        })
    }

    /// The canonical path of a selection's base, followed by some of the selected names.
    pub(super) fn path_to(&self, select: Node, names: &[Node]) -> Option<Vec<String>> {
        let tree = self.outputs.tree;
        let base = nix::unwrap_parens(tree, tree.child(select, Field::Expression)?);
        let from_all = tree.kind(base) == NodeKind::Variable
            && Some(tree.slice(base)) == self.outputs.whole
            && matches!(nix::resolve(tree, base, tree.slice(base)), Some(Origin::Argument(found))
                if self.outputs.tree.child(self.outputs.function, Field::Universal) == Some(found));
        let mut path = if from_all { Vec::new() } else { self.outputs.canonical(base)? };
        for name in names {
            path.push(nix::name_text(tree, *name)?.into_owned());
        }
        if path.len() > 2 && path[0] == "self" && path[1] == "inputs" {
            path.drain(..2);
        }
        Some(path)
    }

    /// Shortens `self.packages.${system}` to `self'.packages`, and `x.packages.${system}` to `inputs'.x.packages`.
    pub(super) fn name_inputs(&self, within: Node, is_system: &dyn Fn(Node) -> bool, edits: &mut Edits) {
        let tree = self.outputs.tree;
        for select in tree.subtree(within).filter(|&node| tree.kind(node) == NodeKind::Select) {
            if tree.child(select, Field::Default).is_some() {
                continue;
            }
            let Some(path) = tree.child(select, Field::Attrpath) else { continue };
            let names: Vec<Node> = tree.children(path).collect();
            let Some(at) = names.iter().position(|&name| helper::interpolates(self.outputs, name, is_system)) else {
                continue;
            };
            let Some(found) = self.path_to(select, &names[..at]) else { continue };
            let [input, output] = found.as_slice() else { continue };
            if !TRANSPOSED.contains(&output.as_str()) {
                continue;
            }
            let new = match (input.as_str(), self.outputs.flake.input(input)) {
                ("self", _) => format!("self'.{output}"),
                (_, Some(found)) if found.is_flake => format!("inputs'.{input}.{output}"),
                _ => continue,
            };
            let span = Span { start: tree.span(select).start, end: tree.span(names[at]).end };
            edits.replace(span, new);
        }
    }
}
