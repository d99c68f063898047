//! Lists and reads the files in a repository, and determines their kinds.

mod git;
mod ignored;
mod kind;
mod links;
mod read;
mod shebang;
mod tracked;
mod unsaved;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::globs::Globs;
use ignore::{WalkBuilder, WalkState};

use crate::config::FILE_NAMES;
use crate::finding::RelPath;
use crate::paths;
use crate::source::FileKind;
pub use git::{can_start as git_can_start, resolved, tracked};
use ignored::{IGNORES, ROOT_IGNORES, can_read_above, ignore_obstacle, obstacle};
pub use ignored::{Pattern, ignored_by, is_ignored};
pub use kind::{by_content, by_name, classify, kind_of, may_be_script};
use links::Link;
pub use read::{LINK, MAX_FILE, NO_FILE, decode, io_reason, open_regular, read, read_all, read_bytes, read_settings};
use shebang::has_shell_shebang;
pub use shebang::is_shell_script;
pub use unsaved::Unsaved;

/// The length of the longest path that the system accepts, in bytes (PATH_MAX on Linux; other systems accept less).
const MAX_PATH: usize = 4096;

/// A file in the repository that has a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The path relative to the root.
    pub path: RelPath,
    /// The path on disk.
    pub file: PathBuf,
    /// Its kind.
    pub kind: FileKind,
}

/// A file or folder that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// The path relative to the root.
    pub path: RelPath,
    /// The reason.
    pub reason: String,
}

/// The result of a walk, sorted by path.
#[derive(Debug, Default)]
pub struct Walk {
    /// The files.
    pub entries: Vec<Entry>,
    /// Files and folders that could not be read, including ignore files and Git's index.
    pub unreadable: Vec<Unreadable>,
    /// Nested repositories, which are left out: folders with a `.git`.
    pub nested: Vec<RelPath>,
    /// Files and folders that `exclude` left out. The contents of excluded folders are not listed.
    pub excluded: Vec<RelPath>,
    /// flakeward configuration files, sorted.
    pub settings: Vec<RelPath>,
}

/// Options of a walk.
#[derive(Debug, Default)]
pub struct Options {
    /// Paths to leave out, relative to the root.
    pub exclude: Globs,
    /// Whether to ignore .gitignore and other ignore files.
    pub no_ignore: bool,
    /// Number of threads; 0 means one per core.
    pub threads: usize,
}

/// Folders that are not walked, because they usually contain none of the repository's own files. If git nevertheless
/// tracks files in them, these are vendored files.
const SKIPPED_FOLDERS: [&str; 3] = [GIT, ".direnv", "node_modules"];

/// The folder of git's own files, which are never read as the repository's files.
const GIT: &str = ".git";

/// Lists the files with a kind under a root.
pub fn walk(root: &Path, options: &Options) -> Walk {
    walk_from(root, root, options)
}

/// Lists the files in a folder of the repository.
fn walk_from(root: &Path, folder: &Path, options: &Options) -> Walk {
    let found = Arc::new(Mutex::new(Walk::default()));
    let mut builder = WalkBuilder::new(folder);
    let mut honoured = !options.no_ignore;
    if honoured && let Some(refused) = ignore_obstacle(root, folder, &ROOT_IGNORES) {
        // It is unknown which files the ignore files would exclude, so everything is checked.
        lock(&found).unreadable.push(refused);
        honoured = false;
    }
    if let Some(file) = git::excludes_file(root).filter(|_| honoured) {
        // Patterns that cannot be parsed match nothing, as in git.
        match obstacle(root, &file) {
            None => drop(builder.add_ignore(&file)),
            Some(refused) => lock(&found).unreadable.push(refused),
        }
    }
    // If ignore files do not apply and there is no `.git`, the root is a copy of the files that git tracks, as Nix
    // creates it: `.direnv` and `node_modules` are also walked.
    let is_copy = options.no_ignore && root.join(GIT).symlink_metadata().is_err();
    let skipped_folders = if is_copy { &SKIPPED_FOLDERS[..1] } else { &SKIPPED_FOLDERS[..] };
    let skipped = |entry: &ignore::DirEntry| skipped(entry, skipped_folders);
    let others = Mutex::new(Others::default());
    let (shared, root_path) = (found.clone(), root.to_owned());
    builder
        .current_dir(root)
        .standard_filters(honoured)
        .require_git(false)
        .parents(honoured && can_read_above(folder))
        .hidden(false)
        .follow_links(false)
        .threads(options.threads)
        .filter_entry(move |entry| {
            let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
            if is_dir && entry.depth() > 0 && !skipped(entry) && is_repository(entry.path()) {
                lock(&shared).nested.extend(relative(&root_path, entry.path()));
                return false;
            }
            if skipped(entry) || !honoured || !is_dir || entry.depth() == 0 {
                return !skipped(entry);
            }
            let obstacle = ignore_obstacle(&root_path, entry.path(), &IGNORES);
            let is_good = obstacle.is_none();
            if let Some(Unreadable { path, reason }) = obstacle {
                lock(&shared).unreadable.push(Unreadable { path, reason: reason + "; its directory is skipped" });
            }
            is_good
        });
    let run = || {
        builder.build_parallel().run(|| {
            let mut batch = Batch::new(&found, &others);
            Box::new(move |entry| {
                match entry {
                    Ok(entry) => {
                        let Some(path) = relative(root, entry.path()) else { return WalkState::Continue };
                        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
                        if !path.is_empty() && options.exclude.is_match(&*path) {
                            batch.excluded.push(path);
                            return if is_dir { WalkState::Skip } else { WalkState::Continue };
                        }
                        let Some(file_type) = entry.file_type() else { return WalkState::Continue };
                        if file_type.is_file() {
                            if is_configuration(&path) {
                                batch.settings.push(path.clone());
                            }
                            if let Some(kind) = classify(&path, entry.path()) {
                                batch.entries.extend(lock_beside(&path, entry.path(), &options.exclude));
                                batch.entries.push(Entry { path, file: entry.into_path(), kind });
                            } else if may_be_script(&path) {
                                batch.others.plain.push(path);
                            }
                        } else if file_type.is_symlink() {
                            if links::may_have_kind(&path) {
                                batch.others.links.push(Link { path, file: entry.into_path() });
                            }
                        } else if !is_dir && by_name(&path).is_some() {
                            batch.refuse(path, NO_FILE.to_owned());
                        }
                    }
                    Err(error) => batch.fail(root, &error),
                }
                WalkState::Continue
            })
        })
    };
    // Git's index is read during the walk.
    let tracked = std::thread::scope(|threads| {
        let tracked = threads.spawn(|| git::tracked(root));
        run();
        tracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let mut found = std::mem::take(&mut *lock(&found));
    found.entries.sort_unstable();
    found.entries.dedup();
    let Others { mut links, mut plain } = others.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match tracked {
        Ok(tracked) => {
            plain.sort_unstable();
            let tracked = tracked.unwrap_or_default();
            links.extend(tracked::add(&mut found, &plain, &tracked, (root, folder), &options.exclude));
        }
        Err(reason) => found.unreadable.push(Unreadable { path: ".git/index".into(), reason }),
    }
    let rules = links::Rules { root, exclude: &options.exclude, honours_ignores: honoured, named: false };
    links::add(&mut found, links, &rules);
    refuse_twins(&mut found);
    found.unreadable.sort_unstable();
    found.excluded.sort_unstable();
    found.nested.sort_unstable();
    found.settings.sort_unstable();
    found
}

/// The nested repository that contains a file.
fn nested_around(root: &Path, file: &Path) -> Option<RelPath> {
    let mut folders = file.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
    relative(root, folders.find(|folder| is_repository(folder))?)
}

/// Whether a folder is a separate repository: a clone, or a worktree or submodule, in which `.git` is a file.
fn is_repository(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

/// Whether a path under the root leads out of it through a link.
pub fn leads_out(root: &Path, path: &Path) -> bool {
    path.starts_with(root)
        && path.canonicalize().is_ok_and(|real| root.canonicalize().is_ok_and(|root| !real.starts_with(root)))
}

/// Whether a path is in a folder that is not walked.
pub fn is_skipped(path: &str) -> bool {
    path.split('/').any(|part| SKIPPED_FOLDERS.contains(&part))
}

/// Whether a path is in a folder of git's own files.
pub fn is_of_git(path: &str) -> bool {
    path.split('/').any(|part| part == GIT)
}

/// Reports all but one of the files whose paths are the same in reports. Names that are not UTF-8 are shown with
/// replacement characters, so two of them may look the same.
fn refuse_twins(found: &mut Walk) {
    let Walk { entries, unreadable, .. } = found;
    if entries.is_sorted_by(|one, next| one.path < next.path) {
        return;
    }
    entries.sort_by_key(|entry| (entry.path.clone(), entry.file.to_str().is_none()));
    entries.dedup_by(|twin, kept| {
        let is_twin = twin.path == kept.path;
        if is_twin {
            let reason = "another file has the same name when shown as UTF-8".to_owned();
            unreadable.push(Unreadable { path: twin.path.clone(), reason });
        }
        is_twin
    });
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The flake.lock next to a flake.nix, even if ignore files exclude it, but not if `exclude` does. Git keeps a tracked
/// lock file even if a pattern such as `**/flake.lock` matches it, and without the file, a flake counts as unlocked.
fn lock_beside(path: &str, file: &Path, exclude: &Globs) -> Option<Entry> {
    let folder = path.strip_suffix("flake.nix").filter(|folder| folder.is_empty() || folder.ends_with('/'))?;
    let lock = format!("{folder}flake.lock");
    let file = file.with_file_name("flake.lock");
    let there = file.symlink_metadata().is_ok_and(|data| data.is_file()) && !exclude.is_match(&lock);
    there.then(|| Entry { path: lock.into(), file, kind: FileKind::Lock })
}

/// Adds the files at a path that was given explicitly, even if ignore files exclude it. `exclude` still applies.
pub fn add_asked(walk: &mut Walk, root: &Path, path: &Path, options: &Options) {
    let Some(relative) = relative(root, path) else { return };
    let excluded = Path::new(&*relative).ancestors().any(|folder| options.exclude.is_match(folder));
    if relative.is_empty() || excluded || holds(&walk.entries, &relative) {
        return;
    }
    if path.is_dir() && !path.is_symlink() {
        let mut inner = walk_from(root, path, options);
        walk.entries.append(&mut inner.entries);
        walk.unreadable.append(&mut inner.unreadable);
        walk.excluded.append(&mut inner.excluded);
        walk.nested.append(&mut inner.nested);
    } else if let Some(repository) = nested_around(root, path) {
        walk.nested.push(repository);
    } else if path.is_symlink() {
        let link = Link { path: relative, file: path.to_owned() };
        let rules = links::Rules { root, exclude: &options.exclude, honours_ignores: !options.no_ignore, named: true };
        links::add(walk, vec![link], &rules);
    } else if !path.is_file() {
        // Opening a named pipe would block until another process writes to it.
        walk.unreadable.push(Unreadable { path: relative, reason: NO_FILE.to_owned() });
    } else if let Some(kind) = classify(&relative, path) {
        walk.entries.push(Entry { path: relative, file: path.to_owned(), kind });
    }
    walk.entries.sort_unstable();
    walk.entries.dedup();
    walk.unreadable.sort_unstable();
    walk.unreadable.dedup();
    walk.nested.sort_unstable();
    walk.nested.dedup();
}

/// Files that a walk finds and that are processed after it.
#[derive(Default)]
struct Others {
    /// The symbolic links that may have a kind.
    links: Vec<Link>,
    /// The files without an extension that are not scripts.
    plain: Vec<RelPath>,
}

/// The entries of one thread, which are passed on when the thread ends.
struct Batch<'a> {
    found: &'a Mutex<Walk>,
    seen: &'a Mutex<Others>,
    entries: Vec<Entry>,
    others: Others,
    excluded: Vec<RelPath>,
    settings: Vec<RelPath>,
}

impl<'a> Batch<'a> {
    fn new(found: &'a Mutex<Walk>, seen: &'a Mutex<Others>) -> Self {
        let (entries, others, excluded, settings) = Default::default();
        Self { found, seen, entries, others, excluded, settings }
    }

    fn fail(&self, root: &Path, error: &ignore::Error) {
        let (path, reason) = reason(root, error);
        self.refuse(path, reason);
    }

    fn refuse(&self, path: RelPath, reason: String) {
        let mut found = lock(self.found);
        found.unreadable.push(Unreadable { path, reason });
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut found = lock(self.found);
        found.entries.append(&mut self.entries);
        found.excluded.append(&mut self.excluded);
        found.settings.append(&mut self.settings);
        let mut seen = lock(self.seen);
        seen.links.append(&mut self.others.links);
        seen.plain.append(&mut self.others.plain);
    }
}

/// Whether a path is the path of a flakeward configuration file.
fn is_configuration(path: &str) -> bool {
    FILE_NAMES.contains(&paths::name(path))
}

fn skipped(entry: &ignore::DirEntry, folders: &[&str]) -> bool {
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    is_dir && entry.depth() > 0 && folders.iter().any(|skipped| entry.file_name() == *skipped)
}

fn reason(root: &Path, error: &ignore::Error) -> (RelPath, String) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let inner = err.io_error().map_or_else(|| err.to_string(), io_reason);
            (relative(root, path).unwrap_or_else(|| path.to_string_lossy().into()), inner)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => reason(root, err),
        other => (Arc::from(""), other.to_string()),
    }
}

/// A path relative to the root; `None` if it is not under the root. Bytes that are not UTF-8 are replaced.
pub fn relative(root: &Path, path: &Path) -> Option<RelPath> {
    let relative = below(root, path).or_else(|| path.strip_prefix(root).ok())?;
    // Unlike a lossy conversion, this is fast for names that are UTF-8.
    Some(relative.to_str().map_or_else(|| relative.to_string_lossy().into(), RelPath::from))
}

/// The part of a path after a root, found by comparing bytes. `None` if the path does not begin with the root, is equal
/// to it, or is not normalized: then [`relative`] compares the components of the paths, which is slower.
fn below<'p>(root: &Path, path: &'p Path) -> Option<&'p Path> {
    use std::os::unix::ffi::OsStrExt;
    let rest = path.as_os_str().as_bytes().strip_prefix(root.as_os_str().as_bytes())?.strip_prefix(b"/")?;
    let is_plain = !rest.starts_with(b"/") && !rest.starts_with(b"./") && !rest.ends_with(b"/");
    (is_plain && !rest.is_empty()).then(|| Path::new(std::ffi::OsStr::from_bytes(rest)))
}

/// Whether sorted entries contain a file, or anything in a folder.
fn holds(entries: &[Entry], path: &str) -> bool {
    let inside = format!("{path}/");
    let first = entries.partition_point(|entry| *entry.path < *inside);
    entries.get(first).is_some_and(|entry| entry.path.starts_with(&inside))
        || entries.binary_search_by(|entry| (*entry.path).cmp(path)).is_ok()
}

/// The relative path from a folder to a path, both absolute.
pub fn between(folder: &Path, path: &Path) -> PathBuf {
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| std::path::Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// Resolves links and `..` in an absolute path, as far as the path exists.
pub fn resolve_new(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let Some((folder, mut real)) = existing else { return path.to_owned() };
    for part in path.components().skip(folder.components().count()) {
        match part {
            std::path::Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
    }
    real
}

/// Whether a path is longer than the system allows, so that nothing can exist there. The folders in such a path are not
/// examined.
pub fn is_too_long(path: &Path) -> bool {
    path.as_os_str().len() > MAX_PATH
}

/// Creates a path from bytes.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// The path that a mistyped path probably means: the one with the most similar name in the same folder. `None` if no
/// name is similar, or the folder does not exist.
pub fn nearest_sibling(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let folder = path.parent()?;
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> =
        listed.read_dir().ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    crate::suggest::nearest(&name, names.iter().map(String::as_str)).map(|near| folder.join(near))
}

/// The root of the repository around a folder: the nearest ancestor with `.git`, or else with a `flake.nix` or a
/// flakeward configuration file, or else the folder itself.
pub fn find_root(folder: &Path) -> PathBuf {
    let [settings, hidden] = FILE_NAMES;
    upward(folder, &[".git"])
        .or_else(|| upward(folder, &[settings, hidden, "flake.nix"]))
        .unwrap_or_else(|| folder.to_owned())
}

/// The nearest ancestor with `.git`, or else with a flakeward configuration file. `None` if there is none: then nothing
/// indicates that the files around a folder belong together.
pub fn marked_root(folder: &Path) -> Option<PathBuf> {
    upward(folder, &[".git"]).or_else(|| upward(folder, &FILE_NAMES))
}

/// The nearest ancestor that contains one of the given files. The folder itself counts.
fn upward(folder: &Path, marks: &[&str]) -> Option<PathBuf> {
    folder.ancestors().find(|folder| marks.iter().any(|mark| folder.join(mark).exists())).map(Path::to_owned)
}
