//! The documents that are open in the editor. Their texts replace the files on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::{TextDocumentContentChangeEvent, Uri};

use super::position::{Encoding, Lines};

/// An open document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The URI as the client writes it.
    pub uri: Uri,
    /// The client's version number.
    pub version: i32,
    /// The text.
    pub text: String,
}

impl Document {
    /// Applies changes in order, each to the result of the previous one.
    pub fn apply(&mut self, changes: Vec<TextDocumentContentChangeEvent>, version: i32, encoding: Encoding) {
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let span = Lines::new(&self.text, encoding).span(change.range);
                    self.text.replace_range(span.range(), &change.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    self.text = change.text;
                }
            }
        }
        self.version = version;
    }
}

/// A folder of the client's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path without links.
    pub path: PathBuf,
    /// Its URI as the client writes it, which may contain links.
    pub uri: Uri,
}

/// The open documents by path, and the folders of the workspace.
#[derive(Debug, Default)]
pub struct Documents {
    open: BTreeMap<PathBuf, Document>,
    /// The folders.
    pub folders: Vec<Folder>,
}

impl Documents {
    /// The document with a path, if it is open.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    /// Like [`Self::get`], but mutable.
    pub fn get_mut(&mut self, path: &Path) -> Option<&mut Document> {
        self.open.get_mut(path)
    }

    /// Adds a document, or replaces it if it is already open.
    pub fn open(&mut self, path: PathBuf, document: Document) {
        self.open.insert(path, document);
    }

    /// Removes a document, and returns it if it was open.
    pub fn close(&mut self, path: &Path) -> Option<Document> {
        self.open.remove(path)
    }

    /// The open documents, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Document)> {
        self.open.iter().map(|(path, document)| (path.as_path(), document))
    }

    /// The URI of a path: the one that the client uses if the document is open, or else a URI under the client's
    /// folder.
    pub fn uri(&self, path: &Path) -> Uri {
        let open = self.get(path).map(|document| document.uri.clone());
        open.or_else(|| self.in_folder(path)).unwrap_or_else(|| super::uri::from_path(path))
    }

    fn in_folder(&self, path: &Path) -> Option<Uri> {
        let around = self.folders.iter().filter(|folder| path.starts_with(&folder.path));
        let folder = around.max_by_key(|folder| folder.path.components().count())?;
        Some(super::uri::join(&folder.uri, path.strip_prefix(&folder.path).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gen_lsp_types::{Position, Range, TextDocumentContentChangePartial};

    #[test]
    fn each_change_applies_to_the_result_of_the_previous_one() {
        let mut document = Document { uri: Uri::from("file:///a.nix"), version: 1, text: "a😀b\r\nc\n".to_owned() };
        let partial = |from: (u32, u32), to: (u32, u32), text: &str| {
            TextDocumentContentChangeEvent::TextDocumentContentChangePartial(TextDocumentContentChangePartial {
                range: Range {
                    start: Position { line: from.0, character: from.1 },
                    end: Position { line: to.0, character: to.1 },
                },
                text: text.to_owned(),
                ..Default::default()
            })
        };
        document.apply(vec![partial((0, 3), (1, 0), "x\n"), partial((1, 1), (1, 1), "y")], 2, Encoding::Utf16);
        assert_eq!((document.text.as_str(), document.version), ("a😀x\ncy\n", 2));
    }
}
