//! Variables without a value or a default, in settings where variables are replaced with their current values.

use std::collections::HashSet;

use super::Loader;
use crate::knowledge::containers::sources::EXAMPLES;
use crate::migrate::Files;
use crate::migrate::compose::interpolate::{self, Variables};
use crate::migrate::compose::yaml::{Node, Place, Value};

/// A variable without a value or a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// The variable.
    pub name: String,
    /// The setting: `services.web.ports`.
    pub what: String,
    /// The position of the string that refers to it.
    pub place: Place,
    /// Whether the setting is ignored because of it.
    pub is_ignored: bool,
}

/// Removes duplicate entries, which occur if a file is read several times.
pub fn unset_once(mut all: Vec<Unset>) -> Vec<Unset> {
    let mut seen = HashSet::new();
    all.retain(|one| seen.insert((one.name.clone(), one.what.clone(), one.place.line)));
    all
}

/// The path of the example of the `.env` file in a folder, such as `.env.example` or `sample.env`.
pub fn example(files: &dyn Files, folder: &str) -> Option<String> {
    let is_example = |name: &str| {
        let rest = name.strip_prefix(".env").or_else(|| name.strip_suffix(".env"));
        rest.is_some_and(|rest| EXAMPLES.contains(&rest.trim_matches(['.', '-', '_'])))
    };
    let name = files.names(folder).into_iter().find(|name| is_example(name))?;
    Some(if folder.is_empty() { name } else { format!("{folder}/{name}") })
}

/// The settings of a service in which variables are replaced with their current values in the module.
const FIXED: [&str; 6] = ["build", "env_file", "expose", "image", "ports", "volumes"];

impl Loader<'_> {
    /// Notes the variables without a value in the settings of services. Removes ports whose number in the container is
    /// missing because of them: the default port of the server may be known.
    pub(super) fn drop_unset(&self, node: &mut Node, variables: &Variables) {
        let Value::Map(pairs) = &mut node.value else { return };
        for (_, services) in pairs.iter_mut().filter(|(key, _)| key.name == "services") {
            let Value::Map(services) = &mut services.value else { continue };
            for (name, service) in services {
                let Value::Map(settings) = &mut service.value else { continue };
                for (key, value) in settings.iter_mut().filter(|(key, _)| FIXED.contains(&key.name.as_str())) {
                    let what = format!("services.{}.{}", name.name, key.name);
                    let is_lost = |item: &Node| {
                        let text = item.text().unwrap_or_default();
                        matches!(item.value, Value::Scalar(_)) && (text.is_empty() || text.ends_with(':'))
                    };
                    let is_port = matches!(key.name.as_str(), "ports" | "expose");
                    self.note_unset(value, variables, &what, &|item| is_port && is_lost(item));
                    if is_port && let Value::List(items) = &mut value.value {
                        items.retain(|item| !(has_variable(item) && is_lost(item)));
                    }
                }
            }
        }
    }

    fn note_unset(&self, node: &Node, variables: &Variables, what: &str, is_lost: &dyn Fn(&Node) -> bool) {
        match &node.value {
            Value::Scalar(scalar) => {
                let names = interpolate::without_default(scalar);
                let names = names.into_iter().filter(|name| !variables.contains_key(*name));
                self.unset.borrow_mut().extend(names.map(|name| Unset {
                    name: name.to_owned(),
                    what: what.to_owned(),
                    place: node.place.clone(),
                    is_ignored: is_lost(node),
                }));
            }
            Value::List(items) => items.iter().for_each(|item| self.note_unset(item, variables, what, is_lost)),
            Value::Map(pairs) => pairs.iter().for_each(|(_, value)| self.note_unset(value, variables, what, is_lost)),
        }
    }
}

/// Whether a string refers to variables.
fn has_variable(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.raw.is_some())
}
