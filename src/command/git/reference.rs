//! Finds the commit that a reference names, and its merge base with HEAD.

use std::io::Write;
use std::process::Stdio;

use super::objects::{Commit, Objects};
use super::store::Listing;
use super::{Failure, Git, does_not_start, failed, is_no_repository, said};
use crate::finding::Finding;

/// The common names of the main branch, which are tried if no reference is given.
const MAIN: [&str; 5] = [
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
];

/// The namespaces of a short name, in the order in which they are tried. Git itself prefers tags, so it would use a tag
/// that has the name of a branch.
const NAMESPACES: [&str; 3] = ["refs/heads/", "refs/remotes/", "refs/tags/"];

/// The name of the current commit.
const HEAD: &str = "HEAD";

/// The number of ancestors of HEAD that are searched for a commit before git determines the merge base.
const NEAR: usize = 128;

/// The state of a repository at the merge base of HEAD and a reference.
pub struct Base {
    /// The commit's id.
    pub commit: String,
    /// Its files.
    pub listing: Listing,
    /// Reads its objects.
    pub objects: Objects,
    /// Files that differ from the commit but are not in the working tree because of a sparse checkout.
    pub absent: Vec<Finding>,
}

impl Git<'_> {
    /// The merge base of HEAD and a reference, or the main branch if the reference is empty. `option` is the option
    /// that requires it, for messages.
    pub fn base(&self, option: &str, reference: &str) -> Result<Base, Failure> {
        std::thread::scope(|scope| {
            let index = scope.spawn(|| self.index());
            let mut objects = self.objects()?;
            let commit = self.base_commit(option, reference, &mut objects)?;
            let listing = self.files(&commit, &objects)?;
            let index = index.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let absent = self.absent_changes(&index, &listing, &mut objects);
            Ok(Base { commit, listing, objects, absent })
        })
    }

    fn base_commit(&self, option: &str, reference: &str, objects: &mut Objects) -> Result<String, Failure> {
        let candidates = match reference {
            "" => MAIN.map(str::to_owned).to_vec(),
            name => [name.to_owned()].into_iter().chain(NAMESPACES.map(|space| format!("{space}{name}"))).collect(),
        };
        let Some(head) = objects.commit(HEAD) else { return Err(self.without_head(option)?) };
        objects.store = self.store(&head.id);
        let found: Vec<_> = candidates.iter().map(|name| objects.commit(name).map(|commit| commit.id)).collect();
        let (commit, shown) = match (reference, found.as_slice()) {
            ("", found) => (self.main_branch(found)?, "the main branch"),
            (asked, [plain, named @ ..]) => (self.commit(asked, plain.as_deref(), named)?, asked),
            (asked, []) => return Err(is_no_commit(asked)),
        };
        if let Some(base) = objects.store.as_ref().and_then(|store| store.merge_base(commit, &head.id)) {
            return Ok(base);
        }
        match head.has_near_ancestor(commit, objects) {
            true => Ok(commit.to_owned()),
            false => self.merge_base(commit, &head.id, shown),
        }
    }

    /// The error if HEAD has no commit: the folder is not a repository, or git does not read it, or it is empty.
    fn without_head(&self, option: &str) -> Result<Failure, Failure> {
        let output = self.output(&["rev-parse", "--git-dir"])?;
        if output.status.success() {
            return Ok(Failure::new(format!("{option} requires at least one commit")));
        }
        if !is_no_repository(&output) {
            return Ok(failed(option, &output));
        }
        let root = self.root.display();
        Ok(Failure::new(format!("{option} requires a Git repository, and {root} is not one")))
    }

    /// The commit of the main branch, given the commits of the names in [`MAIN`].
    fn main_branch<'c>(&self, found: &'c [Option<String>]) -> Result<&'c str, Failure> {
        found.iter().find_map(Option::as_deref).ok_or_else(|| {
            let shown = MAIN.map(|name| name.trim_start_matches("refs/remotes/").trim_start_matches("refs/heads/"));
            Failure::new(format!("no branch to compare with; tried {}", shown.join(", ")))
                .help("name a branch or commit: --changed=REF or --new-since=REF")
        })
    }

    /// The commit of a reference, given the commit that Git finds for it and those in the namespaces.
    fn commit<'c>(&self, asked: &str, plain: Option<&'c str>, named: &'c [Option<String>]) -> Result<&'c str, Failure> {
        let name = name_in(asked);
        let is_id = name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Such a name is unambiguous, whatever branches exist.
        let is_full = is_id || name.starts_with("refs/") || ["HEAD", "@"].contains(&name) || name.ends_with("_HEAD");
        if is_full {
            return plain.ok_or_else(|| is_no_commit(asked));
        }
        if let [Some(branch), Some(remote), ..] = named
            && branch != remote
        {
            let message = format!("`{asked}` is a local branch and a remote-tracking branch, at different commits");
            return Err(Failure::new(message).help(format!("write refs/heads/{asked} or refs/remotes/{asked}")));
        }
        let Some(commit) = named.iter().find_map(Option::as_deref) else {
            return plain.ok_or_else(|| is_no_commit(asked));
        };
        if self.abbreviates_another(name, commit)? {
            let message = format!("`{name}` is a branch or tag, and also an abbreviation of another commit's id");
            return Err(Failure::new(message)
                .help("write all 40 digits of the commit, or the full name, such as refs/heads/NAME"));
        }
        Ok(commit)
    }

    /// Whether the name of a branch or tag is also a prefix of another commit's id. `own` is the id of the commit that
    /// the branch or tag refers to.
    fn abbreviates_another(&self, name: &str, own: &str) -> Result<bool, Failure> {
        if !(4..40).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(false);
        }
        let output = self.output(&["rev-parse", &format!("--disambiguate={name}")])?;
        let ids = String::from_utf8_lossy(&output.stdout);
        let checked = self.described(ids.lines().filter(|id| *id != own))?;
        // Files, folders and tags also have ids, but these do not name commits.
        Ok(checked.lines().any(|line| line.split(' ').nth(1) == Some("commit")))
    }

    /// The id, kind and size of each object, one object per line. Git is started once for all of them.
    fn described<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Result<String, Failure> {
        let mut command = self.command(&["cat-file", "--batch-check"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| does_not_start(&error))?;
        let asked: String = ids.map(|id| format!("{id}\n")).collect();
        let stdin = child.stdin.take();
        // Git may stop reading until its output is read.
        let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
        let output = child.wait_with_output().map_err(|error| does_not_start(&error))?;
        drop(writer.join());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The merge base of a commit and HEAD's commit. `shown` is the name of the commit in messages.
    fn merge_base(&self, commit: &str, head: &str, shown: &str) -> Result<String, Failure> {
        let output = self.output(&["merge-base", commit, head])?;
        let base = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && !base.is_empty() {
            return Ok(base);
        }
        // Git reports no error if the commits have no common ancestor.
        if output.status.code() != Some(1) || !said(&output).is_empty() {
            return Err(failed(&format!("the search for the merge base of {shown} and HEAD"), &output));
        }
        Err(Failure::new(format!("{shown} and HEAD have no common ancestor here"))
            .help("fetch the full history with `git fetch --unshallow`, or with `fetch-depth: 0` in actions/checkout"))
    }
}

impl Commit {
    /// Whether a commit is this one or one of its nearest ancestors. Reading them takes less time than starting a
    /// process.
    fn has_near_ancestor(&self, commit: &str, objects: &mut Objects) -> bool {
        let mut ancestors = vec![self.id.clone()];
        let mut parents = self.parents.clone();
        for next in 0..NEAR {
            ancestors.extend(std::mem::take(&mut parents));
            if ancestors.iter().any(|ancestor| ancestor == commit) {
                return true;
            }
            let Some(id) = ancestors.get(next + 1) else { return false };
            parents = objects.parents(id);
            parents.retain(|parent| !ancestors.contains(parent));
        }
        false
    }
}

/// The error for a reference that names no commit.
fn is_no_commit(asked: &str) -> Failure {
    Failure::new(format!("`{asked}` is not a commit in this repository"))
        .help("fetch it first; actions/checkout fetches a single commit unless `fetch-depth: 0` is set")
}

/// The name in an expression for a commit: `main` in `main~3`, `main^{tree}` and `main@{1}`.
fn name_in(expression: &str) -> &str {
    let end = expression.find(['^', '~', ':']).unwrap_or(expression.len());
    let end = expression.find("@{").map_or(end, |at| at.min(end));
    &expression[..end]
}
