//! Hovers: the definition and uses of an entry, and the rule of a finding.

use std::fmt::Write;

use super::side::Side;
use super::side::{Occurrence, Role};
use super::symbols::{Meaning, Symbols};
use crate::facts::port_registry::{Endpoint, Entry, Registry};
use crate::finding::{Finding, RelPath};
use crate::output;
use crate::rule::Catalog;

/// The maximum number of positions per side that a hover lists.
const LISTED: usize = 8;

/// The maximum number of positions that are read for a hover.
const READ: usize = 100;

/// Formats hovers as Markdown.
pub struct Hovers<'s, 'p> {
    /// The registries and what refers to them.
    pub symbols: &'s Symbols<'p>,
    /// A position in a file as a Markdown link.
    pub link: &'s dyn Fn(&RelPath, u32) -> String,
}

impl<'p> Hovers<'_, 'p> {
    /// The hover of a symbol.
    pub fn of(&self, meaning: &Meaning<'p>) -> String {
        match meaning {
            Meaning::Entry(registry, entry) => self.entry(registry, entry),
            Meaning::Group(registry, path) => group(registry, path),
            Meaning::Number(number, entries) => self.number(*number, entries),
        }
    }

    fn entry(&self, registry: &'p Registry, entry: &'p Entry) -> String {
        let mut text = self.headline(registry, entry);
        let nothing = match self.symbols.is_used(registry, entry) {
            true => {
                "Nothing refers to it by its name, but the value may be used through the whole set or another entry."
            }
            false => "Nothing in this repository uses it.",
        };
        self.list_uses(&mut text, self.symbols.occurrences(registry, entry), nothing);
        if let Some(number) = entry.port() {
            let is_same = |other: &Registry, known: &Entry| other.path == registry.path && known.origin == entry.origin;
            let others = self.symbols.registries.by_number(u32::from(number)).iter();
            // Entries with different protocols or machines do not conflict, as in `port-conflict`.
            let clashes = others.filter(|(other, known)| !is_same(other, known) && entry.may_meet(known));
            for (registry, other) in clashes.take(LISTED) {
                let position = (self.link)(&registry.path, other.name_span.start);
                let _ = write!(text, "\n\n**Conflict**: `{}` has the same number ({position}).", other.name());
            }
        }
        text
    }

    /// The name, number and definition of an entry.
    fn headline(&self, registry: &Registry, entry: &Entry) -> String {
        let number = entry.port().map(|number| format!(" = {number}")).unwrap_or_default();
        let position = (self.link)(&registry.path, entry.name_span.start);
        let endpoint = entry.endpoint.as_deref().map(endpoint).unwrap_or_default();
        format!("`{}{number}`: port registry entry{endpoint}, defined in {position}", entry.name())
    }

    /// Adds the uses, grouped by side, or the text `nothing` if there are none.
    fn list_uses(&self, text: &mut String, occurrences: &[Occurrence<'_>], nothing: &str) {
        let uses: Vec<_> = occurrences.iter().filter(|found| found.role != Role::Definition).take(READ).collect();
        if uses.is_empty() {
            let _ = write!(text, "\n\n{nothing}");
            return;
        }
        let uses: Vec<_> = uses.into_iter().map(|found| (self.symbols.position(found), found)).collect();
        for side in [Side::Listens, Side::Connects, Side::Unknown] {
            let here: Vec<_> = uses.iter().filter(|(position, _)| position.side == side).collect();
            if here.is_empty() {
                continue;
            }
            let _ = write!(text, "\n\n{}:\n", side.heading());
            let mut lines: Vec<String> = Vec::new();
            for (position, found) in here {
                let how = match found.role {
                    Role::Literal => " (number written out)",
                    Role::Comment => " (named in a comment)",
                    Role::Definition | Role::Reference => "",
                };
                let name = output::text::clean(&position.name);
                let name = if name.is_empty() { String::new() } else { format!("`{name}` in ") };
                let line = format!("{name}{}{how}", (self.link)(found.path, found.span.start));
                // `8080:8080` contains two uses at one position.
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
            lines.iter().take(LISTED).for_each(|line| {
                let _ = write!(text, "\n- {line}");
            });
            if lines.len() > LISTED {
                let _ = write!(text, "\n- and {} more", lines.len() - LISTED);
            }
        }
    }

    fn number(&self, number: u32, entries: &[(&'p Registry, &'p Entry)]) -> String {
        let mut text = match entries {
            [(registry, entry)] => return self.entry(registry, entry),
            [] => format!("port `{number}`: not in the port registry"),
            several => {
                let mut text = format!("port `{number}` has several entries:\n");
                for (registry, entry) in several {
                    let _ = write!(text, "\n- {}", self.headline(registry, entry));
                }
                text
            }
        };
        self.list_uses(&mut text, self.symbols.literals(number), "Nothing in this repository uses it.");
        text
    }
}

/// The protocols and hosts of an entry, as in `, udp, on dns`.
fn endpoint(endpoint: &Endpoint) -> String {
    let mut text = String::new();
    if !endpoint.protocols.is_empty() {
        let _ = write!(text, ", {}", endpoint.protocols.join(" and "));
    }
    if !endpoint.hosts.is_empty() {
        let _ = write!(text, ", on {}", output::text::clean(&endpoint.hosts.join(", ")));
    }
    text
}

fn group(registry: &Registry, path: &[String]) -> String {
    let mut text = format!("`{}`: group in {}\n", crate::facts::port_registry::dotted(path), registry.path);
    let entries: Vec<&Entry> = registry.below(path).collect();
    for entry in entries.iter().take(2 * LISTED) {
        let number = entry.port().map(|number| format!(" = {number}")).unwrap_or_default();
        let _ = write!(text, "\n- `{}{number}`", entry.name());
    }
    if entries.len() > 2 * LISTED {
        let _ = write!(text, "\n- and {} more", entries.len() - 2 * LISTED);
    }
    text
}

/// Converts the Markdown of this module to plain text, for clients that do not show Markdown.
pub fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    // `[text](target)` becomes the text.
    while let Some(end) = rest.find("](") {
        let (head, tail) = (&rest[..end], &rest[end + 2..]);
        match (head.rfind('['), tail.find(')')) {
            (Some(start), Some(close)) if !head[start..].contains('\n') => {
                out.push_str(&head[..start]);
                out.push_str(&head[start + 1..]);
                rest = &tail[close + 1..];
            }
            _ => {
                out.push_str(&rest[..end + 2]);
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out.replace("**", "").replace('`', "")
}

/// The hover of a finding: its rule with the first paragraph of the rationale. The page has the rest. `None` if there
/// is no such rule.
pub fn rule(finding: &Finding, catalog: &Catalog) -> Option<String> {
    let rule = catalog.find(finding.rule)?;
    let why = rule.body.split("\n## ").find_map(|section| section.trim_start_matches("## ").strip_prefix("Why\n"));
    let name = match output::web_page(finding.rule, catalog) {
        Some(page) => format!("[{}]({page})", rule.id),
        None => format!("`{}`", rule.id),
    };
    let first = why.and_then(|why| why.trim().split("\n\n").next()).unwrap_or("");
    Some(format!("{name}: {}\n\n{first}", rule.summary).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn plain_text_has_no_markup() {
        let markdown = "`web = 80`: entry in [lib/ports.nix:3](file:///a/lib/ports.nix#L3)\n\n**Conflict**: a[0](b";
        assert_eq!(plain(markdown), "web = 80: entry in lib/ports.nix:3\n\nConflict: a[0](b");
    }
}
