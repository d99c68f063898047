//! Real clients drive the server on a small repository: Neovim and Emacs, as docs/editors.md configures them, the
//! client libraries of Visual Studio Code, and pytest-lsp. Each is skipped if it is missing, unless
//! `FLAKEWARD_REQUIRE_TOOLS` is set.

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

    /// Runs a client. Its environment variables name the server and the files.
    fn run(&self, client: &mut Command) -> Output {
        client.env("FLAKEWARD_BINARY", env!("CARGO_BIN_EXE_flakeward")).env("FLAKEWARD_ROOT", &self.root);
        client.current_dir(&self.root).output().unwrap()
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lsp").join(name)
}

/// Whether a client is installed. It must be if the tools are required.
fn is_installed(name: &str, probe: &mut Command) -> bool {
    let is_installed = probe.output().is_ok_and(|output| output.status.success());
    assert!(is_installed || std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_none(), "{name} is not installed");
    if !is_installed {
        eprintln!("skipped: {name} is not installed");
    }
    is_installed
}

/// Checks that a client printed all expected lines.
fn assert_printed(output: &Output, expected: &[&str]) {
    let told = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    for line in expected {
        assert!(lines.contains(line), "{line}\n{told}\n{errors}");
    }
}

#[test]
fn neovim_shows_a_diagnostic_applies_its_fix_and_renames() {
    if !is_installed("nvim", Command::new("nvim").arg("--version")) {
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
    assert_printed(&output, &expected);
}

/// The code blocks of a language in docs/editors.md.
fn documented(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/editors.md")).unwrap();
    let start = format!("```{language}\n");
    page.split(&start).skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// A value for PATH that begins with `folder`. Creates a link to the server in this folder, with the name `flakeward`.
fn path_with_flakeward(folder: &Path) -> std::ffi::OsString {
    std::fs::create_dir_all(folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_flakeward"), folder.join("flakeward")).unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&others))).unwrap()
}

/// Whether Neovim has `vim.lsp.enable`, which was added in 0.11.
fn neovim_is_current() -> bool {
    let probe = ["--headless", "--clean", "+lua os.exit(vim.lsp.enable and 0 or 1)"];
    is_installed("nvim 0.11", Command::new("nvim").args(probe))
}

/// Runs Neovim with a user configuration that consists of some files.
fn configured_neovim(files: &[(&str, &str)]) {
    let repository = Repository::new();
    let home = tempfile::tempdir().unwrap();
    let path = path_with_flakeward(&home.path().join("bin"));
    for (name, text) in files {
        let file = home.path().join("nvim").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let mut neovim = Command::new("nvim");
    neovim.args(["--headless", "-n", "-S"]).arg(script("neovim_configured.lua")).env("PATH", path);
    for variable in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        neovim.env(variable, home.path());
    }
    assert_printed(&repository.run(&mut neovim), &edited(&["diagnostic hardcoded-port 1:24", "done"]));
}

/// The lines that an editor must print: the results of the fix and the rename, and `others`.
fn edited<'a>(others: &[&'a str]) -> Vec<&'a str> {
    let edits = [
        "fixed let|  ports = import ./lib/ports.nix;|in|{|  services.redis.port = ports.databases.redis;|}",
        "renamed let|  ports = import ./lib/ports.nix;|in|{|  services.redis.port = ports.databases.cache;|}",
        "registry {|  databases.cache = 6379;|}",
    ];
    edits.into_iter().chain(others.iter().copied()).collect()
}

#[test]
fn the_documented_neovim_configurations_work() {
    if !neovim_is_current() {
        return;
    }
    let blocks = documented("lua");
    let [server, init, older] = blocks.as_slice() else { panic!("{blocks:?}") };
    configured_neovim(&[("lsp/flakeward.lua", server), ("init.lua", init)]);
    configured_neovim(&[("init.lua", older)]);
}

#[test]
fn the_documented_emacs_configuration_works() {
    let probe = ["--batch", "--no-init-file", "--funcall", "package-initialize", "--load", "eglot"];
    if !is_installed("emacs with eglot", Command::new("emacs").args(probe)) {
        return;
    }
    let repository = Repository::new();
    let home = tempfile::tempdir().unwrap();
    let configuration = home.path().join("configuration.el");
    std::fs::write(&configuration, &documented("elisp")[0]).unwrap();
    let mut emacs = Command::new("emacs");
    emacs.args(["--batch", "--no-init-file", "--load"]).arg(script("emacs.el"));
    emacs.env("PATH", path_with_flakeward(&home.path().join("bin")));
    emacs.env("HOME", home.path()).env("FLAKEWARD_CONFIGURATION", configuration);
    let others = [
        "server flakeward",
        "diagnostic 2:24 flakeward [hardcoded-port]: port 6379 is hardcoded; the registry defines it as databases.redis: \
         write ports.databases.redis",
        "action Write `ports.databases.redis` and import lib/ports.nix",
        "done",
    ];
    assert_printed(&repository.run(&mut emacs), &edited(&others));
}

/// The folder with the npm packages next to a command on PATH.
fn node_modules() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut modules = std::env::split_paths(&folders).filter_map(|folder| folder.parent().map(Path::to_owned));
    modules.find(|modules| modules.join("vscode-languageserver-protocol").is_dir())
}

#[test]
fn the_client_libraries_of_vscode_work_with_the_server() {
    let modules = node_modules();
    let name = "node with vscode-languageserver-protocol";
    if !is_installed(name, Command::new(if modules.is_some() { "node" } else { "false" }).arg("--version")) {
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
    assert_printed(&repository.run(&mut client), &expected.each_ref().map(String::as_str));
}

#[test]
fn every_message_conforms_to_the_official_protocol_types() {
    if !is_installed("pytest-lsp", Command::new("python3").args(["-c", "import pytest_lsp"])) {
        return;
    }
    let repository = Repository::new();
    let mut client = Command::new("python3");
    client.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=strict"]);
    let output = repository.run(client.arg(script("clients/test_pytest_lsp.py")).env("PYTHONDONTWRITEBYTECODE", "1"));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("6 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
