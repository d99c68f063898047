//! How the jobs of GitHub workflows use Nix: install it, set up a cache, build.

pub mod commands;
mod selected;

use crate::facts::ci::call::{self, Call};
use crate::facts::needles::Words;
use crate::facts::{self, Fact, FileView, Glance, fact};
use crate::finding::Span;
use crate::knowledge::ci_programs;
use crate::knowledge::nix_actions::{self, Cache};
use crate::lang::ci::github::{Job, Step};
use crate::lang::ci::{self, Script, System, github};
use crate::lang::shell::{self, Command};
use crate::lang::yaml::Yaml;
use crate::lang::{Node, NodeKind, Tree, nix};
use crate::paths;
use crate::source::FileKind;

/// Reads how jobs use Nix, and whether the flake has substituters.
pub static READER: facts::Reader = facts::Reader { name: "jobs", needles: &[&SUBSTITUTERS], may_hold, read };

static SUBSTITUTERS: Words = Words::any_of(&["substituters"]);

/// How a file's CI jobs use Nix.
#[derive(Debug, Default)]
pub struct NixFacts {
    /// Its jobs, if it is a workflow or composite action.
    pub jobs: Vec<NixJob>,
    /// Whether it is a flake with substituters in its `nixConfig`.
    pub flake_substituters: bool,
}

impl Fact for NixFacts {}

fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Yaml => matches!(ci::system(&source.path), Some(System::GitHub | System::GitHubAction)),
        FileKind::Nix => source.file_name() == "flake.nix" && source.has(&SUBSTITUTERS),
        _ => false,
    }
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree?;
    let source = file.source;
    let mut facts = NixFacts::default();
    match (source.kind, ci::system(&source.path)) {
        (FileKind::Yaml, Some(system)) => facts.jobs = jobs(tree, &source.path, system),
        (FileKind::Nix, _) if &*source.path == "flake.nix" => facts.flake_substituters = flake_substituters(tree),
        _ => {}
    }
    let is_empty = facts.jobs.is_empty() && !facts.flake_substituters;
    fact(facts, is_empty)
}

/// Whether a flake's `nixConfig` sets substituters.
fn flake_substituters(tree: &Tree<'_>) -> bool {
    let bindings = tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding);
    bindings.filter_map(|binding| nix::attr_path(tree, binding)).any(|path| match path.as_slice() {
        [first, second] => {
            let second = second.text.as_deref().unwrap_or("");
            first.text.as_deref() == Some("nixConfig") && second.ends_with("substituters")
        }
        _ => false,
    })
}

/// A job or a composite action, and how it uses Nix.
#[derive(Debug)]
pub struct NixJob {
    /// The job's id; the action's folder for a composite action.
    pub name: String,
    /// Whether it is a composite action, which is checked where it is used.
    pub composite: bool,
    /// The machine that it runs on.
    pub runner: Runner,
    /// The input of a reusable workflow that determines the runner, and the input's default.
    pub runner_input: Option<(String, Option<String>)>,
    /// The workflow in the same repository that it calls.
    pub call: Option<github::Call>,
    /// Whether it calls a reusable workflow in another repository that may run checks.
    pub is_foreign: bool,
    /// Whether its workflow runs on pull requests.
    pub on_pull_request: bool,
    /// Whether substituters are set for the whole job, by its environment or the workflow's.
    pub configured: bool,
    /// Its steps, in order.
    pub steps: Vec<NixStep>,
}

/// The machine that a job runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// A GitHub-hosted machine, new for each job.
    Fresh,
    /// A self-hosted or third-party machine, which may keep its store.
    Own,
    /// Not known from the text.
    Unknown,
}

/// How a step uses Nix.
#[derive(Debug, Default)]
pub struct NixStep {
    /// The span of the action's name, or of the step.
    pub span: Span,
    /// The span of the step's whole list item, from its dash.
    pub item: Option<Span>,
    /// The action's name without its version, as written.
    pub action: String,
    /// Whether it installs Nix.
    pub installs: bool,
    /// The cache that it sets up.
    pub cache: Option<Cache>,
    /// The first command, action or shell that builds something, and its location.
    pub builds: Option<(String, Span)>,
    /// The functions of a script that run only if an argument of the script selects them, each with its command that
    /// builds, if it has one.
    pub selectable: Vec<(String, Option<(String, Span)>)>,
    /// How the arguments select these functions.
    pub selection: Selection,
    /// Whether it accepts the substituters of the flake's `nixConfig`.
    pub accepts_flake_config: bool,
    /// The path of the action in the same repository that it uses.
    pub local: Option<String>,
    /// Whether its action or name suggests a cache of unknown contents.
    pub may_cache: bool,
    /// The other scripts and recipes that its script runs.
    pub calls: Vec<Call>,
}

/// How the arguments of a script select its functions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// The first argument is the name of a function.
    #[default]
    First,
    /// Each argument is the name of a function.
    Each,
    /// The name of a function is derived from the first argument, as in `"${1//-/_}"`. Unless the argument is itself
    /// the name of a function, it may select any function.
    Changed,
}

/// How a separate script uses Nix, as if it were a step.
pub fn script_step(script: &Script<'_>, commands: &[Command<'_>]) -> NixStep {
    let mut step = NixStep::default();
    read_script(&mut step, script, commands);
    if step.builds.is_some() {
        selected::read(&mut step, script, commands);
    }
    step
}

/// How the jobs in a file use Nix.
fn jobs(tree: &Tree<'_>, path: &str, system: System) -> Vec<NixJob> {
    let yaml = Yaml::new(tree);
    let reader = Reader { yaml: &yaml, shell: default_shell(&yaml, None) };
    match system {
        System::GitHub => github::jobs(&yaml).iter().map(|job| reader.job(job)).collect(),
        System::GitHubAction => {
            let steps = github::composite(&yaml).iter().map(|step| reader.step(step, None)).collect();
            let name = paths::folder(path).to_owned();
            vec![NixJob {
                name,
                composite: true,
                runner: Runner::Unknown,
                runner_input: None,
                call: None,
                is_foreign: false,
                on_pull_request: false,
                configured: false,
                steps,
            }]
        }
        _ => Vec::new(),
    }
}

struct Reader<'y, 't, 'a> {
    yaml: &'y Yaml<'t, 'a>,
    /// The default shell of the workflow's scripts.
    shell: Option<String>,
}

/// `defaults.run.shell` of a job, or of the workflow if there is no job.
fn default_shell(yaml: &Yaml<'_, '_>, job: Option<Node>) -> Option<String> {
    let holder = job.or_else(|| yaml.documents().next())?;
    yaml.at(holder, &["defaults", "run", "shell"]).and_then(|shell| yaml.scalar(shell)).map(|shell| shell.into_owned())
}

impl Reader<'_, '_, '_> {
    fn job(&self, job: &Job<'_>) -> NixJob {
        let shell = default_shell(self.yaml, Some(job.node)).or_else(|| self.shell.clone());
        let workflow = self.yaml.documents().next();
        NixJob {
            name: job.id.clone().into_owned(),
            composite: false,
            runner: runner(github::runners(self.yaml, job.node).as_deref()),
            runner_input: github::runner_input(self.yaml, job.node),
            call: github::call(self.yaml, job.node),
            is_foreign: github::uses(self.yaml, job.node)
                .is_some_and(|uses| !uses.starts_with("./") && !ci_programs::is_unrelated_workflow(&uses)),
            on_pull_request: github::runs_on(self.yaml, &["pull_request", "pull_request_target", "merge_group"]),
            configured: [Some(job.node), workflow].into_iter().flatten().any(|holder| self.environment(holder)),
            steps: job.steps.iter().map(|step| self.step(step, shell.as_deref())).collect(),
        }
    }

    /// Whether an `env` sets substituters, as in `NIX_CONFIG`.
    fn environment(&self, holder: Node) -> bool {
        self.yaml.get(holder, "env").is_some_and(|env| names_substituters(self.yaml.tree.slice(env)))
    }

    fn step(&self, step: &Step<'_>, shell: Option<&str>) -> NixStep {
        let tree = self.yaml.tree;
        let mut out = NixStep { span: tree.span(step.node), item: step.item, ..NixStep::default() };
        let with = self.yaml.get(step.node, "with").map_or("", |with| tree.slice(with));
        if let Some((uses, span)) = &step.uses {
            self.action(&mut out, uses, *span, with);
        }
        if let Some(script) = &step.run {
            self.script(&mut out, script, step.shell.as_deref().or(shell));
        }
        out.span = step.alias.unwrap_or(out.span);
        if out.cache.is_none() && (names_substituters(with) || self.environment(step.node)) {
            out.cache = Some(Cache::Substituters);
        }
        out.accepts_flake_config |= with.contains("accept-flake-config");
        let name = self.yaml.get(step.node, "name").and_then(|name| self.yaml.scalar(name));
        out.may_cache = out.cache.is_none() && nix_actions::may_cache(&out.action, name.as_deref().unwrap_or(""));
        out
    }

    fn action(&self, out: &mut NixStep, uses: &str, span: Span, with: &str) {
        out.span = span;
        if let Some(path) = uses.strip_prefix("./") {
            out.local = Some(path.trim_end_matches('/').to_owned());
            return;
        }
        out.action = ci::action_name(uses).to_owned();
        let lower = out.action.to_ascii_lowercase();
        out.installs = nix_actions::installs(&lower);
        out.cache = nix_actions::cache(&lower, with);
        if nix_actions::builds(&lower) {
            out.builds = Some((out.action.clone(), span));
        }
    }

    fn script(&self, out: &mut NixStep, script: &Script<'_>, shell: Option<&str>) {
        read_script(out, script, &shell::commands(&script.text));
        let shell = shell.unwrap_or("");
        if out.builds.is_none() && shell::commands(shell).iter().any(|command| commands::builds(command).is_some()) {
            out.builds = Some((shell.to_owned(), out.span));
        }
    }
}

fn read_script(out: &mut NixStep, script: &Script<'_>, commands: &[Command<'_>]) {
    let text = &*script.text;
    out.installs |= nix_actions::script_installs(text);
    out.accepts_flake_config |= text.contains("accept-flake-config");
    if names_substituters(text) {
        out.cache = Some(Cache::Substituters);
    }
    for command in commands {
        if commands::uses_cache(command) {
            out.cache = Some(Cache::Tool);
        }
        if out.builds.is_none()
            && let Some(built) = commands::builds(command)
        {
            out.builds = Some((built, script.span(command.span)));
        }
    }
    out.calls = call::of(script, commands, "");
}

/// Whether a configuration mentions `substituters`, `extra-substituters`, `trusted-substituters` or the old name
/// `binary-caches`.
fn names_substituters(text: &str) -> bool {
    let names = |line: &str| line.contains("substituters") || line.contains("binary-caches");
    names(text) && text.lines().any(|line| !line.trim_start().starts_with('#') && names(line))
}

/// The machine that a job's labels select. It is GitHub-hosted if one of the labels is a standard GitHub label.
pub fn runner(labels: Option<&[String]>) -> Runner {
    let Some(labels) = labels else { return Runner::Unknown };
    if labels.iter().any(|label| is_standard(label)) { Runner::Fresh } else { Runner::Own }
}

/// Whether a label is a standard GitHub label: `ubuntu-latest`, `macos-15-intel`, `ubuntu-24.04-arm`,
/// `windows-2025`, `ubuntu-slim`.
fn is_standard(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let mut parts = lower.split('-');
    let system = parts.next().is_some_and(|system| matches!(system, "ubuntu" | "macos" | "windows"));
    let version = parts.next().is_some_and(|version| {
        matches!(version, "latest" | "slim") || version.starts_with(|c: char| c.is_ascii_digit())
    });
    let rest: Vec<&str> = parts.collect();
    system && version && matches!(rest.as_slice(), [] | ["arm"] | ["intel"] | ["arm64"] | ["vs2026"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_runner_labels_are_recognised() {
        for (label, expected) in [
            ("ubuntu-latest", true),
            ("ubuntu-24.04", true),
            ("ubuntu-24.04-arm", true),
            ("macos-15-intel", true),
            ("Windows-2025", true),
            ("self-hosted", false),
            ("ubuntu-latest-16-cores", false),
            ("macos-14-xlarge", false),
            ("blacksmith-4vcpu-ubuntu-2204", false),
            ("nix", false),
            ("ubuntu", false),
        ] {
            assert_eq!(is_standard(label), expected, "{label}");
        }
    }
}
