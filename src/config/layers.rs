//! Merges settings files: a shared policy, the repository's own file, and additional settings.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::levels::{Levels, RuleValue};
use super::{ConfigError, File, Origin, Override, RuleConfig};
use crate::finding::Level;
use crate::rule::{Catalog, Rule};
use crate::source::LineIndex;
use crate::toml_text::{Fault, Places, explain};

/// A settings file.
#[derive(Debug)]
pub struct Layer {
    /// Its origin.
    pub origin: Origin,
    /// Its path, as shown in messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The positions of its entries.
    pub places: Places,
    /// Its content.
    pub file: File,
}

impl Layer {
    /// Parses a settings file without validating its rules.
    pub fn parse(origin: Origin, path: &Path, text: String) -> Result<Self, Box<ConfigError>> {
        let places = Places::read(&text);
        match toml::from_str(&text) {
            Ok(file) => Ok(Self { origin, path: path.to_owned(), text, places, file }),
            Err(error) => {
                let Fault { span, message, help } = explain::<File>(&text, &error);
                Err(Box::new(ConfigError { path: path.to_owned(), text, span, message, help }))
            }
        }
    }

    /// Creates an error at a position in the file.
    pub fn fail(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> Box<ConfigError> {
        Box::new(ConfigError { path: self.path.clone(), text: self.text.clone(), span, message, help })
    }

    /// The position of the level that a key sets: the value of the key, or of `level` in its table.
    pub fn level_place(&self, key: &str) -> String {
        let in_table = format!("{key}.level");
        if self.places.value_of(&in_table).is_some() { in_table } else { key.to_owned() }
    }

    /// The line (from 1) of an entry's value, if the file has it.
    pub fn line(&self, place: &str) -> Option<usize> {
        let span = self.places.value_of(place)?;
        Some(LineIndex::new(&self.text).line(span.start as u32) + 1)
    }
}

/// The rules that a policy locks, each with the lowest level that other files may set. `levels` contains the levels of
/// each layer.
pub fn floors(
    layers: &[Layer],
    levels: &[Levels],
    overrides: &[Override],
    catalog: &Catalog,
) -> Result<BTreeMap<String, Level>, Box<ConfigError>> {
    let mut floors = BTreeMap::new();
    for (layer, levels) in layers.iter().zip(levels) {
        for (index, name) in layer.file.policy.locked.iter().enumerate() {
            let rules = catalog.named(name);
            if rules.is_empty() {
                let (message, help) = catalog.unknown(name);
                let place = layer.places.value_of(&format!("policy.locked.{index}"));
                return Err(layer.fail(place, message, Some(help)));
            }
            if layer.origin == Origin::Policy {
                let floor = |rule: &Rule| levels.levels.get(rule.id).copied().unwrap_or(rule.level);
                floors.extend(rules.into_iter().map(|rule| (rule.id.to_owned(), floor(rule))));
            }
        }
    }
    for (layer, levels) in layers.iter().zip(levels).filter(|(layer, _)| layer.origin != Origin::Policy) {
        let own = overrides.iter().filter(|entry| entry.origin == layer.origin);
        for (id, floor) in &floors {
            let sets = std::iter::once((&levels.levels, &levels.keys));
            let mut sets = sets.chain(own.clone().map(|entry| (&entry.levels, &entry.keys)));
            let lowered = sets.find_map(|(levels, keys)| {
                let level = levels.get(id.as_str()).filter(|level| *level < floor)?;
                Some((*level, keys.get(id.as_str())?))
            });
            if let Some((level, key)) = lowered {
                let message = format!("the policy locks `{id}`: its level must be at least {floor}, not {level}");
                let help =
                    "remove this entry, or accept individual findings with suppressions that give a reason".to_owned();
                return Err(layer.fail(layer.places.value_of(&layer.level_place(key)), message, Some(help)));
            }
            keeps_options(layer, id)?;
        }
    }
    Ok(floors)
}

/// Checks that a file does not change the options of a locked rule.
fn keeps_options(layer: &Layer, id: &str) -> Result<(), Box<ConfigError>> {
    let Some(RuleValue::Table(RuleConfig { options, .. })) = layer.file.rules.get(id) else { return Ok(()) };
    let Some(key) = options.keys().next() else { return Ok(()) };
    let message = format!("the policy locks `{id}`: its option `{key}` can only be set in the policy");
    Err(layer.fail(layer.places.key(&format!("rules.{id}.{key}")), message, None))
}
