//! Lines and their indentation.

/// The beginning of the line of a place (behind a byte order mark), and the blanks there.
pub fn line_of(text: &str, at: u32) -> (u32, &str) {
    let start = text[..at as usize].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..];
    let mark = line.len() - line.trim_start_matches('\u{feff}').len();
    let line = &line[mark..];
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    ((start + mark) as u32, &line[..blanks])
}

/// Whether only blanks stand before a place on its line.
pub fn starts_line(text: &str, at: u32) -> bool {
    let (line, indent) = line_of(text, at);
    line + indent.len() as u32 >= at
}

/// One step of indentation, as the file has it.
pub fn indent_unit(text: &str) -> &str {
    let first = text.lines().map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]);
    match first.into_iter().find(|blanks| !blanks.is_empty()) {
        Some(blanks) if blanks.starts_with('\t') => "\t",
        Some("    ") => "    ",
        _ => "  ",
    }
}
