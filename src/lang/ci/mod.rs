//! The files of CI systems, and what runs in them: scripts, and actions, tasks, orbs and plugins.

pub mod github;
mod scan;

use std::borrow::Cow;

use super::Node;
use super::yaml::Yaml;
use crate::finding::Span;

pub use scan::sites;

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// GitHub Actions, Forgejo and Gitea workflows.
    GitHub,
    /// A composite action of the same systems.
    GitHubAction,
    /// GitLab CI.
    GitLab,
    /// CircleCI.
    CircleCi,
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// Woodpecker and Drone.
    Woodpecker,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Travis CI, AppVeyor and Cirrus CI: scripts under well-known keys.
    Travis,
    /// AWS CodeBuild.
    CodeBuild,
    /// Google Cloud Build.
    CloudBuild,
    /// Semaphore.
    Semaphore,
    /// builds.sr.ht, the CI of SourceHut.
    SourceHut,
}

/// The CI system that reads a file, judging by its path.
pub fn system(path: &str) -> Option<System> {
    let lower = path.to_ascii_lowercase();
    let (folder, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"))?;
    let below = |part: &str| folder.split('/').any(|folder| folder == part);
    // The workflows of a project that was copied into a folder do not run.
    if [".github/workflows", ".forgejo/workflows", ".gitea/workflows"].contains(&folder) {
        return Some(System::GitHub);
    }
    Some(match stem {
        "action" => System::GitHubAction,
        ".gitlab-ci" | "gitlab-ci" => System::GitLab,
        ".travis" | "appveyor" | ".appveyor" | ".cirrus" => System::Travis,
        ".drone" | ".woodpecker" | "woodpecker" => System::Woodpecker,
        "bitbucket-pipelines" => System::Bitbucket,
        "cloudbuild" => System::CloudBuild,
        "buildspec" => System::CodeBuild,
        ".build" => System::SourceHut,
        _ if stem.ends_with(".gitlab-ci") || stem.starts_with(".gitlab-ci") || below(".gitlab") => System::GitLab,
        _ if below(".circleci") => System::CircleCi,
        _ if stem.starts_with("azure-pipeline") || below(".azure-pipelines") || below(".azuredevops") => System::Azure,
        _ if below(".buildkite") || stem == "buildkite" => System::Buildkite,
        _ if below(".semaphore") => System::Semaphore,
        _ if folder == ".builds" => System::SourceHut,
        // Woodpecker reads only the folder in the root; others are fixtures or copies.
        _ if matches!(folder.split('/').next(), Some(".woodpecker" | ".drone")) => System::Woodpecker,
        _ if stem.starts_with("cloudbuild.") || stem.starts_with("cloudbuild-") => System::CloudBuild,
        _ if stem.starts_with("buildspec.") || stem.starts_with("buildspec-") => System::CodeBuild,
        _ => return None,
    })
}

/// The name of an action, without its version: `docker/bake-action`. Forgejo and Gitea also accept URLs:
/// `https://github.com/docker/bake-action@v6`.
pub fn action_name(uses: &str) -> &str {
    let name = uses.split('@').next().unwrap_or(uses);
    let path = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://"));
    path.and_then(|path| path.split_once('/')).map_or(name, |(_, name)| name.trim_end_matches(".git"))
}

/// A script in a CI file. Its text keeps the offsets in the file, so escapes are padded with blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Its offset in the file.
    pub start: u32,
}

impl<'a> Script<'a> {
    /// The script in a scalar.
    pub fn read(yaml: &Yaml<'_, 'a>, node: Node) -> Option<Self> {
        let (text, start) = yaml.script(node)?;
        Some(Self { text, start })
    }

    /// Converts a span in the script to a span in the file.
    pub fn span(&self, inside: Span) -> Span {
        Span { start: self.start + inside.start, end: self.start + inside.end }
    }
}

/// The kind of a reusable unit; each system has its own term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// GitHub's `uses`.
    Action,
    /// An Azure task.
    Task,
    /// A command or job of a CircleCI orb, with the orb's name in place of its alias: `circleci/docker/build`.
    Orb,
    /// A Buildkite plugin.
    Plugin,
    /// An image that is run for a step (Woodpecker, Drone, Cloud Build).
    Image,
}

/// Something that a CI file runs.
#[derive(Debug, Clone)]
pub enum Site<'a> {
    /// A shell script, or one item in a list of commands.
    Script(Script<'a>),
    /// A reusable unit.
    Uses {
        /// The kind of unit.
        work: Work,
        /// Its name, with the version if one is given.
        name: Cow<'a, str>,
        /// The span of the name.
        span: Span,
        /// The mapping of its parameters.
        parameters: Option<Node>,
    },
}

#[cfg(test)]
mod tests;
