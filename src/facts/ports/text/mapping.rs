//! Container mappings: `8080:80`, `127.0.0.1:8080:80/tcp`, `8080/tcp`.

use core::ops::Range;

use super::host::{classify, ipv4};
use super::near::Tie;
use super::words::is_name_byte;
use super::{Form, Found, HOLE, Host, View};

/// A word split at its colons.
struct Parts {
    ranges: [Range<usize>; 5],
    len: usize,
}

/// Whether a host is written as an IPv4 address, or is this machine.
pub(super) fn is_address(host: Host<'_>) -> bool {
    match host {
        Host::Local | Host::Any => true,
        Host::Named(name) => ipv4(name).is_some(),
        Host::None | Host::Interpolated | Host::Machine(_) => false,
    }
}

impl<'a> View<'a> {
    /// The digits as a number in a mapping, if the path, a flag, a protocol or the form of the word indicates one.
    pub(super) fn mapped(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        let protocol = self.protocol_after(digits.end) && self.is_mapping_start(digits.start);
        let before = self.before(digits.start);
        let after = self.at(digits.end);
        let joined = matches!(before, b':' | b'-' | b'=') || matches!(after, b':' | b'-' | b'}');
        if !(protocol || joined || matches!(before, b' ' | b'\t' | b'"' | b'\'')) {
            return None;
        }
        let word = self.mapping_word(digits);
        match self.mapping(&word, digits) {
            Some((host, fallback, count)) => {
                let flag = self.publish_flag(&word, count);
                // Only a mapping has an address and two more parts: `127.0.0.1:HOLE:80`.
                let unmistakable =
                    count == 3 && is_address(host) && self.at(word.start) != b':' && !self.is_calendar(word.start);
                let is_item = || count > 1 && self.is_under_ports(word.start);
                let wanted = self.wants_port && (count > 1 || fallback);
                let sound = protocol || unmistakable || flag.is_some() || wanted || is_item();
                let form = if fallback { Form::EnvFallback } else { Form::Mapping };
                sound.then_some(Found::new(form, host, flag.flatten()))
            }
            None => protocol.then_some(Found::new(Form::Mapping, Host::None, None)),
        }
    }

    /// Reads curl's `--connect-to HOST:PORT:HOST:PORT` and `--resolve HOST:PORT:ADDRESS`.
    pub(super) fn renamed(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        if self.before(digits.start) != b':' || !matches!(self.at(digits.end), b':' | b' ' | b'"' | b'\'' | b'\n' | 0) {
            return None;
        }
        let accept =
            |byte: u8| is_name_byte(byte) || matches!(byte, b':' | b'$' | b'{' | b'}' | b'*' | b'[' | b']' | b'+');
        let word = self.run_start(digits.start, accept);
        let near = self.near(word).filter(|near| matches!(near.tie, Tie::Space | Tie::Equals))?;
        let flag = self.str(near.word);
        if !matches!(flag, "--connect-to" | "--resolve") {
            return None;
        }
        let start =
            self.run_start(digits.start - 1, |byte| is_name_byte(byte) || matches!(byte, b'$' | b'{' | b'}' | b'*'));
        let named = classify(self.str(start..digits.start - 1)).unwrap_or(Host::Any);
        // `--resolve` gives the address of the name.
        let address = self.run_end(digits.end + 1, |byte| is_name_byte(byte) || matches!(byte, b'$' | b'{' | b'}'));
        let resolved = classify(self.str((digits.end + 1).min(address)..address)).filter(|_| flag == "--resolve");
        let host = match resolved {
            Some(Host::Any | Host::Local | Host::Interpolated) if self.at(digits.end) == b':' => Host::Any,
            // The connection goes to this address, regardless of who owns the name elsewhere.
            Some(address @ Host::Named(word)) if ipv4(word).is_some() => address,
            _ => named,
        };
        Some(Found::new(Form::HostPort, host, Some(flag)))
    }

    /// The end of the protocol of `80/tcp`, if `slash` begins one.
    pub(super) fn protocol_at(&self, slash: usize) -> Option<usize> {
        if self.at(slash) != b'/' {
            return None;
        }
        let end = self.run_end(slash + 1, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = self.str(slash + 1..end);
        let known = ["tcp", "udp", "sctp"].iter().any(|name| word.eq_ignore_ascii_case(name));
        known.then_some(end)
    }

    /// Whether a protocol follows the digits, or the mapping that contains them: `80/tcp`, `8080:80/tcp`,
    /// `9000-9010/udp`.
    fn protocol_after(&self, end: usize) -> bool {
        let slash = self.run_end(end, |byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-'));
        self.protocol_at(slash).is_some_and(|end| self.at(end) != b'/')
    }

    /// Whether the digits start a word, or a part of a mapping.
    fn is_mapping_start(&self, start: usize) -> bool {
        let before = self.before(start);
        before == 0
            || before.is_ascii_whitespace()
            || matches!(before, b':' | b'-' | b'=' | b'"' | b'\'' | b',' | b'(' | b'[' | b'{' | b'`')
    }

    /// The word that contains the digits, without a protocol.
    fn mapping_word(&self, digits: &Range<usize>) -> Range<usize> {
        let accept = |byte: u8| is_name_byte(byte) || matches!(byte, b':' | b'$' | b'{' | b'}' | b'*');
        let mut start = self.run_start(digits.start, accept);
        // `${PORT:?must be set}:80`: the braces of a variable may contain blanks.
        while matches!(self.before(start), b' ' | b'?' | b'!' | b',' | b'/') {
            let open = self.run_start(start, |byte| !matches!(byte, b'{' | b'}' | b'\n' | b'"' | b'\''));
            let closes = self.str(start..digits.start).contains('}');
            if self.before(open) != b'{' || self.before(open - 1) != b'$' || !closes {
                break;
            }
            start = self.run_start(open, accept);
        }
        start..self.run_end(digits.end, accept)
    }

    /// The host of the mapping, whether the digits are a fallback (`${WEB:-8080}:80`), and the number of parts; `None`
    /// if the word is not a mapping or the digits are in its host.
    fn mapping(&self, word: &Range<usize>, digits: &Range<usize>) -> Option<(Host<'a>, bool, usize)> {
        let mut word = word.clone();
        if matches!(self.str(word.start..digits.start), "-p" | "-P") || self.str(word.clone()).starts_with("-p") {
            word.start += 2;
        }
        let parts = self.parts(&word)?;
        let mut parts = parts.ranges.get(..parts.len)?;
        // systemd-nspawn: `--port=tcp:8080:80`.
        if parts.first().is_some_and(|part| matches!(self.str(part.clone()), "tcp" | "udp")) {
            parts = parts.get(1..)?;
        }
        let (host, ports) = match parts {
            [port] => (Host::None, core::slice::from_ref(port)),
            [first, _] if self.is_port_part(first) => (self.bracket_host(word.start), parts),
            [first, ..] if parts.len() <= 3 => {
                let bracketed = first.is_empty() && self.before(first.start) == b']';
                let host = if bracketed { self.bracket_host(first.start) } else { classify(self.str(first.clone()))? };
                (host, parts.get(1..)?)
            }
            _ => return None,
        };
        // `127.0.0.1::80` lets Docker choose the host port.
        let has_host = parts.first().is_some_and(|first| !first.is_empty() || self.before(first.start) == b']');
        let chosen =
            |part: &Range<usize>| part.is_empty() && has_host && ports.len() == 2 && ports.first() == Some(part);
        if !ports.iter().all(|part| self.is_port_part(part) || chosen(part)) {
            return None;
        }
        let part = ports.iter().find(|part| part.start <= digits.start && digits.end <= part.end)?;
        let is_variable = self.at(part.start) == b'$';
        if is_variable && self.fallback_start(digits.start).is_none() {
            return None;
        }
        Some((host, is_variable, parts.len()))
    }

    /// Splits a word at the colons outside `${...}`.
    fn parts(&self, word: &Range<usize>) -> Option<Parts> {
        let mut parts = Parts { ranges: Default::default(), len: 0 };
        let mut depth = 0_usize;
        let mut start = word.start;
        for at in word.start..=word.end {
            let byte = if at == word.end { b':' } else { self.at(at) };
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b':' if depth == 0 || at == word.end => {
                    *parts.ranges.get_mut(parts.len)? = start..at;
                    parts.len += 1;
                    start = at + 1;
                }
                _ => {}
            }
        }
        Some(parts)
    }

    /// Whether a part can be a port: `80`, `8000-8010`, an interpolation, `${WEB:-8080}`.
    fn is_port_part(&self, part: &Range<usize>) -> bool {
        let text = self.str(part.clone());
        let number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let range = || text.split_once('-').is_some_and(|(from, to)| number(from) && number(to));
        number(text) || range() || text.starts_with('$') || !text.is_empty() && text.bytes().all(|byte| byte == HOLE)
    }

    /// The address in brackets that ends at `end`: `[::1]:80:80`.
    fn bracket_host(&self, end: usize) -> Host<'a> {
        if self.before(end) != b']' {
            return Host::None;
        }
        let open = self.run_start(end - 1, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | HOLE));
        classify(self.str(open..end - 1)).unwrap_or(Host::None)
    }

    /// The flag that publishes ports, if it precedes the word: `-p 8080:80`, `--publish=8080:80`. The inner value is
    /// `None` if the flag is attached (`-p8080:80`) or is a subcommand (`port-forward svc/x 8080:80`).
    fn publish_flag(&self, word: &Range<usize>, count: usize) -> Option<Option<&'a str>> {
        const CONTAINERS: &[&str] = &["docker", "podman", "nerdctl"];
        if self.str(word.clone()).starts_with("-p") {
            return (count > 1 || self.runs(word.start, CONTAINERS)).then_some(None);
        }
        let near = self.near(word.start).filter(|near| matches!(near.tie, Tie::Space | Tie::Equals));
        let name = near.map_or("", |near| self.str(near.word));
        let publishes = match name {
            "--publish" => true,
            // Only a mapping follows `-p` and contains a colon.
            "-p" => count > 1 || self.runs(word.start, CONTAINERS),
            "--port" | "--ports" => count > 1,
            _ => false,
        };
        if publishes {
            return Some(Some(name));
        }
        (count > 1 && self.runs(word.start, &["port-forward"])).then_some(None)
    }
}
