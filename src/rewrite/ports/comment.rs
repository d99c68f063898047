//! Comments that name a registry entry. They permit a port in YAML files and Dockerfiles, which cannot import the
//! registry.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use crate::facts::port_registry::dotted;
use crate::finding::{Edit, Fix, Safety, Span};
use crate::lang::{Node, NodeKind, Tree, dockerfile};
use crate::source::{self, Source};

use super::Target;

/// Returns the fix that adds a comment with the registry entry above the first key of the mapping, or the first
/// instruction of the stage, that contains the number. One comment covers the whole block, so all findings in the block
/// get the same fix. The error is the reason why no comment can be added.
pub fn fix(
    source: &Source,
    tree: &Tree<'_>,
    blocks: &Blocks,
    digits: Span,
    target: &Target<'_>,
) -> Result<Fix, String> {
    const PLACE: &str = "a comment above it would not belong to the same block";
    if !source.has_comments() {
        return Err("JSON has no comments: generate the file from Nix, or write it as YAML".to_owned());
    }
    if tree.broken() {
        let is_template = source.kind == source::FileKind::Yaml && tree.text().contains("{{");
        let why = if is_template { "the file is a template, which is not valid YAML" } else { super::BROKEN };
        return Err(why.to_owned());
    }
    if !tree.text().get(digits.range()).is_some_and(|digits| target.is_written_as(digits)) {
        return Err("the number is not written as in the registry".to_owned());
    }
    let place = match source.kind {
        source::FileKind::Yaml => first_pair(tree, blocks, digits, target.number),
        source::FileKind::Dockerfile => first_instruction(tree, blocks, digits, target.number),
        _ => None,
    };
    let place = place.ok_or(PLACE)?;
    let key = tree.span(place).start as usize;
    let line = tree.text()[..key].rfind('\n').map_or(0, |end| end + 1);
    let before = tree.text()[line..key].trim_start_matches('\u{feff}');
    let (at, indent) = match before.split_once('-') {
        None if before.chars().all(|c| c == ' ') => (key, before.len()),
        // `- key: 80`: a comment above the item covers its mapping.
        Some((indent, after)) if [indent, after].iter().all(|part| part.chars().all(|c| c == ' ')) => {
            (key - after.len() - 1, indent.len())
        }
        // `- - key: 80`: the comment goes before the key, so that it is inside the mapping.
        Some(_) if before.chars().all(|c| matches!(c, ' ' | '-')) => (key, before.len()),
        _ => return Err(PLACE.to_owned()),
    };
    let comment = format!("# Port from {}: {} = {}", target.registry, dotted(target.entry), target.number);
    let column = " ".repeat(indent);
    let edit = Edit { path: source.path.clone(), span: Span::new(at, at), text: format!("{comment}\n{column}") };
    Ok(Fix::new(format!("add the comment `{comment}` above"), Safety::Safe, vec![edit]))
}

/// The first key or instruction with each number, by mapping or stage. A block is read once for all of its numbers.
#[derive(Debug, Default)]
pub struct Blocks {
    first: RefCell<HashMap<Node, HashMap<u32, Node>>>,
    stages: OnceCell<Stages>,
}

/// The stages of a Dockerfile. There may be thousands, so all of them are read at once.
#[derive(Debug)]
struct Stages {
    /// The offsets at which they start.
    starts: Vec<u32>,
    /// The first instruction with each number, by the index of the stage.
    first: HashMap<(usize, u32), Node>,
}

impl Stages {
    fn read(tree: &Tree<'_>) -> Self {
        let mut stages = Self { starts: dockerfile::stage_starts(tree), first: HashMap::new() };
        for node in tree.children(tree.root()).filter(|&node| tree.kind(node) != NodeKind::Comment) {
            let stage = stages.at(tree.span(node).start);
            for number in numbers(tree.slice(node)) {
                stages.first.entry((stage, number)).or_insert(node);
            }
        }
        stages
    }

    /// The index of the stage at an offset.
    fn at(&self, offset: u32) -> usize {
        self.starts.partition_point(|&start| start <= offset)
    }
}

impl Blocks {
    /// The first of a block's parts that contains a number, if there is one.
    fn first<P: Iterator<Item = Node>>(
        &self,
        tree: &Tree<'_>,
        block: Node,
        parts: impl FnOnce() -> P,
        number: u32,
    ) -> Option<Node> {
        if let Some(known) = self.first.borrow().get(&block) {
            return known.get(&number).copied();
        }
        let mut first = HashMap::new();
        for part in parts() {
            for number in numbers(tree.slice(part)) {
                first.entry(number).or_insert(part);
            }
        }
        let found = first.get(&number).copied();
        self.first.borrow_mut().insert(block, first);
        found
    }
}

/// The first pair with the number, in the mapping that contains the digits. `None` if no block mapping contains them.
fn first_pair(tree: &Tree<'_>, blocks: &Blocks, digits: Span, number: u32) -> Option<Node> {
    let node = tree.covering(digits);
    let is_pair = |node: &Node| tree.kind(*node) == NodeKind::BlockMappingPair;
    let pair = std::iter::once(node).chain(tree.ancestors(node)).find(is_pair)?;
    let mapping = tree.parent(pair)?;
    blocks.first(tree, mapping, || tree.children(mapping).filter(is_pair), number)
}

/// The first instruction with the number, in the stage that contains the digits. `None` if the digits precede that
/// instruction.
fn first_instruction(tree: &Tree<'_>, blocks: &Blocks, digits: Span, number: u32) -> Option<Node> {
    let stages = blocks.stages.get_or_init(|| Stages::read(tree));
    let first = stages.first.get(&(stages.at(digits.start), number)).copied();
    first.filter(|&node| tree.span(node).start <= digits.start)
}

/// The numbers in a string: runs of digits without a leading zero.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| !run.is_empty() && !run.starts_with('0')).filter_map(|run| run.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn commented(path: &str, kind: source::FileKind, text: &str) -> String {
        let source = Source::new(path, kind, text);
        let tree = Tree::parse(Language::of(kind).unwrap(), text).unwrap();
        let entry = ["web".to_owned(), "my app".to_owned()];
        let shape = super::super::Shape::Set;
        let target = Target { registry: "lib/ports.nix", shape: &shape, entry: &entry, number: 80, settled: true };
        let at = text.rfind("80").unwrap();
        let blocks = Blocks::default();
        let edit = fix(&source, &tree, &blocks, Span::new(at, at + 2), &target).unwrap().edits.remove(0);
        let mut out = text.to_owned();
        out.replace_range(edit.span.range(), &edit.text);
        assert!(!Tree::parse(Language::of(kind).unwrap(), &out).unwrap().broken());
        out.replace("# Port from lib/ports.nix: web.\"my app\" = 80", "@")
    }

    #[test]
    fn the_comment_is_in_the_block_or_above_the_item() {
        let yaml = |text: &str| commented("x.yaml", source::FileKind::Yaml, text);
        assert_eq!(yaml("a:\n  x: 1\n  port: 80\n"), "a:\n  x: 1\n  @\n  port: 80\n");
        assert_eq!(yaml("a:\n  url: x:80\n  port: 80\n"), "a:\n  @\n  url: x:80\n  port: 80\n");
        assert_eq!(yaml("a:\n  ports:\n    - \"80:80\"\n"), "a:\n  @\n  ports:\n    - \"80:80\"\n");
        assert_eq!(yaml("- port: 80\n  x: 1\n"), "@\n- port: 80\n  x: 1\n");
        assert_eq!(yaml("a:\n  - x: 1\n  -   port: 80\n"), "a:\n  - x: 1\n  @\n  -   port: 80\n");
        assert_eq!(yaml("- x: 1\n  port: 80\n"), "- x: 1\n  @\n  port: 80\n");
        assert_eq!(yaml("- - port: 80\n"), "- - @\n    port: 80\n");
        assert_eq!(yaml("a:\n  run: |\n    x --port 80\n"), "a:\n  @\n  run: |\n    x --port 80\n");
        assert_eq!(yaml("a: {port: 80}\n"), "@\na: {port: 80}\n");
        let docker = |text: &str| commented("Dockerfile", source::FileKind::Dockerfile, text);
        assert_eq!(docker("FROM a\nEXPOSE 80\nFROM b\nEXPOSE 80 81\n"), "FROM a\nEXPOSE 80\nFROM b\n@\nEXPOSE 80 81\n");
        assert_eq!(docker("FROM a\nENV PORT=80\nEXPOSE 80\n"), "FROM a\n@\nENV PORT=80\nEXPOSE 80\n");
    }
}
