//! Rules that cannot run: if a port registry is missing or unknown, the findings of the port rules would be wrong.

use std::collections::BTreeSet;
use std::path::Path;

use crate::check::Check;
use crate::check::unreadable_file::{broken_registry, endless_registry, no_registry, other_registry, unknown_registry};
use crate::config::Config;
use crate::facts::Project;
use crate::facts::port_registry::{self, Registry, RegistryFacts};
use crate::finding::{Finding, Note, NoteKind, RelPath, RuleId, Span, UNCHECKED};
use crate::repo::Repo;
use crate::source::FileKind;
use crate::wording::{listed, shortened};

/// The rules that do not run, and the reasons.
#[derive(Debug, Default)]
pub struct HeldBack {
    /// The rules.
    pub rules: BTreeSet<RuleId>,
    /// The reasons: findings that are reported regardless of the requested paths.
    pub findings: Vec<Finding>,
}

impl HeldBack {
    /// Disables the port rules if a configured port registry does not exist, or a registry cannot be evaluated.
    pub fn of(repo: &Repo, project: &Project, config: &Config, checks: &[&'static Check]) -> Self {
        let needs_registry = |check: &&&Check| check.reads.iter().any(is_registry_reader);
        let rules: BTreeSet<RuleId> = checks.iter().filter(needs_registry).map(|check| check.rule).collect();
        if rules.is_empty() {
            return Self::default();
        }
        let findings: Vec<Finding> =
            missing(repo, project, config).into_iter().chain(unevaluated(project, config)).collect();
        match findings.is_empty() {
            true => Self::default(),
            false => Self { rules, findings },
        }
    }

    /// Whether a finding is a reason why rules do not run.
    pub fn is_reason(&self, finding: &Finding) -> bool {
        finding.rule == UNCHECKED && self.findings.iter().any(|reason| reason.path == finding.path)
    }

    /// The files with the reasons.
    pub fn paths(&self) -> BTreeSet<RelPath> {
        self.findings.iter().map(|finding| finding.path.clone()).collect()
    }
}

/// Whether a reader reads port registries.
pub fn is_registry_reader(reader: &&'static crate::facts::Reader) -> bool {
    std::ptr::eq(*reader, &port_registry::READER)
}

/// The configured registries that are not among the files, each with its position in the configuration.
pub fn missing(repo: &Repo, project: &Project, config: &Config) -> Vec<Finding> {
    let Some(file) = config.path.as_ref().map(|path| RelPath::from(path.to_string_lossy())) else { return Vec::new() };
    let configured = config.ports.registries.iter().enumerate();
    let missing = configured.filter_map(|(index, path)| {
        let path = path.trim_start_matches("./");
        let reason = match project.paths.get(path) {
            None => why_missing(repo, path),
            Some(FileKind::Nix) => return None,
            Some(_) => OTHER_KIND,
        };
        let span = config.places.value_of(&format!("ports.registry.{index}"));
        let span = span.or_else(|| config.places.value_of("ports.registry")).map_or(Span::default(), Span::from);
        Some(no_registry(&file, span, path, reason))
    });
    missing.collect()
}

/// The reason why a configured registry is not read although it may exist.
const OTHER_KIND: &str = "is not a Nix file";

/// Why a configured registry is not among the files.
fn why_missing(repo: &Repo, path: &str) -> &'static str {
    let is_outside = Path::new(path).is_absolute() || path.split('/').any(|part| part == "..");
    let is_excluded = || repo.excluded.iter().any(|excluded| Path::new(path).starts_with(&**excluded));
    match () {
        () if is_outside => "is outside the repository",
        () if is_excluded() => "matches `exclude`",
        () if repo.third_party.contains_key(path) => "is vendored code, which is not checked",
        () if !path.ends_with(".nix") => OTHER_KIND,
        () => "does not exist",
    }
}

/// The registries that cannot be evaluated: because of syntax errors, because evaluation exceeded its limits, or
/// because they are not sets whose entries are written in the file. A file that was found only by its name may not be a
/// registry. It is reported only for the first two reasons, and only if it is the only registry or defines ports.
pub fn unevaluated(project: &Project, config: &Config) -> Vec<Finding> {
    let facts = || project.each::<RegistryFacts>();
    let is_configured = !config.ports.registries.is_empty();
    let is_evaluated = |facts: &RegistryFacts| facts.defined.is_some() && facts.broken.is_none() && !facts.exceeded;
    let is_only = !facts().any(|(_, facts)| is_evaluated(facts));
    let counts = |facts: &RegistryFacts| is_configured || is_only || facts.defined.is_some();
    let reason = |path: &RelPath, facts: &RegistryFacts| match facts.broken {
        Some(at) => Some(broken_registry(path, at)),
        None if facts.exceeded => Some(endless_registry(path)),
        None if !is_configured => None,
        None if facts.is_other => Some(other_registry(path)),
        None => {
            let registry = facts.defined.as_ref().filter(|registry| registry.ports().next().is_none())?;
            registry.incomplete().map(|(at, why)| unknown_registry(path, at, why))
        }
    };
    let counted = facts().filter(|(_, facts)| counts(facts));
    counted.filter_map(|(file, facts)| reason(&file.source.path, facts)).collect()
}

/// A note for each configured registry of which only a part is known. The known part is correct, so the rules run.
pub fn unknown_entries(project: &Project, config: &Config) -> Vec<Note> {
    if config.ports.registries.is_empty() {
        return Vec::new();
    }
    let registries = project.all::<RegistryFacts>().filter_map(|facts| facts.defined.as_ref());
    let notes = registries.filter_map(|registry| {
        let message = match registry.incomplete() {
            Some((_, why)) => format!("only a part of this port registry can be evaluated ({why})"),
            None => format!("{}, so conflicts with unknown entries are not detected", unknown(registry)?),
        };
        Some(Note { kind: NoteKind::Skipped, path: Some(registry.path.clone()), message })
    });
    notes.collect()
}

/// The entries of a registry whose values are not known, as a part of a sentence. `None` if all are known.
pub fn unknown(registry: &Registry) -> Option<String> {
    const NAMED: usize = 3;
    let mut unknown = registry.unknown().filter(|(entry, _)| !entry.path.is_empty());
    let mut named: Vec<String> =
        unknown.by_ref().take(NAMED).map(|(entry, _)| format!("`{}`", shortened(&entry.name(), 60))).collect();
    if named.is_empty() {
        return None;
    }
    named.extend(Some(unknown.count()).filter(|rest| *rest > 0).map(|rest| format!("{rest} more")));
    Some(format!("{} cannot be evaluated without running Nix", listed(&named, "and")))
}
