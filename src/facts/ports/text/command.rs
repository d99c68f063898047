//! Command lines: the program that a flag belongs to, and the host that a command connects to.

use crate::knowledge::port_words;
use core::ops::Range;

use super::host::classify;
use super::sink::is_command_host;
use super::words::{is_about_ssh, is_name_byte};
use super::{Context, Flavour, Form, HOLE, Host, View};

/// Whether a word assigns options of ssh or scp to a variable, as in `SSH_OPTS="-p 2222"`, and `flag` takes a port in
/// that program.
fn sets_options(word: &str, flag: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let copies = || name.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"scp"));
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name && (takes_port("ssh", flag) && is_about_ssh(name) || takes_port("scp", flag) && copies())
}

/// The program that receives the arguments at a path: `services.opentracker.extraOptions`.
pub(super) fn program_of(path: &[&str]) -> Option<&'static str> {
    const OPTIONS: [&str; 5] = ["extraArgs", "extraFlags", "extraOptions", "extraArguments", "extraCommandLineOptions"];
    let [before @ .., program, last] = path else { return None };
    if !OPTIONS.contains(last) {
        return None;
    }
    let find = |name: &str| {
        let mut programs = port_words::PROGRAMS.iter().flat_map(|(_, programs)| *programs);
        programs.find(|known| **known == name).copied()
    };
    // A service may have several instances: `services.autossh.sessions`.
    let service = match before {
        ["services", service, ..] => find(service),
        _ => None,
    };
    find(program).or(service)
}

/// Whether `flag` of `program` (a name or a path) takes a port; for callers with command lines as lists of words.
pub fn takes_port(program: &str, flag: &str) -> bool {
    let name = base_name(program);
    port_words::PROGRAMS.iter().any(|(short, programs)| *short == flag && programs.contains(&name))
}

/// Arguments of a list beyond this number are not read, so that the work for each of them is bounded.
pub const ARGUMENTS: usize = 32;

/// Reads a list of arguments as a command line: the host, as written, of the port at `index`, if it is the value of a short flag
/// that takes a port in the program before it, as in `["psql", "-p", "5433"]`.
pub fn argument_port(arguments: &[&str], index: usize) -> Option<Option<String>> {
    let flag = arguments.get(index.checked_sub(1)?)?;
    if !port_words::PROGRAMS.iter().any(|(short, _)| short == flag) {
        return None;
    }
    let mut line = String::new();
    let mut value = 0..0;
    for (at, argument) in arguments.iter().enumerate() {
        let start = line.len();
        // An argument with a space, such as a script, is not a word of this command.
        let is_word = argument.bytes().all(|byte| is_name_byte(byte) || b"/:@=[]*%~$,{}".contains(&byte));
        line.push_str(if is_word { argument } else { "-" });
        if at == index {
            value = start..line.len();
        }
        line.push(' ');
    }
    let mut found = Vec::new();
    super::scan_with_machines(&line, &Context { path: &[], flavour: Flavour::Script }, &mut found);
    let port = found.into_iter().find(|port| port.form == Form::Flag && port.range == value)?;
    Some(match port.host {
        Host::Named(host) => Some(host.to_owned()),
        _ => None,
    })
}

impl<'a> View<'a> {
    /// Whether the command before `at` runs a program whose `flag` takes a port.
    pub(super) fn program_takes(&self, at: usize, flag: &str) -> bool {
        if !port_words::PROGRAMS.iter().any(|(short, _)| *short == flag) {
            return false;
        }
        self.about_ssh && takes_port("ssh", flag)
            || self.program.is_some_and(|program| takes_port(program, flag))
            || self.words(self.command_start(at)..at).any(|word| takes_port(word, flag) || sets_options(word, flag))
    }

    /// Whether the command before `at` contains one of `programs`.
    pub(super) fn runs(&self, at: usize, programs: &[&str]) -> bool {
        self.words(self.command_start(at)..at).any(|word| programs.contains(&base_name(word)))
    }

    /// Whether a number is in the text that `substituteInPlace` searches for, which belongs to the patched program:
    /// `--replace-fail 'port: 3001' ..`.
    pub(super) fn is_sought(&self, at: usize) -> bool {
        // The text may contain quotes of the other kind.
        [b'"', b'\''].into_iter().any(|quote| {
            let start = self.run_start(at, |byte| byte != quote && byte != b'\n');
            if self.before(start) != quote {
                return false;
            }
            let end = self.run_start(start - 1, |byte| matches!(byte, b' ' | b'\\' | b'\n' | b'\t'));
            let word = self.run_start(end, is_name_byte);
            matches!(self.str(word..end), "--replace" | "--replace-fail" | "--replace-warn" | "--replace-quiet")
        })
    }

    /// The host that the command around a flag connects to: `-h HOST`, `--host=HOST`. For ssh and similar programs,
    /// this includes `user@HOST` and a word that can only be a host.
    pub(super) fn command_host(&self, at: usize, end: usize) -> Host<'a> {
        let start = self.command_start(at);
        let stop = self.command_end(end);
        let is_remote = |program| port_words::REMOTE.contains(&program);
        let remote = self.about_ssh || self.program.is_some_and(is_remote) || self.runs(at, port_words::REMOTE);
        let mut last = "";
        let mut found = Host::None;
        for word in self.words(start..at).chain(self.words(end..stop)) {
            let named = matches!(last, "-h" | "--host" | "--hostname" | "-H");
            last = word;
            // `dig @127.0.0.1 -p 5353`
            let host = if named {
                Some(word)
            } else if let Some(server) = word.strip_prefix('@') {
                Some(server)
            } else if let Some((flag, host)) = word.split_once('=') {
                Some(host).filter(|_| matches!(flag, "--host" | "--hostname" | "-h"))
            } else if let Some((_, host)) = word.split_once('@').filter(|_| remote) {
                Some(host.split(':').next().unwrap_or(host)).filter(|_| !word.contains("://"))
            } else {
                Some(word).filter(|word| remote && is_command_host(word))
            };
            if let Some(host) = host.filter(|host| !host.is_empty()).and_then(classify) {
                found = host;
            }
        }
        found
    }

    /// The start of the command that contains `at`: after a newline without a backslash, `;`, `|`, `&`, `(` or a
    /// backquote.
    fn command_start(&self, at: usize) -> usize {
        let mut start = at;
        let floor = at.saturating_sub(4 * super::WINDOW);
        while start > floor {
            let ends = match self.before(start) {
                b'\n' => self.before(start - 1) != b'\\',
                b';' | b'|' | b'&' | b'(' | b'`' => true,
                _ => false,
            };
            if ends {
                break;
            }
            start -= 1;
        }
        start
    }

    fn command_end(&self, from: usize) -> usize {
        let mut end = from;
        let ceiling = self.bytes.len().min(from.saturating_add(2 * super::WINDOW));
        while end < ceiling {
            let ends = match self.at(end) {
                b'\n' => self.before(end) != b'\\',
                b';' | b'|' | b'&' | b')' | b'`' => true,
                _ => false,
            };
            if ends {
                break;
            }
            end += 1;
        }
        end
    }

    /// The words of a command, without quotes, commas and brackets.
    fn words(&self, range: Range<usize>) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text
            .get(self.char_floor(range.start)..self.char_floor(range.end))
            .unwrap_or_default()
            .split(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']' | '\\'))
            .filter(|word| !word.is_empty())
    }

    /// The char boundary at or before `at`.
    fn char_floor(&self, at: usize) -> usize {
        let mut at = at.min(self.bytes.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// The name of the program in a word: `HOLE/bin/ssh` -> `ssh`, `$ssh` -> `ssh`, `ssh:` -> `ssh`.
fn base_name(word: &str) -> &str {
    let word = word.rsplit(['/', '=']).next().unwrap_or(word);
    word.trim_matches(|c: char| !c.is_ascii() || c as u8 == HOLE || !is_name_byte(c as u8))
}
