//! Text styles for a terminal.

use std::fmt::Display;

/// A style: the codes between `ESC [` and `m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style(&'static str);

/// Headings and messages.
pub const BOLD: Style = Style("1");
/// Less important text.
pub const DIM: Style = Style("2");
/// Code within prose.
pub const CODE: Style = Style("36");
/// Errors.
pub const RED: Style = Style("1;31");
/// Warnings.
pub const YELLOW: Style = Style("1;33");
/// Hints.
pub const BLUE: Style = Style("1;34");
/// Success, and help.
pub const GREEN: Style = Style("1;32");

impl Style {
    /// The style with these codes.
    pub const fn plain(codes: &'static str) -> Self {
        Self(codes)
    }

    /// The text in this style, if styles are enabled.
    pub fn on(self, text: impl Display, color: bool) -> String {
        if color { format!("\u{1b}[{}m{text}\u{1b}[0m", self.0) } else { text.to_string() }
    }
}

/// A level's style.
pub fn of(level: crate::finding::Level) -> Style {
    match level {
        crate::finding::Level::Error => RED,
        crate::finding::Level::Warn => YELLOW,
        crate::finding::Level::Hint => BLUE,
        crate::finding::Level::Off => DIM,
    }
}

/// A terminal link (OSC 8).
pub fn link(text: &str, url: &str) -> String {
    format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
}

/// Prose with coloured code. Without colours, the backticks are kept.
pub fn code(text: &str, color: bool) -> String {
    if !color || text.matches('`').count() % 2 == 1 {
        return text.to_owned();
    }
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { CODE.on(part, true) } else { part.to_owned() }).collect()
}
