//! `docker-build-in-ci`: an image that a CI step builds with Docker tooling instead of the flake.

use super::{Check, ProjectView, Verdict};
use crate::facts::Project;
use crate::facts::ci::calls::{self, Reached};
use crate::facts::ci::images::{self, Build, ImageFacts};
use crate::finding::Finding;
use crate::lang::ci::{self, System};
use crate::source::Source;

/// The rule of this check.
pub const RULE: &str = "docker-build-in-ci";

/// See `rules/docker-build-in-ci.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&images::READER, &calls::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let containers = known_containers(view.project);
    let files = view.project.each::<ImageFacts>();
    let direct =
        files.flat_map(|(file, facts)| facts.builds.iter().map(|build| finding(&file.source, build, &containers)));
    let mut verdict: Verdict = direct.collect();
    for Reached { file, unit, from, call } in calls::reached(view.project) {
        let found = unit.builds.iter().map(|build| finding(&file.source, build, &containers));
        verdict.extend(found.map(|finding| finding.also(&from.source.path, call, "run by CI here")));
    }
    verdict
}

fn known_containers(project: &Project) -> Vec<&str> {
    let mut names: Vec<&str> =
        project.all::<ImageFacts>().flat_map(|facts| &facts.containers).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn finding(source: &Source, build: &Build, containers: &[&str]) -> Finding {
    let package = matching(build, containers);
    let message = format!("`{}` builds an image with Docker tooling instead of `nix build`", build.tool);
    let help = match (package, containers) {
        (Some(name), _) => format!("`nix build .#{name}` builds it, `nix run .#{name}.copyToRegistry` pushes it"),
        (None, []) => "define the image as a package with nix2container.buildImage; then \
             `nix build .#container-<name>` builds it and `nix run .#container-<name>.copyToRegistry` pushes it"
            .to_owned(),
        (None, names) => {
            let names: Vec<String> = names.iter().take(4).map(|name| format!("`nix build .#{name}`")).collect();
            format!("the flake already builds images: {}; add this one as another package", names.join(", "))
        }
    };
    // Other CI systems are not rewritten.
    let help = match ci::system(&source.path) {
        Some(System::GitHub) => {
            format!("{help}; `flakeward migrate ci {}` rewrites the steps that it can translate", source.path)
        }
        _ => help,
    };
    Finding::new(RULE, &source.path, build.span, message)
        .label(format!("use `nix build .#{}`", package.unwrap_or("container-<name>")))
        .help(help)
}

/// The flake's package that most likely builds this image: the only one, or the one with the longest name in the
/// command.
fn matching<'a>(build: &Build, containers: &[&'a str]) -> Option<&'a str> {
    if let [only] = containers {
        return Some(only);
    }
    let stem = |name: &'a str| {
        let name = name.strip_prefix("container-").or_else(|| name.strip_prefix("image-")).unwrap_or(name);
        name.strip_suffix("-container").or_else(|| name.strip_suffix("-image")).unwrap_or(name)
    };
    let is_separate = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let named = |name: &&&'a str| build.words.split(is_separate).any(|word| word == stem(name));
    containers.iter().filter(named).max_by_key(|name| stem(name).len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Span;

    #[test]
    fn the_image_of_that_name_is_offered() {
        let build = |words: &str| Build { span: Span::default(), tool: "docker build".into(), words: words.into() };
        let images = ["container-api", "container-web-api", "worker-image"];
        for (words, expected) in [
            ("build -t ghcr.io/me/api:latest .", Some("container-api")),
            ("build -t ghcr.io/me/web-api .", Some("container-web-api")),
            ("build worker", Some("worker-image")),
            ("build .", None),
        ] {
            assert_eq!(matching(&build(words), &images), expected, "{words}");
        }
        assert_eq!(matching(&build("build ."), &["container-x"]), Some("container-x"));
    }
}
