//! The port map as a picture: listening hosts on the left, ports in the middle, connecting hosts on the right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::escape;
use crate::output::text::count;
use crate::port_map::rows::{PortRow, Role};

/// The maximum number of ports in the picture. The table has all of them.
const MOST: usize = 120;

/// Sizes in units of the picture.
const ROW: usize = 30;
const TOP: usize = 40;
const WIDTH: usize = 960;
const BOX: usize = 240;
const PORT: usize = 260;

/// The maximum length of a name. Longer names are cut; the table has the full names.
const NAME: usize = 30;

/// Draws the ports.
pub fn draw(rows: &[PortRow]) -> String {
    let shown = &rows[..rows.len().min(MOST)];
    let listening = Side::new(shown, |role| role == Role::Listens);
    let connecting = Side::new(shown, |role| role != Role::Listens);
    let height = TOP + ROW * shown.len().max(listening.hosts.len()).max(connecting.hosts.len()) + 10;
    let middle = (WIDTH - PORT) / 2;
    let conflicts = shown.iter().filter(|row| row.conflict).count();
    let about = format!(
        "{} on {} that listen, used by {}, {}. The table below has the same information.",
        count(shown.len(), "port"),
        count(listening.hosts.len(), "host"),
        count(connecting.hosts.len(), "other host"),
        count(conflicts, "conflict"),
    );
    let mut out = format!(
        "<figure class=\"picture\">\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"map-title map-about\">\n\
         <title id=\"map-title\">Port map</title>\n<desc id=\"map-about\">{about}</desc>\n"
    );
    for (x, text) in [(BOX / 2, "listens"), (WIDTH / 2, "port"), (WIDTH - BOX / 2, "connects or uses")] {
        let _ = writeln!(out, "<text class=\"head\" x=\"{x}\" y=\"22\">{text}</text>");
    }
    let place = |index: usize, of: usize| TOP + ROW / 2 + index * ROW * shown.len().max(of) / of.max(1);
    for (side, from, to) in [(&listening, BOX, middle), (&connecting, WIDTH - BOX, middle + PORT)] {
        for (host, ports) in &side.edges {
            let y = place(side.hosts[host], side.hosts.len());
            for port in ports {
                let class = if shown[*port].conflict { "edge conflict" } else { "edge" };
                let to_y = TOP + ROW / 2 + port * ROW;
                let bend = usize::midpoint(from, to);
                let _ =
                    writeln!(out, "<path class=\"{class}\" d=\"M{from} {y} C{bend} {y} {bend} {to_y} {to} {to_y}\"/>");
            }
        }
    }
    for (index, row) in shown.iter().enumerate() {
        let class = match (row.conflict, row.name.is_some()) {
            (true, _) => "node conflict",
            (false, true) => "node",
            (false, false) => "node unregistered",
        };
        let mark = if row.conflict { "\u{26a0} " } else { "" };
        let text = format!("{mark}{} {}", row.number, row.name.as_deref().unwrap_or("(not registered)"));
        node(&mut out, class, middle, TOP + index * ROW, PORT, &text);
    }
    for (side, x) in [(&listening, 0), (&connecting, WIDTH - BOX)] {
        for (host, index) in &side.hosts {
            node(&mut out, "node host", x, place(*index, side.hosts.len()) - ROW / 2, BOX, host);
        }
    }
    out.push_str(
        "</svg>\n<figcaption>Who listens on which port, and who connects to it. Conflicts are marked with \u{26a0}",
    );
    if rows.len() > MOST {
        let _ = write!(out, "; {} more in the table", count(rows.len() - MOST, "port"));
    }
    out + ".</figcaption>\n</figure>\n"
}

fn node(out: &mut String, class: &str, x: usize, y: usize, width: usize, text: &str) {
    let cut: String = match text.chars().nth(NAME) {
        Some(_) => text.chars().take(NAME - 1).chain(['\u{2026}']).collect(),
        None => text.to_owned(),
    };
    let (middle, line) = (x + width / 2, y + 18);
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><title>{}</title><rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{}\" rx=\"4\"/>\
         <text x=\"{middle}\" y=\"{line}\">{}</text></g>",
        escape(text),
        y + 2,
        ROW - 6,
        escape(&cut),
    );
}

/// The hosts of one side, with their positions and the ports of each.
struct Side<'r> {
    hosts: BTreeMap<&'r str, usize>,
    edges: BTreeMap<&'r str, BTreeSet<usize>>,
}

impl<'r> Side<'r> {
    fn new(rows: &'r [PortRow], wanted: impl Fn(Role) -> bool) -> Self {
        let mut edges: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            for used in row.uses.iter().filter(|used| wanted(used.role)) {
                edges.entry(&used.host).or_default().insert(index);
            }
        }
        // Hosts are placed next to their ports, ordered by the mean position of their ports.
        let mut order: Vec<(&str, usize)> =
            edges.iter().map(|(host, ports)| (*host, ports.iter().sum::<usize>() * 100 / ports.len().max(1))).collect();
        order.sort_by_key(|(_, middle)| *middle);
        let hosts = order.iter().enumerate().map(|(index, (host, _))| (*host, index)).collect();
        Self { hosts, edges }
    }
}
