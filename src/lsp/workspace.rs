//! A repository as the editor sees it: the files on disk, the open buffers over them, and what flakeward makes of both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::cli::ScopeArgs;
use crate::command::Failure;
use crate::command::session::Session;
use crate::config::ConfigError;
use crate::facts::Project;
use crate::finding::{Finding, RelPath, Safety};
use crate::repo::Repo;
use crate::report::Report;
use crate::settings::Settings;
use crate::source::Source;
use crate::walk;

/// A repository.
pub struct Workspace {
    /// Its root.
    pub root: PathBuf,
    /// What is wrong with its settings, if anything: nothing is checked until that is corrected.
    pub problem: Option<Problem>,
    analysis: Analysis,
    /// The files that are on disk.
    on_disk: BTreeSet<RelPath>,
    /// What the last look found. `None` if something changed since.
    state: Option<State>,
    /// The report with unsafe fixes as well, which only code actions need.
    actionable: Option<Report>,
}

/// Why the settings cannot be used.
#[derive(Debug)]
pub struct Problem {
    /// The message, with the help below it.
    pub message: String,
    /// The file with the mistake and its position, if there is one.
    pub at: Option<Box<ConfigError>>,
}

/// What is known of the repository.
#[derive(Debug, Default)]
pub struct State {
    /// The facts.
    pub project: Project,
    /// The findings.
    pub report: Report,
}

impl State {
    /// The text of a file, if it is one that anything is known of.
    pub fn source(&self, path: &str) -> Option<&Arc<Source>> {
        let of_facts = || self.project.file(path).map(|file| &file.source);
        self.report.sources.get(path).or_else(of_facts)
    }

    /// The findings in a file.
    pub fn findings(&self, path: &str) -> &[Finding] {
        findings_in(&self.report, path)
    }
}

/// The findings of a report in one file: they are sorted by path.
pub fn findings_in<'r>(report: &'r Report, path: &str) -> &'r [Finding] {
    let all = &report.findings;
    let start = all.partition_point(|finding| *finding.path < *path);
    let count = all[start..].partition_point(|finding| *finding.path == *path);
    &all[start..start + count]
}

impl Workspace {
    /// Opens the repository with this root. The buffers are the texts of open documents.
    pub fn open(root: PathBuf, buffers: &[(RelPath, &str)]) -> Self {
        let nothing = || Analysis::new(Repo::from_texts([]), Settings::default());
        let (analysis, problem) = match load(&root) {
            Ok(analysis) => (analysis, None),
            Err(failure) => (nothing(), Some(of_failure(failure))),
        };
        let on_disk = analysis.repo().paths().cloned().collect();
        let mut workspace = Self { root, problem, analysis, on_disk, state: None, actionable: None };
        for (path, text) in buffers {
            workspace.set_buffer(path, text);
        }
        workspace
    }

    /// The path of a file relative to the root.
    pub fn relative(&self, path: &Path) -> Option<RelPath> {
        walk::relative(&self.root, path)
    }

    /// The path on disk of a file of the repository.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Sets the text of an open buffer.
    pub fn set_buffer(&mut self, path: &RelPath, text: &str) {
        self.analysis.put(path, text.as_bytes().to_vec());
        self.changed();
    }

    /// Takes a buffer away: what is on disk counts again.
    pub fn close_buffer(&mut self, path: &RelPath) {
        match std::fs::read(self.absolute(path)) {
            Ok(bytes) if self.on_disk.contains(path) => self.analysis.put(path, bytes),
            _ => self.analysis.remove(path),
        }
        self.changed();
    }

    fn changed(&mut self) {
        self.state = None;
        self.actionable = None;
    }

    /// What is known of the repository now.
    pub fn state(&mut self) -> &State {
        let Self { analysis, state, problem, .. } = self;
        state.get_or_insert_with(|| match problem {
            Some(_) => State::default(),
            None => State { project: analysis.project(), report: analysis.report() },
        })
    }

    /// What was last found out, without looking again.
    pub fn known(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The report with all fixes, unsafe ones as well.
    pub fn actionable(&mut self) -> &Report {
        let Self { analysis, actionable, problem, .. } = self;
        actionable.get_or_insert_with(|| match problem {
            Some(_) => Report::default(),
            None => analysis.report_with(Safety::Unsafe),
        })
    }

    /// Runs something on the repository, with the open buffers in it, and the settings to report on one file only.
    pub fn for_file<T>(&mut self, path: &RelPath, run: impl FnOnce(&Repo, &Settings) -> T) -> T {
        self.analysis.for_paths(vec![path.clone()], run)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        self.analysis.settings()
    }
}

fn load(root: &Path) -> Result<Analysis, Failure> {
    let scope = ScopeArgs { paths: vec![root.to_owned()], ..ScopeArgs::default() };
    let mut session = Session::open(&scope, None)?;
    session.read_baseline(None, false)?;
    let repo = session.repo();
    Ok(Analysis::new(repo, session.settings))
}

fn of_failure(failure: Failure) -> Problem {
    let with_help = |message: &str, help: &Option<String>| match help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message.to_owned(),
    };
    match failure {
        Failure::Plain { message, help } => Problem { message: with_help(&message, &help), at: None },
        Failure::Settings(error) => Problem { message: with_help(&error.message, &error.help), at: Some(error) },
    }
}
