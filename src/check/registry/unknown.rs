//! `unknown-port`: references to entries that the registry does not have.

use std::collections::HashSet;

use crate::check::ProjectContext;
use crate::finding::{Finding, RelPath, Span};
use crate::registry::{Lookup, Registries, Registry, RegistryComment, dotted, is_identifier, references};

const RULE: &str = "unknown-port";

/// Reports names in Nix and in comments that lead nowhere.
pub fn report(context: &mut ProjectContext<'_>, registries: &Registries<'_>) {
    let mut findings = Vec::new();
    let mut seen: HashSet<(RelPath, Span)> = HashSet::new();
    for (file, found, registry) in references::uses(context.project, registries).filter(|(_, found, _)| found.certain) {
        let Some(Lookup::Missing(at)) = references::lookup(registry, found) else { continue };
        let (Some(&span), path) = (found.names.get(at), &file.source.path) else { continue };
        if seen.insert((path.clone(), span)) {
            findings.push(missing(path, span, registry, &found.path, at));
        }
    }
    for (file, comment, registry) in references::comments(context.project, registries) {
        findings.extend(in_comment(&file.source.path, comment, registry));
    }
    findings.into_iter().for_each(|finding| context.report(finding));
}

/// A path in Nix whose name at `at` does not exist.
fn missing(path: &RelPath, span: Span, registry: &Registry, names: &[String], at: usize) -> Finding {
    let wanted = dotted(names);
    let inside = dotted(&names[..at]);
    let is_entry = registry.entries.iter().any(|entry| entry.path == names[..at]) && at > 0;
    let message = match (is_entry, at) {
        (true, _) => format!("{inside} in {} is a number: it has no `{}`", registry.path, names[at]),
        (false, 0) => format!("{} has no entry {wanted}", registry.path),
        (false, _) => format!("{} has no entry {wanted}: `{}` is not in {inside}", registry.path, names[at]),
    };
    suggest(Finding::new(RULE, path, span, message), registry, &wanted)
}

fn in_comment(path: &RelPath, comment: &RegistryComment, registry: Option<&Registry>) -> Option<Finding> {
    let Some(registry) = registry else {
        let message = format!("{} is no port registry of this repository", comment.registry);
        return Some(Finding::new(RULE, path, comment.registry_span, message).label("no registry there").help(
            "write the registry's path from the repository's root, or name the file in `[ports] registry` of flakeward.toml",
        ));
    };
    let wanted = &comment.entry;
    let message = match registry.named(wanted) {
        Lookup::Entry(_) | Lookup::NotDecidable => return None,
        Lookup::Group => format!("{wanted} is a group of {}, not an entry", registry.path),
        Lookup::Missing(_) => format!("{} has no entry {wanted}", registry.path),
    };
    Some(suggest(Finding::new(RULE, path, comment.entry_span, message), registry, wanted))
}

fn suggest(finding: Finding, registry: &Registry, wanted: &str) -> Finding {
    let last = wanted.rsplit('.').next().unwrap_or(wanted);
    match registry.nearest(wanted) {
        Some(near) => {
            let span = references::place(registry, &near).unwrap_or_default();
            finding
                .label(format!("did you mean {near}?"))
                .help(format!("write {near}, or add {wanted} to {}", registry.path))
                .also(&registry.path, span, format!("{near} is registered here"))
        }
        None if is_identifier(last) => {
            let help = format!("add {wanted} to {}; `flakeward ports next` finds it a free number", registry.path);
            finding.label("no such entry").help(help)
        }
        None => finding.label("no such entry"),
    }
}
