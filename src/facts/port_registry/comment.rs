//! Comments in files that cannot import the registry and refer to it by name: `# Port from lib/ports.nix:
//! databases.redis = 6379`.

use crate::finding::Span;
use crate::lang::yaml::Yaml;
use crate::lang::{Node, NodeKind, Tree, dockerfile};
use crate::source::{self, LineIndex, Source};

/// An entry named in a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryComment {
    /// The registry's path as written in the comment.
    pub registry: String,
    /// The entry's name as written in the comment.
    pub entry: String,
    /// The number, if the comment states one.
    pub number: Option<u32>,
    /// The span of the comment, from its `#` to its end.
    pub span: Span,
    /// The span of the path.
    pub registry_span: Span,
    /// The span of the name.
    pub entry_span: Span,
    /// The span of the number; empty, after the name, if there is none.
    pub number_span: Span,
    /// The range that the comment covers: every use of the number in this range is accounted for.
    pub covers: Span,
}

/// Whether the text may contain a registry comment.
pub fn possible(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b".nix").is_some()
}

/// The registry comments in a file that is not a Nix file.
pub fn comments(source: &Source, tree: Option<&Tree<'_>>) -> Vec<RegistryComment> {
    let text = source.text.as_str();
    if !possible(text) {
        return Vec::new();
    }
    let index = LineIndex::new(text);
    let mut last_line = usize::MAX;
    let mut found = Vec::new();
    let mut cover = Cover::of(source.kind, text, tree, &index);
    for at in memchr::memmem::find_iter(text.as_bytes(), b".nix") {
        let line = index.line(at as u32);
        if line == last_line {
            continue;
        }
        last_line = line;
        let span = index.span(text, line);
        let read = |hash: usize| read(text, Span { start: span.start + hash as u32, end: span.end });
        let Some(entries) = comment_starts(source.slice(span)).find_map(read) else { continue };
        let Some(first) = entries.first() else { continue };
        let covers = cover.find(first.span, line);
        found.extend(entries.into_iter().map(|entry| RegistryComment { covers, ..entry }));
    }
    found
}

/// The offsets at which a comment may start in a line: a `#` at the start of the line, after whitespace, or after
/// another `#`.
fn comment_starts(line: &str) -> impl Iterator<Item = usize> {
    let bytes = line.as_bytes();
    memchr::memchr_iter(b'#', bytes).filter(move |&at| at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'#'))
}

/// Reads one comment: `# Port from PATH: NAME = NUMBER, NAME = NUMBER`. The word "port" and the numbers are optional.
/// `None` for other comments.
fn read(text: &str, span: Span) -> Option<Vec<RegistryComment>> {
    let mut cursor = Cursor { text: text.get(..span.end as usize)?, at: span.start as usize };
    cursor.skip(|c| c == '#' || c.is_whitespace());
    let mut word = cursor.take(char::is_alphabetic);
    if ["port", "ports"].iter().any(|known| cursor.slice(word).eq_ignore_ascii_case(known)) {
        cursor.skip(char::is_whitespace);
        word = cursor.take(char::is_alphabetic);
    }
    if !cursor.slice(word).eq_ignore_ascii_case("from") {
        return None;
    }
    cursor.skip(|c| c.is_whitespace() || c == '`');
    let path = cursor.take(|c| !c.is_whitespace() && !matches!(c, ':' | '`'));
    cursor.skip(|c| c == '`');
    if !cursor.slice(path).ends_with(".nix") || !cursor.eat(':') {
        return None;
    }
    let mut entries = Vec::new();
    loop {
        cursor.skip(|c| c.is_whitespace() || matches!(c, ',' | ';' | '`'));
        let name = cursor.take_name();
        if name.start == name.end || !is_name(cursor.slice(name)) {
            break;
        }
        let before = cursor.at;
        cursor.skip(|c| c.is_whitespace() || c == '`');
        let mut number = Span { start: name.end, end: name.end };
        if cursor.eat('=') {
            cursor.skip(char::is_whitespace);
            number = cursor.take(|c| c.is_ascii_digit());
        } else {
            cursor.at = before;
        }
        entries.push(RegistryComment {
            registry: cursor.slice(path).to_owned(),
            entry: cursor.slice(name).to_owned(),
            number: cursor.slice(number).parse().ok(),
            span: Span { start: span.start, end: span.start + trimmed(text, span) },
            registry_span: path,
            entry_span: name,
            number_span: number,
            covers: span,
        });
        cursor.skip(|c| c.is_whitespace() || c == '`');
        if !matches!(cursor.rest().chars().next(), Some(',' | ';')) {
            break;
        }
    }
    (!entries.is_empty()).then_some(entries)
}

fn trimmed(text: &str, span: Span) -> u32 {
    text.get(span.range()).unwrap_or("").trim_end().len() as u32
}

fn is_name(name: &str) -> bool {
    super::split(name).iter().all(|part| !part.is_empty()) && name.contains(|c: char| c.is_alphabetic())
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> Span {
        let start = self.at;
        self.at += self.rest().chars().take_while(|&c| wanted(c)).map(char::len_utf8).sum::<usize>();
        Span::new(start, self.at)
    }

    /// Consumes a dotted name, whose parts may be quoted.
    fn take_name(&mut self) -> Span {
        let mut quoted = false;
        let start = self.at;
        for c in self.rest().chars() {
            quoted ^= c == '"';
            if !quoted && (c.is_whitespace() || matches!(c, ',' | ';' | '=' | '`')) {
                break;
            }
            self.at += c.len_utf8();
        }
        Span::new(start, self.at)
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        self.take(wanted);
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }
}

/// Finds the range that a comment covers, depending on the kind of file.
enum Cover<'t, 'a> {
    /// The mapping or entry around, beside or below the comment.
    Yaml { index: &'t LineIndex, tree: &'t Tree<'a>, yaml: Yaml<'t, 'a>, blocks: Vec<Block> },
    /// The build stage that contains the comment. `stages` has the offsets at which stages start.
    Dockerfile { stages: Vec<u32>, end: u32 },
    /// The whole file.
    Whole(Span),
}

/// An entry in a mapping or an item in a sequence.
#[derive(Debug, Clone, Copy)]
struct Block {
    node: Node,
    start: u32,
    column: u32,
    item: bool,
}

impl<'t, 'a> Cover<'t, 'a> {
    fn of(kind: source::FileKind, text: &str, tree: Option<&'t Tree<'a>>, index: &'t LineIndex) -> Self {
        let end = text.len() as u32;
        match (kind, tree) {
            (source::FileKind::Yaml, Some(tree)) => {
                let blocks = tree.nodes().filter_map(|node| block(tree, index, node)).collect();
                Cover::Yaml { index, tree, yaml: Yaml::new(tree), blocks }
            }
            (source::FileKind::Dockerfile, Some(tree)) => {
                Cover::Dockerfile { stages: dockerfile::stage_starts(tree), end }
            }
            _ => Cover::Whole(Span { start: 0, end }),
        }
    }

    fn find(&mut self, comment: Span, line: usize) -> Span {
        match self {
            Cover::Whole(span) => *span,
            Cover::Dockerfile { stages, end } => {
                let next = stages.partition_point(|&start| start <= comment.start);
                match next.checked_sub(1) {
                    Some(stage) => Span { start: stages[stage], end: stages.get(next).copied().unwrap_or(*end) },
                    None => Span { start: 0, end: *end },
                }
            }
            Cover::Yaml { index, tree, yaml, blocks } => {
                let finder = InYaml { index, tree, yaml, blocks };
                finder.find(comment, line).unwrap_or_else(|| tree.span(tree.root()))
            }
        }
    }
}

fn block(tree: &Tree<'_>, index: &LineIndex, node: Node) -> Option<Block> {
    let item = match tree.kind(node) {
        NodeKind::BlockMappingPair | NodeKind::FlowPair => false,
        NodeKind::BlockSequenceItem => true,
        _ => return None,
    };
    let start = tree.span(node).start;
    let column = start - index.start(index.line(start)).unwrap_or(start);
    Some(Block { node, start, column, item })
}

struct InYaml<'f, 't, 'a> {
    index: &'f LineIndex,
    tree: &'t Tree<'a>,
    yaml: &'f Yaml<'t, 'a>,
    blocks: &'f [Block],
}

impl InYaml<'_, '_, '_> {
    fn find(&self, comment: Span, line: usize) -> Option<Span> {
        let line_start = self.index.start(line)?;
        let inside = self.tree.covering(Span { start: comment.start, end: comment.start + 1 });
        let scalars =
            [NodeKind::BlockScalar, NodeKind::PlainScalar, NodeKind::DoubleQuoteScalar, NodeKind::SingleQuoteScalar];
        if scalars.contains(&self.tree.kind(inside)) {
            // The comment is inside a scalar, for example in a script.
            return self.mapping_around(inside);
        }
        let next = self.blocks.partition_point(|block| block.start < comment.start);
        let (before, after) = self.blocks.split_at_checked(next)?;
        if let Some(same_line) = before.last().filter(|block| block.start >= line_start) {
            return self.beside(*same_line);
        }
        let column = comment.start - line_start;
        let above = || {
            // The block that the comment follows: the last one in the same column, without a less indented one in
            // between.
            before.iter().rev().take_while(|block| block.column >= column).find(|block| block.column == column)
        };
        match (after.first(), before.last()) {
            (Some(block), _) if block.column == column => self.before(*block),
            // Between a key and its value.
            (Some(block), Some(last)) if self.tree.span(last.node).contains(self.tree.span(block.node)) => {
                self.before(*block)
            }
            (_, Some(_)) if above().is_some() => above().and_then(|block| self.mapping_of(*block)),
            (_, Some(last)) => self.mapping_of(*last),
            (Some(block), None) => self.before(*block),
            (None, None) => None,
        }
    }

    /// The range that a comment on the line of an entry covers: the mapping that contains the entry, or the entry
    /// itself if its value is a mapping that starts on a later line.
    fn beside(&self, block: Block) -> Option<Span> {
        match self.value(block) {
            Some(value) if self.yaml.is_mapping(value) && self.line(value) > self.line(block.node) => {
                Some(self.tree.span(block.node))
            }
            _ => self.mapping_of(block),
        }
    }

    /// The range that a comment above an entry covers: the mapping of the entry, or only the entry itself among named
    /// things (processes, services, jobs) and in lists of mappings.
    fn before(&self, block: Block) -> Option<Span> {
        let is_mapping = self.value(block).is_some_and(|value| self.yaml.is_mapping(value));
        if is_mapping && (block.item || self.among_named_things(block)) {
            return Some(self.tree.span(block.node));
        }
        self.mapping_of(block)
    }

    /// Whether all values in the mapping that contains an entry are mappings.
    fn among_named_things(&self, block: Block) -> bool {
        let Some(mapping) = self.tree.parent(block.node) else { return false };
        self.tree
            .children(mapping)
            .filter_map(|pair| block_value(self.tree, pair))
            .all(|value| self.yaml.is_mapping(value))
    }

    fn value(&self, block: Block) -> Option<Node> {
        block_value(self.tree, block.node)
    }

    fn line(&self, node: Node) -> usize {
        self.index.line(self.tree.span(node).start)
    }

    fn mapping_of(&self, block: Block) -> Option<Span> {
        self.mapping_around(block.node)
    }

    fn mapping_around(&self, node: Node) -> Option<Span> {
        let mut around = self.tree.ancestors(node);
        let mapping =
            around.find(|&node| matches!(self.tree.kind(node), NodeKind::BlockMapping | NodeKind::FlowMapping));
        mapping.map(|mapping| self.tree.span(mapping))
    }
}

/// The value of a pair or item.
fn block_value(tree: &Tree<'_>, node: Node) -> Option<Node> {
    match tree.kind(node) {
        NodeKind::BlockSequenceItem => {
            tree.children(node).find(|&child| matches!(tree.kind(child), NodeKind::BlockNode | NodeKind::FlowNode))
        }
        NodeKind::BlockMappingPair | NodeKind::FlowPair => tree.child(node, crate::lang::Field::Value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn of(kind: source::FileKind, text: &str) -> Vec<RegistryComment> {
        let source = Source::new("x", kind, text);
        let tree = Language::of(kind).and_then(|language| Tree::parse(language, text));
        comments(&source, tree.as_ref())
    }

    #[test]
    fn comments_are_read_in_every_common_form() {
        type Case = (&'static str, &'static [(&'static str, Option<u32>)]);
        let cases: &[Case] = &[
            ("a: 1 # Port from lib/ports.nix: databases.redis = 6379\n", &[("databases.redis", Some(6379))]),
            ("# port from ./lib/ports.nix: databases.redis\na: 1\n", &[("databases.redis", None)]),
            ("# Ports from lib/ports.nix: a.b = 1, c.\"d e\"=2\na: 1\n", &[("a.b", Some(1)), ("c.\"d e\"", Some(2))]),
            ("# Ports from lib/ports.nix: a.b = 1; c.d=2 (udp)\na: 1\n", &[("a.b", Some(1)), ("c.d", Some(2))]),
            ("# Ports from `lib/ports.nix`: `a.b` = 80\na: 1\n", &[("a.b", Some(80))]),
            ("a: 1 # From lib/ports.nix: a.b\n", &[("a.b", None)]),
            ("# see lib/ports.nix: a.b = 1\na: 1\n", &[]),
            ("# Port from lib/ports.nix\na: 1\n", &[]),
            ("a: b#Port from lib/ports.nix: a = 1\n", &[]),
        ];
        for (text, expected) in cases {
            let found = of(source::FileKind::Yaml, text);
            let found: Vec<_> = found.iter().map(|found| (found.entry.as_str(), found.number)).collect();
            assert_eq!(&found, expected, "{text}");
        }
    }

    #[test]
    fn a_comment_covers_its_mapping() {
        const MARK: &str = "# Port from lib/ports.nix: a = 1";
        let cases = [
            // A comment among the keys of a process.
            ("p:\n  x:\n    @\n    command: c\n    env:\n      PORT: 1\n  y:\n    command: d\n", "c|1"),
            ("p:\n  x:\n    command: c\n    @\n    env:\n      PORT: 1\n  y:\n    command: d\n", "c|1"),
            ("p:\n  x:\n    command: c\n    env:\n      PORT: 1\n    @\n  y:\n    command: d\n", "c|1"),
            ("p:\n  x:\n    @\n    probe:\n      port: 1\n    command: c\n  y:\n    command: d\n", "1|c"),
            // Above the name of a process or on its line: covers that process.
            ("p:\n  @\n  x:\n    command: c\n  y:\n    command: d\n", "c"),
            ("p:\n  x: @\n    command: c\n  y:\n    command: d\n", "c"),
            // After a value, and in lists.
            ("p:\n  x:\n    port: 1 @\n    command: c\n  y: {command: d}\n", "1|c"),
            ("p:\n  x:\n    ports:\n      - 1 @\n    command: c\n  y: {command: d}\n", "1|c"),
            ("p:\n  x:\n    ports:\n      @\n      - 1\n    command: c\n  y: {command: d}\n", "1|c"),
            ("s:\n  @\n  - run: c\n  - run: d\n", "c"),
            ("s:\n  - name: n\n    @\n    run: c\n  - run: d\n", "n|c"),
            ("s:\n  - run: |\n      @\n      c\n    port: 1\n  - run: d\n", "block|1"),
            ("p:\n  x:\n  @\n    command: c\n  y:\n    command: d\n", "c"),
        ];
        for (text, expected) in cases {
            let text = text.replace('@', MARK);
            let found = of(source::FileKind::Yaml, &text);
            let covers = found.first().expect("one comment").covers;
            let tree = Tree::parse(Language::Yaml, &text).unwrap();
            let yaml = Yaml::new(&tree);
            let values: Vec<_> = tree
                .nodes()
                .filter(|&node| tree.field(node) == crate::lang::Field::Value || is_item(&tree, node))
                .filter(|&node| covers.contains(tree.span(node)))
                .filter_map(|node| yaml.scalar(node).map(|text| text.into_owned()))
                .map(|text| if text.contains('\n') { "block".to_owned() } else { text })
                .collect();
            assert_eq!(values.join("|"), expected, "{text}");
        }
    }

    fn is_item(tree: &Tree<'_>, node: Node) -> bool {
        tree.parent(node).is_some_and(|parent| tree.kind(parent) == NodeKind::BlockSequenceItem)
    }

    #[test]
    fn in_a_dockerfile_a_comment_covers_its_stage() {
        let text = "FROM a\nEXPOSE 1\nFROM b\n# Port from lib/ports.nix: a.b = 80\nEXPOSE 80\n";
        let found = of(source::FileKind::Dockerfile, text);
        assert_eq!(&text[found[0].covers.range()].lines().next(), &Some("FROM b"));
        assert_eq!(&text[found[0].number_span.range()], "80");
    }
}
