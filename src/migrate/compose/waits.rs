//! Programs in images that wait for other services before they run a command: `dockerize`, and docker-compose-wait's
//! `/wait`.
//!
//! process-compose can wait for processes itself, so the addresses become dependencies, and only the command is run.

use super::stack::Service;
use super::words;
use super::yaml::Node;
use crate::knowledge::containers::starts::{WAIT_FLAGS, WAIT_SCRIPTS, WAIT_VARIABLE, WAIT_VARIABLES, WaitVariable};
use crate::paths;

/// The maximum number of addresses. A command that waits for more is kept.
const MOST_ADDRESSES: usize = 50;

/// A command without the programs that wait before it.
#[derive(Debug, Default, PartialEq)]
pub struct Wait {
    /// The command.
    pub words: Vec<String>,
    /// The addresses that are waited for, such as `tcp://db:5432` and `db:5432`.
    pub addresses: Vec<String>,
    /// The variables that make docker-compose-wait do more than wait for addresses, with their values.
    pub others: Vec<(&'static WaitVariable, String)>,
}

impl Wait {
    /// Separates a service's command from the programs that wait before it.
    pub fn of(service: &Service<'_>, words: Vec<String>) -> Self {
        let mut wait = Self::default();
        let words = words::with_arguments(words);
        wait.words = match words::shell_script(&words) {
            Some(script) => wait.strip_script(service, script).unwrap_or_else(|rest| {
                let mut words = words.clone();
                words.truncate(2);
                words.push(rest.to_owned());
                words
            }),
            None => {
                let mut words = words;
                while let Some(rest) = wait.strip(service, &words).filter(|rest| !rest.is_empty()) {
                    words = rest;
                }
                words
            }
        };
        wait
    }

    /// The command line that a script runs after it has waited. The error is the rest of the script, if only a shell can
    /// run it.
    fn strip_script<'t>(&mut self, service: &Service<'_>, script: &'t str) -> Result<Vec<String>, &'t str> {
        let mut rest = script.trim_start();
        while let Some((first, after)) = first_command(rest)
            && self.strip_part(service, first).is_some_and(|(_, left)| left.is_empty())
        {
            rest = after.trim_start();
        }
        for _ in 0..MOST_ADDRESSES {
            let Some((start, _)) = self.strip_part(service, rest).filter(|(_, left)| !left.is_empty()) else { break };
            rest = rest.get(start..).unwrap_or_default();
        }
        if rest.len() == script.trim_start().len() || needs_shell(rest) {
            return Err(rest);
        }
        words::split(rest).ok().filter(|words| !words.is_empty()).ok_or(rest)
    }

    /// The words after a program that waits at the beginning of a script, and their position.
    fn strip_part(&mut self, service: &Service<'_>, script: &str) -> Option<(usize, Vec<String>)> {
        let (starts, words): (Vec<usize>, Vec<String>) = words::split_with_starts(script).ok()?.into_iter().unzip();
        // The words of the next command are not arguments of this one.
        let is_end = |word: &String| word.contains(['&', ';', '|', '<', '>', '(', ')', '`']);
        let end = words.iter().position(is_end).unwrap_or(words.len());
        let known = (self.addresses.len(), self.others.len());
        let left = self.strip(service, words.get(..end)?)?;
        let start = starts.get(end - left.len()).copied().unwrap_or(script.len());
        // A redirection belongs to the program that waits.
        if left.is_empty() && end < words.len() || script.get(..start)?.contains('\n') {
            self.addresses.truncate(known.0);
            self.others.truncate(known.1);
            return None;
        }
        Some((start, left))
    }

    /// Adds addresses that are not empty. `None` if there are too many.
    fn wait_for<'t>(&mut self, service: &Service<'_>, addresses: impl Iterator<Item = &'t str>) -> Option<()> {
        for address in addresses.map(str::trim).filter(|address| !address.is_empty()) {
            if self.addresses.len() >= MOST_ADDRESSES {
                return None;
            }
            self.addresses.push(with_value(service, address));
        }
        Some(())
    }

    /// The words after a program that only waits. `None` for other programs.
    fn strip(&mut self, service: &Service<'_>, words: &[String]) -> Option<Vec<String>> {
        let words = words::without_wrappers(words);
        let (first, mut rest) = words.split_first()?;
        match paths::name(first) {
            "dockerize" => {
                let mut addresses = Vec::new();
                while let Some((flag, after)) = rest.split_first().filter(|(flag, _)| flag.starts_with('-')) {
                    rest = after;
                    let name = flag.trim_start_matches('-');
                    let (name, given) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                    if name.is_empty() {
                        break;
                    }
                    // Other flags, such as `-template`, do more than wait.
                    let (_, takes_value) = WAIT_FLAGS.iter().find(|(known, _)| *known == name)?;
                    let value = match given {
                        None if *takes_value => {
                            let (value, after) = rest.split_first()?;
                            rest = after;
                            value.as_str()
                        }
                        given => given.unwrap_or_default(),
                    };
                    addresses.extend((name == "wait").then_some(value));
                }
                self.wait_for(service, addresses.into_iter())?;
                Some(rest.to_vec())
            }
            "wait" if first.contains('/') => {
                let hosts = variable(service, WAIT_VARIABLE);
                let others: Vec<_> = WAIT_VARIABLES
                    .iter()
                    .filter_map(|known| Some((known, variable(service, known.name)?.trim().to_owned())))
                    .collect();
                if hosts.is_none() && others.is_empty() {
                    return None;
                }
                self.wait_for(service, hosts.unwrap_or_default().split(','))?;
                self.others.extend(others.into_iter().filter(|(_, value)| !matches!(value.as_str(), "" | "0")));
                Some(rest.to_vec())
            }
            name if WAIT_SCRIPTS.contains(&name) => {
                let mut addresses = Vec::new();
                while let Some((word, after)) = rest.split_first() {
                    rest = after;
                    match word.as_str() {
                        "--" => break,
                        // The number of seconds is the next word.
                        "-t" => rest = rest.split_first()?.1,
                        "-q" | "-s" | "--quiet" | "--strict" => {}
                        word if word.starts_with("--timeout=") || word.starts_with("-t") => {}
                        word if is_address(word) => addresses.push(word),
                        _ => return None,
                    }
                }
                self.wait_for(service, addresses.into_iter())?;
                Some(rest.to_vec())
            }
            _ => None,
        }
    }
}

/// Whether a word is an address with a port, such as `db:5432` and `$DB_HOST:5432`.
fn is_address(word: &str) -> bool {
    let (host, port) = word.rsplit_once(':').unwrap_or((word, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.${}/:".contains(c);
    !host.is_empty() && !host.starts_with('-') && host.chars().all(is_name) && !port.is_empty()
}

/// The host in an address that is waited for. `None` for files.
pub fn host(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("tcp", address));
    let rest = rest.split('/').next().filter(|_| scheme != "file")?;
    let host = rest.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then_some(host)
}

/// The value that a Compose file, an `env_file` or an image gives a variable.
fn variable<'s>(service: &'s Service<'_>, name: &str) -> Option<&'s str> {
    let own = service.get("environment").and_then(|node| node.get(name)).and_then(Node::text);
    let of_file = || service.file_variables.get(name).map(String::as_str);
    let of_image = || service.image_variables().find(|(known, ..)| *known == name).map(|(_, value, _)| value);
    own.or_else(of_file).or_else(of_image)
}

/// The first of several commands in a script, and the text after it.
fn first_command(script: &str) -> Option<(&str, &str)> {
    let end = script.find(['&', ';', '\n'])?;
    let (first, rest) = script.split_at(end);
    let after = ["&&", ";", "\n"].iter().find_map(|end| rest.strip_prefix(end))?;
    Some((first, after))
}

/// Whether a script needs a shell, because it contains several commands, expansions, patterns, or comments.
fn needs_shell(script: &str) -> bool {
    let is_special = |c: char| "*?[{~#!".contains(c);
    script.contains(['&', ';', '|', '<', '>', '\n', '(', '`', '$'])
        || words::without_quoted(script).contains(is_special)
}

/// An address whose host may be a variable: `tcp://$DB_HOST:5432`, `tcp://${DB_HOST:-db}:5432`.
fn with_value(service: &Service<'_>, address: &str) -> String {
    let Some((before, rest)) = address.split_once('$') else { return address.to_owned() };
    let (name, default, after) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((inner, after)) => {
            let end = inner.find([':', '-']).unwrap_or(inner.len());
            let (name, default) = inner.split_at(end);
            (name, default.trim_start_matches(':').strip_prefix('-'), after)
        }
        None => {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            (name, None, after)
        }
    };
    let value = variable(service, name).or(default);
    value.map_or_else(|| address.to_owned(), |value| format!("{before}{value}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_hosts() {
        for (address, expected) in [
            ("tcp://db:5432", Some("db")),
            ("http://user:pass@api:80/health", Some("api")),
            ("db:5432", Some("db")),
            ("file:///run/ready", None),
            ("", None),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
    }
}
