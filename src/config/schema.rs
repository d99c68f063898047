//! The JSON schema of flakeward.toml, generated from the types of the parent module and the rules' pages.

use serde_json::{Map, Value, json};

use super::File;
use super::levels::{DEFAULT_LEVEL, IGNORE, SELECT};
use crate::rule::{self, Rule, groups, own};

/// The schema as text.
pub fn text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&schema()).map(|text| text + "\n")
}

/// The URL of the latest schema.
const ID: &str = "https://raw.githubusercontent.com/flakeward/flakeward/main/flakeward.schema.json";

fn schema() -> Value {
    let mut schema = schemars::schema_for!(File).to_value();
    schema["$id"] = json!(ID);
    let level = json!({ "$ref": "#/$defs/Level" });
    let level_table = json!({ "type": "object", "properties": { "level": level }, "additionalProperties": false });
    let described = |about: &str, table: &Value| json!({ "description": about, "anyOf": [level, table] });
    let either = json!({ "anyOf": [level, level_table] });
    let with_level = |about: &str| json!({ "description": about, "$ref": "#/$defs/LevelOrTable" });
    let groups = || groups::GROUPS.iter().map(|(name, about)| (*name, format!("The rules about {about}.")));
    let mut rules: Map<String, Value> = rule::BUILT_IN
        .iter()
        .map(|rule| (rule.id.to_owned(), described(&rule.summary, &rule_schema(rule))))
        .chain(groups().map(|(name, about)| (name.to_owned(), with_level(&about))))
        .collect();
    let levels: Map<String, Value> = rule::BUILT_IN
        .iter()
        .map(|rule| (rule.id, rule.summary.clone()))
        .chain(groups())
        .map(|(name, about)| (name.to_owned(), with_level(&about)))
        .collect();
    let names =
        |about: &str| json!({ "description": about, "type": ["string", "array"], "items": { "type": "string" } });
    rules.insert(SELECT.to_owned(), names("Rules and groups to run; all others are off."));
    rules.insert(IGNORE.to_owned(), names("Rules and groups that are off."));
    let default_level =
        json!({ "description": "The level of rules for which no other level is set here.", "$ref": "#/$defs/Level" });
    rules.insert(DEFAULT_LEVEL.to_owned(), default_level);
    // The schema cannot list a repository's custom rules, so it accepts any name with their prefix.
    let closed = |properties: Map<String, Value>, own: Value| {
        let own = json!({ format!("^{}", own::PREFIX): own });
        json!({ "type": "object", "properties": properties, "patternProperties": own, "additionalProperties": false })
    };
    let own_rule = json!({ "$ref": "#/$defs/LevelOrTable" });
    replace(&mut schema, "/properties/rules", closed(rules, own_rule.clone()));
    replace(&mut schema, "/$defs/OverrideConfig/properties/rules", closed(levels, own_rule));
    if let Some(definitions) = schema.pointer_mut("/$defs").and_then(Value::as_object_mut) {
        definitions.remove("RuleConfig");
        definitions.remove("RuleValue");
        definitions.insert("LevelOrTable".to_owned(), either);
    }
    schema
}

/// Replaces a general schema with a more specific one, but keeps the description.
fn replace(schema: &mut Value, pointer: &str, mut exact: Value) {
    if let Some(place) = schema.pointer_mut(pointer) {
        if let Some(description) = place.get("description") {
            exact["description"] = description.clone();
        }
        *place = exact;
    }
}

fn rule_schema(rule: &Rule) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "level".to_owned(),
        json!({ "description": format!("The level of the rule. The default is {}.", rule.level), "$ref": "#/$defs/Level" }),
    );
    for (key, usual) in &rule.params {
        let mut option = type_of(usual);
        option["default"] = json!(usual);
        properties.insert(key.clone(), option);
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn type_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(_) | toml::Value::Datetime(_) => json!({ "type": "string" }),
        toml::Value::Integer(_) => json!({ "type": "integer" }),
        toml::Value::Float(_) => json!({ "type": "number" }),
        toml::Value::Boolean(_) => json!({ "type": "boolean" }),
        toml::Value::Array(list) => json!({ "type": "array", "items": list.first().map_or(json!({}), type_of) }),
        toml::Value::Table(_) => json!({ "type": "object" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_contains_every_rule_and_its_options() {
        let schema = schema();
        for rule in rule::BUILT_IN.iter() {
            let options = &schema["properties"]["rules"]["properties"][rule.id]["anyOf"][1]["properties"];
            assert!(options["level"].is_object(), "{}", rule.id);
            assert!(rule.params.keys().all(|key| options[key]["default"] == json!(rule.params[key])), "{}", rule.id);
        }
        assert_eq!(schema["$defs"]["OverrideConfig"]["properties"]["rules"]["additionalProperties"], false);
        assert_eq!(schema["additionalProperties"], false);
    }
}
