//! `jsonl`: the findings of `json`, one per line, for programs that read a stream.

use std::io::{self, Write};

use super::{Places, View, json};
use crate::report::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(report);
    for finding in &report.findings {
        serde_json::to_writer(&mut *out, &json::finding(finding, view, &mut places))?;
        writeln!(out)?;
    }
    Ok(())
}
