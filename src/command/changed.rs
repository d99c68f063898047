//! `--changed`: determines which lines differ from the main branch.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::path::Path;

use super::Failure;
use super::git::{Base, Git, Listing, Objects};
use crate::finding::{Finding, RelPath, RuleId, Span, UNCHECKED};
use crate::knowledge::third_party;
use crate::lang::limits::bounded;
use crate::lang::{Field, Language, NodeKind, Tree, shell};
use crate::line_diff::{changed_lines, kept_lines};
use crate::output::Places;
use crate::report::Report;
use crate::rule::own;
use crate::settings::Settings;
use crate::source::{FileKind, LineIndex, Source};
use crate::suppress::{self, Suppression};
use crate::{fingerprint, paths, run, walk};

/// The state of a repository at an earlier commit.
pub struct Changed<'a> {
    root: &'a Path,
    /// The earlier files.
    before: Listing,
    /// The folders that package managers filled.
    vendored: HashSet<String>,
    objects: Objects,
    converts_line_ends: bool,
    /// The files to compare.
    compared: HashMap<RelPath, Comparison>,
    /// Changed files that a sparse checkout leaves out.
    absent: Vec<Finding>,
    /// Whether one of the repository's custom rules changed. `None` if that has not been determined yet.
    rules_changed: Option<bool>,
}

/// Rules whose findings any change to the file may cause, whatever their position.
const WHOLE_FILE: [&str; 2] = [UNCHECKED, "syntax-error"];

/// A file compared with its earlier version.
enum Comparison {
    /// Every line counts as changed: the file is new, or the earlier version was not checked.
    All,
    Same,
    Some(Version),
}

/// The earlier version of a file.
struct Version {
    text: String,
    /// The ranges of new or changed lines in the current version, counted from 1.
    changed: Vec<RangeInclusive<u32>>,
    /// For each current line, its index in the earlier version; `None` if the line is new or changed.
    kept: Vec<Option<usize>>,
    /// The lines of the earlier version in which suppressions silence each rule.
    suppressed: OnceCell<HashMap<RuleId, Ranges>>,
}

impl Version {
    /// Whether a suppression in the earlier version silenced a rule at an offset. `now` is the current version, and
    /// `index` contains its line starts.
    fn suppressed(&self, rule: RuleId, offset: u32, now: &Source, index: &LineIndex, settings: &Settings) -> bool {
        let Some(line) = self.kept.get(index.line(offset)).copied().flatten() else { return false };
        let read = || {
            let before = Source::new(&now.path, now.kind, self.text.as_str());
            let tree = Language::of(now.kind).and_then(|language| Tree::read(language, &before.text).ok());
            let read = || Some(suppress::read(&before, tree.as_ref(), &settings.config.catalog, &mut Vec::new()));
            suppressed_lines(bounded(read).unwrap_or_default(), settings.now)
        };
        self.suppressed.get_or_init(read).get(rule).is_some_and(|lines| lines.contains(line))
    }
}

impl<'a> Changed<'a> {
    /// Prepares a comparison with the merge base of a reference and HEAD. Uncommitted changes count as changes.
    pub fn since(root: &'a Path, reference: &str) -> Result<Self, Failure> {
        let git = Git::new(root)?;
        let Base { listing: before, objects, absent, .. } = git.base("--changed", reference)?;
        let vendored = before.files.keys().filter_map(|path| third_party::vendored_folder(path));
        Ok(Self {
            root,
            vendored: vendored.map(str::to_owned).collect(),
            before,
            objects,
            absent,
            rules_changed: None,
            converts_line_ends: git.converts_line_ends()?,
            compared: HashMap::new(),
        })
    }

    /// Keeps the findings with a position on a changed line, and those on lines that were not checked before because
    /// they were in a comment or covered by a suppression.
    pub fn keep(&mut self, report: &mut Report, settings: &Settings) {
        let findings = std::mem::take(&mut report.findings);
        let mut places = Places::new(report);
        let mut kept = Vec::new();
        // Findings are sorted by path.
        for file in findings.chunk_by(|a, b| a.path == b.path) {
            let touched: Vec<bool> = file.iter().map(|finding| self.touches(finding, &mut places, settings)).collect();
            let others: Vec<&Finding> =
                file.iter().zip(&touched).filter(|(_, touched)| !**touched).map(|(finding, _)| finding).collect();
            let mut appeared = self.appeared(&others, &mut places, settings).into_iter();
            let is_kept = |touched: bool| touched || appeared.next().unwrap_or(true);
            kept.extend(
                touched.into_iter().map(is_kept).zip(file).filter(|(kept, _)| *kept).map(|(_, one)| one.clone()),
            );
        }
        report.findings = kept;
        add_absent(std::mem::take(&mut self.absent), report, settings);
    }

    fn touches(&mut self, finding: &Finding, places: &mut Places<'_>, settings: &Settings) -> bool {
        if finding.rule == UNCHECKED && places.blocks(&finding.path) {
            return true;
        }
        if WHOLE_FILE.contains(&finding.rule) {
            // A rule that could not run may be new.
            let may_be_new = finding.rule == UNCHECKED && self.rules_changed(places, settings);
            return may_be_new || !matches!(self.comparison(&finding.path, places, settings), Comparison::Same);
        }
        let mut place = |path: &RelPath, span: Span| match self.comparison(path, places, settings) {
            Comparison::All => true,
            Comparison::Same => false,
            Comparison::Some(version) => {
                let (start, end) = places.of(path, span);
                // Lines are sorted, so only the first range that does not end before the span can overlap it.
                let next = version.changed.partition_point(|range| *range.end() < start.line);
                let next = version.changed.get(next);
                let Some((now, index)) = places.lines(path) else { return next.is_some() };
                next.is_some_and(|range| *range.start() <= end.line)
                    || version.suppressed(finding.rule, span.start, now, index, settings)
            }
        };
        place(&finding.path, finding.span) || finding.labels.iter().any(|label| place(&label.path, label.span))
    }

    /// Returns, for each finding in one file, whether its position was in different code in the earlier version, for
    /// example in a comment or string. The findings are on unchanged lines.
    fn appeared(&mut self, findings: &[&Finding], places: &mut Places<'_>, settings: &Settings) -> Vec<bool> {
        let Some(first) = findings.first() else { return Vec::new() };
        let Comparison::Some(version) = self.comparison(&first.path, places, settings) else {
            return vec![false; findings.len()];
        };
        let Some((now, index)) = places.lines(&first.path) else { return vec![true; findings.len()] };
        let before = Source::new(&now.path, now.kind, version.text.as_str());
        let code = Code::new(&before, now);
        let is_new = |finding: &&Finding| {
            let line = index.line(finding.span.start);
            let old = version.kept.get(line).copied().flatten();
            let column = finding.span.start - index.span(&now.text, line).start;
            old.is_none_or(|old| !code.is_same(finding.span, old, column))
        };
        findings.iter().map(is_new).collect()
    }

    /// Whether one of the repository's custom rules differs from the earlier commit.
    fn rules_changed(&mut self, places: &Places<'_>, settings: &Settings) -> bool {
        if let Some(known) = self.rules_changed {
            return known;
        }
        let own = settings.config.catalog.iter().filter(|rule| rule.id.starts_with(own::PREFIX));
        let pages: Vec<RelPath> = own.map(|rule| own::path(rule.id).into()).collect();
        let changed = pages.iter().any(|page| !matches!(self.comparison(page, places, settings), Comparison::Same));
        *self.rules_changed.insert(changed)
    }

    fn comparison(&mut self, path: &RelPath, places: &Places<'_>, settings: &Settings) -> &Comparison {
        if !self.compared.contains_key(path) {
            let comparison = self.compare(path, places, settings);
            self.compared.insert(path.clone(), comparison);
        }
        self.compared.get(path).unwrap_or(&Comparison::All)
    }

    /// Compares a file with its earlier version. A file that cannot be compared counts as changed.
    fn compare(&mut self, path: &RelPath, places: &Places<'_>, settings: &Settings) -> Comparison {
        // Different names that are not UTF-8 may become the same text.
        let is_certain = !path.contains(char::REPLACEMENT_CHARACTER);
        let checks_all = settings.config.check_third_party;
        if !is_certain || (!checks_all && self.was_vendored(path)) {
            return Comparison::All;
        }
        let target = if self.before.is_link(path) { self.before.target(path, &mut self.objects) } else { None };
        let id = target.or_else(|| self.before.files.get(&**path));
        let Some(before) = id.and_then(|id| self.objects.content(id, walk::MAX_FILE)) else { return Comparison::All };
        match places.source(path) {
            Some(source) => between(before, source, self.converts_line_ends, checks_all),
            None => match walk::read_bytes(&self.root.join(&**path), walk::MAX_FILE) {
                Ok(now) if now == before => Comparison::Same,
                _ => Comparison::All,
            },
        }
    }

    /// Whether a package manager had filled the folder of a file, so that the file was not checked.
    fn was_vendored(&self, path: &str) -> bool {
        !self.vendored.is_empty() && paths::folders(path).any(|folder| self.vendored.contains(folder))
    }
}

/// Adds the findings about changed files that are not in the working tree, unless the files are excluded or were not
/// requested.
pub fn add_absent(absent: Vec<Finding>, report: &mut Report, settings: &Settings) {
    let exclude = &settings.config.exclude;
    let is_excluded = |path: &str| Path::new(path).ancestors().any(|folder| exclude.is_match(folder));
    let is_wanted = |path: &str| run::is_asked(&settings.paths, path) && !is_excluded(path);
    let mut absent: Vec<Finding> = absent.into_iter().filter(|finding| is_wanted(&finding.path)).collect();
    fingerprint::assign(&mut absent, &report.sources);
    // Each finding is about a different file.
    report.files += absent.len();
    report.findings.extend(absent);
    report.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
}

fn between(before: Vec<u8>, now: &Source, converts_line_ends: bool, checks_all: bool) -> Comparison {
    let Ok(mut before) = String::from_utf8(before) else { return Comparison::All };
    if converts_line_ends && !before.contains('\r') && now.text.contains("\r\n") {
        before = before.replace('\n', "\r\n");
    }
    if before == *now.text {
        return Comparison::Same;
    }
    // The kind of settings files comes from the configuration.
    let had_kind = now.kind == FileKind::Settings || walk::kind_of(&now.path, &before) == Some(now.kind);
    if !had_kind || (!checks_all && third_party::is_generated(&now.path, &before)) {
        return Comparison::All;
    }
    let kept = kept_lines(&before, &now.text);
    Comparison::Some(Version { text: before, changed: changed_lines(&kept), kept, suppressed: OnceCell::new() })
}

/// Ranges of lines or offsets, sorted by their start. Each is stored as its start and the highest end of all ranges so
/// far.
struct Ranges(Vec<(usize, usize)>);

impl Ranges {
    fn of(mut ranges: Vec<(usize, usize)>) -> Self {
        ranges.sort_unstable();
        let mut last = 0;
        for (_, end) in &mut ranges {
            last = last.max(*end);
            *end = last;
        }
        Self(ranges)
    }

    fn contains(&self, at: usize) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).is_some_and(|index| self.0[index].1 >= at)
    }
}

/// The lines (from 0) in which suppressions silence each rule.
fn suppressed_lines(suppressions: Vec<Suppression>, today: jiff::civil::Date) -> HashMap<RuleId, Ranges> {
    let mut all: HashMap<RuleId, Vec<(usize, usize)>> = HashMap::new();
    for one in suppressions.into_iter().filter(|one| !one.is_expired(today)) {
        all.entry(one.rule).or_default().push(one.lines.into_inner());
    }
    all.into_iter().map(|(rule, lines)| (rule, Ranges::of(lines))).collect()
}

/// The offsets in a shell script that belong to commands, not to comments or heredocs.
fn commands(source: &Source) -> Ranges {
    let commands = shell::commands(&source.text).into_iter();
    Ranges::of(commands.map(|command| (command.span.start as usize, command.span.end as usize)).collect())
}

/// The trees of the two versions of a file.
struct Code<'v> {
    now: Option<Tree<'v>>,
    before: Option<Tree<'v>>,
    /// The commands of the two versions, if they are shell scripts.
    commands: Option<[Ranges; 2]>,
    /// The line starts of the earlier version.
    index: LineIndex,
}

impl<'v> Code<'v> {
    fn new(before: &'v Source, now: &'v Source) -> Self {
        let tree = |source: &'v Source| Tree::read(Language::of(source.kind)?, &source.text).ok();
        let commands = (now.kind == FileKind::Shell).then(|| [commands(before), commands(now)]);
        Self { before: tree(before), now: tree(now), commands, index: LineIndex::new(&before.text) }
    }

    /// Whether a position had the same kind of code in the earlier version, `column` bytes after the start of a line.
    fn is_same(&self, span: Span, line: usize, column: u32) -> bool {
        let Some(start) = self.index.start(line).map(|start| start + column) else { return false };
        if let Some([before, now]) = &self.commands {
            return before.contains(start as usize) == now.contains(span.start as usize);
        }
        let (Some(before), Some(now)) = (&self.before, &self.now) else {
            return self.before.is_none() == self.now.is_none();
        };
        // After a syntax error, the tree is unreliable.
        if before.broken() && before.faults().is_empty() {
            return false;
        }
        code_at(before, start).is_some_and(|old| code_at(now, span.start) == Some(old))
    }
}

/// The maximum length of a key. Longer keys are not compared.
const LONGEST_KEY: usize = 1_000;

/// Describes a position in a file: the kind of its node, and the attribute or key of which it is the value, which may
/// be on an earlier line. `None` if the key is too long or the tree too deep to compare.
fn code_at<'a>(tree: &Tree<'a>, start: u32) -> Option<(NodeKind, Option<(NodeKind, &'a str)>)> {
    tree.refill();
    bounded(|| {
        let node = tree.covering(Span { start, end: start + 1 });
        let owner = std::iter::once(node).chain(tree.ancestors(node)).find_map(|node| {
            let name = match tree.kind(node) {
                NodeKind::Binding => tree.child(node, Field::Attrpath),
                NodeKind::BlockMappingPair | NodeKind::FlowPair | NodeKind::JsonPair => tree.child(node, Field::Key),
                NodeKind::EnvPair | NodeKind::ArgPair => tree.child(node, Field::Name),
                NodeKind::EnvInstruction | NodeKind::ExposeInstruction | NodeKind::RunInstruction => None,
                _ => return None,
            };
            Some((tree.kind(node), name.map_or("", |name| tree.slice(name))))
        });
        (owner.is_none_or(|(_, name)| name.len() <= LONGEST_KEY)).then(|| (tree.kind(node), owner))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_by_content() {
        let lines = |before: &[u8], now: &str, converts| match between(
            before.to_vec(),
            &Source::new("a.nix", FileKind::Nix, now),
            converts,
            false,
        ) {
            Comparison::All => None,
            Comparison::Same => Some(Vec::new()),
            Comparison::Some(version) => Some(version.changed),
        };
        assert_eq!(lines(b"a\nb\n", "a\nb\n", false), Some(Vec::new()));
        assert_eq!(lines(b"a\nb\n", "a\nc\n", false), Some(vec![2..=2]));
        assert_eq!(lines(b"a\nb\n", "a\r\nb\r\n", false), Some(vec![1..=2]));
        assert_eq!(lines(b"a\nb\n", "a\r\nc\r\n", true), Some(vec![2..=2]));
        assert_eq!(lines(b"\xff\n", "a\n", false), None);
        assert_eq!(lines(b"# @generated\na\n", "a\n", false), None);
    }
}
