//! process-compose, in YAML and in Nix: dependencies that cannot be met, daemons without a probe, settings that
//! nobody reads, and two processes on one port.
//!
//! Every file gives its [`Part`]s; which parts are read together (override files, `extends`, the modules of one
//! flake) is seen when all are there.

#[cfg(test)]
mod tests;

use memchr::memmem;

use super::{
    Check, FileContext, Glance, ProjectContext, missing_readiness_probe as readiness, process_dependency as dependency,
};
use crate::facts::needles::Words;
use crate::facts::processes::group::Groups;
pub use crate::facts::processes::model::ProcessFacts;
use crate::facts::processes::{listens, nix_read, yaml};
use crate::finding::{Note, NoteKind};
use crate::source::Kind;

/// See `rules/process-dependency.md`, `rules/missing-readiness-probe.md` and `rules/unknown-process-option.md`.
pub static CHECK: Check = Check { name: "processes", words: &[&FLAKES, &PROCESSES, &SETTINGS], trigger, file, project };

static FLAKES: Words = Words::any_of(&["process-compose", "services-flake"]);
static PROCESSES: Words = Words::any_of(&["processes"]);
static SETTINGS: Words = Words::any_of(&["settings"]);

fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Yaml => source.has(&PROCESSES),
        Kind::Nix => source.has(&FLAKES) || (source.has(&PROCESSES) && source.has(&SETTINGS)),
        _ => false,
    }
}

fn file(context: &mut FileContext<'_>) {
    let Some(tree) = context.tree else { return };
    let parts = match context.source.kind {
        Kind::Yaml => yaml::read(context, tree).into_iter().collect(),
        Kind::Nix => nix_read::read(context, tree),
        _ => return,
    };
    for part in &parts {
        listens::conflicts(&context.source.path, part, context.findings);
    }
    let uses = |word: &str| memmem::find(context.source.text.as_bytes(), word.as_bytes()).is_some();
    context.facts.processes =
        ProcessFacts { parts, uses_flake: uses("process-compose-flake") || uses("services-flake") };
}

fn project(context: &mut ProjectContext<'_>) {
    let project = context.project;
    let groups = Groups::new(project);
    let uses_flake = project.files.iter().any(|file| file.facts.processes.uses_flake);
    for file in &project.files {
        for part in &file.facts.processes.parts {
            if uses_flake {
                context.findings.extend(part.unknown_options.iter().cloned());
            }
            let path = &file.source.path;
            let view = groups.view(path, part);
            let undecided = dependency::check(path, part, &view, context.findings);
            readiness::check(path, part, &view, context.findings);
            context.notes.extend(undecided.into_iter().map(|message| Note {
                kind: NoteKind::NotDecidable,
                path: Some(path.clone()),
                message,
            }));
        }
    }
}
