//! `syntax-error`: a file with syntax errors. The other rules still check the parts that could be parsed.

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::ports::words;
use crate::facts::{FileView, Glance};
use crate::finding::{Finding, Span};
use crate::lang::faults::faults;
use crate::lang::nix::recognize::{self, Stop};
use crate::lang::{Language, Node, Tree};
use crate::paths;
use crate::source::FileKind;

const RULE: &str = "syntax-error";

/// See `rules/syntax-error.md`.
pub static CHECK: Check =
    Check::of_files(RULE, FileCheck { needles: &[], trigger: Trigger::ParsedOr(may_be_broken), check });

/// The maximum number of findings per file: one error often causes others.
const PLACES: usize = 3;

/// Whether a file may have syntax errors. Few files have any, and for Nix this can be decided without parsing.
pub(super) fn may_be_broken(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Nix => source.valid_nix().is_none(),
        kind => Language::of(kind).is_some(),
    }
}

fn check(view: &FileView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(tree) = view.tree.filter(|tree| tree.broken()) else { return verdict };
    if view.source.kind == FileKind::Yaml
        && let Some((open, close)) = template(tree).or_else(|| substituted(tree))
    {
        let message = format!(
            "this file is a template: it becomes YAML only after the parts between `{open}` and `{close}` are filled in"
        );
        verdict.template(&view.source.path, message);
        return verdict;
    }
    if is_broken_on_purpose(&view.source.path) {
        let message = "this test data has syntax errors, as its path indicates: findings may be missing";
        verdict.not_decidable(&view.source.path, message);
        return verdict;
    }
    if view.source.kind == FileKind::Yaml {
        return yaml(view, tree);
    }
    if view.source.kind == FileKind::Nix
        && let Some(stop) = recognize::stops(tree.text())
    {
        match placeholder(tree.text(), stop) {
            Some(parts) => {
                let message = format!("this file is a template: it becomes Nix only after {parts} are filled in");
                verdict.template(&view.source.path, message);
            }
            None => verdict.report(nix(view, tree.text(), stop)),
        }
        return verdict;
    }
    let mut last_line_end = 0;
    let mut places = 0;
    for node in faults(tree) {
        let span = tree.span(node);
        if places == PLACES || (places > 0 && span.start < last_line_end) {
            continue;
        }
        let (span, message, label) = describe(tree, node);
        last_line_end = line_end(tree.text(), span.end);
        places += 1;
        let finding = view
            .finding(RULE, span, format!("cannot be parsed as {}: {message}", view.source.kind.row().shown))
            .label(label)
            .help("the rest of the file was still checked, but findings after this position may be missing");
        verdict.report(finding);
    }
    verdict
}

/// The error of a Nix file, at the position where Nix reports it. The grammar recovers from errors by guessing, so its
/// later errors are often consequences of this one.
fn nix(view: &FileView<'_>, text: &str, stop: Stop) -> Finding {
    let (span, message, label) = match stop {
        // The byte before `at` is the opening quote, or the end of an interpolation.
        Stop::InString(at) => {
            (Span::new(at.saturating_sub(1), at), "unterminated string", "this string is never closed")
        }
        Stop::At(at) if text[at..].trim().is_empty() => (last_character(text), "unexpected end of file", ENDS),
        Stop::At(at) => {
            let token = token(&text[at..]);
            let message =
                format!("cannot be parsed as Nix: unexpected `{}`", token.replace(char::is_control, "\u{fffd}"));
            return nix_finding(view, Span::new(at, at + token.len()), message, "cannot be parsed from here on");
        }
    };
    nix_finding(view, span, format!("cannot be parsed as Nix: {message}"), label)
}

/// The label at the end of a file in which a bracket or an expression is not closed.
const ENDS: &str = "a bracket or an expression opened earlier is never closed";

fn nix_finding(view: &FileView<'_>, span: Span, message: String, label: &str) -> Finding {
    view.finding(RULE, span, message)
        .label(label)
        .help("the rest of the file was still checked, but findings after this position may be missing")
}

/// The last character that is not white space.
fn last_character(text: &str) -> Span {
    let end = text.trim_end().len();
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    Span::new(end - last, end)
}

/// The first token of the text, roughly: a word, or one repeated symbol, as in merge conflict markers.
fn token(text: &str) -> &str {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
    let Some(first) = text.chars().next() else { return text };
    let same = |c: &char| if is_word(first) { is_word(*c) } else { *c == first && !"()[]{}".contains(first) };
    let length: usize = text.chars().take_while(same).take(40).map(char::len_utf8).sum();
    &text[..length.max(first.len_utf8())]
}

/// Reports the errors of a YAML file. If there are none, the file is valid YAML that the grammar cannot parse, which
/// `unreadable-file` reports.
fn yaml(view: &FileView<'_>, tree: &Tree<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for fault in tree.faults().iter().take(PLACES) {
        let finding = view
            .finding(RULE, fault.span, format!("cannot be parsed as YAML: {}", fault.message))
            .label("not valid YAML")
            .help("the rest of the file was still checked, but findings in this entry may be missing");
        verdict.report(finding);
    }
    verdict
}

/// The delimiters of a YAML template near the first error of the file, or anywhere in it if no error has a position.
/// Delimiters in comments do not count.
pub(super) fn template(tree: &Tree<'_>) -> Option<(&'static str, &'static str)> {
    let text = tree.text();
    let faulty = tree.faults().iter().min_by_key(|fault| fault.span.start).map_or(0..text.len(), |fault| {
        let start = text[..fault.span.start as usize].trim_end().rfind('\n').map_or(0, |at| at + 1);
        let start = text[..start].trim_end().rfind('\n').map_or(0, |at| at + 1);
        let end = fault.span.end as usize;
        start..text[end..].find('\n').map_or(text.len(), |length| end + length)
    });
    let lines = text[faulty].lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.into_iter().find_map(template_marks)
}

/// The delimiters of Go templates (Helm), Jinja, ERB (Rails) or similar templates in the text. GitHub's `${{ .. }}`
/// does not count.
fn template_marks(text: &str) -> Option<(&'static str, &'static str)> {
    let bytes = text.as_bytes();
    let braces = |at: usize| at == 0 || bytes.get(at - 1) != Some(&b'$');
    let has = |mark: &str| memchr::memmem::find(bytes, mark.as_bytes()).is_some();
    if memchr::memmem::find_iter(bytes, b"{{").any(braces) {
        return Some(("{{", "}}"));
    }
    [("{%", "%}"), ("<%", "%>")].into_iter().find(|(open, close)| has(open) && has(close))
}

/// The delimiters of the placeholders that nixpkgs' `replaceVars` and Autoconf fill in, if placeholders are the only
/// errors in a YAML file: `cache: @dataDir@/cache`.
fn substituted(tree: &Tree<'_>) -> Option<(&'static str, &'static str)> {
    let is_placeholder = |text: &str| {
        let name = text.strip_prefix('@').and_then(|rest| rest.split_once('@')).map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let faults = tree.faults();
    let all = || faults.iter().all(|fault| is_placeholder(&tree.text()[fault.span.start as usize..]));
    (!faults.is_empty() && all()).then_some(("@", "@"))
}

/// Describes the placeholders of a template, if a Nix file's first error is at one: `pkgs.@PYTHON@`,
/// `name = {{ name }};`, or `$1` in an editor snippet.
fn placeholder(text: &str, stop: Stop) -> Option<&'static str> {
    let Stop::At(at) = stop else { return None };
    let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let rest = &text[at..line_end];
    if let Some(name) = rest.strip_prefix('@').and_then(|rest| rest.split_once('@')).map(|(name, _)| name) {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        return is_name.then_some("the parts between `@` and `@`");
    }
    let is_field =
        |text: &str| text.strip_prefix('$').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // A snippet escapes the dollar signs that are not fields.
    let is_escaped = || rest.starts_with("\\$") && text.match_indices('$').any(|(at, _)| is_field(&text[at..]));
    if is_field(rest) || is_escaped() {
        return Some("its fields, such as `$1`,");
    }
    let from_brace = text[..at].ends_with('{') && rest.starts_with('{');
    ((rest.starts_with("{{") || from_brace) && rest.contains("}}")).then_some("the parts between `{{` and `}}`")
}

/// Whether a file is test data for parsers whose path indicates that it has errors: `testdata/invalid-syntax.nix`.
fn is_broken_on_purpose(path: &str) -> bool {
    const BROKEN: [&str; 9] =
        ["invalid", "broken", "error", "errors", "malformed", "corrupt", "bad", "fail", "failing"];
    paths::in_test_data(path) && words::split(path).iter().any(|word| BROKEN.contains(&word.as_str()))
}

/// The position, the message and the label of an error. They refer to its first unexpected token, not to all the text
/// that the error node covers.
fn describe(tree: &Tree<'_>, node: Node) -> (Span, String, String) {
    let span = tree.span(node);
    let label = "cannot be parsed from here on".to_owned();
    if let Some(token) = tree.made_up(node) {
        return (span, format!("`{token}` is missing"), format!("expected `{token}`"));
    }
    let text = tree.slice(node);
    let lead = text.len() - text.trim_start().len();
    let word: usize = text[lead..].chars().take_while(|c| !c.is_whitespace()).take(40).map(char::len_utf8).sum();
    let start = span.start as usize + lead;
    let message = match &text[lead..lead + word] {
        "" => "incomplete syntax".to_owned(),
        word => format!("unexpected `{}`", word.replace(char::is_control, "\u{fffd}")),
    };
    (Span::new(start, start + word), message, label)
}

fn line_end(text: &str, at: u32) -> u32 {
    let rest = &text.as_bytes()[at as usize..];
    memchr::memchr(b'\n', rest).map_or(text.len() as u32, |found| at + found as u32)
}
