//! Selects fixes that can be applied together: their edits must not overlap. Identical edits of two fixes count once,
//! and comments that are added at the same position follow each other.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use crate::finding::{Edit, Finding, RelPath};

/// Edits by file and range. Each range occurs once.
pub type Edits = BTreeMap<RelPath, FileEdits>;

/// The edits of one file: the new texts for each range (start, end). A range has several only if they are comments.
pub type FileEdits = BTreeMap<(u32, u32), Vec<String>>;

/// Selects the candidates (indices into `findings`), in order, whose fixes can be applied together. A fix is
/// applied with all of its edits or not at all.
pub fn together(findings: &[Finding], candidates: &[usize]) -> Vec<usize> {
    let mut taken = Edits::new();
    let mut chosen = Vec::with_capacity(candidates.len());
    for &at in candidates {
        let Some(fix) = findings.get(at).and_then(|finding| finding.fix.as_ref()) else { continue };
        if add(&mut taken, &fix.edits) {
            chosen.push(at);
        }
    }
    chosen
}

/// The edits of the selected findings.
pub fn edits(findings: &[Finding], chosen: &[usize]) -> Edits {
    let mut taken = Edits::new();
    for &at in chosen {
        if let Some(fix) = findings.get(at).and_then(|finding| finding.fix.as_ref()) {
            add(&mut taken, &fix.edits);
        }
    }
    taken
}

/// Adds the edits of one fix, unless one of them conflicts with an existing edit or with another edit of the fix.
fn add(taken: &mut Edits, edits: &[Edit]) -> bool {
    let mut added: Vec<(&RelPath, (u32, u32))> = Vec::new();
    for edit in edits {
        let key = (edit.span.start, edit.span.end);
        let file = taken.entry(edit.path.clone()).or_default();
        let clash = clashes(file, key);
        match file.get_mut(&key) {
            Some(texts) if texts.contains(&edit.text) => continue,
            Some(texts) if is_comment(edit) && texts.iter().all(|text| is_comment_line(text)) => {
                texts.push(edit.text.clone());
            }
            None if !clash => {
                file.insert(key, vec![edit.text.clone()]);
            }
            _ => {
                undo(taken, &added);
                return false;
            }
        }
        added.push((&edit.path, key));
    }
    true
}

/// Removes the last added edit at each of these positions.
fn undo(taken: &mut Edits, added: &[(&RelPath, (u32, u32))]) {
    for (path, key) in added {
        if let Some(file) = taken.get_mut(*path)
            && let Some(texts) = file.get_mut(key)
        {
            texts.pop();
            if texts.is_empty() {
                file.remove(key);
            }
        }
    }
    taken.retain(|_, file| !file.is_empty());
}

/// Whether an edit inserts a comment on its own line. Such comments may be in any order.
fn is_comment(edit: &Edit) -> bool {
    edit.span.start == edit.span.end && is_comment_line(&edit.text)
}

fn is_comment_line(text: &str) -> bool {
    text.trim_start().starts_with('#') && text.matches('\n').count() == 1
}

/// Whether a range overlaps a range that is already edited. An insertion may touch a replacement.
fn clashes(file: &FileEdits, (start, end): (u32, u32)) -> bool {
    let before = file.range(..(start, end)).next_back();
    let after = file.range((Excluded((start, end)), Unbounded)).next();
    before.is_some_and(|(&(_, other_end), _)| other_end > start)
        || after.is_some_and(|(&(other_start, _), _)| other_start < end)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Fix, Safety, Span};

    fn finding(edits: &[(&str, usize, usize, &str)]) -> Finding {
        let edits = edits
            .iter()
            .map(|&(path, start, end, text)| Edit {
                path: Arc::from(path),
                span: Span::new(start, end),
                text: text.to_owned(),
            })
            .collect();
        let fix = Fix { title: "fix".to_owned(), safety: Safety::Safe, edits };
        Finding::new("hardcoded-port", &Arc::from("a"), Span::default(), "m").fix(fix)
    }

    #[test]
    fn fixes_go_together_unless_their_edits_overlap() {
        type Case<'a> = (&'a str, &'a [&'a [(&'a str, usize, usize, &'a str)]], &'a [usize]);
        let cases: [Case<'_>; 10] = [
            ("apart", &[&[("a", 0, 2, "x")], &[("a", 4, 6, "y")]], &[0, 1]),
            ("touching", &[&[("a", 0, 2, "x")], &[("a", 2, 4, "y")]], &[0, 1]),
            ("overlapping", &[&[("a", 0, 3, "x")], &[("a", 2, 4, "y")]], &[0]),
            ("inside", &[&[("a", 2, 3, "x")], &[("a", 0, 9, "y")]], &[0]),
            ("other file", &[&[("a", 0, 3, "x")], &[("b", 0, 3, "y")]], &[0, 1]),
            (
                "the same insertion",
                &[&[("a", 1, 1, "i"), ("a", 3, 4, "x")], &[("a", 1, 1, "i"), ("a", 5, 6, "y")]],
                &[0, 1],
            ),
            ("two insertions at one place", &[&[("a", 1, 1, "i")], &[("a", 1, 1, "j")]], &[0]),
            ("insertion before a replacement", &[&[("a", 1, 4, "x")], &[("a", 1, 1, "i")]], &[0, 1]),
            ("two comments at one place", &[&[("a", 1, 1, "# x\n")], &[("a", 1, 1, "# y\n")]], &[0, 1]),
            (
                "all or nothing",
                &[&[("a", 1, 4, "x")], &[("b", 0, 1, "y"), ("a", 2, 3, "z")], &[("b", 0, 2, "w")]],
                &[0, 2],
            ),
        ];
        for (name, fixes, expected) in cases {
            let findings: Vec<Finding> = fixes.iter().map(|edits| finding(edits)).collect();
            let all: Vec<usize> = (0..findings.len()).collect();
            assert_eq!(together(&findings, &all), expected, "{name}");
        }
    }

    #[test]
    fn identical_edits_count_once() {
        let findings = [finding(&[("a", 1, 1, "i"), ("a", 3, 4, "x")]), finding(&[("a", 1, 1, "i"), ("a", 5, 6, "y")])];
        let edits = edits(&findings, &[0, 1]);
        assert_eq!(edits["a"].values().map(Vec::len).sum::<usize>(), 3);
    }
}
