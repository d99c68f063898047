//! Positions of entries in TOML files, and explanations of errors.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::suggest::nearest;
use crate::wording::listed;

/// The positions of a file's entries, by dotted path: `rules.dockerfile.level`, `exclude.0`.
#[derive(Debug, Default, Clone)]
pub struct Places(BTreeMap<String, Place>);

/// The position of an entry.
#[derive(Debug, Clone)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

impl Places {
    /// Reads the positions in a file. Empty if it is not valid TOML.
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

    /// The position of the name of the entry at a path, if it exists.
    pub fn key(&self, path: &str) -> Option<Range<usize>> {
        self.0.get(path).map(|place| place.key.clone())
    }

    /// The position of the value of the entry at a path, if it exists.
    pub fn value_of(&self, path: &str) -> Option<Range<usize>> {
        self.0.get(path).map(|place| place.value.clone())
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// An error in a TOML file, with its position and a way to fix it.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The position in the text.
    pub span: Option<Range<usize>>,
    /// The description of the error.
    pub message: String,
    /// A way to fix it.
    pub help: Option<String>,
}

/// Explains why the text could not be deserialised as a type. Reports the first value or key that the type's schema
/// rejects, or else the parser's message.
pub fn explain<T: JsonSchema>(text: &str, error: &toml::de::Error) -> Fault {
    let schema = schemars::schema_for!(T).to_value();
    let mut faults = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        Walk { text, root: &schema, faults: &mut faults }.table("", &schema, table.get_ref());
    }
    let first = faults.into_iter().min_by_key(|fault| fault.span.as_ref().map(|span| span.start));
    first.unwrap_or_else(|| Fault { span: error.span(), message: error.message().to_owned(), help: None })
}

/// Compares values with their schemas.
struct Walk<'a> {
    text: &'a str,
    root: &'a Value,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Walk<'a> {
    fn fault(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.faults.push(Fault { span: Some(span), message, help });
    }

    fn table(&mut self, path: &str, schema: &'a Value, table: &DeTable<'_>) {
        let properties = schema["properties"].as_object();
        let others = &schema["additionalProperties"];
        for (key, value) in table {
            let name: &str = key.get_ref();
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => self.value(&join(path, name), schema, value),
                None if *others == Value::Bool(false) => {
                    let known: Vec<&str> =
                        properties.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
                    self.fault(key.span(), format!("unknown key `{name}`"), Some(alternatives(name, &known)));
                }
                None => self.value(&join(path, name), others, value),
            }
        }
    }

    fn value(&mut self, path: &str, schema: &'a Value, value: &Spanned<DeValue<'_>>) {
        let mut leaves = Vec::new();
        let title = self.leaves(schema, &mut leaves);
        let of_type = |name: &str| leaves.iter().copied().find(|leaf| types(leaf).any(|known| known == name));
        let known: Vec<&str> = leaves.iter().filter_map(|leaf| leaf["const"].as_str()).collect();
        let names: Vec<&str> = leaves.iter().flat_map(|leaf| types(leaf)).filter_map(words).collect();
        match value.get_ref() {
            _ if names.is_empty() => {}
            DeValue::String(word) if !known.is_empty() && !known.contains(&&**word) => {
                let message = format!("unknown {} `{word}`", title.unwrap_or("value"));
                self.fault(value.span(), message, Some(alternatives(word, &known)));
            }
            DeValue::Table(table) if of_type("object").is_some() => {
                of_type("object").into_iter().for_each(|schema| self.table(path, schema, table));
            }
            DeValue::Array(list) if of_type("array").is_some() => {
                for (schema, item) in
                    of_type("array").into_iter().flat_map(|schema| list.iter().map(move |item| (schema, item)))
                {
                    self.value(path, &schema["items"], item);
                }
            }
            other if of_type(type_of(other)).is_some() => {}
            other => {
                let list = if known.is_empty() { String::new() } else { format!(": {}", listed(&known, "or")) };
                let expected = title.map_or_else(|| names.join(" or "), |title| format!("a {title}"));
                let help = match other {
                    DeValue::String(_) if of_type("array").is_some() => {
                        self.text.get(value.span()).map(|written| format!("write [{written}]"))
                    }
                    _ if of_type("object").is_some() => {
                        Some(format!("write `[{path}]` on a separate line, and its settings below it"))
                    }
                    _ => None,
                };
                self.fault(value.span(), format!("expected {expected}{list}"), help);
            }
        }
    }

    /// Collects the alternatives of a schema, with references resolved. Returns its title.
    fn leaves(&self, schema: &'a Value, out: &mut Vec<&'a Value>) -> Option<&'a str> {
        let reference = schema["$ref"].as_str().and_then(|reference| self.root.pointer(reference.strip_prefix('#')?));
        let inner = ["anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
        let titles: Vec<Option<&str>> =
            reference.into_iter().chain(inner).map(|inner| self.leaves(inner, out)).collect();
        if titles.is_empty() {
            out.push(schema);
        }
        schema["title"].as_str().or_else(|| titles.into_iter().flatten().next())
    }
}

/// A suggestion for an unknown word: the most similar known word, or else all known words.
fn alternatives(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}

/// The types that a schema allows.
fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let several = schema["type"].as_array().into_iter().flatten();
    several.chain([&schema["type"]]).filter_map(Value::as_str)
}

/// The type of a value, named as in schemas.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) | DeValue::Datetime(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

/// The name of a schema's type for messages; `None` for null, which TOML does not have.
fn words(name: &str) -> Option<&'static str> {
    match name {
        "string" => Some("a string"),
        "integer" | "number" => Some("a number"),
        "boolean" => Some("`true` or `false`"),
        "array" => Some("a list"),
        "object" => Some("a table"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is read")]
    #[schemars(title = "table")]
    struct Example {
        name: String,
        list: Option<Vec<String>>,
        on: Option<bool>,
        inner: Option<Box<Example>>,
        level: Option<crate::finding::Level>,
    }

    #[test]
    fn the_first_fault_is_explained_with_its_position() {
        for (text, at, message, help) in [
            ("nam = 1", "nam", "unknown key `nam`", "did you mean `name`?"),
            ("x = 1", "x", "unknown key `x`", "expected one of inner, level, list, name, on"),
            ("name = 1", "1", "expected a string", ""),
            ("on = 1", "1", "expected `true` or `false`", ""),
            ("list = 'a'", "'a'", "expected a list", "write ['a']"),
            ("list = ['a', 1]", "1", "expected a string", ""),
            ("inner = 1", "1", "expected a table", "write `[inner]` on a separate line, and its settings below it"),
            ("[inner]\ninner.on = 3", "3", "expected `true` or `false`", ""),
            ("level = 3", "3", "expected a level: off, hint, warn or error", ""),
            ("level = 'of'", "'of'", "unknown level `of`", "did you mean `off`?"),
            ("on = 2\nx = 1", "2", "expected `true` or `false`", ""),
            ("on = true", "", "missing field `name`", ""),
        ] {
            let error = toml::from_str::<Example>(text).unwrap_err();
            let fault = explain::<Example>(text, &error);
            assert_eq!((&text[fault.span.unwrap()], &*fault.message), (at, message), "{text}");
            assert_eq!(fault.help.unwrap_or_default(), help, "{text}");
        }
    }

    #[test]
    fn every_entry_has_a_position() {
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
