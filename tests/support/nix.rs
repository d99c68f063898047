//! Runs Nix, if it is installed.

use std::process::Command;

/// Whether Nix is installed. With `FLAKEWARD_REQUIRE_TOOLS=1` it must be.
pub fn present() -> bool {
    let found = Command::new("nix-instantiate").arg("--version").output().is_ok_and(|output| output.status.success());
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(found || !required, "nix-instantiate is required and not installed");
    found
}

/// Calls a function with its defaults, and converts functions in values to strings, because JSON cannot represent them.
const WRAPPER: &str = "let call = f: if builtins.isFunction f then call (f { }) else plain f;
    plain = v: if builtins.isAttrs v then builtins.mapAttrs (_: plain) v
      else if builtins.isFunction v then \"function\" else v;
in";

/// The fully evaluated value of each expression; `None` for an expression that Nix rejects.
pub fn evaluate(texts: &[String]) -> Vec<Option<serde_json::Value>> {
    let folder = tempfile::tempdir().unwrap();
    for (index, text) in texts.iter().enumerate() {
        let file = |name: String, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        file(format!("{index}.nix"), text);
        file(format!("call-{index}.nix"), &format!("{WRAPPER} call (import ./{index}.nix)"));
    }
    // Nix accepts many files at once and stops at the first that fails, so the loop continues after it.
    let mut answers = Vec::new();
    while answers.len() < texts.len() {
        answers.extend(run(folder.path(), answers.len()..texts.len()).into_iter().map(Some));
        if answers.len() < texts.len() {
            answers.push(None);
        }
    }
    answers
}

fn run(folder: &std::path::Path, batch: std::ops::Range<usize>) -> Vec<serde_json::Value> {
    let output = Command::new("nix-instantiate")
        .args(["--eval", "--strict", "--json"])
        .args(batch.map(|index| format!("./call-{index}.nix")))
        .current_dir(folder)
        .env("NIX_PATH", "")
        .output()
        .unwrap();
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map_while(Result::ok).collect()
}
