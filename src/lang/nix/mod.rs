//! Nix: attribute paths through nested sets, lexical scopes, strings, and values inside wrappers.

pub mod attrs;
mod newer;
pub mod path;
pub mod recognize;

use std::borrow::Cow;
use std::collections::HashMap;

pub(super) use newer::{for_grammar, operator};

use super::{Field, Node, NodeKind, Tree};
use crate::finding::Span;

/// Replaces lone CRs with LFs and keeps all offsets: Nix accepts CR as a line end, which ends a comment, but the
/// grammar only supports LF.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let is_lone = |at: usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    if !memchr::memchr_iter(b'\r', text.as_bytes()).any(is_lone) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.char_indices().map(|(at, c)| if c == '\r' && is_lone(at) { '\n' } else { c }).collect())
}

/// A name in an attribute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrName<'a> {
    /// The name; `None` if it is interpolated.
    pub text: Option<Cow<'a, str>>,
    /// Its node.
    pub node: Node,
}

/// The attribute path node of a binding.
pub fn attrpath_node(tree: &Tree<'_>, binding: Node) -> Option<Node> {
    tree.child(binding, Field::Attrpath)
}

/// The value of a binding.
pub fn value(tree: &Tree<'_>, binding: Node) -> Option<Node> {
    tree.child(binding, Field::Expression)
}

/// The names of an attribute path node, as written.
pub fn names<'a>(tree: &Tree<'a>, attrpath: Node) -> impl Iterator<Item = AttrName<'a>> {
    tree.children(attrpath)
        .filter(|&node| tree.kind(node) != NodeKind::Comment)
        .map(|node| AttrName { text: name_text(tree, node), node })
        .collect::<Vec<_>>()
        .into_iter()
}

/// The text of a name in an attribute path or an `inherit`; `None` if it is interpolated.
pub fn name_text<'a>(tree: &Tree<'a>, node: Node) -> Option<Cow<'a, str>> {
    match tree.kind(node) {
        NodeKind::Identifier => Some(Cow::Borrowed(tree.slice(node))),
        NodeKind::String => literal_string(tree, node),
        NodeKind::Interpolation => {
            // `${"name"}` is a literal name.
            let inner = tree.child(node, Field::Expression)?;
            (tree.kind(inner) == NodeKind::String).then(|| literal_string(tree, inner)).flatten()
        }
        _ => None,
    }
}

/// The value of a string without interpolations; `None` if it has any.
pub fn literal_string<'a>(tree: &Tree<'a>, node: Node) -> Option<Cow<'a, str>> {
    let mut parts = tree.children(node);
    let Some(first) = parts.next() else { return Some(Cow::Borrowed("")) };
    let second = parts.next();
    if second.is_none() && tree.kind(first) == NodeKind::StringFragment {
        return Some(Cow::Borrowed(tree.slice(first)));
    }
    let mut text = String::new();
    for part in tree.children(node) {
        match tree.kind(part) {
            NodeKind::StringFragment => text.push_str(tree.slice(part)),
            NodeKind::Escape => text.push_str(unescape(tree.slice(part))),
            NodeKind::DollarEscape => text.push_str(tree.slice(part).trim_start_matches(['\\', '\''])),
            _ => return None,
        }
    }
    Some(Cow::Owned(text))
}

/// The text that an escape sequence represents, in either kind of string.
fn unescape(escape: &str) -> &str {
    let body = escape.strip_prefix("''\\").or_else(|| escape.strip_prefix('\\'));
    match body {
        Some("n") => "\n",
        Some("r") => "\r",
        Some("t") => "\t",
        Some(other) => other,
        // `'''` is `''`, `''$` is `$`.
        None => escape.strip_prefix('\'').map_or(escape, |rest| rest.strip_prefix("'$").map_or(rest, |_| "$")),
    }
}

/// Whether a letter is written as an escape sequence (`"\p"` is `"p"`). This does not occur in practice, but a search
/// for a word would miss it.
pub fn holds_odd_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\\', bytes).any(|slash| {
        let is_pair = slash > 0 && bytes[slash - 1] == b'\\';
        let letter = bytes.get(slash + 1).filter(|byte| byte.is_ascii_alphabetic());
        !is_pair && letter.is_some_and(|letter| !matches!(letter, b'n' | b'r' | b't'))
    })
}

/// The binding whose value contains the set of a binding, directly or inside the wrappers that [`attr_path`] accepts.
/// In `a = { b = x; }`, this is the binding of `a` for the binding of `b`.
fn outer_binding(tree: &Tree<'_>, binding: Node) -> Option<Node> {
    let set = tree.parent(binding).filter(|&node| tree.kind(node) == NodeKind::BindingSet)?;
    let mut node = tree.parent(set)?;
    if !matches!(tree.kind(node), NodeKind::Attrset | NodeKind::RecAttrset) {
        return None;
    }
    loop {
        let parent = tree.parent(node)?;
        match tree.kind(parent) {
            NodeKind::Binding => return Some(parent),
            // Wrappers that keep the set as the value of the attribute.
            NodeKind::Parenthesized | NodeKind::Assert | NodeKind::With | NodeKind::Let => {
                if !matches!(tree.field(node), Field::Body | Field::Expression) {
                    return None;
                }
            }
            NodeKind::If if tree.field(node) != Field::Condition => {}
            NodeKind::Binary => {}
            NodeKind::Apply if tree.field(node) == Field::Argument && !imports(tree, parent) => {}
            NodeKind::List => {}
            NodeKind::Function if tree.field(node) == Field::Body => {}
            _ => return None,
        }
        node = parent;
    }
}

/// Whether an application passes its argument to another file: `import ./x.nix { .. }`. Only that file shows how the
/// argument is used.
fn imports(tree: &Tree<'_>, apply: Node) -> bool {
    let function = tree.child(apply, Field::Function).map(|node| unwrap_parens(tree, node));
    let Some(inner) = function.filter(|&node| tree.kind(node) == NodeKind::Apply) else { return false };
    tree.child(inner, Field::Function).is_some_and(|name| matches!(tree.slice(name), "import" | "builtins.import"))
}

/// The full attribute path of a binding, resolved outward through nested sets, their wrappers (`mkIf c {..}`, `//`,
/// lists of sets, submodule functions) and dotted names, outermost first.
pub fn attr_path<'a>(tree: &Tree<'a>, binding: Node) -> Option<Vec<AttrName<'a>>> {
    let mut chain = vec![binding];
    while let Some(outer) = outer_binding(tree, *chain.last()?) {
        chain.push(outer);
    }
    let mut path = Vec::with_capacity(chain.len() + 2);
    for binding in chain.into_iter().rev() {
        path.extend(names(tree, attrpath_node(tree, binding)?));
    }
    Some(path)
}

/// The nearest binding around a node, if the node is in its value.
pub fn binding_around(tree: &Tree<'_>, node: Node) -> Option<Node> {
    tree.ancestors(node)
        .find(|&node| matches!(tree.kind(node), NodeKind::Binding))
        .filter(|&binding| value(tree, binding).is_some_and(|value| tree.span(value).contains(tree.span(node))))
}

/// The definition of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A binding of a `let`, or of the enclosing `rec` set.
    Binding(Node),
    /// An `inherit` in a `let` or `rec` set: the node of the name in it. For a plain `inherit x;`, resolve the name in
    /// the enclosing scopes.
    Inherited(Node),
    /// A function's formal argument (a `formal` node), or the name of the whole argument (an identifier).
    Argument(Node),
}

/// Resolves a name lexically, from a node outward. `None`: not bound in this file, or only by a `with`.
pub fn resolve(tree: &Tree<'_>, from: Node, name: &str) -> Option<Origin> {
    let mut child = from;
    for scope in tree.ancestors(from) {
        match tree.kind(scope) {
            NodeKind::Let | NodeKind::LetAttrset | NodeKind::RecAttrset => {
                // The values in a `rec` set, and `x` in its `inherit (x) ..`, are inside the set's scope; so is the
                // body of a `let`.
                if let Some(set) = tree.child_of_kind(scope, NodeKind::BindingSet)
                    && let Some(origin) = in_set(tree, set, name, child)
                {
                    return Some(origin);
                }
            }
            NodeKind::Function => {
                if let Some(origin) = in_arguments(tree, scope, name) {
                    return Some(origin);
                }
            }
            _ => {}
        }
        child = scope;
    }
    None
}

/// Sets and arguments with fewer nodes are searched linearly; others are indexed.
const INDEXED: usize = 300;

/// For each name in a set or in formal arguments: the members that define it, in order, and their definitions of it.
pub(super) type Names<'a> = HashMap<Cow<'a, str>, Vec<(Node, Origin)>>;

fn in_set(tree: &Tree<'_>, set: Node, name: &str, from: Node) -> Option<Origin> {
    let visible = |member: Node| member != from || tree.kind(member) != NodeKind::Inherit;
    if tree.size(set) < INDEXED {
        let mut named = members(tree, set).filter(|(written, ..)| written == name);
        return named.find(|(_, member, _)| visible(*member)).map(|(.., origin)| origin);
    }
    tree.with_names(
        set,
        || {
            let mut names = Names::new();
            members(tree, set).for_each(|(name, member, origin)| names.entry(name).or_default().push((member, origin)));
            names
        },
        |names| names.get(name)?.iter().find(|(member, _)| visible(*member)).map(|(_, origin)| *origin),
    )
}

/// The names of a set: the first name of each binding's path, and inherited names.
fn members<'t, 'a>(tree: &'t Tree<'a>, set: Node) -> impl Iterator<Item = (Cow<'a, str>, Node, Origin)> + 't {
    tree.children(set).flat_map(move |member| {
        let bound = (tree.kind(member) == NodeKind::Binding).then(|| attrpath_node(tree, member)).flatten();
        let bound =
            bound.and_then(|path| Some((name_text(tree, tree.children(path).next()?)?, Origin::Binding(member))));
        let inherits = matches!(tree.kind(member), NodeKind::Inherit | NodeKind::InheritFrom);
        let attrs = inherits.then(|| tree.child_of_kind(member, NodeKind::InheritedAttrs)).flatten();
        let inherited = attrs.into_iter().flat_map(move |attrs| tree.children(attrs));
        let inherited = inherited.filter_map(move |attr| Some((name_text(tree, attr)?, Origin::Inherited(attr))));
        bound.into_iter().chain(inherited).map(move |(name, origin)| (name, member, origin))
    })
}

fn in_arguments(tree: &Tree<'_>, function: Node, name: &str) -> Option<Origin> {
    tree.children(function).find_map(|part| match (tree.kind(part), tree.field(part)) {
        (NodeKind::Identifier, Field::Universal) if tree.slice(part) == name => Some(Origin::Argument(part)),
        (NodeKind::Formals, _) => in_formals(tree, part, name),
        _ => None,
    })
}

fn in_formals(tree: &Tree<'_>, formals: Node, name: &str) -> Option<Origin> {
    let all = tree.children(formals).filter(|&formal| tree.kind(formal) == NodeKind::Formal);
    let mut named = all.filter_map(|formal| Some((tree.slice(tree.child(formal, Field::Name)?), formal)));
    if tree.size(formals) < INDEXED {
        return named.find(|(written, _)| *written == name).map(|(_, formal)| Origin::Argument(formal));
    }
    tree.with_names(
        formals,
        || {
            let mut names = Names::new();
            named.for_each(|(name, formal)| {
                names.entry(Cow::Borrowed(name)).or_default().push((formal, Origin::Argument(formal)));
            });
            names
        },
        |names| names.get(name)?.first().map(|(_, origin)| *origin),
    )
}

/// The node from which a name is resolved, for nodes that refer to one: a variable from its own position, `x` in
/// `inherit x;` from outside the set that contains it. `None` for other nodes.
pub fn read_from(tree: &Tree<'_>, node: Node) -> Option<Node> {
    match tree.kind(node) {
        NodeKind::Variable => Some(node),
        NodeKind::Identifier => {
            let attrs = tree.parent(node).filter(|&node| tree.kind(node) == NodeKind::InheritedAttrs)?;
            let inherit = tree.parent(attrs).filter(|&node| tree.kind(node) == NodeKind::Inherit)?;
            tree.parent(tree.parent(inherit)?)
        }
        _ => None,
    }
}

/// The node without the parentheses around it.
pub fn unwrap_parens(tree: &Tree<'_>, mut node: Node) -> Node {
    while tree.kind(node) == NodeKind::Parenthesized {
        match tree.child(node, Field::Expression) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// A function application: the function's dotted name (`lib.mkDefault`) and its arguments in order. `None` if the
/// function is not a plain name.
pub fn call<'a>(tree: &Tree<'a>, apply: Node) -> Option<(Cow<'a, str>, Vec<Node>)> {
    let mut arguments = Vec::new();
    let mut node = unwrap_parens(tree, apply);
    while tree.kind(node) == NodeKind::Apply {
        arguments.push(tree.child(node, Field::Argument)?);
        node = unwrap_parens(tree, tree.child(node, Field::Function)?);
    }
    if arguments.is_empty() {
        return None;
    }
    arguments.reverse();
    Some((dotted(tree, node)?, arguments))
}

/// A literal name or selection: `lib.mkIf`, `inputs.nixpkgs.lib`. `None` for anything computed.
pub fn dotted<'a>(tree: &Tree<'a>, node: Node) -> Option<Cow<'a, str>> {
    match tree.kind(node) {
        NodeKind::Variable => Some(Cow::Borrowed(tree.slice(node))),
        NodeKind::Select => {
            if tree.child(node, Field::Default).is_some() {
                return None;
            }
            let base = dotted(tree, unwrap_parens(tree, tree.child(node, Field::Expression)?))?;
            let mut text = base.into_owned();
            for name in names(tree, tree.child(node, Field::Attrpath)?) {
                text.push('.');
                text.push_str(&name.text?);
            }
            Some(Cow::Owned(text))
        }
        _ => None,
    }
}

/// The value of a member of a set in this file: `helpers.listen`, if `helpers` is bound to `{ listen = ..; }`.
pub fn member(tree: &Tree<'_>, select: Node) -> Option<Node> {
    let root = unwrap_parens(tree, tree.child(select, Field::Expression)?);
    let Some(Origin::Binding(binding)) =
        (tree.kind(root) == NodeKind::Variable).then(|| resolve(tree, root, tree.slice(root))).flatten()
    else {
        return None;
    };
    if names(tree, attrpath_node(tree, binding)?).count() != 1 {
        return None;
    }
    let mut found = unwrap_parens(tree, value(tree, binding)?);
    for name in names(tree, tree.child(select, Field::Attrpath)?) {
        let wanted = name.text?;
        // `let .. in { .. }` has the members of its body.
        while tree.kind(found) == NodeKind::Let {
            found = unwrap_parens(tree, tree.child(found, Field::Body)?);
        }
        if !matches!(tree.kind(found), NodeKind::Attrset | NodeKind::RecAttrset) {
            return None;
        }
        let mut members = tree
            .children(tree.child_of_kind(found, NodeKind::BindingSet)?)
            .filter(|&member| tree.kind(member) == NodeKind::Binding);
        let member = members.find(|&member| {
            let path = attrpath_node(tree, member);
            path.is_some_and(|path| {
                let mut path = names(tree, path);
                path.next().is_some_and(|name| name.text.as_deref() == Some(&*wanted)) && path.next().is_none()
            })
        })?;
        found = unwrap_parens(tree, value(tree, member)?);
    }
    Some(found)
}

/// The last name in a dotted name: `mkIf` in `lib.mkIf`.
pub fn last_name(dotted: &str) -> &str {
    memchr::memrchr(b'.', dotted.as_bytes()).map_or(dotted, |dot| &dotted[dot + 1..])
}

/// The byte that replaces interpolated text in a masked string.
pub const HOLE: u8 = 1;

/// The contents of a string with offsets kept: interpolations become [`HOLE`] bytes, and escapes become blanks, except
/// for line ends and dollar signs. Returns the text and its offset in the file.
pub fn masked(tree: &Tree<'_>, string: Node) -> Option<(String, u32)> {
    let span = tree.span(string);
    let quote = match tree.kind(string) {
        NodeKind::String => 1,
        NodeKind::IndentedString => 2,
        _ => return None,
    };
    let inner = Span { start: span.start + quote, end: span.end.checked_sub(quote)? };
    let mut bytes = tree.text().get(inner.range())?.as_bytes().to_vec();
    for part in tree.children(string) {
        let blank = match tree.kind(part) {
            NodeKind::Interpolation => HOLE,
            NodeKind::Escape | NodeKind::DollarEscape => b' ',
            _ => continue,
        };
        let at = tree.span(part);
        let range = (at.start - inner.start) as usize..(at.end - inner.start) as usize;
        if let Some(bytes) = bytes.get_mut(range) {
            let line = tree.slice(part) == "\\n";
            bytes.fill(blank);
            if line {
                bytes[0] = b'\n';
            }
            // `''${` and `\${`: the escape includes the dollar sign, which scripts in the string need.
            if tree.kind(part) != NodeKind::Interpolation
                && let Some(dollar) = tree.slice(part).find('$')
            {
                bytes[dollar] = b'$';
            }
        }
    }
    Some((String::from_utf8(bytes).ok()?, inner.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn tree(text: &str) -> Tree<'_> {
        Tree::parse(Language::Nix, text).unwrap()
    }

    fn find(tree: &Tree<'_>, text: &str) -> Node {
        tree.nodes().filter(|&node| tree.slice(node) == text).last().unwrap()
    }

    fn path(text: &str, binding: &str) -> String {
        let tree = tree(text);
        let node = tree
            .nodes()
            .find(|&node| tree.kind(node) == NodeKind::Binding && tree.slice(node) == binding)
            .expect("the binding is there");
        let names = attr_path(&tree, node).unwrap();
        names.iter().map(|name| name.text.as_deref().unwrap_or("?")).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn attribute_paths_are_resolved_however_they_are_nested() {
        assert_eq!(path("{ a.b.port = 1; }", "a.b.port = 1;"), "a.b.port");
        assert_eq!(path("{ a = { b = { port = 1; }; }; }", "port = 1;"), "a.b.port");
        assert_eq!(path("{ a = lib.mkIf x { \"b c\".port = 1; }; }", "\"b c\".port = 1;"), "a.b c.port");
        assert_eq!(path("{ a.${x} = { port = 1; }; }", "port = 1;"), "a.?.port");
        assert_eq!(path("{ a = y // (rec { port = 1; }); }", "port = 1;"), "a.port");
        assert_eq!(path("{ a = [ { port = 1; } ]; }", "port = 1;"), "a.port");
        assert_eq!(path("let p = { port = 1; }; in p", "port = 1;"), "p.port");
    }

    #[test]
    fn names_are_looked_up_lexically() {
        let text =
            "{ a ? 1, ... }@args: let b = 2; inherit (x) c; in rec { d = b; e = with y; a + c + d + args.z + q; }";
        let tree = tree(text);
        let from = find(&tree, "q");
        let origin = |name| {
            resolve(&tree, from, name).map(|origin| match origin {
                Origin::Binding(node) | Origin::Argument(node) | Origin::Inherited(node) => tree.slice(node).to_owned(),
            })
        };
        assert_eq!(origin("a").as_deref(), Some("a ? 1"));
        assert_eq!(origin("b").as_deref(), Some("b = 2;"));
        assert_eq!(origin("c").as_deref(), Some("c"));
        assert_eq!(origin("d").as_deref(), Some("d = b;"));
        assert_eq!(origin("args").as_deref(), Some("args"));
        assert_eq!(origin("q"), None);
    }

    #[test]
    fn masked_strings_keep_their_offsets() {
        let text = r#"{ a = "x\n${toString y}:80\${z}"; }"#;
        let tree = tree(text);
        let node = tree.nodes().find(|&node| tree.kind(node) == NodeKind::String).unwrap();
        let (masked, start) = masked(&tree, node).unwrap();
        assert_eq!(masked.len(), tree.slice(node).len() - 2);
        assert_eq!(&masked[..2], "x\n");
        let at = masked.find(":80").unwrap();
        assert_eq!(&text[start as usize + at..][..3], ":80");
        assert!(masked.ends_with(" ${z}"), "{masked:?}");
    }

    #[test]
    fn strings_without_interpolation_have_a_value() {
        let text = r#"[ "a\"b\n" ''c ''${x} ''' '' "${y}" ]"#;
        let tree = tree(text);
        let values: Vec<_> = tree
            .nodes()
            .filter(|&node| matches!(tree.kind(node), NodeKind::String | NodeKind::IndentedString))
            .map(|node| literal_string(&tree, node).map(Cow::into_owned))
            .collect();
        assert_eq!(values, [Some("a\"b\n".into()), Some("c ${x} '' ".into()), None]);
    }
}
