//! A repository's own rules: pages in `.flakeward/rules/`, in the format of the built-in ones.
//!
//! They are data: they declare what they match with paths, keywords and queries, and contain no code.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::{Query, QueryErrorKind};

use super::page::{self, FENCE, Fixability, Matcher, ONE_MATCHER, PageError, Rule};
use crate::lang::{Language, dockerfile, languages};
use crate::source::FileKind;
use crate::toml_text::Places;

/// The folder of the pages, relative to the root.
pub const FOLDER: &str = ".flakeward/rules";

/// The prefix of the ids of such rules.
pub const PREFIX: &str = "local/";

/// The path of the page of a repository's own rule, relative to the root.
pub fn path(id: &str) -> String {
    format!("{FOLDER}/{}.md", id.trim_start_matches(PREFIX))
}

/// The maximum size of a page, in bytes. Larger pages are not read.
pub const MAX_PAGE: u64 = 256 << 10;

/// Reads the page `NAME.md` as the rule `local/NAME`.
pub fn parse(name: &str, text: &str) -> Result<Rule, PageError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(PageError::new("the name of a rule, which is its file name, may only contain a-z, 0-9 and `-`"));
    }
    let (rule, body) = page::read(name, &format!("{PREFIX}{name}"), text)?;
    Page { text, places: Places::read(page::split(text).map_or("", |(front, _)| front)) }.judge(&rule)?;
    Ok(Rule { body: Cow::Owned(body.to_owned()), ..rule })
}

/// A page that is being validated, with what is needed to report a position in it.
struct Page<'a> {
    text: &'a str,
    places: Places,
}

impl Page<'_> {
    fn judge(&self, rule: &Rule) -> Result<(), PageError> {
        if rule.matcher == Matcher::Code {
            return Err(PageError::new(ONE_MATCHER));
        }
        rule.check_patterns(|key| self.place(key))?;
        if rule.paths.as_ref().is_some_and(|paths| paths.pattern().is_empty()) {
            return self.fail("paths", "this list is empty, so the rule would never match");
        }
        let outside = |glob: &&String| glob.starts_with("..") || glob.starts_with('!');
        if let Some(glob) = rule.paths.as_ref().and_then(|paths| paths.pattern().iter().find(outside)) {
            return self
                .fail("paths", &format!("`{glob}` matches no path in a repository, so the rule would never match"));
        }
        self.languages(rule)?;
        if rule.message.trim().is_empty() {
            return Err(PageError::new(
                "`message` is missing: the message of each finding; {text} is the matched text",
            ));
        }
        self.placeholders("message", &rule.message)?;
        self.placeholders("help", rule.help.as_deref().unwrap_or(""))?;
        if rule.fix != Fixability::None {
            return self.fail("fix", "a rule without code cannot have fixes");
        }
        if !rule.params.is_empty() {
            return self.fail("params", "a rule without code cannot have parameters");
        }
        if rule.trigger.is_some() && !matches!(rule.matcher, Matcher::Query(_)) {
            return self.fail("trigger", "`trigger` requires `query`");
        }
        if rule.value.is_some() && matches!(rule.matcher, Matcher::File | Matcher::Query(_)) {
            return self.fail("value", "`value` requires `attrpath`, `yamlpath` or `instruction`");
        }
        match &rule.matcher {
            Matcher::Code => Err(PageError::new(ONE_MATCHER)),
            Matcher::Query(query) => self.query(rule, query),
            Matcher::AttrPath(list) => self.list("attrpath", list),
            Matcher::YamlPath(list) => self.list("yamlpath", list),
            Matcher::Instruction(list) => self.instructions(list),
            Matcher::File => Ok(()),
        }
    }

    fn fail(&self, key: &str, message: &str) -> Result<(), PageError> {
        Err(PageError { message: message.to_owned(), span: self.place(key), help: None })
    }

    /// The position in the page of a key's value in the front matter.
    fn place(&self, key: &str) -> Option<Range<usize>> {
        self.places.value_of(key).map(|span| span.start + FENCE.len()..span.end + FENCE.len())
    }

    /// Checks the placeholders in a string. A placeholder is a word in braces, and `{text}` is the only one.
    fn placeholders(&self, key: &str, text: &str) -> Result<(), PageError> {
        let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        let word = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match names.filter(word).find(|name| *name != "text") {
            Some(name) => self.fail(key, &format!("unknown placeholder `{{{name}}}`; `{{text}}` is the matched text")),
            None => Ok(()),
        }
    }

    fn instructions(&self, list: &[String]) -> Result<(), PageError> {
        let unknown = |word: &String| !dockerfile::INSTRUCTIONS.iter().any(|known| known.eq_ignore_ascii_case(word));
        match list.iter().position(unknown) {
            Some(index) => {
                let message = format!("`{}` is not a Dockerfile instruction", list[index]);
                self.fail(&format!("instruction.{index}"), &message)
            }
            None => self.list("instruction", list),
        }
    }

    fn languages(&self, rule: &Rule) -> Result<(), PageError> {
        let known: Vec<&str> = match &rule.matcher {
            Matcher::AttrPath(_) => vec![FileKind::Nix.name()],
            Matcher::YamlPath(_) => vec![FileKind::Yaml.name()],
            Matcher::Instruction(_) => vec![FileKind::Dockerfile.name()],
            Matcher::Query(_) => languages::with_queries().map(|(name, _)| name).collect(),
            Matcher::File | Matcher::Code => languages::names().collect(),
        };
        let list = || known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if rule.languages.is_empty() {
            return Err(PageError::new(format!("`languages` is missing: list one or more of {}", list())));
        }
        match rule.languages.iter().position(|language| !known.contains(&language.as_str())) {
            Some(index) => {
                let message =
                    format!("`{}` is not a supported language; expected one of {}", rule.languages[index], list());
                self.fail(&format!("languages.{index}"), &message)
            }
            None => Ok(()),
        }
    }

    fn list(&self, key: &str, list: &[String]) -> Result<(), PageError> {
        let empty = |item: &String| item.is_empty() || item.split('.').any(|name| name.trim().is_empty());
        match list.iter().position(empty) {
            Some(index) => self.fail(&format!("{key}.{index}"), "a name is missing"),
            None if list.is_empty() => self.fail(key, "this list is empty, so the rule would never match"),
            None => Ok(()),
        }
    }

    fn query(&self, rule: &Rule, text: &str) -> Result<(), PageError> {
        if text.len() > MAX_QUERY {
            return self.fail("query", &format!("the query is longer than {} KiB", MAX_QUERY >> 10));
        }
        if nests_too_deep(text) {
            return self.fail("query", "the query is nested too deeply");
        }
        for language in super::engine::languages(rule) {
            let renamed = super::engine::own_predicates(text);
            let query = Query::new(&language.grammar(), text).map_err(|error| PageError {
                message: explain(&error, language),
                span: self.inside(text, error.offset),
                help: None,
            })?;
            // The engine compiles the query in this form.
            if let Err(error) = Query::new(&language.grammar(), &renamed) {
                return self.fail("query", &format!("the query cannot be compiled: {}", error.message));
            }
            if query.capture_index_for_name("finding").is_none() {
                return self.fail("query", "the query has no @finding: write it after the node to report");
            }
            let predicate = (0..query.pattern_count()).flat_map(|pattern| query.general_predicates(pattern)).next();
            if let Some(predicate) = predicate {
                let known = "#eq?, #not-eq?, #any-of?, #match? and #not-match?";
                let message = format!("unknown predicate `#{}`; expected one of {known}", predicate.operator);
                return self.fail("query", &message);
            }
        }
        Ok(())
    }

    /// Maps a position in the query to the page. Returns the range of the whole query if it is written with escapes.
    fn inside(&self, query: &str, offset: usize) -> Option<Range<usize>> {
        let whole = self.place("query")?;
        let Some(at) = self.text.get(whole.clone()).and_then(|written| written.find(query)) else { return Some(whole) };
        let start = whole.start + at + offset.min(query.len());
        let length = query.get(offset..).and_then(|rest| rest.split_whitespace().next()).map_or(0, str::len);
        Some(start..start + length)
    }
}

/// The maximum length of a query, in bytes. Longer ones are rejected: the time to compile a query grows faster than its
/// length.
const MAX_QUERY: usize = 16 << 10;

/// Whether a query is nested too deeply for its parser, which is recursive: brackets, and fields (`a: b: ..`) in the
/// same bracket. Those in strings also count.
fn nests_too_deep(query: &str) -> bool {
    const DEEPEST: usize = 200;
    let (mut depth, mut outside) = (0usize, Vec::new());
    query.bytes().any(|byte| {
        match byte {
            b'(' | b'[' => {
                outside.push(depth);
                depth += 1;
            }
            b')' | b']' => depth = outside.pop().unwrap_or(0),
            b':' => depth += 1,
            _ => {}
        }
        depth > DEEPEST
    })
}

fn explain(error: &tree_sitter::QueryError, language: Language) -> String {
    let grammar = language.name();
    let name = error.message.trim_matches('"');
    match error.kind {
        QueryErrorKind::NodeType => format!("the {grammar} grammar has no node `{name}`"),
        QueryErrorKind::Field => format!("the {grammar} grammar has no field `{name}`"),
        QueryErrorKind::Capture => format!("the query has no capture @{name}"),
        QueryErrorKind::Structure => format!("this pattern can never match {grammar} code"),
        QueryErrorKind::Predicate => format!("invalid predicate: {}", error.message),
        QueryErrorKind::Syntax | QueryErrorKind::Language => "syntax error in the query".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(front: &str) -> String {
        format!("+++\nid = \"x\"\nlevel = \"warn\"\nsummary = \"s\"\n{front}\n+++\n\n## Why\n")
    }

    /// The message, and the text that it refers to.
    fn wrong(front: &str) -> (String, String) {
        let page = page(front);
        let error = parse("x", &page).map(|rule| rule.id).unwrap_err();
        (error.message, error.span.map_or("", |span| &page[span]).to_owned())
    }

    #[test]
    fn ids_get_the_prefix() {
        let rule = parse("x", &page("languages = [\"nix\"]\nattrpath = [\"a.*\"]\nmessage = \"m\"")).unwrap();
        assert_eq!((rule.id, &rule.matcher), ("local/x", &Matcher::AttrPath(vec!["a.*".to_owned()])));
    }

    #[test]
    fn errors_point_into_the_page() {
        for (front, message, place) in [
            ("file = true\nmessage = \"m\"", "`languages` is missing", ""),
            (
                "file = true\nmessage = \"m\"\nlanguages = [\"nix\", \"nics\"]",
                "`nics` is not a supported language",
                "\"nics\"",
            ),
            (
                "attrpath = [\"a\"]\nmessage = \"m\"\nlanguages = [\"yaml\"]",
                "`yaml` is not a supported language",
                "\"yaml\"",
            ),
            ("attrpath = [\"a..b\"]\nmessage = \"m\"\nlanguages = [\"nix\"]", "a name is missing", "\"a..b\""),
            ("file = true\nlanguages = [\"nix\"]", "`message` is missing", ""),
            ("message = \"m\"\nlanguages = [\"nix\"]", "exactly one of", ""),
            ("file = true\nquery = \"x\"\nlanguages = [\"nix\"]", "exactly one of", ""),
            ("file = true\nmessage = \"m\"\nlanguages = [\"nix\"]\nfix = \"safe\"", "cannot have fixes", "\"safe\""),
            ("file = true\nmessage = \"m\"\nlanguages = [\"nix\"]\nvalue = \"x\"", "`value` requires", "\"x\""),
            ("file = true\nmessage = \"m\"\nlanguages = [\"nix\"]\npaths = []", "this list is empty", "[]"),
            ("file = true\nmessage = \"m\"\nlanguages = [\"nix\"]\npaths = [\"a\", \"[\"]", "invalid glob", "\"[\""),
            ("paths = [\"a\"]\nlanguages = [\"nix\"]", "exactly one of", "[\"a\"]"),
            (
                "instruction = [\"ADD\"]\nmessage = \"m\"\nlanguages = [\"dockerfile\"]\nvalue = \"(\"",
                "invalid regular expression",
                "\"(\"",
            ),
            (
                "message = \"m\"\nlanguages = [\"nix\"]\nquery = '''\n(bindung) @finding\n'''",
                "the Nix grammar has no node `bindung`",
                "bindung)",
            ),
            ("message = \"m\"\nlanguages = [\"nix\"]\nquery = '(binding'", "syntax error in the query", ""),
            ("message = \"m\"\nlanguages = [\"nix\"]\nquery = '(binding) @x'", "has no @finding", "'(binding) @x'"),
            (
                "message = \"m\"\nlanguages = [\"nix\"]\nquery = '((binding) @finding (#odd? @finding))'",
                "unknown predicate `#odd?`",
                "'((binding) @finding (#odd? @finding))'",
            ),
            ("colour = 1", "unknown key `colour`", "colour"),
            ("file = true\nmessage = \"{txt}\"\nlanguages = [\"nix\"]", "unknown placeholder `{txt}`", "\"{txt}\""),
            (
                "instruction = [\"RUN\", \"RNU\"]\nmessage = \"m\"\nlanguages = [\"dockerfile\"]",
                "`RNU` is not a Dockerfile instruction",
                "\"RNU\"",
            ),
        ] {
            let (said, pointed) = wrong(front);
            assert!(said.contains(message), "{front}\n{said}");
            assert_eq!(pointed, place, "{front}\n{said}");
        }
    }
}
