//! The registry file itself: an outline of its groups, and the number of uses of each entry.

use gen_lsp_types::{BaseSymbolInformation, DocumentSymbol, Location, Range, SymbolInformation, SymbolKind, Uri};

use super::groups::GroupName;
use super::position::Lines;
use super::side::{Occurrence, Role};
use super::symbols::Symbols;
use crate::facts::port_registry::{Entry, Registry};
use crate::finding::Span;

/// The outline of a registry: groups with their entries, in the order of the file.
pub fn outline(registry: &Registry, groups: &[GroupName], lines: &Lines<'_>) -> Vec<DocumentSymbol> {
    let mut root: Vec<DocumentSymbol> = Vec::new();
    for entry in &registry.entries {
        let range = lines.range(whole(entry));
        let mut level = &mut root;
        let Some((name, around)) = entry.path.split_last() else { continue };
        for (depth, group) in around.iter().enumerate() {
            let index = level.iter().position(|symbol| symbol.name == *group).unwrap_or_else(|| {
                let mut here = groups.iter().filter(|known| known.path == entry.path[..=depth]);
                let first = here.next();
                // A group may have several definitions: `web.http = 80; web.https = 443;`.
                let end = here.map(|known| known.whole.end).max();
                let (selection, whole) = match first {
                    Some(GroupName { span, whole, .. }) => {
                        let end = end.map_or(whole.end, |end| end.max(whole.end));
                        (lines.range(*span), lines.range(Span { start: whole.start, end }))
                    }
                    None => (range, range),
                };
                level.push(symbol(group, SymbolKind::Namespace, whole, selection));
                level.len() - 1
            });
            let symbol = &mut level[index];
            symbol.range = around_both(symbol.range, range);
            level = symbol.children.get_or_insert_default();
        }
        let mut symbol = symbol(name, SymbolKind::Constant, range, lines.range(entry.name_span));
        symbol.detail = entry.port().map(|number| number.to_string());
        level.push(symbol);
    }
    root
}

/// The symbols of an outline as a flat list, each with the name of the symbol that contains it.
pub fn flat(outline: Vec<DocumentSymbol>, uri: &Uri) -> Vec<SymbolInformation> {
    let mut found = Vec::new();
    let mut todo: Vec<(DocumentSymbol, Option<String>)> = outline.into_iter().rev().map(|it| (it, None)).collect();
    while let Some((mut symbol, around)) = todo.pop() {
        let location = Location { uri: uri.clone(), range: symbol.range };
        let children = symbol.children.take().unwrap_or_default();
        todo.extend(children.into_iter().rev().map(|child| (child, Some(symbol.name.clone()))));
        let base = BaseSymbolInformation::new(symbol.name, symbol.kind, None, around);
        found.push(SymbolInformation::new(None, location, base));
    }
    found
}

/// The span of a definition from its name to its value, or only the name if the value is above it.
fn whole(entry: &Entry) -> Span {
    let Entry { name_span, value_span, .. } = entry;
    Span { start: name_span.start, end: name_span.end.max(value_span.end) }
}

fn symbol(name: &str, kind: SymbolKind, range: Range, selection_range: Range) -> DocumentSymbol {
    DocumentSymbol::new(name.to_owned(), None, kind, None, None, range, selection_range, None)
}

fn around_both(a: Range, b: Range) -> Range {
    Range { start: a.start.min(b.start), end: a.end.max(b.end) }
}

/// A code lens of an entry.
pub struct Lens<'p> {
    /// The span of the entry's name.
    pub span: Span,
    /// The text.
    pub title: String,
    /// The positions that use the entry or contain its number.
    pub uses: Vec<Occurrence<'p>>,
}

/// The code lenses of the entries with a number.
pub fn lenses<'p>(symbols: &Symbols<'p>, registry: &'p Registry) -> Vec<Lens<'p>> {
    let lenses = registry.ports().map(|(entry, _)| {
        let all = symbols.occurrences(registry, entry).iter();
        let uses: Vec<Occurrence<'p>> = all.filter(|found| found.role != Role::Definition).cloned().collect();
        let numbers = uses.iter().filter(|found| found.role == Role::Literal).count();
        let title = title(uses.len() - numbers, numbers, symbols.is_used(registry, entry));
        Lens { span: entry.name_span, title, uses }
    });
    lenses.collect()
}

/// The text of a code lens: `used 3 times, also written as a number once`. An entry without references may still be in
/// use, if the registry is passed on as a whole.
fn title(references: usize, numbers: usize, is_used: bool) -> String {
    let times = |count: usize| match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    };
    let used = match references {
        0 if is_used => "no direct references".to_owned(),
        0 => "unused".to_owned(),
        count => format!("used {}", times(count)),
    };
    match (numbers, references) {
        (0, _) => used,
        (count, 0) => format!("{used}, but written as a number {}", times(count)),
        (count, _) => format!("{used}, also written as a number {}", times(count)),
    }
}
