//! The first run of a new user: the summary and next steps, `init`, groups of rules, hints, and the layout in a
//! terminal.

mod support {
    pub mod repository;
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod tools;
}

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::repository::Repository;
use support::tools::have;

/// A repository with unregistered ports, a style finding and a file that cannot be fixed.
fn many() -> Repository {
    let services: String = (0..12).map(|n| format!("  services.app{n}.port = {};\n", 8100 + n)).collect();
    let flake =
        "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";\n  outputs = { nixpkgs, ... }: { };\n}\n";
    Repository::new(&[
        ("flake.nix", flake),
        ("a.nix", &format!("{{\n{services}}}\n")),
        ("b.nix", &format!("{{\n{}}}\n", services.replace("app", "web").replace("81", "91"))),
        ("web/Dockerfile", "FROM node:24\n"),
        ("broken.nix", "{ services.x.port = 7777;\n"),
    ])
}

#[test]
fn every_output_counts_the_same_fixable_findings() {
    let root = many();
    let json: serde_json::Value = serde_json::from_str(&root.run("-f json").out).unwrap();
    let summary = &json["summary"];
    let (safe, unsafe_) = (summary["fixable_safe"].as_u64().unwrap(), summary["fixable_unsafe"].as_u64().unwrap());
    assert_eq!(summary["fixable"], safe + unsafe_);
    assert!(unsafe_ > 20, "{summary}");
    let each = json["findings"].as_array().unwrap();
    let fixable = each.iter().filter(|finding| finding["fixable"] == "unsafe").count() as u64;
    assert_eq!(fixable, unsafe_);
    let by_rule = summary["rules"].as_array().unwrap();
    assert_eq!(by_rule.iter().map(|rule| rule["findings"].as_u64().unwrap()).sum::<u64>(), each.len() as u64);
    // The fixes for ports are safe once the ports are registered; the fix for nixpkgs is always unsafe.
    let ports = unsafe_ - 1;
    let sentence =
        format!("{ports} can be fixed: flakeward ports init, then flakeward fix; 1 more: flakeward fix --unsafe");
    for args in ["", "--statistics"] {
        assert!(root.run(args).out.contains(&sentence), "{args}");
    }
    assert!(root.run("fix").err.contains(&sentence));
    assert!(root.run("-f markdown").out.contains(&sentence));
    let fixed = root.run("fix --unsafe --diff").err;
    assert!(fixed.starts_with(&format!("would fix {unsafe_} findings in")), "{fixed}");
}

#[test]
fn reports_with_many_findings_end_with_a_table_and_the_next_steps() {
    let root = many();
    let ran = root.run("");
    assert!(ran.out.contains("\nrule "), "{}", ran.out);
    assert!(ran.out.contains("hardcoded-port    error        25       24      3\n"), "{}", ran.out);
    let steps = &ran.out[ran.out.find("\nNext steps:\n").unwrap()..];
    let commands: Vec<&str> = steps.lines().skip(2).map(|line| line.trim().split("  ").next().unwrap()).collect();
    assert_eq!(commands, ["flakeward ports init", "flakeward init", "flakeward baseline", "nix flake lock"]);
    // Each hint is shown only if it applies.
    root.write("lib/ports.nix", "{ db = 5432; cache = 6379; }\n");
    root.write("flakeward.toml", "");
    root.run("baseline");
    assert_eq!(root.run("").out.matches("Next steps").count(), 0);
    assert_eq!(root.run("a.nix --isolated").out.matches("Next steps").count(), 0);
    // A single finding needs no table.
    let few = Repository::new(&[("a.nix", "import <nixpkgs> { }\n")]);
    assert_eq!(few.run("").out.matches("\nrule ").count(), 0);
    let counts = "rule         level  findings  fixable  files\nlookup-path  warn          1        -      1\n";
    assert_eq!(few.run("--statistics").out, format!("{counts}\n1 warning in 1 of 1 file\n"));
    let ran = few.run("--statistics -f concise");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (counts, "1 warning in 1 of 1 file\n"));
}

#[test]
fn fixing_an_input_requires_updating_the_lock_file() {
    let lock = r#"{"nodes": {"nixpkgs": {"locked": {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "b0d46a9e1a3e5a4a6e1a5e7f2a9d1c0b3e4f5a6b", "narHash": "sha256-x", "lastModified": 1750000000}, "original": {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable"}}, "root": {"inputs": {"nixpkgs": "nixpkgs"}}}, "root": "root", "version": 7}"#;
    let root = many();
    root.write("flake.lock", lock);
    assert!(!root.run("").out.contains("\n  nix flake lock "));
    let ran = root.run("fix --unsafe --select unstable-nixpkgs,unlocked-input");
    assert!(
        ran.err.ends_with("\nNext steps:\n  nix flake lock  update flake.lock to match flake.nix\n"),
        "{}",
        ran.err
    );
    let inner = many();
    inner.write("sub/flake.nix", inner.read("flake.nix"));
    std::fs::remove_file(inner.path().join("flake.nix")).unwrap();
    inner.write("sub/flake.lock", lock);
    let ran = inner.run("fix --unsafe --select unstable-nixpkgs,unlocked-input");
    let step = "\nNext steps:\n  nix flake lock ./sub  update sub/flake.lock to match sub/flake.nix\n";
    assert!(ran.err.ends_with(step), "{}", ran.err);
    let ran = root.run("-f concise --select unlocked-input");
    assert!(ran.out.contains("but flake.lock was written for github:NixOS/nixpkgs/nixos-unstable"), "{}", ran.out);
}

#[test]
fn a_repository_without_nix_gets_a_note_instead_of_many_findings() {
    let services: String =
        (0..30).map(|n| format!("  s{n}:\n    image: redis\n    ports: [\"{}:6379\"]\n", 7000 + n)).collect();
    let root = Repository::new(&[("compose.yaml", &format!("services:\n{services}"))]);
    let ran = root.run("");
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("note: there is no flake.nix and no other .nix file here"), "{}", ran.out);
    assert!(ran.out.lines().count() < 15 && ran.out.contains("flakeward migrate"), "{}", ran.out);
    // The concise format lists all findings, and so does the default format once there is a configuration file.
    assert!(root.run("-f concise").out.lines().count() > 30);
    root.write("flakeward.toml", "");
    assert!(root.run("").out.contains(" in this file, on lines "));
}

#[test]
fn init_writes_a_configuration_that_fits_the_repository() {
    let root = many();
    root.write("third_party/x/default.nix", "{ services.x.port = 9999; }\n");
    let ran = root.run("init");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("wrote flakeward.toml\n\nNext steps:\n  flakeward ports init "), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 6, "{}", ran.out);
    let text = root.read("flakeward.toml");
    for line in [
        "exclude = [\"third_party/\"]\n",
        "# registry = [\"lib/ports.nix\"]\n",
        "# Current findings by group: ports 26, containers 1, processes 0, flakes 2, ci 0, general 1.\n",
        "# select = [\"ports\", \"flakes\"]\n",
        "style = \"warn\"\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let ran = root.run("-f concise");
    assert!(
        ran.out.contains("web/Dockerfile:1:1: warn[dockerfile]") && !ran.out.contains("third_party"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("flakeward.toml"), "{}", ran.out);
    // The suggested commands work, one after the other.
    assert_eq!(root.run("ports init").code, 0);
    let fixed = root.run("fix");
    assert!(fixed.err.contains("fixed 24 findings"), "{}", fixed.err);
    assert_eq!(root.run("baseline").code, 0);
    assert_eq!(root.run("").code, 0);

    let again = root.run("init");
    assert_eq!((again.code, again.err.lines().next()), (2, Some("error: flakeward.toml already exists")));
    let registry = Repository::new(&[("nix/ports.nix", "{ a = 80; b = 443; }\n")]);
    registry.run("init");
    let text = registry.read("flakeward.toml");
    assert!(text.contains("\nregistry = [\"nix/ports.nix\"]\n") && text.contains("\n# style = "), "{text}");
}

/// The settings of a new repository also suit the files that are added later.
#[test]
fn init_turns_no_rules_off() {
    let root = Repository::new(&[("README.md", "new\n")]);
    let ran = root.run("init");
    assert_eq!(ran.out, "wrote flakeward.toml\n\nNext steps:\n  flakeward  check the repository\n");
    assert_eq!(root.run("").code, 0);
    for (path, text, rule) in [
        ("web/Dockerfile", "FROM node:24\n", "[dockerfile]"),
        ("a.nix", "{ services.x.port = 8080; }\n", "[hardcoded-port]"),
        ("compose.yaml", "services:\n  db:\n    image: postgres:17\n", "[docker-compose]"),
        (".github/workflows/a.yaml", "jobs:\n  a:\n    steps:\n      - run: docker build .\n", "[docker-build-in-ci]"),
    ] {
        root.write(path, text);
        let ran = root.run("-f concise");
        assert!(ran.out.contains(rule), "{path}: {}", ran.out);
    }
    // The new configuration does not accept findings in advance.
    assert_eq!(root.run("accepted").out, "no acceptances\n");
}

#[test]
fn groups_can_be_used_wherever_a_rule_can() {
    let files = [
        ("a.nix", "{ services.x.port = 8080; y = <nixpkgs>; }\n"),
        ("Dockerfile", "FROM node:24\n"),
        ("b.nix", "{ services.z.port = 9090; } # flakeward: allow(ports) the protocol fixes it\n"),
        ("c.nix", "{ } # flakeward: allow(containers, ports) nothing to allow\n"),
    ];
    let rules = |config: &str, args: &str| {
        let root = Repository::new(&files);
        if !config.is_empty() {
            root.write("flakeward.toml", config);
        }
        let ran = root.run(&format!("-f json {args}"));
        let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{config}{}", ran.err));
        let findings = json["findings"].as_array().unwrap().iter();
        let said = findings
            .map(|finding| format!("{}:{}", finding["rule"].as_str().unwrap(), finding["level"].as_str().unwrap()));
        let mut said: Vec<String> = said.collect();
        said.sort();
        said.join(" ")
    };
    let (docker, port, lookup) = ("dockerfile:error", "hardcoded-port:error", "lookup-path:warn");
    let unused = "unused-suppression:warn unused-suppression:warn";
    assert_eq!(rules("", ""), format!("{docker} {port} {lookup} {unused}"));
    for (config, args, expected) in [
        ("", "--select ports", port.to_owned()),
        ("", "--select ports,lookup-path", format!("{port} {lookup}")),
        ("", "--ignore ports,general", format!("{docker} {lookup}")),
        ("", "--select containers --level style=hint", "dockerfile:hint".to_owned()),
        ("[rules]\nselect = [\"ports\"]\n", "", port.to_owned()),
        ("[rules]\nselect = \"ports\"\n", "--select dockerfile", docker.to_owned()),
        ("[rules]\nignore = [\"ports\", \"general\"]\n", "", format!("{docker} {lookup}")),
        ("[rules]\nselect = [\"ports\"]\nlookup-path = \"error\"\n", "", format!("{port} lookup-path:error")),
        ("[rules]\nselect = [\"ports\"]\nstyle = \"warn\"\n", "", port.to_owned()),
        (
            "[rules]\ndefault-level = \"hint\"\nports = \"error\"\ngeneral = \"off\"\n",
            "",
            format!("dockerfile:hint {port} lookup-path:hint"),
        ),
        (
            "[rules]\nstyle = \"warn\"\nhardcoded-port = \"off\"\n[rules.general]\nlevel = \"off\"\n",
            "",
            format!("dockerfile:warn {lookup}"),
        ),
        ("[rules]\ncontainers = \"off\"\nstyle = \"error\"\ngeneral = \"off\"\n", "", format!("{port} {lookup}")),
        (
            "[rules]\ngeneral = { level = \"off\" }\n[[overrides]]\npaths = [\"a.nix\"]\nrules = { ports = \"warning\", lookup-path = { level = \"off\" } }\n",
            "",
            format!("{docker} hardcoded-port:warn"),
        ),
    ] {
        assert_eq!(rules(config, args), expected, "{config}{args}");
    }
}

#[test]
fn errors_in_groups_are_reported_with_their_location() {
    for (config, place, message) in [
        ("[rules]\nselect = [\"prots\"]\n", "2:11", "unknown rule `prots`"),
        ("[rules]\nprots = \"warn\"\n", "2:1", "did you mean `ports`?"),
        ("[rules]\nports = \"wran\"\n", "2:9", "did you mean `warn`?"),
        ("[rules]\nports = [\"x\"]\n", "2:9", "expected a level: off, hint, warn or error"),
        ("[rules]\nports = 3\n", "2:9", "expected a level: off, hint, warn or error"),
        ("[rules]\nselect = { level = \"off\" }\n", "2:10", "expected a list of rules and groups"),
        ("[rules]\nignore = [\"unreadable-file\"]\n", "2:11", "is always an error"),
        (
            "[[overrides]]\npaths = [\"x\"]\nrules = { select = [\"ports\"] }\n",
            "3:11",
            "an override can only set levels",
        ),
        (
            "[[overrides]]\npaths = [\"x\"]\nrules = { dockerfile = { allow = 1 } }\n",
            "3:26",
            "an override can only set levels",
        ),
    ] {
        let root = Repository::new(&[("flakeward.toml", config)]);
        let ran = root.run("");
        assert_eq!(ran.code, 2, "{config}");
        assert!(
            ran.err.contains(message) && ran.err.contains(&format!("[flakeward.toml:{place}]")),
            "{config}{}",
            ran.err
        );
    }
    let root =
        Repository::new(&[("flakeward.toml", "[rules]\nstyle = \"warn\"\nselect = [\"flakes\", \"containers\"]\n")]);
    let shown = root.run("config show").out;
    let level = |rule: &str| {
        let (_, rest) = shown.split_once(&format!("[rules.{rule}]\n")).unwrap();
        rest.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(level("dockerfile"), "level = \"warn\" # flakeward.toml:2");
    assert_eq!(level("hardcoded-port"), "level = \"off\" # flakeward.toml:3");
    assert_eq!(level("lookup-path"), "level = \"warn\" # default");
}

#[test]
fn mistyped_commands_get_a_suggestion() {
    let root = Repository::new(&[("a.nix", "{ }\n")]);
    for (args, hint) in [
        ("lint", "did you mean `flakeward check`?"),
        ("--fix", "`flakeward fix` applies fixes"),
        ("check --fix", "`flakeward fix` applies fixes"),
        ("--unsafe", "`flakeward fix --unsafe` applies all fixes"),
        ("--changed main", "write `--changed=main` if main is a branch or commit"),
        ("ports list", "`flakeward ports` shows the port map"),
        ("config init", "`flakeward init` writes a flakeward.toml"),
        ("--select port", "did you mean `ports`?"),
    ] {
        let ran = root.run(args);
        assert_eq!(ran.code, 2, "{args}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(&format!("help: {hint}")), "{args}: {}", ran.err);
    }
}

#[test]
fn advice_is_given_once_for_each_rule() {
    let root = Repository::new(&[
        ("a.nix", "import <nixpkgs> { }\n"),
        ("b.nix", "import <nixpkgs> { }\n"),
        ("Dockerfile", "FROM x\n"),
    ]);
    let ran = root.run("");
    assert_eq!(ran.out.matches("use a flake input").count(), 1, "{}", ran.out);
    assert_eq!(ran.out.matches("flakeward explain lookup-path").count(), 1, "{}", ran.out);
    assert_eq!(ran.out.matches("flakeward explain dockerfile").count(), 1, "{}", ran.out);
}

/// The lines that a terminal with a given width shows after a command, including those that have scrolled away.
fn captured(folder: &Path, columns: usize, command: &str) -> Vec<String> {
    // A tmux server that is shutting down may still answer the next client.
    static SERVERS: AtomicUsize = AtomicUsize::new(0);
    let socket = format!("flakeward-{}-{}", std::process::id(), SERVERS.fetch_add(1, Ordering::Relaxed));
    let tmux = |args: &[&str]| {
        let ran = Command::new("tmux").args(["-L", &socket, "-f", "/dev/null"]).args(args).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let flakeward = env!("CARGO_BIN_EXE_flakeward");
    let script = format!("LANG=C.UTF-8 TERM=screen {flakeward} {command}; tmux -L {socket} wait-for -S done; sleep 60");
    let size = columns.to_string();
    let folder = folder.to_str().unwrap();
    // The history keeps lines that scroll off the screen.
    tmux(&[
        "new-session",
        "-d",
        "-x",
        "300",
        "-y",
        "100",
        "sleep 60",
        ";",
        "set-option",
        "-g",
        "history-limit",
        "50000",
    ]);
    tmux(&["new-session", "-d", "-s", "run", "-x", &size, "-y", "50", "-c", folder, &script]);
    tmux(&["wait-for", "done"]);
    let shown = tmux(&["capture-pane", "-p", "-J", "-t", "run", "-S", "-"]);
    tmux(&["kill-server"]);
    shown.trim_end().lines().map(str::to_owned).collect()
}

/// At any width, the terminal does not need to wrap a line.
#[test]
fn reports_fit_the_terminal() {
    if !have(&["tmux"]) {
        return;
    }
    let root = many();
    let long = "x".repeat(300);
    root.write("long.nix", format!("{{ a = \"{long}\"; services.redis.port = 6379; b = \"{long}\"; }}\n"));
    for columns in [80, 120, 200] {
        for command in ["", "ports", "rules", "explain dockerfile"] {
            let lines = captured(root.path(), columns, command);
            assert!(lines.len() > 10, "{command}: {lines:#?}");
            // Lines that the terminal wrapped are captured as one. Code in pages is not wrapped.
            let text = lines.join("\n");
            let mut prose = lines.iter().filter(|line| !line.starts_with("      "));
            assert!(prose.all(|line| line.trim_end().chars().count() <= columns), "{columns} {command}\n{text}");
        }
    }
}

/// Editors and terminals can open a path only if it is not broken across lines.
#[test]
fn the_port_map_does_not_wrap_paths() {
    if !have(&["tmux"]) {
        return;
    }
    let module = "modules/nixos/services/grafana-oncall/default-configuration.nix";
    let import = "let ports = import ../../../../lib/ports.nix; in {\n";
    let text = format!(
        "{import}  a.port = ports.monitoring.oncall;\n  b.port = ports.monitoring.oncall;\n  c.port = 8080;\n}}\n"
    );
    let root = Repository::new(&[("lib/ports.nix", "{\n  monitoring.oncall = 8080;\n}\n"), (module, &text)]);
    let lines = captured(root.path(), 80, "ports");
    let shown: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let place = |line: u32| format!("{module}:{line}");
    assert_eq!(shown[1..4], ["8080  monitoring.oncall", &place(2), &place(3)], "{lines:#?}");
    assert!(shown[4..].concat().contains(&format!("hardcoded in{}", place(4))), "{lines:#?}");
    let wide = captured(root.path(), 250, "ports");
    assert!(wide[1].contains(&format!("oncall  {}, {}; hardcoded in {}", place(2), place(3), place(4))), "{wide:#?}");
}

/// Suppressions elsewhere do not count if paths are given.
#[test]
fn the_summary_counts_the_suppressions_of_the_given_paths() {
    let allowed = "# flakeward: allow-file(lookup-path) why\n[ <a> <b> ]\n";
    let root = Repository::new(&[("a.nix", allowed), ("b.nix", "<b>\n"), ("lib/c.nix", "<c>\n")]);
    root.run("baseline lib");
    for (paths, expected) in [("", " (3 suppressed)"), ("a.nix", " (2 suppressed)"), ("lib", " (1 suppressed)")] {
        let ran = root.run(paths);
        assert!(ran.out.trim_end().ends_with(expected), "{paths}: {}", ran.out);
    }
    assert!(!root.run("b.nix").out.contains("suppressed"));
    let json: serde_json::Value = serde_json::from_str(&root.run("b.nix -f json").out).unwrap();
    assert_eq!(json["summary"]["suppressed"], 0);
}

#[test]
fn ports_init_is_suggested_only_if_it_would_write_something() {
    let root = Repository::new(&[("flake.nix", "{ outputs = _: { }; }\n")]);
    let commands = ["ports", "ports --format env", "ports next web", "ports rename a b", "ports check web"];
    for command in commands {
        let ran = root.run(command);
        let said = ran.out + &ran.err;
        assert!(!said.contains("ports init") && said.contains("no port here needs a name yet"), "{command}: {said}");
    }
    // A configured registry that does not exist is an error, and the advice is not to run `ports init`.
    root.write("flakeward.toml", "[ports]\nregistry = \"nosuch.nix\"\n");
    for command in ["ports", "ports init", "ports next"] {
        let ran = root.run(command);
        assert_eq!(ran.code, 2, "{command}: {}", ran.out);
        assert!(ran.err.contains("correct `registry` in flakeward.toml, or remove it"), "{command}: {}", ran.err);
        assert!(!(ran.out + &ran.err).contains("ports init"), "{command}");
    }
    root.write("flakeward.toml", "");
    root.write("a.nix", "{ services.x.port = 8080; }\n");
    for command in commands {
        let ran = root.run(command);
        let said = ran.out + &ran.err;
        assert!(said.contains("`flakeward ports init` writes lib/ports.nix"), "{command}: {said}");
    }
    assert!(root.run("ports init").out.starts_with("wrote lib/ports.nix: 1 entry"));
}

#[test]
fn ports_check_takes_several_numbers_and_names() {
    let registry = "{\n  lightning.lnd = 9735;\n  lightning.rest = 8081;\n  web.port = 8080;\n}\n";
    let root = Repository::new(&[("lib/ports.nix", registry), ("sub/a.nix", "{ services.x.port = 9735; }\n")]);
    let lnd = "9735 is lightning.lnd (lib/ports.nix:2)\n  sub/a.nix:1\n";
    let rest = "8081 is lightning.rest (lib/ports.nix:3)\n";
    for (args, code, expected) in [
        ("9735", 1, lnd.to_owned()),
        ("lightning.lnd", 1, lnd.to_owned()),
        ("lnd", 1, lnd.to_owned()),
        ("lightning", 1, format!("{lnd}{rest}")),
        ("9735 8081 lnd", 1, format!("{lnd}{rest}")),
        ("9000 rest sub", 1, format!("9000 is free\n  well known as the port of clickhouse\n{rest}")),
        ("21000 21001", 0, "21000 is free\n21001 is free\n".to_owned()),
    ] {
        let ran = root.run(&format!("ports check {args}"));
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{args}");
        assert_eq!(
            ran.out.lines().filter(|line| !line.contains("well known")).collect::<Vec<_>>(),
            expected.lines().filter(|line| !line.contains("well known")).collect::<Vec<_>>(),
            "{args}"
        );
    }
    for (args, help) in [
        ("ports check lnt", "`lnt` is neither a port number nor an entry of the port registry"),
        ("ports check lightning.lnt", "did you mean `flakeward ports check lightning.lnd`?"),
        ("ports check 70000", "ports are numbers from 1 to 65535"),
        ("ports check 8080 0", "`0` is not a port number"),
        ("ports chek 8080 8081", "did you mean `flakeward ports check 8080 8081`?"),
        ("ports chek", "did you mean `flakeward ports check`?"),
        ("ports 8080", "did you mean `flakeward ports check 8080`?"),
        ("ports nxt web", "did you mean `flakeward ports next web`?"),
        ("ports list", "`flakeward ports` shows the port map"),
    ] {
        let ran = root.run(args);
        assert!(ran.code == 2 && ran.err.contains(help), "{args}: {}", ran.err);
    }
    let group = root.run("explain ports");
    assert_eq!(group.code, 0, "{}", group.err);
    assert!(group.out.starts_with("ports, a group of rules: port numbers"), "{}", group.out);
    assert!(group.out.contains("\nport-conflict ") && !group.out.contains("\ndockerfile "), "{}", group.out);
}

/// The suggested setting reserves all numbers, because a machine can have only one value for it.
#[test]
fn ephemeral_ports_are_reserved_by_one_setting() {
    let root =
        Repository::new(&[("lib/ports.nix", "{ vpn.wireguard = 51820; chat.voice = 40000; db.main = 5432; }\n")]);
    let helps = |root: &Repository| {
        let json: serde_json::Value = serde_json::from_str(&root.run("--select ephemeral-port -f json").out).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["help"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let setting = "toString [ ports.chat.voice ports.vpn.wireguard ];` reserves all of them";
    let found = helps(&root);
    assert!(found.len() == 2 && found.iter().all(|help| help.ends_with(setting)), "{found:?}");
    root.write("a.nix", "{ boot.kernel.sysctl.\"net.ipv4.ip_local_reserved_ports\" = \"51820\"; }\n");
    let found = helps(&root);
    assert!(found.len() == 1 && found[0].contains("add it to `boot.kernel.sysctl"), "{found:?}");
}

/// A use of a number with several entries is listed under the entry it refers to, or once if that is unknown.
#[test]
fn uses_of_a_shared_number_are_listed_once() {
    let allow = "# flakeward: allow(port-conflict) other machines";
    let registry = format!(
        "{{\n  dns.main = {{ port = 53; protocol = \"udp\"; host = \"alpha\"; }};\n  dns.zones = {{ port = 53; protocol = \
         \"tcp\"; host = \"beta\"; }};\n  web.shop = 8080;\n  {allow}\n  web.blog = 8080;\n}}\n"
    );
    let uses = "{\n  networking.firewall.allowedUDPPorts = [ 53 ];\n  x.url = \"http://beta:53\";\n  services.blog.port = \
                8080;\n  y.port = 8080;\n}\n";
    let root = Repository::new(&[("lib/ports.nix", registry.as_str()), ("a.nix", uses)]);
    let out = root.run("ports").out;
    let expected = "     53  dns.main.port   hardcoded in a.nix:2
     53  dns.zones.port  hardcoded in a.nix:3
   8080  web.shop
   8080  web.blog        hardcoded in a.nix:4

1 number of several entries, in places that may refer to any of them
   8080  web.shop or web.blog
         hardcoded in a.nix:5
";
    assert!(out.ends_with(expected), "{out}");
    let json: serde_json::Value = serde_json::from_str(&root.run("ports -f json").out).unwrap();
    let shared = &json["shared"][0];
    assert_eq!((&shared["number"], &shared["uses"][0]["start"]["line"]), (&8080.into(), &5.into()));
    assert!(
        root.run("ports check 8080")
            .out
            .ends_with("a.nix:4\n8080 is in use, in places that may refer to any of its entries\n  a.nix:5 (y.port)\n")
    );
    assert!(root.run("ports -f markdown").out.contains("| 8080 | `web.shop`, `web.blog` | `a.nix:5` |"));
}

/// A flake sees only files that Git tracks, so its evaluation fails if it imports an untracked file.
#[test]
fn commands_advise_adding_an_untracked_registry_to_git() {
    let add = "\n  git add lib/ports.nix";
    let files = [("flake.nix", "{ outputs = _: { }; }\n"), ("lib-x/a.nix", "{ services.x.port = 8080; }\n")];
    let root = Repository::new(&files);
    std::fs::remove_dir(root.path().join(".git")).unwrap();
    // Outside a Git repository, a flake sees all files.
    let said = root.run("ports init").out;
    assert!(said.starts_with("wrote") && !said.contains("git add"), "{said}");
    std::fs::remove_file(root.path().join("lib/ports.nix")).unwrap();
    root.git(&["init", "-q"]);
    root.git(&["add", "."]);
    assert!(root.run("ports init").out.contains(add));
    assert!(!root.run("fix --diff").err.contains("git add"));
    let ran = root.run("fix --ignore missing-flake-check");
    assert!(ran.err.contains(&format!("Next steps:{add}  flakes see tracked files only\n")), "{}", ran.err);
    // Another run still gives the advice.
    assert!(root.run("fix").err.contains(add));
    root.git(&["add", "lib/ports.nix"]);
    assert!(!root.run("fix").err.contains("git add"));
    // Another repository may import files that are not tracked.
    root.git(&["rm", "-q", "--cached", "lib/ports.nix", "flake.nix"]);
    std::fs::remove_file(root.path().join("flake.nix")).unwrap();
    assert!(!root.run("fix").err.contains("git add"));
}

#[test]
fn commands_say_that_there_is_nothing_to_do() {
    let root = Repository::new(&[("main.py", "print(1)\n")]);
    for (command, expected) in [
        ("", "no input file matches any rule"),
        ("fix", "nothing to fix; no input file matches any rule"),
        ("fix --diff", "nothing to fix; no input file matches any rule"),
        ("ports", "no port registry found: no port here needs a name yet"),
        ("ports init", "no port here needs a name: nothing written"),
        ("accepted", "no acceptances"),
        ("baseline", "no findings to accept; no baseline was written"),
        ("migrate", "no flake.nix, Compose file, Dockerfile or CI configuration to migrate; nothing to write"),
    ] {
        let ran = root.run(command);
        let said = ran.out + &ran.err;
        assert!(ran.code == 0 && said.contains(expected), "{command}: {said}");
    }
}
