//! Dockerfile syntax that Docker accepts and tree-sitter-containerfile does not.

use std::borrow::Cow;

/// Rewrites the text for the grammar and keeps all offsets: the quotes around the ports of `EXPOSE`, which Docker
/// removes, become blanks, and so do the line breaks of empty lines in a continued instruction. In commands, quotes
/// that only a shell can pair become letters, and so do brackets at the start of a continued line. In `ARG`
/// instructions, the dashes and dots in names become letters.
pub fn for_grammar(text: &str) -> Cow<'_, str> {
    match without_gaps(text) {
        Cow::Borrowed(text) => without_shell_syntax(text),
        Cow::Owned(text) => Cow::Owned(without_shell_syntax(&text).into_owned()),
    }
}

fn without_gaps(text: &str) -> Cow<'_, str> {
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

/// Replaces shell syntax that the grammar misreads. Docker passes a command to the shell unchanged. The grammar pairs
/// the quotes in it, but supports neither nested quotes inside `$(..)` nor a literal backslash between single quotes.
/// It also reads a test at the start of a continued line, `[ -n "$a" ]`, as the exec form.
fn without_shell_syntax(text: &str) -> Cow<'_, str> {
    let mut replaced: Option<Vec<u8>> = None;
    let mut start = 0;
    while start < text.len() {
        let end = instruction_end(text, start);
        let instruction = &text[start..end];
        let mut letters = Vec::new();
        if is_shell_command(instruction) {
            let is_unpaired = instruction.contains(['"', '\''])
                && !pairs_quotes(instruction, Pairing::Grammar)
                && pairs_quotes(instruction, Pairing::Shell);
            letters.extend(instruction.match_indices(['"', '\'']).map(|(at, _)| at).filter(|_| is_unpaired));
            letters.extend(leading_brackets(instruction));
        } else {
            letters.extend(dashes_in_names(instruction));
        }
        if !letters.is_empty() {
            let bytes = replaced.get_or_insert_with(|| text.as_bytes().to_vec());
            letters.into_iter().for_each(|at| bytes[start + at] = b'_');
        }
        start = end;
    }
    replaced.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The offsets of the brackets at the start of a command's second and later lines.
fn leading_brackets(command: &str) -> impl Iterator<Item = usize> {
    let lines = command.match_indices('\n').map(|(end, _)| end + 1);
    lines.filter_map(|start| {
        let line = &command[start..];
        let content = line.trim_start_matches([' ', '\t']);
        content.starts_with('[').then(|| start + line.len() - content.len())
    })
}

/// The offsets of the dashes and dots in an argument's name, which Docker accepts: `ARG a-b=1`.
fn dashes_in_names(instruction: &str) -> impl Iterator<Item = usize> {
    let is_argument = instruction.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("arg"));
    let line = instruction.trim_end();
    let name_end = line.find(['=', '"', '\'', '$', '#', '\\']).unwrap_or(line.len());
    let names = if is_argument { &instruction[..name_end] } else { "" };
    let is_inside = |&(at, _): &(usize, &str)| names[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    names.match_indices(['-', '.']).filter(is_inside).map(|(at, _)| at)
}

/// The end of the instruction that starts at `start`, including continuation lines and the comments between them.
fn instruction_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        let is_comment_inside = end > start && line.trim_start().starts_with('#');
        end += line.len();
        if !is_comment_inside && !line.trim_end().ends_with('\\') {
            break;
        }
    }
    end
}

/// Whether an instruction is a command in shell form, not in exec form.
fn is_shell_command(instruction: &str) -> bool {
    let mut words = instruction.split_ascii_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    let is_command = matches!(keyword.as_str(), "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK");
    is_command && words.next().is_some_and(|word| !word.starts_with('['))
}

/// The rules for pairing quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// tree-sitter-containerfile.
    Grammar,
    /// A POSIX shell.
    Shell,
}

/// Whether all quotes of a command are closed.
fn pairs_quotes(command: &str, pairing: Pairing) -> bool {
    let is_shell = pairing == Pairing::Shell;
    let bytes = command.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, open.last().copied()) {
            (b'\\', Some(b'\'')) if is_shell => {}
            (b'\\', _) => at += 1,
            (b'\'', Some(b'\'')) | (b'"', Some(b'"')) | (b')', Some(b'(')) => drop(open.pop()),
            (_, Some(b'\'')) | (b'\'', Some(b'"')) => {}
            (b'"' | b'\'', _) => open.push(byte),
            (b'$', _) if is_shell && bytes.get(at) == Some(&b'(') => {
                open.push(b'(');
                at += 1;
            }
            (b'(', Some(b'(')) => open.push(b'('),
            _ => {}
        }
    }
    open.is_empty()
}

fn starts_with_expose(line: &str) -> bool {
    let word = line.split_ascii_whitespace().next().unwrap_or_default();
    word.eq_ignore_ascii_case("expose")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_that_a_shell_pairs_are_not_errors() {
        for (text, expected) in [
            ("RUN a 'x\\' && b\n", "RUN a _x\\_ && b\n"),
            ("RUN a \\\n  \"$(b 's/\"\\(c\\)/')\"\nENV A=\"1\"\n", "RUN a \\\n  _$(b _s/_\\(c\\)/_)_\nENV A=\"1\"\n"),
            ("CMD [\"x'\"]\n", "CMD [\"x'\"]\n"),
            ("RUN echo \"a\nRUN b\n", "RUN echo \"a\nRUN b\n"),
            ("RUN echo \"it's\" 'b'\n", "RUN echo \"it's\" 'b'\n"),
            ("RUN a && \\\n  [ -n \"$b\" ]\n", "RUN a && \\\n  _ -n \"$b\" ]\n"),
            ("CMD [ \\\n  \"a\" ]\n", "CMD [ \\\n  \"a\" ]\n"),
            ("ARG EMBED-CLI=a-b\nENV A=b-c\n", "ARG EMBED_CLI=a-b\nENV A=b-c\n"),
        ] {
            assert_eq!(for_grammar(text), expected);
        }
    }

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
