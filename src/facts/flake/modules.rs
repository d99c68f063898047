//! Inputs of a flake.nix that flake-file generates: modules declare them in `flake-file.inputs`.

use super::Use;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::{nixpkgs, text};
use crate::lang::nix;
use crate::lang::{NodeKind, Tree};

/// The name of the option set.
pub const OPTIONS: &str = "flake-file";

/// The references to nixpkgs among the inputs that a module declares. An edit would have to be repeated in the generated
/// file, so they have no text to change.
pub fn uses(tree: &Tree<'_>) -> Vec<Use> {
    let bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    let declared = bindings.filter_map(|binding| {
        let path = nix::attr_path(tree, binding)?;
        let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("")).collect();
        let [.., options, "inputs", input, "url"] = names.as_slice() else { return None };
        let url = text(tree, nix::unwrap_parens(tree, nix::value(tree, binding)?)).filter(|_| *options == OPTIONS)?;
        let subject = format!("the input `{input}`");
        let mut used = Use::of(&FlakeRef::parse(&url.value), url.span, None, subject)?;
        used.named_for_branch = nixpkgs::names_branch(input);
        used.names.push((*input).to_owned());
        Some(used)
    });
    declared.collect()
}
