//! `github`: annotations for GitHub Actions, and the whole report in a log group.
//!
//! For each step, GitHub shows ten annotations of each level, so no more are written, and the group contains all
//! findings. No file name or content can start a workflow command.

use std::io::{self, Write};

use super::guard::Syntax;
use super::{Places, View, pretty, text};
use crate::finding::{Finding, Level};
use crate::report::Report;

/// The number of annotations of one level that GitHub shows for one step.
const SHOWN: usize = 10;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(report);
    let worst = super::worst_first(report);
    for level in [Level::Error, Level::Warn, Level::Hint] {
        for finding in worst.iter().filter(|finding| finding.level == level).take(SHOWN) {
            annotation(finding, view, &mut places, out)?;
        }
    }
    let mut whole = Vec::new();
    let plain = View { stream: super::stream::Stream::default(), quiet: false, ..view.clone() };
    pretty::write(report, &plain, &mut whole)?;
    let whole = String::from_utf8_lossy(&whole);
    if report.findings.is_empty() {
        return out.write_all(Syntax::Prose.disarm_all(&whole).as_bytes());
    }
    writeln!(out, "::group::flakeward: {}", text::count(report.findings.len(), "finding"))?;
    out.write_all(Syntax::Prose.disarm_all(&whole).as_bytes())?;
    writeln!(out, "::endgroup::")
}

fn annotation(finding: &Finding, view: &View, places: &mut Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let command = match finding.level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Hint | Level::Off => "notice",
    };
    let (start, end) = places.of(&finding.path, finding.span);
    let mut properties = format!("file={},line={}", property(&view.path(&finding.path)), start.line);
    properties.push_str(&format!(",endLine={},col={}", end.line, start.column));
    // GitHub supports an end column only within one line.
    if end.line == start.line && end.column > start.column {
        properties.push_str(&format!(",endColumn={}", end.column));
    }
    let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = data(&format!("{}{help}\n{}", finding.message, super::url(finding.rule, places.catalog())));
    writeln!(out, "::{command} {properties},title={}::{message}", property(&format!("flakeward: {}", finding.rule)))
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    escape(text, |_| false)
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    escape(text, |c| matches!(c, ':' | ','))
}

fn escape(text: &str, more: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' | '\r' | '\n' => escaped.push_str(&format!("%{:02X}", c as u32)),
            c if more(c) => escaped.push_str(&format!("%{:02X}", c as u32)),
            c if text::harmful(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_commands_are_escaped() {
        assert_eq!(property("x::error::y,\n%0A.nix"), "x%3A%3Aerror%3A%3Ay%2C%0A%250A.nix");
        assert_eq!(data("a: b, 100%\r\n\u{1b}[31m"), "a: b, 100%25%0D%0A\\u{1b}[31m");
    }
}
