//! `gitlab`: a Code Quality report for merge requests.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::io::{self, Write};

use serde::Serialize;

use super::Places;
use super::text::clean;
use crate::finding::Level;
use crate::fingerprint;
use crate::report::Report;

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the report. Paths are relative to the repository's root, as GitLab requires, not to the working directory.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(report);
    let issues = report.findings.iter().map(|finding| {
        let (start, end) = places.of(&finding.path, finding.span);
        Issue {
            description: clean(&finding.message).into_owned(),
            check_name: finding.rule,
            fingerprint: fingerprint::text(finding.fingerprint),
            severity: match finding.level {
                Level::Error => "major",
                Level::Warn => "minor",
                Level::Hint | Level::Off => "info",
            },
            location: Location { path: &finding.path, lines: Lines { begin: start.line, end: end.line } },
        }
    });
    serde_json::to_writer(&mut *out, &issues.collect::<Vec<_>>())?;
    writeln!(out)
}
