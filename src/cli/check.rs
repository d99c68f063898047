//! The options of `check` and `fix`.

use std::path::PathBuf;

use clap::Args;

use super::values::reported_level;
use super::{OutputArgs, Reports, ScopeArgs};
use crate::finding::Level;

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Exit with code 2 if no input file matches any rule
    #[arg(long, help_heading = "Input options")]
    pub require_inputs: bool,
    /// Path to assume for stdin if PATH is `-`; selects the file type and the settings that apply
    #[arg(long, value_name = "PATH", help_heading = "Input options")]
    pub stdin_filename: Option<PathBuf>,
    /// Report only findings on lines changed since the merge base of REF and HEAD [default REF: the main branch]
    #[arg(
        long,
        value_name = "REF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = "Input options"
    )]
    pub changed: Option<String>,
    /// Report only findings that are absent at the merge base of REF and HEAD, compared by fingerprint
    ///
    /// Unlike --changed, this includes findings that a change causes on unchanged lines.
    #[arg(long, value_name = "REF", conflicts_with_all = ["changed", "frozen"], help_heading = "Input options")]
    pub new_since: Option<String>,
    /// Baseline of accepted findings, written by `flakeward baseline` [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
    /// Report baseline entries that match nothing as errors, so that the baseline can only shrink
    #[arg(long, conflicts_with_all = ["changed", "isolated"], help_heading = "Configuration options")]
    pub frozen: bool,
    /// The reports to write.
    #[command(flatten)]
    pub reports: Reports,
    /// Exit with code 1 if a finding has this level or a more severe one: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report options")]
    pub fail_on: Level,
    /// Print counts by rule instead of the findings (formats pretty and concise)
    #[arg(long, help_heading = "Report options")]
    pub statistics: bool,
    /// Print timing statistics to stderr
    #[arg(long, help_heading = "Report options")]
    pub stats: bool,
    /// Output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `fix`.
#[derive(Debug, Args)]
pub struct FixArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Exit with code 2 if no input file matches any rule
    #[arg(long, help_heading = "Input options")]
    pub require_inputs: bool,
    /// Also apply fixes that may change evaluation or locked inputs, or that create files
    #[arg(long = "unsafe")]
    pub needs_unsafe: bool,
    /// Print the changes as a diff (for `git apply` in the root) without writing them
    #[arg(long)]
    pub diff: bool,
    /// Also fix findings that the baseline accepts
    #[arg(long)]
    pub accepted: bool,
    /// Baseline of accepted findings, which are not fixed [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", conflicts_with = "accepted", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
    /// Exit with code 1 if a remaining finding has this level or a more severe one: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report options")]
    pub fail_on: Level,
    /// Output options.
    #[command(flatten)]
    pub output: OutputArgs,
}
