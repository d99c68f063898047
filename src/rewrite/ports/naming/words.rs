//! Words of paths, names and comments.

use crate::knowledge::name_words::{
    ALIASES, COMMENT_WORDS, COMPOUNDS, CONTAINER_FOLDERS, EMPTY_STEMS, FRAMEWORKS, FRONTS, GENERIC, GROUPS, HOLDERS,
    MACHINE_FOLDERS, METRICS_VARIABLES, PARTS, PUBLIC_VARIABLES, PURPOSES, ROUTES, VAGUE, WHOLE_NAMES,
};
use crate::knowledge::service_ports;

/// The maximum number of characters that are read of a name.
const LONGEST: usize = 60;

/// The words of a name in lower case, including digits.
pub fn split(name: &str) -> Vec<String> {
    if name.len() <= LONGEST {
        return split_all(name);
    }
    let end = name.char_indices().nth(LONGEST).map_or(name.len(), |(at, _)| at);
    split_all(&name[..end])
}

/// Like [`split`], for a name of any length.
pub fn split_all(name: &str) -> Vec<String> {
    crate::wording::words(name, |c| c.is_ascii_alphanumeric())
}

/// Whether a word is generic and does not identify a service.
pub fn is_generic(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) || GENERIC.contains(word)
}

/// Whether all words are generic.
pub fn all_generic(words: &[String]) -> bool {
    words.iter().all(|word| is_generic(word))
}

/// The significant words of a name, without suffixes such as the `bindaddress` in `ldapbindaddress`.
pub fn telling(name: &str) -> Vec<String> {
    const ENDINGS: [&str; 8] =
        ["bindaddress", "bindaddr", "bindport", "listenport", "address", "addr", "ports", "port"];
    const WHOLE: [&str; 9] =
        ["support", "transport", "export", "import", "report", "passport", "viewport", "airport", "rapport"];
    // systemd's `ListenStream`
    if name.get(1..6) == Some("isten") && ["Stream", "Datagram"].iter().any(|kind| name[6..].starts_with(kind)) {
        return Vec::new();
    }
    let mut words = split(name);
    if words.len() > 1 && is_variable(name) {
        if name.starts_with(METRICS_VARIABLES) {
            return vec!["metrics".to_owned()];
        }
        // `EXPRESS` in `EXPRESS_VPN_PORT` is part of a product's name, not the framework.
        let is_plain =
            |words: &[String]| words.iter().all(|word| is_generic(word) || PURPOSES.contains(&word.as_str()));
        if FRAMEWORKS.contains(&words[0].as_str()) && is_plain(&words[1..]) {
            words.remove(0);
        }
        let outer = PUBLIC_VARIABLES
            .iter()
            .find(|outer| name.starts_with(**outer))
            .map_or(0, |outer| outer.matches('_').count());
        if outer > 0 && !all_generic(&words[outer.min(words.len())..]) {
            words.drain(..outer.min(words.len()));
        }
    }
    for word in &mut words {
        let ending = ENDINGS.iter().find(|ending| word.len() > ending.len() + 1 && word.ends_with(**ending));
        if let Some(ending) = ending.filter(|_| !WHOLE.contains(&word.as_str())) {
            word.truncate(word.len() - ending.len());
        }
    }
    without_generic(words)
}

/// The words without those that are generic, unless they belong together with the word next to them.
fn without_generic(words: Vec<String>) -> Vec<String> {
    let is_pair = |one: Option<&String>, other: Option<&String>| {
        one.zip(other).is_some_and(|(one, other)| COMPOUNDS.contains(&(one.as_str(), other.as_str())))
    };
    let says = |at: usize| {
        let (before, word, after) = (at.checked_sub(1).and_then(|at| words.get(at)), words.get(at), words.get(at + 1));
        word.is_some_and(|word| !is_generic(word)) || is_pair(word, after) || is_pair(before, word)
    };
    let kept: Vec<bool> = (0..words.len()).map(says).collect();
    words.into_iter().zip(kept).filter_map(|(word, is_kept)| is_kept.then_some(word)).collect()
}

/// Whether a name has the form of an environment variable.
pub fn is_variable(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The name of a service without generic final words: `nats` for `nats-server`.
pub fn service(name: &str) -> Vec<String> {
    let mut words = split(name);
    if words.len() > 1 && WHOLE_NAMES.contains(&name) {
        return words;
    }
    if words.len() > 1 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_spelling(name) {
        return vec![name.to_ascii_lowercase()];
    }
    let is_compound = |words: &[String]| match words {
        [.., before, last] => COMPOUNDS.contains(&(before.as_str(), last.as_str())),
        _ => false,
    };
    while words.len() > 1 && words.last().is_some_and(|word| is_generic(word)) && !is_compound(&words) {
        words.pop();
    }
    spell_number(&mut words);
    let from_letter = |word: &String| word.starts_with(|c: char| c.is_ascii_alphabetic());
    if words.first().is_some_and(|first| !from_letter(first)) {
        words.retain(from_letter);
    }
    for word in &mut words {
        if let Some((_, usual)) = ALIASES.iter().find(|(alias, _)| alias == word) {
            *word = (*usual).to_owned();
        }
    }
    words
}

/// The words of a service's name as written in prose: `NextCloud AIO`, `SABnzbd`. Capitals inside a word do not split
/// it.
pub fn prose(name: &str) -> Vec<String> {
    if !name.contains(' ') {
        return service(name);
    }
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    let starts = |word: &String| word.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut words: Vec<String> = words.filter(|word| starts(word) && !matches!(word.as_str(), "ip" | "the")).collect();
    while words.len() > 1 && words.last().is_some_and(|word| is_generic(word)) {
        words.pop();
    }
    words
}

/// Whether capitals inside a name are only those of a well-known service's spelling: `qBittorrent` and `SABnzbd` are
/// single words, but `nodeExporter` has two.
fn is_spelling(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    service_ports::named(&lower).is_some_and(|row| row.name == lower || !row.name.eq_ignore_ascii_case(&lower))
}

/// Spells out a number at the beginning of a name, because an attribute name cannot begin with a digit: `13ft`.
fn spell_number(words: &mut Vec<String>) {
    const NUMBERS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let Some(first) = words.first() else { return };
    let rest = first.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = first[..first.len() - rest.len()].parse().ok().and_then(|number: usize| NUMBERS.get(number));
    if let (Some(number), false) = (number, rest.is_empty()) {
        let rest = rest.to_owned();
        words.splice(..1, [(*number).to_owned(), rest]);
    }
}

/// Whether two service names have a significant word in common. `unifi` and `unifi2` do, but not `forge` and `forgejo`.
pub fn share<'o>(one: &[String], other: impl IntoIterator<Item = &'o String> + Clone) -> bool {
    // The rest of the longer word is usually a number or an abbreviation, unless the longer word is itself a service:
    // `port` is the beginning of `portainer`, and `vault` of `vaultwarden`.
    let is_other = |start: &str, word: &str| {
        service_ports::named(word)
            .is_some_and(|row| service_ports::named(start).is_none_or(|other| other.name != row.name))
    };
    let begins = |start: &str, word: &str| {
        start.len() >= 4 && word.starts_with(start) && !is_generic(start) && !is_other(start, word)
    };
    let near = |a: &str, b: &str| a == b || begins(a, b) || begins(b, a);
    one.iter().filter(|word| !is_generic(word)).any(|word| other.clone().into_iter().any(|other| near(word, other)))
}

/// Whether two names may belong to one service. `shop-web` and `forge-web` are two services whose parts have the same
/// purpose.
pub fn alike(one: &[String], other: &[String]) -> bool {
    let says = |word: &&String| !PURPOSES.contains(&word.as_str()) && !PARTS.contains(&word.as_str());
    let has_own = |words: &[String]| words.iter().any(|word| !is_generic(word) && says(&word));
    let telling = |words: &[String]| words.iter().filter(says).cloned().collect::<Vec<_>>();
    share(one, other) && (!has_own(one) || !has_own(other) || share(&telling(one), &telling(other)))
}

/// Whether two names are those of one well-known service: `hass` and `home-assistant`.
pub fn are_synonyms(one: &[String], other: &[String]) -> bool {
    let row = |words: &[String]| service_ports::named(&words.concat()).map(|row| row.name);
    let name = row(one);
    name.is_some() && name == row(other)
}

/// Whether two names begin with the same word, but each also has a word that the other lacks: `llama-swap` is not
/// `llama-cpp`.
pub fn differ(one: &[String], other: &[String]) -> bool {
    let says =
        |word: &&String| !is_generic(word) && !PURPOSES.contains(&word.as_str()) && !PARTS.contains(&word.as_str());
    let has_more = |words: &[String], known: &[String]| {
        words[1..].iter().filter(says).any(|word| !share(std::slice::from_ref(word), known))
    };
    matches!((one, other), ([a, _, ..], [b, _, ..]) if a == b) && has_more(one, other) && has_more(other, one)
}

/// Whether a service name contains one of the keys of a well-known service. `unifi2` contains `unifi`, but `forge` is
/// not `forgejo`.
pub fn has_key(service: &[String], keys: &[String]) -> bool {
    let is_key = |word: &String, key: &String| word == key || key.len() >= 4 && word.starts_with(key.as_str());
    service.iter().any(|word| keys.iter().any(|key| !is_generic(key) && is_key(word, key)))
}

/// Adds words to a name, except those that it already contains.
pub fn with(name: &[String], more: &[String]) -> Vec<String> {
    let mut all = name.to_vec();
    for word in more {
        // `clipcatd` is the daemon of `clipcat`.
        let is_daemon = |known: &String| word.strip_suffix('d') == Some(known) && known.len() > 3;
        // `p2p` says which port of `p2pool` it is.
        let begins = |known: &String| {
            known.len() > word.len() && known.starts_with(word.as_str()) && !PURPOSES.contains(&word.as_str())
        };
        let says = |known: &String| known == word || begins(known) || is_daemon(known);
        if !all.iter().any(says) {
            all.push(word.clone());
        }
    }
    all
}

/// The significant words in the first phrase of a comment. Empty if it is too long for a name.
pub fn comment(text: &str) -> Vec<String> {
    const MOST: usize = 5;
    let phrase = text.split([',', ';', '(', '.']).map(str::trim).find(|phrase| !phrase.is_empty()).unwrap_or("");
    if phrase.split_whitespace().count() > 12 || phrase.contains("://") || phrase.contains('=') {
        return Vec::new();
    }
    let words: Vec<String> = split_phrase(phrase).filter(|word| !COMMENT_WORDS.contains(word.as_str())).collect();
    let is_name = || words.iter().any(|word| service_ports::is_service(word));
    if words.len() > MOST || is_sentence(phrase) && !is_name() { Vec::new() } else { words }
}

/// Whether a comment says something about a number instead of naming it: `this should be closed when not in use`.
fn is_sentence(phrase: &str) -> bool {
    const SUBJECTS: [&str; 5] = ["it", "that", "these", "this", "we"];
    const MODALS: [&str; 7] = ["can", "cannot", "could", "must", "should", "will", "would"];
    let is_in = |words: &[&str], word: &str| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let mut words = phrase.split_whitespace();
    words.next().is_some_and(|first| is_in(&SUBJECTS, first)) && words.any(|word| is_in(&MODALS, word))
}

fn split_phrase(phrase: &str) -> impl Iterator<Item = String> {
    let words = phrase.split_whitespace().flat_map(|word| match word.chars().skip(1).any(char::is_uppercase) {
        // `UniFi` and `InfluxDB` are single words in prose.
        true => word.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase).collect::<Vec<_>>(),
        false => split(word),
    });
    words.filter(|word| word.len() > 1 && word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The subject of a file, from its name or the name of its folder. `None` for the configuration of a machine and for
/// generic names.
pub fn subject(path: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = path.split('/').collect();
    let (name, folders) = parts.split_last()?;
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
    let folder = folders.last().copied().unwrap_or("");
    if let Some(words) = subject_of(stem) {
        // `exporters/zfs.nix`
        let kind = (folder == "exporters").then(|| "exporter".to_owned());
        return Some(with(&words, &Vec::from_iter(kind)));
    }
    // `hosts/nixos/web1/services.nix`
    let is_machine = folders.iter().rev().skip(1).take(2).any(|outer| MACHINE_FOLDERS.contains(outer));
    // `k8s/values.yaml` is about what runs there, `k3s/default.nix` about k3s itself.
    let is_around = CONTAINER_FOLDERS.contains(&folder) && stem != "default";
    if is_machine || is_around { None } else { subject_of(folder) }
}

/// The name of a file, as a last resort for a port without other evidence. `None` if it is entirely generic.
pub fn file_stem(path: &str) -> Option<Vec<String>> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let words = service(&stem);
    (!words.is_empty() && !VAGUE.contains(stem.as_str()) && !EMPTY_STEMS.contains(stem.as_str())).then_some(words)
}

/// The subject of a file or a folder, from its name; see [`subject`].
fn subject_of(name: &str) -> Option<Vec<String>> {
    // Capitals do not separate words in a name without lower-case letters: `I2P`.
    let upper = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let lower = if upper { name.to_ascii_lowercase() } else { String::new() };
    let name = if upper { lower.as_str() } else { name };
    let plain = name.strip_suffix("_test").or_else(|| name.strip_suffix("-test")).unwrap_or(name);
    let plain = plain.strip_suffix("_tests").or_else(|| plain.strip_suffix("-tests")).unwrap_or(plain);
    let mut words = service(plain);
    // `docker-compose-wiki.yml`
    if words.len() > 2 && words.starts_with(&["docker", "compose"].map(str::to_owned)) {
        words.drain(..2);
    }
    let is_nix_cache = |words: &[String]| words[0] == "nix" && words[1] == "cache";
    while words.len() > 1
        && !WHOLE_NAMES.contains(&plain)
        && !is_nix_cache(&words)
        && words.first().is_some_and(|word| is_generic(word) && word != "home" && word != "on")
    {
        words.remove(0);
    }
    let says = words.iter().any(|word| word.len() > 1 && !is_generic(word) && !VAGUE.contains(word.as_str()));
    (says && !VAGUE.contains(plain.to_ascii_lowercase().as_str())).then_some(words)
}

/// Whether a name only gives a category: `services`, as in `services.nix`, or the name of a group.
pub fn is_holder(name: &[String]) -> bool {
    let is_group = |name: &str| GROUPS.iter().any(|(group, words)| *group == name && !words.contains(&name));
    matches!(name, [only] if HOLDERS.contains(&only.as_str()) || is_group(only))
}

/// Whether a host is this machine.
pub fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0") || host.starts_with("127.")
}

/// Whether some words name a reverse proxy or a dashboard, whose ports belong to other services.
pub fn is_front(words: &[String]) -> bool {
    FRONTS.contains(&words.join("-").as_str()) || words.iter().any(|word| FRONTS.contains(&word.as_str()))
}

/// Whether a set contains the addresses of services by their names: `routes`, `hostRoutes`.
pub fn is_set_of_routes(name: &str) -> bool {
    ROUTES.contains(&name) || split(name).last().is_some_and(|word| matches!(word.as_str(), "routes" | "upstreams"))
}

/// Whether a set contains routes to services or their endpoints, by names that may be those that users see: `photos`.
pub fn is_set_of_endpoints(name: &str) -> bool {
    name == "endpoints" || is_set_of_routes(name)
}

/// The leading parts of an attribute path that are the labels of a virtual host's name.
pub fn site_labels<'p, 'a>(parts: &'p [&'a str]) -> &'p [&'a str] {
    let is_label = |part: &&&str| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_part) && !matches!(**part, "locations" | "listen")
    };
    &parts[..parts.iter().take_while(is_label).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, expected) in [
            ("allowedTCPPorts", "allowed tcp ports"),
            ("ts3_ft", "ts3 ft"),
            ("WEB_HTTP_ADDR", "web http addr"),
            ("punchcard2", "punchcard2"),
            ("baseURLs", "base urls"),
        ] {
            assert_eq!(split(name).join(" "), expected, "{name}");
        }
        for (name, expected) in [
            ("ldapbindaddress", "ldap"),
            ("mail_smtpport", "mail smtp"),
            ("listenHttpPort", ""),
            ("transport", "transport"),
            ("QUARKUS_HTTP_PORT", ""),
            ("EXPRESS_VPN_PORT", "express vpn"),
            ("NITRO_ENCLAVE_PORT", "nitro enclave"),
            ("NEXT_PUBLIC_PORT", "next"),
            ("NEXT_PUBLIC_WIKI_PORT", "wiki"),
        ] {
            assert_eq!(telling(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn subjects_of_files_are_found() {
        for (path, expected) in [
            ("modules/unifi-controller/default.nix", Some("unifi controller")),
            ("machines/web1/configuration.nix", None),
            ("hosts/nixos/web1/services.nix", None),
            ("hosts/nas/services/media/sonarr.nix", Some("sonarr")),
            ("nix/mailhog_test.nix", Some("mailhog")),
            ("stacks/docker-compose-wiki.yml", Some("wiki")),
            ("inventory.nix", None),
            ("prometheus/exporters/zfs.nix", Some("zfs exporter")),
            ("flake.nix", None),
        ] {
            assert_eq!(subject(path).map(|words| words.join(" ")).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn short_comments_are_names() {
        for (text, expected) in [
            ("InfluxDB", "influxdb"),
            ("matrix-hook", "matrix hook"),
            ("ts3_ft", "ts3 ft"),
            ("Unifi port for HTTP portal redirect, if guest portal is enabled.", "unifi http portal redirect"),
            ("see https://example.org/ports", ""),
            ("this should be blocked out when not in use", ""),
            ("only Grafana should be able to use this", "grafana able"),
        ] {
            assert_eq!(comment(text).join(" "), expected, "{text}");
        }
    }
}
