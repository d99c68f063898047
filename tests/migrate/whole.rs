//! Migrates a whole repository: Compose, a Dockerfile, port literals, a hand-written per-system helper, and Docker in
//! CI.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::corpus::folder;
use crate::evaluate::repository;
use crate::tools::{FLAKEWARD, PROJECT, have};

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      eachSystem = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      # The documentation, served for review.
      packages = eachSystem (pkgs: {
        docs = pkgs.writeShellScriptBin "docs" "exec ${pkgs.python3}/bin/python3 -m http.server 8181";
      });
      devShells = eachSystem (pkgs: { default = pkgs.mkShell { packages = [ pkgs.nodejs ]; }; });
      nixosModules.proxy = {
        services.nginx.virtualHosts.shop.locations."/".proxyPass = "http://127.0.0.1:3000";
        services.grafana.settings.server.http_port = 3030;
      };
    };
}
"#;

const LOCK: &str = r#"{
  "nodes": {
    "nixpkgs": {
      "locked": {
        "lastModified": 1780000000,
        "narHash": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "owner": "NixOS",
        "repo": "nixpkgs",
        "rev": "0123456789abcdef0123456789abcdef01234567",
        "type": "github"
      },
      "original": { "owner": "NixOS", "ref": "nixos-26.05", "repo": "nixpkgs", "type": "github" }
    },
    "root": { "inputs": { "nixpkgs": "nixpkgs" } }
  },
  "root": "root",
  "version": 7
}
"#;

const COMPOSE: &str = "services:
  web:
    build: ./web
    ports: [\"3000:3000\"]
    environment:
      REDIS_URL: redis://cache:6379
      DATABASE_URL: postgres://shop:secret@db/shop
    depends_on:
      cache: {condition: service_healthy}
      db: {condition: service_healthy}
  cache:
    image: redis:7-alpine
    healthcheck: {test: [CMD, redis-cli, ping], interval: 5s}
  db:
    image: postgres:16
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: secret, POSTGRES_DB: shop}
";

const DOCKERFILE: &str = "FROM node:22-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:22-alpine
WORKDIR /app
ENV NODE_ENV=production PORT=3000
COPY --from=build /app/dist ./dist
EXPOSE 3000
HEALTHCHECK CMD wget -q -O /dev/null http://localhost:3000/health
USER node
CMD [\"node\", \"dist/server.js\"]
";

const WORKFLOW: &str = "name: CI
on: [push, pull_request]
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/login-action@v3
        with: {registry: ghcr.io, username: \"${{ github.actor }}\", password: \"${{ secrets.GITHUB_TOKEN }}\"}
      - uses: docker/build-push-action@v6
        with:
          context: ./web
          push: true
          tags: ghcr.io/acme/web:${{ github.sha }}
";

const FILES: [(&str, &str); 8] = [
    ("flake.nix", FLAKE),
    ("flake.lock", LOCK),
    ("compose.yaml", COMPOSE),
    ("web/Dockerfile", DOCKERFILE),
    ("web/package.json", "{ \"name\": \"web\", \"version\": \"1.0.0\", \"scripts\": { \"build\": \"mkdir dist\" } }\n"),
    (
        "web/package-lock.json",
        "{ \"name\": \"web\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"requires\": true, \"packages\": {} }\n",
    ),
    ("web/server.js", "require(\"http\").createServer((_, r) => r.end()).listen(process.env.PORT);\n"),
    (".github/workflows/ci.yaml", WORKFLOW),
];

struct Whole(TempDir);

impl Whole {
    fn new() -> Self {
        let whole = Self(repository(&FILES));
        whole.commit();
        whole
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let done = Command::new("git").args(who).args(arguments).current_dir(self.path()).status().unwrap();
        assert!(done.success());
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    fn flakeward(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new(FLAKEWARD);
        let output = command.args(line.split_whitespace()).current_dir(self.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.flakeward(line).1).unwrap()
    }
}

fn texts<'v>(list: &'v Value, key: &str) -> BTreeSet<&'v str> {
    list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap()).collect()
}

/// After `migrate --write` and `fix`, `check` reports only what the migration report lists.
#[test]
fn after_migrate_and_fix_only_reported_findings_remain() {
    let whole = Whole::new();
    let report = whole.json("migrate --write --format json");
    whole.git(&["add", "--all"]);
    whole.flakeward("fix .");

    let replaced = texts(&report["replaced"], "path");
    assert_eq!(replaced, BTreeSet::from(["compose.yaml", "web/Dockerfile"]));
    let left = report["left"].as_array().unwrap();
    let unlocked: Vec<&str> =
        texts(&report["left"], "what").into_iter().filter(|what| what.starts_with("inputs.")).collect();
    assert_eq!(
        unlocked,
        ["inputs.flake-parts", "inputs.nix2container", "inputs.process-compose-flake", "inputs.services-flake"]
    );
    let expected = report["findings"].as_array().unwrap();
    let findings = whole.json("check --format json .");
    let findings = findings["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    for finding in findings {
        let (path, rule) = (finding["path"].as_str().unwrap(), finding["rule"].as_str().unwrap());
        let message = finding["message"].as_str().unwrap();
        let reported =
            expected.iter().any(|left| left["path"] == path && left["what"] == rule && left["why"] == message);
        let names_input = unlocked.iter().any(|what| message.contains(&what.replace("inputs.", "`")));
        assert!(
            reported || replaced.contains(path) || (rule == "unlocked-input" && names_input),
            "the report does not mention: {finding}"
        );
    }
    // The health check of the image becomes the readiness probe of the process.
    let dockerfile = |what: &Value| what["path"] == "web/Dockerfile" && what["what"] == "HEALTHCHECK";
    assert!(report["carried"].as_array().unwrap().iter().any(dockerfile), "{report:#}");
    assert!(!left.iter().any(dockerfile));
    // Old files are unchanged, apart from comments that name ports.
    for (path, text) in [("compose.yaml", COMPOSE), ("web/Dockerfile", DOCKERFILE)] {
        let now = fs::read_to_string(whole.path().join(path)).unwrap();
        let lines: Vec<&str> = now.lines().filter(|line| !line.trim_start().starts_with("# Port from ")).collect();
        assert_eq!(lines.join("\n") + "\n", text);
    }
    if have(&["nix-instantiate"]) {
        for path in ["flake.nix", "flake/process-compose.nix", "flake/container-web.nix", "lib/ports.nix"] {
            let parsed = Command::new("nix-instantiate").arg("--parse").arg(whole.path().join(path)).output().unwrap();
            assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
        }
    }

    whole.commit();
    let (code, again) = whole.flakeward("migrate --format json");
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((code, &again["files"], &again["errors"]), (Some(0), &Value::Array(vec![]), &Value::Array(vec![])));
}

/// `nix flake check` with the real modules: FLAKEWARD_TEST_FLAKE_PARTS, _NIX2CONTAINER, _PROCESS_COMPOSE_FLAKE,
/// _SERVICES_FLAKE and _NIXPKGS_LIB name checkouts. Packages are stand-ins.
#[test]
fn the_migrated_flake_passes_its_checks() {
    let variable = |name: &str| folder(&format!("FLAKEWARD_TEST_{}", name.to_uppercase().replace('-', "_")));
    let modules = ["flake-parts", "nix2container", "process-compose-flake", "services-flake"];
    let found: Option<Vec<_>> = modules.iter().map(|name| Some((*name, variable(name)?))).collect();
    let (Some(mut inputs), Some(lib)) = (found, variable("nixpkgs-lib")) else { return };
    if !have(&["nix"]) {
        return;
    }
    let whole = Whole::new();
    assert_eq!(whole.flakeward("migrate --write").0, Some(0));
    whole.git(&["add", "--all"]);
    whole.flakeward("fix .");
    whole.git(&["add", "--all"]);

    let written: Vec<_> = ["flake.nix", "flake/process-compose.nix", "flake/container-web.nix"]
        .iter()
        .map(|path| whole.path().join(path))
        .collect();
    let nixpkgs = nixpkgs(&lib, written.iter().map(std::path::PathBuf::as_path), &inputs);
    inputs.push(("nixpkgs", nixpkgs.path().to_owned()));
    let store = TempDir::new().unwrap();
    let mut command = Command::new("nix");
    command.args(["flake", "check", "--no-build", "--offline", "--no-write-lock-file"]).current_dir(whole.path());
    for (name, folder) in &inputs {
        command.args(["--override-input", name]).arg(format!("path:{}", folder.display()));
    }
    for name in ["STORE", "STATE", "LOG", "CONF"] {
        command.env(format!("NIX_{name}_DIR"), store.path().join(name.to_lowercase()));
    }
    let config = "experimental-features = nix-command flakes\nsandbox = false\nbuild-users-group =\nsubstituters =\n";
    let output = command.env("NIX_CONFIG", config).env_remove("NIX_REMOTE").output().unwrap();
    let _ = Command::new("chmod").args(["-R", "u+w"]).arg(store.path()).status();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A flake that stands in for nixpkgs, with the packages to which the written files and the modules refer.
fn nixpkgs<'p>(lib: &Path, written: impl Iterator<Item = &'p Path>, modules: &[(&str, std::path::PathBuf)]) -> TempDir {
    let folder = crate::evaluate::library(lib);
    fs::copy(Path::new(PROJECT).join("tests/migrate/nixpkgs.nix"), folder.path().join("pkgs.nix")).unwrap();
    let mut names =
        BTreeSet::from(["bash", "coreutils", "git", "gnused", "jq", "makeWrapper", "skopeo"].map(str::to_owned));
    for path in written {
        names.extend(crate::evaluate::names(&fs::read_to_string(path).unwrap()));
    }
    for (_, module) in modules {
        names.extend(crate::evaluate::named_packages(module));
    }
    let list: String = names.iter().map(|name| format!("\"{name}\" ")).collect();
    let systems = "[ \"x86_64-linux\" \"aarch64-linux\" \"x86_64-darwin\" \"aarch64-darwin\" ]";
    let import = format!("import ./pkgs.nix {{ lib = import ./lib; names = [ {list}]; }}");
    let flake = format!(
        "{{ outputs = _: let lib = import ./lib; in {{ _type = \"flake\"; inherit lib; \
         legacyPackages = lib.genAttrs {systems} ({import}); }}; }}\n"
    );
    fs::write(folder.path().join("flake.nix"), flake).unwrap();
    let default = format!("{{ system ? builtins.currentSystem, ... }}: {import} system\n");
    fs::write(folder.path().join("default.nix"), default).unwrap();
    folder
}
