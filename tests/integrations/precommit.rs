//! Git hooks: the real pre-commit, prek and lefthook, with the README's snippets unchanged.

use std::fs;
use std::path::Path;

use crate::support::{PROJECT, Repository, have, project_files, ran, release, required, snippet};

const ADDRESS: &str = "https://github.com/flakeward/flakeward";
const REGISTRY: &str = "{\n  databases.redis = 6379;\n}\n";
const BAD: &str = "{\n  services.redis.servers.main.port = 6379;\n}\n";
const GOOD: &str =
    "let\n  ports = import ../ports.nix;\nin\n{\n  services.redis.servers.main.port = ports.databases.redis;\n}\n";
const FOUND: &str = "modules/cache.nix:2:38";

/// A release with only the manifest, which is all that the hook `flakeward-system` needs.
fn manifest() -> Repository {
    release([".pre-commit-hooks.yaml"].iter())
}

/// A repository with an existing finding that is not fixed, and a configuration for a hook runner.
fn user(config: &str, text: &str, release: &Repository) -> Repository {
    let mut user = Repository::new(&[
        ("ports.nix", REGISTRY),
        ("flakeward.toml", "exclude = [\"vendor\"]\n"),
        ("old/redis.nix", BAD),
        (config, text),
    ]);
    user.mirror(ADDRESS, release.path());
    user
}

/// Checks that a commit with a finding is rejected and the finding is shown, and that a commit without findings, of
/// excluded files, or of files that no rule checks is accepted.
fn assert_hook_guards_commits(user: &Repository) {
    user.write("modules/cache.nix", BAD);
    let stopped = user.commit();
    assert_ne!(stopped.code, 0, "{}", stopped.said);
    assert!(stopped.said.contains(FOUND), "{}", stopped.said);
    assert!(!stopped.said.contains("old/redis.nix"), "only what is committed is reported:\n{}", stopped.said);

    user.write("modules/cache.nix", GOOD);
    user.commit().ok();
    user.write("vendor/cache.nix", BAD);
    user.commit().ok();
    user.write("NOTES", "nothing for flakeward\n");
    user.write("notes.md", "nothing for any hook\n");
    user.commit().ok();

    // Hooks pass the names of files, which may look like options.
    user.write("--help", "\n");
    user.write("modules/cache.nix", BAD);
    let stopped = user.commit();
    assert!(stopped.code != 0 && stopped.said.contains(FOUND), "{}", stopped.said);
}

#[test]
fn the_hook_works_in_pre_commit() {
    if !have(&["git", "pre-commit"]) {
        return;
    }
    let release = manifest();
    let config = snippet(".pre-commit-config.yaml").replace("id: flakeward\n", "id: flakeward-system\n");
    let user = user(".pre-commit-config.yaml", &config, &release);
    user.commit().ok();
    user.run("pre-commit install").ok();
    assert_hook_guards_commits(&user);
    let all = user.run("pre-commit run --all-files");
    assert_eq!(all.code, 1, "{}", all.said);
    assert!(all.said.contains("old/redis.nix") && !all.said.contains("vendor"), "{}", all.said);
}

#[test]
fn the_hook_works_in_prek() {
    if !have(&["git", "prek"]) {
        return;
    }
    let release = manifest();
    let config = snippet(".pre-commit-config.yaml").replace("id: flakeward\n", "id: flakeward-system\n");
    let user = user(".pre-commit-config.yaml", &config, &release);
    user.commit().ok();
    user.run("prek install").ok();
    assert_hook_guards_commits(&user);
}

#[test]
fn the_hook_works_in_lefthook() {
    if !have(&["git", "lefthook"]) {
        return;
    }
    let user = user("lefthook.yml", &snippet("lefthook.yml"), &manifest());
    user.commit().ok();
    user.run("lefthook install").ok();
    assert_hook_guards_commits(&user);
}

/// The hook that builds flakeward from source. This takes minutes, or less if the artefacts of a release build exist.
#[test]
fn pre_commit_builds_flakeward_from_source() {
    if !required() {
        eprintln!("skipped: building takes minutes, and FLAKEWARD_REQUIRE_TOOLS is not 1");
        return;
    }
    assert!(have(&["git", "pre-commit", "cargo"]));
    let release = release(project_files().into_iter());
    let user = user(".pre-commit-config.yaml", &snippet(".pre-commit-config.yaml"), &release);
    user.commit().ok();
    user.run("pre-commit install").ok();
    // Uses the machine's own Cargo and rustup folders, and the artefacts of an earlier release build.
    let home = std::env::home_dir().unwrap();
    let folder = |name: &str, usual: &str| std::env::var_os(name).map_or_else(|| home.join(usual), Into::into);
    let installed = user
        .command("pre-commit install-hooks")
        .env("CARGO_HOME", folder("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", folder("RUSTUP_HOME", ".rustup"))
        .env("CARGO_TARGET_DIR", Path::new(PROJECT).join("target"))
        .output()
        .unwrap();
    ran(&installed).ok();
    assert_hook_guards_commits(&user);
}

/// The filter in the manifest accepts the names of all files that flakeward reads, but not those of documents or source
/// code.
#[test]
fn hooks_run_on_the_files_that_flakeward_reads() {
    if !have(&["git", "pre-commit"]) {
        return;
    }
    let read = [
        "flake.nix",
        "a/b.YAML",
        "compose.yml",
        "Dockerfile",
        "docker/Dockerfile.alpine",
        "api.Dockerfile",
        "Containerfile",
        "flake.lock",
        "sub/flake.lock",
        "justfile",
        ".justfile",
        "Justfile",
        "dev.just",
        "Makefile",
        "GNUmakefile",
        "rules.mk",
        "x.sh",
        "bin/deploy",
        "docker-compose-example.json",
        "arion-compose.json",
        "flakeward.toml",
        ".flakeward.toml",
        ".flakeward/rules/own.md",
        ".flakeward/baseline.json",
    ];
    let passed_over =
        ["README.md", "src/main.rs", "package.json", "Cargo.lock", "Cargo.toml", "docs/flakeward.toml.md"];
    let manifest = fs::read_to_string(Path::new(PROJECT).join(".pre-commit-hooks.yaml")).unwrap();
    let filters: Vec<_> = manifest.lines().filter_map(|line| line.trim().strip_prefix("files: ")).collect();
    let filter = filters[0];
    assert!(filters.len() == 4 && filters.iter().all(|other| *other == filter), "{filters:?}");
    let config = format!(
        "repos:\n- repo: local\n  hooks:\n  - id: names\n    name: names\n    language: system\n    entry: ls\n    \
         require_serial: true\n    files: {filter}\n"
    );
    let user = Repository::new(&[(".pre-commit-config.yaml", &config)]);
    read.iter().chain(&passed_over).for_each(|path| user.write(path, "x\n"));
    user.add_all();
    let said = user.run("pre-commit run --all-files --verbose").ok();
    let listed: Vec<&str> = said.lines().collect();
    for path in read {
        assert!(listed.contains(&path), "{path} is not passed on:\n{said}");
        assert!(
            flakeward::walk::by_name(path).is_some() || path.contains("flakeward") || path == "bin/deploy",
            "{path}"
        );
    }
    for path in passed_over {
        assert!(!listed.contains(&path), "{path} is passed on:\n{said}");
    }
}
