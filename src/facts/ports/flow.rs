//! Where a Nix value goes: outward through the wrappers that hand it on, to the attribute, argument or string it ends in.

use super::text::is_port_flag;
use crate::lang::{Field, Kind, Node, Tree, nix};

/// What a value ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// The value of an attribute or of a `let` name: the binding.
    Binding(Node),
    /// The default of a function argument: the formal.
    Default(Node),
    /// An interpolation in a string.
    Interpolation(Node),
    /// Anything else.
    Elsewhere,
}

/// A value's way outward.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Where it ends.
    pub sink: Sink,
    /// The outermost arithmetic on the way, if there is some.
    pub arithmetic: Option<Node>,
}

/// Functions that hand an argument on as it is, and the index of that argument.
const HANDS_ON: [(&str, usize); 27] = [
    ("mkDefault", 0),
    ("mkForce", 0),
    ("mkVMOverride", 0),
    ("mkOptionDefault", 0),
    ("mkImageMediaOverride", 0),
    ("mkOverride", 1),
    ("mkIf", 1),
    ("mkMerge", 0),
    ("mkBefore", 0),
    ("mkAfter", 0),
    ("mkOrder", 1),
    ("optional", 1),
    ("optionals", 1),
    ("optionalString", 1),
    ("optionalAttrs", 1),
    ("singleton", 0),
    ("toList", 0),
    ("toString", 0),
    ("toInt", 0),
    ("toIntBase10", 0),
    ("id", 0),
    ("unique", 0),
    ("flatten", 0),
    ("concatLists", 0),
    ("concatStringsSep", 1),
    ("concatMapStringsSep", 2),
    ("map", 1),
];

/// Follows a value outward.
pub fn flow(tree: &Tree<'_>, value: Node) -> Flow {
    let mut node = value;
    let mut arithmetic = None;
    let ends = |sink, arithmetic| Flow { sink, arithmetic };
    while let Some(parent) = tree.parent(node) {
        let field = tree.field(node);
        match tree.kind(parent) {
            Kind::Parenthesized | Kind::List => {}
            Kind::Let | Kind::With | Kind::Assert if field == Field::Body => {}
            Kind::If if field != Field::Condition => {}
            Kind::Select if field == Field::Default => {}
            Kind::Binary => match operator(tree, parent) {
                Kind::Concat => {}
                Kind::Plus | Kind::Minus | Kind::Times | Kind::Divide => arithmetic = Some(parent),
                _ => return ends(Sink::Elsewhere, arithmetic),
            },
            Kind::Apply if field == Field::Argument && hands_on(tree, parent) => {}
            Kind::Binding if field == Field::Expression => return ends(Sink::Binding(parent), arithmetic),
            Kind::Formal if field == Field::Default => return ends(Sink::Default(parent), arithmetic),
            Kind::Interpolation => return ends(Sink::Interpolation(parent), arithmetic),
            _ => return ends(Sink::Elsewhere, arithmetic),
        }
        node = parent;
    }
    ends(Sink::Elsewhere, arithmetic)
}

/// The flag whose value an element of a list is: `[ "--port" "8080" ]`.
pub fn flag_before(tree: &Tree<'_>, value: Node) -> Option<String> {
    let mut element = value;
    while let Some(around) = tree.parent(element)
        && (tree.kind(around) == Kind::Parenthesized || tree.kind(around) == Kind::Apply && hands_on(tree, around))
    {
        element = around;
    }
    let is_element = tree.parent(element).is_some_and(|list| tree.kind(list) == Kind::List);
    let before = is_element.then(|| text_before(tree.text(), tree.span(element).start))?;
    let flag = before.trim_end().strip_suffix('"')?.rsplit('"').next()?;
    is_port_flag(flag).then(|| flag.to_owned())
}

/// The end of the text before a place, as long as any flag is.
pub fn text_before(text: &str, at: u32) -> &str {
    const LONGEST: usize = 100;
    let start = (at as usize).saturating_sub(LONGEST);
    (start..=at as usize).find_map(|start| text.get(start..at as usize)).unwrap_or("")
}

/// The operator of a binary expression.
pub fn operator(tree: &Tree<'_>, binary: Node) -> Kind {
    tree.child(binary, Field::Operator).map_or(Kind::None, |node| tree.kind(node))
}

/// Whether an application hands its last argument on.
fn hands_on(tree: &Tree<'_>, apply: Node) -> bool {
    let Some((name, index)) = function(tree, apply) else { return false };
    HANDS_ON.contains(&(nix::last_name(name), index))
}

/// The function of an application and the index of the application's own argument: `mkOverride` and 1 for
/// `lib.mkOverride 10 x`.
pub fn function<'a>(tree: &Tree<'a>, apply: Node) -> Option<(&'a str, usize)> {
    let mut index = 0;
    let mut head = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
    while tree.kind(head) == Kind::Apply {
        index += 1;
        head = nix::unwrap_parens(tree, tree.child(head, Field::Function)?);
    }
    matches!(tree.kind(head), Kind::Variable | Kind::Select).then(|| (tree.slice(head), index))
}

/// What an expression is inside `toString`, `mkDefault`, brackets and the like.
fn inward(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    let mut node = nix::unwrap_parens(tree, expression);
    while tree.kind(node) == Kind::Apply && hands_on(tree, node) {
        node = nix::unwrap_parens(tree, tree.child(node, Field::Argument)?);
    }
    Some(node)
}

/// The integer that an expression is, seen inward.
pub fn integer(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == Kind::Integer)
}

/// The string that an expression is, seen inward the same way.
pub fn string(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == Kind::String)
}

/// The variable that an expression is, seen inward the same way.
pub fn variable(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == Kind::Variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn ends_in(text: &str) -> String {
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let node = tree.nodes().find(|&node| tree.slice(node) == "80").unwrap();
        let node = if tree.kind(node) == Kind::Integer {
            node
        } else {
            tree.subtree(node).find(|&node| tree.kind(node) == Kind::Integer).unwrap()
        };
        let flow = flow(&tree, node);
        let end = match flow.sink {
            Sink::Binding(binding) => tree.slice(nix::attrpath_node(&tree, binding).unwrap()),
            Sink::Default(formal) => tree.slice(tree.child(formal, Field::Name).unwrap()),
            Sink::Interpolation(_) => "${}",
            Sink::Elsewhere => "-",
        };
        format!("{end}{}", if flow.arithmetic.is_some() { "+" } else { "" })
    }

    #[test]
    fn values_flow_through_their_wrappers() {
        for (text, end) in [
            ("{ p = 80; }", "p"),
            ("{ p = lib.mkDefault 80; }", "p"),
            ("{ p = mkOverride 10 (80); }", "p"),
            ("{ p = mkOverride 80 x; }", "-"),
            ("{ p = mkIf c (if d then 80 else 81); }", "p"),
            ("{ p = if x == 80 then 1 else 2; }", "-"),
            ("{ p = [ 22 ] ++ lib.optional c 80; }", "p"),
            ("{ p = cfg.port or 80; }", "p"),
            ("{ p = let q = 1; in with x; assert y; 80; }", "p"),
            ("{ p = toString (80 + n); }", "p+"),
            ("{ p ? 80 }: p", "p"),
            ("\"${toString 80}\"", "${}"),
            ("f 80", "-"),
            ("{ p = f 80; }", "-"),
        ] {
            assert_eq!(ends_in(text), end, "{text}");
        }
    }
}
