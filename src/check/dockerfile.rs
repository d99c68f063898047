//! `dockerfile`: an image that is defined outside Nix. A file is a candidate by its name, and confirmed by its
//! content: the first instruction that is not `ARG` is a `FROM` with an image.

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::FileView;
use crate::lang::dockerfile;
use crate::source::FileKind;

/// The rule of this check.
pub const RULE: &str = "dockerfile";

/// See `rules/dockerfile.md`.
pub static CHECK: Check = Check::of_files(
    RULE,
    FileCheck { needles: &[], trigger: Trigger::Holds(|source| source.kind == FileKind::Dockerfile), check },
);

fn check(view: &FileView<'_>) -> Verdict {
    let source = view.source;
    if source.kind != FileKind::Dockerfile {
        return Verdict::default();
    }
    let stages = dockerfile::stages(&source.text);
    let (Some(first), Some(last)) = (stages.first(), stages.last()) else { return Verdict::default() };
    let package = container_package(&source.path);
    let base = dockerfile::base(&source.text, &stages, last);
    if is_windows(&base) {
        return Verdict::default();
    }
    let message = match stages.len() {
        1 => format!("this Dockerfile builds an image from `{base}`, outside Nix"),
        count => format!("this Dockerfile builds an image from `{base}` in {count} stages, outside Nix"),
    };
    let finding = view
        .finding(RULE, first.span, message)
        .label(format!("define it as `packages.{package} = nix2container.buildImage {{ .. }}`"))
        .help(format!(
            "`flakeward migrate dockerfile {}` writes that package; build the image with `nix build .#{package}`, then \
             remove {}",
            source.path,
            source.file_name()
        ));
    [finding].into_iter().collect()
}

/// Whether a base image is one of Windows, whose images Nix cannot build.
fn is_windows(image: &str) -> bool {
    let image = image.to_ascii_lowercase();
    ["mcr.microsoft.com/windows", "nanoserver", "servercore", "windowsservercore"]
        .iter()
        .any(|name| image.contains(name))
}

/// The flake package that would build the image of a Dockerfile: `container-` and a name from the file or its folder.
pub fn container_package(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let own = ["dockerfile", "containerfile"].iter().find_map(|word| {
        let rest = lower.strip_prefix(word).or_else(|| lower.strip_suffix(word))?;
        let rest = rest.trim_matches(['.', '-', '_']);
        (!rest.is_empty() && !STAGES.contains(&rest)).then(|| rest.to_owned())
    });
    let parents = folder.rsplit('/').find(|part| !part.is_empty() && !FOLDERS.contains(part));
    match own.or_else(|| parents.map(str::to_ascii_lowercase)) {
        Some(name) => format!("container-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
        None => "container-app".to_owned(),
    }
}

/// Extensions that describe when or how a Dockerfile is used, not what it builds.
const STAGES: [&str; 10] = ["dev", "prod", "production", "development", "test", "ci", "alpine", "j2", "tmpl", "in"];
/// Folder names that do not describe what is built.
const FOLDERS: [&str; 7] = ["docker", "build", "deploy", "containers", "images", "src", ".devcontainer"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_after_what_is_built() {
        for (path, package) in [
            ("Dockerfile", "container-app"),
            ("backend/Dockerfile", "container-backend"),
            ("docker/api.Dockerfile", "container-api"),
            ("services/web/docker/Dockerfile.alpine", "container-web"),
            ("Dockerfile.web_server", "container-web-server"),
            ("docker/Containerfile", "container-app"),
        ] {
            assert_eq!(container_package(path), package, "{path}");
        }
    }
}
