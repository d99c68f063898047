//! Replaces files as a whole: the new text is written next to its file, and then renamed over it.
//!
//! The folders under the root are opened one after another, without following symbolic links, and files are accessed
//! through the handle of their folder. If another process replaces a folder with a link in the meantime, nothing is
//! written elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::delayed_signals::DelayedSignals;

/// The prefix of temporary files. It is followed by the process id, `-`, random characters and `.tmp`.
const PREFIX: &str = ".flakeward-fix-";

/// The number of random characters.
const RANDOM: usize = 16;

/// The mode of new files and folders, from which the system subtracts the user's umask.
const NEW_FILE: Mode = Mode::from_raw_mode(0o666);
const NEW_FOLDER: Mode = Mode::from_raw_mode(0o777);

/// A folder. It is opened again for each use, because the number of open files of a process is limited.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'p> {
    root: &'p Path,
    below: &'p Path,
}

impl<'p> Folder<'p> {
    /// A folder at any path. Links are followed.
    pub fn at(path: &'p Path) -> Self {
        let root = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Self { root, below: Path::new("") }
    }

    /// A folder at a path under another one. Links in that path are not followed.
    pub fn below(root: &'p Path, below: &'p Path) -> Self {
        Self { below, ..Self::at(root) }
    }

    /// Opens the folder.
    fn open(self) -> io::Result<OwnedFd> {
        self.walk(step)
    }

    /// Opens the folder. Creates folders that do not exist.
    fn create(self) -> io::Result<OwnedFd> {
        self.walk(|folder, name| match step(folder, name) {
            Err(Errno::NOENT) => match rustix::fs::mkdirat(folder, name, NEW_FOLDER) {
                Ok(()) | Err(Errno::EXIST) => step(folder, name),
                Err(error) => Err(error),
            },
            opened => opened,
        })
    }

    fn walk(self, step: impl Fn(&OwnedFd, &OsStr) -> rustix::io::Result<OwnedFd>) -> io::Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::openat(CWD, self.root, flags, Mode::empty())?;
        for part in self.below.components() {
            let Component::Normal(name) = part else { return Err(io::Error::other("it is outside the repository")) };
            folder = match step(&folder, name) {
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    let what = Path::new(name).display();
                    return Err(io::Error::other(format!(
                        "`{what}` in its path is not a folder (links are not followed)"
                    )));
                }
                opened => opened?,
            };
        }
        Ok(folder)
    }

    /// The content of a regular file in the folder.
    pub fn read(self, name: &OsStr) -> io::Result<Vec<u8>> {
        let mut file = file(&self.open()?, name)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes renames in the folder durable. If this is not possible, the system does so later.
    pub fn flush(self) {
        let _ = self.open().map(rustix::fs::fsync);
    }
}

/// Opens a file for reading, unless it is a link.
fn file(folder: &OwnedFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?))
}

fn step(folder: &OwnedFd, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(folder, name, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// New text in a temporary file next to the file that it will replace. The temporary file is removed when this is
/// dropped.
#[derive(Debug)]
pub struct Staged<'p> {
    folder: Folder<'p>,
    name: Option<OsString>,
    /// Delays signals until the temporary file has been renamed or removed. If signals cannot be handled, the next fix
    /// in the folder removes the file.
    _signals: Option<DelayedSignals>,
}

impl<'p> Staged<'p> {
    /// Writes and flushes the text. If it will replace a file, it gets the mode and owner of that file.
    pub fn new(folder: Folder<'p>, replaced: Option<&OsStr>, text: &[u8]) -> io::Result<Self> {
        survive_limits();
        let handle = folder.create()?;
        let old = replaced.map(|name| file(&handle, name)?.metadata()).transpose()?;
        let signals = DelayedSignals::start().ok();
        let (name, mut file) = create(&handle)?;
        let staged = Self { folder, name: Some(name), _signals: signals };
        file.write_all(text)?;
        if let Some(old) = old {
            keep_owner(&file, &old);
            file.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777))?;
        }
        file.sync_all()?;
        Ok(staged)
    }

    /// Renames the temporary file over a file.
    pub fn replace(mut self, file: &OsStr) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let folder = self.folder.open()?;
        rustix::fs::renameat(&folder, name, &folder, file)?;
        self.name = None;
        Ok(())
    }

    /// Renames the temporary file to a new name. Fails if a file with that name exists.
    pub fn create(mut self, file: &OsStr) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let folder = self.folder.open()?;
        match rustix::fs::renameat_with(&folder, name, &folder, file, RenameFlags::NOREPLACE) {
            // Not every file system supports this.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                Ok(rustix::fs::linkat(&folder, name, &folder, file, AtFlags::empty())?)
            }
            done => {
                done?;
                self.name = None;
                Ok(())
            }
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Ok(folder) = self.folder.open()
        {
            let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
        }
    }
}

/// Turns a write that exceeds the user's maximum file size (`ulimit -f`) into an error, so that the process does not
/// end before it can remove the file.
fn survive_limits() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // If signals cannot be handled, the process still ends.
        let exceeded: Arc<AtomicBool> = Arc::default();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, exceeded);
    });
}

/// Creates a temporary file.
fn create(folder: &OwnedFd) -> io::Result<(OsString, File)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let name = OsString::from(format!("{PREFIX}{}-{}.tmp", std::process::id(), random()));
        match rustix::fs::openat(folder, &name, flags, NEW_FILE) {
            Ok(file) => return Ok((name, File::from(file))),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Random letters and digits. A collision with an existing file need only be unlikely, because it costs another
/// attempt.
fn random() -> String {
    let hash = RandomState::new().build_hasher().finish();
    format!("{hash:0RANDOM$x}")
}

/// Keeps the owner of a file that root replaces. A user who may not change owners already owns the file, so errors are
/// ignored.
fn keep_owner(file: &File, old: &std::fs::Metadata) {
    let differs = file.metadata().is_ok_and(|new| (new.uid(), new.gid()) != (old.uid(), old.gid()));
    if differs {
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
}

/// Whether two paths refer to the same file, which need not exist.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| -> io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        path.canonicalize().or_else(|_| {
            let parts = path.parent().zip(path.file_name());
            let (folder, name) = parts.ok_or_else(|| io::Error::other("it is a folder"))?;
            Ok(folder.canonicalize()?.join(name))
        })
    };
    one == other || real(one).is_ok_and(|one| real(other).is_ok_and(|other| one == other))
}

/// The id of the process that created a temporary file with this name.
pub fn process_of(name: &str) -> Option<u32> {
    let (process, random) = name.strip_prefix(PREFIX)?.strip_suffix(".tmp")?.split_once('-')?;
    let is_random = random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    process.parse().ok().filter(|_| is_random)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_unused_temporary_file_is_removed() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        let staged = |text: &str| Staged::new(Folder::at(root.path()), None, text.as_bytes()).unwrap();
        drop(staged("unused"));
        assert!(staged("new").create(OsStr::new("a")).is_err());
        assert_eq!(fs::read_to_string(root.path().join("a")).unwrap(), "old");
        staged("new").create(OsStr::new("b")).unwrap();
        staged("newer").replace(OsStr::new("a")).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("a")).unwrap(), "newer");
        assert_eq!(fs::read_to_string(root.path().join("b")).unwrap(), "new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_replaced_by_a_link_is_not_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = Folder::below(root.path(), Path::new("lib"));
        let staged = Staged::new(folder, None, b"new").unwrap();
        fs::rename(root.path().join("lib"), root.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("lib")).unwrap();
        assert!(staged.create(OsStr::new("a")).is_err());
        assert!(Staged::new(folder, None, b"new").is_err());
        assert!(Staged::new(Folder::below(root.path(), Path::new("../x")), None, b"new").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_recognised_under_another_name() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("b")).unwrap();
        let path = |name: &str| root.path().join(name);
        assert!(is_same_file(&path("a"), &path("./a")));
        assert!(!is_same_file(&path("a"), &path("c")));
        fs::write(path("a"), "").unwrap();
        assert!(is_same_file(&path("a"), &path("b")));
    }
}
