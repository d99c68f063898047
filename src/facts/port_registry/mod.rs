//! Port registries: nested sets of names and numbers in which a repository keeps its ports.
//!
//! [`evaluate`] reads a file the way Nix would, without running it (`eval`); values that cannot be known from the text
//! are [`Value::NotDecidable`], never a guess. [`Registries`] answers queries about all registries in a repository,
//! [`comment`] reads the comments with which YAML files and Dockerfiles refer to an entry, and [`uses`] finds the
//! references in Nix.

mod all;
mod collect;
pub mod comment;
pub mod endpoint;
mod eval;
mod index;
mod mentions;
pub mod nearest;
pub mod passing;
pub mod references;
mod shape;
pub mod usage;
pub mod uses;

use self::collect::Evaluated;
use crate::config::PortSettings;
use crate::facts::needles::Words;
use crate::facts::{Fact, FileView, Glance, Reader, fact};
use crate::finding::{RelPath, Span};
use crate::lang::faults::faults;
use crate::lang::{KeptTree, Tree};
use crate::paths;
use crate::source::FileKind;
pub use all::{Answers, Registries, served};
pub use comment::RegistryComment;
pub use endpoint::Endpoint;
use index::Index;
pub use mentions::Mentions;
pub use shape::{Call, Shape};
pub use uses::{Access, Use};

/// The origin of entries whose definition is not known.
const UNKNOWN_ORIGIN: u32 = u32::MAX;

/// An entry in a registry: a name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path to it, outermost name first: `["databases", "redis"]`.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
    /// The span of the name.
    pub name_span: Span,
    /// The span of the expression that defines the value.
    pub value_span: Span,
    /// Entries that are aliases of one definition (`inherit`, `a = b;`) share this number.
    pub origin: u32,
    /// Whether another value in the file depends on it.
    pub read_here: bool,
    /// Whether its value is the same for all arguments that the registry may be called with.
    pub settled: bool,
    /// The endpoint that the registry describes in addition to the number.
    pub endpoint: Option<Box<Endpoint>>,
}

impl Entry {
    /// Whether this is another name for the definition of an entry.
    pub fn is_alias_of(&self, other: &Entry) -> bool {
        self.origin == other.origin && self.origin != UNKNOWN_ORIGIN && self.path != other.path
    }

    /// The name of the service: the path without the final `port` of `dns = { port = 53; protocol = "udp"; }`.
    pub fn service(&self) -> &[String] {
        match self.path.split_last() {
            Some((last, service)) if self.endpoint.is_some() && last == endpoint::PORT => service,
            _ => &self.path,
        }
    }

    /// Whether two services may listen on the same endpoint, as far as the registry shows.
    pub fn may_meet(&self, other: &Self) -> bool {
        match (&self.endpoint, &other.endpoint) {
            (Some(one), Some(other)) => one.may_meet(other),
            _ => true,
        }
    }

    /// The path as written after the registry's name: `databases.redis`.
    pub fn name(&self) -> String {
        dotted(&self.path)
    }

    /// The port number, if the value is one.
    pub fn port(&self) -> Option<u16> {
        match self.value {
            Value::Port(number) => Some(number),
            _ => None,
        }
    }
}

/// The value of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A port number, 1 to 65535.
    Port(u16),
    /// Something that is not a port number, with a description.
    NotPort(String),
    /// Something next to the ports that is not an entry: a function, the description of a port, or anything outside the
    /// set of ports.
    Helper,
    /// Not known from the text, with the reason.
    NotDecidable(String),
}

/// A registry file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The file.
    pub path: RelPath,
    /// Its entries, in file order. An undecidable group is one entry at the group's path.
    pub entries: Vec<Entry>,
    /// How the file is written, which determines how to import it.
    pub shape: Shape,
    /// The entries by path.
    index: Index,
}

/// The result of looking up a path in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'r> {
    /// An entry.
    Entry(&'r Entry),
    /// A group of entries.
    Group,
    /// Definitely missing: the name at this index of the path does not exist.
    Missing(usize),
    /// Not known from the text.
    NotDecidable,
}

impl Registry {
    /// Creates a registry with the given entries.
    fn new(path: RelPath, entries: Vec<Entry>, shape: Shape) -> Self {
        let index = Index::of(&entries);
        Self { path, entries, shape, index }
    }

    /// Looks up a path.
    pub fn lookup(&self, path: &[impl AsRef<str>]) -> Lookup<'_> {
        self.index.lookup(&self.entries, path)
    }

    /// The entries at a path and under it.
    pub fn below(&self, path: &[String]) -> impl Iterator<Item = &Entry> {
        self.index.below(&self.entries, path)
    }

    /// Looks up a dotted name as written in comments. A leading `ports.` is optional if the registry keeps its ports in
    /// an attribute with that name, and so is a final `.port` for a set that describes a port.
    pub fn named(&self, name: &str) -> Lookup<'_> {
        let path = split(name);
        match (self.described(&path), self.shape.prefix.as_slice()) {
            (Lookup::Missing(at), prefix @ [_, ..]) => {
                let whole: Vec<String> = prefix.iter().cloned().chain(path).collect();
                match self.described(&whole) {
                    Lookup::Missing(_) => Lookup::Missing(at),
                    found => found,
                }
            }
            (found, _) => found,
        }
    }

    /// Looks up a path; a set that describes a port is treated as that port.
    fn described(&self, path: &[String]) -> Lookup<'_> {
        match self.lookup(path) {
            Lookup::Group => match self.lookup(&[path, &[endpoint::PORT.to_owned()]].concat()) {
                Lookup::Entry(entry) if entry.endpoint.is_some() => Lookup::Entry(entry),
                _ => Lookup::Group,
            },
            found => found,
        }
    }

    /// An entry's path without the registry's prefix, which is the path of the set that contains all of its ports.
    pub fn bare<'e>(&self, entry: &'e Entry) -> &'e [String] {
        entry.path.strip_prefix(self.shape.prefix.as_slice()).unwrap_or(&entry.path)
    }

    /// The reason why not all names of the registry are known, and its position; `None` if they are. If only an entry
    /// or a group is unknown, see [`Self::unknown`].
    pub fn incomplete(&self) -> Option<(Span, &str)> {
        self.unknown().find(|(entry, _)| entry.path.is_empty()).map(|(entry, why)| (entry.name_span, why))
    }

    /// The entries and groups whose values are not known, and the reasons. An entry with an empty path stands for the
    /// whole registry.
    pub fn unknown(&self) -> impl Iterator<Item = (&Entry, &str)> {
        self.entries.iter().filter_map(|entry| match &entry.value {
            Value::NotDecidable(why) => Some((entry, why.as_str())),
            _ => None,
        })
    }

    /// The entries that are port numbers, with these numbers.
    pub fn ports(&self) -> impl Iterator<Item = (&Entry, u16)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.port()?)))
    }
}

/// A path in Nix syntax: names joined by dots, quoted if necessary.
pub fn dotted(path: &[String]) -> String {
    let mut out = String::new();
    for name in path {
        if !out.is_empty() {
            out.push('.');
        }
        if is_identifier(name) {
            out.push_str(name);
        } else {
            out.push('"');
            out.push_str(&name.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${"));
            out.push('"');
        }
    }
    out
}

/// Whether a name can be written without quotes.
pub fn is_identifier(name: &str) -> bool {
    const KEYWORDS: [&str; 9] = ["if", "then", "else", "let", "in", "inherit", "rec", "with", "assert"];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name)
}

/// The names of a dotted path, which may be quoted.
pub fn split(name: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    for c in name.chars() {
        match (c, names.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => names.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    names
}

/// Evaluates a file as a registry. `None` if its path rules that out, or if the file is not configured as a registry
/// and its content shows that it is something else.
pub fn evaluate(path: &RelPath, tree: &Tree<'_>, settings: &PortSettings) -> Option<Registry> {
    evaluated(path, tree, settings).registry
}

fn evaluated(path: &RelPath, tree: &Tree<'_>, settings: &PortSettings) -> Evaluated {
    if !is_candidate(path, settings) {
        return Evaluated { registry: None, exceeded: false, is_set: false };
    }
    let evaluated = collect::registry(path, tree);
    let registry = match settings.registries.is_empty() {
        true => evaluated.registry.filter(Registry::is_convincing),
        false => evaluated.registry.or_else(|| Some(Registry::new(path.clone(), Vec::new(), Shape::default()))),
    };
    Evaluated { registry, ..evaluated }
}

/// Whether a path may be a registry: a configured one or, if none is configured, one with a default name.
pub fn is_candidate(path: &str, settings: &PortSettings) -> bool {
    if settings.registries.is_empty() {
        return found_by_name(path);
    }
    settings.registries.iter().any(|configured| normal(configured) == path)
}

fn found_by_name(path: &str) -> bool {
    const NAMES: [&str; 4] = ["ports.nix", "port.nix", "port-registry.nix", "ports-registry.nix"];
    let name = paths::name(path);
    NAMES.contains(&name) || path == "ports/default.nix" || path.ends_with("/ports/default.nix")
}

fn normal(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Reads port registries and references to them.
pub static READER: Reader = Reader { name: "port registry", needles: &[&NIX_FILE], may_hold, read };

static NIX_FILE: Words = Words::any_of(&[".nix"]);

/// Whether a file may be a registry, judging by its path, or refer to one by its name: in Nix code, or elsewhere in a
/// comment or a command.
fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Nix => is_candidate(&source.path, source.ports) || source.registries.may_be_in(&source.text),
        FileKind::Lock => false,
        _ => source.has(&NIX_FILE),
    }
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let source = file.source;
    let facts = match (source.kind, file.tree) {
        (FileKind::Nix, Some(tree)) => {
            let Evaluated { registry, exceeded, is_set } = evaluated(&source.path, tree, file.ports);
            RegistryFacts {
                broken: fault(&source.path, tree, file.ports),
                is_other: registry.is_some() && !is_set,
                defined: registry,
                exceeded,
                uses: uses::in_nix(&source.path, tree, file.ports),
                arguments: uses::of_arguments(tree),
                passed: passing::passed(tree),
                called: passing::called(&source.path, tree),
                comments: Vec::new(),
                folders: uses::folders(&source.path, tree),
                tree: None,
            }
        }
        (FileKind::Nix, None) => return None,
        (_, tree) => RegistryFacts {
            broken: None,
            defined: None,
            is_other: false,
            exceeded: false,
            uses: uses::in_commands(source, file.ports),
            arguments: Vec::new(),
            passed: Vec::new(),
            called: Vec::new(),
            comments: comment::comments(source, tree),
            folders: Vec::new(),
            tree: None,
        },
    };
    let tree = file.tree.filter(|_| facts.defined.is_some()).map(Tree::keep);
    let facts = RegistryFacts { tree, ..facts };
    let is_empty = facts.is_empty();
    fact(facts, is_empty)
}

/// The span of a file's first syntax error, if the file may be a registry.
fn fault(path: &str, tree: &Tree<'_>, settings: &PortSettings) -> Option<Span> {
    let is_broken = is_candidate(path, settings) && tree.broken();
    is_broken.then(|| faults(tree).next().map_or(Span::default(), |node| tree.span(node)))
}

/// The registry of a file and its references to registries.
#[derive(Debug, Default)]
pub struct RegistryFacts {
    /// The registry that the file defines.
    pub defined: Option<Registry>,
    /// Whether the file is configured as a registry, but does not evaluate to a set.
    pub is_other: bool,
    /// The position of the file's first syntax error, if the file may be a registry.
    pub broken: Option<Span>,
    /// Whether a limit ended the evaluation before it was known which entries the file has.
    pub exceeded: bool,
    /// References to a registry in Nix.
    pub uses: Vec<Use>,
    /// Uses of arguments that may be registries; see [`uses::of_arguments`].
    pub arguments: Vec<Use>,
    /// The values that all modules receive as one of these arguments; see [`passing::passed`].
    pub passed: Vec<(String, Span)>,
    /// The files that it calls with one of these arguments; see [`passing::called`].
    pub called: Vec<RelPath>,
    /// References in comments.
    pub comments: Vec<RegistryComment>,
    /// The folders in which it may read every Nix file, and the location of each reference.
    pub folders: Vec<(RelPath, Span)>,
    /// The file's tree, if it is a registry: fixes need it.
    pub tree: Option<KeptTree>,
}

impl Fact for RegistryFacts {
    fn undecided(&self) -> Vec<String> {
        let unknown = self.defined.iter().flat_map(Registry::unknown);
        let undecidable = unknown.map(|(entry, why)| {
            let name = if entry.path.is_empty() { "the registry".to_owned() } else { format!("`{}`", entry.name()) };
            format!("{name} cannot be evaluated without running Nix: {why}")
        });
        undecidable.collect()
    }
}

impl RegistryFacts {
    /// Whether the file contributes nothing.
    pub fn is_empty(&self) -> bool {
        self.defined.is_none()
            && self.broken.is_none()
            && !self.exceeded
            && self.uses.is_empty()
            && self.arguments.is_empty()
            && self.passed.is_empty()
            && self.called.is_empty()
            && self.comments.is_empty()
            && self.folders.is_empty()
    }
}
