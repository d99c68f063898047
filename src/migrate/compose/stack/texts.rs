//! The texts of a service that may refer to other services: its settings, and the configuration files that it mounts.

use super::{Bind, Service, below, usual_words};
use crate::migrate::Files;
use crate::migrate::compose::yaml::{Node, Place, Value};
use crate::paths;

/// The strings of a service that may refer to other hosts.
pub(super) fn texts(service: &Service<'_>, files: &dyn Files) -> Vec<(String, Place)> {
    let mut texts = Vec::new();
    for key in ["environment", "command", "entrypoint", "healthcheck"] {
        if let Some(node) = service.get(key) {
            collect(node, &mut texts);
        }
    }
    for bind in service.binds() {
        // The folder may contain configuration files: `/etc/nginx/conf.d`.
        let is_read = bind.target.starts_with("/etc/") || names_path(service, &bind.target);
        let names = if is_read { files.names(&bind.source) } else { Vec::new() };
        let inside = names.iter().map(|name| below(&bind.source, name));
        let is_wanted = |path: &String| is_configuration(path) && *path != *service.key.place.path;
        for path in std::iter::once(bind.source.clone()).chain(inside).filter(is_wanted) {
            if let Ok(Some(text)) = files.text(&path) {
                let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
                texts.push((if is_yaml { without_images(&text) } else { text }, bind.place.clone()));
            }
        }
    }
    if let Some(file) = &service.image_file {
        let values = file.variables.iter().map(|(_, value, _)| value.clone());
        texts.extend(values.map(|value| (value, service.node.place.clone())));
    }
    texts
}

/// A YAML file without the names of images, whose tags are not ports: `image: postgres:15`, or `- redis:7` in the services
/// of a CI job.
fn without_images(text: &str) -> String {
    let mut out = String::new();
    let mut is_list = false;
    for line in text.split_inclusive('\n') {
        let item = line.trim();
        is_list = matches!(item, "services:") || is_list && (item.is_empty() || item.starts_with(['-', '#']));
        if is_list && item.starts_with('-') || item.starts_with("services:") && item.contains('[') {
            out.push('\n');
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("image:") {
            let is_key = rest[..at].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && !"-_".contains(c));
            let (before, after) = rest.split_at(at + "image:".len());
            out.push_str(before);
            rest = if is_key { &after[after.find([',', '}', '\n']).unwrap_or(after.len())..] } else { after };
        }
        out.push_str(rest);
    }
    out
}

/// Whether the command of a service, or that of its image, names a path under a folder.
fn names_path(service: &Service<'_>, folder: &str) -> bool {
    let below = format!("{folder}/");
    let mut own = Vec::new();
    for node in ["command", "entrypoint"].iter().filter_map(|key| service.get(key)) {
        collect(node, &mut own);
    }
    let image = service.image_file.iter().flat_map(|file| file.entrypoint.iter().chain(&file.command));
    own.iter().any(|(text, _)| text.contains(&below))
        || image.flat_map(|(words, _)| words).any(|word| word.contains(&below))
        || usual_words(service).iter().any(|word| word.contains(&below))
}

/// The maximum number of files in a mounted folder that are searched for references to services that are left out.
const MOST_CONFIGURATIONS: usize = 30;

/// The mounted file, or the files in the mounted folder, that contain the settings of a program.
pub fn configurations(bind: &Bind, files: &dyn Files) -> Vec<String> {
    if is_configuration(&bind.source) {
        return vec![bind.source.clone()];
    }
    // If the repository itself is mounted, it contains the source, not the settings.
    let names = if bind.source.is_empty() { Vec::new() } else { files.names(&bind.source) };
    let paths = names.iter().filter(|name| is_configuration(name)).map(|name| below(&bind.source, name));
    paths.take(MOST_CONFIGURATIONS).collect()
}

/// Whether a mounted file contains the settings of a program.
pub fn is_configuration(path: &str) -> bool {
    let name = paths::name(path);
    if is_of_tools(name) {
        return false;
    }
    let ends = [".conf", ".cfg", ".ini", ".yml", ".yaml", ".toml", ".json", ".properties", ".template", ".env"];
    ends.iter().any(|end| name.ends_with(end)) || name == "Caddyfile"
}

/// Whether a file is for Compose or for a package manager. The tag in `image: postgres:15` is not a port.
fn is_of_tools(name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let is_compose = ["compose", "docker-compose"]
        .iter()
        .any(|start| name.strip_prefix(start).is_some_and(|rest| rest.starts_with(['.', '-', '_'])));
    is_yaml && is_compose || matches!(name, "package-lock.json" | "npm-shrinkwrap.json" | "pnpm-lock.yaml")
}

fn collect(node: &Node, texts: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Scalar(scalar) => texts.push((scalar.text.clone(), node.place.clone())),
        Value::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| collect(value, texts)),
    }
}
