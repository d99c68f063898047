//! RabbitMQ's configuration file: its listeners get ports from the registry, and its paths refer to the checkout.

use std::collections::BTreeSet;

use super::MOST_PATHS;
use crate::knowledge::containers;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::folders;
use crate::migrate::compose::hosts::Position;
use crate::migrate::compose::stack::{self, Service};
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;

impl<'m> Builder<'_, 'm> {
    /// The text of a configuration file with the addresses and paths of this machine, and the container paths that were
    /// replaced. Reports the files that exist only in the image.
    pub(in crate::migrate::compose) fn rabbitmq_conf(
        &self,
        service: &Service<'m>,
        file: &str,
        text: &str,
    ) -> (Text, BTreeSet<String>) {
        let mut out = Text::default();
        let mut paths = BTreeSet::new();
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let end = &line[line.trim_end().len()..];
            let setting = line.trim_end().split_once('=').filter(|_| !line.trim_start().starts_with('#'));
            let Some((key, value)) = setting.map(|(key, value)| (key.trim(), value.trim())) else {
                out.push(line);
                continue;
            };
            let start = &line[..line.len() - end.len() - value.len()];
            let is_port = key.starts_with("listeners.tcp") || key.ends_with(".port");
            if let Some(port) = value.parse().ok().filter(|_| is_port).and_then(|number| service.port(number)) {
                out.push(start).append(&self.port_text(Some(port))).push(end);
            } else if value.starts_with('/') && paths.len() < MOST_PATHS && containers::is_path_of_rabbitmq(key) {
                let here = folders::host_path(service, value);
                if here == value {
                    let place = Place { path: file.into(), line: at + 1, column: 1 };
                    let why = format!("it names {value}, which exists only in the image");
                    let todo = "write the file into the repository, and replace the path";
                    self.leave(service, &place, "rabbitmq.conf", why, todo);
                } else {
                    paths.insert(value.to_owned());
                }
                out.push(start).push(&here).push(end);
            } else if let Some((_, host)) = value.split_once('@').filter(|_| key.starts_with("cluster_formation")) {
                // A node name has no port, so it cannot be rewritten as an address.
                if self.stack.by_host(host).is_some() {
                    let place = Place { path: file.into(), line: at + 1, column: 1 };
                    let why = format!("the node {value} exists only on the Compose network");
                    let todo = "write the name of the node on this machine, or remove the line";
                    self.leave(service, &place, "rabbitmq.conf", why, todo);
                }
                out.push(line);
            } else {
                out.append(&self.rewriter(service).rewrite(line, Position::File));
            }
        }
        (out, paths)
    }

    /// Reports the files in a folder that name addresses or paths in the containers. The folder itself is not changed.
    pub(in crate::migrate::compose) fn rabbitmq_folder(&self, service: &Service<'m>, folder: &str) {
        for name in self.files().names(folder).iter().filter(|name| name.ends_with(".conf")).take(MOST_PATHS) {
            let path = stack::below(folder, name);
            let text = self.files().text(&path).ok().flatten().unwrap_or_default();
            if self.rabbitmq_conf(service, &path, &text).0.as_literal() != Some(&text) {
                let why =
                    format!("./{folder} is passed as it is, and this file names addresses or paths in the containers");
                let todo = "move its settings to a mounted rabbitmq.conf, delete the written module, and migrate again with `--force`";
                self.leave(service, &Place { path: path.into(), line: 1, column: 1 }, "rabbitmq.conf", why, todo);
            }
        }
    }
}
