//! Runs git only for reading, and without starting any program that the repository's settings specify.

mod blame;
mod objects;
mod reference;
mod store;

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

pub use blame::Change;
pub use objects::Objects;
pub use reference::Base;
pub use store::Listing;

use super::Failure;
use crate::check::unreadable_file;
use crate::finding::{Finding, RelPath};
use crate::walk;
use crate::walk::Unreadable;

/// Variables that make git read a repository, index or object database other than the one in the working directory.
/// These are the variables of `git rev-parse --local-env-vars` except settings, which may be required to read the
/// repository (`safe.directory`).
const ELSEWHERE: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Runs git in the folder of a repository.
pub struct Git<'a> {
    root: &'a Path,
    /// The names of the settings that would run programs to read files in the working tree. Set on first use.
    filters: OnceLock<Vec<String>>,
    /// Whether the files that `git blame` always opens are small regular files. Set on first use.
    blame_can_read: OnceLock<bool>,
}

impl<'a> Git<'a> {
    /// Creates a runner for a folder.
    pub fn new(root: &'a Path) -> Result<Self, Failure> {
        walk::git_can_start(root).map_err(|reason| Failure::new(format!("git is not started: {reason}")))?;
        Ok(Self { root, filters: OnceLock::new(), blame_can_read: OnceLock::new() })
    }

    /// The settings that would run programs to read files in the working tree.
    fn filters(&self) -> Result<&[String], Failure> {
        if let Some(known) = self.filters.get() {
            return Ok(known);
        }
        let named =
            ["config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|smudge|required)$"];
        let named = self.output(&named)?.stdout;
        let mut filters: Vec<_> = String::from_utf8_lossy(&named).split_terminator('\0').map(str::to_owned).collect();
        filters.dedup();
        Ok(self.filters.get_or_init(|| filters))
    }

    /// A command that reads no files in the working tree.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        // Disables lock files and everything that the repository's own configuration could start.
        command.args(["--no-optional-locks", "--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false"]);
        // Git sets these variables for hooks and aliases, even while it works on another repository. A repository that
        // is known only through them has no `.git`.
        if self.root.join(".git").exists() {
            for name in ELSEWHERE {
                command.env_remove(name);
            }
        }
        // In a partial clone, git would fetch missing objects with programs that the repository's settings name.
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
        // Grafts would replace parents of commits, as replacement objects would.
        command.env("GIT_GRAFT_FILE", "/dev/null");
        command.arg("-C").arg(self.root).args(args).stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    fn output(&self, args: &[&str]) -> Result<Output, Failure> {
        self.command(args).output().map_err(|error| does_not_start(&error))
    }

    /// The output of a command that reads files in the working tree. Their filters are disabled.
    fn output_with_files(&self, args: &[&str]) -> Result<Output, Failure> {
        let mut command = self.command(args);
        let filters = self.filters()?;
        // `-c` is not used, because it splits the name of a filter at `=`.
        let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0usize);
        for (index, filter) in (given..).zip(filters) {
            command.env(format!("GIT_CONFIG_KEY_{index}"), filter).env(format!("GIT_CONFIG_VALUE_{index}"), "");
        }
        command.env("GIT_CONFIG_COUNT", (given + filters.len()).to_string());
        command.output().map_err(|error| does_not_start(&error))
    }

    /// Whether a command succeeds.
    pub fn knows(&self, args: &[&str]) -> Result<bool, Failure> {
        Ok(self.output(args)?.status.success())
    }

    /// Whether there is a commit. There is none outside a repository. Fails if git does not read the repository.
    pub fn has_commit(&self) -> Result<bool, Failure> {
        if self.knows(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])? {
            return Ok(true);
        }
        let output = self.output(&["rev-parse", "--git-dir"])?;
        match output.status.success() || is_no_repository(&output) {
            true => Ok(false),
            false => Err(failed("reading the history", &output)),
        }
    }

    /// Whether git converts line endings, as Git for Windows does.
    pub fn converts_line_ends(&self) -> Result<bool, Failure> {
        let settings = self.output(&["config", "--null", "--get-regexp", r"^core\.(autocrlf|eol)$"])?.stdout;
        let mut values = HashMap::new();
        // Each entry is a key, a line break and a value. The last value of a key applies.
        let entries = settings.split(|&byte| byte == 0);
        values.extend(entries.filter_map(|entry| Some(entry.split_at(memchr::memchr(b'\n', entry)?))));
        let is = |key: &[u8], value: &[u8]| values.get(key).is_some_and(|set| set.get(1..) == Some(value));
        Ok(is(b"core.autocrlf", b"true") || is(b"core.eol", b"crlf"))
    }

    /// The entries of the index, `TAG MODE ID STAGE\tPATH`. Empty if all files are checked out.
    fn index(&self) -> Result<Vec<u8>, Failure> {
        // Reading the index takes less time than starting a process.
        if let Ok(Some(tracked)) = walk::tracked(self.root)
            && !tracked.is_sparse
        {
            return Ok(Vec::new());
        }
        let output = self.output(&["ls-files", "-t", "--stage", "-z"])?;
        if !output.status.success() {
            return Err(failed("git ls-files", &output));
        }
        Ok(output.stdout)
    }

    /// The findings for files that differ from an earlier commit, may have to be checked, and are not in the working
    /// tree because of a sparse checkout.
    fn absent_changes(&self, index: &[u8], before: &Listing, objects: &mut Objects) -> Vec<Finding> {
        // `S` is the tag of files that are not checked out.
        let left_out = index.split(|&byte| byte == 0).filter_map(|entry| entry.strip_prefix(b"S 100"));
        // Scripts without an extension are recognised by their content.
        let mut is_script = |path: &str, id: &str| {
            let content = walk::may_be_script(path).then(|| objects.content(id, walk::MAX_FILE));
            content.is_some_and(|content| content.is_none_or(|content| walk::is_shell_script(&content)))
        };
        let changed = left_out.filter_map(|entry| {
            let tab = memchr::memchr(b'\t', entry)?;
            let (head, path) = (std::str::from_utf8(&entry[..tab]).ok()?, String::from_utf8_lossy(&entry[tab + 1..]));
            let id = head.split(' ').nth(1)?;
            let is_same = before.files.get(&*path).is_some_and(|before| before == id);
            if is_same || self.root.join(&*path).symlink_metadata().is_ok() {
                return None;
            }
            let has_kind = walk::by_name(&path).is_some() || is_script(&path, id);
            has_kind.then(|| left_out_of_checkout(&path))
        });
        changed.collect()
    }
}

/// Decodes a file name that git quoted; `None` if it is not quoted.
pub(super) fn unquoted(name: &[u8]) -> Option<Vec<u8>> {
    let inner = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut bytes = Vec::new();
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'3') => {
                let more = [rest.next(), rest.next()].into_iter().flatten();
                bytes.push(
                    more.fold(digit - b'0', |value, digit| {
                        value.wrapping_mul(8).wrapping_add(digit.wrapping_sub(b'0'))
                    }),
                );
            }
            Some(letter) => bytes.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'a' => 7,
                b'b' => 8,
                b'v' => 11,
                b'f' => 12,
                other => other,
            }),
            None => {}
        }
    }
    Some(bytes)
}

/// Returns the files of a flake in a Git repository that the flake does not see, because git does not track them. Empty
/// if there is no flake, outside a Git repository, and if the index cannot be read.
pub fn unseen_by_flake<'p>(
    root: &Path,
    has_flake: bool,
    files: impl IntoIterator<Item = &'p RelPath>,
) -> Vec<&'p RelPath> {
    if !has_flake || !root.join(".git").exists() {
        return Vec::new();
    }
    let Ok(tracked) = walk::tracked(root) else { return Vec::new() };
    let tracked = tracked.map(|tracked| tracked.files).unwrap_or_default();
    // The list is sorted by bytes, and paths compare by component.
    let is_tracked =
        |path: &RelPath| tracked.binary_search_by(|known| known.as_os_str().as_bytes().cmp(path.as_bytes())).is_ok();
    files.into_iter().filter(|path| !is_tracked(path)).collect()
}

fn left_out_of_checkout(path: &str) -> Finding {
    let reason = "it is not in the working tree, because of a sparse checkout".to_owned();
    unreadable_file::unreadable(&Unreadable { path: path.into(), reason })
        .help("add it with `git sparse-checkout add`, or skip it with `exclude` in flakeward.toml")
}

/// Returns the given paths that have uncommitted changes or are untracked, according to git. Empty outside a git
/// repository.
pub fn uncommitted(root: &Path, paths: &[&str]) -> Result<Vec<String>, Failure> {
    if paths.is_empty() || !root.join(".git").exists() {
        return Ok(Vec::new());
    }
    let git = Git::new(root)?;
    let lines = |command: &[&str]| {
        let output = git.output_with_files(&[&["--literal-pathspecs"], command, &["--"], paths].concat())?;
        if !output.status.success() {
            return Err(failed(&format!("git {}", command[0]), &output));
        }
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(lines.split_terminator('\0').map(str::to_owned).collect::<Vec<_>>())
    };
    let status =
        lines(&["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored=traditional"])?;
    let changed = status.iter().filter_map(|line| line.get(3..)).map(str::to_owned);
    // Git was told to ignore changes to these files: `assume-unchanged` has a lower-case tag, and `skip-worktree` has
    // `S`.
    let tags = lines(&["ls-files", "-v", "-z"])?;
    let hidden = tags.iter().filter(|line| line.starts_with(|tag: char| tag.is_ascii_lowercase() || tag == 'S'));
    let hidden = hidden.filter_map(|line| line.get(2..)).map(str::to_owned);
    Ok(changed.chain(hidden).collect::<BTreeSet<_>>().into_iter().collect())
}

fn does_not_start(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => Failure::new("git cannot be started: there is no `git` on PATH")
            .help("install Git; it reads the history for `--changed`, `--new-since`, `accepted` and HTML reports"),
        _ => Failure::new(format!("git cannot be started: {}", walk::io_reason(error))),
    }
}

/// The failure of something that needs git, with what git said. If a repository belongs to another user, git also says
/// which command allows it.
fn failed(what: &str, output: &Output) -> Failure {
    let said = said(output);
    let first = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    match said.lines().map(str::trim).find(|line| line.starts_with(ALLOW)) {
        Some(command) => Failure::new(format!("{what} failed, because git does not read this repository: {first}"))
            .help(format!("its files belong to another user; if you trust them: `{command}`")),
        None => Failure::new(format!("{what} failed: {}", said.trim_start_matches("fatal: "))),
    }
}

/// What git said, without its hints about settings: it gives one whenever a file with grafts is named.
fn said(output: &Output) -> String {
    let all = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = all.lines().filter(|line| !line.starts_with("hint:")).collect();
    said.join("\n").trim().to_owned()
}

/// The start of the command that allows git to read the repository of another user, in git's own words.
const ALLOW: &str = "git config --global --add safe.directory ";

/// Whether git said that a folder is not in a repository.
fn is_no_repository(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stderr).contains("not a git repository")
}
