//! Selects fixes that can be applied together: their edits must not overlap. Identical edits of two fixes count once,
//! and comments that are added at the same position follow each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};

use crate::finding::{Edit, Finding, Fix, RelPath};

/// Edits by file and range. Each range occurs once.
pub type Edits = BTreeMap<RelPath, FileEdits>;

/// The edits of one file: the new texts for each range (start, end). A range has several only if they are comments.
pub type FileEdits = BTreeMap<(u32, u32), Texts>;

/// The new texts for a range, in the order in which they were added. Each occurs once.
#[derive(Debug, Default)]
pub struct Texts {
    list: Vec<String>,
    known: HashSet<String>,
    /// The number of texts that are not comments.
    code: usize,
}

impl Texts {
    /// A single text.
    pub fn of(text: &str) -> Self {
        let mut texts = Self::default();
        texts.push(text);
        texts
    }

    /// The texts.
    pub fn iter(&self) -> std::slice::Iter<'_, String> {
        self.list.iter()
    }

    /// Whether a text is in the list. Most ranges have a single text and need no set.
    fn has(&self, text: &str) -> bool {
        if self.list.len() > 1 { self.known.contains(text) } else { self.list.iter().any(|other| other == text) }
    }

    fn push(&mut self, text: &str) {
        if self.list.len() == 1 {
            self.known.extend(self.list.iter().cloned());
        }
        if !self.list.is_empty() {
            self.known.insert(text.to_owned());
        }
        self.code += usize::from(!is_comment_line(text));
        self.list.push(text.to_owned());
    }

    /// Removes the last text.
    fn pop(&mut self) {
        if let Some(text) = self.list.pop() {
            self.known.remove(&text);
            self.code -= usize::from(!is_comment_line(&text));
        }
    }
}

impl<'t> IntoIterator for &'t Texts {
    type Item = &'t String;
    type IntoIter = std::slice::Iter<'t, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Selects the candidates (indices into `findings`), in order, whose fixes can be applied together. A fix is
/// applied with all of its edits or not at all.
pub fn together(findings: &[Finding], candidates: &[usize]) -> Vec<usize> {
    let mut taken = Taken::default();
    let fix = |at: usize| findings.get(at).and_then(|finding| finding.fix.as_ref());
    candidates.iter().copied().filter(|&at| fix(at).is_some_and(|fix| taken.add(fix))).collect()
}

/// The edits of the selected findings.
pub fn edits(findings: &[Finding], chosen: &[usize]) -> Edits {
    let mut taken = Taken::default();
    for &at in chosen {
        if let Some(fix) = findings.get(at).and_then(|finding| finding.fix.as_ref()) {
            taken.add(fix);
        }
    }
    taken.edits
}

/// The edits of the fixes that were selected.
#[derive(Default)]
struct Taken {
    edits: Edits,
    /// Whether the shared edits of fixes, by their address, are taken; `false` if they conflict with taken edits.
    /// Thousands of fixes may share thousands of edits.
    shared: HashMap<*const Edit, bool>,
}

impl Taken {
    /// Adds the edits of a fix, unless one of them conflicts with an existing edit or with another edit of the fix.
    fn add(&mut self, fix: &Fix) -> bool {
        let shared = fix.shared.as_ptr();
        let is_known = if fix.shared.is_empty() { Some(true) } else { self.shared.get(&shared).copied() };
        if is_known == Some(false) {
            return false;
        }
        let Some(own) = add(&mut self.edits, &fix.edits) else { return false };
        if is_known.is_some() {
            return true;
        }
        let is_added = add(&mut self.edits, &fix.shared).is_some();
        if is_added {
            self.shared.insert(shared, true);
            return true;
        }
        undo(&mut self.edits, &own);
        // If the shared edits conflict only with the other edits of this fix, other fixes can still use them.
        match add(&mut self.edits, &fix.shared) {
            Some(added) => undo(&mut self.edits, &added),
            None => _ = self.shared.insert(shared, false),
        }
        false
    }
}

/// Adds edits, and returns the positions of those that are new. `None`, without adding any, if one of them conflicts
/// with an existing edit or with another of the given edits.
fn add<'e>(taken: &mut Edits, edits: &'e [Edit]) -> Option<Vec<(&'e RelPath, (u32, u32))>> {
    let mut added: Vec<(&RelPath, (u32, u32))> = Vec::new();
    for edit in edits {
        let key = (edit.span.start, edit.span.end);
        let file = taken.entry(edit.path.clone()).or_default();
        let clash = clashes(file, key);
        added.push((&edit.path, key));
        match file.get_mut(&key) {
            Some(texts) if texts.has(&edit.text) => _ = added.pop(),
            Some(texts) if texts.code == 0 && is_comment(edit) => texts.push(&edit.text),
            None if !clash => _ = file.insert(key, Texts::of(&edit.text)),
            _ => {
                added.pop();
                if file.is_empty() {
                    taken.remove(&edit.path);
                }
                undo(taken, &added);
                return None;
            }
        }
    }
    Some(added)
}

/// Removes the last added edit at each of these positions.
fn undo(taken: &mut Edits, added: &[(&RelPath, (u32, u32))]) {
    for (path, key) in added {
        let Some(file) = taken.get_mut(*path) else { continue };
        if let Some(texts) = file.get_mut(key) {
            texts.pop();
            if texts.list.is_empty() {
                file.remove(key);
            }
        }
        if file.is_empty() {
            taken.remove(*path);
        }
    }
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

/// The items that cannot be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Halved {
    /// The items that failed a trial together with the good items before them.
    pub bad: BTreeSet<usize>,
    /// The items that were not tried.
    pub untried: BTreeSet<usize>,
}

/// Finds the items that must be left out so that the others are good together. Uses bisection, because each trial may
/// be expensive, and stops after `trials` trials.
pub fn halved(items: Vec<usize>, trials: usize, mut is_good: impl FnMut(&[usize]) -> bool) -> Halved {
    let mut found = Halved::default();
    let mut parts = vec![items];
    let mut kept = Vec::new();
    let mut tried = 0;
    while let Some(mut part) = parts.pop() {
        if tried == trials {
            found.untried.extend(part);
            continue;
        }
        tried += 1;
        let before = kept.len();
        kept.extend(&part);
        if is_good(&kept) {
            continue;
        }
        kept.truncate(before);
        if part.len() > 1 {
            let rest = part.split_off(part.len() / 2);
            parts.extend([rest, part]);
        } else {
            found.bad.extend(part);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Safety, Span};

    fn finding(edits: &[(&str, usize, usize, &str)]) -> Finding {
        let edits = edits
            .iter()
            .map(|&(path, start, end, text)| Edit {
                path: Arc::from(path),
                span: Span::new(start, end),
                text: text.to_owned(),
            })
            .collect();
        Finding::new("hardcoded-port", &Arc::from("a"), Span::default(), "m").fix(Fix::new("fix", Safety::Safe, edits))
    }

    #[test]
    fn fixes_are_combined_unless_their_edits_overlap() {
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
            ("two insertions at one position", &[&[("a", 1, 1, "i")], &[("a", 1, 1, "j")]], &[0]),
            ("insertion before a replacement", &[&[("a", 1, 4, "x")], &[("a", 1, 1, "i")]], &[0, 1]),
            ("two comments at one position", &[&[("a", 1, 1, "# x\n")], &[("a", 1, 1, "# y\n")]], &[0, 1]),
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
    fn shared_edits_are_applied_once_with_the_first_fix_that_has_them() {
        let shared: Arc<[Edit]> = finding(&[("b", 0, 0, "x"), ("b", 2, 2, "y")]).fix.unwrap().edits.into();
        let with_shared = |edits: &[(&str, usize, usize, &str)]| {
            let mut finding = finding(edits);
            finding.fix.as_mut().unwrap().shared = Arc::clone(&shared);
            finding
        };
        let findings = [
            with_shared(&[("b", 1, 3, "z")]),
            with_shared(&[("a", 1, 2, "x")]),
            with_shared(&[("a", 1, 3, "x")]),
            with_shared(&[("a", 3, 4, "x")]),
        ];
        assert_eq!(together(&findings, &[0, 1, 2, 3]), [1, 3]);
        assert_eq!(edits(&findings, &[1, 3]).values().map(|file| file.values().flatten().count()).sum::<usize>(), 4);
        let findings = [finding(&[("b", 1, 3, "z")]), with_shared(&[("a", 1, 2, "x")]), with_shared(&[])];
        assert_eq!(together(&findings, &[0, 1, 2]), [0]);
    }

    #[test]
    fn identical_edits_count_once() {
        let findings = [finding(&[("a", 1, 1, "i"), ("a", 3, 4, "x")]), finding(&[("a", 1, 1, "i"), ("a", 5, 6, "y")])];
        let edits = edits(&findings, &[0, 1]);
        assert_eq!(edits["a"].values().flatten().count(), 3);
    }

    #[test]
    fn bad_items_are_found_by_bisection() {
        let all = |count: usize| (0..count).collect::<Vec<usize>>();
        let mut trials = 0;
        let found = halved(all(1000), 100, |kept| {
            trials += 1;
            !kept.contains(&700)
        });
        assert_eq!(found, Halved { bad: [700].into(), untried: BTreeSet::new() });
        assert!(trials < 25, "{trials}");
        // Items 2 and 3 are bad if only one of them is kept.
        let pair = |kept: &[usize]| !kept.contains(&0) && kept.contains(&2) == kept.contains(&3);
        assert_eq!(halved(all(4), 100, pair), Halved { bad: [0].into(), untried: BTreeSet::new() });
        // Only items that were tried are reported as bad.
        let Halved { bad, untried } = halved(all(1000), 100, |kept| kept.iter().all(|item| item % 2 == 1));
        assert!(!bad.is_empty() && bad.iter().all(|item| item % 2 == 0), "{bad:?}");
        assert!(untried.contains(&999) && bad.is_disjoint(&untried));
    }
}
