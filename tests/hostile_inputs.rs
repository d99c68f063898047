//! Hostile repositories, continued: a pull request cannot hide findings from `--changed`, exceed limits, change the
//! exit code, or control the terminal or workflow that displays a report.
#![cfg(unix)]

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use support::repository::Repository;

const PORT: &str = "{ port = 6379; }\n";

fn write(root: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

/// Exit code, standard output and standard error of a command.
fn run(root: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
    command.args(args).current_dir(root).stdin(Stdio::null());
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORCE_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let out = command.output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]).args(args);
    assert!(command.current_dir(root).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
}

/// The name, the files, and the command lines to try.
type Case<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a [&'a [&'a str]]);

/// Changes in a pull request are reported whatever git attributes and settings it contains.
#[test]
fn changed_files_are_not_silently_skipped() {
    let utf16: Vec<u8> = [&b"\xff\xfe"[..], &PORT.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>()].concat();
    let port = ("a.nix", PORT.as_bytes());
    let cases: [Case<'_>; 9] = [
        ("plain", &[port], &[]),
        ("-diff", &[port, (".gitattributes", b"*.nix -diff\n")], &[]),
        ("binary", &[port, (".gitattributes", b"* binary\n")], &[]),
        ("NUL", &[("a.nix", b"{ port = 6379; } # \0\n")], &[]),
        ("UTF-16", &[("a.nix", &utf16)], &[]),
        ("lone CR", &[("a.nix", b"# \r\r\r\n{ port = 6379; }\n")], &[]),
        ("hunk context", &[port], &[&["config", "diff.interHunkContext", "5"]]),
        ("file threshold", &[port], &[&["config", "core.bigFileThreshold", "1"]]),
        ("tag", &[port], &[&["tag", "main"]]),
    ];
    for (name, files, settings) in cases {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "-q"]);
        write(root.path(), &[("a.nix", b"{ }\n"), ("old.nix", PORT.as_bytes()), ("b.txt", PORT.as_bytes())]);
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "-qm", "one"]);
        git(root.path(), &["switch", "-qc", "topic"]);
        write(root.path(), files);
        git(root.path(), &["mv", "b.txt", "renamed.nix"]);
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "-qm", "two"]);
        settings.iter().for_each(|setting| git(root.path(), setting));
        let (code, out, err) = run(root.path(), &["--changed=main", "--format", "concise"]);
        // Standard error contains only the summary.
        assert!(code == Some(1) && err.lines().count() == 1 && err.starts_with("2 errors "), "{name} {code:?} {err}");
        assert!(
            out.contains("a.nix:") && out.contains("renamed.nix:1:10") && !out.contains("old.nix"),
            "{name}\n{out}"
        );
    }
}

/// If neither the grammar nor libyaml can parse all of a file, nothing is known about the rest of it.
#[test]
fn partly_parsed_yaml_is_an_error() {
    let root = Repository::new(&[("a.yaml", ">2\n''''"), ("flake.nix", "{ outputs = _: { }; }\n")]);
    let (code, out, _) = run(root.path(), &["--format", "concise"]);
    let expected = "a.yaml:1:1: error[unreadable-file]: cannot be checked: only a part of it could be parsed as YAML\n";
    assert_eq!((code, out.as_str()), (Some(1), expected));
}

/// The YAML grammar supports 253 levels; deeper nesting does not abort the process, whatever precedes it.
#[test]
fn deeply_nested_yaml_does_not_abort() {
    let deep = "- ".repeat(300);
    for start in ["", "\u{feff}", "--- ", "... ", "\"x\" ", "&a ", "@\n- @\n", "a: {\n"] {
        let root = Repository::new(&[("x.yaml", format!("{start}{deep}a\n").as_bytes()), ("a.nix", PORT.as_bytes())]);
        let (code, out, _) = run(root.path(), &["--format", "concise"]);
        assert!(code == Some(1) && out.contains("a.nix:1:10"), "{start:?} {code:?} {out}");
    }
    let wide = format!("services:\n  web:\n    ports:\n    -{}\"6379:6379\"\n", " ".repeat(33_000));
    let root = Repository::new(&[("compose.yaml", wide.as_bytes())]);
    let (code, out, _) = run(root.path(), &["--format", "concise"]);
    assert!(code == Some(1) && out.contains("[unreadable-file]"), "{out}");
}

/// Input that would cause deep recursion is rejected before it is processed.
#[test]
fn deeply_nested_queries_and_globs_are_rejected() {
    let page = |query: &str| {
        let front = "id = \"x\"\nlevel = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"";
        format!("+++\n{front}\nquery = '{query}'\n+++\n\n## Why\n")
    };
    for query in ["(".repeat(5_000), "[".repeat(5_000), "a:".repeat(5_000), "(".repeat(100_000)] {
        let root = Repository::new(&[(".flakeward/rules/x.md", page(&query).as_bytes()), ("a.nix", PORT.as_bytes())]);
        let (code, _, err) = run(root.path(), &["--format", "concise"]);
        assert!(code == Some(2) && err.contains("the query"), "{code:?} {err}");
    }
    let glob = format!("{}b{}", "{a,".repeat(50_000), "}".repeat(50_000));
    let overrides = format!("[[overrides]]\npaths = [\"{glob}\"]\nrules.dockerfile = \"off\"\n");
    for settings in [format!("exclude = [\"{glob}\"]\n"), overrides] {
        let root = Repository::new(&[("flakeward.toml", settings.as_bytes()), ("a.nix", PORT.as_bytes())]);
        let (code, _, err) = run(root.path(), &["--format", "concise"]);
        assert!(code == Some(2) && err.contains("nested too deeply"), "{code:?} {err}");
    }
    let root = Repository::new(&[(".gitignore", glob.as_bytes()), ("a.nix", PORT.as_bytes())]);
    let (code, out, _) = run(root.path(), &["--format", "concise"]);
    assert!(code == Some(1) && out.contains(".gitignore:1:1: error[unreadable-file]"), "{out}");
}

#[test]
fn ignore_files_that_are_links_are_not_read() {
    for target in ["/proc/self/pagemap", "/proc/kmsg", "../a.nix", "nowhere"] {
        let root = Repository::new(&[("a.nix", PORT.as_bytes()), ("sub/b.nix", PORT.as_bytes())]);
        symlink(target, root.path().join("sub/.ignore")).unwrap();
        for args in [&["--format", "concise"][..], &["--format", "concise", "sub/b.nix"]] {
            let (code, out, _) = run(root.path(), args);
            assert!(code == Some(1) && (args.len() > 2 || out.contains("sub/.ignore:1:1: error")), "{target} {out}");
        }
    }
}

/// A file that cannot be checked fails the run, with any options.
#[test]
fn files_that_cannot_be_checked_fail_the_run() {
    let latin: (&str, &[u8]) = ("bad.nix", b"{ a = \"\xff\"; }");
    let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
    let deep = format!(
        "# flakeward: allow-file(unreadable-file) because\n{{ port = 6379; p = <nixpkgs>; a = {open}{close}; }}"
    );
    let causes: [(&str, &[u8]); 2] = [latin, ("deep.nix", deep.as_bytes())];
    let options: [&[&str]; 9] = [
        &[],
        &["--select", "lookup-path"],
        &["--select", "hardcoded-port", "--fail-on", "error"],
        &["--ignore", "syntax-error"],
        &["--ignore", "unreadable-file"],
        &["--level", "unreadable-file=hint"],
        &["--level", "unreadable-file=off"],
        &["-q"],
        &["--no-ignore"],
    ];
    for cause in causes {
        for settings in
            ["", "[rules.unreadable-file]\nlevel = \"off\"\n", "[rules.unreadable-file]\nlevel = \"warn\"\n"]
        {
            for option in options {
                for format in ["concise", "json", "github", "sarif", "junit"] {
                    let root = Repository::new(&[cause, ("flakeward.toml", settings.as_bytes())]);
                    let args = [option, &["--format", format]].concat();
                    let (code, ..) = run(root.path(), &args);
                    assert!(matches!(code, Some(1 | 2)), "{} {settings} {args:?}: {code:?}", cause.0);
                }
            }
        }
        let root = Repository::new(&[cause]);
        assert_eq!(run(root.path(), &["baseline"]).0, Some(2));
        assert!(!root.path().join(".flakeward").exists());
    }
}

/// Text from a repository cannot control a terminal or a workflow, in any command and format.
#[test]
fn control_sequences_in_texts_have_no_effect() {
    let page = "+++\nid = \"x\"\nlevel = \"warn\"\nsummary = \"s\\u001b[31m ##[group]\"\nlanguages = [\"nix\"]\n\
                message = \"m {text}\"\nhelp = \"h\\n::stop-commands::t\"\nattrpath = [\"port\"]\n+++\n\n## Why \u{1b}]0;owned\u{7}\n\n\
                ::add-mask::x\n\n\u{202e}turned ##[endgroup]\n";
    let files: [(&str, &[u8]); 4] = [
        ("::add-mask::x.nix", PORT.as_bytes()),
        ("lib/ports.nix", b"{ \"##[a]\" = 4000; web = 6379; }\n"),
        ("a.nix", b"let ports = import ./lib/ports.nix; in { port = 6379; } # ##[add-mask]e \x1b[31m\n"),
        (".flakeward/rules/x.md", page.as_bytes()),
    ];
    let commands: [&[&str]; 15] = [
        &["check", "--format", "pretty"],
        &["check", "--format", "concise"],
        &["check", "--format", "json"],
        &["check", "--format", "jsonl"],
        &["check", "--format", "sarif"],
        &["check", "--format", "gitlab"],
        &["check", "--format", "junit"],
        &["check", "--format", "markdown"],
        &["explain", "local/x"],
        &["rules"],
        &["rules", "--format", "json"],
        &["ports"],
        &["ports", "--format", "json"],
        &["ports", "--format", "markdown"],
        &["fix", "--unsafe"],
    ];
    for command in commands {
        let root = Repository::new(&files);
        let (code, out, err) = run(root.path(), command);
        assert!(code.is_some_and(|code| code < 2), "{command:?} {err}");
        for line in out.split(['\n', '\r']).chain(err.split(['\n', '\r'])) {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{command:?}: {line}");
        }
        let harmful = |c: char| c != '\n' && c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
        assert_eq!(out.chars().chain(err.chars()).find(|c| harmful(*c)), None, "{command:?}");
    }
    let forged = "d/a\n+++ b/evil\nx.nix";
    let text = b"let ports = import ../../lib/ports.nix; in\n{ port = 6379; }\n";
    let root = Repository::new(&[("lib/ports.nix", &b"{ web = 6379; }\n"[..]), (forged, text)]);
    let (_, out, _) = run(root.path(), &["fix", "--diff", "-q"]);
    assert!(out.contains("ports.web") && !out.contains("\n+++ b/evil\n"), "{out}");
}

/// The cost of evaluating a registry is limited by the size of the values it processes.
#[test]
fn the_evaluation_of_registries_terminates() {
    let lists: String =
        (1..12).map(|level| format!("x{level} = [{}]; ", format!("x{} ", level - 1).repeat(10))).collect();
    let shared = format!("let x0 = [1 1 1 1 1 1 1 1 1 1]; {lists} in {{ a = if x11 == x11 then 8001 else 8002; }}");
    let big: String = (0..20_000).map(|index| format!("a{index} = 1; ")).collect();
    let names = format!(
        "let big = {{ {big} }}; in {{ a = builtins.length (builtins.filter (x: builtins.isList (builtins.attrNames big)) \
         (builtins.genList (i: i) 4000)); }}"
    );
    let chain: String = (1..3_000).map(|index| format!("a{index} = {{ inherit (a{}) x; }};\n", index - 1)).collect();
    for text in [shared, names, format!("rec {{ a0 = {{ x = 8001; }};\n{chain} }}")] {
        let user = b"let ports = import ./lib/ports.nix; in { port = ports.a; }";
        let root = Repository::new(&[("lib/ports.nix", text.as_bytes()), ("m.nix", user)]);
        let (code, _, err) = run(root.path(), &["--format", "concise"]);
        assert!(code.is_some_and(|code| code < 2), "{code:?} {err}");
    }
}

/// Unusual characters, template markers and suppressions in a pull request do not hide findings.
#[test]
fn findings_cannot_be_hidden_from_a_check() {
    type Hidden<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a [&'a str], &'a str);
    let cases: [Hidden<'_>; 4] = [
        ("CR ends a comment in Nix", &[("a.nix", b"{ # x\r port = 6379;\n}\n")], &[], "a.nix:2:"),
        ("NUL in YAML", &[("a.yaml", b"# \0\nport: 6379\n")], &[], "a.yaml:1:1: error[unreadable-file]"),
        (
            "template markers in a comment",
            &[("compose.yaml", b"# {{ x }}\nservices: {web: {image: nginx}, ]\n")],
            &[],
            "compose.yaml:2:",
        ),
        (
            "suppressions on one line",
            &[("a.nix", b"[ /* flakeward: allow(lookup-path) x */ <a> /* flakeward: allow(lookup-path) y */ ]\n{ port = 6379; }\n")],
            &[],
            "a.nix:2:",
        ),
    ];
    for (name, files, args, expected) in cases {
        let root = Repository::new(files);
        let (_, out, err) = run(root.path(), &[args, &["--format", "concise"]].concat());
        assert!(out.contains(expected), "{name}\n{out}{err}");
    }
}

/// A tracked script without an extension is checked even if ignore files cover it.
#[test]
fn tracked_scripts_are_checked_even_if_ignored() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    let files: [(&str, &[u8]); 3] = [
        ("flake.nix", b"{ outputs = _: { }; }\n"),
        ("bin/start", b"#!/bin/sh\nnpm run dev\n"),
        (".gitignore", b"/bin/\n"),
    ];
    write(root.path(), &files);
    git(root.path(), &["add", "-f", "."]);
    let (code, out, _) = run(root.path(), &["--format", "concise"]);
    assert!(code == Some(1) && out.contains("bin/start:2:1: error[dev-command]"), "{out}");
}

/// A hook passes the names of staged files, some of which may be links.
#[test]
fn requested_links_to_files_outside_the_repository_are_rejected() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), &[("s.nix", b"{ TOKEN = 1; port = 6379; }\n")]);
    let root = Repository::new(&[("a.nix", PORT)]);
    symlink(outside.path().join("s.nix"), root.path().join("x.nix")).unwrap();
    symlink(outside.path(), root.path().join("d")).unwrap();
    symlink(root.path().join("a.nix"), root.path().join("inside.nix")).unwrap();
    for name in ["x.nix", "d/s.nix"] {
        let (code, out, err) = run(root.path(), &["check", name]);
        assert!(code == Some(2) && err.contains("outside the repository"), "{name} {code:?} {err}");
        assert!(!out.contains("TOKEN"), "{out}");
    }
    assert_eq!(run(root.path(), &["check", "inside.nix"]).0, Some(1));
}

/// Git's own files are not read if they are pipes or devices, so they cannot block the run.
#[test]
fn pipes_and_devices_in_place_of_git_files_are_not_read() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    write(root.path(), &[("a.nix", b"{ port = 6379; # flakeward: allow(hardcoded-port) x\n}\n")]);
    symlink("/dev/zero", root.path().join(".ignored-revs")).unwrap();
    git(root.path(), &["config", "blame.ignoreRevsFile", ".ignored-revs"]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-qm", "one"]);
    assert!(Command::new("mkfifo").arg(root.path().join(".git/commondir")).status().unwrap().success());
    assert_eq!(run(root.path(), &["check", "-q"]).0, Some(0));
    fs::remove_file(root.path().join(".git/commondir")).unwrap();
    let (code, out, _) = run(root.path(), &["accepted"]);
    assert!(code == Some(0) && out.contains("a.nix:1: suppression[hardcoded-port]"), "{out}");
    git(root.path(), &["config", "--unset", "blame.ignoreRevsFile"]);
    write(root.path(), &[("sub/a.nix", b"{ port = 6380; # flakeward: allow(hardcoded-port) x\n}\n")]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-qm", "two"]);
    for name in [".mailmap", ".gitattributes", "sub/.gitattributes"] {
        let pipe = root.path().join(name);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (code, out, _) = run(root.path(), &["accepted"]);
        assert!(code == Some(0) && out.contains("sub/a.nix:1: suppression[hardcoded-port]"), "{name}: {out}");
        fs::remove_file(pipe).unwrap();
    }
    assert!(run(root.path(), &["accepted"]).1.contains("author "));
}

/// A folder without a policy, such as a submodule that is not checked out, is not an empty policy.
#[test]
fn a_folder_without_a_policy_is_an_error() {
    let root =
        Repository::new(&[("flakeward.toml", "[policy]\nextends = \"p\"\n"), ("p/README.md", "x"), ("a.nix", PORT)]);
    let (code, _, err) = run(root.path(), &["check"]);
    assert!(code == Some(2) && err.contains("has no policy"), "{err}");
}

/// Free ports are printed on standard output only if all registered ports are known, because scripts use the output.
#[test]
fn no_free_port_is_printed_unless_all_ports_are_known() {
    let root = Repository::new(&[("lib/ports.nix", "{ web = 8080;")]);
    let (code, out, _) = run(root.path(), &["ports", "next"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
}

/// A branch that is named like a remote-tracking branch does not take its place.
#[test]
fn an_ambiguous_reference_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    write(root.path(), &[("a.nix", b"{ }\n")]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-qm", "one"]);
    git(root.path(), &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    write(root.path(), &[("a.nix", PORT.as_bytes())]);
    git(root.path(), &["commit", "-qam", "two"]);
    git(root.path(), &["branch", "origin/main"]);
    for option in ["--changed=origin/main", "--new-since=origin/main"] {
        let (code, _, err) = run(root.path(), &["check", option]);
        assert!(code == Some(2) && err.contains("refs/remotes/origin/main"), "{option} {err}");
    }
    assert_eq!(run(root.path(), &["check", "--changed=refs/remotes/origin/main"]).0, Some(1));
}

/// A branch or tag cannot take precedence over a full name or an abbreviated commit.
#[test]
fn branches_do_not_shadow_full_names_and_commits() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q", "-b", "main"]);
    write(root.path(), &[("a.nix", b"{ }\n")]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-qm", "one"]);
    let id = |name: &str| {
        let output = Command::new("git").args(["rev-parse", "--short=12", name]).current_dir(root.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
    };
    let (short, of_file) = (id("HEAD"), id("HEAD:a.nix"));
    git(root.path(), &["checkout", "-qb", "change"]);
    write(root.path(), &[("a.nix", PORT.as_bytes())]);
    git(root.path(), &["commit", "-qam", "two"]);
    for name in ["refs/heads/refs/heads/main", "refs/heads/HEAD"] {
        git(root.path(), &["update-ref", name, "HEAD"]);
    }
    for option in ["--changed=refs/heads/main", "--new-since=refs/heads/main", "--changed=HEAD~1", "--new-since=HEAD^"]
    {
        assert_eq!(run(root.path(), &["check", option]).0, Some(1), "{option}");
    }
    let by_id = format!("--changed={short}");
    assert_eq!(run(root.path(), &["check", &by_id]).0, Some(1));
    git(root.path(), &["tag", &short]);
    let (code, _, err) = run(root.path(), &["check", &by_id]);
    assert!(code == Some(2) && err.contains("an abbreviation of another commit"), "{err}");
    // The id of a blob is not the id of a commit.
    git(root.path(), &["tag", &of_file, "main"]);
    assert_eq!(run(root.path(), &["check", &format!("--changed={of_file}")]).0, Some(1));
}

/// A worktree may be inside the `.git` folder of its repository.
#[test]
fn files_of_a_worktree_inside_dot_git_can_be_written() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    let compose = b"services:\n  web:\n    image: nginx\n";
    write(root.path(), &[("base.toml", b""), ("compose.yaml", compose), ("flake.nix", b"{ outputs = _: { }; }\n")]);
    symlink("base.toml", root.path().join("flakeward.toml")).unwrap();
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-qm", "one"]);
    git(root.path(), &["worktree", "add", "-q", ".git/trees/other"]);
    let other = root.path().join(".git/trees/other");
    let (code, out, err) = run(&other, &["migrate", "compose.yaml"]);
    assert!(code == Some(0) && out.contains("services.nginx"), "{out}{err}");
    let (code, _, err) = run(&other, &["check", "flake.nix"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(run(&other, &["check", "flake.nix", "-o", "r.txt"]).0, Some(0));
    assert!(other.join("r.txt").is_file());
    let config = std::fs::read(root.path().join(".git/config")).unwrap();
    for path in ["../../config", "../../../.git/config", "../../../.git/trees/../config"] {
        let (code, _, err) = run(&other, &["check", "flake.nix", "-o", path]);
        assert!(code == Some(2) && err.contains("Git's own directory"), "{path}: {err}");
    }
    assert_eq!(std::fs::read(root.path().join(".git/config")).unwrap(), config);
}

/// Matching thousands of globs at once would take gigabytes.
#[test]
fn many_globs_are_matched_in_limited_memory() {
    let flakeward = env!("CARGO_BIN_EXE_flakeward");
    let globs = || (0..3_000).map(|index| format!("**/d{index}/**/z*"));
    let quoted = globs().map(|glob| format!("\"{glob}\",")).collect::<String>();
    let head = "+++\nid = \"x\"\nlevel = \"error\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nattrpath = [\"a.b\"]\n";
    let rule = format!("{head}message = \"m\"\npaths = [{quoted}]\n+++\n\n## Why\n\nx\n");
    let settings = [
        ("flakeward.toml", format!("exclude = [{quoted}]\n"), "check"),
        (".flakeward/rules/x.md", rule, "check"),
        ("CODEOWNERS", globs().map(|glob| format!("{glob} @a\n")).collect(), "accepted"),
    ];
    for (path, text, command) in settings {
        let root = Repository::new(&[(path, text.as_str())]);
        for index in 0..1_500 {
            root.write(&format!("d{index}/a.nix"), "{ a.port = 6379; } # flakeward: allow(hardcoded-port) vendored\n");
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v 2000000; exec {flakeward} {command} >/dev/null")]);
        let ran = shell.current_dir(root.path()).stdin(Stdio::null()).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{path}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// A file is written completely or not at all, even if the disk is full or file sizes are limited.
#[test]
fn files_are_not_partly_written_if_their_size_is_limited() {
    let flakeward = env!("CARGO_BIN_EXE_flakeward");
    for (command, file) in [("init", "flakeward.toml"), ("baseline", ".flakeward/baseline.json"), ("-f json -o r", "r")]
    {
        let root = Repository::new(&[("a.nix", PORT)]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -f 0; exec {flakeward} {command} 2>/dev/null")]);
        let status = shell.current_dir(root.path()).stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{command}");
        let folder = root.path().join(file);
        let left: Vec<_> =
            fs::read_dir(folder.parent().unwrap()).unwrap().flatten().map(|one| one.file_name()).collect();
        let is_ours = |name: &std::ffi::OsString| name != "a.nix" && name != ".git";
        assert!(!left.iter().any(is_ours), "{command}: {left:?}");
        assert!(run(root.path(), &command.split(' ').collect::<Vec<_>>()).0 < Some(2), "{command}");
        assert!(fs::metadata(folder).unwrap().len() > 0);
    }
}

/// `baseline --output` replaces baselines, including damaged ones, and no other files.
#[test]
fn the_baseline_command_overwrites_only_baselines() {
    let root = Repository::new(&[("a.nix", PORT), ("empty", ""), ("note.md", "# x\n")]);
    fs::create_dir(root.path().join("folder")).unwrap();
    for file in ["a.nix", "note.md", "folder"] {
        let (code, _, err) = run(root.path(), &["baseline", "--output", file]);
        assert!(code == Some(2) && err.contains("is not a baseline"), "{file}: {err}");
    }
    assert_eq!((root.read("a.nix"), root.read("note.md")), (PORT.to_owned(), "# x\n".to_owned()));
    for file in ["empty", "new.json"] {
        assert_eq!(run(root.path(), &["baseline", "--output", file]).0, Some(0), "{file}");
    }
    let conflict = root.read("new.json").replace("\"findings\"", "<<<<<<< a\n\"findings\"");
    root.write("new.json", conflict);
    assert_eq!(run(root.path(), &["baseline", "--output", "new.json"]).0, Some(0));
    assert!(serde_json::from_str::<serde_json::Value>(&root.read("new.json")).is_ok());
}

/// Arguments are repeated in messages without characters that could control a terminal or a workflow.
#[test]
fn arguments_are_escaped_in_messages() {
    let root = Repository::new(&[("a.nix", "{ }\n")]);
    let hostile = "--x\u{1b}[31m\n::error::y\u{202e}##[add-mask]z\u{7f}";
    for args in [
        &["check", hostile][..],
        &[hostile],
        &["check", "--format", hostile],
        &["check", "--jobs", hostile],
        &["explain", hostile],
    ] {
        let (code, out, err) = run(root.path(), args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(!err.contains(['\u{1b}', '\u{202e}', '\u{7f}']) && !err.contains("##["), "{args:?} {err}");
        assert!(!err.lines().any(|line| line.trim_start().starts_with("::")), "{args:?} {err}");
    }
}

/// A path on the command line may be longer than the system allows.
#[test]
fn paths_that_are_too_long_are_rejected() {
    let root = Repository::new(&[("a.nix", "{ }\n")]);
    let path = format!("{}x.nix", "a/".repeat(60_000));
    let (code, _, err) = run(root.path(), &["check", "-", "--stdin-filename", &path]);
    assert!(code == Some(2) && err.contains("is too long"), "{err}");
}

/// Settings that are links do not reveal the contents of files that Git does not track, such as credentials.
#[test]
fn linked_settings_do_not_show_secrets() {
    const SECRET: &str = "https://token:SECRET@host/x";
    for (link, target, reason) in [
        ("flakeward.toml", ".git/config", "one of Git's own files"),
        (".flakeward.toml", "credentials.json", "Git does not track"),
        (".flakeward/baseline.json", "../credentials.json", "Git does not track"),
        (".flakeward/rules/a.md", "../../credentials.json", "Git does not track"),
    ] {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "-q"]);
        git(root.path(), &["remote", "add", "origin", SECRET]);
        write(root.path(), &[("a.nix", b"{ }\n"), (".flakeward/rules/README.md", b"\n")]);
        symlink(target, root.path().join(link)).unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "-qm", "one"]);
        write(root.path(), &[("credentials.json", SECRET.as_bytes())]);
        let (code, out, err) = run(root.path(), &["check"]);
        assert!(code == Some(2) && err.contains(reason), "{link}: {err}");
        assert!(!(out + &err).contains("SECRET"), "{link}");
    }
    let compose = "services:\n  a:\n    image: redis\n    env_file: .git/config\n";
    let root = Repository::new(&[("compose.yaml", compose), (".git/config", "URL=SECRET\n")]);
    let (_, out, err) = run(root.path(), &["migrate"]);
    assert!(!(out + &err).contains("SECRET"));
}

/// `migrate --write` fails if a file has changes that git ignores because of a flag in its index.
#[test]
fn changes_that_the_git_index_hides_are_not_overwritten() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "-q"]);
        let compose = b"services:\n  web:\n    image: redis\n    ports: [\"6379:6379\"]\n";
        write(root.path(), &[("lib/ports.nix", b"{ web = 8080; }\n"), ("compose.yaml", compose)]);
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "-qm", "one"]);
        git(root.path(), &["update-index", flag, "lib/ports.nix"]);
        let edited = b"{ web = 8080; local = 1234; }\n";
        write(root.path(), &[("lib/ports.nix", edited)]);
        let (code, _, err) = run(root.path(), &["migrate", "--write"]);
        assert!(code == Some(2) && err.contains("uncommitted changes"), "{flag}: {err}");
        assert_eq!(fs::read(root.path().join("lib/ports.nix")).unwrap(), edited);
    }
}

#[test]
fn signals_leave_no_temporary_files_next_to_reports() {
    let ports: String = (0..2_000).map(|index| format!("{{ s{index}.port = 8080; }}\n")).collect();
    let root = Repository::new(&[("a.nix", format!("[\n{ports}]\n"))]);
    let temporary = || {
        let names = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    };
    let mut interrupted = 0;
    for _ in 0..5 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
        command
            .args(["check", "--format", "json", "--output", "one.json", "--format", "sarif", "--output", "two.json"]);
        let mut child = command.current_dir(root.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && temporary() == 0 {}
        interrupted += temporary();
        // The kill fails if the run has already ended.
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
        assert_eq!(temporary(), 0);
    }
    assert!(interrupted > 0, "no signal arrived while a report was being written");
}

/// A signal that is ignored, as by `nohup`, does not end a run that writes a report.
#[test]
fn ignored_signals_stay_ignored() {
    let ports: String = (0..2_000).map(|index| format!("{{ s{index}.port = 8080; }}\n")).collect();
    let root = Repository::new(&[("a.nix", format!("[\n{ports}]\n"))]);
    let flakeward = env!("CARGO_BIN_EXE_flakeward");
    let script = format!("trap '' HUP; touch started; exec {flakeward} check --format json --output one.json");
    let mut shell = Command::new("sh");
    let mut child = shell
        .args(["-c", &script])
        .current_dir(root.path())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        if !root.path().join("started").exists() {
            continue;
        }
        let _ = Command::new("kill").args(["-HUP", &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    for argument in ["--help", "--version"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_flakeward")).arg(argument).stdout(full).output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{argument}");
    }
}

/// A report or baseline that replaces one of Git's own files would make the repository unusable.
#[test]
fn git_files_are_not_replaced() {
    let root = Repository::new(&[("a.nix", PORT), (".git/config", "[core]\n")]);
    for args in [["check", "-o", ".git/config"], ["check", "-o", ".git/new"], ["baseline", "-o", ".git/new"]] {
        let (code, _, err) = run(root.path(), &args);
        assert!(code == Some(2) && err.contains("it is in Git's own directory"), "{args:?}: {err}");
    }
    assert_eq!(root.read(".git/config"), "[core]\n");
    assert!(!root.path().join(".git/new").exists());
}

/// The reasons and dates in a baseline are kept, although `--isolated` ignores the settings.
#[test]
fn an_isolated_baseline_keeps_existing_reasons_and_dates() {
    let root = Repository::new(&[("a.nix", PORT)]);
    assert_eq!(run(root.path(), &["baseline", "--reason", "agreed with ops", "--until", "2099-01-01"]).0, Some(0));
    let before = root.read(".flakeward/baseline.json");
    assert!(before.contains("agreed with ops"));
    assert_eq!(run(root.path(), &["baseline", "--isolated"]).0, Some(0));
    assert_eq!(root.read(".flakeward/baseline.json"), before);
}

#[test]
fn an_isolated_baseline_is_not_pruned() {
    let root = Repository::new(&[
        ("flakeward.toml", "[ports]\nown-hosts = [\"db.example.org\"]\n"),
        ("u.yaml", "port: \"http://db.example.org:9999/\"\n"),
    ]);
    assert_eq!(run(root.path(), &["baseline", "--reason", "why"]).0, Some(0));
    let before = root.read(".flakeward/baseline.json");
    assert!(before.contains("u.yaml") && before.contains("why"), "{before}");
    assert_eq!(run(root.path(), &["baseline", "--isolated", "--prune"]).0, Some(2));
    assert_eq!(root.read(".flakeward/baseline.json"), before);
}

/// Matching this regular expression takes thousands of steps for each byte.
#[test]
fn regular_expressions_in_rules_have_a_time_limit() {
    let mut seed = 1u32;
    let letters = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if seed >> 31 == 0 { 'a' } else { 'b' }
    });
    let letters: String = letters.take(1 << 20).collect();
    let costly = "[ab]*a[ab]{3000}c";
    let query = |predicate: &str| format!("query = '''((string_fragment) @finding ({predicate}))'''");
    for (language, file, text, matcher) in [
        ("nix", "a.nix", format!("{{ a = \"{letters}\"; }}\n"), format!("attrpath = [\"a\"]\nvalue = \"{costly}\"")),
        ("yaml", "a.yaml", format!("a: {letters}\n"), format!("yamlpath = [\"a\"]\nvalue = \"{costly}\"")),
        (
            "dockerfile",
            "Dockerfile",
            format!("FROM a\nRUN {letters}\n"),
            format!("instruction = [\"RUN\"]\nvalue = \"{costly}\""),
        ),
        ("nix", "a.nix", format!("\"{letters}\"\n"), query(&format!("#match? @finding \"{costly}\""))),
        ("nix", "a.nix", format!("\"{letters}\"\n"), query(&format!("#any-not-match? @finding \"{costly}\""))),
    ] {
        let page = format!(
            "+++\nid = \"x\"\nlevel = \"error\"\nsummary = \"s\"\nlanguages = [\"{language}\"]\nmessage = \"m\"\n{matcher}\n\
             +++\n\n## Why\n\nIt is slow.\n"
        );
        let root = Repository::new(&[(".flakeward/rules/x.md", page.as_bytes()), (file, text.as_bytes())]);
        let begun = std::time::Instant::now();
        let (code, out, err) = run(root.path(), &["check", "--format", "concise", "--select", "local/x"]);
        let is_stopped =
            out.contains(": error[unreadable-file]: the ") && out.contains("of local/x exceeded its limits");
        assert!(code == Some(1) && is_stopped, "{matcher}: {out}{err}");
        // Without a limit, this takes about a minute in a release build.
        assert!(begun.elapsed().as_secs() < 60, "{matcher}");
        // On a short text, the same rule stays within its limits.
        let short = text.replace(&letters, &letters[..300]);
        let root = Repository::new(&[(".flakeward/rules/x.md", page.as_bytes()), (file, short.as_bytes())]);
        let (code, out, err) = run(root.path(), &["check", "--format", "concise", "--select", "local/x"]);
        assert_eq!(code, Some(i32::from(matcher.contains("not-match"))), "{matcher}: {out}{err}");
    }
}

/// Docker joins continued lines before it reads the name of an instruction.
#[test]
fn dockerfiles_with_instruction_names_across_lines_are_unreadable() {
    for text in ["FR\\\nOM node:24\n", "FROM a\nEXP\\\n# c\nOSE 6379\n", "# escape=`\nFR`\nOM a\n"] {
        let root = Repository::new(&[("Dockerfile", text)]);
        let (code, out, err) = run(root.path(), &["check", "--format", "concise"]);
        assert!(code == Some(1) && out.contains("error[unreadable-file]"), "{text}: {out}{err}");
    }
    let root = Repository::new(&[("Dockerfile", "FROM\\\n node:24\nRUN\\\n  true\n")]);
    let (_, out, _) = run(root.path(), &["check", "--format", "concise"]);
    assert!(!out.contains("unreadable-file"), "{out}");
}
