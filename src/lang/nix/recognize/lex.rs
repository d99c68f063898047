//! The cursor, and tokens whose extent does not depend on the open constructs.

use super::bytes::{self, is};

/// A position in the text.
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    pub(crate) pos: usize,
    /// No path starts before this offset: [`Cursor::path`] has already searched. Without this field, `a.b.c.d` would be
    /// read again for each dot.
    no_path_before: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, pos: 0, no_path_before: 0 }
    }

    /// The byte at `pos`, or 0 (which no accepted text contains) past the end.
    #[inline(always)]
    fn at(&self, pos: usize) -> u8 {
        self.text.get(pos).copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(crate) fn peek(&self) -> u8 {
        self.at(self.pos)
    }

    #[inline(always)]
    pub(crate) fn ahead(&self, by: usize) -> u8 {
        self.at(self.pos + by)
    }

    #[inline(always)]
    pub(crate) fn behind(&self, by: usize) -> u8 {
        self.at(self.pos.wrapping_sub(by))
    }

    pub(crate) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// Moves past all bytes of `class`.
    #[inline(always)]
    fn pass(&mut self, class: u8) {
        while is(self.peek(), class) {
            self.pos += 1;
        }
    }

    /// Moves to the next byte of `class`, or to the end.
    #[inline(always)]
    fn find(&mut self, class: u8) {
        while self.pos < self.text.len() && !is(self.peek(), class) {
            self.pos += 1;
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or(&[])
    }

    /// Moves past white space and comments.
    #[inline(always)]
    pub(crate) fn skip(&mut self) {
        self.skip_lines();
        while self.peek() == b'/' && self.ahead(1) == b'*' {
            // An unterminated comment is not skipped: no token starts with its first byte.
            let inside = self.text.get(self.pos + 2..).unwrap_or(&[]);
            let Some(end) = memchr::memmem::find(inside, b"*/") else {
                return;
            };
            self.pos += end + 4;
            self.skip_lines();
        }
    }

    /// Moves past white space and `#` comments.
    #[inline(always)]
    pub(crate) fn skip_lines(&mut self) {
        self.pass(bytes::SPACE);
        while self.peek() == b'#' {
            let rest = self.rest();
            self.pos += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.pass(bytes::SPACE);
        }
    }

    /// Consumes an identifier, whose first letter the caller has checked.
    #[inline(always)]
    pub(crate) fn word(&mut self) -> &'a [u8] {
        let start = self.pos;
        self.pos += 1;
        self.pass(bytes::IDENT);
        self.text.get(start..self.pos).unwrap_or(&[])
    }

    /// Consumes the start of a path, as the grammar's scanner does wherever a value may start: a run of path bytes in
    /// which something follows a slash, or which contains a slash and ends at a `$`. Otherwise consumes nothing and
    /// returns `false`.
    pub(crate) fn path(&mut self) -> bool {
        if self.pos < self.no_path_before {
            return false;
        }
        let mut end = self.pos;
        let (mut slash, mut more) = (false, false);
        while is(self.at(end), bytes::PATH) {
            match self.at(end) {
                b'/' => slash = true,
                _ => more |= slash,
            }
            end += 1;
        }
        if more || (slash && self.at(end) == b'$') {
            self.pos = end;
            return true;
        }
        // Slashes, if any, are at the end of the run, and therefore at the end of any shorter run that starts later.
        self.no_path_before = end;
        false
    }

    /// Consumes the continuation of a path.
    pub(crate) fn path_text(&mut self) {
        self.pass(bytes::PATH);
    }

    /// Consumes the start of a `~/path`; `false` if there is none.
    pub(crate) fn home_path(&mut self) -> bool {
        let fits = self.ahead(1) == b'/' && is(self.ahead(2), bytes::PATH);
        if fits {
            self.pos += 2;
        }
        fits
    }

    /// Consumes a `<path>`, which consists of names between single slashes; `false` if there is none.
    pub(crate) fn search_path(&mut self) -> bool {
        let mut end = self.pos + 1;
        let mut named = false;
        loop {
            match self.at(end) {
                b'>' if named => break,
                b'/' if named => named = false,
                b'/' => return false,
                byte if is(byte, bytes::PATH) => named = true,
                _ => return false,
            }
            end += 1;
        }
        self.pos = end + 1;
        true
    }

    /// Whether the run in which [`Self::path`] has just found no path may be the scheme of a URI.
    pub(crate) fn uri_may_follow(&self) -> bool {
        self.at(self.no_path_before) == b':' && is(self.at(self.no_path_before + 1), bytes::URI)
    }

    /// Consumes the colon of a URI and the text after it.
    pub(crate) fn uri_text(&mut self) {
        self.pos += 1;
        self.pass(bytes::URI);
    }

    /// Consumes an integer or a float; `false` if a letter, a dot or a quote follows it: the lexer splits some of those
    /// into two tokens.
    pub(crate) fn number(&mut self) -> bool {
        let start = self.pos;
        let whole = self.digits();
        if self.peek() == b'.' && !self.fraction(self.at(start), whole) {
            return false;
        }
        match self.peek() {
            b'-' => true,
            b'.' => false,
            byte => !is(byte, bytes::IDENT),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.pos;
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        self.pos - start
    }

    /// Consumes `.5`, `.5e3` and so on, after `whole` digits starting with `first`: `1.` is a float; `0.`, `.` and
    /// `01.5` are not.
    fn fraction(&mut self, first: u8, whole: usize) -> bool {
        self.pos += 1;
        let decimals = self.digits();
        let fits = match (first, whole) {
            (b'1'..=b'9', _) => true,
            (b'0', 1) | (_, 0) => decimals > 0,
            _ => false,
        };
        if fits && matches!(self.peek(), b'e' | b'E') {
            let sign = matches!(self.ahead(1), b'+' | b'-');
            self.pos += 1 + usize::from(sign);
            return self.digits() > 0;
        }
        fits
    }

    /// Moves to the `"` that ends a string or the `${` of an interpolation; `false` if there is neither.
    pub(crate) fn string_text(&mut self) -> bool {
        loop {
            self.find(bytes::STRING_STOP);
            match (self.peek(), self.ahead(1)) {
                (b'"', _) | (b'$', b'{') => return true,
                (_, 0) => return false,
                (b'$', b'"' | b'\\') => self.pos += 1,
                // After a dollar sign, the next dollar sign is plain text: `$${`.
                (b'$' | b'\\', _) => self.pos += 2,
                _ => return false,
            }
        }
    }

    /// Moves to the `''` that ends a string or the `${` of an interpolation; `false` if there is neither.
    pub(crate) fn indented_text(&mut self) -> bool {
        if !self.lone_quote() {
            return false;
        }
        loop {
            self.find(bytes::INDENTED_STOP);
            match (self.peek(), self.ahead(1)) {
                (_, 0) => return false,
                (b'$', b'{') => return true,
                (b'$', b'\'') => self.pos += 1,
                (b'$', _) => self.pos += 2,
                (_, b'\'') => match self.indented_escape() {
                    0 => return true,
                    width => {
                        self.pos += width;
                        if !self.lone_quote() {
                            return false;
                        }
                    }
                },
                _ => self.pos += 1,
            }
        }
    }

    /// The width of the escape that starts with the `''` at the cursor, or 0 if the `''` ends the string.
    fn indented_escape(&self) -> usize {
        match (self.ahead(2), self.ahead(3)) {
            (b'$' | b'\'', _) => 3,
            (b'\\', byte) if byte != 0 => 3 + width_of_char(byte),
            _ => 0,
        }
    }

    /// Whether the fragment at the cursor does not start with `'${`. The grammar's scanner fails on one that does, but
    /// reads `'${` later in a fragment.
    fn lone_quote(&self) -> bool {
        !(self.peek() == b'\'' && self.ahead(1) == b'$' && self.ahead(2) == b'{')
    }
}

/// The UTF-8 length of the character with the first byte `lead`.
pub(crate) fn width_of_char(lead: u8) -> usize {
    match lead {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0.. => 4,
    }
}
