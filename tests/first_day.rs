//! Runs `flakeward ports init` and then `flakeward fix` on copies of whole repositories: those in tests/repos, those
//! defined below, and with `FLAKEWARD_CORPUS=DIR` every folder in DIR.
//!
//! `FLAKEWARD_CORPUS=DIR cargo test --test first_day -- --nocapture` prints the result for each repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Whether Nix is installed. With `FLAKEWARD_REQUIRE_TOOLS=1` it must be.
fn has_nix() -> bool {
    let found = Command::new("nix-instantiate").arg("--version").output().is_ok_and(|out| out.status.success());
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(found || !required, "nix-instantiate is required and not installed");
    found
}

fn flakeward(root: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flakeward")).args(args).current_dir(root).output().unwrap()
}

/// Runs a command that may report findings but must not fail.
fn must(root: &Path, args: &[&str]) -> String {
    let output = flakeward(root, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    // A file that cannot be read makes the output of `ports` incomplete: exit code 2, but everything else is done.
    let incomplete = stderr.contains("that could not be read");
    assert!(
        matches!(output.status.code(), Some(0 | 1)) || incomplete,
        "{args:?} in {}: {:?}\n{stderr}",
        root.display(),
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A copy of a repository with its own `.git` folder, so that nothing outside it is read.
fn copy(from: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    copy_into(from, folder.path());
    fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_into(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The text files of a repository.
fn texts(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                found.insert(entry.path().strip_prefix(root).unwrap().to_owned(), text);
            }
        }
    }
    found
}

/// The value of a file that Nix evaluates separately. Functions are called with their default arguments. `None` if the
/// evaluation fails.
fn value(root: &Path, file: &Path) -> Option<String> {
    const CALL: &str = "f: let call = f: if builtins.isFunction f then call (f { }) else plain f;
        plain = v: if builtins.isAttrs v then builtins.mapAttrs (_: plain) v
          else if builtins.isFunction v then \"function\" else v;
      in call (import f)";
    let expression = format!("({CALL}) ./{}", file.display());
    let output = Command::new("timeout")
        .args(["20", "nix-instantiate", "--eval", "--strict", "--json", "-E", &expression])
        .current_dir(root)
        .env("NIX_PATH", "")
        .output()
        .unwrap();
    // Values that contain the path of the copy, or the hash of a file, differ between two copies.
    let text = String::from_utf8(output.stdout).ok()?.replace(&root.display().to_string(), "ROOT");
    output.status.success().then(|| without_hashes(&text))
}

/// Removes the hashes of store paths.
fn without_hashes(text: &str) -> String {
    const HASH: usize = 32;
    let mut parts = text.split("/nix/store/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + "/nix/store/" + part.get(HASH..).unwrap_or(part))
}

fn parses(root: &Path, file: &Path) -> bool {
    Command::new("nix-instantiate").arg("--parse").arg(file).current_dir(root).output().unwrap().status.success()
}

/// Services that are known to listen on a port, by number: `services.NAME.port` and similar settings.
fn listeners(map: &Value) -> BTreeMap<u64, BTreeSet<String>> {
    let mut found: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for port in map["unregistered"].as_array().unwrap() {
        let names = port["uses"].as_array().unwrap().iter().filter_map(|used| used["name"].as_str());
        for name in names {
            let parts: Vec<&str> = name.split('.').collect();
            if let ["services", service, "port" | "listenPort" | "httpPort"] = parts.as_slice() {
                found.entry(port["number"].as_u64().unwrap()).or_default().insert((*service).to_owned());
            }
        }
    }
    found
}

/// The number of entries for each port number.
fn entries(map: &Value) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    let registries = map["registries"].as_array().unwrap().iter();
    for entry in registries.flat_map(|registry| registry["entries"].as_array().unwrap()) {
        *found.entry(entry["number"].as_u64().unwrap_or(0)).or_default() += 1;
    }
    found
}

/// The names of all entries.
fn entry_names(map: &Value) -> BTreeSet<String> {
    let registries = map["registries"].as_array().unwrap().iter();
    let entries = registries.flat_map(|registry| registry["entries"].as_array().unwrap());
    entries.filter_map(|entry| entry["name"].as_str().map(str::to_owned)).collect()
}

/// Checks that `ports init` and `fix` agree on what counts as a use: `fix` does not refuse an entry because it belongs
/// to another service, and every new entry is used.
fn assert_init_and_fix_agree(root: &Path, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let rules = "hardcoded-port,manual-port-allocation,unused-port";
    let report: Value = serde_json::from_str(&must(root, &["check", "-f", "json", "--select", rules])).unwrap();
    for finding in report["findings"].as_array().unwrap() {
        let help = finding["help"].as_str().unwrap_or_default();
        assert!(!help.contains("belongs to another service"), "{}: {finding}", root.display());
        let is_unused = finding["rule"] == "unused-port";
        let name = finding["message"].as_str().unwrap().split(' ').next().unwrap();
        let is_new = after.contains(name) && !before.contains(name);
        assert!(!(is_unused && is_new), "{}: {finding}", root.display());
    }
}

/// Creates the registry, replaces every use, and compares the state before and after.
fn init_and_fix(from: &Path) -> TempDir {
    let (before, after) = (copy(from), copy(from));
    let name = from.display();
    let ports = ["ports", "--format", "json"];
    let map: Value = serde_json::from_str(&must(before.path(), &ports)).unwrap();
    must(after.path(), &["ports", "init"]);
    must(after.path(), &["fix", "."]);
    let first = texts(after.path());

    let now: Value = serde_json::from_str(&must(after.path(), &ports)).unwrap();
    let counts = entries(&now);
    for (number, services) in listeners(&map) {
        let known = counts.get(&number).copied().unwrap_or(0);
        assert!(known >= services.len(), "{name}: {services:?} share {known} entries for {number}");
    }

    assert_init_and_fix_agree(after.path(), &entry_names(&map), &entry_names(&now));

    must(after.path(), &["ports", "init"]);
    must(after.path(), &["fix", "."]);
    assert_eq!(texts(after.path()), first, "{name}: a second run changes something");

    let old = texts(before.path());
    let changed: Vec<&PathBuf> =
        first.iter().filter(|(path, text)| old.get(*path) != Some(text)).map(|(path, _)| path).collect();
    let mut same = 0;
    if has_nix() {
        let registries: Vec<&str> =
            now["registries"].as_array().unwrap().iter().filter_map(|registry| registry["path"].as_str()).collect();
        for path in changed.iter().filter(|path| path.extension().is_some_and(|end| end == "nix")) {
            assert!(
                parses(after.path(), path) || old.contains_key(*path) && !parses(before.path(), path),
                "{name}: {path:?}"
            );
            // An extended registry has more entries than before.
            let is_kept =
                old.contains_key(*path) && !registries.iter().any(|registry| path.as_path() == Path::new(registry));
            let Some(expected) = is_kept.then(|| value(before.path(), path)).flatten() else { continue };
            assert_eq!(value(after.path(), path).as_ref(), Some(&expected), "{name}: {path:?}");
            same += 1;
        }
    }
    println!("{name}: {} files changed, {same} of them evaluate on their own, to the same value", changed.len());
    after
}

#[test]
fn ports_init_and_fix_do_not_change_the_result_of_evaluation() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos");
    let corpus = std::env::var_os("FLAKEWARD_CORPUS").map(PathBuf::from);
    for all in corpus.into_iter().chain([own]) {
        for entry in fs::read_dir(all).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
            init_and_fix(&fs::canonicalize(entry.path()).unwrap());
        }
    }
}

/// Two services that share a number, each in its own files, and a third file that may belong to either service.
const SHARED: [(&str, &str); 5] = [
    ("flake.nix", "{ outputs = _: { }; }\n"),
    ("modules/vaultwarden.nix", "{ services.vaultwarden.config.ROCKET_PORT = 8222; }\n"),
    ("modules/nats.nix", "{ services.nats.settings.http_port = 8222; }\n"),
    (
        "modules/web.nix",
        "{ services.nginx.virtualHosts.\"vaultwarden.example.org\".locations.\"/\".proxyPass = \"http://127.0.0.1:8222\"; }\n",
    ),
    ("hosts/a/firewall.nix", "{ networking.firewall.allowedTCPPorts = [ 8222 ]; }\n"),
];

#[test]
fn services_that_share_a_number_get_one_entry_each() {
    let folder = TempDir::new().unwrap();
    for (path, text) in SHARED {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let after = init_and_fix(folder.path());
    let read = |path: &str| fs::read_to_string(after.path().join(path)).unwrap();
    assert!(read("modules/vaultwarden.nix").contains("ROCKET_PORT = ports.services.vaultwarden;"));
    assert!(read("modules/nats.nix").contains("http_port = ports.messaging.natsMonitoring;"));
    assert!(read("modules/web.nix").contains("toString ports.services.vaultwarden"));
    // Nothing shows which service this port belongs to.
    assert_eq!(read("hosts/a/firewall.nix"), SHARED[4].1);
    let report = String::from_utf8(flakeward(after.path(), &["--select", "port-conflict"]).stdout).unwrap();
    assert!(report.contains("no findings"), "{report}");
}

/// A repository with `files`, after `ports init` and `fix`, and its registry.
fn registry_of(files: &[(&str, &str)]) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let after = init_and_fix(folder.path());
    let registry = fs::read_to_string(after.path().join("lib/ports.nix")).unwrap();
    (after, registry)
}

#[test]
fn entries_are_named_after_services_in_lists_and_behind_proxies() {
    let (after, registry) = registry_of(&[
        (
            "modules/media/default.nix",
            "{ lib, ... }:\nlet\n  apps = [\n    { name = \"bookshelf\"; port = 4801; }\n    { name = \"shelfmark\"; port = 4802; }\n  ];\nin\n{\n  \
             networking.firewall.allowedTCPPorts = map (app: app.port) apps;\n}\n",
        ),
        (
            "modules/cloudflared.nix",
            "{ services.cloudflared.tunnels.main.ingress.\"memos.example.org\" = \"http://127.0.0.1:4803\"; }\n",
        ),
        (
            "modules/containers.nix",
            "{ virtualisation.oci-containers.containers.memos.ports = [ \"127.0.0.1:4803:5230\" ]; }\n",
        ),
        (
            "modules/nginx.nix",
            "{ services.nginx.appendHttpConfig = ''\n  map $host $to {\n    api.example.org 'http://127.0.0.1:4804';\n  }\n''; }\n",
        ),
        ("hosts/nas/scrutiny.nix", "{ services.scrutiny.settings.web.listen.port = 4805; }\n"),
        ("hosts/web/check.nix", "{ services.collector.endpoint = \"http://nas:4805\"; }\n"),
    ]);
    for entry in ["bookshelf = 4801", "shelfmark = 4802", "memos = 4803", "api = 4804", "scrutiny = 4805"] {
        assert!(registry.contains(&format!("    {entry};\n")), "{entry}: {registry}");
    }
    for word in ["Second", "cloudflared", "nginx", "apps", "collector"] {
        assert!(!registry.contains(word), "{word}: {registry}");
    }
    let read = |path: &str| fs::read_to_string(after.path().join(path)).unwrap();
    assert!(read("modules/cloudflared.nix").contains("toString ports.services.memos"));
    assert!(read("hosts/web/check.nix").contains("toString ports.services.scrutiny"));
}

/// Two services with the same container port: there is one entry for it for each service, and one for each host port.
#[test]
fn services_with_the_same_container_port_get_separate_entries() {
    let (_, registry) = registry_of(&[
        ("modules/wiki.nix", "{ virtualisation.oci-containers.containers.wiki.ports = [ \"4801:4800\" ]; }\n"),
        ("modules/chat.nix", "{ virtualisation.oci-containers.containers.chat.ports = [ \"4802:4800\" ]; }\n"),
    ]);
    for entry in ["wiki = 4801", "chat = 4802", "chatContainer = 4800", "wikiContainer = 4800"] {
        assert!(registry.contains(&format!("    {entry};\n")), "{entry}: {registry}");
    }
    assert!(registry.contains("allow(port-conflict) also the number of services.chatContainer"), "{registry}");
}
