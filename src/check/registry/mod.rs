//! `registry`: reads the registry, finds what refers to it, and says where the two do not agree.

mod conflict;
mod drift;
mod unknown;
mod unused;

use super::{Check, FileContext, ProjectContext};
use crate::registry::{self, Registries, RegistryFacts, Value, comment, uses};
use crate::source::{Kind, Source};

/// See `rules/port-conflict.md`, `rules/invalid-port.md`, `rules/unknown-port.md`, `rules/port-drift.md` and
/// `rules/unused-port.md`. Its facts are what the port check knows the registry by.
pub static CHECK: Check = Check { name: "registry", trigger, file, project };

/// What refers to a registry imports it, or names its path, which ends in ".nix" or has "port" in it (as "import" has
/// too); a registry holds numbers. What is not Nix names the path in a comment.
fn trigger(source: &Source) -> bool {
    let holds = |word: &str| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some();
    match source.kind {
        Kind::Nix => holds("port") || holds(".nix") || source.text.bytes().any(|byte| byte.is_ascii_digit()),
        Kind::Lock => false,
        _ => holds(".nix"),
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
