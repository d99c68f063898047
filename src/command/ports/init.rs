//! `flakeward ports init`: writes the registry and changes no other file.

use std::process::ExitCode;

use super::{Failure, changes, known};
use crate::check::port_literals::{Definition, Unsuitable};
use crate::check::{ProjectView, port_literals};
use crate::cli::PortsInitArgs;
use crate::command::{git, print, print_patch, session::Session};
use crate::facts::port_registry::{Registries, RegistryFacts};
use crate::finding::Safety;
use crate::fix::diff;
use crate::output::ports::Written;
use crate::output::text::count;
use crate::output::{self, stream};
use crate::paths;
use crate::run::PortFacts;

/// Plans entries for all ports without one, and writes them or prints a diff.
pub fn run(args: &PortsInitArgs) -> Result<ExitCode, Failure> {
    let mut session = Session::without_rules(&args.repo)?;
    session.view.stream = stream::stdout(args.color);
    let facts = known(&session, false);
    let settings = &session.settings;
    let config = &settings.config;
    let view = ProjectView::new(&facts.project, &config.ports, &config.params, settings.now, Safety::Safe);
    if let Some(unsuitable) = port_literals::unsuitable_registry(&view) {
        return Err(not_a_registry(&unsuitable, &session));
    }
    let Some(plan) = port_literals::missing_entries(&view) else {
        let has_registry = facts.project.all::<RegistryFacts>().any(|facts| facts.defined.is_some());
        if let Some(flake) = port_literals::separate_flake(&view).filter(|_| !has_registry) {
            return Err(separate_flakes(config.ports.new_registry(), flake));
        }
        if let Some((registry, why)) = port_literals::unextended(&view) {
            return Err(not_extended(&registry, &why, &session));
        }
        let code = super::code(&facts)?;
        if let Some(missing) = facts.missing.first() {
            return Err(super::absent(missing, &facts, &session));
        }
        let registries = Registries::of(&facts.project);
        let is_incomplete = registries.all().iter().any(|registry| registry.incomplete().is_some());
        if is_incomplete && port_literals::has_unnamed(&view) {
            super::all_known(&registries, &session, "ports without an entry are not known, so nothing was written")?;
        }
        print(output::ports::nothing_to_add(has_registry))?;
        return Ok(code);
    };
    if let Some(defined) = port_literals::defined_elsewhere(&view) {
        return Err(already_defined(&defined, &session));
    }
    if let Some(why) = session.left_out(&plan.registry) {
        return Err(why.failure(&plan.registry, &session));
    }
    let changes = changes::of(&facts, &plan.edits)?;
    if args.diff {
        print_patch(&diff::unified(&changes), &session.view.stream)?;
        return super::code(&facts);
    }
    changes::write(&session.root, &changes)?;
    let is_new = changes.iter().all(|change| change.before.is_none());
    let has_flake = facts.project.paths.keys().any(|path| paths::name(path) == "flake.nix");
    let is_unseen = !git::unseen_by_flake(&session.root, has_flake, [&plan.registry]).is_empty();
    let written = Written { plan: &plan, is_new, is_unseen };
    print(&written.text(&session.view))?;
    let registry = session.view.path(&plan.registry);
    super::code_with(&facts, |unread| {
        let files = count(unread, "file");
        format!(
            "{registry} was written without the ports in {files} that could not be read; `flakeward ports init` adds \
             them later"
        )
    })
}

/// Whether `ports init` would write something, or explain what prevents it from naming the ports.
pub(super) fn is_useful(session: &Session, facts: &PortFacts) -> bool {
    let config = &session.settings.config;
    let view = ProjectView::new(&facts.project, &config.ports, &config.params, session.settings.now, Safety::Safe);
    port_literals::missing_entries(&view).is_some() || port_literals::separate_flake(&view).is_some()
}

/// The failure if all ports are in flakes that may be evaluated without the rest of the repository.
fn separate_flakes(registry: &str, flake: &str) -> Failure {
    Failure::new(format!("no file can import {registry}: {flake} is a separate flake")).help(format!(
        "write `registry = \"{flake}/lib/ports.nix\"` under `[ports]` in flakeward.toml, and run this again; nothing \
         was written"
    ))
}

/// The failure if ports have no entry, and none can be added.
fn not_extended(registry: &str, why: &str, session: &Session) -> Failure {
    Failure::new(format!("no port can be added to {}: it {why}", session.view.path(registry))).help(
        "write the registry as one plain set of names and numbers, or add the entries by hand; nothing was written",
    )
}

/// The failure if the repository already has its ports in one set, which is not configured as the registry.
fn already_defined(defined: &Definition, session: &Session) -> Failure {
    let Definition { path, line, count } = defined;
    let (shown, setting) = (session.view.path(path), defined.setting());
    Failure::new(format!("{shown}:{line} already defines `ports`, a set of {count} port numbers")).help(format!(
        "if it is the registry, write `{setting}` under `[ports]` in flakeward.toml; nothing was written"
    ))
}

/// The failure if the file is not a registry: its entries would be module options, or names that no other file can
/// import.
fn not_a_registry(Unsuitable { path, why }: &Unsuitable, session: &Session) -> Failure {
    let shown = session.view.path(path);
    Failure::new(format!("{shown} is configured as the port registry, but {why}")).help(
        "set `registry` under `[ports]` in flakeward.toml to a file that contains only ports, for example \
         `registry = \"lib/ports.nix\"`, which may not exist yet; nothing was written",
    )
}
