//! A repository that is checked again and again while its files change: the engine of the language server.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::{self, Check};
use crate::facts::port_registry::Mentions;
use crate::facts::{Project, ProjectFile, Reader, port_registry, ports};
use crate::file_pass::{FilePass, Outcome};
use crate::finding::{RelPath, Safety};
use crate::repo::{Repo, RepoFile};
use crate::report::Report;
use crate::run;
use crate::settings::Settings;
use crate::source::Source;

/// Checks a repository and keeps what came of each file, so that the next report only looks at the files that changed
/// and at the repository as a whole.
///
/// Its reports are those of [`crate::check()`].
pub struct Analysis {
    repo: Repo,
    settings: Settings,
    checks: Vec<&'static Check>,
    readers: Vec<&'static Reader>,
    outcomes: HashMap<RelPath, Outcome>,
    /// The files that may be port registries: what every file may refer to.
    registries: Vec<String>,
}

impl Analysis {
    /// An analysis of a repository. Nothing is read before a report is asked for.
    pub fn new(repo: Repo, settings: Settings) -> Self {
        let checks = run::active_checks(&settings.rules);
        let mut readers = check::readers(&checks);
        for reader in [&ports::READER, &port_registry::READER] {
            if !readers.iter().any(|known| std::ptr::eq(*known, reader)) {
                readers.push(reader);
            }
        }
        Self { repo, settings, checks, readers, outcomes: HashMap::new(), registries: Vec::new() }
    }

    /// The repository as it is now.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Ends the analysis and gives the settings back.
    pub fn into_settings(self) -> Settings {
        self.settings
    }

    /// Replaces or adds a text of any name.
    pub fn overlay(&mut self, source: Source) {
        self.outcomes.remove(&source.path);
        self.repo.overlay(source);
    }

    /// Replaces or adds a file. Files whose name has no kind are ignored.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.outcomes.remove(path);
        self.repo.put(path, bytes);
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) {
        self.outcomes.remove(path);
        self.repo.remove(path);
    }

    /// Forgets what came of a file that changed on disk.
    pub fn changed(&mut self, path: &str) {
        self.outcomes.remove(path);
    }

    /// The report of the repository as it is now.
    pub fn report(&mut self) -> Report {
        self.refresh();
        let outcomes = self.repo.files.iter().filter_map(|file| self.outcomes.get(file.path()));
        run::report(&self.repo, &self.settings, &self.checks, outcomes.cloned().collect())
    }

    /// The report of the whole repository, in which nothing is accepted by a baseline.
    pub fn report_of_everything(&mut self) -> Report {
        let baseline = self.settings.baseline.take();
        let paths = std::mem::take(&mut self.settings.paths);
        let report = self.report();
        self.settings.baseline = baseline;
        self.settings.paths = paths;
        report
    }

    /// The same with all fixes up to a safety.
    pub fn report_with(&mut self, fixes: Safety) -> Report {
        let before = std::mem::replace(&mut self.settings.fixes, fixes);
        let report = self.report();
        self.settings.fixes = before;
        report
    }

    /// Runs something on the repository with the settings for some paths only.
    pub fn for_paths<T>(&mut self, paths: Vec<RelPath>, run: impl FnOnce(&Repo, &Settings) -> T) -> T {
        let before = std::mem::replace(&mut self.settings.paths, paths);
        let result = run(&self.repo, &self.settings);
        self.settings.paths = before;
        result
    }

    /// The facts of all files, those about ports whichever rules are on.
    pub fn project(&mut self) -> Project {
        self.refresh();
        let paths = self.repo.files.iter().map(|file| (file.path().clone(), file.kind())).collect();
        let outcomes = self.repo.files.iter().filter_map(|file| self.outcomes.get(file.path()));
        let files = outcomes.filter(|outcome| !outcome.facts.is_empty()).filter_map(|outcome| {
            Some(ProjectFile { source: outcome.source.clone()?, facts: Arc::clone(&outcome.facts) })
        });
        Project { files: files.collect(), paths }
    }

    /// Looks at the files that changed.
    fn refresh(&mut self) {
        let paths = || self.repo.files.iter().map(|file| &**file.path());
        let settings = &self.settings.config.ports;
        let registries: Vec<String> =
            paths().filter(|path| port_registry::is_candidate(path, settings)).map(str::to_owned).collect();
        if registries != self.registries {
            self.registries = registries;
            self.outcomes.clear();
        }
        let mentions = Mentions::of(paths(), settings);
        let pass = FilePass::new(&self.checks, self.readers.clone(), &mentions, &self.settings);
        let stale = |file: &&RepoFile| !self.outcomes.contains_key(file.path());
        let stale: Vec<&RepoFile> = self.repo.files.iter().filter(stale).collect();
        let fresh: Vec<_> = stale.into_par_iter().map(|file| (file.path().clone(), pass.check(file))).collect();
        self.outcomes.extend(fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    const FILES: [(&str, &str); 4] = [
        ("lib/ports.nix", "{ web = 8080; db = 5432; }"),
        ("web.nix", "{ services.web.port = 8080; }"),
        ("db.nix", "{ ports, ... }: { services.db.port = (import ./lib/ports.nix).bd; }"),
        ("deploy.yaml", "# Port from lib/ports.nix: web = 8081\nport: 8081\n"),
    ];

    /// Compares an analysis with a run over the same files.
    fn same(analysis: &mut Analysis, files: &[(&str, &str)]) {
        let whole = check(&Repo::from_texts(files.iter().copied()), &Settings::default());
        let report = analysis.report();
        assert_eq!(report.findings, whole.findings, "{files:#?}");
        assert_eq!((report.notes, report.files, report.suppressed), (whole.notes, whole.files, whole.suppressed));
        assert!(report.sources.keys().eq(whole.sources.keys()));
    }

    #[test]
    fn an_analysis_reports_what_a_run_reports() {
        let mut files = FILES.to_vec();
        let mut analysis = Analysis::new(Repo::from_texts(files.iter().copied()), Settings::default());
        same(&mut analysis, &files);
        for (path, text) in [
            ("web.nix", "{ services.web.port = 9090; }"),
            ("deploy.yaml", "# Port from lib/ports.nix: web = 8080\nport: 8080\n"),
            ("lib/ports.nix", "{ web = 8080; bd = 8080; }"),
            ("a.nix", "{ services.a.port = 99999; }"),
            ("other/ports.nix", "{ web = 1; }"),
            ("use.nix", "(import ./other/ports.nix).nothing"),
        ] {
            files.retain(|(known, _)| *known != path);
            files.push((path, text));
            files.sort_unstable();
            analysis.put(path, text.as_bytes().to_vec());
            same(&mut analysis, &files);
        }
        for path in ["lib/ports.nix", "web.nix", "nothing.nix"] {
            files.retain(|(known, _)| *known != path);
            analysis.remove(path);
            same(&mut analysis, &files);
        }
    }

    #[test]
    fn only_files_that_changed_are_looked_at() {
        let mut analysis = Analysis::new(Repo::from_texts(FILES), Settings::default());
        analysis.report();
        let before = analysis.outcomes.clone();
        analysis.put("web.nix", b"{ services.web.port = 1234; }".to_vec());
        analysis.report();
        for (path, outcome) in &analysis.outcomes {
            let kept = before.get(path).is_some_and(|known| Arc::ptr_eq(&known.facts, &outcome.facts));
            assert_eq!(kept, &**path != "web.nix", "{path}");
        }
    }

    #[test]
    fn facts_about_ports_are_there_whichever_rules_are_on() {
        let mut settings = Settings::default();
        for rule in crate::rule::BUILT_IN.iter() {
            settings.decide(rule.id, crate::finding::Level::Off);
        }
        let mut analysis = Analysis::new(Repo::from_texts(FILES), settings);
        assert!(analysis.report().findings.is_empty());
        assert!(analysis.project().all::<ports::PortFacts>().any(|facts| !facts.uses.is_empty()));
    }
}
