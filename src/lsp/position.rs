//! Converts byte offsets to positions of the protocol (lines and code units), and back.

use gen_lsp_types::{ClientCapabilities, Position, PositionEncodingKind, Range};

use crate::finding::Span;
use crate::source::LineIndex;

/// The unit in which the client counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, which every client understands.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The cheapest encoding that the client supports; UTF-16 if it lists none.
    pub fn negotiate(client: &ClientCapabilities) -> Self {
        let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref()).unwrap_or(&[]);
        let known = [Encoding::Utf8, Encoding::Utf32];
        known.into_iter().find(|encoding| offered.contains(&encoding.kind())).unwrap_or_default()
    }

    /// The name of the encoding in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    /// The number of code units of a character.
    fn width(self, c: char) -> usize {
        match self {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }
}

/// The text of a document with its line starts, for conversions in both directions.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    index: LineIndex,
    encoding: Encoding,
}

impl<'a> Lines<'a> {
    /// Reads the line starts of the text.
    pub fn new(text: &'a str, encoding: Encoding) -> Self {
        Self { text, index: LineIndex::new(text), encoding }
    }

    /// The position of a byte offset. Offsets beyond the end are at the end.
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.text.len() as u32);
        let line = self.index.line(offset);
        let start = self.index.start(line).unwrap_or(0);
        let before = self.text.get(start as usize..offset as usize).unwrap_or("");
        let character = match self.encoding {
            Encoding::Utf8 => before.len(),
            encoding => before.chars().map(|c| encoding.width(c)).sum(),
        };
        Position { line: line as u32, character: character as u32 }
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The byte offset of a position. As the protocol requires, a line after the last one means the end of the text, a
    /// column after the end of its line means the end of the line, and a column inside a character means the start of
    /// that character.
    pub fn offset(&self, position: Position) -> u32 {
        let line = position.line as usize;
        if line >= self.index.count() {
            return self.text.len() as u32;
        }
        let span = self.index.span(self.text, line);
        let mut left = position.character as usize;
        let mut offset = span.start as usize;
        for c in self.text.get(span.range()).unwrap_or("").chars() {
            let width = self.encoding.width(c);
            if left < width {
                break;
            }
            left -= width;
            offset += c.len_utf8();
        }
        offset as u32
    }

    /// The span of a range; empty if the end is before the start.
    pub fn span(&self, range: Range) -> Span {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        Span { start, end: end.max(start) }
    }

    /// The span of the line (from 0) that contains an offset, without its line break.
    pub fn line_at(&self, offset: u32) -> Span {
        self.index.span(self.text, self.index.line(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_are_counted_in_the_negotiated_units() {
        let text = "a = \"ü😀x\";\r\nb\rc\n";
        let x = text.find('x').unwrap() as u32;
        for (encoding, column) in [(Encoding::Utf8, 11), (Encoding::Utf16, 8), (Encoding::Utf32, 7)] {
            let lines = Lines::new(text, encoding);
            assert_eq!(lines.position(x), at(0, column), "{encoding:?}");
            assert_eq!(lines.offset(at(0, column)), x, "{encoding:?}");
            assert_eq!(lines.position(text.find('b').unwrap() as u32), at(1, 0));
            assert_eq!(lines.position(text.find('c').unwrap() as u32), at(2, 0));
        }
    }

    #[test]
    fn positions_outside_the_text_are_clamped() {
        let text = "ab\r\n😀\n";
        let lines = Lines::new(text, Encoding::Utf16);
        assert_eq!(lines.offset(at(0, 99)), 2);
        assert_eq!(lines.offset(at(1, 1)), 4, "inside the surrogate pair");
        assert_eq!(lines.offset(at(1, 2)), 8);
        assert_eq!(lines.offset(at(9, 0)), text.len() as u32);
        assert_eq!(lines.position(1000), at(2, 0));
    }
}
