//! The command-line arguments, parsed by clap.

mod accepted;
mod check;
mod config;
mod migrate;
mod ports;
mod report;
mod reports;
mod rules;
mod shell;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::accepted::{AcceptedArgs, BaselineArgs};
pub use self::check::{CheckArgs, FixArgs};
pub use self::config::{ConfigArgs, ConfigCommand, ConfigFormat, InitArgs};
pub use self::migrate::{MigrateArgs, MigrateCommand, MigrateFilesArgs, MigrateFormat, MigrateHow};
pub use self::ports::{
    PortsArgs, PortsCheckArgs, PortsCommand, PortsFormat, PortsInitArgs, PortsNextArgs, PortsRenameArgs,
};
pub use self::report::ReportArgs;
pub use self::reports::{ReportTo, Reports};
pub use self::rules::{ExplainArgs, ListFormat, RulesArgs, RulesCommand};
pub use self::shell::{CompletionsArgs, ManArgs, Shell};
pub use self::values::date;
use self::values::{jobs, rule_level};
use crate::finding::Level;
use crate::output::stream::When;

/// A policy checker for Nix infrastructure repositories
///
/// Without a command, `flakeward [PATH]...` runs `check`. Exit codes: 0 no findings at or above --fail-on, 1 findings,
/// 2 an error: bad usage or configuration, a missing path, or output that could not be written.
#[derive(Debug, Parser)]
#[command(
    name = "flakeward",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The command to run. `None` runs `check`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `check`, which runs if no command is given.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The help text of PATH for `fix`.
const FIX_PATHS: &str =
    "Files and directories to fix [default: the whole repository]; the whole repository is always analysed";

/// The help text of PATH for commands that work on a whole repository.
const REPOSITORY: &str = "The repository, or a path in it [default: the repository of the working directory]";

/// The help text of PATH for `baseline`.
const BASELINE_PATHS: &str =
    "Files and directories whose entries are replaced [default: the whole repository]; other entries are kept";

/// The help text of --isolated for `baseline`.
const BASELINE_ISOLATED: &str = "Ignore the repository's configuration file, custom rules and baseline, but keep the \
                                 reasons and dates in the file that is replaced";

/// The help text of PATH for `migrate`.
const MIGRATE_PATHS: &str =
    "The repository, or directories and files in it [default: the repository of the working directory]";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check files and directories (the default command)
    Check(CheckArgs),
    /// Write a flakeward.toml that fits the repository
    Init(InitArgs),
    /// Apply safe fixes, which do not change evaluation; with --unsafe, apply all fixes
    #[command(mut_arg("paths", |paths| paths.help(FIX_PATHS)))]
    Fix(FixArgs),
    /// Show the documentation of a rule: its rationale, with bad and good examples
    Explain(ExplainArgs),
    /// List all rules, or test this repository's custom rules
    Rules(RulesArgs),
    /// Show the repository's port map, or edit its port registry
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Ports(PortsArgs),
    /// Migrate Compose files, Dockerfiles, flake helpers and Docker builds in CI; prints a diff unless --write is given
    #[command(mut_arg("paths", |paths| paths.help(MIGRATE_PATHS)))]
    Migrate(MigrateArgs),
    /// Record current findings, so that only new ones are reported
    #[command(mut_arg("paths", |paths| paths.help(BASELINE_PATHS)))]
    #[command(mut_arg("isolated", |isolated| isolated.help(BASELINE_ISOLATED)))]
    Baseline(BaselineArgs),
    /// List everything that is accepted, with its owner, age, reason and expiry
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Accepted(AcceptedArgs),
    /// Combine the JSON reports of many repositories into one page
    Report(ReportArgs),
    /// Show the schema of flakeward.toml, or the effective settings
    Config(ConfigArgs),
    /// Start the language server on stdin and stdout
    Lsp,
    /// Print a shell completion script
    Completions(CompletionsArgs),
    /// Print the manual page, or write the manual pages of all commands
    #[command(hide = true)]
    Man(ManArgs),
}

/// Options that select a repository, its files and its settings.
#[derive(Debug, Clone, Default, Args)]
pub struct RepoArgs {
    /// Files and directories to report on; the whole repository is always analysed. `-` is stdin
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also read paths from FILE, separated by newlines or NUL; `-` is stdin
    #[arg(long, value_name = "FILE", help_heading = "Input options")]
    pub files_from: Option<PathBuf>,
    /// Do not respect .gitignore and other ignore files
    #[arg(long, overrides_with = "no_ignore", help_heading = "Input options")]
    pub no_ignore: bool,
    /// Configuration file [default: flakeward.toml or .flakeward.toml in the root of the repository]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub config: Option<PathBuf>,
    /// Folder of the policy to extend, overriding the one that `[policy] extends` names
    #[arg(long, value_name = "DIR", conflicts_with = "isolated", help_heading = "Configuration options")]
    pub policy_path: Option<PathBuf>,
    /// Additional settings file, in the format of flakeward.toml, which it overrides
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub settings: Option<PathBuf>,
    /// Ignore the repository's configuration file, custom rules and baseline
    #[arg(long, conflicts_with = "config", help_heading = "Configuration options")]
    pub isolated: bool,
    /// Number of threads [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<usize>,
}

/// Options that select rules and their levels.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArgs {
    /// Run only these rules or groups (ports, containers, processes, flakes, ci, style, general); separated by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rule options")]
    pub select: Vec<String>,
    /// Skip these rules or groups; separated by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rule options")]
    pub ignore: Vec<String>,
    /// Set the level of a rule or group (off, hint, warn or error), overriding flakeward.toml; separated by commas
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',', value_parser = rule_level, help_heading = "Rule options")]
    pub level: Vec<(String, Level)>,
    /// Reference date for ages: YYYY-MM-DD or seconds since 1970 [default: $SOURCE_DATE_EPOCH, or today]
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Rule options")]
    pub now: Option<jiff::civil::Date>,
}

impl RuleArgs {
    /// Whether the command line selects the rules to run.
    pub fn selects(&self) -> bool {
        !(self.select.is_empty() && self.ignore.is_empty() && self.level.is_empty())
    }
}

/// The options of commands that run rules on a repository.
#[derive(Debug, Clone, Default, Args)]
pub struct ScopeArgs {
    /// The repository.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RuleArgs,
}

/// Output options.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Print only findings, without the summary and notes
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_accepts_the_definition() {
        Cli::command().debug_assert();
    }
}
