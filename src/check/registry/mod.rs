//! `registry`: reads the registry, finds what refers to it, and says where the two do not agree.

mod conflict;
mod drift;
mod unknown;
mod unused;

use super::{Check, FileContext, Glance, ProjectContext};
use crate::registry::{self, Registries, RegistryFacts, Value, comment, uses};
use crate::source::Kind;

/// See `rules/port-conflict.md`, `rules/invalid-port.md`, `rules/unknown-port.md`, `rules/port-drift.md` and
/// `rules/unused-port.md`. Its facts are what the port check knows the registry by.
pub static CHECK: Check = Check { name: "registry", trigger, file, project };

/// A registry is known by its path, and what refers to it names it; what is not Nix does so in a comment or a command.
fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Nix => registry::is_candidate(&source.path, source.ports) || source.registries.may_be_in(&source.text),
        Kind::Lock => false,
        _ => memchr::memmem::find(source.text.as_bytes(), b".nix").is_some(),
    }
}

fn file(context: &mut FileContext<'_>) {
    let source = context.source;
    let facts = match (source.kind, context.tree) {
        (Kind::Nix, Some(tree)) => RegistryFacts {
            defined: registry::evaluate(&source.path, tree, context.ports),
            uses: uses::in_nix(&source.path, tree, context.ports),
            comments: Vec::new(),
            folders: uses::folders(&source.path, tree),
        },
        (Kind::Nix, None) => return,
        (_, tree) => RegistryFacts {
            defined: None,
            uses: uses::in_commands(source, context.ports),
            comments: comment::comments(source, tree),
            folders: Vec::new(),
        },
    };
    let undecidable = facts.defined.iter().flat_map(|registry| &registry.entries).filter_map(|entry| {
        let Value::NotDecidable(why) = &entry.value else { return None };
        let name = if entry.path.is_empty() { "the registry".to_owned() } else { format!("`{}`", entry.name()) };
        Some(format!("{name} is not known without running Nix: {why}"))
    });
    let notes: Vec<String> = undecidable.collect();
    notes.into_iter().for_each(|note| context.not_decidable(note));
    context.facts.registry = facts;
}

fn project(context: &mut ProjectContext<'_>) {
    let registries = Registries::of(context.project);
    conflict::report(context, &registries);
    unknown::report(context, &registries);
    drift::report(context, &registries);
    unused::report(context, &registries);
}
