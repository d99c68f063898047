//! nginx: rewrites the mounted configuration with the listening ports, upstreams and folders on this machine.

mod files;
mod parse;
mod rewrite;
mod upstreams;

use std::collections::BTreeSet;

use self::files::Configuration;
use self::parse::Directive;
use self::rewrite::Rewrite;
use super::builder::Builder;
use super::folders;
use super::known::Instance;
use super::process::php;
use super::stack::{Bind, Role, Service};
use super::yaml::Node;
use crate::knowledge::nginx::{DEFAULT_SERVER, FOLDER};
use crate::migrate::Files;
use crate::migrate::nix::{Expr, Text};
use crate::paths;

/// Sets `configFile` to the whole configuration. With `httpConfig`, the service's own server block would take
/// precedence over the configured servers.
pub fn build(instance: &mut Instance<'_, '_, '_>) {
    let configuration = Configuration::of(instance);
    report_mounts(instance, &configuration);
    let (main, events, http) = parts(instance, &configuration);
    let text = whole(instance, &configuration, &main, &events, &http);
    configuration.report_unread(instance);
    instance.set("configFile", Expr::Apply("pkgs.writeText \"nginx.conf\"".to_owned(), Box::new(Expr::Text(text))));
}

/// The folder that the image serves by default.
const HTML: &str = "/usr/share/nginx/html";

/// The folder of the scripts that the image runs when it starts.
const START_SCRIPTS: &str = "/docker-entrypoint.d";

/// Reports the mounts that are not part of the configuration.
fn report_mounts(instance: &Instance<'_, '_, '_>, configuration: &Configuration) {
    let service = instance.service;
    for item in service.get("volumes").map_or(&[][..], Node::items) {
        let source = item.get("source").and_then(Node::text).unwrap_or_default();
        let shared = shared_folder(instance.builder, service, source);
        if let Some(folder) = shared {
            instance.builder.carry(service, &item.place, "volumes", format!("the folder ./{folder}"));
        } else if !source.starts_with("./") {
            let why = format!("{source} is not a folder in this repository");
            instance.builder.leave(
                service,
                &item.place,
                "volumes",
                why,
                "copy the files that nginx serves into the repository",
            );
        }
    }
    let script = instance.start_script();
    let text = instance.start_text();
    // Whether the path contains the image's pages or is inside their folder, or a directive names it or its parent.
    let is_served = |target: &str| {
        let parent = target.rsplit_once('/').map_or("", |(parent, _)| parent);
        target.starts_with(HTML)
            || HTML.starts_with(target)
            || configuration.is_named(instance, target)
            || !parent.is_empty() && configuration.is_named(instance, parent)
    };
    let is_script = |bind: &Bind| script.as_deref() == Some(bind.source.as_str());
    for bind in service.binds().into_iter().filter(|bind| !bind.target.starts_with(FOLDER) && !is_script(bind)) {
        let key = if bind.is_copied { "build" } else { "volumes" };
        if bind.target.starts_with(START_SCRIPTS) {
            let why = format!("the image runs ./{} when it starts, but services-flake's nginx does not", bind.source);
            let todo = "make the script's changes in `configFile`, or run it in a process that nginx waits for";
            instance.builder.leave(service, &bind.place, key, why, todo);
            continue;
        }
        if text.is_some() && !is_served(&bind.target) {
            let why = format!("only the image's start script can read ./{}, and it does not run", bind.source);
            let todo = "write what nginx needs from it into `configFile`";
            instance.builder.leave(service, &bind.place, key, why, todo);
            continue;
        }
        // nginx serves the outer folder from the checkout, which does not contain this one.
        let is_inside = |outer: &str| bind.target.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        let mut outer = service.binds().into_iter().filter(|bind| !bind.is_copied).map(|bind| bind.target);
        if !bind.is_copied
            && (is_inside(HTML) || outer.any(|outer| is_inside(&outer)))
            && !configuration.is_named(instance, &bind.target)
        {
            let why = format!("nginx serves the folder that contains {} from another location", bind.target);
            let todo = format!("serve ./{} from a `location` with an `alias`", bind.source);
            instance.builder.leave(service, &bind.place, key, why, todo);
            continue;
        }
        instance.builder.carry(service, &bind.place, key, format!("the folder ./{}", bind.source));
    }
}

/// The folder on this machine of a volume that another service fills: the data folder of its program, or the folder in
/// the checkout that is mounted there.
fn shared_folder(builder: &Builder<'_, '_>, service: &Service<'_>, volume: &str) -> Option<String> {
    if volume.is_empty() || volume.starts_with(['.', '/', '~']) {
        return None;
    }
    let others = builder.stack.services.iter().filter(|other| other.name != service.name);
    let mut found = others.filter_map(|other| {
        let items = other.get("volumes").map_or(&[][..], Node::items).iter();
        let target = items.clone().find(|item| item.get("source").and_then(Node::text) == Some(volume))?;
        let target = target.get("target").and_then(Node::text)?.trim_end_matches('/');
        match &other.role {
            Role::Package(package) if package.keeps_data() => Some(format!("data/{}", other.process)),
            Role::Program => {
                let here = folders::host_path(other, target);
                let folder = (here != target).then(|| paths::join(&folders::working_folder(other), &here))??;
                (!folder.is_empty()).then_some(folder)
            }
            _ => None,
        }
    });
    found.next()
}

/// The volumes of an nginx service that other services fill, as mounts of the folders on this machine.
fn shared_binds(builder: &Builder<'_, '_>, service: &Service<'_>) -> Vec<Bind> {
    let items = service.get("volumes").map_or(&[][..], Node::items).iter();
    let bind = |item: &Node| {
        let source = shared_folder(builder, service, item.get("source").and_then(Node::text)?)?;
        let target = item.get("target").and_then(Node::text)?.trim_end_matches('/').to_owned();
        Some(Bind { source, target, place: item.place.clone(), is_copied: false })
    };
    items.filter_map(bind).collect()
}

/// Whether a script writes or changes files in the configuration folder.
fn writes_configuration(script: &str) -> bool {
    let writes = |line: &str| {
        line.contains('>') || line.split_whitespace().any(|word| matches!(word, "cp" | "mv" | "ln" | "tee" | "sed"))
    };
    script.lines().any(|line| line.contains(FOLDER) && writes(line))
}

/// The directives of the main, `events` and `http` contexts. Without a main file, `http` includes the server files, as
/// in the main file of the image.
fn parts(
    instance: &Instance<'_, '_, '_>,
    configuration: &Configuration,
) -> (Vec<Directive>, Vec<Directive>, Vec<Directive>) {
    let (mut main, mut events, mut http) = (Vec::new(), Vec::new(), Vec::new());
    match configuration.main() {
        Some(directives) => {
            for directive in directives {
                let part = match directive.name() {
                    "events" => &mut events,
                    "http" => &mut http,
                    _ => {
                        main.push(directive);
                        continue;
                    }
                };
                part.extend(directive.block.into_iter().flatten());
            }
        }
        None => {
            let include = ["include", "/etc/nginx/conf.d/*.conf"].map(str::to_owned).to_vec();
            http.push(Directive { words: include, block: None, line: 1 });
            // If a script writes the servers, they are missing here. The default server would hide that.
            if configuration.has_no_servers() && !instance.start_text().is_some_and(|text| writes_configuration(&text))
            {
                http = parse::parse(DEFAULT_SERVER).unwrap_or_default();
            }
        }
    }
    (main, events, http)
}

fn whole(
    instance: &Instance<'_, '_, '_>,
    configuration: &Configuration,
    main: &[Directive],
    events: &[Directive],
    http: &[Directive],
) -> Text {
    let data = format!("./data/{}", instance.service.process);
    let rewrite = Rewrite::new(instance, configuration, http);
    let mut text = Text::literal(format!("pid {data}/nginx/nginx.pid;\nerror_log stderr;\ndaemon off;\n"));
    text.append(&rewrite.block(main, &[], 0));
    text.push("events {\n");
    text.append(&rewrite.block(events, &["events"], 1));
    text.push("}\nhttp {\n  access_log off;\n");
    for name in ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"] {
        text.push(&format!("  {name}_temp_path {data}/nginx/;\n"));
    }
    text.push("  include ").push_code("pkgs.mailcap").push("/etc/nginx/mime.types;\n");
    text.append(&rewrite.block(http, &["http"], 1));
    text.push("}\n");
    text
}

/// The port of a server without a `listen` directive.
const USUAL_PORT: u16 = 80;

/// The ports that servers in mounted configuration files listen on.
pub fn listened(texts: &[String]) -> Vec<u16> {
    let mut found = Vec::new();
    let parsed: Vec<Vec<Directive>> = texts.iter().filter_map(|text| parse::parse(text).ok()).collect();
    // A file that servers include may contain their `listen` directives.
    let is_listen = |directive: &Directive| directive.name() == "listen";
    let is_included = parsed.iter().flatten().any(is_listen);
    let mut waiting: Vec<Directive> = parsed.into_iter().flatten().collect();
    waiting.reverse();
    while let Some(directive) = waiting.pop() {
        if is_listen(&directive) {
            found.extend(directive.argument(1).and_then(port_of));
        }
        let block = directive.block.unwrap_or_default();
        let is_server = directive.words == ["server"] && !block.is_empty();
        let includes = block.iter().any(|inner| inner.name() == "include");
        if is_server && !block.iter().any(is_listen) && !(includes && is_included) {
            found.push(USUAL_PORT);
        }
        waiting.extend(block.into_iter().rev());
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|port| seen.insert(*port));
    found
}

/// The texts of the configuration files in the nginx image, or mounted into it.
pub fn texts(service: &Service<'_>, files: &dyn Files) -> Vec<String> {
    let mut texts = Vec::new();
    for Bind { source, target, .. } in service.binds() {
        if target.starts_with("/etc/nginx") {
            let names = if files.is_folder(&source) { files.names(&source) } else { Vec::new() };
            let paths = if names.is_empty() {
                vec![source]
            } else {
                names.iter().map(|name| format!("{source}/{name}")).collect()
            };
            texts.extend(paths.iter().filter_map(|path| files.text(path).ok().flatten()));
        }
    }
    texts
}

/// The arguments of all directives in configuration files, without quotes.
pub fn words(texts: &[String]) -> BTreeSet<String> {
    let mut waiting: Vec<Directive> = texts.iter().filter_map(|text| parse::parse(text).ok()).flatten().collect();
    let mut words = BTreeSet::new();
    while let Some(directive) = waiting.pop() {
        words.extend(directive.words.iter().skip(1).map(|word| word.trim_matches(['"', '\'']).to_owned()));
        waiting.extend(directive.block.into_iter().flatten());
    }
    words
}

/// Whether one of the arguments is the path `folder` or a path in it.
pub fn names_folder(words: &BTreeSet<String>, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let has = |start: String| words.range(start.clone()..).next().is_some_and(|word| word.starts_with(&start));
    !folder.is_empty() && (words.contains(folder) || ["/", "$"].iter().any(|end| has(format!("{folder}{end}"))))
}

/// The port in the address of `listen`: 80 by default, `None` for a socket or an address with a variable.
fn port_of(address: &str) -> Option<u16> {
    if address.starts_with("unix:") || address.contains('$') {
        return None;
    }
    let last = address.rsplit(':').next().unwrap_or(address);
    match last.parse() {
        Ok(number) => Some(number),
        Err(_) if last.chars().all(|c| c.is_ascii_digit()) => None,
        Err(_) => Some(80),
    }
}

/// Whether a service runs PHP-FPM, and an nginx configuration names the folder `target`, whose path nginx passes to it.
pub fn is_served(builder: &Builder<'_, '_>, service: &Service<'_>, target: &str) -> bool {
    let is_nginx = |other: &&Service<'_>| matches!(&other.role, Role::Known(known) if known.option == "nginx");
    let services = &builder.stack.services;
    let read = || {
        let nginx = services.iter().filter(is_nginx);
        nginx.flat_map(|other| words(&texts(other, builder.files()))).collect()
    };
    let is_fpm = php::fpms(builder).iter().any(|index| services[*index].name == service.name);
    is_fpm && names_folder(builder.nginx_words.get_or_init(read), target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_listen_on_80_by_default() {
        let ports = |texts: &[&str]| listened(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(ports(&["server { root /a; }", "server { listen [::]:8080; listen 8080; }"]), [80, 8080]);
        assert_eq!(ports(&["http { upstream u { server a:1; } server { listen unix:/x; } }"]), [0_u16; 0]);
        assert_eq!(ports(&["server { include a; }", "listen 81 ssl;"]), [81]);
        assert_eq!(ports(&["server { include a; }", "gzip on;", "server {"]), [80]);
    }
}
