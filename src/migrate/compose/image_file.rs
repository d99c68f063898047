//! The process that a Dockerfile's image runs.

use std::collections::BTreeMap;

use super::words;
use crate::finding::RelPath;
use crate::knowledge::images::base;
use crate::knowledge::images::commands::COMPILERS;
use crate::knowledge::images::paths::FILES_WITHOUT_EXTENSION;
use crate::lang::dockerfile::{MOST_GROWTH, MOST_INSTRUCTIONS};
use crate::lang::shell;
use crate::migrate::nix::Text;
use crate::paths;

/// A stage of a Dockerfile: the properties of its image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFile {
    /// The file.
    pub path: String,
    /// The image on which the stage is ultimately based, with the build arguments filled in.
    pub base: String,
    /// `ENTRYPOINT` and its line.
    pub entrypoint: Option<(Vec<String>, usize)>,
    /// `CMD` and its line.
    pub command: Option<(Vec<String>, usize)>,
    /// `WORKDIR`.
    pub folder: String,
    /// The variables set by `ENV`: name, value and line.
    pub variables: Vec<(String, String, usize)>,
    /// The numbers in `EXPOSE`.
    pub exposed: Vec<u16>,
    /// The commands of `RUN`, with their lines.
    pub runs: Vec<(String, usize)>,
    /// Whether the stage itself has a `CMD`.
    has_command: bool,
    /// Whether a `RUN` command compiles a program.
    compiles: bool,
    /// The `COPY` and `ADD` instructions from the context: source and target.
    pub copies: Vec<(String, String)>,
    /// The `COPY --from` instructions.
    pub built: Vec<Built>,
    /// The earlier stages, by name or number.
    pub stages: Vec<(String, ImageFile)>,
    /// `HEALTHCHECK`.
    pub health: Option<HealthCheck>,
    /// The bases and RUN lines of all stages, which are used to build the image.
    pub builders: Vec<String>,
}

/// A `COPY --from` instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The stage or image that it copies from.
    pub stage: String,
    /// The path in that stage or image.
    pub source: String,
    /// The path in this image.
    pub target: String,
    /// Its line, from 1.
    pub line: usize,
}

impl Built {
    /// The stage of the Dockerfile that it copies from.
    pub fn stage<'f>(&self, file: &'f ImageFile) -> Option<&'f ImageFile> {
        file.stages.iter().find(|(name, _)| *name == self.stage).map(|(_, stage)| stage)
    }

    /// The path in the context that corresponds to the source, if the stage's commands run in the checkout. `None` if
    /// that path is unknown, contains a `*`, or is the context itself.
    pub fn folder(&self, file: &ImageFile) -> Option<String> {
        let found = self.in_context(file).or_else(|| self.beside_files(file));
        found.filter(|folder| !folder.is_empty() && !folder.contains('*'))
    }

    /// Like `in_context`, for a stage that copies the files in its folder one by one.
    fn beside_files(&self, file: &ImageFile) -> Option<String> {
        let stage = self.stage(file)?;
        let path = in_folder(&stage.folder, &self.source);
        let inside = path.strip_prefix(stage.folder.trim_end_matches('/'))?.strip_prefix('/')?;
        let base = stage.source_of_files().filter(|base| *base == stage.working_folder())?;
        paths::join(&base, inside.trim_end_matches('/'))
    }

    /// The path in the context that corresponds to the source in its stage.
    pub fn in_context(&self, file: &ImageFile) -> Option<String> {
        let stage = self.stage(file)?;
        stage.source_of(&in_folder(&stage.folder, &self.source))
    }
}

/// A `HEALTHCHECK` instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Its options, named as in a Compose file, and their values.
    pub options: Vec<(String, String)>,
    /// `CMD` or `CMD-SHELL`, and the words of the test.
    pub test: Vec<String>,
    /// Its line, from 1.
    pub line: usize,
}

/// Reads the stage that a build uses: the named one, or else the last one. `None` if there is no such stage, or if the
/// file is too long.
pub fn read(
    path: &RelPath,
    text: &str,
    target: Option<&str>,
    arguments: &BTreeMap<String, String>,
) -> Option<ImageFile> {
    let mut stages: Vec<(Option<String>, ImageFile)> = Vec::new();
    let mut global: BTreeMap<String, String> = BTreeMap::new();
    let mut builders = Vec::new();
    let instructions = instructions(text);
    if instructions.len() > MOST_INSTRUCTIONS {
        return None;
    }
    for (keyword, rest, line) in instructions {
        if keyword == "FROM" {
            let rest = fill(&rest, &global);
            let parts: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
            let image = parts.first().copied().unwrap_or_default();
            let name = parts.iter().position(|word| word.eq_ignore_ascii_case("as")).and_then(|at| parts.get(at + 1));
            let named = stages.iter().rev().find(|(known, _)| known.as_deref() == Some(image));
            let mut stage = named.map(|(_, stage)| stage.clone()).unwrap_or_default();
            if named.is_none() {
                stage.base = image.to_owned();
                stage.folder = base::work_folder(image).unwrap_or_default().to_owned();
                builders.push(image.to_owned());
            }
            stage.path = path.to_string();
            stage.has_command = false;
            stages.push((name.map(|name| (*name).to_owned()), stage));
            continue;
        }
        if keyword == "ARG" {
            let (name, value) = rest.split_once('=').map_or((rest.as_str(), ""), |(name, value)| (name, value));
            let value =
                arguments.get(name.trim()).cloned().unwrap_or_else(|| value.trim_matches(['"', '\'']).to_owned());
            let value = fill(&value, &global);
            if !value.is_empty() || !global.contains_key(name.trim()) {
                global.insert(name.trim().to_owned(), value);
            }
            continue;
        }
        let rest = if keyword == "RUN" { without_flags(&rest).to_owned() } else { rest };
        if keyword == "RUN" {
            let words = rest.starts_with('[').then(|| form(&rest));
            builders.push(words.map_or_else(|| rest.clone(), |words| words.join(" ")));
        }
        if let Some((_, stage)) = stages.last_mut() {
            instruction(stage, &keyword, &rest, line, &global);
        }
    }
    let wanted = match target {
        Some(target) => stages.iter().position(|(name, _)| name.as_deref() == Some(target))?,
        None => stages.len().checked_sub(1)?,
    };
    let (_, mut stage) = stages.remove(wanted);
    stage.builders = builders;
    // Stages can also be referred to by number, and stages after the wanted one cannot be copied from.
    stages.truncate(wanted);
    let numbered = stages.into_iter().enumerate().map(|(at, (name, stage))| (name.unwrap_or(at.to_string()), stage));
    stage.stages = numbered.collect();
    Some(stage)
}

fn instruction(stage: &mut ImageFile, keyword: &str, rest: &str, line: usize, global: &BTreeMap<String, String>) {
    let known = || {
        let mut known = global.clone();
        let of_base = base::variables(&stage.base);
        known.extend(of_base.map(|(name, value)| (name.to_owned(), value.to_owned())));
        known.extend(stage.variables.iter().map(|(name, value, _)| (name.clone(), value.clone())));
        known
    };
    match keyword {
        "ENTRYPOINT" => {
            stage.entrypoint = Some((form(rest), line));
            // An `ENTRYPOINT` clears only the `CMD` that the stage inherits.
            stage.command = stage.command.take().filter(|_| stage.has_command);
        }
        "CMD" => {
            stage.command = Some((form(rest), line));
            stage.has_command = true;
        }
        "WORKDIR" => {
            let folder = fill(rest, &known());
            stage.folder = entered(&stage.folder, folder.trim_matches('"'));
        }
        "ENV" => {
            let rest = fill(rest, &known());
            let words = words::split(&rest).unwrap_or_default();
            match words.first() {
                Some(first) if first.contains('=') => {
                    for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
                        set(&mut stage.variables, name, value, line);
                    }
                }
                Some(first) => {
                    let value = rest.trim_start().strip_prefix(first.as_str()).unwrap_or_default().trim();
                    set(&mut stage.variables, first, &unquoted(value), line);
                }
                None => {}
            }
        }
        "EXPOSE" => {
            let rest = fill(rest, &known());
            let numbers = rest.split_whitespace().filter_map(|port| port.split('/').next()?.parse::<u16>().ok());
            stage.exposed.extend(numbers);
        }
        "RUN" => {
            // `RUN ["npm", "ci"]`
            let words = serde_json::from_str::<Vec<String>>(rest.trim()).unwrap_or_default();
            let words: Vec<Text> = words.iter().map(Text::literal).collect();
            let run = words::line(&words).as_literal().filter(|line| !line.is_empty()).unwrap_or(rest).to_owned();
            stage.compiles = stage.compiles || runs_compiler(&run);
            stage.runs.push((run, line));
        }
        "COPY" | "ADD" if rest.contains("--from") => {
            let copied: String =
                rest.split_whitespace().filter(|word| !word.starts_with("--")).collect::<Vec<_>>().join(" ");
            let words = if copied.starts_with('[') { form(&copied) } else { words::split(&copied).unwrap_or_default() };
            let Some((target, sources)) = words.split_last() else { return };
            let from = rest.split_whitespace().find_map(|word| word.strip_prefix("--from=")).unwrap_or_default();
            let (target, from) = (in_folder(&stage.folder, &fill(target, &known())), fill(from, &known()));
            stage.built.extend(sources.iter().map(|source| Built {
                stage: from.clone(),
                source: fill(source, &known()),
                target: target.clone(),
                line,
            }));
        }
        "COPY" | "ADD" => {
            let words: Vec<String> = match rest.trim_start().starts_with('[') {
                true => form(rest),
                false => rest.split_whitespace().filter(|word| !word.starts_with("--")).map(str::to_owned).collect(),
            };
            let Some((to, from)) = words.split_last() else { return };
            let to = in_folder(&stage.folder, &fill(to, &known()));
            stage.copies.extend(from.iter().map(|from| (from.clone(), to.clone())));
        }
        "HEALTHCHECK" => {
            let mut options = Vec::new();
            let mut rest = rest.trim();
            while let Some(flag) = rest.strip_prefix("--") {
                let (flag, behind) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
                let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
                options.push((name.replace('-', "_"), value.to_owned()));
                rest = behind.trim_start();
            }
            let test = match rest.split_once(char::is_whitespace) {
                Some(("CMD", test)) if test.trim_start().starts_with('[') => {
                    Some(std::iter::once("CMD".to_owned()).chain(form(test)).collect())
                }
                Some(("CMD", test)) => Some(vec!["CMD-SHELL".to_owned(), test.trim().to_owned()]),
                _ => None,
            };
            stage.health = test.map(|test| HealthCheck { options, test, line });
        }
        _ => {}
    }
}

/// Whether the commands of a RUN compile a program.
fn runs_compiler(run: &str) -> bool {
    let is_compiler = |command: &shell::Command<'_>| {
        COMPILERS.iter().any(|[program, verb]| command.program() == *program && command.word(1) == Some(verb))
    };
    shell::commands(run).iter().any(is_compiler)
}

/// The command of a RUN, without flags such as `--mount`.
fn without_flags(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
    }
    rest
}

/// The folder after `WORKDIR`: relative paths start at the folder before it.
fn entered(before: &str, folder: &str) -> String {
    let whole = if folder.starts_with('/') { folder.to_owned() } else { format!("{before}/{folder}") };
    if !whole.split('/').any(|part| matches!(part, "." | "..")) {
        return whole;
    }
    paths::join("", whole.trim_start_matches('/')).map_or(whole, |path| format!("/{path}"))
}

/// The value in `ENV NAME value`, without its quotes and with its spaces.
fn unquoted(value: &str) -> String {
    let (mut out, mut quote) = (String::new(), None);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => out.extend(chars.next()),
            ('\'' | '"', None) => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            _ => out.push(c),
        }
    }
    out
}

/// Joins a path in the image to a folder. An absolute path replaces the folder.
fn in_folder(folder: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{}", path.trim_start_matches("./")) }
}

fn set(variables: &mut Vec<(String, String, usize)>, name: &str, value: &str, line: usize) {
    // `ENV $NAME=..` sets no variable that a program could read.
    if name.is_empty() || name.contains('/') {
        return;
    }
    variables.retain(|(known, _, _)| known != name);
    variables.push((name.to_owned(), value.to_owned(), line));
}

/// The words of an exec form, or of a simple command in shell form. Any other shell form becomes `sh -c`.
fn form(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Ok(words) = serde_json::from_str::<Vec<String>>(text) {
        return words;
    }
    let is_plain = !text.contains(['|', '&', ';', '>', '<', '$', '`', '*', '(']);
    match words::split(text) {
        Ok(words) if is_plain => words,
        _ => vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()],
    }
}

/// Replaces `$NAME`, `${NAME}` and `${NAME:-default}`.
fn fill(text: &str, known: &BTreeMap<String, String>) -> String {
    let filled = super::interpolate::interpolate(text, known).ok();
    filled.filter(|filled| filled.len() <= text.len() + MOST_GROWTH).unwrap_or_else(|| text.to_owned())
}

/// Splits a Dockerfile into instructions: the keyword in upper case, the rest on one line, and the number of the first
/// line.
fn instructions(text: &str) -> Vec<(String, String, usize)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut whole = trimmed.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, next)) if next.trim_start().starts_with('#') => whole.push('\\'),
                Some((_, next)) => {
                    if next.starts_with(char::is_whitespace) && !whole.ends_with(char::is_whitespace) {
                        whole.push(' ');
                    }
                    whole.push_str(next.trim());
                }
                None => break,
            }
        }
        if let Some(end) = heredoc(&whole) {
            for (_, body) in lines.by_ref() {
                if body.trim() == end {
                    break;
                }
                whole.push('\n');
                whole.push_str(body);
            }
        }
        let (keyword, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        found.push((keyword.to_ascii_uppercase(), rest.trim().to_owned(), at + 1));
    }
    found
}

fn heredoc(line: &str) -> Option<String> {
    let keyword = line.split_whitespace().next()?.to_ascii_uppercase();
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
        return None;
    }
    let (_, after) = line.split_once("<<")?;
    let word: String = after
        .trim_start_matches(['-', '"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

impl ImageFile {
    /// Whether the stage compiles a program.
    pub fn compiles(&self) -> bool {
        self.compiles
    }

    /// The folder in the context that corresponds to the image's WORKDIR if nothing is copied to WORKDIR itself:
    /// the source folder of the stage that compiles the program, or the parent of a folder that is copied into WORKDIR.
    fn source_of_parts(&self) -> Option<String> {
        let stages = self.built.iter().filter_map(|built| built.stage(self));
        if let Some(stage) = stages.into_iter().find(|stage| stage.compiles()) {
            return stage.source_of(&stage.folder);
        }
        let parts = self.copies.iter().filter_map(|(from, to)| {
            let from = from.trim_start_matches("./").trim_end_matches('/');
            let (parent, name) = from.rsplit_once('/')?;
            let inside = to.trim_end_matches('/').strip_prefix(self.folder.trim_end_matches('/'))?;
            (inside.strip_prefix('/') == Some(name)).then(|| (parent.to_owned(), name))
        });
        let parts: Vec<(String, &str)> = parts.collect();
        // A folder that the command names takes precedence.
        let words = self.entrypoint.iter().chain(&self.command).flat_map(|(words, _)| words);
        let is_named = |name: &str| {
            words
                .clone()
                .any(|word| word.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c))).next() == Some(name))
        };
        let named = parts.iter().find(|(_, name)| is_named(name));
        named.or(parts.first()).map(|(parent, _)| parent.clone())
    }

    /// The folder in the context from which everything in WORKDIR is copied without being renamed:
    /// `COPY package.json ./`. `None` if there are several such folders.
    fn source_of_files(&self) -> Option<String> {
        let mut parents = self.copies.iter().filter_map(|(from, to)| {
            let from = from.trim_start_matches("./").trim_end_matches('/');
            let (parent, name) = from.rsplit_once('/').unwrap_or(("", from));
            let to = to.trim_end_matches("/.").trim_end_matches('/');
            let inside = to.strip_prefix(self.folder.trim_end_matches('/'))?;
            let keeps_name =
                inside.strip_prefix('/').map_or(inside.is_empty() && name.contains('.'), |inside| inside == name);
            keeps_name.then_some(parent)
        });
        let first = parents.next()?;
        parents.all(|parent| parent == first).then(|| first.to_owned())
    }

    /// The path in the context (`""` for the context itself) from which a path in the image is copied, possibly through
    /// a stage that copies the context.
    pub fn source_of(&self, path: &str) -> Option<String> {
        let path = path.trim_end_matches('/');
        let mut best: Option<(usize, String)> = None;
        let (compiled, built): (Vec<&Built>, Vec<&Built>) =
            self.built.iter().partition(|built| built.stage(self).is_some_and(Self::compiles));
        let copied = self.copies.len() + built.len();
        let built = built.into_iter().chain(compiled);
        let built = built.map(|built| (built.in_context(self), built.target.clone()));
        let copies = self.copies.iter().map(|(from, to)| (Some(from.clone()), to.clone()));
        for (number, (from, to)) in copies.chain(built).enumerate() {
            let Some(from) = from else { continue };
            let is_folder = from.ends_with('/') || from.ends_with("/.");
            let from = from.trim_start_matches("./").trim_end_matches(['/', '.']);
            if from.contains('*') {
                continue;
            }
            let target = to.trim_end_matches("/.").trim_end_matches('/');
            // A file that is copied into a folder keeps its name.
            let name = from.rsplit('/').next().unwrap_or(from);
            let places = [target.to_owned(), format!("{target}/{name}")];
            for (at, place) in places.iter().enumerate() {
                let rest = match path.strip_prefix(place.as_str()) {
                    Some("") => "",
                    Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
                    _ => continue,
                };
                // Only a file is copied to `target/name`, and a `target` that a file is copied into is a folder.
                let is_file = (name.contains('.') || FILES_WITHOUT_EXTENSION.contains(&name))
                    && !is_folder
                    && target.rsplit('/').next() != Some(name);
                let last = target.rsplit('/').next().unwrap_or_default();
                // `conf.d` is a folder.
                let is_named_file = last.contains('.') && !last.ends_with(".d");
                let into_folder = to.len() > target.len() || !is_named_file;
                if (at == 1 && (!rest.is_empty() || name.is_empty())) || (at == 0 && is_file && into_folder) {
                    continue;
                }
                let source = [from, rest].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
                // The result that a stage compiles is a file, or a folder that is not in the checkout.
                if at == 0
                    && number >= copied
                    && rest.is_empty()
                    && place == self.folder.trim_end_matches('/')
                    && !from.is_empty()
                {
                    continue;
                }
                // A later instruction overwrites an earlier one.
                if best.as_ref().is_none_or(|(length, _)| place.len() >= *length) {
                    best = Some((place.len(), source));
                }
            }
        }
        let is_work_folder = path.len() > 1 && path == self.folder.trim_end_matches('/');
        let best = best.map(|(_, source)| source);
        match is_work_folder {
            true => best.or_else(|| self.source_of_parts()),
            false => best.or_else(|| self.renamed(path)),
        }
    }

    /// The script in the context that is copied to a path under a name without an extension: `COPY start.sh /start`.
    /// `None` if the path is a folder, into which Docker would copy the script under its own name.
    fn renamed(&self, path: &str) -> Option<String> {
        let mut targets = self.copies.iter().map(|(_, to)| to).chain(self.built.iter().map(|built| &built.target));
        let is_above = targets.any(|to| to.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')));
        let is_made = |run: &str| run.contains("mkdir") && run.split_whitespace().any(|word| word == path);
        let is_folder = is_above || FOLDERS.contains(&path) || self.runs.iter().any(|(run, _)| is_made(run));
        let (from, _) = self.copies.iter().rev().find(|(_, to)| to == path)?;
        let from = from.trim_start_matches("./");
        let is_script = from.rsplit_once('.').is_some_and(|(_, end)| SCRIPTS.contains(&end));
        (is_script && !from.contains('*') && !is_folder).then(|| from.to_owned())
    }

    /// The folder in the context in which the process runs. Empty for the context itself.
    pub fn working_folder(&self) -> String {
        self.source_of(&self.folder).filter(|source| paths::join("", source).is_some()).unwrap_or_default()
    }
}

/// The file extensions of scripts.
const SCRIPTS: [&str; 7] = ["bash", "js", "php", "pl", "py", "rb", "sh"];

/// Folders in every image, and usual folders for programs.
const FOLDERS: [&str; 17] = [
    "/app",
    "/bin",
    "/code",
    "/data",
    "/etc",
    "/home",
    "/lib",
    "/mnt",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/local/bin",
    "/var",
];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ARG VERSION=3.12\nFROM python:${VERSION} AS base\nWORKDIR /code\nENV A=1 B=\"x y\"\n\
        ENV C two words\nCOPY requirements.txt .\nRUN pip install \\\n  -r requirements.txt\nCOPY src .\n\
        EXPOSE 5000\nCMD [\"flask\", \"run\"]\nFROM base AS dev\nRUN <<EOF\necho a\nEOF\n\
        HEALTHCHECK --interval=5s CMD curl -f http://localhost:5000/ || exit 1\nENTRYPOINT python app.py | tee log\n";

    #[test]
    fn stages_are_read() {
        let base = read(&"Dockerfile".into(), TEXT, Some("base"), &BTreeMap::new()).unwrap();
        assert_eq!(base.base, "python:3.12");
        assert_eq!(base.command, Some((vec!["flask".to_owned(), "run".to_owned()], 11)));
        assert_eq!((base.exposed.as_slice(), base.working_folder().as_str()), (&[5000][..], "src"));
        assert_eq!(base.source_of("/code/app.py").as_deref(), Some("src/app.py"));
        let variables: Vec<(&str, &str)> =
            base.variables.iter().map(|(name, value, _)| (name.as_str(), value.as_str())).collect();
        assert_eq!(variables, [("A", "1"), ("B", "x y"), ("C", "two words")]);
        let dev = read(&"Dockerfile".into(), TEXT, None, &BTreeMap::new()).unwrap();
        assert_eq!(dev.base, "python:3.12");
        assert_eq!(dev.command, None);
        let entrypoint = ["sh", "-c", "python app.py | tee log"].map(str::to_owned).to_vec();
        assert_eq!(dev.entrypoint, Some((entrypoint, 17)));
        assert_eq!(dev.health.map(|health| health.test[0].clone()).as_deref(), Some("CMD-SHELL"));
        assert_eq!(read(&"Dockerfile".into(), TEXT, Some("none"), &BTreeMap::new()), None);
    }

    #[test]
    fn working_folders_are_mapped_to_the_context() {
        let folder = |text: &str| read(&"Dockerfile".into(), text, None, &BTreeMap::new()).unwrap().working_folder();
        let go = |copy: &str| {
            format!(
                "FROM golang AS b\nWORKDIR /src\nCOPY {copy} .\nRUN go build -o api .\nFROM alpine\nWORKDIR /app\n\
                COPY --from=b /src/api .\nCMD [\"./api\"]\n"
            )
        };
        assert_eq!(folder(&go(".")), "");
        assert_eq!(folder(&go("server/")), "server");
        let parts = "FROM python\nWORKDIR /app\nCOPY requirements.txt .\nCOPY lib/shared ./shared\nCOPY services/api/web ./web\n\
            CMD uvicorn web.main:app\n";
        assert_eq!(folder(parts), "services/api");
        let site = "FROM node AS b\nWORKDIR /src\nCOPY . .\nRUN npm run build\nFROM node\nWORKDIR /app\n\
            COPY --from=b /src/dist .\nCMD [\"node\", \"main.js\"]\n";
        assert_eq!(folder(site), "dist");
        let net = "FROM sdk AS b\nWORKDIR /src\nCOPY [\"src/Shop.Api/Shop.Api.csproj\", \"src/Shop.Api/\"]\nCOPY . .\n\
            WORKDIR /src/src/Shop.Api\nRUN dotnet publish -o /out\nFROM aspnet\nWORKDIR /app\nCOPY --from=b /out .\n";
        assert_eq!(folder(net), "src/Shop.Api");
        let parts = net.replace("COPY . .", "COPY [\"back/Shop.Api/\", \"src/Shop.Api/\"]");
        assert_eq!(folder(&parts), "back/Shop.Api");
        let dots = "FROM python\nWORKDIR /app\nCOPY My.Api/. /app/\nCMD python app.py\n";
        assert_eq!(folder(dots), "My.Api");
        let mounts = go("server/")
            .replace("RUN go build", "RUN --mount=type=cache,target=/root/.cache \\\n  --network=none\\\n  go build");
        assert_eq!(folder(&mounts), "server");
        let file = read(&"Dockerfile".into(), &mounts, None, &BTreeMap::new()).unwrap();
        assert_eq!(file.stages[0].1.runs, [("go build -o api .".to_owned(), 4)]);
    }
}
