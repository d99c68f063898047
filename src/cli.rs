//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::finding::Level;
use crate::output::Format;

/// Holds Nix infrastructure repositories to one policy.
#[derive(Debug, Parser)]
#[command(name = "flakeward", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    /// What to do; `check` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `check`, which is what runs where no command is given.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check files and folders (the default command)
    Check(CheckArgs),
}

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Files and folders to report on; facts always come from the whole repository
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Exit with 1 at findings of this level or worse
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub fail_on: Level,
    /// Threads to use; as many as there are cores where nothing is said
    #[arg(short, value_name = "N", default_value_t = 0)]
    pub jobs: usize,
}
