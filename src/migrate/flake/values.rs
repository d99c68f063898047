//! Finds values that Nix evaluates but the types of flake-parts reject: package outputs that contain sets of
//! packages.

use super::read::{DEPTH, members, single_name};
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Language, Node, NodeKind, Tree};
use crate::paths;

/// Outputs whose attributes must be packages.
pub const PACKAGE_OUTPUTS: [&str; 3] = ["packages", "checks", "devShells"];

/// Library functions that return a set if their argument is a set.
const SETS: [&str; 9] = [
    "callPackages",
    "filterAttrs",
    "genAttrs",
    "listToAttrs",
    "makeScope",
    "mapAttrs",
    "mapAttrs'",
    "optionalAttrs",
    "recurseIntoAttrs",
];

/// Reads a file. Its path is relative to the flake's folder.
pub type Read<'r> = &'r dyn Fn(&str) -> Option<String>;

/// Finds sets of packages in positions that require packages.
pub struct Values<'r> {
    read: Read<'r>,
}

impl<'r> Values<'r> {
    /// `read` reads files that the flake imports.
    pub fn new(read: Read<'r>) -> Self {
        Self { read }
    }

    /// The name of an attribute of a package output that is a set, not a package, if there is one.
    pub fn set_in(&self, tree: &Tree<'_>, file: &str, output: Node) -> Option<String> {
        self.attribute(tree, file, output, 0)
    }

    /// Whether a value is a set of packages, not a package.
    pub fn is_set(&self, tree: &Tree<'_>, file: &str, value: Node) -> bool {
        self.set(tree, file, value, 0)
    }

    fn attribute(&self, tree: &Tree<'_>, file: &str, output: Node, depth: usize) -> Option<String> {
        if depth > DEPTH {
            return None;
        }
        let output = body(tree, output);
        match tree.kind(output) {
            NodeKind::Attrset | NodeKind::RecAttrset => {
                members(tree, output).into_iter().find_map(|member| self.member(tree, file, member, depth))
            }
            NodeKind::Binary => [Field::Left, Field::Right]
                .into_iter()
                .filter_map(|side| tree.child(output, side))
                .find_map(|side| self.attribute(tree, file, side, depth + 1)),
            NodeKind::If => [Field::Consequence, Field::Alternative]
                .into_iter()
                .filter_map(|branch| tree.child(output, branch))
                .find_map(|branch| self.attribute(tree, file, branch, depth + 1)),
            NodeKind::Variable => {
                let Some(Origin::Binding(binding)) = nix::resolve(tree, output, tree.slice(output)) else {
                    return None;
                };
                single_name(tree, binding)?;
                self.attribute(tree, file, nix::value(tree, binding)?, depth + 1)
            }
            NodeKind::Apply => self.made(tree, file, output, depth).or_else(|| {
                self.imported(tree, file, output, |tree, file, value| self.attribute(tree, file, value, depth + 1))
            }),
            _ => None,
        }
    }

    /// Like [`Self::set_in`], for the result of a library function.
    fn made(&self, tree: &Tree<'_>, file: &str, apply: Node, depth: usize) -> Option<String> {
        let (name, arguments) = nix::call(tree, apply)?;
        match (nix::last_name(&name), arguments.as_slice()) {
            ("optionalAttrs" | "filterAttrs", [_, set]) => self.attribute(tree, file, *set, depth + 1),
            // Every attribute is the result of the function.
            ("mapAttrs", [function, _]) | ("genAttrs", [_, function]) => {
                self.set(tree, file, *function, depth + 1).then(|| "..".to_owned())
            }
            _ => None,
        }
    }

    fn member(&self, tree: &Tree<'_>, file: &str, member: Node, depth: usize) -> Option<String> {
        match tree.kind(member) {
            NodeKind::Binding => {
                let names: Vec<_> = nix::names(tree, nix::attrpath_node(tree, member)?).collect();
                let name = names.first()?.text.as_deref().unwrap_or("..").to_owned();
                let nested = names.len() > 1 || self.set(tree, file, nix::value(tree, member)?, depth + 1);
                nested.then_some(name)
            }
            NodeKind::Inherit => {
                let attrs = tree.child_of_kind(member, NodeKind::InheritedAttrs)?;
                let outside = tree.parent(tree.parent(member)?)?;
                tree.children(attrs).find_map(|attr| {
                    let name = nix::name_text(tree, attr)?;
                    let Some(Origin::Binding(binding)) = nix::resolve(tree, outside, &name) else { return None };
                    single_name(tree, binding)?;
                    self.set(tree, file, nix::value(tree, binding)?, depth + 1).then(|| name.into_owned())
                })
            }
            _ => None,
        }
    }

    fn set(&self, tree: &Tree<'_>, file: &str, value: Node, depth: usize) -> bool {
        if depth > DEPTH {
            return false;
        }
        let value = body(tree, value);
        match tree.kind(value) {
            NodeKind::Attrset | NodeKind::RecAttrset => {
                let is_package = |name: &str| matches!(name, "type" | "outPath" | "drvPath");
                let names = members(tree, value).into_iter().filter_map(|member| super::read::defined(tree, member));
                !names.flatten().any(|name| is_package(&name))
            }
            NodeKind::Variable => match nix::resolve(tree, value, tree.slice(value)) {
                Some(Origin::Binding(binding)) if single_name(tree, binding).is_some() => {
                    nix::value(tree, binding).is_some_and(|value| self.set(tree, file, value, depth + 1))
                }
                _ => false,
            },
            NodeKind::If => [Field::Consequence, Field::Alternative]
                .into_iter()
                .filter_map(|branch| tree.child(value, branch))
                .any(|branch| self.set(tree, file, branch, depth + 1)),
            NodeKind::Binary
                if tree.child(value, Field::Operator).is_some_and(|o| tree.kind(o) == NodeKind::Update) =>
            {
                // A package with additional attributes is still a package.
                [Field::Left, Field::Right]
                    .into_iter()
                    .filter_map(|side| tree.child(value, side))
                    .all(|side| self.set(tree, file, side, depth + 1))
            }
            NodeKind::Apply => {
                let called = nix::call(tree, value).map(|(name, _)| nix::last_name(&name).to_owned());
                matches!(called.as_deref(), Some(name) if SETS.contains(&name))
                    || self
                        .imported(tree, file, value, |tree, file, value| {
                            self.set(tree, file, value, depth + 1).then_some(())
                        })
                        .is_some()
            }
            _ => false,
        }
    }

    /// Calls `then` with the expression in the file that an application imports: `import ./x.nix { .. }`.
    fn imported<T>(
        &self,
        tree: &Tree<'_>,
        file: &str,
        apply: Node,
        then: impl Fn(&Tree<'_>, &str, Node) -> Option<T>,
    ) -> Option<T> {
        let (name, arguments) = nix::call(tree, apply)?;
        let from = *arguments.first().filter(|_| matches!(&*name, "import" | "builtins.import"))?;
        let from = nix::unwrap_parens(tree, from);
        if tree.kind(from) != NodeKind::Path {
            return None;
        }
        let path = paths::join(paths::folder(file), tree.slice(from))?;
        let (path, text) = [path.clone(), format!("{path}/default.nix").trim_start_matches('/').to_owned()]
            .into_iter()
            .find_map(|path| (self.read)(&path).map(|text| (path, text)))?;
        let imported = Tree::parse(Language::Nix, &text)?;
        let root = imported.children(imported.root()).find(|&node| imported.kind(node) != NodeKind::Comment)?;
        then(&imported, &path, root)
    }
}

/// The expression that determines a result, inside functions, `let`, `with`, `assert` and parentheses.
fn body(tree: &Tree<'_>, node: Node) -> Node {
    let mut node = node;
    for _ in 0..DEPTH {
        let next = match tree.kind(node) {
            NodeKind::Let | NodeKind::With | NodeKind::Assert | NodeKind::Function => tree.child(node, Field::Body),
            NodeKind::Parenthesized => tree.child(node, Field::Expression),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}
