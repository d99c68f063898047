//! Runs every command that the README, the documents and the rule pages mention, in a small repository and with
//! example values for placeholders, and checks that every option that they mention exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tools::{FLAKEWARD, PROJECT};
use regex::Regex;
use tempfile::TempDir;

/// The documents that mention commands.
fn documents() -> Vec<(PathBuf, String)> {
    let folder = |name: &str| {
        let entries = fs::read_dir(Path::new(PROJECT).join(name)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "md"))
    };
    let single = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "npm/flakeward/README.md", "action.yml"];
    let mut files: Vec<PathBuf> = single.map(|file| Path::new(PROJECT).join(file)).into();
    files.extend(folder("docs").chain(folder("rules")));
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(&file).unwrap())).collect()
}

/// The code in a Markdown document: the spans between backticks, and the lines of code blocks.
fn code(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let mut prose = String::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            code.push(line.to_owned());
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    code.extend(prose.split('`').skip(1).step_by(2).map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
    code
}

/// The documented command lines, without the program, and the first file that contains each.
fn commands() -> BTreeMap<String, PathBuf> {
    let names = "check|init|fix|explain|rules|ports|migrate|baseline|accepted|report|config|lsp|completions|man";
    let line = Regex::new(&format!("(?:flakeward|cargo run --release --|nix run [^ ]+ --) ((?:{names})\\b[^`#;&']*)"))
        .unwrap();
    let mut found = BTreeMap::new();
    for (file, text) in documents() {
        for span in code(&text) {
            for command in line.captures_iter(&span) {
                // Text after two spaces describes the command; pipes and redirections belong to the shell.
                let end = ["  ", " |", " 2>"].iter().filter_map(|mark| command[1].find(mark)).min();
                let command = command[1][..end.unwrap_or(command[1].len())].trim();
                // An unpaired quote ends the string that contains the command.
                let is_inside = command.matches('"').count() % 2 == 1;
                let command = if is_inside { command.rsplit_once('"').unwrap().0 } else { command };
                found.entry(command.to_owned()).or_insert_with(|| file.clone());
            }
        }
    }
    found
}

/// The variants of a documented command: one for each alternative word, with and without the part in brackets.
fn forms(command: &str) -> Vec<String> {
    if let Some((before, rest)) = command.split_once('[') {
        let (optional, after) = rest.split_once(']').unwrap();
        let both = [format!("{before}{optional}{after}"), format!("{}{after}", before.trim_end())];
        return both.iter().flat_map(|form| forms(form)).collect();
    }
    match command.split(' ').find(|word| word.contains('|')) {
        Some(words) => words.split('|').flat_map(|word| forms(&command.replacen(words, word, 1))).collect(),
        None => vec![command.to_owned()],
    }
}

/// Placeholders in commands: the beginning of the command, the placeholder, and an example value.
const EXAMPLES: [(&str, &str, &str); 18] = [
    ("report ", "FILE.json...", "report.json"),
    ("migrate compose ", "FILE...", "compose.yaml"),
    ("migrate dockerfile ", "FILE...", "web/Dockerfile"),
    ("check --format concise --stdin-filename ", "PATH", "modules/cache.nix"),
    ("config show ", "PATH", "modules/cache.nix"),
    ("", "PATH", "."),
    ("", "{staged_files}", "modules/cache.nix"),
    ("completions ", "SHELL", "zsh"),
    ("explain ", "RULE", "lookup-path"),
    ("man ", "DIR", "pages"),
    ("ports --format ", "FORMAT", "env"),
    ("ports check ", "N", "6379"),
    ("ports next ", "GROUP", "databases"),
    ("ports rename ", "OLD", "databases.redis"),
    ("ports rename ", "NEW", "databases.cache"),
    ("check ", "REF", "HEAD"),
    ("check ", "\"origin/$BASE\"", "HEAD"),
    ("check ", "\"origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME\"", "HEAD"),
];

fn example(command: &str) -> Vec<String> {
    let word = |word: &str| {
        let known = EXAMPLES.iter().find(|(start, name, _)| command.starts_with(start) && *name == word);
        known.map_or(word, |(_, _, example)| example).to_owned()
    };
    command.split_whitespace().map(word).collect()
}

/// A repository with one commit that contains everything that the commands need.
fn repository() -> TempDir {
    let folder = TempDir::new().unwrap();
    let from = Path::new(PROJECT).join("tests/repos/first-day/.");
    assert!(Command::new("cp").arg("-r").arg(from).arg(folder.path()).status().unwrap().success());
    let write = |path: &str, text: &str| {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("lib/ports.nix", "{\n  databases.redis = 6379;\n}\n");
    write("compose.yaml", "services:\n  cache:\n    image: redis:7\n    ports: [\"6379:6379\"]\n");
    write(
        ".github/workflows/image.yml",
        "on: push\njobs:\n  image:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker build -t web web\n",
    );
    write(
        "flake.nix",
        "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\";\n  outputs = { self, nixpkgs }:\n    let\n      \
         forAllSystems = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ];\n    in\n    {\n      packages = forAllSystems (system: {\n        \
         default = nixpkgs.legacyPackages.${system}.hello;\n      });\n    };\n}\n",
    );
    run(folder.path(), &["check", "--format", "json", "--output", "report.json"]);
    run(folder.path(), &["baseline", "--select", "dockerfile"]);
    for words in
        [&["init", "-q"][..], &["add", "-A"], &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "m"]]
    {
        assert!(Command::new("git").args(words).current_dir(folder.path()).status().unwrap().success());
    }
    folder
}

/// Runs flakeward in a folder. Returns its exit code and standard error.
fn run(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(FLAKEWARD);
    let ran = command.args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    (ran.status.code().unwrap(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn every_documented_command_runs() {
    let commands = commands();
    assert!(commands.len() > 30, "{commands:?}");
    for (command, file) in &commands {
        for form in forms(command) {
            let words = example(&form);
            let is_name = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
            let left = form.split(' ').find(|word| is_name(word) && words.iter().any(|it| it == word));
            assert_eq!(left, None, "{}: no example value for a placeholder in `{form}`", file.display());
            // A language server exits without an error only if its client requests it.
            let codes = if words == ["lsp"] { 1..=1 } else { 0..=1 };
            let repository = repository();
            let (code, said) = run(repository.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(codes.contains(&code), "{}: `{form}` as {words:?}: {code}: {said}", file.display());
        }
    }
}

/// Options of other programs.
const OTHERS: [&str; 12] = [
    "--release",
    "--path",
    "--git",
    "--locked",
    "--all-targets",
    "--no-deps",
    "--document-private-items",
    "--bench",
    "--test",
    "--target",
    "--install-extension",
    "--refetch",
];

#[test]
fn every_documented_option_exists() {
    let helps = |words: &[&str]| {
        let ran = Command::new(FLAKEWARD).args(words).arg("--help").output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let commands = [
        &["check"][..],
        &["init"],
        &["fix"],
        &["explain"],
        &["rules"],
        &["ports"],
        &["ports", "init"],
        &["ports", "next"],
        &["ports", "rename"],
        &["migrate"],
        &["baseline"],
        &["accepted"],
        &["report"],
        &["config", "show"],
        &["man"],
    ];
    let option = Regex::new("--[a-z][a-z-]+").unwrap();
    let all: String = commands.iter().map(|words| helps(words)).collect();
    let known: BTreeSet<&str> = option.find_iter(&all).map(|found| found.as_str()).chain(OTHERS).collect();
    for (file, text) in documents() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if !["README.md", "pull-requests.md", "editors.md"].contains(&&*name) {
            continue;
        }
        // In code that begins with an option or with `flakeward`, the options are those of flakeward.
        let spans = code(&text).into_iter().filter(|span| span.starts_with("--") || span.starts_with("flakeward "));
        for span in spans.collect::<Vec<_>>() {
            for found in option.find_iter(&span) {
                assert!(known.contains(found.as_str()), "{name}: no command has {} (`{span}`)", found.as_str());
            }
        }
    }
}
