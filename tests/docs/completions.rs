//! Completion scripts, run by real shells.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tools::{FLAKEWARD, have};
use tempfile::TempDir;

/// A typed line, and the completion of its last word.
const CASES: [(&str, &str); 7] = [
    ("flakeward accep", "accepted"),
    ("flakeward explain hardcoded-p", "hardcoded-port"),
    ("flakeward check --select firewall-d", "firewall-drift"),
    ("flakeward check --ignore contain", "containers"),
    ("flakeward --ignore contain", "containers"),
    ("flakeward ports ren", "rename"),
    ("flakeward check --level hardcoded-port=o", "hardcoded-port=off"),
];

/// A folder with the completion script for a shell; `None` if the shell is not installed.
fn script(shell: &str, program: &str, name: &str) -> Option<TempDir> {
    if !have(&[program]) {
        return None;
    }
    let folder = TempDir::new().unwrap();
    let written = Command::new(FLAKEWARD).args(["completions", shell]).output().unwrap();
    assert!(written.status.success());
    fs::write(folder.path().join(name), written.stdout).unwrap();
    Some(folder)
}

/// The standard output of a program.
fn printed(folder: &Path, program: &str, words: &[&str]) -> String {
    let ran = Command::new(program).args(words).current_dir(folder).env("HOME", folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success(), "{program} {words:?}: {}", text(&ran.stderr));
    text(&ran.stdout)
}

#[test]
fn bash_completes() {
    let Some(folder) = script("bash", "bash", "script") else { return };
    for (line, expected) in CASES {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let ask = format!(
            "source ./script; COMP_WORDS=({line}); COMP_CWORD={}; _flakeward flakeward {last} {before}; echo \"${{COMPREPLY[@]}}\"",
            words.len() - 1
        );
        assert_eq!(printed(folder.path(), "bash", &["--norc", "-c", &ask]).trim(), expected, "{line}");
    }
}

#[test]
fn fish_completes() {
    let Some(folder) = script("fish", "fish", "script") else { return };
    // clap's script for fish does not complete the values of options without a command.
    for (line, expected) in CASES.into_iter().filter(|(line, _)| !line.starts_with("flakeward --")) {
        let asked =
            printed(folder.path(), "fish", &["--no-config", "-c", &format!("source ./script; complete -C '{line}'")]);
        let first = asked.lines().next().unwrap_or_default().split('\t').next();
        assert_eq!(first, Some(expected), "{line}: {asked}");
    }
}

/// Types a line into an interactive zsh, completes its last word and prints the line.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD \$fpath); autoload -U compinit; compinit -u -D"
zpty -w shell 'complete-and-print() { zle complete-word; print -r -- "<<$BUFFER>>" }; zle -N complete-and-print'
zpty -w shell 'bindkey "^T" complete-and-print; echo RE""ADY'
zpty -r -m shell out '*READY*'
zpty -w -n shell "$1"$'\x14'
zpty -r -m shell out '*<<*>>*'
print -r -- "${${out##*<<}%%>>*}"
zpty -d shell
"#;

#[test]
fn zsh_completes() {
    let Some(folder) = script("zsh", "zsh", "_flakeward") else { return };
    for (line, expected) in CASES {
        let completed = printed(folder.path(), "zsh", &["-f", "-c", ZSH, "zsh", line]);
        assert_eq!(completed.split_whitespace().next_back(), Some(expected), "{line}: {completed}");
    }
}

#[test]
fn nushell_completes() {
    let Some(folder) = script("nushell", "nu", "flakeward.nu") else { return };
    for (line, expected) in CASES {
        let text = format!("use flakeward.nu *\n{line}");
        fs::write(folder.path().join("asked.nu"), &text).unwrap();
        let position = text.len().to_string();
        let asked = printed(folder.path(), "nu", &["--no-config-file", "--ide-complete", &position, "asked.nu"]);
        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        let found = asked["completions"].as_array().unwrap();
        // The completions of commands include their descriptions.
        let last = |text: &serde_json::Value| text.as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
        assert_eq!(found.iter().map(last).collect::<Vec<_>>(), [expected], "{line}");
    }
}
