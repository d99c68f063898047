//! Wraps text between words to the width of a terminal.

use unicode_width::UnicodeWidthChar;

use super::stream::Stream;

/// The width of a tab in a code frame, in columns.
pub const TAB: usize = 4;

/// The width of a string in columns, without its styles.
pub fn columns(text: &str) -> usize {
    let mut styled = text.split("\u{1b}[");
    let first = styled.next().map_or(0, plain_columns);
    first + styled.map(|part| plain_columns(part.split_once('m').map_or(part, |(_, after)| after))).sum::<usize>()
}

fn plain_columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The width of a character in columns.
pub fn columns_of(c: char) -> usize {
    if c == '\t' { TAB } else { c.width().unwrap_or(0) }
}

/// Splits a line between words. Code between backticks is not split, so that it can be copied, unless it is longer than
/// a line.
pub fn wrapped(line: &str, width: usize) -> Vec<String> {
    if columns(line) <= width {
        return vec![line.to_owned()];
    }
    let mut lines = vec![String::new()];
    for piece in pieces(line, width) {
        match lines.last_mut() {
            Some(last) if last.is_empty() || columns(last) + columns(piece.trim_end()) <= width => last.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    let lines = lines.into_iter().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// The pieces of a line that wrapping does not split, each with the white space after it.
fn pieces(line: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut end, mut in_code) = (0, 0, false);
    for word in line.split_inclusive(' ') {
        in_code ^= word.matches('`').count() % 2 == 1;
        end += word.len();
        if in_code && line[end..].contains('`') {
            continue;
        }
        let piece = &line[start..end];
        match columns(piece) > width {
            true => pieces.extend(piece.split_inclusive(' ')),
            false => pieces.push(piece),
        }
        start = end;
    }
    pieces
}

/// A line, wrapped if it is shown on a terminal. All lines but the first are indented.
pub fn fitted(line: &str, indent: usize, stream: &Stream) -> String {
    if !stream.wrap {
        return line.to_owned();
    }
    let lines = wrapped(line, stream.width.saturating_sub(indent).max(20));
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// Text after a prefix. All lines are aligned with the start of the text.
pub fn hanging(head: &str, text: &str, width: usize) -> String {
    let indent = columns(head);
    let lines = wrapped(text, width.saturating_sub(indent).max(20));
    let separator = format!("\n{}", " ".repeat(indent));
    format!("{head}{}", lines.join(&separator))
}

/// A list of items after a prefix, filled into lines. Items are not split.
pub fn listed(head: &str, items: &[String], width: usize) -> String {
    let indent = columns(head);
    let mut out = head.to_owned();
    let mut at = indent;
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        let needed = columns(item) + comma.len();
        if index > 0 && at + 1 + needed > width {
            out.push_str(&format!("\n{}", " ".repeat(indent)));
            at = indent;
        } else if index > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(item);
        out.push_str(comma);
        at += needed;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_not_in_code() {
        assert_eq!(wrapped("take `a b c d` or e", 10), ["take", "`a b c d`", "or e"]);
        assert_eq!(wrapped("take one of them", 10), ["take one", "of them"]);
        assert_eq!(wrapped("an `open end of it", 8), ["an `open", "end of", "it"]);
        assert_eq!(wrapped("see `a b c d e f g` now", 8), ["see `a b", "c d e f", "g` now"]);
        assert_eq!(wrapped("端口 端口 端口", 9), ["端口 端口", "端口"]);
    }

    #[test]
    fn continuation_lines_are_aligned_with_the_first() {
        assert_eq!(hanging("  ab  ", &"word ".repeat(6), 26), "  ab  word word word word\n      word word");
        let items = ["a.nix:1", "b.nix:22", "c.nix:3"].map(str::to_owned);
        assert_eq!(listed("80  ", &items, 24), "80  a.nix:1, b.nix:22,\n    c.nix:3");
        assert_eq!(listed("80  ", &items, 80), "80  a.nix:1, b.nix:22, c.nix:3");
    }
}
