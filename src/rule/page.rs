//! A rule's page: front matter for the engine, prose and examples for people and tests.

use serde::Deserialize;

use crate::finding::{Level, RuleId};

/// A rule, as its page defines it.
#[derive(Debug)]
pub struct Rule {
    /// Its public id: the page's file name.
    pub id: RuleId,
    /// Its default level.
    pub level: Level,
    /// One line for lists.
    pub summary: String,
    /// The kinds of files it looks at, by [`crate::source::Kind::name`]; empty means it has no files of its own.
    pub languages: Vec<String>,
    /// How it finds things.
    pub matcher: Matcher,
    /// Message and help of a data matcher.
    pub message: String,
    /// What to do, for a data matcher.
    pub help: Option<String>,
    /// What `flakeward fix` can do for it.
    pub fix: Fixability,
    /// The version that brought it.
    pub since: String,
    /// Parameters of its check.
    pub params: toml::Table,
    /// The page's Markdown after the front matter.
    pub body: &'static str,
}

/// How a rule finds things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// A check in `src/check/`, by name.
    Check(String),
    /// The kind of file itself.
    File,
    /// A tree-sitter query whose `@finding` capture is reported.
    Query(String),
    /// Nix attribute paths, resolved through nested sets; `*` is any one name.
    AttrPath(Vec<String>),
}

/// What `flakeward fix` can do for a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fixability {
    /// Nothing: a person has to decide.
    None,
    /// Keeps what Nix evaluates.
    Safe,
    /// Only with `--unsafe`.
    Unsafe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    id: String,
    level: Level,
    summary: String,
    #[serde(default)]
    languages: Vec<String>,
    check: Option<String>,
    #[serde(default)]
    file: bool,
    query: Option<String>,
    attrpath: Option<Vec<String>>,
    #[serde(default)]
    message: String,
    help: Option<String>,
    #[serde(default = "no_fix")]
    fix: Fixability,
    since: String,
    #[serde(default)]
    params: toml::Table,
}

fn no_fix() -> Fixability {
    Fixability::None
}

/// Why a page could not be read, and where in it.
#[derive(Debug)]
pub struct PageError {
    /// What is wrong.
    pub message: String,
    /// The place in the page.
    pub span: Option<std::ops::Range<usize>>,
}

impl PageError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None }
    }
}

const FENCE: &str = "+++\n";

/// Splits a page into front matter and body.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(FENCE)?;
    let end = rest.find("\n+++\n")? + 1;
    Some((&rest[..end], &rest[end + FENCE.len()..]))
}

/// Reads a page.
pub fn parse(name: &str, text: &'static str) -> Result<Rule, PageError> {
    let (front, body) =
        split(text).ok_or_else(|| PageError::new("a page begins with front matter between two lines `+++`"))?;
    let front: Front = toml::from_str(front).map_err(|error| PageError {
        message: error.message().to_owned(),
        span: error.span().map(|span| span.start + FENCE.len()..span.end + FENCE.len()),
    })?;
    if front.id != name {
        return Err(PageError::new(format!("the page of `{}` must be called {}.md", front.id, front.id)));
    }
    let mut matchers = Vec::new();
    matchers.extend(front.check.map(Matcher::Check));
    matchers.extend(front.file.then_some(Matcher::File));
    matchers.extend(front.query.map(Matcher::Query));
    matchers.extend(front.attrpath.map(Matcher::AttrPath));
    let [matcher] = <[Matcher; 1]>::try_from(matchers)
        .map_err(|_| PageError::new("a page has exactly one of `check`, `file`, `query` and `attrpath`"))?;
    Ok(Rule {
        id: Box::leak(front.id.into_boxed_str()),
        level: front.level,
        summary: front.summary,
        languages: front.languages,
        matcher,
        message: front.message,
        help: front.help,
        fix: front.fix,
        since: front.since,
        params: front.params,
        body,
    })
}
