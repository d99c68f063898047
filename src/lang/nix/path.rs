//! The file or folder in the repository that a Nix expression refers to.

use crate::lang::nix;
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::paths::{folder, join};

/// The path, from the root, that an expression in a file refers to: `../lib/ports.nix`, `./. + "/ports.nix"`,
/// `"${self}/lib/ports.nix"`. `None` if it is computed in any other way.
pub fn path_of(file: &str, tree: &Tree<'_>, node: Node) -> Option<String> {
    match tree.kind(node) {
        NodeKind::Path => match tree.children(node).any(|part| tree.kind(part) == NodeKind::Interpolation) {
            true => None,
            false => join(folder(file), tree.slice(node)),
        },
        NodeKind::Binary if tree.child(node, Field::Operator).is_some_and(|operator| tree.slice(operator) == "+") => {
            let base = base(file, tree, nix::unwrap_parens(tree, tree.child(node, Field::Left)?))?;
            let right = tree.child(node, Field::Right)?;
            let rest = match tree.kind(right) {
                NodeKind::String => nix::literal_string(tree, right)?.into_owned(),
                NodeKind::Path => tree.slice(right).to_owned(),
                _ => return None,
            };
            join(&base, rest.strip_prefix('/')?)
        }
        NodeKind::String => {
            let parts: Vec<Node> = tree.children(node).collect();
            let &[hole, rest] = parts.as_slice() else { return None };
            let inner = tree.child(hole, Field::Expression).filter(|_| tree.kind(hole) == NodeKind::Interpolation)?;
            join(&base(file, tree, inner)?, tree.slice(rest).strip_prefix('/')?)
        }
        _ => None,
    }
}

/// The folder that an expression refers to: a path, or the flake itself.
fn base(file: &str, tree: &Tree<'_>, node: Node) -> Option<String> {
    match tree.kind(node) {
        NodeKind::Path => join(folder(file), tree.slice(node)),
        _ => matches!(&*nix::dotted(tree, node)?, "self" | "inputs.self" | "self.outPath").then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    #[test]
    fn expressions_that_refer_to_files_are_resolved() {
        for (text, wanted) in [
            ("../lib/ports.nix", Some("hosts/lib/ports.nix")),
            ("./. + \"/ports.nix\"", Some("hosts/web/ports.nix")),
            ("(../../lib) + /ports.nix", Some("lib/ports.nix")),
            ("\"${self}/lib/ports.nix\"", Some("lib/ports.nix")),
            ("inputs.self + \"/lib/ports.nix\"", Some("lib/ports.nix")),
            ("\"${./.}/ports.nix\"", Some("hosts/web/ports.nix")),
            ("../../../ports.nix", None),
            ("./${x}/ports.nix", None),
            ("\"${pkgs.x}/ports.nix\"", None),
            ("./. + \"ports.nix\"", None),
            ("<nixpkgs>", None),
        ] {
            let tree = Tree::parse(Language::Nix, text).unwrap();
            let node = tree.child(tree.root(), Field::Expression).unwrap();
            assert_eq!(path_of("hosts/web/default.nix", &tree, node).as_deref(), wanted, "{text}");
        }
    }
}
