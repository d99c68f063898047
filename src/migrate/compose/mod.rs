//! Migrates Compose files to a flake-parts module with process-compose-flake and services-flake.
//!
//! [`load`] reads a project as Compose does, [`stack`] decides what each service becomes and which ports it listens on,
//! and [`services`] builds the parts of the module, which are assembled here.

pub mod builder;
pub mod canonical;
mod configurations;
mod environment;
pub mod folders;
mod health;
pub mod hosts;
pub mod image_file;
pub mod interpolate;
pub mod known;
pub mod load;
pub mod names;
pub mod nginx;
pub mod process;
mod runs;
pub mod services;
pub mod settings;
pub mod stack;
pub mod starts;
mod volumes_from;
pub mod waits;
pub mod words;
pub mod yaml;

use std::collections::BTreeMap;

use self::builder::{Builder, Configuration, Parts};
use self::configurations::caddy;
use self::load::Model;
use self::services::Told;
use self::stack::{Port, Role, Service, Stack};
use self::yaml::Node;
use super::nix::{self, Attr, Expr};
use super::{Draft, Error, existing};
use crate::finding::RelPath;
use crate::knowledge::containers;

/// The Compose files of a folder, grouped into projects, and the variants of the default file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Projects {
    /// The files that Compose reads in one run, in order.
    pub projects: Vec<Vec<RelPath>>,
    /// Pairs of the default file (`compose.yaml`) and another Compose file in the folder, such as `compose.prod.yaml`.
    pub variants: Vec<(RelPath, RelPath)>,
}

/// Determines which files of one folder are read together: the default file with its override. Without a default file,
/// each file is a separate project.
pub fn projects(files: &[RelPath]) -> Projects {
    let stem = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    let usual = ["compose", "docker-compose"].iter().find_map(|name| files.iter().find(|file| stem(file) == *name));
    let mut found = Projects::default();
    for file in files.iter().filter(|file| !stem(file).ends_with(".override")) {
        match usual.filter(|usual| *usual != file) {
            Some(usual) => found.variants.push((usual.clone(), file.clone())),
            None => {
                let wanted = format!("{}.override", stem(file));
                let overrides = files.iter().filter(|other| stem(other) == wanted);
                found.projects.push(std::iter::once(file).chain(overrides).cloned().collect());
            }
        }
    }
    found
}

/// The folder to which modules are written.
const FOLDER: &str = "flake";

/// Migrates the Compose files of one project. Later files override earlier ones.
pub fn migrate(draft: &mut Draft<'_>, files: &[RelPath]) -> Result<(), Error> {
    let mut model = load::load(draft.files(), files)?;
    environment::complete(&mut model, draft.files());
    volumes_from::resolve(&mut model);
    if let Some(module) = migrated(draft, files) {
        for file in files {
            draft.report.already_migrated(file, &module);
            draft.report.replace(file, format!("nix run .#{}", project_of(draft, &module)));
        }
        return Ok(());
    }
    let name = project_name(draft, &model, files);
    let module = draft.free_name(FOLDER, if name == "dev" { "process-compose" } else { &name });
    let mut stack = Stack::of(&model, draft.files())?;
    add_own_ports(&mut stack, draft);
    leave_out_unknown_programs(&mut stack, draft, &module);
    let told = told_ports(&stack, draft, &module);
    stack.claim(draft, &told);
    let parts = Builder::new(&stack, &module, draft.files(), &draft.ports).build();
    draft.report.append(&parts.report);
    report_unset(draft, &model);
    top_level(draft, &model, files);
    write_secrets(draft, &parts, &model, files)?;
    ignore_copies(draft, &stack)?;
    if parts.services.is_empty() && parts.processes.is_empty() {
        let path = files.first().cloned().unwrap_or_else(|| "compose.yaml".into());
        draft.report.leave(&path, 1, "services", "none of the services could be carried over", "see the entries below");
        return Ok(());
    }
    let text = text(&name, &module, &parts, files, draft);
    report_licences(draft, &text, files);
    draft.write(&module, text)?;
    draft.flake.input("process-compose-flake", "github:Platonic-Systems/process-compose-flake", false);
    if !parts.services.is_empty() {
        draft.flake.input("services-flake", "github:juspay/services-flake", false);
    }
    draft.flake.module(&module);
    for file in files {
        draft.report.replace(file, format!("nix run .#{name}"));
    }
    Ok(())
}

/// The first line of a module.
fn head(files: &[RelPath]) -> String {
    let sources: Vec<&str> = files.iter().map(|file| &**file).collect();
    format!("# Written by `flakeward migrate compose {}`.", sources.join(" "))
}

/// The module that an earlier run wrote for the same files.
fn migrated(draft: &Draft<'_>, files: &[RelPath]) -> Option<String> {
    let head = head(files);
    let names = draft.files().names(FOLDER);
    let mut paths = names.iter().filter(|name| name.ends_with(".nix")).map(|name| format!("{FOLDER}/{name}"));
    paths.find(|path| draft.text(path).ok().flatten().is_some_and(|text| text.lines().next() == Some(&head)))
}

/// The project name in a module.
fn project_of(draft: &Draft<'_>, module: &str) -> String {
    let text = draft.text(module).ok().flatten().unwrap_or_default();
    let name = text.split_once(" process-compose.").and_then(|(_, rest)| rest.split_once(" ="));
    name.map_or_else(|| "dev".to_owned(), |(name, _)| name.trim_matches('"').to_owned())
}

/// The attribute name for the project: the `name` in its file, the name of its folder, or `dev`. If that is taken, a
/// part of the file name or a number is added.
fn project_name(draft: &mut Draft<'_>, model: &Model, files: &[RelPath]) -> String {
    let given = model.root.get("name").and_then(Node::text).map(str::to_owned);
    // A dot would end the name in `nix run .#NAME`.
    let plain = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-', "-");
    let name = given.unwrap_or_else(|| model.folder.clone());
    let name = plain(name.trim_start_matches('.')).trim_matches('-').to_owned();
    let name = if name.is_empty() { "dev".to_owned() } else { name };
    let Some(file) = files.first() else { return name };
    let stem = file.rsplit('/').next().unwrap_or_default();
    let variant: Vec<&str> =
        stem.split('.').filter(|part| !matches!(*part, "docker-compose" | "compose" | "yml" | "yaml")).collect();
    let varied = (!variant.is_empty()).then(|| format!("{name}-{}", variant.join("-")));
    let numbered = (2..100).map(|count| format!("{name}-{count}"));
    let free = std::iter::once(name.clone()).chain(varied).chain(numbered).find(|name| !is_taken(draft, name));
    let free = free.unwrap_or_else(|| name.clone());
    if let Some(other) = existing::defined_in(draft, &["process-compose", &name]) {
        let why =
            format!("`process-compose.{name}` is already defined in {other}, so this is `process-compose.{free}`");
        draft.report.leave(file, 1, "name", why, "merge the two by hand if they belong together");
    }
    free
}

/// Whether a project with this name has a module, or is an attribute of the flake.
fn is_taken(draft: &Draft<'_>, name: &str) -> bool {
    draft.exists(&format!("{FOLDER}/{name}.nix"))
        || (name == "dev" && draft.exists(&format!("{FOLDER}/process-compose.nix")))
        || existing::defined_in(draft, &["process-compose", name]).is_some()
}

/// Adds the ports that are defined only in the configuration of a service, and removes default ports that it does not
/// use.
fn add_own_ports(stack: &mut Stack<'_>, draft: &Draft<'_>) {
    let files = draft.files();
    for service in &mut stack.services {
        if service.is_kafka() && service.port(stack::KAFKA_CONTROLLER).is_none() {
            add_port(service, stack::KAFKA_CONTROLLER, "controller".to_owned());
        }
        // Caddy's sites have no certificates on this machine.
        if caddy::serves(service, files, 80) {
            service.ports.retain(|port| port.container != 443);
        }
        let is_nginx = matches!(&service.role, Role::Known(known) if known.option == "nginx");
        let listened = match process::mosquitto::Configuration::of(service, files) {
            Some(configuration) => configuration.ports,
            None if is_nginx => nginx::listened(&nginx::texts(service, files)),
            None => continue,
        };
        for number in &listened {
            if service.port(*number).is_none() {
                add_port(service, *number, format!("port-{number}"));
            }
        }
        // The image's default port is used only if no configuration sets another one.
        if !listened.is_empty()
            && let Some(first) = service.ports.first()
            && !listened.contains(&first.container)
            && first.published.is_none()
        {
            service.ports.remove(0);
            if let Some(first) = service.ports.first_mut() {
                first.label = String::new();
            }
        }
    }
}

fn add_port(service: &mut Service<'_>, container: u16, label: String) {
    let place = service.key.place.clone();
    let protocol = "tcp".to_owned();
    service.ports.push(Port {
        container,
        usual: container,
        published: None,
        number: container,
        label,
        protocol,
        place,
        is_registered: false,
        is_reported: false,
    });
}

/// Leaves out programs that cannot be found, before ports are claimed and other programs depend on them.
fn leave_out_unknown_programs(stack: &mut Stack<'_>, draft: &Draft<'_>, module: &str) {
    let mut reasons: BTreeMap<usize, String> = BTreeMap::new();
    {
        let builder = Builder::new(stack, module, draft.files(), &draft.ports);
        for (index, service) in stack.services.iter().enumerate().filter(|(_, service)| service.role == Role::Program) {
            let words = process::words_or_usual(&builder, service);
            let found = match words {
                Some(words) => process::program(&builder, service, &words).map(|_| ()),
                None => Err("neither the Compose file nor a Dockerfile has a command for it".to_owned()),
            };
            if let Err(reason) = found {
                reasons.insert(index, reason);
            }
        }
    }
    for (index, reason) in reasons {
        stack.services[index].role = Role::Left(reason);
    }
}

/// Whether each port's number is passed to the program, by the index of the service and the port in the container.
fn told_ports(stack: &Stack<'_>, draft: &Draft<'_>, module: &str) -> BTreeMap<(usize, u16), bool> {
    let builder = Builder::new(stack, module, draft.files(), &draft.ports);
    let mut told = BTreeMap::new();
    for (index, service) in stack.services.iter().enumerate().filter(|(_, service)| service.is_carried()) {
        for port in &service.ports {
            told.insert((index, port.container), services::how_told(&builder, service, port.container) != Told::Not);
        }
    }
    told
}

/// Reports the variables without a value on which the module depends.
fn report_unset(draft: &mut Draft<'_>, model: &Model) {
    let env = stack::below(&model.folder, ".env");
    let example = load::example(draft.files(), &model.folder);
    let example = example.filter(|_| model.env_path.is_none()).map(|path| format!("copy ./{path} to ./{env}"));
    let todo = example.unwrap_or_else(|| format!("set it in ./{env}"));
    for load::Unset { name, what, place, is_ignored } in &model.unset {
        let why = match is_ignored {
            true => format!("`{name}` has no value, so the number inside the container is unknown"),
            false => format!("`{name}` has no value"),
        };
        let todo = format!("{todo}, delete the written module, and migrate again with `--force`");
        draft.report.leave(&place.path, place.line, what.clone(), why, todo);
    }
}

/// The work to do by hand for packages whose licences Nix refuses.
const ALLOW: &str = "allow it: start with `NIXPKGS_ALLOW_UNFREE=1 nix run --impure`, or define `_module.args.pkgs = import \
                     inputs.nixpkgs { inherit system; config.allowUnfree = true; }` in `perSystem`";

/// Reports the packages in a module that Nix refuses because of their licences.
fn report_licences(draft: &mut Draft<'_>, text: &str, files: &[RelPath]) {
    let is_used = |start: &str| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c));
        text.match_indices(start).any(|(at, _)| ends(&text[at + start.len()..]))
    };
    let unfree = containers::UNFREE.iter().filter(|(start, _)| is_used(start));
    let names: Vec<String> = unfree.map(|(_, package)| format!("`{package}`")).collect();
    if let Some(first) = files.first().filter(|_| !names.is_empty()) {
        let why = format!("Nix refuses packages whose licence is not free: {}", names.join(" and "));
        draft.report.leave(first, 1, "packages", why, ALLOW);
    }
}

/// Reports the top-level keys of the files.
fn top_level(draft: &mut Draft<'_>, model: &Model, files: &[RelPath]) {
    for (key, node) in model.root.pairs() {
        let place = &key.place;
        let (path, line) = (&place.path, place.line);
        match key.name.as_str() {
            "services" => {}
            "version" => draft.report.carry(path, line, "version", "nothing: Compose ignores it"),
            "name" => draft.report.carry(path, line, "name", "the name of the process-compose configuration"),
            "networks" => {
                draft.report.carry(path, line, "networks", "nothing: all processes share the machine's network")
            }
            "volumes" => {
                for (name, volume) in node.pairs() {
                    let what = format!("volumes.{}", name.name);
                    match volume.get("external").and_then(Node::bool) {
                        Some(true) => draft.report.leave(
                            &name.place.path,
                            name.place.line,
                            what,
                            "its data is in a Docker volume",
                            "copy the data from the volume into a folder under ./data",
                        ),
                        _ => draft.report.carry(
                            &name.place.path,
                            name.place.line,
                            what,
                            "folders under ./data, empty at first",
                        ),
                    }
                }
            }
            "secrets" | "configs" => {
                for (name, value) in node.pairs() {
                    let what = format!("{}.{}", key.name, name.name);
                    match value.get("file").and_then(Node::text) {
                        Some(file) => {
                            draft.report.carry(&name.place.path, name.place.line, what, format!("the file {file}"))
                        }
                        None => draft.report.leave(
                            &name.place.path,
                            name.place.line,
                            what,
                            "it is not a file in this repository",
                            "pass the value to the programs through the environment",
                        ),
                    }
                }
            }
            "include" => {
                for Node { place, .. } in node.items() {
                    draft.report.carry(&place.path, place.line, "include", "the services of the included files");
                }
            }
            name if name.starts_with("x-") => {
                draft.report.carry(path, line, name, "nothing: extensions are resolved where they are used")
            }
            name => draft.report.leave(
                path,
                line,
                name,
                "process-compose has no equivalent",
                "check whether the programs need it",
            ),
        }
    }
    if let Some(first) = files.first() {
        draft.report.carry(first, 1, "this file", "can be removed once the new processes run");
    }
}

/// Adds secrets to `.env`, which process-compose reads and git should not track.
fn write_secrets(draft: &mut Draft<'_>, parts: &Parts, model: &Model, files: &[RelPath]) -> Result<(), Error> {
    if draft.files().is_folder(".env") {
        if let Some(path) = files.first().filter(|_| !parts.secrets.is_empty()) {
            let names: Vec<&str> = parts.secrets.keys().map(String::as_str).collect();
            let why = format!("`.env` is a folder, so nothing sets {}", names.join(", "));
            let todo = "rename the folder, and set the variables in `.env`, or in process-compose's environment";
            draft.report.leave(path, 1, "secrets in environment", why, todo);
        }
        return Ok(());
    }
    let known = draft.text(".env")?.unwrap_or_default();
    let has = |name: &str| {
        known
            .lines()
            .any(|line| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))
    };
    let new: Vec<(&String, &String)> = parts.secrets.iter().filter(|(name, _)| !has(name)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut text = known.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for (name, value) in &new {
        let value = env_value(value);
        text.push_str(&format!("{name}={value}\n"));
    }
    draft.write(".env", text)?;
    let ignore = draft.text(".gitignore")?.unwrap_or_default();
    if !ignore.lines().any(|line| matches!(line.trim(), ".env" | "/.env" | "*.env" | ".env*")) {
        let end = if ignore.is_empty() || ignore.ends_with('\n') { "" } else { "\n" };
        draft.write(".gitignore", format!("{ignore}{end}/.env\n"))?;
    }
    if let Some(path) = files.first() {
        let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
        let why = format!("{} would be world-readable in the store, so `.env` contains them", names.join(", "));
        let mut variables = model.services().flat_map(|(_, node)| node.get("environment").map_or(&[][..], Node::pairs));
        let first = variables.find(|(key, _)| new.iter().any(|(name, _)| **name == key.name));
        let (path, line) = first.map_or((path, 1), |(key, _)| (&key.place.path, key.place.line));
        draft.report.leave(
            path,
            line,
            "secrets in environment",
            why,
            "keep `.env` out of git, and change the values that are already in git",
        );
    }
    Ok(())
}

/// Adds the folders into which processes copy programs to .gitignore. These folders also contain keys and uploads.
fn ignore_copies(draft: &mut Draft<'_>, stack: &Stack<'_>) -> Result<(), Error> {
    let copies =
        |service: &&Service<'_>| matches!(&service.role, Role::Package(package) if !package.first_start.is_empty());
    for service in stack.services.iter().filter(copies) {
        let folder = folders::working_folder(service);
        let parents = || ["data".to_owned(), format!("data/{}", service.process)].into_iter();
        let paths: Vec<String> = parents().map(|path| stack::below(&folder, &path)).collect();
        let ignore = draft.text(".gitignore")?.unwrap_or_default();
        let is_ignored = |line: &str| {
            let line = line.trim().trim_matches('/');
            line == "data" || paths.iter().any(|path| line.trim_end_matches("/*") == path)
        };
        if let Some(path) = paths.last().filter(|_| !ignore.lines().any(is_ignored)) {
            let end = if ignore.is_empty() || ignore.ends_with('\n') { "" } else { "\n" };
            draft.write(".gitignore", format!("{ignore}{end}/{path}/\n"))?;
        }
    }
    Ok(())
}

/// Formats a value for the `.env` parsers of process-compose and Compose, which do not support `'\''`.
fn env_value(value: &str) -> String {
    let special = |c: char| c.is_whitespace() || "\"'$#\\`".contains(c);
    match (value.contains(special), value.contains('\'')) {
        (false, _) => value.to_owned(),
        (true, false) => format!("'{value}'"),
        (true, true) => {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
            format!("\"{escaped}\"")
        }
    }
}

/// Formats the module.
fn text(name: &str, module: &str, parts: &Parts, files: &[RelPath], draft: &Draft<'_>) -> String {
    let mut project: Vec<Attr> = Vec::new();
    if !parts.services.is_empty() {
        let import = Expr::List(vec![Expr::Code("inputs.services-flake.processComposeModules.default".to_owned())]);
        project.push(Attr::new(["imports"], import));
    }
    for service in &parts.services {
        let path = std::iter::once("services").chain(service.path.iter().map(String::as_str));
        project.push(Attr { comment: service.comment.clone(), ..Attr::new(path, service.value.clone()) });
    }
    if !parts.processes.is_empty() {
        project.push(Attr::new(["settings", "processes"], Expr::Set(parts.processes.clone())));
    }
    let body = nix::bindings(&[Attr::new(["process-compose", name], Expr::Set(project))], 6);
    let configurations: Vec<Attr> = parts.configurations.iter().map(configuration).collect();
    let configurations = nix::bindings(&configurations, 6);
    let uses = |word: &str| body.contains(word) || configurations.contains(word);
    let mut arguments = Vec::new();
    if uses("pkgs.") {
        arguments.push("pkgs");
    }
    if uses("lib.") {
        arguments.push("lib");
    }
    arguments.push("...");
    let mark = draft.ports.reference(0).chars().next().unwrap_or('\u{f8f0}');
    let ports = match body.contains(mark) || configurations.contains(mark) {
        true => format!("      ports = {};\n", draft.ports.import(module)),
        false => String::new(),
    };
    let bindings = match ports.is_empty() && configurations.is_empty() {
        true => String::new(),
        false => format!("    let\n{ports}{configurations}    in\n"),
    };
    let head = head(files);
    let arguments = if arguments.len() == 1 { "_".to_owned() } else { format!("{{ {} }}", arguments.join(", ")) };
    format!(
        "{head}\n{{ inputs, ... }}:\n{{\n  imports = [ inputs.process-compose-flake.flakeModule ];\n\n  perSystem =\n    {arguments}:\n{bindings}    {{\n{body}    }};\n}}\n"
    )
}

/// The binding for a configuration file.
fn configuration(file: &Configuration) -> Attr {
    let write = format!("pkgs.writeText {}", nix::quoted(&nix::Text::literal(&file.name)));
    Attr::new([file.variable.as_str()], Expr::Apply(write, Box::new(Expr::Text(file.text.clone()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_values_are_quoted_for_their_parsers() {
        for (value, expected) in [
            ("word", "word"),
            ("a b", "'a b'"),
            ("a\"$b", "'a\"$b'"),
            ("it's $5", "\"it's \\$5\""),
            ("'\"\\", "\"'\\\"\\\\\""),
        ] {
            assert_eq!(env_value(value), expected);
        }
    }

    #[test]
    fn compose_files_in_a_folder_are_grouped_into_projects() {
        let paths = |names: &[&str]| names.iter().map(|name| RelPath::from(*name)).collect::<Vec<_>>();
        let found =
            projects(&paths(&["a/docker-compose.yml", "a/docker-compose.override.yml", "a/docker-compose.prod.yml"]));
        assert_eq!(found.projects, [paths(&["a/docker-compose.yml", "a/docker-compose.override.yml"])]);
        assert_eq!(found.variants, [("a/docker-compose.yml".into(), "a/docker-compose.prod.yml".into())]);
        let found = projects(&paths(&["compose.a.yml", "compose.b.yml"]));
        assert_eq!((found.projects.len(), found.variants.len()), (2, 0));
    }
}
