//! `dockerfile`: an image that is defined outside Nix. The name of a file makes it a candidate, and its content
//! confirms it: the first instruction that is not `ARG` is a `FROM` with an image.

use super::{Check, ProjectView, Verdict};
use crate::facts::ci::images::{self, Container, FlakePackages};
use crate::facts::dockerfile::{self, DockerfileFacts};
use crate::finding::{Finding, RelPath};

/// The rule of this check.
pub const RULE: &str = "dockerfile";

/// See `rules/dockerfile.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&dockerfile::READER, &images::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let packages = FlakePackages::new(view.project, view.flakes());
    let containers = |path| packages.around(path).map_or(&[][..], |packages| &packages.containers);
    let files = view.project.each::<DockerfileFacts>().filter(|(_, file)| !is_windows(&file.base));
    files.map(|(file, image)| finding(&file.source.path, image, containers(&file.source.path))).collect()
}

fn finding(path: &RelPath, image: &DockerfileFacts, containers: &[&Container]) -> Finding {
    let DockerfileFacts { span, base, stages, runs_nix } = image;
    let stages = if *stages == 1 { String::new() } else { format!(" in {stages} stages") };
    let message = match runs_nix {
        true => format!("this Dockerfile builds an image from `{base}`{stages}, with Nix inside Docker"),
        false => format!("this Dockerfile builds an image from `{base}`{stages}, outside Nix"),
    };
    let finding = Finding::new(RULE, path, *span, message);
    let package = container_package(path);
    let existing = containers.iter().find(|container| container.name == package);
    let (label, help) = match (existing, containers) {
        (Some(_), _) => (
            format!("the flake already has `packages.{package}`"),
            format!("build the image with `nix build .#{package}`, then remove {path}"),
        ),
        (None, []) => (
            format!("define it as `packages.{package} = nix2container.buildImage {{ .. }}`"),
            format!(
                "`flakeward migrate dockerfile {path}` writes that package; build the image with `nix build \
                 .#{package}`, then remove {path}"
            ),
        ),
        (None, some) => {
            let names: Vec<String> = some.iter().take(4).map(|found| format!("`nix build .#{}`", found.name)).collect();
            (
                format!("use an image from the flake, or define `packages.{package}`"),
                format!(
                    "the flake already builds images: {}; if one of them is this image, remove {path}; otherwise, \
                     `flakeward migrate dockerfile {path}` writes another package",
                    names.join(", ")
                ),
            )
        }
    };
    finding.label(label).help(help)
}

/// Whether a base image is a Windows image, which Nix cannot build.
fn is_windows(image: &str) -> bool {
    let image = image.to_ascii_lowercase();
    ["mcr.microsoft.com/windows", "nanoserver", "servercore", "windowsservercore"]
        .iter()
        .any(|name| image.contains(name))
}

/// The flake package that would build the image of a Dockerfile: `container-` and a name from the file or its folder. A
/// variant such as `Dockerfile.alpine` is often next to the main file, so its package is named after the folder and the
/// variant.
pub fn container_package(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let own = ["dockerfile", "containerfile"].iter().find_map(|word| {
        let rest = lower.strip_prefix(word).or_else(|| lower.strip_suffix(word))?;
        let parts = rest.split(['.', '-', '_']).filter(|part| !part.is_empty() && !TEMPLATES.contains(part));
        let parts: Vec<&str> = parts.collect();
        (!parts.is_empty()).then(|| parts.join("-"))
    });
    let parent = || folder.rsplit('/').map(|part| part.trim_start_matches('.')).find(|part| !FOLDERS.contains(part));
    let base = || parent().map_or("app".to_owned(), str::to_ascii_lowercase);
    let name = match own {
        Some(variant) if VARIANTS.contains(&variant.as_str()) => format!("{}-{variant}", base()),
        Some(own) => own,
        None => base(),
    };
    format!("container-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

/// Extensions of files that another program turns into a Dockerfile.
const TEMPLATES: [&str; 4] = ["j2", "tmpl", "in", "template"];
/// Extensions that name a variant of an image, not what it contains.
const VARIANTS: [&str; 7] = ["dev", "prod", "production", "development", "test", "ci", "alpine"];
/// Folder names that do not describe what is built.
const FOLDERS: [&str; 9] = ["", "docker", "build", "deploy", "containers", "images", "src", "workflows", "github"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::report_at;

    /// The help of the finding for `api/Dockerfile` next to a flake with these packages.
    fn help(packages: &str) -> String {
        let flake = format!("{{ outputs = _: {{ packages.x86_64-linux = {{ {packages} }}; }}; }}");
        let files = [("flake.nix", flake.as_str()), ("api/Dockerfile", "FROM nixos/nix AS build\nFROM scratch\n")];
        let report = report_at(&files, jiff::civil::date(2026, 8, 19));
        let mut found = report.findings.iter().filter(|finding| finding.rule == RULE);
        let finding = found.next().unwrap();
        assert_eq!(
            finding.message,
            "this Dockerfile builds an image from `scratch` in 2 stages, with Nix inside Docker"
        );
        finding.help.clone().unwrap()
    }

    #[test]
    fn the_help_names_images_in_the_flake() {
        assert!(help("api = hello;").starts_with("`flakeward migrate dockerfile api/Dockerfile` writes that package"));
        assert_eq!(
            help("container-api = n2c.buildImage { };"),
            "build the image with `nix build .#container-api`, then remove api/Dockerfile"
        );
        assert!(help("dockerImage = f;").starts_with("the flake already builds images: `nix build .#dockerImage`; "));
    }

    #[test]
    fn the_help_does_not_name_images_in_other_flakes() {
        let other = "{ outputs = _: { packages.x86_64-linux.container-api = n2c.buildImage { }; }; }";
        for (path, is_named) in [
            ("flake.nix", true),
            ("nix/images.nix", true),
            ("templates/x/flake.nix", false),
            ("templates/x.nix", false),
            ("sub/flake.nix", false),
        ] {
            let mut files = vec![(path, other), ("api/Dockerfile", "FROM scratch\n")];
            if path != "flake.nix" {
                files.push(("flake.nix", "{ outputs = _: { }; }"));
            }
            let report = report_at(&files, jiff::civil::date(2026, 8, 19));
            let help = report.findings.iter().find(|finding| finding.rule == RULE).and_then(|found| found.help.clone());
            assert_eq!(help.unwrap().starts_with("build the image with"), is_named, "{path}");
        }
    }

    #[test]
    fn packages_are_named_after_what_is_built() {
        for (path, package) in [
            ("Dockerfile", "container-app"),
            ("backend/Dockerfile", "container-backend"),
            ("docker/api.Dockerfile", "container-api"),
            ("services/web/docker/Dockerfile.alpine", "container-web-alpine"),
            ("Dockerfile.dev", "container-app-dev"),
            ("Dockerfile.j2", "container-app"),
            (".devcontainer/Dockerfile", "container-devcontainer"),
            (".github/workflows/Dockerfile", "container-app"),
            ("Dockerfile.web_server", "container-web-server"),
            ("docker/Containerfile", "container-app"),
        ] {
            assert_eq!(container_package(path), package, "{path}");
        }
    }
}
