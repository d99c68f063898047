//! The list of rules.

use std::fmt::Write;

use serde::Serialize;

use super::stream::Stream;
use super::style::{BOLD, DIM, of};
use super::text::clean;
use super::wrap::hanging;
use crate::finding::Level;
use crate::rule::page::Fixability;
use crate::rule::{Catalog, Rule, groups};

/// The list as a human-readable table.
pub fn table(catalog: &Catalog, stream: &Stream) -> String {
    let rules: Vec<&Rule> = catalog.iter().collect();
    let mut out = rows(&rules, stream);
    out.push_str(&number(rules.len()));
    out.push_str("groups, which can be used in place of a rule:\n");
    for (name, about) in groups::GROUPS {
        let _ = writeln!(out, "  {}  {about}", BOLD.on(format_args!("{name:10}"), stream.color));
    }
    out
}

/// The rules of a group as a human-readable table.
pub fn group(catalog: &Catalog, name: &str, stream: &Stream) -> String {
    let about = groups::GROUPS.iter().find(|(group, _)| *group == name).map_or("", |(_, about)| about);
    let rules = catalog.named(name);
    let heading = BOLD.on(name, stream.color);
    format!("{heading}, a group of rules: {about}\n\n{}{}", rows(&rules, stream), number(rules.len()))
}

fn number(rules: usize) -> String {
    format!("\n{}: `flakeward explain RULE` shows the rationale and examples\n", super::text::count(rules, "rule"))
}

fn rows(rules: &[&Rule], stream: &Stream) -> String {
    let mut out = String::new();
    let widest = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules {
        let fix = match rule.fix {
            Fixability::None => "     ",
            Fixability::Safe | Fixability::Unsafe => "fix  ",
        };
        let id = BOLD.on(format_args!("{:widest$}", rule.id), stream.color);
        let level = of(rule.level).on(format_args!("{:5}", rule.level.name()), stream.color);
        let head = format!("{id}  {level}  {}", DIM.on(fix, stream.color));
        let summary = clean(&rule.summary);
        let _ = match stream.wrap {
            true => writeln!(out, "{}", hanging(&head, &summary, stream.columns)),
            false => writeln!(out, "{head}{summary}"),
        };
    }
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
    groups: &'a [String],
    languages: &'a [String],
    fix: Fixability,
    since: &'a str,
    url: String,
}

/// The list as JSON for programs.
pub fn json(catalog: &Catalog) -> Result<String, serde_json::Error> {
    let rows = catalog.iter().map(|rule| Row {
        id: rule.id,
        level: rule.level,
        summary: &rule.summary,
        groups: &rule.groups,
        languages: &rule.languages,
        fix: rule.fix,
        since: &rule.since,
        url: super::url(rule.id, catalog),
    });
    serde_json::to_string_pretty(&Document { version: 1, rules: rows.collect() }).map(|text| text + "\n")
}
