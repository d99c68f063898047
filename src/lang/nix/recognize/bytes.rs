//! Classes of bytes, as a lookup table.

/// White space that both the grammar's lexer and its path scanner skip. Form feed and vertical tab are left out: only
/// the lexer skips those.
pub(crate) const SPACE: u8 = 1;
/// Part of an identifier.
pub(crate) const IDENT: u8 = 2;
/// Start of an identifier.
pub(crate) const IDENT_START: u8 = 4;
/// Part of a path.
pub(crate) const PATH: u8 = 8;
/// Part of a URI after the colon.
pub(crate) const URI: u8 = 16;
/// End of a plain text fragment in a `"` string.
pub(crate) const STRING_STOP: u8 = 32;
/// End of a plain text fragment in a `''` string.
pub(crate) const INDENTED_STOP: u8 = 64;

static CLASSES: [u8; 256] = classes();

/// Whether `byte` is in any of the classes in `class`.
#[inline(always)]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    let word = match byte {
        b'a'..=b'z' | b'A'..=b'Z' => IDENT | IDENT_START | PATH | URI,
        b'_' => IDENT | IDENT_START | PATH | URI,
        b'0'..=b'9' | b'-' => IDENT | PATH | URI,
        b'\'' => IDENT | URI,
        b'.' | b'+' | b'/' => PATH | URI,
        b'%' | b'?' | b':' | b'@' | b'&' | b'=' | b'$' | b',' | b'!' | b'~' | b'*' => URI,
        _ => 0,
    };
    let stop = match byte {
        b'"' | b'\\' => STRING_STOP,
        b'\'' => INDENTED_STOP,
        b'$' => STRING_STOP | INDENTED_STOP,
        _ => 0,
    };
    let space = match byte {
        b' ' | b'\t' | b'\n' | b'\r' => SPACE,
        _ => 0,
    };
    word | stop | space
}
