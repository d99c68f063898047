//! The effective settings, with the origin of each value: as TOML and as JSON.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::View;
use super::text::{clean, harmful};
use crate::config::Origin;
use crate::finding::RuleId;
use crate::settings::Settings;

/// Settings to show.
pub struct Shown<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The rules whose level is set on the command line.
    pub decided: &'a BTreeSet<RuleId>,
    /// How to show paths.
    pub view: &'a View,
}

/// A value and its origin.
#[derive(Serialize)]
struct Entry {
    /// The table, such as `rules.dockerfile`; empty for the root table.
    #[serde(skip)]
    table: String,
    /// The key in the table.
    #[serde(skip)]
    name: String,
    /// The dotted path of the key.
    key: String,
    /// The value; `None` for a registry that is found automatically.
    value: Option<toml::Value>,
    origin: From,
    /// Whether the policy locks the value.
    locked: bool,
}

/// The origin of a value.
#[derive(Serialize)]
struct From {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Default,
    Policy,
    Repository,
    Settings,
    CommandLine,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    path: Option<&'a str>,
    date: String,
    configuration: Option<String>,
    policy: Option<String>,
    baseline: Option<String>,
    settings: Vec<Entry>,
}

impl Shown<'_> {
    /// The settings for a path, or for the whole repository, as JSON.
    pub fn json(&self, path: Option<&str>) -> Result<String, serde_json::Error> {
        let document = Document {
            version: 1,
            path,
            date: self.settings.now.to_string(),
            configuration: self.configuration(),
            policy: self.policy(),
            baseline: self.baseline(),
            settings: self.entries(path),
        };
        serde_json::to_string_pretty(&document).map(|text| text + "\n")
    }

    /// The settings for a path, or for the whole repository, as TOML.
    pub fn toml(&self, root: &Path, path: Option<&str>) -> String {
        let mut out = String::new();
        let subject = path.map_or("the whole repository".to_owned(), |path| clean(&self.view.path(path)).into_owned());
        let _ = writeln!(out, "# The settings for {subject}, in {}", clean(&root.to_string_lossy()));
        let named = |path: Option<String>| path.map_or("none".to_owned(), |path| clean(&path).into_owned());
        let _ = writeln!(out, "# Configuration: {}", named(self.configuration()));
        if let Some(policy) = self.policy() {
            let _ = writeln!(out, "# Policy: {}", clean(&policy));
        }
        let _ = writeln!(out, "# Baseline: {}", named(self.baseline()));
        let _ = writeln!(out, "# Date: {}\n", self.settings.now);
        let mut table = String::new();
        for entry in self.entries(path) {
            if entry.table != table {
                table.clone_from(&entry.table);
                let _ = match table.starts_with("overrides.") {
                    true => writeln!(out, "\n[[overrides]]"),
                    false => writeln!(out, "\n[{}]", header(&table)),
                };
            }
            let text = match &entry.value {
                Some(value) => format!("{} = {}", header(&entry.name), escaped(&value.to_string())),
                None => format!("# {}: discovered by name and contents", entry.name),
            };
            let locked = if entry.locked { ", locked by the policy" } else { "" };
            let _ = writeln!(out, "{text:<50} # {}{locked}", entry.origin.text());
        }
        out
    }

    fn configuration(&self) -> Option<String> {
        self.settings.config.path.as_deref().map(|path| self.view.path(&path.to_string_lossy()))
    }

    fn policy(&self) -> Option<String> {
        self.settings.config.policy.as_deref().map(|path| path.display().to_string())
    }

    fn baseline(&self) -> Option<String> {
        self.settings.baseline.as_ref().map(|baseline| self.view.path(&baseline.path))
    }

    /// All values, in the order of a configuration file.
    fn entries(&self, path: Option<&str>) -> Vec<Entry> {
        let config = &self.settings.config;
        let strings = |list: &[String]| Some(toml::Value::from(list.to_vec()));
        let mut entries = vec![
            self.entry("", "exclude", strings(&config.exclude_globs)),
            self.entry("", "check-third-party", Some(config.check_third_party.into())),
            self.entry(
                "ports",
                "registry",
                strings(&config.ports.registries).filter(|_| !config.ports.registries.is_empty()),
            ),
            self.entry("ports", "own-hosts", strings(&config.ports.own_hosts)),
            self.entry("ports", "external-hosts", strings(&config.ports.external_hosts)),
        ];
        for rule in config.catalog.iter() {
            let level = match path {
                Some(path) => self.settings.level_at(rule.id, path),
                None => self.settings.rules.level(rule.id),
            };
            let table = format!("rules.{}", rule.id);
            let origin = self.level_origin(rule.id, path);
            entries.push(Entry { origin, ..self.entry(&table, "level", Some(level.name().into())) });
            for (key, value) in config.params.of(rule.id).into_iter().flatten() {
                entries.push(self.entry(&table, key, Some(value.clone())));
            }
        }
        if path.is_none() {
            self.overrides(&mut entries);
        }
        entries
    }

    fn overrides(&self, entries: &mut Vec<Entry>) {
        for (shown, entry) in self.settings.config.overrides.iter().enumerate() {
            let table = format!("overrides.{shown}");
            let mut add = |name: String, value: toml::Value| {
                let origin = self.origin_in(entry.origin, &format!("overrides.{}.{name}", entry.index));
                entries.push(Entry { origin, ..self.entry(&table, &name, Some(value)) });
            };
            add("paths".to_owned(), entry.globs.clone().into());
            for (id, level) in &entry.levels {
                let key = entry.keys.get(id).map_or("", String::as_str);
                let origin = self.level_key_origin(entry.origin, key);
                let (name, value) = (format!("rules.{id}"), toml::Value::from(level.name()));
                entries.push(Entry { origin, ..self.entry(&table, &name, Some(value)) });
            }
        }
    }

    fn entry(&self, table: &str, name: &str, value: Option<toml::Value>) -> Entry {
        let key = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
        let locked = table.strip_prefix("rules.").is_some_and(|id| self.settings.config.floors.contains_key(id));
        Entry { table: table.to_owned(), name: name.to_owned(), origin: self.origin(&key), key, value, locked }
    }

    fn level_origin(&self, rule: RuleId, path: Option<&str>) -> From {
        if self.decided.contains(rule) {
            return From { kind: Kind::CommandLine, path: None, line: None };
        }
        let mut overrides = self.settings.config.overrides.iter().rev();
        let matching = |path: &str| overrides.find(|entry| entry.matches(path) && entry.levels.contains_key(rule));
        if let Some(entry) = path.and_then(matching) {
            return self.level_key_origin(entry.origin, entry.keys.get(rule).map_or("", String::as_str));
        }
        match self.settings.config.level_keys.get(rule) {
            Some(key) => self.level_key_origin(key.origin, &key.key),
            None => From { kind: Kind::Default, path: None, line: None },
        }
    }

    /// The file and line of a level: the value of the rule's key, or of `level` in the rule's table.
    fn level_key_origin(&self, origin: Origin, key: &str) -> From {
        self.origin_in(origin, &self.settings.config.level_place(origin, key))
    }

    /// The origin of a value: the settings file that takes precedence, or the default.
    fn origin(&self, place: &str) -> From {
        match self.settings.config.layer_of(place) {
            Some(layer) => self.origin_in(layer.origin, place),
            None => From { kind: Kind::Default, path: None, line: None },
        }
    }

    /// The file and line of an entry in a settings file.
    fn origin_in(&self, origin: Origin, place: &str) -> From {
        let layer = self.settings.config.layers.iter().find(|layer| layer.origin == origin);
        let kind = match origin {
            Origin::Policy => Kind::Policy,
            Origin::Repository => Kind::Repository,
            Origin::Settings => Kind::Settings,
        };
        From {
            kind,
            path: layer.map(|layer| layer.path.display().to_string()),
            line: layer.and_then(|layer| layer.line(place)),
        }
    }
}

impl From {
    fn text(&self) -> String {
        match (self.kind, &self.path, self.line) {
            (Kind::CommandLine, ..) => "command line".to_owned(),
            (_, Some(path), Some(line)) => format!("{}:{line}", clean(path)),
            _ => "default".to_owned(),
        }
    }
}

/// A TOML value with escaped control characters and bidirectional marks.
fn escaped(value: &str) -> Cow<'_, str> {
    if !value.contains(harmful) {
        return Cow::Borrowed(value);
    }
    let escape = |c: char| if harmful(c) { format!("\\u{:04X}", c as u32) } else { c.to_string() };
    Cow::Owned(value.chars().map(escape).collect())
}

/// A dotted path in TOML. Ids with a slash are quoted.
fn header(table: &str) -> String {
    match table.split_once('.') {
        Some((head, id)) if id.contains('/') => format!("{head}.\"{id}\""),
        _ => table.to_owned(),
    }
}
