//! `flakeward.toml`, the configuration of a repository.

pub mod initial;
pub mod layers;
pub mod levels;
pub mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::globs::Globs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::finding::{Level, RuleId};
use crate::globs;
use crate::rule::{self, Catalog};
use crate::suggest::nearest;
use crate::toml_text::Places;
use crate::wording::shortened;
use layers::Layer;
use levels::{DEFAULT_LEVEL, IGNORE, LevelKey, Levels, RuleValue, SELECT};

/// The names of configuration files, in order of precedence.
pub const FILE_NAMES: [&str; 2] = ["flakeward.toml", ".flakeward.toml"];

/// The maximum number of globs in all `[[overrides]]`. Each glob is matched against each path.
const MAX_OVERRIDES: usize = 1_000;

/// flakeward's configuration file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "flakeward.toml")]
pub struct File {
    /// Globs of paths, relative to the repository's root, that are not checked at all.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Also check vendored code, generated files and lock files of package managers.
    pub check_third_party: Option<bool>,
    /// The shared policy that these settings extend, and the rules that they lock for others.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// Levels and options of rules and groups of rules by name, and which rules run.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleValue>,
    /// Other levels for some paths; later entries win.
    #[serde(default)]
    pub overrides: Vec<OverrideConfig>,
    /// The port registry and the hosts of this repository.
    #[serde(default)]
    pub ports: PortConfig,
}

/// The table `[policy]`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyConfig {
    /// The policy that these settings extend: `flake:NAME` for an input in flake.lock, or a folder relative to this
    /// file.
    pub extends: Option<String>,
    /// Rules whose level and options cannot be weakened by repositories that extend these settings.
    #[serde(default)]
    pub locked: Vec<String>,
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
    /// Levels by rule or group.
    pub rules: BTreeMap<String, RuleValue>,
}

/// The table `[ports]`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PortConfig {
    /// The path of the registry, or several paths, relative to the root. By default, found by name and contents.
    #[serde(default)]
    pub registry: Registries,
    /// Host names (or domain suffixes such as `.example.org`) that are this repository's own.
    #[serde(default)]
    pub own_hosts: Vec<String>,
    /// Host names (or domain suffixes) that do not belong to this repository, even if it seems to define them.
    #[serde(default)]
    pub external_hosts: Vec<String>,
}

/// One path or a list of paths.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "path or a list of paths")]
pub enum Registries {
    /// No path.
    #[default]
    Discover,
    /// One path.
    One(String),
    /// Several paths.
    Many(Vec<String>),
}

/// The default path of a registry, relative to its flake.
pub const USUAL_REGISTRY: &str = "lib/ports.nix";

/// The validated settings for ports.
#[derive(Debug, Default, Clone)]
pub struct PortSettings {
    /// The configured registries, relative to the root. If empty, registries are found by their names.
    pub registries: Vec<String>,
    /// Hosts and domain suffixes that belong to the repository.
    pub own_hosts: Vec<String>,
    /// External hosts and domain suffixes.
    pub external_hosts: Vec<String>,
    /// The default path of a registry if the repository's only flake is in a subfolder: inside that folder, because a
    /// flake cannot import files from outside.
    pub in_flake: Option<String>,
}

impl PortSettings {
    /// The path at which a registry would be created: the first configured path, or else the default one.
    pub fn new_registry(&self) -> &str {
        let usual = self.in_flake.as_deref().unwrap_or(USUAL_REGISTRY);
        self.registries.first().map_or(usual, |path| path.trim_start_matches("./"))
    }
}

/// The origin of a settings file. Later variants take precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The policy that the repository extends.
    Policy,
    /// The repository's own file.
    Repository,
    /// Additional settings, such as the flake module's `settings`.
    Settings,
}

/// The rules' parameters: each page's `params`, overridden by the configuration's options.
#[derive(Debug, Default, Clone)]
pub struct Params(BTreeMap<String, toml::Table>);

impl Params {
    /// The parameters of a rule. `None` if there is no such rule.
    pub fn of(&self, rule: &str) -> Option<&toml::Table> {
        self.0.get(rule)
    }

    /// A parameter of a rule that is a list of strings; empty if there is none.
    pub fn strings(&self, rule: &str, key: &str) -> Vec<&str> {
        let list = self.of(rule).and_then(|table| table.get(key)).and_then(toml::Value::as_array);
        list.map(|list| list.iter().filter_map(toml::Value::as_str).collect()).unwrap_or_default()
    }
}

/// Levels for paths.
#[derive(Debug)]
pub struct Override {
    paths: Globs,
    /// The globs as written.
    pub globs: Vec<String>,
    /// Levels by rule id.
    pub levels: BTreeMap<RuleId, Level>,
    /// The key that sets each level: `overrides.0.rules.style`.
    pub keys: BTreeMap<RuleId, String>,
    /// Its origin.
    pub origin: Origin,
    /// Its index among the overrides of its file.
    pub index: usize,
}

impl Override {
    /// Whether the override applies to a path (relative to the root).
    pub fn matches(&self, path: &str) -> bool {
        self.paths.is_match(path)
    }
}

/// A validated configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// The repository's own file, relative to the root.
    pub path: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// All settings files; later ones take precedence.
    pub layers: Vec<Layer>,
    /// The folder of the policy, if there is one.
    pub policy: Option<PathBuf>,
    /// The rules that the policy locks, and the lowest level of each.
    pub floors: BTreeMap<String, Level>,
    /// Paths that are not checked.
    pub exclude: Globs,
    /// The globs of `exclude` as written. The globs of the repository's own file come first.
    pub exclude_globs: Vec<String>,
    /// Whether vendored code, generated files and lock files of package managers are checked.
    pub check_third_party: bool,
    /// Levels by rule id.
    pub levels: BTreeMap<RuleId, Level>,
    /// The key that sets each level.
    pub level_keys: BTreeMap<RuleId, LevelKey>,
    /// The levels of the policy, by rule id.
    pub inherited: BTreeMap<RuleId, Level>,
    /// The overrides.
    pub overrides: Vec<Override>,
    /// The settings for ports.
    pub ports: PortSettings,
    /// The rules' parameters.
    pub params: Params,
    /// The positions of the entries of the repository's own file.
    pub places: Places,
    /// All rules.
    pub catalog: Catalog,
}

/// The reason why a configuration is invalid, its position, and a way to fix it.
#[derive(Debug)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The file's text.
    pub text: String,
    /// The position in the text.
    pub span: Option<Range<usize>>,
    /// The description of the error.
    pub message: String,
    /// A way to fix it.
    pub help: Option<String>,
}

impl ConfigError {
    /// The file and the line, from 1, as a prefix for messages: `flakeward.toml:3: `.
    pub fn place(&self) -> String {
        let line = self.span.as_ref().and_then(|span| Some(self.text.get(..span.start)?.matches('\n').count() + 1));
        match line {
            Some(line) => format!("{}:{line}: ", self.path.display()),
            None => format!("{}: ", self.path.display()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The configuration without a file.
    pub fn none() -> Self {
        Self::of(Catalog::built_in())
    }

    /// The configuration without a file, in a repository with the rules of `catalog`.
    pub fn of(catalog: Catalog) -> Self {
        Self { params: params(&catalog, std::iter::empty()), catalog, ..Self::default() }
    }

    /// The position of the level that a key in a file sets: the value of the key, or of `level` in its table.
    pub fn level_place(&self, origin: Origin, key: &str) -> String {
        let layer = self.layers.iter().find(|layer| layer.origin == origin);
        layer.map_or_else(|| key.to_owned(), |layer| layer.level_place(key))
    }

    /// Parses a configuration. Only the built-in rules are known.
    pub fn parse(path: &Path, text: String) -> Result<Self, Box<ConfigError>> {
        Self::read(path, text, Catalog::built_in())
    }

    /// Parses the repository's own configuration.
    pub fn read(path: &Path, text: String, catalog: Catalog) -> Result<Self, Box<ConfigError>> {
        Self::of_layers(vec![Layer::parse(Origin::Repository, path, text)?], catalog)
    }

    /// Merges several settings files; later ones take precedence.
    pub fn of_layers(layers: Vec<Layer>, catalog: Catalog) -> Result<Self, Box<ConfigError>> {
        let mut overrides = Vec::new();
        let mut levels = Vec::new();
        for layer in &layers {
            let reader = Reader { layer, catalog: &catalog };
            reader.policy()?;
            levels.push(reader.levels(&layer.file.rules, "rules")?);
            reader.options(&layer.file.rules)?;
            overrides.append(&mut reader.overrides()?);
        }
        let floors = layers::floors(&layers, &levels, &overrides, &catalog)?;
        let of_policy = layers.iter().zip(&levels).find(|(layer, _)| layer.origin == Origin::Policy);
        let inherited = of_policy.map(|(_, levels)| levels.levels.clone()).unwrap_or_default();
        let level_keys = layers.iter().zip(&levels).flat_map(|(layer, levels)| {
            let key = |(id, key): (&RuleId, &String)| (*id, LevelKey { origin: layer.origin, key: key.clone() });
            levels.keys.iter().map(key)
        });
        // The entries of the repository's own file come first, so that their indices are those in the file.
        let mut own_first: Vec<&Layer> = layers.iter().collect();
        own_first.sort_by_key(|layer| layer.origin != Origin::Repository);
        let all = |list: fn(&File) -> &Vec<String>| -> Vec<String> {
            own_first.iter().flat_map(|layer| list(&layer.file)).cloned().collect()
        };
        for layer in &layers {
            Reader { layer, catalog: &catalog }.globs("exclude", &layer.file.exclude)?;
        }
        let exclude_globs = all(|file| &file.exclude);
        let own = layers.iter().find(|layer| layer.origin == Origin::Repository);
        Ok(Self {
            path: own.map(|own| own.path.clone()),
            text: own.map(|own| own.text.clone()).unwrap_or_default(),
            places: own.map(|own| own.places.clone()).unwrap_or_default(),
            exclude: globs::set(&exclude_globs).unwrap_or_default(),
            exclude_globs,
            check_third_party: layers.iter().rev().find_map(|layer| layer.file.check_third_party).unwrap_or(false),
            inherited,
            levels: levels.iter().flat_map(|levels| levels.levels.clone()).collect(),
            level_keys: level_keys.collect(),
            overrides,
            ports: PortSettings {
                registries: layers.iter().rev().find_map(|layer| layer.file.ports.registry.paths()).unwrap_or_default(),
                own_hosts: all(|file| &file.ports.own_hosts),
                external_hosts: all(|file| &file.ports.external_hosts),
                in_flake: None,
            },
            params: params(&catalog, layers.iter().map(|layer| &layer.file.rules)),
            policy: None,
            floors,
            layers,
            catalog,
        })
    }

    /// The level that a rule would have without the repository's own file and additional settings.
    pub fn inherited_level(&self, rule: &rule::Rule) -> Level {
        self.inherited.get(rule.id).copied().unwrap_or(rule.level)
    }

    /// The name of the policy (as the repository refers to it, or else the name of its folder) and the beginning of the
    /// hash of its file. `None` if there is no policy.
    pub fn policy_version(&self) -> Option<(String, String)> {
        let folder = self.policy.as_ref()?;
        let file = |origin| self.layers.iter().find(move |layer: &&Layer| layer.origin == origin);
        let extends = file(Origin::Repository).and_then(|own| own.file.policy.extends.clone());
        let name = extends.or_else(|| Some(folder.file_name()?.to_string_lossy().into_owned())).unwrap_or_default();
        let hash = sha2::Sha256::digest(file(Origin::Policy).map_or("", |policy| &policy.text));
        Some((name, hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The file with the highest precedence that contains an entry, if any file does.
    pub fn layer_of(&self, place: &str) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| layer.places.value_of(place).is_some())
    }
}

impl Registries {
    /// The configured paths, if there are any.
    fn paths(&self) -> Option<Vec<String>> {
        match self {
            Registries::Discover => None,
            Registries::One(path) => Some(vec![path.clone()]),
            Registries::Many(paths) => Some(paths.clone()),
        }
    }
}

/// A settings file that is being validated.
struct Reader<'a> {
    layer: &'a Layer,
    catalog: &'a Catalog,
}

impl Reader<'_> {
    fn fail(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> Box<ConfigError> {
        self.layer.fail(span, message, help)
    }

    /// Checks the policy. A policy cannot extend another one, so the origin of a value stays easy to see.
    fn policy(&self) -> Result<(), Box<ConfigError>> {
        if self.layer.origin == Origin::Repository || self.layer.file.policy.extends.is_none() {
            return Ok(());
        }
        let (message, help) = match self.layer.origin {
            Origin::Policy => ("a policy cannot extend another policy", "merge the two into one"),
            _ => ("only the repository's flakeward.toml can extend a policy", "name its folder with --policy-path DIR"),
        };
        Err(self.fail(self.layer.places.key("policy.extends"), message.to_owned(), Some(help.to_owned())))
    }

    fn overrides(&self) -> Result<Vec<Override>, Box<ConfigError>> {
        let entries = &self.layer.file.overrides;
        let globs = entries.iter().map(|entry| entry.paths.len().max(1)).sum::<usize>();
        if globs > MAX_OVERRIDES {
            let message = format!("the overrides have {globs} globs, and at most {MAX_OVERRIDES} are supported");
            return Err(self.fail(self.layer.places.key("overrides"), message, None));
        }
        let entry = |(index, entry): (usize, &OverrideConfig)| {
            let Levels { levels, keys } = self.override_levels(&entry.rules, index)?;
            Ok(Override {
                levels,
                keys,
                paths: self.globs(&format!("overrides.{index}.paths"), &entry.paths)?,
                globs: entry.paths.clone(),
                origin: self.layer.origin,
                index,
            })
        };
        entries.iter().enumerate().map(entry).collect()
    }

    /// Validates the options of rules against their pages.
    fn options(&self, rules: &BTreeMap<String, RuleValue>) -> Result<(), Box<ConfigError>> {
        for (id, value) in rules {
            let (Some(rule), RuleValue::Table(config)) = (self.catalog.find(id), value) else { continue };
            for (key, value) in &config.options {
                self.option(rule, key, value, &format!("rules.{id}.{key}"))?;
            }
        }
        Ok(())
    }

    /// The levels in an entry of `[[overrides]]`, which can set nothing else.
    fn override_levels(&self, rules: &BTreeMap<String, RuleValue>, index: usize) -> Result<Levels, Box<ConfigError>> {
        let place = format!("overrides.{index}.rules");
        for (name, value) in rules {
            let is_other = [SELECT, IGNORE, DEFAULT_LEVEL].contains(&name.as_str());
            let option = match value {
                RuleValue::Table(config) => config.options.keys().next().map(|option| format!("{name}.{option}")),
                _ => is_other.then(|| name.clone()),
            };
            if let Some(key) = option {
                let help = Some(format!("move `{key}` to `[rules]`"));
                let message = "an override can only set levels".to_owned();
                return Err(self.fail(self.layer.places.key(&format!("{place}.{key}")), message, help));
            }
        }
        self.levels(rules, &place)
    }

    fn option(&self, rule: &rule::Rule, key: &str, value: &toml::Value, place: &str) -> Result<(), Box<ConfigError>> {
        let Some(usual) = rule.params.get(key) else {
            let near = nearest(key, rule.params.keys().map(String::as_str).chain(["level"]));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("the rule `{}` has no option `{key}`", rule.id);
            return Err(self.fail(self.layer.places.key(place), message, help));
        };
        if alike(usual, value) {
            return Ok(());
        }
        let message = format!("`{value}` is not a valid value for `{key}`: expected a value such as `{usual}`");
        Err(self.fail(self.layer.places.value_of(place), message, None))
    }

    fn globs(&self, place: &str, list: &[String]) -> Result<Globs, Box<ConfigError>> {
        globs::set(list).map_err(|(index, reason)| {
            let glob = list.get(index).map_or("", String::as_str);
            let place = self.layer.places.value_of(&format!("{place}.{index}"));
            self.fail(place, format!("`{}` is not a valid glob: {reason}", shortened(glob, 60)), None)
        })
    }
}

/// Whether a value has the same type as the default. For a list, the types of its items must also match.
fn alike(usual: &toml::Value, value: &toml::Value) -> bool {
    match (usual, value) {
        (toml::Value::Array(usual), toml::Value::Array(list)) => {
            usual.first().is_none_or(|usual| list.iter().all(|value| alike(usual, value)))
        }
        _ => usual.same_type(value),
    }
}

fn params<'a>(catalog: &Catalog, layers: impl Iterator<Item = &'a BTreeMap<String, RuleValue>> + Clone) -> Params {
    let tables = catalog.iter().map(|rule| {
        let mut table = rule.params.clone();
        for value in layers.clone().filter_map(|rules| rules.get(rule.id)) {
            let RuleValue::Table(config) = value else { continue };
            table.extend(config.options.clone());
        }
        (rule.id.to_owned(), table)
    });
    Params(tables.collect())
}
