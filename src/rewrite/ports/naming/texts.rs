//! What the texts of files with ports contain. Each text is read at most once, for all of its ports.

use std::ops::Range;
use std::sync::OnceLock;

use foldhash::{HashMap, HashSet};

use super::Missing;

/// The texts, by the path of their file.
#[derive(Debug, Default)]
pub struct Texts<'a> {
    files: HashMap<&'a str, Text<'a>>,
}

#[derive(Debug)]
struct Text<'a> {
    text: &'a str,
    variables: OnceLock<Variables>,
    services: OnceLock<Services>,
}

/// The names of services in a text.
#[derive(Debug, Default)]
struct Services {
    all: HashSet<String>,
    /// The services that the text itself configures: the names without `systemd.` or `config.` before `services.`.
    own: HashSet<String>,
}

/// The first variable with each number, as a range in the text.
type Variables = HashMap<u32, Range<usize>>;

impl Text<'_> {
    fn services(&self) -> &Services {
        self.services.get_or_init(|| services(self.text))
    }
}

impl<'a> Texts<'a> {
    /// The texts of all files with ports.
    pub fn of(ports: &[Missing<'a>]) -> Self {
        let text = |text| Text { text, variables: OnceLock::new(), services: OnceLock::new() };
        Self { files: ports.iter().map(|port| (port.path, text(port.text))).collect() }
    }

    /// The first variable in a file that has a number and a name that ends in `PORT`: `STORE_WEBDAV_PORT` in
    /// `STORE_WEBDAV_PORT = "8181"`.
    pub fn variable(&self, path: &str, number: u32) -> Option<&'a str> {
        let file = self.files.get(path)?;
        let range = file.variables.get_or_init(|| variables(file.text)).get(&number)?;
        file.text.get(range.clone())
    }

    /// Whether a file configures a service whose name begins with one or more given words: `wiki-feed` for
    /// `services.wiki-feed-webhook`. A systemd unit counts unless the file configures `other`, because the unit may be
    /// one of the helpers of that service.
    pub fn configures_part(&self, path: &str, name: &str, other: &str) -> bool {
        self.files.get(path).is_some_and(|file| {
            let services = file.services();
            let names = if services.own.contains(other) { &services.own } else { &services.all };
            let is_part = |rest: &str| rest.is_empty() || rest.starts_with(['-', '_']);
            names.iter().any(|service| service.strip_prefix(name).is_some_and(is_part))
        })
    }

    /// Whether a file configures a service: `services.wiki` does not configure `wikijs`.
    pub fn configures(&self, path: &str, service: &str) -> bool {
        self.files.get(path).is_some_and(|file| file.services().all.contains(service))
    }
}

/// Reads the variables in a text whose names end in `PORT` and whose values are numbers.
fn variables(text: &str) -> Variables {
    let mut variables = Variables::default();
    for at in memchr::memchr_iter(b'=', text.as_bytes()) {
        let before = text[..at].trim_end();
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = before.trim_end_matches(is_part).len()..before.len();
        let value = text[at + 1..].trim_start().trim_start_matches('"');
        let digits = &value[..value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
        if text[name.clone()].ends_with("PORT")
            && let Ok(number) = digits.parse::<u32>()
            && !(digits.len() > 1 && digits.starts_with('0'))
        {
            variables.entry(number).or_insert(name);
        }
    }
    variables
}

/// The names after `services.` in a text.
fn services(text: &str) -> Services {
    const HOLDER: &str = "services.";
    const OTHERS: [&str; 2] = ["systemd.", "config."];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut found = Services::default();
    for at in memchr::memmem::find_iter(text.as_bytes(), HOLDER) {
        let rest = &text[at + HOLDER.len()..];
        let name = &rest[..rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())];
        if !found.all.contains(name) {
            found.all.insert(name.to_owned());
        }
        if !OTHERS.iter().any(|other| text[..at].ends_with(other)) && !found.own.contains(name) {
            found.own.insert(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_variables_are_found_by_their_whole_names() {
        let text = "{ services.wikijs.enable = true; services.node-red.port = 1; env = { A_PORT = \"8181\"; B_PORT = \
                    8181; C_PORT = 08182; D = 8183; }; }";
        let file = Text { text, variables: OnceLock::new(), services: OnceLock::new() };
        let texts = Texts { files: HashMap::from_iter([("a.nix", file)]) };
        for (service, expected) in [("wikijs", true), ("node-red", true), ("wiki", false), ("node", false)] {
            assert_eq!(texts.configures("a.nix", service), expected, "{service}");
            assert!(!texts.configures("b.nix", service));
        }
        for (number, expected) in [(8181, Some("A_PORT")), (8182, None), (8183, None), (818, None)] {
            assert_eq!(texts.variable("a.nix", number), expected, "{number}");
        }
    }
}
