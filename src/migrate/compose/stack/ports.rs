//! The ports that a service declares.

use super::{Port, Role, Service};
use crate::migrate::Error;
use crate::migrate::compose::yaml::{Node, Place};

/// The ports of a service: those that its role has, those of the Compose file, else those of its Dockerfile.
pub(super) fn ports(service: &Service<'_>) -> Result<Vec<Port>, Error> {
    let mut ports: Vec<Port> = Vec::new();
    match &service.role {
        Role::Known(known) => {
            // The main port comes first, and is there whether it is published or not.
            let main = known.ports.iter().find(|port| port.label.is_empty()).or(known.ports.first());
            if let Some(main) = main {
                add_port(&mut ports, main.container, None, "tcp", &service.key.place);
            }
        }
        Role::Package(package) => {
            for (container, _) in package.ports {
                add_port(&mut ports, *container, None, "tcp", &service.key.place);
            }
        }
        _ => {}
    }
    for item in service.get("ports").map_or(&[][..], Node::items) {
        let target = item.get("target").and_then(Node::text).and_then(|text| text.parse().ok());
        let target: u16 =
            target.filter(|target| *target > 0).ok_or_else(|| item.error("a port from 1 to 65535 is needed"))?;
        let published = item.get("published").and_then(Node::text);
        let first = published.and_then(|text| text.split('-').next()?.parse().ok()).filter(|number| *number > 0);
        let protocol = item.get("protocol").and_then(Node::text).unwrap_or("tcp");
        add_port(&mut ports, target, first, protocol, &item.place);
    }
    for item in service.get("expose").map_or(&[][..], Node::items) {
        let text = item.text().unwrap_or_default().split('/').next().unwrap_or_default();
        if let Ok(number) = text.parse::<u16>() {
            add_port(&mut ports, number, None, "tcp", &item.place);
        }
    }
    if ports.is_empty()
        && let Some(file) = &service.image_file
    {
        for number in &file.exposed {
            add_port(&mut ports, *number, None, "tcp", &service.key.place);
        }
    }
    label(&mut ports, &service.role);
    Ok(ports)
}

fn add_port(ports: &mut Vec<Port>, container: u16, published: Option<u16>, protocol: &str, place: &Place) {
    match ports.iter_mut().find(|port| port.container == container) {
        Some(port) => port.published = port.published.or(published),
        None => ports.push(Port {
            container,
            published,
            number: container,
            label: String::new(),
            protocol: protocol.to_owned(),
            place: place.clone(),
        }),
    }
}

/// Which of its service's ports each one is.
fn label(ports: &mut [Port], role: &Role) {
    let known = |container: u16| match role {
        Role::Known(known) => known.ports.iter().find(|port| port.container == container).map(|port| port.label),
        Role::Package(package) => package.ports.iter().find(|port| port.0 == container).map(|port| port.1),
        _ => None,
    };
    let mut main_is_taken = false;
    for port in ports {
        port.label = match known(port.container) {
            Some(label) => label.to_owned(),
            None if main_is_taken || !matches!(role, Role::Program) => format!("port-{}", port.container),
            None => String::new(),
        };
        main_is_taken |= port.label.is_empty();
    }
}
