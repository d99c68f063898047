//! The servers that nginx passes requests to.

use super::parse::Directive;
use super::rewrite::Rewrite;
use crate::migrate::compose::hosts::LOCAL;
use crate::migrate::compose::names::leading_number;
use crate::migrate::compose::stack::{Port, Service};
use crate::migrate::nix::Text;

/// An address that a directive passes requests to: `http://api:8000/path`.
struct Address<'t> {
    scheme: &'t str,
    host: &'t str,
    port: Option<u16>,
    /// The text after the address.
    rest: &'t str,
}

impl<'t> Address<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (scheme, after) = match text.find("://") {
            Some(at) => text.split_at(at + 3),
            None => ("", text),
        };
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(after.len());
        let (host, rest) = after.split_at(end);
        let port = rest.strip_prefix(':').and_then(leading_number);
        let rest = match port {
            Some(port) => &rest[1 + port.to_string().len()..],
            None => rest,
        };
        (!host.is_empty() && host != "unix" && rest.chars().next().is_none_or(|c| c == '/' || c == '$'))
            .then_some(Self { scheme, host, port, rest })
    }

    fn usual_port(&self) -> u16 {
        if matches!(self.scheme, "https://" | "grpcs://") { 443 } else { 80 }
    }
}

impl Rewrite<'_, '_, '_, '_> {
    /// Replaces the server that an argument names with its address on this machine. `None` if the server is not a
    /// service of the project.
    pub fn passed_to(&self, word: &str, directive: &Directive, file: &str) -> Option<Text> {
        let address = Address::of(word.trim_matches(['"', '\'']))?;
        if self.upstreams.contains(address.host) {
            return None;
        }
        let service = self.instance.builder.stack.by_host(address.host)?;
        let mut text = Text::literal(format!("{}{LOCAL}:", address.scheme));
        match self.port_of(service, &address) {
            Some(port) => {
                text.append(&self.instance.builder.port_text(Some(port)));
            }
            // The other servers can be used even if this one does not exist.
            None => {
                let number = address.port.unwrap_or(address.usual_port());
                let why = match service.is_carried() {
                    true => format!("`{}` listens on no known port, so requests go to {LOCAL}:{number}", service.name),
                    false => format!("`{}` is left out, so requests go to {LOCAL}:{number}", service.name),
                };
                let todo = match service.is_carried() {
                    true => format!("make it listen on {number}, or change the address"),
                    false => "replace the address with that of whatever replaces the service".to_owned(),
                };
                self.leave(file, directive.line, why, &todo);
                text.push(&number.to_string());
            }
        }
        text.push(address.rest);
        Some(text)
    }

    fn port_of<'s>(&self, service: &'s Service<'_>, address: &Address<'_>) -> Option<&'s Port> {
        if !service.is_carried() {
            return None;
        }
        match address.port {
            Some(port) => service.port(port),
            None => service.port(address.usual_port()).or(service.ports.first()),
        }
    }
}
