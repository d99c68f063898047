//! `--new-since`: reports the findings of the working tree that an earlier commit does not have.
//!
//! Both trees are checked as a whole with the current settings, the earlier one only for the rules that have findings
//! now. Findings are compared by fingerprint. A conflict that a change causes in an unchanged file is therefore new,
//! and merely enabling a rule causes no new findings.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use sha1::Digest;

use super::Failure;
use super::changed::add_absent;
use super::git::{Base, Git, Listing};
use super::session::Session;
use crate::analysis::Analysis;
use crate::finding::{Finding, Note, NoteKind, RelPath, UNCHECKED};
use crate::globs::Globs;
use crate::knowledge::third_party;
use crate::repo::RepoFile;
use crate::report::Report;
use crate::settings::Settings;
use crate::suppress::baseline::Baseline;
use crate::{paths, walk};

/// The rules whose findings depend on which other rules run.
const OF_ALL_RULES: [&str; 3] = ["expired-suppression", "syntax-error", "unused-suppression"];

/// Checks a repository and keeps the findings that the merge base of `reference` and HEAD does not have. Git runs in
/// parallel with the check.
pub fn check(session: &mut Session, reference: &str) -> Result<Report, Failure> {
    let root = session.root.clone();
    let (analysis, report, earlier) = std::thread::scope(|scope| {
        let earlier = scope.spawn(|| Earlier::of(&root, reference));
        let repo = session.repo().own(&session.settings).into_owned();
        let mut analysis = Analysis::new(repo, std::mem::take(&mut session.settings)).with_digest(sha1_id);
        let report = analysis.report();
        (analysis, report, earlier.join())
    });
    let earlier = earlier.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    earlier.keep_new(report, analysis, &mut session.settings)
}

/// The files of an earlier commit.
struct Earlier<'r> {
    git: Git<'r>,
    base: Base,
}

impl<'r> Earlier<'r> {
    /// Reads the merge base of a reference and HEAD. Commits of the reference after the merge base are not considered.
    fn of(root: &'r Path, reference: &str) -> Result<Self, Failure> {
        let git = Git::new(root)?;
        let base = git.base("--new-since", reference)?;
        Ok(Self { git, base })
    }

    /// Keeps the findings of a report that the earlier commit does not have.
    fn keep_new(
        mut self,
        mut report: Report,
        mut analysis: Analysis,
        settings: &mut Settings,
    ) -> Result<Report, Failure> {
        let exists: Vec<RelPath> = analysis.repo().paths().cloned().collect();
        let before = self.earlier_findings(&report.findings, &mut analysis);
        *settings = analysis.into_settings();
        let before = before?;
        let exists = |path: &str| exists.binary_search_by(|known| (**known).cmp(path)).is_ok();
        let known = Baseline::of(&before).silence(&mut report.findings, &report.sources, exists, settings.now);
        let message = format!("not reported: {} that commit {} also has", known.silenced.len(), self.short());
        report.notes.push(Note { kind: NoteKind::Info, path: None, message });
        add_absent(self.base.absent, &mut report, settings);
        Ok(report)
    }

    /// The earlier commit's findings, for the rules that have findings now.
    fn earlier_findings(&mut self, now: &[Finding], analysis: &mut Analysis) -> Result<Vec<Finding>, Failure> {
        // A file that cannot be checked is always reported.
        let rules: HashSet<&str> = now.iter().map(|finding| finding.rule).filter(|rule| *rule != UNCHECKED).collect();
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        self.add_links(analysis)?;
        // Which suppressions are used and which files are parsed depends on the other rules.
        if !OF_ALL_RULES.iter().any(|rule| rules.contains(rule)) {
            analysis.narrow(|rule| rules.contains(rule));
        }
        self.go_back(analysis)?;
        let report = analysis.report_of_everything();
        if report.internal_error() {
            return Err(Failure::new(format!("internal error in a check of commit {}", self.short()))
                .help("this is a bug in flakeward, please report it"));
        }
        Ok(report.findings)
    }

    /// Adds the links that are checked instead of their targets, with the contents of the targets.
    fn add_links(&mut self, analysis: &Analysis) -> Result<(), Failure> {
        let links: Vec<RelPath> =
            analysis.repo().paths().filter(|path| self.base.listing.is_link(path)).cloned().collect();
        if links.is_empty() {
            return Ok(());
        }
        for path in links {
            if let Some(id) = self.base.listing.target(&path, &mut self.base.objects).cloned() {
                self.base.listing.files.insert(path.to_string(), id);
            }
        }
        Ok(())
    }

    fn short(&self) -> &str {
        self.base.commit.get(..12).unwrap_or(&self.base.commit)
    }

    /// Replaces the files of an analysis with those of the earlier commit.
    fn go_back(&mut self, analysis: &mut Analysis) -> Result<(), Failure> {
        let (listing, files) = (&self.base.listing, &analysis.repo().files);
        let now: HashMap<RelPath, bool> =
            files.par_iter().map(|file| (file.path().clone(), is_same(listing, file, analysis))).collect();
        // Vendored files were not checked, even if they are now elsewhere or no longer count as vendored.
        let checks_all = analysis.settings().config.check_third_party;
        let vendored = self.base.listing.files.keys().filter(|_| !checks_all);
        let vendored: HashSet<&str> = vendored.filter_map(|path| third_party::vendored_folder(path)).collect();
        let was_vendored = |path: &str| paths::folders(path).any(|folder| vendored.contains(folder));
        let is_gone = |path: &str| !self.base.listing.files.contains_key(path) || was_vendored(path);
        let mut removed: HashSet<&str> = now.keys().map(|path| &**path).filter(|path| is_gone(path)).collect();
        let is_excluded =
            |path: &str, exclude: &Globs| Path::new(path).ancestors().any(|folder| exclude.is_match(folder));
        let repo = analysis.repo();
        let exclude = &analysis.settings().config.exclude;
        let is_kept_out = |path: &str| {
            walk::is_of_git(path)
                || repo.third_party.contains_key(path)
                || was_vendored(path)
                || (!checks_all && (third_party::in_installed_folder(path) || third_party::is_lock_file(path)))
                || is_excluded(path, exclude)
        };
        let mut changed: Vec<(String, String)> = self
            .base
            .listing
            .files
            .iter()
            .filter(|(path, _)| now.get(path.as_str()) != Some(&true) && may_have_kind(path) && !is_kept_out(path))
            .map(|(path, id)| (path.clone(), id.clone()))
            .collect();
        changed.sort_unstable();
        let commit = self.short().to_owned();
        let unread = |id: &str, reason: &str| {
            let path = changed.iter().find(|(_, changed)| changed == id).map_or(id, |(path, _)| path);
            Failure::new(format!("cannot read {path} in commit {commit}: {reason}"))
                .help("this is a partial clone; `git fetch --refetch --no-filter` downloads the missing objects")
        };
        let ids: Vec<&str> = changed.iter().map(|(_, id)| id.as_str()).collect();
        let contents = self.git.contents(&mut self.base.objects, &ids, walk::MAX_FILE, unread)?;
        let mut files = Vec::new();
        for ((path, _), content) in changed.iter().zip(contents) {
            match content {
                // A file that is too large was not checked then either.
                None => drop(removed.insert(path)),
                Some(bytes) => files.push((path.as_str(), bytes)),
            }
        }
        analysis.update(&removed, files);
        Ok(())
    }
}

/// Whether a file is the same as in an earlier commit. Line endings that git converts count as changes.
fn is_same(before: &Listing, file: &RepoFile, analysis: &Analysis) -> bool {
    // Different names that are not UTF-8 may become the same text.
    let is_certain = !file.path().contains(char::REPLACEMENT_CHARACTER);
    let Some(id) = before.files.get(&**file.path()).filter(|_| is_certain) else { return false };
    match (file, analysis.digest(file.path())) {
        (_, Some(digest)) if digest.len() == id.len() => digest == id,
        (RepoFile::Memory(source), _) => object_id(source.text.as_bytes(), id.len()) == *id,
        (RepoFile::Disk(entry), _) => {
            walk::read_bytes(&entry.file, walk::MAX_FILE).is_ok_and(|bytes| object_id(&bytes, id.len()) == *id)
        }
    }
}

/// Whether a file may be of a checked kind, judging by its name. For scripts without an extension, the content decides.
fn may_have_kind(path: &str) -> bool {
    walk::by_name(path).is_some() || walk::may_be_script(path)
}

/// The object id of a file's text in repositories with SHA-1.
fn sha1_id(text: &str) -> String {
    object_id(text.as_bytes(), 40)
}

/// The object id of some content, in hexadecimal: SHA-1, or SHA-256 in repositories with ids of that length.
fn object_id(content: &[u8], digits: usize) -> String {
    let head = format!("blob {}\0", content.len());
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    let hex = |bytes: &[u8]| bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    match digits {
        64 => hex(&sha2::Sha256::new().chain_update(head).chain_update(content).finalize()),
        _ => hex(&sha1::Sha1::new().chain_update(head).chain_update(content).finalize()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares ids with the output of `git hash-object`.
    #[test]
    fn object_ids_match_git() {
        assert_eq!(object_id(b"", 40), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(object_id(b"", 64), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
    }
}
