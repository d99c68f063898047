//! Shared by the rules about port literals: which literals belong to the repository, and what to write instead.

mod additions;
mod assigned;
mod defined;
mod kept;
mod other_service;
mod texts;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use self::additions::Additions;
use self::assigned::Assigned;
pub use self::defined::{Definition, Unsuitable, defined_elsewhere, unsuitable_registry};
use self::kept::{Basis, Kept, Owner};
use self::other_service::{
    is_about_another_entry, is_listened_on, is_of_another_text, is_reference_of, names_another_service, subject_name,
    words_of_other,
};
use self::texts::{instead, naming, rule, what};
use super::{ProjectView, Verdict};
use crate::facts::port_registry::{Entry, Lookup, Registry, RegistryFacts, dotted};
use crate::facts::ports::{PortFacts, PortUse, UseKind, words};
use crate::facts::{FILES_AT_ONCE, Project, ProjectFile};
use crate::finding::{Finding, Fix, RelPath, RuleId, Safety};
use crate::knowledge::name_words::MACHINE_FOLDERS;
use crate::lang::limits::bounded;
use crate::lang::{Tree, nix};
use crate::rewrite::ports as port_fix;
use crate::rewrite::ports::naming::{Missing, belongs};
use crate::rewrite::ports::plan::Plan;
use crate::rewrite::ports::{PortFile, Target};
use crate::source::{FileKind, Source};
use crate::wording::listed;

/// The rule about numbers that are written outside the registry.
pub const HARDCODED: RuleId = "hardcoded-port";
/// The rule about ports that are allocated outside the registry.
pub const ALLOCATED: RuleId = "manual-port-allocation";

/// The uses of ports outside registries that have one of the given numbers and that no registry comment covers.
pub fn unanswered<'v>(
    view: &'v ProjectView<'_>,
    is_asked: impl Fn(u32) -> bool + Copy + 'v,
) -> impl Iterator<Item = (&'v ProjectFile, &'v PortUse)> {
    let registries = view.registries();
    let files = view.project.each::<PortFacts>().filter(move |(_, ports)| ports.has_number(is_asked));
    let files = files.filter(|(file, _)| !registries.is_registry(&file.source.path));
    let uses = files.flat_map(move |(file, ports)| uses(view, file, ports).map(move |port| (file, port)));
    uses.filter(move |(_, port)| is_asked(port.number))
}

/// The folder of the flake whose files have the most ports, if no file can import the new registry because the registry
/// is outside the file's flake. `None` if a file can import it.
pub fn separate_flake<'p>(view: &ProjectView<'p>) -> Option<&'p str> {
    let registry = view.ports.new_registry();
    let mut ports: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, _) in unanswered(view, |_| true).filter(|(file, _)| file.source.kind == FileKind::Nix) {
        let path = &*file.source.path;
        port_fix::import_obstacle(view.flakes(), path, registry)?;
        let around = view
            .flakes()
            .iter()
            .filter(|flake| path.strip_prefix(**flake).is_some_and(|rest| rest.starts_with('/')) && !flake.is_empty());
        if let Some(flake) = around.max_by_key(|flake| flake.len()) {
            *ports.entry(*flake).or_default() += 1;
        }
    }
    ports.into_iter().max_by_key(|(_, count)| *count).map(|(flake, _)| flake)
}

/// The uses of ports on the repository's own hosts in one file, except those that a registry comment covers.
fn uses<'f>(view: &ProjectView<'_>, file: &ProjectFile, ports: &'f PortFacts) -> impl Iterator<Item = &'f PortUse> {
    let comments = file.fact::<RegistryFacts>().map_or(&[][..], |facts| &facts.comments);
    let answers = view.registries().answers(comments);
    ports.own(view.hosts()).filter(move |port| !answers.cover(port.number, port.span))
}

/// The findings of a rule about port literals.
pub fn verdict(view: &ProjectView<'_>, rule: RuleId) -> Verdict {
    Reporter { view, shared: prepare(view) }.findings(rule)
}

/// Derives what all findings share.
pub fn prepare<'v, 'p>(view: &'v ProjectView<'p>) -> &'v Shared<'p> {
    view.port_literals.get_or_init(|| Shared::new(view))
}

/// The set of ports that a repository has instead of a registry. `None` if it has none, or if no rule about ports ran.
pub fn defined<'v>(view: &'v ProjectView<'_>) -> Option<&'v Definition> {
    view.port_literals.get()?.defined.as_ref()
}

/// Plans the missing registry entries, in an existing or a new registry. `None` if every port has an entry, or if
/// entries cannot be added.
pub fn missing_entries(view: &ProjectView<'_>) -> Option<Plan> {
    let shared = Shared::default();
    Reporter { view, shared: &shared }.plan()
}

/// The registry to which [`missing_entries`] adds no entry even though ports have none, and the reason.
pub fn unextended(view: &ProjectView<'_>) -> Option<(RelPath, String)> {
    let shared = Shared::default();
    Reporter { view, shared: &shared }.unextended()
}

/// Whether a port without an entry is in a file that could refer to a registry.
pub fn has_unnamed(view: &ProjectView<'_>) -> bool {
    let shared = Shared::default();
    Reporter { view, shared: &shared }.has_unnamed()
}

/// A use, as input for naming an entry.
fn as_missing<'a>(source: &'a Source, port: &'a PortUse) -> Missing<'a> {
    Missing { number: port.number, name: &port.name, path: &source.path, text: &source.text, span: port.span }
}

/// Which of several entries with the same number a use refers to, according to its path, its file or its comment.
fn meant<'e, 'p>(
    source: &Source,
    port: &PortUse,
    entries: &[&'e (&'p Registry, &'p Entry)],
) -> Option<&'e (&'p Registry, &'p Entry)> {
    let paths: Vec<&[String]> = entries.iter().map(|(_, entry)| entry.service()).collect();
    entries.get(belongs(&as_missing(source, port), &paths)?).copied()
}

/// The maximum number of entries with the same number that are compared with a use.
const COMPARED: usize = 64;

/// Whether a use may belong to an entry, judging by its protocol and the machine that its file configures.
fn may_be(source: &Source, port: &PortUse, entry: &Entry) -> bool {
    let Some(endpoint) = &entry.endpoint else { return true };
    let name = port.name.to_ascii_lowercase();
    let protocol = ["udp", "tcp"].into_iter().find(|protocol| name.contains(protocol));
    let is_protocol =
        |protocol: &str| endpoint.protocols.is_empty() || endpoint.protocols.iter().any(|it| it == protocol);
    let machine = machine_of(&source.path);
    let is_machine = |machine: &str| endpoint.hosts.is_empty() || endpoint.hosts.iter().any(|host| host == machine);
    protocol.is_none_or(is_protocol) && (port.host.is_some() || machine.is_none_or(is_machine))
}

/// The index of the entry that a use refers to, among the entries with its number: the only one with its protocol and
/// machine, or the one whose name fits. `None` if several may be meant.
pub fn owner<'p>(source: &Source, port: &PortUse, entries: &[(&'p Registry, &'p Entry)]) -> Option<usize> {
    let entries: Vec<_> = entries.iter().take(COMPARED).collect();
    let mut candidates: Vec<_> = entries.iter().copied().filter(|(_, entry)| may_be(source, port, entry)).collect();
    let is_host = |entry: &Entry| match (&port.host, &entry.endpoint) {
        (Some(host), Some(endpoint)) => {
            let name = host.split('.').next().unwrap_or(host);
            endpoint.hosts.iter().any(|known| known == host || known == name)
        }
        _ => false,
    };
    if candidates.iter().any(|(_, entry)| is_host(entry)) {
        candidates.retain(|(_, entry)| is_host(entry));
    }
    let found = match candidates.as_slice() {
        [only] => Some(*only),
        several => meant(source, port, several),
    };
    entries.iter().position(|entry| found.is_some_and(|found| std::ptr::eq(*entry, found)))
}

/// The machine that a file belongs to: `atlas` for `machines/atlas/disks.nix`.
pub(super) fn machine_of(path: &str) -> Option<&str> {
    let mut folders = path.split('/');
    folders.find(|folder| MACHINE_FOLDERS.contains(folder))?;
    folders.next().filter(|_| folders.next().is_some())
}

/// The maximum number of entries with the same number that a finding names.
const NAMED: usize = 4;

/// The references to each entry, by the registry's path and the entry's, with their positions.
type References<'p> = HashMap<(&'p str, &'p [String]), Vec<(&'p ProjectFile, u32)>>;

/// Data that all findings share.
#[derive(Default)]
pub struct Shared<'p> {
    /// How each registry is used once it is imported.
    shapes: BTreeMap<&'p RelPath, port_fix::Shape>,
    /// The names in each registry, each as the words of [`words::split`] without separators.
    names: BTreeMap<&'p RelPath, HashSet<String>>,
    /// The names by which function arguments refer to each registry, such as `LT.port`.
    aliases: BTreeMap<&'p RelPath, BTreeSet<&'p str>>,
    /// The set of ports that the repository has instead of a registry.
    defined: Option<Definition>,
    /// The entries for ports that are not in a registry yet.
    additions: Additions<'p>,
    /// The entry that each use would be assigned based on its name, computed on first use.
    assigned: OnceLock<Assigned<'p>>,
    /// The references to each entry, by the registry's path and the entry's, computed on first use.
    references: OnceLock<References<'p>>,
    /// Whether entries can be added to some registry or to a new one, computed on first use.
    is_extensible: OnceLock<bool>,
}

impl<'p> Shared<'p> {
    fn new(view: &ProjectView<'p>) -> Self {
        let shape_of = |registry: &&'p Registry| {
            let tree = registry_tree(view, registry)?;
            let shape = bounded(|| Some(port_fix::shape(registry, &tree)))?;
            Some((&registry.path, shape))
        };
        let shapes = view.registries().all().iter().filter_map(shape_of).collect();
        let all = view.registries().all().iter();
        let aliases = all.map(|registry| (&registry.path, aliases(view.project, registry))).collect();
        let all = view.registries().all().iter();
        let names = all.map(|registry| (&registry.path, names(registry))).collect();
        let shared = Self { shapes, names, aliases, defined: defined_elsewhere(view), ..Self::default() };
        let reporter = Reporter { view, shared: &shared };
        let additions = match view.fixes {
            // A second registry would duplicate the ports.
            _ if shared.defined.is_some() => None,
            Safety::Unsafe => reporter.plan().map(Additions::Planned),
            Safety::Safe if view.counts_fixes => reporter.unnamed().possible(view).map(Additions::Possible),
            Safety::Safe => None,
        };
        Self { additions: additions.unwrap_or(Additions::None), ..shared }
    }
}

/// Creates findings.
struct Reporter<'v, 'p> {
    view: &'v ProjectView<'p>,
    shared: &'v Shared<'p>,
}

/// The tree of a registry; `None` if it was not kept.
fn registry_tree<'p>(view: &ProjectView<'p>, registry: &Registry) -> Option<Tree<'p>> {
    let file = view.project.file(&registry.path)?;
    Some(file.fact::<RegistryFacts>()?.tree.as_ref()?.open(&file.source.text))
}

/// A file, and its tree once a fix needs it.
struct OpenFile<'p> {
    file: &'p ProjectFile,
    opened: OnceCell<Option<PortFile<'p, 'p>>>,
    /// The first registry that the file would have to import, and the reason if it cannot be imported.
    obstacle: OnceCell<(String, Option<String>)>,
    /// The results of earlier runs. `None` if there is only one run.
    kept: OnceCell<Option<Arc<Kept>>>,
}

impl<'p> OpenFile<'p> {
    fn new(file: &'p ProjectFile) -> Self {
        Self { file, opened: OnceCell::new(), obstacle: OnceCell::new(), kept: OnceCell::new() }
    }

    fn kept(&self, view: &ProjectView<'_>) -> Option<&Kept> {
        self.kept.get_or_init(|| view.repeats.then(|| self.file.facts.kept())).as_deref()
    }

    /// Why the file cannot import a registry; `None` if it can.
    fn obstacle(&self, view: &ProjectView<'_>, registry: &str) -> Option<String> {
        let read = || port_fix::import_obstacle(view.flakes(), &self.file.source.path, registry);
        let (first, obstacle) = self.obstacle.get_or_init(|| (registry.to_owned(), read()));
        if first == registry { obstacle.clone() } else { read() }
    }

    fn opened(&self) -> Option<&PortFile<'p, 'p>> {
        let source = &self.file.source;
        let open = || {
            let tree = self.file.fact::<PortFacts>()?.tree.as_ref()?.open(&source.text);
            Some(PortFile::new(source, tree))
        };
        self.opened.get_or_init(open).as_ref()
    }
}

impl<'p> Reporter<'_, 'p> {
    fn uses(&self, file: &'p ProjectFile) -> impl Iterator<Item = &'p PortUse> {
        let ports = file.fact::<PortFacts>().filter(|ports| !ports.has_no_uses());
        let ports = ports.filter(|_| !self.view.registries().is_registry(&file.source.path));
        ports.into_iter().flat_map(|ports| uses(self.view, file, ports))
    }

    /// The findings of a rule. Files are checked in parallel.
    fn findings(&self, rule: RuleId) -> Verdict {
        let findings = self.view.project.files.par_iter().with_max_len(FILES_AT_ONCE).flat_map_iter(|file| {
            let open = OpenFile::new(file);
            let uses = self.uses(file).filter(|port| port.number <= 65535 && self::rule(port) == rule);
            uses.map(|port| self.finding(&open, port)).collect::<Vec<_>>()
        });
        findings.collect::<Vec<_>>().into_iter().collect()
    }

    fn finding(&self, open: &OpenFile<'p>, port: &PortUse) -> Finding {
        let source = &open.file.source;
        let entries = self.view.registries().serving(&source.path, port.number);
        match (port.kind, entries) {
            (UseKind::Computed | UseKind::Random, _) => self.unnumbered(source, port),
            (_, []) => self.unregistered(open, port),
            (_, [(registry, entry)]) => self.registered(open, port, registry, entry),
            (_, several) => match self.meant(source, port, several) {
                Some((registry, entry)) => self.registered(open, port, registry, entry),
                None if several.len() <= COMPARED
                    && several.iter().all(|entry| self.is_of_another(open, port, *entry)) =>
                {
                    of_another(open, port, several)
                }
                None => Self::ambiguous(source, port, several),
            },
        }
    }

    /// The entry for a use: the only one for its protocol and machine, the one that it would be assigned by its
    /// name, or the one that its path, its file or its comment names.
    fn meant<'e>(
        &self,
        source: &Source,
        port: &PortUse,
        entries: &'e [(&'p Registry, &'p Entry)],
    ) -> Option<&'e (&'p Registry, &'p Entry)> {
        // Comparing thousands of entries with each of thousands of literals would take too long.
        if entries.len() > COMPARED {
            return None;
        }
        let fitting: Vec<&(&Registry, &Entry)> =
            entries.iter().filter(|(_, entry)| may_be(source, port, entry)).collect();
        if let [only] = fitting.as_slice() {
            return Some(*only);
        }
        let assigned = self.assigned().entry_of(&source.path, port.span);
        let is_assigned = |(registry, entry): &&&(&Registry, &Entry)| {
            assigned.is_some_and(|(path, name)| **path == *registry.path && name == entry.path)
        };
        fitting.iter().find(is_assigned).copied().or_else(|| meant(source, port, &fitting))
    }

    /// The entry that each use would be assigned based on its name.
    fn assigned(&self) -> &Assigned<'p> {
        self.shared.assigned.get_or_init(|| Assigned::of(self.view))
    }

    /// Whether an entry belongs to another service, even though it has the number.
    fn is_of_another(&self, open: &OpenFile<'p>, port: &PortUse, (registry, entry): (&Registry, &Entry)) -> bool {
        match self.of_whom(open, port, registry, entry) {
            Owner::Never | Owner::Other => true,
            Owner::IfNamed(words) => self.has_other_user(open, registry, entry, &words),
            Owner::This => false,
        }
    }

    /// The finding for a port whose entry is known: the only one with its number, or the one that the use refers to.
    /// The entry may turn out to belong to another service.
    fn registered(&self, open: &OpenFile<'p>, port: &PortUse, registry: &'p Registry, entry: &'p Entry) -> Finding {
        let of_another = || of_another(open, port, &[(registry, entry)]);
        let is_assigned = || self.is_assigned(open, port, registry, entry);
        let of_whom = || self.of_whom(open, port, registry, entry);
        let create = || self.new_registered(open, port, registry, entry);
        let is_of_another = |whom: &Owner| match whom {
            Owner::Never => true,
            Owner::Other => !is_assigned(),
            Owner::IfNamed(words) => self.has_other_user(open, registry, entry, words) && !is_assigned(),
            Owner::This => false,
        };
        let Some(kept) = open.kept(self.view) else {
            return if is_of_another(&of_whom()) { of_another() } else { create() };
        };
        let aliases = self.shared.aliases.get(&registry.path).into_iter().flatten();
        let names = self.shared.names.get(&registry.path);
        let subject = || kept.subject.get_or_init(|| subject_name(&open.file.source));
        let basis = Basis {
            registry: registry.path.clone(),
            shape: self.shared.shapes.get(&registry.path).cloned(),
            entry: entry.path.clone(),
            settled: entry.settled,
            has_subject: names.is_some_and(|names| names.contains(subject())),
            aliases: aliases.map(|alias| (*alias).to_owned()).collect(),
            obstacle: open.obstacle(self.view, &registry.path),
        };
        let (owner, mut finding) = kept.registered.get_or(port, basis, || (of_whom(), create()));
        if is_of_another(&owner) {
            return of_another();
        }
        for label in &mut finding.labels {
            label.span = entry.name_span;
        }
        finding
    }

    /// The owner of the only entry with a number, as far as the file shows it.
    fn of_whom(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry, entry: &Entry) -> Owner {
        let source = &open.file.source;
        let names = self.shared.names.get(&registry.path);
        let is_other = is_listened_on(port)
            && (names_another_service(source, port, entry)
                || names.is_some_and(|names| is_about_another_entry(source, port, entry, names)));
        match words_of_other(source, port, entry) {
            _ if is_of_another_text(source, port, entry) => Owner::Never,
            _ if is_other => Owner::Other,
            Some(words) => Owner::IfNamed(words),
            None => Owner::This,
        }
    }

    /// Whether another file uses an entry for a service with the given words in its name.
    fn has_other_user(&self, open: &OpenFile<'p>, registry: &Registry, entry: &Entry, words: &[String]) -> bool {
        let references = self.shared.references.get_or_init(|| references(self.view));
        let of_entry = references.get(&(&*registry.path, entry.path.as_slice())).into_iter().flatten();
        let elsewhere = of_entry.filter(|(file, _)| file.source.path != open.file.source.path).take(COMPARED);
        elsewhere.into_iter().any(|(file, start)| is_reference_of(&file.source, *start, words))
    }

    /// Whether an entry is the one that a use would be assigned based on its name.
    fn is_assigned(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry, entry: &Entry) -> bool {
        let assigned = self.assigned().entry_of(&open.file.source.path, port.span);
        assigned.is_some_and(|(path, name)| *path == registry.path && *name == *entry.path)
    }

    fn new_registered(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry, entry: &Entry) -> Finding {
        let source = &open.file.source;
        let alias = self.alias(open, port, registry);
        let reference = alias.map(|alias| format!("{alias}.{}", dotted(&entry.path)));
        let here = reference.as_ref().map_or(String::new(), |reference| format!(", here {reference}"));
        let message = format!("{}; the registry defines it as {}{here}", what(port), entry.name());
        let label = reference.map_or_else(
            || instead(source, &registry.path, entry, port.number),
            |reference| format!("write {reference}"),
        );
        let finding = Finding::new(rule(port), &source.path, port.span, message).label(label);
        let finding = finding.also(&registry.path, entry.name_span, "registered here");
        if let Some(alias) = alias {
            return finding.help(format!("`{alias}` is {} in this file", registry.path));
        }
        match self.fix(open, port, registry, entry) {
            Ok(fix) => finding.help(format!("`flakeward fix` can {}", fix.title)).fix(fix),
            Err(why) => finding.help(format!("no automatic fix: {why}")),
        }
    }

    /// The name of a function argument that contains the registry and is in scope at the port: `LT.port`, if some file
    /// selects a registry entry from it.
    fn alias(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry) -> Option<&'p str> {
        let aliases = self.shared.aliases.get(&registry.path).filter(|aliases| !aliases.is_empty())?;
        let tree = open.opened().filter(|_| open.file.source.kind == FileKind::Nix)?.tree();
        let from = tree.covering(port.span);
        aliases.iter().copied().find(|alias| {
            let root = alias.split('.').next().unwrap_or(alias);
            matches!(nix::resolve(tree, from, root), Some(nix::Origin::Argument(_)))
        })
    }

    fn fix(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry, entry: &Entry) -> Result<Fix, String> {
        let Registry { path, .. } = registry;
        let shape = self.shared.shapes.get(path).ok_or_else(|| format!("{path} cannot be read"))?;
        let (entry, settled) = (&entry.path, entry.settled);
        self.replacement(open, port, &Target { registry: path, shape, entry, number: port.number, settled })
    }

    /// The fix that replaces the number with the name of the entry, or the reason why there is none, for example that
    /// the file is too complex.
    fn replacement(&self, open: &OpenFile<'p>, port: &PortUse, target: &Target<'_>) -> Result<Fix, String> {
        let source = &open.file.source;
        let Some(file) = open.opened() else { return Err("the file cannot be read".to_owned()) };
        if source.kind == FileKind::Nix
            && let Some(obstacle) = open.obstacle(self.view, target.registry)
        {
            return Err(obstacle);
        }
        bounded(|| Some(file.fix(port.span, target)))
            .unwrap_or_else(|| Err("the file is too complex to analyse (step limit reached)".to_owned()))
    }

    /// The finding for a port with several entries, among which only a person can choose.
    fn ambiguous(source: &Source, port: &PortUse, entries: &[(&Registry, &Entry)]) -> Finding {
        let others = entries.len().saturating_sub(NAMED);
        let rest = || (others > 0).then(|| format!("{others} more"));
        let named = &entries[..entries.len() - others];
        let names: Vec<String> = named.iter().map(|(_, entry)| entry.name()).chain(rest()).collect();
        let message = format!("{}; the registry defines it as {}", what(port), listed(&names, "and"));
        let offers = named.iter().map(|(registry, entry)| match source.kind {
            FileKind::Nix => format!("`{}`", port_fix::reference(&entry.path)),
            _ => format!("`# Port from {}: {} = {}`", registry.path, entry.name(), port.number),
        });
        let offers: Vec<String> = offers.chain(rest()).collect();
        let finding = Finding::new(rule(port), &source.path, port.span, message)
            .label("ambiguous: choose one of these entries")
            .help(match source.kind {
                FileKind::Nix => format!("write {}: `flakeward fix` cannot choose between them", listed(&offers, "or")),
                _ => format!("name the entry in a comment above: {}", listed(&offers, "or")),
            });
        named.iter().fold(finding, |finding, (registry, entry)| {
            finding.also(&registry.path, entry.name_span, format!("as {}", entry.name()))
        })
    }

    /// The finding for a port without an entry.
    fn unregistered(&self, open: &OpenFile<'p>, port: &PortUse) -> Finding {
        let source = &open.file.source;
        let finding = Finding::new(rule(port), &source.path, port.span, what(port));
        if self.view.fixes == Safety::Unsafe
            && let Some((entry, fix)) = self.allocation(open, port)
        {
            return finding.label(format!("would be {}", port_fix::reference(entry))).help(fix.title.clone()).fix(fix);
        }
        if let Some(defined) = &self.shared.defined {
            let then = match defined.path == source.path {
                true => String::new(),
                false => format!(", and {}", naming(source, &defined.path, port.number)),
            };
            return finding.help(defined.advice() + &then);
        }
        let place = self.place();
        let naming = naming(source, place, port.number);
        let may_fix = source.has_comments() && open.obstacle(self.view, place).is_none() && self.is_extensible();
        let proposal = if may_fix {
            "; `flakeward ports init` adds it with a suggested name, and `flakeward fix` then uses that name here"
        } else {
            ""
        };
        let is_planned = match &self.shared.additions {
            Additions::Possible(possible) => self.could_be_named(open, port, possible),
            Additions::Planned(_) | Additions::None => false,
        };
        finding.planned(is_planned.then_some(Safety::Unsafe)).help(match self.view.registries().is_empty() {
            true => format!("register it in {place}, an attribute set of names and numbers, and {naming}{proposal}"),
            false => format!(
                "{place} has no entry for `{}` yet: add one that is named after its purpose, and {naming}{proposal}",
                port.number
            ),
        })
    }

    /// Whether entries can be added to some registry or to a new one.
    fn is_extensible(&self) -> bool {
        let is_possible = || self.view.registries().is_empty() || additions::extensible(self.view).is_some();
        *self.shared.is_extensible.get_or_init(is_possible)
    }

    /// The registry that gets new entries.
    fn place(&self) -> &str {
        let defined = self.shared.defined.as_ref().map(|defined| &*defined.path);
        let new = defined.unwrap_or(self.view.ports.new_registry());
        self.view.registries().all().first().map_or(new, |registry| &registry.path)
    }

    /// The planned entry of a port, and the fix that writes the plan and refers to the entry here.
    fn allocation(&self, open: &OpenFile<'p>, port: &PortUse) -> Option<(&[String], Fix)> {
        let Additions::Planned(plan) = &self.shared.additions else { return None };
        let Plan { registry, shape, .. } = plan;
        let entry = &plan.entry_of(&open.file.source.path, port.span)?.path;
        let target = Target { registry, shape, entry, number: port.number, settled: true };
        let here = self.replacement(open, port, &target).ok()?;
        let title = format!("add {} to {}, {}", dotted(entry), plan.registry, here.title);
        Some((entry, Fix { title, safety: Safety::Unsafe, shared: Arc::clone(&plan.edits), ..here }))
    }

    /// The finding for a port that is only determined at evaluation or run time.
    fn unnumbered(&self, source: &Source, port: &PortUse) -> Finding {
        let place = self.place();
        let written = source.text.get(port.span.range()).filter(|text| text.len() <= 40 && !text.contains('\n'));
        let help = match (port.kind, source.kind, written) {
            (UseKind::Computed, FileKind::Nix, Some(sum)) if is_constant(sum) => {
                format!(
                    "add `NAME = {sum};` to {place} (registry entries may be computed), and refer to that entry here"
                )
            }
            _ => format!("register a fixed number for it in {place}, and {}", naming(source, place, "NUMBER")),
        };
        Finding::new(rule(port), &source.path, port.span, what(port)).help(help)
    }
}

/// Whether an expression consists only of numbers and operators, so that it has the same value in any file.
fn is_constant(sum: &str) -> bool {
    sum.bytes().all(|byte| byte.is_ascii_digit() || b" +-*()".contains(&byte))
}

/// The finding for a port whose number is registered only for other services.
fn of_another(open: &OpenFile<'_>, port: &PortUse, entries: &[(&Registry, &Entry)]) -> Finding {
    let paths: BTreeSet<&RelPath> = entries.iter().map(|(registry, _)| &registry.path).collect();
    let place = listed(&paths.iter().map(ToString::to_string).collect::<Vec<_>>(), "and");
    let owners = match entries {
        [_] => format!("the entry in {place} with this number belongs to another service"),
        _ => format!("the entries in {place} with this number belong to other services"),
    };
    let help = format!("{owners}: register this port there under its own name");
    Finding::new(rule(port), &open.file.source.path, port.span, what(port)).help(help)
}

/// The references to each entry, by the registry's path and the entry's.
fn references<'p>(view: &ProjectView<'p>) -> References<'p> {
    let mut references: HashMap<_, Vec<_>> = HashMap::new();
    for resolved in view.references() {
        if let Some(Lookup::Entry(entry)) = resolved.target {
            let key = (&*resolved.registry.path, entry.path.as_slice());
            references.entry(key).or_default().push((resolved.file, resolved.found.span.start));
        }
    }
    references
}

/// The names from which files select registry entries.
fn aliases<'p>(project: &'p Project, registry: &Registry) -> BTreeSet<&'p str> {
    let paths: BTreeSet<&[String]> = registry.ports().map(|(entry, _)| entry.path.as_slice()).collect();
    let selected = project.all::<PortFacts>().flat_map(|ports| &ports.selected);
    selected
        .filter(|selected| paths.contains(selected.path.as_slice()))
        .map(|selected| selected.alias.as_str())
        .collect()
}

/// The names of the groups and entries of a registry.
fn names(registry: &Registry) -> HashSet<String> {
    let ports = registry.ports().flat_map(|(entry, _)| entry.service());
    ports.map(|name| words::split(name).concat()).collect()
}
