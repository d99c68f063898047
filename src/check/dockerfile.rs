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
            "`flakeward migrate dockerfile {path}` writes that package; build the image with `nix build .#{package}`, \
             then remove {path}",
            path = source.path,
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

/// The flake package that would build the image of a Dockerfile: `container-` and a name from the file or its folder. A
/// variant of an image, which is often beside it, has its name as well: `Dockerfile.alpine`.
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
/// Extensions that describe when or how an image is used, not what it contains.
const VARIANTS: [&str; 7] = ["dev", "prod", "production", "development", "test", "ci", "alpine"];
/// Folder names that do not describe what is built.
const FOLDERS: [&str; 9] = ["", "docker", "build", "deploy", "containers", "images", "src", "workflows", "github"];

#[cfg(test)]
mod tests {
    use super::*;

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
