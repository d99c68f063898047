//! The layout of a registry: its groups, their members in order, and the positions for new ones.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::import::attribute;
use super::lines::{indent_unit, line_of, starts_line};
use super::naming;
use crate::facts::port_registry::dotted;
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// The maximum depth of nested groups that is read.
const DEPTH: usize = 8;

/// An entry to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its path, outermost name first.
    pub path: Vec<String>,
    /// The number.
    pub number: u32,
    /// The lines of the comment above it, without `#`.
    pub comment: Option<String>,
}

/// A registry as written.
#[derive(Debug)]
pub struct Layout<'t, 'a> {
    tree: &'t Tree<'a>,
    /// The path that contains all ports.
    base: Vec<String>,
    groups: BTreeMap<Vec<String>, Group>,
    names: BTreeSet<Vec<String>>,
    /// Where new entries go. Determined once the whole registry has been read.
    homes: OnceCell<Homes>,
}

/// Where new entries go.
#[derive(Debug)]
struct Homes {
    /// Whether the registry has entries, but no groups.
    is_flat: bool,
    /// The groups under the base, by their lowercase names. If several groups share a lowercase name, the first.
    groups: BTreeMap<String, String>,
}

/// A group: a set in braces, or dotted names in another set.
#[derive(Debug, Default)]
struct Group {
    /// The set in braces.
    set: Option<Node>,
    /// The path before each member's name, for a group of dotted names.
    dotted: Vec<String>,
    members: Vec<Member>,
    /// The order of the members. Determined once all of them have been read.
    order: OnceCell<Order>,
    /// See [`Group::is_spaced`].
    is_spaced: OnceCell<bool>,
}

#[derive(Debug)]
struct Member {
    name: String,
    /// The number, if it is literal.
    number: Option<u32>,
    span: Span,
}

/// The order of the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    Number,
    None,
}

impl<'t, 'a> Layout<'t, 'a> {
    /// Reads a registry's set. `None` if the file has no literal set.
    pub fn read(tree: &'t Tree<'a>, base: &[String]) -> Option<Self> {
        let mut node = nix::unwrap_parens(tree, tree.child(tree.root(), Field::Expression)?);
        while matches!(tree.kind(node), NodeKind::Let | NodeKind::With | NodeKind::Assert | NodeKind::Function) {
            node = nix::unwrap_parens(tree, tree.child(node, Field::Body)?);
        }
        let mut layout =
            Self { tree, base: base.to_vec(), groups: BTreeMap::new(), names: BTreeSet::new(), homes: OnceCell::new() };
        is_set(tree, node).then(|| layout.read_set(node, Vec::new()))?;
        Some(layout)
    }

    fn read_set(&mut self, set: Node, path: Vec<String>) {
        let tree = self.tree;
        self.groups.entry(path.clone()).or_default().set = Some(set);
        let Some(bindings) = tree.child_of_kind(set, NodeKind::BindingSet).filter(|_| path.len() < DEPTH) else {
            return;
        };
        for member in tree.children(bindings) {
            match tree.kind(member) {
                NodeKind::Binding => self.read_binding(member, &path),
                NodeKind::Inherit | NodeKind::InheritFrom => {
                    let attrs = tree.child_of_kind(member, NodeKind::InheritedAttrs);
                    let attrs = attrs.into_iter().flat_map(|attrs| tree.children(attrs));
                    let names = attrs.filter_map(|attr| nix::name_text(tree, attr));
                    self.names.extend(names.map(|name| [path.as_slice(), &[name.into_owned()]].concat()));
                }
                _ => {}
            }
        }
    }

    fn read_binding(&mut self, binding: Node, path: &[String]) {
        let tree = self.tree;
        let (Some(attrpath), Some(value)) = (nix::attrpath_node(tree, binding), nix::value(tree, binding)) else {
            return;
        };
        let names: Option<Vec<String>> = nix::names(tree, attrpath).map(|name| Some(name.text?.into_owned())).collect();
        let Some((name, dotted)) = names.as_deref().and_then(<[String]>::split_last) else { return };
        let group_path = [path, dotted].concat();
        let entry = [group_path.as_slice(), std::slice::from_ref(name)].concat();
        let group = self.groups.entry(group_path).or_default();
        if group.set.is_none() {
            group.dotted = dotted.to_vec();
        }
        let number = tree.slice(value).parse().ok();
        group.members.push(Member { name: name.clone(), number, span: tree.span(binding) });
        let value = nix::unwrap_parens(tree, value);
        if is_set(tree, value) {
            self.read_set(value, entry);
        } else {
            self.names.insert(entry);
        }
    }

    /// The paths of existing entries.
    pub fn paths(&self) -> BTreeSet<Vec<String>> {
        self.names.clone()
    }

    /// The path for a new entry: in the existing group with this name or a synonym, in a new group, or at the top level
    /// if the registry has entries but no groups.
    pub fn place(&self, group: &str, name: &str) -> Vec<String> {
        let mut path = self.base.clone();
        let homes = self.homes.get_or_init(|| self.find_homes());
        if !homes.is_flat {
            let own = naming::synonyms(group).iter().find_map(|known| homes.groups.get(&known.to_ascii_lowercase()));
            path.push(own.map_or_else(|| group.to_owned(), String::clone));
        }
        path.push(name.to_owned());
        path
    }

    fn find_homes(&self) -> Homes {
        let base = &self.base;
        let below = self.groups.keys().filter(|other| other.len() == base.len() + 1 && other.starts_with(base));
        let mut groups = BTreeMap::new();
        for name in below.map(|other| &other[base.len()]) {
            groups.entry(name.to_ascii_lowercase()).or_insert_with(|| name.clone());
        }
        Homes { is_flat: groups.is_empty() && self.names.iter().any(|name| name.starts_with(base)), groups }
    }

    /// The edits that write new entries.
    pub fn additions(&self, entries: &[NewEntry]) -> Vec<(Span, String)> {
        let mut by_group: BTreeMap<&[String], Vec<(&str, &NewEntry)>> = BTreeMap::new();
        for entry in entries {
            if let Some((name, group)) = entry.path.split_last() {
                by_group.entry(group).or_default().push((name, entry));
            }
        }
        by_group.values_mut().for_each(|added| added.sort_by_key(|(_, entry)| entry.number));
        let mut edits: BTreeMap<Span, String> = BTreeMap::new();
        for (path, mut added) in by_group {
            match self.groups.get(path) {
                Some(group) => {
                    if group.order() != Order::Number {
                        added.sort_unstable_by_key(|(name, _)| *name);
                    }
                    for (name, entry) in added {
                        let names = [group.dotted.as_slice(), &[name.to_owned()]].concat();
                        let binding = format!("{} = {};", dotted(&names), entry.number);
                        self.write(group, name, Some(entry.number), &[binding], entry.comment.as_deref(), &mut edits);
                    }
                }
                None => {
                    added.sort_unstable_by_key(|(name, _)| *name);
                    let Some((name, around)) = path.split_last() else { continue };
                    let Some(outer) = self.groups.get(around) else { continue };
                    let mut lines = vec![format!("{} = {{", attribute(name))];
                    for (name, entry) in added {
                        lines.extend(comment_lines(entry.comment.as_deref()));
                        lines.push(format!("{} = {};", attribute(name), entry.number));
                    }
                    lines.push("};".to_owned());
                    self.write(outer, name, None, &lines, None, &mut edits);
                }
            }
        }
        edits.into_iter().collect()
    }

    /// Writes the lines of one member into a group. The lines between the first and the last line of a new group are
    /// indented one level deeper than the members.
    fn write(
        &self,
        group: &Group,
        name: &str,
        number: Option<u32>,
        lines: &[String],
        comment: Option<&str>,
        edits: &mut BTreeMap<Span, String>,
    ) {
        let text = self.tree.text();
        // A comment needs its own line, so it is left out of a single-line set.
        let is_multi_line = group.members.last().is_none_or(|last| starts_line(text, last.span.start));
        let comment = comment_lines(comment.filter(|_| is_multi_line));
        let commented: Vec<String> = comment.chain(lines.iter().cloned()).collect();
        let lines = if lines.len() == 1 { commented.as_slice() } else { lines };
        let Some(last) = group.members.last() else {
            let Some(set) = group.set.map(|set| self.tree.span(set)) else { return };
            let (_, indent) = line_of(text, set.start);
            let written = multi_line(lines, &format!("{indent}{}", indent_unit(text)), indent_unit(text));
            // An empty set, or a set that contains only a comment: the position before the closing brace.
            let inside = text.get(set.start as usize..set.end as usize - 1).unwrap_or("");
            let at = set.start + inside.trim_end().len() as u32;
            let span = Span { start: at, end: set.end - 1 };
            let slot = edits.entry(span).or_insert_with(|| format!("\n{indent}"));
            slot.insert_str(slot.len() - indent.len(), &written);
            return;
        };
        // In a sorted group, a binary search finds the position, so that not all members are compared.
        let next = match group.order() {
            Order::Name => group.members.partition_point(|member| member.name.as_str() <= name),
            Order::Number => group.members.partition_point(|member| member.number <= number),
            Order::None => group.members.len(),
        };
        let next = group.members.get(next);
        let (at, mut written) = match next {
            Some(next) => before(text, next.span, lines),
            None => behind(text, last.span, lines),
        };
        if lines.len() > 1 && written.ends_with('\n') && group.is_spaced(text) {
            let blank_at = if next.is_some() { written.len() } else { 0 };
            written.insert(blank_at, '\n');
        }
        edits.entry(Span { start: at, end: at }).or_default().push_str(&written);
    }
}

impl Group {
    /// Whether blank lines separate its members. A single member counts as separated if it has several lines.
    fn is_spaced(&self, text: &str) -> bool {
        *self.is_spaced.get_or_init(|| self.has_blank_lines(text))
    }

    fn has_blank_lines(&self, text: &str) -> bool {
        let between = |pair: &[Member]| text.get(pair[0].span.end as usize..pair[1].span.start as usize);
        match self.members.as_slice() {
            [only] => text[only.span.range()].contains('\n'),
            members => members.windows(2).any(|pair| between(pair).is_some_and(|gap| gap.contains("\n\n"))),
        }
    }

    /// The order of the members: by name, or else by number, if they are sorted.
    fn order(&self) -> Order {
        *self.order.get_or_init(|| self.found_order())
    }

    fn found_order(&self) -> Order {
        if self.members.is_sorted_by(|a, b| a.name <= b.name) {
            Order::Name
        } else if self.members.iter().all(|member| member.number.is_some())
            && self.members.is_sorted_by_key(|member| member.number)
        {
            Order::Number
        } else {
            Order::None
        }
    }
}

/// The lines of a comment, each with a leading `#`.
pub fn comment_lines(comment: Option<&str>) -> impl Iterator<Item = String> {
    comment.into_iter().flat_map(str::lines).map(|line| format!("# {line}"))
}

fn is_set(tree: &Tree<'_>, node: Node) -> bool {
    matches!(tree.kind(node), NodeKind::Attrset | NodeKind::RecAttrset)
}

/// The position before a member and the comments directly above it, and the text to insert there.
fn before(text: &str, member: Span, lines: &[String]) -> (u32, String) {
    if !starts_line(text, member.start) {
        return (member.start, format!("{} ", one_line(lines)));
    }
    let (mut at, indent) = line_of(text, member.start);
    while at > 0 {
        let (above, _) = line_of(text, at - 1);
        if !text[above as usize..at as usize].trim_start().starts_with('#') {
            break;
        }
        at = above;
    }
    (at, multi_line(lines, indent, indent_unit(text)))
}

/// The position after a member and the comment on its line, and the text to insert there.
fn behind(text: &str, member: Span, lines: &[String]) -> (u32, String) {
    // Checked first: otherwise, a line with thousands of members would be read once for each of them.
    if !starts_line(text, member.start) {
        return (member.end, format!(" {}", one_line(lines)));
    }
    let rest = &text[member.end as usize..];
    let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
    let alone = line.trim().is_empty() || line.trim_start().starts_with('#');
    let (_, indent) = line_of(text, member.start);
    // A member may span several lines; only its last line is relevant.
    if !alone || rest.len() == line.len() {
        return (member.end, format!(" {}", one_line(lines)));
    }
    (member.end + line.len() as u32 + 1, multi_line(lines, indent, indent_unit(text)))
}

/// Joins lines of code into one. Comments are dropped, because they would hide the code after them.
fn one_line(lines: &[String]) -> String {
    let code: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.starts_with('#')).collect();
    code.join(" ")
}

fn multi_line(lines: &[String], indent: &str, unit: &str) -> String {
    let mut out = String::new();
    let is_group = lines.first().is_some_and(|line| line.ends_with('{'));
    for (at, line) in lines.iter().enumerate() {
        let deeper = if !is_group || at == 0 || at + 1 == lines.len() { "" } else { unit };
        out.push_str(&format!("{indent}{deeper}{line}\n"));
    }
    out
}
