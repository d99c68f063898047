//! Rewrites directives with the ports, files and servers on this machine.

mod scripts;
mod tls;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use self::scripts::Scope;
use self::tls::{Tls, is_for_tls};
use super::files::Configuration;
use super::parse::Directive;
use super::port_of;
use crate::knowledge::nginx::{FOLDER, FROM_CONFIGURATION, HTML, OWN, PASSES, SERVED, SHIPPED};
use crate::migrate::compose::hosts::{LOCAL, Position};
use crate::migrate::compose::known::Instance;
use crate::migrate::compose::process;
use crate::migrate::compose::stack::Bind;
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;

/// The maximum depth of nested includes.
const DEEPEST: usize = 10;

/// The maximum number of included files, counted each time they are included.
const MOST_INCLUDES: usize = 500;

/// The address of Docker's DNS server.
const DOCKER_RESOLVER: &str = "127.0.0.11";

/// Rewrites the configuration of one service.
pub struct Rewrite<'a, 'b, 's, 'm> {
    /// The service.
    pub instance: &'a Instance<'b, 's, 'm>,
    configuration: &'a Configuration,
    /// The names of `upstream` blocks.
    pub upstreams: BTreeSet<String>,
    /// The names of the variables in the addresses that requests are passed to.
    variables: BTreeSet<String>,
    /// The directives of `http`, which its servers inherit.
    http: Vec<Directive>,
    /// The files with a `listen` directive that servers may include.
    listening: BTreeSet<String>,
    /// The mounts, with the longest paths first.
    binds: Vec<Bind>,
    /// The files that are being included.
    including: RefCell<Vec<String>>,
    /// The number of files that have been included.
    included: Cell<usize>,
    /// The blocks that are being written, from the outside in.
    scopes: RefCell<Vec<Scope>>,
    /// The indices of the services that run PHP-FPM.
    fpms: Vec<usize>,
}

impl<'a, 'b, 's, 'm> Rewrite<'a, 'b, 's, 'm> {
    /// Prepares to rewrite the directives of `http` and everything that they include.
    pub fn new(instance: &'a Instance<'b, 's, 'm>, configuration: &'a Configuration, http: &[Directive]) -> Self {
        let mut all: Vec<Directive> = Vec::new();
        let mut waiting = http.to_vec();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(directive) = waiting.pop() {
            if directive.name() != "include" {
                all.push(directive);
                continue;
            }
            let pattern = directive.argument(1).unwrap_or_default();
            let files = configuration.matching(pattern).into_iter().filter(|file| seen.insert(file.clone()));
            waiting.extend(files.filter_map(|file| configuration.read(&file)).flatten());
        }
        let upstreams = all.iter().filter(|directive| directive.name() == "upstream");
        let upstreams = upstreams.filter_map(|directive| directive.argument(1)).map(str::to_owned).collect();
        let variables = variables_of_servers(configuration, &all);
        let mut binds = instance.service.binds();
        binds.extend(super::shared_binds(instance.builder, instance.service));
        binds.sort_by_key(|bind| std::cmp::Reverse(bind.target.len()));
        let (including, included, scopes) = (RefCell::default(), Cell::new(0), RefCell::default());
        let listening = configuration.with("listen");
        let fpms = process::php::fpms(instance.builder).to_vec();
        Self {
            instance,
            configuration,
            upstreams,
            variables,
            http: all,
            listening,
            binds,
            including,
            included,
            scopes,
            fpms,
        }
    }

    /// Reports a line of a configuration file that is not migrated.
    pub fn leave(&self, file: &str, line: usize, why: String, todo: &str) {
        let service = self.instance.service;
        let place = self.configuration.place(file, line);
        let place: &Place = place.as_ref().unwrap_or(&service.key.place);
        self.instance.builder.leave(service, place, "configFile", why, todo);
    }

    /// The directives of a block as lines. `parents` are the names of the blocks around them.
    pub fn block(&self, directives: &[Directive], parents: &[&str], depth: usize) -> Text {
        let file = self.including.borrow().last().cloned().unwrap_or_else(|| format!("{FOLDER}/nginx.conf"));
        let mut out = Text::default();
        let tls = match parents.last() {
            Some(&"server") => self.tls(directives, &self.http, &file),
            _ => Tls::Yes,
        };
        let scope = self.scope(directives, parents);
        self.scopes.borrow_mut().push(scope);
        for directive in directives {
            let name = directive.name();
            let is_lost = tls == Tls::Lost && is_for_tls(directive);
            if OWN.contains(&name) || is_lost {
                continue;
            }
            match (name, &directive.block) {
                ("include", None) => {
                    out.append(&self.include(directive, parents, depth, &file));
                }
                ("listen", None) => {
                    if let Some(text) = self.listen(directive, directives, tls, &file) {
                        out.push(&"  ".repeat(depth)).append(&text).push(";\n");
                    }
                }
                ("resolver", None) if directive.argument(1) == Some(DOCKER_RESOLVER) => {}
                (_, None) => {
                    let text = self.simple(directive, parents, &file);
                    out.push(&"  ".repeat(depth)).append(&text).push(";\n");
                }
                (_, Some(block)) => {
                    let mut inner = parents.to_vec();
                    inner.push(name);
                    out.push(&format!("{}{} {{\n", "  ".repeat(depth), directive.words.join(" ")));
                    if name == "server" && parents == ["http"] && !self.listens(block) {
                        let line = directive.line;
                        let usual = Directive { words: ["listen", "80"].map(str::to_owned).into(), block: None, line };
                        if let Some(text) = self.listen(&usual, block, Tls::No, &file) {
                            out.push(&"  ".repeat(depth + 1)).append(&text).push(";\n");
                        }
                    }
                    out.append(&self.block(block, &inner, depth + 1));
                    out.push(&format!("{}}}\n", "  ".repeat(depth)));
                }
            }
        }
        self.scopes.borrow_mut().pop();
        out
    }

    /// Whether a server, or a file that it includes, has a `listen` directive.
    fn listens(&self, server: &[Directive]) -> bool {
        server.iter().any(|directive| match directive.name() {
            "listen" => true,
            "include" => {
                let files = self.configuration.matching(directive.argument(1).unwrap_or_default());
                files.iter().any(|file| self.listening.contains(file))
            }
            _ => false,
        })
    }

    /// The directives of the included files, or an include of a file in nginx's own package.
    fn include(&self, directive: &Directive, parents: &[&str], depth: usize, file: &str) -> Text {
        let pattern = directive.argument(1).unwrap_or_default();
        let name = pattern.rsplit('/').next().unwrap_or(pattern);
        let files = self.configuration.matching(pattern);
        let mut out = Text::default();
        if files.is_empty() && SHIPPED.contains(&name) {
            out.push(&format!("{}include ", "  ".repeat(depth)))
                .push_code("pkgs.nginx")
                .push(&format!("/conf/{name};\n"));
            return out;
        }
        // The module includes the MIME types itself, and a pattern may match nothing.
        if files.is_empty() && name != "mime.types" && !pattern.contains('*') {
            let why = format!("{pattern} is not a file in this repository");
            self.leave(file, directive.line, why, "write the file's contents into `configFile`");
        }
        for file in files {
            let is_open = self.including.borrow().contains(&file);
            if is_open || self.including.borrow().len() >= DEEPEST || self.included.get() >= MOST_INCLUDES {
                let why = match is_open {
                    true => format!("{file} includes itself"),
                    false => format!("more than {MOST_INCLUDES} files are included, or they are nested too deeply"),
                };
                self.leave(&file, 1, why, "write the missing directives into `configFile`");
                continue;
            }
            self.included.update(|count| count + 1);
            let Some(directives) = self.configuration.read(&file) else { continue };
            self.including.borrow_mut().push(file);
            out.append(&self.block(&directives, parents, depth));
            self.including.borrow_mut().pop();
        }
        out
    }

    /// A `listen` directive, such as `listen 80 default_server`, with the registry's number.
    fn listen(&self, directive: &Directive, server: &[Directive], tls: Tls, file: &str) -> Option<Text> {
        let address = directive.argument(1).unwrap_or_default();
        let Some(number) = port_of(address) else { return self.listen_on_variable(address, directive, file) };
        if directive.words.iter().any(|word| word == "quic") {
            let why = format!("`listen {address} quic` is for UDP, and the port is used for TCP on this machine");
            self.leave(file, directive.line, why, "add it to `configFile` if HTTP/3 is needed");
            return None;
        }
        // The IPv4 and the IPv6 address are replaced with the same address, on which a server can listen only once.
        let is_v4 = |other: &&Directive| {
            other.name() == "listen" && other.argument(1).is_some_and(|other| !other.starts_with('['))
        };
        let ports = server.iter().filter(is_v4).filter_map(|other| port_of(other.argument(1)?));
        if address.starts_with('[') && ports.into_iter().any(|port| port == number) {
            return None;
        }
        let mut text = Text::literal(format!("listen {LOCAL}:"));
        match self.instance.service.port(number) {
            Some(port) => text.append(&self.instance.builder.port_text(Some(port))),
            None => text.push(&number.to_string()),
        };
        for flag in directive.words.iter().skip(2).filter(|flag| !flag.starts_with("ipv6only")) {
            if tls != Tls::Lost || !matches!(flag.as_str(), "ssl" | "http2") {
                text.push(&format!(" {flag}"));
            }
        }
        Some(text)
    }

    /// A `listen` directive of a template whose port depends on a variable without a value.
    fn listen_on_variable(&self, address: &str, directive: &Directive, file: &str) -> Option<Text> {
        let port = self.instance.service.ports.first().filter(|_| address.contains('$'))?;
        let why =
            format!("`listen {address}` depends on a variable without a value, so nginx listens on {}", port.number);
        self.leave(file, directive.line, why, "change the number in the port registry if it should be another one");
        let mut text = Text::literal(format!("listen {LOCAL}:"));
        text.append(&self.instance.builder.port_text(Some(port)));
        Some(text)
    }

    /// A directive without a block.
    fn simple(&self, directive: &Directive, parents: &[&str], file: &str) -> Text {
        let name = directive.name();
        if let Some(text) = self.script(directive, parents, file) {
            return text;
        }
        let names_server = PASSES.contains(&name) || (name == "server" && parents.last() == Some(&"upstream"));
        let mut text = Text::literal(name);
        for (at, word) in directive.words.iter().enumerate().skip(1) {
            text.push(" ");
            let server = (names_server && at == 1).then(|| self.passed_to(word, directive, file)).flatten();
            match server {
                Some(server) => text.append(&server),
                None if at == 1 && FROM_CONFIGURATION.contains(&name) => text.push(&self.file(word, directive, file)),
                None if at == 1 && SERVED.contains(&name) => {
                    match self.around(word).or_else(|| self.of_scripts(word)) {
                        Some(folder) => {
                            if folder.is_empty() {
                                let why = "nginx now serves all files of the repository, such as `.env` and `.git`";
                                let todo = "name the folder with the pages, or deny access to other files";
                                self.leave(file, directive.line, why.to_owned(), todo);
                            }
                            text.push(&format!("./{folder}"))
                        }
                        None => text.append(&self.word(word)),
                    }
                }
                None => text.append(&self.word(word)),
            };
        }
        if SERVED.contains(&name) {
            self.check_served(directive, file);
        }
        // `set` assigns a host without a port. The port is in the directive that uses the variable.
        let host = directive.argument(2).filter(|_| name == "set").map(|host| host.trim_matches(['"', '\'']));
        let host = host.filter(|host| self.instance.builder.stack.by_host(host).is_some());
        let variable = directive.argument(1).unwrap_or_default().trim_start_matches('$');
        if let Some(host) = host.filter(|_| self.variables.contains(variable)) {
            let why = format!("it names the host `{host}`, which exists only on the Compose network");
            self.leave(
                file,
                directive.line,
                why,
                "write 127.0.0.1, and use the port from the registry wherever the variable is used",
            );
        }
        text
    }

    /// The folder in the checkout for a container path that contains the targets of mounts, if all of them imply the
    /// same folder: `src` for `/app/src` with `./src/static:/app/src/static`.
    fn around(&self, path: &str) -> Option<String> {
        let path = path.trim_end_matches('/');
        if !path.starts_with('/') || self.in_checkout(path).is_some() {
            return None;
        }
        let below = self.binds.iter().filter_map(|bind| {
            let rest = bind.target.strip_prefix(path).filter(|rest| rest.starts_with('/'))?;
            Some(bind.source.strip_suffix(rest))
        });
        let mut folders = below.collect::<Option<Vec<&str>>>()?;
        folders.dedup();
        match folders.as_slice() {
            [folder] if !folder.is_empty() => Some((*folder).to_owned()),
            _ => None,
        }
    }

    /// Rewrites the path of a file to one relative to the folder of nginx's configuration, `./data/NAME`. Reports a
    /// file that is not in the checkout.
    fn file(&self, word: &str, directive: &Directive, file: &str) -> String {
        let path = word.trim_matches(['"', '\'']);
        let Some(source) = self.in_checkout(path) else {
            let why = format!("{path} is not a file in this repository");
            self.leave(file, directive.line, why, "replace the path with that of the file on this machine");
            return word.to_owned();
        };
        if !matches!(self.instance.builder.files().text(&source), Ok(Some(_))) {
            let why = format!("./{source} does not exist");
            self.leave(file, directive.line, why, "create it before the first start");
        }
        format!("../../{source}")
    }

    /// Converts a path in the container to the path in the checkout, relative to the root. `None` if it is not mounted.
    pub fn in_checkout(&self, path: &str) -> Option<String> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{FOLDER}/{path}") };
        self.binds.iter().find_map(|bind| {
            let rest = path.strip_prefix(&bind.target)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", bind.source))
        })
    }

    /// Reports a folder that nginx serves and that is not in the checkout.
    fn check_served(&self, directive: &Directive, file: &str) {
        let path = directive.argument(1).unwrap_or_default();
        let is_open = !path.starts_with('/') || path.contains('$') || path.starts_with(HTML);
        let is_known =
            || self.in_checkout(path).or_else(|| self.around(path)).or_else(|| self.of_scripts(path)).is_some();
        if !is_open && !is_known() {
            let why = format!("{path} is not a folder in this repository");
            self.leave(file, directive.line, why, "replace the path with that of the folder on this machine");
        }
    }

    /// Rewrites the paths and addresses in a word to those on this machine.
    fn word(&self, word: &str) -> Text {
        let mut word = word.to_owned();
        for bind in &self.binds {
            if let Some(at) = word.find(&bind.target) {
                let after = word[at + bind.target.len()..].chars().next();
                let ends = after.is_none_or(|c| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
                let begins = word[..at].chars().next_back().is_none_or(|c| matches!(c, '"' | '\'' | '=' | ':'));
                if ends && begins {
                    word.replace_range(at..at + bind.target.len(), &format!("./{}", bind.source));
                    break;
                }
            }
        }
        let process = &self.instance.service.process;
        let word = word.replace("/var/log/nginx/", "./data/");
        let word = match word.split_once("/var/cache/nginx") {
            Some((before, rest)) => format!("{before}./data/{process}/cache{}", rest.replace('/', "-")),
            None => word,
        };
        let rewriter = self.instance.builder.rewriter(self.instance.service);
        let mut text = Text::default();
        let mut rest = word.as_str();
        while let Some((before, after)) = rest.split_once(HTML) {
            text.append(&rewriter.rewrite(before, Position::File)).push_code("pkgs.nginx").push("/html");
            rest = after;
        }
        text.append(&rewriter.rewrite(rest, Position::File));
        text
    }
}

/// The names of the variables in the addresses that requests are passed to, and in URLs that `set` assigns: `set
/// $server http://$host:80`. Includes the blocks of the directives, and the files that they include.
fn variables_of_servers(configuration: &Configuration, directives: &[Directive]) -> BTreeSet<String> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut waiting = directives.to_vec();
    while let Some(directive) = waiting.pop() {
        let server = match directive.name() {
            "include" => {
                let files = configuration.matching(directive.argument(1).unwrap_or_default());
                let files = files.into_iter().filter(|file| seen.insert(file.clone()));
                waiting.extend(files.filter_map(|file| configuration.read(&file)).flatten());
                None
            }
            "set" => directive.argument(2).filter(|word| word.contains("://")),
            name => directive.argument(1).filter(|_| PASSES.contains(&name)),
        };
        found.extend(server.into_iter().flat_map(|word| word.split('$').skip(1)).map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default().to_owned()
        }));
        waiting.extend(directive.block.into_iter().flatten());
    }
    found
}
