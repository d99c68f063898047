//! What the commands of RUN instructions do for a program.

use std::collections::BTreeSet;

use crate::knowledge::containers;
use crate::knowledge::containers::starts::{WAIT_SCRIPTS, WAIT_SOURCES};
use crate::knowledge::images::commands::{
    ADDS_ACCOUNTS, CHANGES_ACCOUNTS, COMPILERS, FOR_PEOPLE, IN_EVERY_BUILD, JAVA_COMPILERS, POSTGRES_EXTENSIONS,
};
use crate::knowledge::images::packages;
use crate::lang::shell;
use crate::paths;

/// The packages of the distribution that a RUN installs.
pub fn installed(run: &str) -> Vec<String> {
    let of_command = |command: &shell::Command<'_>| {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        packages::installed(&words).unwrap_or_default().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    shell::commands(run).iter().flat_map(of_command).collect()
}

/// The attribute of a distribution's package, if applications start its programs.
pub fn started(package: &str) -> Option<&'static str> {
    let attribute = packages::attribute(package).filter(|_| !packages::is_library(package))?;
    let attribute = attribute.trim_end_matches(".client");
    containers::STARTED_BY_APPLICATIONS.contains(&attribute).then_some(attribute)
}

/// Whether a process does not need a distribution's package: the process has it in PATH, or needs no counterpart.
fn is_unneeded(package: &str) -> bool {
    let name = package.split(['=', '~', '<', '>']).next().unwrap_or(package);
    let is_base = |attribute: &str| matches!(attribute, "" | "cacert" | "tzdata" | "bash" | "coreutils" | "shadow");
    started(package).is_some()
        || FOR_PEOPLE.contains(&name)
        || postgres_extension(package).is_some()
        || packages::attribute(package).is_some_and(is_base)
        || containers::WRAPPERS.contains(&name)
        || containers::USER_SWITCHES.contains(&name)
        || containers::ON_EVERY_MACHINE.contains(&name)
}

/// The extension of PostgreSQL in a package of Debian or PGDG: `postgresql-16-pgvector`.
pub fn postgres_extension(package: &str) -> Option<&'static str> {
    let rest = package.split('=').next()?.strip_prefix("postgresql-")?;
    let (_, name) = rest.split_once('-').filter(|(version, _)| !version.is_empty())?;
    POSTGRES_EXTENSIONS.iter().find(|(known, _)| *known == name).map(|(_, extension)| *extension)
}

/// The packages that a RUN installs and a process does not have, if it does nothing else. `None` for other commands.
pub fn missing_packages(run: &str, folder: &str, started: &[String]) -> Option<(String, String)> {
    let (commands, redirects) = (shell::commands(run), run.contains('>'));
    let is_install = |command: &shell::Command<'_>| {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        packages::installed(&words).is_some()
    };
    if run.contains("<<")
        || !commands.iter().all(|command| is_install(command) || is_idle(command, redirects, folder, started))
    {
        return None;
    }
    let missing: BTreeSet<String> = installed(run).into_iter().filter(|package| !is_unneeded(package)).collect();
    if missing.is_empty() || missing.iter().any(|name| name.contains(['$', '*', '/'])) {
        return None;
    }
    let is_for_builds = |name: &String| {
        let attribute = packages::attribute(name);
        packages::is_library(name) || attribute.is_some_and(|attribute| IN_EVERY_BUILD.contains(&attribute))
    };
    let todo = match missing.iter().all(is_for_builds) {
        true => "make them available when you install dependencies that have to be compiled".to_owned(),
        false => "add those that the program uses to its PATH".to_owned(),
    };
    let names: Vec<String> = missing.into_iter().take(MOST_NAMES).collect();
    Some((format!("the image installs {}, which the process does not have", names.join(", ")), todo))
}

/// The maximum number of packages that are named.
const MOST_NAMES: usize = 20;

/// Whether a command compiles a Java program.
pub fn compiles_java(command: &shell::Command<'_>) -> bool {
    let name = paths::name(command.program());
    let name = name.strip_suffix('w').unwrap_or(name);
    JAVA_COMPILERS.iter().any(|(program, goals)| {
        *program == name && command.arguments().any(|word| goals.contains(&word.rsplit(':').next().unwrap_or(word)))
    })
}

/// Whether the commands of a RUN do nothing that a process in the checkout can use: they list files, remove files from
/// the image, update the package manager, add users, install what the process has, or create the working directory.
pub fn has_no_effect(run: &str, folder: &str, started: &[String]) -> bool {
    let redirects = run.contains('>');
    // The commands in the body of a heredoc are not read.
    !run.contains("<<")
        && (WAIT_SOURCES.iter().any(|source| run.contains(source))
            || shell::commands(run).iter().all(|command| {
                let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
                let is_present =
                    packages::installed(&words).is_some_and(|all| all.iter().all(|name| is_unneeded(name)));
                is_present || is_idle(command, redirects, folder, started)
            }))
}

/// Whether the commands of a RUN only compile a program that a process compiles itself when it starts.
pub fn only_compiles(run: &str, folder: &str, started: &[String]) -> bool {
    let (commands, redirects) = (shell::commands(run), run.contains('>'));
    let compiles = |command: &shell::Command<'_>| {
        let is_compiler = |[program, verb]: &[&str; 2]| command.program() == *program && command.word(1) == Some(*verb);
        // The process compiles it without these.
        let has_own = command.arguments().any(|word| ["-tags", "--tags", "-X "].iter().any(|flag| word.contains(flag)));
        (COMPILERS.iter().any(is_compiler) || compiles_java(command)) && !has_own
    };
    !run.contains("<<")
        && commands.iter().any(compiles)
        && commands.iter().all(|command| compiles(command) || is_idle(command, redirects, folder, started))
}

/// Whether the commands of a RUN only create or remove files, or change who may use them.
pub fn only_changes_files(run: &str) -> bool {
    let changes = |command: &shell::Command<'_>| {
        ["chgrp", "chmod", "chown", "mkdir", "rm", "rmdir", "touch"].contains(&command.program())
    };
    !run.contains("<<") && shell::commands(run).iter().all(changes)
}

/// The files that a RUN edits with `sed`, if it does nothing else.
pub fn edited_files(run: &str, folder: &str, started: &[String]) -> Vec<String> {
    let (mut found, redirects) = (Vec::new(), run.contains('>'));
    for command in shell::commands(run) {
        match command.program() {
            "sed" => match edited(&command) {
                Some(files) => found.extend(files),
                None => return Vec::new(),
            },
            _ if is_idle(&command, redirects, folder, started) => {}
            _ => return Vec::new(),
        }
    }
    found
}

/// The files that `sed -i` edits. `None` if they are not known.
fn edited(command: &shell::Command<'_>) -> Option<Vec<String>> {
    let (mut is_in_place, mut has_script, mut is_value) = (false, false, false);
    let mut files = Vec::new();
    for word in command.arguments() {
        match word {
            _ if std::mem::take(&mut is_value) => {}
            "-e" | "-f" | "--expression" | "--file" => (has_script, is_value) = (true, true),
            _ if word.starts_with("--in-place") => is_in_place = true,
            _ if word.starts_with("--") => {
                has_script |= word.starts_with("--expression=") || word.starts_with("--file=")
            }
            _ if word.starts_with('-') => {
                // `-ie` has the suffix `e`.
                let flags = word.split('i').next().unwrap_or_default();
                is_in_place |= word.contains('i');
                is_value = flags.ends_with(['e', 'f']);
                has_script |= is_value;
            }
            _ if !std::mem::replace(&mut has_script, true) => {}
            _ => files.push(word.to_owned()),
        }
    }
    let is_plain = |file: &String| !file.contains(['$', '*', '`', '(', '{']);
    (is_in_place && !files.is_empty() && files.iter().all(is_plain)).then_some(files)
}

/// The beginning of a RUN, for reports.
pub fn shown(run: &str) -> String {
    let line = run.lines().next().unwrap_or_default().trim();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(60).collect();
    match start.len() < line.len() || run.trim().contains('\n') {
        true => format!("{} ..", start.trim().trim_end_matches('\\').trim()),
        false => start.trim().to_owned(),
    }
}

/// Whether a Go module is a program whose package in nixpkgs is used in its place.
fn is_known_tool(module: &str) -> bool {
    let name = paths::name(module.split('@').next().unwrap_or(module));
    containers::PROGRAMS.iter().any(|(word, ..)| *word == name)
}

/// Like [`has_no_effect`], for a command that installs no packages. `redirects` is whether the RUN may redirect output to
/// files.
fn is_idle(command: &shell::Command<'_>, redirects: bool, folder: &str, started: &[String]) -> bool {
    let folder = folder.trim_end_matches('/');
    let is_flag = |word: &str| word.starts_with('-');
    let is_in_image = |path: &str| {
        let below = path.strip_prefix(folder).filter(|_| !folder.is_empty());
        path.starts_with('/') && !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Its interpreter runs the script, whatever its mode is.
    let is_started = |path: &&str| {
        let name = paths::name(path);
        name == "wait" || WAIT_SCRIPTS.contains(&name) || started.iter().any(|word| paths::name(word) == name)
    };
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    match words.as_slice() {
        ["ls" | "echo" | "true" | "set" | "cd" | "chown" | "chgrp" | "export", ..] => !redirects,
        ["python" | "python3", "-m", "venv" | "virtualenv", ..] | ["virtualenv", ..] => true,
        [program, ..] if ADDS_ACCOUNTS.contains(program) || CHANGES_ACCOUNTS.contains(program) => true,
        ["chmod", "+x" | "a+x" | "u+x" | "755" | "0755" | "777", files @ ..] => files.iter().all(is_started),
        ["rm", paths @ ..] => paths.iter().all(|path| is_flag(path) || is_in_image(path)),
        ["apt-get" | "apt" | "apk", "update" | "upgrade" | "clean" | "autoremove", ..] => true,
        // The program's own tool downloads what is missing when it compiles the program.
        ["go", "mod", "download" | "tidy" | "verify", ..] | ["cargo", "fetch", ..] | ["npm", "cache", ..] => true,
        ["go", "install", modules @ ..] => modules.iter().all(|module| is_flag(module) || is_known_tool(module)),
        ["mkdir", paths @ ..] => paths.iter().all(|path| is_flag(path) || path.trim_end_matches('/') == folder),
        ["pip" | "pip3", "install", rest @ ..] | ["python" | "python3", "-m", "pip", "install", rest @ ..] => {
            let is_tool = |word: &&str| matches!(*word, "pip" | "setuptools" | "wheel");
            let is_known = |word: &&str| matches!(*word, "-U" | "--upgrade" | "--no-cache-dir" | "-q");
            rest.iter().any(is_tool) && rest.iter().all(|word| is_tool(word) || is_known(word))
        }
        _ => false,
    }
}
