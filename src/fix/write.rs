//! The only module in which fixes access the disk: every file is replaced as a whole or not at all.
//!
//! All new texts are written next to their files and flushed before any of them is renamed over its file. After a power
//! failure, each file is either old or new. At worst, a `.flakeward-fix-*.tmp` remains, which the next fix in that
//! folder removes. (An unnamed file would leave nothing, but it cannot be linked over an existing file.)

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path};

use super::Change;
use crate::delayed_signals::DelayedSignals;
use crate::finding::RelPath;
use crate::replace::{Folder, Staged, process_of};
use crate::walk::io_reason;

/// The files that could not be written, and those that had already been written.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The files that could not be written, each with the reason.
    pub files: Vec<(RelPath, String)>,
    /// The files that had been written before the first failure.
    pub written: Vec<RelPath>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, reason) in &self.files {
            writeln!(f, "{path} was not written: {reason}")?;
        }
        match self.written.as_slice() {
            [] => f.write_str("nothing was written"),
            written => {
                write!(f, "already written: {}", written.iter().map(|path| &**path).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Checks that the file at a path under the root may be written, or created if it does not exist.
pub fn guard(root: &Path, path: &str) -> Result<(), String> {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !plain {
        return Err("it is outside the repository".to_owned());
    }
    if Path::new(path).components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        return Err("it is in Git's own directory".to_owned());
    }
    let mut place = root.to_owned();
    for part in Path::new(path).components() {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => {
                let shown = place.strip_prefix(root).unwrap_or(&place).display();
                return Err(format!("{shown} is a symbolic link, and fixes are never written through symbolic links"));
            }
            Ok(found) if found.is_file() && found.permissions().readonly() => return Err("it is read-only".to_owned()),
            Ok(found) if found.is_file() => {
                if let Some(reason) = more_than_text(&place, &found) {
                    return Err(reason);
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(io_reason(&error)),
        }
    }
    Ok(())
}

/// Writes all changes under the root. Writes nothing if, before the first file is renamed, a signal arrives or it turns
/// out that a file cannot be written.
pub fn write(root: &Path, changes: &[Change]) -> Result<(), Failure> {
    let nothing_written = |files| Failure { files, written: Vec::new() };
    let obstacles = failures(changes, |change| guard(root, &change.path).and_then(|()| is_unchanged(root, change)));
    if !obstacles.is_empty() {
        return Err(nothing_written(obstacles));
    }
    sweep(root, changes);
    // If signals cannot be delayed, they end the process at once, and the next run removes the temporary files.
    let signals = DelayedSignals::start().ok();
    let mut staged = Vec::with_capacity(changes.len());
    for change in in_order(changes) {
        match Target::stage(root, change) {
            Ok(target) => staged.push(target),
            Err(error) => return Err(nothing_written(vec![(change.path.clone(), io_reason(&error))])),
        }
        if signals.as_ref().is_some_and(DelayedSignals::is_caught) {
            return Err(nothing_written(Vec::new()));
        }
    }
    let mut written = Vec::new();
    for target in staged {
        let path = &target.change.path;
        if let Err(reason) = target.put() {
            return Err(Failure { files: vec![(path.clone(), reason)], written });
        }
        written.push(path.clone());
    }
    folders(changes).into_iter().for_each(|folder| Folder::below(root, folder).flush());
    Ok(())
}

/// A change whose text is staged, and the folder of its file.
struct Target<'c> {
    change: &'c Change,
    folder: Folder<'c>,
    name: &'c OsStr,
    staged: Staged<'c>,
}

impl<'c> Target<'c> {
    fn stage(root: &'c Path, change: &'c Change) -> io::Result<Self> {
        let name = Path::new(&*change.path).file_name().unwrap_or_default();
        let folder = Folder::below(root, folder_of(change));
        let staged = Staged::new(folder, change.before.is_some().then_some(name), change.after.as_bytes())?;
        Ok(Self { change, folder, name, staged })
    }

    /// Renames the staged text over the file, unless the file has changed.
    fn put(self) -> Result<(), String> {
        compare(self.change, self.folder.read(self.name))?;
        let put =
            if self.change.before.is_some() { self.staged.replace(self.name) } else { self.staged.create(self.name) };
        put.map_err(|error| io_reason(&error))
    }
}

/// The changes in the order in which they are written: new files first, then the files that fixes in other files depend
/// on. After a power failure, no file refers to something that does not exist.
fn in_order(changes: &[Change]) -> Vec<&Change> {
    let mut order: Vec<&Change> = changes.iter().collect();
    order.sort_by_key(|change| (change.before.is_some(), !change.needed_elsewhere));
    order
}

fn failures(changes: &[Change], test: impl Fn(&Change) -> Result<(), String>) -> Vec<(RelPath, String)> {
    changes.iter().filter_map(|change| Some((change.path.clone(), test(change).err()?))).collect()
}

/// Checks that a file has not changed since it was read.
fn is_unchanged(root: &Path, change: &Change) -> Result<(), String> {
    compare(change, fs::read(root.join(&*change.path)))
}

/// Checks that the current content of a file is the content that a change is based on.
fn compare(change: &Change, now: io::Result<Vec<u8>>) -> Result<(), String> {
    match (&change.before, now) {
        (Some(before), Ok(now)) if now == before.as_bytes() => Ok(()),
        (Some(_), Ok(_)) => Err("it was modified by another process during the run; run again".to_owned()),
        (Some(_), Err(error)) => Err(io_reason(&error)),
        (None, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        (None, _) => Err("the file exists, but is ignored or excluded".to_owned()),
    }
}

/// Removes the temporary files that killed processes left in the folders of the changes.
fn sweep(root: &Path, changes: &[Change]) {
    for folder in folders(changes) {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let is_left = entry.file_name().to_str().and_then(process_of).is_some_and(|process| !is_running(process));
            if is_left && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether a process with this id exists. On systems on which that cannot be determined, returns true.
fn is_running(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    process.is_none_or(|process| rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Why replacing a file would lose more than its text: its other hard links or an extended attribute. `None` if it
/// would not.
fn more_than_text(file: &Path, found: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    if found.nlink() > 1 {
        return Some(hard_linked(found.nlink()));
    }
    let mut names = vec![0u8; 64 << 10];
    let length = rustix::fs::listxattr(file, &mut names).ok()?;
    let mut names = names.get(..length)?.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    // The system itself sets the security label of the new file.
    let kept = names.find(|name| !name.starts_with(b"security."))?;
    Some(format!("it has the extended attribute {}, which a fix would lose", String::from_utf8_lossy(kept)))
}

/// The message about a file with several hard links.
pub fn hard_linked(names: u64) -> String {
    format!("it has {names} names (hard links), of which only one would be replaced")
}

/// The folders of the changed files, relative to the root.
fn folders(changes: &[Change]) -> Vec<&Path> {
    let mut folders: Vec<&Path> = changes.iter().map(folder_of).collect();
    folders.sort();
    folders.dedup();
    folders
}

fn folder_of(change: &Change) -> &Path {
    Path::new(&*change.path).parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn change(path: &str, before: Option<&str>, after: &str) -> Change {
        Change {
            path: Arc::from(path),
            before: before.map(str::to_owned),
            after: after.to_owned(),
            needed_elsewhere: false,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_and_created() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.nix"), "old").unwrap();
        let changes = [change("a.nix", Some("old"), "new"), change("lib/ports.nix", None, "{ }\n")];
        write(root.path(), &changes).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), "new");
        assert_eq!(fs::read_to_string(root.path().join("lib/ports.nix")).unwrap(), "{ }\n");
        assert_eq!(names(root.path()), ["a.nix", "lib"]);
    }

    #[test]
    fn only_temporary_files_of_killed_fixes_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let left = |process: u32| format!(".flakeward-fix-{process}-Ab12Cd34Ef56Gh78.tmp");
        let (gone, running) = (left(child.id()), left(std::process::id()));
        let kept = [".flakeward-Ab12Cd.tmp", ".flakeward-fix-1-notes.tmp", ".flakeward-notes.tmp", "a.nix", &running];
        for name in kept.into_iter().chain([gone.as_str()]) {
            fs::write(root.path().join(name), "old").unwrap();
        }
        write(root.path(), &[change("a.nix", Some("old"), "new")]).unwrap();
        let mut kept = kept.map(str::to_owned).to_vec();
        kept.sort();
        assert_eq!(names(root.path()), kept);
    }

    #[test]
    fn hard_links_and_extended_attributes_are_not_lost() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.nix"), "old").unwrap();
        fs::hard_link(root.path().join("a.nix"), root.path().join("b.nix")).unwrap();
        assert!(guard(root.path(), "a.nix").is_err_and(|reason| reason.contains("2 names")));
        fs::remove_file(root.path().join("b.nix")).unwrap();
        assert_eq!(guard(root.path(), "a.nix"), Ok(()));
        let flags = rustix::fs::XattrFlags::empty();
        // Not every file system supports extended attributes.
        if rustix::fs::setxattr(root.path().join("a.nix"), "user.origin", b"x", flags).is_ok() {
            assert!(guard(root.path(), "a.nix").is_err_and(|reason| reason.contains("user.origin")));
        }
    }

    #[test]
    fn nothing_is_written_if_a_file_has_changed() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.nix"), "old").unwrap();
        fs::write(root.path().join("b.nix"), "edited").unwrap();
        let failure = write(root.path(), &[change("a.nix", Some("old"), "new"), change("b.nix", Some("old"), "new")]);
        let failure = failure.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "b.nix was not written: it was modified by another process during the run; run again\nnothing was written"
        );
        assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), "old");
        assert_eq!(names(root.path()), ["a.nix", "b.nix"]);
    }

    #[test]
    fn a_new_file_does_not_replace_an_existing_one() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.nix"), "mine").unwrap();
        assert!(write(root.path(), &[change("a.nix", None, "new")]).is_err());
        assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), "mine");
    }

    #[test]
    fn paths_outside_the_repository_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for path in ["../a.nix", "/etc/a.nix", "a/../../b.nix", "", "./a.nix"] {
            let refused = guard(root.path(), path);
            assert_eq!(refused, Err("it is outside the repository".to_owned()), "{path}");
        }
        assert_eq!(guard(root.path(), "not/there/yet.nix"), Ok(()));
    }

    #[test]
    fn the_mode_is_kept_and_links_and_read_only_files_are_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a.nix"), "old").unwrap();
        symlink(outside.path(), root.path().join("lib")).unwrap();
        symlink(outside.path().join("a.nix"), root.path().join("a.nix")).unwrap();
        for path in ["lib/a.nix", "a.nix", "lib/new.nix"] {
            assert!(guard(root.path(), path).is_err_and(|reason| reason.contains("symbolic link")), "{path}");
        }
        let file = root.path().join("b.nix");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
        write(root.path(), &[change("b.nix", Some("old"), "new")]).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        assert_eq!(guard(root.path(), "b.nix"), Err("it is read-only".to_owned()));
        assert!(write(root.path(), &[change("b.nix", Some("new"), "newer")]).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }
}
