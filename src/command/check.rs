//! `flakeward check`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::output_file::{self, unwritten};
use super::{Failure, accepted, changed::Changed, forgive_closed, new_since, session::Session};
use crate::cli::{CheckArgs, ReportTo};
use crate::facts::port_registry::Registries;
use crate::finding::RelPath;
use crate::output::html::Extras;
use crate::output::text::clean;
use crate::output::{self, Format, View, notes, stream, summary};
use crate::port_map::{PortMap, rows};
use crate::report::{NotChecked, Report};
use crate::run;

/// Checks, writes the reports, and returns the exit code.
pub fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let opened = Session::open(&args.scope, args.stdin_filename.as_deref());
    let mut session = opened.map_err(|failure| explained(failure, args))?;
    session.read_baseline(args.baseline.as_deref(), args.scope.repo.isolated)?;
    if args.frozen && session.is_partial() {
        return Err(Failure::new("--frozen requires a check of the whole repository")
            .help("run it without paths; a partial check cannot tell which entries match nothing"));
    }
    session.keep_locked();
    session.settings.frozen = args.frozen;
    let root = session.root.clone();
    let changed = args.changed.as_ref().map(|reference| Changed::since(&root, reference)).transpose()?;
    session.settings.counts_fixes = true;
    let mut report = match &args.new_since {
        Some(reference) if !session.nothing_asked => new_since::check(&mut session, reference)?,
        _ => session.check(),
    };
    if let Some(mut changed) = changed {
        changed.keep(&mut report, &session.settings);
    }
    if let Some(name) = ci_repository() {
        report.about.repository = name;
    }
    let extras = match args.reports.0.iter().any(|to| to.format == Format::Html) {
        true => extras(&session, &report)?,
        false => Extras::default(),
    };
    let checked = start.elapsed();
    for to in &args.reports.0 {
        write(to, &report, &extras, &session, args)?;
    }
    if args.reports.0.iter().any(|to| to.format == Format::Github) {
        step_summary(&report, &workspace_view(&session.root))?;
    }
    let mut err = io::stderr().lock();
    // If notes cannot be written to standard error, the report and the exit code remain valid.
    let _ = notes::write(&report.notes, &session.view, args.output.verbose, &mut err);
    if report.files == 0 && !args.output.quiet {
        let exclude = &session.settings.config.exclude;
        let left_out = |path: &&RelPath| Path::new(&***path).ancestors().any(|folder| exclude.is_match(folder));
        let _ = match session.settings.paths.iter().find(left_out) {
            Some(path) => {
                writeln!(err, "flakeward: {} matches `exclude` and was not checked", clean(&session.view.path(path)))
            }
            None if report.not_checked != NotChecked::default() => {
                writeln!(err, "flakeward: no input file was checked{}", summary::not_checked(&report))
            }
            None => writeln!(err, "flakeward: no input file matches any rule"),
        };
    }
    // Editors that check a buffer display standard error.
    let has_reader = !args.output.quiet && args.stdin_filename.is_none();
    if has_reader && report.files > 0 && !is_summarized(args) {
        let view = View { stream: stream::stderr(), ..session.view.clone() };
        let _ = writeln!(err, "{}", summary::lines(&report, &view));
    }
    if args.stats {
        let _ = stats(&mut err, &report, checked, start.elapsed());
    }
    Ok(exit_code(&report, args))
}

/// Adds a hint if the value of `--changed`, which requires `=`, was parsed as a path.
fn explained(failure: Failure, args: &CheckArgs) -> Failure {
    let missing = args.scope.repo.paths.iter().find(|path| !path.exists());
    match (args.changed.as_deref(), missing) {
        (Some(""), Some(path)) => {
            failure.help(format!("write `--changed={0}` if {0} is a branch or commit", path.display()))
        }
        _ => failure,
    }
}

/// Whether the report on standard output has its own summary or is meant only for programs.
fn is_summarized(args: &CheckArgs) -> bool {
    args.reports.0.iter().any(|to| to.file.is_none() && to.format != Format::Concise)
}

fn exit_code(report: &Report, args: &CheckArgs) -> ExitCode {
    let failed = report.internal_error() || (report.files == 0 && args.require_inputs);
    ExitCode::from(if failed { 2 } else { u8::from(report.reaches(args.fail_on)) })
}

/// The repository's name according to the CI system, if there is one.
fn ci_repository() -> Option<String> {
    let names = ["GITHUB_REPOSITORY", "CI_PROJECT_PATH"].into_iter();
    names.filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty())
}

/// The parts of the HTML page other than the findings.
fn extras(session: &Session, report: &Report) -> Result<Extras, Failure> {
    let facts = run::port_facts(&session.repo(), &session.settings);
    let registries = Registries::of(&facts.project);
    let settings = &session.settings;
    let map = PortMap::of(&facts.project, &registries, &settings.config.ports).without_allowed(
        &facts.project,
        settings.rules.catalog(),
        settings.now,
    );
    Ok(Extras {
        owners: accepted::read_owners(&session.root)?,
        accepted: accepted::list(session, report)?,
        ports: rows::rows(&map, &facts.project),
    })
}

fn write(to: &ReportTo, report: &Report, extras: &Extras, session: &Session, args: &CheckArgs) -> Result<(), Failure> {
    let written = |view: &View, out: &mut dyn Write| match to.format {
        Format::Html => output::html::write(report, view, extras, out),
        format => output::write(format, report, view, out),
    };
    let place = match to.format {
        Format::Github => workspace_view(&session.root),
        Format::Junit | Format::Markdown => View::default(),
        _ => session.view.clone(),
    };
    let view = |stream: stream::Stream| View {
        stream,
        quiet: args.output.quiet,
        statistics: args.statistics,
        fail_on: Some(args.fail_on),
        ..place.clone()
    };
    match &to.file {
        None => {
            let view = view(stream::stdout(args.output.color));
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
            let done = written(&view, &mut out).and_then(|()| out.flush());
            forgive_closed(done).map_err(|error| unwritten(Path::new("stdout"), &error))
        }
        Some(path) => {
            let view = view(stream::file(args.output.color));
            output_file::write(path, |out| written(&view, out))
        }
    }
}

/// The view for annotations. GitHub resolves their paths against the workspace, not against the working directory of a
/// step. Outside a workspace, paths are relative to the root.
fn workspace_view(root: &Path) -> View {
    let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from).and_then(|path| path.canonicalize().ok());
    match workspace.filter(|workspace| root.starts_with(workspace)) {
        Some(workspace) => View::between(&workspace, root),
        None => View::default(),
    }
}

/// Adds a table to the step summary if GitHub provides a file for it.
fn step_summary(report: &Report, view: &View) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    let file = File::options().append(true).create(true).open(&path).map_err(|error| unwritten(&path, &error))?;
    let mut out = BufWriter::new(file);
    let written = output::write(Format::Markdown, report, view, &mut out).and_then(|()| out.flush());
    written.map_err(|error| unwritten(&path, &error))
}

fn stats(err: &mut dyn Write, report: &Report, checked: Duration, all: Duration) -> io::Result<()> {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    writeln!(
        err,
        "{} files, {} rules, {} threads: checked in {:.1} ms, written in {:.1} ms",
        report.files,
        report.rules.len(),
        rayon::current_num_threads(),
        milliseconds(checked),
        milliseconds(all.saturating_sub(checked))
    )
}
