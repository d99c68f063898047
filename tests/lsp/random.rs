//! Random edits: whatever is typed in whatever order, the server ends with what `flakeward check` finds in the same
//! texts.

use serde_json::{Value, json};

use crate::client::{Client, brief, checked, usual_capabilities};

/// A generator of the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

const FILES: [(&str, &str); 5] = [
    ("lib/ports.nix", "{\n  databases.redis = 6379;\n  web = { main = 8123; spare = 8124; };\n}\n"),
    ("redis.nix", "let\n  ports = import ./lib/ports.nix;\nin\n{ services.redis.port = ports.databases.redis; }\n"),
    ("web.nix", "{\n  services.web.port = 8123; # ü😀\r\n  x.url = \"http://localhost:8124\";\n}\n"),
    ("compose.yaml", "services:\n  web:\n    image: web\n    ports:\n      - \"8123:80\"\n"),
    ("flake.nix", "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";\n  outputs = _: { };\n}\n"),
];

const PIECES: [&str; 14] = [
    "8123",
    "6379",
    "ports.web.main",
    "\n",
    "{ ",
    " }",
    ";",
    "\"",
    "# flakeward: allow(hardcoded-port) x\n",
    "services.a.port = 9000;\n",
    "😀",
    "''",
    "spare",
    "\r\n",
];

#[test]
fn ten_thousand_random_edits_end_with_the_findings_of_check() {
    let mut capabilities = usual_capabilities();
    capabilities["general"]["positionEncodings"] = json!(["utf-8"]);
    let mut client = Client::with(&FILES, &capabilities);
    let mut texts: Vec<String> = FILES.iter().map(|(_, text)| (*text).to_owned()).collect();
    FILES.iter().for_each(|(path, _)| drop(client.open_file(path)));
    let mut random = Random(20_261_126);
    for round in 0..20 {
        for step in 0..500 {
            let file = random.below(FILES.len());
            let change = change(&mut texts[file], file, &mut random);
            let document = json!({ "uri": client.uri(FILES[file].0), "version": 2 + round * 500 + step });
            client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        }
        compare(&mut client, &texts, round);
    }
}

/// Changes a text and gives the change as the protocol writes it, with columns in bytes.
fn change(text: &mut String, file: usize, random: &mut Random) -> Value {
    if random.below(40) == 0 {
        *text = FILES[file].1.to_owned();
        return json!({ "text": text });
    }
    let boundary = |text: &str, mut at: usize| {
        // A line end of two characters is one: no position is between them.
        while !text.is_char_boundary(at) || text[..at].ends_with('\r') && text[at..].starts_with('\n') {
            at -= 1;
        }
        at
    };
    let start = boundary(text, random.below(text.len() + 1));
    let end = boundary(text, (start + random.below(6)).min(text.len())).max(start);
    let new = if random.below(3) == 0 { "" } else { PIECES[random.below(PIECES.len())] };
    let range = json!({ "start": position(text, start), "end": position(text, end) });
    text.replace_range(start..end, new);
    json!({ "range": range, "text": new })
}

fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let mut line = 0;
    let mut start = 0;
    for (index, byte) in before.bytes().enumerate() {
        let ends = byte == b'\n' || byte == b'\r' && text.as_bytes().get(index + 1) != Some(&b'\n');
        if ends {
            line += 1;
            start = index + 1;
        }
    }
    json!({ "line": line, "character": at - start })
}

/// Compares what the server says about each file with what the command finds in the same texts on disk.
fn compare(client: &mut Client, texts: &[String], round: i32) {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join(".git")).unwrap();
    for ((path, _), text) in FILES.iter().zip(texts) {
        let file = copy.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let expected = checked(copy.path());
    for ((path, _), text) in FILES.iter().zip(texts) {
        let params = json!({ "textDocument": { "uri": client.uri(path) } });
        let report = client.request("textDocument/diagnostic", params);
        let found = brief(report["items"].as_array().unwrap());
        let lines: Vec<&str> = text.split('\n').collect();
        let expected: Vec<(String, u64)> =
            expected.iter().filter(|(of, ..)| of == path).map(|(_, rule, line, _)| (rule.clone(), *line)).collect();
        let found: Vec<(String, u64)> = found.into_iter().map(|(rule, line, _)| (rule, line)).collect();
        assert_eq!(found, expected, "round {round}, {path}: {lines:#?}");
    }
}
