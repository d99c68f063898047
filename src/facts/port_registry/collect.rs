//! Builds a registry from a file: enters the functions around its set, walks the set, and classifies each entry.

use std::collections::HashMap;
use std::rc::Rc;

use super::eval::{Given, Machine, formal_names};
use super::shape::{Call, Shape};
use super::{Endpoint, Entry, Registry, UNKNOWN_ORIGIN, Value};
use crate::facts::port_registry::eval::fault;
use crate::facts::port_registry::eval::value::{Attr, Eval, Lambda, Set, ThunkId, Val, Why};
use crate::finding::{RelPath, Span};
use crate::lang::{Field, NodeKind, Tree};

/// The maximum number of nested functions around the set of a registry: `{ lib }: offset: { .. }` has two. A file with
/// more is not read as a registry.
const CALLS: usize = 4;

/// The maximum nesting depth of groups.
const DEPTH: usize = 16;

/// The maximum length of a name in bytes. A longer name makes its group undecidable, because reports would repeat the
/// name for every use.
const NAME: usize = 255;

/// The maximum number of entries: there are only this many port numbers.
const ENTRIES: usize = 1 << 16;

/// The maximum total size in bytes of the entries' names, including the groups around them.
const NAMES: usize = 8 << 20;

/// Names under which a file keeps its ports if it also contains other things.
const PREFIXES: [&str; 4] = ["ports", "port", "registry", "portRegistry"];

/// The default path of a registry. A file there is a registry unless its content shows that it is something else.
const DEFAULT: &str = "lib/ports.nix";

/// A file, evaluated as a registry.
pub(super) struct Evaluated {
    /// The registry; `None` if the file does not evaluate to a set. [`Registry::is_convincing`] decides whether the set
    /// is a registry.
    pub registry: Option<Registry>,
    /// Whether a limit ended the evaluation before it was known which entries the file has. If only one entry is nested
    /// too deeply, that entry is [`Value::NotDecidable`].
    pub exceeded: bool,
    /// Whether the file evaluates to a set, or may do so.
    pub is_set: bool,
}

/// Reads a file as a registry.
pub(super) fn registry(path: &RelPath, tree: &Tree<'_>) -> Evaluated {
    let mut machine = Machine::new(tree);
    let registry =
        read(path, tree, &mut machine, Given::Defaults).map(|registry| with_fixed_entries(registry, path, tree));
    let is_unknown = |registry: &Registry| registry.entries.iter().any(|entry| entry.path.is_empty());
    // Once no steps are left, the entries after the expensive one are not known either.
    let exceeded = machine.exceeded() && (machine.is_out_of_steps() || registry.as_ref().is_none_or(is_unknown));
    Evaluated { is_set: registry.is_some(), registry, exceeded }
}

/// Marks the entries that do not depend on the defaults of arguments.
fn with_fixed_entries(mut registry: Registry, path: &RelPath, tree: &Tree<'_>) -> Registry {
    let has_defaults = |call: &Call| matches!(call, Call::Set { optional, .. } if !optional.is_empty());
    if registry.shape.calls.iter().any(has_defaults) {
        let bare = read(path, tree, &mut Machine::new(tree), Given::Nothing);
        let entries = bare.as_ref().map_or(&[][..], |bare| &bare.entries);
        let known: HashMap<&[String], &Value> = entries.iter().map(|entry| (&*entry.path, &entry.value)).collect();
        for entry in &mut registry.entries {
            entry.settled = known.get(&*entry.path).is_some_and(|value| **value == entry.value);
        }
    }
    registry
}

fn read(path: &RelPath, tree: &Tree<'_>, machine: &mut Machine<'_, '_>, given: Given) -> Option<Registry> {
    let root = tree.child(tree.root(), Field::Expression)?;
    let mut thunk = machine.top(root);
    let mut calls = Vec::new();
    let mut local = machine.let_names(thunk);
    let mut value = machine.force(thunk);
    while let Ok(Val::Lambda(lambda)) = &value {
        if calls.len() == CALLS {
            return None;
        }
        calls.push(call_of(tree, lambda));
        let lambda = lambda.clone();
        match machine.enter(&lambda, given) {
            Ok(body) => thunk = body,
            Err(_) => return None,
        }
        local = machine.let_names(thunk).or(local);
        value = machine.force(thunk);
    }
    let fault = fault::find(tree);
    let whole = Walk { machine, entries: Vec::new() }.read(&value, fault.as_deref());
    let whole = whole.map(|entries| make(path, entries, calls.clone(), true));
    if let Some(registry) = &whole
        && registry.is_convincing()
    {
        return whole;
    }
    let kept = local.and_then(|names| kept_to_itself(machine, &names, fault.as_deref()));
    let kept = kept.map(|entries| make(path, entries, calls, false)).filter(Registry::is_convincing);
    kept.or(whole)
}

fn make(path: &RelPath, mut entries: Vec<Entry>, calls: Vec<Call>, importable: bool) -> Registry {
    let mixed = mixed_prefix(&entries);
    let is_mixed = mixed.is_some();
    let prefix = mixed.unwrap_or_else(|| prefix(&entries));
    for entry in entries.iter_mut().filter(|entry| !entry.path.starts_with(&prefix)) {
        if is_mixed || matches!(entry.value, Value::NotPort(_)) {
            entry.value = Value::Helper;
        }
    }
    Registry::new(path.clone(), entries, Shape { calls, prefix, importable })
}

/// The ports that a file binds in its `let` without exporting them.
fn kept_to_itself(machine: &mut Machine<'_, '_>, names: &Set, fault: Option<&str>) -> Option<Vec<Entry>> {
    let attr = PREFIXES.iter().find_map(|&name| names.attrs.get(name))?;
    let value = machine.force(attr.thunk);
    Walk { machine, entries: Vec::new() }.read(&value, fault)
}

/// The first name of all ports in a registry, if they have the same one and it is in [`PREFIXES`]. Otherwise empty.
fn prefix(entries: &[Entry]) -> Vec<String> {
    let mut firsts = entries.iter().filter(|entry| entry.port().is_some()).map(|entry| entry.path.first());
    let Some(Some(first)) = firsts.next() else { return Vec::new() };
    let shared = PREFIXES.contains(&first.as_str()) && firsts.all(|other| other == Some(first));
    // `{ ports = 80; }` is an entry with that name, not a group.
    let group = entries.iter().all(|entry| entry.path.len() > 1 || entry.path.first() != Some(first));
    if shared && group { vec![first.clone()] } else { Vec::new() }
}

/// The path of the only set of ports with a name in [`PREFIXES`], in a file that also contains other things: numbers
/// outside the set are not ports. For example, `network.ports` in
/// `{ network = { ports = {..}; domain = ".."; }; retries = 3; }`.
fn mixed_prefix(entries: &[Entry]) -> Option<Vec<String>> {
    const FEWEST: usize = 3;
    let set_of = |entry: &Entry| {
        let (_, outer) = entry.path.split_last()?;
        let at = outer.iter().position(|name| PREFIXES.contains(&name.as_str()))?;
        Some(outer[..=at].to_vec())
    };
    let mut ports: HashMap<Vec<String>, usize> = HashMap::new();
    let sets = entries.iter().filter(|entry| entry.port().is_some()).filter_map(set_of);
    sets.for_each(|set| *ports.entry(set).or_default() += 1);
    let mut sets = ports.into_iter();
    let (set, count) = sets.next().filter(|_| sets.next().is_none())?;
    let is_other = |entry: &Entry| !entry.path.starts_with(&set) && matches!(entry.value, Value::NotPort(_));
    (count >= FEWEST && entries.iter().any(is_other)).then_some(set)
}

fn call_of(tree: &Tree<'_>, lambda: &Lambda) -> Call {
    let Some(formals) = tree.child_of_kind(lambda.node, NodeKind::Formals) else {
        let name = tree.child(lambda.node, Field::Universal).map_or("", |name| tree.slice(name));
        return Call::Any { name: name.to_owned() };
    };
    let (mut required, mut optional) = (Vec::new(), Vec::new());
    for (name, default) in formal_names(tree, formals) {
        match default {
            Some(_) => optional.push(name.to_owned()),
            None => required.push(name.to_owned()),
        }
    }
    Call::Set { required, optional, open: tree.child_of_kind(formals, NodeKind::Ellipses).is_some() }
}

/// A group that the walk visits: its path, its members, and the groups around it.
struct Group {
    path: Vec<String>,
    set: Rc<Set>,
    around: Vec<ThunkId>,
}

struct Walk<'m, 't, 'a> {
    machine: &'m mut Machine<'t, 'a>,
    entries: Vec<Entry>,
}

impl Walk<'_, '_, '_> {
    /// The entries of a value, in file order; `None` if it is known not to be a set.
    fn read(mut self, value: &Eval<Val>, fault: Option<&str>) -> Option<Vec<Entry>> {
        if let Some(fault) = fault {
            self.undecidable(&[], Span::default(), fault);
        }
        match value {
            Ok(Val::Set(set)) => self.groups(Group { path: Vec::new(), set: set.clone(), around: Vec::new() }),
            Ok(_) => return None,
            Err(why) => self.undecidable(&[], Span::default(), why),
        }
        for entry in &mut self.entries {
            entry.read_here = self.machine.was_read(entry.origin);
        }
        self.entries.sort_by_key(|entry| entry.name_span);
        Some(self.entries)
    }

    fn groups(&mut self, first: Group) {
        let mut todo = vec![first];
        let mut bytes = 0;
        while let Some(group) = todo.pop() {
            if let Some(why) = &group.set.open {
                let span = group.set.attrs.values().next().map(|attr| attr.name_span).unwrap_or_default();
                self.undecidable(&group.path, span, why);
            }
            for (name, attr) in &group.set.attrs {
                if name.len() > NAME {
                    self.undecidable(&group.path, attr.name_span, "it has a name that is too long");
                    continue;
                }
                if self.entries.len() + todo.len() >= ENTRIES {
                    return self.undecidable(&[], Span::default(), "it has more entries than there are ports");
                }
                bytes += name.len() + group.path.iter().map(String::len).sum::<usize>();
                if bytes > NAMES {
                    return self.undecidable(&[], Span::default(), "its names are too long");
                }
                let path: Vec<String> = group.path.iter().cloned().chain([name.to_string()]).collect();
                todo.extend(self.attribute(path, *attr, &group.around));
            }
        }
    }

    /// Reads an attribute: adds its entry, or returns the group to walk.
    fn attribute(&mut self, path: Vec<String>, attr: Attr, around: &[ThunkId]) -> Option<Group> {
        let value = self.machine.force(attr.thunk);
        let (origin, span) = self.machine.origin(attr.thunk);
        let value = match value {
            Ok(Val::Set(set)) => {
                if around.contains(&origin) || path.len() == DEPTH {
                    self.undecidable(&path, attr.name_span, "the set contains itself or is nested too deeply");
                    return None;
                }
                if let Some(endpoint) = Endpoint::read(self.machine, &set, attr.name_span) {
                    self.described(&path, &set, &endpoint, around);
                    return None;
                }
                let around = around.iter().copied().chain([origin]).collect();
                return Some(Group { path, set, around });
            }
            Ok(Val::Int(number)) => match u16::try_from(number) {
                Ok(port @ 1..) => Value::Port(port),
                _ => Value::NotPort(number.to_string()),
            },
            Ok(Val::Lambda(_) | Val::Builtin(..)) => Value::Helper,
            Ok(other) => Value::NotPort(other.describe().to_owned()),
            Err(why) => Value::NotDecidable(why.to_string()),
        };
        let value_span = if span == Span::default() { attr.name_span } else { span };
        self.entries.push(Entry::new(path, value, attr.name_span, value_span, origin));
        None
    }

    /// Reads a set that describes one port.
    fn described(&mut self, path: &[String], set: &Set, endpoint: &Endpoint, around: &[ThunkId]) {
        for (name, attr) in &set.attrs {
            let path: Vec<String> = path.iter().cloned().chain([name.to_string()]).collect();
            if name.len() > NAME || self.entries.len() >= ENTRIES {
                let why = "it has too many names, or a name that is too long";
                self.undecidable(&path[..path.len() - 1], attr.name_span, why);
                return;
            }
            let before = self.entries.len();
            let group = self.attribute(path.clone(), *attr, around);
            let (_, span) = self.machine.origin(attr.thunk);
            match self.entries.get_mut(before) {
                Some(entry) if Endpoint::is_description(name) => entry.value = Value::Helper,
                Some(entry) => entry.endpoint = Some(Box::new(endpoint.clone())),
                // A nested set is not an entry.
                None if group.is_some() => {
                    self.entries.push(Entry::new(path, Value::Helper, attr.name_span, span, UNKNOWN_ORIGIN))
                }
                None => {}
            }
        }
    }

    fn undecidable(&mut self, path: &[String], span: Span, why: &str) {
        let value = Value::NotDecidable(Why::from(why).to_string());
        self.entries.push(Entry::new(path.to_vec(), value, span, span, UNKNOWN_ORIGIN));
    }
}

impl Entry {
    fn new(path: Vec<String>, value: Value, name_span: Span, value_span: Span, origin: ThunkId) -> Self {
        Self { path, value, name_span, value_span, origin, read_here: false, settled: true, endpoint: None }
    }
}

impl Registry {
    /// Whether the content alone shows that this is a registry: a set of names and port numbers, not a module that is
    /// merely called `ports.nix`.
    pub fn is_convincing(&self) -> bool {
        let top = |name: &str| self.entries.iter().any(|entry| entry.path.first().is_some_and(|first| first == name));
        // A NixOS or flake-parts module, or a callable set.
        if ["options", "config", "imports", "flake", "perSystem", "__functor"].into_iter().any(top) {
            return false;
        }
        let ports: Vec<&Entry> = self.ports().map(|(entry, _)| entry).collect();
        let count = |wanted: fn(&Value) -> bool| self.entries.iter().filter(|entry| wanted(&entry.value)).count();
        let others = count(|value| matches!(value, Value::NotPort(_)));
        let helpers = count(|value| matches!(value, Value::Helper));
        if *self.path == *DEFAULT || self.path.ends_with(&format!("/{DEFAULT}")) {
            // A file with only functions is a library of functions about ports.
            return !ports.is_empty() || helpers == 0;
        }
        if ports.is_empty() {
            return false;
        }
        // In a NixOS module the last name says what the number is, such as `port`; in a registry it names the service.
        let module = ["services", "networking", "virtualisation", "systemd", "programs"].into_iter().any(top);
        let options = ports.iter().filter(|entry| names_an_option(entry)).count();
        ports.len() > others && !(module && (others > 0 || options * 2 > ports.len()))
    }
}

fn names_an_option(entry: &Entry) -> bool {
    entry.path.last().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with("port") || name.ends_with("ports")
    })
}
