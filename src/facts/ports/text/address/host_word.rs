//! `HOST:PORT`: whether the word before the colon is a host.

use core::ops::Range;

use super::{Authority, FEW, counts_lines, is_host_byte, is_image_scheme, is_short_option};
use crate::facts::ports::text::host::{self, classify};
use crate::facts::ports::text::near::Tie;
use crate::facts::ports::text::words::{self, is_address_word, is_no_address};
use crate::facts::ports::text::{Flavour, Host, View};
use crate::knowledge::port_words;

impl<'a> View<'a> {
    /// Reads `localhost:80`, `db.example.com:5432`, `HOLE:80`.
    pub(super) fn host_word(&self, colon: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let start = self.run_start(colon, is_host_byte);
        // `${LISTEN:-0.0.0.0:8080}`
        let is_fallback =
            self.at(start) == b'-' && self.before(start) == b':' && self.fallback_name(start - 1).is_some();
        let start = start + usize::from(is_fallback);
        let word = self.str(start..colon);
        // A short option directly followed by an address: `lsof -i:8080`.
        if is_short_option(word) && !counts_lines(word) && self.is_apart(self.before(start)) {
            let host = Host::Any;
            return Some(Authority { host, start: colon, url: false });
        }
        // `.:53 {` is the root zone in CoreDNS; the WebRTC candidate `stun:8555` is a port of this machine.
        let is_zone = word == "." && self.is_apart(self.before(start)) && self.opens_block(digits.end);
        // A Caddy site or a CoreDNS zone: `lan:53 {`.
        let is_site = || {
            let opens = self.flavour == Flavour::Config && self.opens_block(digits.end);
            opens && word.bytes().all(is_host_byte) && self.starts_statement(start) && self.value(digits) >= FEW
        };
        // Twisted's `tcp:80:interface=127.0.0.1`.
        let is_endpoint = matches!(word, "tcp" | "tcp4" | "tcp6" | "ssl")
            && self.is_apart(self.before(start))
            && self.str(digits.end..self.bytes.len().min(digits.end + 11)) == ":interface=";
        if is_endpoint {
            return Some(Authority { host: Host::Any, start, url: false });
        }
        let is_candidate = word == "stun" && self.is_apart(self.before(start)) && self.value_ends(digits.end);
        // A destination in a tailnet policy: the machines with a tag.
        if self.is_tag(start) && self.value_ends(digits.end) {
            let host = Host::Any;
            return Some(Authority { host, start, url: false });
        }
        // `npx wait-on tcp:8080`
        let is_awaited = || word == "tcp" && self.runs(start, &["wait-on", "start-server-and-test"]);
        if words::strip_tail(word, "-listen").is_some() || is_zone || is_candidate || is_site() || is_awaited() {
            let host = Host::Any;
            return Some(Authority { host, start, url: false });
        }
        let host = match classify(word) {
            // `${HOST}.example.com:80`
            None if matches!(word.as_bytes(), [b'.' | b'-', ..]) && matches!(self.before(start), b'}' | b')') => {
                Host::Interpolated
            }
            other => other?,
        };
        let url = match self.scheme_start(start) {
            Some(scheme) if is_image_scheme(self.str(scheme..start)) => return None,
            other => other.is_some(),
        };
        if let Host::Named(name) = host
            && !url
            && !self.is_named_address(start, name, digits)
        {
            let host = Host::Machine(name);
            return self.may_be_machine(start, name, digits).then_some(Authority { host, start, url });
        }
        let sound = url
            || match host {
                Host::Local | Host::Any => !self.before(start).is_ascii_alphanumeric(),
                Host::Interpolated => self.is_hole_address(start, digits),
                Host::Named(_) => true,
                Host::None | Host::Machine(_) => false,
            };
        sound.then_some(Authority { host, start, url })
    }

    /// Whether a word begins a value: it follows a separator, or it is a default as in `${CACHE:-memcached:11211}`.
    fn begins_value(&self, start: usize) -> bool {
        let before = self.before(start);
        let is_fallback = || start >= 2 && self.before(start - 1) == b':' && self.fallback_name(start - 2).is_some();
        self.is_apart(before) || before == b'-' && is_fallback() || self.network_start(start).is_some()
    }

    /// Whether an `@` follows the number of a member in a list: `1@kafka-0.kafka:9093,2@kafka-1.kafka:9093`. If it
    /// follows a user, as in `bob@atlas:2024`, the text may be a path.
    fn is_member(&self, at: usize) -> bool {
        let start = self.run_start(at, |byte| byte.is_ascii_digit());
        start < at && self.begins_value(start)
    }

    /// Whether a word is the name of a tag: `tag:server`.
    fn is_tag(&self, word: usize) -> bool {
        let Some(tag) = word.checked_sub("tag:".len()) else { return false };
        self.str(tag..word) == "tag:" && self.is_apart(self.before(tag))
    }

    /// Whether `HOLE:80` is an address, rather than a part of an IPv6 address, a path, an owner or an image.
    fn is_hole_address(&self, start: usize, digits: &Range<usize>) -> bool {
        let before = self.before(start);
        let apart = self.is_apart(before)
            || before == b':' && self.follows_protocol(start - 1)
            || self.network_start(start).is_some();
        apart && !self.no_address && self.value(digits) >= FEW && !self.names_owner(start)
    }

    fn is_named_address(&self, start: usize, name: &str, digits: &Range<usize>) -> bool {
        if self.no_address || self.names_owner(start) || port_words::REFERENCES.contains(&name) {
            return false;
        }
        let before = self.before(start);
        // rsyslog sends to `@@log.example.org:514`.
        let is_sent = || before == b'@' && matches!(self.before(start - 1), b'@' | b' ' | b'\t' | 0);
        let apart = self.begins_value(start) || before == b':' && self.follows_protocol(start - 1) || is_sent();
        if host::ipv4(name).is_some() {
            return (before != b'/' || self.network_start(start).is_some()) && before != b'.';
        }
        // `KEY@seed.example.org:8776`; elsewhere `git@example.org:80` is a path.
        let apart = apart || before == b'@' && self.wants_address && self.value_ends(digits.end);
        let sure = host::is_domain(name);
        apart && self.value(digits) >= FEW && (sure || self.is_asked_address(start, name, digits))
    }

    /// Whether a word may be the name of a machine: `-master=atlas:9333,borea:9333`, `join atlas:6443`. Small numbers
    /// after it do not count unless they are well-known ports, because they may be versions or positions.
    fn may_be_machine(&self, start: usize, name: &str, digits: &Range<usize>) -> bool {
        let number = self.value(digits);
        let near = self.near(start);
        let name_before = near.as_ref().map_or("", |near| self.str(near.word.clone()));
        let before = self.before(start);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(['*', '%']);
        is_name
            && (number >= 1024 || port_words::CLEAR.contains(&number))
            // In an image reference, only the registry is followed by a path: `atlas:5000/web`.
            && (!self.no_address || self.at(digits.end) == b'/')
            && !port_words::REFERENCES.contains(&name)
            && !self.names_owner(start)
            && !is_no_address(name_before)
            && (self.begins_value(start)
                || before == b':' && self.follows_protocol(start - 1)
                || before == b'@' && self.is_member(start - 1) && self.value_ends(digits.end))
            && !self.is_in_sentence(start, digits.end)
            && !self.precedes_clause(start, digits.end)
    }

    /// Whether words are on both sides of an address, as in a message: `cannot reach atlas:7777 from borea`.
    fn is_in_sentence(&self, start: usize, end: usize) -> bool {
        let blank = self.run_start(start, |byte| byte == b' ');
        let is_word_before = blank < start && self.near(start).is_none_or(|near| self.at(near.word.start) != b'-');
        let after = self.at(end + 1);
        let is_word_after = self.at(end) == b' ' && after.is_ascii_alphabetic() && !self.begins_address(end + 1);
        is_word_before && (self.before(blank) >= 0x80 || is_word_after)
    }

    /// Whether an address begins at `start`, as in a list: `reverse_proxy /health atlas:3903 borea:3904`.
    fn begins_address(&self, start: usize) -> bool {
        let colon = self.run_end(start, is_host_byte);
        let digits = colon + 1..self.run_end(colon + 1, |byte| byte.is_ascii_digit());
        self.at(colon) == b':' && !digits.is_empty() && self.value(&digits) >= 1024
    }

    /// Whether an address is between words, with a comma or a full stop after it: `ask atlas:443, then wait`. In a
    /// list, another address would follow.
    fn precedes_clause(&self, start: usize, end: usize) -> bool {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        let rest = self.str(end..self.bytes.len().min(end + 64));
        let Some(rest) = rest.strip_prefix(", ").or_else(|| rest.strip_prefix(". ")) else { return false };
        let mut next = rest.split([' ', ',', '.', '"', '\'', '\n']);
        let before = self.run_start(start.saturating_sub(1), |byte| byte.is_ascii_alphabetic());
        // If only one word follows, as in `primary redis:6379, replica`, the text may be a list.
        let is_clause = next.next().is_some_and(is_word) && next.next().is_some_and(is_word);
        self.before(start) == b' ' && is_word(self.str(before..start - 1)) && is_clause && !self.wants_address
    }

    /// Whether a word that need not be a host is one, because the path requires an address or the port is well known:
    /// `redis:6379`, `eve.r:25`.
    fn is_asked_address(&self, start: usize, host: &str, digits: &Range<usize>) -> bool {
        let number = self.value(digits);
        let near = self.near(start);
        let name = near.as_ref().map_or("", |near| self.str(near.word.clone()));
        // A key binding may also be called `bind`: `", code:127, exec, ..."` is not a list of addresses.
        let listed = || self.text.split_whitespace().all(|word| word.contains(':'));
        let asked =
            self.wants_address && listed() || is_address_word(name) && near.is_some_and(|near| near.tie != Tie::Call);
        let plain = !host.contains('.');
        let is_prose = || {
            let is_value = self.flavour == Flavour::Value;
            self.precedes_clause(start, digits.end) || is_value && self.is_in_sentence(start, digits.end)
        };
        // A word in upper case may be a property in another format: `SEQUENCE:9000`.
        let is_clear = || port_words::CLEAR.contains(&number) && host.bytes().any(|byte| !byte.is_ascii_uppercase());
        let is_known = || is_clear() && !is_prose();
        let sound = asked && number >= 22 && (plain || host::is_dotted(host)) || plain && is_known();
        sound && !is_no_address(name)
    }

    /// Whether a word names an owner: `chown HOLE:100`, `--user HOLE:100`.
    fn names_owner(&self, start: usize) -> bool {
        let named = self.near(start).is_some_and(|near| {
            matches!(self.str(near.word), "-u" | "--user" | "user" | "-o" | "--chown" | "chown" | "-R")
        });
        named && self.before(start) != b'/' || self.runs(start, &["chown", "chgrp"]) || self.follows_chown(start)
    }

    /// Whether a word is the owner after a path: `--chown /srv HOLE:100`.
    fn follows_chown(&self, start: usize) -> bool {
        let blank = |end: usize| self.run_start(end, |byte| byte == b' ');
        let word = |end: usize| self.run_start(end, |byte| !byte.is_ascii_whitespace());
        let path = blank(start);
        let flag = blank(word(path));
        path < start && flag < word(path) && self.str(word(flag)..flag) == "--chown"
    }
}
