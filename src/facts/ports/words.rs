//! Splits names into words: `listenPort`, `SMTP_PORT` and `smtp-port` alike.

use crate::knowledge::hosts;

/// The words of a name in lower case, without digits.
pub fn split(name: &str) -> Vec<String> {
    crate::wording::words(name, char::is_alphabetic)
}

/// The words before the host words at the end of a name (of an attribute, key or variable); `None` for other names.
pub fn host_prefix(name: &str) -> Option<Vec<String>> {
    let mut host = split(name);
    let last = host.pop()?;
    if let Some(before) = ["host", "hostname", "server"].iter().find_map(|word| last.strip_suffix(word))
        && !before.is_empty()
    {
        host.push(before.to_owned());
        return Some(host);
    }
    let joined = last == "name" && host.pop().as_deref() == Some("host");
    (joined || hosts::WORDS.contains(&last.as_str())).then_some(host)
}

/// The words of a port's name without the word port at its end.
pub fn port_prefix(name: &str) -> Vec<String> {
    let mut port = split(name);
    if let Some(last) = port.pop()
        && let Some(before) = last.strip_suffix("port")
        && !before.is_empty()
    {
        port.push(before.to_owned());
    }
    port
}

/// The words without a final "server" or "host": git's `smtpServerPort` is the port of `smtpServer`.
fn without_server(words: &[String]) -> Option<Vec<String>> {
    let (last, before) = words.split_last()?;
    let rest = ["server", "host"].iter().find_map(|word| last.strip_suffix(word))?;
    let mut words = before.to_vec();
    words.extend((!rest.is_empty()).then(|| rest.to_owned()));
    (!words.is_empty()).then_some(words)
}

/// The prefixes of host names that belong to the port called `port`, as [`host_prefix`] returns them: `SMTP_HOST`
/// belongs to `SMTP_PORT`, `host` to `port`, but not `smtpHost` to `listenPort`.
pub fn hosts_of(port: &str) -> Vec<Vec<String>> {
    let words = port_prefix(port);
    let remote = words.is_empty().then(|| vec!["remote".to_owned()]);
    let server = without_server(&words);
    [Some(words), remote, server].into_iter().flatten().collect()
}

/// Whether a prefix, as [`host_prefix`] and [`port_prefix`] return it, refers to mail.
pub fn is_mail(words: &[String]) -> bool {
    const PROTOCOLS: [&str; 9] = ["mail", "smtp", "smtps", "imap", "imaps", "pop", "pops", "sieve", "submission"];
    words.last().is_some_and(|word| PROTOCOLS.contains(&word.as_str()))
}

/// Whether a port belongs to the mail server next to it, even if the server has another prefix: `imapPort` next to
/// `smtpHost` or `host`, and `port` next to `smtpHost` if only mail uses the number.
pub fn is_mail_port(port: &str, number: u32) -> bool {
    const NUMBERS: [u32; 9] = [25, 110, 143, 465, 587, 993, 995, 2525, 4190];
    let words = port_prefix(port);
    is_mail(&words) || words.is_empty() && NUMBERS.contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, words) in [
            ("listenPort", "listen port"),
            ("SMTP_PORT", "smtp port"),
            ("allowedTCPPorts", "allowed tcp ports"),
            ("http-port2", "http port"),
            ("", ""),
        ] {
            assert_eq!(split(name).join(" "), words, "{name}");
        }
    }

    #[test]
    fn hosts_belong_to_ports_with_the_same_prefix() {
        for (host, port, yes) in [
            ("host", "port", true),
            ("SMTP_HOST", "SMTP_PORT", true),
            ("SMTP_ADDRESS", "SMTP_PORT", true),
            ("targetHost", "targetPort", true),
            ("hostName", "port", true),
            ("smtpHost", "listenPort", false),
            ("mail_smtphost", "mail_smtpport", true),
            ("dbhost", "dbport", true),
            ("dbhost", "webport", false),
            ("user", "port", false),
            ("smtpServer", "smtpServerPort", true),
            ("smtpserver", "smtpserverport", true),
            ("host", "serverPort", false),
            ("domain", "port", false),
        ] {
            assert_eq!(host_prefix(host).is_some_and(|words| hosts_of(port).contains(&words)), yes, "{host} {port}");
        }
    }
}
