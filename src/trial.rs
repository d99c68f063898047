//! Runs the examples of a rule's page. Each is a small repository whose findings are compared with the page.

use std::ops::Range;
use std::path::Path;

use crate::config::{Config, ConfigError};
use crate::finding::Level;
use crate::output::{self, Format, View};
use crate::repo::Repo;
use crate::report::Report;
use crate::rule::example::{Block, Example};
use crate::rule::{Catalog, Rule};
use crate::run;
use crate::settings::Settings;

/// The bytes of a block's file. `None` if it is marked as Latin-1 but cannot be encoded as such.
pub fn bytes(block: &Block<'_>) -> Option<Vec<u8>> {
    match block.latin1 {
        true => block.text.chars().map(|c| u8::try_from(c).ok()).collect(),
        false => Some(block.text.as_bytes().to_vec()),
    }
}

/// The repository and settings of an example. An error means that its flakeward.toml is invalid.
pub fn repository(example: &Example<'_>, catalog: &Catalog) -> Result<(Repo, Settings), Box<ConfigError>> {
    let config = match example.files().find(|(path, _)| *path == "flakeward.toml") {
        Some((path, block)) => Config::read(Path::new(path), block.text.to_owned(), catalog.clone())?,
        None => Config::of(catalog.clone()),
    };
    let files = example.files().map(|(path, block)| (path, bytes(block).unwrap_or_default()));
    let mut repo = Repo::from_bytes(files);
    repo.exclude(&config.exclude);
    Ok((repo, Settings::new(config)))
}

/// The findings of a page's rule in an example.
pub fn check(rule: &Rule, example: &Example<'_>, catalog: &Catalog) -> Result<Report, Box<ConfigError>> {
    let (repo, mut settings) = repository(example, catalog)?;
    if rule.level == Level::Off && !settings.rules.active(rule.id) {
        settings.decide(rule.id, Level::Hint);
    }
    let mut report = run::check(&repo, &settings);
    report.findings.retain(|finding| finding.rule == rule.id);
    Ok(report)
}

/// The findings in the form of a `findings` block.
pub fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = output::write(Format::Concise, report, &View::default(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A mistake in an example.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no file.
    Empty,
    /// Its flakeward.toml is invalid.
    Settings(String),
    /// It is under Bad, but has no findings.
    Silent,
    /// It is under Good, but has findings.
    Reported(String),
    /// It is under Good, but has a `findings` block.
    GoodWithFindings,
    /// It is under Bad and has findings, but no `findings` block.
    Untold(String),
    /// Its `findings` block differs from the findings.
    Differs {
        /// The position of the block in the page's body.
        at: Range<usize>,
        /// The content of the block.
        said: String,
        /// The actual findings.
        printed: String,
    },
}

/// The mistake in an example; `None` if the findings of its rule are as the page says.
pub fn judge(rule: &Rule, example: &Example<'_>, catalog: &Catalog) -> Option<Fault> {
    if example.files().next().is_none() {
        return Some(Fault::Empty);
    }
    let printed = match check(rule, example, catalog) {
        Ok(report) => printed(&report),
        Err(error) => return Some(Fault::Settings(error.to_string())),
    };
    match (example.good, example.findings()) {
        (true, Some(_)) => Some(Fault::GoodWithFindings),
        (true, None) => (!printed.is_empty()).then_some(Fault::Reported(printed)),
        (false, _) if printed.is_empty() => Some(Fault::Silent),
        (false, Some(block)) if block.text == printed => None,
        (false, Some(block)) => Some(Fault::Differs { at: block.span.clone(), said: block.text.to_owned(), printed }),
        (false, None) => Some(Fault::Untold(printed)),
    }
}
