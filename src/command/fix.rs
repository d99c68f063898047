//! `flakeward fix`.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use super::{Failure, forgive_closed, git, print_patch, session::Session};
use crate::cli::FixArgs;
use crate::finding::{Fix, RelPath, Safety};
use crate::fix::{self, Outcome, Request, diff};
use crate::output::{View, fixes, notes, stream};
use crate::{paths, walk};

/// Applies fixes, writes the files or prints a diff, and reports what was fixed and what remains.
pub fn run(args: &FixArgs) -> Result<ExitCode, Failure> {
    for path in &args.scope.repo.paths {
        refuse_unfixable(path)?;
    }
    let mut session = Session::open(&args.scope, None)?;
    if session.nothing_asked {
        return Ok(ExitCode::SUCCESS);
    }
    // Findings that the baseline accepts are ignored, as in `check`.
    if !args.accepted {
        session.read_baseline(args.baseline.as_deref(), args.scope.repo.isolated)?;
    }
    let allowed = if args.needs_unsafe { Safety::Unsafe } else { Safety::Safe };
    // Fixes that are not applied are also counted.
    session.settings.fixes = Safety::Unsafe;
    let repo = session.repo();
    // A flake does not see a new file that git ignores, and neither does the next run.
    let left_out = |path: &str| session.left_out(path).filter(|_| !repo.has(path));
    let guard = |path: &str| {
        fix::write::guard(&session.root, path)?;
        left_out(path).map_or(Ok(()), |why| Err(why.reason("it", &session.root)))
    };
    let outcome = fix::fix(&repo, &session.settings, &Request { allowed, only: None, guard: &guard });
    if !args.diff {
        fix::write::write(&session.root, &outcome.changes).map_err(|failure| Failure::new(failure.to_string()))?;
    }
    let view = View { stream: stream::stdout(args.output.color), quiet: args.output.quiet, ..session.view.clone() };
    let has_flake = repo.paths().any(|path| paths::name(path) == "flake.nix");
    let unseen = git::unseen_by_flake(&session.root, has_flake, &outcome.report.overview.registries);
    tell(&outcome, &unseen, &view, args)?;
    if let Some((path, why)) = missing_files(&outcome).into_iter().find_map(|path| Some((path, left_out(path)?))) {
        super::tell(
            &Failure::new(why.reason(&session.view.path(path), &session.root))
                .help(format!("{}, and create the registry with `flakeward ports init`", why.remedy())),
        );
    }
    Ok(exit_code(&outcome, args))
}

/// The files of all fixes that were refused because one of their files cannot be written.
fn missing_files(outcome: &Outcome) -> BTreeSet<&str> {
    let unwritable = outcome.refused.iter().filter(|refused| refused.unwritable);
    let fixes = unwritable.filter_map(|refused| refused.finding.fix.as_ref());
    fixes.flat_map(Fix::files).map(|path| &**path).collect()
}

/// Rejects paths that cannot be fixed: standard input cannot be rewritten, and a path through a link may lead out of
/// the repository.
fn refuse_unfixable(path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::new("`fix` rewrites files and cannot fix stdin"));
    }
    let named = if path.is_absolute() { 1 } else { usize::MAX };
    let is_link = |path: &&Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    match path.ancestors().take(named).find(is_link) {
        Some(link) => Err(Failure::new(format!("{} is a symbolic link", link.display()))
            .help("fixes are never written through symbolic links; name the target file instead")),
        None => Ok(()),
    }
}

fn tell(outcome: &Outcome, unseen: &[&RelPath], view: &View, args: &FixArgs) -> Result<(), Failure> {
    if args.diff {
        print_patch(&diff::unified(&outcome.changes), &view.stream)?;
    } else {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = fixes::write(outcome, view, &mut out);
        forgive_closed(written.and_then(|()| out.flush()))
            .map_err(|error| Failure::new(format!("cannot write to stdout: {}", walk::io_reason(&error))))?;
    }
    // If notes cannot be written to standard error, the files and the exit code remain valid.
    let mut err = io::stderr().lock();
    let _ = notes::write(&outcome.report.notes, view, args.output.verbose, &mut err);
    if args.diff {
        let _ = fixes::refusals(outcome, view, &mut err);
    }
    if !args.output.quiet {
        let plain = View { stream: stream::stderr(), ..view.clone() };
        let _ = write!(err, "{}", fixes::closing(outcome, unseen, &plain, !args.diff));
    }
    Ok(())
}

/// The exit code: 2 if something could not be written or checked. Otherwise, it depends on the remaining findings, or
/// with `--diff` on the findings in the current files.
fn exit_code(outcome: &Outcome, args: &FixArgs) -> ExitCode {
    let failed = outcome.report.internal_error()
        || outcome.refused.iter().any(|refused| refused.unwritable)
        || (outcome.report.files == 0 && args.require_inputs);
    let reached = match args.diff {
        true => outcome.worst_before.is_some_and(|worst| worst >= args.fail_on),
        false => outcome.report.reaches(args.fail_on),
    };
    ExitCode::from(if failed { 2 } else { u8::from(reached) })
}
