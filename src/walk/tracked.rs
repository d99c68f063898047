//! Files that git tracks even though ignore files exclude them, or although they are in folders that are not walked.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::globs::Globs;

use super::git::Tracked;
use super::links::{self, Link};
use super::{Entry, Walk, by_name, has_shell_shebang, is_of_git, leads_out, may_be_script, relative};
use crate::finding::RelPath;
use crate::source::FileKind;

/// Adds files that git tracks but the walk did not list: Nix sees what git tracks. Returns the links that git tracks.
/// `plain` lists the files that the walk found to have no kind. The entries and `plain` must be sorted.
pub(super) fn add(
    found: &mut Walk,
    plain: &[RelPath],
    tracked: &Tracked,
    (root, folder): (&Path, &Path),
    exclude: &Globs,
) -> Vec<Link> {
    let is_plain = |path: &str| plain.binary_search_by(|known| (**known).cmp(path)).is_ok();
    let is_known =
        |path: &RelPath| found.entries.binary_search_by(|entry| entry.path.cmp(path)).is_ok() || is_plain(path);
    let is_wanted = |path: &RelPath, file: &Path| {
        let is_excluded = || Path::new(&**path).ancestors().any(|folder| exclude.is_match(folder));
        !is_known(path) && file.starts_with(folder) && !is_of_git(path) && !is_excluded()
    };
    // The walk lists most tracked files. Both lists are sorted, so these files are passed over without a search.
    let mut entries = found.entries.iter().map(|entry| entry.path.as_bytes()).peekable();
    let mut was_listed = |path: &Path| {
        let path = path.as_os_str().as_bytes();
        while entries.next_if(|entry| *entry < path).is_some() {}
        entries.peek() == Some(&path)
    };
    // Most of the files that the walk did not list have no kind.
    let may_have_kind = |path: &str| by_name(path).is_some() || may_be_script(path);
    let is_candidate = |path: &Path| path.to_str().is_none_or(|path| may_have_kind(path) && !is_plain(path));
    let missing = tracked.files.iter().filter(|path| !was_listed(path) && is_candidate(path)).filter_map(|path| {
        let file = root.join(path);
        let path = relative(root, &file)?;
        if !may_have_kind(&path) || !is_wanted(&path, &file) {
            return None;
        }
        let kind = by_name(&path);
        let is_there = file.symlink_metadata().is_ok_and(|data| data.is_file()) && !leads_out(root, &file);
        let kind = kind.or_else(|| (is_there && has_shell_shebang(&file)).then_some(FileKind::Shell));
        is_there.then_some(Entry { path, file, kind: kind? })
    });
    let mut missing: Vec<Entry> = missing.collect();
    let links = tracked.links.iter().filter_map(|path| {
        let file = root.join(path);
        let path = relative(root, &file).filter(|path| links::may_have_kind(path) && is_wanted(path, &file))?;
        file.is_symlink().then_some(Link { path, file })
    });
    let links = links.collect();
    if !missing.is_empty() {
        found.entries.append(&mut missing);
        found.entries.sort_unstable();
    }
    links
}
