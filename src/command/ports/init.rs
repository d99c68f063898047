//! `flakeward ports init`: writes the registry, and nothing else.

use std::process::ExitCode;

use super::{Failure, known};
use crate::check::{ProjectView, port_literals};
use crate::cli::PortsInitArgs;
use crate::command::{print, session::Session};
use crate::facts::port_registry::RegistryFacts;
use crate::finding::{Edit, Safety};
use crate::fix::{Change, diff, write};
use crate::lang::{Language, Tree};
use crate::output;
use crate::output::ports::Written;
use crate::rewrite::ports::plan::Plan;
use crate::run::PortFacts;

/// Plans the entries of all ports that have none, and writes them or shows the difference.
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
    let change = change(&facts, &plan)?;
    if args.diff {
        print(&diff::unified(std::slice::from_ref(&change)))?;
        return super::code(&facts);
    }
    let guard = write::guard(&session.root, &change.path);
    guard.map_err(|reason| Failure::new(format!("cannot write {}: {reason}", change.path)))?;
    write::write(&session.root, std::slice::from_ref(&change)).map_err(|failure| Failure::new(failure.to_string()))?;
    let written = Written { plan: &plan, is_new: change.before.is_none() };
    print(&written.text(&session.view))?;
    super::code(&facts)
}

/// The registry with the plan's edits. A registry that would not parse is never written.
pub(crate) fn change(facts: &PortFacts, plan: &Plan) -> Result<Change, Failure> {
    let before = facts.project.file(&plan.registry).map(|file| file.source.text.clone());
    let mut after = before.clone().unwrap_or_default();
    let mut edits: Vec<&Edit> = plan.edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    for edit in edits {
        after.replace_range(edit.span.range(), &edit.text);
    }
    let parses = Tree::parse(Language::Nix, &after).is_some_and(|tree| !tree.broken());
    if !parses {
        return Err(Failure::new(format!("the new text of {} would not parse", plan.registry))
            .help("this is a bug in flakeward, please report it; nothing was written"));
    }
    Ok(Change { path: plan.registry.clone(), before, after, needed_elsewhere: false })
}
