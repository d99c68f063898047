//! Finds the comments in text.

use core::ops::Range;

use super::Flavour;

/// Follows the scan through the lines of the text, and tracks the start of the comment in the current line.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    flavour: Flavour,
    end: usize,
    comment: usize,
    /// The start of the last line that begins with two dashes, and whether it is an SQL or Lua comment.
    dashes: Option<(usize, bool)>,
    /// The docstrings and XML comments after the current position, in reverse order.
    blocks: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], flavour: Flavour) -> Self {
        let mut blocks = docstrings(bytes, flavour);
        let comments = xml_comments(bytes);
        if !comments.is_empty() {
            blocks.extend(comments);
            blocks.sort_by_key(|block| std::cmp::Reverse(block.start));
        }
        let mut lines = Self { bytes, flavour, end: 0, comment: 0, dashes: None, blocks };
        lines.enter(0);
        lines
    }

    /// The end of the comment that contains `at`, or of its line; `None` if `at` is not in a comment. `at` must not
    /// decrease from call to call.
    pub(super) fn comment_around(&mut self, at: usize) -> Option<usize> {
        while let Some(block) = self.blocks.last().filter(|block| block.start <= at) {
            if at < block.end {
                return Some(block.end);
            }
            self.blocks.pop();
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
        // A one-line value has no comments: `"#80"` is a colour, and `"a # b"` is a title.
        let plain = self.flavour == Flavour::Value && self.end == self.bytes.len() && start == 0;
        self.comment =
            if plain { usize::MAX } else { start + comment_start(&self.bytes[start..self.end], self.flavour) };
        if !plain && self.begins_dashes(start) {
            self.comment = start;
        }
    }

    /// Whether a line is an SQL or Lua comment: `-- words`. The arguments of a command may also follow `--`; then the
    /// line before it is part of a command.
    fn begins_dashes(&mut self, start: usize) -> bool {
        if !is_dashes(&self.bytes[start..self.end]) {
            return false;
        }
        let mut first = start;
        let is_comment = loop {
            if let Some((_, answer)) = self.dashes.filter(|(line, _)| *line == first) {
                break answer;
            }
            let Some(end) = first.checked_sub(1) else { break true };
            let before = memchr::memrchr(b'\n', &self.bytes[..end]).map_or(0, |index| index + 1);
            if !is_dashes(&self.bytes[before..end]) {
                break !takes_arguments(self.bytes[before..end].trim_ascii());
            }
            first = before;
        };
        self.dashes = Some((start, is_comment));
        is_comment
    }
}

/// Whether a line is part of a command that may continue: `exec server \`, a flag, a single word, an open bracket.
fn takes_arguments(line: &[u8]) -> bool {
    let is_word = !line.is_empty() && !line.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b';');
    is_word || line.starts_with(b"-") || matches!(line.last(), Some(b'\\' | b'(' | b'[' | b'|' | b'>'))
}

/// Whether a line starts like `-- words`.
fn is_dashes(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'-', b'-', b' ', after, ..] if after.is_ascii_alphanumeric())
}

/// Whether a text begins like XML or HTML. In other languages, such as shell and Apache's configuration, `<!--` does
/// not start a comment.
fn is_xml(bytes: &[u8]) -> bool {
    let Some(tag) = bytes.trim_ascii_start().strip_prefix(b"<") else { return false };
    let end = memchr::memchr(b'>', tag).unwrap_or(tag.len());
    let (tag, name) = (&tag[..end], tag.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count());
    tag.starts_with(b"?xml")
        || tag.starts_with(b"!--")
        || tag.starts_with(b"!DOCTYPE")
        || name > 0 && (name == tag.len() || memchr::memmem::find(tag, b"=\"").is_some())
}

/// The comments in XML and HTML: `<!-- <Port>8080</Port> -->`.
fn xml_comments(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !is_xml(bytes) {
        return found;
    }
    let mut from = 0;
    while let Some(open) = memchr::memmem::find(&bytes[from..], b"<!--").map(|at| from + at) {
        let Some(close) = memchr::memmem::find(&bytes[open + 4..], b"-->").map(|at| open + 4 + at + 3) else { break };
        found.push(open..close);
        from = close;
    }
    found
}

/// The docstrings in Python code, last first: strings in triple quotes that begin a line, either after the head of a
/// function or class, or before all code.
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

/// Whether the text ends in the head of a Python function or class, which may have several lines.
fn opens_definition(text: &[u8]) -> bool {
    /// The longest head, in bytes.
    const LONGEST: usize = 2048;
    if !text.ends_with(b":") {
        return false;
    }
    let floor = text.len().saturating_sub(LONGEST);
    let mut open = 0_i32;
    let mut end = text.len();
    // Go back until every closing bracket has its opening bracket.
    loop {
        let start = memchr::memrchr(b'\n', &text[floor..end]).map_or(floor, |index| floor + index + 1);
        let line = &text[start..end];
        let count = |bracket: u8| line.iter().filter(|byte| **byte == bracket).count() as i32;
        open += count(b')') - count(b'(');
        if open <= 0 || start == floor {
            let line = line.trim_ascii_start();
            return open <= 0 && [&b"def "[..], b"class ", b"async def "].iter().any(|word| line.starts_with(word));
        }
        end = start - 1;
    }
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

/// The quote that closes the one at `open`; `None` if it is not closed on the line. An unclosed quote does not hide a
/// comment.
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

/// Whether a quote is an apostrophe, because it is between letters: `don't # ...`.
fn is_apostrophe(line: &[u8], at: usize) -> bool {
    let letter = |index: usize| line.get(index).is_some_and(u8::is_ascii_alphabetic);
    line[at] == b'\'' && at > 0 && letter(at - 1) && letter(at + 1)
}
