//! flakeward holds Nix infrastructure repositories to one policy.
//!
//! The way of the data: [`walk`] lists the repository, [`source`] is a file's text, [`lang`] its tree; [`rule`] and
//! [`check`] leave [`finding`]s and, for what only the whole repository can show, [`facts`]; [`run`] puts it
//! together, [`suppress`] silences, [`output`] writes, [`mod@fix`] mends; [`command`] is what the flags ([`cli`]) ask
//! for; [`trial`] runs the examples of rules' pages. [`run::check`] is the one entry that tests use.
//!
//! Rules of the house:
//! - `lang`, `rule`, `check`, `facts` and `rewrite` do no I/O and print nothing; checks see their parameters, never the
//!   configuration file; nothing outside `output` writes for people; nothing outside `walk`, `fix` and `command` touches
//!   the disk.
//! - Spans are bytes until `output`; everything is sorted by (path, place, rule) before it leaves.
//! - Bad input, or a panic inside one check, becomes a finding or a note, never a lost file.

pub mod analysis;
pub mod check;
pub mod cli;
pub mod command;
pub mod config;
pub mod facts;
mod file_pass;
pub mod finding;
pub mod fingerprint;
pub mod fix;
pub mod knowledge;
pub mod lang;
pub mod migrate;
pub mod output;
pub mod panics;
pub mod paths;
pub mod port_map;
pub mod repo;
pub mod report;
pub mod rewrite;
pub mod rule;
pub mod run;
pub mod settings;
mod settle;
pub mod source;
pub mod spans;
pub mod suggest;
pub mod suppress;
pub mod toml_text;
pub mod trial;
pub mod walk;

pub use analysis::Analysis;
pub use repo::Repo;
pub use report::Report;
pub use run::check;
pub use settings::Settings;
