//! Determines which lines of a file differ from an older version: a diff in bounded time.
//!
//! Lines that occur once in both texts and in the same order anchor the comparison (patience diff). The lines between
//! two anchors are compared one by one if there are few, and otherwise count as changed.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use crate::source::LineIndex;

/// The maximum number of pairs of lines that are compared between two anchors.
const PAIRS: usize = 1 << 20;

/// For each line of `new`, the index of the same line in `old`; `None` if the line counts as changed. The indices
/// increase. Line ends are part of the lines.
pub fn kept_lines(old: &str, new: &str) -> Vec<Option<usize>> {
    let (old, new) = (lines(old), lines(new));
    let mut diff = Diff { old: &old, new: &new, kept: vec![None; new.len()] };
    diff.compare(0..old.len(), 0..new.len());
    diff.kept
}

/// The lines (from 1) that are not kept, in order.
pub fn changed_lines(kept: &[Option<usize>]) -> Vec<RangeInclusive<u32>> {
    let mut changed: Vec<RangeInclusive<u32>> = Vec::new();
    for (line, _) in (1..).zip(kept).filter(|(_, kept)| kept.is_none()) {
        match changed.last_mut() {
            Some(last) if *last.end() + 1 == line => *last = *last.start()..=line,
            _ => changed.push(line..=line),
        }
    }
    changed
}

/// The lines of the text, split in the same way as for positions.
fn lines(text: &str) -> Vec<&str> {
    let index = LineIndex::new(text);
    let start = |line| index.start(line).map_or(text.len(), |start| start as usize);
    (0..index.count()).map(|line| &text[start(line)..start(line + 1)]).collect()
}

struct Diff<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    /// For each new line, the index of the old one if it is unchanged.
    kept: Vec<Option<usize>>,
}

impl Diff<'_> {
    fn compare(&mut self, old: Range<usize>, new: Range<usize>) {
        let (old, new) = self.trim(old, new);
        let (mut old_from, mut new_from) = (old.start, new.start);
        for (old_at, new_at) in self.anchors(old.clone(), new.clone()) {
            self.kept[new_at] = Some(old_at);
            self.between(old_from..old_at, new_from..new_at);
            (old_from, new_from) = (old_at + 1, new_at + 1);
        }
        self.between(old_from..old.end, new_from..new.end);
    }

    /// Marks the common lines at the beginning and the end as unchanged.
    fn trim(&mut self, mut old: Range<usize>, mut new: Range<usize>) -> (Range<usize>, Range<usize>) {
        while !old.is_empty() && !new.is_empty() && self.old[old.start] == self.new[new.start] {
            self.kept[new.start] = Some(old.start);
            (old.start, new.start) = (old.start + 1, new.start + 1);
        }
        while !old.is_empty() && !new.is_empty() && self.old[old.end - 1] == self.new[new.end - 1] {
            self.kept[new.end - 1] = Some(old.end - 1);
            (old.end, new.end) = (old.end - 1, new.end - 1);
        }
        (old, new)
    }

    /// The longest increasing sequence of lines that occur once in both texts.
    fn anchors(&self, old: Range<usize>, new: Range<usize>) -> Vec<(usize, usize)> {
        let (in_old, in_new) = (once(self.old, old), once(self.new, new));
        let mut pairs: Vec<(usize, usize)> =
            in_old.iter().filter_map(|(line, old)| Some(((*old)?, (*in_new.get(line)?)?))).collect();
        pairs.sort_unstable();
        longest_rising(&pairs)
    }

    fn between(&mut self, old: Range<usize>, new: Range<usize>) {
        let (old, new) = self.trim(old, new);
        if old.len().saturating_mul(new.len()) <= PAIRS {
            for (old_at, new_at) in common(&self.old[old.clone()], &self.new[new.clone()]) {
                self.kept[new.start + new_at] = Some(old.start + old_at);
            }
        }
    }
}

/// The index of each line; `None` if it occurs more than once.
fn once<'a>(lines: &[&'a str], range: Range<usize>) -> HashMap<&'a str, Option<usize>> {
    let mut places = HashMap::new();
    for at in range {
        places.entry(lines[at]).and_modify(|place| *place = None).or_insert(Some(at));
    }
    places
}

/// The longest subsequence of pairs, sorted by their first number, in which the second number also increases.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair with the smallest second number that ends a sequence of this length; for each pair, the
    // previous pair in its sequence.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, (_, second)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < *second);
        before.push(length.checked_sub(1).map(|length| ends[length]));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut rising: Vec<_> =
        std::iter::successors(ends.last().copied(), |&index| before[index]).map(|index| pairs[index]).collect();
    rising.reverse();
    rising
}

/// The indices of the old and new lines in a longest common subsequence.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    // The length of the longest common subsequence that starts at each pair of lines.
    let mut lengths = vec![0u32; (old.len() + 1) * width];
    for (row, old) in old.iter().enumerate().rev() {
        for (column, new) in new.iter().enumerate().rev() {
            let (below, here) = ((row + 1) * width + column, row * width + column);
            lengths[here] = match old == new {
                true => lengths[below + 1] + 1,
                false => lengths[below].max(lengths[here + 1]),
            };
        }
    }
    let (mut row, mut column, mut found) = (0, 0, Vec::new());
    while row < old.len() && column < new.len() {
        if old[row] == new[column] {
            found.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if lengths[(row + 1) * width + column] >= lengths[row * width + column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(old: &str, new: &str) -> Vec<u32> {
        changed_lines(&kept_lines(old, new)).into_iter().flatten().collect()
    }

    #[test]
    fn changed_lines_are_found() {
        for (old, new, expected) in [
            ("", "", &[][..]),
            ("a\n", "a\n", &[]),
            ("a\nb\nc\n", "a\nc\n", &[]),
            ("a\nc\n", "a\nb\nc\n", &[2]),
            ("a\nb\nc\n", "a\nx\nc\n", &[2]),
            ("a\nb\nc\nd\n", "b\nc\nd\na\n", &[4]),
            ("x\nx\nx\n", "x\nx\nx\nx\n", &[4]),
            ("", "a\nb", &[1, 2]),
            ("a\nb", "a\nb\n", &[2, 3]),
            ("a\r\nb\r\n", "a\r\nb\n", &[2]),
            ("{ }\n", "# \r\r{ }\n", &[1, 2]),
            ("{ }\n", "# \0\n{ }\n", &[1]),
        ] {
            assert_eq!(changed(old, new), expected, "{old:?} {new:?}");
        }
    }

    /// Unchanged lines are lines of the old text in the same order. In short texts, there are as many of them between
    /// anchors as possible.
    #[test]
    fn unchanged_lines_keep_their_order_in_random_edits() {
        let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = move |end: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            ((dice >> 11) % end) as usize
        };
        for round in 0..3_000 {
            let words = 1 + round % 30;
            let mut lines: Vec<String> = (0..below(40)).map(|_| format!("{}\n", below(words))).collect();
            let old = lines.concat();
            let mut touched = Vec::new();
            for _ in 0..below(6) {
                let at = below(lines.len() as u64 + 1);
                match below(3) {
                    0 if at < lines.len() => drop(lines.remove(at)),
                    1 if at < lines.len() => lines[at] = format!("new {}\n", touched.len()),
                    _ => lines.insert(at, format!("new {}\n", touched.len())),
                }
                touched.push(at);
            }
            let new = lines.concat();
            let (olds, news): (Vec<&str>, Vec<&str>) = (super::lines(&old), super::lines(&new));
            let kept = kept_lines(&old, &new);
            assert!(kept.iter().flatten().is_sorted_by(|a, b| a < b));
            assert!(kept.iter().zip(&news).all(|(kept, new)| kept.is_none_or(|at| olds[at] == *new)));
            let changed = changed(&old, &new);
            let mut rest = old.split_inclusive('\n');
            for (number, line) in (1..).zip(new.split_inclusive('\n')) {
                let is_new = line.starts_with("new");
                match changed.contains(&number) {
                    true => assert!(is_new || words < 30, "{line} of {old:?} is kept in {new:?}"),
                    false => assert!(!is_new && rest.any(|old| old == line), "{line} of {new:?} is not in {old:?}"),
                }
            }
        }
    }

    #[test]
    fn texts_without_anchors_are_compared_in_bounded_time() {
        let old = "a\nb\n".repeat(200_000);
        let new = "b\nb\na\n".repeat(200_000);
        assert_eq!(changed(&old, &format!("x\n{new}y\n")).len(), 600_002);
        let long: Vec<String> = (0..300_000).map(|line| format!("{line}\n")).collect();
        let reversed: String = long.iter().rev().map(String::as_str).collect();
        assert_eq!(changed(&long.concat(), &reversed).len(), 299_999);
    }
}
