//! Code actions: they offer what `flakeward fix` does, one by one and all at once, and suppressions with a reason.

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

/// What `flakeward fix` makes of the file with some flags.
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
fn a_safe_fix_is_preferred_and_does_what_fix_does() {
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
fn an_unsafe_fix_says_so_and_creates_what_it_needs() {
    let mut client = Client::usual(&[("web.nix", "{\n  services.web.port = 8123;\n}\n")]);
    client.open_file("web.nix");
    let found = actions(&mut client, "web.nix", 1, None);
    let fix = titled(&found, "(unsafe");
    assert_eq!(fix["isPreferred"], json!(false));
    assert_eq!(fix["edit"]["documentChanges"][0]["kind"], json!("create"));
    let after = applied(&client, &fix["edit"], &[("web.nix", "{\n  services.web.port = 8123;\n}\n")]);
    assert!(after.iter().any(|(path, text)| path == "lib/ports.nix" && text.contains("8123")), "{after:?}");
    assert_eq!(fix["command"]["command"], json!("flakeward.select"));
    client.request("workspace/executeCommand", fix["command"].clone());
    let shown = client.next("window/showDocument");
    assert_eq!(shown["uri"], json!(client.uri("lib/ports.nix")));
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
fn a_finding_is_accepted_with_a_reason_to_write() {
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
    assert_eq!(client.published("redis.nix").len(), 1, "the other one is left");
}

#[test]
fn a_client_with_snippets_gets_the_cursor_in_the_reason() {
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
fn a_client_without_versions_gets_plain_changes() {
    let mut client = Client::with(&[REGISTRY, USER], &json!({}));
    client.open_file("redis.nix");
    let found = actions(&mut client, "redis.nix", 1, None);
    let uri = client.uri("redis.nix");
    let edits = found[0]["edit"]["changes"][&uri].as_array().unwrap();
    assert_eq!(apply(USER.1, edits), fixed(&client, "redis.nix", &[]));
    let found = actions(&mut client, "redis.nix", 2, None);
    assert!(found.iter().all(|action| action["edit"].get("documentChanges").is_none()), "{found:?}");
}
