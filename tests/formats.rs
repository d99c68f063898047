//! Report formats, each validated against its standard, and with hostile names and contents.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use flakeward::config::Config;
use flakeward::finding::{Edit, Finding, Fix, Safety, Span};
use flakeward::output::{self, Format, View};
use flakeward::{Repo, Report, Settings};
use serde_json::Value;

const HOSTILE_NAME: &str = "dir/x::error::y,z\n::warning::%0A##[add-mask]\u{1b}[31m\u{7f}|`<b>&\"'.nix";
const HOSTILE_TEXT: &str = "# \u{1b}]0;x\u{7}\n''\n::error::x\n'' <nixpkgs> # ::add-mask::y ##[group]\n";

/// A report with everything that a format has to write: levels, labels, fixes, unreadable files, hostile names.
fn report() -> Report {
    let config = "[[overrides]]\npaths = [\"hint.nix\"]\nrules.lookup-path = \"hint\"\n\
                  [[overrides]]\npaths = [\"error.nix\"]\nrules.lookup-path = \"error\"\n";
    let config = Config::parse("flakeward.toml".as_ref(), config.to_owned()).unwrap();
    let mut repo = Repo::from_texts([
        (HOSTILE_NAME, HOSTILE_TEXT),
        ("hint.nix", "<nixpkgs>\n"),
        ("error.nix", "\u{feff}\"ü\" <nixpkgs>\r\n"),
        ("many.nix", "[\n<a>\n<a>\n<b>\n<b>\n<c>\n<d>\n<e>\n<f>\n<g>\n<h>\n<i>\n<j>\n]\n"),
    ]);
    repo.put("latin.nix", b"\xe4".to_vec());
    let mut report = flakeward::check(&repo, &Settings::new(config));
    let (first, second) = (report.findings[0].clone(), report.findings.last().unwrap().clone());
    let edit =
        |finding: &Finding, text: &str| Edit { path: finding.path.clone(), span: finding.span, text: text.to_owned() };
    let edits = vec![edit(&first, "inputs.x"), edit(&second, "y\n")];
    report.findings[0].fix = Some(Fix::new("take it from the flake's inputs", Safety::Unsafe, edits));
    report.findings[0] = report.findings[0].clone().also(&second.path, Span::default(), "named here");
    report
}

fn written(format: Format, report: &Report) -> String {
    let mut out = Vec::new();
    output::write(format, report, &View::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(format: Format, report: &Report) -> Value {
    serde_json::from_str(&written(format, report)).unwrap()
}

/// The path of a tool, or `None` to skip the test. With `FLAKEWARD_REQUIRE_TOOLS=1` a missing tool fails the test.
fn tool(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file());
    assert!(found.is_some() || !required(), "{name} is not installed");
    found
}

fn required() -> bool {
    std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// The errors and warnings that sarif-multitool reports for a log.
fn verdict(multitool: &Path, log: &str, kind: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, verdict) = (folder.path().join("log.sarif"), folder.path().join("verdict.sarif"));
    std::fs::write(&file, log).unwrap();
    let mut command = Command::new(multitool);
    let ran = command.arg("validate").arg(&file).arg("--output").arg(&verdict).args(["--rule-kind", kind]).output();
    let said = String::from_utf8_lossy(&ran.unwrap().stdout).into_owned();
    let verdict: Value = serde_json::from_slice(&std::fs::read(&verdict).expect(&said)).unwrap();
    let results = verdict["runs"][0]["results"].as_array().expect(&said);
    results.iter().map(|result| format!("{}: {}", result["ruleId"], result["message"])).collect()
}

#[test]
fn sarif_multitool_reports_no_errors_or_warnings() {
    let Some(multitool) = tool("sarif-multitool") else { return };
    let log = written(Format::Sarif, &report());
    for kind in ["Sarif", "Gh"] {
        assert_eq!(verdict(&multitool, &log, kind), [""; 0], "{kind}");
        assert_eq!(verdict(&multitool, &written(Format::Sarif, &Report::default()), kind), [""; 0], "{kind}");
    }
    // Checks that the validator does detect errors.
    let wrong = log.replacen("\"startLine\"", "\"startLin\"", 1);
    assert!(!verdict(&multitool, &wrong, "Sarif").is_empty());
}

#[test]
fn sarif_locations_match_the_findings() {
    let report = report();
    let log = json(Format::Sarif, &report);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.findings.len());
    let mut prints = BTreeSet::new();
    for (result, finding) in results.iter().zip(&report.findings) {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        assert!(prints.insert(result["partialFingerprints"]["flakeward/v1"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"|`:".contains(&byte)), "{uri}");
        if let Some(source) = report.sources.get(&finding.path) {
            // Lines and columns refer to the same text as the offsets.
            let region = &place["region"];
            let number = |name: &str| region[name].as_u64().unwrap() as usize;
            let text = source.text.trim_start_matches('\u{feff}');
            let line = text.split('\n').nth(number("startLine") - 1).unwrap();
            let columns = number("endColumn") - number("startColumn");
            let shown: String = line.chars().skip(number("startColumn") - 1).take(columns).collect();
            assert_eq!(shown, source.slice(finding.span), "{}", finding.path);
        }
    }
    let fix = &results[0]["fixes"][0]["artifactChanges"];
    assert_eq!(fix.as_array().unwrap().len(), 2);
    assert_eq!(
        fix.as_array()
            .unwrap()
            .iter()
            .filter(|change| change["replacements"][0]["insertedContent"]["text"] == "y\n")
            .count(),
        1
    );
    assert_eq!(results[0]["relatedLocations"][0]["message"]["text"], "Named here.");
}

/// The name, the properties and the message of a workflow command.
type WorkflowCommand = (String, Vec<(String, String)>, String);

/// Parses workflow commands as the runner does: V2 commands start a line. V1 commands, which may occur anywhere, fail
/// the test.
fn commands(log: &str) -> Vec<WorkflowCommand> {
    let decode = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
        text.replace("%25", "%")
    };
    let mut found = Vec::new();
    for line in log.split(['\n', '\r']) {
        let Some(rest) = line.trim_start().strip_prefix("::") else {
            assert!(!line.contains("##["), "{line:?}");
            continue;
        };
        let (head, data) = rest.split_once("::").unwrap();
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let properties = properties.split(',').filter(|property| !property.is_empty());
        let properties = properties.map(|property| property.split_once('=').unwrap());
        let properties = properties.map(|(key, value)| (key.to_owned(), decode(value))).collect();
        found.push((name.to_owned(), properties, decode(data)));
    }
    found
}

#[test]
fn github_annotations_cannot_be_injected() {
    let report = report();
    let log = written(Format::Github, &report);
    let commands = commands(&log);
    let names: Vec<&str> = commands.iter().map(|(name, ..)| name.as_str()).collect();
    // Two errors, ten of the warnings and a hint, most severe first, then the report in a group.
    let expected = [&["error"; 2][..], &["warning"; 10], &["notice", "group", "endgroup"]].concat();
    assert_eq!(names, expected, "{log}");
    let property = |index: usize, name: &str| {
        let (_, properties, _) = &commands[index];
        properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(property(0, "file"), "error.nix");
    assert_eq!([property(0, "line"), property(0, "col"), property(0, "endColumn")], ["1", "5", "14"]);
    assert_eq!(property(2, "file"), HOSTILE_NAME.replace('\u{1b}', "\\u{1b}").replace('\u{7f}', "\\u{7f}"));
    assert_eq!(property(2, "title"), "flakeward: lookup-path");
    assert!(commands[2].2.contains("is looked up in NIX_PATH"));
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log:?}");
    let clean = written(Format::Github, &Report::default());
    assert_eq!(clean, "0 files, 0 rules: no findings\n");
}

#[test]
fn gitlab_issues_have_all_fields_and_unique_fingerprints() {
    let report = report();
    let issues = json(Format::Gitlab, &report);
    let issues = issues.as_array().unwrap();
    assert_eq!(issues.len(), report.findings.len());
    let severities = ["info", "minor", "major", "critical", "blocker"];
    let mut prints = BTreeSet::new();
    for issue in issues {
        let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(severities.contains(&text("/severity")));
        assert!(!text("/description").is_empty() && !text("/check_name").is_empty());
        assert!(!text("/location/path").starts_with(['.', '/']));
        assert!(issue.pointer("/location/lines/begin").unwrap().as_u64().unwrap() >= 1);
        assert!(prints.insert(text("/fingerprint")));
    }
}

#[test]
fn junit_is_xml_with_correct_counts() {
    let report = report();
    let text = written(Format::Junit, &report);
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.root_element();
    assert_eq!(suites.tag_name().name(), "testsuites");
    let suite = suites.first_element_child().unwrap();
    let all = |name: &str| suite.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
    assert_eq!(suite.attribute("tests"), Some(all("testcase").as_str()));
    assert_eq!(suite.attribute("failures"), Some(all("failure").as_str()));
    assert_eq!(suite.attribute("skipped"), Some(all("skipped").as_str()));
    assert_eq!([all("failure"), all("skipped")], ["2", "14"]);
    let mut names = BTreeSet::new();
    for case in suite.children().filter(roxmltree::Node::is_element) {
        assert_eq!(case.tag_name().name(), "testcase");
        assert!(case.attribute("classname").is_some_and(|name| !name.is_empty()));
        assert!(names.insert((case.attribute("classname"), case.attribute("name"))), "{case:?}");
    }
    let passed = suite.children().filter(|node| node.is_element() && !node.has_children()).count();
    assert_eq!(passed, report.rules.len() - 2);
}

/// Validates the report against Jenkins' schema, whose path is in FLAKEWARD_JUNIT_SCHEMA (.ci/run downloads it).
#[test]
fn junit_is_valid_against_the_jenkins_schema() {
    let (xmllint, schema) = (tool("xmllint"), std::env::var_os("FLAKEWARD_JUNIT_SCHEMA"));
    assert!(schema.is_some() || !required(), "FLAKEWARD_JUNIT_SCHEMA is not set");
    let Some((xmllint, schema)) = xmllint.zip(schema) else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    for report in [report(), Report::default()] {
        std::fs::write(&file, written(Format::Junit, &report)).unwrap();
        let ran = Command::new(&xmllint).args(["--noout", "--schema"]).arg(&schema).arg(file.path()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn no_format_contains_raw_control_characters_or_workflow_commands() {
    let report = report();
    for format in Format::value_variants() {
        let text = written(*format, &report);
        let raw = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(raw, None, "{format:?}");
        // Annotations are commands themselves; those are tested above.
        let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
        assert!(*format == Format::Github || !text.lines().any(is_command), "{format:?}");
    }
}

#[test]
fn jsonl_contains_the_same_findings_as_json() {
    let report = report();
    let whole = json(Format::Json, &report);
    let lines: Vec<Value> =
        written(Format::Jsonl, &report).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(whole["findings"], Value::from(lines));
    let keys: BTreeSet<&str> = whole["findings"][0].as_object().unwrap().keys().map(String::as_str).collect();
    let promised =
        ["rule", "level", "path", "start", "end", "message", "help", "url", "labels", "fix", "fixable", "fingerprint"];
    assert_eq!(keys, BTreeSet::from(promised));
    assert_eq!(whole["findings"][0]["fix"]["safety"], "unsafe");
    let summary: BTreeSet<&str> = whole["summary"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        summary,
        BTreeSet::from([
            "not_checked",
            "files",
            "errors",
            "warnings",
            "hints",
            "suppressed",
            "fixable",
            "fixable_safe",
            "fixable_unsafe",
            "rules"
        ])
    );
}

#[test]
fn markdown_is_one_table_whatever_it_contains() {
    let report = report();
    let text = written(Format::Markdown, &report);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), report.findings.len() + 2);
    for row in &rows[2..] {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{row}");
    }
    assert!(rows[2].starts_with("| error | [lookup-path](https://"), "{}", rows[2]);
    assert!(text.contains("\n2 errors, 13 warnings and 1 hint in 5 of 5 files; 1 can be fixed"), "{text}");
    assert!(written(Format::Markdown, &Report::default()).contains("no findings"));
}
