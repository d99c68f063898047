//! YAML cannot import, so a port there is allowed by a comment that names its registry entry.

use crate::finding::{Edit, Fix, Safety, Span};
use crate::lang::{Kind, Node, Tree};
use crate::source::Source;

use super::{Target, import};

/// Adds the comment that names the registry entry, above the first key of the mapping that has the number.
pub fn fix(source: &Source, tree: &Tree<'_>, digits: Span, target: &Target<'_>) -> Option<Fix> {
    if tree.broken() || !target.is_written_as(tree.text().get(digits.range())?) {
        return None;
    }
    let pair = first_with_number(tree, pair_around(tree, digits)?, target.number);
    let text = tree.text();
    let at = tree.span(pair).start as usize;
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = &text[line..at];
    let before = before.trim_start_matches('\u{feff}');
    let entry = import::select("", target.entry);
    let comment = format!("# Port from {}: {} = {}", target.registry, entry.trim_start_matches('.'), target.number);
    let blank = before.chars().all(|c| c == ' ');
    // `- key: 80`: the comment goes where the key stands, so that it is in the mapping.
    let in_item = before.chars().all(|c| matches!(c, ' ' | '-'));
    if !blank && !in_item {
        return None;
    }
    let column = " ".repeat(before.len());
    Some(Fix {
        title: format!("name the registry entry: `{comment}`"),
        safety: Safety::Safe,
        edits: vec![Edit { path: source.path.clone(), span: Span::new(at, at), text: format!("{comment}\n{column}") }],
    })
}

fn pair_around(tree: &Tree<'_>, digits: Span) -> Option<Node> {
    let node = tree.covering(digits);
    std::iter::once(node).chain(tree.ancestors(node)).find(|&node| tree.kind(node) == Kind::BlockMappingPair)
}

/// The first pair of the same mapping that has the number: one comment serves all, and all findings get the same fix.
fn first_with_number(tree: &Tree<'_>, pair: Node, number: u32) -> Node {
    let number = number.to_string();
    let Some(mapping) = tree.parent(pair) else { return pair };
    tree.children(mapping)
        .find(|&other| tree.kind(other) == Kind::BlockMappingPair && has_number(tree.slice(other), &number))
        .unwrap_or(pair)
}

fn has_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        !digit(text[..at].chars().next_back()) && !digit(text[at + number.len()..].chars().next())
    })
}
