//! Edits in the form of the protocol: grouped by document, with the version of each, so that a client rejects edits to
//! an outdated text.

use std::collections::{BTreeMap, HashMap};

use gen_lsp_types::{
    ClientCapabilities, CreateFile, DocumentChange, Edit as DocumentEdit, OptionalVersionedTextDocumentIdentifier,
    ResourceOperationKind, TextDocumentEdit, TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};
use similar::{DiffOp, TextDiff};

use super::position::{Encoding, Lines};
use crate::finding::{Edit, RelPath, Span};

/// The kinds of edits that the client supports.
#[derive(Debug, Clone, Copy, Default)]
pub struct EditSupport {
    /// Whether it supports edits with document versions.
    pub versions: bool,
    /// Whether it can create files.
    pub create: bool,
    /// Whether it supports snippets, which place the cursor.
    pub snippets: bool,
    /// Whether it supports disabled code actions with a reason.
    pub disabled: bool,
    /// Whether it supports code actions whose commands are resolved later.
    pub late_commands: bool,
}

impl EditSupport {
    /// Reads the capabilities of a client.
    pub fn of(client: &ClientCapabilities) -> Self {
        let edit = client.workspace.as_ref().and_then(|workspace| workspace.workspace_edit.as_ref());
        let versions = edit.and_then(|edit| edit.document_changes).unwrap_or(false);
        let document = client.text_document.as_ref();
        let actions = document.and_then(|document| document.code_action.as_ref());
        let resolved = actions.and_then(|actions| actions.resolve_support.as_ref());
        let operations = edit.and_then(|edit| edit.resource_operations.as_deref()).unwrap_or(&[]);
        Self {
            versions,
            create: versions && operations.contains(&ResourceOperationKind::Create),
            snippets: versions && edit.and_then(|edit| edit.snippet_edit_support).unwrap_or(false),
            late_commands: actions.is_some_and(|actions| actions.data_support == Some(true))
                && resolved.is_some_and(|resolved| resolved.properties.iter().any(|name| name == "command")),
            disabled: actions.and_then(|actions| actions.disabled_support).unwrap_or(false),
        }
    }
}

/// A file to edit: its text and its URI.
#[derive(Debug)]
pub struct Target {
    /// The text that the edits apply to. `None` if they create the file.
    pub text: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The version of the open document.
    pub version: Option<i32>,
}

/// Adapts an edit as `flakeward fix` does: the text gets the line endings of its surroundings, and the span starts
/// after a byte order mark.
pub fn adapted(text: &str, edit: &Edit) -> Edit {
    let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() as u32 } else { 0 };
    let span = Span { start: edit.span.start.max(first), end: edit.span.end.max(first) };
    let before = text.get(..span.start as usize).unwrap_or(text);
    let rest = &text[before.len()..];
    let end = before.rfind('\n').or_else(|| rest.find('\n').map(|at| before.len() + at));
    let is_crlf = end.is_some_and(|end| text[..end].ends_with('\r'));
    let new = match is_crlf && edit.text.contains('\n') {
        true => edit.text.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => edit.text.clone(),
    };
    Edit { path: edit.path.clone(), span, text: new }
}

/// Adds an edit that changes nothing in a document that the other edits depend on, so that a client rejects all of them
/// if that document has changed.
pub fn pin(edit: &mut WorkspaceEdit, target: Target) {
    let (Some(changes), Some(version)) = (&mut edit.document_changes, target.version) else { return };
    let is_there = changes.iter().any(|change| match change {
        DocumentChange::TextDocumentEdit(edit) => edit.text_document.text_document_identifier.uri == target.uri,
        _ => false,
    });
    if !is_there {
        changes.insert(0, document_edit(target.uri, Some(version), Vec::new()));
    }
}

/// The documents that an edit changes, with their versions.
pub fn versions(edit: &WorkspaceEdit) -> impl Iterator<Item = (&Uri, i32)> {
    let changes = edit.document_changes.iter().flatten();
    changes.filter_map(|change| match change {
        DocumentChange::TextDocumentEdit(edit) => {
            Some((&edit.text_document.text_document_identifier.uri, edit.text_document.version?))
        }
        _ => None,
    })
}

/// Converts edits to a workspace edit. `None` if the client does not support it.
pub fn workspace_edit(
    edits: &[Edit],
    target: impl Fn(&RelPath) -> Target,
    support: EditSupport,
    encoding: Encoding,
) -> Option<WorkspaceEdit> {
    let mut by_path: BTreeMap<&RelPath, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_path.entry(&edit.path).or_default().push(edit);
    }
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    let mut document_changes = Vec::new();
    for (path, mut edits) in by_path {
        let target = target(path);
        edits.sort_by_key(|edit| edit.span);
        if target.text.is_none() {
            if !support.create {
                return None;
            }
            let uri = target.uri.clone();
            document_changes.push(DocumentChange::CreateFile(CreateFile::new(uri, None, None)));
        }
        let text = target.text.unwrap_or_default();
        let lines = Lines::new(&text, encoding);
        let edits: Vec<TextEdit> =
            edits.iter().map(|edit| TextEdit { range: lines.range(edit.span), new_text: edit.text.clone() }).collect();
        if support.versions {
            document_changes.push(document_edit(target.uri, target.version, edits));
        } else {
            changes.insert(target.uri, edits);
        }
    }
    Some(match support.versions {
        true => WorkspaceEdit { document_changes: Some(document_changes), ..WorkspaceEdit::default() },
        false => WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() },
    })
}

fn document_edit(uri: Uri, version: Option<i32>, edits: Vec<TextEdit>) -> DocumentChange {
    DocumentChange::TextDocumentEdit(TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier {
            version,
            text_document_identifier: TextDocumentIdentifier { uri },
        },
        edits: edits.into_iter().map(DocumentEdit::TextEdit).collect(),
    })
}

/// The edits that turn one text into another, line by line, so that cursors and folds in unchanged lines are kept.
pub fn between(path: &RelPath, before: &str, after: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(before, after);
    // `similar` splits lines including their line breaks.
    let (old, new) = (starts(diff.iter_old_slices()), starts(diff.iter_new_slices()));
    let changes = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changes
        .map(|op| {
            let (from, to) = (op.old_range(), op.new_range());
            let text = after[new[to.start]..new[to.end]].to_owned();
            Edit { path: path.clone(), span: Span::new(old[from.start], old[from.end]), text }
        })
        .collect()
}

/// The start of each line, and the end of the last one.
fn starts<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let ends = lines.scan(0, |end, line| {
        *end += line.len();
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edits_between_two_texts_turn_the_first_into_the_second() {
        let texts =
            ["", "a\n", "a\nb\nc\n", "a\r\nb\r\nc", "x\na\nc\n", "a\nb\nc\nd", "ü\nb\n😀\n", "c\na\n", "a\nb\na\n"];
        for before in texts {
            for after in texts {
                let mut text = before.to_owned();
                for edit in between(&RelPath::from("a"), before, after).iter().rev() {
                    text.replace_range(edit.span.range(), &edit.text);
                }
                assert_eq!(text, after, "{before:?} -> {after:?}");
            }
        }
    }
}
