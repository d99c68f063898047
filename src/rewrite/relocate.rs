//! Moves a port registry entry into another group, and updates all references to it.

use crate::facts::Project;
use crate::facts::port_registry::references::{self, Resolved};
use crate::facts::port_registry::{Entry, Lookup, Registries, Registry, dotted, split};
use crate::finding::{Edit, Span, replaced};
use crate::lang::{Field, Language, Node, NodeKind, Tree, nix};
use crate::rewrite::ports::layout::Layout;
use crate::rewrite::ports::layout::NewEntry;
use crate::rewrite::ports::lines::{line_of, starts_line};
use crate::rewrite::rename::{
    Obstacle, Trees, edit, followed, inherit_around, is_name, mentions, obstacle, rename, split_inherit,
};
use crate::source::{Source, with_line_ends_of};

/// Returns the edits that move an entry to the path `new`, which does not include the registry's name. A path without a
/// dot is a name in the same group.
pub fn relocate<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
    registry: &'p Registry,
    entry: &'p Entry,
    new: &str,
) -> Result<Vec<Edit>, Obstacle> {
    let path = target(registry, entry, new);
    let (Some((last, group)), Some((_, old_group))) = (path.split_last(), entry.service().split_last()) else {
        return Err(Obstacle::NotAName);
    };
    if group == old_group {
        return rename(project, registries, registry, entry, last);
    }
    if !path.iter().all(|name| is_name(name)) {
        return Err(Obstacle::NotAName);
    }
    for depth in 1..=path.len() {
        match registry.lookup(&path[..depth]) {
            Lookup::Group if depth < path.len() => {}
            Lookup::Missing(_) => break,
            _ => return Err(Obstacle::Taken(dotted(&path[..depth]))),
        }
    }
    let moving = Moving { project, registries, registry, entry, path };
    let mut edits = moving.definition()?;
    edits.extend(moving.references()?);
    edits.extend(moving.comments());
    edits.sort_by(|a, b| (&a.path, a.span).cmp(&(&b.path, b.span)));
    edits.dedup();
    Ok(edits)
}

/// Whether an entry is `NAME = { port = NUMBER; .. }`.
fn entry_is_set(entry: &Entry) -> bool {
    entry.endpoint.is_some()
}

/// The full path of a new name.
fn target(registry: &Registry, entry: &Entry, new: &str) -> Vec<String> {
    let names = split(new);
    let around = entry.service().split_last().map_or(&[][..], |(_, around)| around);
    let prefix = registry.shape.prefix.as_slice();
    match names.len() {
        1 => [around, &names].concat(),
        _ if names.starts_with(prefix) => names,
        _ => [prefix, &names].concat(),
    }
}

struct Moving<'p> {
    project: &'p Project,
    registries: &'p Registries<'p>,
    registry: &'p Registry,
    entry: &'p Entry,
    path: Vec<String>,
}

impl<'p> Moving<'p> {
    /// The edit that rewrites the whole registry file with the entry at its new path.
    fn definition(&self) -> Result<Vec<Edit>, Obstacle> {
        let Some(file) = self.project.file(&self.registry.path) else { return Ok(Vec::new()) };
        let source = &file.source;
        let at = |reason| obstacle(source, self.entry.name_span, reason);
        if self.entry.read_here {
            return Err(at("another registry entry is computed from this one: move this one by hand"));
        }
        if entry_is_set(self.entry) {
            return Err(at("the entry is a set: move it to the other group by hand, and rename it there"));
        }
        let not_plain = || at("the entry is not written as `NAME = NUMBER` here: move it by hand");
        let number: u32 = source.slice(self.entry.value_span).parse().map_err(|_| not_plain())?;
        let tree = Tree::parse(Language::Nix, &source.text).filter(|tree| !tree.broken()).ok_or_else(not_plain)?;
        let (removed, comment) = removal(&tree, self.entry.name_span).ok_or_else(not_plain)?;
        let mut cuts = vec![(removed, String::new())];
        let mentions = mentions(self.project, self.registry, self.entry, &dotted(&self.path)).into_iter();
        cuts.extend(mentions.map(|edit| (edit.span, edit.text)).filter(|(span, _)| !removed.contains(*span)));
        let without = edited(&source.text, cuts);
        let tree = Tree::parse(Language::Nix, &without).filter(|tree| !tree.broken()).ok_or_else(not_plain)?;
        let entry = NewEntry { path: self.path.clone(), number, comment };
        let layout = Layout::read(&tree, &self.registry.shape.prefix).ok_or_else(not_plain)?;
        let additions = layout.additions(std::slice::from_ref(&entry));
        if additions.is_empty() {
            return Err(at("the new group cannot be added to the registry: move the entry by hand"));
        }
        let whole = Span::new(0, source.text.len());
        let text = with_line_ends_of(&source.text, edited(&without, additions));
        Ok(vec![edit(source, whole, text)])
    }

    fn references(&self) -> Result<Vec<Edit>, Obstacle> {
        let mut edits = Vec::new();
        let mut trees = Trees::default();
        let depth = self.entry.path.len();
        for Resolved { file, found, .. } in
            followed(self.project, self.registries, self.registry, &self.entry.path, &self.path)?
        {
            let names = found.names.get(..depth).unwrap_or_default();
            let by_hand = || {
                let span = names.last().copied().unwrap_or(found.span);
                obstacle(&file.source, span, "the group and the name are separate here: update this reference by hand")
            };
            let tree = trees.of(file).ok_or_else(by_hand)?;
            edits.extend(redirect(&file.source, tree, names, &self.path).ok_or_else(by_hand)?);
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
            let is_whole = split(&comment.entry).len() == self.entry.path.len();
            let prefix = if is_whole { 0 } else { self.registry.shape.prefix.len() };
            edit(&file.source, comment.entry_span, dotted(&self.path[prefix..]))
        })
        .collect()
    }
}

/// Returns the edits that make a reference refer to another entry. `names` contains the spans of its names, and `path`
/// the names to write. `None` if the names are not adjacent, as under a `with`.
pub fn redirect(source: &Source, tree: &Tree<'_>, names: &[Span], path: &[String]) -> Option<Vec<Edit>> {
    let (first, last) = (names.first()?, names.last()?);
    let between = |pair: &[Span]| source.text.get(pair[0].end as usize..pair[1].start as usize);
    let is_together = names.windows(2).all(|pair| between(pair).is_some_and(|text| text.trim() == "."));
    let Some(inherit) = inherit_around(tree, *last) else {
        let whole = Span { start: first.start, end: last.end };
        return is_together.then(|| vec![edit(source, whole, dotted(path))]);
    };
    // `inherit (ports.databases) redis;`
    let from = tree.span(tree.child(inherit, Field::Expression)?);
    let root = match names {
        [_] => source.slice(from),
        [group, ..] if from.start < group.start && group.end <= from.end => {
            source.slice(Span { start: from.start, end: group.start }).trim_end().trim_end_matches('.')
        }
        _ => return None,
    };
    let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '\'');
    let root = if root.chars().all(is_simple) { root.to_owned() } else { format!("({root})") };
    Some(split_inherit(source, tree, inherit, *last, &format!("{root}.{}", dotted(path))))
}

/// The range to remove from a registry to delete an entry, and the comments that belong to the entry. `None` if no
/// binding's attribute path ends with its name.
fn removal(tree: &Tree<'_>, name: Span) -> Option<(Span, Option<String>)> {
    let mut bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    let mut binding = bindings.find(|&node| {
        let attrpath = nix::attrpath_node(tree, node);
        attrpath.is_some_and(|attrpath| tree.span(attrpath).end == name.end && tree.span(attrpath).start <= name.start)
    })?;
    let comment = comments_of(tree.text(), tree.span(binding));
    // A group that becomes empty is also removed.
    while let Some(outer) = only_member(tree, binding) {
        binding = outer;
    }
    Some((lines_of(tree.text(), tree.span(binding)), comment))
}

/// The binding whose set has this binding as its only member, if there is one.
fn only_member(tree: &Tree<'_>, binding: Node) -> Option<Node> {
    let members = tree.parent(binding)?;
    if tree.children(members).filter(|&node| tree.kind(node) != NodeKind::Comment).count() != 1 {
        return None;
    }
    let outer = tree.parent(tree.parent(members)?)?;
    (tree.kind(outer) == NodeKind::Binding).then_some(outer)
}

/// The comments above a member and at the end of its line, without comment markers. `None` if there are none.
fn comments_of(text: &str, member: Span) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    let (start, _) = line_of(text, member.start);
    for line in text[..start as usize].lines().rev() {
        match line.trim_start().strip_prefix('#') {
            Some(comment) if starts_line(text, member.start) => lines.push(comment.trim()),
            _ => break,
        }
    }
    lines.reverse();
    let rest = text[member.end as usize..].lines().next().unwrap_or("");
    lines.extend(rest.trim_start().strip_prefix('#').map(str::trim));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The span of a member with its comments. It consists of whole lines if nothing else is on them.
fn lines_of(text: &str, member: Span) -> Span {
    let rest = text[member.end as usize..].lines().next().unwrap_or("");
    let is_alone = starts_line(text, member.start) && (rest.trim().is_empty() || rest.trim_start().starts_with('#'));
    if !is_alone {
        let blanks = rest.len() - rest.trim_start().len();
        return Span { start: member.start, end: member.end + blanks as u32 };
    }
    let (mut start, _) = line_of(text, member.start);
    while let Some(above) = text[..start as usize].strip_suffix('\n') {
        let line = above.rfind('\n').map_or(0, |end| end + 1);
        if !above[line..].trim_start().starts_with('#') {
            break;
        }
        start = line as u32;
    }
    let mut end = (member.end as usize + rest.len() + 1).min(text.len());
    // Keep one blank line between two members.
    let blank_above = text[..start as usize].ends_with("\n\n") || text[..start as usize].trim_end().ends_with('{');
    if blank_above && text[end..].starts_with('\n') {
        end += 1;
    }
    if text[end..].trim_start().starts_with('}') {
        start = text[..start as usize].trim_end().len() as u32;
        end -= 1;
    }
    Span { start, end: end as u32 }
}

fn edited(text: &str, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(*span));
    replaced(text, edits.iter().rev().map(|(span, new)| (*span, new.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Repo;
    use crate::run;
    use crate::settings::Settings;

    const REGISTRY: &str = "# All ports.\n{\n  databases = {\n    pg = 5432;\n    # The cache.\n    redis = 6379; # one instance\n  };\n\n  \
                            services = {\n    caddy = 9100;\n  };\n}\n";

    /// Moves an entry in `lib/ports.nix`. Returns the new text of each file.
    fn moved(files: &[(&str, &str)], entry: &str, new: &str) -> Result<Vec<String>, String> {
        let repo = Repo::from_texts(files.iter().copied());
        let facts = run::port_facts(&repo, &Settings::default());
        let registries = Registries::of(&facts.project);
        let (registry, entry) = registries.entry(entry).expect("the entry is there");
        let edits = relocate(&facts.project, &registries, registry, entry, new).map_err(|why| why.to_string())?;
        let after = files.iter().map(|(path, text)| {
            let edits = edits.iter().filter(|edit| &*edit.path == *path);
            let text = edited(text, edits.map(|edit| (edit.span, edit.text.clone())).collect());
            assert!(!path.ends_with(".nix") || !Tree::parse(Language::Nix, &text).unwrap().broken(), "{text}");
            text
        });
        Ok(after.collect())
    }

    #[test]
    fn an_entry_moves_with_its_comments() {
        let files = [("lib/ports.nix", REGISTRY)];
        assert_eq!(
            moved(&files, "databases.redis", "services.cache").unwrap()[0],
            "# All ports.\n{\n  databases = {\n    pg = 5432;\n  };\n\n  services = {\n    # The cache.\n    # one instance\n    cache = \
             6379;\n    caddy = 9100;\n  };\n}\n"
        );
        assert_eq!(
            moved(&files, "services.caddy", "monitoring.nodeExporter").unwrap()[0],
            "# All ports.\n{\n  databases = {\n    pg = 5432;\n    # The cache.\n    redis = 6379; # one instance\n  };\n\n  monitoring = \
             {\n    nodeExporter = 9100;\n  };\n}\n"
        );
        let flat = [("lib/ports.nix", "{ a.x = 80; a.y = 81; b.z = 82; }\n")];
        assert_eq!(moved(&flat, "a.x", "b.w").unwrap()[0], "{ a.y = 81; b.w = 80; b.z = 82; }\n");
    }

    #[test]
    fn every_form_of_a_reference_is_updated() {
        let head = "let ports = import ./lib/ports.nix; in ";
        for (before, after) in [
            ("ports.services.caddy", "ports.monitoring.node"),
            ("\"${toString ports.services.caddy}\"", "\"${toString ports.monitoring.node}\""),
            ("{ inherit (ports.services) caddy; }", "{ caddy = ports.monitoring.node; }"),
            ("with ports; services.caddy", "with ports; monitoring.node"),
            ("ports.databases.redis", "ports.databases.redis"),
        ] {
            let text = format!("{head}{before}");
            let files = [("lib/ports.nix", REGISTRY), ("a.nix", text.as_str())];
            assert_eq!(moved(&files, "services.caddy", "monitoring.node").unwrap()[1], format!("{head}{after}"));
        }
        let yaml = "# Port from lib/ports.nix: services.caddy = 9100\nport: 9100\n";
        let files = [("a.yaml", yaml), ("lib/ports.nix", REGISTRY)];
        let after = moved(&files, "services.caddy", "monitoring.node").unwrap();
        assert_eq!(after[0], yaml.replace("services.caddy", "monitoring.node"));
    }

    #[test]
    fn uncertain_moves_are_refused() {
        let head = "let ports = import ./lib/ports.nix; in ";
        for (text, new, reason) in [
            ("with ports.services; caddy", "monitoring.node", "separate"),
            ("1", "databases.pg", "already has `databases.pg`"),
            ("1", "databases.pg.x", "already has `databases.pg`"),
            ("1", "monitoring. ", "not a valid name"),
        ] {
            let text = format!("{head}{text}");
            let files = [("lib/ports.nix", REGISTRY), ("a.nix", text.as_str())];
            let why = moved(&files, "services.caddy", new).unwrap_err();
            assert!(why.contains(reason), "{why}");
        }
    }

    #[test]
    fn suppression_reasons_are_updated_to_the_new_name() {
        let registry = "{\n  a.web = 80;\n  # flakeward: allow(port-conflict) a different service from a.web\n  b.web = \
                        80; # not a.web2\n}\n";
        let after = moved(&[("lib/ports.nix", registry)], "a.web", "a.site").unwrap();
        assert_eq!(after[0], registry.replace("a.web =", "a.site =").replace("from a.web\n", "from a.site\n"));
    }
}
