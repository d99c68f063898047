//! The findings of a rule do not depend on other rules: `--select` gives the findings of the default run, and turning
//! off any other rule changes nothing. Tested on every example in the rule pages, every folder in tests/repos, and
//! repositories that combine all of them. `FLAKEWARD_CASES` is a folder with further cases, as `*.case` files: `===
//! PATH` starts a file.

use std::path::{Path, PathBuf};
use std::{env, fs};

use flakeward::config::Config;
use flakeward::finding::{Finding, Level, RuleId, UNCHECKED};
use flakeward::rule::{BUILT_IN, Catalog, example};
use flakeward::{Repo, Settings, check, trial};

/// Rules that report on the findings of other rules.
const ABOUT_OTHERS: [&str; 2] = ["expired-suppression", "unused-suppression"];

/// A repository and its configuration.
struct Case {
    name: String,
    repo: Repo,
    /// Its flakeward.toml.
    config: String,
}

impl Case {
    fn findings(&self, change: impl FnOnce(&mut Settings)) -> Vec<Finding> {
        let config = Config::parse(Path::new("flakeward.toml"), self.config.clone()).unwrap();
        let mut settings = Settings::new(config);
        change(&mut settings);
        check(&self.repo, &settings).findings
    }

    /// Compares a run of all rules with runs of a single rule, and with runs of all rules but one.
    fn judge(&self) {
        let all = self.findings(|_| {});
        let of = |findings: &[Finding], rule: RuleId| -> Vec<Finding> {
            findings.iter().filter(|finding| finding.rule == rule).cloned().collect()
        };
        for rule in rules() {
            let alone = self.findings(|settings| off(settings, |other| other != rule));
            assert_eq!(of(&alone, rule), of(&all, rule), "{}: {rule} alone", self.name);
            // A file that cannot be checked is reported whichever rules are selected.
            let is_expected = |finding: &Finding| finding.rule == rule || finding.rule == UNCHECKED;
            assert!(alone.iter().all(is_expected), "{}: {rule} alone", self.name);
        }
        let reported: Vec<RuleId> = rules().filter(|rule| all.iter().any(|finding| finding.rule == *rule)).collect();
        for rule in reported {
            let without = self.findings(|settings| off(settings, |other| other == rule));
            for other in rules().filter(|other| *other != rule) {
                assert_eq!(of(&without, other), of(&all, other), "{}: {other} without {rule}", self.name);
            }
        }
    }
}

fn rules() -> impl Iterator<Item = RuleId> {
    BUILT_IN.iter().map(|rule| rule.id).filter(|rule| !ABOUT_OTHERS.contains(rule))
}

/// Turns rules off, and always turns off those that report on the findings of other rules.
fn off(settings: &mut Settings, is_off: impl Fn(RuleId) -> bool) {
    for rule in BUILT_IN.iter().map(|rule| rule.id).filter(|rule| ABOUT_OTHERS.contains(rule) || is_off(rule)) {
        settings.decide(rule, Level::Off);
    }
}

fn page_examples() -> Vec<Case> {
    let mut cases = Vec::new();
    for rule in BUILT_IN.iter() {
        for (index, example) in example::read(&rule.body).unwrap_or_default().iter().enumerate() {
            let Ok((repo, _)) = trial::repository(example, &Catalog::built_in()) else { continue };
            let settings = example.files().find(|(path, _)| *path == "flakeward.toml");
            let config = settings.map(|(_, block)| block.text.to_owned()).unwrap_or_default();
            cases.push(Case { name: format!("{}, example {index}", rule.id), repo, config });
        }
    }
    cases
}

/// The paths and contents of the files.
type Files = Vec<(String, Vec<u8>)>;

/// Collects the files in a folder and its subfolders, except `expected`.
fn files(folder: &Path, below: &Path, out: &mut Files) {
    for entry in fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()) {
        let path = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            files(folder, &entry, out);
        } else if path != "expected" {
            out.push((path, fs::read(&entry).unwrap()));
        }
    }
}

fn folders() -> Vec<(String, Files)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos");
    let mut folders: Vec<PathBuf> = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let read = |folder: &PathBuf| {
        let mut found = Vec::new();
        files(folder, folder, &mut found);
        (folder.display().to_string(), found)
    };
    folders.iter().map(read).collect()
}

fn of_bytes(name: String, files: &[(String, Vec<u8>)]) -> Case {
    let config = files.iter().find(|(path, _)| path == "flakeward.toml");
    let config = config.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let repo = Repo::from_bytes(files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())));
    Case { name, repo, config }
}

#[test]
fn rules_are_independent_in_page_examples() {
    let cases = page_examples();
    assert!(cases.len() > 100);
    cases.iter().for_each(Case::judge);
}

#[test]
fn rules_are_independent_in_small_repositories() {
    folders().into_iter().for_each(|(name, files)| of_bytes(name, &files).judge());
}

/// Combines all small repositories into one. If several have a file at the same path, each of them takes precedence
/// once.
#[test]
fn rules_are_independent_in_combined_repositories() {
    let folders = folders();
    for (first, (name, _)) in folders.iter().enumerate() {
        let mut all = std::collections::BTreeMap::new();
        for (_, files) in folders[first..].iter().chain(&folders[..first]) {
            for (path, bytes) in files.iter().filter(|(path, _)| path != "flakeward.toml") {
                all.entry(path.clone()).or_insert_with(|| bytes.clone());
            }
        }
        let all: Vec<_> = all.into_iter().collect();
        of_bytes(format!("{name} and all others"), &all).judge();
    }
}

#[test]
fn rules_are_independent_in_external_cases() {
    let Some(folder) = env::var_os("FLAKEWARD_CASES") else { return };
    let cases = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in cases.filter(|path| path.extension().is_some_and(|extension| extension == "case")) {
        let text = fs::read_to_string(&path).unwrap();
        let parts = text.split("\n=== ").skip(1).filter_map(|part| part.split_once('\n'));
        let files: Vec<_> = parts.map(|(path, text)| (path.trim().to_owned(), text.as_bytes().to_vec())).collect();
        of_bytes(path.display().to_string(), &files).judge();
    }
}
