//! HAProxy's configuration: what needs root or refers to the image.

use std::collections::BTreeSet;

use crate::knowledge::containers::{HAPROXY_OF_IMAGE, HAPROXY_OF_ROOT, HAPROXY_SECTIONS};
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::folders::{host_path, working_folder};
use crate::migrate::compose::names::leading_number;
use crate::migrate::compose::stack::{self, Service};
use crate::migrate::compose::yaml::Place;
use crate::paths;

/// The lines of a configuration file with their numbers, each with the section that it is in.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    text.split_inclusive('\n').enumerate().map(move |(at, line)| {
        let name = line.split_whitespace().next().unwrap_or_default();
        if HAPROXY_SECTIONS.contains(&name) {
            section = name;
        }
        (at + 1, line, section)
    })
}

/// Whether a line is left out because the process runs in the foreground, as the current user, and without a chroot.
fn needs_root(line: &str, section: &str) -> bool {
    section == "global" && HAPROXY_OF_ROOT.contains(&line.split_whitespace().next().unwrap_or_default())
}

/// The lines that work without root, with their numbers.
pub fn kept_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    lines(text).filter(|(_, line, section)| !needs_root(line, section)).map(|(number, line, _)| (number, line))
}

/// The first port of a `bind` that is not one of the service's: it is not published, and its number does not change.
fn unregistered_port(service: &Service<'_>, words: &[&str], section: &str) -> Option<u16> {
    let ["bind", addresses, ..] = words else { return None };
    let is_server = matches!(section, "frontend" | "listen");
    let numbers = addresses.split(',').filter_map(|address| leading_number(address.rsplit_once(':')?.1));
    numbers.filter(|_| is_server).find(|number| service.port(*number).is_none())
}

/// Reports lines that refer to the image, and ports without a registry entry, in the files that the command names with
/// `-f`. The module's copies of files do not have the lines that need root, so these are reported only for files that
/// the process reads in the checkout.
pub fn notes(builder: &Builder<'_, '_>, service: &Service<'_>, arguments: &[String]) {
    let named = arguments.windows(2).filter(|pair| pair[0] == "-f").map(|pair| host_path(service, &pair[1]));
    let named: BTreeSet<String> = named.filter_map(|path| paths::join(&working_folder(service), &path)).collect();
    for path in named {
        let names = if builder.files().is_folder(&path) { builder.files().names(&path) } else { Vec::new() };
        let inside = names.iter().filter(|name| name.ends_with(".cfg")).map(|name| stack::below(&path, name));
        for file in std::iter::once(path.clone()).chain(inside) {
            let text = builder.files().text(&file).ok().flatten().unwrap_or_default();
            let is_copied = builder.is_rewritten(&file);
            for (number, line, section) in lines(&text) {
                let words: Vec<&str> = line.split_whitespace().collect();
                let known = HAPROXY_OF_IMAGE.iter().find(|known| {
                    let start: Vec<&str> = known.words.split(' ').collect();
                    known.section == section
                        && words
                            .strip_prefix(start.as_slice())
                            .is_some_and(|rest| rest.iter().any(|word| word.starts_with(known.value)))
                });
                let port;
                let (why, todo) = match known {
                    Some(known) => (known.why, known.todo),
                    None if !is_copied && needs_root(line, section) => {
                        ("it requires root, or works only in the image", "remove the line")
                    }
                    None => match unregistered_port(service, &words, section) {
                        Some(number) => {
                            port = format!("port {number} has no entry in the port registry");
                            (port.as_str(), "remove it, or add an entry with a free port and use that port here")
                        }
                        None => continue,
                    },
                };
                let place = Place { path: file.as_str().into(), line: number, column: 1 };
                let shown: String = line.trim().chars().take(60).collect();
                builder.leave(service, &place, "command", format!("`{shown}`: {why}"), todo);
            }
        }
    }
}
