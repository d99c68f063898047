//! Rewrites a flake.nix with hand-written helpers or flake-utils to use `flake-parts.lib.mkFlake`.

use super::inputs;
use super::layout::{self, Edits, Form, spaces};
use super::plan::{self, Plan};
use super::read::{Outputs, defined, members, single_name};
use super::recursion;
use super::values::{Read, Values};
use super::{Refusal, Rewritten};
use crate::finding::Span;
use crate::lang::flake::lock::Lock;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Language, Node, NodeKind, Tree};

/// The default systems of flake-utils since April 2023, when it began to take them from its input `systems`.
const DEFAULT_SYSTEMS: [&str; 4] = ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"];

/// The maximum number of passes that remove unused code.
const ROUNDS: usize = 64;

/// The reason why a flake that uses flake-parts is not rewritten.
pub const MIGRATED: &str = "the outputs already use `mkFlake`";

/// Rewrites the text of a flake.nix. `lock` is the text of its lock file.
pub fn rewrite(text: &str, read: Read<'_>, lock: Option<&str>) -> Result<Rewritten, Refusal> {
    let tree = parse(text)?;
    let outputs = Outputs::read(&tree)?;
    if tree.nodes().any(|node| tree.kind(node) == NodeKind::Identifier && tree.slice(node) == "mkFlake") {
        let at = Some(tree.span(outputs.function).start);
        return Err(Refusal::new(at, MIGRATED, "nothing needs to be done"));
    }
    match recursion::through_self(&outputs) {
        Some(text) => {
            let tree = parse(&text)?;
            rewrite_plain(&text, &Outputs::read(&tree)?, read, lock)
        }
        None => rewrite_plain(text, &outputs, read, lock),
    }
}

/// Rewrites a flake whose outputs are not recursive.
fn rewrite_plain(
    text: &str,
    outputs: &Outputs<'_, '_>,
    read: Read<'_>,
    lock: Option<&str>,
) -> Result<Rewritten, Refusal> {
    let tree = outputs.tree;
    let parts = inputs::flake_parts(outputs)?;
    let whole = whole_name(outputs)?;
    let body = outputs.body;
    let indent = layout::indentation(text, tree.span(body).start as usize);
    let defaults = default_systems(outputs, lock);
    let plan = plan::plan(outputs, &Values::new(read), &defaults, indent)?;
    let call = match (outputs.formals, outputs.whole) {
        (None, Some(name)) => format!("{name}.{}.lib.mkFlake", parts.name),
        _ => format!("{}.lib.mkFlake", parts.name),
    };
    let argument = if whole == "inputs" { "inherit inputs;".to_owned() } else { format!("inputs = {whole};") };
    let mut edits = Edits::default();
    let comments = lost_comments(tree, body, &plan);
    let new = write(text, &plan, &format!("{call} {{ {argument} }} {{"), &comments, indent);
    edits.replace(tree.span(body), new);
    take_arguments(outputs, &parts.name, &whole, &mut edits);
    inputs::add(outputs, &parts, &mut edits);
    let whole_file = Span::new(0, text.len());
    let mut new = edits.render(text, whole_file);
    clean(&mut new, &plan)?;
    inputs::drop_flake_utils(&mut new)?;
    let checked = parse(&new)
        .map_err(|_| Refusal::new(None, "the new text does not parse", "report this as a bug in flakeward"))?;
    drop(checked);
    let line = |at: u32| text.get(..at as usize).map_or(1, |before| before.matches('\n').count() + 1);
    Ok(Rewritten {
        carried: plan.moved.iter().map(|(name, at)| (name.clone(), line(*at))).collect(),
        left: plan.left.iter().map(|(name, at, why)| (name.clone(), line(*at), why.clone())).collect(),
        unknown: plan.unknown.clone(),
        input_added: !parts.exists,
        text: new,
    })
}

fn parse(text: &str) -> Result<Tree<'_>, Refusal> {
    let broken =
        || Refusal::new(None, "the file has syntax errors", "fix them: `nix-instantiate --parse` shows the first");
    Tree::parse(Language::Nix, text).filter(|tree| !tree.broken()).ok_or_else(broken)
}

/// The existing or new name for the set of all inputs.
fn whole_name(outputs: &Outputs<'_, '_>) -> Result<String, Refusal> {
    let tree = outputs.tree;
    let rebinds = |name: &str| {
        outputs
            .lets
            .iter()
            .flat_map(|&found| members(tree, found))
            .any(|member| defined(tree, member).is_none_or(|names| names.iter().any(|found| found == name)))
    };
    if let Some(name) = outputs.whole {
        if rebinds(name) {
            let why = format!("`{name}`, the set of all inputs, is bound again in a `let`");
            return Err(Refusal::new(Some(tree.span(outputs.function).start), &why, "rename one of the two"));
        }
        return Ok(name.to_owned());
    }
    let taken = |name: &str| {
        rebinds(name)
            || tree.subtree(outputs.function).any(|node| {
                nix::read_from(tree, node)
                    .is_some_and(|from| tree.slice(node) == name && nix::resolve(tree, from, name).is_none())
            })
            || outputs.formals.is_some_and(|formals| {
                tree.children(formals)
                    .any(|formal| tree.child(formal, Field::Name).is_some_and(|node| tree.slice(node) == name))
            })
    };
    let names = ["inputs", "flakeInputs", "allInputs"];
    names.iter().find(|name| !taken(name)).map(|name| (*name).to_owned()).ok_or_else(|| {
        Refusal::new(Some(tree.span(outputs.function).start), "`inputs` is already used as a name", "rename it")
    })
}

/// Adds flake-parts to the arguments of the outputs, and a name for all arguments.
fn take_arguments(outputs: &Outputs<'_, '_>, parts: &str, whole: &str, edits: &mut Edits) {
    let tree = outputs.tree;
    let Some(formals) = outputs.formals else { return };
    let start = tree.span(formals).start;
    if outputs.whole.is_none() {
        edits.replace(Span { start, end: start }, format!("{whole}@"));
    }
    let all: Vec<Node> = tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal).collect();
    let named = |node: &Node| tree.child(*node, Field::Name).is_some_and(|name| tree.slice(name) == parts);
    if all.iter().any(named) {
        return;
    }
    let (at, new) = layout::argument(tree, formals, parts);
    edits.replace(Span { start: at, end: at }, new);
}

/// The default systems of flake-utils in the lock file: the list, or an expression if it is uncertain.
fn default_systems(outputs: &Outputs<'_, '_>, lock: Option<&str>) -> String {
    let name =
        outputs.flake.inputs.iter().map(|input| input.name.value.as_str()).find(|name| outputs.is_flake_utils(name));
    let name = name.unwrap_or("flake-utils");
    let own = outputs.flake.input(name).and_then(|input| input.input("systems")).is_some();
    let list = DEFAULT_SYSTEMS.map(|system| format!("\"{system}\"")).join(" ");
    let certain = !own && lock.is_none_or(|lock| locks_default_systems(lock, name));
    let path = match (outputs.formals, outputs.whole) {
        (None, Some(whole)) => format!("{whole}.{name}"),
        _ => name.to_owned(),
    };
    if certain { format!("[ {list} ]") } else { format!("{path}.lib.defaultSystems") }
}

/// Whether a lock file contains flake-utils with the systems of nix-systems/default.
fn locks_default_systems(lock: &str, name: &str) -> bool {
    let Some(tree) = Tree::parse(Language::Json, lock) else { return false };
    let Some(lock) = Lock::read(&tree) else { return false };
    let systems = lock.root_input(name).and_then(|label| lock.resolve(label, "systems").ok());
    let original = systems.and_then(|label| lock.nodes.get(label)).and_then(|node| node.original.as_ref());
    original.is_some_and(|reference| {
        reference.owner.eq_ignore_ascii_case("nix-systems") && reference.repo.eq_ignore_ascii_case("default")
    })
}

/// The comments in the old body that are missing from the new one.
fn lost_comments(tree: &Tree<'_>, body: Node, plan: &Plan) -> Vec<String> {
    let lost = |node: Node| {
        let span = tree.span(node);
        tree.kind(node) == NodeKind::Comment && !plan.carried.iter().any(|part| part.contains(span))
    };
    tree.subtree(body).filter(|&node| lost(node)).map(|node| tree.slice(node).trim_end().to_owned()).collect()
}

fn write(source: &str, plan: &Plan, head: &str, comments: &[String], indent: usize) -> String {
    let (one, two) = (spaces(indent + 2), spaces(indent + 4));
    let mut out = String::new();
    out.push_str(&plan.head);
    if !plan.head.is_empty() {
        out.push_str(&spaces(indent));
    }
    out.push_str(head);
    out.push_str(&format!("\n{one}systems = {};\n\n", layout::settle(&plan.systems, Form::Expression, indent + 2)));
    for name in &plan.unknown {
        out.push_str(&format!("{one}# flake-parts has no option `{name}`; this collects it from `perSystem`.\n"));
        out.push_str(&format!("{one}transposition.{name}.adHoc = true;\n\n"));
    }
    for comment in comments {
        out.push_str(&format!("{one}{comment}\n"));
    }
    out.push_str(&format!("{one}perSystem = {{ {}, ... }}:", plan.arguments.join(", ")));
    if plan.expression {
        let body = layout::placed(source, plan.start, &plan.body, indent + 2);
        let gap = if body.starts_with('\n') { "" } else { " " };
        out.push_str(&format!("{gap}{body};\n"));
    } else {
        out.push_str(" {\n");
        if let Some((packages, start)) = &plan.packages {
            let packages = layout::placed(source, *start, packages, indent + 4);
            let gap = if packages.starts_with('\n') { "" } else { " " };
            out.push_str(&format!("{two}_module.args.pkgs ={gap}{packages};\n\n"));
        }
        out.push_str(&format!("{}\n{one}}};\n", plan.body.trim_end()));
    }
    let mut kept: Vec<String> = Vec::new();
    if !plan.kept.is_empty() {
        kept.push(format!("{{\n{}{one}}}", plan.kept));
    }
    kept.extend(plan.kept_whole.iter().cloned());
    if !kept.is_empty() {
        out.push_str(&format!("\n{one}flake = {};\n", kept.join(" // ")));
    }
    out.push_str(&format!("{}}}", spaces(indent)));
    out
}

/// Removes unused code: arguments of `perSystem`, helpers, lists of systems, package sets.
fn clean(text: &mut String, plan: &Plan) -> Result<(), Refusal> {
    let mut candidates = plan.candidates.clone();
    for _ in 0..ROUNDS {
        let change = {
            let tree = parse(text)?;
            let outputs = Outputs::read(&tree)?;
            unused_argument(&tree)
                .or_else(|| inlined_systems(&outputs))
                .or_else(|| unused_binding(&outputs, &mut candidates))
        };
        let Some(edits) = change else { return Ok(()) };
        *text = edits.render(text, Span::new(0, text.len()));
    }
    Ok(())
}

/// The binding of `perSystem` in a `mkFlake` call, and the function that is its value.
fn per_system(tree: &Tree<'_>) -> Option<(Node, Node)> {
    tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding).find_map(|binding| {
        let own = single_name(tree, binding).as_deref() == Some("perSystem");
        let value = nix::value(tree, binding).filter(|_| own)?;
        let made = tree.ancestors(binding).any(|node| {
            tree.kind(node) == NodeKind::Apply
                && tree
                    .child(node, Field::Function)
                    .is_some_and(|function| tree.slice(function).contains("lib.mkFlake"))
        });
        (made && tree.kind(value) == NodeKind::Function).then_some((binding, value))
    })
}

fn unused_argument(tree: &Tree<'_>) -> Option<Edits> {
    let (_, function) = per_system(tree)?;
    let formals = tree.child_of_kind(function, NodeKind::Formals)?;
    let body = tree.child(function, Field::Body)?;
    let all: Vec<Node> = tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal).collect();
    let unused = all.iter().find(|&&formal| {
        tree.child(formal, Field::Name).is_some_and(|name| {
            !tree.subtree(body).any(|node| {
                nix::read_from(tree, node).is_some_and(|from| {
                    tree.slice(node) == tree.slice(name)
                        && nix::resolve(tree, from, tree.slice(node)) == Some(Origin::Argument(formal))
                })
            })
        })
    });
    let mut edits = Edits::default();
    match unused {
        Some(&formal) => {
            let rest = tree.text().get(tree.span(formal).end as usize..).unwrap_or("");
            let comma = rest.len() - rest.trim_start_matches([',', ' ']).len();
            let span = tree.span(formal);
            edits.replace(Span { start: span.start, end: span.end + comma as u32 }, "");
        }
        None if all.is_empty() => {
            let span = Span { start: tree.span(function).start, end: tree.span(body).start };
            edits.replace(span, "");
        }
        None => return None,
    }
    Some(edits)
}

/// Edits that inline `systems = supportedSystems;` if the name is a list in the outer `let` that nothing else uses.
fn inlined_systems(outputs: &Outputs<'_, '_>) -> Option<Edits> {
    let tree = outputs.tree;
    let (per_system, _) = per_system(tree).or_else(|| {
        let binding = tree.nodes().find(|&node| {
            tree.kind(node) == NodeKind::Binding && single_name(tree, node).as_deref() == Some("perSystem")
        })?;
        Some((binding, binding))
    })?;
    let set = tree.parent(per_system)?;
    let systems = tree.children(set).find(|&member| {
        tree.kind(member) == NodeKind::Binding && single_name(tree, member).as_deref() == Some("systems")
    })?;
    let value = nix::value(tree, systems)?;
    if tree.kind(value) != NodeKind::Variable {
        return None;
    }
    let Some(Origin::Binding(binding)) = nix::resolve(tree, value, tree.slice(value)) else { return None };
    let list = nix::value(tree, binding).filter(|&list| tree.kind(list) == NodeKind::List)?;
    let found = *outputs.lets.iter().find(|&&found| outputs.is_let_member(found, binding))?;
    if uses(tree, binding) != 1 || single_name(tree, binding).is_none() {
        return None;
    }
    let indent = layout::indentation(tree.text(), tree.span(systems).start as usize);
    let mut edits = Edits::default();
    edits.replace(tree.span(value), layout::settle(tree.slice(list), Form::Expression, indent));
    let comments = take_out(tree, found, binding, &mut edits);
    put_comments(tree, systems, &comments, Some(binding), &mut edits);
    Some(edits)
}

/// The number of references to a binding's name.
fn uses(tree: &Tree<'_>, binding: Node) -> usize {
    let Some(name) = single_name(tree, binding) else { return usize::MAX };
    let reads = |node: Node| {
        nix::read_from(tree, node).is_some_and(|from| {
            tree.slice(node) == name && nix::resolve(tree, from, &name) == Some(Origin::Binding(binding))
        })
    };
    tree.nodes().filter(|&node| reads(node)).count()
}

fn unused_binding(outputs: &Outputs<'_, '_>, candidates: &mut Vec<String>) -> Option<Edits> {
    let tree = outputs.tree;
    let inner = tree.ancestors(per_system_binding(tree)?).filter(|&node| tree.kind(node) == NodeKind::Let);
    let lets: Vec<Node> = outputs.lets.iter().copied().chain(inner).collect();
    for &found in &lets {
        for member in members(tree, found).into_iter().filter(|&member| tree.kind(member) == NodeKind::Binding) {
            let Some(name) = single_name(tree, member) else { continue };
            if candidates.contains(&name) && uses(tree, member) == 0 {
                // Bindings that were used only here are now unused as well.
                let inner = tree.subtree(member).filter(|&node| tree.kind(node) == NodeKind::Variable);
                candidates.extend(inner.map(|node| tree.slice(node).to_owned()));
                let mut edits = Edits::default();
                let mut comments = take_out(tree, found, member, &mut edits);
                // The moved code already contains its own comments.
                comments.retain(|comment| tree.text().matches(comment.as_str()).count() < 2);
                put_comments(tree, per_system_binding(tree)?, &comments, None, &mut edits);
                return Some(edits);
            }
        }
    }
    None
}

fn per_system_binding(tree: &Tree<'_>) -> Option<Node> {
    tree.nodes()
        .find(|&node| tree.kind(node) == NodeKind::Binding && single_name(tree, node).as_deref() == Some("perSystem"))
}

/// Removes a binding from a `let`, together with the comments above it. Returns the comments.
fn take_out(tree: &Tree<'_>, found: Node, binding: Node, edits: &mut Edits) -> Vec<String> {
    let all = members(tree, found);
    let body = tree.child(found, Field::Body).map_or(tree.span(found).end, |body| tree.span(body).start);
    let text = tree.text();
    let opening = tree.span(found).start + 3;
    let at = all.iter().take_while(|&&member| member != binding).last().map_or(opening, |&before| {
        let end = tree.span(before).end as usize;
        let line = text.get(end..).unwrap_or("").split('\n').next().unwrap_or("");
        (if line.trim_start().starts_with('#') { end + line.trim_end().len() } else { end }) as u32
    });
    let end = tree.span(binding).end as usize;
    let line = text.get(end..).unwrap_or("").split('\n').next().unwrap_or("");
    let until = if line.trim_start().starts_with('#') { end + line.trim_end().len() } else { end } as u32;
    let span =
        if all.len() == 1 { Span { start: tree.span(found).start, end: body } } else { Span { start: at, end: until } };
    edits.replace(span, "");
    let value = nix::value(tree, binding).map(|value| tree.span(value));
    tree.nodes()
        .filter(|&node| tree.kind(node) == NodeKind::Comment && span.contains(tree.span(node)))
        .filter(|&node| {
            value.is_none_or(|value| !value.contains(tree.span(node)) || tree.kind(node) == NodeKind::Comment)
        })
        .map(|node| tree.slice(node).trim_end().to_owned())
        .collect()
}

/// Inserts comments above a binding, except those that the value of `without` already contains.
fn put_comments(tree: &Tree<'_>, binding: Node, comments: &[String], without: Option<Node>, edits: &mut Edits) {
    let inside = without.and_then(|node| nix::value(tree, node)).map_or("", |value| tree.slice(value));
    let start = tree.span(binding).start;
    let indent = spaces(layout::indentation(tree.text(), start as usize));
    let lines: String = comments
        .iter()
        .filter(|comment| !inside.contains(comment.as_str()))
        .map(|line| format!("{line}\n{indent}"))
        .collect();
    if !lines.is_empty() {
        edits.replace(Span { start, end: start }, lines);
    }
}
