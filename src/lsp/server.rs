//! The main loop: from `initialize` to `exit`, the dispatch of messages, and the times at which findings are published.

mod refresh;
mod repositories;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::refresh::Refreshes;
use super::capabilities::{Client, WATCHED, capabilities};
use super::documents::{Document, Documents};
use super::transport::{self, Incoming, Malformed, Outgoing, Output, Received};
use super::uri;
use super::workspace::{Root, Workspace, is_settings};
use crate::{panics, walk};

/// The delay before publishing findings to a client that has not read the previous ones yet.
const RETRY: Duration = Duration::from_millis(20);

/// Serves a client. Returns whether it sent `shutdown` before it ended the connection.
pub fn serve(incoming: &Receiver<Received>, outgoing: Output) -> bool {
    panics::install();
    let mut server = Server::new(outgoing);
    let mut queue = Queue::new(incoming);
    loop {
        if queue.is_empty() && !server.outgoing.is_congested() {
            server.publish();
        }
        match queue.next(&server) {
            Some((Incoming::Message(message), _permit)) => match server.receive(message) {
                Flow::Continue => {}
                Flow::Exit => return server.phase == Phase::ShutDown,
            },
            Some((Incoming::Malformed(message), _)) => server.malformed(message),
            Some((Incoming::Closed, _)) => return server.phase == Phase::ShutDown,
            Some((Incoming::Overdue, _)) | None => {}
        }
    }
}

/// The messages that were received but not yet processed.
struct Queue<'a> {
    incoming: &'a Receiver<Received>,
    waiting: VecDeque<Received>,
    /// The ids of the waiting requests.
    requests: HashSet<RequestId>,
    /// The ids of those requests that the client cancelled.
    cancelled: HashSet<RequestId>,
    /// Whether the client closed the connection some time ago, so that only the end of the session matters.
    is_overdue: bool,
}

impl<'a> Queue<'a> {
    fn new(incoming: &'a Receiver<Received>) -> Self {
        Self {
            incoming,
            waiting: VecDeque::new(),
            requests: HashSet::new(),
            cancelled: HashSet::new(),
            is_overdue: false,
        }
    }

    /// Receives all available messages.
    fn fill(&mut self) {
        self.incoming.try_iter().for_each(|received| self.add(received));
    }

    /// Adds a message. A cancellation is not added: it matters only to a request that is still waiting.
    fn add(&mut self, received: Received) {
        match &received.0 {
            Incoming::Message(Message::Request(request)) => {
                self.requests.insert(request.id.clone());
            }
            Incoming::Message(Message::Notification(notification)) if notification.method == "$/cancelRequest" => {
                let id = notification.params.get("id");
                let id = id.and_then(|id| serde_json::from_value(id.clone()).ok());
                self.cancelled.extend(id.filter(|id| self.requests.contains(id)));
                return;
            }
            Incoming::Overdue => {
                self.is_overdue = true;
                return;
            }
            _ => {}
        }
        self.waiting.push_back(received);
    }

    /// Removes and returns the oldest message. Cancelled requests are answered as cancelled and skipped.
    fn pop(&mut self, server: &Server) -> Option<Received> {
        loop {
            let received = self.waiting.pop_front()?;
            let is_skipped = self.is_overdue && !ends_session(&received.0);
            let Incoming::Message(Message::Request(Request { id, .. })) = &received.0 else {
                if is_skipped {
                    continue;
                }
                return Some(received);
            };
            self.requests.remove(id);
            if !self.cancelled.remove(id) && !is_skipped {
                return Some(received);
            }
            let client = if is_skipped { "closed the connection" } else { "cancelled the request" };
            let message = format!("the client {client}");
            server.send(Response::new_err(id.clone(), ErrorCode::RequestCanceled as i32, message).into());
        }
    }

    fn is_empty(&mut self) -> bool {
        self.fill();
        self.waiting.is_empty()
    }

    /// Returns the next message. Blocks if there is none. `None` if it is time to retry publishing findings that the
    /// client was too slow to read.
    fn next(&mut self, server: &Server) -> Option<Received> {
        loop {
            self.fill();
            if let Some(received) = self.pop(server) {
                return Some(received);
            }
            let received = match server.dirty && server.phase == Phase::Running {
                true => self.incoming.recv_timeout(RETRY),
                false => self.incoming.recv().map_err(RecvTimeoutError::from),
            };
            match received {
                Ok(received) => self.add(received),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some((Incoming::Closed, None)),
            }
        }
    }
}

/// Whether a message is needed to end the session as the protocol requires.
fn ends_session(message: &Incoming) -> bool {
    match message {
        Incoming::Message(Message::Request(request)) => matches!(request.method.as_str(), "initialize" | "shutdown"),
        Incoming::Message(Message::Notification(notification)) => notification.method == "exit",
        Incoming::Closed => true,
        Incoming::Message(Message::Response(_)) | Incoming::Malformed(_) | Incoming::Overdue => false,
    }
}

enum Flow {
    Continue,
    Exit,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Only `initialize` is allowed.
    New,
    Running,
    /// Only `exit` is allowed.
    ShutDown,
}

/// The server.
pub(super) struct Server {
    outgoing: Output,
    pub phase: Phase,
    pub client: Client,
    pub documents: Documents,
    /// The repositories by root.
    pub workspaces: BTreeMap<Root, Workspace>,
    /// The last published diagnostics of each document.
    pub published: BTreeMap<PathBuf, (lsp::Uri, String)>,
    /// The result ids of the diagnostics that the client pulled last for each open document.
    pub pulled: BTreeMap<PathBuf, String>,
    /// The settings problems that were shown to the client.
    pub shown_problems: BTreeMap<Root, String>,
    /// The internal errors that were shown to the client.
    pub shown_errors: BTreeSet<String>,
    /// Whether to show port numbers after references.
    pub inlay_hints: bool,
    /// Whether findings may have changed since the last publication.
    pub dirty: bool,
    /// The results that the client last received, for clients that pull.
    pub refreshes: Refreshes,
    /// The repositories outside the client's folders that the client watches.
    pub watched: BTreeSet<PathBuf>,
    /// The repositories whose settings changed in an open document. They are read again before they are used.
    pub outdated: BTreeSet<Root>,
    next_id: i32,
    /// The last request for the client's settings, until it is answered.
    asked_for_settings: Option<RequestId>,
}

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: ErrorCode,
    pub message: String,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Server {
    fn new(outgoing: Output) -> Self {
        Self {
            outgoing,
            phase: Phase::New,
            client: Client::default(),
            documents: Documents::default(),
            workspaces: BTreeMap::new(),
            published: BTreeMap::new(),
            pulled: BTreeMap::new(),
            shown_problems: BTreeMap::new(),
            shown_errors: BTreeSet::new(),
            inlay_hints: true,
            dirty: false,
            refreshes: Refreshes::default(),
            watched: BTreeSet::new(),
            outdated: BTreeSet::new(),
            next_id: 0,
            asked_for_settings: None,
        }
    }

    fn send(&self, message: Message) {
        self.outgoing.send(&Outgoing::Message(message));
    }

    pub(super) fn notify(&self, method: &str, params: impl serde::Serialize) {
        self.send(Notification::new(method.to_owned(), params).into());
    }

    /// Like [`Self::notify`], for large parameters that are already serialized.
    pub(super) fn notify_serialized(&self, method: &'static str, params: Box<RawValue>) {
        self.outgoing.send(&Outgoing::Serialized { method, params });
    }

    pub(super) fn request(&mut self, method: &str, params: impl serde::Serialize) -> RequestId {
        self.next_id += 1;
        let id = RequestId::from(self.next_id);
        self.send(Request::new(id.clone(), method.to_owned(), params).into());
        id
    }

    fn ask_for_settings(&mut self) {
        let items = json!({ "items": [{ "section": "flakeward" }] });
        self.asked_for_settings = Some(self.request("workspace/configuration", items));
    }

    /// Shows a message in the client's window. `kind` is 1 for an error, 2 for a warning, and 3 for information.
    pub(super) fn show(&self, kind: u8, message: &str) {
        self.notify("window/showMessage", json!({ "type": kind, "message": message }));
    }

    fn malformed(&self, message: Malformed) {
        self.outgoing.send(&Outgoing::Invalid(message));
    }

    fn receive(&mut self, message: Message) -> Flow {
        match message {
            Message::Request(request) => self.answer(request),
            Message::Notification(notification) => {
                if notification.method == "exit" {
                    return Flow::Exit;
                }
                if self.phase == Phase::Running {
                    self.guarded("a notification", |server| server.notified(&notification));
                }
            }
            // Of the client's responses, only the one with its settings matters.
            Message::Response(response) => {
                if self.asked_for_settings.take_if(|id| *id == response.id).is_some()
                    && let Ok(settings) = &response.response_result
                {
                    self.configure(settings.get(0));
                }
            }
        }
        Flow::Continue
    }

    /// Runs a function that may panic. A panic is a bug in flakeward: the client gets a message, the server continues,
    /// and the result is `None`.
    pub(super) fn guarded<T>(&mut self, what: &str, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| run(self))) {
            Ok(value) => Some(value),
            Err(_) => {
                let position = panics::take().map(|position| format!(" ({position})")).unwrap_or_default();
                let advice = "this is a bug in flakeward, please report it";
                self.show(1, &format!("flakeward: internal error in {what}{position}; {advice}"));
                None
            }
        }
    }

    fn answer(&mut self, request: Request) {
        let id = request.id.clone();
        let internal = || Err(Refusal::new(ErrorCode::InternalError, "internal error"));
        let method = request.method.clone();
        let result = match (self.phase, request.method.as_str()) {
            (Phase::New, "initialize") => {
                self.guarded(&method, |server| server.initialize(request.params)).unwrap_or_else(internal)
            }
            (Phase::New, _) => Err(Refusal::new(ErrorCode::ServerNotInitialized, "expected `initialize` first")),
            (Phase::ShutDown, _) => Err(Refusal::new(ErrorCode::InvalidRequest, "the server has been shut down")),
            (Phase::Running, "initialize") => Err(Refusal::new(ErrorCode::InvalidRequest, "already initialized")),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            (Phase::Running, _) => {
                let answer = |server: &mut Self| {
                    server.reload_outdated();
                    server.refreshes.answered();
                    server.result(request)
                };
                self.guarded(&method, answer).unwrap_or_else(internal)
            }
        };
        let response = match result {
            Ok(value) => Response::new_ok(id, value),
            Err(refusal) => Response::new_err(id, refusal.code as i32, refusal.message),
        };
        self.send(response.into());
    }

    fn initialize(&mut self, params: Value) -> Result<Value, Refusal> {
        // Deprecated fields of the protocol for a single folder.
        let of_path = || Some(uri::from_path(Path::new(params.get("rootPath")?.as_str()?)));
        let root = params.get("rootUri").and_then(Value::as_str).map(lsp::Uri::from).or_else(of_path);
        let params: lsp::InitializeParams = parse(params)?;
        self.client = Client::of(&params.capabilities);
        self.configure(params.initialization_options.as_ref());
        self.documents.folders = repositories::folders(&params, root);
        if let Some(id) = params.process_id.filter(|id| *id > 0) {
            transport::end_with(id);
        }
        self.phase = Phase::Running;
        self.dirty = true;
        let result = lsp::InitializeResult {
            capabilities: capabilities(self.client.encoding),
            server_info: Some(lsp::ServerInfo {
                name: "flakeward".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        };
        serde_json::to_value(result).map_err(|error| Refusal::new(ErrorCode::InternalError, error.to_string()))
    }

    /// Reads the client's settings: `{ "inlayHints": false }`, at the top level or under `flakeward`.
    fn configure(&mut self, settings: Option<&Value>) {
        let own = settings.map(|settings| settings.get("flakeward").unwrap_or(settings));
        if let Some(hints) = own.and_then(|own| own.get("inlayHints")).and_then(Value::as_bool)
            && hints != self.inlay_hints
        {
            self.inlay_hints = hints;
            if self.phase == Phase::Running && self.client.refreshes_hints {
                self.request("workspace/inlayHint/refresh", Value::Null);
            }
        }
    }

    fn notified(&mut self, notification: &Notification) {
        let params = || notification.params.clone();
        let outcome = match notification.method.as_str() {
            "initialized" => {
                self.initialized();
                Ok(())
            }
            "textDocument/didOpen" => parse(params()).map(|params| self.did_open(params)),
            "textDocument/didChange" => parse(params()).map(|params| self.did_change(params)),
            "textDocument/didClose" => parse(params()).map(|params| self.did_close(&params)),
            "textDocument/didSave" => parse(params()).map(|params| self.did_save(&params)),
            "workspace/didChangeWatchedFiles" => parse(params()).map(|params| self.did_change_files(&params)),
            "workspace/didChangeWorkspaceFolders" => parse(params()).map(|params| self.did_change_folders(&params)),
            "workspace/didChangeConfiguration" => {
                let settings = notification.params.get("settings").filter(|settings| !settings.is_null());
                // Newer clients do not send their settings but wait for a request.
                match settings {
                    None if self.client.has_configuration => self.ask_for_settings(),
                    settings => self.configure(settings),
                }
                Ok(())
            }
            // Notifications for other features are ignored, as the protocol requires.
            _ => Ok(()),
        };
        if let Err(refusal) = outcome {
            let message = format!("invalid parameters for {}: {}", notification.method, refusal.message);
            self.notify("window/logMessage", json!({ "type": 1, "message": message }));
        }
    }

    fn initialized(&mut self) {
        if self.client.watches_files {
            self.register_watcher("flakeward-files", &json!(WATCHED));
        }
        if self.client.has_configuration {
            self.ask_for_settings();
        }
        self.open_folders();
    }

    /// Asks the client to watch the files that match a pattern.
    pub(super) fn register_watcher(&mut self, id: &str, pattern: &Value) {
        let registration = json!({
            "id": id,
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{ "globPattern": pattern }] },
        });
        self.request("client/registerCapability", json!({ "registrations": [registration] }));
    }

    fn did_open(&mut self, params: lsp::DidOpenTextDocumentParams) {
        let lsp::TextDocumentItem { uri, version, text, .. } = params.text_document;
        let Some(path) = real_path(&uri) else { return };
        self.refreshes.touch(&path);
        self.documents.open(path, Document { uri: uri.clone(), version, text });
        if let Some((root, _, relative)) = self.locate(&uri)
            && self.workspaces.get(&root).is_some_and(|workspace| workspace.is_new(&relative))
        {
            // Only another walk can determine whether the file is new or excluded.
            self.load(&root);
        } else {
            self.sync(&uri);
        }
    }

    fn did_change(&mut self, params: lsp::DidChangeTextDocumentParams) {
        let identifier = params.text_document;
        let uri = identifier.text_document_identifier.uri;
        let encoding = self.client.encoding;
        let Some(path) = real_path(&uri) else { return };
        let Some(document) = self.documents.get_mut(&path) else { return };
        document.apply(params.content_changes, identifier.version, encoding);
        self.refreshes.touch(&path);
        self.sync(&uri);
    }

    /// Passes the text of an open document to its repository.
    fn sync(&mut self, uri: &lsp::Uri) {
        let Some((root, path, relative)) = self.locate(uri) else { return };
        let Some(workspace) = self.workspaces.get_mut(&root) else { return };
        match self.documents.get(&path) {
            Some(document) => workspace.set_buffer(&relative, &document.text),
            None => workspace.close_buffer(&relative),
        }
        if is_settings(&relative) {
            self.outdated.insert(root);
        }
        self.dirty = true;
    }

    fn did_close(&mut self, params: &lsp::DidCloseTextDocumentParams) {
        let uri = &params.text_document.uri;
        let Some(path) = real_path(uri) else { return };
        if let Some(document) = self.documents.close(&path) {
            if !self.client.diagnostics.pull {
                self.publish_nothing(&document.uri);
            }
            self.published.remove(&path);
            self.pulled.remove(&path);
            self.refreshes.touch(&path);
            self.sync(&document.uri);
            self.close_unused();
        }
    }

    /// Handles a saved document. Settings are read from disk. A client reports only saves for a repository that it does
    /// not watch, so any file may have changed since the last save.
    fn did_save(&mut self, params: &lsp::DidSaveTextDocumentParams) {
        let Some(path) = real_path(&params.text_document.uri) else { return };
        let root = self.root_of(&path);
        match self.is_watched(&root) || !self.workspaces.contains_key(&root) {
            true => self.files_changed([path]),
            false => self.load(&root),
        }
    }
}

/// Parses parameters.
pub(super) fn parse<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal::new(ErrorCode::InvalidParams, error.to_string()))
}

/// The path of a `file:` URI without symbolic links, as the walk reports it. The file itself need not exist. `None` for
/// other URIs.
pub(super) fn real_path(uri: &lsp::Uri) -> Option<PathBuf> {
    uri::to_path(uri).map(|path| walk::resolve_new(&path))
}
