//! Builds the module of a project, service by service.

mod calls;
mod environment;
mod image_build;
mod lifecycle;
mod report;
mod source;
mod source_hosts;
mod told;

use std::collections::BTreeSet;

pub use self::told::{Told, how_told};

use super::builder::{Builder, Done, Parts, string};
use super::process::{self, Program};
use super::stack::{Role, Service};
use super::{folders, health, known};
use crate::knowledge::containers::{self, PackageImage};
use crate::migrate::nix::{Attr, Expr, Text};
use crate::migrate::report::{CHECK_VERSION, other_version};

impl<'m> Builder<'_, 'm> {
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
        self.unset_notes();
        self.missing_env_notes();
        self.served_report(&parts.services);
        parts.report = self.report.into_inner();
        parts.secrets = self.secrets.into_inner();
        parts.configurations = self.configurations.into_inner().into_values().collect();
        parts.configurations.sort_by(|a, b| a.variable.cmp(&b.variable));
        parts
    }

    /// Adds the process for a program or a package.
    fn process(&self, done: &mut Done<'_, 'm>, parts: &mut Parts) {
        let service = done.service;
        let (program, mut more) = match self.program(done) {
            Ok(found) => found,
            Err(why) => {
                self.left_out(service, &why);
                return done.all();
            }
        };
        let mut program = program;
        let mut attrs = Vec::new();
        let mut environment = self.environment(done, &mut program);
        for (name, value) in more.iter_mut().filter(|(name, _)| containers::ARGUMENT_VARIABLES.contains(&name.as_str()))
        {
            if let Some((_, own)) = environment.iter().find(|(other, _)| other == name) {
                value.push(" ").append(own);
            }
        }
        // The variables of a package, which contain the ports from the registry, replace those in the Compose file.
        let is_set = |name: &str| more.iter().any(|(known, _)| known == name);
        environment.retain(|(name, _)| !is_set(name));
        program.exports.retain(|(name, _)| !is_set(name));
        environment.extend(more);
        self.tell_port(done, &mut environment);
        self.source_defaults(service, &mut program, &mut environment);
        self.source_hosts(service);
        self.env_files(done, &mut program);
        self.override_env_files(service, &mut program, &mut environment);
        self.password_note(service, &program);
        attrs.push(Attr::new(["command"], program.command(&service.process)));
        let folder = folders::working_folder(service);
        if !folder.is_empty() {
            attrs.push(Attr::new(["working_dir"], Expr::text(format!("./{folder}"))));
        }
        if !environment.is_empty() {
            let pairs = environment.iter().map(|(name, value)| Attr::new([name.as_str()], string(value)));
            attrs.push(Attr::new(["environment"], Expr::Set(pairs.collect())));
        }
        attrs.extend(self.depends_on(done));
        attrs.extend(health::probe(self, done, &|path| source::has_no_content(self.files(), service, path)));
        attrs.extend(self.availability(done));
        attrs.extend(self.shutdown(done));
        attrs.extend(self.small(done));
        parts.processes.push(Attr::new([service.process.as_str()], Expr::Set(attrs)).comment(self.origin(service)));
    }

    /// Reports a nixpkgs version that differs from the image's, and unset variables whose default is the host name of
    /// another service.
    fn package_notes(&self, service: &Service<'_>, package: &PackageImage) {
        let Some(node) = service.get("image") else { return };
        let tag = node.text().and_then(containers::tag).unwrap_or_default();
        let number = tag.trim_start_matches('v');
        let major = number.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        // `nextcloud31` has the version of `nextcloud:31`.
        let has_major = |attribute: &str| {
            let start = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
            start.len() < attribute.len() && &attribute[start.len()..] == major
        };
        let mut attributes =
            package.arguments.iter().filter_map(|text| text.strip_prefix('{')?.split(['}', '/']).next());
        if !major.is_empty() && !has_major(package.package) && !attributes.any(has_major) {
            let why = other_version(node.text().unwrap_or_default(), package.files_of());
            self.leave(service, &node.place, "image", why, CHECK_VERSION);
        }
        let is_own = |name: &str| name == package.package || package.images.contains(&name);
        for (_, variable, host) in containers::IMAGE_HOSTS.iter().filter(|(name, ..)| is_own(name)) {
            let is_set = service.get("environment").is_some_and(|node| node.get(variable).is_some());
            if !is_set && self.stack.by_host(host).is_some() {
                let why = format!(
                    "without {variable}, the program connects to `{host}`, which exists only on the Compose network"
                );
                let todo = format!("set {variable} to 127.0.0.1, and its port to the one from the registry");
                self.leave(service, &node.place, "environment", why, todo);
            }
        }
    }

    fn program(&self, done: &mut Done<'_, 'm>) -> Result<(Program, Vec<(String, Text)>), String> {
        let service = done.service;
        done.take(&["command", "entrypoint", "image", "build", "working_dir"]);
        let (mut program, variables) = match &service.role {
            Role::Package(package) => {
                if !package.takes_command {
                    for key in ["command", "entrypoint"] {
                        let why = format!("the program runs with the arguments of {}", package.package);
                        let todo = "add the arguments that are still needed to `command`";
                        if let Some(node) = service.get(key) {
                            self.leave(service, &node.place, key, why, todo);
                        } else if let Some((_, line)) = service.of_image(key) {
                            self.leave(service, &service.dockerfile(*line), "build", why, todo);
                        }
                    }
                }
                if let Some(node) = service.get("image").filter(|_| !package.note.is_empty()) {
                    self.leave(service, &node.place, "image", package.note, package.todo);
                }
                self.package_notes(service, package);
                process::package_program(self, service, package)
            }
            _ => {
                let words = process::words_or_usual(self, service)
                    .ok_or("neither the Compose file nor a Dockerfile has a command for it")?;
                let package = process::own_package(service, &words);
                let is_set = |(_, value): &(String, Text)| value.as_literal() != Some("0");
                let variables = package.map(|package| process::package_variables(self, service, package));
                let variables = variables.unwrap_or_default().into_iter().filter(is_set).collect();
                (process::program(self, service, &words)?, variables)
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
        self.installed_packages(service, &mut program);
        self.build_notes(service, &program);
        self.image_paths(service, "command", &program.line);
        Ok((program, variables))
    }
}
