//! Shared by the tests of checks: a run on a few files.

use crate::repo::Repo;
use crate::report::Report;
use crate::settings::Settings;

/// Checks a small repository as of a date.
pub fn report_at(files: &[(&str, &str)], now: jiff::civil::Date) -> Report {
    let settings = Settings { now, ..Settings::default() };
    let report = crate::run::check(&Repo::from_texts(files.iter().copied()), &settings);
    assert!(!report.internal_error(), "{:?}", report.notes);
    report
}

/// The text at each finding of a rule, in the order of the report.
pub fn found(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let report = report_at(files, jiff::civil::date(2026, 8, 19));
    let findings = report.findings.iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| report.sources[&finding.path].slice(finding.span).to_owned()).collect()
}
