//! Renames a port registry entry: the definition and all references to it.

mod hazards;

use std::fmt;

use self::hazards::Hazard;
use crate::facts::port_registry::references::{self, Resolved};
use crate::facts::port_registry::{Entry, Lookup, Registries, Registry, dotted, split};
use crate::facts::{Project, ProjectFile};
use crate::finding::{Edit, RelPath, Span};
use crate::lang::{Field, Language, Node, NodeKind, Tree};
use crate::source::{LineIndex, Source};

/// Why an entry cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The new name is blank, too long, or contains control characters.
    NotAName,
    /// The registry already has that name.
    Taken(String),
    /// An occurrence that cannot be edited safely.
    At {
        /// The file.
        path: RelPath,
        /// The line, from 1.
        line: usize,
        /// The reason.
        reason: &'static str,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NotAName => f.write_str("that is not a valid name"),
            Obstacle::Taken(name) => write!(f, "the registry already has `{name}`"),
            Obstacle::At { path, line, reason } => write!(f, "{path}:{line}: {reason}"),
        }
    }
}

/// The edits that change the last name of an entry: `redis` in `databases.redis`.
pub fn rename<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
    registry: &'p Registry,
    entry: &'p Entry,
    new: &'p str,
) -> Result<Vec<Edit>, Obstacle> {
    let mut path = entry.service().to_vec();
    let Some(last) = path.last_mut().filter(|_| is_name(new)) else { return Err(Obstacle::NotAName) };
    if last == new {
        return Ok(Vec::new());
    }
    new.clone_into(last);
    if !matches!(registry.lookup(&path), Lookup::Missing(_)) {
        return Err(Obstacle::Taken(dotted(&path)));
    }
    let mentioned = dotted(&path);
    let new_name = dotted(&[new.to_owned()]);
    let renaming = Renaming { project, registries, registry, entry, last: new, path, new: new_name };
    let mut edits = renaming.definition()?;
    edits.extend(renaming.references()?);
    edits.extend(renaming.comments());
    edits.extend(mentions(project, registry, entry, &mentioned));
    edits.sort_by(|a, b| (&a.path, a.span).cmp(&(&b.path, b.span)));
    edits.dedup();
    Ok(edits)
}

/// The edits to comments in the registry itself that name an entry, such as the reason for a suppression.
pub(super) fn mentions(project: &Project, registry: &Registry, entry: &Entry, new: &str) -> Vec<Edit> {
    let Some(file) = project.file(&registry.path) else { return Vec::new() };
    let (text, old) = (&file.source.text, dotted(entry.service()));
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_whole = |at: usize| {
        let behind = &text[at + old.len()..];
        let behind = if entry.endpoint.is_some() { behind.strip_prefix(".port").unwrap_or(behind) } else { behind };
        // The dot may end a sentence.
        let behind = behind.strip_prefix('.').unwrap_or(behind);
        !text[..at].ends_with(is_part) && !behind.starts_with(is_part)
    };
    let in_comment = |at: usize| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[line..at].contains("# ")
    };
    // A name without a dot may be an ordinary word.
    let found = text.match_indices(&old).map(|(at, _)| at).filter(|_| old.contains('.'));
    let found = found.filter(|&at| in_comment(at) && is_whole(at));
    found.map(|at| edit(&file.source, Span::new(at, at + old.len()), new.to_owned())).collect()
}

/// Whether a name is acceptable: not blank, at most 100 bytes long, and without control characters. Nix itself accepts
/// any quoted string.
pub(super) fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= 100 && !name.contains(char::is_control)
}

struct Renaming<'p> {
    project: &'p Project,
    registries: &'p Registries<'p>,
    registry: &'p Registry,
    entry: &'p Entry,
    /// The new name.
    last: &'p str,
    /// The new path.
    path: Vec<String>,
    /// The new name in Nix syntax, quoted if necessary.
    new: String,
}

impl<'p> Renaming<'p> {
    fn definition(&self) -> Result<Vec<Edit>, Obstacle> {
        let Some(file) = self.project.file(&self.registry.path) else { return Ok(Vec::new()) };
        let name = match &self.entry.endpoint {
            Some(endpoint) if self.entry.service() != self.entry.path => endpoint.name_span,
            _ => self.entry.name_span,
        };
        let at = |reason| obstacle(&file.source, name, reason);
        if self.entry.read_here {
            return Err(at("another registry entry is computed from this one: rename this one by hand"));
        }
        if self.registry.entries.iter().any(|other| other.is_alias_of(self.entry)) {
            return Err(at("this entry has another name in the registry: rename it by hand"));
        }
        if Tree::parse(Language::Nix, &file.source.text).is_some_and(|tree| hazards::captures(&tree, name, self.last)) {
            return Err(at("another value in the registry uses the new name for something else: choose another name"));
        }
        let after = &file.source.text[name.end as usize..];
        if !after.trim_start().starts_with('=') {
            return Err(at("the name is not written as `NAME = NUMBER` here: rename it by hand"));
        }
        Ok(vec![edit(&file.source, name, self.new.clone())])
    }

    fn references(&self) -> Result<Vec<Edit>, Obstacle> {
        let mut edits = Vec::new();
        let mut trees = Trees::default();
        let service = self.entry.service();
        for Resolved { file, found, .. } in followed(self.project, self.registries, self.registry, service, &self.path)?
        {
            let Some(&span) = found.names.get(service.len() - 1) else { continue };
            let tree = trees.of(file);
            if tree.is_some_and(|tree| hazards::is_captured(tree, span, self.last)) {
                let reason = "the new name may mean something else here: rename it by hand";
                return Err(obstacle(&file.source, span, reason));
            }
            let inherit = tree.and_then(|tree| Some((tree, inherit_around(tree, span)?)));
            match inherit {
                None => edits.push(edit(&file.source, span, self.new.clone())),
                Some((tree, inherit)) => {
                    let from = tree.child(inherit, Field::Expression);
                    let from = from.ok_or_else(|| {
                        obstacle(&file.source, span, "the name is inherited from the enclosing scope here")
                    })?;
                    let from = file.source.slice(tree.span(from));
                    let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '\'');
                    let from = if from.chars().all(is_simple) { from.to_owned() } else { format!("({from})") };
                    let value = format!("{from}.{}", self.new);
                    edits.extend(split_inherit(&file.source, tree, inherit, span, &value));
                }
            }
        }
        Ok(edits)
    }

    fn comments(&self) -> Vec<Edit> {
        let comments = references::comments(self.project, self.registries);
        let ours = comments.filter(|(_, comment, registry)| {
            registry.is_some_and(|registry| {
                registry.path == self.registry.path
                    && matches!(registry.named(&comment.entry), Lookup::Entry(found) if found.path == self.entry.path)
            })
        });
        ours.map(|(file, comment, _)| {
            let mut names = split(&comment.entry);
            // The comment may omit the prefix that all ports share.
            let prefix = &self.registry.shape.prefix;
            let left_out = if names.starts_with(prefix) { 0 } else { prefix.len() };
            if let Some(name) = names.get_mut(self.entry.service().len() - 1 - left_out) {
                self.last.clone_into(name);
            }
            edit(&file.source, comment.entry_span, dotted(&names))
        })
        .collect()
    }
}

/// Holds the syntax tree of one file at a time. References are sorted by file, so each file is parsed only once.
#[derive(Default)]
pub(super) struct Trees<'p>(Option<(&'p ProjectFile, Option<Tree<'p>>)>);

impl<'p> Trees<'p> {
    /// The tree of a Nix file, with its step limit reset. `None` if the file cannot be parsed.
    pub(super) fn of(&mut self, file: &'p ProjectFile) -> Option<&Tree<'p>> {
        if self.0.as_ref().is_none_or(|(known, _)| !std::ptr::eq(*known, file)) {
            self.0 = Some((file, Tree::parse(Language::Nix, &file.source.text)));
        }
        let tree = self.0.as_ref().and_then(|(_, tree)| tree.as_ref());
        tree.inspect(|tree| tree.refill())
    }
}

/// The references to an entry, or to something below it. `new` is the future path of the entry. Fails if it is
/// uncertain whether one of them refers to this registry: a partial rename would break the repository.
pub(super) fn followed<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
    registry: &Registry,
    entry: &[String],
    new: &[String],
) -> Result<Vec<Resolved<'p>>, Obstacle> {
    let all = references::resolve(project, registries);
    let reason = "this may refer to the entry, depending on what is passed to this file: rename it by hand";
    if let Some((file, span)) = references::unclear(project, registry, &all, entry) {
        return Err(obstacle(&file.source, span, reason));
    }
    if let Some(Hazard { file, span, reason }) = hazards::of_groups(&all, registry, entry, new) {
        return Err(obstacle(&file.source, span, reason));
    }
    let ours = all.into_iter().filter(|resolved| {
        resolved.registry.path == registry.path && resolved.found.path.starts_with(entry) && resolved.target.is_some()
    });
    let ours: Vec<_> = ours.collect();
    match ours.iter().find(|resolved| !resolved.is_certain) {
        Some(Resolved { file, found, .. }) => {
            let span = found.names.get(entry.len() - 1).copied().unwrap_or(found.span);
            Err(obstacle(&file.source, span, reason))
        }
        None => Ok(ours),
    }
}

/// Returns the edits that turn an inherited name into a binding: `inherit (ports.databases) redis;` also defines the
/// name `redis`, which must not change, and becomes `redis = ports.databases.cache;`.
pub(super) fn split_inherit(source: &Source, tree: &Tree<'_>, inherit: Node, name: Span, value: &str) -> Vec<Edit> {
    let whole = tree.span(inherit);
    let binding = format!("{} = {value};", source.slice(name));
    if !inherits_several(tree, inherit) {
        return vec![edit(source, whole, binding)];
    }
    let blanks = source.text[..name.start as usize].trim_end().len() as u32;
    let end = Span { start: whole.end, end: whole.end };
    vec![edit(source, Span { start: blanks, end: name.end }, String::new()), edit(source, end, format!(" {binding}"))]
}

/// The `inherit` that lists a name, if there is one.
pub(super) fn inherit_around(tree: &Tree<'_>, span: Span) -> Option<Node> {
    let name = tree.covering(span);
    std::iter::once(name).chain(tree.ancestors(name)).find(|&node| {
        let is_inherit = matches!(tree.kind(node), NodeKind::Inherit | NodeKind::InheritFrom);
        // A reference inside the parentheses is not one of the inherited names.
        is_inherit && tree.child(node, Field::Expression).is_none_or(|from| tree.span(from).end <= span.start)
    })
}

/// Whether an `inherit` has several names.
fn inherits_several(tree: &Tree<'_>, inherit: Node) -> bool {
    let lists = tree.children(inherit).filter(|&node| tree.kind(node) == NodeKind::InheritedAttrs);
    lists.flat_map(|list| tree.children(list)).nth(1).is_some()
}

pub(super) fn edit(source: &Source, span: Span, text: String) -> Edit {
    Edit { path: source.path.clone(), span, text }
}

pub(super) fn obstacle(source: &Source, span: Span, reason: &'static str) -> Obstacle {
    let line = LineIndex::new(&source.text).line(span.start) + 1;
    Obstacle::At { path: source.path.clone(), line, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Repo;
    use crate::run;
    use crate::settings::Settings;

    const REGISTRY: &str =
        "{\n  db = { redis = 6379; pg = 5432; };\n  \"a.b\" = 7001;\n  base = 100;\n  next = 101;\n}\n";

    /// Renames an entry in `lib/ports.nix`. Returns the new text of each file.
    fn renamed(files: &[(&str, &str)], entry: &str, new: &str) -> Result<Vec<String>, String> {
        let repo = Repo::from_texts(files.iter().copied());
        let facts = run::port_facts(&repo, &Settings::default());
        let registries = Registries::of(&facts.project);
        let (registry, entry) = registries.entry(entry).expect("the entry is there");
        let edits = rename(&facts.project, &registries, registry, entry, new).map_err(|why| why.to_string())?;
        let after = files.iter().map(|(path, text)| {
            let mut text = (*text).to_owned();
            for edit in edits.iter().rev().filter(|edit| &*edit.path == *path) {
                text.replace_range(edit.span.range(), &edit.text);
            }
            text
        });
        Ok(after.collect())
    }

    #[test]
    fn every_form_of_a_reference_is_renamed() {
        let head = "let ports = import ./lib/ports.nix; in ";
        for (before, after) in [
            ("ports.db.redis", "ports.db.cache"),
            ("\"${toString ports.db.redis}\"", "\"${toString ports.db.cache}\""),
            ("ports.db.\"redis\"", "ports.db.cache"),
            ("ports.db.redis or 1", "ports.db.cache or 1"),
            ("with ports; db.redis", "with ports; db.cache"),
            ("with ports.db; [ redis pg ]", "with ports.db; [ cache pg ]"),
            ("{ inherit (ports.db) redis; }", "{ redis = ports.db.cache; }"),
            ("{ inherit (ports.db) pg redis; }", "{ inherit (ports.db) pg; redis = ports.db.cache; }"),
            ("let inherit (ports) db; in db.redis", "let inherit (ports) db; in db.cache"),
            ("ports.db.pg", "ports.db.pg"),
        ] {
            let files = [("lib/ports.nix", REGISTRY), ("a.nix", &format!("{head}{before}"))];
            let texts = renamed(&files, "db.redis", "cache").unwrap();
            assert_eq!(texts[0], REGISTRY.replace("redis", "cache"), "{before}");
            assert_eq!(texts[1], format!("{head}{after}"));
        }
    }

    #[test]
    fn comments_are_updated_and_unusual_names_are_quoted() {
        let yaml = "# Port from lib/ports.nix: db.redis = 6379\nport: 6379\n";
        let files = [("a.yaml", yaml), ("lib/ports.nix", REGISTRY)];
        let texts = renamed(&files, "db.redis", "my cache").unwrap();
        assert_eq!(texts[0], yaml.replace("db.redis", "db.\"my cache\""));
        assert_eq!(texts[1], REGISTRY.replace("redis =", "\"my cache\" ="));
    }

    #[test]
    fn the_set_that_describes_a_port_is_renamed() {
        let registry = "{\n  dns = {\n    port = 53;\n    protocol = \"udp\";\n  };\n}\n";
        let nix = "let ports = import ./lib/ports.nix; in { a = ports.dns.port; b = ports.dns.protocol; }";
        let yaml = "# Port from lib/ports.nix: dns = 53\na: 53\n---\n# Port from lib/ports.nix: dns.port = 53\nb: 53\n";
        let files = [("a.nix", nix), ("a.yaml", yaml), ("lib/ports.nix", registry)];
        let texts = renamed(&files, "dns", "resolver").unwrap();
        assert_eq!(texts[0], nix.replace("dns", "resolver"));
        assert_eq!(texts[1], yaml.replace("dns", "resolver"));
        assert_eq!(texts[2], registry.replace("dns", "resolver"));
    }

    #[test]
    fn uncertain_renames_are_refused() {
        let files = [("lib/ports.nix", REGISTRY)];
        assert_eq!(renamed(&files, "db.redis", "pg"), Err("the registry already has `db.pg`".to_owned()));
        assert_eq!(renamed(&files, "db.redis", " "), Err("that is not a valid name".to_owned()));
        let computed = [("lib/ports.nix", "rec {\n  base = 7000;\n  next = base + 1;\n}\n")];
        assert!(renamed(&computed, "base", "x").unwrap_err().starts_with("lib/ports.nix:2: "));
        let inherited = [("lib/ports.nix", "let\n  redis = 6379;\nin\n{\n  inherit redis;\n  pg = 5432;\n}\n")];
        assert!(renamed(&inherited, "redis", "x").unwrap_err().contains("by hand"));
        for registry in
            ["rec {\n  base = 7000;\n  other = base;\n}\n", "rec {\n  a.base = 7000;\n  b.other = a.base;\n}\n"]
        {
            let entry = if registry.contains("a.base") { "a.base" } else { "base" };
            let why = renamed(&[("lib/ports.nix", registry)], entry, "x").unwrap_err();
            assert!(why.contains("this entry has another name"), "{why}");
        }
    }

    #[test]
    fn a_name_that_would_mean_something_else_is_refused() {
        let outcome = |registry: &str, use_of: &str| {
            let user = format!("{{ config, ... }}:\nlet ports = import ./lib/ports.nix; cache = 1; in {use_of}");
            renamed(&[("lib/ports.nix", registry), ("a.nix", &user)], "db.redis", "cache").map(|texts| texts.len())
        };
        for use_of in ["with ports.db; redis", "with ports; with ports.db; redis"] {
            assert!(outcome(REGISTRY, use_of).unwrap_err().contains("may mean something else"), "{use_of}");
        }
        assert_eq!(outcome(REGISTRY, "ports.db.redis"), Ok(2));
        let of_other = "with pkgs; with ports.db; [ cache pg ]";
        let user = format!("let ports = import ./lib/ports.nix; in {of_other}");
        let why = renamed(&[("lib/ports.nix", REGISTRY), ("a.nix", &user)], "db.redis", "cache").unwrap_err();
        assert!(why.starts_with("a.nix:1: the new name would refer to this entry"), "{why}");
        let inherited = "let cache = 9000; in rec {\n  db = { redis = 6379; };\n  meta = { inherit cache; };\n}\n";
        assert!(outcome(inherited, "ports.db.redis").unwrap_err().contains("uses the new name"));
        let with_base = "let cache = 9000; in rec {\n  db = { redis = 6379; };\n  x = cache + 1;\n}\n";
        assert!(outcome(with_base, "ports.db.redis").unwrap_err().contains("uses the new name"));
    }

    #[test]
    fn renames_are_refused_if_code_may_read_the_entry_by_name() {
        let head = "let ports = import ./lib/ports.nix; in ";
        let outcome = |use_of: &str| {
            let files = [("lib/ports.nix", REGISTRY), ("a.nix", &format!("{head}{use_of}"))];
            renamed(&files, "db.redis", "cache")
        };
        for use_of in [
            "lib.getAttr \"redis\" ports.db",
            "lib.attrByPath [ \"db\" \"redis\" ] 1 ports",
            "ports.db.${name}",
            "lib.mapAttrs (name: port: { inherit port; }) ports.db",
            "({ redis, ... }: redis) ports.db",
            "f (ports)",
            "f { p = ports.db; }",
            "let p = ports.db // { x = 1; }; in p.redis",
            "(if c then ports.db else { }).redis",
            "map (p: p.redis) [ ports.db ]",
            "ports.db |> lib.getAttr \"redis\"",
            "let s = { inherit (ports) db; }; in s.db.redis",
        ] {
            assert!(outcome(use_of).unwrap_err().starts_with("a.nix:1: code that reads the whole group"), "{use_of}");
        }
        for use_of in [
            "builtins.attrValues ports.db",
            "{ inherit ports; }",
            "{ lib.ports = ports; }",
            "ports ? db",
            "ports.db.pg",
        ] {
            let texts = outcome(use_of).unwrap_or_else(|why| panic!("{use_of}: {why}"));
            assert_eq!(texts[0], REGISTRY.replace("redis", "cache"), "{use_of}");
        }
        let script = "#!/bin/sh\nnix eval -f lib/ports.nix db.NAME\n";
        let with = |name| [("lib/ports.nix", REGISTRY.to_owned()), ("x.sh", script.replace("NAME", name))];
        let of = |files: &[(&str, String)]| {
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
            renamed(&files, "db.redis", "cache")
        };
        assert!(of(&with("redis")).unwrap_err().starts_with("x.sh:2: "));
        assert!(of(&with("pg")).is_ok() && of(&with("redis2")).is_ok());
    }
}
