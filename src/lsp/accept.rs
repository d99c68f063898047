//! Accepts a finding: inserts a suppression with a placeholder for the reason.

use crate::finding::{Edit, Finding, Span};
use crate::lang::{Language, NodeKind, Tree};
use crate::rule::Catalog;
use crate::source::{LineIndex, Source};
use crate::suppress;

/// The placeholder for the reason. It is not empty, so the suppression is valid as is.
pub const REASON: &str = "reason";

/// A suppression to insert.
#[derive(Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The edit.
    pub edit: Edit,
    /// The position of the reason in the inserted text.
    pub reason: Span,
    /// Whether it covers the whole file, because a comment above the line would be part of a value.
    pub whole_file: bool,
}

/// The suppression of a finding: a comment on the line above it, or near the top of the file if that is not possible.
/// `None` if the kind of file has no comments, or the finding cannot be suppressed.
pub fn suppression(finding: &Finding, source: &Source, catalog: &Catalog) -> Option<Suppression> {
    if !source.has_comments()
        || matches!(finding.rule, "unreadable-file" | "unused-suppression" | "expired-suppression")
    {
        return None;
    }
    let index = LineIndex::new(&source.text);
    let line = index.line(finding.span.start);
    let above = comment(finding, source, index.span(&source.text, line), "allow");
    if covers(&above, finding, source, line, catalog) {
        return Some(above);
    }
    let top = first_line(source, &index);
    let mut whole = comment(finding, source, index.span(&source.text, top), "allow-file");
    whole.whole_file = true;
    covers(&whole, finding, source, line, catalog).then_some(whole)
}

/// A comment above a line, with the same indentation.
fn comment(finding: &Finding, source: &Source, line: Span, directive: &str) -> Suppression {
    let text = source.slice(line);
    let indent = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
    let mark = source.kind.row().comment.unwrap_or("#");
    let head = format!("{indent}{mark} flakeward: {directive}({}) ", finding.rule);
    let end = if source.text.contains("\r\n") { "\r\n" } else { "\n" };
    let start = line.start as usize;
    Suppression {
        edit: Edit { path: source.path.clone(), span: Span::new(start, start), text: format!("{head}{REASON}{end}") },
        reason: Span::new(start + head.len(), start + head.len() + REASON.len()),
        whole_file: false,
    }
}

/// The first line that a comment can precede: after a `#!` line and Docker's parser directives, which must come first.
fn first_line(source: &Source, index: &LineIndex) -> usize {
    let is_directive = |line: usize| {
        let text = source.slice(index.span(&source.text, line)).to_ascii_lowercase();
        let text = text.trim_start_matches('\u{feff}');
        let body = text.strip_prefix('#').unwrap_or("").trim_start();
        (line == 0 && text.starts_with("#!"))
            || ["syntax=", "escape=", "check="].iter().any(|word| body.starts_with(word))
    };
    (0..index.count()).find(|&line| !is_directive(line)).unwrap_or(0)
}

/// Whether the suppression is a comment in the new text (not a line of a string) and covers the finding.
fn covers(new: &Suppression, finding: &Finding, source: &Source, line: usize, catalog: &Catalog) -> bool {
    let mut text = source.text.clone();
    text.insert_str(new.edit.span.start as usize, &new.edit.text);
    let after = Source::new(&source.path, source.kind, text);
    let language = Language::of(after.kind);
    let tree = language.and_then(|language| Tree::parse(language, &after.text));
    let is_comment = language.is_none_or(|_| {
        tree.as_ref().is_some_and(|tree| {
            let mut comments = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Comment);
            comments.any(|node| tree.span(node).range().contains(&(new.reason.start as usize)))
        })
    });
    let mut wrong = Vec::new();
    let found = suppress::read(&after, tree.as_ref(), catalog, &mut wrong);
    let covers = |found: &suppress::Suppression| found.rule == finding.rule && found.lines.contains(&(line + 1));
    is_comment && wrong.is_empty() && found.iter().any(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileKind;

    fn accepted(kind: FileKind, text: &str, at: &str) -> Option<String> {
        let source = Source::new("a", kind, text);
        let start = text.find(at)?;
        let span = Span::new(start, start + at.len());
        let finding = Finding::new("hardcoded-port", &source.path, span, "");
        let new = suppression(&finding, &source, &Catalog::built_in())?;
        let mut out = text.to_owned();
        out.insert_str(new.edit.span.start as usize, &new.edit.text);
        assert_eq!(&out[new.reason.range()], REASON);
        Some(out)
    }

    #[test]
    fn the_comment_goes_above_the_line_or_to_the_top() {
        let above = "{\n  # flakeward: allow(hardcoded-port) reason\n  port = 80;\n}\n";
        assert_eq!(accepted(FileKind::Nix, "{\n  port = 80;\n}\n", "80").as_deref(), Some(above));
        let string = "{\n  x = ''\n    listen 80;\n  '';\n}\n";
        let top = format!("# flakeward: allow-file(hardcoded-port) reason\n{string}");
        assert_eq!(accepted(FileKind::Nix, string, "80"), Some(top));
        let docker = "# syntax=docker/dockerfile:1\nRUN <<E\nserve 80\nE\n";
        let top = docker.replacen("RUN", "# flakeward: allow-file(hardcoded-port) reason\nRUN", 1);
        assert_eq!(accepted(FileKind::Dockerfile, docker, "80"), Some(top));
        let crlf = "a:\r\n  - 80:80\r\n";
        let above = "a:\r\n  # flakeward: allow(hardcoded-port) reason\r\n  - 80:80\r\n";
        assert_eq!(accepted(FileKind::Yaml, crlf, "80").as_deref(), Some(above));
    }
}
