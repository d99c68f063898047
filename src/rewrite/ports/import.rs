//! The name by which a Nix file refers to the registry, and the import that adds such a name.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use crate::facts::port_registry::{Call, dotted};
use crate::finding::{Edit, Span};
use crate::lang::nix::path::path_of;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::paths;
use crate::source::Source;

use super::lines::{indent_unit, line_of, starts_line};
use super::{Shape, Target};

/// The maximum depth to which aliases are followed.
const DEPTH: usize = 8;

/// Names for the imported registry, in order of preference.
const NAMES: [&str; 5] = ["ports", "portRegistry", "registeredPorts", "ports'", "portRegistry'"];

/// The names for a registry in a file. They are the same for every number in the file.
#[derive(Debug)]
pub struct Names<'a> {
    /// For each scope, the names that refer to the registry or a part of it.
    known: BTreeMap<Node, Vec<Known<'a>>>,
    /// A free name for a new import.
    free: OnceCell<Option<&'static str>>,
    /// For each scope, its import or the reason why it cannot have one.
    added: RefCell<BTreeMap<Scope, Result<Import, String>>>,
}

/// A name that refers to the part of the registry at a path.
#[derive(Debug)]
struct Known<'a> {
    name: &'a str,
    origin: Origin,
    below: Vec<String>,
}

impl<'a> Names<'a> {
    /// Reads the names that refer to the registry in a file.
    pub fn read(tree: &Tree<'a>, source: &Source, target: &Target<'_>) -> Self {
        let reader = Reader { tree, source, target };
        let known_in = |scope| {
            let names = bound_names(tree, scope).into_iter();
            let known = names.filter_map(|(name, origin)| {
                let below = reader.origin(origin, name, DEPTH)?;
                Some(Known { name, origin, below })
            });
            Some((scope, known.collect::<Vec<_>>())).filter(|(_, known)| !known.is_empty())
        };
        Self { known: tree.nodes().filter_map(known_in).collect(), free: OnceCell::new(), added: RefCell::default() }
    }

    /// The expression for a target's entry, through a name in scope that already refers to the registry or to a part of
    /// it that contains the entry. `None` if there is no such name.
    pub fn reference(&self, tree: &Tree<'_>, digits: Span, target: &Target<'_>) -> Option<String> {
        if self.known.is_empty() {
            return None;
        }
        let from = tree.covering(digits);
        let scopes = tree.ancestors(from).filter_map(|scope| self.known.get(&scope)).flatten();
        let visible = scopes.filter(|known| {
            // A binding that refers to its own name would recurse infinitely.
            let inside = matches!(known.origin, Origin::Binding(binding) if tree.span(binding).contains(digits));
            !inside && nix::resolve(tree, from, known.name) == Some(known.origin)
        });
        let fitting =
            visible.filter(|known| known.below.len() < target.entry.len() && target.entry.starts_with(&known.below));
        let best = fitting.min_by_key(|known| known.below.len())?;
        Some(select(best.name, &target.entry[best.below.len()..]))
    }
}

/// An import to add.
#[derive(Debug, Clone)]
pub struct Import {
    /// The name that the import is bound to.
    pub name: String,
    /// The edit that writes it.
    pub edit: Edit,
}

/// The import to add, so that a reference to the registry can replace the digits. The error is the reason why no import
/// can be added without changing the result of evaluation.
pub fn added(
    tree: &Tree<'_>,
    source: &Source,
    names: &Names<'_>,
    digits: Span,
    target: &Target<'_>,
) -> Result<Import, String> {
    let scope = scope_for(tree, source, digits).ok_or("a flake.nix can import files only in `outputs`")?;
    if let Some(known) = names.added.borrow().get(&scope) {
        return known.clone();
    }
    let import = added_in(tree, source, names, scope, target);
    names.added.borrow_mut().insert(scope, import.clone());
    import
}

/// The import to add to a scope.
fn added_in(
    tree: &Tree<'_>,
    source: &Source,
    names: &Names<'_>,
    scope: Scope,
    target: &Target<'_>,
) -> Result<Import, String> {
    let registry = target.registry;
    let argument = argument(tree, scope, target)?;
    let name = *names.free.get_or_init(|| free_name(tree, source, target));
    let name = name.ok_or("every candidate name for the import is already in use here")?;
    let path = relative(&source.path, registry)
        .ok_or_else(|| format!("the path {registry} cannot be written as a Nix path"))?;
    let binding = format!("{name} = import {path}{argument};");
    let (at, text) = match scope {
        Scope::Let(node) => in_let(tree, node, &binding),
        Scope::Around(node) => around(tree, node, &binding),
    };
    let edit = Edit { path: source.path.clone(), span: Span { start: at, end: at }, text };
    Ok(Import { name: name.to_owned(), edit })
}

/// The argument after the path in an import of the registry, built from names that are in scope.
fn argument(tree: &Tree<'_>, scope: Scope, target: &Target<'_>) -> Result<String, String> {
    let registry = target.registry;
    if let Some(name) = lacking(tree, scope, target) {
        return Err(format!("{registry} requires the argument `{name}`, which is not available in this file"));
    }
    match target.shape {
        Shape::Set => Ok(String::new()),
        Shape::Closed(why) => Err(format!("{registry} {why}")),
        Shape::Function(Call::Any { name }) if name.starts_with('_') => Ok(" { }".to_owned()),
        Shape::Function(Call::Any { name }) => Ok(format!(" {name}")),
        Shape::Function(Call::Set { required, .. }) if required.is_empty() => Ok(" { }".to_owned()),
        Shape::Function(Call::Set { required, .. }) => Ok(format!(" {{ inherit {}; }}", required.join(" "))),
    }
}

/// The first argument that the registry requires but that is not in scope, if there is one.
fn lacking<'t>(tree: &Tree<'_>, scope: Scope, target: &Target<'t>) -> Option<&'t str> {
    let from = match scope {
        Scope::Let(node) => tree.child(node, Field::Body).unwrap_or(node),
        Scope::Around(node) => node,
    };
    let is_unknown = |name: &&String| nix::resolve(tree, from, name).is_none();
    let Shape::Function(call) = target.shape else { return None };
    let name = match call {
        Call::Any { name } => Some(name).filter(|name| !name.starts_with('_')).filter(is_unknown),
        Call::Set { required, .. } => required.iter().find(is_unknown),
    };
    name.map(String::as_str)
}

/// The first argument that importing the registry requires but that is not in scope at these digits, if there is one.
pub fn missing_argument<'t>(tree: &Tree<'_>, source: &Source, digits: Span, target: &Target<'t>) -> Option<&'t str> {
    lacking(tree, scope_for(tree, source, digits)?, target)
}

/// Selects an entry from a name: `ports.databases.redis`.
pub fn select(name: &str, entry: &[String]) -> String {
    format!("{name}.{}", dotted(entry))
}

/// An attribute name in Nix syntax, quoted if necessary.
pub fn attribute(name: &str) -> String {
    dotted(&[name.to_owned()])
}

/// The scope for a new binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// In this `let`.
    Let(Node),
    /// In a new `let` around this expression.
    Around(Node),
}

/// The scope for a new import: the first `let` after any function heads, `with` and `assert` at the start of the file
/// (in a flake.nix, of `outputs`), or else the expression after them. `None` if no import is possible there: in a
/// flake.nix, outside the function `outputs`.
fn scope_for(tree: &Tree<'_>, source: &Source, digits: Span) -> Option<Scope> {
    let is_flake = source.file_name() == "flake.nix";
    let mut node = if is_flake { outputs(tree)? } else { tree.child(tree.root(), Field::Expression)? };
    if !tree.span(node).contains(digits) {
        return None;
    }
    let mut in_function = false;
    loop {
        let inner = match tree.kind(node) {
            // The value of a flake's outputs must be a literal function.
            NodeKind::Let if in_function || !is_flake => return Some(Scope::Let(node)),
            NodeKind::Function | NodeKind::With | NodeKind::Assert => tree.child(node, Field::Body),
            _ => None,
        };
        match inner.filter(|&inner| tree.span(inner).contains(digits)) {
            Some(inner) => {
                in_function |= tree.kind(node) == NodeKind::Function;
                node = inner;
            }
            None => return (in_function || !is_flake).then_some(Scope::Around(node)),
        }
    }
}

/// The value of `outputs` in a flake.nix, if the file defines it directly. Nix requires the rest of the file to be
/// literal.
fn outputs(tree: &Tree<'_>) -> Option<Node> {
    let flake = tree.child(tree.root(), Field::Expression).filter(|&node| tree.kind(node) == NodeKind::Attrset)?;
    let set = tree.child_of_kind(flake, NodeKind::BindingSet)?;
    tree.children(set)
        .filter(|&node| tree.kind(node) == NodeKind::Binding)
        .find(|&node| nix::attrpath_node(tree, node).is_some_and(|path| tree.slice(path) == "outputs"))
        .and_then(|binding| nix::value(tree, binding))
}

/// The first of [`NAMES`] that the file uses for nothing but the registry. An unbound name counts as used, because a
/// `with` may provide it. `None` if all names are in use.
fn free_name(tree: &Tree<'_>, source: &Source, target: &Target<'_>) -> Option<&'static str> {
    let reader = Reader { tree, source, target };
    NAMES.into_iter().find(|name| !tree.nodes().any(|node| reader.takes(node, name)))
}

/// Determines which part of the registry the expressions in a file refer to.
struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    source: &'t Source,
    target: &'t Target<'t>,
}

impl Reader<'_, '_> {
    /// Whether a node binds or refers to this name with a meaning other than the registry.
    fn takes(&self, node: Node, name: &str) -> bool {
        let tree = self.tree;
        let is_name = || tree.slice(node) == name;
        match tree.kind(node) {
            NodeKind::Variable => {
                is_name() && !nix::resolve(tree, node, name).is_some_and(|origin| self.is_registry(origin, name))
            }
            NodeKind::Identifier if tree.field(node) == Field::Universal => is_name(),
            NodeKind::Formal => tree.child(node, Field::Name).is_some_and(|node| tree.slice(node) == name),
            // `inherit ports;` refers to the name. In a `let` or `rec`, it also binds it.
            NodeKind::Inherit | NodeKind::InheritFrom => {
                let attrs = tree.child_of_kind(node, NodeKind::InheritedAttrs);
                let named = attrs.is_some_and(|attrs| {
                    tree.children(attrs).any(|attr| nix::name_text(tree, attr).as_deref() == Some(name))
                });
                named && (tree.kind(node) == NodeKind::Inherit || is_scope_member(tree, node))
            }
            NodeKind::Binding if is_scope_member(tree, node) => {
                let first = nix::attrpath_node(tree, node).and_then(|path| tree.children(path).next());
                first.is_some_and(|first| nix::name_text(tree, first).as_deref() == Some(name))
                    && !self.is_registry(Origin::Binding(node), name)
            }
            _ => false,
        }
    }

    fn is_registry(&self, origin: Origin, name: &str) -> bool {
        self.origin(origin, name, DEPTH).is_some_and(|below| below.is_empty())
    }

    /// The part of the registry that a name refers to, as a path from its root. `None` if it may refer to something
    /// else.
    fn origin(&self, origin: Origin, name: &str, depth: usize) -> Option<Vec<String>> {
        let tree = self.tree;
        match origin {
            Origin::Binding(binding) => {
                let path = nix::attrpath_node(tree, binding)?;
                (tree.children(path).count() == 1).then(|| self.part(nix::value(tree, binding)?, depth)).flatten()
            }
            Origin::Inherited(attr) => {
                let inherit = tree.parent(tree.parent(attr)?)?;
                if tree.kind(inherit) != NodeKind::InheritFrom {
                    return None;
                }
                let mut below = self.part(tree.child(inherit, Field::Expression)?, depth)?;
                below.push(name.to_owned());
                Some(below)
            }
            Origin::Argument(_) => None,
        }
    }

    /// The part of the registry that an expression evaluates to. `None` if it may evaluate to something else.
    fn part(&self, expression: Node, depth: usize) -> Option<Vec<String>> {
        let tree = self.tree;
        let depth = depth.checked_sub(1)?;
        let node = nix::unwrap_parens(tree, expression);
        match tree.kind(node) {
            NodeKind::Apply => self.is_import(node).then(Vec::new),
            NodeKind::Variable => {
                let name = tree.slice(node);
                self.origin(nix::resolve(tree, node, name)?, name, depth)
            }
            NodeKind::Select if tree.child(node, Field::Default).is_none() => {
                let mut below = self.part(tree.child(node, Field::Expression)?, depth)?;
                for name in nix::names(tree, tree.child(node, Field::Attrpath)?) {
                    below.push(name.text?.into_owned());
                }
                Some(below)
            }
            _ => None,
        }
    }

    /// Whether a call imports the registry, with arguments that fit the registry's shape.
    fn is_import(&self, apply: Node) -> bool {
        let Some((function, arguments)) = nix::call(self.tree, apply) else { return false };
        if !matches!(&*function, "import" | "builtins.import") || nix::resolve(self.tree, apply, "import").is_some() {
            return false;
        }
        let [path, rest @ ..] = arguments.as_slice() else { return false };
        let called = match (self.target.shape, rest) {
            (Shape::Set, []) => true,
            (Shape::Function(call), [argument]) => self.target.settled || self.leaves_defaults(call, *argument),
            _ => false,
        };
        let path = nix::unwrap_parens(self.tree, *path);
        called && path_of(&self.source.path, self.tree, path).is_some_and(|path| self.is_registry_path(&path))
    }

    /// Whether an argument is guaranteed to leave all optional arguments of the function at their defaults.
    fn leaves_defaults(&self, call: &Call, argument: Node) -> bool {
        let tree = self.tree;
        let Call::Set { optional, .. } = call else { return true };
        let argument = nix::unwrap_parens(tree, argument);
        if !matches!(tree.kind(argument), NodeKind::Attrset | NodeKind::RecAttrset) {
            return false;
        }
        let members = tree.child_of_kind(argument, NodeKind::BindingSet).into_iter().flat_map(|set| tree.children(set));
        let attrs = members.flat_map(|member| {
            let attrs = match tree.kind(member) {
                NodeKind::Binding => nix::attrpath_node(tree, member),
                _ => tree.child_of_kind(member, NodeKind::InheritedAttrs),
            };
            let count = if tree.kind(member) == NodeKind::Binding { 1 } else { usize::MAX };
            attrs.into_iter().flat_map(|attrs| tree.children(attrs)).take(count)
        });
        attrs.filter(|&attr| tree.kind(attr) != NodeKind::Comment).all(|attr| {
            let name = nix::name_text(tree, attr);
            name.is_some_and(|name| !optional.iter().any(|optional| *optional == name))
        })
    }

    fn is_registry_path(&self, path: &str) -> bool {
        let registry = self.target.registry;
        path == registry || registry.strip_prefix(path).is_some_and(|rest| rest == "/default.nix")
    }
}

/// Whether a member of a set is in scope for the other members, as in a `let` or a `rec` set.
fn is_scope_member(tree: &Tree<'_>, member: Node) -> bool {
    let set = tree.parent(member).and_then(|set| tree.parent(set));
    set.is_some_and(|set| matches!(tree.kind(set), NodeKind::Let | NodeKind::LetAttrset | NodeKind::RecAttrset))
}

/// The names that a scope binds, other than by function arguments.
fn bound_names<'a>(tree: &Tree<'a>, scope: Node) -> Vec<(&'a str, Origin)> {
    if !matches!(tree.kind(scope), NodeKind::Let | NodeKind::LetAttrset | NodeKind::RecAttrset) {
        return Vec::new();
    }
    let Some(set) = tree.child_of_kind(scope, NodeKind::BindingSet) else { return Vec::new() };
    let mut names = Vec::new();
    for member in tree.children(set) {
        match tree.kind(member) {
            NodeKind::Binding => {
                let first = nix::attrpath_node(tree, member).and_then(|path| tree.children(path).next());
                let first = first.filter(|&first| tree.kind(first) == NodeKind::Identifier);
                names.extend(first.map(|first| (tree.slice(first), Origin::Binding(member))));
            }
            NodeKind::InheritFrom => {
                let attrs = tree.child_of_kind(member, NodeKind::InheritedAttrs);
                let attrs = attrs.into_iter().flat_map(|attrs| tree.children(attrs));
                let plain = attrs.filter(|&attr| tree.kind(attr) == NodeKind::Identifier);
                names.extend(plain.map(|attr| (tree.slice(attr), Origin::Inherited(attr))));
            }
            _ => {}
        }
    }
    names
}

/// The path from one file to another as a Nix path; `None` if it would need quotes.
fn relative(from: &str, to: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/');
    to.chars().all(plain).then(|| paths::between(from, to))
}

/// The position for a new binding in a `let`, and the text to insert there.
fn in_let(tree: &Tree<'_>, node: Node, binding: &str) -> (u32, String) {
    let text = tree.text();
    let after_let = tree.span(node).start + "let".len() as u32;
    let members = tree.child_of_kind(node, NodeKind::BindingSet);
    let first_member = members.and_then(|set| tree.children(set).find(|&node| tree.kind(node) != NodeKind::Comment));
    let Some(first_member) = first_member else { return (after_let, format!(" {binding}")) };
    // A comment at the start of a line belongs to the first member. Any other comment follows the `let` on its line.
    let first = tree
        .subtree(node)
        .find(|&inner| tree.span(inner).start >= after_let && starts_line(text, tree.span(inner).start))
        .filter(|&inner| tree.span(inner).start <= tree.span(first_member).start)
        .unwrap_or(first_member);
    let at = tree.span(first).start;
    if starts_line(text, at) {
        let (line, indent) = line_of(text, at);
        return (line, format!("{indent}{binding}\n"));
    }
    let set = members.map_or("", |set| tree.slice(set));
    if set.contains('\n') {
        let (line, _) = line_of(text, at);
        let column: String =
            text[line as usize..at as usize].chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect();
        (at, format!("{binding}\n{column}"))
    } else {
        (at, format!("{binding} "))
    }
}

/// A new `let` around an expression: its position, and the text to insert before the expression.
fn around(tree: &Tree<'_>, node: Node, binding: &str) -> (u32, String) {
    let text = tree.text();
    let at = tree.span(node).start;
    let (_, indent) = line_of(text, at);
    let deeper = indent_unit(text);
    let head = format!("let\n{indent}{deeper}{binding}\n{indent}in");
    let text = if starts_line(text, at) {
        format!("{head}\n{indent}")
    } else if tree.slice(node).contains('\n') {
        format!("{head} ")
    } else {
        format!("let {binding} in ")
    };
    (at, text)
}
