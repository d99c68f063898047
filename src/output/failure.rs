//! The reason why a command failed, for standard error.

use super::stream::Stream;
use super::style::{GREEN, RED, code};
use super::text::clean_lines;
use super::wrap::hanging;

/// The message, and what to do next. On a terminal, both are wrapped to its width.
pub fn text(message: &str, help: Option<&str>, stream: &Stream) -> String {
    let help = help.map(|help| paragraph("  ", &GREEN.on("help:", stream.color), help, stream));
    let message = paragraph("", &RED.on("error:", stream.color), message, stream);
    [Some(message), help].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Formats text after a word, such as `error:`. Line breaks are kept.
fn paragraph(indent: &str, word: &str, text: &str, stream: &Stream) -> String {
    let text = clean_lines(text);
    let mut lines = text.lines();
    let first = format!("{indent}{word} ");
    let shown = |head: &str, line: &str| {
        let line = code(line, stream.color);
        if stream.wrap { hanging(head, &line, stream.width) } else { format!("{head}{line}") }
    };
    let mut out = shown(&first, lines.next().unwrap_or_default());
    for line in lines {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        out.push('\n');
        out.push_str(&shown(&indent, &line[indent.len()..]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_on_a_terminal() {
        let plain = Stream::default();
        let help = "the groups are databases, development and services";
        assert_eq!(text("no group `x`", Some(help), &plain), format!("error: no group `x`\n  help: {help}"));
        let narrow = Stream { wrap: true, width: 40, ..plain };
        let expected = "error: no group `x`\n  help: the groups are databases,\n        development and services";
        assert_eq!(text("no group `x`", Some(help), &narrow), expected);
        assert_eq!(text("a\n  b\u{1b}", None, &narrow), "error: a\n  b\\u{1b}");
    }
}
