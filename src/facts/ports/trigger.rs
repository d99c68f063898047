//! A cheap necessary condition for ports in a Nix file, so that most files are never parsed.
//!
//! A port is a number, so the text must contain a digit. And something must mark it as a port: a name with the word
//! port in it, a `listen`, a colon, an at sign or a short flag directly before it, a protocol after it, or one of the
//! words of programs and settings in [`super::text`]. The matching is permissive: escape sequences, quotes, brackets
//! and interpolations may occur in between. Every form that `text` and `nix` recognise must be covered here; the tests
//! of both check this.

use std::ops::Range;

use super::text::{self, is_port_word};
use crate::facts::needles::{Found, Words};
use crate::knowledge::hosts;
use crate::lang::nix;

/// Whether a Nix file may contain a port or the name of one of the repository's hosts.
pub fn may_hold(text: &str, words: Found<'_>) -> bool {
    may_hold_port(text, words) || words.has(&NAMING) || words.has(&SELECTING)
}

/// Whether a Nix file may contain a port.
fn may_hold_port(text: &str, words: Found<'_>) -> bool {
    ([&PORT, &LISTEN, &TELLING, &ALONE, &SERVER, &STATEMENT].into_iter().any(|any| words.has(any))
        || holds_number_after_sign(text.as_bytes())
        || nix::holds_odd_escape(text))
        && may_hold_digits(text, words)
}

/// Whether a file of any language contains a number, or draws one at random.
pub fn may_hold_digits(text: &str, words: Found<'_>) -> bool {
    words.has(&DRAWS) || text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a YAML file may name Compose services, or Kubernetes services and hosts.
pub fn may_name_hosts(text: &str) -> bool {
    ["services", "kind"].iter().any(|key| memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_some())
}

/// The words that this trigger searches for.
pub static WORDS: [&Words; 9] = [&PORT, &LISTEN, &TELLING, &ALONE, &SERVER, &STATEMENT, &DRAWS, &NAMING, &SELECTING];

/// `port` at the end of a name, as in `listenPort`, or within one, as in `portRange`.
static PORT: Words = Words::counted(&["port"], names_port);

/// `listen` and `bindTo`, with a lowercase or uppercase first letter.
static LISTEN: Words = Words::counted(&["listen", "bindTo"], |text, word| {
    matches!(&text[word.start + 1..word.end], b"isten" | b"indTo") && listens(text, word.end)
});

/// Words that suffice in any position, ignoring case. `expose` in prose and `tailscale` without a subcommand that
/// serves ports do not count.
static TELLING: Words = Words::counted(
    &[
        "/tcp",
        "/udp",
        "/sctp",
        "--publish",
        "--http",
        "--tcp",
        "--tls-terminated-tcp",
        "tailscale",
        "typeof tcp",
        "typeof udp",
        "postfix",
        "inet_service",
        "socketbind",
        "tcpsocket",
        "http.server",
        "simplehttpserver",
        "expose",
        "{{upstreams",
        "0.0.0.0\"",
        "127.0.0.1\"",
        "localhost\"",
        "::\"",
        "::1\"",
        "[::]\"",
    ],
    |text, word| match at(text, word.start).to_ascii_lowercase() {
        b'e' => !is_prose(text, word.end),
        b't' if at(text, word.end - 1).eq_ignore_ascii_case(&b'e') => serves(text, word.end),
        _ => true,
    },
);

/// Words that count only as whole words.
static ALONE: Words = Words::counted(&["ngrok", "ufw", "nc", "ncat", "netcat", "telnet", "wayvnc"], |text, word| {
    ends_word(text, word.start) && !is_name_byte(at(text, word.end))
});

/// SQL Server's `Server=db,1433` and `Data Source=db,1433`.
static SERVER: Words = Words::counted(&["server=", "source=", "addr="], |text, word| {
    let host = text[word.end..].iter().take(256).take_while(|byte| is_name_byte(**byte) || **byte == b':').count();
    at(text, word.end + host) == b',' && at(text, word.end + host + 1).is_ascii_digit()
});

/// OpenVPN's `remote vpn.example.org 1194`, ssh's `LocalForward 8080 ..`, stunnel's `accept = 993`: one of the next two
/// words is a number.
static STATEMENT: Words = Words::counted(
    &["virtual_server", "real_server", "remote", "management", "forward", "accept", "socks"],
    |text, word| {
        let rest = &text[word.end..text.len().min(word.end + 512)];
        // `remotes` and `powermanagementrc` are other words, but `socks5` is not.
        if rest.first().is_some_and(|byte| is_name_byte(*byte) && !byte.is_ascii_digit()) {
            return false;
        }
        let mut words = rest.split(|byte| byte.is_ascii_whitespace() || *byte == b'=').filter(|word| !word.is_empty());
        let is_number = |word: &[u8]| word.iter().any(|byte| byte.is_ascii_digit() || *byte == b'$');
        words.by_ref().take(2).any(is_number)
    },
);

static DRAWS: Words = Words::any_of(&text::DRAWS);
static NAMING: Words = Words::any_of(&hosts::NAMING);
static SELECTING: Words = Words::any_of(&super::nix::SELECTIONS);

fn at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

fn before(text: &[u8], end: usize) -> u8 {
    end.checked_sub(1).map_or(0, |index| at(text, index))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether a word can begin at `start`: no name character precedes it. The `n` of `\n` is not part of a word.
fn ends_word(text: &[u8], start: usize) -> bool {
    !is_name_byte(before(text, start)) || before(text, start.saturating_sub(1)) == b'\\'
}

/// Whether this "port" may be part of a port's name: `listenPort`, `PORT`, `httpport`, `portRange`, but not `import`,
/// `support` or `portable`.
fn names_port(text: &[u8], Range { start, end }: Range<usize>) -> bool {
    let plural = usize::from(matches!(at(text, end), b's' | b'S'));
    let goes_on = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    let is_version = at(text, end) == b'v' && matches!(at(text, end + 1), b'4' | b'6');
    if goes_on(end) && goes_on(end + plural) && !is_version {
        return false;
    }
    // `displayPortRange` is a range of ports, even though `displayPort` is not a port.
    if at(text, start) == b'P' && at(text, end + plural).is_ascii_uppercase() {
        return true;
    }
    let letters = text[..start].iter().rev().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let head = start - letters;
    before(text, head) == b'\\' || std::str::from_utf8(&text[head..end]).is_ok_and(is_port_word)
}

/// Whether a name that begins with `listen` or `bindTo` may have a value, or begin a statement: `listen 80`,
/// `ListenStream = [ "80" ]`, but not `listening`.
fn listens(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    !rest.starts_with(b"ing") && !is_prose(text, end)
}

/// Whether a word is followed by another word, as in prose: `listen to`, `exposes the`.
fn is_prose(text: &[u8], end: usize) -> bool {
    /// Longer names are not examined.
    const LONGEST: usize = 64;
    let rest = text[end..].iter().take(LONGEST);
    let name = rest.clone().take_while(|byte| is_name_byte(**byte)).count();
    let blanks = rest.skip(name).take_while(|byte| **byte == b' ').count();
    let next = &text[text.len().min(end + name + blanks)..];
    // `x.listeners or 80`
    blanks > 0 && next.first().is_some_and(u8::is_ascii_alphabetic) && !next.starts_with(b"or ")
}

/// Whether `tailscale` may be the program that serves ports.
fn serves(text: &[u8], end: usize) -> bool {
    /// The longest distance at which a command's program is recognised.
    const NEAR: usize = 1100;
    let rest = &text[end..text.len().min(end + NEAR)];
    ["serve", "funnel", "--bg"].iter().any(|word| memchr::memmem::find(rest, word.as_bytes()).is_some())
}

/// Whether a number follows a sign: `:80`, `:-80`, `@80`, `-p 80`, `"localhost", 80`. An interpolation may be a number.
fn holds_number_after_sign(text: &[u8]) -> bool {
    memchr::memchr3_iter(b':', b'@', b',', text).any(|sign| match text[sign] {
        b':' => is_address(text, sign),
        b'@' => {
            let address = before(text, sign).is_ascii_alphanumeric() || matches!(before(text, sign), b':' | b'}');
            address && follows(text, sign)
        }
        _ => is_after_string(text, sign),
    }) || memchr::memchr_iter(b'-', text).any(|dash| is_flag(text, dash))
        || memchr::memchr_iter(b'/', text).any(|slash| is_slashed(text, slash))
        || memchr::memchr_iter(b'#', text).any(|sign| is_hashed(text, sign))
}

/// Whether a slash separates an address from a number of three to five digits: `${ip}/9993`, `192.0.2.7/9993`. Most
/// prefix lengths are shorter.
fn is_slashed(text: &[u8], slash: usize) -> bool {
    if !at(text, slash + 1).is_ascii_digit() {
        return false;
    }
    // The `t` is the end of `localhost`.
    let address = before(text, slash).is_ascii_hexdigit() || matches!(before(text, slash), b':' | b'}' | b't');
    let digits = text[slash + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let after = at(text, slash + 1 + digits);
    address && (3..=5).contains(&digits) && !is_name_byte(after) && after != b'/'
}

/// Whether a `#` separates an address from a port: dnsmasq's `127.0.0.1#53`.
fn is_hashed(text: &[u8], sign: usize) -> bool {
    let address = before(text, sign).is_ascii_hexdigit() || before(text, sign) == b':';
    address && at(text, sign + 1).is_ascii_digit()
}

/// Whether a number begins at an offset, or an expression that may evaluate to one: `${..}`, `$((..))`.
fn is_number(text: &[u8], start: usize) -> bool {
    match at(text, start) {
        b'$' => matches!(at(text, start + 1), b'{' | b'('),
        byte => byte.is_ascii_digit(),
    }
}

/// Whether a number follows a sign, possibly after the start of a shell fallback: `:-80`, `:''${X-80}`.
fn follows(text: &[u8], sign: usize) -> bool {
    let rest = text.get(sign + 1..).unwrap_or_default();
    let skipped = rest.iter().take(3).take_while(|byte| b"-='\\".contains(byte)).count();
    is_number(text, sign + 1 + skipped)
}

/// Whether a colon may separate a host and a port; times and digests are excluded.
fn is_address(text: &[u8], colon: usize) -> bool {
    let digits = text[colon + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return follows(text, colon);
    }
    let end = colon + 1 + digits;
    let host = text[..colon].iter().rev().take(256).take_while(|byte| is_name_byte(**byte) || **byte == b'%').count();
    let (start, host) = (colon - host, &text[colon - host..colon]);
    // `${x}12:80`, `\nlocalhost:80`
    let is_whole = !matches!(before(text, start), b'}' | b')' | b'\\' | b'$');
    let ends = match at(text, end) {
        b'_' | b'+' | b'%' | b'=' | b'~' | b'^' | b'@' | 0x80.. => false,
        // In a port mapping, the address is local or numeric: `127.0.0.1:8080:80`.
        b':' => !is_whole || !host.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') || is_local(host),
        byte => !byte.is_ascii_alphabetic(),
    };
    // `12:30`, and the second time of `12:30-13:30`.
    let is_clock = is_whole
        && host.first().is_some_and(u8::is_ascii_digit)
        && host.last().is_some_and(u8::is_ascii_digit)
        && host.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    ends && digits < 10 && at(text, colon + 1) != b'0' && !is_clock
}

fn is_local(host: &[u8]) -> bool {
    let ends = |tail: &[u8]| host.len() >= tail.len() && host[host.len() - tail.len()..].eq_ignore_ascii_case(tail);
    host.is_empty() || ends(b"localhost")
}

/// Whether a comma separates a string and a number: `("localhost", 80)`.
fn is_after_string(text: &[u8], comma: usize) -> bool {
    let blanks = text[..comma].iter().rev().take_while(|byte| **byte == b' ').count();
    let end = comma - blanks;
    let closes = matches!(before(text, end), b'"' | b'\'' | b'\\' | b']' | b'\t');
    (closes || (end > 0 && before(text, end - 1) == b'\\')) && leads_to_number(text, comma + 1)
}

fn is_flag(text: &[u8], dash: usize) -> bool {
    flag_end(text, dash).is_some_and(|end| {
        let takes_path = || at(text, loose_end(text, end)) == b'$' && takes_path(text, dash);
        (leads_to_number(text, end) || leads_to_call(text, end)) && ends_word(text, dash) && !takes_path()
    })
}

/// Whether a flag belongs to `mkdir -p` or to the shell's tests `[[ -L` and `[ ! -L`, which take a path.
fn takes_path(text: &[u8], dash: usize) -> bool {
    let trimmed = |text: &[u8]| text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let before = &text[..trimmed(&text[..dash])];
    let is_mkdir = before.strip_suffix(b"mkdir").is_some_and(|rest| !rest.last().is_some_and(|b| is_name_byte(*b)));
    let test = before.strip_suffix(b"!").map_or(before, |rest| &rest[..trimmed(rest)]);
    before.len() < dash && (is_mkdir || test.ends_with(b"["))
}

/// The end of the short flag at a dash, if some program takes a port with it: `-p`.
fn flag_end(text: &[u8], dash: usize) -> Option<usize> {
    // Most dashes are followed by another letter.
    if !matches!(at(text, dash + 1), b'l' | b'p' | b'P' | b'D' | b'L' | b'R') {
        return None;
    }
    const FLAGS: [&[u8]; 9] = [b"lvp", b"lnp", b"lp", b"p", b"P", b"l", b"D", b"L", b"R"];
    let rest = text.get(dash + 1..)?;
    FLAGS.iter().find(|flag| rest.starts_with(flag)).map(|flag| dash + 1 + flag.len())
}

/// The end of a run of blanks, quotes, brackets, escaped blanks and the like.
fn loose_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < start + LONGEST_RUN {
        end += match (at(text, end), at(text, end + 1)) {
            (b'\\', b'n' | b'r' | b't') => 2,
            (b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b'(' | b'[' | b'{' | b',' | b'=', _) => 1,
            _ => break,
        };
    }
    end
}

/// The maximum length of a run of blanks, quotes and the like, in bytes. Without a maximum, a long run would be read
/// again from each of its commas.
const LONGEST_RUN: usize = 256;

/// Whether a number follows a run of blanks, quotes and the like. Also true if the run is too long to decide.
fn leads_to_number(text: &[u8], start: usize) -> bool {
    let end = loose_end(text, start);
    is_number(text, end) || end >= start + LONGEST_RUN
}

/// Whether a call with a number follows, as in `"-p" (toString 5433)`.
fn leads_to_call(text: &[u8], start: usize) -> bool {
    const LONGEST_CALL: usize = 256;
    let end = loose_end(text, start);
    let mut inside = text[end..].iter().take(LONGEST_CALL).take_while(|byte| **byte != b')');
    text[start..end].contains(&b'(') && inside.any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::needles::Finder;

    #[test]
    fn words_and_signs_that_indicate_ports_pass_the_trigger() {
        for text in [
            "{ port = 80; }",
            "{ listenStreams = map toString [ 80 ]; }",
            "{ listeners.ssl.default = \"5671\"; }",
            "''\n  listener 1883\n''",
            r#"{ ListenStream = [ "/run/x" "80" ]; }"#,
            r#"[ "--listen" (toString 8080) ]"#,
            r#"''"listen": "8080"''"#,
            "{ listenStreams ? [ 8080 ] }: x",
            "{ listenStreams /* all */ = [ 8080 ]; }",
            r#"{ listeners."ssl".default = 5671; }"#,
            "{ expose /* all */ = [ 8080 ]; }",
            "{ x = null.listeners or 8080; }",
            "''docker run --name mkdir -p 8080 web''",
            "''ssh ! -p 2222 host''",
            r#"{ x = "-:8080"; }"#,
            "{ port = 080; }",
            "{ port = 4294967295; }",
            r#"{ listen = lib.mkForce "8080"; }"#,
            r#"{ cmd = [ pkgs.tailscale "funnel" "8080" ]; }"#,
            r#"{ listen="${toString 8080}"; }"#,
            "{ exposed = { http = 80; }; }",
            "{ listenPort = 80; }",
            "{ TCPPorts = [ 80 ]; }",
            "{ httpport = 80; }",
            "{ portRange.from = 80; }",
            "{ x = mkOption { type = types.port; default = 80; }; }",
            r#"{ x = "a\nport 80"; }"#,
            r#"{ "p\ort" = 80; }"#,
            r#""SOME_PORT=80""#,
            r#""localhost:80""#,
            r#""${host}:${toString n}" 80"#,
            r#""''${X:-80}""#,
            r#""1.1.1.1@853""#,
            r#""192.0.2.7/9993""#,
            r#""127.0.0.1#5335""#,
            r#"[ "0.0.0.0" "5588" ]"#,
            r#""localhost/6666""#,
            r#"{ expose = [ "80" ]; }"#,
            "{ portNumber = 80; }",
            r#"[ "${ip}/9993" ]"#,
            r#""${ip4}@53""#,
            r#""tailscale serve --https=8443""#,
            "''\n  remote vpn.lan 1194\n''",
            "''\n  DynamicForward 1080\n''",
            "''\n  accept = 993\n''",
            "{ TCPSocket = 3310; }",
            r#""ssh -p 23""#,
            r#""ssh -p23""#,
            r#""\nnc db 80""#,
            r#"[ "-p" "8080:80" ]"#,
            r#""redis-cli -p ${toString 80}""#,
            "{ SocketBindAllow = [ 80 ]; }",
            r#""Server=db,1433;""#,
            r#""connect((\"localhost\", 80))""#,
            r#"{ exposed."80/tcp" = { }; }"#,
            "{ listenStreams = [ \"80\" ]; }",
            "\"p=$RANDOM; --port $p\"",
            r#""127.0.0.1:${toString 80}:x""#,
            r#""127.0.0.1:8080:''${X}""#,
            r#""db:${toString (80 + 1)}""#,
        ] {
            assert!(may_hold_port(text, Finder::new(WORDS).look(text)), "{text}");
        }
    }

    #[test]
    fn texts_without_ports_do_not_pass_the_trigger() {
        for text in [
            "{ port = x; }",
            "import ./x.nix { size = 12; }",
            "{ supportsTags = 1; exporters = 2; portable = 3; transport = 4; }",
            "{ a, b, size ? 12 }: { sync = 80; function = 1; }",
            "{ rev = \"0.6.5\"; rgb = \"rgb(1, 2, 3)\"; }",
            r#""a\nb 12""#,
            r#"{ time = "2024-03-15T18:51:25+00:00"; at = "12:30"; }"#,
            "\"mkdir -p $out/1\"",
            "{ x = submoduleListEntry 1; }",
            "1 - 2",
            "{ a = \"listening to 2 streams, exposed as one\"; }",
            "{ services.tailscale-systray.n = 2; }",
            r#"{ powermanagementrc = 2; remotes.a = 2; }"#,
            r#""mkdir -p $(dirname 2)""#,
            r#""[[ -L ${x} ]] && echo 2""#,
            r#"{ dawn = "6:00-7:45"; sleep = "18:35-20:15"; }"#,
            r#""${ip}/24 10.0.0.0/8 src/2024/05""#,
        ] {
            assert!(!may_hold_port(text, Finder::new(WORDS).look(text)), "{text}");
        }
    }
}
