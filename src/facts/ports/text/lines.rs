//! Finds the comments in a text.

use core::ops::Range;

use super::Flavour;

/// Iterates over the lines of a text together with the scan, and keeps where the comment of the current line starts.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    flavour: Flavour,
    end: usize,
    comment: usize,
    /// The start of the last line that is a comment of SQL or Lua.
    dashes: Option<usize>,
    /// Where the docstrings are that were not yet passed, in reverse order.
    docstrings: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], flavour: Flavour) -> Self {
        let mut lines =
            Self { bytes, flavour, end: 0, comment: 0, dashes: None, docstrings: docstrings(bytes, flavour) };
        lines.enter(0);
        lines
    }

    /// The end of the line whose comment contains `at`; `None` if `at` is not in a comment. Calls must go forward.
    pub(super) fn comment_around(&mut self, at: usize) -> Option<usize> {
        while let Some(docstring) = self.docstrings.last().filter(|docstring| docstring.start <= at) {
            if at < docstring.end {
                return Some(docstring.end);
            }
            self.docstrings.pop();
        }
        if at > self.end {
            let start =
                memchr::memrchr(b'\n', &self.bytes[self.end..at]).map_or(self.end, |index| self.end + index + 1);
            self.enter(start);
        }
        (at >= self.comment).then_some(self.end)
    }

    fn enter(&mut self, start: usize) {
        let rest = &self.bytes[start..];
        self.end = memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |index| start + index);
        // A one-line value has no comments: `"#80"` is a colour, `"a # b"` a title.
        let plain = self.flavour == Flavour::Value && self.end == self.bytes.len() && start == 0;
        self.comment =
            if plain { usize::MAX } else { start + comment_start(&self.bytes[start..self.end], self.flavour) };
        if !plain && self.begins_dashes(start) {
            self.comment = start;
            self.dashes = Some(start);
        }
    }

    /// Whether a line is a comment of SQL or Lua: `-- words`. Elsewhere the arguments of a command follow `--`, so the line
    /// before must end a statement, or be such a comment too.
    fn begins_dashes(&self, start: usize) -> bool {
        let mut start = start;
        let mut end = self.end;
        while is_dashes(&self.bytes[start..end]) {
            if start == 0 {
                return true;
            }
            end = start - 1;
            start = memchr::memrchr(b'\n', &self.bytes[..end]).map_or(0, |index| index + 1);
            if Some(start) == self.dashes {
                return true;
            }
            let before = self.bytes[start..end].trim_ascii();
            if before.is_empty() || before.ends_with(b";") || memchr::memmem::find(before, b"<<").is_some() {
                return true;
            }
        }
        false
    }
}

/// `-- words`
fn is_dashes(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'-', b'-', b' ', after, ..] if after.is_ascii_alphanumeric())
}

/// The docstrings of code in Python, last first: a string in three quotes which begins a line, either after a line that
/// begins a function or a class, or before all code.
fn docstrings(bytes: &[u8], flavour: Flavour) -> Vec<Range<usize>> {
    const QUOTES: &[u8] = b"\"\"\"";
    let mut found = Vec::new();
    if flavour == Flavour::Value {
        return found;
    }
    let mut quotes = memchr::memmem::find_iter(bytes, QUOTES);
    let mut code = None;
    while let (Some(open), Some(close)) = (quotes.next(), quotes.next()) {
        let before = bytes[..open].trim_ascii_end();
        if !before.is_empty() && !bytes[before.len()..open].contains(&b'\n') {
            continue;
        }
        if before.len() <= *code.get_or_insert_with(|| first_code(bytes)) || opens_definition(before) {
            found.push(open..close + QUOTES.len());
        }
    }
    found.reverse();
    found
}

/// The offset of the first line that is neither blank nor a comment.
fn first_code(bytes: &[u8]) -> usize {
    let is_code = |line: &[u8]| !matches!(line.trim_ascii_start(), [] | [b'#', ..]);
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.take_while(|line| !is_code(line)).map(<[u8]>::len).sum()
}

/// Whether a text ends in a line that begins a function or a class of Python, or ends its list of arguments.
fn opens_definition(text: &[u8]) -> bool {
    if !text.ends_with(b":") {
        return false;
    }
    let start = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    let line = text[start..].trim_ascii_start();
    [&b"def "[..], b"class ", b"async def ", b")"].iter().any(|word| line.starts_with(word))
}

/// The offset of the comment in a line; the line's length if there is none.
pub(super) fn comment_start(line: &[u8], flavour: Flavour) -> usize {
    let blank = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    match &line[blank..] {
        [b'#', ..] | [b'/', b'/', ..] => return blank,
        [b';', ..] if flavour == Flavour::Config => return blank,
        _ if flavour == Flavour::Value => return line.len(),
        _ => {}
    }
    let mut at = blank;
    while let Some(step) = memchr::memchr3(b'#', b'"', b'\'', &line[at..]) {
        at += step;
        if line[at] == b'#' {
            if at > 0 && line[at - 1].is_ascii_whitespace() {
                return at;
            }
        } else if !is_apostrophe(line, at) {
            at = closing_quote(line, at).unwrap_or(at);
        }
        at += 1;
    }
    line.len()
}

/// The quote that closes the one at `open`; `None` if it is not closed on the line. Then it does not hide a comment.
fn closing_quote(line: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr2(line[open], b'\\', line.get(at..)?)?;
        if line[at] == line[open] {
            return Some(at);
        }
        at += 2;
    }
}

/// `don't # ...`: between letters, a quote is an apostrophe.
fn is_apostrophe(line: &[u8], at: usize) -> bool {
    let letter = |index: usize| line.get(index).is_some_and(u8::is_ascii_alphabetic);
    line[at] == b'\'' && at > 0 && letter(at - 1) && letter(at + 1)
}
