//! The flake-parts module that builds the image of a Dockerfile with nix2container.

use std::collections::BTreeMap;

use super::frame::{Command, Copy, Frame, Step};
use super::recipe::{Build, Recipe, Requirement, Tool};
use crate::finding::RelPath;
use crate::knowledge::images::base::{self as base_images, Base, Runtime};
use crate::knowledge::images::packages;
use crate::lang::dockerfile::{self, Dockerfile};
use crate::migrate::nix::{self, Attr, Expr, Text};
use crate::migrate::{Draft, Error};
use crate::paths;

/// How a file or folder is copied in Docker: a folder's contents, a file into a folder or to a name.
const COPY: &str = "''
      copy() {
        if [ -d \"$1\" ]; then
          mkdir -p \"$2\" && cp -r \"$1\"/. \"$2\"
        else
          case \"$2\" in */) mkdir -p \"$2\" ;; *) mkdir -p \"$(dirname \"$2\")\" ;; esac
          cp \"$1\" \"$2\"
        fi
        chmod -R u+w \"$out\"
      }
    ''";

/// Accounts of the new image begin with this id, as those of Debian's and Alpine's tools do.
const FIRST_ID: u32 = 1000;

/// Builds the module of one Dockerfile.
pub struct Module<'d, 'f> {
    draft: &'d mut Draft<'f>,
    /// The Dockerfile.
    path: RelPath,
    file: Dockerfile,
    /// The name of the image.
    name: String,
    /// The module's own path.
    target: String,
    /// The build context, from the repository's root.
    context: String,
    /// Bindings of the module's `let`, in order.
    bindings: Vec<(String, String)>,
    /// The bindings of stages that are made already.
    stages: BTreeMap<usize, String>,
}

impl<'d, 'f> Module<'d, 'f> {
    /// A module for a Dockerfile, to be written at a path.
    pub fn new(draft: &'d mut Draft<'f>, path: &RelPath, file: Dockerfile, package: &str, target: &str) -> Self {
        let name = package.strip_prefix("container-").unwrap_or(package).to_owned();
        let mut module = Self {
            draft,
            path: path.clone(),
            file,
            name,
            target: target.to_owned(),
            context: String::new(),
            bindings: Vec::new(),
            stages: BTreeMap::new(),
        };
        module.context = module.find_context();
        module
    }

    fn carry(&mut self, line: usize, what: &str, into: &str) {
        self.draft.report.carry(&self.path, line, what, into);
    }

    fn leave(&mut self, line: usize, what: &str, why: &str, todo: &str) {
        self.draft.report.leave(&self.path, line, what, why, todo);
    }

    /// What an instruction became in the migration of the Compose file that builds this Dockerfile: its HEALTHCHECK is the
    /// probe of the process.
    fn carried_elsewhere(&self, line: usize) -> Option<String> {
        let same = self.draft.report.carried.iter().find(|item| item.path == self.path && item.line == line);
        same.map(|item| item.into.clone())
    }

    /// The folder that `COPY` copies from: that of the Dockerfile, or the root if the files are only there.
    fn find_context(&self) -> String {
        let folder = paths::folder(&self.path).to_owned();
        let sources = self.file.stages.iter().flat_map(|stage| &stage.instructions).filter(|instruction| {
            matches!(instruction.name.as_str(), "COPY" | "ADD") && instruction.flag("from").is_none()
        });
        let mut missing = 0;
        let mut found = 0;
        for source in sources.flat_map(|copy| {
            let mut words = copy.exec().unwrap_or_else(|| dockerfile::words(&copy.rest));
            words.pop();
            words
        }) {
            if source.contains(['$', '*', '<', '?', '[', ':']) || source == "." || source == "./" {
                continue;
            }
            let at = |folder: &str| paths::join(folder, source.trim_start_matches('/')).unwrap_or_default();
            if self.exists(&at(&folder)) {
                found += 1;
            } else if self.exists(&at("")) {
                missing += 1;
            }
        }
        if missing > found { String::new() } else { folder }
    }

    fn exists(&self, path: &str) -> bool {
        self.draft.files().is_folder(path) || self.draft.exists(path)
    }

    fn in_context(&self, path: &str) -> String {
        paths::join(&self.context, path.trim_start_matches('/')).unwrap_or_default()
    }

    /// The path of a file or folder of the repository, as the module writes it.
    fn relative(&self, path: &str) -> String {
        let path = if path.is_empty() { "." } else { path };
        match path {
            "." => {
                let up = paths::folders(&self.target).count();
                match up {
                    0 => "./.".to_owned(),
                    up => nix::path("../".repeat(up).trim_end_matches('/')),
                }
            }
            path => nix::path(&paths::between(&self.target, path)),
        }
    }

    /// The text of the module.
    pub fn write(mut self) -> Result<String, Error> {
        let last = self.file.stages.len() - 1;
        let frame = Frame::of(&self.file, last);
        let recipe = Recipe::of(&frame);
        let base = base_images::find(&frame.base);
        for (line, what, why, todo) in frame.left.clone() {
            match self.carried_elsewhere(line) {
                Some(into) => self.carry(line, &what, &into),
                None => self.leave(line, &what, &why, &todo),
            }
        }
        let arguments = self.file.arguments.clone();
        for (name, value, line) in arguments {
            match value {
                Some(_) => self.carry(line, &format!("ARG {name}"), "its default"),
                None => self.leave(
                    line,
                    &format!("ARG {name}"),
                    "a Nix build has no build arguments",
                    "write its value into the new file",
                ),
            }
        }
        let source = self.source();
        self.bindings.push(("src".to_owned(), source));
        self.bindings.push(("copy".to_owned(), COPY.to_owned()));
        let mut runtime = self.runtime(base, &frame, &recipe);
        let root = self.tree(last, &frame, &recipe, &mut runtime, "root");
        let mut copied = vec![root];
        let mut perms = Vec::new();
        self.surroundings(base, &frame, &mut copied, &mut perms);
        copied.extend(self.users(base, &frame, &recipe));
        self.owners(&frame, &recipe, base, &mut perms);
        let config = self.config(base, &frame, &runtime);
        let image = self.image(&runtime, &copied, &perms, config);
        Ok(self.text(&image))
    }

    /// The build context, without what `.dockerignore` leaves out.
    fn source(&mut self) -> String {
        let root = self.relative(&self.context.clone());
        let ignore = self.in_context(".dockerignore");
        let Ok(Some(text)) = self.draft.text(&ignore) else { return root };
        let mut paths_left_out = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let entry = line.trim().trim_end_matches('/').trim_start_matches("./").trim_start_matches('/');
            let entry = entry.strip_prefix("**/").unwrap_or(entry);
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            if entry.contains(['*', '?', '[', '!', '\\']) || entry.contains("..") {
                let why = "only plain paths are left out of the source";
                let todo = "write it as a file set: `lib.fileset.fileFilter`";
                self.draft.report.leave(&ignore.as_str().into(), number + 1, entry, why, todo);
                continue;
            }
            let path = self.in_context(entry);
            paths_left_out.push(format!("(lib.fileset.maybeMissing {})", self.relative(&path)));
            self.draft.report.carry(&ignore.as_str().into(), number + 1, entry, "lib.fileset.difference");
        }
        if paths_left_out.is_empty() {
            return root;
        }
        let list: String = paths_left_out.iter().map(|path| format!("\n        {path}")).collect();
        format!(
            "lib.fileset.toSource {{\n      root = {root};\n      fileset = lib.fileset.difference {root} (lib.fileset.unions [{list}\n      ]);\n    }}"
        )
    }

    /// The packages that are in the image when it runs.
    fn runtime(&mut self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<String> {
        let mut all = Vec::new();
        let line = frame.base_line;
        match base {
            None => {
                let todo =
                    "add its programs to `deps`, or build on it with `fromImage = nix2container.pullImage { .. }`";
                self.leave(line, &format!("FROM {}", frame.base), "it is not known what this image contains", todo);
            }
            Some(base) => match base_images::attribute(base, &frame.base) {
                Some((attribute, same)) => {
                    self.carry(line, &format!("FROM {}", frame.base), &format!("pkgs.{attribute}"));
                    if !same {
                        let why = format!("the version of `pkgs.{attribute}` is that of the locked nixpkgs");
                        self.leave(
                            line,
                            &format!("the version of {}", frame.base),
                            &why,
                            "check that the program runs with it",
                        );
                    }
                    all.push(format!("pkgs.{attribute}"));
                }
                None => self.carry(line, &format!("FROM {}", frame.base), "the packages that it gave"),
            },
        }
        let shell = base.is_none_or(|base| !matches!(base.runtime, Runtime::Nothing | Runtime::Files));
        let shell_form = |command: &Option<(Command, usize)>| matches!(command, Some((Command::Shell(_), _)));
        if shell || shell_form(&frame.cmd) || shell_form(&frame.entrypoint) {
            all.extend(["pkgs.bashInteractive".to_owned(), "pkgs.coreutils".to_owned()]);
        }
        for (attribute, line) in &recipe.packages {
            self.carry(*line, attribute, &format!("pkgs.{attribute}"));
            all.push(format!("pkgs.{attribute}"));
        }
        for (package, line) in &recipe.unknown {
            let why = "it is not known which package of nixpkgs this is";
            self.leave(*line, package, why, "look it up with `nix search nixpkgs` and add it to `deps`");
        }
        self.python(recipe, &mut all);
        let mut seen = Vec::new();
        all.retain(|package| {
            let new = !seen.contains(package);
            seen.push(package.clone());
            new
        });
        all
    }

    /// Python packages become an environment in place of the interpreter.
    fn python(&mut self, recipe: &Recipe, all: &mut [String]) {
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

    // Files

    /// The binding of the derivation that is the file tree of a stage.
    fn stage(&mut self, index: usize) -> String {
        if let Some(name) = self.stages.get(&index) {
            return name.clone();
        }
        let label = self.file.stages[index].name.clone().unwrap_or_else(|| index.to_string());
        let name = format!("stage-{}", label.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        self.stages.insert(index, name.clone());
        let frame = Frame::of(&self.file, index);
        let recipe = Recipe::of(&frame);
        let base = base_images::find(&frame.base);
        let mut tools: Vec<String> = base
            .and_then(|base| base_images::attribute(base, &frame.base))
            .map(|(attribute, _)| format!("pkgs.{attribute}"))
            .into_iter()
            .collect();
        tools.extend(recipe.packages.iter().map(|(attribute, _)| format!("pkgs.{attribute}")));
        self.carry(self.file.stages[index].line, &format!("stage {label}"), &name);
        self.tree(index, &frame, &recipe, &mut tools, &name)
    }

    /// Binds a derivation that holds the files of a stage, and gives its name.
    fn tree(&mut self, index: usize, frame: &Frame, recipe: &Recipe, tools: &mut Vec<String>, name: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        if recipe.holes.is_empty() {
            if let Some(app) = self.app(frame, recipe, name) {
                lines.push(format!("copy ${{{app}}} $out"));
            }
        } else {
            let hole = self.hole(recipe, tools, name);
            lines.push(format!("copy ${{{hole}}} $out"));
        }
        let built = recipe.builds.iter().any(|build| !matches!(build.tool, Tool::Go(_) | Tool::Cargo));
        for step in &frame.steps {
            let Step::Copy(copy) = step else { continue };
            self.copy(copy, index, built, tools, &mut lines);
        }
        for (line, number) in &recipe.files {
            self.carry(*number, line.split(" $out").next().unwrap_or(line), name);
            lines.push(escaped(line));
        }
        if let Some((folder, line)) = &frame.folder {
            self.carry(*line, "WORKDIR", "config.WorkingDir");
            lines.push(format!("mkdir -p $out{}", quoted(folder)));
        }
        if index + 1 == self.file.stages.len() {
            self.server_files(frame, &mut lines);
        }
        let body: String = lines.iter().map(|line| format!("      {line}\n")).collect();
        let text = format!(
            "pkgs.runCommand \"{}-{name}\" {{ }} ''\n      ${{copy}}\n      mkdir -p $out\n{body}    ''",
            self.name
        );
        self.bindings.push((name.to_owned(), text));
        name.to_owned()
    }

    fn copy(&mut self, copy: &Copy, index: usize, built: bool, tools: &mut Vec<String>, lines: &mut Vec<String>) {
        let to = format!("$out{}", quoted(&copy.to));
        for heredoc in &copy.heredocs {
            let end = if copy.to.ends_with('/') { heredoc.word.clone() } else { String::new() };
            let file = Expr::Apply(
                "pkgs.writeText".to_owned(),
                Box::new(Expr::Code(format!(
                    "\"{}\" {}",
                    heredoc.word,
                    nix::quoted(&Text::literal(heredoc.text.clone()))
                ))),
            );
            lines.push(format!("copy ${{{}}} {to}{end}", file.write(0)));
            self.carry(copy.line, "COPY <<", "root");
        }
        let Some(from) = &copy.from else {
            for source in &copy.sources {
                self.copy_source(copy, source, &to, built, lines);
            }
            return;
        };
        if let Some(stage) = self.file.find(from, index) {
            let stage = self.stage(stage);
            for source in &copy.sources {
                let source = format!("/{}", source.trim_start_matches('/'));
                lines.push(format!("copy ${{{stage}}}{} {to}", quoted(&source)));
            }
            self.carry(copy.line, &format!("COPY --from={from}"), &stage);
        } else if let Some(tool) = base_images::tool(from) {
            tools.push(format!("pkgs.{tool}"));
            self.carry(copy.line, &format!("COPY --from={from}"), &format!("pkgs.{tool}"));
        } else {
            let why = "it is not known what this image contains";
            self.leave(copy.line, &format!("COPY --from={from}"), why, "add what is needed from it to `deps`");
        }
    }

    fn copy_source(&mut self, copy: &Copy, source: &str, to: &str, built: bool, lines: &mut Vec<String>) {
        let what = format!("{} {source}", if copy.add { "ADD" } else { "COPY" });
        if source.contains("://") || source.starts_with("git@") {
            let todo = "add `pkgs.fetchurl { url = ..; hash = ..; }` to `root`";
            self.leave(copy.line, &what, "a download needs a hash", todo);
            return;
        }
        self.carry(copy.line, &what, if built { "the package" } else { "root" });
        let path = self.in_context(source);
        let is_archive =
            copy.add && [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"].iter().any(|end| source.ends_with(end));
        let shown = source.trim_start_matches("./").trim_start_matches('/');
        let shown = if shown == "." { "" } else { shown };
        if is_archive {
            lines.push(format!("mkdir -p {to} && tar -xf ${{src}}/{} -C {to}", quoted(shown)));
            return;
        }
        if shown.contains(['*', '?', '[']) {
            lines.push(format!("mkdir -p {to} && cp -r ${{src}}/{} {to}", escaped(shown)));
            return;
        }
        if !path.is_empty() && !self.exists(&path) {
            let why = format!("there is no {path} in the repository");
            self.leave(copy.line, &what, &why, "it may be made by a build: copy it from that package");
            return;
        }
        lines.push(match shown {
            "" => format!("copy ${{src}} {to}"),
            shown => format!("copy ${{src}}/{} {to}", quoted(shown.trim_end_matches('/'))),
        });
    }

    /// The application by its ecosystem's builder. `None` if there is nothing to build.
    fn app(&mut self, frame: &Frame, recipe: &Recipe, name: &str) -> Option<String> {
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

    fn npm(&mut self, recipe: &Recipe) -> Option<String> {
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

    fn cargo(&mut self, build: &Build) -> Option<String> {
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

    fn go(&mut self, build: &Build, output: Option<String>, frame: &Frame) -> Option<String> {
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
    fn hole(&mut self, recipe: &Recipe, tools: &[String], name: &str) -> String {
        let hole = format!("{name}-build").replace("root-build", "build");
        let mut what: Vec<(String, usize)> = recipe.holes.clone();
        what.extend(recipe.builds.iter().map(|build| (tool_name(&build.tool), build.line)));
        what.sort_by_key(|(_, line)| *line);
        let text = self.not_built(&what, tools, "nothing is run while an image is put together");
        self.bindings.push((hole.clone(), text));
        hole
    }

    fn not_built(&mut self, what: &[(String, usize)], tools: &[String], why: &str) -> String {
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

    /// What nginx needs besides its program.
    fn server_files(&mut self, frame: &Frame, lines: &mut Vec<String>) {
        if base_images::find(&frame.base).is_none_or(|base| base.image != "nginx") {
            return;
        }
        let copies = |name: &str| {
            frame.steps.iter().any(|step| {
                matches!(step, Step::Copy(copy) if copy.to.trim_end_matches('/') == name
                || (copy.to == "/etc/nginx/" && copy.sources.iter().any(|source| name.ends_with(source.as_str()))))
            })
        };
        lines.push("mkdir -p $out/var/log/nginx $out/var/cache/nginx $out/etc/nginx/conf.d".to_owned());
        lines.push("copy ${pkgs.nginx}/conf/mime.types $out/etc/nginx/mime.types".to_owned());
        if !copies("/etc/nginx/nginx.conf") {
            self.bindings.push(("nginxConf".to_owned(), NGINX.to_owned()));
            lines.push("copy ${nginxConf} $out/etc/nginx/nginx.conf".to_owned());
        }
    }

    /// Certificates, `/tmp`, `/bin/sh` and `/usr/bin/env`, where the base image gave them.
    fn surroundings(
        &mut self,
        base: Option<&'static Base>,
        frame: &Frame,
        copied: &mut Vec<String>,
        perms: &mut Vec<Expr>,
    ) {
        let runtime = base.map_or(Runtime::Distribution, |base| base.runtime);
        if runtime == Runtime::Nothing {
            let is_shell = |command: &Option<(Command, usize)>| matches!(command, Some((Command::Shell(_), _)));
            if is_shell(&frame.cmd) || is_shell(&frame.entrypoint) {
                copied.push("pkgs.dockerTools.binSh".to_owned());
            }
            return;
        }
        self.bindings
            .push(("tmp".to_owned(), format!("pkgs.runCommand \"{}-tmp\" {{ }} \"mkdir -p $out/tmp\"", self.name)));
        copied.extend(["tmp".to_owned(), "pkgs.cacert".to_owned()]);
        perms.push(permission("tmp", "/tmp", vec![Attr::new(["mode"], Expr::text("1777"))]));
        if runtime != Runtime::Files {
            copied.extend(["pkgs.dockerTools.usrBinEnv".to_owned(), "pkgs.dockerTools.binSh".to_owned()]);
        }
    }

    /// The accounts: `root`, `nobody`, those of the base image, those that are made, and the image's own.
    fn accounts(&self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<(String, u32)> {
        let mut accounts = vec![("root".to_owned(), 0)];
        accounts.extend(base.iter().flat_map(|base| base.users).map(|(name, id)| ((*name).to_owned(), *id)));
        let own = frame.user.iter().map(|(user, _)| user.split(':').next().unwrap_or(user).to_owned());
        let made = recipe.users.iter().map(|(name, _)| name.clone());
        for name in made.chain(own).filter(|name| name.parse::<u32>().is_err() && !name.is_empty()) {
            if accounts.iter().any(|(found, _)| *found == name) {
                continue;
            }
            let id = match name.as_str() {
                "nobody" | "nonroot" if base.is_some_and(|base| base.runtime == Runtime::Files) => 65532,
                "nobody" => 65534,
                _ => (FIRST_ID..).find(|id| accounts.iter().all(|(_, taken)| taken != id)).unwrap_or(FIRST_ID),
            };
            accounts.push((name, id));
        }
        accounts
    }

    fn users(&mut self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<String> {
        let runtime = base.map_or(Runtime::Distribution, |base| base.runtime);
        if runtime == Runtime::Nothing && frame.user.as_ref().is_none_or(|(user, _)| user.parse::<u32>().is_ok()) {
            return Vec::new();
        }
        let accounts = self.accounts(base, frame, recipe);
        for (name, line) in recipe.users.clone() {
            self.carry(line, &format!("user {name}"), "users");
        }
        let home = |name: &str| if name == "root" { "/root".to_owned() } else { format!("/home/{name}") };
        let passwd: String =
            accounts.iter().map(|(name, id)| format!("      {name}:x:{id}:{id}::{}:/bin/sh\n", home(name))).collect();
        let group: String = accounts.iter().map(|(name, id)| format!("      {name}:x:{id}:\n")).collect();
        self.bindings.push(("users".to_owned(), format!("pkgs.writeTextDir \"etc/passwd\" ''\n{passwd}    ''")));
        self.bindings.push(("groups".to_owned(), format!("pkgs.writeTextDir \"etc/group\" ''\n{group}    ''")));
        vec!["users".to_owned(), "groups".to_owned()]
    }

    /// `--chown` and `chown`, by number.
    fn owners(&mut self, frame: &Frame, recipe: &Recipe, base: Option<&'static Base>, perms: &mut Vec<Expr>) {
        let accounts = self.accounts(base, frame, recipe);
        let mut owned: Vec<(String, String, usize)> = recipe.owners.clone();
        for step in &frame.steps {
            if let Step::Copy(copy) = step {
                owned.extend(copy.owner.iter().map(|owner| (copy.to.clone(), owner.clone(), copy.line)));
                if let Some(mode) = &copy.mode {
                    perms.push(permission(
                        "root",
                        copy.to.trim_end_matches('/'),
                        vec![Attr::new(["mode"], Expr::text(mode.clone()))],
                    ));
                    self.carry(copy.line, "--chmod", "perms");
                }
            }
        }
        let mut seen = Vec::new();
        for (path, owner, line) in owned {
            let name = owner.split(':').next().unwrap_or(&owner);
            let id = name
                .parse::<u32>()
                .ok()
                .or_else(|| accounts.iter().find(|(found, _)| found == name).map(|(_, id)| *id));
            match id {
                Some(id) => {
                    self.carry(line, &format!("owner {owner}"), "perms");
                    let path = path.trim_end_matches('/').to_owned();
                    if !seen.contains(&(path.clone(), id)) {
                        let number = |name| Attr::new([name], Expr::int(i64::from(id)));
                        perms.push(permission("root", &path, vec![number("uid"), number("gid")]));
                        seen.push((path, id));
                    }
                }
                None => self.leave(
                    line,
                    &format!("owner {owner}"),
                    "there is no such account",
                    "add a `perms` entry with its number",
                ),
            }
        }
    }

    // Configuration

    fn config(&mut self, base: Option<&'static Base>, frame: &Frame, runtime: &[String]) -> Vec<Attr> {
        let mut config = Vec::new();
        self.commands(base, frame, &mut config);
        let env = self.env(base, frame, runtime);
        if !env.is_empty() {
            config.push(Attr::new(["Env"], Expr::List(env)));
        }
        if let Some((folder, _)) = &frame.folder {
            config.push(Attr::new(["WorkingDir"], Expr::text(folder.trim_end_matches('/'))));
        }
        if let Some((user, line)) = &frame.user {
            self.carry(*line, "USER", "config.User");
            config.push(Attr::new(["User"], Expr::text(user.clone())));
        }
        let mut exposed = String::new();
        let mut ports = frame.ports.clone();
        ports.sort_unstable();
        ports.dedup_by_key(|(port, protocol, _)| (*port, *protocol));
        for (port, protocol, line) in ports {
            self.draft.ports.share(
                port,
                &self.name,
                if frame.ports.len() > 1 { port_name(port) } else { "" },
                &self.path,
            );
            let reference = self.draft.ports.reference(port);
            self.carry(line, &format!("EXPOSE {port}/{protocol}"), "config.ExposedPorts");
            exposed.push_str(&format!("  \"${{toString {reference}}}/{protocol}\" = {{ }};\n"));
        }
        if !exposed.is_empty() {
            config.push(Attr::new(["ExposedPorts"], Expr::Code(format!("{{\n{exposed}}}"))));
        }
        for (path, line) in &frame.volumes {
            self.carry(*line, &format!("VOLUME {path}"), "config.Volumes");
            config.push(Attr::new(["Volumes", path.as_str()], Expr::Set(Vec::new())));
        }
        for (name, (value, line)) in &frame.labels {
            self.carry(*line, &format!("LABEL {name}"), "config.Labels");
            config.push(Attr::new(["Labels", name.as_str()], Expr::text(value.clone())));
        }
        if let Some((signal, line)) = &frame.stop_signal {
            self.carry(*line, "STOPSIGNAL", "config.StopSignal");
            config.push(Attr::new(["StopSignal"], Expr::text(signal.clone())));
        }
        config
    }

    fn commands(&mut self, base: Option<&'static Base>, frame: &Frame, config: &mut Vec<Attr>) {
        if let Some((command, line)) = &frame.entrypoint {
            self.carry(*line, "ENTRYPOINT", "config.Entrypoint");
            config.push(Attr::new(["Entrypoint"], command_list(&with_config(base, command.clone()))));
        }
        let own = base.map_or(&[][..], |base| base.command);
        match (&frame.cmd, &frame.entrypoint) {
            (Some((command, line)), _) => {
                self.carry(*line, "CMD", "config.Cmd");
                config.push(Attr::new(["Cmd"], command_list(&with_config(base, command.clone()))));
            }
            (None, None) if !own.is_empty() => {
                let words = Command::Exec(own.iter().map(|word| (*word).to_owned()).collect());
                self.carry(frame.base_line, "the command of the base image", "config.Cmd");
                config.push(Attr::new(["Cmd"], command_list(&with_config(base, words))));
            }
            (None, None) => {
                let why = "the Dockerfile has no CMD, and that of the base image is not known";
                self.leave(frame.base_line, "CMD", why, "set `config.Cmd` in the new file");
            }
            (None, Some(_)) => {}
        }
    }

    fn env(&mut self, base: Option<&'static Base>, frame: &Frame, runtime: &[String]) -> Vec<Expr> {
        let mut env = Vec::new();
        let path = (!runtime.is_empty()).then(|| format!("lib.makeBinPath [ {} ]", runtime.join(" ")));
        let own_path = frame.variable("PATH").map(|path| {
            // What was the old value is the end now.
            path.trim_end_matches(':').to_owned()
        });
        if path.is_some() || own_path.is_some() {
            let mut text = Text::literal("PATH=");
            if let Some(own) = &own_path {
                text.push(own);
                if path.is_some() {
                    text.push(":");
                }
            }
            if let Some(path) = &path {
                text.push_code(path);
            }
            env.push(Expr::Text(text));
        }
        if base.is_none_or(|base| base.runtime != Runtime::Nothing) && frame.variable("SSL_CERT_FILE").is_none() {
            let mut text = Text::literal("SSL_CERT_FILE=");
            text.push_code("pkgs.cacert").push("/etc/ssl/certs/ca-bundle.crt");
            env.push(Expr::Text(text));
        }
        for (name, value, line) in &frame.env {
            self.carry(*line, &format!("ENV {name}"), "config.Env");
            if name == "PATH" {
                continue;
            }
            let mut text = Text::literal(format!("{name}="));
            let port = value.parse::<u16>().ok().filter(|port| frame.ports.iter().any(|(exposed, ..)| exposed == port));
            match port.filter(|_| name.contains("PORT")) {
                Some(port) => text.push_code(&format!("toString {}", self.draft.ports.reference(port))),
                None => text.push(value),
            };
            env.push(Expr::Text(text));
        }
        env
    }

    // Text

    fn image(&self, runtime: &[String], copied: &[String], perms: &[Expr], config: Vec<Attr>) -> Expr {
        let mut attrs =
            vec![Attr::new(["name"], Expr::text(self.name.clone())), Attr::new(["tag"], Expr::text("latest"))];
        let packages = copied.iter().filter(|name| name.starts_with("pkgs.") && !runtime.contains(name));
        let stable: Vec<Expr> = runtime.iter().chain(packages).map(|name| Expr::Code(name.clone())).collect();
        if !stable.is_empty() {
            let deps = Expr::Set(vec![Attr::new(["deps"], Expr::List(stable))]);
            let layer = Expr::Apply("nix2container.buildLayer".to_owned(), Box::new(deps));
            attrs.push(Attr::new(["layers"], Expr::List(vec![layer])).comment("What changes rarely"));
        }
        let copied = copied.iter().map(|name| Expr::Code(name.clone())).collect();
        attrs.push(Attr::new(["copyToRoot"], Expr::List(copied)));
        if !perms.is_empty() {
            attrs.push(Attr::new(["perms"], Expr::List(perms.to_vec())));
        }
        attrs.push(Attr::new(["config"], Expr::Set(config)));
        Expr::Apply("nix2container.buildImage".to_owned(), Box::new(Expr::Set(attrs)))
    }

    fn text(&self, image: &Expr) -> String {
        let import = self.draft.ports.import(&self.target);
        let mut bindings = vec![
            ("nix2container".to_owned(), "inputs.nix2container.packages.${system}.nix2container".to_owned()),
            ("ports".to_owned(), import),
        ];
        bindings.extend(self.bindings.iter().cloned());
        let image = image.write(6);
        let body = bindings.iter().map(|(name, value)| value.clone() + name).collect::<String>() + &image;
        // What nothing uses would be a finding of other tools.
        let used = |name: &str| {
            let word = |text: &str| {
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|part| part == name)
            };
            bindings.iter().any(|(other, value)| other != name && word(value)) || word(&image)
        };
        let needs_ports = image.contains("toString ");
        let lets: String = bindings
            .iter()
            .filter(|(name, _)| if name == "ports" { needs_ports } else { used(name) })
            .map(|(name, value)| {
                let gap = if value.starts_with('\n') { "" } else { " " };
                format!("      {name} ={gap}{};\n", value.replace('\n', "\n  "))
            })
            .collect();
        let lib = if body.contains("lib.") || needs_ports { "lib, " } else { "" };
        let package = nix::attribute(&format!("container-{}", self.name));
        format!(
            "# Builds what {} built: `nix build .#container-{}`.\n{{ inputs, ... }}:\n{{\n  perSystem =\n    {{ pkgs, {lib}system, ... }}:\n    let\n{lets}    in\n    {{\n      packages.{package} = {image};\n    }};\n}}\n",
            self.path, self.name
        )
    }
}

/// A main configuration of nginx that reads what the image's own one reads.
const NGINX: &str = "pkgs.writeText \"nginx.conf\" ''
      worker_processes auto;
      error_log /dev/stderr notice;
      pid /tmp/nginx.pid;
      events { }
      http {
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        access_log /dev/stdout;
        include /etc/nginx/conf.d/*.conf;
      }
    ''";

/// nginx from nixpkgs does not look into `/etc/nginx` by itself.
fn with_config(base: Option<&Base>, command: Command) -> Command {
    match command {
        Command::Exec(mut words)
            if base.is_some_and(|base| base.image == "nginx")
                && words.first().is_some_and(|word| word == "nginx")
                && !words.iter().any(|word| word == "-c") =>
        {
            words.splice(1..1, ["-e", "/dev/stderr", "-c", "/etc/nginx/nginx.conf"].map(str::to_owned));
            Command::Exec(words)
        }
        command => command,
    }
}

fn command_list(command: &Command) -> Expr {
    match command {
        Command::Exec(words) => Expr::List(words.iter().map(|word| Expr::text(word.clone())).collect()),
        Command::Shell(text) => {
            let mut shell = Text::code("pkgs.bashInteractive");
            shell.push("/bin/sh");
            Expr::List(vec![Expr::Text(shell), Expr::text("-c"), Expr::text(text.clone())])
        }
    }
}

fn permission(tree: &str, path: &str, more: Vec<Attr>) -> Expr {
    let escaped: String =
        path.chars().flat_map(|c| if ".+*?()[]{}|^$".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    let mut attrs = vec![Attr::new(["path"], Expr::Code(tree.to_owned())), Attr::new(["regex"], Expr::text(escaped))];
    attrs.extend(more);
    Expr::Set(attrs)
}

fn tool_name(tool: &Tool) -> String {
    match tool {
        Tool::NpmInstall => "npm ci".to_owned(),
        Tool::NpmScript(script) => format!("npm run {script}"),
        Tool::Go(_) => "go build".to_owned(),
        Tool::Cargo => "cargo build".to_owned(),
    }
}

fn port_name(port: u16) -> &'static str {
    match port {
        80 | 8080 => "http",
        443 | 8443 => "https",
        9229 => "debug",
        _ => "port",
    }
}

/// A word of a shell command inside an indented string of Nix.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c));
    if plain { word.to_owned() } else { escaped(&format!("'{}'", word.replace('\'', "'\\''"))) }
}

/// Text inside an indented string of Nix.
fn escaped(text: &str) -> String {
    text.replace("''", "'''").replace("${", "''${")
}

/// The packages that a requirements file lists.
fn listed(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or("").trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('-')).map(str::to_owned).collect()
}
