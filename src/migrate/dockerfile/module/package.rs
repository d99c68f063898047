//! The application of an image as a package of its ecosystem.

use super::{Module, escaped, listed, quoted};
use crate::knowledge::images::packages;
use crate::migrate::dockerfile::frame::Frame;
use crate::migrate::dockerfile::recipe::{Build, Recipe, Requirement, Tool};
use crate::migrate::nix;
use crate::migrate::nix::Text;

impl<'d, 'f> Module<'d, 'f> {
    /// Python packages become an environment in place of the interpreter.
    pub(super) fn python(&mut self, recipe: &Recipe, all: &mut [String]) {
        let mut names = Vec::new();
        for (requirement, line) in recipe.requirements.clone() {
            let wanted = match requirement {
                Requirement::Name(name) => vec![name],
                Requirement::File(file) => {
                    let path = self.in_context(file.rsplit('/').next().unwrap_or(&file));
                    let path = if self.exists(&path) { path } else { self.in_context(&file) };
                    match self.draft.text(&path) {
                        Ok(Some(text)) => listed(&text),
                        _ => {
                            let why = "the file is not in the repository";
                            self.leave(
                                line,
                                &format!("pip install -r {file}"),
                                why,
                                "add the packages to `withPackages`",
                            );
                            continue;
                        }
                    }
                }
            };
            for requirement in wanted {
                match packages::python(&requirement) {
                    Some(name) => {
                        self.carry(line, &requirement, &format!("python3Packages.{name}"));
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                    None => {
                        let why = "it is not known which Python package of nixpkgs this is";
                        self.leave(
                            line,
                            &requirement,
                            why,
                            "look it up in `python3Packages` and add it to `withPackages`",
                        );
                    }
                }
            }
        }
        if let Some(python) = all.iter_mut().find(|package| package.starts_with("pkgs.python"))
            && !names.is_empty()
        {
            names.sort_unstable();
            let list: Vec<String> = names.iter().map(|name| format!("ps.{name}")).collect();
            *python = format!("({python}.withPackages (ps: [ {} ]))", list.join(" "));
        }
    }

    /// The application by its ecosystem's builder. `None` if there is nothing to build.
    pub(super) fn app(&mut self, frame: &Frame, recipe: &Recipe, name: &str) -> Option<String> {
        let first = recipe.builds.first()?;
        let app = format!("{name}-app").replace("root-app", "app");
        let text = match &first.tool {
            Tool::Go(output) => self.go(first, output.clone(), frame),
            Tool::Cargo => self.cargo(first),
            Tool::NpmInstall | Tool::NpmScript(_) => self.npm(recipe),
        };
        let text = match text {
            Some(text) => {
                for build in &recipe.builds {
                    self.carry(build.line, &tool_name(&build.tool), &app);
                }
                text
            }
            None => {
                let what: Vec<(String, usize)> =
                    recipe.builds.iter().map(|build| (tool_name(&build.tool), build.line)).collect();
                self.not_built(&what, &[], "the lock file that its builder needs is not in the repository")
            }
        };
        self.bindings.push((app.clone(), text));
        Some(app)
    }

    pub(super) fn npm(&mut self, recipe: &Recipe) -> Option<String> {
        if !self.exists(&self.in_context("package-lock.json")) {
            return None;
        }
        let script = recipe.builds.iter().rev().find_map(|build| match &build.tool {
            Tool::NpmScript(script) => Some(script.clone()),
            _ => None,
        });
        let build = match script {
            Some(script) => format!("npmBuildScript = {};", nix::quoted(&Text::literal(script))),
            None => "dontNpmBuild = true;".to_owned(),
        };
        let folder = recipe.builds.first().map_or("/".to_owned(), |build| build.folder.clone());
        Some(format!(
            "pkgs.buildNpmPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      inherit src;\n      \
             # The lock file has the hashes of all packages.\n      npmDeps = pkgs.importNpmLock {{ npmRoot = src; }};\n      \
             npmConfigHook = pkgs.importNpmLock.npmConfigHook;\n      {build}\n      installPhase = ''\n        \
             mkdir -p $out{folder}\n        cp -r . $out{folder}\n      '';\n    }}",
            self.name,
            folder = quoted(&folder)
        ))
    }

    pub(super) fn cargo(&mut self, build: &Build) -> Option<String> {
        let lock = self.in_context("Cargo.lock");
        if !self.exists(&lock) {
            return None;
        }
        let target = format!("{}/target/release", build.folder.trim_end_matches('/'));
        Some(format!(
            "pkgs.rustPlatform.buildRustPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      inherit src;\n      \
             cargoLock.lockFile = {};\n      # Where the stages that follow look for it.\n      postInstall = ''\n        \
             mkdir -p $out{target}\n        cp -r $out/bin/. $out{target}\n      '';\n    }}",
            self.name,
            self.relative(&lock),
            target = quoted(&target)
        ))
    }

    pub(super) fn go(&mut self, build: &Build, output: Option<String>, frame: &Frame) -> Option<String> {
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
            "pkgs.buildGoModule {{\n      pname = \"{}\";\n      version = \"0\";\n      inherit src;\n      vendorHash = {hash};{cgo}\n      \
             # Where the stages that follow look for it.\n      postInstall = ''\n        \
             install -D \"$(find $out/bin -type f | head -n 1)\" $out{}\n      '';\n    }}",
            self.name,
            quoted(&output)
        ))
    }

    /// A derivation for what cannot be carried. It evaluates, and its build says what is missing.
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
            comments.push_str(&format!("# not carried: {} line {line}: {short}\n    ", self.path));
            said.push_str(&format!(
                "        echo {} >&2\n",
                escaped(&quoted(&format!("{} line {line}: {short}", self.path)))
            ));
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

pub(super) fn tool_name(tool: &Tool) -> String {
    match tool {
        Tool::NpmInstall => "npm ci".to_owned(),
        Tool::NpmScript(script) => format!("npm run {script}"),
        Tool::Go(_) => "go build".to_owned(),
        Tool::Cargo => "cargo build".to_owned(),
    }
}
