//! Edits source code and its indentation without changing strings.

use crate::finding::Span;
use crate::lang::{Language, Node, NodeKind, Tree};

/// Replacements in the source code, which do not overlap.
#[derive(Debug, Default, Clone)]
pub struct Edits(Vec<(Span, String)>);

impl Edits {
    /// Replaces a span.
    pub fn replace(&mut self, span: Span, text: impl Into<String>) {
        self.0.push((span, text.into()));
    }

    /// Returns a part of the source code with the edits inside it applied. Edits that extend beyond the part are left
    /// out.
    pub fn render(&self, text: &str, part: Span) -> String {
        let mut inside: Vec<&(Span, String)> = self.0.iter().filter(|(span, _)| part.contains(*span)).collect();
        inside.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::new();
        let mut at = part.start;
        for (span, new) in inside {
            if span.start < at {
                continue;
            }
            out.push_str(slice(text, Span { start: at, end: span.start }));
            out.push_str(new);
            at = span.end;
        }
        out.push_str(slice(text, Span { start: at, end: part.end }));
        out
    }
}

/// The text of a span.
pub fn slice(text: &str, span: Span) -> &str {
    text.get(span.range()).unwrap_or("")
}

/// The number of blanks before the first character of the line that contains an offset.
pub fn indentation(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..];
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether only blanks precede an offset on its line.
pub fn starts_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("");
    before[before.rfind('\n').map_or(0, |newline| newline + 1)..].trim().is_empty()
}

/// Returns this many spaces.
pub fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// The position at which to insert an argument into a function's `{ a, b }`, and the text to insert, in the layout of
/// the other arguments. `new` is a name, or `...` if the function does not have it yet.
pub fn argument(tree: &Tree<'_>, formals: Node, new: &str) -> (u32, String) {
    let text = tree.text();
    let last = tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal).last();
    let Some(last) = last else {
        let only = tree.child_of_kind(formals, NodeKind::Ellipses).is_some();
        return (tree.span(formals).start + 1, if only { format!(" {new},") } else { format!(" {new} ") });
    };
    let Span { start, end } = tree.span(last);
    let indent = spaces(indentation(text, end as usize));
    let own_line = starts_line(text, start as usize);
    let head = text.get(..start as usize).unwrap_or("");
    let comma_first = head[head.rfind('\n').map_or(0, |newline| newline + 1)..].trim() == ",";
    // Nothing may follow `...`, not even a trailing comma.
    let behind = text.get(end as usize..).unwrap_or("");
    let blanks = behind.len() - behind.trim_start().len();
    let closed = behind.trim_start().strip_prefix(',').is_some_and(|rest| rest.trim_start().starts_with('}'));
    if new == "..." && closed {
        let gap = if own_line { format!("\n{indent}") } else { " ".to_owned() };
        return (end + blanks as u32 + 1, format!("{gap}{new}"));
    }
    let inserted = match (own_line, comma_first) {
        (true, _) => format!(",\n{indent}{new}"),
        (false, true) => format!("\n{indent}, {new}"),
        (false, false) => format!(", {new}"),
    };
    (end, inserted)
}

/// The form of the code: one expression, or bindings without the braces around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An expression.
    Expression,
    /// Bindings of a set.
    Bindings,
}

/// Shifts the code so that its last line is indented by `indent`. The first line is not moved, because other text
/// precedes it. Lines inside strings are moved only if the string keeps its value.
pub fn settle(text: &str, form: Form, indent: usize) -> String {
    match text.rfind('\n') {
        Some(newline) => shift(text, form, indent as isize - indentation(text, newline + 1) as isize),
        None => text.to_owned(),
    }
}

/// Formats an expression as the value of a binding that is indented by `indent`. It is placed after `=`, or on a line of
/// its own if it spans several lines and started on its own line. In that case it still follows `=` if it ends with a
/// closing bracket at its original indentation and does not begin with `let`, `if` or `assert`. `start` is its offset in
/// `source`.
pub fn placed(source: &str, start: u32, text: &str, indent: usize) -> String {
    let Some(newline) = text.rfind('\n') else { return text.to_owned() };
    let own = indentation(source, start as usize);
    let last = indentation(text, newline + 1);
    let closes = text[newline + 1..].trim_start().starts_with(['}', ']', ')', '\'']);
    let by = |to: usize, from: usize| to as isize - from as isize;
    if !starts_line(source, start as usize) {
        return shift(text, Form::Expression, by(indent, if closes { last } else { own }));
    }
    let keyword = ["let", "if", "assert"].iter().any(|word| text.starts_with(word));
    match !keyword && closes && last == own {
        true => shift(text, Form::Expression, by(indent, own)),
        false => format!("\n{}{}", spaces(indent + 2), shift(text, Form::Expression, by(indent + 2, own))),
    }
}

/// Moves all lines of the code except the first by a number of columns. Lines inside strings are moved only if the
/// string keeps its value.
pub fn shift(text: &str, form: Form, by: isize) -> String {
    if by == 0 || !text.contains('\n') {
        return text.to_owned();
    }
    let fixed = fixed_lines(text, form, by);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        if number == 0 || line.trim_end_matches('\r').is_empty() || fixed.get(number).copied().unwrap_or(false) {
            out.push_str(line);
        } else if by > 0 {
            out.push_str(&spaces(by.unsigned_abs()));
            out.push_str(line);
        } else {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            out.push_str(&line[blanks.min(by.unsigned_abs())..]);
        }
    }
    out
}

/// Whether each line begins inside a string whose value would change if the line moved.
fn fixed_lines(text: &str, form: Form, by: isize) -> Vec<bool> {
    let (before, after) = if form == Form::Bindings { ("{", "}") } else { ("", "") };
    let wrapped = format!("{before}{text}{after}");
    let count = text.split('\n').count();
    let mut fixed = vec![false; count];
    let Some(tree) = Tree::parse(Language::Nix, &wrapped).filter(|tree| !tree.broken()) else {
        return vec![true; count];
    };
    let line_of = |at: u32| wrapped[..at as usize].matches('\n').count();
    for node in tree.nodes().filter(|&node| matches!(tree.kind(node), NodeKind::String | NodeKind::IndentedString)) {
        let span = tree.span(node);
        let inner = tree.slice(node);
        if !inner.contains('\n') || (tree.kind(node) == NodeKind::IndentedString && moves_whole(inner, by)) {
            continue;
        }
        for line in line_of(span.start) + 1..=line_of(span.end) {
            if let Some(line) = fixed.get_mut(line) {
                *line = true;
            }
        }
    }
    fixed
}

/// Whether an indented string keeps its value if all its lines move: its text starts on the line after `''`, and each
/// line has enough indentation.
fn moves_whole(string: &str, by: isize) -> bool {
    let mut lines = string.strip_prefix("''").unwrap_or(string).split('\n');
    let opens = lines.next().is_some_and(|first| first.trim_matches([' ', '\r']).is_empty());
    let room = |line: &str| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        line.trim_matches([' ', '\r']).is_empty() || by > 0 || blanks >= by.unsigned_abs()
    };
    opens && lines.all(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_value() {
        let text = "{\n  a = ''\n    x\n      ${y}\n  '';\n  b = ''c\n    d'';\n  e = \"f\n  g\";\n}";
        let moved = shift(text, Form::Expression, 2);
        assert_eq!(
            moved,
            "{\n    a = ''\n      x\n        ${y}\n    '';\n    b = ''c\n    d'';\n    e = \"f\n  g\";\n  }"
        );
        assert_eq!(shift(&moved, Form::Expression, -2), text);
        assert_eq!(shift("{\n  a = ''\n b\n  '';\n}", Form::Expression, -2), "{\na = ''\n b\n  '';\n}");
    }

    #[test]
    fn edits_are_rendered_inside_a_part() {
        let mut edits = Edits::default();
        edits.replace(Span::new(2, 3), "xx");
        edits.replace(Span::new(5, 9), "no");
        assert_eq!(edits.render("abcdefghi", Span::new(1, 6)), "bxxdef");
        assert_eq!(settle("{\n      a = 1;\n    }", Form::Expression, 2), "{\n    a = 1;\n  }");
    }
}
