//! Syntax trees: a grammar's tree copied into one flat table that checks can walk cheaply in any direction.
//!
//! Nodes are in preorder, so a subtree is a range of the table, a pass over the whole file is a loop, and a parent is
//! one index away. Anonymous tokens are kept only if the grammar has a field for them (operators).

pub mod ci;
pub mod codeowners;
pub mod dockerfile;
pub mod faults;
pub mod flake;
pub mod kind;
pub mod languages;
pub mod limits;
pub mod nesting;
pub mod nix;
pub mod recipes;
pub mod shell;
pub mod taskfile;
pub mod yaml;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

pub use kind::{Field, NodeKind};
pub use languages::Language;
pub use limits::Refusal;

use self::languages::LANGUAGES;
use crate::finding::Span;

/// A node of a [`Tree`]: an index into its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    start: u32,
    end: u32,
    parent: u32,
    /// The index after the last descendant.
    after: u32,
    kind: NodeKind,
    field: Field,
}

/// A parsed file.
#[derive(Debug)]
pub struct Tree<'a> {
    text: &'a str,
    rows: Arc<[Row]>,
    broken: bool,
    /// The missing tokens that the grammar inserted: the node, and the token's id in the grammar.
    made_up: Vec<(Node, u16)>,
    unread: Option<u32>,
    /// The syntax errors of a YAML file, found by libyaml.
    faults: Vec<yaml::recover::Fault>,
    /// The grammar's own tree. If the text was parsed without the grammar, it is created on demand.
    raw: OnceCell<Option<tree_sitter::Tree>>,
    /// The number of remaining steps; see [`Tree::refill`].
    steps: Cell<u64>,
    /// The names of large sets, indexed on first use.
    names: RefCell<HashMap<Node, nix::Names<'a>>>,
}

/// The nodes of a parsed file without its text, kept until the file changes.
#[derive(Debug, Clone)]
pub struct KeptTree {
    rows: Arc<[Row]>,
    broken: bool,
}

impl KeptTree {
    /// The tree of the parsed text. It has no details about syntax errors, and no tree for queries.
    pub fn open<'a>(&self, text: &'a str) -> Tree<'a> {
        let rows = Arc::clone(&self.rows);
        Tree { broken: self.broken, raw: OnceCell::from(None), ..Tree::of_rows(text, rows) }
    }
}

thread_local! {
    /// One parser per thread and language: creating one costs more than parsing a small file.
    static PARSERS: RefCell<[Option<tree_sitter::Parser>; LANGUAGES.len()]> =
        const { RefCell::new([const { None }; LANGUAGES.len()]) };
}

impl<'a> Tree<'a> {
    /// The number of nodes in a subtree, including its root.
    pub fn size(&self, node: Node) -> usize {
        self.rows.get(node.0 as usize).map_or(0, |row| (row.after - node.0) as usize)
    }

    /// Calls `look` with the index of a set's names, which `make` creates on first use.
    fn with_names<T>(
        &self,
        set: Node,
        make: impl FnOnce() -> nix::Names<'a>,
        look: impl FnOnce(&nix::Names<'a>) -> T,
    ) -> T {
        look(self.names.borrow_mut().entry(set).or_insert_with(make))
    }

    /// Parses the text; `None` if it is refused.
    pub fn parse(language: Language, text: &'a str) -> Option<Self> {
        Self::read(language, text).ok()
    }

    /// Parses the text, or returns why it was refused.
    pub fn read(language: Language, text: &'a str) -> Result<Self, Refusal> {
        #[cfg(test)]
        parsed::note(text);
        let lines = if language == Language::Nix { nix::with_line_feeds(text) } else { Cow::Borrowed(text) };
        limits::before_parsing(language, &lines)?;
        let rows = if language == Language::Nix { nix::recognize::rows(&lines) } else { None };
        match rows {
            Some(rows) => Ok(Self::of_rows(text, rows?)),
            None => Self::read_with_grammar(language, text, &lines),
        }
    }

    /// Parses the text with the grammar. `lines` is the text with the line ends that the grammar supports.
    fn read_with_grammar(language: Language, text: &'a str, lines: &str) -> Result<Self, Refusal> {
        let length = (language.row().readable)(text);
        let readable = match lines.strip_prefix('\u{feff}') {
            // The grammars do not accept a byte order mark. Three bytes of blank space keep every offset.
            Some(rest) => {
                let mark = language.row().blank_mark;
                Cow::Owned(format!("{mark}{}", &rest[..length - '\u{feff}'.len_utf8()]))
            }
            None => Cow::Borrowed(&lines[..length]),
        };
        let raw = raw_tree(language, &readable);
        let mut tree = match raw {
            Ok(raw) if language != Language::Yaml || !raw.root_node().has_error() => {
                Self::flatten(language, text, raw)?
            }
            raw => Self::recover(language, text, &readable, raw)?,
        };
        if let Some(refusal) = (language.row().distrust)(&tree) {
            return Err(refusal);
        }
        tree.unread = (length < text.len()).then_some(length as u32);
        Ok(tree)
    }

    /// The tree of a text that the grammar cannot parse. For YAML, it is the tree without the faulty parts.
    fn recover(
        language: Language,
        text: &'a str,
        readable: &str,
        raw: Result<tree_sitter::Tree, Refusal>,
    ) -> Result<Self, Refusal> {
        let recovered = if language == Language::Yaml { yaml::recover::recover(readable) } else { None };
        let Some(recovered) = recovered else { return Self::flatten(language, text, raw?) };
        let mut tree = Self::flatten(language, text, raw_tree(language, &recovered.text)?)?;
        tree.faults = recovered.faults;
        tree.broken |= !tree.faults.is_empty();
        Ok(tree)
    }

    fn flatten(language: Language, text: &'a str, raw: tree_sitter::Tree) -> Result<Self, Refusal> {
        let names = kind::names(language);
        let mut rows: Vec<Row> = Vec::with_capacity(text.len() / 6 + 8);
        let mut made_up = Vec::new();
        let mut cursor = raw.walk();
        let mut parent = u32::MAX;
        let mut depth = 0;
        'walk: loop {
            let node = cursor.node();
            // The documents of a YAML stream have no fields, and finding this out takes a step for each preceding
            // document.
            let is_document = language == Language::Yaml && parent == 0;
            let field = if is_document { Field::None } else { names.field(cursor.field_id()) };
            let kept = node.is_named() || field != Field::None || node.is_missing();
            let mut descend = false;
            if kept {
                let index = rows.len() as u32;
                let kind = if node.is_error() { NodeKind::Error } else { names.kind(node.kind_id()) };
                if node.is_missing() {
                    made_up.push((Node(index), node.kind_id()));
                }
                rows.push(Row {
                    start: node.start_byte() as u32,
                    end: node.end_byte() as u32,
                    parent,
                    after: index + 1,
                    kind: if field == Field::Operator { nix::operator(&text[node.byte_range()], kind) } else { kind },
                    field,
                });
                if cursor.goto_first_child() {
                    parent = index;
                    descend = true;
                    depth += 1;
                }
            }
            if descend {
                if depth > limits::MAX_DEPTH {
                    return Err(Refusal::Depth);
                }
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
                rows[parent as usize].after = rows.len() as u32;
                parent = rows[parent as usize].parent;
                depth -= 1;
            }
        }
        drop(cursor);
        let count = rows.len() as u32;
        if let Some(root) = rows.first_mut() {
            root.after = count;
        }
        let broken = raw.root_node().has_error();
        Ok(Self { broken, made_up, raw: OnceCell::from(Some(raw)), ..Self::of_rows(text, rows) })
    }

    /// The tree of a text without syntax errors.
    fn of_rows(text: &'a str, rows: impl Into<Arc<[Row]>>) -> Self {
        let rows = rows.into();
        let steps = Cell::new(limits::steps(rows.len()));
        Self {
            text,
            rows,
            broken: false,
            made_up: Vec::new(),
            unread: None,
            faults: Vec::new(),
            raw: OnceCell::new(),
            steps,
            names: RefCell::default(),
        }
    }

    /// The nodes, from which the tree can be reopened without parsing.
    pub fn keep(&self) -> KeptTree {
        KeptTree { rows: Arc::clone(&self.rows), broken: self.broken }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether the text has syntax errors.
    pub fn broken(&self) -> bool {
        self.broken
    }

    /// The offset at which reading stopped because of a limit of the grammar.
    pub fn unread(&self) -> Option<u32> {
        self.unread
    }

    /// The syntax errors of a YAML file, whose lines are not in the tree. Empty for other languages.
    pub fn faults(&self) -> &[yaml::recover::Fault] {
        &self.faults
    }

    /// The grammar's own tree, for queries. It is created on demand if the text was recognised as Nix without the
    /// grammar; `None` if that fails.
    pub fn raw(&self) -> Option<&tree_sitter::Tree> {
        self.raw.get_or_init(|| raw_tree(Language::Nix, self.text).ok()).as_ref()
    }

    /// The node of the whole file.
    pub fn root(&self) -> Node {
        Node(0)
    }

    /// All nodes, parents before their children.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.rows.len() as u32).map(Node)
    }

    /// A node and its descendants, in preorder.
    pub fn subtree(&self, node: Node) -> impl Iterator<Item = Node> + use<> {
        (node.0..self.row(node).after).map(Node)
    }

    /// The row of a node. Every access counts as a step, so that every check terminates on every text.
    fn row(&self, node: Node) -> &Row {
        match self.steps.get().checked_sub(1) {
            Some(left) => self.steps.set(left),
            None => limits::give_up(),
        }
        &self.rows[node.0 as usize]
    }

    /// Resets the steps for the next check. A check that needs more unwinds with [`limits::OutOfSteps`].
    pub fn refill(&self) {
        self.steps.set(limits::steps(self.rows.len()));
    }

    /// The kind of a node.
    pub fn kind(&self, node: Node) -> NodeKind {
        self.row(node).kind
    }

    /// The field of its parent that a node is in.
    pub fn field(&self, node: Node) -> Field {
        self.row(node).field
    }

    /// The missing token that the grammar inserted at this node, if it is one.
    pub fn made_up(&self, node: Node) -> Option<String> {
        let index = self.made_up.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        Some(self.raw()?.language().node_kind_for_id(self.made_up[index].1)?.replace('_', " "))
    }

    /// The span of a node.
    pub fn span(&self, node: Node) -> Span {
        let row = self.row(node);
        Span { start: row.start, end: row.end }
    }

    /// The text of a node.
    pub fn slice(&self, node: Node) -> &'a str {
        self.text.get(self.span(node).range()).unwrap_or("")
    }

    /// The parent of a node.
    pub fn parent(&self, node: Node) -> Option<Node> {
        let parent = self.row(node).parent;
        (parent != u32::MAX).then_some(Node(parent))
    }

    /// The ancestors of a node, from the inside out.
    pub fn ancestors(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        std::iter::successors(self.parent(node), |&node| self.parent(node))
    }

    /// Its children, including comments.
    pub fn children(&self, node: Node) -> Children<'_, 'a> {
        Children { tree: self, next: node.0 + 1, end: self.row(node).after }
    }

    /// The first child in a field.
    pub fn child(&self, node: Node, field: Field) -> Option<Node> {
        self.children(node).find(|&child| self.field(child) == field)
    }

    /// The first child of a kind.
    pub fn child_of_kind(&self, node: Node, kind: NodeKind) -> Option<Node> {
        self.children(node).find(|&child| self.kind(child) == kind)
    }

    /// The innermost node that covers a span.
    pub fn covering(&self, span: Span) -> Node {
        let after = self.rows.partition_point(|row| row.start <= span.start);
        let last = Node(after.saturating_sub(1) as u32);
        let mut around = std::iter::once(last).chain(self.ancestors(last));
        around.find(|&node| self.span(node).contains(span)).unwrap_or(self.root())
    }
}

/// Runs a grammar within the limits.
fn raw_tree(language: Language, text: &str) -> Result<tree_sitter::Tree, Refusal> {
    PARSERS.with_borrow_mut(|parsers| {
        let slot = &mut parsers[language as usize];
        if slot.is_none() {
            let mut parser = tree_sitter::Parser::new();
            parser.set_language(&language.grammar()).map_err(|_| Refusal::Grammar)?;
            *slot = Some(parser);
        }
        let parser = slot.as_mut().ok_or(Refusal::Grammar)?;
        parser.reset();
        let text = (language.row().prepare)(text);
        let text = text.as_ref();
        let mut patience = limits::Patience::new(language, text);
        let mut hear = |_: &tree_sitter::ParseState| patience.hear();
        let options = tree_sitter::ParseOptions::new().progress_callback(&mut hear);
        let mut chunk = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
        parser.parse_with_options(&mut chunk, None, Some(options)).ok_or(Refusal::Time)
    })
}

/// Iterator over a node's children.
#[derive(Clone)]
pub struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        if self.next >= self.end {
            return None;
        }
        let node = Node(self.next);
        self.next = self.tree.row(node).after;
        Some(node)
    }
}

/// The texts that a thread parsed, by their address; for tests that count them.
#[cfg(test)]
pub(crate) mod parsed {
    use std::cell::RefCell;

    thread_local! {
        static PARSED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(text: &str) {
        PARSED.with_borrow_mut(|parsed| parsed.push(text.as_ptr() as usize));
    }

    /// Returns what this thread parsed since the last call.
    pub(crate) fn take() -> Vec<usize> {
        PARSED.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_tree_mirrors_the_grammar_tree() {
        let tree = Tree::parse(Language::Nix, "{ a.b = 1; c = [ 2 3 ]; }").unwrap();
        assert!(!tree.broken());
        let bindings: Vec<_> =
            tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding).map(|node| tree.slice(node)).collect();
        assert_eq!(bindings, ["a.b = 1;", "c = [ 2 3 ];"]);
        let list = tree.nodes().find(|&node| tree.kind(node) == NodeKind::List).unwrap();
        assert_eq!(tree.children(list).map(|node| tree.slice(node)).collect::<Vec<_>>(), ["2", "3"]);
        let two = tree.children(list).next().unwrap();
        assert_eq!(tree.ancestors(two).last(), Some(tree.root()));
        assert_eq!(tree.subtree(tree.root()).count(), tree.nodes().count());
    }

    #[test]
    fn a_byte_order_mark_keeps_offsets() {
        let text = "\u{feff}{ a = 1; }";
        let tree = Tree::parse(Language::Nix, text).unwrap();
        assert!(!tree.broken());
        let one = tree.nodes().find(|&node| tree.kind(node) == NodeKind::Integer).unwrap();
        assert_eq!(tree.slice(one), "1");
    }
}
