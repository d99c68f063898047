//! One configuration for a whole run, the registry that it names, the baseline, and the paths in reports.

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use support::repository::Repository;

const CHANNEL: &str = "import <nixpkgs> { }\n";

#[test]
fn the_configuration_of_the_root_applies_to_any_requested_path() {
    let root = Repository::new(&[
        ("flakeward.toml", "[rules.lookup-path]\nlevel = \"error\"\n"),
        (".flakeward.toml", ""),
        ("sub/flakeward.toml", "[rules.lookup-path]\nlevel = \"off\"\n"),
        ("sub/y.nix", CHANNEL),
    ]);
    let ignored = "sub/flakeward.toml:1:1: warn[unused-suppression]: this configuration file is ignored: only the one in the root of the repository is used\n";
    let found = "sub/y.nix:1:8: error[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from machine to machine\n";
    let twin = ".flakeward.toml:1:1: warn[unused-suppression]: this configuration file is ignored, because flakeward.toml is used\n";
    for (args, expected) in [
        ("-f concise", format!("{twin}{ignored}{found}")),
        ("-f concise sub", format!("{ignored}{found}")),
        ("-f concise sub/y.nix", found.to_owned()),
    ] {
        let ran = root.run(args);
        assert_eq!((ran.code, ran.out), (1, expected), "{args}");
    }
    let ran = root.run_in("sub", "-f concise y.nix", "");
    assert_eq!((ran.code, ran.out), (1, found.replace("sub/", "")));
    // If the command line selects the configuration, there is no hint about another one.
    for args in ["-f concise --isolated", "-f concise --config sub/flakeward.toml"] {
        assert!(!root.run(args).out.contains("is ignored"), "{args}");
    }
}

#[test]
fn the_port_rules_do_not_run_with_an_unreadable_registry() {
    let files = [
        ("flakeward.toml", "[ports]\nregistry = \"lib/port.nix\"\n"),
        ("lib/ports.nix", "{ redis = 6379; cache = 6379; }\n"),
        ("a.nix", "let ports = import ./lib/ports.nix; in { x.port = ports.gone; y.port = 6379; }\n"),
    ];
    let root = Repository::new(&files);
    let missing = "flakeward.toml:2:12: error[unreadable-file]: the port registry lib/port.nix does not exist, so the port rules did not run\n";
    // Neither paths, nor a baseline, nor a selection of rules hides the error.
    root.run("baseline");
    for args in ["", "a.nix", "--select port-conflict", "--level hardcoded-port=warn"] {
        let ran = root.run(&format!("-f concise {args}"));
        assert_eq!((ran.code, ran.out.as_str()), (1, missing), "{args}");
    }
    // Rules that do not need the registry are not affected.
    assert_eq!(root.run("--select lookup-path").code, 0);
    let ran = root.run("ports next");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("lib/port.nix does not exist"), "{}", ran.err);
    assert_eq!(root.run("baseline").code, 2);

    root.write("lib/port.nix", "{ redis = 6379; cache = 6379;\n");
    let ran = root.run("-f concise a.nix");
    let broken = "lib/port.nix:1:30: error[unreadable-file]: this port registry has syntax errors, so the port rules did not run\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, broken));
    assert_eq!(root.run("ports check 6379").code, 2);

    root.write("lib/port.nix", "{ redis = 6379; cache = 6379; }\n");
    let ran = root.run("-f concise");
    assert!(ran.out.contains("error[port-conflict]") && !ran.out.contains("did not run"), "{}", ran.out);
}

/// Without the entries, no port rule would report anything.
#[test]
fn a_configured_registry_that_cannot_be_evaluated_is_an_error() {
    let files = [
        ("flakeward.toml", "[ports]\nregistry = \"lib/ports.nix\"\n"),
        ("lib/more.nix", "{ more = 1; }\n"),
        ("a.nix", "let ports = import ./lib/ports.nix; in { x.port = ports.gone; }\n"),
    ];
    for (registry, reason) in [
        ("", "is not a set of names and numbers, so the port rules did not run"),
        ("6379\n", "is not a set of names and numbers, so the port rules did not run"),
        ("[ 1 2 ]\n", "is not a set of names and numbers, so the port rules did not run"),
        ("a: b: c: d: e: 1\n", "is not a set of names and numbers, so the port rules did not run"),
        ("x: y: 1\n", "is not a set of names and numbers, so the port rules did not run"),
        ("import ./more.nix\n", "cannot be evaluated ("),
        ("{ web = 8080; db = 8080; } // (import ./more.nix)\n", "cannot be evaluated ("),
    ] {
        let root = Repository::new(&files);
        root.write("lib/ports.nix", registry);
        for args in ["", "a.nix", "--select port-conflict"] {
            let ran = root.run(&format!("-f concise {args}"));
            let is_reported = ran.out.starts_with("lib/ports.nix:1:") && ran.out.contains(reason);
            assert!(ran.code == 1 && is_reported && ran.out.lines().count() == 1, "{registry}: {}{}", ran.out, ran.err);
        }
        assert_eq!(root.run("-f concise --select lookup-path").code, 0, "{registry}");
        for command in ["ports check 7777", "ports next", "ports --format env"] {
            assert_eq!(root.run(command).code, 2, "{registry}: {command}");
        }
    }
    let root = Repository::new(&files);
    root.write("lib/ports.nix", "{ }\n");
    assert!(root.run("-f concise").out.contains("unknown-port"));
    root.write("flakeward.toml", "[ports]\nregistry = \"ports.yaml\"\n");
    root.write("ports.yaml", "a: 1\n");
    let out = root.run("-f concise").out;
    assert!(
        out.starts_with("flakeward.toml:2:12: error[unreadable-file]") && out.contains("is not a Nix file"),
        "{out}"
    );
    // A file that has the default name of a registry, but is not configured as one, may contain anything.
    let root = Repository::new(&[("lib/ports.nix", "import ./more.nix\n"), ("lib/more.nix", "{ more = 1; }\n")]);
    assert_eq!(root.run("").code, 0);
}

/// The known entries of a registry are checked, and unknown ones are mentioned.
#[test]
fn the_known_entries_of_a_configured_registry_are_checked() {
    let root = Repository::new(&[
        ("flakeward.toml", "[ports]\nregistry = \"lib/ports.nix\"\n"),
        ("lib/more.nix", "{ more = 1; }\n"),
        ("lib/ports.nix", "(import ./more.nix) // { web = 8080; db = 8080; big = 99999; }\n"),
        ("a.nix", "let ports = import ./lib/ports.nix; in { x.port = ports.more; y = ports.web + ports.db; }\n"),
    ]);
    let ran = root.run("-f concise");
    for expected in ["error[port-conflict]", "error[invalid-port]"] {
        assert!(ran.code == 1 && ran.out.contains(expected), "{}", ran.out);
    }
    assert!(ran.err.contains("note: lib/ports.nix: only a part of this port registry can be evaluated"), "{}", ran.err);
    assert!(!ran.out.contains("unknown-port"), "{}", ran.out);
    root.write("lib/ports.nix", "{ web = 8080; db = builtins.readFile ./db; more = 1; }\n");
    let ran = root.run("-f concise --fail-on warn");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    let note = "`db` cannot be evaluated without running Nix, so conflicts with unknown entries are not detected";
    assert!(ran.err.contains(note), "{}", ran.err);
    assert_eq!(root.run("--select dockerfile").err, "");
}

#[test]
fn a_registry_that_is_not_a_checked_file_is_reported() {
    for (config, reason) in [
        ("[ports]\nregistry = \"../ports.nix\"\n", "is outside the repository"),
        ("exclude = [\"lib\"]\n[ports]\nregistry = \"lib/ports.nix\"\n", "matches `exclude`"),
        ("[ports]\nregistry = [\"web.nix\", \"gone.nix\"]\n", "gone.nix does not exist"),
    ] {
        let root = Repository::new(&[
            ("flakeward.toml", config),
            ("lib/ports.nix", "{ a = 1; }\n"),
            ("web.nix", "{ b = 8080; }\n"),
        ]);
        let ran = root.run("-f concise");
        assert_eq!(ran.code, 1, "{config}");
        assert!(ran.out.contains(reason) && ran.out.contains("error[unreadable-file]"), "{config}{}", ran.out);
    }
}

/// The ports in the repository are known, but it is unknown which of them are registered.
#[test]
fn the_port_rules_do_not_run_if_a_registry_found_by_name_has_syntax_errors() {
    let root =
        Repository::new(&[("lib/ports.nix", "{ redis = 6379;\n"), ("a.nix", "{ services.redis.port = 6379; }\n")]);
    let ran = root.run("-f concise");
    assert!(ran.out.contains("lib/ports.nix:1:16: error[unreadable-file]"), "{}", ran.out);
    assert!(!ran.out.contains("hardcoded-port"), "{}", ran.out);
    // If another registry has no errors, a file with such a name that contains no ports is not taken for a registry.
    root.write("lib/ports.nix", "{ config, ... }: { imports = [ ./a.nix ];\n");
    root.write("nix/ports.nix", "{ redis = 6379; web = 80; }\n");
    let ran = root.run("-f concise");
    assert!(!ran.out.contains("unreadable-file") && ran.out.contains("hardcoded-port"), "{}", ran.out);
}

/// A registry whose evaluation exceeds the limits prevents the port rules from running only if its entries are unknown.
#[test]
fn the_port_rules_do_not_run_if_limits_leave_registry_entries_unknown() {
    let used = ("a.nix", "let ports = import ./lib/ports.nix; in { services.x.port = 9999; y.port = ports.gone; }\n");
    let endless = "let f = n: f (n + 1); in ";
    let said = |registry: &str, other: Option<&str>| {
        let root = Repository::new(&[("lib/ports.nix", registry), used]);
        if let Some(other) = other {
            root.write("pkgs/z/ports.nix", other);
        }
        root.run("-f concise").out
    };
    let ports = "{ web = 8080; api = 8081; db = 5432; }\n";
    // The limits are exceeded in another file with the name of a registry.
    let out = said(ports, Some(&format!("{endless}{{ names = f 0; }}\n")));
    assert!(out.contains("hardcoded-port") && !out.contains("did not run"), "{out}");
    // The value of one entry requires too deep a recursion; the others are known.
    let deep = "let sum = n: if n == 0 then 0 else n + sum (n - 1); in\n{ web = 8080; api = 8081; total = sum 300; }\n";
    let out = said(deep, None);
    assert!(out.contains("hardcoded-port") && out.contains("unknown-port") && !out.contains("did not run"), "{out}");
    // The entries themselves are unknown: all of them, or those that would be evaluated after the step limit.
    let work = "let list = builtins.genList (n: n) 2000; sum = builtins.foldl'; in\n\
                { web = 8080; all = sum (a: b: sum (c: d: c) a list) 0 list; }\n";
    for (registry, other) in
        [(format!("{endless}f 0\n"), None), (work.to_owned(), None), (format!("{endless}f 0\n"), Some(ports))]
    {
        let out = said(&registry, other);
        let reported = out.matches("exceeded its limits, so the port rules did not run").count();
        assert!(reported == 1 && !out.contains("hardcoded-port"), "{registry}: {out}");
    }
}

#[test]
fn a_baseline_for_some_rules_or_paths_keeps_the_other_entries() {
    let root = Repository::new(&[("a.nix", "[ <a> <b> ]\n"), ("b.nix", "{ services.x.port = 8080; y = <c>; }\n")]);
    let rows = || {
        let text = root.read(".flakeward/baseline.json");
        let rules = text.lines().filter_map(|line| line.split('"').nth(3).filter(|_| line.contains("path")));
        rules.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(root.run("baseline").code, 0);
    assert_eq!(rows(), ["lookup-path", "lookup-path", "hardcoded-port", "lookup-path"]);
    let ran = root.run("baseline --select hardcoded-port");
    assert!(
        ran.err.contains(
            "1 finding written to .flakeward/baseline.json (0 added, 0 removed, 3 for other rules or paths kept)"
        ),
        "{}",
        ran.err
    );
    assert_eq!(rows().len(), 4);
    root.write("a.nix", "[ <a> <new> ]\n");
    let ran = root.run("baseline a.nix");
    assert!(ran.err.contains("(2 added, 2 removed, 2 for other rules or paths kept)"), "{}", ran.err);
    assert_eq!(root.run("-f concise --fail-on hint").out, "");
    root.write("b.nix", "{ }\n");
    let ran = root.run("baseline --ignore lookup-path");
    assert!(
        ran.err.contains("0 findings written to .flakeward/baseline.json (0 added, 1 removed, 3 for"),
        "{}",
        ran.err
    );
    let ran = root.run("baseline");
    assert!(ran.err.contains("(0 added, 1 removed);"), "{}", ran.err);
    assert_eq!(rows(), ["lookup-path", "lookup-path"]);
}

#[test]
fn reports_for_other_programs_have_paths_relative_to_the_root() {
    let root = Repository::new(&[("modules/a.nix", CHANNEL)]);
    for format in ["github", "junit", "markdown", "sarif", "gitlab"] {
        let ran = root.run_in("modules", &format!("-f {format} ."), "");
        assert!(ran.out.contains("modules/a.nix"), "{format}: {}", ran.out);
        assert!(!ran.out.contains("../modules") && !ran.out.contains("\"a.nix"), "{format}: {}", ran.out);
    }
    // Human-readable output has paths relative to the working directory.
    assert!(root.run_in("modules", "-f concise", "").out.starts_with("a.nix:1:8:"));
}

#[test]
fn markdown_is_short_enough_for_a_comment() {
    let line = "  (import <nixpkgs> { overlays = [ (import <home-manager>) ]; })\n";
    let root = Repository::new(&[("a.nix", &format!("[\n{}]\n", line.repeat(1_000)))]);
    let ran = root.run("-f markdown");
    assert!(ran.out.encode_utf16().count() < 65_536, "{}", ran.out.len());
    let rows = ran.out.lines().filter(|line| line.starts_with("| warn")).count();
    let more = ran.out.lines().find_map(|line| line.strip_suffix(" more are not shown here.")).unwrap();
    assert_eq!(rows + more.parse::<usize>().unwrap(), 2_000);
    assert!(ran.out.starts_with("<!-- flakeward -->\n"));
}

#[test]
fn contradictory_options_are_rejected() {
    let root = Repository::new(&[("a.nix", CHANNEL)]);
    let ran = root.run("-f json -o out -f sarif -o ./out");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("two reports cannot be written to ./out"), "{}", ran.err);
    assert!(!root.path().join("out").exists());
    let ran = root.run("--select lookup-path --ignore lookup-path");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--ignore excludes every rule that --select names"), "{}", ran.err);
}

#[test]
fn a_rule_that_is_off_by_default_runs_when_it_is_selected_by_name() {
    let root = Repository::new(&[
        ("x.nix", "{ networking.firewall.enable = false; }\n"),
        ("flakeward.toml", "[rules]\nlookup-path = \"off\"\n"),
        ("y.nix", CHANNEL),
    ]);
    for (args, expected) in [
        ("check -f concise", ""),
        ("check -f concise --select general", ""),
        (
            "check -f concise --select disabled-firewall",
            "x.nix:1:3: warn[disabled-firewall]: the firewall of this host is disabled: every service that listens on all interfaces is reachable\n",
        ),
        (
            "check -f concise --select lookup-path",
            "y.nix:1:8: warn[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from machine to machine\n",
        ),
    ] {
        let ran = root.run(args);
        assert_eq!((ran.code, &*ran.out), (0, expected), "{args}: {}", ran.err);
    }
}
