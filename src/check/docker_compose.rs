//! `docker-compose`: services that run in containers instead of as processes of process-compose-flake.

use crate::facts::compose;
pub use crate::facts::compose::named_compose;
use crate::facts::compose::{Compose, Service};
use crate::facts::{FileView, Glance};

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::needles::Words;
use crate::knowledge::images;
use crate::lang::yaml::Yaml;
use crate::source::FileKind;

/// The rule of this check.
pub const RULE: &str = "docker-compose";

/// See `rules/docker-compose.md`.
pub static CHECK: Check =
    Check::of_files(RULE, FileCheck { needles: &[&SERVICES], trigger: Trigger::Holds(trigger), check });

static SERVICES: Words = Words::any_of(&["services"]);

/// How many services a message names.
const NAMED: usize = 4;

fn trigger(source: &Glance<'_>) -> bool {
    source.kind == FileKind::Yaml && (source.has(&SERVICES) || named_compose(&source.path))
}

fn check(view: &FileView<'_>) -> Verdict {
    let Some(tree) = view.tree.filter(|_| view.source.kind == FileKind::Yaml) else { return Verdict::default() };
    let yaml = Yaml::new(tree);
    let named = named_compose(&view.source.path);
    let Some(compose) = yaml.documents().find_map(|document| compose::read(&yaml, document, named)) else {
        return Verdict::default();
    };
    let finding = view
        .finding(RULE, tree.span(compose.place), message(&compose))
        .label(label(&compose.services))
        .help(help(&compose.services, &view.source.path));
    [finding].into_iter().collect()
}

fn message(compose: &Compose) -> String {
    let services = compose.services.as_slice();
    // A file that says what to run is given to Docker Compose together with this one.
    if !services.is_empty() && services.iter().all(|service| service.image.is_none() && !service.built) {
        let names: Vec<String> = services.iter().take(NAMED).map(|service| quoted(&service.name)).collect();
        let more = services.len().saturating_sub(NAMED);
        let names = if more == 0 { list(&names) } else { format!("{} and {more} more", names.join(", ")) };
        return format!("this Docker Compose file configures {names} of a stack that runs outside Nix");
    }
    match services {
        [] => "this Docker Compose file is part of a stack that runs outside Nix".to_owned(),
        [one] => format!("{} runs from this Docker Compose file, outside Nix", quoted(&one.name)),
        many => {
            let names: Vec<String> = many.iter().take(NAMED).map(|service| quoted(&service.name)).collect();
            match many.len().saturating_sub(NAMED) {
                0 => format!("{} run from this Docker Compose file, outside Nix", list(&names)),
                more => {
                    format!("{} and {more} more run from this Docker Compose file, outside Nix", names.join(", "))
                }
            }
        }
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What to write instead: options for the services that services-flake supports, processes for the others.
fn label(services: &[Service]) -> String {
    let lines: Vec<String> = services.iter().take(NAMED).map(replacement).collect();
    match lines.as_slice() {
        [] => "move it to process-compose-flake".to_owned(),
        lines if services.len() > NAMED => format!("write {}, ..", lines.join(", ")),
        lines => format!("write {}", lines.join(", ")),
    }
}

fn replacement(service: &Service) -> String {
    let name = attribute(&service.name);
    match service.image.as_deref().filter(|_| !service.built).and_then(images::service) {
        Some(known) => format!("services.{known}.{name}.enable"),
        None => format!("settings.processes.{name}"),
    }
}

/// A name in the syntax of a Nix attribute path.
fn attribute(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c));
    if plain { name.to_owned() } else { format!("{name:?}") }
}

fn help(services: &[Service], path: &str) -> String {
    let known = services.iter().any(|service| replacement(service).starts_with("services."));
    let built: Vec<String> =
        services.iter().filter(|service| service.built).take(NAMED).map(|service| quoted(&service.name)).collect();
    let mut help = "declare them under `process-compose.<name>` of process-compose-flake".to_owned();
    if known {
        help.push_str(
            ", and import `inputs.services-flake.processComposeModules.default` for the services that it supports",
        );
    }
    if !built.is_empty() {
        help.push_str(&format!("; package {} in the flake first", list(&built)));
    }
    help.push_str("; then `nix run .#<name>` starts them");
    help.push_str(&format!("; `flakeward migrate compose {path}` writes such a module where it can"));
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_use_what_services_flake_knows() {
        let service = |name: &str, image: Option<&str>, built| Service {
            name: name.into(),
            image: image.map(str::to_owned),
            built,
        };
        assert_eq!(replacement(&service("db", Some("postgres:16"), false)), "services.postgres.db.enable");
        assert_eq!(replacement(&service("db", Some("postgres:16"), true)), "settings.processes.db");
        assert_eq!(replacement(&service("1.web", None, true)), "settings.processes.\"1.web\"");
    }
}
