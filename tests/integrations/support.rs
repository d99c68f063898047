//! Shared by the tests with real tools: running them, repositories, and the README's snippets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub use crate::tools::{FLAKEWARD, PROJECT, have, required};

/// A separate repository, with its own HOME and Git configuration.
pub struct Repository {
    root: TempDir,
    home: TempDir,
    /// Local replacements for web addresses: pairs of (replacement, address).
    mirrors: Vec<(String, String)>,
}

/// The result of a command.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output, then its standard error.
    pub said: String,
}

impl Ran {
    /// Returns the output. The command must have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.said);
        self.said
    }
}

impl Repository {
    /// A Git repository with some files, nothing committed.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self { root: TempDir::new().unwrap(), home: TempDir::new().unwrap(), mirrors: Vec::new() };
        repository.git("init --quiet --initial-branch=main");
        files.iter().for_each(|(path, text)| repository.write(path, text));
        repository
    }

    /// Makes Git fetch a repository from a local path instead of from the web.
    pub fn mirror(&mut self, address: &str, repository: &Path) {
        self.mirrors.push((format!("file://{}", repository.display()), address.to_owned()));
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Adds all files to Git's index.
    pub fn add_all(&self) {
        self.git("add --all");
    }

    /// Commits everything; hooks run.
    pub fn commit(&self) -> Ran {
        self.add_all();
        self.run("git commit --quiet --message=m")
    }

    /// Runs Git, which must succeed.
    #[track_caller]
    pub fn git(&self, args: &str) {
        self.run(&format!("git {args}")).ok();
    }

    /// Runs a command line, split at spaces.
    pub fn run(&self, line: &str) -> Ran {
        ran(&self.command(line).output().unwrap())
    }

    /// A command, to be run in the root with flakeward on PATH and without the user's environment.
    pub fn command(&self, line: &str) -> Command {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("GIT_") || name.starts_with("GITHUB_") || name.starts_with("PRE_COMMIT") {
                command.env_remove(name);
            }
        }
        command
            .env("PATH", path_with_flakeward())
            .env("HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path().join("cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "t")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "t@example.org")))
            .env("GIT_CONFIG_COUNT", self.mirrors.len().to_string());
        for (index, (url, instead_of)) in self.mirrors.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), format!("url.{url}.insteadOf"));
            command.env(format!("GIT_CONFIG_VALUE_{index}"), instead_of);
        }
        command
    }
}

/// The result of a command.
pub fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), said: text(&output.stdout) + &text(&output.stderr) }
}

/// PATH, with the folder of the built flakeward first.
pub fn path_with_flakeward() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder = Path::new(FLAKEWARD).parent().unwrap().to_owned();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).unwrap()
}

/// The README's snippet for a file: the code block that begins with a comment that names it.
pub fn snippet(file: &str) -> String {
    let readme = fs::read_to_string(Path::new(PROJECT).join("README.md")).unwrap();
    let start = format!("\n# {file}\n");
    let block = readme
        .split("\n```")
        .filter_map(|block| block.find('\n').map(|at| &block[at..]))
        .find(|block| block.starts_with(&start))
        .unwrap_or_else(|| panic!("the README has no snippet for {file}"));
    block.trim_start().to_owned() + "\n"
}

/// A release of flakeward as users get it: some of the project's files in a repository, with a tag.
pub fn release(paths: impl Iterator<Item = impl AsRef<Path>>) -> Repository {
    let release = Repository::new(&[]);
    for path in paths {
        let bytes = fs::read(Path::new(PROJECT).join(&path)).unwrap();
        release.write(&path.as_ref().to_string_lossy(), bytes);
    }
    assert_eq!(release.commit().code, 0);
    release.git(concat!("tag v", env!("CARGO_PKG_VERSION")));
    release
}

/// The files that a clone of this project would have, including files that are not committed yet.
pub fn project_files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(PROJECT)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    names.split_terminator('\0').map(PathBuf::from).filter(|path| Path::new(PROJECT).join(path).is_file()).collect()
}
