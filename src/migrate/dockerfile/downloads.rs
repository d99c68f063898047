//! Commands that download programs or prepare a package manager: `curl URL | sh`, `curl KEY | apt-key add -`.

use std::collections::BTreeSet;

use crate::knowledge::containers::SHELLS;
use crate::knowledge::images::commands::{INSTALLER_FOLDERS, INSTALLERS, PREPARES_INSTALLER};
use crate::knowledge::images::packages;
use crate::lang::shell;

/// The commands of a script that have no counterpart, and what takes the place of those that install a program.
#[derive(Debug, Default)]
pub struct Downloads {
    /// The positions at which the commands start.
    pub commands: BTreeSet<u32>,
    /// The packages of the programs.
    pub packages: Vec<&'static str>,
}

/// Whether a path belongs to the package manager of the image, or to the tools of its PHP.
pub fn is_of_installer(path: &str) -> bool {
    INSTALLER_FOLDERS.iter().any(|folder| path.contains(folder))
}

/// Reads the pipelines of a script.
pub fn read(script: &str, commands: &[shell::Command<'_>]) -> Downloads {
    let mut found = Downloads::default();
    let mut start = 0;
    while start < commands.len() {
        let mut end = start + 1;
        while end < commands.len() && is_piped(script, &commands[end - 1], &commands[end]) {
            end += 1;
        }
        let pipeline = commands.get(start..end).unwrap_or_default();
        start = end;
        let prepares = |command: &shell::Command<'_>| {
            let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
            if packages::installed(&words).is_some() {
                return false;
            }
            PREPARES_INSTALLER.contains(&command.program())
                || command.arguments().any(is_of_installer)
                || written(script, command).is_some_and(is_of_installer)
        };
        let package = installed(pipeline);
        if package.is_some() || pipeline.iter().any(prepares) {
            found.commands.extend(pipeline.iter().map(|command| command.span.start));
            found.packages.extend(package.filter(|package| !package.is_empty()));
        }
    }
    found
}

/// The package of the program that a pipeline downloads and installs: `curl https://astral.sh/uv/install.sh | sh`. Empty
/// if the script only adds a repository.
fn installed(pipeline: &[shell::Command<'_>]) -> Option<&'static str> {
    let [download, .., run] = pipeline else { return None };
    if !["curl", "wget"].contains(&download.program()) || !SHELLS.contains(&run.program()) {
        return None;
    }
    let known = |word: &str| INSTALLERS.iter().find(|(address, _)| word.contains(address));
    download.arguments().find_map(known).map(|(_, package)| *package)
}

/// Whether the output of a command goes to the next one.
fn is_piped(script: &str, first: &shell::Command<'_>, next: &shell::Command<'_>) -> bool {
    let between = script.get(first.span.end as usize..next.span.start as usize).unwrap_or_default();
    let between = between.replace("2>/dev/null", "").replace("2>&1", "");
    let between = between.trim_start_matches([' ', '\t', '\\', '\n']);
    between.starts_with('|') && !between.starts_with("||")
}

/// The file to which a command writes with `>`.
fn written<'s>(script: &'s str, command: &shell::Command<'_>) -> Option<&'s str> {
    let rest = script.get(command.span.end as usize..)?.trim_start_matches([' ', '\t']);
    let path = rest.strip_prefix('>')?.trim_start_matches('>').trim_start();
    path.split([' ', '\n', ';', '&', '|']).next()
}
