//! `docs/architecture.md` describes the modules and the reasons for this design.

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
