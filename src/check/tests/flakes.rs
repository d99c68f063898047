//! Inputs and lock files in every form that Nix supports.

use crate::check::testing::{found, report_at};

/// A flake whose input `x` has an address, and a lock file in which that input has a nixpkgs of the given kind.
fn flake(url: &str, original: &str) -> [(&'static str, String); 2] {
    let flake = format!(
        "{{ inputs = {{ nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\"; x.url = \"{url}\"; }}; outputs = _: {{ }}; }}"
    );
    let lock = format!(
        r#"{{ "nodes": {{
          "nixpkgs": {{ "original": {original} }},
          "nixpkgs_2": {{ "original": {{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-26.05" }} }},
          "x": {{ "inputs": {{ "nixpkgs": "nixpkgs" }}, "original": {{ "type": "path", "path": "./x" }} }},
          "root": {{ "inputs": {{ "nixpkgs": "nixpkgs_2", "x": "x" }} }} }},
          "root": "root", "version": 7 }}"#
    );
    [("flake.nix", flake), ("flake.lock", lock)]
}

fn missing(url: &str, original: &str) -> bool {
    let files = flake(url, original);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = found("missing-follows", &files);
    assert!(found.is_empty() || found == [format!("\"{url}\"")], "{found:?}");
    !found.is_empty()
}

const GITHUB: &str = r#"{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable" }"#;

#[test]
fn a_nixpkgs_of_every_type_is_recognised_in_an_input() {
    for (original, expected) in [
        (GITHUB, true),
        (r#"{ "type": "github", "owner": "nixos", "repo": "nixpkgs" }"#, true),
        (r#"{ "type": "git", "url": "https://github.com/NixOS/nixpkgs", "ref": "nixos-25.05" }"#, true),
        (r#"{ "type": "tarball", "url": "https://channels.nixos.org/nixos-unstable/nixexprs.tar.xz" }"#, true),
        (r#"{ "type": "tarball", "url": "https://github.com/NixOS/nixpkgs/archive/master.tar.gz" }"#, true),
        (r#"{ "type": "tarball", "url": "https://flakehub.com/f/NixOS/nixpkgs/0.1.%2A" }"#, true),
        (r#"{ "type": "indirect", "id": "nixpkgs" }"#, true),
        (r#"{ "type": "indirect", "id": "nixpkgs", "ref": "nixos-unstable" }"#, true),
        // Pinned to a commit on purpose, from another project, or only a part of nixpkgs.
        (
            r#"{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5ed481943351e9fd354aeb557679624224de38d5" }"#,
            false,
        ),
        (r#"{ "type": "github", "owner": "cachix", "repo": "devenv-nixpkgs", "ref": "rolling" }"#, false),
        (r#"{ "type": "github", "owner": "nix-community", "repo": "nixpkgs.lib" }"#, false),
        (r#"{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable", "dir": "lib" }"#, false),
        (r#"{ "type": "gitlab", "owner": "a", "repo": "b" }"#, false),
        (r#"{ "type": "path", "path": "./nixpkgs" }"#, false),
        (r#"{ "type": "file", "url": "https://example.org/nixpkgs.json" }"#, false),
        (r#"{ "id": 3 }"#, false),
        ("null", false),
    ] {
        assert_eq!(missing("github:a/x", original), expected, "{original}");
    }
}

#[test]
fn an_input_of_every_type_may_bring_a_nixpkgs() {
    for url in [
        "github:a/x",
        "gitlab:a/x",
        "sourcehut:~a/x",
        "git+https://example.org/x",
        "git+ssh://git@example.org/x.git?ref=main",
        "https://example.org/x.tar.gz",
        "https://flakehub.com/f/a/x/*",
        "path:./x",
        "./x",
        "x",
        "flake:x",
    ] {
        assert!(missing(url, GITHUB), "{url}");
    }
}

#[test]
fn unlocked_inputs_of_every_type_are_reported() {
    let unlocked = |inputs: &str| {
        let text = format!("{{ inputs = {{ {inputs} }}; outputs = _: {{ }}; }}");
        !found("unlocked-input", &[("flake.nix", &text)]).is_empty()
    };
    for (inputs, expected) in [
        ("x.url = \"github:a/x\";", true),
        ("x.url = \"git+https://example.org/x\";", true),
        ("x.url = \"https://example.org/x.tar.gz\";", true),
        ("x.url = \"https://flakehub.com/f/a/x/*\";", true),
        ("x.url = \"nixpkgs\";", true),
        ("x = { type = \"indirect\"; id = \"nixpkgs\"; };", true),
        ("x.url = \"path:./x\";", false),
        ("x.url = \"./x\";", false),
        ("x = { type = \"path\"; path = \"./x\"; };", false),
        ("x.url = \"github:%owner%/%repo%\";", false),
    ] {
        assert_eq!(unlocked(inputs), expected, "{inputs}");
    }
}

#[test]
fn cycles_and_missing_nodes_are_reported_once() {
    let flake = "{ inputs = { nixpkgs.follows = \"x/nixpkgs\"; x.url = \"github:a/x\"; y.url = \"github:a/y\"; }; outputs = _: { }; }";
    for (inputs, expected) in [
        (r#""nixpkgs": ["x", "nixpkgs"], "x": "x", "y": "y""#, &["\"nixpkgs\""][..]),
        (r#""nixpkgs": ["nixpkgs"], "x": "x", "y": "y""#, &["\"nixpkgs\""]),
        (r#""nixpkgs": [], "x": "nobody", "y": []"#, &["\"x\""]),
        (r#""nixpkgs": ["x", "no", "body"], "x": "x", "y": "root""#, &["\"nixpkgs\""]),
        (r#""nixpkgs": [], "x": "x", "y": []"#, &[]),
    ] {
        let lock = format!(
            r#"{{ "nodes": {{ "x": {{ "inputs": {{ "nixpkgs": ["nixpkgs"], "y": [] }} }},
              "y": {{ "inputs": {{ "nixpkgs": "gone", "self": [], "x": ["y", "x"] }} }},
              "root": {{ "inputs": {{ {inputs} }} }} }}, "root": "root", "version": 7 }}"#
        );
        let files = [("flake.nix", flake), ("flake.lock", lock.as_str())];
        assert_eq!(found("missing-follows", &files), [""; 0], "{inputs}");
        assert_eq!(found("unlocked-input", &files), expected, "{inputs}");
    }
}

#[test]
fn a_nixpkgs_that_an_input_takes_from_its_own_input_is_only_noted() {
    let flake = "{ inputs = { nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\"; tool.url = \"github:a/tool\"; SETS }; outputs = _: { }; }";
    let lock = format!(
        r#"{{ "nodes": {{
          "nixpkgs": {{ "original": {{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-26.05" }} }},
          "nixpkgs_2": {{ "original": {GITHUB} }},
          "base": {{ "inputs": {{ "nixpkgs": "nixpkgs_2" }}, "original": {{ "type": "path", "path": "./x" }} }},
          "tool": {{ "inputs": {{ "base": "base", "nixpkgs": ["tool", "base", "nixpkgs"] }},
                     "original": {{ "type": "github", "owner": "a", "repo": "tool" }} }},
          "root": {{ "inputs": {{ "nixpkgs": "nixpkgs", "tool": "tool" }} }} }},
          "root": "root", "version": 7 }}"#
    );
    for (sets, count) in [("", 1), ("tool.inputs.nixpkgs.follows = \"nixpkgs\";", 0)] {
        let flake = flake.replace("SETS", sets);
        let report = report_at(&[("flake.nix", &flake), ("flake.lock", &lock)], jiff::civil::date(2026, 8, 19));
        assert!(report.findings.iter().all(|finding| finding.rule != "missing-follows"), "{sets}");
        let note =
            "the input `tool` uses the nixpkgs of its input `base`; whether `nixpkgs` can replace it is not known";
        assert_eq!(report.notes.iter().filter(|found| found.message == note).count(), count, "{sets}");
    }
}

const GENERATED: &str = "# DO-NOT-EDIT. This file was auto-generated using github:vic/flake-file.
  { inputs = { nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\"; x.url = \"github:acme/x\"; }; outputs = _: { }; }";

#[test]
fn an_input_that_several_modules_declare_is_reported_once() {
    let module = "{ flake-file.inputs.x.url = \"github:acme/x\"; }";
    let [_, (_, lock)] = flake("", GITHUB);
    let files = [("flake.nix", GENERATED), ("flake.lock", &lock), ("modules/a.nix", module), ("modules/b.nix", module)];
    let report = report_at(&files, jiff::civil::date(2026, 8, 19));
    let findings = report.findings.iter().filter(|finding| finding.rule == "missing-follows");
    assert_eq!(findings.map(|finding| &*finding.path).collect::<Vec<_>>(), ["modules/a.nix"]);
    // Another module overrides it, and flake.nix has not been regenerated yet.
    let follows = "{ flake-file.inputs.x.inputs.nixpkgs.follows = \"nixpkgs\"; }";
    let files =
        [("flake.nix", GENERATED), ("flake.lock", &lock), ("modules/a.nix", module), ("modules/b.nix", follows)];
    let report = report_at(&files, jiff::civil::date(2026, 8, 19));
    assert!(!report.findings.iter().any(|finding| finding.rule == "missing-follows"));
}

/// These findings are not about the text of flake.nix, which a program writes.
#[test]
fn ci_and_the_lock_of_a_generated_flake_are_checked() {
    let workflow = "jobs:\n  a:\n    steps:\n      - run: nix build .#x\n";
    let files = [("flake.nix", GENERATED), (".github/workflows/a.yml", workflow), ("a.nix", "import <nixpkgs> { }")];
    let report = report_at(&files, jiff::civil::date(2026, 8, 19));
    let at_flake = report.findings.iter().filter(|finding| &*finding.path == "flake.nix");
    assert_eq!(at_flake.map(|finding| finding.rule).collect::<Vec<_>>(), ["unlocked-input", "missing-flake-check"]);
}

/// A flake with nixpkgs 26.05 whose input `x` follows it, and has another nixpkgs called `stable`.
fn with_second(reference: &str, others: &str) -> Vec<(String, Vec<String>)> {
    let flake = format!(
        "{{ inputs = {{ nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\"; {others} x.url = \"github:acme/x\"; \
         x.inputs.nixpkgs.follows = \"nixpkgs\"; }}; outputs = _: {{ }}; }}"
    );
    let lock = format!(
        r#"{{ "nodes": {{
          "nixpkgs": {{ "original": {{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-26.05" }} }},
          "stable": {{ "original": {{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "{reference}" }} }},
          "x": {{ "inputs": {{ "nixpkgs": ["nixpkgs"], "stable": "stable" }}, "original": {{ "type": "path", "path": "./x" }} }},
          "root": {{ "inputs": {{ "nixpkgs": "nixpkgs", "x": "x" }} }} }},
          "root": "root", "version": 7 }}"#
    );
    let report = report_at(&[("flake.nix", &flake), ("flake.lock", &lock)], jiff::civil::date(2026, 8, 19));
    let findings = report.findings.iter().filter(|finding| finding.rule == "missing-follows");
    let titles = |finding: &crate::finding::Finding| finding.fix.iter().map(|fix| fix.title.clone()).collect();
    findings.map(|finding| (finding.message.clone(), titles(finding))).collect()
}

#[test]
fn a_second_nixpkgs_keeps_its_own_release() {
    assert_eq!(with_second("nixos-25.11", ""), []);
    let [(message, titles)] = &with_second("nixos-26.05", "")[..] else { panic!("no finding") };
    assert_eq!(message, "the input `x` brings its own `stable`: github:NixOS/nixpkgs/nixos-26.05");
    assert_eq!(titles, &["make `stable` of `x` follow `nixpkgs`"]);
}

#[test]
fn the_advice_for_a_lookup_names_the_program_that_pins_other_sources() {
    let help = |files: &[(&str, &str)]| {
        let report =
            report_at(&[files, &[("shell.nix", "import <nixpkgs> { }")]].concat(), jiff::civil::date(2026, 8, 19));
        report.findings.iter().find(|finding| finding.rule == "lookup-path").unwrap().help.clone().unwrap()
    };
    let pins = ("npins/sources.json", r#"{ "pins": { }, "version": 5 }"#);
    assert_eq!(help(&[pins]), "import a source that npins pins");
    assert_eq!(help(&[("flake.nix", "{ outputs = _: { }; }"), pins]), "use a flake input, which flake.lock pins");
    assert_eq!(help(&[]), "use a flake input, which flake.lock pins");
}
