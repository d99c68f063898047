//! `flakeward ports init`: writes the registry and changes no other file.

use std::process::ExitCode;

use super::{Failure, changes, known};
use crate::check::{ProjectView, port_literals};
use crate::cli::PortsInitArgs;
use crate::command::{print, session::Session};
use crate::facts::port_registry::RegistryFacts;
use crate::finding::Safety;
use crate::fix::diff;
use crate::output;
use crate::output::ports::Written;

/// Plans entries for all ports without one, and writes them or prints a diff.
pub fn run(args: &PortsInitArgs) -> Result<ExitCode, Failure> {
    let session = Session::open(&args.scope, None)?;
    let facts = known(&session, false);
    let settings = &session.settings;
    let config = &settings.config;
    let view = ProjectView::new(&facts.project, &config.ports, &config.params, settings.now, Safety::Safe);
    let Some(plan) = port_literals::missing_entries(&view) else {
        let has_registry = facts.project.all::<RegistryFacts>().any(|facts| facts.defined.is_some());
        print(output::ports::nothing_to_add(has_registry))?;
        return super::code(&facts);
    };
    let changes = changes::of(&facts, &plan.edits)?;
    if args.diff {
        print(&diff::unified(&changes))?;
        return super::code(&facts);
    }
    changes::write(&session.root, &changes)?;
    let written = Written { plan: &plan, is_new: changes.iter().all(|change| change.before.is_none()) };
    print(&written.text(&session.view))?;
    super::code(&facts)
}
