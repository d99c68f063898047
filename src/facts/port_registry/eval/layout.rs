//! A set as written, with dotted, nested and mixed definitions of one attribute merged the way Nix's parser merges
//! them.

use std::collections::HashMap;
use std::rc::Rc;

use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// The maximum length of an attribute path. Longer ones do not occur in real files.
const PATH: usize = 32;

/// The definitions of a set.
#[derive(Debug, Default)]
pub struct Layout {
    /// Whether its values can refer to its names.
    pub recursive: bool,
    /// The definitions with a literal name, in order.
    pub members: Vec<Member>,
    /// Definitions with a computed first name: the name's node and the definition.
    pub computed: Vec<(Node, Rc<Body>)>,
    /// The index of each name in `members`.
    index: HashMap<Rc<str>, usize>,
}

/// A named definition.
#[derive(Debug)]
pub struct Member {
    /// The name.
    pub name: Rc<str>,
    /// Its span.
    pub span: Span,
    /// Its definition.
    pub body: Rc<Body>,
}

/// The definition of a name.
#[derive(Debug)]
pub enum Body {
    /// `x = expression;`
    Expression(Node),
    /// `x.y = ..;`, or a set that further definitions were merged into.
    Set(Layout),
    /// `inherit x;`
    Outer,
    /// `inherit (source) x;`
    From(Node),
    /// Defined twice (which is also an error in Nix), or nested too deeply.
    Unreadable,
}

impl Layout {
    /// Reads a set: an attribute set of any kind, or a `let`.
    pub fn read(tree: &Tree<'_>, set: Node) -> Self {
        let recursive = !matches!(tree.kind(set), NodeKind::Attrset);
        let mut layout = Self { recursive, ..Self::default() };
        layout.add_all(tree, set, 0);
        layout
    }

    /// A name without a readable definition in this set or in the sets merged into it.
    pub fn unreadable(&self) -> Option<&str> {
        self.members.iter().find_map(|member| match &*member.body {
            Body::Unreadable => Some(&*member.name),
            Body::Set(layout) => layout.unreadable(),
            _ => None,
        })
    }

    /// The number of definitions read, including those in sets merged into it.
    pub fn work(&self) -> usize {
        let nested = self.members.iter().map(|member| match &*member.body {
            Body::Set(layout) => layout.work(),
            _ => 0,
        });
        self.members.len() + self.computed.len() + nested.sum::<usize>()
    }

    fn add_all(&mut self, tree: &Tree<'_>, set: Node, depth: usize) {
        let Some(bindings) = tree.child_of_kind(set, NodeKind::BindingSet) else { return };
        for member in tree.children(bindings) {
            match tree.kind(member) {
                NodeKind::Binding => self.add_binding(tree, member, depth),
                NodeKind::Inherit | NodeKind::InheritFrom => self.add_inherit(tree, member),
                _ => {}
            }
        }
    }

    fn add_inherit(&mut self, tree: &Tree<'_>, inherit: Node) {
        let source = tree.child(inherit, Field::Expression);
        let Some(attrs) = tree.child_of_kind(inherit, NodeKind::InheritedAttrs) else { return };
        for attr in tree.children(attrs) {
            let Some(name) = nix::name_text(tree, attr) else { continue };
            let body = match source {
                Some(source) => Body::From(source),
                None => Body::Outer,
            };
            self.define(&name, tree.span(attr), body);
        }
    }

    fn add_binding(&mut self, tree: &Tree<'_>, binding: Node, depth: usize) {
        let (Some(path), Some(value)) = (nix::attrpath_node(tree, binding), nix::value(tree, binding)) else { return };
        let names: Vec<Node> = tree.children(path).filter(|&node| tree.kind(node) != NodeKind::Comment).collect();
        if names.len() <= PATH {
            self.insert(tree, &names, value, depth);
        } else if let Some(&first) = names.first()
            && let Some(name) = nix::name_text(tree, first)
        {
            self.define(&name, tree.span(first), Body::Unreadable);
        }
    }

    /// Adds the definition for a path of names to this set and the nested ones.
    fn insert(&mut self, tree: &Tree<'_>, names: &[Node], value: Node, depth: usize) {
        let Some((&first, rest)) = names.split_first() else { return };
        let Some(name) = nix::name_text(tree, first) else {
            let body = if rest.is_empty() { Body::Expression(value) } else { nested(tree, rest, value, depth) };
            self.computed.push((first, Rc::new(body)));
            return;
        };
        let span = tree.span(first);
        let Some(known) = self.known(&name) else {
            let body = if rest.is_empty() { Body::Expression(value) } else { nested(tree, rest, value, depth) };
            return self.push(&name, span, body);
        };
        match known.as_set(tree) {
            Some(set) if !rest.is_empty() => set.insert(tree, rest, value, depth + 1),
            Some(set) if is_set(tree, value) && depth < PATH => {
                set.add_all(tree, nix::unwrap_parens(tree, value), depth + 1);
            }
            _ => known.body = Rc::new(Body::Unreadable),
        }
    }

    fn define(&mut self, name: &str, span: Span, body: Body) {
        match self.known(name) {
            Some(known) => known.body = Rc::new(Body::Unreadable),
            None => self.push(name, span, body),
        }
    }

    fn known(&mut self, name: &str) -> Option<&mut Member> {
        self.members.get_mut(*self.index.get(name)?)
    }

    fn push(&mut self, name: &str, span: Span, body: Body) {
        let name: Rc<str> = Rc::from(name);
        self.index.insert(name.clone(), self.members.len());
        self.members.push(Member { name, span, body: Rc::new(body) });
    }
}

impl Member {
    /// The definition as a set that others can be merged into, if it is written as a set.
    fn as_set(&mut self, tree: &Tree<'_>) -> Option<&mut Layout> {
        if let Body::Expression(value) = *self.body
            && is_set(tree, value)
        {
            self.body = Rc::new(Body::Set(Layout::read(tree, nix::unwrap_parens(tree, value))));
        }
        match Rc::get_mut(&mut self.body) {
            Some(Body::Set(layout)) => Some(layout),
            _ => None,
        }
    }
}

fn is_set(tree: &Tree<'_>, node: Node) -> bool {
    matches!(tree.kind(nix::unwrap_parens(tree, node)), NodeKind::Attrset | NodeKind::RecAttrset)
}

fn nested(tree: &Tree<'_>, names: &[Node], value: Node, depth: usize) -> Body {
    let mut layout = Layout::default();
    layout.insert(tree, names, value, depth + 1);
    Body::Set(layout)
}
