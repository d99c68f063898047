//! Suppressions and baselines, and findings about unused ones.
//!
//! This file contains suppressions in comments: `flakeward: allow(rule, ..) reason` and `flakeward: allow-file(rule,
//! ..) reason`. An item `until YYYY-MM-DD` between the rules is the last day on which they are in effect.

pub mod accepted;
pub mod baseline;
pub mod entries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use crate::finding::{Edit, Finding, Fix, RelPath, RuleId, Safety, Span, UNCHECKED};
use crate::lang::{Node, NodeKind, Tree};
use crate::rule::{Catalog, groups};
use crate::source::{FileKind, LineIndex, Source};

/// One suppression in a file.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// The file.
    pub path: RelPath,
    /// The whole directive, from `flakeward:` to the end of its reason.
    pub span: Span,
    /// The rule.
    pub rule: RuleId,
    /// What the directive names: the rule, or a group that it is in.
    pub name: String,
    /// The position of that name in the directive.
    pub rule_span: Span,
    /// Whether the directive names more than one rule.
    pub shared: bool,
    /// The reason, as written.
    pub reason: Arc<str>,
    /// The last day on which it is in effect; `None` if it does not expire.
    pub until: Option<Date>,
    /// The lines (from 0, inclusive) that it covers.
    pub lines: std::ops::RangeInclusive<usize>,
    /// Whether the grammar parses it as a comment. In a script inside a string, a comment is part of a value.
    pub is_comment: bool,
    /// Whether it suppressed a finding.
    pub used: bool,
}

impl Suppression {
    /// Whether its last day has passed.
    pub fn is_expired(&self, now: Date) -> bool {
        self.until.is_some_and(|until| until < now)
    }
}

/// Parses a date in the only form that suppressions and baselines accept, YYYY-MM-DD. `None` for any other text.
pub fn date(text: &str) -> Option<Date> {
    let has_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| has_form)
}

const MARK: &str = "flakeward:";

/// Whether the text may contain a suppression.
pub fn possible(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), MARK.as_bytes()).is_some()
}

/// Reads the suppressions in a file. Malformed directives are added to `wrong`, as findings of `unused-suppression`.
pub fn read(source: &Source, tree: Option<&Tree<'_>>, catalog: &Catalog, wrong: &mut Vec<Finding>) -> Vec<Suppression> {
    if !possible(&source.text) {
        return Vec::new();
    }
    let index = LineIndex::new(&source.text);
    let mut found = Vec::new();
    let statements = Statements { source, index: &index, tree };
    let mut code = 0;
    for at in memchr::memmem::find_iter(source.text.as_bytes(), MARK.as_bytes()) {
        let line = index.line(at as u32);
        let line_span = index.span(&source.text, line);
        let before = &source.text[line_span.start as usize..at];
        if !opens_comment(before) {
            continue;
        }
        let rest = extent(before, &source.text[at..line_span.end as usize]);
        let span = Span::new(at, at + rest.len());
        if code <= line {
            code = next_code_line(source, &index, line);
        }
        let alone = before.trim_start().trim_start_matches(['#', '/', '*', ' ', '\t']).is_empty();
        match directive(source, span, rest, catalog) {
            Ok(Directive { whole_file, rules, reason, until }) => {
                let lines = match (whole_file, alone) {
                    (true, _) => 0..=usize::MAX,
                    (false, true) => line..=statements.end(code),
                    (false, false) => line..=line,
                };
                let shared = rules.len() > 1;
                let is_comment = tree.is_some_and(|tree| tree.kind(tree.covering(span)) == NodeKind::Comment);
                found.extend(rules.into_iter().map(|(rule, rule_span)| Suppression {
                    name: source.slice(rule_span).to_owned(),
                    path: source.path.clone(),
                    span,
                    rule,
                    rule_span,
                    shared,
                    reason: reason.clone(),
                    until,
                    lines: lines.clone(),
                    is_comment,
                    used: false,
                }));
            }
            Err(finding) => wrong.push(*finding),
        }
    }
    found
}

/// The text of a directive: up to the end of its comment, or to the next directive on the line.
fn extent<'t>(before: &str, rest: &'t str) -> &'t str {
    let next = rest[MARK.len()..].find(MARK).map_or(rest.len(), |at| MARK.len() + at);
    let text = &rest[..next];
    let is_block = before.trim_end_matches([' ', '\t']).ends_with('*');
    let text = if is_block { text.split("*/").next().unwrap_or(text) } else { text };
    text.trim_end().trim_end_matches("*/").trim_end()
}

/// Whether a directive is at the beginning of a comment, not within prose.
fn opens_comment(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.ends_with('#') || before.ends_with("/*") || before.ends_with('*') || before.ends_with("//")
}

/// The next line that is not a comment. There may be other comments between a directive and the code that it applies
/// to.
fn next_code_line(source: &Source, index: &LineIndex, line: usize) -> usize {
    (line + 1..index.count())
        .find(|&next| {
            let text = source.slice(index.span(&source.text, next)).trim_start();
            !text.starts_with('#') && !text.starts_with("*/")
        })
        .unwrap_or_else(|| index.count())
}

/// The statements that begin on lines of code: an instruction or entry may span several lines.
struct Statements<'s, 'a> {
    source: &'s Source,
    index: &'s LineIndex,
    tree: Option<&'s Tree<'a>>,
}

impl Statements<'_, '_> {
    /// The last line of the statement that begins on a line: a Dockerfile instruction; a binding, list item or YAML
    /// entry without nested bindings or entries; or a command that is continued by backslashes. A set or mapping is not
    /// covered, since it may contain the configuration of a whole service.
    fn end(&self, line: usize) -> usize {
        let continued = self.continued(line);
        let Some(tree) = self.tree else { return continued };
        let span = self.index.span(&self.source.text, line);
        let text = self.source.slice(span);
        let content = text.trim_start();
        if content.is_empty() {
            return continued;
        }
        let first = span.start + (text.len() - content.len()) as u32;
        // In YAML, the first entry of a list item begins after its dash.
        let key = content.trim_start_matches(['-', ' ']);
        let key = first + if self.source.kind == FileKind::Yaml { (content.len() - key.len()) as u32 } else { 0 };
        let ends = [first, key].into_iter().flat_map(|start| {
            let inner = tree.covering(Span { start, end: start + 1 });
            let around = std::iter::once(inner).chain(tree.ancestors(inner));
            let here = around.take_while(|&node| tree.span(node).start >= first);
            here.filter(|&node| is_statement(tree, node) && is_single(tree, node))
                .map(|node| self.last_line(tree, node))
        });
        ends.max().unwrap_or(line).max(continued)
    }

    fn last_line(&self, tree: &Tree<'_>, node: Node) -> usize {
        let Span { start, end } = tree.span(node);
        let text = tree.slice(node).trim_end().len() as u32;
        self.index.line((start + text).min(end).saturating_sub(1).max(start))
    }

    /// The last line of a command that is continued by backslashes.
    fn continued(&self, line: usize) -> usize {
        if !self.source.kind.row().continues {
            return line;
        }
        let goes_on =
            |line: &usize| self.source.slice(self.index.span(&self.source.text, *line)).trim_end().ends_with('\\');
        (line..self.index.count()).find(|line| !goes_on(line)).unwrap_or(line)
    }
}

fn is_statement(tree: &Tree<'_>, node: Node) -> bool {
    match tree.kind(node) {
        NodeKind::Binding
        | NodeKind::Inherit
        | NodeKind::InheritFrom
        | NodeKind::BlockMappingPair
        | NodeKind::BlockSequenceItem => true,
        _ => {
            let parent = tree.parent(node).map(|parent| tree.kind(parent));
            matches!(parent, Some(NodeKind::SourceFile | NodeKind::List))
        }
    }
}

/// Whether a statement contains no other statements.
fn is_single(tree: &Tree<'_>, node: Node) -> bool {
    let holds_others = |node| {
        matches!(
            tree.kind(node),
            NodeKind::Attrset | NodeKind::RecAttrset | NodeKind::LetAttrset | NodeKind::Let | NodeKind::BlockMapping
        )
    };
    !tree.subtree(node).skip(1).any(holds_others)
}

/// The contents of a directive.
struct Directive {
    whole_file: bool,
    rules: Vec<(RuleId, Span)>,
    reason: Arc<str>,
    until: Option<Date>,
}

fn directive(source: &Source, span: Span, text: &str, catalog: &Catalog) -> Result<Directive, Box<Finding>> {
    let fail = |span: Span, message: String, help: String| {
        Box::new(Finding::new("unused-suppression", &source.path, span, message).help(help))
    };
    let form = "write `flakeward: allow(rule) reason`, or `flakeward: allow-file(rule) reason` near the top";
    let body = text[MARK.len()..].trim_start();
    let (whole_file, rest) = if let Some(rest) = body.strip_prefix("allow-file") {
        (true, rest)
    } else if let Some(rest) = body.strip_prefix("allow") {
        (false, rest)
    } else {
        return Err(fail(span, "this is not a valid suppression".into(), form.into()));
    };
    let Some((list, reason)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return Err(fail(span, "a suppression must name the rules that it silences".into(), form.into()));
    };
    let mut rules = Vec::new();
    let mut until = None;
    let list_at = span.start as usize + (list.as_ptr() as usize - text.as_ptr() as usize);
    let mut at = list_at;
    for part in list.split(',') {
        let id = part.trim();
        let id_at = at + (part.len() - part.trim_start().len());
        let id_span = Span::new(id_at, id_at + id.len());
        at += part.len() + 1;
        if let Some(day) = id.strip_prefix("until").filter(|day| day.is_empty() || day.starts_with([' ', '\t'])) {
            let Some(day) = date(day.trim()).filter(|_| until.is_none()) else {
                let help = "write one date, such as `allow(rule, until 2027-03-01) reason`".to_owned();
                return Err(fail(id_span, format!("`{id}` is not a valid expiry date"), help));
            };
            until = Some(day);
            continue;
        }
        match catalog.find(id) {
            Some(rule) if rule.id == UNCHECKED => {
                let help = "leave the file out with `exclude` in flakeward.toml".to_owned();
                return Err(fail(id_span, format!("`{id}` cannot be suppressed: the file is not checked"), help));
            }
            Some(rule) => rules.push((rule.id, id_span)),
            None if groups::is_group(id) => rules.extend(catalog.named(id).into_iter().map(|rule| (rule.id, id_span))),
            None => {
                let (message, help) = catalog.unknown(id);
                return Err(fail(id_span, message, help));
            }
        }
    }
    if rules.is_empty() {
        return Err(fail(span, "a suppression must name the rules that it silences".into(), form.into()));
    }
    if reason.trim_matches(|c: char| !c.is_alphanumeric()).is_empty() {
        let help = "add the reason after the closing parenthesis".to_owned();
        return Err(fail(span, "a suppression needs a reason".into(), help));
    }
    let reason = reason.trim_start_matches([' ', '\t', ':']).trim_end();
    Ok(Directive { whole_file, rules, reason: reason.into(), until })
}

/// The lines of a file that suppressions of one rule cover.
#[derive(Default)]
struct Covered {
    /// First and last line, inclusive; sorted and disjoint once merged.
    ranges: Vec<(usize, usize)>,
    /// The covered lines that have a finding.
    met: BTreeSet<usize>,
}

impl Covered {
    fn merge(&mut self) {
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, kept| {
            let overlaps = next.0 <= kept.1;
            if overlaps {
                kept.1 = kept.1.max(next.1);
            }
            overlaps
        });
    }

    /// Whether a finding on a line is suppressed. Records the line if it is.
    fn meet(&mut self, line: usize) -> bool {
        let at = self.ranges.partition_point(|range| range.0 <= line);
        let silenced = at.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|range| line <= range.1);
        if silenced {
            self.met.insert(line);
        }
        silenced
    }
}

/// Drops findings that suppressions in effect cover, at any of their positions, and marks the suppressions that cover
/// something, including expired ones. Returns the paths of the dropped findings.
pub fn silence(
    findings: &mut Vec<Finding>,
    suppressions: &mut [Suppression],
    sources: &Sources,
    now: Date,
) -> Vec<RelPath> {
    let mut dropped = Vec::new();
    if suppressions.is_empty() {
        return dropped;
    }
    let indexes = indexes(suppressions.iter(), sources);
    let mut covered: BTreeMap<(RelPath, RuleId, bool), Covered> = BTreeMap::new();
    for entry in suppressions.iter() {
        let lines = covered.entry((entry.path.clone(), entry.rule, entry.is_expired(now))).or_default();
        lines.ranges.push((*entry.lines.start(), *entry.lines.end()));
    }
    covered.values_mut().for_each(Covered::merge);
    findings.retain(|finding| {
        let mut silenced = false;
        for (path, span) in places(finding) {
            let Some(index) = indexes.get(path) else { continue };
            let line = index.line(span.start);
            for is_expired in [false, true] {
                let lines = covered.get_mut(&(path.clone(), finding.rule, is_expired));
                silenced |= lines.is_some_and(|lines| lines.meet(line)) && !is_expired;
            }
        }
        if silenced {
            dropped.push(finding.path.clone());
        }
        !silenced
    });
    for entry in suppressions {
        let lines = covered.get(&(entry.path.clone(), entry.rule, entry.is_expired(now)));
        entry.used |= lines.is_some_and(|lines| lines.met.range(entry.lines.clone()).next().is_some());
    }
    dropped
}

/// The suppressions as written: one for each name in a directive. A suppression of a group counts as used if it is used
/// for any rule in the group.
pub fn as_written<'a>(suppressions: impl Iterator<Item = &'a Suppression>) -> Vec<Suppression> {
    let mut written: Vec<Suppression> = Vec::new();
    for entry in suppressions {
        match written.last_mut().filter(|last| (&last.path, last.rule_span) == (&entry.path, entry.rule_span)) {
            Some(last) => last.used |= entry.used,
            None => written.push(entry.clone()),
        }
    }
    written
}

/// Reports the suppressions that cover nothing.
pub fn unused<'a>(suppressions: impl Iterator<Item = &'a Suppression>, sources: &Sources) -> Vec<Finding> {
    let unused: Vec<&Suppression> = suppressions.filter(|entry| !entry.used).collect();
    let indexes = indexes(unused.iter().copied(), sources);
    let report = |entry: &&Suppression| {
        let message = format!("{} reports nothing here: remove the suppression", entry.name);
        let mut finding = Finding::new("unused-suppression", &entry.path, entry.rule_span, message)
            .label("matches nothing")
            .help("remove it, so that it cannot hide a later finding");
        let source = sources.get(&entry.path).zip(indexes.get(&entry.path));
        finding.fix = source.and_then(|(source, index)| removal(entry, source, index));
        finding
    };
    unused.iter().map(report).collect()
}

/// Reports the expired suppressions that would still cover something.
pub fn expired<'a>(suppressions: impl Iterator<Item = &'a Suppression>, now: Date) -> Vec<Finding> {
    let expired = suppressions.filter(|entry| entry.used && entry.is_expired(now));
    expired
        .filter_map(|entry| {
            Some(lapsed(&entry.path, entry.rule_span, format!("the suppression of {}", entry.name), entry.until?))
        })
        .collect()
}

/// The finding about a suppression or baseline row whose last day has passed.
fn lapsed(path: &RelPath, span: Span, what: String, until: Date) -> Finding {
    let message = format!("{what} expired after {until}");
    Finding::new("expired-suppression", path, span, message)
        .label("expired")
        .help("fix the finding, or agree on a new date")
}

/// The files that findings point into.
type Sources = BTreeMap<RelPath, Arc<Source>>;

fn indexes<'a>(
    suppressions: impl IntoIterator<Item = &'a Suppression>,
    sources: &Sources,
) -> BTreeMap<RelPath, LineIndex> {
    let mut indexes = BTreeMap::new();
    for entry in suppressions {
        if let Some(source) = sources.get(&entry.path) {
            indexes.entry(entry.path.clone()).or_insert_with(|| LineIndex::new(&source.text));
        }
    }
    indexes
}

/// The fix that removes a suppression: only the rule's name if the directive has several, or else the whole comment.
/// `None` for comments in a form other than `# ..`.
fn removal(suppression: &Suppression, source: &Source, index: &LineIndex) -> Option<Fix> {
    let (title, span) = match name_in_list(suppression, &source.text) {
        Some(span) => (format!("remove `{}` from the suppression", suppression.name), span),
        None => ("remove the suppression".to_owned(), whole_comment(suppression, source, index)?),
    };
    let safety = if suppression.is_comment { Safety::Safe } else { Safety::Unsafe };
    Some(Fix::new(title, safety, vec![Edit { path: source.path.clone(), span, text: String::new() }]))
}

/// The span of the rule's name with one comma, if the directive also names other rules.
fn name_in_list(suppression: &Suppression, text: &str) -> Option<Span> {
    if !suppression.shared {
        return None;
    }
    let Span { start, end } = suppression.rule_span;
    let after = text.get(end as usize..suppression.span.end as usize)?;
    let before = text.get(suppression.span.start as usize..start as usize)?;
    let list = &before[before.find('(')? + 1..];
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        let kept = rest.trim_start().len();
        return Some(Span { start, end: end + (after.len() - kept) as u32 });
    }
    let kept = list.trim_end().strip_suffix(',')?.len();
    Some(Span { start: start - (list.len() - kept) as u32, end })
}

/// The span of the comment with the white space before it, or of its whole line if the line contains nothing else.
fn whole_comment(suppression: &Suppression, source: &Source, index: &LineIndex) -> Option<Span> {
    let line = index.line(suppression.span.start);
    let line_span = index.span(&source.text, line);
    let before = source.slice(Span { start: line_span.start, end: suppression.span.start }).trim_end();
    let after = source.slice(Span { start: suppression.span.end, end: line_span.end });
    if !before.ends_with('#') || !after.trim().is_empty() {
        return None;
    }
    let code = before.trim_end_matches('#').trim_end();
    if code.is_empty() {
        let end = index.start(line + 1).unwrap_or(source.text.len() as u32);
        return Some(Span { start: line_span.start, end });
    }
    Some(Span { start: line_span.start + code.len() as u32, end: line_span.end })
}

fn places(finding: &Finding) -> impl Iterator<Item = (&RelPath, Span)> {
    std::iter::once((&finding.path, finding.span)).chain(finding.labels.iter().map(|label| (&label.path, label.span)))
}
