//! `for-all-systems`: a hand-written per-system helper, or flake-utils, instead of flake-parts' `perSystem`.
//!
//! Helpers are recognised by their structure, never by their name: attributes generated from a list of systems.

mod calls;
mod systems;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use self::calls::{function, function_span, last_name, mapped_function, whole_call};
use self::systems::{is_mapped, is_package_sets, is_systems, mentions};
use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::needles::Words;
use crate::facts::{FileView, Glance};
use crate::finding::Span;
use crate::knowledge::systems::{
    ENDS, FLAKE_UTILS, MAKERS, MAPPING, NO_PER_SYSTEM_OUTPUTS, PACKAGE_SETS, PER_SYSTEM_OUTPUTS, is_system,
};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::source;

/// The rule.
pub const RULE: &str = "for-all-systems";

/// See `rules/for-all-systems.md`.
pub static CHECK: Check = Check::of_files(
    RULE,
    FileCheck {
        needles: &[&CALLS, &SETS, &MAPPED, &PACKAGES, &SYSTEM, &LISTS, &SYSTEMS],
        trigger: Trigger::Holds(trigger),
        check,
    },
);

static CALLS: Words = Words::any_of(&FLAKE_UTILS);
static SETS: Words = Words::counted(&MAKERS, is_name);
static MAPPED: Words = Words::counted(&[MAPPING], is_name);
static PACKAGES: Words = Words::any_of(&[PACKAGE_SETS]);
static SYSTEM: Words = Words::any_of(&ENDS);
static LISTS: Words = Words::any_of(&["platforms", "flakeExposed", PACKAGE_SETS]);
static SYSTEMS: Words = Words::counted(&["systems"], |_, _| true);

fn trigger(source: &Glance<'_>) -> bool {
    let has_systems = || source.has(&SYSTEM) || source.has(&LISTS);
    let names_systems = || has_systems() || source.has(&SYSTEMS) || nix::holds_odd_escape(&source.text);
    source.kind == source::FileKind::Nix
        && (source.has(&CALLS)
            || (source.has(&SETS) && names_systems())
            || (source.has(&MAPPED) && source.has(&PACKAGES))
            || (source.file_name() == "flake.nix" && has_systems()))
}

/// Whether a match is a whole name, not part of a longer one.
fn is_name(text: &[u8], place: Range<usize>) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || b"_-'".contains(&byte));
    !is_part(text[..place.start].last()) && !is_part(text.get(place.end))
}

fn check(view: &FileView<'_>) -> Verdict {
    let Some(tree) = view.tree.filter(|_| view.source.kind == source::FileKind::Nix) else { return Verdict::default() };
    let flake = view.source.file_name() == "flake.nix";
    let mut places: Vec<(Span, String)> = Vec::new();
    let mut helpers = Vec::new();
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::Apply => {
                let Some(shape) = shape(tree, node) else { continue };
                let home = Home::of(tree, node);
                if is_for_hydra(tree, node) {
                    continue;
                }
                if (flake && shape == Shape::PerSystem) || home.helper || home.output || home.is_file {
                    helpers.extend(home.binding);
                    places.push(home.describe(tree, node));
                }
            }
            NodeKind::Select | NodeKind::Variable => places.extend(flake_utils(tree, node)),
            _ => {}
        }
    }
    places.extend(tree.nodes().filter_map(|binding| applied_helper(tree, binding, &helpers)));
    if flake {
        places.extend(called_by_hand(tree));
    }
    places.sort();
    places.dedup_by_key(|place| place.0);
    let advice = "add flake-parts as an input and define the outputs once: `flake-parts.lib.mkFlake { inherit inputs; } \
                  { systems = [ .. ]; perSystem = { pkgs, ... }: { .. }; }`";
    // Only a whole flake can be rewritten.
    let help = match flake {
        true => format!("{advice}; `flakeward migrate flake {}` rewrites this file if it can", view.source.path),
        false => advice.to_owned(),
    };
    let mut verdict = Verdict::default();
    for (span, message) in places {
        let finding =
            view.finding(RULE, span, message).label("flake-parts calls `perSystem` for each system").help(help.clone());
        verdict.report(finding);
    }
    verdict
}

/// How the generated set is used.
struct Home {
    /// The binding whose value it is, directly or as the result of functions, `let`, `with` or `assert`.
    binding: Option<Node>,
    /// Whether the binding is a function that returns such a set.
    helper: bool,
    /// Whether it is the value of a per-system flake output.
    output: bool,
    /// Whether it is the value of the whole file, and contains packages for each system.
    is_file: bool,
}

impl Home {
    fn of(tree: &Tree<'_>, apply: Node) -> Self {
        let mut helper = is_partial(tree, apply);
        let mut node = apply;
        let mut is_file = false;
        let binding = loop {
            let Some(parent) = tree.parent(node).filter(|&parent| parent != tree.root()) else {
                is_file = mentions(tree, apply, &["nixpkgs", "legacyPackages"]);
                break None;
            };
            match tree.kind(parent) {
                NodeKind::Binding => break Some(parent),
                NodeKind::Function if tree.field(node) == Field::Body => helper = true,
                NodeKind::Let | NodeKind::With | NodeKind::Assert if tree.field(node) == Field::Body => {}
                NodeKind::Parenthesized => {}
                _ => break None,
            }
            node = parent;
        };
        let name = binding.and_then(|binding| binding_name(tree, binding));
        // A function that returns all outputs of a flake is not a helper.
        let binding = binding.filter(|_| name.as_deref() != Some("outputs"));
        let output = name.is_some_and(|name| PER_SYSTEM_OUTPUTS.contains(&name.as_str()))
            || binding.is_some_and(|binding| is_own_output(tree, binding));
        Self { helper: helper && binding.is_some(), binding, output, is_file }
    }

    fn describe(&self, tree: &Tree<'_>, apply: Node) -> (Span, String) {
        let name = self.binding.and_then(|binding| Some((nix::attrpath_node(tree, binding)?, binding)));
        match name {
            Some((path, _)) if self.helper => {
                let message = format!("`{}` is a hand-written per-system helper", tree.slice(path));
                (tree.span(path), message)
            }
            Some((path, _)) => (tree.span(path), format!("`{}` is defined for each system by hand", tree.slice(path))),
            None => (function_span(tree, apply), "outputs are defined for each system by hand".to_owned()),
        }
    }
}

/// The last name of a binding's attribute path.
fn binding_name(tree: &Tree<'_>, binding: Node) -> Option<String> {
    let path = nix::attrpath_node(tree, binding)?;
    nix::names(tree, path).last()?.text.map(|name| name.into_owned())
}

/// Whether a flake-parts module defines an output of the repository's own: `flake.toolchains = ..`.
fn is_own_output(tree: &Tree<'_>, binding: Node) -> bool {
    let Some(path) = nix::attrpath_node(tree, binding) else { return false };
    let mut names = nix::names(tree, path).map(|name| name.text);
    let (first, second, third) = (names.next().flatten(), names.next().flatten(), names.next());
    let is_own = |name: &str| !NO_PER_SYSTEM_OUTPUTS.iter().any(|tail| name.ends_with(tail));
    first.as_deref() == Some("flake") && second.as_deref().is_some_and(is_own) && third.is_none()
}

/// What an application over systems returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A set with an attribute for each system.
    PerSystem,
    /// A set whose attributes need not be named after the systems.
    Folded,
}

/// What an application returns. `None` if it does not generate anything for a list of systems.
fn shape(tree: &Tree<'_>, apply: Node) -> Option<Shape> {
    // Few applications call one of these functions; the arguments of the others need not be listed.
    function(tree, apply)
        .and_then(|node| last_name(tree, node))
        .filter(|name| MAKERS.contains(name) || *name == MAPPING)?;
    let (name, arguments) = whole_call(tree, apply)?;
    let shape = match (name, arguments.as_slice()) {
        ("genAttrs" | "genAttrs'", [systems, ..]) => is_systems(tree, *systems).then_some(Shape::PerSystem),
        ("listToAttrs", [list]) => (is_mapped(tree, *list) && names_systems(tree, *list)).then_some(Shape::PerSystem),
        ("mergeAttrsList", [list]) | ("zipAttrsWith" | "foldAttrs", [_, .., list]) => {
            is_mapped(tree, *list).then_some(Shape::PerSystem)
        }
        ("foldl'" | "foldl" | "foldr" | "fold", [step, _, list]) => {
            let over_systems = is_systems(tree, *list) || is_mapped(tree, *list);
            let named = names_by_variable(tree, *step)
                || names_by_variable(tree, *list)
                || mapped_function(tree, *list).is_some_and(|function| names_by_variable(tree, function));
            over_systems.then_some(if named { Shape::PerSystem } else { Shape::Folded })
        }
        (MAPPING, [_, set]) => is_package_sets(tree, *set).then_some(Shape::Folded),
        _ => None,
    }?;
    // These functions read `perSystem`, so arguments that call them already use flake-parts.
    let bridged = arguments.iter().any(|&argument| mentions(tree, argument, &["withSystem", "getSystem"]));
    (!bridged).then_some(shape)
}

/// Whether the attributes that a mapped list generates are named after the systems. `name = "web-${system}"` only
/// contains a system, which `perSystem` cannot express. A name that cannot be determined counts as a system.
fn names_systems(tree: &Tree<'_>, list: Node) -> bool {
    let names = tree
        .subtree(list)
        .filter(|&node| tree.kind(node) == NodeKind::Binding && binding_name(tree, node).as_deref() == Some("name"));
    let mut texts = names.filter_map(|binding| nix::value(tree, binding)).map(|value| nix::unwrap_parens(tree, value));
    let is_composed = |value: Node| match tree.kind(value) {
        NodeKind::String => tree.children(value).count() > 1,
        NodeKind::Binary => true,
        _ => false,
    };
    let pairs = tree.subtree(list).filter(|&node| tree.kind(node) == NodeKind::Apply);
    let mut paired = pairs.filter_map(|node| match whole_call(tree, node)? {
        ("nameValuePair", arguments) => arguments.first().copied(),
        _ => None,
    });
    !texts.any(is_composed) && !paired.any(is_composed)
}

/// Whether an expression is part of `hydraJobs`, whose jobs can have any name.
fn is_for_hydra(tree: &Tree<'_>, node: Node) -> bool {
    let mut bindings = tree.ancestors(node).filter(|&around| tree.kind(around) == NodeKind::Binding);
    bindings.any(|binding| {
        let path = nix::attrpath_node(tree, binding);
        path.is_some_and(|path| nix::names(tree, path).any(|name| name.text.as_deref() == Some("hydraJobs")))
    })
}

/// Functions in this file that are called once for each of several systems: `packages.x86_64-linux = make
/// "x86_64-linux";` and the same for another system.
fn called_by_hand(tree: &Tree<'_>) -> Vec<(Span, String)> {
    let mut calls: BTreeMap<Node, BTreeSet<String>> = BTreeMap::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let Some(name) = binding_name(tree, binding).filter(|name| is_system(name)) else { continue };
        let Some(value) = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value)) else { continue };
        let Some((called, arguments)) = whole_call(tree, value) else { continue };
        let Some(function) = calls::function(tree, value).filter(|&node| tree.kind(node) == NodeKind::Variable) else {
            continue;
        };
        let [system] = arguments.as_slice() else { continue };
        let is_same = nix::literal_string(tree, *system).is_some_and(|text| text == name);
        if let Some(Origin::Binding(made)) = nix::resolve(tree, function, called).filter(|_| is_same) {
            calls.entry(made).or_default().insert(name);
        }
    }
    for (function, system) in calls_with_a_system(tree) {
        calls.entry(function).or_default().insert(system);
    }
    let by_hand = calls.into_iter().filter(|(_, systems)| systems.len() > 1);
    by_hand
        .filter_map(|(binding, _)| {
            let path = nix::attrpath_node(tree, binding)?;
            Some((tree.span(path), format!("`{}` is a hand-written per-system helper", tree.slice(path))))
        })
        .collect()
}

/// Calls that pass a system to a function whose result has an attribute named after it: `recursiveUpdate
/// (outputs "x86_64-linux") (outputs "aarch64-linux")`. Returns the function's binding and the system.
fn calls_with_a_system(tree: &Tree<'_>) -> impl Iterator<Item = (Node, String)> {
    let calls = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Apply);
    calls.filter_map(|call| {
        let argument = nix::unwrap_parens(tree, tree.child(call, Field::Argument)?);
        let system = nix::literal_string(tree, argument).filter(|system| is_system(system))?.into_owned();
        let function = tree.child(call, Field::Function).filter(|&node| tree.kind(node) == NodeKind::Variable)?;
        let Origin::Binding(binding) = nix::resolve(tree, function, tree.slice(function))? else { return None };
        let made = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        let is_helper = tree.kind(made) == NodeKind::Function && tree.child(made, Field::Universal).is_some();
        (is_helper && names_by_variable(tree, made)).then_some((binding, system))
    })
}

/// Whether a function's body has an attribute whose name is a single interpolation: `${system} = ..`.
fn names_by_variable(tree: &Tree<'_>, step: Node) -> bool {
    let step = match tree.kind(step) {
        NodeKind::Variable => match nix::resolve(tree, step, tree.slice(step)) {
            Some(Origin::Binding(binding)) => binding,
            _ => return false,
        },
        _ => step,
    };
    // Matches `${system}` and `"${system}"`.
    let is_whole = |string: Node| {
        let text = tree.slice(string);
        text.starts_with("\"${") && text.ends_with("}\"") && tree.children(string).count() == 1
    };
    let mut interpolations = tree.subtree(step).filter(|&node| tree.kind(node) == NodeKind::Interpolation);
    interpolations.any(|interpolation| {
        let name = match tree.parent(interpolation) {
            Some(string) if tree.kind(string) == NodeKind::String && is_whole(string) => string,
            _ => interpolation,
        };
        let path = tree.parent(name).filter(|&path| tree.kind(path) == NodeKind::Attrpath);
        path.and_then(|path| tree.parent(path)).is_some_and(|parent| tree.kind(parent) == NodeKind::Binding)
    })
}

/// Whether an application lacks the function that generates the values.
fn is_partial(tree: &Tree<'_>, apply: Node) -> bool {
    whole_call(tree, apply).is_some_and(|(name, arguments)| name.starts_with("genAttrs") && arguments.len() == 1)
}

/// The span and the message for a reference to a flake-utils function, unless this file defines the name.
fn flake_utils(tree: &Tree<'_>, node: Node) -> Option<(Span, String)> {
    let name = last_name(tree, node).filter(|name| FLAKE_UTILS.contains(name))?;
    let own = match tree.kind(node) {
        NodeKind::Variable => {
            matches!(nix::resolve(tree, node, name), Some(Origin::Binding(_) | Origin::Argument(_)))
        }
        _ => nix::dotted(tree, node).is_some_and(|path| path.starts_with("self.")),
    };
    (!own).then(|| (tree.span(node), format!("`{}` defines the outputs for each system", tree.slice(node))))
}

/// The span and the message for a binding that applies a helper in this file to its systems: `eachDefaultSystem =
/// eachSystem [ .. ]`.
fn applied_helper(tree: &Tree<'_>, binding: Node, helpers: &[Node]) -> Option<(Span, String)> {
    if helpers.is_empty() || tree.kind(binding) != NodeKind::Binding {
        return None;
    }
    let value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
    let called = function(tree, value).filter(|&called| tree.kind(called) == NodeKind::Variable)?;
    let (name, arguments) = whole_call(tree, value)?;
    let [systems] = arguments.as_slice() else { return None };
    let Some(Origin::Binding(helper)) = nix::resolve(tree, called, name) else { return None };
    let path = nix::attrpath_node(tree, binding)?;
    (helpers.contains(&helper) && is_systems(tree, *systems))
        .then(|| (tree.span(path), format!("`{}` is a hand-written per-system helper", tree.slice(path))))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::found;

    fn in_flake(text: &str) -> Vec<String> {
        found("for-all-systems", &[("flake.nix", text)])
    }

    #[test]
    fn helpers_are_recognised_by_their_structure() {
        for (text, place) in [
            ("{ outputs = { nixpkgs, ... }: let x = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ]; in { }; }", "x"),
            ("{ outputs = { lib, systems, ... }: let x = f: lib.genAttrs (import systems) (s: f s); in { }; }", "x"),
            ("let s = [ \"x86_64-linux\" ] ++ more; in { each = f: lib.genAttrs s f; }", "each"),
            ("let systems = import ./systems.nix; in { each = genAttrs systems; }", "each"),
            ("let systems = { a = \"x86_64-linux\"; }; in { each = lib.genAttrs [ systems.a ]; }", "each"),
            ("let systems = { a = \"x86_64-linux\"; }; in { each = lib.genAttrs (attrValues systems); }", "each"),
            ("{ systems }: { each = lib.genAttrs [ systems.a systems.b ]; }", "each"),
            ("{ config }: { each = lib.genAttrs [ config.constants.systems.a ]; }", "each"),
            ("let systems = { x86_64-linux.a = 1; }; in { each = lib.genAttrs (attrNames systems); }", "each"),
            ("{ each = lib.genAttrs lib.systems.flakeExposed; }", "each"),
            ("{ each = lib.genAttrs lib.platforms.unix; }", "each"),
            ("{ each = lib.genAttrs [ \"x86_64-linux\" \"x86_64-windows\" ]; }", "each"),
            ("{ each = lib.genAttrs (with flake-utils.lib.system; [ x86_64-linux ]); }", "each"),
            ("{ each = lib.genAttrs (lib.remove \"x86_64-darwin\" lib.systems.flakeExposed); }", "each"),
            ("{ each = lib.genAttrs (builtins.attrNames nixpkgs.legacyPackages); }", "each"),
            ("{ each = f: listToAttrs (map (name: { inherit name; value = f name; }) systems); }", "each"),
            ("{ each = f: foldl' (a: s: a // { ${s} = f s; }) { } [ \"aarch64-darwin\" ]; }", "each"),
            ("{ each = f: builtins.mapAttrs (_: f) nixpkgs.legacyPackages; }", "each"),
            ("{ packages = lib.genAttrs [ \"x86_64-linux\" ] (system: { }); }", "packages"),
            ("{ apps = lib.genAttrs (lib.attrValues linuxSystems) (system: { }); }", "apps"),
            ("{ outputs = x: a // lib.genAttrs [ \"x86_64-linux\" ] (system: { }); }", "lib.genAttrs"),
            ("{ outputs = x: x.utils.lib.eachDefaultSystem (system: { }); }", "x.utils.lib.eachDefaultSystem"),
            ("{ outputs = { flake-utils }: with flake-utils.lib; eachSystem s f; }", "eachSystem"),
            ("let inherit (fu.lib) eachSystem; in eachSystem s f", "eachSystem"),
            ("{ outputs = fu: fu.lib.simpleFlake { }; }", "fu.lib.simpleFlake"),
        ] {
            assert_eq!(in_flake(text), [place], "{text}");
        }
    }

    #[test]
    fn functions_that_are_called_for_each_system_are_helpers() {
        let make = "make = system: { packages.${system}.default = f system; };";
        let merged = |calls: &str| in_flake(&format!("{{ outputs = x: let {make} in {calls}; }}"));
        assert_eq!(merged("lib.recursiveUpdate (make \"x86_64-linux\") (make \"aarch64-linux\")"), ["make"]);
        assert_eq!(merged("make \"x86_64-linux\" // make \"aarch64-darwin\""), ["make"]);
        let quoted = make.replace("${system}", "\"${system}\"");
        let text = format!("{{ outputs = x: let {quoted} in (make \"x86_64-linux\") // (make \"aarch64-linux\"); }}");
        assert_eq!(in_flake(&text), ["make"]);
        assert_eq!(merged("make \"x86_64-linux\""), [""; 0]);
        assert_eq!(merged("make \"web\" // make \"db\""), [""; 0]);
    }

    #[test]
    fn a_helper_is_reported_once_and_its_uses_are_not() {
        let text = "let each = systems: f: lib.genAttrs systems f; all = each [ \"x86_64-linux\" ]; in {
          packages = all (s: { }); checks = each [ \"x86_64-linux\" ] (s: { }); }";
        assert_eq!(in_flake(text), ["each", "all"]);
    }

    #[test]
    fn other_lists_and_flake_parts_are_not_reported() {
        for text in [
            "{ x = lib.genAttrs hosts (name: { }); }",
            // Machines that are called systems.
            "let systems = { a.hostName = \"a\"; b = { system = \"x86_64-linux\"; }; }; in { nixosConfigurations = \
             lib.mergeAttrsList (map (s: { ${s.hostName} = f s; }) (lib.attrValues systems)); }",
            "{ systems }: { nixosConfigurations = listToAttrs (map (s: { name = s.host; value = f s; }) \
             (lib.attrValues systems)); }",
            "let nixosSystems = import ./hosts; in { nixosConfigurations = listToAttrs (map (s: { name = s.host; \
             value = f s; }) [ nixosSystems.a nixosSystems.b ]); }",
            "let systems = { a = { }; b = { }; }; in { nixosConfigurations = genAttrs (attrNames systems) f; }",
            "{ x = lib.genAttrs [ \"a\" \"b\" ]; }",
            "{ x = lib.genAttrs [ \"x86_64-windows\" ] (s: import ./windows.nix s); }",
            "{ x = lib.genAttrs config.systems (s: { }); }",
            "{ x = f: lib.genAttrs cfg.fileSystems f; }",
            "{ outputs = inputs: flake-parts.lib.mkFlake { inherit inputs; } { systems = [ \"x86_64-linux\" ]; perSystem = { }; }; }",
            "{ x = lib.genAttrs [ \"x86_64-linux\" ] (system: withSystem system ({ pkgs, ... }: pkgs)); }",
            "{ meta.platforms = map (s: s) lib.platforms.linux; }",
            "{ x = f: listToAttrs (map (host: { }) hosts); }",
            "{ x = foldl' (a: s: a // { \"${s}-vm\" = vm s; }) { } systems; }",
            "{ outputs = { eachSystem }: eachSystem [ \"x86_64-linux\" ] f; }",
            "# lib.genAttrs systems\n{ x = \"flake-utils.lib.eachDefaultSystem\"; }",
        ] {
            assert_eq!(in_flake(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn outside_a_flake_only_helpers_and_outputs_count() {
        let place = |text| found("for-all-systems", &[("lib/systems.nix", text)]);
        assert_eq!(place("{ lib }: { each = lib.genAttrs [ \"x86_64-linux\" ]; }"), ["each"]);
        assert_eq!(place("{ lib }: { checks = lib.genAttrs [ \"x86_64-linux\" ] (s: s); }"), ["checks"]);
        assert_eq!(place("{ lib, ... }: { flake.nixosConfigurations = genAttrs [ \"x86_64-linux\" ] f; }"), [""; 0]);
        let own = "{ lib, ... }: { flake.toolchains = lib.genAttrs [ \"x86_64-linux\" ] (s: s); }";
        assert_eq!(place(own), ["flake.toolchains"]);
        assert_eq!(place("{ lib, ... }: { flake.x.y = lib.genAttrs [ \"x86_64-linux\" ] (s: s); }"), [""; 0]);
        assert_eq!(place("{ lib }: { table = lib.genAttrs [ \"x86_64-linux\" ] (s: s); }"), [""; 0]);
        assert_eq!(place("{ lib }: lib.genAttrs [ \"x86_64-linux\" ] (s: s)"), [""; 0]);
        let packages = "i: i.nixpkgs.lib.genAttrs [ \"x86_64-linux\" ] (s: import i.nixpkgs { system = s; })";
        assert_eq!(place(packages), ["i.nixpkgs.lib.genAttrs"]);
    }
}
