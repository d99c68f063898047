//! `docker-compose`: services that run in containers instead of as process-compose-flake processes.

use super::{Check, ProjectView, Verdict};
use crate::facts::ci::images::{self as packages, FlakePackages};
pub use crate::facts::compose::named_compose;
use crate::facts::compose::{self, ComposeFacts, Service};
use crate::finding::Finding;
use crate::knowledge::images;

/// The rule of this check.
pub const RULE: &str = "docker-compose";

/// See `rules/docker-compose.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&compose::READER, &packages::READER], project);

/// The maximum number of services that a message names.
const NAMED: usize = 4;

fn project(view: &ProjectView<'_>) -> Verdict {
    let packages = FlakePackages::new(view.project, view.flakes());
    let names = |path| packages.around(path).map_or(&[][..], |packages| &packages.others);
    let files = view.project.each::<ComposeFacts>();
    let found = files.map(|(file, compose)| {
        Finding::new(RULE, &file.source.path, compose.span, message(compose))
            .label(label(&compose.services))
            .help(help(&compose.services, names(&file.source.path), &file.source.path))
    });
    found.collect()
}

fn message(compose: &ComposeFacts) -> String {
    let services = compose.services.as_slice();
    // No service has an image or a build, so another file that is passed to Docker Compose as well must define them.
    if !services.is_empty() && !services.iter().any(Service::runs) {
        let names = listed(&services.iter().collect::<Vec<_>>());
        return format!("this Docker Compose file configures {names} of a stack that runs outside Nix");
    }
    let (run, configured): (Vec<&Service>, Vec<&Service>) = services.iter().partition(|service| service.runs());
    let verb = if run.len() == 1 { "runs" } else { "run" };
    match (run.as_slice(), configured.as_slice()) {
        ([], _) => "this Docker Compose file is part of a stack that runs outside Nix".to_owned(),
        (run, []) => format!("{} {verb} from this Docker Compose file, outside Nix", listed(run)),
        (run, configured) => format!(
            "{} {verb} from this Docker Compose file, outside Nix, and it configures {}",
            listed(run),
            listed(configured)
        ),
    }
}

/// The names of services, the first few if there are many.
fn listed(services: &[&Service]) -> String {
    let names: Vec<String> = services.iter().take(NAMED).map(|service| quoted(&service.name)).collect();
    match services.len().saturating_sub(NAMED) {
        0 => list(&names),
        more => format!("{} and {more} more", names.join(", ")),
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

fn help(services: &[Service], packages: &[&str], path: &str) -> String {
    let known = services.iter().any(|service| replacement(service).starts_with("services."));
    let (packaged, built): (Vec<&Service>, Vec<&Service>) =
        services.iter().filter(|service| service.built).partition(|service| packages.contains(&&*service.name));
    let names = |services: &[&Service]| {
        list(&services.iter().take(NAMED).map(|service| quoted(&service.name)).collect::<Vec<_>>())
    };
    let mut help = String::new();
    if !built.is_empty() {
        help.push_str(&format!("package {} in the flake, then ", names(&built)));
    }
    help.push_str("declare them under process-compose-flake's `process-compose.<name>`");
    if known {
        help.push_str(
            ", and import `inputs.services-flake.processComposeModules.default` for the services that it supports",
        );
    }
    if !packaged.is_empty() {
        let are = if packaged.len() == 1 { "is already a package" } else { "are already packages" };
        help.push_str(&format!("; {} {are} in the flake", names(&packaged)));
    }
    help.push_str("; `nix run .#<name>` then starts them");
    help.push_str(&format!("; `flakeward migrate compose {path}` writes as much of such a module as it can"));
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_packages_in_the_flake() {
        let service = |name: &str| Service { name: name.into(), image: None, built: true, extends: false };
        let help = help(&[service("api"), service("web")], &["api", "hello"], "compose.yaml");
        assert!(help.starts_with("package `web` in the flake, then declare them under "), "{help}");
        assert!(help.contains("; `api` is already a package in the flake; "), "{help}");
    }

    #[test]
    fn a_service_without_an_image_is_only_configured() {
        let file = |services: &str| {
            let text = format!("services:\n{services}");
            let report = crate::check::testing::report_at(
                &[("docker-compose.host.yml", &*text)],
                jiff::civil::date(2026, 8, 19),
            );
            report.findings.iter().find(|finding| finding.rule == RULE).map(|finding| finding.message.clone()).unwrap()
        };
        let configured = "  api: { network_mode: host }\n  web: { network_mode: host }\n";
        assert_eq!(
            file(&format!("{configured}  wait: {{ image: busybox }}\n")),
            "`wait` runs from this Docker Compose file, outside Nix, and it configures `api` and `web`"
        );
        assert_eq!(
            file(configured),
            "this Docker Compose file configures `api` and `web` of a stack that runs outside Nix"
        );
        assert_eq!(
            file("  api: { extends: { file: base.yml, service: api } }\n  web: { build: . }\n"),
            "`api` and `web` run from this Docker Compose file, outside Nix"
        );
    }

    #[test]
    fn replacements_use_services_that_services_flake_supports() {
        let service = |name: &str, image: Option<&str>, built| Service {
            name: name.into(),
            image: image.map(str::to_owned),
            built,
            extends: false,
        };
        assert_eq!(replacement(&service("db", Some("postgres:16"), false)), "services.postgres.db.enable");
        assert_eq!(replacement(&service("db", Some("postgres:16"), true)), "settings.processes.db");
        assert_eq!(replacement(&service("1.web", None, true)), "settings.processes.\"1.web\"");
    }
}
