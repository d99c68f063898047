//! Programs from nixpkgs packages, with the arguments from the Compose file.

use std::collections::BTreeSet;

use super::{Program, argument_text, host_path, mosquitto, start_line, usual_words, words_of, working_folder};
use crate::knowledge::containers::{self, PackageImage};
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::words;
use crate::migrate::nix::Text;
use crate::paths;

/// The command that runs a nixpkgs package in place of an image, and its environment variables.
pub fn package_program(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    package: &PackageImage,
) -> (Program, Vec<(String, Text)>) {
    let data = format!("./data/{}", service.process);
    let fill = |text: &str| placeholders(builder, service, text, &data);
    let variables = package_variables(builder, service, package);
    let mut line = start_line(package.package, &[package.program]);
    let mut own = package_arguments(builder, service, package);
    if package.package == "mosquitto" {
        let file = mosquitto::Configuration::of(service, builder.files());
        mosquitto::without_file(&mut own, file.is_some());
        mosquitto::report_ports(builder, service, file.as_ref());
        if let Some(file) = file {
            let mut program = mosquitto::program(builder, service, &file);
            for argument in &own {
                program.line.push(" ").append(&words::word(&argument_text(builder, service, argument, "")));
            }
            return (program, variables);
        }
    }
    let is_subcommand = |word: &str| !word.starts_with('-') && !word.contains(['/', '.', '=']);
    // `-v start` becomes `start -v`, so that the subcommand is not added twice.
    if let Some(first) = package.arguments.first().filter(|first| is_subcommand(first))
        && own.first().is_some_and(|word| word.starts_with('-'))
        && let Some(at) = own.iter().position(|word| word == first || package.subcommands.contains(&word.as_str()))
    {
        own[..=at].rotate_right(1);
    }
    let mut given = package.arguments;
    let mut own = own.as_slice();
    // `server -config=x` instead of `server -dev`.
    if let ([first, rest_given @ ..], [subcommand, rest @ ..]) = (given, own)
        && is_subcommand(first)
        && is_subcommand(subcommand)
    {
        line.push(&format!(" {subcommand}"));
        (given, own) = (rest_given, rest);
    }
    for argument in given {
        line.push(" ").append(&words::word(&fill(argument)));
    }
    let mut before = "";
    for argument in own {
        line.push(" ").append(&words::word(&argument_text(builder, service, argument, before)));
        before = argument;
    }
    for path in package.files() {
        if host_path(service, path) == path {
            leave_file(builder, service, path);
        }
    }
    let mut program = Program { line, ..Program::default() };
    if package.keeps_data() {
        let mut whole = Text::literal(format!("mkdir -p {data}\n"));
        whole.append(&fill(package.first_start)).push("exec ").append(&program.line);
        program = Program { line: whole, is_script: true, packages: ["coreutils".to_owned()].into(), ..program };
    }
    (program, variables)
}

/// The variables that pass ports and folders to a package.
pub fn package_variables(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    package: &PackageImage,
) -> Vec<(String, Text)> {
    let data = format!("./data/{}", service.process);
    let others = builder.stack.services.iter().filter(|other| other.name != service.name);
    let is_repeated =
        others.into_iter().any(|other| matches!(&other.role, Role::Package(other) if other.package == package.package));
    // A value that distinguishes several instances is not needed for a single one.
    let is_needed = |value: &str| is_repeated || !value.contains("{name}");
    let read = files_of_image(builder, service, package);
    let is_read = |name: &str| read.iter().any(|(other, _)| other == name);
    let variables = package.variables.iter().filter(|(name, value)| is_needed(value) && !is_read(name));
    let variables = variables.map(|(name, value)| ((*name).to_owned(), placeholders(builder, service, value, &data)));
    variables.collect::<Vec<_>>().into_iter().chain(read).collect()
}

/// The variables that tell the program to read files in the repository instead of files in its image.
fn files_of_image(builder: &Builder<'_, '_>, service: &Service<'_>, package: &PackageImage) -> Vec<(String, Text)> {
    let files = found_files(builder, service, package).into_iter().map(|file| {
        if builder.files().is_folder(&file.full) && package.package == "rabbitmq-server" {
            builder.rabbitmq_folder(service, &file.full);
        }
        let text = match builder.rewritten_file(service, &file.full) {
            Some(variable) => Text::code(variable),
            None => Text::literal(file.here),
        };
        (file.variable.to_owned(), text)
    });
    files.collect()
}

/// A file or folder in the repository that is passed to a program in a variable.
struct FoundFile {
    variable: &'static str,
    /// Its path in the container.
    path: String,
    /// Its path relative to the folder in which the process runs.
    here: String,
    /// Its path relative to the root.
    full: String,
}

/// The files and folders in the repository that replace those that a program reads in its image.
fn found_files(builder: &Builder<'_, '_>, service: &Service<'_>, package: &PackageImage) -> Vec<FoundFile> {
    let files = builder.files();
    let mut found = Vec::new();
    for (path, variable) in package.reads {
        // A file may be mounted into a folder that the image has.
        let binds = service.binds();
        let mut inside = binds.iter().map(|bind| &bind.target).filter(|target| target.starts_with(&format!("{path}/")));
        let path = inside.next().map_or(*path, String::as_str);
        let here = host_path(service, path);
        let Some(full) = paths::join(&working_folder(service), &here).filter(|_| here != path) else { continue };
        if files.is_folder(&full) || matches!(files.text(&full), Ok(Some(_))) {
            found.push(FoundFile { variable, path: path.to_owned(), here, full });
        }
    }
    found
}

/// Whether a program receives a mounted file or folder, or a part of it.
pub fn receives(builder: &Builder<'_, '_>, service: &Service<'_>, package: &PackageImage, target: &str) -> bool {
    let target = target.trim_end_matches('/');
    let is_below = |path: &str, folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_part_of = |file: &FoundFile| is_below(&file.path, target) || is_below(target, &file.path);
    package.is_told(target) || found_files(builder, service, package).iter().any(is_part_of)
}

/// The arguments from a Compose file for a package, except those that the package always gets.
fn package_arguments(builder: &Builder<'_, '_>, service: &Service<'_>, package: &PackageImage) -> Vec<String> {
    if !package.takes_command {
        return Vec::new();
    }
    let own = |key: &str| match service.get(key) {
        Some(node) => words_of(builder, node).unwrap_or_default(),
        None => service.of_image(key).map(|(words, _)| words.clone()).unwrap_or_default(),
    };
    let words: Vec<String> = own("entrypoint").into_iter().chain(own("command")).collect();
    let mut words = words::without_wrappers(&words::plain_words(words)).to_vec();
    let has_entrypoint = service.get("entrypoint").is_some();
    if words.first().is_some_and(|first| has_entrypoint || first.rsplit('/').next() == Some(package.program)) {
        words.remove(0);
    }
    for word in usual_words(service) {
        let path = word.rsplit('=').next().unwrap_or(&word);
        if path.starts_with('/') && host_path(service, path) == path {
            leave_file(builder, service, path);
        }
        words.push(word);
    }
    let name = |word: &str| word.split('=').next().unwrap_or(word).trim_start_matches('-').to_owned();
    let given: BTreeSet<String> =
        package.arguments.iter().filter(|word| word.starts_with('-')).map(|word| name(word)).collect();
    words.retain(|word| {
        let lower = word.to_ascii_lowercase();
        let asks = containers::DOCKER_FLAGS.iter().find(|(flag, _)| lower.starts_with(flag));
        if let (Some((_, todo)), Some(node)) = (asks, service.get("command").or(service.get("entrypoint"))) {
            builder.leave(service, &node.place, "command", format!("`{word}` needs Docker"), *todo);
        }
        asks.is_none()
    });
    let mut kept = Vec::new();
    let mut rest = words.into_iter().peekable();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') || !given.contains(&name(&word)) {
            kept.push(word);
        } else if !word.contains('=') && rest.peek().is_some_and(|next| !next.starts_with('-')) {
            rest.next();
        }
    }
    kept
}

/// Reports a file or folder that only the image has.
fn leave_file(builder: &Builder<'_, '_>, service: &Service<'_>, path: &str) {
    let why = format!("the image reads its own {path}, which nixpkgs does not have");
    builder.leave(
        service,
        &service.key.place,
        "image",
        why,
        "write the file into the repository, and pass its path in `command`",
    );
}

fn placeholders(builder: &Builder<'_, '_>, service: &Service<'_>, text: &str, data: &str) -> Text {
    let mut out = Text::default();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            out.push(brace);
            rest = behind;
            continue;
        }
        let (name, behind) = rest.split_once('}').unwrap_or((rest, ""));
        match name.parse::<u16>() {
            Ok(number) => out.append(&builder.port_text(service.usual_port(number))),
            Err(_) if name == "data" => out.push(data),
            Err(_) if name == "name" => out.push(&service.process),
            Err(_) if name.starts_with('/') => out.push(&host_path(service, name)),
            Err(_) => out.push_code(&format!("pkgs.{name}")),
        };
        rest = behind;
    }
    out.push(rest);
    out
}
