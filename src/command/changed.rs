//! `--changed`: which lines differ from the main branch, as git says. git only reads here.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Failure;
use crate::finding::{Finding, RelPath, Span};
use crate::output::Places;
use crate::report::Report;
use crate::walk;

/// The lines (from 1) of each file that changed.
#[derive(Debug, Default)]
pub struct Changed(BTreeMap<String, Vec<RangeInclusive<u32>>>);

/// What the main branch is called where nothing is said.
const MAIN: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

impl Changed {
    /// Asks git for what changed since a reference's merge base with HEAD, work that is not committed included.
    pub fn since(root: &Path, reference: &str) -> Result<Self, Failure> {
        let git = Git::new(root)?;
        if !git.knows(&["rev-parse", "--git-dir"])? {
            return Err(Failure::new(format!(
                "--changed requires a Git repository, and {} is not one",
                root.display()
            )));
        }
        if !git.knows(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])? {
            return Err(Failure::new("--changed requires at least one commit"));
        }
        let base = git.merge_base(&git.reference(reference)?)?;
        let mut changed = Self::default();
        let diff = ["diff", "--unified=0", "--relative", "--no-color", "--no-ext-diff", "--no-textconv"];
        let diff = [&diff[..], &["--ignore-submodules", "--src-prefix=a/", "--dst-prefix=b/", &base, "--"]].concat();
        changed.read_diff(&git.run(&diff)?);
        for path in git.run(&["ls-files", "--others", "--exclude-standard", "-z"])?.split('\0') {
            changed.0.insert(path.to_owned(), vec![1..=u32::MAX]);
        }
        Ok(changed)
    }

    fn read_diff(&mut self, diff: &str) {
        let mut path = None;
        // Lines of content begin with + or - as well, so the lines of each hunk are counted off.
        let mut content = 0u32;
        for line in diff.lines() {
            if content > 0 && line.starts_with(['+', '-']) {
                content -= 1;
            } else if let Some(name) = line.strip_prefix("+++ ") {
                path = unquote(name.trim_end_matches('\t')).strip_prefix("b/").map(str::to_owned);
            } else if let Some((old, new)) = line.strip_prefix("@@ ").and_then(hunk) {
                content = old.1 + new.1;
                if let Some(path) = path.as_ref().filter(|_| new.1 > 0) {
                    self.0.entry(path.clone()).or_default().push(new.0..=new.0 + new.1 - 1);
                }
            }
        }
    }

    /// Keeps the findings that stand, with any of their places, on changed lines.
    pub fn keep(&self, report: &mut Report) {
        let findings = std::mem::take(&mut report.findings);
        let mut places = Places::new(report);
        let kept = findings.into_iter().filter(|finding| self.touches(finding, &mut places)).collect();
        report.findings = kept;
    }

    fn touches(&self, finding: &Finding, places: &mut Places<'_>) -> bool {
        let mut place = |path: &RelPath, span: Span| {
            let Some(lines) = self.0.get(&**path) else { return false };
            let known = places.source(path).is_some();
            let (start, end) = places.of(path, span);
            !known || lines.iter().any(|range| *range.start() <= end.line && start.line <= *range.end())
        };
        place(&finding.path, finding.span) || finding.labels.iter().any(|label| place(&label.path, label.span))
    }
}

/// The line numbers of a hunk's head, `-1,2 +3,4 @@`: where, and how many, before and after.
fn hunk(head: &str) -> Option<((u32, u32), (u32, u32))> {
    let mut words = head.split(' ');
    let mut side = |sign: char| {
        let text = words.next()?.strip_prefix(sign)?;
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    Some((side('-')?, side('+')?))
}

/// A file name of a diff. Git quotes it if it holds control characters, quotes or backslashes.
fn unquote(name: &str) -> String {
    unquoted(name.as_bytes()).map_or_else(|| name.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The bytes of a file name that git has quoted; `None` if it is not in quotes.
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

/// The files among some paths that git says have changes which are not committed, or that it does not track. Empty
/// outside of a git repository.
pub fn uncommitted(root: &Path, paths: &[&str]) -> Result<Vec<String>, Failure> {
    if paths.is_empty() || !root.join(".git").exists() {
        return Ok(Vec::new());
    }
    let git = Git::new(root)?;
    let mut args =
        vec!["--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--"];
    args.extend(paths);
    let status = git.run(&args)?;
    Ok(status.split_terminator('\0').filter_map(|line| line.get(3..)).map(str::to_owned).collect())
}

struct Git<'a> {
    root: &'a Path,
    /// The settings that name programs through which files would be read.
    filters: Vec<String>,
}

impl<'a> Git<'a> {
    fn new(root: &'a Path) -> Result<Self, Failure> {
        let mut git = Self { root, filters: Vec::new() };
        let named =
            ["config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|smudge|required)$"];
        let named = git.output(&named)?.stdout;
        git.filters = String::from_utf8_lossy(&named).split_terminator('\0').map(str::to_owned).collect();
        git.filters.dedup();
        Ok(git)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        // Nothing that a repository's own configuration could start, and no lock files.
        command.args(["--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]);
        // Not by `-c`, which takes the name of a filter apart where there is a `=` in it.
        let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0usize);
        for (index, filter) in (given..).zip(&self.filters) {
            command.env(format!("GIT_CONFIG_KEY_{index}"), filter).env(format!("GIT_CONFIG_VALUE_{index}"), "");
        }
        command.env("GIT_CONFIG_COUNT", (given + self.filters.len()).to_string());
        // What is missing in a partial clone would be fetched, with whatever programs its settings name.
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
        command.arg("-C").arg(self.root).args(args).stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    fn output(&self, args: &[&str]) -> Result<std::process::Output, Failure> {
        self.command(args).output().map_err(|error| {
            Failure::new(format!("--changed requires git, which cannot be started: {}", walk::io_reason(&error)))
        })
    }

    fn knows(&self, args: &[&str]) -> Result<bool, Failure> {
        Ok(self.output(args)?.status.success())
    }

    fn run(&self, args: &[&str]) -> Result<String, Failure> {
        let output = self.output(args)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(Failure::new(format!("git {} failed: {}", args[0], text(&output.stderr).trim()))),
        }
    }

    fn reference(&self, asked: &str) -> Result<String, Failure> {
        let known = |name: &str| {
            let commit = format!("{name}^{{commit}}");
            Ok::<_, Failure>(!name.starts_with('-') && self.knows(&["rev-parse", "--verify", "--quiet", &commit])?)
        };
        if !asked.is_empty() {
            return match known(asked)? {
                true => Ok(asked.to_owned()),
                false => Err(Failure::new(format!("`{asked}` is not a commit of this repository"))
                    .help("fetch it first; actions/checkout fetches a single commit unless `fetch-depth: 0` is set")),
            };
        }
        for name in MAIN {
            if known(name)? {
                return Ok(name.to_owned());
            }
        }
        Err(Failure::new(format!("no branch to compare with; tried {}", MAIN.join(", ")))
            .help("specify one with --changed=REF"))
    }

    fn merge_base(&self, reference: &str) -> Result<String, Failure> {
        let output = self.output(&["merge-base", reference, "HEAD"])?;
        let base = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && !base.is_empty() {
            return Ok(base);
        }
        Err(Failure::new(format!("{reference} and HEAD have no common ancestor here"))
            .help("fetch the full history with `git fetch --unshallow`, or with `fetch-depth: 0` of actions/checkout"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_read_from_a_diff() {
        let mut changed = Changed::default();
        changed.read_diff(
            "diff --git a/a.nix b/a.nix\n--- a/a.nix\n+++ b/a.nix\n@@ -1,2 +1 @@ x\n-a\n--- b\n+++ c\n@@ -9,0 +8,2 @@\n+x\n+y\n\
             @@ -20,3 +19,0 @@\n-1\n-2\n-3\ndiff --git a/b b/b\n--- a/b\n+++ \"b/b\\\"\\303\\274\\n\"\n@@ -0,0 +1 @@\n+z\n",
        );
        assert_eq!(changed.0["a.nix"], [1..=1, 8..=9]);
        assert_eq!(changed.0["b\"ü\n"], [1..=1]);
        assert_eq!(changed.0.len(), 2);
    }
}
