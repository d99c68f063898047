//! Dockerfiles and Containerfiles: their names, instructions and stages. No other module reads their structure.

mod grammar;
mod parse;
mod stage;

pub use grammar::for_grammar;
pub use parse::{
    Dockerfile, Fault, Heredoc, Instruction, MOST_GROWTH, MOST_INSTRUCTIONS, Stage, continued_name, expand, pairs,
    words,
};
pub use stage::{base, stages};

use super::{Node, NodeKind, Tree};
use crate::finding::Span;
use crate::source::{FileKind, Source};

/// All instructions. <https://docs.docker.com/reference/dockerfile/>
pub const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// An instruction in a tree.
#[derive(Debug)]
pub struct Statement<'a> {
    /// Its node.
    pub node: Node,
    /// Its keyword, as written.
    pub keyword: &'a str,
    /// The text after the keyword.
    pub arguments: &'a str,
    /// The span of its first line.
    pub line: Span,
}

/// The instructions in a file, and its comments as instructions with the keyword `#`.
pub fn statements<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = Statement<'a>> + 't {
    tree.children(tree.root()).map(|node| {
        let text = tree.slice(node).trim_end();
        let (keyword, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let start = tree.span(node).start as usize;
        let line = Span::new(start, start + text.lines().next().map_or(0, str::len));
        Statement { node, keyword, arguments: arguments.trim_start(), line }
    })
}

/// The offsets at which the stages begin, in ascending order.
pub fn stage_starts(tree: &Tree<'_>) -> Vec<u32> {
    let is_from = |node: &Node| tree.kind(*node) == NodeKind::FromInstruction;
    tree.nodes().filter(is_from).map(|node| tree.span(node).start).collect()
}

/// Whether a source is a Dockerfile by its name and its content.
pub fn is_dockerfile(source: &Source) -> bool {
    source.kind == FileKind::Dockerfile && !stages(&source.text).is_empty()
}

/// The line continuation character: a backslash unless the parser directive `# escape=` sets a different one.
fn escape_character(text: &str) -> char {
    let head = text.trim_start_matches('\u{feff}').lines().take_while(|line| line.trim_start().starts_with('#'));
    let directive = |line: &str| {
        let (key, value) = line.trim_start().trim_start_matches('#').split_once('=')?;
        key.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next())?
    };
    head.take(16).find_map(directive).unwrap_or('\\')
}

/// Extensions with which `Dockerfile.EXT` is not a Dockerfile: documentation, data, source code.
const NOT_DOCKERFILE: [&str; 26] = [
    "md",
    "markdown",
    "rst",
    "txt",
    "adoc",
    "json",
    "toml",
    "lock",
    "dockerignore",
    "rs",
    "py",
    "js",
    "ts",
    "go",
    "rb",
    "java",
    "c",
    "h",
    "cpp",
    "hs",
    "lua",
    "vim",
    "html",
    "css",
    "xml",
    "svg",
];

/// Whether a lower-case file name may be that of a Dockerfile: `dockerfile`, `dockerfile.dev`, `api.dockerfile`,
/// `containerfile`, `dockerfile-alpine`. The content decides; see [`stages`].
pub fn is_name(lower: &str) -> bool {
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    let stem = |word: &str| {
        lower == word
            || lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
            || lower.strip_suffix(word).is_some_and(|rest| rest.ends_with(['.', '-', '_']))
    };
    (stem("dockerfile") || stem("containerfile")) && !NOT_DOCKERFILE.contains(&extension)
}
