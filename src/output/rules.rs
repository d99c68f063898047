//! The list of rules.

use std::fmt::Write;

use serde::Serialize;

use super::stream::Stream;
use super::style::{BOLD, DIM, of};
use crate::finding::Level;
use crate::rule::page::Fixability;
use crate::rule::{Catalog, Rule};

/// A table for people.
pub fn table(catalog: &Catalog, stream: &Stream) -> String {
    let mut out = String::new();
    let rules: Vec<&Rule> = catalog.iter().collect();
    let widest = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in &rules {
        let fix = match rule.fix {
            Fixability::None => "     ",
            Fixability::Safe | Fixability::Unsafe => "fix  ",
        };
        let id = BOLD.on(format_args!("{:widest$}", rule.id), stream.color);
        let level = of(rule.level).on(format_args!("{:5}", rule.level.name()), stream.color);
        let _ = writeln!(out, "{id}  {level}  {}{}", DIM.on(fix, stream.color), super::text::clean(&rule.summary));
    }
    let _ = writeln!(
        out,
        "\n{}: `flakeward explain RULE` shows the rationale and examples",
        super::text::count(rules.len(), "rule")
    );
    out
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    rules: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    level: Level,
    summary: &'a str,
    languages: &'a [String],
    fix: Fixability,
    since: &'a str,
    url: String,
}

/// A document for programs.
pub fn json(catalog: &Catalog) -> Result<String, serde_json::Error> {
    let rows = catalog.iter().map(|rule| Row {
        id: rule.id,
        level: rule.level,
        summary: &rule.summary,
        languages: &rule.languages,
        fix: rule.fix,
        since: &rule.since,
        url: super::url(rule.id),
    });
    serde_json::to_string_pretty(&Document { version: 1, rules: rows.collect() }).map(|text| text + "\n")
}
