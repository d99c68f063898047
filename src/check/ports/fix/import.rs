//! Under which name a Nix file knows the registry, or where the import goes that makes it known.

use crate::finding::{Edit, Span};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Kind, Node, Tree};
use crate::registry::dotted;
use crate::source::Source;

use super::lines::{indent_unit, line_of, starts_line};
use super::{Shape, Target};

/// Names that stand for other names are followed this far.
const DEPTH: usize = 8;

/// Names for the registry, in order of preference.
const NAMES: [&str; 5] = ["ports", "portRegistry", "registeredPorts", "ports'", "portRegistry'"];

/// The entry by a name that already stands for the registry, or for a part of it that has the entry.
pub fn known(tree: &Tree<'_>, source: &Source, digits: Span, target: &Target<'_>) -> Option<String> {
    let from = tree.covering(digits);
    let reader = Reader { tree, source, target };
    let mut best: Option<(usize, String)> = None;
    for scope in tree.ancestors(from) {
        for (name, origin) in bound_names(tree, scope) {
            if nix::resolve(tree, from, name) != Some(origin) {
                continue;
            }
            let Some(below) = reader.origin(origin, name, DEPTH).filter(|below| target.entry.starts_with(below)) else {
                continue;
            };
            if below.len() < target.entry.len() && best.as_ref().is_none_or(|(length, _)| below.len() < *length) {
                best = Some((below.len(), select(name, &target.entry[below.len()..])));
            }
        }
    }
    best.map(|(_, reference)| reference)
}

/// An import that makes the registry known.
#[derive(Debug)]
pub struct Import {
    /// The name it is bound to.
    pub name: String,
    /// The edit that writes it.
    pub edit: Edit,
}

/// The import to add, so that digits at a place can refer to the registry. `None` where none can be added without
/// changing what is evaluated.
pub fn added(tree: &Tree<'_>, source: &Source, digits: Span, target: &Target<'_>) -> Option<Import> {
    let arguments = match target.shape {
        Shape::Set => "",
        Shape::Callable => " { }",
        Shape::NeedsArguments | Shape::Closed => return None,
    };
    let scope = scope_for(tree, source, digits)?;
    let name = free_name(tree, source, target)?;
    let binding = format!("{name} = import {}{arguments};", relative(&source.path, target.registry)?);
    let (at, text) = match scope {
        Scope::Let(node) => in_let(tree, node, &binding),
        Scope::Around(node) => around(tree, node, &binding),
    };
    let edit = Edit { path: source.path.clone(), span: Span { start: at, end: at }, text };
    Some(Import { name: name.to_owned(), edit })
}

/// A selection from a name.
pub fn select(name: &str, entry: &[String]) -> String {
    format!("{name}.{}", dotted(entry))
}

/// One attribute name as it is written.
pub fn attribute(name: &str) -> String {
    dotted(&[name.to_owned()])
}

/// Where a binding for the digits goes.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// Into this `let`.
    Let(Node),
    /// Into a new `let` around this expression.
    Around(Node),
}

/// The outermost `let` on the way from the file's beginning through function heads, `with` and `assert`, or the last
/// expression on that way which has the digits in it.
fn scope_for(tree: &Tree<'_>, source: &Source, digits: Span) -> Option<Scope> {
    let is_flake = source.file_name() == "flake.nix";
    let mut node = if is_flake { outputs(tree)? } else { tree.child(tree.root(), Field::Expression)? };
    if !tree.span(node).contains(digits) {
        return None;
    }
    let mut in_function = false;
    loop {
        let inner = match tree.kind(node) {
            // A flake's outputs must be a function as they stand.
            Kind::Let if in_function || !is_flake => return Some(Scope::Let(node)),
            Kind::Function | Kind::With | Kind::Assert => tree.child(node, Field::Body),
            _ => None,
        };
        match inner.filter(|&inner| tree.span(inner).contains(digits)) {
            Some(inner) => {
                in_function |= tree.kind(node) == Kind::Function;
                node = inner;
            }
            None => return (in_function || !is_flake).then_some(Scope::Around(node)),
        }
    }
}

/// The value of `outputs` in a flake.nix. Nothing else in it may be computed.
fn outputs(tree: &Tree<'_>) -> Option<Node> {
    let flake = tree.child(tree.root(), Field::Expression).filter(|&node| tree.kind(node) == Kind::Attrset)?;
    let set = tree.child_of_kind(flake, Kind::BindingSet)?;
    tree.children(set)
        .filter(|&node| tree.kind(node) == Kind::Binding)
        .find(|&node| nix::attrpath_node(tree, node).is_some_and(|path| tree.slice(path) == "outputs"))
        .and_then(|binding| nix::value(tree, binding))
}

/// The first name that means nothing in the file yet: neither bound, nor used (a `with` may provide it).
fn free_name(tree: &Tree<'_>, source: &Source, target: &Target<'_>) -> Option<&'static str> {
    let reader = Reader { tree, source, target };
    NAMES.into_iter().find(|name| !tree.nodes().any(|node| reader.takes(node, name)))
}

/// Reads expressions of a file as parts of the registry.
struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    source: &'t Source,
    target: &'t Target<'t>,
}

impl Reader<'_, '_> {
    /// Whether a node binds or uses a name as something else than the registry.
    fn takes(&self, node: Node, name: &str) -> bool {
        let tree = self.tree;
        let is_name = || tree.slice(node) == name;
        match tree.kind(node) {
            Kind::Variable => {
                is_name() && !nix::resolve(tree, node, name).is_some_and(|origin| self.is_registry(origin, name))
            }
            Kind::Identifier if tree.field(node) == Field::Universal => is_name(),
            Kind::Formal => tree.child(node, Field::Name).is_some_and(|node| tree.slice(node) == name),
            // `inherit ports;` uses the name, and in a `let` or `rec` binds it.
            Kind::Inherit | Kind::InheritFrom => {
                let attrs = tree.child_of_kind(node, Kind::InheritedAttrs);
                let named = attrs.is_some_and(|attrs| {
                    tree.children(attrs).any(|attr| nix::name_text(tree, attr).as_deref() == Some(name))
                });
                named && (tree.kind(node) == Kind::Inherit || is_scope_member(tree, node))
            }
            Kind::Binding if is_scope_member(tree, node) => {
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

    /// Which part of the registry a name stands for: the names that lead there from its top.
    fn origin(&self, origin: Origin, name: &str, depth: usize) -> Option<Vec<String>> {
        let tree = self.tree;
        match origin {
            Origin::Binding(binding) => {
                let path = nix::attrpath_node(tree, binding)?;
                (tree.children(path).count() == 1).then(|| self.part(nix::value(tree, binding)?, depth)).flatten()
            }
            Origin::Inherited(attr) => {
                let inherit = tree.parent(tree.parent(attr)?)?;
                if tree.kind(inherit) != Kind::InheritFrom {
                    return None;
                }
                let mut below = self.part(tree.child(inherit, Field::Expression)?, depth)?;
                below.push(name.to_owned());
                Some(below)
            }
            Origin::Argument(_) => None,
        }
    }

    /// Which part of the registry an expression is.
    fn part(&self, expression: Node, depth: usize) -> Option<Vec<String>> {
        let tree = self.tree;
        let depth = depth.checked_sub(1)?;
        let node = nix::unwrap_parens(tree, expression);
        match tree.kind(node) {
            Kind::Apply => self.is_import(node).then(Vec::new),
            Kind::Variable => {
                let name = tree.slice(node);
                self.origin(nix::resolve(tree, node, name)?, name, depth)
            }
            Kind::Select if tree.child(node, Field::Default).is_none() => {
                let mut below = self.part(tree.child(node, Field::Expression)?, depth)?;
                for name in nix::names(tree, tree.child(node, Field::Attrpath)?) {
                    below.push(name.text?.into_owned());
                }
                Some(below)
            }
            _ => None,
        }
    }

    /// Whether a call is the import of the registry, with the arguments that its shape asks for.
    fn is_import(&self, apply: Node) -> bool {
        let Some((function, arguments)) = nix::call(self.tree, apply) else { return false };
        if !matches!(&*function, "import" | "builtins.import") || nix::resolve(self.tree, apply, "import").is_some() {
            return false;
        }
        let [path, rest @ ..] = arguments.as_slice() else { return false };
        let called = match (self.target.shape, rest) {
            (Shape::Set, []) | (Shape::NeedsArguments, [_]) => true,
            (Shape::Callable, [argument]) => {
                let argument = nix::unwrap_parens(self.tree, *argument);
                self.tree.kind(argument) == Kind::Attrset && self.tree.children(argument).next().is_none()
            }
            _ => false,
        };
        called && self.path(*path).is_some_and(|path| self.is_registry_path(&path))
    }

    fn is_registry_path(&self, path: &str) -> bool {
        let registry = self.target.registry;
        path == registry || registry.strip_prefix(path).is_some_and(|rest| rest == "/default.nix")
    }

    /// The path, from the repository's root, that an expression stands for.
    fn path(&self, expression: Node) -> Option<String> {
        let tree = self.tree;
        let node = nix::unwrap_parens(tree, expression);
        let folder = self.source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match tree.kind(node) {
            Kind::Path => join(folder, tree.slice(node)),
            Kind::Binary => {
                let (left, right) = (tree.child(node, Field::Left)?, tree.child(node, Field::Right)?);
                let plus = tree.child(node, Field::Operator).is_some_and(|node| tree.kind(node) == Kind::Plus);
                let below = nix::literal_string(tree, right).filter(|_| tree.kind(right) == Kind::String)?;
                let base = match tree.kind(left) {
                    Kind::Path => join(folder, tree.slice(left))?,
                    _ => self.is_root(left).then(String::new)?,
                };
                plus.then(|| join(&base, below.strip_prefix('/')?)).flatten()
            }
            Kind::String => {
                let mut parts = tree.children(node);
                let root = parts.next().filter(|&part| tree.kind(part) == Kind::Interpolation)?;
                let below = parts.next().filter(|&part| tree.kind(part) == Kind::StringFragment)?;
                let whole = parts.next().is_none() && self.is_root(tree.child(root, Field::Expression)?);
                whole.then(|| join("", tree.slice(below).strip_prefix('/')?)).flatten()
            }
            _ => None,
        }
    }

    /// `self` is the flake's own source.
    fn is_root(&self, node: Node) -> bool {
        matches!(nix::dotted(self.tree, node).as_deref(), Some("self" | "inputs.self"))
    }
}

/// Whether a member of a set is in the scope of others: in a `let` or a `rec` set.
fn is_scope_member(tree: &Tree<'_>, member: Node) -> bool {
    let set = tree.parent(member).and_then(|set| tree.parent(set));
    set.is_some_and(|set| matches!(tree.kind(set), Kind::Let | Kind::LetAttrset | Kind::RecAttrset))
}

/// The names that a scope binds, other than by function arguments.
fn bound_names<'a>(tree: &Tree<'a>, scope: Node) -> Vec<(&'a str, Origin)> {
    if !matches!(tree.kind(scope), Kind::Let | Kind::LetAttrset | Kind::RecAttrset) {
        return Vec::new();
    }
    let Some(set) = tree.child_of_kind(scope, Kind::BindingSet) else { return Vec::new() };
    let mut names = Vec::new();
    for member in tree.children(set) {
        match tree.kind(member) {
            Kind::Binding => {
                let first = nix::attrpath_node(tree, member).and_then(|path| tree.children(path).next());
                let first = first.filter(|&first| tree.kind(first) == Kind::Identifier);
                names.extend(first.map(|first| (tree.slice(first), Origin::Binding(member))));
            }
            Kind::InheritFrom => {
                let attrs = tree.child_of_kind(member, Kind::InheritedAttrs);
                let attrs = attrs.into_iter().flat_map(|attrs| tree.children(attrs));
                let plain = attrs.filter(|&attr| tree.kind(attr) == Kind::Identifier);
                names.extend(plain.map(|attr| (tree.slice(attr), Origin::Inherited(attr))));
            }
            _ => {}
        }
    }
    names
}

/// A path below a folder, both from the root; `None` where it leads out of the repository.
fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains("${") {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The path from a file to another as a Nix path; `None` where Nix could not read it without quotes.
pub fn relative(from: &str, to: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/');
    if !to.chars().all(plain) {
        return None;
    }
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let folders = from.len().checked_sub(1)?;
    let common = from.iter().take(folders).zip(to.iter().take(to.len() - 1)).take_while(|(a, b)| a == b).count();
    let up = folders - common;
    let lead = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    Some(lead + &to[common..].join("/"))
}

/// Where in a `let` a binding is written, and the text.
fn in_let(tree: &Tree<'_>, node: Node, binding: &str) -> (u32, String) {
    let text = tree.text();
    let after_let = tree.span(node).start + "let".len() as u32;
    let members = tree.child_of_kind(node, Kind::BindingSet);
    let first_member = members.and_then(|set| tree.children(set).find(|&node| tree.kind(node) != Kind::Comment));
    let Some(first_member) = first_member else { return (after_let, format!(" {binding}")) };
    // A comment may stand before the first member, which it is about, or behind the `let`.
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

/// A new `let` around an expression: where it begins, and its text up to the expression.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_between_files() {
        for (from, to, expected) in [
            ("modules/web.nix", "lib/ports.nix", Some("../lib/ports.nix")),
            ("flake.nix", "lib/ports.nix", Some("./lib/ports.nix")),
            ("lib/x.nix", "lib/ports.nix", Some("./ports.nix")),
            ("a/b/c.nix", "a/lib/ports.nix", Some("../lib/ports.nix")),
            ("a/b/c.nix", "a b/ports.nix", None),
        ] {
            assert_eq!(relative(from, to).as_deref(), expected, "{from} {to}");
            if let Some(path) = expected {
                let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
                assert_eq!(join(folder, path).as_deref(), Some(to));
            }
        }
        assert_eq!(join("a", "../../b"), None);
    }
}
