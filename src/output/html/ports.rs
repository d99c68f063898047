//! The port map of a page: as a picture, and as a table.

use super::picture;
use super::{escape, table};
use crate::port_map::rows::{PortRow, Role, Use};

/// The maximum number of positions in a cell. The others are only counted.
const PLACES: usize = 8;

/// The picture and the table.
pub fn section(rows: &[PortRow]) -> String {
    if rows.is_empty() {
        return "<p>No ports.</p>\n".to_owned();
    }
    let columns = [
        ("Port", true),
        ("Name", false),
        ("Listens", false),
        ("Connects", false),
        ("Other uses", false),
        ("State", false),
    ];
    let row = |row: &PortRow| {
        let uses = |role: Role| places(row.uses.iter().filter(|used| used.role == role));
        let state = row.states().join(", ");
        let class = if row.conflict { " class=\"conflict\"" } else { "" };
        vec![
            row.number.to_string(),
            escape(row.name.as_deref().unwrap_or("")).into_owned(),
            uses(Role::Listens),
            uses(Role::Connects),
            uses(Role::Uses),
            format!("<span{class}>{}</span>", escape(&state)),
        ]
    };
    picture::draw(rows) + &table("ports-table", "All ports", &columns, rows.iter().map(row))
}

fn places<'a>(uses: impl Iterator<Item = &'a Use>) -> String {
    let all: Vec<&Use> = uses.collect();
    let shown = all.iter().take(PLACES).map(|used| {
        let place = format!("{}:{}", used.path, used.line);
        format!("<code>{}</code>", escape(&place))
    });
    let mut shown: Vec<String> = shown.collect();
    if all.len() > PLACES {
        shown.push(format!("and {} more", all.len() - PLACES));
    }
    shown.join(" ")
}
