//! Suppressions and baseline entries that expire, and the list of what is accepted.

use crate::support::Repository;

const EXPIRING: &str = "# flakeward: allow(lookup-path, until 2026-06-30) until the move\nimport <nixpkgs> { }\n";

#[test]
fn a_suppression_expires_after_its_last_day() {
    let repository = Repository::new(&[("shell.nix", EXPIRING)]);
    assert_eq!(repository.run("--format concise --now 2026-06-30").out, "");
    let ran = repository.run("--format concise --now 2026-07-01");
    assert_eq!(
        ran.out,
        "shell.nix:1:20: warn[expired-suppression]: the suppression of lookup-path expired after 2026-06-30\nshell.nix:2:8: warn[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from \
         machine to machine\n"
    );
    // Its finding is gone, so it is unused, whatever its date.
    repository.write("shell.nix", &EXPIRING.replace("<nixpkgs>", "./x.nix"));
    let ran = repository.run("--format concise --now 2026-07-01");
    assert!(
        ran.out.starts_with("shell.nix:1:20: warn[unused-suppression]") && ran.out.lines().count() == 1,
        "{}",
        ran.out
    );
    // The whole comment is removed, not only the rule.
    assert_eq!(repository.run("fix --now 2026-07-01").code, 0);
    assert_eq!(repository.read("shell.nix"), "import ./x.nix { }\n");
}

#[test]
fn a_suppression_with_an_invalid_date_has_no_effect() {
    for list in [
        "lookup-path, until soon",
        "lookup-path, until",
        "until 2026-06-30",
        "lookup-path, until 2026-13-01",
        "lookup-path, until 20260630",
        "lookup-path, until 2026-06-30, until 2027-06-30",
    ] {
        let repository = Repository::new(&[("a.nix", &format!("# flakeward: allow({list}) why\n<a>\n"))]);
        let out = repository.run("--format concise --now 2026-01-01").out;
        let rules: Vec<&str> = out.lines().filter_map(|line| line.split(['[', ']']).nth(1)).collect();
        assert_eq!(rules, ["unused-suppression", "lookup-path"], "{list}: {out}");
    }
}

#[test]
fn a_baseline_entry_expires_after_its_last_day() {
    let repository = Repository::new(&[("a.nix", "<a>\n"), ("b.nix", "<b>\n")]);
    repository.run_words(&["baseline", "--now", "2026-01-01", "--until", "2026-06-30", "--reason", "before the move"]);
    let rows = repository.read(".flakeward/baseline.json");
    assert_eq!(rows.matches("\"until\":\"2026-06-30\",\"reason\":\"before the move\"").count(), 2, "{rows}");
    assert_eq!(repository.run("--format concise --now 2026-06-30").out, "");
    let ran = repository.run("--format concise --now 2026-07-01");
    let places: Vec<&str> = ran.out.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(places, [".flakeward/baseline.json", ".flakeward/baseline.json", "a.nix", "b.nix"], "{}", ran.out);
    // Writing the baseline again keeps the data of known findings, and accepts new ones without a last day.
    repository.write("c.nix", "<c>\n");
    repository.run("baseline");
    let rows = repository.read(".flakeward/baseline.json");
    let ends: Vec<bool> = rows.lines().filter(|row| row.contains("rule")).map(|row| row.contains("until")).collect();
    assert_eq!(ends, [true, true, false], "{rows}");
    repository.write(".flakeward/baseline.json", &rows.replace("2026-06-30", "summer"));
    let said = repository.refused("check");
    assert!(said.contains("`summer` is not a date such as 2027-03-01"), "{said}");
}

/// The last day must not be in the past. Another run renews only the entries that have expired.
#[test]
fn expired_entries_are_renewed_with_another_last_day() {
    let repository = Repository::new(&[("a.nix", "<a>\n"), ("b.nix", "<b>\n")]);
    let said = repository.refused("baseline --now 2026-07-01 --until 2026-06-30");
    assert!(said.contains("--until 2026-06-30 is in the past"), "{said}");
    assert!(!repository.path().join(".flakeward/baseline.json").exists());
    repository.run("baseline a.nix --now 2026-06-30 --until 2026-06-30");
    repository.run("baseline b.nix --now 2026-06-30 --until 2027-06-30 --reason agreed");
    let ends = |expected: [&str; 2]| {
        let rows = repository.read(".flakeward/baseline.json");
        let rows: Vec<&str> = rows.lines().filter(|row| row.contains("rule")).collect();
        assert!(rows.iter().zip(expected).all(|(row, end)| row.contains(end)) && rows.len() == 2, "{rows:?}");
    };
    // Without a last day, nothing is extended, and the message says so.
    let ran = repository.run("baseline --now 2026-07-01");
    assert!(ran.err.contains("and those whose entries have expired\n1 entry expired: renew with"), "{}", ran.err);
    ends(["\"until\":\"2026-06-30\"", "\"until\":\"2027-06-30\",\"reason\":\"agreed\""]);
    let ran = repository.run("baseline --now 2026-07-01 --until 2026-12-31 --reason moving");
    assert!(ran.err.contains("(0 added, 0 removed, 1 renewed); `flakeward check` now reports only new"), "{}", ran.err);
    assert!(ran.err.contains("1 entry not changed, although the reason or last day differs"), "{}", ran.err);
    let renewed = "\"until\":\"2026-12-31\",\"reason\":\"moving\"";
    ends([renewed, "\"until\":\"2027-06-30\",\"reason\":\"agreed\""]);
    assert_eq!(repository.run("--format concise --now 2026-07-01").out, "");
}

/// A repository with every kind of acceptance, by two authors.
fn accepting() -> Repository {
    let repository = Repository::new(&[
        ("CODEOWNERS", "/apps/ @platform @apps\n"),
        ("apps/a.nix", EXPIRING),
        ("lib/b.nix", "[ <b> ] # flakeward: allow(lookup-path) a, \"b\"\n"),
        ("lib/c.nix", "<c>\n"),
        ("old/d.nix", "<d>\n"),
        (
            "flakeward.toml",
            "exclude = [\"old\"] # vendored\n\n[rules]\n# one team only\nfor-all-systems.level = \"off\"\n\n\
             [[overrides]]\npaths = [\"lib/*\"]\nrules.dockerfile = \"hint\"\n",
        ),
    ]);
    repository.commit("Ada", "2026-01-01");
    repository.run("baseline --now 2026-01-11 --until 2026-02-01");
    repository.commit("Bob", "2026-01-11");
    repository
}

#[test]
fn all_acceptances_are_listed() {
    let repository = accepting();
    let ran = repository.run("accepted --now 2026-01-21");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "\
apps/a.nix:1: suppression[lookup-path]
  reason: until the move
  owner @platform @apps, since 2026-01-01 (20 days), until 2026-06-30 (160 days left)
lib/b.nix:1: suppression[lookup-path]
  reason: a, \"b\"
  author Ada, since 2026-01-01 (20 days)
.flakeward/baseline.json:2: baseline[lookup-path] for lib/c.nix
  author Bob, since 2026-01-11 (10 days), until 2026-02-01 (11 days left)
flakeward.toml:9: override[dockerfile] for lib/*
  author Ada, since 2026-01-01 (20 days)
flakeward.toml:5: level[for-all-systems]
  reason: one team only
  author Ada, since 2026-01-01 (20 days)
flakeward.toml:1: exclude[all rules] for old
  reason: vendored
  author Ada, since 2026-01-01 (20 days)
6 acceptances (suppression 2, baseline 1, override 1, level 1, exclude 1); 2 without a reason
"
    );
    let ran = repository.run("accepted --now 2026-02-02 --expiring-in 30");
    assert!(ran.out.contains("lib/c.nix (expired)\n"), "{}", ran.out);
    assert!(ran.out.ends_with("1 acceptance (baseline 1); 1 expired, 1 without a reason\n"), "{}", ran.out);
    // With paths, only the entries for these paths are listed.
    assert!(
        repository
            .run("accepted lib --now 2026-01-21")
            .out
            .ends_with("2 acceptances (suppression 1, baseline 1); 1 without a reason\n")
    );
}

#[test]
fn acceptances_are_available_as_json_and_csv() {
    let repository = accepting();
    let ran = repository.run("accepted --now 2026-01-21 --format json");
    let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&document["version"], &document["date"]), (&1.into(), &"2026-01-21".into()));
    let first = &document["accepted"][0];
    let expected = serde_json::json!({
        "means": "suppression", "state": "in-force", "rule": "lookup-path", "subject": "apps/a.nix",
        "path": "apps/a.nix", "line": 1, "reason": "until the move", "owners": ["@platform", "@apps"],
        "owner_source": "codeowners", "since": "2026-01-01", "age_days": 20, "until": "2026-06-30", "days_left": 160,
    });
    assert_eq!(*first, expected);
    let ran = repository.run("accepted --now 2026-01-21 --format csv");
    let rows: Vec<&str> = ran.out.split("\r\n").collect();
    assert_eq!(rows[0], "means,state,rule,subject,path,line,owners,since,age_days,until,reason");
    assert_eq!(
        rows[1],
        "suppression,in-force,lookup-path,apps/a.nix,apps/a.nix,1,\"'@platform @apps\",2026-01-01,20,2026-06-30,\
         \"until the move\""
    );
    assert_eq!(rows[2], "suppression,in-force,lookup-path,lib/b.nix,lib/b.nix,1,Ada,2026-01-01,20,,\"a, \"\"b\"\"\"");
}

#[test]
fn without_history_authors_and_ages_are_unknown() {
    let repository = Repository::new(&[("a.nix", EXPIRING)]);
    let listed = "a.nix:1: suppression[lookup-path]\n  reason: until the move\n  owner unknown, not committed, until \
                  2026-06-30 (180 days left)\n1 acceptance (suppression 1)\n";
    assert_eq!(repository.run("accepted --now 2026-01-01").out, listed);
    std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
    repository.write("flake.nix", "{ }");
    assert_eq!(repository.run("accepted --now 2026-01-01 --ignore unlocked-input").out, listed);
    assert_eq!(Repository::new(&[("a.nix", "{ }")]).run("accepted").out, "no acceptances\n");
}

/// `--select` and `--ignore` only filter the list: whether an entry is unused still depends on all rules.
#[test]
fn acceptances_of_some_rules_are_listed() {
    let repository = Repository::new(&[
        ("a.nix", "# flakeward: allow(lookup-path) a\n<a>\n"),
        ("b.nix", "# flakeward: allow(ports) b\n{ services.x.port = 8080; }\n"),
        ("c.nix", "# flakeward: allow(dockerfile) c\n<c>\n"),
        ("flakeward.toml", "exclude = [\"old\"] # d\n[rules]\nnix-cache = \"off\" # e\n"),
        ("d.sh", "# flakeward: allow(nix-cache) f\n"),
        ("old/x.nix", "<x>\n"),
    ]);
    repository.run("baseline --reason r");
    let listed = |options: &str| {
        let ran = repository.run(&format!("accepted {options}"));
        let (entries, summary) = ran.out.trim_end().rsplit_once('\n').unwrap();
        let heads = entries.lines().filter(|line| !line.starts_with("  "));
        let heads: Vec<&str> = heads.map(|line| line.split_once(": ").unwrap().1).collect();
        (heads.join("; "), summary.to_owned())
    };
    let paths = "suppression[lookup-path]; baseline[lookup-path] for c.nix";
    let counts = |text: &str| text.to_owned();
    assert_eq!(listed("--select lookup-path"), (paths.to_owned(), counts("2 acceptances (suppression 1, baseline 1)")));
    // A group is listed for each of its rules.
    let ports = ("suppression[ports]".to_owned(), counts("1 acceptance (suppression 1)"));
    assert_eq!(listed("--select hardcoded-port"), ports);
    assert_eq!(listed("--select ports"), ports);
    let unused = ("suppression[dockerfile] (unused)".to_owned(), counts("1 acceptance (suppression 1); 1 unused"));
    assert_eq!(listed("--select dockerfile"), unused);
    // It is unknown whether a suppression of a rule that is off would be used.
    let off = "suppression[nix-cache]; level[nix-cache]".to_owned();
    assert_eq!(listed("--select nix-cache"), (off, counts("2 acceptances (suppression 1, level 1)")));
    let (all, _) = listed("");
    let (others, _) = listed("--ignore lookup-path,nix-cache");
    assert_eq!(others.split("; ").count(), all.split("; ").count() - 4, "{others}");
    assert!(others.contains("exclude[all rules] for old"), "{others}");
    assert!(repository.refused("accepted --select lookup-pth").contains("did you mean `lookup-path`?"));
}

/// Programs that a repository's Git configuration and attributes refer to are not started.
#[test]
fn blame_starts_no_configured_programs() {
    let repository = accepting();
    let marker = repository.path().join("started");
    let program = format!("touch {} && cat", marker.display());
    for key in ["diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "core.fsmonitor"]
    {
        repository.git(&["config", key, &program]);
    }
    repository.write(".gitattributes", "* diff=evil filter=evil\n");
    repository.write("apps/a.nix", &format!("{EXPIRING}# more\n"));
    let ran = repository.run("accepted --now 2026-01-21");
    assert!(ran.out.contains("since 2026-01-01"), "{}{}", ran.out, ran.err);
    assert!(!marker.exists());
    // Without flakeward's precautions, `git blame` does start the program.
    repository.try_git(&["blame", "apps/a.nix"]);
    assert!(marker.exists());
}

#[test]
fn hostile_names_and_reasons_are_escaped() {
    let repository = Repository::new(&[("a\u{1b}[31m.nix", "# flakeward: allow(lookup-path) \u{202e}why\n<a>\n")]);
    let ran = repository.run("accepted");
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{}", ran.out);
    let ran = repository.run("accepted --format csv");
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{}", ran.out);
}
