//! Helpers that create a value for each system, recognised by their behaviour: `f: genAttrs systems (system: f ..)` in
//! any form, including `let`, partial application and parameters.

use std::collections::HashMap;

use super::read::{DEPTH, Outputs, single_name};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind};

/// A value that is created for each system: a function applied to every system in a list.
#[derive(Debug, Clone)]
pub struct PerSystem {
    /// The systems.
    pub systems: Systems,
    /// The parameter for the system in the helper, if the arguments use it.
    pub system: Option<Node>,
    /// The arguments of the function.
    pub arguments: Vec<Argument>,
    /// The function, as written where the helper is called.
    pub callback: Node,
    /// The values of the helper's own parameters.
    bound: HashMap<Node, Node>,
    /// The `let` expressions inside the helper.
    lets: Vec<Node>,
}

/// The systems of a helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Systems {
    /// A literal list.
    Written(Node),
    /// The names of the attributes in a set: `nixpkgs.legacyPackages`.
    NamesOf(Node),
    /// The default systems of flake-utils.
    Default,
}

/// An argument of the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The system.
    System,
    /// An expression in the helper.
    Expression(Node),
    /// The attribute of this set that is named after the system.
    At(Node),
}

/// Reduces an application to the value that it creates for each system. `None` if it is not such an application.
pub fn per_system(outputs: &Outputs<'_, '_>, value: Node) -> Option<PerSystem> {
    let tree = outputs.tree;
    let mut reader = Reader { outputs, bound: HashMap::new(), lets: Vec::new(), site: tree.span(value) };
    let value = nix::unwrap_parens(tree, value);
    (tree.kind(value) == NodeKind::Apply).then(|| reader.reduce(value, Vec::new()))?
}

struct Reader<'o, 't, 'a> {
    outputs: &'o Outputs<'t, 'a>,
    bound: HashMap<Node, Node>,
    lets: Vec<Node>,
    site: crate::finding::Span,
}

impl Reader<'_, '_, '_> {
    /// Resolves a parameter to its expression.
    fn look(&self, node: Node) -> Node {
        let tree = self.outputs.tree;
        let mut node = nix::unwrap_parens(tree, node);
        for _ in 0..DEPTH {
            if tree.kind(node) != NodeKind::Variable {
                break;
            }
            match nix::resolve(tree, node, tree.slice(node)) {
                Some(Origin::Argument(parameter)) if self.bound.contains_key(&parameter) => {
                    node = nix::unwrap_parens(tree, self.bound[&parameter]);
                }
                _ => break,
            }
        }
        node
    }

    fn reduce(&mut self, head: Node, arguments: Vec<Node>) -> Option<PerSystem> {
        let tree = self.outputs.tree;
        let (mut head, mut arguments) = (head, arguments);
        for _ in 0..DEPTH {
            head = self.look(head);
            match tree.kind(head) {
                NodeKind::Apply => {
                    arguments.insert(0, tree.child(head, Field::Argument)?);
                    head = tree.child(head, Field::Function)?;
                }
                NodeKind::Function if !arguments.is_empty() => {
                    let parameter = tree.child(head, Field::Universal)?;
                    if tree.child_of_kind(head, NodeKind::Formals).is_some() || self.bound.contains_key(&parameter) {
                        return None;
                    }
                    self.bound.insert(parameter, arguments.remove(0));
                    head = tree.child(head, Field::Body)?;
                }
                NodeKind::Let => {
                    self.lets.push(head);
                    head = tree.child(head, Field::Body)?;
                }
                NodeKind::Variable => match nix::resolve(tree, head, tree.slice(head)) {
                    Some(Origin::Binding(binding)) if single_name(tree, binding).is_some() => {
                        let value = nix::value(tree, binding)?;
                        if let Some(found) = self.library(head, &arguments) {
                            return Some(found);
                        }
                        head = value;
                    }
                    _ => return self.library(head, &arguments),
                },
                NodeKind::Select => return self.library(head, &arguments),
                _ => return None,
            }
        }
        None
    }

    /// Reduces an application of a function from the nixpkgs library or flake-utils.
    fn library(&self, head: Node, arguments: &[Node]) -> Option<PerSystem> {
        let name = self.function_name(head)?;
        match (name.as_str(), arguments) {
            ("genAttrs" | "eachSystemMap", [systems, function]) => {
                self.called(Systems::Written(self.look(*systems)), *function, &[])
            }
            ("listToAttrs", [list]) => self.listed(self.look(*list)),
            ("eachDefaultSystemMap", [function]) => self.called(Systems::Default, *function, &[]),
            ("mapAttrs", [function, set]) => {
                let set = self.look(*set);
                let path = self.outputs.canonical(set)?;
                (path.len() == 2 && path[1] == "legacyPackages")
                    .then(|| self.called(Systems::NamesOf(set), *function, &[Argument::At(set)]))?
            }
            _ => None,
        }
    }

    /// Reduces the list for `listToAttrs`: `map (system: { name = system; value = ..; }) systems`.
    fn listed(&self, list: Node) -> Option<PerSystem> {
        let tree = self.outputs.tree;
        let (name, arguments) = nix::call(tree, list)?;
        let [function, systems] = arguments.as_slice() else { return None };
        if nix::last_name(&name) != "map" || self.is_at_site(*function) {
            return None;
        }
        self.called(Systems::Written(self.look(*systems)), *function, &[])
    }

    fn function_name(&self, head: Node) -> Option<String> {
        let tree = self.outputs.tree;
        if let Some(name) = self.outputs.flake_utils(head) {
            return Some(name).filter(|name| name.starts_with("each"));
        }
        let name = match tree.kind(head) {
            NodeKind::Variable => match nix::resolve(tree, head, tree.slice(head)) {
                Some(Origin::Inherited(_)) | None => tree.slice(head).to_owned(),
                Some(Origin::Binding(binding)) => {
                    // `genAttrs = lib.genAttrs;`
                    let value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
                    return (tree.kind(value) == NodeKind::Select).then(|| self.function_name(value))?;
                }
                Some(Origin::Argument(_)) => return None,
            },
            NodeKind::Select => nix::names(tree, tree.child(head, Field::Attrpath)?).last()?.text?.into_owned(),
            _ => return None,
        };
        matches!(name.as_str(), "genAttrs" | "mapAttrs" | "listToAttrs").then_some(name)
    }

    /// Reduces a function that is called with each system: the callback itself, or a function in the helper that calls
    /// it.
    fn called(&self, systems: Systems, function: Node, more: &[Argument]) -> Option<PerSystem> {
        let tree = self.outputs.tree;
        let (function, bound) = self.applied(function)?;
        let reader = Reader { outputs: self.outputs, bound, lets: self.lets.clone(), site: self.site };
        reader.called_with(systems, function, more, tree)
    }

    /// Applies a function to some of its arguments. Returns the remaining function, and the values of its parameters.
    fn applied(&self, function: Node) -> Option<(Node, HashMap<Node, Node>)> {
        let tree = self.outputs.tree;
        let mut bound = self.bound.clone();
        let mut head = self.look(function);
        let mut arguments = Vec::new();
        while tree.kind(head) == NodeKind::Apply && !self.is_at_site(head) {
            arguments.insert(0, tree.child(head, Field::Argument)?);
            head = self.look(tree.child(head, Field::Function)?);
        }
        if arguments.is_empty() {
            return Some((head, bound));
        }
        if let Some(Origin::Binding(binding)) = nix::resolve(tree, head, tree.slice(head)) {
            single_name(tree, binding)?;
            head = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        }
        for argument in arguments {
            let parameter = tree.child(head, Field::Universal).filter(|_| tree.kind(head) == NodeKind::Function)?;
            if tree.child_of_kind(head, NodeKind::Formals).is_some() || bound.insert(parameter, argument).is_some() {
                return None;
            }
            head = nix::unwrap_parens(tree, tree.child(head, Field::Body)?);
        }
        Some((head, bound))
    }

    fn called_with(
        &self,
        systems: Systems,
        function: Node,
        more: &[Argument],
        tree: &crate::lang::Tree<'_>,
    ) -> Option<PerSystem> {
        let found = |system, arguments, callback, lets| PerSystem {
            systems,
            system,
            arguments,
            callback,
            bound: self.bound.clone(),
            lets,
        };
        if self.is_at_site(function) {
            let arguments = std::iter::once(Argument::System).chain(more.iter().copied()).collect();
            return Some(found(None, arguments, function, self.lets.clone()));
        }
        if tree.kind(function) != NodeKind::Function
            || !more.is_empty()
            || tree.child_of_kind(function, NodeKind::Formals).is_some()
        {
            return None;
        }
        let system = tree.child(function, Field::Universal)?;
        let mut lets = self.lets.clone();
        let mut body = self.look(tree.child(function, Field::Body)?);
        while tree.kind(body) == NodeKind::Let {
            lets.push(body);
            body = self.look(tree.child(body, Field::Body)?);
        }
        if let Some(value) = self.pair_value(body, system) {
            body = value;
        }
        let mut arguments = Vec::new();
        let mut head = body;
        while tree.kind(head) == NodeKind::Apply {
            let argument = nix::unwrap_parens(tree, tree.child(head, Field::Argument)?);
            arguments.insert(0, self.argument(argument, system));
            head = self.look(tree.child(head, Field::Function)?);
            if self.is_at_site(head) {
                return Some(found(Some(system), arguments, head, lets));
            }
        }
        None
    }

    /// The value of `{ name = system; value = ..; }`.
    fn pair_value(&self, set: Node, system: Node) -> Option<Node> {
        let tree = self.outputs.tree;
        let named = |name: &str| {
            let all = super::read::members(tree, set);
            let found = all.into_iter().find(|&member| {
                tree.kind(member) == NodeKind::Binding && single_name(tree, member).as_deref() == Some(name)
            })?;
            nix::value(tree, found).map(|value| self.look(value))
        };
        let is_pair = tree.kind(set) == NodeKind::Attrset && super::read::members(tree, set).len() == 2;
        let name = named("name").filter(|_| is_pair)?;
        (self.argument(name, system) == Argument::System).then(|| named("value"))?
    }

    fn argument(&self, node: Node, system: Node) -> Argument {
        let tree = self.outputs.tree;
        let is_system = tree.kind(node) == NodeKind::Variable
            && nix::resolve(tree, node, tree.slice(node)) == Some(Origin::Argument(system));
        if is_system { Argument::System } else { Argument::Expression(node) }
    }

    /// Whether a node is part of the call of the helper, not of the helper itself.
    fn is_at_site(&self, node: Node) -> bool {
        self.site.contains(self.outputs.tree.span(node))
    }
}

impl PerSystem {
    /// An expression in the helper, rewritten for the scope of the outputs, with `system` as the system. `None` if it
    /// cannot be expressed there.
    pub fn outside(&self, outputs: &Outputs<'_, '_>, node: Node) -> Option<String> {
        let tree = outputs.tree;
        let node = self.through(outputs, node);
        let mut edits = super::layout::Edits::default();
        for inner in tree.subtree(node) {
            let Some(from) = nix::read_from(tree, inner) else { continue };
            match nix::resolve(tree, from, tree.slice(inner)) {
                None => {}
                Some(Origin::Argument(binder)) if Some(binder) == self.system => {
                    let is_other = tree.slice(inner) != "system";
                    // `inherit sys;` would change the name of the attribute.
                    if is_other && tree.kind(inner) != NodeKind::Variable {
                        return None;
                    }
                    if is_other {
                        edits.replace(tree.span(inner), "system");
                    }
                }
                Some(Origin::Argument(binder)) if self.bound.contains_key(&binder) => {
                    let value = nix::unwrap_parens(tree, self.bound[&binder]);
                    (tree.kind(value) == NodeKind::Variable && tree.slice(value) == tree.slice(inner)).then_some(())?;
                }
                Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                    let inside = tree.span(node).contains(tree.span(binder));
                    (inside || outputs.is_outer(binder)).then_some(())?;
                }
            }
        }
        Some(edits.render(tree.text(), tree.span(node)))
    }

    /// The expression for a name in the helper's own `let`, or for a parameter.
    fn through(&self, outputs: &Outputs<'_, '_>, node: Node) -> Node {
        let tree = outputs.tree;
        let mut node = nix::unwrap_parens(tree, node);
        for _ in 0..DEPTH {
            if tree.kind(node) != NodeKind::Variable {
                break;
            }
            let next = match nix::resolve(tree, node, tree.slice(node)) {
                Some(Origin::Binding(binding))
                    if self.lets.iter().any(|&found| outputs.is_let_member(found, binding)) =>
                {
                    single_name(tree, binding).and_then(|_| nix::value(tree, binding))
                }
                Some(Origin::Argument(parameter)) => self.bound.get(&parameter).copied(),
                _ => None,
            };
            match next {
                Some(next) => node = nix::unwrap_parens(tree, next),
                None => break,
            }
        }
        node
    }

    /// The set that an argument resolves to, as written in the helper. `None` if it is not a set.
    pub fn set(&self, outputs: &Outputs<'_, '_>, argument: Node) -> Option<Node> {
        let node = self.through(outputs, argument);
        (outputs.tree.kind(node) == NodeKind::Attrset).then_some(node)
    }
}

/// Resolves `X.${system}` to the value for a system, where `X` is a set in the outer `let` that is created for each
/// system. Returns the text of the value with `system` as the system, and the set's binding.
pub fn element(outputs: &Outputs<'_, '_>, node: Node, is_system: &dyn Fn(Node) -> bool) -> Option<(String, Node)> {
    let tree = outputs.tree;
    let node = nix::unwrap_parens(tree, node);
    if tree.kind(node) != NodeKind::Select || tree.child(node, Field::Default).is_some() {
        return None;
    }
    let base = nix::unwrap_parens(tree, tree.child(node, Field::Expression)?);
    let mut names = tree.children(tree.child(node, Field::Attrpath)?);
    let at_system = names.next().is_some_and(|name| interpolates(outputs, name, is_system)) && names.next().is_none();
    if !at_system || tree.kind(base) != NodeKind::Variable {
        return None;
    }
    let Some(Origin::Binding(binding)) = nix::resolve(tree, base, tree.slice(base)) else { return None };
    if !outputs.is_outer(binding) || single_name(tree, binding).is_none() {
        return None;
    }
    let made = per_system(outputs, nix::value(tree, binding)?)?;
    let [Argument::System] = made.arguments.as_slice() else { return None };
    let callback = made.callback;
    if tree.kind(callback) != NodeKind::Function || tree.child_of_kind(callback, NodeKind::Formals).is_some() {
        return None;
    }
    let inner = PerSystem { system: tree.child(callback, Field::Universal), ..made };
    Some((inner.outside(outputs, tree.child(callback, Field::Body)?)?, binding))
}

/// Whether a name in an attribute path is `${system}` or `"${system}"`, with a variable for which `is_system` returns
/// true.
pub fn interpolates(outputs: &Outputs<'_, '_>, name: Node, is_system: &dyn Fn(Node) -> bool) -> bool {
    let tree = outputs.tree;
    let interpolation = match tree.kind(name) {
        NodeKind::Interpolation => Some(name),
        NodeKind::String => {
            let mut parts = tree.children(name);
            parts.next().filter(|&part| tree.kind(part) == NodeKind::Interpolation && parts.next().is_none())
        }
        _ => None,
    };
    let inner = interpolation.and_then(|node| tree.child(node, Field::Expression));
    inner
        .map(|node| nix::unwrap_parens(tree, node))
        .is_some_and(|node| tree.kind(node) == NodeKind::Variable && is_system(node))
}
