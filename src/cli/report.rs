//! The options of `report`.

use std::path::PathBuf;

use clap::Args;

use super::values::date;
use crate::output::fleet::FleetFormat;

/// The options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// JSON reports from `flakeward check --format json`; reports on one repository from several dates show a trend
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, short, value_name = "FORMAT", default_value = "html")]
    pub format: FleetFormat,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Number of days after which a repository counts as not checked
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub stale_after: u16,
    /// Reference date for ages: YYYY-MM-DD or seconds since 1970 [default: $SOURCE_DATE_EPOCH, or today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub now: Option<jiff::civil::Date>,
}
