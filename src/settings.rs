//! The settings of a run.

use crate::config::Config;
use crate::finding::{Level, RelPath, RuleId, Safety, UNCHECKED};
use crate::rule::RuleSet;
use crate::suppress::baseline::Baseline;

/// Everything that determines the report of a run, apart from the repository.
#[derive(Debug)]
pub struct Settings {
    /// The validated configuration file.
    pub config: Config,
    /// The rules and their levels.
    pub rules: RuleSet,
    /// The date of the run, for rules that depend on ages.
    pub now: jiff::civil::Date,
    /// The baseline.
    pub baseline: Option<Baseline>,
    /// Whether baseline rows that match nothing are errors.
    pub frozen: bool,
    /// The paths (relative to the root) under which findings are reported; empty means all.
    pub paths: Vec<RelPath>,
    /// The least safe kind of fix to create. Registry entries for all unregistered ports are planned only if their
    /// fixes will be applied.
    pub fixes: Safety,
    /// Only the port at this position in a file gets a new registry entry; `None` means all in the requested paths.
    pub new_entry: Option<(RelPath, u32)>,
    /// Whether to determine which findings have an unsafe fix, even if unsafe fixes are not requested.
    pub counts_fixes: bool,
    /// Whether to rule out files before parsing. False only in tests that prove that this does not change the results.
    pub prefilter: bool,
}

impl Settings {
    /// The settings of a configuration, with defaults for the rest.
    pub fn new(config: Config) -> Self {
        let mut rules = RuleSet::new(config.catalog.clone());
        for (&id, &level) in &config.levels {
            rules.set(id, level);
        }
        for (&id, &level) in config.overrides.iter().flat_map(|entry| &entry.levels) {
            if level != Level::Off {
                rules.set_somewhere(id);
            }
        }
        Self {
            config,
            rules,
            now: jiff::civil::date(2026, 1, 1),
            baseline: None,
            frozen: false,
            paths: Vec::new(),
            fixes: Safety::Safe,
            new_entry: None,
            counts_fixes: false,
            prefilter: true,
        }
    }
}

impl Settings {
    /// A rule's level at a path: the level of the rule set, unless an override applies to the path.
    pub fn level_at(&self, rule: &str, path: &str) -> Level {
        if rule == UNCHECKED {
            return Level::Error;
        }
        let base = self.rules.level(rule);
        let overrides = self.config.overrides.iter().filter(|entry| entry.matches(path));
        overrides.filter_map(|entry| entry.levels.get(rule)).next_back().copied().unwrap_or(base)
    }

    /// Whether a rule exists and is off at a path. Acceptances of its findings may match once it is turned on.
    pub fn is_off(&self, rule: &str, path: &str) -> bool {
        self.rules.catalog().find(rule).is_some() && self.level_at(rule, path) == Level::Off
    }

    /// Sets a rule's level for all paths, even those with overrides, because the command line takes precedence.
    pub fn decide(&mut self, rule: RuleId, level: Level) {
        self.rules.set(rule, level);
        self.rules.unset_somewhere(rule);
        for entry in &mut self.config.overrides {
            entry.levels.remove(rule);
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Config::none())
    }
}
