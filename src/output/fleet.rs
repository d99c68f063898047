//! An overview of many repositories: as a page, Markdown, CSV and JSON.

use std::fmt::Write as _;
use std::io;

use clap::ValueEnum;
use serde::Serialize;

use super::markdown::code;
use super::{csv, html};
use crate::fleet::{Fleet, Lowered, Totals};

/// The formats of a report about many repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FleetFormat {
    /// A page for a browser.
    Html,
    /// A table for a comment.
    Markdown,
    /// A table for spreadsheets.
    Csv,
    /// A JSON document.
    Json,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    date: String,
    totals: Totals,
    repositories: Vec<Row<'a>>,
    trend: Vec<Day>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    date: Option<String>,
    age_days: Option<i32>,
    stale: bool,
    totals: Totals,
    rules: &'a std::collections::BTreeMap<String, usize>,
    accepted: usize,
    expired: usize,
    flakeward: &'a str,
    policy: &'a str,
    lowered: &'a [Lowered],
}

#[derive(Serialize)]
struct Day {
    date: String,
    repositories: usize,
    totals: Totals,
}

/// Formats the overview.
pub fn text(fleet: &Fleet, format: FleetFormat) -> io::Result<String> {
    match format {
        FleetFormat::Html => Ok(html::fleet::write(fleet)),
        FleetFormat::Markdown => Ok(markdown(fleet)),
        FleetFormat::Csv => table(fleet),
        FleetFormat::Json => Ok(serde_json::to_string_pretty(&document(fleet))? + "\n"),
    }
}

fn document(fleet: &Fleet) -> Document<'_> {
    let repositories = fleet.repositories.iter().map(|repository| {
        let latest = repository.latest();
        Row {
            name: &repository.name,
            date: latest.date.map(|date| date.to_string()),
            age_days: fleet.age(repository),
            stale: fleet.is_stale(repository),
            totals: latest.totals,
            rules: &latest.rules,
            accepted: latest.accepted,
            expired: latest.expired,
            flakeward: &latest.version,
            policy: &latest.policy,
            lowered: &latest.lowered,
        }
    });
    let trend = fleet.trend().into_iter();
    Document {
        version: 1,
        date: fleet.date.to_string(),
        totals: fleet.totals(),
        repositories: repositories.collect(),
        trend: trend.map(|(date, repositories, totals)| Day { date: date.to_string(), repositories, totals }).collect(),
    }
}

fn markdown(fleet: &Fleet) -> String {
    let mut out = "## flakeward\n\n| Repository | Errors | Warnings | Hints | Checked | flakeward | Policy |\n|---|---:|---:|---:|---|---|---|\n".to_owned();
    for repository in &fleet.repositories {
        let latest = repository.latest();
        let Totals { errors, warnings, hints } = latest.totals;
        let date = latest.date.map(|date| date.to_string()).unwrap_or_default();
        let stale = if fleet.is_stale(repository) { " :warning:" } else { "" };
        let shown = |text: &str| if text.is_empty() { String::new() } else { code(text) };
        let _ = writeln!(
            out,
            "| {} | {errors} | {warnings} | {hints} | {date}{stale} | {} | {} |",
            code(&repository.name),
            shown(&latest.version),
            shown(&latest.policy),
        );
    }
    let Totals { errors, warnings, hints } = fleet.totals();
    let _ = writeln!(out, "| **all** | {errors} | {warnings} | {hints} | | | |");
    out
}

fn table(fleet: &Fleet) -> io::Result<String> {
    let mut out = Vec::new();
    let rules = fleet.rules();
    let fixed = ["repository", "date", "errors", "warnings", "hints", "accepted", "expired", "flakeward", "policy"];
    csv::row(&mut out, fixed.into_iter().chain(rules.iter().copied()))?;
    for repository in &fleet.repositories {
        let latest = repository.latest();
        let totals = latest.totals;
        let numbers = [totals.errors, totals.warnings, totals.hints, latest.accepted, latest.expired];
        let mut cells = vec![repository.name.clone(), latest.date.map(|date| date.to_string()).unwrap_or_default()];
        cells.extend(numbers.map(|number| number.to_string()));
        cells.extend([latest.version.clone(), latest.policy.clone()]);
        cells.extend(rules.iter().map(|rule| latest.rules.get(*rule).copied().unwrap_or(0).to_string()));
        csv::row(&mut out, cells.iter().map(String::as_str))?;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
