//! Completion of registry entries, of free numbers in the registry, and of what a flake input can follow.

use gen_lsp_types::{CompletionItem, CompletionItemKind, CompletionItemTextEdit, TextEdit};

use super::position::Lines;
use crate::config::PortSettings;
use crate::facts::Project;
use crate::facts::flake::FlakeFacts;
use crate::facts::port_registry::{self, Entry, Registries, Registry, dotted, uses};
use crate::finding::Span;
use crate::lang::flake::Flake;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::lock::Lock;
use crate::lang::{Language, Tree};
use crate::port_map::next;
use crate::source::{FileKind, Source};

/// A name that is inserted at the cursor, so that an unfinished `ports.` parses as a selection.
const MARKER: &str = "flakewardCompletionMarker";

/// Maximum number of free numbers to offer.
const OFFERED: usize = 3;

/// The context of a completion.
pub struct Completion<'a> {
    /// The facts of the repository.
    pub project: &'a Project,
    /// The registries.
    pub registries: &'a Registries<'a>,
    /// What the configuration says about ports.
    pub ports: &'a PortSettings,
    /// The open document.
    pub source: &'a Source,
    /// Its line starts.
    pub lines: &'a Lines<'a>,
}

impl Completion<'_> {
    /// The completions at an offset.
    pub fn at(&self, offset: u32) -> Vec<CompletionItem> {
        let source = self.source;
        match source.kind {
            FileKind::Nix if self.registries.is_registry(&source.path) => self.numbers(offset),
            FileKind::Nix if source.file_name() == "flake.nix" => {
                let follows = self.follows(offset);
                if follows.is_empty() { self.entries(offset) } else { follows }
            }
            FileKind::Nix => self.entries(offset),
            _ => self.comment(offset),
        }
    }

    /// The part of a name before the cursor, and the text without it with the marker in its place.
    fn marked(&self, offset: u32) -> (Span, String) {
        let text = &self.source.text;
        let before = &text[..offset as usize];
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let start = before.trim_end_matches(is_name).len();
        let after = &text[offset as usize..];
        let rest = after.trim_start_matches(is_name);
        (Span::new(start, offset as usize), format!("{}{MARKER}{rest}", &text[..start]))
    }

    /// The names that can follow `ports.` here.
    fn entries(&self, offset: u32) -> Vec<CompletionItem> {
        let (span, text) = self.marked(offset);
        if !text[..span.start as usize].trim_end().ends_with('.') {
            return Vec::new();
        }
        let Some(tree) = Tree::parse(Language::Nix, &text) else { return Vec::new() };
        let found = uses::in_nix(&self.source.path, &tree, self.ports);
        let Some(at) = found.iter().find(|found| found.path.iter().any(|name| name == MARKER)) else {
            return Vec::new();
        };
        let Some(registry) = self.registries.at(&at.registry) else { return Vec::new() };
        let group: Vec<String> = at.path.iter().take_while(|name| *name != MARKER).cloned().collect();
        self.below(registry, &group, span)
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
            let detail = if is_entry { number_of(entry) } else { format!("group of {}", registry.path) };
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
        let before = &text[..offset as usize];
        let start = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let is_value = before[..start].trim_end_matches([' ', '\t']).ends_with('=');
        if !is_value {
            return Vec::new();
        }
        // With a number inserted, the entry and its group can be found.
        let rest = text[offset as usize..].trim_start_matches(|c: char| c.is_ascii_digit());
        let end = if rest.trim_start().starts_with(';') { "" } else { ";" };
        let whole = format!("{}1{end}{rest}", &text[..start]);
        let group = Tree::parse(Language::Nix, &whole)
            .and_then(|tree| port_registry::evaluate(&self.source.path, &tree, self.ports))
            .and_then(|registry| {
                let entry = registry.entries.iter().find(|entry| entry.value_span.start as usize == start)?;
                let (_, group) = registry.bare(entry).split_last()?;
                (!group.is_empty()).then(|| dotted(group))
            });
        let free = |group| next::several(self.project, self.registries, group, OFFERED);
        let numbers = free(group.as_deref()).or_else(|_| free(None)).unwrap_or_default();
        let detail = match &group {
            Some(group) => format!("free port near {group}"),
            None => "free port".to_owned(),
        };
        let span = Span::new(start, offset as usize);
        let items = numbers.iter().enumerate().map(|(rank, number)| CompletionItem {
            // Editors sort by label, but the nearest number may not come first.
            sort_text: Some(format!("{rank:02}")),
            preselect: (rank == 0).then_some(true),
            ..self.item(number.to_string(), detail.clone(), CompletionItemKind::Value, span)
        });
        items.collect()
    }

    /// Completes a comment `# Port from lib/ports.nix: `, in files that cannot import the registry.
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
        let registry = self.registries.at(path).or_else(|| self.registries.ending(path));
        let Some(registry) = registry else { return Vec::new() };
        let partial = partial.rsplit(',').next().unwrap_or(partial).trim_start();
        if partial.contains('=') {
            return Vec::new();
        }
        let span = Span::new(offset as usize - partial.len(), offset as usize);
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

    fn registry_paths(&self, partial: &str, offset: u32) -> Vec<CompletionItem> {
        let span = Span::new(offset as usize - partial.len(), offset as usize);
        let all = self.registries.all().iter();
        all.map(|registry| {
            let detail = "port registry".to_owned();
            self.item(registry.path.to_string(), detail, CompletionItemKind::File, span)
        })
        .collect()
    }

    /// Completes the inputs after `follows = "`, and the inputs of an input after `inputs.NAME.inputs.`.
    fn follows(&self, offset: u32) -> Vec<CompletionItem> {
        let Some(flake) = self.flake() else { return Vec::new() };
        let line = self.lines.line_at(offset);
        let before = &self.source.text[line.start as usize..offset as usize];
        if let Some((_, partial)) = before.rsplit_once("follows").and_then(|(head, rest)| {
            let value = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
            (!value.contains('"')).then_some((head, value))
        }) {
            let span = Span::new(offset as usize - partial.len(), offset as usize);
            let owner = owner_of(before);
            let inputs = flake.inputs.iter().filter(|input| Some(input.name.value.as_str()) != owner);
            return inputs
                .map(|input| {
                    let detail = input.reference().as_ref().map(FlakeRef::shown).unwrap_or_default();
                    self.item(input.name.value.clone(), detail, CompletionItemKind::Module, span)
                })
                .collect();
        }
        self.inputs_of_input(before, offset)
    }

    fn inputs_of_input(&self, before: &str, offset: u32) -> Vec<CompletionItem> {
        let Some((owner, partial)) = before.trim_start().trim_start_matches("inputs.").split_once(".inputs.") else {
            return Vec::new();
        };
        let Some(lock) = self.lock() else { return Vec::new() };
        let Some(node) = lock.root_input(owner).and_then(|label| lock.nodes.get(label)) else { return Vec::new() };
        let span = Span::new(offset as usize - partial.len(), offset as usize);
        let names = node.inputs.keys();
        names
            .map(|name| {
                let detail = format!("input of {owner}");
                let mut item = self.item(name.clone(), detail, CompletionItemKind::Module, span);
                let new_text = format!("{name}.follows = \"{name}\";");
                let edit = TextEdit { range: self.lines.range(span), new_text };
                item.text_edit = Some(CompletionItemTextEdit::TextEdit(edit));
                item
            })
            .collect()
    }

    fn flake(&self) -> Option<&Flake> {
        self.project.file(&self.source.path)?.fact::<FlakeFacts>()?.flake.as_deref()
    }

    fn lock(&self) -> Option<&Lock> {
        let path = format!("{}flake.lock", self.source.path.strip_suffix("flake.nix")?);
        self.project.file(&path)?.fact::<FlakeFacts>()?.lock.as_deref()
    }
}

/// The input that a line belongs to: `home-manager` in `inputs.home-manager.inputs.nixpkgs.follows`.
fn owner_of(line: &str) -> Option<&str> {
    line.trim_start().trim_start_matches("inputs.").split(['.', ' ']).next()
}

fn number_of(entry: &Entry) -> String {
    entry.port().map_or_else(|| "not a port number".to_owned(), |number| number.to_string())
}
