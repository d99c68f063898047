//! Builds the module of a project, service by service.

mod environment;
mod lifecycle;
mod report;
mod told;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

pub use self::environment::{is_secret, path_of_secret};
pub use self::told::{Told, how_told, told};
use super::hosts::Rewriter;
use super::interpolate::Variables;
use super::process::{self, Program};
use super::stack::{Port, Role, Service, Stack};
use super::words;
use super::yaml::{Node, Place, Scalar};
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
            self.other_name(service);
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

    /// Reports a process that cannot have the name of its service.
    fn other_name(&self, service: &Service<'_>) {
        if service.process != service.name && service.is_carried() {
            let why = format!(
                "a service of services-flake has a process `{}` of its own, so this one is `{}`",
                service.name, service.process
            );
            let todo = format!("use `{}` in commands of process-compose", service.process);
            self.leave(service, &service.key.place, "", why, todo);
        }
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
        let text =
            words::text_of(scalar, &self.variables, &|name| self.variables.contains_key(name) || is_secret(name));
        // A default of a secret is one as well.
        words::without_defaults(&text, &|name, default| {
            let is_new = is_secret(name);
            if is_new && !self.variables.contains_key(name) {
                self.secrets.borrow_mut().entry(name.to_owned()).or_insert_with(|| default.to_owned());
            }
            is_new
        })
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
