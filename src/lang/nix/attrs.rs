//! Attribute sets independent of their syntax: dotted names, nested sets, merges and wrappers form one set.

use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// Values are followed to this depth through names, merges and wrappers.
const DEPTH: usize = 32;
/// The maximum number of pieces of a value. Without it, sets that are merged with each other could grow without limit.
const PIECES: usize = 10_000;

/// A part of a value: an expression, and its path within the value.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The attribute path node, and the index of its first name inside the value.
    names: Option<(Node, usize)>,
    /// The expression; `None` if it is inherited.
    pub value: Option<Node>,
}

impl Piece {
    /// A whole expression.
    pub fn whole(value: Node) -> Self {
        Self { names: None, value: Some(value) }
    }

    /// A binding as a piece, without the first `skip` names of its path.
    pub fn of_binding(tree: &Tree<'_>, binding: Node, skip: usize) -> Option<Self> {
        let path = nix::attrpath_node(tree, binding)?;
        let more = nix::names(tree, path).count() > skip;
        Some(Self { names: more.then_some((path, skip)), value: nix::value(tree, binding) })
    }
}

/// An attribute and all its definitions.
#[derive(Debug)]
pub struct Attr {
    /// Its name.
    pub name: String,
    /// The first occurrence of the name.
    pub node: Node,
    /// The pieces of its value.
    pub pieces: Vec<Piece>,
}

impl Attr {
    /// The expression, if the value is a single one.
    pub fn value(&self) -> Option<Node> {
        match self.pieces.as_slice() {
            [Piece { names: None, value }] => *value,
            _ => None,
        }
    }

    /// Whether part of its value comes from an `inherit`.
    pub fn inherited(&self) -> bool {
        self.pieces.iter().any(|piece| piece.value.is_none())
    }
}

/// An attribute set.
#[derive(Debug, Default)]
pub struct Attrs {
    /// Its attributes, in file order.
    pub all: Vec<Attr>,
    /// Whether it may have more attributes, because something is computed.
    pub open: bool,
}

impl Attrs {
    /// Reads the set that the given pieces form.
    pub fn read(tree: &Tree<'_>, pieces: &[Piece]) -> Self {
        let mut attrs = Self::default();
        let mut index = std::collections::HashMap::new();
        for piece in pieces {
            match (piece.names, piece.value) {
                (Some((path, skip)), value) => attrs.add_named(tree, path, skip, value, &mut index),
                (None, Some(value)) => {
                    let (sets, open) = sets(tree, value);
                    attrs.open |= open;
                    for set in sets {
                        attrs.add_set(tree, set, &mut index);
                    }
                }
                (None, None) => attrs.open = true,
            }
        }
        attrs
    }

    /// The attribute with a name.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.all.iter().find(|attr| attr.name == name)
    }

    /// The set that is the value of an attribute.
    pub fn inside(&self, tree: &Tree<'_>, name: &str) -> Self {
        self.get(name).map(|attr| Self::read(tree, &attr.pieces)).unwrap_or_default()
    }

    fn add_set(&mut self, tree: &Tree<'_>, set: Node, index: &mut std::collections::HashMap<String, usize>) {
        let Some(bindings) = tree.child_of_kind(set, NodeKind::BindingSet) else { return };
        for member in tree.children(bindings) {
            match tree.kind(member) {
                NodeKind::Binding => {
                    if let Some(path) = nix::attrpath_node(tree, member) {
                        self.add_named(tree, path, 0, nix::value(tree, member), index);
                    }
                }
                NodeKind::Inherit | NodeKind::InheritFrom => {
                    let Some(names) = tree.child_of_kind(member, NodeKind::InheritedAttrs) else { continue };
                    for node in tree.children(names) {
                        if let Some(name) = nix::name_text(tree, node) {
                            self.add(name.into_owned(), node, Piece { names: None, value: None }, index);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn add_named(
        &mut self,
        tree: &Tree<'_>,
        path: Node,
        skip: usize,
        value: Option<Node>,
        index: &mut std::collections::HashMap<String, usize>,
    ) {
        let mut names = nix::names(tree, path).skip(skip);
        let Some(first) = names.next() else { return };
        let names = names.next().is_some().then_some((path, skip + 1));
        match first.text {
            Some(name) => self.add(name.into_owned(), first.node, Piece { names, value }, index),
            None => self.open = true,
        }
    }

    fn add(&mut self, name: String, node: Node, piece: Piece, index: &mut std::collections::HashMap<String, usize>) {
        match index.get(&name) {
            Some(&at) => {
                if self.all[at].pieces.len() < PIECES {
                    self.all[at].pieces.push(piece);
                }
            }
            None => {
                index.insert(name.clone(), self.all.len());
                self.all.push(Attr { name, node, pieces: vec![piece] });
            }
        }
    }
}

/// The attribute sets that an expression consists of, and whether it contains anything else.
pub fn sets(tree: &Tree<'_>, value: Node) -> (Vec<Node>, bool) {
    let mut found = Vec::new();
    let mut open = false;
    let mut todo = vec![(value, 0)];
    let mut seen = std::collections::HashSet::new();
    while let Some((node, depth)) = todo.pop() {
        if depth > DEPTH || seen.len() > PIECES {
            open = true;
            continue;
        }
        // Repeated sets add nothing, and sets that refer to each other would not terminate.
        if !seen.insert(node) {
            continue;
        }
        match tree.kind(node) {
            NodeKind::Attrset | NodeKind::RecAttrset => found.push(node),
            NodeKind::Binary if is_update(tree, node) => {
                let sides = [Field::Right, Field::Left].into_iter().filter_map(|field| tree.child(node, field));
                todo.extend(sides.map(|side| (side, depth + 1)));
            }
            NodeKind::Variable => match binding_of(tree, node) {
                Some(value) => todo.push((value, depth + 1)),
                None => open = true,
            },
            // The attributes of both branches may exist, and there are no others.
            NodeKind::If => {
                let sides = [Field::Alternative, Field::Consequence].into_iter();
                todo.extend(sides.filter_map(|field| tree.child(node, field)).map(|side| (side, depth + 1)));
            }
            NodeKind::Apply => match merged(tree, node) {
                Some(parts) => todo.extend(parts.into_iter().rev().map(|part| (part, depth + 1))),
                None => open = true,
            },
            _ => match inner(tree, node) {
                Some(inner) => todo.push((inner, depth + 1)),
                None => open = true,
            },
        }
    }
    (found, open)
}

fn is_update(tree: &Tree<'_>, node: Node) -> bool {
    tree.child(node, Field::Operator).is_some_and(|operator| tree.kind(operator) == NodeKind::Update)
}

/// The expression inside a wrapper that returns it unchanged, or the body of a function.
fn inner(tree: &Tree<'_>, node: Node) -> Option<Node> {
    match tree.kind(node) {
        NodeKind::Parenthesized => tree.child(node, Field::Expression),
        NodeKind::Let | NodeKind::With | NodeKind::Assert | NodeKind::Function => tree.child(node, Field::Body),
        _ => None,
    }
}

/// The value that a `let` or a `rec` set in this file binds a name to.
pub fn binding_of(tree: &Tree<'_>, variable: Node) -> Option<Node> {
    match nix::resolve(tree, variable, tree.slice(variable))? {
        nix::Origin::Binding(binding) => {
            let path = nix::attrpath_node(tree, binding)?;
            (nix::names(tree, path).count() == 1).then(|| nix::value(tree, binding))?
        }
        _ => None,
    }
}

/// The arguments that a known `lib` function returns or merges.
fn merged(tree: &Tree<'_>, apply: Node) -> Option<Vec<Node>> {
    let (name, arguments) = nix::call(tree, apply)?;
    match (nix::last_name(&name), arguments.as_slice()) {
        ("mkIf" | "optionalAttrs" | "mkOverride", [_, set]) => Some(vec![*set]),
        ("mkForce" | "mkDefault" | "mkBefore" | "mkAfter", [set]) => Some(vec![*set]),
        ("mkMerge", [list]) => {
            let list = nix::unwrap_parens(tree, *list);
            (tree.kind(list) == NodeKind::List).then(|| items(tree, list).collect())
        }
        ("recursiveUpdate", [left, right]) => Some(vec![*left, *right]),
        _ => None,
    }
}

/// The items in a list.
pub fn items<'t>(tree: &'t Tree<'_>, list: Node) -> impl Iterator<Item = Node> + 't {
    tree.children(list).filter(|&item| tree.kind(item) != NodeKind::Comment)
}

/// A value without the functions that set its priority or convert it to a string. Names are resolved.
pub fn plain(tree: &Tree<'_>, node: Node) -> Node {
    let mut node = node;
    for _ in 0..DEPTH {
        let next = match tree.kind(node) {
            NodeKind::Parenthesized | NodeKind::Let | NodeKind::With | NodeKind::Assert => inner(tree, node),
            NodeKind::Variable => binding_of(tree, node),
            NodeKind::Apply => match nix::call(tree, node) {
                Some((name, arguments)) => match (nix::last_name(&name), arguments.as_slice()) {
                    ("mkForce" | "mkDefault" | "mkBefore" | "mkAfter" | "toString", [value]) => Some(*value),
                    ("mkOverride", [_, value]) => Some(*value),
                    _ => None,
                },
                None => None,
            },
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}

/// The text of a literal string or integer.
pub fn text(tree: &Tree<'_>, node: Node) -> Option<String> {
    let node = plain(tree, node);
    match tree.kind(node) {
        NodeKind::String | NodeKind::IndentedString => {
            nix::literal_string(tree, node).map(std::borrow::Cow::into_owned)
        }
        NodeKind::Integer => Some(tree.slice(node).to_owned()),
        _ => None,
    }
}
