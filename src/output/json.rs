//! `json`: the versioned document for programs. Later versions only add fields.

use std::io::{self, Write};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Places, View};
use crate::finding::{Level, NoteKind, Safety};
use crate::fingerprint;
use crate::report::{NotChecked, Report, RuleCount};
use crate::source::Place;
use crate::suppress::accepted::State;

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    findings: Vec<Box<RawValue>>,
    notes: Vec<Note<'a>>,
    summary: Summary<'a>,
    about: About<'a>,
}

/// The data about the run as a whole.
#[derive(Serialize)]
struct About<'a> {
    repository: &'a str,
    date: String,
    flakeward: &'a str,
    policy: Option<Policy<'a>>,
    lowered: Vec<Lowered<'a>>,
    accepted: usize,
    expired: usize,
}

#[derive(Serialize)]
struct Policy<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Lowered<'a> {
    rule: &'a str,
    level: Level,
    default: Level,
}

/// A finding.
#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    level: Level,
    path: String,
    start: Place,
    end: Place,
    message: &'a str,
    help: Option<&'a str>,
    url: String,
    labels: Vec<Label<'a>>,
    fixable: Option<Safety>,
    fix: Option<Fix<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
struct Label<'a> {
    path: String,
    start: Place,
    end: Place,
    message: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    safety: Safety,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    path: String,
    start: Place,
    end: Place,
    text: &'a str,
}

#[derive(Serialize)]
struct Note<'a> {
    kind: NoteKind,
    path: Option<String>,
    message: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    errors: usize,
    warnings: usize,
    hints: usize,
    suppressed: usize,
    fixable: usize,
    fixable_safe: usize,
    fixable_unsafe: usize,
    not_checked: NotChecked,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    rule: &'a str,
    level: Level,
    findings: usize,
    fixable_safe: usize,
    fixable_unsafe: usize,
    files: usize,
}

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &document(report, view)?)?;
    writeln!(out)
}

/// The findings as JSON. Computing their positions takes most of the time for a long report, so it is done in parallel.
pub(super) fn findings(report: &Report, view: &View) -> serde_json::Result<Vec<Box<RawValue>>> {
    let found = report.findings.par_iter();
    found.map_init(|| Places::new(report), |places, found| to_raw_value(&finding(found, view, places))).collect()
}

fn document<'a>(report: &'a Report, view: &View) -> serde_json::Result<Document<'a>> {
    Ok(Document {
        version: 1,
        findings: findings(report, view)?,
        notes: report
            .notes
            .iter()
            .map(|note| Note {
                kind: note.kind,
                path: note.path.as_ref().map(|path| view.path(path)),
                message: &note.message,
            })
            .collect(),
        summary: Summary {
            files: report.files,
            errors: report.count(Level::Error),
            warnings: report.count(Level::Warn),
            hints: report.count(Level::Hint),
            suppressed: report.suppressed,
            fixable: report.fixable().all(),
            fixable_safe: report.fixable().safe,
            fixable_unsafe: report.fixable().only_unsafe,
            not_checked: report.not_checked,
            rules: report.by_rule().iter().map(rule).collect(),
        },
        about: about(report),
    })
}

fn about(report: &Report) -> About<'_> {
    let about = &report.about;
    let lowered = about.lowered.iter().map(|&(rule, level, default)| Lowered { rule, level, default });
    About {
        repository: &about.repository,
        date: about.date.to_string(),
        flakeward: env!("CARGO_PKG_VERSION"),
        policy: about.policy.as_ref().map(|policy| Policy { name: &policy.name, version: &policy.version }),
        lowered: lowered.collect(),
        accepted: report.accepted.iter().filter(|entry| entry.state != State::Unused).count(),
        expired: report.accepted.iter().filter(|entry| entry.state == State::Expired).count(),
    }
}

fn rule(count: &RuleCount) -> Rule<'static> {
    Rule {
        rule: count.rule,
        level: count.level,
        findings: count.findings,
        fixable_safe: count.fixable.safe,
        fixable_unsafe: count.fixable.only_unsafe,
        files: count.files,
    }
}

/// Converts a finding for the JSON document.
fn finding<'a>(finding: &'a crate::finding::Finding, view: &View, places: &mut Places<'_>) -> Finding<'a> {
    let (start, end) = places.of(&finding.path, finding.span);
    let labels = finding.labels.iter().map(|label| {
        let (start, end) = places.of(&label.path, label.span);
        Label { path: view.path(&label.path), start, end, message: &label.message }
    });
    let labels = labels.collect();
    let fix = finding.fix.as_ref().map(|fix| Fix {
        title: &fix.title,
        safety: fix.safety,
        edits: fix
            .all_edits()
            .map(|edit| {
                let (start, end) = places.of(&edit.path, edit.span);
                Edit { path: view.path(&edit.path), start, end, text: &edit.text }
            })
            .collect(),
    });
    Finding {
        rule: finding.rule,
        level: finding.level,
        path: view.path(&finding.path),
        start,
        end,
        message: &finding.message,
        help: finding.help.as_deref(),
        url: super::url(finding.rule, places.catalog()),
        labels,
        fixable: places.fixability(finding),
        fix,
        fingerprint: fingerprint::text(finding.fingerprint),
    }
}
