//! Completion of registry entries, of free numbers in the registry, and of the inputs that a flake input can follow.

use std::borrow::Cow;

use gen_lsp_types::{CompletionItem, CompletionItemKind, CompletionItemTextEdit, TextEdit};

use super::position::Lines;
use super::symbols::Symbols;
use crate::config::PortSettings;
use crate::facts::Project;
use crate::facts::flake::FlakeFacts;
use crate::facts::port_registry::{self, Access, Entry, Registry, RegistryFacts, dotted, uses};
use crate::finding::Span;
use crate::lang::flake::Flake;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::lock::Lock;
use crate::lang::nix;
use crate::lang::{Language, Node, NodeKind, Tree};
use crate::port_map::next;
use crate::source::{FileKind, Source};

/// A name that is inserted at the cursor, so that an unfinished `ports.` parses as a selection.
const MARKER: &str = "flakewardCompletionMarker";

/// The maximum number of free numbers to offer.
const OFFERED: usize = 3;

/// The context of a completion.
pub struct Completion<'a, 'p> {
    /// The facts of the repository.
    pub project: &'a Project,
    /// The registries and what refers to them.
    pub symbols: &'a Symbols<'p>,
    /// The settings for ports.
    pub ports: &'a PortSettings,
    /// The open document.
    pub source: &'a Source,
    /// Its line starts.
    pub lines: &'a Lines<'a>,
}

impl Completion<'_, '_> {
    /// The completions at an offset.
    pub fn at(&self, offset: u32) -> Vec<CompletionItem> {
        let source = self.source;
        match source.kind {
            FileKind::Nix if self.symbols.registries.is_registry(&source.path) => self.numbers(offset),
            FileKind::Nix if source.file_name() == "flake.nix" => {
                let follows = self.follows(offset);
                if follows.is_empty() { self.entries(offset) } else { follows }
            }
            FileKind::Nix => self.entries(offset),
            _ => self.comment(offset),
        }
    }

    /// The span of the name around the cursor, which an item replaces.
    fn word(&self, offset: u32, is_name: impl Fn(char) -> bool) -> Span {
        let (before, after) = self.source.text.split_at(offset as usize);
        let start = before.trim_end_matches(&is_name).len();
        let rest = after.trim_start_matches(&is_name).len();
        Span::new(start, self.source.text.len() - rest)
    }

    /// The names that can follow `ports.` here.
    fn entries(&self, offset: u32) -> Vec<CompletionItem> {
        let text = &self.source.text;
        let span = self.word(offset, is_name);
        let (before, after) = (&text[..span.start as usize], &text[span.end as usize..]);
        if !before.trim_end().ends_with('.') {
            return Vec::new();
        }
        let path = &self.source.path;
        let facts = self.project.file(path).and_then(|file| file.fact::<RegistryFacts>());
        let is_using = facts.is_some_and(|facts| !facts.uses.is_empty() || !facts.arguments.is_empty());
        for end in endings(before, is_using) {
            let text = format!("{before}{MARKER}{end}{after}");
            let Some(tree) = Tree::parse(Language::Nix, &text) else { continue };
            let imports = uses::in_nix(path, &tree, self.ports).into_iter();
            let mut found = imports.chain(uses::of_arguments(&tree));
            let Some(at) = found.find(|found| found.path.iter().any(|name| name == MARKER)) else { continue };
            let registry = match at.access {
                Access::Import => self.symbols.registries.at(&at.registry),
                _ => self.symbols.registry_of(path, &at),
            };
            let Some(registry) = registry else { continue };
            let group: Vec<String> = at.path.iter().take_while(|name| *name != MARKER).cloned().collect();
            return self.below(registry, &group, span);
        }
        Vec::new()
    }

    /// The entries and groups directly in a group.
    fn below(&self, registry: &Registry, group: &[String], span: Span) -> Vec<CompletionItem> {
        let mut items: Vec<CompletionItem> = Vec::new();
        for entry in registry.below(group) {
            let Some(name) = entry.path.get(group.len()) else { continue };
            let label = dotted(std::slice::from_ref(name));
            if items.last().is_some_and(|item| item.label == label) {
                continue;
            }
            let is_entry = entry.path.len() == group.len() + 1;
            let detail = if is_entry { number_of(entry) } else { format!("group in {}", registry.path) };
            let kind = if is_entry { CompletionItemKind::Constant } else { CompletionItemKind::Module };
            items.push(self.item(label, detail, kind, span));
        }
        items
    }

    fn item(&self, label: String, detail: String, kind: CompletionItemKind, span: Span) -> CompletionItem {
        let edit = TextEdit { range: self.lines.range(span), new_text: label.clone() };
        CompletionItem {
            detail: Some(detail),
            kind: Some(kind),
            text_edit: Some(CompletionItemTextEdit::TextEdit(edit)),
            label,
            ..CompletionItem::default()
        }
    }

    /// Free numbers, to the right of the `=` of a registry entry.
    fn numbers(&self, offset: u32) -> Vec<CompletionItem> {
        let text = &self.source.text;
        let span = self.word(offset, |c| c.is_ascii_digit());
        let start = span.start as usize;
        let is_value = text[..start].trim_end_matches([' ', '\t']).ends_with('=');
        if !is_value {
            return Vec::new();
        }
        // With a number inserted, the entry and its group can be parsed.
        let rest = &text[span.end as usize..];
        let end = if rest.trim_start().starts_with(';') { "" } else { ";" };
        let whole = format!("{}1{end}{rest}", &text[..start]);
        let tree = Tree::parse(Language::Nix, &whole);
        let registry = tree.and_then(|tree| port_registry::evaluate(&self.source.path, &tree, self.ports));
        let near = registry.as_ref().and_then(|registry| neighbours(registry, start, &text[span.range()]));
        let (detail, near) = near.unwrap_or_else(|| {
            let all = self.symbols.registries.all().iter().flat_map(|registry| registry.ports());
            ("free port".to_owned(), all.map(|(_, port)| port).collect())
        });
        let mut taken = next::taken(self.project, self.symbols.registries);
        // Without the number, the document may have syntax errors, so the project may lack the registry's entries.
        let here = registry.iter().flat_map(|registry| registry.ports()).filter(|(entry, _)| !is_at(entry, start));
        taken.extend(here.map(|(_, port)| u32::from(port)));
        let typed = &text[start..offset as usize];
        let numbers = next::near_to(&near, &taken, usize::MAX).into_iter();
        let numbers = numbers.filter(|number| number.to_string().starts_with(typed)).take(OFFERED);
        let items = numbers.enumerate().map(|(rank, number)| CompletionItem {
            // Editors sort by label, but the nearest number may not come first.
            sort_text: Some(format!("{rank:02}")),
            preselect: (rank == 0).then_some(true),
            ..self.item(number.to_string(), detail.clone(), CompletionItemKind::Value, span)
        });
        items.collect()
    }

    /// Completes an entry in a comment `# Port from lib/ports.nix: `, in files that cannot import the registry.
    fn comment(&self, offset: u32) -> Vec<CompletionItem> {
        let line = self.lines.line_at(offset);
        let before = &self.source.text[line.start as usize..offset as usize];
        let Some((_, comment)) = before.split_once('#') else { return Vec::new() };
        let words = comment.trim_start().trim_start_matches(['P', 'p']).trim_start_matches("ort");
        let Some(rest) = words.trim_start_matches('s').trim_start().strip_prefix("from ") else { return Vec::new() };
        let Some((path, partial)) = rest.split_once(':') else {
            return self.registry_paths(rest, offset);
        };
        let path = path.trim().trim_matches('`');
        let registry = self.symbols.registries.at(path).or_else(|| self.symbols.registries.ending(path));
        let Some(registry) = registry else { return Vec::new() };
        let partial = partial.rsplit(',').next().unwrap_or(partial).trim_start();
        if partial.contains('=') {
            return Vec::new();
        }
        let span = Span::new(offset as usize - partial.len(), offset as usize + self.commented(offset).len());
        let items = registry.ports().map(|(entry, number)| {
            let name = dotted(registry.bare(entry));
            let mut item = self.item(name.clone(), number.to_string(), CompletionItemKind::Constant, span);
            let new_text = format!("{name} = {number}");
            let edit = TextEdit { range: self.lines.range(span), new_text };
            item.text_edit = Some(CompletionItemTextEdit::TextEdit(edit));
            item
        });
        items.collect()
    }

    /// The rest of an entry in a comment: the end of its name, and its number.
    fn commented(&self, offset: u32) -> &str {
        let line = self.lines.line_at(offset);
        let rest = &self.source.text[offset as usize..line.end as usize];
        let after = rest.trim_start_matches(|c| is_name(c) || matches!(c, '.' | '"'));
        let number = after.trim_start().strip_prefix('=').map(str::trim_start);
        let end = match number.filter(|number| number.starts_with(|c: char| c.is_ascii_digit())) {
            Some(number) => number.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => after,
        };
        &rest[..rest.len() - end.len()]
    }

    fn registry_paths(&self, partial: &str, offset: u32) -> Vec<CompletionItem> {
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let end = self.word(offset, is_path).end as usize;
        let span = Span::new(offset as usize - partial.len(), end);
        let all = self.symbols.registries.all().iter();
        all.map(|registry| {
            let detail = "port registry".to_owned();
            self.item(registry.path.to_string(), detail, CompletionItemKind::File, span)
        })
        .collect()
    }

    /// Completes the inputs after `follows = "`, and the inputs of an input after `inputs.NAME.inputs.`.
    fn follows(&self, offset: u32) -> Vec<CompletionItem> {
        let line = self.lines.line_at(offset);
        let before = &self.source.text[line.start as usize..offset as usize];
        let value = before.rsplit_once("follows").and_then(|(_, rest)| {
            let value = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
            (!value.contains('"')).then_some(value)
        });
        match value {
            Some(value) => self.followed(offset, value),
            None => self.inputs_of_input(before, offset),
        }
    }

    /// The inputs that an input can follow: the other inputs of the flake and, after a slash, the inputs of one of
    /// them.
    fn followed(&self, offset: u32, value: &str) -> Vec<CompletionItem> {
        let text = &self.source.text;
        let rest = &text[offset as usize..];
        let rest = &rest[..rest.find(['"', '\r', '\n', ';', ' ']).unwrap_or(rest.len())];
        let span = Span::new(offset as usize - value.len(), offset as usize + rest.len());
        let (before, after) = (&text[..span.start as usize], &text[span.end as usize..]);
        let end = match (after.starts_with('"'), after.trim_start_matches([' ', '\t']).starts_with(';')) {
            (true, _) => "",
            (false, true) => "\"",
            (false, false) => "\";",
        };
        // With the string closed, the other inputs can be parsed.
        let Some((path, flake)) = self.marked_path(&format!("{before}{MARKER}{end}{after}")) else { return Vec::new() };
        let owner = match path.iter().position(|name| name == "inputs") {
            Some(at) => path.get(at + 1),
            None => None,
        };
        if let Some((around, _)) = value.rsplit_once('/') {
            return self.nested(around, owner, span);
        }
        let inputs = flake.inputs.iter().filter(|input| Some(&input.name.value) != owner);
        let items = inputs.map(|input| {
            let detail = input.reference().as_ref().map(FlakeRef::shown).unwrap_or_default();
            self.item(input.name.value.clone(), detail, CompletionItemKind::Module, span)
        });
        items.collect()
    }

    /// The inputs of a locked input, as paths: `home-manager/nixpkgs`. An input cannot follow one of its own inputs.
    fn nested(&self, around: &str, owner: Option<&String>, span: Span) -> Vec<CompletionItem> {
        let Some(lock) = self.lock().filter(|_| around.split('/').next() != owner.map(String::as_str)) else {
            return Vec::new();
        };
        let locked = around.split('/').try_fold(lock.root.as_str(), |node, name| lock.resolve(node, name).ok());
        let Some(node) = locked.and_then(|label| lock.nodes.get(label)) else { return Vec::new() };
        let names = node.inputs.keys();
        let detail = format!("input of {around}");
        names
            .map(|name| self.item(format!("{around}/{name}"), detail.clone(), CompletionItemKind::Module, span))
            .collect()
    }

    /// The path of the attribute whose name or value contains the marker, and the flake, if both can be parsed.
    fn marked_path(&self, text: &str) -> Option<(Vec<String>, Flake)> {
        let tree = Tree::parse(Language::Nix, text)?;
        let at = text.find(MARKER)?;
        let node = tree.covering(Span::new(at, at + MARKER.len()));
        let is_binding = |node: &Node| tree.kind(*node) == NodeKind::Binding;
        let binding = std::iter::once(node).chain(tree.ancestors(node)).find(is_binding)?;
        let path = nix::attr_path(&tree, binding)?;
        let path = path.into_iter().map(|name| name.text.map(Cow::into_owned)).collect::<Option<_>>()?;
        Some((path, Flake::read(&tree)?))
    }

    fn inputs_of_input(&self, before: &str, offset: u32) -> Vec<CompletionItem> {
        let span = self.word(offset, is_name);
        if !before.trim_end_matches(is_name).ends_with('.') {
            return Vec::new();
        }
        let text = &self.source.text;
        let (head, tail) = (&text[..span.start as usize], &text[span.end as usize..]);
        // The rest of the attribute may already be there.
        let is_written = tail.starts_with('.') || tail.trim_start_matches([' ', '\t']).starts_with('=');
        let end = if is_written { "" } else { " = 1;" };
        let Some((path, flake)) = self.marked_path(&format!("{head}{MARKER}{end}{tail}")) else { return Vec::new() };
        let path: Vec<&str> = path.iter().map(String::as_str).take_while(|name| *name != MARKER).collect();
        let ["inputs", owner, "inputs"] = path.as_slice() else { return Vec::new() };
        let Some(lock) = self.lock() else { return Vec::new() };
        let Some(node) = lock.root_input(owner).and_then(|label| lock.nodes.get(label)) else { return Vec::new() };
        let has = |name: &str| flake.inputs.iter().any(|input| input.name.value == name);
        let overridden =
            flake.inputs.iter().find(|input| input.name.value == *owner).map_or(&[][..], |input| &input.inputs);
        let names = node.inputs.keys().filter(|name| !overridden.iter().any(|input| input.name.value == **name));
        names
            .map(|name| {
                let detail = format!("input of {owner}");
                let mut item = self.item(name.clone(), detail, CompletionItemKind::Module, span);
                // Nix rejects a `follows` for an input that does not exist.
                if !is_written && has(name) {
                    let new_text = format!("{name}.follows = \"{name}\";");
                    let edit = TextEdit { range: self.lines.range(span), new_text };
                    item.text_edit = Some(CompletionItemTextEdit::TextEdit(edit));
                }
                item
            })
            .collect()
    }

    fn lock(&self) -> Option<&Lock> {
        let path = format!("{}flake.lock", self.source.path.strip_suffix("flake.nix")?);
        self.project.file(&path)?.fact::<FlakeFacts>()?.lock.as_deref()
    }
}

/// Whether the number of an entry starts at an offset.
fn is_at(entry: &Entry, start: usize) -> bool {
    entry.value_span.start as usize == start
}

/// The innermost group around an entry that contains other numbers: its description, and these numbers with the entry's
/// current one. `None` if no group has other numbers.
fn neighbours(registry: &Registry, start: usize, written: &str) -> Option<(String, Vec<u16>)> {
    let entry = registry.entries.iter().find(|entry| is_at(entry, start))?;
    let others = |group: &[String]| -> Vec<u16> {
        let below = registry.below(group).filter(|other| !is_at(other, start));
        below.filter_map(Entry::port).collect()
    };
    // The number of names in the path of the set that contains all ports.
    let outermost = entry.path.len() - registry.bare(entry).len();
    (outermost..entry.path.len()).rev().find_map(|length| {
        let numbers = others(&entry.path[..length]);
        let detail = match &entry.path[outermost..length] {
            [] => "free port".to_owned(),
            group => format!("free port near {}", dotted(group)),
        };
        (!numbers.is_empty()).then(|| (detail, numbers.into_iter().chain(written.parse()).collect()))
    })
}

/// Whether a character can be part of a name.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'')
}

/// The endings that may be required after a name for the document to parse: nothing, or the end of an unfinished
/// statement, interpolation, string or parenthesis.
fn endings(before: &str, is_using: bool) -> impl Iterator<Item = &'static str> {
    let is_open = |open: &str, close: char| before.rfind(open).is_some_and(|at| !before[at..].contains(close));
    let (in_parens, in_hole) = (is_open("(", ')'), is_open("${", '}'));
    let all = [
        (true, ""),
        (is_using, ";"),
        (is_using && in_hole, "}"),
        (is_using && in_hole, "}\""),
        (is_using && in_hole, "}\";"),
        (is_using && in_hole, "}'';"),
        (is_using && in_parens, ")"),
        (is_using && in_parens, ");"),
        (is_using && in_parens && in_hole, ")}"),
        (is_using && in_parens && in_hole, ")}\""),
        (is_using && in_parens && in_hole, ")}\";"),
        (is_using && in_parens && in_hole, ")}'';"),
    ];
    all.into_iter().filter(|(may_fit, _)| *may_fit).map(|(_, end)| end)
}

fn number_of(entry: &Entry) -> String {
    entry.port().map_or_else(|| "not a port number".to_owned(), |number| number.to_string())
}
