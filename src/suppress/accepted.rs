//! What a repository accepts: suppressions, baseline rows, and entries of flakeward.toml.

use std::ops::Range;

use jiff::civil::Date;
use serde::Serialize;

use super::Suppression;
use crate::config::{Config, Origin, initial};
use crate::finding::{RelPath, Span};
use crate::rule::RuleSet;

/// An acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its kind.
    pub means: Means,
    /// The rule; `None` for all rules.
    pub rule: Option<String>,
    /// The path or the globs that it applies to; empty for the whole repository.
    pub subject: RelPath,
    /// The file that contains it.
    pub path: RelPath,
    /// Its position.
    pub span: Span,
    /// The reason; empty if there is none.
    pub reason: String,
    /// The last day on which it is in effect.
    pub until: Option<Date>,
    /// Whether it is in effect, expired or unused.
    pub state: State,
}

/// The kinds of acceptances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// A suppression comment.
    Suppression,
    /// A row of the baseline.
    Baseline,
    /// A lower level for some paths.
    Override,
    /// A lower level for the whole repository.
    Level,
    /// Paths that are not checked.
    Exclude,
}

impl Means {
    /// All kinds, in the order in which lists show them.
    pub const ALL: [Means; 5] = [Means::Suppression, Means::Baseline, Means::Override, Means::Level, Means::Exclude];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Means::Suppression => "suppression",
            Means::Baseline => "baseline",
            Means::Override => "override",
            Means::Level => "level",
            Means::Exclude => "exclude",
        }
    }
}

/// The state of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It applies.
    InForce,
    /// Its last day has passed, and the finding is reported again.
    Expired,
    /// It matches nothing.
    Unused,
}

impl State {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            State::InForce => "in-force",
            State::Expired => "expired",
            State::Unused => "unused",
        }
    }
}

impl Accepted {
    /// The acceptance of a suppression. `is_unused` is true if the suppression's rules ran and none of their findings
    /// is covered.
    pub fn suppression(entry: &Suppression, is_unused: bool, now: Date) -> Self {
        Self {
            means: Means::Suppression,
            rule: Some(entry.name.clone()),
            subject: entry.path.clone(),
            path: entry.path.clone(),
            span: entry.rule_span,
            reason: entry.reason.to_string(),
            until: entry.until,
            state: match is_unused {
                true => State::Unused,
                false if entry.is_expired(now) => State::Expired,
                false => State::InForce,
            },
        }
    }
}

/// What the entries of a configuration accept: levels below those of the policy or of the rules' pages, overrides below
/// the level of the rest of the repository, and paths that are not checked.
pub fn of_config(config: &Config, rules: &RuleSet) -> Vec<Accepted> {
    let mut list = Vec::new();
    for (id, level) in &config.levels {
        if config.catalog.find(id).is_some_and(|rule| *level < config.inherited_level(rule)) {
            let key = config.level_keys.get(id).filter(|key| key.origin == Origin::Repository);
            let place = key.map(|key| config.level_place(key.origin, &key.key));
            list.extend(place.and_then(|place| entry(config, Means::Level, Some(id), "", &place)));
        }
    }
    for over in config.overrides.iter().filter(|over| over.origin == Origin::Repository) {
        for (id, _) in over.levels.iter().filter(|(id, level)| **level < rules.level(id)) {
            let place = over.keys.get(id).map(|key| config.level_place(over.origin, key));
            list.extend(
                place.and_then(|place| entry(config, Means::Override, Some(id), &over.globs.join(" "), &place)),
            );
        }
    }
    for (index, glob) in config.exclude_globs.iter().enumerate() {
        list.extend(entry(config, Means::Exclude, None, glob, &format!("exclude.{index}")));
    }
    list
}

fn entry(config: &Config, means: Means, rule: Option<&str>, subject: &str, place: &str) -> Option<Accepted> {
    let span = config.places.value_of(place)?;
    Some(Accepted {
        means,
        rule: rule.map(str::to_owned),
        subject: subject.into(),
        path: config.path.as_ref()?.to_string_lossy().into(),
        reason: comment(&config.text, span.clone()),
        span: span.into(),
        until: None,
        state: State::InForce,
    })
}

/// The comment at the end of the last line of a TOML entry, or the comment lines above its first line.
fn comment(text: &str, entry: Range<usize>) -> String {
    let behind = text[entry.end..].lines().next().unwrap_or_default();
    let mut quote = None;
    for (at, c) in behind.char_indices() {
        match quote {
            None if c == '#' => return behind[at + 1..].trim().to_owned(),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    let start = text[..entry.start].rfind('\n').map_or(0, |at| at + 1);
    let above = text[..start].lines().rev().map(str::trim).take_while(|line| line.starts_with('#'));
    let above = above.map(|line| line.trim_start_matches('#').trim());
    let mut lines: Vec<&str> = above.filter(|line| !initial::is_explanation(line)).collect();
    lines.reverse();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_at_an_entry_is_its_reason() {
        for (text, expected) in [
            ("level = @\"off\"@ # the \"old\" hosts", "the \"old\" hosts"),
            ("# a\n# b\nlevel = @\"off\"@\n", "a b"),
            ("# far\n\nlevel = @\"off\"@\n", ""),
            ("exclude = [@\"a\"@, 'b#c'] # vendored", "vendored"),
            ("exclude = [@\"a#b\"@]", ""),
            (
                "# Paths that are not checked, in .gitignore syntax. Packages, generated and lock files are left out by default.\nexclude = [@\"a\"@]",
                "",
            ),
        ] {
            let parts: Vec<&str> = text.split('@').collect();
            let entry = parts[0].len()..parts[0].len() + parts[1].len();
            assert_eq!(comment(&parts.concat(), entry), expected, "{text}");
        }
    }
}
