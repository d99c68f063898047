//! Code frames: chooses the lines of a file to show for some positions, and makes them safe and short enough to show.

use std::ops::Range;

use super::stream::Stream;
use super::text::{clean, harmful};
use super::wrap::{columns, columns_of, wrapped};
use crate::finding::Span;
use crate::source::{LineIndex, Place};
use crate::wording::head;

/// A position to mark in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The span.
    pub span: Span,
    /// The label.
    pub text: String,
    /// Whether the mark is for the finding itself rather than an explanation.
    pub primary: bool,
}

/// Some lines of a file with marks, ready to draw.
#[derive(Debug)]
pub struct Frame {
    /// The lines, without anything that a terminal would interpret.
    pub text: String,
    /// The first line's number, from 1.
    pub first_line: u32,
    /// The marks: ranges of `text`, in order.
    pub marks: Vec<(Range<usize>, Mark)>,
    /// The first primary position, or else the first one.
    pub place: Place,
}

/// Lines that are at most this far apart share a frame.
const NEAR: usize = 3;
/// The maximum number of marks in one frame. More are hard to read.
const MARKS: usize = 24;
/// The width to which lines are cut if the output has no terminal width.
const LINE: usize = 140;
/// The minimum width to which a label is wrapped, and the maximum width that is reserved for one, in columns.
const LABEL: (usize, usize) = (16, 40);
/// The width of the prefix before a label, `` `-- ``, in columns.
const ARM: usize = 4;
/// The maximum number of columns before the first mark of a line that is cut.
const LEAD: usize = 50;
/// The replacement for the part that is cut.
const CUT: &str = "...";

/// Groups the marks of one file into frames.
pub fn frames(source: &str, index: &LineIndex, mut marks: Vec<Mark>, room: Room) -> Vec<Frame> {
    let last = marks.iter().map(|mark| index.line(mark.span.start)).max().unwrap_or(0);
    let room = room.beside(last + 2);
    marks.sort_by_key(|mark| (mark.span, !mark.primary));
    marks.dedup_by(|later, first| later.span == first.span && later.text == first.text);
    let mut frames = Vec::new();
    let mut group: Vec<Mark> = Vec::new();
    let mut last_line = 0;
    for mark in marks {
        let line = index.line(mark.span.start);
        if !group.is_empty() && (line > last_line + NEAR || group.len() >= MARKS) {
            frames.push(frame(source, index, std::mem::take(&mut group), room));
        }
        last_line = line;
        group.push(mark);
    }
    if !group.is_empty() {
        frames.push(frame(source, index, group, room));
    }
    frames
}

fn frame(source: &str, index: &LineIndex, marks: Vec<Mark>, room: Room) -> Frame {
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
        frame.push(&source[span.range()], span, here, room);
    }
    frame
}

impl Frame {
    fn push(&mut self, line: &str, span: Span, marks: Vec<Mark>, room: Room) {
        let (start, end) = match marks.first() {
            Some(mark) => room.window(line, (mark.span.start - span.start) as usize, mark),
            None => room.part(line, 0),
        };
        let base = self.text.len();
        if start > 0 {
            self.text.push_str(CUT);
        }
        // The offsets in the line and in the frame, for each shown character and for the end.
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
            let beyond = self.text.len() - if end < line.len() { CUT.len() } else { 0 };
            shown.get(found).map_or(beyond, |(_, shown)| *shown).max(base)
        };
        let mut placed = Vec::new();
        for mark in marks {
            let from = place(mark.span.start);
            // A span of several lines is marked on its first line.
            let to = place(mark.span.end.min(span.end));
            placed.push((from..to.max(from), mark));
        }
        // An empty span, such as the end of a line, needs a character to mark.
        if placed.iter().any(|(range, _)| range.start == self.text.len()) {
            self.text.push(' ');
        }
        for (range, _) in &mut placed {
            if range.start == range.end {
                let width = self.text[range.start..].chars().next().map_or(0, char::len_utf8);
                range.end = range.start + width;
            }
        }
        for (range, mark) in &mut placed {
            let before = columns(&self.text[base..range.start]) + columns(&self.text[range.clone()]) / 2;
            mark.text = room.label(&mark.text, before);
        }
        self.marks.extend(placed);
        self.text.push('\n');
    }
}

/// The maximum width of frames.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The columns for the text.
    columns: usize,
    /// Whether this is the width of a terminal. If so, labels must also fit.
    is_terminal: bool,
}

impl Room {
    /// The width for a stream.
    pub fn of(stream: &Stream) -> Self {
        match stream.wrap {
            true => Self { columns: stream.columns, is_terminal: true },
            false => Self::PAGE,
        }
    }

    /// The width for a file or a page. Only lines are cut, not labels.
    pub const PAGE: Self = Self { columns: LINE, is_terminal: false };

    /// The remaining width next to line numbers: ` 12 | ` precedes each line.
    fn beside(self, last_line: usize) -> Self {
        let gutter = last_line.to_string().len() + 4;
        if self.is_terminal { Self { columns: self.columns.saturating_sub(gutter).max(20), ..self } } else { self }
    }

    /// The part of a line to show for a mark at an offset: the whole line, or the text around the mark.
    fn window(self, line: &str, at: usize, mark: &Mark) -> (usize, usize) {
        let at = head(line, at.min(line.len())).len();
        let width = (mark.span.end - mark.span.start) as usize;
        let text = columns(&mark.text).min(LABEL.1);
        let needed = if text == 0 { 0 } else { text + ARM };
        if self.holds(line) && (!self.is_terminal || columns(&line[..at]) + width / 2 + needed <= self.columns) {
            return (0, line.len());
        }
        let lead = match self.is_terminal {
            true => LEAD.min(self.columns.saturating_sub(needed.max(width.min(self.columns / 2)) + 2 * CUT.len())),
            false => LEAD,
        };
        let mut used = 0;
        let before = line[..at].char_indices().rev().take_while(|(_, c)| {
            used += columns_of(*c).max(1);
            used <= lead
        });
        let start = before.last().map_or(at, |(start, _)| start);
        self.part(line, if start <= CUT.len() { 0 } else { start })
    }

    /// The longest part of a line that starts at an offset and fits.
    fn part(self, line: &str, start: usize) -> (usize, usize) {
        let rest = &line[start..];
        let cuts = if self.is_terminal { CUT.len() * usize::from(start > 0) } else { 0 };
        if self.is_terminal && (Self { columns: self.columns - cuts, ..self }).holds(rest) {
            return (start, line.len());
        }
        let limit = if self.is_terminal { self.columns - cuts - CUT.len() } else { self.columns };
        let mut used = 0;
        let end = rest.char_indices().find(|(_, c)| {
            used += columns_of(*c).max(1);
            used > limit
        });
        (start, end.map_or(line.len(), |(end, _)| start + end))
    }

    /// Whether a line fits. Reads no more of the line than could fit.
    fn holds(self, line: &str) -> bool {
        line.chars().nth(self.columns).is_none() && columns(line) <= self.columns
    }

    /// A label, wrapped to the width of a terminal. `before` is the column of the mark.
    fn label(self, text: &str, before: usize) -> String {
        let text = clean(text);
        match self.is_terminal {
            true => wrapped(&text, self.columns.saturating_sub(before + ARM).max(LABEL.0)).join("\n"),
            false => text.into_owned(),
        }
    }
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
        frames(source, &index, marks, Room::of(&Stream::default()))
            .into_iter()
            .map(|frame| {
                let marked = frame.marks.iter().map(|(range, _)| frame.text[range.clone()].to_owned()).collect();
                (frame.first_line, frame.text.clone(), marked)
            })
            .collect()
    }

    #[test]
    fn nearby_positions_share_a_frame() {
        let source = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let frames = shown(source, &["b", "d", "i"]);
        assert_eq!(frames[0], (1, "a\nb\nc\nd\ne\n".to_owned(), vec!["b".to_owned(), "d".to_owned()]));
        assert_eq!(frames[1], (8, "h\ni\n".to_owned(), vec!["i".to_owned()]));
        assert_eq!(frames.len(), 2);
    }

    #[test]
    fn terminal_control_sequences_are_escaped() {
        let source = "\u{feff}x = \"\u{1b}[31m\u{202e}\" 8080;\r\n";
        let frames = shown(source, &["8080"]);
        assert_eq!(frames[0].1, "x = \"\\u{1b}[31m\\u{202e}\" 8080;\n");
        assert_eq!(frames[0].2, ["8080"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_position() {
        let source = format!("{} 8080 {}", "ü".repeat(5000), "y".repeat(5000));
        let frames = shown(&source, &["8080"]);
        assert!(frames[0].1.chars().count() <= LINE + 2 * CUT.len() + 1, "{}", frames[0].1.len());
        assert!(frames[0].1.starts_with("...ü") && frames[0].1.ends_with("y...\n"));
        assert_eq!(frames[0].2, ["8080"]);
        let far = shown(&source, &["8080", "yyy"]);
        assert_eq!(far[0].2, ["8080", "yyy"]);
    }

    #[test]
    fn every_position_can_be_marked() {
        let source = "a\n\nü";
        let index = LineIndex::new(source);
        for start in 0..=source.len() {
            for end in start..=source.len() {
                let mark = Mark { span: Span::new(start, end), text: String::new(), primary: true };
                for frame in frames(source, &index, vec![mark], Room::of(&Stream::default())) {
                    let (range, _) = &frame.marks[0];
                    assert!(!frame.text[range.clone()].is_empty(), "{start}..{end}");
                }
            }
        }
    }
}
