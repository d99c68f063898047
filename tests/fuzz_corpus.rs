//! Runs every fuzz target's function on its seeds in `tests/fuzz/`, and on mutations of them with a fixed random seed.
//!
//! `fuzz/README.md` describes how to run cargo-fuzz. Every input that fails there is added to the seeds.

#[path = "support/entries.rs"]
mod entries;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The number of mutated inputs for each entry.
const CHANGED: usize = 300;

/// A time limit that no input exceeds, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The seeds of an entry, sorted by file name.
fn seeds(entry: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder().join(entry)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs an entry on its seeds and on mutations of them.
fn fuzz(name: &str) {
    let (_, entry) = entries::ENTRIES.into_iter().find(|(known, _)| *known == name).unwrap();
    let seeds = seeds(name);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        run(entry, seed);
    }
    let words: Vec<&[u8]> = seeds.iter().flat_map(|seed| tokens(seed)).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..CHANGED {
        run(entry, &changed(&seeds[round % seeds.len()], &words, &mut dice));
    }
}

/// Runs an entry, and prints the input if it fails.
fn run(entry: entries::Entry, input: &[u8]) {
    let start = Instant::now();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| entry(input))) {
        eprintln!("the input:\n{}", input.escape_ascii());
        resume_unwind(payload);
    }
    assert!(start.elapsed() < PATIENCE, "takes {:?}: {}", start.elapsed(), input.escape_ascii());
}

/// Bytes that are invalid or unusual in every language.
const NASTY: [&[u8]; 16] = [
    b"\0",
    b"\r",
    b"\r\n",
    b"\t",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\"",
    b"''",
    b"${",
    b"}",
    b"{",
    b"[",
    b"#",
    b"\\",
    b"99999999999999999999",
    "\u{202e}\u{1f600}".as_bytes(),
];

/// A seed with a few of its tokens removed, duplicated, swapped, or replaced.
fn changed(seed: &[u8], words: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut tokens = tokens(seed);
    for _ in 0..=dice.below(4) {
        let at = dice.below(tokens.len() + 1);
        let other = dice.below(tokens.len() + 1);
        let known = at < tokens.len();
        match dice.below(6) {
            0 if known => drop(tokens.remove(at)),
            1 if known => tokens.insert(at, tokens[at]),
            2 if known && other < tokens.len() => tokens.swap(at, other),
            3 if known && !words.is_empty() => tokens[at] = words[dice.below(words.len())],
            4 if dice.below(4) == 0 => tokens.truncate(at),
            5 => tokens.insert(at, NASTY[dice.below(NASTY.len())]),
            _ => {}
        }
    }
    tokens.concat()
}

/// The words, numbers and runs of spaces in a text; every other byte is its own token.
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let kind = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => 1,
        b'0'..=b'9' => 2,
        b' ' => 3,
        _ => 0,
    };
    text.chunk_by(|a, b| kind(a) == kind(b) && kind(a) != 0).collect()
}

/// A deterministic pseudo-random generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

#[test]
fn nix() {
    fuzz("nix");
}

#[test]
fn yaml() {
    fuzz("yaml");
}

#[test]
fn levels() {
    fuzz("levels");
}

#[test]
fn changed_texts() {
    fuzz("changed");
}

#[test]
fn dockerfile() {
    fuzz("dockerfile");
}

#[test]
fn script() {
    fuzz("script");
}

#[test]
fn ci() {
    fuzz("ci");
}

#[test]
fn lock() {
    fuzz("lock");
}

#[test]
fn config() {
    fuzz("config");
}

#[test]
fn page() {
    fuzz("page");
}

#[test]
fn registry() {
    fuzz("registry");
}

#[test]
fn fix() {
    fuzz("fix");
}

#[test]
fn every_entry_has_a_fuzz_target_and_seeds() {
    let entries: BTreeSet<String> = entries::ENTRIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for listed in [folder(), root.join("fuzz/fuzz_targets")] {
        let names = fs::read_dir(&listed).unwrap().map(|entry| entry.unwrap().path());
        let names: BTreeSet<String> = names
            .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, entries, "{}", listed.display());
    }
}
