//! Words that indicate a port, an address, or neither.

use super::HOLE;
use crate::knowledge::port_words;

/// Whether `word` (an attribute name, key, flag or variable) names a port: it ends in the word port or ports, or only
/// words such as a protocol follow. Words are split at camelCase, `_`, `-`, `.` and digits; compounds such as
/// `hostport` and `dport` also count.
pub fn is_port_word(word: &str) -> bool {
    // `portNumber`, `port_number`, Envoy's `port_value`.
    let tail = ["number", "value"].iter().find_map(|tail| strip_tail(word, tail));
    let word = tail.filter(|head| !head.is_empty()).unwrap_or(word);
    // Minecraft's `server-portv6`.
    let word = ["v4", "v6"].iter().find_map(|version| strip_tail(word, version)).unwrap_or(word);
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-' | '.'));
    let Some(head) = strip_port(word) else {
        return names_protocol(word);
    };
    let port = &word[head.len()..];
    match head.as_bytes().last() {
        None => true,
        // `nmap --top-ports 1000`, `max_ports`: a number of ports.
        Some(_) if port.len() == 5 && is_count(head) => false,
        Some(last) if !last.is_ascii_alphabetic() => true,
        // `listenPort`, `TCPPort`, but not `SUPPORT`; `HTTPport` is one of the compounds.
        // `displayPort` is a connector of a monitor; sshd's `GatewayPorts` is a boolean.
        Some(_) if starts_camel(head, port) => {
            !matches!(camel_tail(head), "Display" | "display" | "View" | "view") && word != "GatewayPorts"
        }
        Some(_) => is_compound(head),
    }
}

/// Whether only a protocol, a direction, a bound of a range, or the purpose of the port follows the word port:
/// `port_https`, `PORT_HTTP`, `portHttp`, `serv_port_up`, `port-range-min`, `metricsPortInternal`.
fn names_protocol(word: &str) -> bool {
    #[rustfmt::skip]
    const AFTER: [&str; 42] = [
        "amqp", "api", "admin", "cql",
        "http", "https", "tcp", "udp", "tls", "ssl", "dns", "over", "quic", "grpc", "ssh", "ws", "wss", "metrics",
        "internal", "external", "public", "private", "secure", "ui", "web", "ip", "to", "up", "down", "in", "out", "base", "min", "max", "low", "high", "start", "end", "begin", "from", "random", "range",
    ];
    if !word.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"port")) {
        return false;
    }
    let words: Vec<&str> = word.split(['_', '-']).flat_map(camel_words).collect();
    let Some(port) = words.iter().position(|word| word.eq_ignore_ascii_case("port")) else { return false };
    let after = &words[port + 1..];
    // The kernel's `ip_unprivileged_port_start` is the first port that needs no privilege. Nothing listens on it.
    if words[..port].last().is_some_and(|word| word.eq_ignore_ascii_case("unprivileged")) {
        return false;
    }
    // A whole range of ports is not a port: `ip_local_port_range`.
    !after.is_empty()
        && !after.last().is_some_and(|last| last.eq_ignore_ascii_case("range") || last.eq_ignore_ascii_case("random"))
        && after.iter().all(|word| AFTER.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// Whether `word` is a command-line flag whose name ends in port: `--port`, `-port`, `-oPort`.
pub fn is_port_flag(word: &str) -> bool {
    word.len() > 2 && word.starts_with('-') && is_port_word(word.trim_start_matches('-'))
}

/// `word` without its final port or ports; `None` if it has neither.
fn strip_port(word: &str) -> Option<&str> {
    ["ports", "port"].iter().find_map(|tail| strip_tail(word, tail))
}

/// `word` without `tail`, ignoring case; `None` if it does not end in `tail`.
pub(super) fn strip_tail<'a>(word: &'a str, tail: &str) -> Option<&'a str> {
    let at = word.len().checked_sub(tail.len())?;
    let (head, end) = word.split_at_checked(at)?;
    end.eq_ignore_ascii_case(tail).then_some(head)
}

/// Whether the word port starts a camelCase word: `listen|Port`, `TCP|Ports`, `listen|PORT`. A capital starts the word,
/// and the name is not all upper case like `SUPPORT`.
fn starts_camel(head: &str, port: &str) -> bool {
    let capital = port.starts_with('P');
    capital && (head.ends_with(|c: char| c.is_ascii_lowercase()) || port[1..].starts_with('o'))
}

/// Whether the word before "ports" shows that they are counted: `top-`, `max_`, `num`.
fn is_count(head: &str) -> bool {
    let start = head.trim_end_matches(['_', '-']).rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let last = head.get(start..).unwrap_or_default().trim_end_matches(['_', '-']);
    ["top", "max", "num", "nr"].iter().any(|word| camel_tail(last).eq_ignore_ascii_case(word))
}

fn is_compound(head: &str) -> bool {
    let start = head.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let last = head.get(start..).unwrap_or_default();
    let known = |word: &str| {
        let lower = || word.bytes().map(|byte| byte.to_ascii_lowercase());
        port_words::PREFIXES.binary_search_by(|prefix| prefix.bytes().cmp(lower())).is_ok()
    };
    known(last) || known(camel_tail(last))
}

/// The camelCase words of a name: `port` and `Http` for `portHttp`.
fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        let starts = |at: usize| bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
        let end = (1..bytes.len()).find(|&at| starts(at)).unwrap_or(bytes.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// The last camelCase word: `Http` for `listenHttp`.
fn camel_tail(word: &str) -> &str {
    let capital = word.rfind(|c: char| c.is_ascii_uppercase()).unwrap_or(0);
    word.get(capital..).unwrap_or_default()
}

/// Whether a value at this path is a port, even if it is a bare number.
pub(super) fn asks_for_port(parent: &str, last: &str) -> bool {
    is_port_word(last)
        || is_listen_key(last)
        // rabbitmq's `listeners.ssl.default = 5671`
        || last.starts_with("listeners.")
        // Ports that a container exposes to other containers.
        || last == "expose"
        || matches!(last, "published" | "target") && is_port_word(parent)
        || matches!(last, "from" | "to") && ["PortRanges", "portMappings"].iter().any(|tail| strip_tail(parent, tail).is_some())
}

/// Whether a machine listens on the number under a name: `listen: 8080`, `HTTP_LISTEN=8080`. Small numbers may be the
/// length of a queue.
pub(super) fn is_listened_on(last: &str, text: &str) -> bool {
    let is_listen = strip_tail(last, "listen").is_some_and(|head| !head.ends_with(|c: char| c.is_ascii_alphabetic()));
    is_listen && text.trim().parse().is_ok_and(|number: u32| (1024..=65535).contains(&number))
}

/// Whether a word is one of systemd's socket options, where a bare number is a port.
pub(super) fn is_listen_key(word: &str) -> bool {
    #[rustfmt::skip]
    const KEYS: &[&str] = &[
        "ListenStream", "ListenDatagram", "ListenSequentialPacket", "listenStream", "listenStreams", "listenDatagram",
        "listenDatagrams", "BindTo", "SocketBindAllow", "SocketBindDeny",
    ];
    KEYS.contains(&word)
}

/// Whether values under this name may look like `name:number` but are not addresses.
pub(super) fn is_no_address(word: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: &[&str] = &[
        "image", "images", "imagename", "tag", "tags", "user", "users", "group", "owner", "uid", "gid", "puid",
        "pgid", "display", "time", "times", "date", "dates", "startat", "oncalendar", "calendar", "schedule",
        "schedules", "interval", "hour", "hours", "at", "when", "timer", "font", "fonts", "mac", "macaddress",
        "lanmac", "size", "ratio", "resolution", "geometry", "version", "rev", "hash", "sha256", "busid",
        "usergroup", "chown", "gcdates", "mode",
    ];
    ends_in(word, WORDS)
}

/// Whether values under this name are addresses, so that a plain word before the colon is a host.
pub(super) fn is_address_word(word: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: &[&str] = &[
        "addr", "addrs", "address", "addresses", "backend", "backends", "bind", "bootstrap", "broker", "brokers",
        "dial", "dsn", "endpoint", "endpoints", "forward", "host", "hosts", "hostport", "instance", "listen",
        "listener", "listeners", "nodes", "peer", "peers", "proxy", "remote", "seeds", "server", "servers", "target",
        "targets", "upstream", "upstreams", "uri", "url", "urls", "voters", "hostname", "pass", "connect", "cluster", "origin",
        "origins",
    ];
    ends_in(word, WORDS)
}

/// Whether a machine listens on the addresses at this path: `listen`, `bindAddress`, `listen.web`. Under a listener,
/// some names refer to other machines: `listen.upstream`. A parent called `bind` does not count: it may be the DNS
/// server BIND.
pub(super) fn is_own_address(path: &[&str]) -> bool {
    let is_index = |name: &str| name == "?" || name.bytes().all(|byte| byte.is_ascii_digit());
    let mut names = path.iter().rev().copied().filter(|name| !is_index(name));
    let Some(last) = names.next() else { return false };
    // unbound's `interface: 192.0.2.1@53`
    is_listening(last)
        || matches!(last, "interface" | "interfaces")
        || !is_other_side(last) && names.take(2).any(|name| name != "bind" && is_listening(name))
        || ADDRESS_TAILS.contains(&last) && path.iter().rev().nth(1).is_some_and(|name| is_listening(name))
}

/// Whether a name refers to the machine at the other end of a connection.
fn is_other_side(name: &str) -> bool {
    ends_in(name, port_words::OTHER_SIDE)
}

/// The words that may follow `listen` or `bind` in a name: `listenStream`, `bind_address`.
#[rustfmt::skip]
const ADDRESS_TAILS: [&str; 13] = [
    "address", "addresses", "addr", "addrs", "stream", "streams", "datagram", "datagrams", "on", "to", "ip", "interface",
    "interfaces",
];

/// Whether a name shows that a machine listens on the addresses under it: `listen`, `bindAddress`, `ListenStream`.
fn is_listening(word: &str) -> bool {
    let listens = |word: &str| ends_in(word, &["listen", "listens", "listener", "listeners", "bind", "binds"]);
    let head = |tail: &str| strip_tail(word, tail).is_some_and(|head| listens(head.trim_end_matches(['_', '-'])));
    listens(word) || ADDRESS_TAILS.iter().any(|tail| head(tail))
}

/// Whether a flag takes a count or a range: `--line-range :500`, `-n :50`.
pub(super) fn is_counting(flag: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: &[&str] = &[
        "range", "ranges", "line", "lines", "count", "counts", "limit", "offset", "slice", "rows", "row", "columns",
        "column", "col", "width", "height", "page", "pages", "num", "number", "head", "tail", "max", "min", "depth",
        "context", "length", "n", "c", "time", "times", "scale", "crop", "filter", "map", "position", "skip", "take",
        "bytes", "chars", "size", "preview-window",
    ];
    ends_in(flag.trim_start_matches('-'), WORDS)
}

/// Whether a name contains `ssh` or `rsh`: `NIX_SSHOPTS`, `GIT_SSH_COMMAND`.
pub(super) fn is_about_ssh(word: &str) -> bool {
    word.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"ssh") || part.eq_ignore_ascii_case(b"rsh"))
}

/// Whether a name is plural, so that a list may follow.
pub fn is_plural(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    strip_tail(word, "s").is_some()
}

/// Whether a name, or its last word, is in `list`, ignoring case and trailing digits.
fn ends_in(word: &str, list: &[&str]) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    // Most words of the list are ruled out by their last letter.
    let Some(end) = word.bytes().last().map(|byte| byte.to_ascii_lowercase()) else { return false };
    list.iter().filter(|tail| tail.as_bytes().last() == Some(&end)).any(|tail| {
        strip_tail(word, tail).is_some_and(|head| {
            let capital = word[head.len()..].starts_with(|c: char| c.is_ascii_uppercase());
            match head.as_bytes().last() {
                None => true,
                Some(byte) if byte.is_ascii_lowercase() => capital,
                Some(byte) => {
                    !byte.is_ascii_alphabetic()
                        || capital && word[head.len() + 1..].starts_with(|c: char| c.is_ascii_lowercase())
                }
            }
        })
    })
}

/// Whether a byte belongs to a name: a key, flag or variable, or an interpolation in one.
pub(super) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | HOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_sorted() {
        assert!(port_words::PREFIXES.is_sorted());
    }
}
