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
        let inputs = match self.project_folder(first, frame) {
            Some(folder) => {
                self.context = folder;
                Inputs::of(recipe, Some(self.relative(&self.context)))
            }
            None => Inputs::of(recipe, None),
        };
        let text = match &first.tool {
            Tool::Go(output) => self.go(first, output.clone(), frame, &inputs),
            Tool::Cargo => self.cargo(first, &inputs),
            Tool::Node(..) => self.javascript(recipe, tools, name, &inputs),
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

    pub(super) fn cargo(&mut self, build: &Build, inputs: &Inputs) -> Option<String> {
        let lock = self.in_context("Cargo.lock");
        if !self.exists(&lock) {
            return None;
        }
        let target = format!("{}/target/release", build.folder.trim_end_matches('/'));
        Some(format!(
            "pkgs.rustPlatform.buildRustPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      \
             cargoLock.lockFile = {};\n      # Where the stages that follow look for it.\n      postInstall = ''\n        \
             mkdir -p $out{target}\n        cp -r $out/bin/. $out{target}\n      '';\n    }}",
            self.name,
            inputs.lines(),
            self.relative(&lock),
            target = quoted(&target)
        ))
    }

    pub(super) fn go(
        &mut self,
        build: &Build,
        output: Option<String>,
        frame: &Frame,
        inputs: &Inputs,
    ) -> Option<String> {
        let module = self.draft.text(&self.in_context("go.mod")).ok().flatten()?;
        let vendored = self.draft.files().is_folder(&self.in_context("vendor"));
        let alone = !module.lines().any(|line| line.trim_start().starts_with("require"));
        let hash = if vendored || alone { "null" } else { "lib.fakeHash" };
        if hash != "null" {
            let todo = "run `nix build`, and write the hash that Nix reports in place of `lib.fakeHash`";
            self.leave(build.line, "vendorHash", "go.sum has no hash of all modules together", todo);
        }
        let cgo = match frame.variable("CGO_ENABLED") {
            Some(value) => format!("\n      env.CGO_ENABLED = {};", nix::quoted(&Text::literal(value))),
            None => String::new(),
        };
        let output = output.unwrap_or_else(|| format!("{}/{}", build.folder.trim_end_matches('/'), self.name));
        Some(format!(
            "pkgs.buildGoModule {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      vendorHash = {hash};{cgo}\n      \
             # Where the stages that follow look for it.\n      postInstall = ''\n        \
             install -D \"$(find $out/bin -type f | head -n 1)\" $out{}\n      '';\n    }}",
            self.name,
            inputs.lines(),
            quoted(&output)
        ))
    }

    /// A derivation for what cannot be carried. It evaluates, and its build fails with a list of what is missing.
    pub(super) fn hole(&mut self, recipe: &Recipe, tools: &[String], name: &str) -> String {
        let hole = format!("{name}-build").replace("root-build", "build");
        let nothing_runs = "nothing is run while an image is put together";
        let mut what: Vec<(String, usize, &str)> =
            recipe.holes.iter().map(|(command, line)| (command.clone(), *line, nothing_runs)).collect();
        let beside = "its stage runs other commands as well, so that all of them are written by hand";
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
}

impl Inputs {
    fn of(recipe: &Recipe, project: Option<String>) -> Self {
        let (tools, libraries) = recipe.build_inputs();
        Self { project, tools, libraries }
    }

    /// The attribute for the source.
    pub(super) fn source(&self) -> String {
        self.project.as_ref().map_or_else(|| "inherit src;".to_owned(), |path| format!("src = {path};"))
    }

    /// The attribute for libraries, behind a line break; empty if there are none.
    pub(super) fn libraries(&self) -> String {
        list("buildInputs", &self.libraries)
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
