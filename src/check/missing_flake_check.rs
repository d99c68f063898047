//! `missing-flake-check`: a repository with a flake and CI that never runs the flake's checks.

use std::collections::BTreeSet;

use super::{Check, ProjectView, Verdict};
use crate::facts::Project;
use crate::facts::ci::flake_checks::{self, CheckFacts};
use crate::facts::ci::nix::{self, NixFacts, NixJob, Runner};
use crate::finding::Finding;
use crate::knowledge::ci_programs::CHECK_SERVICE_FILES;

const RULE: &str = "missing-flake-check";

/// See `rules/missing-flake-check.md`.
pub static CHECK: Check =
    Check::of_project(RULE, &[&flake_checks::READER, &nix::READER], |view: &ProjectView<'_>| -> Verdict {
        missing(view.project).into_iter().collect()
    });

fn missing(project: &Project) -> Option<Finding> {
    let checks = || project.each::<CheckFacts>();
    let is_built = CHECK_SERVICE_FILES.iter().any(|path| project.paths.contains_key(*path));
    if is_built || checks().any(|(_, checks)| checks.runs) || builds_all(project) {
        return None;
    }
    // If no CI file builds or tests anything, another service may do all of it.
    if !checks().any(|(_, checks)| checks.purpose.works) || checks().any(|(_, checks)| checks.purpose.may_check) {
        return None;
    }
    // A reusable workflow in another repository may run the checks, and so may an action whose name suggests it.
    let may_check = |job: &NixJob| job.is_foreign || job.steps.iter().any(|step| says_check(&step.action));
    let mut ci = checks().filter(|(_, checks)| checks.is_ci);
    if ci.any(|(file, _)| file.fact::<NixFacts>().is_some_and(|facts| facts.jobs.iter().any(may_check))) {
        return None;
    }
    let (flake, span) = checks().find_map(|(file, checks)| Some((file, checks.flake?)))?;
    let message = "CI never runs `nix flake check`, so a broken output of this flake goes unnoticed";
    let finding = Finding::new(RULE, &flake.source.path, span, message).label("never checked");
    let job = checks().filter(|(_, checks)| checks.is_ci).find_map(|(file, _)| {
        let jobs = &file.fact::<NixFacts>()?.jobs;
        let mut steps =
            jobs.iter().filter(|job| job.on_pull_request).flat_map(|job| job.steps.iter().map(move |step| (job, step)));
        let (job, step) = steps.find(|(_, step)| step.installs)?;
        Some((file, job, step))
    });
    // A self-hosted runner may already have Nix.
    let builds = || {
        // A nightly workflow does not run on changes.
        let jobs = checks()
            .filter(|(_, checks)| checks.is_ci && checks.purpose.works)
            .filter_map(|(file, _)| Some((file, file.fact::<NixFacts>()?)));
        let mut jobs = jobs.flat_map(|(file, facts)| facts.jobs.iter().map(move |job| (file, job)));
        jobs.find_map(|(file, job)| {
            let (command, span) = job.steps.iter().find_map(|step| step.builds.as_ref())?;
            (job.runner == Runner::Own).then_some((file, job, command, *span))
        })
    };
    let found = job.is_none().then(builds).flatten();
    if let Some((file, job, command, span)) = found {
        return Some(
            finding
                .also(&file.source.path, span, format!("`{command}` runs here, so Nix is installed"))
                .help(format!("add `- run: nix flake check` to the job `{}`", job.name)),
        );
    }
    Some(match job {
        Some((file, job, step)) => finding
            .also(&file.source.path, step.span, "Nix is installed here")
            .help(format!("add `- run: nix flake check` to the job `{}`", job.name)),
        None => finding.help("add a job that installs Nix and runs `nix flake check`"),
    })
}

/// Whether CI may build all of the flake's checks one by one.
fn builds_all(project: &Project) -> bool {
    let facts = || project.all::<CheckFacts>();
    let built: BTreeSet<&str> = facts().flat_map(|facts| &facts.built).map(String::as_str).collect();
    let all = facts().find_map(|facts| facts.checks.as_ref());
    let has_all = all.is_none_or(|all| all.iter().all(|name| built.contains(name.as_str())));
    !built.is_empty() && (built.contains("*") || has_all)
}

/// Whether the name of a third-party action indicates that it checks flakes or runs a whole Nix CI.
fn says_check(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let name = action.split_once('/').map_or("", |(_, name)| name);
    let says = ["check", "-ci", "ci-", "test"].iter().any(|word| name.contains(word));
    says && (name.contains("nix") || name.contains("flake")) && !name.contains("checker") && !name.contains("install")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::check::testing::{found, report_at};

    const FLAKE: (&str, &str) = ("flake.nix", "{ outputs = { self }: { }; }");

    fn workflow(run: &str) -> String {
        format!("jobs:\n  a:\n    steps:\n      # nix flake check\n      - run: {run}\n")
    }

    /// A workflow with a job that builds, and one that calls a workflow in another repository.
    fn calling(uses: &str) -> String {
        format!("{}  b:\n    uses: {uses}\n", workflow("nix build"))
    }

    #[test]
    fn the_help_names_a_job_on_a_machine_with_nix() {
        let text = "on: push\njobs:\n  packages:\n    runs-on: [self-hosted]\n    steps:\n      - run: nix build .#a\n";
        let report = report_at(&[FLAKE, (".github/workflows/a.yml", text)], jiff::civil::date(2026, 8, 19));
        let finding = report.findings.iter().find(|finding| finding.rule == RULE).unwrap();
        assert_eq!(finding.help.as_deref(), Some("add `- run: nix flake check` to the job `packages`"));
    }

    #[test]
    fn the_help_names_no_job_that_does_not_run_on_changes() {
        let nightly = "on:\n  schedule:\n    - cron: 0 1 * * *\njobs:\n  nightly:\n    runs-on: [self-hosted]\n    \
                       steps:\n      - run: nix build .#a\n";
        let ci = "on: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make test\n";
        let files = [FLAKE, (".github/workflows/a.yml", nightly), (".github/workflows/b.yml", ci)];
        let report = report_at(&files, jiff::civil::date(2026, 8, 19));
        let finding = report.findings.iter().find(|finding| finding.rule == RULE).unwrap();
        assert_eq!(finding.help.as_deref(), Some("add a job that installs Nix and runs `nix flake check`"));
    }

    #[test]
    fn ci_that_never_runs_the_flake_checks_is_reported() {
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
                false,
            ),
            (
                vec![(".github/workflows/a.yml", format!("on: {{ schedule: [] }}\n{}", workflow("nix flake update")))],
                false,
            ),
            (vec![(".github/workflows/a.yml", calling("acme/ci/.github/workflows/build.yml@v1"))], false),
            (vec![(".github/workflows/a.yml", calling("stale/ci/.github/workflows/build.yml@v1"))], false),
            (vec![(".github/workflows/a.yml", calling("acme/osv-scanner/.github/workflows/scan.yml@v1"))], true),
            (vec![(".github/workflows/a.yml", calling("acme/ci/.github/workflows/release-please.yml@v1"))], true),
            (vec![(".github/workflows/a.yml", workflow("nix develop -c site-check"))], false),
            (vec![(".github/workflows/a.yml", workflow("nix --quiet flake check"))], false),
            (vec![(".github/workflows/a.yml", workflow("nix build .#checks.x86_64-linux.all"))], false),
            (
                vec![(".github/workflows/a.yml", workflow("nix build \"${{ env.ROOT }}#checks.x86_64-linux.all\""))],
                false,
            ),
            (vec![(".github/workflows/a.yml", workflow("nix build github:acme/site#checks.x86_64-linux.all"))], true),
            (vec![(".github/workflows/a.yml", workflow("nix run github:Mic92/nix-fast-build"))], false),
            (vec![(".github/workflows/a.yml", workflow("nix build && nix run nixpkgs#sbomnix"))], true),
            (vec![(".github/workflows/a.yml", workflow("nix build .#nixcity"))], true),
            (vec![(".github/workflows/a.yml", workflow("omnix ci"))], false),
            (
                vec![
                    (".github/workflows/a.yml", workflow("just ci")),
                    ("justfile", "ci:\n  nix flake check\n".to_owned()),
                ],
                false,
            ),
            (vec![(".github/workflows/a.yml", workflow("make")), ("garnix.yaml", "builds: {}\n".to_owned())], false),
            (
                vec![
                    (".github/workflows/a.yml", workflow("make")),
                    ("buildbot-nix.toml", "attribute = \"checks\"\n".to_owned()),
                ],
                false,
            ),
            (
                vec![
                    (".github/workflows/a.yml", workflow("make")),
                    ("x/buildbot-nix.toml", "attribute = \"checks\"\n".to_owned()),
                ],
                true,
            ),
            (vec![(".github/workflows/a.yml", workflow("nix build --substituters https://cache.garnix.io"))], true),
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
