//! `flakeward baseline`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;

use super::{Failure, output_file, print_json, session::Session};
use crate::cli::BaselineArgs;
use crate::config::ConfigError;
use crate::finding::UNCHECKED;
use crate::fix;
use crate::output::stream;
use crate::output::text::{clean, count};
use crate::output::wrap::fitted;
use crate::repo::Repo;
use crate::report::Report;
use crate::run;
use crate::suppress::baseline::{self, Baseline, Terms, Update};
use crate::walk;

/// Records the current findings, or removes the entries that are no longer needed.
pub fn run(args: &BaselineArgs) -> Result<ExitCode, Failure> {
    let mut session = Session::open(&args.scope, None)?;
    if session.nothing_asked {
        return Ok(ExitCode::SUCCESS);
    }
    refuse_past(args.until, session.settings.now)?;
    let file = Target::of(args, &session)?;
    let before = file.read(&mut session, args)?;
    if args.prune {
        if session.is_partial() {
            return Err(Failure::new("--prune always covers the whole repository and cannot be limited to paths"));
        }
        return prune(&file, before, &session, args);
    }
    let (repo, report) = check(&session)?;
    let terms = Terms { now: session.settings.now, until: args.until, reason: args.reason.clone() };
    let is_whole = !session.is_partial() && !args.scope.rules.selects();
    let replaces = |rule: &str, path: &str| {
        let is_unknown = session.settings.rules.catalog().find(rule).is_none();
        let is_checked = run::is_asked(&session.settings.paths, path) && !session.settings.is_off(rule, path);
        is_whole || (is_checked && !is_unknown)
    };
    let update =
        baseline::update(&report.findings, &report.sources, before.as_ref(), &terms, |path| repo.has(path), replaces)?;
    if report.findings.is_empty() && args.output.is_none() && before.is_none() {
        say("no findings to accept; no baseline was written");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(shown) = file.write(&session, &update.text)? {
        let findings = count(report.findings.len(), "finding");
        let is_new = before.is_none();
        let changes = before.map(|_| changes(&update)).unwrap_or_default();
        let next = match (&args.output, update.expired) {
            (Some(_), _) => format!("check against it with --baseline {shown}"),
            (None, 0) => "`flakeward check` now reports only new findings".to_owned(),
            (None, _) => "`flakeward check` reports new findings and those whose entries have expired".to_owned(),
        };
        say(&format!("{findings} written to {shown}{changes}; {next}"));
        keeps(&update, &shown).iter().for_each(|text| say(text));
        if is_new && args.output.is_none() {
            say(&format!("commit the baseline so that everyone uses it: git add {shown}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The differences between a baseline and the previous one.
fn changes(update: &Update) -> String {
    let kept = match update.kept {
        0 => String::new(),
        kept => format!(", {kept} for other rules or paths kept"),
    };
    let renewed = match update.renewed {
        0 => String::new(),
        renewed => format!(", {renewed} renewed"),
    };
    format!(" ({} added, {} removed{renewed}{kept})", update.added, update.removed)
}

/// Notes about entries that this run did not change although the user may expect it.
fn keeps(update: &Update, shown: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if update.expired > 0 {
        texts.push(format!("{} expired: renew with `flakeward baseline --until DATE`", entries(update.expired)));
    }
    if update.differing > 0 {
        texts.push(format!(
            "{} not changed, although the reason or last day differs: edit {shown} to change them",
            entries(update.differing)
        ));
    }
    texts
}

fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

/// Refuses a last day before the date of the run: the entries would accept nothing.
fn refuse_past(until: Option<Date>, now: Date) -> Result<(), Failure> {
    match until.filter(|until| *until < now) {
        None => Ok(()),
        Some(until) => {
            Err(Failure::new(format!("--until {until} is in the past, so the entries would accept nothing"))
                .help(format!("name the last day on which the findings are accepted; today is {now}")))
        }
    }
}

fn prune(file: &Target, before: Option<Baseline>, session: &Session, args: &BaselineArgs) -> Result<ExitCode, Failure> {
    let Some(before) = before else {
        let help = match args.scope.repo.isolated {
            true => "`--isolated` ignores the baseline and the settings that its entries depend on",
            false => "`flakeward baseline` writes one; --output FILE selects another file",
        };
        return Err(Failure::new("there is no baseline to prune").help(help));
    };
    let (repo, report) = check(session)?;
    let is_off = |rule: &str, path: &str| session.settings.is_off(rule, path);
    let (text, removed) = before.pruned(&report.findings, &report.sources, |path| repo.has(path), is_off)?;
    if text == before.text && args.output.as_deref() != Some(Path::new("-")) {
        say("every entry in the baseline is needed; nothing was removed");
    } else if let Some(shown) = file.write(session, &text)? {
        say(&format!("{} removed from {shown}", entries(removed)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether an invalid file is probably a damaged baseline, for example after a merge with conflicts: it has the keys of
/// a baseline, or is empty.
fn resembles_baseline(file: &Path) -> bool {
    let text = walk::read_settings(file, None, walk::MAX_FILE).unwrap_or_default();
    let is_empty = file.metadata().is_ok_and(|file| file.is_file() && file.len() == 0);
    is_empty || ["\"findings\"", "\"fingerprint\""].iter().any(|key| text.contains(key))
}

/// The entries that can be kept from an invalid baseline; see [`Baseline::salvaged`]. `None` if something would be
/// lost; the inner option is `None` if there are no entries.
fn salvaged(named: Option<&Path>, session: &Session) -> Option<Option<Baseline>> {
    let usual = session.root.join(baseline::DEFAULT);
    let found_in = named.is_none().then_some(session.root.as_path());
    let file = named.unwrap_or(&usual);
    let text = walk::read_settings(file, found_in, walk::MAX_FILE).ok()?;
    let kept = Baseline::salvaged(baseline::DEFAULT.into(), text)?;
    let shown = session.view.disk_path(&session.root, file);
    say(&match kept.len() {
        0 => format!("{} is invalid and contains no entries; it is replaced", shown.display()),
        1 => format!("{} is invalid; the reason and date of its only entry are kept", shown.display()),
        count => format!("{} is invalid; the reasons and dates of its {count} entries are kept", shown.display()),
    });
    Some(Some(kept).filter(|kept| !kept.is_empty()))
}

/// Prints a message to the user. The baseline has already been written, so a failure to print is not an error.
fn say(text: &str) {
    let text = fitted(&clean(text), 0, &stream::stderr());
    let _ = writeln!(io::stderr(), "{text}");
}

/// The file that a baseline is read from and written to.
enum Target {
    /// Standard output.
    Stdout,
    /// The default file in the repository.
    Usual(PathBuf),
    /// A file given on the command line.
    Named(PathBuf),
}

impl Target {
    fn of(args: &BaselineArgs, session: &Session) -> Result<Self, Failure> {
        match &args.output {
            Some(file) if file.as_os_str() == "-" => Ok(Self::Stdout),
            Some(file) => Ok(Self::Named(file.clone())),
            None => {
                fix::write::guard(&session.root, baseline::DEFAULT)
                    .map_err(|reason| Failure::new(format!("cannot write {}: {reason}", baseline::DEFAULT)))?;
                Ok(Self::Usual(session.root.join(baseline::DEFAULT)))
            }
        }
    }

    /// The existing baseline, whose reasons and dates are kept even with `--isolated`, which ignores the settings of a
    /// check but not the content of the file that is replaced. With `--prune --isolated`, it is not read, because
    /// entries that are needed under the settings would be removed. The baseline may be invalid if it will be replaced,
    /// for example after a merge with conflicts.
    fn read(&self, session: &mut Session, args: &BaselineArgs) -> Result<Option<Baseline>, Failure> {
        let named = match self {
            Self::Named(file) if file.exists() || args.prune => Some(file.as_path()),
            Self::Named(_) => return Ok(None),
            Self::Usual(_) | Self::Stdout => None,
        };
        let is_replaced = matches!(self, Self::Usual(_)) && !args.prune;
        match session.read_baseline(named, args.scope.repo.isolated && !is_replaced) {
            Ok(()) => Ok(session.settings.baseline.take()),
            Err(failure) if args.prune => Err(failure),
            Err(_) if named.is_some_and(|file| !resembles_baseline(file)) => {
                let shown = named.unwrap_or(Path::new("")).display();
                Err(Failure::new(format!("{shown} is not a baseline, so it is not overwritten"))
                    .help("name another file, or remove this one first"))
            }
            Err(failure) => salvaged(named, session).ok_or_else(|| {
                let help = "correct the file to keep its reasons and dates, or remove it";
                match failure {
                    Failure::Settings(error) => {
                        Failure::Settings(Box::new(ConfigError { help: Some(help.to_owned()), ..*error }))
                    }
                    plain => plain.help(help),
                }
            }),
        }
    }

    /// Writes the text. Returns the path relative to the working directory; `None` for standard output.
    fn write(&self, session: &Session, text: &str) -> Result<Option<String>, Failure> {
        let file = match self {
            Self::Stdout => return print_json(text).map(|()| None),
            Self::Usual(file) | Self::Named(file) => file,
        };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), std::fs::create_dir_all).map_err(|error| Failure::io("write", file, &error))?;
        output_file::write(file, |out| out.write_all(text.as_bytes()))?;
        Ok(Some(session.view.disk_path(&session.root, file).display().to_string()))
    }
}

/// Checks the whole repository. The error contains everything that could not be checked.
fn check(session: &Session) -> Result<(Repo, Report), Failure> {
    let repo = session.repo();
    let report = crate::check(&repo, &session.settings);
    if report.internal_error() {
        return Err(Failure::new("internal error in a check, so the baseline would be incomplete")
            .help("run `flakeward check` for details, and please report this bug"));
    }
    if let Some(finding) = report.findings.iter().find(|finding| finding.rule == UNCHECKED) {
        let path = session.view.path(&finding.path);
        let failure = Failure::new(format!("{path}: {}; the baseline would be incomplete", finding.message));
        return Err(failure.help(finding.help.clone().unwrap_or_default()));
    }
    Ok((repo, report))
}
