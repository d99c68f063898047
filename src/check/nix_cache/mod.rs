//! `nix-cache`: jobs that install Nix and build on a fresh machine without a cache; caches that are set up too early.

mod edit;

use std::collections::{HashMap, HashSet};

use super::{Check, ProjectView, Verdict};
use crate::facts::ci::calls::{self, Unit};
use crate::facts::ci::nix;
use crate::facts::ci::nix::{NixFacts, NixJob, NixStep, Runner, Selection};
use crate::facts::{Project, ProjectFile};
use crate::finding::{Finding, Fix, Safety, Span};
use crate::knowledge::nix_actions::Cache;

const RULE: &str = "nix-cache";

/// See `rules/nix-cache.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&nix::READER, &calls::READER], project);

/// The maximum nesting of composite actions that are followed.
const DEPTH: usize = 6;

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let repository = Repository::new(view.project);
    for (file, facts) in view.project.each::<NixFacts>() {
        for job in facts.jobs.iter().filter(|job| !job.composite) {
            let steps = repository.steps(file, job);
            verdict.extend(order_faults(file, &steps));
            match repository.uncached(file, job, &steps) {
                Judgement::Report(finding) => verdict.report(*finding),
                Judgement::Unknown(why) => {
                    let message = format!("cannot tell whether the job `{}` has a Nix cache: {why}", job.name);
                    verdict.not_decidable(&file.source.path, message);
                }
                Judgement::Fine => {}
            }
        }
    }
    let findings = &mut verdict.findings;
    // Jobs that share their steps through an anchor share their findings.
    findings.sort_by(|a, b| (&a.path, a.span, &a.label).cmp(&(&b.path, b.span, &b.label)));
    findings.dedup_by(|a, b| a.path == b.path && a.span == b.span && a.label == b.label);
    verdict
}

/// A step of a job, or of a composite action that the job uses.
struct Placed<'p> {
    /// The step.
    step: &'p NixStep,
    /// The file that contains it.
    file: &'p ProjectFile,
    /// The step of the job itself: this step, or the one that uses the composite action.
    own: &'p NixStep,
    /// The arguments of each call of the script that this step belongs to; empty for the steps of jobs and actions.
    arguments: Vec<&'p [String]>,
}

impl<'p> Placed<'p> {
    fn is_own(&self) -> bool {
        std::ptr::eq(self.step, self.own)
    }

    /// What it builds, either unconditionally or because an argument of a call selects it.
    fn built(&self) -> Option<&'p (String, Span)> {
        self.step.builds.as_ref().or_else(|| self.selected())
    }

    /// The build in a script's function that an argument selects: `ci/build.sh image`. An argument that is computed may
    /// select any function.
    fn selected(&self) -> Option<&'p (String, Span)> {
        let selectable = &self.step.selectable;
        if selectable.is_empty() {
            return None;
        }
        let names: HashSet<&str> = selectable.iter().map(|(name, _)| name.as_str()).collect();
        let is_computed = |word: &String| word.contains(['$', '`', '{', '*', '?', '[']);
        let mut passed = HashSet::new();
        let mut is_open = false;
        for arguments in &self.arguments {
            let named = |word: &String| names.contains(word.as_str());
            let mut before = arguments.iter().take_while(|word| !named(word));
            is_open |= match self.step.selection {
                Selection::First => before.any(is_computed),
                Selection::Each => arguments.iter().any(is_computed),
                Selection::Changed => before.any(|word| !word.starts_with('-')),
            };
            passed.extend(arguments.iter().filter(|word| named(word)).map(String::as_str));
        }
        let runs = |name: &str| is_open || passed.contains(name);
        selectable.iter().filter(|(name, _)| runs(name)).find_map(|(_, built)| built.as_ref())
    }
}

enum Judgement {
    Report(Box<Finding>),
    Unknown(&'static str),
    Fine,
}

struct Repository<'p> {
    project: &'p Project,
    flake_substituters: bool,
}

impl<'p> Repository<'p> {
    fn new(project: &'p Project) -> Self {
        Self { project, flake_substituters: project.all::<NixFacts>().any(|facts| facts.flake_substituters) }
    }

    /// The steps of a job, with the steps of the repository's composite actions inlined.
    fn steps(&self, file: &'p ProjectFile, job: &'p NixJob) -> Vec<Placed<'p>> {
        let mut steps = Vec::new();
        for own in &job.steps {
            self.expand(file, own, own, 0, &mut steps);
        }
        steps
    }

    fn expand(
        &self,
        file: &'p ProjectFile,
        step: &'p NixStep,
        own: &'p NixStep,
        depth: usize,
        out: &mut Vec<Placed<'p>>,
    ) {
        // The steps of actions that use each other many times could grow exponentially.
        if depth > DEPTH || out.len() > 1000 {
            return;
        }
        out.push(Placed { step, file, own, arguments: Vec::new() });
        let mut seen = HashSet::new();
        let mut arguments: HashMap<*const Unit, Vec<&'p [String]>> = HashMap::new();
        let mut reached = Vec::new();
        for call in &step.calls {
            reached.extend(calls::all(self.project, file, call, &mut seen, |unit, call| {
                arguments.entry(std::ptr::from_ref(unit)).or_default().push(&call.arguments);
            }));
        }
        out.extend(reached.into_iter().map(|(file, unit)| {
            let arguments = arguments.remove(&std::ptr::from_ref(unit)).unwrap_or_default();
            Placed { step: &unit.step, file, own, arguments }
        }));
        let Some((file, action)) = step.local.as_deref().and_then(|path| self.action(path)) else { return };
        for inner in &action.steps {
            self.expand(file, inner, own, depth + 1, out);
        }
    }

    /// The composite action in a folder: its file and its job.
    fn action(&self, folder: &str) -> Option<(&'p ProjectFile, &'p NixJob)> {
        let named = |name: &str| match folder {
            "" | "." => self.project.file(name),
            folder => self.project.file(&format!("{folder}/{name}")),
        };
        let file = named("action.yml").or_else(|| named("action.yaml"))?;
        Some((file, file.fact::<NixFacts>()?.jobs.iter().find(|job| job.composite)?))
    }

    fn uncached(&self, file: &'p ProjectFile, job: &NixJob, steps: &[Placed<'p>]) -> Judgement {
        let Some(installer) = steps.iter().find(|placed| placed.step.installs) else { return Judgement::Fine };
        let Some((built, build_file)) = steps.iter().find_map(|placed| Some((placed.built()?, placed.file))) else {
            return Judgement::Fine;
        };
        let accepted = self.flake_substituters && steps.iter().any(|placed| placed.step.accepts_flake_config);
        if steps.iter().any(|placed| placed.step.may_cache) {
            return Judgement::Unknown("a step is named like a cache, but what it caches is unknown");
        }
        if job.configured || accepted || steps.iter().any(|placed| placed.step.cache.is_some()) {
            return Judgement::Fine;
        }
        match self.runner(file, job) {
            Runner::Own => return Judgement::Fine,
            Runner::Unknown => return Judgement::Unknown("its runner is unknown"),
            Runner::Fresh => {}
        }
        let (command, build_span) = built;
        let message = format!(
            "the job `{}` installs Nix and runs `{command}` without a cache, so every run starts from scratch",
            job.name
        );
        let mut finding =
            Finding::new(RULE, &file.source.path, installer.own.span, message).label("set up a cache after this step");
        if *build_span != installer.own.span {
            finding = finding.also(&build_file.source.path, *build_span, "rebuilt in every run");
        }
        let (name, text) = self.cache_step(file, installer);
        finding = finding.help(format!("add `- uses: {name}` after the installer"));
        if let Some(edit) = edit::insert_after(&file.source, installer.own, &text) {
            let title = format!("Add {name} to the job `{}`", job.name);
            finding = finding.fix(Fix::new(title, Safety::Unsafe, vec![edit]));
        }
        Judgement::Report(Box::new(finding))
    }

    /// The runner of a job; for a reusable workflow, the one that its callers pass.
    fn runner(&self, file: &ProjectFile, job: &NixJob) -> Runner {
        let Some((name, default)) = &job.runner_input else { return job.runner };
        let jobs = self.project.all::<NixFacts>().flat_map(|facts| &facts.jobs);
        let calls = jobs.filter_map(|job| job.call.as_ref()).filter(|call| *call.workflow == *file.source.path);
        let mut labels = Vec::new();
        for call in calls {
            match call.inputs.iter().find(|(input, _)| input == name) {
                Some((_, values)) => labels.extend(values.iter().flatten().cloned()),
                None => labels.extend(default.clone()),
            }
        }
        nix::runner((!labels.is_empty()).then_some(&labels))
    }

    /// The name and the step of the cache to add: the one that the repository already uses, or else one that fits the
    /// installer.
    fn cache_step(&self, file: &'p ProjectFile, installer: &Placed<'_>) -> (String, String) {
        let others = self.project.files.iter().filter(|other| !std::ptr::eq(*other, file));
        for other in std::iter::once(file).chain(others) {
            let steps = other.fact::<NixFacts>().into_iter().flat_map(|facts| &facts.jobs).flat_map(|job| &job.steps);
            let known = steps.filter(|step| !step.action.is_empty()).find_map(|step| match step.cache? {
                Cache::Cachix | Cache::Magic | Cache::Service => edit::copy(&other.source, step),
                Cache::Store | Cache::Tool | Cache::Substituters => None,
            });
            if let Some(text) = known {
                return (edit::uses(&text), text);
            }
        }
        let is_quick = installer.step.action.eq_ignore_ascii_case("nixbuild/nix-quick-install-action");
        let text = match (is_quick, edit::pins_actions(&file.source.text)) {
            (true, false) => STORE.to_owned(),
            (true, true) => STORE.replace("@v6", STORE_COMMIT),
            (false, false) => MAGIC.to_owned(),
            (false, true) => MAGIC.replace("@main", MAGIC_COMMIT),
        };
        (edit::uses(&text), text)
    }
}

/// What to add if the repository has no cache yet.
const MAGIC: &str = "- uses: DeterminateSystems/magic-nix-cache-action@main";
/// The commit of its release, for workflows that pin every action.
const MAGIC_COMMIT: &str = "@565684385bcd71bad329742eefe8d12f2e765b39 # v13";
/// What to add after nix-quick-install-action, which makes the user the owner of /nix, as cache-nix-action requires.
const STORE: &str = "- uses: nix-community/cache-nix-action@v6
  with:
    primary-key: nix-${{ runner.os }}-${{ hashFiles('**/*.nix', '**/flake.lock') }}
    restore-prefixes-first-match: nix-${{ runner.os }}-";

/// The commit of its release, for workflows that pin every action.
const STORE_COMMIT: &str = "@135667ec418502fa5a3598af6fb9eb733888ce6a # v6.1.3";

/// Reports caches that are set up before the installer, and Cachix before magic-nix-cache.
fn order_faults(file: &ProjectFile, steps: &[Placed<'_>]) -> Vec<Finding> {
    let position = |wanted: &dyn Fn(&NixStep) -> bool| steps.iter().position(|placed| wanted(placed.step));
    let is_action = |step: &NixStep| !step.action.is_empty();
    let installer = position(&|step| step.installs);
    let magic = position(&|step| step.cache == Some(Cache::Magic));
    let mut findings = Vec::new();
    for (at, placed) in steps.iter().enumerate().filter(|(_, placed)| is_action(placed.step)) {
        let Some(cache) = placed.step.cache else { continue };
        let late = |other: Option<usize>| other.filter(|other| at < *other).and_then(|other| steps.get(other));
        let name = &placed.step.action;
        if let Some(installer) = late(installer).filter(|_| cache.needs_nix()) {
            let what = match installer.step.action.as_str() {
                "" => "Nix is installed".to_owned(),
                action => format!("`{action}`"),
            };
            let message = format!("`{name}` runs before {what}, so there is no Nix yet to configure");
            findings.push(misplaced(file, placed, installer, message));
        } else if let Some(magic) = late(magic).filter(|_| cache == Cache::Cachix) {
            let message =
                format!("`{name}` runs before `{}`, which must come directly after the installer", magic.step.action);
            findings.push(misplaced(file, placed, magic, message));
        }
    }
    findings
}

fn misplaced(file: &ProjectFile, cache: &Placed<'_>, before: &Placed<'_>, message: String) -> Finding {
    let source = &file.source;
    let mut finding = Finding::new(RULE, &source.path, cache.own.span, message)
        .label("too early")
        .also(&source.path, before.own.span, "move it after this step")
        .help("the correct order is: installer, magic-nix-cache, Cachix, build steps");
    if cache.is_own()
        && before.is_own()
        && let Some(edits) = edit::move_behind(source, cache.step, before.step)
    {
        let title = format!("Move {} after {}", cache.step.action, before.step.action);
        finding = finding.fix(Fix::new(title, Safety::Unsafe, edits));
    }
    finding
}

#[cfg(test)]
mod tests;
