//! Real editors: Neovim drives the server over a small repository. Skipped without Neovim, unless
//! `FLAKEWARD_REQUIRE_TOOLS` is set.

use std::process::Command;

const REGISTRY: &str = "{\n  databases.redis = 6379;\n}\n";
const USER: &str = "{\n  services.redis.port = 6379;\n}\n";

#[test]
fn neovim_shows_fixes_and_renames() {
    if Command::new("nvim").arg("--version").output().is_err() {
        assert!(std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_none(), "nvim is missing");
        eprintln!("skipped: there is no nvim");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join(".git")).unwrap();
    std::fs::create_dir(root.join("lib")).unwrap();
    std::fs::write(root.join("lib/ports.nix"), REGISTRY).unwrap();
    std::fs::write(root.join("redis.nix"), USER).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lsp/neovim.lua");
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-S", script])
        .env("FLAKEWARD_BINARY", env!("CARGO_BIN_EXE_flakeward"))
        .env("FLAKEWARD_ROOT", &root)
        .env("XDG_STATE_HOME", root.join("state"))
        .env("XDG_CACHE_HOME", root.join("cache"))
        .current_dir(&root)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
    let fixed = "let|  ports = import ./lib/ports.nix;|in|{|  services.redis.port = ports.databases.redis;|}";
    let expected = [
        "diagnostic hardcoded-port 1:24".to_owned(),
        format!("fixed {fixed}"),
        format!("renamed {}", fixed.replace("databases.redis", "databases.cache")),
        "registry {|  databases.cache = 6379;|}".to_owned(),
        "done".to_owned(),
    ];
    for line in &expected {
        assert!(lines.contains(&line.as_str()), "{line}\n{told}\n{errors}");
    }
}
