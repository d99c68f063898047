//! A file's text, its kind, and its line starts.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::finding::{RelPath, Span};
use crate::paths;

/// The kinds of files, determined by the name and, if two kinds share the name, by the content. All other properties of
/// a kind are in its row of [`crate::lang::languages::LANGUAGES`], in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `*.nix`
    Nix,
    /// `*.yaml`, `*.yml`
    Yaml,
    /// A Dockerfile or Containerfile, under any of their common names.
    Dockerfile,
    /// `flake.lock`
    Lock,
    /// A shell script.
    Shell,
    /// A justfile.
    Just,
    /// A makefile.
    Make,
    /// Settings: flakeward's own configuration or baseline, which findings can refer to, and files of other tools whose
    /// existence matters. Never checked.
    Settings,
}

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// The path relative to the repository's root.
    pub path: RelPath,
    /// The path on disk.
    pub file: PathBuf,
    /// Its kind.
    pub kind: FileKind,
    /// The whole text. A byte order mark is kept, so that offsets match the file.
    pub text: String,
}

impl Source {
    /// Creates a source that is not from disk (tests, examples, standard input).
    pub fn new(path: &str, kind: FileKind, text: impl Into<String>) -> Self {
        Self { path: Arc::from(path), file: PathBuf::from(path), kind, text: text.into() }
    }

    /// The text in a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The file's name without folders.
    pub fn file_name(&self) -> &str {
        paths::name(&self.path)
    }

    /// Whether its language has comments. JSON is parsed as YAML but has none.
    pub fn has_comments(&self) -> bool {
        self.kind.row().comment.is_some() && !self.path.to_ascii_lowercase().ends_with(".json")
    }
}

/// A human-readable position, with the byte offset. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset in bytes, from 0.
    pub offset: u32,
}

/// The line starts of a file's text.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// The number of characters before each [`BLOCK`] of bytes, so that the characters of a long line are not counted
    /// again for each position.
    characters: Vec<u32>,
}

/// The number of bytes in a block: a power of two, small enough to count quickly.
const BLOCK: usize = 1 << 10;

impl LineIndex {
    /// Reads the line starts of the text. Lines end with LF, CR LF or a lone CR.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at as u32 + 1);
            }
        }
        let mut characters = vec![0];
        for block in bytes.chunks(BLOCK) {
            characters.push(characters[characters.len() - 1] + beginnings(block));
        }
        Self { starts, characters }
    }

    /// The line (from 0) that contains an offset.
    pub fn line(&self, offset: u32) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The offset at which a line (from 0) begins, if it exists.
    pub fn start(&self, line: usize) -> Option<u32> {
        self.starts.get(line).copied()
    }

    /// The number of lines.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line and column of an offset in `text`, which must be the text of this index.
    pub fn place(&self, text: &str, offset: u32) -> Place {
        let offset = offset.min(text.len() as u32);
        let line = self.line(offset);
        let start = self.starts[line];
        let bom = u32::from(start == 0 && offset > 0 && text.starts_with('\u{feff}'));
        let before = match text.as_bytes().get(start as usize..offset as usize) {
            Some(head) if head.len() <= BLOCK => beginnings(head),
            _ => self.characters(text, offset) - self.characters(text, start),
        };
        Place { line: line as u32 + 1, column: (before + 1).saturating_sub(bom), offset }
    }

    /// The number of characters that start before an offset.
    fn characters(&self, text: &str, offset: u32) -> u32 {
        let block = offset as usize / BLOCK;
        let rest = text.as_bytes().get(block * BLOCK..offset as usize).unwrap_or(&[]);
        self.characters.get(block).map_or(0, |before| before + beginnings(rest))
    }

    /// The byte range of a line (from 0) without its line end.
    pub fn span(&self, text: &str, line: usize) -> Span {
        let start = self.starts.get(line).copied().unwrap_or(text.len() as u32);
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len() as u32);
        let body = text.get(start as usize..end as usize).unwrap_or("");
        Span { start, end: start + body.trim_end_matches(['\r', '\n']).len() as u32 }
    }
}

/// The number of characters that start in a part of the text.
fn beginnings(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|&&byte| !(0x80..0xc0).contains(&byte)).count() as u32
}

/// Determines the line ends around positions in a text. Positions must be queried in ascending order, so that a line
/// with very many positions is read only once.
#[derive(Debug)]
pub struct LineEnds<'t> {
    text: &'t str,
    /// The position up to which the text was read, and the last line end before it.
    read: (usize, Option<usize>),
    /// The first line end.
    first: Option<usize>,
}

impl<'t> LineEnds<'t> {
    /// Starts at the beginning of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text, read: (0, None), first: memchr::memchr(b'\n', text.as_bytes()) }
    }

    /// The text to insert at a position, with CR LF line ends if the last line end before the position is CR LF. If
    /// none precedes it, the first one after it decides.
    pub fn adapted<'n>(&mut self, new: &'n str, at: usize) -> Cow<'n, str> {
        let bytes = self.text.as_bytes();
        let (from, last) = self.read;
        let at = at.clamp(from, bytes.len());
        let last = memchr::memrchr(b'\n', &bytes[from..at]).map(|end| from + end).or(last);
        self.read = (at, last);
        let is_crlf = last.or(self.first).is_some_and(|end| end > 0 && bytes[end - 1] == b'\r');
        match is_crlf && new.contains('\n') {
            true => Cow::Owned(new.replace("\r\n", "\n").replace('\n', "\r\n")),
            false => Cow::Borrowed(new),
        }
    }
}

/// Returns the new text with CR LF line ends if all lines of the previous text end with CR LF.
pub fn with_line_ends_of(before: &str, after: String) -> String {
    let count = |text: &str, end: &str| text.matches(end).count();
    let is_crlf = before.contains('\n') && count(before, "\n") == count(before, "\r\n");
    if is_crlf { after.replace("\r\n", "\n").replace('\n', "\r\n") } else { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_with_every_line_ending() {
        let text = "\u{feff}a = 1;\r\nü = 2;\rz\n";
        let index = LineIndex::new(text);
        assert_eq!(index.count(), 4);
        let at = |needle: &str| {
            let place = index.place(text, text.find(needle).unwrap() as u32);
            (place.line, place.column)
        };
        assert_eq!(at("a"), (1, 1));
        assert_eq!(at("= 2"), (2, 3));
        assert_eq!(at("z"), (3, 1));
        assert_eq!(&text[index.span(text, 1).range()], "ü = 2;");
    }

    #[test]
    fn long_lines_are_counted_in_blocks() {
        for length in [BLOCK - 1, BLOCK, 3 * BLOCK + 1] {
            let text = "a\n".to_owned() + &"ü€x".repeat(length);
            let index = LineIndex::new(&text);
            for (count, (at, _)) in text[2..].char_indices().enumerate() {
                assert_eq!(index.place(&text, at as u32 + 2).column as usize, count + 1);
            }
            assert_eq!(index.place(&text, u32::MAX).column as usize, 3 * length + 1);
        }
    }
}
