//! `flakeward migrate ci`: changes CI to build images from the flake instead of with Docker.

mod github;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use self::github::Image;
use super::{Draft, Error, dockerfile, existing, shell_build};
use crate::facts::ci::builders;
use crate::finding::RelPath;
use crate::lang::ci::{self, Site, System};
use crate::lang::yaml::Yaml;
use crate::lang::{Language, Tree, shell};
use crate::source::LineIndex;

/// Migrates one CI file.
pub fn migrate(draft: &mut Draft<'_>, file: &RelPath) -> Result<(), Error> {
    let text = draft.text(file)?.ok_or_else(|| Error::new(file, "there is no such file"))?;
    let Some(system) = ci::system(file) else {
        let help = "workflows are in .github/workflows";
        return Err(Error::new(file, "this is not a file of a known CI system").help(help));
    };
    let syntax = || Error::new(file, "the file has syntax errors").help("`flakeward check` shows where");
    let tree = Tree::parse(Language::Yaml, &text).filter(|tree| !tree.broken()).ok_or_else(syntax)?;
    if system != System::GitHub {
        leave_builds(draft, file, &Yaml::new(&tree), system, &text);
        return Ok(());
    }
    let known: RefCell<BTreeMap<String, Image>> = RefCell::default();
    let package = |dockerfile: &str| {
        let name = super::dockerfile::package_of(draft, dockerfile)?;
        let image = |name: &String| Image { missing: missing(draft, name), name: name.clone() };
        Some(known.borrow_mut().entry(dockerfile.to_owned()).or_insert_with(|| image(&name)).clone())
    };
    let new = github::rewrite(&text, &package).ok_or_else(syntax)?;
    let used = known.into_inner();
    let built: BTreeSet<&str> = new.carried.iter().filter_map(|(.., into)| into.strip_prefix(github::BUILD)).collect();
    for (dockerfile, image) in used.iter().filter(|(_, image)| built.contains(image.name.as_str())) {
        leave_unbuilt(draft, file, dockerfile, &image.name);
    }
    for (line, what, into) in &new.carried {
        draft.report.carry(file, *line, what, into);
    }
    for (line, what, why, todo) in &new.left {
        draft.report.leave(file, *line, what, why, todo);
    }
    match new.text {
        Some(text) => draft.write(file, text),
        None => Ok(()),
    }
}

/// The reason why the flake will not have a package after this migration. `None` if it will, or if only CI is migrated
/// and the package has no module yet.
fn missing(draft: &Draft<'_>, package: &str) -> Option<String> {
    let module = dockerfile::module_path(package);
    let has_flake = draft.exists("flake.nix");
    let is_provided = match draft.flake.has_module(&module) {
        true => draft.flake.can_import(draft),
        false if draft.exists(&module) => !has_flake || existing::has_package(draft, package),
        false if draft.is_whole => existing::has_package(draft, package),
        false => true,
    };
    let why = match draft.exists(&module) {
        true => format!("flake.nix does not import ./{module}, so there is no package `{package}` yet"),
        false => format!("there is no package `{package}`, because its Dockerfile was not migrated"),
    };
    (!is_provided).then_some(why)
}

/// Reports a package that the new workflow builds and whose module is yet to be written.
fn leave_unbuilt(draft: &mut Draft<'_>, file: &RelPath, dockerfile: &str, package: &str) {
    if draft.exists(&dockerfile::module_path(package)) || existing::has_package(draft, package) {
        return;
    }
    draft.report.leave(
        file,
        1,
        format!("packages.{package}"),
        "this workflow now builds a package that the flake does not have yet",
        format!("run `flakeward migrate dockerfile {dockerfile} --write`, and commit it together with this workflow"),
    );
}

/// Reports the Docker builds of another CI system.
fn leave_builds(draft: &mut Draft<'_>, file: &RelPath, yaml: &Yaml<'_, '_>, system: System, text: &str) {
    let index = LineIndex::new(text);
    let why = "only GitHub workflows are rewritten";
    let todo =
        "build the image with `nix build .#container-<name>` and push it with `nix run .#container-<name>.copyTo`";
    for site in ci::sites(yaml, system) {
        match site {
            Site::Script(script) => {
                for (what, span) in shell_build::compose(&script.text) {
                    let line = index.line(script.span(span).start) + 1;
                    let (why, todo) = shell_build::compose_advice(&what);
                    draft.report.leave(file, line, what, why, todo);
                }
                for command in
                    shell::commands(&script.text).iter().filter(|command| builders::builds(command).is_some())
                {
                    let line = index.line(script.span(command.span).start) + 1;
                    draft.report.leave(file, line, command.program(), why, todo);
                }
            }
            Site::Uses { work, name, span, parameters } if builders::is_builder(yaml, work, &name, parameters) => {
                draft.report.leave(file, index.line(span.start) + 1, name, why, todo);
            }
            Site::Uses { .. } => {}
        }
    }
}
