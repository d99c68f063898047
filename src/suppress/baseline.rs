//! A baseline: the findings of one day that a team accepts for now, so that only new ones are reported.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::finding::{Finding, RelPath, Span, UNCHECKED};
use crate::fingerprint;
use crate::report::Report;
use crate::source::{FileKind, Source};

/// Where a baseline is looked for below the root.
pub const DEFAULT: &str = ".flakeward/baseline.json";

/// A baseline that was read.
#[derive(Debug)]
pub struct Baseline {
    /// Its path, relative to the root.
    pub path: RelPath,
    /// Its text.
    pub text: String,
    rows: Vec<Row>,
}

/// How many findings are compared with the rows of another path: a bound, if very many files are renamed at once.
const MAX_TRIES: usize = 1_000_000;

#[derive(Debug)]
struct Row {
    rule: String,
    path: String,
    fingerprint: u64,
    span: Span,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    rule: String,
    path: String,
    fingerprint: String,
    /// For the reader of a change; nothing depends on it.
    #[serde(default)]
    message: String,
}

/// Writes a report's findings as a baseline: one line each, so that changes can be reviewed and merged.
pub fn write(report: &Report) -> Result<String, serde_json::Error> {
    let lines = report.findings.iter().map(|finding| {
        serde_json::to_string(&Entry {
            rule: finding.rule.to_owned(),
            path: finding.path.to_string(),
            fingerprint: fingerprint::text(finding.fingerprint),
            message: finding.message.clone(),
        })
    });
    let lines = lines.collect::<Result<Vec<_>, _>>()?.join(",\n");
    let lines = if lines.is_empty() { lines } else { format!("\n{lines}\n") };
    Ok(format!("{{\"version\": 1, \"findings\": [{lines}]}}\n"))
}

impl Baseline {
    /// Reads a baseline. `shown` is its path for messages, `path` the one relative to the root.
    pub fn parse(shown: &Path, path: RelPath, text: String) -> Result<Self, Box<ConfigError>> {
        let fail = |at: usize, message: String| {
            Box::new(ConfigError {
                path: shown.to_owned(),
                text: text.clone(),
                span: Some(at..at),
                message,
                help: Some("`flakeward baseline` writes a new one".to_owned()),
            })
        };
        let document: Document = serde_json::from_str(&text).map_err(|error| {
            let line_start =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            fail(line_start + error.column().saturating_sub(1), format!("invalid baseline: {error}"))
        })?;
        if document.version != 1 {
            return Err(fail(0, format!("unsupported baseline version {}; expected version 1", document.version)));
        }
        let mut rows = Vec::new();
        let mut from = 0;
        for entry in document.findings {
            let at = text[from..].find(&entry.fingerprint).map_or(from, |at| from + at);
            let end = at + entry.fingerprint.len();
            let Ok(fingerprint) = u64::from_str_radix(&entry.fingerprint, 16) else {
                return Err(fail(at, format!("`{}` is not a valid fingerprint", entry.fingerprint)));
            };
            from = end.min(text.len());
            rows.push(Row { rule: entry.rule, path: entry.path, fingerprint, span: Span::new(at, end) });
        }
        Ok(Self { path, text, rows })
    }

    /// Drops the findings that the baseline holds, those in files that were renamed included. Returns how many, and a
    /// finding for each row that held none, apart from
    /// rows of rules that are off at their path: those may well match when the rule runs.
    pub fn silence(
        &self,
        findings: &mut Vec<Finding>,
        sources: &BTreeMap<RelPath, Arc<Source>>,
        paths: &BTreeMap<RelPath, FileKind>,
        is_off: impl Fn(&str, &str) -> bool,
    ) -> (usize, Vec<Finding>) {
        let rows = self.rows.iter().enumerate().map(|(index, row)| (row.fingerprint, index));
        let rows: HashMap<u64, usize> = rows.collect();
        let mut used = vec![false; self.rows.len()];
        let before = findings.len();
        findings.retain(|finding| match rows.get(&finding.fingerprint) {
            Some(&index) if finding.rule != UNCHECKED => {
                used[index] = true;
                false
            }
            _ => true,
        });
        self.follow_renames(findings, &mut used, sources, paths);
        let unused = self.rows.iter().zip(used).filter(|(_, used)| !used).map(|(row, _)| row);
        let unused = unused.filter(|row| !is_off(&row.rule, &row.path)).map(|row| self.unused(row)).collect();
        (before - findings.len(), unused)
    }

    /// Drops the findings of files that were renamed since: rows of a path that is gone hold the same findings at
    /// another path. A file of the same name in another folder is tried first.
    fn follow_renames(
        &self,
        findings: &mut Vec<Finding>,
        used: &mut [bool],
        sources: &BTreeMap<RelPath, Arc<Source>>,
        paths: &BTreeMap<RelPath, FileKind>,
    ) {
        let mut gone: BTreeMap<&str, HashMap<u64, usize>> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(index, _)| !used[*index]) {
            if !paths.contains_key(row.path.as_str()) {
                gone.entry(&row.path).or_default().insert(row.fingerprint, index);
            }
        }
        if gone.is_empty() {
            return;
        }
        let mut kept = Vec::with_capacity(findings.len());
        let mut tries = MAX_TRIES;
        for file in std::mem::take(findings).chunk_by(|a, b| a.path == b.path) {
            let text = sources.get(&file[0].path).map(|source| source.text.as_str());
            let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
            let mut candidates: Vec<&str> = gone.keys().copied().collect();
            candidates.sort_by_key(|path| name(path) != name(&file[0].path));
            let mut matched = None;
            for path in candidates {
                tries = tries.saturating_sub(file.len());
                if tries == 0 {
                    break;
                }
                let rows = &gone[path];
                let prints = fingerprint::at_path(file, path, text);
                if prints.iter().any(|print| rows.contains_key(print)) {
                    matched = Some((path, prints));
                    break;
                }
            }
            let Some((path, prints)) = matched else {
                kept.extend_from_slice(file);
                continue;
            };
            let rows = gone.remove(path).unwrap_or_default();
            for (finding, print) in file.iter().zip(prints) {
                match rows.get(&print) {
                    Some(&index) => used[index] = true,
                    None => kept.push(finding.clone()),
                }
            }
        }
        *findings = kept;
    }

    fn unused(&self, row: &Row) -> Finding {
        let message = format!("{} no longer has this finding of {}: the entry is not needed", row.path, row.rule);
        Finding::new("unused-suppression", &self.path, row.span, message)
            .label("matches nothing")
            .help("update the baseline with `flakeward baseline`, so that the finding cannot return unnoticed")
    }
}
