//! The registry's side of fixes: how it is imported.

use crate::lang::{Field, Kind, Node, Tree, nix};

/// How a registry is used once it is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is the set itself.
    Set,
    /// It is a function that can do without arguments.
    Callable,
    /// It is a function that needs an argument.
    NeedsArguments,
    /// It reads other files, which may in turn be those that a fix changes.
    Open,
}

/// The shape of a registry.
pub fn shape(tree: &Tree<'_>) -> Shape {
    let reads_files = |node: Node| matches!(tree.kind(node), Kind::Path | Kind::SearchPath | Kind::HomePath);
    if tree.nodes().any(reads_files) {
        return Shape::Open;
    }
    let Some(top) = tree.child(tree.root(), Field::Expression) else { return Shape::Open };
    let mut node = nix::unwrap_parens(tree, top);
    while matches!(tree.kind(node), Kind::Let | Kind::With | Kind::Assert) {
        match tree.child(node, Field::Body) {
            Some(body) => node = nix::unwrap_parens(tree, body),
            None => return Shape::Open,
        }
    }
    if tree.kind(node) != Kind::Function {
        return Shape::Set;
    }
    let Some(formals) = tree.child_of_kind(node, Kind::Formals) else { return Shape::NeedsArguments };
    let needs = |formal: Node| tree.kind(formal) == Kind::Formal && tree.child(formal, Field::Default).is_none();
    if tree.children(formals).any(needs) { Shape::NeedsArguments } else { Shape::Callable }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    #[test]
    fn shapes() {
        for (text, expected) in [
            ("{ a = 1; }", Shape::Set),
            ("let x = 1; in rec { a = x; }", Shape::Set),
            ("{ offset ? 0 }: { a = 1; }", Shape::Callable),
            ("{ ... }: { a = 1; }", Shape::Callable),
            ("{ lib }: { a = 1; }", Shape::NeedsArguments),
            ("lib: { a = 1; }", Shape::NeedsArguments),
            ("{ a = 1; } // import ./more.nix", Shape::Open),
        ] {
            assert_eq!(shape(&Tree::parse(Language::Nix, text).unwrap()), expected, "{text}");
        }
    }
}
