//! The requests for code actions, and their commands.

use gen_lsp_types as lsp;
use lsp_server::ErrorCode;
use serde_json::{Value, json};

use super::actions::{self, APPLY, Actions, FIX_ALL, MIGRATE, NAME_ENTRY, SELECT, SHOW};
use super::edits;
use super::migrate::Texts;
use super::position::Lines;
use super::requests::{Answer, json_of, target_of};
use super::server::{Refusal, Server, real_path};
use super::workspace::Workspace;
use crate::command::migrate::Disk;
use crate::finding::RelPath;

impl Server {
    pub(super) fn actions(&mut self, params: lsp::CodeActionParams) -> Answer {
        let encoding = self.client.encoding;
        let found = self.with_actions(&params.text_document.uri, |actions| {
            let span = Lines::new(&actions.source.text, encoding).span(params.range);
            let only = params.context.only.as_deref();
            let mut found = Vec::new();
            if actions::wants(only, "quickfix") {
                found.extend(actions.quick_fixes(span, &params.context.diagnostics));
            }
            // The fixes for the whole file require a run, so only clients that request this kind get them.
            if only.is_some() && actions::wants(only, FIX_ALL) {
                found.extend(actions.fix_all());
            }
            found
        });
        match (self.client.code_actions, self.client.applies_edits) {
            (true, _) => json_of(found),
            (false, true) => {
                json_of(found.map(|found| found.into_iter().filter_map(actions::as_command).collect::<Vec<_>>()))
            }
            (false, false) => Ok(Value::Null),
        }
    }

    /// Restores the command that was left out of an action. Rejects an action for an earlier text.
    pub(super) fn resolve(&mut self, action: lsp::CodeAction) -> Answer {
        let changed = action.edit.iter().flat_map(edits::versions).find(|(uri, version)| {
            let document = real_path(uri).and_then(|path| self.documents.get(&path));
            document.is_some_and(|document| document.version != *version)
        });
        if let Some(uri) = changed.map(|(uri, _)| uri.0.clone()) {
            let message = format!("{uri} has changed since the action was offered");
            return Err(Refusal::new(ErrorCode::ContentModified, message));
        }
        json_of(Some(actions::resolve(action)))
    }

    /// Calls a function with the context for actions in a document. `None` if flakeward does not check the document.
    fn with_actions<T>(&mut self, uri: &lsp::Uri, run: impl FnOnce(&mut Actions<'_>) -> T) -> Option<T> {
        let place = self.place(uri)?;
        let documents = &self.documents;
        let target = |workspace: &Workspace, path: &RelPath| target_of(workspace, documents, path);
        let texts = |workspace: &Workspace| Texts {
            disk: Disk(workspace.root.clone()),
            open: documents
                .iter()
                .filter_map(|(path, document)| Some((workspace.relative(path)?, document.text.clone())))
                .collect(),
        };
        let workspace = self.workspaces.get_mut(&place.root)?;
        // Ensures that there is a run, from which the texts of other files are taken.
        workspace.state();
        Some(run(&mut Actions {
            workspace,
            path: &place.relative,
            source: place.source.clone(),
            support: self.client.edits,
            encoding: self.client.encoding,
            can_show: self.client.show_document,
            target: &target,
            texts: &texts,
        }))
    }

    pub(super) fn execute(&mut self, params: lsp::ExecuteCommandParams) -> Answer {
        let arguments = params.arguments.unwrap_or_default();
        match (params.command.as_str(), arguments.as_slice()) {
            (SELECT | NAME_ENTRY, [uri, range]) => {
                if self.client.show_document {
                    self.request("window/showDocument", json!({ "uri": uri, "takeFocus": true, "selection": range }));
                }
                Ok(Value::Null)
            }
            (SHOW, [Value::String(message)]) => {
                self.show(3, message);
                Ok(Value::Null)
            }
            (APPLY, [edit]) => {
                self.request("workspace/applyEdit", json!({ "edit": edit }));
                Ok(Value::Null)
            }
            (MIGRATE, [Value::String(uri)]) => self.migrate(&lsp::Uri::from(uri.as_str())),
            (SELECT | NAME_ENTRY, _) => Err(Refusal::new(ErrorCode::InvalidParams, "expected a URI and a range")),
            (APPLY, _) => Err(Refusal::new(ErrorCode::InvalidParams, "expected an edit")),
            (SHOW, _) => Err(Refusal::new(ErrorCode::InvalidParams, "expected a message")),
            (MIGRATE, _) => Err(Refusal::new(ErrorCode::InvalidParams, "expected a URI")),
            (command, _) => {
                let message = format!("`{command}` is not a flakeward command");
                Err(Refusal::new(ErrorCode::InvalidParams, message))
            }
        }
    }

    /// Migrates a file: sends the edit to the client, or a message with the reason why there is none.
    fn migrate(&mut self, uri: &lsp::Uri) -> Answer {
        let migrated = self.with_actions(uri, |actions| actions.migrate());
        match migrated.unwrap_or_else(|| Err("flakeward does not check this file".to_owned())) {
            Ok((edit, left)) => {
                self.request("workspace/applyEdit", json!({ "label": "Migrate this file", "edit": edit }));
                left.iter().for_each(|left| self.show(3, left));
                Ok(Value::Null)
            }
            Err(reason) => {
                self.show(1, &format!("flakeward: {reason}"));
                Err(Refusal::new(ErrorCode::RequestFailed, reason))
            }
        }
    }
}
