//! `flakeward fix`: what it changes, what it refuses, and that real Nix sees no difference.

use std::collections::BTreeMap;

use flakeward::finding::Safety;
use flakeward::fix::{Outcome, Request, fix};
use flakeward::{Repo, Settings};

/// Fixes a repository of texts in memory.
fn fix_texts(files: &[(&str, &str)], allowed: Safety) -> Outcome {
    fix(
        &Repo::from_texts(files.iter().copied()),
        &Settings::default(),
        &Request { allowed, only: None, guard: &|_| Ok(()) },
    )
}

/// The files as they are after the changes.
fn after(files: &[(&str, &str)], outcome: &Outcome) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> =
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    texts.extend(outcome.changes.iter().map(|change| (change.path.to_string(), change.after.clone())));
    texts
}

#[test]
fn unused_suppressions_go_away() {
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
fn what_is_part_of_a_value_needs_unsafe() {
    let files = [("a.nix", "{\n  a = ''\n    # flakeward: allow(lookup-path) because\n    x\n  '';\n}\n")];
    let safe = fix_texts(&files, Safety::Safe);
    assert_eq!((safe.changes.len(), safe.unsafe_left()), (0, 1));
    let all = fix_texts(&files, Safety::Unsafe);
    assert_eq!(after(&files, &all)["a.nix"], "{\n  a = ''\n    x\n  '';\n}\n");
}

#[test]
fn a_file_that_does_not_parse_is_left_alone() {
    let files = [("a.nix", "{\n  a = ;\n  # flakeward: allow(lookup-path) because\n}\n")];
    let outcome = fix_texts(&files, Safety::Safe);
    assert!(outcome.changes.is_empty());
    let reasons: Vec<_> = outcome.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(reasons, ["a.nix does not parse"]);
}

#[test]
fn what_may_not_be_written_is_refused_with_the_reason() {
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
