//! Ignore files: whether they can be read, and whether they exclude a path.

use std::path::{Path, PathBuf};

use super::{Unreadable, git, io_reason, read_bytes, relative};
use crate::globs;
use crate::paths;

/// The ignore files in a folder, and those in a repository's root.
pub(super) const IGNORES: [&str; 2] = [".gitignore", ".ignore"];
pub(super) const ROOT_IGNORES: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];

/// The maximum size of an ignore file, in bytes. Larger ones are not read, because compiled patterns need far more
/// memory than their text.
const MAX_IGNORES: u64 = 256 << 10;

/// The maximum number of patterns with wildcards in an ignore file. They are all matched at once, and the memory for
/// that grows with the square of their number. Real files have fewer than a hundred.
const MAX_WILDCARDS: usize = 1_000;

/// The first ignore file in a folder that is not used, and the reason; see [`obstacle`].
pub(super) fn ignore_obstacle(root: &Path, folder: &Path, names: &[&str]) -> Option<Unreadable> {
    names.iter().find_map(|name| obstacle(root, &folder.join(name)))
}

/// Why an ignore file is not used; `None` if it is, or if it does not exist. Links are only followed outside the
/// repository, because the user's global ignore file may be a link.
pub(super) fn obstacle(root: &Path, file: &Path) -> Option<Unreadable> {
    // Files that do not exist are not opened, and folders are not read.
    if file.symlink_metadata().ok()?.is_dir() {
        return None;
    }
    let read = match file.starts_with(root) {
        true => read_bytes(file, MAX_IGNORES),
        false => {
            file.canonicalize().map_err(|error| io_reason(&error)).and_then(|target| read_bytes(&target, MAX_IGNORES))
        }
    };
    let reason = match read {
        Ok(text) => refusal(&text)?,
        Err(reason) => reason,
    };
    let path = relative(root, file).unwrap_or_else(|| file.to_string_lossy().into());
    Some(Unreadable { path, reason })
}

/// Why the patterns in an ignore file are not used; `None` if they are.
fn refusal(text: &[u8]) -> Option<String> {
    let patterns = || text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.starts_with(b"#"));
    if let Some((index, reason)) = patterns().find_map(|(index, line)| Some((index, globs::refusal(line)?))) {
        let line = index + 1;
        return Some(format!("the pattern on line {line} cannot be used ({reason}), so the whole file is ignored"));
    }
    let wildcards = patterns().filter(|(_, line)| line.iter().any(|byte| b"*?[{".contains(byte))).count();
    (wildcards > MAX_WILDCARDS)
        .then(|| "it has more than 1,000 patterns with wildcards, so the whole file is ignored".to_owned())
}

/// Whether ignore files exclude a file, which need not exist, or a folder that contains it. For each of these, the
/// matching pattern in the nearest ignore file decides.
pub fn is_ignored(root: &Path, path: &str) -> bool {
    ignored_by(root, path).is_some()
}

/// A pattern in an ignore file.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The ignore file.
    pub file: PathBuf,
    /// The text of the pattern.
    pub text: String,
}

/// The pattern by which ignore files exclude a file; see [`is_ignored`].
pub fn ignored_by(root: &Path, path: &str) -> Option<Pattern> {
    let folders: Vec<&str> = paths::folders(path).chain([""]).collect();
    let mut parts: Vec<&str> = folders.iter().copied().filter(|folder| !folder.is_empty()).collect();
    parts.reverse();
    parts.push(path);
    parts.iter().find_map(|part| {
        let is_dir = *part != path;
        let above = folders.iter().filter(|folder| is_above(folder, part));
        // `.ignore` takes precedence over `.gitignore`.
        let names = || IGNORES.iter().rev();
        let own = above.flat_map(|folder| names().map(move |name| (root.join(folder), root.join(folder).join(name))));
        let of_git = [Some(root.join(".git/info/exclude")), git::excludes_file(root)].into_iter().flatten();
        let files = own.chain(of_git.map(|file| (root.to_owned(), file)));
        let decided = files.filter(|(_, file)| obstacle(root, file).is_none()).find_map(|(folder, file)| {
            let mut builder = ignore::gitignore::GitignoreBuilder::new(&folder);
            // Patterns that cannot be parsed match nothing, as in git.
            let _ = builder.add(&file);
            match builder.build().ok()?.matched(root.join(part), is_dir) {
                ignore::Match::None => None,
                ignore::Match::Whitelist(_) => Some(None),
                ignore::Match::Ignore(glob) => Some(Some(Pattern { file, text: glob.original().to_owned() })),
            }
        });
        decided.flatten()
    })
}

/// Whether a folder, relative to the root, contains a path.
fn is_above(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the ignore files in all folders above a folder can be used.
pub(super) fn can_read_above(folder: &Path) -> bool {
    let nowhere = Path::new("");
    folder.ancestors().skip(1).all(|above| ignore_obstacle(nowhere, above, &IGNORES).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_used_is_reported_with_its_line() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(".gitignore");
        std::fs::write(&file, format!("# {0}\nbuild/\n{0}\n", "a/".repeat(600))).unwrap();
        let reason = obstacle(root.path(), &file).map(|unreadable| unreadable.reason).unwrap_or_default();
        assert!(reason.starts_with("the pattern on line 3 cannot be used"), "{reason}");
    }

    #[test]
    fn an_ignore_file_with_too_many_wildcard_patterns_is_not_used() {
        let file = |wildcards: usize| "build/\n".repeat(2_000) + &"*.log\n".repeat(wildcards);
        assert_eq!(refusal(file(MAX_WILDCARDS).as_bytes()), None);
        let reason = refusal(file(MAX_WILDCARDS + 1).as_bytes()).unwrap_or_default();
        assert!(reason.contains("more than 1,000 patterns with wildcards"), "{reason}");
    }

    #[test]
    fn ignore_files_apply_to_files_that_do_not_exist() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("sub/deep")).unwrap();
        std::fs::write(root.path().join(".gitignore"), "build/\n*.gen.nix\n/top.nix\n").unwrap();
        std::fs::write(root.path().join("sub/.gitignore"), "!keep.gen.nix\n/deep/x.nix\n").unwrap();
        for (path, expected) in [
            ("a.nix", false),
            ("top.nix", true),
            ("sub/top.nix", false),
            ("a.gen.nix", true),
            ("sub/a.gen.nix", true),
            ("sub/keep.gen.nix", false),
            ("sub/deep/x.nix", true),
            ("sub/deep/y.nix", false),
            ("sub/build/deep/keep.nix", true),
        ] {
            assert_eq!(is_ignored(root.path(), path), expected, "{path}");
        }
        let pattern = Pattern { file: root.path().join(".gitignore"), text: "build/".to_owned() };
        assert_eq!(ignored_by(root.path(), "sub/build/deep/keep.nix"), Some(pattern));
    }
}
