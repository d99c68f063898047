//! Fixes: select those that can be applied together, apply them in memory, check again, and repeat. Then write the
//! result or show it as a diff.
//!
//! Everything is decided in memory ([`fix`]). The disk is accessed once, at the end, by [`mod@write`]. No round leaves
//! a file with syntax errors, and a fix that does not remove its finding is reverted and reported.

mod apply;
mod choose;
pub mod diff;
pub mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::finding::{Edit, Finding, Fix, Level, RelPath, RuleId, Safety, Span};
use crate::lang::{Language, Tree};
use crate::repo::Repo;
use crate::report::Report;
use crate::run;
use crate::settings::Settings;
use crate::source::{FileKind, LineIndex, Place, Source};
use crate::spans::Spans;
use crate::walk;

/// The maximum number of rounds, which is more than any sequence of fixes needs. Two fixes that undo each other would
/// otherwise loop forever.
const ROUNDS: usize = 10;

/// A file that fixes changed or created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: RelPath,
    /// Its text before the fixes; `None` for a file that did not exist.
    pub before: Option<String>,
    /// Its text after the fixes.
    pub after: String,
    /// Whether a fix in another file depends on it. Such files are written first.
    pub needed_elsewhere: bool,
}

/// A finding that was fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The rule.
    pub rule: RuleId,
    /// The file of the finding.
    pub path: RelPath,
    /// The position of the finding when it was fixed.
    pub place: Place,
    /// What the fix did.
    pub title: String,
}

/// A fix that was not applied, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The finding, with its position in the current text.
    pub finding: Finding,
    /// The reason.
    pub reason: String,
    /// Whether the file cannot be written, in which case the run exits with 2.
    pub unwritable: bool,
}

/// The result of fixing a repository in memory.
#[derive(Debug)]
pub struct Outcome {
    /// The fixed findings, in the order in which they were fixed.
    pub fixed: Vec<Fixed>,
    /// The findings that were not fixed, even though they have a fix at an allowed safety level.
    pub refused: Vec<Refused>,
    /// The files to write, sorted by path.
    pub changes: Vec<Change>,
    /// The highest level among the findings before the fixes.
    pub worst_before: Option<Level>,
    /// The number of requested findings that the first report counts as fixable.
    pub promised: usize,
    /// The report on the repository with the changes.
    pub report: Report,
    /// Whether there was something left to fix after the last round.
    pub unsettled: bool,
}

impl Outcome {
    /// The number of remaining findings with a fix that only `--unsafe` applies.
    pub fn unsafe_left(&self) -> usize {
        self.report.fixable().only_unsafe
    }
}

/// Decides whether a file may be written, or created if it does not exist. The error is the reason why it may not.
pub type Guard<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// The fixes to apply.
pub struct Request<'a> {
    /// Fixes up to this safety level.
    pub allowed: Safety,
    /// If set, only findings of this rule are fixed.
    pub only: Option<RuleId>,
    /// Decides which files may be written.
    pub guard: Guard<'a>,
}

impl Request<'_> {
    fn wants(&self, finding: &Finding) -> bool {
        finding.fix.as_ref().is_some_and(|fix| fix.safety <= self.allowed)
            && self.only.is_none_or(|only| only == finding.rule)
    }
}

/// Fixes a repository in memory.
pub fn fix(repo: &Repo, settings: &Settings, request: &Request<'_>) -> Outcome {
    let report = run::check(repo, settings);
    let worst_before = report.findings.iter().map(|finding| finding.level).max();
    let wanted = |finding: &&Finding| request.wants(finding) && report.fixability(finding).is_some();
    let promised = report.findings.iter().filter(wanted).count();
    let repo = repo.clone();
    let mut state = State { repo, report, request, refused: Vec::new(), changes: BTreeMap::new(), has_untried: false };
    let mut fixed = Vec::new();
    let mut settled = false;
    for _ in 0..ROUNDS {
        let done = state.round(settings);
        settled = done.is_empty() && !state.has_untried;
        if settled {
            break;
        }
        fixed.extend(done);
    }
    let unsettled = !settled && !state.wanted().is_empty();
    state.forget_refused();
    let changes = state.changes.into_values().filter(|change| change.before.as_ref() != Some(&change.after)).collect();
    Outcome { fixed, refused: state.refused, changes, worst_before, promised, report: state.report, unsettled }
}

struct State<'a> {
    repo: Repo,
    /// The report on `repo`.
    report: Report,
    request: &'a Request<'a>,
    refused: Vec<Refused>,
    changes: BTreeMap<RelPath, Change>,
    /// Whether this round left some fixes untried.
    has_untried: bool,
}

/// One attempt at a round.
struct Attempt {
    /// The fixes in it, as indices into the report's findings.
    chosen: Vec<usize>,
    edits: choose::Edits,
    texts: BTreeMap<RelPath, String>,
}

impl State<'_> {
    /// Runs one round and returns the fixed findings. If there are none, and all fixes were tried, the work is done.
    fn round(&mut self, settings: &Settings) -> Vec<Fixed> {
        self.has_untried = false;
        let candidates = self.candidates();
        let mut chosen = choose::together(&self.report.findings, &candidates);
        loop {
            let attempt = self.attempt(chosen);
            if attempt.chosen.is_empty() {
                return Vec::new();
            }
            let (repo, report) = self.recheck(&attempt, settings);
            let stayed = self.stayed(&attempt, &report);
            if stayed.is_empty() {
                return self.accept(attempt, repo, report);
            }
            for &at in &stayed {
                self.refuse(at, "the finding would remain".to_owned(), false);
            }
            chosen = attempt.chosen.into_iter().filter(|at| !stayed.contains(at)).collect();
        }
    }

    /// Removes refused fixes from the report, so that it does not count them.
    fn forget_refused(&mut self) {
        let refused = identities(self.refused.iter().map(|refused| &refused.finding));
        for finding in &mut self.report.findings {
            if refused.contains(&identity(finding)) {
                finding.fix = None;
            }
        }
    }

    /// The findings whose fixes are requested and not refused.
    fn wanted(&self) -> Vec<usize> {
        let refused = identities(self.refused.iter().map(|refused| &refused.finding));
        let is_wanted = |finding: &Finding| self.request.wants(finding) && !refused.contains(&identity(finding));
        (0..self.report.findings.len()).filter(|&at| is_wanted(&self.report.findings[at])).collect()
    }

    /// The findings whose fixes may be applied. The fixes of the others are refused with the reason.
    fn candidates(&mut self) -> Vec<usize> {
        let wanted = self.wanted();
        let mut known = Obstacles::default();
        let mut good = Vec::with_capacity(wanted.len());
        for at in wanted {
            match self.obstacle(at, &mut known) {
                None => good.push(at),
                Some((reason, unwritable)) => self.refuse(at, reason, unwritable),
            }
        }
        good
    }

    /// Why the fix of a finding cannot be applied: the reason, and whether a file cannot be written. `None` if it can
    /// be.
    fn obstacle(&self, at: usize, known: &mut Obstacles) -> Option<Obstacle> {
        let fix = self.report.findings[at].fix.as_ref()?;
        if fix.all_edits().next().is_none() {
            return Some(("the fix changes nothing".to_owned(), false));
        }
        let shared = match known.shared.get(&fix.shared.as_ptr()) {
            _ if fix.shared.is_empty() => None,
            Some(known) => known.clone(),
            None => {
                let found = fix.shared.iter().find_map(|edit| self.edit_obstacle(edit, &mut known.files));
                known.shared.insert(fix.shared.as_ptr(), found.clone());
                found
            }
        };
        shared.or_else(|| fix.edits.iter().find_map(|edit| self.edit_obstacle(edit, &mut known.files)))
    }

    fn edit_obstacle(&self, edit: &Edit, files: &mut BTreeMap<RelPath, Option<Obstacle>>) -> Option<Obstacle> {
        let file = files.entry(edit.path.clone()).or_insert_with(|| self.file_obstacle(&edit.path));
        file.clone().or_else(|| {
            let text = self.text(&edit.path).unwrap_or("");
            let fits = text.get(edit.span.range()).is_some();
            (!fits).then(|| (format!("the fix does not match the text of {}", edit.path), false))
        })
    }

    fn file_obstacle(&self, path: &RelPath) -> Option<Obstacle> {
        if !self.changes.contains_key(path)
            && let Err(reason) = (self.request.guard)(path)
        {
            return Some((format!("{path} cannot be written: {reason}"), true));
        }
        match self.report.sources.get(path) {
            Some(source) if !parses(source.kind, &source.text) => Some((format!("{path} has syntax errors"), false)),
            Some(_) => None,
            None if self.repo.has(path) => Some((format!("{path} was not checked"), false)),
            None => None,
        }
    }

    fn text(&self, path: &RelPath) -> Option<&str> {
        self.report.sources.get(path).map(|source| source.text.as_str())
    }

    /// Applies the selected fixes, except those that would leave a file with syntax errors.
    fn attempt(&mut self, mut chosen: Vec<usize>) -> Attempt {
        loop {
            let edits = choose::edits(&self.report.findings, &chosen);
            let texts: BTreeMap<RelPath, String> = edits
                .iter()
                .map(|(path, edits)| (path.clone(), apply::apply(self.text(path).unwrap_or(""), edits)))
                .collect();
            let broken: Vec<RelPath> = texts
                .iter()
                .filter(|(path, text)| !self.would_parse(path, text))
                .map(|(path, _)| path.clone())
                .collect();
            if broken.is_empty() {
                return Attempt { chosen, edits, texts };
            }
            for path in broken {
                chosen = self.without_breaking(&path, chosen);
            }
        }
    }

    fn would_parse(&self, path: &RelPath, text: &str) -> bool {
        let kind = self.report.sources.get(path).map(|source| source.kind).or_else(|| walk::by_name(path));
        kind.is_none_or(|kind| parses(kind, text))
    }

    /// Rejects the fixes that leave a file with syntax errors. Those that were not tried are left for the next round.
    fn without_breaking(&mut self, path: &RelPath, mut chosen: Vec<usize>) -> Vec<usize> {
        const TRIALS: usize = 100;
        let touches = |at: &usize| {
            self.report.findings[*at].fix.as_ref().is_some_and(|fix| fix.files().any(|edited| edited == path))
        };
        let touching = chosen.iter().copied().filter(touches).collect();
        let choose::Halved { bad, untried } = choose::halved(touching, TRIALS, |kept| self.leaves_parsing(path, kept));
        for &at in &bad {
            self.refuse(at, format!("{path} would have syntax errors afterwards"), false);
        }
        self.has_untried |= !untried.is_empty();
        chosen.retain(|at| !bad.contains(at) && !untried.contains(at));
        chosen
    }

    /// Whether a file has no syntax errors after some fixes.
    fn leaves_parsing(&self, path: &RelPath, chosen: &[usize]) -> bool {
        let edits = choose::edits(&self.report.findings, chosen);
        let text = edits.get(path).map(|edits| apply::apply(self.text(path).unwrap_or(""), edits));
        text.is_none_or(|text| self.would_parse(path, &text))
    }

    fn recheck(&self, attempt: &Attempt, settings: &Settings) -> (Repo, Report) {
        let mut repo = self.repo.clone();
        for (path, text) in &attempt.texts {
            let source = match self.report.sources.get(path) {
                Some(old) => Source { path: path.clone(), file: old.file.clone(), kind: old.kind, text: text.clone() },
                None => match walk::by_name(path) {
                    Some(kind) => Source::new(path, kind, text.clone()),
                    None => continue,
                },
            };
            repo.overlay(source);
        }
        let report = run::check(&repo, settings);
        (repo, report)
    }

    /// The selected findings that an attempt did not remove: the new report has a finding of the same rule with the
    /// same message at the position to which the edits move them.
    fn stayed(&self, attempt: &Attempt, report: &Report) -> BTreeSet<usize> {
        let mut left: HashMap<(RuleId, &RelPath, &str), Vec<Span>> = HashMap::new();
        for other in &report.findings {
            left.entry((other.rule, &other.path, &other.message)).or_default().push(other.span);
        }
        let left: HashMap<_, Spans> =
            left.into_iter().map(|(said, spans)| (said, spans.into_iter().collect())).collect();
        let mut moves = Moves::new(&attempt.edits);
        let stays = |at: &usize| {
            let finding = &self.report.findings[*at];
            let spans = left.get(&(finding.rule, &finding.path, finding.message.as_str()));
            spans.is_some_and(|spans| spans.any_at(moves.span(&finding.path, finding.span)))
        };
        attempt.chosen.iter().copied().filter(stays).collect()
    }

    fn accept(&mut self, attempt: Attempt, repo: Repo, report: Report) -> Vec<Fixed> {
        let mut places = Indexes::default();
        let fixed = attempt
            .chosen
            .iter()
            .filter_map(|&at| {
                let finding = &self.report.findings[at];
                Some(Fixed {
                    rule: finding.rule,
                    path: finding.path.clone(),
                    place: places.place(&self.report, finding),
                    title: finding.fix.as_ref()?.title.clone(),
                })
            })
            .collect();
        self.remember(&attempt);
        let mut moves = Moves::new(&attempt.edits);
        for refused in &mut self.refused {
            refused.finding.span = moves.span(&refused.finding.path, refused.finding.span);
        }
        self.repo = repo;
        self.report = report;
        fixed
    }

    fn remember(&mut self, attempt: &Attempt) {
        for (path, text) in &attempt.texts {
            let before = self.text(path).map(str::to_owned);
            let change = self.changes.entry(path.clone()).or_insert_with(|| Change {
                path: path.clone(),
                before,
                after: String::new(),
                needed_elsewhere: false,
            });
            change.after.clone_from(text);
        }
        for &at in &attempt.chosen {
            let finding = &self.report.findings[at];
            for path in finding.fix.iter().flat_map(Fix::files).filter(|path| **path != finding.path) {
                if let Some(change) = self.changes.get_mut(path) {
                    change.needed_elsewhere = true;
                }
            }
        }
    }

    fn refuse(&mut self, at: usize, reason: String, unwritable: bool) {
        let finding = self.report.findings[at].clone();
        self.refused.push(Refused { finding, reason, unwritable });
    }
}

/// Whether the text of a file parses without errors. Always true for kinds without a grammar.
fn parses(kind: FileKind, text: &str) -> bool {
    match Language::of(kind) {
        Some(language) => Tree::parse(language, text).is_some_and(|tree| !tree.broken()),
        None if kind == FileKind::Lock => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        None => true,
    }
}

/// Maps positions in files to the corresponding positions after edits.
struct Moves<'e> {
    edits: &'e choose::Edits,
    files: HashMap<&'e RelPath, apply::Moves>,
}

impl<'e> Moves<'e> {
    fn new(edits: &'e choose::Edits) -> Self {
        Self { edits, files: HashMap::new() }
    }

    /// The span after the edits, from the new position of its start to the new position of its end.
    fn span(&mut self, path: &RelPath, span: Span) -> Span {
        match self.edits.get_key_value(path) {
            Some((path, edits)) => self.files.entry(path).or_insert_with(|| apply::Moves::of(edits)).span(span),
            None => span,
        }
    }
}

/// The properties that identify a finding in different reports.
type Identity<'f> = (RuleId, &'f RelPath, Span, &'f str);

fn identity(finding: &Finding) -> Identity<'_> {
    (finding.rule, &finding.path, finding.span, &finding.message)
}

fn identities<'f>(findings: impl Iterator<Item = &'f Finding>) -> HashSet<Identity<'f>> {
    findings.map(identity).collect()
}

/// Why a fix cannot be applied: the reason, and whether a file cannot be written.
type Obstacle = (String, bool);

/// The obstacles that many fixes have in common.
#[derive(Default)]
struct Obstacles {
    files: BTreeMap<RelPath, Option<Obstacle>>,
    /// The obstacles to shared edits, by the address of the edits.
    shared: HashMap<*const Edit, Option<Obstacle>>,
}

/// Line indexes, created on demand.
#[derive(Default)]
struct Indexes(BTreeMap<RelPath, (Arc<Source>, LineIndex)>);

impl Indexes {
    fn place(&mut self, report: &Report, finding: &Finding) -> Place {
        let Some(source) = report.sources.get(&finding.path) else { return Place { line: 1, column: 1, offset: 0 } };
        let entry =
            self.0.entry(finding.path.clone()).or_insert_with(|| (source.clone(), LineIndex::new(&source.text)));
        entry.1.place(&entry.0.text, finding.span.start)
    }
}
