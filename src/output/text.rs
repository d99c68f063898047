//! Makes text from the repository safe to show: no file name or content can move the cursor or start a new line.

use std::borrow::Cow;
use std::fmt::Write;

pub use crate::wording::harmful;

/// Escapes control characters and bidirectional control characters, as `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    escape(text, harmful)
}

/// Like [`clean`], but keeps line breaks.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && harmful(c))
}

fn escape(text: &str, harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match harmful(c) {
            true => write!(clean, "{}", c.escape_default()).unwrap_or_default(),
            false => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// A count and its noun: `1 file`, `2 files`.
pub fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_bidirectional_marks_are_escaped() {
        assert_eq!(clean("modules/web.nix"), "modules/web.nix");
        assert_eq!(clean("Grüße 端口 🦀"), "Grüße 端口 🦀");
        assert_eq!(clean("a\nb\t\u{1b}[31mc\u{9b}\u{202e}"), r"a\nb\t\u{1b}[31mc\u{9b}\u{202e}");
        assert_eq!(clean_lines("a\nb\r"), "a\nb\\r");
    }
}
