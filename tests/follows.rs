//! Compares the resolution of `follows` with Nix: flakes are generated, locked and evaluated by Nix without a network,
//! and the inputs that Nix passes to each flake must equal those that flakeward reads from the same flake.lock.
//!
//! Skipped without Nix; with `FLAKEWARD_REQUIRE_TOOLS=1`, the test fails instead. Locks that Nix never writes, such as
//! ones with missing nodes, are compared with an evaluation in `src/lang/flake/lock.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flakeward::lang::flake::lock::{Lock, Unresolved};
use flakeward::lang::{Language, Tree};
use serde_json::{Value, json};

/// The number of flakes in a generated project, including the root.
const FLAKES: u64 = 5;
/// The depth to which inputs of inputs are compared. An input that follows the empty path is the root again, so the
/// full depth is unlimited.
const DEPTH: usize = 5;

/// A deterministic generator of small numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The inputs of each flake, as the indexes of some of the later flakes.
fn inputs(numbers: &mut Numbers) -> Vec<Vec<u64>> {
    let some = |numbers: &mut Numbers, flake: u64| {
        let all = flake + 1..FLAKES;
        all.filter(|_| flake == 0 || numbers.below(3) > 0).collect()
    };
    (0..FLAKES).map(|flake| some(numbers, flake)).collect()
}

/// A random path of inputs that starts at a flake; may be empty.
fn followed(numbers: &mut Numbers, inputs: &[Vec<u64>], flake: u64) -> String {
    let mut names = Vec::new();
    let mut at = flake;
    for _ in 0..numbers.below(4) {
        let known = &inputs[at as usize];
        if known.is_empty() {
            break;
        }
        at = known[numbers.below(known.len() as u64) as usize];
        names.push(format!("f{at}"));
    }
    names.join("/")
}

/// A flake.nix whose output contains its own index and its inputs.
fn flake(numbers: &mut Numbers, root: &Path, inputs: &[Vec<u64>], index: u64) -> String {
    let mut text = "{\n".to_owned();
    for input in &inputs[index as usize] {
        let _ = writeln!(text, "  inputs.f{input}.url = \"path:{}/f{input}\";", root.display());
        for inner in &inputs[*input as usize] {
            if numbers.below(2) == 0 {
                let path = followed(numbers, inputs, index);
                let _ = writeln!(text, "  inputs.f{input}.inputs.f{inner}.follows = \"{path}\";");
            }
        }
    }
    let _ = writeln!(
        text,
        "  outputs = inputs: {{
    tree = depth: {{ id = \"f{index}\"; inputs = if depth == 0 then {{ }} else
      builtins.mapAttrs (_: input: input.tree (depth - 1)) (removeAttrs inputs [ \"self\" ]); }};
  }};\n}}"
    );
    text
}

fn nix(root: &Path, arguments: &[&str]) -> Output {
    Command::new("nix")
        .args(["--extra-experimental-features", "nix-command flakes", "--offline"])
        .arg("--store")
        .arg(root.join("store"))
        .args(arguments)
        .env("HOME", root.join("home"))
        .env("XDG_CACHE_HOME", root.join("home"))
        .output()
        .expect("nix runs")
}

/// The tree of a node as flakeward reads it: the index of the flake, and its inputs.
fn tree(lock: &Lock, label: &str, depth: usize) -> Result<Value, Unresolved> {
    let node = &lock.nodes[label];
    let id = match label == lock.root {
        true => "f0",
        false => node.original.as_ref().and_then(|original| original.address.rsplit('/').next()).unwrap_or(""),
    };
    let mut inputs = BTreeMap::new();
    if depth > 0 {
        for name in node.inputs.keys() {
            inputs.insert(name.clone(), tree(lock, lock.resolve(label, name)?, depth - 1)?);
        }
    }
    Ok(json!({ "id": id, "inputs": inputs }))
}

fn has_nix() -> bool {
    let asked = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value != "0");
    let known = Command::new("nix").arg("--version").stdout(Stdio::null()).status();
    let known = known.is_ok_and(|status| status.success());
    assert!(known || !asked, "nix is not installed");
    known
}

#[test]
fn inputs_equal_those_that_nix_passes_to_each_flake() {
    if !has_nix() {
        return;
    }
    let mut numbers = Numbers(3);
    let (mut compared, mut empty, mut long, mut cycles) = (0, 0, 0, 0);
    for _ in 0..16 {
        let folder = tempfile::tempdir().expect("a folder can be created");
        let root = folder.path();
        std::fs::create_dir_all(root.join("home")).expect("a folder can be created");
        let inputs = inputs(&mut numbers);
        for index in 0..FLAKES {
            let place = root.join(format!("f{index}"));
            std::fs::create_dir_all(&place).expect("a folder can be created");
            std::fs::write(place.join("flake.nix"), flake(&mut numbers, root, &inputs, index)).expect("it is written");
        }
        let own = format!("path:{}/f0", root.display());
        // Nix rejects a `follows` of a missing input, which the generator also produces.
        if !nix(root, &["flake", "lock", &own]).status.success() {
            continue;
        }
        let text = std::fs::read_to_string(root.join("f0/flake.lock")).expect("nix wrote a lock");
        let parsed = Tree::parse(Language::Json, &text).expect("the lock is JSON");
        let lock = Lock::read(&parsed).expect("it is a lock");
        let (output, apply) = (format!("{own}#tree"), format!("tree: tree {DEPTH}"));
        let done = nix(root, &["eval", "--json", "--no-update-lock-file", &output, "--apply", &apply]);
        let ours = tree(&lock, &lock.root, DEPTH);
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(said.contains("recursion"), "{said}");
            assert_eq!(ours, Err(Unresolved::Cycle), "{text}");
            cycles += 1;
            continue;
        }
        let wanted: Value = serde_json::from_slice(&done.stdout).expect("nix prints JSON");
        assert_eq!(ours, Ok(wanted), "{text}");
        compared += 1;
        let flat: String = text.split_whitespace().collect();
        empty += usize::from(flat.contains(":[]"));
        long += usize::from(flat.split(":[").any(|list| list.split(']').next().is_some_and(|it| it.contains(','))));
    }
    assert!(
        compared > 3 && empty > 1 && long > 1 && cycles > 0,
        "{compared} locks, {empty} with an empty list, {long} with a path, {cycles} with a cycle"
    );
}
