//! The options of `explain` and `rules`.

use clap::{Args, Subcommand, ValueEnum};

use crate::output::stream::When;

/// The options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Rule, or a group of rules to list
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `rules`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RulesArgs {
    /// The subcommand; `None` lists the rules.
    #[command(subcommand)]
    pub command: Option<RulesCommand>,
    /// Format of the list
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: ListFormat,
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Run the examples of this repository's custom rules in .flakeward/rules/
    Test,
}

/// The formats of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table.
    Pretty,
    /// A JSON document.
    Json,
}
