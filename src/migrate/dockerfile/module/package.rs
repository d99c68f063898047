//! The application of an image as a package of its ecosystem.

use super::{Module, quoted};
use crate::migrate::dockerfile::frame::{Frame, Step};
use crate::migrate::dockerfile::recipe::{Build, Recipe, Tool};
use crate::migrate::nix;
use crate::migrate::nix::Text;
use crate::paths;

impl<'d, 'f> Module<'d, 'f> {
    /// The application by its ecosystem's builder. `None` if there is nothing to build.
    pub(super) fn app(&mut self, frame: &Frame, recipe: &Recipe, tools: &[String], name: &str) -> Option<String> {
        let first = recipe.builds.first()?;
        let (own, elsewhere): (Vec<Build>, Vec<Build>) =
            recipe.builds.iter().cloned().partition(|build| is_same_project(first, build));
        for build in elsewhere {
            let why = format!("it runs in {}, and the package is built in {}", build.folder, first.folder);
            let todo = "write it as a derivation in the new file, and copy its files in the image";
            self.leave(build.line, &format!("RUN {}", build.command), &why, todo);
        }
        let recipe = &Recipe { builds: own, ..recipe.clone() };
        let first = recipe.builds.first()?;
        let app = format!("{name}-app").replace("root-app", "app");
        let context = self.context.clone();
        let project = self.project_folder(first, frame);
        if let Some(folder) = &project {
            self.context.clone_from(folder);
        }
        let mut inputs = Inputs::of(recipe, project.map(|folder| self.relative(&folder)));
        // The last stage's variables are those of the image.
        if name != "root" {
            inputs.variables = self.build_variables(frame, &app);
        }
        let text = match &first.tool {
            Tool::Go(_) => self.go(recipe, frame, &inputs),
            Tool::Cargo => self.cargo(recipe, &inputs),
            Tool::Node(..) => self.javascript(recipe, tools, name, &inputs),
        };
        let has_lock = match &first.tool {
            Tool::Node(manager, _) => manager.lock_files().iter().any(|file| self.exists(&self.in_context(file))),
            Tool::Go(_) | Tool::Cargo => false,
        };
        self.context = context;
        let text = match text {
            Some(text) => {
                let is_last = name == "root";
                for (attribute, line) in recipe.packages.iter().filter(|_| !is_last) {
                    self.carry(*line, attribute, &app);
                }
                for build in &recipe.builds {
                    self.carry(build.line, &tool_name(&build.tool), &app);
                }
                text
            }
            None => {
                let why = match inputs.project.is_some() {
                    _ if has_lock => "its builder does not read this version of the lock file",
                    true => "its builder needs a lock file in the folder of its package, and there is none",
                    false => "its builder needs a lock file in the root of the build context, and there is none",
                };
                let what = recipe.builds.iter().map(|build| (build.command.clone(), build.line, why));
                self.not_built(&what.collect::<Vec<_>>(), tools)
            }
        };
        self.bindings.push((app.clone(), text));
        Some(app)
    }

    /// The variables that a stage sets for its build. PATH and folders are those of the image.
    fn build_variables(&mut self, frame: &Frame, app: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (name, value, line) in &frame.env {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let is_of_image = value.starts_with('/') || value.contains('$') || name.contains("PORT");
            // The builder of Go has its own line for it.
            if name == "CGO_ENABLED" {
                continue;
            }
            if name == "PATH" || is_of_image || !is_name {
                let why = "the variable belongs to the image in which the stage was built";
                self.leave(*line, &format!("ENV {name}"), why, "set it in the package if its build needs it");
                continue;
            }
            self.carry(*line, &format!("ENV {name}"), app);
            found.push((name.clone(), value.clone()));
        }
        found
    }

    /// The folder of the repository that a build runs in: that which is copied to where it runs, if it has the lock file.
    fn project_folder(&self, build: &Build, frame: &Frame) -> Option<String> {
        let locks: &[&str] = match &build.tool {
            Tool::Go(_) => &["go.mod"],
            Tool::Cargo => &["Cargo.lock"],
            Tool::Node(manager, _) => manager.lock_files(),
        };
        let manifest = match &build.tool {
            Tool::Go(_) => "go.mod",
            Tool::Cargo => "Cargo.toml",
            Tool::Node(..) => "package.json",
        };
        let has = |folder: &str, name: &str| paths::join(folder, name).is_some_and(|path| self.exists(&path));
        let has_lock = |folder: &str| locks.iter().any(|lock| has(folder, lock));
        let here = build.folder.trim_end_matches('/');
        let copies = frame.steps.iter().filter_map(|step| match step {
            Step::Copy(copy) if copy.from.is_none() => Some(copy),
            _ => None,
        });
        let folders = copies.flat_map(|copy| {
            let below = here.strip_prefix(copy.to.trim_end_matches('/'));
            let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
            copy.sources.iter().filter_map(move |source| {
                let source = self.in_context(source);
                let is_folder = self.draft.files().is_folder(&source);
                let folder = if is_folder { source.as_str() } else { paths::folder(&source) };
                paths::join(folder, below?.trim_start_matches('/'))
            })
        });
        let folders: Vec<String> = folders.collect();
        // What was copied last is there.
        let own = folders.iter().rev().find(|folder| has(folder, manifest));
        match own {
            Some(folder) if *folder == self.context => None,
            Some(folder) => Some(folder.clone()),
            None if has_lock(&self.context) => None,
            None => folders.into_iter().find(|folder| has_lock(folder)),
        }
    }

    pub(super) fn cargo(&mut self, recipe: &Recipe, inputs: &Inputs) -> Option<String> {
        let build = recipe.builds.first()?;
        let builds: Vec<CargoFlags> = recipe.builds.iter().map(|build| CargoFlags::of(&build.command)).collect();
        if builds.iter().any(|flags| flags.features != builds[0].features) {
            let why = "the stage builds with different features, and the package has all of them in one build";
            self.leave(
                build.line,
                "cargo build",
                why,
                "write one package for each if their features exclude each other",
            );
        }
        let lock = self.in_context("Cargo.lock");
        if !self.exists(&lock) {
            return None;
        }
        let target = format!("{}/target/release", build.folder.trim_end_matches('/'));
        Some(format!(
            "pkgs.rustPlatform.buildRustPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      \
             cargoLock.lockFile = {};{}\n      # Where the stages that follow look for it.\n      postInstall = ''\n        \
             mkdir -p $out{target}\n        cp -r $out/bin/. $out{target}\n      '';\n    }}",
            self.name,
            inputs.lines(),
            self.relative(&lock),
            cargo_lines(&builds),
            target = quoted(&target)
        ))
    }

    pub(super) fn go(&mut self, recipe: &Recipe, frame: &Frame, inputs: &Inputs) -> Option<String> {
        let build = recipe.builds.first()?;
        let module = self.draft.text(&self.in_context("go.mod")).ok().flatten()?;
        let vendored = self.draft.files().is_folder(&self.in_context("vendor"));
        let alone = !module.lines().any(|line| line.trim_start().starts_with("require"));
        let hash = if vendored || alone { "null" } else { "lib.fakeHash" };
        if hash != "null" {
            let todo = "run `nix build`, and write the hash that Nix reports in place of `lib.fakeHash`";
            self.leave(build.line, "vendorHash", "go.sum has no combined hash of all modules", todo);
        }
        let cgo = match frame.variable("CGO_ENABLED") {
            Some(value) => format!("\n      env.CGO_ENABLED = {};", nix::quoted(&Text::literal(value))),
            None => String::new(),
        };
        let builds: Vec<(Option<String>, String)> = recipe
            .builds
            .iter()
            .filter_map(|build| match &build.tool {
                Tool::Go(output) => Some((go_package(&build.command), self.go_output(build, output))),
                _ => None,
            })
            .collect();
        // A package is named if it is not the only one.
        let is_named = builds.len() > 1 || builds.iter().any(|(package, _)| package.as_deref() != Some("."));
        let packages: Option<Vec<(&str, &str)>> =
            builds.iter().map(|(package, output)| Some((package.as_deref()?, output.as_str()))).collect();
        let named = packages.filter(|_| is_named);
        if named.is_none() && builds.len() > 1 {
            let why = "what each of the builds compiles is not known, and the first program is taken for all of them";
            self.leave(build.line, "go build", why, "copy each program in `postInstall` of the package");
        }
        let sub_packages = named.as_ref().map_or_else(String::new, |packages| {
            let packages: String = packages.iter().map(|(package, _)| format!("\"{package}\" ")).collect();
            format!("\n      subPackages = [ {packages}];")
        });
        let install = match &named {
            Some(packages) => packages
                .iter()
                .map(|(package, output)| {
                    format!(
                        "        install -D $out/bin/{} $out{}\n",
                        quoted(&program_of(&module, package)),
                        quoted(output)
                    )
                })
                .collect(),
            None => builds
                .iter()
                .map(|(_, output)| {
                    format!("        install -D \"$(find $out/bin -type f | head -n 1)\" $out{}\n", quoted(output))
                })
                .collect::<String>(),
        };
        Some(format!(
            "pkgs.buildGoModule {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      vendorHash = {hash};{cgo}{sub_packages}\n      \
             # Where the stages that follow look for it.\n      postInstall = ''\n{install}      '';\n    }}",
            self.name,
            inputs.lines(),
        ))
    }

    /// Where `go build` puts a program: a folder takes it under the name of its package.
    fn go_output(&self, build: &Build, output: &Option<String>) -> String {
        let folder = build.folder.trim_end_matches('/');
        output.clone().unwrap_or_else(|| format!("{folder}/{}", self.name))
    }

    /// A derivation for what cannot be carried. It evaluates, and its build fails with a list of what is missing.
    pub(super) fn hole(&mut self, recipe: &Recipe, tools: &[String], name: &str) -> String {
        let hole = format!("{name}-build").replace("root-build", "build");
        let nothing_runs = "nothing is run while an image is put together";
        let mut what: Vec<(String, usize, &str)> =
            recipe.holes.iter().map(|(command, line)| (command.clone(), *line, nothing_runs)).collect();
        let beside = "its stage also runs other commands, so all of them have to be written by hand";
        what.extend(recipe.builds.iter().map(|build| (build.command.clone(), build.line, beside)));
        what.sort_by_key(|(_, line, _)| *line);
        let text = self.not_built(&what, tools);
        self.bindings.push((hole.clone(), text));
        hole
    }

    /// The same for commands with their lines, and why they are not carried.
    fn not_built(&mut self, what: &[(String, usize, &str)], tools: &[String]) -> String {
        let mut comments = String::new();
        let mut said = String::new();
        for (command, line, why) in what {
            let short = shortened(&command.split_whitespace().collect::<Vec<_>>().join(" "));
            self.leave(*line, &format!("RUN {short}"), why, "write it as a derivation in the new file");
            comments.push_str(&format!("# not carried over: {} line {line}: {short}\n    ", self.path));
            said.push_str(&format!("        echo {} >&2\n", quoted(&format!("{} line {line}: {short}", self.path))));
        }
        let mut tools: Vec<&str> = tools.iter().map(String::as_str).collect();
        tools.sort_unstable();
        tools.dedup();
        format!(
            "\n    {comments}pkgs.runCommand \"{}-build\" {{\n      inherit src;\n      nativeBuildInputs = [ {} ];\n    }} ''\n        \
             echo \"flakeward could not carry these commands; write them here:\" >&2\n{said}        exit 1\n    ''",
            self.name,
            tools.join(" ")
        )
    }
}

/// The flags of a `cargo build` that decide what it makes.
#[derive(Default)]
struct CargoFlags {
    features: Vec<String>,
    targets: Vec<String>,
    has_defaults: bool,
}

impl CargoFlags {
    fn of(command: &str) -> Self {
        let mut flags = Self { has_defaults: true, ..Self::default() };
        let mut words = command.split_whitespace();
        while let Some(word) = words.next() {
            let (flag, own) = word.split_once('=').map_or((word, None), |(flag, own)| (flag, Some(own)));
            let mut value = || own.or_else(|| words.next()).unwrap_or_default().trim_matches(['"', '\'']);
            match flag {
                "--features" | "-F" => flags.features.extend(value().split(',').map(str::to_owned)),
                "--bin" | "--package" | "-p" => flags.targets.extend([flag.to_owned(), value().to_owned()]),
                "--all-features" | "--workspace" => flags.targets.push(flag.to_owned()),
                "--no-default-features" => flags.has_defaults = false,
                _ => {}
            }
        }
        flags
    }
}

/// The attributes of a Rust package for the flags of its builds.
fn cargo_lines(builds: &[CargoFlags]) -> String {
    let mut out = String::new();
    let mut features: Vec<&String> = builds.iter().flat_map(|flags| &flags.features).collect();
    features.sort();
    features.dedup();
    let list = |words: &[&String]| -> String {
        words.iter().map(|word| format!("{} ", nix::quoted(&Text::literal(word.as_str())))).collect()
    };
    if builds.iter().all(|flags| !flags.has_defaults) {
        out.push_str("\n      buildNoDefaultFeatures = true;");
    }
    if !features.is_empty() {
        out.push_str(&format!("\n      buildFeatures = [ {}];", list(&features)));
    }
    let targets: Vec<&String> = builds.iter().flat_map(|flags| &flags.targets).collect();
    // A build without one makes all programs.
    if builds.iter().all(|flags| !flags.targets.is_empty()) && !targets.is_empty() {
        out.push_str(&format!("\n      cargoBuildFlags = [ {}];", list(&targets)));
    }
    out
}

/// The folder of the package that a `go build` compiles, from its own folder. `None` if it is not one package.
fn go_package(command: &str) -> Option<String> {
    let mut target = ".";
    let mut words = command.split_whitespace().skip(2);
    while let Some(word) = words.next() {
        match word {
            "-o" | "-ldflags" | "-tags" | "-p" | "-mod" | "-gcflags" | "-asmflags" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            word => target = word,
        }
    }
    // A file stands for the package in its folder.
    let folder = if target.ends_with(".go") { paths::folder(target) } else { target };
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    let is_plain = folder.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)) && !folder.contains("..");
    is_plain.then(|| if folder.is_empty() { ".".to_owned() } else { folder.to_owned() })
}

/// The name of the program that Go makes of a package: the last part of its path.
fn program_of(module: &str, package: &str) -> String {
    let path = match package {
        "." => module.lines().find_map(|line| line.trim().strip_prefix("module ")).unwrap_or("main").trim(),
        package => package,
    };
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let is_version = last.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
    let name = if is_version && package == "." { parts.next().unwrap_or(last) } else { last };
    name.to_owned()
}

/// The longest command that reports and comments show, in characters.
const LONGEST: usize = 500;

fn shortened(command: &str) -> String {
    match command.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ..", &command[..end]),
        None => command.to_owned(),
    }
}

/// Whether a build belongs to the package of another one: package managers install and build in one folder.
fn is_same_project(first: &Build, other: &Build) -> bool {
    let is_node = |build: &Build| matches!(build.tool, Tool::Node(..));
    !(is_node(first) && is_node(other)) || first.folder.trim_end_matches('/') == other.folder.trim_end_matches('/')
}

/// What a build is given.
pub(super) struct Inputs {
    /// The path of a project in a folder of the build context. `None` if the build context is the project.
    pub(super) project: Option<String>,
    /// Tools of the distribution that the Dockerfile installs for it.
    pub(super) tools: Vec<&'static str>,
    /// Libraries, likewise.
    libraries: Vec<&'static str>,
    /// Variables that its stage sets.
    variables: Vec<(String, String)>,
}

impl Inputs {
    fn of(recipe: &Recipe, project: Option<String>) -> Self {
        let (tools, libraries) = recipe.build_inputs();
        Self { project, tools, libraries, variables: Vec::new() }
    }

    /// The attribute for the source.
    pub(super) fn source(&self) -> String {
        self.project.as_ref().map_or_else(|| "inherit src;".to_owned(), |path| format!("src = {path};"))
    }

    /// The attributes for libraries and variables, after a line break; empty if there are none.
    pub(super) fn libraries(&self) -> String {
        let variable = |(name, value): &(String, String)| {
            format!("\n      env.{name} = {};", nix::quoted(&Text::literal(value.as_str())))
        };
        let variables: String = self.variables.iter().map(variable).collect();
        format!("{}{variables}", list("buildInputs", &self.libraries))
    }

    /// The attributes for the source, tools and libraries.
    pub(super) fn lines(&self) -> String {
        format!("{}{}{}", self.source(), list("nativeBuildInputs", &self.tools), self.libraries())
    }
}

fn list(name: &str, packages: &[&str]) -> String {
    if packages.is_empty() {
        return String::new();
    }
    let packages: String = packages.iter().map(|package| format!("pkgs.{package} ")).collect();
    format!("\n      {name} = [ {packages}];")
}

pub(super) fn tool_name(tool: &Tool) -> String {
    match tool {
        Tool::Node(manager, None) => manager.install_command().to_owned(),
        Tool::Node(manager, Some(script)) => format!("{} run {script}", manager.program()),
        Tool::Go(_) => "go build".to_owned(),
        Tool::Cargo => "cargo build".to_owned(),
    }
}
