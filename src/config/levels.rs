//! The levels in `[rules]` and `[[overrides]]`: of rules, of groups of rules, and the default for all other rules.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Origin, Reader, RuleConfig};
use crate::finding::{Level, RuleId, UNCHECKED};
use crate::rule::groups;
use crate::suggest::nearest;

/// The keys of `[rules]` that are not names of rules or groups.
pub const SELECT: &str = "select";
/// See [`SELECT`].
pub const IGNORE: &str = "ignore";
/// See [`SELECT`].
pub const DEFAULT_LEVEL: &str = "default-level";

/// The possible values of a name in `[rules]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "level: off, hint, warn or error")]
pub enum RuleValue {
    /// `dockerfile = "warn"`, `select = "ports"`.
    Text(String),
    /// `select = ["ports", "flakes"]`.
    Names(Vec<String>),
    /// `dockerfile = { level = "warn" }`, `[rules.dockerfile]`.
    Table(RuleConfig),
}

/// The levels that a table sets, each with its key.
#[derive(Debug, Default)]
pub struct Levels {
    /// By rule.
    pub levels: BTreeMap<RuleId, Level>,
    /// The key that sets each level, as a path in the file: `rules.style`.
    pub keys: BTreeMap<RuleId, String>,
}

/// The key that sets a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelKey {
    /// The file that contains it.
    pub origin: Origin,
    /// The key in the file: `rules.style`.
    pub key: String,
}

impl Levels {
    fn set(&mut self, rule: RuleId, level: Level, key: &str) {
        self.levels.insert(rule, level);
        self.keys.insert(rule, key.to_owned());
    }
}

type Checked<T> = Result<T, Box<ConfigError>>;

impl Reader<'_> {
    /// The levels of the table at a key. A rule's own level takes precedence over the level of its groups (the lowest
    /// one, if there are several), which takes precedence over `default-level`. `select` and `ignore` turn off rules
    /// without their own level. Rules that are off by default run only if they are named.
    pub(super) fn levels(&self, table: &BTreeMap<String, RuleValue>, place: &str) -> Checked<Levels> {
        let mut levels = Levels::default();
        let key = |name: &str| format!("{place}.{name}");
        let named = self.named_levels(table, place)?;
        if let Some(level) = named.get(DEFAULT_LEVEL) {
            let others = self.catalog.iter().filter(|rule| rule.id != UNCHECKED && rule.level != Level::Off);
            others.for_each(|rule| levels.set(rule.id, *level, &key(DEFAULT_LEVEL)));
        }
        let mut by_group: Vec<(&String, Level)> =
            named.iter().filter(|(name, _)| groups::is_group(name)).map(|(name, level)| (name, *level)).collect();
        by_group.sort_by_key(|(_, level)| std::cmp::Reverse(*level));
        for (group, level) in by_group {
            let rules = self.catalog.named(group).into_iter().filter(|rule| rule.level != Level::Off);
            rules.for_each(|rule| levels.set(rule.id, level, &key(group)));
        }
        let selected = self.names(table, place, SELECT)?;
        let ignored = self.names(table, place, IGNORE)?.unwrap_or_default();
        for rule in self.catalog.iter().filter(|rule| rule.id != UNCHECKED) {
            if selected.as_ref().is_some_and(|selected| !selected.contains(rule.id)) {
                levels.set(rule.id, Level::Off, &key(SELECT));
            } else if ignored.contains(rule.id) {
                levels.set(rule.id, Level::Off, &key(IGNORE));
            }
        }
        for (name, level) in &named {
            if let Some(rule) = self.catalog.find(name) {
                levels.set(rule.id, *level, &key(name));
            }
        }
        Ok(levels)
    }

    /// The levels by name, as written.
    fn named_levels(&self, table: &BTreeMap<String, RuleValue>, place: &str) -> Checked<BTreeMap<String, Level>> {
        let mut levels = BTreeMap::new();
        for (name, value) in table {
            let place = format!("{place}.{name}");
            let is_list = [SELECT, IGNORE].contains(&name.as_str());
            if !is_list && name != DEFAULT_LEVEL && self.catalog.named(name).is_empty() {
                let (message, help) = self.catalog.unknown(name);
                return Err(self.fail(self.layer.places.key(&place), message, Some(help)));
            }
            let level = match value {
                _ if is_list => continue,
                RuleValue::Text(text) => Some(self.level_of(text, &place)?),
                RuleValue::Table(config) => {
                    if name == DEFAULT_LEVEL || (groups::is_group(name) && !config.options.is_empty()) {
                        return Err(self.expected_level(&place));
                    }
                    config.level
                }
                RuleValue::Names(_) => return Err(self.expected_level(&place)),
            };
            self.always_an_error(name, level, &place)?;
            levels.extend(level.map(|level| (name.clone(), level)));
        }
        Ok(levels)
    }

    /// The rules in a list of names such as `select`; `None` if there is no list.
    fn names(&self, table: &BTreeMap<String, RuleValue>, place: &str, key: &str) -> Checked<Option<BTreeSet<RuleId>>> {
        let place = format!("{place}.{key}");
        let (names, is_one) = match table.get(key) {
            None => return Ok(None),
            Some(RuleValue::Text(name)) => (vec![name.clone()], true),
            Some(RuleValue::Names(names)) => (names.clone(), false),
            Some(RuleValue::Table(_)) => {
                let message = "expected a list of rules and groups".to_owned();
                let help = Some(format!("write `{key} = [\"ports\"]`"));
                return Err(self.fail(self.layer.places.value_of(&place), message, help));
            }
        };
        let mut rules = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let found = self.catalog.named(name);
            let place = if is_one { place.clone() } else { format!("{place}.{index}") };
            if found.is_empty() {
                let (message, help) = self.catalog.unknown(name);
                return Err(self.fail(self.layer.places.value_of(&place), message, Some(help)));
            }
            if key == IGNORE {
                self.always_an_error(name, Some(Level::Off), &place)?;
            }
            rules.extend(found.into_iter().map(|rule| rule.id));
        }
        Ok(Some(rules))
    }

    fn level_of(&self, text: &str, place: &str) -> Checked<Level> {
        text.parse().map_err(|_| {
            let known = [Level::Off, Level::Hint, Level::Warn, Level::Error].map(Level::name);
            let help = match nearest(text, known.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected one of {}", known.join(", ")),
            };
            self.fail(self.layer.places.value_of(place), format!("unknown level `{text}`"), Some(help))
        })
    }

    fn expected_level(&self, place: &str) -> Box<ConfigError> {
        let message = "expected a level: off, hint, warn or error".to_owned();
        self.fail(
            self.layer.places.value_of(place),
            message,
            Some("write `\"warn\"`, or `{ level = \"warn\" }`".to_owned()),
        )
    }

    /// Checks that the rule about files that could not be checked stays an error.
    fn always_an_error(&self, name: &str, level: Option<Level>, place: &str) -> Checked<()> {
        if name != UNCHECKED || level.is_none_or(|level| level == Level::Error) {
            return Ok(());
        }
        let help = "leave a file out with `exclude = [\"path\"]`".to_owned();
        let span = self.layer.places.value_of(&format!("{place}.level")).or_else(|| self.layer.places.value_of(place));
        Err(self.fail(span, format!("`{name}` is always an error"), Some(help)))
    }
}
