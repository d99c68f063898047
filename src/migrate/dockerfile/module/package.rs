//! The application in an image, as a package built for its ecosystem.

use std::collections::BTreeMap;

use super::{Module, quoted};
use crate::migrate::builds::{CargoBuild, go_program};
use crate::migrate::dockerfile::frame::{Frame, Step};
use crate::migrate::dockerfile::recipe::{Build, Recipe, Tool};
use crate::migrate::nix;
use crate::migrate::nix::Text;
use crate::paths;

impl<'d, 'f> Module<'d, 'f> {
    /// The application, built by its ecosystem's builder. `None` if there is nothing to build.
    pub(super) fn app(&mut self, frame: &Frame, recipe: &Recipe, tools: &[String], name: &str) -> Option<String> {
        let first = recipe.builds.first()?;
        let mut modules = BTreeMap::new();
        for build in recipe.builds.iter().filter(|build| matches!(build.tool, Tool::Go(_))) {
            modules.entry(build.folder.as_str()).or_insert_with(|| self.go_module(build, frame));
        }
        let module = |build: &Build| modules.get(build.folder.as_str());
        let is_own = |build: &Build| {
            is_same_tool(first, build)
                && match &first.tool {
                    // Package managers install and build in the same folder.
                    Tool::Node(..) => first.folder.trim_end_matches('/') == build.folder.trim_end_matches('/'),
                    // A module may contain several packages.
                    Tool::Go(_) => module(first) == module(build),
                    Tool::Cargo(_) => true,
                }
        };
        let (own, elsewhere): (Vec<Build>, Vec<Build>) = recipe.builds.iter().cloned().partition(is_own);
        for build in elsewhere {
            let why = match is_same_tool(first, &build) {
                true => format!("it runs in {}, but the package is built in {}", build.folder, first.folder),
                false => format!("this stage's package is built with `{}`", tool_name(&first.tool)),
            };
            let todo = "write the command as a derivation in the new file, and copy the result into the image";
            self.leave(build.line, &format!("RUN {}", build.command), &why, todo);
        }
        let recipe = &Recipe { builds: own, ..recipe.clone() };
        let first = recipe.builds.first()?;
        let app = format!("{name}-app").replace("root-app", "app");
        let context = self.context.clone();
        let project = self.project_folder(first, frame);
        let module_folder = self.go_module(first, frame).map_or_else(|| first.folder.clone(), |(folder, _)| folder);
        if let Some(folder) = &project {
            self.context.clone_from(folder);
        }
        let mut inputs = Inputs::of(recipe, project.map(|folder| self.relative(&folder)));
        // The variables of the last stage are those of the image.
        if name != "root" {
            inputs.variables = self.build_variables(frame, &first.tool);
        }
        let text = match &first.tool {
            Tool::Go(_) => self.go(recipe, frame, &inputs, &module_folder),
            Tool::Cargo(_) => self.cargo(recipe, &inputs),
            Tool::Node(..) => self.javascript(recipe, tools, name, &inputs),
        };
        let has_lock = match &first.tool {
            Tool::Node(manager, _) => manager.lock_files().iter().any(|file| self.exists(&self.in_context(file))),
            Tool::Go(_) | Tool::Cargo(_) => false,
        };
        self.context = context;
        let text = match text {
            Some(text) => {
                let is_last = name == "root";
                for (attribute, line) in recipe.packages.iter().filter(|_| !is_last) {
                    self.carry(*line, attribute, &app);
                }
                for (name, _, line) in &inputs.variables {
                    self.carry(*line, &format!("ENV {name}"), &app);
                }
                for build in &recipe.builds {
                    self.carry(build.line, &tool_name(&build.tool), &app);
                }
                text
            }
            None => {
                for (name, _, line) in &inputs.variables {
                    let why = "the build that it is set for is not carried over";
                    self.leave(*line, &format!("ENV {name}"), why, "set it in the derivation that you write");
                }
                let why = match inputs.project.is_some() {
                    _ if has_lock => "its builder does not support this version of the lock file",
                    true => "its builder needs a lock file in the package's folder, and there is none",
                    false => "its builder needs a lock file in the root of the build context, and there is none",
                };
                let what = recipe.builds.iter().map(|build| (build.command.clone(), build.line, why));
                self.not_built(&what.collect::<Vec<_>>(), tools)
            }
        };
        self.bindings.push((app.clone(), text));
        Some(app)
    }

    /// The variables that a stage sets for its build, with their lines. Reports those that refer to the image, such as
    /// PATH and folders, and those whose names are invalid.
    fn build_variables(&mut self, frame: &Frame, tool: &Tool) -> Vec<(String, String, usize)> {
        let mut found = Vec::new();
        for (name, value, line) in &frame.env {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            // The Go builder has a separate attribute for it.
            if name == "CGO_ENABLED" && matches!(tool, Tool::Go(_)) {
                continue;
            }
            if name == "PATH" || value.starts_with('/') || value.contains('$') || !is_name {
                let why = "its value refers to the stage's image";
                let why = if is_name { why } else { "its name is not a valid shell variable name" };
                self.leave(*line, &format!("ENV {name}"), why, "set it in the package if its build needs it");
                continue;
            }
            found.push((name.clone(), value.clone(), *line));
        }
        found
    }

    /// The folder in the image with the go.mod of a build, and the corresponding folder in the repository.
    fn go_module(&self, build: &Build, frame: &Frame) -> Option<(String, String)> {
        let has = |folder: &String| paths::join(folder, "go.mod").is_some_and(|path| self.exists(&path));
        let own = build.folder.trim_end_matches('/');
        let around = std::iter::successors(Some(own), |folder| Some(folder.rsplit_once('/')?.0)).take(DEEPEST_MODULE);
        let mut found = around.filter_map(|folder| {
            let source = self.sources_of(folder, frame).into_iter().rev().find(has)?;
            Some((folder.to_owned(), source))
        });
        found.next()
    }

    /// The folders in the repository that are copied to a folder of a stage, in order.
    fn sources_of(&self, folder: &str, frame: &Frame) -> Vec<String> {
        let copies = frame.steps.iter().filter_map(|step| match step {
            Step::Copy(copy) if copy.from.is_none() => Some(copy),
            _ => None,
        });
        let folders = copies.flat_map(|copy| {
            let below = folder.strip_prefix(copy.to.trim_end_matches('/'));
            let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
            copy.sources.iter().filter_map(move |source| {
                let source = self.in_context(source);
                let is_folder = self.draft.files().is_folder(&source);
                let folder = if is_folder { source.as_str() } else { paths::folder(&source) };
                paths::join(folder, below?.trim_start_matches('/'))
            })
        });
        folders.collect()
    }

    /// The folder in the repository that corresponds to the folder in which a build runs. `None` if it is the build
    /// context, or if no corresponding folder has a manifest or a lock file.
    fn project_folder(&self, build: &Build, frame: &Frame) -> Option<String> {
        let locks: &[&str] = match &build.tool {
            Tool::Go(_) => &["go.mod"],
            Tool::Cargo(_) => &["Cargo.lock"],
            Tool::Node(manager, _) => manager.lock_files(),
        };
        let manifest = match &build.tool {
            Tool::Go(_) => "go.mod",
            Tool::Cargo(_) => "Cargo.toml",
            Tool::Node(..) => "package.json",
        };
        let has = |folder: &str, name: &str| paths::join(folder, name).is_some_and(|path| self.exists(&path));
        let has_lock = |folder: &str| locks.iter().any(|lock| has(folder, lock));
        let folders = self.sources_of(build.folder.trim_end_matches('/'), frame);
        // The folder that was copied last takes precedence.
        let own = folders.iter().rev().find(|folder| has(folder, manifest)).cloned();
        let own = own.or_else(|| match &build.tool {
            Tool::Go(_) => self.go_module(build, frame).map(|(_, folder)| folder),
            _ => None,
        });
        match own {
            Some(folder) if folder == self.context => None,
            Some(folder) => Some(folder),
            None if has_lock(&self.context) => None,
            None => folders.into_iter().find(|folder| has_lock(folder)),
        }
    }

    pub(super) fn cargo(&mut self, recipe: &Recipe, inputs: &Inputs) -> Option<String> {
        let build = recipe.builds.first()?;
        let builds: Vec<&CargoBuild> = recipe
            .builds
            .iter()
            .filter_map(|build| match &build.tool {
                Tool::Cargo(build) => Some(build),
                _ => None,
            })
            .collect();
        if builds.iter().any(|other| !other.has_features_of(builds[0])) {
            let why = "the builds in this stage use different features; the package enables all of them at once";
            let todo = "write one package per build if the features are mutually exclusive";
            self.leave(build.line, "cargo build", why, todo);
        }
        let lock = self.in_context("Cargo.lock");
        if !self.exists(&lock) {
            return None;
        }
        let target = format!("{}/target/release", build.folder.trim_end_matches('/'));
        Some(format!(
            "pkgs.rustPlatform.buildRustPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      \
             cargoLock.lockFile = {};{}\n      # Later stages look for it here.\n      postInstall = ''\n        \
             mkdir -p $out{target}\n        cp -r $out/bin/. $out{target}\n      '';\n    }}",
            self.name,
            inputs.lines(),
            self.relative(&lock),
            cargo_lines(&builds),
            target = quoted(&target)
        ))
    }

    pub(super) fn go(&mut self, recipe: &Recipe, frame: &Frame, inputs: &Inputs, folder: &str) -> Option<String> {
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
        let programs: Vec<GoProgram> =
            recipe.builds.iter().flat_map(|build| go_programs(recipe, build, folder, &module)).collect();
        // The packages are listed, unless the only one is in the module's root.
        let is_named = programs.len() > 1 || programs.iter().any(|program| program.package.as_deref() != Some("."));
        let packages: Option<Vec<&str>> = programs.iter().map(|program| program.package.as_deref()).collect();
        let packages = packages.filter(|_| is_named);
        if packages.is_none() && is_named {
            let why = "cannot tell which package each `go build` compiles, so every output path gets a copy of the first program";
            self.leave(build.line, "go build", why, "copy each program in the package's `postInstall`");
        }
        let sub_packages = packages.as_ref().map_or_else(String::new, |packages| {
            let mut list: Vec<&str> = Vec::new();
            for package in packages {
                if !list.contains(package) {
                    list.push(package);
                }
            }
            let list: String = list.iter().map(|package| format!("\"{package}\" ")).collect();
            format!("\n      subPackages = [ {list}];")
        });
        let line = |program: &GoProgram| {
            let output = program.output.as_ref()?;
            Some(match &packages {
                Some(_) => {
                    format!("        install -D $out/bin/{} $out{}\n", quoted(&program.installed), quoted(output))
                }
                None => {
                    format!("        install -D \"$(find $out/bin -type f | head -n 1)\" $out{}\n", quoted(output))
                }
            })
        };
        let install: String = programs.iter().filter_map(line).collect();
        Some(format!(
            "pkgs.buildGoModule {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      vendorHash = {hash};{cgo}{sub_packages}\n      \
             # Later stages look for it here.\n      postInstall = ''\n{install}      '';\n    }}",
            self.name,
            inputs.lines(),
        ))
    }

    /// A derivation for commands that cannot be migrated. It evaluates, but its build fails with a list of the
    /// commands.
    pub(super) fn hole(&mut self, recipe: &Recipe, tools: &[String], name: &str) -> String {
        let hole = format!("{name}-build").replace("root-build", "build");
        let nothing_runs = "no command runs while an image is assembled";
        let mut what: Vec<(String, usize, &str)> =
            recipe.holes.iter().map(|(command, line)| (command.clone(), *line, nothing_runs)).collect();
        let beside = "its stage also runs other commands, so all of them have to be written by hand";
        what.extend(recipe.builds.iter().map(|build| (build.command.clone(), build.line, beside)));
        what.sort_by_key(|(_, line, _)| *line);
        let text = self.not_built(&what, tools);
        self.bindings.push((hole.clone(), text));
        hole
    }

    /// A derivation like [`Self::hole`] for commands with their lines and the reasons why they are not migrated.
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
             echo \"flakeward could not carry over these commands; write them here:\" >&2\n{said}        exit 1\n    ''",
            self.name,
            tools.join(" ")
        )
    }
}

/// The maximum number of ancestors of a build's folder that are searched for its go.mod.
const DEEPEST_MODULE: usize = 32;

/// The attributes of a Rust package that correspond to the flags of its builds.
fn cargo_lines(builds: &[&CargoBuild]) -> String {
    let mut out = String::new();
    let mut features: Vec<&String> = builds.iter().flat_map(|build| &build.features).collect();
    features.sort();
    features.dedup();
    let list = |words: &[&String]| -> String {
        words.iter().map(|word| format!("{} ", nix::quoted(&Text::literal(word.as_str())))).collect()
    };
    if builds.iter().all(|build| build.no_defaults) {
        out.push_str("\n      buildNoDefaultFeatures = true;");
    }
    if !features.is_empty() {
        out.push_str(&format!("\n      buildFeatures = [ {}];", list(&features)));
    }
    let mut flags = Vec::new();
    flags.extend(builds.iter().any(|build| build.all_features).then(|| "--all-features".to_owned()));
    let targets: Vec<Vec<String>> = builds.iter().map(|build| build.targets()).collect();
    // A build without targets creates all programs.
    if targets.iter().all(|targets| !targets.is_empty()) {
        flags.extend(targets.into_iter().flatten());
    }
    if !flags.is_empty() {
        out.push_str(&format!("\n      cargoBuildFlags = [ {}];", list(&flags.iter().collect::<Vec<_>>())));
    }
    out
}

/// A program that a `go build` creates.
struct GoProgram {
    /// The folder of its package, relative to the folder of go.mod. `None` if it is not a single package.
    package: Option<String>,
    /// Its name among the programs of the Nix package.
    installed: String,
    /// The path to which it is copied. `None` if the build discards it, or if the package has it at this path.
    output: Option<String>,
}

/// The programs of a `go build`, for a module in a folder in the image.
fn go_programs(recipe: &Recipe, build: &Build, module_folder: &str, module: &str) -> Vec<GoProgram> {
    let Tool::Go(go) = &build.tool else { return Vec::new() };
    let folder = build.folder.trim_end_matches('/');
    let inside = folder.strip_prefix(module_folder.trim_end_matches('/')).map(|rest| rest.trim_start_matches('/'));
    let targets = go.targets();
    let is_made = |path: &str| recipe.files.iter().any(|file| file.what == "mkdir -p" && file.path == path);
    let program = |target: &Vec<&str>| {
        let package = inside.and_then(|inside| go_package(target, inside));
        let name = go_program(target, inside.unwrap_or_default(), module);
        let installed = package.as_deref().map_or_else(|| name.clone(), |package| go_program(&[package], "", module));
        let output = match &go.output {
            Some(output) if go.writes_folder() || is_made(output) => {
                Some(format!("{}/{name}", output.trim_end_matches('/')))
            }
            Some(output) => Some(output.clone()),
            // Go discards the results of a build of several packages.
            None => (targets.len() == 1).then(|| format!("{folder}/{name}")),
        };
        // The package already contains the program at this path.
        let output = output.filter(|output| *output != format!("/bin/{installed}"));
        GoProgram { package, installed, output }
    };
    targets.iter().map(program).collect()
}

/// The folder of a target of `go build`, relative to the folder of go.mod. `None` if the target is not a single package
/// of the module.
fn go_package(target: &[&str], inside: &str) -> Option<String> {
    let first = target.first()?;
    // A file represents the package in its folder.
    let folder = if first.ends_with(".go") { paths::folder(first) } else { first };
    let is_plain = folder.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)) && !folder.contains("...");
    let folder = paths::join(inside, folder).filter(|_| is_plain && !folder.starts_with('/'))?;
    Some(if folder.is_empty() { ".".to_owned() } else { folder })
}

/// The maximum length of a command in reports and comments, in characters.
const LONGEST: usize = 500;

fn shortened(command: &str) -> String {
    match command.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ..", &command[..end]),
        None => command.to_owned(),
    }
}

/// Whether two builds use the same tool.
fn is_same_tool(one: &Build, other: &Build) -> bool {
    std::mem::discriminant(&one.tool) == std::mem::discriminant(&other.tool)
}

/// The inputs of a build.
pub(super) struct Inputs {
    /// The path of a project in a folder of the build context. `None` if the project is the build context itself.
    pub(super) project: Option<String>,
    /// Tools that the Dockerfile installs from the distribution for the build.
    pub(super) tools: Vec<&'static str>,
    /// Libraries that the Dockerfile installs from the distribution for the build.
    libraries: Vec<&'static str>,
    /// Variables that the stage of the build sets, with their lines.
    variables: Vec<(String, String, usize)>,
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
        let variable = |(name, value, _): &(String, String, usize)| {
            format!("\n      env.{} = {};", nix::attribute(name), nix::quoted(&Text::literal(value.as_str())))
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
        Tool::Cargo(_) => "cargo build".to_owned(),
    }
}
