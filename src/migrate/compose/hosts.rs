//! Rewrites the host names of other services in strings to their new addresses.

mod scopes;

use std::collections::BTreeMap;

use self::scopes::{Key, Scope, scopes};
use super::names::{is_device, leading_number, occurrences};
use super::stack::{Port, Service, Stack};
use crate::migrate::Ports;
use crate::migrate::nix::Text;

/// The address that every process listens on.
pub const LOCAL: &str = "127.0.0.1";

/// Rewrites the strings of one service.
pub struct Rewriter<'a, 'm> {
    /// The project.
    pub stack: &'a Stack<'m>,
    /// The service that the strings belong to.
    pub service: &'a Service<'m>,
    /// The registry.
    pub ports: &'a Ports,
}

/// The position of a string, which determines the meaning of a bare host name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position<'a> {
    /// The value of the variable with this name.
    Variable(&'a str),
    /// A word of a command, with the word before it.
    Word(&'a str),
    /// The text of a configuration file.
    File,
}

/// Words in the names of variables and flags whose value is a host.
const HOST_WORDS: [&str; 17] = [
    "HOST",
    "HOSTS",
    "HOSTNAME",
    "SERVER",
    "SERVERS",
    "ADDR",
    "ADDRESS",
    "URL",
    "URI",
    "ENDPOINT",
    "UPSTREAM",
    "BROKER",
    "BROKERS",
    "NODES",
    "SEEDS",
    "PEERS",
    "RPCCONNECT",
];

/// Last words of names whose value is not the host itself: `DB_URL_DATABASE`.
const OTHER_WORDS: [&str; 5] = ["DATABASE", "DB", "SCHEMA", "USER", "USERNAME"];

impl Rewriter<'_, '_> {
    /// The Nix expression for the number of a port in a string.
    fn number(&self, port: &Port) -> String {
        format!("toString {}", self.ports.reference(port.number))
    }

    /// Rewrites a string.
    pub fn rewrite(&self, text: &str, position: Position<'_>) -> Text {
        if let Position::Variable(name) = position
            && let Some(port) = self.port_value(name, text)
        {
            return Text::code(self.number(port));
        }
        if let Some(text) = self.default_host(text, position) {
            return Text::literal(text);
        }
        if let Some(port) = self.flag_value(text, position) {
            return Text::code(self.number(port));
        }
        let mut out = Text::default();
        let mut rest = 0;
        for (at, end, replacement) in self.replacements(text, position) {
            if at >= rest {
                out.push(&text[rest..at]);
                out.append(&replacement);
                rest = end;
            }
        }
        out.push(&text[rest..]);
        out
    }

    /// The replacement for a string that consists of a variable whose default is the name of a host: `${DB_HOST:-db}`.
    fn default_host(&self, text: &str, position: Position<'_>) -> Option<String> {
        let Position::Variable(variable) = position else { return None };
        let inner = text.strip_prefix(super::words::SHELL.0)?.strip_suffix(super::words::SHELL.1)?;
        let (head, default) = inner.strip_prefix("${")?.strip_suffix('}')?.split_once('-')?;
        let is_host = is_host_word(variable) || is_host_word(head.trim_end_matches(':'));
        self.stack.by_host(default).filter(|service| service.is_carried() && is_host)?;
        Some(super::words::shell(&format!("${{{head}-{LOCAL}}}")))
    }

    /// Rewrites the text of a configuration file.
    pub fn rewrite_file(&self, text: &str) -> Text {
        let mut out = Text::default();
        for line in text.split_inclusive('\n') {
            let plain = line.trim_start();
            // The line is an address without a host, or HAProxy listens on one: `:80 {`, `bind :80`.
            let spaces =
                plain.strip_prefix("bind").map_or(0, |rest| rest.len() - rest.trim_start_matches([' ', '\t']).len());
            let is_bind = spaces > 0 && plain["bind".len() + spaces..].starts_with(':');
            let start = if is_bind { &plain[..="bind".len() + spaces] } else { ":" };
            let number = plain.strip_prefix(start).and_then(leading_number);
            match number.and_then(|number| Some((number, self.service.port(number)?))) {
                Some((number, port)) => {
                    let rest = &plain[start.len() + number.to_string().len()..];
                    out.push(&line[..line.len() - plain.len()]).push(start).push_code(&self.number(port));
                    out.append(&self.rewrite(rest, Position::File))
                }
                None => match self.check_port(line) {
                    Some((at, end, port)) => {
                        out.append(&self.rewrite(&line[..at], Position::File)).push_code(&self.number(port));
                        out.append(&self.rewrite(&line[end..], Position::File))
                    }
                    None => out.append(&self.rewrite(line, Position::File)),
                },
            };
        }
        out
    }

    /// The number of the port that HAProxy checks instead of a server's own, with its start and end: `server a web:80
    /// check port 80`.
    fn check_port(&self, line: &str) -> Option<(usize, usize, &Port)> {
        const KEY: &str = " port ";
        let mut words = line.split_whitespace();
        let address = words.next().filter(|first| *first == "server").and_then(|_| words.nth(1))?;
        let (host, _) = address.split_once(':')?;
        words.find(|word| *word == "check")?;
        let at = line.find(KEY)? + KEY.len();
        let number = leading_number(&line[at..])?;
        let port = self.stack.by_host(host).filter(|service| service.is_carried())?.port(number)?;
        Some((at, at + number.to_string().len(), port))
    }

    /// The replacements for the addresses in a string, each with its start and end. They are ordered by position; at
    /// the same position, the longest comes first.
    fn replacements(&self, text: &str, position: Position<'_>) -> Vec<(usize, usize, Text)> {
        let hosts = self
            .stack
            .services
            .iter()
            .filter(|service| service.is_carried())
            .flat_map(|service| service.names.iter().map(move |name| (service, name.as_str(), false)));
        let own = ["localhost", LOCAL, "0.0.0.0", "[::]", "*", "+"].map(|name| (self.service, name, true));
        let form = Form::of(text);
        let mut found = self.keyed_ports(text);
        found.extend(occurrences(text, HOST_OF_DOCKER).map(|at| self.machine_address(text, at)));
        for (service, name, is_own) in hosts.chain(own) {
            found.extend(occurrences(text, name).filter_map(|at| {
                let (end, replacement) = self.address(text, at, name, (service, is_own), position, form)?;
                Some((at, end, replacement))
            }));
        }
        if found.is_empty() {
            found.extend(self.own_port(text));
        }
        found.sort_by_key(|(at, end, _)| (*at, std::cmp::Reverse(*end)));
        found
    }

    /// The replacement for the name by which Docker's containers refer to the host. Published ports become registry
    /// ports.
    fn machine_address(&self, text: &str, at: usize) -> (usize, usize, Text) {
        let end = at + HOST_OF_DOCKER.len();
        let mut address = Text::literal(LOCAL);
        let Some(number) = text[end..].strip_prefix(':').and_then(leading_number) else { return (at, end, address) };
        let carried = self.stack.services.iter().filter(|service| service.is_carried());
        let published = carried.flat_map(|service| &service.ports).find(|port| port.published == Some(number));
        let Some(port) = published else { return (at, end, address) };
        address.push(":").push_code(&self.number(port));
        (at, end + 1 + number.to_string().len(), address)
    }

    /// The replacements for port numbers that are in the same object or list of keys as a host: `host=db port=5432`.
    fn keyed_ports(&self, text: &str) -> Vec<(usize, usize, Text)> {
        let mut ports = Vec::new();
        let carried = || self.stack.services.iter().filter(|service| service.is_carried());
        let of_host = |at: usize, host: &str, number: u16| {
            let service = carried().find(|service| service.names.iter().any(|name| name == host))?;
            service.port(number).filter(|_| is_keyed_host(&text[..at]))
        };
        for Scope { depth, keys, .. } in scopes(text) {
            let is_host_first = matches!(keys.front(), Some(Key::Host { .. }));
            let entries: Box<dyn Iterator<Item = &Key<'_>>> = match is_host_first {
                true => Box::new(keys.iter()),
                false => Box::new(keys.iter().rev()),
            };
            let with_prefix = keys.iter().filter_map(|key| match key {
                Key::Host { at, name, prefix } => Some((prefix.as_str(), (*at, *name))),
                Key::Port { .. } => None,
            });
            let mut of_prefix: BTreeMap<&str, (usize, &str)> = with_prefix.collect();
            let mut nearest = None;
            for key in entries {
                match key {
                    Key::Host { at, name, prefix } => {
                        nearest = Some((*at, *name));
                        of_prefix.insert(prefix, (*at, *name));
                    }
                    Key::Port { at, number, prefix, depth: own_depth } => {
                        // The port of the program itself may be next to the hosts that it connects to.
                        let is_certain = prefix.is_empty() && *own_depth == depth;
                        let beside = || nearest.filter(|_| is_certain || self.service.port(*number).is_none());
                        let host = of_prefix.get(prefix.as_str()).copied().filter(|_| *own_depth == depth);
                        let port = host.or_else(beside).and_then(|(host_at, host)| of_host(host_at, host, *number));
                        let end = at + number.to_string().len();
                        ports.extend(port.map(|port| (*at, end, Text::code(self.number(port)))));
                    }
                }
            }
        }
        ports
    }

    /// The replacement for the number in a string such as `:5000`, which makes a server listen on all addresses.
    fn own_port(&self, text: &str) -> Option<(usize, usize, Text)> {
        let number = text.strip_prefix(':')?;
        let port = self.service.port(number.parse().ok()?)?;
        Some((1, text.len(), Text::code(self.number(port))))
    }

    /// The end of the address that begins with the host name at `at`, and its replacement. `None` if the name is not
    /// an address there.
    fn address(
        &self,
        text: &str,
        at: usize,
        name: &str,
        (service, is_own): (&Service<'_>, bool),
        position: Position<'_>,
        form: Form,
    ) -> Option<(usize, Text)> {
        let end = at + name.len();
        let after = &text[end..];
        if text[..at].ends_with("://") && is_user(after) {
            return None;
        }
        let host = if is_own { name } else { LOCAL };
        if let Some(number) = after.strip_prefix(':').and_then(leading_number) {
            let port = service.port(number)?;
            let mut address = Text::literal(format!("{host}:"));
            address.push_code(&self.number(port));
            return Some((end + 1 + number.to_string().len(), address));
        }
        let before = &text[..at];
        if is_device(before) {
            let number = after.strip_prefix('/').and_then(leading_number)?;
            let mut address = Text::literal(format!("{host}/"));
            address.push_code(&self.number(service.port(number)?));
            return Some((end + 1 + number.to_string().len(), address));
        }
        if is_own {
            return None;
        }
        let ends = after.chars().next().is_none_or(|c| "/?,;\"' )&#\n}".contains(c) || c == '\u{f8f5}');
        let in_url = before.ends_with("://") || before.ends_with('@');
        if in_url && (ends || after.starts_with(':')) {
            let mut address = Text::literal(LOCAL);
            if let Some(port) = default_port(service, before).filter(|_| !after.starts_with(':')) {
                address.push(":").push_code(&self.number(port));
            }
            return Some((end, address));
        }
        let is_whole = before.is_empty() && after.is_empty();
        let bare = match position {
            Position::Variable(variable) => {
                let is_label = service.name == self.service.name && !is_own_address(variable);
                (is_whole || form.is_list) && is_host_word(variable) && !is_label
            }
            Position::Word(flag) => {
                let flags = ["-h", "--host", "--hostname", "--server", "--bootstrap-server", "--db-host", "-H"];
                // A file or a module before the host is not a flag, and a flag with `=` already has a value:
                // `server.py worker`, `--app=a.server worker`.
                let is_open = |flag: &&str| !flag.contains('=');
                let is_host_flag = || {
                    let name = flag.strip_prefix('-').filter(is_open);
                    name.is_some_and(|flag| is_host_word(flag.trim_start_matches('-')))
                };
                (is_whole && (flags.contains(&flag) || is_host_flag()))
                    || (ends && before.ends_with('=') && is_host_word(last_word(before)))
            }
            Position::File => false,
        };
        let keyed = ends && is_keyed_host(before);
        // SQL Server expects its port after a comma.
        if let Some(number) = after.strip_prefix(',').and_then(leading_number).filter(|_| keyed)
            && let Some(port) = service.port(number)
        {
            let mut address = Text::literal(format!("{LOCAL},"));
            address.push_code(&self.number(port));
            return Some((end + 1 + number.to_string().len(), address));
        }
        // libpq and Npgsql use the default port if none is given.
        let main = service.ports.first().filter(|_| keyed && form.is_without_port);
        if let (Some(port), Some(separator)) = (main, separator(before, after)) {
            let mut address = Text::literal(format!("{LOCAL}{separator}port="));
            address.push_code(&self.number(port));
            return Some((end, address));
        }
        (bare || keyed || after.starts_with(":\u{f8f5}")).then(|| (end, Text::literal(LOCAL)))
    }

    /// The port whose number is the value of a variable. It belongs to the service that a related host variable or the
    /// prefix of this variable names, or else to this service, or else, if there is a prefix, to any service.
    fn port_value(&self, variable: &str, text: &str) -> Option<&Port> {
        let number: u16 = text.parse().ok()?;
        if !variable.to_ascii_uppercase().contains("PORT") {
            return None;
        }
        let own = self.service.port(number);
        let stem = variable.to_ascii_uppercase();
        let stem = stem.split("PORT").next().unwrap_or_default().trim_end_matches('_').to_owned();
        let beside = self.service.get("environment").map_or(&[][..], super::yaml::Node::pairs).iter().find_map(
            |(key, value)| {
                let name = key.name.to_ascii_uppercase();
                let service = self.stack.by_host(value.text()?)?;
                (!stem.is_empty() && name.starts_with(&stem) && is_host_word(&name)).then_some(service)
            },
        );
        let named = self.stack.services.iter().find(|service| {
            let plain = service.name.to_ascii_uppercase().replace(['-', '.'], "_");
            !stem.is_empty() && service.is_carried() && service.port(number).is_some() && stem == plain
        });
        let other = beside.or(named).filter(|service| service.is_carried()).and_then(|service| service.port(number));
        let only =
            self.stack.services.iter().filter(|service| service.is_carried()).find_map(|service| service.port(number));
        let has_stem = !stem.is_empty();
        other.or(own).or_else(|| only.filter(|_| has_stem))
    }

    /// The port whose number follows a port flag (`-p 5000`, `--port=5000`), `http.server` or `runserver`.
    fn flag_value(&self, text: &str, position: Position<'_>) -> Option<&Port> {
        let Position::Word(flag) = position else { return None };
        let is_port_flag = matches!(flag, "-p" | "-P" | "-b" | "-l") || flag.to_ascii_lowercase().ends_with("port");
        let is_server = matches!(flag, "http.server" | "runserver");
        self.service.port(text.parse().ok()?).filter(|_| is_port_flag || is_server).or_else(|| {
            let number: u16 = text.parse().ok()?;
            let others = self.stack.services.iter().filter(|service| service.is_carried());
            others.filter_map(|service| service.port(number)).next().filter(|_| is_port_flag)
        })
    }
}

/// The name of the host in Docker Desktop containers, and in other containers through `extra_hosts`.
const HOST_OF_DOCKER: &str = "host.docker.internal";

/// The form of a string.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Whether it is a list.
    is_list: bool,
    /// Whether it is a connection string without a port.
    is_without_port: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        Self { is_list: text.contains(','), is_without_port: is_without_port(text) }
    }
}

/// Whether a name is the user name in an address, because a password and a host follow it: `app:secret@db`.
fn is_user(after: &str) -> bool {
    let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
    after.starts_with(':') && after[..end].contains('@')
}

/// Whether a string ends with the key of a host: `host=`, `"host": "`.
fn is_keyed_host(before: &str) -> bool {
    if before.ends_with('=') {
        return is_host_word(last_word(before));
    }
    let key = before.strip_suffix('"').map(str::trim_end).and_then(|text| text.strip_suffix(':'));
    let key = key.and_then(|text| text.trim_end().strip_suffix('"'));
    key.is_some_and(|text| is_host_word(text.rsplit('"').next().unwrap_or_default()))
}

/// Whether a string contains a key with a value as a separate word, not as part of a longer key or as an option of a
/// command.
fn has_key(lower: &str, key: &str) -> bool {
    lower
        .match_indices(key)
        .any(|(at, _)| begins_key(&lower[..at]) && lower[at + key.len()..].trim_start_matches(' ').starts_with('='))
}

/// Whether a key of a connection string can begin after this text.
fn begins_key(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| c.is_whitespace() || ";:\"'".contains(c))
}

/// Whether a string is a connection string without a port, of the form `host=db user=x`.
fn is_without_port(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_database = ["dbname", "database", "user", "username", "user id"].iter().any(|key| has_key(&lower, key));
    is_database && !has_key(&lower, "port") && !lower.contains("://")
}

/// The separator between the host of a connection string and other keys, if a port can be added there.
fn separator(before: &str, after: &str) -> Option<&'static str> {
    const HOST: &str = "host=";
    let key = before.len().checked_sub(HOST.len())?;
    before
        .get(key..)
        .filter(|key| key.eq_ignore_ascii_case(HOST) && begins_key(&before[..before.len() - HOST.len()]))?;
    match after.chars().next() {
        Some(';') => Some(";"),
        Some(' ') => Some(" "),
        None | Some('"' | '\'') if before.contains(';') => Some(";"),
        None | Some('"' | '\'') => Some(" "),
        _ => None,
    }
}

fn last_word(before: &str) -> &str {
    let before = before.trim_end_matches('=');
    let rest = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    &before[rest.len()..]
}

/// Whether the name of a variable or a flag refers to a host.
pub fn is_host_word(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let words: Vec<&str> = name.split('_').collect();
    // `DB_URL_DATABASE` is the name of a database, and `HOST_DATABASE` the host of one.
    let is_other = match words.as_slice() {
        [.., "PASSWORD" | "ID" | "TYPE" | "ROLE" | "MODE" | "KIND" | "GROUP" | "ENV"] => true,
        // `SERVER_NAME` and `URL_NAME` are labels.
        [before, "NAME"] => !matches!(*before, "HOST" | "UPSTREAM" | "BROKER"),
        // `DB_SERVER_NAME` is a host.
        [.., before, "NAME"] => !HOST_WORDS.contains(before),
        [first, _, .., last] => OTHER_WORDS.contains(last) && !HOST_WORDS.contains(first),
        _ => false,
    };
    if is_other {
        return false;
    }
    words.iter().any(|word| HOST_WORDS.contains(word)) || name.ends_with("HOST") || name.ends_with("SERVER")
}

/// Whether a variable whose value is the name of its own service is the address that the program listens on or is
/// reached at. Other variables only label the service: `SERVER_NAME`.
fn is_own_address(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase();
    let ends = ["HOST", "HOSTS", "ADDR", "ADDRESS", "BIND", "_HOSTNAME"];
    name.contains("ADVERTISED") || ends.iter().any(|end| name.ends_with(end))
}

/// The port that a URL without a port number refers to.
fn default_port<'s>(service: &'s Service<'_>, before: &str) -> Option<&'s Port> {
    let scheme = before.split("://").next().unwrap_or_default();
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let usual = match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    };
    usual.and_then(|number| service.port(number)).or_else(|| service.ports.first())
}

/// Whether a configuration file makes a program listen on a port, in a form that [`Rewriter::rewrite_file`] changes.
pub fn listens_in(text: &str, container: u16) -> bool {
    let own = ["", "*", "0.0.0.0", "localhost", LOCAL, "[::]"];
    text.lines().any(|line| {
        let mut words =
            line.split(|c: char| c.is_whitespace() || "\"',;{}()".contains(c)).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let is_own = |word: &str, hosts: &[&str]| {
            word.rsplit_once(':')
                .is_some_and(|(host, number)| hosts.contains(&host) && leading_number(number) == Some(container))
        };
        let others = if first == "bind" { &own[..] } else { &own[1..] };
        is_own(first, &own) || words.any(|word| is_own(word, others))
    })
}

/// Whether the prefix of a variable for a port is the name or the image of another service: `GATEWAY_PORT`, `APP_DB_PORT`.
pub fn is_port_of_other(variable: &str, service: &Service<'_>, stack: &Stack<'_>) -> bool {
    let upper = |name: &str| name.to_ascii_uppercase().replace(['-', '.'], "_");
    let variable = upper(variable);
    let stem = variable.split("PORT").next().unwrap_or_default().trim_end_matches('_');
    let is_stem = |name: &str| {
        let outer = stem.strip_suffix(upper(name).as_str());
        !name.is_empty() && outer.is_some_and(|outer| outer.is_empty() || outer.ends_with('_'))
    };
    let names = |service: &Service<'_>| {
        service.names.iter().any(|name| is_stem(name)) || service.image_name().is_some_and(is_stem)
    };
    !stem.is_empty() && !names(service) && stack.services.iter().filter(|other| other.name != service.name).any(names)
}

/// Whether a string passes a program the number of its own port: in a variable, an argument, or a configuration file.
pub fn tells_port(text: &str, position: Position<'_>, container: u16) -> bool {
    let number = container.to_string();
    let is_port_name = |name: &str| name.to_ascii_uppercase().contains("PORT");
    let whole = text == number;
    let behind_colon = text.ends_with(&format!(":{number}")) && {
        let host = &text[..text.len() - number.len() - 1];
        matches!(host, "" | "0.0.0.0" | "localhost" | LOCAL | "[::]" | "*")
            || host.ends_with("//0.0.0.0")
            || host.ends_with("//+")
            || host.ends_with("=0.0.0.0")
            || host.ends_with("//*")
    };
    match position {
        Position::Variable(name) => (whole && is_port_name(name)) || behind_colon,
        Position::Word(flag) => {
            let flags = matches!(flag, "-p" | "-P" | "-b" | "-l" | "http.server" | "runserver");
            (whole && (flags || is_port_name(flag))) || behind_colon
        }
        Position::File => false,
    }
}
