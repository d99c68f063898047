//! A rule's page: front matter for the engine, text and examples for readers and tests.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::globs::Globs;
use schemars::JsonSchema;
use serde::Deserialize;

use super::groups;
use super::pattern::Pattern;
use crate::finding::{Level, RuleId};
use crate::globs;
use crate::source::Source;
use crate::toml_text::{Fault, Places, explain};

/// A rule, as its page defines it.
#[derive(Debug)]
pub struct Rule {
    /// Its public id: the name of the page's file.
    pub id: RuleId,
    /// Its default level.
    pub level: Level,
    /// A one-line summary, for lists.
    pub summary: String,
    /// The groups it belongs to: names of [`super::groups::GROUPS`].
    pub groups: Vec<String>,
    /// The kinds of files it checks, by [`crate::source::FileKind::name`]; empty means that it checks no files itself.
    pub languages: Vec<String>,
    /// How it matches.
    pub matcher: Matcher,
    /// The files that a data matcher applies to, if `paths` restricts them.
    pub paths: Option<Compiled<Vec<String>, Globs>>,
    /// A string that every match of a data rule's query contains.
    pub trigger: Option<String>,
    /// A pattern for the text of a value or of an instruction's arguments.
    pub value: Option<Compiled<String, Pattern>>,
    /// The message of a data rule's findings.
    pub message: String,
    /// What to do about a finding of a data rule.
    pub help: Option<String>,
    /// What `flakeward fix` can do for it.
    pub fix: Fixability,
    /// The version that introduced it.
    pub since: String,
    /// Parameters of its check.
    pub params: toml::Table,
    /// The page's Markdown after the front matter.
    pub body: Cow<'static, str>,
    /// The address of a policy rule's page on the web, or the path of its file. `None` for other rules.
    pub page: Option<String>,
}

impl Rule {
    /// Whether its `languages` and `paths` allow a file.
    pub fn covers(&self, source: &Source) -> bool {
        let is_allowed = |paths: &Compiled<_, Globs>| paths.get().is_some_and(|paths| paths.is_match(&*source.path));
        self.languages.iter().any(|language| language == source.kind.name())
            && self.paths.as_ref().is_none_or(is_allowed)
    }

    /// Compiles the patterns of the page. An error refers to the key in its front matter, at the position that `place`
    /// returns.
    pub fn check_patterns(&self, place: impl Fn(&str) -> Option<Range<usize>>) -> Result<(), PageError> {
        if let Some(value) = &self.value {
            let regex = regex(&value.pattern);
            let regex = regex.map_err(|message| PageError { message, span: place("value"), help: None })?;
            let _ = value.compiled.set(Some(regex));
        }
        if let Some(paths) = &self.paths {
            let globs = globs::set(&paths.pattern).map_err(|(index, reason)| {
                let message = format!("invalid glob: {reason}");
                PageError { message, span: place(&format!("paths.{index}")), help: None }
            })?;
            let _ = paths.compiled.set(Some(globs));
        }
        Ok(())
    }

    /// Whether the rule belongs to a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|name| name == group)
    }
}

/// A pattern that is compiled when it is first used: most rules of a run never use theirs, and compiling all of them
/// takes longer than checking a file.
#[derive(Debug)]
pub struct Compiled<P, C> {
    pattern: P,
    compile: fn(&P) -> Option<C>,
    compiled: OnceLock<Option<C>>,
}

impl<P, C> Compiled<P, C> {
    fn new(pattern: P, compile: fn(&P) -> Option<C>) -> Self {
        Self { pattern, compile, compiled: OnceLock::new() }
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &P {
        &self.pattern
    }

    /// The compiled pattern. `None` if it is not valid, which [`Rule::check_patterns`] reports.
    pub fn get(&self) -> Option<&C> {
        self.compiled.get_or_init(|| (self.compile)(&self.pattern)).as_ref()
    }
}

/// How a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// By the check with the rule's name in `src/check/`.
    Code,
    /// The file itself, by its kind and path.
    File,
    /// A tree-sitter query whose `@finding` capture is reported.
    Query(String),
    /// Nix attribute paths, resolved through nested sets; `*` matches any name.
    AttrPath(Vec<String>),
    /// Paths of YAML keys. Sequence items have no name; `*` matches any key.
    YamlPath(Vec<String>),
    /// Dockerfile instructions, by their keyword.
    Instruction(Vec<String>),
}

/// What `flakeward fix` can do for a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(title = "safety")]
pub enum Fixability {
    /// Nothing: a person has to decide.
    None,
    /// A fix that preserves the result of evaluation.
    Safe,
    /// A fix that requires `--unsafe`.
    Unsafe,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Front {
    id: String,
    level: Level,
    summary: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    file: bool,
    query: Option<String>,
    attrpath: Option<Vec<String>>,
    yamlpath: Option<Vec<String>>,
    instruction: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    trigger: Option<String>,
    value: Option<String>,
    #[serde(default)]
    message: String,
    help: Option<String>,
    #[serde(default = "no_fix")]
    fix: Fixability,
    #[serde(default)]
    since: String,
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    params: toml::Table,
}

fn no_fix() -> Fixability {
    Fixability::None
}

/// Why a page could not be read, and the position of the error.
#[derive(Debug)]
pub struct PageError {
    /// What is wrong.
    pub message: String,
    /// The position in the page.
    pub span: Option<Range<usize>>,
    /// What to do.
    pub help: Option<String>,
}

impl PageError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, help: None }
    }
}

/// The error message about a page with more than one matcher, or with neither a matcher nor code.
pub(super) const ONE_MATCHER: &str =
    "a page must have exactly one of `file`, `attrpath`, `yamlpath`, `instruction` and `query`";

pub(super) const FENCE: &str = "+++\n";

/// Splits a page into front matter and body; `None` if it has no front matter.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(FENCE)?;
    let end = rest.find("\n+++\n")? + 1;
    Some((&rest[..end], &rest[end + FENCE.len()..]))
}

/// Reads a built-in page.
pub fn parse(name: &str, text: &'static str) -> Result<Rule, PageError> {
    let (rule, body) = read(name, name, text)?;
    match rule.since.is_empty() {
        true => Err(PageError::new("`since` is missing: the version that introduces the rule")),
        false => Ok(Rule { body: Cow::Borrowed(body), ..rule }),
    }
}

/// Reads the page of a file `NAME.md` as the rule with an id. Also returns the page's body, which is not yet part of
/// the rule.
pub(super) fn read<'a>(name: &str, id: &str, text: &'a str) -> Result<(Rule, &'a str), PageError> {
    let (front, body) =
        split(text).ok_or_else(|| PageError::new("a page must begin with front matter between two `+++` lines"))?;
    let at = |span: Range<usize>| span.start + FENCE.len()..span.end + FENCE.len();
    let text = front;
    let place = |key: &str| Places::read(text).value_of(key).map(at);
    let front: Front = toml::from_str(front).map_err(|error| {
        let Fault { span, message, help } = explain::<Front>(front, &error);
        PageError { message, span: span.map(at), help }
    })?;
    if front.id != name {
        let message = format!("the page of `{}` must be named {}.md", front.id, front.id);
        return Err(PageError { message, span: place("id"), help: None });
    }
    if let Some((index, unknown)) = front.groups.iter().enumerate().find(|(_, name)| !groups::is_group(name)) {
        let known: Vec<&str> = groups::names().collect();
        let help = Some(format!("the groups are {}", known.join(", ")));
        return Err(PageError {
            message: format!("unknown group `{unknown}`"),
            span: place(&format!("groups.{index}")),
            help,
        });
    }
    let mut matchers = Vec::new();
    matchers.extend(front.file.then_some(Matcher::File));
    matchers.extend(front.query.map(Matcher::Query));
    matchers.extend(front.attrpath.map(Matcher::AttrPath));
    matchers.extend(front.yamlpath.map(Matcher::YamlPath));
    matchers.extend(front.instruction.map(Matcher::Instruction));
    let matcher = match (matchers.pop(), matchers.is_empty()) {
        (None, _) => Matcher::Code,
        (Some(matcher), true) => matcher,
        (Some(_), false) => return Err(PageError::new(ONE_MATCHER)),
    };
    let value = front.value.map(|value| Compiled::new(value, |value| regex(value).ok()));
    let paths = front.paths.map(|paths| Compiled::new(paths, |paths| globs::set(paths).ok()));
    if paths.is_some() && matcher == Matcher::Code {
        return Err(PageError { message: ONE_MATCHER.to_owned(), span: place("paths"), help: None });
    }
    let rule = Rule {
        id: kept(id),
        level: front.level,
        summary: front.summary,
        groups: front.groups,
        languages: front.languages,
        matcher,
        paths,
        trigger: front.trigger,
        value,
        message: front.message,
        help: front.help,
        fix: front.fix,
        since: front.since,
        params: front.params,
        body: Cow::Borrowed(""),
        page: None,
    };
    Ok((rule, body))
}

/// Returns an id that lives as long as the process. Each id is allocated once.
fn kept(id: &str) -> RuleId {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(id) {
        return known;
    }
    let id = Box::leak(Box::<str>::from(id));
    kept.insert(id);
    id
}

/// Compiles a regular expression.
fn regex(text: &str) -> Result<Pattern, String> {
    Pattern::new(text, 1 << 20).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "this regular expression is too large".to_owned(),
        error => format!("invalid regular expression: {}", error.to_string().lines().last().unwrap_or("").trim()),
    })
}
