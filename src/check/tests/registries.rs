//! Registries that the configuration or a script names.

use crate::config::Config;
use crate::{Repo, Settings, check};

fn messages(config: &str, files: &[(&str, &str)]) -> Vec<String> {
    let config = Config::parse("flakeward.toml".as_ref(), config.to_owned()).expect("a configuration");
    let report = check(&Repo::from_texts(files.iter().copied()), &Settings::new(config));
    let rules = ["port-conflict", "invalid-port", "unknown-port", "port-drift", "unused-port"];
    let findings = report.findings.into_iter().filter(|finding| rules.contains(&finding.rule));
    findings.map(|finding| format!("{}: {}", finding.path, finding.message)).collect()
}

const NUMBERS: &str = "{ a = 3000; b = 3000; }";
const USE: &str = "let n = import ./conf/numbers.nix; in [ n.a n.b n.c ]";

#[test]
fn a_configured_registry_may_have_any_name() {
    let files = [("conf/numbers.nix", NUMBERS), ("web.nix", USE)];
    assert!(messages("", &files).is_empty());
    let found = messages("[ports]\nregistry = \"./conf/numbers.nix\"\n", &files);
    assert_eq!(
        found,
        ["conf/numbers.nix: b has port 3000, which a already uses", "web.nix: conf/numbers.nix has no entry c"]
    );
}

#[test]
fn configured_registries_replace_those_found_by_name() {
    let files = [("conf/numbers.nix", NUMBERS), ("lib/ports.nix", NUMBERS), ("web.nix", USE)];
    let found = messages("[ports]\nregistry = [\"lib/ports.nix\"]\n", &files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|message| message.starts_with("lib/ports.nix: ")), "{found:?}");
}

#[test]
fn scripts_that_evaluate_a_registry_use_it() {
    let files = |script| [("lib/ports.nix", "{ a = 3000; b = 3001; }"), ("run.sh", script)];
    assert!(messages("", &files("#!/bin/sh\nnix eval --file lib/ports.nix a\n")).is_empty());
    assert_eq!(messages("", &files("#!/bin/sh\n# nix eval --file lib/ports.nix a\n")).len(), 1);
}

/// The `lib` functions that are also built-in functions.
#[test]
fn library_functions_are_evaluated() {
    let registry =
        "{ lib }: { a = 3000; b = lib.sub 3001 1; c = if lib.isInt 1 && lib.lessThan 1 2 then lib.seq 1 3000 else 1; }";
    let found = messages("", &[("lib/ports.nix", registry), ("web.nix", "{ }")]);
    let conflicts: Vec<&String> = found.iter().filter(|message| message.contains("has port 3000")).collect();
    assert_eq!(conflicts.len(), 2, "{found:?}");
}
