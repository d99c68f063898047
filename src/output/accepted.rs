//! The list of acceptances, as text, JSON and CSV.

use std::io::{self, Write};

use clap::ValueEnum;
use jiff::civil::Date;
use serde::Serialize;

use super::text::{clean, count};
use super::wrap::fitted;
use super::{View, csv, guard};
use crate::suppress::accepted::{Accepted, Means, State};

/// The formats of `accepted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AcceptedFormat {
    /// Human-readable text.
    Pretty,
    /// A JSON document.
    Json,
    /// A table for spreadsheets.
    Csv,
}

/// An acceptance, with information from the git history.
#[derive(Debug)]
pub struct Entry {
    /// The acceptance.
    pub accepted: Accepted,
    /// The line of the acceptance.
    pub line: usize,
    /// The owner.
    pub owner: Owner,
    /// The day on which the line was last changed; `None` if it is not committed.
    pub since: Option<Date>,
    /// The number of days since then.
    pub age: Option<i32>,
    /// The number of days until it expires, negative if it has expired; `None` if it does not expire.
    pub days_left: Option<i32>,
}

/// The owner of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The owners of the path according to CODEOWNERS.
    Codeowners(Vec<String>),
    /// The author of the line.
    Author(String),
    /// Unknown.
    Unknown,
}

impl Owner {
    /// The names of the owners.
    pub fn names(&self) -> &[String] {
        match self {
            Owner::Codeowners(names) => names,
            Owner::Author(name) => std::slice::from_ref(name),
            Owner::Unknown => &[],
        }
    }

    fn source(&self) -> Option<&'static str> {
        match self {
            Owner::Codeowners(_) => Some("codeowners"),
            Owner::Author(_) => Some("blame"),
            Owner::Unknown => None,
        }
    }
}

/// The list.
pub struct List<'a> {
    /// The entries, sorted by kind and then by subject.
    pub entries: Vec<Entry>,
    /// The date of the run.
    pub now: Date,
    /// How to show paths.
    pub view: &'a View,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    date: String,
    accepted: Vec<Row<'a>>,
}

/// An entry in the JSON list.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    means: Means,
    state: State,
    rule: Option<&'a str>,
    subject: &'a str,
    path: String,
    line: usize,
    reason: &'a str,
    owners: &'a [String],
    owner_source: Option<&'static str>,
    since: Option<String>,
    age_days: Option<i32>,
    until: Option<String>,
    days_left: Option<i32>,
}

/// Converts an entry for the JSON list.
pub(super) fn row<'a>(entry: &'a Entry, view: &View) -> Row<'a> {
    let accepted = &entry.accepted;
    Row {
        means: accepted.means,
        state: accepted.state,
        rule: accepted.rule.as_deref(),
        subject: &accepted.subject,
        path: view.path(&accepted.path),
        line: entry.line,
        reason: &accepted.reason,
        owners: entry.owner.names(),
        owner_source: entry.owner.source(),
        since: entry.since.map(|since| since.to_string()),
        age_days: entry.age,
        until: accepted.until.map(|until| until.to_string()),
        days_left: entry.days_left,
    }
}

impl List<'_> {
    /// Writes the list in a format.
    pub fn write(&self, format: AcceptedFormat, out: &mut dyn Write) -> io::Result<()> {
        match format {
            AcceptedFormat::Pretty => {
                let mut out = guard::Guard::new(guard::Syntax::Prose, out);
                self.text(&mut out)?;
                out.finish()
            }
            AcceptedFormat::Json => {
                let mut out = guard::Guard::new(guard::Syntax::Json, out);
                let accepted = self.entries.iter().map(|entry| row(entry, self.view)).collect();
                let document = Document { version: 1, date: self.now.to_string(), accepted };
                serde_json::to_writer(&mut out, &document)?;
                writeln!(out)?;
                out.finish()
            }
            AcceptedFormat::Csv => {
                let mut out = guard::Guard::new(guard::Syntax::Prose, out);
                self.csv(&mut out)?;
                out.finish()
            }
        }
    }

    fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let head =
            ["means", "state", "rule", "subject", "path", "line", "owners", "since", "age_days", "until", "reason"];
        csv::row(out, head)?;
        for entry in &self.entries {
            let accepted = &entry.accepted;
            let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
            csv::row(
                out,
                [
                    accepted.means.name(),
                    accepted.state.name(),
                    accepted.rule.as_deref().unwrap_or_default(),
                    &accepted.subject,
                    &self.view.path(&accepted.path),
                    &entry.line.to_string(),
                    &entry.owner.names().join(" "),
                    &text(entry.since),
                    &entry.age.map(|age| age.to_string()).unwrap_or_default(),
                    &text(accepted.until),
                    &accepted.reason,
                ],
            )?;
        }
        Ok(())
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for entry in &self.entries {
            let accepted = &entry.accepted;
            let rule = accepted.rule.as_deref().unwrap_or("all rules");
            let place = format!("{}:{}", self.view.path(&accepted.path), entry.line);
            let subject = match accepted.subject == accepted.path || accepted.subject.is_empty() {
                true => String::new(),
                false => format!(" for {}", clean(&accepted.subject)),
            };
            let (means, state) = (accepted.means.name(), state(accepted.state));
            let line = format!("{}: {means}[{}]{subject}{state}", clean(&place), clean(rule));
            writeln!(out, "{}", fitted(&line, 2, &self.view.stream))?;
            if !accepted.reason.is_empty() {
                let reason = format!("  reason: {}", clean(&accepted.reason));
                writeln!(out, "{}", fitted(&reason, 4, &self.view.stream))?;
            }
            writeln!(out, "  {}", clean(&history(entry)))?;
        }
        writeln!(out, "{}", self.summary())
    }

    fn summary(&self) -> String {
        let of = |means: Means| self.entries.iter().filter(|entry| entry.accepted.means == means).count();
        let counts = Means::ALL.map(|means| (means, of(means)));
        let counts: Vec<String> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(means, count)| format!("{} {count}", means.name()))
            .collect();
        let number = |is: fn(&Accepted) -> bool| self.entries.iter().filter(|entry| is(&entry.accepted)).count();
        let notable = [
            (number(|accepted| accepted.state == State::Expired), "expired"),
            (number(|accepted| accepted.state == State::Unused), "unused"),
            (number(|accepted| accepted.reason.is_empty()), "without a reason"),
        ];
        let notable = notable.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
        let notable = notable.collect::<Vec<_>>().join(", ");
        let notable = if notable.is_empty() { notable } else { format!("; {notable}") };
        match counts.is_empty() {
            true => "no acceptances".to_owned(),
            false => format!("{} ({}){notable}", count(self.entries.len(), "acceptance"), counts.join(", ")),
        }
    }
}

fn state(state: State) -> String {
    if state == State::InForce { String::new() } else { format!(" ({})", state.name()) }
}

/// The owner, age and expiry on one line.
fn history(entry: &Entry) -> String {
    let owner = match &entry.owner {
        Owner::Unknown => "owner unknown".to_owned(),
        Owner::Codeowners(names) => format!("owner {}", names.join(" ")),
        Owner::Author(name) => format!("author {name}"),
    };
    let since = match (entry.since, entry.age) {
        (Some(since), Some(age)) if age >= 0 => format!(", since {since} ({})", count(age as usize, "day")),
        (Some(since), _) => format!(", since {since}"),
        (None, _) => ", not committed".to_owned(),
    };
    let until = match (entry.accepted.until, entry.days_left) {
        (Some(until), Some(left)) if left >= 0 => format!(", until {until} ({} left)", count(left as usize, "day")),
        (Some(until), _) => format!(", until {until}"),
        (None, _) => String::new(),
    };
    owner + &since + &until
}
