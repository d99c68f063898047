//! A service: its settings, its image, its ports, and the files that its container sees.

use std::collections::{BTreeMap, BTreeSet};

use super::KAFKA_CONTROLLER;
use crate::knowledge::containers::{self, PackageImage, ServiceImage};
use crate::migrate::compose::image_file::{self, ImageFile};
use crate::migrate::compose::yaml::{Key, Node, Place};
use crate::paths;

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
    /// The variables in its `env_file`s, if a program that waits before its command may read them.
    pub file_variables: BTreeMap<String, String>,
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
    /// The number that the server listens on by default. The tables of options and arguments identify the port by it.
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
    /// Whether the report says why the registry does not have its number.
    pub is_reported: bool,
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

    /// Its image: the base image of its Dockerfile, or else the value of `image`.
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

    /// The port with this default number. The server's settings may have changed the number.
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

    /// The names of the services that start before it: those in `depends_on`, `links` and `network_mode`.
    pub fn awaited(&self) -> impl Iterator<Item = &'m str> {
        let depends = self.get("depends_on").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.as_str());
        let links = self.get("links").map_or(&[][..], Node::items).iter();
        let links = links.filter_map(|item| item.text()?.split(':').next());
        depends.chain(links).chain(self.network_of())
    }

    /// The name of the service whose network it shares.
    pub fn network_of(&self) -> Option<&'m str> {
        self.text("network_mode")?.strip_prefix("service:")
    }

    /// The folder of its build context, relative to the root. Empty for the root itself.
    pub fn context(&self) -> Option<&str> {
        let context = self.build?.get("context").and_then(Node::text).unwrap_or("./");
        Some(context.strip_prefix("./")?.trim_end_matches('/'))
    }

    /// The bind mounts, the files that a Dockerfile adds to a known image, and the folders that other stages build for
    /// it.
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
    pub(super) fn runs_base(&self) -> bool {
        let is_usual = |name: &str| containers::USUAL.iter().any(|(program, _)| *program == name);
        self.role != Role::Program || self.image_name().is_some_and(is_usual)
    }

    /// Folders in the checkout that other stages of the Dockerfile build for the image.
    pub(super) fn built(&self) -> Vec<Bind> {
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
