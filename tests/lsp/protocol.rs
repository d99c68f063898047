//! The session itself: phases, cancellation, malformed messages, encodings, and termination.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;

const FILE: (&str, &str) = ("a.nix", "{ services.a.port = 8123; }\n");

#[test]
fn a_session_starts_and_ends_as_the_protocol_requires() {
    let mut client = Client::start(&[FILE]);
    let early = client.error("textDocument/hover", json!({}));
    assert_eq!(early["code"], json!(-32002));
    let result = client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
    assert_eq!(result["serverInfo"]["name"], json!("flakeward"));
    assert_eq!(result["capabilities"]["positionEncoding"], json!("utf-16"));
    assert_eq!(result["capabilities"]["diagnosticProvider"]["interFileDependencies"], json!(true));
    assert_eq!(result["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"], json!(true));
    assert_eq!(client.error("initialize", json!({ "capabilities": {} }))["code"], json!(-32600));
    assert_eq!(client.error("textDocument/nonsense", json!({}))["code"], json!(-32601));
    assert_eq!(client.error("textDocument/hover", json!({ "position": 3 }))["code"], json!(-32602));
    client.notify("textDocument/nonsense", json!({}));
    client.notify("textDocument/didChange", json!({ "nonsense": true }));
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn requests_after_shutdown_are_rejected() {
    let mut client = Client::usual(&[FILE]);
    client.request("shutdown", Value::Null);
    assert_eq!(client.error("textDocument/hover", json!({}))["code"], json!(-32600));
    client.notify("exit", Value::Null);
    assert_eq!(client.wait(), Some(0));
}

#[test]
fn exit_without_shutdown_returns_exit_code_1() {
    assert_eq!(Client::usual(&[FILE]).vanish(), Some(1));
    let mut client = Client::usual(&[FILE]);
    client.notify("exit", Value::Null);
    assert_eq!(client.wait(), Some(1));
}

#[test]
fn a_malformed_message_does_not_affect_others() {
    let mut client = Client::usual(&[FILE]);
    client.send_raw("{ nonsense");
    let answer = client.wait_for(|message| message["error"]["code"] == json!(-32700));
    assert_eq!(answer["id"], Value::Null);
    client.open_file("a.nix");
    assert_eq!(client.published("a.nix").len(), 1);
    assert_eq!(client.shut_down(), Some(0));
}

/// A path that is too long to exist does not refer to a file, in any notification.
#[test]
fn a_path_that_is_too_long_is_not_a_file() {
    let mut client = Client::usual(&[FILE]);
    let uri = format!("file:///{}x.nix", "a/".repeat(100_000));
    let document = json!({ "uri": uri, "languageId": "nix", "version": 1, "text": "{ }" });
    client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": 2 }] }));
    client.open_file("a.nix");
    assert_eq!(client.published("a.nix").len(), 1);
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn cancelled_requests_still_get_a_response() {
    let mut client = Client::usual(&[FILE]);
    client.open_file("a.nix");
    // The server may answer a request before it reads the cancellation, so a result is also valid.
    let hover = client.at("a.nix", "|");
    let mut ids = Vec::new();
    for _ in 0..50 {
        let id = client.ask("textDocument/hover", hover.clone());
        client.notify("$/cancelRequest", json!({ "id": id }));
        ids.push(id);
    }
    for id in ids {
        let response = client.response(id);
        let code = &response["error"]["code"];
        assert!(*code == json!(-32800) || response.get("result").is_some(), "{response}");
    }
    // The cancellation of an unknown request has no effect.
    let unknown = client.ask("textDocument/hover", hover.clone()) + 1;
    client.notify("$/cancelRequest", json!({ "id": unknown }));
    client.request("textDocument/hover", hover);
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn columns_are_in_the_negotiated_encoding() {
    let text = "{ services.\"😀ü\".port = 8123; }\r\n";
    let cases = [(json!(["utf-8", "utf-16"]), 27), (json!(["utf-16"]), 24), (json!(["utf-32"]), 23), (json!([]), 24)];
    for (encodings, column) in cases {
        let mut client =
            Client::with(&[("a.nix", text)], &json!({ "general": { "positionEncodings": encodings.clone() } }));
        client.open("a.nix", text);
        let found = client.published("a.nix");
        assert_eq!(found[0]["range"]["start"], json!({ "line": 0, "character": column }), "{encodings}");
    }
}

#[test]
fn incremental_edits_work_with_astral_characters_and_crlf() {
    let mut client = Client::usual(&[FILE]);
    client.open("a.nix", "{\r\n  a = \"😀\"; services.a.port = 1;\r\n}\r\n");
    client.published("a.nix");
    let uri = client.uri("a.nix");
    let edit = |line: u32, from: u32, to: u32, text: &str| {
        let at = |character: u32| json!({ "line": line, "character": character });
        json!({ "range": { "start": at(from), "end": at(to) }, "text": text })
    };
    // 1 becomes 8123, then the emoji is removed.
    let changes = [edit(1, 31, 32, "8123"), edit(1, 7, 9, "")];
    client.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": changes }),
    );
    let found = client.published("a.nix");
    assert_eq!(found[0]["range"]["start"], json!({ "line": 1, "character": 28 }));
    assert!(found[0]["message"].as_str().unwrap().contains("8123"), "{found:?}");
}

#[test]
fn the_server_exits_when_the_client_process_ends() {
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let id = ended.id();
    ended.wait().unwrap();
    let mut client = Client::start(&[FILE]);
    client.request("initialize", json!({ "processId": id, "rootUri": null, "capabilities": {} }));
    assert_eq!(client.wait(), Some(1));
    let mut client = Client::start(&[FILE]);
    let own = std::process::id();
    client.request("initialize", json!({ "processId": own, "rootUri": null, "capabilities": {} }));
    assert_eq!(client.shut_down(), Some(0));
}

#[test]
fn a_client_without_capabilities_gets_the_oldest_formats() {
    let registry = ("lib/ports.nix", "{\n  databases.redis = 6379;\n}\n");
    let user = ("redis.nix", "{\n  services.redis.port = 6379;\n}\n");
    let mut client = Client::with(&[registry, user], &json!({}));
    client.open_file("redis.nix");
    let found = client.published("redis.nix");
    for key in ["relatedInformation", "codeDescription", "data", "tags"] {
        assert!(found[0].get(key).is_none(), "{key}: {found:?}");
    }
    let at = client.at("redis.nix", "{\n  services.redis.port = |6379;\n}\n");
    let hover = client.request("textDocument/hover", at);
    let text = hover["contents"]["value"].as_str().unwrap();
    assert_eq!(hover["contents"]["kind"], json!("plaintext"));
    assert!(text.contains("databases.redis = 6379: port registry entry") && !text.contains('`'), "{text}");
    let document = json!({ "textDocument": { "uri": client.uri("lib/ports.nix") } });
    let symbols = client.request("textDocument/documentSymbol", document);
    let brief: Vec<_> = symbols.as_array().unwrap().iter().map(|it| (&it["name"], &it["containerName"])).collect();
    assert_eq!(brief, [(&json!("databases"), &Value::Null), (&json!("redis"), &json!("databases"))]);
    assert_eq!(symbols[1]["location"]["uri"], json!(client.uri("lib/ports.nix")));
}

/// The server does not queue every version of the diagnostics for a client that does not read them.
#[test]
fn findings_are_held_back_while_the_client_does_not_read() {
    let many: String = (0..200).map(|index| format!("  services.app{index}.port = {};\n", 20_000 + index)).collect();
    let text = format!("{{\n{many}}}\n");
    let mut client = Client::usual(&[("app.nix", &text)]);
    client.open_file("app.nix");
    client.published("app.nix");
    let reading = Arc::clone(&client.reading);
    let pause = reading.lock().unwrap();
    for version in 2..=400 {
        client.replace("app.nix", version, &format!("{text}# {version}\n"));
        // Long enough to check a file, so that the server would publish each version.
        thread::sleep(Duration::from_millis(10));
    }
    drop(pause);
    let mut published = 0;
    loop {
        let version = client.next("textDocument/publishDiagnostics")["version"].as_i64().unwrap();
        published += 1;
        if version == 400 {
            break;
        }
    }
    assert!(published < 200, "{published} versions were published");
}

/// A client that ends the session properly gets exit code 0, however many messages are pending.
#[test]
fn a_session_with_many_open_documents_ends_properly() {
    let mut client = Client::usual(&[FILE]);
    for number in 0..500 {
        let uri = format!("file:///nowhere/d{number}/a.nix");
        let document = json!({ "uri": uri, "languageId": "nix", "version": 1, "text": "{ port = 6379; }" });
        client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }
    client.send(&json!({ "jsonrpc": "2.0", "id": 9_000, "method": "shutdown" }));
    client.notify("exit", Value::Null);
    assert_eq!(client.vanish(), Some(0));
}
