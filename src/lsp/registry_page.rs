//! The registry file itself: an outline of its groups, and the number of uses of each entry.

use gen_lsp_types::{DocumentSymbol, Range, SymbolKind};

use super::position::Lines;
use super::side::{Occurrence, Role};
use super::symbols::Symbols;
use crate::facts::port_registry::{Entry, Registry};
use crate::finding::Span;

/// The outline of a registry: groups with their entries, in the order of the file.
pub fn outline(registry: &Registry, lines: &Lines<'_>) -> Vec<DocumentSymbol> {
    let mut root: Vec<DocumentSymbol> = Vec::new();
    for entry in &registry.entries {
        let range = lines.range(whole(entry));
        let mut level = &mut root;
        let Some((name, groups)) = entry.path.split_last() else { continue };
        for group in groups {
            let index = level.iter().position(|symbol| symbol.name == *group).unwrap_or_else(|| {
                level.push(symbol(group, SymbolKind::Namespace, range, range));
                level.len() - 1
            });
            let symbol = &mut level[index];
            symbol.range = around(symbol.range, range);
            level = symbol.children.get_or_insert_default();
        }
        let mut symbol = symbol(name, SymbolKind::Constant, range, lines.range(entry.name_span));
        symbol.detail = entry.port().map(|number| number.to_string());
        level.push(symbol);
    }
    root
}

/// The span of a definition from its name to its value; only the name if the value is elsewhere.
fn whole(entry: &Entry) -> Span {
    let Entry { name_span, value_span, .. } = entry;
    Span { start: name_span.start, end: name_span.end.max(value_span.end) }
}

fn symbol(name: &str, kind: SymbolKind, range: Range, selection_range: Range) -> DocumentSymbol {
    DocumentSymbol::new(name.to_owned(), None, kind, None, None, range, selection_range, None)
}

fn around(a: Range, b: Range) -> Range {
    Range { start: a.start.min(b.start), end: a.end.max(b.end) }
}

/// The entries with a code lens, each with the positions of its uses.
pub fn usage<'p>(symbols: &Symbols<'p>, registry: &'p Registry) -> Vec<(&'p Entry, Vec<Occurrence<'p>>)> {
    let entries = registry.entries.iter().filter(|entry| entry.port().is_some());
    entries
        .map(|entry| {
            let uses = symbols.occurrences(registry, entry).iter();
            (entry, uses.filter(|found| found.role != Role::Definition).cloned().collect())
        })
        .collect()
}

/// The text of a code lens: `used 3 times`.
pub fn usage_title(uses: usize) -> String {
    match uses {
        0 => "unused".to_owned(),
        1 => "used once".to_owned(),
        2 => "used twice".to_owned(),
        count => format!("used {count} times"),
    }
}
