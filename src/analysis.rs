//! Checks a repository repeatedly while its files change: the engine of the language server.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::check::{self, Check};
use crate::facts::port_registry::Mentions;
use crate::facts::{Reader, port_registry, ports};
use crate::file_pass::{Digest, FilePass, Outcome};
use crate::finding::{RelPath, Safety};
use crate::repo::{Repo, RepoFile};
use crate::report::Report;
use crate::run::{self, Conclusion, Runs};
use crate::settings::Settings;

/// Checks a repository and keeps the results of each file, so that the next report only re-reads the files that changed
/// and the facts of the repository as a whole.
///
/// The reports are the same as those of [`crate::check()`].
pub struct Analysis {
    /// All files, including vendored ones.
    repo: Repo,
    /// What depends on the paths of the files. `None` if paths have changed since.
    names: Option<Names>,
    settings: Settings,
    checks: Vec<&'static Check>,
    readers: Vec<&'static Reader>,
    outcomes: HashMap<RelPath, Outcome>,
    /// The files that may be port registries: what every file may refer to.
    registries: Vec<String>,
    digest: Option<Digest>,
}

/// What follows from the paths of the files alone.
struct Names {
    /// The repository without vendored and lock files.
    own: Repo,
    /// The files that may be port registries.
    registries: Vec<String>,
    /// Their names.
    mentions: Mentions,
}

impl Analysis {
    /// An analysis of a repository. Nothing is read before the first report.
    pub fn new(repo: Repo, settings: Settings) -> Self {
        let checks = run::active_checks(&settings.rules);
        let mut readers = check::readers(&checks);
        for reader in [&ports::READER, &port_registry::READER] {
            if !readers.iter().any(|known| std::ptr::eq(*known, reader)) {
                readers.push(reader);
            }
        }
        let (outcomes, registries) = (HashMap::new(), Vec::new());
        Self { repo, names: None, settings, checks, readers, outcomes, registries, digest: None }
    }

    /// Also computes a digest of each text that a report reads.
    pub(crate) fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The digest of a file that the last report read. `None` for files that were not checked.
    pub(crate) fn digest(&self, path: &str) -> Option<&str> {
        self.outcomes.get(path)?.digest.as_deref()
    }

    /// The repository as it is now.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Ends the analysis and returns the settings.
    pub fn into_settings(self) -> Settings {
        self.settings
    }

    /// Replaces or adds a file. A file without a kind is removed.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.change(path, |repo| repo.put(path, bytes));
    }

    /// Replaces a file by the one on disk, which is read when it is needed.
    pub(crate) fn restore(&mut self, file: &RepoFile) {
        self.change(file.path(), |repo| {
            repo.remove(file.path());
            repo.insert(file.clone());
        });
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) {
        self.change(path, |repo| {
            repo.remove(path);
        });
    }

    /// Changes one file. If the file exists before and after, nothing else depends on the change.
    fn change(&mut self, path: &str, change: impl FnOnce(&mut Repo)) {
        self.outcomes.remove(path);
        let was_file = self.repo.has(path);
        change(&mut self.repo);
        let file = self.repo.file(path).filter(|_| was_file).cloned();
        match (&mut self.names, file) {
            (Some(names), Some(file)) if names.own.has(path) => names.own.insert(file),
            // Vendored code is not checked, whatever it contains.
            (Some(names), Some(_)) if names.own.third_party.contains_key(path) => {}
            (names, _) => *names = None,
        }
    }

    /// The report of the repository as it is now.
    pub fn report(&mut self) -> Report {
        self.conclude().report
    }

    /// The report of the current state, and the facts of all files. Facts about ports are included whichever rules are
    /// on.
    pub fn conclude(&mut self) -> Conclusion {
        let Self { repo, names, settings, checks, readers, outcomes, registries, digest } = self;
        let names = names.get_or_insert_with(|| Names::of(repo, settings));
        if names.registries != *registries {
            registries.clone_from(&names.registries);
            outcomes.clear();
        }
        let pass = || FilePass::new(checks, readers.to_vec(), &names.mentions, settings).with_digest(*digest);
        refresh(&names.own, pass, outcomes);
        let outcomes = names.own.files.iter().filter_map(|file| outcomes.get(file.path()));
        run::conclude(&names.own, settings, checks, outcomes.cloned(), Runs::Repeated)
    }

    /// The report of the whole repository, without the baseline. Fixes are not counted, only findings matter.
    pub fn report_of_everything(&mut self) -> Report {
        let baseline = self.settings.baseline.take();
        let counts_fixes = std::mem::replace(&mut self.settings.counts_fixes, false);
        let paths = std::mem::take(&mut self.settings.paths);
        let report = self.report();
        self.settings.baseline = baseline;
        self.settings.counts_fixes = counts_fixes;
        self.settings.paths = paths;
        report
    }

    /// The same, with all fixes up to a safety level.
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
}

impl Names {
    fn of(repo: &Repo, settings: &Settings) -> Self {
        let own = repo.own(settings).into_owned();
        let registries = own.paths().filter(|path| port_registry::is_candidate(path, &settings.config.ports));
        let registries: Vec<String> = registries.map(|path| path.to_string()).collect();
        let mentions = Mentions::of(registries.iter().map(String::as_str), &settings.config.ports);
        Self { own, registries, mentions }
    }
}

/// Checks the files without an outcome.
fn refresh<'a>(repo: &Repo, pass: impl FnOnce() -> FilePass<'a>, outcomes: &mut HashMap<RelPath, Outcome>) {
    let stale = |file: &&RepoFile| !outcomes.contains_key(file.path());
    let stale: Vec<&RepoFile> = repo.files.iter().filter(stale).collect();
    if stale.is_empty() {
        return;
    }
    let pass = pass();
    let fresh: Vec<_> = stale.into_par_iter().map(|file| (file.path().clone(), pass.check(file))).collect();
    outcomes.extend(fresh);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::check;

    const FILES: [(&str, &str); 4] = [
        ("lib/ports.nix", "{ web = 8080; db = 5432; }"),
        ("web.nix", "{ services.web.port = 8080; }"),
        ("db.nix", "{ ports, ... }: { services.db.port = (import ./lib/ports.nix).bd; }"),
        ("deploy.yaml", "# Port from lib/ports.nix: web = 8081\nport: 8081\n"),
    ];

    /// Compares an analysis with a run on the same files.
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

    /// The texts that each file may have, so that kept results depend on everything that may change elsewhere: the
    /// position, name and number of an entry, how the registry is imported, its aliases, and flakes of their own.
    const VARIANTS: [(&str, &[&str]); 7] = [
        (
            "lib/ports.nix",
            &[
                "{ web = 8080; db = 5432; }",
                "# moved\n{ web = 8080; db = 5432; }",
                "{ site.main = 8080; db = 5432; }",
                "{ web = 8081; db = 8080; }",
                "{ web = 8080; other = 8080; }",
                "{ lib }: { web = 8080; db = 5432; }",
                "{ web = { port = 8080; protocol = \"tcp\"; }; redis = 5432; }",
                "{ forge = 8080; wiki = 3000; }",
                "{ forge = 8080; }",
                "{ web = ",
                "{ }",
            ],
        ),
        ("wiki.nix", &["{ services.wiki.port = 8080; }"]),
        ("web.nix", &["{ services.web.port = 8080; }", "{ services.web.port = 9090; }", "{ }"]),
        ("sub/db.nix", &["{ services.postgresql.port = 5432; }", "{ x.db.port = 8080; url = \"http://db:5432\"; }"]),
        ("sub/flake.nix", &["{ outputs = _: { }; }", "3"]),
        (
            "use.nix",
            &[
                "{ LT, ... }: { a.port = LT.port.web; b.port = 8080; }",
                "let ports = import ./lib/ports.nix; in { a.port = ports.web; b = ports.bd; }",
                "{ }",
            ],
        ),
        ("deploy.yaml", &["port: 8080\n", "# Port from lib/ports.nix: web = 8080\nport: 8080\n"]),
    ];

    #[test]
    fn kept_results_are_those_of_a_new_run() {
        let mut texts = BTreeMap::from([("lib/ports.nix", VARIANTS[0].1[0])]);
        let mut analysis = Analysis::new(Repo::from_texts(texts.clone()), Settings::default());
        let mut random = 20_261_126_usize;
        let mut below = |limit: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        for _ in 0..400 {
            let (path, variants) = VARIANTS[below(VARIANTS.len())];
            if below(10) == 0 {
                texts.remove(path);
                analysis.remove(path);
            } else {
                let text = variants[below(variants.len())];
                texts.insert(path, text);
                analysis.put(path, text.as_bytes().to_vec());
            }
            let files: Vec<_> = texts.iter().map(|(path, text)| (*path, *text)).collect();
            same(&mut analysis, &files);
            let settings = Settings { fixes: Safety::Unsafe, ..Settings::default() };
            let whole = check(&Repo::from_texts(files.iter().copied()), &settings);
            assert_eq!(analysis.report_with(Safety::Unsafe).findings, whole.findings, "{files:#?}");
        }
    }

    #[test]
    fn files_that_are_not_the_repositorys_own_are_left_out_as_in_a_run() {
        let mut files = FILES.to_vec();
        files.push(("third/a/app.nix", "{ services.web.port = 8080; }"));
        files.sort_unstable();
        let mut analysis = Analysis::new(Repo::from_texts(files.iter().copied()), Settings::default());
        same(&mut analysis, &files);
        for (path, text) in [
            ("third/a/pyvenv.cfg", ""),
            ("third/a/app.nix", "{ services.web.port = 8081; }"),
            ("web.nix", "# Generated by a tool. Do not edit.\n{ services.web.port = 8080; }"),
            ("pnpm-lock.yaml", "port: 8080\n"),
            ("serve", "#!/bin/sh\ncurl http://localhost:8080\n"),
            ("serve", "curl http://localhost:8080\n"),
        ] {
            files.retain(|(known, _)| *known != path);
            files.push((path, text));
            files.sort_unstable();
            analysis.put(path, text.as_bytes().to_vec());
            same(&mut analysis, &files);
        }
        files.retain(|(known, _)| *known != "third/a/pyvenv.cfg");
        analysis.remove("third/a/pyvenv.cfg");
        same(&mut analysis, &files);
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
        assert!(analysis.conclude().project.all::<ports::PortFacts>().any(|facts| !facts.uses.is_empty()));
    }
}
