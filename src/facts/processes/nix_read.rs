//! process-compose in Nix: process-compose-flake's `process-compose.<name>`, and modules for it.

use std::collections::BTreeMap;

use super::ending::ends_by_itself;
use super::model::{Condition, Dependency, Family, Known, Listen, Part, Process, Unknown, UnknownKind};
use super::nix_values::{port, presence, truth};
use super::services;
use super::yaml::ends;
use crate::facts::processes::listens;
use crate::knowledge::process_compose::{self as options, Table};
use crate::lang::nix::attrs;
use crate::lang::nix::attrs::{Attr, Attrs, Piece};
use crate::lang::{Node, NodeKind, Tree, nix};

/// Reads every configuration in a file.
pub fn read(tree: &Tree<'_>) -> Vec<Part> {
    roots(tree).into_iter().filter_map(|root| read_root(tree, root.family, &module(tree, root.pieces))).collect()
}

struct Root {
    family: Family,
    pieces: Vec<Piece>,
}

/// The location of a module in a file: the set around it, and the names in that set that lead to it.
type Place = (Node, Vec<String>);

/// The modules in a file: the values of `process-compose.<name>`, and sets with `settings.processes`.
fn roots(tree: &Tree<'_>) -> Vec<Root> {
    let mut named: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut modules: BTreeMap<Place, Vec<Piece>> = BTreeMap::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let Some(path) = nix::attrpath_node(tree, binding) else { continue };
        let names: Vec<_> = nix::names(tree, path).map(|name| name.text).collect();
        let at = |word: &str| names.iter().position(|name| name.as_deref() == Some(word));
        if let Some(at) = at("process-compose") {
            add_named(tree, binding, &names, at, &mut named);
        } else if let Some(at) = at("settings")
            && names.get(at + 1).is_none_or(|next| next.as_deref() == Some("processes"))
            && !inside_process_compose(tree, binding)
        {
            add_module(tree, binding, &names[..at], &mut modules);
        }
    }
    let named = named.into_iter().map(|(name, pieces)| Root { family: Family::Flake(name), pieces });
    let modules = modules.into_values().map(|pieces| Root { family: Family::Module, pieces });
    named.chain(modules).collect()
}

type Names<'a> = [Option<std::borrow::Cow<'a, str>>];

fn add_named(tree: &Tree<'_>, binding: Node, names: &Names<'_>, at: usize, out: &mut BTreeMap<String, Vec<Piece>>) {
    // devenv's `process-compose` process manager takes process-compose settings.
    let manager = |name: Option<&str>| name.is_some_and(|name| name.starts_with("manager"));
    let before = match at {
        0 => nix::attr_path(tree, binding).and_then(|path| path.get(path.len().checked_sub(names.len() + 1)?).cloned()),
        _ => None,
    };
    let before = before.and_then(|name| name.text);
    if manager(before.as_deref()) || (at > 0 && manager(names[at - 1].as_deref())) {
        return;
    }
    match names.get(at + 1) {
        Some(name) => {
            let name = name.as_deref().unwrap_or(COMPUTED).to_owned();
            out.entry(name).or_default().extend(Piece::of_binding(tree, binding, at + 2));
        }
        None => {
            for attr in
                Attrs::read(tree, &nix::value(tree, binding).map(Piece::whole).into_iter().collect::<Vec<_>>()).all
            {
                out.entry(attr.name).or_default().extend(attr.pieces);
            }
        }
    }
}

/// The name of a configuration with a computed name.
const COMPUTED: &str = "${..}";

fn inside_process_compose(tree: &Tree<'_>, binding: Node) -> bool {
    let path = nix::attr_path(tree, binding).unwrap_or_default();
    path.iter().any(|name| name.text.as_deref() == Some("process-compose"))
}

fn add_module(tree: &Tree<'_>, binding: Node, before: &Names<'_>, out: &mut BTreeMap<Place, Vec<Piece>>) {
    let Some(set) = tree.parent(binding).and_then(|bindings| tree.parent(bindings)) else { return };
    if !matches!(tree.kind(set), NodeKind::Attrset | NodeKind::RecAttrset) {
        return;
    }
    let prefix: Vec<String> = before.iter().map(|name| name.as_deref().unwrap_or(COMPUTED).to_owned()).collect();
    if before.is_empty() {
        out.entry((set, prefix)).or_insert_with(|| vec![Piece::whole(set)]);
    } else {
        let pieces = out.entry((set, prefix)).or_default();
        pieces.extend(Piece::of_binding(tree, binding, before.len()));
    }
}

/// The part that a module defines; `None` if it is not a process-compose module.
fn read_root(tree: &Tree<'_>, family: Family, attrs: &Attrs) -> Option<Part> {
    let flake = matches!(family, Family::Flake(_));
    let mut reader = Reader { tree, part: Part::new(family) };
    let settings = attrs.inside(tree, "settings");
    let processes = settings.inside(tree, "processes");
    if !flake && !looks_like_processes(tree, &processes) {
        return None;
    }
    if flake && !["settings", "services", "cli", "imports"].iter().any(|key| attrs.get(key).is_some()) {
        return None;
    }
    reader.part.open = why_open(tree, attrs, &settings, &processes);
    reader.part.half = settings.get("extends").is_some();
    reader.settings(&settings);
    let defaults = attrs.inside(tree, "defaults").inside(tree, "processSettings");
    let defaulted = defaults.open || defaults.all.iter().any(|attr| !DECORATION.contains(&&*attr.name));
    for attr in &processes.all {
        let mut process = reader.process(attr);
        process.opaque |= defaulted;
        reader.part.add(process);
    }
    services::add(tree, &attrs.inside(tree, "services"), &mut reader.part);
    if flake {
        reader.part.unknown.extend(gone(tree, attrs));
    }
    Some(reader.part)
}

/// The settings of a module; a module that declares options has them in `config`.
fn module(tree: &Tree<'_>, mut pieces: Vec<Piece>) -> Attrs {
    let attrs = Attrs::read(tree, &pieces);
    let Some(config) = attrs.get("config") else { return attrs };
    pieces.extend(config.pieces.iter().cloned());
    Attrs::read(tree, &pieces)
}

/// Settings that do not affect when a process is ready or may run.
const DECORATION: [&str; 6] =
    ["namespace", "log_location", "log_configuration", "working_dir", "environment", "description"];

fn looks_like_processes(tree: &Tree<'_>, processes: &Attrs) -> bool {
    const TELLING: [&str; 5] = ["command", "depends_on", "readiness_probe", "availability", "is_daemon"];
    processes.all.iter().take(1000).any(|attr| {
        let process = Attrs::read(tree, &attr.pieces);
        TELLING.iter().any(|key| process.get(key).is_some())
    })
}

/// Why a configuration may have processes that are not written in it; `None` if it cannot.
fn why_open(tree: &Tree<'_>, attrs: &Attrs, settings: &Attrs, processes: &Attrs) -> Option<&'static str> {
    if processes.open || settings.open || attrs.open {
        return Some("some of its processes are computed");
    }
    if settings.get("extends").is_some() {
        return Some("it extends another configuration");
    }
    let imports = attrs.get("imports").or_else(|| settings.get("imports"))?;
    let known = imports.value().is_some_and(|list| {
        tree.kind(list) == NodeKind::List && attrs::items(tree, list).all(|item| is_services_flake(tree, item))
    });
    (!known).then_some("it imports other modules")
}

fn is_services_flake(tree: &Tree<'_>, module: Node) -> bool {
    nix::dotted(tree, nix::unwrap_parens(tree, module))
        .is_some_and(|name| name.ends_with("services-flake.processComposeModules.default"))
}

/// Options that process-compose-flake has removed.
fn gone(tree: &Tree<'_>, attrs: &Attrs) -> impl Iterator<Item = Unknown> {
    let gone = options::GONE.iter().filter_map(|(key, instead)| Some((key, instead, attrs.get(key)?)));
    gone.map(|(key, instead, attr)| Unknown { span: tree.span(attr.node), kind: UnknownKind::Removed { key, instead } })
}

struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    part: Part,
}

impl Reader<'_, '_> {
    fn settings(&mut self, settings: &Attrs) {
        self.check_keys(settings, &options::SETTINGS_FLAKE);
    }

    fn process(&mut self, attr: &Attr) -> Process {
        let tree = self.tree;
        let span = tree.span(attr.node);
        let attrs = Attrs::read(tree, &attr.pieces);
        self.check_keys(&attrs, &options::PROCESS_FLAKE);
        let mut process = Process { name: attr.name.clone(), span, ..Process::default() };
        process.opaque = attrs.open || ["imports", "config"].iter().any(|key| attrs.get(key).is_some());
        process.runs = ["command", "entrypoint"].iter().any(|key| attrs.get(key).is_some());
        let command = attrs.get("command").and_then(|attr| attrs::text(tree, attr.value()?));
        process.once = ends_by_itself(&process.name, command.as_deref().unwrap_or(""));
        let truth = |key: &str| attrs.get(key).map_or(Known::Absent, |attr| truth(tree, attr));
        process.disabled = truth("disabled");
        process.disabled.merge(&truth("is_disabled"));
        process.daemon = truth("is_daemon");
        let presence = |key: &str| attrs.get(key).map_or(Known::Absent, |attr| presence(tree, attr));
        process.readiness = presence("readiness_probe");
        process.liveness = presence("liveness_probe");
        process.log_line = presence("ready_log_line");
        process.replicas = attrs.get("replicas").is_some();
        let count = attrs.get("replicas").and_then(Attr::value).filter(|&value| tree.kind(value) == NodeKind::Integer);
        process.count = count.and_then(|value| tree.slice(value).parse().ok()).filter(|count| *count > 1);
        process.namespace = attrs.get("namespace").and_then(|attr| attrs::text(tree, attr.value()?));
        self.availability(&attrs, &mut process);
        self.depends_on(&attrs, &mut process);
        process.listens = self.listens(&attrs);
        for key in ["readiness_probe", "liveness_probe", "shutdown"] {
            self.check_inner(&attrs, key);
        }
        process
    }

    fn availability(&mut self, attrs: &Attrs, process: &mut Process) {
        let tree = self.tree;
        let availability = attrs.inside(tree, "availability");
        self.check_inner(attrs, "availability");
        let text = |key: &str| match availability.get(key) {
            Some(attr) => attr.value().and_then(|value| attrs::text(tree, value)).map_or(Known::Unknown, Known::Is),
            None if availability.open => Known::Unknown,
            None => Known::Absent,
        };
        process.restart = text("restart");
        process.restarts_end = ends(&text("max_restarts"));
    }

    fn depends_on(&mut self, attrs: &Attrs, process: &mut Process) {
        for target in attrs.inside(self.tree, "depends_on").all {
            let settings = Attrs::read(self.tree, &target.pieces);
            self.check_keys(&settings, &options::DEPENDENCY);
            let mut dependency = Dependency {
                target_span: self.tree.span(target.node),
                target: target.name,
                // Unlike in YAML there is no default, so a condition that is missing here is set elsewhere.
                condition: Known::Unknown,
                condition_span: None,
                no_condition: None,
            };
            if let Some(value) = settings.get("condition").and_then(Attr::value) {
                let value = attrs::plain(self.tree, value);
                dependency.condition_span = Some(self.tree.span(value));
                if let Some(text) = attrs::text(self.tree, value) {
                    match Condition::of(&text) {
                        Some(condition) => dependency.condition = Known::Is(condition),
                        None => dependency.no_condition = Some(text),
                    }
                }
            }
            process.depends_on.push(dependency);
        }
    }

    /// The ports that a process listens on, from its probes, its environment and its command.
    fn listens(&self, attrs: &Attrs) -> Vec<Listen> {
        let tree = self.tree;
        let mut found = Vec::new();
        for key in ["readiness_probe", "liveness_probe"] {
            let http = attrs.inside(tree, key).inside(tree, "http_get");
            let host = http.get("host").and_then(|host| attrs::text(tree, host.value()?));
            if host.is_some_and(|host| listens::is_own_host(&host)) {
                found.extend(http.get("port").and_then(|attr| port(tree, attr)));
            }
        }
        found.extend(attrs.inside(tree, "environment").get("PORT").and_then(|attr| port(tree, attr)));
        if let Some(command) = attrs.get("command").and_then(Attr::value)
            && let Some((text, start)) = nix::masked(tree, command)
        {
            found.extend(listens::in_command(&text, start, tree.text()));
        }
        found
    }

    fn check_inner(&mut self, attrs: &Attrs, key: &str) {
        let Some(table) = options::PROCESS_FLAKE.inside(key) else { return };
        let inner = attrs.inside(self.tree, key);
        self.check_keys(&inner, table);
        for (key, table) in table.inner {
            let innermost = inner.inside(self.tree, key);
            self.check_keys(&innermost, table);
        }
    }

    fn check_keys(&mut self, attrs: &Attrs, table: &'static Table) {
        for attr in attrs.all.iter().filter(|attr| !table.knows(&attr.name)) {
            let kind = UnknownKind::Flake { key: attr.name.clone(), table };
            self.part.unknown.push(Unknown { span: self.tree.span(attr.node), kind });
        }
    }
}
