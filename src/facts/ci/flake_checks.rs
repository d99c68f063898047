//! What runs the checks of a flake.

use crate::facts::needles::Words;
use crate::facts::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::lang::ci;
use crate::lang::nix;
use crate::lang::{Kind as NodeKind, Tree};
use crate::source::{Kind, Source};

/// Reads what runs the flake's checks.
pub static READER: Reader = Reader { name: "flake checks", needles: &[&BUILT, &RUN], may_hold, read };

static BUILT: Words = Words::any_of(&SERVICES);
static RUN: Words = Words::any_of(&RUNNERS);

/// What a file says about running the flake's checks.
#[derive(Debug, Default)]
pub struct CheckFacts {
    /// It is a file of the repository's CI.
    pub is_ci: bool,
    /// It runs the checks, or names a service that does.
    pub runs: bool,
    /// It is the repository's flake: where its outputs begin.
    pub flake: Option<Span>,
}

impl Fact for CheckFacts {}

impl CheckFacts {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        !self.is_ci && !self.runs && self.flake.is_none()
    }
}

/// What runs the checks of a flake, as it is written in CI files, scripts and recipes.
const RUNNERS: [&str; 19] = [
    "flake check",
    "flake-check-action",
    "nix-fast-build",
    "omnix",
    "om ci",
    "nixci",
    "vira ci",
    "devour-flake",
    "#checks.",
    "DeterminateSystems/ci/",
    "nixbuild-action/.github",
    "nix-github-actions",
    "buildbot/nix",
    "buildbot-nix",
    "garnix",
    "hercules-ci",
    "hydra.nixos.org",
    "nix-eval-jobs",
    "nixpkgs-review",
];

/// What says in Nix that a service builds the flake's outputs.
const SERVICES: [&str; 4] = ["hydraJobs", "herculesCI", "nix-github-actions", "mkGithubMatrix"];
/// Services whose settings may stand elsewhere: the flake naming one, even in a comment, is enough to keep silent.
const NAMED_SERVICES: [&str; 2] = ["garnix", "buildbot"];

fn may_hold(source: &Glance<'_>) -> bool {
    counts(source)
        && match source.kind {
            Kind::Nix => &*source.path == "flake.nix" || source.has(&BUILT),
            Kind::Shell | Kind::Just | Kind::Make => source.has(&RUN),
            _ => true,
        }
}

/// Whether it matters what a file says, by its place.
fn counts(source: &Source) -> bool {
    match source.kind {
        Kind::Yaml => is_own_ci(&source.path) || speaks_of_ci(&source.path),
        Kind::Nix | Kind::Shell | Kind::Just | Kind::Make => true,
        Kind::Lock | Kind::Dockerfile | Kind::Settings => false,
    }
}

/// A CI file of the repository itself, not of a template or example in it.
fn is_own_ci(path: &str) -> bool {
    let hidden = path.starts_with('.') || !path.contains('/');
    hidden && ci::system(path).is_some_and(|system| system != ci::System::GitHubAction)
}

/// Other files that name the checks that a merge waits for.
fn speaks_of_ci(path: &str) -> bool {
    path.starts_with(".github/") || matches!(path, ".mergify.yml" | "garnix.yaml" | "bors.yml")
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let source = file.source;
    // Also where every file is read.
    if !counts(source) {
        return None;
    }
    let mut facts = CheckFacts { is_ci: is_own_ci(&source.path) && source.kind == Kind::Yaml, ..CheckFacts::default() };
    match source.kind {
        Kind::Nix => {
            let is_flake = &*source.path == "flake.nix";
            let named = is_flake && NAMED_SERVICES.iter().any(|service| source.text.contains(service));
            facts.runs = named || names_any(&source.text, &SERVICES);
            facts.flake = is_flake.then(|| file.tree.and_then(outputs)).flatten();
        }
        _ => facts.runs = &*source.path == "garnix.yaml" || names_any(&source.text, &RUNNERS),
    }
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

/// Whether a line that is no comment holds one of the words.
fn names_any(text: &str, words: &[&str]) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.into_iter().any(|line| words.iter().any(|word| line.contains(word)))
}

/// The name `outputs` of a flake.
fn outputs(tree: &Tree<'_>) -> Option<Span> {
    let bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    bindings.into_iter().find_map(|binding| {
        let path = nix::attr_path(tree, binding)?;
        let [only] = path.as_slice() else { return None };
        (only.text.as_deref() == Some("outputs")).then(|| tree.span(only.node))
    })
}
