//! The commands in a script that run other files in the repository.

use crate::finding::Span;
use crate::lang::ci::Script;
use crate::lang::shell::Command;
use crate::wording;

/// A command that runs another file in the repository, or another part of the same file.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it runs.
    pub target: Target,
    /// The span of the command.
    pub span: Span,
    /// The arguments for a script, which may use them to select what it runs.
    pub arguments: Vec<String>,
}

/// What a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A script, by its path as written.
    File(String),
    /// Rules of a makefile: its folder as written, and the names. No names mean the first rule.
    Make(String, Vec<String>),
    /// Recipes of a justfile: its folder as written, and the names. No names mean the first recipe.
    Just(String, Vec<String>),
    /// Tasks of a Taskfile: its folder as written, and the names. No names mean the task `default`.
    Task(String, Vec<String>),
    /// A script of a package.json: the folder as written, and the name.
    Npm(String, String),
}

/// The calls among the commands of a script that runs in a folder.
pub fn of(script: &Script<'_>, commands: &[Command<'_>], folder: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut folder = plain(folder).unwrap_or_default().to_owned();
    for command in commands {
        if command.program() == "cd" {
            folder = command.word(1).and_then(plain).map(str::to_owned).unwrap_or_default();
            continue;
        }
        let Some(target) = target(command, &folder) else { continue };
        let arguments = match &target {
            Target::File(_) => arguments(command, &script.text),
            // npm passes the arguments after the name to the script.
            Target::Npm(_, name) => {
                command.arguments().skip_while(|word| word != name).skip(1).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        calls.push(Call { target, span: script.span(command.span), arguments });
    }
    calls
}

/// The arguments that a command passes to a script, which follow the script's path. A final `$@` stands for the
/// arguments that xargs adds, or for those of the caller if the command sources the script.
fn arguments(command: &Command<'_>, text: &str) -> Vec<String> {
    let before = text.get(..command.span.start as usize).unwrap_or("");
    let own = wording::tail(before, LONGEST).rsplit(['\n', ';', '|', '&']).next().unwrap_or("");
    let adds = own.split_whitespace().any(|word| matches!(word, "xargs" | "parallel"));
    let reads = matches!(command.program(), "source" | ".");
    let is_shell = SHELLS.contains(&command.program());
    let skipped = if is_shell { options(command).unwrap_or(0) + 1 } else { 0 };
    let given = command.arguments().skip(skipped);
    given.chain((adds || reads).then_some("$@")).map(str::to_owned).collect()
}

/// The number of bytes before a command that are searched for xargs.
const LONGEST: usize = 200;

/// Commands whose first argument after the options is the path of a script.
const SHELLS: [&str; 6] = ["bash", "sh", "zsh", "dash", "source", "."];

/// The number of arguments between a shell and the script that it runs; `None` if it runs the text of an argument.
fn options(command: &Command<'_>) -> Option<usize> {
    let mut count = 0;
    while let Some(option) = command.word(count + 1).filter(|word| word.starts_with(['-', '+'])) {
        let letters = if option.starts_with("--") { "" } else { option };
        if letters.contains('c') {
            return None;
        }
        // `-o pipefail`
        count += if letters.ends_with('o') { 2 } else { 1 };
    }
    Some(count)
}

/// What a command runs in the repository, if anything. `folder` is the folder that the script has changed to.
pub fn target(command: &Command<'_>, folder: &str) -> Option<Target> {
    let inside = |path: &str| if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
    match command.program() {
        program if SHELLS.contains(&program) => {
            let file = command.word(options(command)? + 1)?;
            plain(file).map(|file| Target::File(inside(file)))
        }
        "make" | "gmake" => {
            let (changed, names) = operands(command, &["-C", "--directory"], &["-f", "-j", "-l", "-o", "-W", "--file"]);
            let names = names.into_iter().filter(|name| !name.contains('=')).collect();
            Some(Target::Make(changed.map_or_else(|| inside("."), |changed| inside(&changed)), names))
        }
        "just" => {
            let (changed, names) =
                operands(command, &["-d", "--working-directory"], &["-f", "--justfile", "--shell", "--dotenv-path"]);
            Some(Target::Just(changed.map_or_else(|| inside("."), |changed| inside(&changed)), names))
        }
        // `./task` is a script in the repository.
        "task" | "go-task" if command.word(0).is_some_and(|word| !word.contains('/')) => {
            let (changed, names) =
                operands(command, &["-d", "--dir"], &["-t", "--taskfile", "-o", "--output", "-C", "-I"]);
            let names = names.into_iter().filter(|name| !name.contains('=')).collect();
            Some(Target::Task(changed.map_or_else(|| inside("."), |changed| inside(&changed)), names))
        }
        program @ ("npm" | "pnpm" | "yarn" | "bun") => {
            let (changed, names) =
                operands(command, &["-C", "--prefix", "--cwd", "--dir"], &["-F", "--filter", "-w", "--workspace"]);
            let mut folder = changed.map_or_else(|| inside("."), |changed| inside(&changed));
            let mut names = names.as_slice();
            if let [verb, package, rest @ ..] = names
                && verb == "workspace"
            {
                (folder, names) = (of_package(package), rest);
            } else if let Some(package) = package(command) {
                folder = of_package(package);
            }
            let name = match names.first()?.as_str() {
                "run" | "run-script" => names.get(1)?,
                "test" | "start" | "t" => names.first()?,
                _ if program == "npm" => return None,
                _ => names.first()?,
            };
            Some(Target::Npm(folder, name.clone()))
        }
        _ => {
            let word = command.word(0)?;
            let is_path = word.contains('/') || word.ends_with(".sh") || word.ends_with(".bash");
            plain(word).filter(|_| is_path).map(|file| Target::File(inside(file)))
        }
    }
}

/// The package of a workspace that a command applies to: `pnpm --filter web`, `npm -w packages/web`.
fn package<'c>(command: &'c Command<'_>) -> Option<&'c str> {
    const OPTIONS: [&str; 3] = ["-F", "--filter", "--workspace"];
    let is_option = |word: &str| OPTIONS.contains(&word) || word == "-w" && command.program() == "npm";
    let mut words = command.arguments();
    while let Some(word) = words.next() {
        let assigned = word.split_once('=').filter(|(option, _)| is_option(option));
        match assigned {
            Some((_, value)) => return Some(value),
            None if is_option(word) => return words.next(),
            None => {}
        }
    }
    None
}

/// The folder of a package, by the last part of its name or path.
fn of_package(package: &str) -> String {
    format!("{ANYWHERE}{}", package.trim_end_matches(['/', '.']).rsplit('/').next().unwrap_or(package))
}

/// The prefix of a call's folder if the folder may be anywhere in the repository.
pub(super) const ANYWHERE: &str = "**/";

/// The folder that an option specifies, and the arguments that are not options.
fn operands(command: &Command<'_>, folder: &[&str], valued: &[&str]) -> (Option<String>, Vec<String>) {
    let mut changed = None;
    let mut names = Vec::new();
    let mut words = command.arguments();
    while let Some(word) = words.next() {
        let assigned = word.split_once('=').filter(|(option, _)| folder.contains(option));
        if let Some((_, value)) = assigned {
            changed = plain(value).map(str::to_owned);
        } else if folder.contains(&word) {
            changed = words.next().and_then(plain).map(str::to_owned);
        } else if valued.contains(&word) {
            words.next();
        } else if word == "--" {
            break;
        } else if !word.starts_with('-') {
            names.push(word.to_owned());
        }
    }
    (changed, names)
}

/// A path without a leading variable or substitution for the root or the script's own folder: `$GITHUB_WORKSPACE/x`,
/// `${{ github.workspace }}/x`, `$(dirname "$0")/x`. `None` if another part is computed, or if the
/// path is absolute.
fn plain(word: &str) -> Option<&str> {
    let rest = match word.rfind(['}', ')', '\u{1}']) {
        Some(end) => word[end..].split_once('/').map(|(_, rest)| rest)?,
        None if word.starts_with('$') => word.split_once('/').map(|(_, rest)| rest)?,
        None => word,
    };
    let is_computed = rest.contains(['$', '`', '*', '{', '\u{1}']);
    (!rest.is_empty() && !is_computed && !rest.starts_with(['/', '~'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::shell;

    #[test]
    fn commands_that_run_files_in_the_repository_are_recognised() {
        let make = |folder: &str, names: &[&str]| {
            Target::Make(folder.to_owned(), names.iter().map(|&name| name.to_owned()).collect())
        };
        let file = |path: &str| Target::File(path.to_owned());
        for (script, expected) in [
            ("./ci/a.sh --x", vec![file("./ci/a.sh")]),
            ("./task image", vec![file("./task")]),
            ("bash -eu ci/a.sh", vec![file("ci/a.sh")]),
            ("bash -euo pipefail ci/a.sh", vec![file("ci/a.sh")]),
            ("bash --norc ci/a.sh -c x", vec![file("ci/a.sh")]),
            ("sh ci/a.sh --exec --public", vec![file("ci/a.sh")]),
            ("source ci/a.sh", vec![file("ci/a.sh")]),
            ("cd web && ./a.sh", vec![file("web/./a.sh")]),
            ("$GITHUB_WORKSPACE/ci/a.sh", vec![file("ci/a.sh")]),
            ("\"${{ github.workspace }}/ci/a.sh\"", vec![file("ci/a.sh")]),
            ("nix develop -c ./ci/a.sh", vec![file("./ci/a.sh")]),
            ("make image -j 4 X=1", vec![make(".", &["image"])]),
            ("make -C web", vec![make("web", &[])]),
            ("just image", vec![Target::Just(".".into(), vec!["image".into()])]),
            ("task -d web image:push X=1", vec![Target::Task("web".into(), vec!["image:push".into()])]),
            ("npm run image", vec![Target::Npm(".".into(), "image".into())]),
            ("yarn --cwd web image", vec![Target::Npm("web".into(), "image".into())]),
            ("pnpm --filter @acme/web run image", vec![Target::Npm("**/web".into(), "image".into())]),
            ("npm -w packages/web run image", vec![Target::Npm("**/web".into(), "image".into())]),
            ("yarn workspace web image", vec![Target::Npm("**/web".into(), "image".into())]),
            ("npm ci", vec![]),
            ("bash -c 'true'", vec![]),
            ("bash -o pipefail -ec 'true'", vec![]),
            ("/usr/bin/x", vec![]),
            ("$TOOL", vec![]),
            ("echo ./ci/a.sh", vec![]),
        ] {
            let script = Script { text: script.into(), start: 0 };
            let found: Vec<Target> =
                of(&script, &shell::commands(&script.text), "").into_iter().map(|call| call.target).collect();
            assert_eq!(found, expected, "{}", script.text);
        }
    }
}
