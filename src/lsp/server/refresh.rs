//! Asks a client to repeat requests, but only if results changed in a document that the client itself did not change.
//! After a change to a document, clients repeat the requests about it anyway.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Server;
use crate::facts::port_registry::Registries;
use crate::lsp::diagnostics::Digests;
use crate::lsp::inputs::Inputs;
use crate::lsp::registry_page;
use crate::lsp::symbols::Symbols;
use crate::lsp::workspace::{Root, State, Workspace};

/// The results that the client last received, and the documents that it has changed since then.
#[derive(Debug, Default)]
pub struct Refreshes {
    /// `None` before the first comparison.
    seen: Option<Seen>,
    /// The documents that the client has opened, changed or closed since then.
    touched: BTreeSet<PathBuf>,
    /// Whether a request was answered before the first comparison.
    answered_early: bool,
}

/// Digests of one kind of result, by file.
type ByFile = BTreeMap<PathBuf, u64>;

/// Digests of results.
#[derive(Debug, Default)]
struct Seen {
    diagnostics: ByFile,
    hints: ByFile,
    lenses: ByFile,
}

/// Whether the client accepts refreshes of a kind of results, the digests of these results, and the method of the
/// refresh.
type Kind = (bool, fn(&Seen) -> &ByFile, &'static str);

impl Refreshes {
    /// Notes that the client changed a document.
    pub fn touch(&mut self, path: &Path) {
        self.touched.insert(path.to_owned());
    }

    /// Notes that a request was answered.
    pub fn answered(&mut self) {
        self.answered_early |= self.seen.is_none();
    }
}

impl Server {
    /// Asks the client to repeat its requests for results that changed.
    pub(in crate::lsp) fn refresh(&mut self) {
        let wants = &self.client;
        let kinds: [Kind; 3] = [
            (wants.diagnostics.pull && wants.diagnostics.refresh, |it| &it.diagnostics, "workspace/diagnostic/refresh"),
            (wants.refreshes_hints, |it| &it.hints, "workspace/inlayHint/refresh"),
            (wants.refreshes_lenses, |it| &it.lenses, "workspace/codeLens/refresh"),
        ];
        if kinds.iter().all(|(is_wanted, ..)| !is_wanted) {
            return;
        }
        let now = self.current();
        let touched = std::mem::take(&mut self.refreshes.touched);
        let before = self.refreshes.seen.take();
        for (_, of, method) in kinds.into_iter().filter(|(is_wanted, ..)| *is_wanted) {
            let is_outdated = match &before {
                Some(before) => differ(of(before), of(&now), &touched),
                None => self.refreshes.answered_early,
            };
            if is_outdated {
                self.request(method, Value::Null);
            }
        }
        self.refreshes.seen = Some(now);
    }

    /// Notes that the client has the current diagnostics of a document, even if it may change again before the next
    /// comparison.
    pub(in crate::lsp) fn note_pulled(&mut self, root: &Root, path: &Path) {
        let Some(seen) = &mut self.refreshes.seen else { return };
        let Some(workspace) = self.workspaces.get(root) else { return };
        let (Some(state), Some(relative)) = (workspace.known(), workspace.relative(path)) else { return };
        self.refreshes.touched.remove(path);
        match Digests::new(workspace, state, self.client.encoding).of(&relative) {
            Some(digest) => seen.diagnostics.insert(path.to_owned(), digest),
            None => seen.diagnostics.remove(path),
        };
    }

    fn current(&mut self) -> Seen {
        let mut seen = Seen::default();
        for workspace in self.workspaces.values_mut() {
            workspace.state();
        }
        let mut open: BTreeMap<Root, Vec<&Path>> = BTreeMap::new();
        for (path, _) in self.documents.iter() {
            open.entry(self.root_of(path)).or_default().push(path);
        }
        let client = &self.client;
        for (root, workspace) in &self.workspaces {
            let Some(state) = workspace.known() else { continue };
            if client.diagnostics.pull && client.diagnostics.refresh {
                let digests = Digests::new(workspace, state, client.encoding).all();
                seen.diagnostics.extend(digests.into_iter().map(|(path, digest)| (workspace.absolute(&path), digest)));
            }
            let has_hints = client.refreshes_hints && self.inlay_hints;
            if let Some(open) = open.get(root).filter(|_| has_hints || client.refreshes_lenses) {
                seen.add_shown(workspace, state, open, has_hints, client.refreshes_lenses);
            }
        }
        seen
    }
}

impl Seen {
    /// Adds digests of the hints and lenses in open documents. Positions in other files do not matter.
    fn add_shown(&mut self, workspace: &Workspace, state: &State, open: &[&Path], hints: bool, lenses: bool) {
        let registries = Registries::of(&state.project);
        let symbols = Symbols::new(&state.project, &registries, &workspace.settings().config.ports);
        for &file in open {
            let Some(path) = workspace.relative(file) else { continue };
            if hints {
                let shown = symbols.numbered_references(&path).into_iter();
                let shown: Vec<_> = shown.map(|(span, entry, number)| (span, entry.name(), number)).collect();
                self.hints.insert(file.to_owned(), digest(&shown));
            }
            if !lenses {
                continue;
            }
            let inputs = Inputs::of(&state.project, &path, workspace.settings().now);
            let of_inputs = inputs.into_iter().flat_map(|inputs| inputs.lenses());
            let of_registry = registries.at(&path).into_iter().flat_map(|registry| {
                registry_page::lenses(&symbols, registry).into_iter().map(|lens| (lens.span, lens.title))
            });
            let shown: Vec<_> = of_inputs.chain(of_registry).collect();
            self.lenses.insert(file.to_owned(), digest(&shown));
        }
    }
}

/// Whether anything differs in files that the client did not change.
fn differ(before: &ByFile, after: &ByFile, touched: &BTreeSet<PathBuf>) -> bool {
    let is_new = |(path, digest): (&PathBuf, &u64)| after.get(path) != Some(digest) && !touched.contains(path);
    let is_gone = |(path, digest): (&PathBuf, &u64)| before.get(path) != Some(digest) && !touched.contains(path);
    before.iter().any(is_new) || after.iter().any(is_gone)
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
