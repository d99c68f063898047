//! Reads the Compose files of one project as Compose does: with interpolation, `extends`, `include` and merging.

mod unset;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use self::unset::unset_once;
pub use self::unset::{Unset, example};
use super::canonical;
use super::interpolate::{self, Variables};
use super::yaml::{self, Key, Node, Value};
use crate::finding::RelPath;
use crate::migrate::{Error, Files};
use crate::paths;

/// A project with all its files merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The merged document, in long form.
    pub root: Node,
    /// The folder to which the project's paths are relative.
    pub folder: String,
    /// The variables in the `.env` file in that folder, in order.
    pub env: Vec<(String, String)>,
    /// The path of that `.env` file, if there is one.
    pub env_path: Option<String>,
    /// The `env_file`s whose variables are in the `environment` of services, or the examples read in their place, each
    /// with the number of services that use it.
    pub env_files: BTreeMap<RelPath, usize>,
    /// The variables without a value on which images, builds, ports and mounts depend, in the order of the files.
    pub unset: Vec<Unset>,
}

impl Model {
    /// The services by name, in the order of the files.
    pub fn services(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.root.get("services").map_or(&[][..], Node::pairs).iter().map(|(key, node)| (key, node))
    }
}

/// The maximum nesting of includes and extends.
const DEEPEST: usize = 30;

/// Reads the files of a project. Later files override earlier ones.
pub fn load(files: &dyn Files, project: &[RelPath]) -> Result<Model, Error> {
    let first = project.first().cloned().unwrap_or_else(|| "compose.yaml".into());
    let folder = paths::folder(&first).to_owned();
    let env_path = if folder.is_empty() { ".env".to_owned() } else { format!("{folder}/.env") };
    let env = read_env_file(files, &env_path, &Variables::new())?;
    let mut variables: Variables = env.iter().flatten().cloned().collect();
    let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
    variables.entry("COMPOSE_PROJECT_NAME".to_owned()).or_insert(name);
    // The shell that starts Compose sets these.
    for (name, value) in [("PWD", "."), ("HOME", "~")] {
        variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    let (unset, example) = (RefCell::default(), example(files, &folder));
    let loader = Loader { files, loads: Cell::new(0), size: Cell::new(0), nodes: Cell::new(0), unset, example };
    let mut root: Option<Node> = None;
    for path in project {
        let node = loader.file(path, &folder, &variables, &[])?;
        root = Some(match root {
            Some(base) => merge(base, node, &mut Vec::new())?,
            None => node,
        });
    }
    let mut root = root.ok_or_else(|| Error::new(&first, "no Compose file was given"))?;
    strip_resets(&mut root);
    unique(&mut root);
    if root.get("services").is_none_or(|services| services.pairs().is_empty()) {
        return Err(Error::new(&first, "is not a Compose file: it has no `services`")
            .help("name the files that you would pass to `docker compose -f`"));
    }
    let present = env.is_some();
    Ok(Model {
        root,
        folder,
        env: env.unwrap_or_default(),
        env_path: present.then_some(env_path),
        env_files: BTreeMap::new(),
        unset: unset_once(loader.unset.into_inner()),
    })
}

fn read_env_file(files: &dyn Files, path: &str, lookup: &Variables) -> Result<Option<Vec<(String, String)>>, Error> {
    let relpath: RelPath = path.into();
    // Compose ignores a folder at this path.
    if files.is_folder(path) {
        return Ok(None);
    }
    let text = files.text(path).map_err(|reason| Error::new(&relpath, format!("cannot be read: {reason}")))?;
    let read = |text: String| {
        interpolate::read_env(&text, lookup).map_err(|(line, message)| Error::new(&relpath, message).at(line, 1))
    };
    text.map(read).transpose()
}

struct Loader<'a> {
    files: &'a dyn Files,
    /// The number of parsed files. A file that is included twice is parsed twice.
    loads: Cell<usize>,
    /// The size of all strings that contain variables, in bytes.
    size: Cell<usize>,
    /// The number of nodes in all files, counted each time they are included, and in all services that extend others.
    nodes: Cell<usize>,
    /// The variables without a value.
    unset: RefCell<Vec<Unset>>,
    /// The path of the example of the `.env` file.
    example: Option<String>,
}

/// The maximum number of files in a project, counted each time they are included.
const MOST_LOADS: usize = 500;

/// The maximum number of nodes in a project. The nodes of services are counted twice.
const MOST_NODES: usize = 3 * yaml::MOST_NODES;

/// The maximum total size of the strings with variables in a project, in bytes.
const MOST_TEXT: usize = 32 << 20;

impl Loader<'_> {
    /// Reads a file with its includes and extends. `chain` contains the files that led to it.
    fn file(&self, path: &RelPath, folder: &str, variables: &Variables, chain: &[RelPath]) -> Result<Node, Error> {
        let mut node = self.parse(path, folder, variables)?;
        self.extend_all(&mut node, path, variables)?;
        self.include(node, path, folder, variables, chain)
    }

    /// Reads the document in a file, in long form and interpolated.
    fn parse(&self, path: &RelPath, folder: &str, variables: &Variables) -> Result<Node, Error> {
        self.loads.update(|loads| loads + 1);
        if self.loads.get() > MOST_LOADS {
            return Err(Error::new(
                path,
                format!("the project includes and extends files more than {MOST_LOADS} times"),
            ));
        }
        let text = self.files.text(path).map_err(|reason| Error::new(path, format!("cannot be read: {reason}")))?;
        let text = text.ok_or_else(|| Error::new(path, "does not exist"))?;
        let Some(mut node) = yaml::parse(path, &text)? else {
            return Err(Error::new(path, "is not a Compose file: it is empty"));
        };
        let known = ["services", "include", "networks", "volumes", "secrets", "configs"];
        if !known.iter().any(|key| node.get(key).is_some()) {
            let message = match node.value {
                Value::Map(_) => "is not a Compose file: it has no `services`",
                _ => "is not a Compose file: expected a mapping with `services`",
            };
            // The jobs in a CI file may also have an `image`.
            let is_service = |(_, value): &(Key, Node)| {
                let has = |key: &str| value.some(key).is_some();
                (has("image") || has("build")) && !has("script") && !has("stage")
            };
            let is_first = !node.pairs().is_empty() && node.pairs().iter().all(is_service);
            let help = "it looks like version 1 of the Compose format: indent everything in it under `services:`";
            let error = node.error(message);
            return Err(if is_first { error.help(help) } else { error });
        }
        interpolate_all(&mut node, variables, &self.size).map_err(|error| match &self.example {
            Some(path) if error.help.is_some() => {
                error.help(format!("set variables in the `.env` file next to this file, as in {path}"))
            }
            _ => error,
        })?;
        self.drop_unset(&mut node, variables);
        let Value::Map(pairs) = &mut node.value else { return Ok(node) };
        for (key, value) in pairs.iter_mut() {
            if key.name == "services" && !value.is_null() && !matches!(value.value, Value::Map(_)) {
                return Err(value.error("`services` has to be a mapping"));
            }
            match (key.name.as_str(), &mut value.value) {
                ("services", Value::Map(services)) => {
                    for (name, service) in services.iter_mut() {
                        if !service.is_null() && service.tag.as_deref() != Some("reset") {
                            canonical::service(&name.name, service, folder)?;
                            // Counted here, before the next service expands its port ranges.
                            self.count(service)?;
                        }
                    }
                }
                ("secrets" | "configs", _) => canonical::files(value, folder),
                _ => {}
            }
        }
        self.count(&node)?;
        Ok(node)
    }

    fn extend_all(&self, node: &mut Node, path: &RelPath, variables: &Variables) -> Result<(), Error> {
        let Some(services) = node.get("services").cloned() else { return Ok(()) };
        let context = Context { path, variables };
        let by_name = by_name(&services);
        let mut extended = Vec::new();
        for (name, service) in services.pairs() {
            extended.push((name.clone(), self.extended(&by_name, &name.name, service, &context, 0)?));
        }
        if let Value::Map(pairs) = &mut node.value {
            for (_, value) in pairs.iter_mut().filter(|(key, _)| key.name == "services") {
                value.value = Value::Map(std::mem::take(&mut extended));
            }
        }
        Ok(())
    }

    fn extended(
        &self,
        services: &Services<'_>,
        name: &str,
        service: &Node,
        context: &Context<'_>,
        depth: usize,
    ) -> Result<Node, Error> {
        let Some(extends) = service.some("extends") else { return Ok(service.clone()) };
        if depth > DEEPEST {
            return Err(extends.error(format!("`{name}` extends itself")));
        }
        let Some(wanted) = extends.get("service").and_then(Node::text) else {
            return Err(extends.error("`extends` has to name a service"));
        };
        let base = match extends.get("file").and_then(Node::text) {
            Some(file) => self.extended_from_file(extends, file, wanted, context, depth)?,
            None => {
                let base = services.get(wanted).ok_or_else(|| {
                    extends.error(format!("the service `{wanted}` that `{name}` extends is not in {}", context.path))
                })?;
                self.extended(services, wanted, base, context, depth + 1)?
            }
        };
        let mut own = service.clone();
        if let Value::Map(pairs) = &mut own.value {
            pairs.retain(|(key, _)| key.name != "extends");
        }
        let mut path = vec!["services".to_owned(), name.to_owned()];
        let merged = merge(base, own, &mut path)?;
        self.count(&merged)?;
        Ok(merged)
    }

    /// Counts the nodes of a file or service, which may be much larger than its text.
    fn count(&self, node: &Node) -> Result<(), Error> {
        self.nodes.update(|nodes| nodes + yaml::size(node));
        match self.nodes.get() > MOST_NODES {
            true => Err(node.error("the project is too large, with its includes, extended services and port ranges")),
            false => Ok(()),
        }
    }

    fn extended_from_file(
        &self,
        extends: &Node,
        file: &str,
        wanted: &str,
        context: &Context<'_>,
        depth: usize,
    ) -> Result<Node, Error> {
        let path = self.inside(extends, file)?;
        let folder = paths::folder(&path).to_owned();
        let node = self.parse(&path, &folder, context.variables)?;
        let services = node.get("services").cloned().unwrap_or_else(|| Node::null(&node.place));
        let by_name = by_name(&services);
        let base = by_name
            .get(wanted)
            .ok_or_else(|| extends.error(format!("the service `{wanted}` to extend is not in {path}")))?;
        let inner = Context { path: &path, variables: context.variables };
        self.extended(&by_name, wanted, base, &inner, depth + 1)
    }

    /// The path of another file, which must exist in the repository.
    fn inside(&self, from: &Node, file: &str) -> Result<RelPath, Error> {
        if file.contains("://") || file.starts_with("git@") {
            return Err(from
                .error(format!("{file} is not a file in this repository"))
                .help("copy it into the repository, and refer to the copy"));
        }
        let Some(path) = file.strip_prefix("./") else {
            return Err(from
                .error(format!("{file} points outside the repository"))
                .help("copy the file into the repository, and refer to the copy"));
        };
        match self.files.text(path) {
            Ok(Some(_)) => Ok(path.into()),
            Ok(None) => Err(from.error(format!("{path} does not exist"))),
            Err(reason) => Err(from.error(format!("{path} cannot be read: {reason}"))),
        }
    }

    fn include(
        &self,
        node: Node,
        path: &RelPath,
        folder: &str,
        variables: &Variables,
        chain: &[RelPath],
    ) -> Result<Node, Error> {
        let Some(list) = node.some("include").cloned() else { return Ok(node) };
        let mut chain = chain.to_vec();
        chain.push(path.clone());
        let mut included: Option<Node> = None;
        for entry in list.items() {
            let model = self.included(entry, folder, variables, &chain)?;
            included = Some(match included {
                Some(base) => merge(base, model, &mut Vec::new())?,
                None => model,
            });
        }
        // The `include` list itself remains in the model for the report.
        match included {
            Some(base) => merge(base, node, &mut Vec::new()),
            None => Ok(node),
        }
    }

    fn included(&self, entry: &Node, folder: &str, variables: &Variables, chain: &[RelPath]) -> Result<Node, Error> {
        let files: Vec<&Node> = match entry.get("path") {
            Some(path) if path.items().is_empty() => vec![path],
            Some(path) => path.items().iter().collect(),
            None => vec![entry],
        };
        let mut base: Option<Node> = None;
        let mut project: Option<String> = None;
        let mut inner = variables.clone();
        for file in files {
            let Some(name) = file.text() else { return Err(file.error("expected a path")) };
            let path = self.inside(file, &canonical::resolved(folder, name))?;
            if chain.contains(&path) || chain.len() > DEEPEST {
                return Err(file.error(format!("{path} includes itself")));
            }
            if project.is_none() {
                let named = entry.get("project_directory").and_then(Node::text);
                let directory = named.map(|directory| canonical::resolved(folder, directory));
                let directory = directory.map(|path| path.trim_start_matches("./").trim_end_matches('/').to_owned());
                let directory = directory.unwrap_or_else(|| paths::folder(&path).to_owned());
                for (name, value) in self.included_env(entry, folder, &directory, variables)? {
                    inner.entry(name).or_insert(value);
                }
                project = Some(directory);
            }
            let node = self.file(&path, project.as_deref().unwrap_or(folder), &inner, chain)?;
            base = Some(match base {
                Some(base) => merge(base, node, &mut Vec::new())?,
                None => node,
            });
        }
        base.ok_or_else(|| entry.error("`include` needs a path"))
    }

    fn included_env(
        &self,
        entry: &Node,
        folder: &str,
        directory: &str,
        variables: &Variables,
    ) -> Result<Vec<(String, String)>, Error> {
        let named: Vec<&Node> = match entry.get("env_file") {
            Some(list) if list.items().is_empty() => vec![list],
            Some(list) => list.items().iter().collect(),
            None => {
                let usual = if directory.is_empty() { ".env".to_owned() } else { format!("{directory}/.env") };
                return Ok(read_env_file(self.files, &usual, variables)?.unwrap_or_default());
            }
        };
        let mut all = Vec::new();
        for file in named {
            let Some(name) = file.text() else { continue };
            let path = self.inside(file, &canonical::resolved(folder, name))?;
            all.extend(read_env_file(self.files, &path, variables)?.unwrap_or_default());
        }
        Ok(all)
    }
}

/// The services of a file by name.
type Services<'n> = HashMap<&'n str, &'n Node>;

fn by_name(services: &Node) -> Services<'_> {
    services.pairs().iter().map(|(key, service)| (key.name.as_str(), service)).collect()
}

struct Context<'a> {
    path: &'a RelPath,
    variables: &'a Variables,
}

/// Replaces the variables in all strings. Adds the number of bytes to `size`.
fn interpolate_all(node: &mut Node, variables: &Variables, size: &Cell<usize>) -> Result<(), Error> {
    let place = node.place.clone();
    match &mut node.value {
        Value::Scalar(scalar) if scalar.text.contains('$') => {
            let text = interpolate::interpolate(&scalar.text, variables).map_err(|message| {
                yaml::error_at(&place, message).help("set variables in the `.env` file next to this file")
            })?;
            size.update(|size| size + text.len());
            if size.get() > MOST_TEXT {
                let message =
                    format!("the project's files exceed {} MiB after variable interpolation", MOST_TEXT >> 20);
                return Err(yaml::error_at(&place, message));
            }
            let raw = std::mem::replace(&mut scalar.text, text);
            scalar.raw = Some(raw);
            Ok(())
        }
        Value::Scalar(_) => Ok(()),
        Value::List(items) => items.iter_mut().try_for_each(|item| interpolate_all(item, variables, size)),
        Value::Map(pairs) => pairs.iter_mut().try_for_each(|(_, value)| interpolate_all(value, variables, size)),
    }
}

/// A function that returns the key that identifies an element of a list.
type Index = fn(&Node) -> String;

/// The lists of a service in which an element replaces earlier ones with the same key.
const UNIQUE: [(&str, Index); 6] = [
    ("ports", port_key),
    ("volumes", |item| field(item, "target")),
    ("secrets", |item| mount_target(item, "/run/secrets/")),
    ("configs", |item| mount_target(item, "/")),
    ("env_file", |item| field(item, "path")),
    ("expose", |item| item.text().unwrap_or_default().split('/').next().unwrap_or_default().to_owned()),
];

fn field(item: &Node, name: &str) -> String {
    item.get(name).and_then(Node::text).unwrap_or_default().to_owned()
}

fn port_key(item: &Node) -> String {
    let protocol = field(item, "protocol");
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol };
    ["host_ip", "published", "target"].map(|name| field(item, name)).join("|") + "|" + &protocol
}

fn mount_target(item: &Node, folder: &str) -> String {
    let target = field(item, "target");
    let target = if target.is_empty() { field(item, "source") } else { target };
    if target.starts_with('/') { target } else { format!("{folder}{target}") }
}

/// Merges the node `over` into the node `base`. `path` is the path of both from the root.
fn merge(base: Node, over: Node, path: &mut Vec<String>) -> Result<Node, Error> {
    match over.tag.as_deref() {
        Some("override") => return Ok(Node { tag: None, ..over }),
        Some("reset") => return Ok(over),
        _ => {}
    }
    if over.is_null() {
        // A variable without a value is passed through, even if it has a value in the base.
        let in_environment = path.len() == 4 && path[2] == "environment";
        return Ok(if in_environment { over } else { base });
    }
    if base.is_null() || base.tag.as_deref() == Some("reset") || replaces(&base, &over, path) {
        return Ok(over);
    }
    match (base.value, over.value) {
        (Value::Map(pairs), Value::Map(more)) => {
            let places: HashMap<String, usize> =
                pairs.iter().enumerate().map(|(at, (key, _))| (key.name.clone(), at)).collect();
            let mut pairs: Vec<Option<(Key, Node)>> = pairs.into_iter().map(Some).collect();
            for (key, value) in more {
                let known = places.get(&key.name).and_then(|&at| Some((at, pairs[at].take()?)));
                let Some((at, (_, old))) = known else {
                    pairs.push(Some((key, value)));
                    continue;
                };
                path.push(key.name.clone());
                let merged = merge(old, value, path)?;
                path.pop();
                pairs[at] = Some((key, merged));
            }
            Ok(Node { place: over.place, tag: None, value: Value::Map(pairs.into_iter().flatten().collect()) })
        }
        (Value::List(mut items), Value::List(more)) => {
            let mut known: HashSet<String> = items.iter().map(meaning).collect();
            items.extend(more.into_iter().filter(|item| known.insert(meaning(item))));
            Ok(Node { place: over.place, tag: None, value: Value::List(items) })
        }
        (Value::Scalar(_), Value::Scalar(scalar)) => {
            Ok(Node { place: over.place, tag: None, value: Value::Scalar(scalar) })
        }
        _ => Err(yaml::error_at(&over.place, format!("`{}` cannot override a value of another kind", path.join(".")))),
    }
}

/// Whether an override replaces the whole value instead of being merged into it.
fn replaces(base: &Node, over: &Node, path: &[String]) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["services", _, "command" | "entrypoint"] | ["services", _, "healthcheck", "test"] => true,
        ["services", _, "ulimits", _] => !(matches!(base.value, Value::Map(_)) && matches!(over.value, Value::Map(_))),
        ["services", _, "logging"] => {
            let driver = |node: &Node| node.get("driver").and_then(Node::text).map(str::to_owned);
            match (driver(base), driver(over)) {
                (Some(base), Some(over)) => base != over,
                _ => false,
            }
        }
        _ => false,
    }
}

/// A string that is the same for nodes with the same meaning, whatever their positions. The order of keys does not
/// matter.
fn meaning(node: &Node) -> String {
    // Each text is preceded by its length, so it cannot be mistaken for the structure around it.
    let text = |text: &str| format!("{}:{text}", text.len());
    match &node.value {
        Value::Scalar(scalar) => format!("s{}", text(&scalar.text)),
        Value::List(items) => {
            format!("l{}:{}", items.len(), items.iter().map(meaning).collect::<String>())
        }
        Value::Map(pairs) => {
            let mut pairs: Vec<String> =
                pairs.iter().map(|(key, node)| format!("{}{}", text(&key.name), meaning(node))).collect();
            pairs.sort_unstable();
            format!("m{}:{}", pairs.len(), pairs.concat())
        }
    }
}

fn strip_resets(node: &mut Node) {
    match &mut node.value {
        Value::Map(pairs) => {
            let had = !pairs.is_empty();
            pairs.retain(|(_, value)| value.tag.as_deref() != Some("reset"));
            pairs.iter_mut().for_each(|(_, value)| strip_resets(value));
            // Differs from a mapping that is empty in the file, which is an error for a service.
            if had && pairs.is_empty() {
                node.tag = Some("reset".into());
            }
        }
        Value::List(items) => {
            items.retain(|item| item.tag.as_deref() != Some("reset"));
            items.iter_mut().for_each(strip_resets);
        }
        Value::Scalar(_) => {}
    }
}

fn unique(root: &mut Node) {
    let Value::Map(top) = &mut root.value else { return };
    for (_, services) in top.iter_mut().filter(|(key, _)| key.name == "services") {
        let Value::Map(services) = &mut services.value else { continue };
        for (_, service) in services.iter_mut() {
            let Value::Map(pairs) = &mut service.value else { continue };
            for (key, value) in pairs.iter_mut() {
                let Some((_, index)) = UNIQUE.iter().find(|(name, _)| *name == key.name) else { continue };
                if let Value::List(items) = &mut value.value {
                    *items = last_of_each(std::mem::take(items), *index);
                }
            }
        }
    }
}

/// Keeps one element for each key: the last one, at the position of the first.
fn last_of_each(items: Vec<Node>, index: fn(&Node) -> String) -> Vec<Node> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Node> = Vec::new();
    for item in items {
        let key = index(&item);
        match places.get(&key) {
            Some(&at) => kept[at] = item,
            None => {
                places.insert(key, kept.len());
                kept.push(item);
            }
        }
    }
    kept
}
