//! The fingerprint of a finding, which does not change if lines move: a hash of the rule, the path, the cause (if it is
//! elsewhere), and the text of the position and its line without white space, numbered if the same combination occurs
//! more than once in a file.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::finding::{Finding, RelPath, RuleId};
use crate::source::Source;

/// Sets the fingerprints of sorted findings. Each line is read once, however many findings it has.
pub fn assign(findings: &mut [Finding], sources: &BTreeMap<RelPath, Arc<Source>>) {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    for file in findings.chunk_by_mut(|a, b| a.path == b.path) {
        let text = sources.get(&file[0].path).map(|source| source.text.as_str());
        number(file, text, &mut seen);
    }
}

/// Sets the fingerprints of the findings in one file. `seen` counts those with the same rule, path and text.
fn number(file: &mut [Finding], text: Option<&str>, seen: &mut HashMap<u64, u32>) {
    let mut line = Line::default();
    for finding in file {
        let base = text.and_then(|text| base(finding, text, &mut line));
        let base = base.unwrap_or_else(|| hash(&[finding.rule.as_bytes(), finding.path.as_bytes(), b"", b""]));
        let count = seen.entry(base).and_modify(|count| *count += 1).or_insert(0);
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
    number(&mut moved, text, &mut HashMap::new());
    moved.into_iter().map(|finding| finding.fingerprint).collect()
}

/// A fingerprint in the form that reports use.
pub fn text(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// The line of the previous finding.
#[derive(Default)]
struct Line {
    range: Range<usize>,
    /// The hash of each rule combined with the current line.
    hashes: HashMap<RuleId, u64>,
}

fn base(finding: &Finding, text: &str, line: &mut Line) -> Option<u64> {
    let Range { start, end } = finding.span.range();
    let place = text.get(start..end)?;
    let is_known = (line.range.start..=line.range.end).contains(&start);
    if !is_known || line.hashes.is_empty() {
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
        *line = Line { range: from..to, hashes: HashMap::new() };
    }
    let state = *line.hashes.entry(finding.rule).or_insert_with(|| {
        hash(&[finding.rule.as_bytes(), finding.path.as_bytes(), normal(&text[line.range.clone()]).as_bytes()])
    });
    let print = write(state, normal(place).as_bytes());
    Some(finding.cause.as_ref().map_or(print, |cause| write(print, cause.as_bytes())))
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// FNV-1a: stable across versions and platforms, unlike the standard library's hasher.
fn hash(parts: &[&[u8]]) -> u64 {
    parts.iter().fold(START, |state, part| write(state, part))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// Adds a part, with a terminator, to a hash.
fn write(state: u64, part: &[u8]) -> u64 {
    part.iter().chain(&[0xff]).fold(state, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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
