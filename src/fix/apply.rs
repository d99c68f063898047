//! Applies edits to the text of a file, and maps positions to the edited text.

use super::choose::FileEdits;
use crate::finding::Span;
use crate::source::LineEnds;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Applies the edits to the text of a file. New lines get the line ending of the surrounding lines, and nothing is ever
/// inserted before a byte order mark.
pub fn apply(text: &str, edits: &FileEdits) -> String {
    let added: usize = edits.values().flatten().map(String::len).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    out.push_str(&text[..at]);
    let mut ends = LineEnds::new(text);
    for (&(start, end), texts) in edits {
        let start = (start as usize).max(at);
        out.push_str(text.get(at..start).unwrap_or(""));
        for new in texts {
            out.push_str(&ends.adapted(new, start));
        }
        at = (end as usize).max(start);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// Maps the positions in a file to the edited text.
#[derive(Debug)]
pub struct Moves {
    /// The replaced ranges, in order. Each has the total growth of the text up to its end.
    ranges: Vec<(u32, u32, i64)>,
}

impl Moves {
    /// The mapping for some edits.
    pub fn of(edits: &FileEdits) -> Self {
        let mut longer = 0;
        let ranges = edits.iter().map(|(&(from, to), texts)| {
            longer += texts.iter().map(String::len).sum::<usize>() as i64 - i64::from(to - from);
            (from, to, longer)
        });
        Self { ranges: ranges.collect() }
    }

    /// The span after the edits, extended by insertions inside it and at its ends.
    pub fn span(&self, span: Span) -> Span {
        let before = self.ranges.partition_point(|&(from, ..)| from < span.start);
        let start = i64::from(span.start)
            + match before.checked_sub(1).map(|last| self.ranges[last]) {
                // The start of the span is replaced, so the start of the replacement is used instead.
                Some((from, to, _)) if to > span.start => self.longer(before - 1) - i64::from(span.start - from),
                _ => self.longer(before),
            };
        let until = self.ranges.partition_point(|&(from, ..)| from <= span.end);
        let over = until.checked_sub(1).map_or(0, |last| self.ranges[last].1.saturating_sub(span.end));
        let end = i64::from(span.end) + self.longer(until) + i64::from(over);
        Span { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end.max(start)).unwrap_or(0) }
    }

    /// The growth of the text up to the end of the first `count` ranges.
    fn longer(&self, count: usize) -> i64 {
        count.checked_sub(1).map_or(0, |last| self.ranges[last].2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::choose::Texts;

    type Edits<'a> = &'a [(u32, u32, &'a str)];
    type Range = (u32, u32);

    fn edits(list: Edits<'_>) -> FileEdits {
        list.iter().map(|&(start, end, text)| ((start, end), Texts::of(text))).collect()
    }

    #[test]
    fn edits_are_applied_in_order() {
        let cases: [(&str, Edits<'_>, &str); 6] = [
            ("abcdef", &[(1, 2, "X"), (4, 4, "YY")], "aXcdYYef"),
            ("abcdef", &[(0, 0, "let "), (0, 1, "A")], "let Abcdef"),
            ("", &[(0, 0, "new\n")], "new\n"),
            ("a\r\nb\r\n", &[(3, 3, "x\ny\n")], "a\r\nx\r\ny\r\nb\r\n"),
            ("a\nb", &[(2, 2, "x\n")], "a\nx\nb"),
            ("\u{feff}{ }", &[(0, 0, "# c\n")], "\u{feff}# c\n{ }"),
        ];
        for (text, list, expected) in cases {
            assert_eq!(apply(text, &edits(list)), expected);
        }
    }

    #[test]
    fn spans_move_with_the_text() {
        let cases: [(Edits<'_>, Range, Range); 7] = [
            (&[(0, 0, "abc")], (4, 6), (7, 9)),
            (&[(4, 6, "ports.x")], (4, 6), (4, 11)),
            (&[(6, 7, "")], (4, 5), (4, 5)),
            (&[(2, 8, "ab")], (4, 6), (2, 4)),
            (&[(4, 4, "in ")], (4, 6), (4, 9)),
            (&[(0, 2, ""), (10, 12, "x")], (4, 6), (2, 4)),
            (&[(5, 5, "x")], (4, 6), (4, 7)),
        ];
        for (list, (start, end), expected) in cases {
            let moved = Moves::of(&edits(list)).span(Span { start, end });
            assert_eq!((moved.start, moved.end), expected, "{list:?}");
        }
    }
}
