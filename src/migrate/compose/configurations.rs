//! Configuration files that the module contains because they name hosts, ports or paths of the containers.

pub mod caddy;
pub mod haproxy;
mod rabbitmq;

use std::collections::BTreeSet;

use super::builder::Builder;
use super::folders;
use super::stack::{self, Role, Service};
use super::yaml::Place;
use crate::knowledge::containers::{self, FileForm};
use crate::migrate::nix::Text;
use crate::paths;

impl<'m> Builder<'_, 'm> {
    /// The variable for a configuration file in the repository, with addresses on this machine. `None` if the file
    /// contains no addresses.
    pub fn rewritten_file(&self, service: &Service<'m>, path: &str) -> Option<String> {
        if let Some(known) = self.configurations.borrow().get(path) {
            return Some(known.variable.clone());
        }
        let before = self.files().text(path).ok().flatten().filter(|_| stack::is_configuration(path))?;
        let name = paths::name(path);
        let (own, paths) = match name {
            "haproxy.cfg" => self.with_local_paths(service, path, haproxy::kept_lines(&before)),
            "Caddyfile" => {
                let mut sites = caddy::Sites::of(&before);
                if caddy::port(service).is_none() {
                    let lines = before.split_inclusive('\n').enumerate();
                    sites.lines = lines.map(|(at, line)| (at + 1, line.to_owned())).collect();
                    sites.secure.clear();
                }
                caddy::notes(self, service, path, &sites);
                let lines = sites.lines.iter().map(|(number, line)| (*number, line.as_str()));
                self.with_local_paths(service, path, lines)
            }
            _ => (before.clone(), BTreeSet::new()),
        };
        let is_rabbitmq = matches!(&service.role, Role::Package(package) if package.form == FileForm::RabbitMq);
        let (text, paths) = match is_rabbitmq && name.ends_with(".conf") {
            true => self.rabbitmq_conf(service, path, &before),
            false => (self.rewriter(service).rewrite_file(&own), paths),
        };
        let text = if name == "Caddyfile" { caddy::with_port(self, service, &text) } else { text };
        if text.as_literal() == Some(&before) {
            return None;
        }
        if name == "Caddyfile" {
            caddy::imported(self, service, path, &before);
        }
        if !is_rabbitmq {
            self.image_paths(service, "command", &text);
        }
        let mut text = text;
        // Some programs, such as HAProxy, require a newline at the end of the file.
        if !before.ends_with('\n') {
            text.push("\n");
        }
        Some(self.configuration(service, path, path, (text, paths)))
    }

    /// A configuration file of Caddy or HAProxy in which paths in the container are replaced with paths in the
    /// checkout, and the replaced paths. Only the values of directives for files are replaced, because a path in a URL
    /// may have the same name as a folder. Reports the paths that exist only in the image.
    fn with_local_paths<'t>(
        &self,
        service: &Service<'_>,
        file: &str,
        lines: impl Iterator<Item = (usize, &'t str)>,
    ) -> (String, BTreeSet<String>) {
        let mut paths = BTreeSet::new();
        let mut missing = BTreeSet::new();
        let mut seen = 0;
        let mut out = String::new();
        for (number, line) in lines {
            let is_path = containers::FILE_DIRECTIVES.contains(&line.split_whitespace().next().unwrap_or_default());
            let mut before = "";
            for part in line.split_inclusive(char::is_whitespace) {
                let word = part.trim_end();
                let path = word.trim_matches('"');
                let is_file =
                    seen < MOST_PATHS && path.starts_with('/') && (is_path || containers::FILE_WORDS.contains(&before));
                seen += usize::from(is_file);
                match is_file.then(|| folders::host_path(service, path)) {
                    Some(local) if local != path => {
                        out.push_str(&local);
                        out.push_str(&part[word.len()..]);
                        paths.insert(path.to_owned());
                    }
                    found => {
                        // Paths that `image_paths` recognises are reported when it reads the whole text.
                        let is_reported = || !folders::image_paths(service, &Text::literal(path)).is_empty();
                        if found.is_some() && !path.starts_with(CERTIFICATES) && !is_reported() && missing.insert(path)
                        {
                            let place = Place { path: file.into(), line: number, column: 1 };
                            let why = format!("it names {path}, which exists only in the image");
                            let todo = "write the file into the repository, and replace the path";
                            self.leave(service, &place, "command", why, todo);
                        }
                        out.push_str(part);
                    }
                }
                before = if word.is_empty() { before } else { word };
            }
        }
        (out, paths)
    }

    /// Reports paths in a command that exist only in the image.
    pub(in crate::migrate::compose) fn image_paths(&self, service: &Service<'_>, key: &str, line: &Text) {
        for path in folders::image_paths(service, line) {
            let node = service.get(key).or(service.get("build"));
            let place = node.map_or(&service.key.place, |node| &node.place);
            let why = format!("it names {path}, which exists only in the image");
            self.leave(service, place, key, why, "replace the path with that of the file in the checkout");
        }
    }
}

/// The folder of the certificates that the machine trusts. Other certificates in `/etc/ssl` belong to the image.
const CERTIFICATES: &str = "/etc/ssl/certs";

/// The maximum number of paths in a configuration file that are replaced. Each is compared with all mounts.
pub const MOST_PATHS: usize = 500;
