//! Host names of other services in texts, and the addresses that replace them.

use super::names::{is_device, leading_number, occurrences};
use super::stack::{Port, Service, Stack};
use crate::migrate::Ports;
use crate::migrate::nix::Text;

/// The address that every process listens on.
pub const LOCAL: &str = "127.0.0.1";

/// Rewrites texts of one service.
pub struct Rewriter<'a, 'm> {
    /// The project.
    pub stack: &'a Stack<'m>,
    /// The service whose texts these are.
    pub service: &'a Service<'m>,
    /// The registry.
    pub ports: &'a Ports,
}

/// Where a text is, and so what a bare host name in it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position<'a> {
    /// The value of a variable.
    Variable(&'a str),
    /// A word of a command, and the word before it.
    Word(&'a str),
    /// The text of a configuration file.
    File,
}

/// Words in names of variables and flags for hosts.
const HOST_WORDS: [&str; 16] = [
    "HOST", "HOSTS", "HOSTNAME", "SERVER", "SERVERS", "ADDR", "ADDRESS", "URL", "URI", "ENDPOINT", "UPSTREAM",
    "BROKER", "BROKERS", "NODES", "SEEDS", "PEERS",
];

impl Rewriter<'_, '_> {
    /// The number of a port as a part of a string.
    fn number(&self, port: &Port) -> String {
        format!("toString {}", self.ports.reference(port.number))
    }

    /// Rewrites a text.
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
        while let Some((at, end, replacement)) = self.next(text, rest, position) {
            out.push(&text[rest..at]);
            out.append(&replacement);
            rest = end;
        }
        out.push(&text[rest..]);
        out
    }

    /// A text that is nothing but a variable whose default is the name of a host: `${DB_HOST:-db}`.
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
            // An address without a host: `:80 {`.
            let number = plain.strip_prefix(':').and_then(leading_number);
            match number.and_then(|number| Some((number, self.service.port(number)?))) {
                Some((number, port)) => {
                    let rest = &plain[1 + number.to_string().len()..];
                    out.push(&line[..line.len() - plain.len()]).push(":").push_code(&self.number(port));
                    out.append(&self.rewrite(rest, Position::File))
                }
                None => out.append(&self.rewrite(line, Position::File)),
            };
        }
        out
    }

    /// The first address at or after a position: where it begins and ends, and its replacement.
    fn next(&self, text: &str, from: usize, position: Position<'_>) -> Option<(usize, usize, Text)> {
        let hosts = self
            .stack
            .services
            .iter()
            .filter(|service| service.is_carried())
            .flat_map(|service| service.names.iter().map(move |name| (service, name.as_str(), false)));
        let mut best: Option<(usize, usize, Text)> = None;
        let own = ["localhost", LOCAL, "0.0.0.0", "[::]", "*"].map(|name| (self.service, name, true));
        if let Some(at) = occurrences(text, HOST_OF_DOCKER).find(|at| *at >= from) {
            best = Some(self.machine_address(text, at));
        }
        for (service, name, is_own) in hosts.chain(own) {
            for at in occurrences(text, name).filter(|at| *at >= from) {
                if best.as_ref().is_some_and(|(first, end, _)| at > *first || (at == *first && at + name.len() <= *end))
                {
                    continue;
                }
                if let Some((end, replacement)) = self.address(text, at, name, service, is_own, position) {
                    best = Some((at, end, replacement));
                }
            }
        }
        let first = best.as_ref().map_or(text.len(), |(at, ..)| *at);
        match self.keyed_port(text, from).filter(|(at, ..)| *at < first) {
            Some(keyed) => Some(keyed),
            None => best.or_else(|| self.own_port(text, from)),
        }
    }

    /// The machine as Docker's containers name it, where published ports are those of the registry now.
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

    /// The port in `port=5432` or `"port": 5432`, in a text that also gives the host as a separate value:
    /// `host=db port=5432`, `Server=db;Port=3306`.
    fn keyed_port(&self, text: &str, from: usize) -> Option<(usize, usize, Text)> {
        let lower = text.to_ascii_lowercase();
        lower.match_indices("port").find_map(|(at, key)| {
            let is_word = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let after = &lower[at + key.len()..];
            let value = after.trim_start_matches(['"', '\'', ' ']);
            let value = value.strip_prefix(['=', ':'])?.trim_start_matches(['"', '\'', ' ']);
            let start = text.len() - value.len();
            let number = leading_number(value).filter(|_| is_word && start >= from)?;
            let carried = self.stack.services.iter().filter(|service| service.is_carried());
            let port = carried.filter(|service| names_host(text, service)).find_map(|service| service.port(number))?;
            Some((start, start + number.to_string().len(), Text::code(self.number(port))))
        })
    }

    /// `:5000` at the end of a word, for servers that listen on all addresses.
    fn own_port(&self, text: &str, from: usize) -> Option<(usize, usize, Text)> {
        let number = text.strip_prefix(':').filter(|_| from == 0)?;
        let port = self.service.port(number.parse().ok()?)?;
        Some((1, text.len(), Text::code(self.number(port))))
    }

    /// The replacement of a host name and of the port that follows it.
    fn address(
        &self,
        text: &str,
        at: usize,
        name: &str,
        service: &Service<'_>,
        is_own: bool,
        position: Position<'_>,
    ) -> Option<(usize, Text)> {
        let end = at + name.len();
        let after = &text[end..];
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
            Position::Variable(variable) => (is_whole || is_list(text)) && is_host_word(variable),
            Position::Word(flag) => {
                let flags = ["-h", "--host", "--hostname", "--server", "--bootstrap-server", "--db-host", "-H"];
                (is_whole && (flags.contains(&flag) || is_host_word(flag.trim_start_matches('-'))))
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
        // libpq and Npgsql take the usual port without one.
        let main = service.ports.first().filter(|_| keyed && is_without_port(text));
        if let (Some(port), Some(separator)) = (main, separator(before, after)) {
            let mut address = Text::literal(format!("{LOCAL}{separator}port="));
            address.push_code(&self.number(port));
            return Some((end, address));
        }
        (bare || keyed || after.starts_with(":\u{f8f5}")).then(|| (end, Text::literal(LOCAL)))
    }

    /// The port that a variable gives as a number: that of a service whose host is given next to
    /// it, or else that of the service itself.
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

    /// The port that a word gives as a number after a flag, or as `--port=5000`.
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

/// The name of the machine in containers of Docker Desktop, and in others by `extra_hosts`.
const HOST_OF_DOCKER: &str = "host.docker.internal";

/// Whether a text gives a service's host as the value of a key.
fn names_host(text: &str, service: &Service<'_>) -> bool {
    let mut names = service.names.iter();
    names.any(|name| occurrences(text, name).any(|at| is_keyed_host(&text[..at])))
}

/// Whether a text ends with the key of a host: `host=`, `"host": "`.
fn is_keyed_host(before: &str) -> bool {
    if before.ends_with('=') {
        return is_host_word(last_word(before));
    }
    let key = before.strip_suffix('"').map(str::trim_end).and_then(|text| text.strip_suffix(':'));
    let key = key.and_then(|text| text.trim_end().strip_suffix('"'));
    key.is_some_and(|text| is_host_word(text.rsplit('"').next().unwrap_or_default()))
}

/// Whether a connection string of the form `host=db user=x` has no port.
fn is_without_port(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_database = ["dbname=", "database=", "user=", "username=", "user id="].iter().any(|key| lower.contains(key));
    is_database && !lower.contains("port=") && !lower.contains("://")
}

/// What separates the host of a connection string from the key after it, if a port can follow.
fn separator(before: &str, after: &str) -> Option<&'static str> {
    let is_host = before.to_ascii_lowercase().ends_with("host=");
    match after.chars().next() {
        Some(';') if is_host => Some(";"),
        Some(' ') if is_host => Some(" "),
        _ => None,
    }
}

fn is_list(text: &str) -> bool {
    text.contains(',')
}

fn last_word(before: &str) -> &str {
    let before = before.trim_end_matches('=');
    let rest = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    &before[rest.len()..]
}

/// Whether the name of a variable or a flag is that of a host.
pub fn is_host_word(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    name.split('_').any(|word| HOST_WORDS.contains(&word)) || name.ends_with("HOST") || name.ends_with("SERVER")
}

/// The port of a service that a URL without a port refers to.
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

/// Whether a configuration file has a program listen on a port, in a form that [`Rewriter::rewrite_file`] changes.
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
        is_own(first, &own) || words.any(|word| is_own(word, &own[1..]))
    })
}

/// Whether a text gives a program of a service its own port, as one of the forms above.
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
