//! `junit`: test results for continuous integration systems. There is no standard, so the output follows the schema
//! that Jenkins' xUnit plugin uses to validate reports. It has no attributes for positions, so names and class names
//! contain them.
//!
//! Each finding is a test case with its message. The test case fails if the finding fails the run, and is skipped
//! otherwise. Each rule without findings is a test case that passes.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::text::clean;
use super::{Places, View};
use crate::finding::{Finding, Level};
use crate::report::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let fails = |finding: &Finding| finding.level >= view.fail_on.unwrap_or(Level::Error);
    let failures = report.findings.iter().filter(|finding| fails(finding)).count();
    let skipped = report.findings.len() - failures;
    let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    let passed: Vec<&str> = report.rules.iter().copied().filter(|id| !found.contains(id)).collect();
    let tests = report.findings.len() + passed.len();
    let counts = format!(r#"tests="{tests}" failures="{failures}" errors="0" time="0""#);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="flakeward" {counts}>"#)?;
    writeln!(out, r#"  <testsuite name="flakeward" {counts} skipped="{skipped}">"#)?;
    let mut places = Places::new(report);
    for finding in &report.findings {
        case(finding, fails(finding), view, &mut places, out)?;
    }
    for rule in passed {
        writeln!(out, r#"    <testcase classname="flakeward" name="{}" time="0"/>"#, escape(rule))?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(finding: &Finding, fails: bool, view: &View, places: &mut Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (start, _) = places.of(&finding.path, finding.span);
    let path = view.path(&finding.path);
    let name = format!("{} at {path}:{}:{}", finding.rule, start.line, start.column);
    let (path, name, message) = (escape(&path), escape(&name), escape(&finding.message));
    writeln!(out, r#"    <testcase classname="{path}" name="{name}" time="0">"#)?;
    if fails {
        let help = finding.help.as_deref().map(|help| format!("\nhelp: {}", escape(help))).unwrap_or_default();
        let rule = escape(finding.rule);
        let url = escape(&super::url(finding.rule, places.catalog()));
        writeln!(out, r#"      <failure type="{rule}" message="{message}">{message}{help}"#)?;
        writeln!(out, "why: {url}</failure>")?;
    } else {
        writeln!(out, r#"      <skipped message="{}: {message}"/>"#, finding.level)?;
    }
    writeln!(out, "    </testcase>")
}

/// Escapes text for XML. Characters that XML cannot represent are replaced with escapes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
