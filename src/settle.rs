//! Turns the findings of the checks into those of the report, with levels, fingerprints, suppressions and the baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::finding::{Finding, Level, RelPath, RuleId, Span};
use crate::fingerprint;
use crate::settings::Settings;
use crate::source::{FileKind, Source};
use crate::suppress::accepted::Accepted;
use crate::suppress::baseline::Matched;
use crate::suppress::{self, Suppression, entries};

/// The files that findings and labels refer to.
pub type Sources = BTreeMap<RelPath, Arc<Source>>;

/// The findings of the checks, while they are turned into those of the report.
pub struct Findings<'a> {
    /// The remaining findings.
    pub list: Vec<Finding>,
    /// The paths of the suppressed findings, one for each finding.
    pub suppressed: Vec<RelPath>,
    /// The acceptances: suppressions and baseline rows.
    pub accepted: Vec<Accepted>,
    settings: &'a Settings,
}

impl<'a> Findings<'a> {
    /// Sorts and filters the findings, and sets their levels and fingerprints.
    pub fn new(list: Vec<Finding>, sources: &Sources, settings: &'a Settings) -> Self {
        let mut findings = Self { list, suppressed: Vec::new(), accepted: Vec::new(), settings };
        findings.settle(sources);
        findings
    }

    /// Sorts the findings, sets their levels and fingerprints, and removes duplicates and the findings of rules that
    /// are off at their path.
    fn settle(&mut self, sources: &Sources) {
        self.list.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.list.dedup();
        let settings = self.settings;
        self.list.retain_mut(|finding| {
            finding.level = settings.level_at(finding.rule, &finding.path);
            finding.level != Level::Off
        });
        fingerprint::assign(&mut self.list, sources);
    }

    /// Adds findings about suppressions, baseline rows and configuration entries.
    fn add(&mut self, findings: Vec<Finding>, sources: &Sources) {
        self.list.append(&mut Findings::new(findings, sources, self.settings).list);
    }

    /// Removes findings that comments and the baseline suppress, and reports suppressions and rows that are unused or
    /// expired.
    pub fn silence(
        &mut self,
        suppressions: &mut [Suppression],
        sources: &mut Sources,
        paths: &BTreeMap<RelPath, FileKind>,
        held_back: &BTreeSet<RuleId>,
    ) {
        let now = self.settings.now;
        self.suppressed.extend(suppress::silence(&mut self.list, suppressions, sources, now));
        let is_off = |rule: &str, path: &str| held_back.contains(rule) || self.settings.is_off(rule, path);
        let on = |entry: &&Suppression| !is_off(entry.rule, &entry.path);
        let active = suppress::as_written(suppressions.iter().filter(on));
        self.add(suppress::unused(active.iter(), sources), sources);
        self.add(suppress::expired(active.iter(), now), sources);
        // A suppression of rules that did not run may be needed when they run.
        let unused = active.iter().filter(|entry| !entry.used).map(|entry| (entry.path.clone(), entry.rule_span));
        let unused: BTreeSet<(RelPath, Span)> = unused.collect();
        let all = suppress::as_written(suppressions.iter());
        let is_unused = |entry: &Suppression| unused.contains(&(entry.path.clone(), entry.rule_span));
        self.accepted.extend(all.iter().map(|entry| Accepted::suppression(entry, is_unused(entry), now)));
        self.silence_by_baseline(sources, paths, held_back);
    }

    fn silence_by_baseline(
        &mut self,
        sources: &mut Sources,
        paths: &BTreeMap<RelPath, FileKind>,
        held_back: &BTreeSet<RuleId>,
    ) {
        let settings = self.settings;
        let Some(baseline) = &settings.baseline else { return };
        let Matched { rows, silenced } =
            baseline.silence(&mut self.list, sources, |path| paths.contains_key(path), settings.now);
        self.suppressed.extend(silenced);
        let source = Source::new(&baseline.path, FileKind::Settings, baseline.text.clone());
        sources.insert(baseline.path.clone(), Arc::new(source));
        let is_off = |rule: &str, path: &str| held_back.contains(rule) || settings.is_off(rule, path);
        // Only a run on the whole repository can show that a row matches nothing.
        let is_whole = settings.paths.is_empty();
        let unused = if is_whole { baseline.unused(&rows, is_off) } else { Vec::new() };
        self.add(baseline.expired(&rows, settings.now), sources);
        match settings.frozen {
            true => self.enforce(unused, sources),
            false => self.add(unused, sources),
        }
        self.accepted.extend(baseline.accepted(&rows, settings.now, |rule, path| is_whole && !is_off(rule, path)));
    }

    /// Adds findings as errors, regardless of their rules' levels.
    fn enforce(&mut self, mut findings: Vec<Finding>, sources: &Sources) {
        findings.iter_mut().for_each(|finding| finding.level = Level::Error);
        fingerprint::assign(&mut findings, sources);
        self.list.append(&mut findings);
    }

    /// Reports configuration files that are not used.
    pub fn ignored_settings(&mut self, files: &[RelPath], sources: &Sources) {
        let used = self.settings.config.path.as_deref().map(Path::to_string_lossy);
        let ignored = files.iter().filter(|path| used.as_deref() != Some(&***path));
        let findings = ignored.map(|path| entries::ignored(path, used.as_deref())).collect();
        self.add(findings, sources);
    }

    /// Reports entries of the configuration that match nothing. Comments in the configuration can suppress these
    /// findings.
    pub fn unused_entries(&mut self, repository: &entries::Repository<'_>, sources: &mut Sources) {
        let config = &self.settings.config;
        let Some(path) = config.path.as_ref().map(|path| RelPath::from(path.to_string_lossy())) else { return };
        let mut unused = entries::unused(config, &path, repository);
        if unused.is_empty() && !suppress::possible(&config.text) {
            return;
        }
        let source = Arc::new(Source::new(&path, FileKind::Settings, config.text.clone()));
        let mut suppressions = suppress::read(&source, None, &config.catalog, &mut unused);
        sources.insert(path, source);
        let now = self.settings.now;
        self.suppressed.extend(suppress::silence(&mut unused, &mut suppressions, sources, now));
        unused.append(&mut suppress::unused(suppressions.iter(), sources));
        unused.append(&mut suppress::expired(suppressions.iter(), now));
        self.accepted.extend(suppressions.iter().map(|entry| Accepted::suppression(entry, !entry.used, now)));
        self.add(unused, sources);
    }
}
