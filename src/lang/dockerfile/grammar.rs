//! What Docker reads in a Dockerfile and tree-sitter-containerfile does not.

use std::borrow::Cow;

/// A text that the grammar reads with every node at the same offset: the quotes around the ports of `EXPOSE`, which
/// Docker takes off, become blanks, and so do the ends of empty lines in a continued instruction.
pub fn for_grammar(text: &str) -> Cow<'_, str> {
    let mut replaced: Option<Vec<u8>> = None;
    let mut start = 0;
    let mut is_exposed = false;
    let mut is_continued = false;
    for line in text.split_inclusive('\n') {
        is_exposed |= starts_with_expose(line);
        if is_exposed && line.contains(['"', '\'']) {
            let bytes = replaced.get_or_insert_with(|| text.as_bytes().to_vec());
            let quotes = bytes[start..start + line.len()].iter_mut().filter(|byte| matches!(byte, b'"' | b'\''));
            quotes.for_each(|byte| *byte = b' ');
        }
        let is_empty = line.trim().is_empty();
        if is_continued && is_empty && line.ends_with('\n') {
            let bytes = replaced.get_or_insert_with(|| text.as_bytes().to_vec());
            bytes[start..start + line.len()].fill(b' ');
        }
        // A comment between the lines of an instruction does not end it.
        is_continued = line.trim_end().ends_with('\\') && (is_continued || !line.trim_start().starts_with('#'))
            || is_continued && (is_empty || line.trim_start().starts_with('#'));
        is_exposed &= is_continued;
        start += line.len();
    }
    replaced.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn starts_with_expose(line: &str) -> bool {
    let word = line.split_ascii_whitespace().next().unwrap_or_default();
    word.eq_ignore_ascii_case("expose")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exposed_ports_lose_their_quotes() {
        for (text, expected) in [
            ("EXPOSE \"80\" '81'\nENV A=\"1\"\n", "EXPOSE  80   81 \nENV A=\"1\"\n"),
            ("expose \\\n  \"80\"\n", "expose \\\n   80 \n"),
            ("RUN echo \"EXPOSE\"\n", "RUN echo \"EXPOSE\"\n"),
            ("ENV A=1 \\\n\n  B=2\n\nRUN x\n", "ENV A=1 \\\n   B=2\n\nRUN x\n"),
            ("# a \\\n\nRUN x\n", "# a \\\n\nRUN x\n"),
        ] {
            assert_eq!(for_grammar(text), expected);
        }
    }
}
