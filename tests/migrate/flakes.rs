//! Migrates flakes from other repositories: with FLAKEWARD_TEST_FLAKE_CORPUS (folders of checkouts, separated as in
//! PATH), every flake.nix with a helper is migrated, and its value is compared with the value before the migration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::corpus::folder;
use crate::evaluate::init;
use crate::tools::{FLAKEWARD, PROJECT, have};

/// The maximum number of attributes of a stand-in: each attribute is in turn a set with all of these
/// attributes.
const NAMES: usize = 4_000;

/// The files that evaluations read in addition to the flake.
struct Evaluator {
    nixpkgs: PathBuf,
    parts: PathBuf,
    utils: PathBuf,
    state: TempDir,
}

impl Evaluator {
    fn find() -> Option<Self> {
        let parts = folder("FLAKEWARD_TEST_FLAKE_PARTS")?;
        let utils = folder("FLAKEWARD_TEST_FLAKE_UTILS")?;
        let nixpkgs = folder("FLAKEWARD_TEST_NIXPKGS_LIB")?;
        have(&["nix-instantiate"]).then(|| Self { nixpkgs, parts, utils, state: TempDir::new().unwrap() })
    }

    /// The value at a path of the outputs, or the names of the outputs for an empty path.
    fn show(&self, flake: &Path, names: &str, path: &[&str], applied: bool) -> Result<Value, String> {
        let path: Vec<String> = path.iter().map(|name| format!("{name:?}")).collect();
        let expression = format!(
            "import {PROJECT}/tests/migrate/flakes.nix {{ nixpkgs = {}; flakeParts = {}; flakeUtils = {}; flake = {}; \
             names = [ {names} ]; what = [ {} ]; applied = {applied}; }}",
            self.nixpkgs.display(),
            self.parts.display(),
            self.utils.display(),
            flake.display(),
            path.join(" ")
        );
        let mut command = Command::new("timeout");
        command.args(["60", "nix-instantiate", "--eval", "--strict", "--json", "--expr", &expression]);
        for name in ["STORE", "STATE", "LOG", "CONF"] {
            command.env(format!("NIX_{name}_DIR"), self.state.path().join(name.to_lowercase()));
        }
        let output = command.env_remove("NIX_REMOTE").env_remove("NIX_PATH").output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
    }
}

/// A flake before and after the migration.
struct Pair<'e> {
    evaluator: &'e Evaluator,
    before: PathBuf,
    after: PathBuf,
    root: PathBuf,
    names: String,
}

/// How much of a migrated flake could be compared.
#[derive(Default)]
struct Compared {
    same: usize,
    /// Parts that did not evaluate before the migration either, because stand-ins cannot provide what they need.
    unknown: Vec<String>,
    different: Vec<String>,
}

impl Pair<'_> {
    /// Evaluates one of the two flakes at the same location, since paths are part of values.
    fn show(&self, text: &Path, path: &[&str], applied: bool) -> Result<Value, String> {
        fs::copy(text, self.root.join("flake.nix")).unwrap();
        self.evaluator.show(&self.root, &self.names, path, applied)
    }

    fn compare(&self) -> Compared {
        let mut compared = Compared::default();
        let before = match self.show(&self.before, &[], true) {
            Ok(value) => filled(value),
            Err(error) => {
                compared.unknown.push(last_line(&error));
                return compared;
            }
        };
        match self.show(&self.after, &[], true) {
            Ok(after) if filled(after.clone()) == before => {}
            Ok(after) => compared.different.push(format!("names\n{before:#}\n{:#}", filled(after))),
            Err(error) => compared.different.push(format!("no longer evaluates: {error}")),
        }
        for (output, value) in before.as_object().into_iter().flatten() {
            let systems: Vec<&String> = value
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, names)| names.is_object())
                .map(|(name, _)| name)
                .collect();
            if self.compare_at(&[output], &mut compared).is_some() {
                continue;
            }
            let parts = systems.iter().map(|system| self.compare_at(&[output, system], &mut compared));
            if parts.fold(false, |any, part| any | part.is_some()) {
                continue;
            }
            compared.unknown.push(output.clone());
        }
        compared
    }

    /// Compares a part of the outputs. `None` if it did not evaluate before, or is a stand-in itself.
    fn compare_at(&self, path: &[&str], compared: &mut Compared) -> Option<()> {
        let shown = [true, false].into_iter().find_map(|applied| {
            let before = self.show(&self.before, path, applied).ok()?;
            Some((before, self.show(&self.after, path, applied)))
        });
        let (before, after) = shown?;
        let is_member = path.len() > 1 || before.is_object();
        let what = path.join(".");
        match after.map(filled) {
            Ok(after) if after == filled(before.clone()) => compared.same += 1,
            // The part depends on a stand-in, so its names cannot be compared.
            Err(error) if error.contains(".__path'") => return None,
            _ if !is_member || before.is_string() => return None,
            Ok(after) => compared.different.push(format!("{what}\n{before:#}\n{after:#}")),
            Err(error) => compared.different.push(format!("{what}: {error}")),
        }
        Some(())
    }
}

fn last_line(error: &str) -> String {
    error.lines().find(|line| line.starts_with("error:")).unwrap_or(error).to_owned()
}

/// Removes empty sets, because flake-parts defines all of its outputs for each system.
fn filled(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(name, value)| (name, filled(value)));
            Value::Object(kept.filter(|(_, value)| value.as_object().is_none_or(|map| !map.is_empty())).collect())
        }
        other => other,
    }
}

/// The words in a repository's Nix files that may be attributes: all words in flake.nix, and those after a dot
/// elsewhere.
fn names(root: &Path, flake: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-'".contains(c);
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let mut found: BTreeSet<String> = flake.split(|c| !is_word(c)).filter(is_name).map(str::to_owned).collect();
    let mut files = nix_files(root);
    files.sort_by_key(|file| file.components().count());
    for file in files {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let behind = text.split('.').skip(1).map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or(""));
        let room = NAMES.saturating_sub(found.len());
        let new: BTreeSet<&str> = behind.filter(is_name).filter(|word| !found.contains(*word)).take(room).collect();
        found.extend(new.into_iter().map(str::to_owned));
    }
    let outputs = ["packages", "apps", "checks", "devShells", "formatter", "legacyPackages", "default", "lib"];
    found.extend(outputs.map(str::to_owned));
    found.iter().map(|name| format!("\"{name}\" ")).collect()
}

fn nix_files(root: &Path) -> Vec<PathBuf> {
    let options = flakeward::walk::Options { no_ignore: true, ..Default::default() };
    let entries = flakeward::walk::walk(root, &options).entries.into_iter();
    let nix = entries.filter(|entry| entry.kind == flakeward::source::FileKind::Nix);
    nix.map(|entry| root.join(&*entry.path)).collect()
}

/// Whether a flake uses flake-utils or its own per-system helper, and not flake-parts.
fn has_helper(text: &str) -> bool {
    ["genAttrs", "eachDefaultSystem", "eachSystem", "flake-utils"].iter().any(|word| text.contains(word))
        && !text.contains("mkFlake")
}

/// The folders with a flake that has a helper, one folder for each distinct text.
fn flakes() -> Option<Vec<PathBuf>> {
    let corpus = folder("FLAKEWARD_TEST_FLAKE_CORPUS")?;
    let mut found = BTreeMap::new();
    for folder in std::env::split_paths(&corpus) {
        for file in nix_files(&folder) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            if file.ends_with("flake.nix") && has_helper(&text) {
                found.entry(text).or_insert_with(|| file.parent().unwrap().to_owned());
            }
        }
    }
    let mut folders: Vec<PathBuf> = found.into_values().collect();
    folders.sort();
    Some(folders)
}

/// Copies only the files that evaluating a flake is likely to read, because its repository may be large.
fn copy(from: &Path, to: &Path) {
    let script = "cd \"$0\" && find . -name .git -prune -o -type f -size -300k \\( -name '*.nix' -o -name '*.lock' \
                  -o -name '*.toml' -o -name '*.json' \\) -print0 | xargs -0 cp --parents -t \"$1\"";
    let copied = Command::new("sh").args(["-c", script]).arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn migrated_flakes_evaluate_to_the_same_values() {
    let (Some(evaluator), Some(flakes)) = (Evaluator::find(), flakes()) else { return };
    let (mut migrated, mut refused, mut wrong, mut compared_all) = (0, Vec::new(), Vec::new(), 0);
    for flake in &flakes {
        let root = TempDir::new().unwrap();
        let after = TempDir::new().unwrap();
        for folder in [root.path(), after.path()] {
            init(folder);
            copy(flake, folder);
        }
        let mut command = Command::new(FLAKEWARD);
        let done = command
            .args(["migrate", "flake", "flake.nix", "--write", "--force"])
            .current_dir(after.path())
            .output()
            .unwrap();
        let name = flake.display();
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(2), "{name}: {said}");
            refused.push(format!("{name}: {}", said.lines().next().unwrap_or_default()));
            continue;
        }
        migrated += 1;
        let before = flake.join("flake.nix");
        let names = names(root.path(), &fs::read_to_string(&before).unwrap());
        let pair = Pair {
            evaluator: &evaluator,
            before,
            after: after.path().join("flake.nix"),
            root: root.path().to_owned(),
            names,
        };
        let compared = pair.compare();
        compared_all += usize::from(compared.same > 0);
        eprintln!("{name}: {} the same, {} unknown {:?}", compared.same, compared.unknown.len(), compared.unknown);
        wrong.extend(compared.different.into_iter().map(|what| format!("{name}: {what}")));
    }
    eprintln!("rejected:\n{}", refused.join("\n"));
    eprintln!("{migrated} of {} flakes are migrated, {compared_all} compared", flakes.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(flakes.len() >= 25, "{} flakes", flakes.len());
    assert!(migrated * 10 >= flakes.len() * 6, "{migrated} of {} flakes are migrated", flakes.len());
}
