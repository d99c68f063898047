//! `unknown-process-option`: settings that process-compose ignores, or that process-compose-flake does not have.

use super::{Check, ProjectView, Verdict};
use crate::facts::processes::model::{Family, Unknown, UnknownKind};
use crate::facts::processes::{self, ProcessFacts};
use crate::finding::{Finding, RelPath};
use crate::knowledge::process_compose::{self as options, Table};
use crate::suggest::nearest;

const RULE: &str = "unknown-process-option";

/// See `rules/unknown-process-option.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&processes::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let uses_flake = view.project.all::<ProcessFacts>().any(|facts| facts.uses_flake);
    let parts =
        view.project.each::<ProcessFacts>().flat_map(|(file, facts)| facts.parts.iter().map(move |it| (file, it)));
    // A module may belong to another tool.
    let certain = parts.filter(|(_, part)| uses_flake || part.family != Family::Module);
    certain.flat_map(|(file, part)| part.unknown.iter().map(|unknown| finding(&file.source.path, unknown))).collect()
}

fn finding(path: &RelPath, unknown: &Unknown) -> Finding {
    let new = |message: String, label: &str| Finding::new(RULE, path, unknown.span, message).label(label);
    let (finding, advice) = match &unknown.kind {
        UnknownKind::Yaml { key, table } => {
            let message = format!("`{key}` is not a setting of {} in process-compose", table.of);
            (new(message, "has no effect"), advice(table, key))
        }
        UnknownKind::Flake { key, table } => {
            let (message, advice) = in_flake(key, table);
            (new(message, "does not evaluate"), advice)
        }
        UnknownKind::Removed { key, instead } => {
            let message = format!("process-compose-flake has removed `{key}`, so the configuration does not evaluate");
            (new(message, "removed option"), Some((*instead).to_owned()))
        }
    };
    match advice {
        Some(advice) => finding.help(advice),
        None => finding,
    }
}

/// The message and the help for an option that process-compose-flake does not have.
fn in_flake(key: &str, table: &Table) -> (String, Option<String>) {
    let upstream = std::ptr::eq(table, &options::PROCESS_FLAKE) && options::only_upstream(key);
    let message = match upstream {
        true => format!("process-compose supports `{key}`, but process-compose-flake has no such option"),
        false => format!("`{key}` is not an option of {} in process-compose-flake", table.of),
    };
    let advice = match (key, upstream) {
        ("env_file", true) => Some("read the file in `cli.preHook` or in the command".to_owned()),
        ("extends", true) => Some("share attributes with `//`, or use `defaults.processSettings`".to_owned()),
        (_, true) => Some("remove it: the configuration does not evaluate with it".to_owned()),
        (_, false) => advice(table, key),
    };
    (message, advice)
}

/// Advice about an unknown setting: what to do instead, or a known setting with a similar name.
fn advice(table: &Table, key: &str) -> Option<String> {
    instead(key).map(str::to_owned).or_else(|| {
        let wanted = key.to_ascii_lowercase().replace('-', "_");
        let exact = table.keys.iter().copied().find(|known| known.replace('-', "_") == wanted);
        let near = exact.or_else(|| nearest(&wanted, table.keys.iter().copied()));
        near.map(|near| format!("did you mean `{near}`?"))
    })
}

/// What to do instead of settings known from Docker Compose, Kubernetes and Procfiles.
fn instead(key: &str) -> Option<&'static str> {
    Some(match key {
        "ports" | "port" | "expose" => {
            "process-compose does not map ports: the process itself listens on a port from the registry"
        }
        "healthcheck" => "write `readiness_probe` with `exec.command`",
        "restart" => "write `availability.restart`",
        "max_restarts" => "write `availability.max_restarts`",
        "image" | "build" => "process-compose runs programs, not images: write the program in `command`",
        "volumes" | "networks" => "processes run directly on the host: there is nothing to map",
        "env" => "write `environment`",
        "cwd" | "workdir" | "working_directory" => "write `working_dir`",
        _ => return None,
    })
}
