//! The fingerprint of a finding, which does not change when lines move. It is a hash of the rule, the path, the cause
//! (if it is elsewhere), and the text of the position and its line without white space. If the same combination occurs
//! more than once in a file, the hash also includes the number of the occurrence.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::finding::{Finding, RelPath, RuleId};
use crate::source::Source;

/// Sets the fingerprints of sorted findings. Each line is read once, however many findings it has.
pub fn assign(findings: &mut [Finding], sources: &BTreeMap<RelPath, Arc<Source>>) {
    findings.par_chunk_by_mut(|a, b| a.path == b.path).for_each(|file| {
        number(file, sources.get(&file[0].path).map(|source| source.text.as_str()));
    });
}

/// Sets the fingerprints of the findings in one file.
fn number(file: &mut [Finding], text: Option<&str>) {
    let mut line = Line::default();
    // The number of findings with the same rule and text so far.
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let is_only = file.len() == 1;
    for finding in file {
        let base = text.and_then(|text| base(finding, text, &mut line));
        let base = base.unwrap_or_else(|| hash(&[finding.rule.as_bytes(), finding.path.as_bytes(), b"", b""]));
        let count = if is_only { &mut 0 } else { seen.entry(base).and_modify(|count| *count += 1).or_insert(0) };
        finding.fingerprint = hash(&[&base.to_le_bytes(), &count.to_le_bytes()]);
    }
}

/// The fingerprints that the findings in one file would have at another path.
pub fn at_path(findings: &[Finding], path: &str, text: Option<&str>) -> Vec<u64> {
    let path = RelPath::from(path);
    let mut moved: Vec<Finding> = findings.to_vec();
    for finding in &mut moved {
        finding.path = path.clone();
    }
    number(&mut moved, text);
    moved.into_iter().map(|finding| finding.fingerprint).collect()
}

/// Formats a fingerprint for reports.
pub fn text(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// The line of the previous finding.
#[derive(Default)]
struct Line {
    range: Range<usize>,
    /// The hash of each rule combined with the current line. There are few, because a line has findings of few rules.
    hashes: Vec<(RuleId, u64)>,
}

fn base(finding: &Finding, text: &str, line: &mut Line) -> Option<u64> {
    let Range { start, end } = finding.span.range();
    let place = text.get(start..end)?;
    let is_known = (line.range.start..=line.range.end).contains(&start);
    if !is_known || line.hashes.is_empty() {
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
        *line = Line { range: from..to, hashes: Vec::new() };
    }
    let known = line.hashes.iter().find(|(rule, _)| *rule == finding.rule).map(|(_, hash)| *hash);
    let state = known.unwrap_or_else(|| {
        let state = hash(&[finding.rule.as_bytes(), finding.path.as_bytes()]);
        let state = write_words(state, &text[line.range.clone()]);
        line.hashes.push((finding.rule, state));
        state
    });
    let print = write_words(state, place);
    Some(finding.cause.as_ref().map_or(print, |cause| write(print, cause.as_bytes())))
}

/// Adds the words of a string, separated by single spaces, to a hash.
fn write_words(state: u64, text: &str) -> u64 {
    let mut words = text.split_whitespace();
    let first = words.next().map_or(state, |word| add(state, word.as_bytes()));
    end(words.fold(first, |state, word| add(add(state, b" "), word.as_bytes())))
}

/// FNV-1a: stable across versions and platforms, unlike the standard library's hasher.
fn hash(parts: &[&[u8]]) -> u64 {
    parts.iter().fold(START, |state, part| write(state, part))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// Adds a part and a terminator to a hash.
fn write(state: u64, part: &[u8]) -> u64 {
    end(add(state, part))
}

fn end(state: u64) -> u64 {
    add(state, &[0xff])
}

fn add(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use crate::{Repo, Settings};

    fn prints(text: &str) -> Vec<u64> {
        let report = crate::check(&Repo::from_texts([("a.nix", text)]), &Settings::default());
        report.findings.iter().map(|finding| finding.fingerprint).collect()
    }

    #[test]
    fn moved_lines_keep_their_fingerprints() {
        let one = prints("[\n  <a>\n  <a>\n  (f <b>)\n]\n");
        assert_eq!(one.len(), 3);
        assert_eq!(one, prints("# moved\n\n[\n\t<a>\n    <a>\n  (f   <b>)\n]\n"));
        assert!(one[0] != one[1] && one[1] != one[2]);
        assert_ne!(one[2], prints("[ (g <b>) ]\n")[0]);
    }
}
