//! Findings, fixes and notes. Spans are byte offsets everywhere; only `output/` converts them to lines and columns.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wording::head;

/// The rule for files that could not be checked. It is always an error and cannot be suppressed, because a run that
/// could not check everything must not pass.
pub const UNCHECKED: RuleId = "unreadable-file";

/// A rule's public id, such as `hardcoded-port`. Ids live as long as the process: those of local rules are interned
/// once.
pub type RuleId = &'static str;

/// A path relative to the repository's root, with `/` between its parts.
pub type RelPath = Arc<str>;

/// A byte range in one file. Files over 4 GiB are never read, so `u32` is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from two `usize` offsets.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The span as a range for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether this span contains `other`.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// How serious a rule's findings are. Ordered: `Off < Hint < Warn < Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(title = "level")]
pub enum Level {
    /// The rule does not run.
    Off,
    /// Informational.
    Hint,
    /// Should be changed.
    #[serde(alias = "warning")]
    Warn,
    /// Breaks the policy.
    Error,
}

impl Level {
    /// The name in configuration files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Hint => "hint",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Level::Off),
            "hint" => Ok(Level::Hint),
            "warn" | "warning" => Ok(Level::Warn),
            "error" => Ok(Level::Error),
            _ => Err(format!("`{text}` is not a valid level: use off, hint, warn or error")),
        }
    }
}

/// A violation of a rule at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// Its level, after configuration.
    pub level: Level,
    /// The file.
    pub path: RelPath,
    /// The position in the file.
    pub span: Span,
    /// The message, on one line, with names from this repository.
    pub message: String,
    /// The label under the position in a code frame: usually the replacement.
    pub label: String,
    /// The way to fix it.
    pub help: Option<String>,
    /// Additional positions, in this file or others.
    pub labels: Vec<Label>,
    /// The automatic fix.
    pub fix: Option<Fix>,
    /// The safety of a fix that exists but was not created, because it was not requested.
    pub planned: Option<Safety>,
    /// The name of an additional cause, such as the other entry of a conflict. It is part of the finding's identity: if
    /// only the cause is new, so is the finding. `None` if the marked text is the only cause.
    pub cause: Option<String>,
    /// Its identity, which does not change when lines move. Set by the run (see [`crate::fingerprint`]).
    pub fingerprint: u64,
}

impl Finding {
    /// Creates a finding with a message and a position. The run sets its level from the rule's page and the
    /// configuration.
    pub fn new(rule: RuleId, path: &RelPath, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            level: Level::Error,
            path: path.clone(),
            span,
            message: short(message),
            label: String::new(),
            help: None,
            labels: Vec::new(),
            fix: None,
            planned: None,
            cause: None,
            fingerprint: 0,
        }
    }

    /// Adds the label under the position.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = short(label);
        self
    }

    /// Adds the way to fix it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(short(help));
        self
    }

    /// Adds another position.
    pub fn also(mut self, path: &RelPath, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { path: path.clone(), span, message: short(message) });
        self
    }

    /// Sets the additional cause.
    pub fn cause(mut self, name: impl Into<String>) -> Self {
        self.cause = Some(short(name));
        self
    }

    /// Adds an automatic fix.
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(Fix { title: short(fix.title), ..fix });
        self
    }

    /// Records that `flakeward fix` can fix it, without creating the edits.
    pub fn planned(mut self, safety: Option<Safety>) -> Self {
        self.planned = safety;
        self
    }

    /// The safety of its fix, if it has one.
    pub fn fixability(&self) -> Option<Safety> {
        self.fix.as_ref().map(|fix| fix.safety).or(self.planned)
    }

    /// The order of findings in all reports: path, position, rule, then message.
    pub fn sort_key(&self) -> (&str, Span, RuleId, &str) {
        (&self.path, self.span, self.rule, &self.message)
    }
}

/// Shortens a string that contains names from the repository. Many findings may contain the same name, which may be a
/// megabyte long.
fn short(text: impl Into<String>) -> String {
    const LONGEST: usize = 2_000;
    let text = text.into();
    if text.len() > LONGEST { format!("{}...", head(&text, LONGEST)) } else { text }
}

/// Another position that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub path: RelPath,
    /// The position in the file.
    pub span: Span,
    /// The explanation.
    pub message: String,
}

/// Whether a fix preserves the result of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// The evaluated configuration does not change, only text.
    Safe,
    /// It may change the result of evaluation or what is locked, or create or remove files.
    Unsafe,
}

/// An automatic fix: either all of its edits are applied, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative.
    pub title: String,
    /// Whether the fix preserves the evaluated value.
    pub safety: Safety,
    /// The edits of this fix, possibly in several files.
    pub edits: Vec<Edit>,
    /// The edits that it has in common with other fixes, all in one file. They are stored once: if thousands of fixes
    /// each had a copy of the same thousands of edits, memory would be quadratic.
    pub shared: Arc<[Edit]>,
}

impl Fix {
    /// A fix that has no edits in common with other fixes.
    pub fn new(title: impl Into<String>, safety: Safety, edits: Vec<Edit>) -> Self {
        Self { title: title.into(), safety, edits, shared: Arc::default() }
    }

    /// All edits.
    pub fn all_edits(&self) -> impl Iterator<Item = &Edit> {
        self.shared.iter().chain(&self.edits)
    }

    /// The files of the edits. The file of the shared edits occurs once, however many there are.
    pub fn files(&self) -> impl Iterator<Item = &RelPath> {
        self.shared.iter().take(1).chain(&self.edits).map(|edit| &edit.path)
    }
}

/// Replaces a byte range of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// The file.
    pub path: RelPath,
    /// The range to replace; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub text: String,
}

/// Returns the text with spans replaced. The spans are sorted and do not overlap. The text is copied once, however many
/// spans there are.
pub fn replaced<'e>(text: &str, edits: impl IntoIterator<Item = (Span, &'e str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, new) in edits {
        out.push_str(text.get(at..span.start as usize).unwrap_or_default());
        out.push_str(new);
        at = span.end as usize;
    }
    out + text.get(at..).unwrap_or_default()
}

/// A message about the run that is not a finding, for example about a file that was left out, or a value that cannot be
/// determined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The kind of note.
    pub kind: NoteKind,
    /// The file that it is about.
    pub path: Option<RelPath>,
    /// The note.
    pub message: String,
}

/// The kinds of [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A check failed with an internal error. The exit code is 2.
    InternalError,
    /// A file was left out, for the reason in the message.
    Skipped,
    /// A value is computed, so it cannot be determined from the text. Shown with `-v`.
    NotDecidable,
    /// A file is not checked because of its origin, or only in part because it is a template. Shown with `-v`, and
    /// counted in the summary.
    NotChecked,
    /// Any other message.
    Info,
}

/// The results of a check: findings and notes.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Notes about values that could not be determined, and about what was left out.
    pub notes: Vec<Note>,
}

impl Verdict {
    /// Adds a finding.
    pub fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds the findings and notes of another verdict.
    pub fn append(&mut self, mut other: Self) {
        self.findings.append(&mut other.findings);
        self.notes.append(&mut other.notes);
    }

    /// Adds a note that a value in a file cannot be determined from the text.
    pub fn not_decidable(&mut self, path: &RelPath, message: impl Into<String>) {
        self.notes.push(Note { kind: NoteKind::NotDecidable, path: Some(path.clone()), message: message.into() });
    }

    /// Adds a note that a file is a template, of which only a part can be checked.
    pub fn template(&mut self, path: &RelPath, message: impl Into<String>) {
        self.notes.push(Note { kind: NoteKind::NotChecked, path: Some(path.clone()), message: message.into() });
    }
}

impl FromIterator<Finding> for Verdict {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Self { findings: findings.into_iter().collect(), notes: Vec::new() }
    }
}

impl Extend<Finding> for Verdict {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        self.findings.extend(findings);
    }
}
