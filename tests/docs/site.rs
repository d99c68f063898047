//! The documentation site, built from the README, the documents and the rule pages: its pages and its links.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::tools::{FLAKEWARD, PROJECT, have};
use serde_json::Value;
use tempfile::TempDir;

const HOME: &str = env!("CARGO_PKG_HOMEPAGE");

/// The site in a temporary folder; `None` if mdBook or Python is not installed.
fn site() -> Option<TempDir> {
    if !have(&["mdbook", "python3"]) {
        return None;
    }
    let folder = TempDir::new().unwrap();
    let built =
        python(&[Path::new(PROJECT).join("docs/site/build.py").to_str().unwrap(), folder.path().to_str().unwrap()]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(folder)
}

fn python(words: &[&str]) -> Output {
    Command::new("python3").args(words).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

#[test]
fn every_rule_has_a_page_at_its_address() {
    let Some(site) = site() else { return };
    let html = site.path().join("html");
    let list = fs::read_to_string(html.join("llms.txt")).unwrap();
    assert!(list.starts_with(concat!("# flakeward\n\n> ", env!("CARGO_PKG_DESCRIPTION"))), "{list}");
    let rules = Command::new(FLAKEWARD).args(["rules", "--format", "json"]).output().unwrap();
    let rules: Value = serde_json::from_slice(&rules.stdout).unwrap();
    let rules = rules["rules"].as_array().unwrap();
    assert!(rules.len() > 30);
    for rule in rules.iter().filter(|rule| !rule["id"].as_str().unwrap().starts_with("local/")) {
        let (id, url) = (rule["id"].as_str().unwrap(), rule["url"].as_str().unwrap());
        let page = html.join(url.strip_prefix(HOME).unwrap());
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(&format!("<h1 id=\"{id}\">")), "{url}");
        let markdown = url.replace(".html", ".md");
        assert!(list.contains(&format!("- [{id}]({markdown})")), "{id}: {list}");
        assert!(html.join(markdown.strip_prefix(HOME).unwrap()).is_file());
    }
}

/// Examples show the names of their files and the reported findings.
#[test]
fn rule_pages_include_their_examples() {
    let Some(site) = site() else { return };
    let page = fs::read_to_string(site.path().join("src/rules/lookup-path.md")).unwrap();
    assert!(page.starts_with("# lookup-path\n\nA channel lookup"), "{page}");
    assert!(!page.contains("file=") && !page.contains("```findings"), "{page}");
    assert!(page.contains("Reported:\n\n```text\n"), "{page}");
    let fixed = fs::read_to_string(site.path().join("src/rules/hardcoded-port.md")).unwrap();
    assert!(fixed.contains("`modules/cache.nix` after `flakeward fix`:\n\n```nix\n"), "{fixed}");
}

#[test]
fn broken_links_are_found() {
    let Some(site) = site() else { return };
    let html = site.path().join("html");
    let page = html.join("fixing.html");
    let links = "<a href=\"nowhere.html\"></a><a href=\"rules/lookup-path.html#nowhere\"></a>\
                 <a href=\"https://github.com/flakeward/flakeward/blob/main/nowhere.md\"></a>";
    fs::write(&page, fs::read_to_string(&page).unwrap() + links).unwrap();
    let script = format!(
        "import sys; from pathlib import Path; sys.path.insert(0, '{PROJECT}/docs/site'); import links\n\
         print(*links.broken(Path('{}'), '{HOME}', '{}', Path('{PROJECT}')), sep='\\n')",
        html.display(),
        env!("CARGO_PKG_REPOSITORY"),
    );
    let found = python(&["-c", &script]);
    let found = String::from_utf8(found.stdout).unwrap();
    assert_eq!(
        found,
        "fixing.html: nowhere.html: no such page\n\
         fixing.html: rules/lookup-path.html#nowhere: no such anchor\n\
         fixing.html: https://github.com/flakeward/flakeward/blob/main/nowhere.md: the repository has no such file\n"
    );
}
