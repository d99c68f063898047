//! Findings that are new compared with the whole tree of an earlier commit.

use crate::support::Repository;

/// A repository with a registry, a file that uses it, and old findings.
fn repository() -> Repository {
    let repository = Repository::new(&[
        ("lib/ports.nix", "{\n  web = 8080;\n  db = 5432;\n}\n"),
        ("web.nix", "{ services.web.port = (import ./lib/ports.nix).web; }\n"),
        ("other.nix", "{ services.other.port = 9000; }\n"),
        ("old.nix", "import <nixpkgs> { }\n"),
    ]);
    repository.commit("t", "2026-01-01");
    repository.git(&["switch", "-qc", "topic"]);
    repository
}

/// Paths, lines and rules of the new findings.
fn new(repository: &Repository, options: &str) -> String {
    new_in(repository, "", options)
}

/// The new findings of a run in a folder.
fn new_in(repository: &Repository, folder: &str, options: &str) -> String {
    let options = format!("--format concise {options}");
    let ran = repository.run_words_in(folder, &options.split_whitespace().collect::<Vec<_>>());
    assert_ne!(ran.code, 2, "{}", ran.err);
    let place = |line: &str| {
        let rule = line.split(['[', ']']).nth(1).unwrap_or_default();
        format!("{}:{rule}", line.split(':').take(2).collect::<Vec<_>>().join(":"))
    };
    ran.out.lines().map(place).collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_is_new_in_an_unchanged_tree() {
    let repository = repository();
    assert_eq!(new(&repository, "--new-since main"), "");
    assert_eq!(repository.run("--new-since main --fail-on hint").code, 0);
    // Moving lines and renaming files does not make findings new.
    repository.write("old.nix", "# more\n\nimport <nixpkgs> { }\n");
    repository.git(&["mv", "other.nix", "moved.nix"]);
    repository.write("sub/old.nix", &repository.read("old.nix"));
    std::fs::remove_file(repository.path().join("old.nix")).unwrap();
    assert_eq!(new(&repository, "--new-since main"), "");
    let ran = repository.run("--new-since main -v");
    assert!(ran.err.contains(" that commit "), "{}", ran.err);
}

/// A change to another file causes the finding.
#[test]
fn a_finding_in_a_file_that_did_not_change_is_new() {
    let repository = repository();
    repository.write("lib/ports.nix", "{\n  web = 8080;\n  db = 5432;\n  web2 = 8080;\n}\n");
    repository.commit("t", "2026-01-02");
    let found = new(&repository, "--new-since main");
    assert!(found.contains("lib/ports.nix:4:port-conflict"), "{found}");
    // Another file uses an entry that no longer exists.
    repository.write("lib/ports.nix", "{\n  db = 5432;\n}\n");
    assert_eq!(new(&repository, "--new-since main"), "web.nix:1:unknown-port");
    assert_eq!(new(&repository, "--changed=main"), "");
    // The last use of an entry is gone: the entry's line did not change.
    let uses = [("lib/ports.nix", "{\n  web = 8080;\n}\n"), ("use.nix", "(import ./lib/ports.nix).web\n")];
    let repository = Repository::new(&uses);
    repository.commit("t", "2026-01-01");
    std::fs::remove_file(repository.path().join("use.nix")).unwrap();
    assert_eq!(new(&repository, "--new-since main"), "lib/ports.nix:2:unused-port");
    assert_eq!(new(&repository, "--changed=main"), "");
}

#[test]
fn a_conflict_with_an_unchanged_line_is_new() {
    let repository =
        Repository::new(&[("a/ports.nix", "{ a = 3000; b = 3001; }\n"), ("b/ports.nix", "{ c = 3002; d = 3003; }\n")]);
    repository.commit("t", "2026-01-01");
    repository.write("a/ports.nix", "{ a = 3000; b = 3002; }\n");
    assert_eq!(new(&repository, "--new-since main --select port-conflict"), "b/ports.nix:1:port-conflict");
    assert_eq!(new(&repository, "--new-since main --select port-conflict b"), "b/ports.nix:1:port-conflict");
}

/// The rule had a finding on the same line before, but with another cause.
#[test]
fn a_conflict_with_a_different_service_is_new() {
    let repository = Repository::new(&[
        ("a/ports.nix", "{\n  first = 3000;\n  other = 3001;\n}\n"),
        ("b/ports.nix", "{\n  web = 3000;\n}\n"),
    ]);
    repository.commit("t", "2026-01-01");
    assert_eq!(repository.run("--select port-conflict").code, 1);
    // Moving lines does not change which service conflicts.
    repository.write("a/ports.nix", "{\n\n  other = 3001;\n  first = 3000;\n}\n");
    assert_eq!(new(&repository, "--new-since main --select port-conflict"), "");
    repository.write("a/ports.nix", "{\n  first = 3001;\n  other = 3000;\n}\n");
    assert_eq!(new(&repository, "--new-since main --select port-conflict"), "b/ports.nix:2:port-conflict");
    let processes = |first: &str| {
        format!(
            "version: \"0.5\"\nprocesses:\n  {first}:\n    command: serve --port 8080\n    readiness_probe:\n      \
             http_get: {{ host: localhost, port: 8080 }}\n  web:\n    command: serve --port 8080\n    \
             readiness_probe:\n      http_get: {{ host: localhost, port: 8080 }}\n"
        )
    };
    let repository = Repository::new(&[("process-compose.yaml", &processes("api"))]);
    repository.commit("t", "2026-01-01");
    assert_eq!(repository.run("--select port-conflict").code, 1);
    assert_eq!(new(&repository, "--new-since main --select port-conflict"), "");
    repository.write("process-compose.yaml", &processes("app"));
    assert!(new(&repository, "--new-since main --select port-conflict").contains(":port-conflict"));
}

/// The cause is in another file: the registry or the lock file.
#[test]
fn findings_that_only_another_file_causes_are_new() {
    let lock = r#"{"nodes": {"n": {"locked": {"type": "github", "owner": "NixOS", "repo": "nixpkgs",
        "rev": "b18a4b905f8d028dc4476412e6d6891728695379", "lastModified": 1767225600,
        "narHash": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "original": {"type": "github",
        "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-26.05"}}, "root": {"inputs": {"nixpkgs": "n"}}},
        "root": "root", "version": 7}"#;
    let flake = "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\";\n  outputs = _: { };\n}\n";
    let registry = [
        ("lib/ports.nix", "{\n  db = 5432;\n}\n"),
        ("ci.yaml", "services:\n  # Port from lib/ports.nix: db = 5432\n  port: 5432\n"),
    ];
    let flake = [("flake.nix", flake), ("flake.lock", lock)];
    for (files, path, after, expected) in [
        (registry, "lib/ports.nix", Some("{\n  db = 5433;\n}\n"), "ci.yaml:2:port-drift"),
        (registry, "lib/ports.nix", Some("{\n  db2 = 5432;\n}\n"), "ci.yaml:2:unknown-port"),
        (flake, "flake.lock", None, "flake.nix:2:unlocked-input"),
    ] {
        let repository = Repository::new(&files);
        repository.commit("t", "2026-01-01");
        assert_eq!(new(&repository, "--new-since main --now 2026-06-01"), "", "{files:?}");
        match after {
            Some(text) => repository.write(path, text),
            None => std::fs::remove_file(repository.path().join(path)).unwrap(),
        }
        let found = new(&repository, "--new-since main --now 2026-06-01");
        assert!(found.split(' ').any(|finding| finding == expected), "{expected}: {found}");
    }
}

#[test]
fn later_commits_on_the_base_branch_are_ignored() {
    let repository = repository();
    repository.git(&["switch", "-q", "main"]);
    repository.write("old.nix", "{ }\n");
    repository.commit("t", "2026-01-02");
    repository.git(&["switch", "-q", "topic"]);
    assert_eq!(new(&repository, "--new-since main"), "");
}

#[test]
fn current_suppressions_exclusions_and_settings_apply() {
    let repository = repository();
    // Raising the level of a rule does not make findings new.
    repository.write("flakeward.toml", "[rules]\nlookup-path.level = \"error\"\n");
    assert_eq!(new(&repository, "--new-since main"), "");
    // A finding that is no longer accepted is new.
    repository.write("flakeward.toml", "");
    repository.write("old.nix", "import <nixpkgs> { } # flakeward: allow(lookup-path) for now\n");
    repository.commit("t", "2026-01-02");
    repository.write("old.nix", "import <nixpkgs> { }\n");
    assert_eq!(new(&repository, "--new-since HEAD"), "old.nix:1:lookup-path");
    repository.write("flakeward.toml", "exclude = [\"old.nix\"]\n");
    assert_eq!(new(&repository, "--new-since HEAD"), "");
}

/// The earlier tree is checked only for the rules that have findings now, unless there are unused suppressions: whether
/// a suppression was used in the earlier tree depends on all rules.
#[test]
fn a_suppression_that_is_no_longer_used_is_new() {
    let repository = repository();
    let allowed = "#!/bin/sh\n# flakeward: allow(dev-command) only on laptops\n";
    repository.write("serve.sh", &format!("{allowed}npm run dev\n"));
    repository.write("unused.sh", &format!("{allowed}true\n"));
    repository.commit("t", "2026-01-02");
    repository.write("serve.sh", allowed);
    repository.write("unused.sh", &format!("{allowed}false\n"));
    assert_eq!(new(&repository, "--new-since HEAD"), "serve.sh:2:unused-suppression");
}

#[test]
fn uncommitted_files_and_scripts_are_compared() {
    let repository = repository();
    repository.write("new.nix", "import <nixpkgs> { }\n");
    repository.write("bin/serve", "#!/bin/sh\nnpm run dev\n");
    assert_eq!(new(&repository, "--new-since main"), "bin/serve:2:dev-command new.nix:1:lookup-path");
    assert_eq!(new(&repository, "--new-since main new.nix"), "new.nix:1:lookup-path");
    repository.commit("t", "2026-01-02");
    assert_eq!(new(&repository, "--new-since HEAD"), "");
    // A script without an extension is also recognised by its content in the commit.
    repository.write("bin/serve", "#!/bin/sh\n# more\nnpm run dev\n");
    assert_eq!(new(&repository, "--new-since HEAD"), "");
    repository.write("bin/serve", "#!/bin/sh\nnpm run dev\nyarn run dev\n");
    assert_eq!(new(&repository, "--new-since HEAD"), "bin/serve:3:dev-command");
}

/// Repositories may use SHA-256 object ids, and line endings in the working tree may differ from those in commits.
#[test]
fn object_formats_and_line_endings_do_not_matter() {
    let repository = Repository::new(&[]);
    std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
    repository.git(&["init", "-q", "--object-format=sha256"]);
    repository.write("old.nix", "[\n  <a>\n]\n");
    repository.commit("t", "2026-01-01");
    repository.write("new.nix", "<b>\n");
    assert_eq!(new(&repository, "--new-since main"), "new.nix:1:lookup-path");
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.write("old.nix", "[\r\n  <a>\r\n]\r\n");
    assert_eq!(new(&repository, "--new-since main"), "new.nix:1:lookup-path");
}

/// A linked working tree shares the objects of the main one, and a flake in a folder is compared with that folder.
#[test]
fn linked_working_trees_and_folders_are_compared() {
    let repository = repository();
    repository.write("flake/flake.nix", "{ outputs = _: { }; }\n");
    repository.write("flake/old.nix", "<a>\n");
    repository.commit("t", "2026-01-02");
    repository.git(&["gc", "-q"]);
    repository.git(&["worktree", "add", "-q", "linked", "-b", "other"]);
    repository.write("linked/new.nix", "<b>\n");
    repository.write("linked/old.nix", "# more\nimport <nixpkgs> { }\n");
    assert_eq!(new_in(&repository, "linked", "--new-since topic"), "new.nix:1:lookup-path");
    repository.write("flake/new.nix", "<b>\n");
    assert_eq!(new_in(&repository, "flake", "--new-since topic"), "new.nix:1:lookup-path");
}

#[test]
fn no_configured_program_is_started_and_branches_take_precedence_over_tags() {
    let repository = repository();
    let marker = repository.path().join("started");
    let program = format!("touch {} && cat", marker.display());
    for key in ["diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "core.pager"] {
        repository.git(&["config", key, &program]);
    }
    repository.write(".gitattributes", "* diff=evil filter=evil\n");
    repository.write("new.nix", "<b>\n");
    assert_eq!(new(&repository, "--new-since main"), "new.nix:1:lookup-path");
    assert!(!marker.exists());
    // A tag with the branch's name does not take precedence over it.
    repository.try_git(&["-c", "core.fsmonitor=false", "tag", "main", "topic"]);
    assert_eq!(new(&repository, "--new-since main"), "new.nix:1:lookup-path");
}

#[test]
fn invalid_uses_of_new_since_are_rejected() {
    let repository = Repository::new(&[("a.nix", "<a>\n")]);
    assert!(repository.refused("--new-since main").contains("--new-since requires at least one commit"));
    repository.commit("t", "2026-01-01");
    assert!(repository.refused("--new-since nowhere").contains("`nowhere` is not a commit in this repository"));
    assert!(repository.refused("--new-since main --changed").contains("cannot be used with"));
    assert!(repository.refused("--new-since=--output=x").contains("is not a commit"));
    std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
    repository.write("flake.nix", "{ }\n");
    assert!(repository.refused("--new-since main").contains("--new-since requires a Git repository"));
}
