//! A policy that is an input of several flakes, with the real Nix and without a network.

use std::path::Path;

use crate::flake::{Nix, flakeward, nixpkgs, system};
use crate::support::{FLAKEWARD, Ran, Repository, have, ran};

/// A repository whose flake has the policy as an input and is checked by flakeward.
fn user(policy: &Repository, flakeward: &Repository, nixpkgs: &Path) -> Repository {
    let system = system();
    let flake = format!(
        "{{\n  inputs.nixpkgs.url = \"path:{}\";\n  inputs.flakeward.url = \"git+file://{}\";\n  \
         inputs.platform-policy.url = \"git+file://{}\";\n  outputs = {{ self, nixpkgs, flakeward, platform-policy }}: {{\n    \
         checks.{system}.flakeward = flakeward.lib.mkCheck {{\n      pkgs = nixpkgs.legacyPackages.{system};\n      \
         src = self;\n      policy = platform-policy;\n      extraArgs = [ \"--select\" \"lookup-path\" ];\n    }};\n  }};\n}}\n",
        nixpkgs.display(),
        flakeward.path().display(),
        policy.path().display(),
    );
    Repository::new(&[
        ("flake.nix", &flake),
        ("flakeward.toml", "[policy]\nextends = \"flake:platform-policy\"\n"),
        ("shell.nix", "import <nixpkgs> { }\n"),
    ])
}

/// Runs flakeward outside Nix, with the store that contains the inputs.
fn check(nix: &Nix, repository: &Repository) -> Ran {
    let mut command = repository.command(FLAKEWARD);
    command.args(["check", "--select", "lookup-path", "--format", "concise", "--color", "never"]);
    ran(&command.env("NIX_STORE_DIR", nix.store()).output().unwrap())
}

#[test]
fn each_repository_uses_the_policy_that_its_lock_pins() {
    if !have(&["git", "nix"]) {
        return;
    }
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(None), flakeward());
    let policy = Repository::new(&[
        ("flake.nix", "{ outputs = _: { }; }\n"),
        ("flakeward.toml", "[rules]\nlookup-path.level = \"warn\"\n"),
    ]);
    policy.commit().ok();
    let (one, other) = (user(&policy, &flakeward, nixpkgs.path()), user(&policy, &flakeward, nixpkgs.path()));
    for repository in [&one, &other] {
        repository.add_all();
        let said = check(&nix, repository);
        assert!(said.code == 2 && said.said.contains("cannot read flake.lock"), "{}", said.said);
        nix.lock(repository, "flake lock").ok();
        repository.add_all();
        assert!(check(&nix, repository).ok().contains("shell.nix:1:8: warn[lookup-path]"));
        nix.lock(repository, "flake check").ok();
    }
    // The policy becomes stricter. The repository that updates its lock gets the new version, the other does not.
    policy.write("flakeward.toml", "[policy]\nlocked = [\"lookup-path\"]\n[rules]\nlookup-path.level = \"error\"\n");
    policy.commit().ok();
    nix.lock(&one, "flake lock --update-input platform-policy").ok();
    one.add_all();
    let said = check(&nix, &one);
    assert!(said.code == 1 && said.said.contains("shell.nix:1:8: error[lookup-path]"), "{}", said.said);
    assert!(check(&nix, &other).ok().contains("warn[lookup-path]"));
    // The source of the check has no `.git`, but everything in it is tracked.
    one.write(".gitignore", "shell.nix\n");
    one.add_all();
    let stopped = nix.lock(&one, "flake check");
    assert!(stopped.code != 0 && stopped.said.contains("shell.nix:1:8: error[lookup-path]"), "{}", stopped.said);
    nix.lock(&other, "flake check").ok();
    // A locked rule cannot be lowered in the repository's file. The settings of `mkCheck` take precedence over the
    // file.
    one.write(
        "flakeward.toml",
        "[policy]\nextends = \"flake:platform-policy\"\n[rules]\nlookup-path.level = \"off\"\n",
    );
    let said = check(&nix, &one);
    assert!(said.code == 2 && said.said.contains("[flakeward.toml:4:21]"), "{}", said.said);
    let flake = std::fs::read_to_string(other.path().join("flake.nix")).unwrap();
    let settings = "src = self; settings.rules.lookup-path.level = \"error\";";
    other.write("flake.nix", flake.replace("src = self;", settings));
    other.add_all();
    let stopped = nix.lock(&other, "flake check");
    assert!(stopped.code != 0 && stopped.said.contains("error[lookup-path]"), "{}", stopped.said);
    // If the input is not in the store, the error names a remedy.
    let elsewhere = Nix::new();
    let said = check(&elsewhere, &other);
    assert!(said.code == 2 && said.said.contains("`nix flake archive` copies all inputs"), "{}", said.said);
    let mut command = other.command(FLAKEWARD);
    command.args(["check", "--select", "lookup-path", "--policy-path"]).arg(policy.path());
    assert!(ran(&command.output().unwrap()).said.contains("error"), "the policy in the named folder is the strict one");
}
