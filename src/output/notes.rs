//! Notes about the run, for standard error: internal errors, files that were left out and, with `-v`, values that
//! cannot be determined.

use std::io::{self, Write};

use super::guard::Syntax;
use super::{View, text::clean};
use crate::finding::{Note, NoteKind};

/// Writes the notes.
pub fn write(notes: &[Note], view: &View, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for note in notes {
        let word = match note.kind {
            NoteKind::InternalError => "error",
            NoteKind::Skipped => "note",
            NoteKind::NotDecidable | NoteKind::NotChecked | NoteKind::Info if verbose => "note",
            NoteKind::NotDecidable | NoteKind::NotChecked | NoteKind::Info => continue,
        };
        let place = note.path.as_ref().map(|path| format!("{}: ", clean(&view.path(path)))).unwrap_or_default();
        let line = format!("{word}: {place}{}", clean(&note.message));
        writeln!(out, "{}", Syntax::Prose.disarm(&line))?;
    }
    Ok(())
}
