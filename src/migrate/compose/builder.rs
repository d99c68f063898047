//! The shared context for building the parts of a module: the project, its ports, and the report.

mod env_file;
mod secrets;
mod unset;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub use self::env_file::{EnvFile, Reader};
pub use self::secrets::{is_secret, password_in_url, path_of_secret};
use self::unset::Example;
use super::hosts::Rewriter;
use super::interpolate::{Variables, without_default};
use super::stack::{Port, Service, Stack};
use super::words;
use super::yaml::{Place, Scalar};
use crate::migrate::nix::{Attr, Expr, Text};
use crate::migrate::{Files, Ports, Report};

/// The addresses for which programs in the image of a service wait, each with the index of the service that has this
/// address, or `None` if the process cannot wait for that service.
pub type Waits = Vec<(String, Option<usize>)>;

/// The context for building a module.
pub struct Builder<'a, 'm> {
    /// The project.
    pub stack: &'a Stack<'m>,
    /// The path of the module.
    pub module: &'a str,
    files: &'a dyn Files,
    ports: &'a Ports,
    pub(super) variables: Variables,
    pub(super) report: RefCell<Report>,
    /// Secrets that are written to `.env`: names and values.
    pub(super) secrets: RefCell<BTreeMap<String, String>>,
    /// The `env_file: .env` entries that refer to a missing file: the name in reports, the position, and the path of an
    /// example file, if there is one.
    pub(super) missing_env: RefCell<Vec<(String, Place, Option<String>)>>,
    /// The hosts of other services that have been reported for source files: paths and host names.
    pub(super) source_hosts: RefCell<BTreeSet<(String, String)>>,
    /// Configuration files with rewritten addresses, by path.
    pub(super) configurations: RefCell<BTreeMap<String, Configuration>>,
    /// The mounts of PHP-FPM that the configuration of nginx names.
    pub(super) served: RefCell<Vec<Served>>,
    /// The indices of the services that run PHP-FPM.
    pub(super) fpms: OnceCell<Vec<usize>>,
    /// The words in the configuration of all services with nginx.
    pub(super) nginx_words: OnceCell<BTreeSet<String>>,
    /// The addresses for which programs in images wait, by the index of the service that waits.
    pub(super) waits: OnceCell<Vec<Waits>>,
    /// The example of a missing `.env` file.
    example: OnceCell<Option<Example>>,
    /// The variables without a value that the example sets.
    unset: RefCell<BTreeSet<String>>,
}

/// A mount of PHP-FPM that the configuration of nginx names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The name of the service.
    pub service: String,
    /// The position of the mount.
    pub place: Place,
    /// The folder in the repository.
    pub source: String,
    /// The folder in the container.
    pub target: String,
}

/// A configuration file that the module contains because it names hosts or ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The variable in the module to which it is bound.
    pub variable: String,
    /// The file in the repository that it replaces.
    pub source: String,
    /// Its name in the store.
    pub name: String,
    /// Its text, with addresses on this machine.
    pub text: Text,
    /// The process that reads it.
    pub process: String,
    /// The container paths in the source file that were replaced with paths in the checkout.
    pub paths: BTreeSet<String>,
}

/// The parts of a module.
#[derive(Debug, Default)]
pub struct Parts {
    /// `services.<option>.<instance>`.
    pub services: Vec<Attr>,
    /// `settings.processes.<name>`.
    pub processes: Vec<Attr>,
    /// The report.
    pub report: Report,
    /// Secrets that are written to `.env`.
    pub secrets: BTreeMap<String, String>,
    /// Configuration files that the module contains.
    pub configurations: Vec<Configuration>,
}

/// A service during its conversion, with the keys that have already been handled.
pub struct Done<'s, 'm> {
    /// The service.
    pub service: &'s Service<'m>,
    pub(super) keys: BTreeSet<&'m str>,
}

impl<'a, 'm> Builder<'a, 'm> {
    /// Creates the builder for a project whose ports are already claimed.
    pub fn new(stack: &'a Stack<'m>, module: &'a str, files: &'a dyn Files, ports: &'a Ports) -> Self {
        let variables = stack.model.env.iter().cloned().collect();
        let (report, secrets, configurations) = (RefCell::default(), RefCell::default(), RefCell::default());
        let (missing_env, source_hosts) = (RefCell::default(), RefCell::default());
        let (fpms, nginx_words, waits) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let (served, example, unset) = (RefCell::default(), OnceCell::new(), RefCell::default());
        Self {
            stack,
            module,
            files,
            ports,
            variables,
            report,
            secrets,
            missing_env,
            source_hosts,
            configurations,
            served,
            fpms,
            nginx_words,
            waits,
            example,
            unset,
        }
    }

    /// Adds a configuration file to the module, in place of a file in the repository. `key` identifies it, `text` is
    /// its text, and `paths` are the container paths that were replaced. Returns its variable.
    pub fn configuration(
        &self,
        service: &Service<'_>,
        key: &str,
        path: &str,
        (text, paths): (Text, BTreeSet<String>),
    ) -> String {
        if let Some(known) = self.configurations.borrow().get(key) {
            return known.variable.clone();
        }
        let name = path.rsplit('/').next().unwrap_or(path).trim_start_matches('.').to_owned();
        let plain = variable_name(&format!("{}-{name}", service.process));
        let mut configurations = self.configurations.borrow_mut();
        let is_taken = |variable: &str| configurations.values().any(|other| other.variable == variable);
        let numbered = (2..100).map(|count| format!("{plain}{count}"));
        let variable =
            std::iter::once(plain.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(plain.clone());
        let process = service.process.clone();
        let own = Configuration { variable: variable.clone(), source: path.to_owned(), name, text, process, paths };
        configurations.insert(key.to_owned(), own);
        variable
    }

    /// Whether the module has its own copy of a file, with other addresses.
    pub fn is_rewritten(&self, path: &str) -> bool {
        self.configurations.borrow().values().any(|file| file.source == path)
    }

    /// Reports a process that cannot have the same name as its service.
    pub(super) fn other_name(&self, service: &Service<'_>) {
        if service.process != service.name && service.is_carried() {
            let why = format!(
                "a services-flake service already has a process named `{}`, so this one is named `{}`",
                service.name, service.process
            );
            let todo = format!("use `{}` in process-compose commands", service.process);
            self.leave(service, &service.key.place, "", why, todo);
        }
    }

    /// The repository's files.
    pub fn files(&self) -> &'a dyn Files {
        self.files
    }

    /// The rewriter for the strings of a service.
    pub fn rewriter<'s>(&'s self, service: &'s Service<'m>) -> Rewriter<'s, 'm> {
        Rewriter { stack: self.stack, service, ports: self.ports }
    }

    /// The number of a port as a string, or 0 if there is no such port.
    pub fn port_text(&self, port: Option<&Port>) -> Text {
        let text = |port: &Port| Text::code(format!("toString {}", self.ports.reference(port.number)));
        port.map_or_else(|| Text::literal("0"), text)
    }

    /// The number of a port as an integer.
    pub fn port_expr(&self, port: &Port) -> Expr {
        Expr::Code(self.ports.reference(port.number))
    }

    /// Converts a path relative to the repository into one relative to the module.
    pub fn path(&self, path: &str) -> String {
        let path = path.trim_end_matches('/');
        crate::migrate::nix::path(&crate::paths::between(self.module, if path.is_empty() { "." } else { path }))
    }

    /// The text of a scalar. Variables that contain secrets, that `.env` sets, or that have no default remain for the
    /// shell to expand.
    pub fn run_time(&self, scalar: &Scalar) -> String {
        let required = without_default(scalar);
        let text = words::text_of(scalar, &self.variables, &|name| {
            self.variables.contains_key(name) || is_secret(name) || required.contains(name)
        });
        // The default of a secret is also a secret.
        words::without_defaults(&text, &|name, default| {
            let is_new = is_secret(name);
            if is_new && !self.variables.contains_key(name) {
                self.secrets.borrow_mut().entry(name.to_owned()).or_insert_with(|| default.to_owned());
            }
            is_new
        })
    }

    /// Reports a key as migrated.
    pub fn carry(&self, service: &Service<'_>, place: &Place, key: &str, into: impl Into<String>) {
        let what = format!("services.{}.{key}", service.name);
        self.report.borrow_mut().carry(&place.path, place.line, what, into);
    }

    /// Reports a key as left to do by hand.
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

    /// A comment that names the image that a process replaces.
    pub fn origin(&self, service: &Service<'_>) -> String {
        let what = service.text("image").map_or_else(
            || format!("the image built from ./{}", service.context().unwrap_or_default()),
            |image| format!("the image {image}"),
        );
        format!("Replaces {what}.")
    }
}

impl<'m> Done<'_, 'm> {
    /// Marks keys as handled.
    pub fn take(&mut self, keys: &[&'m str]) {
        self.keys.extend(keys);
    }

    /// Marks all keys as handled.
    pub(super) fn all(&mut self) {
        self.keys.extend(self.service.node.pairs().iter().map(|(key, _)| key.name.as_str()));
    }
}

/// Converts a name to camel case: `alertmanager-config.yml` to `alertmanagerConfigYml`.
fn variable_name(text: &str) -> String {
    let mut name = String::new();
    let mut is_start = false;
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            is_start = true;
        } else if name.is_empty() {
            name.push(if c.is_ascii_digit() { 'f' } else { c.to_ascii_lowercase() });
        } else if std::mem::take(&mut is_start) {
            name.push(c.to_ascii_uppercase());
        } else {
            name.push(c);
        }
    }
    name
}

/// A string expression. A single call to `toString` is written without quotes.
pub fn string(text: &Text) -> Expr {
    match text.parts() {
        [crate::migrate::nix::Part::Code(code)] if code.starts_with("toString ") => Expr::Code(code.clone()),
        _ => Expr::Text(text.clone()),
    }
}
