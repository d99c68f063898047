//! Runs the rules whose pages say in data what matches: file kinds, attribute paths and queries.
//!
//! All active queries of a language are one combined query, because running them one by one costs eight times as much.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use tree_sitter::{Query, QueryCursor, QueryCursorOptions, StreamingIterator};

use super::{Matcher, Rule, RuleSet};
use crate::check::FileContext;
use crate::finding::{NoteKind, Span};
use crate::lang::{Language, Tree, nix};
use crate::source::{Kind, Source};

/// The data rules of a run, ready to match.
#[derive(Debug, Default)]
pub struct Engine {
    file: Vec<&'static Rule>,
    attrpath: Vec<(&'static Rule, Vec<Vec<String>>)>,
    queries: HashMap<Language, Combined>,
}

/// The queries of one language; compiled when the first file needs them.
#[derive(Debug)]
struct Combined {
    rules: Vec<&'static Rule>,
    compiled: Mutex<Option<Option<std::sync::Arc<Compiled>>>>,
}

#[derive(Debug)]
struct Compiled {
    query: Query,
    /// The rule of each pattern.
    owners: Vec<&'static Rule>,
    finding: u32,
}

/// More matches than this in flight mean a runaway query.
const MATCH_LIMIT: u32 = 4096;
/// More progress steps than this on one file mean the same.
const STEP_LIMIT: u32 = 200_000;

impl Engine {
    /// Sorts the active data rules by how they match.
    pub fn new(rules: &RuleSet) -> Self {
        let mut engine = Self::default();
        for rule in rules.active_rules() {
            match &rule.matcher {
                Matcher::Check(_) => {}
                Matcher::File => engine.file.push(rule),
                Matcher::AttrPath(paths) => {
                    let split = |path: &String| path.split('.').map(str::to_owned).collect();
                    engine.attrpath.push((rule, paths.iter().map(split).collect()));
                }
                Matcher::Query(_) => {
                    for language in languages(rule) {
                        let combined = engine
                            .queries
                            .entry(language)
                            .or_insert_with(|| Combined { rules: Vec::new(), compiled: Mutex::new(None) });
                        combined.rules.push(rule);
                    }
                }
            }
        }
        engine
    }

    /// A necessary condition: whether any data rule could say something about this file.
    pub fn trigger(&self, source: &Source) -> bool {
        let named = |rule: &Rule| rule.languages.iter().any(|language| language == source.kind.name());
        if self.file.iter().any(|rule| named(rule)) {
            return true;
        }
        if source.kind == Kind::Nix && !self.attrpath.is_empty() {
            return true;
        }
        Language::of(source.kind).and_then(|language| self.queries.get(&language)).is_some_and(|combined| {
            combined.rules.iter().any(|rule| {
                let words = rule.params.get("trigger").and_then(toml::Value::as_str);
                words.is_none_or(|word| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some())
            })
        })
    }

    /// Matches the data rules on one file.
    pub fn run(&self, context: &mut FileContext<'_>) {
        let Some(tree) = context.tree else { return };
        self.run_file(context, tree);
        if context.source.kind == Kind::Nix {
            self.run_attrpath(context, tree);
        }
        if let Some(combined) = Language::of(context.source.kind).and_then(|language| self.queries.get(&language)) {
            combined.run(context, tree);
        }
    }

    fn run_file(&self, context: &mut FileContext<'_>, tree: &Tree<'_>) {
        for rule in &self.file {
            if rule.languages.iter().any(|language| language == context.source.kind.name()) {
                let first = tree.children(tree.root()).next().map_or(Span::default(), |node| tree.span(node));
                let line = context.source.text[first.range()].lines().next().unwrap_or("").len();
                report(context, rule, Span { start: first.start, end: first.start + line as u32 });
            }
        }
    }

    fn run_attrpath(&self, context: &mut FileContext<'_>, tree: &Tree<'_>) {
        if self.attrpath.is_empty() {
            return;
        }
        for binding in tree.nodes().filter(|&node| tree.kind(node) == crate::lang::Kind::Binding) {
            let Some(path) = nix::attr_path(tree, binding) else { continue };
            for (rule, patterns) in &self.attrpath {
                if patterns.iter().any(|pattern| ends_with(&path, pattern)) {
                    let span = nix::attrpath_node(tree, binding).map_or(tree.span(binding), |node| tree.span(node));
                    report(context, rule, span);
                }
            }
        }
    }
}

fn ends_with(path: &[nix::AttrName<'_>], pattern: &[String]) -> bool {
    path.len() >= pattern.len()
        && path[path.len() - pattern.len()..]
            .iter()
            .zip(pattern)
            .all(|(name, word)| word == "*" || name.text.as_deref() == Some(word))
}

fn languages(rule: &Rule) -> impl Iterator<Item = Language> {
    [(Language::Nix, "nix"), (Language::Yaml, "yaml"), (Language::Dockerfile, "dockerfile")]
        .into_iter()
        .filter(|(_, name)| rule.languages.iter().any(|language| language == name))
        .map(|(language, _)| language)
}

fn report(context: &mut FileContext<'_>, rule: &'static Rule, span: Span) {
    let fill = |template: &str| template.replace("{text}", context.source.slice(span));
    let mut finding = context.finding(rule.id, span, fill(&rule.message));
    if let Some(help) = &rule.help {
        finding = finding.help(fill(help));
    }
    context.report(finding);
}

impl Combined {
    fn compiled(&self, language: Language) -> Option<std::sync::Arc<Compiled>> {
        let mut slot = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| Compiled::new(language, &self.rules).map(std::sync::Arc::new)).clone()
    }

    fn run(&self, context: &mut FileContext<'_>, tree: &Tree<'_>) {
        let Some(compiled) = Language::of(context.source.kind).and_then(|language| self.compiled(language)) else {
            return;
        };
        let Some(raw) = tree.raw() else { return };
        let steps = std::cell::Cell::new(0);
        let mut progress = |_: &tree_sitter::QueryCursorState| {
            steps.set(steps.get() + 1);
            if steps.get() > STEP_LIMIT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MATCH_LIMIT);
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let text = tree.text().as_bytes();
        let mut hits = Vec::new();
        let mut matches = cursor.matches_with_options(&compiled.query, raw.root_node(), text, options);
        while let Some(found) = matches.next() {
            let rule = compiled.owners[found.pattern_index];
            hits.extend(
                found
                    .captures()
                    .iter()
                    .filter(|capture| capture.index == compiled.finding)
                    .map(|capture| (rule, Span::from(capture.node.byte_range()))),
            );
        }
        let exceeded = cursor.did_exceed_match_limit() || steps.get() > STEP_LIMIT;
        for (rule, span) in hits {
            report(context, rule, span);
        }
        if exceeded {
            context.notes.push(crate::finding::Note {
                kind: NoteKind::Skipped,
                path: Some(context.source.path.clone()),
                message: "a query took too long here and was stopped; its findings may be incomplete".to_owned(),
            });
        }
    }
}

impl Compiled {
    fn new(language: Language, rules: &[&'static Rule]) -> Option<Self> {
        let mut text = String::new();
        let mut ends = Vec::new();
        for rule in rules {
            let Matcher::Query(query) = &rule.matcher else { continue };
            text.push_str(query);
            text.push('\n');
            ends.push((text.len(), *rule));
        }
        // A test compiles every page's query, so one that does not compile never ships.
        let query = Query::new(&language.grammar(), &text).ok()?;
        let owners = (0..query.pattern_count())
            .map(|pattern| {
                let start = query.start_byte_for_pattern(pattern);
                ends.iter().find(|(end, _)| start < *end).map(|(_, rule)| *rule)
            })
            .collect::<Option<Vec<_>>>()?;
        let finding = query.capture_index_for_name("finding")?;
        Some(Self { query, owners, finding })
    }
}
