//! Compose files to a flake-parts module with process-compose-flake and services-flake.

use super::{Draft, Error};
use crate::finding::RelPath;

/// Which files of one folder are read together: the usual file with its override; every other file for itself.
pub fn projects(files: &[RelPath]) -> Vec<Vec<RelPath>> {
    let mut projects: Vec<Vec<RelPath>> = Vec::new();
    let stem = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    for file in files.iter().filter(|file| !stem(file).ends_with(".override")) {
        let wanted = format!("{}.override", stem(file));
        let overrides = files.iter().filter(|other| stem(other) == wanted);
        projects.push(std::iter::once(file).chain(overrides).cloned().collect());
    }
    projects
}

/// Migrates the Compose files of one project, the later ones over the earlier ones.
pub fn migrate(draft: &mut Draft<'_>, files: &[RelPath]) -> Result<(), Error> {
    let _ = draft;
    Err(Error::new(files.first().unwrap_or(&"compose.yaml".into()), "Compose files cannot be migrated yet"))
}
