//! Hostile repositories: the exact output of whole commands, and termination. Hostile names and contents in the report
//! formats are tested in `formats.rs`, interrupted fixes in `fix.rs`.
#![cfg(unix)]

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
}

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::repository::Repository;

/// Nothing here takes a second on an idle processor; a command that takes a minute is considered hung.
const HANG: Duration = Duration::from_secs(60);

const PORT: &str = "{ port = 6379; }";
const DEEP: usize = 20_000;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
    /// The peak memory use, in MiB.
    peak: u64,
}

/// Runs a command; one that hangs is killed and fails the test.
fn run(root: &Path, args: &str) -> Ran {
    run_as(&mut Command::new(env!("CARGO_BIN_EXE_flakeward")), root, args)
}

fn run_as(command: &mut Command, root: &Path, args: &str) -> Ran {
    let place = tempfile::tempdir().unwrap();
    let (out, err) = (place.path().join("out"), place.path().join("err"));
    command.args(args.split_whitespace()).current_dir(root).env_remove("GITHUB_STEP_SUMMARY").stdin(Stdio::null());
    let files = (fs::File::create(&out).unwrap(), fs::File::create(&err).unwrap());
    let mut child = command.stdout(files.0).stderr(files.1).spawn().unwrap();
    let begun = Instant::now();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > HANG {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("flakeward {args} hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let read = |file| fs::read_to_string(file).unwrap();
    Ran { code: status.code(), out: read(out), err: without_summary(&read(err)), peak }
}

/// The stderr output of a command without the summary of a concise report.
fn without_summary(err: &str) -> String {
    let is_summary = |line: &&str| {
        line.starts_with(|c: char| c.is_ascii_digit()) && [" in ", "no findings"].iter().any(|part| line.contains(part))
    };
    err.lines().filter(|line| !is_summary(line)).map(|line| format!("{line}\n")).collect()
}

/// The peak memory use of a process so far, in MiB; 0 if the system does not report it.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// The result of checking one file.
fn check_file(path: &str, text: impl AsRef<[u8]>) -> (Option<i32>, String) {
    let root = Repository::new(&[(path, text.as_ref())]);
    let ran = run(
        root.path(),
        "--format concise --select hardcoded-port,manual-port-allocation,syntax-error,unreadable-file,unused-suppression",
    );
    assert_eq!(ran.err, "", "{path}");
    assert!(ran.peak < 600, "{path}: {} MiB", ran.peak);
    (ran.code, ran.out)
}

fn refused(path: &str, reason: &str) -> (Option<i32>, String) {
    (Some(1), format!("{path}:1:1: error[unreadable-file]: cannot be checked: {reason}\n"))
}

fn port(place: &str) -> String {
    format!("{place}: error[hardcoded-port]: port 6379 is hardcoded\n")
}

#[test]
fn deeply_nested_input_is_rejected() {
    let nix = |open: &str, close: &str| format!("{{ port = 6379; a = {}1{}; }}", open.repeat(DEEP), close.repeat(DEEP));
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a=", ";}"),
        ("x: ", ""),
        ("let a = 1; in ", ""),
        ("1 + ", ""),
        ("{ } // ", ""),
        ("if a then 1 else ", ""),
        ("\"${", "}\""),
    ] {
        assert_eq!(check_file("x.nix", nix(open, close)), refused("x.nix", "nesting is too deep"), "{open}");
    }
    let yaml = |open: &str, close: &str| format!("port: 6379\na: {}1{}\n", open.repeat(DEEP), close.repeat(DEEP));
    let block: String = (0..2_000).map(|level| " ".repeat(level) + "port:\n").collect();
    for text in [yaml("[", "]"), yaml("{a: ", "}"), "- ".repeat(DEEP) + "port: 6379\n", block + "6379\n"] {
        assert_eq!(check_file("x.yaml", &text), refused("x.yaml", "nesting is too deep"), "{}", &text[..20]);
    }
    let lock = format!("{{\"nodes\":{}1{}}}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    let root = Repository::new(&[("flake.nix", "{ outputs = _: { }; }"), ("flake.lock", lock.as_str())]);
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.out), refused("flake.lock", "nesting is too deep"));
    let path = format!("{{ port = 6379; {} = 1; }}", vec!["a"; DEEP].join("."));
    assert_eq!(check_file("x.nix", path), refused("x.nix", "parsing takes too long"));
}

#[test]
fn long_dockerfiles_are_read_to_the_end() {
    let continued = format!("FROM a\nRUN echo {}b\nEXPOSE 6379\n", "a \\\n".repeat(DEEP));
    assert_eq!(check_file("Dockerfile", continued), (Some(1), port("Dockerfile:20003:8")));
    let ended: String = (0..DEEP).map(|index| format!("RUN <<E{index}\n")).collect();
    let (code, out) = check_file("Dockerfile", format!("FROM a\n{ended}EXPOSE 6379\n"));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("warn[syntax-error]: cannot be parsed as a Dockerfile"), "{out}");
}

#[test]
fn long_lines_and_large_files_are_checked_or_rejected() {
    let filler = "y".repeat(2_000_000);
    assert_eq!(
        check_file("x.nix", format!("{{ a = \"{filler}\"; port = 6379; }}")),
        (Some(1), port("x.nix:1:2000018"))
    );
    assert_eq!(check_file("x.yaml", format!("a: \"{filler}\"\nport: 6379\n")), (Some(1), port("x.yaml:2:7")));
    let lines = "port: 6379\n".to_owned() + &"a: b\n".repeat(1_000_000);
    let cut = "x.yaml:32768:1: error[unreadable-file]: cannot be checked from here on: the file has too many lines\n";
    assert_eq!(check_file("x.yaml", lines), (Some(1), port("x.yaml:1:7") + cut));
    let root = Repository::new::<&str>(&[]);
    fs::File::create(root.path().join("x.nix")).unwrap().set_len(100 << 20).unwrap();
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.out), refused("x.nix", "its size of 100 MiB exceeds the limit of 32 MiB"));
    assert!(ran.peak < 200, "{} MiB", ran.peak);
}

#[test]
fn aliases_are_not_expanded() {
    let all = |name: &str, level: usize| vec![format!("*{name}{}", level - 1); 9].join(",");
    let bomb: String = (1..40).map(|level| format!("a{level}: &a{level} [{}]\n", all("a", level))).collect();
    assert_eq!(check_file("x.yaml", format!("a0: &a0 [1]\n{bomb}port: 6379\n")), (Some(1), port("x.yaml:41:7")));
    let endless = "services: &a\n  a: *a\n  b:\n    <<: *a\n    port: 6379\n";
    assert_eq!(check_file("compose.yaml", endless), (Some(1), port("compose.yaml:5:11")));
}

#[test]
fn every_encoding_is_read_or_rejected() {
    let utf16 = |mark: &[u8]| [mark, &PORT.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>()].concat();
    assert_eq!(check_file("x.nix", utf16(b"\xff\xfe")), refused("x.nix", "it is UTF-16, not UTF-8"));
    assert_eq!(check_file("x.nix", utf16(b"")), refused("x.nix", "it is UTF-16, not UTF-8"));
    let invalid = "it is not UTF-8 (first at byte 7, line 1)";
    assert_eq!(check_file("x.nix", b"{ a = \"\xff\"; }"), refused("x.nix", invalid));
    assert_eq!(check_file("x.nix", format!("\u{feff}{PORT}")), (Some(1), port("x.nix:1:10")));
    for end in ["\r", "\n", "\r\n"] {
        assert_eq!(
            check_file("x.nix", format!("{{{end}port = 6379;{end}}}{end}")),
            (Some(1), port("x.nix:2:8")),
            "{end:?}"
        );
        assert_eq!(check_file("x.yaml", format!("a: 1{end}port: 6379{end}")), (Some(1), port("x.yaml:2:7")), "{end:?}");
    }
    let (code, out) = check_file("x.nix", "{ port = 6379; \0 }");
    assert_eq!(code, Some(1));
    assert!(out.contains(&port("x.nix:1:10")) && out.contains("warn[syntax-error]"), "{out:?}");
}

#[test]
fn thousands_of_names_findings_and_suppressions_are_handled() {
    let range = || 0..20_000;
    let bound: String = range().map(|index| format!("n{index}Port = {};\n", index + 1_000)).collect();
    let used: String = range().map(|index| format!("{{ port = n{index}Port; }}\n")).collect();
    let (code, out) = check_file("x.nix", format!("let {bound} in [ {used} ]"));
    assert_eq!((code, out.lines().count()), (Some(1), 20_000));
    let beside: String =
        (0..5_000).map(|index| format!("a{index}.port = 6379; a{index}.host = \"x.org\";\n")).collect();
    let (code, out) = check_file("x.nix", format!("{{ {beside} }}"));
    assert!(code.is_some_and(|code| code < 2) && !out.contains("unreadable-file"), "{out}");
    let silenced = "{ port = 6379; } # flakeward: allow(hardcoded-port) because\n".repeat(20_000);
    assert_eq!(check_file("x.nix", format!("[\n{silenced}]")), (Some(0), String::new()));
    let unused = "1 # flakeward: allow(hardcoded-port) because\n".repeat(20_000);
    let (_, out) = check_file("x.nix", format!("[\n{unused}]"));
    assert_eq!(out.matches("[unused-suppression]").count(), 20_000);
    let alone = "# flakeward: allow(hardcoded-port) because\n".repeat(20_000);
    assert_eq!(check_file("x.nix", alone + PORT), (Some(0), String::new()));
    let root = Repository::new(&[("x.nix", format!("[\n{}]", format!("{PORT}\n").repeat(20_000)).as_bytes())]);
    let ran = run(root.path(), "--format pretty");
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("(20000 occurrences)") && ran.peak < 600, "{} MiB", ran.peak);
}

/// Names that the file system allows. None is taken for an option.
#[test]
fn files_with_any_name_are_checked_or_reported() {
    use std::os::unix::ffi::OsStrExt;
    let long = format!("{}.nix", "a".repeat(251));
    let names: [&[u8]; 8] =
        [b"-", b"--help", b"--help.nix", b"-x.nix", b".nix", b"a\nb\x1b[31m.nix", b"\xff.nix", long.as_bytes()];
    let root = Repository::new::<&str>(&[]);
    let at = |name: &[u8]| root.path().join(std::ffi::OsStr::from_bytes(name));
    for name in names {
        fs::write(at(name), PORT).unwrap();
    }
    let ran = run(root.path(), "--format concise");
    let shown = ["--help.nix", "-x.nix", ".nix", "a\\nb\\u{1b}[31m.nix", &long, "\u{fffd}.nix"];
    let expected: String = shown.iter().map(|name| port(&format!("{name}:1:10"))).collect();
    assert_eq!((ran.code, ran.out, ran.err.as_str()), (Some(1), expected, ""));
    fs::write(at(b"\xfe.nix"), PORT).unwrap();
    let ran = run(root.path(), "--format concise");
    let twin = "cannot be checked: another file has the same name when shown as UTF-8";
    assert!(ran.out.contains(&format!("\u{fffd}.nix:1:1: error[unreadable-file]: {twin}\n")), "{}", ran.out);
    // The fix for a file whose name cannot be encoded is not written to another file.
    fs::write(at(b"ports.nix"), "{ redis = 6379; a = 1; }").unwrap();
    fs::remove_file(at(b"\xfe.nix")).unwrap();
    let ran = run(root.path(), "fix \u{fffd}.nix");
    assert_eq!(ran.code, Some(2), "{} {}", ran.out, ran.err);
    assert_eq!(fs::read_to_string(at(b"\xff.nix")).unwrap(), PORT);
    assert!(!at("\u{fffd}.nix".as_bytes()).exists());
}

#[test]
fn files_a_thousand_folders_deep_are_checked() {
    let root = Repository::new::<&str>(&[]);
    let path = format!("{}x.nix", "d/".repeat(1_000));
    let file = root.path().join(&path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, PORT).unwrap();
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.out), (Some(1), port(&format!("{path}:1:10"))));
}

/// flakeward's settings files and ignore files are read only if reading them is guaranteed to terminate.
#[test]
fn settings_must_be_regular_files_of_a_limited_size() {
    let no_file = "it is neither a file nor a directory";
    let pipe = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    for (path, what, limit) in [
        ("flakeward.toml", "configuration", "1 MiB"),
        (".flakeward/baseline.json", "baseline", "32 MiB"),
        (".flakeward/rules/a.md", "rule", "256 KiB"),
    ] {
        let root = Repository::new(&[("a.nix", PORT.as_bytes())]);
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let said = |reason: &str| format!("error: cannot read the {what} {path}: {reason}\n");
        pipe(&file);
        let ran = run(root.path(), "");
        assert_eq!((ran.code, ran.out.as_str(), ran.err), (Some(2), "", said(no_file)));
        fs::remove_file(&file).unwrap();
        fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
        let ran = run(root.path(), "");
        assert_eq!((ran.code, ran.err), (Some(2), said(&format!("its size of 100 MiB exceeds the limit of {limit}"))));
        assert!(ran.peak < 100, "{} MiB", ran.peak);
    }
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), ("flakeward.toml/x", b"")]);
    let ran = run(root.path(), "");
    assert_eq!(ran.err, "error: cannot read the configuration flakeward.toml: it is a directory\n");
    let refused = |path: &str, reason: &str| refused(path, reason).1;
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), ("sub/b.nix", PORT.as_bytes())]);
    pipe(&root.path().join("sub/.gitignore"));
    let ran = run(root.path(), "--format concise");
    let left_out = refused("sub/.gitignore", &format!("{no_file}; its directory is skipped"));
    assert_eq!((ran.code, ran.out), (Some(1), port("a.nix:1:10") + &left_out));
    for path in [".gitignore", ".ignore", ".git/info/exclude"] {
        let root = Repository::new(&[("a.nix", PORT.as_bytes())]);
        fs::create_dir(root.path().join(".git/info")).unwrap();
        symlink("/dev/zero", root.path().join(path)).unwrap();
        let ran = run(root.path(), "--format concise");
        let link = "it is a symbolic link, and links are not followed";
        assert_eq!((ran.code, ran.out), (Some(1), refused(path, link) + &port("a.nix:1:10")));
        fs::remove_file(root.path().join(path)).unwrap();
        fs::write(root.path().join(path), "*a*b\n".repeat(100_000)).unwrap();
        let ran = run(root.path(), "--format concise");
        let large = refused(path, "its size of 488 KiB exceeds the limit of 256 KiB");
        assert_eq!((ran.code, ran.out), (Some(1), large + &port("a.nix:1:10")));
    }
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), (".gitignore", "*a*b\n".repeat(1_000).as_bytes())]);
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.out), (Some(1), port("a.nix:1:10")));
    assert!(ran.peak < 600, "{} MiB", ran.peak);
    fs::write(root.path().join(".gitignore"), "*a*b\n".repeat(50_000)).unwrap();
    let ran = run(root.path(), "--format concise");
    let many = refused(".gitignore", "it has more than 1,000 patterns with wildcards, so the whole file is ignored");
    assert_eq!((ran.code, ran.out), (Some(1), many + &port("a.nix:1:10")));
    assert!(ran.peak < 600, "{} MiB", ran.peak);
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), (".gitignore", b"[\n***\n{a,\n\\\n!\n[z-a]\n\xff\n")]);
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.out), (Some(1), port("a.nix:1:10")));
}

/// Lookups for many findings use an index or are skipped; there is no linear search for each finding.
#[test]
fn many_findings_on_one_line_and_in_one_registry_are_reported() {
    let range = || 0..20_000;
    let line: String = range().map(|index| format!("{{ port = {}; }} ", index + 1_000)).collect();
    let (code, out) = check_file("x.nix", format!("[ {line} ]"));
    assert_eq!((code, out.lines().count()), (Some(1), 20_000));
    let arguments: Vec<String> = range().map(|index| format!("a{index} ? {}", index + 1_000)).collect();
    let passed: String = range().map(|index| format!("x{index}.port = a{index};\n")).collect();
    let (code, out) = check_file("x.nix", format!("{{ {} }}: {{ {passed} }}", arguments.join(", ")));
    assert_eq!((code, out.lines().count()), (Some(1), 20_000));
    let entries: String = range().map(|index| format!("p{index} = {};\n", index + 1_000)).collect();
    let written: String = range().map(|index| format!("a{index}.port = {};\n", index + 1_000)).collect();
    let used: String =
        range().map(|index| format!("b{index} = ports.p{index}; c{index} = ports.q{index};\n")).collect();
    let root = Repository::new(&[
        ("ports.nix", format!("{{ {entries} }}").as_bytes()),
        ("written.nix", format!("{{ {written} }}").as_bytes()),
        ("used.nix", format!("let ports = import ./ports.nix; in {{ {used} }}").as_bytes()),
    ]);
    let ran = run(root.path(), "--format concise");
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let count = |rule: &str| ran.out.matches(&format!("[{rule}]")).count();
    assert_eq!((count("hardcoded-port"), count("unknown-port"), count("unused-port")), (20_000, 20_000, 0));
    let keys: String = range().map(|index| format!("p{index}_port: {}\n", index + 1_000)).collect();
    let (code, out) = check_file("x.yaml", format!("{keys}host: x.org\n"));
    assert_eq!((code, out.lines().count()), (Some(1), 20_000));
}

/// A long name occurs once in the file but often in messages, so messages truncate it.
#[test]
fn long_names_are_truncated() {
    let name = "port".repeat(100_000);
    let ports: String = (0..5_000).map(|index| format!("{} ", index + 1_000)).collect();
    let (code, out) = check_file("x.nix", format!("{{ \"{name}\" = {{ ports = [ {ports} ]; }}; }}"));
    assert!(code == Some(1) && out.lines().count() == 5_000 && out.len() < 1 << 20, "{}", out.len());
    let listed: String = (0..5_000).map(|index| format!("  - {}\n", index + 1_000)).collect();
    let (code, out) = check_file("x.yaml", format!("? {name}\n:\n  ports:\n{listed}"));
    assert!(code == Some(1) && out.lines().count() == 5_000 && out.len() < 1 << 20, "{}", out.len());
    let used = "{ port = 3000; }\n".repeat(5_000);
    let root = Repository::new(&[
        ("ports.nix", format!("{{ \"{name}\" = 3000; a = 4000; }}").as_bytes()),
        ("x.nix", format!("[ {used} ]").as_bytes()),
    ]);
    let ran = run(root.path(), "--format json");
    assert!(ran.code == Some(1) && ran.peak < 600, "{} MiB", ran.peak);
}

#[test]
fn only_regular_files_are_opened() {
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), ("x.nix/b.nix", b"{ }")]);
    let at = |name: &str| root.path().join(name);
    for name in ["pipe.nix", "pipe", "Dockerfile"] {
        assert!(Command::new("mkfifo").arg(at(name)).status().unwrap().success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.nix")).unwrap();
    symlink(root.path(), at("loop")).unwrap();
    symlink("self.nix", at("self.nix")).unwrap();
    symlink("/etc/passwd", at("away.nix")).unwrap();
    let no_file = |path: &str| refused(path, "it is neither a file nor a directory").1;
    let ran = run(root.path(), "--format concise");
    let expected = no_file("Dockerfile") + &port("a.nix:1:10") + &no_file("pipe.nix") + &no_file("socket.nix");
    assert_eq!((ran.code, ran.out), (Some(1), expected));
    for named in ["pipe.nix", "pipe"] {
        let ran = run(root.path(), &format!("--format concise {named}"));
        assert_eq!((ran.code, ran.out), (Some(1), no_file(named)));
    }
}

#[test]
fn missing_permissions_are_reported() {
    let root = Repository::new(&[("a.nix", PORT.as_bytes()), ("shut/b.nix", b"{ }"), ("c.nix", b"{ }")]);
    let mode = |path: &str, mode| {
        fs::set_permissions(root.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("c.nix", 0o000);
    mode("shut", 0o000);
    let is_root = fs::read(root.path().join("c.nix")).is_ok();
    let mut command = Command::new(if is_root { "setpriv" } else { env!("CARGO_BIN_EXE_flakeward") });
    // The binary may be in a folder that other users cannot read.
    let binary = root.path().join("binary");
    if is_root {
        fs::copy(env!("CARGO_BIN_EXE_flakeward"), &binary).unwrap();
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&binary);
    }
    let ran = run_as(&mut command, root.path(), "--format concise");
    mode("shut", 0o755);
    let denied = "1:1: error[unreadable-file]: cannot be checked: permission denied\n";
    assert_eq!(
        (ran.code, ran.out),
        (Some(1), format!("{}c.nix:{denied}shut:{denied}", port("a.nix:1:10"))),
        "{}",
        ran.err
    );
}

#[test]
fn files_may_vanish_while_they_are_read() {
    let names: Vec<String> = (0..500).map(|index| format!("{index}.nix")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), PORT.as_bytes())).collect();
    let root = Repository::new(&files);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| names.iter().rev().for_each(|name| fs::remove_file(root.path().join(name)).unwrap()));
        run(root.path(), "--format concise")
    });
    assert!(matches!(ran.code, Some(0 | 1)), "{:?} {}", ran.code, ran.err);
    let known = ["[hardcoded-port]: port 6379 is hardcoded", "cannot be checked: it does not exist"];
    assert!(ran.out.lines().all(|line| known.iter().any(|end| line.ends_with(end))), "{}", ran.out);
}

/// A file that is replaced during the run is read in its old or its new version; one that is rewritten in place may be
/// read in part. Either way, the run continues, and every finding is correct for the text that was read.
#[test]
fn files_may_change_while_they_are_read() {
    let root = Repository::new(&[("replaced.nix", PORT.as_bytes()), ("rewritten.nix", PORT.as_bytes())]);
    let long = format!("{}{PORT}", "# a comment\n".repeat(2000));
    let (replaced, rewritten) = (root.path().join("replaced.nix"), root.path().join("rewritten.nix"));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for text in [long.as_str(), PORT].into_iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                fs::write(root.path().join("new"), text).unwrap();
                fs::rename(root.path().join("new"), &replaced).unwrap();
                fs::write(&rewritten, text).unwrap();
            }
        });
        for _ in 0..20 {
            let ran = run(root.path(), "--format concise replaced.nix rewritten.nix");
            let of = |name: &str| ran.out.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
            let whole = of("replaced.nix");
            let place = whole.first().and_then(|line| line.split(':').nth(1));
            let known = whole.len() == 1 && matches!(place, Some("1" | "2001"));
            let parts = ["[hardcoded-port]: port 6379 is", "[syntax-error]"];
            let part = of("rewritten.nix").iter().all(|line| parts.iter().any(|part| line.contains(part)));
            over.store(!known || !part || ran.code != Some(1), Ordering::Relaxed);
            assert!(!over.load(Ordering::Relaxed), "{:?} {} {}", ran.code, ran.out, ran.err);
        }
        over.store(true, Ordering::Relaxed);
    });
}

/// The configuration of a repository cannot make flakeward read files outside the repository.
#[test]
fn settings_do_not_read_files_outside_the_repository() {
    let outside = Repository::new(&[("secret", "secret = 6379"), ("ports.nix", "{ secret = 6379; }")]);
    let away = outside.path().display().to_string();
    for (file, what) in [("flakeward.toml", "configuration"), (".flakeward/baseline.json", "baseline")] {
        let root = Repository::new(&[("a.nix", "{ }"), (".flakeward/x", "")]);
        symlink(outside.path().join("secret"), root.path().join(file)).unwrap();
        let ran = run(root.path(), "");
        let said =
            format!("error: cannot read the {what} {file}: it is a symbolic link to a file outside the repository\n");
        assert_eq!((ran.code, ran.out.as_str(), ran.err), (Some(2), "", said));
    }
    for registry in [format!("{away}/ports.nix"), "../../../etc/passwd".to_owned(), "lib/ports.nix".to_owned()] {
        let settings = format!("exclude = [\"../**\", \"/etc/**\"]\n[ports]\nregistry = \"{registry}\"\n");
        let root =
            Repository::new(&[("a.nix", PORT.as_bytes()), ("flakeward.toml", settings.as_bytes()), ("lib/x", b"")]);
        symlink(outside.path().join("ports.nix"), root.path().join("lib/ports.nix")).unwrap();
        let ran = run(root.path(), "--format concise");
        assert!(ran.code.is_some_and(|code| code > 0), "{}", ran.out);
        assert!(!(ran.out + &ran.err).contains("secret"), "{registry}");
        run(root.path(), "fix --unsafe");
        let kept = fs::read(outside.path().join("ports.nix")).unwrap();
        assert_eq!(kept, b"{ secret = 6379; }", "{registry}");
    }
    let root = Repository::new(&[("a.nix", PORT.as_bytes())]);
    symlink(outside.path(), root.path().join(".flakeward")).unwrap();
    let ran = run(root.path(), "baseline");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains(".flakeward is a symbolic link"), "{}", ran.err);
    assert!(!outside.path().join("baseline.json").exists());
}

/// Programs configured in a repository's git settings are not started.
#[test]
fn programs_in_the_git_configuration_are_not_started() {
    let root = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]).args(args);
        assert!(command.current_dir(root.path()).status().unwrap().success(), "{args:?}");
    };
    let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
    write("a.nix", "{ }\n");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    write("a.nix", &format!("{PORT}\n"));
    write("trap", "#!/bin/sh\ntouch \"$(dirname \"$0\")/sprung\"\ncat\n");
    fs::set_permissions(root.path().join("trap"), fs::Permissions::from_mode(0o755)).unwrap();
    let trap = root.path().join("trap").display().to_string();
    write(".gitattributes", "* filter=x=y diff=x\n");
    for (hook, key) in [("post-index-change", ""), ("", "core.fsmonitor"), ("", "diff.external"), ("", "core.pager")] {
        match hook {
            "" => git(&["config", key, &trap]),
            hook => drop(fs::copy(root.path().join("trap"), root.path().join(".git/hooks").join(hook)).unwrap()),
        }
    }
    for key in
        ["filter.x=y.clean", "filter.x=y.process", "diff.x.command", "diff.x.textconv", "pager.diff", "alias.diff"]
    {
        git(&["config", key, &trap]);
    }
    git(&["config", "filter.x=y.required", "true"]);
    let ran = run(root.path(), "--changed=HEAD --format concise");
    assert_eq!((ran.code, ran.out, ran.err.as_str()), (Some(1), port("a.nix:1:10"), ""));
    assert!(!root.path().join("sprung").exists() && !root.path().join(".git/hooks/sprung").exists());
    // Checks that the trap works: git without these precautions starts the program.
    let mut careless = Command::new("git");
    careless.args(["diff", "HEAD"]).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(root.path());
    careless.status().unwrap();
    assert!(root.path().join("sprung").exists());
}

/// The fixes of many findings in one file share their common edits.
#[test]
fn memory_for_fixes_grows_linearly() {
    let ports = (1000..2500).fold(String::new(), |all, port| all + &format!("{{ services.s{port}.port = {port}; }}\n"));
    let yaml = (1000..2500).fold(String::new(), |all, port| all + &format!("s{port}:\n  port: {port}\n"));
    for files in [
        &[("a.nix", format!("[\n{ports}]\n")), ("lib/ports.nix", "{ web = 80; }\n".to_owned())][..],
        &[("a.yaml", yaml)],
    ] {
        let root = Repository::new(files);
        for command in ["fix --quiet --diff", "fix --unsafe --quiet --diff"] {
            let ran = run(root.path(), command);
            assert_eq!(ran.code, Some(1), "{}", ran.err);
            assert!(ran.peak < 100, "{command}: {} MiB", ran.peak);
        }
    }
}
