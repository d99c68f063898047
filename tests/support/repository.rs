//! Creates a small repository on disk, and runs flakeward in it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A repository in a temporary folder. A `.git` folder marks its root.
pub struct Repository(TempDir);

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
    /// A repository with some files.
    pub fn new<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Self {
        let repository = Self(TempDir::new().unwrap());
        fs::create_dir(repository.path().join(".git")).unwrap();
        files.iter().for_each(|(path, text)| repository.write(path, text));
        repository
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Runs flakeward with some arguments.
    pub fn run(&self, args: &str) -> Ran {
        self.run_in("", args, "")
    }

    /// Runs flakeward in a folder of the repository, with the given standard input.
    pub fn run_in(&self, folder: &str, args: &str, input: &str) -> Ran {
        let mut command = command(args);
        command.current_dir(self.path().join(folder)).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        ran(&child.wait_with_output().unwrap())
    }

    /// Runs Git, which must succeed.
    #[track_caller]
    pub fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let ran = Command::new("git").args(identity).args(args).current_dir(self.path()).output().unwrap();
        assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// A command for flakeward with some arguments, without the environment variables that could change its output.
pub fn command(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flakeward"));
    command.args(args.split_whitespace());
    for name in [
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "SOURCE_DATE_EPOCH",
        "GITHUB_ACTIONS",
        "GITHUB_STEP_SUMMARY",
        "GITHUB_WORKSPACE",
        "GIT_DIR",
    ] {
        command.env_remove(name);
    }
    command
}

/// The result of a command that exited normally.
pub fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}
