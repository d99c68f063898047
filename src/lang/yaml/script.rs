//! Scalars as scripts: applies YAML's folding and escapes in place, so that all offsets are kept.

use std::borrow::Cow;

/// Replaces bytes of the text with other ASCII bytes.
fn edited(text: &str, edit: impl FnOnce(&mut [u8])) -> String {
    let mut bytes = text.as_bytes().to_vec();
    edit(&mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Folds a plain or quoted scalar over several lines: a line end becomes a blank unless an empty line follows.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(edited(text, fold))
}

fn fold(bytes: &mut [u8]) {
    for at in 0..bytes.len() {
        if bytes[at] == b'\n' {
            let rest = bytes.get(at + 1..).unwrap_or_default();
            let next = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            if next != Some(&b'\n') {
                bytes[at] = b' ';
            }
        }
    }
}

/// The contents of a quoted scalar. Each escape becomes the escaped character and a padding blank: after a quote, but
/// before any other character.
pub(super) fn unescaped(text: &str, double: bool) -> Cow<'_, str> {
    if memchr::memchr3(b'\\', b'\'', b'\n', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(edited(text, |bytes| {
        fold(bytes);
        let mut at = 0;
        while at + 1 < bytes.len() {
            let pair = match (double, bytes[at], bytes[at + 1]) {
                (true, b'\\', quote @ (b'"' | b'\'')) => [quote, b' '],
                (true, b'\\', b'n') => [b' ', b'\n'],
                (true, b'\\', other) if other.is_ascii() && !b"xuU".contains(&other) => [b' ', other],
                (false, b'\'', b'\'') => [b'\'', b' '],
                _ => {
                    at += 1;
                    continue;
                }
            };
            bytes[at..at + 2].copy_from_slice(&pair);
            at += 2;
        }
    }))
}

/// Folds a block scalar: a line end between two lines with the block's own indentation becomes a blank.
pub(super) fn folded_block(text: &str) -> String {
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let own = text.lines().find(|line| !line.trim().is_empty()).map_or(0, depth);
    let joins = |line: &str| !line.trim().is_empty() && depth(line) == own;
    edited(text, |bytes| {
        let mut lines = text.lines();
        let mut line = lines.next();
        for (end, next) in memchr::memchr_iter(b'\n', text.as_bytes()).zip(lines) {
            if line.is_some_and(joins) && joins(next) {
                bytes[end] = b' ';
            }
            line = Some(next);
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::lang::yaml::Yaml;
    use crate::lang::{Language, Tree};

    #[test]
    fn scripts_keep_their_offsets() {
        for (text, expected) in [
            ("a b", "a b"),
            ("a\n  b", "a   b"),
            ("a\n\n  b", "a\n   b"),
            ("\"a \\\"b\\\" \\n c \\\\\"", "a \" b\"   \n c  \\"),
            ("'a ''b'''", "a ' b' "),
            ("|\n  a\n  b\n", "  a\n  b\n"),
            (">-\n  a\n  b\n    c\n  d\n\n  e\n", "  a   b\n    c\n  d\n\n  e\n"),
        ] {
            let text = format!("k: {text}");
            let tree = Tree::parse(Language::Yaml, &text).unwrap();
            let yaml = Yaml::new(&tree);
            let root = yaml.documents().next().unwrap();
            let (script, start) = yaml.script(yaml.get(root, "k").unwrap()).unwrap();
            assert_eq!(script.trim_end(), expected.trim_end(), "{text:?}");
            let at = start as usize + script.find('a').unwrap();
            assert_eq!(text.as_bytes().get(at), Some(&b'a'), "{text:?}");
        }
    }
}
