//! A baseline: the accepted findings of a repository, so that only new ones are reported.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::accepted::{Accepted, Means, State};
use crate::config::ConfigError;
use crate::finding::{Finding, RelPath, Span, UNCHECKED};
use crate::fingerprint;
use crate::source::Source;

/// The default path of a baseline, relative to the root.
pub const DEFAULT: &str = ".flakeward/baseline.json";

/// The maximum number of findings that are compared with rows of another path, so that mass renames do not take too
/// long.
const MAX_TRIES: usize = 1_000_000;

/// A baseline that was read.
#[derive(Debug)]
pub struct Baseline {
    /// Its path, relative to the root.
    pub path: RelPath,
    /// Its text.
    pub text: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    entry: Entry,
    fingerprint: u64,
    until: Option<Date>,
    span: Span,
}

/// The file. A `null` ends the list, so that every row has a comma and changing one row changes one line.
#[derive(Debug, Deserialize)]
struct Document {
    version: u32,
    findings: Vec<Option<Entry>>,
}

/// The keys of a row.
const KEYS: [&str; 6] = ["rule", "path", "fingerprint", "until", "reason", "message"];

/// A row as written to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    rule: String,
    path: String,
    fingerprint: String,
    /// The last day on which the finding is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Why it is accepted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The message of the finding, only for people who review changes.
    #[serde(default)]
    message: String,
}

impl Entry {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.to_owned(),
            path: finding.path.to_string(),
            fingerprint: fingerprint::text(finding.fingerprint),
            until: None,
            reason: String::new(),
            message: finding.message.clone(),
        }
    }

    fn sort_key(&self) -> (&str, &str, &str) {
        (&self.path, &self.rule, &self.fingerprint)
    }
}

/// The terms for findings that a baseline accepts for the first time, or again after their last day.
#[derive(Debug)]
pub struct Terms {
    /// The date of the run.
    pub now: Date,
    /// The last day on which they are accepted.
    pub until: Option<Date>,
    /// Why they are accepted.
    pub reason: Option<String>,
}

/// The row of each finding, in order.
pub type Rows = Vec<Option<usize>>;

/// The result of applying a baseline to findings.
#[derive(Debug)]
pub struct Matched {
    /// The rows that match a finding.
    pub rows: HashSet<usize>,
    /// The paths of the dropped findings.
    pub silenced: Vec<RelPath>,
}

/// A baseline to write, and how it differs from the previous one.
#[derive(Debug)]
pub struct Update {
    /// Its text.
    pub text: String,
    /// The number of findings that the previous one does not have.
    pub added: usize,
    /// The number of removed rows of the previous one.
    pub removed: usize,
    /// The number of rows that were kept because they belong to rules or paths that were not checked.
    pub kept: usize,
    /// The number of expired rows that are in effect again.
    pub renewed: usize,
    /// The number of matching rows whose last day has passed.
    pub expired: usize,
    /// The number of matching rows that are in effect and differ from the terms of this run.
    pub differing: usize,
}

/// The files that findings point into.
type Sources = BTreeMap<RelPath, Arc<Source>>;

/// Creates a baseline that accepts the given findings. Findings that are already accepted keep their reasons and dates;
/// the others get those of `terms`. Rows whose last day has passed are renewed only if `terms` sets another day.
/// `exists` returns whether a path exists. Rows for which `replaces` returns false, given their rule and path, are kept
/// whether they match a finding or not.
pub fn update(
    findings: &[Finding],
    sources: &Sources,
    before: Option<&Baseline>,
    terms: &Terms,
    exists: impl Fn(&str) -> bool,
    replaces: impl Fn(&str, &str) -> bool,
) -> Result<Update, serde_json::Error> {
    let rows = before.map(|before| before.rows_of(findings, sources, exists)).unwrap_or_default();
    let [mut renewed, mut expired, mut differing] = [0; 3];
    let mut entries = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let mut entry = Entry::of(finding);
        let until = terms.until.map(|until| until.to_string());
        match before.zip(rows.get(index).copied().flatten()).and_then(|(before, row)| before.rows.get(row)) {
            Some(row) => {
                let is_expired = row.is_expired(terms.now);
                let is_renewed = is_expired && until.is_some();
                let takes_reason = is_renewed || row.entry.reason.is_empty();
                entry.until = if is_renewed { until.clone() } else { row.entry.until.clone() };
                entry.reason = match &terms.reason {
                    Some(reason) if takes_reason => reason.clone(),
                    _ => row.entry.reason.clone(),
                };
                renewed += usize::from(is_renewed);
                expired += usize::from(is_expired && !is_renewed);
                let differs = until.is_some() && entry.until != until
                    || terms.reason.as_ref().is_some_and(|reason| *reason != entry.reason);
                differing += usize::from(differs && !is_expired);
            }
            None => {
                entry.until = until;
                entry.reason = terms.reason.clone().unwrap_or_default();
            }
        }
        entries.push(entry);
    }
    let matched: HashSet<usize> = rows.iter().copied().flatten().collect();
    let others = before.into_iter().flat_map(|before| before.rows.iter().enumerate());
    let others = others.filter(|(index, _)| !matched.contains(index)).map(|(_, row)| &row.entry);
    let (removed, kept): (Vec<_>, Vec<_>) = others.partition(|entry| replaces(&entry.rule, &entry.path));
    let added = findings.len() - rows.iter().flatten().count();
    entries.extend(kept.iter().copied().cloned());
    let text = text(entries)?;
    Ok(Update { text, added, removed: removed.len(), kept: kept.len(), renewed, expired, differing })
}

/// The text of a baseline: one row per line, sorted, so that changes can be reviewed and merged.
fn text(mut entries: Vec<Entry>) -> Result<String, serde_json::Error> {
    entries.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    entries.dedup();
    let mut text = "{\"version\": 1, \"findings\": [\n".to_owned();
    for entry in &entries {
        text += &serde_json::to_string(entry)?;
        text += ",\n";
    }
    Ok(text + "null]}\n")
}

impl Baseline {
    /// Creates a baseline that accepts the given findings.
    pub fn of(findings: &[Finding]) -> Self {
        let row = |finding: &Finding| Row {
            entry: Entry::of(finding),
            fingerprint: finding.fingerprint,
            until: None,
            span: Span::default(),
        };
        Self { path: "".into(), text: String::new(), rows: findings.iter().map(row).collect() }
    }

    /// Reads a baseline. `shown` is its path in messages, `path` the one relative to the root.
    pub fn parse(shown: &Path, path: RelPath, text: String) -> Result<Self, Box<ConfigError>> {
        let fail = |span: std::ops::Range<usize>, message: String| {
            Box::new(ConfigError {
                path: shown.to_owned(),
                text: text.clone(),
                span: Some(span),
                message,
                help: Some("`flakeward baseline` writes a new one".to_owned()),
            })
        };
        let document: Document = serde_json::from_str(&text).map_err(|error| {
            let line_start =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            let at = line_start + error.column().saturating_sub(1);
            fail(at..at, format!("invalid baseline: {error}"))
        })?;
        if document.version != 1 {
            return Err(fail(0..0, format!("unsupported baseline version {}; expected version 1", document.version)));
        }
        let mut rows = Vec::new();
        let mut from = 0;
        let mut is_plain = true;
        for entry in document.findings.into_iter().flatten() {
            let found = if is_plain { text[from..].find(&entry.fingerprint) } else { None };
            // A fingerprint that is written with escapes is not found. Later fingerprints are not searched for, because
            // each search might read the rest of the text.
            is_plain = found.is_some();
            let at = from + found.unwrap_or(0);
            let end = if is_plain { at + entry.fingerprint.len() } else { at };
            let Ok(fingerprint) = u64::from_str_radix(&entry.fingerprint, 16) else {
                return Err(fail(at..end, format!("`{}` is not a valid fingerprint", entry.fingerprint)));
            };
            let until = match &entry.until {
                None => None,
                Some(day) => Some(super::date(day).ok_or_else(|| {
                    let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
                    let day_at = text[line..].find(&format!("\"{day}\"")).map_or(at, |at| line + at);
                    fail(day_at..day_at + day.len() + 2, format!("`{day}` is not a date such as 2027-03-01"))
                })?),
            };
            from = end.min(text.len());
            rows.push(Row { entry, fingerprint, until, span: Span::new(at, end) });
        }
        Ok(Self { path, text, rows })
    }

    /// Reads the rows of an invalid baseline, such as one with the markers of a merge conflict.
    /// `None` if reasons or dates would be lost: a row is damaged, two rows for the same finding differ, or a newer
    /// version of flakeward wrote it.
    pub fn salvaged(path: RelPath, text: String) -> Option<Self> {
        let versions = text.lines().filter_map(|line| Some(line.split_once("\"version\":")?.1.trim_start()));
        let mut versions = versions.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(""));
        if serde_json::from_str::<Document>(&text).is_ok_and(|document| document.version != 1)
            || versions.any(|version| version != "1")
        {
            return None;
        }
        let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
        for line in text.lines().filter(|line| line.contains("fingerprint")) {
            let row = line.trim().trim_end_matches(',');
            let entry: Entry = serde_json::from_str(row).ok()?;
            let keys: BTreeMap<String, serde_json::Value> = serde_json::from_str(row).ok()?;
            if keys.keys().any(|key| !KEYS.contains(&key.as_str())) {
                return None;
            }
            let fingerprint = u64::from_str_radix(&entry.fingerprint, 16).ok()?;
            let until = entry.until.as_deref().map(|day| super::date(day).ok_or(())).transpose().ok()?;
            let terms = |entry: &Entry| (entry.until.clone(), entry.reason.clone());
            if rows.get(&fingerprint).is_some_and(|known| terms(&known.entry) != terms(&entry)) {
                return None;
            }
            rows.insert(fingerprint, Row { entry, fingerprint, until, span: Span::default() });
        }
        Some(Self { path, text, rows: rows.into_values().collect() })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Drops the findings that match rows in effect, including findings in renamed files.
    pub fn silence(
        &self,
        findings: &mut Vec<Finding>,
        sources: &Sources,
        exists: impl Fn(&str) -> bool,
        now: Date,
    ) -> Matched {
        let matched = self.rows_of(findings, sources, exists);
        let rows = matched.iter().copied().flatten().collect();
        let mut silenced = Vec::new();
        let mut matched = matched.into_iter();
        findings.retain(|finding| {
            let is_kept = matched.next().flatten().is_none_or(|row| self.rows[row].is_expired(now));
            if !is_kept {
                silenced.push(finding.path.clone());
            }
            is_kept
        });
        Matched { rows, silenced }
    }

    /// A finding for each row that matches nothing. Rows of rules that are off at their path are left out, because they
    /// may match when the rule runs.
    pub fn unused(&self, matched: &HashSet<usize>, is_off: impl Fn(&str, &str) -> bool) -> Vec<Finding> {
        let unused = self.rows.iter().enumerate().filter(|(index, _)| !matched.contains(index)).map(|(_, row)| row);
        let unused = unused.filter(|row| !is_off(&row.entry.rule, &row.entry.path));
        let report = |row: &Row| {
            let (rule, path) = (&row.entry.rule, &row.entry.path);
            let message = format!("{path} no longer has this {rule} finding: the entry is not needed");
            Finding::new("unused-suppression", &self.path, row.span, message)
                .label("matches nothing")
                .help("remove it with `flakeward baseline --prune`, so that the finding cannot return unnoticed")
        };
        unused.map(report).collect()
    }

    /// A finding for each matching row whose last day has passed.
    pub fn expired(&self, matched: &HashSet<usize>, now: Date) -> Vec<Finding> {
        let rows = self.rows.iter().enumerate().filter(|(index, row)| matched.contains(index) && row.is_expired(now));
        rows.filter_map(|(_, row)| {
            let what = format!("the entry for {} in {}", row.entry.rule, row.entry.path);
            Some(super::lapsed(&self.path, row.span, what, row.until?))
        })
        .collect()
    }

    /// All rows, for the list of acceptances. `can_tell` returns whether the run can determine that a row for a rule and
    /// path matches nothing.
    pub fn accepted(
        &self,
        matched: &HashSet<usize>,
        now: Date,
        can_tell: impl Fn(&str, &str) -> bool,
    ) -> Vec<Accepted> {
        let states = self.rows.iter().enumerate().map(|(index, row)| match matched.contains(&index) {
            false if can_tell(&row.entry.rule, &row.entry.path) => State::Unused,
            _ if row.is_expired(now) => State::Expired,
            _ => State::InForce,
        });
        let rows = self.rows.iter().zip(states).map(|(row, state)| Accepted {
            means: Means::Baseline,
            rule: Some(row.entry.rule.clone()),
            subject: row.entry.path.as_str().into(),
            path: self.path.clone(),
            span: row.span,
            reason: row.entry.reason.clone(),
            until: row.until,
            state,
        });
        rows.collect()
    }

    /// The text of the baseline without the rows that match nothing, and the number of those rows. Rows of renamed
    /// files get their new path; no finding is added.
    pub fn pruned(
        &self,
        findings: &[Finding],
        sources: &Sources,
        exists: impl Fn(&str) -> bool,
        is_off: impl Fn(&str, &str) -> bool,
    ) -> Result<(String, usize), serde_json::Error> {
        let matched = self.rows_of(findings, sources, exists);
        let findings: HashMap<usize, &Finding> =
            matched.iter().zip(findings).filter_map(|(row, finding)| Some(((*row)?, finding))).collect();
        let kept = self.rows.iter().enumerate().filter_map(|(index, row)| match findings.get(&index) {
            Some(finding) => {
                Some(Entry { until: row.entry.until.clone(), reason: row.entry.reason.clone(), ..Entry::of(finding) })
            }
            None => is_off(&row.entry.rule, &row.entry.path).then(|| row.entry.clone()),
        });
        let kept: Vec<Entry> = kept.collect();
        let removed = self.rows.len() - kept.len();
        Ok((text(kept)?, removed))
    }

    /// The row of each finding, in the same order. A row is identified by its fingerprint. The rows of a path that no
    /// longer exists may also match findings at other paths.
    fn rows_of(&self, findings: &[Finding], sources: &Sources, exists: impl Fn(&str) -> bool) -> Rows {
        let rows: HashMap<u64, usize> =
            self.rows.iter().enumerate().map(|(index, row)| (row.fingerprint, index)).collect();
        let known = |finding: &Finding| rows.get(&finding.fingerprint).filter(|_| finding.rule != UNCHECKED).copied();
        let mut matched: Rows = findings.iter().map(known).collect();
        self.follow_renames(findings, &mut matched, sources, exists);
        matched
    }

    /// Matches findings in renamed files: rows of a path that no longer exists match the same findings at another path.
    /// A file with the same name in another folder is tried first.
    fn follow_renames(
        &self,
        findings: &[Finding],
        matched: &mut Rows,
        sources: &Sources,
        exists: impl Fn(&str) -> bool,
    ) {
        let used: HashSet<usize> = matched.iter().copied().flatten().collect();
        let mut gone: BTreeMap<&str, HashMap<u64, usize>> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
            if !exists(&row.entry.path) {
                gone.entry(&row.entry.path).or_default().insert(row.fingerprint, index);
            }
        }
        if gone.is_empty() {
            return;
        }
        let mut tries = MAX_TRIES;
        let open: Vec<usize> = (0..findings.len()).filter(|&index| matched[index].is_none()).collect();
        for file in open.chunk_by(|a, b| findings[*a].path == findings[*b].path) {
            let here = &findings[file[0]].path;
            let text = sources.get(here).map(|source| source.text.as_str());
            let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
            let mut candidates: Vec<&str> = gone.keys().copied().collect();
            candidates.sort_by_key(|path| name(path) != name(here));
            let moved: Vec<Finding> = file.iter().map(|&index| findings[index].clone()).collect();
            for path in candidates {
                tries = tries.saturating_sub(file.len());
                if tries == 0 {
                    return;
                }
                let prints = fingerprint::at_path(&moved, path, text);
                if prints.iter().any(|print| gone[path].contains_key(print)) {
                    let rows = gone.remove(path).unwrap_or_default();
                    for (&index, print) in file.iter().zip(prints) {
                        matched[index] = rows.get(&print).copied().filter(|_| findings[index].rule != UNCHECKED);
                    }
                    break;
                }
            }
        }
    }
}

impl Row {
    fn is_expired(&self, now: Date) -> bool {
        self.until.is_some_and(|until| until < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_with_one_per_line() {
        let entry = |path: &str, rule: &str, fingerprint: &str| Entry {
            rule: rule.to_owned(),
            path: path.to_owned(),
            fingerprint: fingerprint.to_owned(),
            until: None,
            reason: String::new(),
            message: "m".to_owned(),
        };
        let text =
            text(vec![entry("b", "x", "01"), entry("a", "y", "02"), entry("a", "x", "03"), entry("b", "x", "01")]);
        let text = text.unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1..4].iter().all(|line| line.ends_with("},")), "{text}");
        let baseline = Baseline::parse(Path::new("b"), "b".into(), text).unwrap();
        let places: Vec<(&str, &str)> =
            baseline.rows.iter().map(|row| (row.entry.path.as_str(), row.entry.rule.as_str())).collect();
        assert_eq!(places, [("a", "x"), ("a", "y"), ("b", "x")]);
    }

    #[test]
    fn rows_survive_a_merge_conflict_unless_they_differ() {
        let row = |print: &str, reason: &str| {
            format!("{{\"rule\":\"r\",\"path\":\"p\",\"fingerprint\":\"{print}\",\"reason\":\"{reason}\"}},\n")
        };
        let conflict = |ours: &str, theirs: &str| {
            format!("{{\"version\": 1, \"findings\": [\n<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> other\nnull]}}\n")
        };
        let kept = |text: String| Baseline::salvaged("b".into(), text).map(|baseline| baseline.len());
        assert_eq!(kept(conflict(&row("0a", "x"), &row("0b", "y"))), Some(2));
        assert_eq!(kept(conflict(&row("0a", "x"), &row("0a", "x"))), Some(1));
        assert_eq!(kept(conflict(&row("0a", "x"), &row("0a", "y"))), None);
        assert_eq!(kept(row("0a", "x").replace(',', ",\n")), None);
        assert_eq!(kept(row("nothing", "x")), None);
        assert_eq!(kept("<<<<<<< HEAD\n".to_owned()), Some(0));
        // Written by a newer version of flakeward.
        assert_eq!(kept(conflict(&row("0a", "x"), "").replace("\"version\": 1", "\"version\":2")), None);
        assert_eq!(kept(conflict(&row("0a", "x").replace("\"rule\"", "\"owner\":\"me\",\"rule\""), "")), None);
    }

    #[test]
    fn an_invalid_date_is_reported_with_its_location() {
        let text = "{\"version\": 1, \"findings\": [\n{\"rule\":\"r\",\"path\":\"p\",\"fingerprint\":\"0a\",\"until\":\"soon\"}]}";
        let error = Baseline::parse(Path::new("b"), "b".into(), text.to_owned()).unwrap_err();
        assert_eq!(&error.text[error.span.unwrap()], "\"soon\"");
    }
}
