//! The options of `ports`.

use clap::{Args, Subcommand, ValueEnum};

use super::{REPOSITORY, RepoArgs};
use crate::output::stream::When;

/// The help text of the last argument of `ports check`.
const FURTHER_PORTS: &str =
    "Further ports, or a path in the repository [default: the repository of the working directory]";

/// The options of `ports`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PortsArgs {
    /// The subcommand; `None` shows the port map.
    #[command(subcommand)]
    pub command: Option<PortsCommand>,
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Format of the port map, or of the exported registry (env, services, nix, ts)
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: PortsFormat,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

/// The subcommands of `ports`.
#[derive(Debug, Subcommand)]
pub enum PortsCommand {
    /// Write the registry, with a name for every port that has none, and change no other file
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Init(PortsInitArgs),
    /// Print what uses port numbers or registry entries, or that a number is free (exit code 1 if one is taken)
    #[command(mut_arg("paths", |paths| paths.value_name("PORT|PATH").help(FURTHER_PORTS)))]
    Check(PortsCheckArgs),
    /// Print a free port near the other ports of the group, neither well known nor ephemeral
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Next(PortsNextArgs),
    /// Rename an entry, and every reference to it in Nix and in comments of YAML files and Dockerfiles
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Rename(PortsRenameArgs),
}

/// The options of `ports init`.
#[derive(Debug, Args)]
pub struct PortsInitArgs {
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Print the changes as a diff without writing them
    #[arg(long)]
    pub diff: bool,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `ports check`.
#[derive(Debug, Args)]
pub struct PortsCheckArgs {
    /// Port number, or name of a registry entry or group, such as `databases.redis` or `redis`
    #[arg(value_name = "PORT")]
    pub port: String,
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
}

/// The options of `ports next`.
#[derive(Debug, Args)]
pub struct PortsNextArgs {
    /// Registry group to allocate the port in, such as `databases`
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

/// The options of `ports rename`.
#[derive(Debug, Args)]
pub struct PortsRenameArgs {
    /// Entry to rename, such as `services.app`
    #[arg(value_name = "OLD")]
    pub old: String,
    /// New name, such as `development.api`; without a dot, a name in the same group
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Print the changes as a diff without writing them
    #[arg(long)]
    pub diff: bool,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The formats of the port map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PortsFormat {
    /// A table.
    Pretty,
    /// Markdown, for a pull request.
    Markdown,
    /// A JSON document.
    Json,
    /// The registry as NAME=NUMBER lines for `.env` files and shells.
    Env,
    /// The registry as lines of /etc/services.
    Services,
    /// The registry as a Nix set of plain numbers.
    Nix,
    /// The registry as a TypeScript module.
    Ts,
}
