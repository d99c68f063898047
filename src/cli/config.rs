//! The options of `init` and `config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ScopeArgs;
use crate::output::stream::When;

/// The help text of PATH for `config show`.
const SHOWN_PATH: &str = "The path whose settings to show [default: the whole repository]";

/// The options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The repository, or a path in it [default: the repository of the working directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of flakeward.toml
    Schema,
    /// Show the effective settings of a path or the whole repository, and where each one is set
    #[command(mut_arg("paths", |paths| paths.help(SHOWN_PATH)))]
    Show(Box<ConfigShowArgs>),
}

/// The options of `config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Format of the settings
    #[arg(long, short, value_name = "FORMAT", default_value = "toml")]
    pub format: ConfigFormat,
}

/// The formats of `config show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// TOML, with the origin of each value in a comment.
    Toml,
    /// A JSON document.
    Json,
}
