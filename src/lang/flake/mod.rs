//! flake.nix: its inputs in every form they can be written in, and the arguments of its outputs.

pub mod flakeref;
pub mod lock;
pub mod nixpkgs;
pub mod store;

use std::collections::BTreeMap;

use self::flakeref::FlakeRef;
use super::nix::{self, AttrName};
use super::{Field, Node, NodeKind, Tree};
use crate::finding::Span;

/// The inputs of a flake.nix.
#[derive(Debug, Default)]
pub struct Flake {
    /// The inputs that it declares, in order of first mention.
    pub inputs: Vec<Input>,
    /// The argument names of its outputs, without `self`; undeclared ones are inputs from the registry.
    pub arguments: Vec<Text>,
    /// The span of the name `inputs`, or of the name of the first input, or else of `outputs`.
    pub place: Span,
    /// Whether all inputs could be read: no computed names, no `inherit`.
    pub complete: bool,
}

/// One input.
#[derive(Debug, Default, Clone)]
pub struct Input {
    /// Its name, where it first occurs.
    pub name: Text,
    /// Its URL, if it has one.
    pub url: Option<Text>,
    /// The other attributes of its source: type, owner, repo and so on.
    pub attrs: BTreeMap<String, Text>,
    /// Whether it is a flake; false for `flake = false`.
    pub is_flake: bool,
    /// The input that it follows, if any; may be an empty string.
    pub follows: Option<Text>,
    /// Its inputs that are overridden here.
    pub inputs: Vec<Input>,
    /// The position and form for a new line that overrides one of its inputs.
    pub anchor: Option<Anchor>,
    /// Whether any part of it is computed.
    pub computed: bool,
}

/// A string in the file and its span.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Text {
    /// The string.
    pub value: String,
    /// Its span.
    pub span: Span,
}

/// The position and form for a new line that overrides an input of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The offset to insert at.
    pub at: u32,
    /// The text before the line: a line break and indentation, or a blank.
    pub lead: String,
    /// The start of the line up to the name of the nested input: `home-manager.inputs.`.
    pub prefix: String,
    /// The rank of the form; higher is preferred. 1: a dotted name, 2: the input's set, 3: the set of its inputs.
    rank: u8,
}

impl Anchor {
    /// The line to insert after `lead`: `prefix`, and `path.follows = "target";`.
    pub fn line(&self, path: &str, target: &str) -> String {
        format!("{}{path}.follows = \"{target}\";", self.prefix)
    }
}

impl Input {
    /// Its source; `None` if it follows another input or is computed.
    pub fn reference(&self) -> Option<FlakeRef> {
        if self.follows.is_some() || self.computed {
            return None;
        }
        match &self.url {
            Some(url) => Some(FlakeRef::parse(&url.value)),
            // An input without a URL is looked up in the registry by its name.
            None if self.attrs.is_empty() => Some(FlakeRef::parse(&self.name.value)),
            None => {
                let attrs = self.attrs.iter().map(|(key, text)| (key.clone(), text.value.clone()));
                FlakeRef::from_attrs(&attrs.collect())
            }
        }
    }

    /// The span for its findings: its URL, or else its name.
    pub fn place(&self) -> Span {
        self.url.as_ref().map_or(self.name.span, |url| url.span)
    }

    /// The override of the input with this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name.value == name)
    }
}

impl Flake {
    /// Reads a flake.nix. `None` if it is not an attribute set.
    pub fn read(tree: &Tree<'_>) -> Option<Self> {
        let root = tree.children(tree.root()).find(|&node| tree.kind(node) != NodeKind::Comment)?;
        let root = nix::unwrap_parens(tree, root);
        if !is_set(tree, root) {
            return None;
        }
        let mut reader = Reader { tree, flake: Flake { complete: true, ..Flake::default() }, bindings: 0 };
        reader.set(root, &[], 0);
        Some(reader.flake)
    }

    /// Reads the inputs that a module declares in an option: `OPTION.inputs.NAME..`, as dotted names or nested sets.
    pub fn read_option(tree: &Tree<'_>, option: &str) -> Self {
        let mut reader = Reader { tree, flake: Flake { complete: true, ..Flake::default() }, bindings: 0 };
        for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
            let Some(attrpath) = nix::attrpath_node(tree, binding) else { continue };
            let path: Vec<_> = nix::names(tree, attrpath).collect();
            let mut names = path.iter().map(|name| name.text.as_deref());
            let Some(at) = names.position(|name| name == Some(option)) else { continue };
            let Some(value) = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value)) else { continue };
            match path.get(at + 1..).unwrap_or_default() {
                [] if is_set(tree, value) => reader.set(value, &[], 0),
                [] => {}
                rest => reader.member(binding, attrpath, value, rest.to_vec(), 0, 0),
            }
        }
        reader.flake
    }

    /// The input with a name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name.value == name)
    }

    /// The inputs that the outputs use without a declaration.
    pub fn implicit(&self) -> impl Iterator<Item = &Text> {
        self.arguments.iter().filter(|argument| self.input(&argument.value).is_none())
    }
}

/// The maximum nesting depth of inputs of inputs; real flakes use up to three levels.
const DEPTH: usize = 12;

/// The maximum number of bindings that are read in a file; hand-written files have far fewer.
const BINDINGS: usize = 10_000;

struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    flake: Flake,
    bindings: usize,
}

impl<'a> Reader<'_, 'a> {
    /// Reads the bindings of a set at a path.
    fn set(&mut self, set: Node, prefix: &[AttrName<'a>], depth: usize) {
        let tree = self.tree;
        if depth > DEPTH || self.bindings > BINDINGS {
            self.flake.complete = false;
            return;
        }
        self.anchor_in_set(set, prefix);
        let Some(bindings) = tree.child_of_kind(set, NodeKind::BindingSet) else { return };
        for member in tree.children(bindings) {
            self.bindings += 1;
            match tree.kind(member) {
                NodeKind::Binding if self.bindings > BINDINGS => self.flake.complete = false,
                NodeKind::Binding => self.binding(member, prefix, depth),
                NodeKind::Inherit | NodeKind::InheritFrom if !prefix.is_empty() => self.flake.complete = false,
                _ => {}
            }
        }
    }

    fn binding(&mut self, binding: Node, prefix: &[AttrName<'a>], depth: usize) {
        let tree = self.tree;
        let Some(attrpath) = nix::attrpath_node(tree, binding) else { return };
        let Some(value) = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value)) else { return };
        let mut path = prefix.to_vec();
        path.extend(nix::names(tree, attrpath));
        self.member(binding, attrpath, value, path, prefix.len(), depth);
    }

    /// Reads a binding. `path` is its whole path, whose first `outer` names come from the enclosing sets.
    fn member(
        &mut self,
        binding: Node,
        attrpath: Node,
        value: Node,
        path: Vec<AttrName<'a>>,
        outer: usize,
        depth: usize,
    ) {
        let tree = self.tree;
        match path.first().and_then(|name| name.text.as_deref()) {
            Some("inputs") => {}
            Some("outputs") => return self.outputs(attrpath, value),
            _ => return,
        }
        if outer == 0 && self.flake.inputs.is_empty() {
            self.flake.place = tree.span(path.get(1).map_or(attrpath, |name| name.node));
        }
        if path.iter().any(|name| name.text.is_none()) {
            self.flake.complete = false;
            return;
        }
        self.anchor_after(binding, attrpath, &path, outer);
        if is_set(tree, value) {
            self.touch(&path);
            self.set(value, &path, depth + 1);
        } else {
            self.leaf(&path, value);
        }
    }

    /// The input at a path `inputs.NAME..`, created if it is new, and the rest of the path.
    fn touch<'p>(&mut self, path: &'p [AttrName<'a>]) -> Option<(&mut Input, &'p [AttrName<'a>])> {
        let (name, mut rest) = path.get(1..)?.split_first()?;
        let mut input = entry(self.tree, &mut self.flake.inputs, name);
        while let [inputs, name, more @ ..] = rest {
            if inputs.text.as_deref() != Some("inputs") {
                break;
            }
            input = entry(self.tree, &mut input.inputs, name);
            rest = more;
        }
        Some((input, rest))
    }

    fn leaf(&mut self, path: &[AttrName<'a>], value: Node) {
        let text = text(self.tree, value);
        let no = self.tree.slice(value) == "false";
        let Some((input, rest)) = self.touch(path) else {
            self.flake.complete = false;
            return;
        };
        let [name] = rest else {
            input.computed |= rest.is_empty();
            return;
        };
        match (name.text.as_deref().unwrap_or(""), text) {
            ("flake", _) => input.is_flake = !no,
            ("url", Some(text)) => input.url = Some(text),
            ("follows", Some(text)) => input.follows = Some(text),
            (key @ ("type" | "owner" | "repo" | "ref" | "rev" | "id" | "dir" | "path" | "host"), Some(text)) => {
                input.attrs.insert(key.to_owned(), text);
            }
            ("url" | "follows" | "type" | "owner" | "repo" | "ref" | "rev" | "id", None) => input.computed = true,
            _ => {}
        }
    }

    fn outputs(&mut self, attrpath: Node, value: Node) {
        let tree = self.tree;
        if self.flake.place == Span::default() {
            self.flake.place = tree.span(attrpath);
        }
        let Some(formals) = tree.child_of_kind(value, NodeKind::Formals) else { return };
        for formal in tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal) {
            let Some(name) = tree.child(formal, Field::Name) else { continue };
            // Nix treats every argument as an input, even with a default.
            if tree.slice(name) != "self" {
                self.flake.arguments.push(Text { value: tree.slice(name).to_owned(), span: tree.span(name) });
            }
        }
    }

    /// Sets the anchor for `NAME = { .. };` and `NAME.inputs = { .. };`: a new line goes after the last one in the set.
    fn anchor_in_set(&mut self, set: Node, path: &[AttrName<'a>]) {
        let tree = self.tree;
        let (rank, prefix) = match path {
            [_, _] => (2, "inputs."),
            [_, _, inputs] if inputs.text.as_deref() == Some("inputs") => (3, ""),
            _ => return,
        };
        let last = tree.child_of_kind(set, NodeKind::BindingSet).and_then(|bindings| tree.children(bindings).last());
        let (at, lead) = match last {
            Some(last) => after(tree.text(), tree.span(last)),
            None => (tree.span(set).end.saturating_sub(1), String::new()),
        };
        self.offer(path, Anchor { at, lead, prefix: prefix.to_owned(), rank });
    }

    /// Sets the anchor for `inputs.NAME.url = ..;` or `NAME.url = ..;`: a new line in the same form goes after it.
    fn anchor_after(&mut self, binding: Node, attrpath: Node, path: &[AttrName<'a>], outer: usize) {
        let tree = self.tree;
        if outer > 1 || path.len() < 3 {
            return;
        }
        let Some(name) = path.get(1) else { return };
        let written = Span { start: tree.span(attrpath).start, end: tree.span(name.node).end };
        let prefix = format!("{}.inputs.", tree.text().get(written.range()).unwrap_or(""));
        let (at, lead) = after(tree.text(), tree.span(binding));
        self.offer(path, Anchor { at, lead, prefix, rank: 1 });
    }

    fn offer(&mut self, path: &[AttrName<'a>], anchor: Anchor) {
        if let Some((input, _)) = self.touch(path.get(..2).unwrap_or_default())
            && input.anchor.as_ref().is_none_or(|known| known.rank <= anchor.rank)
        {
            input.anchor = Some(anchor);
        }
    }
}

fn is_set(tree: &Tree<'_>, node: Node) -> bool {
    matches!(tree.kind(node), NodeKind::Attrset | NodeKind::RecAttrset)
}

fn entry<'i>(tree: &Tree<'_>, inputs: &'i mut Vec<Input>, name: &AttrName<'_>) -> &'i mut Input {
    let text = name.text.as_deref().unwrap_or("");
    let index = inputs.iter().position(|input| input.name.value == text).unwrap_or_else(|| {
        let name = Text { value: text.to_owned(), span: tree.span(name.node) };
        inputs.push(Input { name, is_flake: true, ..Input::default() });
        inputs.len() - 1
    });
    &mut inputs[index]
}

/// Reads a literal string, URL or path.
pub fn text(tree: &Tree<'_>, value: Node) -> Option<Text> {
    let text = match tree.kind(value) {
        NodeKind::String | NodeKind::IndentedString => nix::literal_string(tree, value)?.into_owned(),
        NodeKind::Uri | NodeKind::Path => tree.slice(value).to_owned(),
        _ => return None,
    };
    Some(Text { value: text, span: tree.span(value) })
}

/// The position for a line after a binding, and the text before that line.
fn after(text: &str, binding: Span) -> (u32, String) {
    let (before, rest) = (text.get(..binding.start as usize), text.get(binding.end as usize..));
    let (Some(before), Some(rest)) = (before, rest) else { return (binding.end, " ".to_owned()) };
    let indent = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    let tail = rest.lines().next().unwrap_or("");
    let alone = indent.trim().is_empty() && (tail.trim().is_empty() || tail.trim_start().starts_with('#'));
    if !alone {
        return (binding.end, " ".to_owned());
    }
    let line_break = if rest[tail.len()..].starts_with("\r\n") { "\r\n" } else { "\n" };
    (binding.end + tail.len() as u32, format!("{line_break}{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn read(text: &str) -> Flake {
        Flake::read(&Tree::parse(Language::Nix, text).unwrap()).unwrap()
    }

    #[test]
    fn inputs_are_read_in_every_form() {
        let flake = read(
            r#"{
              inputs.a.url = "github:o/a";
              inputs = {
                b = { url = "github:o/b"; flake = false; inputs.x.follows = "a"; };
                c.inputs = { y.follows = ""; z.inputs.w.url = "w"; };
                "d" = { type = "github"; owner = "NixOS"; repo = "nixpkgs"; ref = "master"; };
                e.url = github:o/e;
                f.follows = "c/y";
                g = { };
              };
              outputs = { self, a, h, i ? 1, ... }@args: { };
            }"#,
        );
        let names: Vec<_> = flake.inputs.iter().map(|input| input.name.value.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g"]);
        let follows = |input: &str, path: &[&str]| {
            let input = path.iter().fold(flake.input(input).unwrap(), |input, name| input.input(name).unwrap());
            input.follows.as_ref().map(|text| text.value.clone())
        };
        assert_eq!(follows("b", &["x"]).as_deref(), Some("a"));
        assert_eq!(follows("c", &["y"]).as_deref(), Some(""));
        assert_eq!(follows("f", &[]).as_deref(), Some("c/y"));
        assert_eq!(flake.input("c").unwrap().input("z").unwrap().input("w").unwrap().url.as_ref().unwrap().value, "w");
        assert!(!flake.input("b").unwrap().is_flake && flake.input("a").unwrap().is_flake);
        let shown = |name: &str| flake.input(name).unwrap().reference().map(|reference| reference.shown());
        assert_eq!(shown("d").as_deref(), Some("github:NixOS/nixpkgs/master"));
        assert_eq!(shown("e").as_deref(), Some("github:o/e"));
        assert_eq!(shown("f"), None);
        assert_eq!(shown("g").as_deref(), Some("g"));
        assert_eq!(flake.implicit().map(|text| text.value.as_str()).collect::<Vec<_>>(), ["h", "i"]);
        assert!(flake.complete);
    }

    #[test]
    fn computed_inputs_make_a_flake_incomplete() {
        assert!(!read("{ inputs = { inherit (x) a; }; outputs = _: { }; }").complete);
        assert!(!read("{ inputs.${x}.url = \"a\"; outputs = _: { }; }").complete);
        assert!(!read("{ inputs = import ./inputs.nix; outputs = _: { }; }").complete);
        assert!(read("{ inputs.a.url = \"x${y}\"; }").input("a").unwrap().reference().is_none());
        assert!(Flake::read(&Tree::parse(Language::Nix, "x: x").unwrap()).is_none());
    }

    /// The file with the new line for the input `a`.
    fn with_line(text: &str) -> String {
        let flake = read(text);
        let anchor = flake.input("a").unwrap().anchor.clone().unwrap();
        let mut text = text.to_owned();
        text.insert_str(anchor.at as usize, &format!("{}{}", anchor.lead, anchor.line("n", "n")));
        text
    }

    #[test]
    fn lines_are_written_in_the_files_own_form() {
        for (before, after) in [
            (
                "{\n  inputs.a.url = \"x\"; # why\n}",
                "{\n  inputs.a.url = \"x\"; # why\n  inputs.a.inputs.n.follows = \"n\";\n}",
            ),
            (
                "{\r\n  inputs.a.url = \"x\";\r\n}",
                "{\r\n  inputs.a.url = \"x\";\r\n  inputs.a.inputs.n.follows = \"n\";\r\n}",
            ),
            (
                "{ inputs = {\n  a.url = \"x\";\n}; }",
                "{ inputs = {\n  a.url = \"x\";\n  a.inputs.n.follows = \"n\";\n}; }",
            ),
            ("{ inputs.a = { url = \"x\"; }; }", "{ inputs.a = { url = \"x\"; inputs.n.follows = \"n\"; }; }"),
            (
                "{ inputs.a = {\n  url = \"x\";\n  inputs = {\n    m.follows = \"\";\n  };\n}; }",
                "{ inputs.a = {\n  url = \"x\";\n  inputs = {\n    m.follows = \"\";\n    n.follows = \"n\";\n  };\n}; }",
            ),
            (
                "{ inputs = { \"a\".url = \"x\"; }; }",
                "{ inputs = { \"a\".url = \"x\"; \"a\".inputs.n.follows = \"n\"; }; }",
            ),
            (
                "{\n  inputs.a.url = \"x\";\n  inputs.a.inputs.m.follows = \"m\";\n}",
                "{\n  inputs.a.url = \"x\";\n  inputs.a.inputs.m.follows = \"m\";\n  inputs.a.inputs.n.follows = \"n\";\n}",
            ),
        ] {
            assert_eq!(with_line(before), after);
            assert_eq!(read(after).input("a").unwrap().input("n").unwrap().follows.as_ref().unwrap().value, "n");
        }
    }
}
