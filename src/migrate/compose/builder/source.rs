//! The environment variables that the source of a program reads.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Builder;
use crate::migrate::Files;
use crate::migrate::compose::hosts::Position;
use crate::migrate::compose::process::Program;
use crate::migrate::compose::stack::{self, Role, Service};
use crate::migrate::compose::yaml::{Node, Place};
use crate::migrate::compose::{interpolate, names, words};
use crate::migrate::nix::Text;
use crate::paths;

/// The maximum number of files of a build context that are searched.
pub(super) const MOST_FILES: usize = 300;

/// The maximum number of files and folders of a build context that are examined.
const MOST_ENTRIES: usize = 3_000;

/// Folders that contain tests, other projects or the results of a build.
const NOT_SEARCHED: [&str; 9] =
    ["node_modules", "target", "vendor", "test", "tests", "venv", "dist", "__pycache__", "site-packages"];

/// A variable that a program reads, with the default that applies if it is not set.
struct Default {
    name: String,
    value: String,
    place: Place,
}

/// The forms in which programs read a variable with a default, with its name and its value: Python, Go, PHP and Elixir;
/// JavaScript; Ruby; tags of Go's structures; Rust; Spring.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let forms = [
        r#"(?i)(?:get_?env\w*|environ\.get|\benv(?:\.\w+)?|\bconfig)\(\s*["'](?<n>\w+)["']\s*,\s*(?:default\s*=\s*)?["'](?<v>[^"'\n]*)["']"#,
        r#"(?i)(?:get_?env\w*|environ\.get|\benv)\(\s*["'](?<n>\w+)["']\s*\)\s*(?:\?:|\?\?|\|\||\bor\b)\s*["'](?<v>[^"'\n]*)["']"#,
        r#"process\.env\.(?<n>\w+)\s*(?:\|\||\?\?)\s*["'`](?<v>[^"'`\n]*)["'`]"#,
        r#"ENV\.fetch\(\s*["'](?<n>\w+)["']\s*(?:,|\)\s*\{)\s*["'](?<v>[^"'\n]*)["']"#,
        r#"ENV\[\s*["'](?<n>\w+)["']\s*\]\s*(?:\|\||\?\?|\?:)\s*["'](?<v>[^"'\n]*)["']"#,
        r#"\b(?<n>[A-Z][A-Z0-9_]+)\s*:\s*(?:z|[Jj]oi|[Yy]up|v|t)\.[^\n,]{0,200}\.default\(\s*["'](?<v>[^"'\n]*)["']"#,
        r#"\b(?<n>[A-Z][A-Z0-9_]+)\s*:\s*(?:str|host|url)\(\s*\{[^{}]{0,200}default:\s*["'](?<v>[^"'\n]*)["']"#,
        r#"default:\s*["'](?<v>[^"'\n]*)["'][^{}]{0,200}\benv:\s*["'](?<n>\w+)["']"#,
        r#"\benv(?:config)?:"(?<n>\w+)[^"`\n]*"\s+(?:env-default|envDefault|default):"(?<v>[^"\n]*)""#,
        r#"\bvar\(\s*"(?<n>\w+)"\s*\)\s*\.unwrap_or(?:_else)?\(\s*(?:\|\w*\|\s*)?(?:String::from\(\s*)?"(?<v>[^"\n]*)""#,
        r#"\benv\s*=\s*"(?<n>\w+)"[^\n\]]{0,200}default_value\s*=\s*"(?<v>[^"\n]*)""#,
        r#"@Value\(\s*"\$\{(?<n>[\w.-]+):(?<v>[^}"\n]*)\}"#,
        r"\$\{(?<n>\w+):(?<v>[^}\n]*)\}",
    ];
    forms.iter().filter_map(|form| Regex::new(form).ok()).collect()
});

/// A field of a Pydantic class, whose default the variable with its name in capitals replaces.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let form = r#"(?m)^[ \t]+(?<n>\w+)\s*:\s*\w*(?:str|Str|Dsn|Url|\])\s*=\s*(?:Field\(\s*(?:default\s*=\s*)?)?["'](?<v>[^"'\n]*)["']"#;
    Regex::new(form).ok()
});

/// The forms that a source file may contain.
fn forms(text: &str) -> impl Iterator<Item = &'static Regex> {
    let is_settings = text.contains("BaseSettings") && !text.contains("env_prefix");
    FORMS.iter().chain(FIELD.iter().filter(move |_| is_settings))
}

/// The variable that sets a field or a property: `DB_HOST` for `db_host` and `db.host`.
fn variable_of(name: &str, form: &Regex) -> String {
    let is_field = FIELD.as_ref().is_some_and(|field| field.as_str() == form.as_str());
    match is_field || name.contains(['.', '-']) {
        true => name.to_ascii_uppercase().replace('.', "_").replace('-', ""),
        false => name.to_owned(),
    }
}

impl<'m> Builder<'_, 'm> {
    /// Sets variables whose default in the source names another service or a port that changes, because nothing answers
    /// there anymore.
    pub(in crate::migrate::compose) fn source_defaults(
        &self,
        service: &Service<'m>,
        program: &mut Program,
        environment: &mut Vec<(String, Text)>,
    ) {
        if service.role != Role::Program || service.image_file.is_none() {
            return;
        }
        let of_files = self.env_file_names(service);
        let is_unread = of_files.is_none();
        let mut known = of_files.unwrap_or_default();
        known.extend(service.get("environment").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.clone()));
        known.extend(environment.iter().chain(&program.exports).map(|(name, _)| name.clone()));
        for default in defaults(self.files(), service) {
            let others = self.stack.services.iter().filter(|other| other.is_carried() && other.name != service.name);
            let names_other = others
                .flat_map(|other| &other.names)
                .any(|name| names::occurrences(&default.value, name).next().is_some());
            let is_port = default.name.contains("PORT") && default.value.parse::<u16>().is_ok();
            if !(names_other || is_port) || !known.insert(default.name.clone()) {
                continue;
            }
            let value = self.rewriter(service).rewrite(&default.value, Position::Variable(&default.name));
            if value.as_literal() == Some(&default.value) {
                continue;
            }
            let into = format!("settings.processes.{}.environment, for its default in the source", service.process);
            self.carry(service, &default.place, &format!("environment.{}", default.name), into);
            // A file that does not exist yet may set it, and takes precedence over a default.
            match is_unread {
                true => program.exports.push((default.name.clone(), words::default_of(&default.name, &value))),
                false => environment.push((default.name, value)),
            }
        }
    }

    /// The variables of the service's `env_file`s. `None` if one of them does not exist or cannot be read.
    pub(in crate::migrate::compose) fn env_file_names(&self, service: &Service<'_>) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for item in service.get("env_file").map_or(&[][..], Node::items) {
            let path = item.get("path").and_then(Node::text)?.strip_prefix("./")?;
            let text = self.files().text(path).ok()??;
            names.extend(
                interpolate::read_env_item(item, &text, &self.variables).ok()?.into_iter().map(|(name, _)| name),
            );
        }
        Some(names)
    }

    /// Moves variables that an `env_file` also sets to the exports, which follow the file: in Compose, `environment`
    /// takes precedence.
    pub(in crate::migrate::compose) fn override_env_files(
        &self,
        service: &Service<'_>,
        program: &mut Program,
        environment: &mut Vec<(String, Text)>,
    ) {
        if program.sources.is_empty() {
            return;
        }
        let names = self.env_file_names(service);
        let is_set = |name: &String| names.as_ref().is_none_or(|names| names.contains(name));
        let (set, kept) = std::mem::take(environment).into_iter().partition(|(name, _)| is_set(name));
        *environment = kept;
        program.exports.splice(0..0, set);
    }
}

/// The variables that the source of a program reads with a default, in the order of the files.
fn defaults(files: &dyn Files, service: &Service<'_>) -> Vec<Default> {
    let mut found = Vec::new();
    each_source(files, service, &mut |path, text| {
        for form in forms(text) {
            let (mut at, mut line) = (0, 1);
            found.extend(form.captures_iter(text).filter_map(|groups| {
                let (whole, name, value) = (groups.get(0)?, groups.name("n")?, groups.name("v")?);
                line += text[at..whole.start()].matches('\n').count();
                at = whole.start();
                let place = Place { path: path.into(), line, column: 1 };
                Some(Default { name: variable_of(name.as_str(), form), value: value.as_str().to_owned(), place })
            }));
        }
        false
    });
    found
}

/// The parts of a source file that read a variable with a default, in order for each form.
pub(super) fn defaults_in(text: &str) -> Vec<Vec<Range<usize>>> {
    forms(text).map(|form| form.find_iter(text).map(|found| found.range()).collect()).collect()
}

/// Calls a function with the source files of a build context until it returns true, for at most [`MOST_FILES`] files.
pub(super) fn each_source(files: &dyn Files, service: &Service<'_>, read: &mut dyn FnMut(&str, &str) -> bool) {
    each_file(files, service, &is_source, read);
}

/// Like [`each_source`], for the files whose names `is_wanted` accepts. Returns false if there are more files than it
/// reads.
pub(super) fn each_file(
    files: &dyn Files,
    service: &Service<'_>,
    is_wanted: &dyn Fn(&str) -> bool,
    read: &mut dyn FnMut(&str, &str) -> bool,
) -> bool {
    let (mut count, mut entries) = (0, 0);
    let mut seen = BTreeSet::new();
    let (mut folders, mut single) = (Vec::new(), Vec::new());
    for source in sources(files, service) {
        match files.is_folder(&source) || source.is_empty() {
            true => folders.push((source, 0)),
            false => single.push(source),
        }
    }
    for path in single {
        let name = path.rsplit('/').next().unwrap_or(&path);
        if is_wanted(name) && seen.insert(path.clone()) {
            count += 1;
            let text = files.text(&path).ok().flatten().unwrap_or_default();
            if read(&path, &text) {
                return true;
            }
        }
    }
    while let Some((folder, depth)) = folders.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        for name in files.names(&folder) {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if is_wanted(&name) && (name.contains('.') || !files.is_folder(&path)) {
                let text = files.text(&path).ok().flatten().unwrap_or_default();
                // Most files without an extension are data.
                count += usize::from(name.contains('.') || text.starts_with("#!"));
                if read(&path, &text) {
                    return true;
                }
            } else if depth < 4
                && !name.starts_with('.')
                && !NOT_SEARCHED.contains(&name.as_str())
                && files.is_folder(&path)
            {
                folders.push((path, depth + 1));
            }
            entries += 1;
            if count > MOST_FILES || entries > MOST_ENTRIES {
                return false;
            }
        }
    }
    true
}

/// The maximum number of patterns in COPY instructions whose files are listed. More stand for their whole folder.
const MOST_PATTERNS: usize = 20;

/// The files and folders of the repository that a service's image or container has: those that are mounted or copied,
/// or the whole build context if the Dockerfile copies none by name or copies the result of a build, whose source may be
/// anywhere in it.
fn sources(files: &dyn Files, service: &Service<'_>) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = service.binds().into_iter().map(|bind| bind.source).collect();
    let (Some(context), Some(file)) = (service.context(), &service.image_file) else {
        found.extend(service.context().map(str::to_owned));
        return found;
    };
    let copies = file.copies.iter().chain(file.stages.iter().flat_map(|(_, stage)| &stage.copies));
    let (mut is_copied, mut is_built, mut patterns) = (false, false, 0);
    for (from, _) in copies {
        is_copied = true;
        let from = from.trim_start_matches('/');
        match paths::name(from).split_once('*') {
            // `COPY *.json ./`
            Some((start, end)) if !paths::folder(from).contains('*') && patterns < MOST_PATTERNS => {
                patterns += 1;
                let Some(folder) = paths::join(context, paths::folder(from)) else { continue };
                let names = files.names(&folder);
                let matching = names.iter().filter(|name| name.starts_with(start) && name.ends_with(end));
                let before = found.len();
                found.extend(matching.map(|name| stack::below(&folder, name)));
                // A pattern such as `yarn.lock*` makes a file optional.
                is_built |= found.len() == before && !end.is_empty();
            }
            _ => {
                let plain = from.split(['*', '?', '[']).next().unwrap_or(from);
                let plain = if plain.len() < from.len() { paths::folder(plain) } else { plain };
                let Some(path) = paths::join(context, plain) else { continue };
                is_built = is_built || is_build_product(files, &path);
                found.insert(path);
            }
        }
    }
    if is_built || !is_copied && found.is_empty() {
        found.insert(context.to_owned());
    }
    found
}

/// Whether a copied path is the result of a build: it is in a folder for such results, or does not exist. Hidden files
/// that do not exist are settings of one machine, such as `.env`.
fn is_build_product(files: &dyn Files, path: &str) -> bool {
    let name = paths::name(path.trim_end_matches('/'));
    let exists = || files.is_folder(path) || !matches!(files.text(path), Ok(None));
    NOT_SEARCHED.contains(&name) || !name.is_empty() && !name.starts_with('.') && !exists()
}

/// Whether a file is source code of a program, or a configuration file that Spring or Rails reads.
pub(super) fn is_source(name: &str) -> bool {
    let ends = [
        "js",
        "ts",
        "mjs",
        "cjs",
        "py",
        "go",
        "rs",
        "rb",
        "tsx",
        "jsx",
        "php",
        "ex",
        "exs",
        "java",
        "kt",
        "cs",
        "properties",
    ];
    let is_spring = name.starts_with("application") && (name.ends_with(".yml") || name.ends_with(".yaml"));
    // Rails reads these as templates with code.
    let is_rails = matches!(name, "cable.yml" | "database.yml" | "mongoid.yml" | "redis.yml" | "sidekiq.yml");
    is_spring || is_rails || name.rsplit_once('.').is_some_and(|(_, end)| ends.contains(&end))
}
