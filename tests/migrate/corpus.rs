//! Compose files of other repositories: with FLAKEWARD_TEST_COMPOSE_CORPUS (a folder, such as a checkout of
//! docker/awesome-compose) every one of them is migrated.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use flakeward::migrate::compose::{load, stack};
use flakeward::migrate::{Draft, Files, Ports, compose};
use flakeward::source::FileKind;
use flakeward::walk;

/// A folder that an environment variable names.
pub fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("left out: {variable} is not set");
    }
    folder
}

/// The files below a folder.
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

/// The Compose files below a folder, as paths from it.
pub fn compose_files(folder: &Path) -> Vec<String> {
    let walked = walk::walk(folder, &walk::Options { no_ignore: true, ..walk::Options::default() });
    let entries = walked.entries.into_iter().filter(|entry| entry.kind == FileKind::Yaml);
    entries.map(|entry| entry.path.to_string()).filter(|path| flakeward::facts::compose::named_compose(path)).collect()
}

/// Every key is carried or reported, and most images become something.
#[test]
fn a_corpus_is_migrated_with_nothing_lost() {
    let Some(corpus) = folder("FLAKEWARD_TEST_COMPOSE_CORPUS") else { return };
    let disk = Disk(corpus.clone());
    let (mut images, mut carried) = (0, 0);
    for file in compose_files(&corpus) {
        let mut draft = Draft::new(&disk, Ports::default());
        let project = [file.as_str().into()];
        compose::migrate(&mut draft, &project).unwrap_or_else(|error| panic!("{error}"));
        let (_, report) = draft.finish().unwrap();
        let said: BTreeSet<&str> = report
            .carried
            .iter()
            .map(|entry| entry.what.as_str())
            .chain(report.left.iter().map(|entry| entry.what.as_str()))
            .collect();
        let model = load::load(&disk, &project).unwrap();
        for (name, node) in model.services() {
            for (key, _) in node.pairs() {
                let what = format!("services.{}.{}", name.name, key.name);
                let is_said = said.iter().any(|entry| {
                    entry.strip_prefix(&*what).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
                assert!(is_said, "{file}: nothing is said about {what}: {said:?}");
            }
        }
        for service in stack::Stack::of(&model, &disk).unwrap().services {
            if service.get("image").is_some() && service.get("build").is_none() {
                images += 1;
                carried += usize::from(service.is_carried());
            }
        }
    }
    eprintln!("{carried} of {images} images");
    assert!(images == 0 || carried * 10 >= images * 9, "{carried} of {images} images become something");
}
