//! `pretty`: for people. The only file that knows miette.

use std::io::{self, Write};

use super::{View, stream::Stream};
use crate::config::ConfigError;
use crate::run::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    super::concise::write(report, view, out)
}

/// Shows what is wrong in a file of settings.
pub fn settings_error(error: &ConfigError, _stream: &Stream) -> String {
    format!("error: {error}")
}
