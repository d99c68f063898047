//! Publishes diagnostics, and answers clients that pull them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::capabilities::Client;
use super::diagnostics::{self, Diagnostics};
use super::documents::Documents;
use super::requests::Answer;
use super::server::{Phase, Server, real_path};
use super::workspace::{Root, Workspace};
use crate::finding::RelPath;

/// The notification with the diagnostics of a document.
const PUBLISH: &str = "textDocument/publishDiagnostics";

impl Server {
    /// Publishes the diagnostics that changed, and refreshes those of clients that pull them.
    pub(super) fn publish(&mut self) {
        if self.phase != Phase::Running || !std::mem::take(&mut self.dirty) {
            return;
        }
        self.guarded("a check", |server| {
            server.reload_outdated();
            server.show_problems();
            server.show_internal_errors();
            if !server.client.diagnostics.pull {
                server.publish_all();
            }
            server.refresh();
        });
    }

    fn publish_all(&mut self) {
        let mut lists = Vec::new();
        for (path, document) in self.documents.iter() {
            let root = self.root_of(path);
            let Some(workspace) = self.workspaces.get_mut(&root) else { continue };
            let Some(relative) = workspace.relative(path) else { continue };
            let list = diagnostics_of(workspace, &self.documents, &relative, &self.client);
            lists.push((path.to_owned(), document.uri.clone(), document.version, list));
        }
        for (path, uri, version, list) in lists {
            let Ok(list) = to_raw_value(&list) else { continue };
            let id = format!("{version} {}", diagnostics::text_id(list.get()));
            let published = self.published.insert(path, (uri.clone(), id.clone()));
            if published.is_none_or(|(_, before)| before != id) {
                self.publish_list(&uri, version, &list);
            }
        }
    }

    /// Publishes an empty list for a document.
    pub(super) fn publish_nothing(&self, uri: &lsp::Uri) {
        let params = lsp::PublishDiagnosticsParams { uri: uri.clone(), version: None, diagnostics: Vec::new() };
        self.notify(PUBLISH, params);
    }

    /// Publishes serialized diagnostics. They are serialized only once, because a registry can have hundreds of them.
    fn publish_list(&self, uri: &lsp::Uri, version: i32, diagnostics: &RawValue) {
        #[derive(Serialize)]
        struct Params<'a> {
            uri: &'a lsp::Uri,
            version: i32,
            diagnostics: &'a RawValue,
        }
        if let Ok(params) = to_raw_value(&Params { uri, version, diagnostics }) {
            self.notify_serialized(PUBLISH, params);
        }
    }

    /// Shows each problem with the settings once, as a message. In an open document, the diagnostic is sufficient, and
    /// messages at each keystroke would be in the way.
    pub(super) fn show_problems(&mut self) {
        let mut messages = Vec::new();
        for (root, workspace) in &self.workspaces {
            let Some(problem) = &workspace.problem else { continue };
            let place = problem.at.as_ref().map(|(_, error)| error.place()).unwrap_or_default();
            let is_open = problem.at.as_ref().is_some_and(|(file, _)| self.documents.get(file).is_some());
            if !is_open && self.shown_problems.get(root) != Some(&problem.message) {
                messages.push((root.clone(), problem.message.clone(), place));
            }
        }
        let solved: Vec<Root> = self.shown_problems.keys().filter(|root| self.is_solved(root)).cloned().collect();
        solved.iter().for_each(|root| drop(self.shown_problems.remove(root)));
        for (root, message, place) in messages {
            self.show(1, &format!("flakeward: {place}{message}"));
            self.shown_problems.insert(root, message);
        }
    }

    /// Shows each internal error of a check once, because the findings of that check are missing.
    fn show_internal_errors(&mut self) {
        let states = self.workspaces.values_mut().map(Workspace::state);
        let errors: Vec<String> = states.flat_map(|state| diagnostics::internal_errors(&state.report)).collect();
        for error in errors {
            if self.shown_errors.insert(error.clone()) {
                self.show(1, &format!("flakeward: {error}"));
            }
        }
    }

    fn is_solved(&self, root: &Root) -> bool {
        self.workspaces.get(root).is_none_or(|workspace| workspace.problem.is_none())
    }

    pub(super) fn document_diagnostics(&mut self, params: lsp::DocumentDiagnosticParams) -> Answer {
        let located = self.locate(&params.text_document.uri);
        let list = located.as_ref().map(|(root, _, relative)| self.list(root, relative)).unwrap_or_default();
        let id = diagnostics::result_id(&list);
        let mut report = match params.previous_result_id {
            Some(before) if before == id => json!({ "kind": "unchanged", "resultId": id }),
            _ => json!({ "kind": "full", "resultId": id, "items": list }),
        };
        if let Some((root, path, _)) = located {
            if self.documents.get(&path).is_some() {
                self.pulled.insert(path.clone(), id);
                self.note_pulled(&root, &path);
            }
            let related = self.related_documents(&root, &path);
            if !related.is_empty() {
                report["relatedDocuments"] = Value::Object(related);
            }
        }
        Ok(report)
    }

    /// The other open documents of a repository whose diagnostics have changed since the client pulled them.
    fn related_documents(&mut self, root: &Root, path: &Path) -> serde_json::Map<String, Value> {
        let mut related = serde_json::Map::new();
        if !self.client.diagnostics.related {
            return related;
        }
        let pulled = self.pulled.iter().filter(|(other, _)| *other != path && self.root_of(other) == *root);
        let pulled: Vec<(PathBuf, String)> = pulled.map(|(other, id)| (other.clone(), id.clone())).collect();
        for (other, before) in pulled {
            let relative = self.workspaces.get(root).and_then(|workspace| workspace.relative(&other));
            let (Some(relative), Some(document)) = (relative, self.documents.get(&other)) else { continue };
            let uri = document.uri.0.clone();
            let list = self.list(root, &relative);
            let id = diagnostics::result_id(&list);
            if id != before {
                related.insert(uri, json!({ "kind": "full", "resultId": id, "items": list }));
                self.pulled.insert(other, id);
            }
        }
        related
    }

    fn list(&mut self, root: &Root, path: &RelPath) -> Vec<lsp::Diagnostic> {
        let workspace = self.workspaces.get_mut(root);
        workspace.map(|workspace| diagnostics_of(workspace, &self.documents, path, &self.client)).unwrap_or_default()
    }

    pub(super) fn workspace_diagnostics(&mut self, params: lsp::WorkspaceDiagnosticParams) -> Answer {
        let mut known: BTreeMap<String, String> =
            params.previous_result_ids.into_iter().map(|result| (result.uri.0, result.value)).collect();
        let mut items = Vec::new();
        for workspace in self.workspaces.values_mut() {
            for path in reported_paths(workspace) {
                let list = diagnostics_of(workspace, &self.documents, &path, &self.client);
                let file = workspace.absolute(&path);
                let uri = self.documents.uri(&file);
                let version = self.documents.get(&file).map(|document| document.version);
                let id = diagnostics::result_id(&list);
                let before = known.remove(&uri.0);
                items.push(match before {
                    Some(before) if before == id => {
                        json!({ "kind": "unchanged", "uri": uri, "version": version, "resultId": id })
                    }
                    _ => json!({ "kind": "full", "uri": uri, "version": version, "resultId": id, "items": list }),
                });
            }
        }
        // Files that no longer have findings get an empty list, once.
        let empty = diagnostics::result_id(&[]);
        for (uri, before) in known {
            let file = real_path(&lsp::Uri(uri.clone()));
            let version = file.and_then(|file| self.documents.get(&file)).map(|document| document.version);
            items.push(match before == empty {
                true => json!({ "kind": "unchanged", "uri": uri, "version": version, "resultId": empty }),
                false => json!({ "kind": "full", "uri": uri, "version": version, "resultId": empty, "items": [] }),
            });
        }
        Ok(json!({ "items": items }))
    }
}

/// The files of a repository that have diagnostics.
fn reported_paths(workspace: &mut Workspace) -> Vec<RelPath> {
    match &workspace.problem {
        Some(problem) => problem.at.iter().filter_map(|(file, _)| workspace.relative(file)).collect(),
        None => diagnostics::paths(workspace.state()),
    }
}

/// The diagnostics of a file. If the settings are invalid, the diagnostics of the settings file.
fn diagnostics_of(
    workspace: &mut Workspace,
    documents: &Documents,
    path: &RelPath,
    client: &Client,
) -> Vec<lsp::Diagnostic> {
    let encoding = client.encoding;
    if let Some(problem) = &workspace.problem {
        let file = workspace.absolute(path);
        return diagnostics::of_problem(problem, &file, encoding).into_iter().collect();
    }
    workspace.state();
    let workspace = &*workspace;
    let Some(state) = workspace.known() else { return Vec::new() };
    let uri = |path: &str| documents.uri(&workspace.absolute(path));
    Diagnostics { workspace, state, uri: &uri, encoding, support: client.diagnostics }.of(path)
}
