//! The environment variables that the source of a program reads.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::knowledge::containers::sources::{FIELD_FORM, NOT_SEARCHED, RAILS_FILES, SOURCE_ENDS, VARIABLE_FORMS};
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::hosts::Position;
use crate::migrate::compose::process::Program;
use crate::migrate::compose::stack::{self, Role, Service};
use crate::migrate::compose::yaml::{Node, Place};
use crate::migrate::compose::{interpolate, names, words};
use crate::migrate::nix::Text;
use crate::{paths, wording};

/// The maximum number of files of a build context that are searched.
pub(super) const MOST_FILES: usize = 300;

/// The maximum number of files and folders of a build context that are examined.
const MOST_ENTRIES: usize = 3_000;

/// A variable that a program reads, with the default that applies if it is not set.
struct Default {
    name: String,
    value: String,
    place: Place,
}

/// The compiled [`VARIABLE_FORMS`].
static FORMS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| VARIABLE_FORMS.iter().filter_map(|form| Regex::new(form).ok()).collect());

/// The compiled [`FIELD_FORM`].
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(FIELD_FORM).ok());

/// A variable that a source text reads with a default.
struct Read<'t> {
    /// The name of the variable or field, as written in the text.
    name: &'t str,
    value: &'t str,
    range: Range<usize>,
    is_field: bool,
}

/// The variables that a source text reads with a default: one list for each of [`FORMS`] and for [`FIELD`], in the
/// order of the text.
fn reads(text: &str) -> Vec<Vec<Read<'_>>> {
    let is_pydantic = text.contains("BaseSettings") && !text.contains("env_prefix");
    let all = |form: &'static Regex, is_field: bool| {
        let read = move |groups: regex::Captures<'_>| {
            let (name, value) = (groups.name("n")?.range(), groups.name("v")?.range());
            let range = groups.get(0)?.range();
            let is_named = is_field && text[range.clone()].contains("Field(") && names_variable(&text[range.end..]);
            (!is_named).then(|| Read { name: &text[name], value: &text[value], range, is_field })
        };
        form.captures_iter(text).filter_map(read).collect::<Vec<_>>()
    };
    let mut found: Vec<Vec<Read<'_>>> = FORMS.iter().map(|form| all(form, false)).collect();
    if let Some(field) = FIELD.as_ref().filter(|_| is_pydantic) {
        let mut fields = all(field, true);
        retain_in_settings(text, &mut fields);
        found.push(fields);
    }
    found
}

/// Whether the remaining arguments of a field set the name of its variable: `env="MY_HOST"`.
fn names_variable(rest: &str) -> bool {
    let arguments = rest.split(')').next().unwrap_or_default().split(',').take(20);
    let mut names = arguments.filter_map(|argument| Some(argument.split_once('=')?.0.trim()));
    names.any(|name| matches!(name, "env" | "alias" | "validation_alias"))
}

/// Keeps only the fields that are directly in a settings class. Fields in other classes or in functions are removed.
fn retain_in_settings(text: &str, fields: &mut Vec<Read<'_>>) {
    let mut outer: Vec<(usize, bool)> = Vec::new();
    let mut lines = text.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some((*end - line.len(), line))
    });
    fields.retain(|field| {
        for (start, line) in lines.by_ref() {
            let plain = line.trim_start();
            if plain.trim_end().is_empty() {
                continue;
            }
            let indent = line.len() - plain.len();
            while outer.last().is_some_and(|(other, _)| *other >= indent) {
                outer.pop();
            }
            if start + line.len() > field.range.start {
                let is_in_settings = outer.last().is_some_and(|(_, is_settings)| *is_settings);
                outer.push((indent, false));
                return is_in_settings;
            }
            outer.push((indent, plain.starts_with("class ") && plain.contains("BaseSettings")));
        }
        false
    });
}

/// The variable that sets a field or a property: `DB_HOST` for `db_host` and `db.host`.
fn variable_of(read: &Read<'_>) -> String {
    match read.is_field || read.name.contains(['.', '-']) {
        true => read.name.to_ascii_uppercase().replace('.', "_").replace('-', ""),
        false => read.name.to_owned(),
    }
}

impl<'m> Builder<'_, 'm> {
    /// Sets variables whose default in the source names another service or a port that changes, because nothing listens
    /// at that address anymore.
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
            // An `env_file` that could not be read may set the variable, and takes precedence over a default.
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

    /// Moves variables that an `env_file` may also set to the exports that follow the file, because `environment` takes
    /// precedence in Compose.
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
        for reads in reads(text) {
            let (mut at, mut line) = (0, 1);
            found.extend(reads.into_iter().map(|read| {
                line += text[at..read.range.start].matches('\n').count();
                at = read.range.start;
                let place = Place { path: path.into(), line, column: 1 };
                Default { name: variable_of(&read), value: read.value.to_owned(), place }
            }));
        }
        false
    });
    found
}

/// The parts of a source file that read a variable with a default: one list for each form, in the order of the text.
pub(super) fn defaults_in(text: &str) -> Vec<Vec<Range<usize>>> {
    reads(text).into_iter().map(|reads| reads.into_iter().map(|read| read.range).collect()).collect()
}

/// Calls a function with the source files of a build context until it returns true, for at most [`MOST_FILES`] files.
pub(super) fn each_source(files: &dyn Files, service: &Service<'_>, read: &mut dyn FnMut(&str, &str) -> bool) {
    each_file(files, service, &is_source, read);
}

/// Whether a source file names the status 204 shortly after the path of a page, so the page probably has no content:
/// `@app.get("/health", status_code=204)`.
pub(super) fn has_no_content(files: &dyn Files, service: &Service<'_>, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut found = false;
    if path.len() > 1 {
        each_source(files, service, &mut |_, text| {
            found = text.match_indices(path).any(|(at, _)| {
                let rest = text.get(at + path.len()..).unwrap_or_default();
                let nearby = wording::head(rest, NEARBY);
                rest.starts_with(['"', '\'', '`']) && NO_CONTENT.iter().any(|status| nearby.contains(status))
            });
            found
        });
    }
    found
}

/// The number of bytes after a path that are searched for a status.
const NEARBY: usize = 200;

/// Ways to write the HTTP status 204.
const NO_CONTENT: [&str; 4] = ["204", "NO_CONTENT", "NoContent", "noContent"];

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

/// The maximum number of patterns in COPY instructions whose files are listed. For further patterns, the whole folder
/// is searched.
const MOST_PATTERNS: usize = 20;

/// The files and folders of the repository that are mounted into a service's container or copied into its image. If
/// there are none, or if the Dockerfile copies the result of a build, the whole build context is included, because the
/// source may be anywhere in it.
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
                // A pattern that matches nothing may be for build products. `yarn.lock*` only makes a file optional.
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
    let is_spring = name.starts_with("application") && (name.ends_with(".yml") || name.ends_with(".yaml"));
    is_spring || RAILS_FILES.contains(&name) || name.rsplit_once('.').is_some_and(|(_, end)| SOURCE_ENDS.contains(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        reads(text).iter().flatten().map(variable_of).collect()
    }

    #[test]
    fn variables_are_read_with_a_default() {
        for (text, expected) in [
            ("env.str(\"DB_HOST\", \"db\")", Some("DB_HOST")),
            ("config('DB_HOST', default='db')", Some("DB_HOST")),
            ("config('db_host', 'db')", None),
            ("env.put(\"DB_HOST\", \"db\")", None),
            ("env.set(\"DB_HOST\", \"db\")", None),
            ("#[arg(default_value = \"db\", env = \"DB_HOST\")]", Some("DB_HOST")),
            ("host: { env: 'DB_HOST', format: String, default: 'db' }", Some("DB_HOST")),
        ] {
            assert_eq!(names(text), Vec::from_iter(expected.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn only_fields_of_pydantic_settings_are_variables() {
        let text = "class Store(BaseModel):\n    host: str = \"db\"\n\nclass Settings(BaseSettings):\n    \
                    one_host: str = \"db\"\n    two_host: Optional[str] = \"db\"\n\n    \
                    three_host: str | None = Field(\"db\", description=\"x\")\n    named_host: str = Field(\"db\", alias=\"MY_HOST\")\n    \
                    kind: Literal[\"db\"] = \"db\"\n    def f(self):\n        local_host: str = \"db\"\n    \
                    four_host: str = \"db\"\n\ndef g():\n    other_host: str = \"db\"\n";
        assert_eq!(names(text), ["ONE_HOST", "TWO_HOST", "THREE_HOST", "FOUR_HOST"]);
        assert!(names(&text.replace("BaseSettings", "BaseModel")).is_empty());
    }
}
