//! The capabilities of the client and the server.

use gen_lsp_types as lsp;

use super::actions::{APPLY, FIX_ALL, MIGRATE, NAME_ENTRY, SELECT, SHOW};
use super::diagnostics::DiagnosticSupport;
use super::edits::EditSupport;
use super::position::Encoding;

/// The client's capabilities that affect the server.
#[derive(Debug, Default)]
pub struct Client {
    pub encoding: Encoding,
    pub diagnostics: DiagnosticSupport,
    pub edits: EditSupport,
    /// Whether it can show a range of a document on request.
    pub show_document: bool,
    /// Whether it has settings and returns them on request.
    pub has_configuration: bool,
    /// Whether it can watch files in any folder, not only in its workspace folders.
    pub watches_elsewhere: bool,
    /// Whether it can register watchers for files.
    pub watches_files: bool,
    /// Whether it can refresh inlay hints.
    pub refreshes_hints: bool,
    /// Whether it can refresh code lenses.
    pub refreshes_lenses: bool,
    /// Whether it shows Markdown in hovers.
    pub markdown: bool,
    /// Whether it shows symbols as a tree.
    pub nested_symbols: bool,
    /// Whether it accepts code actions; other clients accept only commands.
    pub code_actions: bool,
    /// Whether it applies edits on request.
    pub applies_edits: bool,
}

impl Client {
    /// Reads the capabilities of a client.
    pub fn of(capabilities: &lsp::ClientCapabilities) -> Self {
        let workspace = capabilities.workspace.as_ref();
        let is_on = |value: Option<bool>| value.unwrap_or(false);
        let watching = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
        let hints = workspace.and_then(|workspace| workspace.inlay_hint.as_ref());
        let lenses = workspace.and_then(|workspace| workspace.code_lens.as_ref());
        let window = capabilities.window.as_ref();
        let document = capabilities.text_document.as_ref();
        let hover = document.and_then(|document| document.hover.as_ref());
        let formats = hover.and_then(|hover| hover.content_format.as_deref()).unwrap_or(&[]);
        let symbols = document.and_then(|document| document.document_symbol.as_ref());
        let actions = document.and_then(|document| document.code_action.as_ref());
        Self {
            encoding: Encoding::negotiate(capabilities),
            diagnostics: DiagnosticSupport::of(capabilities),
            edits: EditSupport::of(capabilities),
            show_document: window.and_then(|window| window.show_document.as_ref()).is_some_and(|show| show.support),
            has_configuration: is_on(workspace.and_then(|workspace| workspace.configuration)),
            watches_elsewhere: is_on(watching.and_then(|watching| watching.relative_pattern_support)),
            watches_files: is_on(watching.and_then(|watching| watching.dynamic_registration)),
            refreshes_hints: is_on(hints.and_then(|hints| hints.refresh_support)),
            markdown: formats.contains(&lsp::MarkupKind::Markdown),
            nested_symbols: is_on(symbols.and_then(|symbols| symbols.hierarchical_document_symbol_support)),
            code_actions: actions.is_some_and(|actions| actions.code_action_literal_support.is_some()),
            applies_edits: is_on(workspace.and_then(|workspace| workspace.apply_edit)),
            refreshes_lenses: is_on(lenses.and_then(|lenses| lenses.refresh_support)),
        }
    }
}

/// The capabilities of the server.
pub fn capabilities(encoding: Encoding) -> lsp::ServerCapabilities {
    let progress = lsp::WorkDoneProgressOptions::default();
    lsp::ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(lsp::TextDocumentSync::Options(lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(lsp::Save::Bool(true)),
            ..Default::default()
        })),
        hover_provider: Some(lsp::HoverProvider::Bool(true)),
        definition_provider: Some(lsp::DefinitionProvider::Bool(true)),
        references_provider: Some(lsp::ReferencesProvider::Bool(true)),
        document_highlight_provider: Some(lsp::DocumentHighlightProvider::Bool(true)),
        document_symbol_provider: Some(lsp::DocumentSymbolProvider::Bool(true)),
        inlay_hint_provider: Some(lsp::InlayHintProvider::Bool(true)),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: Some([".", "=", ":", " ", "\""].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        code_action_provider: Some(lsp::CodeActionProvider::CodeActionOptions(lsp::CodeActionOptions {
            code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix, lsp::CodeActionKind::from(FIX_ALL)]),
            resolve_provider: Some(true),
            ..Default::default()
        })),
        code_lens_provider: Some(lsp::CodeLensOptions::default()),
        rename_provider: Some(lsp::RenameProvider::RenameOptions(lsp::RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: progress,
        })),
        execute_command_provider: Some(lsp::ExecuteCommandOptions {
            commands: [SELECT, NAME_ENTRY, MIGRATE, SHOW, APPLY].map(str::to_owned).to_vec(),
            work_done_progress_options: progress,
        }),
        diagnostic_provider: Some(lsp::DiagnosticProvider::DiagnosticOptions(lsp::DiagnosticOptions {
            identifier: Some("flakeward".to_owned()),
            inter_file_dependencies: true,
            workspace_diagnostics: true,
            work_done_progress_options: progress,
        })),
        workspace: Some(lsp::WorkspaceOptions {
            workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(lsp::ChangeNotifications::Bool(true)),
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The files to watch. All of them, because scripts without an extension are recognised by their first line. Changes to
/// files that are not checked cost nothing.
pub const WATCHED: &str = "**/*";
