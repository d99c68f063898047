//! `missing-flake-check`: a repository with a flake and CI that never runs the flake's checks.

use super::{Check, ProjectView, Verdict};
use crate::facts::Project;
use crate::facts::ci::flake_checks::{self, CheckFacts};
use crate::facts::ci::nix::{self, NixFacts};
use crate::finding::Finding;

const RULE: &str = "missing-flake-check";

/// See `rules/missing-flake-check.md`.
pub static CHECK: Check =
    Check::of_project(RULE, &[&flake_checks::READER, &nix::READER], |view: &ProjectView<'_>| -> Verdict {
        missing(view.project).into_iter().collect()
    });

fn missing(project: &Project) -> Option<Finding> {
    let checks = || project.each::<CheckFacts>();
    if checks().any(|(_, checks)| checks.runs) || !checks().any(|(_, checks)| checks.is_ci) {
        return None;
    }
    let (flake, span) = checks().find_map(|(file, checks)| Some((file, checks.flake?)))?;
    let message = "CI never runs `nix flake check`, so a broken output of this flake goes unnoticed";
    let finding = Finding::new(RULE, &flake.source.path, span, message).label("never checked");
    let job = checks().filter(|(_, checks)| checks.is_ci).find_map(|(file, _)| {
        let jobs = &file.fact::<NixFacts>()?.jobs;
        let mut steps = jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)));
        let (job, step) = steps.find(|(_, step)| step.installs)?;
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
