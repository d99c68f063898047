//! Colours for unified diffs, as Git shows them.

use super::style::{BOLD, CODE, Style};

/// Removed lines.
const REMOVED: Style = Style::plain("31");
/// Added lines.
const ADDED: Style = Style::plain("32");

/// A unified diff in colours. Escape sequences in its lines must have been removed.
pub fn colored(patch: &str) -> String {
    // A removed line `-- x` looks like a header, so the lines of a hunk are counted.
    let (mut old, mut new) = (0, 0);
    let mut out = String::with_capacity(patch.len() * 2);
    for line in patch.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        let in_hunk = old > 0 || new > 0;
        let style = match text.as_bytes().first() {
            Some(b'-') if in_hunk => {
                old = usize::saturating_sub(old, 1);
                Some(REMOVED)
            }
            Some(b'+') if in_hunk => {
                new = usize::saturating_sub(new, 1);
                Some(ADDED)
            }
            // `\ No newline at end of file`
            Some(b'\\') => None,
            _ if in_hunk => {
                (old, new) = (old.saturating_sub(1), new.saturating_sub(1));
                None
            }
            Some(b'@') => {
                (old, new) = sizes(text).unwrap_or_default();
                Some(CODE)
            }
            Some(b'-' | b'+') => Some(BOLD),
            _ => None,
        };
        match style {
            Some(style) => {
                out += &style.on(text, true);
                out += &line[text.len()..];
            }
            None => out += line,
        }
    }
    out
}

/// The numbers of old and new lines in a hunk, from its header `@@ -1,3 +1,4 @@`. A count of one may be left out.
fn sizes(header: &str) -> Option<(usize, usize)> {
    let mut ranges = header.split(' ').skip(1);
    let mut size = |sign| {
        let range: &str = ranges.next()?.strip_prefix(sign)?;
        range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
    };
    Some((size('-')?, size('+')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_coloured_by_their_position_in_the_diff() {
        let patch = "--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n same\n--- old\n-older\n++++ new\n\\ No newline at end of file\n\
                     --- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\r\n+b\r\n";
        let expected = "\u{1b}[1m--- a/x\u{1b}[0m\n\u{1b}[1m+++ b/x\u{1b}[0m\n\u{1b}[36m@@ -1,3 +1,2 @@\u{1b}[0m\n same\n\
                        \u{1b}[31m--- old\u{1b}[0m\n\u{1b}[31m-older\u{1b}[0m\n\u{1b}[32m++++ new\u{1b}[0m\n\
                        \\ No newline at end of file\n\
                        \u{1b}[1m--- a/y\u{1b}[0m\n\u{1b}[1m+++ b/y\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n\
                        \u{1b}[31m-a\u{1b}[0m\r\n\u{1b}[32m+b\u{1b}[0m\r\n";
        assert_eq!(colored(patch), expected);
    }
}
