//! Migrates all Compose files in the checkouts of other repositories, such as docker/awesome-compose, that
//! FLAKEWARD_TEST_COMPOSE_CORPUS names, separated as in PATH.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flakeward::knowledge::containers;
use flakeward::migrate::compose::{load, stack};
use flakeward::migrate::{Draft, Files, Ports, compose};
use flakeward::source::FileKind;
use flakeward::walk;

use crate::tools::PROJECT;

/// A folder that an environment variable names.
pub fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    folder
}

/// The files in a folder.
pub struct Disk(pub PathBuf);

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        match fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(_) => Ok(None),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        self.0.join(path).is_dir()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The Compose files in a folder, as paths relative to it.
pub fn compose_files(folder: &Path) -> Vec<String> {
    let walked = walk::walk(folder, &walk::Options { no_ignore: true, ..walk::Options::default() });
    let entries = walked.entries.into_iter().filter(|entry| entry.kind == FileKind::Yaml);
    let is_compose = |path: &String| flakeward::facts::compose::named_compose(path) && !path.starts_with(".github/");
    entries.map(|entry| entry.path.to_string()).filter(is_compose).collect()
}

/// Parts of the error messages for files that Compose itself also rejects.
pub const REFUSED: [&str; 1] = ["is required and has no value"];

/// The folders that FLAKEWARD_TEST_COMPOSE_CORPUS names, separated as in PATH.
pub fn corpora() -> Vec<PathBuf> {
    let named = folder("FLAKEWARD_TEST_COMPOSE_CORPUS");
    named.map(|all| std::env::split_paths(&all).collect()).unwrap_or_default()
}

/// The keys of Compose files, counted independently of flakeward.
fn keys(corpus: &Path, files: &[String]) -> BTreeMap<String, Vec<String>> {
    let script = Path::new(PROJECT).join("tests/migrate/keys.py");
    let output = Command::new("python3").arg(script).args(files).current_dir(corpus).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether the YAML parser that counts the keys is installed.
fn can_count() -> bool {
    let found = Command::new("python3").args(["-c", "import ruamel.yaml"]).output();
    let can = found.is_ok_and(|output| output.status.success());
    assert!(can || !crate::tools::required(), "python3 has no ruamel.yaml");
    can
}

/// Every key is carried over or reported, and most images have a replacement.
#[test]
fn a_corpus_is_migrated_without_losses() {
    if !can_count() {
        return;
    }
    let (mut images, mut carried, mut possible, mut counted, mut count) = (0, 0, 0, 0, 0);
    let (mut lost, mut unmatched, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for corpus in corpora() {
        let disk = Disk(corpus.clone());
        let files = compose_files(&corpus);
        let keys = keys(&corpus, &files);
        for file in files {
            count += 1;
            let mut draft = Draft::new(&disk, Ports::default());
            let project = [file.as_str().into()];
            if let Err(error) = compose::migrate(&mut draft, &project) {
                // Compose also rejects these.
                let said = error.to_string();
                assert!(REFUSED.iter().any(|reason| said.contains(reason)), "{said}");
                refused.push(said);
                continue;
            }
            let (_, report) = draft.finish().unwrap();
            let carried_keys = report.carried.iter().map(|entry| entry.what.as_str());
            let said: BTreeSet<&str> =
                carried_keys.chain(report.left.iter().map(|entry| entry.what.as_str())).collect();
            for key in &keys[&file] {
                counted += 1;
                let names = |entry: &str, key: &str| {
                    entry.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                // If a service is left out, so are all keys below it.
                let is_left_whole = |parent: &str| report.left.iter().any(|entry| entry.what == parent);
                let is_said = key == "services"
                    || said.iter().any(|entry| names(entry, key))
                    // A parent such as `services.web.environment` is left out as a whole. Names may also contain dots.
                    || key.match_indices('.').nth(2).is_some_and(|(at, _)| is_left_whole(&key[..at]));
                if !is_said {
                    lost.push(format!("{}/{file}: the report does not mention {key}", corpus.display()));
                }
            }
            let model = load::load(&disk, &project).unwrap();
            for service in stack::Stack::of(&model, &disk).unwrap().services {
                let Some(image) = service.text("image").filter(|_| service.get("build").is_none()) else { continue };
                images += 1;
                let is_possible = containers::unavailable(image).is_none() && !is_own(&corpus, image);
                possible += usize::from(is_possible || service.is_carried());
                carried += usize::from(service.is_carried());
                if !service.is_carried() {
                    unmatched.push(image.to_owned());
                }
            }
        }
    }
    eprintln!(
        "{count} Compose files, {counted} keys; {carried} of {images} images are carried over, {possible} could be; \
         not {unmatched:?}; rejected: {refused:?}"
    );
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    assert!(images == 0 || carried * 10 >= images * 9, "only {carried} of {images} images are carried over");
}

/// Whether the owner of a repository, whose folder is `OWNER+NAME`, also publishes an image.
fn is_own(corpus: &Path, image: &str) -> bool {
    let folder = corpus.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let owner = folder.split('+').next().unwrap_or_default();
    containers::repository(image).split('/').any(|part| part.eq_ignore_ascii_case(owner))
}
