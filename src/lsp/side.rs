//! Determines the side of a connection on which a port is used, from the attribute whose value is the port and from the
//! text before the port.

use crate::facts::ProjectFile;
use crate::facts::port_registry::RegistryFacts;
use crate::facts::ports::{PortFacts, PortUse};
use crate::finding::{RelPath, Span};
use crate::knowledge::name_words::{CLIENT_SETS, CLIENTS};
use crate::lang::nix;
use crate::lang::{Language, Tree};
use crate::source::{FileKind, Source};
use crate::wording;

/// The side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Something listens on the port.
    Listens,
    /// Something connects to it.
    Connects,
    /// The text does not show the side.
    Unknown,
}

impl Side {
    /// The heading above the positions of this side.
    pub fn heading(self) -> &'static str {
        match self {
            Side::Listens => "Listens",
            Side::Connects => "Connects",
            Side::Unknown => "Used in",
        }
    }
}

/// The context of an occurrence.
#[derive(Debug, PartialEq, Eq)]
pub struct Position {
    /// The side.
    pub side: Side,
    /// The attribute whose value is the port: `services.redis.port`. Empty if there is none.
    pub name: String,
}

/// How a position refers to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It defines the entry.
    Definition,
    /// It names the entry in Nix.
    Reference,
    /// It names the entry in a comment.
    Comment,
    /// It is the entry's number as a literal.
    Literal,
}

/// A position that refers to an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence<'p> {
    /// The file.
    pub path: &'p RelPath,
    /// The span of the entry's name or number.
    pub span: Span,
    /// How it refers to the entry.
    pub role: Role,
}

/// Determines the context of positions in one file. A Nix file is parsed only once.
pub struct Positions<'p> {
    file: &'p ProjectFile,
    tree: Option<Tree<'p>>,
}

impl<'p> Positions<'p> {
    /// Creates a reader for a file.
    pub fn new(file: &'p ProjectFile) -> Self {
        let is_nix = file.source.kind == FileKind::Nix;
        let tree = is_nix.then(|| Tree::parse(Language::Nix, &file.source.text)).flatten();
        Self { file, tree }
    }

    /// The context of an occurrence in the file.
    pub fn at(&self, found: &Occurrence<'_>) -> Position {
        let source: &Source = &self.file.source;
        let port = self.literal(found.span).or_else(|| self.commented(found.span));
        let (name, span) = match port {
            Some(port) => (port.name.clone(), port.span),
            None => (self.attribute(found.span).unwrap_or_default(), found.span),
        };
        let line = before(source, span);
        let side = if port.is_some_and(|port| port.host.is_some()) { Side::Connects } else { of_text(line, &name) };
        Position { side, name }
    }

    fn ports(&self) -> &'p [PortUse] {
        self.file.fact::<PortFacts>().map_or(&[], |facts| facts.uses.as_slice())
    }

    /// The port literal at a span, if there is one.
    fn literal(&self, span: Span) -> Option<&'p PortUse> {
        self.ports().iter().find(|port| port.span == span)
    }

    /// The port that a comment with this entry name covers, if there is one.
    fn commented(&self, name: Span) -> Option<&'p PortUse> {
        let comments = &self.file.fact::<RegistryFacts>()?.comments;
        let covers = comments.iter().find(|comment| comment.entry_span == name)?.covers;
        self.ports().iter().find(|port| covers.contains(port.span))
    }

    /// The path of the attribute whose value contains a position, if the file is a Nix file and there is one.
    fn attribute(&self, span: Span) -> Option<String> {
        let tree = self.tree.as_ref()?;
        let binding = nix::binding_around(tree, tree.covering(span))?;
        let path = nix::attr_path(tree, binding)?;
        let names: Vec<&str> = path.iter().map(|name| name.text.as_deref().unwrap_or("*")).collect();
        Some(names.join("."))
    }
}

/// The text of a line before a port, without the reference itself: `url = "redis://localhost:` before `${toString
/// ports.databases.redis}`.
fn before(source: &Source, span: Span) -> &str {
    let head = &source.text[..span.start as usize];
    let line = &head[head.rfind('\n').map_or(0, |at| at + 1)..];
    let is_name = |c: char| c.is_alphanumeric() || "_.-'".contains(c);
    let mut rest = line;
    // Strips names, parentheses and the interpolation in `${builtins.toString (ports.web)}`.
    while let Some(start) = rest.rfind("${") {
        let inside = &rest[start + 2..];
        if !inside.chars().all(|c| is_name(c) || c.is_whitespace() || c == '(') {
            break;
        }
        rest = &rest[..start];
    }
    rest
}

/// The side according to the text before a port and the name of its attribute.
fn of_text(before: &str, name: &str) -> Side {
    if let Some(host) = url_host(before) {
        let is_any = matches!(host, "" | "*" | "0.0.0.0" | "[::]");
        return if is_any { Side::Listens } else { Side::Connects };
    }
    let parts: Vec<&str> = name.split(['.', ' ']).filter(|part| !part.is_empty()).collect();
    let Some(last) = parts.last() else {
        return if before.trim_start().to_ascii_uppercase().starts_with("EXPOSE") {
            Side::Listens
        } else {
            Side::Unknown
        };
    };
    let words = wording::words(last, |c| c.is_ascii_alphanumeric());
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if has(&["listen", "listens", "bind", "expose"]) {
        return Side::Listens;
    }
    let is_client = words.last().is_some_and(|word| CLIENTS.contains(&word.as_str()));
    if is_client || parts.iter().any(|part| CLIENT_SETS.contains(part)) {
        return Side::Connects;
    }
    let is_port = words.iter().any(|word| word.ends_with("port") || word.ends_with("ports"));
    let opens = parts.iter().any(|part| part.eq_ignore_ascii_case("expose") || part.starts_with("allowed"));
    if is_port || opens { Side::Listens } else { Side::Unknown }
}

/// The host of a URL, if the text ends directly before the URL's port.
fn url_host(before: &str) -> Option<&str> {
    let word = before.rsplit(|c: char| c.is_whitespace() || "\"'=(".contains(c)).next()?.strip_suffix(':')?;
    let (_, rest) = word.split_once("://")?;
    (!rest.contains('/')).then(|| rest.rsplit('@').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_shows_what_listens_and_what_connects() {
        for (line, name, expected) in [
            ("url = \"redis://localhost:", "services.web.url", Side::Connects),
            ("  command = web --listen http://0.0.0.0:", "services.web.command --listen", Side::Listens),
            ("port = ", "services.redis.port", Side::Listens),
            ("", "services.nginx.upstreams.web.server", Side::Connects),
            ("", "services.web.apiUrl", Side::Connects),
            ("", "services.web.proxyListen", Side::Listens),
            ("", "networking.firewall.allowedTCPPorts", Side::Listens),
            ("", "services.web.command --port", Side::Listens),
            ("EXPOSE ", "", Side::Listens),
            ("", "services.prometheus.scrapeConfigs", Side::Connects),
            ("", "services.web.settings.number", Side::Unknown),
            ("x = ", "", Side::Unknown),
        ] {
            assert_eq!(of_text(line, name), expected, "{line} {name}");
        }
    }

    #[test]
    fn the_reference_itself_is_not_part_of_the_text_before_it() {
        for (text, expected) in [
            ("{ url = \"redis://db:${toString ports.databases.@}\"; }", "{ url = \"redis://db:"),
            ("{ url = \"${host}:${builtins.toString (ports.@)}\"; }", "{ url = \"${host}:"),
            ("{\n  port = ports.@; }", "  port = ports."),
        ] {
            let at = text.find('@').unwrap();
            let source = Source::new("a.nix", FileKind::Nix, text);
            assert_eq!(before(&source, Span::new(at, at)), expected);
        }
    }
}
