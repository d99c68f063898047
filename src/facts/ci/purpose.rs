//! The purpose of CI files: whether they build and test the code, or only label issues, update lock files and the like.

use crate::knowledge::ci_programs;
use crate::lang::ci::{self, Site, System, github};
use crate::lang::shell::{self, Command};
use crate::lang::yaml::Yaml;

use super::nix::commands;

/// What a CI file does with the repository's code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Whether it builds or tests the code when the code changes.
    pub works: bool,
    /// Whether it runs a program whose name indicates a check. What the program checks is not known.
    pub may_check: bool,
}

/// The purpose of a CI file.
pub fn of(yaml: &Yaml<'_, '_>, system: System) -> Purpose {
    let mut purpose = Purpose::default();
    if system == System::GitHub && !runs_on_changes(yaml) {
        return purpose;
    }
    for site in ci::sites(yaml, system) {
        match site {
            Site::Script(script) => {
                for command in shell::commands(&script.text) {
                    purpose.works |= works(&command);
                    purpose.may_check |= may_check(&command);
                }
            }
            Site::Uses { name, .. } => {
                let name = ci::action_name(&name).to_ascii_lowercase();
                purpose.works |=
                    ci_programs::BUILD_WORDS.iter().any(|word| name.contains(word)) && !name.contains("install");
            }
        }
    }
    purpose
}

/// Whether a workflow runs on changes; also true if it does not specify its events.
fn runs_on_changes(yaml: &Yaml<'_, '_>) -> bool {
    let says = yaml.documents().next().is_some_and(|root| yaml.get(root, "on").is_some());
    !says || github::runs_on(yaml, &ci_programs::CHANGE_EVENTS)
}

fn works(command: &Command<'_>) -> bool {
    let program = command.program();
    if program.contains('=') || ci_programs::HOUSEKEEPING.contains(&program) {
        return false;
    }
    match program {
        "nix" => commands::builds(command).is_some() || command.has("fmt") || command.has("eval"),
        _ if program.starts_with("nix") => commands::builds(command).is_some(),
        _ => true,
    }
}

/// Whether a command runs a check, judging by its name: `stylix-check`, `nix run .#ci`. A path refers to a file in the
/// repository, which is read separately.
fn may_check(command: &Command<'_>) -> bool {
    let path = command.word(0).unwrap_or("");
    if command.program() == "nix" && runs_package(command) {
        let own = command.arguments().find(|word| word.starts_with(".#") || word.starts_with('#'));
        return own.and_then(|own| own.rsplit(['#', '.']).next()).is_some_and(|name| says_check(name, 1));
    }
    !path.contains(['/', '$']) && says_check(path, 2)
}

/// Whether a command is `nix run`. The `run` in `nix develop .#test -c pnpm run build` belongs to another program.
fn runs_package(command: &Command<'_>) -> bool {
    let is_subcommand = |word: &&str| matches!(*word, "run" | "develop" | "shell" | "build" | "flake" | "fmt" | "eval");
    command.arguments().find(is_subcommand) == Some("run")
}

/// Whether a name has at least `least` words and one of them indicates a check. The single words `check`, `checks` and
/// `ci` are also accepted: few common programs have these names.
fn says_check(name: &str, least: usize) -> bool {
    let words: Vec<&str> = name.split(['-', '_', '.']).collect();
    let means = |word: &&str| matches!(*word, "check" | "checks" | "ci" | "test" | "tests" | "verify" | "validate");
    (words.len() >= least || matches!(name, "check" | "checks" | "ci")) && words.iter().any(means)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Tree};

    fn purpose(on: &str, steps: &str) -> Purpose {
        let text = format!("{on}jobs:\n  a:\n    runs-on: x\n    steps:\n{steps}");
        let tree = Tree::parse(Language::Yaml, &text).unwrap();
        of(&Yaml::new(&tree), System::GitHub)
    }

    #[test]
    fn workflows_that_build_or_test_the_code_are_recognised() {
        for (on, steps, works) in [
            ("on: push\n", "      - run: cargo test\n", true),
            ("on: [pull_request]\n", "      - run: nix build\n", true),
            ("", "      - run: make\n", true),
            ("on: push\n", "      - uses: docker/build-push-action@v6\n", true),
            ("on: push\n", "      - run: nix fmt -- --ci\n", true),
            ("on: workflow_dispatch\n", "      - run: nix build\n", false),
            ("on: { schedule: [{ cron: \"0 0 * * *\" }] }\n", "      - run: nix build\n", false),
            ("on: push\n", "      - run: nix flake update\n", false),
            ("on: push\n", "      - uses: actions/labeler@v5\n", false),
            (
                "on: push\n",
                "      - run: |\n          if [ -n \"$X\" ]; then\n            git push\n          fi\n",
                false,
            ),
            ("on: push\n", "      - uses: DeterminateSystems/flake-checker-action@v4\n", false),
        ] {
            assert_eq!(purpose(on, steps).works, works, "{on}{steps}");
        }
    }

    #[test]
    fn programs_that_may_run_the_checks_are_recognised() {
        for (run, expected) in [
            ("nix develop --command stylix-check", true),
            ("nix run .#ci", true),
            ("nix run .#tests.all -- -v", false),
            ("nix run .#run-tests", true),
            ("nix run .#deploy", false),
            ("nix develop -c cargo test", false),
            ("nix develop .#test -c pnpm run build", false),
            ("nix shell .#ci -c cargo run", false),
            ("nix --accept-flake-config run .#ci", true),
            ("./ci/check.sh", false),
            ("shellcheck a.sh", false),
        ] {
            assert_eq!(purpose("on: push\n", &format!("      - run: {run}\n")).may_check, expected, "{run}");
        }
    }
}
