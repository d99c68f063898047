//! Findings as diagnostics.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use gen_lsp_types::{
    ClientCapabilities, Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DiagnosticTag, Location, Message, Uri,
};

use super::position::{Encoding, Lines};
use super::uri;
use super::workspace::{Problem, State, Workspace};
use crate::finding::{Finding, Label, Level, NoteKind, RelPath, Span};
use crate::output;
use crate::report::Report;

/// The source of all diagnostics.
pub const SOURCE: &str = "flakeward";

/// The capabilities of the client for diagnostics.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiagnosticSupport {
    /// Whether it pulls diagnostics.
    pub pull: bool,
    /// Whether it can refresh pulled diagnostics.
    pub refresh: bool,
    /// Whether it accepts the diagnostics of related documents together with those that it pulls.
    pub related: bool,
    /// Whether it shows the secondary positions of a diagnostic.
    pub related_information: bool,
    /// Whether it shows links to rule pages.
    pub pages: bool,
    /// Whether it keeps data for later requests.
    pub data: bool,
    /// Whether it shows unnecessary code differently from other code.
    pub unnecessary: bool,
}

impl DiagnosticSupport {
    /// Reads the capabilities of a client.
    pub fn of(client: &ClientCapabilities) -> Self {
        let document = client.text_document.as_ref();
        let workspace = client.workspace.as_ref().and_then(|workspace| workspace.diagnostics.as_ref());
        let pull = document.and_then(|document| document.diagnostic.as_ref());
        let push = document.and_then(|document| document.publish_diagnostics.as_ref());
        // Clients that pull diagnostics declare some of their capabilities only under those for pushed diagnostics.
        let of_pull = pull.map(|pull| &pull.diagnostics_capabilities);
        let both: Vec<_> = of_pull.into_iter().chain(push.map(|push| &push.diagnostics_capabilities)).collect();
        let tags = both.iter().filter_map(|support| support.tag_support.as_ref());
        Self {
            related_information: both.iter().any(|support| support.related_information == Some(true)),
            pages: both.iter().any(|support| support.code_description_support == Some(true)),
            data: both.iter().any(|support| support.data_support == Some(true)),
            unnecessary: tags.flat_map(|tags| &tags.value_set).any(|tag| *tag == DiagnosticTag::Unnecessary),
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
    /// The URI of a file in the repository.
    pub uri: &'a dyn Fn(&str) -> Uri,
    /// How columns are counted.
    pub encoding: Encoding,
    /// What the client supports.
    pub support: DiagnosticSupport,
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
            code_description: self.support.pages.then(|| CodeDescription { href: self.page(finding.rule) }),
            source: Some(SOURCE.to_owned()),
            message: Message::String(message(finding)),
            // Editors show unnecessary code faded out.
            tags: (self.support.unnecessary && finding.rule.starts_with("unused-"))
                .then(|| vec![DiagnosticTag::Unnecessary]),
            related_information: self.related(&finding.labels).filter(|_| self.support.related_information),
            data: (self.support.data)
                .then(|| serde_json::json!({ "fingerprint": format!("{:016x}", finding.fingerprint) })),
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

/// The diagnostic for invalid settings, if the error is in this file.
pub fn of_problem(problem: &Problem, file: &Path, encoding: Encoding) -> Option<Diagnostic> {
    let (_, error) = problem.at.as_ref().filter(|(path, _)| path == file)?;
    let span = error.span.clone().unwrap_or_default();
    let range = Lines::new(&error.text, encoding).range(Span::new(span.start, span.end));
    Some(Diagnostic {
        range,
        severity: Some(DiagnosticSeverity::Error),
        source: Some(SOURCE.to_owned()),
        message: Message::String(problem.message.clone()),
        ..Diagnostic::default()
    })
}

/// Digests of the diagnostics of files, without creating the diagnostics.
pub struct Digests<'a> {
    workspace: &'a Workspace,
    state: &'a State,
    encoding: Encoding,
    /// The line starts of the files that contain positions.
    lines: HashMap<RelPath, Lines<'a>>,
}

impl<'a> Digests<'a> {
    /// Prepares the digests for the current state of a repository.
    pub fn new(workspace: &'a Workspace, state: &'a State, encoding: Encoding) -> Self {
        Self { workspace, state, encoding, lines: HashMap::new() }
    }

    /// The digests of all files with diagnostics.
    pub fn all(mut self) -> Vec<(RelPath, u64)> {
        let paths = match &self.workspace.problem {
            Some(problem) => problem.at.iter().filter_map(|(file, _)| self.workspace.relative(file)).collect(),
            None => paths(self.state),
        };
        paths.into_iter().filter_map(|path| Some((path.clone(), self.of(&path)?))).collect()
    }

    /// The digest of one file; `None` if it has no diagnostics.
    pub fn of(&mut self, path: &RelPath) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        if let Some(problem) = &self.workspace.problem {
            let file = self.workspace.absolute(path);
            let (_, error) = problem.at.as_ref().filter(|(known, _)| *known == file)?;
            (&problem.message, &error.text).hash(&mut hasher);
            return Some(hasher.finish());
        }
        let findings = self.state.findings(path);
        for finding in findings {
            let range = self.range(&finding.path, finding.span);
            (finding.rule, finding.level as u8, range).hash(&mut hasher);
            (&finding.message, &finding.label, &finding.help, finding.fingerprint).hash(&mut hasher);
            for label in &finding.labels {
                (&label.path, self.range(&label.path, label.span), &label.message).hash(&mut hasher);
            }
        }
        (!findings.is_empty()).then(|| hasher.finish())
    }

    fn range(&mut self, path: &RelPath, span: Span) -> gen_lsp_types::Range {
        let (state, encoding) = (self.state, self.encoding);
        let lines = self
            .lines
            .entry(path.clone())
            .or_insert_with(|| Lines::new(state.source(path).map_or("", |source| source.text.as_str()), encoding));
        lines.range(span)
    }
}

/// The messages about checks that failed with an internal error, each with the file that was checked.
pub fn internal_errors(report: &Report) -> impl Iterator<Item = String> {
    let notes = report.notes.iter().filter(|note| note.kind == NoteKind::InternalError);
    notes.map(|note| match &note.path {
        Some(path) => format!("{path}: {}", note.message),
        None => note.message.clone(),
    })
}

/// The id of a list of diagnostics. A client sends it to state which list it has.
pub fn result_id(diagnostics: &[Diagnostic]) -> String {
    text_id(&serde_json::to_string(diagnostics).unwrap_or_default())
}

/// The id of a serialized list of diagnostics.
pub fn text_id(diagnostics: &str) -> String {
    let mut hasher = DefaultHasher::new();
    diagnostics.hash(&mut hasher);
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
    fn only_internal_errors_are_shown_as_messages() {
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
