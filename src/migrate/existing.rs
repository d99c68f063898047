//! Definitions that the flake's modules already contain.

use std::collections::{BTreeSet, VecDeque};

use super::Draft;
use crate::finding::RelPath;
use crate::lang::nix;
use crate::lang::{Language, NodeKind, Tree};

/// The maximum number of files that are read.
const FILES: usize = 200;

/// Attributes that may enclose the attributes that a module defines.
const AROUND: [&str; 3] = ["outputs", "flake", "perSystem"];

/// The file that defines a per-system attribute of the flake, such as `packages.container-web`: flake.nix or a file
/// that it imports.
pub fn defined_in(draft: &Draft<'_>, path: &[&str]) -> Option<RelPath> {
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from(["flake.nix".to_owned()]);
    while let Some(file) = waiting.pop_front() {
        let Some(text) = draft.text(&file).ok().flatten() else { continue };
        let Some(tree) = Tree::parse(Language::Nix, &text) else { continue };
        if defines(&tree, path) {
            return Some(file.as_str().into());
        }
        let named = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Path);
        for path in named.filter_map(|node| nix::path::path_of(&file, &tree, node)) {
            let path = if draft.files().is_folder(&path) { format!("{path}/default.nix") } else { path };
            if path.ends_with(".nix") && seen.len() < FILES && seen.insert(path.clone()) {
                waiting.push_back(path);
            }
        }
    }
    None
}

/// Whether the flake has a package. The result is cached, because many CI files may build the same packages.
pub fn has_package(draft: &Draft<'_>, package: &str) -> bool {
    let find = || defined_in(draft, &["packages", package]).is_some();
    match draft.packages.lock() {
        Ok(mut known) => *known.entry(package.to_owned()).or_insert_with(find),
        Err(_) => find(),
    }
}

fn defines(tree: &Tree<'_>, path: &[&str]) -> bool {
    tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding).any(|binding| {
        let Some(names) = nix::attr_path(tree, binding) else { return false };
        let names = names.iter().map(|name| name.text.as_deref().unwrap_or("?"));
        names.skip_while(|name| AROUND.contains(name)).eq(path.iter().copied())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::migrate::Ports;

    #[test]
    fn attributes_are_found_through_imports() {
        let files: BTreeMap<String, String> = [
            (
                "flake.nix",
                "{ outputs = inputs: inputs.flake-parts.lib.mkFlake { } { imports = [ ./nix ]; perSystem = { pkgs, ... }: \
                 { process-compose.dev = { }; }; }; }",
            ),
            ("nix/default.nix", "{ perSystem = { pkgs, ... }: { packages = { container-web = pkgs.hello; }; }; }"),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
        let draft = Draft::new(&files, Ports::default());
        let found = |path: &[&str]| defined_in(&draft, path).map(|path| path.to_string());
        assert_eq!(found(&["process-compose", "dev"]).as_deref(), Some("flake.nix"));
        assert_eq!(found(&["packages", "container-web"]).as_deref(), Some("nix/default.nix"));
        assert_eq!(found(&["packages", "container-api"]), None);
    }
}
