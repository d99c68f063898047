//! Requests about a document: from parameters to results.

use std::sync::Arc;

use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, Request};
use serde::Serialize;
use serde_json::{Value, json};

use super::completion::Completion;
use super::edits::{self, Target};
use super::hover::{self, Hovers};
use super::inputs::Inputs;
use super::position::{Encoding, Lines};
use super::registry_page;
use super::server::{Refusal, Server, parse};
use super::side::{Occurrence, Role};
use super::symbols::{Meaning, Symbol, Symbols};
use super::workspace::{Root, State, Workspace};
use crate::facts::port_registry::{Registries, dotted};
use crate::finding::{Edit, RelPath, Span};
use crate::rewrite::relocate;
use crate::source::{FileKind, Source};
use crate::walk;

/// The command that shows the uses of an entry, which clients implement.
const SHOW_USES: &str = "flakeward.showReferences";

/// The result of a request.
pub(super) type Answer = Result<Value, Refusal>;

/// The document of a request.
pub(super) struct Place {
    /// Its repository, or the file itself.
    pub root: Root,
    /// Its path within the repository.
    pub relative: RelPath,
    /// Its text.
    pub source: Arc<Source>,
}

/// The read-only context of a request about a document.
struct View<'a> {
    workspace: &'a Workspace,
    state: &'a State,
    symbols: Symbols<'a>,
    source: &'a Source,
    lines: Lines<'a>,
    server: &'a Server,
}

impl Server {
    /// The result of a request.
    pub(super) fn result(&mut self, request: Request) -> Answer {
        let params = request.params;
        match request.method.as_str() {
            "textDocument/hover" => self.hover(parse(params)?),
            "textDocument/definition" => self.definition(parse(params)?),
            "textDocument/references" => self.references(parse(params)?),
            "textDocument/documentHighlight" => self.highlights(parse(params)?),
            "textDocument/documentSymbol" => self.outline(parse(params)?),
            "textDocument/completion" => self.completion(parse(params)?),
            "textDocument/inlayHint" => self.hints(parse(params)?),
            "textDocument/codeLens" => self.lenses(parse(params)?),
            "textDocument/codeAction" => self.actions(parse(params)?),
            "codeAction/resolve" => self.resolve(parse(params)?),
            "textDocument/prepareRename" => self.prepare_rename(parse(params)?),
            "textDocument/rename" => self.rename(parse(params)?),
            "textDocument/diagnostic" => self.document_diagnostics(parse(params)?),
            "workspace/diagnostic" => self.workspace_diagnostics(parse(params)?),
            "workspace/executeCommand" => self.execute(parse(params)?),
            method => Err(Refusal::new(ErrorCode::MethodNotFound, format!("`{method}` is not supported"))),
        }
    }

    /// The document of a URI: the open text, or else the text of the file. `None` for files that flakeward does not
    /// check.
    pub(super) fn place(&mut self, uri: &lsp::Uri) -> Option<Place> {
        let (root, path, relative) = self.locate(uri)?;
        let kind = walk::by_name(&relative);
        let source = match self.documents.get(&path) {
            Some(document) => Arc::new(Source::new(&relative, kind?, document.text.clone())),
            None => {
                let workspace = self.workspaces.get_mut(&root)?;
                workspace.state().source(&relative)?.clone()
            }
        };
        Some(Place { root, relative, source })
    }

    /// Answers a request about a document. `null` if flakeward does not check it.
    fn ask<T: Serialize>(&mut self, uri: &lsp::Uri, question: impl FnOnce(&View<'_>) -> Option<T>) -> Answer {
        let Some(place) = self.place(uri) else { return Ok(Value::Null) };
        if let Some(workspace) = self.workspaces.get_mut(&place.root) {
            workspace.state();
        }
        let Some(workspace) = self.workspaces.get(&place.root) else { return Ok(Value::Null) };
        let Some(state) = workspace.known() else { return Ok(Value::Null) };
        let registries = Registries::of(&state.project);
        let view = View {
            workspace,
            state,
            symbols: Symbols::new(&state.project, &registries, &workspace.settings().config.ports),
            source: &place.source,
            lines: Lines::new(&place.source.text, self.client.encoding),
            server: self,
        };
        json_of(question(&view))
    }

    fn hover(&mut self, params: lsp::HoverParams) -> Answer {
        let at = params.text_document_position_params;
        let markdown = self.client.markdown;
        self.ask(&at.text_document.uri, |view| {
            let (text, span) = view.hover(view.lines.offset(at.position))?;
            let contents = match markdown {
                true => lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: text },
                false => lsp::MarkupContent { kind: lsp::MarkupKind::PlainText, value: hover::plain(&text) },
            };
            Some(lsp::Hover { contents: lsp::Contents::MarkupContent(contents), range: Some(view.lines.range(span)) })
        })
    }

    fn definition(&mut self, params: lsp::DefinitionParams) -> Answer {
        let at = params.text_document_position_params;
        self.ask(&at.text_document.uri, |view| {
            let symbol = view.symbol(at.position)?;
            let definitions: Vec<lsp::Location> = match symbol.meaning {
                Meaning::Entry(registry, entry) => vec![view.location(&registry.path, entry.name_span)],
                Meaning::Group(registry, path) => {
                    let written = view.symbols.group_names(registry).into_iter().find(|group| group.path == path);
                    let first = || registry.below(&path).map(|entry| entry.name_span).min();
                    vec![view.location(&registry.path, written.map(|group| group.span).or_else(first)?)]
                }
                Meaning::Number(_, entries) => {
                    let entries = entries.iter();
                    entries.map(|(registry, entry)| view.location(&registry.path, entry.name_span)).collect()
                }
            };
            (!definitions.is_empty()).then_some(definitions)
        })
    }

    fn references(&mut self, params: lsp::ReferenceParams) -> Answer {
        let at = params.text_document_position_params;
        let with_definition = params.context.include_declaration;
        self.ask(&at.text_document.uri, |view| {
            let symbol = view.symbol(at.position)?;
            let found = view.occurrences(&symbol);
            let wanted = found.into_iter().filter(|found| with_definition || found.role != Role::Definition);
            Some(wanted.map(|found| view.location(found.path, found.span)).collect::<Vec<_>>())
        })
    }

    fn highlights(&mut self, params: lsp::DocumentHighlightParams) -> Answer {
        let at = params.text_document_position_params;
        self.ask(&at.text_document.uri, |view| {
            let symbol = view.symbol(at.position)?;
            let here = view.occurrences(&symbol).into_iter().filter(|found| **found.path == *view.source.path);
            let highlights = here.map(|found| lsp::DocumentHighlight {
                range: view.lines.range(found.span),
                kind: Some(match found.role {
                    Role::Definition => lsp::DocumentHighlightKind::Write,
                    _ => lsp::DocumentHighlightKind::Read,
                }),
            });
            Some(highlights.collect::<Vec<_>>())
        })
    }

    fn outline(&mut self, params: lsp::DocumentSymbolParams) -> Answer {
        let is_nested = self.client.nested_symbols;
        self.ask(&params.text_document.uri, |view| {
            let registry = view.symbols.registries.at(&view.source.path)?;
            let outline = registry_page::outline(registry, &view.symbols.group_names(registry), &view.lines);
            Some(match is_nested {
                true => json!(outline),
                false => json!(registry_page::flat(outline, &view.uri(&view.source.path))),
            })
        })
    }

    fn completion(&mut self, params: lsp::CompletionParams) -> Answer {
        let at = params.text_document_position_params;
        self.ask(&at.text_document.uri, |view| {
            let completion = Completion {
                project: &view.state.project,
                symbols: &view.symbols,
                ports: &view.workspace.settings().config.ports,
                source: view.source,
                lines: &view.lines,
            };
            let items = completion.at(view.lines.offset(at.position));
            (!items.is_empty()).then_some(items)
        })
    }

    fn hints(&mut self, params: lsp::InlayHintParams) -> Answer {
        if !self.inlay_hints {
            return Ok(Value::Null);
        }
        self.ask(&params.text_document.uri, |view| {
            let asked = view.lines.span(params.range);
            let references = view.symbols.numbered_references(&view.source.path).into_iter();
            let inside = references.filter(|(span, ..)| (asked.start..=asked.end).contains(&span.end));
            let hints = inside.map(|(span, entry, number)| lsp::InlayHint {
                position: view.lines.position(span.end),
                label: lsp::Label::String(format!("= {number}")),
                kind: None,
                text_edits: None,
                tooltip: Some(lsp::Tooltip::String(entry.name())),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            });
            Some(hints.collect::<Vec<_>>())
        })
    }

    fn lenses(&mut self, params: lsp::CodeLensParams) -> Answer {
        self.ask(&params.text_document.uri, |view| {
            let now = view.workspace.settings().now;
            if let Some(inputs) = Inputs::of(&view.state.project, &view.source.path, now) {
                let lenses = inputs.lenses().into_iter().map(|(span, title)| view.lens(span, title, None));
                return Some(lenses.collect::<Vec<_>>());
            }
            let registry = view.symbols.registries.at(&view.source.path)?;
            let lenses = registry_page::lenses(&view.symbols, registry);
            Some(lenses.into_iter().map(|lens| view.lens(lens.span, lens.title, Some(&lens.uses))).collect())
        })
    }

    fn prepare_rename(&mut self, params: lsp::PrepareRenameParams) -> Answer {
        let at = params.text_document_position_params;
        self.ask(&at.text_document.uri, |view| {
            let symbol = view.symbol(at.position)?;
            let Meaning::Entry(_, entry) = symbol.meaning else { return None };
            // In a comment, the name includes its groups.
            let is_whole = view.source.slice(symbol.span) == entry.name();
            let placeholder = if is_whole { entry.name() } else { entry.path.last()?.clone() };
            Some(json!({ "range": view.lines.range(symbol.span), "placeholder": placeholder }))
        })
    }

    fn rename(&mut self, params: lsp::RenameParams) -> Answer {
        let at = params.text_document_position_params;
        let support = self.client.edits;
        let mut refused = None;
        let answer = self.ask(&at.text_document.uri, |view| {
            let edits = view.renamed(at.position, &params.new_name);
            let edits = edits.map_err(|reason| refused = Some(reason)).ok()?;
            let target = |path: &RelPath| target_of(view.workspace, &view.server.documents, path);
            edits::workspace_edit(&edits, target, support, view.encoding())
        });
        match refused {
            Some(reason) => Err(Refusal::new(ErrorCode::RequestFailed, reason)),
            None => answer,
        }
    }
}

/// The text, URI and version of a file to edit.
pub(super) fn target_of(workspace: &Workspace, documents: &super::documents::Documents, path: &RelPath) -> Target {
    let file = workspace.absolute(path);
    let document = documents.get(&file);
    let known = || workspace.known()?.source(path).map(|source| source.text.clone());
    // A file without facts and findings is not part of the state, but a fix can still change it.
    let on_disk = || std::fs::read_to_string(&file).ok();
    Target {
        text: document.map(|document| document.text.clone()).or_else(known).or_else(on_disk),
        uri: documents.uri(&file),
        version: document.map(|document| document.version),
    }
}

pub(super) fn json_of(value: Option<impl Serialize>) -> Answer {
    serde_json::to_value(value).map_err(|error| Refusal::new(ErrorCode::InternalError, error.to_string()))
}

impl<'a> View<'a> {
    fn symbol(&self, position: lsp::Position) -> Option<Symbol<'a>> {
        self.symbols.at(&self.source.path, self.lines.offset(position))
    }

    fn occurrences(&self, symbol: &Symbol<'a>) -> Vec<&Occurrence<'a>> {
        match &symbol.meaning {
            Meaning::Entry(registry, entry) => self.symbols.occurrences(registry, entry).iter().collect(),
            Meaning::Number(_, entries) if entries.len() == 1 => {
                let (registry, entry) = entries[0];
                self.symbols.occurrences(registry, entry).iter().collect()
            }
            Meaning::Number(number, _) => self.symbols.literals(*number).iter().collect(),
            Meaning::Group(registry, path) => {
                let entries = registry.below(path);
                let mut all: Vec<_> = entries.flat_map(|entry| self.symbols.occurrences(registry, entry)).collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }

    /// The edits that rename the entry at a position. The error is the reason why there are none.
    fn renamed(&self, position: lsp::Position, new: &str) -> Result<Vec<Edit>, String> {
        let (registry, entry) = match self.symbol(position).map(|symbol| symbol.meaning) {
            Some(Meaning::Entry(registry, entry)) => (registry, entry),
            Some(Meaning::Group(_, path)) => {
                return Err(format!("`{}` is a group: rename its entries", dotted(&path)));
            }
            Some(Meaning::Number(number, _)) => {
                return Err(format!("{number} is a number: rename the registry entry where it is defined"));
            }
            None => return Err("there is no registry entry at this position".to_owned()),
        };
        match relocate::relocate(&self.state.project, self.symbols.registries, registry, entry, new) {
            Ok(edits) => Ok(edits.into_iter().flat_map(|edit| self.smaller(edit)).collect()),
            Err(obstacle) => Err(obstacle.to_string()),
        }
    }

    /// Splits an edit that replaces a whole file into edits of the lines that differ.
    fn smaller(&self, edit: Edit) -> Vec<Edit> {
        match self.state.source(&edit.path) {
            Some(source) if edit.span == Span::new(0, source.text.len()) => {
                edits::between(&edit.path, &source.text, &edit.text)
            }
            _ => vec![edit],
        }
    }

    fn uri(&self, path: &str) -> lsp::Uri {
        self.server.documents.uri(&self.workspace.absolute(path))
    }

    fn location(&self, path: &RelPath, span: Span) -> lsp::Location {
        lsp::Location { uri: self.uri(path), range: self.range_in(path, span) }
    }

    fn range_in(&self, path: &str, span: Span) -> lsp::Range {
        let text = self.state.source(path).map_or("", |source| source.text.as_str());
        Lines::new(text, self.encoding()).range(span)
    }

    fn encoding(&self) -> Encoding {
        self.server.client.encoding
    }

    /// The hover for the symbol, flake input and findings at an offset, and its span. `None` if there are none of
    /// these.
    fn hover(&self, offset: u32) -> Option<(String, Span)> {
        let mut parts = Vec::new();
        let mut whole: Option<Span> = None;
        let link = |path: &RelPath, at: u32| self.link(path, at);
        if let Some(symbol) = self.symbols.at(&self.source.path, offset) {
            parts.push(Hovers { symbols: &self.symbols, link: &link }.of(&symbol.meaning));
            whole = Some(symbol.span);
        }
        if self.source.kind == FileKind::Nix {
            let inputs = Inputs::of(&self.state.project, &self.source.path, self.workspace.settings().now);
            if let Some((text, span)) =
                inputs.and_then(|inputs| inputs.at(offset).map(|(input, span)| (inputs.hover(input), span)))
            {
                parts.push(text);
                whole = whole.or(Some(span));
            }
        }
        let catalog = self.workspace.settings().rules.catalog();
        for finding in self.state.findings(&self.source.path) {
            let Span { start, end } = finding.span;
            if start < end && (start..=end).contains(&offset) {
                parts.extend(hover::rule(finding, catalog));
                whole = whole.or(Some(finding.span));
            }
        }
        Some((parts.join("\n\n---\n\n"), whole?))
    }

    /// A Markdown link to a line: `modules/web.nix:3`.
    fn link(&self, path: &RelPath, offset: u32) -> String {
        let line = self.range_in(path, Span { start: offset, end: offset }).start.line + 1;
        let name = crate::output::text::clean(path);
        format!("[{name}:{line}]({}#L{line})", self.uri(path).0)
    }

    fn lens(&self, span: Span, title: String, uses: Option<&[Occurrence<'_>]>) -> lsp::CodeLens {
        let range = self.lines.range(span);
        let command = match uses {
            Some(uses) if !uses.is_empty() => {
                let places: Vec<lsp::Location> =
                    uses.iter().map(|found| self.location(found.path, found.span)).collect();
                let arguments = vec![json!(self.uri(&self.source.path)), json!(range.start), json!(places)];
                (SHOW_USES.to_owned(), Some(arguments))
            }
            _ => (String::new(), None),
        };
        let (command, arguments) = command;
        lsp::CodeLens { range, command: Some(lsp::Command { title, tooltip: None, command, arguments }), data: None }
    }
}
