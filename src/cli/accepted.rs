//! The options of `baseline` and `accepted`.

use std::path::PathBuf;

use clap::Args;

use super::ScopeArgs;
use super::values::day;
use crate::output::accepted::AcceptedFormat;

/// The options of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// File to write; `-` is stdout [default: .flakeward/baseline.json in the root]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only remove entries that no longer match anything; accept no new findings
    #[arg(long)]
    pub prune: bool,
    /// Last day on which new and expired entries apply: YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day, conflicts_with = "prune")]
    pub until: Option<jiff::civil::Date>,
    /// Reason recorded in entries that are new, renewed or without a reason
    #[arg(long, value_name = "TEXT", conflicts_with = "prune")]
    pub reason: Option<String>,
}

/// The options of `accepted`.
#[derive(Debug, Args)]
pub struct AcceptedArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Format of the list
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: AcceptedFormat,
    /// List only what has expired, or expires within this number of days
    #[arg(long, value_name = "DAYS")]
    pub expiring_in: Option<u16>,
    /// Baseline of accepted findings [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
}
