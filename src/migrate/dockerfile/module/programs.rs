//! Replaces absolute paths of programs in the command of an image with their names. An image of nixpkgs packages usually
//! has no /usr/bin, and programs are found in PATH.

use super::Module;
use crate::knowledge::containers;
use crate::knowledge::images::base::{Base, Runtime};
use crate::knowledge::images::commands::{BASH, OF_OTHER_PACKAGES, STARTERS_OF_IMAGES, WITH_A_SHELL};
use crate::lang::shell;
use crate::migrate::dockerfile::frame::{Command, Frame};
use crate::migrate::dockerfile::recipe::Recipe;

/// The maximum number of words of a command that are compared with the files of the image.
const MOST_WORDS: usize = 200;

/// What an image contains.
#[derive(Clone, Copy)]
pub(super) struct Contents<'a> {
    pub(super) base: Option<&'static Base>,
    pub(super) frame: &'a Frame,
    pub(super) recipe: &'a Recipe,
    /// Its packages, as Nix expressions.
    pub(super) runtime: &'a [String],
}

impl Contents<'_> {
    /// The name of a program in PATH, if one of the packages is known to contain it.
    fn program<'n>(&self, name: &'n str) -> Option<&'n str> {
        let own = self.base.and_then(|base| base.runtime.package());
        let attributes = self.runtime.iter().filter_map(|package| package.strip_prefix("pkgs."));
        let has = |wanted: &str| own.into_iter().chain(attributes.clone()).any(|name| is_version_of(name, wanted));
        let known = containers::PROGRAMS.iter().find(|(word, _, start)| *word == name && start.len() == 1);
        if let Some((_, _, start)) = known.filter(|(_, attribute, _)| has(attribute)) {
            return start.first().copied();
        }
        let other = OF_OTHER_PACKAGES.iter().any(|(program, attribute)| *program == name && has(attribute));
        let is_python = |package: &&String| {
            let module = package.split(|c: char| c.is_whitespace() || "()[]".contains(c));
            module
                .filter_map(|word| word.strip_prefix("ps."))
                .any(|module| module == name || module == "toPythonModule")
        };
        let of_python =
            self.runtime.iter().filter(|package| package.contains("withPackages")).any(|all| is_python(&all));
        let same = attributes.clone().any(|attribute| attribute == name);
        (other || of_python || same).then_some(name)
    }

    /// Whether the commands of the Dockerfile that are not migrated may create a path.
    fn may_build(&self, path: &str, name: &str) -> bool {
        let holes = &self.recipe.holes;
        holes.iter().any(|(hole, _)| hole.contains(name)) || !holes.is_empty() && path.starts_with("/usr/local/")
    }

    fn has_shell(&self) -> bool {
        self.base.is_none_or(|base| !matches!(base.runtime, Runtime::Nothing | Runtime::Files))
    }
}

/// Whether an attribute is a package, or one of its versions: `postgresql_16`, `jdk21`.
fn is_version_of(attribute: &str, package: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphabetic());
    let same_family = match package {
        "jdk" => attribute.starts_with("jre"),
        "dotnet-sdk" => attribute.starts_with("dotnet-"),
        "bash" => attribute == "bashInteractive",
        _ => false,
    };
    same_family || attribute.strip_prefix(package).is_some_and(is_end)
}

impl Module<'_, '_> {
    /// A command in which the paths of a distribution's programs are replaced with their names. If no package of the
    /// new image is known to contain a program, reports the path, unless something else in the image creates it.
    pub(super) fn without_paths(
        &mut self,
        command: Command,
        contents: Contents<'_>,
        line: usize,
        what: &str,
    ) -> Command {
        // After an entrypoint, the command consists of its arguments.
        let is_program = what == "ENTRYPOINT" || contents.frame.entrypoint.is_none();
        match command {
            Command::Exec(mut words) => {
                let has_script =
                    matches!(words.as_slice(), [shell, flag, _, ..] if shell.ends_with("sh") && flag == "-c");
                for (at, word) in words.iter_mut().enumerate().take(MOST_WORDS) {
                    match has_script && at == 2 {
                        true => *word = self.script_without_paths(word, contents, line, what),
                        false => *word = self.without_path(word, is_program && at == 0, contents, line, what),
                    }
                }
                Command::Exec(words)
            }
            Command::Shell(text) => Command::Shell(self.script_without_paths(&text, contents, line, what)),
        }
    }

    fn script_without_paths(&mut self, text: &str, contents: Contents<'_>, line: usize, what: &str) -> String {
        let mut out = String::new();
        let mut end = 0;
        let commands = shell::commands(text);
        let mut words: Vec<(&shell::Word<'_>, bool)> = commands
            .iter()
            .flat_map(|command| command.words.iter().enumerate().map(|(at, word)| (word, at == 0)))
            .collect();
        words.sort_by_key(|(word, _)| word.span.start);
        for (word, is_first) in words.into_iter().take(MOST_WORDS) {
            let (from, to) = (word.span.start as usize, word.span.end as usize);
            let name = self.without_path(&word.text, is_first, contents, line, what);
            if name != word.text && from >= end {
                out.push_str(&text[end..from]);
                out.push_str(&name);
                end = to;
            }
        }
        out + &text[end..]
    }

    fn without_path(&mut self, word: &str, is_first: bool, contents: Contents<'_>, line: usize, what: &str) -> String {
        let kept = || word.to_owned();
        let in_venv = word.rsplit_once("venv/bin/").map(|(_, name)| name);
        let in_venv = in_venv.filter(|_| contents.runtime.iter().any(|package| package.contains("withPackages")));
        let name = containers::in_system(word).or(in_venv).filter(|name| !name.is_empty() && !name.contains('/'));
        if contents.has_shell() && (WITH_A_SHELL.contains(&word) || BASH.contains(&word)) {
            return kept();
        }
        if let Some(program) = name.and_then(|name| contents.program(name)) {
            return program.to_owned();
        }
        let starter = is_first && STARTERS_OF_IMAGES.contains(&word);
        let path = if starter { format!("/usr/local/bin/{word}") } else { kept() };
        let is_path = path.starts_with('/') && (name.is_some() || is_first);
        let may_exist = contents.base.is_none()
            || in_venv.is_none() && self.makes(contents.frame, contents.recipe, &path)
            || contents.may_build(&path, name.unwrap_or(&path));
        if !is_path || may_exist {
            return kept();
        }
        if name.is_none() && !contents.recipe.holes.is_empty() {
            return kept();
        }
        let why = format!("nothing in the new image creates {path}");
        let program = path.rsplit('/').next().unwrap_or_default();
        // No package contains the start script of an image.
        let todo = match is_first && STARTERS_OF_IMAGES.contains(&program) {
            true => "remove it: the command starts the program itself".to_owned(),
            false => format!("write `${{pkgs.PACKAGE}}/bin/{program}` instead, with the package that contains it"),
        };
        self.leave(line, what, &why, &todo);
        kept()
    }
}
