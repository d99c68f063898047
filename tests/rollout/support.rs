//! Shared by these tests: a Git repository, and running flakeward in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A Git repository, in its own folder or in the folder of a test.
pub struct Repository {
    root: PathBuf,
    _folder: Option<TempDir>,
}

/// The result of a command.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Repository {
    /// Creates a repository with some files, nothing committed.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().to_owned();
        Self { _folder: Some(folder), ..Self::at(&root, files) }
    }

    /// Creates a repository in a folder, with some files, nothing committed.
    pub fn at(root: &Path, files: &[(&str, &str)]) -> Self {
        fs::create_dir_all(root).unwrap();
        let repository = Self { root: root.to_owned(), _folder: None };
        repository.git(&["init", "-q"]);
        files.iter().for_each(|(path, text)| repository.write(path, text));
        repository
    }

    /// Returns its root.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Commits everything with an author and a date.
    pub fn commit(&self, author: &str, day: &str) {
        self.git(&["add", "-A"]);
        let author = format!("{author} <a@example.org>");
        self.git(&["commit", "-qm", "m", "--author", &author, "--date", &format!("{day}T12:00:00Z")]);
    }

    /// Runs Git, which must succeed.
    pub fn git(&self, args: &[&str]) {
        let ran = self.try_git(args);
        assert_eq!(ran.code, 0, "git {args:?}: {}{}", ran.out, ran.err);
    }

    /// Runs Git.
    pub fn try_git(&self, args: &[&str]) -> Ran {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let mut command = Command::new("git");
        clean(&mut command);
        ran(&command.args(identity).args(args).current_dir(self.path()).output().unwrap())
    }

    /// Runs flakeward with arguments that are separated by spaces.
    pub fn run(&self, line: &str) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs flakeward with arguments.
    pub fn run_words(&self, words: &[&str]) -> Ran {
        self.run_words_in("", words)
    }

    /// Runs flakeward with arguments in one of the repository's folders.
    pub fn run_words_in(&self, folder: &str, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
        clean(&mut command);
        ran(&command.args(words).current_dir(self.path().join(folder)).output().unwrap())
    }

    /// Runs flakeward with an environment variable.
    pub fn run_with(&self, (name, value): (&str, &str), line: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
        clean(&mut command);
        ran(&command.args(line.split_whitespace()).env(name, value).current_dir(self.path()).output().unwrap())
    }

    /// The error message of a command, which must fail with exit code 2.
    pub fn refused(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
        ran.err
    }
}

/// Removes the environment variables and Git settings of the user that could change the result.
fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        if ["GIT_", "GITHUB_", "NO_COLOR", "FORCE_COLOR", "SOURCE_DATE"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
}

/// The result of a command.
pub fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}
