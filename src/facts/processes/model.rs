//! The model of process-compose configurations, for both languages: processes, their dependencies, and what is known
//! about each setting.

use std::collections::{HashMap, HashSet};

use crate::finding::Span;
use crate::knowledge::process_compose::Table;

/// The value of a setting, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known<T> {
    /// Not set: the setting has its default.
    #[default]
    Absent,
    /// Set to this value.
    Is(T),
    /// Computed.
    Unknown,
}

impl<T: Clone> Known<T> {
    /// Merges `over` over this value.
    pub fn merge(&mut self, over: &Self) {
        if !matches!(over, Known::Absent) {
            self.clone_from(over);
        }
    }
}

impl Known<bool> {
    /// Whether the setting is known to be on.
    pub fn yes(&self) -> bool {
        *self == Known::Is(true)
    }

    /// Whether the setting is known to be off.
    pub fn no(&self) -> bool {
        matches!(self, Known::Absent | Known::Is(false))
    }
}

/// The condition of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The process was started.
    Started,
    /// Its probe succeeded.
    Healthy,
    /// It terminated, with any exit code.
    Completed,
    /// It terminated successfully.
    CompletedSuccessfully,
    /// It printed its `ready_log_line`.
    LogReady,
}

impl Condition {
    /// All conditions.
    pub const ALL: [Self; 5] =
        [Self::Started, Self::Healthy, Self::Completed, Self::CompletedSuccessfully, Self::LogReady];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "process_started",
            Self::Healthy => "process_healthy",
            Self::Completed => "process_completed",
            Self::CompletedSuccessfully => "process_completed_successfully",
            Self::LogReady => "process_log_ready",
        }
    }

    /// The condition that a configuration writes as `name`; `None` if it is unknown.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.name() == name)
    }

    /// Whether it waits for the process to terminate.
    pub fn waits_for_the_end(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedSuccessfully)
    }
}

/// One entry of `depends_on`.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The process to wait for.
    pub target: String,
    /// The span of its name in the entry.
    pub target_span: Span,
    /// The condition; `Absent` is process-compose's default, `process_completed`.
    pub condition: Known<Condition>,
    /// The span of the condition, if it is set and readable.
    pub condition_span: Option<Span>,
    /// The condition as written, if process-compose does not support it.
    pub no_condition: Option<String>,
}

impl Dependency {
    /// The effective condition; `None` if it is unknown.
    pub fn condition(&self) -> Option<Condition> {
        match self.condition {
            Known::Absent if self.no_condition.is_none() => Some(Condition::Completed),
            Known::Is(condition) => Some(condition),
            Known::Absent | Known::Unknown => None,
        }
    }

    /// The span for findings about the condition.
    pub fn span(&self) -> Span {
        self.condition_span.unwrap_or(self.target_span)
    }
}

/// A port that a process listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The number, or the expression that gives it (`ports.databases.redis`).
    pub port: String,
    /// Its span.
    pub span: Span,
}

/// What is known about a process.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// The span of the name in its definition.
    pub span: Span,
    /// Whether its command is set here, so that this is its definition rather than a change to one elsewhere.
    pub runs: bool,
    /// Whether its name or command shows that it terminates, as a migration does.
    pub once: bool,
    /// Whether settings may come from an expression that cannot be read: a function, an import, a template.
    pub opaque: bool,
    /// The value of `disabled` or `is_disabled`.
    pub disabled: Known<bool>,
    /// The value of `is_daemon`.
    pub daemon: Known<bool>,
    /// Whether there is a `readiness_probe`.
    pub readiness: Known<bool>,
    /// Whether there is a `liveness_probe`.
    pub liveness: Known<bool>,
    /// Whether there is a `ready_log_line`.
    pub log_line: Known<bool>,
    /// Whether it runs on a `schedule`, or is a tool that runs on demand.
    pub scheduled: bool,
    /// The value of `availability.restart`.
    pub restart: Known<String>,
    /// Whether `availability.max_restarts` limits its restarts.
    pub restarts_end: Known<bool>,
    /// Whether it may have several replicas, called `<name>-0` and so on.
    pub replicas: bool,
    /// The number of replicas, if it is a literal of at least two.
    pub count: Option<u32>,
    /// `namespace`, if it is a plain name.
    pub namespace: Option<String>,
    /// The name of the process that it extends, and its span.
    pub extends: Option<(String, Span)>,
    /// Its dependencies.
    pub depends_on: Vec<Dependency>,
    /// The span of a `depends_on` that is written as a list, which process-compose does not read.
    pub depends_on_list: Option<Span>,
    /// The ports that it listens on.
    pub listens: Vec<Listen>,
    /// The services-flake service that generates it.
    pub service: Option<String>,
}

impl Process {
    /// Creates a process of which only the name is known.
    pub fn opaque(name: impl Into<String>, span: Span) -> Self {
        Self { name: name.into(), span, opaque: true, ..Self::default() }
    }

    /// Merges another definition of the same process over this one.
    pub fn merge(&mut self, over: &Self) {
        self.runs |= over.runs;
        self.once |= over.once;
        self.opaque |= over.opaque;
        self.disabled.merge(&over.disabled);
        self.daemon.merge(&over.daemon);
        self.readiness.merge(&over.readiness);
        self.liveness.merge(&over.liveness);
        self.log_line.merge(&over.log_line);
        self.scheduled |= over.scheduled;
        self.restart.merge(&over.restart);
        self.restarts_end.merge(&over.restarts_end);
        self.replicas |= over.replicas;
        self.count = over.count.or(self.count);
        self.extends = over.extends.clone().or(self.extends.take());
        let again: HashSet<&str> = over.depends_on.iter().map(|dependency| &*dependency.target).collect();
        self.depends_on.retain(|own| !again.contains(&*own.target));
        self.depends_on.extend(over.depends_on.iter().cloned());
        self.service = self.service.take().or_else(|| over.service.clone());
    }

    /// Whether all its settings can be read, so that a setting that was not found is not set.
    pub fn complete(&self) -> bool {
        (self.runs || self.service.is_some()) && !self.opaque
    }
}

/// The kind of a part, which determines the other parts that it is combined with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A YAML file.
    Yaml,
    /// `process-compose.<name>` of the flake that contains the file: all modules that define parts of it are merged.
    Flake(String),
    /// A module that is imported somewhere, or one of devenv's or services-flake's own modules: other modules may add
    /// to it.
    Module,
}

/// An unknown setting.
#[derive(Debug)]
pub struct Unknown {
    /// The span of its name.
    pub span: Span,
    /// Why it is unknown.
    pub kind: UnknownKind,
}

/// Why a setting is unknown.
#[derive(Debug)]
pub enum UnknownKind {
    /// process-compose does not support it.
    Yaml {
        /// The setting.
        key: String,
        /// The settings that are valid at this position.
        table: &'static Table,
    },
    /// process-compose-flake has no such option.
    Flake {
        /// The setting.
        key: String,
        /// The options that are valid at this position.
        table: &'static Table,
    },
    /// process-compose-flake has removed it.
    Removed {
        /// The option.
        key: &'static str,
        /// Its replacement.
        instead: &'static str,
    },
}

/// A process-compose configuration, or the part of one in a file.
#[derive(Debug)]
pub struct Part {
    /// How it is combined with other parts.
    pub family: Family,
    /// Its processes, in file order.
    pub processes: Vec<Process>,
    /// Why there may be processes that are not listed here.
    pub open: Option<&'static str>,
    /// Whether it extends something that cannot be read, which may set anything for each of its processes.
    pub half: bool,
    /// The path of the file that it extends, relative to its own.
    pub extends: Option<String>,
    /// Settings that process-compose or process-compose-flake does not support.
    pub unknown: Vec<Unknown>,
    /// The index of each process in the list, by name.
    index: HashMap<String, usize>,
}

impl Part {
    /// Creates an empty part.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            processes: Vec::new(),
            open: None,
            half: false,
            extends: None,
            unknown: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// Adds a process, or merges it into the process with the same name.
    pub fn add(&mut self, process: Process) {
        match self.index.get(&process.name).and_then(|&at| self.processes.get_mut(at)) {
            Some(known) => {
                known.listens.extend(process.listens.iter().cloned());
                known.merge(&process);
            }
            None => {
                self.index.insert(process.name.clone(), self.processes.len());
                self.processes.push(process);
            }
        }
    }
}
