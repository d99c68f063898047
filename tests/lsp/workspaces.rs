//! Which files belong to which repository, and how changes on disk reach the server.

use serde_json::{Value, json};

use crate::client::{Client, brief, pulling_capabilities, usual_capabilities};

const REGISTRY: (&str, &str) = ("lib/ports.nix", "{\n  databases.redis = 6379;\n}\n");
const USER: (&str, &str) = ("redis.nix", "{\n  services.redis.port = 6379;\n}\n");

fn message(found: &[Value]) -> &str {
    found[0]["message"].as_str().unwrap()
}

#[test]
fn a_folder_without_git_is_one_repository() {
    let mut client = Client::start(&[REGISTRY, USER]);
    std::fs::remove_dir(client.root.join(".git")).unwrap();
    client.initialize(&usual_capabilities());
    client.open_file("redis.nix");
    assert!(message(&client.published("redis.nix")).contains("databases.redis"));
    client.open("lib/ports.nix", "{\n  cache.main = 6379;\n}\n");
    assert!(message(&client.published("redis.nix")).contains("cache.main"));
}

#[test]
fn a_nested_repository_is_separate() {
    let nested = ("nested/redis.nix", USER.1);
    let mut client = Client::start(&[REGISTRY, USER, nested]);
    std::fs::create_dir(client.root.join("nested/.git")).unwrap();
    client.initialize(&usual_capabilities());
    client.open_file("redis.nix");
    client.open_file("nested/redis.nix");
    assert!(message(&client.published("redis.nix")).contains("databases.redis"));
    assert!(!message(&client.published("nested/redis.nix")).contains("databases.redis"));
}

#[test]
fn folders_are_added_and_removed() {
    let mut client = Client::start(&[("a/redis.nix", USER.1), ("a/lib/ports.nix", REGISTRY.1), ("b/x.nix", "{ }\n")]);
    std::fs::remove_dir(client.root.join(".git")).unwrap();
    let folder = json!({ "uri": client.uri("b"), "name": "b" });
    let params = json!({ "processId": null, "workspaceFolders": [folder], "capabilities": usual_capabilities() });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    client.open_file("a/redis.nix");
    let alone = client.published("a/redis.nix");
    assert!(!message(&alone).contains("databases.redis"), "the files around it are not read: {alone:?}");
    client.open_file("a/lib/ports.nix");
    client.published("a/lib/ports.nix");
    let event = |added: &[&Value], removed: &[&Value]| json!({ "event": { "added": added, "removed": removed } });
    let added = json!({ "uri": client.uri("a"), "name": "a" });
    client.notify("workspace/didChangeWorkspaceFolders", event(&[&added], &[]));
    assert!(message(&client.published("a/redis.nix")).contains("databases.redis"));
    client.replace("a/lib/ports.nix", 2, "{ cache.main = 6379; }\n");
    assert!(message(&client.published("a/redis.nix")).contains("cache.main"));
    client.notify("workspace/didChangeWorkspaceFolders", event(&[], &[&added]));
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn files_that_check_skips_are_skipped() {
    let left_out = [
        (".gitignore", "out\n"),
        ("flakeward.toml", "exclude = [\"generated\"]\n"),
        ("out/a.nix", USER.1),
        ("generated/a.nix", USER.1),
        ("third/pyvenv.cfg", ""),
        ("third/a.nix", USER.1),
        ("node_modules/a.nix", USER.1),
        USER,
    ];
    let mut client = Client::usual(&left_out);
    for path in ["out/a.nix", "generated/a.nix", "third/a.nix", "node_modules/a.nix"] {
        client.open_file(path);
        assert_eq!(client.published(path), Vec::<Value>::new(), "{path}");
        client.open(&path.replace("a.nix", "new.nix"), USER.1);
        assert_eq!(client.published(&path.replace("a.nix", "new.nix")), Vec::<Value>::new(), "new in {path}");
    }
    client.open_file("redis.nix");
    assert_eq!(client.published("redis.nix").len(), 1);
    client.open("new.nix", USER.1);
    assert_eq!(client.published("new.nix").len(), 1, "it would be checked once it is saved");
    // The ignore file changes, so the file that it matched is checked.
    client.write(".gitignore", "other\n");
    assert_eq!(client.published("out/a.nix").len(), 1);
    assert_eq!(client.published("out/new.nix").len(), 1);
}

#[test]
fn a_script_is_recognised_by_its_first_line() {
    let mut client = Client::usual(&[("serve", "#!/bin/sh\n# flakeward: allow(lookup-path) why\n")]);
    client.open_file("serve");
    assert_eq!(brief(&client.published("serve"))[0].1, 1);
    client.replace("serve", 2, "#!/bin/sh\n\n# flakeward: allow(lookup-path) why\n");
    assert_eq!(brief(&client.published("serve"))[0].1, 2);
    client.replace("serve", 3, "# flakeward: allow(lookup-path) why\n");
    assert_eq!(client.published("serve"), Vec::<Value>::new());
}

#[test]
fn files_on_disk_are_created_changed_and_removed() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    assert!(message(&client.published("redis.nix")).contains("databases.redis"));
    client.write("lib/ports.nix", "{ cache.main = 6379; }\n");
    assert!(message(&client.published("redis.nix")).contains("cache.main"));
    std::fs::remove_file(client.root.join("lib/ports.nix")).unwrap();
    client.changed("lib/ports.nix");
    assert!(!message(&client.published("redis.nix")).contains("cache.main"));
    client.write("lib/ports.nix", REGISTRY.1);
    assert!(message(&client.published("redis.nix")).contains("databases.redis"));
    // The text of an open document takes precedence over the file on disk.
    client.write("redis.nix", "{ }\n");
    client.replace("redis.nix", 2, USER.1);
    assert_eq!(client.published("redis.nix").len(), 1);
    client.write(".flakeward/baseline.json", "{ \"version\": 0 }\n");
    assert!(client.next("window/showMessage")["message"].as_str().unwrap().contains("baseline"));
}

#[test]
fn saving_updates_the_findings_if_the_client_cannot_watch_files() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"].as_object_mut().unwrap().remove("didChangeWatchedFiles");
    let mut client = Client::with(&[REGISTRY, USER, ("other.nix", "{ }\n")], &capabilities);
    client.open_file("redis.nix");
    client.open_file("other.nix");
    assert!(message(&client.published("redis.nix")).contains("databases.redis"));
    std::fs::write(client.root.join("lib/ports.nix"), "{ cache.main = 6379; }\n").unwrap();
    let document = json!({ "uri": client.uri("other.nix") });
    client.notify("textDocument/didSave", json!({ "textDocument": document }));
    assert!(message(&client.published("redis.nix")).contains("cache.main"));
}

/// By default, the client only watches files in its workspace folders.
#[test]
fn a_repository_that_contains_the_folder_is_watched() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"]["didChangeWatchedFiles"]["relativePatternSupport"] = json!(true);
    let mut client = Client::start(&[REGISTRY, ("modules/redis.nix", USER.1)]);
    let folder = json!({ "uri": client.uri("modules"), "name": "modules" });
    let params = json!({ "processId": null, "workspaceFolders": [folder], "capabilities": capabilities });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    let pattern = |client: &mut Client| {
        client.next("client/registerCapability")["registrations"][0]["registerOptions"]["watchers"][0]["globPattern"]
            .clone()
    };
    assert_eq!(pattern(&mut client), json!("**/*"));
    assert_eq!(pattern(&mut client), json!({ "baseUri": client.uri(""), "pattern": "**/*" }));
}

/// Some clients cannot watch files outside their folders.
#[test]
fn saving_updates_the_findings_if_the_repository_cannot_be_watched() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"]["didChangeWatchedFiles"] = json!({ "dynamicRegistration": true });
    let mut client = Client::start(&[REGISTRY, ("modules/redis.nix", USER.1), ("modules/other.nix", "{ }\n")]);
    let folder = json!({ "uri": client.uri("modules"), "name": "modules" });
    let params = json!({ "processId": null, "workspaceFolders": [folder], "capabilities": capabilities });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    client.open_file("modules/redis.nix");
    client.open_file("modules/other.nix");
    assert!(message(&client.published("modules/redis.nix")).contains("databases.redis"));
    std::fs::write(client.root.join("lib/ports.nix"), "{ cache.main = 6379; }\n").unwrap();
    let document = json!({ "uri": client.uri("modules/other.nix") });
    client.notify("textDocument/didSave", json!({ "textDocument": document }));
    assert!(message(&client.published("modules/redis.nix")).contains("cache.main"));
}

#[test]
fn a_repository_is_closed_with_its_last_document() {
    let other = tempfile::tempdir().unwrap();
    let root = other.path().canonicalize().unwrap();
    std::fs::create_dir(root.join(".git")).unwrap();
    std::fs::write(root.join("redis.nix"), USER.1).unwrap();
    let mut client = Client::with(&[("a.nix", "{ }\n")], &pulling_capabilities());
    let uri = format!("file://{}/redis.nix", root.display());
    let document = json!({ "uri": uri, "languageId": "nix", "version": 1, "text": USER.1 });
    let reported = |client: &mut Client| {
        let report = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
        report["items"].as_array().unwrap().len()
    };
    client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    assert_eq!(reported(&mut client), 1);
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    assert_eq!(reported(&mut client), 0);
}

#[test]
fn a_file_outside_every_repository_is_checked_alone() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    let uri = "file:///flakeward-test-of-the-root.nix";
    let document = json!({ "uri": uri, "languageId": "nix", "version": 1, "text": "{ services.a.port = 6379; }" });
    client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let found = client.next("textDocument/publishDiagnostics");
    assert_eq!((&found["uri"], found["diagnostics"].as_array().unwrap().len()), (&json!(uri), 1));
    assert!(!found["diagnostics"][0]["message"].as_str().unwrap().contains("databases.redis"), "{found}");
    let position = json!({ "line": 0, "character": 22 });
    let hover = client.request("textDocument/hover", json!({ "textDocument": { "uri": uri }, "position": position }));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("6379"), "{hover}");
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    // A document that was never opened is not migrated.
    let command = json!({ "command": "flakeward.migrate", "arguments": ["file:///nope"] });
    client.error("workspace/executeCommand", command);
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn uris_start_with_the_folder_that_the_client_sent() {
    let mut client = Client::start(&[REGISTRY, USER]);
    let links = tempfile::tempdir().unwrap();
    let link = links.path().join("link with space");
    std::os::unix::fs::symlink(&client.root, &link).unwrap();
    let given = format!("file://{}/link%20with%20space", links.path().display());
    let mut capabilities = usual_capabilities();
    capabilities["textDocument"]["diagnostic"] = json!({});
    let folder = json!({ "uri": given, "name": "link" });
    let params = json!({ "processId": null, "workspaceFolders": [folder], "capabilities": capabilities });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    let report = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    let uris: Vec<&str> =
        report["items"].as_array().unwrap().iter().map(|item| item["uri"].as_str().unwrap()).collect();
    assert!(!uris.is_empty() && uris.iter().all(|uri| uri.starts_with(&format!("{given}/"))), "{uris:?}");
    let item =
        report["items"].as_array().unwrap().iter().find(|item| item["uri"].as_str().unwrap().ends_with("redis.nix"));
    let related = &item.unwrap()["items"][0]["relatedInformation"][0]["location"]["uri"];
    assert_eq!(*related, json!(format!("{given}/lib/ports.nix")));
}

#[test]
fn all_files_are_watched_but_only_checked_files_are_read() {
    let mut client = Client::usual(&[REGISTRY, USER, (".gitignore", "out\n")]);
    let registration = client.next("client/registerCapability");
    let watchers = &registration["registrations"][0]["registerOptions"]["watchers"];
    assert_eq!(*watchers, json!([{ "globPattern": "**/*" }]));
    client.open_file("redis.nix");
    client.published("redis.nix");
    // None of these is checked, so nothing is read again or published.
    for path in ["notes.txt", "LICENSE", ".git/objects/ab/cdef", "out/web.nix", "node_modules/a.nix"] {
        client.write(path, "some text 6379\n");
    }
    client.write("serve", "#!/bin/sh\nredis-server --port 6379\n");
    client.write("moved/ports.nix", "{ cache.main = 6379; }\n");
    std::fs::remove_dir_all(client.root.join("lib")).unwrap();
    // Clients report the removal of a folder, but not of its files.
    client.changed("lib");
    let found = client.published("redis.nix");
    assert!(!message(&found).contains("databases.redis"), "{found:?}");
}
