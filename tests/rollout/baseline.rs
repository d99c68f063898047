//! A baseline that only shrinks, in a file that merges without conflicts.

use crate::support::Repository;

/// The paths of the entries in the baseline, in order.
fn rows(repository: &Repository) -> Vec<String> {
    let text = repository.read(".flakeward/baseline.json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = document["findings"].as_array().unwrap().iter().filter_map(|row| row["path"].as_str());
    rows.map(str::to_owned).collect()
}

#[test]
fn pruning_only_removes_entries() {
    let repository = Repository::new(&[("a.nix", "<a>\n"), ("b.nix", "<b>\n"), ("old/c.nix", "<c>\n")]);
    assert!(repository.refused("baseline --prune").contains("there is no baseline to prune"));
    repository.run("baseline");
    let ran = repository.run("baseline --prune");
    assert_eq!((ran.code, ran.err.as_str()), (0, "every entry in the baseline is needed; nothing was removed\n"));
    // One finding is fixed, one is new, one moved to another folder.
    repository.write("a.nix", "{ }\n");
    repository.write("new.nix", "<new>\n");
    std::fs::rename(repository.path().join("old"), repository.path().join("moved")).unwrap();
    let ran = repository.run("baseline --prune");
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 entry removed from .flakeward/baseline.json\n"));
    assert_eq!(rows(&repository), ["b.nix", "moved/c.nix"]);
    let out = repository.run("--format concise").out;
    assert!(out.starts_with("new.nix:1:1: warn[lookup-path]") && out.lines().count() == 1, "{out}");
    // Entries for a rule that is off might still be needed, so they are kept.
    assert_eq!(repository.run("baseline --prune --ignore lookup-path").code, 0);
    assert_eq!(rows(&repository), ["b.nix", "moved/c.nix"]);
    repository.write(".flakeward/baseline.json", "<<<<<<< HEAD\n");
    assert!(repository.refused("baseline --prune").contains("invalid baseline"));
    let ran = repository.run("baseline");
    assert!(ran.code == 0 && ran.err.contains("contains no entries; it is replaced"), "{}", ran.err);
}

/// Reasons and dates are not lost because of a conflict, or because the file is invalid.
#[test]
fn the_entries_of_an_invalid_baseline_are_not_lost() {
    let repository = Repository::new(&[("a.nix", "<a>\n"), ("b.nix", "<b>\n")]);
    repository.run("baseline --reason agreed --until 2030-01-01");
    let before = repository.read(".flakeward/baseline.json");
    let conflict = before.replace("{\"rule\"", "<<<<<<< HEAD\n{\"rule\"");
    repository.write(".flakeward/baseline.json", &conflict);
    let ran = repository.run("baseline");
    assert!(ran.code == 0 && ran.err.contains("its 2 entries are kept"), "{}", ran.err);
    assert_eq!(repository.read(".flakeward/baseline.json"), before);
    let differing = conflict.clone() + &before.replace("agreed", "not agreed");
    let newer = before.replace("\"version\": 1", "\"version\": 2");
    for invalid in [differing, newer, before.replace("2030-01-01", "soon"), before.replace("agreed", "\u{0}\\")] {
        repository.write(".flakeward/baseline.json", &invalid);
        assert!(repository.refused("baseline").contains("its reasons and dates, or remove it"));
        assert_eq!(repository.read(".flakeward/baseline.json"), invalid);
    }
    std::fs::write(repository.path().join(".flakeward/baseline.json"), b"{\xff").unwrap();
    assert!(repository.refused("baseline").contains("not UTF-8"));
}

#[test]
fn frozen_fails_if_the_baseline_has_unneeded_entries() {
    let repository = Repository::new(&[("a.nix", "<a>\n"), ("b.nix", "<b>\n")]);
    assert_eq!(repository.run("--frozen --fail-on warn").code, 1);
    repository.run("baseline");
    assert_eq!(repository.run("--frozen --fail-on warn").code, 0);
    repository.write("a.nix", "{ }\n");
    assert_eq!(repository.run("--format concise").code, 0);
    for options in ["", "--level unused-suppression=off", "--ignore unused-suppression"] {
        let ran = repository.run(&format!("--frozen --format concise {options}"));
        assert_eq!(ran.code, 1, "{options}: {}", ran.out);
        assert!(ran.out.starts_with(".flakeward/baseline.json:2:"), "{options}: {}", ran.out);
        assert!(ran.out.contains(": error[unused-suppression]: a.nix no longer has"), "{options}: {}", ran.out);
        assert_eq!(ran.out.lines().count(), 1, "{options}: {}", ran.out);
    }
    assert!(repository.refused("--frozen b.nix").contains("requires a check of the whole repository"));
    repository.run("baseline --prune");
    assert_eq!(repository.run("--frozen --fail-on warn").code, 0);
}

/// Two branches that add and remove entries merge without a conflict, and the result is sorted and complete.
#[test]
fn baselines_of_two_branches_merge() {
    let names = ["b", "d", "f", "h", "j", "l", "n", "p"];
    let repository = Repository::new(&[]);
    for name in names {
        repository.write(&format!("{name}.nix"), "<x>\n");
    }
    repository.run("baseline");
    repository.commit("t", "2026-01-01");
    repository.git(&["switch", "-qc", "other"]);
    // The other branch fixes a finding near the end, and adds one at the end.
    repository.write("l.nix", "{ }\n");
    repository.write("z.nix", "<x>\n");
    repository.run("baseline");
    repository.commit("t", "2026-01-02");
    repository.git(&["switch", "-q", "main"]);
    // The main branch fixes the first finding, and adds one in the middle.
    repository.write("b.nix", "{ }\n");
    repository.write("g.nix", "<x>\n");
    repository.run("baseline");
    repository.commit("t", "2026-01-02");
    repository.git(&["merge", "-q", "--no-edit", "other"]);
    let merged: Vec<String> = ["d", "f", "g", "h", "j", "n", "p", "z"].map(|name| format!("{name}.nix")).into();
    assert_eq!(rows(&repository), merged);
    assert_eq!(repository.run("--frozen --fail-on warn").code, 0);
}

/// With `merge=union`, as the documentation recommends, neighbouring lines also merge.
#[test]
fn a_union_of_two_baselines_is_a_valid_baseline() {
    let repository =
        Repository::new(&[(".gitattributes", ".flakeward/baseline.json merge=union\n"), ("a.nix", "<x>\n")]);
    repository.run("baseline");
    repository.commit("t", "2026-01-01");
    repository.git(&["switch", "-qc", "other"]);
    repository.write("b.nix", "<x>\n");
    repository.run("baseline");
    repository.commit("t", "2026-01-02");
    repository.git(&["switch", "-q", "main"]);
    repository.write("c.nix", "<x>\n");
    repository.run("baseline");
    repository.commit("t", "2026-01-02");
    repository.git(&["merge", "-q", "--no-edit", "other"]);
    assert_eq!(repository.run("--frozen --fail-on warn").code, 0);
    repository.run("baseline --prune");
    assert_eq!(rows(&repository), ["a.nix", "b.nix", "c.nix"]);
}
