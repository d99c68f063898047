//! `flakeward fix`: what it changes, what it refuses to change, and the state after it is killed.

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use flakeward::finding::Safety;
use flakeward::fix::{Outcome, Request, fix};
use flakeward::{Repo, Settings};
use support::repository::Repository;

/// Fixes a repository in memory.
fn fix_texts(files: &[(&str, &str)], allowed: Safety) -> Outcome {
    fix(
        &Repo::from_texts(files.iter().copied()),
        &Settings { fixes: allowed, ..Settings::default() },
        &Request { allowed, only: None, guard: &|_| Ok(()) },
    )
}

/// The files after the changes.
fn after(files: &[(&str, &str)], outcome: &Outcome) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> =
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    texts.extend(outcome.changes.iter().map(|change| (change.path.to_string(), change.after.clone())));
    texts
}

#[test]
fn unused_suppressions_are_removed() {
    let cases = [
        ("{\n  # flakeward: allow(lookup-path) because\n  a = 1;\n}\n", "{\n  a = 1;\n}\n"),
        ("{\n  a = 1; # flakeward: allow(lookup-path) because\n}\n", "{\n  a = 1;\n}\n"),
        ("{\r\n  # flakeward: allow(lookup-path) because\r\n  a = 1;\r\n}\r\n", "{\r\n  a = 1;\r\n}\r\n"),
        (
            "{\n  a = <nixpkgs>; # flakeward: allow(syntax-error, lookup-path) because\n}\n",
            "{\n  a = <nixpkgs>; # flakeward: allow(lookup-path) because\n}\n",
        ),
        (
            "{\n  a = <nixpkgs>; # flakeward: allow(lookup-path, syntax-error) because\n}\n",
            "{\n  a = <nixpkgs>; # flakeward: allow(lookup-path) because\n}\n",
        ),
        ("{\n  a = 1; # flakeward: allow(lookup-path, syntax-error) because\n}\n", "{\n  a = 1;\n}\n"),
        ("# flakeward: allow-file(lookup-path) because", ""),
    ];
    for (text, expected) in cases {
        let files = [("a.nix", text)];
        let outcome = fix_texts(&files, Safety::Safe);
        assert_eq!(after(&files, &outcome)["a.nix"], expected);
        assert!(outcome.report.findings.iter().all(|finding| finding.rule != "unused-suppression"));
        assert!(!outcome.unsettled);
    }
}

#[test]
fn removing_a_suppression_inside_a_string_is_unsafe() {
    let files = [("a.nix", "{\n  a = ''\n    # flakeward: allow(lookup-path) because\n    x\n  '';\n}\n")];
    let safe = fix_texts(&files, Safety::Safe);
    assert_eq!((safe.changes.len(), safe.unsafe_left()), (0, 1));
    let all = fix_texts(&files, Safety::Unsafe);
    assert_eq!(after(&files, &all)["a.nix"], "{\n  a = ''\n    x\n  '';\n}\n");
}

/// A new service with the number of another service: the entry is used only by the service that owns it.
#[test]
fn the_entry_of_another_service_is_not_used() {
    let registry = ("lib/ports.nix", "{ services.forge = 4567; services.cache = 6379; }\n");
    let forge =
        ("forge.nix", "let ports = import ./lib/ports.nix; in { services.forge.port = ports.services.forge; }\n");
    let shop = ("shop.nix", "let ports = import ./lib/ports.nix; in { services.shop.store = ports.services.cache; }\n");
    let wiki = ("new.nix", "{ services.wiki.port = 4567; }\n");
    let queue = ("new.nix", "{ services.queue.port = 6379; }\n");
    let cases: [(&[(&str, &str)], bool); 4] = [
        (&[registry, forge, wiki], false),
        (&[registry, shop, wiki], true),
        (&[registry, shop, queue], true),
        (&[registry, forge, ("forge/new.nix", wiki.1)], true),
    ];
    for (files, expected) in cases {
        let outcome = fix_texts(files, Safety::Safe);
        assert_eq!(!outcome.changes.is_empty(), expected, "{files:?}");
        let help = outcome.report.findings.iter().filter_map(|finding| finding.help.as_deref());
        let help: Vec<&str> = help.filter(|help| help.contains("belongs to another service")).collect();
        assert_eq!(help.is_empty(), expected, "{help:?}");
    }
}

/// The host of a web address, or the whole Dockerfile, shows that another service uses the number.
#[test]
fn the_text_around_a_port_shows_its_service() {
    let registry = ("lib/ports.nix", "{ media.qbittorrent = 8080; development.gitea = 3000; web.http = 80; }\n");
    let used = (
        "nas.nix",
        "let ports = import ./lib/ports.nix; in { services.a.web = ports.media.qbittorrent; \
         services.b.web = ports.development.gitea; networking.hostName = \"nas\"; networking.domain = \"acme.net\"; \
         services.nginx.virtualHosts.\"nextcloud.acme.net\" = { }; \
         services.nginx.virtualHosts.\"qbittorrent.acme.net\" = { }; }\n",
    );
    for (path, text, is_used) in [
        ("links.nix", "{ links = [ \"https://nextcloud.acme.net:8080/\" ]; }\n", false),
        ("links.nix", "{ links = [ \"https://qbittorrent.acme.net:8080/\" ]; }\n", true),
        ("links.nix", "{ links = [ \"https://nas.acme.net:8080/\" ]; }\n", true),
        ("Dockerfile.agent", "FROM scratch\nCOPY agent /bin/agent\nEXPOSE 3000\nENTRYPOINT [\"/bin/agent\"]\n", false),
        ("Dockerfile", "FROM gitea/gitea:1.27\nEXPOSE 3000\n", true),
        ("gitea/Dockerfile", "FROM alpine\nEXPOSE 3000\n", true),
        ("Dockerfile", "FROM alpine\nEXPOSE 80\n", true),
    ] {
        let outcome = fix_texts(&[registry, used, (path, text)], Safety::Safe);
        let ports = outcome.report.findings.iter().filter(|finding| finding.rule == "hardcoded-port").count();
        // The report is that of the files after the fixes.
        assert_eq!((ports, outcome.changes.len()), if is_used { (0, 1) } else { (1, 0) }, "{text}");
    }
}

/// If every entry with the number belongs to another service, none of them is suggested.
#[test]
fn the_entries_of_other_services_are_not_suggested() {
    let files = [
        ("lib/ports.nix", "{ services.forge = 4567; services.shop = 4567; }\n"),
        ("forge.nix", "let ports = import ./lib/ports.nix; in { services.forge.port = ports.services.forge; }\n"),
        ("shop.nix", "let ports = import ./lib/ports.nix; in { services.shop.port = ports.services.shop; }\n"),
        ("new.nix", "{ services.wiki.port = 4567; }\n"),
    ];
    let outcome = fix_texts(&files, Safety::Safe);
    assert!(outcome.changes.is_empty());
    let help = outcome.report.findings.iter().filter_map(|finding| finding.help.as_deref());
    let help: Vec<&str> = help.filter(|help| help.contains("with this number")).collect();
    assert_eq!(
        help,
        [
            "the entries in lib/ports.nix with this number belong to other services: register this port there under its own name"
        ]
    );
}

#[test]
fn files_with_syntax_errors_are_not_changed() {
    let files = [("a.nix", "{\n  a = ;\n  # flakeward: allow(lookup-path) because\n}\n")];
    let outcome = fix_texts(&files, Safety::Safe);
    assert!(outcome.changes.is_empty());
    let reasons: Vec<_> = outcome.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(reasons, ["a.nix has syntax errors"]);
}

#[test]
fn files_that_may_not_be_written_are_rejected_with_the_reason() {
    let files = [("a.nix", "{ } # flakeward: allow(lookup-path) because\n")];
    let guard = |path: &str| match path {
        "a.nix" => Err("it is read-only".to_owned()),
        other => panic!("nothing is fixed in {other}"),
    };
    let request = Request { allowed: Safety::Safe, only: None, guard: &guard };
    let outcome = fix(&Repo::from_texts(files), &Settings::default(), &request);
    assert!(outcome.changes.is_empty());
    assert!(outcome.refused[0].unwritable);
    assert_eq!(outcome.refused[0].reason, "a.nix cannot be written: it is read-only");
    assert_eq!(outcome.report.findings.len(), 1);
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
    command.current_dir(root).args(["fix", "--isolated"]).args(args);
    command
}

fn flakeward(root: &Path, args: &[&str]) -> Output {
    command(root, args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const UNUSED: &str = "{ } # flakeward: allow(lookup-path) because\n";
const FIXED: &str = "{ }\n";
const LEFT: &str = "{ a = <nixpkgs>; }\n";

#[test]
fn fixed_and_remaining_findings_are_reported() {
    let root = Repository::new(&[("a.nix", UNUSED), ("sub/b.nix", UNUSED), ("c.nix", LEFT)]);
    let out = flakeward(root.path(), &["--fail-on", "hint"]);
    assert_eq!(
        text(&out.stdout),
        "a.nix:1:24: fixed[unused-suppression]: remove the suppression\n\
         sub/b.nix:1:24: fixed[unused-suppression]: remove the suppression\n\
         c.nix:1:7: warn[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from machine to machine\n"
    );
    assert_eq!(text(&out.stderr), "fixed 2 findings in 2 files; remaining: 1 warning in 1 of 3 files\n");
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(fs::read_to_string(root.path().join("sub/b.nix")).unwrap(), FIXED);
    let again = flakeward(root.path(), &[]);
    assert_eq!(text(&again.stderr), "nothing to fix; remaining: 1 warning in 1 of 3 files\n");
    assert_eq!(again.status.code(), Some(0));
}

#[test]
fn ways_to_fix_the_remaining_findings_are_reported() {
    let root =
        Repository::new(&[("a.nix", "{ services.web.port = 3000; }\n"), ("b.nix", "{ services.db.port = 5432; }\n")]);
    let out = flakeward(root.path(), &[]);
    assert_eq!(
        text(&out.stderr),
        "no safe fixes; remaining: 2 errors in 2 of 2 files; 2 can be fixed: flakeward ports init, then \
         flakeward fix\n"
    );
    let out = flakeward(root.path(), &["--unsafe"]);
    assert!(text(&out.stderr).starts_with("fixed 2 findings in 3 files; new: lib/ports.nix"), "{}", text(&out.stderr));
}

/// Findings accepted by the baseline are not fixed: `fix` fixes what `check` reports.
#[test]
fn findings_in_the_baseline_are_fixed_on_request() {
    let root = Repository::new(&[("a.nix", UNUSED)]);
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_flakeward")).current_dir(root.path()).args(args).output().unwrap()
    };
    assert!(run(&["baseline"]).status.success());
    fs::write(root.path().join("b.nix"), UNUSED).unwrap();
    let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
    let out = run(&["fix"]);
    assert!(text(&out.stderr).starts_with("fixed 1 finding in 1 file; "), "{}", text(&out.stderr));
    assert_eq!((read("a.nix").as_str(), read("b.nix").as_str()), (UNUSED, FIXED));
    let out = run(&["fix", "--accepted"]);
    assert!(text(&out.stderr).starts_with("fixed 1 finding in 1 file; "), "{}", text(&out.stderr));
    assert_eq!(read("a.nix"), FIXED);
}

#[test]
fn paths_and_rules_restrict_what_is_fixed() {
    let root = Repository::new(&[("a.nix", UNUSED), ("sub/b.nix", UNUSED)]);
    flakeward(root.path(), &["sub"]);
    assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), UNUSED);
    assert_eq!(fs::read_to_string(root.path().join("sub/b.nix")).unwrap(), FIXED);
    flakeward(root.path(), &["--select", "syntax-error"]);
    assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), UNUSED);
}

#[test]
fn a_diff_changes_nothing_and_can_be_applied() {
    let root = Repository::new(&[("a.nix", UNUSED), ("sub/b.nix", UNUSED)]);
    let out = flakeward(root.path(), &["--diff", "--fail-on", "warn"]);
    assert_eq!(out.status.code(), Some(1));
    let summary = "would fix 2 findings in 2 files; nothing left to report\n";
    assert_eq!(text(&out.stderr), summary);
    assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), UNUSED);
    fs::write(root.path().join("fix.diff"), &out.stdout).unwrap();
    let apply = Command::new("git").current_dir(root.path()).args(["apply", "fix.diff"]).output().unwrap();
    assert!(apply.status.success(), "{}", text(&apply.stderr));
    assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), FIXED);
    assert_eq!(fs::read_to_string(root.path().join("sub/b.nix")).unwrap(), FIXED);
}

/// Colours add nothing but escape sequences, and a coloured patch cannot issue workflow commands.
#[test]
fn diffs_are_coloured_on_request() {
    let root = Repository::new(&[("a.nix", UNUSED), ("web.nix", "{ services.redis.port = 6379; }\n")]);
    for arguments in ["fix --diff", "ports init --diff"] {
        let plain = root.run(arguments).out;
        let colored = root.run(&format!("{arguments} --color always")).out;
        assert!(colored.contains("\u{1b}[32m+") && colored.contains("\u{1b}[36m@@ "), "{colored}");
        let stripped = ["", "1", "31", "32", "36"].iter().fold(colored, |text, code| {
            text.replace(&if code.is_empty() { "\u{1b}[0m".to_owned() } else { format!("\u{1b}[{code}m") }, "")
        });
        assert_eq!(stripped, plain, "{arguments}");
        let mut command = support::repository::command(&format!("{arguments} --color always"));
        let in_workflow = command.current_dir(root.path()).env("GITHUB_ACTIONS", "true").output().unwrap();
        assert!(text(&in_workflow.stdout).starts_with("::stop-commands::"), "{arguments}");
    }
}

#[cfg(unix)]
#[test]
fn files_that_cannot_be_written_are_reported_and_the_rest_is_fixed() {
    use std::os::unix::fs::PermissionsExt;
    let root = Repository::new(&[("a.nix", UNUSED), ("b.nix", UNUSED)]);
    fs::set_permissions(root.path().join("a.nix"), fs::Permissions::from_mode(0o444)).unwrap();
    let out = flakeward(root.path(), &[]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stdout);
    assert!(
        said.contains("a.nix:1:24: not fixed[unused-suppression]: a.nix cannot be written: it is read-only\n"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(root.path().join("a.nix")).unwrap(), UNUSED);
    assert_eq!(fs::read_to_string(root.path().join("b.nix")).unwrap(), FIXED);
}

#[cfg(unix)]
#[test]
fn fix_does_not_write_through_symbolic_links() {
    let outside = Repository::new(&[("a.nix", UNUSED)]);
    let root = Repository::new(&[("flake.nix", "{ }\n")]);
    std::os::unix::fs::symlink(outside.path(), root.path().join("lib")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("a.nix"), root.path().join("a.nix")).unwrap();
    for (path, link) in [("a.nix", "a.nix"), ("lib", "lib"), ("lib/a.nix", "lib")] {
        let out = flakeward(root.path(), &[path]);
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).starts_with(&format!("error: {link} is a symbolic link\n")), "{}", text(&out.stderr));
    }
    assert_eq!(flakeward(root.path(), &[]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(outside.path().join("a.nix")).unwrap(), UNUSED);
}

/// Whenever `fix` is killed, each file has either its old or its new contents, and the next run fixes the rest.
#[cfg(unix)]
#[test]
fn a_killed_run_leaves_every_file_old_or_new() {
    const FILES: usize = 60;
    const RUNS: u32 = 10;
    let line = "  a = \"some text that makes the file longer than one block of the disk\";\n";
    let padding: String = (0..100).map(|index| line.replace("a =", &format!("a{index} ="))).collect();
    let old = format!("{{ # flakeward: allow(lookup-path) because\n{padding}}}\n");
    let new = format!("{{\n{padding}}}\n");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut cut_short = 0;
    for run in 0..RUNS {
        let names: Vec<String> = (0..FILES).map(|index| format!("d{}/f{index}.nix", index % 7)).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), old.as_str())).collect();
        let root = Repository::new(&files);
        let mut child = command(root.path(), &["-q"]).spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Half of the runs are killed at a random time, the others after the first file is replaced.
        let first = root.path().join(&names[0]);
        let begun = || fs::metadata(&first).is_ok_and(|found| found.len() == new.len() as u64);
        if run % 2 == 0 {
            std::thread::sleep(Duration::from_micros(random % 200_000));
        } else {
            while child.try_wait().unwrap().is_none() && !begun() {}
            std::thread::sleep(Duration::from_micros(random % 300));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let texts: Vec<String> = names.iter().map(|name| fs::read_to_string(root.path().join(name)).unwrap()).collect();
        assert!(texts.iter().all(|text| *text == old || *text == new), "a file is partly written");
        let written = texts.iter().filter(|text| **text == new).count();
        cut_short += usize::from(written > 0 && written < FILES);
        assert!(flakeward(root.path(), &["-q"]).status.success());
        assert!(names.iter().all(|name| fs::read_to_string(root.path().join(name)).unwrap() == new));
        let left: usize = (0..7).map(|at| fs::read_dir(root.path().join(format!("d{at}"))).unwrap().count()).sum();
        assert_eq!(left, FILES, "temporary files are left next to the files");
    }
    println!("{cut_short} of {RUNS} runs were killed while they wrote files");
}

/// A signal ends the run without leaving temporary files. Once one file has been replaced, all of them are.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_temporary_files() {
    const FILES: usize = 200;
    let old = "{ # flakeward: allow(lookup-path) because\n}\n";
    let names: Vec<String> = (0..FILES).map(|index| format!("f{index}.nix")).collect();
    let mut cut_short = 0;
    for signal in ["-INT", "-TERM", "-HUP", "-INT", "-TERM", "-HUP"] {
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), old)).collect();
        let root = Repository::new(&files);
        let staged = || {
            let names =
                fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with(".flakeward-fix-")).count()
        };
        let mut child = command(root.path(), &["-q"]).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && staged() == 0 {}
        // The kill fails if the run has already ended.
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(staged(), 0, "{signal} left temporary files");
        let new = names.iter().filter(|name| fs::read_to_string(root.path().join(name)).unwrap() != old).count();
        assert!(new == 0 || new == FILES, "{signal} stopped after {new} files");
        cut_short += usize::from(!ended.success());
    }
    assert!(cut_short > 0, "no signal ended a run");
}

const PORTS: &str = "{\n  databases.redis = 6379;\n  web = {\n    api = 3000;\n    metrics = 9464;\n  };\n}\n";

const MODULE: &str = "{ config, ... }:\n{\n  services.redis.servers.main.port = 6379;\n  services.api = {\n    port = \"3000\";\n    \
                      listen = [ \"127.0.0.1:3000\" ];\n    environment.METRICS_PORT = \"9464\";\n  };\n  \
                      networking.firewall.allowedTCPPorts = [ 3000 9464 ];\n}\n";

/// The value of the module in Nix, if Nix is installed.
fn evaluated(root: &Path) -> Option<String> {
    evaluated_with(root, "config = { };")
}

fn evaluated_with(root: &Path, arguments: &str) -> Option<String> {
    let file = root.join("modules/api.nix");
    let expression = format!("import {} {{ {arguments} }}", file.display());
    let args = ["--eval", "--strict", "--json", "-E", &expression];
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    match Command::new("nix-instantiate").args(args).output() {
        Ok(out) => {
            assert!(out.status.success(), "{}", text(&out.stderr));
            Some(text(&out.stdout).to_owned())
        }
        Err(_) => {
            assert!(!required, "nix-instantiate is not installed");
            None
        }
    }
}

#[test]
fn fixes_replace_numbers_with_references_to_the_registry() {
    let compose = "services:\n  api:\n    ports:\n      - \"3000:3000\"\n      - \"9464:9464\"\n";
    let docker = "FROM scratch\nEXPOSE 3000\n";
    for crlf in [false, true] {
        let ending = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
        let (module, compose) = (ending(MODULE), ending(compose));
        let files = [
            ("lib/ports.nix", PORTS),
            ("modules/api.nix", module.as_str()),
            ("compose.yaml", compose.as_str()),
            ("Dockerfile", docker),
        ];
        let root = Repository::new(&files);
        let before = evaluated(root.path());
        let select = ["--select", "hardcoded-port"];
        let out = flakeward(root.path(), &select);
        assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
        assert_eq!(evaluated(root.path()), before);
        let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
        let expected = "{ config, ... }:\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  \
                        services.redis.servers.main.port = ports.databases.redis;\n  services.api = {\n    \
                        port = toString ports.web.api;\n    listen = [ \"127.0.0.1:${toString ports.web.api}\" ];\n    \
                        environment.METRICS_PORT = toString ports.web.metrics;\n  };\n  \
                        networking.firewall.allowedTCPPorts = [ ports.web.api ports.web.metrics ];\n}\n";
        assert_eq!(read("modules/api.nix"), ending(expected));
        let commented = "services:\n  api:\n    # Port from lib/ports.nix: web.api = 3000\n    \
                         # Port from lib/ports.nix: web.metrics = 9464\n    ports:\n      - \"3000:3000\"\n      - \"9464:9464\"\n";
        assert_eq!(read("compose.yaml"), ending(commented));
        assert_eq!(read("Dockerfile"), "FROM scratch\n# Port from lib/ports.nix: web.api = 3000\nEXPOSE 3000\n");
        let again = flakeward(root.path(), &select);
        assert!(text(&again.stderr).starts_with("nothing to fix;"), "{}", text(&again.stderr));
    }
}

#[test]
fn a_missing_registry_is_created() {
    let root = Repository::new(&[("modules/api.nix", MODULE)]);
    let before = evaluated(root.path());
    let select = ["--select", "hardcoded-port"];
    assert_eq!(flakeward(root.path(), &select).status.code(), Some(1));
    assert!(!root.path().join("lib").exists());
    let out = flakeward(root.path(), &["--unsafe", "--select", "hardcoded-port"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    assert_eq!(evaluated(root.path()), before);
    assert!(text(&out.stderr).contains("; new: lib/ports.nix (run `git add`"), "{}", text(&out.stderr));
    let registry = fs::read_to_string(root.path().join("lib/ports.nix")).unwrap();
    assert!(registry.contains("  databases = {\n    redis = 6379;\n  };\n"), "{registry}");
    let again = flakeward(root.path(), &["--unsafe", "--select", "hardcoded-port"]);
    assert!(text(&again.stderr).starts_with("nothing to fix;"), "{}", text(&again.stderr));
}

#[test]
fn only_ports_that_can_refer_to_the_registry_are_registered() {
    let files = [
        ("lib/ports.nix", "{\n  web = 3000;\n}\n"),
        ("modules/a.nix", "{ services.a.port = 4001; }\n"),
        ("templates/x/b.nix", "{ services.b.port = 4002; }\n"),
        ("sub/flake.nix", "{ outputs = _: { port = 4003; }; }\n"),
        ("compose.json", "{ \"services\": { \"c\": { \"image\": \"c\", \"ports\": [\"4004:4004\"] } } }\n"),
        ("process-compose.yaml", "processes:\n  d:\n    command: d --metrics-port 4005\n"),
    ];
    let outcome = fix_texts(&files, Safety::Unsafe);
    let texts = after(&files, &outcome);
    assert_eq!(texts["lib/ports.nix"], "{\n  a = 4001;\n  dMetrics = 4005;\n  web = 3000;\n}\n");
    for path in ["templates/x/b.nix", "sub/flake.nix", "compose.json"] {
        let before = files.iter().find(|(name, _)| *name == path).unwrap().1;
        assert_eq!(texts[path], before);
    }
}

/// An existing binding of the registry is used; a new import passes the arguments that the registry requires.
#[test]
fn registries_that_are_functions_are_called_with_their_arguments() {
    let plain = "{ lib, ... }:\n{\n  port = 6379;\n}\n";
    let bound = |argument: &str| {
        format!("{{ lib, ... }}:\nlet\n  p = import ../lib/ports.nix {argument};\nin\n{{\n  port = 6379;\n}}\n")
    };
    let imported = |argument: &str| {
        format!(
            "{{ lib, ... }}:\nlet\n  ports = import ../lib/ports.nix {argument};\nin\n{{\n  port = ports.redis;\n}}\n"
        )
    };
    let written = |argument: &str| bound(argument).replace("6379", "p.redis");
    let (wants_lib, offset) = ("{ lib }: { redis = 6379; }\n", "{ lib, offset ? 0 }: { redis = 6379 + offset; }\n");
    let other = "{ lib, ... }:\nlet\n  ports = import ../lib/ports.nix { inherit lib; };\n  p = import ../lib/ports.nix { inherit lib; offset = 1; };\nin\n{\n  port = ports.redis;\n}\n";
    let cases = [
        ("{ }: { redis = 6379; }\n", plain.to_owned(), imported("{ }")),
        ("{ }: { redis = 6379; }\n", bound("{ }"), written("{ }")),
        ("_: { redis = 6379; }\n", plain.to_owned(), imported("{ }")),
        ("lib: { redis = 6379; }\n", plain.to_owned(), imported("lib")),
        (wants_lib, plain.to_owned(), imported("{ inherit lib; }")),
        (wants_lib, bound("{ inherit lib; }"), written("{ inherit lib; }")),
        (wants_lib, "{\n  port = 6379;\n}\n".to_owned(), "{\n  port = 6379;\n}\n".to_owned()),
        (offset, bound("{ inherit lib; }"), written("{ inherit lib; }")),
        (offset, bound("{ inherit lib; offset = 1; }"), other.to_owned()),
        ("{ lib }: { x }: { redis = 6379; }\n", plain.to_owned(), plain.to_owned()),
        (
            "{ }: rec { db.redis = 6379; redis = db.redis; inherit (db) x; db.x = 1; }\n",
            bound("{ }"),
            bound("{ }").replace("6379", "p.db.redis"),
        ),
    ];
    for (registry, before, expected) in cases {
        let files = [("lib/ports.nix", registry), ("modules/api.nix", before.as_str())];
        let after = after(&files, &fix_texts(&files, Safety::Safe));
        assert_eq!(after["modules/api.nix"], expected, "{registry}{before}");
        if expected.starts_with("{ lib") {
            let values = [before, expected].map(|text| {
                let files = [("lib/ports.nix", registry), ("modules/api.nix", text.as_str())];
                evaluated_with(Repository::new(&files).path(), "lib = { };")
            });
            assert_eq!(values[0], values[1], "{registry}");
        }
    }
}

/// Neither flakes nor later runs see a file that git ignores.
#[test]
fn a_registry_that_git_ignores_is_not_written() {
    let module = "{ services.wiki.port = 4801; }\n";
    let root = Repository::new(&[
        (".gitignore", "*.log\nlib/\n"),
        ("flake.nix", "{ outputs = _: { }; }\n"),
        ("modules/a.nix", module),
        ("b.nix", UNUSED),
    ]);
    for arguments in [&["--unsafe", "--diff"][..], &["--unsafe"]] {
        let out = flakeward(root.path(), arguments);
        assert_eq!(out.status.code(), Some(2));
        let stderr = text(&out.stderr);
        let expected = "error: lib/ports.nix would be ignored: .gitignore:2 has the pattern `lib/`\n  help: narrow this \
                        pattern so that it does not match, or choose another path under `[ports]`";
        assert!(stderr.contains(expected), "{stderr}");
        let all = format!("{}{stderr}", text(&out.stdout));
        assert!(
            all.contains("not fixed[hardcoded-port]: lib/ports.nix cannot be written: it would be ignored"),
            "{all}"
        );
        assert!(!root.path().join("lib").exists());
        assert_eq!(fs::read_to_string(root.path().join("modules/a.nix")).unwrap(), module);
    }
    // Other fixes are still applied.
    assert_eq!(fs::read_to_string(root.path().join("b.nix")).unwrap(), FIXED);
    root.write(".gitignore", "*.log\n");
    assert_eq!(flakeward(root.path(), &["--unsafe"]).status.code(), Some(0));
    assert!(root.path().join("lib/ports.nix").exists());
}

/// All fixes share the edits to the registry, and each fix is refused with the reason.
#[test]
fn fixes_that_share_a_registry_that_cannot_be_written_are_all_refused() {
    let root = Repository::new(&[(".gitignore", "lib/\n"), ("flake.nix", "{ outputs = _: { }; }\n")]);
    for (name, number) in [("wiki", 4801), ("chat", 4802), ("mail", 4803)] {
        root.write(&format!("modules/{name}.nix"), format!("{{ services.{name}.port = {number}; }}\n"));
    }
    let out = flakeward(root.path(), &["--unsafe"]);
    assert_eq!(out.status.code(), Some(2));
    let all = format!("{}{}", text(&out.stdout), text(&out.stderr));
    let refusal = "not fixed[hardcoded-port]: lib/ports.nix cannot be written: it would be ignored";
    assert_eq!(all.matches(refusal).count(), 3, "{all}");
    assert!(!root.path().join("lib").exists());
}
