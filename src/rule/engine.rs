//! Runs the rules whose pages declare what they match: file kinds, attribute paths and queries.
//!
//! All active queries of a language are one combined query, because running them one by one takes eight times as long.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tree_sitter::{
    Query, QueryCursor, QueryCursorOptions, QueryMatch, QueryPredicate, QueryPredicateArg, StreamingIterator,
};

use super::pattern::Pattern;
use super::{Matcher, Rule, RuleSet};
use crate::finding::{Finding, Note, NoteKind, RuleId, Span, UNCHECKED, Verdict};
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Language, NodeKind, Tree, dockerfile, languages, nix};
use crate::source::{FileKind, Source};
use crate::wording::shortened;

/// The data rules of a run, compiled.
#[derive(Debug, Default)]
pub struct Engine<'r> {
    file: Vec<&'r Rule>,
    attrpath: Vec<Paths<'r>>,
    yamlpath: Vec<Paths<'r>>,
    instruction: Vec<Instructions<'r>>,
    queries: HashMap<Language, Combined<'r>>,
}

/// A rule that matches paths of names.
#[derive(Debug)]
struct Paths<'r> {
    rule: &'r Rule,
    /// The names of each path; `*` matches any name.
    paths: Vec<Vec<&'r str>>,
    /// The time limit for matching the rule's `value`.
    budget: Budget,
}

/// A rule that matches instructions.
#[derive(Debug)]
struct Instructions<'r> {
    rule: &'r Rule,
    /// Their names.
    words: &'r [String],
    /// The time limit for matching the rule's `value`.
    budget: Budget,
}

impl<'r> Paths<'r> {
    fn new(rule: &'r Rule, paths: &'r [String]) -> Self {
        let paths = paths.iter().map(|path| path.split('.').collect()).collect();
        Self { rule, paths, budget: Budget::default() }
    }

    /// Whether the text may match: it contains the last name of a path, or an escape sequence, which may spell the
    /// name.
    fn possible(&self, text: &str) -> bool {
        let contains = |name: &str| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some();
        let mut last = self.paths.iter().filter_map(|path| path.last());
        last.any(|name| *name == "*" || contains(name)) || memchr::memchr(b'\\', text.as_bytes()).is_some()
    }

    /// Whether a path ends with one of the rule's paths.
    fn matches(&self, path: &[Option<&str>]) -> bool {
        self.paths.iter().any(|pattern| {
            let Some(start) = path.len().checked_sub(pattern.len()) else { return false };
            path[start..].iter().zip(pattern).all(|(name, word)| *word == "*" || *name == Some(*word))
        })
    }
}

/// The queries of one language, compiled when the first file needs them.
#[derive(Debug)]
struct Combined<'r> {
    rules: Vec<&'r Rule>,
    compiled: Mutex<Option<Option<Arc<Compiled<'r>>>>>,
    /// The time limit of all rules together. Once it is exceeded, each rule runs separately.
    together: Budget,
    /// The time limit of each rule when it runs separately.
    alone: Vec<Budget>,
}

/// The time that a query or a pattern may take in a run, over all threads.
#[derive(Debug, Default)]
struct Budget {
    spent: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    /// Adds the bytes of a file, which raise the limit.
    fn enter(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// The remaining time.
    fn left(&self) -> Duration {
        let bytes = self.bytes.load(Relaxed);
        let allowed = (TIME_LIMIT.as_nanos() as u64).saturating_add(bytes.saturating_mul(NANOS_PER_BYTE));
        Duration::from_nanos(allowed.saturating_sub(self.spent.load(Relaxed)))
    }

    fn spend(&self, time: Duration) {
        self.spent.fetch_add(time.as_nanos() as u64, Relaxed);
    }
}

#[derive(Debug)]
struct Compiled<'r> {
    query: Query,
    /// The rule of each pattern.
    owners: Vec<&'r Rule>,
    /// For each pattern, its predicates that match regular expressions.
    predicates: Vec<Vec<Predicate>>,
    finding: u32,
}

/// A predicate such as `#match?`. The library's implementation has no time limit, so the engine evaluates it.
#[derive(Debug)]
struct Predicate {
    capture: u32,
    pattern: Pattern,
    /// Whether the nodes must match, rather than not match.
    is_positive: bool,
    /// Whether this applies to all captured nodes, rather than to any of them.
    is_of_all: bool,
}

impl Predicate {
    /// Reads a predicate with a name that [`own_predicates`] wrote. `None` for others.
    fn read(predicate: &QueryPredicate) -> Option<Self> {
        let quantifiers = predicate.operator.strip_suffix(OWN_MATCH)?;
        let [QueryPredicateArg::Capture(capture), QueryPredicateArg::String(pattern)] = &*predicate.args else {
            return None;
        };
        Some(Self {
            capture: *capture,
            pattern: Pattern::new(pattern, PREDICATE_SIZE).ok()?,
            is_positive: !quantifiers.ends_with("not-"),
            is_of_all: !quantifiers.starts_with("any-"),
        })
    }

    /// Whether a match satisfies the predicate, as the library defines it. `None` if it would take too long to
    /// determine that.
    fn holds(&self, found: &QueryMatch<'_, '_>, text: &[u8], is_late: impl Fn() -> bool) -> Option<bool> {
        for capture in found.captures().iter().filter(|capture| capture.index == self.capture) {
            // A quantified capture may have thousands of nodes.
            if is_late() {
                return None;
            }
            let is_match = self.pattern.is_match(&text[capture.node.byte_range()])?;
            if (is_match == self.is_positive) != self.is_of_all {
                return Some(!self.is_of_all);
            }
        }
        Some(true)
    }
}

/// The suffix of the names under which the engine evaluates predicates.
const OWN_MATCH: &str = "own-match?";

/// The maximum size of a predicate's compiled expression, in bytes.
const PREDICATE_SIZE: usize = 1 << 20;

/// Renames the predicates that match regular expressions, so that the library does not evaluate them.
pub(super) fn own_predicates(query: &str) -> String {
    let mut out = String::new();
    let mut rest = query;
    while let Some(at) = rest.find(['"', ';', '#', '.', '@']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = match from.as_bytes()[0] {
            b'"' => string_length(from),
            b';' => from.find('\n').unwrap_or(from.len()),
            _ => {
                let name = from[1..].find(|c: char| !c.is_ascii_alphanumeric() && !"-_?!.".contains(c));
                name.map_or(from.len(), |end| end + 1)
            }
        };
        let (token, after) = from.split_at(length);
        // A capture can have any name: `@x.match?`.
        match token[1..].strip_suffix("match?").filter(|_| !token.starts_with('@')) {
            Some("" | "not-" | "any-" | "any-not-") => {
                out.push_str(&token[..token.len() - "match?".len()]);
                out.push_str(OWN_MATCH);
            }
            _ => out.push_str(token),
        }
        rest = after;
    }
    out + rest
}

/// The length of the string at the start of a query, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// A rule and a span that it matches in a file.
type Hit<'r> = (&'r Rule, Span);

/// What a query matched, and whether it was stopped early.
struct Searched<'r> {
    hits: Vec<Hit<'r>>,
    stopped: bool,
}

/// The maximum number of findings of one rule in one file.
const FINDINGS_LIMIT: usize = 1000;
/// The maximum number of unfinished matches; queries with more are aborted.
const MATCH_LIMIT: u32 = 1024;
/// The time limit of a query for all files of a run. It is wall-clock time, because the cost of a step depends on the
/// query; useful queries take a hundredth of it.
const TIME_LIMIT: Duration = Duration::from_millis(300);
/// The time that each searched byte adds to the limit: ten times what ordinary queries take.
const NANOS_PER_BYTE: u64 = 300;

impl<'r> Engine<'r> {
    /// Groups the active data rules by how they match.
    pub fn new(rules: &'r RuleSet) -> Self {
        let mut engine = Self::default();
        for rule in rules.active_rules() {
            match &rule.matcher {
                Matcher::Code => {}
                Matcher::File => engine.file.push(rule),
                Matcher::AttrPath(paths) => engine.attrpath.push(Paths::new(rule, paths)),
                Matcher::YamlPath(paths) => engine.yamlpath.push(Paths::new(rule, paths)),
                Matcher::Instruction(words) => {
                    engine.instruction.push(Instructions { rule, words, budget: Budget::default() })
                }
                Matcher::Query(_) => {
                    for language in languages(rule) {
                        let combined = engine.queries.entry(language).or_insert_with(|| Combined {
                            rules: Vec::new(),
                            compiled: Mutex::new(None),
                            together: Budget::default(),
                            alone: Vec::new(),
                        });
                        combined.rules.push(rule);
                        combined.alone.push(Budget::default());
                    }
                }
            }
        }
        engine
    }

    /// Whether a data rule may match in this file.
    pub fn trigger(&self, source: &Source) -> bool {
        let text = source.text.as_str();
        let is_possible = |paths: &Paths<'_>| paths.rule.covers(source) && paths.possible(text);
        self.file.iter().any(|rule| rule.covers(source))
            || self.attrpath.iter().any(is_possible)
            || self.yamlpath.iter().any(is_possible)
            || self.instruction.iter().any(|instructions| instructions.rule.covers(source))
            || self.may_match_query(source)
    }

    fn may_match_query(&self, source: &Source) -> bool {
        let combined = Language::of(source.kind).and_then(|language| self.queries.get(&language));
        combined.is_some_and(|combined| {
            combined.rules.iter().filter(|rule| rule.covers(source)).any(|rule| {
                let contains = |word: &String| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some();
                rule.trigger.as_ref().is_none_or(contains)
            })
        })
    }

    /// Runs the data rules on one file.
    pub fn run(&self, source: &Source, tree: Option<&Tree<'_>>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut hits = self.files(source);
        if let Some(tree) = tree {
            let mut stopped = match source.kind {
                FileKind::Nix => self.attrpaths(source, tree, &mut hits),
                FileKind::Yaml => self.yamlpaths(source, tree, &mut hits),
                FileKind::Dockerfile => self.instructions(source, tree, &mut hits),
                _ => Vec::new(),
            };
            stopped.sort_by_key(|rule| rule.id);
            stopped.dedup_by_key(|rule| rule.id);
            for rule in stopped {
                verdict.report(self::stopped(source, rule, "regular expression"));
            }
            let language = Language::of(source.kind);
            if let Some((language, combined)) = language.and_then(|it| Some((it, self.queries.get(&it)?))) {
                let stopped = combined.run(language, tree, &mut hits);
                for rule in stopped.into_iter().filter(|rule| rule.covers(source)) {
                    verdict.report(self::stopped(source, rule, "query"));
                }
            }
        }
        hits.retain(|(rule, _)| rule.covers(source));
        report(source, hits, &mut verdict);
        verdict
    }

    /// The matches of the file itself, which are reported at its first line.
    fn files(&self, source: &Source) -> Vec<Hit<'r>> {
        let end = source.text.find(['\n', '\r']).unwrap_or(source.text.len());
        self.file.iter().filter(|rule| rule.covers(source)).map(|rule| (*rule, Span::new(0, end))).collect()
    }

    /// Adds the matches of attribute paths. Returns the rules that were stopped, possibly with duplicates.
    fn attrpaths(&self, source: &Source, tree: &Tree<'_>, hits: &mut Vec<Hit<'r>>) -> Vec<&'r Rule> {
        let mut stopped = Vec::new();
        let rules = entered(&self.attrpath, source);
        if rules.is_empty() {
            return stopped;
        }
        for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
            let (Some(place), Some(path)) = (nix::attrpath_node(tree, binding), nix::attr_path(tree, binding)) else {
                continue;
            };
            let names: Vec<Option<&str>> = path.iter().map(|name| name.text.as_deref()).collect();
            let value = nix::value(tree, binding).map_or("", |value| tree.slice(value));
            for paths in rules.iter().filter(|paths| paths.matches(&names)) {
                decide(paths.rule, value, &paths.budget, tree.span(place), hits, &mut stopped);
            }
        }
        stopped
    }

    /// Adds the matches of YAML paths. Returns the rules that were stopped, possibly with duplicates.
    fn yamlpaths(&self, source: &Source, tree: &Tree<'_>, hits: &mut Vec<Hit<'r>>) -> Vec<&'r Rule> {
        let mut stopped = Vec::new();
        let rules = entered(&self.yamlpath, source);
        if rules.is_empty() {
            return stopped;
        }
        let yaml = Yaml::new(tree);
        let is_pair = |kind| matches!(kind, NodeKind::BlockMappingPair | NodeKind::FlowPair);
        for pair in tree.nodes().filter(|&node| is_pair(tree.kind(node))) {
            let Some(key) = tree.child(pair, Field::Key) else { continue };
            let path = yaml.path_of(key);
            let names: Vec<Option<&str>> = path.iter().map(|name| Some(&**name)).collect();
            let value = tree.child(pair, Field::Value).map_or("", |value| tree.slice(value));
            for paths in rules.iter().filter(|paths| paths.matches(&names)) {
                decide(paths.rule, value, &paths.budget, tree.span(key), hits, &mut stopped);
            }
        }
        stopped
    }

    /// Adds the matches of instructions. Returns the rules that were stopped, possibly with duplicates.
    fn instructions(&self, source: &Source, tree: &Tree<'_>, hits: &mut Vec<Hit<'r>>) -> Vec<&'r Rule> {
        let mut stopped = Vec::new();
        let rules: Vec<&Instructions<'r>> = self.instruction.iter().filter(|it| it.rule.covers(source)).collect();
        if rules.is_empty() {
            return stopped;
        }
        rules.iter().for_each(|instructions| instructions.budget.enter(source.text.len()));
        for statement in dockerfile::statements(tree) {
            let is_named = |word: &String| word.eq_ignore_ascii_case(statement.keyword);
            for Instructions { rule, budget, .. } in rules.iter().filter(|it| it.words.iter().any(is_named)) {
                decide(rule, statement.arguments, budget, statement.line, hits, &mut stopped);
            }
        }
        stopped
    }
}

/// The rules that apply to a file. Their time limits are raised by its size.
fn entered<'e, 'r>(rules: &'e [Paths<'r>], source: &Source) -> Vec<&'e Paths<'r>> {
    let covering: Vec<&Paths<'r>> = rules.iter().filter(|paths| paths.rule.covers(source)).collect();
    covering.iter().for_each(|paths| paths.budget.enter(source.text.len()));
    covering
}

/// Adds a match if the value fits the rule. If the time limit prevents a decision, adds the rule to those that were
/// stopped.
fn decide<'r>(
    rule: &'r Rule,
    value: &str,
    budget: &Budget,
    span: Span,
    hits: &mut Vec<Hit<'r>>,
    stopped: &mut Vec<&'r Rule>,
) {
    match fits(rule, value, budget) {
        Some(true) => hits.push((rule, span)),
        Some(false) => {}
        None => stopped.push(rule),
    }
}

/// Whether a rule matches a value. `None` if it would take too long to determine that.
fn fits(rule: &Rule, value: &str, budget: &Budget) -> Option<bool> {
    let Some(wanted) = &rule.value else { return Some(true) };
    let Some(wanted) = wanted.get() else { return Some(false) };
    if budget.left().is_zero() {
        return None;
    }
    let start = Instant::now();
    let is_match = wanted.is_match(value.as_bytes());
    budget.spend(start.elapsed());
    is_match
}

/// The finding for a file in which a rule was stopped.
fn stopped(source: &Source, rule: &Rule, what: &str) -> Finding {
    let message = format!("the {what} of {} exceeded its limits in this file and was aborted", rule.id);
    let help = format!("simplify the {what}, or remove the rule");
    Finding::new(UNCHECKED, &source.path, Span::default(), message).help(help)
}

/// The languages for which the queries of a rule can be written.
pub(super) fn languages(rule: &Rule) -> impl Iterator<Item = Language> {
    languages::with_queries()
        .filter(|(name, _)| rule.languages.iter().any(|language| language == name))
        .map(|(_, language)| language)
}

/// Reports matches. A rule with thousands of matches in one file is a mistake, so their number is limited.
fn report(source: &Source, mut hits: Vec<Hit<'_>>, verdict: &mut Verdict) {
    // A node and its child can have the same span.
    hits.sort_by_key(|(rule, span)| (rule.id, *span));
    hits.dedup_by_key(|(rule, span)| (rule.id, *span));
    let mut counts: HashMap<RuleId, usize> = HashMap::new();
    for (rule, span) in hits {
        let count = counts.entry(rule.id).or_default();
        *count += 1;
        match (*count).cmp(&(FINDINGS_LIMIT + 1)) {
            Ordering::Less => {}
            Ordering::Equal => {
                let message =
                    format!("{} has more than {FINDINGS_LIMIT} findings in this file; the rest is omitted", rule.id);
                verdict.notes.push(skipped(source, message));
                continue;
            }
            Ordering::Greater => continue,
        }
        let fill = |template: &str| template.replace("{text}", &shortened(source.slice(span), 60));
        let mut finding = Finding::new(rule.id, &source.path, span, fill(&rule.message));
        if let Some(help) = &rule.help {
            finding = finding.help(fill(help));
        }
        verdict.report(finding);
    }
}

fn skipped(source: &Source, message: String) -> Note {
    Note { kind: NoteKind::Skipped, path: Some(source.path.clone()), message }
}

impl<'r> Combined<'r> {
    fn compiled(&self, language: Language) -> Option<Arc<Compiled<'r>>> {
        let mut slot = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| Compiled::new(language, &self.rules).map(Arc::new)).clone()
    }

    /// Adds the matches of the queries. Returns the rules that were stopped.
    fn run(&self, language: Language, tree: &Tree<'_>, hits: &mut Vec<Hit<'r>>) -> Vec<&'r Rule> {
        let mut stopped = Vec::new();
        let Some(compiled) = self.compiled(language) else { return stopped };
        match compiled.search(tree, &self.together) {
            Searched { hits: found, stopped: false } => hits.extend(found),
            // A query that takes too long must not stop the others.
            Searched { .. } => {
                for (&rule, budget) in self.rules.iter().zip(&self.alone) {
                    let Some(alone) = Compiled::new(language, &[rule]) else {
                        stopped.push(rule);
                        continue;
                    };
                    let searched = alone.search(tree, budget);
                    hits.extend(searched.hits);
                    if searched.stopped {
                        stopped.push(rule);
                    }
                }
            }
        }
        stopped
    }
}

impl<'r> Compiled<'r> {
    fn new(language: Language, rules: &[&'r Rule]) -> Option<Self> {
        let mut text = String::new();
        let mut ends = Vec::new();
        for rule in rules {
            let Matcher::Query(query) = &rule.matcher else { continue };
            text.push_str(&own_predicates(query));
            text.push('\n');
            ends.push((text.len(), *rule));
        }
        // The query of a page was compiled when the page was read; for built-in pages, a test compiles it.
        let query = Query::new(&language.grammar(), &text).ok()?;
        let owners = (0..query.pattern_count())
            .map(|pattern| {
                let start = query.start_byte_for_pattern(pattern);
                ends.iter().find(|(end, _)| start < *end).map(|(_, rule)| *rule)
            })
            .collect::<Option<Vec<_>>>()?;
        let predicates = (0..query.pattern_count())
            .map(|pattern| query.general_predicates(pattern).iter().map(Predicate::read).collect())
            .collect::<Option<Vec<_>>>()?;
        let finding = query.capture_index_for_name("finding")?;
        Some(Self { query, owners, predicates, finding })
    }

    fn search(&self, tree: &Tree<'_>, budget: &Budget) -> Searched<'r> {
        let Some(raw) = tree.raw() else { return Searched { hits: Vec::new(), stopped: true } };
        budget.enter(tree.text().len());
        let left = budget.left();
        if left.is_zero() {
            return Searched { hits: Vec::new(), stopped: true };
        }
        let (start, late) = (Instant::now(), Cell::new(false));
        let mut progress = |_: &tree_sitter::QueryCursorState| {
            late.set(start.elapsed() > left);
            if late.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MATCH_LIMIT);
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let text = tree.text().as_bytes();
        let mut hits = Vec::new();
        let mut matches = cursor.matches_with_options(&self.query, raw.root_node(), text, options);
        while let Some(found) = matches.next() {
            let predicates = &self.predicates[found.pattern_index];
            let holds = predicates
                .iter()
                .try_fold(true, |all, it| Some(all && it.holds(found, text, || start.elapsed() > left)?));
            if !predicates.is_empty() && (holds.is_none() || start.elapsed() > left) {
                late.set(true);
                break;
            }
            if holds == Some(false) {
                continue;
            }
            let rule = self.owners[found.pattern_index];
            let marked = found.captures().iter().filter(|capture| capture.index == self.finding);
            hits.extend(marked.map(|capture| (rule, Span::from(capture.node.byte_range()))));
        }
        budget.spend(start.elapsed());
        Searched { hits, stopped: cursor.did_exceed_match_limit() || late.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_predicates_with_regular_expressions_are_renamed() {
        for (query, expected) in [
            ("((a) @b (#match? @b \"x\"))", "((a) @b (#own-match? @b \"x\"))"),
            ("(#any-not-match? @b \"#match? \\\" #match?\")", "(#any-not-own-match? @b \"#match? \\\" #match?\")"),
            (
                "( .not-match? @b \"\") ; #match?\n(#match? @c \"\")",
                "( .not-own-match? @b \"\") ; #match?\n(#own-match? @c \"\")",
            ),
            ("((a) @x.match? (#eq? @x.match? \"y\"))", "((a) @x.match? (#eq? @x.match? \"y\"))"),
            ("((a) @x.match (#match? @x.match \"y\"))", "((a) @x.match (#own-match? @x.match \"y\"))"),
            ("(a . (b) #eq? @b \"match?\"", "(a . (b) #eq? @b \"match?\""),
            ("\"open #match?", "\"open #match?"),
        ] {
            assert_eq!(own_predicates(query), expected);
        }
    }
}
