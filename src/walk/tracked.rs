//! Files that git tracks although ignore files exclude them.

use std::collections::HashSet;
use std::path::Path;

use globset::GlobSet;

use super::links::{self, Link};
use super::{Entry, Unreadable, Walk, by_name, git, has_shell_shebang, is_skipped, leads_out, may_be_script, relative};
use crate::finding::RelPath;
use crate::source::FileKind;

/// Adds the files that git tracks although ignore files cover them: Nix sees what git tracks. Returns the links that git
/// tracks.
pub(super) fn add(found: &mut Walk, root: &Path, folder: &Path, exclude: &GlobSet) -> Vec<Link> {
    let tracked = match git::tracked(root) {
        Ok(tracked) => tracked.unwrap_or_default(),
        Err(reason) => {
            found.unreadable.push(Unreadable { path: ".git/index".into(), reason });
            return Vec::new();
        }
    };
    let known: HashSet<&RelPath> = found.entries.iter().map(|entry| &entry.path).collect();
    let is_wanted = |path: &RelPath, file: &Path| {
        let is_excluded = || Path::new(&**path).ancestors().any(|folder| exclude.is_match(folder));
        !known.contains(path) && file.starts_with(folder) && !is_skipped(path) && !is_excluded()
    };
    let missing = tracked.files.iter().filter_map(|path| {
        let file = root.join(path);
        let path = relative(root, &file)?;
        let kind = by_name(&path);
        let may_have_kind = kind.is_some() || may_be_script(&path);
        if !may_have_kind || !is_wanted(&path, &file) {
            return None;
        }
        let is_there = file.symlink_metadata().is_ok_and(|data| data.is_file()) && !leads_out(root, &file);
        let kind = kind.or_else(|| (is_there && has_shell_shebang(&file)).then_some(FileKind::Shell));
        is_there.then_some(Entry { path, file, kind: kind? })
    });
    let links = tracked.links.iter().filter_map(|path| {
        let file = root.join(path);
        let path = relative(root, &file).filter(|path| links::may_have_kind(path) && is_wanted(path, &file))?;
        file.is_symlink().then_some(Link { path, file })
    });
    let links = links.collect();
    let mut missing: Vec<Entry> = missing.collect();
    found.entries.append(&mut missing);
    found.entries.sort_unstable();
    links
}
