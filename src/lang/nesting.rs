//! Checks of possibly hostile input before a parser reads it.
//!
//! tree-sitter handles deep brackets well, but a long run of `a.a.a` makes the Nix grammar's path scanner quadratic.
//! The YAML grammar supports 253 block levels: beyond them, the published version aborts the process, and the one in
//! vendor/tree-sitter-yaml reports a syntax error.

use crate::lang::nix::recognize::bytes;
use crate::lang::nix::recognize::bytes::is;
use crate::lang::nix::recognize::lex::Cursor;

/// The maximum nesting depth of interpolations; deeper input is refused.
const MAX_INTERPOLATIONS: usize = 256;

/// Whether tree-sitter-nix's path scanner would read more than `limit` bytes without finding a path. For each token in
/// a run such as `a.a.a`, it reads to the end of the run, so the work is the sum of the squares of the run lengths. 200
/// million bytes take about a second; the largest of 19,648 real files needs 2.2 million.
pub fn path_scan_exceeds(text: &[u8], limit: u64) -> bool {
    // A shorter run cannot exceed the limit, however often it occurs.
    let shortest = limit / (text.len() as u64).max(1);
    has_path_run(text, shortest as usize) && Survey::new(text).work(limit) > limit
}

/// Whether tree-sitter-containerfile would read more than `limit` bytes in search of the ends of heredoc delimiters.
/// For each `<<`, it reads to the next blank. If the delimiter is too long, it does so again for each `<<` in it. Line
/// ends after a backslash are part of a delimiter.
pub fn heredoc_scan_exceeds(text: &[u8], limit: u64) -> bool {
    let (mut work, mut end) = (0, 0);
    memchr::memmem::find_iter(text, b"<<").any(|at| {
        if at >= end {
            end = at + delimiter_length(&text[at..]);
        }
        work += end.saturating_sub(at) as u64;
        work > limit
    })
}

/// The number of bytes before a blank that no backslash precedes.
fn delimiter_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at).filter(|byte| !byte.is_ascii_whitespace() && **byte != 0) {
        at += if *byte == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// Whether a run of path bytes is longer than `length`. Reads every `length`-th byte, and the surroundings of those
/// that belong to a path.
fn has_path_run(text: &[u8], length: usize) -> bool {
    let in_path = |byte: &&u8| is(**byte, bytes::PATH);
    let mut at = length;
    while let Some(byte) = text.get(at) {
        if !is(*byte, bytes::PATH) {
            at += length.max(1);
            continue;
        }
        let (before, after) = text.split_at(at);
        let start = at - before.iter().rev().take_while(in_path).count();
        let end = at + after.iter().take_while(in_path).count();
        if end - start > length {
            return true;
        }
        at = end + length.max(1);
    }
    false
}

/// Whether the text, if it is valid YAML, could have more than `limit` open block levels. A level starts at the column
/// of a `-`, `?`, `:` or of a line's first key, and at most two (a mapping and the sequence in it) share a column, so
/// twice the number of distinct columns is an upper bound.
pub fn yaml_levels_exceed(text: &[u8], limit: u32) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut seen = [false; 1024];
    let mut columns = 0;
    for line in text.split(|&byte| byte == b'\n' || byte == b'\r') {
        mark_columns(line, |column| {
            // A column beyond the end of the table is counted each time it occurs.
            match seen.get_mut(column) {
                Some(known) if *known => {}
                Some(known) => {
                    *known = true;
                    columns += 1;
                }
                None => columns += 1,
            }
        });
        if columns * 2 > limit {
            return true;
        }
    }
    false
}

/// The maximum length of a line whose columns the YAML grammar can count: it keeps them in signed 16-bit integers.
pub const YAML_COLUMNS: usize = i16::MAX as usize;

/// Whether a YAML file has a line that is too long for the grammar to count its columns.
pub fn yaml_columns_exceed(text: &str) -> bool {
    let is_long = |line: &str| line.len() > YAML_COLUMNS && line.chars().nth(YAML_COLUMNS).is_some();
    text.len() > YAML_COLUMNS && text.split(['\n', '\r']).any(is_long)
}

/// Calls `mark` with each column of `line` at which a block level may start: the columns of its leading indicators,
/// anchors and tags, and of the text after them.
fn mark_columns(line: &[u8], mut mark: impl FnMut(usize)) {
    let mut start = 0;
    loop {
        start += line.iter().skip(start).take_while(|byte| is_blank(**byte)).count();
        let Some(first) = line.get(start) else { return };
        mark(start);
        let width = line.iter().skip(start).take_while(|byte| !is_blank(**byte)).count();
        let goes_on = match first {
            b'-' | b'?' | b':' => width == 1 || line.get(start..start + width) == Some(b"---"),
            b'&' | b'!' | b'*' => true,
            _ => false,
        };
        if !goes_on {
            return;
        }
        start += width;
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// A pass over the tokens of a Nix file that does not stop at errors.
struct Survey<'a> {
    cursor: Cursor<'a>,
    depth: u32,
    work: u64,
    /// For each open interpolation: its nesting depth, and whether the string around it is an indented one.
    open: [(u32, bool); MAX_INTERPOLATIONS],
    opened: usize,
}

impl<'a> Survey<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(text), depth: 0, work: 0, open: [(0, false); MAX_INTERPOLATIONS], opened: 0 }
    }

    /// The work of the path scanner; a value above `limit` if it is too much or unknown.
    fn work(mut self, limit: u64) -> u64 {
        while !self.cursor.at_end() && self.work <= limit {
            if !self.token() {
                return u64::MAX;
            }
        }
        self.work
    }

    /// Consumes a token; `false` if too many interpolations are open.
    fn token(&mut self) -> bool {
        self.cursor.skip();
        let byte = self.cursor.peek();
        match byte {
            b'"' => return self.string(1, false),
            b'\'' if self.cursor.ahead(1) == b'\'' => return self.string(2, true),
            b'(' | b'[' | b'{' => self.depth += 1,
            b'}' if self.ends_interpolation() => return self.resume(),
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ if is(byte, bytes::PATH) => {
                self.run_of_words();
                return true;
            }
            _ => {}
        }
        self.cursor.pos += 1;
        true
    }

    /// Consumes a run of path bytes. A path is scanned once, other runs once for each token in them.
    fn run_of_words(&mut self) {
        let start = self.cursor.pos;
        if !self.cursor.path() {
            self.cursor.path_text();
            let width = (self.cursor.pos - start) as u64;
            self.work = self.work.saturating_add(width.saturating_mul(width));
        }
        // The quotes of `a''` do not start a string.
        while self.cursor.behind(1) != b'\'' && self.cursor.peek() == b'\'' && self.in_word(start) {
            self.cursor.word();
        }
    }

    /// Whether the byte before the cursor belongs to an identifier.
    fn in_word(&self, start: usize) -> bool {
        self.cursor.pos > start && is(self.cursor.behind(1), bytes::IDENT)
    }

    /// Whether `}` at the cursor ends the innermost interpolation.
    fn ends_interpolation(&self) -> bool {
        self.innermost().is_some_and(|(depth, _)| depth == self.depth)
    }

    fn innermost(&self) -> Option<(u32, bool)> {
        let last = self.opened.checked_sub(1)?;
        self.open.get(last).copied()
    }

    /// Continues the string around the interpolation that `}` ends; `false` if too many interpolations are open.
    fn resume(&mut self) -> bool {
        let indented = self.innermost().is_some_and(|(_, indented)| indented);
        self.opened -= 1;
        self.depth = self.depth.saturating_sub(1);
        self.string(1, indented)
    }

    /// Consumes `width` bytes and the text of the string up to the end of the string or the start of its next
    /// interpolation; `false` if too many are open.
    fn string(&mut self, width: usize, indented: bool) -> bool {
        self.cursor.pos += width;
        let ends = match indented {
            true => self.cursor.indented_text(),
            false => self.cursor.string_text(),
        };
        if !ends || self.cursor.peek() != b'$' {
            self.cursor.pos += if indented { 2 } else { 1 };
            return true;
        }
        self.cursor.pos += 2;
        self.depth += 1;
        let Some(place) = self.open.get_mut(self.opened) else { return false };
        *place = (self.depth, indented);
        self.opened += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_runs_of_words_are_too_much_work() {
        let runs = "a.".repeat(20_000);
        assert!(path_scan_exceeds(runs.as_bytes(), 1_500_000_000));
        assert!(!path_scan_exceeds(runs.as_bytes(), 1_700_000_000));
        for whole in [
            format!("\"{runs}\""),
            format!("''\n{runs}''"),
            format!("# {runs}\n1"),
            format!("/* {runs} */ 1"),
            "a.b.c ".repeat(20_000),
            // A path is scanned once.
            format!("./{runs}"),
        ] {
            assert!(!path_scan_exceeds(whole.as_bytes(), 100_000_000), "{}", &whole[..20]);
        }
        // Interpolations nested too deeply to follow: the text is refused.
        assert!(path_scan_exceeds(format!("{}{runs}", "\"${".repeat(300)).as_bytes(), 100_000_000));
        assert!(path_scan_exceeds(format!("\"${{{runs}}}\"").as_bytes(), 100_000_000));
    }

    #[test]
    fn only_long_heredoc_delimiters_are_too_much_work() {
        assert!(heredoc_scan_exceeds("<<-E\\\n".repeat(4_000).as_bytes(), 20_000_000));
        for text in ["<<-E \\\n".repeat(4_000), "<<-E\n".repeat(4_000), format!("<<{}", "E".repeat(1_000_000))] {
            assert!(!heredoc_scan_exceeds(text.as_bytes(), 20_000_000), "{}", &text[..6]);
        }
    }

    #[test]
    fn a_run_is_found_at_any_position() {
        for before in 0..40 {
            for length in 0..40 {
                let text = format!("{}{}{}", " ".repeat(before), "a".repeat(length), " ".repeat(9));
                assert_eq!(has_path_run(text.as_bytes(), 10), length > 10, "{before} {length}");
            }
        }
    }

    #[test]
    fn yaml_levels_are_bounded() {
        assert!(yaml_levels_exceed("- ".repeat(254).as_bytes(), 250));
        assert!(yaml_levels_exceed("? ".repeat(254).as_bytes(), 250));
        assert!(yaml_levels_exceed(format!("\u{feff}{}", "- ".repeat(254)).as_bytes(), 250));
        assert!(yaml_levels_exceed(format!("--- {}", "- ".repeat(254)).as_bytes(), 250));
        let block: String = (0..254).map(|level| " ".repeat(level) + "a:\n").collect();
        assert!(yaml_levels_exceed(block.as_bytes(), 250));
        assert!(!yaml_levels_exceed("a:\n  - b: c\n".repeat(999).as_bytes(), 250));
    }

    #[test]
    fn line_lengths_are_counted_in_characters() {
        assert!(!yaml_columns_exceed(&"ü".repeat(YAML_COLUMNS)));
        assert!(yaml_columns_exceed(&"ü".repeat(YAML_COLUMNS + 1)));
        assert!(!yaml_columns_exceed(&"a: b\n".repeat(YAML_COLUMNS)));
    }
}
