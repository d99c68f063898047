//! Shell scripts, parsed only as far as needed to locate their commands.
//!
//! This is not a shell: nothing is expanded. Quotes, comments, continuation lines, heredocs, substitutions, subshells
//! and control words are understood, and a command that another one runs (`sudo`, `sh -c`, `nix develop -c`) is
//! extracted. Expressions of CI systems and templates (`${{ .. }}`, `{{ .. }}`) are parts of words.

mod functions;
mod prefix;
mod reader;

use std::borrow::Cow;

use crate::finding::Span;
use crate::paths;

pub use functions::{Function, functions};

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its text: quotes and escapes removed, substitutions as written.
    pub text: Cow<'a, str>,
    /// Its span in the script.
    pub span: Span,
}

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// The program and its arguments; never empty. Assignments, redirections and prefixes such as `sudo` are left out.
    pub words: Vec<Word<'a>>,
    /// The span from the start of the program to the end of the last argument.
    pub span: Span,
    /// The shell that runs it.
    pub shell: Subshell,
}

/// A shell that runs a part of a script: the shell of the script, or a subshell, whose changes to the working folder
/// and to variables do not affect the shell around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subshell {
    /// A unique number; 0 is the shell of the script.
    id: u32,
    /// Its index in the stack of [`PerShell`]: the number of enclosing shells that run a command before it does.
    depth: u32,
}

/// A value that a subshell inherits from the shell around it, such as the working folder.
#[derive(Debug)]
pub struct PerShell<T> {
    /// The shells, from the outermost to the shell of the last command, and their values.
    stack: Vec<(Subshell, T)>,
}

impl<T: Clone> PerShell<T> {
    /// The value at the start of a script.
    pub fn new(value: T) -> Self {
        Self { stack: vec![(Subshell::default(), value)] }
    }

    /// The value in the shell of a command. Must be called in the order of [`commands`].
    pub fn at(&mut self, command: &Command<'_>) -> &mut T {
        let shell = command.shell;
        let is_outside = |(other, _): &(Subshell, T)| other.depth >= shell.depth && other.id != shell.id;
        while self.stack.len() > 1 && self.stack.last().is_some_and(is_outside) {
            self.stack.pop();
        }
        let last = self.stack.len() - 1;
        if self.stack[last].0.id != shell.id {
            let value = self.stack[last].1.clone();
            self.stack.push((shell, value));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last].1
    }
}

impl Command<'_> {
    /// The program, without its folder.
    pub fn program(&self) -> &str {
        let text = self.words.first().map_or("", |word| &*word.text);
        paths::name(text)
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

/// The commands of a script in order; those run by another command come after it. Spans are offsets in `text`.
pub fn commands(text: &str) -> Vec<Command<'_>> {
    reader::read(text)
}

/// A command given as a list of words, as in a Dockerfile's `CMD ["npm", "start"]`, with prefixes removed.
pub fn from_words<'a>(words: Vec<Word<'a>>) -> Vec<Command<'a>> {
    let mut out = Vec::new();
    prefix::resolve(words, &mut |command| out.push(command));
    out
}

/// The spans of the words of a command that are scripts, as in `sh -c "..."`.
pub fn inner_scripts(command: &Command<'_>) -> Vec<Span> {
    prefix::scripts(command)
}

#[cfg(test)]
mod tests;
