//! Report entries for what an image build does and a process in the checkout lacks.

use std::collections::BTreeSet;

use crate::knowledge::containers;
use crate::knowledge::containers::sources::{CACHES, DEPENDENCIES};
use crate::lang::shell;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::folders::Package;
use crate::migrate::compose::image_file::{Built, ImageFile};
use crate::migrate::compose::process::Program;
use crate::migrate::compose::runs::{
    compiles_java, edited_files, has_no_effect, installed, missing_packages, only_compiles, shown, started,
};
use crate::migrate::compose::stack::{self, Role, Service};
use crate::migrate::compose::yaml::Place;
use crate::migrate::compose::{folders, process};
use crate::migrate::nix::Part;
use crate::paths;

impl Builder<'_, '_> {
    /// Adds the packages that the image installs or copies from another image, if applications start their programs.
    pub(in crate::migrate::compose) fn installed_packages(&self, service: &Service<'_>, program: &mut Program) {
        let Some(file) = service.image_file.as_ref().filter(|_| service.role == Role::Program) else { return };
        let installed = file.runs.iter().flat_map(|(run, _)| installed(run));
        let attributes: BTreeSet<&str> = installed.filter_map(|name| started(&name)).collect();
        program.packages.extend(attributes.into_iter().map(str::to_owned));
        let copied = file.built.iter().filter(|built| built.stage(file).is_none()).filter_map(tool);
        for package in copied.collect::<BTreeSet<_>>() {
            program.packages.insert(package.to_owned());
        }
    }

    /// Reports the effects of the image build that a process lacks because it runs in the checkout.
    pub(in crate::migrate::compose) fn build_notes(&self, service: &Service<'_>, program: &Program) {
        let Some(build) = service.get("build") else { return };
        for (key, value) in build.pairs() {
            if !matches!(key.name.as_str(), "context" | "dockerfile" | "target" | "args" | "dockerfile_inline")
                && !value.is_null()
            {
                let why = "no image is built for the process";
                self.leave(
                    service,
                    &key.place,
                    &format!("build.{}", key.name),
                    why,
                    "set it wherever the image is still built",
                );
            }
        }
        let Some(file) = &service.image_file else { return };
        let words = process::words_or_usual(self, service).unwrap_or_default();
        self.edited_notes(service, file, &words);
        for (run, line) in &file.runs {
            if !edited_files(run, &file.folder, &words).is_empty() {
                continue;
            }
            let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
            if installs_only_pm2(run) {
                let into = match program.line.contains("pm2") {
                    true => "pkgs.pm2",
                    false => "nothing: process-compose starts the program without PM2",
                };
                self.carry(service, &place, "build", into);
                continue;
            }
            if process::php::sets_document_root(run) && process::php::replaces_apache(self, service) {
                self.carry(service, &place, "build", "the folder in its command");
                continue;
            }
            if program.runs_source && only_compiles(run, &file.folder, &words) {
                self.carry(service, &place, "build", "the command, which compiles the program");
                continue;
            }
            if has_no_effect(run, &file.folder, &words) || process::php::is_replaced(self, service, run) {
                self.carry(service, &place, "build", "nothing: the process does not use it");
                continue;
            }
            let why = format!("`RUN {}` prepared the image, but the process runs in the checkout", shown(run));
            let todo = if ["npm", "yarn", "pnpm", "bun ", "bundle", "composer"].iter().any(|tool| run.contains(tool)) {
                format!(
                    "install the dependencies in ./{} once before the first start",
                    folders::working_folder(service)
                )
            } else if ["pip install", "pip3 install", "poetry", "uv sync", "uv pip"]
                .iter()
                .any(|tool| run.contains(tool))
            {
                python_packages(service, program)
            } else {
                "check whether the program needs this command".to_owned()
            };
            let (why, todo) = missing_packages(run, &file.folder, &words).unwrap_or((why, todo));
            self.leave(service, &place, "build", why, todo);
        }
        self.package_note(service, program);
        let is_received = |from: &str, to: &str| {
            let target = if to.ends_with('/') { format!("{to}{}", paths::name(from)) } else { to.to_owned() };
            let configurations = self.configurations.borrow();
            let mut own = configurations.values().filter(|file| file.process == service.process);
            let is_named = own.any(|file| file.paths.contains(&target));
            is_named
                || matches!(&service.role, Role::Package(package) if process::receives(self, service, package, &target))
        };
        for (from, to) in file.copies.iter().filter(|(from, to)| !is_received(from, to)) {
            let is_settings = ["/etc/", "/usr/local/etc/"].iter().any(|folder| to.starts_with(folder));
            if is_settings && !words.iter().any(|word| word.contains(to.trim_end_matches('/'))) {
                let place = service.get("build").map_or(&service.key.place, |node| &node.place);
                let why = format!("the image copies {from} to {to}, which exists only in the image");
                let source = service.context().and_then(|context| paths::join(context, from));
                let step = source.and_then(|source| process::php::settings_step(self, service, &source, to));
                let todo =
                    step.unwrap_or_else(|| "pass the path of the file in the checkout to the program".to_owned());
                self.leave(service, place, "build", why, todo);
            }
        }
        // Files that a stage only copies from the context are in the checkout.
        let is_there = |built: &&Built| {
            let path = built.in_context(file).and_then(|path| paths::join(service.context()?, &path));
            path.is_some_and(|path| !path.is_empty() && matches!(self.files().text(&path), Ok(Some(_))))
        };
        // A program that runs from its source is compiled when it starts, with the files that other stages build for it.
        let mut waiting: Vec<&Built> = file.built.iter().rev().collect();
        let mut compiled = BTreeSet::new();
        while let Some(built) = waiting.pop() {
            let is_cache = CACHES.iter().any(|cache| built.target.trim_end_matches('/').ends_with(cache));
            if is_there(&built) || is_cache {
                continue;
            }
            let compiles = |stage: &ImageFile| {
                stage.compiles() || stage.runs.iter().any(|(run, _)| shell::commands(run).iter().any(compiles_java))
            };
            if built.stage(file).is_none() && tool(built).is_some() {
                let place = Place { path: file.path.as_str().into(), line: built.line, column: 1 };
                self.carry(service, &place, "build", format!("settings.processes.{}.command", service.process));
                continue;
            }
            if let Some(stage) = built.stage(file).filter(|stage| program.runs_source && compiles(stage)) {
                if compiled.insert(&built.stage) {
                    waiting.extend(stage.built.iter().rev());
                }
                continue;
            }
            let place = Place { path: file.path.as_str().into(), line: built.line, column: 1 };
            if built.stage(file).is_none() {
                let why = format!(
                    "{} is copied from the image {}, but the process runs in the checkout",
                    built.target, built.stage
                );
                let todo = "add the package that provides it to the process's PATH";
                self.leave(service, &place, "build", why, todo);
                continue;
            }
            let why = format!("another stage builds {}, but the process runs in the checkout", built.target);
            let is_python = ["site-packages", "dist-packages"].iter().any(|name| built.target.contains(name))
                || ["venv", ".venv"].contains(&paths::name(built.target.trim_end_matches('/')));
            let todo = match self.built_here(service, built) {
                _ if is_python => python_packages(service, program),
                Some(path) if DEPENDENCIES.contains(&paths::name(&path)) => {
                    let folder = paths::folder(&path);
                    format!("install the dependencies in ./{folder} once before the first start")
                }
                Some(path) => format!("build ./{path} before the first start"),
                None => format!("build it in ./{} before the first start", folders::working_folder(service)),
            };
            self.leave(service, &place, "build", why, todo);
            return;
        }
    }

    /// Reports each file that the image build edits once.
    fn edited_notes(&self, service: &Service<'_>, file: &ImageFile, words: &[String]) {
        let mut edited: BTreeSet<String> = BTreeSet::new();
        for (run, line) in &file.runs {
            let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
            for path in edited_files(run, &file.folder, words).into_iter().filter(|path| edited.insert(path.clone())) {
                let folder = file.folder.trim_end_matches('/');
                let inside = path.strip_prefix(folder).and_then(|path| path.strip_prefix('/'));
                let inside =
                    inside.filter(|_| !folder.is_empty()).or((!path.starts_with('/')).then_some(path.as_str()));
                let (why, todo) = match inside {
                    Some(inside) => (
                        format!("the image has a changed {inside}, but the process uses the one in the checkout"),
                        "make the changes of `sed` in the checkout if the program needs them".to_owned(),
                    ),
                    None => (
                        format!("the image has a changed {path}, which the process does not use"),
                        "pass the changed settings to the program in another way if it needs them".to_owned(),
                    ),
                };
                self.leave(service, &place, "build", why, todo);
            }
        }
    }

    /// The path in the checkout at which the commands of another stage build the files that are copied from that stage.
    fn built_here(&self, service: &Service<'_>, built: &Built) -> Option<String> {
        let path = built.folder(service.image_file.as_ref()?)?;
        paths::join(service.context()?, &path).filter(|path| !path.is_empty())
    }

    /// Reports a folder that the command names, but that has another name in the checkout.
    fn package_note(&self, service: &Service<'_>, program: &Program) {
        let Some(file) = service.image_file.as_ref() else { return };
        let mut packages = folders::packages(service);
        // The command line may already contain the path in the checkout.
        let literals = program.line.parts().iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Code(_) => None,
        });
        let named: BTreeSet<&str> = folders::first_names(literals.chain(folders::flask_app(service)));
        packages.retain(|package| named.contains(package.name.split('/').next().unwrap_or_default()));
        let is_there = |package: &Package| {
            let full = stack::below(&folders::working_folder(service), &package.name);
            self.files().is_folder(&full)
                || package.name.contains(['/', '.'])
                || !(package.source.is_empty() || self.files().is_folder(&package.source))
        };
        if file.source_of(file.folder.trim_end_matches('/')).is_some()
            || packages.iter().any(|one| one.parent().is_some())
        {
            return;
        }
        for Package { name, source } in packages.into_iter().filter(|package| !is_there(package)) {
            let place = service.get("command").or(service.get("build")).map_or(&service.key.place, |node| &node.place);
            let why = format!("its command names `{name}`, which is the folder ./{source} in the checkout");
            let (folder, made, link) = match source.is_empty() {
                true => {
                    let folder = format!("data/{}", service.process);
                    (folder.clone(), format!("mkdir -p {folder} && "), "../..".to_owned())
                }
                false => (paths::folder(&source).to_owned(), String::new(), paths::name(&source).to_owned()),
            };
            let link = format!("`{made}ln -s {link} {}`", stack::below(&folder, &name));
            let here = if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") };
            let todo = format!(
                "make a link to the folder with {link}, set `working_dir` to `{here}`, and adapt the paths relative to \
                 ./{source}"
            );
            self.leave(service, place, "command", why, todo);
        }
    }
}

/// Whether a RUN line installs PM2 and nothing else.
fn installs_only_pm2(run: &str) -> bool {
    let mut words = run.split_whitespace().filter(|word| !word.starts_with('-'));
    let is_manager = words.next().is_some_and(|word| matches!(word, "npm" | "yarn" | "pnpm"));
    let packages: Vec<&str> = words.skip_while(|word| matches!(*word, "i" | "install" | "add" | "global")).collect();
    is_manager && matches!(packages.as_slice(), [one] if *one == "pm2" || one.starts_with("pm2@"))
}

/// The package of a program that is copied from another image: `composer` in `COPY --from=composer /usr/bin/composer`.
fn tool(built: &Built) -> Option<&'static str> {
    let name = paths::name(&built.source);
    let found = containers::PROGRAMS.iter().find(|(word, _, start)| *word == name && *start == [name]);
    found.map(|(_, package, _)| *package)
}

/// The work to do by hand for Python packages that the Dockerfile installs.
fn python_packages(service: &Service<'_>, program: &Program) -> String {
    let in_line = program.line.parts().iter().filter_map(|part| match part {
        Part::Code(code) => code.strip_prefix("pkgs."),
        Part::Literal(_) => None,
    });
    let mut packages = program.packages.iter().map(String::as_str).chain(in_line);
    match packages.find(|package| package.starts_with("python3")) {
        Some(python) => {
            format!(
                "replace `pkgs.{python}` with `pkgs.{python}.withPackages (ps: [ .. ])`, listing the packages that the \
                 command installs"
            )
        }
        None => format!(
            "install the packages in ./{} once before the first start, or add \
            `pkgs.python3.withPackages (ps: [ .. ])` to the process's PATH",
            folders::working_folder(service)
        ),
    }
}
