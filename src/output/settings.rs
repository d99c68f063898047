//! The settings in force, as TOML that says where each came from.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::View;
use super::text::clean;
use crate::finding::RuleId;
use crate::settings::Settings;
use crate::source::LineIndex;

/// Settings to show.
pub struct Shown<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The rules whose level the command line decided.
    pub decided: &'a BTreeSet<RuleId>,
    /// How paths are shown.
    pub view: &'a View,
}

const DEFAULT: &str = "default";

impl Shown<'_> {
    /// The settings for a path, or for the whole repository.
    pub fn toml(&self, root: &Path, path: Option<&str>) -> String {
        let config = &self.settings.config;
        let mut out = String::new();
        let subject = path.map_or("the whole repository".to_owned(), |path| clean(&self.view.path(path)).into_owned());
        let _ = writeln!(out, "# The settings for {subject}, in {}", clean(&root.to_string_lossy()));
        let _ = match &config.path {
            Some(_) => writeln!(out, "# Configuration: {}", self.file()),
            None => writeln!(out, "# Configuration: none"),
        };
        let _ = match &self.settings.baseline {
            Some(baseline) => writeln!(out, "# Baseline: {}", clean(&self.view.path(&baseline.path))),
            None => writeln!(out, "# Baseline: none"),
        };
        let _ = writeln!(out, "# Date: {}\n", self.settings.now);
        line(&mut out, "exclude", &strings(&config.exclude_globs), &self.origin("exclude"));
        line(&mut out, "check-third-party", &config.check_third_party.to_string(), &self.origin("check-third-party"));
        let _ = writeln!(out, "\n[ports]");
        let registry = match config.ports.registries.as_slice() {
            [] => "# registry: discovered by its contents".to_owned(),
            registries => format!("registry = {}", strings(registries)),
        };
        let _ = writeln!(out, "{registry:<50} # {}", self.origin("ports.registry"));
        line(&mut out, "own-hosts", &strings(&config.ports.own_hosts), &self.origin("ports.own-hosts"));
        line(&mut out, "external-hosts", &strings(&config.ports.external_hosts), &self.origin("ports.external-hosts"));
        for rule in config.catalog.iter() {
            let _ = match rule.id.contains('/') {
                true => writeln!(out, "\n[rules.\"{}\"]", rule.id),
                false => writeln!(out, "\n[rules.{}]", rule.id),
            };
            let level = match path {
                Some(path) => self.settings.level_at(rule.id, path),
                None => self.settings.rules.level(rule.id),
            };
            line(&mut out, "level", &format!("\"{level}\""), &self.level_origin(rule.id, path));
            for (key, value) in config.params.of(rule.id).into_iter().flatten() {
                let origin = self.origin(&format!("rules.{}.{key}", rule.id));
                if origin != DEFAULT {
                    line(&mut out, key, &value.to_string(), &origin);
                }
            }
        }
        if path.is_none() {
            self.overrides(&mut out);
        }
        out
    }

    fn overrides(&self, out: &mut String) {
        for (index, entry) in self.settings.config.overrides.iter().enumerate() {
            let _ = writeln!(out, "\n[[overrides]]");
            line(out, "paths", &strings(&entry.globs), &self.origin(&format!("overrides.{index}.paths")));
            for (id, level) in &entry.levels {
                let origin = self.origin(&format!("overrides.{index}.rules.{id}"));
                line(out, &format!("rules.{id}"), &format!("\"{level}\""), &origin);
            }
        }
    }

    fn level_origin(&self, rule: RuleId, path: Option<&str>) -> String {
        if self.decided.contains(rule) {
            return "command line".to_owned();
        }
        let overrides = self.settings.config.overrides.iter().enumerate().rev();
        let mut matching = overrides.filter(|(_, entry)| path.is_some_and(|path| entry.matches(path)));
        match matching.find(|(_, entry)| entry.levels.contains_key(rule)) {
            Some((index, _)) => self.origin(&format!("overrides.{index}.rules.{rule}")),
            None => self.origin(&format!("rules.{rule}.level")),
        }
    }

    /// The file and line of an entry, or that it is not in the file.
    fn origin(&self, place: &str) -> String {
        let config = &self.settings.config;
        match config.places.value_of(place) {
            Some(span) => {
                let line = LineIndex::new(&config.text).line(span.start as u32) + 1;
                format!("{}:{line}", self.file())
            }
            None => DEFAULT.to_owned(),
        }
    }

    fn file(&self) -> String {
        let path = self.settings.config.path.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        clean(&self.view.path(&path)).into_owned()
    }
}

fn line(out: &mut String, key: &str, value: &str, origin: &str) {
    let _ = writeln!(out, "{:<50} # {origin}", format!("{key} = {value}"));
}

fn strings(list: &[String]) -> String {
    toml::Value::from(list.to_vec()).to_string()
}
