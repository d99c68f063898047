//! flakeward checks Nix infrastructure repositories against one policy.
//!
//! [`walk`] lists the repository, [`source`] holds the text of a file, and [`lang`] parses it. Readers extract
//! [`facts`] from the tree, and the [`mod@check`] of each [`rule`] returns [`finding`]s from the tree or from the facts
//! of all files. [`run`] is the pipeline; [`analysis`] reruns it as files change. [`suppress`] removes suppressed
//! findings, [`output`] writes the report, [`mod@fix`] applies fixes, and [`command`] implements the commands of the
//! command line ([`cli`]). [`trial`] runs the examples of rule pages.
//!
//! - `lang`, `knowledge`, `facts`, `rule`, `check` and `rewrite` do no I/O and print nothing. Checks get their
//!   parameters, never the configuration file. Only `output` writes for people. Only `walk`, `fix`, `replace`, `command`
//!   and `lsp` access the disk.
//! - A check belongs to one rule and lists the readers that it needs: what a rule reports depends on no other rule.
//! - Spans are in bytes until `output`. Everything is sorted by (path, start, rule) before it leaves the pipeline.
//! - Invalid input and a panic inside a check become findings or notes. No file is skipped silently.
//!
//! The library is an implementation detail of the binary: it has no stable API.
//!
//! `docs/architecture.md` has the map of the modules and the reasons.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)
)]

#[cfg(not(unix))]
compile_error!("flakeward runs on Linux and macOS; on Windows, build and run it in WSL");

pub mod analysis;
pub mod check;
pub mod cli;
pub mod command;
pub mod config;
mod delayed_signals;
pub mod facts;
mod file_pass;
pub mod finding;
pub mod fingerprint;
pub mod fix;
pub mod fleet;
pub mod globs;
pub mod held_back;
pub mod knowledge;
pub mod lang;
pub mod line_diff;
pub mod lsp;
pub mod migrate;
pub mod output;
pub mod panics;
pub mod paths;
pub mod port_map;
mod replace;
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
mod wording;

pub use analysis::Analysis;
pub use repo::Repo;
pub use report::Report;
pub use run::check;
pub use settings::Settings;
