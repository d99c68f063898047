//! Reads YAML with positions as Compose does: aliases and merge keys are resolved, and tags are kept.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::finding::RelPath;
use crate::migrate::Error;

/// The position at which a node begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RelPath,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// A node of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The position at which it begins.
    pub place: Place,
    /// `!reset`, `!override` or another tag, without the handle.
    pub tag: Option<String>,
    /// The value.
    pub value: Value,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file. Keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub name: String,
    /// The position at which it begins.
    pub place: Place,
}

/// A scalar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scalar {
    /// Its text, after interpolation.
    pub text: String,
    /// Its text in the file, if interpolation changed it.
    pub raw: Option<String>,
    /// Whether it has no quotes, so that `true`, `1` and `null` are not strings.
    pub plain: bool,
}

impl Node {
    /// Creates a scalar at the position of another node.
    pub fn scalar(place: &Place, text: impl Into<String>) -> Self {
        let scalar = Scalar { text: text.into(), raw: None, plain: false };
        Self { place: place.clone(), tag: None, value: Value::Scalar(scalar) }
    }

    /// Creates a mapping from keys to nodes, at the position of another node.
    pub fn map<'a>(place: &Place, pairs: impl IntoIterator<Item = (&'a str, Node)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, node)| (Key { name: name.to_owned(), place: place.clone() }, node));
        Self { place: place.clone(), tag: None, value: Value::Map(pairs.collect()) }
    }

    /// Creates a null at the position of another node.
    pub fn null(place: &Place) -> Self {
        let scalar = Scalar { text: String::new(), raw: None, plain: true };
        Self { place: place.clone(), tag: None, value: Value::Scalar(scalar) }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        let null =
            |scalar: &Scalar| scalar.plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.value, Value::Scalar(scalar) if null(scalar))
    }

    /// The text of a scalar that is not null.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if !self.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    /// The value of a plain boolean, in a form that YAML 1.1 and 1.2 have in common.
    pub fn bool(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// The elements of a sequence. Empty for other nodes.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The pairs of a mapping. Empty for other nodes.
    pub fn pairs(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.pairs().iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The value of a key, unless it is null.
    pub fn some(&self, name: &str) -> Option<&Node> {
        self.get(name).filter(|node| !node.is_null())
    }

    /// Creates an error at this node.
    pub fn error(&self, message: impl Into<String>) -> Error {
        error_at(&self.place, message)
    }

    /// The kind of the node, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(_) if self.is_null() => "nothing",
            Value::Scalar(_) => "a scalar",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Creates an error at a position.
pub fn error_at(place: &Place, message: impl Into<String>) -> Error {
    Error::new(&place.path, message).at(place.line, place.column)
}

/// The maximum number of nodes in a document, aliases included. The longest real documents have a few thousand.
pub const MOST_NODES: usize = 100_000;
/// The maximum depth of nodes.
const DEEPEST: usize = 100;

/// The maximum number of brackets that are indented.
const MOST_BRACKETS: usize = 64;

/// Parses the first document in a file. `None` if the file contains no document.
///
/// Compose accepts closing brackets that are not indented more than their key, but the parser does not. Such lines are
/// indented. No node begins on them, so the positions of the other nodes do not change.
pub fn parse(path: &RelPath, text: &str) -> Result<Option<Node>, Error> {
    let mut indented = String::new();
    let mut result = parse_strict(path, text);
    for _ in 0..MOST_BRACKETS {
        let Err(error) = &result else { break };
        let Some((line, _)) = error.place.filter(|_| error.message.contains("invalid indentation")) else { break };
        let source = if indented.is_empty() { text } else { &indented };
        let Some(more) = with_indented_bracket(source, line) else { break };
        indented = more;
        result = parse_strict(path, &indented);
    }
    result
}

/// Indents a line that begins with a closing bracket. `None` if the line begins with something else.
fn with_indented_bracket(text: &str, line: usize) -> Option<String> {
    let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
    let rest = text.get(start..)?;
    let bracket = rest.trim_start_matches(' ');
    let is_indented = rest.len() - bracket.len() > DEEPEST;
    (bracket.starts_with([']', '}']) && !is_indented).then(|| format!("{}{:DEEPEST$}{rest}", &text[..start], " "))
}

fn parse_strict(path: &RelPath, text: &str) -> Result<Option<Node>, Error> {
    let mut builder = Builder { path, anchors: HashMap::new(), nodes: 0 };
    let mut events = Events { parser: Parser::new_from_str(text), path };
    loop {
        match events.next()? {
            None | Some((Event::StreamEnd, _)) => return Ok(None),
            Some((Event::DocumentStart(_), _)) => break,
            Some(_) => {}
        }
    }
    let Some((event, span)) = events.next()? else { return Ok(None) };
    if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
        return Ok(None);
    }
    let node = builder.node(&mut events, event, span, 0)?;
    // The rest of the file must also be valid YAML.
    while events.next()?.is_some() {}
    Ok((!node.is_null()).then_some(node))
}

struct Events<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    path: &'a RelPath,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Error> {
        match self.parser.next() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                let marker = error.marker();
                Err(Error::new(self.path, format!("is not valid YAML: {}", error.info()))
                    .at(marker.line(), marker.col() + 1))
            }
        }
    }
}

struct Builder<'a> {
    path: &'a RelPath,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn place(&self, span: Span) -> Place {
        Place { path: self.path.clone(), line: span.start.line(), column: span.start.col() + 1 }
    }

    fn node(&mut self, events: &mut Events<'_>, event: Event<'_>, span: Span, depth: usize) -> Result<Node, Error> {
        let place = self.place(span);
        self.count(&place, 1)?;
        if depth > DEEPEST {
            return Err(error_at(&place, format!("is nested more than {DEEPEST} levels deep")));
        }
        let (anchor, node) = match event {
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or_else(|| error_at(&place, "an alias refers to an anchor that contains it"))?;
                self.count(&place, size(&node))?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_string(tag.as_deref());
                let scalar = Scalar { text: text.into_owned(), raw: None, plain };
                (anchor, Node { place, tag: tag_name(tag.as_deref()), value: Value::Scalar(scalar) })
            }
            Event::SequenceStart(anchor, tag) => {
                let items = self.items(events, depth)?;
                (anchor, Node { place, tag: tag_name(tag.as_deref()), value: Value::List(items) })
            }
            Event::MappingStart(anchor, tag) => {
                let pairs = self.pairs(events, depth)?;
                (anchor, Node { place, tag: tag_name(tag.as_deref()), value: Value::Map(pairs) })
            }
            _ => return Err(error_at(&place, "is not valid YAML: a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, events: &mut Events<'_>, depth: usize) -> Result<Vec<Node>, Error> {
        let mut items = Vec::new();
        while let Some((event, span)) = events.next()? {
            match event {
                Event::SequenceEnd => break,
                event => items.push(self.node(events, event, span, depth + 1)?),
            }
        }
        Ok(items)
    }

    fn pairs(&mut self, events: &mut Events<'_>, depth: usize) -> Result<Vec<(Key, Node)>, Error> {
        let mut pairs: Vec<(Key, Node)> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut merged: Vec<Node> = Vec::new();
        while let Some((event, span)) = events.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(events, event, span, depth + 1)?;
            let Some((event, span)) = events.next()? else { break };
            let value = self.node(events, event, span, depth + 1)?;
            let Value::Scalar(name) = &key.value else { return Err(key.error("a key has to be a scalar")) };
            if name.text == "<<" && name.plain {
                merged.push(value);
                continue;
            }
            if let Some(line) = lines.insert(name.text.clone(), key.place.line) {
                return Err(key.error(format!("the key `{}` is already defined on line {line}", name.text)));
            }
            pairs.push((Key { name: name.text.clone(), place: key.place }, value));
        }
        let mut known: HashSet<String> = lines.into_keys().collect();
        for from in merged {
            merge_into(&mut pairs, &mut known, from)?;
        }
        Ok(pairs)
    }

    fn count(&mut self, place: &Place, nodes: usize) -> Result<(), Error> {
        self.nodes += nodes;
        match self.nodes > MOST_NODES {
            true => Err(error_at(place, "the file is too large once its aliases are resolved")),
            false => Ok(()),
        }
    }
}

/// Merges the value of a merge key. Keys of the mapping itself take precedence, followed by those of the first mapping
/// in a list. `known` contains the keys so far.
fn merge_into(pairs: &mut Vec<(Key, Node)>, known: &mut HashSet<String>, from: Node) -> Result<(), Error> {
    match from.value {
        Value::Map(more) => {
            pairs.extend(more.into_iter().filter(|(key, _)| known.insert(key.name.clone())));
            Ok(())
        }
        Value::List(items) => items.into_iter().try_for_each(|item| merge_into(pairs, known, item)),
        Value::Scalar(_) if from.is_null() => Ok(()),
        Value::Scalar(_) => Err(from.error("the merge key `<<` requires a mapping")),
    }
}

/// The number of nodes in a tree, including keys.
pub fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node.pairs().iter().map(|(_, node)| 1 + size(node)).sum::<usize>()
}

fn is_string(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.suffix == "str")
}

fn tag_name(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| tag.suffix.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Node>, String> {
        parse(&"compose.yaml".into(), text).map_err(|error| error.to_string())
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        let node = read("x: &a\n  k: 1\n  l: 2\ny:\n  <<: *a\n  l: 3\nz: [*a]\n").unwrap().unwrap();
        let y = node.get("y").unwrap();
        assert_eq!((y.get("k").and_then(Node::text), y.get("l").and_then(Node::text)), (Some("1"), Some("3")));
        // The position is that of the anchor.
        assert_eq!(node.get("z").unwrap().items()[0].place.line, 1);
    }

    #[test]
    fn errors_have_a_position() {
        for (text, message) in [
            ("a: [1\n", "compose.yaml:2:1: is not valid YAML"),
            ("a: 1\na: 2\n", "compose.yaml:2:1: the key `a` is already defined on line 1"),
            ("a: *b\n", "compose.yaml:1:4: is not valid YAML"),
            ("a:\n  <<: 3\n", "compose.yaml:2:7: the merge key `<<` requires a mapping"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("# nothing\n"), Ok(None));
    }

    #[test]
    fn closing_brackets_need_no_indentation() {
        let text = "a:\n  b:\n    test: [\n        x, # why\n        y,\n    ]\n    c: {\n      d: 1\n    }\n  e: 2\n";
        let node = read(text).unwrap().unwrap();
        let b = node.get("a").and_then(|a| a.get("b")).unwrap();
        assert_eq!(b.get("test").unwrap().items().len(), 2);
        assert_eq!(b.get("c").and_then(|c| c.get("d")).and_then(Node::text), Some("1"));
        assert_eq!(node.get("a").and_then(|a| a.get("e")).map(|e| e.place.line), Some(10));
        assert!(read("a:\n  b: [1\n c: 2\n]\n").is_err());
    }

    #[test]
    fn aliases_cannot_explode() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let last = level - 1;
            let items = vec![format!("*a{last}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(read(&text).unwrap_err().contains("too large"));
    }
}
