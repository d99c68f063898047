//! The table of acceptances.

use super::{escape, table};
use crate::output::accepted::Entry;

/// The table, or a message if nothing is accepted.
pub fn section(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "<p>No acceptances.</p>\n".to_owned();
    }
    let columns = [
        ("By", false),
        ("Rule", false),
        ("For", false),
        ("Written at", false),
        ("Owner", false),
        ("Age in days", true),
        ("Until", false),
        ("State", false),
        ("Reason", false),
    ];
    let row = |entry: &Entry| {
        let accepted = &entry.accepted;
        let state = accepted.state.name();
        vec![
            accepted.means.name().to_owned(),
            escape(accepted.rule.as_deref().unwrap_or("all rules")).into_owned(),
            escape(&accepted.subject).into_owned(),
            escape(&format!("{}:{}", accepted.path, entry.line)).into_owned(),
            escape(&entry.owner.names().join(" ")).into_owned(),
            entry.age.map(|age| age.to_string()).unwrap_or_default(),
            accepted.until.map(|until| until.to_string()).unwrap_or_default(),
            format!("<span class=\"state {state}\">{}</span>", state.replace('-', " ")),
            escape(&accepted.reason).into_owned(),
        ]
    };
    table("accepted-table", "What is accepted", &columns, entries.iter().map(row))
}
