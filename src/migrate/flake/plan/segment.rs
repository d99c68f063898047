//! The text of sets: their members with comments and blank lines, and how to move them.

use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::migrate::flake::layout::{Edits, spaces};
use crate::migrate::flake::read::members;

/// The text of a value after `=`. A space precedes it, unless it starts on a new line.
pub(super) fn behind(text: String) -> String {
    if text.starts_with('\n') { text } else { format!(" {text}") }
}

/// A member of a set with the comments above it and the one after it, or the text after the last member.
pub(super) struct Segment {
    pub(super) span: Span,
    pub(super) member: Option<Node>,
}

pub(super) fn segments(tree: &Tree<'_>, set: Node) -> Vec<Segment> {
    let end = tree.span(set).end.saturating_sub(1);
    let mut segments = Vec::new();
    let mut at = opening(tree, set);
    for member in members(tree, set) {
        let until = with_comment(tree.text(), tree.span(member).end, end);
        segments.push(Segment { span: Span { start: at, end: until }, member: Some(member) });
        at = until;
    }
    let rest = Span { start: at, end: end.max(at) };
    if !tree.text().get(rest.range()).unwrap_or("").trim().is_empty() {
        segments.push(Segment { span: rest, member: None });
    }
    segments
}

/// The offset after the `{` or `let` that opens a set or a `let`.
pub(super) fn opening(tree: &Tree<'_>, set: Node) -> u32 {
    let text = tree.slice(set);
    let word = if tree.kind(set) == NodeKind::Let { "let" } else { "{" };
    tree.span(set).start + text.find(word).map_or(0, |at| at + word.len()) as u32
}

/// The end of a member, with a comment on the same line.
pub(super) fn with_comment(text: &str, end: u32, limit: u32) -> u32 {
    let rest = text.get(end as usize..limit as usize).unwrap_or("");
    let line = rest.split('\n').next().unwrap_or("");
    if line.trim_start().starts_with('#') { end + line.trim_end().len() as u32 } else { end }
}

/// The offset of the first member of a set, or the end of the set if it has no members.
pub(super) fn first_member(tree: &Tree<'_>, set: Node) -> u32 {
    members(tree, set).first().map_or(tree.span(set).end, |&member| tree.span(member).start)
}

/// Removes a member from a `let`, and the `let` if it has no other members.
pub(super) fn remove_member(tree: &Tree<'_>, found: Node, binding: Node, edits: &mut Edits) {
    let all = members(tree, found);
    if all.len() == 1 {
        if let Some(body) = tree.child(found, Field::Body) {
            edits.replace(Span { start: tree.span(found).start, end: tree.span(body).start }, "");
        }
        return;
    }
    let set = tree.child_of_kind(found, NodeKind::BindingSet).map_or(tree.span(found).end, |set| tree.span(set).end);
    let mut at = opening(tree, found);
    for member in all {
        let until = with_comment(tree.text(), tree.span(member).end, set);
        if member == binding {
            // The blank line after the first member is removed with it.
            let rest = tree.text().get(until as usize..).unwrap_or("");
            let blank = rest.strip_prefix('\n').filter(|rest| at == opening(tree, found) && rest.starts_with('\n'));
            edits.replace(Span { start: at, end: until + u32::from(blank.is_some()) }, "");
            return;
        }
        at = until;
    }
}

/// The body of a `let` that the edits remove.
pub(super) fn emptied(tree: &Tree<'_>, node: Node, edits: &Edits) -> Option<Node> {
    let body = (tree.kind(node) == NodeKind::Let).then(|| tree.child(node, Field::Body))??;
    let head = Span { start: tree.span(node).start, end: tree.span(body).start };
    edits.render(tree.text(), head).is_empty().then_some(body)
}

/// Collapses each run of whitespace, for comparisons, unless the text contains an indented string (`''`).
pub(super) fn one_form(text: &str) -> String {
    if text.contains("''") { text.to_owned() } else { text.split_whitespace().collect::<Vec<_>>().join(" ") }
}

pub(super) fn wrapped(text: &str) -> String {
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-'${}".contains(c));
    if simple { text.to_owned() } else { format!("({text})") }
}

pub(super) fn shift_trivia(text: &str, by: isize) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if number == 0 || line.trim().is_empty() {
            out.push_str(if number == 0 { line } else { line.trim() });
        } else if by > 0 {
            out.push_str(&format!("{}{line}", spaces(by.unsigned_abs())));
        } else {
            out.push_str(&line[blanks.min(by.unsigned_abs())..]);
        }
    }
    out
}

/// The most common string. If several are equally common, the first of them.
pub(super) fn most_common<'x>(texts: impl Iterator<Item = &'x str>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for text in texts {
        match counts.iter_mut().find(|(found, _)| one_form(found) == one_form(text)) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(text, _)| text.to_owned())
}
