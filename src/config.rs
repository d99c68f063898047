//! `flakeward.toml`: what a repository decides for itself.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::finding::{Level, RuleId};
use crate::rule;

/// The names a configuration file may have, in the order they are looked for.
pub const FILE_NAMES: [&str; 2] = ["flakeward.toml", ".flakeward.toml"];

/// A configuration file as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "flakeward.toml")]
pub struct File {
    /// Globs of paths, relative to the repository's root, that are not checked at all.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Rules by id.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleConfig>,
    /// Other levels for some paths; later entries win.
    #[serde(default)]
    pub overrides: Vec<OverrideConfig>,
    /// What this repository's ports are.
    #[serde(default)]
    pub ports: PortConfig,
}

/// The table `[rules.<id>]`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
pub struct RuleConfig {
    /// The rule's level.
    pub level: Option<Level>,
    /// The rule's own options.
    #[serde(flatten)]
    #[schemars(skip)]
    pub options: toml::Table,
}

/// One entry of `[[overrides]]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideConfig {
    /// Globs of paths, relative to the repository's root.
    pub paths: Vec<String>,
    /// Levels by rule id.
    pub rules: BTreeMap<String, Level>,
}

/// The table `[ports]`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PortConfig {
    /// The registry's path, or several, relative to the repository's root. Found by itself where none is given.
    #[serde(default)]
    pub registry: Registries,
    /// Host names (or domain suffixes such as `.example.org`) that are this repository's own.
    #[serde(default)]
    pub own_hosts: Vec<String>,
    /// Host names (or domain suffixes) that are somebody else's, whatever the repository seems to say.
    #[serde(default)]
    pub external_hosts: Vec<String>,
}

/// One path or a list of paths.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Registries {
    /// None given.
    #[default]
    Discover,
    /// One path.
    One(String),
    /// Several paths.
    Many(Vec<String>),
}

/// What the configuration says about ports, ready for use.
#[derive(Debug, Default, Clone)]
pub struct PortSettings {
    /// The configured registries, relative to the root; empty means: find them.
    pub registries: Vec<String>,
    /// Own hosts and domain suffixes.
    pub own_hosts: Vec<String>,
    /// External hosts and domain suffixes.
    pub external_hosts: Vec<String>,
}

/// The rules' parameters: each page's `params` with the configuration's options over them.
#[derive(Debug, Default, Clone)]
pub struct Params(BTreeMap<String, toml::Table>);

impl Params {
    /// The parameters of a rule.
    pub fn of(&self, rule: &str) -> Option<&toml::Table> {
        self.0.get(rule)
    }

    /// A list of strings among a rule's parameters; empty where there is none.
    pub fn strings(&self, rule: &str, key: &str) -> Vec<&str> {
        let list = self.of(rule).and_then(|table| table.get(key)).and_then(toml::Value::as_array);
        list.map(|list| list.iter().filter_map(toml::Value::as_str).collect()).unwrap_or_default()
    }
}

/// Levels for paths.
#[derive(Debug)]
pub struct Override {
    paths: GlobSet,
    /// The globs as written.
    pub globs: Vec<String>,
    /// Levels by rule id.
    pub levels: BTreeMap<RuleId, Level>,
    /// Where the entry stands in the file.
    pub span: Option<Range<usize>>,
}

impl Override {
    /// Whether the entry is for a path (relative to the root).
    pub fn matches(&self, path: &str) -> bool {
        self.paths.is_match(path)
    }
}

/// A configuration, checked and ready for use.
#[derive(Debug, Default)]
pub struct Config {
    /// The file it came from.
    pub path: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// Paths that are not checked.
    pub exclude: GlobSet,
    /// The globs of `exclude` as written.
    pub exclude_globs: Vec<String>,
    /// Levels by rule id.
    pub levels: BTreeMap<RuleId, Level>,
    /// Levels by path.
    pub overrides: Vec<Override>,
    /// Ports.
    pub ports: PortSettings,
    /// The rules' parameters.
    pub params: Params,
}

/// A configuration that cannot be used: what is wrong, where, and what to do.
#[derive(Debug)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The file's text.
    pub text: String,
    /// The place in the text.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The configuration where there is no file.
    pub fn none() -> Self {
        Self { params: params(&BTreeMap::new()), ..Self::default() }
    }

    /// Reads a configuration from its text.
    pub fn parse(path: &Path, text: String) -> Result<Self, Box<ConfigError>> {
        let fail = |span: Option<Range<usize>>, message: String, help: Option<String>| {
            Box::new(ConfigError { path: path.to_owned(), text: text.clone(), span, message, help })
        };
        let file: File = toml::from_str(&text).map_err(|error| {
            let (message, help) = explain(error.message());
            fail(error.span(), message, help)
        })?;
        let known = |id: &str| match rule::find(id) {
            Some(_) => Ok(()),
            None => Err(fail(
                find_word(&text, id),
                format!("there is no rule `{id}`"),
                Some(match rule::nearest(id) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`flakeward rules` lists all rules".to_owned(),
                }),
            )),
        };
        for id in file.rules.keys().chain(file.overrides.iter().flat_map(|entry| entry.rules.keys())) {
            known(id)?;
        }
        for (id, config) in &file.rules {
            let params = rule::find(id).map(|rule| &rule.params);
            for key in config.options.keys() {
                if params.is_none_or(|params| !params.contains_key(key)) {
                    let options = params.into_iter().flat_map(|params| params.keys().map(String::as_str));
                    let near = nearest(key, options.chain(["level"]));
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    return Err(fail(find_word(&text, key), format!("the rule `{id}` has no option `{key}`"), help));
                }
            }
        }
        let globs = |list: &[String]| {
            set(list)
                .map_err(|(glob, error)| fail(find_word(&text, &glob), format!("`{glob}` is no glob: {error}"), None))
        };
        let mut overrides = Vec::new();
        for entry in file.overrides {
            let span = entry.paths.first().and_then(|glob| find_word(&text, glob));
            let levels = entry.rules.iter().filter_map(|(id, level)| Some((rule::find(id)?.id, *level))).collect();
            overrides.push(Override { paths: globs(&entry.paths)?, globs: entry.paths, levels, span });
        }
        Ok(Self {
            path: Some(path.to_owned()),
            exclude: globs(&file.exclude)?,
            exclude_globs: file.exclude,
            levels: file.rules.iter().filter_map(|(id, config)| Some((rule::find(id)?.id, config.level?))).collect(),
            overrides,
            ports: PortSettings {
                registries: match file.ports.registry {
                    Registries::Discover => Vec::new(),
                    Registries::One(path) => vec![path],
                    Registries::Many(paths) => paths,
                },
                own_hosts: file.ports.own_hosts,
                external_hosts: file.ports.external_hosts,
            },
            params: params(&file.rules),
            text,
        })
    }
}

fn params(rules: &BTreeMap<String, RuleConfig>) -> Params {
    let tables = rule::BUILT_IN.iter().map(|rule| {
        let mut table = rule.params.clone();
        if let Some(config) = rules.get(rule.id) {
            table.extend(config.options.clone());
        }
        (rule.id.to_owned(), table)
    });
    Params(tables.collect())
}

/// A glob set as gitignore people expect it: `*` stays inside a folder, a bare name or `dir/` covers all below it.
pub fn set(globs: &[String]) -> Result<GlobSet, (String, globset::Error)> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let trimmed = glob.trim_start_matches("./").trim_end_matches('/');
        let anywhere = if trimmed.contains('/') { String::new() } else { "**/".to_owned() };
        for form in [format!("{anywhere}{trimmed}"), format!("{anywhere}{trimmed}/**")] {
            let glob_of = |form: &str| globset::GlobBuilder::new(form).literal_separator(true).build();
            let parsed: Result<Glob, _> = glob_of(form.trim_start_matches('/'));
            builder.add(parsed.map_err(|error| (glob.clone(), error))?);
        }
    }
    builder.build().map_err(|error| (globs.join(", "), error))
}

/// Turns serde's sentence for an unknown key into one with a suggestion.
fn explain(message: &str) -> (String, Option<String>) {
    let Some(rest) = message.strip_prefix("unknown field `") else { return (message.to_owned(), None) };
    let Some((key, rest)) = rest.split_once('`') else { return (message.to_owned(), None) };
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let help = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    (format!("there is no key `{key}` here"), Some(help))
}

/// The known word nearest to a mistyped one, if it is near at all.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    text.match_indices(word)
        .find(|(at, _)| {
            let around = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_');
            around(text[..*at].chars().next_back()) && around(text[at + word.len()..].chars().next())
        })
        .map(|(at, _)| at..at + word.len())
}
