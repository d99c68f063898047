//! What a registry specifies about a port in addition to its number: `{ port = 53; protocol = "udp"; host = "dns"; }`.

use std::rc::Rc;

use super::eval::Machine;
use super::eval::value::{Set, Val};
use crate::finding::Span;

/// The attribute with the number.
pub const PORT: &str = "port";

/// Attributes that describe a port.
const PROTOCOL: [&str; 2] = ["protocol", "proto"];
const HOST: [&str; 2] = ["host", "hosts"];
const ADDRESS: [&str; 3] = ["address", "listenAddress", "bind"];
const DESCRIPTION: [&str; 2] = ["description", "comment"];

/// Addresses that mean all interfaces of a machine.
const ANY_ADDRESS: [&str; 4] = ["0.0.0.0", "::", "[::]", "*"];

/// Where a service listens. A property is empty if the registry omits it or if it cannot be read from the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// The protocols in lower case: `tcp`, `udp`.
    pub protocols: Vec<String>,
    /// The machines.
    pub hosts: Vec<String>,
    /// The address.
    pub address: Option<String>,
    /// The span of the set's name.
    pub name_span: Span,
}

impl Endpoint {
    /// Reads a set that describes one port. `None` for a group of entries.
    pub(super) fn read(machine: &mut Machine<'_, '_>, set: &Set, name_span: Span) -> Option<Self> {
        let describes = |names: &[&str]| names.iter().any(|name| set.attrs.contains_key(*name));
        if !set.attrs.contains_key(PORT) || ![&PROTOCOL[..], &HOST, &ADDRESS, &DESCRIPTION].into_iter().any(describes) {
            return None;
        }
        // A group may have entries with these names: `{ port = 80; host = 81; }`.
        let mut texts = |names: &[&str]| -> Option<Vec<String>> {
            let Some(attr) = names.iter().find_map(|name| set.attrs.get(*name)) else { return Some(Vec::new()) };
            match machine.force(attr.thunk) {
                Ok(Val::Str(text)) => Some(text.iter().map(|text| (**text).to_owned()).collect()),
                Ok(Val::List(items)) => Some(strings(machine, &items)),
                Ok(Val::Int(_) | Val::Set(_)) => None,
                _ => Some(Vec::new()),
            }
        };
        let (protocols, hosts, address) = (texts(&PROTOCOL)?, texts(&HOST)?, texts(&ADDRESS)?);
        texts(&DESCRIPTION)?;
        Some(Self { protocols: known_protocols(&protocols), hosts, address: address.into_iter().next(), name_span })
    }

    /// Whether an attribute of the set describes the port and is not an entry.
    pub(super) fn is_description(name: &str) -> bool {
        [&PROTOCOL[..], &HOST, &ADDRESS, &DESCRIPTION].into_iter().any(|names| names.contains(&name))
    }

    /// Whether two services may listen on the same machine, protocol and address.
    pub fn may_meet(&self, other: &Self) -> bool {
        let share = |one: &[String], other: &[String]| {
            one.is_empty() || other.is_empty() || one.iter().any(|name| other.contains(name))
        };
        let addresses = match (&self.address, &other.address) {
            (Some(one), Some(other)) => one == other || [one, other].into_iter().any(|address| is_any(address)),
            _ => true,
        };
        addresses && share(&self.protocols, &other.protocols) && share(&self.hosts, &other.hosts)
    }
}

fn is_any(address: &str) -> bool {
    // A host name may resolve to any address.
    let is_name = !address.contains(':') && !address.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    ANY_ADDRESS.contains(&address) || is_name
}

fn strings(machine: &mut Machine<'_, '_>, items: &Rc<[u32]>) -> Vec<String> {
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| match machine.force(*item) {
            Ok(Val::Str(Some(text))) => Some((*text).to_owned()),
            _ => None,
        })
        .collect();
    // A list with an unknown element may contain anything.
    texts.unwrap_or_default()
}

/// The protocols in lower case, with `udp` for `quic`; empty if one of them is not known.
fn known_protocols(written: &[String]) -> Vec<String> {
    let words = written.iter().flat_map(|text| text.split(['/', ',', '+', ' ', '&'])).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
    let is_known = |word: &String| matches!(word.as_str(), "tcp" | "udp" | "sctp" | "dccp" | "quic");
    if !words.iter().all(is_known) {
        return Vec::new();
    }
    words.into_iter().map(|word| if word == "quic" { "udp".to_owned() } else { word }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(protocol: &str, host: &str, address: &str) -> Endpoint {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Endpoint {
            protocols: known_protocols(&Vec::from_iter(some(protocol))),
            hosts: some(host).into_iter().collect(),
            address: some(address),
            name_span: Span::default(),
        }
    }

    #[test]
    fn services_conflict_only_on_the_same_protocol_machine_and_address() {
        let dns = endpoint("udp", "dns", "127.0.0.1");
        for (protocol, host, address, expected) in [
            ("udp", "dns", "127.0.0.1", true),
            ("tcp", "dns", "127.0.0.1", false),
            ("TCP/UDP", "dns", "127.0.0.1", true),
            ("both", "dns", "127.0.0.1", true),
            ("udp", "web", "127.0.0.1", false),
            ("udp", "dns", "127.0.0.2", false),
            ("udp", "dns", "0.0.0.0", true),
            ("udp", "dns", "localhost", true),
            ("", "", "", true),
        ] {
            assert_eq!(dns.may_meet(&endpoint(protocol, host, address)), expected, "{protocol} {host} {address}");
        }
    }
}
