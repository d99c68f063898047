//! What the texts of files with ports contain. Each text is read at most once, for all of its ports.

use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use foldhash::{HashMap, HashSet};

use super::Missing;
use super::words::split;
use crate::knowledge::service_ports::Service;

/// The texts of all files with ports.
#[derive(Debug, Default)]
pub struct Texts<'a> {
    /// The texts, by the path of their file.
    files: HashMap<&'a str, Text<'a>>,
    /// Whether a text mentions a well-known service, by its name. Only the services that somebody asked for are in it.
    mentioned: Mutex<HashMap<&'static str, bool>>,
}

#[derive(Debug)]
struct Text<'a> {
    text: &'a str,
    variables: OnceLock<Variables>,
    services: OnceLock<HashSet<String>>,
}

/// The first variable with each number, as a range in the text.
type Variables = HashMap<u32, Range<usize>>;

impl<'a> Texts<'a> {
    /// Collects the texts.
    pub fn of(ports: &[Missing<'a>]) -> Self {
        let text = |text| Text { text, variables: OnceLock::new(), services: OnceLock::new() };
        let files = ports.iter().map(|port| (port.path, text(port.text))).collect();
        Self { files, mentioned: Mutex::default() }
    }

    /// The first variable in a file that has a number and a name that ends in `PORT`: `STORE_WEBDAV_PORT` in
    /// `STORE_WEBDAV_PORT = "8181"`.
    pub fn variable(&self, path: &str, number: u32) -> Option<&'a str> {
        let file = self.files.get(path)?;
        let range = file.variables.get_or_init(|| variables(file.text)).get(&number)?;
        file.text.get(range.clone())
    }

    /// Whether a file mentions a well-known service.
    pub fn mention(&self, row: &'static Service) -> bool {
        let mut mentioned = self.mentioned.lock().unwrap_or_else(PoisonError::into_inner);
        *mentioned.entry(row.name).or_insert_with(|| {
            let first = split(row.name).into_iter().next().unwrap_or_default();
            let words: Vec<String> = row.keywords().map(str::to_owned).chain([first]).collect();
            let contains =
                |text: &str| words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some());
            self.files.values().any(|file| contains(file.text))
        })
    }

    /// Whether a file configures a service whose name begins with a word or several: `wiki-feed` for
    /// `services.wiki-feed-webhook`.
    pub fn configures_part(&self, path: &str, name: &str) -> bool {
        self.files.get(path).is_some_and(|file| {
            let services = file.services.get_or_init(|| services(file.text));
            let is_part = |rest: &str| rest.is_empty() || rest.starts_with(['-', '_']);
            services.iter().any(|service| service.strip_prefix(name).is_some_and(is_part))
        })
    }

    /// Whether a file configures a service: `services.wiki` does not configure `wikijs`.
    pub fn configures(&self, path: &str, service: &str) -> bool {
        self.files.get(path).is_some_and(|file| file.services.get_or_init(|| services(file.text)).contains(service))
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
fn services(text: &str) -> HashSet<String> {
    const HOLDER: &str = "services.";
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let names = memchr::memmem::find_iter(text.as_bytes(), HOLDER).map(|at| &text[at + HOLDER.len()..]);
    names.map(|rest| rest[..rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_variables_are_found_by_their_whole_names() {
        let text = "{ services.wikijs.enable = true; services.node-red.port = 1; env = { A_PORT = \"8181\"; B_PORT = \
                    8181; C_PORT = 08182; D = 8183; }; }";
        let file = Text { text, variables: OnceLock::new(), services: OnceLock::new() };
        let texts = Texts { files: HashMap::from_iter([("a.nix", file)]), mentioned: Mutex::default() };
        for (service, expected) in [("wikijs", true), ("node-red", true), ("wiki", false), ("node", false)] {
            assert_eq!(texts.configures("a.nix", service), expected, "{service}");
            assert!(!texts.configures("b.nix", service));
        }
        for (number, expected) in [(8181, Some("A_PORT")), (8182, None), (8183, None), (818, None)] {
            assert_eq!(texts.variable("a.nix", number), expected, "{number}");
        }
    }
}
