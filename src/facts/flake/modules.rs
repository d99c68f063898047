//! Inputs of a flake.nix that flake-file generates: modules declare them in `flake-file.inputs`.

use super::Use;
use crate::lang::Tree;
use crate::lang::flake::{Flake, Input, nixpkgs};

/// The name of the option set.
pub const OPTIONS: &str = "flake-file";

/// The inputs that a module declares with their sources. Inputs that it only refines, for example by a `follows`, are
/// left out: another module declares them.
pub fn inputs(tree: &Tree<'_>) -> Flake {
    let mut declared = Flake::read_option(tree, OPTIONS);
    declared.inputs.retain(|input| input.url.is_some() || !input.attrs.is_empty() || input.computed);
    declared
}

/// The references to nixpkgs among the inputs that a module declares. An edit would have to be repeated in the generated
/// file, so they have no text to change.
pub fn uses(declared: &Flake) -> Vec<Use> {
    declared.inputs.iter().filter_map(used).collect()
}

fn used(input: &Input) -> Option<Use> {
    let name = &input.name.value;
    let mut used = Use::of(&input.reference()?, input.place(), None, format!("the input `{name}`"))?;
    used.named_for_branch = nixpkgs::names_branch(name);
    used.names.push(name.clone());
    Some(used)
}
