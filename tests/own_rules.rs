//! A repository's own rules, `.flakeward/rules/NAME.md`, tested with whole commands.

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use std::fs;
use std::path::Path;
use std::process::Command;

use support::repository;
use tempfile::TempDir;

/// One rule for each kind of matcher.
const PAGES: &[(&str, &str)] = &[
    (
        "no-privileged-container",
        "level = \"error\"\nsummary = \"a container with all rights\"\nlanguages = [\"nix\"]\n\
         attrpath = [\"oci-containers.containers.*.privileged\"]\nvalue = \"^true$\"\n\
         message = \"`{text}` gives this container the machine\"\nhelp = \"name the capabilities\"\n",
    ),
    (
        "no-floating-runner",
        "level = \"warn\"\nsummary = \"a runner that changes\"\nlanguages = [\"yaml\"]\nyamlpath = [\"jobs.*.runs-on\"]\n\
         value = \"-latest$\"\nmessage = \"this runner changes without a commit\"\n",
    ),
    (
        "no-add",
        "level = \"hint\"\nsummary = \"ADD\"\nlanguages = [\"dockerfile\"]\ninstruction = [\"ADD\"]\nvalue = \"^https?://\"\n\
         message = \"`{text}` downloads what nothing pins\"\n",
    ),
    (
        "no-with",
        "level = \"warn\"\nsummary = \"with\"\nlanguages = [\"nix\"]\nquery = '''\n(with_expression environment: (_) @finding\n\
         (#eq? @finding \"lib\"))\n'''\nmessage = \"`with {text}` hides where names come from\"\n",
    ),
    (
        "no-makefile",
        "level = \"off\"\nsummary = \"make\"\nlanguages = [\"make\"]\nfile = true\nmessage = \"this project uses just\"\n",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "a.nix",
        "{ lib }:\nwith lib;\n{\n  virtualisation.oci-containers.containers = {\n    web = { privileged = true; };\n    \
         db.\"privi\\leged\" = true;\n    cache.privileged = false;\n  };\n  privileged = true;\n}\n",
    ),
    (".github/workflows/ci.yml", "jobs:\n  a:\n    runs-on: ubuntu-latest\n  b:\n    runs-on: ubuntu-24.04\n"),
    ("web/x.dockerfile", "ADD a b\nadd https://example.org/x \\\n  /x\n"),
    ("Makefile", "all:\n\ttrue\n"),
];

fn page(name: &str, front: &str, body: &str) -> String {
    format!("+++\nid = \"{name}\"\n{front}+++\n\n## Why\n\nIt is so.\n{body}")
}

struct Repository(repository::Repository);

impl Repository {
    fn new() -> Self {
        let repository = Self(repository::Repository::new(FILES));
        PAGES.iter().for_each(|(name, front)| repository.rule(name, &page(name, front, "")));
        repository
    }

    fn write(&self, path: &str, text: &str) {
        self.0.write(path, text);
    }

    fn rule(&self, name: &str, text: &str) {
        self.write(&format!(".flakeward/rules/{name}.md"), text);
    }

    /// Runs flakeward. Returns the exit code, standard output and standard error.
    #[track_caller]
    fn run(&self, args: &str) -> (i32, String, String) {
        let ran = self.0.run(args);
        (ran.code, ran.out, ran.err)
    }

    /// The findings of the repository's own rules.
    #[track_caller]
    fn reported(&self, args: &str) -> Vec<String> {
        let (_, said, _) = self.run(&format!("check --format concise --quiet {args}"));
        said.lines().filter(|line| line.contains("[local/")).map(str::to_owned).collect()
    }
}

#[test]
fn each_kind_of_matcher_finds_what_it_describes() {
    let found = Repository::new().reported("");
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:3:5: warn[local/no-floating-runner]: this runner changes without a commit",
            "a.nix:2:6: warn[local/no-with]: `with lib` hides where names come from",
            "a.nix:5:13: error[local/no-privileged-container]: `privileged` gives this container the machine",
            "a.nix:6:5: error[local/no-privileged-container]: `db.\"privi\\leged\"` gives this container the machine",
            "web/x.dockerfile:2:1: hint[local/no-add]: `add https://example.org/x \\` downloads what nothing pins",
        ]
    );
}

#[test]
fn custom_rules_behave_like_built_in_rules() {
    let repository = Repository::new();
    assert_eq!(repository.run("check --quiet --select local/no-privileged-container").0, 1);
    assert!(repository.reported("--isolated").is_empty());
    assert_eq!(repository.reported("--select local/no-with").len(), 1);
    assert_eq!(repository.reported("--level local/no-makefile=warn").len(), 6);
    repository.write("flakeward.toml", "[rules.\"local/no-with\"]\nlevel = \"off\"\n[[overrides]]\npaths = [\".github\"]\nrules.\"local/no-floating-runner\" = \"error\"\n");
    let found = repository.reported("");
    assert!(found[0].contains("error[local/no-floating-runner]"), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("no-with")), "{found:?}");
    let (_, shown, _) = repository.run("config show");
    assert!(shown.contains("[rules.\"local/no-with\"]\nlevel = \"off\""), "{shown}");

    repository.write("b.nix", "with lib; # flakeward: allow(local/no-add) no\n1\n");
    let (_, said, _) = repository.run("check --format concise b.nix");
    assert!(said.contains("unused-suppression"), "{said}");
    repository.write("b.nix", "with lib; # flakeward: allow(local/no-ad) no\n1\n");
    let (_, said, _) = repository.run("check b.nix");
    assert!(said.contains("did you mean `local/no-add`?"), "{said}");

    let (_, listed, _) = repository.run("rules");
    assert!(listed.contains("local/no-add"), "{listed}");
    let (_, explained, _) = repository.run("explain local/no-add");
    assert!(explained.contains("It is so.") && explained.contains(".flakeward/rules/no-add.md"), "{explained}");
    let (_, sarif, _) = repository.run("check --format sarif");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let own = rules.iter().find(|rule| rule["id"] == "local/no-add").unwrap();
    assert_eq!(own["helpUri"], serde_json::Value::Null);
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
    }
}

#[test]
fn an_invalid_page_stops_the_run_and_is_reported() {
    let repository = Repository::new();
    let text = "+++\nid = \"odd\"\nlevel = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\n\
                query = '''\n(bindung) @finding\n'''\n+++\n";
    repository.rule("odd", text);
    for args in ["check", "fix", "rules", "explain dockerfile", "rules test"] {
        let (code, out, said) = repository.run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args}: {said}");
        assert!(said.contains(".flakeward/rules/odd.md:8:2"), "{args}: {said}");
        assert!(said.contains("the Nix grammar has no node `bindung`"), "{args}: {said}");
    }
    assert_eq!(repository.run("check --isolated --quiet --fail-on error --select syntax-error").0, 0);
}

#[test]
#[cfg(unix)]
fn pages_outside_the_repository_are_not_read() {
    let (repository, outside) = (Repository::new(), TempDir::new().unwrap());
    fs::write(outside.path().join("x.md"), "secret").unwrap();
    let link = repository.0.path().join(".flakeward/rules/x.md");
    std::os::unix::fs::symlink(outside.path().join("x.md"), &link).unwrap();
    let (code, _, said) = repository.run("check");
    assert_eq!(code, 2);
    assert!(said.contains("outside the repository") && !said.contains("secret"), "{said}");
}

/// A query that could take very long is stopped, which is an error.
#[test]
fn slow_queries_are_stopped() {
    let repository = Repository::new();
    let wild = "level = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\nquery = '''\n\
                (list_expression (_)* @a (_)* @b (_)* @c (_)* @d (_)* @finding)\n'''\n";
    repository.rule("wild", &page("wild", wild, ""));
    repository.write("many.nix", &format!("with lib; [ {}]\n", "(x) ".repeat(3000)));
    let start = std::time::Instant::now();
    let (code, said, notes) = repository.run("check --format concise many.nix");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    // A rule that was stopped has not checked the file, which is an error.
    assert_eq!(code, 1, "{said}{notes}");
    let all = said + &notes;
    assert!(all.contains("local/wild") && all.contains("many.nix:1:6: warn[local/no-with]"), "{all}");
}

#[test]
fn the_number_of_findings_per_rule_is_limited() {
    let repository = Repository::new();
    let front = "level = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\nquery = '(_) @finding'\n";
    repository.rule("all", &page("all", front, ""));
    repository.write("many.nix", &format!("[ {}]\n", "x ".repeat(3000)));
    assert_eq!(repository.reported("many.nix").len(), 1000);
    let (_, _, notes) = repository.run("check --format json --output /dev/null --format concise many.nix");
    assert!(notes.contains("has more than 1000 findings in this file"), "{notes}");
}

#[test]
fn rules_test_runs_the_examples() {
    let repository = Repository::new();
    let front = PAGES[3].1;
    let good = "\n## Bad\n\n### A\n\n```nix file=a.nix\nwith lib; 1\n```\n\n```findings\n\
                a.nix:1:6: warn[local/no-with]: `with lib` hides where names come from\n```\n\n## Good\n\n### B\n\n\
                ```nix file=a.nix\nwith pkgs; 1\n```\n";
    repository.rule("no-with", &page("no-with", front, good));
    assert_eq!(repository.run("rules test"), (0, "5 rules, 2 examples: all passed\n".to_owned(), String::new()));

    let bad = good.replace("1:6", "1:7").replace("with pkgs", "with lib");
    repository.rule("no-with", &page("no-with", front, &bad));
    let (code, said, _) = repository.run("rules test");
    assert_eq!(code, 1, "{said}");
    let line = "    a.nix:1:6: warn[local/no-with]: `with lib` hides where names come from\n";
    assert_eq!(
        said,
        format!(
            ".flakeward/rules/no-with.md:25: `A` expects\n{}  but the findings are:\n{line}\
             .flakeward/rules/no-with.md:33: `B` is under Good, but has findings:\n{line}2 of 2 examples failed\n",
            line.replace("1:6", "1:7")
        )
    );

    let none = TempDir::new().unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_flakeward")).args(["rules", "test"]).current_dir(none.path()).output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    assert_eq!(said, "this repository has no custom rules; add one as .flakeward/rules/NAME.md\n");
}

#[test]
fn the_example_page_in_the_readme_works() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let page = readme.split("`````markdown\n").nth(1).and_then(|rest| rest.split("`````").next()).unwrap();
    let name = page.split("id = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let repository = Repository::new();
    repository.rule(name, page);
    let (code, said, errors) = repository.run("rules test");
    assert_eq!(code, 0, "{said}{errors}");
    assert!(said.starts_with("5 rules, 2 examples"), "{said}");
}

/// The extension is in upper case, so the page would not be read.
#[test]
fn a_page_with_another_extension_is_rejected() {
    let repository = Repository::new();
    repository.write(".flakeward/rules/other.MD", "text");
    let (code, _, said) = repository.run("check");
    assert!(code == 2 && said.contains(".flakeward/rules/other.MD is not read because of its name"), "{said}");
}
