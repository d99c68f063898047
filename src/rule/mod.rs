//! Rules: each is a page in `rules/`, read here into what the engine needs.

pub mod engine;
pub mod example;
pub mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::finding::{Level, RuleId};
pub use page::{Matcher, Rule};

/// The built-in pages: id and text.
pub static PAGES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The built-in rules, by id.
pub static BUILT_IN: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    PAGES
        .iter()
        .map(|(name, text)| match page::parse(name, text) {
            Ok(rule) => rule,
            // A test reads every page, so a page that does not parse never ships.
            Err(error) => panic!("rules/{name}.md: {}", error.message),
        })
        .collect()
});

/// The rules of a run and the level of each.
#[derive(Debug)]
pub struct RuleSet {
    levels: BTreeMap<RuleId, Level>,
    /// Rules that are on for some paths, whatever their level is elsewhere.
    somewhere: BTreeSet<RuleId>,
}

impl RuleSet {
    /// All built-in rules at the levels of their pages.
    pub fn built_in() -> Self {
        let levels = BUILT_IN.iter().map(|rule| (rule.id, rule.level)).collect();
        Self { levels, somewhere: BTreeSet::new() }
    }

    /// A rule's level; unknown rules are off.
    pub fn level(&self, rule: &str) -> Level {
        self.levels.get(rule).copied().unwrap_or(Level::Off)
    }

    /// Sets a rule's level.
    pub fn set(&mut self, rule: RuleId, level: Level) {
        self.levels.insert(rule, level);
    }

    /// Says that a rule is on for some paths.
    pub fn set_somewhere(&mut self, rule: RuleId) {
        self.somewhere.insert(rule);
    }

    /// Takes that back.
    pub fn unset_somewhere(&mut self, rule: RuleId) {
        self.somewhere.remove(rule);
    }

    /// Whether a rule reports anything anywhere.
    pub fn active(&self, rule: &str) -> bool {
        self.level(rule) != Level::Off || self.somewhere.contains(rule)
    }

    /// The rules that report something.
    pub fn active_rules(&self) -> impl Iterator<Item = &'static Rule> {
        BUILT_IN.iter().filter(|rule| self.active(rule.id))
    }
}

/// The built-in rule of an id.
pub fn find(id: &str) -> Option<&'static Rule> {
    BUILT_IN.iter().find(|rule| rule.id == id)
}

/// The known id nearest to a mistyped one.
pub fn nearest(id: &str) -> Option<RuleId> {
    crate::config::nearest(id, BUILT_IN.iter().map(|rule| rule.id))
}
