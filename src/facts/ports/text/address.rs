//! `HOST:PORT`, URLs and similar forms.

use crate::knowledge::port_words;
use crate::paths;
mod host_word;

use core::ops::Range;

use super::host::{self, classify};
use super::mapping::is_address;
use super::near::{Near, Tie};
use super::words::{is_address_word, is_counting, is_no_address, is_own_address};
use super::{Form, Found, HOLE, Host, View};

/// Smaller numbers are not ports: `1` in `{file}:1` is a position, `2` in `HOLE:2` is a flag.
const FEW: u32 = 10;

/// The part before the colon of `HOST:PORT`.
struct Authority<'a> {
    host: Host<'a>,
    start: usize,
    url: bool,
}

impl<'a> View<'a> {
    /// Reads `HOST:PORT`, `scheme://HOST:PORT`, `ADDRESS@PORT`, `/ip4/ADDRESS/tcp/PORT`.
    pub(super) fn addressed(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        let start = self.fallback_start(digits.start).unwrap_or(digits.start);
        let mut authority = match self.before(start) {
            b':' => self.authority(start - 1, digits)?,
            b'@' => self.at_address(start - 1, digits)?,
            b'#' => self.hash_address(start - 1, digits)?,
            b'/' => self.path_address(start).or_else(|| self.slashed_address(start - 1, digits))?,
            _ => return None,
        };
        // The word before the address may be a value instead of a flag: `--exit-idle-time=1min 127.0.0.1:8096`.
        let counts = |word: &str| !word.starts_with(|c: char| c.is_ascii_digit()) && is_counting(word);
        // These two options of curl have no value.
        let is_switch = |near: &Near| {
            matches!(self.str(near.word.clone()), "--head" | "-n") && self.runs(near.word.start, &["curl"])
        };
        if self.near(authority.start).is_some_and(|near| !is_switch(&near) && counts(self.str(near.word))) {
            return None;
        }
        if self.is_display_number(authority.start, digits) {
            return None;
        }
        if !matches!(authority.host, Host::Machine(_)) {
            if self.forwards || self.is_nat_target(authority.start) || self.is_listen_address(&authority) {
                authority.host = Host::Any;
            }
            if let Some(host) = self.looked_up(authority.start, start) {
                authority.host = host;
            }
        }
        if !self.address_ends(digits.end, &authority) {
            return None;
        }
        let form = if start != digits.start {
            Form::EnvFallback
        } else if authority.url {
            Form::Url
        } else {
            Form::HostPort
        };
        Some(Found::new(form, authority.host, self.address_name(authority.start)))
    }

    /// Whether `HOST:NUMBER` is a display: `qemu -vnc 0.0.0.0:99`, `DISPLAY=127.0.0.1:10`. Larger numbers are ports, as
    /// in noVNC's `--vnc localhost:5901`.
    fn is_display_number(&self, start: usize, digits: &Range<usize>) -> bool {
        let names_display = |word: &str| matches!(word, "-vnc" | "--vnc" | "-display" | "--display" | "DISPLAY");
        self.value(digits) < 1000 && self.near(start).is_some_and(|near| names_display(self.str(near.word)))
    }

    fn authority(&self, colon: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        match self.before(colon) {
            b':' => self.hostfwd(colon - 1).or_else(|| self.any_address(colon - 1)),
            b']' => self.bracketed(colon - 1),
            b'*' | b'+' => self.wildcard(colon - 1, digits),
            b'}' => self.template(colon - 1, b'{', digits),
            b')' => self.template(colon - 1, b'(', digits),
            byte if is_host_byte(byte) => self.host_word(colon, digits),
            b'"' => self.quoted_variable(colon).or_else(|| self.no_host(colon, digits)),
            _ => self.no_host(colon, digits),
        }
    }

    /// The start of the network before a host, as Caddy writes addresses: `udp/atlas:9333`.
    fn network_start(&self, host: usize) -> Option<usize> {
        let slash = host.checked_sub(1).filter(|slash| self.at(*slash) == b'/')?;
        let start = self.run_start(slash, |byte| byte.is_ascii_alphanumeric());
        let is_network = matches!(self.str(start..slash), "tcp" | "tcp4" | "tcp6" | "udp" | "udp4" | "udp6");
        (is_network && self.is_apart(self.before(start))).then_some(start)
    }

    /// Reads QEMU's `hostfwd=tcp::2222-:22`, in which the address between the colons is empty.
    fn hostfwd(&self, colon: usize) -> Option<Authority<'a>> {
        let start = self.run_start(colon, |byte| byte.is_ascii_alphanumeric());
        matches!(self.str(start..colon), "tcp" | "udp").then_some(Authority { host: Host::Any, start, url: false })
    }

    /// Reads `http://"$host":9000`: a quoted shell variable after a scheme.
    fn quoted_variable(&self, colon: usize) -> Option<Authority<'a>> {
        let close = colon.checked_sub(1)?;
        let open = self.run_start(close, |byte| !matches!(byte, b'"' | b'\n')).checked_sub(1)?;
        let is_variable = self.at(open) == b'"' && self.at(open + 1) == b'$';
        let sound = is_variable && self.scheme_start(open).is_some();
        sound.then_some(Authority { host: Host::Interpolated, start: open, url: true })
    }

    /// Reads `:::80`, as in HAProxy's `bind` and in `ss`: the address before the last colon is `::`.
    fn any_address(&self, second: usize) -> Option<Authority<'a>> {
        let start = second.checked_sub(1).filter(|first| self.at(*first) == b':')?;
        let named = self.near(start).is_some_and(|near| is_address_word(self.str(near.word)));
        (named && self.is_apart(self.before(start))).then_some(Authority { host: Host::Any, start, url: false })
    }

    /// Reads `[::1]:80`.
    fn bracketed(&self, close: usize) -> Option<Authority<'a>> {
        let open = self.run_start(close, |byte| is_host_byte(byte) || matches!(byte, b':' | b'*' | b'{' | b'}'));
        let inside = self.str(open..close);
        let start = open.checked_sub(1).filter(|_| self.before(open) == b'[')?;
        if self.before(start).is_ascii_alphanumeric() || !inside.bytes().any(|byte| !byte.is_ascii_digit()) {
            return None;
        }
        // Python's `f"http://[{address}]:80"`
        let is_replaced = inside.starts_with('{') && inside.ends_with('}');
        let host = if is_replaced { Host::Interpolated } else { classify(inside)? };
        Some(Authority { host, start, url: self.scheme_start(start).is_some() })
    }

    /// Reads `*:80`. Unless the context requires an address, `*:45` means minute 45 of every hour.
    fn wildcard(&self, star: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let url = self.scheme_start(star).is_some();
        let before = self.before(star);
        let near = self.near(star);
        let is_element = || before == b'>' && near.as_ref().is_some_and(|near| near.tie == Tie::Tag);
        let apart = before == 0
            || before.is_ascii_whitespace()
            || matches!(before, b'"' | b'\'' | b'=' | b',' | b'(' | b'@')
            || is_element()
            || before == b':' && self.is_variable_of_config(star - 1);
        let named = near.as_ref().is_some_and(|near| !is_no_address(self.str(near.word.clone())));
        let minute = self.value(digits) < 60 && !self.wants_address && !named;
        (url || apart && self.at(star) == b'*' && !minute && !self.is_calendar(star)).then_some(Authority {
            host: Host::Any,
            start: star,
            url,
        })
    }

    /// Whether a colon separates a variable from its default, as in OvenMediaEngine's `${env:RELAY_ADDRESS:*:3478}`.
    fn is_variable_of_config(&self, colon: usize) -> bool {
        let start = self.run_start(colon, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let mark = start.checked_sub("{env:".len());
        start < colon && mark.is_some_and(|mark| self.str(mark..start) == "{env:")
    }

    /// Reads `${HOST}:80`, `{{ host }}:80`, `$(hostname):80`: an interpolation of the text's language.
    fn template(&self, close: usize, bracket: u8, digits: &Range<usize>) -> Option<Authority<'a>> {
        let open = self.run_start(close, |byte| byte != bracket && byte != b'\n');
        let inside = self.str(open..close);
        if self.before(open) != bracket || !inside.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let start = self.run_start(open, |byte| byte == bracket);
        let marked = self.before(start) == b'$';
        if bracket == b'(' && !marked {
            return None;
        }
        let start = start - usize::from(marked);
        // `${a}:${b}:80` may be a mapping or an IPv6 address; mappings are read elsewhere.
        let url = self.scheme_start(start).is_some();
        let apart = url
            || (!matches!(self.before(start), b':' | b'/') || self.network_start(start).is_some())
                && self.value(digits) >= FEW;
        // Grafana reads the values of `$__file{/run/secrets/smtp}` and `$__env{SMTP}` from a file and the environment.
        if apart && marked_by_provider(self.str(self.run_start(start, is_host_byte)..start)) {
            return (!self.no_address).then_some(Authority { host: UNKNOWN, start, url });
        }
        (apart && !self.no_address).then_some(Authority { host: Host::Interpolated, start, url })
    }

    /// Whether the quote before a colon ends a key, as in `"id":28`, rather than starting a value, as in `":9464"`.
    fn closes_key(&self, colon: usize) -> bool {
        let quote = colon.saturating_sub(1);
        quote > 0 && !matches!(self.before(quote), b' ' | b'\t' | b'\n' | b'=' | b'(' | b'[' | b'{' | b',' | b':')
    }

    /// Reads `:9464`. The text before the colon must permit a host.
    fn no_host(&self, colon: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let url = self.scheme_start(colon).is_some();
        let near = self.near(colon);
        let name = near.as_ref().map_or("", |near| self.str(near.word.clone()));
        let before = self.before(colon);
        let sound = match before {
            // `redis://:PASSWORD@:6379`
            b'/' => url || self.network_start(colon).is_some(),
            b'@' => url,
            0 | b'\n' => true,
            // The text of an XML element: `<Port>:3479</Port>`.
            b'>' => near.as_ref().is_some_and(|near| near.tie == Tie::Tag),
            b'"' | b'\'' => !self.closes_key(colon),
            // tmux compares numbers: `#{e|>=:10,#{battery_percentage}}`.
            b'=' => !matches!(self.before(colon - 1), b'<' | b'>' | b'=' | b'!'),
            b',' => true,
            // `tmux select-window -t :2`
            b' ' | b'\t' if self.value(digits) < FEW || self.runs(colon, port_words::TMUX) => false,
            b' ' | b'\t' => near.as_ref().is_none_or(|near| may_precede_address(name, near.tie)),
            _ => false,
        };
        (sound && !self.no_address && !is_display(name)).then_some(Authority { host: Host::Any, start: colon, url })
    }

    /// Reads `ADDRESS@PORT` as in unbound and knot. After an interpolation, only the ports of DNS servers and numbers
    /// from 1024 count: others may be refresh rates of screens.
    fn at_address(&self, sign: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let start = self.run_start(sign, |byte| is_host_byte(byte) && byte != b'$' || byte == b':');
        let word = self.str(start..sign);
        let apart = self.is_apart(self.before(start));
        if !word.is_empty() && word.bytes().all(|byte| byte == HOLE) {
            let number = self.value(digits);
            let is_dns = matches!(number, 53 | 853 | 443) || number >= 1024;
            return (apart && is_dns).then_some(Authority { host: Host::Interpolated, start, url: false });
        }
        let address = host::ipv4(word).is_some() || host::is_ipv6(word) || word == "::";
        Some(Authority { host: classify(word).filter(|_| address && apart)?, start, url: false })
    }

    /// Reads dnsmasq's `ADDRESS#PORT`, possibly after a domain: `/lan/127.0.0.1#5353`.
    fn hash_address(&self, sign: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let start = self.run_start(sign, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
        let word = self.str(start..sign);
        let is_address = host::ipv4(word).is_some() || host::is_ipv6(word);
        let is_apart = self.is_apart(self.before(start)) || self.before(start) == b'/';
        let sound = is_address && is_apart && self.value_ends(digits.end);
        Some(Authority { host: classify(word).filter(|_| sound)?, start, url: false })
    }

    /// Reads `ADDRESS/PORT` as in ZeroTier, strongSwan and WeeChat: a number that is too large for a prefix length.
    fn slashed_address(&self, slash: usize, digits: &Range<usize>) -> Option<Authority<'a>> {
        let local = slash.checked_sub("localhost".len()).filter(|start| self.str(*start..slash) == "localhost");
        let start = local
            .unwrap_or_else(|| self.run_start(slash, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')));
        let word = self.str(start..slash);
        let address = local.is_some() || host::ipv4(word).is_some() || host::is_ipv6(word);
        let sound = address && self.value(digits) > 128 && self.is_apart(self.before(start));
        Some(Authority { host: classify(word).filter(|_| sound && self.value_ends(digits.end))?, start, url: false })
    }

    /// Whether an address is the target of a packet filter's NAT rule, which is always one of the repository's
    /// machines: `dnat ip6 to [2001:db8::2]:2222`, `--to-destination 192.0.2.7:80`.
    fn is_nat_target(&self, start: usize) -> bool {
        let Some(near) = self.near(start) else { return false };
        match self.str(near.word.clone()) {
            "--to-destination" | "--to" | "dnat" => true,
            "to" => {
                let line = self.run_start(near.word.start, |byte| !matches!(byte, b'\n' | b';'));
                self.words_before(line, near.word.start).any(|word| matches!(word, "dnat" | "redirect"))
            }
            _ => false,
        }
    }

    /// Whether a machine listens on an address, so that the address belongs to the machine: `listen 192.0.2.1:80`.
    /// Names do not count: a client may bind to a server by its name.
    fn is_listen_address(&self, authority: &Authority<'a>) -> bool {
        let listens = || self.near(authority.start).is_some_and(|near| is_own_address(&[self.str(near.word)]));
        host::is_address(authority.host) && listens()
    }

    fn words_before(&self, start: usize, end: usize) -> impl Iterator<Item = &'a str> {
        self.str(start..end).split_ascii_whitespace()
    }

    /// Whether only a brace follows on the line.
    fn opens_block(&self, end: usize) -> bool {
        let blank = self.run_end(end, |byte| matches!(byte, b' ' | b'\t'));
        self.at(blank) == b'{'
    }

    /// The host in a variable that was set from a command: `IP=$(dig +short lora.example.org)` before `$IP:80`. `None`
    /// if the host of the address is not such a variable.
    fn looked_up(&self, start: usize, colon: usize) -> Option<Host<'a>> {
        let name = self.str(start..colon).trim_end_matches(':').strip_prefix('$')?;
        let name = name.trim_matches(['{', '}']);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let before = self.text.get(..start)?;
        let command = before.rmatch_indices(name).take(LOOKS).find_map(|(at, _)| {
            let apart = !self.before(at).is_ascii_alphanumeric() && !matches!(self.before(at), b'_' | b'$' | b'{');
            let end = at + name.len();
            // `read -r ip < <(dig ..)`
            let is_read = || self.str(end..self.bytes.len().min(end + 5)) == " < <(";
            match apart && (self.at(end) == b'=' || is_read()) {
                true => Some(Some(end + 1)),
                false => (apart && self.reads_into(at)).then_some(None),
            }
        })?;
        let Some(command) = command else { return Some(UNKNOWN) };
        let line = self.str(command..self.run_end(command, |byte| byte != b'\n'));
        if is_parameter(line) || line.split_ascii_whitespace().any(|word| matches!(word, "jq" | "yq")) {
            return Some(UNKNOWN);
        }
        let end = self.run_end(command, |byte| !matches!(byte, b'\n' | b'|' | b')' | b';'));
        looked_up_host(self.str(command..end))
    }

    /// Whether a name is an argument of `read`: `while read -r name ip; do`.
    fn reads_into(&self, name: usize) -> bool {
        let line = self.run_start(name, |byte| !matches!(byte, b'\n' | b';' | b'|' | b'&'));
        self.words_before(line, name).any(|word| word == "read")
    }

    /// Reads bash's `/dev/tcp/HOST/PORT` and multiaddr's `/ip4/HOST/tcp/PORT`.
    fn path_address(&self, start: usize) -> Option<Authority<'a>> {
        let mut end = start;
        for _ in 0..4 {
            let slash = end.checked_sub(1).filter(|slash| self.at(*slash) == b'/')?;
            let part = self.run_start(slash, is_path_byte);
            let found =
                if self.str(part..start).starts_with("dev/tcp/") || self.str(part..start).starts_with("dev/udp/") {
                    classify(self.str(part + 8..start - 1))
                } else if matches!(self.str(part..slash), "ip4" | "ip6" | "dns" | "dns4" | "dns6") {
                    let (host, protocol) = self.str(slash + 1..start - 1).split_once('/')?;
                    classify(host).filter(|_| matches!(protocol, "tcp" | "udp"))
                } else {
                    None
                };
            if let Some(host) = found {
                return Some(Authority { host, start: part, url: false });
            }
            end = part;
        }
        None
    }

    /// The start of the scheme of the URL whose host starts at `host`; `None` if there is no scheme.
    fn scheme_start(&self, host: usize) -> Option<usize> {
        let host = if self.before(host) == b'@' { self.user_start(host) } else { host };
        let colon = host.checked_sub(3).filter(|colon| self.str(*colon..host) == "://")?;
        Some(self.run_start(colon, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | HOLE)))
    }

    /// The start of the user and password in a URL, which end with the `@` before `host`. A variable in them may have
    /// been escaped in Nix, as in `\${PASSWORD}`; the escape has become a blank.
    fn user_start(&self, host: usize) -> usize {
        let mut start = self.run_start(host, is_path_byte);
        let blank = self.run_start(start, |byte| byte == b' ');
        if self.at(start) == b'$' && start - blank <= 2 {
            start = self.run_start(blank, is_path_byte);
        }
        start
    }

    /// Whether the text after the port may follow an address.
    fn address_ends(&self, end: usize, authority: &Authority<'a>) -> bool {
        let next = self.at(end + 1);
        match self.at(end) {
            0 | b'\t' | b'\n' | b'\r' | b' ' | HOLE => true,
            b'"' | b'\'' | b'`' | b'/' | b',' | b';' | b')' | b']' | b'}' | b'<' | b'>' | b'|' | b'&' | b'?' | b'#'
            | b'$' | b'\\' | b'*' | b'!' => true,
            // A site of Caddy: `http://127.0.0.1:8080{`.
            b'{' => matches!(next, 0 | b' ' | b'\t' | b'\r' | b'\n'),
            b'.' => !next.is_ascii_alphanumeric(),
            b'-' => next.is_ascii_digit() || next == b':' || !next.is_ascii_alphanumeric(),
            // `scylladb:tcp:scylla:9042:table`
            b':' if next.is_ascii_alphabetic() && self.before(authority.start) == b':' => {
                self.follows_protocol(authority.start - 1)
            }
            // `localhost:5432:db:user`, `127.0.0.1:8080:80`; after any other word it is an IPv6 address, a time or a
            // position.
            b':' => is_address(authority.host),
            _ => false,
        }
    }

    /// The key, flag or keyword before an address.
    fn address_name(&self, start: usize) -> Option<&'a str> {
        let start = self.scheme_start(start).or_else(|| self.network_start(start)).unwrap_or(start);
        let near = self.near(start).filter(|_| self.before(start) != b':')?;
        let word = self.str(near.word);
        let flag = word.strip_prefix('-').is_some_and(|name| name.len() == 1);
        let telling = matches!(near.tie, Tie::Equals | Tie::SpacedEquals | Tie::Colon) || flag || is_address_word(word);
        telling.then_some(word)
    }

    /// Whether a host may start after this byte.
    fn is_apart(&self, before: u8) -> bool {
        before == 0
            || before.is_ascii_whitespace()
            || matches!(
                before,
                b'"' | b'\''
                    | b'`'
                    | b'='
                    | b','
                    | b'('
                    | b'['
                    | b'{'
                    | b'<'
                    | b'>'
                    | b'|'
                    | b';'
                    | b'&'
                    | b'!'
                    | b'}'
                    | b')'
            )
    }

    /// Whether a colon follows a protocol: `TCP:host:80` (socat), `tcp:host:80`.
    fn follows_protocol(&self, colon: usize) -> bool {
        #[rustfmt::skip]
        const PROTOCOLS: &[&str] = &[
            "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "ssl", "openssl", "http", "https", "proxy", "stun",
            "stuns", "turn", "turns", "sip", "sips",
        ];
        let start = self.run_start(colon, |byte| byte.is_ascii_alphanumeric());
        let word = self.str(start..colon);
        PROTOCOLS.iter().any(|protocol| word.eq_ignore_ascii_case(protocol))
    }

    pub(super) fn is_calendar(&self, start: usize) -> bool {
        self.no_address || self.near(start).is_some_and(|near| is_no_address(self.str(near.word)))
    }

    fn value(&self, digits: &Range<usize>) -> u32 {
        self.str(digits.clone()).parse().unwrap_or(0)
    }

    /// The start of `${NAME:-` if the digits at `digits` are its fallback.
    pub(super) fn fallback_start(&self, digits: usize) -> Option<usize> {
        let dash = digits.checked_sub(1).filter(|dash| matches!(self.at(*dash), b'-' | b'='))?;
        let end = dash - usize::from(self.before(dash) == b':');
        let name = self.fallback_name(end)?;
        let open = name.start - 1;
        Some(open - usize::from(self.before(open) == b'$'))
    }

    /// The variable that ends at `end` and starts after a brace.
    pub(super) fn fallback_name(&self, end: usize) -> Option<Range<usize>> {
        let start = self.run_start(end, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (start < end && self.before(start) == b'{').then_some(start..end)
    }
}

/// The maximum number of occurrences of a variable, from last to first, that are checked for an assignment.
const LOOKS: usize = 64;

/// A host that is known only when a script runs; RFC 2606 reserves its domain.
const UNKNOWN: Host<'static> = Host::Named("looked-up.invalid");

/// Whether a word before a brace is one of Grafana's providers: `$__file{/run/secrets/smtp}`.
fn marked_by_provider(word: &str) -> bool {
    word.strip_prefix("$__").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()) && !name.is_empty())
}

/// Whether the value of a variable is a parameter of the script: `"$1"`, `${2}`.
fn is_parameter(value: &str) -> bool {
    let value = value.trim_end().trim_end_matches(';').trim_matches('"');
    let name = value.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The host in a command that resolves hosts or downloads from them; `None` for other commands.
fn looked_up_host(command: &str) -> Option<Host<'_>> {
    /// Services that return the caller's own address.
    const OWN: [&str; 8] = ["ifconfig", "icanhazip", "ipify", "ident.me", "ipinfo", "checkip", "myip", "whatismyip"];
    const PROGRAMS: [&str; 13] = [
        "dig",
        "host",
        "nslookup",
        "drill",
        "kdig",
        "doggo",
        "dog",
        "getent",
        "resolvectl",
        "delv",
        "curl",
        "wget",
        "xh",
    ];
    let mut words = command.split(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '(' | '`'));
    words.find(|word| PROGRAMS.contains(&paths::name(word)))?;
    let asked = words.filter(|word| !word.starts_with(['-', '+', '@']));
    let mut is_variable = false;
    let mut hosts = asked.filter_map(|word| {
        is_variable |= word.contains('$') && !word.contains(char::from(HOLE));
        let word = word.split_once("://").map_or(word, |(_, rest)| rest);
        let word = word.split(['/', ':']).next().unwrap_or(word).trim_end_matches('.');
        (host::is_domain(word)).then_some(word)
    });
    let Some(host) = hosts.next() else {
        drop(hosts);
        return is_variable.then_some(UNKNOWN);
    };
    Some(if OWN.iter().any(|own| host.contains(own)) { Host::Any } else { Host::Named(host) })
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'%' | b'$' | HOLE)
}

/// Whether a word is a short option: `-i`, `-iTCP`.
fn is_short_option(word: &str) -> bool {
    word.len() < 6 && word.strip_prefix('-').is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Whether an option takes line numbers: `bat -r :500`, `head -n :50`.
fn counts_lines(option: &str) -> bool {
    matches!(option, "-r" | "-n" | "-c")
}

/// Whether a byte can be part of a path segment, or of the user name and password in a URL.
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'"' | b'\'') || byte == HOLE
}

/// Whether `name:number` after a scheme is an image with a tag.
fn is_image_scheme(scheme: &str) -> bool {
    ["docker", "docker-image", "docker-daemon", "oci", "oci-archive", "containers-storage", "image"]
        .iter()
        .any(|image| scheme.strip_suffix("://") == Some(image))
}

/// Whether a word may precede a port without a host: `--listen :8080`, `addr: :80`, `bind :443`.
fn may_precede_address(word: &str, tie: Tie) -> bool {
    match tie {
        Tie::Space => {
            const WORDS: [&str; 11] = [
                "to",
                "reverse_proxy",
                "grep",
                "listen",
                "admin",
                "forward_auth",
                "php_fastcgi",
                "prometheus",
                "health",
                "ready",
                "metrics",
            ];
            word.starts_with('-') && !counts_lines(word) || is_address_word(word) || WORDS.contains(&word)
        }
        Tie::Comma | Tie::Call => false,
        _ => true,
    }
}

/// Whether an X display follows a word: `DISPLAY=:99`, `Xvfb :99`, `-vnc :1`.
fn is_display(word: &str) -> bool {
    const WORDS: &[&str] =
        &["display", "xvfb", "xorg", "x", "xephyr", "xvnc", "xnest", "vncserver", "vnc", "startx", "xinit", "xserver"];
    let word = word.trim_start_matches('-');
    is_no_address(word) || WORDS.iter().any(|name| word.eq_ignore_ascii_case(name))
}
