//! Real clients drive the server over a small repository: Neovim, the client libraries of Visual Studio Code, and
//! pytest-lsp. Each is skipped if it is missing, unless `FLAKEWARD_REQUIRE_TOOLS` is set.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const REGISTRY: &str = "{\n  databases.redis = 6379;\n}\n";
const USER: &str = "{\n  services.redis.port = 6379;\n}\n";

/// A repository for one client.
struct Repository {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        std::fs::create_dir(root.join("lib")).unwrap();
        std::fs::write(root.join("lib/ports.nix"), REGISTRY).unwrap();
        std::fs::write(root.join("redis.nix"), USER).unwrap();
        Self { _folder: folder, root }
    }

    /// Runs a client, which learns from its environment what to start and where.
    fn run(&self, client: &mut Command) -> Output {
        client.env("FLAKEWARD_BINARY", env!("CARGO_BIN_EXE_flakeward")).env("FLAKEWARD_ROOT", &self.root);
        client.current_dir(&self.root).output().unwrap()
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lsp").join(name)
}

/// Whether a client can be run. It must be if the tools are required.
fn is_there(name: &str, probe: &mut Command) -> bool {
    let is_there = probe.output().is_ok_and(|output| output.status.success());
    assert!(is_there || std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_none(), "{name} is missing");
    if !is_there {
        eprintln!("skipped: there is no {name}");
    }
    is_there
}

/// The lines that a client printed. It must have printed some.
fn printed(output: &Output, expected: &[&str]) {
    let told = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    for line in expected {
        assert!(lines.contains(line), "{line}\n{told}\n{errors}");
    }
}

#[test]
fn neovim_shows_fixes_and_renames() {
    if !is_there("nvim", Command::new("nvim").arg("--version")) {
        return;
    }
    let repository = Repository::new();
    let output = repository.run(
        Command::new("nvim")
            .args(["--headless", "--clean", "-n", "-S"])
            .arg(script("neovim.lua"))
            .env("XDG_STATE_HOME", repository.root.join("state"))
            .env("XDG_CACHE_HOME", repository.root.join("cache")),
    );
    let fixed = "let|  ports = import ./lib/ports.nix;|in|{|  services.redis.port = ports.databases.redis;|}";
    let renamed = fixed.replace("databases.redis", "databases.cache");
    let expected = [
        "diagnostic hardcoded-port 1:24",
        &format!("fixed {fixed}"),
        &format!("renamed {renamed}"),
        "registry {|  databases.cache = 6379;|}",
        "done",
    ];
    printed(&output, &expected);
}

/// The folder with the packages of npm that are beside a command on PATH.
fn node_modules() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut modules = std::env::split_paths(&folders).filter_map(|folder| folder.parent().map(Path::to_owned));
    modules.find(|modules| modules.join("vscode-languageserver-protocol").is_dir())
}

#[test]
fn the_libraries_of_vscode_understand_the_server() {
    let modules = node_modules();
    let name = "node with vscode-languageserver-protocol";
    if !is_there(name, Command::new(if modules.is_some() { "node" } else { "false" }).arg("--version")) {
        return;
    }
    let repository = Repository::new();
    let mut client = Command::new("node");
    client.arg(script("clients/jsonrpc.cjs")).env("NODE_PATH", modules.unwrap());
    let expected = [
        "encoding utf-16",
        "diagnostic hardcoded-port 1:24",
        "hover `databases.redis = 6379`: port registry entry, defined in [lib/ports.nix:2](URI/lib/ports.nix#L2)",
        "definition ports.nix:1",
        "action Write `ports.databases.redis` and import lib/ports.nix",
        "action Accept hardcoded-port here with a reason",
        "rename 1 document",
        "completion databases",
        "report full",
        "exit 0",
        "done",
    ];
    let root = format!("file://{}", repository.root.display());
    let expected = expected.map(|line| line.replace("URI", &root));
    printed(&repository.run(&mut client), &expected.each_ref().map(String::as_str));
}

#[test]
fn the_official_types_of_the_protocol_fit_every_message() {
    if !is_there("pytest-lsp", Command::new("python3").args(["-c", "import pytest_lsp"])) {
        return;
    }
    let repository = Repository::new();
    let mut client = Command::new("python3");
    client.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=strict"]);
    let output = repository.run(client.arg(script("clients/test_pytest_lsp.py")).env("PYTHONDONTWRITEBYTECODE", "1"));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("6 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
