//! Volumes of known services: data, init scripts and configuration files.

use super::Instance;
use crate::knowledge::services_flake::PROMETHEUS_URL_PATHS;
use crate::migrate::compose::builder::string;
use crate::migrate::compose::hosts::{self, Position};
use crate::migrate::compose::stack::{Bind, below};
use crate::migrate::compose::yaml;
use crate::migrate::compose::yaml::{Node, Place, Value};
use crate::migrate::compose::{process, starts, words};
use crate::migrate::nix::{Attr, Expr, Text};

impl Instance<'_, '_, '_> {
    /// Converts the volumes, and the files that a Dockerfile adds to the image of the service.
    pub(super) fn volumes(&mut self) {
        let items = self.service.get("volumes").map_or(&[][..], Node::items);
        let done = if self.known.option == "grafana" { self.provisioning() } else { Vec::new() };
        // `nginx::build` converts and reports the files of nginx.
        if self.known.option == "nginx" {
            return;
        }
        let script = self.start_script();
        for bind in self.binds().into_iter().filter(|bind| bind.is_copied) {
            let is_done = done.contains(&bind.target) || script.as_deref() == Some(bind.source.as_str());
            if !is_done && !self.added(&bind.source, &bind.target, "build", &bind.place) {
                let why = format!("services-flake's {} does not read ./{}", self.known.option, bind.source);
                let todo = "set the options that correspond to the settings in the files";
                self.leave(&bind.place, "build", why, todo);
            }
        }
        for item in items {
            let source = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or_default().trim_end_matches('/');
            if done.iter().any(|mount| mount == target) {
                continue;
            }
            let Some(path) = source.strip_prefix("./") else {
                if item.get("type").and_then(Node::text) == Some("volume") {
                    self.carry(&item.place, "volumes", "dataDir, empty at first: ./data/<instance>");
                } else {
                    let why = format!("{source} is outside the repository");
                    let todo = "copy the files that the service needs into the repository";
                    self.leave(&item.place, "volumes", why, todo);
                }
                continue;
            };
            if self.added(path, target, "volumes", &item.place) || script.as_deref() == Some(path) {
                continue;
            }
            let is_plugin = self.known.option == "grafana" && target.starts_with("/var/lib/grafana/");
            if self.names_in_configuration(target) {
                self.carry(&item.place, "volumes", "extraConfig");
            } else if is_file(target) || is_plugin || !is_data(target) {
                let shown = if is_file(target) { path.to_owned() } else { format!("./{path}") };
                let files = if is_file(target) || is_plugin { "file" } else { "files" };
                let why = format!("services-flake's {} does not read {shown}", self.known.option);
                let todo = format!("set the options that correspond to the settings in the {files}");
                self.leave(&item.place, "volumes", why, todo);
            } else {
                self.set("dataDir", Expr::text(format!("./{}", path.trim_end_matches('/'))));
                self.carry(&item.place, "volumes", "dataDir");
            }
        }
    }

    /// The binds of the service. A pattern, as in `COPY *.sql /folder/`, becomes one bind for each file that matches.
    fn binds(&self) -> Vec<Bind> {
        let files = self.builder.files();
        let expanded = |bind: Bind| {
            let (folder, pattern) = bind.source.rsplit_once('/').unwrap_or(("", &bind.source));
            let Some((before, after)) = pattern.split_once('*').filter(|_| bind.is_copied) else { return vec![bind] };
            let is_match =
                |name: &&String| name.len() >= pattern.len() - 1 && name.starts_with(before) && name.ends_with(after);
            let inside = bind.target.trim_end_matches(pattern).trim_end_matches('/');
            let found = files.names(folder);
            let bind_of = |name: &String| Bind {
                source: below(folder, name),
                target: format!("{inside}/{name}"),
                ..bind.clone()
            };
            found.iter().filter(is_match).map(bind_of).collect()
        };
        self.service.binds().into_iter().flat_map(expanded).collect()
    }

    /// Converts an init script or a configuration file at a path in the container. Returns false for files that the
    /// service does not read.
    fn added(&mut self, path: &str, target: &str, key: &str, place: &Place) -> bool {
        let is_yaml = target.ends_with(".yml") || target.ends_with(".yaml");
        match self.known.option {
            "postgres" | "mysql" | "mongodb" | "clickhouse" if target.starts_with("/docker-entrypoint-initdb.d") => {
                self.init_file(path, key, place);
            }
            "prometheus" if self.builder.files().is_folder(path) && target == "/etc/prometheus" => {
                self.yaml_config(&format!("{}/prometheus.yml", path.trim_end_matches('/')), "extraConfig", key, place);
            }
            "prometheus" if target == "/etc/prometheus" && path.ends_with(".yml") => {
                self.yaml_config(path, "extraConfig", key, place);
            }
            // Prometheus's main configuration names the files with rules and targets.
            "prometheus" if is_yaml && !self.is_prometheus_conf(target) => {
                self.builder.carry(self.service, place, key, format!("the file ./{path}"));
            }
            "prometheus" | "loki" | "tempo" | "pyroscope" if is_yaml => {
                self.yaml_config(path, "extraConfig", key, place);
            }
            "redis" if target.ends_with(".conf") && (key == "volumes" || self.is_redis_conf(target)) => {
                self.redis_conf(path, key, place);
            }
            // The command names one of the files in the folder.
            "redis" if self.builder.files().is_folder(path) => match self.named_below(path, target) {
                Some(file) => self.redis_conf(&file, key, place),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// The texts of the mounted configuration files that become options.
    fn configurations(&self) -> impl Iterator<Item = String> {
        let has_files = matches!(self.known.option, "prometheus" | "loki" | "tempo" | "pyroscope");
        let is_yaml = |bind: &Bind| bind.source.ends_with(".yml") || bind.source.ends_with(".yaml");
        let binds = self.binds().into_iter().filter(move |bind| has_files && is_yaml(bind));
        binds.filter_map(|bind| self.builder.files().text(&bind.source).ok().flatten())
    }

    /// Whether a mounted configuration file that becomes options names a path in the container. Such paths are replaced
    /// with paths in the checkout.
    fn names_in_configuration(&self, target: &str) -> bool {
        let is_inside =
            |word: &str| word.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let names = |text: String| text.split(|c: char| c.is_whitespace() || "\"'".contains(c)).any(is_inside);
        !is_file(target) && self.configurations().any(names)
    }

    /// Whether a mounted configuration file sets a port.
    pub(super) fn configures(&self, container: u16) -> bool {
        self.configurations().any(|text| hosts::listens_in(&text, container))
    }

    /// The configuration file in a mounted folder that the command names, relative to the root.
    fn named_below(&self, folder: &str, target: &str) -> Option<String> {
        let words = words::plain_words(starts::start_words(self.service));
        let inside = words.iter().filter_map(|word| word.strip_prefix(target)?.strip_prefix('/'));
        let mut paths = inside.filter(|name| name.ends_with(".conf")).map(|name| below(folder, name));
        paths.find(|path| matches!(self.builder.files().text(path), Ok(Some(_))))
    }

    fn is_prometheus_conf(&self, target: &str) -> bool {
        let words = starts::start_words(self.service);
        ["/prometheus.yml", "/prometheus.yaml"].iter().any(|name| target.ends_with(name))
            || words.iter().any(|word| word.contains(target))
    }

    /// Whether a file in the image is Redis's configuration: the image may also contain a sysctl.conf.
    fn is_redis_conf(&self, target: &str) -> bool {
        let command = self.service.of_image("command").or(self.service.of_image("entrypoint"));
        let is_named = command.is_some_and(|(words, _)| words.iter().any(|word| target.ends_with(word.as_str())));
        is_named || ["redis", "valkey"].iter().any(|name| target.contains(name))
    }

    /// The script that the container starts, relative to the root. It is reported with the command.
    pub fn start_script(&self) -> Option<String> {
        let words = self.start_words()?;
        let first = starts::without_interpreter(&words).first()?;
        let (path, _) = starts::own_script(self.service, self.builder.files(), first)?;
        Some(path)
    }

    fn start_words(&self) -> Option<Vec<String>> {
        ["entrypoint", "command"].into_iter().find_map(|key| match self.service.get(key) {
            Some(node) => process::words_of(self.builder, node),
            None => self.service.of_image(key).map(|(words, _)| words.clone()),
        })
    }

    /// The text of the script that the container starts, in a file or after `sh -c`.
    pub fn start_text(&self) -> Option<String> {
        match self.start_script() {
            Some(path) => self.builder.files().text(&path).ok().flatten(),
            None => words::shell_script(&self.start_words()?).map(str::to_owned),
        }
    }

    /// The data folder of the service, according to `volumes`.
    pub(super) fn data_folder(&self) -> String {
        let items = self.service.get("volumes").map_or(&[][..], Node::items);
        let bound = items.iter().find_map(|item| {
            let path = item.get("source").and_then(Node::text)?.strip_prefix("./")?;
            let target = item.get("target").and_then(Node::text)?.trim_end_matches('/');
            let is_other = is_file(target) || target.starts_with("/docker-entrypoint-initdb.d");
            (is_data(target) && !is_other).then(|| format!("./{}", path.trim_end_matches('/')))
        });
        bound.unwrap_or_else(|| format!("./data/{}", self.service.process))
    }

    /// Reports whether each init script of a mount is migrated. The scripts themselves are collected in `own_settings`.
    pub(super) fn init_file(&self, path: &str, key: &str, place: &Place) {
        let is_folder = self.builder.files().is_folder(path);
        let names = if is_folder { self.builder.files().names(path) } else { vec![path.to_owned()] };
        if self.known.option == "mongodb" {
            return self.leave(
                place,
                key,
                format!("services-flake's mongodb runs no init scripts: {path}"),
                "run the script in a process that depends on the database",
            );
        }
        for name in &names {
            if name.ends_with(".sql") {
                self.carry(place, key, "initialDatabases");
            } else {
                let why = format!("only .sql files are run at the first start, not {name}");
                self.leave(place, key, why, "run the script in a process that depends on the database");
            }
        }
    }

    /// The `.sql` files and folders of init scripts, as paths relative to the module, in Compose's order.
    pub(super) fn init_paths(&self) -> Vec<String> {
        let mut found: Vec<(String, String)> = Vec::new();
        for bind in self.binds() {
            let is_sql = bind.source.ends_with(".sql") || self.has_sql(&bind.source);
            if bind.target.starts_with("/docker-entrypoint-initdb.d") && is_sql {
                found.push((bind.target, bind.source));
            }
        }
        found.sort();
        found.iter().map(|(_, source)| self.builder.path(source)).collect()
    }

    /// Like [`Self::init_paths`], but with each folder replaced with its files, sorted by name.
    pub(super) fn init_files(&self) -> Vec<String> {
        let files = self.builder.files();
        let mut found: Vec<(String, String)> = Vec::new();
        for bind in self.binds().into_iter().filter(|bind| bind.target.starts_with("/docker-entrypoint-initdb.d")) {
            if !files.is_folder(&bind.source) {
                found.push((bind.target, bind.source));
                continue;
            }
            let names = files.names(&bind.source).into_iter();
            found.extend(names.map(|name| (format!("{}/{name}", bind.target), format!("{}/{name}", bind.source))));
        }
        found.retain(|(_, source)| source.ends_with(".sql"));
        found.sort();
        found.iter().map(|(_, source)| self.builder.path(source)).collect()
    }

    pub(super) fn has_sql(&self, folder: &str) -> bool {
        let names = self.builder.files().names(folder.trim_end_matches('/'));
        names.iter().any(|name| name.ends_with(".sql"))
    }

    pub(super) fn yaml_config(&mut self, path: &str, option: &str, key: &str, place: &Place) {
        let parsed = self
            .builder
            .files()
            .text(path)
            .ok()
            .flatten()
            .and_then(|text| yaml::parse(&path.into(), &text).ok().flatten());
        match parsed {
            Some(node) => {
                self.folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                let value = self.yaml_expr("", &node);
                self.set(option, value);
                self.carry(place, key, option);
            }
            None => {
                let is_there = matches!(self.builder.files().text(path), Ok(Some(_)));
                let why = if is_there { "cannot be read as YAML" } else { "does not exist" };
                let todo = format!("write the settings into `{option}`");
                self.leave(place, key, format!("{path} {why}"), todo);
            }
        }
    }

    /// Converts a value in a configuration file, under a key.
    pub(super) fn yaml_expr(&self, key: &str, node: &Node) -> Expr {
        match &node.value {
            Value::Map(pairs) => Expr::Set(
                pairs
                    .iter()
                    .map(|(key, value)| Attr::new([key.name.as_str()], self.yaml_expr(&key.name, value)))
                    .collect(),
            ),
            Value::List(items) => Expr::List(items.iter().map(|item| self.yaml_expr(key, item)).collect()),
            Value::Scalar(_) if node.is_null() => Expr::Code("null".to_owned()),
            Value::Scalar(scalar) if scalar.plain && node.bool().is_some() => Expr::bool(node.bool() == Some(true)),
            Value::Scalar(scalar) => match scalar.text.parse::<i64>() {
                Ok(number) if scalar.plain => self.number(key, number),
                _ => self.yaml_text(key, &scalar.text, &node.place),
            },
        }
    }

    /// A number. If it is one of the service's ports, the registry's number replaces it.
    fn number(&self, key: &str, number: i64) -> Expr {
        let port = u16::try_from(number).ok().and_then(|number| self.service.port(number));
        match port.filter(|_| key.to_ascii_lowercase().contains("port")) {
            Some(port) => self.builder.port_expr(port),
            None => Expr::int(number),
        }
    }

    /// Converts a string in a configuration file.
    fn yaml_text(&self, key: &str, text: &str, place: &Place) -> Expr {
        // The path in a URL may look like a folder in the container.
        if self.known.option == "prometheus" && PROMETHEUS_URL_PATHS.contains(&key) {
            return Expr::text(text);
        }
        if let Some(rest) = self.own_data(text) {
            let binds = self.service.binds();
            let path = bind_of(&binds, text).map(|(bind, rest)| format!("./{}{rest}", bind.source));
            return Expr::text(path.unwrap_or_else(|| format!("./data/{}{rest}", self.service.process)));
        }
        if let Some(path) = self.file_in_checkout(key, text) {
            return Expr::Code(path);
        }
        if ["/etc/", "/var/", "/usr/", "/opt/", "/run/"].iter().any(|start| text.starts_with(start)) {
            let why = format!("{text} does not exist outside a container");
            self.leave(place, "volumes", why, "replace the path with that of the file in the checkout");
        }
        // A bare name is a host only under some keys: a `job_name` is not.
        let variable = if key == "targets" { "TARGET_HOSTS".to_owned() } else { key.to_ascii_uppercase() };
        string(&self.builder.rewriter(self.service).rewrite(text, Position::Variable(&variable)))
    }

    /// The path of a file that a configuration file names, by its path in the container or relative to the
    /// configuration file.
    fn file_in_checkout(&self, key: &str, text: &str) -> Option<String> {
        let files = self.builder.files();
        let exists = |path: &String| files.is_folder(path) || matches!(files.text(path), Ok(Some(_)));
        let path = if text.starts_with('/') {
            let binds = self.service.binds();
            let (bind, rest) = bind_of(&binds, text)?;
            format!("{}{rest}", bind.source)
        } else if key.ends_with("_files") || key.ends_with("_file") {
            crate::paths::join(&self.folder, text)?
        } else {
            return None;
        };
        Some(path).filter(exists).map(|path| self.builder.path(&path))
    }

    /// The part of a container path after the service's own data folder: `/chunks` in `/loki/chunks`.
    fn own_data<'t>(&self, text: &'t str) -> Option<&'t str> {
        let option = self.known.option;
        let folders =
            [format!("/{option}"), format!("/var/{option}"), format!("/tmp/{option}"), format!("/var/lib/{option}")];
        let rest = folders.iter().find_map(|folder| text.strip_prefix(folder.as_str()))?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    pub(super) fn redis_conf(&mut self, path: &str, key: &str, place: &Place) {
        let Some(text) = self.builder.files().text(path).ok().flatten() else {
            return self.leave(place, key, format!("{path} does not exist"), "write the settings into `extraConfig`");
        };
        let mut kept = Text::default();
        for line in text.lines() {
            let name = line.split_whitespace().next().unwrap_or_default();
            match name {
                "requirepass" | "masterauth" | "user" => {
                    self.leave(
                        place,
                        key,
                        format!("`{name}` in {path} would put a secret into the world-readable store"),
                        "let clients connect without a password on this machine",
                    );
                }
                "port" | "bind" | "dir" | "daemonize" | "pidfile" | "logfile" | "protected-mode" => {}
                "" => {}
                name if name.starts_with('#') => {}
                _ => {
                    kept.append(&self.redis_line(line.trim_end(), key, place)).push("\n");
                }
            }
        }
        // All settings in the file may have been converted to other options.
        if !kept.is_empty() {
            self.set("extraConfig", Expr::Text(kept));
        }
        self.carry(place, key, "its options");
    }
}

/// The innermost bind that contains a path in the container, and the rest of the path after its target.
fn bind_of<'b, 't>(binds: &'b [Bind], text: &'t str) -> Option<(&'b Bind, &'t str)> {
    let behind = |bind: &'b Bind| {
        let rest = text.strip_prefix(bind.target.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((bind, rest))
    };
    binds.iter().filter_map(behind).max_by_key(|(bind, _)| bind.target.len())
}

/// Whether a folder contains a program's data, judging by its path.
pub(super) fn is_data(target: &str) -> bool {
    ["data", "/var/lib/", "/bitnami", "storage", "/db", "/loki", "/prometheus", "/minio", "/root/.ollama"]
        .iter()
        .any(|part| target.contains(part))
}

pub(super) fn is_file(target: &str) -> bool {
    let name = target.rsplit('/').next().unwrap_or(target);
    name.contains('.') || target.starts_with("/etc")
}
