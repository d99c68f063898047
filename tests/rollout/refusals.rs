//! Commands that read the history say why they cannot: git is missing, or does not read the repository of another user.

use crate::support::Repository;

const ACCEPTING: &str = "# flakeward: allow(lookup-path) why\n<a>\n";

/// Commands that need git.
const COMMANDS: [&str; 4] = ["--changed", "--changed=main", "--new-since main", "accepted"];

#[test]
fn a_repository_of_another_user_is_not_called_missing() {
    let repository = Repository::new(&[("a.nix", ACCEPTING)]);
    repository.commit("t", "2026-01-01");
    // Git's own tests use this variable.
    let other = ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    for command in COMMANDS {
        let ran = repository.run_with(other, command);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{command}: {}", ran.err);
        assert!(ran.err.contains("git does not read this repository: detected dubious ownership"), "{}", ran.err);
        assert!(ran.err.contains("`git config --global --add safe.directory /"), "{command}: {}", ran.err);
        assert!(!ran.err.contains("is not one"), "{command}: {}", ran.err);
    }
    // Nothing else needs git.
    assert_eq!(repository.run_with(other, "--fail-on hint").code, 0);
}

#[test]
fn a_missing_git_is_reported_by_the_commands_that_need_it() {
    let repository = Repository::new(&[("a.nix", ACCEPTING), ("b.nix", "{ services.x.port = 8080; }\n")]);
    repository.commit("t", "2026-01-01");
    let none = ("PATH", "/nowhere");
    for command in COMMANDS {
        let ran = repository.run_with(none, command);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{command}: {}", ran.err);
        assert!(ran.err.starts_with("error: git cannot be started: there is no `git` on PATH\n"), "{}", ran.err);
    }
    for (command, code) in [("check", 1), ("fix --diff", 1), ("baseline", 0), ("ports", 0), ("ports init", 0)] {
        let ran = repository.run_with(none, command);
        assert_eq!(ran.code, code, "{command}: {}", ran.err);
        assert!(!ran.err.contains("git cannot be started"), "{command}: {}", ran.err);
    }
}
