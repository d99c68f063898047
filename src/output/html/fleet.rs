//! The page about many repositories: findings by repository and rule, trends, versions and policies.

use std::fmt::Write as _;

use super::{escape, page, table};
use crate::fleet::{Fleet, Repository, Totals};
use crate::output::text::count;

/// The page.
pub fn write(fleet: &Fleet) -> String {
    let totals = fleet.totals();
    let mut body = format!(
        "<h1>flakeward: {}</h1>\n<p>{}, {}, {} on <time datetime=\"{date}\">{date}</time>.</p>\n",
        count(fleet.repositories.len(), "repository").replace("repositorys", "repositories"),
        count(totals.errors, "error"),
        count(totals.warnings, "warning"),
        count(totals.hints, "hint"),
        date = fleet.date,
    );
    let sections = [
        ("repositories", "Repositories", repositories(fleet)),
        ("rules", "Repositories and rules", matrix(fleet)),
        ("trend", "Trend", trend(fleet)),
        ("lowered", "Rules lowered locally", lowered(fleet)),
    ];
    body.push_str("<nav aria-label=\"Sections\"><ul>\n");
    for (id, title, _) in &sections {
        let _ = writeln!(body, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    body.push_str("</ul></nav>\n");
    body.push_str(
        "<form class=\"filters rows\" aria-label=\"Filter repositories\">\n\
         <label>Repository <input name=\"text\" type=\"search\"></label>\n<button type=\"reset\">Reset</button>\n\
         </form>\n<p id=\"shown\" role=\"status\"></p>\n",
    );
    for (id, title, content) in sections {
        let _ = write!(
            body,
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{content}</section>\n"
        );
    }
    page("flakeward: all repositories", &body)
}

fn text(text: &str) -> String {
    escape(text).into_owned()
}

fn repositories(fleet: &Fleet) -> String {
    let columns = [
        ("Repository", false),
        ("Errors", true),
        ("Warnings", true),
        ("Hints", true),
        ("Accepted", true),
        ("Expired", true),
        ("Checked", false),
        ("Days ago", true),
        ("State", false),
        ("flakeward", false),
        ("Policy", false),
    ];
    let row = |repository: &Repository| {
        let latest = repository.latest();
        let is_stale = fleet.is_stale(repository);
        let state = if is_stale { "<span class=\"conflict\">not checked recently</span>" } else { "" };
        vec![
            text(&repository.name),
            latest.totals.errors.to_string(),
            latest.totals.warnings.to_string(),
            latest.totals.hints.to_string(),
            latest.accepted.to_string(),
            latest.expired.to_string(),
            latest.date.map(|date| date.to_string()).unwrap_or_default(),
            fleet.age(repository).map(|age| age.to_string()).unwrap_or_default(),
            state.to_owned(),
            text(&latest.version),
            text(&latest.policy),
        ]
    };
    table("repositories-table", "All repositories", &columns, fleet.repositories.iter().map(row))
}

fn matrix(fleet: &Fleet) -> String {
    let rules = fleet.rules();
    if rules.is_empty() {
        return "<p>No findings.</p>\n".to_owned();
    }
    let mut out =
        "<div class=\"wide\" role=\"region\" aria-label=\"Findings by repository and rule\" tabindex=\"0\">\n\
                   <table id=\"matrix\">\n<caption>Findings by repository and rule</caption>\n<thead><tr>\
                   <th scope=\"col\"><button type=\"button\">Repository</button></th>"
            .to_owned();
    for rule in &rules {
        let _ =
            write!(out, "<th scope=\"col\" class=\"number\"><button type=\"button\">{}</button></th>", escape(rule));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let latest = fleet.repositories.iter().map(Repository::latest);
    let most = latest.flat_map(|check| check.rules.values().copied()).max().unwrap_or(0);
    for repository in &fleet.repositories {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(&repository.name));
        for rule in &rules {
            match repository.latest().rules.get(*rule) {
                Some(count) => {
                    let _ = write!(out, "<td class=\"number {}\">{count}</td>", shade(*count, most));
                }
                None => out.push_str("<td class=\"number\"></td>"),
            }
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody>\n</table>\n</div>\n"
}

/// The CSS class that shades a cell by its number, relative to the largest number.
fn shade(count: usize, most: usize) -> &'static str {
    match count * 3 / most.max(1) {
        0 => "few",
        1 => "some",
        _ => "many",
    }
}

fn trend(fleet: &Fleet) -> String {
    let days = fleet.trend();
    if days.is_empty() {
        return "<p>No report has a date.</p>\n".to_owned();
    }
    let columns = [("Date", false), ("Repositories", true), ("Errors", true), ("Warnings", true), ("Hints", true)];
    let rows = days.iter().map(|(date, repositories, totals)| {
        let numbers = [*repositories, totals.errors, totals.warnings, totals.hints];
        std::iter::once(date.to_string()).chain(numbers.map(|number| number.to_string())).collect()
    });
    let series: Vec<&Totals> = days.iter().map(|(_, _, totals)| totals).collect();
    chart(&series) + &table("trend-table", "All dates", &columns, rows)
}

/// A line chart of the findings per level over time; empty if there are fewer than two dates.
fn chart(days: &[&Totals]) -> String {
    const WIDTH: usize = 960;
    const HEIGHT: usize = 240;
    let most = days.iter().flat_map(|day| [day.errors, day.warnings, day.hints]).max().unwrap_or(0).max(1);
    if days.len() < 2 {
        return String::new();
    }
    let mut out = format!(
        "<figure class=\"picture\">\n<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Findings by level over \
         time; the table below has the numbers\">\n<path class=\"axis\" d=\"M50 10 V{HEIGHT} H{WIDTH}\"/>\n\
         <text class=\"start\" x=\"4\" y=\"20\">{most}</text><text class=\"start\" x=\"4\" y=\"{HEIGHT}\">0</text>\n",
        HEIGHT + 30
    );
    let levels = ["error", "warn", "hint"];
    for (index, level) in levels.iter().enumerate() {
        let of = |day: &Totals| [day.errors, day.warnings, day.hints][index];
        let point = |(at, day): (usize, &&Totals)| {
            let x = 50 + (WIDTH - 60) * at / (days.len() - 1);
            let y = HEIGHT - (HEIGHT - 20) * of(day) / most;
            format!("{}{x} {y}", if at == 0 { "M" } else { "L" })
        };
        let path: Vec<String> = days.iter().enumerate().map(point).collect();
        let (x, y) = (60 + index * 140, HEIGHT + 22);
        let _ = writeln!(
            out,
            "<path class=\"series {level}\" d=\"{}\"/>\n<path class=\"series {level}\" d=\"M{x} {} h30\"/>\
             <text class=\"start\" x=\"{}\" y=\"{y}\">{level}</text>",
            path.join(" "),
            y - 4,
            x + 38,
        );
    }
    out + "</svg>\n</figure>\n"
}

fn lowered(fleet: &Fleet) -> String {
    let rows: Vec<Vec<String>> = fleet
        .repositories
        .iter()
        .flat_map(|repository| repository.latest().lowered.iter().map(move |lowered| (repository, lowered)))
        .map(|(repository, lowered)| {
            vec![text(&repository.name), text(&lowered.rule), text(&lowered.level), text(&lowered.default)]
        })
        .collect();
    if rows.is_empty() {
        return "<p>No repository lowers the level of a rule.</p>\n".to_owned();
    }
    let columns = [("Repository", false), ("Rule", false), ("Level", false), ("Instead of", false)];
    table("lowered-table", "Rules that repositories switch off or lower", &columns, rows)
}
