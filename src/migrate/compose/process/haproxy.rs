//! Lines of HAProxy's configuration that need root, or refer to the image.

use super::{host_path, working_folder};
use crate::knowledge::containers::HAPROXY_OF_IMAGE;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::{self, Service};
use crate::migrate::compose::yaml::Place;
use crate::paths;

/// Reports these lines in the files that the command names with `-f`.
pub fn notes(builder: &Builder<'_, '_>, service: &Service<'_>, arguments: &[String]) {
    let named = arguments.windows(2).filter(|pair| pair[0] == "-f").map(|pair| host_path(service, &pair[1]));
    for path in named.filter_map(|path| paths::join(&working_folder(service), &path)) {
        let names = if builder.files().is_folder(&path) { builder.files().names(&path) } else { Vec::new() };
        let inside = names.iter().filter(|name| name.ends_with(".cfg")).map(|name| stack::below(&path, name));
        for file in std::iter::once(path.clone()).chain(inside) {
            let text = builder.files().text(&file).ok().flatten().unwrap_or_default();
            for (number, line) in text.lines().enumerate() {
                let line = line.trim();
                let known = HAPROXY_OF_IMAGE.iter().find(|(start, ..)| starts_with_words(line, start));
                let Some((_, why, todo)) = known else { continue };
                let place = Place { path: file.as_str().into(), line: number + 1, column: 1 };
                let shown: String = line.chars().take(60).collect();
                builder.leave(service, &place, "command", format!("`{shown}`: {why}"), *todo);
            }
        }
    }
}

/// Whether a line begins with some words.
fn starts_with_words(line: &str, words: &str) -> bool {
    let mut line = line.split_whitespace();
    words.split(' ').all(|word| line.next() == Some(word))
}
