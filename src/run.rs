//! The whole pipeline: from a repository and settings to a report.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::{self, Check, FileContext, Glance, ProjectContext};
use crate::config::Config;
use crate::facts::needles::Found;
use crate::facts::port_registry::Mentions;
use crate::facts::{Facts, Project, ProjectFile};
use crate::finding::{Finding, Level, Note, NoteKind, RelPath, RuleId, Safety, Span};
use crate::fingerprint;
use crate::lang::limits::OutOfSteps;
use crate::lang::{Language, Refusal, Tree};
use crate::rule::engine::Engine;
use crate::rule::{Catalog, Matcher, RuleSet};
use crate::source::{Kind, Source};
use crate::suppress::baseline::Baseline;
use crate::suppress::{self, Suppression, entries};
use crate::walk::{self, Entry, Unreadable, Walk};

/// Everything that decides what a run reports, apart from the repository itself.
#[derive(Debug)]
pub struct Settings {
    /// The configuration file, checked.
    pub config: Config,
    /// The rules and their levels.
    pub rules: RuleSet,
    /// The date of the run, for rules about ages.
    pub now: jiff::civil::Date,
    /// The findings that are accepted for now.
    pub baseline: Option<Baseline>,
    /// Only findings below these paths (relative to the root) are reported; empty means all.
    pub paths: Vec<RelPath>,
    /// The widest kind of fix that is wanted: planning the registry entries of every unregistered port is left out
    /// where nobody would apply it.
    pub fixes: Safety,
    /// Rule out files before parsing. Off only in tests that prove it changes nothing.
    pub prefilter: bool,
}

impl Settings {
    /// The settings that a configuration makes of the defaults.
    pub fn new(config: Config) -> Self {
        let mut rules = RuleSet::new(config.catalog.clone());
        for (&id, &level) in &config.levels {
            rules.set(id, level);
        }
        for (&id, &level) in config.overrides.iter().flat_map(|entry| &entry.levels) {
            if level != Level::Off {
                rules.set_somewhere(id);
            }
        }
        Self {
            config,
            rules,
            now: jiff::civil::date(2026, 1, 1),
            baseline: None,
            paths: Vec::new(),
            fixes: Safety::Safe,
            prefilter: true,
        }
    }
}

impl Settings {
    /// Sets a rule's level everywhere, overrides by path included: the command line has the last word.
    pub fn decide(&mut self, rule: RuleId, level: Level) {
        self.rules.set(rule, level);
        self.rules.unset_somewhere(rule);
        for entry in &mut self.config.overrides {
            entry.levels.remove(rule);
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Config::none())
    }
}

/// A repository: on disk, or in memory for tests and examples.
#[derive(Debug, Clone)]
pub struct Repo {
    /// Its root.
    pub root: PathBuf,
    files: Vec<RepoFile>,
    unreadable: Vec<Unreadable>,
    /// What `exclude` left out.
    excluded: Vec<RelPath>,
}

#[derive(Debug, Clone)]
enum RepoFile {
    Disk(Entry),
    Memory(Arc<Source>),
}

impl RepoFile {
    fn path(&self) -> &RelPath {
        match self {
            RepoFile::Disk(entry) => &entry.path,
            RepoFile::Memory(source) => &source.path,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            RepoFile::Disk(entry) => entry.kind,
            RepoFile::Memory(source) => source.kind,
        }
    }
}

impl Repo {
    /// A repository on disk.
    pub fn from_walk(root: &Path, walk: Walk) -> Self {
        Self {
            root: root.to_owned(),
            files: walk.entries.into_iter().map(RepoFile::Disk).collect(),
            unreadable: walk.unreadable,
            excluded: walk.excluded,
        }
    }

    /// A repository of texts: paths and contents. Files without a kind are left out.
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_bytes(files.into_iter().map(|(path, text)| (path, text.as_bytes().to_vec())))
    }

    /// A repository in memory: paths and contents. Files without a kind are left out.
    pub fn from_bytes<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let mut repo = Self { root: PathBuf::new(), files: Vec::new(), unreadable: Vec::new(), excluded: Vec::new() };
        for (path, bytes) in files {
            repo.put(path, bytes);
        }
        repo
    }

    /// Whether there is a file of a kind at a path.
    pub fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| (**file.path()).cmp(path)).is_ok()
    }

    /// Replaces or adds a file, as an editor's unsaved buffer or standard input does. Nothing where it has no kind.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        let Some(kind) = walk::by_name(path) else { return };
        match walk::decode(bytes) {
            Ok(text) => self.overlay(Source::new(path, kind, text)),
            Err(reason) => {
                self.files.retain(|file| &**file.path() != path);
                self.unreadable.push(Unreadable { path: path.into(), reason });
            }
        }
    }

    /// Replaces or adds a text.
    pub fn overlay(&mut self, source: Source) {
        let source = Arc::new(source);
        match self.files.binary_search_by(|file| file.path().cmp(&source.path)) {
            Ok(index) => self.files[index] = RepoFile::Memory(source),
            Err(index) => self.files.insert(index, RepoFile::Memory(source)),
        }
    }

    fn without_facts(&self) -> Project {
        let paths = self.files.iter().map(|file| (file.path().clone(), file.kind())).collect();
        Project { files: Vec::new(), paths }
    }

    /// Leaves paths out that a walk did not already leave out.
    pub fn exclude(&mut self, globs: &globset::GlobSet) {
        let excluded = |path: &str| Path::new(path).ancestors().any(|folder| globs.is_match(folder));
        let out = self.files.iter().map(RepoFile::path).filter(|path| excluded(path)).cloned();
        self.excluded.extend(out);
        self.files.retain(|file| !excluded(file.path()));
        self.unreadable.retain(|file| !excluded(&file.path));
    }
}

/// What a run has to say.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, sorted by path, place, rule.
    pub findings: Vec<Finding>,
    /// Notes about the run, sorted.
    pub notes: Vec<Note>,
    /// How many files were looked at (of those asked for).
    pub files: usize,
    /// The rules that were on.
    pub rules: Vec<RuleId>,
    /// How many findings were silenced by a suppression.
    pub suppressed: usize,
    /// The files that findings and labels point into.
    pub sources: BTreeMap<RelPath, Arc<Source>>,
    /// The root that paths are relative to.
    pub root: PathBuf,
    /// The rules that there are, on or off.
    pub catalog: Catalog,
}

impl Report {
    /// How many findings have a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether any finding is at or above a level.
    pub fn reaches(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.level >= level)
    }

    /// Whether a check failed inside.
    pub fn internal_error(&self) -> bool {
        self.notes.iter().any(|note| note.kind == NoteKind::InternalError)
    }
}

/// What came of one file.
#[derive(Default)]
struct Outcome {
    source: Option<Arc<Source>>,
    findings: Vec<Finding>,
    notes: Vec<Note>,
    suppressions: Vec<Suppression>,
    facts: Facts,
}

/// Checks a repository.
pub fn check(repo: &Repo, settings: &Settings) -> Report {
    let pass = FilePass::new(repo, active_checks(&settings.rules), settings);
    let mut outcomes: Vec<Outcome> = repo.files.par_iter().map(|file| pass.check(file)).collect();

    let mut findings: Vec<Finding> = repo.unreadable.iter().map(unreadable).collect();
    let mut notes = Vec::new();
    let mut suppressions = Vec::new();
    let mut project = repo.without_facts();
    let mut sources = BTreeMap::new();
    for outcome in &mut outcomes {
        findings.append(&mut outcome.findings);
        notes.append(&mut outcome.notes);
        suppressions.append(&mut outcome.suppressions);
        if let Some(source) = outcome.source.take() {
            sources.insert(source.path.clone(), source.clone());
            let facts = std::mem::take(&mut outcome.facts);
            if !facts.is_empty() {
                project.files.push(ProjectFile { source, facts });
            }
        }
    }
    let mut used_hosts = None;
    for check in &pass.checks {
        let mut context = ProjectContext {
            project: &project,
            ports: &settings.config.ports,
            params: &settings.config.params,
            rules: &settings.rules,
            now: settings.now,
            fixes: settings.fixes,
            used_hosts: &mut used_hosts,
            findings: &mut findings,
            notes: &mut notes,
        };
        if catch_unwind(AssertUnwindSafe(|| (check.project)(&mut context))).is_err() {
            notes.push(internal_error(check.name, None));
        }
    }

    let mut findings = Findings { list: findings, suppressed: 0, settings };
    findings.settle(&sources);
    findings.silence(&mut suppressions, &mut sources);
    if settings.paths.is_empty() {
        let paths = project.paths.keys().chain(repo.unreadable.iter().map(|file| &file.path)).collect();
        let repository = entries::Repository { paths, excluded: &repo.excluded, hosts: used_hosts.as_ref() };
        findings.unused_entries(&repository, &mut sources);
    }
    let Findings { list: mut findings, suppressed, .. } = findings;
    let asked_paths: HashSet<&str> = settings.paths.iter().map(|path| &**path).collect();
    let asked = |path: &RelPath| wanted(path, &asked_paths);
    findings.retain(|finding| asked(&finding.path));
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    notes.retain(|note| note.path.as_ref().is_none_or(asked));
    notes.sort();
    notes.dedup();
    let paths = repo.files.iter().map(RepoFile::path).chain(repo.unreadable.iter().map(|file| &file.path));
    Report {
        files: paths.filter(|path| asked(path)).count(),
        rules: settings.rules.active_rules().map(|rule| rule.id).collect(),
        suppressed,
        sources,
        root: repo.root.clone(),
        catalog: settings.rules.catalog().clone(),
        findings,
        notes,
    }
}

/// What a repository is known to say about its ports, apart from any rule.
#[derive(Debug)]
pub struct Known {
    /// The facts.
    pub project: Project,
    /// The files that could not be read.
    pub unreadable: Vec<Finding>,
    /// What could not be decided, and what failed inside.
    pub notes: Vec<Note>,
}

/// Gathers the facts about ports, whichever rules are on.
pub fn facts(repo: &Repo, settings: &Settings) -> Known {
    let checks = ["ports", "registry"].into_iter().filter_map(check::find).collect();
    let pass = FilePass::new(repo, checks, settings);
    let outcomes: Vec<Outcome> = repo.files.par_iter().map(|file| pass.check(file)).collect();
    let mut unreadable: Vec<Finding> = repo.unreadable.iter().map(self::unreadable).collect();
    let mut project = repo.without_facts();
    let mut notes = Vec::new();
    for outcome in outcomes {
        notes.extend(outcome.notes);
        unreadable.extend(outcome.findings.into_iter().filter(|finding| finding.rule == "unreadable-file"));
        project.files.extend(outcome.source.map(|source| ProjectFile { source, facts: outcome.facts }));
    }
    notes.sort();
    notes.dedup();
    Known { project, unreadable, notes }
}

/// Findings on their way from the checks to the report.
struct Findings<'a> {
    list: Vec<Finding>,
    suppressed: usize,
    settings: &'a Settings,
}

impl Findings<'_> {
    /// Sorts the findings and gives each its level and its fingerprint.
    fn settle(&mut self, sources: &BTreeMap<RelPath, Arc<Source>>) {
        self.list.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.list.dedup();
        set_levels(&mut self.list, self.settings);
        fingerprint::assign(&mut self.list, sources);
    }

    /// Adds findings about suppressions, baseline rows and configuration entries.
    fn add(&mut self, findings: Vec<Finding>, sources: &BTreeMap<RelPath, Arc<Source>>) {
        let mut more = Findings { list: findings, suppressed: 0, settings: self.settings };
        more.settle(sources);
        self.list.append(&mut more.list);
    }

    /// Drops what comments and the baseline silence, and reports what of them silences nothing.
    fn silence(&mut self, suppressions: &mut [Suppression], sources: &mut BTreeMap<RelPath, Arc<Source>>) {
        self.suppressed += suppress::silence(&mut self.list, suppressions, sources);
        let on = |entry: &&Suppression| level_at(self.settings, entry.rule, &entry.path) != Level::Off;
        self.add(suppress::unused(suppressions.iter().filter(on), sources), sources);
        if let Some(baseline) = &self.settings.baseline {
            let (accepted, unused) = baseline.silence(&mut self.list, self.settings);
            self.suppressed += accepted;
            // Only a run over everything can tell that a row matches nothing.
            if self.settings.paths.is_empty() && !unused.is_empty() {
                let source = Source::new(&baseline.path, Kind::Settings, baseline.text.clone());
                sources.insert(baseline.path.clone(), Arc::new(source));
                self.add(unused, sources);
            }
        }
    }

    /// Reports entries of the configuration that match nothing. They can be suppressed in its comments.
    fn unused_entries(&mut self, repository: &entries::Repository<'_>, sources: &mut BTreeMap<RelPath, Arc<Source>>) {
        let config = &self.settings.config;
        let Some(path) = config.path.as_ref().map(|path| RelPath::from(path.to_string_lossy())) else { return };
        let mut unused = entries::unused(config, &path, repository);
        if unused.is_empty() && !suppress::possible(&config.text) {
            return;
        }
        let source = Arc::new(Source::new(&path, Kind::Settings, config.text.clone()));
        let mut suppressions = suppress::read(&source, &config.catalog, &mut unused);
        sources.insert(path, source);
        self.suppressed += suppress::silence(&mut unused, &mut suppressions, sources);
        unused.append(&mut suppress::unused(suppressions.iter(), sources));
        self.add(unused, sources);
    }
}

fn active_checks(rules: &RuleSet) -> Vec<&'static Check> {
    let mut names: Vec<&str> = rules
        .active_rules()
        .filter_map(|rule| match &rule.matcher {
            Matcher::Check(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let read = check::READS.iter().filter(|(reader, _)| names.contains(reader)).map(|(_, read)| *read);
    names.extend(read.collect::<Vec<_>>());
    check::CHECKS.iter().copied().filter(|check| names.contains(&check.name)).collect()
}

/// All that is the same for every file.
struct FilePass<'a> {
    checks: Vec<&'static Check>,
    engine: Engine<'a>,
    registries: Mentions,
    settings: &'a Settings,
}

impl<'a> FilePass<'a> {
    fn new(repo: &Repo, checks: Vec<&'static Check>, settings: &'a Settings) -> Self {
        let paths = repo.files.iter().map(|file| &**file.path());
        let registries = Mentions::of(paths, &settings.config.ports);
        Self { checks, engine: Engine::new(&settings.rules), registries, settings }
    }

    fn check(&self, file: &RepoFile) -> Outcome {
        let mut outcome = Outcome::default();
        let source = match file {
            RepoFile::Memory(source) => source.clone(),
            RepoFile::Disk(entry) => match walk::read(entry) {
                Ok(source) => Arc::new(source),
                Err(error) => {
                    outcome.findings.push(unreadable(&error));
                    return outcome;
                }
            },
        };
        outcome.suppressions = suppress::read(&source, &self.settings.config.catalog, &mut outcome.findings);
        let data_wanted = self.engine.trigger(&source);
        let glance = Glance {
            source: &source,
            ports: &self.settings.config.ports,
            registries: &self.registries,
            words: Found::of(&source.text),
            wanted: Cell::new(data_wanted),
        };
        let wants = |check: &&&Check| {
            let wanted = (check.trigger)(&glance);
            glance.wanted.set(wanted || glance.wanted.get());
            wanted
        };
        let wanted: Vec<_> = self.checks.iter().filter(wants).collect();
        let needed = data_wanted || !wanted.is_empty();
        if needed || !self.settings.prefilter {
            let (triggered, data) =
                if self.settings.prefilter { (wanted, data_wanted) } else { (self.checks.iter().collect(), true) };
            let tree = read_tree(&source);
            // Where nothing was wanted of a file, it does not matter that it is refused.
            outcome.findings.extend(tree.as_ref().err().filter(|_| needed).map(|refusal| refused(&source, *refusal)));
            let tree = tree.ok().flatten();
            outcome.findings.extend(tree.as_ref().and_then(|tree| cut_off(&source, tree)));
            let mut context = FileContext {
                source: &source,
                tree: tree.as_ref(),
                ports: &self.settings.config.ports,
                params: &self.settings.config.params,
                rules: &self.settings.rules,
                facts: &mut outcome.facts,
                findings: &mut outcome.findings,
                notes: &mut outcome.notes,
            };
            for check in triggered {
                guarded(&mut context, check.name, check.file);
            }
            if data {
                guarded(&mut context, "query", |context| self.engine.run(context));
            }
        }
        let needed = !outcome.findings.is_empty() || !outcome.suppressions.is_empty() || !outcome.facts.is_empty();
        outcome.source = needed.then_some(source);
        outcome
    }
}

/// Runs a check on a file. Whatever it does, the run goes on and says so.
fn guarded(context: &mut FileContext<'_>, name: &str, check: impl FnOnce(&mut FileContext<'_>)) {
    if let Some(tree) = context.tree {
        tree.refill();
    }
    match catch_unwind(AssertUnwindSafe(|| check(context))) {
        Ok(()) => {}
        Err(payload) if payload.is::<OutOfSteps>() => {
            let reason = format!("the check `{name}` takes too long");
            context.report(unreadable(&Unreadable { path: context.source.path.clone(), reason }));
        }
        Err(_) => context.notes.push(internal_error(name, Some(context.source.path.clone()))),
    }
}

/// The tree of a file, where its kind has a grammar.
fn read_tree(source: &Source) -> Result<Option<Tree<'_>>, Refusal> {
    Language::of(source.kind).map(|language| Tree::read(language, &source.text)).transpose()
}

fn refused(source: &Source, refusal: Refusal) -> Finding {
    unreadable(&Unreadable { path: source.path.clone(), reason: refusal.to_string() })
}

fn cut_off(source: &Source, tree: &Tree<'_>) -> Option<Finding> {
    let from = tree.unread()?;
    let span = Span { start: from, end: from };
    let message = "cannot be checked from here on: the file has too many lines";
    Some(
        Finding::new("unreadable-file", &source.path, span, message)
            .help("split the file, or skip it with `exclude` in flakeward.toml"),
    )
}

fn unreadable(error: &Unreadable) -> Finding {
    Finding::new("unreadable-file", &error.path, Span::default(), format!("cannot be checked: {}", error.reason))
        .help("make the file readable, or skip it with `exclude` in flakeward.toml")
}

fn internal_error(check: &str, path: Option<RelPath>) -> Note {
    let place = crate::panics::take().map(|place| format!(" ({place})")).unwrap_or_default();
    let message = format!("internal error in check `{check}`{place}; this is a bug in flakeward, please report it");
    Note { kind: NoteKind::InternalError, path, message }
}

/// Gives each finding its rule's level at its path; rules that are off there fall away.
fn set_levels(findings: &mut Vec<Finding>, settings: &Settings) {
    findings.retain_mut(|finding| {
        finding.level = level_at(settings, finding.rule, &finding.path);
        finding.level != Level::Off
    });
}

/// A rule's level at a path: the rule set's, unless an override for the path says otherwise.
pub fn level_at(settings: &Settings, rule: &str, path: &str) -> Level {
    let base = settings.rules.level(rule);
    let overrides = settings.config.overrides.iter().filter(|entry| entry.matches(path));
    overrides.filter_map(|entry| entry.levels.get(rule)).next_back().copied().unwrap_or(base)
}

/// Whether a path was asked for, or a folder around it.
fn wanted(path: &str, asked: &HashSet<&str>) -> bool {
    let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    asked.is_empty() || asked.contains("") || asked.contains(path) || folders.any(|folder| asked.contains(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_wanted_by_its_name_or_by_a_folder_around_it() {
        let wanted = |path, asked: &[&'static str]| wanted(path, &asked.iter().copied().collect());
        for asked in [&[][..], &[""], &["a"], &["a/b"], &["a/b/c.nix"], &["x", "a/b"]] {
            assert!(wanted("a/b/c.nix", asked), "{asked:?}");
        }
        for asked in [&["b"][..], &["a/b/c"], &["a/b/"], &["x", "c.nix"]] {
            assert!(!wanted("a/b/c.nix", asked), "{asked:?}");
        }
    }
}
