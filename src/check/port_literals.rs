//! What the rules about port literals share: which literals are the repository's own, and what to write instead.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{ProjectView, Verdict};
use crate::facts::port_registry::{Entry, Registry, RegistryFacts, dotted, served};
use crate::facts::ports::text::is_port_word;
use crate::facts::ports::{PortFacts, PortUse, UseKind, words};
use crate::facts::{Project, ProjectFile};
use crate::finding::{Finding, Fix, RelPath, RuleId, Safety};
use crate::knowledge::name_words::MACHINE_FOLDERS;
use crate::knowledge::services;
use crate::lang::limits::bounded;
use crate::lang::{Tree, nix};
use crate::rewrite::ports as port_fix;
use crate::rewrite::ports::Target;
use crate::rewrite::ports::naming::{Missing, belongs};
use crate::rewrite::ports::plan::{self, Plan};
use crate::source::{FileKind, Source};
use crate::wording::listed;

/// The rule about numbers that are written where the name of their entry belongs.
pub const HARDCODED: RuleId = "hardcoded-port";
/// The rule about ports that come to be beside the registry.
pub const ALLOCATED: RuleId = "manual-port-allocation";

/// The port literals that are the repository's own, outside of registries, and that no comment answers for.
pub fn unanswered<'v>(view: &'v ProjectView<'_>) -> impl Iterator<Item = (&'v ProjectFile, &'v PortUse)> {
    let registries = view.registries();
    let files = view.project.each::<PortFacts>().filter(|(file, _)| !registries.is_registry(&file.source.path));
    files.flat_map(move |(file, ports)| uses(view, file, ports).map(move |port| (file, port)))
}

/// Those of one file.
fn uses<'f>(view: &ProjectView<'_>, file: &ProjectFile, ports: &'f PortFacts) -> impl Iterator<Item = &'f PortUse> {
    let comments = file.fact::<RegistryFacts>().map_or(&[][..], |facts| &facts.comments);
    let answers = view.registries().answers(comments);
    let hosts = view.hosts();
    let is_own = move |port: &&PortUse| port.host.as_deref().is_none_or(|host| hosts.is_own(host));
    ports.uses.iter().filter(is_own).filter(move |port| !answers.cover(port.number, port.span))
}

/// What the rule about some kinds of literals finds.
pub fn verdict(view: &ProjectView<'_>, rule: RuleId) -> Verdict {
    Reporter { view, shared: view.port_literals.get_or_init(|| Shared::new(view)) }.findings(rule)
}

/// The entries that the registry lacks, planned for the registry that there is or for a new one. `None` if every port
/// has a name, or if nothing can be added to the registry.
pub fn missing_entries(view: &ProjectView<'_>) -> Option<Plan> {
    let shared = Shared { shapes: BTreeMap::new(), aliases: BTreeMap::new(), plan: None };
    Reporter { view, shared: &shared }.plan(view.ports.new_registry())
}

/// A use as something to name.
fn as_missing<'a>(source: &'a Source, port: &'a PortUse) -> Missing<'a> {
    Missing { number: port.number, name: &port.name, path: &source.path, text: &source.text, span: port.span }
}

/// The one of several entries with the number that a use names, by its path, its file or its comment.
fn meant<'e, 'p>(
    source: &Source,
    port: &PortUse,
    entries: &'e [(&'p Registry, &'p Entry)],
) -> Option<&'e (&'p Registry, &'p Entry)> {
    let fitting: Vec<&(&Registry, &Entry)> = entries.iter().filter(|(_, entry)| may_be(source, port, entry)).collect();
    match fitting.as_slice() {
        [only] => Some(*only),
        [] => None,
        _ => {
            let paths: Vec<&[String]> = fitting.iter().map(|(_, entry)| entry.service()).collect();
            fitting.get(belongs(&as_missing(source, port), &paths)?).copied()
        }
    }
}

/// Whether a use may be of an entry, by its protocol and by the machine that its file configures.
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

/// The machine whose folder a file is in.
pub(super) fn machine_of(path: &str) -> Option<&str> {
    let mut folders = path.split('/');
    folders.find(|folder| MACHINE_FOLDERS.contains(folder))?;
    folders.next().filter(|_| folders.next().is_some())
}

/// Of the entries that one number has, so many are named.
const NAMED: usize = 4;

/// What all findings need, made once.
pub struct Shared<'p> {
    /// How each registry is used once it is imported.
    shapes: BTreeMap<&'p RelPath, port_fix::Shape>,
    /// The names under which function arguments have each registry: `LT.port`.
    aliases: BTreeMap<&'p RelPath, BTreeSet<&'p str>>,
    /// Where the ports that no registry has yet would be written, if fixes that do that are wanted.
    plan: Option<Plan>,
}

/// Fixes that would write the registry are planned, to be counted, for at most this many literals: the plan takes longer
/// with each of them.
const COUNTED: usize = 1_000;
/// They are only counted if no file with such literals has more bytes: names are read from the lines around each use.
const COUNTED_TEXT: usize = 1 << 16;

/// Whether a repository is small enough to plan fixes only to count them.
fn can_be_counted(view: &ProjectView<'_>) -> bool {
    let mut uses = unanswered(view).take(COUNTED + 1).enumerate();
    uses.all(|(index, (file, _))| index < COUNTED && file.source.text.len() <= COUNTED_TEXT)
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
        let shared = Self { shapes, aliases, plan: None };
        let is_wanted = match view.fixes {
            Safety::Safe => view.counts_fixes && can_be_counted(view),
            _ => true,
        };
        let plan = is_wanted.then(|| Reporter { view, shared: &shared }.plan(view.ports.new_registry())).flatten();
        Self { plan, ..shared }
    }
}

/// Writes findings.
struct Reporter<'v, 'p> {
    view: &'v ProjectView<'p>,
    shared: &'v Shared<'p>,
}

/// The tree of a registry.
fn registry_tree<'p>(view: &ProjectView<'p>, registry: &Registry) -> Option<Tree<'p>> {
    let file = view.project.file(&registry.path)?;
    Some(file.fact::<RegistryFacts>()?.tree.as_ref()?.open(&file.source.text))
}

/// A file, and its tree if a fix asked for it.
struct OpenFile<'p> {
    file: &'p ProjectFile,
    tree: OnceCell<Option<Tree<'p>>>,
}

impl<'p> OpenFile<'p> {
    fn tree(&self) -> Option<&Tree<'p>> {
        let open = || Some(self.file.fact::<PortFacts>()?.tree.as_ref()?.open(&self.file.source.text));
        self.tree.get_or_init(open).as_ref()
    }
}

impl<'p> Reporter<'_, 'p> {
    /// Plans the entries of all ports that no registry has, in a registry, or in a new one at a path. Each is one that
    /// a fix will use: an entry that nothing refers to helps nobody.
    fn plan(&self, new: &str) -> Option<Plan> {
        let is_missing = |port: &PortUse| {
            !matches!(port.kind, UseKind::Computed | UseKind::Random) && (1..=65535).contains(&port.number)
        };
        let files: Vec<OpenFile<'_>> = self.open_files().collect();
        let own = files.iter().flat_map(|open| self.uses(open.file).map(move |port| (open, port)));
        let registries = self.view.registries();
        let is_known = |file: &ProjectFile, number| !registries.serving(&file.source.path, number).is_empty();
        let missing: Vec<_> =
            own.filter(|(open, port)| is_missing(port) && !is_known(open.file, port.number)).collect();
        let named = |(open, port): &(&OpenFile<'p>, &'p PortUse)| as_missing(&open.file.source, port);
        let all = self.plan_of(new, missing.iter().map(named).collect())?;
        let used: BTreeSet<u32> = missing
            .iter()
            .filter(|(open, port)| self.planned(open, port, &all).is_some())
            .map(|(_, port)| port.number)
            .collect();
        match all.entries.iter().all(|entry| used.contains(&entry.number)) {
            true => Some(all),
            false => self.plan_of(new, missing.iter().map(named).filter(|port| used.contains(&port.number)).collect()),
        }
    }

    /// Plans entries for all of some ports, in the registry that is easiest to import.
    fn plan_of(&self, new: &str, missing: Vec<Missing<'_>>) -> Option<Plan> {
        if missing.is_empty() {
            return None;
        }
        if self.view.registries().is_empty() {
            return Some(plan::create(&RelPath::from(new), &missing));
        }
        let mut registries = self.view.registries().all().to_vec();
        registries.sort_by_key(|registry| (registry.shape.calls.len(), served(&registry.path).len()));
        registries.into_iter().find_map(|registry| {
            let source = &self.view.project.file(&registry.path)?.source;
            let tree = registry_tree(self.view, registry)?;
            bounded(|| plan::extend(source, &tree, registry, &missing))
        })
    }

    fn open_files(&self) -> impl Iterator<Item = OpenFile<'p>> + use<'p> {
        self.view.project.files.iter().map(|file| OpenFile { file, tree: OnceCell::new() })
    }

    fn uses(&self, file: &'p ProjectFile) -> impl Iterator<Item = &'p PortUse> {
        let ports = file.fact::<PortFacts>().filter(|_| !self.view.registries().is_registry(&file.source.path));
        ports.into_iter().flat_map(|ports| uses(self.view, file, ports))
    }

    /// The findings of a rule, all files in parallel.
    fn findings(&self, rule: RuleId) -> Verdict {
        let findings = self.view.project.files.par_iter().flat_map_iter(|file| {
            let open = OpenFile { file, tree: OnceCell::new() };
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
            (_, several) => match meant(source, port, several) {
                Some((registry, entry)) => self.registered(open, port, registry, entry),
                None => Self::ambiguous(source, port, several),
            },
        }
    }

    /// Exactly one entry has the number.
    fn registered(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry, entry: &Entry) -> Finding {
        let source = &open.file.source;
        if is_another_service(source, port, entry) {
            let help = format!(
                "the entry of {} with this number belongs to another service: register this port there under its own name",
                registry.path
            );
            return Finding::new(rule(port), &source.path, port.span, what(port)).help(help);
        }
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

    /// The name under which a function argument has the registry in scope where a port is written: `LT.port`, if some
    /// file selects an entry of the registry from it.
    fn alias(&self, open: &OpenFile<'p>, port: &PortUse, registry: &Registry) -> Option<&'p str> {
        let aliases = self.shared.aliases.get(&registry.path).filter(|aliases| !aliases.is_empty())?;
        let tree = open.tree().filter(|_| open.file.source.kind == FileKind::Nix)?;
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

    /// Writes an entry's name where its number stands. A file in which that takes too long is left as it is.
    fn replacement(&self, open: &OpenFile<'p>, port: &PortUse, target: &Target<'_>) -> Result<Fix, String> {
        let source = &open.file.source;
        let Some(tree) = open.tree() else { return Err("the file cannot be read".to_owned()) };
        if source.kind == FileKind::Nix
            && let Some(obstacle) = port_fix::import_obstacle(&self.view.project.paths, &source.path, target.registry)
        {
            return Err(obstacle);
        }
        let fix = || match source.kind {
            FileKind::Nix => port_fix::nix(source, tree, port.span, target),
            _ => port_fix::comment(source, tree, port.span, target),
        };
        bounded(|| Some(fix()))
            .unwrap_or_else(|| Err("the file is too complex to analyse (step limit reached)".to_owned()))
    }

    /// Several entries have the number: which one is meant, only a person can say.
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
                _ => format!("add a comment above that names the entry: {}", listed(&offers, "or")),
            });
        named.iter().fold(finding, |finding, (registry, entry)| {
            finding.also(&registry.path, entry.name_span, format!("as {}", entry.name()))
        })
    }

    /// No entry has the number.
    fn unregistered(&self, open: &OpenFile<'p>, port: &PortUse) -> Finding {
        let source = &open.file.source;
        let finding = Finding::new(rule(port), &source.path, port.span, what(port));
        if self.view.fixes == Safety::Unsafe
            && let Some((entry, fix)) = self.allocation(open, port)
        {
            return finding.label(format!("would be {}", port_fix::reference(entry))).help(fix.title.clone()).fix(fix);
        }
        let place =
            self.view.registries().all().first().map_or(self.view.ports.new_registry(), |registry| &registry.path);
        let naming = naming(source, place, port.number);
        let may_fix =
            source.has_comments() && port_fix::import_obstacle(&self.view.project.paths, &source.path, place).is_none();
        let proposal = if may_fix {
            "; `flakeward ports init` proposes a name, which `flakeward fix` then writes here"
        } else {
            ""
        };
        let planned = self.shared.plan.as_ref().and_then(|plan| self.planned(open, port, plan));
        finding.planned(planned.map(|_| Safety::Unsafe)).help(match self.view.registries().is_empty() {
            true => format!("register it in {place}, an attribute set of names and numbers, and {naming}{proposal}"),
            false => format!(
                "{place} has no entry for `{}` yet: add one that is named after its purpose, and {naming}{proposal}",
                port.number
            ),
        })
    }

    /// The planned entry of a port and the fix that writes the plan and uses it here.
    fn allocation(&self, open: &OpenFile<'p>, port: &PortUse) -> Option<(&[String], Fix)> {
        let plan = self.shared.plan.as_ref()?;
        let (entry, here) = self.planned(open, port, plan)?;
        let edits = plan.edits.iter().cloned().chain(here.edits).collect();
        let title = format!("add {} to {}, {}", dotted(entry), plan.registry, here.title);
        Some((entry, Fix { title, safety: Safety::Unsafe, edits }))
    }

    /// The planned entry of a port, and what writes its name here, where that can be.
    fn planned<'x>(&self, open: &OpenFile<'p>, port: &PortUse, plan: &'x Plan) -> Option<(&'x [String], Fix)> {
        let Plan { registry, shape, .. } = plan;
        let entry = &plan.entry_of(&open.file.source.path, port.span)?.path;
        let target = Target { registry, shape, entry, number: port.number, settled: true };
        Some((entry, self.replacement(open, port, &target).ok()?))
    }

    /// A port that is made up when the configuration is evaluated or the program runs.
    fn unnumbered(&self, source: &Source, port: &PortUse) -> Finding {
        let place =
            self.view.registries().all().first().map_or(self.view.ports.new_registry(), |registry| &registry.path);
        let written = source.text.get(port.span.range()).filter(|text| text.len() <= 40 && !text.contains('\n'));
        let help = match (port.kind, source.kind, written) {
            (UseKind::Computed, FileKind::Nix, Some(sum)) => {
                format!("add `NAME = {sum};` to {place}, which may compute its entries, and refer to that entry here")
            }
            _ => format!("register a fixed number for it in {place}, and {}", naming(source, place, "NUMBER")),
        };
        Finding::new(rule(port), &source.path, port.span, what(port)).help(help)
    }
}

/// The names of which some file selects an entry of a registry.
fn aliases<'p>(project: &'p Project, registry: &Registry) -> BTreeSet<&'p str> {
    let paths: BTreeSet<&[String]> = registry.ports().map(|(entry, _)| entry.path.as_slice()).collect();
    let selected = project.all::<PortFacts>().flat_map(|ports| &ports.selected);
    selected
        .filter(|selected| paths.contains(selected.path.as_slice()))
        .map(|selected| selected.alias.as_str())
        .collect()
}

/// Whether an entry only has the number of a port that a service listens on: both name a well-known service, and not the
/// same one. A port of another host, or one in a text, may be the entry's after all.
fn is_another_service(source: &Source, port: &PortUse, entry: &Entry) -> bool {
    let is_listened_on = port.host.is_none() && port.name.rsplit('.').next().is_some_and(is_port_word);
    if !is_listened_on {
        return false;
    }
    let registered = services::named(&words::split(&entry.name()));
    let used = services::named(&words::split(&format!("{} {}", source.path, port.name)));
    !registered.is_empty() && !used.is_empty() && registered.is_disjoint(&used)
}

/// How a use names its entry: in Nix by the reference, in what cannot import by a comment.
fn naming(source: &Source, registry: &str, number: impl std::fmt::Display) -> String {
    match source.kind {
        _ if !source.has_comments() => {
            "generate this file from Nix, since JSON has no comments that could name the entry".to_owned()
        }
        FileKind::Nix => "refer to that entry here".to_owned(),
        _ => format!("name the entry in a comment above: `# Port from {registry}: NAME = {number}`"),
    }
}

/// The rule that a literal is reported by.
fn rule(port: &PortUse) -> RuleId {
    match port.kind {
        UseKind::Literal => HARDCODED,
        _ => ALLOCATED,
    }
}

/// What is wrong, by how the port comes to be.
fn what(port: &PortUse) -> String {
    let number = port.number;
    match port.kind {
        UseKind::Literal => format!("port {number} is hardcoded"),
        UseKind::Bound => format!("port {number} is bound to a local variable"),
        UseKind::Computed => "this port is computed".to_owned(),
        UseKind::Random => "this port is chosen at random".to_owned(),
        UseKind::Fallback => format!("port {number} is the default of an environment variable"),
    }
}

/// What to write in place of a literal.
fn instead(source: &Source, registry: &str, entry: &Entry, number: u32) -> String {
    match source.kind {
        _ if !source.has_comments() => format!("this is {} of {registry}", entry.name()),
        FileKind::Nix => format!("write {}", port_fix::reference(&entry.path)),
        _ => format!("add a comment above that names the entry: # Port from {registry}: {} = {number}", entry.name()),
    }
}
