//! What process-compose is told, from whichever language: processes, what they wait for, and what is known of each.

use std::collections::{HashMap, HashSet};

use crate::finding::Span;
use crate::knowledge::process_compose::Table;

/// What the text says about a setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known<T> {
    /// Nothing: the setting has its default.
    #[default]
    Absent,
    /// This.
    Is(T),
    /// Something that is computed.
    Unknown,
}

impl<T: Clone> Known<T> {
    /// What holds when `over` is merged over this one.
    pub fn merge(&mut self, over: &Self) {
        if !matches!(over, Known::Absent) {
            self.clone_from(over);
        }
    }
}

impl Known<bool> {
    /// Certainly on.
    pub fn yes(&self) -> bool {
        *self == Known::Is(true)
    }

    /// Certainly off.
    pub fn no(&self) -> bool {
        matches!(self, Known::Absent | Known::Is(false))
    }
}

/// When a dependency is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The process was started.
    Started,
    /// Its probe answered.
    Healthy,
    /// It ended, however.
    Completed,
    /// It ended well.
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

    /// The condition of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.name() == name)
    }

    /// Whether it waits for the end of the process.
    pub fn waits_for_the_end(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedSuccessfully)
    }
}

/// One entry of `depends_on`.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The process that is waited for.
    pub target: String,
    /// Its name in the entry.
    pub target_span: Span,
    /// What is waited for; `Absent` is process-compose's default, `process_completed`.
    pub condition: Known<Condition>,
    /// The condition's value, if there is one that can be read.
    pub condition_span: Option<Span>,
    /// The condition as written where process-compose knows no such condition.
    pub no_condition: Option<String>,
}

impl Dependency {
    /// The condition that holds; `None` where it cannot be known.
    pub fn condition(&self) -> Option<Condition> {
        match self.condition {
            Known::Absent if self.no_condition.is_none() => Some(Condition::Completed),
            Known::Is(condition) => Some(condition),
            Known::Absent | Known::Unknown => None,
        }
    }

    /// Where a finding about what is waited for stands.
    pub fn span(&self) -> Span {
        self.condition_span.unwrap_or(self.target_span)
    }
}

/// A port that a process is told to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The number, or the expression that gives it (`ports.databases.redis`).
    pub port: String,
    /// Where it stands.
    pub span: Span,
}

/// What is known of one process.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// The name where it is defined.
    pub span: Span,
    /// Whether what it runs is said here, so that this is the process and not a change to one defined elsewhere.
    pub runs: bool,
    /// Whether it is by its name or command something that ends, such as a migration.
    pub once: bool,
    /// Whether settings may come from somewhere that cannot be read: a function, an import, a template.
    pub opaque: bool,
    /// `disabled` or `is_disabled`.
    pub disabled: Known<bool>,
    /// `is_daemon`.
    pub daemon: Known<bool>,
    /// Whether there is a `readiness_probe`.
    pub readiness: Known<bool>,
    /// Whether there is a `liveness_probe`.
    pub liveness: Known<bool>,
    /// Whether there is a `ready_log_line`.
    pub log_line: Known<bool>,
    /// Whether it runs on a `schedule`, or is a tool that is called.
    pub scheduled: bool,
    /// `availability.restart`.
    pub restart: Known<String>,
    /// Whether `availability.max_restarts` sets an end to restarts.
    pub restarts_end: Known<bool>,
    /// Whether there are several of it, called `<name>-0` and so on.
    pub replicas: bool,
    /// How many there are, if that is a number of at least two: then they are called `NAME-0`, `NAME-1` ..
    pub count: Option<u32>,
    /// `namespace`, where it is one plain name.
    pub namespace: Option<String>,
    /// The process that it extends.
    pub extends: Option<(String, Span)>,
    /// What it waits for.
    pub depends_on: Vec<Dependency>,
    /// `depends_on` written as a list, which process-compose does not read.
    pub depends_on_list: Option<Span>,
    /// Where it listens.
    pub listens: Vec<Listen>,
    /// Made by this services-flake service, without being written.
    pub service: Option<String>,
}

impl Process {
    /// A process of which only the name is known.
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

    /// Whether all its settings can be read, so that what is not there is really not there.
    pub fn complete(&self) -> bool {
        (self.runs || self.service.is_some()) && !self.opaque
    }
}

/// How a part finds the others that it is read with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A YAML file.
    Yaml,
    /// `process-compose.<name>` of the flake around the file: all modules that say something about it are one.
    Flake(String),
    /// A module that is imported from somewhere, or one of devenv or services-flake itself: others may add to it.
    Module,
}

/// A setting that is not one.
#[derive(Debug)]
pub struct Unknown {
    /// Its name.
    pub span: Span,
    /// What is wrong with it.
    pub kind: UnknownKind,
}

/// Why a setting is not one.
#[derive(Debug)]
pub enum UnknownKind {
    /// process-compose does not read it.
    Yaml {
        /// The setting.
        key: String,
        /// The settings beside which it is written.
        table: &'static Table,
    },
    /// process-compose-flake has no such option.
    Flake {
        /// The setting.
        key: String,
        /// The options beside which it is written.
        table: &'static Table,
    },
    /// process-compose-flake had it once.
    Removed {
        /// The option.
        key: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
}

/// One process-compose configuration, or the part of one that stands in a file.
#[derive(Debug)]
pub struct Part {
    /// What else belongs to it.
    pub family: Family,
    /// Its processes, in the order of the file.
    pub processes: Vec<Process>,
    /// Why processes may exist that are not written here.
    pub open: Option<&'static str>,
    /// Whether it extends what cannot be read, which may say anything about each of its processes.
    pub half: bool,
    /// The path of the file that it extends, relative to its own.
    pub extends: Option<String>,
    /// Settings that nobody reads.
    pub unknown: Vec<Unknown>,
    /// Where each process stands in the list.
    index: HashMap<String, usize>,
}

impl Part {
    /// An empty part.
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

    /// Adds a process, or merges it into the definition of the same name.
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
