//! Reads objects: the contents of commits and files, from the object database or with the help of git.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rayon::prelude::*;

use super::store::{Listing, Store};
use super::{Failure, Git, does_not_start};
use crate::{paths, walk};

/// The capacity of a pipe on Linux, in bytes.
const PIPE: usize = 64 << 10;

/// The number of objects below which another thread takes longer to start than it saves.
const OBJECTS: usize = 30;

/// The maximum length of the header before the content of an object, in bytes, excluding the object's name.
const LONGEST_HEAD: u64 = 1 << 10;

/// The maximum number of parents of a commit that are read.
const MOST_PARENTS: usize = 16;

/// The maximum size of a commit whose parents are read, in bytes.
const LONGEST_COMMIT: u64 = 1 << 20;

impl Git<'_> {
    /// The files and symbolic links of a commit that are under the folder.
    pub(super) fn files(&self, commit: &str, objects: &Objects) -> Result<Listing, Failure> {
        // Git lists only the folder if the folder is below the repository's root.
        let known = objects.store.as_ref().filter(|_| self.root.join(".git").exists());
        if let Some(listing) = known.and_then(|store| store.listing(commit)) {
            return Ok(listing);
        }
        let output = self.output(&["ls-tree", "-r", "-z", commit])?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("git ls-tree failed: {}", said.trim())));
        }
        let mut listing = Listing::default();
        for entry in output.stdout.split(|&byte| byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok()) {
            listing.files.extend(blob(entry, "100"));
            listing.links.extend(blob(entry, "120"));
        }
        Ok(listing)
    }

    /// Starts a process that returns the contents of objects, one after another.
    pub(super) fn objects(&self) -> Result<Objects, Failure> {
        let mut command = self.command(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| does_not_start(&error))?;
        let (asked, answers) =
            (child.stdin.take(), child.stdout.take().map(|output| BufReader::with_capacity(PIPE, output)));
        Ok(Objects { child, asked, answers, store: None })
    }

    /// Opens the object database, given the id of any object. Git must have accepted the repository before.
    pub(super) fn store(&self, id: &str) -> Option<Store> {
        let usual = self.root.join(".git/objects");
        if usual.is_dir() {
            return Store::open(&usual, id);
        }
        let output = self.output(&["rev-parse", "--git-path", "objects"]).ok().filter(|done| done.status.success())?;
        let folder = String::from_utf8(output.stdout).ok()?;
        Store::open(&self.root.join(folder.strip_suffix('\n')?), id)
    }

    /// The contents of files, or `None` for each one that is larger than `limit`. `failure` describes a file that
    /// cannot be read.
    pub fn contents(
        &self,
        objects: &mut Objects,
        ids: &[&str],
        limit: u64,
        failure: impl Fn(&str, &str) -> Failure + Sync,
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let count = ids.len().div_ceil(OBJECTS).clamp(1, rayon::current_num_threads());
        let stores: Vec<_> = (0..count).map(|_| objects.store.clone()).collect();
        // Files in one folder are often stored as deltas of each other.
        let parts = stores.into_par_iter().zip(ids.par_chunks(ids.len().div_ceil(count).max(1)));
        let read =
            |(store, ids): (Option<Store>, &[&str])| ids.iter().map(|id| store.as_ref()?.file(id)).collect::<Vec<_>>();
        let contents: Vec<_> = parts.flat_map_iter(read).collect();
        let mut ask = |(content, &id): (Option<Vec<u8>>, &&str)| match content {
            Some(content) => Ok((content.len() as u64 <= limit).then_some(content)),
            None => objects.ask(id, limit).map_err(|reason| failure(id, &reason)),
        };
        contents.into_iter().zip(ids).map(&mut ask).collect()
    }
}

impl Listing {
    /// The object id of the file that a symbolic link points to. `None` if the path is not a link, or if it points to
    /// the file through another link.
    pub fn target(&self, link: &str, objects: &mut Objects) -> Option<&String> {
        const LONGEST: u64 = 4 << 10;
        let target = objects.content(self.links.get(link)?, LONGEST)?;
        self.files.get(&paths::join(paths::folder(link), std::str::from_utf8(&target).ok()?)?)
    }
}

/// Parses the path and object id of an entry `100644 blob ID\tPATH` whose mode starts with the given digits: `100` for
/// regular files, `120` for links. `None` for other entries.
fn blob(entry: &str, mode: &str) -> Option<(String, String)> {
    let (head, path) = entry.split_once('\t')?;
    let id = head.strip_prefix(mode)?.split_once(" blob ")?.1;
    Some((path.to_owned(), id.to_owned()))
}

/// A commit.
#[derive(Debug)]
pub(super) struct Commit {
    /// Its id.
    pub id: String,
    /// The ids of its parents, at most [`MOST_PARENTS`].
    pub parents: Vec<String>,
}

/// Reads objects as they are stored, without filters or conversions.
pub struct Objects {
    child: Child,
    asked: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
    /// The object database, which is faster than the process. Objects that it lacks are read from the process.
    pub(super) store: Option<Store>,
}

impl Objects {
    /// The content of a file. `None` if it does not exist or is larger than `limit`.
    pub fn content(&mut self, id: &str, limit: u64) -> Option<Vec<u8>> {
        match self.store.as_ref().and_then(|store| store.file(id)) {
            Some(content) => (content.len() as u64 <= limit).then_some(content),
            None => self.ask(id, limit).ok().flatten(),
        }
    }

    /// Reads the content of a file from the process; `None` if it is larger than `limit`. The error is a message.
    fn ask(&mut self, id: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let asked = self.asked.as_mut().ok_or_else(stopped)?;
        writeln!(asked, "{id}").map_err(|error| walk::io_reason(&error))?;
        self.answer(id, limit)
    }

    /// Reads the next answer, which must be for this object. `None` if the object is larger than `limit`.
    fn answer(&mut self, id: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let reason = |error: std::io::Error| walk::io_reason(&error);
        let answers = self.answers.as_mut().ok_or_else(stopped)?;
        let mut head = String::new();
        answers.by_ref().take(LONGEST_HEAD).read_line(&mut head).map_err(reason)?;
        let size = head.strip_prefix(id).and_then(|rest| rest.strip_prefix(" blob "));
        let size: u64 = size.and_then(|size| size.trim().parse().ok()).ok_or("git does not have the object")?;
        Self::body(answers, size, limit)
    }

    /// Reads the content that follows a header, and the line break after it. Returns the content, or `None` if it is
    /// larger than `limit`.
    fn body(answers: &mut BufReader<ChildStdout>, size: u64, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let reason = |error: std::io::Error| walk::io_reason(&error);
        if size > limit {
            std::io::copy(&mut answers.take(size + 1), &mut std::io::sink()).map_err(reason)?;
            return Ok(None);
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        answers.take(size + 1).read_to_end(&mut content).map_err(reason)?;
        let is_whole = content.pop() == Some(b'\n') && content.len() as u64 == size;
        is_whole.then_some(Some(content)).ok_or_else(stopped)
    }

    /// The commit that a name refers to, directly or through tags.
    pub(super) fn commit(&mut self, name: &str) -> Option<Commit> {
        // A line break would end the name.
        if name.contains('\n') {
            return None;
        }
        writeln!(self.asked.as_mut()?, "{name}^{{commit}}").ok()?;
        let answers = self.answers.as_mut()?;
        let mut head = Vec::new();
        answers.by_ref().take(LONGEST_HEAD + name.len() as u64).read_until(b'\n', &mut head).ok()?;
        // Git repeats a name that it does not find, whatever the name contains.
        let head = std::str::from_utf8(&head).ok()?.trim_end();
        let is_id = |id: &str| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let &[id, "commit", size] = head.split(' ').collect::<Vec<_>>().as_slice() else { return None };
        let size: u64 = size.parse().ok().filter(|_| is_id(id))?;
        let content = Self::body(answers, size, LONGEST_COMMIT).ok()?;
        let content = content.as_deref().unwrap_or_default();
        Some(Commit { id: id.to_owned(), parents: parents(content) })
    }

    /// The parents of a commit, given its id. Empty if it cannot be read.
    pub(super) fn parents(&mut self, id: &str) -> Vec<String> {
        match self.store.as_ref().and_then(|store| store.commit(id)) {
            Some(content) => parents(&content),
            None => self.commit(id).map(|commit| commit.parents).unwrap_or_default(),
        }
    }
}

/// The parents in the content of a commit, at most [`MOST_PARENTS`].
fn parents(commit: &[u8]) -> Vec<String> {
    let commit = String::from_utf8_lossy(commit);
    let lines = commit.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).take(MOST_PARENTS).collect()
}

fn stopped() -> String {
    "git stopped".to_owned()
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.asked = None;
        self.answers = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_listed() {
        let listed = |entry| blob(entry, "100").map(|(path, id)| format!("{path} {id}"));
        assert_eq!(listed("100644 blob 0ab\ta b/ü\n.nix").as_deref(), Some("a b/ü\n.nix 0ab"));
        assert_eq!(listed("100755 blob 0ab\tx.sh").as_deref(), Some("x.sh 0ab"));
        assert_eq!(listed("120000 blob 0ab\tlink.nix"), None);
        assert_eq!(blob("120000 blob 0ab\tlink.nix", "120"), Some(("link.nix".to_owned(), "0ab".to_owned())));
        assert_eq!(listed("160000 commit 0ab\tmodule"), None);
        assert_eq!(listed(""), None);
    }
}
