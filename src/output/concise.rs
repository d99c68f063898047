//! `concise`: one line per finding, as compilers and editors write it.

use std::io::{self, Write};

use super::{Places, View, text::clean};
use crate::report::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(report);
    for finding in &report.findings {
        let (start, _) = places.of(&finding.path, finding.span);
        writeln!(
            out,
            "{}:{}:{}: {}[{}]: {}",
            clean(&view.path(&finding.path)),
            start.line,
            start.column,
            finding.level,
            finding.rule,
            clean(&finding.message)
        )?;
    }
    Ok(())
}
