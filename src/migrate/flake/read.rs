//! Reads the outputs of a flake.nix for a migration: the function, the scope, and the sets that form the outputs.

use super::Refusal;
use crate::lang::flake::Flake;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The maximum number of steps when a name is followed to its definition.
pub const DEPTH: usize = 24;

/// The outputs function of a flake.
pub struct Outputs<'t, 'a> {
    /// The parsed flake.nix.
    pub tree: &'t Tree<'a>,
    /// Its inputs.
    pub flake: Flake,
    /// The function.
    pub function: Node,
    /// The set of its named arguments, if it has one.
    pub formals: Option<Node>,
    /// The name for the set of all its arguments, if it has one.
    pub whole: Option<&'a str>,
    /// The `let` expressions around the body, outermost first.
    pub lets: Vec<Node>,
    /// The `let` expressions around operands of the body. They are placed around the new body.
    pub inner_lets: Vec<Node>,
    /// The environments of the `with` expressions around the body.
    pub withs: Vec<Node>,
    /// The expression that evaluates to the outputs.
    pub body: Node,
}

/// An operand of the `//` that forms the outputs.
#[derive(Debug, Clone)]
pub struct Operand {
    /// The whole operand.
    pub node: Node,
    /// The `let` expressions around its set.
    pub lets: Vec<Node>,
    /// Its kind.
    pub what: What,
}

/// The kinds of operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A literal set.
    Set(Node),
    /// Anything else.
    Other(Node),
}

/// What a name or selection refers to, as a path that starts with an input, as far as it can be followed: `["nixpkgs",
/// "lib", "genAttrs"]`.
pub type Canonical = Vec<String>;

impl<'t, 'a> Outputs<'t, 'a> {
    /// Reads the outputs of a flake.nix. The error is the reason why they cannot be read.
    pub fn read(tree: &'t Tree<'a>) -> Result<Self, Refusal> {
        let odd =
            |why: &str| Refusal::new(None, why, "write flake.nix as one attribute set with `inputs` and `outputs`");
        let root = tree.children(tree.root()).find(|&node| tree.kind(node) != NodeKind::Comment);
        let root = root.map(|node| nix::unwrap_parens(tree, node)).filter(|&node| is_set(tree, node));
        let root = root.ok_or_else(|| odd("the file is not an attribute set"))?;
        let flake = Flake::read(tree).ok_or_else(|| odd("the file is not an attribute set"))?;
        if !flake.complete {
            let todo = "write every input as `inputs.<name>.url = \"..\";`, so that flake-parts can be added";
            return Err(Refusal::new(Some(flake.place.start), "the inputs are computed or inherited", todo));
        }
        let value = members(tree, root)
            .into_iter()
            .filter(|&member| tree.kind(member) == NodeKind::Binding)
            .find(|&member| single_name(tree, member).as_deref() == Some("outputs"))
            .and_then(|binding| nix::value(tree, binding))
            .map(|value| nix::unwrap_parens(tree, value))
            .ok_or_else(|| odd("there is no attribute `outputs`"))?;
        if tree.kind(value) != NodeKind::Function {
            let todo = "write `outputs = { self, nixpkgs, .. }: ..` in this file";
            return Err(Refusal::new(
                Some(tree.span(value).start),
                "`outputs` is not defined as a function here",
                todo,
            ));
        }
        let whole = tree.child(value, Field::Universal).map(|node| tree.slice(node));
        let formals = tree.child_of_kind(value, NodeKind::Formals);
        let body = tree.child(value, Field::Body).ok_or_else(|| odd("`outputs` has no body"))?;
        let mut outputs = Self {
            tree,
            flake,
            function: value,
            formals,
            whole,
            lets: vec![],
            inner_lets: vec![],
            withs: vec![],
            body,
        };
        outputs.strip();
        outputs.inner_lets = outputs.operands().into_iter().flat_map(|operand| operand.lets).collect();
        Ok(outputs)
    }

    /// Follows `let`, `with` and parentheses to the expression that evaluates to the outputs.
    fn strip(&mut self) {
        for _ in 0..DEPTH {
            let next = match self.tree.kind(self.body) {
                NodeKind::Let => {
                    self.lets.push(self.body);
                    self.tree.child(self.body, Field::Body)
                }
                NodeKind::With => {
                    self.withs.extend(self.tree.child(self.body, Field::Environment));
                    self.tree.child(self.body, Field::Body)
                }
                NodeKind::Parenthesized => self.tree.child(self.body, Field::Expression),
                _ => None,
            };
            match next {
                Some(next) => self.body = next,
                None => return,
            }
        }
    }

    /// The operands of the body, from left to right.
    pub fn operands(&self) -> Vec<Operand> {
        let mut operands = Vec::new();
        self.split(self.body, &mut operands);
        operands
    }

    fn split(&self, node: Node, out: &mut Vec<Operand>) {
        let tree = self.tree;
        let bare = nix::unwrap_parens(tree, node);
        let is_update =
            tree.child(bare, Field::Operator).is_some_and(|operator| tree.kind(operator) == NodeKind::Update);
        if tree.kind(bare) == NodeKind::Binary && is_update {
            for side in [Field::Left, Field::Right] {
                if let Some(side) = tree.child(bare, side) {
                    self.split(side, out);
                }
            }
            return;
        }
        let (mut lets, mut inner) = (Vec::new(), bare);
        while tree.kind(inner) == NodeKind::Let {
            lets.push(inner);
            match tree.child(inner, Field::Body) {
                Some(body) => inner = nix::unwrap_parens(tree, body),
                None => break,
            }
        }
        let what = if is_set(tree, inner) { What::Set(inner) } else { What::Other(bare) };
        let lets = if is_set(tree, inner) { lets } else { Vec::new() };
        out.push(Operand { node, lets, what });
    }

    /// Whether a binding belongs to the scope around the body.
    pub fn is_outer(&self, binder: Node) -> bool {
        let span = self.tree.span(binder);
        let in_head = self.formals.is_some_and(|formals| self.tree.span(formals).contains(span));
        let universal = self.tree.child(self.function, Field::Universal) == Some(binder);
        in_head || universal || self.lets.iter().chain(&self.inner_lets).any(|&found| self.is_let_member(found, binder))
    }

    /// Whether a binder is a direct member of a `let`.
    pub fn is_let_member(&self, found: Node, binder: Node) -> bool {
        let tree = self.tree;
        let set = tree.child_of_kind(found, NodeKind::BindingSet);
        let parent = match tree.kind(binder) {
            NodeKind::Binding => tree.parent(binder),
            // A name inside an `inherit`: its ancestors are the list, the `inherit` and the set.
            _ => tree.parent(binder).and_then(|list| tree.parent(list)).and_then(|inherit| tree.parent(inherit)),
        };
        set.is_some() && set == parent
    }

    /// What an expression refers to, as a path that starts with an input or `self`. `None` if it cannot be followed.
    pub fn canonical(&self, node: Node) -> Option<Canonical> {
        self.follow(node, 0)
    }

    fn follow(&self, node: Node, depth: usize) -> Option<Canonical> {
        if depth > DEPTH {
            return None;
        }
        let tree = self.tree;
        let node = nix::unwrap_parens(tree, node);
        match tree.kind(node) {
            NodeKind::Variable => self.follow_name(node, tree.slice(node), depth),
            NodeKind::Select if tree.child(node, Field::Default).is_none() => {
                let base = nix::unwrap_parens(tree, tree.child(node, Field::Expression)?);
                let mut names: Vec<String> = Vec::new();
                for name in nix::names(tree, tree.child(node, Field::Attrpath)?) {
                    names.push(name.text?.into_owned());
                }
                let from_all = tree.kind(base) == NodeKind::Variable
                    && Some(tree.slice(base)) == self.whole
                    && self.resolves_to_whole(base);
                let mut path = if from_all { Vec::new() } else { self.follow(base, depth + 1)? };
                path.extend(names);
                // `self.inputs.x` is the input `x`.
                if path.len() > 2 && path[0] == "self" && path[1] == "inputs" {
                    path.drain(..2);
                }
                Some(path)
            }
            _ => None,
        }
    }

    fn resolves_to_whole(&self, variable: Node) -> bool {
        let universal = self.tree.child(self.function, Field::Universal);
        matches!(nix::resolve(self.tree, variable, self.tree.slice(variable)), Some(Origin::Argument(found)) if Some(found) == universal)
    }

    fn follow_name(&self, from: Node, name: &str, depth: usize) -> Option<Canonical> {
        let tree = self.tree;
        match nix::resolve(tree, from, name) {
            Some(Origin::Argument(formal)) => {
                let own = self.formals.is_some_and(|formals| tree.parent(formal) == Some(formals));
                own.then(|| vec![name.to_owned()])
            }
            Some(Origin::Binding(binding)) => {
                single_name(tree, binding)?;
                self.follow(nix::value(tree, binding)?, depth + 1)
            }
            Some(Origin::Inherited(attr)) => {
                let inherit = tree.parent(tree.parent(attr)?)?;
                match tree.kind(inherit) {
                    NodeKind::InheritFrom => {
                        let mut path = self.follow_source(tree.child(inherit, Field::Expression)?, depth)?;
                        path.push(name.to_owned());
                        Some(path)
                    }
                    _ => {
                        let outside = tree.parent(tree.parent(inherit)?)?;
                        self.follow_name(outside, name, depth + 1)
                    }
                }
            }
            None => self.follow_with(name, depth),
        }
    }

    /// The path of a source of names: empty for the set of all inputs, or else as in [`Self::canonical`].
    fn follow_source(&self, node: Node, depth: usize) -> Option<Canonical> {
        let bare = nix::unwrap_parens(self.tree, node);
        if self.tree.kind(bare) == NodeKind::Variable && Some(self.tree.slice(bare)) == self.whole {
            return self.resolves_to_whole(bare).then(Vec::new);
        }
        self.follow(bare, depth + 1)
    }

    /// The path of a name that a `with` around the body provides. `None` unless there is exactly one `with`.
    fn follow_with(&self, name: &str, depth: usize) -> Option<Canonical> {
        let [only] = self.withs.as_slice() else { return None };
        let mut path = self.follow_source(*only, depth)?;
        let known = !path.is_empty() || self.flake.input(name).is_some() || name == "self";
        path.push(name.to_owned());
        known.then_some(path)
    }

    /// The flake-utils function that an expression refers to: `eachDefaultSystem`.
    pub fn flake_utils(&self, node: Node) -> Option<String> {
        let path = self.canonical(node)?;
        match path.as_slice() {
            [input, lib, name] if lib == "lib" && self.is_flake_utils(input) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether an input is flake-utils.
    pub fn is_flake_utils(&self, name: &str) -> bool {
        let Some(input) = self.flake.input(name) else { return name == "flake-utils" };
        let url = input.url.as_ref().map(|url| url.value.to_ascii_lowercase());
        let of_attrs = |key: &str| input.attrs.get(key).map(|text| text.value.to_ascii_lowercase());
        match url {
            Some(url) => {
                let address = url.trim_start_matches("flake:").split(['?', '#']).next().unwrap_or("").to_owned();
                let path = address.trim_start_matches("github:");
                address == "flake-utils"
                    || (address != path && (path == "numtide/flake-utils" || path.starts_with("numtide/flake-utils/")))
                    || address.trim_end_matches(".git").ends_with("github.com/numtide/flake-utils")
            }
            None => match (of_attrs("owner"), of_attrs("repo")) {
                (Some(owner), Some(repo)) => owner == "numtide" && repo == "flake-utils",
                _ => name == "flake-utils",
            },
        }
    }
}

/// Whether a node is an attribute set.
pub fn is_set(tree: &Tree<'_>, node: Node) -> bool {
    matches!(tree.kind(node), NodeKind::Attrset | NodeKind::RecAttrset)
}

/// The members of an attribute set or `let`: bindings and inherits.
pub fn members(tree: &Tree<'_>, set: Node) -> Vec<Node> {
    let bindings = tree.child_of_kind(set, NodeKind::BindingSet);
    let all = bindings.into_iter().flat_map(|bindings| tree.children(bindings));
    all.filter(|&node| matches!(tree.kind(node), NodeKind::Binding | NodeKind::Inherit | NodeKind::InheritFrom))
        .collect()
}

/// The name of a binding, if its path is a single literal name.
pub fn single_name(tree: &Tree<'_>, binding: Node) -> Option<String> {
    let mut names = nix::names(tree, nix::attrpath_node(tree, binding)?);
    let first = names.next()?.text?.into_owned();
    names.next().is_none().then_some(first)
}

/// The first names in the paths that a member defines. `None` if one is computed.
pub fn defined(tree: &Tree<'_>, member: Node) -> Option<Vec<String>> {
    match tree.kind(member) {
        NodeKind::Binding => {
            let first = nix::names(tree, nix::attrpath_node(tree, member)?).next()?.text?;
            Some(vec![first.into_owned()])
        }
        _ => {
            let Some(attrs) = tree.child_of_kind(member, NodeKind::InheritedAttrs) else { return Some(Vec::new()) };
            let names = tree.children(attrs).filter(|&node| tree.kind(node) != NodeKind::Comment);
            names.map(|node| nix::name_text(tree, node).map(|name| name.into_owned())).collect()
        }
    }
}

/// The top-level names that a set defines. `None` if one is computed.
pub fn defined_by(tree: &Tree<'_>, set: Node) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for member in members(tree, set) {
        all.extend(defined(tree, member)?);
    }
    Some(all)
}

/// Whether the members of a `rec` set refer to each other.
pub fn is_recursive(tree: &Tree<'_>, set: Node) -> bool {
    if tree.kind(set) != NodeKind::RecAttrset {
        return false;
    }
    tree.subtree(set).any(|node| {
        let Some(from) = nix::read_from(tree, node) else { return false };
        match nix::resolve(tree, from, tree.slice(node)) {
            Some(Origin::Binding(found)) => tree.parent(found).and_then(|bindings| tree.parent(bindings)) == Some(set),
            Some(Origin::Inherited(found)) => {
                tree.parent(found)
                    .and_then(|list| tree.parent(list))
                    .and_then(|inherit| tree.parent(inherit))
                    .and_then(|bindings| tree.parent(bindings))
                    == Some(set)
            }
            _ => false,
        }
    })
}
