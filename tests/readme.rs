//! Keeps the README up to date: its table of rules, the output of its commands in tests/repos/readme, the walkthrough
//! in tests/repos/first-day, and its flakeward.toml. `FLAKEWARD_BLESS=1` rewrites the table and the output: review the
//! changes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use flakeward::config::Config;
use flakeward::rule;
use tempfile::TempDir;

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
const TABLE: (&str, &str) = ("<!-- rules -->\n", "<!-- end of rules -->\n");

#[test]
fn the_readme_is_correct() {
    let file = Path::new(PROJECT).join("README.md");
    let written = fs::read_to_string(&file).unwrap();
    let is = walked(&printed(&tabled(&written)));
    if std::env::var_os("FLAKEWARD_BLESS").is_some() {
        fs::write(file, is).unwrap();
    } else {
        let diff = similar::TextDiff::from_lines(&written, &is);
        assert!(written == is, "rewrite it with FLAKEWARD_BLESS=1 cargo test --test readme\n{}", diff.unified_diff());
    }
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let readme = fs::read_to_string(Path::new(PROJECT).join("README.md")).unwrap();
    let text = readme.split("```toml\n").nth(1).and_then(|block| block.split("```").next()).unwrap();
    assert!(text.contains("exclude"), "{text}");
    Config::parse(Path::new("flakeward.toml"), text.to_owned()).unwrap();
}

/// The README with the current table of rules.
fn tabled(readme: &str) -> String {
    let (before, rest) = readme.split_once(TABLE.0).unwrap();
    let (_, after) = rest.split_once(TABLE.1).unwrap();
    let mut table = String::from("| rule | level | reports |\n|---|---|---|\n");
    for rule in rule::BUILT_IN.iter() {
        writeln!(table, "| [`{0}`](rules/{0}.md) | {1} | {2} |", rule.id, rule.level, rule.summary).unwrap();
    }
    format!("{before}{}{table}{}{after}", TABLE.0, TABLE.1)
}

/// The README with the output of its commands, run in order in a copy of the repository.
fn printed(readme: &str) -> String {
    let repository = copy_of("readme");
    let mut blocks = readme.split("```console\n$ flakeward");
    let mut out = blocks.next().unwrap().to_owned();
    for block in blocks {
        let (args, rest) = block.split_once('\n').unwrap();
        let (_, after) = rest.split_once("```").unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_flakeward"))
            .args(args.split_whitespace())
            .current_dir(repository.path())
            .env_remove("FORCE_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .output()
            .unwrap();
        // Notes such as the summary of `fix` go to standard error, after the report.
        let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        write!(out, "```console\n$ flakeward{args}\n{said}```{after}").unwrap();
    }
    out
}

/// A copy of a small repository, in a new Git repository.
fn copy_of(name: &str) -> TempDir {
    let repository = TempDir::new().unwrap();
    let from = Path::new(PROJECT).join("tests/repos").join(name).join(".");
    assert!(Command::new("cp").arg("-r").arg(from).arg(repository.path()).status().unwrap().success());
    fs::remove_file(repository.path().join("expected")).unwrap();
    assert!(Command::new("git").args(["init", "-q"]).current_dir(repository.path()).status().unwrap().success());
    repository
}

/// Commands that are not run because they need a network, an editor or another repository.
const NOT_RUN: [&str; 4] = ["cargo install", "$EDITOR", "pre-commit", "flakeward fix --diff"];

/// The README with the output of the commands in the walkthrough, run line by line in a shell.
fn walked(readme: &str) -> String {
    let repository = copy_of("first-day");
    let mut blocks = readme.split("```console first-day\n");
    let mut out = blocks.next().unwrap().to_owned();
    let mut count = 0;
    for block in blocks {
        let (session, after) = block.split_once("```").unwrap();
        out.push_str("```console first-day\n");
        for command in session.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let code = command.split(" #").next().unwrap().trim_end();
            let is_run = !NOT_RUN.iter().any(|prefix| code.starts_with(prefix));
            let said = if is_run { shell(repository.path(), code) } else { String::new() };
            write!(out, "$ {command}\n{said}").unwrap();
            count += 1;
        }
        write!(out, "```{after}").unwrap();
    }
    assert!(count > 4, "the first day has {count} commands");
    out
}

/// The output of a command.
fn shell(folder: &Path, command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_flakeward")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("FORCE_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat()
}
