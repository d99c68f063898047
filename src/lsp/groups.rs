//! The groups of a registry, at the positions where it defines them.

use crate::facts::port_registry::{Lookup, Registry};
use crate::finding::Span;
use crate::lang::{Language, NodeKind, Tree, nix};

/// The name of a group at the position where the registry defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName {
    /// The group.
    pub path: Vec<String>,
    /// The span of its name, the last one of the path.
    pub span: Span,
    /// The span from the name to the end of the definition.
    pub whole: Span,
}

/// The names of groups in the text of a registry, in the order of the text.
pub fn group_names(text: &str, registry: &Registry) -> Vec<GroupName> {
    let Some(tree) = Tree::parse(Language::Nix, text) else { return Vec::new() };
    let mut found = Vec::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let own = nix::attrpath_node(&tree, binding).map_or(0, |path| nix::names(&tree, path).count());
        let names = nix::attr_path(&tree, binding).unwrap_or_default();
        let path: Option<Vec<String>> =
            names.iter().map(|name| name.text.as_ref().map(|text| text.to_string())).collect();
        let Some(path) = path else { continue };
        for at in names.len().saturating_sub(own)..names.len() {
            if matches!(registry.lookup(&path[..=at]), Lookup::Group) {
                let span = tree.span(names[at].node);
                let whole = Span { start: span.start, end: tree.span(binding).end };
                found.push(GroupName { path: path[..=at].to_vec(), span, whole });
            }
        }
    }
    found.sort_by_key(|group| group.span);
    found
}
