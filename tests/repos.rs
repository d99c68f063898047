//! Checks every folder in tests/repos: a small repository with a file `expected` that contains the output of `--format
//! concise`. `FLAKEWARD_BLESS=1` rewrites the `expected` files: review the changes.

use std::path::{Path, PathBuf};

use flakeward::config::{self, Config};
use flakeward::output::{self, Format, View};
use flakeward::{Repo, Report, Settings, check, walk};

const EXPECTED: &str = "expected";

#[test]
fn every_small_repository_has_exactly_the_expected_findings() {
    let bless = std::env::var_os("FLAKEWARD_BLESS").is_some();
    let mut wrong = Vec::new();
    for folder in folders() {
        let report = report(&folder, true);
        assert!(!report.internal_error(), "{}: {:?}", folder.display(), report.notes);
        let printed = concise(&report);
        assert_eq!(
            printed,
            concise(&self::report(&folder, false)),
            "{}: the prefilter hides findings",
            folder.display()
        );
        let file = folder.join(EXPECTED);
        if bless {
            std::fs::write(&file, &printed).expect("the expected file can be written");
            continue;
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if printed != expected {
            let diff = similar::TextDiff::from_lines(&expected, &printed);
            wrong.push(format!("{}\n{}", folder.display(), diff.unified_diff()));
        }
    }
    assert!(wrong.is_empty(), "not as expected (FLAKEWARD_BLESS=1 rewrites):\n{}", wrong.join("\n"));
}

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos");
    let mut folders: Vec<_> = std::fs::read_dir(&all)
        .expect("tests/repos can be listed")
        .map(|entry| entry.expect("tests/repos can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "tests/repos contains no repositories");
    folders
}

fn report(folder: &Path, prefilter: bool) -> Report {
    let config = config::FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let config = config.map_or_else(Config::none, |path| {
        let text = std::fs::read_to_string(&path).expect("the configuration can be read");
        Config::parse(&path, text).expect("the configuration is valid")
    });
    let options = walk::Options { exclude: config.exclude.clone(), threads: 1, ..Default::default() };
    let repo = Repo::from_walk(folder, walk::walk(folder, &options));
    let now = jiff::civil::date(2026, 1, 1);
    check(&repo, &Settings { now, prefilter, ..Settings::new(config) })
}

fn concise(report: &Report) -> String {
    let mut out = Vec::new();
    output::write(Format::Concise, report, &View::default(), &mut out).expect("writing to a vector succeeds");
    String::from_utf8(out).expect("reports are UTF-8")
}
