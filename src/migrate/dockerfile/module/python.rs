//! Python applications: nixpkgs packages instead of those that pip installs, and the project itself.

use std::collections::BTreeSet;

use super::{Module, listed};
use crate::globs;
use crate::knowledge::images::packages;
use crate::knowledge::python::BUILD_SYSTEMS;
use crate::migrate::dockerfile::frame::{Copy, Frame, Step};
use crate::migrate::dockerfile::recipe::{Recipe, Requirement};
use crate::migrate::nix::{self, Text};
use crate::paths;

/// The parts of pyproject.toml that are required for a build.
#[derive(Debug, Default)]
struct Project {
    name: String,
    version: String,
    build_systems: Vec<String>,
    dependencies: Vec<String>,
}

impl Module<'_, '_> {
    /// Replaces the interpreter with an environment that contains the Python packages and the project itself.
    pub(super) fn python(&mut self, frame: &Frame, recipe: &Recipe, all: &mut [String]) {
        let requirements = self.requirements(frame, recipe);
        if requirements.is_empty() {
            return;
        }
        let Some(at) = all.iter().position(|package| package.starts_with("pkgs.python")) else {
            for (requirement, _, line) in requirements {
                let what = requirement.command();
                let why = "no nixpkgs package is known for the image's Python";
                self.leave(line, &what, why, "add a Python with these packages to `deps`");
            }
            return;
        };
        let interpreter = all[at].clone();
        let (mut names, mut projects) = (Vec::new(), Vec::<(String, String)>::new());
        for (requirement, path, line) in requirements {
            let text = path.as_ref().and_then(|path| self.draft.text(path).ok().flatten());
            match &requirement {
                Requirement::Name(name) => self.packages_of(std::slice::from_ref(name), line, &mut names),
                Requirement::File(..) => match text {
                    Some(text) => self.packages_of(&listed(&text), line, &mut names),
                    None => {
                        let why = "the file is not in the repository";
                        self.leave(line, &requirement.command(), why, "add the packages to `withPackages`");
                    }
                },
                Requirement::Project(_, extras) => {
                    let project = text.and_then(|text| read(&text, extras));
                    match (project, path) {
                        (Some(project), Some(path)) if projects.is_empty() => {
                            let name = self.application(&project, &path, &interpreter, line);
                            projects.push((name, path));
                        }
                        // Each project is installed only once.
                        (Some(_), Some(path)) if projects.iter().any(|(_, other)| *other == path) => {}
                        (Some(project), _) => {
                            let why =
                                format!("the image already has another project, so `{}` is not built", project.name);
                            let todo = "write it as a package with `buildPythonApplication`";
                            self.leave(line, &requirement.command(), &why, todo);
                        }
                        (None, _) => {
                            let why = "no pyproject.toml defines how the project is built";
                            let todo = "write it as a package with `buildPythonApplication`";
                            self.leave(line, &requirement.command(), why, todo);
                        }
                    }
                }
            }
        }
        names.sort_unstable();
        let list = names.iter().map(|name| format!("ps.{name}"));
        let list: Vec<String> =
            list.chain(projects.iter().map(|(name, _)| format!("(ps.toPythonModule {name})"))).collect();
        if !list.is_empty() {
            all[at] = format!("({interpreter}.withPackages (ps: [ {} ]))", list.join(" "));
        }
    }

    /// The requirements that pip installs in the last stage, and in earlier ones, because their environment is usually
    /// copied. Each has its file in the repository, if there is one, and its line.
    fn requirements(&self, frame: &Frame, recipe: &Recipe) -> Vec<(Requirement, Option<String>, usize)> {
        let mut all: Vec<(Requirement, Option<String>, usize)> = Vec::new();
        let last = self.file.stages.len() - 1;
        let mut add = |stage: usize, frame: &Frame, recipe: &Recipe| {
            for (requirement, line) in &recipe.requirements {
                let path = self.file_of(stage, frame, requirement);
                if !all.iter().any(|(other, known, _)| other == requirement && *known == path) {
                    all.push((requirement.clone(), path, *line));
                }
            }
        };
        add(last, frame, recipe);
        for index in 0..last {
            let frame = Frame::of(&self.file, index);
            add(index, &frame, &Recipe::of(&frame));
        }
        all
    }

    /// The file in the repository that a requirement refers to in a stage: the last one that was copied to its path, or
    /// else the one in the build context, or a list with the same name that any stage copies.
    fn file_of(&self, stage: usize, frame: &Frame, requirement: &Requirement) -> Option<String> {
        let (named, path) = match requirement {
            Requirement::Name(_) => return None,
            Requirement::File(named, path) => (named.clone(), path.clone()),
            Requirement::Project(folder, _) => {
                ("pyproject.toml".to_owned(), format!("{}/pyproject.toml", folder.trim_end_matches('/')))
            }
        };
        let last = named.rsplit('/').next().unwrap_or(&named).to_owned();
        let in_context =
            || [self.in_context(&named), self.in_context(&last)].into_iter().find(|path| self.exists(path));
        let of_any_stage = || {
            let sources = self.context_sources().into_iter().filter(|source| source.rsplit('/').next() == Some(&*last));
            let mut paths = sources.map(|source| self.in_context(&source));
            paths.find(|path| matches!(requirement, Requirement::File(..)) && self.exists(path))
        };
        let copied = self.copied_to(stage, frame, &path, &mut BTreeSet::new());
        copied.or_else(in_context).or_else(of_any_stage)
    }

    /// The file in the build context that is at a path in a stage. It may come from an earlier stage.
    fn copied_to(
        &self,
        stage: usize,
        frame: &Frame,
        path: &str,
        seen: &mut BTreeSet<(usize, String)>,
    ) -> Option<String> {
        if seen.len() > MOST_PATHS || !seen.insert((stage, path.to_owned())) {
            return None;
        }
        let copies = frame.steps.iter().rev().filter_map(|step| match step {
            Step::Copy(copy) => Some(copy),
            Step::Run(_) => None,
        });
        for copy in copies {
            for source in copy.sources.iter().rev() {
                let found = match &copy.from {
                    None => self.copied_as(copy, source, path).filter(|path| self.exists(path)),
                    Some(from) => self.file.find(from, stage).and_then(|earlier| {
                        let frame = Frame::of(&self.file, earlier);
                        let paths = paths_in_stage(copy, source, path);
                        paths.into_iter().find_map(|path| self.copied_to(earlier, &frame, &path, seen))
                    }),
                };
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// The repository path of the file that copying `source` puts at a path in a stage. `None` if it puts none there.
    fn copied_as(&self, copy: &Copy, source: &str, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let to = copy.to.trim_end_matches('/');
        let inside = self.in_context(source);
        if self.draft.files().is_folder(&inside) {
            let below = path.strip_prefix(to)?.strip_prefix('/')?;
            return paths::join(&inside, below);
        }
        let own = inside.rsplit('/').next().unwrap_or(&inside);
        if own.contains(['*', '?', '[']) {
            let glob = globs::refusal(own.as_bytes()).is_none().then(|| globset::Glob::new(own).ok());
            let matches = glob.flatten()?.compile_matcher().is_match(name);
            return (matches && folder == to).then(|| paths::join(paths::folder(&inside), name)).flatten();
        }
        let target = if copy.to.ends_with('/') { format!("{to}/{own}") } else { copy.to.clone() };
        (target == path).then_some(inside)
    }

    /// Adds the `python3Packages` attributes for requirements to `names`, and reports unknown requirements.
    fn packages_of(&mut self, requirements: &[String], line: usize, names: &mut Vec<&'static str>) {
        for requirement in requirements {
            match packages::python(requirement) {
                Some(name) => {
                    self.carry(line, requirement, &format!("python3Packages.{name}"));
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                None => {
                    let why = "no known Python package in nixpkgs matches this";
                    let todo = "look it up in `python3Packages` and add it to the other packages";
                    self.leave(line, requirement, why, todo);
                }
            }
        }
    }

    /// Binds the project as an application. Returns its name.
    fn application(&mut self, project: &Project, path: &str, interpreter: &str, line: usize) -> String {
        let mut dependencies = Vec::new();
        self.packages_of(&project.dependencies, line, &mut dependencies);
        let mut systems = Vec::new();
        for wanted in &project.build_systems {
            let name = normalized(wanted);
            match BUILD_SYSTEMS.iter().find(|(known, _)| *known == name) {
                Some((_, attribute)) => systems.push(*attribute),
                None => {
                    let todo = "look it up in `python3Packages` and add it to `build-system`";
                    self.leave(line, wanted, "no known build system in nixpkgs matches this", todo);
                }
            }
        }
        let from_git = systems.iter().any(|name| matches!(*name, "setuptools-scm" | "hatch-vcs"));
        let version = if from_git { "\n      env.SETUPTOOLS_SCM_PRETEND_VERSION = version;" } else { "" };
        let recursive = if from_git { "rec " } else { "" };
        let list = |names: &[&str]| {
            names.iter().map(|name| format!("{interpreter}.pkgs.{name}")).collect::<Vec<_>>().join(" ")
        };
        let folder = paths::folder(path).to_owned();
        let source = match folder == self.context {
            true => "inherit src;".to_owned(),
            false => format!("src = {};", self.relative(&folder)),
        };
        let text = format!(
            "{interpreter}.pkgs.buildPythonApplication {recursive}{{\n      pname = {};\n      version = {};\n      \
             pyproject = true;\n      {source}{version}\n      build-system = [ {} ];\n      dependencies = [ {} ];\n    }}",
            nix::quoted(&Text::literal(project.name.as_str())),
            nix::quoted(&Text::literal(project.version.as_str())),
            list(&systems),
            list(&dependencies)
        );
        self.carry(line, "pip install .", &format!("{interpreter}.pkgs.buildPythonApplication"));
        self.bindings.push(("app".to_owned(), text));
        "app".to_owned()
    }
}

/// The maximum number of paths in stages at which a file is searched for.
const MOST_PATHS: usize = 100;

/// Maps a path in this stage to the possible paths in the stage that `source` is copied from. The source is the file,
/// or a folder that contains it.
fn paths_in_stage(copy: &Copy, source: &str, path: &str) -> Vec<String> {
    let source = format!("/{}", source.trim_matches('/'));
    let to = copy.to.trim_end_matches('/');
    let own = source.rsplit('/').next().unwrap_or_default();
    let is_file = path == to || (copy.to.ends_with('/') && path == format!("{to}/{own}"));
    let below = path.strip_prefix(to).filter(|below| below.starts_with('/'));
    let in_folder = below.map(|below| format!("{}{below}", source.trim_end_matches('/')));
    is_file.then(|| source.clone()).into_iter().chain(in_folder).collect()
}

/// Reads pyproject.toml, with the dependencies of some extras.
fn read(text: &str, extras: &[String]) -> Option<Project> {
    let table: toml::Table = text.parse().ok()?;
    let at = |path: &[&str]| {
        let mut value = table.get(*path.first()?)?;
        for name in &path[1..] {
            value = value.get(name)?;
        }
        Some(value)
    };
    let text_at = |path: &[&str]| at(path).and_then(toml::Value::as_str).map(str::to_owned);
    let list_at = |path: &[&str]| {
        let items = at(path).and_then(toml::Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let poetry = ["tool", "poetry"];
    let mut dependencies = list_at(&["project", "dependencies"]);
    for extra in extras {
        dependencies.extend(list_at(&["project", "optional-dependencies", extra]));
    }
    if let Some(table) = at(&[poetry[0], poetry[1], "dependencies"]).and_then(toml::Value::as_table) {
        dependencies.extend(table.keys().filter(|name| *name != "python").cloned());
    }
    let mut build_systems = list_at(&["build-system", "requires"]);
    if build_systems.is_empty() {
        // This is the default in PEP 517.
        build_systems.push("setuptools".to_owned());
    }
    // Markers usually refer to other systems, and are reported with the requirement.
    Some(Project {
        name: text_at(&["project", "name"]).or_else(|| text_at(&["tool", "poetry", "name"]))?,
        version: text_at(&["project", "version"])
            .or_else(|| text_at(&["tool", "poetry", "version"]))
            .unwrap_or_else(|| "0".to_owned()),
        build_systems,
        dependencies,
    })
}

/// The name in a requirement, in the normalized form of PyPI.
fn normalized(requirement: &str) -> String {
    let end = requirement.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(requirement.len());
    requirement[..end].to_ascii_lowercase().replace(['_', '.'], "-")
}
