//! The sides of a mapping of ports.

use super::super::line::Side;
use super::super::words::{is_generic, service, share, split, telling};
use super::{Reader, SSH, is_front};
use crate::knowledge::name_words::{EMPTY_VARIABLES, FORGES};
use crate::knowledge::service_ports::{self, Certainty, Service};

impl Reader<'_> {
    /// Which side of a mapping the number is.
    pub fn side(&self) -> Option<Side> {
        match self.last() {
            "hostPort" | "host" => Some(Side::Host),
            "containerPort" | "guest" => Some(Side::Container),
            last if split(last).last().is_some_and(|word| word == "ports") => self.line.side(),
            _ if self.is_in_compose() || self.line.is_published() => self.line.side(),
            _ => None,
        }
    }

    /// The well-known service on the other side of a mapping: `https` in `{ host = 8443; guest = 443; }`.
    pub fn partner(&self) -> Option<Vec<String>> {
        let always = |number| service_ports::services(number).iter().find(|row| row.certainty == Certainty::Always);
        if let Some(number) = self.line.relayed() {
            return always(number).map(|row| split(row.name));
        }
        if let Some(number) =
            self.line.inner().filter(|number| *number == SSH && (self.is_forge() || self.is_one_of_several_mappings()))
        {
            return always(number).map(|row| split(row.name)).filter(|words| !self.is_named_like(words));
        }
        // `{ host = 8443; guest = 443; }` and `{ host.port = 8443; guest.port = 443; }`
        let other = match self.parts.as_slice() {
            [.., "host"] => "guest",
            [.., "guest"] => "host",
            [.., "host", "port"] => "guest.port",
            [.., "guest", "port"] => "host.port",
            _ => return None,
        };
        always(self.beside?.number(other)?).map(|row| split(row.name))
    }

    /// Whether the number is in one of several mappings in the ports of a container.
    fn is_one_of_several_mappings(&self) -> bool {
        let is_mapping = |text: &str| text.split('"').any(|item| item.contains(|c: char| c.is_ascii_digit()));
        let before = self.line.above.rsplit('[').next().unwrap_or("");
        let before = before.trim_end_matches(|c| c != '"');
        let after = self.beside.map_or("", |beside| beside.rest()).split(']').next().unwrap_or("");
        self.last() == "ports"
            && self.container().is_some()
            && (is_mapping(before) || after.split_once('"').is_some_and(|(_, after)| is_mapping(after)))
    }

    /// Whether the container has the name of a Git forge, whose own port is that of its web interface.
    fn is_forge(&self) -> bool {
        self.container().is_some_and(|name| service(name).iter().any(|word| FORGES.contains(&word.as_str())))
    }

    /// Whether the container's name contains one of these words.
    fn is_named_like(&self, words: &[String]) -> bool {
        self.container().is_some_and(|name| words.iter().any(|word| name.to_ascii_lowercase().contains(word.as_str())))
    }

    /// The purpose that a variable of the container gives for the inner number of a mapping: `webdav` in
    /// `STORE_WEBDAV_PORT = "8181"` for `20015:8181`.
    pub fn variable_inside(&self, service: &[String]) -> Option<Vec<String>> {
        let number = match self.side()? {
            Side::Host => self.line.inner()?,
            Side::Container => return None,
        };
        let variable = self.context.texts.variable(self.path, number)?;
        let mut words = telling(variable);
        words.retain(|word| !service.iter().any(|known| known.starts_with(word.as_str()) || is_generic(word)));
        (!words.is_empty()).then_some(words)
    }

    /// The purpose of a mapping, from the name of the variable whose default is the number: `smtp` in
    /// `${SMTP_HOST_PORT:-2525}:25`.
    pub fn fallback(&self, service: &[String]) -> Option<Vec<String>> {
        let mut words = split(self.line.fallback().filter(|_| self.is_mapping())?);
        words.retain(|word| {
            !EMPTY_VARIABLES.contains(&word.as_str())
                && !share(service, [word])
                && !is_front(std::slice::from_ref(word))
        });
        words.extend((self.side() == Some(Side::Container)).then(|| "container".to_owned()));
        (words.first()? != "container").then_some(words)
    }

    /// Whether the number is in a mapping of container ports.
    fn is_mapping(&self) -> bool {
        split(self.last()).last().is_some_and(|word| word == "ports") || self.is_in_compose()
    }

    /// The well-known service that has the inner number of a mapping, whatever the name of the container.
    pub fn contained(&self) -> Option<Vec<String>> {
        let number = self.line.inner()?;
        let owner = self.container().or_else(|| self.compose_service()).map(service).unwrap_or_default();
        let is_own = |row: &Service| row.keywords().any(|key| owner.iter().any(|word| word == key));
        let is_protocol = |row: &&Service| row.certainty == Certainty::Always || row.is_protocol;
        let rows = service_ports::services(number);
        let row = rows.iter().find(is_protocol).or_else(|| rows.iter().find(|row| is_own(row)))?;
        Some(split(row.name))
    }
}
