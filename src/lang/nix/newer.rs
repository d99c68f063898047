//! What current Nix reads and tree-sitter-nix does not, for the texts that the recogniser does not vouch for: those
//! with syntax errors, and the few with an unusual token.

use std::borrow::Cow;

use super::super::NodeKind;

/// A text that the grammar reads with every node at the same offset: each pipe operator becomes `||`, which has the
/// nearest precedence of the operators that the grammar knows.
///
/// A text that holds `|>` or `<|` in a string or a comment changes there too, which no offset depends on.
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

/// The kind of an operator, given as the text has it and as the grammar read what [`for_grammar`] made of it.
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
    fn a_pipe_becomes_an_operator_that_the_grammar_knows() {
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
