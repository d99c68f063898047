//! Lines and their indentation.

/// Returns the start of the line that contains an offset, after a byte order mark, and the leading blanks of the line.
pub fn line_of(text: &str, at: u32) -> (u32, &str) {
    let start = text[..at as usize].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..];
    let mark = line.len() - line.trim_start_matches('\u{feff}').len();
    let line = &line[mark..];
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    ((start + mark) as u32, &line[..blanks])
}

/// Whether only blanks precede an offset on its line.
pub fn starts_line(text: &str, at: u32) -> bool {
    // Only the blanks are read, because a file with one long line is queried at many offsets.
    let before = text[..at as usize].trim_end_matches([' ', '\t']).trim_end_matches('\u{feff}');
    before.is_empty() || before.ends_with('\n')
}

/// The indentation unit of a text: a tab, four spaces, or else two spaces.
pub fn indent_unit(text: &str) -> &str {
    let first = text.lines().map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]);
    match first.into_iter().find(|blanks| !blanks.is_empty()) {
        Some(blanks) if blanks.starts_with('\t') => "\t",
        Some("    ") => "    ",
        _ => "  ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_a_byte_order_mark_may_precede_the_start_of_a_line() {
        for (text, expected) in [
            ("@", true),
            ("  @", true),
            ("x\n\t @", true),
            ("\u{feff}  @", true),
            ("x @", false),
            ("x\ny @", false),
            ("\u{feff}x @", false),
        ] {
            let at = text.find('@').unwrap() as u32;
            assert_eq!(starts_line(text, at), expected, "{text:?}");
            let (line, indent) = line_of(text, at);
            assert_eq!(line + indent.len() as u32 == at, expected, "{text:?}");
        }
    }
}
