//! `unknown-port`: references to entries that the registry does not have.

use std::collections::{HashMap, HashSet};

use super::{Check, ProjectView, Verdict};
use crate::facts::port_registry::nearest::{Names, is_slip};
use crate::facts::port_registry::references::{self, Resolved};
use crate::facts::port_registry::{self, Entry, Lookup, Registry, RegistryComment, dotted, is_identifier};
use crate::finding::{Edit, Finding, Fix, RelPath, Safety, Span};
use crate::lang::{Language, Tree};
use crate::rewrite::relocate;

const RULE: &str = "unknown-port";

/// See `rules/unknown-port.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&port_registry::READER], project);

/// Reports names in Nix and in comments that do not refer to an entry.
fn project(view: &ProjectView<'_>) -> Verdict {
    let registries = view.registries();
    let mut findings = Verdict::default();
    let mut near = Near::default();
    let mut seen: HashSet<(RelPath, Span)> = HashSet::new();
    let mut open: Option<(&RelPath, Option<Tree<'_>>)> = None;
    let certain = view.references().iter().filter(|resolved| resolved.is_certain && resolved.found.certain);
    for &Resolved { file, found, registry, target, .. } in certain {
        let Some(Lookup::Missing(at)) = target else { continue };
        let (Some(&span), path) = (found.names.get(at), &file.source.path) else { continue };
        if seen.insert((path.clone(), span)) {
            let (finding, meant) = missing(path, span, registry, &found.path, at, &mut near);
            let fix = meant.filter(|entry| entry.path.len() == found.path.len()).and_then(|entry| {
                if open.as_ref().is_none_or(|(known, _)| *known != path) {
                    open = Some((path, Tree::parse(Language::Nix, &file.source.text).filter(|tree| !tree.broken())));
                }
                let tree = open.as_ref()?.1.as_ref()?;
                let edits = relocate::redirect(&file.source, tree, &found.names, &entry.path)?;
                Some(Fix::new(format!("write `{}`", entry.name()), Safety::Safe, edits))
            });
            findings.report(match fix {
                Some(fix) => finding.fix(fix),
                None => finding,
            });
        }
    }
    for (file, comment, registry) in references::comments(view.project, registries) {
        findings.extend(in_comment(&file.source.path, comment, registry, &mut near));
    }
    findings
}

/// The finding for a path in Nix whose name at the index `at` does not exist, and the entry that the path misspells, if
/// any.
fn missing<'r>(
    path: &RelPath,
    span: Span,
    registry: &'r Registry,
    names: &[String],
    at: usize,
    near: &mut Near<'r>,
) -> (Finding, Option<&'r Entry>) {
    let wanted = dotted(names);
    let inside = dotted(&names[..at]);
    let is_entry = at > 0 && matches!(registry.lookup(&names[..at]), Lookup::Entry(_));
    let message = match (is_entry, at) {
        (true, _) => format!("{inside} in {} is a number and has no attribute `{}`", registry.path, names[at]),
        (false, 0) => format!("{} has no entry {wanted}", registry.path),
        (false, _) => format!("{} has no entry {wanted}: `{}` is not in {inside}", registry.path, names[at]),
    };
    suggest(Finding::new(RULE, path, span, message), registry, &wanted, near)
}

fn in_comment<'r>(
    path: &RelPath,
    comment: &RegistryComment,
    registry: Option<&'r Registry>,
    near: &mut Near<'r>,
) -> Option<Finding> {
    let Some(registry) = registry else {
        let message = format!("{} is not a port registry in this repository", comment.registry);
        return Some(Finding::new(RULE, path, comment.registry_span, message).label("not a port registry").help(
            "write the registry's path relative to the repository's root, or set `registry` under `[ports]` in \
             flakeward.toml to that file",
        ));
    };
    let wanted = &comment.entry;
    let message = match registry.named(wanted) {
        Lookup::Entry(_) | Lookup::NotDecidable => return None,
        Lookup::Group => format!("{wanted} is a group in {}, not an entry", registry.path),
        Lookup::Missing(_) => format!("{} has no entry {wanted}", registry.path),
    };
    let (finding, _) = suggest(Finding::new(RULE, path, comment.entry_span, message), registry, wanted, near);
    // The number in the comment shows which entry is meant.
    let meant = near.find(registry, wanted).filter(|entry| entry.port().map(u32::from) == comment.number);
    Some(match meant {
        Some(entry) => {
            let text = dotted(registry.bare(entry));
            let title = format!("write `{text}`");
            let edit = Edit { path: path.clone(), span: comment.entry_span, text };
            finding.fix(Fix::new(title, Safety::Safe, vec![edit]))
        }
        None => finding,
    })
}

/// Finds similar entries, at most [`ASKED`] times.
#[derive(Default)]
struct Near<'r> {
    names: HashMap<&'r RelPath, Names<'r>>,
    asked: usize,
}

/// The maximum number of unknown names to compare: if there are more, typos are not the cause.
const ASKED: usize = 1_000;

impl<'r> Near<'r> {
    fn find(&mut self, registry: &'r Registry, wanted: &str) -> Option<&'r Entry> {
        self.asked += 1;
        let names = self.names.entry(&registry.path).or_insert_with(|| Names::of(registry));
        (self.asked <= ASKED).then(|| names.nearest(wanted)).flatten()
    }
}

/// Suggests the most similar entry in the finding. Also returns the entry if `wanted` is a misspelling of it.
fn suggest<'r>(
    finding: Finding,
    registry: &'r Registry,
    wanted: &str,
    near: &mut Near<'r>,
) -> (Finding, Option<&'r Entry>) {
    let last = wanted.rsplit('.').next().unwrap_or(wanted);
    let near = near.find(registry, wanted);
    let meant = near.filter(|entry| is_slip(wanted, &entry.name()));
    let finding = match near {
        Some(entry) => {
            let near = entry.name();
            finding
                .label(format!("did you mean {near}?"))
                .help(format!("write {near}, or add {wanted} to {}", registry.path))
                .also(&registry.path, entry.name_span, format!("{near} is registered here"))
        }
        None if is_identifier(last) => {
            let help = format!("add {wanted} to {}; `flakeward ports next` finds a free number", registry.path);
            finding.label("no such entry").help(help)
        }
        None => finding.label("no such entry"),
    };
    (finding, meant)
}
