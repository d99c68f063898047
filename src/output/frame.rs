//! Code frames: which lines of a file are shown for which places, made safe and short enough to show.

use std::ops::Range;

use super::text::harmful;
use crate::finding::Span;
use crate::source::{LineIndex, Place};
use crate::wording::head;

/// A place to mark in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub span: Span,
    /// What stands under it.
    pub text: String,
    /// Whether it is what was found, and not what explains it.
    pub primary: bool,
}

/// Some lines of a file with marks, ready to draw.
#[derive(Debug)]
pub struct Frame {
    /// The lines, without anything that a terminal would obey.
    pub text: String,
    /// The first line's number, from 1.
    pub first_line: u32,
    /// The marks: ranges of `text`, in order.
    pub marks: Vec<(Range<usize>, Mark)>,
    /// The first primary place, or the first at all.
    pub place: Place,
}

/// Lines that are not further apart than this share a frame.
const NEAR: usize = 3;
/// More marks than this in one frame are hard to read.
const MARKS: usize = 24;
/// More characters than this of one line are cut.
const LINE: usize = 140;
/// How many characters stay before the first mark of a line that is cut.
const LEAD: usize = 50;
/// What is there in place of what was cut.
const CUT: &str = "...";

/// Sorts the marks of one file into frames.
pub fn frames(source: &str, index: &LineIndex, mut marks: Vec<Mark>) -> Vec<Frame> {
    marks.sort_by_key(|mark| (mark.span, !mark.primary));
    marks.dedup_by(|later, first| later.span == first.span && later.text == first.text);
    let mut frames = Vec::new();
    let mut group: Vec<Mark> = Vec::new();
    let mut last_line = 0;
    for mark in marks {
        let line = index.line(mark.span.start);
        if !group.is_empty() && (line > last_line + NEAR || group.len() >= MARKS) {
            frames.push(frame(source, index, std::mem::take(&mut group)));
        }
        last_line = line;
        group.push(mark);
    }
    if !group.is_empty() {
        frames.push(frame(source, index, group));
    }
    frames
}

fn frame(source: &str, index: &LineIndex, marks: Vec<Mark>) -> Frame {
    let line_of = |mark: &Mark| index.line(mark.span.start);
    let main = marks.iter().find(|mark| mark.primary);
    let place = index.place(source, main.or(marks.first()).map_or(0, |mark| mark.span.start));
    let context = usize::from(main.is_some());
    let (first, last) = (marks.first().map_or(0, line_of), marks.last().map_or(0, line_of));
    let blank = |line: usize| source[index.span(source, line).range()].chars().take(LINE).all(char::is_whitespace);
    let from = first.saturating_sub(context);
    let from = if from < first && blank(from) { first } else { from };
    let to = (last + context).min(index.count().saturating_sub(1));
    let to = if to > last && blank(to) { last } else { to };

    let mut frame = Frame { text: String::new(), first_line: from as u32 + 1, marks: Vec::new(), place };
    let mut marks = marks.into_iter().peekable();
    for line in from..=to {
        let span = index.span(source, line);
        let mut here = Vec::new();
        while let Some(mark) = marks.next_if(|mark| line_of(mark) <= line) {
            here.push(mark);
        }
        frame.push(&source[span.range()], span, here);
    }
    frame
}

impl Frame {
    fn push(&mut self, line: &str, span: Span, marks: Vec<Mark>) {
        let (start, end) = window(line, marks.first().map(|mark| (mark.span.start - span.start) as usize));
        let base = self.text.len();
        if start > 0 {
            self.text.push_str(CUT);
        }
        // Where each shown character of the line stands in the text, and where the next one would.
        let mut shown = Vec::new();
        for (at, c) in line[start..end].char_indices() {
            shown.push((start + at, self.text.len()));
            match c {
                '\u{feff}' if span.start == 0 && start + at == 0 => {}
                c if harmful(c) && c != '\t' => self.text.extend(c.escape_default()),
                c => self.text.push(c),
            }
        }
        shown.push((end, self.text.len()));
        if end < line.len() {
            self.text.push_str(CUT);
        }
        let place = |offset: u32| {
            let at = offset.saturating_sub(span.start) as usize;
            let found = shown.partition_point(|(known, _)| *known < at);
            shown.get(found).map_or(self.text.len(), |(_, shown)| *shown).max(base)
        };
        let mut placed = Vec::new();
        for mark in marks {
            let from = place(mark.span.start);
            // A place on many lines is marked on its first.
            let to = place(mark.span.end.min(span.end));
            placed.push((from..to.max(from), mark));
        }
        // An empty place, such as the end of a line, needs something to stand under.
        if placed.iter().any(|(range, _)| range.start == self.text.len()) {
            self.text.push(' ');
        }
        for (range, _) in &mut placed {
            if range.start == range.end {
                let width = self.text[range.start..].chars().next().map_or(0, char::len_utf8);
                range.end = range.start + width;
            }
        }
        self.marks.extend(placed);
        self.text.push('\n');
    }
}

/// The part of a line that is shown: all of it, or what is around its first mark.
fn window(line: &str, mark: Option<usize>) -> (usize, usize) {
    if line.chars().nth(LINE).is_none() {
        return (0, line.len());
    }
    let mark = mark.unwrap_or(0).min(line.len());
    let before = head(line, mark).char_indices().rev();
    let start = before.take(LEAD).last().map_or(0, |(at, _)| at);
    let start = if start <= CUT.len() { 0 } else { start };
    let end = line[start..].char_indices().nth(LINE).map_or(line.len(), |(at, _)| start + at);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(source: &str, word: &str) -> Mark {
        let at = source.find(word).unwrap();
        Mark { span: Span::new(at, at + word.len()), text: word.to_owned(), primary: true }
    }

    fn shown(source: &str, words: &[&str]) -> Vec<(u32, String, Vec<String>)> {
        let index = LineIndex::new(source);
        let marks = words.iter().map(|word| mark(source, word)).collect();
        frames(source, &index, marks)
            .into_iter()
            .map(|frame| {
                let marked = frame.marks.iter().map(|(range, _)| frame.text[range.clone()].to_owned()).collect();
                (frame.first_line, frame.text.clone(), marked)
            })
            .collect()
    }

    #[test]
    fn near_places_share_a_frame() {
        let source = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let frames = shown(source, &["b", "d", "i"]);
        assert_eq!(frames[0], (1, "a\nb\nc\nd\ne\n".to_owned(), vec!["b".to_owned(), "d".to_owned()]));
        assert_eq!(frames[1], (8, "h\ni\n".to_owned(), vec!["i".to_owned()]));
        assert_eq!(frames.len(), 2);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let source = "\u{feff}x = \"\u{1b}[31m\u{202e}\" 8080;\r\n";
        let frames = shown(source, &["8080"]);
        assert_eq!(frames[0].1, "x = \"\\u{1b}[31m\\u{202e}\" 8080;\n");
        assert_eq!(frames[0].2, ["8080"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let source = format!("{} 8080 {}", "ü".repeat(5000), "y".repeat(5000));
        let frames = shown(&source, &["8080"]);
        assert!(frames[0].1.chars().count() <= LINE + 2 * CUT.len() + 1, "{}", frames[0].1.len());
        assert!(frames[0].1.starts_with("...ü") && frames[0].1.ends_with("y...\n"));
        assert_eq!(frames[0].2, ["8080"]);
        let far = shown(&source, &["8080", "yyy"]);
        assert_eq!(far[0].2, ["8080", "yyy"]);
    }

    #[test]
    fn every_place_can_be_marked() {
        let source = "a\n\nü";
        let index = LineIndex::new(source);
        for start in 0..=source.len() {
            for end in start..=source.len() {
                let mark = Mark { span: Span::new(start, end), text: String::new(), primary: true };
                for frame in frames(source, &index, vec![mark]) {
                    let (range, _) = &frame.marks[0];
                    assert!(!frame.text[range.clone()].is_empty(), "{start}..{end}");
                }
            }
        }
    }
}
