//! `registry`: reads the registry, finds what refers to it, and says where the two do not agree.

use super::{
    Check, FileContext, Glance, ProjectContext, port_conflict as conflict, port_drift as drift,
    unknown_port as unknown, unused_port as unused,
};
use crate::facts::needles::Words;
use crate::facts::port_registry as registry;
use crate::facts::port_registry::{Registries, RegistryFacts, Value, comment, uses};
use crate::source::Kind;

/// See `rules/port-conflict.md`, `rules/invalid-port.md`, `rules/unknown-port.md`, `rules/port-drift.md` and
/// `rules/unused-port.md`. Its facts are what the port check knows the registry by.
pub static CHECK: Check = Check { name: "registry", words: &[&NIX_FILE], trigger, file, project };

static NIX_FILE: Words = Words::any_of(&[".nix"]);

/// A registry is known by its path, and what refers to it names it; what is not Nix does so in a comment or a command.
fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Nix => registry::is_candidate(&source.path, source.ports) || source.registries.may_be_in(&source.text),
        Kind::Lock => false,
        _ => source.has(&NIX_FILE),
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
        Some(format!("{name} cannot be evaluated without running Nix: {why}"))
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

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::run::{Repo, Settings, check};

    fn messages(config: &str, files: &[(&str, &str)]) -> Vec<String> {
        let config = Config::parse("flakeward.toml".as_ref(), config.to_owned()).expect("a configuration");
        let report = check(&Repo::from_texts(files.iter().copied()), &Settings::new(config));
        let rules = ["port-conflict", "invalid-port", "unknown-port", "port-drift", "unused-port"];
        let findings = report.findings.into_iter().filter(|finding| rules.contains(&finding.rule));
        findings.map(|finding| format!("{}: {}", finding.path, finding.message)).collect()
    }

    const NUMBERS: &str = "{ a = 3000; b = 3000; }";
    const USE: &str = "let n = import ./conf/numbers.nix; in [ n.a n.b n.c ]";

    #[test]
    fn a_configured_registry_is_read_whatever_it_is_called() {
        let files = [("conf/numbers.nix", NUMBERS), ("web.nix", USE)];
        assert!(messages("", &files).is_empty());
        let found = messages("[ports]\nregistry = \"./conf/numbers.nix\"\n", &files);
        assert_eq!(
            found,
            ["conf/numbers.nix: b has port 3000, which a already uses", "web.nix: conf/numbers.nix has no entry c"]
        );
    }

    #[test]
    fn a_configured_list_replaces_what_is_found_by_name() {
        let files = [("conf/numbers.nix", NUMBERS), ("lib/ports.nix", NUMBERS), ("web.nix", USE)];
        let found = messages("[ports]\nregistry = [\"lib/ports.nix\"]\n", &files);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|message| message.starts_with("lib/ports.nix: ")), "{found:?}");
    }

    #[test]
    fn scripts_that_evaluate_a_registry_use_it() {
        let files = |script| [("lib/ports.nix", "{ a = 3000; b = 3001; }"), ("run.sh", script)];
        assert!(messages("", &files("#!/bin/sh\nnix eval --file lib/ports.nix a\n")).is_empty());
        assert_eq!(messages("", &files("#!/bin/sh\n# nix eval --file lib/ports.nix a\n")).len(), 1);
    }
}
