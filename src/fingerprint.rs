//! A finding's identity, which survives moved lines: rule, path, and the text of its place and line without its
//! spaces, numbered where the same stands in a file several times.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::finding::{Finding, RelPath};
use crate::source::Source;

/// Gives findings, in their order, their fingerprints.
pub fn assign(findings: &mut [Finding], sources: &BTreeMap<RelPath, Arc<Source>>) {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    for finding in findings {
        let base = base(finding, sources.get(&finding.path).map(|source| source.text.as_str()));
        let count = seen.entry(base).and_modify(|count| *count += 1).or_insert(0);
        finding.fingerprint = hash(&[&base.to_le_bytes(), &count.to_le_bytes()]);
    }
}

/// A fingerprint as reports write it.
pub fn text(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

fn base(finding: &Finding, text: Option<&str>) -> u64 {
    let parts = text.and_then(|text| {
        let (start, end) = (finding.span.start as usize, finding.span.end as usize);
        let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let rest = text.get(start..)?;
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        Some((normal(text.get(line..line_end)?), normal(text.get(start..end)?)))
    });
    let (line, place) = parts.unwrap_or_default();
    hash(&[finding.rule.as_bytes(), finding.path.as_bytes(), line.as_bytes(), place.as_bytes()])
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// FNV-1a: stable over versions and machines, which the standard library's hasher does not promise.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for &byte in part.iter().chain(&[0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state
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
