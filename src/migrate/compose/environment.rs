//! Variables whose values are not in the Compose file, but in the project's `.env` or in an `env_file`.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::{self, Variables};
use super::load::Model;
use super::stack;
use super::yaml::{Key, Node, Place, Scalar, Value};
use crate::finding::RelPath;
use crate::knowledge::containers;
use crate::knowledge::containers::sources::EXAMPLES;
use crate::migrate::Files;

/// Sets the variables of all services to the values that they have in Compose.
///
/// An `env_file` is read for services whose variables become options. The scripts of all other services read it
/// themselves.
pub fn complete(model: &mut Model, files: &dyn Files) {
    let variables: Variables = model.env.iter().cloned().collect();
    let built: BTreeSet<String> = model
        .services()
        .filter(|(_, node)| node.get("build").is_some() && node.get("env_file").is_some())
        .filter(|(key, node)| stack::is_built_on_service(key, node, files))
        .map(|(key, _)| key.name.clone())
        .collect();
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for (_, service) in model.services() {
        let items = service.get("env_file").map_or(&[][..], Node::items);
        let paths: BTreeSet<&str> = items.iter().filter_map(|item| item.get("path")?.text()).collect();
        paths.into_iter().for_each(|path| *users.entry(path.to_owned()).or_default() += 1);
    }
    let Value::Map(root) = &mut model.root.value else { return };
    let services = root.iter_mut().find(|(key, _)| key.name == "services");
    let Some(Value::Map(services)) = services.map(|(_, node)| &mut node.value) else { return };
    let mut read = BTreeMap::new();
    for (key, service) in services {
        let Value::Map(settings) = &mut service.value else { continue };
        if let Some((_, environment)) = settings.iter_mut().find(|(key, _)| key.name == "environment") {
            passed_through(environment, &variables);
        }
        if has_options(settings) || built.contains(&key.name) {
            read_env_files(settings, files, &variables, (&users, &mut read));
        }
    }
    model.env_files = read;
}

/// Sets variables without a value to their value in `.env`: `- POSTGRES_USER`.
fn passed_through(environment: &mut Node, variables: &Variables) {
    let Value::Map(pairs) = &mut environment.value else { return };
    for (key, value) in pairs {
        if let Some(text) = variables.get(&key.name).filter(|_| value.is_null()) {
            let scalar = Scalar { text: text.clone(), raw: Some(format!("${{{}}}", key.name)), plain: false };
            value.value = Value::Scalar(scalar);
        }
    }
}

/// Whether the variables of a service become options of services-flake.
fn has_options(settings: &[(Key, Node)]) -> bool {
    let get = |name: &str| settings.iter().find(|(key, _)| key.name == name).map(|(_, node)| node);
    let image = get("image").and_then(Node::text).and_then(containers::service_of);
    image.is_some() && get("build").is_none()
}

/// Adds the variables of each `env_file` that can be read, with their positions in it. Variables in `environment` and
/// in later files take precedence. Only files that cannot be read remain in `env_file`. The example of a file that does
/// not exist is read in its place. Adds the paths of the files to `read`, with the numbers of services that use them.
fn read_env_files(
    settings: &mut Vec<(Key, Node)>,
    files: &dyn Files,
    variables: &Variables,
    (users, read): (&BTreeMap<String, usize>, &mut BTreeMap<RelPath, usize>),
) {
    let Some((_, Node { value: Value::List(items), place, .. })) =
        settings.iter_mut().find(|(key, _)| key.name == "env_file")
    else {
        return;
    };
    let place = place.clone();
    let mut found: Vec<(Key, Node)> = Vec::new();
    items.retain(|item| {
        let Some(path) = item.get("path").and_then(Node::text).and_then(|path| path.strip_prefix("./")) else {
            return true;
        };
        let is_missing = matches!(files.text(path), Ok(None));
        let file = if is_missing { example_of(files, path) } else { Some(path.to_owned()) };
        let Some(file) = file else { return true };
        let Some(pairs) = pairs_of(item, &file, files, variables) else { return true };
        let new = names(&pairs);
        found.retain(|(known, _)| !new.contains(&known.name));
        found.extend(pairs);
        read.insert(file.as_str().into(), users.get(&format!("./{path}")).copied().unwrap_or_default());
        is_missing
    });
    let environment = match settings.iter().position(|(key, _)| key.name == "environment") {
        Some(at) => at,
        None => {
            let key = Key { name: "environment".to_owned(), place: place.clone() };
            settings.push((key, Node { place, tag: None, value: Value::Map(Vec::new()) }));
            settings.len() - 1
        }
    };
    if let Some((_, Node { value: Value::Map(own), .. })) = settings.get_mut(environment) {
        let set = names(own);
        found.retain(|(key, _)| !set.contains(&key.name));
        own.extend(found);
    }
}

/// The example for a file that does not exist: `app.json.dist`, or `app.example.json`.
pub fn example_of(files: &dyn Files, path: &str) -> Option<String> {
    let (stem, end) = path.rsplit_once('.').unwrap_or((path, ""));
    let mut all = EXAMPLES.iter().map(|name| format!("{path}.{name}"));
    let mut inside = EXAMPLES.iter().map(|name| format!("{stem}.{name}.{end}"));
    let exists = |path: &String| matches!(files.text(path), Ok(Some(_)));
    all.find(exists).or_else(|| inside.find(exists))
}

/// The variables of an `env_file` or its example. `None` if the file cannot be read.
fn pairs_of(item: &Node, path: &str, files: &dyn Files, variables: &Variables) -> Option<Vec<(Key, Node)>> {
    let text = files.text(path).ok()??;
    let pairs = interpolate::read_env_item(item, &text, variables).ok()?;
    let lines = lines_of(&text);
    let node = |(name, value): (String, String)| {
        let line = lines.get(name.as_str()).copied().unwrap_or(1);
        let place = Place { path: path.into(), line, column: 1 };
        let scalar = Scalar { text: value, raw: None, plain: false };
        (Key { name, place: place.clone() }, Node { place, tag: None, value: Value::Scalar(scalar) })
    };
    Some(pairs.into_iter().map(node).collect())
}

fn names(pairs: &[(Key, Node)]) -> BTreeSet<String> {
    pairs.iter().map(|(key, _)| key.name.clone()).collect()
}

/// The line number of each variable, starting at 1.
pub fn lines_of(text: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches("export ").trim_start();
        if let Some((name, _)) = line.split_once(['=', ':']) {
            lines.entry(name.trim_end()).or_insert(at + 1);
        }
    }
    lines
}
