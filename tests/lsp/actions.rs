//! Code actions: the fixes that `flakeward fix` applies, one by one and all at once, and suppressions with a reason.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::{Client, applied, apply, usual_capabilities};

const REGISTRY: (&str, &str) = ("lib/ports.nix", "{\n  databases.redis = 6379;\n}\n");
const USER: (&str, &str) = ("redis.nix", "{\n  services.redis.port = 6379;\n  services.web.port = 8123;\n}\n");

fn actions(client: &mut Client, path: &str, line: u32, only: Option<&str>) -> Vec<Value> {
    let at = |character: u32| json!({ "line": line, "character": character });
    let mut context = json!({ "diagnostics": [] });
    if let Some(only) = only {
        context["only"] = json!([only]);
    }
    let range = json!({ "start": at(0), "end": at(99) });
    let params = json!({ "textDocument": { "uri": client.uri(path) }, "range": range, "context": context });
    client.request("textDocument/codeAction", params).as_array().unwrap().clone()
}

fn titled<'a>(actions: &'a [Value], part: &str) -> &'a Value {
    let found = actions.iter().find(|action| action["title"].as_str().unwrap().contains(part));
    found.unwrap_or_else(|| panic!("{part}: {actions:#?}"))
}

/// The contents of the file after `flakeward fix` with some flags.
fn fixed(client: &Client, path: &str, flags: &[&str]) -> String {
    let copy = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(client.root.join(".")).arg(copy.path()).status().unwrap();
    assert!(copied.success());
    let run =
        Command::new(env!("CARGO_BIN_EXE_flakeward")).arg("fix").args(flags).arg(path).current_dir(&copy).output();
    run.unwrap();
    std::fs::read_to_string(copy.path().join(path)).unwrap()
}

#[test]
fn a_safe_fix_is_preferred_and_matches_flakeward_fix() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 1, None);
    let fix = &found[0];
    assert_eq!((&fix["isPreferred"], &fix["kind"]), (&json!(true), &json!("quickfix")), "{fix}");
    let change = &fix["edit"]["documentChanges"][0]["textDocument"];
    assert_eq!(change["version"], json!(1), "edits are for one version of the document");
    let after = applied(&client, &fix["edit"], &[REGISTRY, USER]);
    assert_eq!(after, [("redis.nix".to_owned(), fixed(&client, "redis.nix", &[]))]);
}

#[test]
fn an_unsafe_fix_is_marked_and_creates_its_files() {
    let mut client = Client::usual(&[("web.nix", "{\n  services.web.port = 8123;\n}\n")]);
    client.open_file("web.nix");
    let found = actions(&mut client, "web.nix", 1, None);
    let fix = titled(&found, "(unsafe");
    assert_eq!(fix["isPreferred"], json!(false));
    assert_eq!(fix["edit"]["documentChanges"][0]["kind"], json!("create"));
    let after = applied(&client, &fix["edit"], &[("web.nix", "{\n  services.web.port = 8123;\n}\n")]);
    assert!(after.iter().any(|(path, text)| path == "lib/ports.nix" && text.contains("8123")), "{after:?}");
    assert_eq!(fix["command"]["command"], json!("flakeward.nameEntry"));
    client.request("workspace/executeCommand", fix["command"].clone());
    let shown = client.next("window/showDocument");
    assert_eq!(shown["uri"], json!(client.uri("lib/ports.nix")));
    // The new entry is shown, so that it can be renamed at once.
    let texts: Vec<(&str, &str)> = after.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    texts.iter().for_each(|(path, text)| client.open(path, text));
    let document = json!({ "uri": shown["uri"] });
    let mut params = json!({ "textDocument": document, "position": shown["selection"]["start"] });
    let prepared = client.request("textDocument/prepareRename", params.clone());
    assert_eq!(prepared["range"], shown["selection"]);
    params["newName"] = json!("frontend");
    let edit = client.request("textDocument/rename", params);
    let renamed = applied(&client, &edit, &texts);
    assert!(renamed.len() == 2 && renamed.iter().all(|(_, text)| text.contains("frontend")), "{renamed:?}");
}

/// A flake does not see a registry that Git ignores.
#[test]
fn a_fix_in_an_ignored_file_is_rejected_with_the_reason() {
    const WEB: (&str, &str) = ("web.nix", "{\n  services.web.port = 8123;\n}\n");
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["codeAction"]["disabledSupport"] = json!(true);
    for (file, text, reason) in [
        (".gitignore", "lib\n", "lib/ports.nix would be ignored: .gitignore:1 has the pattern `lib`; "),
        ("flakeward.toml", "exclude = [\"lib\"]\n", "`exclude` in the configuration leaves out lib/ports.nix; "),
    ] {
        let mut client = Client::with(&[WEB, (file, text)], &capabilities);
        client.open_file("web.nix");
        let found = actions(&mut client, "web.nix", 1, None);
        let refused = titled(&found, "(unsafe");
        assert!(refused["disabled"]["reason"].as_str().unwrap().starts_with(reason), "{refused}");
        assert!(refused.get("edit").is_none() && refused.get("isPreferred").is_none(), "{refused}");

        let mut client = Client::usual(&[WEB, (file, text)]);
        client.open_file("web.nix");
        let found = actions(&mut client, "web.nix", 1, None);
        assert!(found.iter().all(|action| action["title"].as_str().unwrap().starts_with("Accept")), "{found:?}");
    }
}

#[test]
fn commands_are_sent_when_an_action_is_resolved() {
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["codeAction"]["resolveSupport"] = json!({ "properties": ["edit", "command"] });
    let mut client = Client::with(&[REGISTRY, USER], &capabilities);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 2, None);
    let accept = titled(&found, "Accept hardcoded-port here");
    assert!(accept.get("command").is_none() && accept.get("edit").is_some(), "{accept}");
    let resolved = client.request("codeAction/resolve", accept.clone());
    assert_eq!((&resolved["command"]["command"], &resolved["edit"]), (&json!("flakeward.select"), &accept["edit"]));
}

#[test]
fn fix_all_applies_safe_fixes_only() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    for only in ["source.fixAll.flakeward", "source.fixAll", "source"] {
        let found = actions(&mut client, "redis.nix", 1, Some(only));
        assert_eq!(found.len(), 1, "{only}: {found:?}");
        assert_eq!(found[0]["kind"], json!("source.fixAll.flakeward"));
        let after = applied(&client, &found[0]["edit"], &[REGISTRY, USER]);
        assert_eq!(after, [("redis.nix".to_owned(), fixed(&client, "redis.nix", &[]))]);
        assert!(after[0].1.contains("8123"), "an unregistered port has no safe fix");
    }
    assert!(actions(&mut client, "redis.nix", 1, Some("refactor")).is_empty());
}

#[test]
fn accepting_a_finding_inserts_a_placeholder_for_the_reason() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 2, None);
    let accept = titled(&found, "Accept hardcoded-port here");
    let after = applied(&client, &accept["edit"], &[USER]);
    assert!(after[0].1.contains("\n  # flakeward: allow(hardcoded-port) reason\n  services.web.port"), "{after:?}");
    client.request("workspace/executeCommand", accept["command"].clone());
    let shown = client.next("window/showDocument");
    assert_eq!(shown["selection"]["start"], json!({ "line": 2, "character": 37 }));
    client.published("redis.nix");
    client.replace("redis.nix", 2, &after[0].1);
    assert_eq!(client.published("redis.nix").len(), 1, "the other finding remains");
}

#[test]
fn a_client_with_snippets_gets_a_placeholder_for_the_reason() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"]["workspaceEdit"]["snippetEditSupport"] = json!(true);
    let mut client = Client::with(&[REGISTRY, USER], &capabilities);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 2, None);
    let accept = titled(&found, "Accept hardcoded-port here");
    let edits = accept["edit"]["documentChanges"][0]["edits"].as_array().unwrap();
    assert!(apply(USER.1, edits).contains("allow(hardcoded-port) ${1:reason}\n"), "{edits:?}");
}

#[test]
fn a_client_without_document_changes_gets_plain_changes() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"]["workspaceEdit"] = json!({});
    let mut client = Client::with(&[REGISTRY, USER], &capabilities);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 1, None);
    let uri = client.uri("redis.nix");
    let edits = found[0]["edit"]["changes"][&uri].as_array().unwrap();
    assert_eq!(apply(USER.1, edits), fixed(&client, "redis.nix", &[]));
    let found = actions(&mut client, "redis.nix", 2, None);
    assert!(found.iter().all(|action| action["edit"].get("documentChanges").is_none()), "{found:?}");
}

/// The arguments of `flakeward migrate`, the line of a finding in the file that they name, and the repository.
type Migration = (&'static [&'static str], u32, &'static [(&'static str, &'static str)]);

/// One migration of each kind.
const MIGRATIONS: [Migration; 4] = [
    (
        &["compose", "compose.yaml", "compose.override.yaml"],
        0,
        &[
            REGISTRY,
            ("compose.yaml", "services:\n  db:\n    image: postgres:16\n    ports: [\"5432:5432\"]\n"),
            ("compose.override.yaml", "services:\n  db:\n    environment: { POSTGRES_DB: app }\n"),
            ("flake.nix", FLAKE_PARTS),
        ],
    ),
    (
        &["dockerfile", "Dockerfile"],
        0,
        &[("Dockerfile", "FROM alpine\nRUN apk add curl\nEXPOSE 8080\nCMD [\"curl\"]\n"), ("flake.nix", FLAKE_PARTS)],
    ),
    (
        &["flake", "flake.nix"],
        4,
        &[(
            "flake.nix",
            "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  \
             inputs.flake-utils.url = \"github:numtide/flake-utils\";\n  outputs = { self, nixpkgs, flake-utils }:\n    \
             flake-utils.lib.eachDefaultSystem (system: {\n      \
             packages.default = nixpkgs.legacyPackages.${system}.hello;\n    });\n}\n",
        )],
    ),
    (
        &["ci", ".github/workflows/image.yaml"],
        6,
        &[
            (
                ".github/workflows/image.yaml",
                "on: push\njobs:\n  image:\n    runs-on: ubuntu-latest\n    steps:\n      \
                 - uses: actions/checkout@v4\n      - run: docker build -t ghcr.io/acme/app .\n",
            ),
            ("Dockerfile", "FROM alpine\nCMD [\"true\"]\n"),
            ("flake.nix", FLAKE_PARTS),
        ],
    ),
];

const FLAKE_PARTS: &str = "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  \
    inputs.flake-parts.url = \"github:hercules-ci/flake-parts\";\n  outputs = inputs:\n    \
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {\n      systems = [ \"x86_64-linux\" ];\n    };\n}\n";

/// The path and the text of every file in a folder, sorted by path.
fn files_of(root: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    found.push((name, std::fs::read_to_string(path).unwrap()));
                }
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_migration_action_makes_the_same_changes_as_the_command() {
    for (arguments, line, files) in MIGRATIONS {
        let mut client = Client::usual(files);
        let path = arguments[1];
        client.open_file(path);
        let found = actions(&mut client, path, line, Some("quickfix"));
        let migrate = titled(&found, "Migrate");
        assert_eq!(migrate["isPreferred"], json!(false), "{migrate}");
        let mut after: Vec<(String, String)> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        for (path, text) in applied(&client, &migrate["edit"], files) {
            after.retain(|(known, _)| *known != path);
            after.push((path, text));
        }
        after.sort();

        let copy = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-r").arg(client.root.join(".")).arg(copy.path()).status().unwrap();
        assert!(copied.success());
        let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
        let ran = command.arg("migrate").args(arguments).args(["--write", "--force"]).current_dir(&copy).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(after, files_of(copy.path()), "{arguments:?}");

        if migrate["title"].as_str().unwrap().contains("left") {
            client.request("workspace/executeCommand", migrate["command"].clone());
            let shown = client.next("window/showMessage");
            assert!(shown["message"].as_str().unwrap().contains("left to be done by hand"), "{shown}");
        }
    }
}

/// A flake that `migrate` rejects, because it cannot follow the helper.
const REFUSED: (&str, &str) = (
    "flake.nix",
    "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  outputs = { self, nixpkgs }:\n    let\n      \
     each = f: nixpkgs.lib.genAttrs [ \"x86_64-linux\" \"aarch64-linux\" ] (system: f (import ./pkgs.nix system));\n    \
     in\n    import ./outputs.nix { inherit each self; };\n}\n",
);

#[test]
fn a_rejected_migration_reports_the_reason() {
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["codeAction"]["disabledSupport"] = json!(true);
    let mut client = Client::with(&[REFUSED], &capabilities);
    client.open_file("flake.nix");
    let found = actions(&mut client, "flake.nix", 4, None);
    let refused = titled(&found, "Migrate");
    let reason = refused["disabled"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("flake.nix:") && refused.get("edit").is_none(), "{refused}");

    let mut client = Client::usual(&[REFUSED]);
    client.open_file("flake.nix");
    let found = actions(&mut client, "flake.nix", 4, None);
    let command = titled(&found, "Migrate")["command"].clone();
    let error = client.error("workspace/executeCommand", command);
    assert_eq!(error["message"], json!(reason));
    assert!(client.next("window/showMessage")["message"].as_str().unwrap().contains(reason));
}

#[test]
fn the_command_that_migrates_a_file_sends_the_edit() {
    let (_, line, files) = MIGRATIONS[2];
    let mut client = Client::usual(files);
    client.open_file("flake.nix");
    let found = actions(&mut client, "flake.nix", line, None);
    let offered = titled(&found, "Migrate")["edit"].clone();
    let uri = client.uri("flake.nix");
    client.request("workspace/executeCommand", json!({ "command": "flakeward.migrate", "arguments": [uri] }));
    assert_eq!(client.next("workspace/applyEdit")["edit"], offered);
    let error = client.error("workspace/executeCommand", json!({ "command": "flakeward.migrate", "arguments": [3] }));
    assert_eq!(error["code"], json!(-32602));
}

#[test]
fn actions_keep_line_endings_as_fix_does() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let user = crlf("{ pkgs, ... }:\n{\n  services.redis.port = 6379;\n  services.web.port = 8123;\n}\n");
    let compose = crlf("services:\n  db:\n    image: redis\n    ports:\n      - \"6379:6379\"\n");
    let registry = crlf(REGISTRY.1);
    let files = [("lib/ports.nix", &*registry), ("redis.nix", &*user), ("compose.yaml", &*compose)];
    let mut client = Client::usual(&files);
    for (path, line, part) in [("redis.nix", 2, "rite"), ("redis.nix", 3, "(unsafe"), ("compose.yaml", 4, "omment")] {
        client.open_file(path);
        let found = actions(&mut client, path, line, None);
        let fix = titled(&found, part);
        for (changed, text) in applied(&client, &fix["edit"], &files) {
            let bare = text.replace("\r\n", "").contains('\n');
            assert!(!bare && text.len() > 20, "{part}: {changed}: {text:?}");
        }
    }
    let found = actions(&mut client, "redis.nix", 2, Some("quickfix"));
    let after = applied(&client, &found[0]["edit"], &files);
    let expected = fixed(&client, "redis.nix", &[]);
    assert_eq!(after, [("redis.nix".to_owned(), expected)]);
}

#[test]
fn a_migration_keeps_line_endings() {
    let (_, line, files) = MIGRATIONS[0];
    let crlf: Vec<(&str, String)> = files.iter().map(|(path, text)| (*path, text.replace('\n', "\r\n"))).collect();
    let files: Vec<(&str, &str)> = crlf.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut client = Client::usual(&files);
    client.open_file("compose.yaml");
    let found = actions(&mut client, "compose.yaml", line, Some("quickfix"));
    let after = applied(&client, &titled(&found, "Migrate")["edit"], &files);
    let existing: Vec<_> = after.iter().filter(|(path, _)| files.iter().any(|(known, _)| known == path)).collect();
    assert!(existing.iter().any(|(path, _)| path == "flake.nix"), "{after:?}");
    for (path, text) in existing {
        assert!(!text.replace("\r\n", "").contains('\n'), "{path}: {text:?}");
    }
}

#[test]
fn a_migration_of_an_outdated_document_is_rejected() {
    let (arguments, line, files) = MIGRATIONS[1];
    let path = arguments[1];
    let mut client = Client::usual(files);
    let text = client.open_file(path);
    let found = actions(&mut client, path, line, None);
    let migrate = titled(&found, "Migrate").clone();
    // The migration writes other files only, but its edit names the version of the document.
    let changes = migrate["edit"]["documentChanges"].as_array().unwrap();
    let uri = json!(client.uri(path));
    let own = changes.iter().find(|change| change["textDocument"]["uri"] == uri).unwrap();
    assert_eq!((&own["textDocument"]["version"], &own["edits"]), (&json!(1), &json!([])));
    assert_eq!(client.request("codeAction/resolve", migrate.clone())["edit"], migrate["edit"]);
    client.replace(path, 2, &format!("# changed\n{text}"));
    assert_eq!(client.error("codeAction/resolve", migrate)["code"], json!(-32801));
}

#[test]
fn a_client_without_code_action_literals_gets_commands_or_nothing() {
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["codeAction"] = json!({});
    let mut client = Client::with(&[REGISTRY, USER], &capabilities);
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 1, None);
    assert!(!found.is_empty() && found.iter().all(|command| command["command"].is_string()), "{found:?}");
    client.request("workspace/executeCommand", found[0].clone());
    let edit = client.next("workspace/applyEdit")["edit"].clone();
    let after = applied(&client, &edit, &[REGISTRY, USER]);
    assert_eq!(after, [("redis.nix".to_owned(), fixed(&client, "redis.nix", &[]))]);

    let mut client = Client::with(&[REGISTRY, USER], &json!({}));
    client.open_file("redis.nix");
    let range = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 99 } });
    let document = json!({ "uri": client.uri("redis.nix") });
    let params = json!({ "textDocument": document, "range": range, "context": { "diagnostics": [] } });
    assert_eq!(client.request("textDocument/codeAction", params), Value::Null);
}
