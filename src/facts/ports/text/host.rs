//! Classifies words as hosts.

use super::{HOLE, Host};

/// The host that a word names; `None` if it cannot be a host (`08`, `12`).
pub(super) fn classify(word: &str) -> Option<Host<'_>> {
    let bytes = word.as_bytes();
    if let Some(provider) = provider(word) {
        return Some(Host::Named(provider));
    }
    if bytes.contains(&HOLE) || bytes.contains(&b'$') || word.contains("{{") {
        return Some(Host::Interpolated);
    }
    // libpq accepts a socket directory as a percent-encoded host: `postgres://%2Frun%2Fpostgresql:5432/x`.
    if word.starts_with('/') || starts_with_ignore_case(word, "%2f") {
        return Some(Host::Local);
    }
    // systemd specifiers (`%H`, `%i`).
    if bytes.contains(&b'%') {
        return Some(Host::Interpolated);
    }
    if let Some(address) = ipv4(word) {
        return Some(match address {
            [127, ..] => Host::Local,
            [0, 0, 0, 0] => Host::Any,
            _ => Host::Named(word),
        });
    }
    match word {
        "" | "*" | "+" | "::" => return Some(Host::Any),
        "::1" | "ip6-localhost" | "localhost.localdomain" => return Some(Host::Local),
        // Names of the machine inside its containers.
        "host.docker.internal" | "host.containers.internal" => return Some(Host::Local),
        _ => {}
    }
    if word.eq_ignore_ascii_case("localhost") || word.ends_with(".localhost") {
        return Some(Host::Local);
    }
    if is_ipv6(word) {
        return Some(Host::Named(word));
    }
    let sound = bytes.iter().any(u8::is_ascii_alphabetic)
        && bytes.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'*'))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*'))
        && !word.contains("..");
    sound.then_some(Host::Named(word))
}

/// The domain of a provider, if it follows an interpolated customer name: `HOLE.your-storagebox.de`.
fn provider(word: &str) -> Option<&str> {
    const PROVIDERS: [&str; 8] = [
        "your-storagebox.de",
        "amazonaws.com",
        "backblazeb2.com",
        "rsync.net",
        "borgbase.com",
        "cloudflarestorage.com",
        "digitaloceanspaces.com",
        "googleapis.com",
    ];
    let tail = word.rsplit(char::from(HOLE)).next().filter(|tail| tail.len() < word.len())?.strip_prefix('.')?;
    PROVIDERS.iter().any(|provider| tail.ends_with(provider)).then_some(tail)
}

/// The four numbers of an IPv4 address.
pub(super) fn ipv4(word: &str) -> Option<[u8; 4]> {
    let mut numbers = [0; 4];
    let mut parts = word.split('.');
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Whether a host is an IP address, rather than a name.
pub(super) fn is_address(host: Host<'_>) -> bool {
    matches!(host, Host::Named(host) if ipv4(host).is_some() || is_ipv6(host))
}

/// Whether a word is an IPv6 address, with or without a zone. Twisted escapes the colons: `2001\:db8\:\:1`.
pub(super) fn is_ipv6(word: &str) -> bool {
    let address = word.split('%').next().unwrap_or(word);
    address.bytes().filter(|byte| *byte == b':').count() >= 2
        && address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'\\'))
}

/// Whether a word can only be a host: it has at least two labels, and the last one is not a file extension.
pub(super) fn is_domain(word: &str) -> bool {
    /// Extensions that are also top-level domains: `file.rs:12`, but `mail.m7.rs:465`.
    #[rustfmt::skip]
    const BOTH: &[&str] = &[
        "rs", "py", "sh", "md", "pl", "cc", "so", "ps", "mk", "ml", "ts", "kt", "am", "in",
    ];
    let labels = word.split('.').count();
    let both = || word.rsplit_once('.').is_some_and(|(_, last)| BOTH.contains(&last));
    word.len() - word.rfind('.').unwrap_or(0) > 2 && is_dotted(word) && (labels > 2 || !both())
}

/// Whether a word has at least two labels, the last of which is not a file extension. Private networks have their own
/// top-level domains (`eve.r`).
pub(super) fn is_dotted(word: &str) -> bool {
    /// Extensions that are not top-level domains; after `main.js:80` comes a line number.
    #[rustfmt::skip]
    const FILES: &[&str] = &[
        "c", "h", "js", "jsx", "tsx", "nix", "go", "java", "json", "yaml", "yml", "toml", "txt", "conf", "cfg",
        "ini", "log", "html", "css", "rb", "php", "lua", "vim", "el", "cpp", "hpp", "hs", "xml", "lock", "patch",
        "diff", "service", "timer", "target", "mount", "jpg", "png", "svg", "gz", "zip", "tar", "img", "iso", "env",
        "sock", "pid", "d", "latest", "stable",
    ];
    let Some((_, last)) = word.rsplit_once('.') else {
        return false;
    };
    let alphabetic = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    alphabetic && !FILES.contains(&last) && !word.starts_with('.')
}

fn starts_with_ignore_case(word: &str, head: &str) -> bool {
    word.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
}
