//! Shell scripts, read just far enough to know which commands a script runs and where they stand.
//!
//! This is no shell: nothing is expanded. Quotes, comments, continuation lines, heredocs, substitutions, subshells and
//! control words are understood, and what a command runs on behalf of another one (`sudo`, `sh -c`, `nix develop -c`)
//! is taken out. Expressions of CI systems and templates (`${{ .. }}`, `{{ .. }}`) are parts of words.

mod prefix;
mod reader;

use std::borrow::Cow;

use crate::finding::Span;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// What it says: quotes and escapes taken off, substitutions left as they are written.
    pub text: Cow<'a, str>,
    /// Where it stands in the script.
    pub span: Span,
}

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// The program and its arguments; never empty. Assignments, redirections and prefixes such as `sudo` are left out.
    pub words: Vec<Word<'a>>,
    /// From the program's first byte to the last argument's last.
    pub span: Span,
}

impl Command<'_> {
    /// The program, without the folders before it.
    pub fn program(&self) -> &str {
        let text = self.words.first().map_or("", |word| &*word.text);
        text.rsplit('/').next().unwrap_or(text)
    }

    /// The text of an argument; the program is number 0.
    pub fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(|word| &*word.text)
    }

    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| &*word.text)
    }

    /// Whether an argument is exactly this text.
    pub fn has(&self, argument: &str) -> bool {
        self.arguments().any(|word| word == argument)
    }
}

/// The commands of a script in the order in which they stand, those run by other commands after the one around them.
/// Spans are offsets in `text`.
pub fn commands(text: &str) -> Vec<Command<'_>> {
    reader::read(text)
}

/// A command given as a list of words, as in a Dockerfile's `CMD ["npm", "start"]`, prefixes taken off.
pub fn from_words<'a>(words: Vec<Word<'a>>) -> Vec<Command<'a>> {
    let mut out = Vec::new();
    prefix::resolve(words, &mut |command| out.push(command));
    out
}

/// The words of a command that are scripts themselves, as in `sh -c "..."`.
pub fn inner_scripts(command: &Command<'_>) -> Vec<Span> {
    prefix::scripts(command)
}

#[cfg(test)]
mod tests;
