//! `flakeward ports` and its subcommands on small repositories.

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::repository::{Repository, command};
use tempfile::TempDir;

const FILES: [(&str, &str); 5] = [
    (
        "lib/ports.nix",
        "rec {
  databases = {
    redis = 6379;
    postgresql = 5432;
  };
  base = 3000;
  development.api = base + 10;
  development.web = 5432;
  docs = \"8000\";
}
",
    ),
    (
        "modules/db.nix",
        "let
  ports = import ../lib/ports.nix;
in
{
  services.redis.port = ports.databases.redis;
  services.proxy.ports = [ 8080 3010 ];
  services.mail.url = \"smtp.gmail.com:587\";
}
",
    ),
    (
        "process-compose.yaml",
        "processes:
  redis:
    # Port from lib/ports.nix: databases.redis = 6379
    command: redis-server --port 6379
    ready_log_line: Ready
  web:
    command: web --port 8080 --metrics-port 9464
",
    ),
    ("flake.nix", "{ outputs = { self }: { lib.databases = (import ./lib/ports.nix).databases; }; }\n"),
    ("README.md", "port 1234\n"),
];

fn repository() -> Repository {
    Repository::new(&FILES)
}

fn run(folder: &Path, args: &str) -> Output {
    command(args).current_dir(folder).output().unwrap()
}

fn out(folder: &Path, args: &str) -> String {
    let output = run(folder, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_map_shows_what_uses_each_port() {
    let expected = "\
lib/ports.nix: 5 ports
   3000  base
   3010  development.api       hardcoded in modules/db.nix:6
   5432  databases.postgresql  flake.nix:1
   5432  development.web       unused
   6379  databases.redis       flake.nix:1, modules/db.nix:5, process-compose.yaml:3
      -  docs                  a string is not a valid port number

1 conflict
   5432  databases.postgresql, development.web

2 ports not in the registry
   8080  modules/db.nix:6 (services.proxy.ports), process-compose.yaml:7 (processes.web.command --port)
   9464  process-compose.yaml:7 (processes.web.command --metrics-port)
";
    assert_eq!(out(repository().path(), "ports"), expected);
}

#[test]
fn the_map_is_available_as_markdown() {
    let expected = "\
## Ports

### `lib/ports.nix`

| Port | Name | Used in | Hardcoded in |
|---:|---|---|---|
| 3000 | `base` |  |  |
| 3010 | `development.api` |  | `modules/db.nix:6` |
| 5432 | `databases.postgresql` | `flake.nix:1` |  |
| 5432 | `development.web` |  |  |
| 6379 | `databases.redis` | `flake.nix:1`, `modules/db.nix:5`, `process-compose.yaml:3` |  |
| `a string` :x: | `docs` |  |  |

### Conflicts

| Port | Names |
|---:|---|
| 5432 | `databases.postgresql`, `development.web` |

### Not in the registry

| Port | Where |
|---:|---|
| 8080 | `modules/db.nix:6 (services.proxy.ports)`, `process-compose.yaml:7 (processes.web.command --port)` |
| 9464 | `process-compose.yaml:7 (processes.web.command --metrics-port)` |
";
    assert_eq!(out(repository().path(), "ports --format markdown"), expected);
}

#[test]
fn the_map_is_available_as_json() {
    let map: serde_json::Value = serde_json::from_str(&out(repository().path(), "ports --format json")).unwrap();
    assert_eq!(map["version"], 1);
    let entries = map["registries"][0]["entries"].as_array().unwrap();
    let redis = entries.iter().find(|entry| entry["name"] == "databases.redis").unwrap();
    assert_eq!(redis["number"], 6379);
    let hows: Vec<_> = redis["uses"].as_array().unwrap().iter().map(|found| found["how"].as_str().unwrap()).collect();
    assert_eq!(hows, ["group", "reference", "comment"]);
    assert_eq!(redis["uses"][1]["start"]["line"], 5);
    assert_eq!(map["conflicts"][0]["entries"][1]["name"], "development.web");
    let numbers: Vec<_> = map["unregistered"].as_array().unwrap().iter().map(|port| &port["number"]).collect();
    assert_eq!(numbers, [8080, 9464]);
}

#[test]
fn next_prints_a_free_port_and_rejects_unknown_groups() {
    let repository = repository();
    // The numbers after 6379 and 3010; 5433 is skipped as the default port of common programs.
    assert_eq!(out(repository.path(), "ports next databases"), "6380\n");
    assert_eq!(out(repository.path(), "ports next development"), "3011\n");
    assert_eq!(out(repository.path(), "ports next"), "6380\n");
    let wrong = run(repository.path(), "ports next databses");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stdout.is_empty());
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(said, "error: the registry has no group `databses`\n  help: did you mean `databases`?\n");
}

#[test]
fn an_unreadable_file_is_not_silently_skipped() {
    let repository = repository();
    fs::write(repository.path().join("broken.nix"), b"{ port = \"\xff\xfe\"; }").unwrap();
    let output = run(repository.path(), "ports");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.nix"));
}

/// Numbers that `check` accepts are not conflicts in the map either.
#[test]
fn conflicts_that_the_registry_allows_are_not_listed() {
    let registry = |reason: &str| format!("{{\n  web.a = 8081;\n{reason}  web.b = 8081;\n}}\n");
    let repository = Repository::new(&[("lib/ports.nix", registry("").as_str())]);
    assert!(out(repository.path(), "ports").contains("1 conflict\n"));
    let allowed = registry("  # flakeward: allow(port-conflict) never at the same time\n");
    fs::write(repository.path().join("lib/ports.nix"), allowed).unwrap();
    let shown = out(repository.path(), "ports");
    assert!(shown.contains("web.b") && !shown.contains("conflict"), "{shown}");
    let expired = registry("  # flakeward: allow(port-conflict, until 2020-01-01) never at the same time\n");
    fs::write(repository.path().join("lib/ports.nix"), expired).unwrap();
    assert!(out(repository.path(), "ports").contains("1 conflict\n"));
}

/// The registry is still written, and the message says that it is incomplete.
#[test]
fn init_reports_that_a_registry_without_an_unreadable_file_is_incomplete() {
    let repository = Repository::new(&[("a.nix", "{ services.grafana.port = 3000; }\n")]);
    fs::write(repository.path().join("secret.nix"), b"\0GITCRYPT\0abc").unwrap();
    let output = run(repository.path(), "ports init");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).starts_with("wrote lib/ports.nix: 1 entry in 1 group\n"), "{}", text(&output));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "error: secret.nix: cannot be checked: it is encrypted by git-crypt\n  help: lib/ports.nix was written \
                    without the ports in 1 file that could not be read; `flakeward ports init` adds them later\n";
    assert_eq!(errors, expected);
}

/// A flake cannot import files outside it, so the registry belongs in the folder of the only flake.
#[test]
fn init_writes_the_registry_next_to_the_only_flake() {
    let folder = Repository::new(&[
        ("src/flake.nix", "{ outputs = { self }: { }; }\n"),
        ("src/web.nix", "{ services.grafana.settings.server.http_port = 3000; }\n"),
    ]);
    assert!(out(folder.path(), "ports init").starts_with("wrote src/lib/ports.nix: 1 entry"));
    out(folder.path(), "fix --select hardcoded-port");
    assert!(read(folder.path(), "src/web.nix").contains("import ./lib/ports.nix"));

    let with_root = Repository::new(&[
        ("flake.nix", "{ outputs = { self }: { }; }\n"),
        ("dev/flake.nix", "{ outputs = { self }: { }; }\n"),
        ("web.nix", "{ services.grafana.settings.server.http_port = 3000; }\n"),
    ]);
    assert!(out(with_root.path(), "ports init").starts_with("wrote lib/ports.nix"));
}

/// `ports init` writes only the registry; then a safe fix replaces the numbers, and a second run of either changes
/// nothing.
#[test]
fn init_writes_a_registry_that_fix_then_uses() {
    let root = TempDir::new().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
        command.current_dir(root.path()).args(args).output().unwrap()
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fs::create_dir(root.path().join("modules")).unwrap();
    let unifi = "{ virtualisation.oci-containers.containers.unifi.ports = [ \"8443:8443\" ]; }\n";
    fs::write(root.path().join("flake.nix"), "{ outputs = _: { }; }\n").unwrap();
    fs::write(root.path().join("modules/unifi.nix"), unifi).unwrap();
    fs::write(root.path().join("modules/incus.nix"), "{ services.incus.httpsPort = 8443; }\n").unwrap();

    let diff = run(&["ports", "init", "--diff"]);
    assert!(text(&diff.stdout).contains("+    incus = 8443;"), "{}", text(&diff.stdout));
    assert!(!root.path().join("lib").exists());

    let init = run(&["ports", "init"]);
    assert_eq!(init.status.code(), Some(0), "{}", text(&init.stderr));
    assert!(text(&init.stdout).starts_with("wrote lib/ports.nix: 2 entries"), "{}", text(&init.stdout));
    assert_eq!(fs::read_to_string(root.path().join("modules/unifi.nix")).unwrap(), unifi);
    let registry = fs::read_to_string(root.path().join("lib/ports.nix")).unwrap();
    assert!(registry.contains("    incus = 8443;\n"), "{registry}");
    assert!(
        registry.contains("# flakeward: allow(port-conflict) also the number of infrastructure.incus"),
        "{registry}"
    );

    let fix = run(&["fix", "--select", "hardcoded-port,port-conflict"]);
    assert_eq!(fix.status.code(), Some(0), "{}{}", text(&fix.stdout), text(&fix.stderr));
    let incus = fs::read_to_string(root.path().join("modules/incus.nix")).unwrap();
    assert!(incus.contains("httpsPort = ports.infrastructure.incus;"), "{incus}");

    let again = run(&["ports", "init"]);
    assert!(text(&again.stdout).contains("nothing to add"), "{}", text(&again.stdout));
    assert_eq!(fs::read_to_string(root.path().join("lib/ports.nix")).unwrap(), registry);
    let taken = run(&["ports", "check", "8443"]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stdout).contains("8443 is infrastructure.incus"), "{}", text(&taken.stdout));
    assert_eq!(run(&["ports", "check", "20001"]).status.code(), Some(0));
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The text of a file.
fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}

#[test]
fn rename_changes_the_entry_and_every_reference() {
    let folder = repository();
    fs::write(folder.path().join("flake.nix"), "{ outputs = _: { lib.ports = import ./lib/ports.nix; }; }\n").unwrap();
    let diff = run(folder.path(), "ports rename databases.redis cache --diff");
    assert_eq!(diff.status.code(), Some(0));
    assert!(text(&diff).contains("+    cache = 6379;"), "{}", text(&diff));
    assert!(read(folder.path(), "lib/ports.nix").contains("redis = 6379;"));

    let done = run(folder.path(), "ports rename databases.redis messaging.broker");
    assert_eq!(
        text(&done),
        "renamed databases.redis to messaging.broker in 3 files\n  lib/ports.nix\n  modules/db.nix\n  process-compose.yaml\n"
    );
    assert!(read(folder.path(), "lib/ports.nix").contains("  messaging = {\n    broker = 6379;\n  };\n"));
    assert!(read(folder.path(), "modules/db.nix").contains("services.redis.port = ports.messaging.broker;"));
    assert!(read(folder.path(), "process-compose.yaml").contains("# Port from lib/ports.nix: messaging.broker = 6379"));
    let report = run(folder.path(), "check --select unknown-port --select port-drift");
    assert!(text(&report).contains("no findings"), "{}", text(&report));
}

#[test]
fn rename_fails_if_a_reference_is_uncertain() {
    for (old, new, message) in [
        ("databases.redi", "cache", "did you mean `databases.redis`?"),
        ("databases", "stores", "`databases` is a group, not an entry"),
        ("databases.redis", "postgresql", "the registry already has `databases.postgresql`"),
        ("databases.redis", "databases.postgresql.cache", "the registry already has `databases.postgresql`"),
        ("base", "start", "another registry entry is computed from this one"),
        ("databases.redis", "cache", "flake.nix:1: code that reads the whole group here may use the name of the entry"),
    ] {
        let folder = repository();
        let output = run(folder.path(), &format!("ports rename {old} {new}"));
        assert_eq!(output.status.code(), Some(2), "{old} {new}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(message), "{stderr}");
        for (path, text) in FILES {
            assert_eq!(read(folder.path(), path), text, "{old} {new}");
        }
    }
}

/// Runs a program on an export. `None` if it is not installed; with `FLAKEWARD_REQUIRE_TOOLS=1` it must be.
fn read_by(folder: &Path, program: &str, args: &[&str]) -> Option<serde_json::Value> {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(output.is_ok() || !required, "{program} is required and not installed");
    let output = output.ok()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Whether a version of Node.js that can run TypeScript is installed. With `FLAKEWARD_REQUIRE_TOOLS=1` it must be.
fn node_reads_typescript() -> bool {
    let script = "process.exit(process.features.typescript ? 0 : 1)";
    let reads = Command::new("node").args(["-e", script]).status().is_ok_and(|status| status.success());
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(reads || !required, "a version of Node.js that can run TypeScript is required and not installed");
    reads
}

#[test]
fn exports_are_read_by_other_programs() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("lib")).unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let registry = "rec {\n  base = 3000;\n  web.\"a \\\" ; $(touch x) \\${y} `z` \\n#\" = base + 1;\n  __proto__.x = 80;\n  dns = {\n    \
                    port = 53;\n    protocol = \"udp\";\n  };\n}\n";
    fs::write(folder.path().join("lib/ports.nix"), registry).unwrap();
    let strange = "a \" ; $(touch x) ${y} `z` \n#";
    let expected = serde_json::json!({
        "base": 3000, "web": { strange: 3001 }, "__proto__": { "x": 80 }, "dns": { "port": 53 }
    });

    fs::write(folder.path().join("plain.nix"), out(folder.path(), "ports --format nix")).unwrap();
    if let Some(value) = read_by(folder.path(), "nix-instantiate", &["--eval", "--strict", "--json", "plain.nix"]) {
        assert_eq!(value, expected);
    }
    fs::write(folder.path().join("ports.ts"), out(folder.path(), "ports --format ts")).unwrap();
    let script = "import('./ports.ts').then(({ ports }) => console.log(JSON.stringify(ports)))";
    if node_reads_typescript()
        && let Some(value) = read_by(folder.path(), "node", &["-e", script])
    {
        assert_eq!(value, expected);
    }

    let env = out(folder.path(), "ports --format env");
    assert_eq!(env, "BASE_PORT=3000\nDNS_PORT=53\nPROTO_X_PORT=80\nWEB_A_TOUCH_X_Y_Z_PORT=3001\n");
    let services = out(folder.path(), "ports --format services");
    let words: Vec<&str> = services.split_whitespace().collect();
    assert_eq!(
        words.chunks(2).map(|pair| pair.join(" ")).collect::<Vec<_>>(),
        [
            "base 3000/tcp",
            "base 3000/udp",
            "dns 53/udp",
            "proto-x 80/tcp",
            "proto-x 80/udp",
            "web-a-touch-x-y-z 3001/tcp",
            "web-a-touch-x-y-z 3001/udp"
        ]
    );
}

#[test]
fn exports_need_a_registry_and_distinct_names() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("lib")).unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let failure = |message: &str| {
        let output = run(folder.path(), "ports --format env");
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(message), "{stderr}");
        assert_eq!(output.stdout, b"");
    };
    failure("there is no port registry to export");
    fs::write(folder.path().join("lib/ports.nix"), "{ a.b-c = 80; a.bC = 81; }\n").unwrap();
    failure("a.b-c and a.bC would both be called `A_B_C_PORT`");
}

/// Neither a local set in a function nor a module can be the registry.
#[test]
fn local_sets_and_modules_are_not_registries() {
    let module = "{\n  flake.modules.nixos.sync = { lib, ... }:\n    let\n      ports = { a = 4801; b = 4802; c = 4803; d = \
                  4804; e = 4805; };\n    in\n    { x = lib.toString ports.a; };\n}\n";
    let files = [("modules/sync.nix", module), ("modules/wiki.nix", "{ services.wiki.port = 4810; }\n")];
    let repository = Repository::new(&files);
    let init = run(repository.path(), "ports init");
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    assert!(fs::read_to_string(repository.path().join("lib/ports.nix")).unwrap().contains("wiki = 4810;"));

    let local = "{ lib, ... }: let ports = { a = 4801; b = 4802; c = 4803; }; in { x = lib.toString ports.a; }\n";
    for (text, why) in [(module, "is not a set of ports"), (local, "does not export its ports")] {
        let repository = Repository::new(&files);
        fs::write(repository.path().join("modules/sync.nix"), text).unwrap();
        fs::write(repository.path().join("flakeward.toml"), "[ports]\nregistry = \"modules/sync.nix\"\n").unwrap();
        let init = run(repository.path(), "ports init");
        assert_eq!(init.status.code(), Some(2));
        let stderr = String::from_utf8(init.stderr).unwrap();
        assert!(
            stderr.starts_with(&format!("error: modules/sync.nix is configured as the port registry, but {why}\n")),
            "{stderr}"
        );
        assert_eq!(fs::read_to_string(repository.path().join("modules/sync.nix")).unwrap(), text);
    }
}

/// A set of ports is not duplicated, unless the configuration names a path for the registry.
#[test]
fn init_writes_the_configured_registry_even_if_there_is_a_set_of_ports() {
    let infra = "{ ports = { a = 4801; b = 4802; c = 4803; d = 4804; e = 4805; }; }\n";
    let repository = Repository::new(&[
        ("infra.nix", infra),
        ("modules/wiki.nix", "{ services.wiki.port = 4810; }\n"),
        ("flakeward.toml", "[ports]\nregistry = \"nix/ports.nix\"\n"),
    ]);
    let init = run(repository.path(), "ports init");
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    assert!(fs::read_to_string(repository.path().join("nix/ports.nix")).unwrap().contains("wiki = 4810;"));
}

/// A repository that already has its ports in a set gets no second registry.
#[test]
fn init_does_not_duplicate_a_set_of_ports() {
    let infra = "{\n  domain = \"example.org\";\n  network.ports = {\n    wiki = 4801;\n    chat.http = 4802;\n    chat.calls = 4803;\n    \
                 shop = 4804;\n    docs = 4805;\n  };\n  retries = 30;\n}\n";
    let repository = Repository::new(&[
        ("lib/infra.nix", infra),
        ("modules/a.nix", "{ services.wiki.port = 4801; services.blog.port = 4810; }\n"),
    ]);
    let init = run(repository.path(), "ports init");
    assert_eq!(init.status.code(), Some(2));
    let stderr = String::from_utf8(init.stderr).unwrap();
    assert!(
        stderr.starts_with("error: lib/infra.nix:3 already defines `ports`, a set of 5 port numbers\n"),
        "{stderr}"
    );
    assert!(stderr.contains("`registry = \"lib/infra.nix\"`"), "{stderr}");
    assert!(!repository.path().join("lib/ports.nix").exists());

    // `check` does not propose a second registry either.
    let check = String::from_utf8(run(repository.path(), "check --format pretty").stdout).unwrap();
    let setting =
        "lib/infra.nix:3 already defines `ports`, a set of 5 port numbers: write `registry = \"lib/infra.nix\"`";
    assert!(check.contains(setting) && !check.contains("lib/ports.nix"), "{check}");
    assert!(check.contains("flakeward init") && !check.contains("ports init"), "{check}");

    // `flakeward init` writes the path of the set's file into the configuration.
    out(repository.path(), "init");
    let written = fs::read_to_string(repository.path().join("flakeward.toml")).unwrap();
    assert!(written.contains("\nregistry = [\"lib/infra.nix\"]\n"), "{written}");

    // Once the file is the registry, only this set in it contains ports.
    let map = out(repository.path(), "ports");
    assert!(map.starts_with("lib/infra.nix: 5 ports\n"), "{map}");
    assert!(!map.contains("retries") && !map.contains("domain"), "{map}");
}

/// Option values in a module and variables of a `let` cannot be imported: they are not proposed as the registry.
#[test]
fn sets_that_no_file_can_import_are_not_the_registry() {
    let options = "{ config, ... }:\n{\n  acme.network.ports.tcp = {\n    s3 = { port = 4801; open = false; };\n    \
                   web = { port = 4802; open = false; };\n    chat = { port = 4803; open = false; };\n    \
                   shop = { port = 4804; open = false; };\n    docs = { port = 4805; open = false; };\n  };\n}\n";
    let numbers = "{ lib, ... }:\n{\n  acme.ports = { a = 4801; b = 4802; c = 4803; d = 4804; e = 4805; };\n}\n";
    let several = "{ acme.ports = { a = 4801; b = 4802; c = 4803; d = 4804; e = 4805; }; }\n";
    let local = "{ util, ... }:\nlet\n  ports = { a = 4801; b = 4802; c = 4803; d = 4804; e = 4805; };\nin\n{\n  job = {\n    \
                 config.ports = [ \"web\" ];\n    a.port = ports.a;\n    b.port = ports.b;\n    c.port = ports.c;\n    \
                 d.port = ports.d;\n    e.port = ports.e;\n  };\n}\n";
    let other = "{ acme.ports.wiki = 4810; services.wiki.port = 4811; }\n";
    for text in [options, numbers, several, local] {
        let files = [("flake.nix", "{ outputs = _: { }; }\n"), ("modules/a.nix", text), ("modules/b.nix", other)];
        let repository = Repository::new(&files);
        let check = String::from_utf8(run(repository.path(), "check --format pretty").stdout).unwrap();
        assert!(!check.contains("already defines"), "{check}");
        let init = run(repository.path(), "ports init");
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        assert!(repository.path().join("lib/ports.nix").exists(), "{text}");
    }
    let exported =
        "let\n  ports = { a = 4801; b = 4802; c = 4803; d = 4804; e = 4805; };\nin\n{ net = { inherit ports; }; }\n";
    let repository = Repository::new(&[("lib/net.nix", exported), ("modules/b.nix", other)]);
    let check = String::from_utf8(run(repository.path(), "check --format pretty").stdout).unwrap();
    assert!(check.contains("lib/net.nix:2 already defines `ports`"), "{check}");
}

/// A registry that later runs would not find is not written.
#[test]
fn init_does_not_write_an_ignored_registry() {
    let repository = Repository::new(&[
        (".gitignore", "*.log\nlib/\n"),
        ("flake.nix", "{ outputs = _: { }; }\n"),
        ("modules/a.nix", "{ services.wiki.port = 4801; }\n"),
    ]);
    let init = run(repository.path(), "ports init");
    assert_eq!(init.status.code(), Some(2));
    let stderr = String::from_utf8(init.stderr).unwrap();
    assert!(
        stderr.starts_with("error: lib/ports.nix would be ignored: .gitignore:2 has the pattern `lib/`\n"),
        "{stderr}"
    );
    assert!(!repository.path().join("lib").exists());

    fs::write(repository.path().join("flakeward.toml"), "exclude = [\"lib\"]\n").unwrap();
    fs::write(repository.path().join(".gitignore"), "").unwrap();
    let init = run(repository.path(), "ports init");
    assert_eq!(init.status.code(), Some(2));
    let stderr = String::from_utf8(init.stderr).unwrap();
    assert!(stderr.starts_with("error: `exclude` in the configuration leaves out lib/ports.nix\n"), "{stderr}");

    fs::write(repository.path().join("flakeward.toml"), "[ports]\nregistry = \"nix/ports.nix\"\n").unwrap();
    assert!(out(repository.path(), "ports init").starts_with("wrote nix/ports.nix: 1 entry"));
}

/// No fix changes a generated file, so its ports need no entries and do not influence other names.
#[test]
fn init_ignores_the_ports_in_generated_files() {
    let generated = "# This manifest was generated by a tool. DO NOT EDIT.\nkind: Deployment\nmetadata:\n  name: tide\nspec:\n  \
                     template:\n    spec:\n      containers:\n        - name: tide\n          ports:\n            \
                     - containerPort: 4801\n            - containerPort: 4802\n";
    let repository = Repository::new(&[
        ("flake.nix", "{ outputs = _: { }; }\n"),
        ("k8s/tide.yaml", generated),
        ("modules/wiki.nix", "{ services.wiki.port = 4801; }\n"),
    ]);
    let init = run(repository.path(), "ports init");
    assert!(init.status.success(), "{}", text(&init));
    let registry = read(repository.path(), "lib/ports.nix");
    assert!(
        registry.contains("wiki = 4801;") && !registry.contains("tide") && !registry.contains("4802"),
        "{registry}"
    );
}

#[test]
fn init_reports_why_a_registry_cannot_be_extended() {
    for (registry, reason) in [
        ("{ lib }: { web = 8080; }\n", "requires the argument `lib`, which is not available in a.nix"),
        ("rec { web = 8080; } // { y = 9000; }\n", "is not written as a single set"),
        ("{ a }: { b }: { web = 8080; }\n", "is a function of several arguments"),
    ] {
        let folder = Repository::new(&[("a.nix", "{ services.s.port = 6379; }\n"), ("lib/ports.nix", registry)]);
        let output = run(folder.path(), "ports init");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{registry}");
        let expected = format!("no port can be added to lib/ports.nix: it {reason}");
        assert!(stderr.contains(&expected), "{stderr}");
        // `check` does not suggest `ports init` if the registry can never be extended.
        let check = text(&run(folder.path(), "check --format json"));
        let promises = check.contains("`flakeward ports init` adds it");
        assert_eq!(promises, reason.starts_with("requires"), "{registry}");
        assert_eq!(read(folder.path(), "lib/ports.nix"), registry);
    }
}

#[test]
fn init_has_nothing_to_add_if_no_port_could_use_the_registry() {
    let folder = Repository::new(&[
        ("lib/ports.nix", "{ web = 8080; } // import ./more.nix\n"),
        ("lib/more.nix", "{ db = 5432; }\n"),
        ("templates/x/m.nix", "{ services.s.port = 6379; }\n"),
    ]);
    assert!(out(folder.path(), "ports init").starts_with("nothing to add"));
    folder.write("m.nix", "{ services.s.port = 6379; }\n");
    let output = run(folder.path(), "ports init");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("lib/ports.nix: it imports other files"), "{stderr}");
}

#[test]
fn additions_have_the_line_endings_of_the_registry() {
    let files = [("a.nix", "{ services.s.port = 6379; }\n"), ("lib/ports.nix", "{\r\n  web = 8080;\r\n}\r\n")];
    let folder = Repository::new(&files);
    assert_eq!(run(folder.path(), "ports init").status.code(), Some(0));
    let registry = read(folder.path(), "lib/ports.nix");
    assert!(registry.contains("6379") && registry.lines().count() == registry.matches("\r\n").count(), "{registry:?}");
}

/// Renaming the entry anyway would silently break the reference.
#[test]
fn rename_fails_if_an_unchecked_file_refers_to_the_entry() {
    let user = "let ports = import ../lib/ports.nix; in { port = ports.web; }\n";
    for (path, settings) in [("old/e.nix", "exclude = [\"old/\"]\n"), ("vendor/e.nix", "")] {
        let files = [("lib/ports.nix", "{ web = 8080; db = 5432; }\n"), ("flakeward.toml", settings), (path, user)];
        let folder = Repository::new(&files);
        folder.write("vendor/modules.txt", "");
        let output = run(folder.path(), "ports rename web site");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(path), "{stderr}");
        assert_eq!(read(folder.path(), "lib/ports.nix"), files[0].1);
        assert_eq!(run(folder.path(), "ports rename db database").status.code(), Some(0));
    }
}

#[test]
fn rename_fails_if_an_unchecked_file_passes_the_registry_to_modules() {
    let registry = "{ web = 8080; }\n";
    let user = "{ ports, ... }: {\n  services.s.port = ports.web;\n}\n";
    let folder = Repository::new(&[
        ("lib/ports.nix", registry),
        ("flakeward.toml", "exclude = [\"old/\"]\n"),
        ("default.nix", "{ imports = [ ./old/args.nix ./s.nix ]; }\n"),
        ("old/args.nix", "{ _module.args.ports = import ../lib/ports.nix; }\n"),
        ("s.nix", user),
    ]);
    let output = run(folder.path(), "ports rename web site");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("s.nix"), "{stderr}");
    assert_eq!([read(folder.path(), "lib/ports.nix"), read(folder.path(), "s.nix")], [registry, user]);
    folder.write("flakeward.toml", "");
    assert_eq!(run(folder.path(), "ports rename web site").status.code(), Some(0));
    assert!(read(folder.path(), "s.nix").contains("ports.site"));
}

#[test]
fn rename_fails_if_an_unchecked_file_cannot_be_read() {
    let settings = "exclude = [\"old/\"]\n";
    let folder = Repository::new(&[("lib/ports.nix", "{ web = 8080; }\n"), ("flakeward.toml", settings)]);
    folder.write("old/e.nix", b"let ports = import ../lib/ports.nix; in { port = ports.web; } # \xff\n");
    let output = run(folder.path(), "ports rename web site");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("old/e.nix"), "{stderr}");
    assert_eq!(read(folder.path(), "lib/ports.nix"), "{ web = 8080; }\n");
}

#[test]
fn rename_does_not_change_comments_in_unchecked_files() {
    let comment = "# Port from lib/ports.nix: web = 8080\nport: 8080\n";
    let folder = Repository::new(&[
        ("lib/ports.nix", "{ web = 8080; }\n"),
        ("flakeward.toml", "exclude = [\"old/\"]\n"),
        ("old/flake.nix", "{ outputs = _: { }; }\n"),
        ("old/lib/ports.nix", "{ web = 8080; }\n"),
        ("old/a.yaml", comment),
    ]);
    let output = run(folder.path(), "ports rename web site");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(0) && stderr.contains("old/a.yaml"), "{stderr}");
    assert_eq!(read(folder.path(), "lib/ports.nix"), "{ site = 8080; }\n");
    assert_eq!(read(folder.path(), "old/a.yaml"), comment);
}

#[test]
fn rename_reports_which_file_has_syntax_errors() {
    let broken = "let ports = import ./lib/ports.nix; in { a = ports.web; \n";
    let folder = Repository::new(&[("lib/ports.nix", "{ web = 8080; }\n"), ("s.nix", broken)]);
    let output = run(folder.path(), "ports rename web site");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("s.nix has syntax errors") && !stderr.contains("bug"), "{stderr}");
}

#[test]
fn files_that_were_not_read_are_mentioned_if_a_port_is_free() {
    let files = [
        ("lib/ports.nix", "{ web = 8080; }\n"),
        ("flakeward.toml", "exclude = [\"e.nix\"]\n"),
        ("e.nix", "{ port = 8079; }\n"),
    ];
    let folder = Repository::new(&files);
    for command in ["ports next", "ports check 8079"] {
        let output = run(folder.path(), command);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("not read: e.nix"), "{command}: {stderr}");
    }
}

#[test]
fn only_unread_files_that_could_contain_ports_are_mentioned() {
    let folder = Repository::new(&[
        ("lib/ports.nix", "{ web = 8080; }\n"),
        ("flakeward.toml", "exclude = [\"*.md\", \"*.lock\", \"LICENSE\"]\n"),
        ("a.md", "port: 8079\n"),
        ("flake.lock", "{}\n"),
        ("LICENSE", "MIT\n"),
        ("vendor/b/.cargo-checksum.json", "{}\n"),
    ]);
    let output = run(folder.path(), "ports next");
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    folder.write("flakeward.toml", "exclude = [\"old/\"]\n");
    folder.write("old/e.nix", "{ port = 8079; }\n");
    for (command, expected) in [("ports check 8079", true), ("ports check 8080", false)] {
        let stderr = run(folder.path(), command).stderr;
        assert_eq!(String::from_utf8_lossy(&stderr).contains("not read: old"), expected, "{command}");
    }
}

/// A registry of which only a part can be evaluated may have further entries, so the commands fail. If only the values
/// of single entries are unknown, a note lists them.
#[test]
fn commands_fail_if_part_of_a_registry_is_unknown() {
    let repository = Repository::new(&[
        ("lib/more.nix", "{ more = 1; }\n"),
        ("lib/ports.nix", "(import ./more.nix) // { web = 8080; }\n"),
        ("a.nix", "{ services.a.port = 7001; }\n"),
    ]);
    let failed = |command: &str, expected: &str, out: &str| {
        let ran = repository.run(command);
        assert_eq!((ran.code, ran.out.as_str()), (2, out), "{command}: {}", ran.err);
        assert!(ran.err.contains(expected), "{command}: {}", ran.err);
    };
    let unknown = "lib/ports.nix: not all entries can be evaluated";
    failed("ports check 9999", unknown, "");
    failed("ports next", unknown, "");
    failed("ports --format env", unknown, "WEB_PORT=8080\n");
    // This number is taken, whatever the unknown entries are.
    assert_eq!(repository.run("ports check 8080").code, 1);
    repository.write("lib/ports.nix", "{ web = 8080; } // (import ./more.nix)\n");
    failed("ports check 8080", unknown, "");
    let ran = repository.run("ports init");
    assert!(ran.code == 2 && !ran.out.contains("already has an entry"), "{}{}", ran.out, ran.err);
    repository.write("lib/ports.nix", "{ web = 8080; db = builtins.fromJSON \"5432\"; }\n");
    for (command, out) in
        [("ports check 9876", "9876 is free\n"), ("ports --format services", "web 8080/tcp\nweb 8080/udp\n")]
    {
        let ran = repository.run(command);
        assert_eq!((ran.code, ran.out.as_str()), (0, out), "{command}: {}", ran.err);
        assert!(ran.err.contains("note: lib/ports.nix: `db` cannot be evaluated without running Nix"), "{}", ran.err);
    }
    assert!(repository.run("ports").out.contains("db"));
}
