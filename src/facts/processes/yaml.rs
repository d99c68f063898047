//! process-compose in YAML: `process-compose.yaml`, and files with such content under any other name.

use super::ending::ends_by_itself;
use super::listens;
use super::model::{Condition, Dependency, Family, Known, Listen, Part, Process, Unknown, UnknownKind};
use crate::finding::Span;
use crate::knowledge::process_compose::{self as options, Table};
use crate::lang::yaml::{Entry, Yaml};
use crate::lang::{Node, Tree};
use crate::source::Source;

/// The maximum number of entries read in one file: with aliases, a small file can repeat the same entry a million
/// times.
const BUDGET: usize = 200_000;

/// The configuration in a file; `None` if it has none.
pub fn read(source: &Source, tree: &Tree<'_>) -> Option<Part> {
    let yaml = Yaml::new(tree);
    let root = yaml.documents().next()?;
    let top = yaml.entries(root);
    let processes = value_of(&top, "processes")?;
    let named = is_process_compose_name(source.file_name());
    if !yaml.is_mapping(processes) || !is_process_compose(&yaml, &top, processes, named) {
        return None;
    }
    let mut reader = Reader { yaml, part: Part::new(Family::Yaml), budget: BUDGET };
    if tree.broken() {
        reader.part.open = Some("the file has syntax errors");
    }
    reader.read(&top, processes);
    Some(reader.part)
}

/// Whether a file is named after process-compose.
pub fn is_process_compose_name(name: &str) -> bool {
    name.contains("process-compose") || name.contains("process_compose")
}

/// Whether the content is a process-compose configuration: all top-level keys are known, and a process has a command.
/// A file named after process-compose is one unless it contains `services`.
fn is_process_compose(yaml: &Yaml<'_, '_>, top: &[Entry<'_>], processes: Node, named: bool) -> bool {
    if named {
        return value_of(top, "services").is_none();
    }
    let known = |key: &str| options::PROJECT.knows(key) || key.starts_with("x-");
    top.iter().all(|entry| known(&entry.key))
        && yaml.entries(processes).iter().take(1000).any(|process| {
            let Some(value) = process.value else { return false };
            yaml.entries(value).iter().any(|entry| matches!(&*entry.key, "command" | "entrypoint"))
        })
}

fn value_of(entries: &[Entry<'_>], key: &str) -> Option<Node> {
    entries.iter().find(|entry| entry.key == key)?.value
}

struct Reader<'t, 'a> {
    yaml: Yaml<'t, 'a>,
    part: Part,
    budget: usize,
}

impl<'a> Reader<'_, 'a> {
    fn read(&mut self, top: &[Entry<'a>], processes: Node) {
        self.check_keys(top, &options::PROJECT);
        if let Some(extends) = value_of(top, "extends") {
            match self.text(extends) {
                Known::Is(path) => self.part.extends = Some(path),
                Known::Unknown => {
                    self.part.open = Some("it extends a file whose name is computed");
                    self.part.half = true;
                }
                Known::Absent => {}
            }
        }
        for entry in self.entries(processes) {
            let process = self.process(&entry);
            self.part.add(process);
        }
    }

    /// The entries in a mapping, within the file's budget.
    fn entries(&mut self, node: Node) -> Vec<Entry<'a>> {
        if self.budget == 0 {
            self.part.open = Some("the file is too complex to analyse (step limit reached)");
            return Vec::new();
        }
        let entries = self.yaml.entries(node);
        self.budget = self.budget.saturating_sub(entries.len());
        entries
    }

    fn span(&self, node: Node) -> Span {
        self.yaml.tree.span(node)
    }

    fn process(&mut self, entry: &Entry<'a>) -> Process {
        let name_span = self.span(entry.key_node);
        let mut process = Process { name: entry.key.to_string(), span: name_span, ..Process::default() };
        let Some(value) = entry.value else { return process };
        let entries = self.entries(value);
        self.check_keys(&entries, &options::PROCESS);
        for setting in &entries {
            let Some(value) = setting.value else { continue };
            match &*setting.key {
                "command" | "entrypoint" => {
                    process.runs = true;
                    let command = self.yaml.scalar(value).unwrap_or_default();
                    process.once = ends_by_itself(&process.name, &command);
                }
                "disabled" => process.disabled.merge(&self.truth(value)),
                "is_disabled" => process.disabled.merge(&self.truth(value)),
                "is_daemon" => process.daemon = self.truth(value),
                "readiness_probe" => process.readiness = self.presence(value),
                "liveness_probe" => process.liveness = self.presence(value),
                "ready_log_line" => process.log_line = self.presence(value),
                "schedule" | "mcp" => process.scheduled = true,
                "replicas" => {
                    process.replicas = self.text(value) != Known::Is("1".to_owned());
                    if let Known::Is(text) = self.text(value) {
                        process.count = text.parse().ok().filter(|count| *count > 1);
                    }
                }
                "namespace" => {
                    if let Known::Is(namespace) = self.text(value) {
                        process.namespace = Some(namespace);
                    }
                }
                "extends" => match self.text(value) {
                    Known::Is(parent) => process.extends = Some((parent, self.span(value))),
                    Known::Unknown => process.opaque = true,
                    Known::Absent => {}
                },
                "availability" => self.availability(value, &mut process),
                "depends_on" => self.depends_on(setting, value, &mut process),
                _ => {}
            }
        }
        self.listens(&entries, &mut process);
        for key in ["readiness_probe", "liveness_probe", "shutdown"] {
            self.check_inner(&entries, key);
        }
        process
    }

    fn availability(&mut self, value: Node, process: &mut Process) {
        let entries = self.entries(value);
        self.check_keys(&entries, options::PROCESS.inside("availability").unwrap_or(&options::PROCESS));
        for setting in &entries {
            let Some(value) = setting.value else { continue };
            match &*setting.key {
                "restart" => process.restart = self.text(value),
                "max_restarts" => process.restarts_end = ends(&self.text(value)),
                _ => {}
            }
        }
    }

    fn depends_on(&mut self, setting: &Entry<'a>, value: Node, process: &mut Process) {
        if self.yaml.is_sequence(value) {
            process.depends_on_list = Some(self.span(setting.key_node));
            return;
        }
        for entry in self.entries(value) {
            if entry.key.contains(['$', '{']) {
                continue;
            }
            let mut dependency = Dependency {
                target: entry.key.to_string(),
                target_span: self.span(entry.key_node),
                condition: Known::Absent,
                condition_span: None,
                no_condition: None,
            };
            if let Some(value) = entry.value {
                let settings = self.entries(value);
                self.check_keys(&settings, &options::DEPENDENCY);
                if let Some(condition) = value_of(&settings, "condition") {
                    self.condition(condition, &mut dependency);
                }
            }
            process.depends_on.push(dependency);
        }
    }

    fn condition(&self, value: Node, dependency: &mut Dependency) {
        dependency.condition_span = Some(self.span(value));
        match self.text(value) {
            Known::Is(text) => match Condition::of(&text) {
                Some(condition) => dependency.condition = Known::Is(condition),
                None => dependency.no_condition = Some(text),
            },
            Known::Unknown => dependency.condition = Known::Unknown,
            Known::Absent => {}
        }
    }

    /// Adds the ports that a process listens on, from its probes, its environment and its command.
    fn listens(&mut self, entries: &[Entry<'a>], process: &mut Process) {
        for key in ["readiness_probe", "liveness_probe"] {
            let Some(http) = value_of(entries, key).and_then(|probe| self.yaml.get(probe, "http_get")) else {
                continue;
            };
            let host = self.yaml.get(http, "host").map_or(Known::Absent, |host| self.text(host));
            let own = match &host {
                Known::Absent => true,
                Known::Is(host) => listens::is_own_host(host),
                Known::Unknown => false,
            };
            if let Some(port) = self.yaml.get(http, "port").filter(|_| own)
                && let Known::Is(text) = self.text(port)
            {
                process
                    .listens
                    .extend(listens::number(&text).map(|port_text| Listen { port: port_text, span: self.span(port) }));
            }
        }
        if let Some(environment) = value_of(entries, "environment") {
            for item in self.yaml.items(environment) {
                let Some((text, start)) = self.yaml.raw(item) else { continue };
                let Some(value) = text.strip_prefix("PORT=") else { continue };
                let at = start as usize + "PORT=".len();
                let span = Span::new(at, at + value.len());
                process.listens.extend(listens::number(value).map(|port| Listen { port, span }));
            }
        }
        if let Some(command) = value_of(entries, "command")
            && let Some((text, start)) = self.yaml.raw(command)
        {
            process.listens.extend(listens::in_command(&text, start, self.yaml.tree.text()));
        }
    }

    fn check_inner(&mut self, entries: &[Entry<'a>], key: &str) {
        let (Some(value), Some(table)) = (value_of(entries, key), options::PROCESS.inside(key)) else { return };
        let inner = self.entries(value);
        self.check_keys(&inner, table);
        for (key, table) in table.inner {
            if let Some(value) = value_of(&inner, key) {
                let innermost = self.entries(value);
                self.check_keys(&innermost, table);
            }
        }
    }

    fn check_keys(&mut self, entries: &[Entry<'a>], table: &'static Table) {
        for entry in entries {
            if !table.knows(&entry.key) && !entry.key.starts_with("x-") && !entry.key.contains("{{") {
                let kind = UnknownKind::Yaml { key: entry.key.to_string(), table };
                self.part.unknown.push(Unknown { span: self.span(entry.key_node), kind });
            }
        }
    }

    /// The text of a scalar; unknown if it contains variables or templates, which are expanded later.
    fn text(&self, node: Node) -> Known<String> {
        match self.yaml.scalar(node) {
            Some(text) if text.contains("{{") || text.contains('$') => Known::Unknown,
            Some(text) if matches!(&*text, "" | "null" | "~") => Known::Absent,
            Some(text) => Known::Is(text.into_owned()),
            None => Known::Unknown,
        }
    }

    fn truth(&self, node: Node) -> Known<bool> {
        match self.text(node) {
            Known::Is(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => Known::Is(true),
                "false" | "no" | "off" | "n" => Known::Is(false),
                _ => Known::Unknown,
            },
            Known::Unknown => Known::Unknown,
            Known::Absent => Known::Absent,
        }
    }

    /// Whether a value is set. It is not if it is missing, `null` or empty.
    fn presence(&self, node: Node) -> Known<bool> {
        match self.yaml.scalar(node).as_deref() {
            Some("" | "null" | "~") => Known::Absent,
            _ => Known::Is(true),
        }
    }
}

/// Whether `max_restarts` limits restarts: for process-compose, 0 means no limit.
pub fn ends(max_restarts: &Known<String>) -> Known<bool> {
    match max_restarts {
        Known::Absent => Known::Absent,
        Known::Is(text) => Known::Is(text != "0"),
        Known::Unknown => Known::Unknown,
    }
}
