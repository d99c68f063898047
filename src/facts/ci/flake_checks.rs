//! What runs the checks of a flake: CI files, scripts and services.

use std::collections::BTreeSet;

use super::purpose::{self, Purpose};
use crate::facts::needles::Words;
use crate::facts::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::knowledge::ci_programs;
use crate::lang::ci;
use crate::lang::nix;
use crate::lang::taskfile::is_taskfile;
use crate::lang::yaml::Yaml;
use crate::lang::{NodeKind, Tree};
use crate::source::{FileKind, Source};

/// Reads what runs the flake's checks.
pub static READER: Reader = Reader { name: "flake checks", needles: &[&BUILT, &RUN, &BUILDS], may_hold, read };

static BUILT: Words = Words::any_of(&ci_programs::CHECK_OUTPUTS);
static RUN: Words = Words::any_of(&ci_programs::CHECK_RUNNERS);
static BUILDS: Words = Words::any_of(&["#checks."]);

/// The parts of a file that concern the flake's checks.
#[derive(Debug, Default)]
pub struct CheckFacts {
    /// Whether it is one of the repository's own CI files.
    pub is_ci: bool,
    /// What it does with the code, if it is a CI file.
    pub purpose: Purpose,
    /// Whether it runs the checks, or names a service that does.
    pub runs: bool,
    /// The checks that its commands build one by one: `nix build .#checks.x86_64-linux.web`.
    pub built: BTreeSet<String>,
    /// The names of the flake's checks, if all are literal.
    pub checks: Option<BTreeSet<String>>,
    /// The span of `outputs`, if it is the repository's flake.
    pub flake: Option<Span>,
}

impl Fact for CheckFacts {}

impl CheckFacts {
    /// Whether the file contributes nothing.
    pub fn is_empty(&self) -> bool {
        !self.is_ci && !self.runs && self.flake.is_none() && self.built.is_empty()
    }
}

fn may_hold(source: &Glance<'_>) -> bool {
    counts(source)
        && match source.kind {
            FileKind::Nix => &*source.path == "flake.nix" || source.has(&BUILT),
            FileKind::Shell | FileKind::Just | FileKind::Make | FileKind::Settings => {
                source.has(&RUN) || source.has(&BUILDS)
            }
            _ => true,
        }
}

/// Whether a file is relevant, judging by its path.
fn counts(source: &Source) -> bool {
    match source.kind {
        FileKind::Yaml => is_own_ci(&source.path) || speaks_of_ci(&source.path) || is_taskfile(&source.path),
        FileKind::Nix | FileKind::Shell | FileKind::Just | FileKind::Make => true,
        FileKind::Settings => source.file_name() == "package.json",
        _ => false,
    }
}

/// Whether a path is one of the repository's own CI files, not one in a template or example.
fn is_own_ci(path: &str) -> bool {
    let hidden = path.starts_with('.') || !path.contains('/');
    hidden && ci::system(path).is_some_and(|system| system != ci::System::GitHubAction)
}

/// Whether a file may list the checks required for a merge, judging by its path.
fn speaks_of_ci(path: &str) -> bool {
    path.starts_with(".github/") || matches!(path, ".mergify.yml" | "garnix.yaml" | "bors.yml")
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let source = file.source;
    // Checked again, because some runs read every file.
    if !counts(source) {
        return None;
    }
    let mut facts =
        CheckFacts { is_ci: is_own_ci(&source.path) && source.kind == FileKind::Yaml, ..CheckFacts::default() };
    match source.kind {
        FileKind::Nix => {
            let is_flake = &*source.path == "flake.nix";
            let code = file.tree.map_or_else(|| source.text.clone(), code);
            let named = is_flake && ci_programs::CHECK_SERVICES.iter().any(|service| has_word(&code, service));
            facts.runs = named || ci_programs::CHECK_OUTPUTS.iter().any(|service| code.contains(service));
            facts.checks = file.tree.filter(|_| is_flake).and_then(checks);
            facts.flake = is_flake.then(|| file.tree.and_then(outputs)).flatten();
        }
        _ => {
            facts.runs = &*source.path == "garnix.yaml" || names_any(&source.text, &ci_programs::CHECK_RUNNERS);
            facts.built = built(&source.text);
            let system = ci::system(&source.path).filter(|_| facts.is_ci);
            if let (Some(tree), Some(system)) = (file.tree, system) {
                facts.purpose = purpose::of(&Yaml::new(tree), system);
            }
        }
    }
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

/// Whether a line contains one of the words outside comments, step names and printed text.
fn names_any(text: &str, words: &[&str]) -> bool {
    // Most files contain none of the words, so their lines need not be read.
    let is_in_text = |word: &&str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let words: Vec<&str> = words.iter().copied().filter(is_in_text).collect();
    if words.is_empty() {
        return false;
    }
    let lines = text.lines().filter(|line| !line.trim_start().trim_start_matches("- ").starts_with("name:"));
    lines.map(uncommented).map(unsaid).any(|line| words.iter().any(|word| has_word(&line, word)))
}

/// Whether a line contains a word that is not part of another one: `omnix`, but not `sbomnix`.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        // `cache.garnix.io` is a substituter, which everyone can use.
        !(before.ends_with(is_part)
            || before.ends_with("cache.")
            || word.ends_with(is_part) && after.starts_with(is_part))
    })
}

/// A line without its comment. A comment starts with a `#` at the start of the line or after a space or tab.
fn uncommented(line: &str) -> &str {
    let starts = |&(at, _): &(usize, &str)| at == 0 || line[..at].ends_with([' ', '\t']);
    line.match_indices('#').find(starts).map_or(line, |(at, _)| &line[..at])
}

/// A line without its `echo` and `printf` commands: `echo "run nix flake check" && nix build`.
fn unsaid(line: &str) -> String {
    let parts = line.split_inclusive(['&', '|', ';']);
    let prints = |part: &&str| {
        let words = part.trim_start_matches(['&', '|', ';', ' ', '\t', '-']).trim_start_matches("run:").trim_start();
        words.starts_with("echo ") || words.starts_with("printf ")
    };
    parts.filter(|part| !prints(part)).collect()
}

/// The text of a Nix file without its comments.
fn code(tree: &Tree<'_>) -> String {
    let mut code = String::with_capacity(tree.text().len());
    let mut at = 0;
    for comment in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Comment) {
        let span = tree.span(comment);
        code.push_str(tree.text().get(at..span.start as usize).unwrap_or(""));
        at = span.end as usize;
    }
    code.push_str(tree.text().get(at..).unwrap_or(""));
    code
}

/// The names of the checks that commands build. `*` stands for any name, for example if the name is interpolated.
fn built(text: &str) -> BTreeSet<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ';' | '^' | ',');
    const MARK: &str = "#checks.";
    let lines = text.lines().map(uncommented);
    let installables = lines.flat_map(|line| {
        let own = line.match_indices(MARK).filter(|(at, _)| is_own_flake(&line[..*at]));
        own.filter_map(|(at, _)| line[at + MARK.len()..].split(ends).next())
    });
    let names = installables.map(|path| path.split_once('.').map_or("*", |(_, name)| name));
    names.map(|name| if name.contains(['$', '{', '*']) { "*".to_owned() } else { name.to_owned() }).collect()
}

/// Whether the flake reference at the end of the text may refer to this repository: `.`, a path, or an expression.
fn is_own_flake(before: &str) -> bool {
    let starts = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '=' | ',');
    let reference = before.rsplit(starts).next().unwrap_or(before);
    // `${{ env.ROOT }}` is split at its spaces, so only its end is left.
    let is_local = reference.is_empty() || reference.starts_with(['.', '/', '~', '$', '{', '}']);
    is_local || reference.contains('$') || ["path:", "git+file:"].iter().any(|scheme| reference.starts_with(scheme))
}

/// The names of a flake's checks in `checks.SYSTEM.NAME` and, in `perSystem`, `checks.NAME`; `None` if there
/// are none, or if some are computed.
fn checks(tree: &Tree<'_>) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let Some(path) = nix::attr_path(tree, binding) else { continue };
        let Some(at) = path.iter().position(|name| name.text.as_deref() == Some("checks")) else { continue };
        let value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        let inner = path.get(at + 1..).unwrap_or_default();
        let is_set = matches!(tree.kind(value), NodeKind::Attrset | NodeKind::RecAttrset);
        let is_system = |text: &str| text.contains("-linux") || text.contains("-darwin");
        match inner {
            [] if !is_set => return None,
            [] => {}
            [system] if system.text.as_deref().is_some_and(is_system) => {
                if !is_set {
                    return None;
                }
            }
            [.., name] => drop(names.insert(name.text.as_deref()?.to_owned())),
        }
    }
    (!names.is_empty()).then_some(names)
}

/// The span of the name `outputs` in a flake.
fn outputs(tree: &Tree<'_>) -> Option<Span> {
    let bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    bindings.into_iter().find_map(|binding| {
        let path = nix::attr_path(tree, binding)?;
        let [only] = path.as_slice() else { return None };
        (only.text.as_deref() == Some("outputs")).then(|| tree.span(only.node))
    })
}
