//! Commands that compile programs, and their results: `go build` and `cargo build`.

use crate::lang::shell::Command;
use crate::paths;

/// The longest path of a folder on Linux, in bytes: `cd` to a longer one fails.
pub const LONGEST_PATH: usize = 4096;

/// The names under which Docker looks for the Dockerfile in a build context: the given one, or else the default ones.
pub fn dockerfile_names(given: Option<&str>) -> Vec<&str> {
    given.map_or_else(|| vec!["Dockerfile", "dockerfile"], |name| vec![name])
}

/// A `go build`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoBuild {
    /// The path that it writes to. A path that ends with `/` is a folder.
    pub output: Option<String>,
    /// The targets that it compiles, relative to its folder: packages, patterns of packages, or the files of one
    /// package.
    packages: Vec<String>,
    /// The flags that decide which source files and modules the program consists of.
    pub flags: Vec<String>,
}

/// The flags for [`GoBuild::flags`].
const GO_SELECTING: [&str; 3] = ["mod", "modfile", "tags"];

/// Flags of `go build` that take the next argument as their value, according to `go help build`.
const GO_VALUED: [&str; 19] = [
    "C",
    "asmflags",
    "buildmode",
    "compiler",
    "covermode",
    "coverpkg",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "overlay",
    "p",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
    "vet",
];

impl GoBuild {
    /// Parses the arguments of `go build`.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut build = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            // A flag has one or two hyphens.
            let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
                build.packages.push(word.to_owned());
                continue;
            };
            let (flag, own) = flag.split_once('=').map_or((flag, None), |(flag, own)| (flag, Some(own)));
            let value = own.or_else(|| (flag == "o" || GO_VALUED.contains(&flag)).then(|| words.next()).flatten());
            if flag == "o" {
                build.output = value.map(str::to_owned);
            } else if let Some(value) = value.filter(|_| GO_SELECTING.contains(&flag)) {
                // Spaces between tags mean the same as commas.
                let value = value.split_whitespace().collect::<Vec<_>>().join(",");
                let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./,".contains(c));
                build.flags.extend(is_plain.then(|| format!("-{flag}={value}")));
            }
        }
        build
    }

    /// Parses a command. `None` if it is not a `go build`.
    pub fn read(command: &Command<'_>) -> Option<Self> {
        let is_build = command.program() == "go" && command.word(1) == Some("build");
        is_build.then(|| Self::of(command.arguments().skip(1)))
    }

    /// The targets that it compiles. Each is a package, a pattern of packages, or the files of one package.
    pub fn targets(&self) -> Vec<Vec<&str>> {
        let all = || self.packages.iter().map(String::as_str);
        match self.packages.as_slice() {
            [] => vec![vec!["."]],
            packages if packages.iter().all(|package| package.ends_with(".go")) => vec![all().collect()],
            _ => all().map(|package| vec![package]).collect(),
        }
    }

    /// Whether it writes programs into a folder.
    pub fn writes_folder(&self) -> bool {
        self.output.as_deref().is_some_and(|output| output.ends_with('/') || self.targets().len() > 1)
    }
}

/// The name that Go gives to the program of a target: the name of a file, or the last part of the package's import
/// path. `folder` is the folder in which the build runs, relative to the folder of go.mod.
pub fn go_program(target: &[&str], folder: &str, go_mod: &str) -> String {
    let first = target.first().copied().unwrap_or(".");
    if let Some(file) = first.strip_suffix(".go") {
        return file.rsplit('/').next().unwrap_or(file).to_owned();
    }
    let module = go_module(go_mod);
    let inside = paths::join(folder, first).unwrap_or_default();
    let path = [module.unwrap_or("main"), inside.as_str()].join("/");
    let mut parts = path.trim_end_matches('/').rsplit('/');
    let last = parts.next().unwrap_or_default();
    // The major version, such as `v2`, is not part of the name.
    let is_version = last.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok_and(|number| number > 1));
    let name = if is_version { parts.next().unwrap_or(last) } else { last };
    name.to_owned()
}

/// The name of the module in a go.mod.
pub fn go_module(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("module")?;
        let rest = rest.split("//").next().unwrap_or(rest);
        rest.starts_with([' ', '\t']).then(|| rest.trim().trim_matches(['"', '`']))
    })
}

/// A `cargo build`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CargoBuild {
    /// The values of `--features`.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_defaults: bool,
    /// `--workspace`.
    pub workspace: bool,
    /// `--bin`.
    pub bins: Vec<String>,
    /// `--package`.
    pub packages: Vec<String>,
}

impl CargoBuild {
    /// Parses the arguments of `cargo build`.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut build = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (flag, own) = match word.split_once('=') {
                Some((flag, own)) if flag.starts_with('-') => (flag, Some(own)),
                _ => (word, None),
            };
            // `-pNAME`
            let (flag, own) = match flag.get(..2) {
                Some(short @ ("-p" | "-F")) if flag.len() > 2 => (short, flag.get(2..)),
                _ => (flag, own),
            };
            let mut value = || own.or_else(|| words.next()).unwrap_or_default();
            match flag {
                "--features" | "-F" => {
                    let list = value().split([',', ' ']).filter(|name| !name.is_empty());
                    build.features.extend(list.map(str::to_owned));
                }
                "--bin" => build.bins.push(value().to_owned()),
                "--package" | "-p" => build.packages.push(value().to_owned()),
                "--all-features" => build.all_features = true,
                "--no-default-features" => build.no_defaults = true,
                "--workspace" | "--all" => build.workspace = true,
                _ => {}
            }
        }
        build
    }

    /// Parses a command. `None` if it is not a `cargo build`.
    pub fn read(command: &Command<'_>) -> Option<Self> {
        let is_build = command.program() == "cargo" && command.word(1) == Some("build");
        is_build.then(|| Self::of(command.arguments().skip(1)))
    }

    /// The flags that select packages and programs.
    pub fn targets(&self) -> Vec<String> {
        let pairs = |flag: &str, names: &[String]| {
            names.iter().flat_map(|name| [flag.to_owned(), name.clone()]).collect::<Vec<_>>()
        };
        let workspace = self.workspace.then(|| "--workspace".to_owned());
        workspace.into_iter().chain(pairs("--package", &self.packages)).chain(pairs("--bin", &self.bins)).collect()
    }

    /// The flags that select features.
    pub fn feature_flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        flags.extend(self.no_defaults.then(|| "--no-default-features".to_owned()));
        flags.extend(self.all_features.then(|| "--all-features".to_owned()));
        if !self.features.is_empty() {
            flags.extend(["--features".to_owned(), self.features.join(",")]);
        }
        flags
    }

    /// Whether both build with the same features.
    pub fn has_features_of(&self, other: &Self) -> bool {
        let sorted = |build: &Self| {
            let mut features = build.features.clone();
            features.sort_unstable();
            features
        };
        (self.all_features, self.no_defaults) == (other.all_features, other.no_defaults)
            && sorted(self) == sorted(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::shell;

    #[test]
    fn go_build_targets_and_program_names_are_parsed() {
        let module = "module example.org/shop/v2 // the shop\n\ngo 1.24\n";
        let read = |script: &str, folder: &str| {
            let commands = shell::commands(script);
            let build = GoBuild::read(&commands[0]).unwrap();
            let names: Vec<String> = build.targets().iter().map(|target| go_program(target, folder, module)).collect();
            (build.output.clone().unwrap_or_default(), names.join(" "), build.writes_folder())
        };
        for (script, folder, output, names, into_folder) in [
            ("go build", "", "", "shop", false),
            ("go build .", "cmd/api", "", "api", false),
            ("go build -o=/x --tags 'a b' -ldflags \"-X main.version=1 -s\" ./cmd/api", "", "/x", "api", false),
            ("go build -o /out/ ./cmd/api/ ./cmd/job/v2", "", "/out/", "api job", true),
            ("go build -o /out ./a ./b", "", "/out", "a b", true),
            ("go build cmd/serve.go cmd/more.go", "", "", "serve", false),
        ] {
            assert_eq!(read(script, folder), (output.to_owned(), names.to_owned(), into_folder), "{script}");
        }
    }

    #[test]
    fn cargo_build_flags_are_parsed() {
        let build = CargoBuild::of("--release -F a,b --features=c --bin one -p core --no-default-features".split(' '));
        assert_eq!(build.targets(), ["--package", "core", "--bin", "one"]);
        assert_eq!(build.feature_flags(), ["--no-default-features", "--features", "a,b,c"]);
        let other = CargoBuild::of(["--no-default-features", "--features", "c b a", "-pother"]);
        assert!(build.has_features_of(&other));
        assert_eq!(other.packages, ["other"]);
        assert!(!build.has_features_of(&CargoBuild::default()));
    }
}
