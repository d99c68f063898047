//! The options of `migrate`.

use clap::{Args, Subcommand, ValueEnum};

use super::{RepoArgs, ScopeArgs};
use crate::output::stream::When;

/// The options of `migrate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct MigrateArgs {
    /// The subcommand; `None` migrates everything.
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Options for writing the result.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// The subcommands of `migrate`.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Migrate the Compose files of a project to process-compose-flake and services-flake; later files override earlier ones
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Compose files, in order")))]
    Compose(MigrateFilesArgs),
    /// Migrate Dockerfiles to `packages.container-NAME = nix2container.buildImage { .. }`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Dockerfiles")))]
    Dockerfile(MigrateFilesArgs),
    /// Migrate forAllSystems, genAttrs over systems and flake-utils to mkFlake and perSystem of flake-parts
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The flake [default: flake.nix]")))]
    Flake(MigrateFilesArgs),
    /// Migrate `docker build` in CI to `nix build .#container-NAME`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The CI files [default: all]")))]
    Ci(MigrateFilesArgs),
}

/// The options of the subcommands of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateFilesArgs {
    /// Input and configuration options.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Options for writing the result.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// Options for writing the result of a migration.
#[derive(Debug, Clone, Args)]
pub struct MigrateHow {
    /// Write the files instead of printing a diff for `git apply` in the root
    #[arg(long, help_heading = "Migration options")]
    pub write: bool,
    /// Also overwrite files with uncommitted changes
    #[arg(long, requires = "write", help_heading = "Migration options")]
    pub force: bool,
    /// Report format
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty", help_heading = "Migration options")]
    pub format: MigrateFormat,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The formats of a migration's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MigrateFormat {
    /// A diff on standard output, and the report on standard error.
    Pretty,
    /// A JSON document with the fields `carried`, `left`, `errors` and `files`.
    Json,
}
