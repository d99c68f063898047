//! Converts the edits of `ports` subcommands to file changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Failure;
use crate::finding::{Edit, RelPath, Span, replaced};
use crate::fix::{Change, write};
use crate::lang::{Language, Tree};
use crate::run::PortFacts;
use crate::source::{FileKind, LineEnds};

/// Applies edits to files. Fails if a Nix file would have syntax errors afterwards.
pub fn of(facts: &PortFacts, edits: &[Edit]) -> Result<Vec<Change>, Failure> {
    let mut by_file: BTreeMap<&RelPath, Vec<&Edit>> = BTreeMap::new();
    edits.iter().for_each(|edit| by_file.entry(&edit.path).or_default().push(edit));
    by_file.into_iter().map(|(path, edits)| change(facts, path, edits)).collect()
}

fn change(facts: &PortFacts, path: &RelPath, mut edits: Vec<&Edit>) -> Result<Change, Failure> {
    let file = facts.project.file(path);
    let before = file.map(|file| file.source.text.clone());
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let text = before.as_deref().unwrap_or_default();
    let mut ends = LineEnds::new(text);
    let whole = Span::new(0, text.len());
    let edits = edits.into_iter().rev().map(|edit| match edit.span == whole && !text.is_empty() {
        // An edit of the whole file already has the right line endings.
        true => (edit.span, Cow::Borrowed(&*edit.text)),
        false => (edit.span, ends.adapted(&edit.text, edit.span.start as usize)),
    });
    let edits: Vec<(Span, Cow<'_, str>)> = edits.collect();
    let after = replaced(text, edits.iter().map(|(span, new)| (*span, &**new)));
    let is_nix = file.is_none_or(|file| file.source.kind == FileKind::Nix);
    let is_broken = |text: &str| Tree::parse(Language::Nix, text).is_none_or(|tree| tree.broken());
    if is_nix && is_broken(&after) {
        if file.is_some() && is_broken(text) {
            return Err(Failure::new(format!("{path} has syntax errors, so it cannot be changed"))
                .help("correct them, and run this again; nothing was written"));
        }
        return Err(Failure::new(format!("the new text of {path} would not parse"))
            .help("this is a bug in flakeward, please report it; nothing was written"));
    }
    Ok(Change { path: path.clone(), before, after, needed_elsewhere: false })
}

/// Writes all files or none.
pub fn write(root: &std::path::Path, changes: &[Change]) -> Result<(), Failure> {
    for change in changes {
        let guard = write::guard(root, &change.path);
        guard.map_err(|reason| Failure::new(format!("cannot write {}: {reason}", change.path)))?;
    }
    write::write(root, changes).map_err(|failure| Failure::new(failure.to_string()))
}
