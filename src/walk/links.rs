//! Symbolic links that have the name of a file to check.
//!
//! Links are not followed: their targets are checked under their own names, or they are not part of the repository. The
//! exception is a link to a file in the repository that has no kind itself, such as `a.nix` to `b.data`: Nix evaluates
//! it, so it is checked under the name of the link.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::globs::Globs;

use super::{
    Entry, NO_FILE, Unreadable, Walk, git, has_shell_shebang, io_reason, is_ignored, may_be_script, nested_around,
    relative,
};
use crate::finding::RelPath;
use crate::knowledge::third_party;
use crate::lang::languages;
use crate::paths;
use crate::source::FileKind;

/// The maximum number of targets for which ignore files are consulted; more would take too long.
const MAX_LOOKUPS: usize = 100;

/// The maximum number of links under whose names one file is checked; further links are reported.
const MOST_LINKS: usize = 10;

/// A symbolic link.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    /// Its path, relative to the root.
    pub path: RelPath,
    /// Its path on disk.
    pub file: PathBuf,
}

/// Whether a link with this path may have to be checked.
pub(super) fn may_have_kind(path: &str) -> bool {
    languages::by_path(path).is_some() || may_be_script(path)
}

/// The messages about links to files that may contain secrets. These files are not read, because whoever committed the
/// link would see their contents in the report.
const OF_GIT: &str = "it is a symbolic link to one of Git's own files";
const UNTRACKED: &str = "it is a symbolic link to a file that Git does not track";

/// Checks that the target of a link, with all links resolved, is part of the repository around it.
pub(super) fn refuse_private(target: &Path) -> Result<(), String> {
    // The innermost repository: worktrees may be inside the `.git` of another one.
    let root = target.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let path = root.and_then(|root| target.strip_prefix(root).ok()).unwrap_or(target);
    if path.components().any(|part| part.as_os_str() == ".git") {
        return Err(OF_GIT.to_owned());
    }
    let Some(root) = root else { return Ok(()) };
    match git::tracked(root)? {
        Some(tracked) if !tracked.files.iter().any(|tracked| tracked == path) => Err(UNTRACKED.to_owned()),
        _ => Ok(()),
    }
}

/// How links are resolved.
pub(super) struct Rules<'a> {
    pub root: &'a Path,
    pub exclude: &'a Globs,
    /// Whether ignore files apply.
    pub honours_ignores: bool,
    /// Whether the links were given on the command line, so they are never silently skipped.
    pub named: bool,
}

/// Adds the links whose targets are not checked under their own names. The entries must be sorted, and they remain
/// sorted.
pub(super) fn add(found: &mut Walk, mut links: Vec<Link>, rules: &Rules<'_>) {
    if links.is_empty() {
        return;
    }
    links.sort_unstable();
    links.dedup();
    let vendored = found.entries.iter().filter_map(|entry| third_party::vendored_folder(&entry.path));
    let vendored = vendored.map(str::to_owned).collect();
    let mut resolver = Resolver { rules, root: None, tracked: None, lookups: 0, known: HashMap::new(), vendored };
    let mut added = Vec::new();
    for Link { path, file } in links {
        match resolver.target(&path, &file, &found.entries) {
            Ok(Some((file, kind))) => added.push(Entry { path, file, kind }),
            Ok(None) => {}
            Err(reason) => found.unreadable.push(Unreadable { path, reason }),
        }
    }
    found.entries.append(&mut added);
    found.entries.sort_unstable();
}

struct Resolver<'a> {
    rules: &'a Rules<'a>,
    /// The root with its links resolved.
    root: Option<PathBuf>,
    /// The files that git tracks; the inner value is `None` if there is no index.
    tracked: Option<Option<HashSet<PathBuf>>>,
    lookups: usize,
    /// The number of links to each target that is checked in place of its links.
    known: HashMap<PathBuf, usize>,
    /// The folders that package managers fill.
    vendored: HashSet<String>,
}

impl Resolver<'_> {
    /// The file to check in place of a link, and its kind. `None` if there is nothing to check, or if the target is
    /// checked anyway.
    fn target(&mut self, path: &str, link: &Path, entries: &[Entry]) -> Result<Option<(PathBuf, FileKind)>, String> {
        let target = match link.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(io_reason(&error)),
            // The target does not exist, or the links form a cycle.
            Err(_) => return Ok(None),
        };
        let root = self.rules.root;
        let root = self.root.get_or_insert_with(|| root.canonicalize().unwrap_or_else(|_| root.to_owned())).clone();
        let Some(inside) = relative(&root, &target) else { return Ok(None) };
        if inside.split('/').any(|part| part == ".git") {
            return Err(OF_GIT.to_owned());
        }
        let data = target.metadata().map_err(|error| io_reason(&error))?;
        if data.is_dir() || nested_around(&root, &target).is_some() {
            return Ok(None);
        }
        let by_name = languages::by_path(path);
        if !data.is_file() {
            return if by_name.is_some() || self.rules.named { Err(NO_FILE.to_owned()) } else { Ok(None) };
        }
        let is_tracked = self.is_tracked(target.strip_prefix(&root).unwrap_or(&target))?;
        let is_script = || has_shell_shebang(&target);
        let Some(kind) = by_name.or_else(|| is_script().then_some(FileKind::Shell)) else { return Ok(None) };
        let entry = entries.binary_search_by(|entry| entry.path.cmp(&inside));
        let is_checked = entry.is_ok_and(|index| entries[index].kind == kind) && !self.is_third_party(&inside);
        if is_checked || self.is_excluded(&inside) {
            return Ok(None);
        }
        if !is_tracked {
            return match self.is_passed_over(&inside) {
                true => Ok(None),
                false => Err(UNTRACKED.to_owned()),
            };
        }
        // The location of a link may decide which rules apply, so checking one link does not cover the others.
        let count = self.known.entry(target.clone()).or_default();
        *count += 1;
        match *count > MOST_LINKS {
            true => Err(format!("more than {MOST_LINKS} symbolic links refer to {inside}")),
            false => Ok(Some((target, kind))),
        }
    }

    /// Whether a file is not checked under its own name, because a package manager wrote it.
    fn is_third_party(&self, path: &str) -> bool {
        let is_vendored = || paths::folders(path).any(|folder| self.vendored.contains(folder));
        third_party::in_installed_folder(path) || third_party::is_lock_file(path) || is_vendored()
    }

    /// Whether git tracks a file. Without an index, every file counts as tracked.
    fn is_tracked(&mut self, path: &Path) -> Result<bool, String> {
        if self.tracked.is_none() {
            let tracked = git::tracked(self.rules.root)?.map(|tracked| tracked.files.into_iter().collect());
            self.tracked = Some(tracked);
        }
        let tracked = self.tracked.as_ref().and_then(Option::as_ref);
        Ok(tracked.is_none_or(|files| files.contains(path)))
    }

    fn is_excluded(&self, path: &str) -> bool {
        Path::new(path).ancestors().any(|folder| self.rules.exclude.is_match(folder))
    }

    /// Whether a link to an untracked target is skipped without an error, because ignore files exclude the target.
    fn is_passed_over(&mut self, path: &str) -> bool {
        self.lookups += 1;
        let may_look = self.rules.honours_ignores && !self.rules.named && self.lookups <= MAX_LOOKUPS;
        may_look && is_ignored(self.rules.root, path)
    }
}
