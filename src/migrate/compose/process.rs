//! Processes: the commands that process-compose runs for services.

mod extensions;
pub mod image;
mod installed;
pub mod mosquitto;
mod package;
pub mod php;
mod pm2;
mod script;
mod source;
mod version;

use std::collections::BTreeSet;

pub use package::{package_program, package_variables, receives};
use script::checked_script;
pub use script::{own_package, own_program, unknown_programs, user_script};
pub use source::is_spring;
use source::{from_source, go_mod, starts_built};
use version::versioned;

use super::builder::{Builder, EnvFile, Reader};
use super::configurations::haproxy;
use super::folders::{host_path, working_folder};
use super::hosts::{Position, Rewriter};
use super::interpolate;
use super::stack::Service;
use super::stack::usual_words;
use super::waits::Wait;
use super::words::{self, double_quoted, has_shell};
use super::yaml::{Node, Scalar, Value};
use crate::knowledge::containers;
use crate::knowledge::images::{base, paths};
use crate::migrate::nix::{Attr, Expr, Text, quoted};

/// The program of a process.
#[derive(Debug, Default)]
pub struct Program {
    /// The command line.
    pub line: Text,
    /// Whether the line is a user's script that the shell interprets.
    pub is_script: bool,
    /// Whether the line compiles the program that it runs.
    pub runs_source: bool,
    /// Packages whose programs the script uses.
    pub packages: BTreeSet<String>,
    /// Variables that are secrets or are known only at run time.
    pub exports: Vec<(String, Text)>,
    /// The `.env` files to read first.
    pub sources: Vec<EnvFile>,
}

impl Program {
    /// The value of `command`: the line itself, or a script if packages, variables or files are needed, if the line is
    /// a user's script, or if process-compose would change it.
    pub fn command(&self, name: &str) -> Expr {
        let plain = self.exports.is_empty() && self.sources.is_empty() && self.packages.is_empty() && !self.is_script;
        let is_safe = !["$", "{{", "\n"].iter().any(|text| self.line.contains(text)) && !has_shell(&self.line);
        if plain && is_safe {
            return Expr::Text(self.line.clone());
        }
        script(name, &self.packages, &self.text())
    }

    fn text(&self) -> Text {
        let mut text = Text::default();
        for reader in [Reader::Lines, Reader::Raw] {
            if self.sources.iter().any(|source| source.reader == reader) {
                text.push(&reader.function().unwrap_or_default());
            }
        }
        for source in &self.sources {
            text.push(&source.command());
        }
        for (name, value) in &self.exports {
            text.push(&format!("export {name}=")).append(&double_quoted(value)).push("\n");
        }
        match self.is_script {
            true => text.append(&words::script(&self.line)),
            false => text.push("exec ").append(&words::script(&self.line)),
        };
        text.push("\n");
        text
    }
}

/// A script as a package. It is not checked with shellcheck, because it is the user's text.
pub fn script(name: &str, packages: &BTreeSet<String>, text: &Text) -> Expr {
    let mut attrs = vec![Attr::new(["name"], Expr::text(format!("run-{}", name.replace(['.', '/'], "-"))))];
    if !packages.is_empty() {
        let code = |package: &String| match package.contains(' ') {
            true => format!("(pkgs.{package})"),
            false => format!("pkgs.{package}"),
        };
        let packages = packages.iter().map(|package| Expr::Code(code(package))).collect();
        attrs.push(Attr::new(["runtimeInputs"], Expr::List(packages)));
    }
    attrs.push(Attr::new(["bashOptions"], Expr::List(Vec::new())));
    attrs.push(Attr::new(["checkPhase"], Expr::text(":")));
    attrs.push(Attr::new(["text"], Expr::Text(text.clone())));
    Expr::Apply("pkgs.writeShellApplication".to_owned(), Box::new(Expr::Set(attrs)))
}

/// The words of `command` or `entrypoint`. Run-time variables are kept.
pub fn words_of(builder: &Builder<'_, '_>, node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Value::List(items) => {
            let text = |item: &Node| match &item.value {
                Value::Scalar(scalar) => Some(builder.run_time(scalar)),
                _ => None,
            };
            items.iter().map(text).collect()
        }
        Value::Scalar(scalar) => words::split(&builder.run_time(scalar)).ok(),
        Value::Map(_) => None,
    }
}

/// The command line of a service, in words: entrypoint and command, from the Compose file, the Dockerfile or its base
/// image. Programs that only wait for other services before they run the command are left out.
pub fn command_words(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<Vec<String>> {
    Some(Wait::of(service, all_words(builder, service)?).words)
}

/// What a service waits for before it runs its command.
pub fn waits_for(builder: &Builder<'_, '_>, service: &Service<'_>) -> Wait {
    Wait::of(service, all_words(builder, service).unwrap_or_default())
}

fn all_words(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<Vec<String>> {
    let own = |key: &str| service.get(key).and_then(|node| words_of(builder, node));
    let file = service.image_file.as_ref();
    let has_entrypoint = service.get("entrypoint").is_some();
    let entrypoint = match own("entrypoint") {
        Some(words) => words,
        None => match file.map(|file| (file.entrypoint.clone(), base::entrypoint(&file.base))) {
            Some((Some((words, _)), _)) => words,
            Some((None, words)) => words.iter().map(|word| (*word).to_owned()).collect(),
            None => Vec::new(),
        },
    };
    let command = match own("command") {
        Some(words) => words,
        // An entrypoint in the Compose file clears the image's command.
        None if has_entrypoint => Vec::new(),
        None => file.and_then(|file| file.command.clone()).map(|(words, _)| words).unwrap_or_default(),
    };
    if entrypoint.is_empty() && command.is_empty() {
        return file.and_then(|file| base_server(&file.base));
    }
    let all: Vec<String> = entrypoint.into_iter().chain(command).collect();
    (!all.is_empty()).then_some(all)
}

/// The server that a base image starts by default.
fn base_server(base: &str) -> Option<Vec<String>> {
    Some(containers::base_server(base)?.command.iter().map(|word| (*word).to_owned()).collect())
}

/// The words of the command, or else those that the image runs by default.
pub fn words_or_usual(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<Vec<String>> {
    command_words(builder, service).or_else(|| {
        if let Some(server) = base_server(service.image()?) {
            return Some(server);
        }
        let name = service.image_name()?;
        // A Dockerfile without a command runs that of its base image, if the image is named after its program.
        if service.image_file.is_some() && !containers::USUAL.iter().any(|(program, _)| *program == name) {
            return None;
        }
        Some(std::iter::once(name.to_owned()).chain(usual_words(service)).collect())
    })
}

/// The program that runs a command outside its image. The error is the reason why it cannot be run.
pub fn program(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Result<Program, String> {
    let words = words::without_wrappers(words);
    let replaced = pm2::without_pm2(builder, service, words);
    let words = replaced.as_deref().unwrap_or(words);
    let Some(first) = words.first() else {
        return Err("neither the Compose file nor a Dockerfile has a command for it".to_owned());
    };
    if let Some(script) = words::shell_script(words) {
        // `sh -c ./server` runs a program that the image builds.
        let plain = words::plain_words(words.to_vec());
        if plain.first().is_some_and(|first| first != &words[0] && first.contains('/'))
            && let Ok(Some(program)) = from_source(builder, service, &plain)
        {
            return Ok(program);
        }
        return checked_script(builder, service, script);
    }
    if let Some(server) = php::server(builder, service, words) {
        return server;
    }
    if let Some((package, start)) = known_program(builder, service, first) {
        let line = start_line(&versioned(builder, service, package), start);
        let mut program = Program { line, ..Program::default() };
        // The files that the Dockerfile builds are not available, so the program is run from its source.
        let is_built = match package {
            "jdk" => words.iter().any(|word| word.ends_with(".jar") || word.starts_with("app:")),
            "dotnet-sdk" => words.iter().any(|word| word.ends_with(".dll")),
            _ => false,
        };
        if !is_built {
            if package == "python3" {
                image::python_module(builder, service, &mut program, &words[1..]);
            }
            if package == "pm2" {
                pm2::prepare(builder, service, words, &mut program);
            }
            if start.first().is_some_and(|name| containers::LAUNCHERS.contains(name)) {
                program.packages.extend(launched(builder, service, package));
            }
            // A script in the checkout may use paths in the image, and programs in the image's PATH.
            if package == "bash"
                && let Some(script) = script::operand(words[1..].iter().map(String::as_str))
                && let Some(path) = crate::paths::join(&working_folder(service), &host_path(service, script))
                && let Ok(Some(text)) = builder.files().text(&path)
            {
                image::script_paths(builder, service, &path, &text);
                program.packages.extend(version::runtime(builder, service));
                program.packages.extend(script::packages(builder, service, &text));
            }
            append(builder, service, &mut program, first, &words[1..]);
            if package == "haproxy" {
                haproxy::notes(builder, service, &words[1..]);
            }
            return Ok(program);
        }
    }
    // A start script that is copied into the image is not a result of the image build.
    let is_script = first.ends_with(".sh") || first.ends_with(".bash");
    let script = is_script.then(|| own_script(builder, service, first)).flatten();
    let source = if script.is_none() { from_source(builder, service, words) } else { Ok(None) };
    if let Ok(Some(program)) = source {
        return Ok(program);
    }
    let script = if is_script { script } else { own_script(builder, service, first) };
    match script {
        Some((mut program, text)) => {
            // A start script usually ends by running its arguments.
            if let Some(server) = php::server(builder, service, &words[1..]) {
                program.line.push(" ").append(&server?.line);
                return Ok(program);
            }
            // The script runs the source of the program in place of the archive that the image build creates.
            let is_archive = words.get(1).is_some_and(|word| matches!(crate::paths::name(word), "java" | "dotnet"));
            if is_archive
                && text.contains("$@")
                && let Ok(Some(given)) = from_source(builder, service, &words[1..])
            {
                program.line.push(" ").append(&given.line);
                program.packages.extend(given.packages);
                program.exports.extend(given.exports);
                program.runs_source = true;
                return Ok(program);
            }
            match &service.image_file {
                Some(file) if is_script && starts_built(file, &go_mod(builder, service), &text, &words[1..]) => {
                    let why = "its script runs in the checkout, where the program that the image builds is not on PATH";
                    let todo = "build the program, and change the script to start it from its build folder";
                    builder.leave(service, &service.key.place, "command", why, todo);
                }
                _ => source::report_archives(builder, service, &text, &words[1..]),
            }
            // The arguments of the start script are `sh -c SCRIPT`.
            if let [_, _, flags, given] = words
                && words::shell_script(&words[1..]).is_some()
            {
                let given = checked_script(builder, service, given)?;
                program.line.push(" ").append(&start_line("bash", &["bash", flags])).push(" ");
                program.line.append(&words::word(&given.line));
                program.packages.extend(given.packages);
                program.exports.extend(given.exports);
                return Ok(program);
            }
            let rest = match words.get(1).and_then(|word| known_program(builder, service, word)) {
                Some((package, start)) => {
                    program.line.push(" ").append(&start_line(&versioned(builder, service, package), start));
                    &words[2..]
                }
                None => {
                    report_given(builder, service, words.get(1).filter(|word| !has_word(&text, word)));
                    &words[1..]
                }
            };
            append(builder, service, &mut program, first, rest);
            Ok(program)
        }
        None => match (source, installed::program(builder, service, words)) {
            (Err(why), _) => Err(why),
            (Ok(_), Some(program)) => Ok(program),
            (Ok(_), None) => Err(not_known(builder, service, first)),
        },
    }
}

/// The package with the programs that a launcher starts by name: `npm start` runs `node server.js` in a shell.
fn launched(builder: &Builder<'_, '_>, service: &Service<'_>, package: &str) -> Option<String> {
    let usual = match package {
        "nodejs" => Some(versioned(builder, service, package)),
        "yarn" | "pnpm" => Some("nodejs".to_owned()),
        _ => None,
    };
    version::runtime(builder, service).or(usual)
}

/// Whether a script contains a name as a separate word, such as the name of a command.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).any(|part| part == word)
}

/// Reports the program that is passed to a start script, if only the image contains it.
fn report_given(builder: &Builder<'_, '_>, service: &Service<'_>, word: Option<&String>) {
    let is_name = |word: &&String| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let is_known = |word: &str| containers::ON_EVERY_MACHINE.contains(&word);
    let Some(word) = word.filter(is_name).filter(|word| !word.starts_with('-') && !is_known(word)) else { return };
    let why =
        format!("its script gets `{word}`, which may be a program in the image: no package is known to provide it");
    let todo = "add the package that provides it to the script's `runtimeInputs`";
    builder.leave(service, &service.key.place, "command", why, todo);
}

/// Whether the program that replaces a command is always passed its port.
pub fn sets_port(service: &Service<'_>, words: &[String], container: u16) -> bool {
    let words = words::without_wrappers(words);
    // The image's start script may come first.
    let is_php = words.iter().take(2).any(|word| php::is_server(word));
    is_php || script::own_package(service, words).is_some_and(|package| package.sets(container))
}

/// The reason why there is no replacement for a command.
fn not_known(builder: &Builder<'_, '_>, service: &Service<'_>, first: &str) -> String {
    let base = service.image();
    match base {
        Some(base) if first.starts_with('-') => {
            format!("`{first}` is an argument to the unknown entrypoint of `{base}`")
        }
        _ if known_program(builder, service, first).is_some() => {
            format!("the image builds the program that `{first}` runs, but its source is not in the build context")
        }
        _ => format!("neither nixpkgs nor the build context is known to provide `{first}`"),
    }
}

/// Appends arguments with rewritten addresses and paths.
fn append(builder: &Builder<'_, '_>, service: &Service<'_>, program: &mut Program, first: &str, arguments: &[String]) {
    let mut before = first;
    for (at, argument) in arguments.iter().enumerate() {
        let moved = image::moved_file(builder, service, argument);
        if let Some(path) = &moved {
            image::python_path(service, program, path);
        }
        if moved.is_none() && !arguments[..at].iter().any(|word| !word.starts_with('-')) {
            image::missing_script(builder, service, argument);
        }
        let text = argument_text(builder, service, moved.as_ref().unwrap_or(argument), before);
        program.line.push(" ").append(&words::word(&text));
        before = argument;
    }
}

/// An argument with rewritten addresses and paths.
pub fn argument_text(builder: &Builder<'_, '_>, service: &Service<'_>, argument: &str, before: &str) -> Text {
    let argument = &image::with_folders(service, argument);
    if let Some((flag, value)) = argument.split_once('=').filter(|(flag, _)| flag.starts_with('-')) {
        let mut text = Text::literal(format!("{flag}="));
        text.append(&value_text(builder, service, value, flag));
        return text;
    }
    // `curl -d @/data/user.json`
    if let Some(path) = argument.strip_prefix('@').filter(|path| path.starts_with('/')) {
        let mut text = Text::literal("@");
        text.append(&value_text(builder, service, path, before));
        return text;
    }
    value_text(builder, service, argument, before)
}

/// Rewrites a value. A configuration file that names other hosts or ports is replaced with a rewritten copy.
fn value_text(builder: &Builder<'_, '_>, service: &Service<'_>, value: &str, flag: &str) -> Text {
    let path = host_path(service, value);
    if path != value
        && let Some(file) = crate::paths::join(&working_folder(service), &path)
        && let Some(name) = builder.rewritten_file(service, &file)
    {
        return Text::code(name);
    }
    builder.rewriter(service).rewrite(&path, Position::Word(flag))
}

/// The package and the beginning of the command line for a program of a service.
///
/// A program that the image builds is not the nixpkgs program of the same name. A common name, such as `server` or
/// `auth`, refers to an image's package only in that image.
pub fn known_program(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    word: &str,
) -> Option<(&'static str, &'static [&'static str])> {
    let find = |word: &str| containers::PROGRAMS.iter().find(|(name, _, _)| *name == word);
    let in_system = containers::in_system(word);
    // Folders in which package managers install the programs of a project.
    let in_project = ["node_modules/.bin/", "venv/bin/"].iter().find_map(|folder| word.rsplit_once(folder));
    let in_project = in_project.map(|(_, name)| name);
    let plain = containers::without_version(in_system.unwrap_or(word));
    let found = find(word).or_else(|| find(in_system?)).or_else(|| find(in_project?)).or_else(|| find(plain?));
    let found = found.map(|(_, package, start)| (*package, *start)).or_else(|| {
        let name = in_system.unwrap_or(word);
        let mut own = image::images(service).filter_map(containers::package_of);
        let is_common = containers::COMMON_PROGRAMS.contains(&name);
        let of_all = || containers::packages().find(|package| package.program == name && !is_common);
        let found = own.find(|package| package.program == name).or_else(of_all)?;
        Some((found.package, std::slice::from_ref(&found.program)))
    });
    found.filter(|_| !source::is_own(builder, service, word))
}

/// The beginning of a command line: `${pkgs.nodejs}/bin/npx ..`.
pub fn start_line(package: &str, start: &[&str]) -> Text {
    let mut line = Text::code(format!("pkgs.{package}"));
    let (program, arguments) = start.split_first().unwrap_or((&"", &[]));
    line.push(&format!("/bin/{program}"));
    for argument in arguments {
        line.push(&format!(" {argument}"));
    }
    line
}

/// A file of the build context that a command names: its path relative to the folder in which the process runs, its path
/// relative to the root, and its text.
pub fn own_file(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> Option<(String, String, String)> {
    let working = working_folder(service);
    let folder = service.image_file.as_ref().map(|file| file.folder.as_str()).filter(|folder| folder.len() > 1);
    let in_image =
        folder.filter(|_| !word.starts_with('/')).map(|folder| format!("{folder}/{}", word.trim_start_matches("./")));
    let read = |path: String| {
        let full = crate::paths::join(&working, &path)?;
        let text = builder.files().text(&full).ok()??;
        Some((path, full, text))
    };
    // A relative path may exist only in the image's working directory, and a name only in its PATH.
    let copied = || read(in_image.map(|path| host_path(service, &path))?);
    let on_path = || {
        let folders = paths::PATH.iter().filter(|_| !word.contains('/'));
        folders.map(|folder| format!("{folder}/{word}")).find_map(|path| read(host_path(service, &path)))
    };
    read(host_path(service, word)).or_else(copied).or_else(on_path)
}

/// The program that runs a script from the build context with its interpreter, and the text of the script. `None` if a
/// word is not such a script.
fn own_script(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> Option<(Program, String)> {
    let (path, full, text) = own_file(builder, service, word)?;
    let mut line = interpreter(builder, service, &path, &text)?;
    image::script_paths(builder, service, &full, &text);
    line.push(" ").append(&words::word(&Text::literal(path)));
    // Such a script uses programs in the image's PATH.
    let mut packages: BTreeSet<String> = version::runtime(builder, service).into_iter().collect();
    packages.extend(script::packages(builder, service, &text));
    Some((Program { line, packages, ..Program::default() }, text))
}

/// The program that runs a script. `None` if the file is not a script.
fn interpreter(builder: &Builder<'_, '_>, service: &Service<'_>, path: &str, text: &str) -> Option<Text> {
    let Some(first) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return (path.ends_with(".sh") || path.ends_with(".bash")).then(|| start_line("bash", &["bash"]));
    };
    let mut names = first.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let name = names.find(|name| *name != "env" && !name.starts_with('-')).unwrap_or("sh");
    match name {
        name if words::is_shell(name) => Some(start_line("bash", &["bash"])),
        name => {
            let (package, start) = known_program(builder, service, name)?;
            Some(start_line(&versioned(builder, service, package), start))
        }
    }
}

/// Whether a scalar refers to variables.
pub fn asks(scalar: &Scalar) -> bool {
    scalar.raw.as_deref().is_some_and(|raw| !interpolate::names(raw).is_empty())
}

/// Formats a string as Nix code, for messages.
pub fn shown(text: &Text) -> String {
    quoted(text)
}

/// The rewriter for a service's strings.
pub type Texts<'a, 'm> = Rewriter<'a, 'm>;
