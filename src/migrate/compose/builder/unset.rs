//! Variables without a value, which the project's example of `.env` sets.

use std::collections::BTreeSet;

use super::Builder;
use crate::migrate::compose::interpolate::{self, Variables, without_default};
use crate::migrate::compose::load;
use crate::migrate::compose::stack::{Service, below};
use crate::migrate::compose::yaml::{Node, Place, Value};

/// The example of a `.env` file that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The path of the example.
    path: String,
    /// The variables that it sets.
    names: BTreeSet<String>,
}

impl Builder<'_, '_> {
    fn example(&self) -> Option<&Example> {
        let read = || {
            let model = self.stack.model;
            let path = load::example(self.files(), &model.folder).filter(|_| model.env_path.is_none())?;
            let text = self.files().text(&path).ok().flatten()?;
            let pairs = interpolate::read_env(&text, &Variables::new()).ok()?;
            Some(Example { path, names: pairs.into_iter().map(|(name, _)| name).collect() })
        };
        self.example.get_or_init(read).as_ref()
    }

    /// Reports a variable without a value. All variables that the example of `.env` sets become one entry.
    pub(in crate::migrate::compose) fn no_value(
        &self,
        service: &Service<'_>,
        place: &Place,
        key: &str,
        name: &str,
        (why, todo): (&str, &str),
    ) {
        if self.example().is_some_and(|example| example.names.contains(name)) {
            self.unset.borrow_mut().insert(name.to_owned());
        } else {
            self.leave(service, place, key, format!("`{name}` has {why}"), todo);
        }
    }

    /// The variables without a value or a default on which a value depends.
    pub(in crate::migrate::compose) fn unset_in(&self, name: &str, value: &Node) -> Vec<String> {
        let Value::Scalar(scalar) = &value.value else { return Vec::new() };
        if value.is_null() && scalar.raw.is_none() {
            return if self.variables.contains_key(name) { Vec::new() } else { vec![name.to_owned()] };
        }
        let required = without_default(scalar).into_iter();
        required.filter(|name| !self.variables.contains_key(*name)).map(str::to_owned).collect()
    }

    /// Reports the variables that the example of `.env` sets.
    pub(in crate::migrate::compose) fn unset_notes(&self) {
        let unset: Vec<String> = self.unset.take().into_iter().map(|name| format!("`{name}`")).collect();
        let Some(example) = self.example().filter(|_| !unset.is_empty()) else { return };
        let env = below(&self.stack.model.folder, ".env");
        let names = unset.join(", ");
        let (why, todo) = match self.secrets.borrow().is_empty() {
            true => (
                format!("./{env} does not exist, so {names} have no value"),
                format!("copy ./{} to ./{env}", example.path),
            ),
            false => (
                format!("./{env} is written with only the secrets, so {names} have no value"),
                format!("add the other variables from ./{} to ./{env}", example.path),
            ),
        };
        let why = if unset.len() == 1 { why.replace("have no value", "has no value") } else { why };
        let todo = format!("{todo}, delete the written module, and migrate again with `--force`");
        let path = &self.stack.model.root.place.path;
        self.report.borrow_mut().leave(path, 1, "variables", why, todo);
    }
}
