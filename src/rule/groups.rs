//! Groups of rules, which can be used in place of a rule.

use crate::finding::UNCHECKED;
use crate::rule::{Catalog, Rule};

/// The groups: name, and the subject of their rules. A page names the groups of its rule.
pub const GROUPS: [(&str, &str); 7] = [
    ("ports", "port numbers and the port registry"),
    ("containers", "images, and services in containers"),
    ("processes", "development servers and process-compose"),
    ("flakes", "the inputs, the lock file and the structure of flakes"),
    ("ci", "continuous integration"),
    ("style", "preferences of this policy, rather than mistakes"),
    ("general", "syntax errors, and suppressions that match nothing"),
];

/// The group of rules that are a matter of preference.
pub const STYLE: &str = "style";

/// The names of the groups.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|(name, _)| *name)
}

/// Whether a name is the name of a group.
pub fn is_group(name: &str) -> bool {
    names().any(|group| group == name)
}

impl Catalog {
    /// The rules that a name refers to: the rule with this id, or the rules of this group. Empty for an unknown name.
    /// The rule about files that could not be checked is left out of groups, so that no group can turn it off.
    pub fn named<'c>(&'c self, name: &str) -> Vec<&'c Rule> {
        match self.find(name) {
            Some(rule) => vec![rule],
            None => self.iter().filter(|rule| rule.id != UNCHECKED && rule.is_in(name)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::BUILT_IN;

    #[test]
    fn every_rule_has_a_group_and_every_group_has_rules() {
        for rule in BUILT_IN.iter() {
            assert!(rule.groups.iter().any(|group| group != "style"), "{}", rule.id);
            assert!(!is_group(rule.id), "{}", rule.id);
        }
        for group in names() {
            assert!(!Catalog::built_in().named(group).is_empty(), "{group}");
        }
        assert!(Catalog::built_in().named("nothing").is_empty());
    }

    #[test]
    fn pages_of_style_rules_mention_the_group() {
        for rule in BUILT_IN.iter() {
            let says = rule.body.contains("belongs to the group `style`");
            assert_eq!(says, rule.is_in("style"), "{}", rule.id);
        }
    }
}
