//! The variables in an `env_file` that a program reads which waits for other services.

use std::collections::BTreeMap;

use super::Service;
use crate::migrate::Files;
use crate::migrate::compose::interpolate;
use crate::migrate::compose::yaml::Node;

/// The variables in the `env_file`s of a service, if its command may wait and thus depend on them.
pub(super) fn file_variables(service: &Service<'_>, files: &dyn Files) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let texts = |node: &Node| node.text().is_some_and(waits) || node.items().iter().filter_map(Node::text).any(waits);
    let of_compose = ["entrypoint", "command"].iter().filter_map(|key| service.get(key)).any(texts);
    let of_image = ["entrypoint", "command"].iter().filter_map(|key| service.of_image(key));
    if !of_compose && !of_image.flat_map(|(words, _)| words).any(|word| waits(word)) {
        return found;
    }
    for item in service.get("env_file").map_or(&[][..], Node::items) {
        let path = item.get("path").and_then(Node::text).and_then(|path| path.strip_prefix("./"));
        let Some(text) = path.and_then(|path| files.text(path).ok().flatten()) else { continue };
        found.extend(interpolate::read_env_item(item, &text, &interpolate::Variables::new()).unwrap_or_default());
    }
    found
}

/// Whether a word of a command may be, or contain, a program that waits.
fn waits(word: &str) -> bool {
    word.contains("wait") || word.contains("dockerize")
}
