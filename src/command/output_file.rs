//! Writes the files given by `--output`.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use super::Failure;
use crate::fix::write::hard_linked;
use crate::replace::{Folder, Staged};
use crate::walk;

/// Writes a file as a whole or not at all. Links inside a repository are not followed, because anyone may have
/// committed them. Elsewhere, links are followed, and pipes and devices are written to directly.
pub fn write(path: &Path, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    text(&mut bytes).and_then(|()| put(path, &bytes)).map_err(|error| unwritten(path, &error))
}

/// The failure for a file that could not be written.
pub fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "its directory does not exist".to_owned(),
        _ => walk::io_reason(error),
    };
    Failure::new(format!("cannot write to {}: {reason}", path.display()))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    // These paths refer to devices or open files, which must be written to, not replaced.
    let is_open = path.starts_with("/dev") || path.starts_with("/proc");
    match path.ancestors().skip(1).find(|folder| folder.join(".git").exists()) {
        _ if is_open => fs::write(&path, bytes),
        Some(root) if is_of_git(below(root, &path)) => Err(io::Error::other(OF_GIT)),
        Some(root) => inside(root, &path, bytes),
        None => outside(&path, bytes),
    }
}

/// The part of a path that is searched for `.git`: the part relative to the repository, because the repository may
/// itself be in a `.git` directory, as some worktrees are. A path with `..` in it is searched as a whole.
fn below<'p>(root: &Path, path: &'p Path) -> &'p Path {
    let inside = path.strip_prefix(root).unwrap_or(path);
    if inside.components().any(|part| part == Component::ParentDir) { path } else { inside }
}

/// The reason for not replacing one of Git's own files, without which the repository would be lost.
const OF_GIT: &str = "it is in Git's own directory";

/// Whether a path is in a `.git` directory. File systems may ignore case.
fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"))
}

/// Writes a file in a repository.
fn inside(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = split(path.strip_prefix(root).unwrap_or(path))?;
    // Folders are not created, because a path that does not exist is usually mistyped.
    fs::metadata(root.join(folder))?;
    let old = match path.symlink_metadata() {
        Ok(old) if old.is_file() => {
            may_replace(&old)?;
            Some(name)
        }
        Ok(old) if old.is_symlink() => return Err(io::Error::other("it is a symbolic link in this repository")),
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(_) => None,
    };
    Staged::new(Folder::below(root, folder), old, bytes)?.replace(name)
}

fn outside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if is_of_git(&target) {
        return Err(io::Error::other(OF_GIT));
    }
    let old = fs::metadata(&target).ok();
    if let Some(old) = &old {
        if !old.is_file() {
            return fs::write(target, bytes);
        }
        may_replace(old)?;
    }
    let (folder, name) = split(&target)?;
    fs::metadata(folder)?;
    match Staged::new(Folder::at(folder), old.is_some().then_some(name), bytes) {
        // The file may be writable even if its folder is not.
        Err(error) if old.is_some() && error.kind() == io::ErrorKind::PermissionDenied => fs::write(&target, bytes),
        staged => staged?.replace(name),
    }
}

/// Checks that a file may be replaced.
fn may_replace(old: &fs::Metadata) -> io::Result<()> {
    match old.nlink() {
        _ if old.permissions().readonly() => Err(io::Error::other("it is read-only")),
        2.. => Err(io::Error::other(hard_linked(old.nlink()))),
        _ => Ok(()),
    }
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let parts = path.parent().zip(path.file_name());
    parts.ok_or_else(|| io::Error::other("it is a folder"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn written(path: &Path) -> Result<(), String> {
        write(path, |out| out.write_all(b"new")).map_err(|failure| failure.to_string())
    }

    #[test]
    fn read_only_and_hard_linked_files_are_not_replaced() {
        for is_repository in [true, false] {
            let root = tempfile::tempdir().unwrap();
            if is_repository {
                fs::create_dir(root.path().join(".git")).unwrap();
            }
            let [one, two, closed] = ["one", "two", "closed"].map(|name| root.path().join(name));
            fs::write(&one, "old").unwrap();
            fs::hard_link(&one, &two).unwrap();
            fs::write(&closed, "old").unwrap();
            let mut mode = fs::metadata(&closed).unwrap().permissions();
            mode.set_readonly(true);
            fs::set_permissions(&closed, mode).unwrap();
            assert!(written(&one).unwrap_err().contains("2 names"));
            assert!(written(&closed).unwrap_err().contains("read-only"));
            assert!([&one, &two, &closed].iter().all(|file| fs::read_to_string(file).unwrap() == "old"));
            fs::remove_file(&two).unwrap();
            written(&one).unwrap();
        }
    }

    #[test]
    fn links_are_followed_outside_repositories_only() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(root.path().join(".git")).unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, "old").unwrap();
        symlink(&victim, root.path().join("report.html")).unwrap();
        symlink(outside.path(), root.path().join("out")).unwrap();
        for path in ["report.html", "out/victim", "out/other"] {
            assert!(written(&root.path().join(path)).is_err(), "{path}");
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
        let link = outside.path().join("link");
        symlink(&victim, &link).unwrap();
        written(&link).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "new");
        assert!(link.is_symlink());
        written(&root.path().join("a.json")).unwrap();
        assert!(written(&root.path().join("none/a.json")).unwrap_err().contains("directory does not exist"));
    }
}
