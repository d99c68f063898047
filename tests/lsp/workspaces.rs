//! Which files belong to which repository, and how changes on disk arrive.

use serde_json::{Value, json};

use crate::client::{Client, brief, usual_capabilities};

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
fn a_repository_inside_of_another_is_its_own() {
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
fn folders_come_and_go() {
    let mut client = Client::start(&[("a/redis.nix", USER.1), ("a/lib/ports.nix", REGISTRY.1), ("b/x.nix", "{ }\n")]);
    std::fs::remove_dir(client.root.join(".git")).unwrap();
    let folder = json!({ "uri": client.uri("b"), "name": "b" });
    let params = json!({ "processId": null, "workspaceFolders": [folder], "capabilities": usual_capabilities() });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    client.open_file("a/redis.nix");
    assert!(message(&client.published("a/redis.nix")).contains("databases.redis"), "its own folder is a repository");
    client.open_file("a/lib/ports.nix");
    client.published("a/lib/ports.nix");
    let event = |added: &[&Value], removed: &[&Value]| json!({ "event": { "added": added, "removed": removed } });
    let added = json!({ "uri": client.uri("a"), "name": "a" });
    client.notify("workspace/didChangeWorkspaceFolders", event(&[&added], &[]));
    client.replace("a/lib/ports.nix", 2, "{ cache.main = 6379; }\n");
    assert!(message(&client.published("a/redis.nix")).contains("cache.main"));
    client.notify("workspace/didChangeWorkspaceFolders", event(&[], &[&added]));
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn what_check_leaves_out_is_left_out() {
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
    // The ignore file changes: what it left out is checked.
    client.write(".gitignore", "other\n");
    assert_eq!(client.published("out/a.nix").len(), 1);
    assert_eq!(client.published("out/new.nix").len(), 1);
}

#[test]
fn a_script_is_known_by_its_first_line() {
    let mut client = Client::usual(&[("serve", "#!/bin/sh\n# flakeward: allow(lookup-path) why\n")]);
    client.open_file("serve");
    assert_eq!(brief(&client.published("serve"))[0].1, 1);
    client.replace("serve", 2, "#!/bin/sh\n\n# flakeward: allow(lookup-path) why\n");
    assert_eq!(brief(&client.published("serve"))[0].1, 2);
    client.replace("serve", 3, "# flakeward: allow(lookup-path) why\n");
    assert_eq!(client.published("serve"), Vec::<Value>::new());
}

#[test]
fn files_on_disk_come_change_and_go() {
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
    // The text of an open document counts, whatever is written to the file.
    client.write("redis.nix", "{ }\n");
    client.replace("redis.nix", 2, USER.1);
    assert_eq!(client.published("redis.nix").len(), 1);
    client.write(".flakeward/baseline.json", "{ \"version\": 0 }\n");
    assert!(client.next("window/showMessage")["message"].as_str().unwrap().contains("baseline"));
}
