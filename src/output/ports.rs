//! The port map: as a table, as Markdown for a pull request, and as JSON.

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::View;
use super::markdown::code;
use super::next_steps::TRACKED;
use super::stream::Stream;
use super::style::{BOLD, DIM, RED, YELLOW};
use super::text::{clean, count};
use super::wrap::{columns, fitted, hanging};
use crate::facts::Project;
use crate::facts::port_registry::{Entry, Value};
use crate::finding::{RelPath, Span};
use crate::fix::Change;
use crate::knowledge::service_ports::services;
use crate::knowledge::well_known_ports::EPHEMERAL;
use crate::port_map::{How, PortMap, RegistryMap, Shared, Spot};
use crate::rewrite::ports::naming::UNNAMED;
use crate::rewrite::ports::plan::Plan;
use crate::source::{LineIndex, Place, Source};

/// The maximum number of positions in a line of the table. The JSON document has all of them.
const PLACES: usize = 4;

/// The indentation of the additional lines of a port.
const INDENT: &str = "         ";

/// The maximum length of the name of a use. Only the end of a longer name is shown.
const NAME: usize = 40;

/// A port map to show.
pub struct Shown<'a> {
    map: &'a PortMap<'a>,
    view: &'a View,
    files: BTreeMap<&'a str, (&'a Source, LineIndex)>,
    /// The numbers with literals that may refer to several entries.
    shared: BTreeSet<u32>,
}

/// The result of `ports init`.
pub struct Written<'a> {
    /// The entries.
    pub plan: &'a Plan,
    /// Whether the registry did not exist before.
    pub is_new: bool,
    /// Whether a flake does not see the registry, because git does not track it.
    pub is_unseen: bool,
}

impl Written<'_> {
    /// The result, and the next steps.
    pub fn text(&self, view: &View) -> String {
        let entries = &self.plan.entries;
        let path = clean(&view.path(&self.plan.registry)).into_owned();
        let groups: BTreeSet<&[String]> = entries.iter().filter_map(|entry| Some(entry.path.split_last()?.1)).collect();
        let groups = count(groups.len(), "group");
        let number = entries.len();
        let mut out = match self.is_new {
            true => format!("wrote {path}: {number} {} in {groups}\n", if number == 1 { "entry" } else { "entries" }),
            false => format!("added {number} {} to {path}\n", if number == 1 { "entry" } else { "entries" }),
        };
        let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
        entries.iter().for_each(|entry| *numbers.entry(entry.number).or_default() += 1);
        let shared = numbers.values().filter(|count| **count > 1).count();
        if shared > 0 {
            let numbers = count(shared, "number");
            let _ = writeln!(out, "{numbers} used by several services: each service has its own entry");
        }
        let unnamed = entries.iter().filter(|entry| entry.path.iter().any(|name| name == UNNAMED)).count();
        if unnamed > 0 {
            let _ = writeln!(
                out,
                "{} without a descriptive name, in the group `{UNNAMED}`: rename them",
                count(unnamed, "port")
            );
        }
        out.push_str("\nThe names are proposals. Next:\n");
        let mut steps = vec![(format!("edit {path}"), "")];
        if self.is_unseen {
            steps.push((format!("git add {path}"), TRACKED));
        }
        steps.push(("flakeward fix --diff".to_owned(), "show what `flakeward fix` would replace"));
        let widest = steps.iter().map(|(command, _)| columns(command)).max().unwrap_or(0);
        for (command, what) in steps {
            let gap = " ".repeat(widest - columns(&command));
            let _ = writeln!(out, "{}", format!("  {command}{gap}  {what}").trim_end());
        }
        out
    }
}

/// The result of `ports rename`.
pub fn renamed(old: &str, new: &str, changes: &[Change], view: &View) -> String {
    let files = count(changes.len(), "file");
    let mut out = format!("renamed {} to {} in {files}\n", clean(old), clean(new));
    for change in changes {
        let _ = writeln!(out, "  {}", clean(&view.path(&change.path)));
    }
    out
}

/// The text about a number that nothing uses.
fn free(number: u16) -> String {
    let mut out = format!("{number} is free\n");
    if let Some(service) = services(u32::from(number)).first() {
        let _ = writeln!(out, "  well known as the port of {}", service.name);
    }
    if EPHEMERAL.contains(&number) {
        out.push_str("  the kernel may use it for an outgoing connection (ephemeral range 32768-60999)\n");
    }
    out
}

/// The message of `ports init` if there is nothing to add.
pub fn nothing_to_add(has_registry: bool) -> &'static str {
    match has_registry {
        false => "no port here needs a name: nothing written\n",
        true => "nothing to add: every port that could use the registry already has an entry\n",
    }
}

impl<'a> Shown<'a> {
    /// A map to show, with a line index for each file of the project.
    pub fn new(map: &'a PortMap<'a>, project: &'a Project, view: &'a View) -> Self {
        let lines = |source: &'a Source| (&*source.path, (source, LineIndex::new(&source.text)));
        let shared = map.shared.iter().map(|shared| shared.number).collect();
        Self { map, view, shared, files: project.files.iter().map(|file| lines(&file.source)).collect() }
    }

    fn start(&self, path: &str, span: Span) -> Option<Place> {
        self.files.get(path).map(|(source, index)| index.place(&source.text, span.start))
    }

    /// `path:line`, which editors and terminals can open.
    fn place(&self, path: &str, span: Span) -> String {
        let path_shown = clean(&self.view.path(path)).into_owned();
        match self.start(path, span) {
            Some(place) => format!("{path_shown}:{}", place.line),
            None => path_shown,
        }
    }

    /// The positions without duplicates, in order.
    fn places(&self, spots: &[Spot<'_>], wanted: impl Fn(How) -> bool) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for spot in spots.iter().filter(|spot| wanted(spot.how)) {
            let place = self.place(spot.path, spot.span);
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The map as a table. `first` says how to create a registry, for a repository without one.
    pub fn table(&self, first: &str) -> String {
        let mut out = String::new();
        let color = self.view.stream.color;
        self.map.registries.iter().for_each(|registry| self.registry_table(&mut out, registry));
        if self.map.registries.is_empty() {
            let line = if first.is_empty() { String::new() } else { format!(": {}", clean(first)) };
            let _ = writeln!(out, "{}", fitted(&format!("no port registry found{line}"), 0, &self.view.stream));
        }
        if !self.map.conflicts.is_empty() {
            let _ = writeln!(out, "\n{}", RED.on(count(self.map.conflicts.len(), "conflict"), color));
            for (number, entries) in &self.map.conflicts {
                let names: Vec<String> =
                    entries.iter().map(|(registry, entry)| self.name(&registry.path, entry)).collect();
                self.row(&mut out, &format!("  {number:>5}  "), &names.join(", "));
            }
        }
        if !self.map.shared.is_empty() {
            let heading = format!(
                "{} of several entries, in places that may refer to any of them",
                count(self.map.shared.len(), "number")
            );
            let _ = writeln!(out, "\n{}", YELLOW.on(heading, color));
            for shared in &self.map.shared {
                let spots: Vec<Spot<'_>> = shared.spots.iter().map(|spot| Spot { name: "", ..spot.clone() }).collect();
                self.row(&mut out, &format!("  {:>5}  ", shared.number), &clean(&shared.names()));
                let places = some(&self.named_places(&spots), PLACES);
                self.row(&mut out, INDENT, &format!("hardcoded in {places}"));
            }
        }
        if !self.map.missing.is_empty() {
            let heading = format!("{} not in the registry", count(self.map.missing.len(), "port"));
            let _ = writeln!(out, "\n{}", YELLOW.on(heading, color));
            for (number, spots) in &self.map.missing {
                self.missing_row(&mut out, *number, spots);
            }
        }
        out
    }

    /// For each number: the number, whether it is free, and a text that lists its uses.
    pub fn numbers(&self, numbers: &[u16]) -> Vec<(u16, bool, String)> {
        let mut texts: BTreeMap<u32, String> =
            numbers.iter().map(|number| (u32::from(*number), String::new())).collect();
        for map in &self.map.registries {
            for (entry, spots) in &map.entries {
                let Some(number) = entry.port() else { continue };
                let Some(out) = texts.get_mut(&number.into()) else { continue };
                let place = self.place(&map.registry.path, entry.name_span);
                let _ = writeln!(out, "{number} is {} ({place})", clean(&entry.name()));
                self.places(spots, |_| true).iter().for_each(|place| {
                    let _ = writeln!(out, "  {place}");
                });
            }
        }
        for Shared { number, spots, .. } in &self.map.shared {
            let Some(out) = texts.get_mut(number) else { continue };
            let _ = writeln!(out, "{number} is in use, in places that may refer to any of its entries");
            self.named_places(spots).iter().for_each(|place| {
                let _ = writeln!(out, "  {place}");
            });
        }
        for (number, spots) in &self.map.missing {
            let Some(out) = texts.get_mut(number) else { continue };
            let _ = writeln!(out, "{number} is in use, but not in the registry");
            self.named_places(spots).iter().for_each(|place| {
                let _ = writeln!(out, "  {place}");
            });
        }
        let texts = numbers.iter().map(|number| {
            let text = texts.remove(&u32::from(*number)).unwrap_or_default();
            let is_free = text.is_empty();
            (*number, is_free, if is_free { free(*number) } else { text })
        });
        texts.collect()
    }

    fn registry_table(&self, out: &mut String, map: &RegistryMap<'_>) {
        let color = self.view.stream.color;
        if !out.is_empty() {
            out.push('\n');
        }
        let ports = map.registry.ports().count();
        let heading = format!("{}: {}", clean(&self.view.path(&map.registry.path)), count(ports, "port"));
        let _ = writeln!(out, "{}", BOLD.on(heading, color));
        let names = map.entries.iter().map(|(entry, _)| clean(&entry.name()).chars().count());
        let stream = &self.view.stream;
        let widest = names.max().unwrap_or(0).min(if stream.wrap { stream.columns / 3 } else { 40 }).min(40);
        for (entry, spots) in &map.entries {
            let number = entry.port().map_or("-".to_owned(), |port| port.to_string());
            let name = clean(&entry.name()).into_owned();
            self.entry_row(out, &format!("  {number:>5}  {name:widest$}  "), &self.uses(map, entry, spots));
        }
        if !map.whole.is_empty() {
            let places = self.places(&map.whole, |_| true);
            let line = format!("passed to {} as a whole: any entry may be used there", some(&places, PLACES));
            self.row(out, "  ", &DIM.on(line, color));
        }
    }

    /// Writes a port without an entry. On a terminal, each position has its own line.
    fn missing_row(&self, out: &mut String, number: u32, spots: &[Spot<'_>]) {
        if !self.view.stream.wrap {
            return self.row(out, &format!("  {number:>5}  "), &some(&self.named_places(spots), PLACES));
        }
        let mut places: Vec<String> = Vec::new();
        for spot in spots {
            let place = self.place(spot.path, spot.span);
            let room = self.view.stream.columns.saturating_sub(INDENT.len() + columns(&place) + 2);
            let name = fitting(spot.name, room.min(NAME)).map(|name| DIM.on(clean(name), self.view.stream.color));
            let line = name.map_or_else(|| place.clone(), |name| format!("{place}  {name}"));
            if !places.contains(&line) {
                places.push(line);
            }
        }
        for (index, line) in first(&places, PLACES).iter().enumerate() {
            let head = if index == 0 { format!("  {number:>5}  ") } else { INDENT.to_owned() };
            let _ = writeln!(out, "{head}{line}");
        }
    }

    /// Writes a line of a table. On a terminal, it is wrapped between positions. The positions start on a new line if
    /// the names leave little room.
    fn row(&self, out: &mut String, head: &str, text: &str) {
        const NARROW: usize = 30;
        let stream = &self.view.stream;
        if !stream.wrap || text.is_empty() {
            let _ = writeln!(out, "{}", format!("{head}{text}").trim_end());
            return;
        }
        let is_narrow = columns(head) + columns(text) > stream.columns && stream.columns < columns(head) + NARROW;
        let filled = match is_narrow {
            true => format!("{}\n{}", head.trim_end(), hanging(INDENT, text, stream.columns)),
            false => hanging(head, text, stream.columns),
        };
        let _ = writeln!(out, "{filled}");
    }

    /// Writes an entry and its uses on one line. On a terminal that is too narrow, each use has its own line.
    fn entry_row(&self, out: &mut String, head: &str, uses: &Uses) {
        let Stream { wrap, columns: width, color, .. } = self.view.stream;
        let line = format!("{head}{}", uses.line(color)).trim_end().to_owned();
        if !wrap || columns(&line) <= width {
            let _ = writeln!(out, "{line}");
            return;
        }
        let _ = writeln!(out, "{}", head.trim_end());
        for line in uses.lines(color) {
            let _ = writeln!(out, "{}", hanging(INDENT, &line, width));
        }
    }

    /// The uses of an entry.
    fn uses(&self, map: &RegistryMap<'_>, entry: &Entry, spots: &[Spot<'_>]) -> Uses {
        let color = self.view.stream.color;
        let state = match &entry.value {
            Value::NotPort(what) => RED.on(format!("{} is not a valid port number", clean(what)), color),
            Value::NotDecidable(why) => {
                DIM.on(format!("cannot be evaluated without running Nix: {}", clean(why)), color)
            }
            Value::Port(_) | Value::Helper => {
                let used = self.places(spots, |how| how != How::Literal);
                let written = self.places(spots, |how| how == How::Literal);
                let is_shared = || entry.port().is_some_and(|port| self.shared.contains(&u32::from(port)));
                let is_unused =
                    used.is_empty() && written.is_empty() && map.whole.is_empty() && !entry.read_here && !is_shared();
                let state = if is_unused { DIM.on("unused", color) } else { String::new() };
                return Uses { state, used, written };
            }
        };
        Uses { state, used: Vec::new(), written: Vec::new() }
    }

    /// The positions of ports without an entry, each with the name of the use.
    fn named_places(&self, spots: &[Spot<'_>]) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for spot in spots {
            let place = self.place(spot.path, spot.span);
            let line = match spot.name {
                "" => place,
                name => format!("{place} ({})", clean(last_names(name))),
            };
            if !places.contains(&line) {
                places.push(line);
            }
        }
        places
    }

    /// An entry's name, with its registry if there are several.
    fn name(&self, registry: &RelPath, entry: &Entry) -> String {
        let name = clean(&entry.name()).into_owned();
        match self.map.registries.len() {
            0 | 1 => name,
            _ => format!("{name} ({})", clean(&self.view.path(registry))),
        }
    }

    /// The map as Markdown for a pull request.
    pub fn markdown(&self) -> String {
        let mut out = String::from("## Ports\n");
        for map in &self.map.registries {
            let _ = writeln!(out, "\n### {}\n", code(&self.view.path(&map.registry.path)));
            out.push_str("| Port | Name | Used in | Hardcoded in |\n|---:|---|---|---|\n");
            for (entry, spots) in &map.entries {
                let number = match (&entry.value, entry.port()) {
                    (_, Some(port)) => port.to_string(),
                    (Value::NotPort(what), _) => format!("{} :x:", code(what)),
                    _ => "?".to_owned(),
                };
                let used = coded(&self.places(spots, |how| how != How::Literal));
                let written = coded(&self.places(spots, |how| how == How::Literal));
                let _ = writeln!(out, "| {number} | {} | {used} | {written} |", code(&entry.name()));
            }
            if !map.whole.is_empty() {
                let places = coded(&self.places(&map.whole, |_| true));
                let _ = writeln!(out, "\nPassed as a whole to {places}: any entry may be used there.");
            }
        }
        if !self.map.conflicts.is_empty() {
            out.push_str("\n### Conflicts\n\n| Port | Names |\n|---:|---|\n");
            for (number, entries) in &self.map.conflicts {
                let names: Vec<String> =
                    entries.iter().map(|(registry, entry)| self.name(&registry.path, entry)).collect();
                let _ = writeln!(out, "| {number} | {} |", coded(&names));
            }
        }
        if !self.map.shared.is_empty() {
            out.push_str("\n### Numbers of several entries\n\n| Port | Names | Hardcoded in |\n|---:|---|---|\n");
            for shared in &self.map.shared {
                let names: Vec<String> =
                    shared.entries.iter().map(|(registry, entry)| self.name(&registry.path, entry)).collect();
                let places = coded(&self.places(&shared.spots, |_| true));
                let _ = writeln!(out, "| {} | {} | {places} |", shared.number, coded(&names));
            }
        }
        if !self.map.missing.is_empty() {
            out.push_str("\n### Not in the registry\n\n| Port | Where |\n|---:|---|\n");
            for (number, spots) in &self.map.missing {
                let _ = writeln!(out, "| {number} | {} |", coded(&self.named_places(spots)));
            }
        }
        if self.map.registries.is_empty() && self.map.missing.is_empty() {
            out.push_str("\nNo registry and no ports.\n");
        }
        out
    }
}

/// The uses of an entry, as shown in the table.
struct Uses {
    /// The text shown instead of uses, if the entry is unused or its number is invalid or unknown.
    state: String,
    /// The positions of references to the entry.
    used: Vec<String>,
    /// The positions at which its number is a literal.
    written: Vec<String>,
}

impl Uses {
    fn line(&self, color: bool) -> String {
        let mut said = vec![self.state.clone(), some(&self.used, PLACES)];
        if !self.written.is_empty() {
            said.push(YELLOW.on(format!("hardcoded in {}", some(&self.written, PLACES)), color));
        }
        said.retain(|text| !text.is_empty());
        said.join("; ")
    }

    fn lines(&self, color: bool) -> Vec<String> {
        let mut lines = vec![self.state.clone()];
        lines.extend(first(&self.used, PLACES));
        let written = self.written.iter().map(|place| format!("hardcoded in {place}")).collect::<Vec<_>>();
        lines.extend(first(&written, PLACES).into_iter().map(|line| YELLOW.on(line, color)));
        lines.retain(|text| !text.is_empty());
        lines
    }
}

/// The last names of a dotted path, as many as fit; `None` if none fits.
fn fitting(path: &str, room: usize) -> Option<&str> {
    let starts = std::iter::once(0).chain(path.match_indices('.').map(|(dot, _)| dot + 1));
    starts.map(|start| &path[start..]).find(|name| !name.is_empty() && columns(name) <= room)
}

/// The last names of a dotted path, if it is too long to read at a glance, or else the whole path.
fn last_names(path: &str) -> &str {
    let long = path.len().saturating_sub(NAME);
    let dots = path.match_indices('.').map(|(at, _)| at);
    if long == 0 { path } else { dots.filter(|at| *at + 1 >= long).map(|at| &path[at + 1..]).next().unwrap_or(path) }
}

/// The first items of a list, and the number of remaining ones.
fn some(places: &[String], most: usize) -> String {
    match places.len().saturating_sub(most) {
        0 => places.join(", "),
        more => format!("{} and {more} more", places[..most].join(", ")),
    }
}

/// The first items of a list, and a line with the number of remaining ones.
fn first(lines: &[String], most: usize) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(most).cloned().collect();
    if lines.len() > most {
        shown.push(format!("and {} more", lines.len() - most));
    }
    shown
}

fn coded(texts: &[String]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}
