//! Limits on files and trees, for input that a grammar would take too long to parse or that is nested too deeply for
//! checks.
//!
//! The limits are far above what real files need (measured on 21,000 of them) and low enough to keep runs fast.

use std::fmt;
use std::ops::ControlFlow;

use super::nesting::{YAML_COLUMNS, heredoc_scan_exceeds, path_scan_exceeds, yaml_columns_exceed, yaml_levels_exceed};
use super::{Language, Node, NodeKind, Tree};
use crate::lang::nix::recognize;
use crate::source::LineIndex;

/// The maximum size of a text to parse, in bytes: a tree takes thirty times the memory of its text.
pub const MAX_PARSED: usize = 8 << 20;

/// The maximum depth of a tree to walk. The deepest real one has 202 levels.
pub const MAX_DEPTH: u32 = 1_000;

/// The maximum number of bytes that the Nix grammar's path scanner may read without a result: about half a second.
const PATH_SCAN: u64 = 100_000_000;

/// The maximum number of bytes that the Dockerfile grammar may read for heredoc delimiters.
const HEREDOC_SCAN: u64 = 20_000_000;

/// The maximum nesting depth of YAML; the grammar supports 253 levels.
const YAML_LEVELS: u32 = 250;

/// The YAML grammar counts lines in 16 bits. Beyond this number of lines, its trees are wrong.
const YAML_LINES: usize = 32_767;

/// The maximum number of progress reports (one per hundred parser steps) for a text that may have errors: error
/// recovery can take ten times as long as parsing. A megabyte without errors needs about 7,000 reports.
const REPORTS: u32 = 20_000;

/// The maximum number of node visits by a check in a tree of `nodes` nodes. Real files need at most a hundred per node.
pub fn steps(nodes: usize) -> u64 {
    10_000_000 + (nodes as u64 * 500).min(500_000_000)
}

/// The panic payload that stops a check that has run out of steps.
#[derive(Debug)]
pub struct OutOfSteps;

/// Stops a check that has run out of steps. No message is printed; [`crate::run`] reports the file.
#[cold]
pub fn give_up() -> ! {
    std::panic::resume_unwind(Box::new(OutOfSteps))
}

/// Returns what a function returns, or `None` if it runs out of steps.
pub fn bounded<T>(function: impl FnOnce() -> Option<T>) -> Option<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(function)) {
        Ok(given) => given,
        Err(payload) if payload.is::<OutOfSteps>() => None,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// Why a file was not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is over [`MAX_PARSED`].
    Size,
    /// It is nested deeper than [`MAX_DEPTH`], or than its grammar supports.
    Depth,
    /// It has syntax errors or block structure in lines that are longer than its grammar supports.
    Width,
    /// It has a NUL character, at which its grammar stops. YAML does not allow NUL.
    Nul,
    /// Its grammar takes too long, with or without syntax errors.
    Time,
    /// Its grammar could not be loaded.
    Grammar,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Size => write!(f, "it is larger than {} MiB, the limit for parsing", MAX_PARSED >> 20),
            Refusal::Depth => f.write_str("nesting is too deep"),
            Refusal::Width => f.write_str("a line with block structure is longer than 32,767 characters"),
            Refusal::Nul => f.write_str("it contains a NUL character, which YAML does not allow"),
            Refusal::Time => f.write_str("parsing takes too long"),
            Refusal::Grammar => f.write_str("the grammar could not be loaded"),
        }
    }
}

/// Refuses text that must not be parsed.
pub fn before_parsing(language: Language, text: &str) -> Result<(), Refusal> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_PARSED {
        return Err(Refusal::Size);
    }
    (language.row().refuse)(bytes).map_or(Ok(()), Err)
}

/// Refuses Nix for which the grammar's path scanner takes too long.
pub(super) fn refused_nix(bytes: &[u8]) -> Option<Refusal> {
    path_scan_exceeds(bytes, PATH_SCAN).then_some(Refusal::Time)
}

/// Refuses Dockerfiles for which the grammar's heredoc scanner takes too long.
pub(super) fn refused_dockerfile(bytes: &[u8]) -> Option<Refusal> {
    heredoc_scan_exceeds(bytes, HEREDOC_SCAN).then_some(Refusal::Time)
}

/// Refuses YAML that is nested deeper than its grammar supports, or contains a NUL character.
pub(super) fn refused_yaml(bytes: &[u8]) -> Option<Refusal> {
    if memchr::memchr(0, bytes).is_some() {
        return Some(Refusal::Nul);
    }
    yaml_levels_exceed(bytes, YAML_LEVELS).then_some(Refusal::Depth)
}

/// The number of bytes of a YAML file that its grammar can parse: almost always all of them.
pub(super) fn readable_yaml(text: &str) -> usize {
    if text.len() < YAML_LINES {
        return text.len();
    }
    memchr::memchr_iter(b'\n', text.as_bytes()).nth(YAML_LINES - 1).map_or(text.len(), |at| at + 1)
}

/// Refuses a YAML tree that is wrong because the grammar counts columns in 16 bits.
pub(super) fn misread_yaml(tree: &Tree<'_>) -> Option<Refusal> {
    if !yaml_columns_exceed(tree.text()) {
        return None;
    }
    let lines = LineIndex::new(tree.text());
    let is_far = |node: Node| {
        let is_block = matches!(tree.kind(node), NodeKind::BlockMappingPair | NodeKind::BlockSequenceItem);
        let start = tree.span(node).start;
        is_block && lines.place(tree.text(), start).column as usize > YAML_COLUMNS
    };
    (tree.broken() || tree.nodes().any(is_far)).then_some(Refusal::Width)
}

/// Aborts a parser that takes too long to recover from syntax errors.
pub struct Patience {
    reports_left: u32,
}

impl Patience {
    /// The limit for a text. There is none if the text is known to parse without errors.
    pub fn new(language: Language, text: &str) -> Self {
        let is_long = text.len() > REPORTS as usize * 10;
        let is_whole = is_long && language == Language::Nix && recognize::grammar_accepts(text);
        Self { reports_left: if is_whole { u32::MAX } else { REPORTS } }
    }

    /// Counts one progress report. Aborts the parser if there have been too many.
    pub fn hear(&mut self) -> ControlFlow<()> {
        match self.reports_left.checked_sub(1) {
            Some(left) => {
                self.reports_left = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(language: Language, text: &str) -> Option<Refusal> {
        Tree::read(language, text).err()
    }

    #[test]
    fn texts_that_are_too_slow_deep_or_large_are_refused() {
        let deep = |open: &str, close: &str| open.repeat(20_000) + "a" + &close.repeat(20_000);
        for (open, close) in [("(", ")"), ("[", "]"), ("{a=", ";}"), ("x: ", ""), ("!", ""), ("a + ", ""), ("a ", "")] {
            assert_eq!(refusal(Language::Nix, &deep(open, close)), Some(Refusal::Depth), "{open}");
        }
        assert_eq!(refusal(Language::Nix, &deep("a+", "")), Some(Refusal::Time));
        assert_eq!(refusal(Language::Nix, &" ".repeat(MAX_PARSED + 1)), Some(Refusal::Size));
        assert_eq!(refusal(Language::Nix, &format!("{{ {} }}", "a = 1 ".repeat(300_000))), Some(Refusal::Time));
        assert_eq!(refusal(Language::Yaml, &deep("- ", "")), Some(Refusal::Depth));
        assert_eq!(refusal(Language::Yaml, &deep("[", "]")), Some(Refusal::Depth));
        assert_eq!(refusal(Language::Dockerfile, &deep("RUN <<A ", "")), None);
    }

    #[test]
    fn a_long_yaml_file_is_read_up_to_the_limit_of_its_grammar() {
        let text = "a:\n".to_owned() + &"  - b: c\n".repeat(100_000);
        let tree = Tree::parse(Language::Yaml, &text).unwrap();
        assert!(!tree.broken());
        let unread = tree.unread().unwrap() as usize;
        assert_eq!(text[..unread].lines().count(), YAML_LINES);
        assert!(tree.span(tree.root()).end as usize <= unread);
    }

    #[test]
    fn an_endless_check_is_stopped() {
        let tree = Tree::parse(Language::Nix, "{ a = 1; }").unwrap();
        let endless = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            std::iter::repeat_with(|| tree.parent(tree.root())).take_while(Option::is_none).count()
        }));
        assert!(endless.is_err_and(|payload| payload.is::<OutOfSteps>()));
        assert_eq!(bounded(|| Some(tree.span(tree.root()))), None);
        tree.refill();
        assert_eq!(tree.parent(tree.root()), None::<Node>);
        assert_eq!(bounded(|| Some(1)), Some(1));
    }
}
