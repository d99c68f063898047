//! One policy for several repositories.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::Repository;

/// A folder with a policy and the repositories that extend it.
struct Fleet(TempDir);

impl Fleet {
    fn new(policy: &str) -> Self {
        let fleet = Self(TempDir::new().unwrap());
        fleet.write("policy/flakeward.toml", policy);
        fleet
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A repository next to the policy.
    fn repository(&self, name: &str, files: &[(&str, &str)]) -> Repository {
        Repository::at(&self.0.path().join(name), files)
    }
}

const EXTENDS: &str = "[policy]\nextends = \"../policy\"\n";

#[test]
fn repository_settings_override_policy_settings() {
    let fleet = Fleet::new(
        "exclude = [\"vendored\"]\ncheck-third-party = true\n[rules]\nlookup-path.level = \"error\"\n\
         unlocked-input.level = \"off\"\n[[overrides]]\npaths = [\"tests\"]\nrules.lookup-path = \"off\"\n",
    );
    let repository = fleet.repository(
        "a",
        &[
            ("flakeward.toml", EXTENDS),
            ("a.nix", "<a>\n"),
            ("tests/b.nix", "<b>\n"),
            ("vendored/c.nix", "<c>\n"),
            ("old/d.nix", "<d>\n"),
        ],
    );
    let found = |repository: &Repository| {
        let out = repository.run("--format concise").out;
        out.lines().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(found(&repository), ["a.nix:1:1 error[lookup-path]", "old/d.nix:1:1 error[lookup-path]"]);
    // The repository's own file takes precedence over the policy, and its lists are added to the policy's lists.
    let own = "exclude = [\"old\"]\n[rules]\nlookup-path.level = \"hint\"\n[[overrides]]\npaths = [\"tests\"]\n\
               rules.lookup-path = \"warn\"\n";
    repository.write("flakeward.toml", &format!("{own}{EXTENDS}"));
    assert_eq!(found(&repository), ["a.nix:1:1 hint[lookup-path]", "tests/b.nix:1:1 warn[lookup-path]"]);
    // Entries that match nothing are only reported where the repository can change them, not in the policy.
    fs::remove_dir_all(repository.path().join("vendored")).unwrap();
    fs::remove_dir_all(repository.path().join("old")).unwrap();
    let found = found(&repository);
    assert_eq!(found[1], "flakeward.toml:1:12 warn[unused-suppression]", "{found:?}");
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_locked_rule_cannot_be_lowered() {
    let fleet = Fleet::new(
        "[policy]\nlocked = [\"lookup-path\", \"nix-cache\", \"dockerfile\"]\n[rules]\nlookup-path.level = \"error\"\n",
    );
    let repository = fleet.repository("a", &[("a.nix", "<a>\n")]);
    for (own, place, what) in [
        (
            "[rules]\nlookup-path.level = \"warn\"\n",
            "[flakeward.toml:2:21]",
            "its level must be at least error, not warn",
        ),
        (
            "[[overrides]]\npaths = [\"a.nix\"]\nrules.lookup-path = \"off\"\n",
            "[flakeward.toml:3:21]",
            "its level must be at least error, not off",
        ),
        ("[rules]\ndockerfile.level = \"off\"\n", "[flakeward.toml:2:20]", "its level must be at least error, not off"),
    ] {
        repository.write("flakeward.toml", &format!("{own}{EXTENDS}"));
        let said = repository.refused("check");
        assert!(said.contains(place) && said.contains(what), "{said}");
    }
    // A level can be raised, and rules that are not locked can be changed.
    repository.write(
        "flakeward.toml",
        &format!("[rules]\nlookup-path.level = \"error\"\nunused-port.level = \"off\"\n{EXTENDS}"),
    );
    assert_eq!(repository.run("check").code, 1);
    // Additional settings cannot lower a locked rule either.
    repository.write("more.toml", "[rules]\nlookup-path.level = \"off\"\n");
    assert!(repository.refused("--settings more.toml").contains("[more.toml:2:21]"));
    fleet.write("policy/flakeward.toml", "[policy]\nlocked = [\"lookup-pat\"]\n");
    let said = repository.refused("check");
    assert!(said.contains("policy/flakeward.toml:2:11]") && said.contains("did you mean `lookup-path`?"), "{said}");
}

#[test]
fn options_of_a_locked_rule_come_from_the_policy() {
    let schema: Value = serde_json::from_str(&Repository::new(&[]).run("config schema").out).unwrap();
    let rules = schema["properties"]["rules"]["properties"].as_object().unwrap();
    let (rule, option, default) = rules
        .iter()
        .find_map(|(rule, about)| {
            let options = about["anyOf"].as_array()?.iter().find_map(|form| form["properties"].as_object())?;
            let (option, about) = options.iter().find(|(key, _)| *key != "level")?;
            Some((rule, option, about["default"].to_string()))
        })
        .unwrap();
    let fleet = Fleet::new(&format!("[policy]\nlocked = [\"{rule}\"]\n"));
    let repository =
        fleet.repository("a", &[("flakeward.toml", &format!("[rules.{rule}]\n{option} = {default}\n{EXTENDS}"))]);
    let said = repository.refused("check");
    let expected = format!("the policy locks `{rule}`: its option `{option}` can only be set in the policy");
    assert!(said.contains(&expected) && said.contains("[flakeward.toml:2:1]"), "{said}");
}

#[test]
fn policy_rules_apply_to_every_repository() {
    let page = "+++\nid = \"no-a\"\nlevel = \"error\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nattrpath = [\"a\"]\n\
                message = \"a is set\"\n+++\n\n## Why\n\nIt is.\n";
    let fleet = Fleet::new("[policy]\nlocked = [\"local/no-a\"]\n");
    fleet.write("policy/.flakeward/rules/no-a.md", page);
    let repository = fleet.repository("a", &[("flakeward.toml", EXTENDS), ("a.nix", "{ a = 1; }\n")]);
    let ran = repository.run("--format concise");
    assert_eq!((ran.code, ran.out.as_str()), (1, "a.nix:1:3: error[local/no-a]: a is set\n"));
    assert!(repository.run("explain local/no-a").out.contains("It is."));
    assert!(repository.run("rules").out.contains("local/no-a"));
    repository.write(".flakeward/rules/no-a.md", page);
    assert!(repository.refused("check").contains("is in the policy and in the repository"));
}

#[test]
fn a_policy_that_cannot_be_used_is_an_error_at_its_line() {
    let fleet = Fleet::new("");
    let repository = fleet.repository("a", &[("a.nix", "{ }\n")]);
    for (extends, what) in [
        ("../nowhere", "it does not exist"),
        ("/etc", "`/etc` is not a policy"),
        ("https://example.org/policy", "is not a policy"),
        ("", "is not a policy"),
        ("../policy/flakeward.toml", "is not a directory"),
        ("flake:policy", "cannot read flake.lock: it does not exist"),
    ] {
        repository.write("flakeward.toml", &format!("[policy]\nextends = \"{extends}\"\n"));
        let said = repository.refused("check");
        assert!(said.contains("[flakeward.toml:2:11]") && said.contains(what), "{extends}: {said}");
        // The command line takes precedence.
        assert_eq!(repository.run("--policy-path ../policy").code, 0, "{extends}");
        assert_eq!(repository.run("--isolated").code, 0, "{extends}");
    }
    assert!(repository.refused("--policy-path ../nowhere").contains("cannot access the policy"));
    fleet.write("policy/flakeward.toml", "[policy]\nextends = \"../other\"\n");
    let said = repository.refused("--policy-path ../policy");
    assert!(said.contains("a policy cannot extend another policy"), "{said}");
    // The policy's file may not be a link that leads out of its folder.
    #[cfg(unix)]
    {
        fleet.write("secret", "x");
        fs::remove_file(fleet.0.path().join("policy/flakeward.toml")).unwrap();
        std::os::unix::fs::symlink("../secret", fleet.0.path().join("policy/flakeward.toml")).unwrap();
        let said = repository.refused("--policy-path ../policy");
        assert!(said.contains("a symbolic link to a file outside"), "{said}");
    }
}

/// A path or hash in flake.lock that would lead out of the Nix store is rejected.
#[test]
fn a_lock_cannot_name_a_folder_outside_the_store() {
    let fleet = Fleet::new("");
    let lock = |locked: &str| {
        format!(
            r#"{{"nodes": {{"p": {{"locked": {{{locked}}}}}, "root": {{"inputs": {{"policy": "p"}}}}}}, "root": "root", "version": 7}}"#
        )
    };
    let repository = fleet.repository("a", &[("flakeward.toml", "[policy]\nextends = \"flake:policy\"\n")]);
    for (locked, what) in [
        (r#""type": "path", "path": "/etc""#, "flake.lock has no hash for `policy`"),
        (r#""narHash": "sha256-../../etc""#, "flake.lock has no hash for `policy`"),
        (r#""narHash": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=""#, "is not in the Nix store ("),
    ] {
        repository.write("flake.lock", &lock(locked));
        let said = repository.refused("check");
        assert!(said.contains(what), "{locked}: {said}");
    }
    repository.write("flake.lock", &lock("").replace("\"policy\"", "\"other\""));
    assert!(repository.refused("check").contains("flake.lock has no input `policy`"));
}

#[test]
fn config_show_prints_the_origin_of_every_value() {
    let fleet = Fleet::new(
        "exclude = [\"p\"]\n[policy]\nlocked = [\"lookup-path\"]\n[rules]\nlookup-path.level = \"error\"\n\
         [[overrides]]\npaths = [\"t\"]\nrules.unused-port = \"off\"\n",
    );
    let repository = fleet.repository(
        "a",
        &[("flakeward.toml", &format!("[rules]\nunused-port.level = \"warn\"\n{EXTENDS}")), ("a.nix", "{ }\n")],
    );
    repository.write("more.toml", "[ports]\nown-hosts = [\"a.example\"]\n");
    let options = "--settings more.toml --level dockerfile=hint --now 2026-01-01";
    let ran = repository.run(&format!("config show {options} --format json"));
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let of = |key: &str| {
        let entry = document["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap();
        let origin = &entry["origin"];
        let place = origin["path"].as_str().map(|path| format!(" {path}:{}", origin["line"])).unwrap_or_default();
        let locked = if entry["locked"] == true { " locked" } else { "" };
        format!("{} {}{place}{locked}", entry["value"], origin["kind"].as_str().unwrap())
    };
    let policy = document["policy"].as_str().unwrap();
    assert!(Path::new(policy).ends_with("policy"));
    let policy_file = document["settings"][0]["origin"]["path"].as_str().unwrap().to_owned();
    assert_eq!(of("exclude"), format!("[\"p\"] policy {policy_file}:1"));
    assert_eq!(of("rules.lookup-path.level"), format!("\"error\" policy {policy_file}:5 locked"));
    assert_eq!(of("rules.unused-port.level"), "\"warn\" repository flakeward.toml:2");
    assert_eq!(of("rules.dockerfile.level"), "\"hint\" command-line");
    assert_eq!(of("ports.own-hosts"), "[\"a.example\"] settings more.toml:2");
    assert_eq!(of("check-third-party"), "false default");
    assert_eq!(of("overrides.0.rules.unused-port"), format!("\"off\" policy {policy_file}:8"));
    // Options with their default values are also listed.
    let rules = document["settings"].as_array().unwrap().iter().filter_map(|entry| entry["key"].as_str());
    let options_of_rules = rules.filter(|key| key.starts_with("rules.") && !key.ends_with(".level")).count();
    assert!(options_of_rules > 0);
    let text = repository.run(&format!("config show {options}")).out;
    assert!(text.contains(&format!("# {policy_file}:5, locked by the policy\n")), "{text}");
    assert!(toml::from_str::<toml::Table>(&text).is_ok(), "{text}");
}

#[test]
fn the_command_line_cannot_lower_locked_rules() {
    let fleet = Fleet::new("[policy]\nlocked = [\"lookup-path\"]\n[rules]\nlookup-path.level = \"error\"\n");
    let repository =
        fleet.repository("a", &[("flakeward.toml", EXTENDS), ("a.nix", "<a>\n"), ("Dockerfile", "FROM scratch\n")]);
    for option in
        ["--level lookup-path=warn", "--level flakes=off", "--ignore lookup-path", "--ignore dockerfile,flakes"]
    {
        for command in ["check", "fix", "baseline"] {
            let said = repository.refused(&format!("{command} {option}"));
            let part = option.split(',').next_back().unwrap().replace("--ignore dockerfile,", "--ignore ");
            let part = part.split_whitespace().next_back().unwrap();
            assert!(
                said.contains("the policy locks `lookup-path`: its level must be at least error"),
                "{option}: {said}"
            );
            assert!(said.contains("remove `--") && said.contains(part), "{option}: {said}");
        }
    }
    assert_eq!(repository.read("a.nix"), "<a>\n");
    // A level can be raised, and the last of several levels applies.
    assert_eq!(repository.run("--level lookup-path=warn,lookup-path=error").code, 1);
    // Selected rules are checked in addition to locked ones; the level is still the policy's.
    let out = repository.run("--select dockerfile --format concise").out;
    let rules: Vec<&str> = out.lines().filter_map(|line| line.split(['[', ']']).nth(1)).collect();
    assert_eq!(rules, ["dockerfile", "lookup-path"], "{out}");
    assert!(repository.run("--select lookup-path --format concise").out.contains("a.nix:1:1: error[lookup-path]"));
    // Other commands only run the selected rules.
    assert!(!repository.run("fix --select dockerfile").out.contains("lookup-path"));
}

#[test]
fn policy_rules_link_to_their_pages_in_the_policy() {
    let page = "+++\nid = \"no-a\"\nlevel = \"error\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nattrpath = [\"a\"]\n\
                message = \"a is set\"\n+++\n\n## Why\n\nIt is.\n";
    let fleet = Fleet::new("");
    fleet.write("policy/.flakeward/rules/no-a.md", page);
    let repository = fleet.repository("a", &[("flakeward.toml", EXTENDS), ("a.nix", "{ a = 1; }\n")]);
    let url = |options: &str| {
        let report: Value = serde_json::from_str(&repository.run(&format!("{options} --format json")).out).unwrap();
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|it| it["rule"] == "local/no-a").unwrap()["url"].as_str().unwrap().to_owned()
    };
    assert_eq!(url(""), "../policy/.flakeward/rules/no-a.md");
    assert!(repository.path().join(url("")).is_file());
    let elsewhere = Fleet::new("");
    elsewhere.write("policy/.flakeward/rules/no-a.md", page);
    let folder = elsewhere.0.path().join("policy").canonicalize().unwrap();
    let named = url(&format!("--policy-path {}", folder.display()));
    assert!(Path::new(&named).is_absolute() && Path::new(&named).is_file(), "{named}");
    // A repository's own rule has its page in the repository, a built-in one on the site.
    repository.write(".flakeward/rules/no-b.md", &page.replace("no-a", "no-b").replace("\"a\"", "\"b\""));
    let rules: Value = serde_json::from_str(&repository.run("rules --format json").out).unwrap();
    let pages: Vec<&str> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| ["local/no-a", "local/no-b", "lookup-path"].contains(&rule["id"].as_str().unwrap()))
        .map(|rule| rule["url"].as_str().unwrap())
        .collect();
    let site = concat!(env!("CARGO_PKG_HOMEPAGE"), "rules/lookup-path.html");
    assert_eq!(pages, [site, "../policy/.flakeward/rules/no-a.md", ".flakeward/rules/no-b.md"]);
}
