//! Rules: each has a page, in `rules/` or in a repository's `.flakeward/rules/`, which is parsed here for the engine.

pub mod engine;
pub mod example;
pub mod groups;
pub mod own;
pub mod page;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

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
            // A test parses every page, so a page that does not parse is never released.
            Err(error) => panic!("rules/{name}.md: {}", error.message),
        })
        .collect()
});

/// The known rules: the built-in ones and the repository's own.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    own: Vec<Arc<Rule>>,
}

impl Catalog {
    /// Creates a catalog of the built-in rules only.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// Creates a catalog of the built-in rules and a repository's own.
    pub fn with(mut own: Vec<Rule>) -> Self {
        own.sort_by_key(|rule| rule.id);
        Self { own: own.into_iter().map(Arc::new).collect() }
    }

    /// The repository's own rules, by id.
    pub fn own(&self) -> &[Arc<Rule>] {
        &self.own
    }

    /// All rules: the built-in ones by id, then the repository's own by id.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        BUILT_IN.iter().chain(self.own.iter().map(|rule| &**rule))
    }

    /// The rule with an id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.iter().find(|rule| rule.id == id)
    }

    /// The error message about an unknown id, and what to do about it.
    pub fn unknown(&self, id: &str) -> (String, String) {
        let help = match crate::suggest::nearest(id, self.iter().map(|rule| rule.id).chain(groups::names())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`flakeward rules` lists all rules".to_owned(),
        };
        (format!("unknown rule `{id}`"), help)
    }
}

/// The rules of a run and the level of each.
#[derive(Debug)]
pub struct RuleSet {
    catalog: Catalog,
    levels: BTreeMap<RuleId, Level>,
    /// Rules that are enabled for some paths, regardless of their level elsewhere.
    somewhere: BTreeSet<RuleId>,
}

impl RuleSet {
    /// Creates a set of all rules, with the levels of their pages.
    pub fn new(catalog: Catalog) -> Self {
        let levels = catalog.iter().map(|rule| (rule.id, rule.level)).collect();
        Self { catalog, levels, somewhere: BTreeSet::new() }
    }

    /// All known rules.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The level of a rule; unknown rules are off.
    pub fn level(&self, rule: &str) -> Level {
        self.levels.get(rule).copied().unwrap_or(Level::Off)
    }

    /// Sets a rule's level.
    pub fn set(&mut self, rule: RuleId, level: Level) {
        self.levels.insert(rule, level);
    }

    /// Marks a rule as enabled for some paths.
    pub fn set_somewhere(&mut self, rule: RuleId) {
        self.somewhere.insert(rule);
    }

    /// Reverts [`Self::set_somewhere`].
    pub fn unset_somewhere(&mut self, rule: RuleId) {
        self.somewhere.remove(rule);
    }

    /// Whether a rule is enabled for any path.
    pub fn active(&self, rule: &str) -> bool {
        self.level(rule) != Level::Off || self.somewhere.contains(rule)
    }

    /// The rules that are enabled for any path.
    pub fn active_rules(&self) -> impl Iterator<Item = &Rule> {
        self.catalog.iter().filter(|rule| self.active(rule.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_of_every_built_in_page_compile() {
        let with_patterns = BUILT_IN.iter().filter(|rule| rule.value.is_some() || rule.paths.is_some());
        for rule in with_patterns.clone() {
            assert!(rule.check_patterns(|_| None).is_ok(), "{}", rule.id);
        }
        assert!(with_patterns.count() > 0);
    }
}
