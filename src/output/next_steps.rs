//! Next steps after a run: commands that help with the findings, each with a description.

use std::collections::BTreeSet;

use super::View;
use super::style::{BOLD, CODE, DIM, code};
use super::summary::MANY;
use super::text::clean;
use super::wrap::hanging;
use crate::check::port_literals::{ALLOCATED, Definition, HARDCODED};
use crate::check::{docker_build_in_ci, docker_compose, dockerfile, unlocked_input};
use crate::paths;
use crate::report::Report;

/// Why a new file must be added to Git.
pub const TRACKED: &str = "flakes see tracked files only";

/// A command and its description. The command is empty for a step that is done by hand.
type Step = (String, String);

/// The block at the end of a report on a whole repository; empty if there is nothing to suggest.
pub fn block(report: &Report, view: &View) -> String {
    if !report.overview.is_whole || report.findings.is_empty() {
        return String::new();
    }
    let steps = match report.overview.has_nix {
        true => steps(report),
        false => without_nix(report),
    };
    written(&steps, view)
}

/// The next steps after fixes: adding registries that the flake does not see, and updating flake.lock after changes to
/// flake.nix.
pub fn after_fixes(report: &Report, unseen: Vec<String>, view: &View) -> String {
    let add = (!unseen.is_empty()).then(|| step(&format!("git add {}", unseen.join(" ")), TRACKED));
    written(&add.into_iter().chain(lock(report)).collect::<Vec<_>>(), view)
}

/// The next steps after `flakeward init`: those that would change something.
pub fn after_init(report: &Report, view: &View) -> String {
    // The new settings name an existing set of ports as the registry.
    let has_registry = report.overview.has_registry || report.overview.defined_ports.is_some();
    let needs_registry = has_ports(report) && !has_registry;
    let mut steps = Vec::new();
    match needs_registry {
        true => steps.push(ports_init(report)),
        false => steps.push(step("flakeward", "check the repository")),
    }
    if needs_registry || report.fixable().safe > 0 {
        steps.push(fix());
    }
    if !report.findings.is_empty() {
        steps.push(baseline());
    }
    written(&steps, view)
}

/// Whether ports were found that a registry could name.
fn has_ports(report: &Report) -> bool {
    report.findings.iter().any(|finding| [HARDCODED, ALLOCATED].contains(&finding.rule))
}

fn step(command: &str, what: &str) -> Step {
    (command.to_owned(), what.to_owned())
}

fn fix() -> Step {
    step("flakeward fix", "apply the safe fixes, which do not change the result of evaluation")
}

fn baseline() -> Step {
    step("flakeward baseline", "accept the remaining findings, so that later runs report only new findings")
}

fn ports_init(report: &Report) -> Step {
    let what = format!(
        "write a port registry, {}, with a name for each port; `flakeward fix` then uses the names",
        report.overview.new_registry
    );
    ("flakeward ports init".to_owned(), what)
}

/// The step that makes an existing set of ports the registry.
fn configure(defined: &Definition, has_settings: bool) -> Step {
    let Definition { path, line, count } = defined;
    let what = format!("{path}:{line} already defines `ports`, a set of {count} port numbers");
    match has_settings {
        true => {
            let setting = defined.setting();
            step("", &format!("Write `{setting}` under `[ports]` in flakeward.toml: {what}"))
        }
        false => {
            step("flakeward init", &format!("write a flakeward.toml that sets {path} as the port registry: {what}"))
        }
    }
}

fn steps(report: &Report) -> Vec<Step> {
    let overview = &report.overview;
    let has_many = report.findings.len() > MANY;
    let mut steps = Vec::new();
    if has_ports(report) && !overview.has_registry {
        steps.push(match &overview.defined_ports {
            Some(defined) => configure(defined, overview.has_settings),
            None => ports_init(report),
        });
    }
    if has_many && !overview.has_settings && overview.defined_ports.is_none() {
        steps.push(step("flakeward init", "write a flakeward.toml that fits this repository"));
    }
    if has_many && report.fixable().safe > 0 {
        steps.push(fix());
    }
    if has_many && !overview.has_baseline {
        steps.push(baseline());
    }
    steps.extend(lock(report));
    steps
}

/// The maximum number of flakes in folders that get a command of their own.
const MOST_FLAKES: usize = 5;

/// The commands that update the flake.lock of each flake with a stale one.
fn lock(report: &Report) -> Vec<Step> {
    let stale = report.findings.iter().filter(|finding| unlocked_input::is_stale(finding));
    let folders: BTreeSet<&str> = stale.map(|finding| paths::folder(&finding.path)).collect();
    // A shell, and Nix in the address of a flake, read other characters in their own way.
    let is_plain = |folder: &str| folder.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let command = |folder: &str| match folder {
        "" => step(unlocked_input::LOCK, "update flake.lock to match flake.nix"),
        _ if is_plain(folder) => {
            let what = format!("update {folder}/flake.lock to match {folder}/flake.nix");
            step(&format!("{} ./{folder}", unlocked_input::LOCK), &what)
        }
        _ => step("", &format!("Run `{}` in the folder `{folder}`", unlocked_input::LOCK)),
    };
    let mut steps: Vec<Step> = folders.iter().take(MOST_FLAKES).map(|folder| command(folder)).collect();
    if let Some(more) = folders.len().checked_sub(MOST_FLAKES).filter(|more| *more > 0) {
        steps.push(step("", &format!("Run `{}` in {more} more folders with findings", unlocked_input::LOCK)));
    }
    steps
}

fn without_nix(report: &Report) -> Vec<Step> {
    let rules = [docker_compose::RULE, dockerfile::RULE, docker_build_in_ci::RULE];
    let mut steps = Vec::new();
    if report.findings.iter().any(|finding| rules.contains(&finding.rule)) {
        let what = "show Nix code for the Compose files, Dockerfiles and CI in this repository";
        steps.push(step("flakeward migrate", what));
    }
    // With so many findings, the report shows only counts; see `no_nix`.
    if report.findings.len() > MANY {
        steps.push(step("flakeward check --format concise", "list all findings"));
    }
    steps
}

/// The note about a repository without Nix.
pub fn no_nix(view: &View) -> String {
    let text = "there is no flake.nix and no other .nix file here, and flakeward checks repositories that define their \
                infrastructure with Nix; only counts by rule are shown";
    let head = DIM.on("note: ", view.stream.color);
    match view.stream.wrap {
        true => hanging(&head, text, view.stream.width) + "\n",
        false => format!("{head}{text}\n"),
    }
}

fn written(steps: &[Step], view: &View) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let color = view.stream.color;
    let widest = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let mut out = format!("\n{}\n", BOLD.on("Next steps:", color));
    for (command, what) in steps {
        let head = match command.is_empty() {
            true => "  ".to_owned(),
            false => format!("  {}{}  ", CODE.on(command, color), " ".repeat(widest - command.len())),
        };
        let what = clean(what);
        out.push_str(&match view.stream.wrap {
            true => hanging(&head, &code(&what, color), view.stream.width),
            false => format!("{head}{}", code(&what, color)),
        });
        out.push('\n');
    }
    out
}
