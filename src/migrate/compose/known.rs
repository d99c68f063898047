//! Images that services-flake has a service for.

use super::builder::{Builder, Done, Parts, is_secret, string};
use super::hosts::Position;
use super::nginx;
use super::process;
use super::stack::Service;
use super::words;
use super::yaml::{self, Node, Place, Value};
use crate::knowledge::containers::{self, OptionKind, ServiceImage};
use crate::migrate::nix::{Attr, Expr, Text};

/// Builds an instance, and what its process needs besides.
pub fn build<'m>(builder: &Builder<'_, 'm>, done: &mut Done<'_, 'm>, known: &ServiceImage, parts: &mut Parts) {
    let service = done.service;
    let into = format!("services.{}.{}", known.option, service.process);
    let mut instance = Instance { builder, service, known, into, attrs: Vec::new() };
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
    instance.volumes();
    instance.command();
    instance.environment();
    instance.own_settings();
    instance.dropped();
    let mut process = Vec::new();
    process.extend(builder.depends_on(done));
    process.extend(builder.disabled(service));
    let origin = builder.origin(service);
    let name = service.process.as_str();
    parts.services.push(Attr::new([known.option, name], Expr::Set(instance.attrs)).comment(origin));
    if !process.is_empty() {
        parts.processes.push(Attr::new([name], Expr::Set(process)));
    }
}

/// An instance while it is built.
pub struct Instance<'b, 's, 'm> {
    /// The builder.
    pub builder: &'b Builder<'b, 'm>,
    /// The service.
    pub service: &'s Service<'m>,
    known: &'b ServiceImage,
    into: String,
    /// Its options.
    pub attrs: Vec<Attr>,
}

impl Instance<'_, '_, '_> {
    /// Sets an option; a second value for it is not written.
    pub fn set(&mut self, option: &str, value: Expr) {
        let path: Vec<&str> = option.split('.').collect();
        self.set_path(&path, value);
    }

    fn set_path(&mut self, path: &[&str], value: Expr) {
        if !self.attrs.iter().any(|attr| attr.path == path) {
            self.attrs.push(Attr::new(path.iter().copied(), value));
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
            let shown: String = run.chars().take(60).collect();
            self.leave(
                &place,
                "build",
                format!("`RUN {shown}` prepared the image"),
                "check whether the service needs it",
            );
        }
        let base =
            self.service.image_file.as_ref().map(|file| Node::scalar(&self.service.key.place, file.base.clone()));
        let Some(node) = base.as_ref().or(self.service.get("image")) else { return };
        let image = node.text().unwrap_or_default();
        let tag = containers::tag(image).unwrap_or("latest");
        self.carry(&node.place, "image", "enable");
        let repository = containers::repository(image);
        let last = repository.rsplit('/').next().unwrap_or(repository);
        if let Some((start, versions)) = self.known.versions {
            let number = tag.trim_start_matches("pg").split(['-', '_']).next().unwrap_or(tag);
            let found = versions.iter().find(|version| {
                number == **version || number.strip_prefix(**version).is_some_and(|rest| rest.starts_with('.'))
            });
            match found {
                Some(version) => {
                    let attribute = match start {
                        "mysql" => format!("mysql{}", version.replace('.', "")),
                        _ => format!("{start}{}", version.replace('.', "_")),
                    };
                    let attribute =
                        if start == "mariadb_" { format!("mariadb_{}", version.replace('.', "")) } else { attribute };
                    self.set("package", Expr::Code(format!("pkgs.{attribute}")));
                }
                None if start == "mysql" => self.set("package", Expr::Code("pkgs.mysql84".to_owned())),
                None => {}
            }
            if found.is_none() && number.starts_with(|c: char| c.is_ascii_digit()) {
                let why = format!("nixpkgs has no version {number} of it, so its default version is used");
                self.leave(&node.place, "image", why, "check that the program works with it");
            }
        } else if tag.starts_with(|c: char| c.is_ascii_digit()) {
            let why = format!("the version is that of nixpkgs and not {tag}");
            self.leave(&node.place, "image", why, "check that its clients work with it");
        }
        match last {
            "valkey" => self.set("package", Expr::Code("pkgs.valkey".to_owned())),
            "keydb" => {
                self.leave(&node.place, "image", "Redis takes its place", "check that nothing of KeyDB alone is used")
            }
            "redis-stack" | "redis-stack-server" | "redismod" => {
                self.leave(
                    &node.place,
                    "image",
                    "the modules of the image are not part of Redis",
                    "load those that are used with `extraConfig`",
                );
            }
            "redpanda" => self.leave(
                &node.place,
                "image",
                "Apache Kafka takes its place",
                "check that only the Kafka protocol is used",
            ),
            "postgis" => self.set("extensions", Expr::Code("extensions: [ extensions.postgis ]".to_owned())),
            "pgvector" => self.set("extensions", Expr::Code("extensions: [ extensions.pgvector ]".to_owned())),
            "timescaledb" | "timescaledb-ha" => {
                self.set("extensions", Expr::Code("extensions: [ extensions.timescaledb ]".to_owned()));
                self.set("settings.shared_preload_libraries", Expr::text("timescaledb"));
            }
            _ => {}
        }
    }

    fn ports(&mut self) {
        for option in self.known.ports {
            let port = self.service.port(option.container);
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
        self.builder.ports_report(self.service);
        for port in &self.service.ports {
            if self.known.ports.iter().all(|option| option.container != port.container) {
                let image = self.service.text("image").unwrap_or_default();
                let own =
                    self.known.option == "nginx" || (self.known.option == "apache-kafka" && port.published.is_some());
                if !own {
                    let why = format!(
                        "services-flake's {} has no option for port {} of {image}",
                        self.known.option, port.container
                    );
                    self.leave(
                        &port.place,
                        "ports",
                        why,
                        "set it in the service's own settings, and use the registry's entry",
                    );
                }
            }
        }
        if self.known.option == "mongodb"
            && let Some(port) = self.service.ports.first().filter(|port| port.number != 27017)
        {
            let why = "services-flake's mongodb only becomes healthy on 27017 (services-flake issue 526)";
            self.leave(&port.place, "ports", why, "free 27017 in the registry for it");
        }
    }

    fn environment(&mut self) {
        let pairs = self.service.get("environment").map_or(&[][..], Node::pairs);
        for (key, value) in pairs {
            let name = key.name.as_str();
            let text = value.text().unwrap_or_default();
            let what = format!("environment.{name}");
            let option = self.known.variables.iter().find(|option| option.name == name);
            match option {
                Some(option) => self.variable(option, text, &key.place, &what),
                None => {
                    if !self.own_variable(name, value, &key.place, &what) {
                        let why = format!("services-flake's {} has no option for it", self.known.option);
                        self.leave(&key.place, &what, why, "set it in the service's own settings if it is needed");
                    }
                }
            }
        }
        for item in self.service.get("env_file").map_or(&[][..], Node::items) {
            let why = "the service takes options and no variables";
            self.leave(&item.place, "env_file", why, "write what the file sets as options");
        }
    }

    fn variable(&mut self, option: &containers::VariableOption, text: &str, place: &Place, what: &str) {
        match option.kind {
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
                return self.leave(place, what, why, "set it at run time, or keep the default on this machine");
            }
        }
        self.carry(place, what, option.option);
    }

    /// A variable that only one service knows.
    fn own_variable(&mut self, name: &str, value: &Node, place: &Place, what: &str) -> bool {
        let text = value.text().unwrap_or_default().to_owned();
        let rewritten = self.builder.rewriter(self.service).rewrite(&text, Position::Variable(name));
        let option: Vec<String> = match (self.known.option, name) {
            // Read together in `own_settings`.
            ("postgres", "POSTGRES_DB" | "POSTGRESQL_DATABASE")
            | ("mysql", "MYSQL_DATABASE" | "MARIADB_DATABASE" | "MYSQL_USER" | "MARIADB_USER")
            | ("clickhouse", "CLICKHOUSE_DB") => {
                self.carry(place, what, "initialDatabases");
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
            ("apache-kafka", name) if name.starts_with("KAFKA_") || name.starts_with("KAFKA_CFG_") => {
                return self.kafka_variable(name, &text, place, what);
            }
            (_, name) if is_secret(name) => {
                self.leave(
                    place,
                    what,
                    "an option would put a secret into the world-readable store",
                    "set it at run time",
                );
                return true;
            }
            ("grafana", name) if name.starts_with("GF_") => {
                let rest = name.trim_start_matches("GF_").to_ascii_lowercase();
                let Some((section, key)) = rest.split_once('_') else { return false };
                if section == "install" {
                    return false;
                }
                vec!["extraConf".to_owned(), section.to_owned(), key.to_owned()]
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

    fn kafka_variable(&mut self, name: &str, text: &str, place: &Place, what: &str) -> bool {
        let key = name.trim_start_matches("KAFKA_").trim_start_matches("CFG_").to_ascii_lowercase().replace('_', ".");
        let shape = [
            "listener",
            "advertised",
            "process.roles",
            "node.id",
            "broker.id",
            "controller",
            "zookeeper",
            "inter.broker",
        ];
        if shape.iter().any(|word| key.contains(word)) || name == "KAFKA_ENABLE_KRAFT" {
            self.carry(place, what, "settings, as one broker and controller on this machine");
            return true;
        }
        if key.contains("heap.opts") || key.contains("jvm") || key.starts_with("log4j") {
            return false;
        }
        let value = match (text.parse::<i64>(), text) {
            (Ok(number), _) => Expr::int(number),
            (_, "true" | "false") => Expr::Code(text.to_owned()),
            _ => Expr::text(text),
        };
        self.set_path(&["settings", &key], value);
        self.carry(place, what, &format!("settings.\"{key}\""));
        true
    }

    /// Flags of the command.
    fn command(&mut self) {
        for key in ["entrypoint", "command"] {
            let Some(node) = self.service.get(key) else { continue };
            let words = process::words_of(self.builder, node).unwrap_or_default();
            self.flags(key, &words, &node.place);
        }
    }

    fn flags(&mut self, key: &str, words: &[String], place: &Place) {
        let mut lines: Vec<String> = Vec::new();
        let mut left: Vec<&str> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_str();
            let next = words.get(at + 1).map(String::as_str);
            at += 1;
            let is_program = at == 1 && !word.starts_with('-');
            match (self.known.option, word) {
                _ if is_program => {}
                ("postgres", "-c") => {
                    let setting = next.and_then(|next| next.split_once('='));
                    if let Some((name, value)) = setting {
                        self.set_path(&["settings", name], Expr::text(value));
                        at += 1;
                    }
                }
                ("mysql", flag) if flag.starts_with("--") => {
                    let flag = flag.trim_start_matches("--");
                    let (name, value) = flag.split_once('=').map_or((flag, "ON"), |(name, value)| (name, value));
                    // An option that only MySQL before 9 has.
                    if name.starts_with("default-authentication-plugin") || name == "bind-address" || name == "port" {
                        left.push(word);
                    } else {
                        self.set_path(&["settings", "mysqld", name], Expr::text(value));
                    }
                }
                ("redis", flag) if flag.starts_with("--") => {
                    let name = flag.trim_start_matches("--");
                    let mut values = Vec::new();
                    while let Some(value) = words.get(at).filter(|value| !value.starts_with("--")) {
                        values.push(value.as_str());
                        at += 1;
                    }
                    match name {
                        "requirepass" | "masterauth" => self.leave(
                            place,
                            key,
                            format!("`{name}` would put a secret into the world-readable store"),
                            "let clients connect without a password on this machine",
                        ),
                        "port" | "bind" | "dir" | "daemonize" => {}
                        _ => lines.push(format!("{name} {}", values.join(" "))),
                    }
                }
                ("redis", path) if path.starts_with('/') => {}
                ("minio", "server") => {}
                ("minio", "--console-address" | "--address") => at += 1,
                ("minio", path)
                    if path.starts_with('/')
                        || path.starts_with("--console-address=")
                        || path.starts_with("--address=") => {}
                ("prometheus", flag)
                    if flag.starts_with("--config.file")
                        || flag.starts_with("--web.")
                        || flag.starts_with("--storage.tsdb.path") => {}
                ("prometheus" | "loki" | "tempo" | "pyroscope", flag) if flag.starts_with("-config.file") => {
                    at += usize::from(!flag.contains('='))
                }
                ("memcached", flag) => lines.push(flag.to_owned()),
                ("elasticmq" | "azurite" | "dynamodb-local" | "mailhog", flag) => lines.push(flag.to_owned()),
                ("prometheus", flag) => lines.push(flag.to_owned()),
                ("nginx", "-g" | "daemon off;" | "'daemon off;'" | "nginx-debug" | "nginx") => {}
                (_, flag) => left.push(flag),
            }
        }
        match self.known.option {
            _ if lines.is_empty() => {}
            "redis" => self.set("extraConfig", Expr::text(lines.join("\n") + "\n")),
            "memcached" => self.set("startArgs", Expr::texts(lines.iter().map(String::as_str))),
            "prometheus" => self.set("extraFlags", Expr::texts(lines.iter().map(String::as_str))),
            "elasticmq" | "dynamodb-local" | "mailhog" => {
                self.set("extraArgs", Expr::texts(lines.iter().map(String::as_str)))
            }
            _ => left.extend(lines.iter().map(String::as_str)),
        }
        match left.is_empty() {
            true => self.carry(place, key, "its options"),
            false => {
                let why = format!(
                    "services-flake's {} starts the program itself, without `{}`",
                    self.known.option,
                    left.join(" ")
                );
                self.leave(place, key, why, "set what it does in the service's own settings");
            }
        }
    }

    fn volumes(&mut self) {
        let items = self.service.get("volumes").map_or(&[][..], Node::items);
        for item in items {
            let source = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or_default().trim_end_matches('/');
            let inside = source.strip_prefix("./");
            match (self.known.option, inside) {
                ("postgres" | "mysql" | "mongodb" | "clickhouse", Some(path))
                    if target.starts_with("/docker-entrypoint-initdb.d") =>
                {
                    self.init_file(path, &item.place);
                }
                ("nginx", _) => {}
                ("prometheus", Some(path)) if self.builder.files().is_folder(path) && target == "/etc/prometheus" => {
                    self.yaml_config(&format!("{}/prometheus.yml", path.trim_end_matches('/')), "extraConfig", item);
                }
                ("prometheus", Some(path)) if target.ends_with(".yml") || target.ends_with(".yaml") => {
                    self.yaml_config(path, "extraConfig", item)
                }
                ("loki" | "tempo" | "pyroscope", Some(path))
                    if target.ends_with(".yml") || target.ends_with(".yaml") =>
                {
                    self.yaml_config(path, "extraConfig", item)
                }
                ("redis", Some(path)) if target.ends_with(".conf") => self.redis_conf(path, item),
                ("grafana", Some(path)) if target.contains("/provisioning") => {
                    let why =
                        format!("services-flake's grafana takes `datasources` and `providers` and no folder {path}");
                    self.leave(&item.place, "volumes", why, "write the provisioning files as these options");
                }
                (_, Some(path)) if is_file(target) => {
                    let why = format!("services-flake's {} does not read {path}", self.known.option);
                    self.leave(&item.place, "volumes", why, "write what the file says as options");
                }
                (_, Some(path)) if !is_data(target) => {
                    let why = format!("services-flake's {} does not read ./{path}", self.known.option);
                    self.leave(&item.place, "volumes", why, "write what the files say as options");
                }
                (_, Some(path)) => {
                    self.set("dataDir", Expr::text(format!("./{}", path.trim_end_matches('/'))));
                    self.carry(&item.place, "volumes", "dataDir");
                }
                (_, None) if item.get("type").and_then(Node::text) == Some("volume") => {
                    self.carry(&item.place, "volumes", "dataDir, empty at first: ./data/<instance>");
                }
                (_, None) => {
                    self.leave(
                        &item.place,
                        "volumes",
                        format!("{source} is outside of the repository"),
                        "copy what the service needs",
                    );
                }
            }
        }
    }

    /// Init scripts are collected in `own_settings`; here only what cannot be one is reported.
    fn init_file(&self, path: &str, place: &Place) {
        let is_folder = self.builder.files().is_folder(path);
        let names = if is_folder { self.builder.files().names(path) } else { vec![path.to_owned()] };
        if self.known.option == "mongodb" {
            return self.leave(
                place,
                "volumes",
                format!("services-flake's mongodb runs no init scripts: {path}"),
                "run it in a process that depends on the database",
            );
        }
        for name in &names {
            if name.ends_with(".sql") {
                self.carry(place, "volumes", "initialDatabases");
            } else {
                let why = format!("only .sql files are run at the first start, and not {name}");
                self.leave(place, "volumes", why, "run it in a process that depends on the database");
            }
        }
    }

    /// The `.sql` files and folders of init scripts, as paths from the module, in Compose's order.
    fn init_paths(&self) -> Vec<String> {
        let mut found: Vec<(String, String)> = Vec::new();
        for bind in self.service.binds() {
            let is_sql = bind.source.ends_with(".sql") || self.has_sql(&bind.source);
            if bind.target.starts_with("/docker-entrypoint-initdb.d") && is_sql {
                found.push((bind.target, bind.source));
            }
        }
        found.sort();
        found.iter().map(|(_, source)| self.builder.path(source)).collect()
    }

    fn has_sql(&self, folder: &str) -> bool {
        let names = self.builder.files().names(folder.trim_end_matches('/'));
        names.iter().any(|name| name.ends_with(".sql"))
    }

    fn yaml_config(&mut self, path: &str, option: &str, item: &Node) {
        let parsed = self
            .builder
            .files()
            .text(path)
            .ok()
            .flatten()
            .and_then(|text| yaml::parse(&path.into(), &text).ok().flatten());
        match parsed {
            Some(node) => {
                let value = self.yaml_expr(&node);
                self.set(option, value);
                self.carry(&item.place, "volumes", option);
            }
            None => self.leave(
                &item.place,
                "volumes",
                format!("{path} cannot be read as YAML"),
                format!("write it as `{option}`"),
            ),
        }
    }

    fn yaml_expr(&self, node: &Node) -> Expr {
        match &node.value {
            Value::Map(pairs) => Expr::Set(
                pairs.iter().map(|(key, value)| Attr::new([key.name.as_str()], self.yaml_expr(value))).collect(),
            ),
            Value::List(items) => Expr::List(items.iter().map(|item| self.yaml_expr(item)).collect()),
            Value::Scalar(_) if node.is_null() => Expr::Code("null".to_owned()),
            Value::Scalar(scalar) if scalar.plain && node.bool().is_some() => Expr::bool(node.bool() == Some(true)),
            Value::Scalar(scalar) => match scalar.text.parse::<i64>() {
                Ok(number) if scalar.plain => Expr::int(number),
                _ => string(
                    &self.builder.rewriter(self.service).rewrite(&scalar.text, Position::Variable("TARGET_HOSTS")),
                ),
            },
        }
    }

    fn redis_conf(&mut self, path: &str, item: &Node) {
        let Some(text) = self.builder.files().text(path).ok().flatten() else {
            return self.leave(&item.place, "volumes", format!("{path} does not exist"), "write it as `extraConfig`");
        };
        let mut kept = String::new();
        for line in text.lines() {
            let name = line.split_whitespace().next().unwrap_or_default();
            match name {
                "requirepass" | "masterauth" | "user" => {
                    self.leave(
                        &item.place,
                        "volumes",
                        format!("`{name}` in {path} would put a secret into the world-readable store"),
                        "let clients connect without a password on this machine",
                    );
                }
                "port" | "bind" | "dir" | "daemonize" | "pidfile" | "logfile" | "protected-mode" => {}
                "" => {}
                name if name.starts_with('#') => {}
                _ => kept.push_str(&format!("{}\n", line.trim_end())),
            }
        }
        self.set("extraConfig", Expr::text(kept));
        self.carry(&item.place, "volumes", "extraConfig");
    }

    /// What several settings together make.
    fn own_settings(&mut self) {
        match self.known.option {
            "postgres" => self.postgres(),
            "mysql" => self.mysql(),
            "nginx" => nginx::build(self),
            "apache-kafka" => self.kafka(),
            "prometheus" => self.set("listenAddress", Expr::text("127.0.0.1")),
            "pgadmin" => {
                self.set("initialEmail", Expr::text("admin@example.org"));
                self.set("initialPassword", Expr::text("change-me"));
            }
            "clickhouse" => {
                if let Some(name) = self.value(&["CLICKHOUSE_DB"]) {
                    let schemas = self.init_paths();
                    self.set("initialDatabases", databases(&name, "schemas", true, schemas));
                }
            }
            _ => {}
        }
    }

    fn value(&self, names: &[&str]) -> Option<String> {
        let node = self.service.get("environment")?;
        names.iter().find_map(|name| node.get(name)?.text()).map(str::to_owned)
    }

    fn postgres(&mut self) {
        let user = self.value(&["POSTGRES_USER", "POSTGRESQL_USERNAME"]).unwrap_or_else(|| "postgres".to_owned());
        let database = self.value(&["POSTGRES_DB", "POSTGRESQL_DATABASE"]).unwrap_or_else(|| user.clone());
        let schemas = self.init_paths();
        self.set("superuser", Expr::text(&user));
        if database == "postgres" {
            // It exists already, so that services-flake would not apply schemas to it.
            self.set("createDatabase", Expr::bool(false));
            if !schemas.is_empty() {
                let mut script = Text::default();
                for path in &schemas {
                    script.push("\\i ").push_code(path).push("\n");
                }
                self.set("initialScript.after", Expr::Text(script));
            }
            return;
        }
        self.set("initialDatabases", databases(&database, "schemas", true, schemas));
    }

    fn mysql(&mut self) {
        self.set("settings.mysqld.bind-address", Expr::text("127.0.0.1"));
        let database = self.value(&["MYSQL_DATABASE", "MARIADB_DATABASE"]);
        let schemas = self.init_paths();
        if schemas.len() > 1 {
            self.leave(
                &self.service.key.place,
                "volumes",
                "a database takes one file or folder of SQL",
                "put the other files into the same folder",
            );
        }
        if let Some(name) = &database {
            self.set("initialDatabases", databases(name, "schema", false, schemas.into_iter().take(1).collect()));
        }
        if let Some(user) = self.value(&["MYSQL_USER", "MARIADB_USER"]) {
            let scope = format!("{}.*", database.as_deref().unwrap_or("*"));
            let permissions = Attr::new(["ensurePermissions", scope.as_str()], Expr::text("ALL PRIVILEGES"));
            let user = Expr::Set(vec![Attr::new(["name"], Expr::text(user)), permissions]);
            self.set("ensureUsers", Expr::List(vec![user]));
        }
    }

    /// One broker that is its own controller.
    fn kafka(&mut self) {
        let Some(port) = self.service.ports.first() else { return };
        let address = |prefix: &str, text: Text| {
            let mut whole = Text::literal(prefix);
            whole.append(&text);
            Expr::Text(whole)
        };
        let broker = self.builder.port_text(Some(port));
        let controller = self.builder.port_text(self.service.port(KAFKA_CONTROLLER));
        self.set("formatLogDirs", Expr::bool(true));
        self.set("clusterId", Expr::text("MkU3OEVBNTcwNTJENDM2Qg"));
        let settings = [
            ("process.roles", Expr::texts(["broker", "controller"])),
            ("node.id", Expr::int(1)),
            ("controller.quorum.voters", Expr::List(vec![address("1@127.0.0.1:", controller.clone())])),
            ("controller.listener.names", Expr::texts(["CONTROLLER"])),
            (
                "listeners",
                Expr::List(vec![
                    address("PLAINTEXT://127.0.0.1:", broker),
                    address("CONTROLLER://127.0.0.1:", controller),
                ]),
            ),
            ("offsets.topic.replication.factor", Expr::int(1)),
            ("transaction.state.log.replication.factor", Expr::int(1)),
            ("transaction.state.log.min.isr", Expr::int(1)),
        ];
        for (name, value) in settings {
            self.set_path(&["settings", name], value);
        }
    }

    /// What services-flake's own process has already.
    fn dropped(&self) {
        let own = format!("services-flake's {} brings its own", self.known.option);
        for key in ["healthcheck", "restart", "stop_signal", "stop_grace_period"] {
            if let Some(node) = self.service.get(key) {
                self.builder.carry(self.service, &node.place, key, own.clone());
            }
        }
        self.builder.deploy(self.service, &mut vec![Attr::new(["x"], Expr::bool(true))]);
        for key in ["tty", "stdin_open", "working_dir"] {
            if let Some(node) = self.service.get(key) {
                self.builder.carry(self.service, &node.place, key, "nothing: the service needs none");
            }
        }
        if let Some(node) = self.service.get("logging") {
            self.leave(
                &node.place,
                "logging",
                "process-compose keeps the output of its processes itself",
                "set `log_location` if the output should be in a file",
            );
        }
        for key in ["secrets", "configs"] {
            if let Some(node) = self.service.get(key) {
                self.builder.mounted(self.service, key, node);
            }
        }
    }
}

/// The port of Kafka's controller.
pub const KAFKA_CONTROLLER: u16 = 9093;

fn databases(name: &str, option: &str, is_list: bool, schemas: Vec<String>) -> Expr {
    let mut attrs = vec![Attr::new(["name"], Expr::text(name))];
    if !schemas.is_empty() {
        let paths: Vec<Expr> = schemas.into_iter().map(Expr::Code).collect();
        let value = match (is_list, paths.first().cloned()) {
            (false, Some(first)) => first,
            _ => Expr::List(paths),
        };
        attrs.push(Attr::new([option], value));
    }
    Expr::List(vec![Expr::Set(attrs)])
}

/// Whether a program keeps its data in a folder.
fn is_data(target: &str) -> bool {
    ["data", "/var/lib/", "/bitnami", "storage", "/db", "/loki", "/prometheus", "/minio", "/root/.ollama"]
        .iter()
        .any(|part| target.contains(part))
}

fn is_file(target: &str) -> bool {
    let name = target.rsplit('/').next().unwrap_or(target);
    name.contains('.') || target.starts_with("/etc")
}
