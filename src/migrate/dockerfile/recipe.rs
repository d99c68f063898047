//! The effects of the `RUN` lines in a stage, command by command.

mod accounts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub use self::accounts::Account;
use self::accounts::{flag_value, is_account, operands_of, separate_flags};
use super::downloads;
use super::frame::{Frame, Run, Step};
use super::manager::{self, Action, Manager};
use crate::finding::Span;
use crate::knowledge::containers::SHELLS;
use crate::knowledge::images::base::PHP_EXTENSIONS;
use crate::knowledge::images::commands::{CHANGES_ACCOUNTS, IN_EVERY_BUILD, NO_EFFECT};
use crate::knowledge::images::packages;
use crate::lang::dockerfile::expand;
use crate::lang::shell;
use crate::migrate::builds::{CargoBuild, GoBuild, LONGEST_PATH};
use crate::migrate::php_extensions;

/// The commands of a stage, grouped by the way in which they are migrated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The nixpkgs attributes for distribution packages, with their lines.
    pub packages: Vec<(&'static str, usize)>,
    /// The packages in [`Self::packages`] that are libraries.
    pub libraries: Vec<&'static str>,
    /// Packages with a pinned version, as written, with their lines.
    pub pinned: Vec<(String, usize)>,
    /// Unknown packages, with their lines.
    pub unknown: Vec<(String, usize)>,
    /// User accounts that are created.
    pub users: Vec<(String, usize)>,
    /// The numeric ids of accounts that have one.
    pub ids: Vec<(String, u32)>,
    /// Other properties of accounts.
    pub accounts: BTreeMap<String, Account>,
    /// Groups that are created, each with its numeric id, if it has one.
    pub groups: Vec<(String, Option<u32>)>,
    /// The names of these groups.
    pub group_names: BTreeSet<String>,
    /// Changes to the image's files that are made when the files are assembled.
    pub files: Vec<FileLine>,
    /// Extensions of PHP.
    pub extensions: BTreeSet<String>,
    /// Owners of paths: path, owner, line.
    pub owners: Vec<(String, String, usize)>,
    /// Python packages: a list of requirements, or names.
    pub requirements: Vec<(Requirement, usize)>,
    /// Builds by a tool for which the lock file may be sufficient.
    pub builds: Vec<Build>,
    /// Commands that are not migrated.
    pub holes: Vec<(String, usize)>,
    /// Commands that are not migrated and on which nothing else in the stage depends: command, line, reason, work.
    pub lost: Vec<(String, usize, &'static str, &'static str)>,
}

/// A command that is not migrated, with its entries in [`Recipe::holes`] and [`Recipe::lost`].
struct Reported {
    span: Span,
    holes: Range<usize>,
    lost: Range<usize>,
}

/// A command that changes a file or folder in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// The path in the image.
    pub path: String,
    /// The command, as shown in reports.
    pub what: String,
    /// The same command as a line of shell code that works under `$out`.
    pub script: String,
    /// The line of the Dockerfile.
    pub line: usize,
}

/// Something that pip installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The packages in a file: the file as named in the command, and its path in the image.
    File(String, String),
    /// One package.
    Name(String),
    /// The project in a folder in the image, with some of its extras.
    Project(String, Vec<String>),
}

impl Requirement {
    /// The command that installs it.
    pub fn command(&self) -> String {
        match self {
            Self::File(file, _) => format!("pip install -r {file}"),
            Self::Name(name) => format!("pip install {name}"),
            Self::Project(..) => "pip install .".to_owned(),
        }
    }
}

/// A build with an ecosystem's tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The line.
    pub line: usize,
    /// The tool.
    pub tool: Tool,
    /// The working directory in the image.
    pub folder: String,
    /// The command.
    pub command: String,
}

/// An ecosystem's tool, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// A JavaScript package manager that installs packages or runs a script.
    Node(Manager, Option<String>),
    /// `go build`. Its output is a path from the image's root.
    Go(GoBuild),
    /// `cargo build`.
    Cargo(CargoBuild),
}

impl Recipe {
    /// The distribution's tools and libraries that a build requires in addition to those of its builder.
    pub fn build_inputs(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut tools: Vec<&str> = self.packages.iter().map(|(attribute, _)| *attribute).collect();
        tools.retain(|attribute| !IN_EVERY_BUILD.contains(attribute) && !self.libraries.contains(attribute));
        let mut libraries = self.libraries.clone();
        libraries.retain(|attribute| !IN_EVERY_BUILD.contains(attribute));
        for list in [&mut tools, &mut libraries] {
            list.sort_unstable();
            list.dedup();
        }
        (tools, libraries)
    }

    /// The recipe of a stage's frame.
    pub fn of(frame: &Frame) -> Self {
        let mut recipe = Self::default();
        for step in &frame.steps {
            if let Step::Run(run) = step {
                recipe.run(run);
            }
        }
        recipe
    }

    fn run(&mut self, run: &Run) {
        for mount in run.mounts.iter().filter(|mount| mount.contains("type=secret") || mount.contains("type=ssh")) {
            self.holes.push((format!("--mount={mount}"), run.line));
        }
        let mut folders = shell::PerShell::new(run.folder.clone());
        if has_case(&run.script) {
            self.holes.push((one_line(&run.script), run.line));
            return;
        }
        let commands = shell::commands(&run.script);
        let skipped = downloads::read(&run.script, &commands);
        self.packages.extend(skipped.packages.iter().map(|attribute| (*attribute, run.line)));
        let mut reported: Vec<Reported> = Vec::new();
        for command in commands {
            if skipped.commands.contains(&command.span.start) {
                continue;
            }
            let is_shell = SHELLS.contains(&command.program());
            if is_shell && !shell::inner_scripts(&command).is_empty() {
                continue;
            }
            let known = (self.holes.len(), self.lost.len());
            let words: Vec<String> = command.words.iter().flat_map(|word| filled_word(word, run)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let folder = folders.at(&command);
            if let ["cd", to, ..] = words.as_slice() {
                // `cd` to a longer path fails, so the folder stays the same.
                let entered = joined(folder, to);
                if entered.len() <= LONGEST_PATH {
                    *folder = entered;
                }
            }
            match written_file(&run.script, command.span.end as usize) {
                Some((sign, path)) => self.write(&words, sign, path, run, folder),
                None => self.command(&words, run.line, folder),
            }
            let (holes, lost) = (known.0..self.holes.len(), known.1..self.lost.len());
            if !holes.is_empty() || !lost.is_empty() {
                reported.push(Reported { span: command.span, holes, lost });
            }
        }
        self.forget_inner(reported);
    }

    /// Removes the commands that another reported command runs: `uv run make`, `make -j$(nproc)`.
    fn forget_inner(&mut self, mut reported: Vec<Reported>) {
        reported.sort_by_key(|one| (one.span.start, std::cmp::Reverse(one.span.end)));
        let (mut holes, mut lost) = (BTreeSet::new(), BTreeSet::new());
        let mut end = 0;
        for one in reported {
            if one.span.end <= end {
                holes.extend(one.holes);
                lost.extend(one.lost);
            } else {
                end = one.span.end;
            }
        }
        let mut at = 0..;
        self.holes.retain(|_| at.next().is_none_or(|at| !holes.contains(&at)));
        let mut at = 0..;
        self.lost.retain(|_| at.next().is_none_or(|at| !lost.contains(&at)));
    }

    /// Handles a command whose output is written to a file: `echo TEXT >> FILE`.
    fn write(&mut self, words: &[&str], sign: &str, path: &str, run: &Run, folder: &str) {
        let path = in_home(&filled(path.trim_matches(['"', '\'']), run), run);
        if downloads::is_of_installer(&path) {
            return;
        }
        let is_plain = |text: &str| !text.contains(['$', '`']);
        match words {
            [program @ ("echo" | "printf"), rest @ ..]
                if rest.iter().all(|word| is_plain(word)) && is_plain(&path) && !path.starts_with("/dev/") =>
            {
                let path = joined(folder, &path);
                let text: Vec<String> = rest.iter().map(|word| quoted(word)).collect();
                let what = format!("{program} {} {sign}", text.join(" "));
                let script = format!("mkdir -p $out{} && {what} $out{}", plain(parent(&path)), plain(&path));
                self.files.push(FileLine { what: format!("{what} {path}"), path, script, line: run.line });
            }
            _ if path.starts_with("/dev/") => self.command(words, run.line, folder),
            _ => {
                let command = format!("{} {sign} {path}", shown(words));
                let why = "the text is only known when the image is built";
                self.lost.push((
                    command,
                    run.line,
                    why,
                    "write the file with `pkgs.writeTextDir`, and add it to `copyToRoot`",
                ));
            }
        }
    }

    fn command(&mut self, words: &[&str], line: usize, folder: &str) {
        let separate = separate_flags(words);
        let words: &[&str] = &separate;
        let Some(program) = words.first().and_then(|word| word.rsplit('/').next()) else { return };
        if let Some(installed) = packages::installed(words) {
            for package in installed {
                match packages::attribute(package) {
                    Some("") => {}
                    Some(attribute) => {
                        if packages::has_version(package) {
                            self.pinned.push((package.to_owned(), line));
                        }
                        if packages::is_library(package) {
                            self.libraries.push(attribute);
                        }
                        self.packages.push((attribute, line));
                    }
                    None => self.unknown.push((package.to_owned(), line)),
                }
            }
            return;
        }
        let operands: Vec<&str> = words.iter().skip(1).copied().filter(|word| !word.starts_with('-')).collect();
        match (program, operands.as_slice()) {
            ("groupadd" | "addgroup", _) if operands_of(words).last().is_some_and(|name| is_account(name)) => {
                let name = operands_of(words).pop().unwrap_or_default();
                let number = flag_value(words, &["-g", "--gid"]).and_then(|number| number.parse().ok());
                if self.group_names.insert(name.to_owned()) {
                    self.groups.push((name.to_owned(), number));
                }
            }
            ("useradd" | "adduser", _) if operands_of(words).first().is_some_and(|name| is_account(name)) => {
                let name = operands_of(words).first().copied().unwrap_or_default();
                let number = flag_value(words, &["-u", "--uid"]);
                if let Some(number) = number.and_then(|number| number.parse().ok()) {
                    self.ids.push((name.to_owned(), number));
                }
                self.users.push((name.to_owned(), line));
                self.accounts.insert(name.to_owned(), Account::of(words));
            }
            (name, _) if CHANGES_ACCOUNTS.contains(&name) => {
                let why = "the new file defines all accounts in the image";
                self.lost.push((shown(words), line, why, "change `users` and `groups` there"));
            }
            ("chown", [owner, paths @ ..]) => {
                for path in paths {
                    if is_pattern(path) {
                        let why = "the files that it changes are only known when the image is built";
                        let todo = "add a `perms` entry for them in the new file";
                        self.lost.push((format!("chown {owner} {path}"), line, why, todo));
                        continue;
                    }
                    self.owners.push((joined(folder, path), (*owner).to_owned(), line));
                }
            }
            ("mkdir", _) => self.on_paths("mkdir -p", &without_mode(words), line, folder),
            ("touch", paths) => {
                for path in paths {
                    if is_pattern(path) {
                        self.holes.push((format!("touch {path}"), line));
                        continue;
                    }
                    let path = joined(folder, path);
                    let script = format!("mkdir -p $out{} && touch $out{}", plain(parent(&path)), plain(&path));
                    self.files.push(FileLine { path, what: "touch".to_owned(), script, line });
                }
            }
            ("chmod", [mode, paths @ ..]) => self.on_paths(&format!("chmod -R {mode}"), paths, line, folder),
            _ => self.build(program, words, line, folder),
        }
    }

    fn on_paths(&mut self, command: &str, paths: &[&str], line: usize, folder: &str) {
        for path in paths {
            if is_pattern(path) {
                self.holes.push((format!("{command} {path}"), line));
            } else {
                let path = joined(folder, path);
                let script = format!("{command} $out{}", plain(&path));
                self.files.push(FileLine { path, what: command.to_owned(), script, line });
            }
        }
    }

    fn build(&mut self, program: &str, words: &[&str], line: usize, folder: &str) {
        if let Some(packages) = manager::global_packages(words) {
            self.packages.extend(packages.into_iter().map(|package| (package, line)));
            return;
        }
        if let Some((manager, action)) = manager::read(words) {
            let script = match action {
                Action::Nothing => return,
                Action::Prune => {
                    let why = "`node_modules` is built with development dependencies";
                    let todo = "in the new file, remove the development dependencies during the build";
                    self.lost.push((shown(words), line, why, todo));
                    return;
                }
                Action::Install => None,
                Action::Script(script) => Some(script),
            };
            let (folder, command) = (folder.to_owned(), shown(words));
            self.builds.push(Build { line, tool: Tool::Node(manager, script), folder, command });
            return;
        }
        let mut tool = |tool: Tool| {
            self.builds.push(Build { line, tool, folder: folder.to_owned(), command: shown(words) });
        };
        match (program, words.get(1..).unwrap_or_default()) {
            ("go", ["mod", "download" | "tidy" | "verify" | "vendor", ..] | ["version" | "env" | "vet", ..]) => {}
            ("go", ["build", rest @ ..]) => {
                let mut build = GoBuild::of(rest.iter().copied());
                build.output = build.output.map(|output| joined(folder, &output));
                tool(Tool::Go(build));
            }
            ("cargo", ["build", rest @ ..]) => tool(Tool::Cargo(CargoBuild::of(rest.iter().copied()))),
            ("cargo", ["fetch" | "--version", ..]) => {}
            // They change the settings of the package manager.
            ("npm" | "pnpm" | "yarn", rest) if rest.iter().find(|word| !word.starts_with('-')) == Some(&"config") => {}
            ("pip" | "pip3", ["install", rest @ ..]) => self.pip(rest, line, folder),
            ("python" | "python3", ["-m", "pip", "install", rest @ ..]) => self.pip(rest, line, folder),
            ("python" | "python3", ["-m", "venv", ..]) | ("uv", ["venv" | "lock" | "--version" | "python", ..]) => {}
            ("uv", ["pip", "install", rest @ ..]) => self.pip(rest, line, folder),
            ("poetry", ["config" | "lock" | "--version" | "self", ..]) => {}
            ("uv", ["sync", rest @ ..]) | ("poetry" | "pdm", ["install" | "sync", rest @ ..]) => {
                let extras = rest.windows(2).filter(|pair| matches!(pair[0], "--extra" | "-E" | "--extras"));
                let extras = extras.map(|pair| pair[1].to_owned()).collect();
                self.requirements.push((Requirement::Project(joined(folder, "."), extras), line));
            }
            (name, _) if NO_EFFECT.contains(&name) => {}
            (_, ["--version"]) => {}
            _ if php_extensions::added(words).is_some_and(|all| all.into_iter().all(php_extensions::is_known)) => {
                let all = php_extensions::added(words).unwrap_or_default().into_iter();
                self.extensions.extend(all.filter(|name| PHP_EXTENSIONS.contains(name)).map(str::to_owned));
            }
            _ => self.holes.push((shown(words), line)),
        }
    }

    fn pip(&mut self, words: &[&str], line: usize, folder: &str) {
        let project = |extras: Vec<String>| Requirement::Project(joined(folder, "."), extras);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "-r" | "--requirement" => {
                    let requirement = rest.next().map(|file| match file.ends_with("pyproject.toml") {
                        true => Requirement::Project(parent(&joined(folder, file)).to_owned(), Vec::new()),
                        false => Requirement::File((*file).to_owned(), joined(folder, file)),
                    });
                    self.requirements.extend(requirement.map(|requirement| (requirement, line)));
                }
                "-e" | "--editable" => {}
                "-c" | "--constraint" | "--constraints" => {
                    if let Some(file) = rest.next() {
                        self.holes.push((format!("pip install -c {file}"), line));
                    }
                }
                "." | "./" => self.requirements.push((project(Vec::new()), line)),
                word if word.starts_with(".[") => {
                    let extras = word.trim_start_matches(".[").trim_end_matches(']').split(',');
                    let extras = extras.map(|extra| extra.trim().to_owned()).collect();
                    self.requirements.push((project(extras), line));
                }
                "-i" | "--index-url" | "--extra-index-url" | "--trusted-host" => {
                    rest.next();
                }
                "--target" | "-t" | "--prefix" | "--root" | "--python" | "-p" | "--cache-dir" => {
                    rest.next();
                }
                // The image does not need tools that only install other packages.
                word if TOOLS.contains(&word.split(['=', '<', '>', '~', '[']).next().unwrap_or(word)) => {}
                word if word.starts_with('-') => {}
                word => self.requirements.push((Requirement::Name(word.to_owned()), line)),
            }
        }
    }
}

/// Packages on PyPI whose only purpose is to install others.
const TOOLS: [&str; 7] = ["pip", "setuptools", "wheel", "poetry", "uv", "pdm", "pipx"];

/// Expands the known variables in a word of a command. Returns several words if the value of a variable contains
/// several, and the word has no quotes, which would prevent the shell from splitting it.
fn filled_word(word: &shell::Word<'_>, run: &Run) -> Vec<String> {
    let written = run.script.get(word.span.start as usize..word.span.end as usize).unwrap_or_default();
    let is_quoted = written.contains(['"', '\'', '\\']);
    let is_whole = !word.text.contains('$') || is_quoted;
    let text = filled(&word.text, run);
    let text = if written.starts_with('~') { in_home(&text, run) } else { text };
    if run.in_bash && !is_quoted && word.text.contains('{') && !word.text.contains('$') {
        return braced(&text);
    }
    if is_whole { vec![text] } else { text.split_whitespace().map(str::to_owned).collect() }
}

/// Replaces `~` at the beginning of a path.
fn in_home(path: &str, run: &Run) -> String {
    match path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        Some(rest) => format!("{}{rest}", run.home),
        None => path.to_owned(),
    }
}

/// The folders that `mkdir` creates.
fn without_mode<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut rest = words.iter().skip(1);
    let mut found = Vec::new();
    while let Some(word) = rest.next() {
        match *word {
            "--mode" => {
                rest.next();
            }
            word if word.starts_with('-') => {
                // `-m 755`, `-pm 755`
                if !word.starts_with("--") && word.ends_with('m') {
                    rest.next();
                }
            }
            word => found.push(word),
        }
    }
    found
}

/// Expands the lists in braces in a word, as bash does. Nested or very long lists are not expanded.
fn braced(word: &str) -> Vec<String> {
    const MOST: usize = 64;
    let mut words = vec![String::new()];
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((list, after)) = after.split_once('}').filter(|(list, _)| list.contains(',') && !list.contains('{'))
        else {
            return vec![word.to_owned()];
        };
        if words.len() * list.split(',').count() > MOST {
            return vec![word.to_owned()];
        }
        let each = |start: &String| list.split(',').map(|item| format!("{start}{before}{item}")).collect::<Vec<_>>();
        words = words.iter().flat_map(each).collect();
        rest = after;
    }
    words.into_iter().map(|start| start + rest).collect()
}

/// Whether the shell may expand a word to other paths.
fn is_pattern(path: &str) -> bool {
    path.contains(['$', '*', '`', '?', '[']) || path.split_once('{').is_some_and(|(_, rest)| rest.contains('}'))
}

/// Expands the known variables in a string.
fn filled(text: &str, run: &Run) -> String {
    if !text.contains('$') {
        return text.to_owned();
    }
    let known = |name: &str| run.variables.get(name).cloned().or_else(|| Some(format!("${{{name}}}")));
    expand(text, &known)
}

/// The file to which the output of a command is written, with `>` or `>>`, according to the text after the command in
/// its script.
fn written_file(script: &str, end: usize) -> Option<(&'static str, &str)> {
    let rest = script.get(end..)?.trim_start_matches([' ', '\t']);
    let (sign, rest) = match rest.strip_prefix(">>") {
        Some(rest) => (">>", rest),
        None => (">", rest.strip_prefix('>')?),
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    let end = rest.find(|c: char| c.is_whitespace() || ";&|<>".contains(c)).unwrap_or(rest.len());
    (end > 0).then(|| (sign, &rest[..end]))
}

/// Whether a script selects commands by pattern, so that it is unknown which of them run.
fn has_case(script: &str) -> bool {
    let words: Vec<&str> = script.split(|c: char| c.is_whitespace() || ";&|(".contains(c)).collect();
    words.contains(&"case") && words.contains(&"esac")
}

/// Formats a command for reports.
fn shown(words: &[&str]) -> String {
    let quoted = |word: &&str| match word.contains(char::is_whitespace) {
        true => format!("\"{word}\""),
        false => (*word).to_owned(),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A script on one line.
fn one_line(script: &str) -> String {
    script.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folder of a path in the image; empty for the root.
fn parent(path: &str) -> &str {
    path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Quotes a word for the shell, in single quotes.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Formats a path for the shell, in quotes if necessary.
fn plain(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c));
    if is_plain { path.to_owned() } else { quoted(path) }
}

/// Joins a path in the image to a folder and normalizes it. An absolute path replaces the folder.
fn joined(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

#[cfg(test)]
mod tests;
