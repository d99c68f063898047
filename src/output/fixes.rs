//! The output of `flakeward fix`: a line for each fixed, refused or remaining finding, and a summary.

use std::io::{self, Write};

use super::guard::{Guard, Syntax};
use super::style::{GREEN, YELLOW};
use super::text::{clean, count};
use super::wrap::wrapped;
use super::{Places, View, concise, next_steps, summary};
use crate::finding::{Finding, RelPath};
use crate::fix::Outcome;
use crate::report::NotChecked;
use crate::source::Place;

/// Writes what was fixed, what could not be fixed, and what remains.
pub fn write(outcome: &Outcome, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = Guard::new(Syntax::Prose, out);
    write_lines(outcome, view, &mut out)?;
    out.finish()
}

fn write_lines(outcome: &Outcome, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let color = view.stream.color;
    if !view.quiet {
        for fixed in &outcome.fixed {
            let place = place(view, &fixed.path, fixed.place);
            let line = format!("{place}: {}[{}]: {}", GREEN.on("fixed", color), fixed.rule, clean(&fixed.title));
            writeln!(out, "{}", filled(&line, view))?;
        }
    }
    refusal_lines(outcome, view, out)?;
    match view.statistics {
        true => concise::write(&outcome.report, view, out),
        false => concise::lines(&outcome.report, view).try_for_each(|line| writeln!(out, "{}", filled(&line, view))),
    }
}

/// Writes the refused fixes, with the reasons.
pub fn refusals(outcome: &Outcome, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = Guard::new(Syntax::Prose, out);
    refusal_lines(outcome, view, &mut out)?;
    out.finish()
}

fn refusal_lines(outcome: &Outcome, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(&outcome.report);
    for refused in &outcome.refused {
        let Finding { path, span, rule, .. } = &refused.finding;
        let place = place(view, path, places.of(path, *span).0);
        let word = YELLOW.on("not fixed", view.stream.color);
        let line = format!("{place}: {word}[{rule}]: {}", clean(&refused.reason));
        writeln!(out, "{}", filled(&line, view))?;
    }
    Ok(())
}

/// A line, wrapped between words on a terminal.
fn filled(line: &str, view: &View) -> String {
    match view.stream.wrap {
        true => wrapped(line, view.stream.columns - 2).join("\n  "),
        false => line.to_owned(),
    }
}

fn place(view: &View, path: &RelPath, place: Place) -> String {
    format!("{}:{}:{}", clean(&view.path(path)), place.line, place.column)
}

/// How many findings were fixed (or would be), how many remain, and what to do next. `unseen` contains the registries
/// that the flake does not see.
pub fn closing(outcome: &Outcome, unseen: &[&RelPath], view: &View, written: bool) -> String {
    let files = count(outcome.changes.len(), "file");
    let done = match (outcome.fixed.len(), written) {
        (0, _) if outcome.unsafe_left() > 0 => "no safe fixes".to_owned(),
        (0, _) => "nothing to fix".to_owned(),
        (fixed, true) => format!("fixed {} in {files}", count(fixed, "finding")),
        (fixed, false) => format!("would fix {} in {files}", count(fixed, "finding")),
    };
    let unsettled = if outcome.unsettled { "; more fixes are possible: run again" } else { "" };
    let new: Vec<_> = outcome.changes.iter().filter(|change| change.before.is_none()).collect();
    let new: Vec<_> = new.into_iter().map(|change| clean(&view.path(&change.path)).into_owned()).collect();
    let made = match (new.is_empty(), written) {
        (true, _) => String::new(),
        (false, true) => format!("; new: {} (run `git add`: flakes only see tracked files)", new.join(", ")),
        (false, false) => format!("; new: {}", new.join(", ")),
    };
    // Some fixes make others possible: once a port has an entry, it is also replaced in other files.
    let later = match outcome.fixed.len().saturating_sub(outcome.promised) {
        0 => String::new(),
        later => format!(" ({later} of them became fixable after other fixes)"),
    };
    let report = &outcome.report;
    let left = match report.findings.is_empty() {
        true if report.files == 0 && report.not_checked == NotChecked::default() => {
            "no input file matches any rule".to_owned()
        }
        true if report.files == 0 => "no input file was checked".to_owned(),
        true => "nothing left to report".to_owned(),
        false => format!("remaining: {}", summary::sentence(&outcome.report, view)),
    };
    let sentence = format!("{done}{later}{made}; {left}{unsettled}");
    let sentence = match view.stream.wrap {
        true => wrapped(&sentence, view.stream.width).join("\n"),
        false => sentence,
    };
    let is_new = |path: &RelPath| outcome.changes.iter().any(|change| change.path == *path && change.before.is_none());
    let unseen = unseen.iter().filter(|path| written && !is_new(path)).map(|path| view.path(path)).collect();
    format!("{sentence}\n{}", next_steps::after_fixes(&outcome.report, unseen, view))
}
