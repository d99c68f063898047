//! Addresses of servers behind a load balancer in a Traefik configuration that is written as text.

use super::Line;

/// The keys between the name of a service and the address of its server, from the inside out.
const KEYS: [&str; 2] = ["servers", "loadBalancer"];

impl<'a> Line<'a> {
    /// The service whose server has the address: `wiki` in the lines `wiki:`, `loadBalancer:`, `servers:` and
    /// `- url: "http://localhost:3000"`.
    pub fn balanced(&self) -> Option<&'a str> {
        let element = self.before.trim_start();
        if !element.trim_start_matches(['-', ' ']).starts_with("url:") {
            return None;
        }
        let mut keys = KEYS.iter();
        let mut indent = self.before.len() - element.len();
        // A list may have the indentation of its key.
        let mut may_be_level = element.starts_with('-');
        for line in self.above_lines().rev() {
            let text = line.trim_start();
            let own = line.len() - text.len();
            let is_outer = own < indent || may_be_level && own == indent && !text.starts_with('-');
            if text.is_empty() || text.starts_with('#') || !is_outer {
                continue;
            }
            if text.starts_with("- ") {
                // The first key of the element, such as its weight
                indent = own;
                may_be_level = true;
                continue;
            }
            let text = text.split_once(" #").map_or(text, |(text, _)| text);
            let key = text.trim_end().strip_suffix(':')?;
            indent = own;
            may_be_level = false;
            match keys.next() {
                Some(expected) if *expected == key => {}
                Some(_) => return None,
                None => {
                    let name = key.trim_matches(['"', '\'']);
                    return Some(name.strip_suffix("-svc").unwrap_or(name));
                }
            }
        }
        None
    }
}
