//! `lookup-path`: `<nixpkgs>` and other lookups in NIX_PATH.

use crate::check::ProjectContext;
use crate::facts::{Project, ProjectFile};
use crate::finding::{Edit, Finding, Fix, Safety, Span};
use crate::lang::flake::Flake;
use crate::lang::nix::recognize;
use crate::lang::nix::{self, Origin};
use crate::lang::{Kind, Node, Tree};
use crate::paths;

const RULE: &str = "lookup-path";

/// A lookup in NIX_PATH.
#[derive(Debug)]
pub struct Lookup {
    /// Where.
    span: Span,
    /// The name that is looked up.
    name: String,
    /// The path below it, with its slash.
    below: String,
    /// What the flake's inputs are called here: `inputs.`, or nothing where each has its own name.
    scope: Option<&'static str>,
}

/// Whether a text may hold a lookup.
pub fn may_look_up(text: &str) -> bool {
    memchr::memchr_iter(b'<', text.as_bytes()).any(|at| recognize::is_search_path(text, at))
}

/// The lookups of a file. `<nix/..>` is no lookup: those files come with Nix.
pub fn lookups(tree: &Tree<'_>, is_flake: bool) -> Vec<Lookup> {
    let nodes = tree.nodes().filter(|&node| tree.kind(node) == Kind::SearchPath);
    let lookups = nodes.filter_map(|node| {
        let text = tree.slice(node).strip_prefix('<')?.strip_suffix('>')?;
        let (name, below) = text.split_at(text.find('/').unwrap_or(text.len()));
        let scope = scope(tree, node, name, is_flake);
        Some(Lookup { span: tree.span(node), name: name.to_owned(), below: below.to_owned(), scope })
    });
    lookups.filter(|lookup| lookup.name != "nix").collect()
}

/// How an input of the name can be reached from a place.
fn scope(tree: &Tree<'_>, node: Node, name: &str, is_flake: bool) -> Option<&'static str> {
    let argument = |name: &str| matches!(nix::resolve(tree, node, name), Some(Origin::Argument(_)));
    if is_flake && argument(name) {
        return Some("");
    }
    argument("inputs").then_some("inputs.")
}

/// Reports the lookups of all files.
pub fn report(context: &mut ProjectContext<'_>) {
    let project = context.project;
    for file in &project.files {
        for lookup in &file.facts.flake.lookups {
            context.report(finding(project, file, lookup));
        }
    }
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
            return file.facts.flake.flake.as_deref();
        }
        if folder.is_empty() {
            return None;
        }
    }
}

fn has(flake: &Flake, name: &str) -> bool {
    flake.input(name).is_some() || flake.implicit().any(|input| input.value == name)
}
