//! Where the entries of a TOML file stand, so that messages can point at them.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

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
