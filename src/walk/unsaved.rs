//! Settings files that are open in an editor: their contents replace those on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{decode, read_all, read_settings, resolve_new};

/// The contents of open settings files, by path with links resolved.
#[derive(Debug, Clone, Default)]
pub struct Unsaved(BTreeMap<PathBuf, String>);

impl Unsaved {
    /// Reads a settings file of at most `limit` bytes: the open text, or else the file, as [`read_settings`] does.
    pub fn read(&self, file: &Path, found_in: Option<&Path>, limit: u64) -> Result<String, String> {
        match self.text(file) {
            Some(text) => decode(read_all(text.as_bytes(), text.len() as u64, limit)?),
            None => read_settings(file, found_in, limit),
        }
    }

    /// Whether a file is open or on disk. A link counts even if its target does not exist.
    pub fn has(&self, file: &Path) -> bool {
        file.symlink_metadata().is_ok() || self.text(file).is_some()
    }

    /// The open files directly in a folder.
    pub fn in_folder(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let real = resolve_new(folder);
        let inside = self.0.keys().filter(move |file| file.parent() == Some(&real));
        inside.filter_map(|file| Some(folder.join(file.file_name()?)))
    }

    fn text(&self, file: &Path) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&resolve_new(file)).map(String::as_str)
    }
}

impl FromIterator<(PathBuf, String)> for Unsaved {
    fn from_iter<I: IntoIterator<Item = (PathBuf, String)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_texts_replace_files_and_add_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [both, disk, open] = ["both", "disk", "open"].map(|name| root.join(name));
        std::fs::write(&both, "on disk").unwrap();
        std::fs::write(&disk, "on disk").unwrap();
        let texts = [(both.clone(), "unsaved".to_owned()), (open.clone(), "unsaved".to_owned())];
        let unsaved = Unsaved::from_iter(texts);
        for (file, text) in [(&both, "unsaved"), (&disk, "on disk"), (&open, "unsaved")] {
            assert_eq!(unsaved.read(file, Some(&root), 100).as_deref(), Ok(text), "{file:?}");
            assert!(unsaved.has(file), "{file:?}");
        }
        assert!(!unsaved.has(&root.join("none")));
        assert!(unsaved.read(&both, Some(&root), 3).is_err());
        assert!(unsaved.in_folder(&root).eq([both, open]));
    }
}
