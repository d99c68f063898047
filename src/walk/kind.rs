//! The kinds of files, by their names and, for some, by their contents.

use std::path::Path;

use super::shebang::{has_shell_shebang, is_shell_script};
use crate::knowledge::third_party;
use crate::lang::{dockerfile, languages};
use crate::paths;
use crate::source::FileKind;

/// The kind of a file by its name, or by its first line for scripts without an extension.
pub fn classify(path: &str, file: &Path) -> Option<FileKind> {
    by_name(path).or_else(|| (may_be_script(path) && has_shell_shebang(file)).then_some(FileKind::Shell))
}

/// The kind of a file with this path and content.
pub fn kind_of(path: &str, text: &str) -> Option<FileKind> {
    let is_script = || may_be_script(path) && is_shell_script(text.as_bytes());
    let kind = by_name(path).or_else(|| is_script().then_some(FileKind::Shell))?;
    Some(by_content(path, kind, text))
}

/// Whether a file's name has no extension, so that its first line may determine its kind.
pub fn may_be_script(path: &str) -> bool {
    !paths::name(path).contains('.')
}

/// The kind of a file by its path; `None` if the path does not determine a kind.
pub fn by_name(path: &str) -> Option<FileKind> {
    // Files that mark a folder as vendored have a kind so that they are listed; only their existence matters.
    let is_mark = third_party::vendored_folder(path).is_some();
    languages::by_path(path).or(is_mark.then_some(FileKind::Settings))
}

/// The kind of a file after reading it. A name such as `Dockerfile.nix` fits two kinds: the file is a Dockerfile if its
/// text has a stage, and Nix otherwise.
pub fn by_content(path: &str, kind: FileKind, text: &str) -> FileKind {
    let name = paths::name(path).to_ascii_lowercase();
    let fits = kind == FileKind::Nix && dockerfile::is_name(&name);
    if fits && !dockerfile::stages(text).is_empty() { FileKind::Dockerfile } else { kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_determines_the_kind() {
        for (path, kind) in [
            ("flake.nix", Some(FileKind::Nix)),
            ("a/b.YAML", Some(FileKind::Yaml)),
            ("Dockerfile", Some(FileKind::Dockerfile)),
            ("docker/Dockerfile.alpine", Some(FileKind::Dockerfile)),
            ("api.Dockerfile", Some(FileKind::Dockerfile)),
            ("Containerfile", Some(FileKind::Dockerfile)),
            ("Dockerfile.md", None),
            (".dockerignore", None),
            ("dockerfile.nix", Some(FileKind::Nix)),
            ("dockerfile.rs", None),
            ("flake.lock", Some(FileKind::Lock)),
            ("Cargo.lock", None),
            ("justfile", Some(FileKind::Just)),
            ("docker-compose-example.json", Some(FileKind::Yaml)),
            ("arion-compose.json", Some(FileKind::Yaml)),
            ("composer.json", None),
            ("package.json", Some(FileKind::Settings)),
            ("npins/sources.json", Some(FileKind::Settings)),
            ("data/sources.json", None),
            ("x.sh", Some(FileKind::Shell)),
        ] {
            assert_eq!(by_name(path), kind, "{path}");
        }
    }
}
