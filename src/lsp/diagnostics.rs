//! Findings as diagnostics.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use gen_lsp_types::{
    ClientCapabilities, Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DiagnosticTag, Location, Message, Uri,
};

use super::position::{Encoding, Lines};
use super::uri;
use super::workspace::{Problem, State, Workspace};
use crate::finding::{Finding, Label, Level, NoteKind, RelPath};
use crate::output;
use crate::report::Report;

/// The source of all diagnostics.
pub const SOURCE: &str = "flakeward";

/// The capabilities of the client for diagnostics.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiagnosticSupport {
    /// It pulls diagnostics.
    pub pull: bool,
    /// It can refresh pulled diagnostics.
    pub refresh: bool,
    /// It accepts the diagnostics of related documents together with those that it pulls.
    pub related: bool,
}

impl DiagnosticSupport {
    /// Reads the capabilities of a client.
    pub fn of(client: &ClientCapabilities) -> Self {
        let document = client.text_document.as_ref();
        let workspace = client.workspace.as_ref().and_then(|workspace| workspace.diagnostics.as_ref());
        let pull = document.and_then(|document| document.diagnostic.as_ref());
        Self {
            pull: pull.is_some(),
            related: pull.and_then(|pull| pull.related_document_support).unwrap_or(false),
            refresh: workspace.and_then(|workspace| workspace.refresh_support).unwrap_or(false),
        }
    }
}

/// Converts findings to diagnostics.
pub struct Diagnostics<'a> {
    /// The repository, for paths.
    pub workspace: &'a Workspace,
    /// Its state, for the texts of other files.
    pub state: &'a State,
    /// The URI of a file of the repository.
    pub uri: &'a dyn Fn(&str) -> Uri,
    /// How columns are counted.
    pub encoding: Encoding,
}

impl Diagnostics<'_> {
    /// The diagnostics of a file, in the order of the report.
    pub fn of(&self, path: &str) -> Vec<Diagnostic> {
        let findings = self.state.findings(path);
        if findings.is_empty() {
            return Vec::new();
        }
        let text = self.state.source(path).map_or("", |source| source.text.as_str());
        let lines = Lines::new(text, self.encoding);
        findings.iter().map(|finding| self.diagnostic(finding, &lines)).collect()
    }

    fn diagnostic(&self, finding: &Finding, lines: &Lines<'_>) -> Diagnostic {
        Diagnostic {
            range: lines.range(finding.span),
            severity: Some(severity(finding.level)),
            code: Some(Code::String(finding.rule.to_owned())),
            code_description: Some(CodeDescription { href: self.page(finding.rule) }),
            source: Some(SOURCE.to_owned()),
            message: Message::String(message(finding)),
            // Unnecessary code is shown faded.
            tags: finding.rule.starts_with("unused-").then(|| vec![DiagnosticTag::Unnecessary]),
            related_information: self.related(&finding.labels),
            data: Some(serde_json::json!({ "fingerprint": format!("{:016x}", finding.fingerprint) })),
        }
    }

    fn page(&self, rule: &str) -> Uri {
        let catalog = &self.state.report.catalog;
        let own = || uri::from_path(&self.workspace.absolute(&output::url(rule, catalog)));
        output::web_page(rule, catalog).map_or_else(own, Uri)
    }

    fn related(&self, labels: &[Label]) -> Option<Vec<DiagnosticRelatedInformation>> {
        let related = labels.iter().map(|label| {
            let text = self.state.source(&label.path).map_or("", |source| source.text.as_str());
            let range = Lines::new(text, self.encoding).range(label.span);
            let location = Location { uri: (self.uri)(&label.path), range };
            DiagnosticRelatedInformation { location, message: label.message.clone() }
        });
        (!labels.is_empty()).then(|| related.collect())
    }
}

fn severity(level: Level) -> DiagnosticSeverity {
    match level {
        Level::Error => DiagnosticSeverity::Error,
        Level::Warn => DiagnosticSeverity::Warning,
        Level::Hint | Level::Off => DiagnosticSeverity::Information,
    }
}

/// The message, with the label and the help of the finding.
fn message(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    if !finding.label.is_empty() {
        text.push_str(": ");
        text.push_str(&finding.label);
    }
    if let Some(help) = &finding.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    text
}

/// The diagnostic of invalid settings, if they are in this file.
pub fn of_problem(problem: &Problem, file: &Path, encoding: Encoding) -> Option<Diagnostic> {
    let (_, error) = problem.at.as_ref().filter(|(path, _)| path == file)?;
    let span = error.span.clone().unwrap_or_default();
    let range = Lines::new(&error.text, encoding).range(crate::finding::Span::new(span.start, span.end));
    Some(Diagnostic {
        range,
        severity: Some(DiagnosticSeverity::Error),
        source: Some(SOURCE.to_owned()),
        message: Message::String(problem.message.clone()),
        ..Diagnostic::default()
    })
}

/// The messages about checks that failed with an internal error, each with the file that it is about.
pub fn internal_errors(report: &Report) -> impl Iterator<Item = String> {
    let notes = report.notes.iter().filter(|note| note.kind == NoteKind::InternalError);
    notes.map(|note| match &note.path {
        Some(path) => format!("{path}: {}", note.message),
        None => note.message.clone(),
    })
}

/// An id for a list of diagnostics, by which a client refers to the one that it has.
pub fn result_id(diagnostics: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(diagnostics).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The paths that have diagnostics, sorted.
pub fn paths(state: &State) -> Vec<RelPath> {
    let mut paths: Vec<RelPath> = state.report.findings.iter().map(|finding| finding.path.clone()).collect();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Note;

    #[test]
    fn only_internal_errors_are_for_the_window() {
        let note = |kind, path: Option<&str>| Note { kind, path: path.map(RelPath::from), message: "text".to_owned() };
        let notes = vec![
            note(NoteKind::InternalError, Some("a.nix")),
            note(NoteKind::Info, Some("b.nix")),
            note(NoteKind::InternalError, None),
        ];
        let report = Report { notes, ..Report::default() };
        assert!(internal_errors(&report).eq(["a.nix: text", "text"]));
    }
}
