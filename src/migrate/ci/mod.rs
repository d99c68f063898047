//! `flakeward migrate ci`.

use super::{Draft, Error};
use crate::finding::RelPath;

/// Migrates one file.
pub fn migrate(draft: &mut Draft<'_>, file: &RelPath) -> Result<(), Error> {
    let _ = draft;
    Err(Error::new(file, "this kind of file cannot be migrated yet"))
}
