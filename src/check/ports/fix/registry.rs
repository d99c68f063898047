//! The registry's side of fixes: how it is imported.

use crate::lang::{Kind, Node, Tree};
use crate::registry::{Call, Registry};

/// How a registry is used once it is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is the set itself.
    Set,
    /// It is a function that can do without arguments.
    Callable,
    /// It is a function that needs an argument.
    NeedsArguments,
    /// It keeps its ports to itself, or reads other files, which may in turn be those that a fix changes.
    Closed,
}

/// The shape of a registry.
pub fn shape(registry: &Registry, tree: &Tree<'_>) -> Shape {
    let reads_files = |node: Node| matches!(tree.kind(node), Kind::Path | Kind::SearchPath | Kind::HomePath);
    if !registry.shape.importable || tree.nodes().any(reads_files) {
        return Shape::Closed;
    }
    let is_satisfied = |call: &Call| matches!(call, Call::Set { required, .. } if required.is_empty());
    match registry.shape.calls.as_slice() {
        [] => Shape::Set,
        [call] if is_satisfied(call) => Shape::Callable,
        [_] => Shape::NeedsArguments,
        _ => Shape::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortSettings;
    use crate::lang::Language;
    use crate::registry::evaluate;

    #[test]
    fn shapes() {
        for (text, expected) in [
            ("{ a = 1; }", Shape::Set),
            ("let x = 1; in rec { a = x; }", Shape::Set),
            ("{ offset ? 0 }: { a = 1; }", Shape::Callable),
            ("{ ... }: { a = 1; }", Shape::Callable),
            ("{ lib }: { a = 1; }", Shape::NeedsArguments),
            ("lib: { a = 1; }", Shape::NeedsArguments),
            ("{ lib }: { x }: { a = 1; }", Shape::Closed),
            ("{ a = 1; } // import ./more.nix", Shape::Closed),
            (
                "{ lib, ... }: let ports = { a = 80; b = 81; }; in { x = \"a\"; y = \"b\"; z = \"c\"; port = ports.a; }",
                Shape::Closed,
            ),
        ] {
            // Elsewhere than at the usual place a file has to look like a registry.
            let path = if text.contains("let ports") { "ports.nix" } else { "lib/ports.nix" };
            let tree = Tree::parse(Language::Nix, text).unwrap();
            let registry = evaluate(&path.into(), &tree, &PortSettings::default()).unwrap();
            assert_eq!(shape(&registry, &tree), expected, "{text}");
        }
    }
}
