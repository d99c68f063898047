//! The names that a comment gives to a port.

use super::super::candidate::{Candidate, weight};
use super::super::words::{all_generic, is_generic, share, with};
use super::{Reader, is_front};
use crate::knowledge::name_words::{PROXY_VARIABLES, PURPOSES};
use crate::knowledge::service_ports;

impl Reader<'_> {
    /// The service that a comment names for a port that one container publishes for another, as a VPN container does:
    /// `"8080:8080" # qBittorrent`.
    pub fn behind(&self, comment: &[String]) -> Option<Candidate> {
        let container = self.container()?;
        let (first, rest) = comment.split_first()?;
        let is_other = !is_generic(first)
            && !container.to_ascii_lowercase().contains(first.as_str())
            && self.is_service(std::slice::from_ref(first));
        let is_plain = matches!(self.last(), "ports")
            && rest.iter().all(|word| is_generic(word) || PURPOSES.contains(&word.as_str()));
        let weight = weight::LISTENER + 1;
        (is_other && is_plain).then(|| Candidate { service: vec![first.clone()], qualifier: rest.to_vec(), weight })
    }

    /// The name that a comment gives to the port.
    pub fn commented(&self, comment: &[String], is_firewall: bool) -> Option<Candidate> {
        let most = if is_firewall { 4 } else { 2 };
        if comment.is_empty() {
            return None;
        }
        if share(&self.subject, comment) {
            let rest = comment.iter().filter(|word| !share(&self.subject, [*word])).cloned();
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: rest.collect(),
                weight: weight::COMMENT_OF_SUBJECT,
            });
        }
        // `# socks proxy`
        if let [protocols @ .., last] = comment
            && last == "proxy"
            && protocols.iter().all(|word| PROXY_VARIABLES.contains(&word.as_str()))
            && !self.subject.is_empty()
            && !is_front(&self.subject)
        {
            let (service, qualifier) = (self.subject.clone(), comment.to_vec());
            return Some(Candidate { service, qualifier, weight: weight::COMMENT });
        }
        if all_generic(comment) {
            return None;
        }
        // `# RPC` identifies the port, not the service.
        let is_purpose = comment.iter().all(|word| PURPOSES.contains(&word.as_str()) || is_generic(word));
        if is_purpose && !self.subject.is_empty() {
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: comment.iter().filter(|word| !is_generic(word)).cloned().collect(),
                weight: weight::PURPOSE,
            });
        }
        // A single word in a list of a service's ports: `# video`.
        if let [word] = comment
            && !self.subject.is_empty()
            && !is_front(&self.subject)
            && !service_ports::is_service(word)
        {
            let (service, qualifier) = (self.subject.clone(), with(comment, &self.end()));
            return Some(Candidate { service, qualifier, weight: weight::COMMENT });
        }
        (comment.len() <= most).then(|| Candidate {
            service: comment.to_vec(),
            qualifier: self.end(),
            weight: weight::COMMENT,
        })
    }
}
