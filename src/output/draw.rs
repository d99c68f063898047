//! Draws code frames. This is the only file that uses miette.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::frame::Frame;
use super::stream::Stream;
use super::text::{clean, clean_lines};
use super::wrap::TAB;
use crate::finding::Level;

/// Draws a frame.
pub fn draw(name: &str, frame: Frame, level: Level, stream: &Stream) -> String {
    let mut styles = if stream.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let found = match level {
        Level::Error => styles.error,
        Level::Warn => styles.warning,
        Level::Hint | Level::Off => styles.advice,
    };
    let also = styles.help;
    // One style for each mark, in the order of the marks.
    styles.highlights = frame.marks.iter().map(|(_, mark)| if mark.primary { found } else { also }).collect();
    let characters = if stream.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_width(usize::from(u16::MAX))
        .tab_width(TAB)
        .with_context_lines(1)
        .with_links(false)
        .without_syntax_highlighting();
    let mut drawn = String::new();
    let drawing = Drawing { name: clean(name).into_owned(), frame };
    // Writing to a string fails only if the frame is inconsistent with its text.
    if handler.render_report(&mut drawn, &drawing).is_err() {
        return format!("    at {}:{}:{}\n", drawing.name, drawing.frame.place.line, drawing.frame.place.column);
    }
    // The first line is the position, which the message above already shows.
    drawn.split_once('\n').map_or(String::new(), |(_, frame)| frame.to_owned())
}

/// A frame for miette: a diagnostic that has no message and the frame as its source.
#[derive(Debug)]
struct Drawing {
    name: String,
    frame: Frame,
}

impl fmt::Display for Drawing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.frame.marks.iter().map(|(range, mark)| {
            let text = (!mark.text.is_empty()).then(|| clean_lines(&mark.text).into_owned());
            let span = SourceSpan::from(range.clone());
            if mark.primary {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        })))
    }
}

impl SourceCode for Drawing {
    /// Returns the whole frame for every span, so that it is drawn once. Without context, returns only the position,
    /// for the title.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Frame { text, first_line, place, .. } = &self.frame;
        let name = self.name.clone();
        Ok(Box::new(if before == 0 {
            let (line, column) = (place.line as usize - 1, place.column as usize - 1);
            MietteSpanContents::new_named(name, b"", *span, line, column, 1)
        } else {
            let whole = SourceSpan::from(0..text.len());
            let count = text.matches('\n').count();
            MietteSpanContents::new_named(name, text.as_bytes(), whole, *first_line as usize - 1, 0, count)
        }))
    }
}
