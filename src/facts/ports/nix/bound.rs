//! The literal numbers that names in the same file are bound to.

use super::Collector;
use crate::facts::ports::flow::{self, Sink};
use crate::lang::nix::{self, Origin, attrs};
use crate::lang::{Field, Node, NodeKind};

impl Collector<'_, '_> {
    /// The literal that a selection refers to, if it selects from a set in this file, and its number.
    pub(super) fn member_literal(&self, select: Node) -> Option<(Node, u32)> {
        let literal = nix::member(self.tree, select)?;
        Some((literal, self.number(literal)?))
    }

    /// The literals in a set in this file from which a computed name selects one (`ports.${node}`), and their numbers.
    pub(super) fn computed_member(&mut self, select: Node) -> Vec<(Node, u32)> {
        let tree = self.tree;
        let path = tree.child(select, Field::Attrpath);
        let is_computed = path.is_some_and(|path| {
            let mut names = nix::names(tree, path);
            names.next().is_some_and(|name| name.text.is_none()) && names.next().is_none()
        });
        let root = tree.child(select, Field::Expression).map(|root| nix::unwrap_parens(tree, root));
        let Some(root) = root.filter(|&root| is_computed && tree.kind(root) == NodeKind::Variable) else {
            return Vec::new();
        };
        // All selections from a set refer to the same numbers.
        match nix::resolve(tree, root, tree.slice(root)) {
            Some(Origin::Binding(binding)) if self.selected_sets.insert(binding) => self.bound_elements(root),
            _ => Vec::new(),
        }
    }

    /// An attribute name with interpolations whose variables this file binds to literal strings: `wiki-db` for
    /// `"${app}-db"` after `let app = "wiki";`. `None` if the name depends on anything else.
    pub(super) fn bound_name(&self, name: Node) -> Option<String> {
        let tree = self.tree;
        let bound = |interpolation: Node| {
            let variable = tree.child(interpolation, Field::Expression)?;
            let variable =
                Some(nix::unwrap_parens(tree, variable)).filter(|&node| tree.kind(node) == NodeKind::Variable);
            let value = nix::unwrap_parens(tree, attrs::binding_of(tree, variable?)?);
            let text = (tree.kind(value) == NodeKind::String).then(|| nix::literal_string(tree, value))??;
            (!text.is_empty()).then_some(text)
        };
        match tree.kind(name) {
            NodeKind::Interpolation => bound(name).map(std::borrow::Cow::into_owned),
            NodeKind::String => tree
                .children(name)
                .map(|part| match tree.kind(part) {
                    NodeKind::StringFragment => Some(tree.slice(part).into()),
                    NodeKind::Interpolation => bound(part),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }

    /// The literal that a name is bound to in this file, and its number.
    pub(super) fn bound_literal(&self, variable: Node) -> Option<(Node, u32)> {
        let tree = self.tree;
        let value = match nix::resolve(tree, variable, tree.slice(variable))? {
            Origin::Binding(binding) => {
                let single = tree.children(nix::attrpath_node(tree, binding)?).count() == 1;
                nix::value(tree, binding).filter(|_| single)?
            }
            Origin::Argument(formal) if tree.kind(formal) == NodeKind::Formal => tree.child(formal, Field::Default)?,
            _ => return None,
        };
        let value = nix::unwrap_parens(tree, value);
        let literal = flow::integer(tree, value).or_else(|| (tree.kind(value) == NodeKind::String).then_some(value))?;
        let number = tree.slice(literal).trim_matches('"').parse().ok()?;
        (1..=65535).contains(&number).then_some((literal, number))
    }

    /// The literals in the list or set that a name is bound to in this file, with their numbers.
    pub(super) fn bound_elements(&self, variable: Node) -> Vec<(Node, u32)> {
        let tree = self.tree;
        let Some(Origin::Binding(binding)) = nix::resolve(tree, variable, tree.slice(variable)) else {
            return Vec::new();
        };
        let is_single = nix::attrpath_node(tree, binding).is_some_and(|path| tree.children(path).count() == 1);
        let Some(value) = nix::value(tree, binding).filter(|_| is_single) else { return Vec::new() };
        let value = nix::unwrap_parens(tree, value);
        let is_set = matches!(tree.kind(value), NodeKind::Attrset | NodeKind::RecAttrset);
        if !is_set && !matches!(tree.kind(value), NodeKind::List | NodeKind::Binary | NodeKind::Apply | NodeKind::If) {
            return Vec::new();
        }
        if is_set && self.describes(value) {
            return Vec::new();
        }
        let home = |node: Node| match flow::flow(tree, node) {
            flow::Flow { sink: Sink::Binding(home), arithmetic: None } => Some(home),
            _ => None,
        };
        let is_element = |node: Node| match home(node) {
            Some(home) if is_set => tree.parent(tree.parent(home)?).filter(|&set| set == value).map(drop),
            Some(home) => (home == binding).then_some(()),
            None => None,
        };
        let literals = tree.subtree(value).filter_map(|node| Some((node, self.number(node)?)));
        literals.filter(|&(node, _)| is_element(node).is_some()).collect()
    }

    /// Whether a member of a set is a string of several words: such a set describes something, and is not a set of
    /// ports.
    fn describes(&self, set: Node) -> bool {
        let tree = self.tree;
        let members = tree.child_of_kind(set, NodeKind::BindingSet).into_iter().flat_map(|set| tree.children(set));
        let mut values = members.filter_map(|member| nix::value(tree, member));
        values.any(|value| tree.kind(value) == NodeKind::String && tree.slice(value).contains(' '))
    }

    /// The bounds of the range that a name is bound to in this file: `range = { from = 8000; to = 8010; };`.
    pub(super) fn bound_ends(&self, variable: Node) -> Vec<(Node, u32)> {
        let tree = self.tree;
        let Some(Origin::Binding(binding)) = nix::resolve(tree, variable, tree.slice(variable)) else {
            return Vec::new();
        };
        let Some(range) = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value)) else {
            return Vec::new();
        };
        let is_end = |literal: Node| match flow::flow(tree, literal) {
            flow::Flow { sink: Sink::Binding(end), arithmetic: None } => {
                let is_member = tree.parent(end).and_then(|set| tree.parent(set)) == Some(range);
                is_member && nix::attrpath_node(tree, end).is_some_and(|name| matches!(tree.slice(name), "from" | "to"))
            }
            _ => false,
        };
        let literals = tree.subtree(range).filter_map(|node| Some((node, self.number(node)?)));
        literals.filter(|&(node, _)| is_end(node)).collect()
    }

    /// The value of a literal, if it may be a port.
    pub(super) fn number(&self, literal: Node) -> Option<u32> {
        let is_literal = matches!(self.tree.kind(literal), NodeKind::Integer | NodeKind::String);
        let number = is_literal.then(|| self.tree.slice(literal).trim_matches('"').parse().ok()).flatten()?;
        (1..=65535).contains(&number).then_some(number)
    }
}
