//! Properties of all repositories: the report is the same for any number of threads, with and without the prefilter,
//! and for any order of files; and a fixed finding is not reported again.
//!
//! Tested on the small repositories of this project, and with `FLAKEWARD_CORPUS=DIR` on every folder in DIR:
//! `FLAKEWARD_CORPUS=DIR cargo test --release --test properties -- --nocapture` prints how many were
//! checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flakeward::config::{self, Config};
use flakeward::finding::{RelPath, RuleId, Safety};
use flakeward::fix::{self, Request};
use flakeward::output::{self, Format, View};
use flakeward::rule::example::{self, Role};
use flakeward::rule::page;
use flakeward::{Repo, Report, Settings, check, walk};

/// A repository in memory; the test controls the order of its files.
struct Sample {
    name: String,
    config: Option<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Sample {
    fn settings(&self) -> Settings {
        let config = self.config.as_ref().map_or_else(Config::none, |text| {
            Config::parse(Path::new("flakeward.toml"), text.clone()).unwrap_or_else(|_| Config::none())
        });
        Settings { now: jiff::civil::date(2026, 1, 1), fixes: Safety::Unsafe, ..Settings::new(config) }
    }

    fn repo(&self) -> Repo {
        repo(self.files.iter())
    }

    fn json(&self) -> String {
        json(&check(&self.repo(), &self.settings()))
    }
}

fn repo<'a>(files: impl Iterator<Item = &'a (String, Vec<u8>)>) -> Repo {
    Repo::from_bytes(files.map(|(path, bytes)| (path.as_str(), bytes.clone())))
}

fn json(report: &Report) -> String {
    let mut out = Vec::new();
    output::write(Format::Json, report, &View::default(), &mut out).expect("writing to a vector succeeds");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn the_report_is_the_same_for_any_number_of_threads() {
    let pools = [1, 2, 8].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads"));
    for_each_repository(|sample| {
        let reports = pools.each_ref().map(|pool| pool.install(|| sample.json()));
        assert_eq!(reports[0], reports[1], "{}: 1 and 2 threads", sample.name);
        assert_eq!(reports[0], reports[2], "{}: 1 and 8 threads", sample.name);
    });
}

#[test]
fn the_report_is_the_same_without_the_prefilter() {
    for_each_repository(|sample| {
        let all = Settings { prefilter: false, ..sample.settings() };
        let without = check(&sample.repo(), &all);
        let with = check(&sample.repo(), &sample.settings());
        assert_eq!(json(&with), json(&without), "{}", sample.name);
    });
}

#[test]
fn the_report_does_not_depend_on_the_order_of_files() {
    for_each_repository(|sample| {
        let expected = sample.json();
        let reversed = check(&repo(sample.files.iter().rev()), &sample.settings());
        assert_eq!(expected, json(&reversed), "{}: reversed", sample.name);
        let (even, odd): (Vec<_>, Vec<_>) = sample.files.iter().enumerate().partition(|(index, _)| index % 2 == 0);
        let dealt = odd.into_iter().chain(even).map(|(_, file)| file);
        assert_eq!(expected, json(&check(&repo(dealt), &sample.settings())), "{}: dealt", sample.name);
    });
}

#[test]
fn a_walk_finds_the_same_files_with_any_number_of_threads() {
    for folder in folders() {
        let found = [1, 2, 8].map(|threads| {
            let walked = walk::walk(&folder, &walk::Options { threads, ..Default::default() });
            (walked.entries, walked.unreadable, walked.excluded)
        });
        assert!(found[0] == found[1] && found[0] == found[2], "{}", folder.display());
    }
}

#[test]
fn fixed_findings_are_not_reported_again() {
    let mut fixes = 0;
    for_each_repository(|sample| {
        for allowed in [Safety::Safe, Safety::Unsafe] {
            fixes += fixed(sample, allowed);
        }
    });
    println!("{fixes} findings were fixed");
    assert!(fixes > 50, "only {fixes} findings were fixed");
}

/// Fixes a repository and checks the result. Returns the number of fixed findings.
fn fixed(sample: &Sample, allowed: Safety) -> usize {
    let (before, settings) = (sample.repo(), sample.settings());
    let request = Request { allowed, only: None, guard: &|_| Ok(()) };
    let outcome = fix::fix(&before, &settings, &request);
    let mut after = before.clone();
    for change in &outcome.changes {
        after.put(&change.path, change.after.clone().into_bytes());
    }
    let report = check(&after, &settings);
    assert_eq!(
        json(&report),
        json(&outcome.report),
        "{}: the report after fixing does not match the written files",
        sample.name
    );
    let (many, few) = (count(&check(&before, &settings)), count(&report));
    for fixed in &outcome.fixed {
        let place = (fixed.rule, fixed.path.clone());
        let left = few.get(&place).copied().unwrap_or(0);
        // A finding that was caused by an earlier fix did not exist before.
        let fewer = many.get(&place).is_none_or(|before| left < *before);
        assert!(fewer, "{}: {} in {} is still reported {left} times", sample.name, fixed.rule, fixed.path);
    }
    let again = fix::fix(&after, &settings, &request);
    assert!(outcome.unsettled || again.fixed.is_empty(), "{}: fixed again: {:?}", sample.name, again.fixed);
    outcome.fixed.len()
}

fn count(report: &Report) -> BTreeMap<(RuleId, RelPath), usize> {
    let mut counts = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry((finding.rule, finding.path.clone())).or_default() += 1;
    }
    counts
}

/// Checks a property for all repositories, one after the other, because a corpus may not fit into memory.
fn for_each_repository(mut property: impl FnMut(&Sample)) {
    let mut samples = 0;
    for sample in examples().into_iter().chain([seeds()]).chain(folders().iter().map(|folder| on_disk(folder))) {
        property(&sample);
        samples += 1;
    }
    println!("checked {samples} repositories");
}

/// The folders that are repositories: those in tests/repos, and those of the corpus.
fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos");
    let corpus = std::env::var_os("FLAKEWARD_CORPUS").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = corpus.into_iter().chain([own]).flat_map(|all| listed(&all)).collect();
    folders.retain(|path| path.is_dir());
    assert!(folders.len() > 5, "there are too few repositories");
    folders
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

fn on_disk(folder: &Path) -> Sample {
    let walked = walk::walk(folder, &walk::Options::default());
    let files = walked.entries.iter().map(|entry| {
        let bytes = fs::read(&entry.file).unwrap_or_else(|error| panic!("{}: {error}", entry.file.display()));
        (entry.path.to_string(), bytes)
    });
    let config = config::FILE_NAMES.iter().find_map(|name| fs::read_to_string(folder.join(name)).ok());
    Sample { name: folder.display().to_string(), config, files: files.collect() }
}

/// The examples of the rule pages.
fn examples() -> Vec<Sample> {
    let pages = listed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    pages.iter().flat_map(|file| page_examples(&fs::read_to_string(file).expect("a page can be read"))).collect()
}

fn page_examples(text: &str) -> Vec<Sample> {
    let (_, body) = page::split(text).expect("a page has a front matter and a body");
    let examples = example::read(body).expect("a page's examples can be read");
    let sample = |example: &example::Example<'_>| {
        let (mut config, mut files) = (None, Vec::new());
        for block in &example.blocks {
            match block.role {
                Role::File("flakeward.toml") => config = Some(block.text.to_owned()),
                Role::File(path) => files.push((path.to_owned(), block.text.as_bytes().to_vec())),
                _ => {}
            }
        }
        Sample { name: example.title.to_owned(), config, files }
    };
    examples.iter().map(sample).collect()
}

/// The seeds of the fuzz targets, as one repository of unusual files.
fn seeds() -> Sample {
    let names = [
        ("nix", "seed.nix"),
        ("yaml", "docker-compose.yml"),
        ("dockerfile", "Dockerfile"),
        ("lock", "flake.lock"),
        ("registry", "ports.nix"),
    ];
    let mut files = Vec::new();
    for (entry, name) in names {
        for seed in listed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(entry)) {
            let folder = seed.file_name().expect("a seed has a name").to_string_lossy().into_owned();
            files.push((format!("{folder}/{name}"), fs::read(&seed).expect("a seed can be read")));
        }
    }
    Sample { name: "the seeds of the fuzz targets".to_owned(), config: None, files }
}
