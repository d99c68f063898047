//! A repository in the editor: the files on disk, the open buffers, and the results of the checks.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::command::Failure;
use crate::command::session::{LeftOut, Session};
use crate::config::{ConfigError, FILE_NAMES};
use crate::facts::Project;
use crate::finding::{Finding, RelPath, Safety};
use crate::paths;
use crate::repo::{Repo, RepoFile};
use crate::report::Report;
use crate::run::Conclusion;
use crate::settings::Settings;
use crate::source::Source;
use crate::walk::{self, Unsaved};

/// The files that are checked together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// A repository: the files under a folder.
    Folder(PathBuf),
    /// A file outside all repositories and all of the client's folders. The files next to it are not read, because its
    /// folder may be the root of the file system.
    File(PathBuf),
}

impl Root {
    /// The folder to which paths are relative.
    fn folder(&self) -> &Path {
        match self {
            Root::Folder(folder) => folder,
            Root::File(file) => file.parent().unwrap_or(file),
        }
    }
}

/// A repository.
pub struct Workspace {
    /// Its root.
    pub root: PathBuf,
    /// The only file, if the workspace is a [`Root::File`].
    only: Option<RelPath>,
    /// The problem with its settings, if there is one. Nothing is checked until it is fixed.
    pub problem: Option<Problem>,
    analysis: Analysis,
    /// The files that were on disk when it was opened.
    on_disk: BTreeMap<RelPath, RepoFile>,
    /// The time at which it was opened, in seconds since 1970, the unit of file times.
    opened: i64,
    /// The open documents, and whether each of them is checked.
    buffers: BTreeMap<RelPath, bool>,
    /// The results of the last run. `None` if something has changed since then.
    state: Option<State>,
    /// The report with unsafe fixes, which only code actions need.
    actionable: Option<Report>,
}

/// The reason why the settings are invalid.
#[derive(Debug)]
pub struct Problem {
    /// The message, including the help.
    pub message: String,
    /// The file with the error and the position in it, if there is one.
    pub at: Option<(PathBuf, Box<ConfigError>)>,
}

/// The results of a run.
#[derive(Debug, Default)]
pub struct State {
    /// The facts.
    pub project: Project,
    /// The findings.
    pub report: Report,
}

impl State {
    /// The text of a file, if it has facts or findings.
    pub fn source(&self, path: &str) -> Option<&Arc<Source>> {
        let of_facts = || self.project.file(path).map(|file| &file.source);
        self.report.sources.get(path).or_else(of_facts)
    }

    /// The findings in a file.
    pub fn findings(&self, path: &str) -> &[Finding] {
        findings_in(&self.report, path)
    }
}

/// The findings of a report in one file. Reports are sorted by path.
pub fn findings_in<'r>(report: &'r Report, path: &str) -> &'r [Finding] {
    let all = &report.findings;
    let start = all.partition_point(|finding| *finding.path < *path);
    let count = all[start..].partition_point(|finding| *finding.path == *path);
    &all[start..start + count]
}

impl Workspace {
    /// Opens the repository with this root. The buffers are the texts of open documents.
    pub fn open(root: &Root, buffers: &[(RelPath, &str)]) -> Self {
        let only = match root {
            Root::Folder(_) => None,
            Root::File(file) => walk::relative(root.folder(), file),
        };
        let root = root.folder().to_owned();
        let nothing = || Analysis::new(Repo::from_texts([]), Settings::default());
        // The clock of a file system may lag by a few milliseconds.
        let opened = jiff::Timestamp::now().as_second() - 1;
        let settings = buffers.iter().filter(|(path, _)| is_settings(path));
        let unsaved = settings.map(|(path, text)| (root.join(&**path), (*text).to_owned())).collect();
        let (analysis, problem) = match load(&root, only.is_some(), unsaved) {
            Ok(analysis) => (analysis, None),
            Err(failure) => (nothing(), Some(of_failure(failure))),
        };
        let on_disk = analysis.repo().files.iter().map(|file| (file.path().clone(), file.clone())).collect();
        let buffers_of = BTreeMap::new();
        let mut workspace =
            Self { root, only, problem, analysis, on_disk, opened, buffers: buffers_of, state: None, actionable: None };
        for (path, text) in buffers {
            workspace.set_buffer(path, text);
        }
        workspace
    }

    /// The path of a file relative to the root. `None` for files outside it.
    pub fn relative(&self, path: &Path) -> Option<RelPath> {
        walk::relative(&self.root, path)
    }

    /// The path on disk of a file in the repository.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Sets the text of an open buffer. It is used only if the file is checked.
    pub fn set_buffer(&mut self, path: &RelPath, text: &str) {
        let is_checked = match self.buffers.get(path) {
            Some(is_checked) => *is_checked,
            None => self.covers(path),
        };
        self.buffers.insert(path.clone(), is_checked);
        if is_checked {
            self.analysis.put(path, text.as_bytes().to_vec());
            self.changed();
        }
    }

    /// Removes a buffer, so that the file on disk is used again.
    pub fn close_buffer(&mut self, path: &RelPath) {
        self.buffers.remove(path);
        self.restore(path);
    }

    fn restore(&mut self, path: &RelPath) {
        match self.on_disk.get(path) {
            Some(file) if self.absolute(path).is_file() => self.analysis.restore(file),
            _ => self.analysis.remove(path),
        }
        self.changed();
    }

    /// Whether `flakeward check` checks a file, or would do so if the file were saved.
    fn covers(&self, path: &str) -> bool {
        if let Some(only) = &self.only {
            return **only == *path;
        }
        // The walk has left out an existing file that is not in `on_disk`, unless only its first line could show its
        // kind.
        let is_left_out = || walk::by_name(path).is_some() && self.absolute(path).exists();
        self.on_disk.contains_key(path) || (!is_left_out() && !self.leaves_out(path))
    }

    /// The reason why a file that a fix would create would not be part of the repository. `None` if it would be.
    pub fn why_left_out(&self, path: &str) -> Option<String> {
        if self.on_disk.contains_key(path) {
            return None;
        }
        if walk::is_skipped(path) {
            return Some(format!("flakeward never reads {path}, because of the folder that it is in"));
        }
        let left_out = if self.is_excluded(path) {
            LeftOut::Excluded
        } else {
            LeftOut::Ignored(walk::ignored_by(&self.root, path)?)
        };
        Some(format!("{}; {}", left_out.reason(path, &self.root), left_out.remedy()))
    }

    /// Whether a walk leaves out a path because of its name, the settings, or ignore files.
    fn leaves_out(&self, path: &str) -> bool {
        walk::is_skipped(path) || self.is_excluded(path) || walk::is_ignored(&self.root, path)
    }

    fn is_excluded(&self, path: &str) -> bool {
        let exclude = &self.settings().config.exclude;
        Path::new(path).ancestors().any(|folder| exclude.is_match(folder))
    }

    /// Whether a file that may be checked was added after the repository was opened. A file that existed before was
    /// left out.
    pub fn is_new(&self, path: &str) -> bool {
        let has_kind = walk::by_name(path).is_some() || walk::may_be_script(path);
        has_kind
            && self.only.is_none()
            && !self.on_disk.contains_key(path)
            && self.absolute(path).metadata().is_ok_and(|file| file.is_file() && file.ctime() >= self.opened)
    }

    /// Handles a change to a file or folder on disk. Returns false if the change may affect other files, so that the
    /// repository must be read again.
    pub fn refresh(&mut self, path: &RelPath) -> bool {
        if self.only.is_some() {
            return true;
        }
        if self.problem.is_some() || self.decides_more(path) {
            return false;
        }
        if !self.on_disk.contains_key(path) {
            return !self.may_contain(path);
        }
        // The kind of a script without an extension depends on its text.
        if !self.absolute(path).is_file() || walk::by_name(path).is_none() {
            return false;
        }
        // The text of an open document takes precedence over the file.
        if !self.buffers.contains_key(path) {
            self.restore(path);
        }
        true
    }

    /// Whether a walk might find something new at a path. Clients report all files in the folder, so most paths are
    /// irrelevant.
    fn may_contain(&self, path: &RelPath) -> bool {
        let file = self.absolute(path);
        let inside = format!("{path}/");
        let was_folder = || self.on_disk.range(RelPath::from(inside.as_str())..).next();
        let is_candidate = match file.symlink_metadata() {
            Ok(found) if found.is_dir() => true,
            Ok(found) => found.is_file() && walk::classify(path, &file).is_some(),
            Err(_) => was_folder().is_some_and(|(known, _)| known.starts_with(&inside)),
        };
        is_candidate && !self.leaves_out(path)
    }

    /// Whether a file affects how other files are checked: settings, rules, baselines, ignore files, what git tracks or
    /// excludes, and the policy's lock file.
    fn decides_more(&self, path: &str) -> bool {
        let name = file_name(path);
        let names_policy = name == "flake.lock" && self.settings().config.policy.is_some();
        let of_git = [".git", ".git/index", ".git/info/exclude"];
        let decides = [".gitignore", ".ignore"].contains(&name) || of_git.contains(&path) || path.ends_with("/.git");
        decides || names_policy || is_settings(path)
    }

    fn changed(&mut self) {
        let old = (self.state.take(), self.actionable.take());
        // Freeing the results for thousands of files takes milliseconds. The next diagnostics do not wait for it.
        rayon::spawn(move || drop(old));
    }

    /// The current results.
    pub fn state(&mut self) -> &State {
        let Self { analysis, state, problem, .. } = self;
        state.get_or_insert_with(|| match problem {
            Some(_) => State::default(),
            None => {
                let Conclusion { report, project } = analysis.conclude();
                State { project, report }
            }
        })
    }

    /// The last results, without checking again. `None` if something has changed since the last run.
    pub fn known(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The report with all fixes, including unsafe ones.
    pub fn actionable(&mut self) -> &Report {
        let Self { analysis, actionable, problem, .. } = self;
        actionable.get_or_insert_with(|| match problem {
            Some(_) => Report::default(),
            None => analysis.report_with(Safety::Unsafe),
        })
    }

    /// The given finding, with a fix that adds a registry entry only for the port of this finding.
    pub fn with_own_entry(&mut self, finding: &Finding) -> Finding {
        let report = self.analysis.report_with_entry(&finding.path, finding.span.start);
        let is_same =
            |found: &&Finding| (found.rule, &found.path, found.span) == (finding.rule, &finding.path, finding.span);
        report.findings.iter().find(is_same).unwrap_or(finding).clone()
    }

    /// Calls a function with the repository, including open buffers, and settings that report on one file only.
    pub fn for_file<T>(&mut self, path: &RelPath, run: impl FnOnce(&Repo, &Settings) -> T) -> T {
        self.analysis.for_paths(vec![path.clone()], run)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        self.analysis.settings()
    }
}

/// Whether a file contains flakeward settings: the configuration, rules, or a baseline.
pub fn is_settings(path: &str) -> bool {
    FILE_NAMES.contains(&file_name(path)) || path.split('/').any(|part| part == ".flakeward")
}

fn file_name(path: &str) -> &str {
    paths::name(path)
}

fn load(root: &Path, is_file: bool, unsaved: Unsaved) -> Result<Analysis, Failure> {
    let mut session = Session::at_root(root, unsaved)?;
    session.read_baseline(None, false)?;
    let repo = if is_file { Repo::from_texts([]) } else { session.repo() };
    Ok(Analysis::new(repo, session.settings))
}

fn of_failure(failure: Failure) -> Problem {
    let with_help = |message: &str, help: &Option<String>| match help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message.to_owned(),
    };
    match failure {
        Failure::Plain { message, help } => Problem { message: with_help(&message, &help), at: None },
        Failure::Settings(error) => Problem {
            message: with_help(&error.message, &error.help),
            // Messages name files relative to the working directory.
            at: std::path::absolute(&error.path).ok().map(|path| (walk::resolve_new(&path), error)),
        },
    }
}
