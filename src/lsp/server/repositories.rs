//! Determines which files belong together: the repositories of the client's folders and documents, and changes on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;
use serde_json::json;

use super::{Server, real_path};
use crate::finding::RelPath;
use crate::lsp::capabilities::WATCHED;
use crate::lsp::documents::Folder;
use crate::lsp::uri;
use crate::lsp::workspace::{Root, Workspace};
use crate::walk;

impl Server {
    /// Opens the repositories of the client's folders.
    pub(in crate::lsp) fn open_folders(&mut self) {
        for folder in self.documents.folders.clone() {
            self.workspace_of(&folder.path);
        }
    }

    /// The root of a file or folder. Opens the repository if necessary.
    fn workspace_of(&mut self, path: &Path) -> Root {
        let root = self.root_of(path);
        if !self.workspaces.contains_key(&root) {
            self.load(&root);
        }
        root
    }

    /// The root of a file or folder. A workspace folder outside all Git repositories is one repository, as for
    /// `flakeward check` in that folder. A file outside both kinds of repositories is a root itself, unless a folder
    /// around it has a flakeward configuration file.
    pub(in crate::lsp) fn root_of(&self, path: &Path) -> Root {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let marked = walk::marked_root(folder);
        if let Some(root) = marked.as_ref().filter(|root| root.join(".git").exists()) {
            return Root::Folder(root.clone());
        }
        let opened = self.documents.folders.iter().map(|opened| &opened.path).filter(|opened| path.starts_with(opened));
        match (opened.min_by_key(|opened| opened.components().count()), marked) {
            (Some(outermost), _) if outermost.join("flake.nix").exists() => Root::Folder(outermost.clone()),
            (Some(outermost), _) => Root::Folder(walk::marked_root(outermost).unwrap_or_else(|| outermost.clone())),
            (None, Some(root)) => Root::Folder(root),
            (None, None) => Root::File(path.to_owned()),
        }
    }

    /// Reads a repository, for the first time or again, with its settings, files and open documents.
    pub(in crate::lsp) fn load(&mut self, root: &Root) {
        let inside = self.documents.iter().filter(|(path, _)| self.root_of(path) == *root);
        let inside: Vec<_> = inside.collect();
        let folder = match root {
            Root::Folder(folder) => folder.as_path(),
            Root::File(file) => file.parent().unwrap_or(file),
        };
        let buffers =
            inside.iter().filter_map(|(path, document)| Some((walk::relative(folder, path)?, document.text.as_str())));
        let workspace = Workspace::open(root, &buffers.collect::<Vec<_>>());
        // A file that was checked alone may now be part of this repository.
        let joined: Vec<Root> = inside.iter().map(|(path, _)| Root::File((*path).to_owned())).collect();
        self.workspaces.retain(|known, _| !joined.contains(known));
        self.workspaces.insert(root.clone(), workspace);
        self.outdated.remove(root);
        self.dirty = true;
        self.watch(root);
    }

    /// Whether the client reports changes to a repository on disk.
    pub(in crate::lsp) fn is_watched(&self, root: &Root) -> bool {
        self.client.watches_files && (self.client.watches_elsewhere || self.is_inside(root))
    }

    /// Whether a repository is under one of the client's folders.
    fn is_inside(&self, root: &Root) -> bool {
        let Root::Folder(folder) = root else { return false };
        self.documents.folders.iter().any(|opened| folder.starts_with(&opened.path))
    }

    /// Asks the client to watch a repository outside its folders. By default, it watches only its folders.
    fn watch(&mut self, root: &Root) {
        let Root::Folder(folder) = root else { return };
        if self.is_inside(root) || !self.is_watched(root) || !self.watched.insert(folder.clone()) {
            return;
        }
        let pattern = json!({ "baseUri": uri::from_path(folder), "pattern": WATCHED });
        self.register_watcher(&format!("flakeward-files-{}", self.watched.len()), &pattern);
    }

    /// Closes the repositories that contain neither a folder of the client nor an open document.
    pub(in crate::lsp) fn close_unused(&mut self) {
        let used = self.used_roots();
        self.workspaces.retain(|root, _| used.contains(root));
    }

    /// The roots of the client's folders and open documents.
    fn used_roots(&self) -> BTreeSet<Root> {
        let folders = self.documents.folders.iter().map(|folder| folder.path.as_path());
        let documents = self.documents.iter().map(|(path, _)| path);
        folders.chain(documents).map(|path| self.root_of(path)).collect()
    }

    /// Reads the repositories again whose settings have changed in an open document.
    pub(in crate::lsp) fn reload_outdated(&mut self) {
        for root in std::mem::take(&mut self.outdated) {
            if self.workspaces.contains_key(&root) {
                self.load(&root);
            }
        }
    }

    /// The repository of a document, and the document's path in it. `None` for documents without a file, and for files
    /// outside all repositories that are not open.
    pub(in crate::lsp) fn locate(&mut self, uri: &lsp::Uri) -> Option<(Root, PathBuf, RelPath)> {
        let path = real_path(uri)?;
        if matches!(self.root_of(&path), Root::File(_)) && self.documents.get(&path).is_none() {
            return None;
        }
        let root = self.workspace_of(&path);
        let relative = self.workspaces.get(&root)?.relative(&path)?;
        Some((root, path, relative))
    }

    pub(in crate::lsp) fn did_change_files(&mut self, params: &lsp::DidChangeWatchedFilesParams) {
        self.files_changed(params.changes.iter().filter_map(|event| real_path(&event.uri)));
    }

    /// Handles changes on disk. A repository is read again only if a change may affect more than the changed file.
    /// Repositories that are not open are not read.
    pub(in crate::lsp) fn files_changed(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        let mut outdated = BTreeSet::new();
        for path in paths {
            let root = self.root_of(&path);
            let Some(workspace) = self.workspaces.get_mut(&root) else { continue };
            if !outdated.contains(&root)
                && !workspace.relative(&path).is_some_and(|relative| workspace.refresh(&relative))
            {
                outdated.insert(root);
            }
        }
        outdated.iter().for_each(|root| self.load(root));
        self.dirty = true;
    }

    pub(in crate::lsp) fn did_change_folders(&mut self, params: &lsp::DidChangeWorkspaceFoldersParams) {
        for removed in params.event.removed.iter().filter_map(|folder| real_path(&folder.uri)) {
            self.documents.folders.retain(|folder| folder.path != removed);
        }
        self.documents.folders.extend(params.event.added.iter().filter_map(|folder| folder_of(&folder.uri)));
        self.regroup();
    }

    /// Opens the repositories of the current folders and documents, and closes all others.
    fn regroup(&mut self) {
        let used = self.used_roots();
        self.workspaces.clear();
        used.iter().for_each(|root| self.load(root));
        self.dirty = true;
    }
}

fn folder_of(uri: &lsp::Uri) -> Option<Folder> {
    Some(Folder { path: real_path(uri)?, uri: uri.clone() })
}

/// The initial workspace folders.
pub(in crate::lsp) fn folders(params: &lsp::InitializeParams, root: Option<lsp::Uri>) -> Vec<Folder> {
    let listed = match &params.workspace_folders_initialize_params.workspace_folders {
        Some(lsp::WorkspaceFolders::WorkspaceFolderList(folders)) => folders.as_slice(),
        _ => &[],
    };
    match listed.is_empty() {
        true => root.as_ref().and_then(folder_of).into_iter().collect(),
        false => listed.iter().filter_map(|folder| folder_of(&folder.uri)).collect(),
    }
}
