//! YAML: documents, mappings with anchors, aliases and merge keys resolved, and scalars with their offsets kept.

pub mod recover;
mod script;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Field, Node, NodeKind, Tree};
use crate::finding::Span;

/// A YAML file with an index of its anchors.
#[derive(Debug)]
pub struct Yaml<'t, 'a> {
    /// The tree.
    pub tree: &'t Tree<'a>,
    /// For each anchor name, the nodes with this anchor and their offsets, in file order.
    anchors: HashMap<&'a str, Vec<(u32, Node)>>,
}

/// An entry in a mapping.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The text of the key.
    pub key: Cow<'a, str>,
    /// The key's node.
    pub key_node: Node,
    /// The value's node, aliases resolved; `None` if it is empty.
    pub value: Option<Node>,
    /// Whether it comes from a merge key.
    pub merged: bool,
}

/// Wrappers of nodes, and aliases of aliases, are followed to this depth: real files have two or three levels.
const DEPTH: usize = 16;

impl<'t, 'a> Yaml<'t, 'a> {
    /// Reads the anchors of a tree.
    pub fn new(tree: &'t Tree<'a>) -> Self {
        let names = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::AnchorName);
        let mut anchors: HashMap<&str, Vec<(u32, Node)>> = HashMap::new();
        for name in names {
            if let Some(node) = tree.parent(name).and_then(|anchor| tree.parent(anchor)) {
                anchors.entry(tree.slice(name)).or_default().push((tree.span(node).start, node));
            }
        }
        Self { tree, anchors }
    }

    /// The content of each document that is not empty.
    pub fn documents(&self) -> impl Iterator<Item = Node> + '_ {
        let tree = self.tree;
        tree.children(tree.root()).filter(move |&node| tree.kind(node) == NodeKind::Document).filter_map(
            move |document| {
                let body = tree
                    .children(document)
                    .find(|&node| matches!(tree.kind(node), NodeKind::BlockNode | NodeKind::FlowNode))?;
                self.content(body)
            },
        )
    }

    /// The content of a node: without its wrapper, and with its alias resolved.
    pub fn content(&self, node: Node) -> Option<Node> {
        let mut node = node;
        for _ in 0..DEPTH {
            match self.tree.kind(node) {
                NodeKind::BlockNode | NodeKind::FlowNode => {
                    node = self.tree.children(node).find(|&child| {
                        !matches!(self.tree.kind(child), NodeKind::Anchor | NodeKind::Tag | NodeKind::Comment)
                    })?;
                }
                NodeKind::Alias => node = self.anchor(node)?,
                _ => return Some(node),
            }
        }
        None
    }

    /// The node that an alias refers to: the last anchor with that name before it.
    fn anchor(&self, alias: Node) -> Option<Node> {
        let name = self.tree.child_of_kind(alias, NodeKind::AliasName)?;
        let (text, at) = (self.tree.slice(name), self.tree.span(alias).start);
        let anchors = self.anchors.get(text)?;
        let after = anchors.partition_point(|(start, _)| *start < at);
        anchors.get(after.checked_sub(1)?).map(|(_, node)| *node)
    }

    /// Whether a node is a mapping.
    pub fn is_mapping(&self, node: Node) -> bool {
        let kind = self.content(node).map(|node| self.tree.kind(node));
        matches!(kind, Some(NodeKind::BlockMapping | NodeKind::FlowMapping))
    }

    /// Whether a node is a sequence.
    pub fn is_sequence(&self, node: Node) -> bool {
        let kind = self.content(node).map(|node| self.tree.kind(node));
        matches!(kind, Some(NodeKind::BlockSequence | NodeKind::FlowSequence))
    }

    /// The entries in a mapping, followed by those of its merge keys (`<<`); empty for other nodes.
    pub fn entries(&self, node: Node) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        let mut merges = self.own_entries(node, false, &mut entries);
        if merges.is_empty() {
            return entries;
        }
        // The mapping's own keys come first and take precedence; a mapping that is merged again adds nothing.
        let mut keys: HashSet<Cow<'a, str>> = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut seen = HashSet::new();
        merges.reverse();
        while let Some(value) = merges.pop() {
            let Some(value) = self.content(value).filter(|value| seen.insert(*value)) else { continue };
            if self.is_sequence(value) {
                merges.extend(self.items(value).into_iter().rev());
                continue;
            }
            let mut found = Vec::new();
            merges.extend(self.own_entries(value, true, &mut found).into_iter().rev());
            entries.extend(found.into_iter().filter(|entry| keys.insert(entry.key.clone())));
        }
        entries
    }

    /// Adds a mapping's own entries; returns the values of its merge keys.
    fn own_entries(&self, node: Node, merged: bool, out: &mut Vec<Entry<'a>>) -> Vec<Node> {
        let mut merges = Vec::new();
        let Some(node) = self.content(node) else { return merges };
        for pair in self.tree.children(node) {
            if !matches!(self.tree.kind(pair), NodeKind::BlockMappingPair | NodeKind::FlowPair) {
                continue;
            }
            let Some(key_node) = self.tree.child(pair, Field::Key) else { continue };
            let value = self.tree.child(pair, Field::Value);
            let Some(key) = self.scalar(key_node) else { continue };
            if key == "<<" {
                merges.extend(value);
            } else {
                out.push(Entry { key, key_node, value: value.and_then(|value| self.content(value)), merged });
            }
        }
        merges
    }

    /// The value of a key in a mapping, including merge keys.
    pub fn get(&self, node: Node, key: &str) -> Option<Node> {
        self.entry(node, key)?.value
    }

    /// The entry of a key in a mapping, including merge keys.
    pub fn entry(&self, node: Node, key: &str) -> Option<Entry<'a>> {
        self.entries(node).into_iter().find(|entry| entry.key == key)
    }

    /// The value at a path of keys.
    pub fn at(&self, node: Node, path: &[&str]) -> Option<Node> {
        path.iter().try_fold(node, |node, key| self.get(node, key))
    }

    /// The items of a sequence, aliases resolved; empty for other nodes.
    pub fn items(&self, node: Node) -> Vec<Node> {
        self.placed_items(node).into_iter().map(|(_, item)| item).collect()
    }

    /// The items of a sequence as pairs: the node in the sequence, which includes the dash and may be an alias, and its
    /// content with aliases resolved.
    pub fn placed_items(&self, node: Node) -> Vec<(Node, Node)> {
        let Some(node) = self.content(node) else { return Vec::new() };
        let items = self.tree.children(node).filter_map(|item| {
            let value = match self.tree.kind(item) {
                NodeKind::BlockSequenceItem => self.tree.children(item).find_map(|child| self.content_if_value(child)),
                NodeKind::FlowNode | NodeKind::FlowPair => self.content_if_value(item),
                _ => None,
            };
            Some((item, value?))
        });
        match self.tree.kind(node) {
            NodeKind::BlockSequence | NodeKind::FlowSequence => items.collect(),
            _ => Vec::new(),
        }
    }

    fn content_if_value(&self, node: Node) -> Option<Node> {
        match self.tree.kind(node) {
            NodeKind::Comment => None,
            _ => self.content(node),
        }
    }

    /// The value of a scalar; `None` for mappings and sequences. Plain and quoted scalars over several lines are
    /// folded, block scalars lose their indentation.
    pub fn scalar(&self, node: Node) -> Option<Cow<'a, str>> {
        let node = self.content(node)?;
        let text = self.tree.slice(node);
        match self.tree.kind(node) {
            NodeKind::PlainScalar => Some(fold(text)),
            NodeKind::SingleQuoteScalar => {
                let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
                Some(if inner.contains("''") { Cow::Owned(fold(inner).replace("''", "'")) } else { fold(inner) })
            }
            NodeKind::DoubleQuoteScalar => {
                let inner = text.strip_prefix('"')?.strip_suffix('"')?;
                Some(if inner.contains('\\') { Cow::Owned(unescape(&fold(inner))) } else { fold(inner) })
            }
            NodeKind::BlockScalar => Some(Cow::Owned(block(text))),
            _ => None,
        }
    }

    /// Whether a scalar is plain (unquoted).
    pub fn is_plain(&self, node: Node) -> bool {
        self.content(node).is_some_and(|node| self.tree.kind(node) == NodeKind::PlainScalar)
    }

    /// The contents of a scalar with offsets kept: escapes become blanks, and quotes or the block header are left out.
    /// Returns the text and its offset in the file.
    pub fn raw(&self, node: Node) -> Option<(Cow<'a, str>, u32)> {
        let node = self.content(node)?;
        let span = self.tree.span(node);
        let text = self.tree.slice(node);
        match self.tree.kind(node) {
            NodeKind::PlainScalar => Some((Cow::Borrowed(text), span.start)),
            NodeKind::SingleQuoteScalar | NodeKind::DoubleQuoteScalar => {
                let inner = text.get(1..text.len().checked_sub(1)?)?;
                Some((blank_escapes(self.tree, node, inner, span.start + 1), span.start + 1))
            }
            NodeKind::BlockScalar => {
                let header = text.find('\n').map_or(text.len(), |at| at + 1);
                Some((Cow::Borrowed(&text[header..]), span.start + header as u32))
            }
            _ => None,
        }
    }

    /// A scalar that is a script, with offsets kept like [`Self::raw`]: escaped quotes and line ends are resolved, and
    /// line ends that YAML folds become blanks.
    pub fn script(&self, node: Node) -> Option<(Cow<'a, str>, u32)> {
        let node = self.content(node)?;
        let text = self.tree.slice(node);
        match self.tree.kind(node) {
            NodeKind::PlainScalar => Some((script::folded(text), self.tree.span(node).start)),
            kind @ (NodeKind::SingleQuoteScalar | NodeKind::DoubleQuoteScalar) => {
                let inner = text.get(1..text.len().checked_sub(1)?)?;
                Some((script::unescaped(inner, kind == NodeKind::DoubleQuoteScalar), self.tree.span(node).start + 1))
            }
            NodeKind::BlockScalar => {
                let (body, start) = self.raw(node)?;
                let body = if text.starts_with('>') { script::folded_block(&body).into() } else { body };
                Some((body, start))
            }
            _ => None,
        }
    }

    /// A folded block scalar (`>`) like [`Self::script`]; `None` for other scalars.
    pub fn folded(&self, node: Node) -> Option<Cow<'a, str>> {
        let content = self.content(node)?;
        let is_folded = self.tree.kind(content) == NodeKind::BlockScalar && self.tree.slice(content).starts_with('>');
        is_folded.then(|| self.script(node)).flatten().map(|(text, _)| text)
    }

    /// The pair (`key: value`) that a node is the key or value of.
    pub fn pair_around(&self, node: Node) -> Option<Node> {
        self.tree
            .ancestors(node)
            .find(|&node| matches!(self.tree.kind(node), NodeKind::BlockMappingPair | NodeKind::FlowPair))
    }

    /// The path of keys to a node, outermost first; sequence items are not included.
    pub fn path_of(&self, node: Node) -> Vec<Cow<'a, str>> {
        let mut path: Vec<_> = self
            .tree
            .ancestors(node)
            .filter(|&node| matches!(self.tree.kind(node), NodeKind::BlockMappingPair | NodeKind::FlowPair))
            .filter_map(|pair| self.scalar(self.tree.child(pair, Field::Key)?))
            .collect();
        path.reverse();
        path
    }
}

fn fold(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut breaks = 0;
    for (index, line) in text.lines().enumerate() {
        let line = if index == 0 { line.trim_end() } else { line.trim() };
        if line.is_empty() && index > 0 {
            breaks += 1;
            continue;
        }
        if index > 0 {
            match breaks {
                0 => out.push(' '),
                count => out.extend(std::iter::repeat_n('\n', count)),
            }
        }
        breaks = 0;
        out.push_str(line);
    }
    Cow::Owned(out)
}

fn block(text: &str) -> String {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or("");
    let folded = header.starts_with('>');
    let lines: Vec<&str> = lines.collect();
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .next()
        .unwrap_or(0);
    let body: Vec<&str> = lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    let mut out = body.join(if folded { " " } else { "\n" });
    if !header.contains('-') && !out.is_empty() {
        out.push('\n');
    }
    out
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some(kind @ ('x' | 'u' | 'U')) => {
                let count = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits: String = chars.by_ref().take(count).collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn blank_escapes<'a>(tree: &Tree<'a>, node: Node, inner: &'a str, start: u32) -> Cow<'a, str> {
    let escapes: Vec<Span> =
        tree.children(node).filter(|&part| tree.kind(part) == NodeKind::Escape).map(|part| tree.span(part)).collect();
    if escapes.is_empty() {
        return Cow::Borrowed(inner);
    }
    let mut bytes = inner.as_bytes().to_vec();
    for escape in escapes {
        let range = escape.start.saturating_sub(start) as usize..escape.end.saturating_sub(start) as usize;
        if let Some(bytes) = bytes.get_mut(range) {
            bytes.fill(b' ');
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(inner), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    #[test]
    fn anchors_and_merge_keys_are_resolved() {
        let text = "base: &base\n  image: redis\n  port: 1\nweb:\n  <<: *base\n  port: 2\nlist: [*base, {a: b}]\n";
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        let root = yaml.documents().next().unwrap();
        let text_at = |path: &[&str]| yaml.at(root, path).and_then(|node| yaml.scalar(node)).map(Cow::into_owned);
        assert_eq!(text_at(&["web", "image"]).as_deref(), Some("redis"));
        assert_eq!(text_at(&["web", "port"]).as_deref(), Some("2"));
        let list = yaml.get(root, "list").unwrap();
        assert_eq!(yaml.items(list).len(), 2);
        assert_eq!(yaml.scalar(yaml.get(yaml.items(list)[0], "port").unwrap()).as_deref(), Some("1"));
        let port = yaml.at(root, &["web", "port"]).unwrap();
        assert_eq!(yaml.path_of(port), ["web", "port"]);
    }

    #[test]
    fn nested_merges_are_read_once() {
        let mut text = String::from("a0: &a0 {k: 1, x: 0}\n");
        for level in 1..40 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level}\n  <<: [{below}]\n  x: {level}\n"));
        }
        let tree = Tree::parse(Language::Yaml, &text).unwrap();
        let yaml = Yaml::new(&tree);
        let root = yaml.documents().next().unwrap();
        let top = yaml.get(root, "a39").unwrap();
        let value = |key: &str| yaml.scalar(yaml.get(top, key).unwrap()).unwrap().into_owned();
        assert_eq!((value("k").as_str(), value("x").as_str()), ("1", "39"));
        assert_eq!(yaml.entries(top).len(), 2);
    }

    #[test]
    fn scalars_have_values_and_offsets() {
        let text = "a: 'it''s'\nb: \"x\\n\\u0041 80\"\nc: |\n  one\n  two\nd: >-\n  one\n  two\ne: plain\n  more\n";
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        let root = yaml.documents().next().unwrap();
        let values: Vec<_> = yaml
            .entries(root)
            .into_iter()
            .map(|entry| yaml.scalar(entry.value.unwrap()).unwrap().into_owned())
            .collect();
        assert_eq!(values, ["it's", "x\nA 80", "one\ntwo\n", "one two", "plain more"]);
        let (raw, start) = yaml.raw(yaml.get(root, "b").unwrap()).unwrap();
        let at = raw.find("80").unwrap();
        assert_eq!(&text[start as usize + at..][..2], "80");
    }
}
