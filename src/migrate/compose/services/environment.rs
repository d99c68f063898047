//! The environment of a process: variables, secrets and `env_file`s.

use super::told::{Told, fixed_port, how_told, is_address};
use crate::knowledge::containers;
use crate::knowledge::containers::starts::WAIT_VARIABLE;
use crate::knowledge::images::commands::{OF_TOOLS, TOOL_FOLDERS};
use crate::knowledge::images::paths::{PATH, SHARED_FOLDERS};
use crate::migrate::compose::builder::{Builder, Done, is_secret, password_in_url, path_of_secret};
use crate::migrate::compose::environment::example_of;
use crate::migrate::compose::hosts::{self, Position};
use crate::migrate::compose::interpolate::without_default;
use crate::migrate::compose::process::Program;
use crate::migrate::compose::stack::{self, Role, Service};
use crate::migrate::compose::yaml::{Node, Place, Scalar, Value};
use crate::migrate::compose::{folders, interpolate, process, words};
use crate::migrate::nix::{Part, Text};
use crate::migrate::report::and;
use crate::paths;

/// Variables that the shell sets.
const OF_SHELLS: [&str; 2] = ["HOME", "PWD"];

/// The reason why a variable without a value is reported, and the work to do by hand.
const NO_VALUE: (&str, &str) = ("no value yet", "set it in `.env`, or in process-compose's environment");

impl<'a, 'm> Builder<'a, 'm> {
    /// The variables of a process whose values may be in the store. The process's script exports the others.
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
                if name == process::php::DOCUMENT_ROOT && process::php::replaces_apache(self, service) {
                    self.carry(service, &place, &format!("environment.{name}"), "the folder in its command");
                    continue;
                }
                if OF_TOOLS.contains(&name.as_str()) || name == "PATH" && names_tools(value) {
                    self.carry(service, &place, &format!("environment.{name}"), "nothing: the tools are in PATH");
                    continue;
                }
                if name == "PATH" {
                    self.leave_path(service, &place);
                    continue;
                }
                if name.ends_with("_HOME") || value.contains('$') || value.starts_with('/') {
                    let why = format!("ENV {name} applies only inside the image");
                    self.leave(service, &place, &format!("environment.{name}"), why, "set it if the program reads it");
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

    fn leave_path(&self, service: &Service<'_>, place: &Place) {
        let why = "it names folders in the image, and would hide this machine's programs";
        let todo = "add the packages that it needs to the script's `runtimeInputs`";
        self.leave(service, place, "environment.PATH", why, todo);
    }

    pub(in crate::migrate::compose) fn variable(
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
        // `KEY:` passes the variable on. `KEY: ${KEY}` is an empty string if the variable is not set.
        if value.is_null() && value.text().is_none() && scalar.plain && !process::asks(scalar) {
            self.carry(service, place, &key, "the environment that process-compose is started with");
            return;
        }
        if name == "PATH" {
            self.leave_path(service, place);
            return;
        }
        if let Role::Package(package) = &service.role
            && containers::is_of_entrypoint(package.package, name)
        {
            let why = format!("only the image's start script reads it, not `{}`", package.program);
            self.leave(service, place, &key, why, "set it in the program's own configuration");
            return;
        }
        let text = self.with_project_folder(service, &self.run_time(scalar));
        self.env_notes(service, name, place, scalar);
        if text == words::shell(&format!("${{{name}-}}")) && self.env_is_read() {
            self.carry(service, place, &key, "`.env`, which process-compose reads");
            let is_known = self.variables.contains_key(name) || self.secrets.borrow().contains_key(name);
            if !is_known {
                self.no_value(service, place, &key, name, NO_VALUE);
            }
            return;
        }
        let required = without_default(scalar);
        for name in interpolate::names(scalar.raw.as_deref().unwrap_or_default()) {
            let is_known = self.variables.contains_key(&name)
                || self.secrets.borrow().contains_key(&name)
                || OF_SHELLS.contains(&name.as_str());
            if !is_known && required.contains(name.as_str()) {
                self.no_value(service, place, &key, &name, NO_VALUE);
            }
        }
        if process::asks(scalar) && !words::has_shell(&Text::literal(&text)) {
            let asked = interpolate::names(scalar.raw.as_deref().unwrap_or_default());
            let names = and(&asked.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
            let why = format!("it depends on {names}, and the module contains its current value, `{text}`");
            self.leave(service, place, &key, why, format!("change the value in the module if you change {names}"));
        }
        let (text, is_new) = self.without_secrets(service, name, &text);
        let path = folders::host_path(service, &path_of_secret(self, service, &text));
        let rewritten = self.rewriter(service).rewrite(&path, Position::Variable(name));
        self.lone_host_note(service, name, place, &text);
        let is_folder = ["DIR", "DIRECTORY", "FOLDER"].iter().any(|end| name.to_ascii_uppercase().ends_with(end));
        let is_of_machine = |path: &str| SHARED_FOLDERS.iter().any(|folder| in_folder(path, folder));
        if service.role == Role::Program && is_folder && path == text && path.starts_with('/') && !is_of_machine(&path)
        {
            let why = format!("the folder {path} may exist only in the image");
            self.leave(service, place, &key, why, "set it to a folder that the process can write to");
        }
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

    /// Reports a host variable that names a service whose port number changes, if nothing in the Compose file passes
    /// the number to the program.
    fn lone_host_note(&self, service: &Service<'_>, name: &str, place: &Place, value: &str) {
        let other = self.stack.by_host(value).filter(|other| other.name != service.name && other.is_carried());
        let Some(port) = other.and_then(|other| other.ports.first()) else { return };
        if !hosts::is_host_word(name) || port.number == port.container || service.get("env_file").is_some() {
            return;
        }
        let number = port.container.to_string();
        let passes = |node: &Node| node.text().is_some_and(|text| text.contains(&number));
        let mut values = service.get("environment").map_or(&[][..], Node::pairs).iter().map(|(_, value)| value);
        let of_image = || service.image_variables().any(|(_, value, _)| value.contains(&number));
        let in_command = || service.get("command").is_some_and(|node| passes(node) || node.items().iter().any(passes));
        if values.any(passes) || of_image() || in_command() {
            return;
        }
        let why = format!("`{value}` listens on {} here, not on {number} as in its container", port.number);
        let todo = format!("make sure that the program connects to {}", port.number);
        self.leave(service, place, &format!("environment.{name}"), why, todo);
    }

    /// Replaces `$PWD` in a value with the folder of the project, where Compose is started, if the process runs
    /// elsewhere.
    fn with_project_folder(&self, service: &Service<'_>, text: &str) -> String {
        let folder = &self.stack.model.folder;
        if folders::working_folder(service) == *folder || self.variables.contains_key("PWD") {
            return text.to_owned();
        }
        let path = self.path_in_working_folder(service, folder);
        let there = words::shell(&format!("$(cd {} && pwd)", path.trim_end_matches('/')));
        text.replace(&words::shell("${PWD-}"), &there)
    }

    /// Reports variables in `.env` that are read only at run time and refer to hosts or ports on the Compose network.
    fn env_notes(&self, service: &Service<'_>, name: &str, place: &Place, scalar: &Scalar) {
        let asked = interpolate::names(scalar.raw.as_deref().unwrap_or_default());
        let at_run_time = self.run_time(scalar);
        for variable in asked {
            let is_kept = at_run_time.contains(&format!("${{{variable}"));
            let Some(value) = self.variables.get(&variable).filter(|_| is_kept) else { continue };
            let is_same = |name: &str| {
                self.rewriter(service).rewrite(value, Position::Variable(name)).as_literal() == Some(value.as_str())
            };
            if is_same(&variable) && is_same(name) {
                continue;
            }
            let file = self.stack.model.env_path.as_deref().unwrap_or(".env");
            let why = format!("{variable} in {file} names a host or a port on the Compose network");
            let new = self.with_numbers(&self.rewriter(service).rewrite(value, Position::Variable(&variable)));
            let todo = format!("set {}", set_to(&variable, &new));
            self.leave(service, place, &format!("environment.{name}"), why, todo);
        }
    }

    /// Reports a password in the command, which would be in the store.
    pub(in crate::migrate::compose) fn password_note(&self, service: &Service<'_>, program: &Program) {
        let literals = program.line.parts().iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Code(_) => None,
        });
        let line: String = literals.collect();
        let has_password = |text: &str| {
            let found = password_in_url(text).and_then(|(start, end)| text.get(start..end));
            let option = ["--password=", "--pwd="].iter().find_map(|option| text.strip_prefix(option));
            let is_known = |password: &str| !password.is_empty() && !password.contains(['$', words::SHELL.0]);
            found.or(option).is_some_and(is_known)
        };
        let split = words::split(&line).unwrap_or_else(|_| line.split_whitespace().map(str::to_owned).collect());
        if split.iter().any(|word| has_password(word)) || has_password(&line) {
            let place = service.get("command").map_or(&service.key.place, |node| &node.place);
            let why = "it contains a password, which ends up in the world-readable store";
            self.leave(service, place, "command", why, "move it to `.env`, and write `${NAME}` instead");
        }
    }

    /// Reports a published port on which a program does not listen, because its source sets another one.
    fn not_reachable(&self, service: &Service<'_>, number: u16, published: Option<u16>, place: &Place) {
        let Some(published) = published.filter(|published| *published != number) else { return };
        let (why, todo) = stack::not_reachable(number, published);
        self.leave(service, place, &format!("ports.{number}"), why, todo);
    }

    /// Passes the port to a program in a variable, unless its settings already contain the port.
    pub(in crate::migrate::compose) fn tell_port(&self, done: &Done<'_, 'm>, environment: &mut Vec<(String, Text)>) {
        let service = done.service;
        let Some(port) = service.ports.first().filter(|_| service.role == Role::Program) else { return };
        let how = how_told(self, service, port.container);
        match how {
            Told::Text => {}
            Told::Variable(name) => {
                if !environment.iter().any(|(known, _)| *known == name) {
                    let mut value = Text::default();
                    if is_address(self.files(), service, &name, port.container) {
                        value.push(":");
                    }
                    value.append(&self.port_text(Some(port)));
                    environment.push((name.into_owned(), value));
                }
            }
            Told::Not => {
                if !environment.iter().any(|(known, _)| known == "PORT") {
                    environment.push(("PORT".to_owned(), self.port_text(Some(port))));
                }
                match fixed_port(self.files(), service, port.container) {
                    Some(_) if port.number == port.container => {
                        return self.not_reachable(service, port.number, port.published, &port.place);
                    }
                    Some((path, line)) => {
                        let place = Place { path: path.as_str().into(), line, column: 1 };
                        let why = format!("it makes the program listen on {}", port.container);
                        let todo = format!("write {} there, or read PORT, which is set", port.number);
                        return self.leave(service, &place, &format!("ports.{}", port.container), why, todo);
                    }
                    None => {}
                }
                let why = format!(
                    "it is unknown how the program gets its port; PORT is set, and in the container the port was {}",
                    port.container
                );
                let (why, todo) = match port.container < 1024 {
                    true => (
                        format!("{why}, a port on which only root may listen on Linux"),
                        format!("make the program listen on {}", port.number),
                    ),
                    false => {
                        let todo = format!("check that the program listens on {}", port.number);
                        match port
                            .published
                            .filter(|published| *published != port.number && port.number == port.container)
                        {
                            Some(published) => (why, format!("{todo}, and use it where clients used {published}")),
                            None => (why, todo),
                        }
                    }
                };
                self.leave(service, &port.place, &format!("ports.{}", port.container), why, todo);
            }
        }
    }

    pub(in crate::migrate::compose) fn env_files(&self, done: &mut Done<'_, 'm>, program: &mut Program) {
        let service = done.service;
        done.take(&["env_file"]);
        let needs_env = words::has_shell(&program.line) || !program.exports.is_empty();
        if let Some(path) = self.stack.model.env_path.as_ref().filter(|_| needs_env && !self.env_is_read()) {
            program.sources.push(self.env_file(service, path, false));
        }
        for item in service.get("env_file").map_or(&[][..], Node::items) {
            let Some(path) = item.get("path").and_then(Node::text) else { continue };
            let Some(inside) = path.strip_prefix("./") else {
                self.leave(
                    service,
                    &item.place,
                    "env_file",
                    format!("{path} is outside the repository"),
                    "copy it into the repository",
                );
                continue;
            };
            program.sources.push(self.env_file(service, inside, interpolate::is_raw(item)));
            self.carry(service, &item.place, "env_file", format!("settings.processes.{}.command", service.process));
            self.env_file_notes(service, inside, item);
        }
    }

    /// Reports an `env_file` that does not exist, or the values in it that refer to other hosts, because the file
    /// itself is not changed.
    pub(in crate::migrate::compose) fn env_file_notes(&self, service: &Service<'_>, path: &str, item: &Node) {
        let text = match self.files().text(path) {
            Ok(Some(text)) => text,
            _ => {
                let example = example_of(self.files(), path);
                if path == ".env" {
                    let what = format!("services.{}.env_file", service.name);
                    self.missing_env.borrow_mut().push((what, item.place.clone(), example.clone()));
                } else {
                    let todo = missing_file(example.as_deref());
                    self.leave(service, &item.place, "env_file", format!("{path} does not exist"), todo);
                }
                if let Some(example) = example {
                    self.example_notes(service, &example, item, path);
                }
                return;
            }
        };
        self.env_text_notes(service, (path, path), item, &text);
    }

    /// Reports a mounted file that does not exist, and the hosts and ports in the example of a missing `.env`. Missing
    /// folders are not reported, because Docker creates them.
    pub(super) fn missing_mounted(&self, service: &Service<'_>, path: &str, target: &str, item: &Node) {
        let is_env = |name: &str| name == ".env" || name.starts_with(".env.");
        // Folders may have names such as `v1.2` or `example.com`.
        let has_end = |path: &str| {
            let end = paths::name(path).rsplit_once('.').map(|(_, end)| end);
            end.is_some_and(|end| containers::FILE_ENDS.contains(&end))
        };
        let is_file = is_env(paths::name(path)) || has_end(path) && has_end(target);
        if !is_file || !self.is_missing(path) {
            return;
        }
        self.leave(service, &item.place, "volumes", format!("{path} does not exist"), self.missing_file(path));
        if let Some(example) = example_of(self.files(), path).filter(|_| is_env(paths::name(path))) {
            self.example_notes(service, &example, item, path);
        }
    }

    /// Reports the values in the example of a missing file that refer to other hosts, because its copy will have them.
    fn example_notes(&self, service: &Service<'_>, example: &str, item: &Node, copy: &str) {
        let text = self.files().text(example).ok().flatten().unwrap_or_default();
        self.env_text_notes(service, (example, copy), item, &text);
    }

    /// Whether a file that the services use does not exist.
    pub(super) fn is_missing(&self, path: &str) -> bool {
        !self.files().is_folder(path) && matches!(self.files().text(path), Ok(None))
    }

    /// The work to do by hand for a file that does not exist.
    pub(super) fn missing_file(&self, path: &str) -> String {
        missing_file(example_of(self.files(), path).as_deref())
    }

    /// Reports the variables in the text of an `env_file` whose values refer to other hosts. The values have to be
    /// changed in `copy`, which is the file itself unless it is an example.
    fn env_text_notes(&self, service: &Service<'_>, (path, copy): (&str, &str), item: &Node, text: &str) {
        let Ok(pairs) = interpolate::read_env_item(item, text, &self.variables) else {
            self.leave(
                service,
                &item.place,
                "env_file",
                format!("{path} cannot be read as variables"),
                "correct the syntax of the file",
            );
            return;
        };
        let (mut names, mut todo) = (Vec::new(), Vec::new());
        for (name, value) in pairs.into_iter().filter(|(name, _)| !is_of_wait(service, name)) {
            let rewritten = self.rewriter(service).rewrite(&value, Position::Variable(&name));
            let new = self.with_numbers(&rewritten);
            if rewritten.as_literal() != Some(&value) && new != value {
                todo.push(set_to(&name, &new));
                names.push(name);
            }
        }
        if names.is_empty() {
            return;
        }
        let verb = if names.len() == 1 { "names a host or a port" } else { "name hosts or ports" };
        let why = format!("{} in {path} {verb} on the Compose network", and(&names));
        let file = if copy == path { String::new() } else { format!("in {copy}, ") };
        self.leave(service, &item.place, "env_file", why, format!("{file}set {}", and(&todo)));
    }

    /// A text in which references to registry entries are replaced with the current port numbers.
    fn with_numbers(&self, text: &Text) -> String {
        let ports = || self.stack.services.iter().flat_map(|service| &service.ports);
        let number = |code: &str| {
            let port = ports().find(|port| self.port_text(Some(port)).parts() == [Part::Code(code.to_owned())]);
            port.map_or_else(String::new, |port| port.number.to_string())
        };
        let parts = text.parts().iter().map(|part| match part {
            Part::Literal(text) => text.clone(),
            Part::Code(code) => number(code),
        });
        parts.collect()
    }

    /// Reports `.env` as a missing `env_file`. If secrets are moved to it, the file is created, but without the other
    /// variables.
    pub(in crate::migrate::compose) fn missing_env_notes(&self) {
        let is_written = !self.secrets.borrow().is_empty();
        for (what, place, example) in self.missing_env.take() {
            let (why, todo) = match (is_written, &example) {
                (false, example) => (".env does not exist", missing_file(example.as_deref())),
                (true, Some(example)) => {
                    (".env is written with only the secrets", format!("add the other variables from {example} to .env"))
                }
                (true, None) => continue,
            };
            self.report.borrow_mut().leave(&place.path, place.line, what, why, todo);
        }
    }
}

/// Whether all folders in the PATH of an image contain only tools.
fn names_tools(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.split(':').all(|part| {
        let is_usual = PATH.contains(&part);
        let is_of_variable = OF_TOOLS.iter().any(|name| part.trim_start_matches(['$', '{']).starts_with(name));
        part.is_empty() || is_usual || is_of_variable || TOOL_FOLDERS.iter().any(|folder| part.ends_with(folder))
    })
}

/// A variable and its new value. The value is not shown if it contains a password.
fn set_to(name: &str, value: &str) -> String {
    match value.contains('@') || is_secret(name) || value.contains(char::is_control) {
        true => format!("the address in {name} to 127.0.0.1 and the port from the registry"),
        false => format!("{name} to `{value}`"),
    }
}

/// Whether only docker-compose-wait reads a variable, which process-compose replaces.
fn is_of_wait(service: &Service<'_>, name: &str) -> bool {
    name == WAIT_VARIABLE && service.file_variables.contains_key(name)
}

/// The work to do by hand for a missing `env_file`.
fn missing_file(example: Option<&str>) -> String {
    example.map_or_else(
        || "create it before the first start".to_owned(),
        |example| format!("copy {example} to that path before the first start"),
    )
}

pub(in crate::migrate::compose) fn in_folder(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
