//! The last step of all output: ensures that no line is a command to the CI runner that logs it.
//!
//! GitHub's runner interprets `::name ..::` at the beginning of a line, after white space, and the older `##[name]`
//! anywhere in a line. The runner of Azure Pipelines interprets `##vso[name ..]`. Control characters are escaped
//! earlier (`text::clean`), because writers add their own colours.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{Format, text};

/// The syntax of the output, which determines how the output can be changed without changing its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Human-readable text, including Markdown.
    Prose,
    /// JSON, on one or more lines.
    Json,
    /// XML.
    Xml,
}

impl Syntax {
    /// The syntax of a format; `None` for formats that are not guarded.
    pub fn of(format: Format) -> Option<Self> {
        match format {
            Format::Pretty | Format::Concise | Format::Markdown => Some(Syntax::Prose),
            Format::Json | Format::Jsonl | Format::Sarif | Format::Gitlab => Some(Syntax::Json),
            Format::Junit => Some(Syntax::Xml),
            // Pages are for browsers and not written to a log. The GitHub format contains commands, and escapes its
            // text itself.
            Format::Github | Format::Html => None,
        }
    }

    /// Returns the line, changed so that it is not a command.
    pub fn disarm(self, line: &str) -> Cow<'_, str> {
        let mut line = self.escape(line);
        // Few lines contain `##`, and this search is much faster than the one in the standard library.
        if memchr::memmem::find(line.as_bytes(), b"##").is_some()
            && let Some(broken) = self.without_marks(&line)
        {
            line = Cow::Owned(broken);
        }
        if self != Syntax::Json && unstyled(&line).starts_with("::") {
            line = Cow::Owned(match self {
                Syntax::Xml => line.replacen("::", "&#58;:", 1),
                Syntax::Prose | Syntax::Json => format!("\\{line}"),
            });
        }
        line
    }

    /// Returns a line in which each `##name[` is escaped or split by a space; `None` if the line contains none.
    fn without_marks(self, line: &str) -> Option<String> {
        let is_mark = |at: usize| {
            let name = line[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
            name.starts_with('[')
        };
        let marks: Vec<usize> = line.match_indices("##").map(|(at, _)| at).filter(|at| is_mark(*at)).collect();
        let mut broken = String::with_capacity(line.len() + 8 * marks.len());
        let mut rest = 0;
        for at in &marks {
            broken.push_str(&line[rest..=*at]);
            // In JSON, the characters can only be inside a string.
            broken.push_str(match self {
                Syntax::Prose => " #",
                Syntax::Json => "\\u0023",
                Syntax::Xml => "&#35;",
            });
            rest = at + 2;
        }
        broken.push_str(&line[rest..]);
        (!marks.is_empty()).then_some(broken)
    }

    /// Escapes harmful characters in a line of JSON or XML. Prose no longer contains any.
    fn escape(self, line: &str) -> Cow<'_, str> {
        const DELETE: char = '\u{7f}';
        // The writers of these formats already escape the other ASCII control characters, except white space.
        let harmful = |c: char| c == DELETE || (!c.is_ascii() && text::harmful(c));
        let is_plain = || line.is_ascii() && memchr::memchr(DELETE as u8, line.as_bytes()).is_none();
        if self == Syntax::Prose || is_plain() || !line.chars().any(harmful) {
            return Cow::Borrowed(line);
        }
        let mut escaped = String::with_capacity(line.len() + 8);
        for c in line.chars() {
            match self {
                Syntax::Json if harmful(c) => escaped.push_str(&format!("\\u{:04x}", c as u32)),
                Syntax::Xml if harmful(c) => escaped.push_str(&format!("&#{};", c as u32)),
                _ => escaped.push(c),
            }
        }
        Cow::Owned(escaped)
    }

    /// Changes the text so that no line is a command.
    pub fn disarm_all(self, text: &str) -> String {
        text.split_inclusive(['\n', '\r']).map(|line| self.disarm(line)).collect()
    }
}

/// A line without leading white space and styles.
fn unstyled(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((_, after)) = rest.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m')) {
        rest = after.trim_start();
    }
    rest
}

/// A writer that changes lines that would be commands. [`Self::finish`] writes any text after the last line break.
pub struct Guard<'w> {
    out: &'w mut dyn Write,
    syntax: Syntax,
    line: Vec<u8>,
}

impl<'w> Guard<'w> {
    /// Guards a writer.
    pub fn new(syntax: Syntax, out: &'w mut dyn Write) -> Self {
        Self { out, syntax, line: Vec::new() }
    }

    /// Writes any text after the last line break.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_line()
    }

    fn end_line(&mut self) -> io::Result<()> {
        // The strict conversion is several times faster, and nearly always succeeds.
        let line = std::str::from_utf8(&self.line).map_or_else(|_| String::from_utf8_lossy(&self.line), Cow::Borrowed);
        let written = self.out.write_all(self.syntax.disarm(&line).as_bytes());
        self.line.clear();
        written
    }
}

impl Write for Guard<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, after) = rest.split_at(end + 1);
            self.line.extend_from_slice(line);
            self.end_line()?;
            rest = after;
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_a_command() {
        let texts = [
            "::add-mask::x",
            "  ::error::",
            "a ##[group]",
            "\u{1b}[1m::x::\u{1b}[0m",
            "a\r::x::\n",
            "##[[a",
            "##vso[task.x]##[b",
            "a ::b",
        ];
        for syntax in [Syntax::Prose, Syntax::Json, Syntax::Xml] {
            for text in texts {
                let mut out = Vec::new();
                let mut guard = Guard::new(syntax, &mut out);
                for byte in text.bytes() {
                    guard.write_all(&[byte]).unwrap();
                }
                guard.finish().unwrap();
                let out = String::from_utf8(out).unwrap();
                assert_eq!(out, syntax.disarm_all(text));
                assert!(!out.contains("##["), "{out}");
                let is_command = out.split(['\n', '\r']).any(|line| unstyled(line).starts_with("::"));
                assert!(syntax == Syntax::Json || !is_command, "{out}");
            }
        }
        assert_eq!(Syntax::Prose.disarm_all("a.nix:1:1: x\n ::y\n"), "a.nix:1:1: x\n\\ ::y\n");
        assert_eq!(Syntax::Json.disarm("\"\u{202e}\""), "\"\\u202e\"");
        assert_eq!(Syntax::Json.disarm("\"\u{7f}\u{9b}\""), "\"\\u007f\\u009b\"");
        assert_eq!(Syntax::Xml.disarm("\u{202e}"), "&#8238;");
        assert_eq!(Syntax::Json.disarm("\"##[a\""), "\"#\\u0023[a\"");
    }
}
