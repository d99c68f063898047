//! The changes to `flake.nix` that new modules require: inputs and imports.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use super::flake::layout;
use super::nix;
use super::{Draft, Error};
use crate::finding::RelPath;
use crate::lang::nix::{attrpath_node, call, names, unwrap_parens, value};
use crate::lang::{Field, Language, Node, NodeKind, Tree};
use crate::paths;

/// The flake of a repository.
const FLAKE: &str = "flake.nix";

/// Its lock file.
const LOCK: &str = "flake.lock";

/// The reason why a new input has no entry in the lock file.
pub const NOT_LOCKED: &str = "flakeward does not use the network, so this new input is not locked";
/// The next step for such an input.
pub const LOCK_IT: &str = "run `nix flake lock`";

/// The nixpkgs release in a new flake: the newest one.
const NIXPKGS: &str = "github:NixOS/nixpkgs/nixos-26.05";

/// Inputs and imports to add to a flake.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wiring {
    inputs: BTreeMap<String, Input>,
    modules: Vec<String>,
    /// The modules as a set.
    known: HashSet<String>,
    /// Whether the flake should be migrated to flake-parts, but cannot be.
    pub is_refused: bool,
    /// The result of [`Wiring::can_import`], which is called for each image that CI builds.
    can_import: OnceLock<bool>,
}

/// A state of a [`Wiring`]: a copy of its few inputs, and the number of its modules.
pub struct Mark(BTreeMap<String, Input>, usize);

/// An input of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Input {
    url: String,
    follows: &'static [&'static str],
}

/// Insertions into the text: the offset, and the inserted text.
type Insertions = Vec<(usize, String)>;

impl Wiring {
    /// Adds an input. `follows_nixpkgs` is whether it has an input `nixpkgs` that should follow the flake's.
    pub fn input(&mut self, name: &str, url: &str, follows_nixpkgs: bool) {
        let follows: &[&str] = if follows_nixpkgs { &["nixpkgs"] } else { &[] };
        self.inputs.insert(name.to_owned(), Input { url: url.to_owned(), follows });
    }

    /// Adds a flake-parts module (a path relative to the repository's root) to the imports.
    pub fn module(&mut self, path: &str) {
        if self.known.insert(path.to_owned()) {
            self.modules.push(path.to_owned());
        }
    }

    /// Whether a module is to be imported.
    pub fn has_module(&self, path: &str) -> bool {
        self.known.contains(path)
    }

    /// Whether [`Wiring::apply`] can import the modules: it creates the flake, or finds the imports of `mkFlake`. Call
    /// this after the flake is migrated.
    pub fn can_import(&self, draft: &Draft<'_>) -> bool {
        *self.can_import.get_or_init(|| {
            let Ok(Some(text)) = draft.text(FLAKE) else { return true };
            let tree = Tree::parse(Language::Nix, &text).filter(|tree| !tree.broken());
            tree.is_some_and(|tree| self.import_edit(&tree).is_some())
        })
    }

    /// The current state, for [`Wiring::undo`].
    pub fn mark(&self) -> Mark {
        Mark(self.inputs.clone(), self.modules.len())
    }

    /// Undoes all additions since a [`Wiring::mark`].
    pub fn undo(&mut self, Mark(inputs, modules): Mark) {
        self.inputs = inputs;
        for module in self.modules.drain(modules..) {
            self.known.remove(&module);
        }
    }

    /// Writes inputs and imports into `flake.nix`, or creates the file.
    pub fn apply(self, draft: &mut Draft<'_>) -> Result<(), Error> {
        if self.modules.is_empty() && self.inputs.is_empty() {
            return Ok(());
        }
        let path: RelPath = FLAKE.into();
        let Some(text) = draft.text(FLAKE)? else {
            return draft.write(FLAKE, self.new_flake());
        };
        let tree = Tree::parse(Language::Nix, &text).filter(|tree| !tree.broken());
        let tree = tree.ok_or_else(|| {
            Error::new(&path, "has syntax errors, so no module can be imported there")
                .help("fix the errors and run again")
        })?;
        self.leave_unlocked(draft)?;
        let mut edits = Insertions::new();
        match self.import_edit(&tree) {
            Some(edit) => {
                edits.extend(edit);
                edits.extend(self.argument_edit(&tree));
                match self.input_edit(&tree) {
                    Some(edit) => edits.extend(edit),
                    None => {
                        let todo = format!("add the inputs {}", self.input_names());
                        draft.report.leave(&path, 1, "inputs", "it has no `inputs` set to add a line to", todo);
                    }
                }
            }
            None => self.leave_imports(draft, &tree),
        }
        let mut after = text.clone();
        edits.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (at, new) in edits {
            after.insert_str(at, &new);
        }
        if after != text {
            draft.write(FLAKE, after)?;
        }
        Ok(())
    }

    /// Reports the inputs that are missing from the lock file.
    fn leave_unlocked(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let Some(lock) = draft.text(LOCK)? else { return Ok(()) };
        // `check` reports a lock file with syntax errors.
        let lock: serde_json::Value = serde_json::from_str(&lock).unwrap_or_default();
        let root = lock["root"].as_str().unwrap_or("root");
        for name in self.inputs.keys().filter(|name| lock["nodes"][root]["inputs"][name.as_str()].is_null()) {
            draft.report.leave(&LOCK.into(), 1, format!("inputs.{name}"), NOT_LOCKED, LOCK_IT);
        }
        Ok(())
    }

    fn input_names(&self) -> String {
        self.inputs.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Reports the modules that cannot be imported, with the order of the steps.
    fn leave_imports(&self, draft: &mut Draft<'_>, tree: &Tree<'_>) {
        let modules: Vec<String> = self.modules.iter().map(|module| format!("./{module}")).collect();
        let uses_parts = tree.nodes().any(|node| {
            let call = (tree.kind(node) == NodeKind::Apply).then(|| call(tree, node)).flatten();
            call.is_some_and(|(function, _)| function.ends_with("mkFlake"))
        });
        let first = match (uses_parts, self.is_refused) {
            (true, _) => "",
            (false, true) => "rewrite the outputs with flake-parts' mkFlake by hand, because of the error above; then ",
            (false, false) => "run `flakeward migrate flake`; then ",
        };
        let todo = format!(
            "{first}import {} in flake.nix, and add the inputs {}; the packages and processes in these files do not \
             exist before that",
            modules.join(", "),
            self.input_names()
        );
        let why = "it does not use flake-parts' mkFlake with one plain set";
        draft.report.leave(&FLAKE.into(), 1, "imports", why, todo);
    }

    fn new_flake(&self) -> String {
        let mut text = format!("{{\n  inputs = {{\n    nixpkgs.url = \"{NIXPKGS}\";\n    flake-parts = {{\n");
        text.push_str("      url = \"github:hercules-ci/flake-parts\";\n");
        text.push_str("      inputs.nixpkgs-lib.follows = \"nixpkgs\";\n    };\n");
        for (name, input) in &self.inputs {
            text.push_str(&input.lines(name, "    "));
        }
        text.push_str("  };\n\n  outputs =\n    inputs@{ flake-parts, ... }:\n");
        text.push_str("    flake-parts.lib.mkFlake { inherit inputs; } {\n      systems = [\n");
        for system in ["x86_64-linux", "aarch64-linux", "aarch64-darwin"] {
            text.push_str(&format!("        \"{system}\"\n"));
        }
        text.push_str("      ];\n      imports = [\n");
        for module in &self.modules {
            text.push_str(&format!("        {}\n", nix::path(&paths::between(FLAKE, module))));
        }
        text.push_str("      ];\n    };\n}\n");
        text
    }

    /// The lines that add the missing inputs. `None` if there is no position for them.
    fn input_edit(&self, tree: &Tree<'_>) -> Option<Insertions> {
        let root = root_set(tree)?;
        let bindings = bindings(tree, root);
        let known: Vec<String> = bindings
            .iter()
            .flat_map(|(path, binding)| match path.as_slice() {
                [first] if first == "inputs" => {
                    let set = value(tree, *binding).map(|set| unwrap_parens(tree, set));
                    let inner = set.map(|set| self::bindings(tree, set)).unwrap_or_default();
                    inner.into_iter().filter_map(|(path, _)| path.first().cloned()).collect()
                }
                [first, name, ..] if first == "inputs" => vec![name.clone()],
                _ => Vec::new(),
            })
            .collect();
        let missing: Vec<_> = self.inputs.iter().filter(|(name, _)| !known.contains(name)).collect();
        if missing.is_empty() {
            return Some(Insertions::new());
        }
        let set = bindings.iter().find(|(path, _)| path.as_slice() == ["inputs"]).and_then(|(_, binding)| {
            let set = unwrap_parens(tree, value(tree, *binding)?);
            (tree.kind(set) == NodeKind::Attrset).then_some(set)
        });
        if let Some(set) = set {
            let lines: String = missing.iter().map(|(name, input)| input.lines(name, &indent_in(tree, set))).collect();
            return Some(vec![before_end(tree, set, &lines)]);
        }
        let last = bindings.iter().rev().find(|(path, _)| path.first().is_some_and(|first| first == "inputs"));
        let (_, last) = last?;
        let indent = indent_of(tree, *last);
        let lines: String =
            missing.iter().map(|(name, input)| input.lines(&format!("inputs.{name}"), &indent)).collect();
        Some(vec![(tree.span(*last).end as usize, format!("\n{}", lines.trim_end_matches('\n')))])
    }

    /// The insertion of `...` into the arguments of the outputs, which are called with all inputs.
    fn argument_edit(&self, tree: &Tree<'_>) -> Option<(usize, String)> {
        let bindings = bindings(tree, root_set(tree)?);
        let (_, outputs) = bindings.iter().find(|(path, _)| path.as_slice() == ["outputs"])?;
        let function = unwrap_parens(tree, value(tree, *outputs)?);
        let formals = tree.child_of_kind(function, NodeKind::Formals)?;
        let named = |input: &String| {
            let formals = tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal);
            formals.filter_map(|formal| tree.child(formal, Field::Name)).any(|name| tree.slice(name) == input.as_str())
        };
        if tree.child_of_kind(formals, NodeKind::Ellipses).is_some() || self.inputs.keys().all(named) {
            return None;
        }
        let (at, text) = layout::argument(tree, formals, "...");
        Some((at as usize, text))
    }

    /// The insertion of the modules into the `imports` of `mkFlake`. `None` if its argument is not a plain set.
    fn import_edit(&self, tree: &Tree<'_>) -> Option<Insertions> {
        let set = tree.nodes().find_map(|node| {
            let (function, arguments) = (tree.kind(node) == NodeKind::Apply).then(|| call(tree, node))??;
            let body = function.ends_with("mkFlake").then(|| arguments.get(1).copied())??;
            body_set(tree, body)
        })?;
        let imports = bindings(tree, set).into_iter().find(|(path, _)| path.as_slice() == ["imports"]);
        let paths: Vec<String> = self.modules.iter().map(|module| nix::path(&paths::between(FLAKE, module))).collect();
        let Some((_, imports)) = imports else {
            let indent = indent_in(tree, set);
            let items: String = paths.iter().map(|path| format!("{indent}  {path}\n")).collect();
            return Some(vec![first_in(tree, set, &format!("{indent}imports = [\n{items}{indent}];\n"))]);
        };
        let list = unwrap_parens(tree, value(tree, imports)?);
        if tree.kind(list) != NodeKind::List {
            return None;
        }
        let known = tree.slice(list);
        let known: Vec<&str> = known.split_whitespace().collect();
        let new: Vec<&String> = paths.iter().filter(|path| !known.contains(&path.as_str())).collect();
        if new.is_empty() {
            return Some(Insertions::new());
        }
        let indent = format!("{}  ", indent_of(tree, imports));
        let lines: String = new.iter().map(|path| format!("{indent}{path}\n")).collect();
        Some(vec![before_end(tree, list, &lines)])
    }
}

impl Input {
    fn lines(&self, name: &str, indent: &str) -> String {
        if self.follows.is_empty() {
            return format!("{indent}{name}.url = \"{}\";\n", self.url);
        }
        let mut text = format!("{indent}{name} = {{\n{indent}  url = \"{}\";\n", self.url);
        for input in self.follows {
            text.push_str(&format!("{indent}  inputs.{input}.follows = \"{input}\";\n"));
        }
        text.push_str(&format!("{indent}}};\n"));
        text
    }
}

/// The attribute set of a flake.
fn root_set(tree: &Tree<'_>) -> Option<Node> {
    let root = tree.children(tree.root()).find(|node| tree.kind(*node) == NodeKind::Attrset);
    root.or_else(|| tree.nodes().find(|node| tree.kind(*node) == NodeKind::Attrset))
}

/// An attribute set, or the attribute set in the body of a function.
fn body_set(tree: &Tree<'_>, node: Node) -> Option<Node> {
    let mut node = unwrap_parens(tree, node);
    for _ in 0..8 {
        node = match tree.kind(node) {
            NodeKind::Attrset => return Some(node),
            NodeKind::Function | NodeKind::Let => unwrap_parens(tree, tree.child(node, crate::lang::Field::Body)?),
            _ => return None,
        };
    }
    None
}

/// The bindings of a set, each with its path relative to the set.
fn bindings(tree: &Tree<'_>, set: Node) -> Vec<(Vec<String>, Node)> {
    let inside = tree.child_of_kind(set, NodeKind::BindingSet).unwrap_or(set);
    let bindings = tree.children(inside).filter(|node| tree.kind(*node) == NodeKind::Binding);
    let path = |binding: Node| {
        // Only the binding's own names count. The names of the sets around it are not part of a path in this set.
        let names = names(tree, attrpath_node(tree, binding)?);
        Some((names.map(|name| name.text.as_deref().unwrap_or_default().to_owned()).collect(), binding))
    };
    bindings.filter_map(path).collect()
}

/// The indentation of the line on which a node begins.
fn indent_of(tree: &Tree<'_>, node: Node) -> String {
    let text = tree.text();
    let start = tree.span(node).start as usize;
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    text[line..start].chars().take_while(|c| *c == ' ' || *c == '\t').collect()
}

/// The indentation of the members of a set: that of the first binding, or the set's own indentation plus two.
fn indent_in(tree: &Tree<'_>, set: Node) -> String {
    let first = bindings(tree, set).into_iter().next();
    match first {
        Some((_, binding)) => indent_of(tree, binding),
        None => format!("{}  ", indent_of(tree, set)),
    }
}

/// An edit that inserts lines before all members of a set.
fn first_in(tree: &Tree<'_>, set: Node, lines: &str) -> (usize, String) {
    let text = tree.text();
    let open = tree.span(set).start as usize;
    let inside = text[open..].find('{').map_or(open, |at| open + at + 1);
    match text[inside..].find('\n') {
        // Inserts the lines below the line of the bracket. A blank line separates them from the other members.
        Some(end) if text[inside..inside + end].trim().is_empty() => {
            let blank = if bindings(tree, set).is_empty() { "" } else { "\n" };
            (inside + end + 1, format!("{lines}{blank}"))
        }
        _ => before_end(tree, set, lines),
    }
}

/// An edit that inserts lines before the closing bracket of a set or list.
fn before_end(tree: &Tree<'_>, node: Node, lines: &str) -> (usize, String) {
    let text = tree.text();
    let close = tree.span(node).end as usize - 1;
    let line = text[..close].rfind('\n').map_or(0, |at| at + 1);
    if text[line..close].trim().is_empty() {
        return (line, lines.to_owned());
    }
    // The bracket moves to its own line, and the spaces before it become part of its indentation.
    let at = line + text[line..close].trim_end().len();
    let indent = indent_of(tree, node);
    (at, format!("\n{lines}{}", indent.get(close - at..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::migrate::Ports;

    fn applied(flake: Option<&str>) -> String {
        let files: BTreeMap<String, String> =
            flake.map(|text| (FLAKE.to_owned(), text.to_owned())).into_iter().collect();
        let mut draft = Draft::new(&files, Ports::default());
        draft.flake.input("services-flake", "github:juspay/services-flake", false);
        draft.flake.input("nix2container", "github:nlewo/nix2container", true);
        draft.flake.module("flake/process-compose.nix");
        let (changes, report) = draft.finish().unwrap();
        let left: Vec<String> = report.left.iter().map(|left| left.why.clone()).collect();
        changes.first().map_or_else(|| left.join("\n"), |change| change.after.clone())
    }

    #[test]
    fn inputs_and_imports_are_added_next_to_existing_ones() {
        let flake = "{\n  inputs = {\n    nixpkgs.url = \"x\";\n    services-flake.url = \"y\";\n  };\n  outputs =\n    \
                     inputs@{ flake-parts, ... }:\n    flake-parts.lib.mkFlake { inherit inputs; } {\n      \
                     imports = [ ./a.nix ];\n      systems = [ ];\n    };\n}\n";
        let after = applied(Some(flake));
        assert!(
            after.contains("    nix2container = {\n      url = \"github:nlewo/nix2container\";\n      inputs.nixpkgs")
        );
        assert_eq!(after.matches("services-flake").count(), 1, "{after}");
        assert_eq!(after.matches("imports =").count(), 1, "{after}");
        assert!(after.contains("imports = [ ./a.nix\n        ./flake/process-compose.nix\n      ];"), "{after}");
        assert!(Tree::parse(Language::Nix, &after).is_some_and(|tree| !tree.broken()));
    }

    #[test]
    fn dotted_inputs_and_missing_imports_get_lines() {
        let flake = "{\n  inputs.nixpkgs.url = \"x\";\n  outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } {\n    systems = [ ];\n  };\n}\n";
        let after = applied(Some(flake));
        assert!(after.contains("\n  inputs.services-flake.url = \"github:juspay/services-flake\";\n"), "{after}");
        assert!(after.contains("    imports = [\n      ./flake/process-compose.nix\n    ];\n"), "{after}");
        assert!(Tree::parse(Language::Nix, &after).is_some_and(|tree| !tree.broken()));
    }

    #[test]
    fn a_flake_is_created_or_left_unchanged() {
        let after = applied(None);
        assert!(after.contains("imports = [\n        ./flake/process-compose.nix\n      ];"));
        assert!(Tree::parse(Language::Nix, &after).is_some_and(|tree| !tree.broken()));
        assert_eq!(applied(Some("{ outputs = _: { }; }\n")), "it does not use flake-parts' mkFlake with one plain set");
    }
}
