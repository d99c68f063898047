//! Suppressions in comments: `flakeward: allow(rule, ..) reason` and `flakeward: allow-file(rule, ..) reason`.

use crate::finding::{Finding, RelPath, RuleId, Span};
use crate::rule;
use crate::source::{LineIndex, Source};

/// One suppression in a file.
#[derive(Debug)]
pub struct Suppression {
    /// The file.
    pub path: RelPath,
    /// The whole directive, from `flakeward:` to the end of its reason.
    pub span: Span,
    /// The rule.
    pub rule: RuleId,
    /// The rule's place in the directive.
    pub rule_span: Span,
    /// The lines (from 0, inclusive) that it covers.
    pub lines: std::ops::RangeInclusive<usize>,
    /// Whether a finding was silenced by it.
    pub used: bool,
}

const MARK: &str = "flakeward:";

/// Whether a text may hold a suppression.
pub fn possible(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), MARK.as_bytes()).is_some()
}

/// Reads the suppressions of a file. Directives that are not well formed are findings of `unused-suppression`.
pub fn read(source: &Source, wrong: &mut Vec<Finding>) -> Vec<Suppression> {
    if !possible(&source.text) {
        return Vec::new();
    }
    let index = LineIndex::new(&source.text);
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(source.text.as_bytes(), MARK.as_bytes()) {
        let line = index.line(at as u32);
        let line_span = index.span(&source.text, line);
        let before = &source.text[line_span.start as usize..at];
        if !opens_comment(before) {
            continue;
        }
        let rest = source.text[at..line_span.end as usize].trim_end().trim_end_matches("*/").trim_end();
        let span = Span::new(at, at + rest.len());
        let alone = before.trim_start().trim_start_matches(['#', '/', '*', ' ', '\t']).is_empty();
        match directive(source, span, rest) {
            Ok((whole_file, rules)) => {
                let lines = match (whole_file, alone) {
                    (true, _) => 0..=usize::MAX,
                    (false, true) => line..=next_code_line(source, &index, line),
                    (false, false) => line..=line,
                };
                found.extend(rules.into_iter().map(|(rule, rule_span)| Suppression {
                    path: source.path.clone(),
                    span,
                    rule,
                    rule_span,
                    lines: lines.clone(),
                    used: false,
                }));
            }
            Err(finding) => wrong.push(*finding),
        }
    }
    found
}

/// A directive stands at the beginning of a comment, not in the middle of prose.
fn opens_comment(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.ends_with('#') || before.ends_with("/*") || before.ends_with('*') || before.ends_with("//")
}

/// Further comment lines may stand between a directive and the code that it is for.
fn next_code_line(source: &Source, index: &LineIndex, line: usize) -> usize {
    (line + 1..index.count())
        .find(|&next| {
            let text = source.slice(index.span(&source.text, next)).trim_start();
            !text.starts_with('#') && !text.starts_with("*/")
        })
        .unwrap_or(line + 1)
}

type Directive = (bool, Vec<(RuleId, Span)>);

fn directive(source: &Source, span: Span, text: &str) -> Result<Directive, Box<Finding>> {
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
        return Err(fail(span, "this is no suppression that flakeward knows".into(), form.into()));
    };
    let Some((list, reason)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return Err(fail(span, "a suppression names the rules that it silences".into(), form.into()));
    };
    let mut rules = Vec::new();
    let list_at = span.start as usize + (list.as_ptr() as usize - text.as_ptr() as usize);
    let mut at = list_at;
    for part in list.split(',') {
        let id = part.trim();
        let id_at = at + (part.len() - part.trim_start().len());
        let id_span = Span::new(id_at, id_at + id.len());
        at += part.len() + 1;
        match rule::find(id) {
            Some(rule) => rules.push((rule.id, id_span)),
            None => {
                let help = match rule::nearest(id) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`flakeward rules` lists all rules".to_owned(),
                };
                return Err(fail(id_span, format!("there is no rule `{id}`"), help));
            }
        }
    }
    if reason.trim_matches(|c: char| !c.is_alphanumeric()).is_empty() {
        let help = "say after the bracket why this is right here: it is for the next reader".to_owned();
        return Err(fail(span, "a suppression needs a reason".into(), help));
    }
    Ok((whole_file, rules))
}

/// Whether a suppression silences a finding: on any of its places in the suppression's file, primary or label.
pub fn covers(suppression: &Suppression, finding: &Finding, index: &LineIndex) -> bool {
    suppression.rule == finding.rule
        && places(finding)
            .any(|(path, span)| *path == suppression.path && suppression.lines.contains(&index.line(span.start)))
}

fn places(finding: &Finding) -> impl Iterator<Item = (&RelPath, Span)> {
    std::iter::once((&finding.path, finding.span)).chain(finding.labels.iter().map(|label| (&label.path, label.span)))
}
