//! Images for which services-flake has a service.

mod command;
mod env_file;
mod extensions;
mod grafana;
mod kafka;
pub mod passwords;
mod settings;
mod site;
mod volumes;

use super::builder::{Builder, Done, Parts, is_secret, string};
use super::environment::example_of;
use super::hosts::Position;
use super::runs;
use super::stack::{Service, server_ports};
use super::words;
use super::yaml::{Node, Place, Value};
use crate::knowledge::containers::{self, OptionKind, ServiceImage};
use crate::knowledge::services_flake;
use crate::migrate::nix::{Attr, Expr, Text};
use crate::migrate::report::{CHECK_VERSION, other_version};

/// Adds a services-flake instance for a service, and the additional settings of its process, to a module.
pub fn build<'m>(builder: &Builder<'_, 'm>, done: &mut Done<'_, 'm>, known: &ServiceImage, parts: &mut Parts) {
    let service = done.service;
    let into = format!("services.{}.{}", known.option, service.process);
    let mut instance = Instance {
        builder,
        service,
        known,
        into,
        attrs: Vec::new(),
        include: None,
        folder: String::new(),
        lost: Vec::new(),
    };
    instance.attrs.push(Attr::new(["enable"], Expr::bool(true)));
    done.take(&[
        "image",
        "build",
        "ports",
        "expose",
        "environment",
        "command",
        "entrypoint",
        "volumes",
        "healthcheck",
        "restart",
    ]);
    done.take(&[
        "deploy",
        "secrets",
        "configs",
        "env_file",
        "working_dir",
        "stop_signal",
        "stop_grace_period",
        "profiles",
    ]);
    done.take(&["tty", "stdin_open", "logging"]);
    instance.image();
    instance.ports();
    let passwords = instance.password_process();
    instance.volumes();
    instance.command();
    instance.environment();
    instance.own_settings();
    instance.dropped();
    let mut process = Vec::new();
    let depends = builder.depends_on(done);
    let site_name = instance.site_process_name().filter(|_| known.option == "nginx");
    let site = site_name.as_ref().and_then(|name| instance.site_process(name));
    // Redis reads its password when it starts, so it waits for the process that writes the password.
    let waits = instance.include.is_some().then(|| passwords::process_name(service));
    process.extend(with_dependency(depends, waits.or(site_name.filter(|_| site.is_some()))));
    let disabled = builder.disabled(service);
    process.extend(disabled.clone());
    let origin = builder.origin(service);
    let name = service.process.as_str();
    parts.services.push(Attr::new([known.option, name], Expr::Set(instance.attrs)).comment(origin));
    if !process.is_empty() {
        parts.processes.push(Attr::new([name], Expr::Set(process)));
    }
    let mut helpers: Vec<Attr> = passwords.into_iter().chain(site).collect();
    if disabled.is_some() {
        disable(service, known.option, &mut helpers);
    }
    parts.processes.extend(helpers);
}

/// Disables the processes that prepare or configure a disabled service.
fn disable(service: &Service<'_>, option: &str, own: &mut Vec<Attr>) {
    let disabled = || Attr::new(["disabled"], Expr::bool(true));
    for attr in own.iter_mut() {
        if let Expr::Set(attrs) = &mut attr.value {
            attrs.push(disabled());
        }
    }
    let known = services_flake::SERVICES.iter().find(|known| known.name == option && !known.once.is_empty());
    own.extend(known.map(|known| {
        let helper = format!("{}{}", service.process, known.once);
        Attr::new([helper.as_str()], Expr::Set(vec![disabled()]))
    }));
}

/// Adds a process that must finish first to `depends_on`.
fn with_dependency(depends: Option<Attr>, process: Option<String>) -> Option<Attr> {
    let Some(process) = process else { return depends };
    let done = Attr::new([process.as_str(), "condition"], Expr::text("process_completed_successfully"));
    let mut all = match depends.map(|attr| attr.value) {
        Some(Expr::Set(attrs)) => attrs,
        _ => Vec::new(),
    };
    all.push(done);
    Some(Attr::new(["depends_on"], Expr::Set(all)))
}

/// An instance during its conversion.
pub struct Instance<'b, 's, 'm> {
    /// The builder.
    pub builder: &'b Builder<'b, 'm>,
    /// The service.
    pub service: &'s Service<'m>,
    known: &'b ServiceImage,
    into: String,
    /// Its options.
    pub attrs: Vec<Attr>,
    /// The line of its configuration that includes the file with the password.
    include: Option<String>,
    /// The folder of the configuration file being read.
    folder: String,
    /// The variables in `env_file`s that become no option.
    lost: Vec<env_file::Lost>,
}

impl Instance<'_, '_, '_> {
    /// Sets an option. Later values for the same option are ignored.
    pub fn set(&mut self, option: &str, value: Expr) {
        let path: Vec<&str> = option.split('.').collect();
        self.set_path(&path, value);
    }

    fn set_path(&mut self, path: &[&str], value: Expr) {
        if !self.attrs.iter().any(|attr| attr.path == path) {
            self.attrs.push(Attr::new(path.iter().copied(), value));
        }
    }

    /// Adds a line to an option whose value consists of lines.
    fn add_line(&mut self, option: &str, line: &str) {
        self.add_lines(option, &Text::literal(format!("{line}\n")));
    }

    fn add_lines(&mut self, option: &str, lines: &Text) {
        match self.attrs.iter_mut().find(|attr| attr.path == [option]).map(|attr| &mut attr.value) {
            Some(Expr::Text(text)) => {
                text.append(lines);
            }
            _ => self.set(option, Expr::Text(lines.clone())),
        }
    }

    fn carry(&self, place: &Place, key: &str, option: &str) {
        self.builder.carry(self.service, place, key, format!("{}.{option}", self.into));
    }

    fn leave(&self, place: &Place, key: &str, why: impl Into<String>, todo: impl Into<String>) {
        self.builder.leave(self.service, place, key, why, todo);
    }

    fn image(&mut self) {
        if let Some(node) = self.service.get("build") {
            self.carry(&node.place, "build", "enable");
        }
        for (run, line) in self.service.image_file.iter().flat_map(|file| &file.runs) {
            let path = self.service.image_file.as_ref().map(|file| file.path.as_str()).unwrap_or_default();
            let place = Place { path: path.into(), line: *line, column: 1 };
            let folder = self.service.image_file.as_ref().map(|file| file.folder.as_str()).unwrap_or_default();
            if runs::has_no_effect(run, folder, &[]) || runs::only_changes_files(run) {
                self.builder.carry(self.service, &place, "build", "nothing: the service does not use it");
                continue;
            }
            self.leave(
                &place,
                "build",
                format!("`RUN {}` prepared the image", runs::shown(run)),
                "check whether the service needs this command",
            );
        }
        let base =
            self.service.image_file.as_ref().map(|file| Node::scalar(&self.service.key.place, file.base.clone()));
        let Some(node) = base.as_ref().or(self.service.get("image")) else { return };
        let image = node.text().unwrap_or_default();
        let tag = containers::tag(image).unwrap_or("latest");
        self.carry(&node.place, "image", "enable");
        self.builder.variables_note(self.service, "image", node);
        let repository = containers::repository(image);
        let last = repository.rsplit('/').next().unwrap_or(repository);
        if let Some((start, _)) = self.known.versions {
            let number = containers::version(image);
            let found = self.known.attribute(image);
            let usual = (start == "mysql").then(|| "mysql84".to_owned());
            let attribute = found.clone().or(usual);
            if let Some(attribute) = &attribute {
                self.set("package", Expr::Code(format!("pkgs.{attribute}")));
            }
            if found.is_none() && number.starts_with(|c: char| c.is_ascii_digit()) {
                let attribute = attribute.as_deref().unwrap_or(start.trim_end_matches('_'));
                self.leave(&node.place, "image", other_version(image, attribute), CHECK_VERSION);
            }
        } else if tag.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()) {
            self.leave(&node.place, "image", other_version(image, ""), CHECK_VERSION);
        }
        self.extensions(repository);
        match last {
            "valkey" => self.set("package", Expr::Code("pkgs.valkey".to_owned())),
            "keydb" => {
                self.leave(&node.place, "image", "Redis replaces it", "check that no KeyDB-specific feature is used")
            }
            "redis-stack" | "redis-stack-server" | "redismod" => {
                self.leave(
                    &node.place,
                    "image",
                    "Redis does not include the modules in the image",
                    "use `extraConfig` to load the modules that are needed",
                );
            }
            "redpanda" => self.leave(
                &node.place,
                "image",
                "Apache Kafka replaces it",
                "check that only the Kafka protocol is used",
            ),
            "pgautoupgrade" => self.leave(
                &node.place,
                "image",
                "services-flake does not upgrade data from an older PostgreSQL version",
                "dump the old database, and restore it into the new one",
            ),
            _ => {}
        }
    }

    fn ports(&mut self) {
        for option in self.known.ports {
            let port = self.service.usual_port(option.container);
            match (port, option.prefix) {
                (Some(port), None) => self.set(option.option, self.builder.port_expr(port)),
                (Some(port), Some(prefix)) => {
                    let mut text = Text::literal(prefix);
                    text.append(&self.builder.port_text(Some(port)));
                    self.set(option.option, Expr::Text(text));
                }
                (None, _) => {}
            }
        }
        self.taken_defaults();
        self.builder.ports_report(self.service);
        self.kafka_ports();
        for port in &self.service.ports {
            if self.known.ports.iter().all(|option| option.container != port.usual) {
                let image = self.service.image().unwrap_or_default();
                if self.configures(port.container) {
                    self.carry(&port.place, "ports", "extraConfig");
                } else if !matches!(self.known.option, "apache-kafka" | "nginx") {
                    let why = format!(
                        "services-flake's {} has no option for port {} of {image}",
                        self.known.option, port.container
                    );
                    self.leave(
                        &port.place,
                        "ports",
                        why,
                        "set the port in the service's own settings, using its registry entry",
                    );
                }
            }
        }
        if self.known.option == "mongodb"
            && let Some(port) = self.service.ports.first().filter(|port| port.number != 27017)
        {
            let why = "services-flake's mongodb becomes healthy only on port 27017 (services-flake issue 526)";
            self.leave(&port.place, "ports", why, "give it port 27017 in the registry");
        }
    }

    fn environment(&mut self) {
        let pairs = self.service.get("environment").map_or(&[][..], Node::pairs);
        for (key, value) in pairs {
            if !passwords::passwords(self.service).iter().any(|password| password.comes_from(&key.name)) {
                self.set_variable(&key.name, value, &key.place);
            }
        }
        for (name, value, line) in self.service.image_variables() {
            let place = self.service.dockerfile(line);
            if passwords::NAMES.contains(&name) {
                let todo = "write the variable into `environment` in the Compose file, delete the written module, and migrate again with `--force`";
                self.leave(&place, &format!("environment.{name}"), "the password in the image is not set", todo);
                continue;
            }
            self.set_variable(name, &Node::scalar(&place, value), &place);
        }
        self.lost_variables();
        if let Some(node) = self.service.get("env_file").filter(|node| node.items().is_empty()) {
            self.builder.carry(self.service, &node.place, "env_file", "the options that its variables set");
        }
        for item in self.service.get("env_file").map_or(&[][..], Node::items) {
            let path = item.get("path").and_then(Node::text).and_then(|path| path.strip_prefix("./"));
            let example = path.and_then(|path| Some((path, example_of(self.builder.files(), path)?)));
            let (why, todo) = match example {
                Some((path, example)) => (
                    format!("{path} does not exist, so the options have the values in {example}"),
                    format!("if {path} gets other values, delete the written module and migrate again with `--force`"),
                ),
                None if path.is_some_and(|path| matches!(self.builder.files().text(path), Ok(None))) => (
                    "the options of the service need its values, and it does not exist".to_owned(),
                    "create it, delete the written module, and migrate again with `--force`".to_owned(),
                ),
                None => (
                    "the service takes options, not variables".to_owned(),
                    "set the options that correspond to the variables in the file".to_owned(),
                ),
            };
            self.leave(&item.place, "env_file", why, todo);
        }
    }

    /// Reports ports whose default number is now used by another port of the server, such as MinIO's console.
    fn taken_defaults(&self) {
        for option in self.known.ports.iter().filter(|option| self.service.usual_port(option.container).is_none()) {
            let number = option.container;
            if let Some(port) = self.service.ports.iter().find(|port| port.number == number) {
                let why =
                    format!("services-flake's {} also uses port {number} for `{}`", self.known.option, option.option);
                let todo = format!("set `{}` to another port", option.option);
                self.leave(&port.place, "ports", why, todo);
            }
        }
    }

    fn set_variable(&mut self, name: &str, value: &Node, place: &Place) {
        let what = format!("environment.{name}");
        let image = self.service.image().unwrap_or_default();
        let ports = server_ports::settings(&self.service.role);
        let is_port = containers::server_ports::number(value.text().unwrap_or_default()).is_some()
            && ports.iter().any(|(_, settings)| settings.has_variable(name, image));
        if is_port {
            self.builder.carry(self.service, place, &what, "the entry in the port registry");
        } else if let Some(option) = self.known.variables.iter().find(|option| option.name == name) {
            let is_text = matches!(option.kind, OptionKind::Text | OptionKind::Words | OptionKind::Bool);
            if !(is_text && self.has_no_value(name, value, place, &what)) {
                self.variable(option, value, place, &what);
            }
        } else if !is_secret(name) && self.is_own(name) && self.has_no_value(name, value, place, &what) {
            // It is reported.
        } else if !self.own_variable(name, value, place, &what) && !self.is_of_env_file(name, place, false) {
            let why = format!("services-flake's {} has no option for it", self.known.option);
            self.leave(place, &what, why, "set it in the service's own settings if it is needed");
        }
    }

    fn variable(&mut self, option: &containers::VariableOption, value: &Node, place: &Place, what: &str) {
        let text = value.text().unwrap_or_default();
        match option.kind {
            // The image treats an empty variable as unset.
            OptionKind::Text | OptionKind::Words if text.is_empty() => {
                return self.leave(
                    place,
                    what,
                    "it has no value here",
                    format!("set `{}` if the service needs a value", option.option),
                );
            }
            OptionKind::RunTime(before, after) => match self.secret_variable(option.name, value) {
                Some(variable) => {
                    self.set(option.option, Expr::text(format!("{before}{variable}{after}")));
                    return self.builder.carry(self.service, place, what, format!("`.env`, as {variable}"));
                }
                None => {
                    let why = format!("`{}` would put a secret into the world-readable store", option.option);
                    return self.leave(
                        place,
                        what,
                        why,
                        "set it at run time, or keep the default for local development",
                    );
                }
            },
            OptionKind::Text => self.set(option.option, Expr::text(text)),
            OptionKind::Bool => self.set(option.option, Expr::bool(!matches!(text, "off" | "false" | "0" | "no"))),
            OptionKind::Words => {
                let words = words::split(text).unwrap_or_default();
                self.set(option.option, Expr::List(words.iter().map(Expr::text).collect()));
            }
            OptionKind::Unneeded(why) => {
                return self.builder.carry(self.service, place, what, format!("nothing: {why}"));
            }
            OptionKind::Secret => {
                let why = format!("`{}` would put a secret into the world-readable store", option.option);
                return self.leave(place, what, why, "set it at run time, or keep the default for local development");
            }
        }
        self.carry(place, what, option.option);
    }

    /// The variable in `.env` that contains a secret at run time. `None` if the value contains more than the secret.
    fn secret_variable(&self, name: &str, value: &Node) -> Option<String> {
        let Value::Scalar(scalar) = &value.value else { return None };
        let text = self.builder.run_time(scalar);
        let (text, _) = self.builder.without_secrets(self.service, name, &text);
        let variable = words::variable(&text)?;
        self.builder.keep_in_env(&variable);
        Some(variable)
    }

    /// Handles a variable that only one service supports. Returns whether it did.
    fn own_variable(&mut self, name: &str, value: &Node, place: &Place, what: &str) -> bool {
        let text = value.text().unwrap_or_default().to_owned();
        let rewritten = self.builder.rewriter(self.service).rewrite(&text, Position::Variable(name));
        let option: Vec<String> = match (self.known.option, name) {
            // These are read together in `own_settings`.
            ("postgres", "POSTGRES_DB" | "POSTGRESQL_DATABASE")
            | ("mysql", "MYSQL_DATABASE" | "MARIADB_DATABASE" | "MYSQL_USER" | "MARIADB_USER")
            | ("clickhouse", "CLICKHOUSE_DB") => {
                match text.is_empty() {
                    true => self.leave(
                        place,
                        what,
                        "it has no value here",
                        "set it in `.env`, delete the written module, and migrate again with `--force`",
                    ),
                    false => self.carry(place, what, "initialDatabases"),
                }
                return true;
            }
            ("mysql", "MYSQL_PASSWORD" | "MARIADB_PASSWORD") => {
                let why = "`ensureUsers.*.password` would put a secret into the world-readable store";
                self.leave(place, what, why, "let the client connect without a password, or set one at run time");
                return true;
            }
            ("postgres", "POSTGRES_HOST_AUTH_METHOD") => {
                self.builder.carry(self.service, place, what, "nothing: connections from this machine are trusted");
                return true;
            }
            ("grafana", "GF_INSTALL_PLUGINS" | "GF_PLUGINS_PREINSTALL" | "GF_PLUGINS_PREINSTALL_SYNC") => {
                if text.trim().is_empty() {
                    self.builder.carry(self.service, place, what, "nothing: it is empty");
                    return true;
                }
                let plain = |plugin: &str| {
                    let name = plugin.rsplit(';').next()?.split([' ', '@']).find(|word| !word.is_empty())?;
                    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-').then(|| name.to_owned())
                };
                let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
                let names: Vec<String> = parts.iter().filter_map(|part| plain(part)).collect();
                let others: Vec<&str> = parts.iter().filter(|part| plain(part).is_none()).copied().collect();
                let why = "services-flake's grafana takes plugins as packages, and does not download any";
                let mut todo = match names.is_empty() {
                    true => "set `declarativePlugins` to the packages for its plugins".to_owned(),
                    false => format!(
                        "set `declarativePlugins = with pkgs.grafanaPlugins; [ {} ]`, without the plugins that nixpkgs \
                         lacks",
                        names.join(" ")
                    ),
                };
                if !others.is_empty() && !names.is_empty() {
                    todo.push_str(&format!(", and add the plugins in `{}`", others.join(",")));
                }
                self.leave(place, what, why, todo);
                return true;
            }
            ("apache-kafka", name) if name.starts_with("KAFKA_") || name.starts_with("KAFKA_CFG_") => {
                return self.kafka_variable(name, &text, place, what);
            }
            ("grafana", name) if is_secret(name) && grafana::section_and_key(name).is_some() => {
                let (section, key) = grafana::section_and_key(name).unwrap_or_default();
                let Some(variable) = self.secret_variable(name, value) else { return false };
                self.set_path(&["extraConf", &section, &key], Expr::text(format!("$__env{{{variable}}}")));
                self.builder.carry(self.service, place, what, format!("`.env`, as {variable}"));
                return true;
            }
            ("zookeeper", "ZOO_MY_ID" | "ZOO_SERVER_ID" | "ZOOKEEPER_SERVER_ID") if text.parse::<u32>().is_ok() => {
                self.set("id", Expr::Code(text.clone()));
                self.carry(place, what, "id");
                return true;
            }
            // These are read together in `own_settings`.
            ("zookeeper", name) if containers::zookeeper_setting(name).is_some() => {
                self.carry(place, what, "extraConf");
                return true;
            }
            ("zookeeper", "ZOO_SERVERS" | "ZOOKEEPER_SERVERS") => {
                let servers = text.split([' ', ',']).flat_map(containers::zookeeper_servers);
                if servers.count() < 2 {
                    self.builder.carry(self.service, place, what, "nothing: its only server is this one");
                    return true;
                }
                let why = "each server runs on its own, without the others";
                let todo = "list the servers in `servers`, each with 127.0.0.1 and its own ports";
                self.leave(place, what, why, todo);
                return true;
            }
            ("minio", "MINIO_DEFAULT_BUCKETS") => {
                let names = text.split([',', ';', ' ']).filter_map(|bucket| bucket.split(':').next());
                self.set("buckets", Expr::texts(names.filter(|name| !name.is_empty())));
                self.carry(place, what, "buckets");
                if text.contains(':') {
                    let why = "services-flake's minio creates buckets without the policies that follow their names";
                    self.leave(place, what, why, "set the policies with `mc anonymous set`");
                }
                return true;
            }
            ("neo4j", "NEO4J_AUTH") if text == "none" => {
                self.add_line("extraServerConfig", "dbms.security.auth_enabled=false");
                self.carry(place, what, "extraServerConfig");
                return true;
            }
            ("neo4j", name) if name.starts_with("NEO4J_") && name.contains(|c: char| c.is_ascii_lowercase()) => {
                let key =
                    name.trim_start_matches("NEO4J_").replace("__", "\u{0}").replace('_', ".").replace('\u{0}', "_");
                self.add_line("extraServerConfig", &format!("{key}={text}"));
                self.carry(place, what, "extraServerConfig");
                return true;
            }
            (_, name) if is_secret(name) => {
                if self.is_of_env_file(name, place, true) {
                    return true;
                }
                self.leave(
                    place,
                    what,
                    "an option would put a secret into the world-readable store",
                    "set it at run time",
                );
                return true;
            }
            ("grafana", name) if name.starts_with("GF_") => {
                let Some((section, key)) = grafana::section_and_key(name) else { return false };
                if matches!(section.as_str(), "install" | "paths") {
                    return false;
                }
                vec!["extraConf".to_owned(), section, key]
            }
            ("qdrant", name) if name.starts_with("QDRANT__") => {
                let parts = name.trim_start_matches("QDRANT__").to_ascii_lowercase();
                std::iter::once("settings".to_owned()).chain(parts.split("__").map(str::to_owned)).collect()
            }
            ("ollama" | "open-webui", name) => vec!["environment".to_owned(), name.to_owned()],
            ("pgadmin", name) if name.starts_with("PGADMIN_CONFIG_") => {
                vec!["extraConfig".to_owned(), name.trim_start_matches("PGADMIN_CONFIG_").to_owned()]
            }
            _ => return false,
        };
        let path: Vec<&str> = option.iter().map(String::as_str).collect();
        self.set_path(&path, string(&rewritten));
        self.carry(place, what, &option.join("."));
        true
    }
}
