//! Checks that the modules of the crate do not import each other in cycles, as docs/architecture.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tools::PROJECT;
use regex::Regex;

/// The path of a module, without `crate`.
type Module = Vec<String>;

/// The modules of the crate and their source text, without tests and comments.
fn modules() -> BTreeMap<Module, String> {
    let root = Path::new(PROJECT).join("src");
    let comment = Regex::new("//.*").unwrap();
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let inside = path.strip_prefix(&root).unwrap().with_extension("");
                let mut module: Module = inside.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
                module.retain(|name| !matches!(name.as_str(), "mod" | "lib"));
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                if !module.iter().any(|name| matches!(name.as_str(), "main" | "tests" | "testing")) {
                    found.insert(module, comment.replace_all(text, "").into_owned());
                }
            }
        }
    }
    found
}

/// Appends the paths in a tree of imports to `paths`: `a::{b, c::d}` contains `a::b` and `a::c::d`.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, body)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.split(" as ").next().unwrap_or_default().trim()));
        return;
    };
    let (before, mut depth, mut start) = (format!("{before}{}", head.trim()), 0, 0);
    let body = body.trim_end().trim_end_matches(',').strip_suffix('}').unwrap_or(body);
    for (at, c) in body.char_indices().chain([(body.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, body[start..at].trim(), paths);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The modules that a module refers to, apart from its ancestors and descendants.
fn imports(module: &Module, text: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let (import, path) =
        (Regex::new(r"\buse\s+([^;]+);").unwrap(), Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap());
    let mut paths = Vec::new();
    for tree in import.captures_iter(text) {
        expand("", &tree[1], &mut paths);
    }
    paths.extend(path.find_iter(&import.replace_all(text, "")).map(|found| found.as_str().to_owned()));
    let resolve = |path: String| {
        let mut full = match path.starts_with("crate::") {
            true => Vec::new(),
            false => module.clone(),
        };
        for name in path.split("::").map(str::trim) {
            match name {
                "crate" | "self" => {}
                "super" => drop(full.pop()),
                name => full.push(name.to_owned()),
            }
        }
        // The name after that of a module is one of the module's items.
        (1..=full.len()).rev().map(|end| full[..end].to_vec()).find(|module| all.contains_key(module))
    };
    let named = paths.into_iter().filter_map(resolve);
    named.filter(|other| !other.starts_with(module) && !module.starts_with(other)).collect()
}

#[test]
fn modules_do_not_import_each_other_in_cycles() {
    let all = modules();
    let mut graph: BTreeMap<&Module, BTreeSet<Module>> =
        all.iter().map(|(module, text)| (module, imports(module, text, &all))).collect();
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 1_000);
    // A module that imports none of the others, or that none of them imports, is not part of a cycle.
    loop {
        let imported: BTreeSet<Module> = graph.values().flatten().cloned().collect();
        let left: BTreeSet<Module> = graph.keys().map(|module| (*module).clone()).collect();
        let before = graph.len();
        graph.retain(|module, imports| {
            imports.retain(|other| left.contains(other));
            !imports.is_empty() && imported.contains(*module)
        });
        if graph.len() == before {
            break;
        }
    }
    let evaluator = ["facts", "port_registry", "eval"].map(str::to_owned);
    graph.retain(|module, _| !module.starts_with(&evaluator));
    assert!(graph.is_empty(), "{graph:#?}");
}
