//! The formats of `flakeward ports --format` for other programs. Names come from the repository and may contain
//! anything. Each format converts them to valid names or quotes them. Two entries with the same converted name are an
//! error, so that neither overwrites the other.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::harmful;
use crate::facts::port_registry::{Entry, Registry, is_identifier};
use crate::rewrite::ports::naming::words;

/// An entry, with its registry and its number.
type Port<'a> = (&'a Registry, &'a Entry, u16);

/// Two entries with the same name in an export.
#[derive(Debug, PartialEq, Eq)]
pub struct Clash {
    /// The name.
    pub name: String,
    /// The entries.
    pub entries: [String; 2],
}

/// `NAME=NUMBER` lines for a shell or an `.env` file: `DATABASES_REDIS_PORT=6379`.
pub fn env(registries: &[&Registry]) -> Result<String, Clash> {
    let mut named = BTreeMap::new();
    for port @ (registry, entry, _) in ports(registries) {
        insert(&mut named, variable(bare_service(registry, entry)), port)?;
    }
    Ok(named.iter().map(|(name, (_, _, number))| format!("{name}={number}\n")).collect())
}

/// Lines in the format of /etc/services: `databases-redis 6379/tcp`. If the registry has no protocol for an entry,
/// there is a line for TCP and one for UDP.
pub fn services(registries: &[&Registry]) -> Result<String, Clash> {
    let mut named = BTreeMap::new();
    for port @ (registry, entry, _) in ports(registries) {
        let words: Vec<String> = bare_service(registry, entry).iter().flat_map(|name| words::split_all(name)).collect();
        insert(&mut named, words.join("-"), port)?;
    }
    let widest = named.keys().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (name, (_, entry, number)) in &named {
        let protocols = entry.endpoint.as_ref().map_or(&[][..], |endpoint| &endpoint.protocols);
        let protocols =
            if protocols.is_empty() { vec!["tcp", "udp"] } else { protocols.iter().map(|it| &**it).collect() };
        for protocol in protocols {
            let _ = writeln!(out, "{name:widest$} {number}/{protocol}");
        }
    }
    Ok(out)
}

/// A Nix expression with literal numbers, even if the registry computes them.
pub fn nix(registries: &[&Registry]) -> Result<String, Clash> {
    let mut out = String::new();
    Tree::of(registries)?.write(&mut out, "", &Syntax { separator: " = ", end: ";", key: nix_key });
    out.push('\n');
    Ok(out)
}

/// A TypeScript module with one constant.
pub fn ts(registries: &[&Registry]) -> Result<String, Clash> {
    let mut out = String::from("export const ports = ");
    Tree::of(registries)?.write(&mut out, "", &Syntax { separator: ": ", end: ",", key: ts_key });
    out.push_str(" as const;\n");
    Ok(out)
}

fn ports<'a>(registries: &'a [&'a Registry]) -> impl Iterator<Item = Port<'a>> {
    registries.iter().flat_map(|registry| registry.ports().map(|(entry, number)| (*registry, entry, number)))
}

/// The path of an entry's service, without the prefix that all ports of the registry share.
fn bare_service<'a>(registry: &Registry, entry: &'a Entry) -> &'a [String] {
    let service = entry.service();
    service.strip_prefix(registry.shape.prefix.as_slice()).filter(|bare| !bare.is_empty()).unwrap_or(service)
}

/// Adds an entry. Entries of two registries with the same path and the same number count as one. The error is two
/// different entries with the same name.
fn insert<'a>(named: &mut BTreeMap<String, Port<'a>>, name: String, port: Port<'a>) -> Result<(), Clash> {
    match named.get(&name) {
        Some(known) if known.2 != port.2 || known.1.path != port.1.path => {
            Err(Clash { name, entries: [known.1.name(), port.1.name()] })
        }
        _ => {
            named.insert(name, port);
            Ok(())
        }
    }
}

fn variable(names: &[String]) -> String {
    let words: Vec<String> = names.iter().flat_map(|name| words::split_all(name)).collect();
    let mut name = words.join("_").to_ascii_uppercase();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if !name.ends_with("PORT") {
        name.push_str("_PORT");
    }
    name
}

/// Entries, nested by the names of their paths.
#[derive(Debug)]
enum Tree {
    Port(u16, String),
    Group(BTreeMap<String, Tree>),
}

/// The syntax of sets in a language.
struct Syntax {
    separator: &'static str,
    end: &'static str,
    key: fn(&str) -> String,
}

impl Tree {
    fn of(registries: &[&Registry]) -> Result<Self, Clash> {
        let mut root = Tree::Group(BTreeMap::new());
        for (registry, entry, number) in ports(registries) {
            root.add(registry.bare(entry), number, entry)?;
        }
        Ok(root)
    }

    fn add(&mut self, path: &[String], number: u16, entry: &Entry) -> Result<(), Clash> {
        let clash = |known: &str| Clash { name: entry.name(), entries: [known.to_owned(), entry.name()] };
        match (self, path) {
            (Tree::Group(members), [name, rest @ ..]) => {
                let new = if rest.is_empty() { Tree::Port(number, entry.name()) } else { Tree::Group(BTreeMap::new()) };
                let member = members.entry(name.clone()).or_insert(new);
                member.add(rest, number, entry)
            }
            (Tree::Port(known, _), []) if *known == number => Ok(()),
            (Tree::Port(_, name), _) => Err(clash(name)),
            (Tree::Group(members), []) => Err(clash(members.keys().next().map_or("", String::as_str))),
        }
    }

    fn write(&self, out: &mut String, indent: &str, syntax: &Syntax) {
        match self {
            Tree::Port(number, _) => out.push_str(&number.to_string()),
            Tree::Group(members) => {
                out.push_str("{\n");
                for (name, member) in members {
                    let _ = write!(out, "{indent}  {}{}", (syntax.key)(name), syntax.separator);
                    member.write(out, &format!("{indent}  "), syntax);
                    let _ = writeln!(out, "{}", syntax.end);
                }
                let _ = write!(out, "{indent}}}");
            }
        }
    }
}

/// An attribute name. Nix strings have no escapes for most control characters, so names that contain them are decoded
/// from JSON.
fn nix_key(name: &str) -> String {
    if is_identifier(name) {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            // `##[` would be a command in the log of a workflow.
            '#' if chars.peek() == Some(&'#') => out.push_str("\\#"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if harmful(c) => {
                let _ = write!(out, "${{builtins.fromJSON \"\\\"\\\\u{:04x}\\\"\"}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// A property name. Even in quotes, `__proto__` would set the prototype, so names that need quotes are computed.
fn ts_key(name: &str) -> String {
    let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    let is_plain = name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit());
    if is_plain && name != "__proto__" {
        return name.to_owned();
    }
    let mut out = String::from("[\"");
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '#' if chars.peek() == Some(&'#') => out.push_str("\\u0023"),
            '"' | '\\' => out.extend(['\\', c]),
            // Line separators end lines in older versions of JavaScript, and other control characters are unreadable.
            c if c.is_control() || !c.is_ascii() => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().for_each(|unit| {
                    let _ = write!(out, "\\u{unit:04x}");
                });
            }
            c => out.push(c),
        }
    }
    out + "\"]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortSettings;
    use crate::facts::port_registry::evaluate;
    use crate::lang::Language;

    fn registry(text: &str) -> Registry {
        let tree = crate::lang::Tree::parse(Language::Nix, text).unwrap();
        evaluate(&"lib/ports.nix".into(), &tree, &PortSettings::default()).unwrap()
    }

    #[test]
    fn each_format_has_its_own_names() {
        let registry = registry(
            "{ otel.nodeExporter = 9100; web = { \"my app\" = 3000 + 1; metricsPort = 9; }; dns = { port = 53; protocol = \"udp\"; }; }",
        );
        let all = [&registry];
        assert_eq!(
            env(&all).unwrap(),
            "DNS_PORT=53\nOTEL_NODE_EXPORTER_PORT=9100\nWEB_METRICS_PORT=9\nWEB_MY_APP_PORT=3001\n"
        );
        assert_eq!(
            services(&all).unwrap(),
            "dns                53/udp\notel-node-exporter 9100/tcp\notel-node-exporter 9100/udp\nweb-metrics-port   9/tcp\nweb-metrics-port   9/udp\nweb-my-app         3001/tcp\nweb-my-app         3001/udp\n"
        );
        assert_eq!(
            nix(&all).unwrap(),
            "{\n  dns = {\n    port = 53;\n  };\n  otel = {\n    nodeExporter = 9100;\n  };\n  web = {\n    metricsPort = 9;\n    \"my app\" = 3001;\n  };\n}\n"
        );
        assert_eq!(
            ts(&all).unwrap(),
            "export const ports = {\n  dns: {\n    port: 53,\n  },\n  otel: {\n    nodeExporter: 9100,\n  },\n  web: {\n    metricsPort: 9,\n    [\"my app\"]: 3001,\n  },\n} as const;\n"
        );
    }

    #[test]
    fn names_that_become_equal_are_an_error() {
        let registry = registry("{ a.b-c = 1; a.bC = 2; }");
        let clash = Clash { name: "A_B_C_PORT".to_owned(), entries: ["a.b-c".to_owned(), "a.bC".to_owned()] };
        assert_eq!(env(&[&registry]), Err(clash));
        assert!(nix(&[&registry]).is_ok());
    }

    #[test]
    fn hostile_names_are_escaped() {
        for (name, ts, nix) in [
            ("__proto__", "[\"__proto__\"]", "__proto__"),
            ("a\"; rm -rf", "[\"a\\\"; rm -rf\"]", "\"a\\\"; rm -rf\""),
            ("${x}", "[\"${x}\"]", "\"\\${x}\""),
            ("##[a]###", "[\"\\u0023#[a]\\u0023\\u0023#\"]", "\"\\##[a]\\#\\##\""),
            (
                "\u{2028}\u{1b}",
                "[\"\\u2028\\u001b\"]",
                "\"${builtins.fromJSON \"\\\"\\\\u2028\\\"\"}${builtins.fromJSON \"\\\"\\\\u001b\\\"\"}\"",
            ),
        ] {
            assert_eq!(ts_key(name), ts);
            assert_eq!(nix_key(name), nix);
        }
        assert_eq!(variable(&["8080 tcp; x".to_owned()]), "_8080_TCP_X_PORT");
    }
}
