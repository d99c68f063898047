//! Runs git only to read, and without starting any program that the repository's settings name.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::Failure;
use crate::check::unreadable_file;
use crate::finding::Finding;
use crate::walk::Unreadable;
use crate::{paths, walk};

/// The usual names of the main branch, which are tried if no reference is given.
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

/// Variables that make git read another repository, index or object database than the one in its folder. These are the
/// variables of `git rev-parse --local-env-vars` except settings, which may be required to read the repository
/// (`safe.directory`).
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
    /// The names of the settings that would run programs to read files of the working tree, once they are known.
    filters: OnceLock<Vec<String>>,
    /// Whether all files that every `git blame` opens are small regular files, once it is known.
    blame_can_read: OnceLock<bool>,
}

impl<'a> Git<'a> {
    /// Creates a runner for a folder.
    pub fn new(root: &'a Path) -> Result<Self, Failure> {
        walk::git_can_start(root).map_err(|reason| Failure::new(format!("git is not started: {reason}")))?;
        Ok(Self { root, filters: OnceLock::new(), blame_can_read: OnceLock::new() })
    }

    /// The settings that would run programs to read files of the working tree.
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

    /// Whether the files that `git blame` opens, whatever its options, are small regular files.
    fn blame_can_read(&self) -> Result<bool, Failure> {
        if let Some(known) = self.blame_can_read.get() {
            return Ok(*known);
        }
        let files = r"^(blame\.ignorerevsfile|mailmap\.file)$";
        let ignored = self.output(&["config", "--null", "--path", "--get-regexp", files])?.stdout;
        // Each entry is a key, a line break and a value.
        let ignored = ignored.split(|&byte| byte == 0);
        let ignored = ignored.filter_map(|entry| entry.get(memchr::memchr(b'\n', entry)? + 1..));
        let names = ignored.map(|name| self.root.join(walk::path_of_bytes(name)));
        let own = [".mailmap", ".gitattributes"].map(|name| self.root.join(name)).into_iter();
        let can_read = own.chain(names).all(|file| may_open(&file));
        Ok(*self.blame_can_read.get_or_init(|| can_read))
    }

    /// A command that reads no files of the working tree.
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

    /// The output of a command that reads files of the working tree. Their filters are disabled.
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

    /// The merge base of HEAD and a reference, or the main branch if the reference is empty. `option` is the option
    /// that requires it, for messages. `objects` reads the commits.
    pub fn base(&self, option: &str, reference: &str, objects: &mut Objects) -> Result<String, Failure> {
        let candidates = match reference {
            "" => MAIN.map(str::to_owned).to_vec(),
            name => [name.to_owned()].into_iter().chain(NAMESPACES.map(|space| format!("{space}{name}"))).collect(),
        };
        let names: Vec<String> = [HEAD.to_owned()].into_iter().chain(candidates).collect();
        let mut found: Vec<_> = names.iter().map(|name| objects.commit(name)).collect();
        let Some(head) = found.remove(0) else { return Err(self.without_head(option)?) };
        let found: Vec<_> = found.into_iter().map(|commit| commit.map(|commit| commit.id)).collect();
        let (commit, shown) = match (reference, found.as_slice()) {
            ("", found) => (self.main_branch(found)?, "the main branch"),
            (asked, [plain, named @ ..]) => (self.commit(asked, plain.as_deref(), named)?, asked),
            (asked, []) => return Err(is_no_commit(asked)),
        };
        // These are the most frequent cases, and do not require another process.
        if head.id == commit || head.parents.iter().any(|parent| parent == commit) {
            return Ok(commit.to_owned());
        }
        self.merge_base(commit, &head.id, shown)
    }

    /// The error if HEAD has no commit: the folder is not a repository, or the repository is empty.
    fn without_head(&self, option: &str) -> Result<Failure, Failure> {
        if self.knows(&["rev-parse", "--git-dir"])? {
            return Ok(Failure::new(format!("{option} requires at least one commit")));
        }
        let root = self.root.display();
        Ok(Failure::new(format!("{option} requires a Git repository, and {root} is not one")))
    }

    /// The commit of the main branch, given those of its usual names.
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
            let message = format!("`{name}` is a branch or tag, and an abbreviation of another commit");
            return Err(Failure::new(message)
                .help("write all 40 digits of the commit, or the full name, such as refs/heads/NAME"));
        }
        Ok(commit)
    }

    /// Whether the name of a branch or tag is also a prefix of the id of another commit than its own.
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
        Err(Failure::new(format!("{shown} and HEAD have no common ancestor here"))
            .help("fetch the full history with `git fetch --unshallow`, or with `fetch-depth: 0` in actions/checkout"))
    }

    /// The files and symbolic links of a commit that are under the folder.
    pub fn files(&self, commit: &str) -> Result<Listing, Failure> {
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

    /// The findings for files that differ from an earlier commit, may have to be checked, and are not in the working
    /// tree because of a sparse checkout.
    pub fn absent_changes(&self, before: &Listing) -> Result<Vec<Finding>, Failure> {
        let output = self.output(&["ls-files", "-t", "--stage", "-z"])?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("git ls-files failed: {}", said.trim())));
        }
        // The entries are `TAG MODE ID STAGE\tPATH`; `S` is the tag of files that are not checked out.
        let left_out = output.stdout.split(|&byte| byte == 0).filter_map(|entry| entry.strip_prefix(b"S 100"));
        let mut objects = None;
        // The content decides for scripts without an extension.
        let mut is_script = |path: &str, id: &str| {
            if !walk::may_be_script(path) {
                return Ok(false);
            }
            let objects = match &mut objects {
                Some(objects) => objects,
                none => none.insert(self.objects()?),
            };
            let content = objects.content(id, walk::MAX_FILE);
            Ok(content.is_none_or(|content| walk::is_shell_script(&content)))
        };
        let changed = left_out.filter_map(|entry| {
            let tab = memchr::memchr(b'\t', entry)?;
            let (head, path) = (std::str::from_utf8(&entry[..tab]).ok()?, String::from_utf8_lossy(&entry[tab + 1..]));
            let id = head.split(' ').nth(1)?;
            let is_same = before.files.get(&*path).is_some_and(|before| before == id);
            if is_same || self.root.join(&*path).symlink_metadata().is_ok() {
                return None;
            }
            let has_kind = if walk::by_name(&path).is_some() { Ok(true) } else { is_script(&path, id) };
            has_kind.map(|has_kind| has_kind.then(|| left_out_of_checkout(&path))).transpose()
        });
        changed.collect()
    }

    /// The last change to some lines (from 1) of a file in the working tree. Uncommitted lines are left out. Empty if
    /// the file is not tracked, or if git would open a large or special file.
    pub fn blame(&self, path: &str, lines: &[usize]) -> Result<HashMap<usize, Change>, Failure> {
        let mut attributes = paths::folders(path).map(|folder| self.root.join(folder).join(".gitattributes"));
        if !self.blame_can_read()? || !attributes.all(|file| may_open(&file)) {
            return Ok(HashMap::new());
        }
        // For a large number of lines, it is faster to request all lines of the file.
        let asked = if lines.len() > MAX_RANGES { &[] } else { lines };
        let ranges: Vec<String> = asked.iter().map(|line| format!("-L{line},{line}")).collect();
        let mut args = vec!["-c", "core.attributesFile=/dev/null", "blame", "--no-textconv", "--line-porcelain"];
        args.extend(ranges.iter().map(String::as_str));
        args.extend(["--", path]);
        let output = self.output_with_files(&args)?;
        Ok(if output.status.success() { blamed(&String::from_utf8_lossy(&output.stdout)) } else { HashMap::new() })
    }

    /// Starts a process that returns the contents of objects, one after another.
    pub fn objects(&self) -> Result<Objects, Failure> {
        self.batch(&["cat-file", "--batch"])
    }

    fn batch(&self, args: &[&str]) -> Result<Objects, Failure> {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| does_not_start(&error))?;
        let (asked, answers) =
            (child.stdin.take(), child.stdout.take().map(|output| BufReader::with_capacity(PIPE, output)));
        Ok(Objects { child, asked, answers })
    }

    /// The contents of files, or `None` for each one that is larger than `limit`. `objects` reads a small number of
    /// files, and several processes read a large number in parallel. `failure` describes a file that cannot be read.
    pub fn contents(
        &self,
        objects: &mut Objects,
        ids: &[&str],
        limit: u64,
        failure: impl Fn(&str, &str) -> Failure + Sync,
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        if ids.len() <= FEW_OBJECTS {
            let mut read = |&id: &&str| objects.read(id, limit).map_err(|reason| failure(id, &reason));
            return ids.iter().map(&mut read).collect();
        }
        let count = ids.len().div_ceil(OBJECTS).clamp(1, rayon::current_num_threads());
        // Neighbours often have a similar size, so they are distributed over the parts.
        let parts = (0..count).into_par_iter().map(|part| ids.iter().skip(part).step_by(count).copied().collect());
        // All objects are requested at once, so git need not write each one as soon as it has read it.
        let objects = || self.batch(&["cat-file", "--batch", "--buffer"]);
        let read = |ids: Vec<&str>| objects()?.read_all(&ids, limit).map_err(|(id, reason)| failure(id, &reason));
        let contents = parts.map(read).collect::<Result<Vec<_>, _>>()?;
        let mut contents: Vec<_> = contents.into_iter().map(Vec::into_iter).collect();
        Ok((0..ids.len()).filter_map(|index| contents[index % count].next()).collect())
    }
}

/// Whether git may open a file: it does not exist, or is a folder or a small regular file. Git would wait for a pipe.
fn may_open(file: &Path) -> bool {
    let is_small = |data: std::fs::Metadata| data.is_dir() || data.is_file() && data.len() <= MAX_OPENED;
    match walk::resolved(file) {
        Ok(Some(file)) => file.metadata().is_ok_and(is_small),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// The error for a reference that names no commit.
fn is_no_commit(asked: &str) -> Failure {
    Failure::new(format!("`{asked}` is not a commit in this repository"))
        .help("fetch it first; actions/checkout fetches a single commit unless `fetch-depth: 0` is set")
}

/// The capacity of a pipe on Linux, in bytes.
const PIPE: usize = 64 << 10;

/// The number of objects below which starting another process takes longer than it saves.
const OBJECTS: usize = 100;

/// The number of objects up to which one process that is already running is faster than others that must be started.
const FEW_OBJECTS: usize = 30;

/// The maximum length of the line before an object, in bytes, without the object's name.
const LONGEST_HEAD: u64 = 1 << 10;

/// The maximum size of a commit whose parents are read, in bytes.
const LONGEST_COMMIT: u64 = 1 << 20;

/// The last change to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The author's name.
    pub author: String,
    /// The author date, in seconds since 1970.
    pub time: i64,
}

/// The maximum size of a file that git opens for `blame`, in bytes. If one is larger, no authors are shown.
const MAX_OPENED: u64 = 1 << 20;

/// The number of lines of one file above which all lines are requested.
const MAX_RANGES: usize = 200;

/// Parses the output of `git blame --line-porcelain`: for each line a header, fields, and the line after a tab.
fn blamed(text: &str) -> HashMap<usize, Change> {
    let mut changes = HashMap::new();
    let mut line = None;
    let mut change = Change { author: String::new(), time: 0 };
    for row in text.split('\n') {
        if row.starts_with('\t') {
            changes.extend(line.take().map(|line| (line, change.clone())));
        } else if let Some(author) = row.strip_prefix("author ") {
            change.author = author.to_owned();
        } else if let Some(time) = row.strip_prefix("author-time ") {
            change.time = time.parse().unwrap_or_default();
        } else if row.len() > 40 && row.as_bytes()[..40].iter().all(u8::is_ascii_hexdigit) {
            let is_committed = !row.starts_with(&"0".repeat(40));
            line = row.split(' ').nth(2).and_then(|line| line.parse().ok()).filter(|_| is_committed);
        }
    }
    changes
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
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("git {} failed: {}", command[0], said.trim())));
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

/// The name in an expression for a commit: `main` in `main~3`, `main^{tree}` and `main@{1}`.
fn name_in(expression: &str) -> &str {
    let end = expression.find(['^', '~', ':']).unwrap_or(expression.len());
    let end = expression.find("@{").map_or(end, |at| at.min(end));
    &expression[..end]
}

fn does_not_start(error: &std::io::Error) -> Failure {
    Failure::new(format!("git cannot be started: {}", walk::io_reason(error)))
}

/// The contents of a commit: paths and object ids.
#[derive(Debug, Default)]
pub struct Listing {
    /// The regular files.
    pub files: HashMap<String, String>,
    /// The symbolic links.
    links: HashMap<String, String>,
}

impl Listing {
    /// Whether a path is a symbolic link.
    pub fn is_link(&self, path: &str) -> bool {
        self.links.contains_key(path)
    }

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
struct Commit {
    id: String,
    parents: Vec<String>,
}

/// Reads objects as they are stored, without filters or conversions.
pub struct Objects {
    child: Child,
    asked: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
}

impl Objects {
    /// The content of an object. `None` if it does not exist or is larger than `limit`.
    pub fn content(&mut self, id: &str, limit: u64) -> Option<Vec<u8>> {
        self.read(id, limit).ok().flatten()
    }

    /// The content of an object; `None` if it is larger than `limit`. The error is a message.
    fn read(&mut self, id: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let asked = self.asked.as_mut().ok_or_else(stopped)?;
        writeln!(asked, "{id}").map_err(|error| walk::io_reason(&error))?;
        self.answer(id, limit)
    }

    /// The contents of several objects, `None` for each one that is larger than `limit`. The error is the first object
    /// that cannot be read, and the reason. Git looks up the next objects while one is read.
    fn read_all<'i>(mut self, ids: &[&'i str], limit: u64) -> Result<Vec<Option<Vec<u8>>>, (&'i str, String)> {
        let asked = self.asked.take();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut asked = BufWriter::new(asked?);
                // If git stops, its output ends, which is reported.
                ids.iter().try_for_each(|id| writeln!(asked, "{id}")).and_then(|()| asked.flush()).ok()
            });
            let contents = ids.iter().map(|&id| self.answer(id, limit).map_err(|reason| (id, reason))).collect();
            // After an error, git would wait for a reader, and the thread above would wait for git.
            self.answers = None;
            contents
        })
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

    /// The content that follows a header, and the line break after it. `None` if the content is larger than `limit`.
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
    fn commit(&mut self, name: &str) -> Option<Commit> {
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
        let content = String::from_utf8_lossy(content.as_deref().unwrap_or_default()).into_owned();
        let lines = content.lines().take_while(|line| !line.is_empty());
        let parents = lines.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect();
        Some(Commit { id: id.to_owned(), parents })
    }
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
    fn git_blame_output_is_parsed() {
        let commit = "a".repeat(40);
        let text = format!(
            "{commit} 7 3 1\nauthor A. B\nauthor-mail <a@b>\nauthor-time 86400\nfilename author x\n\tauthor-time 1\n\
             {} 4 4 1\nauthor Not Committed Yet\nauthor-time 9\n\tx\n",
            "0".repeat(40)
        );
        let change = Change { author: "A. B".to_owned(), time: 86_400 };
        assert_eq!(blamed(&text), HashMap::from([(3, change)]));
    }

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
