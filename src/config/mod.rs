//! `flakeward.toml`: what a repository decides for itself.

pub mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::finding::{Level, RuleId, UNCHECKED};
use crate::globs;
use crate::rule::{self, Catalog};
use crate::suggest::nearest;
use crate::toml_text::{Fault, Places, explain};
use crate::wording::shortened;

/// The names a configuration file may have, in the order they are looked for.
pub const FILE_NAMES: [&str; 2] = ["flakeward.toml", ".flakeward.toml"];

/// The most globs of all `[[overrides]]`: each is compared with each path.
const MAX_OVERRIDES: usize = 1_000;

/// A configuration file as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "flakeward.toml")]
pub struct File {
    /// Globs of paths, relative to the repository's root, that are not checked at all.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Also check vendored code, generated files and lock files of package managers.
    #[serde(default)]
    pub check_third_party: bool,
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
#[schemars(title = "table with the settings of the rule")]
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
#[schemars(title = "path or a list of paths")]
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

impl PortSettings {
    /// Where a registry is created if there is none: the first configured path, or the usual one.
    pub fn new_registry(&self) -> &str {
        self.registries.first().map_or("lib/ports.nix", |path| path.trim_start_matches("./"))
    }
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
    /// Whether vendored code, generated files and lock files of package managers are checked.
    pub check_third_party: bool,
    /// Levels by rule id.
    pub levels: BTreeMap<RuleId, Level>,
    /// Levels by path.
    pub overrides: Vec<Override>,
    /// Ports.
    pub ports: PortSettings,
    /// The rules' parameters.
    pub params: Params,
    /// Where the file's entries stand.
    pub places: Places,
    /// The rules that there are.
    pub catalog: Catalog,
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
        Self::of(Catalog::built_in())
    }

    /// The configuration where there is no file, in a repository with rules of its own.
    pub fn of(catalog: Catalog) -> Self {
        Self { params: params(&catalog, &BTreeMap::new()), catalog, ..Self::default() }
    }

    /// Reads a configuration from its text. It knows the built-in rules only.
    pub fn parse(path: &Path, text: String) -> Result<Self, Box<ConfigError>> {
        Self::read(path, text, Catalog::built_in())
    }

    /// Reads a configuration from its text.
    pub fn read(path: &Path, text: String, catalog: Catalog) -> Result<Self, Box<ConfigError>> {
        let places = Places::read(&text);
        let reader = Reader { path, text: &text, places: &places, catalog: &catalog };
        let file: File = toml::from_str(&text).map_err(|error| {
            let Fault { span, message, help } = explain::<File>(&text, &error);
            reader.fail(span, message, help)
        })?;
        reader.rules(&file)?;
        let globs = file.overrides.iter().map(|entry| entry.paths.len().max(1)).sum::<usize>();
        if globs > MAX_OVERRIDES {
            let message = format!("the overrides have {globs} globs, and at most {MAX_OVERRIDES} are supported");
            return Err(reader.fail(places.key("overrides"), message, None));
        }
        let mut overrides = Vec::new();
        for (index, entry) in file.overrides.into_iter().enumerate() {
            overrides.push(Override {
                paths: reader.globs(&format!("overrides.{index}.paths"), &entry.paths)?,
                globs: entry.paths,
                levels: entry.rules.iter().filter_map(|(id, level)| Some((catalog.find(id)?.id, *level))).collect(),
            });
        }
        Ok(Self {
            path: Some(path.to_owned()),
            exclude: reader.globs("exclude", &file.exclude)?,
            exclude_globs: file.exclude,
            check_third_party: file.check_third_party,
            levels: file.rules.iter().filter_map(|(id, config)| Some((catalog.find(id)?.id, config.level?))).collect(),
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
            params: params(&catalog, &file.rules),
            places,
            catalog,
            text,
        })
    }
}

/// What is known while a file is read: enough to say where something is wrong.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    places: &'a Places,
    catalog: &'a Catalog,
}

impl Reader<'_> {
    fn fail(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> Box<ConfigError> {
        Box::new(ConfigError { path: self.path.to_owned(), text: self.text.to_owned(), span, message, help })
    }

    /// Holds the names of rules and of their options against the rules' pages.
    fn rules(&self, file: &File) -> Result<(), Box<ConfigError>> {
        for (id, config) in &file.rules {
            let place = format!("rules.{id}");
            let rule = self.rule(id, &place)?;
            self.level(id, config.level, &format!("{place}.level"))?;
            for (key, value) in &config.options {
                self.option(rule, key, value, &format!("{place}.{key}"))?;
            }
        }
        for (index, entry) in file.overrides.iter().enumerate() {
            for (id, level) in &entry.rules {
                let place = format!("overrides.{index}.rules.{id}");
                self.rule(id, &place)?;
                self.level(id, Some(*level), &place)?;
            }
        }
        Ok(())
    }

    /// What could not be checked is an error, whatever a repository says of it.
    fn level(&self, id: &str, level: Option<Level>, place: &str) -> Result<(), Box<ConfigError>> {
        if id != UNCHECKED || level.is_none_or(|level| level == Level::Error) {
            return Ok(());
        }
        let help = "leave a file out with `exclude = [\"path\"]`".to_owned();
        Err(self.fail(self.places.value_of(place), format!("`{id}` is always an error"), Some(help)))
    }

    fn rule(&self, id: &str, place: &str) -> Result<&rule::Rule, Box<ConfigError>> {
        self.catalog.find(id).ok_or_else(|| {
            let (message, help) = self.catalog.unknown(id);
            self.fail(self.places.key(place), message, Some(help))
        })
    }

    fn option(&self, rule: &rule::Rule, key: &str, value: &toml::Value, place: &str) -> Result<(), Box<ConfigError>> {
        let Some(usual) = rule.params.get(key) else {
            let near = nearest(key, rule.params.keys().map(String::as_str).chain(["level"]));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("the rule `{}` has no option `{key}`", rule.id);
            return Err(self.fail(self.places.key(place), message, help));
        };
        if alike(usual, value) {
            return Ok(());
        }
        let message = format!("`{value}` is not a valid value for `{key}`: expected a value such as `{usual}`");
        Err(self.fail(self.places.value_of(place), message, None))
    }

    fn globs(&self, place: &str, list: &[String]) -> Result<GlobSet, Box<ConfigError>> {
        globs::set(list).map_err(|(index, reason)| {
            let glob = list.get(index).map_or("", String::as_str);
            let place = self.places.value_of(&format!("{place}.{index}"));
            self.fail(place, format!("`{}` is not a valid glob: {reason}", shortened(glob, 60)), None)
        })
    }
}

/// Whether a value has the type of the usual one; the items of a list count.
fn alike(usual: &toml::Value, value: &toml::Value) -> bool {
    match (usual, value) {
        (toml::Value::Array(usual), toml::Value::Array(list)) => {
            usual.first().is_none_or(|usual| list.iter().all(|value| alike(usual, value)))
        }
        _ => usual.same_type(value),
    }
}

fn params(catalog: &Catalog, rules: &BTreeMap<String, RuleConfig>) -> Params {
    let tables = catalog.iter().map(|rule| {
        let mut table = rule.params.clone();
        if let Some(config) = rules.get(rule.id) {
            table.extend(config.options.clone());
        }
        (rule.id.to_owned(), table)
    });
    Params(tables.collect())
}
