//! Reports for humans and programs: one file per format, and the table of formats.

pub mod accepted;
pub mod concise;
pub mod csv;
pub mod draw;
pub mod failure;
pub mod fixes;
pub mod fleet;
pub mod frame;
pub mod github;
pub mod gitlab;
pub mod guard;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
pub mod migrate;
pub mod next_steps;
pub mod notes;
pub mod page;
pub mod patch;
pub mod port_export;
pub mod ports;
pub mod pretty;
pub mod rules;
pub mod sarif;
pub mod settings;
pub mod stream;
pub mod style;
pub mod summary;
pub mod text;
pub mod wrap;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::finding::{Finding, Level, RelPath, Safety, Span};
use crate::report::Report;
use crate::rule::{Catalog, own};
use crate::source::{LineIndex, Place, Source};
use crate::walk;

/// The formats a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Code frames, for humans
    Pretty,
    /// One line per finding
    Concise,
    /// The versioned JSON document
    Json,
    /// The JSON document's findings, one on each line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub Actions annotations and the job summary
    Github,
    /// A GitLab Code Quality report
    Gitlab,
    /// JUnit test results
    Junit,
    /// A table for comments and summaries
    Markdown,
    /// A self-contained HTML page
    Html,
}

/// How to show a report.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The working directory relative to the root, with a trailing `/`; empty if it is not under the root.
    pub below: String,
    /// The path from the working directory to the root, if it is not under the root: `sub/`, `../other/`.
    pub to_root: String,
    /// The capabilities of the output.
    pub stream: stream::Stream,
    /// Whether to omit everything but the findings.
    pub quiet: bool,
    /// Whether to show counts by rule instead of the findings.
    pub statistics: bool,
    /// The level at which the run fails; errors by default.
    pub fail_on: Option<Level>,
}

impl View {
    /// The view of a repository from a folder.
    pub fn between(here: &Path, root: &Path) -> Self {
        let folder = |path: &Path| match path.to_string_lossy() {
            text if text.is_empty() => String::new(),
            text => format!("{text}/"),
        };
        match here.strip_prefix(root) {
            Ok(below) => Self { below: folder(below), ..Self::default() },
            Err(_) => Self { to_root: folder(&walk::between(here, root)), ..Self::default() },
        }
    }

    /// A path as the user would type it: relative to the working directory.
    pub fn path(&self, path: &str) -> String {
        let (mut below, mut rest) = (self.below.as_str(), path);
        while let Some((folder, deeper)) = below.split_once('/') {
            match rest.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
                Some(inner) => (below, rest) = (deeper, inner),
                None => break,
            }
        }
        format!("{}{}{rest}", self.to_root, "../".repeat(below.matches('/').count()))
    }

    /// A path on disk as the user would type it.
    pub fn disk_path(&self, root: &Path, path: &Path) -> PathBuf {
        walk::relative(root, path).map_or_else(|| path.to_owned(), |path| PathBuf::from(self.path(&path)))
    }
}

/// Writes a report in a format.
pub fn write(format: Format, report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    match guard::Syntax::of(format) {
        Some(syntax) => {
            let mut guard = guard::Guard::new(syntax, out);
            // Serializers write a few bytes at a time.
            let mut buffer = io::BufWriter::with_capacity(1 << 14, &mut guard);
            write_as(format, report, view, &mut buffer)?;
            buffer.flush()?;
            drop(buffer);
            guard.finish()
        }
        None => write_as(format, report, view, out),
    }
}

fn write_as(format: Format, report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Pretty => pretty::write(report, view, out),
        Format::Concise => concise::write(report, view, out),
        Format::Json => json::write(report, view, out),
        Format::Jsonl => jsonl::write(report, view, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, view, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, view, out),
        Format::Markdown => markdown::write(report, view, out),
        Format::Html => html::write(report, view, &html::Extras::default(), out),
    }
}

/// The findings sorted by severity, and otherwise in the order of the report.
fn worst_first(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

/// Line indexes of the files in a report, created on demand.
pub struct Places<'a> {
    report: &'a Report,
    indexes: std::collections::HashMap<RelPath, LineIndex>,
}

impl<'a> Places<'a> {
    /// Creates an empty set of line indexes.
    pub fn new(report: &'a Report) -> Self {
        Self { report, indexes: std::collections::HashMap::new() }
    }

    /// The rules of the report.
    pub fn catalog(&self) -> &'a Catalog {
        &self.report.catalog
    }

    /// The kind of fix that a finding in the report has, if it has one.
    pub fn fixability(&self, finding: &Finding) -> Option<Safety> {
        self.report.fixability(finding)
    }

    /// Whether a file prevented some rules from running.
    pub fn blocks(&self, path: &str) -> bool {
        self.report.blocked.contains(path)
    }

    /// A file of the report by its path, if it could be read.
    pub fn source(&self, path: &str) -> Option<&'a Arc<Source>> {
        self.report.sources.get(path)
    }

    /// The source and line index of a file, if it could be read.
    pub fn lines(&mut self, path: &RelPath) -> Option<(&'a Source, &LineIndex)> {
        let source = self.report.sources.get(path)?;
        Some((source, self.indexes.entry(path.clone()).or_insert_with(|| LineIndex::new(&source.text))))
    }

    /// The start and end of a span as lines and columns. For a file that could not be read, the start of the file.
    pub fn of(&mut self, path: &RelPath, span: Span) -> (Place, Place) {
        let Some((source, index)) = self.lines(path) else {
            let first = Place { line: 1, column: 1, offset: 0 };
            return (first, first);
        };
        (index.place(&source.text, span.start), index.place(&source.text, span.end))
    }
}

/// The page of a rule: its address on the web or, for a rule in the repository or its policy, the path of the file
/// relative to the root.
pub fn url(rule: &str, catalog: &Catalog) -> String {
    match catalog.find(rule).and_then(|rule| rule.page.clone()) {
        Some(page) => page,
        None if rule.starts_with(own::PREFIX) => own::path(rule),
        None => format!("{}rules/{rule}.html", env!("CARGO_PKG_HOMEPAGE")),
    }
}

/// The page of a rule on the web, if it has one.
pub fn web_page(rule: &str, catalog: &Catalog) -> Option<String> {
    Some(url(rule, catalog)).filter(|url| url.starts_with("https://"))
}
