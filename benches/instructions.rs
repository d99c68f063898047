//! Counts the instructions of the hot path. The count does not depend on the load of the machine.
//!
//! `cargo bench --bench instructions` runs the command under callgrind on generated repositories, and fails if one
//! takes over 10% more instructions than recorded in `instructions.txt`. `FLAKEWARD_BLESS=1` records the new figures,
//! and `FLAKEWARD_BINARY=PATH` measures an existing release build. Libraries use different instructions on processors
//! that lack some extensions, so up to 50% more are tolerated on a processor other than the recorded one.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The recorded figures: the processor, then a repository and its number of instructions on each line.
const BUDGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// The tolerated percentages of the budget: on the processor that the budget was recorded on, and on others.
const TOLERATED: [u64; 2] = [110, 150];

/// A repository: its name, its number of files, and a generator of the files.
const REPOSITORIES: [(&str, usize, Files); 5] = [
    ("one file", 1, ports),
    ("modules without ports", 600, plain),
    ("modules with ports", 300, ports),
    ("compose files", 60, compose),
    ("Dockerfiles", 60, dockerfile),
];

/// A function that returns the path and the contents of the file with the given number.
type Files = fn(usize) -> (String, String);

fn plain(index: usize) -> (String, String) {
    let mut text =
        format!("# Module {index}.\n{{ config, lib, pkgs, ... }}:\nlet\n  cfg = config.programs.p{index};\nin\n{{\n");
    for option in 0..12 {
        let _ = writeln!(
            text,
            "  options.programs.p{index}.o{option} = lib.mkOption {{\n    type = lib.types.nullOr lib.types.str;\n    \
             default = null;\n    description = ''\n      Whether to support ${{cfg.name}} in {option} ways.\n    '';\n  }};"
        );
    }
    text.push_str(
        "  config = lib.mkIf cfg.enable { home.packages = [ cfg.package ] ++ lib.optional cfg.x pkgs.hello; };\n}\n",
    );
    (format!("programs/p{index}.nix"), text)
}

fn ports(index: usize) -> (String, String) {
    let port = 1024 + index;
    let mut text = format!(
        "{{ config, lib, pkgs, ... }}:\n{{\n  services.s{index} = {{\n    enable = true;\n    port = {port};\n  }};\n"
    );
    for host in 0..8 {
        let _ = writeln!(
            text,
            "  services.nginx.virtualHosts.\"h{host}.example.org\".locations.\"/\" = {{\n    proxyPass = \
             \"http://127.0.0.1:{port}\";\n    extraConfig = ''\n      proxy_read_timeout 60s;\n    '';\n  }};"
        );
    }
    text.push_str("  networking.firewall.allowedTCPPorts = [ 80 443 ];\n}\n");
    (format!("services/s{index}.nix"), text)
}

fn compose(index: usize) -> (String, String) {
    let mut text = "services:\n".to_owned();
    for service in 0..8 {
        let _ = writeln!(
            text,
            "  s{service}:\n    image: registry.example.org/s{service}:1.{index}\n    ports:\n      - \"{}:80\"\n    \
             environment:\n      - HOST=s{service}",
            3000 + index + service
        );
    }
    (format!("stacks/{index}/docker-compose.yml"), text)
}

fn dockerfile(index: usize) -> (String, String) {
    let mut text = "FROM debian:12 AS build\n".to_owned();
    for step in 0..12 {
        let _ = writeln!(text, "RUN apt-get update && apt-get install -y package-{step}-{index}");
    }
    text.push_str("FROM debian:12\nCOPY --from=build /out /out\nEXPOSE 8080\nCMD [\"/out/run\"]\n");
    (format!("images/{index}/Dockerfile"), text)
}

fn main() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_none(), "valgrind is not installed");
        println!("skipped: valgrind is not installed");
        return;
    }
    let measured = REPOSITORIES.map(|(name, count, files)| (name, instructions(count, files)));
    let budget = fs::read_to_string(BUDGET).unwrap_or_default();
    let processor = format!("processor {}\n", processor());
    let tolerated = if budget.contains(&processor) { TOLERATED[0] } else { TOLERATED[1] };
    let mut over = Vec::new();
    for (name, now) in measured {
        let allowed = budget.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0);
        let percent = now * 100 / allowed.max(1);
        println!("{name}: {now} instructions, {percent} % of the budget");
        if percent > tolerated {
            over.push(name);
        }
    }
    if std::env::var_os("FLAKEWARD_BLESS").is_some() {
        let lines: String = measured.iter().map(|(name, now)| format!("{name} {now}\n")).collect();
        fs::write(BUDGET, processor + &lines).expect("the figures can be written");
    } else {
        assert!(over.is_empty(), "over the budget: {}", over.join(", "));
    }
}

/// The name of the processor, or its architecture if the system does not report the name.
fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// The binary to measure: the one built by this run, or the one at `FLAKEWARD_BINARY`, which must be a release build.
fn binary() -> OsString {
    std::env::var_os("FLAKEWARD_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_flakeward").into())
}

/// The number of instructions that a check of `count` files executes.
fn instructions(count: usize, files: Files) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in (0..count).map(files) {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("a folder can be created");
        fs::write(file, text).expect("a file can be written");
    }
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary())
        .args(["check", "--isolated", "--quiet", "--jobs", "1", "--now", "2026-01-01", "."])
        .current_dir(folder.path())
        // Ignores the user's own settings and ignore files.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("callgrind reported no count: {said}"))
}
