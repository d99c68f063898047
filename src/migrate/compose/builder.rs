//! Builds the module of a project, service by service.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::hosts::{self, Position, Rewriter};
use super::interpolate::{self, Variables};
use super::process::{self, Program};
use super::settings::{self, Outcome};
use super::stack::{Port, Role, Service, Stack};
use super::words;
use super::yaml::{Node, Place, Scalar, Value};
use super::{health, known};
use crate::migrate::nix::{Attr, Expr, Text};
use crate::migrate::{Files, Ports, Report};

/// What is needed to build a module.
pub struct Builder<'a, 'm> {
    /// The project.
    pub stack: &'a Stack<'m>,
    /// The path of the module.
    pub module: &'a str,
    files: &'a dyn Files,
    ports: &'a Ports,
    variables: Variables,
    report: RefCell<Report>,
    /// Secrets that go to `.env`: names and values.
    secrets: RefCell<BTreeMap<String, String>>,
}

/// What a module is made of.
#[derive(Debug, Default)]
pub struct Parts {
    /// `services.<option>.<instance>`.
    pub services: Vec<Attr>,
    /// `settings.processes.<name>`.
    pub processes: Vec<Attr>,
    /// What was carried and left.
    pub report: Report,
    /// Secrets that go to `.env`.
    pub secrets: BTreeMap<String, String>,
}

/// A service while it is built: which of its keys are dealt with.
pub struct Done<'s, 'm> {
    /// The service.
    pub service: &'s Service<'m>,
    keys: BTreeSet<&'m str>,
}

impl<'a, 'm> Builder<'a, 'm> {
    /// For a project whose ports are claimed.
    pub fn new(stack: &'a Stack<'m>, module: &'a str, files: &'a dyn Files, ports: &'a Ports) -> Self {
        let variables = stack.model.env.iter().cloned().collect();
        let (report, secrets) = (RefCell::default(), RefCell::default());
        Self { stack, module, files, ports, variables, report, secrets }
    }

    /// Builds all services.
    pub fn build(self) -> Parts {
        let mut parts = Parts::default();
        for service in &self.stack.services {
            let mut done = Done { service, keys: BTreeSet::new() };
            match &service.role {
                Role::Known(known) => known::build(&self, &mut done, known, &mut parts),
                Role::Package(_) | Role::Program => self.process(&mut done, &mut parts),
                Role::Left(why) => {
                    self.left_out(service, why);
                    continue;
                }
            }
            self.remaining(&done);
        }
        parts.report = self.report.into_inner();
        parts.secrets = self.secrets.into_inner();
        parts
    }

    /// The repository's files.
    pub fn files(&self) -> &'a dyn Files {
        self.files
    }

    /// The rewriter of a service's texts.
    pub fn rewriter<'s>(&'s self, service: &'s Service<'m>) -> Rewriter<'s, 'm> {
        Rewriter { stack: self.stack, service, ports: self.ports }
    }

    /// The number of a port as a string.
    pub fn port_text(&self, port: Option<&Port>) -> Text {
        process::port_text(&|number| self.ports.reference(number), port)
    }

    /// The number of a port as an integer.
    pub fn port_expr(&self, port: &Port) -> Expr {
        Expr::Code(self.ports.reference(port.number))
    }

    /// A path of the repository as one from the module.
    pub fn path(&self, path: &str) -> String {
        let path = path.trim_end_matches('/');
        crate::migrate::nix::path(&crate::paths::between(self.module, if path.is_empty() { "." } else { path }))
    }

    /// A scalar with variables that hold secrets, or that `.env` sets, left to the shell.
    pub fn run_time(&self, scalar: &Scalar) -> String {
        words::text_of(scalar, &self.variables, &|name| self.variables.contains_key(name) || is_secret(name))
    }

    /// Reports a key as carried.
    pub fn carry(&self, service: &Service<'_>, place: &Place, key: &str, into: impl Into<String>) {
        let what = format!("services.{}.{key}", service.name);
        self.report.borrow_mut().carry(&place.path, place.line, what, into);
    }

    /// Reports a key as left.
    pub fn leave(
        &self,
        service: &Service<'_>,
        place: &Place,
        key: &str,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let what = if key.is_empty() {
            format!("services.{}", service.name)
        } else {
            format!("services.{}.{key}", service.name)
        };
        self.report.borrow_mut().leave(&place.path, place.line, what, why, todo);
    }

    /// A process of a program or of a package.
    fn process(&self, done: &mut Done<'_, 'm>, parts: &mut Parts) {
        let service = done.service;
        let (program, more) = match self.program(done) {
            Ok(found) => found,
            Err(why) => {
                self.left_out(service, &why);
                return done.all();
            }
        };
        let mut program = program;
        let mut attrs = Vec::new();
        let mut environment = self.environment(done, &mut program);
        environment.extend(more);
        self.tell_port(done, &mut environment);
        self.env_files(done, &mut program);
        attrs.push(Attr::new(["command"], program.command(&service.process)));
        let folder = process::working_folder(service);
        if !folder.is_empty() {
            attrs.push(Attr::new(["working_dir"], Expr::text(format!("./{folder}"))));
        }
        if !environment.is_empty() {
            let pairs = environment.iter().map(|(name, value)| Attr::new([name.as_str()], string(value)));
            attrs.push(Attr::new(["environment"], Expr::Set(pairs.collect())));
        }
        attrs.extend(self.depends_on(done));
        attrs.extend(health::probe(self, done));
        attrs.extend(self.availability(done));
        attrs.extend(self.shutdown(done));
        attrs.extend(self.small(done));
        parts.processes.push(Attr::new([service.process.as_str()], Expr::Set(attrs)).comment(self.origin(service)));
    }

    /// A comment that says where a process comes from.
    pub fn origin(&self, service: &Service<'_>) -> String {
        let what = service.text("image").map_or_else(
            || format!("built from ./{}", service.context().unwrap_or_default()),
            |image| format!("the image {image}"),
        );
        format!("Was {what}.")
    }

    fn program(&self, done: &mut Done<'_, 'm>) -> Result<(Program, Vec<(String, Text)>), String> {
        let service = done.service;
        done.take(&["command", "entrypoint", "image", "build", "working_dir"]);
        let (program, variables) = match &service.role {
            Role::Package(package) => {
                if !package.takes_command {
                    for key in ["command", "entrypoint"] {
                        if let Some(node) = service.get(key) {
                            let why = format!("the program runs with the arguments of {}", package.package);
                            self.leave(
                                service,
                                &node.place,
                                key,
                                why,
                                "add the arguments that are still needed to `command`",
                            );
                        }
                    }
                }
                process::package_program(self, service, package)
            }
            _ => {
                let words = process::command_words(self, service).or_else(|| {
                    let image = service.text("image")?;
                    let name = crate::knowledge::containers::repository(image).rsplit('/').next()?;
                    Some(vec![name.to_owned()])
                });
                let words = words.ok_or("nothing says what it runs")?;
                (process::program(self, service, &words)?, Vec::new())
            }
        };
        for key in ["image", "build", "command", "entrypoint", "working_dir"] {
            let package_command = matches!(service.role, Role::Package(package) if !package.takes_command);
            if let Some(node) = service.get(key)
                && !(package_command && matches!(key, "command" | "entrypoint"))
            {
                self.carry(service, &node.place, key, format!("settings.processes.{}.command", service.process));
            }
        }
        self.build_notes(service);
        Ok((program, variables))
    }

    /// What a build does that a process does not.
    fn build_notes(&self, service: &Service<'_>) {
        let Some(build) = service.get("build") else { return };
        for (key, value) in build.pairs() {
            if !matches!(key.name.as_str(), "context" | "dockerfile" | "target" | "args" | "dockerfile_inline")
                && !value.is_null()
            {
                let why = "no image is built for the process";
                self.leave(
                    service,
                    &key.place,
                    &format!("build.{}", key.name),
                    why,
                    "carry it over where the image is built",
                );
            }
        }
        let Some(file) = &service.image_file else { return };
        for (run, line) in &file.runs {
            let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
            let shown: String = run.chars().take(60).collect();
            let why = format!("`RUN {}` prepared the image, and the process runs in the checkout", shown.trim());
            let todo = if ["npm", "yarn", "pnpm", "bun ", "bundle", "composer"].iter().any(|tool| run.contains(tool)) {
                format!(
                    "install the dependencies in ./{} once before the first start",
                    process::working_folder(service)
                )
            } else if run.contains("pip") || run.contains("poetry") {
                "replace `pkgs.python3` by `pkgs.python3.withPackages (ps: [ .. ])` with the packages it installs"
                    .to_owned()
            } else {
                "check whether the program needs it".to_owned()
            };
            self.leave(service, &place, "build", why, todo);
        }
        if let Some((target, line)) = file.built.first() {
            let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
            let why = format!("another stage builds {target}, and the process runs in the checkout");
            let todo = format!("build it in ./{} before the first start", process::working_folder(service));
            self.leave(service, &place, "build", why, todo);
        }
    }

    /// The variables of a process: those with a value that may be in the store. The others are exported by its script.
    pub fn environment(&self, done: &mut Done<'_, 'm>, program: &mut Program) -> Vec<(String, Text)> {
        let service = done.service;
        done.take(&["environment"]);
        let mut environment: Vec<(String, Text)> = Vec::new();
        if let Some(file) = &service.image_file {
            for (name, value, line) in &file.variables {
                let overridden = service.get("environment").is_some_and(|node| node.get(name).is_some());
                if overridden {
                    continue;
                }
                let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
                if name == "PATH" || name.ends_with("_HOME") || value.contains('$') || value.starts_with('/') {
                    let why = format!("ENV {name} describes the image");
                    self.leave(service, &place, &format!("environment.{name}"), why, "set it if the program needs it");
                    continue;
                }
                environment.push((name.clone(), self.rewriter(service).rewrite(value, Position::Variable(name))));
            }
        }
        for (key, value) in service.get("environment").map_or(&[][..], Node::pairs) {
            self.variable(service, &key.name, &key.place, value, program, &mut environment);
        }
        environment
    }

    fn variable(
        &self,
        service: &Service<'_>,
        name: &str,
        place: &Place,
        value: &Node,
        program: &mut Program,
        environment: &mut Vec<(String, Text)>,
    ) {
        let key = format!("environment.{name}");
        let Value::Scalar(scalar) = &value.value else { return };
        if value.is_null() && value.text().is_none() && scalar.plain {
            self.carry(service, place, &key, "the environment that process-compose is started with");
            return;
        }
        let text = self.run_time(scalar);
        if text == words::shell(&format!("${{{name}-}}")) && self.env_is_read() {
            self.carry(service, place, &key, "`.env`, which process-compose reads");
            return;
        }
        if process::asks(scalar) && !words::has_shell(&Text::literal(&text)) {
            let why = format!("it could be changed by a variable, and `{text}` is written now");
            self.leave(service, place, &key, why, "change the value in the module");
        }
        let (text, is_new) = self.without_secrets(service, name, &text);
        let rewritten = self.rewriter(service).rewrite(&path_of_secret(self, service, &text), Position::Variable(name));
        if words::has_shell(&rewritten) {
            if text == words::shell(&format!("${{{name}-}}")) && is_new {
                self.carry(service, place, &key, "`.env`, which process-compose reads");
                return;
            }
            program.exports.push((name.to_owned(), rewritten));
            self.carry(service, place, &key, format!("settings.processes.{}.command", service.process));
            return;
        }
        if rewritten.contains("{{") {
            program.exports.push((name.to_owned(), rewritten));
        } else {
            environment.push((name.to_owned(), rewritten));
        }
        self.carry(service, place, &key, format!("settings.processes.{}.environment.{name}", service.process));
    }

    /// Whether process-compose reads the project's `.env` by itself: it does where it is started.
    fn env_is_read(&self) -> bool {
        self.stack.model.folder.is_empty()
    }

    /// A value with its secret moved to `.env`, and whether there was one.
    fn without_secrets(&self, service: &Service<'_>, name: &str, text: &str) -> (String, bool) {
        let is_flag = text.is_empty() || matches!(text, "true" | "false" | "yes" | "no" | "1" | "0");
        if words::has_shell(&Text::literal(text)) || is_flag {
            return (text.to_owned(), false);
        }
        if is_secret(name) && !name.ends_with("_FILE") && !text.starts_with("/run/secrets/") {
            let variable = self.secret(service, name, text);
            return (words::shell(&format!("${{{variable}-}}")), variable == name);
        }
        if let Some((at, end)) = password_in_url(text) {
            let variable = self.secret(service, &format!("{name}_PASSWORD"), &text[at..end]);
            let shell = words::shell(&format!("${{{variable}-}}"));
            return (format!("{}{shell}{}", &text[..at], &text[end..]), false);
        }
        (text.to_owned(), false)
    }

    /// Puts a secret into `.env`, and gives the name of its variable there.
    fn secret(&self, service: &Service<'_>, name: &str, value: &str) -> String {
        let mut secrets = self.secrets.borrow_mut();
        let known = |name: &str| secrets.get(name).or_else(|| self.variables.get(name)).cloned();
        let plain: String = service
            .name
            .to_ascii_uppercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let name = match known(name) {
            Some(other) if other != value => format!("{plain}_{name}"),
            _ => name.to_owned(),
        };
        secrets.insert(name.clone(), value.to_owned());
        name
    }

    /// Tells a program its port, unless it already knows it.
    fn tell_port(&self, done: &Done<'_, 'm>, environment: &mut Vec<(String, Text)>) {
        let service = done.service;
        let Some(port) = service.ports.first().filter(|_| service.role == Role::Program) else { return };
        let how = how_told(self, service, port.container);
        match how {
            Told::Text => {}
            Told::Variable(name) => {
                if !environment.iter().any(|(known, _)| known == name) {
                    environment.push((name.to_owned(), self.port_text(Some(port))));
                }
            }
            Told::Not => {
                if !environment.iter().any(|(known, _)| known == "PORT") {
                    environment.push(("PORT".to_owned(), self.port_text(Some(port))));
                }
                let why = format!(
                    "nothing says how the program learns its port; PORT is set, and it listened on {}",
                    port.container
                );
                let todo = format!("check that it listens on {}", port.number);
                self.leave(service, &port.place, &format!("ports.{}", port.container), why, todo);
            }
        }
    }

    fn env_files(&self, done: &mut Done<'_, 'm>, program: &mut Program) {
        let service = done.service;
        done.take(&["env_file"]);
        let needs_env = words::has_shell(&program.line) || !program.exports.is_empty();
        if let Some(path) = self.stack.model.env_path.as_ref().filter(|_| needs_env && !self.env_is_read()) {
            program.sources.push(self.path_in_working_folder(service, path));
        }
        for item in service.get("env_file").map_or(&[][..], Node::items) {
            let Some(path) = item.get("path").and_then(Node::text) else { continue };
            let Some(inside) = path.strip_prefix("./") else {
                self.leave(
                    service,
                    &item.place,
                    "env_file",
                    format!("{path} is outside of the repository"),
                    "copy it into the repository",
                );
                continue;
            };
            program.sources.push(self.path_in_working_folder(service, inside));
            self.carry(service, &item.place, "env_file", format!("settings.processes.{}.command", service.process));
            self.env_file_notes(service, inside, item);
        }
    }

    /// Values of an env_file that name other hosts, which the file itself still does.
    fn env_file_notes(&self, service: &Service<'_>, path: &str, item: &Node) {
        let text = match self.files.text(path) {
            Ok(Some(text)) => text,
            _ => {
                self.leave(
                    service,
                    &item.place,
                    "env_file",
                    format!("{path} does not exist"),
                    "write it before the first start",
                );
                return;
            }
        };
        let Ok(pairs) = interpolate::read_env(&text, &self.variables) else {
            self.leave(service, &item.place, "env_file", format!("{path} cannot be read as variables"), "correct it");
            return;
        };
        for (name, value) in pairs {
            let rewritten = self.rewriter(service).rewrite(&value, Position::Variable(&name));
            if rewritten.as_literal() != Some(&value) {
                let why = format!("{name} in {path} names a host or a port of the old network");
                self.leave(
                    service,
                    &item.place,
                    "env_file",
                    why,
                    format!("write 127.0.0.1 and the port of the registry as {name}"),
                );
            }
        }
    }

    /// A path of the repository as one from the folder that a process runs in.
    fn path_in_working_folder(&self, service: &Service<'_>, path: &str) -> String {
        let folder = process::working_folder(service);
        let up = if folder.is_empty() { "./".to_owned() } else { "../".repeat(folder.split('/').count()) };
        format!("{up}{path}")
    }

    /// `depends_on` with its conditions; also for `links` and networks of other services.
    pub fn depends_on(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["depends_on", "links"]);
        let mut attrs: Vec<Attr> = Vec::new();
        for (key, node) in service.get("depends_on").map_or(&[][..], Node::pairs) {
            let what = format!("depends_on.{}", key.name);
            let Some(other) = self.stack.by_name(&key.name) else {
                let why = format!("there is no service `{}`", key.name);
                self.leave(service, &key.place, &what, why, "remove it, or add what it waits for");
                continue;
            };
            if !other.is_carried() {
                let why = format!("`{}` is not carried, so nothing waits for it", key.name);
                self.leave(service, &key.place, &what, why, "start what it needs by other means");
                continue;
            }
            let condition = node.get("condition").and_then(Node::text).unwrap_or("service_started");
            let (process, condition) = self.condition(other, condition);
            if condition == "process_healthy" && !health::has_probe(other) {
                let why =
                    format!("`{}` has no health check, so it can only be waited for until it is started", key.name);
                self.leave(service, &key.place, &what, why, "give it a `readiness_probe`");
                attrs.push(Attr::new([process.as_str(), "condition"], Expr::text("process_started")));
                continue;
            }
            self.carry(service, &key.place, &what, format!("depends_on.{process}.condition = {condition}"));
            attrs.push(Attr::new([process.as_str(), "condition"], Expr::text(condition)));
        }
        for item in service.get("links").map_or(&[][..], Node::items) {
            let name = item.text().unwrap_or_default().split(':').next().unwrap_or_default();
            let other = self.stack.by_name(name).filter(|other| other.is_carried());
            match other {
                Some(other) => {
                    if !attrs.iter().any(|attr| attr.path.first() == Some(&other.process)) {
                        attrs.push(Attr::new([other.process.as_str(), "condition"], Expr::text("process_started")));
                    }
                    self.carry(service, &item.place, "links", format!("depends_on.{}", other.process));
                }
                None => self.leave(
                    service,
                    &item.place,
                    "links",
                    format!("`{name}` is not carried"),
                    "start what it needs by other means",
                ),
            }
        }
        (!attrs.is_empty()).then(|| Attr::new(["depends_on"], Expr::Set(attrs)))
    }

    /// The process to wait for and the condition.
    fn condition(&self, other: &Service<'_>, condition: &str) -> (String, &'static str) {
        match (condition, &other.role) {
            ("service_healthy", Role::Known(known)) if known.configures => {
                (format!("{}-configure", other.process), "process_completed_successfully")
            }
            ("service_healthy", _) => (other.process.clone(), "process_healthy"),
            ("service_completed_successfully", _) => (other.process.clone(), "process_completed_successfully"),
            // A database that is only started may not take connections yet, and Compose's default says no more.
            _ => (other.process.clone(), "process_started"),
        }
    }

    fn availability(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["restart", "deploy"]);
        let mut attrs = Vec::new();
        if let Some(node) = service.get("restart") {
            let (restart, most) = match node.text().unwrap_or_default().split_once(':') {
                Some((name, most)) => (name, most.parse::<i64>().ok()),
                None => (node.text().unwrap_or_default(), None),
            };
            if let Some(restart) = restart_of(restart) {
                attrs.push(Attr::new(["restart"], Expr::text(restart)));
                attrs.extend(most.map(|most| Attr::new(["max_restarts"], Expr::int(most))));
                self.carry(service, &node.place, "restart", format!("availability.restart = {restart}"));
            } else {
                self.leave(
                    service,
                    &node.place,
                    "restart",
                    "it is not a restart policy",
                    "choose one for `availability.restart`",
                );
            }
        }
        self.deploy(service, &mut attrs);
        (!attrs.is_empty()).then(|| Attr::new(["availability"], Expr::Set(attrs)))
    }

    /// `deploy`: the restart policy is carried, the rest is for clusters.
    pub fn deploy(&self, service: &Service<'_>, attrs: &mut Vec<Attr>) {
        for (key, node) in service.get("deploy").map_or(&[][..], Node::pairs) {
            let what = format!("deploy.{}", key.name);
            if key.name != "restart_policy" || !attrs.is_empty() && service.get("restart").is_none() {
                let why = "process-compose runs every process once, on this machine, without limits";
                self.leave(service, &key.place, &what, why, "nothing, unless the program insists on it");
                continue;
            }
            if service.get("restart").is_none() {
                let condition = node.get("condition").and_then(Node::text).unwrap_or("any");
                attrs.extend(restart_of(condition).map(|restart| Attr::new(["restart"], Expr::text(restart))));
                let most = node.get("max_attempts").and_then(Node::text).and_then(|text| text.parse().ok());
                attrs.extend(most.map(|most| Attr::new(["max_restarts"], Expr::int(most))));
                let delay = node.get("delay").and_then(Node::text).and_then(words::seconds);
                attrs.extend(
                    delay
                        .filter(|delay| *delay > 0)
                        .map(|delay| Attr::new(["backoff_seconds"], Expr::int(delay as i64))),
                );
            }
            self.carry(service, &key.place, &what, "availability");
        }
    }

    fn shutdown(&self, done: &mut Done<'_, 'm>) -> Option<Attr> {
        let service = done.service;
        done.take(&["stop_signal", "stop_grace_period"]);
        let mut attrs = Vec::new();
        if let Some(node) = service.get("stop_signal") {
            match node.text().and_then(signal) {
                Some(number) => {
                    attrs.push(Attr::new(["signal"], Expr::int(number)));
                    self.carry(service, &node.place, "stop_signal", "shutdown.signal");
                }
                None => self.leave(
                    service,
                    &node.place,
                    "stop_signal",
                    "it is not a signal",
                    "set `shutdown.signal` to a number",
                ),
            }
        }
        if let Some(node) = service.get("stop_grace_period") {
            match node.text().and_then(words::seconds) {
                Some(seconds) => {
                    attrs.push(Attr::new(["timeout_seconds"], Expr::int(seconds as i64)));
                    self.carry(service, &node.place, "stop_grace_period", "shutdown.timeout_seconds");
                }
                None => self.leave(
                    service,
                    &node.place,
                    "stop_grace_period",
                    "it is not a duration",
                    "set `shutdown.timeout_seconds`",
                ),
            }
        }
        (!attrs.is_empty()).then(|| Attr::new(["shutdown"], Expr::Set(attrs)))
    }

    fn small(&self, done: &mut Done<'_, 'm>) -> Vec<Attr> {
        let service = done.service;
        done.take(&["tty", "stdin_open", "profiles", "ports", "expose", "logging"]);
        let mut attrs = Vec::new();
        for (key, option) in [("tty", "is_tty"), ("stdin_open", "is_foreground")] {
            if let Some(node) = service.get(key) {
                if node.bool() == Some(true) {
                    attrs.push(Attr::new([option], Expr::bool(true)));
                }
                self.carry(service, &node.place, key, option);
            }
        }
        attrs.extend(self.disabled(service));
        self.ports_report(service);
        if let Some(node) = service.get("logging") {
            let why = "process-compose keeps the output of its processes itself";
            self.leave(service, &node.place, "logging", why, "set `log_location` if the output should be in a file");
        }
        attrs
    }

    /// A service with profiles is started by hand.
    pub fn disabled(&self, service: &Service<'_>) -> Option<Attr> {
        let node = service.get("profiles").filter(|node| !node.items().is_empty())?;
        let names: Vec<&str> = node.items().iter().filter_map(Node::text).collect();
        self.carry(service, &node.place, "profiles", "disabled: start it by hand");
        Some(Attr::new(["disabled"], Expr::bool(true)).comment(format!("Had the profiles {}.", names.join(", "))))
    }

    /// Reports the ports, which the registry has now.
    pub fn ports_report(&self, service: &Service<'_>) {
        for key in ["ports", "expose"] {
            let Some(node) = service.get(key) else { continue };
            self.carry(service, &node.place, key, "entries of the port registry");
            for item in node.items() {
                if item.get("protocol").and_then(Node::text) == Some("udp") {
                    self.leave(
                        service,
                        &item.place,
                        "ports",
                        "the registry has numbers and no protocols",
                        "open the port for udp where a firewall matters",
                    );
                }
                let ip = item.get("host_ip").and_then(Node::text).unwrap_or(hosts::LOCAL);
                if !matches!(ip, hosts::LOCAL | "0.0.0.0" | "::1" | "::" | "localhost") {
                    self.leave(
                        service,
                        &item.place,
                        "ports",
                        format!("it was published on {ip}"),
                        "bind the program to that address if others reach it there",
                    );
                }
            }
        }
    }

    /// What was not dealt with.
    fn remaining(&self, done: &Done<'_, 'm>) {
        let service = done.service;
        for (key, node) in service.node.pairs() {
            let name = key.name.as_str();
            if done.keys.contains(name) {
                continue;
            }
            match name {
                _ if node.is_null() => self.carry(service, &key.place, name, "nothing: it is empty"),
                "volumes" => self.volumes(service, node),
                "secrets" | "configs" => self.mounted(service, name, node),
                _ => match settings::outcome(name) {
                    Outcome::Holds(why) => self.carry(service, &key.place, name, why),
                    Outcome::Lost(why, todo) => self.leave(service, &key.place, name, why, todo),
                },
            }
        }
    }

    fn volumes(&self, service: &Service<'_>, node: &Node) {
        let folder = process::working_folder(service);
        for item in node.items() {
            let source = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or_default();
            let (why, todo) = match source.strip_prefix("./") {
                _ if source.ends_with("docker.sock") => (
                    "there is no Docker to talk to".to_owned(),
                    "remove the part of the program that starts or watches containers".to_owned(),
                ),
                Some(inside) if in_folder(inside, &folder) || in_folder(&folder, inside) => {
                    self.carry(service, &item.place, "volumes", "the process runs in the checkout");
                    continue;
                }
                Some(inside) => (
                    format!("{target} does not exist outside of a container; the files are in ./{inside}"),
                    format!("let the program read ./{inside} instead of {target}"),
                ),
                None => (
                    format!("{target} does not exist outside of a container"),
                    format!("let the program keep its files in ./data/{} instead of {target}", service.process),
                ),
            };
            self.leave(service, &item.place, "volumes", why, todo);
        }
    }

    /// Secrets and configs: files of the checkout, whose paths are written where they are used.
    pub fn mounted(&self, service: &Service<'_>, key: &str, node: &Node) {
        for item in node.items() {
            let name = item.get("source").and_then(Node::text).unwrap_or_default();
            match self.file_of(key, name) {
                Some(path) => self.carry(service, &item.place, key, format!("the file {path}")),
                None => {
                    let why = format!("`{name}` is not a file of this repository");
                    self.leave(service, &item.place, key, why, "give the program its value through the environment");
                }
            }
        }
    }

    /// The file of a top-level secret or config, as a path from the root.
    fn file_of(&self, key: &str, name: &str) -> Option<String> {
        let path = self.stack.model.root.get(key)?.get(name)?.get("file")?.text()?;
        path.starts_with("./").then(|| path.to_owned())
    }

    /// A service that is not carried, and what becomes of its keys.
    fn left_out(&self, service: &Service<'_>, why: &str) {
        let todo = "run it by other means, or write a process for it";
        self.leave(service, &service.key.place, "", format!("it is left out: {why}"), todo);
        for (key, _) in service.node.pairs() {
            self.leave(service, &key.place, &key.name, "its service is left out", todo);
        }
        for other in self.stack.services.iter().filter(|other| other.is_carried()) {
            let names = service.names.iter();
            let mentions = names.clone().any(|name| other.get("environment").is_some_and(|node| mentions(node, name)));
            if mentions {
                let why = format!("its environment names `{}`, which is left out", service.name);
                self.leave(other, &other.key.place, "environment", why, "give it the address of what takes its place");
            }
        }
    }
}

impl<'m> Done<'_, 'm> {
    /// Marks keys as dealt with.
    pub fn take(&mut self, keys: &[&'m str]) {
        self.keys.extend(keys);
    }

    /// Marks all keys as dealt with.
    fn all(&mut self) {
        self.keys.extend(self.service.node.pairs().iter().map(|(key, _)| key.name.as_str()));
    }
}

/// A text as an expression; one interpolation alone is written without quotes.
pub fn string(text: &Text) -> Expr {
    match text.parts() {
        [crate::migrate::nix::Part::Code(code)] => Expr::Code(code.clone()),
        _ => Expr::Text(text.clone()),
    }
}

fn in_folder(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn mentions(node: &Node, name: &str) -> bool {
    node.pairs().iter().any(|(_, value)| {
        value.text().is_some_and(|text| {
            text == name
                || text.contains(&format!("{name}:"))
                || text.contains(&format!("/{name}"))
                || text.contains(&format!("@{name}"))
        })
    })
}

/// `/run/secrets/x` as the path of the file in the checkout.
fn path_of_secret(builder: &Builder<'_, '_>, service: &Service<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    for key in ["secrets", "configs"] {
        for item in service.get(key).map_or(&[][..], Node::items) {
            let name = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or(name);
            let target = match (target.starts_with('/'), key) {
                (true, _) => target.to_owned(),
                (false, "secrets") => format!("/run/secrets/{target}"),
                (false, _) => format!("/{target}"),
            };
            if let Some(path) = builder.file_of(key, name) {
                text = text.replace(&target, &builder.path_in_working_folder(service, path.trim_start_matches("./")));
            }
        }
    }
    text
}

/// Whether a variable holds a secret, by its name.
pub fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "PASSWORD",
        "PASSWD",
        "PASS",
        "SECRET",
        "TOKEN",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "PASSPHRASE",
        "PWD",
        "PW",
    ];
    let name = name.to_ascii_uppercase();
    if name.starts_with("ALLOW_") || name.ends_with("_FILE") || name.contains("PUBLIC") || name == "PWD" {
        return false;
    }
    let ends = ["_KEY", "_SECRET_BASE", "_SALT", "_DSN_PASSWORD"].iter().any(|end| name.ends_with(end));
    ends || name.split(['_', '.', '-']).any(|word| WORDS.contains(&word)) || name.ends_with("PASSWORD")
}

/// Where the password of a URL is: `scheme://user:password@host`.
fn password_in_url(text: &str) -> Option<(usize, usize)> {
    let start = text.find("://")? + 3;
    let rest = &text[start..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    let colon = rest[..at].find(':')?;
    (colon + 1 < at).then_some((start + colon + 1, start + at))
}

fn restart_of(policy: &str) -> Option<&'static str> {
    Some(match policy {
        "no" | "none" | "false" => "no",
        "always" | "unless-stopped" | "any" => "always",
        "on-failure" => "on_failure",
        _ => return None,
    })
}

fn signal(name: &str) -> Option<i64> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    Some(match name.trim_start_matches("SIG") {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "KILL" => 9,
        "USR1" => 10,
        "USR2" => 12,
        "TERM" => 15,
        "WINCH" => 28,
        _ => return None,
    })
}

/// How a program learns the port that it listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A text of its settings says it.
    Text,
    /// It reads a variable.
    Variable(&'static str),
    /// Nothing is known to tell it.
    Not,
}

/// How a program learns one of its ports.
pub fn how_told(builder: &Builder<'_, '_>, service: &Service<'_>, container: u16) -> Told {
    told(builder.files(), service, &process::command_words(builder, service).unwrap_or_default(), container)
}

/// The same, from the words of its command.
pub fn told(files: &dyn Files, service: &Service<'_>, words: &[String], container: u16) -> Told {
    let mut before = "";
    for word in words {
        let (flag, value) = match word.split_once('=').filter(|(flag, _)| flag.starts_with('-')) {
            Some((flag, value)) => (flag, value),
            None => (before, word.as_str()),
        };
        let in_script = word.contains(' ')
            && word.split_whitespace().any(|part| hosts::tells_port(part, Position::Word("-p"), container));
        if hosts::tells_port(value, Position::Word(flag), container) || in_script {
            return Told::Text;
        }
        before = word;
    }
    let own = service.get("environment").map_or(&[][..], Node::pairs);
    let own = own.iter().filter_map(|(key, value)| Some((key.name.as_str(), value.text()?)));
    let image = service
        .image_file
        .iter()
        .flat_map(|file| &file.variables)
        .map(|(name, value, _)| (name.as_str(), value.as_str()));
    let tells = |(name, value): (&str, &str)| hosts::tells_port(value, Position::Variable(name), container);
    if own.chain(image).any(tells) {
        return Told::Text;
    }
    // A variable gives the main port only.
    if service.ports.first().is_some_and(|port| port.container != container) {
        return Told::Not;
    }
    let has = |program: &str| words.iter().any(|word| word == program || word.ends_with(&format!("/{program}")));
    if let Some((_, variable)) = crate::knowledge::containers::PORT_VARIABLES.iter().find(|(program, _)| has(program)) {
        return Told::Variable(variable);
    }
    match reads_port(files, service) {
        true => Told::Variable("PORT"),
        false => Told::Not,
    }
}

/// How programs read the variable PORT.
const READS: [&str; 12] = [
    "process.env.PORT",
    "environ[\"PORT\"]",
    "environ['PORT']",
    "environ.get(\"PORT\"",
    "environ.get('PORT'",
    "getenv(\"PORT\"",
    "getenv('PORT'",
    "Getenv(\"PORT\")",
    "LookupEnv(\"PORT\")",
    "var(\"PORT\")",
    "ENV['PORT']",
    "ENV[\"PORT\"]",
];

/// At most so many files of a build context are searched.
const MOST_FILES: usize = 300;

/// Whether a source file of the build context reads PORT.
fn reads_port(files: &dyn Files, service: &Service<'_>) -> bool {
    let folders = [service.context().map(str::to_owned), Some(process::working_folder(service))];
    let mut folders: Vec<(String, usize)> = folders.into_iter().flatten().map(|folder| (folder, 0)).collect();
    folders.dedup();
    let mut read = 0;
    while let Some((folder, depth)) = folders.pop() {
        for name in files.names(&folder) {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_source = name.rsplit_once('.').is_some_and(|(_, end)| {
                ["js", "ts", "mjs", "cjs", "py", "go", "rs", "rb", "tsx", "jsx"].contains(&end)
            });
            if is_source {
                read += 1;
                let text = files.text(&path).ok().flatten().unwrap_or_default();
                if READS.iter().any(|form| text.contains(form)) {
                    return true;
                }
            } else if depth < 4
                && !name.starts_with('.')
                && !matches!(name.as_str(), "node_modules" | "target" | "vendor")
                && files.is_folder(&path)
            {
                folders.push((path, depth + 1));
            }
            if read > MOST_FILES {
                return false;
            }
        }
    }
    false
}
