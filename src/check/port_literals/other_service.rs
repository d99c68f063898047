//! Whether an entry with the number of a port belongs to another service.

use std::collections::HashSet;

use crate::facts::port_registry::Entry;
use crate::facts::ports::text::is_port_word;
use crate::facts::ports::{PortUse, words};
use crate::knowledge::service_ports::{self, Certainty};
use crate::knowledge::services;
use crate::paths;
use crate::source::{FileKind, Source};

/// Whether something on this machine listens on a port, judging by its name. A port of another host, or one in a
/// string, may belong to an entry whose name does not occur next to it.
pub fn is_listened_on(port: &PortUse) -> bool {
    port.host.is_none() && port.name.rsplit('.').next().is_some_and(is_port_word)
}

/// Whether a file is about a service that has another registry entry, and neither the file's name nor the port's name
/// refers to this entry: 3000 in `services/wiki.nix` does not belong to the entry `forge` if there is an entry `wiki`.
pub fn is_about_another_entry(source: &Source, port: &PortUse, entry: &Entry, names: &HashSet<String>) -> bool {
    // The name of a function's argument does not show where the number ends up.
    if !is_plain(port) || !port.name.contains('.') {
        return false;
    }
    let file = subject_name(source);
    // A Traefik label contains Traefik's name, whichever service it is for.
    let used = words::split(&port.name.replace("traefik.", " ")).concat();
    let service: Vec<String> = words::split(&entry.name()).into_iter().filter(|word| !is_generic(word)).collect();
    !service.is_empty()
        && !service.iter().any(|word| file.contains(word) || used.contains(word))
        && names.contains(&file)
        && !entry.path.iter().any(|name| words::split(name).concat() == file)
        && !is_well_known(port.number, &service)
}

/// The words of an entry's name, if a port is an option of a service whose name contains none of them: 4567 in
/// `services.wiki.port`, which is `forge` in the registry.
pub fn words_of_other(source: &Source, port: &PortUse, entry: &Entry) -> Option<Vec<String>> {
    if !is_listened_on(port) || !is_plain(port) {
        return None;
    }
    let mut parts = port.name.split('.');
    parts.find(|part| *part == "services")?;
    // The option follows the service.
    let own = parts.next().filter(|own| *own != "?" && parts.next().is_some())?;
    let telling = |name: &str| words::split(name).into_iter().filter(|word| !is_generic(word));
    let registered = words::split(&entry.name());
    let around = words::split(&source.path).concat() + &words::split(&port.name).concat();
    let service: Vec<String> = registered.iter().filter(|word| !is_generic(word)).cloned().collect();
    let is_other = !service.is_empty()
        && telling(own).next().is_some()
        && !service.iter().any(|word| around.contains(word))
        && !telling(own).any(|word| registered.concat().contains(&word))
        && !is_well_known(port.number, &service);
    is_other.then_some(service)
}

/// Whether the text before a reference, or the name of its file, contains one of the given words.
pub fn is_reference_of(source: &Source, start: u32, names: &[String]) -> bool {
    let before = source.text.get(..start as usize).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let around = words::split(crate::wording::tail(line, LONGEST)).concat() + &subject_name(source);
    names.iter().any(|word| around.contains(word))
}

/// The number of bytes before a reference that may show what it is for.
const LONGEST: usize = 200;

/// Whether the last part of a use's name is too general to name another service. `DB_PORT` is not: it names a database.
fn is_plain(port: &PortUse) -> bool {
    const OWN: [&str; 12] =
        ["", "listen", "http", "https", "web", "server", "node", "app", "container", "service", "ui", "api"];
    let last = port.name.rsplit(['.', ' ']).next().unwrap_or_default();
    words::port_prefix(last).iter().all(|word| OWN.contains(&word.as_str()))
}

/// Whether a number always denotes the service with the given words in its name: 53 is DNS, regardless of what uses it.
pub fn is_well_known(number: u32, words: &[String]) -> bool {
    service_ports::services(number).iter().filter(|service| service.certainty == Certainty::Always).any(|service| {
        let names =
            |word: &String| service.name.eq_ignore_ascii_case(word) || service.keywords().any(|key| key == word);
        words.iter().all(names)
    })
}

/// Whether a word in the name of an entry is too general to identify its service.
pub fn is_generic(word: &str) -> bool {
    const GENERIC: [&str; 14] = [
        "port", "ports", "service", "services", "server", "http", "https", "tcp", "udp", "web", "ui", "api", "app",
        "default",
    ];
    GENERIC.contains(&word)
}

/// What a file is about, as one word to compare with the names of entries.
pub fn subject_name(source: &Source) -> String {
    words::split(subject(&source.path)).concat()
}

/// What a file is about, by its name: `services/wiki.nix`, `services/wiki/default.nix`.
pub fn subject(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    match stem {
        "default" | "service" | "module" | "options" | "config" | "container" => paths::name(folder),
        _ => stem,
    }
}

/// Whether the text around a use names another well-known service than its entry: the host of a web address, or the
/// Dockerfile of a program that is not the service of the entry.
pub fn is_of_another_text(source: &Source, port: &PortUse, entry: &Entry) -> bool {
    let words: Vec<String> = words::split(&entry.name()).into_iter().filter(|word| !is_generic(word)).collect();
    let registered = services::named(&words);
    if registered.is_empty() || is_well_known(port.number, &words) {
        return false;
    }
    if source.kind == FileKind::Dockerfile {
        let mentioned = services::named(&words::split(&format!("{} {}", source.path, source.text)));
        return registered.is_disjoint(&mentioned);
    }
    let used = services::named(&words::split(host_of_url(source, port).unwrap_or_default()));
    !used.is_empty() && registered.is_disjoint(&used)
}

/// The first label of the host in a web address with the port. `None` if it is not the name of a host in a domain: a
/// plain name may be that of a container or a machine.
fn host_of_url<'s>(source: &'s Source, port: &PortUse) -> Option<&'s str> {
    let before = source.text.get(..port.span.start as usize)?;
    let line = crate::wording::tail(before.rsplit('\n').next()?, LONGEST);
    let (scheme, authority) = line.rsplit_once("://")?;
    let host = authority.strip_suffix(':')?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let (label, domain) = host.split_once('.').filter(|_| is_plain)?;
    let is_web = ["http", "https", "ws", "wss"].iter().any(|web| {
        let rest = scheme.strip_suffix(web);
        rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c)))
    });
    (is_web && !domain.is_empty()).then_some(label)
}

/// Whether an entry has the number of a listening port only by coincidence: the entry and the port are named after
/// different well-known services.
pub fn names_another_service(source: &Source, port: &PortUse, entry: &Entry) -> bool {
    let registered = services::named(&words::split(&entry.name()));
    let used = services::named(&words::split(&format!("{} {}", source.path, port.name)));
    !registered.is_empty() && !used.is_empty() && registered.is_disjoint(&used)
}
