//! Applications of Python: packages of nixpkgs in place of what pip installs, and the project itself.

use super::{Module, listed};
use crate::knowledge::images::packages;
use crate::knowledge::python::BUILD_SYSTEMS;
use crate::migrate::dockerfile::recipe::{Recipe, Requirement};
use crate::migrate::nix::{self, Text};
use crate::paths;

/// The parts of pyproject.toml that a build needs.
#[derive(Debug, Default)]
struct Project {
    name: String,
    version: String,
    build_systems: Vec<String>,
    dependencies: Vec<String>,
}

impl Module<'_, '_> {
    /// Python packages, and the project itself, become an environment in place of the interpreter.
    pub(super) fn python(&mut self, recipe: &Recipe, all: &mut [String]) {
        if recipe.requirements.is_empty() {
            return;
        }
        let Some(at) = all.iter().position(|package| package.starts_with("pkgs.python")) else {
            for (requirement, line) in recipe.requirements.clone() {
                let what = requirement.command();
                let why = "no package of nixpkgs is known for the Python of the image";
                self.leave(line, &what, why, "add a Python with these packages to `deps`");
            }
            return;
        };
        let interpreter = all[at].clone();
        let (mut names, mut projects) = (Vec::new(), Vec::new());
        for (requirement, line) in recipe.requirements.clone() {
            match requirement {
                Requirement::Name(name) => self.packages_of(&[name], line, &mut names),
                Requirement::File(file) => match self.requirements_file(&file) {
                    Some(text) => self.packages_of(&listed(&text), line, &mut names),
                    None => {
                        let what = format!("pip install -r {file}");
                        let why = "the file is not in the repository";
                        self.leave(line, &what, why, "add the packages to `withPackages`");
                    }
                },
                Requirement::Project(ref extras) => match self.project(extras) {
                    Some(project) if projects.is_empty() => {
                        projects.push(self.application(&project, &interpreter, line));
                    }
                    // It is installed once.
                    Some(_) => {}
                    None => {
                        let why = "there is no pyproject.toml that says how it is built";
                        let todo = "write it as a package with `buildPythonApplication`";
                        self.leave(line, &requirement.command(), why, todo);
                    }
                },
            }
        }
        names.sort_unstable();
        let list = names.iter().map(|name| format!("ps.{name}"));
        let list: Vec<String> = list.chain(projects.iter().map(|name| format!("(ps.toPythonModule {name})"))).collect();
        if !list.is_empty() {
            all[at] = format!("({interpreter}.withPackages (ps: [ {} ]))", list.join(" "));
        }
    }

    fn requirements_file(&self, file: &str) -> Option<String> {
        let path = self.in_context(file.rsplit('/').next().unwrap_or(file));
        let path = if self.exists(&path) { path } else { self.in_context(file) };
        let text = |path: &str| self.draft.text(path).ok().flatten();
        text(&path).or_else(|| text(&self.copied_file(file)?))
    }

    /// The file of the build context that is copied into the image under a name.
    fn copied_file(&self, name: &str) -> Option<String> {
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let sources = self.context_sources().into_iter().filter(|source| last(source) == last(name));
        sources.map(|source| self.in_context(&source)).find(|path| self.exists(path))
    }

    /// The attributes of `python3Packages` for requirements. Those that are not known are reported.
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
                    let why = "no known Python package of nixpkgs matches this";
                    let todo = "look it up in `python3Packages` and add it where the others are";
                    self.leave(line, requirement, why, todo);
                }
            }
        }
    }

    /// The project of the build context.
    fn project(&self, extras: &[String]) -> Option<Project> {
        let text = self.draft.text(&self.project_file()).ok().flatten()?;
        read(&text, extras)
    }

    /// The pyproject.toml that is copied into the image, or that of the build context.
    fn project_file(&self) -> String {
        self.copied_file("pyproject.toml").unwrap_or_else(|| self.in_context("pyproject.toml"))
    }

    /// Binds the project as an application, and gives its name.
    fn application(&mut self, project: &Project, interpreter: &str, line: usize) -> String {
        let mut dependencies = Vec::new();
        self.packages_of(&project.dependencies, line, &mut dependencies);
        let mut systems = Vec::new();
        for wanted in &project.build_systems {
            let name = normalized(wanted);
            match BUILD_SYSTEMS.iter().find(|(known, _)| *known == name) {
                Some((_, attribute)) => systems.push(*attribute),
                None => {
                    let todo = "look it up in `python3Packages` and add it to `build-system`";
                    self.leave(line, wanted, "no known build system of nixpkgs matches this", todo);
                }
            }
        }
        let from_git = systems.iter().any(|name| matches!(*name, "setuptools-scm" | "hatch-vcs"));
        let version = if from_git { "\n      env.SETUPTOOLS_SCM_PRETEND_VERSION = version;" } else { "" };
        let recursive = if from_git { "rec " } else { "" };
        let list = |names: &[&str]| {
            names.iter().map(|name| format!("{interpreter}.pkgs.{name}")).collect::<Vec<_>>().join(" ")
        };
        let folder = paths::folder(&self.project_file()).to_owned();
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
        // The default of PEP 517.
        build_systems.push("setuptools".to_owned());
    }
    // Markers belong to other systems as a rule, and are reported with the requirement.
    Some(Project {
        name: text_at(&["project", "name"]).or_else(|| text_at(&["tool", "poetry", "name"]))?,
        version: text_at(&["project", "version"])
            .or_else(|| text_at(&["tool", "poetry", "version"]))
            .unwrap_or_else(|| "0".to_owned()),
        build_systems,
        dependencies,
    })
}

/// The name of a requirement, as PyPI compares names.
fn normalized(requirement: &str) -> String {
    let end = requirement.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(requirement.len());
    requirement[..end].to_ascii_lowercase().replace(['_', '.'], "-")
}
