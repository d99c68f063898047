//! Evaluates the modules that `migrate` writes with the real modules: FLAKEWARD_TEST_PROCESS_COMPOSE_FLAKE,
//! FLAKEWARD_TEST_SERVICES_FLAKE and FLAKEWARD_TEST_NIXPKGS_LIB name checkouts of
//! Platonic-Systems/process-compose-flake, juspay/services-flake and nix-community/nixpkgs.lib.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::corpus::folder;
use crate::tools::{FLAKEWARD, PROJECT, have};

/// The checkouts of the real modules.
pub struct Modules {
    process_compose: PathBuf,
    services: PathBuf,
    lib: TempDir,
    /// The Nix store that evaluations write to.
    store: TempDir,
}

impl Modules {
    /// The checkouts, if environment variables name all of them.
    pub fn find() -> Option<Self> {
        let process_compose = folder("FLAKEWARD_TEST_PROCESS_COMPOSE_FLAKE")?;
        let services = folder("FLAKEWARD_TEST_SERVICES_FLAKE")?;
        let nixpkgs = folder("FLAKEWARD_TEST_NIXPKGS_LIB")?;
        if !have(&["nix-instantiate"]) {
            return None;
        }
        let lib = library(&nixpkgs);
        Some(Self { process_compose, services, lib, store: TempDir::new().unwrap() })
    }

    /// The path of the Nix store.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// The processes of a project in a written module.
    pub fn processes(&self, module: &Path, project: &str) -> Result<Value, String> {
        self.processes_at(module, project, Path::new("/usr"))
    }

    /// The processes of a project in a written module, with the programs of packages in `PREFIX/bin`.
    pub fn processes_at(&self, module: &Path, project: &str, prefix: &Path) -> Result<Value, String> {
        let text = fs::read_to_string(module).unwrap();
        let mut packages = names(&text);
        packages.extend(services_packages(&self.services));
        let list: Vec<String> = packages.iter().map(|name| format!("\"{name}\"")).collect();
        let expression = format!(
            "import {PROJECT}/tests/migrate/evaluate.nix {{ lib = import {}/lib; processComposeFlake = {}; servicesFlake = {};\n\
             module = {}; project = \"{project}\"; packages = [ {} ]; prefix = \"{}\"; }}",
            self.lib.path().display(),
            self.process_compose.display(),
            self.services.display(),
            module.display(),
            list.join(" "),
            prefix.display()
        );
        let mut command = Command::new("nix-instantiate");
        command.args(["--eval", "--strict", "--json", "--read-write-mode", "--expr", &expression]);
        for name in ["STORE", "STATE", "LOG", "CONF"] {
            command.env(format!("NIX_{name}_DIR"), self.store.path().join(name.to_lowercase()));
        }
        command.env_remove("NIX_REMOTE").env_remove("NIX_PATH");
        command.env("NIX_CONFIG", "sandbox = false\nbuild-users-group =\nsubstituters =\n");
        let output = command.output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }
}

impl Drop for Modules {
    /// Makes the store writable, so that it can be removed: Nix makes everything in it read-only.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(self.store.path()).status();
    }
}

/// A copy of nixpkgs' library that Debian's Nix can also evaluate.
pub fn library(nixpkgs: &Path) -> TempDir {
    let lib = TempDir::new().unwrap();
    let copied = Command::new("cp").arg("-r").arg(nixpkgs.join("lib")).arg(lib.path()).status().unwrap();
    assert!(copied.success());
    // `readFileType` was added in Nix 2.14; Debian's Nix is older.
    let filesystem = lib.path().join("lib/filesystem.nix");
    let text = fs::read_to_string(&filesystem).unwrap();
    let by_looking = "builtins.readFileType or (path: if builtins.pathExists (path + \"/.\") then \"directory\" else \
                      (builtins.readDir (dirOf path)).${baseNameOf path});";
    fs::write(filesystem, text.replace("builtins.readFileType;", by_looking)).unwrap();
    lib
}

/// The names after `pkgs.` in a text.
pub fn names(text: &str) -> BTreeSet<String> {
    let name =
        |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_'".contains(*c)).collect::<String>();
    text.split("pkgs.").skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

/// The packages that services-flake refers to.
fn services_packages(folder: &Path) -> BTreeSet<String> {
    let mut found = named_packages(&folder.join("nix"));
    let others = ["coreutils", "gnugrep", "gawk", "findutils", "process-compose", "redis", "bash", "mailcap"];
    found.extend(others.map(str::to_owned));
    found
}

/// The packages to which the Nix files in a folder refer.
pub fn named_packages(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.extend(names(&text));
                let options = text.split("mkPackageOption pkgs").skip(1);
                let quoted = options.filter_map(|rest| rest.split('"').nth(1)).map(str::to_owned);
                found.extend(quoted);
            }
        }
    }
    found
}

/// Creates a Git repository in a folder, because flakeward only writes in repositories.
pub fn init(root: &Path) {
    let made = Command::new("git").args(["init", "-q"]).current_dir(root).status().unwrap();
    assert!(made.success());
}

/// A repository with some files.
pub fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    init(root.path());
    for (path, text) in files {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

/// Migrates the Compose files in a folder. Returns the names of the projects with their modules.
pub fn migrate(root: &Path, files: &[&str]) -> Vec<(String, PathBuf)> {
    try_migrate(root, files).expect("a variable has no value")
}

/// Migrates the files. `None` if Compose also rejects them.
fn try_migrate(root: &Path, files: &[&str]) -> Option<Vec<(String, PathBuf)>> {
    let mut command = Command::new(FLAKEWARD);
    command.args(["migrate", "compose", "--write"]).args(files).current_dir(root);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if crate::corpus::REFUSED.iter().any(|reason| said.contains(reason)) {
        return None;
    }
    assert!(output.status.success(), "{said}");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("flake")).into_iter().flatten().flatten() {
        let path = entry.path();
        let text = fs::read_to_string(&path).unwrap();
        let after =
            text.split(" process-compose.").nth(1).map(|rest| rest.split(" = {").next().unwrap().trim_matches('"'));
        found.extend(after.map(|project| (project.to_owned(), path.clone())));
    }
    Some(found)
}

#[test]
fn every_module_of_a_corpus_evaluates() {
    let Some(modules) = Modules::find() else { return };
    let corpora = crate::corpus::corpora();
    let (mut wrong, mut evaluated) = (Vec::new(), 0);
    for corpus in &corpora {
        for file in crate::corpus::compose_files(corpus) {
            let root = TempDir::new().unwrap();
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            fs::create_dir_all(root.path().join(folder)).unwrap();
            // If the file is in the repository's root, only the file is copied, because the repository may be large.
            let from = if folder.is_empty() { corpus.join(&file) } else { corpus.join(folder).join(".") };
            let copied = Command::new("cp").arg("-r").arg(from).arg(root.path().join(folder)).status().unwrap();
            assert!(copied.success());
            init(root.path());
            let Some(written) = try_migrate(root.path(), &[&file]) else { continue };
            evaluated += written.len();
            for (project, module) in written {
                crate::texts::check_shell(&module);
                if let Err(error) = modules.processes(&module, &project) {
                    wrong.push(format!("{file}: {error}\n{}", fs::read_to_string(module).unwrap()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(corpora.is_empty() || evaluated > 0, "no module was written");
    eprintln!("{evaluated} modules");
}

#[test]
fn processes_have_the_settings_of_their_compose_services() {
    let Some(modules) = Modules::find() else { return };
    let root = TempDir::new().unwrap();
    init(root.path());
    let compose = "services:\n  db:\n    image: postgres:16\n    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: pw, POSTGRES_DB: shop}\n    \
        ports: [\"5433:5432\"]\n  cache:\n    image: redis:7\n    command: redis-server --appendonly yes\n  api:\n    build: ./api\n    restart: on-failure:3\n    \
        ports: [\"8000:5000\"]\n    environment:\n      DATABASE_URL: postgres://app:pw@db:5432/shop\n      REDIS_HOST: cache\n      REDIS_PORT: 6379\n      \
        FLASK_RUN_PORT: 5000\n    depends_on:\n      db: {condition: service_healthy}\n      cache: {condition: service_started}\n    healthcheck:\n      \
        test: curl -f http://localhost:5000/health\n      interval: 1m30s\n      start_period: 10s\n      retries: 2\n    stop_signal: SIGINT\n";
    fs::write(root.path().join("compose.yaml"), compose).unwrap();
    fs::create_dir(root.path().join("api")).unwrap();
    fs::write(root.path().join("api/Dockerfile"), "FROM python:3\nWORKDIR /app\nCOPY . .\nCMD [\"flask\", \"run\"]\n")
        .unwrap();
    let projects = migrate(root.path(), &["compose.yaml"]);
    let [(project, module)] = projects.as_slice() else { panic!("{projects:?}") };
    let found = modules.processes(module, project).unwrap();
    let processes = &found["processes"];
    let api = &processes["api"];
    assert!(api["environment"].to_string().contains("REDIS_PORT=6379"), "{api}");
    assert!(api["environment"].to_string().contains("REDIS_HOST=127.0.0.1"));
    assert!(api["environment"].to_string().contains("FLASK_RUN_PORT=8000"));
    assert_eq!(api["depends_on"]["db"]["condition"], "process_healthy");
    assert_eq!(api["depends_on"]["cache"]["condition"], "process_started");
    assert_eq!(api["availability"]["restart"], "on_failure");
    assert_eq!(api["availability"]["max_restarts"], 3);
    assert_eq!(api["readiness_probe"]["http_get"]["port"].to_string().trim_matches('"'), "8000");
    assert_eq!(api["readiness_probe"]["period_seconds"], 90);
    assert_eq!(api["readiness_probe"]["failure_threshold"], 3);
    assert_eq!(api["shutdown"]["signal"], 2);
    assert_eq!(api["working_dir"], "./api");
    assert!(processes["db-init"].is_object() && processes["cache"].is_object());
    // The password is in .env, but not in the files that end up in the store.
    let all = fs::read_to_string(module).unwrap() + &found.to_string();
    assert!(!all.contains(":pw@"), "{all}");
    assert!(fs::read_to_string(root.path().join(".env")).unwrap().contains("=pw\n"));
}
