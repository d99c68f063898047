//! Pages: their contents, their safety against hostile repositories, and their behaviour in a browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::Repository;
use crate::tools;

/// A repository with findings of several rules, levels, folders and owners.
fn repository() -> Repository {
    Repository::new(&[
        ("CODEOWNERS", "/apps/ @platform @apps\n/lib/ @core\n"),
        (
            "lib/ports.nix",
            "{\n  web = 8080;\n  api = 8081;\n  databases = {\n    main = 5432;\n    copy = 5432;\n    unused = 7000;\n  };\n}\n",
        ),
        (
            "hosts/one/default.nix",
            "{ ports, ... }:\n{\n  services.web.port = (import ../../lib/ports.nix).web;\n  services.api.port = 8081;\n}\n",
        ),
        (
            "hosts/two/default.nix",
            "{\n  services.nginx.virtualHosts.\"a\".locations.\"/\".proxyPass =\n    \"http://127.0.0.1:${toString (import ../../lib/ports.nix).web}\";\n  services.other.port = 9123;\n}\n",
        ),
        ("apps/a.nix", "import <nixpkgs> { }\n"),
        ("apps/deep/b.nix", "import <nixpkgs> { } # flakeward: allow(lookup-path, until 2026-06-30) until the move\n"),
        ("Dockerfile", "FROM alpine:3\nRUN true\n"),
    ])
}

fn page(repository: &Repository, options: &str) -> String {
    let ran = repository.run(&format!("--format html --output page.html --now 2026-01-01 {options}"));
    assert_ne!(ran.code, 2, "{}", ran.err);
    repository.read("page.html")
}

#[test]
fn a_page_lists_findings_ports_and_acceptances() {
    let repository = repository();
    repository.commit("Ada", "2025-12-12");
    let page = page(&repository, "");
    for part in [
        "<article id=\"f-",
        "data-rule=\"lookup-path\" data-level=\"warn\" data-folder=\"apps/a.nix\" data-owner=\"@platform @apps\"",
        "<mark>&lt;nixpkgs&gt;</mark>",
        "<svg viewBox=",
        "<title>\u{26a0} 5432 databases.main</title>",
        "<title>9123 (not registered)</title>",
        "<td>until the move</td>",
        "<td class=\"number\">20</td><td>2026-06-30</td>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // The page is a single file: nothing is loaded from elsewhere.
    assert!(!page.contains(" src=") && !page.contains("<link") && !page.contains("url("));
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page, self::page(&repository, "--jobs 1"));
}

/// A repository with names, contents, reasons and owners that try to escape from their HTML element.
fn hostile() -> Repository {
    let attack = "</script></pre></title><script>window.injected=1;alert(1)</script><img src=x onerror=alert(2)>\"'`";
    let repository = Repository::new(&[
        ("CODEOWNERS", "* @x\"onmouseover=alert(3) <b>\n"),
        ("lib/ports.nix", &format!("{{ \"{}\" = 8080; other = 8080; }}\n", attack.replace('"', "'"))),
        ("a.nix", &format!("import <nixpkgs> {{ }} # {attack}\n")),
        ("b.nix", &format!("<a> # flakeward: allow(lookup-path) {attack}\n")),
    ]);
    #[cfg(unix)]
    repository.write("<img src=x onerror=alert(4)>.nix", "<c>\n");
    repository
}

#[test]
fn text_from_a_repository_is_escaped() {
    let page = page(&hostile(), "");
    for tag in ["<img", "<b>", "onmouseover=alert(3) <"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
    assert!(page.contains("&lt;img src=x onerror=alert(2)&gt;"));
}

/// The results of checking a page in Chromium; `None` if the tools are missing.
pub fn browse(page: &Path) -> Option<Value> {
    if !tools::have(&["chromium", "node"]) {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap();
    let modules = std::env::split_paths(&path).filter_map(|folder| Some(folder.parent()?.to_owned()));
    let modules = modules.into_iter().find(|folder| folder.join("puppeteer-core").is_dir());
    let Some(modules) = modules else {
        assert!(!tools::required(), "puppeteer-core is not installed");
        return None;
    };
    let chromium = std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rollout/browser.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(chromium.unwrap()).arg(modules).arg(page).args(std::env::var_os("FLAKEWARD_SCREENSHOTS"));
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(serde_json::from_slice(&ran.stdout).unwrap())
}

/// Checks the requirements of every page: it causes no errors, loads nothing from elsewhere, is accessible in a light
/// and a dark scheme, and has tables that can be sorted.
pub fn assert_page_is_valid(seen: &Value) {
    assert_eq!(seen["errors"], serde_json::json!([]), "console");
    assert_eq!(seen["dialogs"], serde_json::json!([]));
    let requests = seen["requests"].as_array().unwrap();
    assert!(requests.iter().all(|url| url.as_str().unwrap().starts_with("file://")), "{requests:?}");
    assert_eq!(seen["accessibility"], serde_json::json!({ "light": [], "dark": [] }));
    assert_ne!(seen["backgrounds"]["light"], seen["backgrounds"]["dark"]);
    for (table, columns) in seen["sorted"].as_object().unwrap() {
        for column in columns.as_array().unwrap() {
            let texts = |order: &str| -> Vec<String> {
                column[order].as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
            };
            let (up, down) = (texts("up"), texts("down"));
            let numbers: Option<Vec<i64>> =
                up.iter().map(|cell| if cell.is_empty() { Some(-1) } else { cell.parse().ok() }).collect();
            if let Some(numbers) = numbers {
                assert!(numbers.is_sorted(), "{table}: {up:?}");
            }
            // The cells of the column are reversed. Rows with equal cells keep their order, because sorting is stable.
            assert!(down.iter().eq(up.iter().rev()), "{table}: {up:?} {down:?}");
        }
    }
}

#[test]
fn findings_can_be_filtered_and_sorted_in_a_browser() {
    let repository = repository();
    repository.commit("Ada", "2025-12-12");
    let page = page(&repository, "");
    let Some(seen) = browse(&repository.path().join("page.html")) else { return };
    assert_page_is_valid(&seen);
    let all = page.matches("<article ").count();
    assert!(all >= 6);
    let shown = |filter: &str, value: &str| {
        let seen = &seen["filters"][filter][value];
        let shown: Vec<&str> = seen["shown"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        assert_eq!(seen["status"], format!("{} of {all} findings", shown.len()), "{filter} {value}");
        shown
    };
    assert_eq!(shown("rule", "lookup-path"), ["apps/a.nix"]);
    assert_eq!(shown("folder", "apps"), ["apps/a.nix"]);
    assert_eq!(shown("owner", "@apps"), ["apps/a.nix"]);
    assert!(shown("owner", "nobody").contains(&"Dockerfile"));
    assert!(shown("level", "error").contains(&"hosts/one/default.nix"));
    for filter in ["rule", "level", "folder", "owner"] {
        assert_eq!(shown(filter, "").len(), all, "{filter}");
    }
    assert_eq!(seen["typed"], serde_json::json!(["apps/a.nix"]));
    assert_eq!(seen["after"]["status"], format!("{all} of {all} findings"));
    let ports = seen["sorted"]["ports-table"][0]["up"].as_array().unwrap();
    assert_eq!(ports.first().unwrap(), "5432");
}

#[test]
fn a_browser_runs_no_code_from_a_repository() {
    let repository = hostile();
    page(&repository, "");
    let Some(seen) = browse(&repository.path().join("page.html")) else { return };
    assert_page_is_valid(&seen);
    assert_eq!(seen["after"]["injected"], Value::Null);
}

/// Writes a report with 100 findings for each repository. Returns the files.
fn reports(folder: &Path, names: &[String], date: &str) -> Vec<String> {
    let rules = ["hardcoded-port", "lookup-path", "dockerfile", "unlocked-input"];
    let report = |(index, name): (usize, &String)| {
        let finding = |at: usize| serde_json::json!({ "rule": rules[(index + at) % rules.len()], "level": "error", "path": "a.nix", "message": "m" });
        let document = serde_json::json!({
            "version": 1,
            "findings": (0..100).map(finding).collect::<Vec<_>>(),
            "notes": [],
            "summary": { "files": 10, "errors": 60 + index, "warnings": 30, "hints": 10, "suppressed": 0, "fixable": 0 },
            "about": {
                "repository": name, "date": date, "flakeward": "0.1.0", "accepted": index, "expired": 0,
                "policy": { "name": "flake:policy", "version": "0123456789ab" },
                "lowered": [{ "rule": "dockerfile", "level": "off", "default": "error" }],
            },
        });
        let file = folder.join(format!("{index}-{date}.json"));
        fs::write(&file, document.to_string()).unwrap();
        file.display().to_string()
    };
    names.iter().enumerate().map(report).collect()
}

#[test]
fn a_page_can_show_two_hundred_repositories() {
    let repository = Repository::new(&[]);
    let names: Vec<String> = (0..200).map(|index| format!("org/<b>repository-{index:03}")).collect();
    let mut files = reports(repository.path(), &names, "2026-01-01");
    files.extend(reports(repository.path(), &names[..50], "2026-03-01"));
    let mut words = vec!["report", "--now", "2026-03-10", "--output", "fleet.html"];
    words.extend(files.iter().map(String::as_str));
    let ran = repository.run_words(&words);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let page = repository.read("fleet.html");
    assert!(!page.contains("<b>"));
    assert_eq!(page.matches("not checked recently").count(), 150);
    assert!(page.contains("<td>flake:policy 0123456789ab</td>"));
    assert!(page.contains("<path class=\"series error\""));
    let Some(seen) = browse(&repository.path().join("fleet.html")) else { return };
    assert_page_is_valid(&seen);
    let all = "200 of 200 repositories";
    let filtered = serde_json::json!({ "all": all, "found": "10 of 200 repositories", "rows": 10, "reset": all });
    assert_eq!(seen["repositories"], filtered);
    assert_eq!(seen["sorted"]["matrix"].as_array().unwrap().len(), 5);
    assert_eq!(seen["sorted"]["repositories-table"][0]["up"].as_array().unwrap().len(), 200);
    assert_eq!(seen["sorted"]["trend-table"][1]["up"], serde_json::json!(["200", "200"]));
}

#[test]
fn overviews_are_available_in_other_formats() {
    let repository = repository();
    let made = repository.run("--format json --output one.json --now 2026-01-01");
    assert_eq!(made.code, 1, "{}", made.err);
    repository.write("two.json", "{\"version\": 1, \"findings\": [{\"rule\": \"x\"}], \"summary\": {\"errors\": 1}}");
    let out = repository.run("report one.json two.json --now 2026-02-10 --format json").out;
    let document: Value = serde_json::from_str(&out).unwrap();
    let rows = document["repositories"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] != "two").unwrap();
    assert_eq!((&row["age_days"], &row["stale"]), (&40.into(), &true.into()));
    assert_eq!(row["rules"]["lookup-path"], 1);
    let two = rows.iter().find(|row| row["name"] == "two").unwrap();
    assert_eq!((&two["date"], &two["totals"]["errors"], &two["stale"]), (&Value::Null, &1.into(), &false.into()));
    let markdown = repository.run("report one.json two.json --now 2026-02-10 --format markdown").out;
    assert!(markdown.contains("| `two` | 1 | 0 | 0 |"), "{markdown}");
    let csv = repository.run("report one.json two.json --format csv").out;
    assert!(csv.starts_with("repository,date,errors,warnings,hints,accepted,expired,flakeward,policy,"), "{csv}");
    assert!(csv.contains("\r\ntwo,,1,0,0,0,0,,,"), "{csv}");
    repository.write("broken.json", "{");
    for (file, what) in
        [("broken.json", "EOF while parsing"), ("none.json", "it does not exist"), ("flake.lock", "does not exist")]
    {
        let said = repository.refused(&format!("report one.json {file}"));
        assert!(said.contains(&format!("cannot read the report {file}")) && said.contains(what), "{said}");
    }
    repository.write("old.json", "{\"version\": 2}");
    assert!(repository.refused("report old.json").contains("unsupported version 2"));
}
