//! The ports that a service declares.

use std::collections::HashMap;

use super::{Port, Role, Service, server_ports};
use crate::knowledge::containers;
use crate::migrate::compose::yaml::{Node, Place};
use crate::migrate::{Error, Files};

/// The ports of a service: those of its role, those in the Compose file, or else those in its Dockerfile.
pub(super) fn ports(service: &Service<'_>, files: &dyn Files) -> Result<Vec<Port>, Error> {
    let set = server_ports::of(service, files);
    let mut declared = Declared {
        key: service.key.place.clone(),
        usual: set.iter().map(|(usual, number)| (*number, *usual)).collect(),
        ports: Vec::new(),
        places: HashMap::new(),
    };
    let number = |usual: u16| set.get(&usual).copied().unwrap_or(usual);
    match &service.role {
        Role::Known(known) => {
            // The main port comes first, and exists whether it is published or not.
            let main = known.ports.iter().find(|port| port.label.is_empty()).or(known.ports.first());
            if let Some(main) = main {
                declared.add(number(main.container), None, "tcp", &service.key.place);
            }
            for number in set.values() {
                declared.add(*number, None, "tcp", &service.key.place);
            }
        }
        Role::Package(package) => {
            for (container, _) in package.ports {
                declared.add(number(*container), None, "tcp", &service.key.place);
            }
        }
        // Other ports that the service publishes are not those of PHP's FastCGI server.
        Role::Program => {
            if let Some(port) = fpm_port(service) {
                declared.add(port, None, "tcp", &service.key.place);
            }
        }
        _ => {}
    }
    for item in service.get("ports").map_or(&[][..], Node::items) {
        let target = item.get("target").and_then(Node::text).and_then(|text| text.parse().ok());
        let target: u16 =
            target.filter(|target| *target > 0).ok_or_else(|| item.error("expected a port from 1 to 65535"))?;
        let published = item.get("published").and_then(Node::text);
        let first = published.and_then(|text| text.split('-').next()?.parse().ok()).filter(|number| *number > 0);
        let protocol = item.get("protocol").and_then(Node::text).unwrap_or("tcp");
        declared.add(target, first, protocol, &item.place);
    }
    for item in service.get("expose").map_or(&[][..], Node::items) {
        let text = item.text().unwrap_or_default().split('/').next().unwrap_or_default();
        if let Ok(number) = text.parse::<u16>() {
            declared.add(number, None, "tcp", &item.place);
        }
    }
    if declared.ports.is_empty()
        && let Some(file) = &service.image_file
    {
        for number in &file.exposed {
            declared.add(*number, None, "tcp", &service.key.place);
        }
    }
    if declared.ports.is_empty()
        && service.role == Role::Program
        && let Some(port) = service.image().and_then(containers::base_server).and_then(|server| server.port)
    {
        declared.add(port, None, "tcp", &service.key.place);
    }
    label(&mut declared.ports, &service.role);
    Ok(declared.ports)
}

/// The port of PHP's FastCGI server, if a service runs the one of its base image.
fn fpm_port(service: &Service<'_>) -> Option<u16> {
    let server = service.image().and_then(containers::base_server).filter(|server| server.command == ["php-fpm"])?;
    let sets_command = |key: &str| service.get(key).is_some();
    let of_image = service.image_file.as_ref();
    let is_changed = sets_command("command")
        || sets_command("entrypoint")
        || of_image.is_some_and(|file| file.entrypoint.is_some())
        || of_image.and_then(|file| file.command.as_ref()).is_some_and(|(words, _)| words != &["php-fpm"]);
    server.port.filter(|_| !is_changed)
}

/// The ports of a service so far. Each number occurs once.
struct Declared {
    /// The position of the service, used for ports that only its image declares.
    key: Place,
    ports: Vec<Port>,
    /// The index of the port with each number.
    places: HashMap<u16, usize>,
    /// The default numbers of the ports that the server's settings change, by their new numbers.
    usual: HashMap<u16, u16>,
}

impl Declared {
    fn add(&mut self, container: u16, published: Option<u16>, protocol: &str, place: &Place) {
        if let Some(&at) = self.places.get(&container) {
            let port = &mut self.ports[at];
            port.published = port.published.or(published);
            if port.place == self.key {
                port.place = place.clone();
            }
            return;
        }
        self.places.insert(container, self.ports.len());
        self.ports.push(Port {
            container,
            usual: self.usual.get(&container).copied().unwrap_or(container),
            published,
            number: container,
            label: String::new(),
            protocol: protocol.to_owned(),
            place: place.clone(),
            is_registered: false,
            is_reported: false,
        });
    }
}

/// Sets the labels that distinguish the ports of a service.
fn label(ports: &mut [Port], role: &Role) {
    let known = |usual: u16| match role {
        Role::Known(known) => known.ports.iter().find(|port| port.container == usual).map(|port| port.label),
        Role::Package(package) => package.ports.iter().find(|port| port.0 == usual).map(|port| port.1),
        _ => None,
    };
    let mut main_is_taken = false;
    for port in ports {
        port.label = match known(port.usual) {
            Some(label) => label.to_owned(),
            None if main_is_taken || !matches!(role, Role::Program) => format!("port-{}", port.container),
            None => String::new(),
        };
        main_is_taken |= port.label.is_empty();
    }
}
