//! nginx: the configuration that is mounted, with listening ports, upstreams and folders of this machine.

use super::hosts::{LOCAL, Position};
use super::known::Instance;
use super::stack::Port;
use super::yaml::Node;
use crate::migrate::nix::{Expr, Text};

/// What the image serves by itself.
const DEFAULT_SERVER: &str = "server {\n  listen 80;\n  location / {\n    root /usr/share/nginx/html;\n    index index.html index.htm;\n  }\n}\n";

/// Where the image keeps its configuration.
const FOLDER: &str = "/etc/nginx";

/// Sets `port`, and `configFile` with the whole configuration: the service's own server block would answer before those
/// of `httpConfig`.
pub fn build(instance: &mut Instance<'_, '_, '_>) {
    let service = instance.service;
    let mut servers = String::new();
    let mut whole = None;
    for item in service.get("volumes").map_or(&[][..], Node::items) {
        let source = item.get("source").and_then(Node::text).unwrap_or_default();
        if !source.starts_with("./") {
            let why = format!("{source} is not a folder of this repository");
            instance.builder.leave(service, &item.place, "volumes", why, "copy what nginx serves into the repository");
        }
    }
    let files = instance.builder.files();
    for bind in service.binds() {
        let (path, target) = (bind.source.as_str(), bind.target.as_str());
        let key = if bind.is_copied { "build" } else { "volumes" };
        if !target.starts_with(FOLDER) {
            instance.builder.carry(service, &bind.place, key, format!("the folder ./{path}"));
            continue;
        }
        let names = if files.is_folder(path) { files.names(path) } else { Vec::new() };
        let paths: Vec<String> = match names.is_empty() {
            true => vec![path.to_owned()],
            false => names.iter().map(|name| format!("{path}/{name}")).collect(),
        };
        let text: String =
            paths.iter().filter_map(|path| files.text(path).ok().flatten()).map(|text| ended(&text)).collect();
        if text.trim().is_empty() {
            let why = format!("./{path} does not exist or is empty");
            instance.builder.leave(service, &bind.place, key, why, "write the configuration");
            continue;
        }
        if target == "/etc/nginx/nginx.conf" {
            whole = Some(text);
        } else if target.contains("conf.d") || target.contains("templates") || target.contains("sites") {
            servers.push_str(&substituted(instance, &text));
        } else {
            let why = format!("{target} is only found inside of the image");
            instance.builder.leave(service, &bind.place, key, why, format!("let the configuration name ./{path}"));
            continue;
        }
        instance.builder.carry(service, &bind.place, key, "configFile");
    }
    let (main, events, http) = match &whole {
        Some(text) => parts(text, &servers),
        None if servers.is_empty() => (String::new(), String::new(), DEFAULT_SERVER.to_owned()),
        None => (String::new(), String::new(), servers),
    };
    let text = configuration(instance, &main, &events, &http);
    instance.set("configFile", Expr::Apply("pkgs.writeText \"nginx.conf\"".to_owned(), Box::new(Expr::Text(text))));
}

fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// `${NAME}` of the environment, which the image's start script fills into templates.
fn substituted(instance: &Instance<'_, '_, '_>, text: &str) -> String {
    let pairs = instance.service.get("environment").map_or(&[][..], Node::pairs);
    let mut text = text.to_owned();
    for (key, value) in pairs {
        text = text.replace(&format!("${{{}}}", key.name), value.text().unwrap_or_default());
    }
    text
}

/// The main, events and http parts of a whole configuration; `include`s of conf.d are replaced by `servers`.
fn parts(text: &str, servers: &str) -> (String, String, String) {
    let blank = "\n";
    let (events, rest) = block(text, "events").unwrap_or_else(|| (blank.to_owned(), text.to_owned()));
    let (http, main) = block(&rest, "http").unwrap_or_else(|| (blank.to_owned(), rest.clone()));
    let mut kept = String::new();
    let mut has_servers = false;
    for line in http.lines() {
        let plain = line.trim();
        if plain.starts_with("include") && (plain.contains("conf.d") || plain.contains("sites")) {
            kept.push_str(servers);
            has_servers = true;
        } else if !(plain.starts_with("include") && plain.contains("mime.types")) {
            kept.push_str(&format!("{line}\n"));
        }
    }
    if !has_servers {
        kept.push_str(servers);
    }
    (main, events, kept)
}

/// The inside of a block, and the text without it.
fn block(text: &str, name: &str) -> Option<(String, String)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(name)?;
        let after = text[at + name.len()..].trim_start();
        let starts = text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == ';' || c == '}');
        if !starts || !after.starts_with('{') {
            from = at + name.len();
            continue;
        }
        let open = text.len() - after.len();
        let mut depth = 0usize;
        for (index, c) in text[open..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        let end = open + index;
                        return Some((
                            text[open + 1..end].trim_matches('\n').to_owned(),
                            format!("{}{}", &text[..at], &text[end + 1..]),
                        ));
                    }
                }
                _ => {}
            }
        }
        return None;
    }
}

/// Directives of the main part and of http that the service sets by itself, or that only hold in the image.
const OWN: [&str; 13] = [
    "user",
    "pid",
    "daemon",
    "error_log",
    "access_log",
    "worker_processes",
    "client_body_temp_path",
    "proxy_temp_path",
    "fastcgi_temp_path",
    "scgi_temp_path",
    "uwsgi_temp_path",
    "load_module",
    "types_hash_bucket_size",
];

fn configuration(instance: &Instance<'_, '_, '_>, main: &str, events: &str, http: &str) -> Text {
    let data = format!("./data/{}", instance.service.process);
    let mut text = Text::literal(format!("pid {data}/nginx/nginx.pid;\nerror_log stderr;\ndaemon off;\n"));
    text.append(&kept(instance, main));
    text.push("events {\n");
    text.append(&kept(instance, events));
    text.push("}\nhttp {\n  access_log off;\n");
    for name in ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"] {
        text.push(&format!("  {name}_temp_path {data}/nginx/;\n"));
    }
    text.push("  include ").push_code("pkgs.mailcap").push("/etc/nginx/mime.types;\n");
    text.append(&kept(instance, http));
    text.push("}\n");
    text
}

/// The lines that hold here, rewritten and indented.
fn kept(instance: &Instance<'_, '_, '_>, lines: &str) -> Text {
    let mut out = Text::default();
    for line in lines.lines() {
        let plain = line.trim_end().replace('\t', "  ");
        let directive = plain.split_whitespace().next().unwrap_or_default();
        if plain.trim().is_empty() || directive.starts_with('#') || OWN.contains(&directive) {
            continue;
        }
        out.push("  ");
        out.append(&rewritten(instance, &plain));
        out.push("\n");
    }
    out
}

fn rewritten(instance: &Instance<'_, '_, '_>, line: &str) -> Text {
    let plain = line.trim_start();
    if let Some(rest) = plain.strip_prefix("listen ").or_else(|| plain.strip_prefix("listen\t")) {
        return listen(instance, line, rest.trim());
    }
    let mut line = line.to_owned();
    for bind in instance.service.binds() {
        line = line.replace(&bind.target, &format!("./{}", bind.source));
    }
    let line = line.replace("/var/log/nginx/", "./data/");
    let mut text = Text::default();
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once("/usr/share/nginx/html") {
        text.append(&upstreams(instance, before)).push_code("pkgs.nginx").push("/html");
        rest = after;
    }
    text.append(&upstreams(instance, rest));
    text
}

/// `proxy_pass http://api;` and `server api;` with addresses.
fn upstreams(instance: &Instance<'_, '_, '_>, line: &str) -> Text {
    let directive = line.split_whitespace().next().unwrap_or_default();
    let rewriter = instance.builder.rewriter(instance.service);
    if matches!(directive, "server" | "fastcgi_pass" | "uwsgi_pass" | "grpc_pass") && !line.contains("://") {
        let start = line.len() - line.trim_start().len();
        let Some((word, rest)) = line[start + directive.len()..].trim_start().split_once([';', ' ']) else {
            return rewriter.rewrite(line, Position::File);
        };
        if let Some(service) = instance.builder.stack.by_host(word).filter(|service| service.is_carried()) {
            let end = &line[line.len() - rest.len() - 1..];
            let mut text = Text::literal(format!("{}{directive} {LOCAL}:", &line[..start]));
            let port = service.port(80).or(service.ports.first());
            text.append(&instance.builder.port_text(port)).push(end);
            return text;
        }
    }
    rewriter.rewrite(line, Position::File)
}

/// `listen 80 default_server;` with the registry's number.
fn listen(instance: &Instance<'_, '_, '_>, line: &str, rest: &str) -> Text {
    let indent = &line[..line.len() - line.trim_start().len()];
    let (address, flags) = rest.split_at(rest.find([' ', ';']).unwrap_or(rest.len()));
    let number = address.rsplit(':').next().and_then(|number| number.parse::<u16>().ok());
    let port: Option<&Port> =
        number.and_then(|number| instance.service.port(number)).or(instance.service.ports.first());
    // One address is enough, and a second one for IPv6 would be the same socket.
    if address.starts_with('[') {
        return Text::literal(format!("{indent}# {}", line.trim()));
    }
    let mut text = Text::literal(format!("{indent}listen {LOCAL}:"));
    text.append(&instance.builder.port_text(port)).push(&flags.replace(" ssl", "").replace(" http2", ""));
    text
}

/// The ports that a mounted configuration listens on.
pub fn listened(text: &str) -> Vec<u16> {
    let listens = text.lines().filter_map(|line| line.trim().strip_prefix("listen"));
    let number =
        |rest: &str| rest.trim().split([' ', ';']).next()?.rsplit(':').next()?.trim_end_matches(']').parse().ok();
    listens.filter_map(number).collect()
}
