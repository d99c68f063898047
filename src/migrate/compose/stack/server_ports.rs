//! The ports that the settings of a known server define: its arguments, its variables and its configuration files.

use std::collections::BTreeMap;

use super::{Role, Service, below};
use crate::knowledge::containers::server_ports::{self, PortSettings};
use crate::migrate::Files;
use crate::migrate::compose::starts;
use crate::migrate::compose::yaml::Node;

/// The maximum number of files in a mounted folder that are read.
const MOST_FILES: usize = 20;

/// The ports of a server that its settings change, by their default numbers.
pub(super) fn of(service: &Service<'_>, files: &dyn Files) -> BTreeMap<u16, u16> {
    let mut texts = None;
    let mut arguments = None;
    let mut found = BTreeMap::new();
    for (usual, settings) in settings(&service.role) {
        let arguments =
            arguments.get_or_insert_with(|| starts::server_arguments(service, server(&service.role), files));
        let in_files = || {
            let texts = texts.get_or_insert_with(|| texts_of(service, arguments, files));
            texts.iter().filter_map(|text| settings.in_file(text)).next_back()
        };
        let number = settings
            .in_arguments(arguments)
            .or_else(|| in_variables(service, &settings))
            .or_else(|| settings.has_keys().then(in_files).flatten());
        found.extend(number.filter(|number| *number != usual).map(|number| (usual, number)));
    }
    // Two ports of one server cannot have the same number, so neither of them is used.
    let mut numbers: Vec<u16> = found.values().copied().collect();
    numbers.sort_unstable();
    found.retain(|_, number| numbers.iter().filter(|other| *other == number).count() == 1);
    found
}

/// The default numbers of a server's ports, and what sets each of them.
pub fn settings(role: &Role) -> Vec<(u16, PortSettings)> {
    match role {
        // The configuration files of these define all of their ports.
        Role::Known(known) if matches!(known.option, "nginx" | "apache-kafka") => Vec::new(),
        Role::Known(known) => {
            let ports = known.ports.iter().map(|port| port.container);
            ports.map(|usual| (usual, PortSettings::of_service(known.option, usual))).collect()
        }
        Role::Package(package) => {
            let ports = package.ports.iter().map(|(number, _)| *number);
            ports.map(|usual| (usual, PortSettings::of_package(package, usual))).collect()
        }
        Role::Program | Role::Left(_) => Vec::new(),
    }
}

/// The name of a server in the tables of arguments and configuration keys.
fn server(role: &Role) -> &'static str {
    match role {
        Role::Known(known) => known.option,
        Role::Package(package) => package.package,
        Role::Program | Role::Left(_) => "",
    }
}

fn in_variables(service: &Service<'_>, settings: &PortSettings) -> Option<u16> {
    let own = service.get("environment").map_or(&[][..], Node::pairs);
    let own = own.iter().filter_map(|(key, value)| Some((key.name.as_str(), value.text()?)));
    let of_image = service.image_variables().map(|(name, value, _)| (name, value));
    let image = service.image().unwrap_or_default();
    let mut all = own.chain(of_image).filter(|(name, _)| settings.has_variable(name, image));
    all.find_map(|(_, value)| server_ports::number(value))
}

/// The texts of the configuration files in the repository that the server reads, in the order of their paths.
fn texts_of(service: &Service<'_>, arguments: &[String], files: &dyn Files) -> Vec<String> {
    let server = server(&service.role);
    let mut found = Vec::new();
    for bind in service.binds() {
        let names = if bind.source.is_empty() { Vec::new() } else { files.names(&bind.source) };
        let inside =
            names.iter().take(MOST_FILES).map(|name| (format!("{}/{name}", bind.target), below(&bind.source, name)));
        for (target, source) in std::iter::once((bind.target.clone(), bind.source.clone())).chain(inside) {
            let is_named = |word: &String| {
                let word = word.rsplit('=').next().unwrap_or(word);
                word == target || word.contains('.') && target.ends_with(&format!("/{word}"))
            };
            if server_ports::reads(server, &target) || arguments.iter().any(is_named) {
                found.extend(files.text(&source).ok().flatten().map(|text| (target, text)));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}
