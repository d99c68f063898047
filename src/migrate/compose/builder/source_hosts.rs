//! Host names of other services in the source and the scripts of a program. Nothing answers at them outside of the
//! containers, and the source itself is not changed.

use std::collections::BTreeSet;

use super::Builder;
use super::source::{defaults_in, each_file, is_source};
use crate::migrate::compose::hosts::is_host_word;
use crate::migrate::compose::names;
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::yaml::Place;

impl<'m> Builder<'_, 'm> {
    /// Reports the lines in which the source of a program names another service as a host. Defaults of variables are
    /// not among them: they are set, or the program gets another value.
    pub(in crate::migrate::compose) fn source_hosts(&self, service: &Service<'m>) {
        if service.role != Role::Program {
            return;
        }
        let others = self.stack.services.iter().filter(|other| other.name != service.name);
        let others: BTreeSet<&str> = others.flat_map(|other| &other.names).map(String::as_str).collect();
        let is_wanted = |name: &str| is_source(name) || is_script(name) || is_settings(name);
        each_file(self.files(), service, &is_wanted, &mut |path, text| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_shell = is_script(name) || text.starts_with("#!/bin/sh") || text.starts_with("#!/bin/bash");
            let present: Vec<&&str> = others.iter().filter(|name| text.contains(**name)).collect();
            if present.is_empty() {
                return false;
            }
            let mut defaults = None;
            let mut found: BTreeSet<(usize, &str)> = BTreeSet::new();
            for name in present {
                let default = format!(":-{name}}}");
                let defaults_of_shell = text.match_indices(&default).filter(|_| is_shell).map(|(at, _)| at + 2);
                for at in names::occurrences(text, name).chain(defaults_of_shell) {
                    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
                    let (before, after) = (&text[start..at], &text[at + name.len()..]);
                    let after = after.split('\n').next().unwrap_or(after);
                    if is_comment(before, is_shell)
                        || !(is_host(before, after) || is_shell && is_argument(before, after))
                    {
                        continue;
                    }
                    let defaults = defaults.get_or_insert_with(|| defaults_in(text));
                    if !defaults.iter().any(|range| range.contains(&at)) {
                        found.insert((start, *name));
                    }
                }
            }
            for (start, name) in found {
                let line = text[..start].matches('\n').count() + 1;
                let place = Place { path: path.into(), line, column: 1 };
                let why = format!("it names the host `{name}`, which exists only on the old network");
                let todo = "write 127.0.0.1 and the port from the registry, or read them from variables";
                self.leave(service, &place, "source", why, todo);
            }
            false
        });
    }
}

/// Whether a file is a shell script.
fn is_script(name: &str) -> bool {
    [".sh", ".bash"].iter().any(|end| name.ends_with(end)) || name.contains("entrypoint") && !name.contains('.')
}

/// Whether a file contains settings that programs read from their own folder.
fn is_settings(name: &str) -> bool {
    let ends = [".ini", ".cfg", ".toml", ".conf"];
    ends.iter().any(|end| name.ends_with(end)) || name.starts_with("appsettings") && name.ends_with(".json")
}

fn is_comment(before: &str, is_shell: bool) -> bool {
    let line = before.trim_start();
    line.starts_with('#') || !is_shell && ["//", "* ", "/*", "--", ";"].iter().any(|start| line.starts_with(start))
}

/// Whether the text around a name makes it a host: `//db/`, `user@db`, `"db:5432"`, `host="db"`.
fn is_host(before: &str, after: &str) -> bool {
    let is_end =
        |text: &str| text.is_empty() || text.starts_with(|c: char| c.is_whitespace() || "\"'`/:?,)];".contains(c));
    // A user is followed by a password and a host.
    let address = after.split(|c: char| c.is_whitespace() || "/\"'`".contains(c)).next().unwrap_or_default();
    if before.ends_with("://") {
        return is_end(after) && !address.contains('@');
    }
    if before.ends_with('@') {
        let starts = ["//", "tcp("];
        return is_end(after) && starts.iter().any(|start| before.contains(start)) || after.starts_with(":");
    }
    let port = after.strip_prefix(':').and_then(names::leading_number);
    if port.is_some_and(|port| port > 9) && before.ends_with(['"', '\'', '`', '=', '@', '(', ',', ' ']) {
        // `{web: 80}` and `a ? web:80` are not addresses.
        return !before.ends_with([',', ' ', '=', '(']) || before.contains(['"', '\'', '`']) || before.ends_with('=');
    }
    let quote = before.chars().next_back().filter(|c| "\"'`".contains(*c));
    match quote {
        Some(quote) => after.starts_with(quote) && is_key(&before[..before.len() - 1]),
        // `host = db` in a file of settings.
        None => {
            let is_whole = after.trim().is_empty();
            is_whole && before.trim_end().ends_with(['=', ':']) && is_key(before)
        }
    }
}

/// Whether a text ends with a key of a host and its sign of assignment: `host=`, `"HOST": `, `:host => `.
fn is_key(before: &str) -> bool {
    let before = before.trim_end();
    let Some(key) = ["=>", ":=", "=", ":"].iter().find_map(|sign| before.strip_suffix(sign)) else { return false };
    let key = key.trim_end().trim_end_matches(['"', '\'', '`', ']']);
    let start = key.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).map_or(0, |at| at + 1);
    let key = key.get(start..).unwrap_or_default();
    !key.is_empty() && is_host_word(key)
}

/// Whether a word of a shell script is a host: before a port, after the flag of a host, or as a default.
fn is_argument(before: &str, after: &str) -> bool {
    let after = after.trim_start_matches(['"', '\'']);
    let number = after.strip_prefix([' ', ':', '/']).and_then(names::leading_number);
    let begins = before.ends_with(|c: char| c.is_whitespace() || "\"'/".contains(c));
    let flag = before.trim_end_matches(['"', '\'']).trim_end_matches('=');
    let is_flag = flag
        .split_whitespace()
        .next_back()
        .is_some_and(|word| word == "-h" || word.strip_prefix("--").is_some_and(is_host_word));
    let is_client = ["ping ", "nslookup ", "getent hosts ", "pg_isready "].iter().any(|client| before.contains(client));
    number.is_some_and(|port| port > 9) && begins || is_flag || is_client || before.ends_with(":-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hosts_in_addresses_and_beside_keys_of_hosts() {
        let split = |text: &str| {
            let at = names::occurrences(text, "db").next().unwrap();
            (text[..at].to_owned(), text[at + 2..].to_owned())
        };
        for (text, expected) in [
            ("servers = ['db:11211']", true),
            ("url = \"postgresql://u:p@db:5432/x\"", true),
            ("url = \"postgresql://u:p@db/x\"", true),
            ("fetch(`http://db/api`)", true),
            ("redis.Redis(host='db', port=1)", true),
            ("  'HOST': 'db',", true),
            (":host => \"db\"", true),
            ("host = db", true),
            ("bootstrap_servers=[\"a:9092,db:9092\"]", true),
            ("url = \"redis://db:secret@a/0\"", false),
            ("mail = \"db@example.org\"", false),
            ("ports = {db:80}", false),
            ("x ? db:80", false),
            ("import db", false),
            ("name = 'db'", false),
        ] {
            let (before, after) = split(text);
            assert_eq!(is_host(&before, &after), expected, "{text}");
        }
        for (text, expected) in [
            ("while ! nc -z db 5432; do", true),
            ("wait-for db:5432 -- x", true),
            ("psql -h db -U x", true),
            ("psql --host=\"db\"", true),
            ("echo waiting for db", false),
            ("cd db", false),
        ] {
            let (before, after) = split(text);
            assert_eq!(is_argument(&before, &after), expected, "{text}");
        }
    }
}
