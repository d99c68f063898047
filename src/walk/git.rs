//! Reads what git stores about a repository: the tracked files, and the path of an additional ignore file.

mod shared;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The maximum size of an index, in bytes: that of about a million files. Larger ones are not read.
const MAX_INDEX: u64 = 128 << 20;

/// The maximum size of a configuration, in bytes. Larger ones are not read.
const MAX_CONFIG: u64 = 1 << 20;

/// System folders whose files are not on disk.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The length of the fields that precede the object id in an entry: times, device, inode, mode, owner, size.
const STAT: usize = 40;

/// The flag of files that are not checked out, in the first byte of an entry's extended flags.
const SKIP_WORKTREE: u8 = 0x40;

/// The bits of a mode that distinguish files, links and submodules, and their values for files and links.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// The paths that git tracks under a root, relative to the root and sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// The regular files.
    pub files: Vec<PathBuf>,
    /// The symbolic links.
    pub links: Vec<PathBuf>,
    /// Whether some files are not in the working tree because of a sparse checkout.
    pub is_sparse: bool,
}

/// The paths that git tracks under a root. `None` if there is no index. If it cannot be read, the error is the reason.
pub fn tracked(root: &Path) -> Result<Option<Tracked>, String> {
    let Some(folder) = git_folder(root)? else { return Ok(None) };
    let Some(bytes) = read(&folder.join("index"), MAX_INDEX)? else { return Ok(None) };
    let damaged = || "it is not a Git index that can be read".to_owned();
    // Object ids have 20 or 32 bytes, depending on the configuration. With the wrong length, the index is invalid.
    let index = [20, 32].into_iter().find_map(|id| Index::read(&bytes, id)).ok_or_else(damaged)?;
    let mut is_sparse = index.is_sparse;
    let mut entries = match index.link.and_then(|link| shared::name(link, index.id)) {
        None => index.entries,
        Some(name) => {
            let missing = || format!("the shared index {name} that it refers to does not exist");
            let base = read(&folder.join(&name), MAX_INDEX)?.ok_or_else(missing)?;
            let base = Index::read(&base, index.id).filter(|base| base.link.is_none()).ok_or_else(damaged)?;
            is_sparse |= base.is_sparse;
            shared::merged(base.entries, &index).ok_or_else(damaged)?
        }
    };
    // In a merge conflict, a path has several entries, of which the last one counts.
    entries.reverse();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.dedup_by(|(one, _), (other, _)| one == other);
    let mut tracked = Tracked { is_sparse, ..Tracked::default() };
    for (path, mode) in entries {
        if !is_inside(&path) {
            return Err(damaged());
        }
        match mode & TYPE {
            REGULAR => tracked.files.push(OsString::from_vec(path).into()),
            LINK => tracked.links.push(OsString::from_vec(path).into()),
            _ => {}
        }
    }
    Ok(Some(tracked))
}

/// Whether a path is not empty and does not lead out of the repository.
fn is_inside(path: &[u8]) -> bool {
    !path.is_empty() && !path.starts_with(b"/") && path.split(|&byte| byte == b'/').all(|part| part != b"..")
}

/// The file that `core.excludesFile` names in the configuration of a repository; `None` if it is not set.
pub fn excludes_file(root: &Path) -> Option<PathBuf> {
    // If the configuration cannot be read, no additional ignore file applies, and more files are checked.
    let folder = git_folder(root).ok()??;
    let common = read(&folder.join("commondir"), MAX_CONFIG).ok()?;
    let common = common.map(String::from_utf8).transpose().ok()?;
    let common = common.map_or_else(|| folder.clone(), |common| folder.join(common.trim()));
    let config = String::from_utf8(read(&common.join("config"), MAX_CONFIG).ok()??).ok()?;
    let value = setting(&config, "core", "excludesfile")?;
    match value.strip_prefix("~/") {
        Some(rest) => Some(PathBuf::from(std::env::var_os("HOME")?).join(rest)),
        None => Some(root.join(value)),
    }
}

/// The folder of git's own files. In a worktree or submodule, `.git` is a file that names it.
fn git_folder(root: &Path) -> Result<Option<PathBuf>, String> {
    let git = root.join(".git");
    if git.is_dir() {
        return Ok(Some(git));
    }
    let text = read(&git, MAX_CONFIG).map_err(|reason| format!("`.git` cannot be read: {reason}"))?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    Ok(text.and_then(|text| Some(root.join(text.strip_prefix("gitdir:")?.trim()))))
}

/// The bytes of a regular file; `None` if it does not exist.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, String> {
    resolved(path)?.map(|file| super::read_bytes(&file, limit)).transpose()
}

/// The path of a file with links resolved; `None` if it does not exist. Links are followed, because tools such as
/// Android's `repo` create them in `.git`. A link to a system file is an error, because reading it may never end.
pub fn resolved(path: &Path) -> Result<Option<PathBuf>, String> {
    let target = match path.symlink_metadata() {
        Ok(data) if data.is_symlink() => match path.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(super::io_reason(&error)),
        },
        Ok(_) => path.to_owned(),
        Err(_) => return Ok(None),
    };
    match SYSTEM.iter().find(|system| target.starts_with(system)) {
        Some(system) => Err(format!("it is a symbolic link to a file in {system}")),
        None => Ok(Some(target)),
    }
}

/// Files in `.git` that make git block if they are pipes or devices.
const OWN_FILES: [&str; 11] = [
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    "index",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
    "packed-refs",
    "shallow",
];

/// Checks, before git is started, that the files that it reads on startup are not pipes, sockets or devices. The error
/// is a message.
pub fn can_start(root: &Path) -> Result<(), String> {
    let Some(folder) = git_folder(root)? else { return Ok(()) };
    let common = read(&folder.join("commondir"), MAX_CONFIG).map_err(|reason| format!(".git/commondir: {reason}"))?;
    let common = common.map(|common| folder.join(super::path_of_bytes(common.trim_ascii())));
    for folder in [Some(folder), common].into_iter().flatten() {
        for name in OWN_FILES {
            let file = resolved(&folder.join(name)).map_err(|reason| format!(".git/{name}: {reason}"))?;
            if file.is_some_and(|file| file.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir())) {
                return Err(format!(".git/{name}: {}", super::NO_FILE));
            }
        }
    }
    Ok(())
}

/// An index. The format: <https://git-scm.com/docs/index-format>.
struct Index<'b> {
    /// Paths and modes, in order. The paths of entries that replace entries of a shared index are empty.
    entries: Vec<(Vec<u8>, u32)>,
    /// The content of the extension `link`, which only a split index has.
    link: Option<&'b [u8]>,
    /// The length of object ids.
    id: usize,
    /// Whether an entry has the flag of files that are not checked out.
    is_sparse: bool,
}

impl<'b> Index<'b> {
    /// Reads an index with object ids of `id` bytes. `None` if it is not such an index.
    fn read(bytes: &'b [u8], id: usize) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let version = word(4).filter(|version| bytes.starts_with(b"DIRC") && (2..=4).contains(version))?;
        let count = word(8)?;
        let mut at = 12;
        let mut path = Vec::new();
        let mut entries = Vec::new();
        let mut is_sparse = false;
        for _ in 0..count {
            let mode = word(at + 24)?;
            let flags = at + STAT + id;
            let is_extended = version >= 3 && bytes.get(flags)? & 0x40 != 0;
            is_sparse |= is_extended && bytes.get(flags + 2)? & SKIP_WORKTREE != 0;
            let mut name = flags + if is_extended { 4 } else { 2 };
            if version == 4 {
                let (cut, after) = varint(bytes, name)?;
                path.truncate(path.len().checked_sub(cut)?);
                name = after;
            } else {
                path.clear();
            }
            let end = name + memchr::memchr(0, bytes.get(name..)?)?;
            path.extend_from_slice(&bytes[name..end]);
            // Up to version 3, an entry is padded with one to eight NUL bytes to a multiple of eight bytes.
            at = if version == 4 { end + 1 } else { at + (end - at + 8) / 8 * 8 };
            entries.push((path.clone(), mode));
        }
        Some(Self { entries, link: extensions(bytes, at, id)?, id, is_sparse })
    }
}

/// Checks that only extensions and a checksum of `id` bytes follow the entries. Returns the content of the extension
/// `link`, if there is one. `None` if the check fails.
fn extensions(bytes: &[u8], mut at: usize, id: usize) -> Option<Option<&[u8]>> {
    let end = bytes.len().checked_sub(id)?;
    let mut link = None;
    while at < end {
        let length = bytes.get(at + 4..at + 8)?.try_into().ok().map(u32::from_be_bytes)?;
        let content = at.checked_add(8)?;
        let after = content.checked_add(length as usize)?;
        if &bytes[at..at + 4] == b"link" {
            link = Some(bytes.get(content..after)?);
        }
        at = after;
    }
    (at == end).then_some(link)
}

/// A number in git's variable-width encoding, and the offset after it.
fn varint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(0x80)?.checked_add(usize::from(byte & 0x7f))?;
    }
    Some((value, at + 1))
}

/// The last value of a key in a section of a git configuration file.
fn setting(config: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        let line = match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            Some((name, rest)) => {
                inside = name.trim().eq_ignore_ascii_case(section);
                rest.trim()
            }
            None => line,
        };
        let Some((name, value)) = line.split_once('=').filter(|_| inside) else { continue };
        if name.trim().eq_ignore_ascii_case(key) {
            found = Some(unquoted(value.trim()));
        }
    }
    found.filter(|value| !value.is_empty())
}

/// A value without its quotes, escapes and comment.
fn unquoted(value: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => out.extend(chars.next()),
            '#' | ';' if !quoted => break,
            c => out.push(c),
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(root: &Path, arguments: &[&str]) {
        let done = Command::new("git").args(arguments).current_dir(root).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn tracked_files_are_read_from_every_version_of_the_index() {
        for format in ["sha1", "sha256"] {
            let root = tempfile::tempdir().unwrap();
            let root = root.path();
            git(root, &["init", "-q", &format!("--object-format={format}")]);
            let long = format!("{}/x.nix", "d".repeat(100));
            for path in ["a.nix", "lib/b.nix", "lib/bb.nix", "ü \".nix", &long] {
                std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
                std::fs::write(root.join(path), path).unwrap();
            }
            std::fs::write(root.join(".gitignore"), "lib/\n").unwrap();
            assert_eq!(tracked(root), Ok(None));
            git(root, &["add", "-f", "a.nix", "lib/b.nix", "ü \".nix", &long]);
            std::os::unix::fs::symlink("a.nix", root.join("link.nix")).unwrap();
            git(root, &["add", "-f", "link.nix"]);
            git(root, &["add", "-f", "--intent-to-add", "lib/bb.nix"]);
            let files = ["a.nix", &long, "lib/b.nix", "lib/bb.nix", "ü \".nix"].iter().map(PathBuf::from).collect();
            let expected = Some(Tracked { files, links: vec![PathBuf::from("link.nix")], is_sparse: false });
            for version in ["2", "3", "4"] {
                git(root, &["update-index", "--index-version", version]);
                assert_eq!(tracked(root).as_ref(), Ok(&expected), "{format} {version}");
            }
            let index = std::fs::read(root.join(".git/index")).unwrap();
            for cut in 0..index.len() {
                let _ = Index::read(&index[..cut], 20);
                let _ = Index::read(&index[..cut], 32);
            }
            split_is_read(root, &expected);
        }
    }

    /// Checks that a split index is read, also after files are added, replaced and removed.
    fn split_is_read(root: &Path, before: &Option<Tracked>) {
        git(root, &["update-index", "--split-index"]);
        assert_eq!(tracked(root).as_ref(), Ok(before));
        std::fs::write(root.join("new.nix"), "new").unwrap();
        std::fs::write(root.join("a.nix"), "changed").unwrap();
        std::fs::remove_file(root.join("lib/b.nix")).unwrap();
        std::os::unix::fs::symlink("../a.nix", root.join("lib/b.nix")).unwrap();
        git(root, &["-c", "splitIndex.maxPercentChange=100", "add", "-f", "a.nix", "new.nix", "lib/b.nix"]);
        git(root, &["-c", "splitIndex.maxPercentChange=100", "rm", "-q", "--cached", "lib/bb.nix"]);
        assert!(std::fs::read(root.join(".git/index")).unwrap().windows(4).any(|window| window == b"link"));
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().unwrap().stdout;
        let listed: Vec<PathBuf> =
            listed.split(|&byte| byte == 0).filter(|path| !path.is_empty()).map(crate::walk::path_of_bytes).collect();
        let links = vec![PathBuf::from("lib/b.nix"), PathBuf::from("link.nix")];
        let files = listed.into_iter().filter(|path| !links.contains(path)).collect();
        assert_eq!(tracked(root), Ok(Some(Tracked { files, links, is_sparse: false })));
        for skips in [true, false] {
            let flag = if skips { "--skip-worktree" } else { "--no-skip-worktree" };
            git(root, &["update-index", flag, "a.nix"]);
            assert_eq!(tracked(root).unwrap().unwrap().is_sparse, skips);
        }
        let shared = std::fs::read_dir(root.join(".git")).unwrap().flatten().map(|entry| entry.path());
        shared
            .filter(|path| path.to_string_lossy().contains("sharedindex"))
            .for_each(|path| std::fs::remove_file(path).unwrap());
        assert!(tracked(root).unwrap_err().contains("does not exist"));
    }

    #[test]
    fn an_invalid_index_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(tracked(root.path()), Ok(None));
        std::fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(tracked(root.path()), Ok(None));
        std::fs::write(root.path().join(".git/index"), "DIRC\0\0\0\u{2}\0\0\0\u{9}").unwrap();
        assert!(tracked(root.path()).is_err());
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        let config = "[user]\n\texcludesfile = no\n[Core] # c\n\tbare = false\n excludesFile = \"a b\\\\c\" ; c\n[core \"x\"]\nexcludesfile = no\n";
        assert_eq!(setting(config, "core", "excludesfile").as_deref(), Some("a b\\c"));
        assert_eq!(setting("[core] excludesfile=~/x # y", "core", "excludesfile").as_deref(), Some("~/x"));
        assert_eq!(setting("[core]\nexcludesfile =\n", "core", "excludesfile"), None);
    }
}
