//! The services of a project: what each one becomes, the ports that it listens on, and the names by which others refer
//! to it.

mod cycles;
mod ports;
mod role;
pub mod server_ports;

use std::collections::{BTreeMap, BTreeSet};

use super::image_file::{self, ImageFile};
use super::load::Model;
use super::names;
use super::yaml::{Key, Node, Place, Value};
use crate::finding::RelPath;
use crate::knowledge::containers::{self, PackageImage, ServiceImage};
use crate::migrate::{Draft, Error, Files};
use crate::paths;

/// The services of a project.
pub struct Stack<'m> {
    /// The project.
    pub model: &'m Model,
    /// Its services, in the order of the files.
    pub services: Vec<Service<'m>>,
}

/// A service of a project.
pub struct Service<'m> {
    /// Its name.
    pub name: &'m str,
    /// The name of its process.
    pub process: String,
    /// The key of the service in the file.
    pub key: &'m Key,
    /// Its settings.
    pub node: &'m Node,
    /// The `build` of its image: its own, or that of a service with the same image.
    pub build: Option<&'m Node>,
    /// What it becomes.
    pub role: Role,
    /// The ports that it listens on.
    pub ports: Vec<Port>,
    /// Host names by which others refer to it.
    pub names: Vec<String>,
    /// Its Dockerfile, if its image is built.
    pub image_file: Option<ImageFile>,
}

/// What a service becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// An instance of a service in services-flake.
    Known(&'static ServiceImage),
    /// A process that runs a nixpkgs package.
    Package(&'static PackageImage),
    /// A process that runs a program from the repository or from nixpkgs.
    Program,
    /// Nothing, for this reason.
    Left(String),
}

/// A port that a service listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The number inside the container.
    pub container: u16,
    /// The number that the server listens on by default. The tables of options and arguments name its ports by it.
    pub usual: u16,
    /// The number on the host, if it is published under a fixed number.
    pub published: Option<u16>,
    /// The number of the registry entry.
    pub number: u16,
    /// The label that distinguishes it from the service's other ports. Empty for the main port.
    pub label: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The position at which it is declared.
    pub place: Place,
    /// Whether the registry has an entry with its number.
    pub is_registered: bool,
}

impl<'m> Service<'m> {
    /// A setting that is not null.
    pub fn get(&self, key: &str) -> Option<&'m Node> {
        self.node.some(key)
    }

    /// The text of a setting.
    pub fn text(&self, key: &str) -> Option<&'m str> {
        self.get(key)?.text()
    }

    /// Its image: the one that its Dockerfile is based on, or else the one that it names.
    pub fn image(&self) -> Option<&str> {
        self.image_file.as_ref().map(|file| file.base.as_str()).or(self.text("image"))
    }

    /// The last component of the name of its image: `redis` for `docker.io/library/redis:7`.
    pub fn image_name(&self) -> Option<&str> {
        containers::repository(self.image()?).rsplit('/').next()
    }

    /// The words of ENTRYPOINT or CMD of its Dockerfile and their line, if the Compose file does not override them.
    pub fn of_image(&self, key: &str) -> Option<&(Vec<String>, usize)> {
        let file = self.image_file.as_ref()?;
        match key {
            _ if self.get(key).is_some() => None,
            "entrypoint" => file.entrypoint.as_ref(),
            // An entrypoint in the Compose file clears the command of the image.
            _ => file.command.as_ref().filter(|_| self.get("entrypoint").is_none()),
        }
    }

    /// The variables that its Dockerfile sets and the Compose file does not: name, value and line.
    pub fn image_variables(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        let own: BTreeSet<&str> =
            self.get("environment").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.as_str()).collect();
        let all = self.image_file.iter().flat_map(|file| &file.variables);
        all.filter(move |(name, ..)| !own.contains(name.as_str()) && name != "PATH")
            .map(|(name, value, line)| (name.as_str(), value.as_str(), *line))
    }

    /// A line in its Dockerfile, for reports.
    pub fn dockerfile(&self, line: usize) -> Place {
        let path = self.image_file.as_ref().map(|file| file.path.as_str()).unwrap_or_default();
        Place { path: path.into(), line, column: 1 }
    }

    /// The port with this number inside the container. All of Kafka's listeners for clients count as one port.
    pub fn port(&self, container: u16) -> Option<&Port> {
        let found = self.ports.iter().find(|port| port.container == container)?;
        let is_listener = |port: &&Port| port.container != KAFKA_CONTROLLER;
        if self.is_kafka() && is_listener(&found) { self.ports.iter().find(is_listener) } else { Some(found) }
    }

    /// The port that the server listens on under this number by default, whatever its settings say.
    pub fn usual_port(&self, usual: u16) -> Option<&Port> {
        self.ports.iter().find(|port| port.usual == usual)
    }

    /// Whether it is Kafka, whose listeners for clients become one port.
    pub fn is_kafka(&self) -> bool {
        matches!(&self.role, Role::Known(known) if known.option == "apache-kafka")
    }

    /// Whether it is migrated.
    pub fn is_carried(&self) -> bool {
        !matches!(self.role, Role::Left(_))
    }

    /// The folder of its build context, relative to the root. Empty for the root itself.
    pub fn context(&self) -> Option<&str> {
        let context = self.build?.get("context").and_then(Node::text).unwrap_or("./");
        Some(context.strip_prefix("./")?.trim_end_matches('/'))
    }

    /// The bind mounts. If a known image is built with additional files, these files are included.
    pub fn binds(&self) -> Vec<Bind> {
        let items = self.get("volumes").map_or(&[][..], Node::items);
        let mounted = items.iter().filter_map(|item| {
            let source = item.get("source").and_then(Node::text)?.strip_prefix("./")?.trim_end_matches('/').to_owned();
            let target = item.get("target").and_then(Node::text)?.trim_end_matches('/').to_owned();
            let is_bind = item.get("type").and_then(Node::text) == Some("bind");
            is_bind.then(|| Bind { source, target, place: item.place.clone(), is_copied: false })
        });
        let copied = self.image_file.iter().filter(|_| self.runs_base()).flat_map(|file| {
            let place = Place { path: file.path.as_str().into(), line: 1, column: 1 };
            file.copies.iter().filter_map(move |(from, to)| {
                let source = paths::join(self.context()?, from)?;
                // A file that is copied into a folder keeps its name.
                let name = from.rsplit('/').next().unwrap_or(from);
                let into_folder = to.ends_with('/') && name.contains('.') && name != ".";
                let target = if into_folder { format!("{to}{name}") } else { to.trim_end_matches('/').to_owned() };
                Some(Bind { source, target, place: place.clone(), is_copied: true })
            })
        });
        mounted.chain(copied).chain(self.built()).collect()
    }

    /// Whether its image only adds files to the one that it is based on.
    fn runs_base(&self) -> bool {
        let is_usual = |name: &str| containers::USUAL.iter().any(|(program, _)| *program == name);
        self.role != Role::Program || self.image_name().is_some_and(is_usual)
    }

    /// Folders in the checkout that other stages of the Dockerfile build for the image.
    fn built(&self) -> Vec<Bind> {
        let file = self.image_file.iter().filter(|_| self.runs_base());
        let built = file.flat_map(|file| file.built.iter().map(move |built| (file, built)));
        let bind = |(file, built): (&ImageFile, &image_file::Built)| {
            let place = Place { path: file.path.as_str().into(), line: built.line, column: 1 };
            let source = paths::join(self.context()?, &built.folder(file)?)?;
            Some(Bind { source, target: built.target.trim_end_matches('/').to_owned(), place, is_copied: true })
        };
        built.filter_map(bind).collect()
    }
}

/// A file or folder in the repository that a container sees at another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The path relative to the repository's root.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// The position at which it is declared.
    pub place: Place,
    /// Whether it is copied into the image rather than mounted.
    pub is_copied: bool,
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
            if node.pairs().is_empty() {
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

    /// If several services run the same image, a port that only the image declares belongs to the service that
    /// publishes or exposes it: a worker of a web application does not listen.
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
                let wanted = match port.published {
                    Some(published) if is_told => published,
                    // Only root may listen on these numbers, and this one is not used from outside.
                    None if is_told && port.container < 1024 => 8000 + port.container,
                    // A program that may not listen on its own number needs to be told another one.
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
                    && (is_told || port.container >= 1024)
                {
                    let why = format!(
                        "the program listens on {wanted} and nothing configures a different port, so it is not reachable on {published}"
                    );
                    let todo = format!("use {wanted}, or make the program read its port from a variable");
                    draft.report.leave(&port.place.path, port.place.line, what, why, todo);
                }
            }
        }
    }
}

/// Reports a published port of a program whose number cannot be changed.
fn report_fixed(draft: &mut Draft<'_>, name: &str, role: &Role, port: &Port) {
    let (Role::Package(_) | Role::Program, Some(published)) = (role, port.published) else { return };
    if published != port.container {
        let why =
            format!("nothing passes port {} to the program, so it is not reachable on {published}", port.container);
        let what = format!("services.{name}.ports.{}", port.container);
        let todo = format!("set the port in the program's configuration, or use {}", port.container);
        draft.report.leave(&port.place.path, port.place.line, what, why, todo);
    }
}

/// Claims the number of a port that cannot be changed, or reports that another service has it.
fn claim_fixed(draft: &mut Draft<'_>, name: &str, path: &RelPath, words: &[&str], port: &mut Port) {
    if let Some(owner) = draft.ports.taken_by(port.container, name, words) {
        let why = format!(
            "port {} already belongs to `{owner}`, and nothing sets a different port for the program",
            port.container
        );
        let what = format!("services.{name}.ports.{}", port.container);
        let todo = "set another port in the program's own configuration";
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

/// Words for a service that the name of a registry entry may contain.
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

/// The strings of a service that may refer to other hosts.
fn texts(service: &Service<'_>, files: &dyn Files) -> Vec<(String, Place)> {
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

/// The path of a file in a folder, which is empty for the repository itself.
pub fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
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
    // The repository itself is mounted for its source.
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

/// Whether a service that is built becomes one of services-flake's, because its image is based on that of a server.
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
    };
    if let Some(build) = service.build {
        service.image_file = role::dockerfile(&service, build, files);
    }
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
    }
    names
}

/// The arguments that an image passes to its program by default.
pub fn usual_words(service: &Service<'_>) -> Vec<String> {
    if service.get("command").is_some() || service.of_image("command").is_some() {
        return Vec::new();
    }
    let name = service.image_name().unwrap_or_default();
    let words = match &service.role {
        Role::Package(package) => package.usual,
        _ => containers::USUAL.iter().find(|(program, _)| *program == name).map_or(&[][..], |(_, words)| words),
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
