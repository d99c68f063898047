//! Files that cannot be migrated are rejected with a position, and nothing is written.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::evaluate::repository;
use crate::tools::FLAKEWARD;

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(repository(files))
    }

    fn migrate(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new(FLAKEWARD);
        let output = command.arg("migrate").args(line.split_whitespace()).current_dir(self.0.path()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap_or_default()
    }
}

#[test]
fn bad_files_are_rejected_with_a_position() {
    for (text, expected) in [
        ("services:\n  a: [\n", "compose.yaml:3:1: is not valid YAML"),
        ("a: 1\n", "compose.yaml:1:1: is not a Compose file: it has no `services`"),
        ("web:\n  image: x\n", "help: it looks like version 1 of the Compose format: indent everything"),
        ("", "compose.yaml: is not a Compose file: it is empty"),
        ("- a\n", "compose.yaml:1:1: is not a Compose file"),
        ("services: [a]\n", "compose.yaml:1:11: `services` has to be a mapping"),
        ("services:\n  a: x\n", "compose.yaml:2:6: the service `a` has to be a mapping"),
        ("include: [more.yaml]\n", "compose.yaml:1:11: more.yaml does not exist"),
        ("include: [compose.yaml]\n", "compose.yaml:1:11: compose.yaml includes itself"),
        ("include: [../x.yaml]\n", "compose.yaml:1:11: ../x.yaml points outside the repository"),
        (
            "include: [linked.yaml]\n",
            "compose.yaml:1:11: linked.yaml cannot be read: it is a dangling symbolic link, or one that leaves",
        ),
        ("services:\n  a: {extends: {file: ../x.yaml, service: b}}\n", "../x.yaml points outside the repository"),
        ("services:\n  a: {extends: b}\n  b: {extends: a}\n", "extends itself"),
        ("services:\n  a: {image: \"x:${NO:?say it}\"}\n", "compose.yaml:2:14: the variable `NO` is required"),
        ("services:\n  a: {image: x, ports: [\"99999:80\"]}\n", "compose.yaml:2:25: `99999:80` is not a valid port"),
    ] {
        let folder = Folder::new(&[("compose.yaml", text)]);
        std::os::unix::fs::symlink("/etc/hostname", folder.0.path().join("linked.yaml")).unwrap();
        let (code, said) = folder.migrate("compose compose.yaml --write");
        assert_eq!(code, Some(2), "{text}\n{said}");
        assert!(said.contains(expected), "{text}\n{said}");
        assert!(!folder.0.path().join("flake.nix").exists());
    }
}

/// Deep nesting could overflow the stack.
#[test]
fn deep_substitutions_are_rejected() {
    let nested = format!("{}x{}", "${A:-".repeat(20_000), "}".repeat(20_000));
    let image = |image: &str| format!("services:\n  a: {{image: \"{image}\"}}\n");
    let refused = "substitutions are nested more than 50 levels deep";
    for (compose, env, expected) in [
        (image(&nested), "A=1\n".to_owned(), ""),
        (image(&nested), String::new(), "compose.yaml:2:14: "),
        (image("redis"), format!("A=\"{nested}\"\n"), ".env:1:1: "),
    ] {
        let folder = Folder::new(&[("compose.yaml", &compose), (".env", &env)]);
        let (code, said) = folder.migrate("compose compose.yaml --write");
        match expected {
            // The variable has a value, so its default is not needed.
            "" => assert_eq!(code, Some(0), "{said}"),
            place => assert!(code == Some(2) && said.contains(&format!("{place}{refused}")), "{code:?} {said}"),
        }
    }
}

/// A few bytes that would expand to millions of ports, services or variables.
#[test]
fn excessively_large_projects_are_rejected() {
    let ports: Vec<String> = (0..24).map(|at| format!("\"{0}-{1}:{0}-{1}\"", 1_000 + at, 60_000 + at)).collect();
    let ports = format!("services:\n  a: {{image: redis, ports: [{}]}}\n", ports.join(","));
    let range = |name: usize| format!("  a{name}: {{image: redis, ports: *p}}\n");
    let shared = format!("x-p: &p [\"3000-4999\"]\nservices:\n{}", (0..100).map(range).collect::<String>());
    let variables: String = (0..1_001).map(|at| format!("A{at}: 1, ")).collect();
    let variables = format!("services:\n  a: {{image: redis, environment: {{{variables}}}}}\n");
    let services: String = (0..201).map(|at| format!("  a{at}: {{image: redis}}\n")).collect();
    let base = format!(
        "  b: {{image: redis, labels: {{{}}}}}\n",
        (0..900).map(|at| format!("a{at}: 1, ")).collect::<String>()
    );
    let extended: String = (0..190).map(|at| format!("  a{at}: {{extends: b}}\n")).collect();
    for (compose, expected) in [
        (ports, "compose.yaml:2:29: the ranges of a service have more than 2000 ports"),
        (shared, "the project is too large, with its includes"),
        (variables, "the service `a` has more than 1000 variables"),
        (format!("services:\n{services}"), "compose.yaml:202:3: the project has more than 200 services"),
        (
            format!("include: [{}]\nservices:\n{base}", vec!["more.yaml"; 200].join(", ")),
            "the project is too large, with its includes",
        ),
        (format!("services:\n{base}{extended}"), "the project is too large, with its includes"),
    ] {
        let more = format!(
            "services:\n  c: {{image: redis, labels: {{{}}}}}\n",
            "a: 1".to_owned() + &(0..900).map(|at| format!(", b{at}: 1")).collect::<String>()
        );
        let folder = Folder::new(&[("compose.yaml", &compose), ("more.yaml", &more)]);
        let (code, said) = folder.migrate("compose compose.yaml --write");
        assert!(code == Some(2) && said.contains(expected), "{expected}: {code:?} {said}");
    }
}

#[test]
fn existing_files_and_entries_are_not_overwritten() {
    let compose =
        "services:\n  grafana:\n    image: grafana/grafana\n  cache:\n    image: redis\n    ports: [\"3000:6379\"]\n";
    let registry = "{\n  services = {\n    shop = 3000;\n  };\n}\n";
    let files = [("compose.yaml", compose), ("lib/ports.nix", registry), ("flake/process-compose.nix", "{ }\n")];
    let folder = Folder::new(&files);
    let (code, said) = folder.migrate("compose compose.yaml --write");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("uncommitted changes in lib/ports.nix"), "{said}");
    let (code, said) = folder.migrate("compose compose.yaml --write --force");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("port 3000 already belongs to `services.shop`"), "{said}");
    assert_eq!(folder.read("flake/process-compose.nix"), "{ }\n");
    assert!(folder.read("lib/ports.nix").contains("    shop = 3000;\n"));
    assert!(folder.read("flake/dev-2.nix").contains("process-compose.dev-2 ="), "{said}");
    // The same files are not migrated again.
    let (code, said) = folder.migrate("compose compose.yaml --write --force");
    assert!(code == Some(0) && said.contains("nothing to write"), "{said}");
    let done = "compose.yaml: already migrated to flake/dev-2.nix; delete flake/dev-2.nix to migrate again\n";
    assert!(said.contains(done), "{said}");
}

/// The report of `migrate --format json`.
fn report(folder: &Folder, line: &str) -> serde_json::Value {
    let mut command = Command::new(FLAKEWARD);
    let output = command
        .arg("migrate")
        .args(line.split_whitespace())
        .args(["--write", "--force", "--format", "json"])
        .current_dir(folder.0.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether a list in the report has an entry with these texts.
fn has_entry(list: &serde_json::Value, what: &str, text: &str) -> bool {
    list.as_array().unwrap().iter().any(|entry| entry["what"] == what && entry.to_string().contains(text))
}

#[test]
fn services_with_the_same_process_name_get_different_names() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  db-init: {image: busybox, command: echo a}\n  \
                   later: {image: busybox, command: echo b, depends_on: [db-init]}\n";
    let folder = Folder::new(&[("compose.yaml", compose)]);
    let report = report(&folder, "compose compose.yaml");
    let module = folder.read("flake/process-compose.nix");
    assert!(module.contains("db-init-task = {") && module.contains("db-init-task.condition ="), "{module}");
    assert!(has_entry(&report["left"], "services.db-init", "db-init-task"), "{report:#}");
}

#[test]
fn existing_flake_attributes_are_not_redefined() {
    let flake = "{\n  inputs.flake-parts.url = \"github:hercules-ci/flake-parts\";\n  outputs = inputs: \
                 inputs.flake-parts.lib.mkFlake { inherit inputs; } {\n    systems = [ \"x86_64-linux\" ];\n    \
                 imports = [ ./nix/module.nix ];\n  };\n}\n";
    let module =
        "{ perSystem = { pkgs, ... }: { process-compose.dev = { }; packages.container-web = pkgs.hello; }; }\n";
    let compose = "services:\n  cache: {image: redis}\n";
    let files = [
        ("flake.nix", flake),
        ("nix/module.nix", module),
        ("compose.yaml", compose),
        ("web/Dockerfile", "FROM scratch\n"),
        ("shop/web/Dockerfile", "FROM scratch\n"),
    ];
    let folder = Folder::new(&files);
    let found = report(&folder, "compose compose.yaml");
    assert!(
        has_entry(&found["left"], "name", "`process-compose.dev` is already defined in nix/module.nix"),
        "{found:#}"
    );
    assert!(folder.read("flake/dev-2.nix").contains("process-compose.dev-2 = {"), "{found:#}");
    let (code, said) = folder.migrate("dockerfile web/Dockerfile --write --force");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`packages.container-web` is already defined in nix/module.nix"), "{said}");
    // A Dockerfile in another folder gets another package name.
    let (code, said) = folder.migrate("dockerfile shop/web/Dockerfile --write --force");
    assert_eq!(code, Some(0), "{said}");
    assert!(folder.read("flake/container-shop-web.nix").contains("packages.container-shop-web ="));
    assert_eq!(folder.read("nix/module.nix"), module);
}

#[test]
fn invalid_dockerfiles_are_rejected() {
    for (text, expected) in
        [("", "web/Dockerfile"), ("RUN echo a\n", "web/Dockerfile:1:1"), ("FROM\n", "web/Dockerfile:1:1")]
    {
        let folder = Folder::new(&[("web/Dockerfile", text)]);
        let (code, said) = folder.migrate("dockerfile web/Dockerfile --write");
        assert_eq!(code, Some(2), "{text:?}: {said}");
        assert!(said.contains(expected), "{text:?}: {said}");
        assert!(!folder.0.path().join("flake.nix").exists());
    }
}

/// The report has an entry for each `include`, in the file that contains it.
#[test]
fn the_report_lists_each_include() {
    let service = |name: &str| format!("services:\n  {name}:\n    image: redis\n");
    let (top, sub) =
        (format!("include: [sub.yaml]\n{}", service("a")), format!("include: [more.yaml]\n{}", service("b")));
    let folder = Folder::new(&[("compose.yaml", &top), ("sub.yaml", &sub), ("more.yaml", &service("c"))]);
    let command = ["migrate", "compose", "compose.yaml", "--format", "json"];
    let output = Command::new(FLAKEWARD).args(command).current_dir(folder.0.path()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let carried = report["carried"].as_array().unwrap().iter();
    let included: Vec<_> = carried.filter(|entry| entry["what"] == "include").map(|entry| &entry["path"]).collect();
    assert_eq!(included.len(), 2, "{report:#}");
    assert!(included.contains(&&"compose.yaml".into()) && included.contains(&&"sub.yaml".into()), "{included:?}");
}

#[test]
fn an_override_that_only_resets_keys_is_not_carried_over() {
    let text = "services:\n  a: {image: redis}\n  b: {volumes: WRITTEN}\n";
    for written in ["[]", "!reset []", "!reset null"] {
        let folder = Folder::new(&[("compose.yaml", &text.replace("WRITTEN", written))]);
        let (code, said) = folder.migrate("compose compose.yaml");
        assert!(code == Some(0) && said.contains("it has neither an image nor a build"), "{written}: {code:?} {said}");
    }
    let folder = Folder::new(&[("compose.yaml", &text.replace("{volumes: WRITTEN}", "{}"))]);
    let (code, said) = folder.migrate("compose compose.yaml");
    assert!(code == Some(2) && said.contains("the service `b` has neither an image nor a build"), "{code:?} {said}");
}
