//! `jsonl`: the findings of `json`, one per line, for programs that read a stream.

use std::io::{self, Write};

use super::{View, json};
use crate::report::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    json::findings(report, view)?.iter().try_for_each(|finding| writeln!(out, "{}", finding.get()))
}
