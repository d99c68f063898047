//! Converts the command of a known service to options.

use super::Instance;
use crate::migrate::compose::stack::server_ports;
use crate::migrate::compose::yaml::Place;
use crate::migrate::compose::{process, starts, words};
use crate::migrate::nix::{Expr, Text};

/// The configuration file of the image, which becomes `configFile`.
const MAIN: &str = "/etc/nginx/nginx.conf";

impl Instance<'_, '_, '_> {
    /// Converts the flags of the command.
    pub(super) fn command(&mut self) {
        if let Some(line) = self.include.clone() {
            self.add_line("extraConfig", &line);
        }
        for key in ["entrypoint", "command"] {
            if let Some(node) = self.service.get(key) {
                let words = process::words_of(self.builder, node).unwrap_or_default();
                self.start(key, &words::plain_words(words), &node.place);
            } else if let Some((words, line)) = self.service.of_image(key) {
                self.start("build", &words::plain_words(words.clone()), &self.service.dockerfile(*line));
            }
        }
    }

    /// Converts the arguments with which the command starts the server. Reports a script that starts it instead.
    fn start(&mut self, key: &str, words: &[String], place: &Place) {
        let todo = "make the changes that the script makes in the service's own settings";
        let mut words = starts::without_interpreter(words);
        if let Some((first, rest)) = words.split_first()
            && let Some((path, _)) = starts::own_script(self.service, self.builder.files(), first)
        {
            let why = format!(
                "services-flake's {} starts the program itself, without the start script ./{path}",
                self.known.option
            );
            self.leave(place, key, why, todo);
            if rest.is_empty() {
                return;
            }
            words = rest;
        }
        if let Some(script) = words::shell_script(words) {
            let why = format!("services-flake's {} starts the program itself, without `{script}`", self.known.option);
            return self.leave(place, key, why, todo);
        }
        self.flags(key, words, place);
    }

    /// Rewrites the address of the primary in a line of a Redis configuration. Reports an address at which no service
    /// listens.
    pub(super) fn redis_line(&self, line: &str, key: &str, place: &Place) -> Text {
        let words: Vec<&str> = line.split_whitespace().collect();
        let directive = words.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let (start, host, port, rest) = match (directive.as_str(), words.as_slice()) {
            ("replicaof" | "slaveof", [_, host, port]) => (directive.clone(), host, port, String::new()),
            ("sentinel", [_, monitor, name, host, port, rest @ ..]) if monitor.eq_ignore_ascii_case("monitor") => {
                let rest = rest.iter().map(|word| format!(" {word}")).collect();
                (format!("sentinel monitor {name}"), host, port, rest)
            }
            _ => return Text::literal(line),
        };
        let Some(other) = self.builder.stack.by_host(host) else { return Text::literal(line) };
        let Some(port) = port.parse().ok().and_then(|number| other.port(number)) else {
            let why = format!("it refers to port {port} of `{host}`, but that service does not listen on it");
            self.leave(place, key, why, "write 127.0.0.1 and the port from the registry");
            return Text::literal(line);
        };
        let mut text = Text::literal(format!("{start} 127.0.0.1 "));
        text.append(&self.builder.port_text(Some(port))).push(&rest);
        text
    }

    fn flags(&mut self, key: &str, words: &[String], place: &Place) {
        let mut lines: Vec<String> = Vec::new();
        let mut settings = Text::default();
        let mut left: Vec<&str> = Vec::new();
        let mut at = 0;
        let mut is_start = true;
        let ports = server_ports::settings(&self.service.role);
        while at < words.len() {
            // The registry determines the port, so arguments that set it are skipped.
            if let Some((_, count)) = ports.iter().find_map(|(_, settings)| settings.argument(&words[at..])) {
                (is_start, at) = (false, at + count);
                continue;
            }
            let word = words[at].as_str();
            let next = words.get(at + 1).map(String::as_str);
            at += 1;
            // A wrapper may come before the program.
            is_start = is_start && starts::starts_server(word, self.service, self.known.option);
            match (self.known.option, word) {
                _ if is_start => {}
                ("postgres", "-c") => {
                    let setting = next.and_then(|next| next.split_once('='));
                    if let (Some((name, value)), Some(next)) = (setting, next) {
                        match name {
                            // The module determines these files and the data folder, and has an option for the address.
                            "config_file" | "hba_file" | "ident_file" | "data_directory" => left.extend([word, next]),
                            "listen_addresses" => {}
                            _ => self.set_path(&["settings", name], Expr::text(value)),
                        }
                        at += 1;
                    }
                }
                ("mysql", flag) if flag.starts_with("--") => {
                    let flag = flag.trim_start_matches("--");
                    let (name, value) = flag.split_once('=').map_or((flag, "ON"), |(name, value)| (name, value));
                    // Newer versions of MySQL do not have the first option, and the module sets the address and the
                    // port.
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
                        // The password process sets it.
                        "requirepass" if key == "command" => {}
                        "masterauth" | "requirepass" => self.leave(
                            place,
                            key,
                            format!("`{name}` would put a secret into the world-readable store"),
                            "let clients connect without a password on this machine",
                        ),
                        "port" | "bind" | "dir" | "daemonize" => {}
                        _ => {
                            let line = format!("{name} {}", values.join(" "));
                            settings.append(&self.redis_line(&line, key, place)).push("\n");
                        }
                    }
                }
                ("redis", path) if path.starts_with('/') => {}
                ("minio", "server") => {}
                ("minio", "--console-address" | "--address") => {
                    left.push(word);
                    at += 1;
                }
                ("minio", flag) if flag.starts_with('/') => {}
                ("prometheus", flag)
                    if ["--config.file", "--web.listen-address", "--storage.tsdb.path"]
                        .iter()
                        .any(|own| flag.starts_with(own)) => {}
                // The values are folders in the image.
                ("prometheus", flag) if flag.starts_with("--web.console") => left.push(flag),
                ("prometheus" | "loki" | "tempo" | "pyroscope", flag) if flag.starts_with("-config.file") => {
                    at += usize::from(!flag.contains('='))
                }
                ("seaweedfs", "server" | "-dir" | "-s3" | "-filer") | ("seaweedfs", "-dir=/data") => {}
                ("memcached", flag) => lines.push(flag.to_owned()),
                ("elasticmq" | "azurite" | "dynamodb-local" | "mailhog", flag) => lines.push(flag.to_owned()),
                ("prometheus", flag) => lines.push(flag.to_owned()),
                ("nats-server", flag) if flag.starts_with('-') => {
                    let name = flag.trim_start_matches('-');
                    let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                    let is_on = value.is_none_or(|value| matches!(value, "true" | "1" | "t" | "T" | "TRUE" | "True"));
                    let takes_next = usize::from(value.is_none());
                    match name {
                        "js" | "jetstream" if is_on => self.set("settings.jetstream", Expr::Set(Vec::new())),
                        "js" | "jetstream" => {}
                        "D" | "debug" => self.set("settings.debug", Expr::bool(is_on)),
                        "V" | "trace" => self.set("settings.trace", Expr::bool(is_on)),
                        "DV" => {
                            self.set("settings.debug", Expr::bool(is_on));
                            self.set("settings.trace", Expr::bool(is_on));
                        }
                        // The instance has its own options for ports and folders.
                        "p" | "port" | "m" | "http_port" | "a" | "addr" | "net" | "sd" | "store_dir" => {
                            at += takes_next;
                        }
                        "n" | "name" | "server_name" if value.or(next).is_some() => {
                            self.set("settings.server_name", Expr::text(value.or(next).unwrap_or_default()));
                            at += takes_next;
                        }
                        _ => left.push(flag),
                    }
                }
                ("nginx", "-g" | "daemon off;" | "'daemon off;'" | "nginx-debug" | "nginx") => {}
                ("nginx", "-c") if next == Some(MAIN) => at += 1,
                (_, flag) => left.push(flag),
            }
        }
        match self.known.option {
            "redis" if !settings.is_empty() => self.add_lines("extraConfig", &settings),
            _ if lines.is_empty() => {}
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
                self.leave(place, key, why, "set the equivalent in the service's own settings");
            }
        }
    }
}
