//! Several files of settings over each other: a shared policy, the repository's own file, and settings given besides.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{ConfigError, File, RuleConfig};
use crate::finding::Level;
use crate::rule::Catalog;
use crate::source::LineIndex;
use crate::toml_text::{Fault, Places, explain};

/// Where a file of settings comes from. Later ones are over earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The policy that the repository extends.
    Policy,
    /// The repository's own file.
    Repository,
    /// What was given besides, as the flake module's `settings` are.
    Settings,
}

/// One file of settings.
#[derive(Debug)]
pub struct Layer {
    /// Where it comes from.
    pub origin: Origin,
    /// Its path for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Where its entries stand.
    pub places: Places,
    /// What it says.
    pub file: File,
}

impl Layer {
    /// Reads a file of settings without looking at its rules.
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

    /// An error at a place of the file.
    pub fn fail(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> Box<ConfigError> {
        Box::new(ConfigError { path: self.path.clone(), text: self.text.clone(), span, message, help })
    }

    /// The line (from 1) of an entry's value, if the file has it.
    pub fn line(&self, place: &str) -> Option<usize> {
        let span = self.places.value_of(place)?;
        Some(LineIndex::new(&self.text).line(span.start as u32) + 1)
    }
}

/// The rules that a policy locks, each with the level below which no other file may set it.
pub fn floors(layers: &[Layer], catalog: &Catalog) -> Result<BTreeMap<String, Level>, Box<ConfigError>> {
    let mut floors = BTreeMap::new();
    for layer in layers {
        let list = layer.file.policy.locked.iter().enumerate();
        for (index, id) in list {
            let place = || layer.places.value_of(&format!("policy.locked.{index}"));
            let Some(rule) = catalog.find(id) else {
                let (message, help) = catalog.unknown(id);
                return Err(layer.fail(place(), message, Some(help)));
            };
            if layer.origin == Origin::Policy {
                let level = layer.file.rules.get(id).and_then(|config| config.level).unwrap_or(rule.level);
                floors.insert(id.clone(), level);
            }
        }
    }
    for layer in layers.iter().filter(|layer| layer.origin != Origin::Policy) {
        for (id, floor) in &floors {
            respects(layer, id, *floor)?;
        }
    }
    Ok(floors)
}

/// Checks that a file neither lowers a locked rule nor changes its options.
fn respects(layer: &Layer, id: &str, floor: Level) -> Result<(), Box<ConfigError>> {
    let lowered = |level: Level, place: String| {
        let message = format!("the policy locks `{id}`: its level must be at least {floor}, not {level}");
        let help = "remove this entry, or accept single findings with a suppression and its reason".to_owned();
        layer.fail(layer.places.value_of(&place), message, Some(help))
    };
    if let Some(RuleConfig { level, options }) = layer.file.rules.get(id) {
        if let Some(level) = level.filter(|level| *level < floor) {
            return Err(lowered(level, format!("rules.{id}.level")));
        }
        if let Some(key) = options.keys().next() {
            let message = format!("the policy locks `{id}`: its option `{key}` can only be set in the policy");
            return Err(layer.fail(layer.places.key(&format!("rules.{id}.{key}")), message, None));
        }
    }
    for (index, entry) in layer.file.overrides.iter().enumerate() {
        if let Some(level) = entry.rules.get(id).filter(|level| **level < floor) {
            return Err(lowered(*level, format!("overrides.{index}.rules.{id}")));
        }
    }
    Ok(())
}
