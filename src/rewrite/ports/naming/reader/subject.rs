//! What a file, or a part of an attribute path, is about.

use super::super::scaffolding::Scaffolding;
use super::super::words::{all_generic, is_generic, is_holder, service, share, split, subject, with};
use super::is_front;
use crate::knowledge::name_words::{HOLDERS, MACHINE_FOLDERS, PURPOSES, ROLES, TOP_LEVEL, VAGUE};
use crate::knowledge::service_ports;

/// The subject of a file. The configuration of a part of a machine, in the folder of a service, is about that service.
pub(super) fn own_subject(path: &str, context: &Scaffolding<'_>) -> Option<Vec<String>> {
    let own = whole_subject(path, context).or_else(|| subject(path));
    if let Some(own) = own {
        // `netbird/dashboard.nix`, but not `hosts/web1/dashboard.nix`
        let is_purpose = own.iter().all(|word| PURPOSES.contains(&word.as_str()) || ROLES.contains(&word.as_str()));
        let outer = if is_purpose { service_of_folder(path, context) } else { None };
        let outer = outer.filter(|outer| !share(outer, &own) && !context.is_machine(&outer.join("-")));
        return Some(outer.map_or(own.clone(), |outer| if is_front(&outer) { outer } else { with(&outer, &own) }));
    }
    if let Some(words) = service_of_outer_folder(path, context) {
        return Some(words);
    }
    // `hosts/web1/wiki/default.nix`
    let folder = if path.ends_with("/default.nix") { service_of_folder(path, context)? } else { return None };
    (!context.is_machine(&folder.join("-"))).then_some(folder)
}

/// The name of a file, or of the folder of a `default.nix`, if its first word is generic and the file configures a
/// service with that name: `open-webui`.
pub(super) fn whole_subject(path: &str, context: &Scaffolding<'_>) -> Option<Vec<String>> {
    let file = path.strip_suffix(".nix")?;
    let file = file.strip_suffix("/default").unwrap_or(file);
    let name = file.rsplit('/').next().filter(|name| name.contains('-'))?;
    let words = service(name);
    let is_whole = words.len() > 1 && is_generic(&words[0]) && !all_generic(&words);
    (is_whole && context.texts.configures(path, name)).then_some(words)
}

/// The name of the innermost folder that is not generic, if it is the name of a known service: `wiki` for
/// `wiki/defaults/server.nix`.
fn service_of_outer_folder(path: &str, context: &Scaffolding<'_>) -> Option<Vec<String>> {
    let mut folders = path.rsplit('/').skip(1);
    let is_vague = |folder: &&str| all_generic(&split(folder)) || VAGUE.contains(*folder);
    let first = folders.next().filter(is_vague)?;
    let folder = folders.find(|folder| !is_vague(folder)).filter(|_| !MACHINE_FOLDERS.contains(&first))?;
    let words = service(folder);
    let is_module = folders.next().is_some_and(|outer| outer == "modules" || HOLDERS.contains(&outer));
    let is_known = is_module || context.is_service(&words) || service_ports::is_service(&words.concat());
    let is_name = !is_front(&words) && !is_holder(&words) && !context.is_machine(folder);
    (is_known && is_name && MACHINE_FOLDERS.iter().all(|outer| *outer != folder)).then_some(words)
}

/// The name of the folder of a file, if it is the name of a known service.
pub(super) fn service_of_folder(path: &str, context: &Scaffolding<'_>) -> Option<Vec<String>> {
    let folder = folder(path)?;
    let is_known = context.is_service(&folder) || service_ports::is_service(&folder.concat());
    is_known.then_some(folder)
}

/// The words of the name of the folder of a file, unless they are generic or the name of a proxy.
pub(super) fn folder(path: &str) -> Option<Vec<String>> {
    let words = path.rsplit('/').nth(1).filter(|folder| !is_front(&split(folder))).map(service)?;
    (!all_generic(&words)).then_some(words)
}

/// The number of leading names to ignore: those up to a machine with its own aspect and its class, 4 in
/// `den.aspects.web1.nixos.wiki.port`, or up to the name of a flake module. 0 for other paths.
pub(super) fn outside_of_machine(parts: &[&str], context: &Scaffolding<'_>) -> usize {
    const CLASSES: [&str; 4] = ["darwin", "homeManager", "nixos", "user"];
    // `flake.modules.nixos.web.config.services.wiki.port`: the name of a module is less specific than the option in it.
    if let ["flake", "modules", _, _, rest @ ..] = parts {
        let at = rest.iter().position(|part| HOLDERS.contains(part) || TOP_LEVEL.contains(part));
        return if at == Some(0) && rest.len() > 2 { 4 } else { 0 };
    }
    // `machines.web1.configuration.config.services.wiki.port`
    let of_machine = parts.windows(3).position(|names| names[0] == "configuration" && names[1] == "config");
    if let Some(at) = of_machine.filter(|at| *at > 1) {
        return at + 2;
    }
    let Some(at) = parts.iter().position(|part| *part == "aspects") else { return 0 };
    let is_of_machine = parts.get(at + 1).is_some_and(|name| context.is_machine(name));
    let is_class = parts.get(at + 2).is_some_and(|class| CLASSES.contains(class));
    let outer = at + 2 + usize::from(is_class);
    if is_of_machine && outer < parts.len() { outer } else { 0 }
}

/// The number of names that precede the kind or the release in the path of a Kubernetes object in Nix: 2 for
/// `kubernetes.resources.deployments.web`. 0 for other paths.
pub(super) fn outside_of_object(parts: &[&str]) -> usize {
    match parts {
        ["kubernetes", "helm", "releases", _, _, ..] => 3,
        ["kubernetes", "resources" | "objects" | "api", _, _, ..] => 2,
        _ => 0,
    }
}
