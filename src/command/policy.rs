//! A repository's own rules: reading their pages, and `flakeward rules test`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, print, session};
use crate::config::ConfigError;
use crate::output::text::{clean_lines, count};
use crate::rule::page::PageError;
use crate::rule::{Catalog, Rule, example, own};
use crate::source::LineIndex;
use crate::trial::{self, Fault};
use crate::walk;

/// The rules of a repository: the built-in ones and its own. `shown` says how a path is shown.
pub fn catalog(root: &Path, shown: impl Fn(&Path) -> PathBuf) -> Result<Catalog, Failure> {
    let folder = root.join(own::FOLDER);
    let cannot = |path: &Path, reason: String| {
        Failure::new(format!("cannot read the rules in {}: {reason}", shown(path).display()))
    };
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Catalog::built_in()),
        Err(error) => return Err(cannot(&folder, walk::io_reason(&error))),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot(&folder, walk::io_reason(&error)))?.path();
        // A readme is for people, wherever it is.
        let is_readme = path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("readme.md"));
        if path.extension().is_some_and(|extension| extension == "md") && !is_readme {
            files.push(path);
        }
    }
    files.sort();
    let rules = files.iter().map(|file| page(root, file, &shown(file))).collect::<Result<_, _>>()?;
    Ok(Catalog::with(rules))
}

fn page(root: &Path, file: &Path, shown: &Path) -> Result<Rule, Failure> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let text = session::read_settings(file, Some(root))
        .map_err(|reason| Failure::new(format!("cannot read the rule {}: {reason}", shown.display())))?;
    let rule = own::parse(&name, &text).map_err(|error| broken(shown, &text, error))?;
    // A page whose examples cannot be read is broken as well, though nothing but its test reads them.
    let body_at = text.len() - rule.body.len();
    match example::read(&rule.body) {
        Ok(_) => Ok(rule),
        Err(error) => {
            let span = error.span.map(|span| span.start + body_at..span.end + body_at);
            Err(broken(shown, &text, PageError { span, ..error }))
        }
    }
}

fn broken(shown: &Path, text: &str, error: PageError) -> Failure {
    Failure::Settings(Box::new(ConfigError {
        path: shown.to_owned(),
        text: text.to_owned(),
        span: error.span,
        message: error.message,
        help: error.help,
    }))
}

/// Runs the examples of the repository's own rules.
pub fn test() -> Result<ExitCode, Failure> {
    let (root, view) = session::here()?;
    let catalog = catalog(&root, |path| view.disk_path(&root, path))?;
    let (mut examples, mut faults, mut text) = (0, 0, String::new());
    for rule in catalog.own() {
        let path = root.join(crate::output::url(rule.id));
        let file = view.disk_path(&root, &path).display().to_string();
        let page = session::read_settings(&path, Some(&root)).unwrap_or_default();
        let (index, body_at) = (LineIndex::new(&page), page.len().saturating_sub(rule.body.len()));
        for example in example::read(&rule.body).unwrap_or_default() {
            examples += 1;
            let Some(fault) = trial::judge(rule, &example, &catalog) else { continue };
            faults += 1;
            let start = match &fault {
                Fault::Differs { at, .. } => at.start,
                _ => example.blocks.first().map_or(0, |block| block.span.start),
            };
            let line = index.line((body_at + start) as u32);
            let _ = writeln!(text, "{file}:{line}: `{}` {}", example.title, told(&fault));
        }
    }
    let rules = catalog.own().len();
    let _ = match (rules, faults) {
        (0, _) => writeln!(text, "this repository has no rules of its own; add one as {}/NAME.md", own::FOLDER),
        (_, 0) => writeln!(text, "{}, {}: all passed", count(rules, "rule"), count(examples, "example")),
        _ => writeln!(text, "{faults} of {} failed", count(examples, "example")),
    };
    print(&clean_lines(&text))?;
    Ok(ExitCode::from(u8::from(faults > 0)))
}

fn told(fault: &Fault) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("\n    {line}")).collect::<String>();
    match fault {
        Fault::Empty => "has no file: add a block ```nix file=modules/web.nix".to_owned(),
        Fault::Settings(message) => format!("has invalid settings: {message}"),
        Fault::Silent => "is under Bad, but has no findings".to_owned(),
        Fault::Reported(printed) => format!("is under Good, but has findings:{}", indented(printed)),
        Fault::GoodWithFindings => "is under Good, but has a `findings` block".to_owned(),
        Fault::Untold(printed) => format!("has no `findings` block; the findings are:{}", indented(printed)),
        Fault::Differs { said, printed, .. } => {
            format!("expects{}\n  but the findings are:{}", indented(said), indented(printed))
        }
    }
}
