//! The names that the rules of a firewall give to the ports that they open.

use super::super::Missing;
use super::super::candidate::{Candidate, weight};
use super::super::manifest::policed;
use super::super::words::{all_generic, service};
use super::{Reader, begins_with_allow};

impl<'a> Reader<'a> {
    /// The app whose port a Kubernetes network policy opens.
    pub fn policed(&self, port: &Missing<'a>) -> Option<Candidate> {
        let has = |rule: &str| self.parts.contains(&rule);
        if !self.is_manifest() || !(has("ingress") || has("egress")) {
            return None;
        }
        let (app, listens) = policed(port.text, port.span.start as usize, has("egress"))?;
        let words = service(app);
        let is_name = !words.is_empty() && !all_generic(&words);
        let weight = if listens { weight::RECORD } else { weight::FILE + 1 };
        is_name.then(|| Candidate { service: words, qualifier: self.end(), weight })
    }

    /// The name of the rule that opens the port: `homematic` in `firewall.rules.homematic.allowedTCPPorts`.
    pub fn rule(&self) -> Option<Candidate> {
        let [.., "rules", name, option] = self.parts.as_slice() else { return None };
        let words = service(name);
        let is_name = begins_with_allow(option) && !words.is_empty() && !all_generic(&words);
        is_name.then_some(Candidate { service: words, qualifier: Vec::new(), weight: weight::FILE + 1 })
    }
}
