//! Nothing in a repository is silently skipped: links, Git's own files, changes that `--changed` must see, and
//! files that claim to be generated.
#![cfg(unix)]

mod support {
    pub mod repository;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::repository::{Repository, command};

const PORT: &str = "{ port = 6379; }\n";

/// A repository with a Git index.
fn tracked(files: &[(&str, &str)], links: &[(&str, &str)]) -> Repository {
    let repository = Repository::new(files);
    fs::remove_dir(repository.path().join(".git")).unwrap();
    repository.git(&["init", "--quiet"]);
    links.iter().for_each(|(link, target)| symlink(target, repository.path().join(link)).unwrap());
    commit(&repository);
    repository
}

fn commit(repository: &Repository) {
    repository.git(&["add", "--all", "--force"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=m"]);
}

fn pipe(repository: &Repository, name: &str) {
    assert!(Command::new("mkfifo").arg(repository.path().join(name)).status().unwrap().success());
}

/// The exit code and the report of a command, without its notes.
fn report(repository: &Repository, args: &str) -> (i32, String) {
    let ran = repository.run(&format!("check --format concise {args}"));
    (ran.code, ran.out)
}

fn port(path: &str) -> String {
    format!("{path}:1:10: error[hardcoded-port]: port 6379 is hardcoded\n")
}

/// The name of a link determines the kind of its target if the name of the target does not.
#[test]
fn links_to_files_of_unknown_kind_are_checked() {
    let links = [("a.nix", "sub/b.data"), ("c.nix", "a.nix"), ("run", "start.txt"), ("result.nix", "d.data")];
    let files = [("sub/b.data", PORT), ("d.data", PORT), ("start.txt", "#!/bin/sh\nnpm run dev -- --port 6379\n")];
    for has_index in [false, true] {
        let repository = if has_index { tracked(&files, &links) } else { Repository::new(&files) };
        if !has_index {
            links.iter().for_each(|(link, target)| symlink(target, repository.path().join(link)).unwrap());
        }
        let (code, out) = report(&repository, "");
        assert!(code == 1 && out.starts_with(&(port("a.nix") + &port("c.nix") + &port("result.nix"))), "{out}");
        assert!(out.contains("run:2:"), "{out}");
        for name in ["a.nix", "c.nix"] {
            assert_eq!(report(&repository, name), (1, port(name)), "{has_index}");
        }
        assert_eq!(report(&repository, "sub").0, 0);
    }
    // Ignore files cover the link and its target, but git tracks both.
    let repository = tracked(&[(".gitignore", "*.nix\n*.data\n"), ("b.data", PORT)], &[("a.nix", "b.data")]);
    assert_eq!(report(&repository, ""), (1, port("a.nix")));
}

/// A target that is not checked under its own name, or is checked with other rules, is checked under each link's name.
#[test]
fn links_are_not_hidden_by_other_links() {
    let files = [("vendor/modules.txt", ""), ("vendor/v.nix", PORT), ("b.data", PORT), ("x-lock.yaml", "a: 1\n")];
    let links = [("vendor/a.nix", "../b.data"), ("w.nix", "vendor/v.nix"), ("z.nix", "b.data")];
    let repository = tracked(&files, &links);
    let (code, out) = report(&repository, "");
    assert_eq!((code, out), (1, port("w.nix") + &port("z.nix")));
    let names: Vec<String> = (10..30).map(|at| format!("l{at}.nix")).collect();
    let links: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "b.data")).collect();
    let (code, out) = report(&tracked(&[("b.data", PORT)], &links), "");
    assert_eq!((code, out.matches("hardcoded-port").count()), (1, 10), "{out}");
    assert_eq!(out.matches("more than 10 symbolic links refer to b.data").count(), 10, "{out}");
}

/// Links to files that are checked anyway, to folders, to files outside the repository, and to files that do not exist.
#[test]
fn harmless_links_are_not_reported() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.nix"), PORT).unwrap();
    let repository = tracked(
        &[("a.nix", "{ }\n"), ("lib/b.yml", "a: 1\n"), (".gitignore", "*.local\n"), ("out.txt", "text")],
        &[
            ("same.nix", "a.nix"),
            ("b.yaml", "lib/b.yml"),
            ("folder.nix", "lib"),
            ("text", "out.txt"),
            ("gone.nix", "gone"),
            ("self.nix", "self.nix"),
            ("local.nix", "x.local"),
        ],
    );
    fs::write(repository.path().join("x.local"), PORT).unwrap();
    symlink(outside.path().join("x.nix"), repository.path().join("away.nix")).unwrap();
    let ran = repository.run("check --format concise");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.starts_with("2 files, "), "{}", ran.err);
    assert_eq!(report(&repository, "same.nix"), (0, String::new()));
    // The target and the link have different kinds.
    let repository = tracked(&[("a.yaml", PORT)], &[("b.nix", "a.yaml")]);
    assert_eq!(report(&repository, "").1.matches(&port("b.nix")).count(), 1);
}

/// Reading the targets would reveal the credentials in `.git/config`, or secrets that a CI job wrote into the working
/// tree.
#[test]
fn links_to_untracked_or_git_files_are_errors() {
    let repository = tracked(&[("a.nix", "{ }\n")], &[]);
    fs::write(repository.path().join("token"), "TOKEN").unwrap();
    pipe(&repository, "waits");
    let links = [("g.yaml", ".git/config"), ("t.yaml", "token"), ("w.nix", "waits")];
    links.iter().for_each(|(link, target)| symlink(target, repository.path().join(link)).unwrap());
    let unreadable =
        |path: &str, reason: &str| format!("{path}:1:1: error[unreadable-file]: cannot be checked: {reason}\n");
    let reasons = [
        unreadable("g.yaml", "it is a symbolic link to one of Git's own files"),
        unreadable("t.yaml", "it is a symbolic link to a file that Git does not track"),
        unreadable("w.nix", "it is neither a file nor a directory"),
    ];
    assert_eq!(report(&repository, ""), (1, reasons.concat()));
    for ((name, _), reason) in links.iter().zip(&reasons) {
        let (code, out) = report(&repository, name);
        assert!(code == 1 && out.contains(reason.as_str()), "{name}: {out}");
    }
}

/// The target of a link is not replaced, and neither is the link.
#[test]
fn links_are_not_fixed() {
    let repository = tracked(&[("b.data", PORT), ("lib/ports.nix", "{ redis = 6379; }\n")], &[("a.nix", "b.data")]);
    let ran = repository.run("fix --unsafe");
    assert!(ran.code == 2 && ran.out.contains("a.nix is a symbolic link"), "{} {}{}", ran.code, ran.out, ran.err);
    assert!(repository.path().join("a.nix").is_symlink());
    assert_eq!(repository.read("b.data"), PORT);
}

/// The exit code of a command; `None` if it did not exit in time and was killed.
fn exit_code(repository: &Repository, args: &str) -> Option<i32> {
    let mut command = command(args);
    command.current_dir(repository.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// `.git` may come from an archive, so reading its files must neither block nor continue without limit.
#[test]
fn git_files_that_are_pipes_or_devices_do_not_block() {
    let names = ["HEAD", "commondir", "config", "index", "info/exclude", "objects/info/alternates", "packed-refs"];
    for name in names {
        for target in ["", "/proc/kmsg", "/dev/zero", "/proc/self/pagemap"] {
            let repository = tracked(&[("a.nix", "{ }\n")], &[]);
            let file = repository.path().join(".git").join(name);
            let _ = fs::remove_file(&file);
            match target {
                "" => pipe(&repository, &format!(".git/{name}")),
                target => symlink(target, &file).unwrap(),
            }
            let code = exit_code(&repository, "check");
            // Without the index or an ignore file, it is unknown which files have to be checked, which is an error.
            let is_needed = ["index", "info/exclude"].contains(&name);
            assert_eq!(code, Some(i32::from(is_needed)), "{name} -> {target}");
            for args in ["check --changed=HEAD", "check --new-since HEAD"] {
                assert_eq!(exit_code(&repository, args), Some(2), "{args}: {name} -> {target}");
            }
        }
    }
    let repository = Repository::new(&[("a.nix", "{ }\n")]);
    fs::remove_dir(repository.path().join(".git")).unwrap();
    pipe(&repository, ".git");
    assert_eq!(exit_code(&repository, "check"), Some(1));
}

/// A repository whose branch `base` has some files, and whose current branch has others in their place. `None` deletes
/// a file.
fn changed(before: &[(&str, &str)], now: &[(&str, Option<&str>)]) -> Repository {
    let repository = tracked(before, &[]);
    repository.git(&["branch", "--force", "base"]);
    for (path, text) in now {
        match text {
            Some(text) => repository.write(path, text),
            None => fs::remove_file(repository.path().join(path)).unwrap(),
        }
    }
    commit(&repository);
    repository
}

/// The lines did not change, but their findings are new.
#[test]
fn lines_that_were_not_checked_before_count_as_changed() {
    let script = "x=1\nnpm run dev -- --port 6379\n";
    let shell = format!("#!/bin/sh\n{script}");
    let above = "{\n  # flakeward: allow(hardcoded-port) why\n  port = 6379;\n  x.port = 8321;\n}\n";
    let whole = "# flakeward: allow-file(hardcoded-port) why\n{\n  port = 6379;\n}\n";
    let (comment, text) = ("{ /*\n  port = 6379;\n*/ }\n", "{ a = ''\n  port = 6379;\n''; }\n");
    let lines = |text: &str, left_out: &[usize]| -> String {
        let lines = text.split_inclusive('\n').enumerate();
        lines.filter(|(at, _)| !left_out.contains(&(at + 1))).map(|(_, line)| line).collect()
    };
    let other_rule = above.replace("allow(hardcoded-port)", "allow(lookup-path)");
    let code = "{\n  port = 6379;\n}\n";
    let generated = format!("# @generated\n{code}");
    for (name, path, before, now, expected) in [
        ("script", "run", script, shell.as_str(), "run:3:"),
        ("suppression", "a.nix", above, &lines(above, &[2]), "a.nix:2:10"),
        ("suppression of another rule", "a.nix", above, &other_rule, "a.nix:3:10"),
        ("suppression of the file", "a.nix", whole, &lines(whole, &[1]), "a.nix:2:10"),
        ("comment", "a.nix", comment, code, "a.nix:2:10"),
        ("string", "a.nix", text, code, "a.nix:2:10"),
        (
            "heredoc",
            "run.sh",
            "cat <<E\nnpm run dev -- --port 6379\nE\n",
            "npm run dev -- --port 6379\nE\n",
            "run.sh:1:",
        ),
        ("syntax error", "a.nix", "{ x = ''\n  port = 6379;\n}\n", code, "a.nix:2:10"),
        ("generated", "a.nix", &generated, code, "a.nix:2:10"),
    ] {
        let repository = changed(&[(path, before)], &[(path, Some(now))]);
        let (code, out) = report(&repository, "--changed=base");
        assert!(code == 1 && out.contains(expected), "{name}: {code} {out}");
        // Findings that were reported before are not new.
        assert!(!out.contains("8321"), "{name}: {out}");
    }
    let vendored = [("vendor/modules.txt", ""), ("vendor/a.nix", PORT)];
    let repository = changed(&vendored, &[("vendor/modules.txt", None)]);
    assert_eq!(report(&repository, "--changed=base"), (1, port("vendor/a.nix")));
    // Other changes to the file do not expose its suppressed findings.
    let moved = format!("# c\n{}", above.replace("8321", "8322"));
    let repository = changed(&[("a.nix", above)], &[("a.nix", Some(&moved))]);
    let (_, out) = report(&repository, "--changed=base");
    assert!(out.contains("8322") && !out.contains("6379"), "{out}");
}

/// Removing a suppression exposes a finding even if the finding only has a label at that position.
#[test]
fn removed_suppressions_at_labels_count_as_changes() {
    let other = "{\n  # flakeward: allow(port-conflict) why\n  db = 8080;\n}\n";
    let files = [("lib/ports.nix", other), ("nix/ports.nix", "{\n  web = 8080;\n}\n")];
    let settings = "[ports]\nregistry = [\"lib/ports.nix\", \"nix/ports.nix\"]\n";
    let mut before = files.to_vec();
    before.push(("flakeward.toml", settings));
    let now = other.replace("  # flakeward: allow(port-conflict) why\n", "");
    let repository = changed(&before, &[("lib/ports.nix", Some(&now))]);
    assert_eq!(report(&tracked(&before, &[]), "").1.matches("port-conflict").count(), 0);
    let (code, out) = report(&repository, "--changed=base");
    assert!(code == 1 && out.contains("port-conflict"), "{out}");
}

#[test]
fn files_whose_names_look_alike_are_not_compared() {
    use std::os::unix::ffi::OsStrExt;
    let repository = tracked(&[("\u{fffd}.nix", PORT)], &[]);
    repository.git(&["branch", "--force", "base"]);
    let other = std::ffi::OsStr::from_bytes(b"\xff.nix");
    fs::rename(repository.path().join("\u{fffd}.nix"), repository.path().join(other)).unwrap();
    commit(&repository);
    assert_eq!(report(&repository, "--changed=base"), (1, port("\u{fffd}.nix")));
}

/// For hooks and aliases, Git sets variables that name its repository, index and objects.
#[test]
fn git_variables_do_not_select_another_repository() {
    let other = tracked(&[("a.nix", PORT)], &[]);
    let repository = changed(&[("a.nix", "{ }\n")], &[("a.nix", Some(PORT))]);
    other.git(&["branch", "--force", "base"]);
    let git = other.path().join(".git");
    let variables = [
        ("GIT_DIR", git.clone()),
        ("GIT_COMMON_DIR", git.clone()),
        ("GIT_WORK_TREE", other.path().to_owned()),
        ("GIT_INDEX_FILE", git.join("index")),
        ("GIT_OBJECT_DIRECTORY", git.join("objects")),
        ("GIT_NAMESPACE", "x".into()),
    ];
    for variables in variables.iter().map(std::slice::from_ref).chain([&variables[..]]) {
        for args in ["--changed=base", "--new-since base"] {
            let mut command = command(&format!("check --format concise {args}"));
            let ran = command.current_dir(repository.path()).envs(variables.iter().cloned()).output().unwrap();
            let out = String::from_utf8_lossy(&ran.stdout);
            assert_eq!((ran.status.code(), &*out), (Some(1), &*port("a.nix")), "{args} {variables:?}");
        }
    }
}

/// Anyone who writes a file can claim that a program generates it. The summary reports that it was not checked.
#[test]
fn files_that_are_not_checked_are_counted() {
    let generated = format!("# @generated\n{PORT}");
    let chart = "{{ if .x }}\na: 1\n{{ end }}\n";
    let repository = Repository::new(&[
        ("a.nix", generated.as_str()),
        ("b.nix", generated.as_str()),
        ("c.nix", "{ }\n"),
        ("charts/x.yaml", chart),
        ("pnpm-lock.yaml", "a: 1\n"),
        ("vendor/modules.txt", ""),
        ("vendor/v.nix", PORT),
    ]);
    let counts = "not checked: 2 generated files, 1 vendored file, checked in part: 1 template (-v lists them)";
    let ran = repository.run("check --format concise");
    assert!(ran.code == 0 && ran.err.contains(counts) && ran.err.lines().count() == 1, "{}", ran.err);
    assert!(repository.run("check").out.contains(counts));
    let ran = repository.run("check --format json");
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let expected = serde_json::json!({ "generated": 2, "vendored": 1, "lock_files": 1, "templates": 1 });
    assert_eq!(json["summary"]["not_checked"], expected);
    // A note says why a file that is given on the command line is not checked, or is checked in part.
    for (name, counted, reason) in [
        ("a.nix", "1 generated file", "it says that it is generated"),
        ("pnpm-lock.yaml", "no input file was checked", "it is a lock file of a package manager"),
        ("vendor/v.nix", "1 vendored file", "it is vendored code"),
        ("charts/x.yaml", "1 template", "this file is a template"),
    ] {
        let err = repository.run(&format!("check --format concise {name}")).err;
        assert!(err.contains(counted) && err.contains(&format!("note: {name}: ")) && err.contains(reason), "{err}");
    }
    assert!(!repository.run("check c.nix").out.contains("not checked"));
    repository.write("flakeward.toml", "check-third-party = true\n");
    let (code, out) = report(&repository, "");
    assert!(code == 1 && out.contains("a.nix:2:10") && out.contains("vendor/v.nix:1:10"), "{out}");
}

/// Package managers and direnv fill these folders, so they are not walked. If git tracks files in them, a configuration
/// may import them.
#[test]
fn tracked_files_in_folders_that_are_not_walked_count_as_vendored() {
    let files = [(".direnv/a.nix", PORT), ("c.nix", "{ }\n"), ("web/node_modules/x/b.nix", PORT)];
    let repository = tracked(&files, &[]);
    repository.write("web/node_modules/x/untracked.nix", PORT);
    let counts = "not checked: 2 vendored files";
    let ran = repository.run("check --format concise");
    assert!(ran.code == 0 && ran.err.contains(counts), "{}", ran.err);
    let ran = repository.run("check --verbose");
    for path in [".direnv/a.nix", "web/node_modules/x/b.nix"] {
        assert!((ran.out.clone() + &ran.err).contains(&format!("{path}: not checked: it is vendored code")), "{path}");
    }
    assert!(!(ran.out + &ran.err).contains("untracked.nix"));
    repository.write("flakeward.toml", "check-third-party = true\n");
    let both = (1, port(".direnv/a.nix") + &port("web/node_modules/x/b.nix"));
    for args in ["", "--no-ignore"] {
        assert_eq!(report(&repository, args), both, "{args}");
    }
    commit(&repository);
    assert_eq!(report(&repository, "--new-since HEAD"), (0, String::new()));
    // The copy of a repository that Nix makes has no `.git`, and contains only tracked files.
    let copy = Repository::new(&files);
    fs::remove_dir(copy.path().join(".git")).unwrap();
    copy.write("flakeward.toml", "check-third-party = true\n");
    assert_eq!(report(&copy, "--no-ignore"), both);
    assert_eq!(report(&copy, ""), (0, String::new()));
}

/// A link that is checked in place of its target is compared with its previous target.
#[test]
fn links_are_compared_with_their_previous_contents() {
    let repository = tracked(
        &[("d/b.data", "{ port = 6379;\n}\n"), ("c.data", "{ }\n"), ("x.nix", "{ }\n")],
        &[("a.nix", "d/b.data")],
    );
    repository.git(&["branch", "--force", "base"]);
    let both = |expected: &(i32, String)| {
        for args in ["--changed=base", "--new-since base"] {
            assert_eq!(&report(&repository, args), expected, "{args}");
        }
    };
    repository.write("x.nix", "{ a = 1; }\n");
    both(&(0, String::new()));
    repository.write("d/b.data", "{ port = 6379;\nx.port = 5432; }\n");
    commit(&repository);
    both(&(1, "a.nix:2:10: error[hardcoded-port]: port 5432 is hardcoded\n".to_owned()));
    // The link now has another target.
    repository.write("c.data", PORT.replace("6379", "5433"));
    let link = repository.path().join("a.nix");
    fs::remove_file(&link).unwrap();
    symlink("c.data", &link).unwrap();
    commit(&repository);
    both(&(1, "a.nix:1:10: error[hardcoded-port]: port 5433 is hardcoded\n".to_owned()));
}

#[test]
fn files_outside_a_sparse_checkout_are_reported_if_they_changed() {
    let before = [("a/a.nix", "{ }\n"), ("a/run", "x\n"), ("a/same.nix", "{ }\n"), ("b/b.nix", "{ }\n")];
    let now = [("a/a.nix", Some("{ port = 6379; }\n")), ("a/run", Some("#!/bin/sh\n")), ("a/README", Some("text\n"))];
    let repository = changed(&before, &now);
    for command in [&["set", "--cone", "b"][..], &["reapply", "--sparse-index"]] {
        repository.git(&[&["sparse-checkout"], command].concat());
        for option in ["--changed=base", "--new-since base"] {
            let (code, out) = report(&repository, option);
            assert_eq!((code, out.lines().count()), (1, 2), "{option}: {out}");
            assert!(out.contains("a/a.nix:1:1: error[unreadable-file]: cannot be checked: it is not in the"), "{out}");
            assert!(out.contains("a/run:1:1: error[unreadable-file]"), "{out}");
        }
        let summary = repository.run("check --changed=base").out;
        assert!(summary.ends_with("2 errors in 2 of 3 files\n"), "{summary}");
        assert_eq!(report(&repository, "--changed=base b").0, 0);
    }
}

/// A value depends on its key, even if the key is on another line.
#[test]
fn values_of_changed_keys_count_as_changed() {
    for (path, before, now) in [
        ("a.nix", "{\n  size =\n    6379;\n}\n", "{\n  port =\n    6379;\n}\n"),
        ("a.nix", "{\n  sizes = [\n    6379\n  ];\n}\n", "{\n  ports = [\n    6379\n  ];\n}\n"),
        ("a.yaml", "size:\n  6379\n", "port:\n  6379\n"),
    ] {
        let (code, out) = report(&changed(&[(path, before)], &[(path, Some(now))]), "--changed=base");
        assert!(code == 1 && out.starts_with(path), "{before}: {code} {out}");
    }
    let (before, now) = ("{\n  a = {\n    port = 6379;\n  };\n}\n", "{\n  b = {\n    port = 6379;\n  };\n}\n");
    assert_eq!(report(&changed(&[("a.nix", before)], &[("a.nix", Some(now))]), "--changed=base"), (0, String::new()));
}

/// Vendored files are not checked, so their findings are new once they are no longer vendored.
#[test]
fn findings_in_files_that_were_vendored_are_new() {
    let port = "{ port = 6379; }\n";
    let vendored = [("vendor/modules.txt", "\n"), ("vendor/a.nix", port), ("vendor/b.nix", port)];
    for now in [&[("vendor/a.nix", None), ("src/a.nix", Some(port))][..], &[("vendor/modules.txt", None)]] {
        let (code, out) = report(&changed(&vendored, now), "--new-since base");
        assert!(code == 1 && out.contains("a.nix:1:10"), "{code} {out}");
    }
}

/// The rule is new, and the file in which it is stopped is unchanged.
#[test]
fn new_rules_that_exceed_their_limits_are_reported() {
    let list = format!("[ {} ]\n", "1 ".repeat(20_000));
    let page = "+++\nid = \"x\"\nlevel = \"error\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\n\
                query = '''(list_expression (_)* (_)* (_)* (_)* @finding (_)* (_)*)'''\n+++\n\n## Why\n\nIt is slow.\n";
    let repository = changed(&[("a.nix", &list)], &[(".flakeward/rules/x.md", Some(page))]);
    let (code, out) = report(&repository, "--changed=base");
    assert!(code == 1 && out.contains("exceeded its limits"), "{code} {out}");
}
