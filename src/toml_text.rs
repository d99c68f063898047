//! TOML files for people: the positions of their entries, and explanations of errors.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::suggest::nearest;

/// The places of a file's entries, by their dotted paths: `rules.dockerfile.level`, `exclude.0`.
#[derive(Debug, Default, Clone)]
pub struct Places(BTreeMap<String, Place>);

/// Where an entry stands.
#[derive(Debug, Clone)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

impl Places {
    /// Reads the places of a text. A text that is no TOML has none: reading it whole says why.
    pub fn read(text: &str) -> Self {
        let mut places = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            places.table("", table.get_ref());
        }
        places
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.value(join(path, key.get_ref()), key.span(), value.span(), value.get_ref());
        }
    }

    fn value(&mut self, path: String, key: Range<usize>, span: Range<usize>, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.table(&path, table),
            DeValue::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    self.value(join(&path, &index.to_string()), item.span(), item.span(), item.get_ref());
                }
            }
            _ => {}
        }
        self.0.insert(path, Place { key, value: span });
    }

    /// Where an entry's name stands.
    pub fn key(&self, path: &str) -> Option<Range<usize>> {
        self.0.get(path).map(|place| place.key.clone())
    }

    /// Where an entry's value stands.
    pub fn value_of(&self, path: &str) -> Option<Range<usize>> {
        self.0.get(path).map(|place| place.value.clone())
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Turns serde's sentence for what it cannot take into one with the next step.
pub fn explain(message: &str) -> (String, Option<String>) {
    let unknown = [("unknown field `", "key"), ("unknown variant `", "level")].into_iter().find_map(|(start, what)| {
        let (word, rest) = message.strip_prefix(start)?.split_once('`')?;
        Some((what, word, rest))
    });
    if let Some((what, word, rest)) = unknown {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}", known.join(", ")),
        };
        return (format!("unknown {what} `{word}`"), Some(help));
    }
    if message.ends_with("expected struct RuleConfig") {
        let help = "write `[rules.ID]` on a line of its own, and `level = \"warn\"` below it";
        return ("expected a table with the settings of the rule".to_owned(), Some(help.to_owned()));
    }
    // The only enumeration is that of levels, the only choice of types that of registries.
    if message == "wanted string or table" {
        return ("expected a level: off, hint, warn or error".to_owned(), Some("write `level = \"warn\"`".to_owned()));
    }
    if message.contains("untagged enum Registries") {
        let help = "write `registry = \"lib/ports.nix\"`, or `registry = [\"a.nix\", \"b.nix\"]`";
        return ("expected a path or a list of paths".to_owned(), Some(help.to_owned()));
    }
    if let Some(text) =
        message.strip_prefix("invalid type: string ").and_then(|rest| rest.strip_suffix(", expected a sequence"))
    {
        return ("expected a list".to_owned(), Some(format!("write [{text}]")));
    }
    (message.replace("expected a sequence", "expected a list"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_place() {
        let text = "exclude = [\"a\", \"b\"]\n[rules.x]\nlevel = \"off\"\n[[overrides]]\npaths = [\"c\"]\nrules.x = \"warn\"\n";
        let places = Places::read(text);
        let value = |path: &str| places.value_of(path).map(|range| &text[range]);
        assert_eq!(value("exclude.1"), Some("\"b\""));
        assert_eq!(value("rules.x.level"), Some("\"off\""));
        assert_eq!(value("overrides.0.paths.0"), Some("\"c\""));
        assert_eq!(places.key("rules.x").map(|range| &text[range]), Some("x"));
        assert_eq!(places.key("overrides.0.rules.x").map(|range| &text[range]), Some("x"));
        assert_eq!(value("rules.y"), None);
    }
}
