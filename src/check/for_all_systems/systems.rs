//! Expressions that are lists of systems, as far as the text shows.

use super::calls::{last_name, whole_call};
use crate::knowledge::systems::{LIST_FUNCTIONS, PACKAGE_SETS, PER_SYSTEM_OUTPUTS, is_system, is_target};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The maximum number of steps through `let`, lists and list functions.
const DEPTH: usize = 8;

/// Whether an expression is a list of systems, as far as the text shows.
pub fn is_systems(tree: &Tree<'_>, node: Node) -> bool {
    is_systems_within(tree, node, 0)
}

fn is_systems_within(tree: &Tree<'_>, node: Node, depth: usize) -> bool {
    if depth > DEPTH {
        return false;
    }
    let node = nix::unwrap_parens(tree, node);
    let within = |field| tree.child(node, field).is_some_and(|inner| is_systems_within(tree, inner, depth + 1));
    match tree.kind(node) {
        NodeKind::List => is_system_list(tree, node),
        NodeKind::Variable => is_systems_variable(tree, node, depth),
        NodeKind::Select => is_systems_selection(tree, node),
        NodeKind::Apply => is_systems_call(tree, node, depth),
        NodeKind::Binary => within(Field::Left) || within(Field::Right),
        NodeKind::With | NodeKind::Let => within(Field::Body),
        NodeKind::If => within(Field::Consequence) || within(Field::Alternative),
        _ => false,
    }
}

fn is_system_list(tree: &Tree<'_>, list: Node) -> bool {
    let mut known = false;
    for item in tree.children(list) {
        let system = match tree.kind(item) {
            NodeKind::String => {
                nix::literal_string(tree, item).filter(|text| !is_target(text)).map(|text| is_system(&text))
            }
            NodeKind::Variable => last_name(tree, item).map(is_system).filter(|&system| system),
            // `system.x86_64-linux`, or `systems.server` where `systems` is a set of systems.
            NodeKind::Select => {
                (last_name(tree, item).is_some_and(is_system) || is_of_systems(tree, item)).then_some(true)
            }
            _ => None,
        };
        match system {
            Some(true) => known = true,
            Some(false) => return false,
            None => {}
        }
    }
    known
}

fn is_systems_variable(tree: &Tree<'_>, node: Node, depth: usize) -> bool {
    let name = tree.slice(node);
    match nix::resolve(tree, node, name) {
        Some(Origin::Binding(binding)) => {
            let one_name = nix::attrpath_node(tree, binding).is_some_and(|path| tree.children(path).count() == 1);
            let Some(value) = nix::value(tree, binding).filter(|_| one_name) else { return false };
            is_systems_within(tree, value, depth + 1)
                || (says_systems(name) && matches!(tree.kind(value), NodeKind::Apply | NodeKind::Select))
                    && !mentions(tree, value, &["config"])
        }
        Some(Origin::Inherited(_) | Origin::Argument(_)) | None => says_systems(name),
    }
}

fn is_systems_selection(tree: &Tree<'_>, node: Node) -> bool {
    let Some(path) = nix::dotted(tree, node) else { return false };
    let names: Vec<&str> = path.split('.').collect();
    // `config.systems` is the flake-parts option.
    if names.first() == Some(&"config") {
        return false;
    }
    let has = |word: &str| names.contains(&word);
    has("platforms")
        || (has("systems") && has("doubles"))
        || names.last().is_some_and(|last| *last == "flakeExposed" || says_systems(last))
}

fn is_systems_call(tree: &Tree<'_>, node: Node, depth: usize) -> bool {
    let Some((name, arguments)) = whole_call(tree, node) else { return false };
    match (name, arguments.as_slice()) {
        ("import", [from]) => match tree.kind(*from) {
            NodeKind::Path => {
                let file = tree.slice(*from).rsplit('/').next().unwrap_or("");
                says_systems(file.strip_suffix(".nix").unwrap_or(file))
            }
            // The flakes of github:nix-systems are lists of systems. Their input names begin with `systems`.
            _ => last_name(tree, *from).is_some_and(|name| says_systems(name) || name.starts_with("systems")),
        },
        ("attrNames", [set]) => {
            is_package_sets(tree, *set)
                || match definition(tree, *set) {
                    Some(value) => has_system(tree, value, |binding| system_name(tree, binding)),
                    None => last_name(tree, *set).is_some_and(says_systems),
                }
        }
        ("attrValues", [set]) => is_set_of_systems(tree, *set),
        (name, arguments) if LIST_FUNCTIONS.contains(&name) => {
            arguments.iter().any(|&argument| is_systems_within(tree, argument, depth + 1))
        }
        _ => false,
    }
}

/// Whether a selection is an attribute of a set of systems: `systems.server`.
fn is_of_systems(tree: &Tree<'_>, select: Node) -> bool {
    let Some(path) = nix::dotted(tree, select) else { return false };
    let names: Vec<&str> = path.split('.').collect();
    match names.as_slice() {
        [_, _] => tree.child(select, Field::Expression).is_some_and(|set| is_set_of_systems(tree, set)),
        [.., set, _] => may_have_systems(tree, select, set),
        _ => false,
    }
}

/// Whether the values of a set are systems. Many repositories call their machines `systems`, so a set defined in this
/// file must contain a system, and any other set must not be used for configurations.
fn is_set_of_systems(tree: &Tree<'_>, set: Node) -> bool {
    match definition(tree, set) {
        Some(value) => has_system(tree, value, |binding| {
            let value = nix::value(tree, binding)?;
            nix::literal_string(tree, nix::unwrap_parens(tree, value)).map(|text| is_system(&text))
        }),
        None => last_name(tree, set).is_some_and(|name| may_have_systems(tree, set, name)),
    }
}

/// The definition of a variable, if this file defines it as a set.
fn definition(tree: &Tree<'_>, variable: Node) -> Option<Node> {
    let name = Some(variable).filter(|&node| tree.kind(node) == NodeKind::Variable).map(|node| tree.slice(node))?;
    let Origin::Binding(binding) = nix::resolve(tree, variable, name)? else { return None };
    let value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
    matches!(tree.kind(value), NodeKind::Attrset | NodeKind::RecAttrset).then_some(value)
}

/// Whether `system` is true for a binding of a set. Bindings in nested sets do not count.
fn has_system(tree: &Tree<'_>, set: Node, system: impl Fn(Node) -> Option<bool>) -> bool {
    let bindings = tree.subtree(set).filter(|&node| tree.kind(node) == NodeKind::Binding);
    let is_set = |&around: &Node| matches!(tree.kind(around), NodeKind::Attrset | NodeKind::RecAttrset);
    let mut own = bindings.filter(|&binding| tree.ancestors(binding).find(is_set) == Some(set));
    own.any(|binding| system(binding).unwrap_or(false))
}

/// Whether a binding's name begins with a system: `x86_64-linux.default = ..`. `None` if the name is computed.
fn system_name(tree: &Tree<'_>, binding: Node) -> Option<bool> {
    let name = nix::names(tree, nix::attrpath_node(tree, binding)?).next()?.text?;
    Some(is_system(&name))
}

/// Whether an expression is part of `nixosConfigurations` or a similar output, in which `systems` are machines.
fn in_configurations(tree: &Tree<'_>, node: Node) -> bool {
    let mut bindings = tree.ancestors(node).filter(|&around| tree.kind(around) == NodeKind::Binding);
    bindings.any(|binding| {
        let path = nix::attrpath_node(tree, binding);
        let is_for_machines = |name: &str| name.ends_with("Configurations");
        path.is_some_and(|path| nix::names(tree, path).any(|name| name.text.as_deref().is_some_and(is_for_machines)))
    })
}

/// Whether a set with this name probably contains systems. A name such as `linuxSystems` counts only in a per-system
/// output, because it may refer to machines elsewhere.
fn may_have_systems(tree: &Tree<'_>, node: Node, name: &str) -> bool {
    let is_output = || {
        let is_named = |path: Node| {
            let mut names = nix::names(tree, path);
            names.any(|name| name.text.is_some_and(|name| PER_SYSTEM_OUTPUTS.contains(&&*name)))
        };
        let mut bindings = tree.ancestors(node).filter(|&around| tree.kind(around) == NodeKind::Binding);
        bindings.any(|binding| nix::attrpath_node(tree, binding).is_some_and(is_named))
    };
    (is_plain_name(name) || says_systems(name) && is_output()) && !in_configurations(tree, node)
}

/// Whether a name denotes systems even outside the per-system outputs.
fn is_plain_name(name: &str) -> bool {
    matches!(name, "systems" | "supportedSystems" | "supported_systems")
}

/// Whether a list is the result of `map f systems` or a similar call.
pub fn is_mapped(tree: &Tree<'_>, list: Node) -> bool {
    let Some((name, arguments)) = whole_call(tree, list) else { return false };
    match (name, arguments.as_slice()) {
        ("map" | "concatMap", [_, systems]) | ("forEach", [systems, _]) => is_systems(tree, *systems),
        _ => false,
    }
}

/// Whether a set is `nixpkgs.legacyPackages`, which has an attribute for each nixpkgs system.
pub fn is_package_sets(tree: &Tree<'_>, set: Node) -> bool {
    tree.kind(set) == NodeKind::Select && last_name(tree, set) == Some(PACKAGE_SETS)
}

/// Whether an expression contains any of the given identifiers.
pub fn mentions(tree: &Tree<'_>, node: Node, names: &[&str]) -> bool {
    tree.subtree(node).any(|node| tree.kind(node) == NodeKind::Identifier && names.contains(&tree.slice(node)))
}

/// Whether a name denotes a list of systems: `systems`, `supportedSystems`, `default_systems`.
fn says_systems(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("systems") && !lower.ends_with("filesystems") && !lower.ends_with("subsystems")
}
