//! The site in a Caddyfile whose requests go to the address that contains a number.

use super::super::words::{all_generic, service};
use super::{EMPTY_LABELS, Line};

impl Line<'_> {
    /// The first label of the site whose requests Caddy passes to the address: `wiki` in
    /// `wiki.example.org { reverse_proxy 10.0.0.4:3000 }`.
    pub fn site(&self) -> Option<Vec<String>> {
        // Few addresses have such a word before them, and searching backwards is slow.
        if !self.before.contains("reverse_proxy") {
            return None;
        }
        // The blocks around the address, from the inside out.
        let mut closed = 0_u32;
        let blocks = self.above.rmatch_indices(['{', '}']).filter(|&(at, brace)| {
            let outside = &self.above[..at];
            // A brace that opens a block follows a space. Others open a placeholder, such as `{$PORT:3000}`.
            let is_block = brace == "}" || outside.is_empty() || outside.ends_with(' ');
            match (brace, is_block) {
                ("}", _) => closed += 1,
                _ if closed > 0 => closed -= 1,
                (_, true) => return true,
                _ => {}
            }
            false
        });
        let mut hosts = blocks.filter_map(|(at, _)| {
            let line = self.above[..at].rsplit(['\n', '"', '}']).next().unwrap_or_default().trim();
            let line = line.trim_start_matches("\\n").trim_start();
            let host = line.split([' ', ',']).next().unwrap_or_default();
            let host = host.split_once("://").map_or(host, |(_, host)| host);
            let host = host.split([':', '/']).next().unwrap_or_default();
            let (label, domain) = host.split_once('.')?;
            let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
            // The owner's domain does not name the service.
            let is_own = !domain.contains(['.', '$', '{']);
            let is_name = label.chars().all(is_label) && !is_own && !EMPTY_LABELS.contains(&label);
            is_name.then(|| service(label))
        });
        hosts.next().filter(|words| !words.is_empty() && !all_generic(words))
    }
}
