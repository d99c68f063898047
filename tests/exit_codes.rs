//! Whatever cannot be checked is reported: every cause, combined with every option, leads to an error and a nonzero
//! exit code.
#![cfg(unix)]

mod support {
    pub mod repository;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::repository::Repository;

/// A reason why something cannot be checked.
struct Cause {
    name: &'static str,
    /// Creates the cause in a repository.
    arrange: fn(&Repository),
    /// The file that the report names.
    file: &'static str,
    /// Options and settings with which the file that cannot be checked is not needed.
    without: &'static [&'static str],
}

/// A repository with one commit and no findings.
fn clean() -> Repository {
    let repository = Repository::new(&[
        ("flake.nix", "{ outputs = _: { }; }\n"),
        ("lib/ports.nix", "{ web = 8080; }\n"),
        ("web.nix", "{ services.web.port = (import ./lib/ports.nix).web; }\n"),
    ]);
    fs::remove_dir(repository.path().join(".git")).unwrap();
    repository.git(&["init", "--quiet"]);
    commit(&repository);
    repository
}

fn commit(repository: &Repository) {
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message=m"]);
}

const CAUSES: [Cause; 14] = [
    Cause { name: "not UTF-8", arrange: |at| at.write("a.nix", b"{ a = \"\xff\"; }"), file: "a.nix", without: &[] },
    Cause { name: "UTF-16", arrange: |at| at.write("a.nix", b"\xff\xfe{\0}\0"), file: "a.nix", without: &[] },
    Cause { name: "encrypted", arrange: |at| at.write("a.nix", b"\0GITCRYPT\0\x01\x02"), file: "a.nix", without: &[] },
    Cause {
        name: "nested too deeply",
        arrange: |at| {
            at.write("a.nix", format!("{{ port = 6379; a = {}{}; }}", "[".repeat(20_000), "]".repeat(20_000)))
        },
        file: "a.nix",
        without: &["--select dockerfile"],
    },
    Cause {
        name: "too many YAML levels",
        arrange: |at| at.write("a.yaml", format!("port: 6379\na: {}{}\n", "[".repeat(20_000), "]".repeat(20_000))),
        file: "a.yaml",
        without: &["--select dockerfile"],
    },
    Cause {
        name: "a link to a file that git does not track",
        arrange: |at| {
            at.write("token", "TOKEN");
            symlink("token", at.path().join("a.nix")).unwrap();
        },
        file: "a.nix",
        without: &[],
    },
    Cause {
        name: "a link to one of git's own files",
        arrange: |at| symlink(".git/config", at.path().join("a.nix")).unwrap(),
        file: "a.nix",
        without: &[],
    },
    Cause { name: "a pipe", arrange: |at| pipe(&at.path().join("a.nix")), file: "a.nix", without: &[] },
    Cause {
        name: "too large",
        arrange: |at| fs::File::create(at.path().join("a.nix")).unwrap().set_len(33 << 20).unwrap(),
        file: "a.nix",
        without: &[],
    },
    Cause {
        name: "an ignore file that is a link",
        arrange: |at| {
            at.write("sub/a.nix", "{ }");
            symlink("/dev/zero", at.path().join("sub/.gitignore")).unwrap();
        },
        file: "sub/.gitignore",
        without: &["--no-ignore"],
    },
    Cause {
        name: "a pattern nested too deeply",
        arrange: |at| at.write("sub/.gitignore", "{".repeat(5_000)),
        file: "sub/.gitignore",
        without: &["--no-ignore"],
    },
    Cause {
        name: "a damaged index",
        arrange: |at| at.write(".git/index", "DIRC no index"),
        file: ".git/index",
        without: &[],
    },
    Cause {
        name: "a registry whose evaluation does not terminate",
        arrange: |at| {
            at.write("lib/ports.nix", "let f = x: f (x + 1); in builtins.seq (f 1) { web = 8080; }");
        },
        file: "lib/ports.nix",
        without: &["--select dockerfile", ALL_OFF],
    },
    Cause {
        name: "a custom rule that takes too long",
        arrange: |at| {
            let page = "+++\nid = \"wild\"\nlevel = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\n\
                        query = '''\n(list_expression (_)* @a (_)* @b (_)* @c (_)* @d (_)* @finding)\n'''\n+++\n\n\
                        ## Why\n\nIt is slow.\n";
            at.write(".flakeward/rules/wild.md", page);
            at.write("a.nix", format!("[ {}]\n", "(x) ".repeat(1_000)));
        },
        file: "a.nix",
        without: &["--isolated", "--select dockerfile", ALL_OFF],
    },
];

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Options that change what is checked, reported, accepted or written. None of them may hide a cause.
const OPTIONS: [&str; 28] = [
    "",
    "--quiet",
    "--verbose",
    "--select dockerfile",
    "--ignore general",
    "--ignore unreadable-file",
    "--level unreadable-file=off",
    "--level unreadable-file=hint",
    "--fail-on hint",
    "--fail-on warn",
    "--statistics",
    "--stats",
    "--frozen",
    "--no-ignore",
    "--changed",
    "--changed=HEAD",
    "--new-since HEAD",
    "--jobs 1",
    "--isolated",
    "--format concise",
    "--format json",
    "--format jsonl",
    "--format sarif",
    "--format github",
    "--format gitlab",
    "--format junit",
    "--format markdown",
    "--format html",
];

/// A setting that turns all rules off.
const ALL_OFF: &str = "[rules]\ndefault-level = \"off\"\n";

/// Settings that might lower the level of `unreadable-file` or turn the rule off.
const SETTINGS: [(&str, &str); 5] = [
    ("", ""),
    ("flakeward.toml", "[rules]\nunreadable-file = \"off\"\n"),
    ("flakeward.toml", ALL_OFF),
    ("flakeward.toml", "[[overrides]]\npaths = [\"**\"]\nrules.unreadable-file = \"off\"\n"),
    ("flakeward.toml", "[rules]\ngeneral = \"hint\"\n"),
];

#[test]
fn whatever_cannot_be_checked_is_reported() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = CAUSES.iter().map(|cause| scope.spawn(|| combinations_that_hide(cause))).collect();
        running.into_iter().flat_map(|running| running.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The combinations of settings and options that hide a cause.
fn combinations_that_hide(cause: &Cause) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, (file, settings)) in SETTINGS.into_iter().enumerate() {
        if cause.without.contains(&settings) {
            continue;
        }
        let repository = clean();
        if !file.is_empty() {
            repository.write(file, settings);
            commit(&repository);
        }
        (cause.arrange)(&repository);
        // To save time, settings are only combined with every fifth option.
        let step = if number == 0 { 1 } else { 5 };
        let options = OPTIONS.iter().skip(number).step_by(step).filter(|options| !cause.without.contains(options));
        for options in options {
            let ran = repository.run(&format!("check {options}"));
            let said = ran.out + &ran.err;
            // Exit code 2 means that the setting was rejected: nothing was checked, and the output contains an error.
            let is_named = said.contains(cause.file) || *options == "--statistics";
            if ran.code == 0 || (ran.code == 1 && !is_named) || (ran.code == 2 && !said.contains("error: ")) {
                wrong.push(format!("{} with {settings:?} and `{options}`: exit code {}", cause.name, ran.code));
            }
        }
    }
    wrong
}

/// All other commands that read the repository also fail.
#[test]
fn commands_fail_if_they_cannot_read_everything() {
    for cause in CAUSES.iter().filter(|cause| cause.file == "a.nix" && !cause.without.contains(&ALL_OFF)) {
        let repository = clean();
        (cause.arrange)(&repository);
        let commands = [
            "ports",
            "ports --format json",
            "ports check 9999",
            "ports next",
            "ports init --diff",
            "fix",
            "fix --diff",
            "accepted",
            "accepted --format json",
            "migrate",
            "migrate --format json",
            "init",
        ];
        for command in commands {
            let ran = repository.run(command);
            // A patch cannot mention other files, but the number of remaining findings is printed after it.
            let named = if command == "fix --diff" { "remaining: 1 error" } else { "a.nix" };
            assert!(ran.code > 0 && (ran.out + &ran.err).contains(named), "{} with `{command}`", cause.name);
        }
    }
}

/// A file that `init` cannot read may be one that a group of rules applies to.
#[test]
fn init_keeps_all_groups_if_a_file_cannot_be_read() {
    let repository = Repository::new(&[("a.nix", "{ }\n")]);
    repository.write("Dockerfile", b"FROM alpine\n# \xff\n");
    let ran = repository.run("init");
    assert!(ran.code == 2 && ran.err.contains("flakeward.toml may be incomplete"), "{}", ran.err);
    assert!(!repository.read("flakeward.toml").contains("\nselect"));
    repository.write("Dockerfile", "FROM alpine\n");
    assert_eq!(repository.run("check").code, 1);
    fs::remove_file(repository.path().join("flakeward.toml")).unwrap();
    assert_eq!(repository.run("init").code, 0);
    assert!(!repository.read("flakeward.toml").contains("\nselect"));
}
