//! Diagnostics: pushed and pulled, across files, from buffers and from disk.

use serde_json::{Value, json};

use crate::client::{Client, brief, pulling_capabilities};

const REGISTRY: (&str, &str) = ("lib/ports.nix", "{\n  databases.redis = 6379;\n}\n");
const USER: (&str, &str) = ("redis.nix", "{\n  services.redis.port = 6379;\n}\n");
const OTHER: (&str, &str) = ("web.nix", "{\n  services.web.port = 8123;\n}\n");

#[test]
fn published_findings_include_the_rule_page_and_related_locations() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    let found = client.published("redis.nix");
    assert_eq!(brief(&found), [("hardcoded-port".to_owned(), 1, 24)]);
    assert_eq!(found[0]["source"], json!("flakeward"));
    assert_eq!(found[0]["severity"], json!(1));
    assert!(found[0]["codeDescription"]["href"].as_str().unwrap().ends_with("/rules/hardcoded-port.html"));
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], json!(client.uri("lib/ports.nix")));
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 1, "character": 12 }));
}

#[test]
fn changing_the_registry_updates_the_findings_of_every_open_file() {
    let mut client = Client::usual(&[REGISTRY, USER, OTHER]);
    client.open_file("redis.nix");
    client.open_file("web.nix");
    assert!(client.published("redis.nix")[0]["message"].as_str().unwrap().contains("databases.redis"));
    client.published("web.nix");
    client.open_file("lib/ports.nix");
    client.published("lib/ports.nix");
    client.replace("lib/ports.nix", 2, "{\n  web.main = 8123;\n}\n");
    assert!(!client.published("redis.nix")[0]["message"].as_str().unwrap().contains("databases.redis"));
    assert!(client.published("web.nix")[0]["message"].as_str().unwrap().contains("web.main"));
    // Unsaved changes are gone once the document is closed.
    client.close("lib/ports.nix");
    assert!(client.published("redis.nix")[0]["message"].as_str().unwrap().contains("databases.redis"));
}

#[test]
fn an_empty_list_is_published_once_findings_are_resolved() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    assert_eq!(client.published("redis.nix").len(), 1);
    client.replace("redis.nix", 2, "{ }\n");
    assert_eq!(client.published("redis.nix"), Vec::<Value>::new());
    client.replace("redis.nix", 3, USER.1);
    assert_eq!(client.published("redis.nix").len(), 1);
    client.close("redis.nix");
    assert_eq!(client.published("redis.nix"), Vec::<Value>::new());
}

#[test]
fn a_client_that_pulls_is_asked_to_pull_again() {
    let mut client = Client::with(&[REGISTRY, USER, OTHER], &pulling_capabilities());
    client.open_file("redis.nix");
    let document = json!({ "textDocument": { "uri": client.uri("redis.nix") } });
    let first = client.request("textDocument/diagnostic", document.clone());
    assert_eq!(first["kind"], json!("full"));
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let mut again = document.clone();
    again["previousResultId"] = first["resultId"].clone();
    assert_eq!(client.request("textDocument/diagnostic", again.clone())["kind"], json!("unchanged"));
    client.open("lib/ports.nix", "{ x.redis = 6379; }\n");
    client.next("workspace/diagnostic/refresh");
    let changed = client.request("textDocument/diagnostic", again);
    assert!(changed["items"][0]["message"].as_str().unwrap().contains("x.redis"), "{changed}");
}

#[test]
fn workspace_diagnostics_cover_all_files_and_are_cleared() {
    let mut client = Client::with(&[REGISTRY, USER, OTHER], &pulling_capabilities());
    let first = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    let items = first["items"].as_array().unwrap().clone();
    let uris: Vec<&Value> = items.iter().map(|item| &item["uri"]).collect();
    // Nothing refers to the registry entry by its name.
    let expected = ["lib/ports.nix", "redis.nix", "web.nix"].map(|path| json!(client.uri(path)));
    assert_eq!(uris, expected.iter().collect::<Vec<_>>());
    let known: Vec<Value> = items.iter().map(|item| json!({ "uri": item["uri"], "value": item["resultId"] })).collect();
    client.write("web.nix", "{ }\n");
    let second = client.request("workspace/diagnostic", json!({ "previousResultIds": known }));
    let kinds: Vec<(&Value, usize)> = second["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["kind"], item["items"].as_array().map_or(0, Vec::len)))
        .collect();
    assert_eq!(kinds, [(&json!("unchanged"), 0), (&json!("unchanged"), 0), (&json!("full"), 0)]);
}

#[test]
fn files_and_settings_on_disk_are_watched() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    let registration = client.next("client/registerCapability");
    assert_eq!(registration["registrations"][0]["method"], json!("workspace/didChangeWatchedFiles"));
    client.open_file("redis.nix");
    assert_eq!(client.published("redis.nix").len(), 1);
    client.write("flakeward.toml", "[rules.hardcoded-port]\nlevel = \"off\"\n");
    assert_eq!(client.published("redis.nix").len(), 0);
    client.write("flakeward.toml", "[rules.hardcoded-port]\nlevel = \"warn\"\n");
    assert_eq!(client.published("redis.nix")[0]["severity"], json!(2));
    client.write("lib/ports.nix", "{ cache.main = 6379; }\n");
    assert!(client.published("redis.nix")[0]["message"].as_str().unwrap().contains("cache.main"));
}

#[test]
fn invalid_settings_are_reported_until_they_are_corrected() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    assert_eq!(client.published("redis.nix").len(), 1);
    client.write("flakeward.toml", "[rules.hardcoded-prot]\nlevel = \"off\"\n");
    let message = client.next("window/showMessage");
    assert!(message["message"].as_str().unwrap().contains("hardcoded-prot"), "{message}");
    assert_eq!(client.published("redis.nix"), Vec::<Value>::new());
    client.open_file("flakeward.toml");
    let found = client.published("flakeward.toml");
    assert_eq!(found[0]["range"]["start"]["line"], json!(0), "{found:?}");
    client.replace("flakeward.toml", 2, "");
    assert_eq!(client.published("redis.nix").len(), 1);
}

#[test]
fn custom_rules_apply() {
    let page = "+++\nid = \"no-telnet\"\nlevel = \"warn\"\nsummary = \"no telnet\"\nlanguages = [\"nix\"]\n\
                attrpath = [\"services.telnet.enable\"]\nmessage = \"telnet is not used here\"\n+++\n\n\
                ## Why\n\nIt is not encrypted.\n";
    let mut client = Client::usual(&[(".flakeward/rules/no-telnet.md", page)]);
    client.open("a.nix", "{ services.telnet.enable = true; }\n");
    let found = client.published("a.nix");
    assert_eq!(brief(&found)[0].0, "local/no-telnet", "{found:?}");
}

#[test]
fn unsaved_settings_and_rules_apply() {
    let mut client = Client::usual(&[REGISTRY, USER]);
    client.open_file("redis.nix");
    assert_eq!(client.published("redis.nix").len(), 1);
    // The file does not exist yet.
    client.open("flakeward.toml", "[rules.hardcoded-port]\nlevel = \"off\"\n");
    assert_eq!(client.published("redis.nix").len(), 0);
    client.replace("flakeward.toml", 2, "[rules.hardcoded-port]\nlevel = \"warn\"\n");
    assert_eq!(client.published("redis.nix")[0]["severity"], json!(2));
    client.close("flakeward.toml");
    assert_eq!(client.published("redis.nix")[0]["severity"], json!(1));
    let page = "+++\nid = \"no-redis\"\nlevel = \"warn\"\nsummary = \"no redis\"\nlanguages = [\"nix\"]\n\
                attrpath = [\"services.redis.port\"]\nmessage = \"redis is not used here\"\n+++\n\n## Why\n\nIt is not.\n";
    client.open(".flakeward/rules/no-redis.md", page);
    let found = client.published("redis.nix");
    assert!(brief(&found).iter().any(|(rule, ..)| rule == "local/no-redis"), "{found:?}");
}

#[test]
fn an_error_in_open_settings_is_a_diagnostic_not_a_message() {
    let mut client = Client::with(&[REGISTRY, USER], &pulling_capabilities());
    client.open("flakeward.toml", "exclude = [\"a\"\n");
    let report = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    let items = report["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{report}");
    assert_eq!(items[0]["uri"], json!(client.uri("flakeward.toml")));
    assert_eq!(items[0]["items"][0]["severity"], json!(1));
    client.replace("flakeward.toml", 2, "exclude = [\"a\"]\n");
    let report = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    assert!(report["items"].as_array().unwrap().len() > 1, "{report}");
    client.request("shutdown", Value::Null);
    assert!(!client.has_waiting("window/showMessage"));
}

#[test]
fn responses_include_the_diagnostics_of_related_documents() {
    let mut capabilities = pulling_capabilities();
    capabilities["textDocument"]["diagnostic"] = json!({ "relatedDocumentSupport": true });
    let mut client = Client::with(&[REGISTRY, USER, OTHER], &capabilities);
    let pull = |client: &mut Client, path: &str| {
        let params = json!({ "textDocument": { "uri": client.uri(path) } });
        client.request("textDocument/diagnostic", params)
    };
    for path in ["redis.nix", "web.nix", "lib/ports.nix"] {
        client.open_file(path);
        assert_eq!(pull(&mut client, path).get("relatedDocuments"), None);
    }
    client.replace("lib/ports.nix", 2, "{ databases.cache = 6379; }\n");
    let report = pull(&mut client, "lib/ports.nix");
    let related = report["relatedDocuments"].as_object().unwrap();
    assert_eq!(related.keys().collect::<Vec<_>>(), [&client.uri("redis.nix")]);
    let items = &related[&client.uri("redis.nix")]["items"];
    assert!(items[0]["message"].as_str().unwrap().contains("databases.cache"), "{items}");
    assert_eq!(pull(&mut client, "lib/ports.nix").get("relatedDocuments"), None, "they have not changed again");
}

#[test]
fn refreshes_are_only_requested_for_changes_in_other_documents() {
    let mut capabilities = pulling_capabilities();
    capabilities["workspace"]["inlayHint"] = json!({ "refreshSupport": true });
    capabilities["workspace"]["codeLens"] = json!({ "refreshSupport": true });
    let reader = ("reader.nix", "let ports = import ./lib/ports.nix; in { x.port = ports.databases.redis; }\n");
    let mut client = Client::with(&[REGISTRY, USER, OTHER, reader], &capabilities);
    let all = ["workspace/diagnostic/refresh", "workspace/inlayHint/refresh", "workspace/codeLens/refresh"];
    // Collects the server's requests until it responds.
    let settle = |client: &mut Client| {
        let document = json!({ "textDocument": { "uri": client.uri("redis.nix") } });
        std::thread::sleep(std::time::Duration::from_millis(300));
        client.request("textDocument/diagnostic", document);
        all.map(|method| {
            let is_there = client.has_waiting(method);
            while client.has_waiting(method) {
                client.next(method);
            }
            is_there
        })
    };
    for path in ["redis.nix", "reader.nix", "lib/ports.nix"] {
        client.open_file(path);
    }
    settle(&mut client);
    client.replace("redis.nix", 2, "{\n  services.redis.port = 6379;\n\n}\n");
    assert_eq!(settle(&mut client), [false; 3], "nothing changed elsewhere");
    client.replace("redis.nix", 3, "{\n  services.redis.port = 6380;\n}\n");
    assert_eq!(settle(&mut client), [false, false, true], "the number of the entry is no longer written as a literal");
    client.replace("lib/ports.nix", 2, "{\n  databases.redis = 6380;\n}\n");
    assert_eq!(settle(&mut client), [true, true, false]);
    client.replace("lib/ports.nix", 3, "{\n  databases.redis = 6380; \n}\n");
    assert_eq!(settle(&mut client), [false; 3]);
    client.write("notes.txt", "text\n");
    assert_eq!(settle(&mut client), [false; 3]);
    client.write("more.nix", "let ports = import ./lib/ports.nix; in { y.port = ports.databases.redis; }\n");
    assert_eq!(settle(&mut client), [false, false, true]);
}
