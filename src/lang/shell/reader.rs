//! Finds the commands in the text of a script.

use std::borrow::Cow;

use super::{Command, Subshell, Word, prefix};
use crate::finding::Span;

/// Nested substitutions, and scripts inside `sh -c`, are followed to this depth.
const DEPTH: usize = 12;

pub(super) fn read(text: &str) -> Vec<Command<'_>> {
    let mut reader = Reader::new(text, 0, text.len(), 0, 0, vec![0]);
    reader.list(None);
    if reader.parents.len() > 1 {
        nest(&mut reader.commands, &reader.parents);
    }
    reader.commands
}

/// Sets the depth of each command's shell in the stack of [`super::PerShell`]. The commands of a shell and its
/// subshells are contiguous, but the first may be in a subshell: the substitutions in a command come before it.
fn nest(commands: &mut [Command<'_>], parents: &[u32]) {
    // The number of the last command of each shell, from 1.
    let mut ends = vec![0; parents.len()];
    for (index, command) in commands.iter().enumerate().rev() {
        let mut shell = command.shell.id as usize;
        while ends[shell] == 0 {
            ends[shell] = index + 1;
            shell = parents[shell] as usize;
        }
    }
    let mut stack = vec![0];
    for (index, command) in commands.iter_mut().enumerate() {
        while stack.len() > 1 && stack.last().is_some_and(|shell| ends[*shell as usize] <= index) {
            stack.pop();
        }
        if stack.last() != Some(&command.shell.id) {
            stack.push(command.shell.id);
        }
        command.shell.depth = stack.len() as u32 - 1;
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    end: usize,
    depth: usize,
    commands: Vec<Command<'a>>,
    /// Delimiters of heredocs whose content starts after the next line end.
    heredocs: Vec<&'a str>,
    marks: Marks,
    /// The number of the current shell.
    shell: u32,
    /// The shells around it, one for each open bracket.
    outer: Vec<u32>,
    /// For each shell so far, its parent.
    parents: Vec<u32>,
    /// For each open `case`, the number of brackets around it.
    cases: Vec<usize>,
    /// The start of the current list of `&&` and `||`.
    list: Start,
    /// The start of the current element of a pipeline.
    element: Start,
    /// Whether the element reads from a pipe.
    is_piped: bool,
}

/// The number of commands and shells before a part of the script.
#[derive(Debug, Default, Clone, Copy)]
struct Start {
    command: usize,
    shell: usize,
}

/// Control words that a command can follow.
const CONTROL: [&str; 9] = ["if", "then", "elif", "else", "while", "until", "do", "!", "{"];

/// The closing delimiters of expansions.
const MARKS: [&[u8]; 3] = [b"}", b"}}", b"))"];

/// The last search for each of the [`MARKS`], and for the end of the line. Without it, a line with many expansions
/// would be searched to its end for each of them.
#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    line: Searched,
    marks: [Searched; MARKS.len()],
}

/// A search in the text: where it started, and the position that it found, or the end of the line.
#[derive(Debug, Clone, Copy)]
struct Searched {
    from: usize,
    to: usize,
    is_found: bool,
}

impl Default for Searched {
    fn default() -> Self {
        // An empty range, so that the first search is always carried out.
        Self { from: 1, to: 0, is_found: false }
    }
}

impl Searched {
    /// The position that a search finds in the text, at or after an offset.
    fn next(&mut self, at: usize, end: usize, find: impl FnOnce() -> Option<usize>) -> Option<usize> {
        if !(self.from..=self.to).contains(&at) {
            let found = find();
            *self = Self { from: at, to: found.map_or(end, |found| at + found), is_found: found.is_some() };
        }
        self.is_found.then_some(self.to)
    }
}

impl Marks {
    /// The next mark at or after an offset of the text, on the same line.
    fn next(&mut self, bytes: &[u8], mark: usize, at: usize) -> Option<usize> {
        let rest = bytes.get(at..).unwrap_or_default();
        let line = self.line.next(at, bytes.len(), || memchr::memchr(b'\n', rest)).unwrap_or(bytes.len());
        let rest = rest.get(..line.saturating_sub(at)).unwrap_or_default();
        self.marks[mark].next(at, line, || memchr::memmem::find(rest, MARKS[mark]))
    }
}

/// Whether a byte has no special meaning in a word outside quotes.
fn is_plain(byte: u8) -> bool {
    !matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b';'
            | b'|'
            | b'&'
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'\\'
            | b'\''
            | b'"'
            | b'$'
            | b'`'
            | b'{'
    )
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize, end: usize, depth: usize, shell: u32, parents: Vec<u32>) -> Self {
        let start = Start { command: 0, shell: parents.len() };
        Self {
            text,
            bytes: text.as_bytes(),
            at,
            end,
            depth,
            commands: Vec::new(),
            heredocs: Vec::new(),
            marks: Marks::default(),
            shell,
            outer: Vec::new(),
            parents,
            cases: Vec::new(),
            list: start,
            element: start,
            is_piped: false,
        }
    }

    /// Reads a part of the text as separate commands, up to a closing byte or its end. Returns where it stopped.
    fn inner(&mut self, at: usize, end: usize, close: Option<u8>) -> usize {
        let shell = self.subshell();
        let parents = std::mem::take(&mut self.parents);
        let mut inner = Reader { marks: self.marks, ..Reader::new(self.text, at, end, self.depth + 1, shell, parents) };
        inner.list(close);
        self.parents = inner.parents;
        self.commands.append(&mut inner.commands);
        self.marks = inner.marks;
        inner.at
    }

    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.end { self.bytes[at] } else { 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at.min(self.end)..self.end]
    }

    /// Reads commands up to a closing byte, which is also consumed, or to the end.
    fn list(&mut self, close: Option<u8>) {
        let mut words: Vec<Word<'a>> = Vec::new();
        while self.at < self.end {
            let byte = self.peek(0);
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.flush(&mut words);
                    self.end_list();
                    self.skip_heredocs();
                }
                b'#' => self.skip_line(),
                b'\\' if self.continues_line().is_some() => self.at += self.continues_line().unwrap_or(1),
                b')' if close == Some(b')') => {
                    self.at += 1;
                    self.flush(&mut words);
                    self.end_list();
                    return;
                }
                b'&' if self.peek(1) == b'>' => self.redirect(1),
                b'<' | b'>' => self.redirect(0),
                b';' | b'&' | b'|' | b'(' | b')' => {
                    self.at += 1;
                    self.flush(&mut words);
                    self.separator(byte);
                }
                _ => {
                    let word = self.word();
                    let descriptor = word.text.bytes().all(|byte| byte.is_ascii_digit());
                    if !(descriptor && matches!(self.peek(0), b'<' | b'>')) {
                        words.push(word);
                    }
                }
            }
        }
        self.flush(&mut words);
        self.end_list();
    }

    /// Creates a subshell of the current shell, and returns its number.
    fn subshell(&mut self) -> u32 {
        self.parents.push(self.shell);
        self.parents.len() as u32 - 1
    }

    /// The current position.
    fn start(&self) -> Start {
        Start { command: self.commands.len(), shell: self.parents.len() }
    }

    /// Updates the shells of the surrounding commands after a separator.
    fn separator(&mut self, byte: u8) {
        let before = self.at.checked_sub(2).map_or(0, |at| self.bytes[at]);
        let is_double = before == byte || self.peek(0) == byte;
        match byte {
            b'&' | b'|' if is_double => self.end_element(),
            // `|&` is a pipe.
            b'&' if before == b'|' => {}
            b'|' => {
                self.move_into_subshell(self.element);
                self.element = self.start();
                self.is_piped = true;
            }
            b'&' => {
                self.end_element();
                self.move_into_subshell(self.list);
                self.end_list();
            }
            b'(' => {
                self.outer.push(self.shell);
                self.shell = self.subshell();
                self.start_list();
            }
            // A pattern in `case` may have a closing bracket without an opening one.
            b')' if self.cases.last() == Some(&self.outer.len()) => self.start_list(),
            b')' => {
                self.end_list();
                self.shell = self.outer.pop().unwrap_or(self.shell);
            }
            _ => self.end_list(),
        }
    }

    fn start_list(&mut self) {
        (self.list, self.element, self.is_piped) = (self.start(), self.start(), false);
    }

    /// Ends an element of a pipeline, which runs in its own subshell.
    fn end_element(&mut self) {
        if self.is_piped {
            self.move_into_subshell(self.element);
        }
        (self.element, self.is_piped) = (self.start(), false);
    }

    fn end_list(&mut self) {
        self.end_element();
        self.list = self.start();
    }

    /// Moves the commands and shells since a position from the current shell into a subshell.
    fn move_into_subshell(&mut self, from: Start) {
        let (old, new) = (self.shell, self.subshell());
        for command in self.commands.get_mut(from.command..).unwrap_or_default() {
            if command.shell.id == old {
                command.shell.id = new;
            }
        }
        for parent in self.parents.get_mut(from.shell..new as usize).unwrap_or_default() {
            if *parent == old {
                *parent = new;
            }
        }
    }

    /// The length of a backslash and the line end after it.
    fn continues_line(&self) -> Option<usize> {
        match (self.peek(1), self.peek(2)) {
            (b'\n', _) => Some(2),
            (b'\r', b'\n') => Some(3),
            _ => None,
        }
    }

    fn skip_line(&mut self) {
        self.at += memchr::memchr(b'\n', self.rest()).unwrap_or(self.end - self.at);
    }

    fn skip_heredocs(&mut self) {
        for delimiter in std::mem::take(&mut self.heredocs) {
            while self.at < self.end {
                let start = self.at;
                self.skip_line();
                let line = self.text.get(start..self.at).unwrap_or("");
                self.at = (self.at + 1).min(self.end);
                // YAML and Nix indent whole scripts, so the delimiter may be indented.
                if line.trim() == delimiter {
                    break;
                }
            }
        }
    }

    /// Skips a redirection and its target; records a heredoc.
    fn redirect(&mut self, skip: usize) {
        self.at += skip;
        let heredoc = self.rest().starts_with(b"<<") && !self.rest().starts_with(b"<<<");
        if !heredoc && matches!(self.peek(1), b'(') {
            // Process substitution: its commands run.
            self.at += 2;
            return self.nested();
        }
        while matches!(self.peek(0), b'<' | b'>' | b'&' | b'|' | b'-') {
            self.at += 1;
        }
        while matches!(self.peek(0), b' ' | b'\t') {
            self.at += 1;
        }
        if self.at >= self.end || matches!(self.peek(0), b'\n' | b';' | b'|' | b'&' | b'(' | b')') {
            return;
        }
        let target = self.word();
        if heredoc {
            let written = self.text.get(target.span.range()).unwrap_or("");
            self.heredocs.push(written.trim_matches(['"', '\'', '\\']));
        }
    }

    /// Reads the commands of a substitution up to its closing bracket.
    fn nested(&mut self) {
        if self.depth >= DEPTH {
            return;
        }
        self.at = self.inner(self.at, self.end, Some(b')'));
    }

    fn word(&mut self) -> Word<'a> {
        let start = self.at;
        let mut text = Text { whole: self.text, start, owned: None };
        while self.at < self.end {
            let byte = self.peek(0);
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b')' | b'<' | b'>' => break,
                b'&' => break,
                b'(' => {
                    if self.at > start && self.bytes[self.at - 1] == b'=' {
                        self.skip_array();
                        continue;
                    }
                    break;
                }
                b'\\' => {
                    text.own(self.at);
                    self.at += self.continues_line().unwrap_or(1);
                    if self.bytes[self.at - 1] == b'\\' {
                        text.push(self.take_char());
                    }
                }
                b'\'' => {
                    text.own(self.at);
                    self.at += 1;
                    let length = memchr::memchr(b'\'', self.rest()).unwrap_or(self.end - self.at);
                    text.push(&self.text[self.at..self.at + length]);
                    self.at = (self.at + length + 1).min(self.end);
                }
                b'"' => {
                    text.own(self.at);
                    self.at += 1;
                    self.double_quoted(&mut text);
                }
                b'$' | b'`' | b'{' => self.expansion(&mut text),
                _ => text.push(self.take_plain(is_plain)),
            }
        }
        if self.at == start {
            // A byte that cannot start a word is skipped, so that reading always terminates.
            text.push(self.take_char());
        }
        Word { text: text.finish(self.at), span: Span::new(start, self.at) }
    }

    fn take_char(&mut self) -> &'a str {
        let rest = self.text.get(self.at..self.end).unwrap_or("");
        let length = rest.chars().next().map_or(1, char::len_utf8);
        self.at = (self.at + length).min(self.end);
        rest.get(..length).unwrap_or("")
    }

    /// Takes the bytes before the next one that is not plain.
    fn take_plain(&mut self, is_plain: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        self.at += self.rest().iter().position(|byte| !is_plain(*byte)).unwrap_or(self.end - start);
        self.text.get(start..self.at).unwrap_or("")
    }

    fn skip_array(&mut self) {
        self.at += memchr::memchr(b')', self.rest()).map_or(self.end - self.at, |found| found + 1);
    }

    fn double_quoted(&mut self, text: &mut Text<'a>) {
        while self.at < self.end {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => {
                    self.at += self.continues_line().unwrap_or(1);
                    if self.bytes[self.at - 1] == b'\\' {
                        text.push(self.take_char());
                    }
                }
                b'$' | b'`' => self.expansion(text),
                _ => text.push(self.take_plain(|byte| !matches!(byte, b'"' | b'\\' | b'$' | b'`'))),
            }
        }
    }

    /// Reads an expansion: its commands are read, and its text stays as written.
    fn expansion(&mut self, text: &mut Text<'a>) {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with(b"${{") || rest.starts_with(b"{{") {
            self.skip_past(1);
        } else if rest.starts_with(b"$((") {
            self.skip_past(2);
        } else if rest.starts_with(b"${") {
            self.skip_past(0);
        } else if rest.starts_with(b"$(") && self.depth < DEPTH {
            self.at += 2;
            self.nested();
        } else if rest.starts_with(b"`") {
            self.backticks();
        } else {
            self.at += 1;
        }
        text.push(self.text.get(start..self.at).unwrap_or(""));
    }

    /// Skips everything up to and including one of the [`MARKS`], or a single byte if the mark is not on this line.
    fn skip_past(&mut self, mark: usize) {
        let found = self.marks.next(self.bytes, mark, self.at).map(|found| found + MARKS[mark].len());
        self.at = found.filter(|&found| found <= self.end).unwrap_or(self.at + 1);
    }

    fn backticks(&mut self) {
        self.at += 1;
        let Some(length) = memchr::memchr(b'`', self.rest()) else { return };
        if self.depth < DEPTH {
            self.inner(self.at, self.at + length, None);
        }
        self.at += length + 1;
    }

    /// Ends a command.
    fn flush(&mut self, words: &mut Vec<Word<'a>>) {
        if words.is_empty() {
            return;
        }
        let first = self.commands.len();
        let mut start = words.iter().map(|word| &*word.text).skip_while(|word| CONTROL.contains(word));
        match start.next() {
            Some("case") => self.cases.push(self.outer.len()),
            Some("esac") => drop(self.cases.pop()),
            _ => {}
        }
        let shell = Subshell { id: self.shell, depth: 0 };
        prefix::resolve(std::mem::take(words), &mut |command| self.commands.push(Command { shell, ..command }));
        for index in first..self.commands.len() {
            for script in prefix::scripts(&self.commands[index]) {
                self.inner_script(script);
            }
        }
    }

    /// Reads a script in a single word, such as the one in `sh -c "..."`.
    fn inner_script(&mut self, span: Span) {
        let slice = self.text.get(span.range()).unwrap_or("");
        let quoted = slice.len() >= 2 && (slice.starts_with('"') || slice.starts_with('\''));
        if !quoted || self.depth >= DEPTH {
            return;
        }
        let (start, end) = (span.start as usize + 1, span.end as usize - 1);
        self.inner(start, end.max(start), None);
    }
}

/// The text of a word: borrowed from the script as long as nothing in it is quoted.
struct Text<'a> {
    whole: &'a str,
    start: usize,
    owned: Option<String>,
}

impl<'a> Text<'a> {
    /// Copies the word up to `at`, because its text differs from the script from there on.
    fn own(&mut self, at: usize) {
        if self.owned.is_none() {
            self.owned = Some(self.whole.get(self.start..at).unwrap_or("").to_owned());
        }
    }

    fn push(&mut self, part: &str) {
        if let Some(owned) = &mut self.owned {
            owned.push_str(part);
        }
    }

    fn finish(self, end: usize) -> Cow<'a, str> {
        match self.owned {
            Some(owned) => Cow::Owned(owned),
            None => Cow::Borrowed(self.whole.get(self.start..end).unwrap_or("")),
        }
    }
}
