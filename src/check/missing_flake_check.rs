//! `missing-flake-check`: a repository with a flake and CI that never runs the flake's checks.

use crate::check::{Check, FileContext, Glance, ProjectContext};
use crate::facts::Project;
use crate::facts::needles::Words;
use crate::finding::{Finding, Span};
use crate::lang::ci;
use crate::lang::nix;
use crate::lang::{Kind as NodeKind, Tree};
use crate::source::{Kind, Source};

/// See `rules/missing-flake-check.md`.
pub static CHECK: Check = Check { name: "flake-check", words: &[&BUILT, &RUN], trigger, file, project };

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

fn trigger(source: &Glance<'_>) -> bool {
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

fn file(context: &mut FileContext<'_>) {
    let source = context.source;
    // Also where every file is read.
    if !counts(source) {
        return;
    }
    let mut facts = CheckFacts { is_ci: is_own_ci(&source.path) && source.kind == Kind::Yaml, ..CheckFacts::default() };
    match source.kind {
        Kind::Nix => {
            let is_flake = &*source.path == "flake.nix";
            let named = is_flake && NAMED_SERVICES.iter().any(|service| source.text.contains(service));
            facts.runs = named || names_any(&source.text, &SERVICES);
            facts.flake = is_flake.then(|| context.tree.and_then(outputs)).flatten();
        }
        _ => facts.runs = &*source.path == "garnix.yaml" || names_any(&source.text, &RUNNERS),
    }
    context.facts.ci.checks = facts;
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

fn project(context: &mut ProjectContext<'_>) {
    let finding = missing(context.project);
    finding.into_iter().for_each(|finding| context.report(finding));
}

fn missing(project: &Project) -> Option<Finding> {
    let facts = || project.files.iter().map(|file| (file, &file.facts.ci));
    if facts().any(|(_, ci)| ci.checks.runs) || !facts().any(|(_, ci)| ci.checks.is_ci) {
        return None;
    }
    let (flake, span) = facts().find_map(|(file, ci)| Some((file, ci.checks.flake?)))?;
    let message = "CI never runs `nix flake check`, so a broken output of this flake goes unnoticed";
    let finding = Finding::new("missing-flake-check", &flake.source.path, span, message).label("never checked");
    let job = facts().find_map(|(file, ci)| {
        let job = ci.jobs.iter().filter(|_| ci.checks.is_ci);
        let installer = job.flat_map(|job| job.steps.iter().map(move |step| (job, step)));
        let (job, step) = installer.into_iter().find(|(_, step)| step.installs)?;
        Some((file, job, step))
    });
    Some(match job {
        Some((file, job, step)) => finding
            .also(&file.source.path, step.span, "Nix is installed here")
            .help(format!("add `- run: nix flake check` to the job `{}`", job.name)),
        None => finding.help("add a job that installs Nix and runs `nix flake check`"),
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::found;

    const FLAKE: (&str, &str) = ("flake.nix", "{ outputs = { self }: { }; }");

    fn workflow(run: &str) -> String {
        format!("jobs:\n  a:\n    steps:\n      # nix flake check\n      - run: {run}\n")
    }

    #[test]
    fn repositories_whose_ci_checks_nothing() {
        for (files, expected) in [
            (vec![(".github/workflows/a.yml", workflow("nix build"))], true),
            (vec![(".gitlab-ci.yml", "a:\n  script: nix build\n".to_owned())], true),
            (vec![], false),
            (vec![("templates/x/.github/workflows/a.yml", workflow("nix build"))], false),
            (vec![(".github/dependabot.yml", "version: 2\n".to_owned())], false),
            (vec![(".github/workflows/a.yml", workflow("nix flake check -L"))], false),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    steps:\n      - uses: acme/nix-flake-check-action@v1\n".to_owned(),
                )],
                false,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    steps:\n      - uses: DeterminateSystems/flake-checker-action@main\n".to_owned(),
                )],
                true,
            ),
            (vec![(".github/workflows/a.yml", workflow("nix --quiet flake check"))], false),
            (vec![(".github/workflows/a.yml", workflow("nix run github:Mic92/nix-fast-build"))], false),
            (
                vec![
                    (".github/workflows/a.yml", workflow("just ci")),
                    ("justfile", "ci:\n  nix flake check\n".to_owned()),
                ],
                false,
            ),
            (vec![(".github/workflows/a.yml", workflow("make")), ("garnix.yaml", "builds: {}\n".to_owned())], false),
            (vec![(".github/workflows/a.yml", workflow("make")), ("ci.nix", "{ hydraJobs = { }; }".to_owned())], false),
            (
                vec![
                    (".github/workflows/a.yml", workflow("make")),
                    (".github/mergify.yml", "x: buildbot/nix-build\n".to_owned()),
                ],
                false,
            ),
        ] {
            let mut repo: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
            repo.push(FLAKE);
            assert_eq!(!found("missing-flake-check", &repo).is_empty(), expected, "{files:?}");
        }
        let without_flake = workflow("nix build");
        assert!(found("missing-flake-check", &[(".github/workflows/a.yml", &without_flake)]).is_empty());
    }
}
