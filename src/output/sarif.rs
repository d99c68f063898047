//! `sarif`: SARIF 2.1.0 for code scanning.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. Paths are relative to the repository's root, not
//! to the working directory, because programs that read the file resolve them against the repository.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Places;
use super::text::clean;
use crate::finding::{Edit, Finding, Fix, Level, NoteKind, RelPath, Safety, Span};
use crate::fingerprint;
use crate::report::Report;
use crate::rule::{Catalog, Rule};
use crate::source::Place;

/// The schema specified by the standard.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The base that paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// Writes the report.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(report))?;
    writeln!(out)
}

fn log(report: &Report) -> Value {
    let mut places = Places::new(report);
    let results: Vec<Value> =
        report.findings.iter().map(|finding| result(finding, &report.catalog, &mut places)).collect();
    let rules: Vec<Value> = report.catalog.iter().map(|rule| descriptor(rule, &report.catalog)).collect();
    let notes: Vec<Value> = report.notes.iter().filter_map(notification).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "flakeward",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "shortDescription": { "text": sentence(env!("CARGO_PKG_DESCRIPTION")) },
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
            "automationDetails": { "id": "flakeward/" },
            "invocations": [{
                "executionSuccessful": !report.internal_error(),
                "toolExecutionNotifications": notes,
            }],
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule, catalog: &Catalog) -> Value {
    let why = rule.body.split("## Bad").next().unwrap_or("").trim().trim_start_matches("## Why").trim();
    let mut descriptor = json!({
        "id": rule.id,
        "shortDescription": { "text": sentence(&rule.summary) },
        "fullDescription": { "text": sentence(&paragraph(why)) },
        "help": { "text": why, "markdown": rule.body.trim() },
        "defaultConfiguration": { "level": level(rule.level), "enabled": rule.level != Level::Off },
        "properties": { "tags": ["nix", "policy"] },
    });
    if let Some(page) = super::web_page(rule.id, catalog) {
        descriptor["helpUri"] = json!(page);
    }
    // `name` is for display. The standard recommends omitting it if it would be the same as the id.
    let name: String = rule.id.split(['-', '/']).map(capital).collect();
    if !name.eq_ignore_ascii_case(rule.id) {
        descriptor["name"] = json!(name);
    }
    descriptor
}

/// The first paragraph, on one line.
fn paragraph(text: &str) -> String {
    text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect::<Vec<_>>().join(" ")
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Returns the text with an initial capital letter and a full stop.
fn sentence(text: &str) -> String {
    let text = capital(clean(text).trim());
    if text.ends_with(['.', '?', '!']) { text } else { format!("{text}.") }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Hint => "note",
        Level::Off => "none",
    }
}

fn result(finding: &Finding, catalog: &Catalog, places: &mut Places<'_>) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.level),
        "message": { "text": message(finding) },
        "locations": [location(&finding.path, finding.span, places)],
        "partialFingerprints": { "flakeward/v1": fingerprint::text(finding.fingerprint) },
    });
    if let Some(index) = catalog.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    if !finding.labels.is_empty() {
        let labels = finding.labels.iter().enumerate().map(|(index, label)| {
            let mut location = location(&label.path, label.span, places);
            location["id"] = json!(index + 1);
            location["message"] = json!({ "text": sentence(&label.message) });
            location
        });
        result["relatedLocations"] = labels.collect();
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([fixes(fix, places)]);
    }
    result
}

fn message(finding: &Finding) -> String {
    let message = sentence(&finding.message);
    match &finding.help {
        Some(help) => format!("{message} {}", sentence(help)),
        None => message,
    }
}

fn location(path: &RelPath, span: Span, places: &mut Places<'_>) -> Value {
    json!({ "physicalLocation": { "artifactLocation": artifact(path), "region": region(path, span, places) } })
}

fn artifact(path: &str) -> Value {
    json!({ "uri": uri(path), "uriBaseId": ROOT })
}

fn region(path: &RelPath, span: Span, places: &mut Places<'_>) -> Value {
    let text = places.source(path).map(|source| source.slice(span).to_owned());
    let (start, end) = places.of(path, span);
    let mut region = place(start, end);
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        region["snippet"] = json!({ "text": text });
    }
    region
}

fn place(start: Place, end: Place) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn fixes(fix: &Fix, places: &mut Places<'_>) -> Value {
    let mut files: BTreeMap<&RelPath, Vec<&Edit>> = BTreeMap::new();
    for edit in fix.all_edits() {
        files.entry(&edit.path).or_default().push(edit);
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(path, edits)| {
            let replacements = edits.into_iter().map(|edit| {
                let (start, end) = places.of(path, edit.span);
                json!({ "deletedRegion": place(start, end), "insertedContent": { "text": edit.text } })
            });
            json!({ "artifactLocation": artifact(path), "replacements": replacements.collect::<Vec<_>>() })
        })
        .collect();
    let title = match fix.safety {
        Safety::Safe => sentence(&fix.title),
        Safety::Unsafe => sentence(&format!("{} (unsafe: check the result)", fix.title)),
    };
    json!({ "description": { "text": title }, "artifactChanges": changes })
}

fn notification(note: &crate::finding::Note) -> Option<Value> {
    let level = match note.kind {
        NoteKind::InternalError => "error",
        NoteKind::Skipped => "warning",
        NoteKind::NotDecidable | NoteKind::NotChecked | NoteKind::Info => return None,
    };
    let mut notification = json!({ "level": level, "message": { "text": sentence(&note.message) } });
    if let Some(path) = &note.path {
        notification["locations"] = json!([{ "physicalLocation": { "artifactLocation": artifact(path) } }]);
    }
    Some(notification)
}

/// A path as a relative reference. Every byte that is not allowed in a path segment is percent-encoded, so that no name
/// is parsed as a scheme, a query or a fragment.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                uri.push(byte as char);
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(uri("modules/web.nix"), "modules/web.nix");
        assert_eq!(uri("c:/ü x?#%.nix"), "c%3A/%C3%BC%20x%3F%23%25.nix");
    }

    #[test]
    fn sentences_and_paragraphs_are_formatted() {
        assert_eq!(capital("port"), "Port");
        assert_eq!(sentence("`x` is y"), "`x` is y.");
        assert_eq!(sentence("why?"), "Why?");
        assert_eq!(paragraph("a\n b\n\nc"), "a b");
    }
}
