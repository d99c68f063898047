//! Syntax that current Nix accepts and tree-sitter-nix does not, for files that the recogniser rejects: those with
//! syntax errors, and the few with an unusual token.

use std::borrow::Cow;

use super::super::NodeKind;

/// Rewrites the text for the grammar and keeps all offsets: each pipe operator becomes `||`, the supported operator
/// with the nearest precedence.
///
/// A `|>` or `<|` in a string or a comment is also changed, which does not affect any offset.
pub fn for_grammar(text: &str) -> Cow<'_, str> {
    let is_pipe = |at: usize| matches!(text.as_bytes().get(at..at + 2), Some(b"|>" | b"<|"));
    let bars = memchr::memchr_iter(b'|', text.as_bytes());
    let mut pipes = bars.flat_map(|at| [at.saturating_sub(1), at]).filter(|&at| is_pipe(at)).peekable();
    if pipes.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut replaced = text.to_owned();
    for at in pipes {
        replaced.replace_range(at..at + 2, "||");
    }
    Cow::Owned(replaced)
}

/// The kind of an operator, given its original text and the kind that the grammar found after [`for_grammar`].
pub fn operator(written: &str, read: NodeKind) -> NodeKind {
    match written {
        "|>" => NodeKind::PipeInto,
        "<|" => NodeKind::PipeFrom,
        _ => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_becomes_an_operator_that_the_grammar_supports() {
        for (text, expected) in [
            ("a |> b <| c", "a || b || c"),
            ("a || b", "a || b"),
            ("a|>b # |", "a||b # |"),
            ("|", "|"),
            ("<|", "||"),
            ("ü |> ü", "ü || ü"),
        ] {
            assert_eq!(for_grammar(text), expected);
        }
        assert!(matches!(for_grammar("a < b || c > d"), Cow::Borrowed(_)));
    }
}
