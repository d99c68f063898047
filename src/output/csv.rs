//! Comma-separated values, as specified in RFC 4180.

use std::io::{self, Write};

use super::text::clean;

/// Characters without a width: soft hyphen, zero-width space and joiners, word joiner, byte order mark.
const INVISIBLE: [char; 6] = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];

/// Writes a row.
pub fn row<'a>(out: &mut dyn Write, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// Returns a cell that every spreadsheet treats as text. An apostrophe is added before anything that looks like a
/// formula.
fn cell(text: &str) -> String {
    let text = clean(text);
    // Some programs ignore blanks and invisible characters, or accept full-width characters.
    let shown = text.trim_start_matches(|c: char| c.is_whitespace() || INVISIBLE.contains(&c));
    let is_formula = shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let quote = if is_formula { "'" } else { "" };
    match is_formula || text.contains([',', '"', ' ']) {
        true => format!("\"{quote}{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_never_formulas() {
        let mut out = Vec::new();
        row(&mut out, ["a", "b c", "d,\"e\"", "=1+1", "@team", "f\ng", ""]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a,\"b c\",\"d,\"\"e\"\"\",\"'=1+1\",\"'@team\",f\\ng,\r\n");
        for formula in ["\u{feff}=1", "\u{200b}=1", "\u{a0}=1", " =1", "＝1+1", "＠SUM(1)"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
    }
}
