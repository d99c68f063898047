//! Converts the short forms in a Compose file to long forms, so that files can be merged key by key.

use std::collections::HashMap;

use super::yaml::{Key, Node, Place, Scalar, Value};
use crate::migrate::Error;
use crate::paths;

/// Keys of a service whose value is a map or a list of `KEY=VALUE`.
const PAIRS: [&str; 5] = ["environment", "labels", "annotations", "sysctls", "extra_hosts"];
/// Keys of a service whose value is a list or a single scalar.
const LISTS: [&str; 9] =
    ["dns", "dns_opt", "dns_search", "tmpfs", "label_file", "profiles", "expose", "cap_add", "cap_drop"];

/// The maximum number of ports of a service. Each gets an entry in the registry, and a few bytes can specify ranges of
/// thousands.
const MOST_PORTS: usize = 2_000;

/// Rewrites a service in place. Its paths are relative to `folder`.
pub fn service(name: &str, node: &mut Node, folder: &str) -> Result<(), Error> {
    let place = node.place.clone();
    let Value::Map(pairs) = &mut node.value else {
        return Err(node.error(format!("the service `{name}` has to be a mapping, not {}", node.kind())));
    };
    for (key, value) in pairs.iter_mut() {
        if value.is_null() || value.tag.as_deref() == Some("reset") {
            continue;
        }
        match key.name.as_str() {
            key if PAIRS.contains(&key) => as_pairs(value, if key == "extra_hosts" { "=:" } else { "=" })?,
            key if LISTS.contains(&key) => as_list(value),
            "depends_on" => {
                names_as_map(value, |place| Node::map(place, [("condition", Node::scalar(place, "service_started"))]))
            }
            "networks" | "models" => names_as_map(value, Node::null),
            "build" => build(value, folder)?,
            "env_file" => env_files(value, folder)?,
            "ports" => ports(value)?,
            "volumes" => volumes(value, folder)?,
            "secrets" | "configs" => mounts(value),
            "healthcheck" => healthcheck(value)?,
            "extends" => extends(value, folder)?,
            _ => {}
        }
    }
    node.place = place;
    Ok(())
}

/// Rewrites a top-level `secrets` or `configs`. Paths become relative to the root.
pub fn files(node: &mut Node, folder: &str) {
    if let Value::Map(pairs) = &mut node.value {
        for (_, entry) in pairs {
            if let Value::Map(pairs) = &mut entry.value {
                for (_, file) in pairs.iter_mut().filter(|(key, _)| key.name == "file") {
                    resolve(file, folder);
                }
            }
        }
    }
}

/// Converts a path to one relative to the repository's root: `./x`. Absolute paths and paths in a home folder are not
/// changed. Paths that lead out of the repository begin with `../`.
pub fn resolved(folder: &str, path: &str) -> String {
    if path.starts_with(['/', '~', '$']) || path.contains("://") {
        return path.to_owned();
    }
    match paths::join(folder, path) {
        Some(inside) => format!("./{inside}"),
        None => format!("../{}", path.trim_start_matches("./").trim_start_matches("../")),
    }
}

fn resolve(node: &mut Node, folder: &str) {
    if let Value::Scalar(scalar) = &mut node.value {
        scalar.text = resolved(folder, &scalar.text);
        scalar.raw = None;
    }
}

fn as_pairs(node: &mut Node, separators: &str) -> Result<(), Error> {
    let Value::List(items) = &node.value else {
        return match node.value {
            Value::Map(_) => Ok(()),
            _ => Err(node.error("expected a mapping or a list of KEY=VALUE")),
        };
    };
    // If a name appears more than once, its last pair is used, at its own position.
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut pairs: Vec<Option<(Key, Node)>> = Vec::new();
    for item in items {
        let Value::Scalar(scalar) = &item.value else { return Err(item.error("expected KEY=VALUE")) };
        let separator = |c: char| separators.contains(c);
        let (name, value) = match scalar.text.split_once(separator) {
            Some((name, value)) => {
                let raw = scalar.raw.as_ref().and_then(|raw| raw.split_once(separator)).map(|(_, raw)| raw.to_owned());
                let scalar = Scalar { text: value.to_owned(), raw, plain: false };
                (name, Node { place: item.place.clone(), tag: None, value: Value::Scalar(scalar) })
            }
            None => (scalar.text.as_str(), Node::null(&item.place)),
        };
        if let Some(before) = places.insert(name.to_owned(), pairs.len()) {
            pairs[before] = None;
        }
        pairs.push(Some((Key { name: name.to_owned(), place: item.place.clone() }, value)));
    }
    node.value = Value::Map(pairs.into_iter().flatten().collect());
    Ok(())
}

fn as_list(node: &mut Node) {
    if let Value::Scalar(_) = node.value {
        let item = Node { tag: None, ..node.clone() };
        node.value = Value::List(vec![item]);
    }
}

fn names_as_map(node: &mut Node, value: impl Fn(&Place) -> Node) {
    as_list(node);
    if let Value::List(items) = &node.value {
        let pair =
            |item: &Node| Some((Key { name: item.text()?.to_owned(), place: item.place.clone() }, value(&item.place)));
        node.value = Value::Map(items.iter().filter_map(pair).collect());
    }
}

fn build(node: &mut Node, folder: &str) -> Result<(), Error> {
    if let Value::Scalar(_) = node.value {
        let context = Node { tag: None, ..node.clone() };
        *node = Node { tag: node.tag.clone(), ..Node::map(&node.place.clone(), [("context", context)]) };
    }
    let Value::Map(pairs) = &mut node.value else { return Err(node.error("`build` has to be a path or a mapping")) };
    for (key, value) in pairs.iter_mut() {
        match key.name.as_str() {
            "context" => resolve(value, folder),
            "args" | "labels" => as_pairs(value, "=")?,
            _ => {}
        }
    }
    Ok(())
}

fn env_files(node: &mut Node, folder: &str) -> Result<(), Error> {
    as_list(node);
    if let Value::List(items) = &mut node.value {
        for item in items {
            if let Value::Scalar(_) = item.value {
                *item = Node::map(&item.place.clone(), [("path", item.clone())]);
            }
            let Value::Map(pairs) = &mut item.value else { return Err(item.error("expected a path")) };
            pairs.iter_mut().filter(|(key, _)| key.name == "path").for_each(|(_, path)| resolve(path, folder));
        }
    }
    Ok(())
}

fn extends(node: &mut Node, folder: &str) -> Result<(), Error> {
    if let Value::Scalar(_) = node.value {
        *node = Node::map(&node.place.clone(), [("service", node.clone())]);
    }
    let Value::Map(pairs) = &mut node.value else { return Err(node.error("`extends` has to name a service")) };
    pairs.iter_mut().filter(|(key, _)| key.name == "file").for_each(|(_, file)| resolve(file, folder));
    Ok(())
}

fn healthcheck(node: &mut Node) -> Result<(), Error> {
    let Value::Map(pairs) = &mut node.value else { return Err(node.error("`healthcheck` has to be a mapping")) };
    for (key, value) in pairs.iter_mut() {
        if key.name == "test" && matches!(value.value, Value::Scalar(_)) && !value.is_null() {
            let items = vec![Node::scalar(&value.place, "CMD-SHELL"), Node { tag: None, ..value.clone() }];
            value.value = Value::List(items);
        }
    }
    Ok(())
}

/// Converts `secrets: [name]` to `[{ source: name }]`.
fn mounts(node: &mut Node) {
    as_list(node);
    if let Value::List(items) = &mut node.value {
        for item in items {
            if let Value::Scalar(_) = item.value {
                *item = Node::map(&item.place.clone(), [("source", item.clone())]);
            }
        }
    }
}

fn volumes(node: &mut Node, folder: &str) -> Result<(), Error> {
    let Value::List(items) = &mut node.value else { return Err(node.error("`volumes` has to be a list")) };
    for item in items {
        match &mut item.value {
            Value::Scalar(scalar) => {
                let volume = short_volume(&scalar.text);
                let place = item.place.clone();
                let mut pairs = vec![("type", Node::scalar(&place, volume.kind))];
                if let Some(source) = &volume.source {
                    let source = if volume.kind == "bind" { resolved(folder, source) } else { source.clone() };
                    pairs.push(("source", Node::scalar(&place, source)));
                }
                pairs.push(("target", Node::scalar(&place, volume.target)));
                if volume.options.iter().any(|option| option == "ro") {
                    let yes = Scalar { text: "true".to_owned(), raw: None, plain: true };
                    pairs.push(("read_only", Node { place: place.clone(), tag: None, value: Value::Scalar(yes) }));
                }
                *item = Node::map(&place, pairs);
            }
            Value::Map(pairs) => {
                let is_bind = pairs.iter().any(|(key, value)| key.name == "type" && value.text() == Some("bind"));
                let sources = pairs.iter_mut().filter(|(key, _)| is_bind && key.name == "source");
                sources.for_each(|(_, source)| resolve(source, folder));
            }
            Value::List(_) => return Err(item.error("a volume has to be a string or a mapping")),
        }
    }
    Ok(())
}

struct ShortVolume {
    kind: &'static str,
    source: Option<String>,
    target: String,
    options: Vec<String>,
}

/// Parses `[source:]target[:options]`. A source that is a path makes it a bind mount.
fn short_volume(text: &str) -> ShortVolume {
    let parts: Vec<&str> = text.split(':').collect();
    let is_path = |source: &str| source.starts_with(['.', '/', '~']);
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options, ..] => (Some(*source), *target, *options),
        [] => (None, "", ""),
    };
    ShortVolume {
        kind: if source.is_some_and(is_path) { "bind" } else { "volume" },
        source: source.filter(|source| !source.is_empty()).map(str::to_owned),
        target: target.to_owned(),
        options: options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect(),
    }
}

fn ports(node: &mut Node) -> Result<(), Error> {
    let Value::List(items) = &node.value else { return Err(node.error("`ports` has to be a list")) };
    let mut all = Vec::new();
    for item in items {
        match &item.value {
            Value::Scalar(scalar) => {
                let short = short_ports(&scalar.text)
                    .ok_or_else(|| item.error(format!("`{}` is not a valid port", scalar.text)))?;
                if all.len() + short.len() > MOST_PORTS {
                    let message = format!("the ranges of a service have more than {MOST_PORTS} ports");
                    return Err(item.error(message).help("publish only the ports that are used"));
                }
                all.extend(short.into_iter().map(|port| port.node(&item.place)));
            }
            Value::Map(_) => all.push(item.clone()),
            Value::List(_) => return Err(item.error("a port has to be a string or a mapping")),
        }
    }
    node.value = Value::List(all);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShortPort {
    host_ip: Option<String>,
    published: Option<String>,
    target: u16,
    protocol: String,
}

impl ShortPort {
    fn node(&self, place: &Place) -> Node {
        let mut pairs = Vec::new();
        if let Some(host_ip) = &self.host_ip {
            pairs.push(("host_ip", Node::scalar(place, host_ip.clone())));
        }
        if let Some(published) = &self.published {
            pairs.push(("published", Node::scalar(place, published.clone())));
        }
        pairs.push(("target", Node::scalar(place, self.target.to_string())));
        pairs.push(("protocol", Node::scalar(place, self.protocol.clone())));
        Node::map(place, pairs)
    }
}

/// Parses `[ip:][published:]target[/protocol]`. `published` and `target` may be ranges.
fn short_ports(text: &str) -> Option<Vec<ShortPort>> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol.to_ascii_lowercase().as_str(), "tcp" | "udp" | "sctp") {
        return None;
    }
    let (text, target) = text.rsplit_once(':').map_or(("", text), |(rest, target)| (rest, target));
    let (host_ip, published) = match text.rsplit_once(':') {
        Some((ip, published)) => (Some(ip.trim_matches(['[', ']'])), published),
        None if text.contains('.') || text.starts_with('[') => (Some(text.trim_matches(['[', ']'])), ""),
        None => (None, text),
    };
    let targets = range(target)?;
    let published = if published.is_empty() { None } else { Some(range(published)?) };
    if targets.len() > 1 && published.as_ref().is_some_and(|published| published.len() != targets.len()) {
        return None;
    }
    let port = |(at, target): (usize, u16)| {
        let published = published.as_ref().map(|published| match (targets.len(), published.as_slice()) {
            (1, [first, .., last]) => format!("{first}-{last}"),
            (_, numbers) => numbers[at].to_string(),
        });
        ShortPort {
            host_ip: host_ip.filter(|ip| !ip.is_empty()).map(str::to_owned),
            published,
            target,
            protocol: protocol.to_ascii_lowercase(),
        }
    };
    Some(targets.iter().copied().enumerate().map(port).collect())
}

fn range(text: &str) -> Option<Vec<u16>> {
    let number = |text: &str| text.trim().parse::<u16>().ok();
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| (first..=last).collect())
        }
        None => Some(vec![number(text)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ports_are_read() {
        let shown = |text: &str| {
            let ports = short_ports(text)?;
            let show = |port: ShortPort| {
                let (ip, published) = (port.host_ip.unwrap_or_default(), port.published.unwrap_or_default());
                format!("{ip}|{published}|{}|{}", port.target, port.protocol)
            };
            Some(ports.into_iter().map(show).collect::<Vec<_>>().join(" "))
        };
        for (text, expected) in [
            ("80", Some("||80|tcp")),
            ("8080:80", Some("|8080|80|tcp")),
            ("127.0.0.1:8080:80/udp", Some("127.0.0.1|8080|80|udp")),
            ("127.0.0.1::80", Some("127.0.0.1||80|tcp")),
            ("[::1]:8080:80", Some("::1|8080|80|tcp")),
            ("3000-3001", Some("||3000|tcp ||3001|tcp")),
            ("90-91:80-81", Some("|90|80|tcp |91|81|tcp")),
            ("8000-8010:80", Some("|8000-8010|80|tcp")),
            ("90-91:80-82", None),
            ("x:80", None),
            ("80/x", None),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn paths_become_relative_to_the_root() {
        for (folder, path, expected) in [
            ("a", "./b", "./a/b"),
            ("a", "../b", "./b"),
            ("a", "../../b", "../b"),
            ("", ".", "./"),
            ("a", "/etc", "/etc"),
            ("a", "~/x", "~/x"),
        ] {
            assert_eq!(resolved(folder, path), expected);
        }
    }
}
