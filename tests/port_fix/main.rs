//! Compares port fixes with the real Nix: the value of a file does not change, and its formatting is kept.

mod cases;
mod generate;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use flakeward::finding::{Fix, Span};
use flakeward::lang::{Language, Tree};
use flakeward::rewrite::ports::{PortFile, Shape, Target};
use flakeward::source::{FileKind, Source};

use cases::CASES;

const REGISTRY: &str = "{\n  databases.redis = 6379;\n  web = {\n    app = 3000;\n    \"my app\" = 3001;\n    or = 3002;\n  };\n  \
                        mail.smtps = 465;\n}\n";

/// The registry's entries: names and number.
const ENTRIES: [(&[&str], u32); 5] = [
    (&["databases", "redis"], 6379),
    (&["web", "app"], 3000),
    (&["web", "my app"], 3001),
    (&["web", "or"], 3002),
    (&["mail", "smtps"], 465),
];

/// Fixes every fixable use of a registered number, as one round of `flakeward fix` does.
fn fixed(path: &str, text: &str) -> String {
    let source = Source::new(path, FileKind::Nix, text);
    let file = PortFile::new(&source, Tree::parse(Language::Nix, text).unwrap());
    let mut fixes: Vec<Fix> = Vec::new();
    for (names, number) in ENTRIES {
        let entry: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let target = Target { registry: "lib/ports.nix", shape: &Shape::Set, entry: &entry, number, settled: true };
        for (at, digits) in text.match_indices(&number.to_string()) {
            fixes.extend(file.fix(Span::new(at, at + digits.len()), &target));
        }
    }
    let edits: BTreeSet<_> = fixes
        .iter()
        .flat_map(|fix| &fix.edits)
        .map(|edit| (edit.span.start, edit.span.end, edit.text.as_str()))
        .collect();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start as usize..end as usize, new);
    }
    out
}

/// Whether Nix is installed. With `FLAKEWARD_REQUIRE_TOOLS=1` it must be.
fn has_nix() -> bool {
    let found = Command::new("nix-instantiate").arg("--version").output().is_ok_and(|out| out.status.success());
    let required = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(found || !required, "nix-instantiate is not installed");
    found
}

/// The result of applying the function `call` to the file's value in Nix.
fn value(root: &Path, path: &str, call: &str) -> String {
    let file = root.join(path);
    let out = Command::new("nix-instantiate")
        .args(["--eval", "--strict", "--json", "-E", &format!("({call}) (import {})", file.display())])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}\n{}",
        std::fs::read_to_string(&file).unwrap(),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn fixed_files_have_the_expected_text() {
    for case in CASES {
        assert_eq!(fixed("modules/web.nix", case.before), case.after, "{}", case.name);
    }
}

#[test]
fn a_second_fix_changes_nothing() {
    for case in CASES {
        assert_eq!(fixed("modules/web.nix", case.after), case.after, "{}", case.name);
    }
}

#[test]
fn fixes_do_not_change_the_result_of_evaluation() {
    if !has_nix() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("lib")).unwrap();
    std::fs::create_dir(root.path().join("modules")).unwrap();
    std::fs::write(root.path().join("lib/ports.nix"), REGISTRY).unwrap();
    std::fs::write(root.path().join("modules/ports.nix"), "{ x = 5; }\n").unwrap();
    for case in CASES {
        for crlf in [false, true] {
            let write = |text: &str| {
                let text = if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
                std::fs::write(root.path().join("modules/web.nix"), text).unwrap();
                value(root.path(), "modules/web.nix", case.call)
            };
            assert_eq!(write(case.before), write(case.after), "{}", case.name);
        }
    }
}

/// One run of Nix evaluates all generated files before and after the fixes.
#[test]
fn fixes_do_not_change_the_result_of_evaluation_in_generated_files() {
    const FILES: u64 = 400;
    let root = tempfile::tempdir().unwrap();
    for folder in ["lib", "before", "after"] {
        std::fs::create_dir(root.path().join(folder)).unwrap();
    }
    std::fs::write(root.path().join("lib/ports.nix"), REGISTRY).unwrap();
    let mut changed = 0;
    let mut left = 0;
    for seed in 1..=FILES {
        let before = generate::file(seed);
        assert!(!Tree::parse(Language::Nix, &before).unwrap().broken(), "seed {seed}:\n{before}");
        let after = fixed(&format!("before/{seed}.nix"), &before);
        let twice = fixed(&format!("before/{seed}.nix"), &after);
        assert_eq!(twice, after, "seed {seed}: a second fix changes something");
        changed += usize::from(before != after);
        left += after.matches("6379").count();
        std::fs::write(root.path().join(format!("before/{seed}.nix")), before).unwrap();
        std::fs::write(root.path().join(format!("after/{seed}.nix")), after).unwrap();
    }
    assert!(changed > FILES as usize / 2, "only {changed} of {FILES} files had something to fix ({left} left)");
    if has_nix() {
        let expression = format!(
            "let value = f: let x = import f; in if builtins.isFunction x then x {{ }} else x; \
             same = n: value (./before + \"/${{toString n}}.nix\") == value (./after + \"/${{toString n}}.nix\"); \
             in builtins.filter (n: !(same n)) (builtins.genList (n: n + 1) {FILES})"
        );
        std::fs::write(root.path().join("same.nix"), expression).unwrap();
        let args = ["--eval", "--strict", "--json", "same.nix"];
        let out = Command::new("nix-instantiate").current_dir(root.path()).args(args).output().unwrap();
        let message = String::from_utf8_lossy(&out.stderr);
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "[]", "{message}\n{}", root.keep().display());
    }
}
