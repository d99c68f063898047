//! The port registry as a language feature, in Nix, YAML comments and Dockerfiles.

use serde_json::{Value, json};

use crate::client::{Client, applied, apply, usual_capabilities};

const REGISTRY: (&str, &str) = (
    "lib/ports.nix",
    "{\n  databases = {\n    redis = 6379;\n    postgres = 5432;\n  };\n  web.main = 8123;\n  web.spare = 8124;\n}\n",
);
const USER: (&str, &str) = (
    "redis.nix",
    "let\n  ports = import ./lib/ports.nix;\nin\n{\n  services.redis.port = ports.databases.redis;\n  \
     url = \"redis://localhost:${toString ports.databases.redis}\";\n}\n",
);
const COMPOSE: (&str, &str) = (
    "compose.yaml",
    "services:\n  web:\n    image: web\n    ports:\n      # Port from lib/ports.nix: web.main = 8123\n      - \"8123:8123\"\n",
);
const LITERAL: (&str, &str) = ("web.nix", "{\n  services.web.port = 8124;\n}\n");

const ALL: [(&str, &str); 4] = [REGISTRY, USER, COMPOSE, LITERAL];

/// Inserts `|` before the first occurrence of `part` in a text.
fn mark(text: &str, part: &str) -> String {
    text.replacen(part, &format!("|{part}"), 1)
}

fn hover(client: &mut Client, path: &str, marked: &str) -> String {
    let at = client.at(path, marked);
    let hover = client.request("textDocument/hover", at);
    hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_hover_shows_an_entry_and_its_uses() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let text = hover(&mut client, "redis.nix", &mark(USER.1, "redis;"));
    for part in ["`databases.redis = 6379`", "lib/ports.nix:3", "redis.nix:5", "redis.nix:6"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = hover(&mut client, "compose.yaml", &mark(COMPOSE.1, "web.main"));
    assert!(text.contains("`web.main = 8123`"), "{text}");
    let text = hover(&mut client, "web.nix", &mark(LITERAL.1, "8124"));
    assert!(text.contains("`web.spare = 8124`") && text.contains("hardcoded-port"), "{text}");
    let text = hover(&mut client, "redis.nix", &mark(USER.1, "databases"));
    assert!(text.contains("group") && text.contains("databases.postgres = 5432"), "{text}");
    assert_eq!(hover(&mut client, "redis.nix", &mark(USER.1, "let")), "");
}

#[test]
fn a_hover_shows_listeners_and_clients() {
    let nginx = ("nginx.nix", "{ services.nginx.upstreams.web.target = \"10.0.0.1:8124\"; }\n");
    let files = [REGISTRY, USER, COMPOSE, LITERAL, nginx, ("free.nix", "{ services.api.port = 9911; }\n")];
    let mut client = Client::usual(&files);
    files.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let text = hover(&mut client, "redis.nix", &mark(USER.1, "redis;"));
    let (listens, connects) = text.split_once("Connects:").unwrap();
    assert!(listens.contains("Listens:\n\n- `services.redis.port` in [redis.nix:5]"), "{text}");
    assert!(connects.contains("- `url` in [redis.nix:6]"), "{text}");
    let text = hover(&mut client, "lib/ports.nix", &mark(REGISTRY.1, "main"));
    assert!(text.contains("Listens:") && text.contains("compose.yaml:5") && text.contains("in a comment"), "{text}");
    let text = hover(&mut client, "web.nix", &mark(LITERAL.1, "8124"));
    assert!(text.contains("Listens:\n\n- `services.web.port` in [web.nix:2]"), "{text}");
    let text = hover(&mut client, "free.nix", &mark("{ services.api.port = 9911; }\n", "9911"));
    assert!(text.contains("not in the port registry") && text.contains("`services.api.port`"), "{text}");
}

#[test]
fn the_same_number_for_another_protocol_is_not_a_conflict() {
    let registry = (
        "lib/ports.nix",
        "{\n  dns.tcp = { port = 5353; protocol = \"tcp\"; };\n  dns.udp = { port = 5353; protocol = \"udp\"; };\n}\n",
    );
    let mut client = Client::usual(&[registry]);
    client.open_file("lib/ports.nix");
    let text = hover(&mut client, "lib/ports.nix", &mark(registry.1, "5353"));
    assert!(text.contains(", tcp") && !text.contains("Conflict"), "{text}");
}

/// `8123:8123` in Compose is two uses at one position.
#[test]
fn a_hover_lists_each_position_once() {
    let files = [REGISTRY, ("compose.yaml", "services:\n  web:\n    image: web\n    ports: [\"8123:8123\"]\n")];
    let mut client = Client::usual(&files);
    client.open_file("compose.yaml");
    let text = hover(&mut client, "compose.yaml", &mark(files[1].1, "8123"));
    assert_eq!(text.matches("compose.yaml:4").count(), 1, "{text}");
}

/// The number in a `Port from` comment is part of the reference to the entry.
#[test]
fn the_number_in_a_comment_refers_to_the_entry() {
    let mut client = Client::usual(&ALL);
    client.open_file("compose.yaml");
    let number = mark(COMPOSE.1, "8123\n");
    assert!(hover(&mut client, "compose.yaml", &number).contains("`web.main = 8123`"));
    let at = client.at("compose.yaml", &number);
    let found = client.request("textDocument/definition", at);
    assert_eq!(found[0]["range"]["start"], json!({ "line": 5, "character": 6 }), "{found}");
}

#[test]
fn the_references_to_a_group_are_those_to_its_entries() {
    let mut client = Client::usual(&ALL);
    let registry = client.open_file("lib/ports.nix");
    let mut at = client.at("lib/ports.nix", &mark(&registry, "databases"));
    at["context"] = json!({ "includeDeclaration": false });
    let found = client.request("textDocument/references", at);
    let lines: Vec<_> = found.as_array().unwrap().iter().map(|place| &place["range"]["start"]["line"]).collect();
    assert_eq!(lines, [4, 5], "{found}");
}

#[test]
fn a_rejected_rename_reports_the_reason() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    for (path, marked, reason) in [
        ("redis.nix", mark(USER.1, "databases"), "`databases` is a group: rename its entries"),
        ("web.nix", mark(LITERAL.1, "8124"), "8124 is a number: rename the registry entry where it is defined"),
        ("web.nix", mark(LITERAL.1, "services"), "there is no registry entry at this position"),
    ] {
        let mut at = client.at(path, &marked);
        assert_eq!(client.request("textDocument/prepareRename", at.clone()), Value::Null, "{path}");
        at["newName"] = json!("other");
        assert_eq!(client.error("textDocument/rename", at)["message"], reason);
    }
    // In a comment, the name includes its groups.
    let at = client.at("compose.yaml", &mark(COMPOSE.1, "web.main"));
    assert_eq!(client.request("textDocument/prepareRename", at)["placeholder"], "web.main");
}

#[test]
fn a_hover_shows_conflicts() {
    let registry = ("lib/ports.nix", "{\n  a.one = 7001;\n  b.two = 7001;\n}\n");
    let mut client = Client::usual(&[registry]);
    client.open_file("lib/ports.nix");
    let text = hover(&mut client, "lib/ports.nix", &mark(registry.1, "one"));
    assert!(text.contains("Conflict") && text.contains("b.two"), "{text}");
}

#[test]
fn an_entry_has_a_definition_and_references() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    for (path, marked) in [
        ("redis.nix", mark(USER.1, "redis;")),
        ("compose.yaml", mark(COMPOSE.1, "web.main")),
        ("web.nix", mark(LITERAL.1, "8124")),
    ] {
        let at = client.at(path, &marked);
        let found = client.request("textDocument/definition", at);
        assert_eq!(found[0]["uri"], json!(client.uri("lib/ports.nix")), "{path}: {found}");
    }
    let mut at = client.at("lib/ports.nix", &mark(REGISTRY.1, "redis"));
    at["context"] = json!({ "includeDeclaration": true });
    let found = client.request("textDocument/references", at.clone());
    let places: Vec<(String, u64)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|place| {
            let path = place["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (path, place["range"]["start"]["line"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(places, [("ports.nix".to_owned(), 2), ("redis.nix".to_owned(), 4), ("redis.nix".to_owned(), 5)]);
    at["context"] = json!({ "includeDeclaration": false });
    assert_eq!(client.request("textDocument/references", at).as_array().unwrap().len(), 2);
    let at = client.at("redis.nix", &mark(USER.1, "redis;"));
    assert_eq!(client.request("textDocument/documentHighlight", at).as_array().unwrap().len(), 2);
}

fn labels(client: &mut Client, path: &str, marked: &str) -> Vec<String> {
    client.open(path, &marked.replacen('|', "", 1));
    let at = client.at(path, marked);
    let found = client.request("textDocument/completion", at);
    let items = found.as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn entries_are_completed_where_they_can_be_written() {
    let mut client = Client::usual(&ALL);
    let head = "let\n  ports = import ./lib/ports.nix;\nin\n";
    for (body, expected) in [
        ("{ a = ports.|; }\n", &["databases", "web"][..]),
        ("{ a = ports.databases.|; }\n", &["postgres", "redis"]),
        ("{ a = ports.databases.re|; }\n", &["postgres", "redis"]),
        ("{ a = \"x:${toString ports.web.|}\"; }\n", &["main", "spare"]),
        ("{ a = ports.|\n}\n", &["databases", "web"]),
        ("{\n  a = \"x:${toString ports.|\n}\n", &["databases", "web"]),
        ("{\n  a = \"x:${toString ports.web.|\"; b = 1;\n}\n", &["main", "spare"]),
        ("{\n  a = \"x:${toString ports.web.|}\n}\n", &["main", "spare"]),
        ("{\n  a = ''\n    x:${toString ports.web.|\n    foo\n  '';\n}\n", &["main", "spare"]),
        ("{\n  a = f (ports.web.|\n}\n", &["main", "spare"]),
        ("{ a = lib.|; }\n", &[]),
        ("{ a = |; }\n", &[]),
    ] {
        assert_eq!(labels(&mut client, "new.nix", &format!("{head}{body}")), expected, "{body}");
    }
    let yaml = "services:\n  a:\n    ports:\n      # Port from lib/ports.nix: |\n      - \"1:1\"\n";
    let found = labels(&mut client, "b.yaml", yaml);
    assert_eq!(found, ["databases.redis", "databases.postgres", "web.main", "web.spare"]);
}

#[test]
fn completion_offers_free_numbers_near_those_of_the_group() {
    let mut client = Client::usual(&ALL);
    let marked = REGISTRY.1.replacen("web.spare = 8124;", "web.spare = |;", 1);
    assert_eq!(labels(&mut client, "lib/ports.nix", &marked), ["8122", "8125", "8121"]);
    let marked = REGISTRY.1.replacen("redis = 6379;", "redis = |", 1);
    assert_eq!(labels(&mut client, "lib/ports.nix", &marked).len(), 3);
    let marked = REGISTRY.1.replacen("web.spare = 8124;", "web.spare = 41|;", 1);
    let offered = labels(&mut client, "lib/ports.nix", &marked);
    assert!(offered.len() == 3 && offered.iter().all(|number| number.starts_with("41")), "{offered:?}");
    // Ports below 1024 require root, and 2000 is a well-known port.
    for (digits, count) in [("1", 3), ("10", 3), ("100", 3), ("2000", 3)] {
        let marked = REGISTRY.1.replacen("web.spare = 8124;", &format!("web.spare = {digits}|;"), 1);
        let offered = labels(&mut client, "lib/ports.nix", &marked);
        assert!(offered.len() == count && offered.iter().all(|number| number.starts_with(digits)), "{offered:?}");
    }
}

/// A record that describes a port is an entry, not a group: its group is the set around it.
#[test]
fn free_numbers_for_a_record_are_near_those_of_its_group() {
    let record = |number: &str| {
        format!(
            "{{\n  web.main = 28123;\n  databases = {{\n    redis = {{ port = 6379; protocol = \"tcp\"; }};\n    \
                 mysql = {{ port = {number}; protocol = \"tcp\"; }};\n  }};\n}}\n"
        )
    };
    let mut client = Client::usual(&[("lib/ports.nix", &record("3306"))]);
    assert_eq!(labels(&mut client, "lib/ports.nix", &record("|"))[0], "6380");
}

#[test]
fn numbers_are_shown_after_references_unless_disabled() {
    let mut client = Client::usual(&ALL);
    client.open_file("redis.nix");
    let everything = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let params = json!({ "textDocument": { "uri": client.uri("redis.nix") }, "range": everything });
    let found = client.request("textDocument/inlayHint", params.clone());
    let texts: Vec<&Value> = found.as_array().unwrap().iter().map(|hint| &hint["label"]).collect();
    assert_eq!(texts, [&json!("= 6379"), &json!("= 6379")]);
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "flakeward": { "inlayHints": false } } }));
    assert_eq!(client.request("textDocument/inlayHint", params), Value::Null);
}

/// Newer clients only announce that something changed, and return their settings on request.
#[test]
fn settings_are_requested_from_clients_that_support_it() {
    let mut capabilities = usual_capabilities();
    capabilities["workspace"]["configuration"] = json!(true);
    let mut client = Client::with(&ALL, &capabilities);
    client.open_file("redis.nix");
    let everything = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let params = json!({ "textDocument": { "uri": client.uri("redis.nix") }, "range": everything });
    for (hints, shown) in
        [(Value::Null, true), (json!({ "inlayHints": false }), false), (json!({ "inlayHints": true }), true)]
    {
        let request = client.wait_for(|message| message["method"] == json!("workspace/configuration"));
        assert_eq!(request["params"]["items"], json!([{ "section": "flakeward" }]));
        client.send(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": [hints] }));
        assert_eq!(client.request("textDocument/inlayHint", params.clone()) != Value::Null, shown, "{hints}");
        client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    }
}

/// Another name for an entry is a separate entry, which may be unused.
#[test]
fn aliases_are_counted_separately() {
    let registry = "rec {\n  web = { app = 3000; };\n  legacy = { inherit (web) app; };\n}\n";
    let user = "let ports = import ./lib/ports.nix; in [ ports.web.app ports.web.app ]\n";
    let mut client = Client::usual(&[("lib/ports.nix", registry), ("a.nix", user)]);
    client.open_file("lib/ports.nix");
    let document = json!({ "textDocument": { "uri": client.uri("lib/ports.nix") } });
    let lenses = client.request("textDocument/codeLens", document);
    let lenses = lenses.as_array().unwrap().iter();
    let titles: Vec<&str> = lenses.map(|lens| lens["command"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["used twice", "no direct references"]);
}

/// One definition can produce several entries.
#[test]
fn entries_from_functions_and_lists_are_counted_separately() {
    let registry = "let\n  service = base: { http = base; https = base + 1; };\nin\n{\n  web = service 8000;\n  api = \
                    service 9000;\n}\n";
    let user = "let ports = import ./lib/ports.nix; in [ ports.web.http ports.web.http ports.api.http ]\n";
    let mut client = Client::usual(&[("lib/ports.nix", registry), ("a.nix", user)]);
    client.open_file("a.nix");
    let mut at = client.at("a.nix", &mark(user, "http ports.api"));
    at["context"] = json!({ "includeDeclaration": false });
    let references = client.request("textDocument/references", at);
    let columns: Vec<&Value> =
        references.as_array().unwrap().iter().map(|found| &found["range"]["start"]["character"]).collect();
    assert_eq!(columns, [&json!(51), &json!(66)]);
}

#[test]
fn the_registry_has_an_outline_and_lenses() {
    let mut client = Client::usual(&ALL);
    client.open_file("lib/ports.nix");
    let document = json!({ "textDocument": { "uri": client.uri("lib/ports.nix") } });
    let outline = client.request("textDocument/documentSymbol", document.clone());
    let names: Vec<&Value> = outline.as_array().unwrap().iter().map(|symbol| &symbol["name"]).collect();
    assert_eq!(names, [&json!("databases"), &json!("web")]);
    assert_eq!(outline[0]["children"][0]["name"], json!("redis"));
    assert_eq!(outline[0]["children"][0]["detail"], json!("6379"));
    let range = |start: (u32, u32), end: (u32, u32)| {
        let at = |(line, character): (u32, u32)| json!({ "line": line, "character": character });
        json!({ "start": at(start), "end": at(end) })
    };
    assert_eq!(outline[0]["selectionRange"], range((1, 2), (1, 11)));
    assert_eq!(outline[0]["range"], range((1, 2), (4, 4)));
    assert_eq!(
        (&outline[1]["selectionRange"], &outline[1]["range"]),
        (&range((5, 2), (5, 5)), &range((5, 2), (6, 19)))
    );
    let lenses = client.request("textDocument/codeLens", document);
    let lenses = lenses.as_array().unwrap().iter();
    let titles: Vec<&str> = lenses.map(|lens| lens["command"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["used twice", "unused", "used once", "unused, but written as a number once"]);
    let other = json!({ "textDocument": { "uri": client.uri("redis.nix") } });
    assert_eq!(
        client.request("textDocument/documentSymbol", other),
        Value::Null,
        "outlines of other files are left to the Nix server"
    );
}

#[test]
fn an_entry_is_renamed_in_every_file() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let at = client.at("redis.nix", &mark(USER.1, "redis;"));
    let prepared = client.request("textDocument/prepareRename", at.clone());
    assert_eq!(prepared["placeholder"], json!("redis"));
    let mut params = at;
    params["newName"] = json!("cache");
    let edit = client.request("textDocument/rename", params.clone());
    let after = applied(&client, &edit, &ALL);
    assert_eq!(
        after,
        [
            ("lib/ports.nix".to_owned(), REGISTRY.1.replace("redis", "cache")),
            ("redis.nix".to_owned(), USER.1.replace("databases.redis", "databases.cache")),
        ]
    );
    let mut comment = client.at("compose.yaml", &mark(COMPOSE.1, "web.main"));
    comment["newName"] = json!("front");
    let edit = client.request("textDocument/rename", comment);
    let after = applied(&client, &edit, &ALL);
    assert!(after.contains(&("compose.yaml".to_owned(), COMPOSE.1.replace("web.main", "web.front"))), "{after:?}");
    params["newName"] = json!("postgres");
    let error = client.error("textDocument/rename", params);
    assert!(error["message"].as_str().unwrap().contains("postgres"), "{error}");
    let at = client.at("redis.nix", &mark(USER.1, "let"));
    assert_eq!(client.request("textDocument/prepareRename", at), Value::Null);
}

#[test]
fn flake_inputs_are_explained_and_completed() {
    let flake = "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  \
                 inputs.tool.url = \"github:acme/tool\";\n  outputs = { nixpkgs, tool, ... }: { };\n}\n";
    let lock = r#"{ "nodes": {
      "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "aaaaaaaaaaaaaaaaaaaa", "lastModified": 1763856000 },
                   "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-25.11" } },
      "nixpkgs_2": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "bbbbbbbbbbbbbbbbbbbb", "lastModified": 1700000000 },
                   "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable" } },
      "tool": { "inputs": { "nixpkgs": "nixpkgs_2" },
                "locked": { "type": "github", "owner": "acme", "repo": "tool", "rev": "cccccccccccccccccccc", "lastModified": 1763856000 },
                "original": { "type": "github", "owner": "acme", "repo": "tool" } },
      "root": { "inputs": { "nixpkgs": "nixpkgs", "tool": "tool" } } }, "root": "root", "version": 7 }"#;
    let mut client = Client::usual(&[("flake.nix", flake), ("flake.lock", lock)]);
    client.open_file("flake.nix");
    let text = hover(&mut client, "flake.nix", &mark(flake, "tool.url"));
    for part in ["flake input `tool`", "cccccccccccc", "368 days old", "Brings its own nixpkgs"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let document = json!({ "textDocument": { "uri": client.uri("flake.nix") } });
    let lenses = client.request("textDocument/codeLens", document);
    assert_eq!(lenses.as_array().unwrap().len(), 1);
    assert!(lenses[0]["command"]["title"].as_str().unwrap().starts_with("brings its own nixpkgs"), "{lenses}");
    let marked = flake.replacen("  outputs", "  inputs.tool.inputs.nixpkgs.follows = \"|\";\n  outputs", 1);
    assert_eq!(labels(&mut client, "flake.nix", &marked), ["nixpkgs"]);
    let marked = flake.replacen("  outputs", "  inputs.tool.inputs.|\n  outputs", 1);
    assert_eq!(labels(&mut client, "flake.nix", &marked), ["nixpkgs"]);
}

#[test]
fn a_completion_replaces_the_word_around_the_cursor() {
    let mut client = Client::usual(&ALL);
    let head = "let\n  ports = import ./lib/ports.nix;\nin\n";
    let registry = REGISTRY.1.replacen("8124", "81|24", 1);
    for (path, marked, expected) in [
        ("new.nix", format!("{head}{{ a = ports.data|bases.redis; }}\n"), "ports.databases.redis"),
        ("lib/ports.nix", registry, "web.spare = 8125;"),
        ("b.yaml", "# Port from lib/ports.nix: web.m|ain = 1\nport: 8123\n".to_owned(), "databases.redis = 6379\n"),
    ] {
        let text = marked.replacen('|', "", 1);
        client.open(path, &text);
        let at = client.at(path, &marked);
        let found = client.request("textDocument/completion", at);
        let after = apply(&text, &[found[0]["textEdit"].clone()]);
        assert!(after.contains(expected), "{after}");
    }
}

#[test]
fn groups_have_the_same_hover_at_definitions_and_references() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let there = hover(&mut client, "lib/ports.nix", &mark(REGISTRY.1, "databases"));
    let here = hover(&mut client, "redis.nix", &mark(USER.1, "databases"));
    assert!(there.starts_with("`databases`: group in lib/ports.nix"), "{there}");
    assert_eq!(there, here);
    let at = client.at("redis.nix", &mark(USER.1, "databases"));
    let found = client.request("textDocument/definition", at);
    assert_eq!(found[0]["range"]["start"], json!({ "line": 1, "character": 2 }), "{found}");
}

#[test]
fn a_name_with_a_dot_moves_the_entry() {
    let mut client = Client::usual(&ALL);
    ALL.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let mut params = client.at("redis.nix", &mark(USER.1, "redis;"));
    params["newName"] = json!("web.cache");
    let edit = client.request("textDocument/rename", params);
    let after = applied(&client, &edit, &ALL);
    let text = |path: &str| &after.iter().find(|(known, _)| known == path).unwrap().1;
    assert_eq!(*text("redis.nix"), USER.1.replace("databases.redis", "web.cache"));
    assert!(text("lib/ports.nix").contains("web.cache = 6379;") && !text("lib/ports.nix").contains('"'), "{after:?}");
}

/// A registry that modules receive as an argument.
const PASSED: (&str, &str) = (
    "flake.nix",
    "{\n  outputs = { nixpkgs, ... }: {\n    nixosConfigurations.a = nixpkgs.lib.nixosSystem {\n      \
     specialArgs.ports = import ./lib/ports.nix;\n      modules = [ ./redis.nix ];\n    };\n  };\n}\n",
);
const MODULE: (&str, &str) = ("redis.nix", "{ ports, ... }:\n{\n  services.redis.port = ports.databases.redis;\n}\n");

#[test]
fn a_registry_passed_as_an_argument_is_followed() {
    let files = [REGISTRY, PASSED, MODULE];
    let mut client = Client::usual(&files);
    files.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let text = hover(&mut client, "redis.nix", &mark(MODULE.1, "redis;"));
    assert!(text.contains("`databases.redis = 6379`") && text.contains("redis.nix:3"), "{text}");
    let at = client.at("redis.nix", &mark(MODULE.1, "redis;"));
    let found = client.request("textDocument/definition", at.clone());
    assert_eq!(found[0]["uri"], json!(client.uri("lib/ports.nix")));
    let mut everywhere = client.at("lib/ports.nix", &mark(REGISTRY.1, "redis"));
    everywhere["context"] = json!({ "includeDeclaration": false });
    let found = client.request("textDocument/references", everywhere);
    assert_eq!(found[0]["uri"], json!(client.uri("redis.nix")), "{found}");
    assert_eq!(client.request("textDocument/prepareRename", at)["placeholder"], json!("redis"));
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let params = json!({ "textDocument": { "uri": client.uri("redis.nix") }, "range": range });
    assert_eq!(client.request("textDocument/inlayHint", params)[0]["label"], json!("= 6379"));
    let document = json!({ "textDocument": { "uri": client.uri("lib/ports.nix") } });
    let lenses = client.request("textDocument/codeLens", document);
    assert_eq!(lenses[0]["command"]["title"], json!("used once"), "{lenses}");
    let mut params = client.at("lib/ports.nix", &mark(REGISTRY.1, "redis"));
    params["newName"] = json!("cache");
    let edit = client.request("textDocument/rename", params);
    let after = applied(&client, &edit, &files);
    assert_eq!(
        after,
        [
            ("lib/ports.nix".to_owned(), REGISTRY.1.replace("redis", "cache")),
            ("redis.nix".to_owned(), MODULE.1.replace("databases.redis", "databases.cache")),
        ]
    );
    let marked = MODULE.1.replace("ports.databases.redis", "ports.|");
    assert_eq!(labels(&mut client, "redis.nix", &marked), ["databases", "web"]);
    let wrong = MODULE.1.replace("ports.databases.redis", "ports.databases.nope");
    client.open("redis.nix", &wrong);
    let fits = |message: &Value| {
        message["params"]["uri"].as_str().is_some_and(|uri| uri.ends_with("redis.nix"))
            && message["params"]["diagnostics"].to_string().contains("databases.nope")
    };
    let found = client.wait_for(fits)["params"]["diagnostics"].clone();
    assert_eq!(found[0]["code"], json!("unknown-port"), "{found}");
}

#[test]
fn an_argument_that_may_not_be_the_registry_is_not_renamed() {
    let other = ("other.nix", "{ nixosSystem }: nixosSystem { specialArgs.ports = import ./more.nix; }\n");
    let called = ("call.nix", "{ }: import ./redis.nix { ports = { databases.redis = 1; }; }\n");
    let nested = ("host.nix", "{ name }: { mk = { ports, ... }: ports.databases.redis; }\n");
    let member = ("member.nix", "{ inputs, ... }: { a.port = inputs.self.lib.ports.databases.redis; }\n");
    for extra in [other, called, nested, member] {
        let files = [REGISTRY, PASSED, MODULE, extra];
        let mut client = Client::usual(&files);
        let mut params = client.at("lib/ports.nix", &mark(REGISTRY.1, "redis"));
        params["newName"] = json!("cache");
        let error = client.error("textDocument/rename", params);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(".nix:") && message.contains("by hand"), "{}: {message}", extra.0);
        client.open("redis.nix", &MODULE.1.replace("databases.redis", "databases.nope"));
        let is_certain = extra == nested || extra == member;
        assert_eq!(client.published("redis.nix").len(), usize::from(is_certain), "{}", extra.0);
    }
}

#[test]
fn completion_offers_the_inputs_that_can_be_followed() {
    let flake = "{\n  inputs = {\n    agenix = { url = \"github:ryantm/agenix\"; inputs.nixpkgs.follows = \"\"; };\n    \
                 home-manager.url = \"github:nix-community/home-manager\";\n    \
                 nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";\n  };\n  outputs = _: { };\n}\n";
    let lock = r#"{ "nodes": {
      "agenix": { "inputs": { "nixpkgs": "nixpkgs", "systems": "systems" }, "locked": { "type": "github", "owner": "ryantm", "repo": "agenix", "rev": "c" } },
      "home-manager": { "inputs": { "nixpkgs": "nixpkgs" }, "locked": { "type": "github", "owner": "nix-community", "repo": "home-manager", "rev": "b" } },
      "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "a" } },
      "systems": { "locked": { "type": "github", "owner": "nix-systems", "repo": "default", "rev": "d" } },
      "root": { "inputs": { "agenix": "agenix", "home-manager": "home-manager", "nixpkgs": "nixpkgs" } } },
      "root": "root", "version": 7 }"#;
    let mut client = Client::usual(&[("flake.nix", flake), ("flake.lock", lock)]);
    for (written, expected) in [
        ("follows = \"|\";", &["home-manager", "nixpkgs"][..]),
        ("follows = \"nix|", &["home-manager", "nixpkgs"]),
        ("follows = \"home-manager/|\";", &["home-manager/nixpkgs"]),
    ] {
        let marked = flake.replacen("follows = \"\";", written, 1);
        assert_eq!(labels(&mut client, "flake.nix", &marked), expected, "{written}");
    }
    let marked = flake.replacen("inputs.nixpkgs.follows = \"\";", "inputs.|", 1);
    assert_eq!(labels(&mut client, "flake.nix", &marked), ["nixpkgs", "systems"]);
    let params = client.at("flake.nix", &marked);
    let offered = client.request("textDocument/completion", params);
    let texts: Vec<&Value> = offered.as_array().unwrap().iter().map(|item| &item["textEdit"]["newText"]).collect();
    assert_eq!(
        texts,
        [&json!("nixpkgs.follows = \"nixpkgs\";"), &json!("systems")],
        "the flake has no input `systems`"
    );
    let marked = flake.replacen("inputs.nixpkgs.follows = \"\";", "inputs.nixpkgs.follows = \"nixpkgs\"; inputs.|", 1);
    assert_eq!(labels(&mut client, "flake.nix", &marked), ["systems"]);
}
