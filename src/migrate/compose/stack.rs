//! The services of a project: what each one becomes, the ports that it listens on, and the names by which others refer
//! to it.

mod cycles;
mod file_variables;
mod ports;
mod role;
pub mod server_ports;
mod service;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

pub use self::service::{Bind, Port, Role, Service, usual_words};
use self::texts::texts;
pub use self::texts::{configurations, is_configuration};
use super::load::Model;
use super::names;
use super::yaml::{Key, Node, Place};
use crate::finding::RelPath;
use crate::knowledge::containers;
use crate::migrate::{Draft, Error, Files};

/// The services of a project.
pub struct Stack<'m> {
    /// The project.
    pub model: &'m Model,
    /// Its services, in the order of the files.
    pub services: Vec<Service<'m>>,
}

/// The maximum number of services of a project, and of variables of a service. The strings of each service are searched
/// for the names of all others, and variables are compared with each other.
const MOST_SERVICES: usize = 200;
const MOST_VARIABLES: usize = 1_000;

impl<'m> Stack<'m> {
    /// Reads a project and decides what its services become.
    pub fn of(model: &'m Model, files: &dyn Files) -> Result<Self, Error> {
        let mut services = Vec::new();
        let builds: BTreeMap<&str, &Node> =
            model.services().filter_map(|(_, node)| Some((node.some("image")?.text()?, node.some("build")?))).collect();
        for (key, node) in model.services() {
            if services.len() == MOST_SERVICES {
                return Err(super::yaml::error_at(
                    &key.place,
                    format!("the project has more than {MOST_SERVICES} services"),
                ));
            }
            if let Some(variables) = node.get("environment").filter(|node| node.pairs().len() > MOST_VARIABLES) {
                return Err(
                    variables.error(format!("the service `{}` has more than {MOST_VARIABLES} variables", key.name))
                );
            }
            // A service whose keys were all `!reset` becomes one that is not carried over, like any other without an image.
            if node.pairs().is_empty() && node.tag.as_deref() != Some("reset") {
                return Err(super::yaml::error_at(
                    &key.place,
                    format!("the service `{}` has neither an image nor a build", key.name),
                ));
            }
            let image = node.some("image").and_then(Node::text);
            let build = node.some("build").or_else(|| builds.get(image?).copied());
            services.push(service(key, node, build, files)?);
        }
        let mut stack = Self { model, services };
        stack.refuse_cycles()?;
        stack.drop_shared_ports();
        stack.name_processes();
        stack.add_asked_ports(files);
        Ok(stack)
    }

    /// The service with a host name.
    pub fn by_host(&self, name: &str) -> Option<&Service<'m>> {
        self.services.iter().find(|service| service.names.iter().any(|known| known == name))
    }

    /// The service with a name.
    pub fn by_name(&self, name: &str) -> Option<&Service<'m>> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Gives another process name to services whose names are reserved for services-flake's helper processes.
    fn name_processes(&mut self) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for service in self.services.iter().filter(|service| matches!(service.role, Role::Known(_))) {
            taken.extend(["-init", "-configure", "-models", "-password"].map(|end| format!("{}{end}", service.name)));
        }
        let names: BTreeSet<&str> = self.services.iter().map(|service| service.name).collect();
        for service in &mut self.services {
            if taken.contains(service.name) {
                let numbered = (2..100).map(|count| format!("{}-task-{count}", service.name));
                let mut free = std::iter::once(format!("{}-task", service.name)).chain(numbered);
                let free = free.find(|name| !taken.contains(name) && !names.contains(name.as_str()));
                service.process = free.unwrap_or_else(|| service.name.to_owned());
            }
        }
    }

    /// Removes the ports that a service inherits from its Dockerfile if another service with the same Dockerfile
    /// publishes or exposes them: the worker of a web application does not listen.
    fn drop_shared_ports(&mut self) {
        let declares = |service: &Service<'_>| service.get("ports").or(service.get("expose")).is_some();
        let published: Vec<(String, u16)> = self
            .services
            .iter()
            .filter(|service| declares(service))
            .filter_map(|service| Some((service, service.image_file.as_ref()?.path.clone())))
            .flat_map(|(service, path)| service.ports.iter().map(move |port| (path.clone(), port.container)))
            .collect();
        for service in self.services.iter_mut().filter(|service| !declares(service)) {
            let Some(file) = &service.image_file else { continue };
            service
                .ports
                .retain(|port| !published.iter().any(|(path, number)| *path == file.path && *number == port.container));
        }
    }

    /// Adds the ports that other services connect to even though the service itself does not declare them.
    fn add_asked_ports(&mut self, files: &dyn Files) {
        let mut asked: Vec<(usize, u16, Place)> = Vec::new();
        for service in &self.services {
            for (text, place) in texts(service, files) {
                for (index, other) in self.services.iter().enumerate() {
                    let numbers = other.names.iter().flat_map(|name| names::ports_of(&text, name));
                    asked.extend(numbers.map(|number| (index, number, place.clone())));
                }
            }
        }
        for (index, number, place) in asked {
            let service = &mut self.services[index];
            if service.port(number).is_none() {
                let label = if service.ports.is_empty() { String::new() } else { format!("port-{number}") };
                let protocol = "tcp".to_owned();
                service.ports.push(Port {
                    container: number,
                    usual: number,
                    published: None,
                    number,
                    label,
                    protocol,
                    place,
                    is_registered: false,
                    is_reported: false,
                });
            }
        }
    }

    /// Claims a number in the registry for every port, and reports the ports whose number changed.
    ///
    /// Published numbers come first, because they are used from outside.
    pub fn claim(&mut self, draft: &mut Draft<'_>, told: &BTreeMap<(usize, u16), bool>) {
        for is_published in [true, false] {
            self.claim_some(draft, told, is_published);
        }
    }

    fn claim_some(&mut self, draft: &mut Draft<'_>, told: &BTreeMap<(usize, u16), bool>, is_published: bool) {
        for (index, service) in self.services.iter_mut().enumerate().filter(|(_, service)| service.is_carried()) {
            let words: Vec<String> = words_for(&service.role, service.text("image"));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            for (place, port) in service.ports.iter_mut().enumerate() {
                if port.published.is_some() != is_published {
                    continue;
                }
                let is_program = service.role == Role::Program;
                let is_told = !is_program || told.get(&(index, port.container)).copied().unwrap_or(false);
                let is_told_package = matches!(service.role, Role::Package(_))
                    && told.get(&(index, port.container)).copied().unwrap_or(false);
                let is_settable = is_told_package || is_settable(&service.role, port.usual);
                if !is_settable || (is_program && !is_told && place > 0) {
                    report_fixed(draft, service.name, &service.role, port);
                    if port.place != service.key.place {
                        claim_fixed(draft, service.name, &service.key.place.path, &words, port);
                    }
                    continue;
                }
                // services-flake's probe of MongoDB always connects to this number.
                let is_fixed = matches!(&service.role, Role::Known(known) if known.option == "mongodb");
                let wanted = match port.published {
                    _ if is_fixed => port.usual,
                    Some(published) if is_told => published,
                    // Only root may listen on ports below 1024, and this one is not used from outside.
                    None if is_told && port.container < 1024 => 8000 + port.container,
                    // The process may not listen on the program's usual port, and has to be configured for another one.
                    published if !is_told && port.container < 1024 => {
                        published.filter(|number| *number >= 1024).unwrap_or(8000 + port.container)
                    }
                    _ => port.container,
                };
                let claimed = draft.ports.claim(wanted, service.name, &port.label, &words, &service.key.place.path);
                port.number = claimed.number;
                port.is_registered = true;
                let what = format!("services.{}.ports.{}", service.name, port.container);
                if port.number < 1024 {
                    let why =
                        format!("on Linux only root may listen on port {}, and the process runs as you", port.number);
                    let todo = "change it to a number above 1023 in the port registry";
                    draft.report.leave(&port.place.path, port.place.line, what.clone(), why, todo);
                }
                if let Some(owner) = claimed.taken_by {
                    // No client outside Compose uses a port that is not published.
                    if port.published.is_some() {
                        let why = format!("port {wanted} already belongs to `{owner}`, so {} is used", claimed.number);
                        let before = port.published.unwrap_or(wanted);
                        let todo =
                            format!("use port {} wherever clients outside Compose used {before}", claimed.number);
                        draft.report.leave(&port.place.path, port.place.line, what, why, todo);
                    }
                } else if let Some(published) = port.published.filter(|published| *published != wanted)
                    && is_told
                {
                    let (why, todo) = not_reachable(wanted, published);
                    draft.report.leave(&port.place.path, port.place.line, what, why, todo);
                }
            }
        }
    }
}

/// Why a program is not reachable on the port that Compose publishes, and what to do.
pub fn not_reachable(number: u16, published: u16) -> (String, String) {
    let why = format!(
        "the program listens on {number} and nothing configures a different port, so it is not reachable on {published}"
    );
    (why, format!("use {number}, or make the program read its port from a variable"))
}

/// Reports a published port of a program whose number cannot be changed.
fn report_fixed(draft: &mut Draft<'_>, name: &str, role: &Role, port: &mut Port) {
    let (Role::Package(_) | Role::Program, Some(published)) = (role, port.published) else { return };
    if published != port.container {
        let why =
            format!("nothing passes port {} to the program, so it is not reachable on {published}", port.container);
        let what = format!("services.{name}.ports.{}", port.container);
        let todo = match port.container < 1024 {
            true => {
                format!("set the port in the program's configuration: on Linux only root may use {}", port.container)
            }
            false => format!("set the port in the program's configuration, or use {}", port.container),
        };
        port.is_reported = true;
        draft.report.leave(&port.place.path, port.place.line, what, why, todo);
    }
}

/// Claims the number of a port that cannot be changed, or reports that another service has it.
fn claim_fixed(draft: &mut Draft<'_>, name: &str, path: &RelPath, words: &[&str], port: &mut Port) {
    let owner = draft.ports.taken_by(port.container, name, words);
    // The program needs another port anyway.
    if owner.is_some() && port.is_reported {
        return;
    }
    if let Some(owner) = owner {
        let why = format!(
            "port {} already belongs to `{owner}`, and nothing sets a different port for the program",
            port.container
        );
        let what = format!("services.{name}.ports.{}", port.container);
        let todo = "set another port in the program's own configuration";
        port.is_reported = true;
        return draft.report.leave(&port.place.path, port.place.line, what, why, todo);
    }
    draft.ports.claim(port.container, name, &port.label, words, path);
    port.is_registered = true;
}

/// The port of Kafka's controller.
pub const KAFKA_CONTROLLER: u16 = 9093;

/// Whether the number of one of a service's ports can be set.
fn is_settable(role: &Role, usual: u16) -> bool {
    match role {
        Role::Known(known) if known.option == "nginx" => true,
        Role::Known(known) if known.option == "apache-kafka" && usual == KAFKA_CONTROLLER => true,
        Role::Known(known) => known.ports.iter().any(|port| port.container == usual),
        Role::Package(package) => package.sets(usual),
        Role::Program => true,
        Role::Left(_) => false,
    }
}

/// The words that may appear in the name of a registry entry for a service.
fn words_for(role: &Role, image: Option<&str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Some(image) = image {
        words.extend(containers::repository(image).rsplit('/').next().map(str::to_owned));
    }
    match role {
        Role::Known(service) => words.push(service.option.to_owned()),
        Role::Package(package) => words.push(package.package.to_owned()),
        _ => {}
    }
    words
}

/// The path of a file in a folder. `folder` is empty for the root of the repository.
pub fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a service that is built becomes a services-flake service, because its image is based on a server image.
pub fn is_built_on_service(key: &Key, node: &Node, files: &dyn Files) -> bool {
    let service = service(key, node, node.some("build"), files);
    service.is_ok_and(|service| matches!(service.role, Role::Known(_)))
}

fn service<'m>(key: &'m Key, node: &'m Node, build: Option<&'m Node>, files: &dyn Files) -> Result<Service<'m>, Error> {
    let mut service = Service {
        name: &key.name,
        process: key.name.clone(),
        key,
        node,
        build,
        role: Role::Program,
        ports: Vec::new(),
        names: Vec::new(),
        image_file: None,
        file_variables: BTreeMap::new(),
    };
    if let Some(build) = service.build {
        service.image_file = role::dockerfile(&service, build, files);
    }
    service.file_variables = file_variables::file_variables(&service, files);
    service.role = role::role(&service, files);
    service.ports = ports::ports(&service, files)?;
    service.names = names(&service);
    Ok(service)
}

/// The host names of a service: its own name, `container_name`, `hostname`, and the aliases in its networks.
fn names(service: &Service<'_>) -> Vec<String> {
    let mut names = vec![service.name.to_owned()];
    names.extend(["container_name", "hostname"].iter().filter_map(|key| service.text(key)).map(str::to_owned));
    for (_, network) in service.get("networks").map_or(&[][..], Node::pairs) {
        let aliases = network.get("aliases").map_or(&[][..], Node::items);
        names.extend(aliases.iter().filter_map(Node::text).map(str::to_owned));
        names.extend(network.get("ipv4_address").and_then(Node::text).map(str::to_owned));
    }
    names
}
