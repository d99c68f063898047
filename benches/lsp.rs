//! Measures the language server: the time from a keystroke to its published diagnostics, and memory.
//!
//! `cargo bench --bench lsp` measures a generated repository; `FLAKEWARD_BENCH=PATH` measures the one at PATH and does
//! not change it, because all edits are made to open documents. `FLAKEWARD_BENCH_EDITS` is the number of random edits
//! at the end, and `FLAKEWARD_BINARY=PATH` measures an existing release build. The exit code is 1 if a median or the
//! memory exceeds its limit.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The largest permitted median time from a keystroke to its diagnostics.
const LIMIT: Duration = Duration::from_millis(20);

/// The largest permitted memory use, in KiB.
const MEMORY: u64 = 200 << 10;

/// The number of measured keystrokes for each document, after the warm-up.
const KEYSTROKES: usize = 200;
const WARM_UP: usize = 20;

/// The number of documents that are open during the random edits.
const OPEN: usize = 40;

/// The number of files in the generated repository.
const FILES: usize = 4_000;

fn main() -> ExitCode {
    let made = tempfile::tempdir().expect("a temporary folder");
    let root = std::env::var("FLAKEWARD_BENCH").map_or_else(|_| repository(made.path()), PathBuf::from);
    let root = root.canonicalize().expect("the repository exists");
    let files = nix_files(&root);
    let mut server = Server::start(&root);
    println!("{}: {} Nix files; memory after initialization: {} KiB", root.display(), files.len(), server.memory());

    let leaf = leaf(&files);
    let registry = files.iter().find(|file| file.ends_with("ports.nix")).cloned();
    // If there is no registry, an unsaved document takes its place.
    let registry = registry.unwrap_or_else(|| root.join("lib/ports.nix"));
    let mut medians = vec![server.keystrokes("leaf file", &leaf), server.keystrokes("registry", &registry)];
    if root.join("flake.lock").is_file() {
        medians.push(server.keystrokes("flake.lock", &root.join("flake.lock")));
    }
    let edits = std::env::var("FLAKEWARD_BENCH_EDITS").ok().and_then(|edits| edits.parse().ok()).unwrap_or(2_000);
    let memory = server.random_edits(&files, edits);
    let is_good = medians.iter().all(|median| *median <= LIMIT) && memory <= MEMORY;
    server.stop();
    ExitCode::from(u8::from(!is_good))
}

/// Writes a repository with a registry, modules that use it, and a lock file.
fn repository(folder: &Path) -> PathBuf {
    let write = |path: String, text: String| {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("the path has a parent")).expect("a folder");
        fs::write(file, text).expect("a file");
    };
    let entries: String = (0..500).map(|index| format!("  web.app{index} = {};\n", 20_000 + index)).collect();
    write("lib/ports.nix".to_owned(), format!("{{\n{entries}}}\n"));
    write(
        "flake.nix".to_owned(),
        "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  outputs = _: { };\n}\n".to_owned(),
    );
    write("flake.lock".to_owned(), lock());
    fs::create_dir(folder.join(".git")).expect("a folder");
    for index in 0..FILES {
        let port = match index % 4 {
            0 => format!("ports.web.app{}", index % 500),
            1 => (20_000 + index % 500).to_string(),
            _ => "cfg.port".to_owned(),
        };
        write(format!("modules/m{}/m{index}.nix", index % 50), MODULE.replace("PORT", &port));
    }
    folder.to_owned()
}

const MODULE: &str = "{ config, lib, pkgs, ... }:
let
  cfg = config.services.web;
  ports = import ../../lib/ports.nix;
in
{
  options.services.web.enable = lib.mkEnableOption \"it\";
  config = lib.mkIf cfg.enable {
    services.web.port = PORT;
    systemd.services.web.serviceConfig.ExecStart = \"${pkgs.web}/bin/web --verbose\";
  };
}
";

fn lock() -> String {
    let nodes = (0..40).map(|index| {
        let repository = json!({ "type": "github", "owner": "acme", "repo": format!("repo{index}") });
        let mut locked = repository.clone();
        locked["rev"] = json!(format!("{index:040x}"));
        (format!("repo{index}"), json!({ "locked": locked, "original": repository }))
    });
    let mut nodes: serde_json::Map<String, Value> = nodes.collect();
    nodes.insert("root".to_owned(), json!({ "inputs": {} }));
    serde_json::to_string_pretty(&json!({ "nodes": nodes, "root": "root", "version": 7 })).expect("JSON")
}

/// The Nix files in a folder and its subfolders, sorted.
fn nix_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != ".git" => folders.push(path),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|end| end == "nix") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The file of median size among those with a port, so that a keystroke in it causes a check.
fn leaf(files: &[PathBuf]) -> PathBuf {
    let text = |file: &PathBuf| fs::read_to_string(file).unwrap_or_default();
    let mut with_port: Vec<&PathBuf> =
        files.iter().filter(|file| !file.ends_with("ports.nix") && text(file).contains("port = ")).collect();
    with_port.sort_by_key(|file| text(file).len());
    with_port.get(with_port.len() / 2).copied().or_else(|| files.first()).expect("a Nix file").clone()
}

struct Server {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    version: i32,
}

impl Server {
    fn start(root: &Path) -> Self {
        let binary = std::env::var_os("FLAKEWARD_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_flakeward").into());
        let mut child = Command::new(binary)
            .arg("lsp")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let (send, messages) = channel();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take().expect("a pipe");
        let mut server = Self { child, input, messages, version: 0 };
        let capabilities = json!({ "general": { "positionEncodings": ["utf-8"] } });
        let params = json!({ "processId": null, "rootUri": uri(root), "capabilities": capabilities });
        server.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        server.wait(|message| message["id"] == json!(1));
        server.notify("initialized", json!({}));
        server
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("the server reads");
        self.input.flush().expect("the server reads");
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn wait(&mut self, fits: impl Fn(&Value) -> bool) {
        loop {
            let message = self.messages.recv_timeout(Duration::from_secs(120)).expect("an answer");
            if fits(&message) {
                return;
            }
        }
    }

    /// Waits for the diagnostics of the current version of a document.
    fn published(&mut self, uri: &str) {
        let version = json!(self.version);
        self.wait(|message| message["params"]["uri"] == json!(uri) && message["params"]["version"] == version);
    }

    fn open(&mut self, file: &Path) -> String {
        let text = fs::read_to_string(file).unwrap_or_else(|_| "{\n  web.app = 8080;\n}\n".to_owned());
        self.version += 1;
        let document = json!({ "uri": uri(file), "languageId": "nix", "version": self.version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
        self.published(&uri(file));
        text
    }

    /// Types a character at the start of a line, or removes it. Returns the time until its diagnostics are published.
    fn type_at(&mut self, uri: &str, line: usize, is_new: bool) -> Duration {
        self.version += 1;
        let at = |character: u32| json!({ "line": line, "character": character });
        let (end, text) = if is_new { (0, " ") } else { (1, "") };
        let change = json!({ "range": { "start": at(0), "end": at(end) }, "text": text });
        let document = json!({ "uri": uri, "version": self.version });
        let start = Instant::now();
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        self.published(uri);
        start.elapsed()
    }

    /// Measures keystrokes throughout a document. Returns their median.
    fn keystrokes(&mut self, name: &str, file: &Path) -> Duration {
        let lines = self.open(file).lines().count().max(1);
        let uri = uri(file);
        let mut times: Vec<Duration> =
            (0..WARM_UP + KEYSTROKES).map(|index| self.type_at(&uri, index / 2 * 7 % lines, index % 2 == 0)).collect();
        let mut times = times.split_off(WARM_UP);
        times.sort();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let (median, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!(
            "{name:<10} median {:5.1} ms, 95 % {:5.1} ms, longest {:5.1} ms, memory {} KiB  ({})",
            milliseconds(median),
            milliseconds(most),
            milliseconds(times[times.len() - 1]),
            self.memory(),
            file.display()
        );
        median
    }

    /// Makes random edits in documents. Returns the memory at the end, in KiB.
    fn random_edits(&mut self, files: &[PathBuf], edits: usize) -> u64 {
        let chosen: Vec<&PathBuf> = files.iter().step_by((files.len() / OPEN).max(1)).collect();
        let lines: Vec<usize> = chosen.iter().map(|file| self.open(file).lines().count().max(1)).collect();
        let mut random = 20_261_126_usize;
        let mut next = |limit: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % limit
        };
        print!("random edits, memory in KiB: {}", self.memory());
        for edit in 0..edits {
            let file = next(chosen.len());
            let (uri, line) = (uri(chosen[file]), next(lines[file]));
            // Every edit is undone, so the documents stay the same size and only the server can grow.
            self.type_at(&uri, line, true);
            self.type_at(&uri, line, false);
            if (edit + 1) % (edits / 10).max(1) == 0 {
                print!(" {}", self.memory());
                let _ = std::io::stdout().flush();
            }
        }
        println!();
        self.memory()
    }

    /// The resident memory in KiB; 0 if the system does not report it.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    fn stop(mut self) {
        self.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown", "params": null }));
        self.notify("exit", Value::Null);
        let _ = self.child.wait();
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
