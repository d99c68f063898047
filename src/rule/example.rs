//! The examples of a rule's page: each `### heading` under `## Bad` or `## Good` is a small repository.
//!
//! Fenced blocks contain its files (`nix file=modules/web.nix`), its findings (`findings`), and its files after fixes
//! (`fixed`, `fixed unsafe`).

use std::ops::Range;

use super::page::PageError;

/// One example of a page.
#[derive(Debug)]
pub struct Example<'a> {
    /// Its heading.
    pub title: &'a str,
    /// Whether it is under `## Good`, where the rule must report nothing.
    pub good: bool,
    /// Its fenced blocks.
    pub blocks: Vec<Block<'a>>,
}

impl<'a> Example<'a> {
    /// Its files: path and text. The configuration is the one named `flakeward.toml`.
    pub fn files(&self) -> impl Iterator<Item = (&'a str, &Block<'a>)> {
        self.blocks.iter().filter_map(|block| match block.role {
            Role::File(path) => Some((path, block)),
            _ => None,
        })
    }

    /// The block with the findings.
    pub fn findings(&self) -> Option<&Block<'a>> {
        self.blocks.iter().find(|block| block.role == Role::Findings)
    }
}

/// A fenced block.
#[derive(Debug)]
pub struct Block<'a> {
    /// What it contains.
    pub role: Role<'a>,
    /// Its text.
    pub text: &'a str,
    /// Whether the file is encoded in Latin-1 instead of UTF-8.
    pub latin1: bool,
    /// The offset of its text in the page's body.
    pub span: Range<usize>,
    /// The offset of its end, including the closing fence.
    pub end: usize,
}

/// What a block contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// A file in the repository.
    File(&'a str),
    /// What the rule reports, as `--format concise` prints it.
    Findings,
    /// The content of a file after fixes; without a path, that of the only file.
    Fixed {
        /// The file.
        path: Option<&'a str>,
        /// Whether the fix needs `--unsafe`.
        needs_unsafe: bool,
    },
}

/// The required top-level sections of a page, in order.
pub const SECTIONS: [&str; 3] = ["Why", "Bad", "Good"];

/// Reads the examples of a page's body.
pub fn read(body: &str) -> Result<Vec<Example<'_>>, PageError> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut section = "";
    let mut lines = lines(body).peekable();
    while let Some((at, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.trim();
        } else if let Some(title) = line.strip_prefix("### ") {
            if matches!(section, "Bad" | "Good") {
                examples.push(Example { title: title.trim(), good: section == "Good", blocks: Vec::new() });
            }
        } else if let Some(fence) = Fence::open(line) {
            let start = at + line.len() + 1;
            let Some((close, _)) = lines.by_ref().find(|(_, line)| fence.closes(line)) else {
                return Err(error("this code block is not closed", at..at + line.len()));
            };
            if !matches!(section, "Bad" | "Good") && (fence.info.contains("file=") || fence.info == "findings") {
                return Err(error("an example must be under `## Bad` or `## Good`", at..at + line.len()));
            }
            if matches!(section, "Bad" | "Good") {
                let Some(example) = examples.last_mut() else {
                    return Err(error("an example must begin with a heading `### ..`", at..at + line.len()));
                };
                let (role, latin1) = role(fence.info).map_err(|message| error(message, at..at + line.len()))?;
                let end = close + fence.ticks;
                example.blocks.push(Block { role, text: &body[start..close], latin1, span: start..close, end });
            }
        }
    }
    Ok(examples)
}

fn error(message: &str, span: Range<usize>) -> PageError {
    PageError { message: message.to_owned(), span: Some(span), help: None }
}

/// The lines without their line ends, each with its offset.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end_matches('\n')))
    })
}

/// The opening line of a fenced block.
pub struct Fence<'a> {
    /// The number of backticks.
    ticks: usize,
    /// The text after them.
    pub info: &'a str,
}

impl<'a> Fence<'a> {
    /// Reads an opening line.
    pub fn open(line: &'a str) -> Option<Self> {
        let info = line.trim_start_matches('`');
        let ticks = line.len() - info.len();
        (ticks >= 3).then_some(Self { ticks, info: info.trim() })
    }

    /// Whether a line ends the block.
    pub fn closes(&self, line: &str) -> bool {
        let rest = line.trim_start_matches('`');
        rest.trim().is_empty() && line.len() - rest.len() >= self.ticks
    }
}

fn role(info: &str) -> Result<(Role<'_>, bool), &'static str> {
    let mut words = info.split_whitespace();
    let first = words.next().unwrap_or("");
    let words: Vec<&str> = words.collect();
    let path = words.iter().find_map(|word| word.strip_prefix("file="));
    let known = |word: &&str| word.starts_with("file=") || matches!(*word, "latin-1" | "unsafe");
    if !words.iter().all(known) {
        return Err("unknown word in the info string: expected `file=PATH`, `latin-1` or, after `fixed`, `unsafe`");
    }
    let role = match (first, path) {
        ("findings", None) => Role::Findings,
        ("fixed", path) => Role::Fixed { path, needs_unsafe: words.contains(&"unsafe") },
        (_, Some(path)) => Role::File(path),
        _ => return Err("expected a `findings` block, a `fixed` block or a file: ```nix file=modules/web.nix"),
    };
    Ok((role, words.contains(&"latin-1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "## Why\n\n```\nnot an example\n```\n\n## Bad\n\n### One\n\n````nix file=a.nix\n1\n```\n````\n\n\
                        ```findings\na.nix:1:1: warn[x]: y\n```\n\n```fixed unsafe\n2\n```\n\n## Good\n\n### Two\n";

    #[test]
    fn examples_are_headings_with_blocks() {
        let examples = read(PAGE).unwrap();
        assert_eq!(examples.iter().map(|it| (it.title, it.good)).collect::<Vec<_>>(), [("One", false), ("Two", true)]);
        let one = &examples[0];
        assert_eq!(one.files().map(|(path, block)| (path, block.text)).collect::<Vec<_>>(), [("a.nix", "1\n```\n")]);
        let findings = one.findings().unwrap();
        assert_eq!(findings.text, "a.nix:1:1: warn[x]: y\n");
        assert_eq!(&PAGE[findings.span.clone()], findings.text);
        assert!(PAGE[..findings.end].ends_with("y\n```"));
        assert_eq!(one.blocks[2].role, Role::Fixed { path: None, needs_unsafe: true });
    }

    #[test]
    fn invalid_blocks_are_errors_with_a_position() {
        for (page, at) in [
            ("## Bad\n\n### One\n\n```nix\n1\n```\n", "```nix"),
            ("## Bad\n\n### One\n\n```nix file=a.nix\n1\n", "```nix file=a.nix"),
            ("## Bad\n\n```nix file=a.nix\n1\n```\n", "```nix file=a.nix"),
            ("## Bad\n\n### One\n\n```nix fil=a.nix\n1\n```\n", "```nix fil=a.nix"),
        ] {
            assert_eq!(&page[read(page).unwrap_err().span.unwrap()], at);
        }
    }
}
