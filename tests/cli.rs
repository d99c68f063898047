//! Whole commands: their output on both streams, and their exit codes.

mod support {
    pub mod repository;
}

use std::fs;
use std::process::Stdio;

use support::repository::{Repository, command, ran};

const CHANNEL: &str = "import <nixpkgs> { }\n";
const FOUND: &str =
    "shell.nix:1:8: warn[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from machine to machine\n";

/// Runs a command that must fail with exit code 2 and print nothing on standard output. Returns its standard error.
fn refused(repository: &Repository, args: &str) -> String {
    let ran = repository.run(args);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args}: {}", ran.err);
    ran.err
}

/// The error for a path that does not exist because nothing in a repository has the given name.
fn missing(repository: &Repository, path: &str, name: &str) -> String {
    let folder = repository.path().canonicalize().unwrap();
    let folder = folder.display();
    format!("error: {path} does not exist\n  help: {folder} contains no file or directory named {name}\n")
}

#[test]
fn exit_codes_follow_the_levels() {
    let repository = Repository::new(&[("shell.nix", CHANNEL)]);
    for (args, code) in [
        ("", 0),
        ("check", 0),
        ("check --fail-on warn", 1),
        ("--fail-on hint .", 1),
        ("--level lookup-path=error", 1),
        ("--level lookup-path=off --fail-on hint", 0),
        ("--ignore lookup-path --fail-on hint", 0),
        ("--select lookup-path --fail-on warn", 1),
        ("--select dockerfile,syntax-error --fail-on hint", 0),
    ] {
        let ran = repository.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{args}");
    }
    assert_eq!(repository.run("--format concise").out, FOUND);
    assert_eq!(repository.run("--format concise --select dockerfile").out, "");
}

#[test]
fn a_clean_run_reports_what_was_checked() {
    let repository = Repository::new(&[("a.nix", "{ }\n"), ("b.yaml", "a: 1\n"), ("notes.txt", "")]);
    let ran = repository.run("");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("2 files, ") && ran.out.ends_with(" rules: no findings\n"), "{}", ran.out);
    assert_eq!(repository.run("-q").out, "");
}

#[test]
fn the_absence_of_relevant_files_is_reported_and_can_be_an_error() {
    let repository = Repository::new(&[("notes.txt", ""), ("a.nix", "{ }\n")]);
    for args in ["notes.txt", "notes.txt --format json", "--files-from -"] {
        let ran = repository.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (0, "flakeward: no input file matches any rule\n"), "{args}");
        assert_eq!(repository.run(&format!("{args} --require-inputs")).code, 2, "{args}");
    }
    assert_eq!(repository.run("--require-inputs").code, 0);
}

#[test]
fn a_named_registry_is_checked_with_the_references_to_it() {
    let module =
        "let ports = import ../lib/ports.nix; in { services.sonarr.settings.server.port = ports.media.sonarr; }\n";
    let commented = "# Port from lib/ports.nix: media.radarr = 7878\nport: 7878\n";
    let repository = Repository::new(&[
        ("lib/ports.nix", "{ media = { lidarr = 8686; radarr = 7879; }; }\n"),
        ("modules/media.nix", module),
        ("radarr.yaml", commented),
        ("other.nix", "{ services.x.port = 9999; }\n"),
    ]);
    let ran = repository.run("--format concise lib/ports.nix");
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("modules/media.nix:1:") && ran.out.contains("error[unknown-port]"), "{}", ran.out);
    assert!(ran.out.contains("radarr.yaml:1:") && ran.out.contains("error[port-drift]"), "{}", ran.out);
    assert!(!ran.out.contains("other.nix"), "{}", ran.out);
    assert!(ran.err.contains("in 3 of 3 files") || ran.err.contains("in 2 of 3 files"), "{}", ran.err);
    // Other files and folders are checked on their own.
    for named in ["other.nix", "lib"] {
        let ran = repository.run(&format!("--format concise {named}"));
        assert!(!ran.out.contains("modules/media.nix") && !ran.out.contains("radarr.yaml"), "{named}: {}", ran.out);
    }
}

#[test]
fn options_that_would_have_no_effect_are_rejected() {
    let repository = Repository::new(&[("shell.nix", CHANNEL), ("compose.yaml", "services: {}\n")]);
    for (args, option) in [
        ("ports --select ports", "--select"),
        ("ports init --level ports=warn", "--level"),
        ("ports check 80 --ignore ports", "--ignore"),
        ("migrate compose compose.yaml --select containers", "--select"),
        ("baseline --require-inputs", "--require-inputs"),
    ] {
        let ran = repository.run(args);
        assert_eq!(ran.code, 2, "{args}");
        assert!(ran.err.contains(&format!("unexpected argument '{option}'")), "{args}: {}", ran.err);
    }
}

#[test]
fn typos_are_rejected_with_a_suggestion() {
    let repository = Repository::new(&[("shell.nix", CHANNEL)]);
    let missing = missing(&repository, "missing/web.nix", "missing");
    for (args, said) in [
        ("--select lookup-pth", "error: unknown rule `lookup-pth`\n  help: did you mean `lookup-path`?\n"),
        ("--ignore xyz", "error: unknown rule `xyz`\n  help: `flakeward rules` lists all rules\n"),
        ("--level dockerfil=off", "error: unknown rule `dockerfil`\n  help: did you mean `dockerfile`?\n"),
        ("explain lookup-paths", "error: unknown rule `lookup-paths`\n  help: did you mean `lookup-path`?\n"),
        ("shel.nix", "error: shel.nix does not exist\n  help: did you mean shell.nix?\n"),
        ("missing/web.nix", missing.as_str()),
        ("chekc", "error: chekc does not exist\n  help: did you mean `flakeward check`?\n"),
        ("--baseline none.json", "error: cannot read the baseline none.json: it does not exist\n"),
        ("--config none.toml", "error: cannot read the configuration none.toml: it does not exist\n"),
        ("--files-from none", "error: cannot read the list of paths none: it does not exist\n"),
        ("--stdin-filename a.nix", "error: --stdin-filename requires the path `-`\n"),
        (
            "-",
            "error: `-` (stdin) requires --stdin-filename\n  \
             help: run `flakeward check --stdin-filename PATH -`, where PATH is the path of the text in the repository\n",
        ),
    ] {
        assert_eq!(refused(&repository, args), said, "{args}");
    }
    for (args, part) in [
        ("--fail-on eror", "did you mean `error`?"),
        ("--fail-on off", "expected one of error, warn, hint"),
        ("--level lookup-path=wrn", "did you mean `warn`?"),
        ("--level lookup-path", "expected RULE=LEVEL"),
        ("--format jsn", "a similar value exists: 'json'"),
        ("--formt json", "a similar argument exists: '--format'"),
        ("--format json --format concise", "only one --format can be written to stdout"),
        ("--now tomorrow", "expected a date such as 2026-01-31"),
        ("-j many", "expected a number of threads, at least 1"),
        ("-j 0", "expected a number of threads, at least 1"),
        ("-j -1", "expected a number of threads, at least 1"),
        ("--color sometimes", "[possible values: auto, always, never]"),
        ("completions bsh", "'bash'"),
    ] {
        let said = refused(&repository, args);
        assert!(said.contains(part), "{args}: {said}");
    }
    let mut command = command("");
    let ran = ran(&command.current_dir(repository.path()).env("SOURCE_DATE_EPOCH", "soon").output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("invalid SOURCE_DATE_EPOCH `soon`"), "{}", ran.err);
}

#[test]
fn configuration_errors_are_shown_with_their_location() {
    let wrong = |text: &str| refused(&Repository::new(&[("flakeward.toml", text), ("a.nix", "{ }")]), "");
    assert_eq!(
        wrong("exclude = [\"vendor\"]\n\n[rules.lookup-pth]\nlevel = \"off\"\n"),
        "\
error: unknown rule `lookup-pth`
   ,-[flakeward.toml:3:8]
 3 | [rules.lookup-pth]
   :        ^^^^^^^^^^
 4 | level = \"off\"
   `----
  help: did you mean `lookup-path`?
"
    );
    for (text, place, part) in [
        ("exclud = []\n", "1:1", "did you mean `exclude`?"),
        ("[rules.lookup-path]\nlevel = \"of\"\n", "2:9", "unknown level `of`"),
        ("[rules.lookup-path]\nlevel = \"of\"\n", "2:9", "did you mean `off`?"),
        ("[rules.lookup-path]\nlevel = 3\n", "2:9", "expected a level: off, hint, warn or error"),
        ("[ports]\nregistry = 3\n", "2:12", "expected a path or a list of paths"),
        ("[rules]\nlookup-path = 3\n", "2:15", "expected a level: off, hint, warn or error"),
        ("exclude = \"a\"\n", "1:11", "write [\"a\"]"),
        ("[rules.lookup-path]\nlevle = \"off\"\n", "2:1", "did you mean `level`?"),
        ("[rules.unstable-nixpkgs]\nallow = 1\n", "2:9", "`1` is not a valid value for `allow`"),
        ("exclude = [\"a\", \"[\"]\n", "1:17", "`[` is not a valid glob"),
        ("[[overrides]]\npaths = [\"a\"]\nrules.dockerfil = \"off\"\n", "3:7", "did you mean `dockerfile`?"),
        ("[[overrides]]\nrules.dockerfile = \"off\"\n", "1:1", "missing field `paths`"),
        ("[ports]\nown-host = []\n", "2:1", "did you mean `own-hosts`?"),
        ("exclude = [\n", "1:12", "unclosed array"),
    ] {
        let said = wrong(text);
        assert!(said.contains(&format!("[flakeward.toml:{place}]")) && said.contains(part), "{text}{said}");
    }
    let latin1 = Repository::new(&[("a.nix", "{ }")]);
    fs::write(latin1.path().join("flakeward.toml"), b"# \xe4\n").unwrap();
    let said = refused(&latin1, "");
    assert_eq!(
        said,
        "error: cannot read the configuration flakeward.toml: it is not UTF-8 (first at byte 2, line 1)\n"
    );
}

#[test]
fn the_configuration_is_found_in_parent_folders_and_can_be_ignored() {
    let repository = Repository::new(&[
        (".flakeward.toml", "[rules.lookup-path]\nlevel = \"error\"\n"),
        ("hosts/shell.nix", CHANNEL),
        ("other.toml", "exclude = [\"hosts\"]\n"),
    ]);
    assert_eq!(repository.run("").code, 1);
    assert_eq!(repository.run("hosts").code, 1);
    assert_eq!(repository.run_in("hosts", "shell.nix", "").code, 1);
    assert_eq!(repository.run("--isolated").code, 0);
    assert_eq!(repository.run("--config other.toml --fail-on warn").code, 0);
    assert_eq!(repository.run("--config other.toml --fail-on warn hosts/shell.nix").code, 0);
    assert_eq!(repository.run("--isolated --config other.toml").code, 2);
}

#[test]
fn overrides_apply_to_their_paths_and_the_command_line_overrides_them() {
    let repository = Repository::new(&[
        (
            "flakeward.toml",
            "[rules.lookup-path]\nlevel = \"off\"\n[[overrides]]\npaths = [\"ci/**\"]\nrules.lookup-path = \"error\"\n",
        ),
        ("ci/shell.nix", CHANNEL),
        ("shell.nix", CHANNEL),
    ]);
    let ran = repository.run("--format concise");
    assert_eq!((ran.code, ran.out.lines().count()), (1, 1));
    assert!(ran.out.starts_with("ci/shell.nix:1:8: error[lookup-path]"), "{}", ran.out);
    assert_eq!(repository.run("--format concise --level lookup-path=hint").out.lines().count(), 2);
    assert_eq!(repository.run("--format concise --ignore lookup-path").out, "");
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let repository = Repository::new(&[("a/b/shell.nix", CHANNEL), ("a/c/shell.nix", CHANNEL), ("shell.nix", CHANNEL)]);
    let paths = |folder: &str, args: &str| -> Vec<String> {
        let ran = repository.run_in(folder, &format!("--format concise {args}"), "");
        ran.out.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(paths("", ""), ["a/b/shell.nix", "a/c/shell.nix", "shell.nix"]);
    assert_eq!(paths("", "a/b shell.nix"), ["a/b/shell.nix", "shell.nix"]);
    assert_eq!(paths("a/b", ""), ["shell.nix"]);
    assert_eq!(paths("a/b", "../.."), ["shell.nix", "../c/shell.nix", "../../shell.nix"]);
    assert_eq!(paths("a/b", "../c"), ["../c/shell.nix"]);
    let parent = repository.path().parent().unwrap();
    let name = repository.path().file_name().unwrap().to_str().unwrap();
    let ran = ran(&command(&format!("--format concise {name}/a/b")).current_dir(parent).output().unwrap());
    assert!(ran.out.starts_with(&format!("{name}/a/b/shell.nix:1:8:")), "{}", ran.out);
}

#[test]
fn repositories_are_checked_separately() {
    let (one, other) = (Repository::new(&[("a.nix", "{ }")]), Repository::new(&[("a.nix", "{ }")]));
    let said = refused(&one, &format!(". {}", other.path().display()));
    assert!(said.contains("is outside the repository"), "{said}");
    // A nested repository is checked separately.
    one.write("sub/.git/HEAD", "");
    one.write("sub/shell.nix", CHANNEL);
    let around = one.run("--format concise .");
    assert_eq!(around.out.lines().count(), 0, "{}", around.out);
    assert!(around.err.contains("`sub` is a separate repository"), "{}", around.err);
    assert_eq!(one.run_in("sub", "--format concise .", "").out.lines().count(), 1);
    // A file in it belongs to the nested repository: the outer registry does not apply.
    one.write("lib/ports.nix", "{ web.api = 8901; }\n");
    one.write("sub/web.nix", "{ services.api.port = 8901; }\n");
    let named = one.run("--format concise --select hardcoded-port sub/web.nix");
    assert_eq!(named.out, "sub/web.nix:1:23: error[hardcoded-port]: port 8901 is hardcoded\n");
}

#[test]
fn ignore_files_apply_except_to_requested_paths() {
    let repository =
        Repository::new(&[(".gitignore", "out/\n"), ("out/shell.nix", CHANNEL), ("out/deep/shell.nix", CHANNEL)]);
    let found = |args: &str| repository.run(&format!("--format concise {args}")).out.lines().count();
    assert_eq!(found(""), 0);
    assert_eq!(found("--no-ignore"), 2);
    assert_eq!(found("out/shell.nix"), 1);
    assert_eq!(found("out"), 2);
    repository.write("flakeward.toml", "exclude = [\"out\"]\n");
    assert_eq!(found("out/shell.nix out"), 0);
}

#[test]
fn paths_can_be_read_from_a_list() {
    let repository = Repository::new(&[("a.nix", CHANNEL), ("b c.nix", CHANNEL), ("d.nix", CHANNEL)]);
    for list in ["a.nix\nb c.nix\n", "a.nix\0b c.nix\0", "a.nix\r\nb c.nix"] {
        let ran = repository.run_in("", "--format concise --files-from -", list);
        assert_eq!((ran.out.lines().count(), ran.err.as_str()), (2, "2 warnings in 2 of 2 files\n"), "{list:?}");
    }
    repository.write("list", "a.nix\n");
    assert_eq!(repository.run("--format concise --files-from list d.nix").out.lines().count(), 2);
    let ran = repository.run_in("", "--files-from -", "gone.nix\n");
    assert_eq!((ran.code, ran.err), (2, missing(&repository, "gone.nix", "gone.nix")));
}

#[test]
fn standard_input_is_checked_as_a_file() {
    let repository = Repository::new(&[("shell.nix", "{ }"), ("other.nix", CHANNEL)]);
    let ran = repository.run_in("", "--format concise - --stdin-filename shell.nix", CHANNEL);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (FOUND, ""));
    let ran = repository.run_in("", "--format concise - --stdin-filename new/folder/x.nix", CHANNEL);
    assert!(ran.out.starts_with("new/folder/x.nix:1:8:"), "{}", ran.out);
    let ran = repository.run_in("", "- --stdin-filename notes.txt", CHANNEL);
    assert_eq!((ran.code, ran.err.as_str()), (0, "flakeward: no input file matches any rule\n"));
    repository.write("flakeward.toml", "exclude = [\"shell.nix\"]\n");
    assert_eq!(repository.run_in("", "--format concise - --stdin-filename shell.nix", CHANNEL).out, "");
}

#[test]
fn one_run_writes_several_reports() {
    let repository = Repository::new(&[("shell.nix", CHANNEL)]);
    let ran = repository.run("--format concise --format json --output report.json --color always");
    let colored = FOUND.replace("warn[lookup-path]", "\u{1b}[1;33mwarn[lookup-path]\u{1b}[0m");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, colored.as_str(), "1 warning in 1 of 1 file\n"));
    let report: serde_json::Value = serde_json::from_str(&repository.read("report.json")).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["findings"][0]["rule"], "lookup-path");
    assert_eq!(report["findings"][0]["start"], serde_json::json!({"line": 1, "column": 8, "offset": 7}));
    assert_eq!(report["summary"]["warnings"], 1);
    let said = refused(&repository, "--format json --output no/such/report.json");
    assert_eq!(said, "error: cannot write to no/such/report.json: its directory does not exist\n");
}

#[test]
fn github_reports_write_a_summary_and_use_workspace_paths() {
    let repository = Repository::new(&[("hosts/shell.nix", CHANNEL), ("summary.md", "before\n")]);
    let mut command = command("--format github .");
    command.current_dir(repository.path().join("hosts")).env("GITHUB_WORKSPACE", repository.path());
    let ran = ran(&command.env("GITHUB_STEP_SUMMARY", repository.path().join("summary.md")).output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("::warning file=hosts/shell.nix,line=1,endLine=1,col=8,endColumn=17,"), "{}", ran.out);
    let summary = repository.read("summary.md");
    assert!(
        summary.starts_with("before\n<!-- flakeward -->\n### flakeward\n") && summary.contains("lookup-path"),
        "{summary}"
    );
}

#[test]
fn colours_depend_on_options_and_the_environment() {
    let repository = Repository::new(&[("shell.nix", CHANNEL)]);
    assert!(repository.run("").out.is_ascii());
    assert!(!repository.run("").out.contains('\u{1b}'));
    assert!(repository.run("--color always").out.contains("\u{1b}["));
    let colored = |name: &str, args: &str| {
        let output = command(args).current_dir(repository.path()).env(name, "1").output().unwrap();
        ran(&output).out.contains('\u{1b}')
    };
    assert!(colored("FORCE_COLOR", ""));
    assert!(!colored("FORCE_COLOR", "--color never"));
    assert!(!colored("NO_COLOR", ""));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_not_an_error_but_a_full_disk_is() {
    let text = "(import <nixpkgs> { })\n".repeat(20_000);
    let repository = Repository::new(&[("many.nix", &format!("[\n{text}]\n"))]);
    for format in ["pretty", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown"] {
        let mut child = command(&format!("--format {format}"))
            .current_dir(repository.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ran = ran(&child.wait_with_output().unwrap());
        let summary = if format == "concise" { "20000 warnings in 1 of 1 file\n" } else { "" };
        assert_eq!((ran.code, ran.err.as_str()), (0, summary), "{format}");
    }
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        let ran = ran(&command("").current_dir(repository.path()).stdout(full).output().unwrap());
        assert_eq!(ran.code, 2);
        assert!(ran.err.starts_with("error: cannot write to stdout: "), "{}", ran.err);
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_and_contents_are_escaped() {
    let repository = Repository::new::<&str>(&[]);
    let hostile = "\u{1b}]0;x\u{7}";
    repository.write(&format!("x\n::error::{hostile}.nix"), format!("# {hostile}\nimport <nixpkgs> {{ }}\n"));
    for args in ["--format concise", "--format pretty"] {
        let ran = repository.run(args);
        assert!(ran.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", ran.out);
        assert!(ran.out.contains("x\\n::error::"), "{}", ran.out);
    }
    let ran = repository.run("no\u{1b}[31m.nix");
    let name = "no\\u{1b}[31m.nix";
    assert_eq!(ran.err, missing(&repository, name, name));
}

#[test]
fn the_number_of_threads_does_not_change_the_report() {
    let files: Vec<(String, String)> =
        (0..40).map(|index| (format!("{index}/shell.nix"), format!("[ {CHANNEL} <a> ]\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repository = Repository::new(&files);
    let one = repository.run("--format json -j 1").out;
    assert_eq!(one, repository.run("--format json -j 8").out);
    assert!(one.len() > 10_000);
}

#[cfg(unix)]
#[test]
fn unreadable_files_are_errors() {
    let repository = Repository::new(&[("a.nix", "{ }")]);
    fs::write(repository.path().join("latin.nix"), b"\"\xe4\"").unwrap();
    let ran = repository.run("--select lookup-path");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "\
error[unreadable-file]: cannot be checked: it is not UTF-8 (first at byte 1, line 1)
  file: latin.nix
  help: make the file readable, or skip it with `exclude` in flakeward.toml
  why:  flakeward explain unreadable-file

1 error in 1 of 2 files
"
    );
}

#[cfg(unix)]
#[test]
fn broken_links_and_sockets_are_rejected() {
    let repository = Repository::new(&[("a.nix", "{ }")]);
    std::os::unix::fs::symlink("gone.nix", repository.path().join("link.nix")).unwrap();
    let said = refused(&repository, "link.nix");
    assert_eq!(said, "error: link.nix is a symbolic link to gone.nix, which does not exist\n");
    let _socket = std::os::unix::net::UnixListener::bind(repository.path().join("socket.nix")).unwrap();
    let ran = repository.run("socket.nix --format concise");
    let said = "socket.nix:1:1: error[unreadable-file]: cannot be checked: it is neither a file nor a directory\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, said));
}

#[test]
fn a_baseline_accepts_existing_findings_and_new_ones_are_reported() {
    let repository = Repository::new(&[("shell.nix", CHANNEL), ("gone.nix", "[ <a> ]\n")]);
    let wrote = repository.run("baseline");
    assert_eq!((wrote.code, wrote.out.as_str()), (0, ""));
    assert!(wrote.err.starts_with("2 findings written to .flakeward/baseline.json"), "{}", wrote.err);
    let ran = repository.run("--fail-on hint");
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("no findings (2 suppressed)"), "{}", ran.out);
    assert_eq!(repository.run("--isolated --fail-on hint").code, 1);
    // Findings on moved lines stay accepted, new ones are reported, and so are entries that match nothing.
    repository.write("shell.nix", format!("# moved\n\n{CHANNEL}"));
    repository.write("new.nix", CHANNEL);
    repository.write("gone.nix", "{ }\n");
    let ran = repository.run("--format concise");
    assert_eq!(
        ran.out.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        [".flakeward/baseline.json:2:56:", "new.nix:1:8:"],
        "{}",
        ran.out
    );
    assert!(ran.out.contains("gone.nix no longer has this lookup-path finding"), "{}", ran.out);
    // A run on some paths, or without the rule, cannot detect entries that match nothing.
    assert_eq!(repository.run("--format concise shell.nix gone.nix").out, "");
    assert_eq!(repository.run("--format concise --ignore lookup-path").out, "");
    // A baseline at another path is only used if `--baseline` names it.
    assert_eq!(repository.run("baseline --output elsewhere.json").code, 0);
    fs::remove_dir_all(repository.path().join(".flakeward")).unwrap();
    assert_eq!(repository.run("--fail-on hint").code, 1);
    assert_eq!(repository.run("--fail-on hint --baseline elsewhere.json").code, 0);
    repository.write("broken.json", "{\"version\": 1,\n \"findings\": [}\n");
    let said = refused(&repository, "--baseline broken.json");
    assert!(said.contains("[broken.json:2:15]"), "{said}");
    // Without findings to accept, no file is written.
    let clean = Repository::new(&[("a.nix", "{ }\n")]);
    assert_eq!(clean.run("baseline").err, "no findings to accept; no baseline was written\n");
    assert!(!clean.path().join(".flakeward").exists());
}

#[test]
fn configuration_that_matches_nothing_is_reported_at_its_line() {
    let repository = Repository::new(&[
        (
            "flakeward.toml",
            "exclude = [\"vendor\", \"vendr\"]\n[ports]\n\
             own-hosts = [\".example.net\", \"gone.org\"]\nexternal-hosts = [\"mail.example.com\"]\n\
             [[overrides]]\npaths = [\"a.nix\", \"b.nix\"]\nrules.dockerfile = \"off\"\n",
        ),
        ("vendor/x.nix", CHANNEL),
        ("a.nix", "{ url = \"https://api.example.net:8443/\"; smtp = \"mail.example.com:587\"; }\n"),
    ]);
    let ran = repository.run("--format concise --ignore hardcoded-port");
    assert_eq!(
        ran.out,
        "\
flakeward.toml:1:22: warn[unused-suppression]: exclude pattern `vendr` matches no files
flakeward.toml:3:30: warn[unused-suppression]: no address in the repository has the host `gone.org`
flakeward.toml:6:19: warn[unused-suppression]: pattern `b.nix` matches no checked file
"
    );
    assert_eq!(repository.run("--format concise --ignore hardcoded-port a.nix").out, "");
    let text = repository.read("flakeward.toml");
    repository.write("flakeward.toml", format!("# flakeward: allow-file(unused-suppression) shared by many\n{text}"));
    assert_eq!(repository.run("--format concise --ignore hardcoded-port").out, "");
}

#[test]
fn only_changed_lines_are_reported() {
    let repository = Repository::new(&[("old.nix", "[\n  <a>\n]\n"), ("both.nix", "[\n  <a>\n]\n")]);
    fs::remove_dir(repository.path().join(".git")).unwrap();
    let said = refused(&repository, "--changed");
    assert!(said.starts_with("error: --changed requires a Git repository"), "{said}");
    repository.git(&["init", "-q"]);
    assert_eq!(refused(&repository, "--changed"), "error: --changed requires at least one commit\n");
    repository.git(&["add", "."]);
    repository.git(&["commit", "-qm", "one"]);
    repository.git(&["switch", "-qc", "topic"]);
    assert_eq!(repository.run("--changed --format concise").out, "");
    repository.write("both.nix", "[\n  <a>\n  <b>\n]\n");
    repository.git(&["commit", "-qam", "two"]);
    repository.write("ü new.nix", "<c>\n");
    let places = |args: &str| {
        let out = repository.run(args).out;
        out.lines().map(|line| line.split(" warn").next().unwrap()).collect::<Vec<_>>().join(",")
    };
    for (args, expected) in [
        ("--changed", "both.nix:3:3:,ü new.nix:1:1:"),
        ("--changed=main", "both.nix:3:3:,ü new.nix:1:1:"),
        ("--changed both.nix", "both.nix:3:3:"),
        ("check --changed=HEAD~1 old.nix", ""),
        ("check --changed=HEAD", "ü new.nix:1:1:"),
    ] {
        assert_eq!(places(&format!("{args} --format concise")), expected, "{args}");
    }
    let said = refused(&repository, "--changed=nowhere");
    assert!(said.contains("`nowhere` is not a commit in this repository") && said.contains("fetch-depth: 0"), "{said}");
    refused(&repository, "--changed=--output=x");
    repository.git(&["switch", "-q", "--orphan", "alone"]);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "three"]);
    let said = refused(&repository, "--changed=main");
    assert!(said.contains("have no common ancestor"), "{said}");
}

#[test]
fn a_corrupt_commit_is_no_missing_ancestor() {
    let repository = Repository::new(&[("a.nix", "{ }\n")]);
    let commit = |message: &str| repository.git(&["commit", "-q", "--allow-empty", "-m", message]);
    repository.git(&["init", "-q"]);
    commit("one");
    repository.git(&["switch", "-qc", "side"]);
    commit("two");
    let id = repository.read(".git/refs/heads/side");
    commit("three");
    repository.git(&["switch", "-q", "main"]);
    commit("four");
    assert_eq!(repository.run("--changed=side").code, 0);
    let object = format!(".git/objects/{}/{}", &id[..2], id[2..].trim());
    fs::remove_file(repository.path().join(&object)).unwrap();
    repository.write(&object, "x");
    let said = refused(&repository, "--changed=side");
    assert!(said.contains("corrupt") && !said.contains("common ancestor"), "{said}");
}

#[test]
fn settings_are_shown_with_their_origin() {
    let repository = Repository::new(&[
        (
            "flakeward.toml",
            "exclude = [\"vendor\"]\n[rules.lookup-path]\nlevel = \"hint\"\n\
             [[overrides]]\npaths = [\"a.nix\"]\nrules.lookup-path = \"error\"\n",
        ),
        ("a.nix", "{ }"),
        ("b.nix", "{ }"),
    ]);
    let level = |args: &str| {
        let out = repository.run(&format!("config show {args}")).out;
        let mut lines = out.lines().skip_while(|line| *line != "[rules.lookup-path]");
        lines.nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(level(""), "level = \"hint\" # flakeward.toml:3");
    assert_eq!(level("b.nix"), "level = \"hint\" # flakeward.toml:3");
    assert_eq!(level("a.nix"), "level = \"error\" # flakeward.toml:6");
    assert_eq!(level("--isolated a.nix"), "level = \"warn\" # default");
    assert_eq!(level("--level lookup-path=off a.nix"), "level = \"off\" # command line");
    // The output is itself a valid configuration.
    let shown = repository.run("config show --isolated").out;
    repository.write("flakeward.toml", &shown);
    assert_eq!(repository.run("").code, 0);
}

#[test]
fn rule_pages_lists_schemas_completions_and_manual_pages_are_printed() {
    let repository = Repository::new::<&str>(&[]);
    let page = repository.run("explain lookup-path");
    assert_eq!(page.code, 0);
    assert!(
        page.out.starts_with("lookup-path  warn, can be fixed: flakeward fix --unsafe\n\na channel lookup")
            && !page.out.contains('\u{1b}'),
        "{}",
        page.out
    );
    assert!(repository.run("explain lookup-path --color always").out.contains("\u{1b}[1m"));
    let rules = repository.run("rules");
    assert!(rules.out.lines().any(|line| line.starts_with("lookup-path") && line.contains("warn")), "{}", rules.out);
    let json: serde_json::Value = serde_json::from_str(&repository.run("rules --format json").out).unwrap();
    let ids: Vec<&str> = json["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, flakeward::rule::PAGES.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    let schema: serde_json::Value = serde_json::from_str(&repository.run("config schema").out).unwrap();
    assert!(schema["properties"]["rules"]["properties"]["lookup-path"].is_object());
    for (args, part) in
        [("completions bash", "_flakeward()"), ("completions nushell", "export extern"), ("man", ".TH flakeward")]
    {
        let ran = repository.run(args);
        assert!(ran.code == 0 && ran.out.contains(part), "{args}");
    }
    // Where the shell supports it, completion scripts list the rules. The commands accept any name: a repository may
    // have its own rules.
    for (shell, knows) in
        [("bash", true), ("fish", true), ("zsh", true), ("nushell", true), ("elvish", false), ("powershell", false)]
    {
        let ran = repository.run(&format!("completions {shell}"));
        assert_eq!((ran.code, ran.out.contains("missing-readiness-probe")), (0, knows), "{shell}");
    }
    assert_eq!(repository.run("man --dir pages").code, 0);
    let pages: Vec<_> =
        fs::read_dir(repository.path().join("pages")).unwrap().map(|page| page.unwrap().file_name()).collect();
    for page in ["flakeward.1", "flakeward-check.1", "flakeward-accepted.1", "flakeward-ports-next.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}: {pages:?}");
    }
    let help = repository.run("--help");
    assert!(
        help.code == 0 && help.out.contains("--changed[=<REF>]") && help.out.contains("Exit codes"),
        "{}",
        help.out
    );
}
