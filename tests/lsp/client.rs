//! A small client that starts the server on a repository, sends messages and waits for the expected ones.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Long enough for a debug build on a busy machine: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with its own repository.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// While this is locked, nothing that the server writes is read.
    pub reading: Arc<Mutex<()>>,
    /// Messages that arrived while another one was awaited.
    waiting: VecDeque<Value>,
    next_id: i64,
    _folder: tempfile::TempDir,
    /// The root as the server reports it, with symbolic links resolved.
    pub root: PathBuf,
}

impl Client {
    /// Starts a server on some files, without initializing it.
    pub fn start(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        for (path, text) in files {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_flakeward"))
            .arg("lsp")
            .current_dir(&root)
            .env("SOURCE_DATE_EPOCH", "2026-11-26")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, messages) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let reading = Arc::new(Mutex::new(()));
        let may_read = Arc::clone(&reading);
        thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
                drop(may_read.lock());
            }
        });
        let input = child.stdin.take();
        Self { child, input, messages, reading, waiting: VecDeque::new(), next_id: 0, _folder: folder, root }
    }

    /// Starts a server and initializes it with the given client capabilities.
    pub fn with(files: &[(&str, &str)], capabilities: &Value) -> Self {
        let mut client = Self::start(files);
        client.initialize(capabilities);
        client
    }

    /// Initializes the server with the given client capabilities.
    pub fn initialize(&mut self, capabilities: &Value) {
        let root = self.uri("");
        let params = json!({
            "processId": null,
            "rootUri": root,
            "workspaceFolders": [{ "uri": root, "name": "test" }],
            "capabilities": capabilities,
        });
        self.request("initialize", params);
        self.notify("initialized", json!({}));
    }

    /// Starts a server for a client with the capabilities of most editors.
    pub fn usual(files: &[(&str, &str)]) -> Self {
        Self::with(files, &usual_capabilities())
    }

    pub fn uri(&self, path: &str) -> String {
        let root = self.root.to_str().unwrap();
        if path.is_empty() { format!("file://{root}") } else { format!("file://{root}/{path}") }
    }

    pub fn send(&mut self, message: &Value) {
        self.send_raw(&message.to_string());
    }

    pub fn send_raw(&mut self, body: &str) {
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.input.as_mut().unwrap().write_all(frame.as_bytes()).unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request without waiting for its response.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Returns the whole response to a request.
    pub fn response(&mut self, id: i64) -> Value {
        self.wait_for(|message| message.get("method").is_none() && message["id"] == json!(id))
    }

    /// Returns the result of a request, which must succeed.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let response = self.response(id);
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].clone()
    }

    /// Returns the error of a request, which must fail.
    pub fn error(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let response = self.response(id);
        assert!(response.get("error").is_some(), "{method} succeeded: {response}");
        response["error"].clone()
    }

    /// Returns the next matching message; others are kept for later.
    pub fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let message = message.unwrap_or_else(|_| panic!("no such message; others: {:#?}", self.waiting));
            if fits(&message) {
                return message;
            }
            self.waiting.push_back(message);
        }
    }

    /// Whether a notification or request with the given method has been received and kept for later.
    pub fn has_waiting(&self, method: &str) -> bool {
        self.waiting.iter().any(|message| message["method"] == json!(method))
    }

    /// Returns the parameters of the next notification or request with the given method.
    pub fn next(&mut self, method: &str) -> Value {
        self.wait_for(|message| message["method"] == json!(method))["params"].clone()
    }

    /// Returns the diagnostics that are published next for a file.
    pub fn published(&mut self, path: &str) -> Vec<Value> {
        let uri = self.uri(path);
        let fits = |message: &Value| {
            message["method"] == json!("textDocument/publishDiagnostics") && message["params"]["uri"] == json!(uri)
        };
        self.wait_for(fits)["params"]["diagnostics"].as_array().unwrap().clone()
    }

    pub fn open(&mut self, path: &str, text: &str) {
        let document = json!({ "uri": self.uri(path), "languageId": "nix", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Opens a file with its contents on disk.
    pub fn open_file(&mut self, path: &str) -> String {
        let text = std::fs::read_to_string(self.root.join(path)).unwrap();
        self.open(path, &text);
        text
    }

    /// Replaces the text of an open document.
    pub fn replace(&mut self, path: &str, version: i32, text: &str) {
        let document = json!({ "uri": self.uri(path), "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [{ "text": text }] }),
        );
    }

    pub fn close(&mut self, path: &str) {
        let uri = self.uri(path);
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    /// Writes a file and notifies the server, as a client that watches files does.
    pub fn write(&mut self, path: &str, text: &str) {
        let file = self.root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self.changed(path);
    }

    pub fn changed(&mut self, path: &str) {
        let uri = self.uri(path);
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": 2 }] }));
    }

    /// The parameters of a request at the position of `|` in `marked`, which is otherwise the text of the document.
    pub fn at(&self, path: &str, marked: &str) -> Value {
        let before = &marked[..marked.find('|').unwrap()];
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
        json!({ "textDocument": { "uri": self.uri(path) }, "position": { "line": line, "character": column } })
    }

    /// Ends the session as the protocol requires. Returns the exit code.
    pub fn shut_down(mut self) -> Option<i32> {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.child.wait().unwrap().code()
    }

    /// Closes the server's input without a shutdown. Returns the exit code.
    pub fn vanish(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().unwrap().code()
    }

    /// Waits for the server to exit. Returns the exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The capabilities of most editors.
pub fn usual_capabilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create"] },
            "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
        "window": { "showDocument": { "support": true } },
        "textDocument": {
            "codeAction": {
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix", "source"] } },
                "dataSupport": true,
                "isPreferredSupport": true,
            },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "publishDiagnostics": {
                "codeDescriptionSupport": true,
                "dataSupport": true,
                "relatedInformation": true,
                "tagSupport": { "valueSet": [1, 2] },
                "versionSupport": true,
            },
        },
    })
}

/// The capabilities of a client that pulls diagnostics.
pub fn pulling_capabilities() -> Value {
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["diagnostic"] = json!({});
    capabilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
    capabilities
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

/// The text of each changed file after a workspace edit. Checks that the edit follows the protocol.
pub fn applied(client: &Client, edit: &Value, texts: &[(&str, &str)]) -> Vec<(String, String)> {
    let root = client.uri("") + "/";
    let mut out = Vec::new();
    for change in edit["documentChanges"].as_array().unwrap() {
        if change["kind"] == json!("create") {
            continue;
        }
        let path = change["textDocument"]["uri"].as_str().unwrap().strip_prefix(&root).unwrap().to_owned();
        let before = texts.iter().find(|(known, _)| **known == *path).map_or("", |(_, text)| text);
        out.push((path, apply(before, change["edits"].as_array().unwrap())));
    }
    out
}

/// Applies text edits, all of which refer to the same original text.
pub fn apply(text: &str, edits: &[Value]) -> String {
    let mut spans: Vec<(usize, usize, String)> = edits
        .iter()
        .map(|edit| {
            let new = edit.get("newText").unwrap_or(&edit["snippet"]["value"]).as_str().unwrap().to_owned();
            (offset(text, &edit["range"]["start"]), offset(text, &edit["range"]["end"]), new)
        })
        .collect();
    spans.sort_by_key(|(start, end, _)| (*start, *end));
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "edits overlap: {edits:?}");
    let mut out = text.to_owned();
    for (start, end, new) in spans.into_iter().rev() {
        out.replace_range(start..end, &new);
    }
    out
}

/// The byte offset of a position whose column is in UTF-16 code units.
pub fn offset(text: &str, position: &Value) -> usize {
    let (line, column) = (position["line"].as_u64().unwrap(), position["character"].as_u64().unwrap());
    let start: usize = text.split_inclusive('\n').take(line as usize).map(str::len).sum();
    let mut left = column as usize;
    let mut at = start;
    for c in text[start..].chars() {
        if left == 0 {
            break;
        }
        left -= c.len_utf16();
        at += c.len_utf8();
    }
    at
}

/// The rule, line (from 0) and column of each diagnostic.
pub fn brief(diagnostics: &[Value]) -> Vec<(String, u64, u64)> {
    let of = |diagnostic: &Value| {
        let start = &diagnostic["range"]["start"];
        let rule = diagnostic["code"].as_str().unwrap_or_default().to_owned();
        (rule, start["line"].as_u64().unwrap(), start["character"].as_u64().unwrap())
    };
    diagnostics.iter().map(of).collect()
}

/// The findings of `flakeward check` in a folder: path, rule, line from 0, and message.
pub fn checked(root: &Path) -> Vec<(String, String, u64, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_flakeward"))
        .args(["check", "--format", "json", "."])
        .current_dir(root)
        .env("SOURCE_DATE_EPOCH", "2026-11-26")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        let line = finding["start"]["line"].as_u64().unwrap() - 1;
        (text("path"), text("rule"), line, text("message"))
    };
    report["findings"].as_array().unwrap().iter().map(of).collect()
}
