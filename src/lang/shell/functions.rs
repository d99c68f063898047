//! The functions that a script defines.

use std::ops::Range;

/// A function: its name and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// From the start of the line that opens it to the start of the line that closes it, as offsets in the script.
    pub lines: Range<usize>,
}

/// The functions of a script that are written on separate lines: `name() {` or `function name {` up to a line that
/// begins with `}` at the same indentation, possibly with a redirection: `} >&2`.
pub fn functions(text: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, &str, usize)> = None;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let start = end;
        end += line.len();
        let line = line.trim_end();
        match open {
            Some((name, indent, first)) if line.strip_prefix(indent).is_some_and(closes) => {
                found.push(Function { name, lines: first..start });
                open = None;
            }
            None => open = opened(line).map(|(name, indent)| (name, indent, start)),
            Some(_) => {}
        }
    }
    found
}

/// Whether a line, without its indentation, closes a function.
fn closes(line: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', ';', '&', '|', '<', '>', ')']);
    line.strip_prefix('}').is_some_and(is_end)
}

/// The name of the function that a line opens, and the line's indentation.
fn opened(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start();
    let indent = &line[..line.len() - rest.len()];
    let head = rest.strip_suffix('{')?.trim_end();
    let name = match (head.strip_prefix("function "), head.strip_suffix("()")) {
        (Some(head), _) => head.trim().trim_end_matches("()").trim_end(),
        (None, Some(head)) => head.trim_end(),
        (None, None) => return None,
    };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte));
    is_name.then_some((name, indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_end_at_a_brace_with_their_indentation() {
        let text =
            "x() {\n  if y; then {\n  }\n  fi\n}\nfunction a-b {\n\tz\n}\n  function c() {\n  }\necho }\nd() {\n";
        let found: Vec<_> = functions(text).into_iter().map(|it| (it.name, &text[it.lines])).collect();
        let expected = [
            ("x", "x() {\n  if y; then {\n  }\n  fi\n"),
            ("a-b", "function a-b {\n\tz\n"),
            ("c", "  function c() {\n"),
        ];
        assert_eq!(found, expected);
        for end in ["} >&2", "}>log", "};", "} | tee log", "} 2>&1 # both"] {
            let text = format!("log() {{\n  echo\n{end}\nbuild() {{\n}}\n");
            let names: Vec<_> = functions(&text).into_iter().map(|it| it.name).collect();
            assert_eq!(names, ["log", "build"], "{end}");
        }
        assert_eq!(functions("if x; then {\n}\necho {\n}\n"), []);
    }
}
