//! Reads the object database without starting git.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix_object::{Find, Kind};
use gix_pack::cache::lru::MemoryCappedHashmap;

use crate::walk;

/// The maximum size of an object, in bytes. Git reads larger ones.
const LONGEST: usize = walk::MAX_FILE as usize;

/// The maximum total size of the objects that are kept because others may be stored as deltas of them, in bytes.
const KEPT: usize = 16 << 20;

/// The maximum depth of a tree. Git reads deeper ones.
const DEEPEST: usize = 256;

/// The contents of a commit: paths and object ids.
#[derive(Debug, Default)]
pub struct Listing {
    /// The regular files.
    pub files: HashMap<String, String>,
    /// The symbolic links.
    pub(super) links: HashMap<String, String>,
}

impl Listing {
    /// Whether a path is a symbolic link.
    pub fn is_link(&self, path: &str) -> bool {
        self.links.contains_key(path)
    }
}

/// The object database of a repository, with its alternates. Any lookup may fail even though git would find the object,
/// for example because the repository is in a format that only git reads.
#[derive(Clone)]
pub(super) struct Store {
    folder: PathBuf,
    objects: gix_odb::HandleArc,
}

impl Store {
    /// Opens the database in a folder, for ids with the same hash algorithm as `id`.
    pub fn open(folder: &Path, id: &str) -> Option<Self> {
        let kind = gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?.kind();
        let options = gix_odb::store::init::Options { alloc_limit_bytes: Some(LONGEST), ..Default::default() };
        let store = gix_odb::Store::at_opts(folder.to_owned(), kind, &mut std::iter::empty(), options).ok()?;
        let mut objects = Arc::new(store).to_cache_arc();
        // Git is asked about objects that are not found.
        objects.refresh_never();
        objects.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(KEPT)));
        Some(Self { folder: folder.to_owned(), objects })
    }

    /// The content of a file.
    pub fn file(&self, id: &str) -> Option<Vec<u8>> {
        self.object(&gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?, Kind::Blob)
    }

    /// The content of a commit.
    pub fn commit(&self, id: &str) -> Option<Vec<u8>> {
        self.object(&gix_hash::ObjectId::from_hex(id.as_bytes()).ok()?, Kind::Commit)
    }

    /// The merge base of two commits, if there is exactly one and all commits on the way are found. Also `None` if the
    /// repository has a commit graph, with which git reads fewer objects.
    pub fn merge_base(&self, first: &str, second: &str) -> Option<String> {
        let has_graph = ["info/commit-graph", "info/commit-graphs"].iter().any(|name| self.folder.join(name).exists());
        if has_graph {
            return None;
        }
        let [first, second] = [first, second].map(|id| gix_hash::ObjectId::from_hex(id.as_bytes()).ok());
        let commits = Commits { objects: &self.objects, lacks_some: Cell::new(false) };
        let mut graph = gix_revision::Graph::new(&commits, None);
        let bases = gix_revision::merge_base(first?, &[second?], &mut graph).ok()??;
        drop(graph);
        (bases.len() == 1 && !commits.lacks_some.get()).then(|| bases.head.to_string())
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

/// Finds commits, and remembers whether one was missing: the missing history may contain another merge base.
struct Commits<'s> {
    objects: &'s gix_odb::HandleArc,
    lacks_some: Cell<bool>,
}

impl Find for Commits<'_> {
    fn try_find<'b>(
        &self,
        id: &gix_hash::oid,
        content: &'b mut Vec<u8>,
    ) -> gix_error::Result<Option<gix_object::Data<'b>>> {
        let found = self.objects.try_find(id, content);
        if !matches!(found, Ok(Some(_))) {
            self.lacks_some.set(true);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Git;

    /// Runs git in a folder, and returns its output.
    fn git(folder: &Path, args: &str) -> String {
        let as_someone = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "fetch.writeCommitGraph=false"];
        let done =
            std::process::Command::new("git").args(as_someone).args(args.split(' ')).current_dir(folder).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{args}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// The merge base of HEAD and a commit, according to the object database.
    fn merge_base(folder: &Path, name: &str) -> Option<String> {
        let head = git(folder, "rev-parse HEAD");
        Git::new(folder).unwrap().store(&head).unwrap().merge_base(&git(folder, &format!("rev-parse {name}")), &head)
    }

    #[test]
    fn merge_bases_match_those_of_git() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        git(at, "init -q -b main");
        for name in ["a", "b", "c"] {
            git(at, &format!("commit -q --allow-empty -m {name}"));
        }
        git(at, "checkout -q -b side HEAD~1");
        git(at, "commit -q --allow-empty -m d");
        git(at, "checkout -q --orphan other");
        git(at, "commit -q --allow-empty -m e");
        git(at, "checkout -q main");
        for name in ["HEAD", "HEAD~1", "HEAD~2", "side"] {
            assert_eq!(merge_base(at, name), Some(git(at, &format!("merge-base {name} HEAD"))), "{name}");
        }
        assert_eq!(merge_base(at, "other"), None);
    }

    /// Git chooses among several merge bases, and knows where a shallow history ends.
    #[test]
    fn uncertain_merge_bases_are_left_to_git() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::fs::create_dir(&first).unwrap();
        git(&first, "init -q -b main");
        git(&first, "commit -q --allow-empty -m a");
        git(&first, "branch side");
        git(&first, "commit -q --allow-empty -m b");
        git(&first, "checkout -q side");
        git(&first, "commit -q --allow-empty -m c");
        git(&first, "tag c");
        git(&first, "merge -q -m d main");
        git(&first, "checkout -q main");
        git(&first, "merge -q -m e c");
        assert_eq!(git(&first, "merge-base --all side HEAD").lines().count(), 2);
        assert_eq!(merge_base(&first, "side"), None);

        let address = format!("file://{}", first.display());
        git(folder.path(), &format!("clone -q --depth 1 --no-single-branch {address} second"));
        assert_eq!(merge_base(&second, "origin/side"), None);
        git(&second, "fetch -q --unshallow");
        assert_eq!(merge_base(&second, "HEAD~1"), Some(git(&second, "rev-parse HEAD~1")));
        git(&second, "commit-graph write --reachable");
        assert_eq!(merge_base(&second, "HEAD~1"), None);
    }

    /// Finds loose and packed objects, including those in another repository, and lists the same paths as git.
    #[test]
    fn objects_are_read_as_git_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::fs::create_dir_all(first.join("a/b")).unwrap();
        git(&first, "init -q");
        // Similar versions are stored as deltas.
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
