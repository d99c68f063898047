//! JavaScript package managers in `RUN` lines.

use crate::knowledge::containers;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Npm,
    Bun,
    Pnpm,
    Yarn,
}

/// What a package manager command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Installs the packages in the lock file.
    Install,
    /// Runs a script in package.json.
    Script(String),
    /// Removes the packages that are only for development.
    Prune,
    /// Nothing that affects the files of an image.
    Nothing,
}

impl Manager {
    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Bun => "bun",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
        }
    }

    /// The possible names of its lock file.
    pub fn lock_files(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["package-lock.json"],
            Self::Bun => &["bun.lock", "bun.lockb"],
            Self::Pnpm => &["pnpm-lock.yaml"],
            Self::Yarn => &["yarn.lock"],
        }
    }

    /// The command that installs packages, as shown in reports.
    pub fn install_command(self) -> &'static str {
        match self {
            Self::Npm => "npm ci",
            Self::Bun => "bun install",
            Self::Pnpm => "pnpm install",
            Self::Yarn => "yarn install",
        }
    }
}

/// Parses a command as an action of a package manager. `None` if it is another command, or has another effect.
pub fn read(words: &[&str]) -> Option<(Manager, Action)> {
    let (program, rest) = words.split_first()?;
    let manager = match program.rsplit('/').next()? {
        "npm" => Manager::Npm,
        "bun" => Manager::Bun,
        "pnpm" => Manager::Pnpm,
        "yarn" => Manager::Yarn,
        "corepack" => return Some((Manager::Npm, Action::Nothing)),
        _ => return None,
    };
    if installs_managers(rest) {
        return Some((manager, Action::Nothing));
    }
    let only_flags = |words: &[&str]| words.iter().all(|word| word.starts_with('-') && !is_global(word));
    let action = match (manager, rest) {
        (_, ["ci" | "install" | "i" | "clean-install", flags @ ..]) if only_flags(flags) => Action::Install,
        (Manager::Yarn, flags) if only_flags(flags) && !flags.contains(&"--version") => Action::Install,
        // The derivation that fetches the packages fills pnpm's store.
        (Manager::Pnpm, ["fetch", ..]) => Action::Nothing,
        (_, ["prune", ..]) => Action::Prune,
        (_, ["cache" | "config" | "set" | "store" | "audit" | "--version" | "-v", ..]) => Action::Nothing,
        (_, ["run" | "run-script", script]) => Action::Script((*script).to_owned()),
        (Manager::Pnpm | Manager::Yarn, [script]) if is_script(script) => Action::Script((*script).to_owned()),
        _ => return None,
    };
    Some((manager, action))
}

/// Whether an install command leaves out the packages that are only for development.
pub fn omits_development(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words.any(|word| {
        matches!(
            word,
            "--omit=dev" | "--only=production" | "--only=prod" | "--production" | "--production=true" | "--prod" | "-P"
        )
    })
}

/// The nixpkgs packages for the programs that a command installs globally: `npm install -g pm2`. `None` if the command
/// does something else, or if one of the programs is unknown.
pub fn global_packages(words: &[&str]) -> Option<Vec<&'static str>> {
    let (program, rest) = words.split_first()?;
    let names = match (program.rsplit('/').next()?, rest) {
        ("npm" | "pnpm" | "bun", ["install" | "i" | "add", names @ ..]) if names.iter().any(|word| is_global(word)) => {
            names
        }
        ("yarn", ["global", "add", names @ ..]) => names,
        _ => return None,
    };
    let package = |name: &&str| {
        let name = name.split('@').next().filter(|name| !name.is_empty())?;
        let found = containers::PROGRAMS.iter().find(|(word, _, start)| *word == name && *start == [name]);
        found.map(|(_, package, _)| *package)
    };
    let mut names = names.iter().filter(|word| !word.starts_with('-')).peekable();
    names.peek()?;
    // Builders have their own package managers.
    let is_manager = installs_managers(rest);
    names.map(package).collect::<Option<Vec<_>>>().filter(|_| !is_manager)
}

/// Whether a command only installs package managers globally.
fn installs_managers(rest: &[&str]) -> bool {
    let names = match rest {
        ["install" | "i" | "add", words @ ..] | ["global", "add", words @ ..] => words,
        _ => return false,
    };
    let mut names = names.iter().filter(|word| !word.starts_with('-')).peekable();
    names.peek().is_some()
        && names.all(|name| matches!(name.split('@').next(), Some("npm" | "bun" | "pnpm" | "yarn" | "corepack")))
}

fn is_global(word: &str) -> bool {
    matches!(word, "-g" | "--global" | "--location=global")
}

/// Whether a word is the name of a script, not a package manager command.
fn is_script(word: &str) -> bool {
    let own = ["add", "remove", "dlx", "exec", "create", "init", "link", "pack", "publish", "up", "why", "workspaces"];
    !word.starts_with('-') && !own.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_without_development_packages_are_recognized() {
        for (command, expected) in [
            ("npm ci --omit=dev", true),
            ("yarn --production", true),
            ("npm ci", false),
            ("npm ci --omit=optional", false),
        ] {
            assert_eq!(omits_development(command), expected, "{command}");
        }
    }

    #[test]
    fn package_manager_commands_are_parsed() {
        let read = |line: &str| read(&line.split(' ').collect::<Vec<_>>());
        let script = |name: &str| Action::Script(name.to_owned());
        for (line, expected) in [
            ("npm ci --omit=dev", Some((Manager::Npm, Action::Install))),
            ("npm run build", Some((Manager::Npm, script("build")))),
            ("npm install -g pnpm@9", Some((Manager::Npm, Action::Nothing))),
            ("npm install -g typescript", None),
            ("npm install express", None),
            ("bun install --frozen-lockfile", Some((Manager::Bun, Action::Install))),
            ("bun run build", Some((Manager::Bun, script("build")))),
            ("bun build src/index.ts", None),
            ("pnpm i --frozen-lockfile", Some((Manager::Pnpm, Action::Install))),
            ("pnpm build", Some((Manager::Pnpm, script("build")))),
            ("pnpm -r build", None),
            ("yarn", Some((Manager::Yarn, Action::Install))),
            ("yarn --frozen-lockfile", Some((Manager::Yarn, Action::Install))),
            ("yarn add left-pad", None),
            ("corepack enable", Some((Manager::Npm, Action::Nothing))),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
