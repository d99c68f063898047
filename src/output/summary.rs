//! The end of a human-readable report: counts by rule, and a summary of all findings.

use std::fmt::Write;

use super::View;
use super::style::{BOLD, DIM, GREEN, of};
use super::text::count;
use super::wrap::{columns, wrapped};
use crate::check::port_literals::{ALLOCATED, HARDCODED};
use crate::finding::{Finding, Level, RelPath, Safety};
use crate::report::{Fixable, NotChecked, Report, RuleCount};

/// The number of findings above which a report ends with counts by rule.
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
            return format!("{files}, {rules}: no findings{silenced}{}", not_checked(report));
        }
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    };
    let mut paths: Vec<&RelPath> = report.findings.iter().map(|finding| &finding.path).collect();
    paths.dedup();
    // Settings are not among the checked files, but they can have findings.
    let files = format!("{} of {}", paths.len(), count(report.files + report.settings, "file"));
    format!("{list} in {files}{silenced}{}{}", fixable(report), not_checked(report))
}

/// The number of files that were not checked, or only partly, by reason. Lock files are not mentioned, because package
/// managers write them.
pub fn not_checked(report: &Report) -> String {
    let NotChecked { generated, vendored, templates, .. } = report.not_checked;
    let left_out = [(generated, "generated file"), (vendored, "vendored file")];
    let left_out: Vec<String> =
        left_out.iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(*number, noun)).collect();
    let mut parts = Vec::new();
    if !left_out.is_empty() {
        parts.push(format!("not checked: {}", left_out.join(", ")));
    }
    if templates > 0 {
        parts.push(format!("checked in part: {}", count(templates, "template")));
    }
    if parts.is_empty() { String::new() } else { format!("; {} (-v lists them)", parts.join(", ")) }
}

/// The number of findings that can be fixed, and the commands that fix them. Without a registry, `--unsafe` is not
/// suggested as the first step for ports, because a person should edit the names that `ports init` proposes.
fn fixable(report: &Report) -> String {
    let Fixable { safe, only_unsafe } = report.fixable();
    let ports = match report.overview.has_nix && !report.overview.has_registry {
        true => report.findings.iter().filter(|finding| is_port_to_name(report, finding)).count(),
        false => 0,
    };
    let commands = [
        (safe, "flakeward fix"),
        (ports, "flakeward ports init, then flakeward fix"),
        (only_unsafe - ports, "flakeward fix --unsafe"),
    ];
    let commands = commands.into_iter().filter(|(number, _)| *number > 0).enumerate();
    let parts = commands.map(|(index, (number, command))| {
        let what = if index == 0 { "can be fixed" } else { "more" };
        format!("; {number} {what}: {command}")
    });
    parts.collect()
}

/// Whether `flakeward fix` will fix a finding once the registry has a name for its port.
fn is_port_to_name(report: &Report, finding: &Finding) -> bool {
    [HARDCODED, ALLOCATED].contains(&finding.rule) && report.fixability(finding) == Some(Safety::Unsafe)
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
