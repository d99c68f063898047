//! The end of a report for people: counts by rule, and a summary of all findings.

use std::fmt::Write;

use super::View;
use super::style::{BOLD, DIM, GREEN, of};
use super::text::count;
use super::wrap::{columns, wrapped};
use crate::finding::{Level, RelPath};
use crate::report::{Fixable, Report, RuleCount};

/// With more findings than this, a report ends with counts by rule.
pub const MANY: usize = 20;

/// One sentence: the number of findings and files, and how many findings can be fixed.
pub fn sentence(report: &Report, view: &View) -> String {
    let color = view.stream.color;
    let levels = [(Level::Error, "error"), (Level::Warn, "warning"), (Level::Hint, "hint")];
    let counts: Vec<String> = levels
        .into_iter()
        .map(|(level, noun)| (level, report.count(level), noun))
        .filter(|(_, number, _)| *number > 0)
        .map(|(level, number, noun)| of(level).on(count(number, noun), color))
        .collect();
    let silenced = match report.suppressed {
        0 => String::new(),
        number => format!(" ({number} suppressed)"),
    };
    let list = match counts.as_slice() {
        [] => {
            let (files, rules) = (count(report.files, "file"), count(report.rules.len(), "rule"));
            return format!("{files}, {rules}: no findings{silenced}");
        }
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    };
    let mut paths: Vec<&RelPath> = report.findings.iter().map(|finding| &finding.path).collect();
    paths.dedup();
    // Settings are not among the checked files, but they can have findings.
    let files = format!("{} of {}", paths.len(), count(report.files + report.settings, "file"));
    format!("{list} in {files}{silenced}{}", fixable(report.fixable()))
}

/// How many findings can be fixed, and with which command.
fn fixable(fixable: Fixable) -> String {
    match fixable {
        Fixable { safe: 0, only_unsafe: 0 } => String::new(),
        Fixable { safe, only_unsafe: 0 } => format!("; {safe} can be fixed: flakeward fix"),
        Fixable { safe: 0, only_unsafe } => format!("; {only_unsafe} can be fixed: flakeward fix --unsafe"),
        Fixable { safe, only_unsafe } => {
            format!("; {safe} can be fixed: flakeward fix; {only_unsafe} more: flakeward fix --unsafe")
        }
    }
}

/// The summary, wrapped to the width of a terminal.
pub fn lines(report: &Report, view: &View) -> String {
    let sentence = sentence(report, view);
    match view.stream.wrap {
        true if columns(&sentence) > view.stream.width => {
            let parts = sentence.split("; ").flat_map(|part| wrapped(part, view.stream.width));
            parts.collect::<Vec<_>>().join("\n")
        }
        true => sentence,
        false => sentence,
    }
}

/// Counts by rule, as a table: rule, findings, fixable findings, files.
pub fn table(report: &Report, view: &View) -> String {
    let color = view.stream.color;
    let counts = report.by_rule();
    let widest = counts.iter().map(|count| count.rule.len()).chain(["rule".len()]).max().unwrap_or(0);
    let heading = format!("{:widest$}  {:5}  {:>8}  {:>7}  {:>5}", "rule", "level", "findings", "fixable", "files");
    let mut out = format!("{}\n", BOLD.on(heading, color));
    for count in &counts {
        let RuleCount { rule, level, findings, fixable, files } = count;
        let level = of(*level).on(format!("{:5}", level.name()), color);
        let fixable = match fixable.all() {
            0 => DIM.on(format!("{:>7}", "-"), color),
            all => GREEN.on(format!("{all:>7}"), color),
        };
        let _ = writeln!(out, "{rule:widest$}  {level}  {findings:>8}  {fixable}  {files:>5}");
    }
    out
}
