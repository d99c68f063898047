//! The flake-parts module that builds the image of a Dockerfile with nix2container.

mod config;
mod context;
mod copy;
mod in_ci;
mod javascript;
mod package;
mod programs;
mod python;
mod scripts;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::config::{permission, port_name};
use self::copy::{COPY, NGINX_PORT};
use self::programs::Contents;
use super::frame::{Command, Frame, Step};
use super::recipe::Recipe;
use crate::finding::RelPath;
use crate::knowledge::images::base::{self as base_images, Base, Runtime};
use crate::lang::dockerfile::Dockerfile;
use crate::migrate::nix::{self, Attr, Expr};
use crate::migrate::php_extensions;
use crate::migrate::report::{CHECK_VERSION, other_version};
use crate::migrate::{Draft, Error};
use crate::paths;

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
    /// The build context, relative to the repository's root.
    context: String,
    /// Bindings of the module's `let`, in order.
    bindings: Vec<(String, String)>,
    /// The bindings of stages that have already been written.
    stages: BTreeMap<usize, String>,
    /// The frames and recipes of stages from which files are copied.
    frames: BTreeMap<usize, Rc<(Frame, Recipe)>>,
}

impl<'d, 'f> Module<'d, 'f> {
    /// Creates the module for a Dockerfile, which will be written to the path `target`.
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
            frames: BTreeMap::new(),
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

    /// The result for an instruction, if the migration of the Compose file has handled it: HEALTHCHECK becomes the
    /// probe of the process.
    fn carried_elsewhere(&self, line: usize) -> Option<String> {
        self.draft.report.carried_at(&self.path, line).map(|item| item.into.clone())
    }

    fn exists(&self, path: &str) -> bool {
        self.draft.files().is_folder(path) || self.draft.exists(path)
    }

    fn in_context(&self, path: &str) -> String {
        paths::join(&self.context, path.trim_start_matches('/')).unwrap_or_default()
    }

    /// The path of a file or folder in the repository, relative to the module.
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

    /// Returns the text of the module.
    pub fn write(mut self) -> Result<String, Error> {
        let last = self.file.stages.len() - 1;
        let mut frame = Frame::of(&self.file, last);
        let recipe = Recipe::of(&frame);
        let base = base_images::find(&frame.base);
        if self.is_plain_nginx(&frame, &recipe) && !frame.ports.iter().any(|(port, ..)| *port == NGINX_PORT) {
            frame.ports.push((NGINX_PORT, "tcp", frame.base_line));
        }
        for (line, what, why, todo) in frame.left.clone() {
            match self.carried_elsewhere(line) {
                Some(into) => self.carry(line, &what, &into),
                None => self.leave(line, &what, &why, &todo),
            }
        }
        for (command, line, why, todo) in &recipe.lost {
            self.leave(*line, &format!("RUN {command}"), why, todo);
        }
        for (line, what, into) in frame.read.clone() {
            self.carry(line, &what, into);
        }
        let stage = &self.file.stages[last];
        if self.file.find(&stage.base, last).is_some() {
            let (line, what) = (stage.line, format!("FROM {}", stage.base));
            self.carry(line, &what, "everything in the stage");
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
        let config = self.config(Contents { base, frame: &frame, recipe: &recipe, runtime: &runtime });
        let image = self.image(&runtime, &copied, &perms, config);
        self.unneeded(&frame);
        Ok(self.text(&image))
    }

    /// Reports the RUN lines that leave nothing in the image, such as `apt-get update`, as migrated.
    fn unneeded(&mut self, frame: &Frame) {
        let left = self.draft.report.left.iter().filter(|left| left.path == self.path);
        let left: BTreeSet<usize> = left.map(|left| left.line).collect();
        for step in &frame.steps {
            let Step::Run(run) = step else { continue };
            if !left.contains(&run.line) && self.carried_elsewhere(run.line).is_none() {
                self.carry(run.line, "RUN", "nothing: the new image does not need it");
            }
        }
    }

    /// The build context, without the files that `.dockerignore` excludes.
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
                let why = "only plain paths are excluded from the source";
                let todo = "write the pattern as a file set: `lib.fileset.fileFilter`";
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

    /// The packages that the image contains at run time.
    fn runtime(&mut self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<String> {
        let mut all = Vec::new();
        let line = frame.base_line;
        match base {
            None => {
                let todo =
                    "add its programs to `deps`, or build on it with `fromImage = nix2container.pullImage { .. }`";
                self.leave(line, &format!("FROM {}", frame.base), "the contents of this image are unknown", todo);
            }
            Some(base) => match base_images::attribute(base, &frame.base) {
                Some((attribute, same)) => {
                    self.carry(line, &format!("FROM {}", frame.base), &format!("pkgs.{attribute}"));
                    if !same {
                        let what = format!("the version of {}", frame.base);
                        self.leave(line, &what, &other_version(&frame.base, &attribute), CHECK_VERSION);
                    }
                    let package = format!("pkgs.{attribute}");
                    let extended = php_extensions::with(&package, recipe.extensions.iter().map(String::as_str));
                    all.push(if extended == package { package } else { format!("({extended})") });
                    if base_images::php_server(&frame.base) == Some(&["apache2-foreground"]) {
                        let why = format!("the image runs Apache with PHP, and `pkgs.{attribute}` has no Apache");
                        let todo = "run `php-fpm` behind a web server, or add `pkgs.apacheHttpd` and its configuration";
                        self.leave(line, "the server of the base image", &why, todo);
                    }
                }
                None => self.carry(line, &format!("FROM {}", frame.base), "the packages that it provided"),
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
        self.pinned(recipe);
        for (package, line) in &recipe.unknown {
            let why = "no known nixpkgs package matches this";
            self.leave(*line, package, why, "look it up with `nix search nixpkgs` and add it to `deps`");
        }
        self.python(frame, recipe, &mut all);
        if shell {
            all.extend(self.script_tools(frame).into_iter().map(|attribute| format!("pkgs.{attribute}")));
        }
        let mut seen = Vec::new();
        all.retain(|package| {
            let new = !seen.contains(package);
            seen.push(package.clone());
            new
        });
        all
    }

    /// Reports the package versions that the Dockerfile pins.
    fn pinned(&mut self, recipe: &Recipe) {
        for (package, line) in &recipe.pinned {
            let what = format!("the version of {package}");
            self.leave(*line, &what, "the version is the one in the locked nixpkgs", CHECK_VERSION);
        }
    }

    // Files

    /// The name of the binding for the derivation with a stage's files.
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
        self.pinned(&recipe);
        self.carry(self.file.stages[index].line, &format!("stage {label}"), &name);
        for (command, line, why, todo) in &recipe.lost {
            self.leave(*line, &format!("RUN {command}"), why, todo);
        }
        self.tree(index, &frame, &recipe, &mut tools, &name)
    }

    /// Adds certificates, `/tmp`, Bash, `/bin/sh` and `/usr/bin/env`, if the base image contains them.
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
        let bash = if runtime == Runtime::Files { BTreeSet::new() } else { self.bash_paths(frame) };
        if !bash.is_empty() {
            let link = |path: &&str| {
                format!("mkdir -p $out{} && ln -s ${{pkgs.bashInteractive}}/bin/bash $out{path}", paths::folder(path))
            };
            let links: Vec<String> = bash.iter().map(link).collect();
            let text = format!("pkgs.runCommand \"{}-bash\" {{ }} \"{}\"", self.name, links.join(" && "));
            self.bindings.push(("bin-bash".to_owned(), text));
            copied.push("bin-bash".to_owned());
        }
        if runtime != Runtime::Files {
            copied.extend(["pkgs.dockerTools.usrBinEnv".to_owned(), "pkgs.dockerTools.binSh".to_owned()]);
        }
    }

    // Configuration

    fn config(&mut self, contents: Contents<'_>) -> Vec<Attr> {
        let Contents { base, frame, runtime, .. } = contents;
        let mut config = Vec::new();
        self.commands(contents, &mut config);
        let env = self.env(base, frame, runtime);
        if !env.is_empty() {
            config.push(Attr::new(["Env"], Expr::List(env)));
        }
        if let Some((folder, _)) = &frame.folder {
            config.push(Attr::new(["WorkingDir"], Expr::text(folder.trim_end_matches('/'))));
        }
        let of_base = frame.base_line;
        let what = |line: usize, own: &str, base: &str| if line == of_base { base.to_owned() } else { own.to_owned() };
        if let Some((user, line)) = &frame.user {
            self.carry(*line, &what(*line, "USER", "the user of the base image"), "config.User");
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
            let what = match line == frame.base_line {
                true => "the port of the base image".to_owned(),
                false => format!("EXPOSE {port}/{protocol}"),
            };
            self.carry(line, &what, "config.ExposedPorts");
            exposed.push_str(&format!("  \"${{toString {reference}}}/{protocol}\" = {{ }};\n"));
        }
        if !exposed.is_empty() {
            config.push(Attr::new(["ExposedPorts"], Expr::Code(format!("{{\n{exposed}}}"))));
        }
        for (path, line) in &frame.volumes {
            let volume = format!("VOLUME {path}");
            self.carry(*line, &what(*line, &volume, "the volume of the base image"), "config.Volumes");
            config.push(Attr::new(["Volumes", path.as_str()], Expr::Set(Vec::new())));
        }
        for (name, (value, line)) in &frame.labels {
            self.carry(*line, &format!("LABEL {name}"), "config.Labels");
            config.push(Attr::new(["Labels", name.as_str()], Expr::text(value.clone())));
        }
        if let Some((signal, line)) = &frame.stop_signal {
            self.carry(*line, &what(*line, "STOPSIGNAL", "the stop signal of the base image"), "config.StopSignal");
            config.push(Attr::new(["StopSignal"], Expr::text(signal.clone())));
        }
        config
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
            attrs.push(Attr::new(["layers"], Expr::List(vec![layer])).comment("Parts that rarely change"));
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
        // Linters would report unused bindings.
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

/// Quotes a word of a shell command in an indented Nix string.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c));
    if plain { word.to_owned() } else { escaped(&format!("'{}'", word.replace('\'', "'\\''"))) }
}

/// Escapes text in an indented Nix string.
fn escaped(text: &str) -> String {
    text.replace("''", "'''").replace("${", "''${")
}

/// Quotes a glob for a script in an indented Nix string. Everything except the wildcards is literal.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !(c.is_alphanumeric() || "/._-+@:,=*?[]!^".contains(c)) {
            out.push('\\');
        }
        out.push(c);
    }
    escaped(&out)
}

/// The packages that a requirements file lists.
fn listed(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or("").trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('-')).map(str::to_owned).collect()
}
