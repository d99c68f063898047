//! `lookup-path`: `<nixpkgs>` and other lookups in NIX_PATH.

use super::{Check, ProjectView, Verdict};
use crate::facts::flake::lookups::Lookup;
use crate::facts::flake::{self, FlakeFacts};
use crate::facts::{Project, ProjectFile};
use crate::finding::{Edit, Finding, Fix, Safety};
use crate::lang::flake::Flake;
use crate::paths;

const RULE: &str = "lookup-path";

/// See `rules/lookup-path.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&flake::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let files = view.project.each::<FlakeFacts>();
    files.flat_map(|(file, facts)| facts.lookups.iter().map(|lookup| finding(view.project, file, lookup))).collect()
}

fn finding(project: &Project, file: &ProjectFile, lookup: &Lookup) -> Finding {
    let text = file.source.slice(lookup.span);
    let message = format!("`{text}` is looked up in NIX_PATH, which differs from machine to machine");
    let finding =
        Finding::new(RULE, &file.source.path, lookup.span, message).help("use a flake input, which flake.lock pins");
    let known =
        lookup.scope.filter(|_| flake_around(project, &file.source.path).is_some_and(|flake| has(flake, &lookup.name)));
    let Some(scope) = known else { return finding };
    let input = format!("{scope}{}", lookup.name);
    let text = match lookup.below.as_str() {
        "" => input,
        below => format!("\"${{{input}}}{below}\""),
    };
    let title = format!("use the input `{}`", lookup.name);
    let edit = Edit { path: file.source.path.clone(), span: lookup.span, text: text.clone() };
    finding.label(format!("write `{text}`")).fix(Fix { title, safety: Safety::Unsafe, edits: vec![edit] })
}

/// The flake of the nearest folder around a file.
fn flake_around<'a>(project: &'a Project, path: &str) -> Option<&'a Flake> {
    let mut folder = path;
    loop {
        folder = paths::folder(folder);
        let flake = if folder.is_empty() { "flake.nix".to_owned() } else { format!("{folder}/flake.nix") };
        if let Some(file) = project.file(&flake) {
            return file.fact::<FlakeFacts>()?.flake.as_deref();
        }
        if folder.is_empty() {
            return None;
        }
    }
}

fn has(flake: &Flake, name: &str) -> bool {
    flake.input(name).is_some() || flake.implicit().any(|input| input.value == name)
}
