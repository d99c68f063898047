//! `docker-build-in-ci`: an image that a CI step builds with Docker tooling instead of the flake.

use super::{Check, ProjectView, Verdict};
use crate::facts::ProjectFile;
use crate::facts::ci::calls::{self, Reached};
use crate::facts::ci::images::{self, Build, Container, FlakePackages, ImageFacts};
use crate::finding::Finding;
use crate::lang::ci::{self, System};
use crate::source::Source;

/// The rule of this check.
pub const RULE: &str = "docker-build-in-ci";

/// See `rules/docker-build-in-ci.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&images::READER, &calls::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let packages = FlakePackages::new(view.project, view.flakes());
    let containers = |path| packages.around(path).map_or(&[][..], |packages| &packages.containers);
    let is_left_out = calls::left_out(view.project);
    let files = view.project.each::<ImageFacts>().filter(|(file, _)| !is_left_out(&file.source.path));
    let direct = files.flat_map(|(file, facts)| {
        let containers = containers(&file.source.path);
        facts.builds.iter().map(move |build| finding(&file.source, build, containers))
    });
    let mut verdict: Verdict = direct.collect();
    verdict.notes.extend(calls::left_out_notes(view.project, has_builds, |unit| !unit.builds.is_empty()));
    for Reached { file, unit, from, call } in calls::reached(view.project) {
        let containers = containers(&file.source.path);
        let found = unit.builds.iter().map(|build| finding(&file.source, build, containers));
        verdict.extend(found.map(|finding| finding.also(&from.source.path, call, "run by CI here")));
    }
    verdict
}

fn has_builds(file: &ProjectFile) -> bool {
    file.fact::<ImageFacts>().is_some_and(|facts| !facts.builds.is_empty())
}

fn finding(source: &Source, build: &Build, containers: &[&Container]) -> Finding {
    let package = matching(build, containers);
    let message = format!("`{}` builds an image with Docker tooling instead of `nix build`", build.tool);
    let help = match (package, containers) {
        (Some(Container { name, pushes: true }), _) => {
            format!("`nix build .#{name}` builds it, `nix run .#{name}.copyToRegistry` pushes it")
        }
        (Some(Container { name, pushes: false }), _) => format!("`nix build .#{name}` builds it"),
        (None, []) => "define the image as a package with nix2container.buildImage; then \
             `nix build .#container-<name>` builds it and `nix run .#container-<name>.copyToRegistry` pushes it"
            .to_owned(),
        (None, [only]) => format!(
            "the flake already builds an image: `nix build .#{}`; if it is not this image, add this one as another \
             package",
            only.name
        ),
        (None, names) => {
            let names: Vec<String> =
                names.iter().take(4).map(|found| format!("`nix build .#{}`", found.name)).collect();
            format!("the flake already builds images: {}; add this one as another package", names.join(", "))
        }
    };
    // `migrate ci` rewrites only GitHub workflows.
    let help = match ci::system(&source.path) {
        Some(System::GitHub) => {
            format!("{help}; `flakeward migrate ci {}` rewrites the steps that it can translate", source.path)
        }
        _ => help,
    };
    Finding::new(RULE, &source.path, build.span, message)
        .label(format!("use `nix build .#{}`", package.map_or("container-<name>", |found| found.name.as_str())))
        .help(help)
}

/// The flake's package that most likely builds this image: the one with the longest name that occurs in the command.
/// Even the only image of a flake may be another one.
fn matching<'a>(build: &Build, containers: &[&'a Container]) -> Option<&'a Container> {
    let stem = |container: &'a Container| {
        let name = container.name.as_str();
        let name = name.strip_prefix("container-").or_else(|| name.strip_prefix("image-")).unwrap_or(name);
        name.strip_suffix("-container").or_else(|| name.strip_suffix("-image")).unwrap_or(name)
    };
    let is_separate = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let named = |found: &&'a Container| build.words.split(is_separate).any(|word| word == stem(found));
    containers.iter().copied().filter(named).max_by_key(|found| stem(found).len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Span;

    #[test]
    fn gitlab_files_that_might_not_run_get_a_note() {
        const BUILD: &str = "a:\n  script: docker build .\n";
        let include = |path: &str| format!("include: {path}\n");
        let note = "cannot tell whether GitLab runs this file";
        // The file in the root, one in a folder, a script; the number of findings, and whether there is a note.
        for (root, nested, script, findings, noted) in [
            (String::new(), BUILD, "", 0, true),
            (include("/service/.gitlab-ci.yml"), BUILD, "", 1, false),
            (include("service/*.yml"), BUILD, "", 1, false),
            (include("vice/.gitlab-ci.yml"), BUILD, "", 0, true),
            (String::new(), "a:\n  script: [ci/image.sh]\n", "docker build .\n", 0, true),
            (String::new(), "a:\n  script: [ci/image.sh]\n", "cargo build\n", 0, false),
        ] {
            let files = [(".gitlab-ci.yml", &*root), ("service/.gitlab-ci.yml", nested), ("ci/image.sh", script)];
            let report = crate::check::testing::report_at(&files, jiff::civil::date(2026, 8, 19));
            let found = report.findings.iter().filter(|finding| finding.rule == RULE).count();
            let has_note = report.notes.iter().any(|found| found.message.starts_with(note));
            assert_eq!((found, has_note), (findings, noted), "{root} {nested} {script}");
        }
    }

    #[test]
    fn every_gitlab_file_that_leads_to_a_build_gets_a_note() {
        let step = |script: &str| format!("a:\n  script: [{script}]\n");
        let (a, b) = (step("ci/first.sh"), step("ci/second.sh"));
        let files = [
            (".gitlab-ci.yml", ""),
            ("a/.gitlab-ci.yml", &*a),
            ("b/.gitlab-ci.yml", &*a),
            ("c/.gitlab-ci.yml", &*b),
            ("d/.gitlab-ci.yml", "a:\n  script: [ci/other.sh]\n"),
            // The scripts call each other.
            ("ci/first.sh", "./ci/second.sh\n"),
            ("ci/second.sh", "./ci/first.sh\n./ci/third.sh\n"),
            ("ci/third.sh", "docker build .\n"),
            ("ci/other.sh", "cargo build\n"),
        ];
        let report = crate::check::testing::report_at(&files, jiff::civil::date(2026, 8, 19));
        let mut noted: Vec<&str> = report.notes.iter().filter_map(|note| note.path.as_deref()).collect();
        noted.sort_unstable();
        assert_eq!(noted, ["a/.gitlab-ci.yml", "b/.gitlab-ci.yml", "c/.gitlab-ci.yml"]);
    }

    #[test]
    fn the_image_with_the_name_in_the_command_is_suggested() {
        let build = |words: &str| Build { span: Span::default(), tool: "docker build".into(), words: words.into() };
        let container = |name: &str| Container { name: name.to_owned(), pushes: true };
        let images = ["container-api", "container-web-api", "worker-image"].map(container);
        let images: Vec<&Container> = images.iter().collect();
        for (words, expected) in [
            ("build -t ghcr.io/me/api:latest .", Some("container-api")),
            ("build -t ghcr.io/me/web-api .", Some("container-web-api")),
            ("build worker", Some("worker-image")),
            ("build .", None),
        ] {
            assert_eq!(matching(&build(words), &images).map(|found| found.name.as_str()), expected, "{words}");
        }
        for (words, expected) in [("build -f Dockerfile.lint -t lint .", None), ("build -t api .", Some(images[0]))] {
            assert_eq!(matching(&build(words), &images[..1]), expected, "{words}");
        }
    }

    #[test]
    fn the_only_image_of_a_flake_may_be_another_one() {
        let flake = "{ outputs = { nixpkgs, ... }: { packages.x86_64-linux.container-api = \
                     nixpkgs.legacyPackages.x86_64-linux.dockerTools.buildLayeredImage { name = \"api\"; }; }; }";
        for (command, expected) in [
            ("docker build -t lint .", "if it is not this image, add this one as another package"),
            ("docker build -t api .", "`nix build .#container-api` builds it"),
        ] {
            let workflow = format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: {command}\n");
            let files = [("flake.nix", flake), (".github/workflows/ci.yml", &*workflow)];
            let report = crate::check::testing::report_at(&files, jiff::civil::date(2026, 8, 19));
            let found = report.findings.iter().find(|finding| finding.rule == RULE).unwrap();
            let help = found.help.as_deref().unwrap_or_default();
            assert!(help.contains(expected), "{command}: {help}");
        }
    }
}
