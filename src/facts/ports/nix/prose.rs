//! Classifies strings in Nix: values, scripts, or prose.

use super::Collector;
use crate::facts::ports::text::Flavour;
use crate::facts::ports::{flow, words};
use crate::knowledge::prose;
use crate::lang::{Field, Node, NodeKind, nix};

impl<'a> Collector<'_, 'a> {
    /// Whether a value, with its text if it is a string, is prose: the name of its attribute indicates prose, or the
    /// value is (part of) a document or an option's example. The names of service instances in the path are ignored.
    pub(super) fn is_prose(&self, value: Node, text: Option<&str>) -> bool {
        let tree = self.tree;
        let bindings = tree.ancestors(value).filter(|&node| tree.kind(node) == NodeKind::Binding);
        for (depth, binding) in bindings.enumerate() {
            let last = nix::attrpath_node(tree, binding).and_then(|path| tree.children(path).last());
            let Some(name) = last.and_then(|name| nix::name_text(tree, name)) else { continue };
            if depth == 0 && text.is_some() && self.is_of_document(binding, &name) {
                return true;
            }
            let is_noun = prose::NOUNS.contains(&name.as_ref());
            if !is_noun && !prose::ATTRIBUTES.contains(&name.as_ref()) {
                continue;
            }
            let is_text = depth == 0 && text.is_some_and(|text| !is_noun || !is_address(text));
            if is_text || self.is_of_option(binding) {
                return true;
            }
        }
        false
    }

    /// Whether a binding is the text of a document: `environment.etc."services.md".text`.
    fn is_of_document(&self, binding: Node, name: &str) -> bool {
        let path = || self.path(binding).unwrap_or_default();
        name == "text" && path().iter().rev().nth(1).is_some_and(|file| is_document(file))
    }

    /// Whether a binding belongs to an option declaration: next to a `type`, or in the argument of `mkOption` or the
    /// like.
    pub(super) fn is_of_option(&self, binding: Node) -> bool {
        let tree = self.tree;
        let is_maker = |(name, _): (&str, usize)| {
            let name = nix::last_name(name);
            name.starts_with("mk") && name.contains("Opt")
        };
        let mut calls = tree.ancestors(binding).take_while(|&node| tree.kind(node) != NodeKind::Binding);
        if calls.any(|node| tree.kind(node) == NodeKind::Apply && flow::function(tree, node).is_some_and(is_maker)) {
            return true;
        }
        tree.parent(binding).is_some_and(|set| {
            tree.children(set).any(|member| {
                tree.kind(member) == NodeKind::Binding
                    && nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "type")
            })
        })
    }

    /// Whether a string is an argument of a function that prints it as a message.
    pub(super) fn is_prose_argument(&self, node: Node) -> bool {
        let tree = self.tree;
        tree.ancestors(node)
            .take_while(|&node| {
                !matches!(tree.kind(node), NodeKind::Binding | NodeKind::Function | NodeKind::Interpolation)
            })
            .filter(|&node| tree.kind(node) == NodeKind::Apply)
            .any(|apply| {
                flow::function(tree, apply).is_some_and(|(function, index)| {
                    let name = nix::last_name(function);
                    prose::FUNCTIONS.contains(&name)
                        || name == "writeText" && self.writes_document(apply)
                        || index > 0 && self.is_description(apply, name, node)
                })
            })
    }

    /// Whether a string is the description in a configuration's own shorthand for `mkOption`: the last argument, with
    /// several words, as in `mkOpt types.str "" "The URL, for example http://localhost:8096"`.
    fn is_description(&self, apply: Node, function: &str, string: Node) -> bool {
        let tree = self.tree;
        let is_last = || tree.field(apply) != Field::Function && tree.parent(string) == Some(apply);
        let short = function.strip_prefix("mk").is_some_and(|rest| rest.contains("Opt"));
        short && is_last() && tree.slice(string).trim().contains(' ')
    }

    /// Whether a call writes a document: `writeText "README.md" ''..''`.
    fn writes_document(&self, apply: Node) -> bool {
        let tree = self.tree;
        let arguments = nix::call(tree, apply).map(|(_, arguments)| arguments).unwrap_or_default();
        let file = arguments.first().and_then(|&file| nix::literal_string(tree, nix::unwrap_parens(tree, file)));
        file.is_some_and(|file| is_document(&file))
    }

    /// The flavour of a string's text, judging by its name, the function that it is passed to, or its first line.
    pub(super) fn flavour(&self, node: Node, path: &[String], text: &str) -> Flavour {
        let tree = self.tree;
        let function = tree
            .ancestors(node)
            .take_while(|&node| tree.kind(node) != NodeKind::Binding)
            .filter(|&node| tree.kind(node) == NodeKind::Apply)
            .find_map(|apply| flow::function(tree, apply))
            .map_or("", |(name, _)| nix::last_name(name));
        let by_function = function.contains("Shell") || function.contains("runCommand") || function.contains("Script");
        let by_name = path
            .last()
            .is_some_and(|last| words::split(last).iter().any(|word| prose::SCRIPT_WORDS.contains(&word.as_str())));
        if by_function || by_name || text.trim_start().starts_with("#!") {
            Flavour::Script
        } else if text.trim().contains('\n') {
            Flavour::Config
        } else {
            Flavour::Value
        }
    }
}

/// Whether a file with this name contains prose.
fn is_document(file: &str) -> bool {
    [".md", ".markdown", ".rst", ".adoc"].iter().any(|end| file.ends_with(end))
}

/// Whether a string is one word with a colon: `"127.0.0.1:3000"`, `"http://localhost:3000"`. A URL counts only if it
/// refers to this machine.
pub(super) fn is_address(text: &str) -> bool {
    let word = text.trim_matches(['"', '\'']);
    !word.is_empty()
        && !word.contains(char::is_whitespace)
        && word.contains(':')
        && (!word.contains("://") || word.contains("localhost") || word.contains("127.0.0.1"))
}
