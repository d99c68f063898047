//! Migrates a file that has a finding. The plan contains the changes that `flakeward migrate` writes, for an editor to
//! apply.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::command::migrate::{Disk, compose_files, draft};
use crate::facts::Project;
use crate::finding::RelPath;
use crate::fix::{self, Change};
use crate::migrate::{self, Draft, Error, Files, Left};
use crate::settings::Settings;

/// The possible migrations of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A Compose file, with the files that Compose merges with it.
    ProcessCompose,
    /// A Dockerfile.
    Nix2Container,
    /// A flake.nix.
    FlakeParts,
    /// A CI file.
    NixBuild,
}

impl Target {
    /// The migration that resolves the findings of a rule; `None` if there is none.
    pub fn of_rule(rule: &str) -> Option<Self> {
        match rule {
            "docker-compose" => Some(Self::ProcessCompose),
            "dockerfile" => Some(Self::Nix2Container),
            "for-all-systems" => Some(Self::FlakeParts),
            "docker-build-in-ci" => Some(Self::NixBuild),
            _ => None,
        }
    }

    /// The title of the action.
    pub fn title(self) -> &'static str {
        match self {
            Self::ProcessCompose => "Migrate this file to process-compose-flake",
            Self::Nix2Container => "Migrate this file to nix2container",
            Self::FlakeParts => "Migrate this file to flake-parts",
            Self::NixBuild => "Migrate the Docker builds in this file to Nix",
        }
    }

    fn run(self, draft: &mut Draft<'_>, project: &Project, file: &RelPath) -> Result<(), Error> {
        match self {
            Self::ProcessCompose => migrate::compose::migrate(draft, &compose_files(project, file)),
            Self::Nix2Container => migrate::dockerfile::migrate(draft, file),
            Self::FlakeParts => migrate::flake::migrate(draft, file),
            Self::NixBuild => migrate::ci::migrate(draft, file),
        }
    }
}

/// The result of a migration.
#[derive(Debug)]
pub struct Plan {
    /// The files, each with its previous text.
    pub changes: Vec<Change>,
    /// The work that remains to be done by hand.
    pub left: Vec<Left>,
}

/// The repository's files, with open documents in place of the files on disk.
pub struct Texts {
    /// The files on disk.
    pub disk: Disk,
    /// The texts of the open documents.
    pub open: BTreeMap<RelPath, String>,
}

impl Files for Texts {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        match self.open.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => self.disk.text(path),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        self.disk.is_folder(path)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.disk.names(folder)
    }
}

/// Plans a migration. The error is the reason why nothing can be written.
pub fn plan(
    target: Target,
    file: &RelPath,
    texts: &Texts,
    project: &Project,
    settings: &Settings,
) -> Result<Plan, String> {
    let mut draft = draft(texts, project, settings);
    let migrated = target.run(&mut draft, project, file).and_then(|()| draft.finish());
    let (changes, report) = migrated.map_err(|error| refusal(&error))?;
    if changes.is_empty() {
        let nothing = || "there is nothing in this file that can be migrated".to_owned();
        return Err(match (report.left.first(), report.carried.first()) {
            (Some(left), _) => format!("{}: {}; {}", left.what, left.why, left.todo),
            (None, Some(carried)) if carried.path == *file => format!("{}: {}", carried.what, carried.into),
            _ => nothing(),
        });
    }
    for change in &changes {
        fix::write::guard(&texts.disk.0, &change.path)
            .map_err(|reason| format!("cannot write {}: {reason}", change.path))?;
    }
    Ok(Plan { changes, left: report.left })
}

fn refusal(error: &Error) -> String {
    match &error.help {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    }
}

/// The message about the work that remains to be done by hand. `None` if there is none.
pub fn left_text(left: &[Left]) -> Option<String> {
    const LISTED: usize = 12;
    if left.is_empty() {
        return None;
    }
    let mut text = "flakeward: left to be done by hand:".to_owned();
    for Left { path, line, what, why, todo } in left.iter().take(LISTED) {
        let _ = write!(text, "\n{path}:{line}: {what}: {why}; {todo}");
    }
    if left.len() > LISTED {
        let _ = write!(text, "\nand {} more: `flakeward migrate` lists them", left.len() - LISTED);
    }
    Some(text)
}
