//! YAML and Dockerfiles cannot import, so a port there is allowed by a comment that names its registry entry.

use crate::facts::port_registry::dotted;
use crate::finding::{Edit, Fix, Safety, Span};
use crate::lang::{Node, NodeKind, Tree, dockerfile};
use crate::source::{self, Source};

use super::Target;

/// Adds the comment that names the registry entry: above the first key of the mapping, or the first instruction of the
/// stage, that has the number. One comment serves all, so all findings there get the same fix.
pub fn fix(source: &Source, tree: &Tree<'_>, digits: Span, target: &Target<'_>) -> Result<Fix, String> {
    const PLACE: &str = "a comment above it would not belong to the same block";
    if !source.has_comments() {
        return Err("JSON has no comments: generate the file from Nix, or write it as YAML".to_owned());
    }
    if tree.broken() {
        return Err(super::BROKEN.to_owned());
    }
    if !tree.text().get(digits.range()).is_some_and(|digits| target.is_written_as(digits)) {
        return Err("the number is not written as in the registry".to_owned());
    }
    let place = match source.kind {
        source::FileKind::Yaml => first_pair(tree, digits, target.number),
        source::FileKind::Dockerfile => first_instruction(tree, digits, target.number),
        _ => None,
    };
    let place = place.ok_or(PLACE)?;
    let at = tree.span(place).start as usize;
    let line = tree.text()[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = tree.text()[line..at].trim_start_matches('\u{feff}');
    // `- key: 80`: the comment goes where the key stands, so that it is in the mapping.
    if !before.chars().all(|c| matches!(c, ' ' | '-')) {
        return Err(PLACE.to_owned());
    }
    let comment = format!("# Port from {}: {} = {}", target.registry, dotted(target.entry), target.number);
    let column = " ".repeat(before.len());
    Ok(Fix {
        title: format!("add the comment `{comment}` above"),
        safety: Safety::Safe,
        edits: vec![Edit { path: source.path.clone(), span: Span::new(at, at), text: format!("{comment}\n{column}") }],
    })
}

/// The first pair with the number in the mapping that has the digits.
fn first_pair(tree: &Tree<'_>, digits: Span, number: u32) -> Option<Node> {
    let node = tree.covering(digits);
    let is_pair = |node: &Node| tree.kind(*node) == NodeKind::BlockMappingPair;
    let pair = std::iter::once(node).chain(tree.ancestors(node)).find(is_pair)?;
    let pairs = tree.children(tree.parent(pair)?).filter(is_pair);
    first_with_number(tree, pairs, number)
}

/// The first instruction with the number in the stage that has the digits.
fn first_instruction(tree: &Tree<'_>, digits: Span, number: u32) -> Option<Node> {
    let stage = dockerfile::stage_starts(tree).into_iter().rfind(|&start| start <= digits.start).unwrap_or(0);
    let is_in_stage = |node: &Node| (stage..=digits.start).contains(&tree.span(*node).start);
    let instructions = tree.children(tree.root()).filter(|&node| tree.kind(node) != NodeKind::Comment);
    first_with_number(tree, instructions.filter(is_in_stage), number)
}

fn first_with_number(tree: &Tree<'_>, mut nodes: impl Iterator<Item = Node>, number: u32) -> Option<Node> {
    let number = number.to_string();
    nodes.find(|&node| has_number(tree.slice(node), &number))
}

fn has_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        !digit(text[..at].chars().next_back()) && !digit(text[at + number.len()..].chars().next())
    })
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
        let edit = fix(&source, &tree, Span::new(at, at + 2), &target).unwrap().edits.remove(0);
        let mut out = text.to_owned();
        out.replace_range(edit.span.range(), &edit.text);
        assert!(!Tree::parse(Language::of(kind).unwrap(), &out).unwrap().broken());
        out.replace("# Port from lib/ports.nix: web.\"my app\" = 80", "@")
    }

    #[test]
    fn the_comment_stands_in_the_block_that_it_is_for() {
        let yaml = |text: &str| commented("x.yaml", source::FileKind::Yaml, text);
        assert_eq!(yaml("a:\n  x: 1\n  port: 80\n"), "a:\n  x: 1\n  @\n  port: 80\n");
        assert_eq!(yaml("a:\n  url: x:80\n  port: 80\n"), "a:\n  @\n  url: x:80\n  port: 80\n");
        assert_eq!(yaml("a:\n  ports:\n    - \"80:80\"\n"), "a:\n  @\n  ports:\n    - \"80:80\"\n");
        assert_eq!(yaml("- port: 80\n  x: 1\n"), "- @\n  port: 80\n  x: 1\n");
        assert_eq!(yaml("a:\n  run: |\n    x --port 80\n"), "a:\n  @\n  run: |\n    x --port 80\n");
        assert_eq!(yaml("a: {port: 80}\n"), "@\na: {port: 80}\n");
        let docker = |text: &str| commented("Dockerfile", source::FileKind::Dockerfile, text);
        assert_eq!(docker("FROM a\nEXPOSE 80\nFROM b\nEXPOSE 80 81\n"), "FROM a\nEXPOSE 80\nFROM b\n@\nEXPOSE 80 81\n");
        assert_eq!(docker("FROM a\nENV PORT=80\nEXPOSE 80\n"), "FROM a\n@\nENV PORT=80\nEXPOSE 80\n");
    }
}
