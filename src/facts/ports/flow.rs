//! Where a Nix value ends up: follows it outward through the functions that pass it on, to an attribute, argument or
//! string.

use super::text::{self, ARGUMENTS, is_port_flag};
use crate::knowledge::functions::{CALLS, PASSES_ON};
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// Where a value ends up.
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

/// Where a value ends up, and the arithmetic on the way.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Where the value ends up.
    pub sink: Sink,
    /// The outermost arithmetic on the path, if any.
    pub arithmetic: Option<Node>,
}

/// Follows a value outward.
pub fn flow(tree: &Tree<'_>, value: Node) -> Flow {
    let mut node = value;
    let mut arithmetic = None;
    // Whether the current node is a function that returns the value, rather than the value itself.
    let mut is_function = false;
    let mut is_called = false;
    let mut is_range = false;
    let ends = |sink, arithmetic| Flow { sink, arithmetic };
    while let Some(parent) = tree.parent(node) {
        let field = tree.field(node);
        match tree.kind(parent) {
            NodeKind::Parenthesized | NodeKind::List => {}
            NodeKind::Let | NodeKind::With | NodeKind::Assert if field == Field::Body => {}
            NodeKind::If if field != Field::Condition => {}
            NodeKind::Select if field == Field::Default => {}
            NodeKind::Function if field == Field::Body => is_function = true,
            NodeKind::Binary => match operator(tree, parent) {
                NodeKind::Concat => {}
                operator @ (NodeKind::PipeInto | NodeKind::PipeFrom) => {
                    let (value, function) = piped(operator);
                    let passes = match field == function {
                        true => is_function || is_called,
                        false => field == value && passes_on(tree, tree.child(parent, function), &PASSES_ON),
                    };
                    if !passes {
                        return ends(Sink::Elsewhere, arithmetic);
                    }
                    is_function = false;
                }
                NodeKind::Plus | NodeKind::Minus | NodeKind::Times | NodeKind::Divide => arithmetic = Some(parent),
                _ => return ends(Sink::Elsewhere, arithmetic),
            },
            NodeKind::Apply if field == Field::Argument && is_function && is_named(tree, parent, &CALLS) => {
                (is_function, is_called) = (false, true);
            }
            NodeKind::Apply if field == Field::Argument && hands_on(tree, parent) => {
                // `map (n: 8000 + n) (range 1 4)`: the bounds of a range that is mapped over are counts. Without
                // a `map`, they may be ports.
                if is_range && is_map(tree, parent) {
                    return ends(Sink::Elsewhere, arithmetic);
                }
                is_range |= is_named(tree, parent, &[("range", 0), ("range", 1)]);
            }
            NodeKind::Apply if field == Field::Function && is_named(tree, parent, &[("range", 1)]) => is_range = true,
            // The arguments after the function, such as the list of a `map`.
            NodeKind::Apply if field == Field::Function && is_called => {}
            NodeKind::Apply if field == Field::Function && is_function => is_function = false,
            NodeKind::Binding if field == Field::Expression => return ends(Sink::Binding(parent), arithmetic),
            NodeKind::Formal if field == Field::Default => return ends(Sink::Default(parent), arithmetic),
            NodeKind::Interpolation => return ends(Sink::Interpolation(parent), arithmetic),
            _ => return ends(Sink::Elsewhere, arithmetic),
        }
        node = parent;
    }
    ends(Sink::Elsewhere, arithmetic)
}

/// The port flag before an element of a list, if the element is its value: `--port` for `8080` in `[ "--port" "8080"
/// ]`.
pub fn flag_before(tree: &Tree<'_>, value: Node) -> Option<String> {
    let element = element(tree, value);
    let is_element = tree.parent(element).is_some_and(|list| tree.kind(list) == NodeKind::List);
    let before = is_element.then(|| text_before(tree.text(), tree.span(element).start))?;
    let flag = before.trim_end().strip_suffix('"')?.rsplit('"').next()?;
    let is_mapping = || tree.slice(value).contains(':');
    let of_ssh = || flag == "-p" && is_about_ssh(tree, element);
    let of_program = || argument_port(tree, value).is_some();
    (is_port_flag(flag) || is_publish_flag(flag) && is_mapping() || of_ssh() || of_program()).then(|| flag.to_owned())
}

/// The element of a list that is a value, inside `toString` and the like.
fn element(tree: &Tree<'_>, value: Node) -> Node {
    let mut element = value;
    while let Some(around) = tree.parent(element)
        && (tree.kind(around) == NodeKind::Parenthesized
            || tree.kind(around) == NodeKind::Apply && hands_on(tree, around))
    {
        element = around;
    }
    element
}

/// The host of a port in a list of arguments, if the port is the value of a short flag of a known program: `[ "psql"
/// "-p" "5433" ]`.
pub fn argument_port(tree: &Tree<'_>, value: Node) -> Option<Option<String>> {
    let element = element(tree, value);
    let list = tree.parent(element).filter(|&list| tree.kind(list) == NodeKind::List)?;
    let elements: Vec<Node> = tree.children(list).take(ARGUMENTS).collect();
    let index = elements.iter().position(|&node| node == element)?;
    let word = |&node: &Node| {
        let written = tree.slice(if node == element { value } else { node });
        let written = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
        // `(lib.getExe' pkgs.redis "redis-cli")`: the last word is the program.
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | ')' | '}');
        match written.contains([' ', '\n']) && (written.starts_with('(') || written.starts_with("${")) {
            true => written.trim_end_matches(is_end).rsplit(is_end).next().unwrap_or(written),
            false => written,
        }
    };
    text::argument_port(&elements.iter().map(word).collect::<Vec<_>>(), index)
}

/// Whether the list around an element contains ssh options: `sshOpts = [ "-p" "2222" ]`, `[ "ssh" "-p" "2222" ]`.
fn is_about_ssh(tree: &Tree<'_>, element: Node) -> bool {
    let Some(list) = tree.parent(element) else { return false };
    let first = tree.children(list).next().and_then(|first| nix::literal_string(tree, first));
    let runs_ssh = first.is_some_and(|first| matches!(first.rsplit('/').next(), Some("ssh" | "autossh" | "mosh")));
    let name = || nix::attrpath_node(tree, nix::binding_around(tree, list)?).map(|path| tree.slice(path));
    runs_ssh || name().is_some_and(|name| nix::last_name(name).to_ascii_lowercase().contains("ssh"))
}

/// Whether the element before this one is an address of this machine: `[ "serve" "0.0.0.0" "8080" ]`.
pub fn follows_address(tree: &Tree<'_>, value: Node) -> bool {
    let is_element = tree.parent(value).is_some_and(|list| tree.kind(list) == NodeKind::List);
    let before = is_element.then(|| text_before(tree.text(), tree.span(value).start).trim_end());
    let address = before.and_then(|before| before.strip_suffix('"')?.rsplit('"').next());
    address.is_some_and(|address| matches!(address, "0.0.0.0" | "127.0.0.1" | "localhost" | "::" | "::1" | "[::]"))
}

/// Whether a flag publishes the ports of a container: `-p 8080:80`.
pub fn is_publish_flag(flag: &str) -> bool {
    matches!(flag, "-p" | "--publish")
}

/// The last bytes before an offset in the text, enough to contain any flag.
pub fn text_before(text: &str, at: u32) -> &str {
    const LONGEST: usize = 100;
    let start = (at as usize).saturating_sub(LONGEST);
    (start..=at as usize).find_map(|start| text.get(start..at as usize)).unwrap_or("")
}

/// The operator of a binary expression.
pub fn operator(tree: &Tree<'_>, binary: Node) -> NodeKind {
    tree.child(binary, Field::Operator).map_or(NodeKind::None, |node| tree.kind(node))
}

/// Whether the result of an application contains its last argument, or the elements or text of that argument.
fn hands_on(tree: &Tree<'_>, apply: Node) -> bool {
    is_named(tree, apply, &PASSES_ON)
}

/// Whether a table lists the function of an application with the index of the application's argument.
fn is_named(tree: &Tree<'_>, apply: Node, table: &[(&str, usize)]) -> bool {
    function(tree, apply).is_some_and(|(name, index)| table.contains(&(nix::last_name(name), index)))
}

/// Whether a function, possibly partially applied, passes on its next argument according to a table.
fn passes_on(tree: &Tree<'_>, function: Option<Node>, table: &[(&str, usize)]) -> bool {
    let Some(function) = function.map(|node| nix::unwrap_parens(tree, node)) else { return false };
    callee(tree, function).is_some_and(|(head, index)| {
        matches!(tree.kind(head), NodeKind::Variable | NodeKind::Select)
            && table.contains(&(nix::last_name(tree.slice(head)), index))
    })
}

/// The fields of a pipe operator that contain the value and the function.
fn piped(operator: NodeKind) -> (Field, Field) {
    match operator {
        NodeKind::PipeInto => (Field::Left, Field::Right),
        _ => (Field::Right, Field::Left),
    }
}

/// The function that is applied, and the number of its arguments: `f` and 2 for `f x y`.
fn callee(tree: &Tree<'_>, function: Node) -> Option<(Node, usize)> {
    let mut given = 0;
    let mut head = nix::unwrap_parens(tree, function);
    while tree.kind(head) == NodeKind::Apply {
        given += 1;
        head = nix::unwrap_parens(tree, tree.child(head, Field::Function)?);
    }
    Some((head, given))
}

/// The function that a value is passed to, and the index of that argument. Looks through parentheses, the lists that
/// functions such as `map` take, and pipe operators. `None` for a value that is not passed to a function.
pub fn receiver(tree: &Tree<'_>, value: Node) -> Option<(Node, usize)> {
    receiver_from(tree, value, false)
}

/// The function that each element of a list is passed to, and the index of that argument.
pub fn receiver_of_elements(tree: &Tree<'_>, list: Node) -> Option<(Node, usize)> {
    receiver_from(tree, list, true)
}

fn receiver_from(tree: &Tree<'_>, value: Node, mut in_list: bool) -> Option<(Node, usize)> {
    let mut node = value;
    loop {
        let parent = tree.parent(node)?;
        let field = tree.field(node);
        match tree.kind(parent) {
            NodeKind::Parenthesized => {}
            NodeKind::List => in_list = true,
            NodeKind::Binding if field == Field::Expression => return mapped(tree, parent),
            NodeKind::Binary if operator(tree, parent) == NodeKind::Concat => {}
            NodeKind::Binary => {
                let operator = operator(tree, parent);
                let (value, function) = piped(operator);
                if !matches!(operator, NodeKind::PipeInto | NodeKind::PipeFrom) || field != value {
                    return None;
                }
                return called(tree, tree.child(parent, function)?, in_list);
            }
            NodeKind::Apply if field == Field::Argument => {
                if hands_on(tree, parent) && !is_map(tree, parent) {
                    node = parent;
                    continue;
                }
                return called(tree, tree.child(parent, Field::Function)?, in_list);
            }
            _ => return None,
        }
        node = parent;
    }
}

/// Functions that call their first argument with each name and value of their second argument, a set.
const SET_MAPS: [(&str, usize); 4] = [("mapAttrs", 1), ("mapAttrs'", 1), ("mapAttrsToList", 1), ("concatMapAttrs", 1)];

/// The function that `mapAttrs` and the like call with the value of a binding in their set, and the index of that
/// argument.
fn mapped(tree: &Tree<'_>, binding: Node) -> Option<(Node, usize)> {
    let set = tree.parent(tree.parent(binding)?).filter(|&node| tree.kind(node) == NodeKind::Attrset)?;
    let is_single = nix::names(tree, nix::attrpath_node(tree, binding)?).count() == 1;
    let mut argument = set;
    while tree.parent(argument).is_some_and(|node| tree.kind(node) == NodeKind::Parenthesized) {
        argument = tree.parent(argument)?;
    }
    let apply = tree.parent(argument).filter(|&node| tree.kind(node) == NodeKind::Apply)?;
    if !is_single || tree.field(argument) != Field::Argument || !is_named(tree, apply, &SET_MAPS) {
        return None;
    }
    let map = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
    let (function, given) = callee(tree, tree.child(map, Field::Argument)?)?;
    Some((function, given + 1))
}

/// Functions that call another function with each element of a list: the index of the list, the index of the function,
/// and which argument of that function the element becomes.
const MAPS: [(&str, usize, usize, usize); 8] = [
    ("map", 1, 0, 0),
    ("imap0", 1, 0, 1),
    ("imap1", 1, 0, 1),
    ("concatMap", 1, 0, 0),
    ("concatMapStrings", 1, 0, 0),
    ("concatMapStringsSep", 2, 1, 0),
    ("forEach", 0, 1, 0),
    ("genAttrs", 0, 1, 0),
];

fn is_map(tree: &Tree<'_>, apply: Node) -> bool {
    function(tree, apply)
        .is_some_and(|(name, index)| MAPS.iter().any(|map| (map.0, map.1) == (nix::last_name(name), index)))
}

/// The function that receives the next argument of a possibly partially applied function, and the index of that
/// argument: that function itself or, for the list of a `map`, the function that `map` calls.
fn called(tree: &Tree<'_>, function: Node, in_list: bool) -> Option<(Node, usize)> {
    let (head, index) = callee(tree, function)?;
    let name = nix::last_name(tree.slice(head));
    if in_list && SET_MAPS.contains(&(name, index)) {
        // The set has a name: `mapAttrs f services`.
        let map = nix::unwrap_parens(tree, function);
        let (function, given) = callee(tree, tree.child(map, Field::Argument)?)?;
        return Some((function, given + 1));
    }
    let map = MAPS.iter().find(|map| (map.0, map.1) == (name, index));
    let Some(&(_, list, inner, argument)) = map.filter(|_| tree.kind(head) != NodeKind::Function) else {
        return (!in_list).then_some((head, index));
    };
    if !in_list {
        return None;
    }
    let is_before = inner < list;
    let mut apply = nix::unwrap_parens(tree, function);
    if !is_before {
        // `forEach [ .. ] f`: the function comes after the list.
        apply = tree.parent(apply).filter(|&node| tree.kind(node) == NodeKind::Apply)?;
        apply = tree.parent(apply).filter(|&node| tree.kind(node) == NodeKind::Apply)?;
        let (function, given) = callee(tree, tree.child(apply, Field::Argument)?)?;
        return Some((function, given + argument));
    }
    for _ in inner + 1..list {
        apply = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
    }
    let (function, given) = callee(tree, tree.child(apply, Field::Argument)?)?;
    Some((function, given + argument))
}

/// The function that remains after `index` arguments, and the name of its next argument. `None` unless that is a plain
/// name.
pub fn parameter(tree: &Tree<'_>, function: Node, index: usize) -> Option<(Node, Node)> {
    let mut lambda = nix::unwrap_parens(tree, function);
    for _ in 0..index {
        lambda = nix::unwrap_parens(tree, tree.child(lambda, Field::Body)?);
    }
    let name = (tree.kind(lambda) == NodeKind::Function).then(|| tree.child(lambda, Field::Universal)).flatten()?;
    Some((lambda, name))
}

/// The function of an application and the index of the application's argument: `mkOverride` and 1 for `lib.mkOverride
/// 10 x`.
pub fn function<'a>(tree: &Tree<'a>, apply: Node) -> Option<(&'a str, usize)> {
    let mut index = 0;
    let mut head = nix::unwrap_parens(tree, tree.child(apply, Field::Function)?);
    while tree.kind(head) == NodeKind::Apply {
        index += 1;
        head = nix::unwrap_parens(tree, tree.child(head, Field::Function)?);
    }
    matches!(tree.kind(head), NodeKind::Variable | NodeKind::Select).then(|| (tree.slice(head), index))
}

/// The expression inside `toString`, `mkDefault`, parentheses and the like.
fn inward(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    let mut node = nix::unwrap_parens(tree, expression);
    while tree.kind(node) == NodeKind::Apply && hands_on(tree, node) {
        node = nix::unwrap_parens(tree, tree.child(node, Field::Argument)?);
    }
    Some(node)
}

/// The arithmetic expression inside wrappers, and its value: the result if both operands are integer literals, or
/// else a placeholder for an unknown number.
pub fn computed(tree: &Tree<'_>, expression: Node) -> Option<(Node, u32)> {
    const ANY: u32 = 65535;
    let sum = inward(tree, expression).filter(|&node| tree.kind(node) == NodeKind::Binary)?;
    let operator = operator(tree, sum);
    if !matches!(operator, NodeKind::Plus | NodeKind::Minus | NodeKind::Times) {
        return None;
    }
    let side = |field| integer(tree, tree.child(sum, field)?);
    let number = |node: Node| tree.slice(node).parse::<u32>().ok();
    match (side(Field::Left), side(Field::Right)) {
        (Some(left), Some(right)) => {
            let (left, right) = (number(left)?, number(right)?);
            let value = match operator {
                NodeKind::Plus => left.checked_add(right)?,
                NodeKind::Minus => left.checked_sub(right)?,
                _ => left.checked_mul(right)?,
            };
            Some((sum, value))
        }
        (None, None) => None,
        _ => Some((sum, ANY)),
    }
}

/// The integer inside wrappers.
pub fn integer(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == NodeKind::Integer)
}

/// The integer that a selection inside wrappers falls back to: `8080` in `toString (cfg.port or 8080)`. Without
/// parentheses, `toString cfg.port or 8080` has the same meaning.
pub fn fallback(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    integer(tree, tree.child(selection(tree, expression)?, Field::Default)?)
}

/// The string inside wrappers.
pub fn string(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == NodeKind::String)
}

/// The selection inside wrappers.
pub fn selection(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == NodeKind::Select)
}

/// The last argument of an application, if the application's result contains it.
pub fn handed_on(tree: &Tree<'_>, apply: Node) -> Option<Node> {
    let is_wrapper = tree.kind(apply) == NodeKind::Apply && hands_on(tree, apply);
    is_wrapper.then(|| tree.child(apply, Field::Argument).map(|inner| nix::unwrap_parens(tree, inner))).flatten()
}

/// The sum that appends a value to a string, and that string.
pub fn joined(tree: &Tree<'_>, value: Node) -> Option<(Node, Node)> {
    let mut node = value;
    let sum = loop {
        let parent = tree.parent(node)?;
        match tree.kind(parent) {
            NodeKind::Parenthesized => {}
            NodeKind::Apply if tree.field(node) == Field::Argument && hands_on(tree, parent) => {}
            NodeKind::Binary if tree.field(node) == Field::Right && operator(tree, parent) == NodeKind::Plus => {
                break parent;
            }
            _ => return None,
        }
        node = parent;
    };
    let mut left = nix::unwrap_parens(tree, tree.child(sum, Field::Left)?);
    if tree.kind(left) == NodeKind::Binary && operator(tree, left) == NodeKind::Plus {
        left = nix::unwrap_parens(tree, tree.child(left, Field::Right)?);
    }
    matches!(tree.kind(left), NodeKind::String | NodeKind::IndentedString).then_some((sum, left))
}

/// The variable inside wrappers.
pub fn variable(tree: &Tree<'_>, expression: Node) -> Option<Node> {
    inward(tree, expression).filter(|&node| tree.kind(node) == NodeKind::Variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn ends_in(text: &str) -> String {
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let node = tree.nodes().find(|&node| tree.slice(node) == "80").unwrap();
        let node = if tree.kind(node) == NodeKind::Integer {
            node
        } else {
            tree.subtree(node).find(|&node| tree.kind(node) == NodeKind::Integer).unwrap()
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
            ("{ p = { node, ... }: [ 80 ]; }", "p"),
            ("{ p = lib.flatten (map (x: [ 80 x ]) xs); }", "p"),
            ("{ p = map (x: f 80) xs; }", "-"),
            ("{ p = g (x: 80) xs; }", "-"),
            ("{ p = (x: 80) y; }", "p"),
            ("{ p = concatMapStringsSep \",\" toString [ 80 ]; }", "p"),
            ("{ p = 80 |> toString; }", "p"),
            ("{ p = [ 80 ] |> map (x: x) |> lib.unique; }", "p"),
            ("{ p = lib.mkForce <| toString <| 80; }", "p"),
            ("{ p = 80 |> f; }", "-"),
            ("{ p = xs |> map (x: 80); }", "p"),
            ("{ p = lib.range 80 90; }", "p"),
            ("{ p = map (n: n + x) (lib.range 80 90); }", "-"),
        ] {
            assert_eq!(ends_in(text), end, "{text}");
        }
    }
}
