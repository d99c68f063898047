//! The host that a port key belongs to: `host = smtp.example.com` in the section of `port = 587`.

use core::ops::Range;

use super::host::classify;
use super::lines::comment_start;
use super::words::{is_name_byte, strip_tail};
use super::{Flavour, Host, LITERAL, View};

/// The limits of a section, in lines and bytes in each direction.
const LINES: usize = 40;
const BYTES: usize = 2048;

/// Words for a host; the rest of the name must equal the rest of the port's name: `SMTP_HOST` belongs to `SMTP_PORT`.
const HOSTS: &[&str] = &["hostname", "host", "servername", "server", "address", "addr", "ip"];

impl<'a> View<'a> {
    /// The host that a sibling of the key specifies.
    pub(super) fn section_host(&self, key: Range<usize>, end: usize) -> Host<'a> {
        let stem = stem(self.str(key.clone()));
        let line = self.line_around(key.start, end);
        if line.len() < BYTES
            && let Some(host) = self.line_host(&self.braces(&line, &key), &key, stem)
        {
            return host;
        }
        let indent = self.indent(&line);
        self.search(line.clone(), indent, &key, stem, Direction::Up)
            .or_else(|| self.search(line.clone(), indent, &key, stem, Direction::Down))
            .or_else(|| self.ssh_block(line))
            .unwrap_or(Host::None)
    }

    /// The name of the ssh_config block that contains a line; `None` for `Host *`.
    fn ssh_block(&self, mut line: Range<usize>) -> Option<Host<'a>> {
        for _ in 0..LINES {
            line = self.line_before(&line)?;
            if let Some(host) = ssh_host(self.trimmed(&line)) {
                return classify(host).filter(|host| *host != Host::Any);
            }
        }
        None
    }

    fn search(
        &self,
        from: Range<usize>,
        indent: usize,
        key: &Range<usize>,
        stem: &str,
        direction: Direction,
    ) -> Option<Host<'a>> {
        let mut line = from.clone();
        // A dash starts the item that contains the key: lines above belong to another item.
        if direction == Direction::Up && self.is_item(&line) {
            return None;
        }
        for _ in 0..LINES {
            line = match direction {
                Direction::Up => self.line_before(&line)?,
                Direction::Down => self.line_after(&line)?,
            };
            if from.start.abs_diff(line.start) > BYTES || line.len() > BYTES {
                return None;
            }
            let text = self.trimmed(&line);
            if text.is_empty() {
                continue;
            }
            let item = self.is_item(&line);
            let own = self.indent(&line);
            if is_header(text) || ssh_host(text).is_some() || own < indent || item && direction == Direction::Down {
                return None;
            }
            if own == indent
                && let Some(host) = self.line_host(&line, key, stem)
            {
                return Some(host);
            }
            if item && own == indent {
                return None;
            }
        }
        None
    }

    /// Whether a word is an item of the list under `ports:`, in a Compose file that is written as a string.
    pub(super) fn is_under_ports(&self, word: usize) -> bool {
        let mut line = self.line_around(word, word);
        if self.flavour != Flavour::Config || !self.is_item(&line) {
            return false;
        }
        for _ in 0..LINES {
            let Some(before) = self.line_before(&line) else { return false };
            line = before;
            let text = self.trimmed(&line);
            if !(text.is_empty() || text.starts_with(['-', '#'])) {
                return text == "ports:";
            }
        }
        false
    }

    /// The host that a line assigns with `host = value`.
    fn line_host(&self, line: &Range<usize>, key: &Range<usize>, stem: &str) -> Option<Host<'a>> {
        let stop = line.start + comment_start(self.bytes.get(line.clone())?, self.flavour);
        let mut at = line.start;
        while at < stop {
            let end = self.run_end(at, is_name_byte).min(stop);
            if end == at {
                at += 1;
                continue;
            }
            let word = self.str(at..end);
            if at != key.start
                && names_host(word, stem)
                && let Some(value) = self.value_after(end, stop).or_else(|| self.lone_value(line.start, at..end, stop))
            {
                return named_host(value);
            }
            at = end;
        }
        None
    }

    /// The value assigned to the name that ends at `end`.
    fn value_after(&self, end: usize, stop: usize) -> Option<&'a str> {
        let quote = self.run_end(end, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b']'));
        let tie = self.run_end(quote, |byte| matches!(byte, b' ' | b'\t' | b'=' | b':'));
        // `HostName example.com` has only a blank in between. Any two words of prose look the same, so no other name is
        // read in this form.
        let tied = self.str(quote..tie).contains(['=', ':'])
            || strip_tail(self.str(end.saturating_sub(8)..end), "hostname").is_some();
        let start = self.run_end(tie, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
        let tag = self.str(start..self.bytes.len().min(start + LITERAL.len())) == LITERAL;
        let start = if tag { start + LITERAL.len() } else { start };
        let mut end =
            self.run_end(start, |byte| is_name_byte(byte) || matches!(byte, b'/' | b'$' | b'{' | b'}' | b'*'));
        // The colons of an IPv6 address are escaped if they separate the parts of a value.
        while self.at(end) == b'\\' && self.at(end + 1) == b':' {
            end = self.run_end(end + 2, |byte| byte.is_ascii_hexdigit());
        }
        let value = start..end;
        (tied && start < stop && tie > quote).then(|| self.str(value))
    }

    /// The domain name after a name that begins a line, if nothing follows: msmtp's `host mail.example.org`.
    fn lone_value(&self, line: usize, name: Range<usize>, stop: usize) -> Option<&'a str> {
        let mut words = self.str(name.end..stop).split_ascii_whitespace();
        let value = words.next().filter(|value| value.contains('.'))?;
        (self.str(line..name.start).trim().is_empty() && words.next().is_none()).then_some(value)
    }

    /// The part of a line inside the same braces as the key: `{ "host": "a", "port": 1 }, { "host": "b" }`.
    fn braces(&self, line: &Range<usize>, key: &Range<usize>) -> Range<usize> {
        let outside = |byte: u8| !matches!(byte, b'{' | b'}' | b'(' | b')' | b'\n' | b';');
        let start = self.run_start(key.start, outside).max(line.start);
        start..self.run_end(key.end, outside).min(line.end)
    }

    fn line_around(&self, start: usize, end: usize) -> Range<usize> {
        let from = start.saturating_sub(BYTES);
        let to = self.bytes.len().min(end + BYTES);
        let start =
            self.bytes.get(from..start).and_then(|part| memchr::memrchr(b'\n', part)).map_or(from, |at| from + at + 1);
        let stop = self.bytes.get(end..to).and_then(|part| memchr::memchr(b'\n', part)).map_or(to, |at| end + at);
        start..stop
    }

    fn line_before(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let end = line.start.checked_sub(1)?;
        Some(self.line_around(end, end))
    }

    fn line_after(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let start = (line.end < self.bytes.len()).then_some(line.end + 1)?;
        Some(self.line_around(start, start))
    }

    /// The indentation of a line's key; the dash of a list item counts as indentation.
    fn indent(&self, line: &Range<usize>) -> usize {
        self.run_end(line.start, |byte| matches!(byte, b' ' | b'\t')) - line.start
            + if self.is_item(line) { 2 } else { 0 }
    }

    fn is_item(&self, line: &Range<usize>) -> bool {
        self.trimmed(line).starts_with("- ")
    }

    fn trimmed(&self, line: &Range<usize>) -> &'a str {
        self.str(line.clone()).trim()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// A port's name without the word port at its end: `SMTP` for `SMTP_PORT`.
fn stem(word: &str) -> &str {
    let head = strip_tail(word, "ports").or_else(|| strip_tail(word, "port")).unwrap_or(word);
    head.trim_matches(['_', '-', '.'])
}

/// Whether `word` names the host that belongs to the port with this stem.
fn names_host(word: &str, stem: &str) -> bool {
    let goes_with = |head: &str| head.trim_matches(['_', '-', '.']).eq_ignore_ascii_case(stem);
    HOSTS.iter().any(|tail| {
        strip_tail(word, tail).is_some_and(goes_with)
            || !stem.is_empty() && word.eq_ignore_ascii_case(tail) && goes_with(tail)
    })
}

/// The host that a value names; `None` for values that are not hosts (`true`, a number).
fn named_host(value: &str) -> Option<Host<'_>> {
    let word = matches!(value, "true" | "false" | "yes" | "no" | "none" | "null" | "on" | "off" | "");
    if word { None } else { classify(value) }
}

/// Whether a line is the header of a section: `[servers]`, `[[frugal]]`, `<prometheus>`, `</prometheus>`.
fn is_header(line: &str) -> bool {
    line.starts_with('[') && line.ends_with(']')
        || line.starts_with('<') && line.ends_with('>') && !line[1..].contains("</")
}

/// The name in ssh_config's `Host NAME`.
fn ssh_host(line: &str) -> Option<&str> {
    let name = line.strip_prefix("Host ")?.trim();
    (!name.starts_with(['=', ':'])).then_some(name)
}
