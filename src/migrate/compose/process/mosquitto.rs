//! Mosquitto's configuration file: its listeners get ports from the registry, and its paths refer to the checkout.

use super::{Program, host_path, start_line, working_folder};
use crate::knowledge::containers::mosquitto::{DATA, NAMES_FILE, OF_IMAGE, OF_PLUGINS, USUAL, WITHOUT_PASSWORD};
use crate::migrate::Files;
use crate::migrate::compose::builder::{Builder, path_of_secret};
use crate::migrate::compose::configurations::MOST_PATHS;
use crate::migrate::compose::folders::is_of_machine;
use crate::migrate::compose::hosts::{LOCAL, Position};
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::starts;
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;
use crate::paths;

/// The maximum size of a configuration file in bytes.
const LONGEST: usize = 64 << 10;

/// The maximum number of listeners. Each port is looked up in the file.
const MOST_LISTENERS: usize = 50;

/// The configuration file of a service.
pub struct Configuration {
    /// Its path in the container.
    target: String,
    /// Its path relative to the root.
    path: String,
    /// The words of each directive, with its line.
    directives: Vec<(usize, Vec<String>)>,
    /// The ports of its listeners, in the order of the file.
    pub ports: Vec<u16>,
}

impl Configuration {
    /// The configuration that a broker reads from a file in the repository. `None` if the service is not a broker, or
    /// if the repository does not have its file, or the file is too large.
    pub fn of(service: &Service<'_>, files: &dyn Files) -> Option<Self> {
        let (target, path, text) = Self::read(service, files)?;
        let directives = parsed(&text);
        // The number of words in a directive that are compared with all services or mounts.
        let of_directive = |words: &[String]| match words[0].as_str() {
            "address" | "addresses" => words.len() - 1,
            name => usize::from(NAMES_FILE.contains(&name) || file_word(words).is_some()),
        };
        let compared: usize = directives.iter().map(|(_, words)| of_directive(words)).sum();
        let ports = ports(&directives);
        let is_small = compared <= MOST_PATHS && ports.len() <= MOST_LISTENERS;
        is_small.then_some(Self { target, path, directives, ports })
    }

    /// Whether a broker's configuration file has a listener with a port. The file is parsed only if it contains the
    /// number, because a service may have a large range of ports.
    pub fn listens(service: &Service<'_>, files: &dyn Files, port: u16) -> bool {
        Self::read(service, files).is_some_and(|(_, _, text)| text.contains(&port.to_string()))
            && Self::of(service, files).is_some_and(|file| file.ports.contains(&port))
    }

    /// The path of the file in the container, its path relative to the root, and its text.
    fn read(service: &Service<'_>, files: &dyn Files) -> Option<(String, String, String)> {
        let is_broker = matches!(&service.role, Role::Package(package) if package.package == "mosquitto");
        let target = is_broker.then(|| named(service).unwrap_or_else(|| USUAL.to_owned()))?;
        let binds = service.binds().into_iter().filter_map(|bind| {
            let rest = target.strip_prefix(bind.target.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((bind.target.len(), format!("{}{rest}", bind.source)))
        });
        let (_, path) = binds.max_by_key(|(length, _)| *length)?;
        let text = files.text(&path).ok()?.filter(|text| text.len() <= LONGEST)?;
        Some((target, path, text))
    }

    fn keeps_data(&self) -> bool {
        self.directives.iter().any(|(_, words)| words == &["persistence", "true"])
    }

    fn has(&self, name: &str) -> bool {
        self.directives.iter().any(|(_, words)| words[0] == name)
    }

    /// Whether a mount contains this file or a file that it names, or the log, which process-compose keeps.
    pub fn uses(&self, target: &str) -> bool {
        let target = target.trim_end_matches('/');
        let is_below = |path: &str| {
            path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !target.is_empty()
        };
        let mut words = self.directives.iter().flat_map(|(_, words)| &words[1..]);
        is_below(&self.target) || target.starts_with("/mosquitto/log") || words.any(|word| is_below(word))
    }

    fn place(&self, line: usize) -> Place {
        Place { path: self.path.as_str().into(), line, column: 1 }
    }
}

/// The words of each directive, with its line.
fn parsed(text: &str) -> Vec<(usize, Vec<String>)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#'));
    let words = lines.map(|(at, line)| (at + 1, line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()));
    words.filter(|(_, words)| !words.is_empty()).collect()
}

fn ports(directives: &[(usize, Vec<String>)]) -> Vec<u16> {
    let listeners = directives.iter().filter(|(_, words)| matches!(words[0].as_str(), "listener" | "port"));
    let numbers = listeners.filter_map(|(_, words)| words.get(1)?.parse().ok());
    let mut seen = std::collections::BTreeSet::new();
    numbers.filter(|number| *number > 0 && seen.insert(*number)).collect()
}

/// The position of an absolute path in a directive that does not always have one: an option of a plugin, or the socket
/// in `listener 0 /run/mosquitto.sock`.
fn file_word(words: &[String]) -> Option<usize> {
    let (at, word) = match words {
        [name, path, ..] if OF_PLUGINS.iter().any(|start| name.starts_with(start)) => (1, path),
        [name, number, path, ..] if name == "listener" && number == "0" => (2, path),
        _ => return None,
    };
    word.starts_with('/').then_some(at)
}

/// The configuration file that the command names.
fn named(service: &Service<'_>) -> Option<String> {
    let words = starts::start_words(service);
    let at = words.iter().position(|word| matches!(word.as_str(), "-c" | "--config-file"))?;
    words.get(at + 1).cloned()
}

/// Removes the configuration file from the arguments if it has been read, or if it is the image's own file.
pub fn without_file(own: &mut Vec<String>, is_read: bool) {
    let is_flag = |word: &String| matches!(word.as_str(), "-c" | "--config-file");
    if let Some(at) = own.iter().position(is_flag)
        && (is_read || own.get(at + 1).is_some_and(|path| path == WITHOUT_PASSWORD))
    {
        own.drain(at..(at + 2).min(own.len()));
    }
}

/// The program that reads the configuration file of the service with the addresses on this machine.
pub fn program(builder: &Builder<'_, '_>, service: &Service<'_>, file: &Configuration) -> Program {
    // Several brokers may have the same file, with their own ports.
    let key = format!("{} of {}", file.path, service.process);
    let text = written(builder, service, file);
    let variable = builder.configuration(service, &key, &file.path, (text, Default::default()));
    let mut line = start_line("mosquitto", &["mosquitto"]);
    if file.ports.is_empty() {
        line.push(" -p ").append(&builder.port_text(service.ports.first()));
    }
    line.push(" -c ").push_code(&variable);
    let folder = data_folder(service);
    if !file.keeps_data() || !folder.starts_with("./data/") {
        return Program { line, ..Program::default() };
    }
    let mut whole = Text::literal(format!("mkdir -p {folder}\nexec "));
    whole.append(&line);
    Program { line: whole, is_script: true, packages: ["coreutils".to_owned()].into(), ..Program::default() }
}

/// Reports the ports that the broker does not listen on.
pub fn report_ports(builder: &Builder<'_, '_>, service: &Service<'_>, file: Option<&Configuration>) {
    let listened = file.map(|file| &file.ports).filter(|ports| !ports.is_empty());
    let has = |port: u16| listened.map_or(service.ports[0].container == port, |ports| ports.contains(&port));
    for port in service.ports.iter().filter(|port| !has(port.container)) {
        let why = match file {
            Some(file) => format!("no `listener` in ./{} has port {}", file.path, port.container),
            None => format!("without a configuration file, the broker does not listen on {}", port.container),
        };
        let what = format!("ports.{}", port.container);
        builder.leave(service, &port.place, &what, why, "add a `listener`, or remove the port");
    }
}

/// The folder that replaces the image's data folder.
fn data_folder(service: &Service<'_>) -> String {
    match host_path(service, DATA) {
        path if path == DATA => format!("./data/{}", service.process),
        path => path,
    }
}

fn written(builder: &Builder<'_, '_>, service: &Service<'_>, file: &Configuration) -> Text {
    let mut out = Text::default();
    let has_bind = file.has("bind_address");
    let data = data_folder(service);
    for (line, words) in &file.directives {
        let name = words[0].as_str();
        let value = words.get(1).map(String::as_str).unwrap_or_default();
        match name {
            "listener" | "port" if value.parse::<u16>().is_ok_and(|number| number > 0) => {
                let port = value.parse().ok().and_then(|number| service.port(number));
                out.push(name).push(" ");
                match port {
                    Some(port) => out.append(&builder.port_text(Some(port))),
                    None => out.push(value),
                };
                if name == "listener" {
                    out.push(&format!(" {LOCAL}"));
                } else if !has_bind {
                    out.push(&format!("\nbind_address {LOCAL}"));
                }
            }
            "bind_address" => {
                out.push(&format!("bind_address {LOCAL}"));
            }
            name if OF_IMAGE.contains(&name) => continue,
            "log_dest" if value == "file" => {
                out.push("log_dest stdout");
            }
            "persistence_location" => {
                let mapped = host_path(service, value.trim_end_matches('/'));
                let folder = if mapped.starts_with('/') { &data } else { &mapped };
                out.push(&format!("persistence_location {}/", folder.trim_end_matches('/')));
            }
            "address" | "addresses" => {
                out.push(name);
                for word in &words[1..] {
                    out.push(" ").append(&address(builder, service, word));
                }
            }
            name if NAMES_FILE.contains(&name) => {
                out.push(&format!("{name} {}", path_here(builder, service, file, *line, &words[1..].join(" "))));
                if name == "include_dir" {
                    let why = "the files in the folder are read as they are, with the ports and paths of the container";
                    builder.leave(service, &file.place(*line), "mosquitto.conf", why, "write them into this file");
                }
            }
            _ => match file_word(words) {
                Some(at) => {
                    let local = path_here(builder, service, file, *line, &words[at..].join(" "));
                    out.push(&format!("{} {local}", words[..at].join(" ")));
                }
                None => {
                    out.push(&words.join(" "));
                }
            },
        }
        out.push("\n");
    }
    if file.keeps_data() && !file.has("persistence_location") {
        out.push(&format!("persistence_location {data}/\n"));
    }
    out
}

/// The address of another broker: `broker:1883`, or without the port.
fn address(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> Text {
    let other = builder.stack.by_host(word).filter(|other| other.is_carried());
    match other.and_then(|other| other.port(1883).or(other.ports.first())) {
        Some(port) => {
            let mut text = Text::literal(format!("{LOCAL}:"));
            text.append(&builder.port_text(Some(port)));
            text
        }
        None => builder.rewriter(service).rewrite(word, Position::File),
    }
}

/// Converts a path in the container to a path in the checkout. Reports a file that does not exist there.
fn path_here(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    file: &Configuration,
    line: usize,
    path: &str,
) -> String {
    let secret = path_of_secret(builder, service, path);
    if secret != path {
        return secret;
    }
    if is_of_machine(path) {
        return path.to_owned();
    }
    let here = host_path(service, path.trim_end_matches('/'));
    let full = paths::join(&working_folder(service), &here);
    let files = builder.files();
    let exists = |path: &String| files.is_folder(path) || matches!(files.text(path), Ok(Some(_)));
    let (why, todo) = match full.filter(|_| !here.starts_with('/')) {
        Some(full) if exists(&full) => return here,
        Some(full) => (format!("./{full} does not exist"), "create it before the first start"),
        None => (
            format!("it names {path}, which exists only in the image"),
            "write the file into the repository, and replace the path",
        ),
    };
    builder.leave(service, &file.place(line), "mosquitto.conf", why, todo);
    here
}
