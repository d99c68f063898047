//! The name before a value: `key =`, `key:`, `--flag`, `word`, `call(`, `<tag>`.

use core::ops::Range;

use super::words::is_name_byte;
use super::{View, WINDOW};

/// The name before a value, and the separator between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) tie: Tie,
    pub(super) word: Range<usize>,
    /// The opening bracket between name and value, 0 if there is none.
    pub(super) bracket: u8,
}

/// The separator between a name and the value after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// `name=value`, `--name=value`.
    Equals,
    /// `name = value`.
    SpacedEquals,
    /// `name: value`, `"name":value`.
    Colon,
    /// `name value`.
    Space,
    /// `name(value`.
    Call,
    /// `<name>value`.
    Tag,
    /// `"name", value`.
    Comma,
    /// `name != value`.
    Compared,
}

impl View<'_> {
    /// The name before the value that starts at `start`.
    pub(super) fn near(&self, start: usize) -> Option<Near> {
        let left = self.skip_left(start)?;
        let (tie, end) = self.tie(&left)?;
        let word = self.run_start(end, is_name_byte)..end;
        // A word as long as the window is not a name.
        let fits = !word.is_empty() && word.len() < WINDOW;
        fits.then_some(Near { tie, word, bracket: left.bracket })
    }

    /// Skips blanks, opening quotes and brackets to the left.
    fn skip_left(&self, start: usize) -> Option<Left> {
        let mut left = Left { at: start, ..Left::default() };
        let floor = start.saturating_sub(WINDOW);
        let mut newline = false;
        while left.at > floor {
            match self.before(left.at) {
                b' ' | b'\t' | b'\r' => left.touches_call = false,
                b'\n' => newline = true,
                // A shell line continues after a backslash.
                b'\\' if newline => newline = false,
                // Strings within strings escape their quotes: `\"port\"`.
                b'\\' if matches!(self.at(left.at), b'"' | b'\'') => {}
                b'"' | b'\'' => left.quoted = true,
                byte @ (b'{' | b'[' | b'(') => {
                    left.bracket = byte;
                    left.touches_call = byte == b'(';
                    newline = false;
                }
                // `PORT=$((8000 + 1))`
                b'$' if left.bracket == b'(' && self.at(left.at) == b'(' => {}
                _ => break,
            }
            left.at -= 1;
            left.spaced = true;
        }
        (!newline && left.at > floor).then_some(left)
    }

    /// The separator before the skipped part, and the end of the name before it.
    fn tie(&self, left: &Left) -> Option<(Tie, usize)> {
        let at = left.at;
        match self.before(at) {
            b'=' => self.equals(left),
            b':' if self.before(at - 1) != b':' => Some((Tie::Colon, self.skip_closing(at - 1))),
            b'>' => Some((Tie::Tag, at - 1)).filter(|_| self.before(self.run_start(at - 1, is_name_byte)) == b'<'),
            b',' if left.quoted || left.spaced => self.comma(at - 1),
            byte if !is_name_byte(byte) => None,
            _ if left.touches_call => Some((Tie::Call, at)),
            _ => Some((Tie::Space, at)).filter(|_| left.spaced),
        }
    }

    fn equals(&self, left: &Left) -> Option<(Tie, usize)> {
        let sign = left.at - 1;
        let (tie, end) = match self.before(sign) {
            b'!' | b'=' => (Tie::Compared, sign - 1),
            b'<' | b'>' | b'~' => return None,
            // Makefiles and shells: `PORT ?= 80`, `port := 80`.
            b'?' | b':' | b'+' => (Tie::SpacedEquals, sign - 1),
            _ => (Tie::Equals, sign),
        };
        let name = self.skip_closing(end);
        let blank_left = matches!(self.before(end), b' ' | b'\t');
        let blank_right = matches!(self.at(left.at), b' ' | b'\t');
        let spaced = tie == Tie::Equals && (blank_left || blank_right);
        Some((if spaced { Tie::SpacedEquals } else { tie }, name))
    }

    /// Reads the string before a comma: `"--port", "80"` and `("localhost", 80)`.
    fn comma(&self, comma: usize) -> Option<(Tie, usize)> {
        let quote = self.run_start(comma, |byte| byte == b' ');
        let end = self.skip_closing(quote);
        if end == quote {
            return None;
        }
        let word = self.run_start(end, is_name_byte);
        let flag = self.at(word) == b'-';
        Some((if flag { Tie::Space } else { Tie::Comma }, end))
    }

    /// Skips characters that close a name: `port" =`, `["port"] =`, `port :`.
    fn skip_closing(&self, end: usize) -> usize {
        self.run_start(end, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b']'))
    }
}

/// What [`View::skip_left`] skipped.
#[derive(Default)]
struct Left {
    at: usize,
    bracket: u8,
    quoted: bool,
    spaced: bool,
    touches_call: bool,
}
