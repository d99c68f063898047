//! The configuration files that nginx finds in its container, and the corresponding files in the repository.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::parse::{self, Directive};
use crate::knowledge::nginx::FOLDER;
use crate::migrate::compose::environment::example_of;
use crate::migrate::compose::known::Instance;
use crate::migrate::compose::stack::Bind;
use crate::migrate::compose::yaml::{Node, Place};

/// A configuration file in the repository.
#[derive(Debug)]
struct File {
    /// Its path relative to the root.
    path: String,
    /// The mount that contains it.
    bind: Bind,
    /// Its directives, or the line at which it cannot be read.
    directives: Result<Vec<Directive>, usize>,
}

/// The configuration files by their path in the container.
#[derive(Debug)]
pub struct Configuration {
    files: BTreeMap<String, File>,
    /// The files whose content is in the written configuration.
    used: RefCell<BTreeSet<String>>,
}

impl Configuration {
    /// Reads the files that are mounted or copied into the configuration folder.
    pub fn of(instance: &Instance<'_, '_, '_>) -> Self {
        let files = instance.builder.files();
        let mut found = BTreeMap::new();
        for bind in instance.service.binds().into_iter().filter(|bind| bind.target.starts_with(FOLDER)) {
            let names = if files.is_folder(&bind.source) { files.names(&bind.source) } else { Vec::new() };
            let paths: Vec<(String, String)> = match files.is_folder(&bind.source) {
                // A file that is copied into a folder such as `conf.d` keeps its name.
                false if bind.target.ends_with(".d") => {
                    let name = bind.source.rsplit('/').next().unwrap_or_default();
                    vec![(format!("{}/{name}", bind.target), bind.source.clone())]
                }
                false => vec![(bind.target.clone(), bind.source.clone())],
                true => names
                    .iter()
                    .map(|name| (format!("{}/{name}", bind.target), format!("{}/{name}", bind.source)))
                    .collect(),
            };
            for (target, path) in paths {
                let Some(text) = files.text(&path).ok().flatten() else { continue };
                // The image expands templates when it starts.
                let (target, text) = match target.strip_prefix("/etc/nginx/templates/") {
                    Some(name) => {
                        let name = name.strip_suffix(".template").unwrap_or(name);
                        (format!("{FOLDER}/conf.d/{name}"), substituted(instance, &text))
                    }
                    None => (target, text),
                };
                let directives = parse::parse(&text);
                found.insert(target, File { path, bind: bind.clone(), directives });
            }
        }
        Self { files: found, used: RefCell::default() }
    }

    /// The directives of the main file. `None` if it is not in the repository, or cannot be read.
    pub fn main(&self) -> Option<Vec<Directive>> {
        self.read(&format!("{FOLDER}/nginx.conf"))
    }

    /// Whether the image's own main file would find no servers.
    pub fn has_no_servers(&self) -> bool {
        self.matching("/etc/nginx/conf.d/*.conf").is_empty()
    }

    /// The directives of a file. `None` if it is not a file in the repository, or cannot be read.
    pub fn read(&self, target: &str) -> Option<Vec<Directive>> {
        let directives = self.files.get(target)?.directives.as_ref().ok()?.clone();
        self.used.borrow_mut().insert(target.to_owned());
        Some(directives)
    }

    /// The files that contain a directive with this name outside of blocks.
    pub fn with(&self, name: &str) -> BTreeSet<String> {
        let has = |file: &File| file.directives.iter().flatten().any(|directive| directive.name() == name);
        self.files.iter().filter(|(_, file)| has(file)).map(|(target, _)| target.clone()).collect()
    }

    /// The files that match the pattern of an `include`.
    pub fn matching(&self, pattern: &str) -> Vec<String> {
        let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("{FOLDER}/{pattern}") };
        let is_match = |path: &&String| match pattern.split_once('*') {
            None => **path == pattern,
            Some((before, after)) => path
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|middle| !middle.contains('/')),
        };
        self.files.keys().filter(is_match).cloned().collect()
    }

    /// The position of a directive in a file, for reports.
    pub fn place(&self, target: &str, line: usize) -> Option<Place> {
        self.files.get(target).map(|file| Place { path: file.path.as_str().into(), line, column: 1 })
    }

    /// Reports each file as migrated, or the reason why it is not.
    pub fn report_unread(&self, instance: &Instance<'_, '_, '_>) {
        let (builder, service) = (instance.builder, instance.service);
        for (target, File { path, bind, directives }) in &self.files {
            let key = if bind.is_copied { "build" } else { "volumes" };
            match directives {
                _ if self.used.borrow().contains(target) => builder.carry(service, &bind.place, key, "configFile"),
                _ if self.is_named(instance, target) => {
                    builder.carry(service, &bind.place, key, format!("the file ./{path}"));
                }
                // Other files are not configuration: keys, scripts.
                Err(line) if target.ends_with(".conf") => {
                    let why = format!("line {line} of ./{path} is not a valid nginx directive");
                    builder.leave(service, &bind.place, key, why, "write the file's contents into `configFile`");
                }
                _ => {
                    let why = format!("no `include` in the configuration names {target}");
                    builder.leave(service, &bind.place, key, why, "include the file in `configFile` if it is needed");
                }
            }
        }
        let files = builder.files();
        let is_empty = |bind: &Bind| {
            bind.target.starts_with(FOLDER) && !self.files.values().any(|file| file.bind.target == bind.target)
        };
        for bind in service.binds().into_iter().filter(is_empty) {
            let key = if bind.is_copied { "build" } else { "volumes" };
            let is_file = matches!(files.text(&bind.source), Ok(Some(_)));
            let why = match is_file {
                true => format!("{} exists only inside the image", bind.target),
                false => format!("./{} does not exist or is empty", bind.source),
            };
            let todo = match example_of(files, &bind.source).filter(|_| !is_file) {
                Some(example) => {
                    format!(
                        "copy ./{example} to ./{}, delete the written module, and migrate again with `--force`",
                        bind.source
                    )
                }
                None => "write the configuration into `configFile`".to_owned(),
            };
            builder.leave(service, &bind.place, key, why, todo);
        }
    }

    /// Whether a directive names this file, for example as a certificate.
    pub fn is_named(&self, instance: &Instance<'_, '_, '_>, target: &str) -> bool {
        let name = target.strip_prefix("/etc/nginx/").unwrap_or(target);
        let texts = self.files.values().filter_map(|file| instance.builder.files().text(&file.path).ok().flatten());
        texts.into_iter().any(|text| text.contains(name))
    }
}

/// Replaces each `${NAME}` with its value in the environment, as the image's start script does in templates.
fn substituted(instance: &Instance<'_, '_, '_>, text: &str) -> String {
    let pairs = instance.service.get("environment").map_or(&[][..], Node::pairs);
    let mut text = text.to_owned();
    for (key, value) in pairs {
        let (name, value) = (format!("${{{}}}", key.name), value.text().unwrap_or_default());
        // A port without a value is reported where it is read.
        let is_kept = |line: &str| value.is_empty() && line.trim_start().starts_with("listen");
        text = match text.contains(&name) {
            true => text.split_inclusive('\n').fold(String::new(), |all, line| match is_kept(line) {
                true => all + line,
                false => all + &line.replace(&name, value),
            }),
            false => text,
        };
    }
    for (name, value, _) in instance.service.image_variables() {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    text
}
