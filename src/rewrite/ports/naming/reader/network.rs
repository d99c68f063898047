//! Containers that share the network of another container, which publishes their ports for them.

use super::super::Missing;
use super::super::beside::Beside;
use super::super::candidate::{Candidate, weight};
use super::super::line::Side;
use super::super::words::{all_generic, service, share, split};
use super::Reader;
use crate::knowledge::service_ports;
use crate::wording;

/// The number of bytes on each side of a number in which such containers are found.
const AROUND: usize = 6000;

impl<'a> Reader<'a> {
    /// The container that listens on a port that another one publishes: `torrents` for a port in
    /// `containers.vpn.ports`, if `containers.torrents` has `--network=container:vpn`. If several containers share the
    /// network, the one whose well-known port it is.
    pub fn behind_network(&self, port: &Missing<'a>) -> Option<Candidate> {
        let owner = self.container().or_else(|| self.compose_service()).filter(|name| !name.is_empty())?;
        let is_mapping = self.last() == "ports" || self.is_in_compose();
        if !is_mapping || self.line.side() == Some(Side::Container) {
            return None;
        }
        let (start, end) = (port.span.start as usize, port.span.end as usize);
        let sharing = [
            sharing(wording::tail(port.text.get(..start)?, AROUND), owner),
            sharing(wording::head(port.text.get(end..)?, AROUND), owner),
        ]
        .concat();
        let number = self.line.inner().unwrap_or(self.line.number);
        let rows = service_ports::services(number);
        let has_row = |name: &str| {
            let words = service(name);
            rows.iter().any(|row| {
                share(&split(row.name), &words) || row.keywords().any(|key| words.iter().any(|word| word == key))
            })
        };
        let name = match sharing.as_slice() {
            _ if has_row(owner) => return None,
            [only] => only,
            several => {
                let mut known = several.iter().filter(|name| has_row(name));
                known.next().filter(|_| known.next().is_none())?
            }
        };
        let words = service(name);
        let found = Candidate { service: words, qualifier: self.end(), weight: weight::LISTENER + 2 };
        (!all_generic(&found.service)).then_some(found)
    }
}

/// The containers in a text that share the network of a container.
fn sharing<'t>(text: &'t str, owner: &str) -> Vec<&'t str> {
    let is_of_owner = |rest: &str| {
        let end = rest.strip_prefix(owner);
        end.is_some_and(|end| !end.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
    };
    let mut names: Vec<&str> = ["container:", "service:"]
        .iter()
        .flat_map(|kind| text.match_indices(kind).map(|(at, kind)| (at, at + kind.len())))
        .filter(|(_, end)| is_of_owner(&text[*end..]))
        .filter_map(|(at, _)| user(&text[..at]))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The container whose options end with a text that sets its network: `--network=`, `network_mode:`.
fn user(before: &str) -> Option<&str> {
    let (above, line) = before.rsplit_once('\n').unwrap_or(("", before));
    if line.trim_start().starts_with("network_mode:") {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let outer = above.lines().rev().find(|other| !other.trim().is_empty() && indent(other) < indent(line))?;
        return outer.trim().strip_suffix(':').filter(|name| !name.contains(' '));
    }
    let is_network = ["--net=", "--network=", "--network ", "network=", "networks = [ \"", "network_mode = \""];
    if !is_network.iter().any(|start| line.ends_with(start)) {
        return None;
    }
    let key = Beside::of(before, before.len(), before.len())?.key();
    (!key.is_empty()).then_some(key)
}
