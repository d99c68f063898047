//! The findings of a page, with code frames and filters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{escape, inline};
use crate::finding::{Finding, RelPath};
use crate::lang::codeowners::Owners;
use crate::output::frame::{Frame, Mark, Room, frames};
use crate::output::{Places, View, web_page};
use crate::report::Report;
use crate::{fingerprint, paths};

/// The name shown if there is no owner.
const NOBODY: &str = "nobody";

/// The maximum number of frames in other files for one finding.
const OTHER_FRAMES: usize = 3;

/// The findings, and the filter form.
pub fn section(report: &Report, view: &View, owners: &Owners, places: &mut Places<'_>) -> String {
    if report.findings.is_empty() {
        return "<p>No findings.</p>\n".to_owned();
    }
    let mut out = form(report, owners);
    for finding in &report.findings {
        article(&mut out, finding, view, owners, places);
    }
    out
}

fn owners_of<'o>(owners: &'o Owners, path: &str) -> Vec<&'o str> {
    match owners.of(path) {
        [] => vec![NOBODY],
        named => named.iter().map(String::as_str).collect(),
    }
}

fn form(report: &Report, owners: &Owners) -> String {
    let findings = || report.findings.iter();
    let rules: BTreeSet<&str> = findings().map(|finding| finding.rule).collect();
    let levels: BTreeSet<_> = findings().map(|finding| finding.level).collect();
    let levels: Vec<&str> = levels.iter().rev().map(|level| level.name()).collect();
    let folders: BTreeSet<&str> = findings().flat_map(|finding| paths::folders(&finding.path)).collect();
    let owned: BTreeSet<&str> = findings().flat_map(|finding| owners_of(owners, &finding.path)).collect();
    let mut out = "<form class=\"filters\" aria-label=\"Filter the findings\">\n".to_owned();
    select(&mut out, "rule", "Rule", rules.into_iter());
    select(&mut out, "level", "Level", levels.into_iter());
    select(&mut out, "folder", "Folder", folders.into_iter());
    select(&mut out, "owner", "Owner", owned.into_iter());
    out.push_str("<label>Text <input type=\"search\" name=\"text\"></label>\n<button type=\"reset\">Reset</button>\n");
    let count = report.findings.len();
    let _ = write!(out, "</form>\n<p id=\"shown\" role=\"status\">{count} of {count} findings</p>\n");
    out
}

fn select<'a>(out: &mut String, name: &str, title: &str, options: impl Iterator<Item = &'a str>) {
    let _ = write!(out, "<label>{title} <select name=\"{name}\"><option value=\"\">all</option>");
    for option in options {
        let _ = write!(out, "<option>{}</option>", escape(option));
    }
    out.push_str("</select></label>\n");
}

fn article(out: &mut String, finding: &Finding, view: &View, owners: &Owners, places: &mut Places<'_>) {
    let start = places.of(&finding.path, finding.span).0;
    let owned = owners_of(owners, &finding.path);
    let (rule, level, path) = (escape(finding.rule), finding.level, escape(&finding.path));
    let id = fingerprint::text(finding.fingerprint);
    let _ = write!(
        out,
        "<article id=\"f-{id}\" data-rule=\"{rule}\" data-level=\"{level}\" data-folder=\"{path}\" data-owner=\"{}\">\n\
         <h3><span class=\"level {level}\">{level}</span> {}</h3>\n",
        escape(&owned.join(" ")),
        inline(&finding.message),
    );
    let page = match web_page(finding.rule, places.catalog()) {
        Some(url) => format!("<a href=\"{}\">{rule}</a>", escape(&url)),
        None => rule.into_owned(),
    };
    let place = format!("{}:{}:{}", view.path(&finding.path), start.line, start.column);
    let _ = writeln!(
        out,
        "<p class=\"where\"><code>{}</code> {page}, owner {}</p>",
        escape(&place),
        escape(&owned.join(" "))
    );
    for (path, marks) in marks(finding) {
        let limit = if path == finding.path { usize::MAX } else { OTHER_FRAMES };
        let Some((source, index)) = places.lines(&path) else { continue };
        for frame in frames(&source.text, index, marks, Room::PAGE).into_iter().take(limit) {
            figure(out, &view.path(&path), &frame);
        }
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "<p class=\"help\">{}</p>", inline(help));
    }
    if let Some(fix) = &finding.fix {
        let command = if fix.safety == crate::finding::Safety::Safe { "" } else { " --unsafe" };
        let _ =
            writeln!(out, "<p class=\"help\">Fix: {} (<code>flakeward fix{command}</code>)</p>", inline(&fix.title));
    }
    out.push_str("</article>\n");
}

/// The positions of a finding by file. Its own file comes first.
fn marks(finding: &Finding) -> Vec<(RelPath, Vec<Mark>)> {
    let own = Mark { span: finding.span, text: finding.label.clone(), primary: true };
    let mut others: BTreeMap<RelPath, Vec<Mark>> = BTreeMap::new();
    for label in &finding.labels {
        let mark = Mark { span: label.span, text: label.message.clone(), primary: false };
        others.entry(label.path.clone()).or_default().push(mark);
    }
    let mut first = vec![own];
    first.append(&mut others.remove(&finding.path).unwrap_or_default());
    std::iter::once((finding.path.clone(), first)).chain(others).collect()
}

/// Writes some lines of a file, each with the labels of its positions below it.
fn figure(out: &mut String, path: &str, frame: &Frame) {
    let _ = write!(out, "<figure><figcaption>{}:{}</figcaption>\n<pre>", escape(path), frame.place.line);
    let mut start = 0;
    for (number, line) in (frame.first_line..).zip(frame.text.lines()) {
        let end = start + line.len();
        let here: Vec<_> = frame.marks.iter().filter(|(range, _)| (start..=end).contains(&range.start)).collect();
        let _ = write!(out, "<span class=\"line\">{number:>4}</span> ");
        let mut at = start;
        for (range, mark) in &here {
            // If positions overlap, the first is marked.
            let (from, to) = (range.start.max(at), range.end.min(end).max(at));
            let class = if mark.primary { "" } else { " class=\"other\"" };
            let (before, marked) = (&frame.text[at..from.min(end)], &frame.text[from.min(end)..to]);
            let _ = write!(out, "{}<mark{class}>{}</mark>", code(before), code(marked));
            at = to;
        }
        let _ = writeln!(out, "{}", code(&frame.text[at.min(end)..end]));
        for (_, mark) in here.iter().filter(|(_, mark)| !mark.text.is_empty()) {
            let class = if mark.primary { "note" } else { "note other" };
            let _ = writeln!(out, "<span class=\"{class}\">     {}</span>", inline(&mark.text));
        }
        start = end + 1;
    }
    out.push_str("</pre></figure>\n");
}

/// A line of a frame. Tabs become spaces, and other control characters are escaped.
fn code(text: &str) -> String {
    text.split('\t').map(escape).collect::<Vec<_>>().join("    ")
}
