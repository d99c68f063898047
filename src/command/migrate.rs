//! `flakeward migrate`: plans or writes Nix code for existing files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, git, ports, print_json, print_patch, session::Session};
use crate::check::{ProjectView, docker_build_in_ci, for_all_systems, port_literals, unlocked_input, unused_port};
use crate::cli::{MigrateArgs, MigrateCommand, MigrateFormat, MigrateHow, RepoArgs, ScopeArgs};
use crate::facts::Project;
use crate::facts::port_registry::Registries;
use crate::facts::ports as port_uses;
use crate::finding::{Finding, Fix, RelPath, Safety};
use crate::fix::{self, Change};
use crate::migrate::{self, Draft, Error, Files, Left, Ports, Report};
use crate::output::guard::Syntax;
use crate::output::{self, stream};
use crate::port_map::PortMap;
use crate::repo::Repo;
use crate::settings::Settings;
use crate::source::{FileKind, LineIndex, Source};
use crate::{paths, run, walk};

/// The flake of a repository.
const FLAKE: &str = "flake.nix";

/// Plans, prints or writes a migration.
pub fn run(args: &MigrateArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        None => everything(&args.scope, &args.how),
        Some(MigrateCommand::Compose(args)) => named(&args.repo, &args.how, &[], migrate::compose::migrate),
        Some(MigrateCommand::Dockerfile(args)) => {
            named(&args.repo, &args.how, &[], |draft, files| each(draft, files, migrate::dockerfile::migrate))
        }
        Some(MigrateCommand::Flake(args)) => {
            named(&args.repo, &args.how, &[FLAKE], |draft, files| each(draft, files, migrate::flake::migrate))
        }
        Some(MigrateCommand::Ci(args)) => named_ci(&args.repo, &args.how),
    }
}

/// A migration of one file.
type Migrate = fn(&mut Draft<'_>, &RelPath) -> Result<(), Error>;

fn each(draft: &mut Draft<'_>, files: &[RelPath], migrate: Migrate) -> Result<(), Error> {
    files.iter().try_for_each(|file| migrate(draft, file))
}

/// Migrates the given files, or else the `usual` ones.
fn named(
    repo: &RepoArgs,
    how: &MigrateHow,
    usual: &[&str],
    migrate: impl Fn(&mut Draft<'_>, &[RelPath]) -> Result<(), Error>,
) -> Result<ExitCode, Failure> {
    let repository = Repository::of(Session::without_rules(repo)?);
    let files = match repository.asked(repo)? {
        files if files.is_empty() => usual.iter().map(|&path| path.into()).collect(),
        files => files,
    };
    let mut draft = repository.draft();
    repository.finish(migrate(&mut draft, &files).and_then(|()| draft.finish()), how)
}

/// Migrates the given CI files, or else all CI files in the repository.
fn named_ci(repo: &RepoArgs, how: &MigrateHow) -> Result<ExitCode, Failure> {
    let repository = Repository::of(Session::without_rules(repo)?);
    let files = match repository.asked(repo)? {
        files if files.is_empty() => repository.ci_files(),
        files => files,
    };
    if files.is_empty() {
        return Err(Failure::new("there is no CI configuration in this repository"));
    }
    let mut draft = repository.draft();
    repository.finish(each(&mut draft, &files, migrate::ci::migrate).and_then(|()| draft.finish()), how)
}

/// Migrates everything that can be migrated, starting with the flake, because it imports the modules for the other
/// files.
fn everything(scope: &ScopeArgs, how: &MigrateHow) -> Result<ExitCode, Failure> {
    let repository = Repository::of(Session::open(scope, None)?);
    let mut draft = repository.draft();
    draft.is_whole = true;
    let mut errors = repository.unread.clone();
    let mut attempt = |draft: &mut Draft<'_>, result: &dyn Fn(&mut Draft<'_>) -> Result<(), Error>| {
        match draft.attempt(result) {
            // The flake already uses flake-parts, for example after an earlier run.
            Err(error) if error.message == migrate::flake::MIGRATED => {}
            Err(error) => {
                draft.flake.is_refused |= error.path == FLAKE.into();
                errors.push(error);
            }
            Ok(()) => {}
        }
    };
    if repository.in_scope(FLAKE) && repository.files.text(FLAKE).is_ok_and(|text| text.is_some()) {
        attempt(&mut draft, &|draft| migrate::flake::migrate(draft, &FLAKE.into()));
    }
    for folder in repository.compose_projects() {
        for project in &folder.projects {
            attempt(&mut draft, &|draft| migrate::compose::migrate(draft, project));
        }
        for (usual, variant) in &folder.variants {
            let why = format!("Compose reads this file, with {usual} or instead of it, only if `-f` specifies it");
            let todo = format!("run `flakeward migrate compose {usual} {variant}` if they are used together");
            draft.report.leave(variant, 1, "this file", why, todo);
        }
    }
    for file in repository.of_kind(FileKind::Dockerfile) {
        attempt(&mut draft, &|draft| migrate::dockerfile::migrate(draft, &file));
    }
    for file in repository.ci_files() {
        attempt(&mut draft, &|draft| migrate::ci::migrate(draft, &file));
    }
    let (mut changes, mut report) = draft.finish().map_err(|error| failure(&error, &repository))?;
    repository.register_literals(&mut changes)?;
    let refused: BTreeSet<&RelPath> = errors.iter().map(|error| &error.path).collect();
    report.findings = repository.remaining(&changes, &report, &refused);
    report.sort();
    repository.show(&changes, &report, how, &errors)
}

/// A repository, its facts, and the files on disk.
struct Repository {
    session: Session,
    project: Project,
    /// The files that could not be checked. Their contents are missing from every migration.
    unread: Vec<Error>,
    files: Disk,
}

impl Repository {
    fn of(session: Session) -> Self {
        let known = run::port_facts(&session.repo(), &session.settings);
        let unread =
            known.unreadable.iter().map(|finding| Error::new(&finding.path, finding.message.clone())).collect();
        Self { files: Disk(session.root.clone()), project: known.project, unread, session }
    }

    fn draft(&self) -> Draft<'_> {
        draft(&self.files, &self.project, &self.session.settings)
    }

    /// The files given on the command line. Empty if there are none. Folders are rejected.
    fn asked(&self, repo: &RepoArgs) -> Result<Vec<RelPath>, Failure> {
        if repo.paths.is_empty() && repo.files_from.is_none() {
            return Ok(Vec::new());
        }
        for path in &self.session.settings.paths {
            if self.files.is_folder(path) {
                return Err(Failure::new(format!("{} is a folder", self.session.view.path(path)))
                    .help("name the files to migrate, or run `flakeward migrate` for a whole repository"));
            }
        }
        match self.session.settings.paths.as_slice() {
            [] => Err(Failure::new("a folder was given, but this command migrates files")
                .help("name the files to migrate, or run `flakeward migrate` for a whole repository")),
            paths => Ok(self.in_given_order(repo, paths)),
        }
    }

    /// Orders files as on the command line, because later Compose files override earlier ones.
    fn in_given_order(&self, repo: &RepoArgs, paths: &[RelPath]) -> Vec<RelPath> {
        let real = |path: &PathBuf| walk::relative(&self.session.root, &path.canonicalize().ok()?);
        let mut order: Vec<RelPath> = repo.paths.iter().filter_map(real).collect();
        for path in paths {
            if !order.contains(path) {
                order.push(path.clone());
            }
        }
        order
    }

    fn in_scope(&self, path: &str) -> bool {
        let inside =
            |asked: &RelPath| path == &**asked || path.strip_prefix(&**asked).is_some_and(|rest| rest.starts_with('/'));
        self.session.settings.paths.is_empty() || self.session.settings.paths.iter().any(inside)
    }

    fn of_kind(&self, kind: FileKind) -> Vec<RelPath> {
        let paths = self.project.paths.iter().filter(|(path, found)| **found == kind && self.in_scope(path));
        paths.map(|(path, _)| path.clone()).collect()
    }

    fn ci_files(&self) -> Vec<RelPath> {
        self.of_kind(FileKind::Yaml).into_iter().filter(|path| crate::lang::ci::system(path).is_some()).collect()
    }

    /// The Compose projects in each folder.
    fn compose_projects(&self) -> Vec<migrate::compose::Projects> {
        let mut folders: BTreeMap<String, Vec<RelPath>> = BTreeMap::new();
        for path in self.of_kind(FileKind::Yaml) {
            if is_compose_file(&path) {
                folders.entry(paths::folder(&path).to_owned()).or_default().push(path);
            }
        }
        folders.into_values().map(|files| migrate::compose::projects(&files)).collect()
    }

    /// The repository after some changes.
    fn after(&self, changes: &[Change]) -> Repo {
        let mut repo = self.session.repo();
        for change in changes {
            repo.put(&change.path, change.after.clone().into_bytes());
        }
        repo
    }

    /// Adds entries for the ports that have none after the changes, so that `flakeward fix` can refer to them. Does
    /// nothing if only part of the repository is migrated.
    fn register_literals(&self, changes: &mut Vec<Change>) -> Result<(), Failure> {
        let settings = &self.session.settings;
        if !settings.paths.iter().all(|path| path.is_empty()) {
            return Ok(());
        }
        let config = &settings.config;
        let facts = run::port_facts(&self.after(changes), settings);
        let view = ProjectView::new(&facts.project, &config.ports, &config.params, settings.now, Safety::Safe);
        let Some(plan) = port_literals::missing_entries(&view) else { return Ok(()) };
        for new in ports::changes::of(&facts, &plan.edits)? {
            match changes.iter_mut().find(|change| change.path == new.path) {
                Some(change) => change.after = new.after,
                None => changes.push(new),
            }
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    /// The findings that `flakeward check` still reports after the changes and `flakeward fix`, except those in
    /// replaced files and those that the report already covers. `refused` are the files that cannot be migrated.
    fn remaining(&self, changes: &[Change], report: &Report, refused: &BTreeSet<&RelPath>) -> Vec<Left> {
        let checked = run::check(&self.after(changes), &self.session.settings);
        let replaced: BTreeSet<&RelPath> = report.replaced.iter().map(|old| &old.path).collect();
        let by_path: BTreeMap<&RelPath, &Change> = changes.iter().map(|change| (&change.path, change)).collect();
        let mut lines: BTreeMap<&RelPath, LineIndex> = BTreeMap::new();
        let is_safe = |fix: &Fix| fix.safety == Safety::Safe;
        // The report says why such a build in CI is left.
        let left_out: BTreeSet<(&RelPath, usize)> = report.left.iter().map(|left| (&left.path, left.line)).collect();
        // The report already mentions new inputs that are missing from the lock file.
        let is_new_input = |finding: &Finding, source: &Source| {
            let before = by_path.get(&finding.path).and_then(|change| change.before.as_deref());
            finding.rule == unlocked_input::RULE
                && before.is_some_and(|before| !before.contains(&source.text[finding.span.range()]))
        };
        let left = checked.findings.iter().filter_map(|finding| {
            // `fix` will write references to new entries.
            let awaits_fix = finding.rule == unused_port::RULE && by_path.contains_key(&finding.path);
            let source = checked.sources.get(&finding.path)?;
            // The error says why the flake is not rewritten.
            let is_refused = finding.rule == for_all_systems::RULE && refused.contains(&finding.path);
            let fixable = finding.fix.as_ref().is_some_and(is_safe);
            if fixable || awaits_fix || is_refused || replaced.contains(&finding.path) || is_new_input(finding, source)
            {
                return None;
            }
            let index = lines.entry(&finding.path).or_insert_with(|| LineIndex::new(&source.text));
            let line = index.line(finding.span.start) + 1;
            if finding.rule == docker_build_in_ci::RULE && left_out.contains(&(&finding.path, line)) {
                return None;
            }
            let todo = finding.help.clone().unwrap_or_else(|| format!("see `flakeward explain {}`", finding.rule));
            Some(Left {
                path: finding.path.clone(),
                line,
                what: finding.rule.into(),
                why: finding.message.clone(),
                todo,
            })
        });
        left.collect()
    }

    /// Shows the result of a migration. An error is part of the JSON report, and a message otherwise.
    fn finish(&self, result: Result<(Vec<Change>, Report), Error>, how: &MigrateHow) -> Result<ExitCode, Failure> {
        match result {
            Ok((changes, report)) => self.show(&changes, &report, how, &[]),
            Err(error) if how.format == MigrateFormat::Json => {
                let how = MigrateHow { write: false, ..how.clone() };
                self.show(&[], &Report::default(), &how, &[error])
            }
            Err(error) => Err(failure(&error, self)),
        }
    }

    /// Prints the plan or writes the files.
    fn show(
        &self,
        changes: &[Change],
        report: &Report,
        how: &MigrateHow,
        errors: &[Error],
    ) -> Result<ExitCode, Failure> {
        for change in changes {
            fix::write::guard(&self.session.root, &change.path)
                .map_err(|reason| Failure::new(format!("cannot write {}: {reason}", change.path)))?;
        }
        let mut report = report.clone();
        report.left.extend(changes.iter().filter_map(|change| self.unseen_by_flake(change)));
        report.sort();
        let report = &report;
        if how.write {
            self.refuse_uncommitted(changes, how)?;
            fix::write::write(&self.session.root, changes).map_err(|failure| Failure::new(failure.to_string()))?;
        }
        let stream = stream::stdout(how.color);
        let view = output::View { stream, ..self.session.view.clone() };
        let shown = output::migrate::Shown { changes, report, errors, written: how.write };
        match how.format {
            MigrateFormat::Json => print_json(&shown.json()?)?,
            MigrateFormat::Pretty => {
                if !how.write {
                    print_patch(&fix::diff::unified(changes), &view.stream)?;
                }
                let view = output::View { stream: stream::stderr(), ..view };
                // If this note cannot be written, the exit code remains valid.
                let _ = io::stderr().lock().write_all(Syntax::Prose.disarm_all(&shown.text(&view)).as_bytes());
            }
        }
        Ok(ExitCode::from(if errors.is_empty() { 0 } else { 2 }))
    }

    /// A task for the user if an ignore file excludes a new Nix file: git does not add it, and a flake sees only files
    /// that git tracks.
    fn unseen_by_flake(&self, change: &Change) -> Option<Left> {
        let is_new = change.before.is_none() && change.path.ends_with(".nix");
        let pattern = walk::ignored_by(&self.session.root, &change.path).filter(|_| is_new)?;
        let file = walk::relative(&self.session.root, &pattern.file)
            .map_or_else(|| pattern.file.to_string_lossy().into_owned(), |path| path.to_string());
        let configured = match self.session.settings.config.ports.new_registry() == &*change.path {
            true => ", or set `registry` under `[ports]` in flakeward.toml to another path and run again",
            false => "",
        };
        Some(Left {
            path: change.path.clone(),
            line: 1,
            what: "this file".to_owned(),
            why: format!(
                "`{}` in {file} excludes it, so `git add` refuses it and the flake does not see it",
                pattern.text
            ),
            todo: format!("change the pattern{configured}"),
        })
    }

    fn refuse_uncommitted(&self, changes: &[Change], how: &MigrateHow) -> Result<(), Failure> {
        if how.force {
            return Ok(());
        }
        let paths: Vec<&str> = changes.iter().map(|change| &*change.path).collect();
        let uncommitted = git::uncommitted(&self.session.root, &paths)?;
        match uncommitted.as_slice() {
            [] => Ok(()),
            some => Err(Failure::new(format!("uncommitted changes in {}", some.join(", ")))
                .help("commit or stash them first, or overwrite them with --force")),
        }
    }
}

/// Creates an empty draft of a migration for a repository with these facts.
pub fn draft<'f>(files: &'f dyn Files, project: &Project, settings: &Settings) -> Draft<'f> {
    let config = &settings.config;
    let view = ProjectView::new(project, &config.ports, &config.params, settings.now, Safety::Safe);
    let plan = port_literals::missing_entries(&view);
    let settings = &config.ports;
    let registries = Registries::of(project);
    let path = settings.new_registry();
    let usual = registries.at(path);
    let registry = usual.or_else(|| registries.all().iter().copied().find(|registry| registry.shape.importable));
    let registry = registry.and_then(|registry| {
        let source = &project.file(&registry.path)?.source;
        Some((registry.clone(), source.clone()))
    });
    let map = PortMap::of(project, &registries, settings);
    let used: BTreeSet<u16> = map.missing.iter().filter_map(|(number, _)| u16::try_from(*number).ok()).collect();
    let mut ports = Ports::new(path.into(), registry, used);
    let plan = plan.filter(|plan| plan.registry == *ports.path());
    for (file, used) in plan.iter().flat_map(|_| port_uses::own(project, settings)) {
        let path = &file.source.path;
        if let Some(entry) = plan.as_ref().and_then(|plan| plan.entry_of(path, used.span)) {
            ports.propose(path, used, &entry.path);
        }
    }
    Draft::new(files, ports)
}

fn is_compose_file(path: &str) -> bool {
    crate::facts::compose::named_compose(path) && !path.ends_with(".json")
}

/// The Compose files that `flakeward migrate` would read together with a file: its override, or the base file that it
/// overrides.
pub fn compose_files(project: &Project, file: &RelPath) -> Vec<RelPath> {
    let folder = paths::folder(file);
    let beside = project.paths.keys().filter(|path| paths::folder(path) == folder && is_compose_file(path));
    let found = migrate::compose::projects(&beside.cloned().collect::<Vec<_>>());
    let variant = found.variants.into_iter().find(|(_, variant)| variant == file);
    let together = found.projects.into_iter().find(|files| files.contains(file));
    match (together, variant) {
        (Some(files), _) => files,
        (None, Some((usual, variant))) => vec![usual, variant],
        (None, None) => vec![file.clone()],
    }
}

fn failure(error: &Error, repository: &Repository) -> Failure {
    let shown = Error { path: repository.session.view.path(&error.path).as_str().into(), ..error.clone() };
    let failure = Failure::new(shown.to_string());
    match &error.help {
        Some(help) => failure.help(help.clone()),
        None => failure,
    }
}

/// The files under a root. Links to files outside the root are not followed.
pub struct Disk(pub PathBuf);

impl Disk {
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let real = self.0.join(path).canonicalize().ok()?;
        real.starts_with(self.0.canonicalize().ok()?).then_some(real)
    }
}

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        let file = self.0.join(path);
        if file.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let inside = self.inside(path).ok_or("it is a dangling symbolic link, or one that leaves the repository")?;
        let size = inside.metadata().map_err(|error| walk::io_reason(&error))?;
        let root = self.0.canonicalize().map_err(|error| walk::io_reason(&error))?;
        if inside.strip_prefix(root).unwrap_or(&inside).components().any(|part| part.as_os_str() == ".git") {
            // Such a file may contain the password of a remote repository.
            return Err("it is one of Git's own files".to_owned());
        }
        if !size.is_file() {
            return Err("it is not a file".to_owned());
        }
        if size.len() > LARGEST {
            return Err(format!("it is larger than {} MiB", LARGEST >> 20));
        }
        let bytes = std::fs::read(&inside).map_err(|error| walk::io_reason(&error))?;
        walk::decode(bytes).map(Some)
    }

    fn is_folder(&self, path: &str) -> bool {
        self.inside(path).is_some_and(|path| path.is_dir())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let list = |folder: &Path| std::fs::read_dir(folder).ok();
        let entries = self.inside(folder).as_deref().and_then(list).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// The maximum size of a file, in bytes. Configuration files are smaller.
const LARGEST: u64 = 16 << 20;
