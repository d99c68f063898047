//! The volumes that a service takes over from others with `volumes_from`.

use std::collections::BTreeSet;

use super::load::Model;
use super::yaml::{Key, Node, Value};

/// The maximum number of volumes of a service, including those of others.
const MOST_VOLUMES: usize = 200;

/// The service in an item of `volumes_from`: `data`, `data:ro`, `container:data`.
pub fn name_of(item: &Node) -> Option<&str> {
    let text = item.text()?;
    let text = text.strip_prefix("container:").unwrap_or(text);
    text.split(':').next()
}

/// The service with this name, or else with this `container_name`.
fn service<'m>(model: &'m Model, name: &str) -> Option<&'m Node> {
    let by_name = model.services().find(|(key, _)| key.name == name);
    let is_container = |node: &Node| node.some("container_name").and_then(Node::text) == Some(name);
    by_name.or_else(|| model.services().find(|(_, node)| is_container(node))).map(|(_, node)| node)
}

/// Adds the volumes of other services to the services that take them over.
pub fn resolve(model: &mut Model) {
    let taken: Vec<(String, Vec<Node>)> = model
        .services()
        .filter(|(_, node)| node.some("volumes_from").is_some())
        .map(|(key, node)| (key.name.clone(), volumes_of(model, node)))
        .collect();
    let Value::Map(root) = &mut model.root.value else { return };
    let services = root.iter_mut().find(|(key, _)| key.name == "services");
    let Some(Value::Map(services)) = services.map(|(_, node)| &mut node.value) else { return };
    for (name, volumes) in taken.into_iter().filter(|(_, volumes)| !volumes.is_empty()) {
        let service = services.iter_mut().find(|(key, _)| key.name == name);
        let Some((Key { place, .. }, Node { value: Value::Map(settings), .. })) = service else { continue };
        settings.retain(|(key, _)| key.name != "volumes");
        let key = Key { name: "volumes".to_owned(), place: place.clone() };
        settings.push((key, Node { place: place.clone(), tag: None, value: Value::List(volumes) }));
    }
}

/// The volumes of a service, followed by those that it takes over. If several have the same target, the first one
/// counts. The volumes of each service are added only once, so cycles end.
fn volumes_of(model: &Model, node: &Node) -> Vec<Node> {
    let own = node.some("volumes").map_or(&[][..], Node::items);
    let mut found = own.to_vec();
    let target = |node: &Node| node.get("target").and_then(Node::text).map(str::to_owned);
    let mut targets: BTreeSet<Option<String>> = own.iter().map(target).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let names = |node| Node::some(node, "volumes_from").map_or(&[][..], Node::items).iter().rev().filter_map(name_of);
    // The search is depth-first, so the next service is at the end.
    let mut rest: Vec<&str> = names(node).collect();
    while let Some(name) = rest.pop() {
        let Some(other) = seen.insert(name).then(|| service(model, name)).flatten() else { continue };
        for volume in other.some("volumes").map_or(&[][..], Node::items) {
            if found.len() < MOST_VOLUMES && targets.insert(target(volume)) {
                found.push(volume.clone());
            }
        }
        rest.extend(names(other).filter(|name| !seen.contains(name)));
    }
    found
}
