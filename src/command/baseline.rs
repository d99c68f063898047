//! `flakeward baseline`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::{Failure, print_json, session::Session};
use crate::cli::BaselineArgs;
use crate::finding::UNCHECKED;
use crate::fix;
use crate::output::text::count;
use crate::suppress::baseline;

/// Writes down the findings of now.
pub fn run(args: &BaselineArgs) -> Result<ExitCode, Failure> {
    let session = Session::open(&args.scope, None)?;
    if !session.settings.paths.is_empty() || session.nothing_asked {
        return Err(Failure::new("a baseline always covers the whole repository and cannot be limited to paths")
            .help(format!("run it on {}", session.root.display())));
    }
    let report = session.check();
    if report.internal_error() {
        return Err(Failure::new("internal error in a check, so the baseline would be incomplete")
            .help("run `flakeward check` for details, and please report this bug"));
    }
    if let Some(finding) = report.findings.iter().find(|finding| finding.rule == UNCHECKED) {
        let path = session.view.path(&finding.path);
        return Err(Failure::new(format!("{path} {}, so the baseline would not be whole", finding.message))
            .help("make it readable, or leave it out with `exclude` in flakeward.toml"));
    }
    let text = baseline::write(&report)?;
    let usual = session.root.join(baseline::DEFAULT);
    if report.findings.is_empty() && args.output.is_none() && !usual.exists() {
        let _ = writeln!(io::stderr(), "no findings to accept; no baseline was written");
        return Ok(ExitCode::SUCCESS);
    }
    let file = match &args.output {
        Some(file) if file.as_os_str() == "-" => {
            print_json(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(file) => file.clone(),
        None => {
            fix::write::guard(&session.root, baseline::DEFAULT)
                .map_err(|reason| Failure::new(format!("cannot write {}: {reason}", baseline::DEFAULT)))?;
            usual
        }
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), std::fs::create_dir_all).map_err(|error| Failure::io("write", &file, &error))?;
    std::fs::write(&file, text).map_err(|error| Failure::io("write", &file, &error))?;
    let shown = session.view.disk_path(&session.root, &file);
    // A remark: the file is written whether it can be said or not.
    let _ = writeln!(io::stderr(), "{}", said(&shown, report.findings.len(), args.output.is_none()));
    Ok(ExitCode::SUCCESS)
}

fn said(file: &Path, findings: usize, found_by_itself: bool) -> String {
    let findings = count(findings, "finding");
    match found_by_itself {
        true => format!("{findings} written to {}; `flakeward check` now reports only new findings", file.display()),
        false => format!("{findings} written to {0}; check against it with --baseline {0}", file.display()),
    }
}
