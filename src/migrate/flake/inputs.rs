//! The inputs of a rewritten flake: adds flake-parts, and removes flake-utils if nothing uses it.

use super::Refusal;
use super::layout::{self, Edits, spaces};
use super::read::{Outputs, is_set, members, single_name};
use crate::finding::Span;
use crate::lang::flake::nixpkgs::{self, Channel, Release};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Language, Node, NodeKind, Tree};

const URL: &str = "github:hercules-ci/flake-parts";

/// The oldest nixpkgs whose `lib` flake-parts accepts (`minVersion` in its lib.nix).
const MINIMUM: Release = Release { year: 23, month: 5 };

/// The input for flake-parts.
#[derive(Debug)]
pub struct FlakeParts {
    /// Its name.
    pub name: String,
    /// Whether the flake already has it.
    pub exists: bool,
}

/// The existing or new input for flake-parts.
pub fn flake_parts(outputs: &Outputs<'_, '_>) -> Result<FlakeParts, Refusal> {
    let is_parts = |url: &str| {
        let url = url.to_ascii_lowercase();
        url.contains("hercules-ci/flake-parts") || url == "flake-parts" || url == "flake:flake-parts"
    };
    let inputs = &outputs.flake.inputs;
    if let Some(found) = inputs.iter().find(|input| input.url.as_ref().is_some_and(|url| is_parts(&url.value))) {
        return Ok(FlakeParts { name: found.name.value.clone(), exists: true });
    }
    match outputs.flake.input("flake-parts") {
        Some(other) => {
            let why = "there is an input `flake-parts` that is not hercules-ci/flake-parts";
            Err(Refusal::new(Some(other.name.span.start), why, "give that input another name"))
        }
        None => Ok(FlakeParts { name: "flake-parts".to_owned(), exists: false }),
    }
}

/// Adds the flake-parts input next to the others, unless it exists.
pub fn add(outputs: &Outputs<'_, '_>, parts: &FlakeParts, edits: &mut Edits) {
    if parts.exists {
        return;
    }
    let tree = outputs.tree;
    let Some(root) = tree.nodes().find(|&node| is_set(tree, node)) else { return };
    let all = members(tree, root);
    let first_name = |member: Node| {
        let path = nix::attrpath_node(tree, member)?;
        nix::names(tree, path).next()?.text.map(|name| name.into_owned())
    };
    let of_inputs: Vec<Node> =
        all.iter().copied().filter(|&member| first_name(member).as_deref() == Some("inputs")).collect();
    let own_set = of_inputs.iter().find_map(|&member| {
        single_name(tree, member)?;
        nix::value(tree, member).filter(|&value| is_set(tree, value))
    });
    let follows = follows_nixpkgs(outputs);
    match own_set {
        Some(set) => add_to_set(tree, set, follows, edits),
        None => {
            let after = of_inputs.last().copied();
            let before = all.iter().copied().find(|&member| first_name(member).as_deref() == Some("outputs"));
            let Some(anchor) = after.or(before) else { return };
            let span = tree.span(anchor);
            let lines = lines("inputs.", follows);
            let indent = spaces(layout::indentation(tree.text(), span.start as usize));
            match after {
                Some(_) => {
                    let text: String = lines.iter().map(|line| format!("\n{indent}{line}")).collect();
                    let end = line_end(tree.text(), span.end);
                    edits.replace(Span { start: end, end }, text);
                }
                None => {
                    let text: String = lines.iter().map(|line| format!("{line}\n{indent}")).collect();
                    let blank = if layout::starts_line(tree.text(), span.start as usize) { "\n" } else { "" };
                    edits.replace(
                        Span { start: span.start, end: span.start },
                        format!("{}{blank}{indent}", text.trim_end()),
                    );
                }
            }
        }
    }
}

fn add_to_set(tree: &Tree<'_>, set: Node, follows: bool, edits: &mut Edits) {
    let all = members(tree, set);
    let text = tree.text();
    match all.last() {
        Some(&last) => {
            let span = tree.span(last);
            let alone = layout::starts_line(text, span.start as usize);
            let lead = if alone {
                format!("\n{}", spaces(layout::indentation(text, span.start as usize)))
            } else {
                " ".to_owned()
            };
            let end = if alone { line_end(text, span.end) } else { span.end };
            let new: String = lines("", follows).iter().map(|line| format!("{lead}{line}")).collect();
            edits.replace(Span { start: end, end }, new);
        }
        None => {
            let span = tree.span(set);
            let outer = layout::indentation(text, span.start as usize);
            let new: String = lines("", follows).iter().map(|line| format!("\n{}{line}", spaces(outer + 2))).collect();
            edits.replace(Span { start: span.end - 1, end: span.end - 1 }, format!("{new}\n{}", spaces(outer)));
        }
    }
}

/// The end of a binding, including a comment after it on the same line.
fn line_end(text: &str, end: u32) -> u32 {
    let line = text.get(end as usize..).unwrap_or("").split('\n').next().unwrap_or("");
    if line.trim_start().starts_with('#') { end + line.trim_end().len() as u32 } else { end }
}

fn lines(prefix: &str, follows: bool) -> Vec<String> {
    let mut lines = vec![format!("{prefix}flake-parts.url = \"{URL}\";")];
    if follows {
        lines.push(format!("{prefix}flake-parts.inputs.nixpkgs-lib.follows = \"nixpkgs\";"));
    }
    lines
}

/// Whether flake-parts can use the `lib` in the flake's nixpkgs.
fn follows_nixpkgs(outputs: &Outputs<'_, '_>) -> bool {
    let Some(input) = outputs.flake.input("nixpkgs") else {
        return outputs.flake.implicit().any(|name| name.value == "nixpkgs");
    };
    if !input.is_flake {
        return false;
    }
    match input.reference().and_then(|reference| nixpkgs::channel(&reference)) {
        Some(Channel::Release(release) | Channel::Tag(release)) => release >= MINIMUM,
        // A commit may be of any age.
        Some(Channel::Fixed) => false,
        _ => true,
    }
}

/// Removes flake-utils from the arguments and the inputs if nothing uses it anymore.
pub fn drop_flake_utils(text: &mut String) -> Result<(), Refusal> {
    let change = {
        let Some(tree) = Tree::parse(Language::Nix, text).filter(|tree| !tree.broken()) else { return Ok(()) };
        let outputs = Outputs::read(&tree)?;
        unused_flake_utils(&outputs)
    };
    if let Some(edits) = change {
        *text = edits.render(text, Span::new(0, text.len()));
    }
    Ok(())
}

fn unused_flake_utils(outputs: &Outputs<'_, '_>) -> Option<Edits> {
    let tree = outputs.tree;
    let input = outputs.flake.inputs.iter().find(|input| outputs.is_flake_utils(&input.name.value));
    let name = input.map_or("flake-utils", |input| input.name.value.as_str());
    let formals = outputs.formals;
    let formal = formals.and_then(|formals| {
        tree.children(formals)
            .find(|&formal| tree.child(formal, Field::Name).is_some_and(|node| tree.slice(node) == name))
    });
    let body = tree.child(outputs.function, Field::Body)?;
    let used = tree.subtree(body).any(|node| match tree.kind(node) {
        NodeKind::Identifier | NodeKind::Variable => tree.slice(node) == name,
        _ => false,
    });
    if used {
        return None;
    }
    let mut edits = Edits::default();
    if let Some(formal) = formal {
        edits.replace(formal_with_comma(tree, formals?, formal)?, "");
    }
    let listed_only = formals.is_some_and(|formals| tree.child_of_kind(formals, NodeKind::Ellipses).is_none());
    let kept = !listed_only && all_inputs_are_passed_on(outputs, body);
    if input.is_some() && !kept && !is_followed(outputs, name) {
        remove_input(outputs, name, &mut edits);
        // Without `...`, every input must be an argument.
    } else if input.is_some() && listed_only {
        return None;
    }
    Some(edits)
}

/// Whether the set of all inputs is used for anything other than `mkFlake` and selections from it.
fn all_inputs_are_passed_on(outputs: &Outputs<'_, '_>, body: Node) -> bool {
    let tree = outputs.tree;
    let Some(whole) = outputs.whole else { return false };
    tree.subtree(body).any(|node| {
        let Some(from) = nix::read_from(tree, node) else { return false };
        let is_whole = tree.slice(node) == whole
            && matches!(nix::resolve(tree, from, whole), Some(Origin::Argument(found)) if tree.child(outputs.function, Field::Universal) == Some(found));
        let selected = tree.parent(node).is_some_and(|parent| {
            tree.kind(parent) == NodeKind::Select && tree.field(node) == Field::Expression
        });
        let for_mk_flake = tree.ancestors(node).take(6).any(|above| {
            tree.kind(above) == NodeKind::Apply
                && tree.child(above, Field::Function).is_some_and(|function| tree.slice(function).ends_with("lib.mkFlake"))
                && tree.child(above, Field::Argument).is_some_and(|argument| tree.span(argument).contains(tree.span(node)))
        });
        is_whole && !selected && !for_mk_flake
    }) || tree.subtree(body).any(|node| {
        tree.kind(node) == NodeKind::Identifier
            && tree.slice(node) == "inputs"
            && tree.parent(node).is_some_and(|path| tree.kind(path) == NodeKind::Attrpath)
            && tree.parent(node).and_then(|path| tree.parent(path)).is_some_and(|select| tree.slice(select) == "self.inputs")
    })
}

/// Whether another input follows the input `name` or one of its inputs.
fn is_followed(outputs: &Outputs<'_, '_>, name: &str) -> bool {
    fn follows(input: &crate::lang::flake::Input, name: &str) -> bool {
        input.follows.as_ref().is_some_and(|text| text.value.split('/').next() == Some(name))
            || input.inputs.iter().any(|inner| follows(inner, name))
    }
    outputs.flake.inputs.iter().filter(|input| input.name.value != name).any(|input| follows(input, name))
}

fn remove_input(outputs: &Outputs<'_, '_>, name: &str, edits: &mut Edits) {
    let tree = outputs.tree;
    let Some(root) = tree.nodes().find(|&node| is_set(tree, node)) else { return };
    let in_set =
        members(tree, root).into_iter().filter(|&member| single_name(tree, member).as_deref() == Some("inputs"));
    let sets = in_set.filter_map(|member| nix::value(tree, member)).filter(|&value| is_set(tree, value));
    for (set, skip) in std::iter::once((root, 1)).chain(sets.map(|set| (set, 0))) {
        let all = members(tree, set);
        for (at, &member) in all.iter().enumerate() {
            let Some(path) = nix::attrpath_node(tree, member) else { continue };
            let names: Vec<_> = nix::names(tree, path).filter_map(|name| name.text).collect();
            let is_input = skip == 0 || names.first().is_some_and(|first| first == "inputs");
            if !is_input || names.get(skip).is_none_or(|found| found != name) {
                continue;
            }
            let span = tree.span(member);
            let text = tree.text();
            let previous = match at {
                0 => tree.span(set).start + 1,
                _ => line_end(text, tree.span(all[at - 1]).end),
            };
            let between = text.get(previous as usize..span.start as usize).unwrap_or("");
            // Comments above it may also be about the inputs below.
            let start = match between.rfind('\n') {
                Some(newline) => previous + newline as u32,
                None => previous,
            };
            let blank_before = between.rfind('\n').is_some_and(|newline| between[..newline].ends_with('\n'));
            let start = if blank_before { start - 1 } else { start };
            edits.replace(Span { start, end: line_end(text, span.end) }, "");
        }
    }
}

/// The span of a formal with the comma that separates it. `None` if there is a comment.
fn formal_with_comma(tree: &Tree<'_>, formals: Node, formal: Node) -> Option<Span> {
    let all: Vec<Node> = tree
        .children(formals)
        .filter(|&node| matches!(tree.kind(node), NodeKind::Formal | NodeKind::Ellipses))
        .collect();
    let at = all.iter().position(|&node| node == formal)?;
    let own = tree.span(formal);
    let span = match (all.get(at + 1), at.checked_sub(1).and_then(|at| all.get(at))) {
        (Some(&next), _) => Span { start: own.start, end: tree.span(next).start },
        (None, Some(&previous)) => Span { start: tree.span(previous).end, end: own.end },
        (None, None) => own,
    };
    (!tree.text().get(span.range())?.contains('#')).then_some(span)
}
