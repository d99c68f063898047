//! `--changed`: which lines differ from the main branch.
//!
//! Files are compared with the objects that git has stored, byte for byte. The output of `git diff` depends on
//! attributes, settings and the index, some of which come from the checked repository.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::Failure;
use super::git::{Git, Objects};
use crate::finding::{Finding, RelPath, Span, UNCHECKED};
use crate::line_diff::changed_lines;
use crate::output::Places;
use crate::report::Report;
use crate::walk;

/// The state of a repository at an earlier commit.
pub struct Changed<'a> {
    root: &'a Path,
    /// The object ids of the earlier contents.
    before: HashMap<String, String>,
    objects: Objects,
    converts_line_ends: bool,
    /// The files to compare.
    compared: HashMap<RelPath, Lines>,
}

/// Rules whose findings may be caused by any change of the file, wherever they are reported.
const WHOLE_FILE: [&str; 2] = [UNCHECKED, "syntax-error"];

/// Which lines of a file are new.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lines {
    All,
    /// These lines, from 1.
    Some(Vec<RangeInclusive<u32>>),
}

impl<'a> Changed<'a> {
    /// Prepares a comparison with the merge base of a reference and HEAD. Uncommitted changes are included.
    pub fn since(root: &'a Path, reference: &str) -> Result<Self, Failure> {
        let git = Git::new(root)?;
        let base = git.base("--changed", reference)?;
        Ok(Self {
            root,
            before: git.files(&base)?,
            objects: git.objects()?,
            converts_line_ends: git.converts_line_ends()?,
            compared: HashMap::new(),
        })
    }

    /// Keeps the findings that have a position on a changed line.
    pub fn keep(&mut self, report: &mut Report) {
        let findings = std::mem::take(&mut report.findings);
        let mut places = Places::new(report);
        let kept = findings.into_iter().filter(|finding| self.touches(finding, &mut places)).collect();
        report.findings = kept;
    }

    fn touches(&mut self, finding: &Finding, places: &mut Places<'_>) -> bool {
        if finding.rule == UNCHECKED && places.blocks(&finding.path) {
            return true;
        }
        if WHOLE_FILE.contains(&finding.rule) {
            return *self.lines(&finding.path, places) != Lines::Some(Vec::new());
        }
        let mut place = |path: &RelPath, span: Span| match self.lines(path, places) {
            Lines::All => true,
            Lines::Some(lines) => {
                let known = places.source(path).is_some();
                let (start, end) = places.of(path, span);
                // Lines are sorted, so only the first that does not end before the span can overlap it.
                let next = lines.partition_point(|range| *range.end() < start.line);
                lines.get(next).is_some_and(|range| !known || *range.start() <= end.line)
            }
        };
        place(&finding.path, finding.span) || finding.labels.iter().any(|label| place(&label.path, label.span))
    }

    fn lines(&mut self, path: &RelPath, places: &Places<'_>) -> &Lines {
        if !self.compared.contains_key(path) {
            let lines = self.compare(path, places);
            self.compared.insert(path.clone(), lines);
        }
        self.compared.get(path).unwrap_or(&Lines::All)
    }

    /// A file that cannot be compared counts as changed.
    fn compare(&mut self, path: &RelPath, places: &Places<'_>) -> Lines {
        let id = self.before.get(&**path);
        let Some(before) = id.and_then(|id| self.objects.content(id, walk::MAX_FILE)) else { return Lines::All };
        match places.source(path) {
            Some(source) => between(before, &source.text, self.converts_line_ends),
            None => match walk::read_bytes(&self.root.join(&**path), walk::MAX_FILE) {
                Ok(now) if now == before => Lines::Some(Vec::new()),
                _ => Lines::All,
            },
        }
    }
}

fn between(before: Vec<u8>, now: &str, converts_line_ends: bool) -> Lines {
    let Ok(mut before) = String::from_utf8(before) else { return Lines::All };
    if converts_line_ends && !before.contains('\r') && now.contains("\r\n") {
        before = before.replace('\n', "\r\n");
    }
    Lines::Some(changed_lines(&before, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_decide() {
        let lines = |before: &[u8], now, converts| between(before.to_vec(), now, converts);
        assert_eq!(lines(b"a\nb\n", "a\nc\n", false), Lines::Some(vec![2..=2]));
        assert_eq!(lines(b"a\nb\n", "a\r\nb\r\n", false), Lines::Some(vec![1..=2]));
        assert_eq!(lines(b"a\nb\n", "a\r\nc\r\n", true), Lines::Some(vec![2..=2]));
        assert_eq!(lines(b"\xff\n", "a\n", false), Lines::All);
    }
}
