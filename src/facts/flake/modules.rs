//! Inputs of a flake.nix that flake-file generates: modules declare them in `flake-file.inputs`.

use super::Use;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::{Flake, Input, Text, nixpkgs, text};
use crate::lang::nix;
use crate::lang::{NodeKind, Tree};

/// The name of the option set.
pub const OPTIONS: &str = "flake-file";

/// Whether a module declares an input itself, rather than only refining the input of another module, for example with
/// a `follows`.
pub fn is_declared(input: &Input) -> bool {
    input.url.is_some() || !input.attrs.is_empty() || input.computed
}

/// The references to nixpkgs among the inputs that a module declares. Fixes cannot change them, because an edit would
/// have to be repeated in the generated file.
pub fn uses(tree: &Tree<'_>, declared: &Flake) -> Vec<Use> {
    // Several definitions of one input are possible, for example for different systems.
    let bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    let urls = bindings.filter_map(|binding| {
        let path = nix::attr_path(tree, binding)?;
        let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("")).collect();
        let [.., options, "inputs", input, "url"] = names.as_slice() else { return None };
        let url = text(tree, nix::unwrap_parens(tree, nix::value(tree, binding)?)).filter(|_| *options == OPTIONS)?;
        used(&FlakeRef::parse(&url.value), &url, input)
    });
    let by_attributes = declared.inputs.iter().filter(|input| input.url.is_none() && !input.attrs.is_empty());
    let by_attributes = by_attributes.filter_map(|input| used(&input.reference()?, &input.name, &input.name.value));
    urls.chain(by_attributes).collect()
}

fn used(reference: &FlakeRef, place: &Text, name: &str) -> Option<Use> {
    let mut used = Use::of(reference, place.span, None, format!("the input `{name}`"))?;
    used.named_for_branch = nixpkgs::names_branch(name);
    used.names.push(name.to_owned());
    Some(used)
}
