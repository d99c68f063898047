//! Reads the object database without starting git.

use std::path::Path;
use std::sync::Arc;

use gix_object::{Find, Kind};
use gix_pack::cache::lru::MemoryCappedHashmap;

use super::objects::Listing;
use crate::walk;

/// The maximum size of an object, in bytes. Git reads larger ones.
const LONGEST: usize = walk::MAX_FILE as usize;

/// The maximum size of the objects that are kept because others may be stored as differences from them, in bytes.
const KEPT: usize = 16 << 20;

/// The maximum depth of a tree. Git reads deeper ones.
const DEEPEST: usize = 256;

/// The object database of a repository, with its alternates. Every answer may be missing where git would give one, for
/// example because the repository is in a format that only git reads.
#[derive(Clone)]
pub(super) struct Store {
    objects: gix_odb::HandleArc,
}

impl Store {
    /// Opens the database in a folder, for ids of the kind of `id`.
    pub fn open(folder: &Path, id: &str) -> Option<Self> {
        let kind = gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?.kind();
        let options = gix_odb::store::init::Options { alloc_limit_bytes: Some(LONGEST), ..Default::default() };
        let store = gix_odb::Store::at_opts(folder.to_owned(), kind, &mut std::iter::empty(), options).ok()?;
        let mut objects = Arc::new(store).to_cache_arc();
        // Git is asked about objects that are not found.
        objects.refresh_never();
        objects.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(KEPT)));
        Some(Self { objects })
    }

    /// The content of a file.
    pub fn file(&self, id: &str) -> Option<Vec<u8>> {
        self.object(&gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?, Kind::Blob)
    }

    /// The content of a commit.
    pub fn commit(&self, id: &str) -> Option<Vec<u8>> {
        self.object(&gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?, Kind::Commit)
    }

    /// The files and symbolic links of a commit.
    pub fn listing(&self, commit: &str) -> Option<Listing> {
        let content = self.commit(commit)?;
        let kind = self.objects.store_ref().object_hash();
        let tree = gix_object::CommitRefIter::from_bytes(&content, kind).tree_id().ok()?;
        let mut listing = Listing::default();
        self.add_tree(&tree, "", DEEPEST, &mut listing)?;
        Some(listing)
    }

    /// Adds the entries of a tree whose paths start with `folder`.
    fn add_tree(&self, id: &gix_hash::oid, folder: &str, depth: usize, listing: &mut Listing) -> Option<()> {
        let content = self.object(id, Kind::Tree)?;
        for entry in gix_object::TreeRefIter::from_bytes(&content, id.kind()) {
            let entry = entry.ok()?;
            // Paths that are not UTF-8 are not compared.
            let Ok(name) = std::str::from_utf8(entry.filename) else { continue };
            let path = format!("{folder}{name}");
            let mode = entry.mode;
            if mode.is_tree() {
                self.add_tree(entry.oid, &format!("{path}/"), depth.checked_sub(1)?, listing)?;
            } else if mode.is_link() {
                listing.links.insert(path, entry.oid.to_string());
            } else if mode.is_blob() {
                listing.files.insert(path, entry.oid.to_string());
            }
        }
        Some(())
    }

    fn object(&self, id: &gix_hash::oid, kind: Kind) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let found = self.objects.try_find(id, &mut content).ok()??.kind;
        (found == kind).then_some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Git;

    /// Loose and packed objects, and those of another repository, are found, with paths as git lists them.
    #[test]
    fn objects_are_read_as_git_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let git = |at: &std::path::Path, args: &str| {
            let as_someone = ["-c", "user.name=a", "-c", "user.email=a@b"];
            let done =
                std::process::Command::new("git").args(as_someone).args(args.split(' ')).current_dir(at).output();
            let done = done.unwrap();
            assert!(done.status.success(), "{args}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).unwrap().trim().to_owned()
        };
        std::fs::create_dir_all(first.join("a/b")).unwrap();
        git(&first, "init -q");
        // Versions that are similar are stored as differences.
        let lines: String = (0..2000).map(|number| format!("line {number}\n")).collect();
        for version in ["one\n", "two\n"] {
            std::fs::write(first.join("a/b/c.nix"), format!("{lines}{version}")).unwrap();
            std::fs::write(first.join("run.sh"), version).unwrap();
            git(&first, "add .");
            git(&first, "commit -qm x");
        }
        git(&first, "gc -q");
        git(folder.path(), "clone -q --shared first second");
        std::fs::write(second.join("loose.nix"), "{ }\n").unwrap();
        git(&second, "add .");
        git(&second, "commit -qm y");

        let reader = Git::new(&second).unwrap();
        let head = git(&second, "rev-parse HEAD");
        let store = reader.store(&head).unwrap();
        let listing = store.listing(&head).unwrap();
        let mut files: Vec<_> = listing.files.iter().collect();
        files.sort();
        assert_eq!(
            files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["a/b/c.nix", "loose.nix", "run.sh"]
        );
        for (path, id) in files {
            assert_eq!(*id, git(&second, &format!("rev-parse HEAD:{path}")));
            assert_eq!(store.file(id).unwrap(), std::fs::read(second.join(path)).unwrap());
        }
        let earlier = store.listing(&git(&second, "rev-parse HEAD~2")).unwrap();
        let text = store.file(&earlier.files["a/b/c.nix"]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), format!("{lines}one\n"));
        // Neither a commit nor an unknown id is a file.
        assert_eq!(store.file(&head), None);
        assert_eq!(store.file(&"0".repeat(40)), None);
        assert_eq!(store.file("0"), None);
    }
}
