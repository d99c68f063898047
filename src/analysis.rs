//! Checks a repository repeatedly while its files change: the engine of the language server.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::check::{self, Check};
use crate::facts::port_registry::Mentions;
use crate::facts::{FILES_AT_ONCE, Reader, port_registry, ports};
use crate::file_pass::{Digest, FilePass, Outcome};
use crate::finding::{RelPath, Safety};
use crate::repo::{Repo, RepoFile};
use crate::report::Report;
use crate::run::{self, Conclusion, Runs};
use crate::settings::Settings;

/// Checks a repository and keeps the results of each file, so that the next report checks only changed files again. The
/// facts about the repository as a whole are always recomputed.
///
/// The reports are the same as those of [`crate::check()`].
pub struct Analysis {
    /// All files, including vendored ones.
    repo: Repo,
    /// The state that depends on the paths of the files. `None` if paths have changed since the last report.
    own: Option<Own>,
    settings: Settings,
    checks: Vec<&'static Check>,
    readers: Vec<&'static Reader>,
    /// The outcomes of files while `own` is `None`.
    outcomes: HashMap<RelPath, Outcome>,
    /// The files that may be port registries. Every file may refer to them.
    registries: Vec<String>,
    digest: Option<Digest>,
}

/// The files that are checked, and the state that depends on their paths.
struct Own {
    /// The repository without vendored and lock files.
    repo: Repo,
    /// The outcome of each file, in the order of the repository's files, so that no unchanged file is looked up after a
    /// keystroke. `None` if the file has changed since the last report.
    outcomes: Vec<Option<Outcome>>,
    /// The files that may be port registries.
    registries: Vec<String>,
    /// The names by which Nix code can refer to the registries.
    mentions: Mentions,
}

impl Analysis {
    /// Creates the analysis of a repository. Nothing is read before the first report.
    pub fn new(repo: Repo, settings: Settings) -> Self {
        let checks = run::active_checks(&settings.rules);
        let mut readers = check::readers(&checks);
        for reader in [&ports::READER, &port_registry::READER] {
            if !readers.iter().any(|known| std::ptr::eq(*known, reader)) {
                readers.push(reader);
            }
        }
        let (outcomes, registries) = (HashMap::new(), Vec::new());
        Self { repo, own: None, settings, checks, readers, outcomes, registries, digest: None }
    }

    /// Also computes a digest of each text that a report reads.
    pub(crate) fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The digest of a file that the last report read. `None` for files that were not checked.
    pub(crate) fn digest(&self, path: &str) -> Option<&str> {
        match &self.own {
            Some(own) => own.outcomes[own.index(path)?].as_ref()?.digest.as_deref(),
            None => self.outcomes.get(path)?.digest.as_deref(),
        }
    }

    /// The current repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Consumes the analysis and returns the settings.
    pub fn into_settings(self) -> Settings {
        let Self { settings, repo, own, outcomes, .. } = self;
        // The facts consist of many small values. Freeing them need not delay the report.
        rayon::spawn(move || drop((repo, own, outcomes)));
        settings
    }

    /// Replaces or adds a file. If its kind cannot be determined, it is removed instead.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.change(path, |repo| repo.put(path, bytes));
    }

    /// Removes files, and then replaces or adds others. This is faster than changing the files one by one.
    pub(crate) fn update(&mut self, removed: &HashSet<&str>, files: Vec<(&str, Vec<u8>)>) {
        if removed.is_empty() && files.iter().all(|(path, _)| self.repo.has(path)) {
            files.into_iter().for_each(|(path, bytes)| self.put(path, bytes));
            return;
        }
        self.outcomes.extend(self.own.take().into_iter().flat_map(Own::into_outcomes));
        self.outcomes.retain(|path, _| !removed.contains(&**path));
        for (path, _) in &files {
            self.outcomes.remove(*path);
        }
        self.repo.update(removed, files);
    }

    /// Replaces a file with the one on disk, which is read on demand.
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

    /// Changes one file. If it exists before and after, no other file is affected.
    fn change(&mut self, path: &str, change: impl FnOnce(&mut Repo)) {
        let was_file = self.repo.has(path);
        change(&mut self.repo);
        if let Some(file) = self.repo.file(path).filter(|_| was_file)
            && let Some(own) = &mut self.own
            // Vendored code is not checked, whatever its content.
            && (own.replace(file) || own.repo.third_party.contains_key(path))
        {
            return;
        }
        self.outcomes.extend(self.own.take().into_iter().flat_map(Own::into_outcomes));
        self.outcomes.remove(path);
    }

    /// The report for the current repository.
    pub fn report(&mut self) -> Report {
        self.conclude().report
    }

    /// The report for the current repository, and the facts of all files. Facts about ports are included even if the
    /// rules that use them are off.
    pub fn conclude(&mut self) -> Conclusion {
        let Self { repo, own, settings, checks, readers, outcomes, registries, digest } = self;
        let own = own.get_or_insert_with(|| Own::of(repo, settings, std::mem::take(outcomes)));
        if own.registries != *registries {
            registries.clone_from(&own.registries);
            own.outcomes.fill_with(|| None);
        }
        own.refresh(|mentions| FilePass::new(checks, readers.to_vec(), mentions, settings).with_digest(*digest));
        run::conclude(&own.repo, settings, checks, own.outcomes.iter().flatten().cloned(), Runs::Repeated)
    }

    /// Leaves out the checks of rules that are not needed. Kept results of unchanged files may still include findings
    /// of these rules.
    pub(crate) fn narrow(&mut self, is_needed: impl Fn(&str) -> bool) {
        self.checks.retain(|check| is_needed(check.rule));
        self.readers = check::readers(&self.checks);
    }

    /// The report for the whole repository, without the baseline and without mentions of unsafe fixes.
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

    /// The report for the current repository, with all fixes up to a safety level.
    pub fn report_with(&mut self, fixes: Safety) -> Report {
        let before = std::mem::replace(&mut self.settings.fixes, fixes);
        let report = self.report();
        self.settings.fixes = before;
        report
    }

    /// The report with all fixes, in which only the port at a position in a file gets a new registry entry.
    pub fn report_with_entry(&mut self, path: &RelPath, start: u32) -> Report {
        self.settings.new_entry = Some((path.clone(), start));
        let report = self.report_with(Safety::Unsafe);
        self.settings.new_entry = None;
        report
    }

    /// Calls a function with the repository, and with settings that report only on some paths.
    pub fn for_paths<T>(&mut self, paths: Vec<RelPath>, run: impl FnOnce(&Repo, &Settings) -> T) -> T {
        let before = std::mem::replace(&mut self.settings.paths, paths);
        let result = run(&self.repo, &self.settings);
        self.settings.paths = before;
        result
    }
}

impl Own {
    fn of(repo: &Repo, settings: &Settings, mut outcomes: HashMap<RelPath, Outcome>) -> Self {
        let repo = repo.own(settings).into_owned();
        let outcomes = repo.files.iter().map(|file| outcomes.remove(file.path())).collect();
        let registries = repo.paths().filter(|path| port_registry::is_candidate(path, &settings.config.ports));
        let registries: Vec<String> = registries.map(|path| path.to_string()).collect();
        let mentions = Mentions::of(registries.iter().map(String::as_str), &settings.config.ports);
        Self { repo, outcomes, registries, mentions }
    }

    fn index(&self, path: &str) -> Option<usize> {
        self.repo.files.binary_search_by(|file| (**file.path()).cmp(path)).ok()
    }

    /// Replaces a file. Returns whether the file is checked.
    fn replace(&mut self, file: &RepoFile) -> bool {
        let Some(index) = self.index(file.path()) else { return false };
        self.repo.files[index] = file.clone();
        self.outcomes[index] = None;
        true
    }

    /// Checks the files without an outcome.
    fn refresh<'a>(&'a mut self, pass: impl FnOnce(&'a Mentions) -> FilePass<'a>) {
        let files = self.repo.files.iter().zip(&mut self.outcomes);
        let stale: Vec<_> = files.filter(|(_, outcome)| outcome.is_none()).collect();
        if !stale.is_empty() {
            let pass = pass(&self.mentions);
            stale
                .into_par_iter()
                .with_max_len(FILES_AT_ONCE)
                .for_each(|(file, outcome)| *outcome = Some(pass.check(file)));
        }
    }

    fn into_outcomes(self) -> impl Iterator<Item = (RelPath, Outcome)> {
        let files = self.repo.files.into_iter().zip(self.outcomes);
        files.filter_map(|(file, outcome)| Some((file.path().clone(), outcome?)))
    }
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

    /// Compares an analysis with a full run on the same files.
    fn same(analysis: &mut Analysis, files: &[(&str, &str)]) {
        let whole = check(&Repo::from_texts(files.iter().copied()), &Settings::default());
        let report = analysis.report();
        assert_eq!(report.findings, whole.findings, "{files:#?}");
        assert_eq!((report.notes, report.files, report.suppressed), (whole.notes, whole.files, whole.suppressed));
        assert!(report.sources.keys().eq(whole.sources.keys()));
    }

    #[test]
    fn an_analysis_reports_the_same_as_a_run() {
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

    /// The possible texts of each file. They are chosen so that kept results depend on everything that may change
    /// elsewhere: the position, name and number of an entry, how the registry is imported, its aliases, and separate
    /// flakes.
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
    fn kept_results_match_a_new_run() {
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
    fn third_party_files_are_left_out_as_in_a_run() {
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
    fn changes_made_at_once_match_single_changes() {
        let mut analysis = Analysis::new(Repo::from_texts(FILES), Settings::default());
        analysis.report();
        let mut update = |removed: &[&str], files: &[(&'static str, &'static str)], expected: &[(&str, &str)]| {
            let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
            analysis.update(&removed.iter().copied().collect(), files.collect());
            same(&mut analysis, expected);
        };
        let web = ("web.nix", "{ services.web.port = 9090; }");
        update(&[], &[web], &[FILES[0], web, FILES[2], FILES[3]]);
        let (first, last) = (("a.nix", "{ services.a.port = 8080; }"), ("z.nix", "{ x = "));
        let without_kind = ("web.txt", "8080");
        update(
            &["db.nix", "nothing"],
            &[last, FILES[1], without_kind, first],
            &[first, FILES[3], FILES[0], FILES[1], last],
        );
        update(&["a.nix", "web.nix", "z.nix"], &[FILES[2]], &[FILES[2], FILES[3], FILES[0]]);
    }

    #[test]
    fn only_files_that_changed_are_checked() {
        let mut analysis = Analysis::new(Repo::from_texts(FILES), Settings::default());
        analysis.report();
        let facts = |analysis: &Analysis| -> Vec<_> {
            let own = analysis.own.as_ref().unwrap();
            let outcomes = own.repo.paths().cloned().zip(&own.outcomes);
            outcomes.map(|(path, outcome)| (path, Arc::clone(&outcome.as_ref().unwrap().facts))).collect()
        };
        let mut before = facts(&analysis);
        let mut changed = |analysis: &mut Analysis| -> Vec<String> {
            analysis.report();
            let now = facts(analysis);
            let is_kept = |path, facts| before.iter().any(|(known, old)| known == path && Arc::ptr_eq(old, facts));
            let changed = now.iter().filter(|(path, facts)| !is_kept(path, facts)).map(|(path, _)| path.to_string());
            let changed = changed.collect();
            before = now;
            changed
        };
        analysis.put("web.nix", b"{ services.web.port = 1234; }".to_vec());
        assert_eq!(changed(&mut analysis), ["web.nix"]);
        analysis.put("new.nix", b"{ services.web.port = 1235; }".to_vec());
        assert_eq!(changed(&mut analysis), ["new.nix"]);
        analysis.remove("new.nix");
        analysis.put("web.nix", b"{ services.web.port = 1236; }".to_vec());
        assert_eq!(changed(&mut analysis), ["web.nix"]);
    }

    #[test]
    fn port_facts_do_not_depend_on_the_enabled_rules() {
        let mut settings = Settings::default();
        for rule in crate::rule::BUILT_IN.iter() {
            settings.decide(rule.id, crate::finding::Level::Off);
        }
        let mut analysis = Analysis::new(Repo::from_texts(FILES), settings);
        assert!(analysis.report().findings.is_empty());
        assert!(analysis.conclude().project.all::<ports::PortFacts>().any(|facts| !facts.uses.is_empty()));
    }
}
