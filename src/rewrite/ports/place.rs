//! The syntactic context of some digits, and the text that replaces them.

use crate::facts::port_registry::is_identifier;
use crate::finding::Span;
use crate::lang::nix::{AttrName, attrpath_node, literal_string, name_text, names, resolve};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The syntactic context of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An integer literal.
    Integer(Node),
    /// A whole string.
    WholeString(Node),
    /// A part of a string, or of a quoted name.
    InString,
    /// A part of an unquoted URI.
    Uri(Node),
}

impl Place {
    /// The context of some digits, if a reference can replace them.
    pub fn of(tree: &Tree<'_>, digits: Span) -> Option<Self> {
        let node = tree.covering(digits);
        let span = tree.span(node);
        match tree.kind(node) {
            NodeKind::Integer if span == digits => integer(tree, node),
            NodeKind::StringFragment => in_string(tree, node, digits),
            NodeKind::Uri => standalone(tree.text(), digits).then_some(Place::Uri(node)),
            _ => None,
        }
    }

    /// The range to replace, and the replacement. `None` if `toString` is not available, or if a URI contains `$`.
    pub fn replacement(self, tree: &Tree<'_>, digits: Span, reference: &str) -> Option<(Span, String)> {
        let to_string = || to_string(tree, tree.covering(digits));
        match self {
            Place::Integer(node) => Some((digits, bracketed(tree, node, reference, false))),
            Place::WholeString(node) => {
                let text = format!("{} {reference}", to_string()?);
                Some((tree.span(node), bracketed(tree, node, &text, true)))
            }
            Place::InString => Some((digits, format!("${{{} {reference}}}", to_string()?))),
            Place::Uri(node) => {
                let span = tree.span(node);
                let text = tree.text();
                let before = text.get(span.start as usize..digits.start as usize)?;
                let after = text.get(digits.end as usize..span.end as usize)?;
                let plain = !before.contains('$') && !after.contains('$');
                plain.then_some((span, format!("\"{before}${{{} {reference}}}{after}\"", to_string()?)))
            }
        }
    }
}

fn integer(tree: &Tree<'_>, node: Node) -> Option<Place> {
    let negated = tree.parent(node).is_some_and(|parent| tree.kind(parent) == NodeKind::Unary);
    (!negated).then_some(Place::Integer(node))
}

fn in_string(tree: &Tree<'_>, fragment: Node, digits: Span) -> Option<Place> {
    let string = tree.parent(fragment)?;
    // A `$` before the digits would combine with the `${` of the reference, which would then not be an interpolation.
    if !standalone(tree.text(), digits) || tree.text()[..digits.start as usize].ends_with('$') {
        return None;
    }
    let around = tree.parent(string)?;
    match tree.kind(around) {
        NodeKind::Attrpath => name_may_be_computed(tree, string, around).then_some(Place::InString),
        NodeKind::InheritedAttrs => None,
        // The parser treats `${"name"}` as a literal name. With a call in it, the name would be computed.
        NodeKind::Interpolation if tree.parent(around).is_some_and(|outer| tree.kind(outer) == NodeKind::Attrpath) => {
            None
        }
        _ => {
            let whole =
                literal_string(tree, string).is_some_and(|text| tree.text().get(digits.range()) == Some(&*text));
            Some(if whole { Place::WholeString(string) } else { Place::InString })
        }
    }
}

/// Whether the digits are a number as `toString` would print it, and not part of a longer number.
fn standalone(text: &str, digits: Span) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    bytes.get(digits.start as usize).is_some_and(|&first| first != b'0')
        && !is_digit((digits.start as usize).checked_sub(1))
        && !is_digit(Some(digits.end as usize))
}

/// Whether a name in an attribute path may become a computed one. In a `let`, computed names are not allowed.
/// Elsewhere, the parser merges literal names (`a."80".x` and `a."80".y`), but not computed ones.
fn name_may_be_computed(tree: &Tree<'_>, name: Node, attrpath: Node) -> bool {
    let Some(binding) = tree.parent(attrpath) else { return false };
    match tree.kind(binding) {
        NodeKind::Select | NodeKind::HasAttr => return true,
        NodeKind::Binding => {}
        _ => return false,
    }
    let set = tree.parent(binding).and_then(|set| tree.parent(set)).map(|set| tree.kind(set));
    let may_be_read = || name_text(tree, name).is_none_or(|name| is_identifier(&name));
    if set != Some(NodeKind::Attrset) && (set != Some(NodeKind::RecAttrset) || may_be_read()) {
        return false;
    }
    let Some(own) = Merged::of(tree, binding) else { return false };
    let Some(depth) = own.path.iter().position(|part| part.node == name) else { return false };
    // Definitions that are merged with the name itself, or with a set around it. When Nix merges a set into an earlier
    // one, it drops the computed names of the later set.
    let shared: Vec<(usize, Span)> = own.around.iter().copied().chain([(depth + 1, tree.span(binding))]).collect();
    !tree.subtree(own.root).filter(|&node| tree.kind(node) == NodeKind::Binding).any(|other| {
        let span = tree.span(other);
        let beside = |(length, own): &(usize, Span)| (!own.contains(span) && !span.contains(*own)).then_some(*length);
        let mut lengths = shared.iter().filter_map(beside).peekable();
        lengths.peek().is_some()
            && Merged::of(tree, other).filter(|other| other.root == own.root).is_some_and(|other| {
                lengths.any(|length| {
                    let names = other.path.iter().zip(&own.path).take(length);
                    other.path.len() >= length && names.clone().all(|(a, b)| a.text == b.text)
                })
            })
    })
}

/// The scope in which the parser merges a binding: a literal set that is the value of a name is merged with the other
/// definitions of that name.
struct Merged<'a> {
    /// The outermost set.
    root: Node,
    /// The path from `root` to the binding, including the binding's own names.
    path: Vec<AttrName<'a>>,
    /// The enclosing bindings: the length of the path to each, and its span.
    around: Vec<(usize, Span)>,
}

impl<'a> Merged<'a> {
    fn of(tree: &Tree<'a>, binding: Node) -> Option<Self> {
        let mut chain = vec![binding];
        let root = loop {
            let set = tree.parent(tree.parent(*chain.last()?)?)?;
            let mut value = set;
            while let Some(around) = tree.parent(value).filter(|&node| tree.kind(node) == NodeKind::Parenthesized) {
                value = around;
            }
            match tree.parent(value).filter(|&outer| tree.kind(outer) == NodeKind::Binding) {
                Some(outer) => chain.push(outer),
                None => break set,
            }
        };
        let (mut path, mut around) = (Vec::new(), Vec::new());
        for &part in chain.iter().rev() {
            path.extend(names(tree, attrpath_node(tree, part)?));
            if part != binding {
                around.push((path.len(), tree.span(part)));
            }
        }
        Some(Self { root, path, around })
    }
}

/// The name by which `toString` is available: the qualified one if the short one is shadowed. `None` if both are.
fn to_string(tree: &Tree<'_>, from: Node) -> Option<&'static str> {
    if resolve(tree, from, "toString").is_none() {
        return Some("toString");
    }
    resolve(tree, from, "builtins").is_none().then_some("builtins.toString")
}

/// An expression, with parentheses if the grammar or the adjacent characters require them.
fn bracketed(tree: &Tree<'_>, node: Node, text: &str, is_call: bool) -> String {
    let parent = tree.parent(node).map(|parent| tree.kind(parent));
    let by_grammar = is_call
        && (matches!(
            parent,
            Some(NodeKind::List | NodeKind::Apply | NodeKind::Select | NodeKind::HasAttr | NodeKind::Unary)
        ) || tree.field(node) == Field::Default && parent == Some(NodeKind::Select));
    let span = tree.span(node);
    let before = tree.text()[..span.start as usize].chars().next_back();
    let after = tree.text()[span.end as usize..].chars().next();
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '-' | '.' | '/' | ':' | '<' | '$' | '~');
    // A reference would merge with adjacent characters: `80-x`, `x:"80"`.
    if by_grammar || before.is_some_and(joins) || after.is_some_and(joins) {
        format!("({text})")
    } else {
        text.to_owned()
    }
}
