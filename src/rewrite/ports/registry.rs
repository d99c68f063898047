//! How a fix imports the registry.

use crate::facts::port_registry::{Call, Registry};
use crate::lang::{Node, NodeKind, Tree};

/// What importing a registry evaluates to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// The set itself.
    Set,
    /// A function of one argument.
    Function(Call),
    /// Not usable from other files, for this reason.
    Closed(&'static str),
}

/// The shape of a registry.
pub fn shape(registry: &Registry, tree: &Tree<'_>) -> Shape {
    let reads_files =
        |node: Node| matches!(tree.kind(node), NodeKind::Path | NodeKind::SearchPath | NodeKind::HomePath);
    if !registry.shape.importable {
        return Shape::Closed("does not export its ports");
    }
    // A fix may also change the files that the registry reads.
    if tree.nodes().any(reads_files) {
        return Shape::Closed("imports other files");
    }
    match registry.shape.calls.as_slice() {
        [] => Shape::Set,
        [call] => Shape::Function(call.clone()),
        _ => Shape::Closed("is a function of several arguments"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortSettings;
    use crate::facts::port_registry::evaluate;
    use crate::lang::Language;

    #[test]
    fn the_shape_of_a_registry_is_recognised() {
        let function = |required: &[&str], optional: &[&str], open| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            Shape::Function(Call::Set { required: owned(required), optional: owned(optional), open })
        };
        for (text, expected) in [
            ("{ a = 1; }", Shape::Set),
            ("let x = 1; in rec { a = x; }", Shape::Set),
            ("{ offset ? 0 }: { a = 1; }", function(&[], &["offset"], false)),
            ("{ ... }: { a = 1; }", function(&[], &[], true)),
            ("{ lib }: { a = 1; }", function(&["lib"], &[], false)),
            ("lib: { a = 1; }", Shape::Function(Call::Any { name: "lib".to_owned() })),
            ("{ lib }: { x }: { a = 1; }", Shape::Closed("is a function of several arguments")),
            ("{ a = 1; } // import ./more.nix", Shape::Closed("imports other files")),
            (
                "{ lib, ... }: let ports = { a = 80; b = 81; }; in { x = \"a\"; y = \"b\"; z = \"c\"; port = ports.a; }",
                Shape::Closed("does not export its ports"),
            ),
        ] {
            // At any path other than the default one, a file must look like a registry.
            let path = if text.contains("let ports") { "ports.nix" } else { "lib/ports.nix" };
            let tree = Tree::parse(Language::Nix, text).unwrap();
            let registry = evaluate(&path.into(), &tree, &PortSettings::default()).unwrap();
            assert_eq!(shape(&registry, &tree), expected, "{text}");
        }
    }
}
