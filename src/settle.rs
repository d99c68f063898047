//! From what the checks found to what is reported: levels, fingerprints, suppressions, baseline.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::finding::{Finding, Level, RelPath};
use crate::fingerprint;
use crate::settings::Settings;
use crate::source::{FileKind, Source};
use crate::suppress::{self, Suppression, entries};

/// The files that findings and labels point into.
pub type Sources = BTreeMap<RelPath, Arc<Source>>;

/// Findings on their way from the checks to the report.
pub struct Findings<'a> {
    /// Those that are left.
    pub list: Vec<Finding>,
    /// How many were silenced.
    pub suppressed: usize,
    settings: &'a Settings,
}

impl<'a> Findings<'a> {
    /// Findings, each with its level and its fingerprint.
    pub fn new(list: Vec<Finding>, sources: &Sources, settings: &'a Settings) -> Self {
        let mut findings = Self { list, suppressed: 0, settings };
        findings.settle(sources);
        findings
    }

    /// Sorts the findings and gives each its level and its fingerprint; those of rules that are off at their path fall away.
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

    /// Drops what comments and the baseline silence, and reports what of them silences nothing.
    pub fn silence(
        &mut self,
        suppressions: &mut [Suppression],
        sources: &mut Sources,
        paths: &BTreeMap<RelPath, FileKind>,
    ) {
        self.suppressed += suppress::silence(&mut self.list, suppressions, sources);
        let on = |entry: &&Suppression| self.settings.level_at(entry.rule, &entry.path) != Level::Off;
        self.add(suppress::unused(suppressions.iter().filter(on), sources), sources);
        if let Some(baseline) = &self.settings.baseline {
            let settings = self.settings;
            let (accepted, unused) = baseline.silence(&mut self.list, sources, paths, |rule, path| {
                settings.rules.catalog().find(rule).is_some() && settings.level_at(rule, path) == Level::Off
            });
            self.suppressed += accepted;
            // Only a run over everything can tell that a row matches nothing.
            if self.settings.paths.is_empty() && !unused.is_empty() {
                let source = Source::new(&baseline.path, FileKind::Settings, baseline.text.clone());
                sources.insert(baseline.path.clone(), Arc::new(source));
                self.add(unused, sources);
            }
        }
    }

    /// Reports entries of the configuration that match nothing. They can be suppressed in its comments.
    pub fn unused_entries(&mut self, repository: &entries::Repository<'_>, sources: &mut Sources) {
        let config = &self.settings.config;
        let Some(path) = config.path.as_ref().map(|path| RelPath::from(path.to_string_lossy())) else { return };
        let mut unused = entries::unused(config, &path, repository);
        if unused.is_empty() && !suppress::possible(&config.text) {
            return;
        }
        let source = Arc::new(Source::new(&path, FileKind::Settings, config.text.clone()));
        let mut suppressions = suppress::read(&source, &config.catalog, &mut unused);
        sources.insert(path, source);
        self.suppressed += suppress::silence(&mut unused, &mut suppressions, sources);
        unused.append(&mut suppress::unused(suppressions.iter(), sources));
        self.add(unused, sources);
    }
}
