//! Determines what a service becomes.

use std::collections::BTreeMap;

use super::{Role, Service};
use crate::knowledge::containers;
use crate::knowledge::images::base;
use crate::migrate::Files;
use crate::migrate::builds::dockerfile_names;
use crate::migrate::compose::image_file::{self, ImageFile};
use crate::migrate::compose::yaml::Node;
use crate::migrate::compose::{starts, words};
use crate::paths;

/// The role of a service, according to its image or its build.
pub(super) fn role(service: &Service<'_>, files: &dyn Files) -> Role {
    if service.build.is_some() {
        return match (service.context(), &service.image_file) {
            (None, _) => Role::Left("its build context is not a folder in this repository".to_owned()),
            (_, None) if service.get("command").is_none() && service.get("entrypoint").is_none() => {
                Role::Left("its Dockerfile does not exist, or does not have the stage that `target` names".to_owned())
            }
            (_, Some(file)) => built_role(service, file, files),
            (_, None) => Role::Program,
        };
    }
    let Some(image) = service.text("image") else {
        return Role::Left("it has neither an image nor a build".to_owned());
    };
    if let Some(known) = containers::service_of(image) {
        if let Some(command) = starts::idle(service) {
            return Role::Left(format!("it runs `{command}` instead of the server in `{image}`"));
        }
        let is_other = starts::is_client(service) || starts::is_other_than_server(service, known.option, files);
        // A mounted script may start the server.
        return if is_other && !starts::starts_own_server(service, known.option, files) {
            Role::Program
        } else {
            Role::Known(known)
        };
    }
    if let Some(package) = containers::package_of(image) {
        let is_other = starts::is_script(service) || starts::is_other_program(service, package.program);
        return if is_other { Role::Program } else { Role::Package(package) };
    }
    if let Some((why, _)) = containers::unavailable(image) {
        return Role::Left(format!("{why} ({image})"));
    }
    let runs_something = service.get("command").is_some() || service.get("entrypoint").is_some();
    let last = containers::repository(image).rsplit('/').next().unwrap_or(image);
    let is_program = containers::PROGRAMS.iter().any(|(word, _, _)| *word == last);
    match containers::is_one_of(image, containers::RUNTIMES) {
        true if runs_something || is_program => Role::Program,
        true => Role::Left(format!("the image `{image}` runs nothing by itself")),
        false => Role::Left(format!("neither services-flake nor nixpkgs is known to provide the program in `{image}`")),
    }
}

/// The role of a built image: the service or the package of its base image, if it still starts the program of that image.
fn built_role(service: &Service<'_>, file: &ImageFile, files: &dyn Files) -> Role {
    if let Some(known) = containers::service_of(&file.base)
        && starts::starts_own_server(service, known.option, files)
    {
        let unknown = file.built.iter().find(|built| known.option != "nginx" || built.folder(file).is_none());
        return match unknown {
            Some(built) => Role::Left(format!("other stages of its Dockerfile build the files in {}", built.target)),
            None => Role::Known(known),
        };
    }
    let is_own =
        ["entrypoint", "command"].iter().any(|key| service.get(key).is_some() || service.of_image(key).is_some());
    match (containers::package_of(&file.base), containers::unavailable(&file.base)) {
        _ if !file.built.is_empty() => Role::Program,
        (Some(package), _) if starts::starts_own_program(service, package) => Role::Package(package),
        _ if is_own => Role::Program,
        (_, Some((why, _))) => Role::Left(format!("{why} ({})", file.base)),
        (_, None) => Role::Program,
    }
}

/// The stage of a Dockerfile that a build uses.
pub(super) fn dockerfile(service: &Service<'_>, build: &Node, files: &dyn Files) -> Option<ImageFile> {
    let target = build.get("target").and_then(Node::text);
    let arguments: BTreeMap<String, String> = build
        .get("args")
        .map_or(&[][..], Node::pairs)
        .iter()
        .filter_map(|(key, value)| Some((key.name.clone(), value.text()?.to_owned())))
        .collect();
    if let Some(inline) = build.get("dockerfile_inline").and_then(Node::text) {
        return image_file::read(&build.place.path, inline, target, &arguments);
    }
    let context = service.context()?;
    let names = dockerfile_names(build.get("dockerfile").and_then(Node::text));
    let read = |name: &&str| {
        let path = paths::join(context, name)?;
        Some((files.text(&path).ok()??, path))
    };
    let (text, path) = names.iter().find_map(read)?;
    let mut file = image_file::read(&path.as_str().into(), &text, target, &arguments)?;
    if let Some(image) = installed_server(service, &file, files) {
        image.clone_into(&mut file.base);
    }
    Some(file)
}

/// The image of the server that a Dockerfile installs into a plain distribution and starts, if it works like the server
/// in that image: nginx needs its own main configuration, because the distribution's differs, and MySQL must not have
/// variables that only the image's start script reads.
fn installed_server(service: &Service<'_>, file: &ImageFile, files: &dyn Files) -> Option<&'static str> {
    let words = file.entrypoint.iter().chain(&file.command).flat_map(|(words, _)| words).cloned().collect();
    let words = words::plain_words(words);
    let first = paths::name(words::without_wrappers(&words).first()?);
    let installs = |package: &str| {
        file.runs.iter().any(|(run, _)| {
            let mut words = run.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '='));
            words.any(|word| matches!(word, "install" | "add")) && words.any(|word| word == package)
        })
    };
    let is_plain = base::is_distribution(&file.base);
    let mut servers = containers::INSTALLED_SERVERS.iter().filter(|(program, ..)| is_plain && *program == first);
    let image = servers.find(|(_, package, _)| installs(package)).map(|(.., image)| *image)?;
    let is_same = match image {
        "nginx" => has_file(service, file, files, "/etc/nginx", "nginx.conf"),
        "mysql" | "mariadb" => {
            let own = service.get("environment").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.as_str());
            let of_image = file.variables.iter().map(|(name, ..)| name.as_str());
            let mut names = own.chain(of_image);
            service.get("env_file").is_none()
                && !names.any(|name| ["MYSQL_", "MARIADB_"].iter().any(|start| name.starts_with(start)))
        }
        _ => true,
    };
    is_same.then_some(image)
}

/// Whether a file in a folder of an image is mounted or copied, by itself or with its folder.
fn has_file(service: &Service<'_>, file: &ImageFile, files: &dyn Files, folder: &str, name: &str) -> bool {
    let is_in = |source: &str| {
        let path = paths::join(source, name);
        path.is_some_and(|path| matches!(files.text(&path), Ok(Some(_))))
    };
    let context = service.context().unwrap_or_default();
    let copied = file.copies.iter().filter_map(|(from, to)| {
        Some((paths::join(context, from.trim_start_matches('/'))?, to.trim_end_matches("/.").trim_end_matches('/')))
    });
    let binds = service.binds();
    let mounted = binds.iter().map(|bind| (bind.source.clone(), bind.target.as_str()));
    mounted.chain(copied).any(|(source, target)| match target.strip_prefix(folder) {
        Some("") => paths::name(&source) == name || is_in(&source),
        Some(rest) => rest.strip_prefix('/') == Some(name),
        None => false,
    })
}
