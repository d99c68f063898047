//! The last changes to lines of files.

use std::collections::HashMap;
use std::path::Path;

use super::{Failure, Git};
use crate::{paths, walk};

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

impl Git<'_> {
    /// Whether the files that `git blame` always opens are small regular files.
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
}

/// Whether git may open a file: it does not exist, or is a folder or a small regular file. Git would block on a pipe.
fn may_open(file: &Path) -> bool {
    let is_small = |data: std::fs::Metadata| data.is_dir() || data.is_file() && data.len() <= MAX_OPENED;
    match walk::resolved(file) {
        Ok(Some(file)) => file.metadata().is_ok_and(is_small),
        Ok(None) => true,
        Err(_) => false,
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
}
