//! What a newcomer reads after `flakeward migrate --write`: the order of the steps, and what is left.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::evaluate::init;
use crate::tools::FLAKEWARD;

const WORKFLOW: &str = ".github/workflows/ci.yml";
const FILES: [(&str, &str); 4] = [
    ("Dockerfile", "FROM nginx:1.27\nCOPY html /usr/share/nginx/html\nEXPOSE 80\n"),
    ("html/index.html", "hello\n"),
    (
        "compose.yaml",
        "services:\n  web:\n    build: .\n    ports: [\"8080:80\"]\n  db:\n    image: postgres:17\n    environment: \
         {POSTGRES_PASSWORD: x}\n",
    ),
    (
        WORKFLOW,
        "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: \
         docker build -t app .\n",
    ),
];
const INPUTS: &str = "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\";\n";

struct Folder(TempDir);

impl Folder {
    fn new(flake: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        init(folder.path());
        for (path, text) in FILES {
            folder.write(path, text);
        }
        folder.write("flake.nix", &format!("{INPUTS}{flake}"));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Runs flakeward. Returns the exit code, standard output and standard error.
    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let output = Command::new(FLAKEWARD).args(line.split_whitespace()).current_dir(self.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

/// CI keeps its Docker build until the flake has the package that replaces it.
#[test]
fn ci_is_not_changed_to_build_a_package_that_the_flake_does_not_have() {
    let folder = Folder::new("  outputs = inputs: import ./outputs.nix inputs;\n}\n");
    folder.write("outputs.nix", "inputs: { x = 1; }\n");
    let (code, _, said) = folder.run("migrate --write --force");
    assert_eq!(code, Some(2), "{said}");
    let ci = |folder: &Folder| folder.read(WORKFLOW).contains("docker build");
    assert!(ci(&folder), "{said}");
    assert!(
        said.contains(&format!("{WORKFLOW}:7: not carried over: docker build: flake.nix does not import")),
        "{said}"
    );
    assert!(said.contains("to do: import its module in flake.nix, and then run `flakeward migrate ci`"), "{said}");
    // The steps do not include the command that has just failed.
    assert!(said.contains("error: flake.nix:3:21: cannot tell what `import` does"), "{said}");
    assert!(said.contains("by hand, because of the error above; then import ./flake/"), "{said}");
    assert!(!said.contains("run `flakeward migrate flake`"), "{said}");
    assert_eq!(folder.run("migrate ci --write --force").0, Some(0));
    assert!(ci(&folder));
    // Once the module is imported, the workflow is migrated.
    let imports = "  outputs = inputs@{ flake-parts, ... }: flake-parts.lib.mkFlake { inherit inputs; } {\n    imports = [ \
                   ./flake/container-app.nix ];\n  };\n}\n";
    let module = fs::read_dir(folder.path().join("flake")).unwrap().map(|file| file.unwrap().file_name());
    let module = module.map(|name| name.into_string().unwrap()).find(|name| name.starts_with("container-")).unwrap();
    folder.write("flake.nix", &format!("{INPUTS}{}", imports.replace("container-app.nix", &module)));
    let (code, _, said) = folder.run("migrate ci --write --force");
    assert!(code == Some(0) && !ci(&folder), "{said}");
    assert!(folder.read(WORKFLOW).contains(&format!("nix build .#{}", module.trim_end_matches(".nix"))));
}

/// If only the CI file is migrated, the report says which package must be written first.
#[test]
fn a_workflow_that_is_migrated_alone_names_the_missing_package() {
    let folder = Folder::new("  outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } { };\n}\n");
    let (code, _, said) = folder.run("migrate ci --write --force");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("this workflow now builds a package that the flake does not have yet"), "{said}");
    assert!(said.contains("run `flakeward migrate dockerfile Dockerfile --write`"), "{said}");
}

#[test]
fn the_overlay_of_simple_flake_is_named() {
    let folder = Folder::new(
        "  inputs.utils.url = \"github:numtide/flake-utils\";\n  outputs = { self, nixpkgs, utils }: utils.lib.simpleFlake { \
         inherit self nixpkgs; name = \"x\"; overlay = ./overlay.nix; };\n}\n",
    );
    let (_, _, said) = folder.run("migrate");
    assert!(said.contains("`utils.lib.simpleFlake` makes the outputs from an overlay"), "{said}");
    assert!(!said.contains("neither") && !said.contains("`flakeward migrate flake"), "{said}");
}

/// Findings that have nothing to do with the migration are not settings that were left out.
#[test]
fn findings_are_listed_apart_from_what_is_left_out() {
    let folder = Folder::new("  outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } { };\n}\n");
    let (_, report, _) = folder.run("migrate --format json");
    let report: Value = serde_json::from_str(&report).unwrap();
    let whats = |key: &str| -> Vec<String> {
        report[key].as_array().unwrap().iter().map(|item| item["what"].as_str().unwrap().to_owned()).collect()
    };
    assert!(whats("findings").iter().any(|what| what == "missing-flake-check"), "{report:#}");
    assert!(!whats("left").iter().any(|what| what == "missing-flake-check"), "{report:#}");
    let left = whats("left").len();
    let (code, _, said) = folder.run("migrate --write --force");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("flake.nix:9: finding: missing-flake-check: "), "{said}");
    assert!(said.contains(&format!(" carried over, {left} left out, ")), "{said}");
    let (code, _, said) = folder.run("migrate --write --force");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("not carried over") && !said.contains("missing-flake-check"), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("2 files already migrated, ") && last.contains("`flakeward check` shows them"), "{last}");
}

/// The numbers of a registry, each with its name.
fn registered(folder: &Folder) -> Vec<(u64, String)> {
    let (_, map, said) = folder.run("ports --format json");
    let map: Value = serde_json::from_str(&map).unwrap_or_else(|_| panic!("{said}"));
    let entries = map["registries"][0]["entries"].as_array().unwrap().iter();
    let mut entries: Vec<_> =
        entries.map(|entry| (entry["number"].as_u64().unwrap(), entry["name"].as_str().unwrap().to_owned())).collect();
    entries.sort();
    entries
}

/// `migrate` gives a port the name that `ports init` gives it.
#[test]
fn migrate_and_ports_init_propose_the_same_names() {
    let compose = "services:\n  lnd:\n    image: example/lnd\n    command: lnd --restlisten=0.0.0.0:8081 \
                   --rpclisten=0.0.0.0:10009\n    ports: [\"8081:8081\", \"10009:10009\"]\n  web1:\n    image: example/web\n    \
                   ports: [\"81:5000\"]\n  web2:\n    image: example/web\n    ports: [\"82:5000\"]\n  panda:\n    image: \
                   redpandadata/redpanda\n    command: redpanda start --pandaproxy-addr 0.0.0.0:8082\n    ports: \
                   [\"8082:8082\", \"9644:9644\"]\n";
    let names = |command: &str| {
        let folder = Folder::new("  outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } { };\n}\n");
        folder.write("compose.yaml", compose);
        folder.run(command);
        registered(&folder)
    };
    let (initial, migrated) = (names("ports init"), names("migrate --write --force"));
    assert!(initial.len() > 6, "{initial:?}");
    let mut compared = 0;
    for (number, name) in &migrated {
        let proposed: Vec<&String> =
            initial.iter().filter(|(other, _)| other == number).map(|(_, name)| name).collect();
        assert!(proposed.is_empty() || proposed.contains(&name), "{number}: {name}, not {proposed:?}");
        compared += usize::from(!proposed.is_empty());
    }
    assert!(compared > 6, "{initial:?} {migrated:?}");
}
