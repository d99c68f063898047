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
                let what: Vec<(String, usize)> =
                    recipe.builds.iter().map(|build| (tool_name(&build.tool), build.line)).collect();
                self.not_built(
                    &what,
                    tools,
                    "its builder needs a lock file in the root of the build context, and there is none",
                )
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
        let has_lock =
            |folder: &str| locks.iter().any(|lock| paths::join(folder, lock).is_some_and(|path| self.exists(&path)));
        if has_lock(&self.context) {
            return None;
        }
        let here = build.folder.trim_end_matches('/');
        let copies = frame.steps.iter().filter_map(|step| match step {
            Step::Copy(copy) if copy.from.is_none() => Some(copy),
            _ => None,
        });
        let mut folders = copies.flat_map(|copy| {
            let below = here.strip_prefix(copy.to.trim_end_matches('/'));
            let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
            copy.sources.iter().filter_map(move |source| {
                let source = self.in_context(source);
                let is_folder = self.draft.files().is_folder(&source);
                let folder = if is_folder { source.as_str() } else { paths::folder(&source) };
                paths::join(folder, below?.trim_start_matches('/'))
            })
        });
        folders.find(|folder| has_lock(folder))
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
        let mut what: Vec<(String, usize)> = recipe.holes.clone();
        what.extend(recipe.builds.iter().map(|build| (tool_name(&build.tool), build.line)));
        what.sort_by_key(|(_, line)| *line);
        let text = self.not_built(&what, tools, "nothing is run while an image is put together");
        self.bindings.push((hole.clone(), text));
        hole
    }

    pub(super) fn not_built(&mut self, what: &[(String, usize)], tools: &[String], why: &str) -> String {
        let mut comments = String::new();
        let mut said = String::new();
        for (command, line) in what {
            let short: String = command.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
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
