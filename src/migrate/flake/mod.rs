//! `flakeward migrate flake`: converts hand-written helpers and flake-utils to `flake-parts.lib.mkFlake` with
//! `perSystem`.
//!
//! The text is edited, not reformatted, so comments and layout are kept. An output that may not evaluate to the same
//! value is refused, or kept unchanged under `flake`.

mod helper;
mod inputs;
pub(crate) mod layout;
mod plan;
mod read;
mod recursion;
mod rewrite;
#[cfg(test)]
mod tests;
mod values;

use super::flake_file::{LOCK_IT, NOT_LOCKED};
use super::{Draft, Error};
use crate::finding::RelPath;
use crate::paths;
use crate::source::LineIndex;

pub use rewrite::{MIGRATED, rewrite};

/// Migrates one flake.nix.
pub fn migrate(draft: &mut Draft<'_>, file: &RelPath) -> Result<(), Error> {
    let text = draft.text(file)?.ok_or_else(|| Error::new(file, "there is no such file"))?;
    let folder = paths::folder(file).to_owned();
    let inside = |path: &str| if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
    let lock = draft.text(&inside("flake.lock"))?;
    let files = draft.files();
    let read = |path: &str| files.text(&inside(path)).ok().flatten();
    let new = rewrite(&text, &read, lock.as_deref()).map_err(|refusal| {
        let error = Error::new(file, refusal.why).help(refusal.todo);
        match refusal.at {
            Some(at) => {
                let place = LineIndex::new(&text).place(&text, at);
                error.at(place.line as usize, place.column as usize)
            }
            None => error,
        }
    })?;
    for (name, line) in &new.carried {
        draft.report.carry(file, *line, format!("outputs.{name}"), format!("perSystem.{name}"));
    }
    for (name, line, why) in &new.left {
        let todo = "it stays under `flake` unchanged; move it into `perSystem` by hand if it belongs there";
        draft.report.leave(file, *line, format!("outputs.{name}"), why, todo);
    }
    if new.input_added && lock.is_some() {
        draft.report.leave(&inside("flake.lock").as_str().into(), 1, "inputs.flake-parts", NOT_LOCKED, LOCK_IT);
    }
    draft.write(file, new.text)
}

/// A rewritten flake.nix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new text.
    pub text: String,
    /// The outputs that moved into `perSystem`, with their lines.
    pub carried: Vec<(String, usize)>,
    /// Per-system values that stay under `flake`: name, line, reason.
    pub left: Vec<(String, usize, String)>,
    /// Outputs for which flake-parts has no option.
    pub unknown: Vec<String>,
    /// Whether flake-parts is a new input, so that the lock file must be updated.
    pub input_added: bool,
}

/// The reason why a flake.nix is not rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The offset of the code that prevents it.
    pub at: Option<u32>,
    /// The reason.
    pub why: String,
    /// The next step.
    pub todo: String,
}

impl Refusal {
    fn new(at: Option<u32>, why: &str, todo: &str) -> Self {
        Self { at, why: why.to_owned(), todo: todo.to_owned() }
    }
}
