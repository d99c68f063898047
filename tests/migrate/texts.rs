//! Checks the scripts, commands and configuration files in written modules with the programs that read them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::evaluate::names;
use crate::tools::{PROJECT, have};

/// The scripts, commands and configuration files of a module: kind and text. `None` if Nix is not installed.
pub fn texts(module: &Path) -> Option<Vec<(String, String)>> {
    if !have(&["nix-instantiate"]) {
        return None;
    }
    let text = std::fs::read_to_string(module).unwrap();
    let packages: Vec<String> = names(&text).iter().map(|name| format!("\"{name}\"")).collect();
    let (module, packages) = (module.display(), packages.join(" "));
    let expression =
        format!("import {PROJECT}/tests/migrate/scripts.nix {{ module = {module}; packages = [ {packages} ]; }}");
    let mut command = Command::new("nix-instantiate");
    command.args(["--eval", "--strict", "--json", "--expr", &expression]).env_remove("NIX_PATH");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let string = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    Some(found.iter().map(|item| (string(item, "kind"), string(item, "text"))).collect())
}

/// Checks that the shell can parse every script and command of a module.
pub fn check_shell(module: &Path) {
    for (kind, text) in texts(module).unwrap_or_default() {
        if kind != "script" && kind != "command" {
            continue;
        }
        let mut shell = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
}
