//! The file pass: reads and checks each file independently, in parallel.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::check::unreadable_file::{continued_name, cut_off, refused, unparsed, unreadable};
use crate::check::{self, Check, Trigger};
use crate::facts::needles::Finder;
use crate::facts::port_registry::Mentions;
use crate::facts::{Condition, Facts, FileView, Glance, Reader};
use crate::finding::{Finding, Note, NoteKind, RelPath, Verdict};
use crate::knowledge::third_party;
use crate::lang::limits::OutOfSteps;
use crate::lang::{Language, Refusal, Tree};
use crate::repo::{Repo, RepoFile};
use crate::rule::engine::Engine;
use crate::settings::Settings;
use crate::source::Source;
use crate::suppress::{self, Suppression};
use crate::walk::{self, Unreadable};

/// The results for one file. They stay valid as long as the file, the settings, and the names of the repository's
/// registries do not change.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// The file, if there are any results.
    pub source: Option<Arc<Source>>,
    /// The findings and notes of the file's own checks.
    pub verdict: Verdict,
    /// The suppressions in it.
    pub suppressions: Vec<Suppression>,
    /// The facts of the file.
    pub facts: Arc<Facts>,
    /// Its path, if the file is marked as generated. Nothing in it is reported.
    pub generated: Option<RelPath>,
    /// Whether it has syntax errors. If so, it is not fixed.
    pub is_broken: bool,
    /// The digest of its text, if the pass computes one.
    pub digest: Option<String>,
}

/// Computes a digest of a file's text.
pub type Digest = fn(&str) -> String;

/// The data that is the same for every file.
pub struct FilePass<'a> {
    checks: &'a [&'static Check],
    readers: Vec<&'static Reader>,
    engine: Engine<'a>,
    registries: &'a Mentions,
    finder: Finder,
    settings: &'a Settings,
    /// The digest to compute for each text in addition to the results.
    digest: Option<Digest>,
}

/// The readers and checks that apply to a file.
struct Wanted {
    readers: Vec<&'static Reader>,
    checks: Vec<&'static Check>,
    /// Whether a rule without code applies to it.
    data: bool,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.readers.is_empty() && self.checks.is_empty() && !self.data
    }
}

impl<'a> FilePass<'a> {
    /// Creates a pass with these checks and readers, and with the rules without code.
    pub fn new(
        checks: &'a [&'static Check],
        readers: Vec<&'static Reader>,
        registries: &'a Mentions,
        settings: &'a Settings,
    ) -> Self {
        let engine = Engine::new(&settings.rules);
        let finder = Finder::new(check::words(checks, &readers));
        Self { checks, readers, engine, registries, finder, settings, digest: None }
    }

    /// Also computes a digest of each text.
    pub fn with_digest(self, digest: Option<Digest>) -> Self {
        Self { digest, ..self }
    }

    /// Reads a file and checks it.
    pub fn check(&self, file: &RepoFile) -> Outcome {
        let mut outcome = Outcome::default();
        let source = match file {
            RepoFile::Memory(source) => source.clone(),
            RepoFile::Disk(entry) => match walk::read(entry) {
                Ok(source) => Arc::new(source),
                Err(error) => {
                    outcome.verdict.report(unreadable(&error));
                    return outcome;
                }
            },
        };
        outcome.digest = self.digest.map(|digest| digest(&source.text));
        let is_generated =
            !self.settings.config.check_third_party && third_party::is_generated(&source.path, &source.text);
        outcome.generated = is_generated.then(|| source.path.clone());
        let wanted = self.wanted(&source);
        let needed = !wanted.is_empty();
        let wanted = if self.settings.prefilter { wanted } else { self.everything() };
        if !wanted.is_empty() || suppress::possible(&source.text) {
            let tree = read_tree(&source);
            // A rejected file is not reported if no check or reader applies to it.
            let refusal = tree.as_ref().err().filter(|_| needed);
            outcome.verdict.extend(refusal.map(|refusal| refused(&source, *refusal)));
            let tree = tree.ok().flatten();
            outcome.is_broken = tree.as_ref().is_some_and(Tree::broken);
            if let Some(tree) = tree.as_ref().filter(|_| !wanted.is_empty()) {
                let unread = cut_off(&source, tree).or_else(|| unparsed(&source, tree));
                outcome.verdict.extend(unread.or_else(|| continued_name(&source, tree)));
            }
            let view = FileView { source: &source, tree: tree.as_ref(), ports: &self.settings.config.ports };
            self.suppressions(&view, &mut outcome);
            self.look(&view, &wanted, &mut outcome);
        }
        let says = !outcome.verdict.findings.is_empty() || !outcome.suppressions.is_empty();
        outcome.source = (says || !outcome.facts.is_empty()).then_some(source);
        outcome
    }

    /// Reads the suppressions in a file.
    fn suppressions(&self, view: &FileView<'_>, outcome: &mut Outcome) {
        let mut wrong = Vec::new();
        let read = || suppress::read(view.source, view.tree, &self.settings.config.catalog, &mut wrong);
        let found = guarded(view, "suppressions", &mut outcome.verdict, read);
        outcome.suppressions = found.unwrap_or_default();
        outcome.verdict.extend(wrong);
    }

    /// The readers and checks that may report something for a file.
    fn wanted(&self, source: &Source) -> Wanted {
        let glance = Glance {
            source,
            ports: &self.settings.config.ports,
            registries: self.registries,
            words: self.finder.look(&source.text),
            valid_nix: OnceCell::new(),
        };
        let readers = self.readers.iter().copied().filter(|reader| (reader.may_hold)(&glance)).collect();
        let mut wanted = Wanted { readers, checks: Vec::new(), data: self.engine.trigger(source) };
        let mut late = Vec::new();
        for check in self.checks {
            match check.file.as_ref().map(|file| file.trigger) {
                Some(Trigger::Holds(holds)) if holds(&glance) => wanted.checks.push(check),
                Some(Trigger::ParsedOr(holds)) => late.push((*check, holds)),
                _ => {}
            }
        }
        // The most expensive conditions are evaluated once, however many checks share them.
        let mut answers: Vec<(Condition, bool)> = Vec::new();
        for (check, holds) in late {
            let known =
                answers.iter().find(|(asked, _)| std::ptr::fn_addr_eq(*asked, holds)).map(|(_, answer)| *answer);
            if !wanted.is_empty() || known.unwrap_or_else(|| holds(&glance)) {
                wanted.checks.push(check);
            } else if known.is_none() {
                answers.push((holds, false));
            }
        }
        wanted
    }

    fn everything(&self) -> Wanted {
        let checks = self.checks.iter().copied().filter(|check| check.file.is_some()).collect();
        Wanted { readers: self.readers.clone(), checks, data: true }
    }

    fn look(&self, view: &FileView<'_>, wanted: &Wanted, outcome: &mut Outcome) {
        let mut facts = Facts::default();
        for reader in &wanted.readers {
            let fact = guarded(view, reader.name, &mut outcome.verdict, || (reader.read)(view)).flatten();
            fact.into_iter().for_each(|fact| facts.push(fact));
        }
        for message in facts.iter().flat_map(|fact| fact.undecided()) {
            outcome.verdict.not_decidable(&view.source.path, message);
        }
        for check in &wanted.checks {
            let Some(file) = &check.file else { continue };
            let found = guarded(view, check.rule, &mut outcome.verdict, || (file.check)(view));
            outcome.verdict.append(found.unwrap_or_default());
        }
        if wanted.data {
            let found = guarded(view, "query", &mut outcome.verdict, || self.engine.run(view.source, view.tree));
            outcome.verdict.append(found.unwrap_or_default());
        }
        outcome.facts = Arc::new(facts);
    }
}

/// The files that a walk could not read.
pub fn unreadable_files(repo: &Repo) -> impl Iterator<Item = Finding> {
    repo.unreadable.iter().map(unreadable)
}

/// Runs a reader or check on a file. If it panics or exceeds its step limit, reports this and returns `None`, so that
/// the run continues.
fn guarded<T>(view: &FileView<'_>, name: &str, verdict: &mut Verdict, run: impl FnOnce() -> T) -> Option<T> {
    if let Some(tree) = view.tree {
        tree.refill();
    }
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => return Some(result),
        Err(payload) if payload.is::<OutOfSteps>() => {
            let reason = format!("the check `{name}` exceeded its step limit");
            verdict.report(unreadable(&Unreadable { path: view.source.path.clone(), reason }));
        }
        Err(_) => verdict.notes.push(internal_error(name, Some(view.source.path.clone()))),
    }
    None
}

/// The tree of a file, if its kind has a grammar.
fn read_tree(source: &Source) -> Result<Option<Tree<'_>>, Refusal> {
    Language::of(source.kind).map(|language| Tree::read(language, &source.text)).transpose()
}

/// A note about a check that panicked.
pub fn internal_error(check: &str, path: Option<RelPath>) -> Note {
    let place = crate::panics::take().map(|place| format!(" ({place})")).unwrap_or_default();
    let message = format!("internal error in check `{check}`{place}; this is a bug in flakeward, please report it");
    Note { kind: NoteKind::InternalError, path, message }
}
