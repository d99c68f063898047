//! The pipeline: from a repository and settings to a report.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::{self, Check, ProjectView, port_literals};
use crate::config::Config;
use crate::facts::port_registry::{Mentions, RegistryFacts};
use crate::facts::{FILES_AT_ONCE, Project, ProjectFile, Reader, port_registry, ports};
use crate::file_pass::{FilePass, Outcome, internal_error, unreadable_files};
use crate::finding::{Finding, Note, NoteKind, RelPath, RuleId, Verdict};
use crate::held_back::{self, HeldBack};
use crate::knowledge::third_party::{self, Origin};
use crate::repo::{Repo, RepoFile};
use crate::report::{About, NotChecked, Overview, Policy, Report};
use crate::rule::RuleSet;
use crate::settings::Settings;
use crate::settle::{Findings, Sources};
use crate::source::{FileKind, Source};
use crate::suppress::{Suppression, entries};

/// Checks a repository.
pub fn check(repo: &Repo, settings: &Settings) -> Report {
    let checks = active_checks(&settings.rules);
    let repo = &*repo.own(settings);
    let outcomes = file_pass(repo, settings, &checks, check::readers(&checks));
    let Conclusion { report, project } = conclude(repo, settings, &checks, outcomes, Runs::Once);
    // The project consists of many small values. Freeing them need not delay the report.
    rayon::spawn(move || drop(project));
    report
}

/// The result of a run, with the facts.
#[derive(Debug, Default)]
pub struct Conclusion {
    /// The findings.
    pub report: Report,
    /// The facts from which the findings were derived.
    pub project: Project,
}

/// The checks of the enabled rules.
pub(crate) fn active_checks(rules: &RuleSet) -> Vec<&'static Check> {
    check::CHECKS.iter().copied().filter(|check| rules.active(check.rule)).collect()
}

fn file_pass(
    repo: &Repo,
    settings: &Settings,
    checks: &[&'static Check],
    readers: Vec<&'static Reader>,
) -> Vec<Outcome> {
    let registries = Mentions::of(repo.files.iter().map(|file| &**file.path()), &settings.config.ports);
    let pass = FilePass::new(checks, readers, &registries, settings);
    repo.files.par_iter().with_max_len(FILES_AT_ONCE).map(|file| pass.check(file)).collect()
}

/// How often a repository is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Once.
    Once,
    /// Repeatedly, so that caching results with the facts of files saves time.
    Repeated,
}

/// The rules whose findings at a flake.nix are about CI and flake.lock. The findings are kept even if flake-file
/// generates the flake.nix.
const OF_REPOSITORY: [RuleId; 2] = ["missing-flake-check", "unlocked-input"];

/// The rules for references to port registries. A change to a registry breaks references in other files, so their
/// findings are reported even if only the registry was requested, as in a commit hook.
const OF_REGISTRY: [RuleId; 2] = ["port-drift", "unknown-port"];

/// Derives the report from the outcomes of all files.
pub(crate) fn conclude(
    repo: &Repo,
    settings: &Settings,
    checks: &[&'static Check],
    outcomes: impl IntoIterator<Item = Outcome>,
    runs: Runs,
) -> Conclusion {
    let mut gathered = Gathered::of(repo, outcomes);
    let config = &settings.config;
    let mut view = ProjectView::new(&gathered.project, &config.ports, &config.params, settings.now, settings.fixes);
    view.counts_fixes = settings.counts_fixes;
    view.asked = settings.paths.iter().map(|path| &**path).collect();
    view.new_entry = settings.new_entry.as_ref().map(|(path, start)| (&**path, *start));
    view.repeats = runs == Runs::Repeated;
    let held_back = HeldBack::of(repo, &gathered.project, config, checks);
    let checks: Vec<_> = checks.iter().copied().filter(|check| !held_back.rules.contains(check.rule)).collect();
    let verdict = project_pass(&checks, &view);
    let defined_ports = port_literals::defined(&view).cloned();
    let hosts = reads_hosts(&checks).then(|| check::decided_hosts(&view));
    gathered.verdict.append(verdict);
    gathered.verdict.notes.extend(nested_repositories(&repo.nested));
    if checks.iter().any(|check| check.reads.iter().any(held_back::is_registry_reader)) {
        gathered.verdict.notes.extend(held_back::unknown_entries(&gathered.project, config));
    }
    gathered.verdict.findings.extend(held_back.findings.iter().cloned());

    let sources = &mut gathered.sources;
    add_settings(sources, config);
    let mut findings = Findings::new(gathered.verdict.findings, sources, settings);
    findings.silence(&mut gathered.suppressions, sources, &gathered.project.paths, &held_back.rules);
    findings.ignored_settings(&repo.settings, sources);
    if settings.paths.is_empty() {
        let paths = gathered.project.paths.keys().chain(repo.unreadable.iter().map(|file| &file.path)).collect();
        let repository = entries::Repository { paths, excluded: &repo.excluded, hosts: hosts.as_ref() };
        findings.unused_entries(&repository, sources);
    }
    let Findings { mut list, suppressed, mut accepted, .. } = findings;
    list.retain(|finding| match gathered.third_party.get(&finding.path) {
        None => true,
        Some(Origin::Generated) if OF_REPOSITORY.contains(&finding.rule) => true,
        Some(_) => held_back.is_reason(finding),
    });
    gathered.verdict.notes.extend(gathered.third_party.iter().map(|(path, origin)| left_out(path, *origin)));
    let asked = Asked::new(&settings.paths);
    let registries =
        gathered.project.all::<RegistryFacts>().filter_map(|facts| Some(facts.defined.as_ref()?.path.clone()));
    let registries: Vec<RelPath> = registries.collect();
    let names_registry = registries.iter().any(|path| asked.names(path));
    let is_wanted = |finding: &Finding| {
        held_back.is_reason(finding)
            || asked.covers(&finding.path)
            || names_registry && OF_REGISTRY.contains(&finding.rule)
    };
    list.retain(is_wanted);
    list.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let is_counted = |path: &&RelPath| asked.covers(path) && !gathered.third_party.contains_key(*path);
    let suppressed = suppressed.iter().filter(is_counted).count();
    accepted.retain(|entry| asked.covers(&entry.subject) && !gathered.third_party.contains_key(&entry.path));
    accepted.sort_by(|a, b| (&a.subject, &a.path, a.span).cmp(&(&b.subject, &b.path, b.span)));
    let notes = asked.notes(gathered.verdict.notes);
    let not_checked = not_checked(&notes, &gathered.third_party);
    let report = Report {
        overview: Overview {
            is_whole: settings.paths.is_empty(),
            has_nix: repo.files.iter().any(|file| file.kind() == FileKind::Nix),
            has_registry: !registries.is_empty(),
            registries,
            defined_ports,
            has_settings: config.path.is_some(),
            has_baseline: settings.baseline.is_some(),
            new_registry: config.ports.new_registry().to_owned(),
        },
        broken: gathered.broken,
        files: asked.count(repo) + others(&list, &asked, repo),
        rules: settings.rules.active_rules().map(|rule| rule.id).collect(),
        settings: settings_files(repo, &list),
        blocked: held_back.paths(),
        findings: list,
        notes: asked.with_shown_notes(notes),
        not_checked,
        suppressed,
        about: about(repo, settings),
        accepted,
        sources: gathered.sources,
        root: repo.root.clone(),
        catalog: settings.rules.catalog().clone(),
    };
    Conclusion { report, project: gathered.project }
}

/// The metadata of a report. A repository is named after its root folder.
fn about(repo: &Repo, settings: &Settings) -> About {
    let name = repo.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let config = &settings.config;
    let lowered = config.levels.iter().filter_map(|(&id, &level)| {
        let inherited = config.inherited_level(config.catalog.find(id)?);
        (level < inherited).then_some((id, level, inherited))
    });
    About {
        repository: name.unwrap_or_default(),
        date: settings.now,
        policy: config.policy_version().map(|(name, version)| Policy { name, version }),
        lowered: lowered.collect(),
    }
}

/// Adds the configuration to the files that findings refer to, if a finding may refer to it.
fn add_settings(sources: &mut Sources, config: &Config) {
    let Some(path) = config.path.as_ref().map(|path| RelPath::from(path.to_string_lossy())) else { return };
    if !config.ports.registries.is_empty() {
        sources
            .entry(path.clone())
            .or_insert_with(|| Arc::new(Source::new(&path, FileKind::Settings, config.text.clone())));
    }
}

/// Counts the files with findings that were not requested.
fn others(findings: &[Finding], asked: &Asked<'_>, repo: &Repo) -> usize {
    let is_other = |file: &&[Finding]| !asked.covers(&file[0].path) && repo.has(&file[0].path);
    findings.chunk_by(|a, b| a.path == b.path).filter(is_other).count()
}

/// Counts the settings and baseline files that have findings.
fn settings_files(repo: &Repo, findings: &[Finding]) -> usize {
    let is_input = |path: &str| repo.has(path) || repo.unreadable.iter().any(|file| &*file.path == path);
    findings.chunk_by(|a, b| a.path == b.path).filter(|file| !is_input(&file[0].path)).count()
}

/// One note about all nested repositories.
fn nested_repositories(folders: &[RelPath]) -> Option<Note> {
    const NAMED: usize = 4;
    let named: Vec<String> = folders.iter().take(NAMED).map(|folder| format!("`{folder}`")).collect();
    let message = match folders {
        [] => return None,
        [one] => format!("not checked: `{one}` is a separate repository (it contains a `.git`)"),
        all => {
            let rest = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
            format!("not checked: {}{rest} are separate repositories (they contain a `.git`)", named.join(", "))
        }
    };
    Some(Note { kind: NoteKind::Skipped, path: None, message })
}

/// The combined outcomes of all files.
struct Gathered {
    project: Project,
    verdict: Verdict,
    suppressions: Vec<Suppression>,
    sources: Sources,
    /// The files with syntax errors.
    broken: BTreeSet<RelPath>,
    /// The files that are not checked because a tool wrote them.
    third_party: BTreeMap<RelPath, Origin>,
}

impl Gathered {
    fn of(repo: &Repo, outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let paths = repo.files.iter().map(|file| (file.path().clone(), file.kind())).collect();
        let mut gathered = Self {
            project: Project::new(paths),
            verdict: unreadable_files(repo).collect(),
            suppressions: Vec::new(),
            sources: BTreeMap::new(),
            broken: BTreeSet::new(),
            third_party: repo.third_party.clone(),
        };
        let sources: Vec<_> = outcomes.into_iter().filter_map(|outcome| gathered.add(outcome)).collect();
        // Building the map at once from sorted paths is faster than inserting them one by one.
        gathered.sources = sources.into_iter().map(|source| (source.path.clone(), source)).collect();
        gathered
    }

    /// Adds the results for a file. Returns the file if it has any results.
    fn add(&mut self, outcome: Outcome) -> Option<Arc<Source>> {
        self.verdict.append(outcome.verdict);
        self.suppressions.extend(outcome.suppressions);
        self.third_party.extend(outcome.generated.map(|path| (path, Origin::Generated)));
        let source = outcome.source?;
        if outcome.is_broken {
            self.broken.insert(source.path.clone());
        }
        if !outcome.facts.is_empty() {
            self.project.push(ProjectFile { source: Arc::clone(&source), facts: outcome.facts });
        }
        Some(source)
    }
}

/// Runs the checks that need the whole repository, in parallel.
fn project_pass(checks: &[&'static Check], view: &ProjectView<'_>) -> Verdict {
    let run = |check: &&'static Check| match catch_unwind(AssertUnwindSafe(|| check.project.map(|run| run(view)))) {
        Ok(verdict) => verdict.unwrap_or_default(),
        Err(_) => Verdict { findings: Vec::new(), notes: vec![internal_error(check.rule, None)] },
    };
    // Without the shared facts, a thread that waits for some of them could start a check that needs all of them.
    let is_prepared = checks.len() > 1 && catch_unwind(AssertUnwindSafe(|| view.prepare(checks))).is_ok();
    let verdicts: Vec<Verdict> = if is_prepared {
        checks.par_iter().with_max_len(1).map(run).collect()
    } else {
        checks.iter().map(run).collect()
    };
    let mut all = Verdict::default();
    verdicts.into_iter().for_each(|verdict| all.append(verdict));
    all
}

/// The note for a file that is not checked.
fn left_out(path: &RelPath, origin: Origin) -> Note {
    let message =
        format!("not checked: {}; to check it, set `check-third-party = true` in flakeward.toml", origin.describe());
    Note { kind: NoteKind::NotChecked, path: Some(path.clone()), message }
}

/// Counts the files that the notes report as not checked: by their origin, or else as templates.
fn not_checked(notes: &[Note], third_party: &BTreeMap<RelPath, Origin>) -> NotChecked {
    let mut counts = NotChecked::default();
    let paths: BTreeSet<&RelPath> =
        notes.iter().filter(|note| note.kind == NoteKind::NotChecked).filter_map(|note| note.path.as_ref()).collect();
    for path in paths {
        match third_party.get(path) {
            // A file that marks a folder as vendored does not count, because only its existence matters.
            Some(_) if third_party::vendored_folder(path).is_some() => {}
            Some(origin) => counts.add(*origin),
            None => counts.templates += 1,
        }
    }
    counts
}

/// Whether some checks use the hosts that belong to the repository.
fn reads_hosts(checks: &[&'static Check]) -> bool {
    check::read(checks, &ports::READER) && check::read(checks, &port_registry::READER)
}

/// The facts about ports for the port map, regardless of which rules are enabled.
#[derive(Debug)]
pub struct PortFacts {
    /// The facts of all files.
    pub project: Project,
    /// The files that could not be read, and the registries that cannot be evaluated.
    pub unreadable: Vec<Finding>,
    /// The findings for configured registries that are not among the files.
    pub missing: Vec<Finding>,
    /// Notes about values that cannot be determined, and about internal errors.
    pub notes: Vec<Note>,
    /// The files and folders that were not read: those that `exclude` leaves out, and vendored files.
    pub left_out: Vec<RelPath>,
}

/// Gathers the facts about ports.
pub fn port_facts(repo: &Repo, settings: &Settings) -> PortFacts {
    let readers = vec![&ports::READER, &port_registry::READER];
    let repo = &*repo.own(settings);
    let gathered = Gathered::of(repo, file_pass(repo, settings, &[], readers));
    let Verdict { findings, mut notes } = gathered.verdict;
    notes.sort();
    notes.dedup();
    let config = &settings.config;
    let unread = findings.into_iter().filter(|finding| finding.rule == check::unreadable_file::RULE);
    let unreadable = unread.chain(held_back::unevaluated(&gathered.project, config)).collect();
    let missing = held_back::missing(repo, &gathered.project, config);
    let vendored = repo.third_party.iter().filter(|(_, origin)| **origin == Origin::Vendored);
    let left_out = repo.excluded.iter().chain(vendored.map(|(path, _)| path)).cloned().collect();
    PortFacts { project: gathered.project, unreadable, missing, notes, left_out }
}

/// Whether a path was requested. An empty list requests all paths.
pub fn is_asked(paths: &[RelPath], path: &str) -> bool {
    Asked::new(paths).covers(path)
}

/// The requested paths. An empty list requests all paths.
struct Asked<'a>(HashSet<&'a str>);

impl<'a> Asked<'a> {
    fn new(paths: &'a [RelPath]) -> Self {
        Self(paths.iter().map(|path| &**path).collect())
    }

    /// Whether a path, or a folder around it, was requested.
    fn covers(&self, path: &str) -> bool {
        let asked = &self.0;
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        asked.is_empty() || asked.contains("") || asked.contains(path) || folders.any(|folder| asked.contains(folder))
    }

    /// Whether a file itself was requested, rather than everything or a folder around it.
    fn names(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    fn count(&self, repo: &Repo) -> usize {
        let paths = repo.files.iter().map(RepoFile::path).chain(repo.unreadable.iter().map(|file| &file.path));
        paths.filter(|path| self.covers(path)).count()
    }

    /// Makes notes about unchecked files always visible if these files themselves were requested.
    fn with_shown_notes(&self, mut notes: Vec<Note>) -> Vec<Note> {
        for note in notes.iter_mut().filter(|note| note.kind == NoteKind::NotChecked) {
            if note.path.as_ref().is_some_and(|path| self.0.contains(&**path)) {
                note.kind = NoteKind::Skipped;
            }
        }
        notes
    }

    fn notes(&self, mut notes: Vec<Note>) -> Vec<Note> {
        notes.retain(|note| note.path.as_ref().is_none_or(|path| self.covers(path)));
        notes.sort();
        notes.dedup();
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Safety;
    use crate::lang::parsed;

    /// A repository with registered ports, suppressions and comments, in all languages.
    fn repository() -> Repo {
        let files = [
            ("lib/ports.nix", "{ web.api = 8321; db.redis = 6379; }"),
            ("a.nix", "{ services.api.port = 8321; }"),
            (
                "b.nix",
                "{\n  # flakeward: allow(hardcoded-port) why\n  services.redis.port = 6379;\n  x.port = 8321;\n}",
            ),
            ("c.nix", "{\n  # flakeward: allow(lookup-path) nothing else is wanted of this file\n  a = 1;\n}"),
            ("d.yaml", "api:\n  port: 8321\n"),
            ("Dockerfile", "FROM x\n# flakeward: allow(hardcoded-port) why\nEXPOSE 6379\nEXPOSE 8321\n"),
        ];
        Repo::from_bytes(files.into_iter().map(|(path, text)| (path, text.as_bytes().to_vec())))
    }

    #[test]
    fn no_file_is_parsed_twice() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for fixes in [Safety::Safe, Safety::Unsafe] {
            let (report, mut texts) = pool.install(|| {
                parsed::take();
                let report = check(&repository(), &Settings { fixes, ..Settings::default() });
                (report, parsed::take())
            });
            assert_eq!(report.findings.iter().filter(|finding| finding.fix.is_some()).count(), 5);
            assert_eq!(texts.len(), 6);
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), 6);
        }
    }

    #[test]
    fn a_file_is_requested_by_its_path_or_a_folder_around_it() {
        let wanted = |path, asked: &[&'static str]| Asked(asked.iter().copied().collect()).covers(path);
        for asked in [&[][..], &[""], &["a"], &["a/b"], &["a/b/c.nix"], &["x", "a/b"]] {
            assert!(wanted("a/b/c.nix", asked), "{asked:?}");
        }
        for asked in [&["b"][..], &["a/b/c"], &["a/b/"], &["x", "c.nix"]] {
            assert!(!wanted("a/b/c.nix", asked), "{asked:?}");
        }
    }
}
