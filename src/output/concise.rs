//! `concise`: one line per finding, in the format of compilers and editors.

use std::io::{self, Write};

use super::style::of;
use super::{Places, View, summary, text::clean};
use crate::report::Report;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    if view.statistics {
        return match report.findings.is_empty() {
            true => Ok(()),
            false => out.write_all(summary::table(report, view).as_bytes()),
        };
    }
    lines(report, view).try_for_each(|line| writeln!(out, "{line}"))
}

/// Returns one line for each finding.
pub fn lines<'r>(report: &'r Report, view: &'r View) -> impl Iterator<Item = String> + 'r {
    let mut places = Places::new(report);
    report.findings.iter().map(move |finding| {
        let (start, _) = places.of(&finding.path, finding.span);
        let rule = of(finding.level).on(format_args!("{}[{}]", finding.level, finding.rule), view.stream.color);
        let path = clean(&view.path(&finding.path)).into_owned();
        format!("{path}:{}:{}: {rule}: {}", start.line, start.column, clean(&finding.message))
    })
}
