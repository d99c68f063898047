//! `unreadable-file`: files that could not be checked. The run reports them when it cannot continue with a file.

use super::syntax_error::{may_be_broken, template};
use super::{Check, FileCheck, Trigger, Verdict};
use crate::finding::{Finding, RelPath, Span};
use crate::lang::{Refusal, Tree, dockerfile};
use crate::source::{FileKind, Source};
use crate::walk::Unreadable;

/// The rule's id.
pub const RULE: &str = "unreadable-file";

/// See `rules/unreadable-file.md`. Its trigger ensures that every file that may be refused is parsed, regardless of
/// which other rules are on.
pub static CHECK: Check = Check::of_files(
    RULE,
    FileCheck { needles: &[], trigger: Trigger::ParsedOr(may_be_broken), check: |_| Verdict::default() },
);

/// The finding for a file that could not be read.
pub fn unreadable(error: &Unreadable) -> Finding {
    Finding::new(RULE, &error.path, Span::default(), format!("cannot be checked: {}", error.reason))
        .help("make the file readable, or skip it with `exclude` in flakeward.toml")
}

/// The finding for a file that is too large or too deeply nested for its grammar.
pub fn refused(source: &Source, refusal: Refusal) -> Finding {
    unreadable(&Unreadable { path: source.path.clone(), reason: refusal.to_string() })
}

/// The finding for the rest of a file that has more lines than its grammar supports.
pub fn cut_off(source: &Source, tree: &Tree<'_>) -> Option<Finding> {
    let from = tree.unread()?;
    let span = Span { start: from, end: from };
    let message = "cannot be checked from here on: the file has too many lines";
    Some(
        Finding::new(RULE, &source.path, span, message)
            .help("split the file, or skip it with `exclude` in flakeward.toml"),
    )
}

/// The finding for a YAML file that its grammar cannot read completely, with no error that would explain it.
pub fn unparsed(source: &Source, tree: &Tree<'_>) -> Option<Finding> {
    let is_unparsed =
        source.kind == FileKind::Yaml && tree.broken() && tree.faults().is_empty() && template(tree).is_none();
    let reason = || "only a part of it could be parsed as YAML".to_owned();
    is_unparsed.then(|| unreadable(&Unreadable { path: source.path.clone(), reason: reason() }))
}

/// The finding for a Dockerfile that its grammar cannot read although Docker can.
pub fn continued_name(source: &Source, tree: &Tree<'_>) -> Option<Finding> {
    if source.kind != FileKind::Dockerfile || !tree.broken() {
        return None;
    }
    let line = dockerfile::continued_name(&source.text)?;
    let start = source.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let end = start + source.text[start..].find('\n').unwrap_or(source.text.len() - start);
    Some(
        Finding::new(
            RULE,
            &source.path,
            Span::new(start, end),
            "cannot be checked: the name of an instruction is split",
        )
        .label("continued on the next line")
        .help("write the name of the instruction on one line"),
    )
}

/// The finding for a configured port registry that is not among the checked files. `reason` is phrased to follow the
/// registry's path.
pub fn no_registry(config: &RelPath, span: Span, path: &str, reason: &str) -> Finding {
    let help = match reason {
        "does not exist" => "correct the path, or run `flakeward ports init` to write the file",
        _ => "name a file in this repository that is checked",
    };
    Finding::new(RULE, config, span, format!("the port registry {path} {reason}, so the port rules did not run"))
        .label("no such registry")
        .help(help)
}

/// The finding for a port registry with syntax errors.
pub fn broken_registry(path: &RelPath, at: Span) -> Finding {
    Finding::new(RULE, path, at, "this port registry has syntax errors, so the port rules did not run")
        .label("cannot be parsed")
        .help("correct the syntax: `nix-instantiate --parse` shows where parsing fails")
}

/// The finding for a port registry whose evaluation was stopped.
pub fn endless_registry(path: &RelPath) -> Finding {
    let message = "the evaluation of this port registry exceeded its limits, so the port rules did not run";
    Finding::new(RULE, path, Span::default(), message)
        .label("not evaluated")
        .help("write the ports as plain numbers, or rename the file if it is not a port registry")
}

/// The finding for a file that is configured as a port registry but is something else.
pub fn other_registry(path: &RelPath) -> Finding {
    let message = "this port registry is not a set of names and numbers, so the port rules did not run";
    Finding::new(RULE, path, Span::default(), message)
        .label("not a set")
        .help("write the ports as one set, such as `{ web = 8080; }`, or correct `registry` in flakeward.toml")
}

/// The finding for a configured port registry whose entries are not known.
pub fn unknown_registry(path: &RelPath, at: Span, why: &str) -> Finding {
    let message = format!("this port registry cannot be evaluated ({why}), so the port rules did not run");
    Finding::new(RULE, path, at, message)
        .label("not evaluated")
        .help("write all ports in this file, or list the files that contain them: `registry` in flakeward.toml")
}
