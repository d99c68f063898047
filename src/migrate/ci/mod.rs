//! `flakeward migrate ci`: changes CI to build images from the flake instead of with Docker.

mod github;
mod shell_build;
#[cfg(test)]
mod tests;

use super::{Draft, Error};
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
    let package = |dockerfile: &str| super::dockerfile::package_of(draft, dockerfile);
    let new = github::rewrite(&text, &package).ok_or_else(syntax)?;
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
                    draft.report.leave(file, line, what, shell_build::COMPOSE_WHY, shell_build::COMPOSE_TODO);
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
