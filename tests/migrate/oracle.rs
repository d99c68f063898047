//! Compares flakeward with compose-go, the reference parser, on the same files: both must agree on the settings of
//! every service. The program `compose-go`, built from `tests/migrate/go`, prints the project as the library parses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use flakeward::migrate::compose::load::{self, Model};
use flakeward::migrate::compose::words;
use flakeward::migrate::compose::yaml::Node;
use serde_json::Value;
use tempfile::TempDir;

use crate::tools::have;

/// The settings of a service, in a form to which the output of both parsers can be converted.
type Facts = BTreeMap<String, BTreeSet<String>>;

fn tool_facts(folder: &Path, files: &[&str]) -> Result<BTreeMap<String, Facts>, String> {
    let mut command = Command::new("compose-go");
    command.args(files).current_dir(folder).env_clear();
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let model: Value = serde_json::from_slice(&output.stdout).unwrap();
    let services = model["services"].as_object().cloned().unwrap_or_default();
    let facts = |service: &Value| facts_of_json(service, &folder.canonicalize().unwrap());
    Ok(services.iter().map(|(name, service)| (name.clone(), facts(service))).collect())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// `KEY=VALUE` pairs of a list or a mapping.
fn pairs(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| if value.is_null() { key.clone() } else { format!("{key}={}", text(value)) })
            .collect(),
        other => list(other).iter().map(text).collect(),
    }
}

fn words_of(value: &Value) -> BTreeSet<String> {
    let words = match value {
        Value::String(line) => words::split(line).unwrap(),
        other => list(other).iter().map(text).collect(),
    };
    if value.is_null() { BTreeSet::new() } else { BTreeSet::from([words.join("\u{1f}")]) }
}

fn relative(path: &str, root: &Path) -> String {
    let path = path.strip_prefix(root.to_str().unwrap()).map_or(path, |rest| rest.trim_start_matches('/'));
    path.trim_start_matches("./").trim_end_matches('/').to_owned()
}

fn facts_of_json(service: &Value, root: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut add = |key: &str, values: BTreeSet<String>| {
        if !values.is_empty() {
            facts.insert(key.to_owned(), values);
        }
    };
    for key in ["image", "restart", "container_name", "working_dir", "user", "stop_signal", "hostname"] {
        add(key, list(&service[key]).iter().map(text).collect());
    }
    for key in ["command", "entrypoint"] {
        add(key, words_of(&service[key]));
    }
    add("environment", pairs(&service["environment"]));
    add("profiles", list(&service["profiles"]).iter().map(text).collect());
    add("expose", list(&service["expose"]).iter().map(text).collect());
    let depends = service["depends_on"].as_object().cloned().unwrap_or_default();
    let mut waits: BTreeSet<String> =
        depends.iter().map(|(name, how)| format!("{name} {}", text(&how["condition"]))).collect();
    // Compose also waits for links.
    for link in list(&service["links"]) {
        let name = text(&link).split(':').next().unwrap_or_default().to_owned();
        if !depends.contains_key(&name) {
            waits.insert(format!("{name} service_started"));
        }
    }
    add("depends_on", waits);
    let port = |port: &Value| {
        let protocol = Some(text(&port["protocol"])).filter(|text| !text.is_empty()).unwrap_or_else(|| "tcp".into());
        format!("{}|{}|{}|{protocol}", text(&port["host_ip"]), text(&port["published"]), text(&port["target"]))
    };
    add("ports", list(&service["ports"]).iter().map(port).collect());
    let mount = |mount: &Value| {
        let kind = text(&mount["type"]);
        format!("{kind}|{}|{}", relative(&text(&mount["source"]), root), text(&mount["target"]).trim_end_matches('/'))
    };
    add("volumes", list(&service["volumes"]).iter().map(mount).collect());
    add("secrets", list(&service["secrets"]).iter().map(|secret| text(&secret["source"])).collect());
    let build = &service["build"];
    if !build.is_null() {
        add("context", BTreeSet::from([relative(&text(&build["context"]), root)]));
        add("target", list(&build["target"]).iter().map(text).collect());
        add("args", pairs(&build["args"]));
    }
    let health = &service["healthcheck"];
    if !health.is_null() {
        add(
            "test",
            match &health["test"] {
                // A string is run by the shell.
                Value::String(line) => BTreeSet::from([format!("CMD-SHELL\u{1f}{line}")]),
                words => words_of(words),
            },
        );
        for key in ["interval", "timeout", "start_period"] {
            let seconds = health[key].as_str().and_then(words::seconds);
            add(key, seconds.iter().map(u64::to_string).collect());
        }
        add("retries", list(&health["retries"]).iter().map(text).collect());
    }
    facts
}

/// The settings in flakeward's model. It is converted to JSON first, so that one function reads the output of both
/// parsers.
fn own_facts(model: &Model, root: &Path) -> BTreeMap<String, Facts> {
    model.services().map(|(key, node)| (key.name.clone(), facts_of_json(&json(node), root))).collect()
}

fn json(node: &Node) -> Value {
    if node.is_null() {
        return Value::Null;
    }
    if !node.pairs().is_empty() {
        return Value::Object(node.pairs().iter().map(|(key, value)| (key.name.clone(), json(value))).collect());
    }
    match node.text() {
        Some(text) => Value::String(text.to_owned()),
        None => Value::Array(node.items().iter().map(json).collect()),
    }
}

/// Removes the settings that are not compared: compose-go resolves variables that are passed through and expands home
/// folders, and flakeward does not.
fn comparable(facts: &mut BTreeMap<String, Facts>) {
    for facts in facts.values_mut() {
        if let Some(pairs) = facts.get_mut("environment") {
            pairs.retain(|pair| pair.contains('='));
        }
        facts.retain(|_, values| !values.is_empty());
        if let Some(mounts) = facts.get_mut("volumes") {
            mounts.retain(|mount| !mount.contains('~') && !mount.contains("/root"));
        }
    }
}

fn agree(folder: &Path, files: &[&str]) {
    let disk = crate::corpus::Disk(folder.to_owned());
    let project: Vec<_> = files.iter().map(|file| (*file).into()).collect();
    let own = load::load(&disk, &project).map_err(|error| error.to_string());
    let theirs = tool_facts(folder, files);
    match (own, theirs) {
        (Ok(model), Ok(mut theirs)) => {
            let mut own = own_facts(&model, &folder.canonicalize().unwrap());
            comparable(&mut own);
            comparable(&mut theirs);
            // compose-go only lists a service with profiles if one of them is active.
            own.retain(|name, facts| theirs.contains_key(name) || !facts.contains_key("profiles"));
            assert_eq!(own, theirs, "{} {files:?}", folder.display());
        }
        (Err(own), Ok(_)) => panic!("{} {files:?}: only flakeward rejects them: {own}", folder.display()),
        (Ok(_), Err(theirs)) => panic!("{} {files:?}: only compose-go rejects them: {theirs}", folder.display()),
        (Err(_), Err(_)) => {}
    }
}

#[test]
fn agrees_with_the_reference_parser_on_handwritten_files() {
    if !have(&["compose-go"]) {
        return;
    }
    for (name, files) in CASES {
        let folder = TempDir::with_prefix(name).unwrap();
        let mut project = Vec::new();
        for (path, text) in *files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
            if path.starts_with("compose") {
                project.push(*path);
            }
        }
        agree(folder.path(), &project);
    }
}

/// The name and the files of each project. Files whose names begin with `compose` are passed to both parsers, in order.
const CASES: &[(&str, &[(&str, &str)])] = &[
    (
        "merge",
        &[
            (
                "compose.yaml",
                "services:\n  a:\n    image: x\n    command: one two\n    environment: [A=1, B=2]\n    ports: [\"80:80\", \"1-2:3-4\"]\n    \
                 expose: [90]\n    volumes: [\"./a:/b\", \"data:/c\"]\n    depends_on: [b]\n  b:\n    image: y\nvolumes: {data: {}}\n",
            ),
            (
                "compose.prod.yaml",
                "services:\n  a:\n    command: [\"three four\"]\n    environment: {B: 3, C: }\n    ports: [\"127.0.0.1:80:80/udp\"]\n    \
                 volumes: [\"./d:/b:ro\"]\n    depends_on: {b: {condition: service_healthy}}\n  b:\n    healthcheck: {test: curl x, interval: 1m30s}\n",
            ),
        ],
    ),
    (
        "tags",
        &[
            (
                "compose.yaml",
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    environment: {A: 1, B: 2}\n    command: x y\n",
            ),
            (
                "compose.b.yaml",
                "services:\n  a:\n    ports: !override [\"90:90\"]\n    environment: !override {C: 3}\n    command: !reset null\n",
            ),
        ],
    ),
    (
        "extends",
        &[
            (
                "compose.yaml",
                "services:\n  a:\n    extends: {file: base/common.yaml, service: base}\n    environment: {B: 2}\n  b:\n    extends: a\n    image: z\n",
            ),
            (
                "base/common.yaml",
                "services:\n  base:\n    image: x\n    build: .\n    environment: [A=1, B=1]\n    volumes: [\"./v:/v\"]\n",
            ),
        ],
    ),
    (
        "include",
        &[
            ("compose.yaml", "include: [sub/more.yaml]\nservices:\n  a:\n    image: x\n    depends_on: [db]\n"),
            ("sub/more.yaml", "services:\n  db:\n    image: postgres:${TAG:-1}\n    volumes: [\"./init:/init\"]\n"),
            ("sub/.env", "TAG=16\n"),
        ],
    ),
    (
        "variables",
        &[
            (
                "compose.yaml",
                "services:\n  a:\n    image: x:${TAG}\n    command: echo $$HOME ${MISSING:-a ${TAG}} ${EMPTY-b}${EMPTY:-c}${TAG:+d}\n    \
                 environment:\n      - A=${QUOTED}\n      - B=${SINGLE}\n",
            ),
            (".env", "# comment\nTAG=\"1.2\" # more\nEMPTY=\nQUOTED=\"x ${TAG}\"\nSINGLE='$TAG'\n"),
        ],
    ),
    ("required", &[("compose.yaml", "services:\n  a:\n    image: ${NO:?set it}\n")]),
    (
        "anchors",
        &[(
            "compose.yaml",
            "x-base: &base\n  image: x\n  restart: always\n  environment: &env\n    A: 1\nservices:\n  a:\n    <<: *base\n  b:\n    <<: *base\n    \
             image: y\n    environment:\n      <<: *env\n      B: 2\n",
        )],
    ),
    (
        "long",
        &[(
            "compose.yaml",
            "services:\n  a:\n    build: {context: ./a, target: t, args: [X=1]}\n    ports:\n      - {target: 80, published: \"8080\", host_ip: 127.0.0.1}\n    \
             volumes:\n      - {type: bind, source: ./x, target: /x}\n    secrets: [s, {source: t, target: u}]\n    healthcheck:\n      test: [\"CMD\", \"a\", \"b c\"]\n      \
             retries: 5\n      start_period: 500ms\nsecrets:\n  s: {file: ./s.txt}\n  t: {file: ./t.txt}\n",
        )],
    ),
    ("broken", &[("compose.yaml", "services:\n  a: [\n")]),
    ("ports", &[("compose.yaml", "services:\n  a:\n    image: x\n    ports: [\"x:80\"]\n")]),
];

/// Random combinations of forms of some keys, in two files of which the second overrides the first.
#[test]
fn agrees_with_the_reference_parser_on_generated_files() {
    if !have(&["compose-go"]) {
        return;
    }
    const FORMS: [&[&str]; 6] = [
        &["", "command: a 'b c'", "command: [a, \"b c\"]", "command: \"\"", "command: echo \"x $$y\""],
        &["", "environment: {A: 1, B: \"x=y\"}", "environment: [\"A=2\", \"C=\"]", "environment: {A: true}"],
        &[
            "",
            "ports: [\"80\"]",
            "ports: [\"1000-1002:80-82\", \"53:53/udp\"]",
            "ports: [\"[::1]:5:6\"]",
            "ports: [8080]",
        ],
        &["", "depends_on: [z]", "depends_on: {z: {condition: service_completed_successfully}}"],
        &[
            "",
            "volumes: [\"vol:/v\"]",
            "volumes: [\"./x:/v:ro\", \"/y\"]",
            "volumes: [{type: volume, source: vol, target: /v}]",
        ],
        &[
            "",
            "healthcheck: {test: a b, timeout: 1h2m3s}",
            "healthcheck: {test: [NONE]}",
            "healthcheck: {interval: 10s}",
        ],
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..60 {
        let folder = TempDir::new().unwrap();
        for name in ["compose.yaml", "compose.more.yaml"] {
            let keys: String = FORMS
                .iter()
                .map(|forms| forms[next(forms.len())])
                .filter(|form| !form.is_empty())
                .map(|form| format!("    {form}\n"))
                .collect();
            let text = format!("services:\n  a:\n    image: x\n{keys}  z:\n    image: y\nvolumes: {{vol: {{}}}}\n");
            fs::write(folder.path().join(name), text).unwrap();
        }
        agree(folder.path(), &["compose.yaml", "compose.more.yaml"]);
    }
}

#[test]
fn agrees_with_the_reference_parser_on_a_corpus() {
    if !have(&["compose-go"]) {
        return;
    }
    // Some files in a corpus refer to files outside their folder, which are not read.
    for corpus in crate::corpus::corpora().into_iter().take(1) {
        for file in crate::corpus::compose_files(&corpus) {
            let path = corpus.join(&file);
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            agree(path.parent().unwrap(), &[&name]);
        }
    }
}
