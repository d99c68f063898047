//! `flakeward rules test`: the examples of a repository's custom rules.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Failure, own_rules, print, session};
use crate::output::text::{clean_lines, count};
use crate::rule::{example, own};
use crate::source::LineIndex;
use crate::trial::{self, Fault};
use crate::walk::{self, Unsaved};

/// Runs the examples of the repository's custom rules.
pub fn test() -> Result<ExitCode, Failure> {
    let (root, view) = session::here()?;
    let catalog = own_rules::catalog(&root, None, |path| view.disk_path(&root, path), &Unsaved::default())?;
    let (mut examples, mut faults, mut text) = (0, 0, String::new());
    for rule in catalog.own() {
        let path = root.join(own::path(rule.id));
        let file = view.disk_path(&root, &path).display().to_string();
        let page = walk::read_settings(&path, Some(&root), own::MAX_PAGE).unwrap_or_default();
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
        (0, _) => writeln!(text, "this repository has no custom rules; add one as {}/NAME.md", own::FOLDER),
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
